//! What stands under a heading: labelled values, prose, YAML blocks and tables.

use super::super::draft::{self, Meaning};
use super::super::field::Field;
use super::super::node::{Node, NodeKind, Style};
use super::lines::{Line, LineKind};
use super::table::{self, MOST_COLUMNS, Table};
use crate::source::{Span, Spanned};

/// One thing under a heading.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    /// A label with its value.
    Field(Labelled),
    /// A paragraph, a list item, a quote or a fence without a label.
    Prose(Node),
    /// A fence marked `yaml`: where its text stands.
    Yaml(Span),
    /// A table.
    Table(Table),
}

/// A label with its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Labelled {
    /// The label as written, without marks.
    pub label: Spanned<String>,
    /// What it means.
    pub meaning: Meaning,
    /// Its value.
    pub value: Node,
    /// The label stood in bold.
    pub bold: bool,
    /// Other fields followed inside it, so that without a value it is only a heading for them.
    pub group: bool,
}

/// Whose body is read: what counts as a label depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Within {
    /// A scene, a step or a preamble: every bullet with a label is a field.
    Fields,
    /// A sub-heading that is a label itself: only known labels are fields, the rest is its value.
    Value,
    /// A sub-heading whose lines carry names of their own (speakers, parameters): nothing is a field.
    Lines,
}

/// Reads the lines under a heading.
pub(crate) fn read(text: &str, lines: &[Line], within: Within) -> Vec<Item> {
    let mut reader =
        Reader { text, within, items: Vec::new(), open: None, prose: None, blank: true };
    let mut index = 0;
    while index < lines.len() {
        let line = lines[index];
        index += 1;
        match line.kind {
            LineKind::Blank => reader.blank(),
            LineKind::Rule => {
                reader.close();
                reader.blank = true;
            }
            LineKind::Text => {
                if let Some((table, length)) = table::read(text, &lines[index - 1..], MOST_COLUMNS)
                {
                    reader.close();
                    reader.items.push(Item::Table(table));
                    index += length - 1;
                    reader.blank = true;
                } else {
                    reader.line(line.span);
                }
            }
            LineKind::FenceOpen { info, indent } => {
                let from = index;
                while index < lines.len() && lines[index].kind == LineKind::FenceBody {
                    index += 1;
                }
                let body = &lines[from..index];
                if index < lines.len() && lines[index].kind == LineKind::FenceClose {
                    index += 1;
                }
                reader.fence(line.span, info, indent, body);
            }
            // Headings are the sections' business; stray ends of fences cannot happen.
            LineKind::Heading { .. } | LineKind::FenceBody | LineKind::FenceClose => {}
        }
    }
    reader.close();
    reader.items
}

/// A piece of a value: a paragraph, a list item or a fence.
struct Piece {
    text: String,
    span: Span,
    shape: Shape,
    /// The text is what stands at the span, byte for byte.
    exact: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Words,
    Item,
    Fence,
}

/// A field whose value is still being read.
struct Open {
    label: Spanned<String>,
    meaning: Meaning,
    bold: bool,
    bullet: bool,
    group: bool,
    indent: usize,
    pieces: Vec<Piece>,
    /// A blank line came after the last piece.
    blank: bool,
}

struct Reader<'t> {
    text: &'t str,
    within: Within,
    items: Vec<Item>,
    open: Option<Open>,
    prose: Option<Piece>,
    blank: bool,
}

/// A line taken apart: how far it is indented, its bullet, its words.
struct Parts {
    indent: usize,
    bullet: bool,
    numbered: bool,
    quote: bool,
    words: Span,
}

