//! One test binary, a module a subject, mostly against the built program.

mod bad_input;
mod catalog;
mod catalog_answers;
mod cli;
mod corpus;
mod emulator;
mod engine;
#[cfg(unix)]
mod hostile;
mod kill;
mod killed;
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
