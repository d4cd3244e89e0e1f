//! What is filmed: a stage, a picture, footage that plays, or a card.

use std::path::Path;

use super::camera::Pose;
use super::card;
use super::frame::Frame;
use super::lineage::{Set, mood};
use super::picture::{self, Picture};
use super::source::Source;
use super::stage::Stage;
use super::typeset::Typesetter;
use super::{PreviewError, Shot};
use crate::media::Playback;

/// What is filmed.
pub(super) enum Scene {
    Stage(Box<Stage>),
    Picture(Box<Picture>),
    Playing(Box<Playing>),
    /// It neither moves nor is moved over.
    Still(Box<Frame>),
}

impl Scene {
    /// Prepares what a shot films from these poses.
    pub(super) fn build(
        shot: &Shot,
        set: &Set<'_>,
        (width, height): (usize, usize),
        poses: &[Pose],
        typesetter: &Typesetter,
    ) -> Result<Self, PreviewError> {
        let size = (width, height);
        let source = match set {
            Set::Stage(mood) => {
                return Ok(Self::Stage(Box::new(Stage::build(
                    mood, width, height, poses, typesetter,
                )?)));
            }
            Set::Frame(frame) => {
                return Ok(Self::Picture(Box::new(Picture::going_on(frame.to_image(), size)?)));
            }
            Set::Clip(clip) => {
                let playing =
                    Playing::open(clip, 0.0, None, size).map_err(|why| reference(clip, why))?;
                return Ok(Self::Playing(Box::new(playing)));
            }
            Set::Named(source) => *source,
        };
        let missing = |name: &str, why: &str| {
            Ok(Self::Still(Box::new(card::missing(name, why, size, typesetter)?)))
        };
        match source {
            Source::Picture(path) => {
                let picture = picture::read(path).map_err(|why| reference(path, why))?;
                Ok(Self::Picture(Box::new(Picture::new(picture, size, poses)?)))
            }
            Source::Still(words) => {
                let picture = card::still(shot, words, size, typesetter)?;
                Ok(Self::Picture(Box::new(Picture::new(picture, size, poses)?)))
            }
            Source::Footage { file, name, from, to } => {
                if picture::has_picture_ending(file) {
                    return match picture::read(file) {
                        Ok(picture) => {
                            Ok(Self::Picture(Box::new(Picture::new(picture, size, poses)?)))
                        }
                        Err(why) => missing(name, &why),
                    };
                }
                match Playing::open(file, *from, *to, size) {
                    Ok(playing) => Ok(Self::Playing(Box::new(playing))),
                    Err(why) => missing(name, &why),
                }
            }
            Source::Missing { name, why } => missing(name, why),
            Source::Title(text) => Ok(Self::Still(Box::new(card::title(text, size, typesetter)?))),
            Source::Black => Ok(Self::Still(Box::new(Frame::new(width, height)))),
            // These have become a stage or a frame by now.
            Source::Words | Source::Frame { .. } | Source::Clip { .. } => {
                let mood = mood(shot);
                Ok(Self::Stage(Box::new(Stage::build(&mood, width, height, poses, typesetter)?)))
            }
        }
    }

    /// Whether something moves while the camera rests.
    pub(super) fn is_alive(&self) -> bool {
        match self {
            Self::Stage(stage) => stage.is_alive(),
            Self::Playing(_) => true,
            Self::Picture(_) | Self::Still(_) => false,
        }
    }

    /// Films from a pose, some seconds after the set was first seen.
    pub(super) fn film(&mut self, frame: &mut Frame, pose: &Pose, seconds: f32) {
        match self {
            Self::Stage(stage) => stage.film(frame, pose, seconds),
            Self::Picture(picture) => picture.film(frame, pose),
            Self::Playing(playing) => playing.film(frame, seconds),
            Self::Still(still) => frame.copy_from(still),
        }
    }
}

fn reference(path: &Path, why: String) -> PreviewError {
    PreviewError::Reference { path: path.display().to_string(), why }
}

/// A clip that plays.
pub(super) struct Playing {
    playback: Playback,
    from: f64,
    to: Option<f64>,
    /// What was shown last, which is held where the clip cannot go on.
    shown: Frame,
}

impl Playing {
    /// Whether a clip can be played here.
    pub(super) fn can_play(clip: &Path) -> bool {
        Self::open(clip, 0.0, None, (16, 16)).is_ok()
    }

    /// Opens a clip and reads its first picture; the error continues a sentence that begins with its name.
    fn open(
        file: &Path,
        from: f64,
        to: Option<f64>,
        (width, height): (usize, usize),
    ) -> Result<Self, String> {
        let mut playback = Playback::open(file, (width as u32, height as u32))
            .map_err(|error| error.to_string())?;
        let first = playback.at(from).map_err(|error| error.to_string())?;
        let shown = Frame::of_image(first, width, height);
        Ok(Self { playback, from, to, shown })
    }

    fn film(&mut self, frame: &mut Frame, seconds: f32) {
        // Times of frames are rounded either way; a little later is surely within the frame that is meant.
        let at = self.from + f64::from(seconds) + 2e-3;
        // The end of a part belongs to what follows it.
        let at = self.to.map_or(at, |to| at.min((to - 2e-3).max(self.from)));
        if let Ok(picture) = self.playback.at(at) {
            self.shown = Frame::of_image(picture, frame.width, frame.height);
        }
        frame.copy_from(&self.shown);
    }
}
