//! What the picture of a shot is made of.

use std::path::PathBuf;

use crate::media::Which;

/// What the picture of a shot is made of, and is filmed by the author's camera unless it moves by itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A stage that is drawn from the shot's words.
    Words,
    /// A PNG, JPEG or WebP file, shown full frame.
    Picture(PathBuf),
    /// A still that has yet to be made of these words.
    Still(String),
    /// A frame of another shot, from which this one goes on.
    Frame {
        /// The place of the other shot among those that are rendered together.
        of: usize,
        /// Which of its frames.
        moment: Which,
        /// The clip that was rendered of it, which comes before its preview where it is H.264 that can be read.
        clip: Option<PathBuf>,
    },
    /// The whole clip of another shot in a look of its own.
    Clip {
        /// The place of the other shot among those that are rendered together.
        of: usize,
        /// As in [`Source::Frame`].
        clip: Option<PathBuf>,
    },
    /// An H.264 clip as it plays, or a picture that is held. What cannot be read is a card with its name.
    Footage {
        /// The file.
        file: PathBuf,
        /// Its name as the author wrote it.
        name: String,
        /// Where in the clip the shot begins, in seconds.
        from: f64,
        /// Where in the clip the shot must end, in seconds; its last picture is held from there on.
        to: Option<f64>,
    },
    /// Footage that is not at hand: a card with its name and the reason.
    Missing {
        /// Its name as the author wrote it.
        name: String,
        /// Why it cannot be shown, such as `is missing`.
        why: String,
    },
    /// A card with this title.
    Title(String),
    /// Nothing.
    Black,
}

#[cfg(feature = "preview")]
impl Source {
    /// The shot that this one is made from, by its place.
    pub(super) fn other(&self) -> Option<usize> {
        match self {
            Self::Frame { of, .. } | Self::Clip { of, .. } => Some(*of),
            _ => None,
        }
    }
}

/// A step of a scene's chain as the timeline shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is shown: `extend`, `upscale 4k`.
    pub label: String,
    /// Whether it makes the next stretch of the clip: the base clip, then each extension. The others work on what there is.
    pub makes_time: bool,
}

/// A character with what is known of its looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portrait {
    /// The name as the author wrote it.
    pub name: String,
    /// A PNG, JPEG or WebP file.
    pub picture: Option<PathBuf>,
}
