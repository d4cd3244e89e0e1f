//! What falls between the stage and the camera.

use std::fmt::Write as _;

use super::super::geometry::{Affine, Area};
use super::super::mood::{Air, Mood};
use super::super::stage::Blocking;
use super::{Chance, add, cells};

/// Rain or snow on its way down: a pattern that repeats, so that it can fall without end.
pub(in crate::preview) struct Fall {
    /// After how many pixels downward the pattern is itself again.
    pub(in crate::preview) period: f32,
    /// Pixels to the left for each one downward.
    pub(in crate::preview) slant: f32,
    /// Pixels a second.
    speed: f32,
}

impl Fall {
    /// How far it has come after some seconds.
    pub(in crate::preview) fn at(&self, seconds: f32) -> Affine {
        let down = (seconds * self.speed).rem_euclid(self.period);
        Affine::translate(-self.slant * down, down)
    }
}

/// Rows of drops in one period.
const FALL_ROWS: i64 = 6;

/// What falls in this air, if anything does.
pub(in crate::preview) fn fall(air: Air, at: &Blocking) -> Option<Fall> {
    let period = (at.height * 0.96).round();
    match air {
        Air::Rain => Some(Fall { period, slant: 0.18, speed: at.height * 2.3 }),
        Air::Snow => Some(Fall { period, slant: 0.10, speed: at.height * 0.16 }),
        _ => None,
    }
}

pub(super) fn air(svg: &mut String, mood: &Mood, at: &Blocking, area: Area) {
    let Some(fall) = fall(mood.air, at) else {
        return;
    };
    let h = at.height;
    let pitch = fall.period / FALL_ROWS as f32;
    let rain = mood.air == Air::Rain;
    let (first, last) =
        ((area.top / pitch).floor() as i64 - 1, (area.bottom / pitch).ceil() as i64 + 1);
    // Columns lean with the fall, which makes the pattern repeat along its way.
    let lean = fall.slant * (area.bottom - area.top);
    let wide = Area { left: area.left - lean - h, right: area.right + lean + h, ..area };
    for (column, x) in cells(wide, h * if rain { 0.10 } else { 0.11 }) {
        for row in first..=last {
            let mut chance = Chance::at(mood.seed ^ 59, column * 64 + row.rem_euclid(FALL_ROWS));
            let y = (row as f32 + chance.next()) * pitch;
            let x = x + chance.next() * h * 0.12 - fall.slant * (y - h / 2.0);
            let near = chance.between(0.35, 1.0);
            if rain {
                let (long, thick, opacity) = (h * 0.10 * near, h * 0.0034 * near, 0.55 * near);
                add!(
                    svg,
                    r##"<path d="M{x:.1} {y:.1}l{:.1} {long:.1}" stroke="#{:06x}" stroke-width="{thick:.2}" opacity="{opacity:.2}"/>"##,
                    -long * fall.slant,
                    mood.palette.rim
                );
            } else {
                let (size, opacity) = (h * 0.0062 * near, 0.8 * near);
                add!(
                    svg,
                    r##"<circle cx="{x:.1}" cy="{y:.1}" r="{size:.2}" fill="#ffffff" opacity="{opacity:.2}"/>"##
                );
            }
        }
    }
}
