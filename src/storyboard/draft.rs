//! A scene, a step or a set of defaults while it is being read: labels and nodes go in, typed fields come out.

use super::field::{Field, Fields, Value, normalise_label};
use super::node::{Node, NodeKind};
use super::problems::{Problems, nearest, quoted};
use super::scene::{Scene, SceneId, Step, StepKind};
use super::value::{self, Outcome};
use super::{absent, words};
use crate::source::{Diagnostic, Span, Spanned};
use std::collections::BTreeMap;

/// Normalised labels that name a scene's id.
const ID_LABELS: &[&str] = &[
    "id",
    "sceneid",
    "shotid",
    "scenenumber",
    "shotnumber",
    "sceneno",
    "shotno",
    "number",
    "no",
    "nr",
    "num",
    "index",
    "编号",
    "序号",
    "镜号",
    "番号",
    "nummer",
    "sc",
    "scenenr",
    "shotnr",
    "clipid",
    "clipnumber",
    "clipno",
    "framenumber",
    "panelnumber",
    "sceneindex",
    "shotindex",
    "sequencenumber",
    "order",
    "镜头号",
    "镜头编号",
    "分镜号",
    "场次",
    "カット番号",
    "シーン番号",
    "szenennr",
    "szenennummer",
    "einstellungsnr",
    "scenenummer",
    "shotnummer",
];

/// Normalised labels that name a scene's title.
const TITLE_LABELS: &[&str] = &[
    "title",
    "name",
    "heading",
    "scenetitle",
    "scenename",
    "shottitle",
    "标题",
    "タイトル",
    "titel",
    "slugline",
    "sceneheading",
    "shotname",
    "clipname",
    "cliptitle",
    "镜头名称",
    "场景名称",
];

/// Normalised labels that name a scene's steps.
const STEPS_LABELS: &[&str] = &["steps", "chain"];

/// What is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A scene, with an id, a title and steps.
    Scene,
    /// Scene defaults, with steps.
    Defaults,
    /// One step: fields only.
    Step,
}

/// What has been read so far.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    place: Place,
    /// The id, when one was given.
    pub id: Option<Spanned<SceneId>>,
    /// The title, when one was given.
    pub title: Option<Spanned<String>>,
    /// The fields.
    pub fields: Fields,
    /// The steps, when any were named.
    pub steps: Option<Vec<Step>>,
    /// Labels nobody knows.
    pub unknown: Vec<(Spanned<String>, String)>,
    /// Some value that would have been shown was wrong: that it is missing now is no second problem.
    pub broken: bool,
    labels: BTreeMap<Field, Label>,
}

/// The label a field was set by.
#[derive(Debug, Clone, Copy)]
struct Label {
    rank: usize,
    span: Span,
}

impl Draft {
    /// Nothing read yet.
    pub fn new(place: Place) -> Self {
        Self {
            place,
            id: None,
            title: None,
            fields: Fields::default(),
            steps: None,
            unknown: Vec::new(),
            broken: false,
            labels: BTreeMap::new(),
        }
    }

    /// Puts a labelled value where it belongs.
    pub fn put(&mut self, label: &Spanned<String>, node: &Node, problems: &mut Problems<'_>) {
        self.put_meant(label, Meaning::of(&label.value), node, problems);
    }

    /// Puts a value whose label was looked up already where it belongs.
    pub fn put_meant(
        &mut self,
        label: &Spanned<String>,
        meaning: Meaning,
        node: &Node,
        problems: &mut Problems<'_>,
    ) {
        let in_scene = self.place == Place::Scene;
        match meaning {
            // `scene: 4` and `shot: 4` number a scene; with words they are its picture or its size.
            Meaning::Field(Field::Visual | Field::Shot, _)
                if in_scene && self.is_number(label, node) =>
            {
                self.put_id(node, problems);
            }
            Meaning::Field(field, rank) => self.put_field(field, rank, label, node, problems),
            Meaning::Id if in_scene => self.put_id(node, problems),
            Meaning::Title if in_scene => {
                if self.title.is_none() {
                    self.title = words::plain(node);
                }
            }
            Meaning::Steps if self.place != Place::Step => {
                let mut steps = Vec::new();
                read_steps(node, &mut steps, problems);
                self.steps.get_or_insert_default().extend(steps);
            }
            Meaning::Step(kind) if self.place != Place::Step => {
                if node.kind != NodeKind::Null {
                    let step = read_step(kind, label.span, node, problems);
                    self.steps.get_or_insert_default().push(step);
                }
            }
            Meaning::Id | Meaning::Title | Meaning::Steps | Meaning::Step(_) | Meaning::Unknown => {
                problems.unknown_label(label);
                self.unknown.push((label.clone(), raw_text(node)));
            }
        }
    }

