//! Whether labelled values are scenes of a film. Other documents have lists and tables with descriptions, too.

use super::row::{self, Found, Row, is_empty, is_sentence};
use super::{Format, refusal};
use crate::source::{Diagnostic, Source};
use crate::storyboard::draft::Meaning;
use crate::storyboard::duration;
use crate::storyboard::node::{Node, NodeKind};
use crate::storyboard::{Field, normalise_label};
use std::collections::{BTreeMap, BTreeSet};

/// A storyboard has at least this many points.
const ENOUGH: i32 = 3;

/// Labels, normalised, of invoices, time sheets, component catalogues, specifications, data sets and settings.
const FOREIGN: &[&str] = &[
    "price",
    "unitprice",
    "amount",
    "qty",
    "quantity",
    "sku",
    "invoice",
    "invoiceno",
    "invoicenumber",
    "total",
    "vat",
    "tax",
    "cost",
    "rate",
    "stock",
    "barcode",
    "customer",
    "client",
    "email",
    "phone",
    "address",
    "component",
    "components",
    "props",
    "prop",
    "default",
    "required",
    "parameter",
    "method",
    "endpoint",
    "entityid",
    "entities",
    "assignee",
    "priority",
    "duedate",
    "sprint",
    "storypoints",
    "completion",
    "response",
    "answer",
    "question",
    "expected",
    "dependency",
    "dependencies",
    "deprecated",
    "variant",
    "usage",
    "import",
    "token",
    "hours",
    "task",
    "project",
    "department",
    "salary",
    "temperature",
    "nodes",
    "choices",
    "betrag",
    "menge",
    "preis",
    "金额",
    "数量",
    "价格",
    "単価",
    "aantal",
    "prijs",
    "url",
    "views",
    "likes",
    "channel",
    "artist",
    "album",
    "state",
    "trigger",
    "condition",
    "actions",
    "command",
    "option",
    "flag",
    "version",
    "license",
    "author",
    "acceptancecriteria",
    "userstory",
    "breakpoint",
    "figma",
    "onclick",
    "route",
    "selector",
    "ingredient",
    "calories",
    "chapter",
];

/// What one label proves.
struct Proof {
    points: i32,
    picture: bool,
}

/// Says why these rows are no scenes of a film.
pub(super) fn judge(
    source: &Source,
    found: &Found,
    format: Format,
    asked: bool,
) -> Result<(), Vec<Diagnostic>> {
    let mut rows = Vec::new();
    for row in &found.rows {
        row.leaves(&mut rows);
    }
    let mut points = found.context + name_points(source.name());
    let mut seen: BTreeMap<String, Proof> = BTreeMap::new();
    let mut pictures = 0;
    for row in &rows {
        let mut shows = false;
        let mut both = BTreeSet::new();
        for (label, node) in flat(row) {
            let key = normalise_label(label);
            let proof = seen.entry(key.clone()).or_insert_with(|| prove(&key, label, node));
            shows |= proof.picture;
            both.insert(key);
        }
        pictures += usize::from(shows);
    }
    // What is said of a scene that holds shots says it of them, too.
    for row in found.rows.iter().filter(|row| !row.shots.is_empty()) {
        for (label, node) in flat(row) {
            let key = normalise_label(label);
            seen.entry(key.clone()).or_insert_with(|| prove(&key, label, node));
        }
    }
    points += seen.values().map(|proof| proof.points).sum::<i32>();
    let numbered = |row: &&&Row| {
        row.id.as_ref().is_some_and(|id| {
            super::cells::is_number(&id.value) || super::cells::is_headed(&id.value)
        })
    };
    let scene_ids = rows.iter().filter(numbered).count();
    points += i32::from(scene_ids * 2 > rows.len());
    let enough = if asked { 1 } else { ENOUGH };
    let looked_for = match format {
        Format::Csv | Format::Markdown => "columns such as `Shot`, `Visual`, `Camera`, `Duration`",
        _ => "a list such as `scenes` whose entries have a `visual` or a `prompt`",
    };
    let named = |labels: &mut dyn Iterator<Item = &str>| {
        let labels: Vec<String> = labels.take(6).map(crate::storyboard::problems::quoted).collect();
        labels.join(", ")
    };
    let written: Vec<&str> = {
        let mut all: Vec<&str> = Vec::new();
        for label in
            rows.iter().flat_map(|row| row.entries.iter().map(|(label, _)| label.value.as_str()))
        {
            if !all.contains(&label) && all.len() < 40 {
                all.push(label);
            }
        }
        all
    };
    if rows.is_empty() {
        return Err(refusal(source, nothing(format), looked_for, HINT));
    }
    if pictures == 0 || pictures * 2 < rows.len() && pictures < 3 {
        let why = if written.is_empty() {
            "nothing in it says what is seen".to_owned()
        } else {
            format!("none of {} says what is seen", named(&mut written.iter().copied()))
        };
        return Err(refusal(source, &why, looked_for, HINT));
    }
    if points < enough {
        let why =
            format!("too few of its labels are a film's: {}", named(&mut written.iter().copied()));
        let hint = format!("if it is one, say so: `--format {}`; {HINT}", format.name());
        return Err(refusal(source, &why, looked_for, if asked { HINT } else { &hint }));
    }
    Ok(())
}

