//! Reading and writing MP4 files without outside programs.

use serde::{Deserialize, Serialize};

/// What is known of a clip's pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Length in seconds.
    pub duration: f64,
    /// Display width in pixels.
    pub width: u32,
    /// Display height in pixels.
    pub height: u32,
    /// Frames a second.
    pub fps: f64,
    /// `h264`, `hevc`, `av1`, `vp9` or the four-character code.
    pub codec: String,
}
