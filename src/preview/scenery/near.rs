//! What the camera looks past.

use std::fmt::Write as _;

use super::super::geometry::Area;
use super::super::mood::{Mood, Setting};
use super::super::stage::Blocking;
use super::subject::{FIGURE, outline};
use super::{Chance, add, cells, wave};

/// What the camera looks past: it moves most, and is out of focus.
pub(super) fn near(svg: &mut String, mood: &Mood, at: &Blocking, area: Area) {
    let palette = &mood.palette;
    let (w, h) = (at.width, at.height);
    let blur = h * 0.006;
    add!(
        svg,
        r##"<defs><filter id="n" filterUnits="userSpaceOnUse" x="{:.0}" y="{:.0}" width="{:.0}" height="{:.0}"><feGaussianBlur stdDeviation="{blur:.2}"/></filter></defs><g filter="url(#n)" fill="#{:06x}" stroke="none">"##,
        area.left,
        area.top,
        area.width(),
        area.height(),
        palette.near
    );
    // Near things are measured by the shorter side, so that upright frames are not barred by them.
    let unit = w.min(h);
    if mood.over_shoulder {
        let listener =
            Blocking { center: at.center - unit * 0.58, feet: h * 0.42 + unit * 2.6, ..*at };
        add!(svg, r##"<path d="{}"/>"##, outline(&listener, unit * 2.8, 0.0, FIGURE));
    }
    match mood.setting {
        Setting::Hills | Setting::Desert | Setting::Forest => {
            // Blades of grass along the lower edge; they carry on below it for a camera that sinks.
            for (column, x) in cells(area, h * 0.034) {
                let mut chance = Chance::at(mood.seed ^ 41, column);
                let high =
                    h * chance.between(0.03, 0.10) * (0.5 + wave(mood.seed ^ 3, x / h * 0.7));
                let (x, lean) = (x + chance.next() * h * 0.03, chance.between(-0.04, 0.06) * h);
                add!(
                    svg,
                    r##"<path d="M{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}Z"/>"##,
                    x - h * 0.009,
                    h * 1.0,
                    x,
                    h * 1.0 - high * 0.6,
                    x + lean,
                    h * 1.0 - high,
                    x + h * 0.008,
                    h * 1.0 - high * 0.5,
                    x + h * 0.012,
                    h * 1.0
                );
            }
            add!(
                svg,
                r##"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}"/>"##,
                area.left - 9.0,
                h * 0.985,
                area.width() + 18.0,
                h * 2.0
            );
            if mood.setting == Setting::Forest {
                for (column, x) in cells(area, w * 0.92) {
                    let mut chance = Chance::at(mood.seed ^ 43, column);
                    let (x, wide) =
                        (x + w * chance.between(0.02, 0.12), h * chance.between(0.06, 0.10));
                    add!(
                        svg,
                        r##"<path d="M{x:.1} {:.1}L{:.1} {:.1}L{:.1} {:.1}L{:.1} {:.1}Z"/>"##,
                        -h * 2.0,
                        x + wide * 0.8,
                        -h * 2.0,
                        x + wide,
                        h * 2.0,
                        x - wide * 0.1,
                        h * 2.0
                    );
                }
            }
        }
        Setting::City | Setting::Room => {
            // A post or a door frame on each side, far enough apart to film between.
            for (column, x) in cells(area, w * 1.06) {
                let mut chance = Chance::at(mood.seed ^ 47, column);
                let (x, wide) = (x - unit * 0.02, unit * chance.between(0.04, 0.065));
                add!(
                    svg,
                    r##"<rect x="{x:.1}" y="{:.1}" width="{wide:.1}" height="{:.1}"/>"##,
                    area.top - 9.0,
                    area.height() + 18.0
                );
                if mood.setting == Setting::City {
                    add!(
                        svg,
                        r##"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}"/>"##,
                        x - unit * 0.05,
                        h * 0.12,
                        unit * 0.15,
                        unit * 0.04
                    );
                }
            }
        }
        Setting::Sea => {
            // Rocks at the edges.
            for (column, x) in cells(area, w * 0.62) {
                let mut chance = Chance::at(mood.seed ^ 53, column);
                let (x, wide, high) = (
                    x + w * chance.between(0.0, 0.2),
                    h * chance.between(0.14, 0.30),
                    h * chance.between(0.05, 0.12),
                );
                add!(
                    svg,
                    r##"<path d="M{:.1} {:.1}L{:.1} {:.1}L{:.1} {:.1}L{:.1} {:.1}L{:.1} {:.1}L{:.1} {:.1}Z"/>"##,
                    x - wide,
                    h * 1.02,
                    x - wide * 0.6,
                    h - high * 0.7,
                    x - wide * 0.15,
                    h - high,
                    x + wide * 0.3,
                    h - high * 0.75,
                    x + wide * 0.7,
                    h - high * 0.3,
                    x + wide,
                    h * 1.02
                );
            }
            add!(
                svg,
                r##"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}"/>"##,
                area.left - 9.0,
                h * 1.005,
                area.width() + 18.0,
                h * 2.0
            );
        }
        Setting::Space | Setting::Studio => {}
    }
    add!(svg, "</g>");
}
