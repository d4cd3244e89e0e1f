//! Playing an H.264 clip from a moment on, picture by picture, smaller than it is.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use image::RgbImage;
use openh264::OpenH264API;
use openh264::decoder::{Decoder, DecoderConfig, Flush};

use super::ProbeError;
use super::decode::{
    NotDecoded, Parameters, append, begin, cannot, colours_of_container, is_slice, kind, rgb,
};
use super::frame::{FrameError, turned};
use super::samples::{Turn, Video};
use super::sequence::{self, Colours};

/// How long the way to one picture may take.
const LONGEST: Duration = Duration::from_secs(20);
/// So many frames are decoded on the way rather than jumped over.
const STEADY: usize = 120;
/// The most pictures that wait for their turn; H.264 has 16 at most.
const MOST_WAITING: usize = 20;

/// An H.264 clip that is played forward. It is never read whole, and costs memory for its headers and a few pictures.
pub struct Playback {
    file: File,
    length: u64,
    video: Video,
    decoder: Decoder,
    colours: Colours,
    /// When each frame is shown, in seconds from the first one, and its number in the order of decoding.
    order: Vec<(f64, usize)>,
    /// The frame that is decoded next; none before the first.
    next: Option<usize>,
    waiting: BTreeMap<usize, RgbImage>,
    /// Pictures are made smaller by a whole factor, and still cover this.
    cover: (u32, u32),
}

impl Playback {
    /// Opens the MP4 file at `clip`. Pictures that are more than twice as large as it takes to cover `cover` pixels are
    /// made smaller while they are read.
    ///
    /// # Errors
    /// [`FrameError`] for what is no clip or cannot be decoded here; ffmpeg is never asked.
    pub fn open(clip: &Path, cover: (u32, u32)) -> Result<Self, FrameError> {
        let file = File::open(clip).map_err(ProbeError::from)?;
        let length = file.metadata().map_err(ProbeError::from)?.len();
        let video = Video::read(&mut io::BufReader::new(&file), length)?;
        let beyond = |what: String| FrameError::Beyond(what);
        if video.codec != "h264" {
            return Err(beyond(format!("the clip is {}", video.codec)));
        }
        if video.changes_parameters {
            return Err(beyond("the clip is H.264 whose parameters change on the way".into()));
        }
        let mut colours = Colours::default();
        for set in &Parameters::read(&video.parameters)?.sequence_sets {
            colours =
                sequence::read(set).map_err(|what| beyond(format!("the clip is H.264 {what}")))?;
        }
        let config = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
        let decoder = Decoder::with_api_config(OpenH264API::from_source(), config)
            .map_err(|error| beyond(format!("the clip is H.264 and {}", cannot(&error))))?;
        let order = video.in_order();
        Ok(Self {
            file,
            length,
            video,
            decoder,
            colours,
            order,
            next: None,
            waiting: BTreeMap::new(),
            cover,
        })
    }

    /// The picture that stands `seconds` after the first one; the last one where the clip is over by then. Times must not go back.
    ///
    /// # Errors
    /// [`FrameError`] where the clip is cut, damaged or beyond this decoder.
    pub fn at(&mut self, seconds: f64) -> Result<&RgbImage, FrameError> {
        let place = self.order.partition_point(|(shown, _)| *shown <= seconds).saturating_sub(1);
        let &(_, wanted) =
            self.order.get(place).ok_or(FrameError::Unreadable(ProbeError::NoFrames))?;
        if !self.waiting.contains_key(&wanted) {
            self.decode_to(wanted, place)?;
        }
        self.waiting.get(&wanted).ok_or_else(|| {
            FrameError::Beyond("the clip is H.264 whose decoder gives no picture".into())
        })
    }

    fn decode_to(&mut self, wanted: usize, place: usize) -> Result<(), FrameError> {
        let begun = Instant::now();
        let Self { file, length, video, decoder, waiting, order, next, .. } = self;
        let video = &*video;
        let parameters = Parameters::read(&video.parameters)?;
        let mut reader = io::BufReader::new(&*file);
        // A jump far ahead begins at the keyframe before it, and so does a start.
        let goes_on = next.filter(|next| *next <= wanted && wanted - *next <= STEADY);
        let first = match goes_on {
            Some(next) => next,
            None => begin(&mut reader, *length, video, &parameters, wanted).map_err(undecoded)?,
        };
        // What comes before the wanted picture is never asked for again.
        let later: BTreeMap<usize, f64> = order[place..]
            .iter()
            .take(4 * MOST_WAITING)
            .map(|(at, number)| (*number, *at))
            .collect();
        waiting.retain(|number, _| later.contains_key(number));
        let mut stream = Vec::new();
        for number in first..=wanted {
            if begun.elapsed() > LONGEST {
                return Err(FrameError::Beyond(
                    "the clip is H.264 that takes too long to decode here".into(),
                ));
            }
            let bytes = video.sample(&mut reader, *length, number)?;
            let units = parameters.units(&bytes, number)?;
            let is_wanted = later.contains_key(&number);
            if !is_wanted && units.iter().all(|unit| !is_slice(unit) || unit[0] & 0x60 == 0) {
                continue;
            }
            stream.clear();
            if number == first && goes_on.is_none() {
                for set in &parameters.sequence_sets {
                    append(&mut stream, &sequence::unordered(set));
                }
                parameters.picture_sets.iter().for_each(|set| append(&mut stream, set));
            }
            for unit in units {
                match kind(unit) {
                    7 => append(&mut stream, &sequence::unordered(unit)),
                    1..=5 | 8 => append(&mut stream, unit),
                    _ => {}
                }
            }
            let decoded = decoder.decode(&stream).map_err(|error| {
                FrameError::Beyond(format!(
                    "the clip is H.264 whose frame {} {}",
                    number + 1,
                    cannot(&error)
                ))
            })?;
            if let (true, Some(picture)) = (is_wanted, decoded) {
                let colours = self.colours.or(colours_of_container(&video.parameters));
                let picture = rgb(&picture, colours, factor(&picture, video.turn, self.cover));
                if let Some(picture) = picture {
                    waiting.insert(number, turned(picture, video.turn));
                }
                while waiting.len() > MOST_WAITING {
                    waiting.pop_first();
                }
            }
        }
        *next = Some(wanted + 1);
        Ok(())
    }
}

