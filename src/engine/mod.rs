//! Runs a plan: submits, polls, downloads and publishes, and keeps a record that survives a crash at any point.

pub mod event;
pub mod ports;
pub mod real_files;
#[doc(hidden)]
pub mod simulated_files;
