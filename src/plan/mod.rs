//! What would be rendered, why, and what it would cost: a pure function of storyboard, catalogue and what is known.

pub mod ask;
mod build;
mod decide;
mod difference;
mod draft;
pub mod edges;
mod existing;
mod history;
mod later;
mod matching;
pub mod outcome;
mod planner;
mod problem;
mod recorded;
mod reuse;
pub mod request;
mod selection;
mod sources;
mod still;
mod takes;
mod values;
mod wording;
pub mod work;

pub use build::DEFAULT_MODEL;
pub use edges::Awaited;
pub use outcome::{Action, Note, Orphan, Plan, PlanSummary, Reason, ScenePlan, StepPlan, Sum};
pub use planner::{PlanOptions, Planned, Planning, media_of, plan};
pub use request::{Request, canonical_json, digest_of};
pub use selection::Selection;
pub use work::{
    ClipRef, ClipSource, EntryDraft, FilesByDigest, RenderWork, RestoreWork, StepStart, StepWork,
    Work,
};

pub use crate::layout::Place;
pub use crate::record::Slot;
