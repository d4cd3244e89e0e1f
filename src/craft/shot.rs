//! A clip as lints see it.

use crate::prompt::{Line, grammar};
use crate::storyboard::Field;
use std::collections::{BTreeMap, BTreeSet};

/// A clip that would be made.
#[derive(Debug, Clone, Default)]
pub struct Shot<'a> {
    /// The scene's id.
    pub scene: String,
    /// The words of its fields, those of the film among them.
    pub fields: BTreeMap<Field, &'a str>,
    /// The fields that the scene has itself.
    pub own: BTreeSet<Field>,
    /// The prompt as it is sent.
    pub prompt: &'a str,
    /// True where that is the author's own and no template's.
    pub is_own_prompt: bool,
    /// Display name of the model.
    pub model: &'a str,
    /// The model's prompt style.
    pub style: &'a str,
    /// Length of the clip in seconds.
    pub seconds: Option<f64>,
    /// True when it has sound.
    pub sound: bool,
    /// True when it starts from a picture.
    pub from_image: bool,
    /// True when a step extends it.
    pub extended: bool,
    /// The scene that starts from its last frame.
    pub continued_by: Option<String>,
    /// True when the model has a parameter for what to avoid.
    pub takes_negative: bool,
    /// What is said on camera.
    pub dialogue: &'a [Line],
    /// Who is in it.
    pub people: Vec<Person>,
    /// Whether the film says anything of who its people are.
    pub has_cast: bool,
}

/// Somebody whom the scene names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name as the scene has it.
    pub name: String,
    /// True when the film says what it looks like, in words or pictures.
    pub is_described: bool,
    /// True when the film knows the name.
    pub is_known: bool,
}

impl Shot<'_> {
    /// The words of a field; empty where it has none.
    pub(super) fn text(&self, field: Field) -> &str {
        self.fields.get(&field).copied().unwrap_or_default()
    }

    /// What is seen and what happens, as it reaches the model.
    pub(super) fn seen(&self) -> String {
        if self.is_own_prompt {
            return self.prompt.to_owned();
        }
        let parts = [Field::Subject, Field::Visual, Field::Action];
        parts.map(|field| self.text(field)).join(". ")
    }

    /// The field that says what happens.
    pub(super) fn told_in(&self) -> Option<Field> {
        let own = self.is_own_prompt.then_some(Field::Prompt);
        own.or_else(|| {
            [Field::Action, Field::Visual, Field::Subject]
                .into_iter()
                .find(|field| self.fields.contains_key(field))
        })
    }

    /// What is seen, and how the camera sees it.
    pub(super) fn seen_and_camera(&self) -> String {
        format!("{}. {}", self.text(Field::Camera), self.seen())
    }

    /// The field of the camera, or the prompt that should have told of it.
    pub(super) fn camera_in(&self) -> Option<Field> {
        if self.is_own_prompt { Some(Field::Prompt) } else { self.camera_field() }
    }

    fn camera_field(&self) -> Option<Field> {
        self.fields.contains_key(&Field::Camera).then_some(Field::Camera).or(self.told_in())
    }

    /// Whether words can be judged: the lists are English.
    pub(super) fn is_english(&self) -> bool {
        let text = self.seen();
        let letters = text.chars().filter(|c| c.is_alphabetic());
        let (all, ascii) =
            letters.fold((0, 0), |(all, ascii), c| (all + 1, ascii + usize::from(c.is_ascii())));
        all > 0 && ascii * 10 >= all * 9
    }
}

/// Whether any of the words or phrases stands in a text, as whole words.
pub(super) fn first_of<'w>(text: &str, wanted: &[&'w str]) -> Option<&'w str> {
    let words = grammar::words(text);
    wanted.iter().copied().find(|phrase| holds(&words, phrase))
}

fn holds(words: &[String], phrase: &str) -> bool {
    let phrase: Vec<&str> = phrase.split(' ').collect();
    words.windows(phrase.len()).any(|window| window.iter().eq(phrase.iter()))
}

/// Whether a word in any form (`trails`, `trailing`, `trailed`) stands in a text.
pub(super) fn has_form(text: &str, stems: &[&str]) -> bool {
    let words = grammar::words(text);
    words.iter().any(|word| {
        stems.iter().any(|stem| {
            word == stem
                || word.strip_prefix(stem).is_some_and(|rest| {
                    matches!(rest, "s" | "es" | "ing" | "ed" | "d" | "y" | "ly" | "en")
                        || (rest.len() > 3 && rest.ends_with("ing"))
                })
                || stem.strip_suffix(['e', 'y']).is_some_and(|stem| {
                    word.strip_prefix(stem)
                        .is_some_and(|rest| matches!(rest, "ing" | "ies" | "ied"))
                })
        })
    })
}
