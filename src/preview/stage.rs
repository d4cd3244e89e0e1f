//! The stage of a scene: sky, far things, ground, subject and near things, drawn once each and moved by the camera.

use std::fmt::Write as _;

use super::PreviewError;
use super::camera::Pose;
use super::frame::Frame;
use super::geometry::{Affine, Area};
use super::layer::{self, Layer, Scratch};
use super::mood::{Mood, Setting, Size};
use super::scenery;
use super::typeset::Typesetter;

/// How deep a part of the stage lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    Sky,
    Far,
    Ground,
    Subject,
    Near,
    /// What falls between all of it and the camera.
    Air,
}

const DEPTHS: [Depth; 6] =
    [Depth::Sky, Depth::Far, Depth::Ground, Depth::Subject, Depth::Near, Depth::Air];

/// Where things are in the resting frame, in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocking {
    pub(super) width: f32,
    pub(super) height: f32,
    /// The row of the horizon.
    pub(super) horizon: f32,
    /// Where the subject stands, which may be below the frame.
    pub(super) feet: f32,
    /// The subject's middle.
    pub(super) center: f32,
    /// The subject's height.
    pub(super) tall: f32,
    /// Where the eye rests: the point that a push leads to.
    pub(super) focus: (f32, f32),
}

impl Blocking {
    /// Composes the frame. Wide frames leave their left to the words; the others stand the subject in the middle,
    /// above the words.
    pub(super) fn of(mood: &Mood, width: usize, height: usize) -> Self {
        let (width, height) = (width as f32, height as f32);
        let landscape = width > height * 1.2;
        let center = width * if landscape { 0.70 } else { 0.5 };
        // In a tall frame the lower third belongs to the words, so the picture sits higher and measures less.
        let reach = if landscape { height } else { height.min(width * 1.25) };
        let lift = if landscape { 0.0 } else { height * 0.14 };
        let horizon = height
            * match mood.height {
                1 => 0.36,
                -1 => 0.80,
                _ if mood.setting == Setting::Room => 0.60,
                _ => 0.64,
            }
            - lift;
        // Far away a subject is placed by its feet, up close by its eyes.
        let (tall, feet) = match mood.size {
            Size::ExtremeWide => (0.20, horizon + reach * 0.08),
            Size::Wide => (0.36, horizon + reach * 0.15),
            Size::Full => (0.62, horizon + reach * 0.24),
            Size::Insert => (0.52, horizon + reach * 0.21),
            Size::Medium => (1.25, height * 0.30 + reach * 1.16),
            Size::Close => (2.6, height * 0.38 + reach * 2.42),
            Size::ExtremeClose => (4.8, height * 0.42 + reach * 4.46),
        };
        let tall = tall * reach;
        let up_close = matches!(mood.size, Size::Medium | Size::Close | Size::ExtremeClose);
        let eye = feet - tall * if up_close { 0.93 } else { 0.62 };
        let focus = (center, eye.clamp(height * 0.25, height * 0.6));
        Self { width, height, horizon, feet, center, tall, focus }
    }

