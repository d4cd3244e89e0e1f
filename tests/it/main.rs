//! One test binary, a module a subject, mostly against the built program.

mod bad_input;
mod catalog;
mod catalog_answers;
mod cli;
mod emulator;
mod engine;
mod interrupt;
mod key;
mod kill;
mod killed;
mod ledger;
mod lifecycle;
mod manifest;
mod media;
mod names;
mod outcomes;
mod planning;
mod preview;
mod publish;
mod server;
mod simulation;
mod storyboard;
mod support;
mod transport;
mod two_runs;
mod windows;
