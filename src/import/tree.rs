//! JSON and YAML in other people's shapes: the list of scenes is found wherever it lies, and what lies around it is about
//! the film.

use super::cells::is_number;
use super::row::{self, Entry, Found, Row, is_empty, is_sentence};
use crate::source::{Diagnostic, Source, Span, Spanned};
use crate::storyboard::draft::{self, Meaning};
use crate::storyboard::node::{Node, NodeKind};
use crate::storyboard::problems::Problems;
use crate::storyboard::{Field, normalise_label, yaml};
use std::collections::HashSet;

/// Keys of lists of scenes, normalised, with what they prove.
const LISTS: &[(&str, i32)] = &[
    ("scenes", 2),
    ("shots", 2),
    ("shotlist", 2),
    ("scenelist", 2),
    ("storyboard", 2),
    ("storyboards", 2),
    ("cuts", 1),
    ("clips", 1),
    ("frames", 1),
    ("panels", 1),
    ("beats", 1),
    ("segments", 1),
    ("slides", 0),
    ("keyframes", 1),
    ("timeline", 1),
    ("videoscenes", 2),
    ("storyboardscenes", 2),
    ("storyboardframes", 2),
    ("videoclips", 2),
    ("分镜", 2),
    ("分镜列表", 2),
    ("镜头", 2),
    ("镜头列表", 2),
    ("场景", 2),
    ("シーン", 2),
    ("カット", 2),
    ("ショット", 2),
    ("szenen", 2),
    ("einstellungen", 2),
    ("scènes", 2),
    ("escenas", 2),
];

/// Keys of lists whose entries hold lists of scenes.
const GROUPS: &[&str] = &[
    "acts",
    "sequences",
    "chapters",
    "parts",
    "episodes",
    "sections",
    "segments",
    "groups",
    "幕",
    "章节",
    "akte",
];

/// How deep the list of scenes may lie.
const DEEPEST: usize = 6;

/// Reads a JSON or YAML document.
pub(super) fn read(source: &Source) -> Result<Found, Vec<Diagnostic>> {
    let mut problems = Problems::new(source);
    let text = source.text();
    let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let name = source.name().to_ascii_lowercase();
    let root = if name.ends_with(".jsonl") || name.ends_with(".ndjson") {
        lines(text, start, &mut problems)
    } else {
        yaml::parse(Span::new(start, text.len()), &mut problems)
    };
    match root {
        Some(root) => Ok(of_node(&root)),
        None if problems.any() => Err(problems.finish()),
        None => Ok(Found::default()),
    }
}

/// JSON, a value a line.
fn lines(text: &str, start: usize, problems: &mut Problems<'_>) -> Option<Node> {
    let mut items = Vec::new();
    let mut at = start;
    for line in text[start..].split_inclusive('\n') {
        if !line.trim().is_empty() {
            items.push(yaml::parse(Span::new(at, at + line.trim_end().len()), problems)?);
        }
        at += line.len();
    }
    Some(Node { kind: NodeKind::List(items), span: Span::new(start, text.len()) })
}

/// True for a document that has more around its scenes than the storyboard's own reader makes something of.
pub(super) fn has_foreign_keys(source: &Source) -> bool {
    let mut problems = Problems::new(source);
    let start = if source.text().starts_with('\u{feff}') { 3 } else { 0 };
    let Some(root) = yaml::parse(Span::new(start, source.text().len()), &mut problems) else {
        return true;
    };
    match &root.kind {
        NodeKind::List(_) => false,
        NodeKind::Map(entries) => entries.iter().any(|(key, node)| {
            let name = normalise_label(&key.value);
            let list = list_points(&name).is_some() && matches!(node.kind, NodeKind::List(_));
            let own =
                matches!(name.as_str(), "title" | "defaults" | "characters" | "scenes" | "steps");
            !(list
                || own
                || row::meaning(&key.value).field().is_some_and(|field| !field.spec().editorial))
        }),
        _ => true,
    }
}

