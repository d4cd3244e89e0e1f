//! One labelled value of a foreign document as fields of a scene. Whatever has no field, or not the value of one, becomes a
//! note with a remark: nothing is dropped without a word.

use super::row::{self, is_empty, is_sentence};
use super::times::{self, Time};
use super::{Fate, Remark};
use crate::source::{Source, Span, Spanned};
use crate::storyboard::draft::{self, Draft, Meaning, Place};
use crate::storyboard::node::{Node, NodeKind, Style};
use crate::storyboard::problems::{Problems, quoted};
use crate::storyboard::value::{self, Outcome};
use crate::storyboard::{Field, FieldKind, Fields, Step, Value, absent, normalise_label};
use std::collections::HashMap;

/// Nesting deeper than this becomes a note as it is.
const DEEPEST: usize = 4;

/// A scene while its values are put into fields.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub fields: Fields,
    /// The label of each field, with how far down its row it stands.
    pub labels: HashMap<Field, (usize, String)>,
    pub notes: Vec<String>,
    pub id: Option<Spanned<String>>,
    /// The number of its shot, where the number of its scene is given as well.
    pub part: Option<Spanned<String>>,
    pub title: Option<Spanned<String>>,
    pub start: Option<f64>,
    pub end: Option<f64>,
    pub steps: Option<Vec<Step>>,
    pub span: Span,
    /// The place of its time, for remarks.
    pub time: Option<Span>,
}

/// Puts values into scenes and keeps the remarks.
pub(super) struct Settler<'s> {
    pub source: &'s Source,
    pub frame_rate: Option<f64>,
    pub remarks: Vec<Remark>,
    places: HashMap<(Fate, String), usize>,
}

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

/// Fields of the craft: what is said of them in several places is said together.
const CRAFT: &[Field] = &[
    Field::Camera,
    Field::Shot,
    Field::Lighting,
    Field::Mood,
    Field::Style,
    Field::Setting,
    Field::Audio,
    Field::Sfx,
    Field::Ambient,
    Field::Music,
    Field::Negative,
    Field::Text,
    Field::Notes,
];

impl<'s> Settler<'s> {
    pub fn new(source: &'s Source) -> Self {
        Self { source, frame_rate: None, remarks: Vec::new(), places: HashMap::new() }
    }

    /// Says what became of something; the same of the same label is said once, with how often.
    pub fn remark(&mut self, fate: Fate, label: &str, value: &str, span: Span, message: String) {
        let key = (fate, message.clone());
        if let Some(at) = self.places.get(&key) {
            self.remarks[*at].places += 1;
            return;
        }
        self.places.insert(key, self.remarks.len());
        let remark = Remark {
            fate,
            label: label.to_owned(),
            value: value.to_owned(),
            message,
            span,
            places: 1,
        };
        self.remarks.push(remark);
    }

