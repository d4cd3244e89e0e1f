//! `storyreel plan`: what would be rendered, why, and what it would cost.

use super::args::{DeferTo, File};
use super::failure::Failure;
use super::saved_plan::{self, Choices};
use super::workspace::Workspace;
use super::{Output, pretty, print, selection, tell};
use crate::plan::{PlanOptions, Reason, Selection};
use crate::report::NextCommand;
use crate::report::plan_text::{self, PlanText};
use crate::settings::Flags;
use crate::storyboard::StepKind;
use clap_complete::ArgValueCompleter;
use std::path::PathBuf;

/// Exit code for paid work that is to be done.
pub(super) const PAID_WORK: u8 = 7;

/// Show what would be rendered, why, and what it would cost. No network, no cost.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The first column: + create, ~ update, = unchanged, < restore, > move, … resume, ? absent, ! blocked, - skip.
Only create and update cost credits.

Examples:
  storyreel plan
  storyreel plan --only 1,3-5,intro
  storyreel plan -o film.plan && storyreel render --plan film.plan
  git show main:public/assets/manifest.json >main.json && storyreel plan --defer-to main.json
  storyreel plan --detailed-exitcode        exits 7 when there is paid work to do")]
pub(super) struct Plan {
    #[command(flatten)]
    file: File,
    #[command(flatten)]
    choices: ChoiceArgs,
    /// Save the plan, for `render --plan`
    #[arg(short = 'o', long = "out", value_name = "PLAN")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// One line a scene, without reasons
    #[arg(long)]
    brief: bool,
    /// Show unchanged and skipped scenes, too
    #[arg(long)]
    all: bool,
    /// Exit 7 when there is paid work to do, 0 when there is none
    #[arg(long)]
    detailed_exitcode: bool,
    /// Write the plan as Markdown to this file, for a comment or a job's page
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
}

/// Which scenes a plan or run is about.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct ChoiceArgs {
    /// Only these scenes: ids, ranges and steps, such as `1,3-5,intro,7:upscale`
    #[arg(long, value_name = "SEL", add = ArgValueCompleter::new(super::completing::scenes))]
    only: Option<String>,
    /// Not these scenes
    #[arg(long, value_name = "SEL", add = ArgValueCompleter::new(super::completing::scenes))]
    exclude: Option<String>,
    /// New takes of these scenes, changed or not
    #[arg(long, value_name = "SEL", add = ArgValueCompleter::new(super::completing::scenes))]
    retake: Option<String>,
    /// Pay again for these scenes where their clips are gone
    #[arg(long, value_name = "SEL", add = ArgValueCompleter::new(super::completing::scenes))]
    rerender_absent: Option<String>,
    #[command(flatten)]
    pub elsewhere: DeferTo,
    /// Make the stills that clips start from, and nothing after them
    #[arg(long, value_name = "STEP", value_parser = through)]
    through: Option<StepKind>,
}

fn through(text: &str) -> Result<StepKind, String> {
    StepKind::named(text)
        .filter(|step| *step == StepKind::Keyframe)
        .ok_or_else(|| "a run can end with `keyframe`".to_owned())
}

impl ChoiceArgs {
    /// As a saved plan records them.
    pub fn choices(&self) -> Choices {
        Choices {
            only: self.only.clone(),
            exclude: self.exclude.clone(),
            retake: self.retake.clone(),
            rerender_absent: self.rerender_absent.clone(),
            defer_to: self.elsewhere.defer_to.clone(),
            through: self.through,
            profile: None,
        }
    }
}

/// The options of a plan, with the selections read against the storyboard's scenes.
pub(super) fn options(workspace: &Workspace, choices: &Choices) -> Result<PlanOptions, Failure> {
    let scenes = workspace.scene_ids();
    let read = |flag: &str, text: &Option<String>| -> Result<Option<Selection>, Failure> {
        text.as_deref().map(|text| selection::parse(flag, text, &scenes)).transpose()
    };
    Ok(PlanOptions {
        only: read("--only", &choices.only)?,
        exclude: read("--exclude", &choices.exclude)?.unwrap_or_default(),
        retake: read("--retake", &choices.retake)?.unwrap_or_default(),
        rerender_absent: read("--rerender-absent", &choices.rerender_absent)?.unwrap_or_default(),
        capped: workspace.settings.is_capped(),
        through_still: choices.through == Some(StepKind::Keyframe),
        ..PlanOptions::default()
    })
}

