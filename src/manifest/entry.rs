//! One entry of the manifest, as other tools and older versions may have written it.

use crate::media::Probe;
use crate::storyboard::{SceneId, StepKind};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// What kind of asset an entry is, as far as that matters here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Media {
    /// A clip: type `video`, ids `vid-007`.
    Video,
    /// A still: type `image`, ids `img-007`. Other tools write these, too.
    Image,
    /// A sound: type `audio`, ids `aud-007`. Other tools write these, too.
    Audio,
    /// Whatever else other tools put there.
    #[default]
    Other,
}

impl Media {
    /// What comes out of a chain whose last step is this one.
    pub fn made_by(last: Option<StepKind>) -> Self {
        match last {
            Some(StepKind::Keyframe) => Self::Image,
            Some(StepKind::Voice) => Self::Audio,
            _ => Self::Video,
        }
    }

    /// The value of `type`.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Other => "other",
        }
    }

    /// What ids of its entries begin with.
    pub(super) fn id_prefix(self) -> &'static str {
        match self {
            Self::Image => "img-",
            Self::Audio => "aud-",
            Self::Video | Self::Other => "vid-",
        }
    }

    /// What an entry of ours is by its keys: one without a `type` is a clip.
    pub fn of_entry(fields: &Map<String, Value>) -> Self {
        fields.get("type").map_or(Self::Video, Self::of)
    }

    fn of(value: &Value) -> Self {
        [Self::Video, Self::Image, Self::Audio]
            .into_iter()
            .find(|media| value.as_str() == Some(media.type_name()))
            .unwrap_or_default()
    }
}

/// A finished asset in the manifest. Missing keys and keys with odd types are empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AssetEntry {
    /// What it is.
    pub media: Media,
    /// `vid-007`; empty where the entry has none.
    pub id: String,
    /// The clip, relative to the assets root: `assets/clips/scene-01.mp4`. Written by anybody: see [`safe_filename`].
    pub filename: String,
    /// The composed prompt.
    pub prompt: String,
    /// Display name of the model.
    pub model: String,
    /// Parameters as recorded for other tools.
    pub parameters: Map<String, Value>,
    /// When it was published (RFC 3339).
    pub created_at: Option<String>,
    /// The scene.
    pub scene_id: Option<SceneId>,
    /// Counts publications of the scene, from 1.
    pub version: u64,
    /// The entry that took its place.
    pub superseded_by: Option<String>,
    /// The provider's id of the model.
    pub model_id: Option<String>,
    /// The provider's task.
    pub task_id: Option<String>,
    /// Fingerprint of the last step's request.
    pub fingerprint: Option<String>,
    /// Named parts of the request.
    pub parts: Map<String, Value>,
    /// What the author asked for; null where it was not recorded.
    pub ask: Value,
    /// Asks for which the author accepted this clip later.
    pub accepted: Vec<Value>,
    /// Number of the rendering.
    pub take: Option<u32>,
    /// It stands beside the scene's clip (or still), to choose from, and was never in its place.
    pub candidate: bool,
    /// The user has chosen it.
    pub picked: bool,
    /// `sha256:` and hex of its bytes.
    pub sha256: Option<String>,
    /// Its size.
    pub bytes: Option<u64>,
    /// What is known of its pictures.
    pub probe: Option<Probe>,
    /// What all its steps cost.
    pub credits: Option<f64>,
    /// The seed it was made with.
    pub seed: Option<i64>,
    /// Ids of the assets it was made from.
    pub inputs: Vec<String>,
    /// Its steps in order.
    pub steps: Vec<StepRecord>,
    /// The entry whose content was published again.
    pub restored_from: Option<String>,
    /// The storyboard; `None` for the default one.
    pub storyboard: Option<String>,
    /// The variant; `None` for the default one.
    pub variant: Option<String>,
}

