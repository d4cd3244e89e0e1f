//! What a clip is, read from the headers of its MP4 file.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Seek};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::boxes::{read_body, walk};
use super::picture::{self, PictureFormat};
use super::sound;
use super::track::{Fragment, Track, read_fragments};

/// What the headers of a clip tell about its first video track, or what a still is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Length of the video track, or of the sound, in seconds; 0 for a still.
    #[serde(default)]
    pub duration: f64,
    /// Width as displayed, in pixels; a rotation in the header is applied. 0 for a sound.
    #[serde(default)]
    pub width: u32,
    /// Height as displayed, in pixels; 0 for a sound.
    #[serde(default)]
    pub height: u32,
    /// Frames a second: the number of frames divided by their time; 0 for a still.
    #[serde(default)]
    pub fps: f64,
    /// `h264`, `hevc`, `av1`, `vp9`, `vp8`, or the four characters that the file names its codec with; `png`, `jpeg` or
    /// `webp` for a still; `mp3`, `wav`, `ogg`, `flac` or `aac` for a sound.
    pub codec: String,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A clip.
    Clip,
    /// A still.
    Picture,
    /// A sound.
    Sound,
}

impl Kind {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clip => "clip",
            Self::Picture => "picture",
            Self::Sound => "sound",
        }
    }
}

impl Probe {
    /// The format of a still; `None` for a clip.
    pub fn picture(&self) -> Option<PictureFormat> {
        PictureFormat::ALL.into_iter().find(|format| format.name() == self.codec)
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        match self.picture() {
            Some(_) => Kind::Picture,
            None if sound::FORMATS.contains(&self.codec.as_str()) => Kind::Sound,
            None => Kind::Clip,
        }
    }

    /// The ending of its file, where it is no MP4 file.
    pub fn extension(&self) -> Option<&'static str> {
        let of_sound = || sound::FORMATS.into_iter().find(|format| *format == self.codec);
        self.picture().map(PictureFormat::extension).or_else(of_sound)
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
    /// The file begins as a sound does and is none.
    #[error("is a damaged or cut sound")]
    Sound,
    /// The file could not be read at all.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Reads the headers of the MP4 file or sound, or the whole picture, at `path`.
///
/// # Errors
/// As [`probe`] and [`picture::probe`]; the text of the error does not repeat the path.
pub fn probe_file(path: &Path) -> Result<Probe, ProbeError> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut reader = BufReader::new(file);
    let head = reader.fill_buf()?;
    match (PictureFormat::of(head), sound::format_of(head)) {
        (Some(format), _) => picture::probe(reader, format),
        (None, Some(codec)) => match sound::seconds(reader) {
            Some(duration) => {
                Ok(Probe { duration, width: 0, height: 0, fps: 0.0, codec: codec.to_owned() })
            }
            None => Err(ProbeError::Sound),
        },
        (None, None) => probe(reader, length),
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