/// The scenes in a tree, wherever they lie.
pub(super) fn of_node(root: &Node) -> Found {
    let mut found = Found::default();
    if let NodeKind::List(items) = &root.kind {
        // Sentences in a list could be anything's.
        let texts = items.iter().all(|item| !matches!(item.kind, NodeKind::Map(_)));
        return if texts { found } else { scenes(root, 0).unwrap_or_default() };
    }
    if let Some(found) = search(root, 0) {
        return found;
    }
    if is_scene(root) {
        // One prompt in many words is a film of one scene.
        found.rows.push(row(root));
    }
    found
}

fn list_points(name: &str) -> Option<i32> {
    LISTS.iter().find(|(known, _)| *known == name).map(|(_, points)| *points)
}

/// The points of a key that is a word: `/clips` is none.
fn points_of(key: &Spanned<String>) -> Option<i32> {
    let word =
        key.value.trim().chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '));
    list_points(&normalise_label(&key.value)).filter(|_| word)
}

/// The scenes in a map, with what lies beside them. `None` where it has none, however deep.
fn search(node: &Node, depth: usize) -> Option<Found> {
    let NodeKind::Map(entries) = &node.kind else { return None };
    if depth > DEEPEST {
        return None;
    }
    let mut found = Found::default();
    // `scene1: {...}, scene2: {...}` without a list around them.
    let numbered = |(key, node): &&Entry| {
        is_number(&key.value) && key.value.chars().any(char::is_alphabetic) && is_scene(node)
    };
    if entries.iter().filter(numbered).count() >= 2 {
        for entry in entries {
            if numbered(&entry) {
                let mut row = row(&entry.1);
                row.id = Some(entry.0.clone());
                found.rows.push(row);
            } else {
                beside(entry, &mut found);
            }
        }
        found.context += 2;
        return Some(found);
    }
    let own = entries.iter().enumerate().find_map(|(at, (key, node))| {
        let points = points_of(key)?;
        let mut inner = scenes(node, depth)?;
        inner.context += points;
        Some((at, inner))
    });
    let grouped = || {
        entries.iter().enumerate().find_map(|(at, (key, node))| {
            let is_group = GROUPS.contains(&normalise_label(&key.value).as_str());
            is_group.then(|| groups(node, depth)).flatten().map(|inner| (at, inner))
        })
    };
    let deeper = || {
        entries.iter().enumerate().find_map(|(at, (key, node))| {
            let mut inner = search(node, depth + 1)?;
            let key = normalise_label(&key.value);
            let film = ["storyboard", "video", "film", "movie", "分镜"];
            inner.context += i32::from(film.iter().any(|word| key.contains(word)));
            Some((at, inner))
        })
    };
    let (at, mut inner) = own.or_else(grouped).or_else(deeper)?;
    for (index, entry) in entries.iter().enumerate() {
        let (key, node) = entry;
        if index == at {
            continue;
        }
        let other: Vec<Row> = match (&node.kind, points_of(key)) {
            (NodeKind::List(items), Some(_)) => items.iter().map(row).collect(),
            _ => Vec::new(),
        };
        // Shots beside the scenes that they name belong into them.
        if !other.is_empty() && belongs(&other) {
            attach(&mut inner.rows, other);
        } else if !other.is_empty() && belongs(&inner.rows) {
            let shots = std::mem::replace(&mut inner.rows, other);
            attach(&mut inner.rows, shots);
        } else {
            beside(entry, &mut found);
        }
    }
    found.title = found.title.or(inner.title);
    found.globals.append(&mut inner.globals);
    found.loose.append(&mut inner.loose);
    found.rows = inner.rows;
    found.context = inner.context;
    Some(found)
}

/// The label with which a shot names its scene.
fn names_scene(label: &Spanned<String>) -> bool {
    let key = normalise_label(&label.value);
    matches!(
        key.as_str(),
        "scene" | "sceneid" | "scenenumber" | "sceneno" | "sceneref" | "parentscene"
    )
}

/// True for shots that name their scene and have a number of their own.
fn belongs(shots: &[Row]) -> bool {
    shots.iter().all(|shot| {
        let own = |(label, node): &Entry| !names_scene(label) && numbers(label, node);
        shot.entries.iter().any(|(label, _)| names_scene(label)) && shot.entries.iter().any(own)
    })
}