/// Whether a person has to approve what this plan may spend.
fn needs_approval(workspace: &Workspace, plan: &crate::plan::Plan) -> bool {
    let (credits, unpriced) = (plan.summary.credits, plan.summary.unpriced_steps);
    workspace.settings.confirm_above.is_some_and(|limit| credits > limit || unpriced > 0)
}

impl Plan {
    pub fn run(&self, output: Output) -> Result<u8, Failure> {
        let defer_to = self.choices.elsewhere.defer_to.clone();
        let workspace = Workspace::open(&Flags { defer_to, ..self.file.flags() })?;
        let profile = workspace.profile().map(|profile| profile.name.value.clone());
        let choices = Choices { profile, ..self.choices.choices() };
        let options = options(&workspace, &choices)?;
        let looked = workspace.look_everywhere()?;
        let (planned, warnings) = workspace.plan(&looked, &options)?;
        workspace.tell_warnings(&warnings, output);
        let plan = &planned.plan;
        let paid = plan.summary.create + plan.summary.update > 0;
        if let Some(path) = &self.out {
            saved_plan::write(path, plan, &choices)?;
            tell(&format!("saved the plan in {}\n", path.display()));
        }
        if let Some(path) = &self.summary {
            super::reports::write(
                path,
                &crate::report::markdown::plan(plan, workspace.settings.max_credits),
            )?;
        }
        if self.json {
            print(&pretty(plan))?;
        } else {
            let free = plan.summary.restore + plan.summary.moved + plan.summary.resume > 0;
            let next = match &self.out {
                _ if !paid && !free => self.choice_to_make(plan),
                Some(path) if needs_approval(&workspace, plan) => {
                    Some(self.file.commands().free("approve", &[&path.display().to_string()]))
                }
                Some(path) => {
                    let path = path.display().to_string();
                    Some(self.file.commands().spending("render", &["--plan", &path]))
                }
                None => {
                    let arguments = self.render_arguments();
                    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                    Some(self.file.commands().spending("render", &arguments))
                }
            };
            let shown = PlanText {
                all: self.all,
                brief: self.brief,
                max_credits: workspace.settings.max_credits,
                next,
            };
            print(&plan_text::render(plan, &shown, output.stdout))?;
        }
        let exit = if self.detailed_exitcode && paid { PAID_WORK } else { 0 };
        // The process ends now: it need not give back a long film piece by piece.
        std::mem::forget((workspace, looked, planned));
        Ok(exit)
    }

    /// What to do next where nothing can be done before a still is chosen.
    fn choice_to_make(&self, plan: &crate::plan::Plan) -> Option<NextCommand> {
        let waits = |reason: &Reason| reason.code == "gate" && reason.step.is_some();
        let scene = plan.scenes.iter().find(|scene| scene.reasons.iter().any(waits))?;
        let id = scene.scene_id.key();
        Some(self.file.commands().free("pick", &[&id, "--step", StepKind::Keyframe.name()]))
    }

    /// The selections, for the command that carries the plan out.
    fn render_arguments(&self) -> Vec<String> {
        [
            ("--only", &self.choices.only),
            ("--exclude", &self.choices.exclude),
            ("--retake", &self.choices.retake),
            ("--rerender-absent", &self.choices.rerender_absent),
            (
                "--defer-to",
                &self.choices.elsewhere.defer_to.as_ref().map(|path| path.display().to_string()),
            ),
            ("--through", &self.choices.through.map(|step| step.name().to_owned())),
        ]
        .into_iter()
        .filter_map(|(flag, value)| Some([flag.to_owned(), value.clone()?]))
        .flatten()
        .collect()
    }
}
