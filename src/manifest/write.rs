//! Changes to the manifest: new entries, and the few keys of old ones that may change.

use super::Manifest;
use super::entry::{AssetEntry, CANDIDATE, KEYS, Media, PICKED, safe_filename};
use super::text::{indent, items, members, space};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::ops::Range;

/// The document that the first entry goes into.
const EMPTY: &str = "{\n  \"version\": \"1.0\",\n  \"assets\": []\n}\n";

/// An entry to be appended: every key but `id`, `version` and `superseded_by`; without a `type` it is a clip.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    /// Its keys, in any order.
    pub fields: Map<String, Value>,
    /// For a move: the id of the entry that stops being current though it belongs to another scene.
    pub supersedes: Option<String>,
}

/// What appending an entry did.
#[derive(Debug, Clone, PartialEq)]
pub struct Appended {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: u64,
    /// The entries it took the place of.
    pub superseded: Vec<Superseded>,
}

/// An entry that stopped being current, and the file that has to follow.
#[derive(Debug, Clone, PartialEq)]
pub struct Superseded {
    /// Its id.
    pub id: String,
    /// Its clip until now, relative to the assets root; as found in the file, so check it with [`safe_filename`].
    pub from: String,
    /// Its clip from now on; the same where it cannot be moved.
    pub to: String,
    /// Digest of its content, where recorded.
    pub sha256: Option<String>,
    /// Its version.
    pub version: u64,
}

impl Manifest {
    /// True when [`Manifest::to_text`] differs from what was read.
    pub fn is_changed(&self) -> bool {
        !self.edits.is_empty() || !self.appended.is_empty()
    }

    /// Appends entries that belong together, in order: the next id, the next version of the scene, the scene's last
    /// entry superseded and its file name moved under `takes/`. A candidate is appended as superseded by the scene's last
    /// entry, with its file under `takes/`; where the scene has none, it is no candidate.
    ///
    /// An entry that another new entry names as superseded is left to that one. `may_take` says whether a file name
    /// under `takes/` is free for an entry.
    pub fn publish(
        &mut self,
        new: &[NewEntry],
        may_take: &mut dyn FnMut(&str, &AssetEntry) -> bool,
    ) -> Vec<Appended> {
        let claimed: HashSet<&str> =
            new.iter().filter_map(|new| new.supersedes.as_deref()).collect();
        new.iter().map(|new| self.append(new, &claimed, may_take)).collect()
    }

    fn append(
        &mut self,
        new: &NewEntry,
        claimed: &HashSet<&str>,
        may_take: &mut dyn FnMut(&str, &AssetEntry) -> bool,
    ) -> Appended {
        let typed = typed(&new.fields);
        let id = self.next_id(typed.media);
        let mut versions = Vec::new();
        let mut old: Vec<usize> = Vec::new();
        if let Some(scene) = &typed.scene_id {
            let slot = (typed.storyboard.as_deref(), typed.variant.as_deref());
            versions.extend(
                self.of_scene(slot.0, slot.1, scene, typed.media)
                    .map(|place| self.entries[place].version),
            );
            let current = self.of_scene(slot.0, slot.1, scene, typed.media).rev().find(|place| {
                let entry = &self.entries[*place];
                entry.superseded_by.is_none() && !claimed.contains(entry.id.as_str())
            });
            old.extend(current);
        }
        if let Some(place) = new.supersedes.as_deref().and_then(|id| self.by_id.get(id)) {
            let entry = &self.entries[*place];
            if entry.is_render() && entry.superseded_by.is_none() && !old.contains(place) {
                old.push(*place);
            }
        }
        for place in &old {
            let entry = &self.entries[*place];
            versions.push(entry.version);
            versions.extend(self.history(entry).iter().map(|before| before.version));
        }
        let version = versions.into_iter().max().unwrap_or(0).saturating_add(1);
        let mut given = new.fields.clone();
        given.insert("id".into(), id.clone().into());
        given.insert("type".into(), typed.media.type_name().into());
        given.insert("version".into(), version.into());
        given.shift_remove("superseded_by");
        let own =
            old.first().filter(|_| typed.candidate).map(|place| self.entries[*place].id.clone());
        let superseded = match own {
            Some(own) => {
                given.insert("superseded_by".into(), own.into());
                let beside = AssetEntry { version, ..typed.clone() };
                if let Some(name) = self.take_name(&beside, may_take) {
                    given.insert("filename".into(), name.into());
                }
                Vec::new()
            }
            None => {
                given.shift_remove(CANDIDATE);
                old.into_iter().map(|place| self.supersede(place, &id, may_take)).collect()
            }
        };
        let mut fields = Map::new();
        for key in KEYS {
            match given.shift_remove(key) {
                Some(value) => {
                    fields.insert(key.to_owned(), value);
                }
                None if OPTIONAL.contains(&key) => {}
                None => {
                    fields.insert(key.to_owned(), Value::Null);
                }
            }
        }
        fields.extend(given);
        let mut entry = self::typed(&fields);
        entry.id.clone_from(&id);
        self.index(entry);
        self.appended.push(fields);
        Appended { id, version, superseded }
    }

