//! Drawings that the camera moves over: sampled at any scale, place and lean, straight into a frame.

use resvg::tiny_skia::Pixmap;

use super::frame::{Drawing, Frame, Plane, blend_row};
use super::geometry::Affine;

/// One drawing of the stage.
pub(super) struct Layer {
    drawing: Drawing,
    /// Where the drawing's upper left corner is in the resting frame.
    left: f32,
    top: f32,
    /// Pixels of the drawing for one of the resting frame.
    resolution: f32,
    opaque: bool,
    luma_spans: Vec<Span>,
    chroma_spans: Vec<Span>,
}

/// What one row of a drawing shows.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    /// The first column that is not transparent.
    first: i64,
    /// The column after the last one.
    last: i64,
    /// Whether everything between is opaque.
    solid: bool,
}

fn spans(alpha: &Plane) -> Vec<Span> {
    let span = |row: &[u8]| {
        let first = row.iter().position(|&alpha| alpha > 0).unwrap_or(row.len());
        let last = row.iter().rposition(|&alpha| alpha > 0).map_or(0, |index| index + 1);
        let solid = first < last && row[first..last].iter().all(|&alpha| alpha == 255);
        Span { first: first as i64, last: last as i64, solid }
    };
    (0..alpha.height).map(|row| span(alpha.row(row))).collect()
}

/// Sixteen bits behind the point.
const ONE: f32 = 65536.0;

/// Working memory for one row.
#[derive(Default)]
pub(super) struct Scratch {
    column: Vec<u8>,
    color: Vec<u8>,
    alpha: Vec<u8>,
}

impl Layer {
    /// Takes a drawing whose upper left corner lies at `left`, `top` of the resting frame. An opaque layer must cover
    /// the frame in every pose; what lies outside of it repeats its edge.
    pub(super) fn new(pixmap: &Pixmap, left: f32, top: f32, resolution: f32, opaque: bool) -> Self {
        let drawing = Drawing::from_pixmap(pixmap);
        let (luma_spans, chroma_spans) = (spans(&drawing.alpha), spans(&drawing.chroma_alpha));
        Self { drawing, left, top, resolution, opaque, luma_spans, chroma_spans }
    }

    /// From the centres of a frame's pixels to the centres of the drawing's, for luma and for chroma.
    fn maps(&self, seen: Affine) -> (Affine, Affine) {
        let to_drawing = seen
            .inverse()
            .then(Affine::translate(-self.left, -self.top))
            .then(Affine::scale_around(self.resolution, self.resolution, 0.0, 0.0));
        let to_center = Affine::translate(0.5, 0.5);
        let from_center = Affine::translate(-0.5, -0.5);
        let luma = to_center.then(to_drawing).then(from_center);
        let chroma = to_center
            .then(Affine::scale_around(2.0, 2.0, 0.0, 0.0))
            .then(to_drawing)
            .then(Affine::scale_around(0.5, 0.5, 0.0, 0.0))
            .then(from_center);
        (luma, chroma)
    }
}

/// Draws layers over each other, the furthest first, each as the camera sees it.
pub(super) fn film<'a>(
    layers: impl Iterator<Item = (&'a Layer, Affine)>,
    frame: &mut Frame,
    scratch: &mut Scratch,
) {
    let layers: Vec<(&Layer, (Affine, Affine))> =
        layers.map(|(layer, seen)| (layer, layer.maps(seen))).collect();
    let (width, height) = (frame.width, frame.height);
    let sheets = |color: fn(&Drawing) -> &Plane, chroma: bool| -> Vec<Sheet<'_>> {
        let sheet = |(layer, maps): &(&'a Layer, (Affine, Affine))| Sheet {
            color: color(&layer.drawing),
            alpha: if chroma { &layer.drawing.chroma_alpha } else { &layer.drawing.alpha },
            spans: if chroma { &layer.chroma_spans } else { &layer.luma_spans },
            opaque: layer.opaque,
            map: if chroma { maps.1 } else { maps.0 },
        };
        layers.iter().map(sheet).collect()
    };
    film_plane(&sheets(|drawing| &drawing.y, false), &mut frame.y, width, height, scratch);
    film_plane(&sheets(|drawing| &drawing.u, true), &mut frame.u, width / 2, height / 2, scratch);
    film_plane(&sheets(|drawing| &drawing.v, true), &mut frame.v, width / 2, height / 2, scratch);
}

