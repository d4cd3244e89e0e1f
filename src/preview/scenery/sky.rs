//! The sky with what shines and drifts in it, or the wall of a room.

use std::fmt::Write as _;

use super::super::geometry::Area;
use super::super::mood::{Air, Lamp, Mood, Setting};
use super::super::palette::mix;
use super::super::stage::Blocking;
use super::{Chance, add, cells, rectangle};

pub(super) fn sky(svg: &mut String, mood: &Mood, at: &Blocking, area: Area) {
    let palette = &mood.palette;
    let (w, h) = (at.width, at.height);
    add!(
        svg,
        r##"<defs><linearGradient id="s" gradientUnits="userSpaceOnUse" x1="0" y1="{:.1}" x2="0" y2="{:.1}"><stop offset="0" stop-color="#{:06x}"/><stop offset="0.55" stop-color="#{:06x}"/><stop offset="1" stop-color="#{:06x}"/></linearGradient>"##,
        at.horizon - h * 0.72,
        at.horizon,
        palette.zenith,
        palette.middle,
        palette.horizon
    );
    add!(
        svg,
        r##"<radialGradient id="g"><stop offset="0" stop-color="#{0:06x}" stop-opacity="0.75"/><stop offset="0.35" stop-color="#{0:06x}" stop-opacity="0.28"/><stop offset="1" stop-color="#{0:06x}" stop-opacity="0"/></radialGradient></defs>"##,
        mix(palette.horizon, palette.rim, 0.6)
    );
    rectangle(svg, area, "url(#s)");
    let mut chance = Chance::at(mood.seed, 1);
    let side = if w > h * 1.2 { chance.between(0.57, 0.61) } else { chance.between(0.26, 0.34) };
    let lamp = (w * side, at.horizon - h * 0.13);
    if mood.setting == Setting::Room {
        return wall(svg, mood, at, area);
    }
    match mood.lamp {
        Lamp::Sun => {
            let size = h * 0.062;
            add!(
                svg,
                r##"<circle cx="{:.1}" cy="{:.1}" r="{:.1}" fill="url(#g)"/>"##,
                lamp.0,
                lamp.1,
                h * 0.62
            );
            add!(
                svg,
                r##"<circle cx="{:.1}" cy="{:.1}" r="{size:.1}" fill="#{:06x}"/>"##,
                lamp.0,
                lamp.1,
                mix(palette.rim, 0xffffff, 0.45)
            );
        }
        Lamp::Moon => {
            let (x, y, size) = (w * 0.87, h * 0.24, h * 0.052);
            add!(
                svg,
                r##"<circle cx="{x:.1}" cy="{y:.1}" r="{:.1}" fill="url(#g)" opacity="0.5"/>"##,
                h * 0.4
            );
            add!(
                svg,
                r##"<circle cx="{x:.1}" cy="{y:.1}" r="{size:.1}" fill="#e8eef6"/><circle cx="{:.1}" cy="{:.1}" r="{:.1}" fill="#c3cfdf" opacity="0.55"/><circle cx="{:.1}" cy="{:.1}" r="{:.1}" fill="#c3cfdf" opacity="0.4"/>"##,
                x - size * 0.3,
                y - size * 0.2,
                size * 0.26,
                x + size * 0.28,
                y + size * 0.3,
                size * 0.18
            );
        }
        Lamp::Glow => {
            add!(
                svg,
                r##"<ellipse cx="{:.1}" cy="{:.1}" rx="{:.1}" ry="{:.1}" fill="url(#g)"/>"##,
                at.center,
                at.horizon,
                w * 0.5,
                h * 0.42
            );
        }
        Lamp::None => {}
    }
    match mood.air {
        Air::Stars => stars(svg, mood, at, area, 1.0),
        Air::Clear if mood.setting == Setting::Space => stars(svg, mood, at, area, 1.6),
        Air::Rain => clouds(svg, mood, at, area, palette.zenith, 0.55),
        Air::Clouds | Air::Snow | Air::Mist => {
            clouds(svg, mood, at, area, mix(palette.horizon, palette.middle, 0.3), 0.4)
        }
        Air::Clear => clouds(svg, mood, at, area, mix(palette.horizon, palette.rim, 0.3), 0.20),
    }
}

fn stars(svg: &mut String, mood: &Mood, at: &Blocking, area: Area, density: f32) {
    let (step, rows) = (at.height * 0.11, (at.height * 1.5 / (at.height * 0.11)) as i64);
    for (column, x) in cells(area, step) {
        for row in 0..rows {
            let mut chance = Chance::at(mood.seed, column * 1000 + row);
            if chance.next() > 0.5 * density {
                continue;
            }
            let y = at.horizon - at.height * 0.06 - row as f32 * step - chance.next() * step;
            let size = at.height * chance.between(0.0012, 0.0032);
            add!(
                svg,
                r##"<circle cx="{:.1}" cy="{y:.1}" r="{size:.2}" fill="#ffffff" opacity="{:.2}"/>"##,
                x + chance.next() * step,
                chance.between(0.35, 0.9)
            );
        }
    }
}

/// Long flat banks, denser toward the horizon.
fn clouds(svg: &mut String, mood: &Mood, at: &Blocking, area: Area, color: u32, opacity: f32) {
    for row in 0..5_i64 {
        let base = at.horizon - at.height * (0.10 + 0.13 * row as f32);
        for (column, x) in cells(area, at.height * 0.95) {
            let mut chance = Chance::at(mood.seed ^ 77, column * 64 + row);
            let (x, y) = (
                x + chance.next() * at.height * 0.9,
                base + chance.between(-0.03, 0.03) * at.height,
            );
            let (wide, high) = (
                at.height * chance.between(0.22, 0.6),
                at.height * chance.between(0.010, 0.026) * (1.0 + row as f32 * 0.35),
            );
            let opacity = opacity * chance.between(0.4, 1.0);
            add!(
                svg,
                r##"<path d="M{:.1} {y:.1} Q{:.1} {:.1} {x:.1} {:.1} T{:.1} {y:.1} Q{x:.1} {:.1} {:.1} {y:.1}Z" fill="#{color:06x}" opacity="{opacity:.2}"/>"##,
                x - wide,
                x - wide * 0.5,
                y - high,
                y - high * 0.9,
                x + wide,
                y + high * 0.8,
                x - wide
            );
        }
    }
}

/// The back wall of a room, with what gives it light.
fn wall(svg: &mut String, mood: &Mood, at: &Blocking, area: Area) {
    let palette = &mood.palette;
    add!(
        svg,
        r##"<ellipse cx="{:.1}" cy="{:.1}" rx="{:.1}" ry="{:.1}" fill="url(#g)" opacity="0.5"/>"##,
        at.center,
        at.horizon - at.height * 0.2,
        at.width * 0.42,
        at.height * 0.6
    );
    for (_, x) in cells(area, at.height * 0.34) {
        add!(
            svg,
            r##"<rect x="{x:.1}" y="{:.1}" width="{:.1}" height="{:.1}" fill="#{:06x}" opacity="0.16"/>"##,
            area.top,
            at.height * 0.006,
            area.height(),
            palette.zenith
        );
    }
}
