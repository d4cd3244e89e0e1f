//! Type: measuring, breaking lines, and drawing them with the bundled font, or the system's for other scripts.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Group, Node, Options, Text, Tree};

use super::PreviewError;

const REGULAR: &[u8] = include_bytes!("../../assets/fonts/Inter-Regular.ttf");
const SEMI_BOLD: &[u8] = include_bytes!("../../assets/fonts/Inter-SemiBold.ttf");

/// How a piece of type looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// In pixels.
    pub(super) size: f32,
    pub(super) bold: bool,
    /// `0xRRGGBB`.
    pub(super) color: u32,
    pub(super) opacity: f32,
    /// Additional room after each letter, in pixels.
    pub(super) spacing: f32,
}

/// Which side of the text lies at the given place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// The fonts for one scene, with what was measured so far.
pub(super) struct Typesetter {
    fonts: Arc<Database>,
    widths: RefCell<HashMap<(bool, String), f32>>,
    /// Characters that no font here can draw.
    missing: BTreeSet<char>,
}

fn bundled_fonts() -> Database {
    let mut fonts = Database::new();
    fonts.load_font_data(REGULAR.to_vec());
    fonts.load_font_data(SEMI_BOLD.to_vec());
    for set in [Database::set_serif_family, Database::set_sans_serif_family] {
        set(&mut fonts, "Inter");
    }
    fonts
}

/// Whether the bundled font draws a character. The ranges are those that it was cut down to.
fn is_bundled(character: char) -> bool {
    matches!(character as u32,
        0x20..=0x7e | 0xa0..=0x148 | 0x14a..=0x17f | 0x192 | 0x218..=0x21b | 0x2c6 | 0x2c7 | 0x2d8..=0x2dd | 0x1e9e
        | 0x2010..=0x2015 | 0x2018..=0x201e | 0x2020..=0x2022 | 0x2026 | 0x2030 | 0x2039 | 0x203a | 0x2044 | 0x20ac
        | 0x2122 | 0x2190..=0x2193 | 0x2212 | 0x25a1 | 0x25cf)
}

/// Whether a line may be broken after any of these characters, as in Chinese and Japanese.
fn breaks_anywhere(character: char) -> bool {
    matches!(character as u32, 0x2e80..=0x9fff | 0xac00..=0xd7af | 0xf900..=0xfaff | 0xff00..=0xffef | 0x20000..=0x3ffff)
}

/// Whether a character is written from right to left.
fn is_right_to_left(character: char) -> bool {
    matches!(character as u32, 0x0590..=0x08ff | 0xfb1d..=0xfdff | 0xfe70..=0xfeff)
}

