//! Rows of labelled values as a storyboard: fields, ids, lengths, what shots take from their scene, and the film's own.

use super::people;
use super::row::{self, Found, Row, is_empty};
use super::times;
use super::values::{Settled, Settler};
use super::{Fate, Format, Import};
use crate::source::{Source, Span, Spanned};
use crate::storyboard::draft::{self, Meaning};
use crate::storyboard::field::GLOBAL_FIELDS;
use crate::storyboard::markdown::heading;
use crate::storyboard::node::{Node, NodeKind};
use crate::storyboard::problems::{Problems, quoted};
use crate::storyboard::{Field, Scene, SceneId, Storyboard, Value, document, normalise_label};
use std::collections::{HashMap, HashSet};

/// Makes a storyboard of what a format's reader found.
pub(super) fn settle(source: &Source, mut found: Found, format: Format) -> Import {
    let mut settler = Settler::new(source);
    settler.frame_rate = frame_rate(&found);
    times::mark_starts(&mut found.rows, settler.frame_rate);
    let mut scenes = Vec::new();
    for row in &found.rows {
        scenes.extend(scene(&mut settler, row));
    }
    lengths(&mut settler, &mut scenes);
    let ids = ids(&mut settler, &mut scenes);
    let mut film = Film {
        board: Storyboard::default(),
        notes: Vec::new(),
        aliases: HashMap::new(),
        size: (None, None),
    };
    film.globals(&mut settler, &found);
    // The colours of a scene add to the style of the film; alone they would stand in its place.
    if let Some(style) = film.board.defaults.text(Field::Style).map(str::to_owned) {
        for scene in &mut scenes {
            let part = scene.labels.get(&Field::Style).is_some_and(|(rank, _)| *rank >= row::PART);
            if let (true, Some(own)) = (part, scene.fields.text(Field::Style)) {
                let joined = Value::Text(format!("{style}, {own}"));
                scene.fields.set(Field::Style, Spanned::new(joined, scene.span));
            }
        }
    }
    film.board.scenes =
        scenes.into_iter().zip(ids).map(|(settled, id)| into_scene(settled, id)).collect();
    film.rename();
    film.hoist();
    Import { format, board: film.board, notes: film.notes, remarks: settler.remarks }
}

fn frame_rate(found: &Found) -> Option<f64> {
    fn rate(entries: &[(Spanned<String>, Node)], depth: usize) -> Option<f64> {
        entries.iter().find_map(|(label, node)| match &node.kind {
            NodeKind::Map(inner) if depth < 2 => rate(inner, depth + 1),
            _ if matches!(normalise_label(&label.value).as_str(), "fps" | "framerate") => {
                let rate =
                    node.as_text()?.trim().trim_end_matches("fps").trim().parse::<f64>().ok()?;
                (rate.is_finite() && rate > 0.0 && rate <= 1000.0).then_some(rate)
            }
            _ => None,
        })
    }
    rate(&found.globals, 0)
}

/// A row as a scene, or its shots as scenes that take the row's fields.
fn scene(settler: &mut Settler<'_>, row: &Row) -> Vec<Settled> {
    let mut own = Settled { span: row.span, ..Settled::default() };
    if let Some(id) = &row.id {
        own.id = Some(id.clone());
    }
    if let Some(title) = &row.title {
        let words = title.value.split_whitespace().collect::<Vec<_>>().join(" ");
        own.title = Some(Spanned::new(words, title.span));
    }
    for (label, node) in &row.entries {
        settler.put(&mut own, label, node, 0);
    }
    if row.shots.is_empty() {
        return vec![own];
    }
    let mut shots: Vec<Settled> = row.shots.iter().flat_map(|shot| scene(settler, shot)).collect();
    inherit(settler, own, &mut shots);
    shots
}