    /// Where a part of the stage is seen from a pose.
    fn seen(&self, depth: Depth, pose: &Pose) -> Affine {
        let (x, y) = self.focus;
        // How much a part follows when the camera leaves its place; the subject's distance is the measure.
        let nearness = match depth {
            Depth::Sky => 0.05,
            Depth::Far => 0.25,
            Depth::Ground | Depth::Subject => 1.0,
            Depth::Near => 1.9,
            Depth::Air => 1.4,
        };
        // Going back must not turn what is near into a bar across the picture.
        let opening =
            if depth == Depth::Near && pose.dolly + pose.trail < 0.0 { 0.6 } else { nearness };
        // Who is followed from behind keeps the size, and all else opens around.
        let with = if depth == Depth::Subject { 0.0 } else { pose.trail * opening };
        let dolly = (pose.dolly * opening + with).exp();
        // Whoever is followed stays in the frame and only drifts a little ahead.
        let followed = if depth == Depth::Subject { 0.06 } else { nearness };
        let slide = -(pose.track * nearness + pose.follow * followed) * self.width;
        let reach = (self.feet - self.horizon).max(self.height * 0.1);
        // A camera may go down to the floor and not below it.
        let sink = (pose.crane * self.height).max(-0.75 * reach) * nearness;
        let around = pose.orbit * self.width;
        let deeper = Affine::scale_around(dolly, dolly, x, self.horizon);
        let moved = match depth {
            Depth::Ground => {
                // A floor slides by how far below the horizon each of its rows lies, so that feet stay where they stand.
                Affine::shear_below(slide / reach, self.horizon)
                    .then(Affine::shear_below(-0.5 * around / reach, self.feet.min(self.height)))
                    .then(Affine::scale_around(1.0, 1.0 + sink / reach, x, self.horizon))
            }
            Depth::Sky => Affine::translate(slide + 0.25 * around, sink),
            Depth::Far => Affine::translate(slide + 0.5 * around, sink),
            Depth::Subject => {
                // A body that is passed turns its narrower side.
                let turned = 1.0 - 0.16 * (pose.orbit.abs() * 2.0).min(1.0);
                Affine::scale_around(turned, 1.0, self.center, self.feet)
                    .then(Affine::translate(slide, sink))
            }
            Depth::Near | Depth::Air => Affine::translate(slide - 0.9 * around, sink),
        };
        // Turning the camera moves everything alike; only a trace of depth is left to the eye.
        let turn = match depth {
            Depth::Sky => 0.9,
            Depth::Far => 0.95,
            Depth::Ground | Depth::Subject => 1.0,
            Depth::Near | Depth::Air => 1.12,
        };
        // Depth opens around the horizon, where parallel ways meet; the camera keeps its aim at the subject meanwhile.
        let aim = (y - self.horizon) * (1.0 - pose.dolly.exp());
        let zoom = pose.zoom.exp();
        moved
            .then(deeper)
            .then(Affine::translate(
                -pose.pan * self.width * turn,
                pose.tilt * self.height * turn + aim,
            ))
            .then(Affine::scale_around(zoom, zoom, x, y))
            .then(Affine::rotate_around(pose.roll, self.width / 2.0, self.height / 2.0))
    }

    fn frame(&self) -> Area {
        Area { left: 0.0, top: 0.0, right: self.width, bottom: self.height }
    }
}

/// A stage ready to be filmed.
pub(super) struct Stage {
    blocking: Blocking,
    layers: Vec<(Depth, Layer)>,
    fall: Option<scenery::Fall>,
    scratch: Scratch,
}

impl Stage {
    /// Draws everything that the poses will see.
    pub(super) fn build(
        mood: &Mood,
        width: usize,
        height: usize,
        poses: &[Pose],
        typesetter: &Typesetter,
    ) -> Result<Self, PreviewError> {
        let blocking = Blocking::of(mood, width, height);
        let mut layers = Vec::new();
        for depth in DEPTHS {
            let mut area: Option<Area> = None;
            let mut scale = 1.0_f32;
            for pose in poses {
                let seen = blocking.seen(depth, pose);
                let needed = seen.inverse().image_of(blocking.frame());
                area = Some(area.map_or(needed, |area| area.union(needed)));
                scale = scale.max(seen.largest_scale());
            }
            let Some(mut area) = area else { continue };
            if depth == Depth::Air {
                let Some(fall) = scenery::fall(mood.air, &blocking) else {
                    continue;
                };
                area.top -= fall.period;
                area.right += fall.slant * fall.period;
            }
            let extent = scenery::extent(depth, mood, &blocking);
            let area = area.grown(3.0).intersection(extent);
            if area.width() < 2.0 || area.height() < 2.0 {
                continue;
            }
            // Sky and near things are soft anyway and need no more pixels than the frame has.
            let resolution = match depth {
                Depth::Sky | Depth::Near | Depth::Air => 1.0,
                _ => scale.clamp(1.0, 1.5),
            };
            layers.push((depth, draw_layer(depth, mood, &blocking, area, resolution, typesetter)?));
        }
        let fall = scenery::fall(mood.air, &blocking);
        Ok(Self { blocking, layers, fall, scratch: Scratch::default() })
    }