/// What to do about a document that is no storyboard.
const HINT: &str =
    "`storyreel init` writes a starter; `storyreel import --help` lists what is read";

fn nothing(format: Format) -> &'static str {
    match format {
        Format::Csv => "it has no row below its header",
        Format::Markdown => "no table in it has a shot a row or a field a row",
        Format::Json | Format::Yaml => "no list in it holds scenes, shots, cuts or clips",
        Format::AssetPlan | Format::Fountain => "it has no scene",
    }
}

/// The labels of a row with their values; those one level down as well (`video: {prompt: ...}`).
fn flat(row: &Row) -> impl Iterator<Item = (&str, &Node)> {
    row.entries.iter().filter(|(_, node)| !is_empty(node)).flat_map(|(label, node)| {
        let inner: &[_] = match &node.kind {
            NodeKind::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        let inner = inner.iter().filter(|(_, node)| !is_empty(node));
        std::iter::once((label.value.as_str(), node))
            .chain(inner.map(|(label, node)| (label.value.as_str(), node)))
    })
}

fn prove(key: &str, label: &str, node: &Node) -> Proof {
    let proof = |points, picture| Proof { points, picture };
    if FOREIGN.contains(&key) {
        return proof(-2, false);
    }
    let words = || node.as_text().is_none_or(is_sentence) && !matches!(node.kind, NodeKind::Null);
    match row::meaning(label) {
        Meaning::Field(field, _) => match field {
            Field::Prompt if matches!(key, "prompt" | "提示词" | "プロンプト") => {
                proof(1, true)
            }
            Field::Prompt | Field::ImagePrompt => proof(3, true),
            Field::Visual => match key {
                "description" | "scene" | "内容" | "描述" | "beschreibung" | "beschrijving"
                | "content" => proof(1, true),
                _ => proof(3, true),
            },
            Field::Video if words() => proof(3, true),
            Field::Reference if words() => proof(1, true),
            Field::Reference | Field::File | Field::Video => proof(0, true),
            Field::Subject => proof(0, true),
            Field::Action => proof(1, true),
            Field::Camera => proof(if matches!(key, "move" | "movement") { 1 } else { 2 }, false),
            Field::Shot if words() => proof(3, true),
            Field::Shot => proof(if key == "size" { 0 } else { 2 }, false),
            Field::Voiceover => proof(2, false),
            Field::Negative if key != "exclude" => proof(2, false),
            Field::Text => proof(i32::from(key != "text"), false),
            Field::Dialogue => proof(i32::from(!matches!(key, "line" | "lines")), false),
            Field::Transition | Field::TransitionIn | Field::Music | Field::Ambient => {
                proof(1, false)
            }
            Field::Sfx => proof(i32::from(key != "effects"), false),
            Field::Lighting => proof(1, false),
            Field::AspectRatio => proof(i32::from(key != "format"), false),
            Field::Duration => {
                let text = node.as_text().unwrap_or("5");
                let zero = text.contains(':');
                proof(i32::from(zero || duration::parse(text, Some(24.0)).is_ok()), false)
            }
            _ => proof(0, false),
        },
        Meaning::Id => {
            let film = ["scene", "shot", "镜", "カット", "シーン", "szene"];
            proof(if film.iter().any(|word| key.contains(word)) { 2 } else { 0 }, false)
        }
        _ => {
            let time = matches!(key, "start" | "end" | "starttime" | "endtime" | "startseconds");
            proof(i32::from(time), false)
        }
    }
}

/// What a file is called proves little, and something.
fn name_points(name: &str) -> i32 {
    let name = std::path::Path::new(name).file_stem().unwrap_or_default().to_string_lossy();
    let key = normalise_label(&name);
    let words = [
        "storyboard",
        "shotlist",
        "shots",
        "scenes",
        "shotplan",
        "videoscript",
        "videoplan",
        "分镜",
        "镜头",
        "絵コンテ",
        "drehbuch",
        "draaiboek",
        "avscript",
    ];
    i32::from(words.iter().any(|word| key.contains(word)))
}
