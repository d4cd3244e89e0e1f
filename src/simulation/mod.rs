//! A seeded world in place of the engine's four ports, so that whole runs can be simulated with faults and crashes.
//!
//! For tests only; no command uses it. It stands behind the emulator, whose core plays the provider in it.

pub mod files;
pub mod world;
