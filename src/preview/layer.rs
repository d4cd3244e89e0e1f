//! Drawings that the camera moves over: sampled at any scale, place and lean, straight into a frame.

use resvg::tiny_skia::Pixmap;

use super::frame::{Drawing, Frame, Plane, blend_row};

/// A rectangle in the coordinates of the resting frame, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) right: f32,
    pub(super) bottom: f32,
}

impl Area {
    pub(super) fn width(&self) -> f32 {
        self.right - self.left
    }

    pub(super) fn height(&self) -> f32 {
        self.bottom - self.top
    }

    pub(super) fn union(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    pub(super) fn grown(self, margin: f32) -> Self {
        Self {
            left: self.left - margin,
            top: self.top - margin,
            right: self.right + margin,
            bottom: self.bottom + margin,
        }
    }

    /// The part that both cover; it may be empty.
    pub(super) fn intersection(self, other: Self) -> Self {
        Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }
}

/// Where a point of the resting frame is seen: `x' = a*x + c*y + e`, `y' = b*x + d*y + f`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Affine {
    pub(super) a: f32,
    pub(super) b: f32,
    pub(super) c: f32,
    pub(super) d: f32,
    pub(super) e: f32,
    pub(super) f: f32,
}

impl Affine {
    pub(super) const IDENTITY: Self = Self { a: 1.0, b: 0.0, c: 0.0, d: 1.0, e: 0.0, f: 0.0 };

    /// Makes everything larger around a point that stays.
    pub(super) fn scale_around(horizontal: f32, vertical: f32, x: f32, y: f32) -> Self {
        Self {
            a: horizontal,
            d: vertical,
            e: x - horizontal * x,
            f: y - vertical * y,
            ..Self::IDENTITY
        }
    }

    pub(super) fn translate(x: f32, y: f32) -> Self {
        Self { e: x, f: y, ..Self::IDENTITY }
    }

    pub(super) fn rotate_around(angle: f32, x: f32, y: f32) -> Self {
        let (sin, cos) = angle.sin_cos();
        Self { a: cos, b: sin, c: -sin, d: cos, e: x - cos * x + sin * y, f: y - sin * x - cos * y }
    }

    /// Slides rows sideways in proportion to their distance from row `still`.
    pub(super) fn shear_below(amount: f32, still: f32) -> Self {
        Self { c: amount, e: -amount * still, ..Self::IDENTITY }
    }

    /// This one first, `next` after it.
    pub(super) fn then(self, next: Self) -> Self {
        Self {
            a: next.a * self.a + next.c * self.b,
            b: next.b * self.a + next.d * self.b,
            c: next.a * self.c + next.c * self.d,
            d: next.b * self.c + next.d * self.d,
            e: next.a * self.e + next.c * self.f + next.e,
            f: next.b * self.e + next.d * self.f + next.f,
        }
    }

    /// The way back. Scales of the stage are never zero, so there is one.
    pub(super) fn inverse(self) -> Self {
        let determinant = self.a * self.d - self.b * self.c;
        let (a, b, c, d) = (
            self.d / determinant,
            -self.b / determinant,
            -self.c / determinant,
            self.a / determinant,
        );
        Self { a, b, c, d, e: -(a * self.e + c * self.f), f: -(b * self.e + d * self.f) }
    }

    fn apply(self, x: f32, y: f32) -> (f32, f32) {
        (self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f)
    }

    /// The smallest upright rectangle around the image of a rectangle.
    pub(super) fn image_of(self, area: Area) -> Area {
        let corners = [
            (area.left, area.top),
            (area.right, area.top),
            (area.left, area.bottom),
            (area.right, area.bottom),
        ];
        let corners = corners.map(|(x, y)| self.apply(x, y));
        let start = Area { left: f32::MAX, top: f32::MAX, right: f32::MIN, bottom: f32::MIN };
        corners
            .iter()
            .fold(start, |sum, &(x, y)| sum.union(Area { left: x, top: y, right: x, bottom: y }))
    }

    /// How much larger things become, on the axis where they grow most.
    pub(super) fn largest_scale(self) -> f32 {
        self.a.hypot(self.b).max(self.c.hypot(self.d))
    }
}

/// One drawing of the stage.
pub(super) struct Layer {
    drawing: Drawing,
    /// Where the drawing's upper left corner is in the resting frame.
    left: f32,
    top: f32,
    /// Pixels of the drawing for one of the resting frame.
    resolution: f32,
    opaque: bool,
}

/// Sixteen bits behind the point.
const ONE: f32 = 65536.0;

