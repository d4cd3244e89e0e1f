//! What would be rendered, why, and what it would cost: a pure function of storyboard, catalogue and what is known.

pub mod ask;
mod build;
mod candidates;
mod decide;
mod difference;
mod draft;
pub mod edges;
mod elsewhere;
mod existing;
mod foresight;
mod history;
mod later;
mod lints;
mod matching;
pub mod outcome;
mod past;
mod pick;
mod planner;
mod prepare;
mod problem;
mod profile;
mod recorded;
mod reuse;
pub mod request;
mod restoring;
mod selection;
mod shown;
mod sources;
mod stage;
mod still;
mod takes;
mod values;
mod voice;
mod wording;
pub mod work;

pub use build::DEFAULT_MODEL;
pub use edges::Awaited;
pub use outcome::{Action, Note, Orphan, Plan, PlanSummary, Reason, ScenePlan, StepPlan, Sum};
pub use pick::{Choice, Pick, PickOutcome, Picked};
pub use planner::{PlanOptions, Planned, Planning, media_of, plan, problems};
pub use request::{Request, canonical_json, digest_of};
pub use selection::Selection;
pub use stage::VOICE_MARGIN;
pub use work::{
    ClipRef, ClipSource, EntryDraft, FilesByDigest, RenderWork, RestoreWork, StepStart, StepWork,
    Work,
};

pub use crate::layout::Place;
pub use crate::record::Slot;
