//! Markdown as lines: which are headings, fences and rules, with comments taken out and every byte where it was.

use super::super::problems::Problems;
use super::heading;
use crate::source::{Diagnostic, Span};

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineKind {
    /// Nothing on it.
    Blank,
    /// Words, a bullet, a quote, a table row.
    Text,
    /// `## ...` with its level and its words.
    Heading {
        /// 1 to 6.
        level: u8,
        /// The words without the marks.
        text: Span,
    },
    /// The first line of a fence.
    FenceOpen {
        /// What follows the marks: `yaml`, `text`.
        info: Span,
        /// Columns before the marks, taken off the lines inside.
        indent: usize,
    },
    /// A line inside a fence.
    FenceBody,
    /// The last line of a fence.
    FenceClose,
    /// `---`, `***` or `___`.
    Rule,
}

/// One line without its line break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its bytes.
    pub span: Span,
    /// What it is.
    pub kind: LineKind,
}

/// A document split into lines.
pub(crate) struct Lines {
    /// The document with comments blanked; every other byte is where it was.
    pub text: String,
    /// The lines that are left: one that held nothing but a comment is gone, as if it had never been there.
    pub lines: Vec<Line>,
}

struct Fence {
    mark: u8,
    length: usize,
    start: Span,
}

/// Splits the source from byte `from` on.
pub(crate) fn split(from: usize, problems: &mut Problems<'_>) -> Lines {
    let source = problems.source().text();
    let mut masked = source.as_bytes().to_vec();
    let mut lines: Vec<Line> = Vec::new();
    let mut fence: Option<Fence> = None;
    let mut comment: Option<usize> = None;
    let any_comment = source.contains("<!--");
    let mut start = from;
    while start < source.len() {
        let newline = source[start..].find('\n').map_or(source.len(), |at| start + at);
        let mut end = newline;
        if end > start && source.as_bytes()[end - 1] == b'\r' {
            end -= 1;
        }
        let next = newline + 1;
        let mut had_comment = comment.is_some();
        if fence.is_none() && any_comment {
            had_comment |= mask_comments(source, start, end, &mut comment, &mut masked);
        }
        let line = std::str::from_utf8(&masked[start..end]).unwrap_or_default();
        let kind = match &fence {
            Some(open) if closes(line, open) => {
                fence = None;
                LineKind::FenceClose
            }
            Some(_) => LineKind::FenceBody,
            None => {
                let kind = classify(line, start);
                if let LineKind::FenceOpen { .. } = kind {
                    let marks = line.trim_start();
                    let mark = marks.as_bytes().first().copied().unwrap_or(b'`');
                    fence = Some(Fence {
                        mark,
                        length: marks.bytes().take_while(|byte| *byte == mark).count(),
                        start: Span::new(start, end),
                    });
                }
                kind
            }
        };
        if !(had_comment && kind == LineKind::Blank) {
            // Below a field or a bullet, a line of `-` is meant as a rule; the line of `=` is beyond doubt.
            let setext = match kind {
                LineKind::Text if is_run_of(line, '=') => underlined(&lines, 1),
                LineKind::Rule if is_run_of(line, '-') => underlined(&lines, 2).filter(|above| {
                    let heading = heading::read(&source[above.span.range()], above.span, None);
                    heading.keyword && heading.numbered
                }),
                _ => None,
            };
            match setext {
                Some(heading) => {
                    lines.pop();
                    lines.push(heading);
                }
                None => lines.push(Line { span: Span::new(start, end), kind }),
            }
        }
        start = next;
    }
    if let Some(fence) = fence {
        problems.push(
            Diagnostic::warning("unclosed-fence", "this code fence is never closed", fence.start)
                .label("everything below is inside it")
                .hint("close it with a line of the same marks"),
        );
    }
    if let Some(at) = comment {
        problems.push(
            Diagnostic::warning("unclosed-comment", "this comment is never closed", at..at + 4)
                .label("everything below is inside it")
                .hint("close it with `-->`"),
        );
    }
    // Comments start and end on ASCII, so what is left is still UTF-8.
    let text = String::from_utf8(masked).unwrap_or_else(|_| source.to_owned());
    Lines { text, lines }
}

/// Blanks the parts of a line that lie in comments; true when there was any.
fn mask_comments(
    source: &str,
    start: usize,
    end: usize,
    comment: &mut Option<usize>,
    masked: &mut [u8],
) -> bool {
    let mut at = start;
    let mut any = false;
    let mut ticks = 0;
    let last_tick = source[start..end].rfind('`').map(|offset| start + offset);
    loop {
        if comment.is_some() {
            any = true;
            let close = source[at..end].find("-->").map(|offset| at + offset + 3);
            masked[at..close.unwrap_or(end)].fill(b' ');
            match close {
                Some(close) => {
                    *comment = None;
                    at = close;
                }
                None => return true,
            }
        }
        let Some(open) = source[at..end].find("<!--").map(|offset| at + offset) else {
            return any;
        };
        ticks += source.as_bytes()[at..open].iter().filter(|byte| **byte == b'`').count();
        at = open + 4;
        // Between two code marks it is text about comments.
        if ticks % 2 == 0 || last_tick.is_none_or(|last| last < open) {
            *comment = Some(open);
            masked[open..at].fill(b' ');
        }
    }
}

