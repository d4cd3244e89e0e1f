//! The layout of the slate: where its words, marks and captions stand, for every shape of frame.

use std::fmt::Write as _;

use super::cast::{self, Cast};
use super::chain;
use super::frame::Overlay;
use super::lineage::Set;
use super::source::Source;
use super::timeline::Timeline;
use super::typeset::{Anchor, Style, Typesetter, clean};
use super::{FRAMES_PER_SECOND, PreviewError, Shot};

/// The colour of type.
pub(super) const PAPER: u32 = 0xf6f3ec;

/// The ground of captions over a reference image.
const STRIP: &str = "rgba(6,7,10,0.70)";

/// How much of the frame the slate takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// A column of words beside or over a stage that leaves room for it.
    Slate,
    /// Slim captions above and below a picture.
    Strips,
    /// One line above what tells by itself what it is.
    Header,
}

impl Layout {
    pub(super) fn of(set: &Set<'_>) -> Self {
        match set {
            Set::Stage(_) => Self::Slate,
            Set::Named(
                Source::Footage { .. } | Source::Missing { .. } | Source::Title(_) | Source::Black,
            ) => Self::Header,
            Set::Frame(_) | Set::Clip(_) | Set::Named(_) => Self::Strips,
        }
    }
}

/// Measures of a frame; all lengths are in pixels.
pub(super) struct Page<'a> {
    pub(super) shot: &'a Shot,
    pub(super) layout: Layout,
    pub(super) typesetter: &'a Typesetter,
    pub(super) width: f32,
    pub(super) height: f32,
    /// One unit of type: 1 at 640x360.
    pub(super) unit: f32,
    pub(super) margin: f32,
    pub(super) accent: u32,
    pub(super) landscape: bool,
}

