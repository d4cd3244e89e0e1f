//! Front matter: the YAML between `---` lines at the very top.

use super::super::problems::Problems;
use crate::source::{Diagnostic, Span};

/// Where front matter stands and where the document goes on.
pub(crate) struct FrontMatter {
    /// The YAML.
    pub span: Span,
    /// The byte after the closing line.
    pub after: usize,
}

/// The YAML between `---` lines at the very top of `whole`, the text of a file without its byte order mark.
pub(crate) fn find(whole: Span, problems: &mut Problems<'_>) -> Option<FrontMatter> {
    let text = problems.source().slice(whole);
    let start = text.len() - text.trim_start_matches(['\n', '\r', ' ', '\t']).len();
    // Spaces in front of the marks make them something else.
    if start > 0 && !text[..start].ends_with('\n') {
        return None;
    }
    let first_end = text[start..].find('\n').map(|at| start + at + 1)?;
    if text[start..first_end].trim_end() != "---" {
        return None;
    }
    let mut at = first_end;
    let mut looks_like_yaml = None;
    while at < text.len() {
        let next = text[at..].find('\n').map_or(text.len(), |offset| at + offset + 1);
        let line = &text[at..next];
        if matches!(line.trim_end(), "---" | "...") {
            let span = Span::new(whole.start + first_end, whole.start + at);
            return Some(FrontMatter { span, after: whole.start + next });
        }
        if looks_like_yaml.is_none() && !line.trim().is_empty() {
            looks_like_yaml =
                Some(!line.starts_with('#') && line.contains(':') && !line.starts_with(['-', '*']));
        }
        at = next;
    }
    if looks_like_yaml == Some(true) {
        problems.push(
            Diagnostic::error(
                "unclosed-front-matter",
                "the front matter is never closed",
                whole.start + start..whole.start + start + 3,
            )
            .label("opened here")
            .hint("end it with a line `---`"),
        );
    }
    None
}
