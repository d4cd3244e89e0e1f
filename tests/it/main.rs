//! One test binary, a module a subject, mostly against the built program.

mod audit;
mod bad_input;
mod catalog;
mod catalog_answers;
mod cli;
mod emulator;
mod engine;
mod kill;
mod ledger;
mod lifecycle;
mod manifest;
mod media;
mod planning;
mod preview;
mod publish;
mod simulation;
mod storyboard;
mod support;
mod unknown;
