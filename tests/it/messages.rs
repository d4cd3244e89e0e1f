//! Every message about a storyboard, as its reader sees it; and that none is left out.
//!
//! `samples` holds small projects with something wrong each. What `check` says of them is one snapshot, to be read as text:
//! what happened, where, what to do. The constructors of messages are then looked up in the source, and each must have
//! made one of these messages.

use crate::support::Project;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Projects with something wrong: a name, and files by path.
fn samples() -> Vec<(String, Vec<(String, String)>)> {
    let text = include_str!("messages.txt");
    let mut samples: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for line in text.lines().skip_while(|line| !line.starts_with("=== ")) {
        if let Some(name) = line.strip_prefix("=== ") {
            samples.push((name.to_owned(), Vec::new()));
        } else if let Some(path) = line.strip_prefix("--> ") {
            let (_, files) = samples.last_mut().expect("a sample");
            files.push((path.to_owned(), String::new()));
        } else if let Some((_, file)) = samples.last_mut().and_then(|(_, files)| files.last_mut()) {
            let _ = writeln!(file, "{line}");
        }
    }
    samples
}

fn project(files: &[(String, String)]) -> Project {
    let project = Project::new();
    for (path, text) in files {
        project.write(path, text);
    }
    project
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_message_reads_well() {
    let mut told = String::new();
    for (name, files) in samples() {
        let project = project(&files);
        let done = project.run(["check"]);
        let (out, err) = (done.stdout.trim_end(), done.stderr.trim_end());
        let home = project.root().display().to_string();
        let said = [out, err].join("\n").replace(&home, "[project]");
        let said: String = said.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        let _ = write!(told, "=== {name}\n{}\n\n", said.trim());
    }
    insta::assert_snapshot!(told);
}

/// Messages of all samples, and of the storyboards that other snapshots hold.
fn told_messages() -> BTreeSet<String> {
    let mut told = BTreeSet::new();
    let mut take = |project: &Project, file: &[&str]| {
        let arguments = [&["check", "--format", "json"], file].concat();
        let done = project.run(arguments);
        let Ok(found) = serde_json::from_str::<serde_json::Value>(&done.stdout) else { return };
        let problems = found["problems"].as_array().into_iter().flatten();
        told.extend(problems.filter_map(|problem| Some(problem["message"].as_str()?.to_owned())));
        told.extend(found["message"].as_str().map(str::to_owned));
    };
    for (_, files) in samples() {
        take(&project(&files), &[]);
    }
    let folder = root().join("tests/fixtures/storyboards");
    for entry in std::fs::read_dir(folder).expect("the folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".snap") {
            continue;
        }
        let project = Project::new();
        project.write(&name, std::fs::read(entry.path()).expect("a fixture"));
        take(&project, &[&name]);
    }
    told
}

/// A message in the source: its file and line, and the words between what is filled in.
struct Written {
    place: String,
    words: Vec<String>,
}

/// The messages that the constructors below `folder` can make.
fn written(folder: &Path, found: &mut Vec<Written>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            written(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        for start in
            ["Diagnostic::error(", "Diagnostic::warning(", "Problem::new(", "step_problem("]
        {
            for (at, _) in text.match_indices(start) {
                let arguments = &text[at + start.len()..];
                let end = closing(arguments);
                // The first literal is the code, the second one the message, where they stand here.
                let literals = literals(&arguments[..end]);
                let message = literals.iter().find(|literal| literal.contains(' '));
                let line = text[..at].lines().count();
                if let Some(message) = message {
                    let shown = path.strip_prefix(root()).unwrap_or(&path).display();
                    found.push(Written { place: format!("{shown}:{line}"), words: parts(message) });
                }
            }
        }
    }
}

/// Where the bracket that is open closes.
fn closing(text: &str) -> usize {
    let (mut depth, mut quoted, mut escaped) = (1, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// The string literals of some source.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    let mut characters = source.chars().peekable();
    while let Some(c) = characters.next() {
        match (&mut open, c) {
            (Some(text), '\\') => match characters.next() {
                Some('\n') => while characters.next_if(|c| c.is_whitespace()).is_some() {},
                Some(c) => text.push(c),
                None => {}
            },
            (Some(_), '"') => found.extend(open.take()),
            (Some(text), c) => text.push(c),
            (None, '"') => open = Some(String::new()),
            (None, _) => {}
        }
    }
    found
}

/// The words of a format string between what is filled in.
fn parts(format: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut inside = false;
    for c in format.chars() {
        match c {
            '{' => {
                inside = true;
                parts.push(String::new());
            }
            '}' => inside = false,
            _ if inside => {}
            _ => {
                if let Some(part) = parts.last_mut() {
                    part.push(c);
                }
            }
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn is_made_of(message: &str, words: &[String]) -> bool {
    let mut rest = message;
    words.iter().all(|part| match rest.find(part.as_str()) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

#[test]
fn no_constructor_of_a_message_is_left_out() {
    let told = told_messages();
    let mut all = Vec::new();
    for folder in ["src/storyboard", "src/plan", "src/settings"] {
        written(&root().join(folder), &mut all);
    }
    assert!(all.len() > 90, "{}", all.len());
    let silent: Vec<String> = all
        .iter()
        .filter(|written| !told.iter().any(|message| is_made_of(message, &written.words)))
        .map(|written| format!("{}: {}", written.place, written.words.join("…")))
        .collect();
    assert!(silent.is_empty(), "no sample makes these:\n{}", silent.join("\n"));
}
