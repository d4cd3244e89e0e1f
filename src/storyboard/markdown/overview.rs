//! Overviews: a table beside the headings of the same scenes. The headings count, the table fills gaps.

use super::super::draft::Meaning;
use super::super::field::{Field, SHOWN, Value};
use super::super::problems::{Problems, quoted};
use super::super::scene::{Scene, SceneId};
use super::super::value::{self, Outcome};
use super::super::words;
use super::heading;
use super::table::{self, Table};
use crate::source::{Diagnostic, Spanned};
use std::collections::HashMap;

/// Words of a heading under which a table of all scenes stands.
const WORDS: &[&str] = &[
    "overview",
    "summary",
    "shot list",
    "shotlist",
    "scene list",
    "scenes",
    "shots",
    "breakdown",
    "at a glance",
    "timeline",
    "index",
    "总览",
    "概览",
    "一览",
    "分镜表",
    "镜头表",
    "概要",
    "一覧",
    "カット表",
    "übersicht",
    "szenenliste",
    "overzicht",
    "scènelijst",
];

/// What stands below the rows of the scenes.
const TOTALS: &[&str] =
    &["total", "totals", "sum", "合计", "总计", "共计", "合計", "gesamt", "summe", "totaal"];

/// True for the heading of an overview.
pub(super) fn is_overview(words: &str) -> bool {
    let words = words.to_lowercase();
    WORDS.iter().any(|word| words.contains(word))
}

/// Merges the tables outside of scenes that are overviews of them, each with whether it may be one; the others are told.
pub(super) fn merge_all(
    tables: &[(Table, bool)],
    scenes: &mut [(Scene, bool)],
    problems: &mut Problems<'_>,
) {
    for (table, may_be_overview) in tables.iter().filter(|(table, _)| table.is_list()) {
        if *may_be_overview && merge(table, scenes, problems) {
            continue;
        }
        problems.push(
            Diagnostic::warning(
                "table-ignored",
                "this table is not read, the headings are",
                table.span,
            )
            .label("not read")
            .hint("put what only the table says under the scenes' headings"),
        );
    }
}

/// Fills what the headings leave out. False for a table that is not about these scenes.
fn merge(table: &Table, scenes: &mut [(Scene, bool)], problems: &mut Problems<'_>) -> bool {
    let places: HashMap<String, usize> =
        scenes.iter().enumerate().map(|(at, (scene, _))| (scene.id.key(), at)).collect();
    let Some(ids) = id_column(table, &places) else { return false };
    let meanings = table.meanings();
    for row in &table.rows {
        let Some(cell) = row.get(ids) else { continue };
        let Some((id, title)) = id_of(cell) else {
            continue;
        };
        let Some(place) = places.get(&id.key()) else {
            let inside = format!("{id}.");
            let has_shots = places.keys().any(|key| key.starts_with(&inside));
            if !has_shots {
                missing(&id, cell, problems);
            }
            continue;
        };
        let (scene, broken) = &mut scenes[*place];
        if scene.title.is_none() {
            scene.title = title;
        }
        for (column, cell) in row.iter().enumerate().filter(|(column, _)| *column != ids) {
            let Some(label) = table.columns.get(column) else { continue };
            match meanings[column] {
                Meaning::Title if scene.title.is_none() => {
                    scene.title = words::plain(&table::node(cell));
                }
                Meaning::Field(field, _) => {
                    *broken |= !fill(scene, meant(field, cell), label, cell, problems);
                }
                _ => {}
            }
        }
    }
    true
}

/// A column `shot` with sentences is what is seen, not how large.
fn meant(field: Field, cell: &Spanned<String>) -> Field {
    let is_sentence = cell.value.split_whitespace().count() > 5;
    if field == Field::Shot && is_sentence { Field::Visual } else { field }
}

/// Puts a cell where the scene has nothing. False for a value that is wrong.
fn fill(
    scene: &mut Scene,
    field: Field,
    label: &Spanned<String>,
    cell: &Spanned<String>,
    problems: &mut Problems<'_>,
) -> bool {
    // What a scene shows is said once: a prompt of its own needs no description.
    let is_said =
        scene.fields.has(field) || field == Field::Visual && scene.fields.has(Field::Prompt);
    // A list of the material a film is made of says nothing of a scene that shows something of its own.
    let is_shown = SHOWN.iter().any(|shown| scene.fields.has(*shown));
    let is_about_files = matches!(field, Field::File | Field::Kind) && is_shown;
    if (is_said || is_about_files) && field != Field::Duration {
        return true;
    }
    let value = match value::read(field, label, &table::node(cell), problems) {
        Outcome::Value(value) => value,
        Outcome::Nothing => return true,
        Outcome::Wrong => return false,
    };
    match scene.fields.get(field) {
        None => {
            scene.fields.set(field, value);
        }
        Some(own) => differs(scene, own, &value, problems),
    }
    true
}

/// Two lengths of one scene: nobody can tell which is the newer one.
fn differs(
    scene: &Scene,
    own: &Spanned<Value>,
    value: &Spanned<Value>,
    problems: &mut Problems<'_>,
) {
    let (Value::Seconds(here), Value::Seconds(there)) = (&own.value, &value.value) else { return };
    if (here - there).abs() < 0.05 {
        return;
    }
    problems.push(
        Diagnostic::warning(
            "table-differs",
            format!(
                "scene {} is {here} s long under its heading, and {there} s in this table",
                quoted(&scene.id.to_string())
            ),
            value.span,
        )
        .label("not used")
        .related(own.span, "used")
        .hint("the heading counts; write the same in both"),
    );
}

fn missing(id: &SceneId, cell: &Spanned<String>, problems: &mut Problems<'_>) {
    problems.push(
        Diagnostic::warning(
            "row-without-scene",
            format!("scene {} stands in this table only", quoted(&id.to_string())),
            cell.span,
        )
        .label("not rendered: no heading is this scene")
        .hint(format!("add `## Scene {id}` with what is seen, or take the row away")),
    );
}

/// The column that names most of the scenes.
fn id_column(table: &Table, places: &HashMap<String, usize>) -> Option<usize> {
    let count = |column: usize| {
        let cells = table.rows.iter().filter_map(|row| row.get(column));
        cells.filter_map(id_of).filter(|(id, _)| places.contains_key(&id.key())).count()
    };
    let named = (0..table.columns.len().min(4)).map(|column| (count(column), column));
    // Of equal ones the first.
    let (found, column) = named.max_by_key(|(found, column)| (*found, usize::MAX - column))?;
    (found > 0 && 2 * found >= table.rows.len().min(places.len())).then_some(column)
}

/// The id in a cell such as `1`, `**Scene 2**` or `3. The gallery`, and the title after it.
fn id_of(cell: &Spanned<String>) -> Option<(SceneId, Option<Spanned<String>>)> {
    let words = cell.value.trim_matches(['*', '_', '`']).to_lowercase();
    if words.is_empty() || TOTALS.iter().any(|total| words.starts_with(total)) {
        return None;
    }
    // Places would not be true where a bar lost its backslash.
    let heading = heading::read(&cell.value, cell.span, None);
    let exact = cell.value.len() == cell.span.end - cell.span.start;
    match heading.id {
        Some(id) => Some((id.value, heading.title.filter(|_| exact))),
        // An id of mere letters: `hook`.
        None if words.split_whitespace().count() == 1 => Some((SceneId::parse(&words), None)),
        None => None,
    }
}
