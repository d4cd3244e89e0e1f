//! From a shot to an MP4: the loop over frames.

use openh264::OpenH264API;
use openh264::encoder::{
    Complexity, Encoder, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, Profile, QpRange,
    RateControlMode, SpsPpsStrategy, UsageType, VuiConfig,
};

use super::camera::Pose;
use super::frame::Frame;
use super::lineage::{self, Opening, Set};
use super::page::Layout;
use super::scene::Scene;
use super::slate::{self, Slate};
use super::timeline::{self, Timeline};
use super::typeset::Typesetter;
use super::{FRAMES_PER_SECOND, PreviewError, Rendered, Shot};
use crate::media::{H264Sample, mux_h264};

/// Frames from one keyframe to the next: two seconds, so that players seek well.
const KEYFRAME_EVERY: u32 = 48;

/// Draws and encodes a clip. `report` hears of frames done, twice a second of film.
pub(super) fn make(
    shot: &Shot,
    opening: &Opening<'_>,
    report: &mut dyn FnMut(u64, u64),
) -> Result<(Vec<u8>, Rendered), PreviewError> {
    let timeline = Timeline::of(shot, opening.from)?;
    let (width, height) = timeline::size(shot)?;
    let typesetter = Typesetter::for_texts(slate::texts(shot));
    let mood = match &opening.set {
        Set::Stage(mood) => *mood,
        _ => lineage::mood(shot),
    };
    let poses = opening.poses(shot, &timeline)?;
    let mut scene = Scene::build(shot, &opening.set, (width, height), &poses, &typesetter)?;
    let slate = Slate::draw(
        shot,
        Layout::of(&opening.set),
        &mood,
        &timeline,
        (width, height),
        &typesetter,
    )?;

    let mut encoder = encoder(width, height)?;
    let mut filmed = Frame::new(width, height);
    let mut filmed_from: Option<Pose> = None;
    let mut frame = Frame::new(width, height);
    let mut encoded: Vec<(Vec<u8>, bool)> = Vec::with_capacity(poses.len());
    for (number, pose) in (0..).zip(&poses) {
        // A camera that rests sees what it saw.
        if filmed_from != Some(*pose) || scene.is_alive() {
            let seconds = opening.seconds + number as f32 / FRAMES_PER_SECOND as f32;
            scene.film(&mut filmed, pose, seconds);
            filmed_from = Some(*pose);
        }
        frame.copy_from(&filmed);
        // The picture fades, the slate stays readable.
        let light = timeline.light(number);
        if light < 256 {
            frame.dim(light);
        }
        slate.lay(&mut frame, &timeline, number);
        let stream =
            encoder.encode(&frame).map_err(|error| PreviewError::Encoding(error.to_string()))?;
        encoded.push((stream.to_vec(), stream.frame_type() == FrameType::IDR));
        if (number + 1) % 12 == 0 || number + 1 == timeline.frames {
            report(number + 1, timeline.frames);
        }
    }
    let samples = encoded.iter().map(|(annex_b, keyframe)| H264Sample {
        annex_b,
        duration: 1,
        keyframe: *keyframe,
    });
    let samples: Vec<H264Sample<'_>> = samples.collect();
    let bytes = mux_h264(width as u16, height as u16, FRAMES_PER_SECOND, &samples)?;
    let rendered = Rendered {
        width: width as u32,
        height: height as u32,
        frames: timeline.frames,
        duration: timeline.frames as f64 / f64::from(FRAMES_PER_SECOND),
        bytes: bytes.len() as u64,
    };
    Ok((bytes, rendered))
}

/// An encoder whose output depends on nothing but the frames: one thread, no rate control, no skipped frames.
fn encoder(width: usize, height: usize) -> Result<Encoder, PreviewError> {
    // Larger pictures hide a little more loss.
    let quality = if width * height > 500_000 { 25 } else { 23 };
    let config = EncoderConfig::new()
        .skip_frames(false)
        .rate_control_mode(RateControlMode::Off)
        .qp(QpRange::new(quality, quality))
        .num_threads(1)
        .max_frame_rate(FrameRate::from_hz(FRAMES_PER_SECOND as f32))
        .usage_type(UsageType::CameraVideoRealTime)
        .complexity(Complexity::Low)
        .profile(Profile::Baseline)
        .sps_pps_strategy(SpsPpsStrategy::ConstantId)
        .scene_change_detect(false)
        .background_detection(false)
        .adaptive_quantization(false)
        .intra_frame_period(IntraFramePeriod::from_num_frames(KEYFRAME_EVERY))
        .vui(VuiConfig::bt709());
    Encoder::with_api_config(OpenH264API::from_source(), config)
        .map_err(|error| PreviewError::Encoding(error.to_string()))
}
