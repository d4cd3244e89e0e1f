//! `storyreel adopt`: take over a task that exists at the provider, or a clip that exists as a file.

use super::args::FileFlag;
use super::failure::Failure;
use super::forget::{known_scene, step, unknown_of};
use super::online::Online;
use super::shared::Shared;
use super::workspace::{Workspace, now_ms};
use super::{Output, tell};
use crate::ledger::{
    Attempt, AttemptId, AttemptState, ClipRecord, Failure as Reason, FailureClass, Intent,
    Ledger as _, ProjectLock, Snapshot, SqliteLedger, Take, TakeId,
};
use crate::media::Kind;
use crate::plan::{PlanOptions, RenderWork, ScenePlan, StepStart, Work};
use crate::ports::Files as _;
use crate::remote::echo::{Essence, Likeness};
use crate::remote::outcome::Reading;
use crate::report::sanitise;
use crate::storyboard::{SceneId, StepKind};
use clap_complete::ArgValueCompleter;
use std::path::{Path, PathBuf};

/// Take over a task or a clip that exists, for a submission whose outcome nobody knew or for a scene that would be
/// rendered. Costs nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The log of your account at https://kie.ai shows tasks with their ids, times and prompts. The provider repeats a task's
prompt, and it is compared with the scene's before the task is taken.

Examples:
  storyreel adopt 7 --task 3f2a9c0d1e4b5a6978877665544332211
  storyreel adopt 7 --file ~/Downloads/clip.mp4
  storyreel adopt 7 --step extend --task 3f2a9c0d1e4b5a6978877665544332211")]
pub(super) struct Adopt {
    /// The scene's id
    #[arg(value_name = "SCENE", add = ArgValueCompleter::new(super::completing::scenes))]
    scene: String,
    /// Which step of it; the first that is missing unless given
    #[arg(long, value_name = "STEP", value_parser = step)]
    step: Option<StepKind>,
    /// The id of the task at the provider
    #[arg(long, value_name = "ID", value_parser = task_id, required_unless_present = "clip")]
    task: Option<String>,
    /// A clip that was made for this scene, such as one downloaded from the provider's web page
    #[arg(long = "file", id = "clip", value_name = "PATH", conflicts_with = "task")]
    clip: Option<PathBuf>,
    /// Take the task without comparing its prompt, also when it cannot be looked at now
    #[arg(long, conflicts_with = "clip")]
    unchecked: bool,
    #[command(flatten)]
    file: StoryboardFlag,
}

/// The storyboard; `--file` is the clip here.
#[derive(Debug, clap::Args)]
struct StoryboardFlag {
    /// The storyboard
    #[arg(short = 'f', long = "storyboard", value_name = "FILE")]
    file: Option<PathBuf>,
    /// A profile of the storyboard, such as `draft` or `final`
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

/// Task ids are letters, digits, `-` and `_`; anything else is a slip of the clipboard.
fn task_id(text: &str) -> Result<String, String> {
    let text = text.trim();
    let good = (4..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if good {
        Ok(text.to_owned())
    } else {
        Err("a task id has 4 to 128 letters, digits, `-` and `_`".to_owned())
    }
}

/// What is taken over for: an unknown submission, or a step that would be submitted.
enum Place {
    Unknown(Box<Attempt>),
    Planned(Box<Planned>),
}

/// The submission that a task is on record for.
struct Owner<'s> {
    take: &'s Take,
    attempt: &'s Attempt,
}

/// A step that would be submitted, with what opening its take needs.
struct Planned {
    work: crate::plan::RenderWork,
    intent: Intent,
}

impl Place {
    fn intent(&self) -> &Intent {
        match self {
            Self::Unknown(attempt) => &attempt.intent,
            Self::Planned(planned) => &planned.intent,
        }
    }
}

impl Adopt {
    pub fn run(&self, _: Output) -> Result<u8, Failure> {
        let flag = FileFlag::of(self.file.file.clone(), self.file.profile.clone());
        let workspace = Workspace::open(&flag.flags())?;
        let scene = known_scene(&workspace, &self.scene)?;
        let _lock = ProjectLock::acquire(&workspace.layout.lock(), "storyreel adopt", None)?;
        let mut ledger = SqliteLedger::open(&workspace.layout.ledger())?;
        ledger.recover(now_ms())?;
        let snapshot = ledger.snapshot()?;
        let place = self.place(&workspace, &snapshot, &scene)?;
        let shown = sanitise(&scene.key(), 40);
        let kind = place.intent().kind;
        if let Some(task) = &self.task {
            let before = self.check_task(&workspace, &snapshot, place.intent(), task)?;
            if let (Some(claim), false) = (place.intent().claim_place(), self.unchecked)
                && let Some(shared) = Shared::enter(&workspace, &mut ledger)?
                && shared.has_task_elsewhere(claim, task)?
            {
                return Err(Failure::invalid(
                    "task-taken",
                    format!("task `{task}` is that of another submission of this scene, on another machine"),
                )
                .hint("look for the task that nobody has; `storyreel forget` gives this submission up"));
            }
            if let Some(before) = before {
                let scene = sanitise(&before.take.slot.scene, 40);
                ledger.unknown(before.attempt.id, &taken_away(task, &shown), now_ms())?;
                tell(&format!(
                    "note: task {task} was on record for scene {scene} {}, whose request it is not; what became of that one is unknown now\n",
                    before.attempt.intent.kind
                ));
            }
            let attempt = opened(&mut ledger, &place)?;
            ledger.submitted(attempt, Some(task), now_ms())?;
            tell(&format!("scene {shown} {kind} is task {task} now\n"));
        } else if let Some(path) = &self.clip {
            let clip = into_cache(&workspace, path, kind)?;
            let attempt = opened(&mut ledger, &place)?;
            match &place {
                Place::Unknown(_) => {}
                // An upgrade is never unknown; its first call is what is recorded here.
                Place::Planned(planned) if planned.intent.upgrade => {
                    ledger.submitted(attempt, None, now_ms())?;
                }
                // Only what was sent can be downloaded; this was not, and the next line ends that.
                Place::Planned(_) => ledger.unknown(attempt, &brought(), now_ms())?,
            }
            ledger.downloaded(attempt, &clip, now_ms())?;
            tell(&format!(
                "`{}` is the {} of scene {shown} {kind} now\n",
                sanitise(&path.display().to_string(), 200),
                match kind {
                    StepKind::Keyframe => "still",
                    StepKind::Voice => "voice",
                    _ => "clip",
                }
            ));
        }
        let next = flag.commands().free("render", &["--only", &scene.key()]);
        tell(&format!("next: {}\n", next.command));
        super::shared::tell_decision(&workspace, &mut ledger);
        Ok(0)
    }

