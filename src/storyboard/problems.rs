//! Collecting problems: all of them in one pass, each once, in document order.

use super::field;
use crate::source::{Diagnostic, Edit, Source, Span, Spanned};
use std::collections::HashMap;
use std::fmt::Write as _;

/// How many unknown labels get a search for a near miss. A hostile file has a million different ones.
const SUGGESTIONS: usize = 200;

/// How many places of one unknown label are named.
const PLACES: usize = 3;

/// How many problems are shown. Whoever has more mends these first; a hostile file has millions.
const SHOWN: usize = 1000;

/// Labels that are no fields but mean something in a scene, with the word to suggest for them.
const SCENE_WORDS: &[(&str, &str)] = &[
    ("id", "id"),
    ("title", "title"),
    ("steps", "steps"),
    ("extend", "extend"),
    ("restyle", "restyle"),
    ("upscale", "upscale"),
    ("lipsync", "lipsync"),
    ("defaults", "defaults"),
    ("characters", "characters"),
    ("include", "include"),
    ("scenes", "scenes"),
];

/// What is said of a character.
const CHARACTER_WORDS: &[&str] =
    &["look", "description", "image", "images", "reference", "sheet", "voice", "notes"];

/// The problems found so far.
pub(crate) struct Problems<'a> {
    source: &'a Source,
    found: Vec<Diagnostic>,
    unknown: HashMap<String, Unknown>,
    searches: usize,
    /// Frames a second of the film, where front matter names it: timecodes with frames need it.
    pub frame_rate: Option<f64>,
}

struct Unknown {
    index: usize,
    count: usize,
    /// The name that was meant, most likely.
    suggestion: Option<&'static str>,
    /// The label is a slip of the pen, and what is meant is no guess.
    slip: bool,
}

impl<'a> Problems<'a> {
    /// No problems yet.
    pub fn new(source: &'a Source) -> Self {
        Self { source, found: Vec::new(), unknown: HashMap::new(), searches: 0, frame_rate: None }
    }

    /// The document.
    pub fn source(&self) -> &'a Source {
        self.source
    }

    /// True when something was found.
    pub fn any(&self) -> bool {
        !self.found.is_empty()
    }

    /// Adds a problem.
    pub fn push(&mut self, problem: Diagnostic) {
        self.found.push(problem);
    }

    /// Reports a label nobody knows. Each label is reported once, with the other lines it stands on, so that a
    /// column of somebody else's template does not drown everything else.
    pub fn unknown_label(&mut self, label: &Spanned<String>) {
        // A key that is no word was told already.
        if label.value.trim().is_empty() {
            return;
        }
        let key = field::normalise_label(&label.value);
        let message = format!("no field is called {}", quoted(&label.value));
        self.unknown(key, label.span, message, Self::suggest);
    }

    /// Reports a label that no character has, in the same way.
    pub fn unknown_of_character(&mut self, label: &Spanned<String>) {
        let key = format!("character {}", field::normalise_label(&label.value));
        let message = format!("a character has no {}", quoted(&label.value));
        self.unknown(key, label.span, message, |_, key| {
            let key = key.trim_start_matches("character ");
            let near = nearest(key, CHARACTER_WORDS.iter().copied())?;
            Some((near, is_slip(key, near)))
        });
    }

    fn unknown(
        &mut self,
        key: String,
        span: Span,
        message: String,
        suggest: fn(&mut Self, &str) -> Option<(&'static str, bool)>,
    ) {
        if let Some(known) = self.unknown.get_mut(&key) {
            known.count += 1;
            let problem = &mut self.found[known.index];
            if known.count <= PLACES + 1 {
                problem.related.push((span, "here too".to_owned()));
            }
            if let (Some(name), true) = (known.suggestion, known.slip) {
                let text = written_as(self.source.slice(span), name);
                problem.fix.push(Edit { span, text });
            }
            return;
        }
        let near = suggest(self, &key);
        let slip = near.is_some_and(|(_, slip)| slip);
        let suggestion = near.map(|(name, _)| name);
        let mut problem = Diagnostic::warning("unknown-field", message, span).label("not used");
        if let (Some(name), true) = (suggestion, slip) {
            problem = problem.fix(span, written_as(self.source.slice(span), name));
        }
        problem.hint = Some(suggestion.map_or_else(
            || "write it as `notes` if it is for people; `storyreel schema storyboard` lists the fields".to_owned(),
            |name| format!("did you mean `{name}`?"),
        ));
        self.unknown.insert(key, Unknown { index: self.found.len(), count: 1, suggestion, slip });
        self.found.push(problem);
    }

    /// The field's name nearest to a normalised label, when it is near, and whether the label is a slip of the pen.
    fn suggest(&mut self, key: &str) -> Option<(&'static str, bool)> {
        let length = key.chars().count();
        if !(3..=30).contains(&length) || self.searches >= SUGGESTIONS {
            return None;
        }
        self.searches += 1;
        let limit = if length <= 4 { 1 } else { 2 };
        field::labels()
            .map(|(label, field)| (label, field.name()))
            .chain(SCENE_WORDS.iter().copied())
            .filter(|(label, _)| label.chars().count() >= 3)
            .map(|(label, name)| (strsim::osa_distance(key, label), label, name))
            .filter(|(distance, ..)| *distance <= limit)
            .min()
            .map(|(_, label, name)| (name, is_slip(key, label)))
    }

    /// All problems in document order, as many as are shown.
    pub fn finish(self) -> Vec<Diagnostic> {
        in_order(self.found())
    }

    /// All problems, in any order.
    pub fn found(mut self) -> Vec<Diagnostic> {
        for unknown in self.unknown.values() {
            if unknown.count > PLACES + 1 {
                let problem = &mut self.found[unknown.index];
                let _ = write!(problem.message, ", in {} places", unknown.count);
            }
        }
        self.found
    }
}

