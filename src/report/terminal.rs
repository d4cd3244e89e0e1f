//! Progress for people: moving lines on a terminal, plain lines elsewhere.

use super::style::{Style, cut};
use super::{Reporter, counted, sanitise, span_of_time, trimmed};
use crate::engine::event::{About, Event, Stamped};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::Duration;

/// Running scenes that get a moving line; the rest is counted.
const MOST_LINES: usize = 12;
/// How often a waiting step is told again without a terminal, in seconds.
const TELL_AGAIN: f64 = 60.0;

/// What is true of the run so far.
#[derive(Debug, Default)]
struct Tally {
    takes: usize,
    done: usize,
    failed: BTreeSet<String>,
    unknown: BTreeSet<String>,
    blocked: BTreeSet<String>,
    running: BTreeSet<String>,
    credits: f64,
}

impl Tally {
    fn take(&mut self, stamped: &Stamped) {
        let scene = stamped.about.as_ref().map(take_key).unwrap_or_default();
        match &stamped.event {
            Event::Planned { takes, .. } => self.takes = *takes,
            Event::Uploading { .. }
            | Event::Submitted { .. }
            | Event::Resumed { .. }
            | Event::Followed { .. } => {
                self.running.insert(scene);
            }
            Event::Published { credits, .. } => {
                self.running.remove(&scene);
                self.done += 1;
                self.credits += credits.unwrap_or_default();
            }
            Event::Restored { .. } => {
                self.running.remove(&scene);
                self.done += 1;
            }
            Event::Failed { .. } => {
                self.running.remove(&scene);
                self.failed.insert(scene);
            }
            Event::Unknown { .. } => {
                self.running.remove(&scene);
                self.unknown.insert(scene);
            }
            Event::Blocked { .. } => {
                self.running.remove(&scene);
                self.blocked.insert(scene);
            }
            _ => {}
        }
    }

    fn line(&self) -> String {
        let mut parts = vec![format!("{} of {} done", self.done, self.takes)];
        for (count, word) in [
            (self.running.len(), "running"),
            (self.failed.len(), "failed"),
            (self.unknown.len(), "unknown"),
            (self.blocked.len(), "blocked"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {word}"));
            }
        }
        parts.push(format!("{} credits", trimmed(self.credits, 2)));
        parts.join(", ")
    }
}

/// What a scene is doing now, in words; `None` for an event that ends it or says nothing new.
fn state(event: &Event) -> Option<String> {
    Some(match event {
        Event::Uploading { bytes } => format!("uploading {}", size(*bytes)),
        Event::Submitted { .. } => "submitted".to_owned(),
        Event::Resumed { .. } => "resumed".to_owned(),
        Event::Followed { holder } => {
            format!("sent by {}; its clip is waited for", sanitise(holder, 120))
        }
        Event::Waiting { .. } => "rendering".to_owned(),
        Event::Retrying { reason, delay_s } => {
            format!("{}; again in {}", sanitise(reason, 120), span_of_time(*delay_s))
        }
        Event::Downloaded { bytes, .. } => format!("downloaded {}", size(*bytes)),
        _ => return None,
    })
}

/// An event as a line of its own; `None` for what is only a change of state.
fn told(event: &Event) -> Option<String> {
    let number = |credits: &Option<f64>| {
        credits.map(|credits| format!(", {} credits", trimmed(credits, 2))).unwrap_or_default()
    };
    Some(match event {
        Event::Published { filename, credits, candidate, .. } => {
            let done = if *candidate { "one more to choose from" } else { "done" };
            format!("{done}: {}{}", sanitise(filename, 200), number(credits))
        }
        Event::Restored { filename, from } => {
            let from = if from == "shared" { "the shared cache" } else { from };
            format!("restored from {}: {}, free", sanitise(from, 20), sanitise(filename, 200))
        }
        Event::Failed { message, .. } => format!("failed: {}", sanitise(message, 500)),
        Event::Unknown { message, .. } => format!("outcome unknown: {}", sanitise(message, 500)),
        Event::Blocked { message, .. } => format!("blocked: {}", sanitise(message, 500)),
        _ => return None,
    })
}

fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "sizes are shown with one decimal")]
    let size = bytes as f64;
    if bytes < 1_000_000 {
        return format!("{} kB", trimmed(size / 1e3, 0));
    }
    format!("{} MB", trimmed(size / 1e6, 1))
}

/// `scene 3 generate`, `scene 3 take 2 generate`.
fn named(about: &About) -> String {
    let step = about.step.map(|step| format!(" {step}")).unwrap_or_default();
    let take = about.take.filter(|take| *take > 1);
    let take = take.map(|take| format!(" take {take}")).unwrap_or_default();
    format!("scene {}{take}{step}", sanitise(&about.scene_id.to_string(), 24))
}

/// Tells the takes of a scene apart.
fn take_key(about: &About) -> String {
    format!("{}\n{}", about.scene_id.key(), about.take.unwrap_or(1))
}

/// Plain lines, one an event that matters; what waits is told again once a minute.
pub struct PlainLines<W: Write> {
    out: W,
    last_told: BTreeMap<String, f64>,
}

impl<W: Write> PlainLines<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, last_told: BTreeMap::new() }
    }

    fn line(&mut self, text: &str) {
        // A closed standard error must not stop a paid run.
        let _ = self.out.write_all(format!("{text}\n").as_bytes());
    }
}

impl<W: Write> Reporter for PlainLines<W> {
    fn event(&mut self, stamped: &Stamped) {
        let Some(about) = &stamped.about else {
            match &stamped.event {
                Event::Planned { scenes, credits, .. } => {
                    let cost = match *credits > 0.0 {
                        true => format!("up to {} credits", trimmed(*credits, 2)),
                        false => "free".to_owned(),
                    };
                    self.line(&format!("{} to work on, {cost}", counted(*scenes, "scene")));
                }
                Event::Retrying { reason, delay_s } => {
                    let text =
                        format!("{}; again in {}", sanitise(reason, 300), span_of_time(*delay_s));
                    self.line(&text);
                }
                _ => {}
            }
            return;
        };
        let name = named(about);
        let text = match &stamped.event {
            Event::Waiting { elapsed_s, .. } => {
                let last = self.last_told.get(&name).copied().unwrap_or(0.0);
                if elapsed_s - last < TELL_AGAIN {
                    return;
                }
                self.last_told.insert(name.clone(), *elapsed_s);
                format!("rendering for {}", span_of_time(*elapsed_s))
            }
            Event::Submitted { task_id, credits } => {
                let task = task_id
                    .as_deref()
                    .map(|task| format!(" as task {}", sanitise(task, 80)))
                    .unwrap_or_default();
                let credits = credits
                    .map(|credits| format!(", {} credits", trimmed(credits, 2)))
                    .unwrap_or_default();
                format!("submitted{task}{credits}")
            }
            Event::Resumed { task_id } => {
                let task = task_id
                    .as_deref()
                    .map(|task| format!(" task {}", sanitise(task, 80)))
                    .unwrap_or_default();
                format!("resumed{task}, free")
            }
            event => match told(event).or_else(|| state(event)) {
                Some(text) => text,
                None => return,
            },
        };
        self.line(&format!("{name}: {text}"));
    }
}

/// Moving lines on a terminal: one a running scene with its state and time, one that counts.
pub struct MovingLines {
    style: Style,
    titles: BTreeMap<String, String>,
    screen: MultiProgress,
    total: ProgressBar,
    bars: BTreeMap<String, ProgressBar>,
    tally: Tally,
}

