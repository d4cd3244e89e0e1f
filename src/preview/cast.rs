//! Who is in the scene: small portraits on the slate.

use image::imageops;
use resvg::tiny_skia::{IntSize, Pixmap, PixmapPaint, Transform};

use super::PreviewError;
use super::page::{Layout, PAPER, Page};
use super::picture;
use super::typeset::{Anchor, Style, clean};
use std::fmt::Write as _;

/// The most portraits that are shown; nobody tells more people apart at this size.
const MOST: usize = 4;
/// How high portrait and name are together, in units of type.
pub(super) const HEIGHT: f32 = 54.0;
/// The side of a portrait, in units of type.
const SIDE: f32 = 38.0;

/// The portraits of a shot, read once.
pub(super) struct Cast {
    portraits: Vec<(String, Option<Pixmap>)>,
}

impl Cast {
    /// Reads the pictures of who is in a shot. A picture that cannot be read is a tile with a letter: it is no reason to
    /// show nothing of the scene.
    pub(super) fn read(page: &Page<'_>) -> Self {
        let side = (SIDE * page.unit).round().max(2.0) as u32;
        let shown = page.shot.cast.iter().filter(|portrait| !clean(&portrait.name).is_empty());
        let portraits = shown.take(MOST).map(|portrait| {
            let image = portrait.picture.as_deref().and_then(|path| picture::read(path).ok());
            // Faces are in the upper part of upright pictures.
            let image = image.map(|image| {
                let high = image.height().min(image.width());
                let upper = image.crop_imm(0, 0, image.width(), high);
                let upper = picture::cover_with(upper, side, side);
                imageops::resize(&upper, side, side, imageops::FilterType::Triangle)
            });
            (clean(&portrait.name), image.and_then(pixmap))
        });
        Self { portraits: portraits.collect() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.portraits.is_empty()
    }

    /// Draws frames and names in a row from `left`, or to the left of `right`, and gives back where the pictures go.
    pub(super) fn draw(
        &self,
        page: &Page<'_>,
        svg: &mut String,
        (x, top): (f32, f32),
        anchor: Anchor,
    ) -> Result<Vec<(f32, f32)>, PreviewError> {
        let u = page.unit;
        let (side, step) = (SIDE * u, 56.0 * u);
        let style = Style { opacity: 0.92, ..page.style(10.0, true) };
        let wide = step * self.portraits.len() as f32;
        let left = if anchor == Anchor::End { x - wide + step - side } else { x };
        // Names are readable over whatever the picture shows.
        if !self.portraits.is_empty() && page.layout != Layout::Slate {
            let _ = write!(
                svg,
                r##"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" rx="{:.1}" fill="#06070a" fill-opacity="0.6"/>"##,
                left - 6.0 * u,
                top - 6.0 * u,
                wide - step + side + 12.0 * u,
                side + 22.0 * u,
                3.0 * u
            );
        }
        let mut places = Vec::new();
        for (number, (name, picture)) in self.portraits.iter().enumerate() {
            let x = left + step * number as f32;
            let _ = write!(
                svg,
                r##"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" fill="#{:06x}" fill-opacity="0.25" stroke="#{PAPER:06x}" stroke-opacity="0.85" stroke-width="{u:.2}"/>"##,
                x - 0.5 * u,
                top - 0.5 * u,
                side + u,
                side + u,
                page.accent
            );
            if picture.is_none() {
                let letter = name.chars().take(1).flat_map(char::to_uppercase).collect::<String>();
                let large = page.style(20.0, true);
                let (x, y) = (x + side / 2.0, top + side / 2.0 + 7.0 * u);
                page.typesetter.line(svg, &letter, x, y, large, Anchor::Middle)?;
            }
            let name = page.typesetter.fit(name, style, side)?;
            page.typesetter.line(svg, &name, x, top + side + 11.5 * u, style, Anchor::Start)?;
            places.push((x, top));
        }
        Ok(places)
    }

    /// Puts the pictures where their frames are.
    pub(super) fn place(&self, drawing: &mut Pixmap, places: &[(f32, f32)]) {
        for ((_, picture), (x, y)) in self.portraits.iter().zip(places) {
            if let Some(picture) = picture {
                let (x, y) = (x.round() as i32, y.round() as i32);
                let paint = PixmapPaint::default();
                drawing.draw_pixmap(x, y, picture.as_ref(), &paint, Transform::identity(), None);
            }
        }
    }
}

fn pixmap(image: image::RgbaImage) -> Option<Pixmap> {
    let size = IntSize::from_wh(image.width(), image.height())?;
    let mut data = image.into_raw();
    for pixel in data.chunks_exact_mut(4) {
        let alpha = u32::from(pixel[3]);
        for part in &mut pixel[..3] {
            *part = (u32::from(*part) * alpha / 255) as u8;
        }
    }
    Pixmap::from_vec(data, size)
}