    /// Keeps a value as a note of the scene.
    pub fn note(&mut self, into: &mut Settled, label: &Spanned<String>, node: &Node, why: &str) {
        let text = draft::raw_text(node);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            return;
        }
        self.remark(Fate::InNotes, &label.value, &text, label.span, why.to_owned());
        into.notes.push(format!("{}: {text}", label.value.trim()));
    }

    fn unknown(&mut self, into: &mut Settled, label: &Spanned<String>, node: &Node) {
        let why = format!("no field is called {}", quoted(&label.value));
        self.note(into, label, node, &why);
    }

    /// Puts a labelled value where it belongs.
    pub fn put(&mut self, into: &mut Settled, label: &Spanned<String>, node: &Node, depth: usize) {
        if is_empty(node)
            || matches!(&node.kind, NodeKind::Scalar(scalar) if absent::is_nothing(scalar))
        {
            return;
        }
        if depth > DEEPEST {
            self.unknown(into, label, node);
            return;
        }
        let meaning = row::meaning(&label.value);
        if meaning == Meaning::Unknown || meaning.field() == Some(Field::Duration) {
            if let Some(time) = times::of_label(&label.value) {
                self.time(into, label, node, time);
                return;
            }
        }
        match meaning {
            Meaning::Id => self.id(into, label, node),
            Meaning::Title => match node.as_text() {
                Some(text) if into.title.is_none() => {
                    into.title = Some(Spanned::new(
                        text.split_whitespace().collect::<Vec<_>>().join(" "),
                        node.span,
                    ));
                }
                Some(text)
                    if into.title.as_ref().is_some_and(|title| title.value == text.trim()) => {}
                _ => self.note(
                    into,
                    label,
                    node,
                    &format!("{} is a second title", quoted(&label.value)),
                ),
            },
            Meaning::Field(field, rank) => self.field(into, field, rank, label, node, depth),
            Meaning::Steps | Meaning::Step(_) => self.steps(into, label, meaning, node),
            Meaning::Unknown if Self::counts(label, node) => self.id(into, label, node),
            Meaning::Unknown => self.composite(into, label, node, depth),
        }
    }

    fn id(&mut self, into: &mut Settled, label: &Spanned<String>, node: &Node) {
        let Some(text) = node.as_text() else {
            self.unknown(into, label, node);
            return;
        };
        let id = Spanned::new(text.trim().to_owned(), node.span);
        let key = normalise_label(&label.value);
        match &into.id {
            None => into.id = Some(id),
            Some(first) if first.value == id.value => {}
            // The number of a scene and the number of a shot in it.
            Some(first) if key.contains("shot") && into.part.is_none() && first.span != id.span => {
                into.part = Some(id);
            }
            Some(_) => self.note(
                into,
                label,
                node,
                &format!("{} is a second number", quoted(&label.value)),
            ),
        }
    }

    fn time(&mut self, into: &mut Settled, label: &Spanned<String>, node: &Node, time: Time) {
        into.time.get_or_insert(node.span);
        let point = node.as_text().and_then(|text| times::moment(text, self.frame_rate));
        match time {
            Time::Start(unit) if into.start.is_none() && point.is_some() => {
                into.start = point.map(|point| point * unit)
            }
            Time::End(unit) if into.end.is_none() && point.is_some() => {
                into.end = point.map(|point| point * unit)
            }
            Time::Length(unit) => match times::with_unit(node, unit) {
                Some(node) => self.value(into, Field::Duration, 3, label, &node),
                None => self.unknown(into, label, node),
            },
            Time::Start(_) | Time::End(_) => {
                self.note(
                    into,
                    label,
                    node,
                    &format!("{} is no point of time", quoted(&label.value)),
                );
            }
        }
    }

    fn steps(
        &mut self,
        into: &mut Settled,
        label: &Spanned<String>,
        meaning: Meaning,
        node: &Node,
    ) {
        let mut scratch = Problems::new(self.source);
        let mut draft = Draft::new(Place::Scene);
        draft.put_meant(label, meaning, node, &mut scratch);
        let good = scratch.finish().is_empty() && draft.unknown.is_empty();
        match draft.steps {
            Some(steps) if good && !steps.is_empty() => {
                into.steps.get_or_insert_default().extend(steps)
            }
            _ => self.note(
                into,
                label,
                node,
                &format!("{} are no steps of a clip", quoted(&label.value)),
            ),
        }
    }

    /// True for `frame: 3`: the number of the scene, in a tool that calls it so.
    fn counts(label: &Spanned<String>, node: &Node) -> bool {
        let key = normalise_label(&label.value);
        let word = matches!(
            key.as_str(),
            "frame"
                | "panel"
                | "clip"
                | "slide"
                | "beat"
                | "segment"
                | "index"
                | "cut"
                | "镜头"
                | "分镜"
        );
        word && node.as_text().is_some_and(super::cells::is_number)
    }

    /// A label nobody knows: what is in it may still be known (`generation: {model: ..., prompt: ...}`).
    fn composite(
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

    fn field(
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

    /// Reads a value as the storyboard's own readers do; what they do not take becomes a note.
    pub fn value(
        &mut self,
        into: &mut Settled,
        field: Field,
        rank: usize,
        label: &Spanned<String>,
        node: &Node,
    ) {
        if matches!(field, Field::Audio | Field::Dialogue | Field::Voiceover)
            && let Some(rest) = self.split_sound(into, field, label, node)
        {
            if !rest.is_empty() {
                let style = if rest.contains('\n') { Style::Literal } else { Style::Quoted };
                self.value(into, field, rank, label, &Node::scalar(rest, style, node.span));
            }
            return;
        }
        let (field, node) = self.fitted(into, field, label, node);
        let node = self.without_pictures(into, field, label, node);
        let mut scratch = Problems::new(self.source);
        scratch.frame_rate = self.frame_rate;
        match value::read(field, label, &node, &mut scratch) {
            Outcome::Value(read) => {
                let read = Spanned::new(clean(read.value), read.span);
                self.accept(into, field, rank, label, &node, read);
            }
            Outcome::Nothing => {
                if let Some(problem) = scratch.finish().into_iter().next() {
                    let text = draft::raw_text(&node);
                    self.remark(Fate::LeftOut, &label.value, &text, label.span, problem.message);
                }
            }
            Outcome::Wrong => {
                let problem = scratch.finish().into_iter().next();
                let why = problem.map_or_else(
                    || "it is no value of this field".to_owned(),
                    |problem| problem.message,
                );
                self.note(into, label, &node, &why);
            }
        }
    }

    /// Gives lines that say what they are to their fields; the other lines. `None` where no line does.
    fn split_sound(
        &mut self,
        into: &mut Settled,
        field: Field,
        label: &Spanned<String>,
        node: &Node,
    ) -> Option<String> {
        let text = node.as_text()?;
        let lines = || {
            text.lines()
                .map(|line| line.trim().trim_matches(['*', '_']).trim())
                .filter(|line| !line.is_empty())
        };
        let moves = |line: &str| whose(line).is_some_and(|(other, _)| other != field);
        if !lines().any(moves) {
            return None;
        }
        let mut rest = Vec::new();
        for line in lines() {
            match whose(line) {
                Some((other, words)) if other != field => {
                    let words = words.trim_matches(['"', '“', '”']);
                    self.value(
                        into,
                        other,
                        500,
                        label,
                        &Node::scalar(words, Style::Quoted, node.span),
                    );
                }
                _ => rest.push(line.to_owned()),
            }
        }
        Some(rest.join("\n"))
    }

    /// Takes `![a frame](frame.png)` out of words: a picture of the board is no part of a prompt.
    fn without_pictures(
        &mut self,
        into: &mut Settled,
        field: Field,
        label: &Spanned<String>,
        node: Node,
    ) -> Node {
        let NodeKind::Scalar(scalar) = &node.kind else { return node };
        if scalar.style != Style::Markdown || field.spec().kind != FieldKind::Text {
            return node;
        }
        let (Some(open), Some(middle)) = (scalar.text.find("!["), scalar.text.find("](")) else {
            return node;
        };
        let Some(close) =
            scalar.text.get(middle..).and_then(|rest| rest.find(')')).map(|at| middle + at)
        else {
            return node;
        };
        if open > middle {
            return node;
        }
        let path = scalar.text[middle + 2..close].to_owned();
        let words = format!("{}{}", &scalar.text[..open], &scalar.text[close + 1..]);
        let picture = Node::scalar(path, Style::Quoted, node.span);
        self.note(
            into,
            &label.clone().map(|label| format!("{label} picture")),
            &picture,
            "a picture of the board is not used by itself",
        );
        Node::scalar(
            words.split_whitespace().collect::<Vec<_>>().join(" "),
            Style::Markdown,
            node.span,
        )
    }

    /// The field and the text that are meant where other people's habits differ from ours.
    fn fitted(
        &self,
        into: &Settled,
        field: Field,
        label: &Spanned<String>,
        node: &Node,
    ) -> (Field, Node) {
        let shown = into.fields.has(Field::Visual) || into.fields.has(Field::Prompt);
        let words = node.as_text().is_some_and(|text| {
            text.split_whitespace().count() > 2
                && crate::storyboard::input::parse_unless_words(text).is_none()
        });
        let key = normalise_label(&label.value);
        let node = &match (node.as_text(), key.as_str()) {
            (Some(text), "lens" | "focallength") if !text.to_lowercase().contains("lens") => {
                Node::scalar(format!("{} lens", text.trim()), Style::Quoted, node.span)
            }
            (Some(text), "angle") if is_angle(text) => {
                Node::scalar(format!("{} angle", text.trim()), Style::Quoted, node.span)
            }
            _ => node.clone(),
        };
        let field = match field {
            // `image: A lighthouse on a rock` describes a picture; it is none.
            Field::Reference | Field::LastFrame if words && field == Field::Reference => {
                if shown {
                    Field::ImagePrompt
                } else {
                    Field::Visual
                }
            }
            // The column `Video` of a script in two columns says what is seen.
            Field::Video if words && !shown => Field::Visual,
            Field::Video if words => Field::Prompt,
            // `type: wide shot` is no type of scene.
            Field::Kind => match node.as_text() {
                Some(text) if is_size(text) => Field::Shot,
                _ => field,
            },
            Field::Shot if node.as_text().is_some_and(is_sentence) && !shown => Field::Visual,
            // `keyframe: 3` and the like aside, words under the label of a still are its prompt.
            other => other,
        };
        let NodeKind::Scalar(scalar) = &node.kind else { return (field, node.clone()) };
        let mut text = scalar.text.clone();
        if field == Field::Duration && scalar.style != Style::Markdown {
            let number = text.trim().parse::<f64>().ok();
            // Nobody makes a scene of a quarter of an hour; many tools count milliseconds.
            if number.is_some_and(|number| number >= 1000.0)
                && normalise_label(&label.value) == "duration"
            {
                text = format!("{} ms", text.trim());
            }
        }
        let by_line = matches!(
            field,
            Field::Dialogue | Field::Voiceover | Field::Prompt | Field::ImagePrompt | Field::Notes
        );
        if text.contains('\n') && !by_line {
            text = folded(&text, scalar.style != Style::Literal);
        } else if text.contains('\n') {
            let lines: Vec<String> = text
                .lines()
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
                .filter(|line| !line.is_empty())
                .collect();
            text = lines.join("\n");
        }
        let style = if scalar.style == Style::Literal && !text.contains('\n') {
            Style::Quoted
        } else {
            scalar.style
        };
        (field, Node::scalar(text, style, node.span))
    }

    fn accept(
        &mut self,
        into: &mut Settled,
        field: Field,
        rank: usize,
        label: &Spanned<String>,
        node: &Node,
        read: Spanned<Value>,
    ) {
        let Some(old) = into.fields.get(field).cloned() else {
            into.labels.insert(field, (rank, label.value.clone()));
            into.fields.set(field, read);
            return;
        };
        if old.value == read.value {
            return;
        }
        if let (true, Value::Text(before), Value::Text(after)) =
            (CRAFT.contains(&field), &old.value, &read.value)
        {
            if before.to_lowercase().contains(&after.to_lowercase()) {
                return;
            }
            let mark = if matches!(field, Field::Notes) { "\n" } else { ", " };
            // A part (the lens) stands behind what the field is about (the move).
            let part =
                into.labels.get(&field).is_some_and(|(old, _)| *old > rank && *old >= row::PART);
            let (first, second) = if part { (after, before) } else { (before, after) };
            let joined = format!("{}{mark}{second}", first.trim_end_matches(['.', ',', ';']));
            if part {
                into.labels.insert(field, (rank, label.value.clone()));
            }
            into.fields.set(field, Spanned::new(Value::Text(joined), old.span));
            return;
        }
        let (before, name) =
            into.labels.get(&field).cloned().unwrap_or((usize::MAX, String::new()));
        if rank < before {
            let lost = Node::scalar(shown(&old.value), Style::Quoted, old.span);
            let first = Spanned::new(name.clone(), old.span);
            let why = format!(
                "{} and {} are both `{}`",
                quoted(&name),
                quoted(&label.value),
                field.name()
            );
            self.note(into, &first, &lost, &why);
            into.labels.insert(field, (rank, label.value.clone()));
            into.fields.set(field, read);
        } else {
            let why = format!(
                "{} and {} are both `{}`",
                quoted(&label.value),
                quoted(&name),
                field.name()
            );
            self.note(into, label, node, &why);
        }
    }
}

/// Lines as one; where each was meant as a line (a cell, a JSON text), it ends like a sentence.
fn folded(text: &str, meant: bool) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let words = line.split_whitespace().collect::<Vec<_>>().join(" ");
        if words.is_empty() {
            continue;
        }
        if !out.is_empty() {
            let open =
                out.ends_with(char::is_alphanumeric) && words.starts_with(char::is_uppercase);
            out.push_str(if meant && open { ". " } else { " " });
        }
        out.push_str(&words);
    }
    out
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Seconds(seconds) => format!("{seconds} s"),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}

