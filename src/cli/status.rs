//! `storyreel status`: what is on record.

use super::args::File;
use super::clue::{Clue, is_unknown};
use super::failure::Failure;
use super::online::Online;
use super::render::shared_purse;
use super::workspace::{Workspace, now_ms};
use super::{Output, pretty, print};
use crate::engine::purse::Purse as _;
use crate::known::{Known, Output as Published};
use crate::ledger::{Attempt, AttemptState, RunRecord, Take, TakeState};
use crate::manifest::AssetEntry;
use crate::plan::Place;
use crate::report::json::time;
use crate::report::{Commands, Style, counted, sanitise, span_of_time, trimmed};
use crate::storyboard::SceneId;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Show scenes, takes, tasks in flight, unknown submissions, orphans and the bill. Costs nothing.
///
/// Only when the outcome of a submission is unknown, and there is a key, the provider is asked for the balance.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  storyreel status
  storyreel status --json | jq .bill")]
pub(super) struct Status {
    #[command(flatten)]
    file: File,
    /// Do not ask the provider for the balance
    #[arg(long)]
    offline: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl Status {
    pub fn run(&self, output: Output) -> Result<u8, Failure> {
        let workspace = Workspace::open(&self.file.flags())?;
        let looked = workspace.look_around()?;
        let mut record = Record::of(&workspace, &looked.known, &looked.place);
        if !self.offline {
            record.ask_for_balance(&workspace, &looked.known);
        }
        if self.json {
            print(&pretty(&record.to_json()))?;
        } else {
            print(&record.text(&self.file.commands(), output.stdout))?;
        }
        Ok(0)
    }
}

/// One scene of the storyboard.
struct SceneStatus<'a> {
    id: &'a SceneId,
    title: Option<&'a str>,
    entry: Option<&'a AssetEntry>,
    file: &'static str,
    takes: usize,
}

/// A task that is not over.
struct Task<'a> {
    take: &'a Take,
    attempt: &'a Attempt,
}

/// What was paid and what may still be.
#[derive(Default)]
struct Bill {
    tasks: usize,
    charged: f64,
    uncertain: usize,
    reserved: f64,
}

struct Record<'a> {
    storyboard: &'a str,
    scenes: Vec<SceneStatus<'a>>,
    running: Vec<Task<'a>>,
    unknown: Vec<Task<'a>>,
    /// What the balance says of them.
    clue: Option<Clue>,
    orphans: Vec<&'a AssetEntry>,
    kept: Vec<&'a Take>,
    bill: Bill,
    /// The runs that ended, newest first.
    runs: Vec<PastRun>,
    /// What is left of the user's allowance for a day.
    day: Option<(f64, f64)>,
    now_ms: i64,
}

/// One line of the history.
struct PastRun {
    ended_ms: i64,
    summary: serde_json::Map<String, Value>,
}

impl PastRun {
    fn of(record: &RunRecord) -> Option<Self> {
        let summary = serde_json::from_str(&record.summary).ok()?;
        Some(Self { ended_ms: record.ended_ms, summary })
    }

    fn number(&self, key: &str) -> f64 {
        self.summary.get(key).and_then(Value::as_f64).unwrap_or_default()
    }

    /// The account before and after, where it told both.
    fn balance(&self) -> Option<(f64, f64)> {
        let change = self.summary.get("balances")?.get(0)?;
        Some((change.get("before")?.as_f64()?, change.get("after")?.as_f64()?))
    }

    fn to_json(&self) -> Value {
        json!({
            "ended": time(self.ended_ms),
            "rendered": self.number("rendered"),
            "failed": self.number("failed"),
            "unknown": self.number("unknown"),
            "still_running": self.number("still_running"),
            "estimate": self.number("estimate"),
            "credits": self.number("credits"),
            "balance_before": self.balance().map(|balance| balance.0),
            "balance_after": self.balance().map(|balance| balance.1),
        })
    }

    fn words(&self) -> String {
        let ended = time(self.ended_ms);
        let ended = ended.get(..16).unwrap_or(&ended).replace('T', " ");
        let counts = ["rendered", "restored", "failed", "unknown", "still_running"]
            .iter()
            .filter(|key| self.number(key) > 0.0)
            .map(|key| format!("{} {}", trimmed(self.number(key), 0), key.replace('_', " ")));
        let counts: Vec<String> = counts.collect();
        let counts = if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") };
        let balance = self.balance().map(|(before, after)| {
            format!(", balance {} to {}", trimmed(before, 2), trimmed(after, 2))
        });
        format!(
            "  {ended}  {counts}; {} credits spent, {} estimated{}",
            trimmed(self.number("credits"), 2),
            trimmed(self.number("estimate"), 2),
            balance.unwrap_or_default()
        )
    }
}

