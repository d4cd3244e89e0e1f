//! The plan as it is shown, saved and compared.

use super::work::Work;
use crate::catalog::PriceKind;
use crate::prompt::PromptInput;
use crate::storyboard::{SceneId, StepKind};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The version of the plan's JSON form.
pub const PLAN_FORMAT: &str = "1.0";

/// What would happen, scene by scene, in document order.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// [`PLAN_FORMAT`].
    pub format_version: &'static str,
    /// The storyboard as the user named it.
    pub storyboard: String,
    /// Counts and costs.
    pub summary: PlanSummary,
    /// Scenes in document order.
    pub scenes: Vec<ScenePlan>,
    /// Manifest entries whose scene is gone; kept with their files.
    pub orphans: Vec<Orphan>,
}

/// Counts of actions, and what the paid ones cost.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PlanSummary {
    /// Never rendered.
    pub create: usize,
    /// To be rendered anew.
    pub update: usize,
    /// Nothing to do.
    pub unchanged: usize,
    /// Free: the content exists.
    pub restore: usize,
    /// Free: the scene has another id now.
    #[serde(rename = "move")]
    pub moved: usize,
    /// Free: tasks of this very request are in flight or waiting to be collected.
    pub resume: usize,
    /// Recorded, but no bytes anywhere; never paid without being asked.
    pub absent: usize,
    /// Waits for a decision, another scene or a price.
    pub blocked: usize,
    /// Not part of this run.
    pub skip: usize,
    /// Sum of the known prices of the paid steps, in credits.
    #[serde(serialize_with = "whole")]
    pub credits: f64,
    /// The same in US dollars.
    #[serde(serialize_with = "whole")]
    pub usd: f64,
    /// The part of it that is certain.
    pub exact: Sum,
    /// The part that is as sure as a published price of the day that stands beside each step.
    pub dated: Sum,
    /// Paid steps without a known price.
    pub unpriced_steps: usize,
}

/// Money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Sum {
    /// Credits.
    #[serde(serialize_with = "whole")]
    pub credits: f64,
    /// The same in US dollars.
    #[serde(serialize_with = "whole")]
    pub usd: f64,
}

/// One scene of a plan.
#[derive(Debug, Clone, Serialize)]
pub struct ScenePlan {
    /// Its id.
    pub scene_id: SceneId,
    /// Its title.
    pub title: Option<String>,
    /// What would be done.
    pub action: Action,
    /// Its clip, relative to the assets root; null for a scene that is not generated.
    pub filename: Option<String>,
    /// Length in the film, in seconds.
    #[serde(serialize_with = "whole_if_possible")]
    pub duration: Option<f64>,
    /// Length of the clip, in seconds.
    #[serde(serialize_with = "whole_if_possible")]
    pub clip_length: Option<f64>,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What costs nothing but is worth knowing.
    pub notes: Vec<Note>,
    /// Its steps in order.
    pub steps: Vec<StepPlan>,
    /// What the engine is to do; none where there is nothing to do.
    #[serde(skip)]
    pub work: Option<Work>,
    /// What else it is to do: a still that comes before the clip, takes that are put beside the first one.
    #[serde(skip)]
    pub more: Vec<Work>,
}

/// The code of a reason, or of a note about a take beside the first: nobody can tell what became of a submission.
pub const UNKNOWN: &str = "unknown-submission";

impl ScenePlan {
    /// What is said of takes beside the first whose submission nobody can tell the outcome of.
    pub fn unknown_takes(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| note.code == UNKNOWN)
    }

    /// All that the engine is to do.
    pub fn works(&self) -> impl Iterator<Item = &Work> {
        self.work.iter().chain(&self.more)
    }

    /// The same, to be carried out.
    pub fn into_works(self) -> impl Iterator<Item = Work> {
        self.work.into_iter().chain(self.more)
    }

    /// Leaves out what `unwanted` says of; true where there was any.
    pub fn leave_out(&mut self, unwanted: impl Fn(&Work) -> bool) -> bool {
        let before = self.works().count();
        self.more.retain(|work| !unwanted(work));
        self.work = self.work.take().filter(|work| !unwanted(work));
        self.works().count() < before
    }
}