/// Working memory for one row.
#[derive(Default)]
pub(super) struct Scratch {
    column: Vec<u16>,
    color: Vec<u8>,
    alpha: Vec<u8>,
}

impl Layer {
    /// Takes a drawing whose upper left corner lies at `left`, `top` of the resting frame. An opaque layer must cover
    /// the frame in every pose; what lies outside of it repeats its edge.
    pub(super) fn new(pixmap: &Pixmap, left: f32, top: f32, resolution: f32, opaque: bool) -> Self {
        Self { drawing: Drawing::from_pixmap(pixmap), left, top, resolution, opaque }
    }

    /// Draws the layer as the camera sees it.
    pub(super) fn draw(&self, frame: &mut Frame, seen: Affine, scratch: &mut Scratch) {
        // From the centre of a frame's pixel to the centre of a drawing's pixel.
        let to_drawing = seen
            .inverse()
            .then(Affine::translate(-self.left, -self.top))
            .then(Affine::scale_around(self.resolution, self.resolution, 0.0, 0.0));
        let luma = Affine::translate(0.5, 0.5).then(to_drawing).then(Affine::translate(-0.5, -0.5));
        let chroma = Affine::scale_around(2.0, 2.0, 0.0, 0.0).then(to_drawing);
        let chroma = Affine::translate(0.5, 0.5)
            .then(chroma)
            .then(Affine::scale_around(0.5, 0.5, 0.0, 0.0))
            .then(Affine::translate(-0.5, -0.5));
        let (width, height) = (frame.width, frame.height);
        let alpha = (!self.opaque).then_some(&self.drawing.alpha);
        draw_plane(&mut frame.y, width, height, &self.drawing.y, alpha, luma, scratch);
        let alpha = (!self.opaque).then_some(&self.drawing.chroma_alpha);
        draw_plane(&mut frame.u, width / 2, height / 2, &self.drawing.u, alpha, chroma, scratch);
        draw_plane(&mut frame.v, width / 2, height / 2, &self.drawing.v, alpha, chroma, scratch);
    }
}