/// Runs that are told one by one.
const MOST_RUNS: usize = 10;

impl<'a> Record<'a> {
    fn of(workspace: &'a Workspace, known: &'a Known, place: &Place) -> Self {
        let storyboard = place.storyboard.clone().unwrap_or_default();
        let takes: Vec<&Take> =
            known.ledger.takes.iter().filter(|take| take.slot.storyboard == storyboard).collect();
        let histories = known.manifest.histories();
        let mut scenes = Vec::new();
        for scene in &workspace.board.scenes {
            let entry = workspace.entry_of(known, place, scene);
            let file = match entry.map(|entry| known.outputs.get(&entry.filename)) {
                None => "none",
                Some(None) => "missing",
                Some(Some(Published::Pointer)) => "pointer",
                Some(Some(Published::File { sha256 })) => {
                    match entry.and_then(|entry| entry.sha256.as_ref()) {
                        Some(recorded) if recorded != sha256 => "modified",
                        _ => "present",
                    }
                }
            };
            // A clone has the manifest and no ledger; the ledger knows takes that were never published.
            let ledger = takes.iter().filter(|take| take.slot.scene == scene.id.key());
            let published =
                entry.into_iter().chain(entry.into_iter().flat_map(|entry| histories.of(entry)));
            let numbers: BTreeSet<u32> = ledger
                .map(|take| take.number)
                .chain(published.filter_map(|entry| entry.take))
                .collect();
            let recorded = entry.and_then(|entry| entry.take).unwrap_or(0);
            scenes.push(SceneStatus {
                id: &scene.id,
                title: scene.title.as_ref().map(|title| title.value.as_str()),
                entry,
                file,
                takes: numbers.len().max(recorded as usize).max(usize::from(entry.is_some())),
            });
        }
        let ids: BTreeSet<&SceneId> =
            workspace.board.scenes.iter().map(|scene| &scene.id).collect();
        let orphans = known
            .manifest
            .renders()
            .filter(|entry| entry.superseded_by.is_none() && entry.storyboard == place.storyboard)
            .filter(|entry| !entry.is_foreign_still())
            .filter(|entry| entry.scene_id.as_ref().is_some_and(|id| !ids.contains(id)))
            .collect();
        let tasks = |states: &[AttemptState]| -> Vec<Task<'a>> {
            known
                .ledger
                .takes
                .iter()
                .filter(|take| take.slot.storyboard == storyboard)
                .flat_map(|take| take.attempts.iter().map(move |attempt| Task { take, attempt }))
                .filter(|task| states.contains(&task.attempt.state))
                .collect()
        };
        Self {
            storyboard: workspace.source.name(),
            scenes,
            running: tasks(&[AttemptState::Submitted, AttemptState::Finished]),
            // An intent that a killed run left behind is found to be unknown by the next one.
            unknown: tasks(&[AttemptState::Unknown, AttemptState::Intent])
                .into_iter()
                .filter(|task| is_unknown(task.attempt))
                .collect(),
            clue: Clue::of(&known.ledger.takes, &known.ledger.balances, None),
            orphans,
            kept: takes.iter().copied().filter(|take| is_kept(take, known)).collect(),
            bill: bill(&known.ledger.takes),
            runs: known.ledger.runs.iter().filter_map(PastRun::of).collect(),
            day: day(workspace),
            now_ms: now_ms(),
        }
    }

    /// Compares the balance before the first unknown submission with the one now, where it can be asked for.
    fn ask_for_balance(&mut self, workspace: &Workspace, known: &Known) {
        let Some(clue) = &self.clue else { return };
        if workspace.settings.provider.key.is_none() {
            return;
        }
        // Without an answer the rest of the record is as true as before.
        let now = Online::new(workspace)
            .ok()
            .and_then(|online| online.balance(&clue.before.provider).ok());
        self.clue = Clue::of(&known.ledger.takes, &known.ledger.balances, now);
    }

    fn to_json(&self) -> Value {
        let scenes: Vec<Value> = self
            .scenes
            .iter()
            .map(|scene| {
                json!({
                    "scene_id": scene.id,
                    "title": scene.title,
                    "filename": scene.entry.map(|entry| &entry.filename),
                    "file": scene.file,
                    "asset": scene.entry.map(|entry| &entry.id),
                    "version": scene.entry.map(|entry| entry.version),
                    "take": scene.entry.and_then(|entry| entry.take),
                    "takes": scene.takes,
                    "model": scene.entry.map(|entry| &entry.model),
                    "credits": scene.entry.and_then(|entry| entry.credits),
                })
            })
            .collect();
        let tasks = |tasks: &[Task<'_>]| -> Vec<Value> {
            tasks
                .iter()
                .map(|Task { take, attempt }| {
                    json!({
                        "scene_id": SceneId::parse(&take.slot.scene),
                        "take": take.number,
                        "step": attempt.intent.kind,
                        "step_index": attempt.intent.step,
                        "state": attempt.state,
                        "model": attempt.intent.model_id,
                        "task_id": attempt.task_id,
                        "since": time(attempt.created_ms),
                        "credits": attempt.intent.reserved,
                        "message": attempt.failure.as_ref().map(|failure| &failure.message),
                    })
                })
                .collect()
        };
        let orphans: Vec<Value> = self
            .orphans
            .iter()
            .map(|entry| json!({"id": entry.id, "scene_id": entry.scene_id, "filename": entry.filename}))
            .collect();
        json!({
            "storyboard": self.storyboard,
            "scenes": scenes,
            "running": tasks(&self.running),
            "unknown": tasks(&self.unknown),
            "balance": self.clue.as_ref().map(Clue::to_json),
            "orphans": orphans,
            "kept_takes": self.kept.len(),
            "bill": {
                "tasks": self.bill.tasks,
                "credits": self.bill.charged,
                "uncertain_tasks": self.bill.uncertain,
                "reserved": self.bill.reserved,
            },
            "runs": self.runs.iter().map(PastRun::to_json).collect::<Vec<_>>(),
            "per_day": self.day.map(|(allowed, left)| json!({"credits": allowed, "left": left})),
        })
    }

    fn text(&self, commands: &Commands, style: Style) -> String {
        let mut out = String::new();
        let done = self.scenes.iter().filter(|scene| scene.entry.is_some()).count();
        let _ = writeln!(
            out,
            "{}",
            style.bold(format!(
                "{}: {} of {} rendered",
                sanitise(self.storyboard, 200),
                done,
                counted(self.scenes.len(), "scene")
            ))
        );
        for scene in &self.scenes {
            out.push_str(&scene_line(scene, style));
        }
        self.tasks(&mut out, "running", &self.running, style);
        if !self.running.is_empty() {
            let _ = writeln!(out, "  collect with: {}", commands.free("render", &[]).command);
        }
        self.tasks(&mut out, "outcome unknown", &self.unknown, style);
        if let Some(first) = self.unknown.first() {
            if let Some(clue) = &self.clue {
                let _ = writeln!(out, "  {}", clue.words());
            }
            let scene = first.take.slot.scene.as_str();
            let _ = writeln!(
                out,
                "  when the log at https://kie.ai shows its task: {}",
                commands.free("adopt", &[scene, "--task", "ID"]).command
            );
            let _ = writeln!(
                out,
                "  when you have its clip as a file: {}",
                commands.free("adopt", &[scene, "--file", "CLIP.mp4"]).command
            );
            let _ = writeln!(
                out,
                "  when it shows none: {}",
                commands.free("forget", &[scene]).command
            );
        }
        self.kept(&mut out, style);
        if !self.orphans.is_empty() {
            let _ = writeln!(
                out,
                "\n{}",
                style.bold("orphans (their scenes are gone; the files stay)")
            );
            for entry in &self.orphans {
                let scene = entry.scene_id.as_ref().map(SceneId::key).unwrap_or_default();
                let _ = writeln!(
                    out,
                    "  {}  scene {}  {}",
                    sanitise(&entry.id, 40),
                    sanitise(&scene, 40),
                    sanitise(&entry.filename, 200)
                );
            }
        }
        self.history(&mut out, style);
        let _ = writeln!(out, "\n{}", self.bill_words());
        if let Some((allowed, left)) = self.day {
            let _ = writeln!(
                out,
                "{} of {} credits are left that all projects may spend in 24 hours (`[budget] per_day`)",
                trimmed(left, 2),
                trimmed(allowed, 2)
            );
        }
        out
    }

    /// The last runs that paid for something or did not end well.
    fn history(&self, out: &mut String, style: Style) {
        if self.runs.is_empty() {
            return;
        }
        let _ = writeln!(out, "\n{}", style.bold("runs (newest first)"));
        for run in self.runs.iter().take(MOST_RUNS) {
            let _ = writeln!(out, "{}", run.words());
        }
        if self.runs.len() > MOST_RUNS {
            let _ = writeln!(out, "  and earlier ones; `--json` has the last {}", self.runs.len());
        }
    }

    fn tasks(&self, out: &mut String, head: &str, tasks: &[Task<'_>], style: Style) {
        if tasks.is_empty() {
            return;
        }
        let _ = writeln!(out, "\n{}", style.bold(head));
        for Task { take, attempt } in tasks {
            let task =
                attempt.task_id.as_deref().map(|task| format!("  task {}", sanitise(task, 80)));
            let credits = attempt
                .intent
                .reserved
                .map(|credits| format!("  {} credits", trimmed(credits, 2)))
                .unwrap_or_default();
            #[expect(clippy::cast_precision_loss, reason = "a span of time in milliseconds")]
            let ago = (self.now_ms - attempt.created_ms).max(0) as f64 / 1000.0;
            let sent = time(attempt.created_ms);
            let _ = writeln!(
                out,
                "  scene {} {} take {}{}{credits}  sent {} ({} ago)",
                sanitise(&take.slot.scene, 40),
                attempt.intent.kind,
                take.number,
                task.unwrap_or_default(),
                sent.get(..19).unwrap_or(&sent).replace('T', " "),
                span_of_time(ago.round())
            );
            if let Some(failure) = attempt.failure.as_ref().filter(|_| is_unknown(attempt)) {
                let _ = writeln!(out, "    {}", sanitise(&failure.message, 300));
            }
        }
    }

    /// Takes that were paid for and overtaken by an edit.
    fn kept(&self, out: &mut String, style: Style) {
        if self.kept.is_empty() {
            return;
        }
        let head = "kept (asked for before an edit; change the scene back to use them)";
        let _ = writeln!(out, "\n{}", style.bold(head));
        for take in &self.kept {
            let clips = take.attempts.iter().filter(|attempt| attempt.clip.is_some());
            let steps: Vec<&str> = clips.map(|attempt| attempt.intent.kind.name()).collect();
            let scene = sanitise(&take.slot.scene, 40);
            let steps = if steps.is_empty() { "no clip".to_owned() } else { steps.join(", ") };
            let _ = writeln!(out, "  scene {scene} take {}  {steps}", take.number);
        }
    }

    fn bill_words(&self) -> String {
        let bill = &self.bill;
        if bill.tasks == 0 {
            return "bill: nothing was ever submitted from here".to_owned();
        }
        let mut out = format!(
            "bill: {} credits for {}",
            trimmed(bill.charged, 2),
            counted(bill.tasks, "task")
        );
        if bill.uncertain > 0 {
            let _ = write!(out, " (of {} the price is not known)", bill.uncertain);
        }
        if bill.reserved > 0.0 {
            let _ = write!(out, "; {} more reserved", trimmed(bill.reserved, 2));
        }
        out
    }
}

