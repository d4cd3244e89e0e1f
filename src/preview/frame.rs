//! One picture of a clip as the encoder takes it, and drawings that are laid over it.

use image::{DynamicImage, Rgb, RgbImage};
use openh264::formats::YUVSource;
use resvg::tiny_skia::Pixmap;

use super::picture::cover_with;

/// A picture in YUV 4:2:0, BT.709, limited range. Both sides are even.
#[derive(Clone)]
pub(super) struct Frame {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) y: Vec<u8>,
    pub(super) u: Vec<u8>,
    pub(super) v: Vec<u8>,
}

impl Frame {
    /// A black frame.
    pub(super) fn new(width: usize, height: usize) -> Self {
        let quarter = (width / 2) * (height / 2);
        Self {
            width,
            height,
            y: vec![16; width * height],
            u: vec![128; quarter],
            v: vec![128; quarter],
        }
    }

    /// What a drawing without transparent parts shows; its sides are even.
    pub(super) fn of_pixmap(pixmap: &Pixmap) -> Self {
        let Drawing { y, u, v, .. } = Drawing::from_pixmap(pixmap);
        Self { width: y.width, height: y.height, y: y.data, u: u.data, v: v.data }
    }

    /// What is seen of an image that just covers the frame.
    pub(super) fn of_image(image: &RgbImage, width: usize, height: usize) -> Self {
        let mut frame = Self::new(width, height);
        let fitted;
        let image = if image.dimensions() == (width as u32, height as u32) {
            image
        } else {
            fitted = cover_with(image.clone().into(), width as u32, height as u32).into_rgb8();
            &fitted
        };
        let rows: Vec<&[u8]> = image.as_raw().chunks_exact(width * 3).collect();
        for (row, line) in rows.iter().zip(frame.y.chunks_exact_mut(width)) {
            for (pixel, y) in row.chunks_exact(3).zip(line) {
                *y = to_yuv(pixel[0], pixel[1], pixel[2], 255).y;
            }
        }
        let half = width / 2;
        for (pair, number) in rows.chunks_exact(2).zip(0..) {
            for column in 0..half {
                let mean = |part: usize| {
                    let at = column * 6 + part;
                    let sum = [pair[0][at], pair[0][at + 3], pair[1][at], pair[1][at + 3]];
                    ((sum.map(u16::from).iter().sum::<u16>() + 2) / 4) as u8
                };
                let color = to_yuv(mean(0), mean(1), mean(2), 255);
                frame.u[number * half + column] = color.u;
                frame.v[number * half + column] = color.v;
            }
        }
        frame
    }

    /// The frame as an image.
    pub(super) fn to_image(&self) -> DynamicImage {
        let half = self.width / 2;
        let image = RgbImage::from_fn(self.width as u32, self.height as u32, |x, y| {
            let (x, y) = (x as usize, y as usize);
            let at = y / 2 * half + x / 2;
            let luma = (f32::from(self.y[y * self.width + x]) - 16.0) * 255.0 / 219.0;
            let blue = (f32::from(self.u[at]) - 128.0) * 255.0 / 224.0;
            let red = (f32::from(self.v[at]) - 128.0) * 255.0 / 224.0;
            let parts =
                [luma + 1.5748 * red, luma - 0.1873 * blue - 0.4681 * red, luma + 1.8556 * blue];
            Rgb(parts.map(|part| part.round().clamp(0.0, 255.0) as u8))
        });
        image.into()
    }

    pub(super) fn copy_from(&mut self, other: &Self) {
        self.y.copy_from_slice(&other.y);
        self.u.copy_from_slice(&other.u);
        self.v.copy_from_slice(&other.v);
    }

    /// Darkens everything: 256 leaves the picture, 0 makes it black.
    pub(super) fn dim(&mut self, light: u32) {
        let toward = |plane: &mut [u8], black: i32| {
            for value in plane {
                *value = (black + (((i32::from(*value) - black) * light as i32) >> 8)) as u8;
            }
        };
        toward(&mut self.y, 16);
        toward(&mut self.u, 128);
        toward(&mut self.v, 128);
    }

    /// Fills a rectangle with one colour; sides are rounded to even numbers for the colour planes.
    pub(super) fn fill(
        &mut self,
        left: usize,
        top: usize,
        right: usize,
        bottom: usize,
        color: Yuv,
    ) {
        let (right, bottom) = (right.min(self.width), bottom.min(self.height));
        if left >= right || top >= bottom {
            return;
        }
        for row in top..bottom {
            self.y[row * self.width + left..row * self.width + right].fill(color.y);
        }
        let half = self.width / 2;
        for row in top / 2..bottom / 2 {
            self.u[row * half + left / 2..row * half + right / 2].fill(color.u);
            self.v[row * half + left / 2..row * half + right / 2].fill(color.v);
        }
    }
}

