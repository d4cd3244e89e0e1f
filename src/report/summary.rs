//! What a run did, in a few lines, and what to do next about each problem.

use super::style::{Style, wrap};
use super::{Commands, NextCommand, Reporter, counted, sanitise, scenes_named, tally, trimmed};
use crate::engine::event::{About, BalanceChange, Event, Stamped, Summary};
use crate::ledger::FailureClass;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Problems of one kind that are told one by one; the rest is counted.
const MOST_TOLD: usize = 20;

/// What stays to be said after a run, gathered from its events.
#[derive(Debug, Clone, Default)]
pub struct RunLog {
    titles: BTreeMap<String, String>,
    /// Keys of the scenes, each with its place in the storyboard.
    order: BTreeMap<String, usize>,
    failed: Vec<Problem>,
    unknown: Vec<Problem>,
    blocked: Vec<Problem>,
    errors: Vec<RunError>,
    notes: Vec<(String, String)>,
    summary: Option<Summary>,
}

#[derive(Debug, Clone)]
struct Problem {
    scene: String,
    step: Option<&'static str>,
    message: String,
    class: Option<FailureClass>,
    charged: Option<bool>,
    credits: Option<f64>,
    reason: String,
}

/// Something that concerned the whole run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunError {
    /// A stable code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl RunLog {
    /// Nothing happened yet; `titles` are those of the scenes by key.
    pub fn new(titles: BTreeMap<String, String>) -> Self {
        Self { titles, ..Self::default() }
    }

    /// The same with the keys of all scenes in the storyboard's order, in which their problems are then told.
    #[must_use]
    pub fn in_order(mut self, scenes: impl IntoIterator<Item = String>) -> Self {
        self.order = scenes.into_iter().zip(0..).collect();
        self
    }

    /// How the run ended, once it has.
    pub fn summary(&self) -> Option<&Summary> {
        self.summary.as_ref()
    }

    /// What concerned the whole run.
    pub fn errors(&self) -> &[RunError] {
        &self.errors
    }

    /// Every problem of a scene: the scene, what kind it is, and in words.
    pub fn problems_told(&self) -> Vec<(String, &'static str, String)> {
        let kinds =
            [("failed", &self.failed), ("unknown", &self.unknown), ("blocked", &self.blocked)];
        let told = kinds.iter().flat_map(|(kind, problems)| {
            problems.iter().map(|problem| {
                let step = problem.step.map(|step| format!(", {step}")).unwrap_or_default();
                (format!("{}{step}", problem.scene), *kind, problem.message.clone())
            })
        });
        told.collect()
    }

    /// Commands that lead on, best first, each once.
    pub fn next(&self, commands: &Commands) -> Vec<NextCommand> {
        let mut next: Vec<NextCommand> = Vec::new();
        let mut add = |command: NextCommand| {
            if !next.contains(&command) {
                next.push(command);
            }
        };
        for problem in &self.unknown {
            for command in unknown_commands(problem, commands) {
                add(command);
            }
        }
        for problem in &self.failed {
            if let Some((_, command)) = failed_advice(problem, commands) {
                add(command);
            }
        }
        if self.summary.as_ref().is_some_and(|summary| summary.still_running > 0) {
            add(commands.free("render", &[]));
        }
        next
    }

    /// The text for people, ending in a line break.
    pub fn text(&self, commands: &Commands, style: Style) -> String {
        let mut out = String::new();
        let summary = self.summary.clone().unwrap_or_default();
        for error in &self.errors {
            let _ = writeln!(out, "{} {}", style.red("error:"), sanitise(&error.message, 1000));
            if let Some(hint) = &error.hint {
                let _ = writeln!(out, " {} {}", style.cyan("hint:"), sanitise(hint, 1000));
            }
        }
        self.problems(&mut out, "failed", &self.failed, style, |problem| {
            let charge = match problem.charged {
                Some(true) => " (charged)",
                Some(false) => " (not charged)",
                None => "",
            };
            let advice = failed_advice(problem, commands);
            (format!("{}{charge}", problem.message), advice.into_iter().collect())
        });
        self.problems(&mut out, "unknown", &self.unknown, style, |problem| {
            let reserved = problem
                .credits
                .map(|credits| format!(" ({} credits stay reserved)", trimmed(credits, 2)))
                .unwrap_or_default();
            let [adopt, forget, resubmit] = unknown_commands(problem, commands);
            (
                format!("{}{reserved}", problem.message),
                vec![
                    ("when the provider's log shows the task:", adopt),
                    ("when it shows none:", forget),
                    ("to pay for it again now:", resubmit),
                ],
            )
        });
        self.blocked(&mut out, commands, style);
        for (scene, note) in self.notes.iter().take(MOST_TOLD) {
            let _ = writeln!(
                out,
                "{} {}: {}",
                style.dim("note"),
                self.named(scene),
                sanitise(note, 300)
            );
        }
        if summary.interrupted {
            out.push_str("interrupted: every task that was submitted is on record\n");
        }
        if summary.still_running > 0 {
            let _ = writeln!(
                out,
                "{} still running at the provider; collect with: {}",
                counted(summary.still_running, "task"),
                commands.free("render", &[]).command
            );
        }
        for (index, line) in
            wrap(&result_line(&summary), style.width.saturating_sub(2)).iter().enumerate()
        {
            let _ = writeln!(out, "{}{}", if index == 0 { "" } else { "  " }, style.bold(line));
        }
        for change in &summary.balances {
            let _ = writeln!(out, "{}", balance_line(change, &summary));
        }
        out
    }

    fn problems<'a>(
        &self,
        out: &mut String,
        word: &str,
        problems: &'a [Problem],
        style: Style,
        told: impl Fn(&'a Problem) -> (String, Vec<(&'static str, NextCommand)>),
    ) {
        for problem in problems.iter().take(MOST_TOLD) {
            let (message, advice) = told(problem);
            let step = problem.step.map(|step| format!(", {step}")).unwrap_or_default();
            let head =
                format!("{}{step}: {}", self.named(&problem.scene), sanitise(&message, 1000));
            let lines = wrap(&head, style.width.saturating_sub(10));
            for (index, line) in lines.iter().enumerate() {
                let word = if index == 0 { format!("{word:8}") } else { " ".repeat(8) };
                let _ = writeln!(out, "{} {line}", style.red(word));
            }
            for (when, command) in advice {
                let _ = writeln!(out, "           {when}");
                let _ = writeln!(out, "             {}", sanitise(&command.command, 500));
            }
        }
        if problems.len() > MOST_TOLD {
            let _ = writeln!(out, "{} and {} more", word, problems.len() - MOST_TOLD);
        }
    }

    fn blocked(&self, out: &mut String, commands: &Commands, style: Style) {
        let mut by_reason: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for problem in &self.blocked {
            by_reason.entry((&problem.reason, &problem.message)).or_default().push(&problem.scene);
        }
        for ((reason, message), scenes) in by_reason {
            let named = scenes_named(&scenes, MOST_TOLD, |scene| sanitise(scene, 40));
            let head = format!("{named}: {}", sanitise(message, 500));
            for (index, line) in wrap(&head, style.width.saturating_sub(10)).iter().enumerate() {
                let word = match index {
                    0 if reason == "absent" => "absent  ",
                    0 => "blocked ",
                    _ => "        ",
                };
                let _ = writeln!(out, "{} {line}", style.yellow(word));
            }
            let advice = match reason {
                "budget" => Some((
                    "with a higher cap; the smallest of `--max-credits` and `[budget]` counts:",
                    commands.spending("render", &["--max-credits", "N"]),
                )),
                "credits" => {
                    Some(("after a top-up at https://kie.ai:", commands.spending("render", &[])))
                }
                "price-unknown" => Some((
                    "without a cap the step may run; see its model:",
                    NextCommand::free("storyreel models"),
                )),
                "absent" => Some(("to make them anew:", {
                    commands.spending("render", &["--rerender-absent", &scenes.join(",")])
                })),
                _ => None,
            };
            if let Some((when, command)) = advice {
                let _ = writeln!(out, "           {when}");
                let _ = writeln!(out, "             {}", command.command);
            }
        }
    }

    /// `scene 3 "First light"`.
    fn named(&self, scene: &str) -> String {
        let id = sanitise(scene, 40);
        match self.titles.get(scene) {
            Some(title) if !title.is_empty() => format!("scene {id} \"{}\"", sanitise(title, 40)),
            _ => format!("scene {id}"),
        }
    }
}