    fn is_number(&self, label: &Spanned<String>, node: &Node) -> bool {
        self.id.is_none()
            && matches!(normalise_label(&label.value).as_str(), "scene" | "shot")
            && node.as_text().is_some_and(|text| matches!(SceneId::parse(text), SceneId::Number(_)))
    }

    fn put_id(&mut self, node: &Node, problems: &mut Problems<'_>) {
        match words::plain(node) {
            Some(text) if self.id.is_none() => {
                self.id = Some(text.map(|text| SceneId::parse(&text)))
            }
            Some(_) => {}
            None if node.kind == NodeKind::Null => {}
            None => problems.push(
                Diagnostic::error(
                    "wrong-value",
                    format!("`id` takes a number or a word, not {}", node.described()),
                    node.span,
                )
                .label("not an id")
                .hint("write `id: 1` or `id: hook`"),
            ),
        }
    }

    fn put_field(
        &mut self,
        field: Field,
        rank: usize,
        label: &Spanned<String>,
        node: &Node,
        problems: &mut Problems<'_>,
    ) {
        let read = match value::read(field, label, node, problems) {
            Outcome::Value(read) => read,
            Outcome::Nothing => return,
            Outcome::Wrong => {
                self.broken = true;
                return;
            }
        };
        let this = Label { rank, span: label.span };
        let Some(before) = self.labels.get(&field).copied() else {
            self.labels.insert(field, this);
            self.fields.set(field, read);
            return;
        };
        let source = problems.source();
        let written = |label: Label| source.slice(label.span).trim().to_owned();
        // `Caption (EN)` and `Caption (JA)` are two things under one label.
        let same = normalise_label(&written(before)) == normalise_label(&written(this));
        if before.rank == rank && same {
            let line = source.line(before.span.start);
            problems.push(
                Diagnostic::error(
                    "repeated-field",
                    format!(
                        "{} stands twice in one scene, first on line {line}",
                        quoted(&label.value)
                    ),
                    label.span,
                )
                .label("second time")
                .related(before.span, "first time")
                .hint("keep one of them, or number the scenes apart"),
            );
            return;
        }
        // Which label wins must not depend on the order of the lines, so that sorting them changes nothing.
        let wins = (rank, written(this)) < (before.rank, written(before));
        let (winner, loser) = if wins { (this, before) } else { (before, this) };
        let name = field.name();
        problems.push(
            Diagnostic::warning(
                "repeated-field",
                format!(
                    "{} and {} are both `{name}`: {} is used",
                    quoted(&written(before)),
                    quoted(&written(this)),
                    quoted(&written(winner))
                ),
                loser.span,
            )
            .label("not used")
            .related(winner.span, "used")
            .hint(format!("say all of it under `{name}`")),
        );
        let lost = if wins {
            self.labels.insert(field, this);
            let old = self.fields.remove(field);
            self.fields.set(field, read);
            old
        } else {
            Some(read)
        };
        if let Some(lost) = lost {
            let label = Spanned::new(written(loser), loser.span);
            self.unknown.push((label, shown(&lost.value)));
        }
    }

    /// Sets a field that was not written with a label (prose, a time in a heading), unless it is there already.
    pub fn fill(&mut self, field: Field, value: Spanned<Value>) {
        if !self.fields.has(field) {
            self.fields.set(field, value);
        }
    }

    /// The scene; `id` is what it is called where the document does not say.
    pub fn into_scene(self, id: Spanned<SceneId>, span: Span) -> Scene {
        let id = self.id.unwrap_or(id);
        Scene {
            id: id.value,
            id_span: id.span,
            title: self.title,
            span,
            fields: self.fields,
            steps: self.steps,
            unknown: self.unknown,
            sheet_of: None,
        }
    }
}

