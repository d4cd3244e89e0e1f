//! The public record of finished assets, `public/assets/manifest.json`, which other tools read and write too.
//!
//! The file is read into typed entries and written by changing its text where something changed: every byte that is
//! not ours, order, spacing and number forms included, comes back as it was.

mod entry;
mod text;
mod write;

pub(crate) use write::split;

pub use entry::{AssetEntry, CANDIDATE, Media, StepRecord, safe_filename};
pub use write::{Appended, NewEntry, Superseded};

use crate::storyboard::SceneId;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::time::Duration;

/// The largest manifest that is read, in bytes: some twenty thousand clips with all that is recorded of them.
pub const MAX_BYTES: u64 = 256 * 1024 * 1024;

const CONFLICT: &str = "version control has left a conflict in it";

/// A manifest that cannot be read. Nothing is ever written over such a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the manifest cannot be read: line {line}, column {column}: {message}")]
pub struct ManifestError {
    /// From 1.
    pub line: usize,
    /// From 1, in bytes.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
}

impl ManifestError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        if self.message == CONFLICT {
            return "take one of the two, `git checkout --ours public/assets/manifest.json`, and the other's clips with \
                    `storyreel render --defer-to`, which is free; the file was not touched";
        }
        "repair the file by hand or take the last good one from version control; it was not touched"
    }
}

/// Reads a manifest again and again for a moment while it is none: another program may be in the middle of writing it
/// in place. What is still none then is given as it is.
///
/// # Errors
/// What reading the file gave.
pub fn settled<T, E>(
    mut read: impl FnMut() -> Result<(T, Result<Manifest, ManifestError>), E>,
) -> Result<(T, Result<Manifest, ManifestError>), E> {
    const LOOKS: u32 = 30;
    for _ in 1..LOOKS {
        let (with, manifest) = read()?;
        if manifest.is_ok() {
            return Ok((with, manifest));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    read()
}

/// The manifest as read, with the changes made since.
#[derive(Debug, Default)]
pub struct Manifest {
    /// What the file holds; empty where there is no file.
    text: String,
    /// All items of `assets` in order, the appended ones last.
    entries: Vec<AssetEntry>,
    /// Places of the clips and stills of a scene, in order.
    by_scene: HashMap<String, Vec<usize>>,
    /// The place of each id; of a repeated id the last.
    by_id: HashMap<String, usize>,
    /// Keys to be set in entries that the file holds.
    edits: BTreeMap<usize, Vec<(&'static str, Value)>>,
    /// Entries that the file does not hold yet.
    appended: Vec<Map<String, Value>>,
}

impl Manifest {
    /// A project without a manifest.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Reads a manifest. Unknown keys, asset types and odd values are fine; a missing `assets` is empty.
    ///
    /// # Errors
    /// What is not JSON, or not an object, or has `assets` that are no array.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let json = text.strip_prefix('\u{feff}').unwrap_or(text);
        let Document(entries) = serde_json::from_str(json).map_err(|error| {
            if let Some(line) = text.lines().position(|line| line.starts_with("<<<<<<< ")) {
                return ManifestError { line: line + 1, column: 1, message: CONFLICT.to_owned() };
            }
            let whole = error.to_string();
            let place = format!(" at line {} column {}", error.line(), error.column());
            ManifestError {
                line: error.line(),
                column: error.column(),
                message: whole.strip_suffix(&place).unwrap_or(&whole).to_owned(),
            }
        })?;
        let mut manifest = Self { text: text.to_owned(), ..Self::default() };
        for entry in entries {
            manifest.index(entry);
        }
        Ok(manifest)
    }

    /// Reads the bytes of a manifest.
    ///
    /// # Errors
    /// As [`Manifest::parse`], and for what is not UTF-8.
    pub fn parse_bytes(bytes: &[u8]) -> Result<Self, ManifestError> {
        let error = match std::str::from_utf8(bytes) {
            Ok(text) => return Self::parse(text),
            Err(error) => error,
        };
        let before = &bytes[..error.valid_up_to()];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        Err(ManifestError {
            line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
            column: before.len() - line_start + 1,
            message: "this is not UTF-8".to_owned(),
        })
    }

    fn index(&mut self, entry: AssetEntry) {
        let place = self.entries.len();
        if entry.is_render()
            && let Some(scene) = &entry.scene_id
        {
            self.by_scene.entry(scene.key()).or_default().push(place);
        }
        if !entry.id.is_empty() {
            self.by_id.insert(entry.id.clone(), place);
        }
        self.entries.push(entry);
    }

    /// Clips, and the stills of scenes, in the order of the file.
    pub fn renders(&self) -> impl DoubleEndedIterator<Item = &AssetEntry> {
        self.entries.iter().filter(|entry| entry.is_render())
    }

    /// The tasks of all clips and stills and of their steps.
    pub fn tasks(&self) -> BTreeSet<String> {
        let of_entries = self.renders().flat_map(|entry| {
            entry.task_id.iter().chain(entry.steps.iter().filter_map(|step| step.task_id.as_ref()))
        });
        of_entries.cloned().collect()
    }

    /// The clip or still of a scene with this id.
    pub fn render(&self, id: &str) -> Option<&AssetEntry> {
        let entry = &self.entries[*self.by_id.get(id)?];
        entry.is_render().then_some(entry)
    }

    /// The file of an asset of any type, such as `img-003`, where it stays below the assets root.
    pub fn asset_filename(&self, id: &str) -> Option<&str> {
        safe_filename(&self.entries[*self.by_id.get(id)?].filename)
    }

    /// True when an asset of any type names this file.
    pub fn names_file(&self, filename: &str) -> bool {
        self.entries.iter().any(|entry| entry.filename == filename)
    }

    /// The last clip (or still) of a scene that nothing took the place of. `None` and the empty text both mean the
    /// default storyboard or variant.
    pub fn current(
        &self,
        storyboard: Option<&str>,
        variant: Option<&str>,
        scene: &SceneId,
        media: Media,
    ) -> Option<&AssetEntry> {
        self.of_scene(storyboard, variant, scene, media)
            .rev()
            .map(|place| &self.entries[place])
            .find(|entry| entry.superseded_by.is_none())
    }

    /// Places of all clips (or stills) of a scene, in order.
    fn of_scene(
        &self,
        storyboard: Option<&str>,
        variant: Option<&str>,
        scene: &SceneId,
        media: Media,
    ) -> impl DoubleEndedIterator<Item = usize> {
        let places = self.by_scene.get(&scene.key()).map_or(&[][..], Vec::as_slice);
        let storyboard = storyboard.filter(|text| !text.is_empty()).map(str::to_owned);
        let variant = variant.filter(|text| !text.is_empty()).map(str::to_owned);
        places.iter().copied().filter(move |place| {
            let entry = &self.entries[*place];
            entry.media == media && entry.storyboard == storyboard && entry.variant == variant
        })
    }

    /// The entries that `entry` took the place of, directly or through others, newest first.
    pub fn history(&self, entry: &AssetEntry) -> Vec<&AssetEntry> {
        self.histories().of(entry)
    }

    /// The histories of all entries, for whoever asks for many.
    pub fn histories(&self) -> Histories<'_> {
        let mut before: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, other) in self.entries.iter().enumerate().filter(|(_, other)| other.is_render())
        {
            if let Some(successor) = &other.superseded_by {
                before.entry(successor).or_default().push(place);
            }
        }
        Histories { manifest: self, before }
    }
}

