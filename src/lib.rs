//! storyreel renders a whole storyboard to video clips.

pub mod emulator;
pub mod media;
