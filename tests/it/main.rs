//! One test binary, a module a subject, mostly against the built program.

mod audit;
mod bad_input;
mod catalog;
mod catalog_answers;
mod cli;
mod emulator;
mod engine;
mod film;
mod kill;
mod ledger;
mod lifecycle;
mod manifest;
mod meanwhile;
mod media;
mod metamorphic;
mod planning;
mod preview;
mod publish;
mod sensitivity;
mod simulation;
mod storyboard;
mod support;
mod unknown;
mod upgrade;