/// Puts shots into the scenes that they name; one whose scene is not there stands for itself.
fn attach(scenes: &mut Vec<Row>, shots: Vec<Row>) {
    for mut shot in shots {
        let at = shot.entries.iter().position(|(label, _)| names_scene(label));
        let named = at.and_then(|at| shot.entries[at].1.as_text()).map(digits);
        let scene = scenes
            .iter_mut()
            .find(|scene| named.is_some() && id_text(scene).map(|id| digits(&id)) == named);
        match (scene, at) {
            (Some(scene), Some(at)) => {
                shot.entries.remove(at);
                scene.shots.push(shot);
            }
            _ => scenes.push(shot),
        }
    }
}

/// Something that stands beside the scenes.
fn beside(entry: &Entry, found: &mut Found) {
    let (key, node) = entry;
    match normalise_label(&key.value).as_str() {
        "title" | "name" | "film" | "movie" | "project" | "videotitle" | "projecttitle"
        | "projectname" | "filmtitle" | "标题" | "タイトル" | "titel"
            if found.title.is_none() =>
        {
            match node.as_text() {
                Some(text) if !text.trim().is_empty() => {
                    found.title = Some(Spanned::new(text.to_owned(), node.span));
                }
                _ => found.globals.push(entry.clone()),
            }
        }
        _ if is_empty(node) => {}
        _ => found.globals.push(entry.clone()),
    }
}

/// Reads a list or map of scenes. `None` where it is something else.
fn scenes(node: &Node, depth: usize) -> Option<Found> {
    let mut found = Found::default();
    match &node.kind {
        NodeKind::List(items) => {
            if items.iter().all(|item| !matches!(item.kind, NodeKind::Map(_))) {
                let told = items.iter().all(|item| item.as_text().is_some_and(is_sentence));
                found.rows.extend(items.iter().map(row));
                found.context = 1;
                return (told && !items.is_empty()).then_some(found);
            }
            // Acts hold scenes; what looks like a list of scenes may be a list of acts.
            if items.iter().any(is_group) {
                return groups(node, depth);
            }
            if !items.iter().any(is_scene) {
                return None;
            }
            found.rows.extend(items.iter().filter(|item| !is_empty(item)).map(row));
        }
        NodeKind::Map(entries) => {
            let inside = entries.iter().any(|(key, _)| {
                let name = normalise_label(&key.value);
                list_points(&name).is_some() || GROUPS.contains(&name.as_str())
            });
            if inside {
                return search(node, depth + 1);
            }
            let all = || entries.iter().filter(|(_, node)| !is_empty(node));
            let good = |(key, node): &Entry| {
                let told = node.as_text().is_some_and(is_sentence)
                    && row::meaning(&key.value).field().is_none();
                told || is_scene(node)
            };
            if all().next().is_none() || !all().all(good) {
                return None;
            }
            for (key, node) in all() {
                let mut row = row(node);
                row.id = Some(key.clone());
                found.rows.push(row);
            }
        }
        NodeKind::Scalar(_) | NodeKind::Null => return None,
    }
    Some(found)
}

/// True for a map with a list of scenes that have a picture, and none of its own.
fn is_group(node: &Node) -> bool {
    let NodeKind::Map(entries) = &node.kind else { return false };
    let lists = entries.iter().any(|(key, node)| {
        matches!(normalise_label(&key.value).as_str(), "scenes" | "场景" | "シーン" | "szenen")
            && matches!(&node.kind, NodeKind::List(items) if items.iter().any(is_scene))
    });
    lists && !entries.iter().any(|(key, _)| row::meaning(&key.value).field() == Some(Field::Prompt))
}