    /// The one place that is meant.
    fn place(
        &self,
        workspace: &Workspace,
        snapshot: &Snapshot,
        scene: &SceneId,
    ) -> Result<Place, Failure> {
        let unknown = unknown_of(workspace, snapshot, scene, self.step)?;
        match unknown[..] {
            [] => self.planned(workspace, snapshot, scene),
            [(_, attempt)] => Ok(Place::Unknown(Box::new(attempt.clone()))),
            // Takes that were asked for in the same words: whichever of them the task was made for, it is one of them.
            [(_, first), ref others @ ..]
                if others.iter().all(|(_, other)| {
                    (other.intent.step, &other.intent.fingerprint)
                        == (first.intent.step, &first.intent.fingerprint)
                }) =>
            {
                Ok(Place::Unknown(Box::new(first.clone())))
            }
            _ => Err(Failure::invalid(
                "several-unknown",
                format!("scene {} has several submissions whose outcome is unknown", scene.key()),
            )
            .hint("name one with `--step`")),
        }
    }

    /// The first step of a scene that would be submitted.
    fn planned(
        &self,
        workspace: &Workspace,
        snapshot: &Snapshot,
        scene: &SceneId,
    ) -> Result<Place, Failure> {
        let nothing = |message: String| {
            Failure::invalid("nothing-to-adopt", message)
                .hint("`storyreel plan` shows what would be rendered, `storyreel status` what is on record")
        };
        let looked = workspace.look(snapshot.clone())?;
        let (planned, _) = workspace.plan(&looked, &PlanOptions::default())?;
        let of_scene = planned.plan.scenes.into_iter().find(|planned| planned.scene_id == *scene);
        let works = of_scene.into_iter().flat_map(ScenePlan::into_works);
        let mut renders = works.filter_map(|work| match work {
            Work::Render(work) => Some(work),
            Work::Restore(_) => None,
        });
        // A still or a voice may be missing before the clip, and several takes of each.
        let is_meant = |work: &RenderWork| {
            let missing = work.steps.iter().find(|step| !matches!(step.start, StepStart::Done(_)));
            missing.is_some_and(|step| {
                step.start != StepStart::Shared && self.step.is_none_or(|kind| kind == step.kind)
            })
        };
        let first = renders.next();
        let work = match first {
            Some(first) if !is_meant(&first) => renders.find(is_meant).or(Some(first)),
            first => first,
        };
        let Some(work) = work else {
            return Err(nothing(format!(
                "scene {} has no submission whose outcome is unknown, and nothing of it would be rendered",
                scene.key()
            )));
        };
        let at = work.steps.iter().position(|step| !matches!(step.start, StepStart::Done(_)));
        let Some((at, step)) = at.and_then(|at| Some((at, work.steps.get(at)?))) else {
            return Err(nothing(format!("no step of scene {} is missing", scene.key())));
        };
        if self.step.is_some_and(|wanted| wanted != step.kind) {
            return Err(nothing(format!(
                "the step of scene {} that is missing first is {}",
                scene.key(),
                step.kind
            )));
        }
        if matches!(step.start, StepStart::Resume(_)) {
            return Err(nothing(format!(
                "a task of scene {} {} is on record already",
                scene.key(),
                step.kind
            )));
        }
        if step.upgrade && self.task.is_some() {
            return Err(nothing(format!(
                "scene {} {} has no task of its own: it is asked for again without paying again",
                scene.key(),
                step.kind
            )));
        }
        let clips: Vec<_> = work.steps[..at]
            .iter()
            .filter_map(|step| match &step.start {
                StepStart::Done(clip) => Some(clip.sha256.clone()),
                _ => None,
            })
            .collect();
        let request = match clips.last() {
            Some(clip) if step.request.waits() => step.request.after(clip),
            _ => step.request.clone(),
        };
        let bound = request.body.clone();
        let mut intent = step.intent(TakeId(0), at, request, bound);
        if self.clip.is_some() {
            // A file that is brought costs nothing; a task was paid for by whoever made it.
            intent.reserved = Some(0.0);
        }
        Ok(Place::Planned(Box::new(Planned { work, intent })))
    }

