//! What stands behind the subject: ridges, coasts, houses, trees, furniture, a planet.

use std::fmt::Write as _;

use super::super::geometry::Area;
use super::super::mood::{Air, Mood, Setting};
use super::super::palette::mix;
use super::super::stage::Blocking;
use super::{Chance, add, cells, rectangle, wave};

pub(super) fn far(svg: &mut String, mood: &Mood, at: &Blocking, area: Area) {
    let palette = &mood.palette;
    let back = mix(palette.far, palette.horizon, 0.55);
    match mood.setting {
        Setting::Hills => {
            ridge(svg, mood, at, area, back, 0.20, 3);
            ridge(svg, mood, at, area, palette.far, 0.11, 4);
        }
        Setting::Desert => {
            ridge(svg, mood, at, area, back, 0.12, 5);
            ridge(svg, mood, at, area, palette.far, 0.06, 6);
        }
        Setting::Sea => headland(svg, mood, at, area, mix(palette.far, palette.horizon, 0.25)),
        Setting::City => {
            skyline(svg, mood, at, area, back, 0);
            skyline(svg, mood, at, area, palette.far, 1);
        }
        Setting::Forest => {
            trunks(svg, mood, at, area, back, 0);
            trunks(svg, mood, at, area, palette.far, 1);
        }
        Setting::Room => furniture(svg, mood, at),
        Setting::Space => planet(svg, mood, at),
        // A studio has nothing behind its subject.
        Setting::Studio => {}
    }
    if mood.air == Air::Mist {
        let (top, high) = (at.horizon - at.height * 0.24, at.height * 0.26);
        add!(
            svg,
            r##"<defs><linearGradient id="m" gradientUnits="userSpaceOnUse" x1="0" y1="{top:.1}" x2="0" y2="{1:.1}"><stop offset="0" stop-color="#{0:06x}" stop-opacity="0"/><stop offset="1" stop-color="#{0:06x}" stop-opacity="0.7"/></linearGradient></defs>"##,
            palette.horizon,
            top + high
        );
        let area = Area { top, bottom: top + high, ..area };
        rectangle(svg, area.intersection(Area { top: top + 4.0, ..area }), "url(#m)");
    }
}

