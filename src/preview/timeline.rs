//! What happens when: beats, subtitles and fades in frames, and the size of the picture.

use super::camera::{Camera, Pose};
use super::{FRAMES_PER_SECOND, LONGEST_CLIP, PreviewError, Shot};

/// A stretch of the clip with a camera of its own: the base clip, or an extension.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Beat {
    /// The first frame.
    pub(super) start: u64,
    /// The frame after the last one.
    pub(super) end: u64,
    camera: Camera,
    from: Pose,
}

impl Beat {
    /// Where the camera is at a frame of the clip.
    fn pose(&self, frame: u64) -> Pose {
        let seconds = |frames: u64| frames as f32 / FRAMES_PER_SECOND as f32;
        // The last frame of a beat is where its movement ends.
        let length = (self.end - self.start).saturating_sub(1);
        self.camera.at(self.from, seconds(frame - self.start), seconds(length))
    }
}

/// One line of dialogue and the frames in which it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cue {
    pub(super) start: u64,
    pub(super) end: u64,
}

/// The whole clip in frames.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Timeline {
    pub(super) beats: Vec<Beat>,
    /// One for each line of dialogue.
    pub(super) cues: Vec<Cue>,
    pub(super) frames: u64,
    fade_in: u64,
    fade_out: u64,
    /// How dark the picture becomes at the end, of 256.
    fade_floor: u64,
}

impl Timeline {
    /// Reads a shot's times and cameras. `from` is where the camera begins, if that is not its own choice.
    pub(super) fn of(shot: &Shot, from: Option<Pose>) -> Result<Self, PreviewError> {
        let refuse =
            |what, seconds| PreviewError::Duration { scene: shot.scene.clone(), what, seconds };
        let check = |what, seconds: f64| {
            if seconds.is_finite() && seconds > 0.0 && seconds <= LONGEST_CLIP {
                Ok(())
            } else {
                Err(refuse(what, seconds))
            }
        };
        check("a duration", shot.duration)?;
        let mut beats: Vec<Beat> = Vec::new();
        let mut seconds = 0.0;
        let mut pose = Pose::default();
        let base = (shot.duration, shot.words.as_str(), shot.camera.as_deref());
        let more = shot
            .extensions
            .iter()
            .map(|more| (more.seconds, more.words.as_str(), more.camera.as_deref()));
        for (index, (length, words, camera)) in [base].into_iter().chain(more).enumerate() {
            check(if index == 0 { "a duration" } else { "an extension" }, length)?;
            seconds += length;
            check("a total length", seconds)?;
            let start = beats.last().map_or(0, |beat| beat.end);
            // Ends are rounded from the running sum, so that many short beats do not drift.
            let end = ((seconds * f64::from(FRAMES_PER_SECOND)).round() as u64).max(start + 1);
            let camera = match camera.filter(|camera| !camera.trim().is_empty()) {
                Some(camera) => Camera::parse(camera),
                None => Camera::parse_prose(words),
            };
            let from = match index {
                0 => from.unwrap_or_else(|| camera.start()),
                _ => pose,
            };
            pose = camera.end(from);
            beats.push(Beat { start, end, camera, from });
        }
        let frames = beats.last().map_or(1, |beat| beat.end);
        let (fade_in, fade_out, fade_floor) =
            fades(shot.transition.as_deref().unwrap_or_default(), frames);
        let base_frames = beats.first().map_or(frames, |beat| beat.end);
        Ok(Self {
            cues: cues(&shot.dialogue, base_frames),
            beats,
            frames,
            fade_in,
            fade_out,
            fade_floor,
        })
    }

    /// The beat that a frame belongs to.
    pub(super) fn beat(&self, frame: u64) -> usize {
        self.beats.iter().position(|beat| frame < beat.end).unwrap_or(self.beats.len() - 1)
    }

    /// Where the camera is at a frame.
    pub(super) fn pose(&self, frame: u64) -> Pose {
        self.beats[self.beat(frame)].pose(frame)
    }

    /// How bright the picture is at a frame; 256 is as it is.
    pub(super) fn light(&self, frame: u64) -> u32 {
        let rising =
            if frame < self.fade_in { 256 * (frame + 1) / (self.fade_in + 1) } else { 256 };
        let left = self.frames - 1 - frame;
        let falling = if left < self.fade_out {
            self.fade_floor + (256 - self.fade_floor) * left / self.fade_out
        } else {
            256
        };
        rising.min(falling) as u32
    }
}