    /// Whether the stage changes while the camera rests.
    pub(super) fn is_alive(&self) -> bool {
        self.fall.is_some()
    }

    /// Films the stage from a pose, some seconds after the clip began.
    pub(super) fn film(&mut self, frame: &mut Frame, pose: &Pose, seconds: f32) {
        let blocking = &self.blocking;
        let fall = self.fall.as_ref().map_or(Affine::IDENTITY, |fall| fall.at(seconds));
        let seen = self.layers.iter().map(|(depth, layer)| {
            let seen = blocking.seen(*depth, pose);
            (layer, if *depth == Depth::Air { fall.then(seen) } else { seen })
        });
        layer::film(seen, frame, &mut self.scratch);
    }
}

/// The most pixels that one layer may have; beyond it a layer gets coarser.
const MOST_PIXELS: f32 = 12_000_000.0;

fn draw_layer(
    depth: Depth,
    mood: &Mood,
    blocking: &Blocking,
    area: Area,
    resolution: f32,
    typesetter: &Typesetter,
) -> Result<Layer, PreviewError> {
    let pixels = area.width() * area.height() * resolution * resolution;
    let resolution =
        if pixels > MOST_PIXELS { resolution * (MOST_PIXELS / pixels).sqrt() } else { resolution };
    let width = ((area.width() * resolution).ceil() as u32).next_multiple_of(2).max(2);
    let height = ((area.height() * resolution).ceil() as u32).next_multiple_of(2).max(2);
    let mut svg = String::new();
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"{} {} {} {}\">",
        area.left,
        area.top,
        width as f32 / resolution,
        height as f32 / resolution
    );
    scenery::draw(&mut svg, depth, mood, blocking, area);
    svg.push_str("</svg>");
    let pixmap = typesetter.draw(&svg, width, height)?;
    Ok(Layer::new(&pixmap, area.left, area.top, resolution, depth == Depth::Sky))
}

#[cfg(test)]
mod tests {
    use super::super::camera::Camera;
    use super::*;

    fn blocking() -> Blocking {
        let mood = Mood::read("A man in a coat on a street by day", "Full shot", false);
        Blocking::of(&mood, 640, 360)
    }

    /// Where points of a part of the stage are seen when a movement is over.
    fn seen(words: &str, depth: Depth) -> Affine {
        let camera = Camera::parse(words);
        assert_ne!(camera, Camera::default(), "`{words}` is a movement");
        blocking().seen(depth, &camera.end(Pose::default()))
    }

    /// How much larger a part becomes.
    fn growth(words: &str, depth: Depth) -> f32 {
        seen(words, depth).largest_scale()
    }

    /// How far the middle of a part moves to the right and down.
    fn way(words: &str, depth: Depth) -> (f32, f32) {
        let at = Area { left: 320.0, top: 180.0, right: 320.0, bottom: 180.0 };
        let there = seen(words, depth).image_of(at);
        (there.left - 320.0, there.top - 180.0)
    }

    /// How far the horizon moves down.
    fn horizon(words: &str) -> f32 {
        let row = blocking().horizon;
        let at = Area { left: 320.0, top: row, right: 320.0, bottom: row };
        seen(words, Depth::Ground).image_of(at).top - row
    }