/// One step of a chain as recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRecord {
    /// Its kind.
    pub step: StepKind,
    /// Display name of the model.
    pub model: String,
    /// The provider's id of the model.
    pub model_id: Option<String>,
    /// The catalogue's provider.
    pub provider: Option<String>,
    /// API family.
    pub family: Option<String>,
    /// Operation or upgrade of the family.
    pub operation: Option<String>,
    /// `POST /api/...`.
    pub endpoint: Option<String>,
    /// Fingerprint of its request.
    pub fingerprint: Option<String>,
    /// Named parts of its request.
    pub parts: Map<String, Value>,
    /// The provider's task.
    pub task_id: Option<String>,
    /// Digest of its clip.
    pub sha256: Option<String>,
    /// Size of its clip.
    pub bytes: Option<u64>,
    /// What it cost.
    pub credits: Option<f64>,
    /// When it was rendered (RFC 3339).
    pub created_at: Option<String>,
}

impl StepRecord {
    fn read(value: Value) -> Option<Self> {
        let Value::Object(mut map) = value else { return None };
        let step = StepKind::named(map.get("step")?.as_str()?)?;
        let mut take = |key: &str| map.shift_remove(key).unwrap_or_default();
        Some(Self {
            step,
            model: text(take("model")).unwrap_or_default(),
            model_id: text(take("model_id")),
            provider: text(take("provider")),
            family: text(take("family")),
            operation: text(take("operation")),
            endpoint: text(take("endpoint")),
            fingerprint: text(take("fingerprint")),
            parts: object(take("parts")),
            task_id: text(take("task_id")),
            sha256: text(take("sha256")),
            bytes: take("bytes").as_u64(),
            credits: take("credits").as_f64(),
            created_at: text(take("created_at")),
        })
    }
}

/// The file name where it stays below the assets root: relative, with `/`, without `..` and the like.
pub fn safe_filename(filename: &str) -> Option<&str> {
    let safe = !filename.is_empty()
        && !filename.contains(['\\', ':', '\0'])
        && filename.split('/').all(|part| !matches!(part, "" | "." | ".."));
    safe.then_some(filename)
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn array(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}

impl AssetEntry {
    /// True for a clip or still that belongs to a scene: what a render makes, whoever made it; and for our own voices.
    pub fn is_render(&self) -> bool {
        match self.media {
            Media::Video => true,
            Media::Image => self.scene_id.is_some(),
            Media::Audio => self.scene_id.is_some() && !self.ask.is_null(),
            Media::Other => false,
        }
    }

    /// True for a still that another tool made: it is used as it is, and nothing of ours is said of it.
    pub fn is_foreign_still(&self) -> bool {
        self.media == Media::Image && self.ask.is_null()
    }

    fn set(&mut self, key: &str, value: Value) {
        let entry = self;
        match key {
            "id" => entry.id = text(value).unwrap_or_default(),
            "type" => entry.media = Media::of(&value),
            "filename" => entry.filename = text(value).unwrap_or_default(),
            "prompt" => entry.prompt = text(value).unwrap_or_default(),
            "model" => entry.model = text(value).unwrap_or_default(),
            "parameters" => entry.parameters = object(value),
            "created_at" => entry.created_at = text(value),
            "scene_id" => entry.scene_id = serde_json::from_value(value).ok(),
            "version" => entry.version = value.as_u64().unwrap_or(1).max(1),
            "superseded_by" => entry.superseded_by = text(value),
            "model_id" => entry.model_id = text(value),
            "task_id" => entry.task_id = text(value),
            "fingerprint" => entry.fingerprint = text(value),
            "parts" => entry.parts = object(value),
            "ask" => entry.ask = value,
            "accepted" => entry.accepted = array(value),
            "take" => entry.take = value.as_u64().and_then(|take| u32::try_from(take).ok()),
            CANDIDATE => entry.candidate = value == Value::Bool(true),
            PICKED => entry.picked = value == Value::Bool(true),
            "sha256" => entry.sha256 = text(value),
            "bytes" => entry.bytes = value.as_u64(),
            "probe" => entry.probe = serde_json::from_value(value).ok(),
            "credits" => entry.credits = value.as_f64(),
            "seed" => entry.seed = value.as_i64(),
            "inputs" => entry.inputs = array(value).into_iter().filter_map(text).collect(),
            "steps" => {
                entry.steps = array(value).into_iter().filter_map(StepRecord::read).collect();
            }
            "restored_from" => entry.restored_from = text(value),
            "storyboard" => entry.storyboard = text(value).filter(|text| !text.is_empty()),
            "variant" => entry.variant = text(value).filter(|text| !text.is_empty()),
            _ => {}
        }
    }
}

/// The key of an entry that stands beside the scene's own, see [`AssetEntry::candidate`].
pub const CANDIDATE: &str = "candidate";
/// The key of an entry that the user has chosen, see [`AssetEntry::picked`].
pub(super) const PICKED: &str = "picked";

/// The keys of an entry, in the order in which they are written.
pub(super) const KEYS: [&str; 29] = [
    "id",
    "type",
    "filename",
    "prompt",
    "model",
    "parameters",
    "created_at",
    "scene_id",
    "version",
    "superseded_by",
    "model_id",
    "task_id",
    "fingerprint",
    "parts",
    "ask",
    "accepted",
    "take",
    CANDIDATE,
    PICKED,
    "sha256",
    "bytes",
    "probe",
    "credits",
    "seed",
    "inputs",
    "steps",
    "restored_from",
    "storyboard",
    "variant",
];

/// A key without a copy of its text: its place in [`KEYS`], or past the end.
struct Key(usize);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = Key;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a key")
            }
            fn visit_str<E>(self, text: &str) -> Result<Key, E> {
                Ok(Key(KEYS.iter().position(|key| *key == text).unwrap_or(KEYS.len())))
            }
        }
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