/// By how much a picture can be made smaller so that it still covers what is wanted.
fn factor(picture: &impl openh264::formats::YUVSource, turn: Turn, cover: (u32, u32)) -> usize {
    let (width, height) = picture.dimensions();
    let (width, height) = match turn {
        Turn::None | Turn::Half => (width, height),
        Turn::Quarter | Turn::ThreeQuarters => (height, width),
    };
    (width / cover.0.max(1) as usize).min(height / cover.1.max(1) as usize).max(1)
}

fn undecoded(why: NotDecoded) -> FrameError {
    match why {
        NotDecoded::Unreadable(error) => FrameError::Unreadable(error),
        NotDecoded::Beyond(why) => FrameError::Beyond(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use tempfile::TempDir;

    const B_FRAMES: &[u8] = include_bytes!("../../tests/fixtures/frames/b-frames.mp4");
    const FRAGMENTS: &[u8] = include_bytes!("../../tests/fixtures/frames/fragments.mp4");
    const HEVC: &[u8] = include_bytes!("../../tests/fixtures/frames/hevc.mp4");

    fn kept(bytes: &[u8]) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("clip.mp4");
        std::fs::write(&path, bytes).expect("a clip");
        (folder, path)
    }

    /// The frames of the fixtures are greys, each lighter than the one before.
    #[track_caller]
    fn assert_shows(picture: &RgbImage, number: usize) {
        let grey = ((24 + number * 15) as f32 * 255.0 / 219.0).round() as u8;
        let near =
            picture.pixels().all(|pixel| pixel.0.iter().all(|part| part.abs_diff(grey) <= 24));
        assert!(near, "frame {number}: {:?} instead of {grey}", picture.get_pixel(0, 0));
    }

    #[test]
    fn pictures_come_in_the_order_of_showing() {
        for bytes in [B_FRAMES, FRAGMENTS] {
            let (_folder, path) = kept(bytes);
            let mut playback = Playback::open(&path, (16, 16)).expect("a clip");
            let times: Vec<f64> = playback.order.iter().map(|(at, _)| *at).collect();
            assert_eq!((times.len(), times[0]), (12, 0.0));
            for (number, at) in times.iter().enumerate() {
                assert_shows(playback.at(at + 1e-4).expect("a picture"), number);
                assert_shows(playback.at(at + 1e-3).expect("the same again"), number);
            }
            assert_shows(playback.at(1e6).expect("the last is held"), 11);
        }
    }

    #[test]
    fn a_clip_can_be_entered_anywhere() {
        let (_folder, path) = kept(B_FRAMES);
        for number in [11, 7, 3] {
            let mut playback = Playback::open(&path, (16, 16)).expect("a clip");
            let (at, _) = playback.order[number];
            assert_shows(playback.at(at + 1e-4).expect("a picture"), number);
        }
    }

    #[test]
    fn pictures_are_made_smaller_by_whole_steps() {
        let (_folder, path) = kept(B_FRAMES);
        let side = |cover| {
            let mut playback = Playback::open(&path, cover).expect("a clip");
            let picture = playback.at(0.0).expect("a picture");
            assert_shows(picture, 0);
            picture.dimensions()
        };
        let (width, height) = side((9999, 9999));
        assert_eq!(side((width / 2, height / 2)), (width / 2, height / 2));
        assert_eq!(side((width / 3, height / 3)), (width / 3, height / 3));
    }

    #[test]
    fn what_cannot_be_played_says_so() {
        let error = |bytes: &[u8]| {
            let (_folder, path) = kept(bytes);
            Playback::open(&path, (16, 16)).err().expect("no clip").to_string()
        };
        assert_eq!(error(HEVC), "the clip is hevc");
        assert_eq!(error(b""), "the clip is not an MP4 file: it is empty");
    }

    #[test]
    fn damaged_clips_never_make_it_panic() {
        let (_folder, path) = kept(b"");
        for bytes in [B_FRAMES, FRAGMENTS] {
            let mut damaged = bytes.to_vec();
            for at in (0..bytes.len()).step_by(3) {
                let flip = [0x01, 0x80, 0xff][at % 3];
                damaged[at] ^= flip;
                std::fs::write(&path, &damaged).expect("a clip");
                if let Ok(mut playback) = Playback::open(&path, (16, 16)) {
                    for at in [0.0, 0.1, 0.3, 99.0] {
                        let _ = playback.at(at);
                    }
                }
                damaged[at] ^= flip;
            }
        }
    }
}
