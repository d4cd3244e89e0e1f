//! `storyreel pick`: chooses among the takes of a scene.

use super::args::{File, FileFlag};
use super::failure::Failure;
use super::render::Render;
use super::workspace::Workspace;
use super::{Output, pretty, print, selection, tell};
use crate::ledger::ProjectLock;
use crate::plan::{Choice, Pick as Wanted, PickOutcome, Picked, PlanOptions};
use crate::publish::Publisher;
use crate::report::sanitise;
use crate::storyboard::{SceneId, StepKind};
use clap_complete::ArgValueCompleter;
use std::fmt::Write as _;

/// Choose among the takes of a scene, or of its still; without a take, list them. Spends nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A take that is chosen becomes the scene's clip; the others stay beside it, and nothing is ever deleted. Where the scene
has a `gate: keyframe`, choosing its still is the approval that the clip waits for.

Examples:
  storyreel pick 3                     the takes of scene 3, with their files
  storyreel pick 3 2                   take 2 is the clip of scene 3 from now on
  storyreel pick 3 2 --step keyframe   the clip of scene 3 will start from still 2")]
pub(super) struct Pick {
    /// The scene's id
    #[arg(value_name = "SCENE", add = ArgValueCompleter::new(super::completing::scenes))]
    scene: String,
    /// The number of the take; without one, the takes are listed
    #[arg(value_name = "TAKE")]
    take: Option<u32>,
    /// Choose the still that the clip starts from (`keyframe`), or the scene's voice (`voice`)
    #[arg(long, value_name = "STEP", value_parser = step)]
    step: Option<StepKind>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    file: FileFlag,
}

fn step(text: &str) -> Result<StepKind, String> {
    StepKind::named(text).filter(|step| !step.is_of_clip()).ok_or_else(|| {
        "the takes of `keyframe` and `voice` can be chosen apart from the clip".to_owned()
    })
}

impl Pick {
    pub fn run(&self, output: Output) -> Result<u8, Failure> {
        let workspace = Workspace::open(&self.file.flags())?;
        let id = selection::one(&self.scene, &workspace.scene_ids())?.clone();
        let wanted = Wanted { scene: id.clone(), step: self.step, take: self.take };
        let options = PlanOptions { pick: Some(wanted), ..PlanOptions::default() };
        let looked = workspace.look_everywhere()?;
        let (planned, _) = workspace.plan(&looked, &options)?;
        let Some(picked) = planned.picked else {
            return Err(Failure::invalid(
                "not-rendered",
                format!("scene {} is not rendered, so it has no takes", shown(&id)),
            ));
        };
        let Some(take) = self.take else {
            return self.list(&id, &picked.choices);
        };
        match &picked.outcome {
            PickOutcome::Current(entry) => self.confirm(&workspace, &id, take, entry),
            PickOutcome::Planned => {
                let run = Render::free(File::of(&self.file), self.json);
                let options = PlanOptions { only: Some(only(&id)), ..options };
                let (exit, again) = run.put_in_place(&workspace, &options, output)?;
                match again {
                    Some(Picked { outcome: PickOutcome::Planned, .. }) if exit == 0 => {
                        self.tell_chosen(&id, take);
                        Ok(0)
                    }
                    Some(Picked { outcome: PickOutcome::Planned, .. }) => Ok(exit),
                    _ => Err(Failure::cannot_work("changed", "the takes changed meanwhile")
                        .hint("run the command again")),
                }
            }
            PickOutcome::Gone => Err(Failure::invalid(
                "take-gone",
                format!("the bytes of take {take} of scene {} are not here", shown(&id)),
            )
            .hint("copy its file back, for example with `git lfs pull`; `storyreel pick SCENE` names it")),
            PickOutcome::None => {
                let numbers: Vec<String> =
                    picked.choices.iter().map(|choice| choice.take.to_string()).collect();
                let hint = match numbers.is_empty() {
                    true => "nothing of it was rendered yet; `storyreel plan` shows what would be".to_owned(),
                    false => format!("there are: {}", numbers.join(", ")),
                };
                let of = self.noun();
                Err(Failure::invalid(
                    "no-such-take",
                    format!("scene {} has no {of} {take}", shown(&id)),
                )
                .hint(hint))
            }
        }
    }

    fn noun(&self) -> &'static str {
        match self.step {
            Some(StepKind::Keyframe) => "still",
            Some(StepKind::Voice) => "voice",
            _ => "take",
        }
    }

    /// The take is in its place; the manifest is told that it was chosen.
    fn confirm(
        &self,
        workspace: &Workspace,
        id: &SceneId,
        take: u32,
        entry: &str,
    ) -> Result<u8, Failure> {
        let _lock = ProjectLock::acquire(&workspace.layout.lock(), "storyreel pick", None)?;
        let files = workspace.files().map_err(|error| {
            Failure::cannot_work("disk", format!("cannot use the project's folder: {error}"))
        })?;
        let kept = Publisher::new(&files, &workspace.layout).pick(entry)?;
        if !kept {
            return Err(Failure::invalid(
                "no-entry",
                format!("the manifest has no entry `{}` any more", sanitise(entry, 40)),
            )
            .hint("run the command again"));
        }
        self.tell_chosen(id, take);
        Ok(0)
    }

    fn tell_chosen(&self, id: &SceneId, take: u32) {
        let (id, of) = (shown(id), self.noun());
        let what = match self.step {
            Some(StepKind::Keyframe) => {
                format!("the clip of scene {id} starts from {of} {take} from now on")
            }
            Some(StepKind::Voice) => format!("{of} {take} is the voice of scene {id} from now on"),
            _ => format!("{of} {take} is the clip of scene {id} from now on"),
        };
        tell(&format!("{what}; nothing was paid\n"));
        if self.step.is_some() {
            let next = self.file.commands().spending("render", &[]);
            tell(&format!("next: {}\n", next.command));
        }
    }

    fn list(&self, id: &SceneId, choices: &[Choice]) -> Result<u8, Failure> {
        if self.json {
            print(&pretty(&choices))?;
            return Ok(0);
        }
        let of = self.noun();
        if choices.is_empty() {
            tell(&format!("scene {} has no {of} yet\n", shown(id)));
            return Ok(0);
        }
        let mut text = String::new();
        for choice in choices {
            let mark = if choice.current { "*" } else { " " };
            let file = choice.filename.as_deref().unwrap_or("(in the cache only)");
            let mut notes = vec![sanitise(&choice.model, 40)];
            notes.extend(choice.seed.map(|seed| format!("seed {seed}")));
            notes.extend(
                choice.profile.as_ref().map(|name| format!("profile {}", sanitise(name, 40))),
            );
            notes.extend(choice.picked.then(|| "chosen".to_owned()));
            notes.extend((!choice.up_to_date).then(|| "made from other words".to_owned()));
            let _ = writeln!(
                text,
                "{mark} {of} {}  {}  {}",
                choice.take,
                sanitise(file, 200),
                notes.join(", ")
            );
        }
        print(&text)?;
        let mut arguments = vec![id.key(), "TAKE".to_owned()];
        if let Some(step) = self.step {
            arguments.extend(["--step".to_owned(), step.name().to_owned()]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        tell(&format!("choose with: {}\n", self.file.commands().free("pick", &arguments).command));
        Ok(0)
    }
}

fn only(id: &SceneId) -> crate::plan::Selection {
    let mut selection = crate::plan::Selection::default();
    selection.add(id, None);
    selection
}

fn shown(id: &SceneId) -> String {
    sanitise(&id.key(), 40)
}