impl<'de> Deserialize<'de> for AssetEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntryVisitor;
        impl<'de> Visitor<'de> for EntryVisitor {
            type Value = AssetEntry;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an asset")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AssetEntry, A::Error> {
                let mut entry = AssetEntry { version: 1, ..AssetEntry::default() };
                while let Some(Key(place)) = map.next_key()? {
                    match KEYS.get(place) {
                        Some(key) => entry.set(key, map.next_value()?),
                        None => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(entry)
            }
            // Whatever else other tools put there is left alone.
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<AssetEntry, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(AssetEntry::default())
            }
            fn visit_str<E>(self, _: &str) -> Result<AssetEntry, E> {
                Ok(AssetEntry::default())
            }
            fn visit_bool<E>(self, _: bool) -> Result<AssetEntry, E> {
                Ok(AssetEntry::default())
            }
            fn visit_i64<E>(self, _: i64) -> Result<AssetEntry, E> {
                Ok(AssetEntry::default())
            }
            fn visit_u64<E>(self, _: u64) -> Result<AssetEntry, E> {
                Ok(AssetEntry::default())
            }
            fn visit_f64<E>(self, _: f64) -> Result<AssetEntry, E> {
                Ok(AssetEntry::default())
            }
            fn visit_unit<E>(self) -> Result<AssetEntry, E> {
                Ok(AssetEntry::default())
            }
        }
        deserializer.deserialize_any(EntryVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_types_are_empty_and_never_errors() {
        let entry: AssetEntry = serde_json::from_str(
            r#"{"id": 7, "type": "video", "scene_id": [1], "version": "x", "steps": [{"step": "generate"}, 3,
                {"step": "paint"}], "credits": "60", "seed": 1.5, "probe": {"duration": "long"}, "take": -1}"#,
        )
        .unwrap();
        let expected = AssetEntry {
            media: Media::Video,
            version: 1,
            steps: vec![StepRecord::read(serde_json::json!({"step": "generate"})).unwrap()],
            ..AssetEntry::default()
        };
        assert_eq!(entry, expected);
        assert_eq!(entry.steps.len(), 1);
    }

    #[test]
    fn file_names_that_leave_the_assets_are_unsafe() {
        for name in ["", "/etc/x", "../x", "a/../b", "a//b", "c:x", "a\\b", "a/./b", "assets/"] {
            assert_eq!(safe_filename(name), None, "{name}");
        }
        assert!(safe_filename("assets/clips/scene-01.mp4").is_some());
    }
}