/// Text that is safe to draw: one line, no control characters, nothing that turns the direction of what follows.
pub(super) fn clean(text: &str) -> String {
    let mut clean = String::new();
    for character in text.chars() {
        match character {
            '\u{2028}' | '\u{2029}' => clean.push(' '),
            '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' => {}
            '\u{fff0}'..='\u{ffff}' | '\u{e000}'..='\u{f8ff}' => {}
            '\u{fe00}'..='\u{fe0f}' | '\u{ad}' => {}
            _ if character.is_whitespace() => clean.push(' '),
            _ if character.is_control() => {}
            _ => clean.push(character),
        }
    }
    clean.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

impl Typesetter {
    /// Chooses fonts that can draw the given texts. The system's fonts are looked for only when they are needed.
    pub(super) fn for_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        static BUNDLED: OnceLock<Arc<Database>> = OnceLock::new();
        static WITH_SYSTEM: OnceLock<Arc<Database>> = OnceLock::new();
        let foreign: BTreeSet<char> = texts
            .into_iter()
            .flat_map(|text| clean(text).chars().collect::<Vec<_>>())
            .filter(|&c| !is_bundled(c))
            .collect();
        if foreign.is_empty() {
            let fonts = BUNDLED.get_or_init(|| Arc::new(bundled_fonts()));
            return Self { fonts: Arc::clone(fonts), widths: RefCell::default(), missing: foreign };
        }
        let fonts = WITH_SYSTEM.get_or_init(|| {
            let mut fonts = bundled_fonts();
            fonts.load_system_fonts();
            fonts.set_serif_family("Inter");
            fonts.set_sans_serif_family("Inter");
            Arc::new(fonts)
        });
        let mut typesetter =
            Self { fonts: Arc::clone(fonts), widths: RefCell::default(), missing: BTreeSet::new() };
        typesetter.missing = typesetter.without_glyph(&foreign);
        typesetter
    }

    /// Which of the characters no font here has.
    fn without_glyph(&self, characters: &BTreeSet<char>) -> BTreeSet<char> {
        let mut svg =
            String::from("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\">");
        let style = Style { size: 9.0, bold: false, color: 0, opacity: 1.0, spacing: 0.0 };
        for character in characters {
            run(&mut svg, &character.to_string(), 0.0, 8.0, style, Some(*character as usize));
        }
        svg.push_str("</svg>");
        let mut missing = characters.clone();
        let Ok(tree) = self.parse(&svg) else {
            return missing;
        };
        for_each_text(tree.root(), &mut |id, text| {
            let mut glyphs =
                text.layouted().iter().flat_map(|span| &span.positioned_glyphs).peekable();
            if glyphs.peek().is_some() && glyphs.all(|glyph| glyph.id.0 != 0) {
                missing.retain(|character| *character as usize != id);
            }
        });
        missing
    }

    /// The text with a box for each character that cannot be drawn: better a visible gap than none.
    fn drawable(&self, text: &str) -> String {
        text.chars()
            .map(|character| if self.missing.contains(&character) { '□' } else { character })
            .collect()
    }

    fn parse(&self, svg: &str) -> Result<Tree, PreviewError> {
        let options = Options {
            fontdb: Arc::clone(&self.fonts),
            font_family: "Inter".into(),
            ..Options::default()
        };
        Tree::from_str(svg, &options).map_err(|error| PreviewError::Drawing(error.to_string()))
    }

    /// Draws an SVG document with these fonts.
    pub(super) fn draw(&self, svg: &str, width: u32, height: u32) -> Result<Pixmap, PreviewError> {
        let tree = self.parse(svg)?;
        let mut pixmap = Pixmap::new(width, height).ok_or_else(|| {
            PreviewError::Drawing(format!("a picture of {width}x{height} pixels cannot be made"))
        })?;
        resvg::render(&tree, Transform::identity(), &mut pixmap.as_mut());
        Ok(pixmap)
    }

    /// Measures pieces of text, in parts of the type size. What was measured once is remembered.
    fn measure<'a>(
        &self,
        pieces: impl IntoIterator<Item = &'a str>,
        bold: bool,
    ) -> Result<(), PreviewError> {
        let mut widths = self.widths.borrow_mut();
        let mut new: Vec<&str> = pieces
            .into_iter()
            .filter(|piece| !widths.contains_key(&(bold, (*piece).to_owned())))
            .collect();
        new.sort_unstable();
        new.dedup();
        if new.is_empty() {
            return Ok(());
        }
        let mut svg =
            String::from("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100\" height=\"100\">");
        let style = Style { size: 100.0, bold, color: 0, opacity: 1.0, spacing: 0.0 };
        // Spaces at an end have no extent of their own, so letters stand around what the bundled font draws; around other
        // scripts they would change fonts with them.
        let framed = |piece: &str| piece.chars().all(is_bundled);
        run(&mut svg, "||", 0.0, 100.0, style, Some(new.len()));
        for (index, piece) in new.iter().enumerate() {
            let text = if framed(piece) { format!("|{piece}|") } else { (*piece).to_owned() };
            run(&mut svg, &text, 0.0, 100.0, style, Some(index));
        }
        svg.push_str("</svg>");
        let tree = self.parse(&svg)?;
        let mut found = HashMap::new();
        for_each_text(tree.root(), &mut |id, text| {
            found.insert(id, text.bounding_box().width());
        });
        let frame = found.get(&new.len()).copied().unwrap_or_default();
        for (index, piece) in new.into_iter().enumerate() {
            let width = found.get(&index).copied().unwrap_or_default();
            let width = if framed(piece) { (width - frame).max(0.0) } else { width };
            widths.insert((bold, piece.to_owned()), width / 100.0);
        }
        Ok(())
    }

    /// How wide a text is, in pixels.
    pub(super) fn width(&self, text: &str, style: Style) -> Result<f32, PreviewError> {
        let runs = runs(&self.drawable(text));
        self.measure(runs.iter().map(String::as_str), style.bold)?;
        let widths = self.widths.borrow();
        let total: f32 = runs
            .into_iter()
            .map(|run| widths.get(&(style.bold, run)).copied().unwrap_or_default())
            .sum();
        Ok(total * style.size + style.spacing * text.chars().count() as f32)
    }

    /// Breaks a text into at most `most` lines of `width` pixels; what does not fit is cut with an ellipsis.
    pub(super) fn wrap(
        &self,
        text: &str,
        style: Style,
        width: f32,
        most: usize,
    ) -> Result<Vec<String>, PreviewError> {
        // No frame holds more than this, and a limit keeps endless prompts cheap.
        let text: String = self.drawable(&clean(text)).chars().take(1500).collect();
        let mut pieces: Vec<(String, bool)> = Vec::new();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            pieces.extend(self.break_word(word, style, width)?);
        }
        self.measure(pieces.iter().map(|(piece, _)| piece.as_str()), style.bold)?;
        let mut lines: Vec<String> = Vec::new();
        let mut current = String::new();
        let mut rest = false;
        for (piece, space_before) in pieces {
            let separator = if current.is_empty() || !space_before { "" } else { " " };
            let longer = format!("{current}{separator}{piece}");
            if current.is_empty() || self.quick_width(&longer, style)? <= width {
                current = longer;
            } else if lines.len() + 1 == most {
                rest = true;
                break;
            } else {
                lines.push(std::mem::replace(&mut current, piece));
            }
        }
        if rest {
            current = self.shorten(&current, style, width)?;
        }
        if !current.is_empty() && most > 0 {
            lines.push(current);
        }
        Ok(lines)
    }

    /// The width of a line from the widths of its words, so that no line has to be measured as a whole.
    fn quick_width(&self, line: &str, style: Style) -> Result<f32, PreviewError> {
        self.measure([" "], style.bold)?;
        let widths = self.widths.borrow();
        let known = |piece: &str| widths.get(&(style.bold, piece.to_owned())).copied();
        let space = known(" ").unwrap_or(0.28);
        let mut total = 0.0;
        let mut unknown = Vec::new();
        for (index, word) in line.split(' ').enumerate() {
            if index > 0 {
                total += space * style.size;
            }
            match known(word) {
                Some(width) => total += width * style.size,
                None => unknown.push(word.to_owned()),
            }
        }
        drop(widths);
        for word in unknown {
            total += self.width(&word, Style { spacing: 0.0, ..style })?;
        }
        Ok(total + style.spacing * line.chars().count() as f32)
    }

    /// Cuts a text until it fits together with an ellipsis.
    pub(super) fn shorten(
        &self,
        text: &str,
        style: Style,
        width: f32,
    ) -> Result<String, PreviewError> {
        let characters: Vec<char> = text.chars().collect();
        let fits = |count: usize| -> Result<Option<String>, PreviewError> {
            let start: String = characters[..count].iter().collect();
            let cut = format!("{}…", start.trim_end_matches([' ', ',', '.', ';', ':', '-', '—']));
            Ok((self.quick_width(&cut, style)? <= width).then_some(cut))
        };
        let (mut low, mut high) = (0, characters.len());
        let mut best = "…".to_owned();
        while low < high {
            let middle = (low + high).div_ceil(2);
            match fits(middle)? {
                Some(cut) => (low, best) = (middle, cut),
                None => high = middle - 1,
            }
        }
        Ok(best)
    }

    /// One line that fits, cut with an ellipsis if it must be.
    pub(super) fn fit(&self, text: &str, style: Style, width: f32) -> Result<String, PreviewError> {
        let text: String = self.drawable(&clean(text)).chars().take(400).collect();
        if self.quick_width(&text, style)? <= width {
            Ok(text)
        } else {
            self.shorten(&text, style, width)
        }
    }

    /// Splits a word where its script allows it, and by force where it is longer than a line. Each part tells whether a space
    /// stands before it.
    fn break_word(
        &self,
        word: &str,
        style: Style,
        width: f32,
    ) -> Result<Vec<(String, bool)>, PreviewError> {
        let mut parts: Vec<(String, bool)> = Vec::new();
        let mut before = None;
        for character in word.chars() {
            let breaks = before.is_some_and(|before| {
                // Marks that end a phrase stay with what they end, marks that begin one with what they begin.
                (breaks_anywhere(before) || breaks_anywhere(character))
                    && !"。、，．！？：；」』）ー…".contains(character)
                    && !"「『（".contains(before)
            });
            match parts.last_mut() {
                Some((last, _)) if !breaks => last.push(character),
                last => {
                    let first = last.is_none();
                    parts.push((character.to_string(), first));
                }
            }
            before = Some(character);
        }
        let mut broken = Vec::new();
        for (part, space_before) in parts {
            if part.chars().count() < 12 || self.quick_width(&part, style)? <= width {
                broken.push((part, space_before));
                continue;
            }
            let mut piece = String::new();
            let mut space_before = space_before;
            // Widths of single characters are enough to break what no line can hold.
            self.measure(
                part.chars().map(|c| c.to_string()).collect::<Vec<_>>().iter().map(String::as_str),
                style.bold,
            )?;
            let mut total = 0.0;
            for character in part.chars() {
                let one = self.quick_width(&character.to_string(), style)?;
                if total + one > width && !piece.is_empty() {
                    broken.push((std::mem::take(&mut piece), space_before));
                    space_before = false;
                    total = 0.0;
                }
                piece.push(character);
                total += one;
            }
            broken.push((piece, space_before));
        }
        Ok(broken)
    }

    /// Adds a line of text to an SVG document; `y` is where its letters stand.
    pub(super) fn line(
        &self,
        svg: &mut String,
        text: &str,
        x: f32,
        y: f32,
        style: Style,
        anchor: Anchor,
    ) -> Result<(), PreviewError> {
        let text = self.drawable(&clean(text));
        let mut x = match anchor {
            Anchor::Start => x,
            Anchor::Middle => x - self.width(&text, style)? / 2.0,
            Anchor::End => x - self.width(&text, style)? + style.spacing,
        };
        for piece in runs(&text) {
            run(svg, &piece, x, y, style, None);
            x += self.width(&piece, style)?;
        }
        Ok(())
    }
}