    fn supersede(
        &mut self,
        place: usize,
        by: &str,
        may_take: &mut dyn FnMut(&str, &AssetEntry) -> bool,
    ) -> Superseded {
        let entry = &self.entries[place];
        let from = entry.filename.clone();
        let to = self.take_name(entry, may_take).unwrap_or_else(|| from.clone());
        let done = Superseded {
            id: entry.id.clone(),
            from,
            to: to.clone(),
            sha256: entry.sha256.clone(),
            version: entry.version,
        };
        if to != done.from {
            self.set(place, "filename", to.clone().into());
            self.entries[place].filename = to;
        }
        self.set(place, "superseded_by", by.into());
        self.entries[place].superseded_by = Some(by.to_owned());
        done
    }

    /// A free name under `takes/` for the file of an entry that is not in its place.
    fn take_name(
        &self,
        entry: &AssetEntry,
        may_take: &mut dyn FnMut(&str, &AssetEntry) -> bool,
    ) -> Option<String> {
        take_names(&entry.filename, entry.version)?.find(|name| {
            let used =
                self.renders().any(|other| !std::ptr::eq(other, entry) && other.filename == *name);
            !used && may_take(name, entry)
        })
    }

    /// Records that the user has chosen entry `id`, which is in its place. False where there is no such entry.
    pub fn pick(&mut self, id: &str) -> bool {
        let Some(place) = self.place_of_render(id) else { return false };
        if !self.entries[place].picked {
            self.entries[place].picked = true;
            self.set(place, PICKED, true.into());
        }
        true
    }

    fn place_of_render(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied().filter(|place| self.entries[*place].is_render())
    }

    /// Records that the author accepts the clip of entry `id` for `ask` too. False where there is no such entry.
    pub fn accept(&mut self, id: &str, ask: &Value) -> bool {
        let Some(place) = self.place_of_render(id) else { return false };
        let accepted = &mut self.entries[place].accepted;
        if !accepted.contains(ask) {
            accepted.push(ask.clone());
            let all = Value::Array(accepted.clone());
            self.set(place, "accepted", all);
        }
        true
    }

    /// The entry that was made from exactly these fields, as a publication that was cut short may have left it.
    pub fn find(&self, fields: &Map<String, Value>) -> Option<&AssetEntry> {
        let wanted = typed(fields);
        let scene = wanted.scene_id.as_ref()?;
        self.of_scene(wanted.storyboard.as_deref(), wanted.variant.as_deref(), scene, wanted.media)
            .map(|place| &self.entries[place])
            .find(|entry| {
                entry.sha256 == wanted.sha256
                    && entry.take == wanted.take
                    && entry.created_at == wanted.created_at
                    && entry.task_id == wanted.task_id
                    && entry.restored_from == wanted.restored_from
            })
    }

    /// One more than any number in use after `vid-` or `img-`, whatever the type of the asset.
    fn next_id(&self, media: Media) -> String {
        let prefix = media.id_prefix();
        // Nobody counts so far: such a name is no number of ours, and the next one must be free.
        let number = |id: &str| {
            id.strip_prefix(prefix)?
                .parse::<u64>()
                .ok()
                .filter(|number| *number < 1_000_000_000_000)
        };
        let highest = self
            .entries
            .iter()
            // An entry that was removed by hand still has its name in the one it superseded.
            .flat_map(|entry| [Some(&entry.id), entry.superseded_by.as_ref()])
            .flatten()
            .filter_map(|id| number(id))
            .max();
        format!("{prefix}{:03}", highest.unwrap_or(0).saturating_add(1))
    }

    fn set(&mut self, place: usize, key: &'static str, value: Value) {
        let held = self.entries.len() - self.appended.len();
        if let Some(fields) = place.checked_sub(held).and_then(|place| self.appended.get_mut(place))
        {
            let version = fields.keys().position(|key| key == "version");
            match (fields.get_mut(key), version) {
                (Some(old), _) => *old = value,
                (None, Some(version)) => {
                    fields.shift_insert(version + 1, key.to_owned(), value);
                }
                (None, None) => {
                    fields.insert(key.to_owned(), value);
                }
            }
            return;
        }
        let edits = self.edits.entry(place).or_default();
        edits.retain(|(other, _)| *other != key);
        edits.push((key, value));
    }

    /// The file with the changes: byte for byte what was read where nothing changed.
    pub fn to_text(&self) -> String {
        let text = if self.text.is_empty() { EMPTY } else { self.text.as_str() };
        if !self.is_changed() {
            return text.to_owned();
        }
        let splices = self.splices(text).unwrap_or_default();
        let mut out = String::with_capacity(text.len() + 4096 * self.appended.len());
        let mut at = 0;
        let windows = text.contains("\r\n");
        for (place, new) in splices {
            out.push_str(&text[at..place.start]);
            out.push_str(&if windows { new.replace('\n', "\r\n") } else { new });
            at = place.end;
        }
        out.push_str(&text[at..]);
        out
    }

