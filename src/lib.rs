//! storyreel renders a whole storyboard with one command.

pub mod catalog;
pub mod cli;
pub mod emulator;
pub mod engine;
pub mod known;
pub mod ledger;
pub mod manifest;
pub mod media;
pub mod plan;
pub mod preview;
pub mod prompt;
pub mod publish;
pub mod remote;
pub mod report;
pub mod settings;
pub mod source;
pub mod storyboard;
