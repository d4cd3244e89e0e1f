//! Values that are maps and lists: `camera: {movement: ..., angle: ...}`, `voiceover: {text: ...}`, lines of dialogue. What
//! is in them goes to the fields that it means; the rest becomes notes.

use super::habits::is_angle;
use super::row::{self, is_empty};
use super::times;
use super::values::{CRAFT, Settled, Settler};
use crate::source::Spanned;
use crate::storyboard::draft::Meaning;
use crate::storyboard::node::{Node, NodeKind, Style};
use crate::storyboard::{Field, FieldKind, normalise_label};

/// Keys that hold the words of a value that is a map, the likeliest first.
const WORDS: &[&str] = &[
    "text",
    "content",
    "script",
    "line",
    "lines",
    "words",
    "description",
    "desc",
    "value",
    "copy",
    "name",
    "type",
    "label",
    "title",
    "track",
    "文本",
    "内容",
];

/// Keys that hold a place of a file.
const FILES: &[&str] =
    &["url", "path", "src", "file", "filename", "uri", "href", "imageurl", "image"];

/// Keys that hold who speaks.
const SPEAKERS: &[&str] =
    &["character", "speaker", "name", "who", "role", "角色", "人物", "sprecher"];

impl Settler<'_> {
    /// A label nobody knows: what is in it may still be known (`generation: {model: ..., prompt: ...}`).
    pub(super) fn composite(
        &mut self,
        into: &mut Settled,
        label: &Spanned<String>,
        node: &Node,
        depth: usize,
    ) {
        let key = normalise_label(&label.value);
        let NodeKind::Map(entries) = &node.kind else {
            let NodeKind::List(items) = &node.kind else {
                self.unknown(into, label, node);
                return;
            };
            // `assets: [{type: image, prompt: ...}]`: one map in a list is that map.
            if let [Node { kind: NodeKind::Map(_), .. }] = items.as_slice() {
                self.composite(into, label, &items[0], depth);
            } else {
                self.unknown(into, label, node);
            }
            return;
        };
        let prompts = key.contains("prompt");
        for (inner, value) in entries {
            if is_empty(value) {
                continue;
            }
            let inner_key = normalise_label(&inner.value);
            let known = match inner_key.as_str() {
                "image" | "still" | "keyframe" | "picture" | "firstframe" if prompts => {
                    Some("image_prompt")
                }
                "video" | "motion" | "animation" | "clip" if prompts => Some("prompt"),
                "negative" if prompts => Some("negative"),
                _ => None,
            };
            let dotted = Spanned::new(format!("{}.{}", label.value, inner.value), inner.span);
            if let Some(name) = known {
                self.put(into, &Spanned::new(name.to_owned(), inner.span), value, depth + 1);
            } else if row::meaning(&inner.value) == Meaning::Title
                || row::meaning(&inner.value) == Meaning::Id
            {
                self.unknown(into, &dotted, value);
            } else if row::meaning(&inner.value).is_known()
                || times::of_label(&inner.value).is_some()
            {
                self.put(into, inner, value, depth + 1);
            } else if matches!(value.kind, NodeKind::Map(_)) {
                self.put(into, &dotted, value, depth + 1);
            } else {
                self.unknown(into, &dotted, value);
            }
        }
    }

    pub(super) fn field(
        &mut self,
        into: &mut Settled,
        field: Field,
        rank: usize,
        label: &Spanned<String>,
        node: &Node,
        depth: usize,
    ) {
        let key = normalise_label(&label.value);
        // `scene: 4` and `shot: 4` number a scene; with words they are its picture or its size.
        if matches!(key.as_str(), "scene" | "shot" | "frame" | "panel" | "clip")
            && node.as_text().is_some_and(super::cells::is_number)
        {
            self.id(into, label, node);
            return;
        }
        match &node.kind {
            NodeKind::Map(entries) if field != Field::Params => {
                self.map(into, field, rank, label, entries, node, depth)
            }
            NodeKind::List(items)
                if items.iter().any(|item| matches!(item.kind, NodeKind::Map(_))) =>
            {
                self.list(into, field, rank, label, items, node);
            }
            _ => self.value(into, field, rank, label, node),
        }
    }

    /// `camera: {movement: ..., angle: ...}`, `voiceover: {text: ...}`, `audio: {music: ..., sfx: ...}`.
    #[expect(
        clippy::too_many_arguments,
        reason = "all of them are one labelled value and its place"
    )]
    fn map(
        &mut self,
        into: &mut Settled,
        field: Field,
        rank: usize,
        label: &Spanned<String>,
        entries: &[(Spanned<String>, Node)],
        node: &Node,
        depth: usize,
    ) {
        if field == Field::Dialogue
            && let Some(line) = spoken(entries)
        {
            self.value(into, field, rank, label, &Node::scalar(line, Style::Quoted, node.span));
            return;
        }
        if field == Field::Characters {
            let names = entries
                .iter()
                .map(|(name, _)| Node::scalar(&*name.value, Style::Plain, name.span))
                .collect();
            self.value(
                into,
                field,
                rank,
                label,
                &Node { kind: NodeKind::List(names), span: node.span },
            );
            return;
        }
        let mut words: Vec<(usize, String)> = Vec::new();
        for (inner, value) in entries {
            if is_empty(value) {
                continue;
            }
            let key = normalise_label(&inner.value);
            let meaning = row::meaning(&inner.value);
            let dotted = Spanned::new(format!("{}.{}", label.value, inner.value), inner.span);
            let is_words = WORDS.iter().position(|known| *known == key);
            let scalar =
                value.as_text().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
            let is_input = matches!(field.spec().kind, FieldKind::Inputs | FieldKind::TextOrInput);
            match (field, scalar) {
                (Field::Reference | Field::ImagePrompt, Some(_)) if key == "prompt" => {
                    self.value(into, Field::ImagePrompt, 1, &dotted, value);
                }
                (Field::Reference, Some(_)) if matches!(key.as_str(), "description" | "model") => {
                    let other = if key == "model" { Field::ImageModel } else { Field::ImagePrompt };
                    self.value(into, other, 2, &dotted, value);
                }
                (Field::Video, Some(_)) if key == "prompt" => {
                    self.value(into, Field::Prompt, 1, &dotted, value)
                }
                (_, Some(_)) if is_input && FILES.contains(&key.as_str()) => {
                    self.value(into, field, rank, &dotted, value);
                }
                (Field::Camera, Some(text))
                    if !matches!(meaning.field(), Some(Field::Shot | Field::Duration)) =>
                {
                    let text = match key.as_str() {
                        "lens" | "focallength" if !text.to_lowercase().contains("lens") => {
                            format!("{text} lens")
                        }
                        "speed" => format!("{text} speed"),
                        "angle" | "cameraangle" if is_angle(&text) => format!("{text} angle"),
                        _ => text,
                    };
                    words.push((usize::from(is_words.is_none()), text));
                }
                (Field::Duration, Some(text))
                    if matches!(key.as_str(), "value" | "seconds" | "s") =>
                {
                    words.push((0, text));
                }
                (Field::Voiceover, Some(_))
                    if matches!(
                        key.as_str(),
                        "voice" | "voiceid" | "speaker" | "name" | "type"
                    ) =>
                {
                    self.unknown(into, &dotted, value);
                }
                (Field::Text, Some(_))
                    if matches!(key.as_str(), "style" | "position" | "font" | "type" | "name") =>
                {
                    self.unknown(into, &dotted, value);
                }
                (Field::Transition, Some(_)) if matches!(key.as_str(), "in" | "from") => {
                    self.value(into, Field::TransitionIn, 1, &dotted, value);
                }
                (Field::Transition, Some(_)) if matches!(key.as_str(), "out" | "to") => {
                    self.value(into, Field::Transition, rank, &dotted, value);
                }
                (Field::Transition, Some(_)) if meaning.field() == Some(Field::Duration) => {
                    self.unknown(into, &dotted, value);
                }
                (Field::Visual, Some(text)) if key == "style" => words.push((3, text)),
                // A known word of its own is that field, but not one that only names what this one is.
                (_, _)
                    if meaning.is_known()
                        && meaning.field() != Some(field)
                        && is_words.is_none() =>
                {
                    self.put(into, inner, value, depth + 1);
                }
                (_, Some(text)) if is_words.is_some() || meaning.field() == Some(field) => {
                    let order = is_words.unwrap_or(0);
                    if order > 7 && !words.is_empty() && !CRAFT.contains(&field) {
                        self.unknown(into, &dotted, value);
                    } else {
                        words.push((0, text));
                    }
                }
                (
                    Field::Lighting
                    | Field::Setting
                    | Field::Style
                    | Field::Mood
                    | Field::Shot
                    | Field::Subject,
                    Some(text),
                ) => {
                    words.push((1, text));
                }
                (_, None)
                    if matches!(value.kind, NodeKind::List(_))
                        && meaning.field() == Some(field) =>
                {
                    self.put(into, inner, value, depth + 1);
                }
                (_, None) if matches!(value.kind, NodeKind::Map(_)) && meaning.is_known() => {
                    self.put(into, inner, value, depth + 1);
                }
                (_, None) if is_words.is_some() => {
                    self.field(into, field, rank, label, value, depth + 1)
                }
                _ if times::of_label(&inner.value).is_some() && field == Field::Duration => {
                    self.put(into, inner, value, depth + 1);
                }
                _ => self.unknown(into, &dotted, value),
            }
        }
        if words.is_empty() {
            return;
        }
        words.sort_by_key(|(order, _)| *order);
        let joined = words.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(", ");
        self.value(into, field, rank, label, &Node::scalar(joined, Style::Quoted, node.span));
    }

    /// A list with maps in it: lines of dialogue, overlays, sounds, characters.
    fn list(
        &mut self,
        into: &mut Settled,
        field: Field,
        rank: usize,
        label: &Spanned<String>,
        items: &[Node],
        node: &Node,
    ) {
        let mut texts = Vec::new();
        for item in items {
            match &item.kind {
                NodeKind::Scalar(scalar) => texts.push(scalar.text.clone()),
                NodeKind::Map(entries) => {
                    let line = match field {
                        Field::Dialogue | Field::Voiceover => {
                            spoken(entries).or_else(|| words_of(entries))
                        }
                        Field::Characters => named(entries),
                        _ if field.spec().kind == FieldKind::Inputs => file_of(entries),
                        _ => words_of(entries),
                    };
                    match line {
                        Some(line) => {
                            texts.push(line);
                            self.rest_of(into, field, label, entries);
                        }
                        None => self.unknown(into, label, item),
                    }
                }
                NodeKind::List(_) => self.unknown(into, label, item),
                NodeKind::Null => {}
            }
        }
        if texts.is_empty() {
            return;
        }
        let list = matches!(field.spec().kind, FieldKind::Names | FieldKind::Inputs)
            || matches!(field, Field::Dialogue | Field::Voiceover);
        let node = if list {
            let items = texts
                .into_iter()
                .map(|text| Node::scalar(text, Style::Quoted, node.span))
                .collect();
            Node { kind: NodeKind::List(items), span: node.span }
        } else {
            Node::scalar(texts.join("; "), Style::Quoted, node.span)
        };
        self.value(into, field, rank, label, &node);
    }

    /// What a map in a list says besides its words is kept as a note.
    fn rest_of(
        &mut self,
        into: &mut Settled,
        field: Field,
        label: &Spanned<String>,
        entries: &[(Spanned<String>, Node)],
    ) {
        for (inner, value) in entries {
            let key = normalise_label(&inner.value);
            let used = WORDS.contains(&key.as_str())
                || SPEAKERS.contains(&key.as_str())
                || FILES.contains(&key.as_str())
                || matches!(key.as_str(), "dialogue" | "dialog" | "prompt" | "台词");
            // A character is described once for the film; here its name is enough.
            if !used && !is_empty(value) && field != Field::Characters {
                let dotted = Spanned::new(format!("{}.{}", label.value, inner.value), inner.span);
                self.unknown(into, &dotted, value);
            }
        }
    }
}

