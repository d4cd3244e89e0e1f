//! Puts clips in place: clip files, superseded takes, manifest entries, and the ledger's word that it is done.
//!
//! What has to be true at the end is computed from the ledger's rows and the manifest as it stands, and files are
//! told apart by their content. So it does not matter where an earlier process stopped: the same code begins again,
//! finds what is done, and does the rest.

mod atomic;
mod entry;
mod error;
mod files;
mod outcome;

pub use atomic::write_atomically;
pub use entry::{Rendered, RenderedStep, complete};
pub use error::PublishError;

pub use crate::layout::Layout;
use crate::ledger::{FileRecord, Ledger, Publication, TakeId};
use crate::manifest::{self, Manifest, Media, safe_filename};
use crate::plan::Slot;
use crate::ports::Files;
use atomic::{discard, write_aside};
use files::Shelf;
use outcome::Outcome;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// How often a manifest that other programs change meanwhile is merged anew.
const MERGES: usize = 200;

/// One clip to be put in place.
#[derive(Debug, Clone, PartialEq)]
pub struct ToPublish {
    /// The take, for a render.
    pub take: Option<TakeId>,
    /// Where it belongs.
    pub slot: Slot,
    /// Digest of the content.
    pub sha256: String,
    /// Clip file relative to the assets root: `assets/clips/scene-01.mp4`.
    pub filename: String,
    /// The manifest entry, see [`complete`]; `None` when the manifest is right and only the file is missing.
    pub entry: Option<Map<String, Value>>,
    /// For a move: the manifest entry (id) that stops being current though it belongs to another scene.
    pub supersedes: Option<String>,
    /// Files that may hold the content when the cache does not, best first; absolute.
    pub sources: Vec<PathBuf>,
}

/// A clip in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Clip file relative to the assets root.
    pub filename: String,
    /// Digest of the content.
    pub sha256: String,
    /// The id of the new manifest entry, if there is one.
    pub entry_id: Option<String>,
}

/// Publishes into one project. The caller holds the project's lock.
pub struct Publisher<'a> {
    files: &'a dyn Files,
    layout: &'a Layout,
}

impl<'a> Publisher<'a> {
    /// A publisher that sees the project through `files`.
    pub fn new(files: &'a dyn Files, layout: &'a Layout) -> Self {
        Self { files, layout }
    }

