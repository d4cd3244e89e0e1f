//! An error as it is told: to people on standard error, to programs as one object on standard output.

use super::{Style, sanitise};
use crate::source::{Diagnostic, Source};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// What stopped a command.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorReport {
    /// A stable name: `no-key`, `locked`, `invalid-storyboard`, ...
    pub code: String,
    /// What happened, in lower case without a full stop.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Where in a file, if it is about one.
    pub place: Option<Place>,
    /// Commands that lead on.
    pub next: Vec<NextCommand>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file as the user named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// A command that leads on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextCommand {
    /// The whole command line.
    pub command: String,
    /// Whether it may spend credits.
    pub spends: bool,
}

impl NextCommand {
    /// A command that costs nothing.
    pub fn free(command: impl Into<String>) -> Self {
        Self { command: command.into(), spends: false }
    }

    /// A command that may spend credits.
    pub fn spending(command: impl Into<String>) -> Self {
        Self { command: command.into(), spends: true }
    }
}

impl ErrorReport {
    /// An error without a place.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            hint: None,
            place: None,
            next: Vec::new(),
        }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a command that leads on.
    #[must_use]
    pub fn next(mut self, next: NextCommand) -> Self {
        self.next.push(next);
        self
    }

    /// The first error of a document, with how many there are in all.
    pub fn of_document(code: &str, source: &Source, problems: &[Diagnostic]) -> Self {
        let errors: Vec<&Diagnostic> =
            problems.iter().filter(|problem| problem.is_error()).collect();
        let mut report = Self::new(code, "the document has errors");
        if let Some(first) = errors.first() {
            let position = source.position(first.span.start);
            report.message.clone_from(&first.message);
            if errors.len() > 1 {
                let _ = write!(
                    report.message,
                    " (and {})",
                    super::counted(errors.len() - 1, "more error")
                );
            }
            report.hint.clone_from(&first.hint);
            report.place = Some(Place {
                file: source.file(first.span).0.name().to_owned(),
                line: position.line,
                column: position.column,
            });
        }
        report
    }

    /// The object that `--json` writes to standard output.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("event".into(), "error".into());
        object.insert("code".into(), self.code.as_str().into());
        object.insert("message".into(), sanitise(&self.message, 2000).into());
        object.insert("hint".into(), self.hint.as_deref().map(|hint| sanitise(hint, 2000)).into());
        object
            .insert("where".into(), self.place.as_ref().map_or(Value::Null, |place| json!(place)));
        object.insert("next".into(), json!(self.next));
        Value::Object(object)
    }

    /// The lines for people: `error: ...`, `hint: ...`, and the commands that lead on.
    pub fn render(&self, style: Style) -> String {
        let mut out =
            format!("{} {}\n", style.bold(style.red("error:")), sanitise(&self.message, 2000));
        if let Some(place) = &self.place {
            let _ = writeln!(
                out,
                "   at: {}:{}:{}",
                sanitise(&place.file, 300),
                place.line,
                place.column
            );
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(out, " {} {}", style.cyan("hint:"), sanitise(hint, 2000));
        }
        for next in &self.next {
            let cost = if next.spends { "   (spends credits)" } else { "" };
            let _ =
                writeln!(out, " {} {}{cost}", style.cyan("next:"), sanitise(&next.command, 500));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;

    fn example() -> ErrorReport {
        ErrorReport::new("unknown-submission", "nobody can tell whether scene 3 was accepted")
            .hint("look at https://kie.ai/logs for a task made at 10:04, then decide")
            .next(NextCommand::free("storyreel adopt 3 --task ID"))
            .next(NextCommand::spending("storyreel render --resubmit-unknown 3"))
    }

    #[test]
    fn an_error_for_people_says_what_and_what_next() {
        insta::assert_snapshot!(example().render(Style::plain(80)));
    }

    #[test]
    fn an_error_for_programs_is_one_object() {
        let source = Source::new("SCENES.md", "# a\n## Scene 1\n");
        let problems = [
            Diagnostic::warning("w", "a warning first", Span::new(0, 1)),
            Diagnostic::error("e", "the first\u{1b}error", Span::new(4, 6)).hint("mend it"),
            Diagnostic::error("e", "the second", Span::new(7, 8)),
        ];
        let report = ErrorReport::of_document("invalid-storyboard", &source, &problems);
        insta::assert_json_snapshot!([report.to_json(), example().to_json()]);
    }
}