/// What a label means in a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A field, and how far down its row the label stands.
    Field(Field, usize),
    /// The scene's id.
    Id,
    /// The scene's title.
    Title,
    /// Its steps.
    Steps,
    /// One step.
    Step(StepKind),
    /// Nothing.
    Unknown,
}

impl Meaning {
    /// The meaning of a label; `Duration (s)` and `Visual (what we see)` are known without their remark.
    pub fn of(label: &str) -> Self {
        let meaning = Self::of_plain(label);
        if meaning != Self::Unknown {
            return meaning;
        }
        let field = |label: &str| match Self::of_plain(label) {
            known @ Self::Field(..) => known,
            _ => Self::Unknown,
        };
        if let Some((before, _)) = label.split_once(['(', '（', '['])
            && !before.trim().is_empty()
        {
            return field(before);
        }
        // `Audio/SFX` and `Camera & movement` name one thing twice: the first word decides.
        match label.split_once(['/', '&', '／']) {
            Some((first, second)) if field(second) != Self::Unknown => field(first),
            _ => Self::Unknown,
        }
    }

    fn of_plain(label: &str) -> Self {
        // Nearly every label is short and in ASCII, and every line has one: those are looked up without an allocation.
        let mut letters = [0_u8; 48];
        if label.len() > letters.len() || !label.is_ascii() {
            return Self::of_key(&normalise_label(label));
        }
        let mut length = 0;
        for byte in label.bytes().filter(u8::is_ascii_alphanumeric) {
            letters[length] = byte.to_ascii_lowercase();
            length += 1;
        }
        Self::of_key(std::str::from_utf8(&letters[..length]).unwrap_or_default())
    }

    fn of_key(key: &str) -> Self {
        if let Some((field, rank)) = Field::ranked(key) {
            return Self::Field(field, rank);
        }
        if TITLE_LABELS.contains(&key) {
            Self::Title
        } else if ID_LABELS.contains(&key) {
            Self::Id
        } else if STEPS_LABELS.contains(&key) {
            Self::Steps
        } else {
            // Notes about a voice are common, and no order for one.
            let step = StepKind::named(key).filter(|step| *step != StepKind::Voice);
            step.map_or(Self::Unknown, Self::Step)
        }
    }

    /// The field, where it is one.
    pub fn field(self) -> Option<Field> {
        match self {
            Self::Field(field, _) => Some(field),
            _ => None,
        }
    }

    /// True for every label that means something in a scene.
    pub fn is_known(self) -> bool {
        self != Self::Unknown
    }
}

/// The field a label means, with the remark in brackets left out.
pub(crate) fn known(label: &str) -> Option<Field> {
    Meaning::of(label).field()
}

/// True for every label that means something in a scene.
pub(crate) fn is_scene_label(label: &str) -> bool {
    Meaning::of(label).is_known()
}

pub(crate) fn raw_text(node: &Node) -> String {
    match &node.kind {
        NodeKind::Null => String::new(),
        NodeKind::Scalar(scalar) => scalar.text.split_whitespace().collect::<Vec<_>>().join(" "),
        NodeKind::List(items) => items.iter().map(raw_text).collect::<Vec<_>>().join("; "),
        NodeKind::Map(entries) => entries
            .iter()
            .map(|(key, value)| format!("{}: {}", key.value, raw_text(value)))
            .collect::<Vec<_>>()
            .join("; "),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Seconds(seconds) => format!("{seconds} s"),
        Value::Integer(number) => number.to_string(),
        Value::Switch(on) => if *on { "on" } else { "off" }.to_owned(),
        Value::Names(names) => names.join(", "),
        Value::Ranges(ranges) => {
            ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        }
        Value::Inputs(_) | Value::Params(_) => serde_json::to_string(value).unwrap_or_default(),
    }
}