/// True where a word is another one with a slip of the pen, and no word of its own: `assets` is not `asset`, and `mode` is
/// not `model`.
fn is_slip(word: &str, meant: &str) -> bool {
    word.chars().count() >= 5
        && strsim::osa_distance(word, meant) == 1
        && !word.starts_with(meant)
        && !meant.starts_with(word)
}

/// A field's name in the manner of a label: `Aspect ratio` beside `Apsect Ratio`, else as it is.
fn written_as(label: &str, name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    match (label.chars().next().is_some_and(char::is_uppercase), letters.next()) {
        (true, Some(first)) => first.to_uppercase().chain(letters).collect(),
        _ => name.to_owned(),
    }
}

/// Problems in document order, as many as are shown.
pub(crate) fn in_order(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    found.sort_by_key(|problem| (problem.span.start, problem.span.end));
    if found.len() > SHOWN {
        let rest = found.split_off(SHOWN);
        let errors = rest.iter().filter(|problem| problem.is_error()).count();
        let message = format!("{} more problems, {errors} of them errors", rest.len());
        let span = rest[0].span;
        let last = if errors > 0 {
            Diagnostic::error("too-many-problems", message, span)
        } else {
            Diagnostic::warning("too-many-problems", message, span)
        };
        found.push(last.label("the next one").hint("mend those above first"));
    }
    found
}

/// The nearest of a few allowed words, when it is near.
pub(crate) fn nearest<'w>(
    word: &str,
    allowed: impl IntoIterator<Item = &'w str>,
) -> Option<&'w str> {
    let word: String = word.chars().take(40).flat_map(char::to_lowercase).collect();
    allowed
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.chars().count() / 5)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Text of the document as it may be shown: in backticks, one line, at most 60 characters, with everything a
/// terminal could act on written out.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown = String::from("`");
    for (index, c) in text.trim().chars().enumerate() {
        if index == 60 {
            shown.push('…');
            break;
        }
        match c {
            '\n' | '\r' | '\t' => shown.push(' '),
            c if is_control(c) => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
            '`' => shown.push('\''),
            c => shown.push(c),
        }
    }
    shown.push('`');
    shown
}

/// Characters that a terminal or an editor acts on instead of showing them.
pub(crate) fn is_control(c: char) -> bool {
    crate::source::steers(c) || matches!(c, '\u{200c}' | '\u{200d}')
}

/// The place to underline for a problem that concerns a whole document: its first line that says something.
pub(crate) fn first_line(source: &Source) -> Span {
    first_line_in(source, Span::new(0, source.text().len()))
}

/// The first line of a part of the document that says something.
pub(crate) fn first_line_in(source: &Source, part: Span) -> Span {
    let text = source.slice(part);
    let start =
        text.len() - text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').len();
    let end = text[start..].find(['\n', '\r']).map_or(text.len(), |length| start + length);
    Span::new(part.start + start, part.start + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_text_cannot_move_the_cursor() {
        assert_eq!(quoted("a\u{1b}[2Jb\nc\u{202e}"), "`a\\u{1b}[2Jb c\\u{202e}`");
        assert_eq!(quoted(&"x".repeat(100)).chars().count(), 63);
    }

    #[test]
    fn a_label_is_reported_once_with_its_places() {
        let source = Source::new("a.md", "");
        let mut problems = Problems::new(&source);
        for start in 0..10 {
            problems.unknown_label(&Spanned::new("Camra".to_owned(), start..start + 1));
        }
        let found = problems.finish();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].message, "no field is called `Camra`, in 10 places");
        assert_eq!(found[0].hint.as_deref(), Some("did you mean `camera`?"));
        assert_eq!(found[0].related.len(), PLACES);
    }
}
