//! One test binary, a module a subject.

mod catalog;
mod media;
mod simulation;
