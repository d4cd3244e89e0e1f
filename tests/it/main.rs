//! One test binary, a module a subject, mostly against the built program.

mod catalog;
mod media;
mod storyboard;
