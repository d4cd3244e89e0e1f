//! What would be rendered, why, and what it would cost: a pure function of storyboard, catalogue and what is known.

pub mod ask;
pub mod outcome;
pub mod request;
mod selection;
pub mod work;

pub use outcome::{Action, Note, Orphan, Plan, PlanSummary, Reason, ScenePlan, StepPlan};
pub use request::{Request, canonical_json, digest_of};
pub use selection::Selection;
pub use work::{
    ClipRef, ClipSource, EntryDraft, RenderWork, RestoreWork, Slot, StepStart, StepWork, Work,
};