impl MovingLines {
    /// Draws on standard error; `titles` are those of the scenes by key.
    pub fn new(titles: BTreeMap<String, String>, style: Style) -> Self {
        let lines = Self::on(ProgressDrawTarget::stderr_with_hz(8), titles, style);
        lines.total.enable_steady_tick(Duration::from_millis(500));
        lines
    }

    fn on(target: ProgressDrawTarget, titles: BTreeMap<String, String>, style: Style) -> Self {
        let screen = MultiProgress::with_draw_target(target);
        let total = screen.add(ProgressBar::new_spinner());
        total.set_style(template("{msg}, {elapsed}"));
        Self { style, titles, screen, total, bars: BTreeMap::new(), tally: Tally::default() }
    }

    /// The scene's moving line; `None` when enough of them are shown.
    fn bar(&mut self, about: &About) -> Option<ProgressBar> {
        let key = take_key(about);
        if let Some(bar) = self.bars.get(&key) {
            return Some(bar.clone());
        }
        if self.bars.len() >= MOST_LINES {
            return None;
        }
        let bar = self.screen.insert_before(&self.total, ProgressBar::new_spinner());
        bar.set_style(template("  {prefix} {wide_msg} {elapsed:>4}"));
        let scene = about.scene_id.key();
        let title = self.titles.get(&scene).map(String::as_str).unwrap_or_default();
        let prefix = format!("{:<6} {}", sanitise(&scene, 12), sanitise(title, 80));
        bar.set_prefix(super::style::pad(&cut(&prefix, 28), 28));
        bar.enable_steady_tick(Duration::from_millis(500));
        self.bars.insert(key, bar.clone());
        Some(bar)
    }

    fn above(&self, about: &About, event: &Event, text: &str) {
        let text = match event {
            Event::Published { .. } | Event::Restored { .. } => self.style.green(text),
            Event::Blocked { .. } => self.style.yellow(text),
            _ => self.style.red(text),
        };
        let line = format!("{}: {text}", named(about));
        let _ = self.screen.println(cut(&line, self.style.width));
    }
}