    /// Makes sure that there is such a task, that it was made for this request, and that it is nobody else's. A
    /// provider's mixed-up answer may have put it on record for a submission that has not looked at it yet: that one
    /// is returned, and has to give it up.
    fn check_task<'s>(
        &self,
        workspace: &Workspace,
        snapshot: &'s Snapshot,
        intent: &Intent,
        task: &str,
    ) -> Result<Option<Owner<'s>>, Failure> {
        let attempts = || snapshot.takes.iter().flat_map(|take| &take.attempts);
        let owner = snapshot.takes.iter().find_map(|take| {
            let named = |attempt: &&Attempt| attempt.task_id.as_deref() == Some(task);
            take.attempts.iter().find(named).map(|attempt| Owner { take, attempt })
        });
        let taken = |owner: &Owner<'_>| {
            let scene = sanitise(&owner.take.slot.scene, 40);
            Failure::invalid(
                "task-taken",
                format!("task `{task}` is on record for scene {scene} already"),
            )
            .hint("`storyreel status` shows what is on record")
        };
        match &owner {
            Some(owner) if self.unchecked || owner.attempt.state != AttemptState::Submitted => {
                return Err(taken(owner));
            }
            _ if self.unchecked => return Ok(None),
            _ => {}
        }
        if workspace.settings.provider.key.is_none() {
            return Err(Failure::cannot_work(
                "no-key",
                "without a key the task cannot be looked at",
            )
            .hint("set `KIE_API_KEY`, or take it as it is with `--unchecked`"));
        }
        let look =
            Online::new(workspace)?.look(&intent.provider, &intent.family, &intent.operation, task);
        match look.reading {
            Reading::Missing => {
                return Err(Failure::invalid(
                    "no-such-task",
                    format!("the provider knows no task `{task}` of this kind ({})", intent.family),
                )
                .hint("copy the id from the log at https://kie.ai; a task that was made just now shows after a minute"));
            }
            Reading::Trouble(trouble) => {
                return Err(Failure::cannot_work(
                    "network",
                    format!("task `{task}` cannot be looked at now: {}", trouble.message),
                )
                .hint("try again, or take it as it is with `--unchecked`"));
            }
            Reading::Refused { failure, .. } => {
                return Err(Failure::cannot_work(
                    "key-refused",
                    format!("the provider refuses the key: {}", failure.message),
                )
                .hint("check KIE_API_KEY"));
            }
            _ => {}
        }
        let own = Essence::of(&intent.bound);
        let others = attempts()
            .filter(|attempt| attempt.intent.bound != intent.bound && !attempt.intent.upgrade)
            .map(|attempt| Essence::of(&attempt.intent.bound));
        let likeness = own.likeness(&look.repeats);
        if let Some(owner) = owner {
            let its = Essence::of(&owner.attempt.intent.bound).likeness(&look.repeats);
            return match (likeness, its) {
                (Likeness::Same, Likeness::Other | Likeness::Unclear) => Ok(Some(owner)),
                _ => Err(taken(&owner)),
            };
        }
        match likeness {
            Likeness::Same => Ok(None),
            Likeness::Other => Err(other_request(task, &own, &look.repeats)),
            Likeness::Unclear => {
                for other in others {
                    if other.likeness(&look.repeats) == Likeness::Same {
                        return Err(other_request(task, &own, &look.repeats));
                    }
                }
                tell(
                    "note: the provider's record does not repeat the request word for word, so only you can tell that the task is this scene's\n",
                );
                Ok(None)
            }
        }
    }
}