    /// What replaces what, in order of place. `None` cannot happen for a text that was parsed.
    fn splices(&self, text: &str) -> Option<Vec<(Range<usize>, String)>> {
        let bom = if text.starts_with('\u{feff}') { 3 } else { 0 };
        let root = space(text.as_bytes(), bom);
        let top = members(text, root)?;
        let Some(assets) = top.iter().rev().find(|member| member.key == "assets") else {
            let outer = top.last().and_then(|last| indent(text, last.whole.start)).unwrap_or("  ");
            let list = format!("\"assets\": {}", self.list(outer, &format!("{outer}  ")));
            return Some(match top.last() {
                Some(last) => {
                    vec![(last.whole.end..last.whole.end, format!(",\n{outer}{list}"))]
                }
                None => vec![(root + 1..root + 1, format!("\n{outer}{list}\n"))],
            });
        };
        let (places, end) = items(text, assets.value.start)?;
        let mut splices = Vec::new();
        for (place, edits) in &self.edits {
            edit(text, places.get(*place)?.start, edits, &mut splices)?;
        }
        if !self.appended.is_empty() {
            let outer = indent(text, assets.whole.start);
            match places.last() {
                Some(last) => {
                    let new = match indent(text, last.start) {
                        Some(inner) => self
                            .appended
                            .iter()
                            .map(|entry| format!(",\n{inner}{}", pretty(entry, inner)))
                            .collect(),
                        None => self
                            .appended
                            .iter()
                            .map(|entry| format!(", {}", Value::from(entry.clone())))
                            .collect::<String>(),
                    };
                    splices.push((last.end..last.end, new));
                }
                None => {
                    let outer = outer.unwrap_or_default();
                    let new = self.list(outer, &format!("{outer}  "));
                    splices.push((assets.value.start..end + 1, new));
                }
            }
        }
        // Stable: what is inserted at one place stays in its order.
        splices.sort_by_key(|(place, _)| (place.start, place.end));
        Some(splices)
    }

    /// The new entries as a whole array.
    fn list(&self, outer: &str, inner: &str) -> String {
        let entries: Vec<String> = self
            .appended
            .iter()
            .map(|entry| format!("\n{inner}{}", pretty(entry, inner)))
            .collect();
        format!("[{}\n{outer}]", entries.join(","))
    }
}

/// Keys that are left out where they do not apply; all others are written, as null if need be.
const OPTIONAL: [&str; 7] =
    ["superseded_by", "accepted", CANDIDATE, PICKED, "restored_from", "storyboard", "variant"];

fn typed(fields: &Map<String, Value>) -> AssetEntry {
    let mut entry: AssetEntry =
        serde_json::from_value(Value::Object(fields.clone())).unwrap_or_default();
    entry.media = Media::of_entry(fields);
    entry
}

/// Sets keys of the entry that begins at `start`.
fn edit(
    text: &str,
    start: usize,
    edits: &[(&'static str, Value)],
    splices: &mut Vec<(Range<usize>, String)>,
) -> Option<()> {
    let found = members(text, start)?;
    for (key, value) in edits {
        if let Some(member) = found.iter().rev().find(|member| member.key == *key) {
            let margin = indent(text, member.whole.start).unwrap_or_default();
            splices.push((member.value.clone(), pretty(value, margin)));
            continue;
        }
        // The documented order has `superseded_by` after `version`.
        let after = found
            .iter()
            .find(|member| *key == "superseded_by" && member.key == "version")
            .or(found.last())?;
        let margin = indent(text, after.whole.start);
        let gap = margin.map_or(" ".to_owned(), |margin| format!("\n{margin}"));
        let new = format!(",{gap}\"{key}\": {}", pretty(value, margin.unwrap_or_default()));
        splices.push((after.whole.end..after.whole.end, new));
    }
    Some(())
}

/// JSON with two spaces of indent, every line but the first after `margin`.
fn pretty(value: &impl serde::Serialize, margin: &str) -> String {
    // A map with text keys always serialises.
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.replace('\n', &format!("\n{margin}"))
}

/// Names under `takes/` for a superseded clip, best first: `assets/clips/takes/scene-01.v2.mp4`, then
/// `scene-01.v2.2.mp4`. `None` where the file cannot be moved: its name is unsafe, or it is there already.
fn take_names(filename: &str, version: u64) -> Option<impl Iterator<Item = String>> {
    let (folder, stem, extension) = split(safe_filename(filename)?);
    if folder == "takes/" || folder.ends_with("/takes/") {
        return None;
    }
    let base = format!("{folder}takes/{stem}.v{version}");
    let extension = extension.to_owned();
    Some((1..=9999).map(move |count| match count {
        1 => format!("{base}{extension}"),
        _ => format!("{base}.{count}{extension}"),
    }))
}

/// Folder with its slash, stem, and extension with its dot.
pub(crate) fn split(filename: &str) -> (&str, &str, &str) {
    let (folder, name) = filename.split_at(filename.rfind('/').map_or(0, |slash| slash + 1));
    let (stem, extension) =
        name.split_at(name.rfind('.').filter(|dot| *dot > 0).unwrap_or(name.len()));
    (folder, stem, extension)
}
