//! storyreel renders a whole storyboard with one command.

pub mod source;
pub mod storyboard;

pub mod catalog;
pub mod prompt;