impl YUVSource for Frame {
    fn dimensions(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    fn strides(&self) -> (usize, usize, usize) {
        (self.width, self.width / 2, self.width / 2)
    }

    fn y(&self) -> &[u8] {
        &self.y
    }

    fn u(&self) -> &[u8] {
        &self.u
    }

    fn v(&self) -> &[u8] {
        &self.v
    }
}

/// One colour of a [`Frame`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Yuv {
    pub(super) y: u8,
    pub(super) u: u8,
    pub(super) v: u8,
}

/// Converts a colour whose parts are already multiplied by its opacity; so is the result. BT.709, limited range, in
/// sixteenths of a thousandth so that no float decides a rounding.
pub(super) fn to_yuv(red: u8, green: u8, blue: u8, alpha: u8) -> Yuv {
    let (red, green, blue, alpha) =
        (i32::from(red), i32::from(green), i32::from(blue), i32::from(alpha));
    let part = |weights: [i32; 3], offset: i32| {
        let sum = red * weights[0]
            + green * weights[1]
            + blue * weights[2]
            + offset * alpha * 65536 / 255
            + 32768;
        (sum >> 16).clamp(0, 255) as u8
    };
    Yuv {
        y: part([11966, 40254, 4064], 16),
        u: part([-6596, -22189, 28784], 128),
        v: part([28784, -26145, -2639], 128),
    }
}

/// A plane of opacity or of one part of a colour.
#[derive(Clone)]
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) data: Vec<u8>,
}

impl Plane {
    fn new(width: usize, height: usize) -> Self {
        Self { width, height, data: vec![0; width * height] }
    }

    pub(super) fn row(&self, row: usize) -> &[u8] {
        &self.data[row * self.width..(row + 1) * self.width]
    }
}

/// A drawing in the form that frames are made of: colours multiplied by opacity, chroma at half the size.
pub(super) struct Drawing {
    pub(super) y: Plane,
    pub(super) alpha: Plane,
    pub(super) u: Plane,
    pub(super) v: Plane,
    pub(super) chroma_alpha: Plane,
}

impl Drawing {
    /// Converts a drawing whose sides are even.
    pub(super) fn from_pixmap(pixmap: &Pixmap) -> Self {
        let (width, height) = (pixmap.width() as usize & !1, pixmap.height() as usize & !1);
        let stride = pixmap.width() as usize * 4;
        let mut drawing = Self {
            y: Plane::new(width, height),
            alpha: Plane::new(width, height),
            u: Plane::new(width / 2, height / 2),
            v: Plane::new(width / 2, height / 2),
            chroma_alpha: Plane::new(width / 2, height / 2),
        };
        let rows = pixmap.data().chunks_exact(stride);
        let luma_rows =
            drawing.y.data.chunks_exact_mut(width).zip(drawing.alpha.data.chunks_exact_mut(width));
        for (row, (y_row, alpha_row)) in rows.zip(luma_rows) {
            for (pixel, (y, alpha)) in row.chunks_exact(4).zip(y_row.iter_mut().zip(alpha_row)) {
                *y = to_yuv(pixel[0], pixel[1], pixel[2], pixel[3]).y;
                *alpha = pixel[3];
            }
        }
        for (index, pair) in pixmap.data().chunks_exact(stride * 2).enumerate().take(height / 2) {
            let (upper, lower) = pair.split_at(stride);
            let start = index * (width / 2);
            for (column, (a, b)) in upper.chunks_exact(8).zip(lower.chunks_exact(8)).enumerate() {
                let mean = |part: usize| {
                    let sum = u16::from(a[part])
                        + u16::from(a[part + 4])
                        + u16::from(b[part])
                        + u16::from(b[part + 4]);
                    ((sum + 2) / 4) as u8
                };
                let alpha = mean(3);
                let color = to_yuv(mean(0), mean(1), mean(2), alpha);
                drawing.u.data[start + column] = color.u;
                drawing.v.data[start + column] = color.v;
                drawing.chroma_alpha.data[start + column] = alpha;
            }
        }
        drawing
    }
}

/// Lays `over` onto `under`; both rows have the same length.
pub(super) fn blend_row(under: &mut [u8], over: &[u8], alpha: &[u8]) {
    for ((under, over), alpha) in under.iter_mut().zip(over).zip(alpha) {
        let rest = u32::from(*under) * u32::from(255 - *alpha) + 127;
        // Exact division by 255 for everything that two bytes can hold.
        let kept = (rest + 1 + (rest >> 8)) >> 8;
        *under = (u32::from(*over) + kept).min(255) as u8;
    }
}

