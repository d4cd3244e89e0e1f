//! Storyboards in Markdown and YAML.

use super::{printed, thoroughly};
use std::collections::HashSet;
use storyreel::report::{ErrorReport, Style, diagnostics, sanitise, sanitise_text};
use storyreel::source::{Diagnostic, Position, Source, Span};
use storyreel::storyboard::{self, Fields, Step, Storyboard, Value};

/// The bytes that one problem may take on a terminal.
const MOST_A_PROBLEM: usize = 16 * 1024;

pub fn check(name: &str, text: &str) {
    let source = Source::new(name, text);
    let reading = storyboard::read(&source);
    if thoroughly(text) {
        let again = storyboard::read(&source);
        assert_eq!(reading.diagnostics, again.diagnostics, "reading twice finds the same problems");
        assert_eq!(reading.storyboard, again.storyboard, "reading twice gives the same storyboard");
    }
    assert!(
        reading.storyboard.is_some() || reading.diagnostics.iter().any(Diagnostic::is_error),
        "what is refused is refused with a reason"
    );
    problems(&source, &reading.diagnostics);
    if let Some(storyboard) = &reading.storyboard {
        scenes(&source, storyboard, &reading.diagnostics);
    }
}

/// Every problem has a true place, and telling it harms no terminal.
pub fn problems(source: &Source, found: &[Diagnostic]) {
    assert!(found.len() <= 1001, "{} problems", found.len());
    for problem in found {
        place(source, problem.span);
        for (span, _) in &problem.related {
            place(source, *span);
        }
    }
    if !thoroughly(source.text()) {
        return;
    }
    // The first and the last are enough of what takes longest.
    let (first, last) = (found.first(), found.last().filter(|_| found.len() > 1));
    for problem in first.into_iter().chain(last) {
        for offset in [problem.span.start, problem.span.end] {
            let position = position(source.text(), offset);
            assert_eq!(source.position(offset), position);
            assert_eq!(source.line(offset), position.line);
        }
        let shown = diagnostics::text(source, std::slice::from_ref(problem), Style::plain(80));
        printed::check(&shown, MOST_A_PROBLEM);
    }
    for line in diagnostics::github(source, found).lines() {
        printed::check_line(line, MOST_A_PROBLEM);
        assert!(line.starts_with("::"), "a workflow command was broken in two: {line:?}");
    }
    let json = diagnostics::json(&[(source, found)]);
    for (told, problem) in json["problems"].as_array().into_iter().flatten().zip(found).take(3) {
        let Position { line, column } = position(source.text(), problem.span.start);
        assert_eq!(
            (&told["where"]["line"], &told["where"]["column"]),
            (&line.into(), &column.into())
        );
    }
    let report = ErrorReport::of_document("invalid-storyboard", source, found);
    printed::check(&report.render(Style::plain(80)), MOST_A_PROBLEM);
}

/// Line and column, counted the slow way.
fn position(text: &str, offset: usize) -> Position {
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

#[track_caller]
fn place(source: &Source, span: Span) {
    let text = source.text();
    assert!(span.start <= span.end && span.end <= text.len(), "{span:?} of {} bytes", text.len());
    assert!(
        text.is_char_boundary(span.start) && text.is_char_boundary(span.end),
        "{span:?} cuts a character"
    );
}

fn scenes(source: &Source, storyboard: &Storyboard, found: &[Diagnostic]) {
    if let Some(title) = &storyboard.title {
        place(source, title.span);
        shown(&title.value);
    }
    fields(source, &storyboard.defaults);
    steps(source, storyboard.default_steps.as_deref());
    for character in &storyboard.characters {
        place(source, character.name.span);
        for span in character.look.iter().map(|look| look.span) {
            place(source, span);
        }
        for image in &character.images {
            place(source, image.span);
        }
    }
    let mut ids = HashSet::new();
    let mut repeated = false;
    for scene in &storyboard.scenes {
        place(source, scene.id_span);
        place(source, scene.span);
        shown(&scene.id.to_string());
        let stem = scene.id.file_stem();
        assert!(stem.starts_with("scene-") && !stem.contains(['/', '\\', '\0']), "{stem:?}");
        printed::check_line(&stem, 400);
        if let Some(title) = &scene.title {
            place(source, title.span);
            shown(&title.value);
        }
        fields(source, &scene.fields);
        steps(source, scene.steps.as_deref());
        for (label, text) in &scene.unknown {
            place(source, label.span);
            shown(text);
        }
        repeated |= !ids.insert(scene.id.key());
    }
    if repeated {
        assert!(
            found.iter().any(Diagnostic::is_error),
            "two scenes share an id, and nobody says so"
        );
    }
}

fn steps(source: &Source, steps: Option<&[Step]>) {
    for step in steps.into_iter().flatten() {
        place(source, step.span);
        fields(source, &step.fields);
    }
}

fn fields(source: &Source, fields: &Fields) {
    for (field, value) in fields.iter() {
        place(source, value.span);
        if let Value::Seconds(seconds) = &value.value {
            assert!(
                seconds.is_finite() && *seconds > 0.0 && *seconds <= 86_400.0,
                "`{}` is {seconds} s",
                field.name()
            );
        }
    }
}

fn shown(text: &str) {
    printed::check_line(&sanitise(text, 80), 81 * 4);
    printed::check(&sanitise_text(text), usize::MAX);
}
