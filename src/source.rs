//! Text with places: what a reader was given, where each line starts, and the problems found in it.
//!
//! Every reader keeps byte spans into the one [`Source`] it was given, so that a problem found much later
//! (an unknown model, a parameter out of range) is still shown under the words that caused it.

use std::fmt;
use std::io::Read as _;
use std::ops::Range;
use std::path::Path;

/// The largest file that is read as text, in bytes. A storyboard of 100 MB is a mistake, not a film.
pub const MAX_TEXT_BYTES: u64 = 16 * 1024 * 1024;

/// Reads a whole file of at most `most` bytes.
///
/// Only a regular file is opened: a pipe would be waited for, and a device may never end.
///
/// # Errors
/// Every way in which it cannot be read but that of its text.
pub fn read_bytes(path: &Path, most: u64) -> Result<Vec<u8>, SourceError> {
    read_bytes_of(path, path.display().to_string(), most)
}

/// As [`read_bytes`]; errors call the file `name`.
fn read_bytes_of(path: &Path, name: String, most: u64) -> Result<Vec<u8>, SourceError> {
    let problem = |error: std::io::Error| SourceError::Io { name: name.clone(), error };
    let metadata = std::fs::metadata(path).map_err(problem)?;
    if metadata.is_dir() {
        return Err(SourceError::Folder { name });
    }
    if !metadata.is_file() {
        return Err(SourceError::NotAFile { name });
    }
    if metadata.len() > most {
        return Err(SourceError::TooLarge { name, bytes: metadata.len(), most });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
    // A file may grow while it is read, and some of the system's own tell no length.
    let file = std::fs::File::open(path).map_err(problem)?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(problem)?;
    if bytes.len() as u64 > most {
        return Err(SourceError::TooLarge { name, bytes: bytes.len() as u64, most });
    }
    Ok(bytes)
}

/// True for a character that a terminal acts on instead of showing it, or that turns or hides the text around it.
/// Nothing from outside is printed with one of these in it.
///
/// The two joiners (U+200C, U+200D) are not among them: emoji and some scripts are written with them.
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A text file in memory with the positions of its lines, and the files that it includes.
///
/// All of them share one line of offsets, one file behind the other, so that a [`Span`] tells by itself which file it
/// lies in: whoever finds a problem need not know how many files the document has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    name: String,
    text: String,
    line_starts: Vec<usize>,
    /// Each with the offset at which its text begins, in that order.
    included: Vec<(usize, Source)>,
}

