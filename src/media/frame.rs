//! The first, middle or last picture of a clip. H.264 is decoded here, without any other program; the rest by ffmpeg.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor};
use std::path::Path;

use image::{ImageFormat, RgbImage, imageops};

use super::ProbeError;
use super::ffmpeg::{Ffmpeg, FfmpegError};
use super::samples::{Turn, Video};

#[cfg(feature = "preview")]
use super::decode::{NotDecoded, decode};

/// Which frame of a clip, in the order in which a player shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The one shown first.
    First,
    /// The one shown when half of the clip is over.
    Middle,
    /// The one shown last.
    Last,
}

impl Which {
    /// The frame with this name; `None` for any word but `first`, `middle` and `last`.
    pub fn named(name: &str) -> Option<Self> {
        [Self::First, Self::Middle, Self::Last].into_iter().find(|which| which.to_string() == name)
    }
}

impl fmt::Display for Which {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::First => "first",
            Self::Middle => "middle",
            Self::Last => "last",
        })
    }
}

/// Why there is no picture. The text is a clause about "the clip" and says what to do where something can be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The file is no usable clip.
    #[error("the clip {0}")]
    Unreadable(#[from] ProbeError),
    /// It takes ffmpeg, which is missing.
    #[error(
        "{0}; its frames can be taken out with ffmpeg, which is not installed: install it and run again, or give the \
         frame as a picture"
    )]
    NoFfmpeg(String),
    /// It takes ffmpeg, which cannot do it either.
    #[error("{0}, and ffmpeg {1}; give the frame as a picture")]
    Ffmpeg(String, FfmpegError),
    /// It is beyond the decoder here, and nothing else is asked.
    #[error("{0}")]
    Beyond(String),
    /// The picture could not be written as a PNG file.
    #[error("the frame cannot be written as PNG ({0})")]
    Png(#[from] image::ImageError),
}

/// Takes the frame that is shown first, last or in the middle out of the MP4 file at `clip`, turned as a player turns it. A clip that
/// cannot be decoded here is given to ffmpeg.
///
/// A file that nobody vouches for costs at most a minute here, a minute of ffmpeg, and memory for its headers and a few
/// pictures; it is never read whole.
///
/// # Errors
/// [`FrameError`].
pub fn take_frame(clip: &Path, which: Which, ffmpeg: &Ffmpeg) -> Result<RgbImage, FrameError> {
    let mut file = File::open(clip).map_err(ProbeError::from)?;
    let length = file.metadata().map_err(ProbeError::from)?.len();
    let video = read_headers(&mut file, length)?;
    let why = if video.codec == "h264" {
        match decoded(&mut file, length, &video, which)? {
            Ok(picture) => return Ok(turned(picture, video.turn)),
            Err(why) => why,
        }
    } else {
        format!("the clip is {}", video.codec)
    };
    // By now the headers are known to be those of a clip, so that a program that trusts files more may see it.
    let middle = video.middle();
    ffmpeg.take(clip, which, middle).map_err(|error| match error {
        FfmpegError::Missing => FrameError::NoFfmpeg(why),
        error => FrameError::Ffmpeg(why, error),
    })
}

/// The bytes of a picture as a PNG file.
///
/// # Errors
/// What the encoder says.
pub fn png(picture: &RgbImage) -> Result<Vec<u8>, FrameError> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

/// Headers are read in small pieces, frames in one each.
fn read_headers(file: &mut File, length: u64) -> Result<Video, ProbeError> {
    Video::read(&mut io::BufReader::new(file), length)
}

/// The picture, or why it must be left to another decoder.
#[cfg(feature = "preview")]
fn decoded(
    file: &mut File,
    length: u64,
    video: &Video,
    which: Which,
) -> Result<Result<RgbImage, String>, FrameError> {
    match decode(file, length, video, video.shown(which)) {
        Ok(picture) => Ok(Ok(picture)),
        Err(NotDecoded::Beyond(why)) => Ok(Err(why)),
        Err(NotDecoded::Unreadable(error)) => Err(error.into()),
    }
}

