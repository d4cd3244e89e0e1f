//! What the subject stands on.

use std::fmt::Write as _;

use super::super::geometry::Area;
use super::super::mood::{Mood, Setting};
use super::super::palette::mix;
use super::super::stage::Blocking;
use super::{Chance, add, cells, rectangle};

/// The floor: a plane that runs to the horizon, ruled so that every movement over it shows.
pub(super) fn ground(svg: &mut String, mood: &Mood, at: &Blocking, area: Area) {
    let palette = &mood.palette;
    let (w, h) = (at.width, at.height);
    add!(
        svg,
        r##"<defs><linearGradient id="f" gradientUnits="userSpaceOnUse" x1="0" y1="{:.1}" x2="0" y2="{:.1}"><stop offset="0" stop-color="#{:06x}"/><stop offset="0.35" stop-color="#{:06x}"/><stop offset="1" stop-color="#{:06x}"/></linearGradient></defs>"##,
        at.horizon,
        at.horizon + h * 0.42,
        palette.ground_far,
        mix(palette.ground_far, palette.ground_near, 0.55),
        palette.ground_near
    );
    rectangle(svg, Area { top: at.horizon + 3.0, ..area }, "url(#f)");
    let line = mix(palette.ground_far, palette.rim, 0.35);
    if mood.setting == Setting::Sea {
        // Glints, longer and further apart toward the camera.
        for row in 0..26_i64 {
            let depth = (row as f32 + 0.6) / 26.0;
            let y = at.horizon + h * 0.95 * depth * depth + h * 0.004;
            for (column, x) in cells(area, h * (0.16 + 0.5 * depth)) {
                let mut chance = Chance::at(mood.seed ^ 5, column * 97 + row);
                if chance.next() > 0.62 {
                    continue;
                }
                let (wide, high) = (
                    h * (0.03 + 0.2 * depth) * chance.between(0.5, 1.2),
                    h * (0.0022 + 0.011 * depth),
                );
                add!(
                    svg,
                    r##"<ellipse cx="{:.1}" cy="{y:.1}" rx="{wide:.1}" ry="{high:.2}" fill="#{line:06x}" opacity="{:.2}"/>"##,
                    x + chance.next() * h * 0.4,
                    chance.between(0.12, 0.42)
                );
            }
        }
        return;
    }
    let opacity = if mood.setting == Setting::Studio { 0.16 } else { 0.26 };
    // Lines into the depth meet where the eye goes; they carry on far to both sides for the camera to find.
    let (eye, below) = (at.focus.0, h * 4.0);
    let pitch = h * 0.30;
    add!(
        svg,
        r##"<g stroke="#{line:06x}" fill="none" opacity="{opacity}"><path stroke-width="{:.2}" d=""##,
        h * 0.0042
    );
    for number in -120..=120_i64 {
        let x = eye + (number as f32 + 0.5) * pitch * (below / (h * 0.36));
        add!(svg, "M{eye:.1} {:.1}L{x:.1} {:.1}", at.horizon, at.horizon + below);
    }
    add!(svg, r#""/>"#);
    // Lines across stand closer the further away they are.
    for number in 1..=26_i64 {
        let y = at.horizon + h * 0.75 / number as f32;
        add!(
            svg,
            r##"<path stroke-width="{:.2}" d="M{:.1} {y:.1}H{:.1}"/>"##,
            (h * 0.009 / number as f32).clamp(h * 0.0012, h * 0.006),
            area.left,
            area.right
        );
    }
    for number in [1.7_f32, 3.0, 5.5] {
        let y = at.horizon + h * 0.75 * number;
        add!(
            svg,
            r##"<path stroke-width="{:.2}" d="M{:.1} {y:.1}H{:.1}"/>"##,
            h * 0.01,
            area.left,
            area.right
        );
    }
    add!(svg, "</g>");
    if matches!(mood.setting, Setting::Hills | Setting::Desert | Setting::Forest) {
        // Stones and tufts give the ground a measure.
        for row in 0..9_i64 {
            let depth = (row as f32 + 1.0) / 9.0;
            for (column, x) in cells(area, h * 0.45 * depth.max(0.2)) {
                let mut chance = Chance::at(mood.seed ^ 15, column * 31 + row);
                if chance.next() > 0.5 {
                    continue;
                }
                let y = at.horizon + h * 0.5 * depth * depth + h * 0.012;
                let size = h * 0.02 * depth * chance.between(0.5, 1.2);
                add!(
                    svg,
                    r##"<ellipse cx="{:.1}" cy="{y:.1}" rx="{size:.1}" ry="{:.1}" fill="#{:06x}" opacity="0.6"/>"##,
                    x + chance.next() * h * 0.3,
                    size * 0.42,
                    palette.ground_near
                );
            }
        }
    }
    // Haze where the ground meets the sky.
    add!(
        svg,
        r##"<defs><linearGradient id="z" gradientUnits="userSpaceOnUse" x1="0" y1="{0:.1}" x2="0" y2="{1:.1}"><stop offset="0" stop-color="#{2:06x}" stop-opacity="0.7"/><stop offset="1" stop-color="#{2:06x}" stop-opacity="0"/></linearGradient></defs>"##,
        at.horizon,
        at.horizon + h * 0.07,
        palette.ground_far
    );
    add!(
        svg,
        r##"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" fill="url(#z)"/>"##,
        area.left - w,
        at.horizon,
        area.width() + 2.0 * w,
        h * 0.07
    );
}