/// Reads the value of `steps`: a list of one-key maps, one map, or words such as `extend, upscale 4k`.
fn read_steps(node: &Node, steps: &mut Vec<Step>, problems: &mut Problems<'_>) {
    match &node.kind {
        NodeKind::Null => {}
        NodeKind::List(items) => {
            for item in items {
                read_steps(item, steps, problems);
            }
        }
        NodeKind::Map(entries) => {
            for (name, value) in entries {
                match StepKind::named(&name.value) {
                    Some(kind) => steps.push(read_step(kind, name.span, value, problems)),
                    None => unknown_step(name, problems),
                }
            }
        }
        NodeKind::Scalar(scalar) => {
            if absent::is_nothing(scalar) {
                return;
            }
            let start = node.span.start;
            let exact = node.span.end - start == scalar.text.len();
            let mut offset = 0;
            for part in scalar.text.split_inclusive([',', ';', '\n', '→', '>']) {
                let from = offset;
                offset += part.len();
                let words = part.trim_matches(|c: char| {
                    c.is_whitespace() || matches!(c, ',' | ';' | '→' | '>' | '-' | '*')
                });
                if words.is_empty() {
                    continue;
                }
                let at = start + from + part.find(words).unwrap_or(0);
                let name_length = words.find([' ', ':', '=']).unwrap_or(words.len());
                let (name, rest) = words.split_at(name_length);
                let rest_text = rest.trim_start_matches([' ', ':', '=']);
                let place = |from: usize, length: usize| {
                    if exact { Span::new(from, from + length) } else { node.span }
                };
                let name = Spanned::new(name.to_owned(), place(at, name_length));
                let value_at = at + words.len() - rest_text.len();
                let value = if rest_text.is_empty() {
                    Node::null(name.span)
                } else {
                    Node::scalar(rest_text, scalar.style, place(value_at, rest_text.len()))
                };
                match StepKind::named(&name.value) {
                    Some(kind) => steps.push(read_step(kind, name.span, &value, problems)),
                    None => unknown_step(&name, problems),
                }
            }
        }
    }
}

fn unknown_step(name: &Spanned<String>, problems: &mut Problems<'_>) {
    let names: Vec<&str> = StepKind::ALL.iter().map(|kind| kind.name()).collect();
    let hint = nearest(&name.value, names.iter().copied()).map_or_else(
        || {
            "the steps are `voice`, `keyframe`, `generate`, `extend`, `restyle`, `lipsync` and `upscale`"
                .to_owned()
        },
        |near| format!("did you mean `{near}`?"),
    );
    problems.push(
        Diagnostic::error(
            "unknown-step",
            format!("no step is called {}", quoted(&name.value)),
            name.span,
        )
        .label("not a step")
        .hint(hint),
    );
}

/// The field that a step's short form fills: the text of `extend: TEXT` is its prompt, `4k` of `upscale: 4k` its resolution.
fn short_field(kind: StepKind) -> Field {
    match kind {
        StepKind::Upscale => Field::Resolution,
        StepKind::Lipsync => Field::Audio,
        StepKind::Voice
        | StepKind::Keyframe
        | StepKind::Generate
        | StepKind::Extend
        | StepKind::Restyle => Field::Prompt,
    }
}

/// Reads one step from its value: the short form, or a map of fields.
pub(crate) fn read_step(
    kind: StepKind,
    span: Span,
    node: &Node,
    problems: &mut Problems<'_>,
) -> Step {
    let mut draft = Draft::new(Place::Step);
    match &node.kind {
        NodeKind::Null => {}
        NodeKind::Map(entries) => {
            for (label, value) in entries {
                draft.put(label, value, problems);
            }
        }
        // `upscale: true` asks for the step without saying more.
        NodeKind::Scalar(scalar) if matches!(scalar.text.as_str(), "true" | "yes" | "on") => {}
        NodeKind::Scalar(_) | NodeKind::List(_) => put_short_form(kind, &mut draft, node, problems),
    }
    Step { kind, span, fields: draft.fields }
}

/// Puts words written straight under a step where they belong.
pub(crate) fn put_short_form(
    kind: StepKind,
    draft: &mut Draft,
    node: &Node,
    problems: &mut Problems<'_>,
) {
    let field = short_field(kind);
    let label = Spanned::new(field.name().to_owned(), node.span);
    if !draft.fields.has(field)
        && let Outcome::Value(value) = value::read(field, &label, node, problems)
    {
        draft.fields.set(field, value);
    }
}
