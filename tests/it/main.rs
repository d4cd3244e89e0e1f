//! One test binary, a module a subject, mostly against the built program.

mod catalog;
mod catalog_answers;
mod engine;
mod media;
mod planning;
mod simulation;
mod storyboard;
