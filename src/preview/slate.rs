//! What stands still on the picture: the slate's words, subtitles, timecode, marks and guides.

use super::cast::Cast;
use super::chain;
use super::frame::{Frame, Overlay, Yuv, to_yuv};
use super::mood::Mood;
use super::page::{Layout, PAPER, Page};
use super::source::Source;
use super::timeline::Timeline;
use super::typeset::{Anchor, Style, Typesetter};
use super::{FRAMES_PER_SECOND, PreviewError, Shot};

/// All overlays of a clip, drawn once.
pub(super) struct Slate {
    /// One for each beat.
    beats: Vec<Overlay>,
    /// One for each line of dialogue.
    subtitles: Vec<Option<Overlay>>,
    digits: Vec<Overlay>,
    /// Where the timecode begins.
    timecode: (usize, usize),
    bar: Bar,
}

/// The line along the lower edge that fills as the clip plays.
struct Bar {
    top: usize,
    height: usize,
    full: Yuv,
    empty: Yuv,
    tick: Yuv,
}

/// Every text that a slate may show.
pub(super) fn texts(shot: &Shot) -> impl Iterator<Item = &str> {
    let options = [
        &shot.film_title,
        &shot.title,
        &shot.shot,
        &shot.camera,
        &shot.text_overlay,
        &shot.transition,
        &shot.upscale,
        &shot.origin,
    ];
    let on_cards: [Option<&str>; 2] = match &shot.source {
        Source::Still(text) | Source::Title(text) => [Some(text), None],
        Source::Missing { name, why } => [Some(name), Some(why)],
        Source::Footage { name, .. } => [Some(name), None],
        _ => [None, None],
    };
    [shot.scene.as_str(), &shot.words, &shot.model]
        .into_iter()
        .chain(options.into_iter().filter_map(|text| text.as_deref()))
        .chain(on_cards.into_iter().flatten())
        .chain(shot.steps.iter().map(|step| step.label.as_str()))
        .chain(shot.cast.iter().map(|portrait| portrait.name.as_str()))
        .chain(shot.dialogue.iter().chain(&shot.sound).map(String::as_str))
        .chain(
            shot.extensions
                .iter()
                .flat_map(|more| [Some(more.words.as_str()), more.camera.as_deref()])
                .flatten(),
        )
}

impl Slate {
    /// Draws the overlays for a clip of the given size.
    pub(super) fn draw(
        shot: &Shot,
        layout: Layout,
        mood: &Mood,
        timeline: &Timeline,
        (width, height): (usize, usize),
        typesetter: &Typesetter,
    ) -> Result<Self, PreviewError> {
        let (w, h) = (width as f32, height as f32);
        let unit = (w * h).sqrt() / 480.0;
        let landscape = w > h * 1.2;
        let margin = (w * 0.0375).max(18.0 * unit).min(24.0 * unit);
        let page = Page {
            shot,
            layout,
            typesetter,
            width: w,
            height: h,
            unit,
            margin,
            accent: mood.palette.accent,
            landscape,
        };
        let cast = Cast::read(&page);
        let mut beats = Vec::new();
        for beat in 0..timeline.beats.len() {
            let mut svg = page.open();
            page.guides(&mut svg);
            let places = match layout {
                Layout::Slate => page.slate(&mut svg, beat, &cast)?,
                Layout::Strips | Layout::Header => page.captions(&mut svg, beat, &cast)?,
            };
            chain::draw(&page, &mut svg, timeline, beat)?;
            page.footer(&mut svg, timeline, beat)?;
            svg.push_str("</svg>");
            let mut drawing = typesetter.draw(&svg, width as u32, height as u32)?;
            cast.place(&mut drawing, &places);
            beats.push(Overlay::new(&drawing, 0, 0));
        }
        let mut subtitles = Vec::new();
        for line in &shot.dialogue {
            subtitles.push(page.subtitle(line)?);
        }
        let size = 12.0 * unit;
        let cell = ((size * 0.66) as usize).next_multiple_of(2);
        let baseline = page.footer_line();
        let timecode = (page.margin as usize & !1, (baseline - size) as usize & !1);
        let mut digits = Vec::new();
        for digit in "0123456789:".chars() {
            // A colon needs half the room of a digit.
            let wide =
                if digit == ':' { (cell as u32 / 2).next_multiple_of(2) } else { cell as u32 };
            let high = ((size * 1.4) as u32).next_multiple_of(2);
            let mut svg = format!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}">"#
            );
            let style = Style { size, bold: true, color: PAPER, opacity: 1.0, spacing: 0.0 };
            typesetter.line(
                &mut svg,
                &digit.to_string(),
                wide as f32 / 2.0,
                baseline - timecode.1 as f32,
                style,
                Anchor::Middle,
            )?;
            svg.push_str("</svg>");
            digits.push(Overlay::new(&typesetter.draw(&svg, wide, high)?, 0, 0));
        }
        let color = |rgb: u32| to_yuv((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8, 255);
        let thick = ((3.0 * unit) as usize).next_multiple_of(2);
        let bar = Bar {
            top: height - thick,
            height: thick,
            full: color(page.accent),
            empty: color(0x26282c),
            tick: color(PAPER),
        };
        Ok(Self { beats, subtitles, digits, timecode, bar })
    }

    /// Lays everything that belongs to a frame over it.
    pub(super) fn lay(&self, frame: &mut Frame, timeline: &Timeline, number: u64) {
        self.beats[timeline.beat(number)].draw(frame);
        for (cue, subtitle) in timeline.cues.iter().zip(&self.subtitles) {
            if let (Some(subtitle), true) = (subtitle, (cue.start..cue.end).contains(&number)) {
                subtitle.draw(frame);
            }
        }
        let (mut left, top) = self.timecode;
        for character in timecode(number).bytes() {
            let index = if character == b':' { 10 } else { usize::from(character - b'0') };
            let digit = &self.digits[index];
            digit.draw_at(frame, left, top);
            left += digit.width();
        }
        let bar = &self.bar;
        let bottom = bar.top + bar.height;
        let reached = (frame.width as u64 * (number + 1) / timeline.frames) as usize & !1;
        frame.fill(0, bar.top, reached, bottom, bar.full);
        frame.fill(reached, bar.top, frame.width, bottom, bar.empty);
        for beat in timeline.beats.iter().skip(1) {
            let at = (frame.width as u64 * beat.start / timeline.frames) as usize & !1;
            frame.fill(at, bar.top, at + 2, bottom, bar.tick);
        }
    }
}

/// `HH:MM:SS:FF` of a frame.
fn timecode(frame: u64) -> String {
    let rate = u64::from(FRAMES_PER_SECOND);
    let seconds = frame / rate;
    format!(
        "{:02}:{:02}:{:02}:{:02}",
        seconds / 3600 % 100,
        seconds / 60 % 60,
        seconds % 60,
        frame % rate
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timecodes_count_frames_within_seconds() {
        assert_eq!(timecode(0), "00:00:00:00");
        assert_eq!(timecode(23), "00:00:00:23");
        assert_eq!(timecode(24 * 61 + 5), "00:01:01:05");
    }
}
