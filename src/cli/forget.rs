//! `storyreel forget`: give up an unknown submission, so that the next render pays again.

use super::args::FileFlag;
use super::failure::Failure;
use super::workspace::{Workspace, now_ms};
use super::{Output, selection, tell};
use crate::ledger::{
    Attempt, AttemptState, Ledger as _, ProjectLock, Snapshot, SqliteLedger, Take,
};
use crate::report::{sanitise, trimmed};
use crate::storyboard::{SceneId, StepKind};
use clap_complete::ArgValueCompleter;

/// Give up a submission whose outcome nobody knows. The next render submits it again, and pays again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Look first at the log of your account at https://kie.ai: when a task was made there, take it over instead:
  storyreel adopt SCENE --task ID

Example:
  storyreel forget 7")]
pub(super) struct Forget {
    /// The scene's id
    #[arg(value_name = "SCENE", add = ArgValueCompleter::new(super::completing::scenes))]
    scene: String,
    /// Only this step of it
    #[arg(long, value_name = "STEP", value_parser = step)]
    step: Option<StepKind>,
    #[command(flatten)]
    file: FileFlag,
}

/// Reads the name of a step.
pub(super) fn step(name: &str) -> Result<StepKind, String> {
    StepKind::named(name)
        .ok_or_else(|| format!("the steps are {}", StepKind::ALL.map(StepKind::name).join(", ")))
}

impl Forget {
    pub fn run(&self, _: Output) -> Result<u8, Failure> {
        let workspace = Workspace::open(&self.file.flags())?;
        let scene = known_scene(&workspace, &self.scene)?;
        let (mut ledger, _lock) = open_ledger(&workspace, "storyreel forget")?;
        ledger.recover(now_ms())?;
        let snapshot = ledger.snapshot()?;
        let unknown = unknown_of(&workspace, &snapshot, &scene, self.step)?;
        if unknown.is_empty() {
            return Err(nothing_unknown(&scene));
        }
        for (_, attempt) in &unknown {
            ledger.forgotten(attempt.id, now_ms())?;
            let credits = attempt
                .intent
                .reserved
                .map(|credits| format!(", {} credits no longer reserved", trimmed(credits, 2)))
                .unwrap_or_default();
            tell(&format!(
                "forgot the submission of scene {} {}{credits}\n",
                sanitise(&scene.key(), 40),
                attempt.intent.kind
            ));
        }
        super::shared::tell_decision(&workspace, &mut ledger);
        let next = self.file.commands().spending("render", &["--only", &scene.key()]);
        tell(&format!("next: {}   (spends credits)\n", next.command));
        Ok(0)
    }
}

/// A scene of the storyboard, or one that only the ledger still knows.
pub(super) fn known_scene(workspace: &Workspace, text: &str) -> Result<SceneId, Failure> {
    let mut scenes = workspace.scene_ids();
    let key = workspace.slot_storyboard()?;
    for take in workspace.ledger_snapshot()?.takes {
        let id = SceneId::parse(&take.slot.scene);
        if take.slot.storyboard == key && !scenes.contains(&id) {
            scenes.push(id);
        }
    }
    selection::one(text, &scenes).cloned()
}

/// The ledger for writing, and the lock that must be held meanwhile.
pub(super) fn open_ledger(
    workspace: &Workspace,
    command: &str,
) -> Result<(SqliteLedger, ProjectLock), Failure> {
    if !workspace.layout.ledger().exists() {
        return Err(Failure::invalid("no-ledger", "nothing was ever submitted in this project")
            .hint("`storyreel status` shows what is on record"));
    }
    let lock = ProjectLock::acquire(&workspace.layout.lock(), command, None)?;
    Ok((SqliteLedger::open(&workspace.layout.ledger())?, lock))
}

/// Submissions of a scene whose outcome is unknown.
pub(super) fn unknown_of<'s>(
    workspace: &Workspace,
    snapshot: &'s Snapshot,
    scene: &SceneId,
    step: Option<StepKind>,
) -> Result<Vec<(&'s Take, &'s Attempt)>, Failure> {
    let key = workspace.slot_storyboard()?;
    Ok(snapshot
        .takes
        .iter()
        .filter(|take| take.slot.storyboard == key && take.slot.scene == scene.key())
        .flat_map(|take| take.attempts.iter().map(move |attempt| (take, attempt)))
        .filter(|(_, attempt)| attempt.state == AttemptState::Unknown)
        .filter(|(_, attempt)| step.is_none_or(|step| attempt.intent.kind == step))
        .collect())
}

/// The failure for a scene without unknown submissions.
pub(super) fn nothing_unknown(scene: &SceneId) -> Failure {
    Failure::invalid(
        "nothing-unknown",
        format!("scene {} has no submission whose outcome is unknown", scene.key()),
    )
    .hint("`storyreel status` shows what is on record")
}
