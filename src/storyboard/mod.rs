//! The user's document as typed scenes, whatever it was written in.
//!
//! [`read`] takes a Markdown or YAML source and gives one [`Storyboard`] together with every problem found,
//! each with its place. Nothing here knows models, prices or files: `plan` checks those.

mod field;
mod scene;

pub use field::{FIELDS, Field, FieldKind, FieldSpec, Fields, FrameOf, Input, Value};
pub use scene::{Character, Scene, SceneId, Step, StepKind, Storyboard};

use crate::source::Diagnostic;

/// What reading a document gave: a storyboard (absent where the file is none) and all problems in document order.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// The scenes; present even when some of them have problems, so that later checks can add theirs.
    pub storyboard: Option<Storyboard>,
    /// All problems, in document order.
    pub diagnostics: Vec<Diagnostic>,
}
