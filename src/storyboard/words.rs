//! The words of a value without what its format puts around them.

use super::node::{Node, NodeKind, Scalar, Style};
use crate::source::{Span, Spanned};

/// Words with single spaces, or literal text as it stands; control characters are dropped.
pub(crate) fn cleaned(scalar: &Scalar, span: Span) -> (String, Span) {
    match scalar.style {
        // The parser has folded soft breaks in quotes already: one that is left was written as `\\n` and is meant.
        Style::Literal | Style::Quoted
            if scalar.style == Style::Literal || scalar.text.trim_end().contains('\n') =>
        {
            let text: String = scalar
                .text
                .chars()
                .filter(|c| *c == '\n' || *c == '\t' || !c.is_control())
                .collect();
            (text.trim_end().trim_start_matches('\n').to_owned(), span)
        }
        Style::Markdown => {
            let (text, span) = bare(&scalar.text, span);
            (collapsed(&unescaped(text)), span)
        }
        Style::Plain | Style::Quoted | Style::Literal => (collapsed(&scalar.text), span),
    }
}

/// Runs of white space become one space; a line break that is still there separates paragraphs and stays.
fn collapsed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split('\n') {
        let before = out.len();
        for word in line.split_whitespace() {
            if out.len() > before {
                out.push(' ');
            } else if !out.is_empty() {
                out.push('\n');
            }
            out.extend(word.chars().filter(|c| !c.is_control()));
        }
    }
    out
}

/// Takes emphasis, code marks and quotes off when they stand around the whole value.
fn bare(text: &str, span: Span) -> (&str, Span) {
    let exact = span.end - span.start == text.len();
    let mut inner = text.trim();
    loop {
        let mut shorter = None;
        for (open, close) in [
            ("**", "**"),
            ("__", "__"),
            ("*", "*"),
            ("_", "_"),
            ("`", "`"),
            ("\"", "\""),
            ("“", "”"),
            ("「", "」"),
        ] {
            if inner.len() > open.len() + close.len()
                && let Some(rest) = inner.strip_prefix(open)
                && let Some(rest) = rest.strip_suffix(close)
                && !rest.contains(open)
                && !rest.contains(close)
            {
                shorter = Some(rest.trim());
                break;
            }
        }
        match shorter {
            Some(rest) if !rest.is_empty() => inner = rest,
            _ => break,
        }
    }
    if inner.len() == text.len() {
        return (text, span);
    }
    let span = match text.find(inner) {
        Some(offset) if exact => Span::new(span.start + offset, span.start + offset + inner.len()),
        _ => span,
    };
    (inner, span)
}

/// Markdown's backslash escapes: `\*` is a star.
fn unescaped(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(next)
                if c == '\\'
                    && matches!(
                        next,
                        '*' | '_' | '`' | '#' | '[' | ']' | '<' | '>' | '|' | '~' | '-' | '\\'
                    ) => {}
            // A backslash at the end of a line is a hard break, which is a space like a soft one.
            Some('\n') if c == '\\' => out.push(' '),
            None if c == '\\' => {}
            _ => out.push(c),
        }
        if c == '\\' && chars.peek() == Some(&'\\') {
            chars.next();
            out.push('\\');
        }
    }
    out
}

/// The plain text of a scalar, for ids, titles and the like. `None` for lists, maps and nothing.
pub(crate) fn plain(node: &Node) -> Option<Spanned<String>> {
    match &node.kind {
        NodeKind::Scalar(scalar) => {
            let (text, span) = cleaned(scalar, node.span);
            (!text.is_empty()).then(|| Spanned::new(text, span))
        }
        _ => None,
    }
}
