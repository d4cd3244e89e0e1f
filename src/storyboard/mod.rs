//! The user's document as typed scenes, whatever it was written in.
//!
//! [`read`] takes a Markdown or YAML source and gives one [`Storyboard`] together with every problem found,
//! each with its place; [`read_with`] takes what it includes, too. Nothing here knows models, prices or files: `plan` checks those.

pub(crate) mod absent;
mod checks;
pub(crate) mod document;
pub(crate) mod draft;
pub(crate) mod duration;
pub(crate) mod field;
mod include;
pub(crate) mod input;
pub(crate) mod markdown;
pub(crate) mod node;
mod params;
pub(crate) mod problems;
mod profiles;
pub(crate) mod ratio;
mod scene;
mod schema;
mod sheets;
mod toml;
mod used;
pub(crate) mod value;
pub(crate) mod words;
pub(crate) mod yaml;

pub(crate) use field::normalise_label;
pub use field::{
    FIELDS, Field, FieldKind, FieldSpec, Fields, FrameOf, Input, STILL, UsedRange, Value,
};
pub use include::{Load, Loaded};
pub use scene::{Character, Include, Profile, Scene, SceneId, Sheet, Step, StepKind, Storyboard};
pub use schema::{Choice, Choices, schema};
pub use toml::defaults_from_toml;

use crate::source::{Diagnostic, Source, Span};
use document::Drafted;
use problems::Problems;
use std::path::Path;

/// What reading a document gave: a storyboard (absent where the file is none) and all problems in document order.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// The scenes; present even when some of them have problems, so that later checks can add theirs.
    pub storyboard: Option<Storyboard>,
    /// All problems, in document order.
    pub diagnostics: Vec<Diagnostic>,
}

/// What a document is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Markdown,
    Yaml,
}

/// Reads a storyboard and reports everything that is wrong with it.
///
/// The format is decided by the name's ending (`.md`, `.yaml`, `.json` and their kin), else by the text. Nothing is
/// opened or fetched: paths and links stay as written, and what the document includes is left out. The time taken grows
/// with the length of the text and no faster.
pub fn read(source: &Source) -> Reading {
    let (drafted, found) = draft(source);
    conclude(source, drafted, found)
}

/// Reads a storyboard and the files that it includes, which `load` opens. They are put behind the document's own text
/// in `source`, so that every problem has its place.
pub fn read_with(source: &mut Source, load: &mut Load<'_>) -> Reading {
    let (mut drafted, mut found) = draft(source);
    if let Some(drafted) = &mut drafted {
        include::resolve(&mut drafted.storyboard, source, load, &mut found);
    }
    conclude(source, drafted, found)
}

fn draft(source: &Source) -> (Option<Drafted>, Vec<Diagnostic>) {
    let mut problems = Problems::new(source);
    let drafted = match format(source) {
        Format::Markdown => markdown::read(&mut problems),
        Format::Yaml => read_yaml(&mut problems),
    };
    checks::conflicts(source, &mut problems);
    (drafted, problems.found())
}

fn conclude(source: &Source, mut drafted: Option<Drafted>, mut found: Vec<Diagnostic>) -> Reading {
    if let Some(drafted) = &mut drafted {
        let mut problems = Problems::new(source);
        sheets::add(drafted, &mut problems);
        checks::check(drafted, &mut problems);
        found.extend(problems.found());
    }
    let mut diagnostics = problems::in_order(found);
    if drafted.is_none() {
        // What a document that is refused calls its fields is no business of ours.
        diagnostics.retain(Diagnostic::is_error);
    }
    Reading { storyboard: drafted.map(|drafted| drafted.storyboard), diagnostics }
}

/// Reads one length of time as the field `duration` does, in seconds; `frame_rate` is the film's, for times in frames.
///
/// # Errors
///
/// What is wrong with it, as words that follow it: `is not a length of time`.
pub fn read_seconds(text: &str, frame_rate: Option<f64>) -> Result<f64, String> {
    duration::parse(text, frame_rate)
        .map(|length| length.seconds)
        .map_err(|wrong| wrong.to_string())
}

fn read_yaml(problems: &mut Problems<'_>) -> Option<Drafted> {
    let source = problems.source();
    let root = yaml::parse(Span::new(0, source.text().len()), problems);
    if root.is_none() && !problems.any() {
        problems.push(
            Diagnostic::error(
                "not-a-storyboard",
                "the storyboard is empty",
                problems::first_line(source),
            )
            .label("looked for a list of scenes")
            .hint(document::SCENES_HINT),
        );
    }
    document::read(root.as_ref(), problems)
}

fn format(source: &Source) -> Format {
    let ending =
        Path::new(source.name()).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending.to_ascii_lowercase().as_str() {
        "md" | "markdown" | "mdown" | "mkd" | "mdx" => return Format::Markdown,
        "yaml" | "yml" | "json" => return Format::Yaml,
        _ => {}
    }
    let text = source.text().trim_start_matches('\u{feff}');
    // A brace or bracket first is JSON; a list of scenes at the left margin is YAML; a heading makes it Markdown.
    if text.trim_start().starts_with(['{', '[']) {
        return Format::Yaml;
    }
    let scenes_key = text.lines().any(|line| {
        line.split_once(':').is_some_and(|(key, rest)| {
            matches!(key, "scenes" | "shots" | "cuts" | "clips")
                && (rest.trim().is_empty() || rest.trim().starts_with(['[', '{', '#', '&']))
        })
    });
    let heading = text.lines().any(|line| line.starts_with("## ") || line.starts_with("### "));
    if scenes_key && !heading { Format::Yaml } else { Format::Markdown }
}
