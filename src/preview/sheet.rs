//! A contact sheet: the first, middle and last picture of each take beside what it is, for people, comments and agents.

use super::typeset::{Anchor, Style, Typesetter, clean};
use super::{PreviewError, Strip};
use image::{Rgb, RgbImage, imageops};
use std::fmt::Write as _;

/// The box of one picture, in pixels.
const PICTURE: (u32, u32) = (288, 162);
/// Between all things.
const GAP: u32 = 10;
/// The words beside the pictures.
const WORDS: u32 = 220;
/// The title above all.
const HEAD: u32 = 56;
const GROUND: [u8; 3] = [0x14, 0x15, 0x19];
const EMPTY: [u8; 3] = [0x22, 0x24, 0x2a];
const PAPER: u32 = 0xf2_efe8;
/// Pictures of a take.
const PICTURES: u32 = 3;

pub(super) fn draw(title: &str, strips: &[Strip]) -> Result<RgbImage, PreviewError> {
    let columns = match strips.len() {
        0..=6 => 1,
        7..=24 => 2,
        _ => 3,
    };
    let count = u32::try_from(strips.len()).unwrap_or(u32::MAX);
    let rows = count.div_ceil(columns).max(1);
    let strip_width = WORDS + GAP + PICTURES * (PICTURE.0 + GAP);
    let width = columns * strip_width + GAP;
    let height = HEAD + rows * (PICTURE.1 + GAP) + GAP;
    let mut image = RgbImage::from_pixel(width, height, Rgb(GROUND));

    let texts = strips.iter().flat_map(|strip| {
        let why = strip.pictures.as_ref().err();
        [&strip.name, &strip.title].into_iter().chain(&strip.details).chain(why)
    });
    let typesetter = Typesetter::for_texts(texts.map(String::as_str).chain([title]));
    let mut svg =
        format!(r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">"#);
    let style = |size: f32, bold: bool, opacity: f32| Style {
        size,
        bold,
        color: PAPER,
        opacity,
        spacing: 0.0,
    };
    let mut line = |text: &str, x: u32, y: u32, style: Style, room: u32| {
        let text = typesetter.fit(&clean(text), style, room as f32)?;
        typesetter.line(&mut svg, &text, x as f32, y as f32, style, Anchor::Start)
    };
    line(title, GAP, 36, style(22.0, true, 1.0), width - 2 * GAP)?;
    for (number, strip) in (0..).zip(strips) {
        // Read down the first column, then the next.
        let (column, row) = (number / rows, number % rows);
        let (left, top) = (GAP + column * strip_width, HEAD + row * (PICTURE.1 + GAP));
        line(&strip.name, left, top + 22, style(18.0, true, 1.0), WORDS - GAP)?;
        let mut y = top + 44;
        for text in
            typesetter.wrap(&strip.title, style(14.0, false, 0.9), (WORDS - GAP) as f32, 2)?
        {
            line(&text, left, y, style(14.0, false, 0.9), WORDS)?;
            y += 18;
        }
        y += 4;
        for text in strip.details.iter().take(5) {
            line(text, left, y, style(12.0, false, 0.65), WORDS - GAP)?;
            y += 16;
        }
        let left = left + WORDS + GAP;
        match &strip.pictures {
            Ok(pictures) => {
                for (place, picture) in (0..PICTURES).zip(pictures) {
                    put(&mut image, picture, left + place * (PICTURE.0 + GAP), top);
                }
            }
            Err(why) => {
                for y in top..top + PICTURE.1 {
                    for x in left..left + PICTURES * (PICTURE.0 + GAP) - GAP {
                        image.put_pixel(x, y, Rgb(EMPTY));
                    }
                }
                let room = PICTURES * (PICTURE.0 + GAP) - 4 * GAP;
                let small = style(14.0, false, 0.8);
                for (text, number) in typesetter.wrap(why, small, room as f32, 4)?.iter().zip(0..) {
                    line(text, left + GAP, top + PICTURE.1 / 2 + number * 18, small, room)?;
                }
            }
        }
    }
    let _ = write!(svg, "</svg>");
    let words = typesetter.draw(&svg, width, height)?;
    for (pixel, ink) in image.pixels_mut().zip(words.pixels()) {
        let through = 255 - u16::from(ink.alpha());
        for (part, over) in pixel.0.iter_mut().zip([ink.red(), ink.green(), ink.blue()]) {
            let under = u16::from(*part) * through / 255;
            *part = u8::try_from(under + u16::from(over)).unwrap_or(u8::MAX);
        }
    }
    Ok(image)
}

/// Puts a picture into the middle of its box, as large as it fits.
fn put(image: &mut RgbImage, picture: &RgbImage, left: u32, top: u32) {
    let (wide, high) = (picture.width().max(1), picture.height().max(1));
    let scale =
        (f64::from(PICTURE.0) / f64::from(wide)).min(f64::from(PICTURE.1) / f64::from(high));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most the size of the box"
    )]
    let fitted = |side: u32| (f64::from(side) * scale).round().max(1.0) as u32;
    let (wide, high) = (fitted(wide).min(PICTURE.0), fitted(high).min(PICTURE.1));
    let small = imageops::resize(picture, wide, high, imageops::FilterType::Triangle);
    for y in top..top + PICTURE.1 {
        for x in left..left + PICTURE.0 {
            image.put_pixel(x, y, Rgb(EMPTY));
        }
    }
    let (x, y) = (left + (PICTURE.0 - wide) / 2, top + (PICTURE.1 - high) / 2);
    imageops::replace(image, &small, i64::from(x), i64::from(y));
}