impl Source {
    /// Wraps `text`; `name` is the path as the user wrote it and is only shown.
    ///
    /// A byte order mark is kept (positions stay those of the file); readers skip it.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let line_starts =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name: name.into(), text, line_starts, included: Vec::new() }
    }

    /// Puts a file behind those that are there, and gives the place of its whole text.
    pub fn include(&mut self, file: Self) -> Span {
        // One byte between two files belongs to none, so that the end of one is not the start of the next.
        let end = match self.included.last() {
            Some((base, last)) => base + last.text.len(),
            None => self.text.len(),
        };
        let span = Span::new(end + 1, end + 1 + file.text.len());
        self.included.push((span.start, file));
        span
    }

    /// The file that an offset lies in, with the offset at which its text begins.
    fn at(&self, offset: usize) -> (&Self, usize) {
        let after = self.included.partition_point(|(base, _)| *base <= offset);
        match after.checked_sub(1).map(|at| &self.included[at]) {
            Some((base, file)) => (file, *base),
            None => (self, 0),
        }
    }

    /// The file that a place lies in, and the place there.
    pub fn file(&self, span: Span) -> (&Self, Span) {
        let (file, base) = self.at(span.start);
        (file, Span::new(span.start - base, span.end - base))
    }

    /// The main file and those that it includes, each with the edits that lie in it, at its own offsets. Of edits that
    /// overlap the first counts.
    pub fn edits<'e>(&self, edits: impl IntoIterator<Item = &'e Edit>) -> Vec<(&Self, Vec<Edit>)> {
        let mut all: Vec<&Edit> = edits.into_iter().collect();
        all.sort_by_key(|edit| (edit.span.start, edit.span.end));
        let mut files: Vec<(&Self, Vec<Edit>)> = Vec::new();
        let mut end = 0;
        for edit in all {
            if edit.span.start < end {
                continue;
            }
            end = edit.span.end;
            let (file, span) = self.file(edit.span);
            let edit = Edit { span, text: edit.text.clone() };
            match files.last_mut() {
                Some((last, edits)) if std::ptr::eq(*last, file) => edits.push(edit),
                _ => files.push((file, vec![edit])),
            }
        }
        files
    }

    /// This file's text with its edits made, which are in order. Every other byte stays.
    pub fn edited(&self, edits: &[Edit]) -> String {
        let mut out = String::with_capacity(self.text.len());
        let mut at = 0;
        for edit in edits {
            out.push_str(&self.text[at..edit.span.start]);
            out.push_str(&edit.text);
            at = edit.span.end;
        }
        out.push_str(&self.text[at..]);
        out
    }

    /// Reads a UTF-8 text file of at most [`MAX_TEXT_BYTES`].
    pub fn read(path: &Path) -> Result<Self, SourceError> {
        Self::read_as(path, path.display().to_string())
    }

    /// As [`Source::read`], for a file that is shown as `name`.
    pub fn read_as(path: &Path, name: String) -> Result<Self, SourceError> {
        let bytes = read_bytes_of(path, name.clone(), MAX_TEXT_BYTES)?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(name, text)),
            Err(error) => {
                let offset = error.utf8_error().valid_up_to();
                let line =
                    error.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count() + 1;
                Err(SourceError::NotUtf8 { name, offset, line })
            }
        }
    }

    /// The name to show, normally the path as the user wrote it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text, without that of included files.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of `span`; empty where the span does not lie on character boundaries of this text.
    pub fn slice(&self, span: Span) -> &str {
        let (file, span) = self.file(span);
        file.text.get(span.start..span.end).unwrap_or_default()
    }

    /// Line and column in the file that the offset lies in, both from 1, columns counted in characters.
    pub fn position(&self, offset: usize) -> Position {
        let (file, base) = self.at(offset);
        let mut offset = (offset - base).min(file.text.len());
        while !file.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = file.line_starts.partition_point(|start| *start <= offset) - 1;
        let column = file.text[file.line_starts[line]..offset].chars().count();
        Position { line: line + 1, column: column + 1 }
    }

    /// The line (from 1) of an offset in the file that it lies in, without the work of counting its column.
    pub fn line(&self, offset: usize) -> usize {
        let (file, base) = self.at(offset);
        file.line_starts.partition_point(|start| *start <= (offset - base).min(file.text.len()))
    }

    /// The byte offset at which a line (from 1) of this file starts; the end of the text for a line past the last.
    pub fn line_start(&self, line: usize) -> usize {
        self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len())
    }
}

/// A place for people: line and column from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// A half-open range of bytes in a [`Source`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The span from `start` up to and without `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end: end.max(start) }
    }

    /// The smallest span that holds both.
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// As a standard range.
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self::new(range.start, range.end)
    }
}

/// A value together with the place it was written at.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands in the source.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Joins a value and its place.
    pub fn new(value: T, span: impl Into<Span>) -> Self {
        Self { value, span: span.into() }
    }

    /// Changes the value and keeps the place.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned { value: change(self.value), span: self.span }
    }
}

/// How bad a problem is. Only errors stop a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing can be rendered until it is mended.
    Error,
    /// Probably not what the author meant.
    Warning,
}

/// One problem of a document: the message says what, the label says where, the hint says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// A stable name such as `duplicate-id`, for filters and tests.
    pub code: &'static str,
    /// What is wrong, in lower case without a full stop.
    pub message: String,
    /// Where; underlined when shown.
    pub span: Span,
    /// A few words under the underlined place; may be empty.
    pub label: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Other places that explain it (the first of two equal ids), each with a few words.
    pub related: Vec<(Span, String)>,
    /// Changes of the text that mend it, where there is only one way to do so.
    pub fix: Vec<Edit>,
}

/// A change of a document's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; empty for what is put in.
    pub span: Span,
    /// What stands there afterwards.
    pub text: String,
}