/// Splits a text where the bundled font ends and another begins: one missing letter would move a whole run to another
/// font. Text from right to left stays together, because its order is not ours to decide.
fn runs(text: &str) -> Vec<String> {
    if text.chars().any(is_right_to_left) {
        return vec![text.to_owned()];
    }
    let mut runs: Vec<(bool, String)> = Vec::new();
    for character in text.chars() {
        let bundled = is_bundled(character);
        match runs.last_mut() {
            Some((last, run)) if *last == bundled => run.push(character),
            _ => runs.push((bundled, character.to_string())),
        }
    }
    runs.into_iter().map(|(_, run)| run).collect()
}

/// Writes one run of text that needs one font.
fn run(svg: &mut String, text: &str, x: f32, y: f32, style: Style, id: Option<usize>) {
    let weight = if style.bold { 600 } else { 400 };
    let _ = write!(
        svg,
        "<text xml:space=\"preserve\" x=\"{x:.2}\" y=\"{y:.2}\" font-family=\"Inter\" font-size=\"{:.2}\" font-weight=\"{weight}\" fill=\"#{:06x}\" fill-opacity=\"{:.3}\"",
        style.size, style.color, style.opacity
    );
    if style.spacing != 0.0 {
        let _ = write!(svg, " letter-spacing=\"{:.2}\"", style.spacing);
    }
    if let Some(id) = id {
        let _ = write!(svg, " id=\"t{id}\"");
    }
    svg.push('>');
    for character in text.chars() {
        match character {
            '&' => svg.push_str("&amp;"),
            '<' => svg.push_str("&lt;"),
            '>' => svg.push_str("&gt;"),
            _ => svg.push(character),
        }
    }
    svg.push_str("</text>");
}

