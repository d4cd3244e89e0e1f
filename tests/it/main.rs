//! tests
mod catalog;