/// What the account says of the run: `balance: 1000 before, 916.5 now (83.5 less)`. Tasks that are not over have their
/// price taken off already, and other programs may use the account.
fn balance_line(change: &BalanceChange, summary: &Summary) -> String {
    let fallen = change.before - change.after;
    let mut line = format!(
        "balance: {} before, {} now ({} {})",
        trimmed(change.before, 2),
        trimmed(change.after, 2),
        trimmed(fallen.abs(), 2),
        if fallen < 0.0 { "more" } else { "less" }
    );
    let apart = fallen - summary.credits;
    let open = summary.still_running + summary.unknown;
    if apart.abs() > 0.005 && open == 0 {
        let _ = write!(
            line,
            "; the tasks account for {}, the rest may be other work on the account",
            trimmed(summary.credits, 2)
        );
    } else if open > 0 {
        let _ = write!(line, "; {} not settled", counted(open, "task"));
    }
    line
}

/// One line: what was done, what was not, what it cost.
pub fn result_line(summary: &Summary) -> String {
    let done = tally(&[
        (summary.rendered, "rendered"),
        (summary.takes, "more to choose from"),
        (summary.restored, "restored"),
        (summary.failed, "failed"),
        (summary.unknown, "unknown"),
        (summary.over_budget, "held back by budget, credits or price"),
        (summary.still_running, "still running"),
    ]);
    let done = done.unwrap_or_else(|| "nothing was rendered".to_owned());
    if summary.credits > 0.0 || summary.estimate > 0.0 {
        format!(
            "{done}; {} credits spent, {} estimated",
            trimmed(summary.credits, 2),
            trimmed(summary.estimate, 2)
        )
    } else {
        done
    }
}