impl Reader<'_> {
    fn blank(&mut self) {
        self.end_prose();
        self.blank = true;
        if let Some(open) = &mut self.open {
            open.blank = true;
        }
    }

    fn close(&mut self) {
        self.end_prose();
        if let Some(open) = self.open.take() {
            let value = joined(open.pieces, open.label.span);
            self.items.push(Item::Field(Labelled {
                label: open.label,
                meaning: open.meaning,
                value,
                bold: open.bold,
                group: open.group,
            }));
        }
    }

    fn end_prose(&mut self) {
        if let Some(piece) = self.prose.take() {
            self.items.push(Item::Prose(joined(vec![piece], Span::default())));
        }
    }

    fn line(&mut self, span: Span) {
        let parts = self.parts(span);
        let after_blank = std::mem::replace(&mut self.blank, false);
        if parts.words.start == parts.words.end {
            return;
        }
        if let Some(field) = self.field(&parts) {
            self.start(field, &parts);
            return;
        }
        let Some(open) = &mut self.open else {
            self.prose_line(&parts, after_blank);
            return;
        };
        let inside = parts.indent > open.indent || (parts.quote && open.pieces.is_empty());
        let listed = parts.bullet || parts.numbered;
        if listed {
            // A list under an empty label is its value, even where it is not indented: `**Dialogue:**` and bullets below.
            let own_list = !open.bullet
                && (open.pieces.is_empty()
                    || open.pieces.iter().all(|piece| piece.shape == Shape::Item));
            if inside || own_list {
                open.push(self.text, parts.words, Shape::Item);
                return;
            }
        } else if inside || !after_blank {
            match open.pieces.last_mut() {
                Some(piece) if !open.blank && piece.shape != Shape::Fence => {
                    piece.extend(self.text, parts.words)
                }
                _ => open.push(self.text, parts.words, Shape::Words),
            }
            return;
        } else if open.pieces.is_empty() && !open.bullet {
            // A bold label alone on its line, a blank line, a paragraph.
            open.push(self.text, parts.words, Shape::Words);
            return;
        }
        self.close();
        self.prose_line(&parts, after_blank);
    }

    fn prose_line(&mut self, parts: &Parts, after_blank: bool) {
        let listed = parts.bullet || parts.numbered;
        if after_blank || listed {
            self.end_prose();
        }
        match &mut self.prose {
            Some(piece) => piece.extend(self.text, parts.words),
            None => self.prose = Some(Piece::new(self.text, parts.words, Shape::Words)),
        }
    }

    fn fence(&mut self, opening: Span, info: Span, indent: usize, body: &[Line]) {
        let after_blank = std::mem::replace(&mut self.blank, false);
        let span = match (body.first(), body.last()) {
            (Some(first), Some(last)) => Span::new(first.span.start, last.span.end),
            _ => Span::new(opening.end, opening.end),
        };
        let mut literal = String::new();
        for line in body {
            let words = &self.text[line.span.range()];
            let spaces =
                words.bytes().take(indent).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            literal.push_str(&words[spaces..]);
            literal.push('\n');
        }
        let piece = Piece { text: literal, span, shape: Shape::Fence, exact: false };
        if let Some(open) = &mut self.open
            && (open.pieces.is_empty() || indent > open.indent || !after_blank)
        {
            open.pieces.push(piece);
            open.blank = false;
            return;
        }
        self.close();
        let info =
            self.text[info.range()].split_whitespace().next().unwrap_or_default().to_lowercase();
        match info.trim_matches(['{', '}', '.']) {
            "yaml" | "yml" | "json" => self.items.push(Item::Yaml(span)),
            "" | "text" | "txt" | "prompt" | "plain" | "plaintext" | "md" | "markdown" => {
                self.items.push(Item::Prose(joined(vec![piece], span)));
            }
            _ => {}
        }
    }

    fn parts(&self, span: Span) -> Parts {
        let line = &self.text[span.range()];
        let mut at = 0;
        let mut indent = 0;
        let mut quote = false;
        let bytes = line.as_bytes();
        while let Some(byte) = bytes.get(at) {
            match byte {
                b' ' => indent += 1,
                b'\t' => indent += 4,
                b'>' => {
                    quote = true;
                    indent = 0;
                    if bytes.get(at + 1) == Some(&b' ') {
                        at += 1;
                    }
                }
                _ => break,
            }
            at += 1;
        }
        let (mut bullet, mut numbered) = (false, false);
        let rest = &line[at..];
        let mark = rest.chars().next().unwrap_or(' ');
        if matches!(mark, '-' | '*' | '+' | '•' | '‣' | '▪' | '–')
            && rest[mark.len_utf8()..].starts_with([' ', '\t'])
        {
            bullet = true;
            at += mark.len_utf8();
        } else {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if (1..=3).contains(&digits)
                && rest[digits..].starts_with(['.', ')'])
                && rest[digits + 1..].starts_with([' ', '\t'])
            {
                numbered = true;
                at += digits + 1;
            }
        }
        if bullet || numbered {
            let rest = line[at..].trim_start();
            at = line.len() - rest.len();
            for task in ["[ ] ", "[x] ", "[X] "] {
                if rest.starts_with(task) {
                    at += task.len();
                }
            }
        }
        let words = trimmed(self.text, Span::new(span.start + at, span.end));
        Parts { indent, bullet, numbered, quote, words }
    }

    /// The field that starts on this line.
    fn field(&self, parts: &Parts) -> Option<Start> {
        if self.within == Within::Lines {
            return None;
        }
        let start = Start::of(self.text, parts.words)?;
        let known = start.meaning.is_known();
        let names = self.open.as_ref().is_some_and(|open| {
            // Speakers, parameters and people are no fields, however they are called.
            open.pieces.iter().all(|piece| piece.shape == Shape::Item)
                && (parts.indent > open.indent || (!open.bullet && !start.bold))
                && (parts.bullet || parts.numbered)
                && (matches!(
                    open.meaning.field(),
                    Some(Field::Dialogue | Field::Params | Field::Characters)
                ) || open.meaning == Meaning::Steps)
        });
        if names {
            return None;
        }
        if known {
            // `No: he stays.` is speech, `- No: 4` a number.
            let speech = start.meaning == Meaning::Id && !start.marked && !parts.bullet;
            return ((start.marked || start.colon) && !speech).then_some(start);
        }
        let nested = self.open.as_ref().is_some_and(|open| {
            open.meaning.field().is_some()
                && (parts.indent > open.indent
                    || (!open.bullet && open.pieces.is_empty() && !start.bold))
        });
        let counts = self.within == Within::Fields
            && !nested
            && start.colon
            && (start.bold || (parts.bullet && start.short))
            && start.label.value.chars().any(char::is_alphabetic);
        counts.then_some(start)
    }

    fn start(&mut self, start: Start, parts: &Parts) {
        if let Some(open) = &mut self.open
            && parts.indent > open.indent
            && open.pieces.is_empty()
        {
            open.group = true;
        }
        self.close();
        let mut next = Some(start);
        while let Some(mut start) = next.take() {
            next = start.split(self.text);
            let mut open = Open {
                meaning: start.meaning,
                label: start.label,
                bold: start.bold,
                bullet: parts.bullet || parts.numbered,
                group: false,
                indent: parts.indent,
                pieces: Vec::new(),
                blank: false,
            };
            if start.value.start < start.value.end {
                open.push(self.text, start.value, Shape::Words);
            }
            self.open = Some(open);
            if next.is_some() {
                self.close();
            }
        }
    }
}

