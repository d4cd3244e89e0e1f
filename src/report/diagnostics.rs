//! Problems of documents: underlined in their source for people, objects for programs, annotations for GitHub.

use super::sanitise::safe;
use super::style::Style;
use super::{counted, sanitise};
use crate::source::{Diagnostic, Severity, Source, Span};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Longer source lines are cut around the problem before they are laid out.
const LONGEST_LINE: usize = 2_000;
/// Characters of such a line that are kept.
const LINE_WINDOW: usize = 160;
/// Characters kept before the problem.
const BEFORE: usize = 60;
/// Other places of one problem that are shown.
const MOST_RELATED: usize = 3;

/// Problems of one document that are shown to people; the line that counts them counts all.
const MOST_SHOWN: usize = 200;

/// The problems of one document as text, each underlined in its line, and a line that counts them.
///
/// Empty without problems. Of very many the first ones are shown, errors before warnings: they are mended one after
/// the other anyway, and a broken or hostile file has thousands.
pub fn text(source: &Source, problems: &[Diagnostic], style: Style) -> String {
    let renderer = if style.colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(style.width.max(60));
    let mut out = String::new();
    let all: Vec<&Diagnostic> = problems.iter().collect();
    let (errors, warnings): (Vec<_>, Vec<_>) = all.iter().partition(|problem| problem.is_error());
    let cut = problems.len() > MOST_SHOWN;
    let shown = if cut { [errors, warnings].concat() } else { all };
    for problem in shown.iter().take(MOST_SHOWN) {
        out.push_str(&one(source, problem, &renderer));
        out.push_str("\n\n");
    }
    if cut {
        let _ = writeln!(
            out,
            "these are the first {MOST_SHOWN} of {} problems; `check --format json` lists them all",
            problems.len()
        );
    }
    if !problems.is_empty() {
        let _ = writeln!(out, "{}", count_line(source, problems));
    }
    out
}

/// `2 errors and 1 warning in SCENES.md`, and where some are in files that it includes, that.
pub fn count_line(source: &Source, problems: &[Diagnostic]) -> String {
    let (errors, warnings) = counts(problems);
    let told = match (errors, warnings) {
        (errors, 0) => counted(errors, "error"),
        (0, warnings) => counted(warnings, "warning"),
        (errors, warnings) => {
            format!("{} and {}", counted(errors, "error"), counted(warnings, "warning"))
        }
    };
    let elsewhere = |problem: &Diagnostic| !std::ptr::eq(source.file(problem.span).0, source);
    let more = if problems.iter().any(elsewhere) { " and what it includes" } else { "" };
    format!("{told} in {}{more}", sanitise(source.name(), 300))
}

/// Errors and warnings.
pub fn counts(problems: &[Diagnostic]) -> (usize, usize) {
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    (errors, problems.len() - errors)
}

fn one(source: &Source, problem: &Diagnostic, renderer: &Renderer) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(sanitise(&problem.message, 600)).id(problem.code);
    let mut group = Group::with_title(title);
    let mut places = vec![(problem.span, &problem.label, AnnotationKind::Primary)];
    for (span, label) in problem.related.iter().take(MOST_RELATED) {
        places.push((*span, label, AnnotationKind::Context));
    }
    for (span, label, kind) in places {
        let (source, span) = source.file(span);
        let quoted = Quoted::new(source, span);
        let mut annotation = kind.span(quoted.start..quoted.end);
        if !label.is_empty() {
            annotation = annotation.label(sanitise(label, 200));
        }
        let path = sanitise(source.name(), 300);
        let mut snippet = Snippet::source(quoted.text).line_start(quoted.line);
        if quoted.cut {
            // The layout would count the column from where the line was cut.
            group = group.element(Origin::path(path).line(quoted.line).char_column(quoted.column));
        } else {
            snippet = snippet.path(path);
        }
        group = group.element(snippet.annotation(annotation));
    }
    if problem.related.len() > MOST_RELATED {
        let more = problem.related.len() - MOST_RELATED;
        group = group.element(Level::NOTE.message(format!("and {}", counted(more, "other place"))));
    }
    if let Some(hint) = &problem.hint {
        group = group.element(Level::HELP.message(sanitise(hint, 600)));
    }
    renderer.render(&[group])
}

/// The line of a problem, made safe and cut to a window, with the problem's place in it.
struct Quoted {
    text: String,
    start: usize,
    end: usize,
    line: usize,
    column: usize,
    cut: bool,
}

impl Quoted {
    fn new(source: &Source, span: Span) -> Self {
        let position = source.position(span.start);
        let begin = source.line_start(position.line);
        // A line may have a million columns and a thousand problems: nothing here walks all of it.
        let line = source.text().get(begin..source.line_start(position.line + 1));
        let line = line.unwrap_or_default();
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let start = span.start.saturating_sub(begin).min(line.len());
        let end = span.end.saturating_sub(begin).clamp(start, line.len());
        let cut = line.chars().nth(LONGEST_LINE).is_some();
        let first = if cut {
            let before = line.get(..start).unwrap_or_default();
            before.char_indices().rev().nth(BEFORE - 1).map_or(0, |(at, _)| at)
        } else {
            0
        };
        let mut text = String::new();
        if first > 0 {
            text.push('…');
        }
        let (mut from, mut to) = (None, None);
        let mut end_of_text = None;
        let kept = line.get(first..).unwrap_or_default();
        let kept = kept.char_indices().map(|(at, c)| (first + at, c));
        for (shown, (at, c)) in kept.enumerate() {
            if cut && shown == LINE_WINDOW {
                end_of_text = Some(text.len());
                text.push('…');
                break;
            }
            if at >= start {
                from.get_or_insert(text.len());
            }
            if at >= end {
                to.get_or_insert(text.len());
            }
            text.push(if c == '\t' { '\t' } else { safe(c) });
        }
        let length = end_of_text.unwrap_or(text.len());
        let from = from.unwrap_or(length);
        let to = to.unwrap_or(length).max(from);
        Self { text, start: from, end: to, line: position.line, column: position.column, cut }
    }
}

