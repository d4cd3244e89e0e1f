//! Pictures that are made of type: titles, footage that is missing, stills that are yet to be made.

use std::fmt::Write as _;

use super::camera::Pose;
use super::frame::Frame;
use super::mood::Mood;
use super::page::PAPER;
use super::stage::Stage;
use super::typeset::{Anchor, Style, Typesetter, clean};
use super::{PreviewError, Shot};
use image::DynamicImage;

/// The ground of cards.
const GROUND: u32 = 0x0c0d10;

/// A card in the making; all lengths are in pixels.
struct Card<'a> {
    svg: String,
    width: usize,
    height: usize,
    unit: f32,
    typesetter: &'a Typesetter,
}

impl<'a> Card<'a> {
    fn new((width, height): (usize, usize), typesetter: &'a Typesetter) -> Self {
        let svg = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">"#
        );
        let unit = ((width * height) as f32).sqrt() / 480.0;
        Self { svg, width, height, unit, typesetter }
    }

    fn style(&self, size: f32, bold: bool, opacity: f32) -> Style {
        Style { size: size * self.unit, bold, color: PAPER, opacity, spacing: 0.0 }
    }

    fn fill(&mut self) {
        let (width, height) = (self.width, self.height);
        let _ =
            write!(self.svg, r##"<rect width="{width}" height="{height}" fill="#{GROUND:06x}"/>"##);
    }

    /// Lines around the middle of a height, each below the other.
    fn lines(&mut self, lines: &[String], style: Style, middle: f32) -> Result<(), PreviewError> {
        let leading = style.size * 1.25;
        let mut y = middle - leading * lines.len() as f32 / 2.0 - style.size * 0.2;
        for line in lines {
            y += leading;
            let x = self.width as f32 / 2.0;
            self.typesetter.line(&mut self.svg, line, x, y, style, Anchor::Middle)?;
        }
        Ok(())
    }

    fn frame(mut self) -> Result<Frame, PreviewError> {
        self.svg.push_str("</svg>");
        let pixmap = self.typesetter.draw(&self.svg, self.width as u32, self.height as u32)?;
        Ok(Frame::of_pixmap(&pixmap))
    }
}

/// A card with a title, as large as its words allow.
pub(super) fn title(
    text: &str,
    size: (usize, usize),
    typesetter: &Typesetter,
) -> Result<Frame, PreviewError> {
    let mut card = Card::new(size, typesetter);
    card.fill();
    let text = clean(text);
    let room = card.width as f32 * 0.8;
    for (points, most) in [(46.0, 2), (34.0, 3), (25.0, 5), (18.0, 8)] {
        let style = card.style(points, true, 1.0);
        // One line more than there is room for tells that it does not fit.
        let lines = typesetter.wrap(&text, style, room, most + 1)?;
        let is_last = points < 20.0;
        if lines.len() <= most || is_last {
            let lines = if is_last { typesetter.wrap(&text, style, room, most)? } else { lines };
            card.lines(&lines, style, size.1 as f32 / 2.0)?;
            break;
        }
    }
    card.frame()
}

/// A card for footage that cannot be shown.
pub(super) fn missing(
    name: &str,
    why: &str,
    size: (usize, usize),
    typesetter: &Typesetter,
) -> Result<Frame, PreviewError> {
    let mut card = Card::new(size, typesetter);
    card.fill();
    let (w, h, u) = (size.0 as f32, size.1 as f32, card.unit);
    let inset = 0.15;
    let _ = write!(
        card.svg,
        r##"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" fill="none" stroke="#{PAPER:06x}" stroke-opacity="0.35" stroke-width="{:.2}" stroke-dasharray="{:.1} {:.1}"/>"##,
        w * inset,
        h * 0.22,
        w * (1.0 - 2.0 * inset),
        h * 0.56,
        1.5 * u,
        9.0 * u,
        6.0 * u
    );
    let room = w * (0.9 - 2.0 * inset);
    let label = Style { spacing: 1.6 * u, ..card.style(11.0, true, 0.6) };
    card.lines(&["FOOTAGE".to_owned()], label, h * 0.33)?;
    let style = card.style(20.0, true, 1.0);
    card.lines(&typesetter.wrap(name, style, room, 2)?, style, h * 0.48)?;
    let style = card.style(12.0, false, 0.7);
    card.lines(&typesetter.wrap(why, style, room, 3)?, style, h * 0.65)?;
    card.frame()
}

/// What a still may look like that has yet to be made: the stage of its words, mounted and named.
pub(super) fn still(
    shot: &Shot,
    words: &str,
    size: (usize, usize),
    typesetter: &Typesetter,
) -> Result<DynamicImage, PreviewError> {
    let (width, height) = size;
    let (w, h) = (width as f32, height as f32);
    let mood = Mood::read(words, shot.shot.as_deref().unwrap_or_default(), false);
    let rest = Pose::default();
    let mut stage = Stage::build(&mood, width, height, &[rest], typesetter)?;
    let mut frame = Frame::new(width, height);
    stage.film(&mut frame, &rest, 0.0);

    let mut card = Card::new(size, typesetter);
    let u = card.unit;
    let mount = 11.0 * u;
    let _ = write!(
        card.svg,
        r##"<rect x="{0:.1}" y="{0:.1}" width="{1:.1}" height="{2:.1}" fill="none" stroke="#{PAPER:06x}" stroke-width="{mount:.1}"/>"##,
        mount / 2.0,
        w - mount,
        h - mount
    );
    // The words stand on the picture itself, between what the slate says above and below, and move with it.
    let room = w * 0.62;
    let style = card.style(14.0, false, 1.0);
    let label = Style { spacing: 1.4 * u, ..card.style(10.5, true, 0.85) };
    let lines = typesetter.wrap(words, style, room - 24.0 * u, 3)?;
    let leading = style.size * 1.25;
    let high = leading * lines.len() as f32 + 30.0 * u;
    let middle = h * 0.44;
    let _ = write!(
        card.svg,
        r##"<rect x="{:.1}" y="{:.1}" width="{room:.1}" height="{high:.1}" rx="{:.1}" fill="#06070a" fill-opacity="0.66"/>"##,
        (w - room) / 2.0,
        middle - high / 2.0,
        3.0 * u
    );
    let top = middle - high / 2.0;
    card.lines(&["STILL TO BE MADE".to_owned()], label, top + 13.0 * u)?;
    card.lines(&lines, style, top + 22.0 * u + leading * lines.len() as f32 / 2.0)?;
    card.svg.push_str("</svg>");
    let drawn = typesetter.draw(&card.svg, width as u32, height as u32)?;
    super::frame::Overlay::new(&drawn, 0, 0).draw(&mut frame);
    Ok(frame.to_image())
}
