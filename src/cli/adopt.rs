//! `storyreel adopt`: name the task of a submission whose outcome is unknown.

use super::args::FileFlag;
use super::failure::Failure;
use super::forget::{known_scene, nothing_unknown, open_ledger, step, unknown_of};
use super::workspace::{Workspace, now_ms};
use super::{Output, tell};
use crate::ledger::Ledger as _;
use crate::report::sanitise;
use crate::storyboard::StepKind;

/// Take over the task of a submission whose outcome nobody knew. Costs nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The log of your account at https://kie.ai shows tasks with their ids, times and prompts.

Example:
  storyreel adopt 7 --task 3f2a9c0d1e4b5a6978877665544332211")]
pub(super) struct Adopt {
    /// The scene's id
    #[arg(value_name = "SCENE")]
    scene: String,
    /// Which step of it, where several are unknown
    #[arg(long, value_name = "STEP", value_parser = step)]
    step: Option<StepKind>,
    /// The id of the task at the provider
    #[arg(long, value_name = "ID", value_parser = task_id)]
    task: String,
    #[command(flatten)]
    file: FileFlag,
}

/// Task ids are letters, digits, `-` and `_`; anything else is a slip of the clipboard.
fn task_id(text: &str) -> Result<String, String> {
    let text = text.trim();
    let good = (4..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if good {
        Ok(text.to_owned())
    } else {
        Err("a task id is made of letters, digits, `-` and `_`".to_owned())
    }
}

impl Adopt {
    pub fn run(&self, _: Output) -> Result<u8, Failure> {
        let workspace = Workspace::open(&self.file.flags())?;
        let scene = known_scene(&workspace, &self.scene)?;
        let (mut ledger, _lock) = open_ledger(&workspace, "storyreel adopt")?;
        ledger.recover(now_ms())?;
        let snapshot = ledger.snapshot()?;
        let owner = snapshot.takes.iter().find(|take| {
            take.attempts.iter().any(|attempt| attempt.task_id.as_deref() == Some(&self.task))
        });
        if let Some(owner) = owner {
            return Err(Failure::invalid(
                "task-taken",
                format!("task `{}` is on record for scene {} already", self.task, owner.slot.scene),
            )
            .hint("`storyreel status` shows what is on record"));
        }
        let unknown = unknown_of(&workspace, &snapshot, &scene, self.step)?;
        match unknown[..] {
            [] => Err(nothing_unknown(&scene)),
            [(_, attempt)] => {
                ledger.submitted(attempt.id, Some(&self.task), now_ms())?;
                tell(&format!(
                    "scene {} {} is task {} now\n",
                    sanitise(&scene.key(), 40),
                    attempt.intent.kind,
                    self.task
                ));
                let next = self.file.commands().free("render", &["--only", &scene.key()]);
                tell(&format!("next: {}\n", next.command));
                Ok(0)
            }
            _ => Err(Failure::invalid(
                "several-unknown",
                format!("scene {} has several submissions whose outcome is unknown", scene.key()),
            )
            .hint("name one with `--step`")),
        }
    }
}
