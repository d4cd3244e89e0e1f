//! What a format's reader found: labelled values by scene, before anybody knows which fields they are.

use crate::source::{Span, Spanned};
use crate::storyboard::draft::Meaning;
use crate::storyboard::node::{Node, NodeKind};
use crate::storyboard::{Field, normalise_label};

/// A label with its value.
pub(super) type Entry = (Spanned<String>, Node);

/// A scene, or a scene with shots.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    /// Where it stands.
    pub span: Span,
    /// Its number or name, where the format has a place for it.
    pub id: Option<Spanned<String>>,
    /// Its title, where the format has a place for it.
    pub title: Option<Spanned<String>>,
    /// What is said of it.
    pub entries: Vec<Entry>,
    /// Its shots; they are scenes of their own, and it is none then.
    pub shots: Vec<Row>,
}

/// A document as its format's reader leaves it.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The film's title.
    pub title: Option<Spanned<String>>,
    /// What is said of the whole film.
    pub globals: Vec<Entry>,
    /// The scenes in document order.
    pub rows: Vec<Row>,
    /// Words that belong to no scene.
    pub loose: Vec<Spanned<String>>,
    /// How much the place of the scenes says that they are some: 2 for a list called `scenes`.
    pub context: i32,
}

impl Row {
    /// All scenes in it that have no shots: itself, or its shots.
    pub fn leaves<'r>(&'r self, into: &mut Vec<&'r Self>) {
        if self.shots.is_empty() {
            into.push(self);
        }
        for shot in &self.shots {
            shot.leaves(into);
        }
    }

    /// The same, to be changed.
    pub fn leaves_mut<'r>(&'r mut self, into: &mut Vec<&'r mut Self>) {
        if self.shots.is_empty() {
            into.push(self);
            return;
        }
        for shot in &mut self.shots {
            shot.leaves_mut(into);
        }
    }
}

/// True for what says nothing at all: no value, blank text, an empty list.
pub(super) fn is_empty(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Null => true,
        NodeKind::Scalar(scalar) => scalar.text.trim().is_empty(),
        NodeKind::List(items) => items.iter().all(is_empty),
        NodeKind::Map(entries) => entries.iter().all(|(_, value)| is_empty(value)),
    }
}

/// True for words that are a sentence rather than a name, a number or a term.
pub(super) fn is_sentence(text: &str) -> bool {
    let text = text.trim();
    let wide = text.chars().filter(|c| !c.is_ascii() && c.is_alphabetic()).count();
    text.split_whitespace().count() >= 5 || (wide >= 8 && !text.contains(' ')) || text.len() > 60
}

/// Labels, normalised, that say a part of a field, or that mean something only where a document is known to be a
/// storyboard. What a field is called stands in the storyboard's own table.
const PARTS: &[(&str, Field)] = &[
    ("lens", Field::Camera),
    ("focallength", Field::Camera),
    ("angle", Field::Camera),
    ("机位角度", Field::Camera),
    ("colorgrade", Field::Style),
    ("colourgrade", Field::Style),
    ("colorgrading", Field::Style),
    ("colorpalette", Field::Style),
    ("colourpalette", Field::Style),
    ("palette", Field::Style),
    ("色调", Field::Style),
    ("content", Field::Visual),
    ("imagedescription", Field::Visual),
    ("videodescription", Field::Visual),
    ("composition", Field::Shot),
    ("构图", Field::Shot),
    ("onscreen", Field::Visual),
    ("spoken", Field::Voiceover),
    ("script", Field::Voiceover),
    ("sec", Field::Duration),
    ("neg", Field::Negative),
    ("timeofday", Field::Setting),
    ("weather", Field::Setting),
];

/// The rank of a label that says a part of a field: behind every label of its own.
pub(super) const PART: usize = 1000;

/// What a label of a foreign document means.
pub(super) fn meaning(label: &str) -> Meaning {
    match Meaning::of(label) {
        Meaning::Unknown => {
            let key = normalise_label(label.split(['(', '（']).next().unwrap_or(label));
            let part = PARTS.iter().find(|(known, _)| *known == key);
            part.map_or(Meaning::Unknown, |(_, field)| Meaning::Field(*field, PART))
        }
        known => known,
    }
}