fn other_request(task: &str, own: &Essence, found: &Essence) -> Failure {
    let words = |essence: &Essence| {
        essence
            .prompt()
            .map_or("no prompt".to_owned(), |prompt| format!("`{}`", sanitise(prompt, 160)))
    };
    Failure::invalid(
        "other-request",
        format!(
            "task `{task}` was made for another request: its prompt is {}, the scene's is {}",
            words(found),
            words(own)
        ),
    )
    .hint("look for the right id in the log at https://kie.ai; `--unchecked` takes this one all the same")
}

/// The attempt on record; for a step that would be submitted it is made now.
fn opened(ledger: &mut SqliteLedger, place: &Place) -> Result<AttemptId, Failure> {
    match place {
        Place::Unknown(attempt) => Ok(attempt.id),
        Place::Planned(planned) => {
            let Planned { work, intent } = planned.as_ref();
            let now = now_ms();
            let take = match work.open_take {
                Some(take) => take,
                None => {
                    let kinds: Vec<_> = work.steps.iter().map(|step| step.kind).collect();
                    let reused: Vec<_> = work.steps[..intent.step]
                        .iter()
                        .enumerate()
                        .filter_map(|(at, step)| match &step.start {
                            StepStart::Done(clip) => {
                                Some((at, clip.sha256.clone(), clip.task_id.clone()))
                            }
                            _ => None,
                        })
                        .collect();
                    ledger.open_take(&work.slot, work.take, &work.ask, &kinds, &reused, now)?
                }
            };
            Ok(ledger.intend(&Intent { take, ..intent.clone() }, now)?)
        }
    }
}

/// Why a submission has no task any more.
fn taken_away(task: &str, scene: &str) -> Reason {
    Reason {
        class: FailureClass::Other,
        code: None,
        message: format!("the answer named task `{task}`, and that is the task of scene {scene}"),
    }
}

/// What stands in the ledger for the moment between the record of a brought clip and the clip itself.
fn brought() -> Reason {
    Reason {
        class: FailureClass::Other,
        code: None,
        message: "never sent: a file was being adopted for it".to_owned(),
    }
}

/// Copies a clip, or the still of a keyframe, into the cache, whole and checked.
fn into_cache(workspace: &Workspace, path: &Path, kind: StepKind) -> Result<ClipRecord, Failure> {
    let layout = &workspace.layout;
    let shown = sanitise(&path.display().to_string(), 200);
    let unreadable = |error: std::io::Error| {
        Failure::invalid("unreadable", format!("cannot read `{shown}`: {error}"))
    };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Failure::invalid("not-a-clip", format!("`{shown}` is not a file")));
    }
    let most = workspace.settings.limits.max_clip;
    if metadata.len() > most {
        return Err(Failure::invalid(
            "too-large",
            format!("`{shown}` is larger than `max_clip` allows ({most} bytes)"),
        ));
    }
    let cannot = |error: std::io::Error| {
        Failure::cannot_work("disk", format!("cannot copy `{shown}` into the cache: {error}"))
            .hint("make room, or make `.storyreel` writable; nothing was recorded")
    };
    let files = workspace.files().map_err(cannot)?;
    let folder = layout.private.join("cache");
    let temporary = files.copy_to_temporary(path, &folder, ".part").map_err(cannot)?;
    let checked = (|| {
        let (wanted, code, what, hint) = match kind {
            StepKind::Keyframe => {
                (Kind::Picture, "not-a-still", "still", "it must be a PNG, JPEG or WebP picture")
            }
            StepKind::Voice => (
                Kind::Sound,
                "not-a-voice",
                "voice",
                "it must be an MP3, WAV, Ogg, FLAC or AAC file",
            ),
            _ => (Kind::Clip, "not-a-clip", "clip", "it must be an MP4 file with a video track"),
        };
        let other = |why: String| {
            Failure::invalid(code, format!("`{shown}` is not a {what}: {why}")).hint(hint)
        };
        let probe = files.probe(&temporary).map_err(other)?;
        if probe.kind() != wanted {
            return Err(other(format!("it holds {}", probe.codec)));
        }
        let sha256 = files.hash(&temporary).map_err(cannot)?;
        let bytes = files.stat(&temporary).map_err(cannot)?.map_or(0, |(bytes, _)| bytes);
        files.rename(&temporary, &layout.cached(&sha256)).map_err(cannot)?;
        let probe = serde_json::to_value(probe).unwrap_or_default();
        Ok(ClipRecord { sha256, bytes, probe, task_id: None })
    })();
    if checked.is_err() {
        // The reason that matters is the other one.
        drop(files.remove(&temporary));
    }
    checked
}
