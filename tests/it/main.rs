//! tests
mod catalog;
mod catalog_answers;
