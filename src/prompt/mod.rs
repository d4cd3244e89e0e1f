//! Prompts: a scene's own words, or its fields composed by the template of the model's prompt style.
//!
//! Everything here is plain functions: templates are given as text, nothing is loaded from disk, and the same input gives
//! the same prompt.

mod beats;
mod dialogue;
mod filters;
pub(crate) mod grammar;
mod language;
mod lexicon;
mod origin;
mod templates;
mod verbs;

pub use beats::{Beat, beats, in_plain_words};
pub use dialogue::lines as dialogue_lines;
pub(crate) use filters::avoided;
pub use origin::{Origin, Piece, pieces};
pub use templates::{PromptError, Templates};

use crate::storyboard::markdown::plain::plain;
use serde::Serialize;
use std::collections::BTreeMap;

/// The fields of a scene that a template can use, by name. Those that a scene has not are empty text in a template.
pub const TEMPLATE_FIELDS: &[&str] = &[
    "shot", "camera", "subject", "visual", "action", "setting", "lighting", "mood", "style", "sfx",
    "ambient", "music", "audio", "negative",
];

/// What else a template is given: lists, and what is so of the clip.
const TEMPLATE_LISTS: &[&str] =
    &["characters", "dialogue", "beats", "beats_of", "sound", "from_image", "will_be_extended"];

/// What a prompt is made from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PromptInput {
    /// The words of the scene by field; see [`TEMPLATE_FIELDS`]. Others are left aside.
    pub fields: BTreeMap<String, String>,
    /// The characters of the storyboard that have a look.
    pub characters: Vec<Cast>,
    /// What is said on camera.
    pub dialogue: Vec<Line>,
    /// True when the model makes sound for this request.
    pub sound: bool,
    /// True when the clip starts from a picture: only motion is described then.
    pub from_image: bool,
    /// True when the clip is continued by an extend step.
    pub will_be_extended: bool,
    /// The author's own prompt. It is used word for word and everything else is left aside.
    pub prompt: Option<String>,
}

/// A character and the fixed description that goes into prompts word for word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cast {
    /// The name that scenes use.
    pub name: String,
    /// The description.
    pub look: String,
    /// True when the scene lists the character. One that is not listed is used where the scene's words name it.
    #[serde(skip)]
    pub listed: bool,
}

/// One line of dialogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Who speaks; absent where the author does not say.
    pub speaker: Option<String>,
    /// What is said.
    pub words: String,
    /// How it is said, in a few words; empty where the author does not say.
    pub manner: String,
}

/// Makes the prompt of a request.
///
/// The author's own prompt is given back unchanged. Otherwise the template of `style` composes one line of plain text:
/// white space is one space each, and no sentence ends in two full stops.
///
/// # Errors
///
/// No template has the name, a template is wrong (with its line), or nothing at all is left to say.
pub fn compose(
    templates: &Templates,
    style: &str,
    input: &PromptInput,
) -> Result<String, PromptError> {
    if let Some(prompt) = &input.prompt {
        return Ok(prompt.clone());
    }
    let prompt = tidy(&templates.render(style, &context(input))?);
    if prompt.is_empty() {
        return Err(PromptError::Empty { style: style.to_owned() });
    }
    Ok(prompt)
}

/// The variables of a template. Every name is always there, so that a misspelt one is an error.
#[derive(Serialize)]
pub(crate) struct Context<'a> {
    #[serde(flatten)]
    fields: BTreeMap<&'static str, String>,
    characters: Vec<&'a Cast>,
    dialogue: &'a [Line],
    beats: Vec<Beat>,
    /// The field that has the beats.
    beats_of: &'static str,
    sound: bool,
    from_image: bool,
    will_be_extended: bool,
}

impl Context<'_> {
    /// All its words, in bytes.
    fn bytes(&self) -> usize {
        let fields = self.fields.values().map(String::len);
        let beats = self.beats.iter().map(|beat| beat.words.len());
        let looks = self.characters.iter().map(|cast| cast.name.len() + cast.look.len());
        let lines = self.dialogue.iter();
        let lines =
            lines.map(|line| line.words.len() + line.speaker.as_ref().map_or(0, String::len));
        fields.chain(beats).chain(looks).chain(lines).sum()
    }
}

fn context(input: &PromptInput) -> Context<'_> {
    let fields = TEMPLATE_FIELDS
        .iter()
        .map(|name| {
            (*name, input.fields.get(*name).map(|text| told(name, text)).unwrap_or_default())
        })
        .collect();
    let given = |name: &str| input.fields.get(name).is_some_and(|text| !text.trim().is_empty());
    // With a picture, what is seen is told only where nothing else says what moves.
    let told_of = |name: &&&str| !(**name == "visual" && input.from_image && given("action"));
    let timed = TIMED.iter().filter(told_of).find_map(|name| {
        let beats = beats(&plain(input.fields.get(*name)?))?;
        Some((*name, beats))
    });
    let (beats_of, beats) = timed.unwrap_or_default();
    Context {
        fields,
        characters: input.characters.iter().filter(|cast| is_in_scene(cast, input)).collect(),
        dialogue: &input.dialogue,
        beats,
        beats_of,
        sound: input.sound,
        from_image: input.from_image,
        will_be_extended: input.will_be_extended,
    }
}

/// Fields whose beats may have times, the one that counts more first.
const TIMED: [&str; 2] = ["action", "visual"];

/// A field as templates get it: on one line, and its beats in plain words. Their times are in `beats`.
fn told(name: &str, text: &str) -> String {
    let line = plain(text);
    // `Lighting: white sun` under `lighting` names its field once more.
    let line = match name {
        "lighting" | "style" | "camera" | "mood" | "setting" => {
            filters::without_label(&line, name).to_owned()
        }
        _ => line,
    };
    if TIMED.contains(&name) { in_plain_words(&line) } else { line }
}

fn is_in_scene(cast: &Cast, input: &PromptInput) -> bool {
    let texts = TEMPLATE_FIELDS.iter().filter_map(|name| input.fields.get(*name));
    let speakers = input.dialogue.iter().filter_map(|line| line.speaker.as_ref());
    !cast.look.trim().is_empty()
        && (cast.listed || texts.chain(speakers).any(|text| names(text, &cast.name)))
}

/// Whether a text has the name as a word of its own, whatever the case.
fn names(text: &str, name: &str) -> bool {
    let (text, name) = (text.to_lowercase(), name.trim().to_lowercase());
    if name.is_empty() {
        return false;
    }
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(&name).any(|(at, found)| {
        let before = text[..at].chars().next_back();
        let after = text[at + found.len()..].chars().next();
        // Chinese and Japanese put no spaces around names.
        !name.is_ascii() || (!is_word(before) && !is_word(after))
    })
}

/// Words with one space between them.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One line of plain text: no control characters, single spaces, no space before a full stop, no two full stops (three
/// are a pause and stay).
fn tidy(text: &str) -> String {
    let plain: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let line = one_line(&plain);
    let mut out = String::with_capacity(line.len());
    let mut dots = 0;
    for c in line.chars().chain(['\0']) {
        if c == '.' {
            dots += 1;
            continue;
        }
        let kept = if dots == 2 { 1 } else { dots };
        out.extend(std::iter::repeat_n('.', kept));
        dots = 0;
        if c != '\0' {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests;