/// Frames of fading in and out, and how dark the end is. A crossfade needs the next scene, so alone it only sinks halfway.
fn fades(transition: &str, frames: u64) -> (u64, u64, u64) {
    let words = transition.to_lowercase();
    let has = |part: &str| words.contains(part);
    let longest = frames / 3;
    let from_black = has("from black") || has("fade in") || has("fade-in") || has("fade up");
    let to_black = has("to black") || has("fade out") || has("fade-out") || has("fadeout");
    let across = has("cross") || has("dissolve") || has("blend");
    let fade_in = if from_black { 12.min(longest) } else { 0 };
    let (fade_out, floor) = match () {
        () if to_black || (has("fade") && !from_black && !across) => (14.min(longest), 0),
        () if across => (12.min(longest), 110),
        () => (0, 0),
    };
    (fade_in, fade_out, floor)
}

/// Shares the base clip among the lines by their words, with a breath at both ends and between them.
fn cues(dialogue: &[String], frames: u64) -> Vec<Cue> {
    let weights: Vec<u64> = dialogue.iter().map(|line| weight(line)).collect();
    let total: u64 = weights.iter().sum();
    if total == 0 {
        return dialogue.iter().map(|_| Cue { start: 0, end: 0 }).collect();
    }
    let lead = (frames / 20).min(8);
    let room = frames - 2 * lead;
    let mut passed = 0;
    let cue = |weight: u64| {
        let start = lead + room * passed / total;
        passed += weight;
        let end = lead + room * passed / total;
        // Two frames without a line tell the eye that another one began.
        let gap = if end - start > 12 { 2 } else { 0 };
        Cue { start, end: end - gap }
    };
    weights.into_iter().map(cue).collect()
}

/// How long a line takes to say: its words, or its length in scripts without spaces; a blank line takes nothing.
fn weight(line: &str) -> u64 {
    let spoken = line.split_once(':').map_or(line, |(_, spoken)| spoken);
    let words = spoken.split_whitespace().count() as u64;
    let dense = spoken.chars().filter(|character| *character as u32 >= 0x2e80).count() as u64;
    if line.trim().is_empty() { 0 } else { (words + dense / 2).max(1) }
}

/// About how many pixels a preview has.
const PIXELS: f64 = 640.0 * 360.0;

/// The size of a preview in pixels: about the same area for all ratios, both sides even; doubled by an upscale within
/// 1280x720.
pub(super) fn size(shot: &Shot) -> Result<(usize, usize), PreviewError> {
    let (width, height) = shot.aspect_ratio;
    let ratio = f64::from(width) / f64::from(height);
    if width == 0 || height == 0 || !(0.25..=4.0).contains(&ratio) {
        return Err(PreviewError::AspectRatio { scene: shot.scene.clone(), width, height });
    }
    let even = |side: f64| ((side / 2.0).round() as usize * 2).max(16);
    let (base_width, base_height) = ((PIXELS * ratio).sqrt(), (PIXELS / ratio).sqrt());
    let scale = if shot.upscale.is_some() {
        let (long, short) = (base_width.max(base_height), base_width.min(base_height));
        (1280.0 / long).min(720.0 / short).min(2.0)
    } else {
        1.0
    };
    Ok((even(base_width * scale), even(base_height * scale)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_share_the_clip_by_their_words() {
        let cues =
            cues(&["Ada: No.".into(), "Ben: A much longer answer to that, I think.".into()], 240);
        assert!(cues[0].start > 0 && cues[0].end < cues[1].start && cues[1].end < 240, "{cues:?}");
        assert!((cues[1].end - cues[1].start) > 4 * (cues[0].end - cues[0].start), "{cues:?}");
    }

    #[test]
    fn short_clips_with_many_lines_do_not_break() {
        for frames in [1, 2, 5, 30] {
            let cues = cues(&vec!["one two".to_owned(); 40], frames);
            assert!(cues.iter().all(|cue| cue.start <= cue.end && cue.end <= frames));
        }
    }

    #[test]
    fn fades_follow_the_words() {
        assert_eq!(fades("cut", 120), (0, 0, 0));
        assert_eq!(fades("Fade from black", 120), (12, 0, 0));
        assert_eq!(fades("fade to black", 120), (0, 14, 0));
        assert_eq!(fades("crossfade", 120), (0, 12, 110));
        assert_eq!(fades("fade", 3), (0, 1, 0));
    }
}