fn template(text: &str) -> ProgressStyle {
    ProgressStyle::with_template(text).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

impl Reporter for MovingLines {
    fn event(&mut self, stamped: &Stamped) {
        self.tally.take(stamped);
        if let Some(about) = &stamped.about {
            if let Some(text) = told(&stamped.event) {
                if let Some(bar) = self.bars.remove(&take_key(about)) {
                    bar.finish_and_clear();
                    self.screen.remove(&bar);
                }
                self.above(about, &stamped.event, &text);
            } else if let Some(text) = state(&stamped.event)
                && let Some(bar) = self.bar(about)
            {
                if let Event::Waiting { elapsed_s, .. } = stamped.event
                    && let Ok(elapsed) = Duration::try_from_secs_f64(elapsed_s)
                    && elapsed > bar.elapsed() + Duration::from_secs(5)
                {
                    // A task taken over from an earlier run has been rendering for longer than this one.
                    bar.set_elapsed(elapsed);
                }
                let step = about.step.map(|step| step.name()).unwrap_or_default();
                bar.set_message(format!("{step} {text}"));
            }
        } else if let Event::Retrying { reason, delay_s } = &stamped.event {
            let _ = self.screen.println(cut(
                &format!("{}; again in {}", sanitise(reason, 300), span_of_time(*delay_s)),
                self.style.width,
            ));
        }
        let hidden = self.tally.running.len().saturating_sub(self.bars.len());
        let more = if hidden > 0 { format!(" ({hidden} not shown)") } else { String::new() };
        self.total.set_message(format!("{}{more}", self.tally.line()));
        self.total.tick();
        if matches!(stamped.event, Event::RunFinished(_)) {
            self.finish();
        }
    }

    fn finish(&mut self) {
        for bar in std::mem::take(&mut self.bars).into_values() {
            bar.finish_and_clear();
        }
        self.total.finish_and_clear();
        let _ = self.screen.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::Summary;
    use crate::ledger::FailureClass;
    use crate::storyboard::{SceneId, StepKind};
    use indicatif::TermLike;
    use std::io;
    use std::sync::{Arc, Mutex, PoisonError};

    /// A terminal that only remembers everything that was ever drawn.
    #[derive(Debug, Clone, Default)]
    struct Paper(Arc<Mutex<String>>);

    impl Paper {
        fn add(&self, text: &str) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
        }

        fn text(&self) -> String {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }
    }

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, line: &str) -> io::Result<()> {
            self.add(&format!("{line}\n"));
            Ok(())
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.add(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn run() -> Vec<Stamped> {
        let at = |scene: u64, event: Event| Stamped {
            time_ms: 0,
            about: (scene > 0).then_some(About {
                scene_id: SceneId::Number(scene),
                step: Some(StepKind::Generate),
                step_index: Some(0),
                take: Some(1),
            }),
            event,
        };
        let submitted =
            |task: &str| Event::Submitted { task_id: Some(task.into()), credits: Some(60.0) };
        vec![
            at(0, Event::Planned { scenes: 4, takes: 4, credits: 240.0, unpriced_steps: 0 }),
            at(1, Event::Uploading { bytes: 1_250_000 }),
            at(1, submitted("abc")),
            at(2, submitted("d\u{1b}[2Jef")),
            at(1, Event::Waiting { elapsed_s: 20.0, next_s: 5.0 }),
            at(1, Event::Waiting { elapsed_s: 65.0, next_s: 5.0 }),
            at(1, Event::Waiting { elapsed_s: 80.0, next_s: 5.0 }),
            at(3, Event::Resumed { task_id: Some("old".into()) }),
            at(
                0,
                Event::Retrying {
                    reason: "the provider is at its limit (429)".into(),
                    delay_s: 4.0,
                },
            ),
            at(1, Event::Downloaded { sha256: String::new(), bytes: 4_000_000 }),
            at(
                1,
                Event::Published {
                    filename: "assets/clips/scene-01.mp4".into(),
                    sha256: String::new(),
                    credits: Some(60.0),
                    note: None,
                    candidate: false,
                },
            ),
            at(
                2,
                Event::Failed {
                    class: FailureClass::Moderation,
                    message: "refused".into(),
                    charged: Some(false),
                },
            ),
            at(4, Event::Blocked { reason: "budget".into(), message: "over the cap".into() }),
        ]
    }

    #[test]
    fn without_a_terminal_there_are_plain_lines() {
        let mut lines = PlainLines::new(Vec::new());
        for event in run() {
            lines.event(&event);
        }
        insta::assert_snapshot!(String::from_utf8_lossy(&lines.out));
    }

    #[test]
    fn the_count_line_follows_the_run() {
        let mut tally = Tally::default();
        for event in run() {
            tally.take(&event);
        }
        assert_eq!(tally.line(), "1 of 4 done, 1 running, 1 failed, 1 blocked, 60 credits");
    }

    #[test]
    fn finished_scenes_scroll_above_the_moving_lines() {
        let paper = Paper::default();
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(paper.clone()), 255);
        let titles = [("3".to_owned(), "Third \u{1b}light".to_owned())].into();
        let mut lines = MovingLines::on(target, titles, Style::plain(80));
        for event in run() {
            lines.event(&event);
        }
        lines.bars.values().for_each(ProgressBar::tick);
        let drawn = paper.text();
        assert!(
            drawn.contains("scene 1 generate: done: assets/clips/scene-01.mp4, 60 credits"),
            "{drawn}"
        );
        assert!(drawn.contains("3      Third ␛light"), "{drawn}");
        assert!(drawn.contains("1 of 4 done"), "{drawn}");
        let finished = Event::RunFinished(Summary::default());
        lines.event(&Stamped { time_ms: 0, about: None, event: finished });
        assert!(lines.bars.is_empty() && lines.total.is_finished(), "nothing moving stays");
    }
}
