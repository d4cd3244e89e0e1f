//! One test binary, a module a subject.

mod media;
mod preview;
