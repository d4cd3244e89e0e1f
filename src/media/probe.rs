//! What a clip is, read from the headers of its MP4 file.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Seek};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::boxes::{read_body, walk};
use super::picture::{self, PictureFormat};
use super::track::{Fragment, Track, read_fragments};

/// What the headers of a clip tell about its first video track, or what a still is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Length of the video track in seconds; 0 for a still.
    #[serde(default)]
    pub duration: f64,
    /// Width as displayed, in pixels; a rotation in the header is applied.
    pub width: u32,
    /// Height as displayed, in pixels.
    pub height: u32,
    /// Frames a second: the number of frames divided by their time; 0 for a still.
    #[serde(default)]
    pub fps: f64,
    /// `h264`, `hevc`, `av1`, `vp9`, `vp8`, or the four characters that the file names its codec with; `png`, `jpeg` or
    /// `webp` for a still.
    pub codec: String,
}

impl Probe {
    /// The format of a still; `None` for a clip.
    pub fn picture(&self) -> Option<PictureFormat> {
        PictureFormat::ALL.into_iter().find(|format| format.name() == self.codec)
    }
}

/// Why a file is no usable clip. The text continues a sentence that begins with the file's name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// The file does not begin as MP4 files do.
    #[error("is not an MP4 file: {0}")]
    NotMp4(String),
    /// The file ends before a box, or the frames that a box points to, do.
    #[error("is cut: {what} needs {needs} bytes and {here} are here")]
    Cut {
        /// What is incomplete, such as "the `mdat` box".
        what: String,
        /// How many bytes it needs.
        needs: u64,
        /// How many bytes the file has for it.
        here: u64,
    },
    /// There is no `moov` box, so nothing tells what the file contains.
    #[error("has no `moov` box: it was cut, or its writer never finished it")]
    NoMovie,
    /// No track holds video.
    #[error("has no video track")]
    NoVideoTrack,
    /// There is a video track without a single frame.
    #[error("has a video track without frames")]
    NoFrames,
    /// A box contradicts itself or the format.
    #[error("is damaged: the `{kind}` box {why}")]
    Damaged {
        /// The four characters that name the box.
        kind: String,
        /// What is wrong with it.
        why: String,
    },
    /// The file begins as a still does and is none.
    #[error("is a damaged or cut {format} picture: {why}")]
    Picture {
        /// `png`, `jpeg` or `webp`.
        format: &'static str,
        /// What the decoder said.
        why: String,
    },
    /// The file could not be read at all.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Reads the headers of the MP4 file, or the whole picture, at `path`.
///
/// # Errors
/// As [`probe`] and [`picture::probe`]; the text of the error does not repeat the path.
pub fn probe_file(path: &Path) -> Result<Probe, ProbeError> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut reader = BufReader::new(file);
    match PictureFormat::of(reader.fill_buf()?) {
        Some(format) => picture::probe(reader, format),
        None => probe(reader, length),
    }
}

/// Reads the headers of an MP4 file of `length` bytes. The `moov` box may stand before or after the media, and the
/// file may be fragmented; every frame that the headers list must lie inside the file.
///
/// # Errors
/// [`ProbeError`] when the file is no MP4 file, is cut, is damaged, or has no video track with frames in it.
pub fn probe(mut reader: impl Read + Seek, length: u64) -> Result<Probe, ProbeError> {
    let mut movie = None;
    let mut fragments: Vec<Fragment> = Vec::new();
    let mut fragment_without_media = false;
    walk(&mut reader, length, |reader, found| {
        match &found.kind.0 {
            b"moov" if movie.is_none() => movie = Some(read_body(reader, found)?),
            b"moof" => {
                fragments.extend(read_fragments(&read_body(reader, found)?)?);
                fragment_without_media = true;
            }
            b"mdat" => fragment_without_media = false,
            _ => {}
        }
        Ok(())
    })?;
    let movie = movie.ok_or(ProbeError::NoMovie)?;
    if fragment_without_media {
        return Err(ProbeError::Cut {
            what: "the `mdat` box of the last fragment".into(),
            needs: 8,
            here: 0,
        });
    }
    Track::first_video(&movie, &fragments)?.describe(length)
}
