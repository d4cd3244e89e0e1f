//! Scenes, their steps and the storyboard that holds them.

use super::field::{Field, Fields, Input};
use crate::source::{Span, Spanned};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use unicode_normalization::UnicodeNormalization as _;

/// A film as its author wrote it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Storyboard {
    /// Title of the film, from front matter or the first heading.
    pub title: Option<Spanned<String>>,
    /// Scene defaults from front matter or the global bullets before the first scene.
    pub defaults: Fields,
    /// Steps that every scene without steps of its own gets.
    pub default_steps: Option<Vec<Step>>,
    /// People and things that must look the same in every scene.
    pub characters: Vec<Character>,
    /// The film in other qualities, the roughest first.
    pub profiles: Vec<Profile>,
    /// The profile where the command names none.
    pub profile: Option<Spanned<String>>,
    /// Files that give more defaults and characters, those that count more later.
    pub includes: Vec<Include>,
    /// Scenes in document order.
    pub scenes: Vec<Scene>,
}

/// A way to render the whole film: as a cheap draft, or as the final. It says nothing of stills.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Its name.
    pub name: Spanned<String>,
    /// Fields that count more than those of any scene.
    pub fields: Fields,
    /// Steps after the clip, in place of those of any scene.
    pub steps: Option<Vec<Step>>,
}

/// A file whose defaults or characters hold for the storyboard as well.
#[derive(Debug, Clone, PartialEq)]
pub struct Include {
    /// Its path as written, relative to the file that names it.
    pub path: Spanned<String>,
    /// True where all of the file is the map of characters.
    pub is_cast: bool,
}

/// A recurring person or thing with a fixed description.
#[derive(Debug, Clone, PartialEq)]
pub struct Character {
    /// The name scenes use, as written: `ada`.
    pub name: Spanned<String>,
    /// The description that is spliced into prompts word for word.
    pub look: Option<Spanned<String>>,
    /// Reference images, for models that take them.
    pub images: Vec<Spanned<Input>>,
    /// The voice that speaks its lines, by the name or id that a speech model has.
    pub voice: Option<Spanned<String>>,
    /// Whether a reference picture is made of it, and of what.
    pub sheet: Option<Spanned<Sheet>>,
}

/// What a character's sheet, the reference picture that is made of it, shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sheet {
    /// Nothing: none is made, whatever an included file says.
    Off,
    /// What character sheets show.
    On,
    /// What these words say.
    Words(String),
}

impl Character {
    /// A character of whom nothing is said yet.
    pub fn named(name: Spanned<String>) -> Self {
        Self { name, look: None, images: Vec::new(), voice: None, sheet: None }
    }

    /// Fills what is not said of it from another description of the same character.
    pub(super) fn fill(&mut self, other: &Self) {
        self.look = self.look.take().or_else(|| other.look.clone());
        self.voice = self.voice.take().or_else(|| other.voice.clone());
        self.sheet = self.sheet.take().or_else(|| other.sheet.clone());
        if self.images.is_empty() {
            self.images.clone_from(&other.images);
        }
    }
}

/// One entry of the storyboard.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// Its number or text id, unique in the storyboard.
    pub id: SceneId,
    /// Where the id (or the heading without one) stands.
    pub id_span: Span,
    /// The title after the id.
    pub title: Option<Spanned<String>>,
    /// The whole heading or map entry, for problems that concern the scene as such.
    pub span: Span,
    /// The scene's own fields; defaults are not merged in.
    pub fields: Fields,
    /// The scene's own steps after (or instead of) a plain generate; `None` where it names none.
    pub steps: Option<Vec<Step>>,
    /// Labels nobody knows, with their text: kept, so that a later version that knows them does not see a change.
    pub unknown: Vec<(Spanned<String>, String)>,
    /// The character whose sheet it is: such a scene stands in no storyboard and in no cut.
    pub sheet_of: Option<String>,
}

/// What a film says of all its pictures and so of its characters' sheets; the rest is said of scenes.
const OF_SHEETS: [Field; 4] =
    [Field::Style, Field::ImageModel, Field::Negative, Field::AspectRatio];

/// Fields that say what a clip starts from.
const STARTS: [Field; 3] = [Field::Reference, Field::ImagePrompt, Field::Video];

impl Scene {
    /// Its fields over the defaults that hold for it.
    pub fn effective(&self, defaults: &Fields) -> Fields {
        if self.sheet_of.is_some() {
            return self.fields.over(&defaults.only(&OF_SHEETS));
        }
        let mut fields = self.fields.over(defaults);
        if self.fields.has(Field::Extends) {
            // What the film says of where clips start is not said of one that continues another.
            for field in STARTS.into_iter().filter(|field| !self.fields.has(*field)) {
                fields.remove(field);
            }
        }
        fields
    }
}

/// One step an author wrote under a scene, with the fields that hold for that step only.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What is done.
    pub kind: StepKind,
    /// Where it stands.
    pub span: Span,
    /// Its own fields. The short forms are put into fields by the reader: the text of `extend: TEXT` and
    /// `restyle: TEXT` is `prompt`, the target of `upscale: 4k` is `resolution` as written (`1080p`, `4k`, `topaz 2x`).
    pub fields: Fields,
}

