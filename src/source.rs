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
    let name = path.display().to_string();
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

/// A text file in memory with the positions of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    name: String,
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// Wraps `text`; `name` is the path as the user wrote it and is only shown.
    ///
    /// A byte order mark is kept (positions stay those of the file); readers skip it.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let line_starts =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name: name.into(), text, line_starts }
    }

    /// Reads a UTF-8 text file of at most [`MAX_TEXT_BYTES`].
    pub fn read(path: &Path) -> Result<Self, SourceError> {
        let bytes = read_bytes(path, MAX_TEXT_BYTES)?;
        let name = path.display().to_string();
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

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of `span`; empty where the span does not lie on character boundaries of this text.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// Line and column, both from 1, columns counted in characters.
    pub fn position(&self, offset: usize) -> Position {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.line_starts.partition_point(|start| *start <= offset) - 1;
        let column = self.text[self.line_starts[line]..offset].chars().count();
        Position { line: line + 1, column: column + 1 }
    }

    /// The line (from 1) of an offset, without the work of counting its column.
    pub fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset.min(self.text.len()))
    }

    /// The byte offset at which a line (from 1) starts; the end of the text for a line past the last.
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
    fn a_slice_off_a_boundary_is_empty() {
        let source = Source::new("a.md", "€");
        assert_eq!(source.slice(Span::new(0, 3)), "€");
        assert_eq!(source.slice(Span::new(1, 3)), "");
    }
}