fn unknown_commands(problem: &Problem, commands: &Commands) -> [NextCommand; 3] {
    let scene = problem.scene.as_str();
    [
        commands.free("adopt", &[scene, "--task", "ID"]),
        commands.free("forget", &[scene]),
        commands.spending("render", &["--resubmit-unknown", scene]),
    ]
}

fn failed_advice(problem: &Problem, commands: &Commands) -> Option<(&'static str, NextCommand)> {
    let only = ["--only", problem.scene.as_str()];
    match problem.class? {
        FailureClass::Passing | FailureClass::Other => {
            Some(("a passing fault; the next run tries again:", commands.spending("render", &only)))
        }
        FailureClass::Moderation | FailureClass::Input => {
            Some(("edit the scene, then:", commands.spending("render", &only)))
        }
        FailureClass::Key => Some(("check `KIE_API_KEY`, then:", commands.spending("render", &[]))),
        FailureClass::Credits => {
            Some(("after a top-up at https://kie.ai:", commands.spending("render", &[])))
        }
        FailureClass::Lost => Some((
            "the provider has no result; to make a new take:",
            commands.spending("render", &["--retake", problem.scene.as_str()]),
        )),
    }
}

impl Reporter for RunLog {
    fn event(&mut self, stamped: &Stamped) {
        let about = |about: &Option<About>| {
            about.as_ref().map_or((String::new(), None), |about| {
                (about.scene_id.key(), about.step.map(|step| step.name()))
            })
        };
        let (scene, step) = about(&stamped.about);
        let problem = |message: &str| Problem {
            scene: scene.clone(),
            step,
            message: message.to_owned(),
            class: None,
            charged: None,
            credits: None,
            reason: String::new(),
        };
        match &stamped.event {
            Event::Failed { class, message, charged } => self.failed.push(Problem {
                class: Some(*class),
                charged: *charged,
                ..problem(message)
            }),
            Event::Unknown { message, credits } => {
                self.unknown.push(Problem { credits: *credits, ..problem(message) });
            }
            Event::Blocked { reason, message } => {
                self.blocked.push(Problem { reason: reason.clone(), ..problem(message) });
            }
            Event::Error { code, message, hint } => self.errors.push(RunError {
                code: code.clone(),
                message: message.clone(),
                hint: hint.clone(),
            }),
            Event::Published { note: Some(note), .. } => self.notes.push((scene, note.clone())),
            Event::RunFinished(summary) => {
                self.summary = Some(summary.clone());
                let place = |scene: &str| self.order.get(scene).copied().unwrap_or(usize::MAX);
                for problems in [&mut self.failed, &mut self.unknown, &mut self.blocked] {
                    problems.sort_by_key(|problem| place(&problem.scene));
                }
                self.notes.sort_by_key(|(scene, _)| place(scene));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storyboard::{SceneId, StepKind};

    fn log() -> RunLog {
        let mut log = RunLog::new([("5".to_owned(), "The storm".to_owned())].into());
        let mut take = |scene: &str, event: Event| {
            let about = About {
                scene_id: SceneId::parse(scene),
                step: Some(StepKind::Generate),
                step_index: Some(0),
                take: Some(1),
            };
            log.event(&Stamped { time_ms: 0, about: Some(about), event });
        };
        take(
            "5",
            Event::Failed {
                class: FailureClass::Moderation,
                message: "the provider's filter refused the prompt: `policy \u{1b}[2Jviolation`"
                    .into(),
                charged: Some(false),
            },
        );
        take(
            "6",
            Event::Failed {
                class: FailureClass::Passing,
                message: "internal error, please try again later".into(),
                charged: None,
            },
        );
        take(
            "7",
            Event::Unknown {
                message: "the connection broke after the request was sent".into(),
                credits: Some(60.0),
            },
        );
        for scene in ["8", "9"] {
            take(
                scene,
                Event::Blocked {
                    reason: "budget".into(),
                    message: "60 credits more would pass the cap of 200".into(),
                },
            );
        }
        take(
            "1",
            Event::Published {
                filename: "assets/clips/scene-01.mp4".into(),
                sha256: String::new(),
                credits: Some(60.0),
                note: Some("asked for 8 s, got 7.9 s".into()),
                candidate: false,
            },
        );
        let summary = Summary {
            rendered: 3,
            restored: 1,
            failed: 2,
            unknown: 1,
            over_budget: 2,
            still_running: 1,
            credits: 180.0,
            estimate: 240.0,
            ..Summary::default()
        };
        log.event(&Stamped { time_ms: 0, about: None, event: Event::RunFinished(summary) });
        log
    }

    #[test]
    fn each_problem_comes_with_what_to_do() {
        let commands = Commands { file: Some("film.md".into()), ..Commands::default() };
        insta::assert_snapshot!(log().text(&commands, Style::plain(80)));
    }

    #[test]
    fn programs_get_the_commands_too() {
        let next = log().next(&Commands::default());
        let lines: Vec<(&str, bool)> =
            next.iter().map(|next| (next.command.as_str(), next.spends)).collect();
        assert_eq!(
            lines,
            [
                ("storyreel adopt 7 --task ID", false),
                ("storyreel forget 7", false),
                ("storyreel render --resubmit-unknown 7", true),
                ("storyreel render --only 5", true),
                ("storyreel render --only 6", true),
                ("storyreel render", false),
            ]
        );
    }

    #[test]
    fn a_good_run_is_one_line() {
        let mut log = RunLog::default();
        let summary =
            Summary { rendered: 2, credits: 120.0, estimate: 120.0, ..Summary::default() };
        log.event(&Stamped { time_ms: 0, about: None, event: Event::RunFinished(summary) });
        assert_eq!(
            log.text(&Commands::default(), Style::plain(80)),
            "2 rendered; 120 credits spent, 120 estimated\n"
        );
    }
}
