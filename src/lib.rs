//! storyreel renders a whole storyboard to video clips.

pub mod media;
pub mod preview;