/// Which entries took the place of which.
#[derive(Debug)]
pub struct Histories<'a> {
    manifest: &'a Manifest,
    /// Places of entries by the id of what took their place.
    before: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Histories<'a> {
    /// The entries that `entry` took the place of, directly or through others, newest first.
    pub fn of(&self, entry: &AssetEntry) -> Vec<&'a AssetEntry> {
        let entries = &self.manifest.entries;
        let mut seen = HashSet::new();
        let mut open = vec![entry.id.as_str()];
        while let Some(id) = open.pop() {
            for place in self.before.get(id).into_iter().flatten() {
                // A file that other tools write to may hold a circle.
                if seen.insert(*place) {
                    open.push(&entries[*place].id);
                }
            }
        }
        let mut places: Vec<usize> = seen.into_iter().collect();
        places.sort_unstable_by(|one, two| two.cmp(one));
        places
            .into_iter()
            .map(|place| &entries[place])
            .filter(|other| !std::ptr::eq(*other, entry) && other.id != entry.id)
            .collect()
    }
}

/// The whole file.
struct Document(Vec<AssetEntry>);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DocumentVisitor;
        impl<'de> Visitor<'de> for DocumentVisitor {
            type Value = Document;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object with `version` and `assets`")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
                let mut entries = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key == "assets" {
                        entries = map.next_value()?;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Document(entries))
            }
        }
        deserializer.deserialize_map(DocumentVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_a_place() {
        let error = Manifest::parse("{\n  \"assets\": [\n    {\"id\": }\n]}").unwrap_err();
        assert_eq!((error.line, error.column), (3, 12));
        assert_eq!(error.message, "expected value");
        let error = Manifest::parse("{\"assets\": {}}").unwrap_err();
        assert!(error.message.contains("expected a sequence"), "{}", error.message);
        assert!(Manifest::parse("").is_err());
        assert!(Manifest::parse("[]").is_err());
        assert!(Manifest::parse("{} x").is_err());
    }

    #[test]
    fn a_circle_of_entries_ends() {
        let manifest = Manifest::parse(
            r#"{"assets": [{"id": "a", "type": "video", "superseded_by": "b"},
                {"id": "b", "type": "video", "superseded_by": "a"}]}"#,
        )
        .unwrap();
        let entry = manifest.render("a").unwrap();
        let history: Vec<&str> =
            manifest.history(entry).iter().map(|entry| entry.id.as_str()).collect();
        assert_eq!(history, ["b"]);
    }
}
