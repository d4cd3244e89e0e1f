//! What would be rendered, why, and what it would cost: a pure function of storyboard, catalogue and what is known.

pub mod request;
pub mod work;

pub use request::{Request, canonical_json, digest_of};
pub use work::{
    ClipRef, ClipSource, EntryDraft, FilesByDigest, RenderWork, RestoreWork, Slot, StepStart,
    StepWork, Work,
};