fn words_of(entries: &[(Spanned<String>, Node)]) -> Option<String> {
    WORDS.iter().chain(&["dialogue", "prompt"]).find_map(|key| {
        let (_, node) = entries
            .iter()
            .find(|(label, node)| normalise_label(&label.value) == *key && !is_empty(node))?;
        node.as_text().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
    })
}

/// `{speaker: Ada, line: Not tonight.}` as `Ada: Not tonight.`
fn spoken(entries: &[(Spanned<String>, Node)]) -> Option<String> {
    let find = |keys: &[&str]| {
        entries.iter().find_map(|(label, node)| {
            let key = normalise_label(&label.value);
            keys.contains(&key.as_str())
                .then(|| node.as_text())
                .flatten()
                .filter(|text| !text.trim().is_empty())
        })
    };
    let speaker = find(SPEAKERS)?;
    let line = find(&[
        "line", "text", "dialogue", "dialog", "content", "words", "says", "speech", "lines",
        "台词", "内容", "text",
    ])?;
    Some(format!("{}: {}", speaker.trim(), line.split_whitespace().collect::<Vec<_>>().join(" ")))
}

fn named(entries: &[(Spanned<String>, Node)]) -> Option<String> {
    entries
        .iter()
        .find(|(label, _)| {
            SPEAKERS.contains(&normalise_label(&label.value).as_str())
                || normalise_label(&label.value) == "id"
        })
        .and_then(|(_, node)| node.as_text())
        .map(|text| text.trim().to_owned())
}

fn file_of(entries: &[(Spanned<String>, Node)]) -> Option<String> {
    entries
        .iter()
        .find(|(label, _)| FILES.contains(&normalise_label(&label.value).as_str()))
        .and_then(|(_, node)| node.as_text())
        .map(|text| text.trim().to_owned())
}
