//! tests
mod storyboard;
