//! One labelled value of a foreign document as fields of a scene. Whatever has no field, or not the value of one, becomes a
//! note with a remark: nothing is dropped without a word.

use super::habits::clean;
use super::row::{self, is_empty};
use super::times::{self, Time};
use super::{Fate, Remark};
use crate::source::{Source, Span, Spanned};
use crate::storyboard::draft::{self, Draft, Meaning, Place};
use crate::storyboard::node::{Node, NodeKind, Style};
use crate::storyboard::problems::{Problems, quoted};
use crate::storyboard::value::{self, Outcome};
use crate::storyboard::{Field, Fields, Step, Value, absent, normalise_label};
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
/// Fields of the craft: what is said of them in several places is said together.
pub(super) const CRAFT: &[Field] = &[
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

    pub(super) fn unknown(&mut self, into: &mut Settled, label: &Spanned<String>, node: &Node) {
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
        if (meaning == Meaning::Unknown || meaning.field() == Some(Field::Duration))
            && let Some(time) = times::of_label(&label.value)
        {
            self.time(into, label, node, time);
            return;
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

    pub(super) fn id(&mut self, into: &mut Settled, label: &Spanned<String>, node: &Node) {
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
            Some(steps) if good && !steps.is_empty() && !steps.iter().any(is_number_only) => {
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
        if field == Field::Music
            && node
                .as_text()
                .is_some_and(|text| crate::storyboard::input::parse_unless_words(text).is_some())
        {
            self.note(into, label, node, "a file of music is put under the cut, not into a prompt");
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

/// True for `extend: 2`: how often, or by how much, and nothing that can be asked for.
fn is_number_only(step: &Step) -> bool {
    step.fields.text(Field::Prompt).is_some_and(|words| {
        !words.chars().any(char::is_alphabetic)
            || matches!(words.trim().to_lowercase().as_str(), "true" | "false" | "yes" | "no")
            || crate::storyboard::duration::parse(words, None).is_ok()
    })
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Seconds(seconds) => format!("{seconds} s"),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}
