//! MP4 files, stills and sounds: reading what a file is, and writing H.264 samples into one.
//!
//! Neither part needs ffmpeg or any other program. [`probe()`] trusts nothing it reads; [`mux_h264`] writes the same
//! bytes for the same samples.

mod boxes;
pub mod mux;
pub mod picture;
pub mod probe;
pub mod sound;
mod track;

pub use mux::{H264Sample, MuxError, mux_h264, mux_h264_with};
pub use picture::PictureFormat;
pub use probe::{Probe, ProbeError, probe, probe_file};