/// A build without the decoder reads the frame's bytes only, so that a cut clip is told all the same.
#[cfg(not(feature = "preview"))]
fn decoded(
    file: &mut File,
    length: u64,
    video: &Video,
    which: Which,
) -> Result<Result<RgbImage, String>, FrameError> {
    video.sample(file, length, video.shown(which))?;
    Ok(Err("the clip is h264, which this build of storyreel cannot decode".to_owned()))
}

pub(super) fn turned(picture: RgbImage, turn: Turn) -> RgbImage {
    match turn {
        Turn::None => picture,
        Turn::Quarter => imageops::rotate90(&picture),
        Turn::Half => imageops::rotate180(&picture),
        Turn::ThreeQuarters => imageops::rotate270(&picture),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use std::time::Duration;
    use tempfile::TempDir;

    const B_FRAMES: &[u8] = include_bytes!("../../tests/fixtures/frames/b-frames.mp4");
    const FRAGMENTS: &[u8] = include_bytes!("../../tests/fixtures/frames/fragments.mp4");
    const HEVC: &[u8] = include_bytes!("../../tests/fixtures/frames/hevc.mp4");

    /// A program that is not there.
    fn no_ffmpeg() -> Ffmpeg {
        Ffmpeg { program: "storyreel-has-no-such-program".into(), ..Ffmpeg::default() }
    }

    /// A shell script that stands for ffmpeg.
    #[cfg(unix)]
    fn script(folder: &TempDir, text: &str) -> Ffmpeg {
        let path = folder.path().join("script");
        std::fs::write(&path, text).expect("a script");
        Ffmpeg {
            program: "sh".into(),
            arguments: vec![path.into()],
            limit: Duration::from_millis(300),
        }
    }

    fn kept(bytes: &[u8]) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("-clip.mp4");
        std::fs::write(&path, bytes).expect("a clip");
        (folder, path)
    }

    fn take(bytes: &[u8], which: Which) -> Result<RgbImage, FrameError> {
        let (_folder, path) = kept(bytes);
        take_frame(&path, which, &no_ffmpeg())
    }

    #[test]
    fn frames_have_names() {
        assert_eq!(Which::named("first"), Some(Which::First));
        assert_eq!(Which::named("last"), Some(Which::Last));
        assert_eq!(Which::named("keyframe"), None);
    }

    #[test]
    fn a_clip_that_only_ffmpeg_decodes_says_so() {
        let error = take(HEVC, Which::Last).expect_err("no decoder");
        assert_eq!(
            error.to_string(),
            "the clip is hevc; its frames can be taken out with ffmpeg, which is not installed: install it and run \
             again, or give the frame as a picture"
        );
    }

    #[test]
    fn what_is_no_clip_is_not_given_to_ffmpeg() {
        let refused = |bytes: &[u8]| take(bytes, Which::First).expect_err("no clip").to_string();
        assert_eq!(refused(b""), "the clip is not an MP4 file: it is empty");
        assert!(refused(b"\x89PNG\r\n\x1a\n0000").starts_with("the clip is not an MP4 file"));
        let cut = refused(&B_FRAMES[..B_FRAMES.len() - 100]);
        assert!(cut.starts_with("the clip is cut: the `mdat` box needs"), "{cut}");
    }

    #[cfg(unix)]
    #[test]
    fn the_picture_of_ffmpeg_is_taken_and_its_complaints_are_told() {
        let (folder, clip) = kept(HEVC);
        let picture = folder.path().join("made.png");
        let drawn = RgbImage::from_pixel(6, 4, image::Rgb([9, 80, 200]));
        std::fs::write(&picture, png(&drawn).expect("a PNG")).expect("a picture");
        // The last argument is the output. An ffmpeg that does not know the newer word is asked with the older one.
        let text = format!(
            "case \"$*\" in *fps_mode*) echo 'Unrecognized option fps_mode' >&2; exit 1;; esac\n\
             test \"$KIE_API_KEY$CARGO_PKG_NAME\" = '' || exit 1\n\
             for output; do :; done; cp {} \"$output\"",
            picture.display()
        );
        let mut ffmpeg = script(&folder, &text);
        ffmpeg.limit = Duration::from_secs(60);
        for which in [Which::First, Which::Last] {
            assert_eq!(take_frame(&clip, which, &ffmpeg).expect("a picture"), drawn);
        }
        let failing =
            Ffmpeg { limit: ffmpeg.limit, ..script(&folder, "echo 'no\nway' >&2; exit 1") };
        let error = take_frame(&clip, Which::Last, &failing).expect_err("no picture");
        let said = "the clip is hevc, and ffmpeg failed: no way; give the frame as a picture";
        assert_eq!(error.to_string(), said);
        let silent = Ffmpeg { limit: ffmpeg.limit, ..script(&folder, "exit 0") };
        let error = take_frame(&clip, Which::First, &silent).expect_err("no picture");
        assert!(error.to_string().contains("ffmpeg failed: it gave no picture"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn an_ffmpeg_that_hangs_is_ended() {
        let (folder, clip) = kept(HEVC);
        let hanging = script(&folder, "exec sleep 600");
        let error = take_frame(&clip, Which::First, &hanging).expect_err("no picture");
        assert!(error.to_string().contains("ffmpeg did not end within 0 s"), "{error}");
    }

    #[cfg(not(feature = "preview"))]
    #[test]
    fn a_build_without_a_decoder_says_so() {
        let error = take(B_FRAMES, Which::First).expect_err("no decoder").to_string();
        assert!(
            error.starts_with("the clip is h264, which this build of storyreel cannot decode;"),
            "{error}"
        );
        assert!(take(FRAGMENTS, Which::Last).is_err());
    }

    #[cfg(feature = "preview")]
    mod decoded {
        use super::*;
        use crate::media::{H264Sample, mux_h264};
        use mp4_atom::{Ctts, CttsEntry, Decode as _, Encode as _, Moov, Stss};
        use openh264::OpenH264API;
        use openh264::encoder::{
            Encoder, EncoderConfig, FrameType, IntraFramePeriod, QpRange, RateControlMode,
            VuiConfig,
        };
        use openh264::formats::YUVBuffer;

        /// Brightness and the two colour differences (limited range) with what BT.709 makes of them.
        const COLOURS: [([u8; 3], [u8; 3]); 5] = [
            ([81, 90, 240], [255, 24, 0]),
            ([145, 54, 34], [0, 216, 0]),
            ([41, 240, 110], [0, 15, 255]),
            ([180, 128, 128], [191, 191, 191]),
            ([210, 16, 146], [255, 240, 0]),
        ];

        fn colour(number: usize) -> ([u8; 3], [u8; 3]) {
            COLOURS[number % COLOURS.len()]
        }

        /// A clip of so many frames, each of one colour, with a keyframe every so many.
        fn clip(frames: usize, keyframe_every: u32, width: usize, height: usize) -> Vec<u8> {
            let config = EncoderConfig::new()
                .skip_frames(false)
                .rate_control_mode(RateControlMode::Off)
                .qp(QpRange::new(12, 12))
                .num_threads(1)
                .scene_change_detect(false)
                .intra_frame_period(IntraFramePeriod::from_num_frames(keyframe_every))
                .vui(VuiConfig::bt709());
            let mut encoder =
                Encoder::with_api_config(OpenH264API::from_source(), config).expect("an encoder");
            let encoded: Vec<(Vec<u8>, bool)> = (0..frames)
                .map(|number| {
                    let ([luma, blue, red], _) = colour(number);
                    let quarter = width * height / 4;
                    let mut planes = vec![luma; width * height];
                    planes.extend(std::iter::repeat_n(blue, quarter));
                    planes.extend(std::iter::repeat_n(red, quarter));
                    let stream = encoder
                        .encode(&YUVBuffer::from_vec(planes, width, height))
                        .expect("an encoded frame");
                    (stream.to_vec(), stream.frame_type() == FrameType::IDR)
                })
                .collect();
            let samples: Vec<H264Sample<'_>> = encoded
                .iter()
                .map(|(annex_b, keyframe)| H264Sample { annex_b, duration: 1, keyframe: *keyframe })
                .collect();
            mux_h264(width as u16, height as u16, 24, &samples).expect("a clip")
        }

        /// The clip with other headers.
        fn with_headers(clip: &[u8], change: impl FnOnce(&mut Moov)) -> Vec<u8> {
            let at = clip.windows(4).position(|four| four == b"moov").expect("headers") - 4;
            let mut rest = &clip[at..];
            let mut moov = Moov::decode(&mut rest).expect("headers");
            let before = clip.len() - at - rest.len();
            change(&mut moov);
            let length = |moov: &Moov| {
                let mut bytes = Vec::new();
                moov.encode(&mut bytes).expect("headers");
                bytes
            };
            let grown = length(&moov).len() as i64 - before as i64;
            for offset in &mut moov.trak[0].mdia.minf.stbl.stco.as_mut().expect("offsets").entries {
                *offset = (i64::from(*offset) + grown) as u32;
            }
            [&clip[..at], &length(&moov), rest].concat()
        }

        #[track_caller]
        fn assert_colour(picture: &RgbImage, expected: [u8; 3]) {
            for pixel in picture.pixels() {
                let near =
                    pixel.0.iter().zip(expected).all(|(is, should)| is.abs_diff(should) <= 24);
                assert!(near, "{:?} instead of {expected:?}", pixel.0);
            }
        }

        #[test]
        fn first_and_last_are_found_among_any_number_of_keyframes() {
            for (frames, keyframe_every) in [(1, 48), (2, 48), (30, 48), (30, 7), (8, 1), (29, 28)]
            {
                let bytes = clip(frames, keyframe_every, 64, 48);
                let first = take(&bytes, Which::First).expect("a first frame");
                assert_eq!(first.dimensions(), (64, 48));
                assert_colour(&first, colour(0).1);
                assert_colour(
                    &take(&bytes, Which::Last).expect("a last frame"),
                    colour(frames - 1).1,
                );
            }
        }

        #[test]
        fn the_edge_that_coding_adds_is_cut_off() {
            let bytes = clip(3, 48, 90, 50);
            let last = take(&bytes, Which::Last).expect("a last frame");
            assert_eq!(last.dimensions(), (90, 50));
            assert_colour(&last, colour(2).1);
        }

        #[test]
        fn frames_that_are_shown_in_another_order_are_found() {
            let grey = |number: u32| [((24 + number * 15) as f32 * 255.0 / 219.0).round() as u8; 3];
            for bytes in [B_FRAMES, FRAGMENTS] {
                assert_colour(&take(bytes, Which::First).expect("a first frame"), grey(0));
                assert_colour(&take(bytes, Which::Last).expect("a last frame"), grey(11));
            }
        }

        #[test]
        fn times_of_showing_decide_and_not_the_order_of_decoding() {
            let bytes = with_headers(&clip(4, 48, 64, 48), |moov| {
                let delays =
                    [1, 3, 0, 0].map(|ticks| CttsEntry { sample_count: 1, sample_offset: ticks });
                moov.trak[0].mdia.minf.stbl.ctts = Some(Ctts { entries: delays.to_vec() });
            });
            // Shown at 1, 4, 2 and 3.
            assert_colour(&take(&bytes, Which::First).expect("a first frame"), colour(0).1);
            assert_colour(&take(&bytes, Which::Last).expect("a last frame"), colour(1).1);
        }

        #[test]
        fn an_edit_list_decides_what_is_shown() {
            // Six frames at 24 a second, with lengths in thousandths of a second: 83 is rounded down, 84 up.
            let edited = |from: u64, length: u64| {
                let bytes = with_headers(&clip(6, 48, 64, 48), |moov| {
                    let entry = |media_time, segment_duration| mp4_atom::ElstEntry {
                        segment_duration,
                        media_time,
                        media_rate: 1.into(),
                    };
                    let entries = vec![entry(None, 40), entry(Some(from), length)];
                    moov.trak[0].edts =
                        Some(mp4_atom::Edts { elst: Some(mp4_atom::Elst { entries }) });
                });
                [Which::First, Which::Last].map(|which| take(&bytes, which).expect("a frame"))
            };
            for (from, length, expected) in [
                (0, 250, [0, 5]),
                (0, 0, [0, 5]),
                (2, 83, [2, 3]),
                (2, 84, [2, 3]),
                (1, 42, [1, 1]),
                (4, 9000, [4, 5]),
                (77, 1000, [5, 5]),
            ] {
                let [first, last] = edited(from, length);
                assert_colour(&first, colour(expected[0]).1);
                assert_colour(&last, colour(expected[1]).1);
            }
        }

        #[test]
        fn rotation_in_the_header_is_applied() {
            for (matrix, size) in [
                ([0, 0x10000, -0x10000, 0], (48, 64)),
                ([-0x10000, 0, 0, -0x10000], (64, 48)),
                ([0, -0x10000, 0x10000, 0], (48, 64)),
            ] {
                let bytes = with_headers(&clip(1, 48, 64, 48), |moov| {
                    let turned = &mut moov.trak[0].tkhd.matrix;
                    [turned.a, turned.b, turned.c, turned.d] = matrix;
                });
                assert_eq!(take(&bytes, Which::Last).expect("a frame").dimensions(), size);
            }
        }

        #[test]
        fn a_frame_that_is_wrongly_called_a_keyframe_is_not_begun_with() {
            let bytes = with_headers(&clip(6, 48, 64, 48), |moov| {
                moov.trak[0].mdia.minf.stbl.stss = Some(Stss { entries: vec![4, 0, 900] });
            });
            assert_colour(&take(&bytes, Which::Last).expect("a last frame"), colour(5).1);
        }

        #[test]
        fn h264_beyond_this_decoder_is_left_to_ffmpeg() {
            // Bit depth stands in the sixth byte of the set, behind a profile that has it.
            let mut bytes = B_FRAMES.to_vec();
            let at = bytes.windows(4).position(|four| four == b"avcC").expect("parameters");
            assert_eq!(bytes[at + 13], 100, "High profile");
            bytes[at + 16] = 0b1010_0110;
            let error = take(&bytes, Which::First).expect_err("beyond us").to_string();
            assert!(error.contains("H.264") && error.contains("ffmpeg"), "{error}");
        }

        #[test]
        fn cut_clips_are_refused() {
            for bytes in [&clip(3, 2, 16, 16)[..], B_FRAMES, FRAGMENTS] {
                for end in 0..bytes.len() {
                    // A fragment more or less is another whole clip.
                    let done = take(&bytes[..end], Which::Last);
                    let whole = bytes == FRAGMENTS && done.is_ok();
                    assert!(done.is_err() || whole, "{end} of {}", bytes.len());
                }
            }
        }

        #[test]
        fn damaged_clips_never_make_it_panic() {
            let (_folder, path) = kept(b"");
            for bytes in [&clip(3, 2, 16, 16)[..], B_FRAMES, FRAGMENTS] {
                let mut damaged = bytes.to_vec();
                for at in 0..bytes.len() {
                    let flip = [0x01, 0x80, 0xff][at % 3];
                    damaged[at] ^= flip;
                    std::fs::write(&path, &damaged).expect("a clip");
                    let which = if at % 2 == 0 { Which::First } else { Which::Last };
                    let _ = take_frame(&path, which, &no_ffmpeg());
                    damaged[at] ^= flip;
                }
            }
        }

        #[test]
        fn counts_are_not_trusted() {
            for change in [
                // Billions of frames of no size, and of the size that fits.
                (|moov: &mut Moov| {
                    moov.trak[0].mdia.minf.stbl.stsz.samples =
                        mp4_atom::StszSamples::Identical { count: u32::MAX, size: 1 };
                }) as fn(&mut Moov),
                |moov| {
                    for run in &mut moov.trak[0].mdia.minf.stbl.stsc.entries {
                        run.samples_per_chunk = 1;
                    }
                },
                |moov| {
                    moov.trak[0].mdia.minf.stbl.stsz.samples =
                        mp4_atom::StszSamples::Different { sizes: vec![u32::MAX; 3] };
                },
            ] {
                let bytes = with_headers(&clip(3, 48, 16, 16), change);
                let error = take(&bytes, Which::Last).expect_err("no such frames").to_string();
                assert!(error.contains("damaged") || error.contains("cut"), "{error}");
            }
        }
    }
}