/// True for the words of a shot's size that people write under `type`.
fn is_size(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    let words = [
        "wide",
        "medium",
        "close",
        "establishing",
        "aerial",
        "pov",
        "over-the-shoulder",
        "extreme",
        "insert",
    ];
    words.iter().any(|word| lower.starts_with(word))
        || matches!(lower.as_str(), "cu" | "ecu" | "ms" | "ws" | "ls" | "mcu" | "els" | "ots")
}

/// Words without anything that a terminal or an editor acts on.
fn clean(value: Value) -> Value {
    let plain = |text: String| -> String {
        text.chars().filter(|c| *c == '\n' || !crate::source::steers(*c)).collect()
    };
    match value {
        Value::Text(text) => Value::Text(plain(text).trim().to_owned()),
        Value::Names(names) => Value::Names(names.into_iter().map(plain).collect()),
        other => other,
    }
}

/// True for words that name an angle only together with that word.
fn is_angle(text: &str) -> bool {
    matches!(
        text.trim().to_lowercase().as_str(),
        "low" | "high" | "wide" | "dutch" | "canted" | "extreme low" | "extreme high"
    )
}

/// A line of sound that says whose it is: `VO: ...`, `MUSIC: ...`, `旁白：...`.
fn whose(line: &str) -> Option<(Field, &str)> {
    let (name, words) = line.split_once([':', '：'])?;
    let key = normalise_label(name);
    // A speaker may be called like anything; only the words of the trade count.
    let field = match key.as_str() {
        "vo" | "voiceover" | "narrator" | "narration" | "旁白" | "解说" | "ナレーション"
        | "sprecher" => Field::Voiceover,
        "music" | "bgm" | "音乐" | "配乐" | "音楽" | "musik" | "muziek" => Field::Music,
        "sfx" | "soundeffect" | "soundeffects" | "音效" | "効果音" | "fx" => Field::Sfx,
        "ambient" | "ambience" | "atmos" | "环境音" => Field::Ambient,
        "dialogue" | "dialog" => Field::Dialogue,
        _ => return None,
    };
    let words = words.trim();
    (name.chars().count() <= 20 && !words.is_empty()).then_some((field, words))
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