/// Shots take what their scene says, as in a storyboard's own reader: words and cuts once, the picture never over their own.
fn inherit(settler: &mut Settler<'_>, mut scene: Settled, shots: &mut [Settled]) {
    let parent = scene.id.as_ref().map(|id| simple(&id.value));
    for (index, shot) in shots.iter_mut().enumerate() {
        if let Some(parent) = &parent {
            let own = shot.part.take().or_else(|| shot.id.take());
            let own = own.map_or_else(|| (index + 1).to_string(), |id| simple(&id.value));
            let names_it = own
                .strip_prefix(parent.as_str())
                .is_some_and(|rest| rest.starts_with(|c: char| !c.is_ascii_digit()));
            let id = if names_it {
                own
            } else if super::cells::is_letter(&own) {
                format!("{parent}{own}")
            } else {
                format!("{parent}.{own}")
            };
            shot.id = Some(Spanned::new(id, shot.span));
        }
    }
    let Some(first) = shots.first_mut() else { return };
    if first.title.is_none() {
        first.title = scene.title.take();
    } else if let Some(title) = scene.title.take() {
        first.notes.push(format!("Scene: {}", title.value));
    }
    first.notes.append(&mut scene.notes);
    let last = shots.len() - 1;
    let fields: Vec<(Field, Spanned<Value>)> =
        scene.fields.iter().map(|(field, value)| (field, value.clone())).collect();
    for (field, value) in fields {
        let to: &mut [Settled] = match field {
            // The scene's length is that of its shots together.
            Field::Duration | Field::ClipLength => {
                if shots.iter().any(|shot| !shot.fields.has(Field::Duration) && shot.end.is_none())
                {
                    let message =
                        "the length of a scene is not shared out among its shots".to_owned();
                    settler.remark(Fate::LeftOut, field.name(), "", value.span, message);
                }
                continue;
            }
            Field::Text
            | Field::Voiceover
            | Field::Dialogue
            | Field::TransitionIn
            | Field::Notes => &mut shots[..1],
            Field::Transition => &mut shots[last..],
            _ => shots,
        };
        let picture = matches!(field, Field::Visual | Field::Prompt | Field::Action);
        let mut used = false;
        for shot in to.iter_mut() {
            let shown = shot.fields.has(Field::Visual) || shot.fields.has(Field::Prompt);
            let has = shot.fields.has(field) || (picture && shown);
            if !has {
                shot.fields.set(field, value.clone());
                used = true;
            }
        }
        if !used && let (Value::Text(text), Some(first)) = (&value.value, shots.first_mut()) {
            first.notes.push(format!("Scene {}: {text}", field.name()));
        }
    }
}

/// Lengths from starts and ends, and from where the next scene starts.
fn lengths(settler: &mut Settler<'_>, scenes: &mut [Settled]) {
    let starts: Vec<Option<f64>> = scenes.iter().map(|scene| scene.start).collect();
    for (index, scene) in scenes.iter_mut().enumerate() {
        let next = starts.get(index + 1).copied().flatten();
        let (Some(start), Some(end)) = (scene.start, scene.end.or(next)) else {
            if let (None, Some(span), false) =
                (scene.end, scene.time, scene.fields.has(Field::Duration))
            {
                let message =
                    "the last scene has a start and no end: it got no duration".to_owned();
                settler.remark(Fate::Missing, "start", "", span, message);
            }
            continue;
        };
        let span = scene.time.unwrap_or(scene.span);
        if scene.fields.has(Field::Duration) {
            continue;
        }
        let label = Spanned::new("duration".to_owned(), span);
        if end > start {
            settler.value(scene, Field::Duration, 0, &label, &times::seconds(end - start, span));
        } else {
            let message = "a scene ends before it starts: it got no duration".to_owned();
            settler.remark(Fate::LeftOut, "end", &format!("{start} - {end}"), span, message);
        }
    }
}

/// `Scene 3`, `scene_3`, `#3` and `03` are `3`; a name stays.
fn simple(text: &str) -> String {
    let text = text.trim().trim_matches(['*', '`', '#', ' ']);
    let read = heading::read(text, Span::new(0, text.len()), None);
    match read.id {
        Some(id) if read.numbered && read.title.is_none() => id.value.to_string(),
        _ => text.to_owned(),
    }
}