/// One plane of a layer and the way that the frame goes through it.
struct Sheet<'a> {
    color: &'a Plane,
    alpha: &'a Plane,
    spans: &'a [Span],
    opaque: bool,
    map: Affine,
}

/// What one row of the frame takes from a sheet.
struct Strip {
    /// The first column of the frame that shows it.
    first: usize,
    last: usize,
    /// Whether nothing behind it can be seen between them.
    solid: bool,
    /// Where the way through the plane begins, at the first column.
    walk: Walk,
}

fn film_plane(
    sheets: &[Sheet<'_>],
    target: &mut [u8],
    width: usize,
    height: usize,
    scratch: &mut Scratch,
) {
    let mut strips: Vec<(&Sheet<'_>, Strip)> = Vec::new();
    for (row, target) in target.chunks_exact_mut(width).enumerate().take(height) {
        // From the nearest to the first that hides everything behind it; what is hidden is not drawn.
        strips.clear();
        for sheet in sheets.iter().rev() {
            let Some(strip) = sheet.strip(row, width) else {
                continue;
            };
            let hides = strip.solid && strip.first == 0 && strip.last == width;
            strips.push((sheet, strip));
            if hides {
                break;
            }
        }
        for (sheet, strip) in strips.iter().rev() {
            sheet.draw(strip, &mut target[strip.first..strip.last], scratch);
        }
    }
}

impl Sheet<'_> {
    fn strip(&self, row: usize, width: usize) -> Option<Strip> {
        let row = row as f32;
        let (u, v) = (
            ((self.map.c * row + self.map.e) * ONE) as i64,
            ((self.map.d * row + self.map.f) * ONE) as i64,
        );
        let (du, dv) = ((self.map.a * ONE) as i64, (self.map.b * ONE) as i64);
        let walk = |first: usize, last: usize| Walk {
            u: u + du * first as i64,
            v: v + dv * first as i64,
            du,
            dv,
            count: last - first,
        };
        if self.opaque {
            return Some(Strip { first: 0, last: width, solid: true, walk: walk(0, width) });
        }
        let (last_column, last_row) = (self.color.width as i64 - 1, self.color.height as i64 - 1);
        if dv != 0 {
            // A camera that leans crosses many rows, so their spans say nothing.
            let (first, last) = inside(u, du, 0, last_column, width);
            let (top, bottom) = inside(v, dv, 0, last_row, width);
            let (first, last) = (first.max(top), last.min(bottom));
            return (first < last).then(|| Strip {
                first,
                last,
                solid: false,
                walk: walk(first, last),
            });
        }
        if v < -(1 << 16) || v > (last_row + 1) << 16 {
            return None;
        }
        let upper = (v >> 16).clamp(0, last_row);
        let lower = (upper + i64::from(v & 0xffff != 0)).min(last_row);
        let (a, b) = (self.spans[upper as usize], self.spans[lower as usize]);
        // An empty row begins behind its end, so it never widens the other.
        let (from, to) = (a.first.min(b.first) - 1, a.last.max(b.last));
        if a.first >= a.last && b.first >= b.last {
            return None;
        }
        let (first, last) = inside(u, du, from.max(0), to.min(last_column), width);
        if first >= last {
            return None;
        }
        let strip = walk(first, last);
        let (start, end) = (strip.u, strip.u + du * (strip.count as i64 - 1));
        let (start, end) = (start.min(end), start.max(end));
        let left = a.first.max(b.first) << 16;
        let right = (a.last.min(b.last) - 1) << 16;
        let solid = a.solid && b.solid && start >= left && end <= right;
        Some(Strip { first, last, solid, walk: strip })
    }

    fn draw(&self, strip: &Strip, target: &mut [u8], scratch: &mut Scratch) {
        if strip.solid {
            return sample(self.color, strip.walk, &mut scratch.column, target);
        }
        let count = target.len();
        scratch.color.resize(count, 0);
        scratch.alpha.resize(count, 0);
        sample(self.alpha, strip.walk, &mut scratch.column, &mut scratch.alpha);
        sample(self.color, strip.walk, &mut scratch.column, &mut scratch.color);
        blend_row(target, &scratch.color, &scratch.alpha);
    }
}

/// A way through a plane: where it starts and how far each pixel leads, in 65536ths of a pixel.
#[derive(Clone, Copy)]
struct Walk {
    u: i64,
    v: i64,
    du: i64,
    dv: i64,
    count: usize,
}

/// The columns of the frame for which one coordinate of the way lies from `low` to `high`.
fn inside(start: i64, step: i64, low: i64, high: i64, width: usize) -> (usize, usize) {
    let (low, high) = ((low << 16) - start, (high << 16) - start);
    let (low, high, step) = if step < 0 { (-high, -low, -step) } else { (low, high, step) };
    let clamp = |column: i64| column.clamp(0, width as i64) as usize;
    match step {
        0 if low <= 0 && high >= 0 => (0, width),
        0 => (0, 0),
        _ => (
            clamp(low.div_euclid(step) + i64::from(low.rem_euclid(step) != 0)),
            clamp(high.div_euclid(step) + 1),
        ),
    }
}

/// Mixes two neighbours by a fraction of 256.
fn between(a: u8, b: u8, fraction: u16) -> u8 {
    ((u16::from(a) * (256 - fraction) + u16::from(b) * fraction + 128) >> 8) as u8
}

/// Reads a plane along a way, between its pixels, with its edges repeated outward.
fn sample(plane: &Plane, walk: Walk, column: &mut Vec<u8>, out: &mut [u8]) {
    if walk.dv != 0 {
        return sample_leaning(plane, walk, out);
    }
    let last = plane.width as i64 - 1;
    let v = walk.v.clamp(0, (plane.height as i64 - 1) << 16);
    let upper = (v >> 16) as usize;
    let lower = (upper + 1).min(plane.height - 1);
    let down = ((v >> 8) & 255) as u16;
    let end = walk.u + walk.du * (walk.count as i64 - 1);
    let (from, to) = (walk.u.min(end) >> 16, (walk.u.max(end) >> 16) + 1);
    let repeats = from < 0 || to > last || walk.du < 0;
    let (from, to) = (from.clamp(0, last) as usize, to.clamp(0, last) as usize);

    // The rows are mixed first: every pixel of the mixture serves several of the frame.
    let (upper, lower) = (&plane.row(upper)[from..=to], &plane.row(lower)[from..=to]);
    let mixed: &[u8] = if down == 0 {
        upper
    } else {
        column.clear();
        column.extend(upper.iter().zip(lower).map(|(&a, &b)| between(a, b, down)));
        column
    };
    if repeats {
        let limit = mixed.len() - 1;
        for (index, out) in out.iter_mut().enumerate() {
            let u = (walk.u + walk.du * index as i64).clamp(0, last << 16) - ((from as i64) << 16);
            let left = ((u >> 16).max(0) as usize).min(limit);
            *out = between(mixed[left], mixed[(left + 1).min(limit)], ((u >> 8) & 255) as u16);
        }
        return;
    }
    if walk.du == 65536 {
        let right = ((walk.u >> 8) & 255) as u16;
        match right {
            0 => out.copy_from_slice(&mixed[..out.len()]),
            _ => {
                for ((out, &a), &b) in out.iter_mut().zip(mixed).zip(&mixed[1..]) {
                    *out = between(a, b, right);
                }
            }
        }
        return;
    }
    sample_scaled(mixed, (walk.u - ((from as i64) << 16)) as u32, walk.du as u32, out);
}

/// Reads a row at a scale. Eight pixels of the frame come from one window of sixteen, which needs one check of its
/// bounds instead of sixteen.
fn sample_scaled(mixed: &[u8], mut u: u32, step: u32, out: &mut [u8]) {
    let mut chunks = out.chunks_exact_mut(8);
    if step <= 0x1_c000 {
        for chunk in &mut chunks {
            let base = (u >> 16) as usize;
            let Some(window) = mixed.get(base..).and_then(|rest| rest.first_chunk::<16>()) else {
                // Only the last few pixels of a row have no full window left.
                one_by_one(mixed, u, step, chunk);
                u = u.wrapping_add(step * 8);
                continue;
            };
            let mut offset = u & 0xffff;
            for out in chunk {
                let index = (offset >> 16) as usize;
                *out = between(
                    window[index & 15],
                    window[(index + 1) & 15],
                    ((offset >> 8) & 255) as u16,
                );
                offset += step;
            }
            u = u.wrapping_add(step * 8);
        }
        one_by_one(mixed, u, step, chunks.into_remainder());
    } else {
        one_by_one(mixed, u, step, out);
    }
}

fn one_by_one(mixed: &[u8], mut u: u32, step: u32, out: &mut [u8]) {
    let last = mixed.len() - 1;
    for out in out {
        let index = ((u >> 16) as usize).min(last);
        *out = between(mixed[index], mixed[(index + 1).min(last)], ((u >> 8) & 255) as u16);
        u = u.wrapping_add(step);
    }
}

/// The same for a camera that leans, where every pixel has a row of its own.
fn sample_leaning(plane: &Plane, walk: Walk, out: &mut [u8]) {
    let (last_column, last_row) = (plane.width as i64 - 1, plane.height as i64 - 1);
    for (index, out) in out.iter_mut().enumerate() {
        let u = (walk.u + walk.du * index as i64).clamp(0, last_column << 16);
        let v = (walk.v + walk.dv * index as i64).clamp(0, last_row << 16);
        let (column, row) = ((u >> 16) as usize, (v >> 16) as usize);
        let next = (column + 1).min(last_column as usize);
        let (right, down) = (((u >> 8) & 255) as u16, ((v >> 8) & 255) as u16);
        let (upper, lower) = (plane.row(row), plane.row((row + 1).min(last_row as usize)));
        let mix = |row: &[u8]| between(row[column], row[next], right);
        *out = between(mix(upper), mix(lower), down);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A drawing with one white column on black.
    fn column_at(x: u32, opaque: bool) -> Layer {
        let mut pixmap = Pixmap::new(64, 32).expect("a size");
        for (index, pixel) in pixmap.data_mut().chunks_exact_mut(4).enumerate() {
            let white = index as u32 % 64 == x;
            let value = if white { 255 } else { 0 };
            pixel.copy_from_slice(&[value, value, value, if white || opaque { 255 } else { 0 }]);
        }
        Layer::new(&pixmap, -16.0, -8.0, 1.0, opaque)
    }

    fn brightest(frame: &Frame, row: usize) -> usize {
        let row = &frame.y[row * frame.width..(row + 1) * frame.width];
        (0..row.len()).max_by_key(|&index| row[index]).expect("a row")
    }

    #[test]
    fn a_layer_moves_by_the_pixels_it_is_told() {
        for opaque in [true, false] {
            let layer = column_at(30, opaque);
            for shift in [-6.0, 0.0, 5.0] {
                let mut frame = Frame::new(32, 16);
                let seen = Affine::translate(shift, 0.0);
                film([(&layer, seen)].into_iter(), &mut frame, &mut Scratch::default());
                assert_eq!(brightest(&frame, 8) as f32, 14.0 + shift);
            }
        }
    }

    #[test]
    fn upright_and_leaning_ways_agree() {
        let layer = column_at(30, true);
        let seen = Affine::scale_around(1.3, 1.3, 16.0, 8.0).then(Affine::translate(1.25, -0.5));
        let (mut upright, mut leaning) = (Frame::new(32, 16), Frame::new(32, 16));
        film([(&layer, seen)].into_iter(), &mut upright, &mut Scratch::default());
        let lean = Affine { b: 0.0001, ..seen };
        film([(&layer, lean)].into_iter(), &mut leaning, &mut Scratch::default());
        let difference = upright.y.iter().zip(&leaning.y).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(difference <= Some(3), "{difference:?}");
    }
}
