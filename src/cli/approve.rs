//! `storyreel approve`: a person's word that a saved plan may spend what it says.

use super::consent;
use super::failure::Failure;
use super::saved_plan::SavedPlan;
use super::workspace::{Workspace, now_ms};
use super::{Output, tell};
use crate::ledger::make_private_folder;
use crate::plan::digest_of;
use crate::report::{ErrorReport, sanitise, trimmed};
use crate::settings::Flags;
use serde_json::{Value, json};
use std::io::IsTerminal as _;
use std::path::PathBuf;

/// Approve a saved plan that costs more than `[budget] confirm_above` of your own configuration allows by itself.
///
/// It asks at the terminal for the sum, so that a program or an agent cannot approve for you, and keeps the answer outside
/// the project.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  storyreel plan -o film.plan
  storyreel approve film.plan
  storyreel render --plan film.plan")]
pub(super) struct Approve {
    /// The saved plan
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
}

impl Approve {
    pub fn run(&self, output: Output) -> Result<u8, Failure> {
        let workspace = Workspace::open(&Flags::default())?;
        let saved = SavedPlan::read(&self.plan)?;
        let sum = trimmed(saved.credits, 2);
        let shown = sanitise(&self.plan.display().to_string(), 200);
        if !(std::io::stdin().is_terminal() && output.stderr.terminal) {
            return Err(Failure::cannot_work(
                "no-terminal",
                format!("`{shown}` can be approved by a person at a terminal only"),
            )
            .hint("run `storyreel approve` yourself, where it can ask you"));
        }
        tell(&format!(
            "`{shown}` may spend {} on `{}`.\nType the sum of credits to approve it: ",
            consent::sum(saved.credits, saved.unpriced_steps),
            sanitise(&saved.storyboard, 80)
        ));
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).map_err(|error| {
            Failure::cannot_work("no-answer", format!("cannot read the answer: {error}"))
        })?;
        if answer.trim() != sum {
            tell("not approved\n");
            return Ok(1);
        }
        let path = path_of(&workspace, &saved);
        let folder = path.parent().unwrap_or(&path);
        let record = json!({"credits": saved.credits, "unpriced_steps": saved.unpriced_steps, "approved_ms": now_ms()});
        make_private_folder(folder)
            .and_then(|()| std::fs::write(&path, record.to_string()))
            .map_err(|error| {
                Failure::cannot_work(
                    "unwritable",
                    format!("cannot write `{}`: {error}", path.display()),
                )
            })?;
        tell(&format!("approved\nnext: storyreel render --plan {shown}\n"));
        Ok(0)
    }
}

/// Where the approval of a plan lies: beside the log of submissions, out of reach of the project's files. It holds for one
/// storyboard of one project.
fn path_of(workspace: &Workspace, saved: &SavedPlan) -> PathBuf {
    let root = workspace.layout.project_root.display().to_string();
    let digest = digest_of(&json!([root, saved.storyboard, saved.digest]));
    let name = format!("{}.json", digest.trim_start_matches("sha256:"));
    workspace.settings.state_folder.join("approved").join(name)
}

/// Refuses a run that would spend more than the user lets it by itself, unless a person has approved its plan; an
/// approval is used up by that. Returns what the run may spend at the most: tasks that fail and are made anew count, too.
///
/// # Errors
/// Exit 6.
pub(super) fn check(
    workspace: &Workspace,
    credits: f64,
    unpriced_steps: usize,
    saved: Option<&SavedPlan>,
) -> Result<Option<f64>, Failure> {
    const OVER_BUDGET: u8 = 6;
    let Some(limit) = workspace.settings.confirm_above else { return Ok(None) };
    if credits <= limit && unpriced_steps == 0 {
        return Ok(Some(limit));
    }
    let path = saved.map(|saved| path_of(workspace, saved));
    let approved = path.as_ref().and_then(|path| {
        let record: Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
        let steps = record["unpriced_steps"].as_u64().and_then(|steps| usize::try_from(steps).ok());
        Some((record["credits"].as_f64()?, steps?))
    });
    // A plan's sum is read from its file, so a sum that was made smaller there approves no more than that.
    let within = approved.filter(|(sum, steps)| credits <= sum + 0.005 && unpriced_steps <= *steps);
    if let (Some((sum, steps)), Some(path)) = (within, path) {
        std::fs::remove_file(&path).map_err(|error| {
            Failure::cannot_work(
                "unwritable",
                format!("cannot use up the approval `{}`: {error}", path.display()),
            )
        })?;
        // A cap holds back what has no price, and that was approved.
        return Ok((steps == 0).then_some(sum.max(limit)));
    }
    let message = format!(
        "this run may spend {}, and `confirm_above` lets it spend {} without a person's word",
        consent::sum(credits, unpriced_steps),
        trimmed(limit, 2)
    );
    let failure = Failure::of(OVER_BUDGET, ErrorReport::new("approval-needed", message));
    let hint = "save the plan with `storyreel plan -o film.plan`, let a person run `storyreel approve film.plan`, and \
                render that plan";
    Err(failure.hint(hint))
}