/// An id that every scene can be called by, and that none before it has.
fn ids(settler: &mut Settler<'_>, scenes: &mut [Settled]) -> Vec<SceneId> {
    let mut wanted: Vec<Option<String>> = scenes
        .iter()
        .map(|scene| {
            let own = simple(&scene.id.as_ref()?.value);
            Some(match &scene.part {
                Some(part) => {
                    let part = simple(&part.value);
                    if part.starts_with(&own) && part != own {
                        part
                    } else {
                        format!("{own}.{part}")
                    }
                }
                None => own,
            })
        })
        .collect();
    // The title may stand in the cell of the number: `Shot 3: The gallery`.
    for (scene, id) in scenes.iter_mut().zip(&mut wanted) {
        let Some(text) = id else { continue };
        let span = scene.id.as_ref().map_or(scene.span, |id| id.span);
        let read = heading::read(text, Span::new(0, text.len()), None);
        if let (Some(found), Some(title), true) = (&read.id, &read.title, read.numbered) {
            let words = title.value.clone();
            *id = Some(found.value.to_string());
            if scene.title.is_none() {
                scene.title = Some(Spanned::new(words, span));
            } else {
                scene.notes.push(words);
            }
        }
    }
    let mut counts: HashMap<String, usize> = HashMap::new();
    for id in wanted.iter().flatten() {
        *counts.entry(id.clone()).or_default() += 1;
    }
    let mut taken: HashSet<String> = HashSet::new();
    let mut counted: HashMap<String, usize> = HashMap::new();
    let mut given = Vec::with_capacity(scenes.len());
    // The numbers that others ask for are not given to those that ask for none.
    let reserved: HashSet<String> = wanted.iter().flatten().cloned().collect();
    for (index, (scene, id)) in scenes.iter_mut().zip(wanted).enumerate() {
        let span = scene.id.as_ref().map_or(scene.span, |id| id.span);
        let mut text = match id {
            Some(id) if counts.get(&id).copied().unwrap_or(0) > 1 => {
                let count = counted.entry(id.clone()).or_default();
                *count += 1;
                let new = format!("{id}.{count}");
                let message = format!(
                    "several scenes are numbered {}: they are numbered on as {}, ...",
                    quoted(&id),
                    quoted(&new)
                );
                let first = *count == 1;
                if first {
                    settler.remark(Fate::Changed, "id", &id, span, message);
                }
                new
            }
            Some(id) => id,
            None => {
                let mut number = index + 1;
                while taken.contains(&number.to_string()) || reserved.contains(&number.to_string())
                {
                    number += 1;
                }
                number.to_string()
            }
        };
        let fits = |text: &str| {
            super::write::heading(&SceneId::parse(text), None).is_some() && is_plain(text)
        };
        if !fits(&text) {
            let slug = document::slug(&text);
            let new: String = slug.chars().take(36).collect();
            let new = new.trim_end_matches('-').to_owned();
            let new = if new.is_empty() || !fits(&new) { (index + 1).to_string() } else { new };
            if scene.title.is_none() && !text.trim().is_empty() {
                scene.title = Some(Spanned::new(text.clone(), span));
            }
            let message =
                format!("{} cannot be the id of a scene: it is {}", quoted(&text), quoted(&new));
            settler.remark(Fate::Changed, "id", &text, span, message);
            text = new;
        }
        let mut unique = text.clone();
        let mut number = 2;
        // Two ids that differ in case or marks only would share a file.
        while !taken.insert(SceneId::parse(&unique).file_stem().to_lowercase()) {
            unique = format!("{text}.{number}");
            number += 1;
        }
        given.push(SceneId::parse(&unique));
    }
    given
}

