//! Runs a plan: submits, polls, downloads and publishes, and keeps a record that survives a crash at any point.

pub mod budget;
mod claims;
mod collect;
mod dispatcher;
pub mod event;
mod executor;
mod exit;
pub(crate) mod intake;
mod job;
pub mod policy;
mod prepare;
pub mod purse;
pub mod real;
pub mod real_files;
mod restore;
mod run;
mod shared_window;
mod submit;
pub mod watched;
pub mod window;

pub use exit::exit_code;
pub use run::{Order, World, run};
