//! Runs a plan: submits, polls, downloads and publishes, and keeps a record that survives a crash at any point.

pub mod budget;
pub mod event;
pub mod policy;
pub mod ports;
pub mod window;
