//! Sub-headings of a scene that are steps, or a label with its value.

use super::super::draft;
use super::super::node::{Node, Style};
use super::super::scene::StepKind;
use super::heading::Heading;
use crate::source::{Span, Spanned};

/// `### Extend`, `### Step 2: Upscale`, `### Upscale to 4k`, `### Extend: The camera drifts on`. A voice is a step only
/// where the heading says so, `### Step: Voice` or `### Voice step`: many people write notes about voices.
pub(in crate::storyboard) fn step_heading(
    heading: &Heading,
    text: &str,
) -> Option<(StepKind, Option<Node>)> {
    let words = heading.words.trim();
    let lower = words.to_lowercase();
    let mut at = 0;
    if let Some(rest) = lower.strip_prefix("step") {
        let rest = rest.trim_start_matches(|c: char| {
            c.is_whitespace() || c.is_ascii_digit() || matches!(c, ':' | '.' | '-' | '—' | '–')
        });
        at = lower.len() - rest.len();
    }
    if lower.len() != words.len() {
        at = 0;
    }
    let rest = &words[at..];
    let length = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let kind = StepKind::named(&rest[..length])?;
    let after = rest[length..].trim_start_matches(|c: char| {
        c.is_whitespace() || matches!(c, ':' | '：' | '(' | '—' | '–' | '-')
    });
    let after = after.strip_prefix("to ").unwrap_or(after).trim_end_matches(')').trim();
    if kind == StepKind::Voice && at == 0 {
        return after.eq_ignore_ascii_case("step").then_some((kind, None));
    }
    if after.is_empty() {
        return Some((kind, None));
    }
    // `### Extended cut` and `### Generate ideas` are no steps.
    let direct = rest[length..].trim_start().starts_with([':', '：', '(', '—', '–', '-']);
    let target = kind == StepKind::Upscale && after.split_whitespace().count() <= 3;
    let place = match text[heading.span.range()].rfind(after) {
        Some(found) => {
            Span::new(heading.span.start + found, heading.span.start + found + after.len())
        }
        None => heading.span,
    };
    (direct || target).then(|| (kind, Some(Node::scalar(after, Style::Markdown, place))))
}

/// `### Camera: slow dolly`: a label and its value in one heading.
pub(in crate::storyboard) fn inline(
    words: &str,
    span: Span,
    text: &str,
) -> Option<(Spanned<String>, Node)> {
    let (label, value) = words.split_once([':', '：'])?;
    let (label, value) = (label.trim(), value.trim());
    if value.is_empty() || label.len() > 60 || !draft::is_scene_label(label) {
        return None;
    }
    let written = &text[span.range()];
    let place = |words: &str| match written.find(words) {
        Some(at) => Span::new(span.start + at, span.start + at + words.len()),
        None => span,
    };
    Some((
        Spanned::new(label.to_owned(), place(label)),
        Node::scalar(value, Style::Markdown, place(value)),
    ))
}
