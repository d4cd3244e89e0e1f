//! The drawings on the stage, as SVG in the pixels of the resting frame.

mod air;
mod far;
mod ground;
mod near;
mod sky;
mod subject;

pub(super) use air::{Fall, fall};

use std::fmt::Write as _;

use super::geometry::Area;
use super::mood::{Mood, Setting, Subject};
use super::stage::{Blocking, Depth};

/// The largest area in which a part of the stage has anything to show.
pub(super) fn extent(depth: Depth, mood: &Mood, at: &Blocking) -> Area {
    let far = 100_000.0;
    let all = Area { left: -far, top: -far, right: far, bottom: far };
    match depth {
        Depth::Sky => all,
        Depth::Far => match mood.setting {
            Setting::Room | Setting::Space | Setting::Forest => all,
            _ => Area {
                top: at.horizon - at.height * 0.75,
                bottom: at.horizon + at.height * 0.2,
                ..all
            },
        },
        Depth::Ground => Area { top: at.horizon - 1.0, ..all },
        Depth::Subject => {
            let half = at.tall
                * if matches!(mood.subject, Subject::Person | Subject::Animal | Subject::Beast) {
                    0.62
                } else {
                    0.95
                };
            Area {
                left: at.center - half,
                right: at.center + half,
                top: at.feet - at.tall * 1.15,
                bottom: at.feet + at.tall * 0.08,
            }
        }
        Depth::Near | Depth::Air => all,
    }
}

/// Draws a part of the stage inside `area`.
pub(super) fn draw(svg: &mut String, depth: Depth, mood: &Mood, at: &Blocking, area: Area) {
    match depth {
        Depth::Sky => sky::sky(svg, mood, at, area),
        Depth::Far => far::far(svg, mood, at, area),
        Depth::Ground => ground::ground(svg, mood, at, area),
        Depth::Subject => subject::subject(svg, mood, at),
        Depth::Near => near::near(svg, mood, at, area),
        Depth::Air => air::air(svg, mood, at, area),
    }
}

/// Numbers that look like chance and are the same every time (SplitMix64).
struct Chance(u64);

impl Chance {
    /// A number from 0 up to 1.
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((value ^ (value >> 31)) >> 40) as f32 / (1_u64 << 24) as f32
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.next()
    }

    /// A number that belongs to one place, whatever was drawn before: things stand still when the drawing grows.
    fn at(seed: u64, place: i64) -> Self {
        Self(seed ^ (place as u64).wrapping_mul(0x2545_f491_4f6c_dd1d))
    }
}

/// Adds formatted text to a document; writing to a string cannot fail.
macro_rules! add {
    ($svg:expr, $($part:tt)*) => {{ let _ = write!($svg, $($part)*); }};
}

use add;

/// Things spread over a wide area, each in a cell of its own so that they stay when the area grows.
fn cells(area: Area, step: f32) -> impl Iterator<Item = (i64, f32)> {
    let (first, last) =
        ((area.left / step).floor() as i64 - 1, (area.right / step).ceil() as i64 + 1);
    (first..=last).map(move |index| (index, index as f32 * step))
}

/// The height of a ridge at `x`, from 0 to 1: a few waves of the scene's own.
fn wave(seed: u64, x: f32) -> f32 {
    let mut chance = Chance::at(seed, 9);
    let mut sum = 0.0;
    for (length, weight) in [(1.9, 0.5), (0.83, 0.3), (0.31, 0.14), (0.12, 0.06)] {
        let phase = chance.next();
        sum += weight * (0.5 + 0.5 * ((x / length + phase) * std::f32::consts::TAU).sin());
    }
    sum
}

fn rectangle(svg: &mut String, area: Area, fill: &str) {
    add!(
        svg,
        r#"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" fill="{fill}"/>"#,
        area.left - 4.0,
        area.top - 4.0,
        area.width() + 8.0,
        area.height() + 8.0
    );
}