impl Open {
    fn push(&mut self, text: &str, span: Span, shape: Shape) {
        self.pieces.push(Piece::new(text, span, shape));
        self.blank = false;
    }
}

impl Piece {
    fn new(text: &str, span: Span, shape: Shape) -> Self {
        Self { text: text[span.range()].to_owned(), span, shape, exact: true }
    }

    /// A soft line break: one space.
    fn extend(&mut self, text: &str, span: Span) {
        self.text.push(' ');
        self.text.push_str(&text[span.range()]);
        self.span = self.span.to(span);
        self.exact = false;
    }
}

/// The label at the start of some words.
struct Start {
    label: Spanned<String>,
    meaning: Meaning,
    value: Span,
    /// In bold.
    bold: bool,
    /// In any marks: bold, emphasis, code.
    marked: bool,
    /// A colon follows it, or a dash after a bold label.
    colon: bool,
    /// Few enough words for a label.
    short: bool,
}

/// Labels longer than this are sentences.
const MAX_LABEL: usize = 60;

impl Start {
    fn of(text: &str, words: Span) -> Option<Self> {
        let line = &text[words.range()];
        // Emoji before the label.
        let skipped = line.find(|c: char| {
            c.is_alphanumeric()
                || matches!(
                    c,
                    '*' | '_'
                        | '`'
                        | '"'
                        | '\''
                        | '“'
                        | '['
                        | '('
                        | '（'
                        | '<'
                        | '!'
                        | '|'
                        | '#'
                        | '/'
                        | '\\'
                        | '「'
                )
        })?;
        let line = &line[skipped..];
        let base = words.start + skipped;
        let end = words.end;
        let mark = ["**", "__", "*", "_", "`"].into_iter().find(|mark| line.starts_with(mark));
        let make = |label: &str,
                    at: usize,
                    value_at: usize,
                    bold: bool,
                    marked: bool,
                    colon: bool| {
            let is_mark = |c: char| c.is_whitespace() || matches!(c, '*' | '_' | '`' | ':' | '：');
            let label_words = label.trim_matches(is_mark);
            let label_at = at + (label.len() - label.trim_start_matches(is_mark).len());
            Some(Self {
                meaning: Meaning::of(label_words),
                label: Spanned::new(label_words.to_owned(), label_at..label_at + label_words.len()),
                value: trimmed(text, Span::new(value_at, end)),
                bold,
                marked,
                colon,
                short: label_words.chars().count() <= 40
                    && label_words.split_whitespace().count() <= 4,
            })
            .filter(|start| !start.label.value.is_empty())
        };
        if let Some(mark) = mark {
            let inner_at = mark.len();
            let close = find_mark(&line[inner_at..], mark).map(|offset| inner_at + offset)?;
            let inner = &line[inner_at..close];
            let after_at = close + mark.len();
            let after = &line[after_at..];
            let bold = mark.len() == 2;
            if let Some(colon) = inner.find([':', '：'])
                && colon + 1 < inner.trim_end().len()
                && inner[colon..].trim_start_matches([':', '：']).trim() != ""
            {
                // `**Camera: slow dolly**` holds label and value.
                let label = &inner[..colon];
                if label.len() > MAX_LABEL
                    || !draft::is_scene_label(label)
                    || !after.trim().is_empty()
                {
                    return None;
                }
                let value_at =
                    inner_at + colon + inner[colon..].chars().next().map_or(1, char::len_utf8);
                let mut start = make(label, base + inner_at, base + value_at, bold, true, true)?;
                start.value = trimmed(text, Span::new(base + value_at, base + close));
                return Some(start);
            }
            if inner.len() > MAX_LABEL {
                return None;
            }
            if inner.trim_end().ends_with([':', '：']) {
                let extra = colon_length(after).unwrap_or(0);
                return make(inner, base + inner_at, base + after_at + extra, bold, true, true);
            }
            if let Some(length) = colon_length(after) {
                return make(inner, base + inner_at, base + after_at + length, bold, true, true);
            }
            let dash = after.trim_start();
            if let Some(dash_mark) =
                ['—', '–', '-'].into_iter().find(|mark| dash.starts_with(*mark))
                && draft::is_scene_label(inner)
            {
                let length = after.len() - dash.len() + dash_mark.len_utf8();
                return make(inner, base + inner_at, base + after_at + length, bold, true, true);
            }
            if after.trim().is_empty() && draft::is_scene_label(inner) && bold {
                return make(inner, base + inner_at, end, bold, true, false);
            }
            return None;
        }
        let colon = line
            .char_indices()
            .take(MAX_LABEL)
            .find(|(_, c)| matches!(c, ':' | '：'))
            .map(|(at, _)| at)?;
        let label = &line[..colon];
        let width = line[colon..].chars().next().map_or(1, char::len_utf8);
        let after = &line[colon + width..];
        // `https://` and `16:9` are no labels; a wide colon needs no space.
        let spaced = after.is_empty()
            || after.starts_with([' ', '\t'])
            || width > 1
            || draft::is_scene_label(label);
        if label.trim().is_empty() || after.starts_with("//") || !spaced {
            return None;
        }
        make(label, base, base + colon + width, false, false, true)
    }

