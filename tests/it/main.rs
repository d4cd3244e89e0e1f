//! One test binary, a module a subject, mostly against the built program.

mod catalog;
mod catalog_answers;
mod emulator;
mod media;
mod planning;
mod simulation;
mod storyboard;
