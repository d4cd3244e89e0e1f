//! One test binary, a module a subject.

mod emulator;
mod media;