/// A drawing that stands still on the frame, cut down to where it is not transparent.
pub(super) struct Overlay {
    left: usize,
    top: usize,
    drawing: Drawing,
    /// Where each row of luma begins and ends to be visible.
    spans: Vec<(usize, usize)>,
}

impl Overlay {
    /// Places a drawing with its upper left corner at even `left` and `top`.
    pub(super) fn new(pixmap: &Pixmap, left: usize, top: usize) -> Self {
        let drawing = Drawing::from_pixmap(pixmap);
        // A pair of rows shares its chroma, so it shares its span.
        let spans = (0..drawing.alpha.height / 2)
            .map(|pair| {
                let (a, b) = (drawing.alpha.row(pair * 2), drawing.alpha.row(pair * 2 + 1));
                let visible = |index: &usize| a[*index] > 0 || b[*index] > 0;
                let first = (0..a.len()).find(visible).unwrap_or(a.len());
                let last = (0..a.len()).rev().find(visible).map_or(0, |index| index + 1);
                (first & !1, (last + 1) & !1)
            })
            .collect();
        Self { left: left & !1, top: top & !1, drawing, spans }
    }

    pub(super) fn width(&self) -> usize {
        self.drawing.y.width
    }

    /// Lays the drawing onto the frame.
    pub(super) fn draw(&self, frame: &mut Frame) {
        self.draw_at(frame, self.left, self.top);
    }

    /// Lays the drawing onto the frame at another even place.
    pub(super) fn draw_at(&self, frame: &mut Frame, left: usize, top: usize) {
        let half = frame.width / 2;
        for (pair, &(start, end)) in self.spans.iter().enumerate() {
            let end = end.min(frame.width.saturating_sub(left)) & !1;
            if start >= end || top + pair * 2 + 1 >= frame.height {
                continue;
            }
            for row in [pair * 2, pair * 2 + 1] {
                let at = (top + row) * frame.width + left;
                let under = &mut frame.y[at + start..at + end];
                blend_row(
                    under,
                    &self.drawing.y.row(row)[start..end],
                    &self.drawing.alpha.row(row)[start..end],
                );
            }
            let at = (top / 2 + pair) * half + left / 2;
            let (start, end) = (start / 2, end / 2);
            let alpha = &self.drawing.chroma_alpha.row(pair)[start..end];
            blend_row(
                &mut frame.u[at + start..at + end],
                &self.drawing.u.row(pair)[start..end],
                alpha,
            );
            blend_row(
                &mut frame.v[at + start..at + end],
                &self.drawing.v.row(pair)[start..end],
                alpha,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_follow_bt709() {
        assert_eq!(to_yuv(0, 0, 0, 255), Yuv { y: 16, u: 128, v: 128 });
        assert_eq!(to_yuv(255, 255, 255, 255), Yuv { y: 235, u: 128, v: 128 });
        assert_eq!(to_yuv(255, 0, 0, 255), Yuv { y: 63, u: 102, v: 240 });
        assert_eq!(to_yuv(0, 0, 0, 0), Yuv { y: 0, u: 0, v: 0 });
    }

    #[test]
    fn a_frame_and_its_image_show_the_same() {
        let image =
            RgbImage::from_fn(16, 8, |x, y| Rgb([(x / 2 * 30) as u8, (y / 2 * 60) as u8, 90]));
        let frame = Frame::of_image(&image, 16, 8);
        for (seen, meant) in frame.to_image().into_rgb8().pixels().zip(image.pixels()) {
            assert!(
                seen.0.iter().zip(meant.0).all(|(a, b)| a.abs_diff(b) <= 3),
                "{seen:?} {meant:?}"
            );
        }
    }

    #[test]
    fn blending_is_exact_at_both_ends() {
        let mut under = [0, 16, 100, 255];
        blend_row(&mut under, &[0; 4], &[0; 4]);
        assert_eq!(under, [0, 16, 100, 255]);
        blend_row(&mut under, &[9, 8, 7, 6], &[255; 4]);
        assert_eq!(under, [9, 8, 7, 6]);
        let mut half = [200];
        blend_row(&mut half, &[50], &[128]);
        assert_eq!(half, [150]);
    }

    #[test]
    fn dimming_leads_to_black() {
        let mut frame = Frame::new(4, 4);
        frame.fill(0, 0, 4, 4, Yuv { y: 200, u: 90, v: 160 });
        frame.dim(256);
        assert_eq!((frame.y[5], frame.u[1], frame.v[1]), (200, 90, 160));
        frame.dim(0);
        assert_eq!((frame.y[5], frame.u[1], frame.v[1]), (16, 128, 128));
    }
}