    /// Cuts a second field off the value: `**Duration:** 5s | **Shot:** wide`.
    fn split(&mut self, text: &str) -> Option<Self> {
        if !self.marked {
            return None;
        }
        let value = &text[self.value.range()];
        if !value.contains('*') {
            return None;
        }
        let mut from = 0;
        while let Some(offset) = value[from..].find("**") {
            let at = from + offset;
            let before = value[..at].trim_end();
            if before.ends_with(['|', '·', '•', ';', ',', '/', '—', '–'])
                && let Some(start) =
                    Self::of(text, Span::new(self.value.start + at, self.value.end))
                && start.colon
                && start.meaning.is_known()
            {
                let kept = before.trim_end_matches(['|', '·', '•', ';', ',', '/', '—', '–', ' ']);
                self.value = Span::new(self.value.start, self.value.start + kept.len());
                return Some(start);
            }
            from = at + 2;
            // Bold words in a value are few; a hostile line of stars is not searched to its end.
            if from > 4096 {
                return None;
            }
        }
        None
    }
}

/// Where a mark of one or two equal bytes stands: a search for a byte is several times faster than one for a text.
fn find_mark(text: &str, mark: &str) -> Option<usize> {
    let first = *mark.as_bytes().first()?;
    let mut from = 0;
    while let Some(offset) = text.as_bytes()[from..].iter().position(|byte| *byte == first) {
        let at = from + offset;
        if text[at..].starts_with(mark) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// The length of a colon and the spaces before it.
fn colon_length(text: &str) -> Option<usize> {
    let rest = text.trim_start();
    let colon = rest.chars().next().filter(|c| matches!(c, ':' | '：'))?;
    Some(text.len() - rest.len() + colon.len_utf8())
}

pub(super) fn trimmed(text: &str, span: Span) -> Span {
    let words = &text[span.range()];
    let start = span.start + (words.len() - words.trim_start().len());
    Span::new(start, start + words.trim().len())
}

/// The value that pieces make together; `place` stands in where there are none.
fn joined(pieces: Vec<Piece>, place: Span) -> Node {
    let span = pieces.iter().map(|piece| piece.span).reduce(Span::to).unwrap_or(place);
    if pieces.is_empty() {
        return Node::null(Span::new(place.end, place.end));
    }
    if pieces.iter().all(|piece| piece.shape == Shape::Item) {
        let items = pieces
            .into_iter()
            .map(|piece| Node::scalar(piece.text, Style::Markdown, piece.span))
            .collect();
        return Node { kind: NodeKind::List(items), span };
    }
    let literal = pieces.iter().any(|piece| piece.shape == Shape::Fence);
    let style = if literal { Style::Literal } else { Style::Markdown };
    let mut text = String::new();
    for piece in pieces {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        if literal && piece.shape != Shape::Fence {
            text.push_str(&piece.text.split_whitespace().collect::<Vec<_>>().join(" "));
        } else {
            text.push_str(&piece.text);
        }
    }
    Node::scalar(text, style, span)
}