/// Acts, sequences or chapters with scenes in them.
fn groups(node: &Node, depth: usize) -> Option<Found> {
    let mut found = Found::default();
    let groups: Vec<(Option<&Spanned<String>>, &Node)> = match &node.kind {
        NodeKind::List(items) => items.iter().map(|item| (None, item)).collect(),
        NodeKind::Map(entries) => entries.iter().map(|(key, node)| (Some(key), node)).collect(),
        _ => return None,
    };
    let mut parts = Vec::new();
    for (index, (key, group)) in groups.into_iter().enumerate() {
        let Some(mut inner) = search(group, depth + 1) else { continue };
        let name = inner.title.take().or_else(|| key.cloned());
        let told: Vec<String> = inner
            .globals
            .iter()
            .filter(|(_, node)| !is_empty(node))
            .map(|(label, node)| format!("{}: {}", label.value, draft::raw_text(node)))
            .collect();
        let name_words =
            name.map(|name| name.value).unwrap_or_else(|| format!("part {}", index + 1));
        let words = if told.is_empty() {
            name_words
        } else {
            format!("{name_words} ({})", told.join("; "))
        };
        found.loose.push(Spanned::new(words, group.span));
        found.loose.append(&mut inner.loose);
        found.context = found.context.max(inner.context);
        parts.push(inner.rows);
    }
    // Scenes that start at 1 in every act are told apart by it.
    let mut seen = HashSet::new();
    let repeated = parts.iter().flatten().filter_map(id_text).any(|id| !seen.insert(id));
    for (index, rows) in parts.into_iter().enumerate() {
        for (place, mut row) in rows.into_iter().enumerate() {
            if repeated {
                let id = id_text(&row).unwrap_or_else(|| (place + 1).to_string());
                row.entries.retain(|(label, node)| !numbers(label, node));
                row.id = Some(Spanned::new(format!("{}.{}", index + 1, digits(&id)), row.span));
            }
            found.rows.push(row);
        }
    }
    (!found.rows.is_empty()).then_some(found)
}

fn id_text(row: &Row) -> Option<String> {
    let own = row.id.as_ref().map(|id| id.value.clone());
    own.or_else(|| {
        let entry = row.entries.iter().find(|(label, node)| numbers(label, node))?;
        entry.1.as_text().map(str::to_owned)
    })
}

/// True for `id: 3`, `scene: 3` and their kin.
fn numbers(label: &Spanned<String>, node: &Node) -> bool {
    let key = normalise_label(&label.value);
    row::meaning(&label.value) == Meaning::Id
        || matches!(key.as_str(), "scene" | "shot" | "clip" | "frame")
            && node.as_text().is_some_and(is_number)
}

/// `scene_2` is `2` inside an act.
fn digits(id: &str) -> String {
    let span = Span::new(0, id.len());
    let read = crate::storyboard::markdown::heading::read(id, span, None);
    read.id.filter(|_| read.numbered).map_or_else(|| id.to_owned(), |id| id.value.to_string())
}

/// True for a map with at least one label that only a scene, or something shown, has.
fn is_scene(node: &Node) -> bool {
    let NodeKind::Map(entries) = &node.kind else { return false };
    entries.iter().any(|(key, node)| {
        if is_empty(node) {
            return false;
        }
        let inner = match &node.kind {
            NodeKind::Map(inner) => inner.as_slice(),
            _ => &[],
        };
        let shots = list_points(&normalise_label(&key.value)).is_some()
            && matches!(&node.kind, NodeKind::List(items) if items.iter().any(is_scene));
        shots
            || std::iter::once(&key.value)
                .chain(inner.iter().map(|(key, _)| &key.value))
                .any(|label| shows(label))
    })
}

fn shows(label: &str) -> bool {
    matches!(
        row::meaning(label).field(),
        Some(
            Field::Visual
                | Field::Prompt
                | Field::ImagePrompt
                | Field::Subject
                | Field::Action
                | Field::Video
                | Field::Reference
                | Field::File
                | Field::Camera
                | Field::Shot
                | Field::Voiceover
        )
    )
}

fn row(node: &Node) -> Row {
    let mut row = Row { span: node.span, ..Row::default() };
    match &node.kind {
        NodeKind::Map(entries) => {
            if let (Some((first, _)), Some((_, last))) = (entries.first(), entries.first()) {
                row.span = first.span.to(last.span);
            }
            for (label, value) in entries {
                let name = normalise_label(&label.value);
                let items: &[Node] = match &value.kind {
                    NodeKind::List(items) => items,
                    _ => &[],
                };
                // One list of shots is enough; `shot: {...}` is a description.
                if row.shots.is_empty()
                    && list_points(&name).is_some()
                    && items.iter().any(is_scene)
                {
                    row.shots =
                        items.iter().filter(|item| !is_empty(item)).map(self::row).collect();
                } else {
                    row.entries.push((label.clone(), value.clone()));
                }
            }
        }
        _ => {
            let label = Spanned::new(Field::Visual.name().to_owned(), node.span);
            row.entries.push((label, node.clone()));
        }
    }
    row
}
