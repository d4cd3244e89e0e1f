//! One test binary, a module a subject, mostly against the built program.

mod media;
mod storyboard;