/// The kinds of step, in the order in which they make sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepKind {
    /// The scene's words, spoken.
    Voice,
    /// A still that starts the clip.
    Keyframe,
    /// The clip itself.
    Generate,
    /// The clip goes on.
    Extend,
    /// The clip in another look.
    Restyle,
    /// The clip speaks.
    Lipsync,
    /// The clip in more pixels.
    Upscale,
}

impl StepKind {
    /// All kinds, in order.
    pub const ALL: [Self; 7] = [
        Self::Voice,
        Self::Keyframe,
        Self::Generate,
        Self::Extend,
        Self::Restyle,
        Self::Lipsync,
        Self::Upscale,
    ];

    /// The word used in storyboards, selections and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Keyframe => "keyframe",
            Self::Generate => "generate",
            Self::Extend => "extend",
            Self::Restyle => "restyle",
            Self::Lipsync => "lipsync",
            Self::Upscale => "upscale",
        }
    }

    /// True for a step that makes a clip: neither a still nor a voice.
    pub fn is_of_clip(self) -> bool {
        !matches!(self, Self::Voice | Self::Keyframe)
    }

    /// The kind with this name, whatever the case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name.trim()))
    }
}

impl fmt::Display for StepKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// A scene's name: a whole number, or a text such as `12A`, `2.1`, `sh010` or `hook`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SceneId {
    /// A whole number; a JSON number in the manifest.
    Number(u64),
    /// Anything else, as written.
    Text(String),
}

/// File systems take names of up to 255 bytes.
const LONGEST_STEM: usize = 160;

impl SceneId {
    /// The id that a text means: `7`, `07` and `" 7 "` are the number 7. Numbers of more than 15 digits stay text.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        if !text.is_empty() && text.len() <= 15 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self::Number(
                text.bytes().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')),
            );
        }
        Self::Text(text.to_owned())
    }

    /// The key under which ledger rows and selections know the scene; equal for equal ids.
    pub fn key(&self) -> String {
        self.to_string()
    }

    /// The stem of the scene's clip: `scene-01`, `scene-12A`, `scene-2.1`. Never leaves its folder: everything
    /// but letters, digits, `.`, `_` and `-` becomes `-`, and leading dots go. Letters that can be written in two ways
    /// are composed, because some file systems take both for one, and the name is short enough for all of them, with
    /// what marks a take.
    pub fn file_stem(&self) -> String {
        match self {
            Self::Number(number) => format!("scene-{number:02}"),
            Self::Text(text) => {
                let mut safe: String =
                    text.nfc()
                        .map(|c| {
                            if c.is_alphanumeric() || matches!(c, '.' | '_' | '-') {
                                c
                            } else {
                                '-'
                            }
                        })
                        .take(80)
                        .collect();
                while safe.len() > LONGEST_STEM {
                    safe.pop();
                }
                let safe = safe.trim_matches(|c: char| c == '.' || c == '-');
                // A text id such as `01A` must not meet the file of another scene, and an empty one needs a name.
                if safe.is_empty() { "scene-x".to_owned() } else { format!("scene-{safe}") }
            }
        }
    }
}

impl fmt::Display for SceneId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(out, "{number}"),
            Self::Text(text) => out.write_str(text),
        }
    }
}

impl Serialize for SceneId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for SceneId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::Number(number) => {
                Ok(number.as_u64().map_or_else(|| Self::Text(number.to_string()), Self::Number))
            }
            serde_json::Value::String(text) => Ok(Self::parse(&text)),
            other => Err(serde::de::Error::custom(format!(
                "a scene id is a number or a text, not `{other}`"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_numbers_only_when_whole() {
        assert_eq!(SceneId::parse("07"), SceneId::Number(7));
        assert_eq!(SceneId::parse("2.1"), SceneId::Text("2.1".into()));
        assert_eq!(SceneId::parse("12A").to_string(), "12A");
        assert_eq!(SceneId::parse("12345678901234567890").to_string(), "12345678901234567890");
    }

    #[test]
    fn file_stems_stay_in_their_folder() {
        assert_eq!(SceneId::Number(1).file_stem(), "scene-01");
        assert_eq!(SceneId::Text("../../x".into()).file_stem(), "scene-x");
        assert_eq!(SceneId::Text("..".into()).file_stem(), "scene-x");
        assert_eq!(SceneId::Text("a/b".into()).file_stem(), "scene-a-b");
        assert_eq!(SceneId::Text("a\0b\nc".into()).file_stem(), "scene-a-b-c");
        assert_eq!(SceneId::Text("e\u{301}".into()).file_stem(), "scene-\u{e9}");
        assert_eq!(SceneId::Text("\u{1112}\u{1161}".into()).file_stem(), "scene-\u{d558}");
        for letter in ['x', '\u{e9}', '\u{6f22}', '\u{20000}'] {
            let stem = SceneId::Text(letter.to_string().repeat(300)).file_stem();
            assert!((80..=166).contains(&stem.len()), "{stem}");
        }
    }
}