/// One step of a scene's plan.
#[derive(Debug, Clone, Serialize)]
pub struct StepPlan {
    /// Kind of step.
    pub step: StepKind,
    /// What would be done with it.
    pub action: Action,
    /// The provider's id of the model.
    pub model: String,
    /// API family.
    pub family: String,
    /// `POST /api/v1/veo/generate`.
    pub endpoint: String,
    /// The symbolic body.
    pub request: Value,
    /// Null until the step before is published.
    pub fingerprint: Option<String>,
    /// The price in credits; 0 for what is free now, null when unknown.
    #[serde(serialize_with = "whole_if_possible")]
    pub credits: Option<f64>,
    /// How sure the price is.
    pub price: PriceKind,
    /// Display name of the model; for people only.
    #[serde(skip)]
    pub name: String,
    /// Named parts of the request; for people only.
    #[serde(skip)]
    pub parts: Map<String, Value>,
    /// The composed prompt; for people only.
    #[serde(skip)]
    pub prompt: Option<String>,
    /// The style whose template composed it; none for the author's own words. For people only.
    #[serde(skip)]
    pub style: Option<String>,
    /// What it was composed from; for people only.
    #[serde(skip)]
    pub told: Option<Arc<PromptInput>>,
    /// The day of the price text, as `2026-10-02`; for people only.
    #[serde(skip)]
    pub priced_on: Option<String>,
    /// Which take it belongs to, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub take: Option<u32>,
}

/// What is done with a scene or a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Never rendered.
    Create,
    /// The request changed, a new take is needed.
    Update,
    /// Nothing to do.
    Unchanged,
    /// The content exists somewhere: free.
    Restore,
    /// The same request under another id: free.
    Move,
    /// In flight or finished and not collected: free.
    Resume,
    /// Recorded, but no bytes anywhere.
    Absent,
    /// Waits.
    Blocked,
    /// Not part of this run.
    Skip,
}

impl Action {
    /// All actions in the order in which they are counted.
    pub const ALL: [Self; 9] = [
        Self::Create,
        Self::Update,
        Self::Unchanged,
        Self::Restore,
        Self::Move,
        Self::Resume,
        Self::Absent,
        Self::Blocked,
        Self::Skip,
    ];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Unchanged => "unchanged",
            Self::Restore => "restore",
            Self::Move => "move",
            Self::Resume => "resume",
            Self::Absent => "absent",
            Self::Blocked => "blocked",
            Self::Skip => "skip",
        }
    }

    /// True for what may cost credits.
    pub fn is_paid(self) -> bool {
        matches!(self, Self::Create | Self::Update)
    }
}

/// Why a scene is not simply unchanged: a code of DESIGN section 4 and its detail.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reason {
    /// `never-rendered`, `prompt-changed`, `parameter-changed`, `failed-before`, ...
    pub code: &'static str,
    /// The step it concerns, where that is not the whole scene.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<StepKind>,
    /// The part of the request: `prompt`, `aspect_ratio`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Its recorded value (`"old": null` means it was not sent).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// Its value now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
    /// In words, where the code alone does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Reason {
    /// A reason without detail.
    pub fn new(code: &'static str) -> Self {
        Self { code, step: None, part: None, old: None, new: None, detail: None }
    }

    /// A reason with an explanation in words.
    pub fn because(code: &'static str, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..Self::new(code) }
    }
}

/// What costs nothing but is worth knowing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// `tool-changed`, `output-modified`, `clip-longer`, ...
    pub code: &'static str,
    /// In words: `5 s of 6 s`.
    pub message: String,
}

/// A recorded clip whose scene is gone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Orphan {
    /// Its manifest entry.
    pub id: String,
    /// Its scene's id then.
    pub scene_id: SceneId,
    /// Its file, relative to the assets root.
    pub filename: String,
}

/// Writes `8`, not `8.0`.
fn whole<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    super::ask::number(*value).serialize(serializer)
}

fn whole_if_possible<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    value.map(super::ask::number).serialize(serializer)
}