fn ridge(
    svg: &mut String,
    mood: &Mood,
    at: &Blocking,
    area: Area,
    color: u32,
    tall: f32,
    number: u64,
) {
    let step = at.height * 0.025;
    add!(
        svg,
        r##"<path fill="#{color:06x}" d="M{:.1} {:.1}"##,
        area.left - step,
        at.horizon + at.height * 0.2
    );
    for (_, x) in cells(area, step) {
        let y = at.horizon
            - at.height
                * tall
                * (0.25 + 0.75 * wave(mood.seed.wrapping_add(number), x / at.height));
        add!(svg, " L{x:.1} {y:.1}");
    }
    add!(svg, r#" L{:.1} {:.1}Z"/>"#, area.right + step, at.horizon + at.height * 0.2);
}

/// A coast that comes and goes.
fn headland(svg: &mut String, mood: &Mood, at: &Blocking, area: Area, color: u32) {
    let step = at.height * 0.025;
    add!(
        svg,
        r##"<path fill="#{color:06x}" d="M{:.1} {:.1}"##,
        area.left - step,
        at.horizon + at.height * 0.2
    );
    for (_, x) in cells(area, step) {
        let high = (wave(mood.seed.wrapping_add(31), x / at.height * 0.6) - 0.46).max(0.0);
        add!(svg, " L{x:.1} {:.1}", at.horizon + 1.0 - at.height * 0.34 * high);
    }
    add!(svg, r#" L{:.1} {:.1}Z"/>"#, area.right + step, at.horizon + at.height * 0.2);
}

/// A row of houses; the second one has lit windows.
fn skyline(svg: &mut String, mood: &Mood, at: &Blocking, area: Area, color: u32, row: u64) {
    let tall = [0.50, 0.34][row as usize];
    let step = at.height * if row == 0 { 0.10 } else { 0.145 };
    let lit = mix(mood.palette.horizon, mood.palette.rim, 0.7);
    for (column, x) in cells(area, step) {
        let mut chance = Chance::at(mood.seed.wrapping_add(11 + row), column);
        let (wide, high) =
            (step * chance.between(0.72, 1.06), at.height * tall * chance.between(0.35, 1.0));
        let top = at.horizon - high;
        add!(
            svg,
            r##"<rect x="{x:.1}" y="{top:.1}" width="{wide:.1}" height="{:.1}" fill="#{color:06x}"/>"##,
            high + at.height * 0.2
        );
        if chance.next() > 0.6 {
            add!(
                svg,
                r##"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" fill="#{color:06x}"/>"##,
                x + wide * 0.42,
                top - high * 0.14,
                at.height * 0.006,
                high * 0.15
            );
        }
        if row == 1 {
            let (pane, pitch) = (at.height * 0.011, at.height * 0.026);
            for line in 1..((high / pitch) as i64) {
                for place in 0..((wide / pitch) as i64) {
                    if chance.next() < 0.30 {
                        add!(
                            svg,
                            r##"<rect x="{:.1}" y="{:.1}" width="{pane:.1}" height="{pane:.1}" fill="#{lit:06x}" opacity="{:.2}"/>"##,
                            x + pitch * (place as f32 + 0.4),
                            top + pitch * line as f32,
                            chance.between(0.25, 0.75)
                        );
                    }
                }
            }
        }
    }
}

/// A row of trees; the second one stands nearer.
fn trunks(svg: &mut String, mood: &Mood, at: &Blocking, area: Area, color: u32, row: u64) {
    let (wide, tall) = [(0.05, 0.55), (0.11, 0.85)][row as usize];
    let number = 21 + row;
    for (column, x) in cells(area, at.height * wide * 2.3) {
        let mut chance = Chance::at(mood.seed.wrapping_add(number), column);
        let x = x + chance.next() * at.height * wide;
        let (foot, high) =
            (at.horizon + at.height * 0.02, at.height * tall * chance.between(0.6, 1.0));
        let half = at.height * wide * chance.between(0.6, 1.0);
        // A conifer: three skirts over a stem.
        add!(svg, r##"<path fill="#{color:06x}" d="M{x:.1} {:.1}"##, foot - high);
        for (level, spread) in [(0.36, 0.45), (0.30, 0.2), (0.66, 0.75), (0.60, 0.4), (0.96, 1.0)] {
            add!(svg, " L{:.1} {:.1}", x + half * spread, foot - high + high * level);
        }
        for (level, spread) in [(0.96, 1.0), (0.60, 0.4), (0.66, 0.75), (0.30, 0.2), (0.36, 0.45)] {
            add!(svg, " L{:.1} {:.1}", x - half * spread, foot - high + high * level);
        }
        add!(svg, r#"Z"/>"#);
        add!(
            svg,
            r##"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" fill="#{color:06x}"/>"##,
            x - half * 0.1,
            foot - high * 0.1,
            half * 0.2,
            high * 0.12
        );
    }
}

/// A window, a picture and a door on the wall.
fn furniture(svg: &mut String, mood: &Mood, at: &Blocking) {
    let palette = &mood.palette;
    let (w, h) = (at.width, at.height);
    let light = mix(palette.horizon, palette.rim, 0.55);
    let frame = mix(palette.far, palette.zenith, 0.3);
    for place in -2..=2_i64 {
        let x = at.center + w * 0.06 + place as f32 * w * 0.8;
        let (top, wide, high) = (at.horizon - h * 0.47, h * 0.30, h * 0.36);
        add!(
            svg,
            r##"<rect x="{x:.1}" y="{top:.1}" width="{wide:.1}" height="{high:.1}" fill="#{light:06x}"/>"##
        );
        add!(
            svg,
            r##"<path d="M{x:.1} {top:.1}h{wide:.1}v{high:.1}h-{wide:.1}Z M{:.1} {top:.1}v{high:.1} M{x:.1} {:.1}h{wide:.1}" fill="none" stroke="#{frame:06x}" stroke-width="{:.1}"/>"##,
            x + wide / 2.0,
            top + high * 0.45,
            h * 0.014
        );
        let x = at.center - w * 0.33 + place as f32 * w * 0.8;
        add!(
            svg,
            r##"<rect x="{x:.1}" y="{:.1}" width="{:.1}" height="{:.1}" fill="#{:06x}" stroke="#{frame:06x}" stroke-width="{:.1}"/>"##,
            at.horizon - h * 0.40,
            h * 0.17,
            h * 0.22,
            mix(palette.middle, palette.far, 0.5),
            h * 0.01
        );
    }
    let skirting = mix(palette.far, palette.zenith, 0.5);
    add!(
        svg,
        r##"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" fill="#{skirting:06x}"/>"##,
        -w * 3.0,
        at.horizon - h * 0.03,
        w * 7.0,
        h * 0.032
    );
}

fn planet(svg: &mut String, mood: &Mood, at: &Blocking) {
    let palette = &mood.palette;
    let (x, y, size) =
        (at.width * 0.60, at.horizon - at.height * 0.10, at.width.min(at.height) * 0.40);
    add!(
        svg,
        r##"<defs><radialGradient id="p" cx="0.28" cy="0.22" r="0.85"><stop offset="0" stop-color="#{:06x}"/><stop offset="0.45" stop-color="#{:06x}"/><stop offset="1" stop-color="#{:06x}"/></radialGradient></defs>"##,
        mix(palette.far, palette.rim, 0.5),
        palette.far,
        palette.zenith
    );
    let (halo, glow) = (size * 1.05, palette.rim);
    add!(
        svg,
        r##"<circle cx="{x:.1}" cy="{y:.1}" r="{halo:.1}" fill="#{glow:06x}" opacity="0.08"/>"##
    );
    add!(svg, r##"<circle cx="{x:.1}" cy="{y:.1}" r="{size:.1}" fill="url(#p)"/>"##);
    let (x, y, size) = (at.width * 0.92, at.height * 0.26, size * 0.12);
    let color = mix(palette.far, palette.rim, 0.3);
    add!(svg, r##"<circle cx="{x:.1}" cy="{y:.1}" r="{size:.1}" fill="#{color:06x}"/>"##);
}
