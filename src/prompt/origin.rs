//! Where the words of a composed prompt come from.
//!
//! The template joins words and may change capitals and marks, so its prompt is read again and the words of each field are
//! looked for in it: whole fields first, then their sentences, then what is left of them between marks. That works for a
//! project's own templates as well, which can do what they like.

use super::{PromptInput, grammar, in_plain_words, is_in_scene, one_line};
use serde::Serialize;

/// Who said a part of a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A field of the scene, by name.
    Field(String),
    /// The look of a character.
    Character(String),
    /// A line of dialogue.
    Dialogue,
    /// The template.
    Template,
}

/// A part of a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// Its words as they stand in the prompt.
    pub words: String,
    /// Who said them.
    pub origin: Origin,
}

/// A prompt in parts, in order. All of it is there but white space at the ends of parts.
pub fn pieces(prompt: &str, input: &PromptInput) -> Vec<Piece> {
    let haystack = Letters::of(prompt);
    let mut owner: Vec<Option<usize>> = vec![None; haystack.letters.len()];
    let mut origins: Vec<Origin> = Vec::new();
    let mut wanted: Vec<(usize, String)> = Vec::new();
    let mut add = |origin: Origin, text: &str| {
        origins.push(origin);
        wanted.push((origins.len() - 1, text.to_owned()));
    };
    for line in &input.dialogue {
        add(Origin::Dialogue, &line.words);
    }
    for cast in input.characters.iter().filter(|cast| is_in_scene(cast, input)) {
        add(Origin::Character(cast.name.clone()), &cast.look);
    }
    for (name, text) in &input.fields {
        let text = one_line(text);
        let plain = in_plain_words(&text);
        add(Origin::Field(name.clone()), if plain == text { &text } else { &plain });
        for beat in super::beats(&text).into_iter().flatten() {
            add(Origin::Field(name.clone()), &beat.words);
        }
    }
    // Long texts first: `dawn` must not be taken out of `a lighthouse at dawn`.
    let mut parts: Vec<(usize, Vec<char>)> = Vec::new();
    for (origin, text) in &wanted {
        let sentences = grammar::sentences(text);
        let clauses = text.split([',', ';', ':', '.', '。', '，']);
        let all = std::iter::once(text.as_str()).chain(sentences).chain(clauses);
        parts.extend(all.map(|part| (*origin, Letters::of(part).letters)));
    }
    parts.retain(|(_, letters)| letters.len() >= 2);
    parts.sort_by_key(|(_, letters)| std::cmp::Reverse(letters.len()));
    for (origin, letters) in &parts {
        if letters.len() < 4 && owner.contains(&Some(*origin)) {
            continue;
        }
        haystack.take(letters, &mut owner, *origin);
    }
    haystack.pieces(prompt, &owner, &origins)
}

/// The letters and digits of a text in lower case, each with its place.
struct Letters {
    letters: Vec<char>,
    /// The byte of the text at which each stands.
    places: Vec<usize>,
    /// Whether a word begins with it.
    begins: Vec<bool>,
}

impl Letters {
    fn of(text: &str) -> Self {
        let (mut letters, mut places, mut begins) = (Vec::new(), Vec::new(), Vec::new());
        let mut inside = false;
        for (at, c) in text.char_indices() {
            if c.is_alphanumeric() {
                letters.push(c.to_lowercase().next().unwrap_or(c));
                places.push(at);
                begins.push(!inside || !c.is_ascii());
                inside = true;
            } else {
                inside = false;
            }
        }
        Self { letters, places, begins }
    }

    /// Gives the first free place of these letters to an origin.
    fn take(&self, letters: &[char], owner: &mut [Option<usize>], origin: usize) {
        let length = letters.len();
        let fits = |at: &usize| {
            self.begins[*at]
                && self.begins.get(at + length).copied().unwrap_or(true)
                && self.letters[*at..at + length] == *letters
                && owner[*at..at + length].iter().all(Option::is_none)
        };
        let last = self.letters.len().checked_sub(length);
        if let Some(at) = last.and_then(|last| (0..=last).find(fits)) {
            owner[at..at + length].fill(Some(origin));
        }
    }

    /// Runs of one origin as parts of the text.
    fn pieces(&self, text: &str, owner: &[Option<usize>], origins: &[Origin]) -> Vec<Piece> {
        let mut starts: Vec<(usize, Origin)> = Vec::new();
        for (at, owner) in owner.iter().enumerate() {
            let origin = owner.map_or(Origin::Template, |owner| origins[owner].clone());
            if starts.last().is_none_or(|(_, last)| *last != origin) {
                // An opening bracket or mark belongs to what it opens.
                let before = text[..self.places[at]].trim_end_matches(['(', '[', '"', '“', '「']);
                starts.push((before.len(), origin));
            }
        }
        let mut pieces = Vec::new();
        for (at, (start, origin)) in starts.iter().enumerate() {
            let start = if at == 0 { 0 } else { *start };
            let end = starts.get(at + 1).map_or(text.len(), |(next, _)| *next);
            let words = text[start..end].trim();
            if !words.is_empty() {
                pieces.push(Piece { words: words.to_owned(), origin: origin.clone() });
            }
        }
        pieces
    }
}