fn is_plain(id: &str) -> bool {
    id.chars().any(char::is_alphanumeric)
        && id.chars().count() <= 40
        && id.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

fn into_scene(mut settled: Settled, id: SceneId) -> Scene {
    if !settled.notes.is_empty() {
        let mut lines: Vec<String> =
            settled.fields.text(Field::Notes).map(str::to_owned).into_iter().collect();
        for note in settled.notes {
            let note: String = note.chars().filter(|c| !crate::source::steers(*c)).collect();
            if !note.trim().is_empty() && !lines.contains(&note) {
                lines.push(note.trim().to_owned());
            }
        }
        if !lines.is_empty() {
            settled
                .fields
                .set(Field::Notes, Spanned::new(Value::Text(lines.join("\n")), settled.span));
        }
    }
    let title = settled.title.and_then(|title| {
        let words: String = title.value.chars().filter(|c| !crate::source::steers(*c)).collect();
        let words = words.trim().trim_matches(['*', '_', '`', '"']).trim().to_owned();
        (!words.is_empty()).then(|| Spanned::new(words, title.span))
    });
    Scene {
        id,
        id_span: settled.id.map_or(settled.span, |id| id.span),
        title,
        span: settled.span,
        fields: settled.fields,
        steps: settled.steps,
        unknown: Vec::new(),
        sheet_of: None,
    }
}

/// Ratios of pictures that models make.
const USUAL_RATIOS: &[(f64, f64)] = &[
    (16.0, 9.0),
    (9.0, 16.0),
    (1.0, 1.0),
    (4.0, 3.0),
    (3.0, 4.0),
    (21.0, 9.0),
    (4.0, 5.0),
    (3.0, 2.0),
    (2.0, 3.0),
];

/// What is said of the film.
struct Film {
    board: Storyboard,
    notes: Vec<String>,
    /// Names of characters by their ids.
    aliases: HashMap<String, String>,
    /// Width and height of the picture in pixels.
    size: (Option<f64>, Option<f64>),
}

impl Film {
    fn globals(&mut self, settler: &mut Settler<'_>, found: &Found) {
        if let Some(title) = &found.title {
            let words = title.value.split_whitespace().collect::<Vec<_>>().join(" ");
            self.board.title = Some(Spanned::new(words, title.span));
        }
        let mut defaults = Settled::default();
        for (label, node) in &found.globals {
            self.global(settler, &mut defaults, label, node, 0);
        }
        for note in std::mem::take(&mut defaults.notes) {
            self.notes.push(note);
        }
        if let (Some(width), Some(height), false) =
            (self.size.0, self.size.1, defaults.fields.has(Field::AspectRatio))
            && let Some(ratio) = crate::storyboard::ratio::ratio(&format!("{width}x{height}"))
        {
            // Pixels come in steps of 16: 832x480 is meant as 16:9.
            let near = USUAL_RATIOS
                .iter()
                .find(|(wide, high)| (width / height * high / wide - 1.0).abs() < 0.03);
            let ratio = near.map_or(ratio, |(wide, high)| format!("{wide}:{high}"));
            let value = Value::Text(ratio);
            defaults.fields.set(Field::AspectRatio, Spanned::new(value, Span::default()));
        }
        self.board.defaults = defaults.fields;
        self.board.default_steps = defaults.steps;
        for words in &found.loose {
            let text = words.value.split_whitespace().collect::<Vec<_>>().join(" ");
            if text.is_empty() {
                continue;
            }
            let message = "it belongs to no scene".to_owned();
            settler.remark(Fate::InFilmNotes, "", &text, words.span, message);
            self.notes.push(text);
        }
    }

    fn global(
        &mut self,
        settler: &mut Settler<'_>,
        defaults: &mut Settled,
        label: &Spanned<String>,
        node: &Node,
        depth: usize,
    ) {
        if is_empty(node) {
            return;
        }
        let key = normalise_label(&label.value);
        if matches!(
            key.as_str(),
            "characters"
                | "character"
                | "cast"
                | "characterprofiles"
                | "charactersheets"
                | "角色"
                | "人物"
                | "キャラクター"
                | "登場人物"
        ) && !matches!(node.kind, NodeKind::Scalar(_))
        {
            self.characters(settler, label, node);
            return;
        }
        if self.board.title.is_none()
            && row::meaning(&label.value) == Meaning::Title
            && let Some(text) = node.as_text()
        {
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            self.board.title = Some(Spanned::new(words, node.span));
            return;
        }
        if let NodeKind::Map(entries) = &node.kind
            && depth < 3
        {
            let known = |(label, _): &(Spanned<String>, Node)| {
                row::meaning(&label.value)
                    .field()
                    .is_some_and(|field| GLOBAL_FIELDS.contains(&field))
                    || matches!(
                        normalise_label(&label.value).as_str(),
                        "characters" | "fps" | "width"
                    )
            };
            if entries.iter().any(known) {
                for (inner, value) in entries {
                    self.global(settler, defaults, inner, value, depth + 1);
                }
                return;
            }
        }
        let meaning = row::meaning(&label.value);
        match meaning.field() {
            Some(field) if GLOBAL_FIELDS.contains(&field) => {
                // `format: a vertical short` is no ratio, and nobody's mistake.
                settler.put(defaults, label, node, 1);
            }
            _ if matches!(meaning, Meaning::Steps) => settler.put(defaults, label, node, 0),
            _ if key == "fps" || key == "framerate" => self.note(label, node),
            _ if key == "width" || key == "height" => {
                let pixels = node
                    .as_text()
                    .and_then(|text| text.trim().trim_end_matches("px").trim().parse().ok());
                let place = if key == "width" { &mut self.size.0 } else { &mut self.size.1 };
                *place = pixels;
                self.note(label, node);
            }
            _ => {
                let text = draft::raw_text(node);
                let message = match meaning.field() {
                    Some(field) => {
                        format!("`{}` of the whole film is not asked of every clip", field.name())
                    }
                    None => format!("nothing of a film is called {}", quoted(&label.value)),
                };
                settler.remark(Fate::InFilmNotes, &label.value, &text, label.span, message);
                self.note(label, node);
            }
        }
    }

    fn note(&mut self, label: &Spanned<String>, node: &Node) {
        let text = draft::raw_text(node).split_whitespace().collect::<Vec<_>>().join(" ");
        self.notes.push(format!("{}: {text}", label.value.trim()));
    }

    fn characters(&mut self, settler: &mut Settler<'_>, label: &Spanned<String>, node: &Node) {
        people::aliases(node, &mut self.aliases);
        let mut scratch = Problems::new(settler.source);
        let read = document::read_characters(&people::described(node), &mut scratch);
        for problem in scratch.finish() {
            let text = settler.source.slice(problem.span).to_owned();
            settler.remark(Fate::LeftOut, &label.value, &text, problem.span, problem.message);
        }
        self.board.characters.extend(read);
    }

    /// Scenes call characters by their names.
    fn rename(&mut self) {
        for scene in &mut self.board.scenes {
            let Some(Value::Names(names)) =
                scene.fields.get(Field::Characters).map(|names| names.value.clone())
            else {
                continue;
            };
            let named = names
                .into_iter()
                .map(|name| self.aliases.get(&name.to_lowercase()).cloned().unwrap_or(name));
            let named = Value::Names(named.collect());
            scene.fields.set(Field::Characters, Spanned::new(named, scene.span));
        }
    }

    /// What every scene says is said once, for the film.
    fn hoist(&mut self) {
        let shared = [
            Field::AspectRatio,
            Field::Model,
            Field::ImageModel,
            Field::Resolution,
            Field::Style,
            Field::Negative,
        ];
        for field in shared {
            let scenes = &mut self.board.scenes;
            let Some(first) = scenes.first().and_then(|scene| scene.fields.get(field)).cloned()
            else {
                continue;
            };
            let same = |scene: &Scene| {
                scene.fields.get(field).is_some_and(|value| value.value == first.value)
            };
            let own = self.board.defaults.get(field).is_none_or(|value| value.value == first.value);
            if scenes.len() >= 2 && own && scenes.iter().all(same) {
                for scene in scenes {
                    scene.fields.remove(field);
                }
                self.board.defaults.set(field, first);
            }
        }
    }
}