/// True for a take that was kept back and whose clip no scene has got since.
fn is_kept(take: &Take, known: &Known) -> bool {
    let published =
        |clip: &String| known.manifest.renders().any(|entry| entry.sha256.as_ref() == Some(clip));
    take.state == TakeState::Kept
        && !take.attempts.iter().filter_map(|attempt| attempt.clip.as_ref()).any(published)
}

fn scene_line(scene: &SceneStatus<'_>, style: Style) -> String {
    let id = sanitise(&scene.id.key(), 12);
    let title = sanitise(scene.title.unwrap_or_default(), 32);
    let rest = match scene.entry {
        None => style.dim("not rendered"),
        Some(entry) => {
            let file = match scene.file {
                "present" => String::new(),
                "modified" => style.yellow("  edited by hand"),
                "pointer" => style.yellow("  a Git LFS pointer"),
                _ => style.red("  file missing"),
            };
            let take = entry
                .take
                .map(|take| format!("  take {take} of {}", scene.takes))
                .unwrap_or_default();
            format!(
                "{}{take}  {}{file}",
                sanitise(&entry.filename, 200),
                sanitise(&entry.model, 40)
            )
        }
    };
    format!("  {}  {}  {rest}\n", crate::report::pad(&id, 5), crate::report::pad(&title, 32))
}

/// What the user may spend in a day and what is left of it; a record that cannot be read says nothing here.
fn day(workspace: &Workspace) -> Option<(f64, f64)> {
    let allowed = workspace.settings.per_day?;
    let left = shared_purse(workspace).left(Some(allowed), now_ms()).ok()?;
    Some((allowed, left.credits))
}

/// What all tasks of the project cost so far.
fn bill(takes: &[Take]) -> Bill {
    let mut bill = Bill::default();
    for attempt in takes.iter().flat_map(|take| &take.attempts) {
        match attempt.state {
            AttemptState::Forgotten => {}
            AttemptState::Intent | AttemptState::Unknown | AttemptState::Submitted => {
                bill.tasks += 1;
                bill.reserved += attempt.intent.reserved.unwrap_or_default();
            }
            AttemptState::Finished | AttemptState::Downloaded => {
                bill.tasks += 1;
                match attempt.charged.or(attempt.intent.reserved) {
                    Some(credits) => bill.charged += credits,
                    None => bill.uncertain += 1,
                }
            }
            AttemptState::Failed => {
                if let Some(credits) = attempt.charged.filter(|credits| *credits > 0.0) {
                    bill.tasks += 1;
                    bill.charged += credits;
                }
            }
        }
    }
    bill
}
