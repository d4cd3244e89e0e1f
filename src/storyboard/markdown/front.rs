//! Front matter: the YAML between `---` lines at the very top.

use super::super::problems::Problems;
use crate::source::{Diagnostic, Source, Span};

/// Where front matter stands and where the document goes on.
pub(in crate::storyboard) struct FrontMatter {
    /// The YAML.
    pub span: Span,
    /// The byte after the closing line.
    pub after: usize,
}

/// The YAML between `---` lines at the very top.
pub(in crate::storyboard) fn find(
    source: &Source,
    mark: usize,
    problems: &mut Problems<'_>,
) -> Option<FrontMatter> {
    let text = source.text();
    let start = mark
        + (text[mark..].len() - text[mark..].trim_start_matches(['\n', '\r', ' ', '\t']).len());
    // Spaces in front of the marks make them something else.
    let start = if start > mark && !text[..start].ends_with('\n') { return None } else { start };
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
            return Some(FrontMatter { span: Span::new(first_end, at), after: next });
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
                start..start + 3,
            )
            .label("opened here")
            .hint("end it with a line `---`"),
        );
    }
    None
}