    #[test]
    fn a_dolly_opens_depth_and_a_zoom_does_not() {
        for words in ["slow dolly in", "push in"] {
            let [sky, far, subject, near] =
                [Depth::Sky, Depth::Far, Depth::Subject, Depth::Near].map(|d| growth(words, d));
            assert!(1.0 < sky && sky < far && far < subject && subject < near, "{words}");
            assert!(near / far > 1.4, "{words}: {far} {near}");
        }
        for words in ["dolly out", "pull out"] {
            let [far, subject, near] =
                [Depth::Far, Depth::Subject, Depth::Near].map(|d| growth(words, d));
            assert!(1.0 > far && far > subject && near < far, "{words}: {far} {subject} {near}");
        }
        for (words, larger) in [("zoom in", true), ("zoom out", false)] {
            let all = DEPTHS.map(|depth| growth(words, depth));
            assert!(all.iter().all(|one| (one - all[0]).abs() < 1e-4), "{words}: {all:?}");
            assert_eq!(all[0] > 1.2, larger, "{words}: {all:?}");
        }
    }

    #[test]
    fn a_dolly_zoom_keeps_the_subject_and_bends_the_rest() {
        let subject = growth("dolly zoom", Depth::Subject);
        assert!((0.95..1.25).contains(&subject), "{subject}");
        assert!(growth("dolly zoom", Depth::Far) < 0.9 && growth("dolly zoom", Depth::Near) > 1.5);
    }

    #[test]
    fn who_follows_keeps_the_subject_where_it_is() {
        assert!((growth("follow her from behind", Depth::Subject) - 1.0).abs() < 1e-4);
        assert!(growth("follow her from behind", Depth::Near) > 1.5);
        let (subject, _) = way("tracking shot", Depth::Subject);
        let (far, _) = way("tracking shot", Depth::Far);
        let (near, _) = way("tracking shot", Depth::Near);
        assert!(near < 3.0 * far && far < 2.0 * subject && subject < 0.0, "{near} {far} {subject}");
    }

    #[test]
    fn a_pan_turns_and_a_truck_goes() {
        let spread = |words: &str| {
            let (near, far) = (way(words, Depth::Near).0, way(words, Depth::Far).0);
            assert!(near < 0.0 && far < 0.0, "to the right of it all: {near} {far}");
            near / far
        };
        assert!(spread("pan right") < 1.25);
        assert!(spread("truck right") > 4.0);
        assert!(way("pan left", Depth::Far).0 > 0.0 && way("truck left", Depth::Near).0 > 0.0);
        assert!(way("whip pan right", Depth::Far).0 < 2.5 * way("pan right", Depth::Far).0);
    }

    #[test]
    fn tilts_turn_all_alike_and_cranes_open_the_floor() {
        assert!(way("tilt up", Depth::Far).1 > 100.0 && way("tilt down", Depth::Far).1 < -100.0);
        let spread = way("tilt up", Depth::Subject).1 - way("tilt up", Depth::Far).1;
        assert!(spread.abs() < 15.0, "{spread}");
        // From above the horizon is high and the floor is deep.
        assert!(horizon("crane up") < -40.0 && horizon("crane down") > 40.0);
        let floor = |words: &str| seen(words, Depth::Ground).d;
        assert!(floor("crane up") > 1.5 && floor("crane down") < 0.7);
        assert!((floor("tilt up") - 1.0).abs() < 1e-4);
    }

    #[test]
    fn around_a_subject_near_and_far_go_opposite_ways() {
        for (words, sign) in [("arc around", 1.0), ("orbit left", -1.0)] {
            let [far, near] = [Depth::Far, Depth::Near].map(|depth| sign * way(words, depth).0);
            assert!(far > 60.0 && near < -60.0, "{words}: {far} {near}");
            let subject = way(words, Depth::Subject).0;
            assert!(subject.abs() < 40.0, "{words}: {subject}");
        }
    }

    #[test]
    fn a_camera_on_a_tripod_is_still_and_a_leaning_one_leans() {
        for depth in DEPTHS {
            assert_eq!(seen("static", depth), blocking().seen(depth, &Pose::default()));
        }
        let leaned = Camera::parse("dutch angle").at(Pose::default(), 0.0, 2.0);
        assert!(blocking().seen(Depth::Far, &leaned).b.abs() > 0.1);
    }
}