    /// Publishes clips that belong together (a move of several scenes must be one call), and what an earlier process
    /// left unfinished. Takes of moved scenes follow to their new slots.
    ///
    /// # Errors
    /// Nothing is lost: before any clip file was touched, the takes are open as they were; after that the rows stay
    /// `publishing`, and [`Publisher::recover`] or the next call finishes them.
    pub fn publish(
        &self,
        ledger: &mut dyn Ledger,
        batch: &[ToPublish],
        now_ms: i64,
    ) -> Result<Vec<Published>, PublishError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let mut shelf = Shelf::new(self.files, self.layout);
        let cached: Vec<PathBuf> =
            batch.iter().map(|clip| self.layout.cached(&clip.sha256)).collect();
        shelf.look_at(&cached);
        for clip in batch {
            if safe_filename(&clip.filename).is_none() {
                return Err(PublishError::Name { filename: clip.filename.clone() });
            }
            shelf.cache(&clip.sha256, &clip.filename, &clip.sources)?;
        }
        let (_, manifest) = self.read_manifest()?;
        let mut publications = ledger.unfinished_publications()?;
        let unfinished = publications.len();
        for clip in batch {
            let entry = match &clip.entry {
                Some(entry) => Value::Object(told_apart(entry.clone(), &manifest, &publications)),
                None => Value::Null,
            };
            publications.push(Publication {
                id: 0,
                take: clip.take,
                slot: clip.slot.clone(),
                sha256: clip.sha256.clone(),
                filename: clip.filename.clone(),
                entry,
                supersedes: clip.supersedes.clone(),
            });
        }
        publications.drain(..unfinished);
        self.remember_foreign(ledger, &mut shelf, &manifest, &publications)?;
        let rows = ledger.publishing_together(&publications, now_ms)?;
        let done = match self.finish(ledger, &mut shelf, now_ms) {
            Ok(done) => done,
            Err(error) => {
                if !shelf.touched() && !matches!(error, PublishError::Ledger(_)) {
                    // Should this fail as well, the rows are simply finished by recovery.
                    let _ = ledger.abandon_publications(&rows, now_ms);
                }
                return Err(error);
            }
        };
        rows.iter()
            .zip(batch)
            .map(|(row, clip)| {
                let (entry_id, filename) =
                    done.get(row).cloned().ok_or_else(|| PublishError::Content {
                        filename: clip.filename.clone(),
                        sha256: clip.sha256.clone(),
                    })?;
                Ok(Published { filename, sha256: clip.sha256.clone(), entry_id })
            })
            .collect()
    }

    /// Records in the manifest that the author takes the clip of an entry for `ask` as well. False where there is no such
    /// entry any more.
    ///
    /// # Errors
    /// The manifest cannot be read or written; it is as it was then.
    pub fn accept(&self, entry_id: &str, ask: &Value) -> Result<bool, PublishError> {
        self.record(|manifest| manifest.accept(entry_id, ask))
    }

    /// Records in the manifest that the user has chosen an entry that is in its place. False where there is no such
    /// entry any more.
    ///
    /// # Errors
    /// The manifest cannot be read or written; it is as it was then.
    pub fn pick(&self, entry_id: &str) -> Result<bool, PublishError> {
        self.record(|manifest| manifest.pick(entry_id))
    }

    fn record(&self, change: impl Fn(&mut Manifest) -> bool) -> Result<bool, PublishError> {
        let mut shelf = Shelf::new(self.files, self.layout);
        for _ in 0..MERGES {
            let (text, mut manifest) = self.read_manifest()?;
            if !change(&mut manifest) {
                return Ok(false);
            }
            match self.stage_manifest(&manifest, false)? {
                None => return Ok(true),
                Some(staged) if self.commit_manifest(&mut shelf, &staged, &text)? => {
                    return Ok(true);
                }
                Some(_) => {}
            }
        }
        Err(PublishError::Unstable { path: self.layout.manifest() })
    }

    /// Finishes what an earlier process began, from any point, and returns how many clips that were. A publication
    /// whose content is nowhere any more is given up; its take is open again.
    pub fn recover(&self, ledger: &mut dyn Ledger, now_ms: i64) -> Result<usize, PublishError> {
        let mut shelf = Shelf::new(self.files, self.layout);
        Ok(self.finish(ledger, &mut shelf, now_ms)?.len())
    }

    /// Finishes all unfinished rows; returns the entry id and the file of each finished one.
    fn finish(
        &self,
        ledger: &mut dyn Ledger,
        shelf: &mut Shelf<'_>,
        now_ms: i64,
    ) -> Result<BTreeMap<i64, (Option<String>, String)>, PublishError> {
        let mut rows = ledger.unfinished_publications()?;
        for _ in 0..MERGES {
            if rows.is_empty() {
                return Ok(BTreeMap::new());
            }
            let (text, manifest) = self.read_manifest()?;
            let lost = self.lost(shelf, &manifest, &rows)?;
            if !lost.is_empty() {
                let ids: Vec<i64> = lost.into_iter().collect();
                ledger.abandon_publications(&ids, now_ms)?;
                rows.retain(|row| !ids.contains(&row.id));
                continue;
            }
            let known = self.known_foreign(ledger, &manifest, &rows)?;
            let outcome = Outcome::of(shelf, manifest, &rows, &known)?;
            if !shelf.keep_superseded(&outcome)? {
                continue;
            }
            // The manifest is written aside before any clip is replaced, so that a full disk is found out in time.
            // An entry that is there already may be known to the system's memory only: a process that died between its
            // rename and the sync of the folder leaves that. So a manifest that rows name is always written anew.
            let named = rows.iter().any(|row| !row.entry.is_null());
            let staged = self.stage_manifest(&outcome.manifest, named)?;
            let placed = shelf.put_in_place(&outcome);
            if !matches!(placed, Ok(true)) {
                staged.inspect(|staged| discard(self.files, staged));
                placed?;
                continue;
            }
            if let Some(staged) = staged
                && !self.commit_manifest(shelf, &staged, &text)?
            {
                continue;
            }
            shelf.clear_vacated(&outcome)?;
            self.settle(ledger, shelf, &rows, &outcome, now_ms)?;
            let files = outcome.places.into_iter().map(|place| place.filename);
            let made = outcome.entry_ids.into_iter().zip(files);
            return Ok(rows.iter().map(|row| row.id).zip(made).collect());
        }
        Err(PublishError::Unstable { path: self.layout.manifest() })
    }

    /// The rows whose content is nowhere and whose entry is not in the manifest.
    fn lost(
        &self,
        shelf: &mut Shelf<'_>,
        manifest: &Manifest,
        rows: &[Publication],
    ) -> Result<BTreeSet<i64>, PublishError> {
        let mut lost = BTreeSet::new();
        for row in rows {
            let recorded =
                row.entry.as_object().is_some_and(|entry| manifest.find(entry).is_some());
            if recorded || safe_filename(&row.filename).is_none() {
                if !recorded {
                    lost.insert(row.id);
                }
                continue;
            }
            match shelf.cache(&row.sha256, &row.filename, &[]) {
                Ok(()) => {}
                Err(PublishError::Content { .. }) => {
                    lost.insert(row.id);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(lost)
    }

    /// Records hashes of files whose manifest entry has none (other tools write such entries), so that recovery can
    /// still tell them from what took their place.
    fn remember_foreign(
        &self,
        ledger: &mut dyn Ledger,
        shelf: &mut Shelf<'_>,
        manifest: &Manifest,
        rows: &[Publication],
    ) -> Result<(), PublishError> {
        let mut records = Vec::new();
        for filename in foreign(manifest, rows) {
            if let Some(path) = self.layout.asset(&filename)
                && let Some(record) = shelf.record(&path)?
            {
                records.push(record);
            }
        }
        ledger.remember_files(&records)?;
        Ok(())
    }

    fn known_foreign(
        &self,
        ledger: &mut dyn Ledger,
        manifest: &Manifest,
        rows: &[Publication],
    ) -> Result<BTreeMap<String, String>, PublishError> {
        let wanted: BTreeMap<String, String> = foreign(manifest, rows)
            .into_iter()
            .filter_map(|filename| {
                Some((self.layout.record_path(&self.layout.asset(&filename)?), filename))
            })
            .collect();
        if wanted.is_empty() {
            return Ok(BTreeMap::new());
        }
        let files = ledger.snapshot()?.files;
        Ok(files
            .into_iter()
            .filter_map(|file| Some((wanted.get(&file.path)?.clone(), file.sha256)))
            .collect())
    }

    /// The manifest's bytes, if there is such a file, and what it says.
    fn read_manifest(&self) -> Result<(Option<Vec<u8>>, Manifest), PublishError> {
        let (bytes, manifest) = manifest::settled(|| {
            let Some(bytes) = self.manifest_bytes()? else {
                return Ok::<_, PublishError>((None, Ok(Manifest::empty())));
            };
            let manifest = Manifest::parse_bytes(&bytes);
            Ok((Some(bytes), manifest))
        })?;
        let path = self.layout.manifest();
        let manifest = manifest.map_err(|error| PublishError::Manifest { path, error })?;
        Ok((bytes, manifest))
    }

    fn manifest_bytes(&self) -> Result<Option<Vec<u8>>, PublishError> {
        let path = self.layout.manifest();
        match self.files.read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(PublishError::File { action: "read", path, source }),
        }
    }

    /// Writes a manifest that has changed (or must reach the disk once more) beside the present one.
    fn stage_manifest(
        &self,
        manifest: &Manifest,
        again: bool,
    ) -> Result<Option<PathBuf>, PublishError> {
        if !manifest.is_changed() && !again {
            return Ok(None);
        }
        let path = self.layout.manifest();
        write_aside(self.files, &path, manifest.to_text().as_bytes())
            .map(Some)
            .map_err(|source| PublishError::File { action: "write", path, source })
    }

    /// Renames the new manifest over the present one unless that has changed since `seen` was read; false means:
    /// merge again.
    fn commit_manifest(
        &self,
        shelf: &mut Shelf<'_>,
        staged: &Path,
        seen: &Option<Vec<u8>>,
    ) -> Result<bool, PublishError> {
        let path = self.layout.manifest();
        shelf.touch();
        let replaced = self.files.replace(staged, &path, seen.as_deref());
        if !matches!(replaced, Ok(true)) {
            discard(self.files, staged);
        }
        replaced.map_err(|source| PublishError::File { action: "write", path, source })
    }

    /// Tells the ledger that everything is in place.
    fn settle(
        &self,
        ledger: &mut dyn Ledger,
        shelf: &mut Shelf<'_>,
        rows: &[Publication],
        outcome: &Outcome,
        now_ms: i64,
    ) -> Result<(), PublishError> {
        let mut takes = Vec::new();
        for superseded in &outcome.superseded {
            if let Some(path) = self.layout.asset(&superseded.to)
                && superseded.to != superseded.from
                && let Some(record) = shelf.record(&path)?
            {
                takes.push(record);
            }
        }
        ledger.remember_files(&takes)?;
        let mut done = Vec::new();
        for (row, place) in rows.iter().zip(&outcome.places) {
            let path = self.layout.asset(&place.filename);
            let found = match &path {
                Some(path) => shelf.record(path)?,
                None => None,
            };
            // The entry was in the manifest already and its file was removed since: a file of no size and no time
            // is never found again, so nothing is trusted because of this record.
            let record = found.unwrap_or_else(|| FileRecord {
                path: self.layout.record_path(path.as_deref().unwrap_or(Path::new(&row.filename))),
                size: 0,
                modified_ns: 0,
                sha256: row.sha256.clone(),
            });
            done.push((row.id, record));
        }
        if outcome.moves.is_empty() {
            ledger.published(&done, now_ms)?;
        } else {
            ledger.published_and_moved(&done, &outcome.moves, now_ms)?;
        }
        Ok(())
    }
}

/// File names of entries without a digest that these rows may supersede.
fn foreign(manifest: &Manifest, rows: &[Publication]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for row in rows {
        let Some(fields) = row.entry.as_object() else { continue };
        let text = |key: &str| fields.get(key).and_then(Value::as_str);
        let scene = fields.get("scene_id").and_then(|id| serde_json::from_value(id.clone()).ok());
        let current = scene.and_then(|scene| {
            manifest.current(text("storyboard"), text("variant"), &scene, Media::of_entry(fields))
        });
        let named = row.supersedes.as_deref().and_then(|id| manifest.render(id));
        for entry in [current, named].into_iter().flatten() {
            if entry.sha256.is_none() && safe_filename(&entry.filename).is_some() {
                names.insert(entry.filename.clone());
            }
        }
    }
    names
}

/// Makes sure that recovery can tell this entry from every other: two publications of one content in the same
/// millisecond get different times.
fn told_apart(
    mut entry: Map<String, Value>,
    manifest: &Manifest,
    others: &[Publication],
) -> Map<String, Value> {
    const MARKS: [&str; 8] = [
        "scene_id",
        "storyboard",
        "variant",
        "sha256",
        "take",
        "created_at",
        "task_id",
        "restored_from",
    ];
    let same = |entry: &Map<String, Value>| {
        manifest.find(entry).is_some()
            || others
                .iter()
                .filter_map(|other| other.entry.as_object())
                .any(|other| MARKS.iter().all(|mark| other.get(*mark) == entry.get(*mark)))
    };
    while same(&entry) {
        let time = entry.get("created_at").and_then(Value::as_str);
        let time: jiff::Timestamp = time.and_then(|time| time.parse().ok()).unwrap_or_default();
        let later = time
            .checked_add(jiff::SignedDuration::from_millis(1))
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        entry.insert(
            "created_at".to_owned(),
            later.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string().into(),
        );
    }
    entry
}
