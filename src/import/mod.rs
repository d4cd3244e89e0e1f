//! Storyboards in the shapes that other people and tools give them: tables, JSON and YAML, CSV, VideoFlow's asset plans,
//! Fountain scripts.
//!
//! [`read`] takes a text and gives a [`Storyboard`] with a list of everything that did not find its place as it was;
//! [`Import::text`] is that storyboard as a clean `SCENES.md`. Each format has a reader that finds labelled values by scene
//! (`row.rs`); one score (`score.rs`) says whether these are scenes of a film at all, because a scene that was not meant
//! to be one costs money; and one place (`settle.rs`) makes fields of them, with the labels and the values of the
//! storyboard's own readers. Nothing is opened or fetched: paths in an imported text are data.

mod asset_plan;
mod cells;
mod csv;
mod detect;
mod finish;
mod fountain;
mod habits;
mod people;
mod row;
mod score;
mod settle;
mod shapes;
mod table;
mod times;
mod tree;
mod values;
mod write;

pub use asset_plan::merge;
pub use detect::{Format, format_of};
pub use write::write;

use crate::source::{Diagnostic, Source, Span, Spanned};
use crate::storyboard::{Character, Field, Fields, Step, Storyboard, Value};

/// What an import gave.
#[derive(Debug, Clone)]
pub struct Import {
    /// What it was read as.
    pub format: Format,
    /// The film.
    pub board: Storyboard,
    /// Lines about the film as a whole that have no field, for people.
    pub notes: Vec<String>,
    /// Everything that is not where it was, in document order.
    pub remarks: Vec<Remark>,
}

impl Import {
    /// The film as a `SCENES.md`.
    pub fn text(&self) -> String {
        write(&self.board, &self.notes)
    }
}

/// What became of something that has no field of its own, or not the value of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// Kept under the scene's notes.
    InNotes,
    /// Kept under the film's notes, in front matter.
    InFilmNotes,
    /// Not in the storyboard.
    LeftOut,
    /// In the storyboard, but not as it was written.
    Changed,
    /// Filled from an asset plan.
    Filled,
    /// The storyboard and the asset plan say different things; the storyboard's words stay.
    Conflict,
    /// Something that the author has to add.
    Missing,
}

/// One thing that is not where it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// What became of it.
    pub fate: Fate,
    /// The column, key or label, as written.
    pub label: String,
    /// Its value, as written; of the first place where there are several.
    pub value: String,
    /// What is said of it, in lower case without a full stop.
    pub message: String,
    /// Where it stands first.
    pub span: Span,
    /// In how many places it is the same.
    pub places: usize,
}

/// Reads a storyboard in another's shape. `asked` is the format that the user named, which also says that the text is
/// meant to be a storyboard.
///
/// # Errors
/// Why the text is none, with what was looked for and what to do; or what is wrong with its syntax.
pub fn read(source: &Source, asked: Option<Format>) -> Result<Import, Vec<Diagnostic>> {
    let format = asked.unwrap_or_else(|| format_of(source));
    match format {
        Format::AssetPlan => asset_plan::import(source),
        Format::Fountain => fountain::import(source),
        Format::Csv => {
            let found = csv::read(source)?;
            settled(source, format, found, asked.is_some())
        }
        Format::Markdown => {
            let found = table::read(source)?;
            settled(source, format, found, asked.is_some())
        }
        Format::Json | Format::Yaml => {
            if let Some(import) = direct(source, format) {
                return Ok(import);
            }
            let found = tree::read(source)?;
            settled(source, format, found, asked.is_some())
        }
    }
}

/// True when two storyboards say the same, wherever they say it.
pub fn same(one: &Storyboard, other: &Storyboard) -> bool {
    let fields = |fields: &Fields| -> Vec<(Field, Value)> {
        fields.iter().map(|(field, value)| (field, value.value.clone())).collect()
    };
    let steps = |steps: &Option<Vec<Step>>| -> Option<Vec<_>> {
        steps
            .as_ref()
            .map(|steps| steps.iter().map(|step| (step.kind, fields(&step.fields))).collect())
    };
    let title = |title: &Option<Spanned<String>>| title.as_ref().map(|title| title.value.clone());
    let people = |board: &Storyboard| -> Vec<_> {
        let of = |one: &Character| {
            let images: Vec<_> = one.images.iter().map(|image| image.value.clone()).collect();
            let sheet = one.sheet.as_ref().map(|sheet| sheet.value.clone());
            (one.name.value.clone(), title(&one.look), title(&one.voice), images, sheet)
        };
        board.characters.iter().map(of).collect()
    };
    // A character's sheet is a scene that the reader adds.
    let scenes = |board: &Storyboard| -> Vec<_> {
        let own = board.scenes.iter().filter(|scene| scene.sheet_of.is_none());
        own.map(|scene| {
            (scene.id.clone(), title(&scene.title), fields(&scene.fields), steps(&scene.steps))
        })
        .collect()
    };
    title(&one.title) == title(&other.title)
        && fields(&one.defaults) == fields(&other.defaults)
        && steps(&one.default_steps) == steps(&other.default_steps)
        && people(one) == people(other)
        && scenes(one) == scenes(other)
}

/// A document that the storyboard's own reader understands in every word is taken as that reads it.
fn direct(source: &Source, format: Format) -> Option<Import> {
    let reading = crate::storyboard::read(source);
    let known = |problem: &Diagnostic| !problem.is_error() && problem.code != "unknown-field";
    let board = reading.storyboard?;
    let whole = board.profiles.is_empty() && board.includes.is_empty();
    let plain = reading.diagnostics.iter().all(known) && whole;
    if !plain || tree::has_foreign_keys(source) {
        return None;
    }
    let mut import = Import { format, board, notes: Vec::new(), remarks: Vec::new() };
    finish::finish(&mut import);
    Some(import)
}

fn settled(
    source: &Source,
    format: Format,
    found: row::Found,
    asked: bool,
) -> Result<Import, Vec<Diagnostic>> {
    score::judge(source, &found, format, asked)?;
    let mut import = settle::settle(source, found, format);
    finish::finish(&mut import);
    Ok(import)
}

/// A refusal, with what to do where the text is a storyboard after all.
fn refusal(source: &Source, why: &str, looked_for: &str, hint: &str) -> Vec<Diagnostic> {
    let span = crate::storyboard::problems::first_line(source);
    vec![
        Diagnostic::error("not-a-storyboard", format!("this is not a storyboard: {why}"), span)
            .label(format!("looked for {looked_for}"))
            .hint(hint),
    ]
}