impl Diagnostic {
    /// A problem that stops the command.
    pub fn error(code: &'static str, message: impl Into<String>, span: impl Into<Span>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            span: span.into(),
            label: String::new(),
            hint: None,
            related: Vec::new(),
            fix: Vec::new(),
        }
    }

    /// A problem that is only reported.
    pub fn warning(code: &'static str, message: impl Into<String>, span: impl Into<Span>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message, span) }
    }

    /// Adds the words under the underlined place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds another place that explains the problem.
    #[must_use]
    pub fn related(mut self, span: impl Into<Span>, label: impl Into<String>) -> Self {
        self.related.push((span.into(), label.into()));
        self
    }

    /// Adds a change of the text that mends it, or a part of it.
    #[must_use]
    pub fn fix(mut self, span: Span, text: impl Into<String>) -> Self {
        self.fix.push(Edit { span, text: text.into() });
        self
    }

    /// True for an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Why a text file could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Missing, unreadable, ...
    #[error("cannot read `{name}`: {error}")]
    Io {
        /// The file.
        name: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// A folder stands where a file was expected.
    #[error("`{name}` is a folder, not a file")]
    Folder {
        /// The folder.
        name: String,
    },
    /// Neither a file nor a folder.
    #[error("`{name}` is a pipe or a device, not a file")]
    NotAFile {
        /// The pipe.
        name: String,
    },
    /// Larger than it may be.
    #[error("`{name}` has {bytes} bytes, more than the {most} that such a file may have")]
    TooLarge {
        /// The file.
        name: String,
        /// Its size.
        bytes: u64,
        /// The largest that is read.
        most: u64,
    },
    /// Some byte is not UTF-8.
    #[error("`{name}` is not UTF-8 text: line {line}, byte {offset}")]
    NotUtf8 {
        /// The file.
        name: String,
        /// The first byte that is not UTF-8, from 0.
        offset: usize,
        /// Its line, from 1.
        line: usize,
    },
}

impl SourceError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { error, .. } if error.kind() == std::io::ErrorKind::NotFound => {
                "check the path, or run `storyreel init` for a starter storyboard"
            }
            Self::Io { .. } => "check the permissions of the file",
            Self::Folder { .. } => "name the storyboard inside it, for example `SCENES.md`",
            Self::NotAFile { .. } => "write it to a file first",
            Self::TooLarge { .. } => "a film of that size is better split into several storyboards",
            Self::NotUtf8 { .. } => "save the file as UTF-8",
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let source = Source::new("a.md", "ab\nä€x\n");
        assert_eq!(source.position(0), Position { line: 1, column: 1 });
        assert_eq!(source.position(3), Position { line: 2, column: 1 });
        let x = source.text().find('x').unwrap_or_default();
        assert_eq!(source.position(x), Position { line: 2, column: 3 });
        assert_eq!(source.position(x - 1), Position { line: 2, column: 2 }, "inside a character");
        assert_eq!(source.position(10_000), Position { line: 3, column: 1 });
        assert_eq!(source.line_start(2), 3);
        for offset in 0..12 {
            assert_eq!(source.line(offset), source.position(offset).line, "{offset}");
        }
    }

    #[test]
    fn offsets_of_included_files_lie_in_them() {
        let mut source = Source::new("a.md", "ab\nc");
        let first = source.include(Source::new("b.yaml", "x\nyz"));
        let second = source.include(Source::new("c.yaml", ""));
        let place = |offset: usize| {
            let (file, span) = source.file(Span::new(offset, offset));
            (file.name().to_owned(), span.start, source.position(offset).to_string())
        };
        assert_eq!(place(4), ("a.md".to_owned(), 4, "2:2".to_owned()), "the end of the first file");
        assert_eq!(place(first.start + 3), ("b.yaml".to_owned(), 3, "2:2".to_owned()));
        assert_eq!(place(first.end), ("b.yaml".to_owned(), 4, "2:3".to_owned()));
        assert_eq!(place(second.start), ("c.yaml".to_owned(), 0, "1:1".to_owned()));
        assert_eq!((source.slice(first), source.line(first.end)), ("x\nyz", 2));
        assert_eq!(source.slice(Span::new(3, first.end)), "", "no text reaches over two files");
    }

    #[test]
    fn a_slice_off_a_boundary_is_empty() {
        let source = Source::new("a.md", "€");
        assert_eq!(source.slice(Span::new(0, 3)), "€");
        assert_eq!(source.slice(Span::new(1, 3)), "");
    }
}
