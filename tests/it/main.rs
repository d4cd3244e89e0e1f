//! One test binary, a module a subject, mostly against the built program.

mod agreement;
mod animatic;
mod audit;
mod bad_input;
mod catalog;
mod catalog_answers;
mod cli;
mod corpus;
mod discovery;
mod edges;
mod emulator;
mod engine;
mod every_model;
mod examples;
mod facts;
mod film;
#[cfg(unix)]
mod hostile;
mod interrupt;
mod key;
// Only a build with debug assertions can be told to stand still: `--profile campaign` has them and a release's speed.
#[cfg(debug_assertions)]
mod kill;
mod ledger;
mod lifecycle;
mod manifest;
mod meanwhile;
mod media;
mod metamorphic;
mod money;
mod names;
mod naming;
mod outcomes;
mod own_models;
mod planning;
mod preview;
mod publish;
mod questions;
mod rule_cases;
mod rules;
mod samples;
mod sensitivity;
mod server;
mod simulation;
mod stills;
mod storyboard;
mod support;
mod torn;
mod transport;
mod two_runs;
mod unknown;
mod upgrade;
mod windows;