fn draw_plane(
    target: &mut [u8],
    width: usize,
    height: usize,
    color: &Plane,
    alpha: Option<&Plane>,
    map: Affine,
    scratch: &mut Scratch,
) {
    // Transparent drawings end in transparent pixels, so rows and columns beyond them need no look.
    let last_row = (color.height as i64 - 1) << 16;
    for row in 0..height {
        let target = &mut target[row * width..(row + 1) * width];
        let u = ((map.c * row as f32 + map.e) * ONE) as i64;
        let v = ((map.d * row as f32 + map.f) * ONE) as i64;
        let (du, dv) = ((map.a * ONE) as i64, (map.b * ONE) as i64);
        let visible =
            if alpha.is_none() { (0, width) } else { visible_columns(u, v, du, dv, color, width) };
        let (first, last) = visible;
        if first >= last {
            continue;
        }
        let count = last - first;
        let (u, v) = (u + du * first as i64, v + dv * first as i64);
        let walk = Walk { u, v, du, dv, count };
        match alpha {
            None => sample(color, walk, last_row, &mut scratch.column, &mut target[first..last]),
            Some(alpha) => {
                scratch.color.resize(count, 0);
                scratch.alpha.resize(count, 0);
                sample(alpha, walk, last_row, &mut scratch.column, &mut scratch.alpha);
                if scratch.alpha.iter().all(|&alpha| alpha == 0) {
                    continue;
                }
                sample(color, walk, last_row, &mut scratch.column, &mut scratch.color);
                blend_row(&mut target[first..last], &scratch.color, &scratch.alpha);
            }
        }
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

/// The columns of the frame for which the way lies inside the plane.
fn visible_columns(
    u: i64,
    v: i64,
    du: i64,
    dv: i64,
    plane: &Plane,
    width: usize,
) -> (usize, usize) {
    let mut first = 0_i64;
    let mut last = width as i64;
    for (start, step, size) in [(u, du, plane.width), (v, dv, plane.height)] {
        let end = (size as i64 - 1) << 16;
        match step {
            0 if start < 0 || start > end => return (0, 0),
            0 => {}
            _ => {
                let (near, far) =
                    if step > 0 { (-start, end - start) } else { (end - start, -start) };
                let (near, far, step) =
                    if step > 0 { (near, far, step) } else { (-near, -far, -step) };
                first = first.max(near.div_euclid(step) + i64::from(near.rem_euclid(step) != 0));
                last = last.min(far.div_euclid(step) + 1);
            }
        }
    }
    (first.clamp(0, width as i64) as usize, last.clamp(0, width as i64) as usize)
}

/// Reads a plane along a way, between its pixels, with its edges repeated outward.
fn sample(plane: &Plane, walk: Walk, last_row: i64, column: &mut Vec<u16>, out: &mut [u8]) {
    if walk.dv != 0 {
        return sample_leaning(plane, walk, out);
    }
    let v = walk.v.clamp(0, last_row);
    let upper = (v >> 16) as usize;
    let lower = (upper + 1).min(plane.height - 1);
    let down = ((v >> 8) & 255) as u16;
    let last = plane.width as i64 - 1;
    let end = walk.u + walk.du * (walk.count as i64 - 1);
    let (from, to) = (walk.u.min(end) >> 16, (walk.u.max(end) >> 16) + 1);
    let (from, to) = (from.clamp(0, last) as usize, to.clamp(0, last) as usize);

    // The rows are mixed first: every pixel of the mixture serves several of the frame.
    let (upper, lower) = (&plane.row(upper)[from..=to], &plane.row(lower)[from..=to]);
    column.clear();
    match down {
        0 => column.extend(upper.iter().map(|&value| u16::from(value) << 8)),
        _ => column.extend(
            upper
                .iter()
                .zip(lower)
                .map(|(&a, &b)| u16::from(a) * (256 - down) + u16::from(b) * down),
        ),
    }
    let inside = walk.u >= 0 && walk.u.max(end) >> 16 < last && walk.du >= 0;
    if inside && walk.du == 65536 {
        let right = ((walk.u >> 8) & 255) as u32;
        for (out, pair) in out.iter_mut().zip(column.windows(2)) {
            *out = ((u32::from(pair[0]) * (256 - right) + u32::from(pair[1]) * right + 32768) >> 16)
                as u8;
        }
        return;
    }
    if inside {
        let mut u = (walk.u - ((from as i64) << 16)) as u32;
        let step = walk.du as u32;
        for out in out.iter_mut() {
            let index = (u >> 16) as usize;
            let right = (u >> 8) & 255;
            let (a, b) = match column.get(index..index + 2) {
                Some(&[a, b]) => (u32::from(a), u32::from(b)),
                _ => (0, 0),
            };
            *out = ((a * (256 - right) + b * right + 32768) >> 16) as u8;
            u = u.wrapping_add(step);
        }
        return;
    }
    let limit = column.len() - 1;
    for (index, out) in out.iter_mut().enumerate() {
        let u = (walk.u + walk.du * index as i64).clamp(0, last << 16) - ((from as i64) << 16);
        let left = ((u >> 16).max(0) as usize).min(limit);
        let right = ((u >> 8) & 255) as u32;
        let (a, b) = (u32::from(column[left]), u32::from(column[(left + 1).min(limit)]));
        *out = ((a * (256 - right) + b * right + 32768) >> 16) as u8;
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
        let (right, down) = (((u >> 8) & 255) as u32, ((v >> 8) & 255) as u32);
        let (upper, lower) = (plane.row(row), plane.row((row + 1).min(last_row as usize)));
        let mix =
            |row: &[u8]| u32::from(row[column]) * (256 - right) + u32::from(row[next]) * right;
        *out = ((mix(upper) * (256 - down) + mix(lower) * down + 32768) >> 16) as u8;
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
                layer.draw(&mut frame, Affine::translate(shift, 0.0), &mut Scratch::default());
                assert_eq!(brightest(&frame, 8) as f32, 14.0 + shift);
            }
        }
    }

    #[test]
    fn upright_and_leaning_ways_agree() {
        let layer = column_at(30, true);
        let seen = Affine::scale_around(1.3, 1.3, 16.0, 8.0).then(Affine::translate(1.25, -0.5));
        let (mut upright, mut leaning) = (Frame::new(32, 16), Frame::new(32, 16));
        layer.draw(&mut upright, seen, &mut Scratch::default());
        let lean = Affine { b: 0.0001, ..seen };
        layer.draw(&mut leaning, lean, &mut Scratch::default());
        let difference = upright.y.iter().zip(&leaning.y).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(difference <= Some(3), "{difference:?}");
    }

    #[test]
    fn a_transform_and_its_inverse_meet() {
        let there = Affine::scale_around(1.4, 1.2, 10.0, 5.0)
            .then(Affine::shear_below(0.3, 7.0))
            .then(Affine::rotate_around(0.2, 3.0, 4.0));
        let (x, y) = there.apply(12.0, -3.0);
        let (x, y) = there.inverse().apply(x, y);
        assert!((x - 12.0).abs() < 1e-3 && (y + 3.0).abs() < 1e-3, "{x} {y}");
    }
}
