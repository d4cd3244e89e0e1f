//! MP4 files, stills and sounds: reading what a file is, taking a frame out of one, and writing H.264 samples into one.
//!
//! Only [`take_frame`] runs another program, and only for clips that are not H.264: ffmpeg. [`probe()`] trusts nothing it
//! reads; [`mux_h264`] writes the same bytes for the same samples.

mod boxes;
#[cfg(feature = "preview")]
mod decode;
pub mod ffmpeg;
pub mod frame;
pub mod mux;
pub mod picture;
#[cfg(feature = "preview")]
pub mod playback;
pub mod probe;
mod samples;
#[cfg(feature = "preview")]
mod sequence;
pub mod sound;
mod track;

pub use ffmpeg::{Ffmpeg, FfmpegError};
pub use frame::{FrameError, Which, take_frame};
pub use mux::{H264Sample, MuxError, mux_h264, mux_h264_with};
pub use picture::PictureFormat;
#[cfg(feature = "preview")]
pub use playback::Playback;
pub use probe::{Kind, Probe, ProbeError, probe, probe_file};
