//! The state of one scene in a run: where its chain stands and what it waits for.

use super::event::About;
use crate::ledger::{AttemptId, TakeId};
use crate::manifest::Media;
use crate::plan::{Awaited, ClipRef, EntryDraft, Slot, StepWork};
use crate::remote::backoff::Backoff;
use crate::remote::bind::Need;
use crate::storyboard::{SceneId, StepKind};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// One chain that this run works on.
#[derive(Debug)]
pub(super) struct Job {
    pub scene_id: SceneId,
    pub slot: Slot,
    pub take: Option<TakeId>,
    pub number: u32,
    pub ask: Value,
    pub steps: Vec<StepWork>,
    /// `None` for a take that nothing refers to any more: its tasks are collected, nothing is published.
    pub entry: Option<EntryDraft>,
    pub after: Vec<String>,
    /// What of other scenes stands as a name in the requests until those are published.
    pub awaits: Vec<Awaited>,
    /// The scene has its take already, so this one is put beside it.
    pub beside: bool,
    /// The scene's voice is made first, and must not be longer than this, in seconds.
    pub voice_within: Option<f64>,
    /// Where it was put, once it is published.
    pub placed: Option<Placed>,
    /// Steps whose clips the open take got from an earlier one.
    pub reused: BTreeSet<usize>,
    /// Clips of the finished steps, from the first one on.
    pub clips: Vec<ClipRef>,
    /// For each of those clips, whether it was paid for by this take (and not reused from an earlier one).
    pub paid: Vec<bool>,
    /// The present step.
    pub step: usize,
    pub stage: Stage,
    /// Tasks of the present step that the provider failed in this run.
    pub failed_tasks: u32,
    /// Refused tries of the present submission.
    pub refusals: Backoff,
    pub current: Option<Current>,
    /// A new try of a failed task is not prepared before this time.
    pub not_before_ms: i64,
    /// For a stale take: whether it may be closed once its tasks are collected.
    pub keep: bool,
    /// For a stale take: attempts that are given up.
    pub forget: Vec<AttemptId>,
    /// What this run was charged for this chain.
    pub charged: f64,
    /// The price of the present step is in the purse of this run's user.
    pub taken: bool,
    /// A difference between the length asked for and the one found.
    pub note: Option<String>,
}

/// Where the present step of a job stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stage {
    /// Not looked at yet, or the step before has just ended.
    Waiting,
    /// Files are being uploaded for its request.
    Uploading(Vec<Need>),
    /// Bound; waits for its turn.
    Ready { bound: Value, not_before_ms: i64, bound_ms: i64 },
    /// Its claim is asked for; nothing of it was sent.
    Claiming,
    /// Another machine has claimed it, and it is waited for what comes of that.
    Elsewhere(Followed),
    /// A create, or the first call of an upgrade, is on its way.
    Sending,
    /// The provider works on it; a look is due or on its way.
    AtProvider,
    /// The provider has finished; waits for a place among the downloads.
    Wanted { not_before_ms: i64 },
    /// Its clip is on its way.
    Downloading,
    /// A new link to its clip is on its way.
    Relinking,
    /// All steps are done.
    Publishable,
    /// Nothing more is done in this run.
    Over(End),
}

/// A claim of another machine.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Followed {
    /// Where it is written down.
    pub place: String,
    /// Who has it, for people.
    pub holder: String,
    /// When it was made, by their clock (Unix milliseconds).
    pub since_ms: i64,
    /// When it was first seen here (Unix milliseconds).
    pub seen_ms: i64,
    /// The body as it would have been sent from here.
    pub bound: Value,
}

/// Where a take was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    /// It is the scene's clip, or still.
    Current,
    /// It stands beside that, to choose from.
    Beside,
}

/// How a job ended in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Published, or (for a stale take) kept.
    Done,
    /// Failed or refused.
    Failed,
    /// A submission's outcome is unknown.
    Unknown,
    /// On record at the provider.
    StillRunning,
    /// Left undone by a deadline, `--for` or `--submit-only`, with nothing at the provider.
    Unfinished,
    /// Not started for the budget, the credits or a price.
    OverBudget,
    /// Not started for another reason, which is counted elsewhere.
    Blocked,
}

/// The attempt that the present step works on.
#[derive(Debug, Clone)]
pub(super) struct Current {
    pub attempt: AttemptId,
    pub task_id: Option<String>,
    /// The body as it was sent; what a call of an upgrade repeats.
    pub bound: Value,
    pub reserved: Option<f64>,
    /// True when this run made the call that costs; an earlier run's tasks do not count against this run's cap.
    pub ours: bool,
    /// True once the ledger knows that the provider has it.
    pub recorded: bool,
    /// When it was submitted (Unix milliseconds).
    pub since_ms: i64,
    /// When this run began to watch it.
    pub watched_ms: i64,
    pub interval: Duration,
    /// True once the provider has shown its record.
    pub seen: bool,
    pub read_troubles: Backoff,
    /// Looks that found success without a result, and when the first was.
    pub empty: u32,
    pub urls: Vec<String>,
    /// What the provider says it cost.
    pub charged: Option<f64>,
    pub download_troubles: Backoff,
    /// New links asked for so far.
    pub relinked: u32,
    /// Where its claim stands, for the other machines.
    pub claim: Option<String>,
    /// The claim is another machine's, and what it costs is in that one's accounts.
    pub theirs: bool,
}

impl Job {
    pub fn step_work(&self) -> Option<&StepWork> {
        self.steps.get(self.step)
    }

    pub fn stale(&self) -> bool {
        self.entry.is_none()
    }

    /// What it makes in the end.
    pub fn media(&self) -> Media {
        Media::made_by(self.steps.last().map(|step| step.kind))
    }

    /// Goes to the next step with the present one's clip.
    pub fn advance(&mut self, clip: ClipRef, paid: bool) {
        self.clips.push(clip);
        self.paid.push(paid);
        self.step += 1;
        self.stage = Stage::Waiting;
        self.failed_tasks = 0;
        self.refusals.reset();
        self.current = None;
    }

    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over(_))
    }

    /// True while the provider has, or may soon have, a task of it.
    pub fn runs_at_provider(&self) -> bool {
        matches!(self.stage, Stage::Claiming | Stage::Sending | Stage::AtProvider)
    }

    /// Whether the present step's result is on record at the provider and not here yet.
    pub fn on_record(&self) -> bool {
        matches!(
            self.stage,
            Stage::AtProvider | Stage::Wanted { .. } | Stage::Downloading | Stage::Relinking
        )
    }

    pub fn about(&self) -> About {
        About {
            scene_id: self.scene_id.clone(),
            step: self.step_kind(),
            step_index: (self.step < self.steps.len()).then_some(self.step),
            take: Some(self.number),
        }
    }

    pub fn about_scene(&self) -> About {
        About {
            scene_id: self.scene_id.clone(),
            step: None,
            step_index: None,
            take: Some(self.number),
        }
    }

    fn step_kind(&self) -> Option<StepKind> {
        self.steps.get(self.step).map(|step| step.kind)
    }
}
