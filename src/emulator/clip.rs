//! The clips that tasks come to: small, real MP4 files.

use std::fmt;

use super::picture;
use crate::media::mux::{H264Sample, mux_h264_with};

/// Which clip is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipOrder {
    /// The task it is the result of.
    pub task_id: String,
    /// The file's name, which tells the versions of one result apart.
    pub name: String,
    /// The prompt of the task.
    pub prompt: String,
    /// The model of the task.
    pub model: String,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Length in seconds.
    pub seconds: f64,
}

/// Makes the bytes of a clip. The same order must give the same bytes.
pub trait ClipMaker: Send + Sync + fmt::Debug {
    /// A whole MP4 file.
    ///
    /// # Errors
    ///
    /// A sentence that says why the clip cannot be made.
    fn make(&self, order: &ClipOrder) -> Result<Vec<u8>, String>;
}

/// Clips of one colour: real H.264 of the right size and length in a few kilobytes, made in well under a millisecond.
///
/// The colour comes from the task, and the file's name lies in a `free` box, so any two clips differ.
#[derive(Debug, Clone, Copy, Default)]
pub struct TinyClips;

/// Frames a second, and ticks a frame, of tiny clips.
const FRAMES_PER_SECOND: f64 = 24.0;
const TICKS_PER_FRAME: u32 = 1000;

impl ClipMaker for TinyClips {
    fn make(&self, order: &ClipOrder) -> Result<Vec<u8>, String> {
        let seconds =
            if order.seconds.is_finite() { order.seconds.clamp(0.1, 3600.0) } else { 0.1 };
        let ticks = (seconds * FRAMES_PER_SECOND * f64::from(TICKS_PER_FRAME)).round() as u32;
        let frames = ticks.div_ceil(TICKS_PER_FRAME);
        let size = picture::Size::new(order.width, order.height);
        let first = picture::key_frame(size, colour(&order.task_id));
        let repeats: Vec<Vec<u8>> =
            (0..16).map(|number| picture::repeat_frame(size, number)).collect();
        let last_ticks = ticks - (frames - 1) * TICKS_PER_FRAME;
        let following = repeats.iter().cycle().skip(1).map(Vec::as_slice);
        let samples: Vec<H264Sample<'_>> = std::iter::once(first.as_slice())
            .chain(following)
            .zip(1..=frames)
            .map(|(annex_b, number)| {
                let duration = if number == frames { last_ticks } else { TICKS_PER_FRAME };
                H264Sample { annex_b, duration, keyframe: number == 1 }
            })
            .collect();
        let timescale = FRAMES_PER_SECOND as u32 * TICKS_PER_FRAME;
        mux_h264_with(size.width(), size.height(), timescale, &samples, order.name.as_bytes())
            .map_err(|error| error.to_string())
    }
}

/// A colour (luma and two chroma values) for a task, away from black and white.
fn colour(task_id: &str) -> [u8; 3] {
    let hash = task_id.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    let [luma, blue, red, ..] = super::mix(hash).to_le_bytes();
    [64 + luma % 128, 48 + blue % 160, 48 + red % 160]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(task_id: &str, seconds: f64) -> ClipOrder {
        ClipOrder {
            task_id: task_id.into(),
            name: format!("{task_id}.mp4"),
            prompt: String::new(),
            model: String::new(),
            width: 1280,
            height: 720,
            seconds,
        }
    }

    #[test]
    fn clips_have_the_length_that_was_asked_for() {
        for (asked, expected) in [(8.0, 8.0), (7.33, 7.33), (0.04, 0.1), (f64::NAN, 0.1)] {
            let clip = TinyClips.make(&order("a", asked)).expect("a clip");
            assert!(clip.len() < 20_000, "{} bytes", clip.len());
            let probe = crate::media::probe(std::io::Cursor::new(&clip), clip.len() as u64)
                .expect("a clip");
            assert!((probe.duration - expected).abs() < 0.001, "{} s for {asked}", probe.duration);
        }
    }

    #[test]
    fn clips_of_two_tasks_differ_and_those_of_one_do_not() {
        let make = |task| TinyClips.make(&order(task, 4.0)).expect("a clip");
        assert_eq!(make("a"), make("a"));
        assert_ne!(make("a"), make("b"));
        assert_ne!(colour("0a1b"), colour("0a1c"));
    }
}