fn closes(line: &str, fence: &Fence) -> bool {
    let line = line.trim();
    line.len() >= fence.length && line.bytes().all(|byte| byte == fence.mark)
}

fn is_run_of(line: &str, mark: char) -> bool {
    let line = line.trim();
    line.len() >= 3 && line.chars().all(|c| c == mark)
}

/// The heading that a line of `=` or `-` makes of a single line of words above it.
fn underlined(lines: &[Line], level: u8) -> Option<Line> {
    let above = lines.last().filter(|above| above.kind == LineKind::Text)?;
    let alone = lines.len() < 2 || lines[lines.len() - 2].kind != LineKind::Text;
    let kind = LineKind::Heading { level, text: above.span };
    alone.then_some(Line { span: above.span, kind })
}

fn classify(line: &str, start: usize) -> LineKind {
    let trimmed = line.trim_start();
    if trimmed.trim_end().is_empty() {
        return LineKind::Blank;
    }
    let indent = line.len() - trimmed.len();
    let first = trimmed.as_bytes()[0];
    if first == b'#' && indent <= 3 {
        let level = trimmed.bytes().take_while(|byte| *byte == b'#').count();
        let rest = &trimmed[level..];
        if level <= 6 && (rest.is_empty() || rest.starts_with([' ', '\t', '\u{3000}'])) {
            let words = rest.trim();
            // A closing run of marks is decoration: `## Scene 1 ##`.
            let closed = words.trim_end_matches('#');
            let words =
                if closed.len() < words.len() && (closed.is_empty() || closed.ends_with(' ')) {
                    closed.trim_end()
                } else {
                    words
                };
            let at = start + indent + level + (rest.len() - rest.trim_start().len());
            let level = u8::try_from(level).unwrap_or(6);
            return LineKind::Heading { level, text: Span::new(at, at + words.len()) };
        }
    }
    if first == b'`' || first == b'~' {
        let length = trimmed.bytes().take_while(|byte| *byte == first).count();
        let info = &trimmed[length..];
        if length >= 3 && !(first == b'`' && info.contains('`')) {
            let words = info.trim();
            let at = start + indent + length + (info.len() - info.trim_start().len());
            return LineKind::FenceOpen { info: Span::new(at, at + words.len()), indent };
        }
    }
    if indent <= 3 && matches!(first, b'-' | b'*' | b'_') {
        let mut marks = 0;
        let rule = trimmed.bytes().all(|byte| {
            marks += usize::from(byte == first);
            byte == first || byte == b' ' || byte == b'\t'
        });
        if rule && marks >= 3 {
            return LineKind::Rule;
        }
    }
    LineKind::Text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn kinds(text: &str) -> (Vec<LineKind>, usize) {
        let source = Source::new("a.md", text);
        let mut problems = Problems::new(&source);
        let lines = split(0, &mut problems);
        assert_eq!(lines.text.len(), text.len());
        (lines.lines.iter().map(|line| line.kind).collect(), problems.finish().len())
    }

    #[test]
    fn lines_of_comments_are_gone() {
        let (found, problems) = kinds("a\n<!-- x\n## y\n-->\nb <!-- z --> c\n`<!--` d\n");
        assert_eq!(found, vec![LineKind::Text; 3]);
        assert_eq!(problems, 0);
    }

    #[test]
    fn headings_in_fences_are_no_headings() {
        let (found, problems) = kinds("~~~~ text\n## a\n~~~\n~~~~\n## b ##\n");
        assert!(matches!(found[1..3], [LineKind::FenceBody, LineKind::FenceBody]));
        assert_eq!(found[3], LineKind::FenceClose);
        assert!(
            matches!(found[4], LineKind::Heading { level: 2, text } if text.end - text.start == 1)
        );
        assert_eq!(problems, 0);
    }

    #[test]
    fn what_is_never_closed_is_reported() {
        assert_eq!(kinds("```\n## a\n").1, 1);
        assert_eq!(kinds("<!-- a\n## a\n").1, 1);
    }

    #[test]
    fn a_hostile_line_of_openings_is_fast() {
        let text = format!("`{}`\n{}", "<!--".repeat(100_000), "<!-- -".repeat(100_000));
        let _ = kinds(&text);
    }
}
