//! Reading Markdown storyboards: headings become scenes, what stands under them becomes fields.

pub(crate) mod body;
pub(crate) mod front;
pub(crate) mod heading;
pub(crate) mod lines;
mod overview;
pub(crate) mod plain;
mod scenes;
mod sub_heading;
pub(crate) mod table;

use super::document::{self, Drafted};
use super::node::NodeKind;
use super::problems::{Problems, first_line, quoted};
use super::scene::Storyboard;
use super::yaml;
use crate::source::{Diagnostic, Source, Span};
use heading::Heading;
use lines::{Line, LineKind};
use scenes::Scenes;

/// A heading with everything up to the next one.
struct Section {
    level: u8,
    heading: Heading,
    lines: std::ops::Range<usize>,
}

/// Reads a Markdown document. `None` where it is no storyboard, which is reported.
pub(super) fn read(problems: &mut Problems<'_>) -> Option<Drafted> {
    let source = problems.source();
    let mark = if source.text().starts_with('\u{feff}') { 3 } else { 0 };
    let front = front::find(Span::new(mark, source.text().len()), problems);
    let storyboard = front.as_ref().map(|front| read_front(front.span, problems));
    let body_start = front.as_ref().map_or(mark, |front| front.after);
    let lines = lines::split(body_start, problems);
    let (preamble, sections) = sections(&lines.text, &lines.lines, problems.frame_rate);
    let mut scenes = Scenes::new(&lines, storyboard, &sections, problems);
    scenes.preamble(&preamble);
    for index in 0..sections.len() {
        scenes.section(index, &sections);
    }
    scenes.finish(front.is_some(), &sections)
}

/// What front matter says about the film.
fn read_front(span: Span, problems: &mut Problems<'_>) -> Storyboard {
    let Some(node) = yaml::parse(span, problems) else {
        return Storyboard::default();
    };
    match &node.kind {
        NodeKind::Map(entries) => {
            let head = document::read_head(entries, problems);
            if let Some((key, _)) = head.scenes {
                problems.push(
                    Diagnostic::error("scenes-in-front-matter", "front matter cannot hold scenes", key)
                        .label("scenes belong below")
                        .hint("write them as headings, or rename the file to `.yaml` and remove the `---` lines"),
                );
            }
            head.storyboard
        }
        NodeKind::Null => Storyboard::default(),
        NodeKind::Scalar(_) | NodeKind::List(_) => {
            problems.push(
                Diagnostic::error(
                    "yaml-syntax",
                    "front matter is no map of names and values",
                    node.span,
                )
                .label("not a map")
                .hint("write lines such as `model: veo-3.1-fast`"),
            );
            Storyboard::default()
        }
    }
}

fn sections(
    text: &str,
    lines: &[Line],
    frame_rate: Option<f64>,
) -> (std::ops::Range<usize>, Vec<Section>) {
    let mut sections: Vec<Section> = Vec::new();
    let mut preamble = 0..lines.len();
    for (index, line) in lines.iter().enumerate() {
        if let LineKind::Heading { level, text: words } = line.kind {
            match sections.last_mut() {
                Some(last) => last.lines.end = index,
                None => preamble.end = index,
            }
            let heading = heading::read(&text[words.range()], words, frame_rate);
            sections.push(Section { level, heading, lines: index + 1..lines.len() });
        }
    }
    (preamble, sections)
}

/// Why a document without scenes is refused.
fn refusal(source: &Source, has_front: bool, counted: &[(String, Span)]) -> Diagnostic {
    let span = first_line(source);
    if let [(word, first), ..] = counted {
        let message = format!(
            "this is not a storyboard: {} is not called a scene",
            quoted(source.slice(*first))
        );
        let problem = Diagnostic::error("not-a-storyboard", message, *first)
            .label("looks like the first of several scenes")
            .hint(format!(
                "if those are scenes, call them so: `## Scene 1` in place of `## {} 1`",
                capital(word)
            ));
        return problem;
    }
    let hint = "write `## Scene 1: Opening` with `- **Visual**: ...` under it, or run `storyreel init` for a starter";
    let bold = bold_scenes(source);
    if let Some(first) = bold.first() {
        let problem =
            Diagnostic::error("not-a-storyboard", "a line in bold is not a heading", *first)
                .label("looks like a scene")
                .hint("write it as a heading, such as `## Scene 1: Opening`");
        return bold.iter().fold(problem, |problem, line| {
            let words = source.slice(*line).trim_matches('*').trim();
            problem.fix(*line, format!("## {words}"))
        });
    }
    let (code, message) = if span.start == span.end {
        ("not-a-storyboard", "the storyboard is empty")
    } else if has_front {
        ("no-scenes", "this storyboard has front matter and no scenes")
    } else {
        ("not-a-storyboard", "this is not a storyboard: no heading is a scene")
    };
    Diagnostic::error(code, message, span)
        .label("looked for headings such as `## Scene 1: Opening`")
        .hint(hint)
}

/// Headings such as `Prompt 1: ...` and `Prompt 2: ...`, where one word counts several.
fn counted(text: &str, sections: &[Section]) -> Vec<(String, Span)> {
    let word = |section: &Section| {
        let words = text[section.heading.span.range()].trim_matches(['*', '_', ' ']);
        let (word, rest) = words.split_once(' ')?;
        let is_word = word.chars().count() >= 3 && word.chars().all(char::is_alphabetic);
        let counts = rest.trim_start().starts_with(|c: char| c.is_ascii_digit());
        let is_other = matches!(
            word.to_lowercase().as_str(),
            "chapter"
                | "step"
                | "part"
                | "section"
                | "appendix"
                | "version"
                | "phase"
                | "week"
                | "day"
                | "table"
                | "figure"
        );
        (is_word && counts && !is_other).then(|| (word.to_lowercase(), section.heading.span))
    };
    let all: Vec<(String, Span)> = sections.iter().take(100).filter_map(word).collect();
    let most = all.iter().map(|(word, _)| all.iter().filter(|(other, _)| other == word).count());
    if most.max().is_some_and(|most| most >= 2) { all } else { Vec::new() }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// Lines such as `**Scene 1: Opening**`.
fn bold_scenes(source: &Source) -> Vec<Span> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in source.text().split_inclusive('\n') {
        let words = line.trim();
        if words.starts_with("**") && words.len() < 200 {
            let at = start + (line.len() - line.trim_start().len());
            let span = Span::new(at, at + words.len());
            let heading = heading::read(words, span, None);
            if heading.keyword && heading.numbered {
                found.push(span);
            }
        }
        start += line.len();
    }
    found
}
