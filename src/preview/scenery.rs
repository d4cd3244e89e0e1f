//! The drawings on the stage, as SVG in the pixels of the resting frame.

use std::fmt::Write as _;

use super::layer::{Affine, Area};
use super::mood::{Air, Lamp, Mood, Palette, Setting, Size, Subject};
use super::stage::{Blocking, Depth};

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

/// Mixes two colours; 0 is all of the first.
fn mix(a: u32, b: u32, amount: f32) -> u32 {
    let part = |shift: u32| {
        let (a, b) = ((a >> shift & 255) as f32, (b >> shift & 255) as f32);
        ((a + (b - a) * amount).round() as u32).min(255) << shift
    };
    part(16) | part(8) | part(0)
}

/// Adds formatted text to a document; writing to a string cannot fail.
macro_rules! add {
    ($svg:expr, $($part:tt)*) => {{ let _ = write!($svg, $($part)*); }};
}

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
        Depth::Sky => sky(svg, mood, at, area),
        Depth::Far => far(svg, mood, at, area),
        Depth::Ground => ground(svg, mood, at, area),
        Depth::Subject => subject(svg, mood, at),
        Depth::Near => near(svg, mood, at, area),
        Depth::Air => air(svg, mood, at, area),
    }
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

fn sky(svg: &mut String, mood: &Mood, at: &Blocking, area: Area) {
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

/// Things spread over a wide area, each in a cell of its own so that they stay when the area grows.
fn cells(area: Area, step: f32) -> impl Iterator<Item = (i64, f32)> {
    let (first, last) =
        ((area.left / step).floor() as i64 - 1, (area.right / step).ceil() as i64 + 1);
    (first..=last).map(move |index| (index, index as f32 * step))
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

fn far(svg: &mut String, mood: &Mood, at: &Blocking, area: Area) {
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

/// The floor: a plane that runs to the horizon, ruled so that every movement over it shows.
fn ground(svg: &mut String, mood: &Mood, at: &Blocking, area: Area) {
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

/// A body with light on one side: its own dark shaded toward the light, and a thin bright edge, cut to its outline.
fn lit(svg: &mut String, palette: &Palette, at: &Blocking, outline: &str) {
    // Several bodies may stand in one drawing.
    let id = svg.len();
    let edge = at.tall * 0.0045 + at.height * 0.0032;
    let (from, to) = (at.center - at.tall * 0.20, at.center + at.tall * 0.12);
    add!(
        svg,
        r##"<defs><clipPath id="b{id}"><path d="{outline}"/></clipPath><linearGradient id="d{id}" gradientUnits="userSpaceOnUse" x1="{from:.1}" y1="0" x2="{to:.1}" y2="0"><stop offset="0" stop-color="#{:06x}"/><stop offset="1" stop-color="#{:06x}"/></linearGradient></defs>"##,
        mix(palette.subject, palette.rim, 0.26),
        palette.subject
    );
    add!(
        svg,
        r##"<path d="{outline}" fill="#{:06x}"/><g clip-path="url(#b{id})"><path d="{outline}" fill="url(#d{id})" transform="translate({edge:.2} {:.2})"/></g>"##,
        mix(palette.subject, palette.rim, 0.80),
        edge * 0.35
    );
}

/// A path from points in a unit square whose origin is the middle of the foot line, y upward.
fn outline(at: &Blocking, size: f32, shift: f32, parts: &[(char, &[(f32, f32)])]) -> String {
    let mut path = String::new();
    for (command, points) in parts {
        path.push(*command);
        for (x, y) in *points {
            add!(path, "{:.2} {:.2} ", at.center + (x + shift) * size, at.feet - y * size);
        }
    }
    path.push('Z');
    path
}

/// A standing figure in a coat: one closed line from the left foot around the head and back.
const FIGURE: &[(char, &[(f32, f32)])] = &[
    ('M', &[(-0.088, 0.0)]),
    ('L', &[(-0.078, 0.36), (-0.118, 0.365)]),
    ('C', &[(-0.128, 0.44), (-0.116, 0.53), (-0.112, 0.60)]),
    ('C', &[(-0.118, 0.66), (-0.142, 0.72), (-0.136, 0.775)]),
    ('C', &[(-0.128, 0.824), (-0.056, 0.834), (-0.037, 0.856)]),
    ('L', &[(-0.035, 0.878)]),
    ('C', &[(-0.055, 0.890), (-0.060, 0.915), (-0.058, 0.938)]),
    ('C', &[(-0.055, 0.978), (-0.032, 1.0), (0.0, 1.0)]),
    ('C', &[(0.032, 1.0), (0.055, 0.978), (0.058, 0.938)]),
    ('C', &[(0.060, 0.915), (0.055, 0.890), (0.035, 0.878)]),
    ('L', &[(0.037, 0.856)]),
    ('C', &[(0.056, 0.834), (0.128, 0.824), (0.136, 0.775)]),
    ('C', &[(0.142, 0.72), (0.118, 0.66), (0.112, 0.60)]),
    ('C', &[(0.116, 0.53), (0.128, 0.44), (0.118, 0.365)]),
    (
        'L',
        &[(0.078, 0.36), (0.088, 0.0), (0.018, 0.0), (0.006, 0.33), (-0.006, 0.33), (-0.018, 0.0)],
    ),
];

fn subject(svg: &mut String, mood: &Mood, at: &Blocking) {
    let palette = &mood.palette;
    let size = at.tall;
    let whole = matches!(mood.size, Size::ExtremeWide | Size::Wide | Size::Full | Size::Insert);
    if whole {
        add!(
            svg,
            r##"<ellipse cx="{:.1}" cy="{:.1}" rx="{:.1}" ry="{:.1}" fill="#{:06x}" opacity="0.45"/>"##,
            at.center + size * 0.05,
            at.feet,
            size * 0.34,
            size * 0.035,
            palette.near
        );
    }
    match mood.subject {
        Subject::Person => lit(svg, palette, at, &outline(at, size, 0.0, FIGURE)),
        Subject::Pair => {
            // Up close two people stand closer together, or the frame would lose them.
            let apart = size * if whole { 0.21 } else { 0.155 };
            for (side, tall) in [(1.0, 0.94), (-1.0, 1.0)] {
                let one = Blocking { center: at.center + side * apart, tall: size * tall, ..*at };
                lit(svg, palette, &one, &outline(&one, one.tall, 0.0, FIGURE));
            }
        }
        Subject::Tower => {
            let tower = outline(
                at,
                size,
                0.0,
                &[
                    ('M', &[(-0.15, 0.0)]),
                    (
                        'L',
                        &[
                            (-0.10, 0.80),
                            (-0.13, 0.80),
                            (-0.13, 0.83),
                            (-0.085, 0.83),
                            (-0.085, 0.94),
                        ],
                    ),
                    ('Q', &[(-0.07, 1.0), (0.0, 1.04)]),
                    ('Q', &[(0.07, 1.0), (0.085, 0.94)]),
                    ('L', &[(0.085, 0.83), (0.13, 0.83), (0.13, 0.80), (0.10, 0.80), (0.15, 0.0)]),
                ],
            );
            let rock = outline(
                at,
                size,
                0.0,
                &[
                    ('M', &[(-0.62, -0.02)]),
                    (
                        'L',
                        &[
                            (-0.40, 0.06),
                            (-0.24, 0.10),
                            (0.02, 0.085),
                            (0.28, 0.12),
                            (0.46, 0.05),
                            (0.66, -0.02),
                        ],
                    ),
                ],
            );
            lit(svg, palette, at, &(tower + &rock));
            let y = at.feet - size * 0.885;
            add!(
                svg,
                r##"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" fill="#{:06x}"/>"##,
                at.center - size * 0.055,
                y - size * 0.04,
                size * 0.11,
                size * 0.085,
                mix(palette.rim, 0xffffff, 0.35)
            );
            for band in [0.22, 0.50] {
                add!(
                    svg,
                    r##"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" fill="#{:06x}" opacity="0.28"/>"##,
                    at.center - size * 0.118,
                    at.feet - size * (band + 0.11),
                    size * 0.236,
                    size * 0.11,
                    palette.rim
                );
            }
        }
        Subject::House => {
            let house = outline(
                at,
                size,
                0.0,
                &[
                    ('M', &[(-0.55, 0.0)]),
                    (
                        'L',
                        &[
                            (-0.55, 0.46),
                            (-0.64, 0.44),
                            (-0.1, 0.92),
                            (0.16, 0.70),
                            (0.16, 0.84),
                            (0.27, 0.84),
                            (0.27, 0.60),
                            (0.46, 0.44),
                            (0.37, 0.46),
                            (0.37, 0.0),
                        ],
                    ),
                ],
            );
            lit(svg, palette, at, &house);
            for x in [-0.40_f32, 0.04] {
                add!(
                    svg,
                    r##"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" fill="#{:06x}"/>"##,
                    at.center + size * x,
                    at.feet - size * 0.36,
                    size * 0.16,
                    size * 0.16,
                    mix(palette.rim, palette.horizon, 0.35)
                );
            }
        }
        Subject::Boat => {
            let boat = outline(
                at,
                size,
                0.0,
                &[
                    ('M', &[(-0.62, 0.24)]),
                    ('Q', &[(-0.50, 0.02), (-0.40, 0.0)]),
                    ('L', &[(0.42, 0.0)]),
                    ('Q', &[(0.58, 0.10), (0.68, 0.28)]),
                    (
                        'L',
                        &[
                            (0.04, 0.22),
                            (0.04, 0.30),
                            (0.40, 0.32),
                            (0.04, 0.98),
                            (0.0, 1.0),
                            (0.0, 0.92),
                            (-0.36, 0.30),
                            (0.0, 0.28),
                            (0.0, 0.22),
                        ],
                    ),
                ],
            );
            lit(svg, palette, at, &boat);
        }
        Subject::Car => {
            let car = outline(
                at,
                size,
                0.0,
                &[
                    ('M', &[(-0.86, 0.10)]),
                    ('Q', &[(-0.90, 0.34), (-0.70, 0.38)]),
                    ('L', &[(-0.46, 0.42)]),
                    ('Q', &[(-0.30, 0.70), (-0.12, 0.70)]),
                    ('L', &[(0.20, 0.70)]),
                    ('Q', &[(0.40, 0.68), (0.54, 0.42)]),
                    ('Q', &[(0.86, 0.38), (0.88, 0.26)]),
                    ('L', &[(0.88, 0.10), (0.70, 0.10)]),
                    ('C', &[(0.68, -0.05), (0.42, -0.05), (0.40, 0.10)]),
                    ('L', &[(-0.40, 0.10)]),
                    ('C', &[(-0.42, -0.05), (-0.68, -0.05), (-0.70, 0.10)]),
                ],
            );
            lit(svg, palette, at, &car);
            add!(
                svg,
                r##"<path d="{}" fill="#{:06x}" opacity="0.55"/>"##,
                outline(
                    at,
                    size,
                    0.0,
                    &[('M', &[(-0.36, 0.43)]), ('L', &[(-0.20, 0.62), (0.0, 0.62), (0.0, 0.43)])]
                ) + &outline(
                    at,
                    size,
                    0.0,
                    &[('M', &[(0.06, 0.43)]), ('L', &[(0.06, 0.62), (0.24, 0.62), (0.40, 0.43)])]
                ),
                palette.horizon
            );
        }
        Subject::Beast => {
            let beast = outline(
                at,
                size,
                0.0,
                &[
                    ('M', &[(-0.36, 0.0)]),
                    ('L', &[(-0.34, 0.24)]),
                    ('C', &[(-0.42, 0.34), (-0.40, 0.46), (-0.34, 0.50)]),
                    ('C', &[(-0.46, 0.48), (-0.54, 0.38), (-0.60, 0.22)]),
                    ('C', &[(-0.58, 0.46), (-0.48, 0.58), (-0.30, 0.58)]),
                    ('C', &[(-0.10, 0.60), (0.08, 0.56), (0.20, 0.62)]),
                    (
                        'L',
                        &[
                            (0.27, 0.70),
                            (0.29, 0.80),
                            (0.35, 0.73),
                            (0.44, 0.68),
                            (0.57, 0.60),
                            (0.56, 0.54),
                            (0.40, 0.52),
                        ],
                    ),
                    ('C', &[(0.36, 0.42), (0.34, 0.34), (0.29, 0.30)]),
                    (
                        'L',
                        &[
                            (0.28, 0.0),
                            (0.20, 0.0),
                            (0.18, 0.26),
                            (-0.20, 0.28),
                            (-0.26, 0.18),
                            (-0.27, 0.0),
                        ],
                    ),
                ],
            );
            lit(svg, palette, at, &beast);
        }
        Subject::Animal => {
            let animal = outline(
                at,
                size,
                0.0,
                &[
                    ('M', &[(-0.40, 0.0)]),
                    ('L', &[(-0.36, 0.36)]),
                    ('C', &[(-0.46, 0.50), (-0.44, 0.62), (-0.34, 0.64)]),
                    ('C', &[(-0.10, 0.68), (0.10, 0.62), (0.22, 0.70)]),
                    (
                        'L',
                        &[
                            (0.30, 0.90),
                            (0.34, 1.0),
                            (0.39, 0.93),
                            (0.56, 0.82),
                            (0.55, 0.75),
                            (0.40, 0.74),
                        ],
                    ),
                    ('C', &[(0.36, 0.60), (0.36, 0.50), (0.30, 0.42)]),
                    (
                        'L',
                        &[
                            (0.30, 0.0),
                            (0.22, 0.0),
                            (0.20, 0.34),
                            (-0.24, 0.36),
                            (-0.31, 0.22),
                            (-0.32, 0.0),
                        ],
                    ),
                ],
            );
            lit(svg, palette, at, &animal);
        }
        Subject::Tree => {
            let tree = outline(
                at,
                size,
                0.0,
                &[
                    ('M', &[(-0.07, 0.0)]),
                    ('L', &[(-0.045, 0.36)]),
                    ('C', &[(-0.46, 0.30), (-0.50, 0.62), (-0.30, 0.70)]),
                    ('C', &[(-0.34, 0.94), (-0.06, 1.06), (0.06, 0.96)]),
                    ('C', &[(0.26, 1.02), (0.44, 0.84), (0.34, 0.70)]),
                    ('C', &[(0.54, 0.58), (0.44, 0.30), (0.05, 0.36)]),
                    ('L', &[(0.08, 0.0)]),
                ],
            );
            lit(svg, palette, at, &tree);
        }
        Subject::Object => object(svg, palette, at),
    }
}

/// Something that the words do not say the shape of: a block with three sides of light.
fn object(svg: &mut String, palette: &Palette, at: &Blocking) {
    let size = at.tall;
    let faces: [(&[(f32, f32)], f32); 3] = [
        (&[(-0.30, 0.06), (0.05, 0.0), (0.05, 0.72), (-0.30, 0.76)], 0.36),
        (&[(0.05, 0.0), (0.32, 0.07), (0.32, 0.77), (0.05, 0.72)], 0.0),
        (&[(-0.30, 0.76), (0.05, 0.72), (0.32, 0.77), (-0.02, 0.82)], 0.62),
    ];
    for (points, light) in faces {
        let (first, rest) = points.split_at(1);
        let path = outline(at, size, 0.0, &[('M', first), ('L', rest)]);
        add!(
            svg,
            r##"<path d="{path}" fill="#{0:06x}" stroke="#{0:06x}" stroke-width="0.5"/>"##,
            mix(palette.subject, palette.rim, light)
        );
    }
    let edge =
        outline(at, size, 0.0, &[('M', &[(-0.30, 0.76)]), ('L', &[(0.05, 0.72), (0.32, 0.77)])]);
    add!(
        svg,
        r##"<path d="{}" fill="none" stroke="#{:06x}" stroke-width="{:.2}" opacity="0.8"/>"##,
        edge.trim_end_matches('Z'),
        palette.rim,
        at.height * 0.004
    );
}

/// What the camera looks past: it moves most, and is out of focus.
fn near(svg: &mut String, mood: &Mood, at: &Blocking, area: Area) {
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

/// Rain or snow on its way down: a pattern that repeats, so that it can fall without end.
pub(super) struct Fall {
    /// After how many pixels downward the pattern is itself again.
    pub(super) period: f32,
    /// Pixels to the left for each one downward.
    pub(super) slant: f32,
    /// Pixels a second.
    speed: f32,
}

impl Fall {
    /// How far it has come after some seconds.
    pub(super) fn at(&self, seconds: f32) -> Affine {
        let down = (seconds * self.speed).rem_euclid(self.period);
        Affine::translate(-self.slant * down, down)
    }
}

/// Rows of drops in one period.
const FALL_ROWS: i64 = 6;

/// What falls in this air, if anything does.
pub(super) fn fall(air: Air, at: &Blocking) -> Option<Fall> {
    let period = (at.height * 0.96).round();
    match air {
        Air::Rain => Some(Fall { period, slant: 0.18, speed: at.height * 2.3 }),
        Air::Snow => Some(Fall { period, slant: 0.10, speed: at.height * 0.16 }),
        _ => None,
    }
}

fn air(svg: &mut String, mood: &Mood, at: &Blocking, area: Area) {
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