/// Hands over every text of a document that was written with a number.
fn for_each_text(group: &Group, take: &mut dyn FnMut(usize, &Text)) {
    for node in group.children() {
        match node {
            Node::Text(text) => {
                if let Some(id) = text.id().strip_prefix('t').and_then(|id| id.parse().ok()) {
                    take(id, text);
                }
            }
            Node::Group(group) => for_each_text(group, take),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style =
        Style { size: 13.0, bold: false, color: 0xffffff, opacity: 1.0, spacing: 0.0 };

    #[test]
    fn the_bundled_font_draws_every_character_it_claims() {
        let type_ = Typesetter::for_texts(["plain"]);
        for bold in [false, true] {
            for character in (0x21..0x2600).filter_map(char::from_u32).filter(|&character| {
                is_bundled(character) && !matches!(character, '\u{a0}' | '\u{ad}')
            }) {
                let mut svg = String::from(
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\">",
                );
                run(&mut svg, &format!("{character}"), 0.0, 8.0, Style { bold, ..STYLE }, None);
                svg.push_str("</svg>");
                let tree = type_.parse(&svg).expect("a valid document");
                let drawn = tree.root().children().iter().any(|node| match node {
                    Node::Text(text) => text
                        .layouted()
                        .iter()
                        .flat_map(|span| &span.positioned_glyphs)
                        .all(|glyph| glyph.id.0 != 0),
                    _ => false,
                });
                assert!(drawn, "{character:?} {:x}", character as u32);
            }
        }
    }

    #[test]
    fn lines_keep_to_their_width() {
        let text = "A lone lighthouse on a basalt skerry, first light behind it, gulls turning over the black water.";
        let type_ = Typesetter::for_texts([text]);
        let lines = type_.wrap(text, STYLE, 180.0, 10).expect("measured");
        assert!(lines.len() > 2);
        assert_eq!(lines.join(" "), text);
        for line in &lines {
            assert!(type_.width(line, STYLE).expect("measured") <= 181.0, "{line}");
        }
    }

    #[test]
    fn what_does_not_fit_ends_in_an_ellipsis() {
        let text = "word ".repeat(1000);
        let type_ = Typesetter::for_texts([text.as_str()]);
        let lines = type_.wrap(&text, STYLE, 150.0, 3).expect("measured");
        assert_eq!(lines.len(), 3);
        assert!(lines[2].ends_with('…'), "{lines:?}");
        let lines = type_.wrap(&"x".repeat(300), STYLE, 150.0, 50).expect("measured");
        assert!(
            lines.len() > 5
                && lines.iter().all(|line| type_.width(line, STYLE).unwrap_or(999.0) <= 151.0),
            "{lines:?}"
        );
    }

    #[test]
    fn type_is_measured_by_what_it_takes() {
        let type_ = Typesetter::for_texts(["plain"]);
        let width = |text: &str| type_.width(text, STYLE).expect("measured");
        assert!((width("iiii") - 4.0 * width("i")).abs() < 0.5);
        assert!(width("WWWW") > 2.0 * width("iiii"));
        assert!(width(" ") > 2.0 && width(" ") < 6.0);
    }

    #[test]
    fn text_from_anywhere_is_made_safe() {
        assert_eq!(clean("a\u{1b}[31mred\u{7}\r\n\tb\u{202e}c\u{0}\u{feff}"), "a[31mred bc");
        assert_eq!(clean("  two   spaces "), "two spaces");
    }

    #[test]
    fn scripts_without_spaces_break_between_characters() {
        let text = "夜の灯台、波が岩に砕ける。カメラはゆっくりと前へ進む。";
        let type_ = Typesetter::for_texts([text]);
        let parts = type_.break_word(text, STYLE, 100.0).expect("measured");
        assert!(parts.len() > 10, "{parts:?}");
        assert_eq!(parts.iter().map(|(part, _)| part.as_str()).collect::<String>(), text);
        assert!(parts.iter().all(|(part, _)| !part.starts_with(['、', '。'])), "{parts:?}");
    }

    #[test]
    fn fonts_change_only_where_they_must() {
        assert_eq!(runs("Ada: こんにちは, ok"), ["Ada: ", "こんにちは", ", ok"]);
        assert_eq!(runs("plain words"), ["plain words"]);
    }
}
