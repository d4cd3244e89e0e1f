//! Whom or what the scene is about, as a silhouette with light on one side.

use std::fmt::Write as _;

use super::super::mood::{Mood, Size, Subject};
use super::super::palette::{Palette, mix};
use super::super::stage::Blocking;
use super::add;

pub(super) fn subject(svg: &mut String, mood: &Mood, at: &Blocking) {
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
pub(super) fn outline(
    at: &Blocking,
    size: f32,
    shift: f32,
    parts: &[(char, &[(f32, f32)])],
) -> String {
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
pub(super) const FIGURE: &[(char, &[(f32, f32)])] = &[
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
