//! Reading storyboards: what people write, what it means, and what is said where it is wrong.

use std::path::PathBuf;
use storyreel::source::{Diagnostic, Source};
use storyreel::storyboard::{self, Storyboard};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Problems, a line each: `3:5 error code: message | label | hint`.
fn rendered(source: &Source, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for problem in diagnostics {
        let severity = if problem.is_error() { "error" } else { "warning" };
        out.push_str(&format!(
            "{} {severity} {}: {} | {} | {}\n",
            source.position(problem.span.start),
            problem.code,
            problem.message,
            problem.label,
            problem.hint.as_deref().unwrap_or_default(),
        ));
        for (span, label) in &problem.related {
            out.push_str(&format!("    {} {label}\n", source.position(span.start)));
        }
    }
    out
}

/// Reads a file of this repository that has no problems at all.
fn clean(path: &str) -> Storyboard {
    let source = Source::read(&root().join(path)).expect("the file is there");
    let reading = storyboard::read(&source);
    assert_eq!(rendered(&source, &reading.diagnostics), "", "{path}");
    reading.storyboard.expect("a storyboard")
}

#[test]
fn the_examples_have_no_problems() {
    for (path, scenes) in [
        ("examples/storyboards/skerry-light/SCENES.md", 8),
        ("examples/storyboards/paper-boat/storyboard.yaml", 6),
        ("examples/storyboards/videoflow/SCENES.md", 5),
    ] {
        let storyboard = clean(path);
        assert_eq!(storyboard.scenes.len(), scenes, "{path}");
        assert!(storyboard.title.is_some(), "{path}");
    }
}