impl Page<'_> {
    pub(super) fn style(&self, size: f32, bold: bool) -> Style {
        Style { size: size * self.unit, bold, color: PAPER, opacity: 1.0, spacing: 0.0 }
    }

    pub(super) fn open(&self) -> String {
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{1}"><defs><linearGradient id="left" x1="0" x2="1" y1="0" y2="0"><stop offset="0" stop-color="#06070a" stop-opacity="0.86"/><stop offset="0.62" stop-color="#06070a" stop-opacity="0.74"/><stop offset="1" stop-color="#06070a" stop-opacity="0"/></linearGradient><linearGradient id="down" x1="0" x2="0" y1="0" y2="1"><stop offset="0" stop-color="#06070a" stop-opacity="0"/><stop offset="0.6" stop-color="#06070a" stop-opacity="0.74"/><stop offset="1" stop-color="#06070a" stop-opacity="0.88"/></linearGradient><linearGradient id="up" x1="0" x2="0" y1="1" y2="0"><stop offset="0" stop-color="#06070a" stop-opacity="0"/><stop offset="1" stop-color="#06070a" stop-opacity="0.80"/></linearGradient><linearGradient id="soft-up" x1="0" x2="0" y1="1" y2="0"><stop offset="0" stop-color="#06070a" stop-opacity="0"/><stop offset="1" stop-color="#06070a" stop-opacity="0.70"/></linearGradient><linearGradient id="soft-down" x1="0" x2="0" y1="0" y2="1"><stop offset="0" stop-color="#06070a" stop-opacity="0"/><stop offset="1" stop-color="#06070a" stop-opacity="0.70"/></linearGradient></defs>"##,
            self.width, self.height
        )
    }

    pub(super) fn panel(
        &self,
        svg: &mut String,
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        fill: &str,
    ) {
        let _ = write!(
            svg,
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="{fill}"/>"#
        );
    }

    /// Where the letters of the lowest line stand.
    pub(super) fn footer_line(&self) -> f32 {
        self.height - 14.0 * self.unit
    }

    /// The room that the line of steps takes above the lowest line.
    fn chain_room(&self) -> f32 {
        if chain::is_shown(self) { chain::HEIGHT * self.unit } else { 0.0 }
    }

    /// The marks of a viewfinder: thirds and corners.
    pub(super) fn guides(&self, svg: &mut String) {
        let (w, h, u) = (self.width, self.height, self.unit);
        let _ = write!(
            svg,
            r##"<g stroke="#ffffff" fill="none" stroke-width="{:.2}"><path opacity="0.13" d=""##,
            u
        );
        for third in [1.0, 2.0] {
            let _ = write!(
                svg,
                "M{0:.1} 0V{h:.1}M0 {1:.1}H{w:.1}",
                (w * third / 3.0).round() + 0.5,
                (h * third / 3.0).round() + 0.5
            );
        }
        let (left, top, arm) = (8.0 * u, 8.0 * u, 11.0 * u);
        let (right, bottom) = (w - left, h - top - 3.0 * u);
        let _ = write!(
            svg,
            r#""/><path opacity="0.55" stroke-width="{:.2}" d="M{left:.1} {1:.1}V{top:.1}H{2:.1}M{3:.1} {top:.1}H{right:.1}V{1:.1}M{right:.1} {4:.1}V{bottom:.1}H{3:.1}M{2:.1} {bottom:.1}H{left:.1}V{4:.1}"/></g>"#,
            1.4 * u,
            top + arm,
            left + arm,
            right - arm,
            bottom - arm
        );
    }

    /// `Wide shot · Slow dolly in`, for the base clip or an extension.
    pub(super) fn shot_line(&self, beat: usize) -> String {
        let camera = match beat {
            0 => self.shot.camera.as_deref(),
            _ => self.shot.extensions.get(beat - 1).and_then(|more| more.camera.as_deref()),
        };
        let shot = if beat == 0 { self.shot.shot.as_deref() } else { None };
        let parts = [shot, camera].into_iter().flatten().map(clean).filter(|part| !part.is_empty());
        let capitalised = parts.map(|part| {
            let mut characters = part.chars();
            characters
                .next()
                .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
        });
        capitalised.collect::<Vec<_>>().join("  ·  ")
    }

    pub(super) fn words(&self, beat: usize) -> &str {
        match beat {
            0 => &self.shot.words,
            _ => self.shot.extensions.get(beat - 1).map_or("", |more| more.words.as_str()),
        }
    }

    /// A label in a frame; gives back its width.
    pub(super) fn pill(
        &self,
        svg: &mut String,
        text: &str,
        x: f32,
        y: f32,
        anchor: Anchor,
        filled: bool,
    ) -> Result<f32, PreviewError> {
        let u = self.unit;
        let style = Style {
            spacing: 1.1 * u,
            color: if filled { 0x0b0c0f } else { PAPER },
            ..self.style(10.5, true)
        };
        let width = self.typesetter.width(text, style)? - style.spacing + 14.0 * u;
        let (height, left) = (17.0 * u, if anchor == Anchor::End { x - width } else { x });
        let (fill, opacity, line) =
            if filled { (self.accent, 1.0, self.accent) } else { (0x06070a, 0.5, PAPER) };
        let _ = write!(
            svg,
            r##"<rect x="{left:.1}" y="{:.1}" width="{width:.1}" height="{height:.1}" rx="{:.1}" fill="#{fill:06x}" fill-opacity="{opacity}" stroke="#{line:06x}" stroke-opacity="0.85" stroke-width="{:.2}"/>"##,
            y - 12.6 * u,
            3.0 * u,
            u
        );
        self.typesetter.line(svg, text, left + 7.0 * u, y, style, Anchor::Start)?;
        Ok(width)
    }

    /// The marks at the upper right; gives back where they end to the left.
    pub(super) fn marks(&self, svg: &mut String, y: f32) -> Result<f32, PreviewError> {
        let u = self.unit;
        let right = self.width - self.margin;
        let preview = self.pill(svg, "PREVIEW", right, y, Anchor::End, false)?;
        let left = right - preview - 10.0 * u;
        if let Some(label) = &self.shot.upscale {
            let style = Style { color: self.accent, ..self.style(11.0, true) };
            let label = format!("{} (preview {}x{})", clean(label), self.width, self.height);
            let label = self.typesetter.fit(&label, style, self.width * 0.4)?;
            self.typesetter.line(svg, &label, right, y + 21.0 * u, style, Anchor::End)?;
        }
        Ok(left)
    }

    pub(super) fn extend_label(&self, beat: usize) -> String {
        if self.shot.extensions.len() > 1 {
            format!("EXTEND {beat}/{}", self.shot.extensions.len())
        } else {
            "EXTEND".into()
        }
    }

    /// The designed slate: number, title, shot and camera, words, sounds.
    /// Gives back where portraits go.
    pub(super) fn slate(
        &self,
        svg: &mut String,
        beat: usize,
        cast: &Cast,
    ) -> Result<Vec<(f32, f32)>, PreviewError> {
        let (u, type_) = (self.unit, self.typesetter);
        let left = self.margin;
        let top = if self.landscape { 0.0 } else { self.height * 0.012 };
        let column =
            if self.landscape { self.width * 0.43 - left } else { self.width - 2.0 * left };
        if self.landscape {
            self.panel(svg, 0.0, 0.0, self.width * 0.57, self.height, "url(#left)");
            // Marks at the upper right must stand out from a bright sky, too.
            self.panel(svg, 0.0, 0.0, self.width, 62.0 * u, "url(#up)");
            self.panel(svg, 0.0, self.height - 62.0 * u, self.width, 62.0 * u, "url(#down)");
        } else {
            self.panel(svg, 0.0, 0.0, self.width, 210.0 * u, "url(#up)");
            self.panel(svg, 0.0, self.height * 0.56, self.width, self.height * 0.44, "url(#down)");
        }
        let marks = self.marks(svg, top + 33.0 * u)?;

        let label = Style { spacing: 1.6 * u, color: self.accent, ..self.style(11.0, true) };
        type_.line(svg, "SCENE", left, top + 33.0 * u, label, Anchor::Start)?;
        let label_end = left + type_.width("SCENE", label)? + 8.0 * u;
        if beat > 0 {
            self.pill(
                svg,
                &self.extend_label(beat),
                label_end,
                top + 33.0 * u,
                Anchor::Start,
                true,
            )?;
        } else if let Some(origin) = self.origin() {
            // The words of a label are set wider than others.
            let style = Style { spacing: 1.1 * u, ..self.style(10.5, true) };
            let origin = type_.fit(&origin, style, marks - label_end - 18.0 * u)?;
            self.pill(svg, &origin, label_end, top + 33.0 * u, Anchor::Start, true)?;
        } else if let Some(film) = &self.shot.film_title {
            let style = Style { opacity: 0.8, ..self.style(11.0, false) };
            let film = type_.fit(film, style, marks - label_end - 8.0 * u)?;
            type_.line(svg, &film, marks, top + 33.0 * u, style, Anchor::End)?;
        }

        // A long id gets smaller type before it gets cut.
        let mut number = self.style(if self.height < 330.0 * u { 46.0 } else { 56.0 }, true);
        let id = clean(&self.shot.scene);
        let wide = type_.width(&id, number)?;
        let room = column * 0.8;
        if wide > room {
            number.size = (number.size * room / wide).max(20.0 * u);
        }
        let id = type_.fit(&id, number, column)?;
        let mut y = top + 38.0 * u + number.size * 0.82;
        type_.line(svg, &id, left - number.size * 0.05, y, number, Anchor::Start)?;

        if let Some(title) = self.shot.title.as_deref().filter(|title| !clean(title).is_empty()) {
            let style = self.style(20.0, true);
            y += 6.0 * u;
            for line in type_.wrap(title, style, column, 2)? {
                y += 24.0 * u;
                type_.line(svg, &line, left, y, style, Anchor::Start)?;
            }
        }
        let shot_line = self.shot_line(beat);
        if !shot_line.is_empty() {
            let style = Style { color: self.accent, ..self.style(13.0, true) };
            y += 4.0 * u;
            for line in type_.wrap(&shot_line, style, column, 2)? {
                y += 17.0 * u;
                type_.line(svg, &line, left, y, style, Anchor::Start)?;
            }
        }
        let places = self.words_and_sounds(svg, beat, y, column, cast)?;
        self.film_text(svg)?;
        Ok(places)
    }

    /// Where the picture comes from, as a label.
    fn origin(&self) -> Option<String> {
        let origin = clean(self.shot.origin.as_deref()?).to_uppercase();
        (!origin.is_empty()).then_some(origin)
    }

    /// The prompt and what is heard: under the title in a wide frame, above the foot in others.
    pub(super) fn words_and_sounds(
        &self,
        svg: &mut String,
        beat: usize,
        y: f32,
        column: f32,
        cast: &Cast,
    ) -> Result<Vec<(f32, f32)>, PreviewError> {
        let (u, type_, left) = (self.unit, self.typesetter, self.margin);
        let style = Style { opacity: 0.94, ..self.style(13.5, false) };
        let sound_style = Style { color: self.accent, ..self.style(12.0, false) };
        let leading = 17.5 * u;
        let sounds =
            self.shot.sound.iter().map(|sound| clean(sound)).filter(|sound| !sound.is_empty());
        let sounds =
            if beat == 0 { sounds.collect::<Vec<_>>().join("   ·   ") } else { String::new() };
        let sounds = type_.wrap(&sounds, sound_style, column, 1)?;
        let foot =
            self.footer_line() - if self.landscape { 22.0 } else { 27.0 } * u - self.chain_room();
        let under = if sounds.is_empty() { 0.0 } else { 21.0 * u };
        if self.landscape {
            // Subtitles take the two lines above the foot.
            let mut floor = if self.shot.dialogue.is_empty() { foot } else { foot - 44.0 * u };
            let mut places = Vec::new();
            if !cast.is_empty() {
                floor -= cast::HEIGHT * u;
                places = cast.draw(self, svg, (left, floor + 4.0 * u), Anchor::Start)?;
                floor -= 4.0 * u;
            }
            let mut y = y + 12.0 * u;
            let _ = write!(
                svg,
                r##"<rect x="{left:.1}" y="{y:.1}" width="{:.1}" height="{:.1}" fill="#{:06x}"/>"##,
                26.0 * u,
                2.0 * u,
                self.accent
            );
            y += 5.0 * u;
            let most = ((floor - under - y) / leading).floor().max(1.0) as usize;
            for line in type_.wrap(self.words(beat), style, column, most)? {
                y += leading;
                type_.line(svg, &line, left, y, style, Anchor::Start)?;
            }
            for line in sounds {
                type_.line(svg, &line, left, y + 21.0 * u, sound_style, Anchor::Start)?;
            }
            return Ok(places);
        }
        let most = if self.height > self.width * 1.5 { 7 } else { 4 };
        let lines = type_.wrap(self.words(beat), style, column, most)?;
        let mut y = foot - under - leading * lines.len() as f32;
        let _ = write!(
            svg,
            r##"<rect x="{left:.1}" y="{:.1}" width="{:.1}" height="{:.1}" fill="#{:06x}"/>"##,
            y - 6.0 * u,
            26.0 * u,
            2.0 * u,
            self.accent
        );
        y += 2.0 * u;
        for line in lines {
            y += leading;
            type_.line(svg, &line, left, y, style, Anchor::Start)?;
        }
        for line in sounds {
            type_.line(svg, &line, left, y + 21.0 * u, sound_style, Anchor::Start)?;
        }
        self.upper_cast(svg, cast, 44.0)
    }

    /// Portraits at the upper right, from so many units below the upper edge.
    fn upper_cast(
        &self,
        svg: &mut String,
        cast: &Cast,
        below: f32,
    ) -> Result<Vec<(f32, f32)>, PreviewError> {
        // The label of an upscale stands there, too.
        let below = if self.shot.upscale.is_some() { below + 16.0 } else { below };
        let corner = (self.width - self.margin, below * self.unit);
        cast.draw(self, svg, corner, Anchor::End)
    }

    /// Text that the film itself will show, in a frame of its own so that nobody takes it for the slate's.
    pub(super) fn film_text(&self, svg: &mut String) -> Result<(), PreviewError> {
        let Some(text) = self.shot.text_overlay.as_deref().filter(|text| !clean(text).is_empty())
        else {
            return Ok(());
        };
        let (u, type_) = (self.unit, self.typesetter);
        let style = self.style(18.0, true);
        let with_slate = self.layout == Layout::Slate && self.landscape;
        let (center, room) = if with_slate {
            (self.width * 0.725, self.width * 0.42)
        } else {
            (self.width * 0.5, self.width * 0.78)
        };
        let lines = type_.wrap(text, style, room, 2)?;
        let mut widest = 0.0_f32;
        for line in &lines {
            widest = widest.max(type_.width(line, style)?);
        }
        let high = 24.0 * u * lines.len() as f32;
        let top = if self.landscape { self.height * 0.20 } else { self.height * 0.30 };
        let crowded = self.layout != Layout::Slate && !self.shot.cast.is_empty();
        let top = if crowded { top + cast::HEIGHT * u } else { top };
        let (x, wide) = (center - widest / 2.0 - 12.0 * u, widest + 24.0 * u);
        let _ = write!(
            svg,
            r##"<rect x="{x:.1}" y="{top:.1}" width="{wide:.1}" height="{:.1}" fill="#06070a" fill-opacity="0.55" stroke="#{PAPER:06x}" stroke-opacity="0.7" stroke-width="{u:.2}" stroke-dasharray="{:.1} {:.1}"/>"##,
            high + 12.0 * u,
            5.0 * u,
            3.5 * u
        );
        let mut y = top + 1.0 * u;
        for line in lines {
            y += 24.0 * u;
            type_.line(svg, &line, center, y, style, Anchor::Middle)?;
        }
        Ok(())
    }

    /// Slim captions over a picture, or a line above it. Gives back where portraits go.
    pub(super) fn captions(
        &self,
        svg: &mut String,
        beat: usize,
        cast: &Cast,
    ) -> Result<Vec<(f32, f32)>, PreviewError> {
        let (u, type_, left) = (self.unit, self.typesetter, self.margin);
        let with_words = self.layout == Layout::Strips;
        let below = match () {
            () if !with_words => 26.0,
            () if self.landscape => 82.0,
            () => 99.0,
        };
        let below = below * u + self.chain_room();
        let edge = 22.0 * u;
        self.panel(svg, 0.0, 0.0, self.width, 46.0 * u, STRIP);
        self.panel(svg, 0.0, 46.0 * u, self.width, edge, "url(#soft-up)");
        self.panel(svg, 0.0, self.height - below, self.width, below, STRIP);
        self.panel(svg, 0.0, self.height - below - edge, self.width, edge, "url(#soft-down)");
        let y = 33.0 * u;
        let marks = self.marks(svg, y)?;
        let number = self.style(22.0, true);
        let id = type_.fit(&self.shot.scene, number, self.width * 0.3)?;
        type_.line(svg, &id, left, y, number, Anchor::Start)?;
        let mut x = left + type_.width(&id, number)? + 10.0 * u;
        let label = if beat > 0 { Some(self.extend_label(beat)) } else { self.origin() };
        if let Some(label) = label {
            let style = Style { spacing: 1.1 * u, ..self.style(10.5, true) };
            // A title keeps some room of the line.
            let room = (marks - x) * if self.shot.title.is_some() { 0.62 } else { 1.0 };
            let label = type_.fit(&label, style, room - 18.0 * u)?;
            x += self.pill(svg, &label, x, y - 1.0 * u, Anchor::Start, true)? + 10.0 * u;
        }
        if let Some(title) = &self.shot.title {
            let style = self.style(15.0, true);
            let title = type_.fit(title, style, marks - x)?;
            type_.line(svg, &title, x, y, style, Anchor::Start)?;
        }
        if with_words {
            self.caption_words(svg, beat)?;
        }
        self.film_text(svg)?;
        self.upper_cast(svg, cast, 56.0)
    }

    fn caption_words(&self, svg: &mut String, beat: usize) -> Result<(), PreviewError> {
        let (u, type_, left) = (self.unit, self.typesetter, self.margin);
        let mut y = self.footer_line() - 24.0 * u - self.chain_room();
        let shot_line = self.shot_line(beat);
        let style = Style { opacity: 0.94, ..self.style(13.0, false) };
        let column = self.width - 2.0 * left;
        let lines =
            type_.wrap(self.words(beat), style, column, if self.landscape { 1 } else { 2 })?;
        y -= 17.0 * u * (lines.len().max(1) - 1) as f32;
        if !shot_line.is_empty() {
            let style = Style { color: self.accent, ..self.style(12.5, true) };
            let line = type_.fit(&shot_line, style, column)?;
            type_.line(svg, &line, left, y - 18.0 * u, style, Anchor::Start)?;
        }
        for line in lines {
            type_.line(svg, &line, left, y, style, Anchor::Start)?;
            y += 17.0 * u;
        }
        Ok(())
    }

    /// Timecode's neighbours: place in the film, way out, model and length.
    pub(super) fn footer(
        &self,
        svg: &mut String,
        timeline: &Timeline,
        beat: usize,
    ) -> Result<(), PreviewError> {
        let (u, type_) = (self.unit, self.typesetter);
        let y = self.footer_line();
        let style = Style { opacity: 0.85, ..self.style(11.5, false) };
        let right = self.width - self.margin;
        let length = match beat {
            0 if self.shot.extensions.is_empty() => seconds(self.shot.duration),
            0 => format!(
                "{} of {}",
                seconds(self.shot.duration),
                seconds(timeline.frames as f64 / f64::from(FRAMES_PER_SECOND))
            ),
            _ => format!(
                "+{}",
                seconds(self.shot.extensions.get(beat - 1).map_or(0.0, |more| more.seconds))
            ),
        };
        // The timecode is about 90 units wide; what stands beside it shares the rest.
        let start = self.margin + 102.0 * u;
        let model = clean(&self.shot.model);
        let badge = if model.is_empty() { length } else { format!("{model}  ·  {length}") };
        let badge = type_.fit(&badge, style, right - start - 44.0 * u)?;
        type_.line(svg, &badge, right, y, style, Anchor::End)?;
        let room = right - type_.width(&badge, style)? - start - 14.0 * u;
        let place = format!("{} / {}", self.shot.position.0, self.shot.position.1);
        let way_out = self.shot.transition.as_deref().map(clean).filter(|way| !way.is_empty());
        let with_way_out = way_out.map(|way| format!("{place}   →  {way}"));
        let with_way_out = match with_way_out {
            Some(text) if type_.width(&text, style)? <= room => text,
            Some(text) if room > 110.0 * u => type_.fit(&text, style, room)?,
            _ => place,
        };
        type_.line(svg, &with_way_out, start, y, style, Anchor::Start)
    }

    /// One line of dialogue at the foot of the picture; `None` when nothing of it can be seen.
    pub(super) fn subtitle(&self, line: &str) -> Result<Option<Overlay>, PreviewError> {
        let line = clean(line);
        if line.is_empty() {
            return Ok(None);
        }
        let (u, type_) = (self.unit, self.typesetter);
        let style = self.style(17.0, true);
        let leading = 22.0 * u;
        let most = if self.landscape { 2 } else { 4 };
        let lines = type_.wrap(&line, style, self.width - 2.0 * self.margin - 40.0 * u, most)?;
        let mut widest = 0.0_f32;
        for line in &lines {
            widest = widest.max(type_.width(line, style)?);
        }
        let bottom = match () {
            () if self.layout == Layout::Strips => {
                self.height - if self.landscape { 88.0 } else { 105.0 } * u
            }
            () if self.layout == Layout::Header || self.landscape => self.footer_line() - 22.0 * u,
            () if self.height > self.width * 1.5 => self.height * 0.685,
            () => self.height * 0.665,
        };
        let bottom = bottom - self.chain_room();
        let high = leading * lines.len() as f32 + 10.0 * u;
        let (wide, top) = (widest + 24.0 * u, bottom - high);
        let left = (self.width - wide) / 2.0;
        let (x, y) = ((left.max(0.0) as usize) & !1, (top.max(0.0) as usize) & !1);
        let (width, height) = (
            (wide.ceil() as u32 + 2).next_multiple_of(2),
            (high.ceil() as u32 + 2).next_multiple_of(2),
        );
        let mut svg = format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"><rect width="{width}" height="{height}" rx="{:.1}" fill="#06070a" fill-opacity="0.78"/>"##,
            4.0 * u
        );
        let mut baseline = 5.0 * u - leading * 0.26;
        for line in lines {
            baseline += leading;
            type_.line(&mut svg, &line, width as f32 / 2.0, baseline, style, Anchor::Middle)?;
        }
        svg.push_str("</svg>");
        Ok(Some(Overlay::new(&type_.draw(&svg, width, height)?, x, y)))
    }
}

/// Seconds as people write them: `8 s`, `2.5 s`.
fn seconds(value: f64) -> String {
    let text = format!("{value:.1}");
    format!("{} s", text.strip_suffix(".0").unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_written_as_people_do() {
        assert_eq!(seconds(8.0), "8 s");
        assert_eq!(seconds(2.54), "2.5 s");
    }
}