/// One object a problem, and a summary: the form of `check --format json`.
pub fn json(files: &[(&Source, &[Diagnostic])]) -> Value {
    let problems: Vec<Value> = files
        .iter()
        .flat_map(|(source, problems)| problems.iter().map(|problem| object(source, problem)))
        .collect();
    let (errors, warnings) = files.iter().fold((0, 0), |sum, (_, problems)| {
        let (errors, warnings) = counts(problems);
        (sum.0 + errors, sum.1 + warnings)
    });
    json!({"problems": problems, "summary": {"errors": errors, "warnings": warnings}})
}

fn object(source: &Source, problem: &Diagnostic) -> Value {
    let place = |span: Span| {
        let (start, end) = (source.position(span.start), source.position(span.end));
        json!({"file": source.file(span).0.name(), "line": start.line, "column": start.column,
               "end_line": end.line, "end_column": end.column})
    };
    let related: Vec<Value> = problem
        .related
        .iter()
        .map(|(span, label)| json!({"where": place(*span), "label": label}))
        .collect();
    let fix: Vec<Value> = problem
        .fix
        .iter()
        .map(|edit| json!({"where": place(edit.span), "text": edit.text}))
        .collect();
    json!({
        "severity": problem.severity,
        "code": problem.code,
        "message": problem.message,
        "label": problem.label,
        "hint": problem.hint,
        "where": place(problem.span),
        "related": related,
        "fix": fix,
    })
}

/// Workflow commands that GitHub Actions shows beside the lines of a pull request.
pub fn github(source: &Source, problems: &[Diagnostic]) -> String {
    let mut out = String::new();
    for problem in problems {
        let kind = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let (start, end) = (source.position(problem.span.start), source.position(problem.span.end));
        let mut message = problem.message.clone();
        if let Some(hint) = &problem.hint {
            let _ = write!(message, "\nhint: {hint}");
        }
        let _ = writeln!(
            out,
            "::{kind} file={},line={},col={},endLine={},endColumn={},title={}::{}",
            property(source.file(problem.span).0.name()),
            start.line,
            start.column,
            end.line,
            end.column,
            property(problem.code),
            escaped(&message)
        );
    }
    out
}

/// Escapes a message of a workflow command.
fn escaped(text: &str) -> String {
    let text: String =
        text.chars().map(|c| if matches!(c, '\n' | '\r') { c } else { safe(c) }).collect();
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a workflow command.
fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> (Source, Vec<Diagnostic>) {
        let text = format!(
            "# Film\n\n## Scene 1: First light\n- **Visual**: a\u{1b}[31mred\u{202e} lighthouse\n- **Duraton**: 5s\n\n\
             ## Scene 1: Again\n\t- **Notes**: {} `odd`\n- **Prompt**: {} `bad` {}\n",
            "some words ".repeat(30),
            "long words ".repeat(300),
            "and more ".repeat(300)
        );
        let at = |needle: &str| {
            let start = text.find(needle).unwrap_or_default();
            Span::new(start, start + needle.len())
        };
        let second = text.rfind("Scene 1").unwrap_or_default();
        let problems = vec![
            Diagnostic::warning(
                "control-character",
                "a control character in `visual`",
                at("\u{1b}[31mred"),
            )
            .label("would steer a terminal"),
            Diagnostic::warning("unknown-field", "no field is called `Duraton`", at("Duraton"))
                .label("kept, but not used")
                .hint("did you mean `duration`?"),
            Diagnostic::error(
                "duplicate-id",
                "two scenes have the id `1`",
                Span::new(second, second + 7),
            )
            .label("second scene 1")
            .related(at("Scene 1"), "first scene 1")
            .hint("give one of them another number"),
            Diagnostic::error("odd-word", "far along a long line", at("`odd`")).label("here"),
            Diagnostic::error("bad-word", "far along a very long line", at("`bad`")).label("here"),
            Diagnostic::error(
                "at-the-end",
                "something is missing at the end",
                Span::new(text.len(), text.len()),
            ),
        ];
        (Source::new("SCENES.md", text), problems)
    }

    #[test]
    fn problems_are_underlined_in_their_lines() {
        let (source, problems) = document();
        let shown = text(&source, &problems, Style::plain(100));
        assert!(
            !shown.contains('\u{1b}') && !shown.contains('\u{202e}'),
            "nothing steers the terminal"
        );
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let (source, problems) = document();
        let styled = text(&source, &problems, Style { colour: true, ..Style::plain(100) });
        assert!(styled.contains("\u{1b}["));
        assert_eq!(console::strip_ansi_codes(&styled), text(&source, &problems, Style::plain(100)));
    }

    #[test]
    fn problems_as_json() {
        let (source, problems) = document();
        insta::assert_json_snapshot!(json(&[(&source, &problems[1..3])]));
    }

    #[test]
    fn problems_as_annotations() {
        let (source, problems) = document();
        insta::assert_snapshot!(github(&source, &problems));
        let odd = Source::new("a,b:c.md", "x");
        let problem = Diagnostic::error("x", "100 %\nof it", Span::new(0, 1));
        assert_eq!(
            github(&odd, &[problem]),
            "::error file=a%2Cb%3Ac.md,line=1,col=1,endLine=1,endColumn=2,title=x::100 %25%0Aof it\n"
        );
    }
}
