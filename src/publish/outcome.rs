//! What has to be true when publications are done, computed before anything is touched.

use super::PublishError;
use super::files::Shelf;
use crate::ledger::Publication;
use crate::manifest::{Manifest, NewEntry, Superseded, split};
use crate::plan::Slot;
use std::collections::BTreeMap;

/// The state to be reached.
pub(super) struct Outcome {
    /// The manifest with the new entries.
    pub manifest: Manifest,
    /// For each row the id of its entry.
    pub entry_ids: Vec<Option<String>>,
    /// For each row the file that holds its content.
    pub places: Vec<Place>,
    /// Entries that stop (or stopped, in an earlier process) being current because of these rows.
    pub superseded: Vec<Superseded>,
    /// Slots whose takes follow their scene.
    pub moves: Vec<(Slot, Slot)>,
}

/// A file and its content.
pub(super) struct Place {
    /// Relative to the assets root.
    pub filename: String,
    /// Digest.
    pub sha256: String,
    /// Who puts the content there.
    pub duty: Duty,
}

/// Who puts content in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duty {
    /// It has to be put there, whatever stands there now is kept elsewhere.
    Put,
    /// The manifest has the entry, so the file was in place before. Where it differs now somebody edited it; only a
    /// missing one is put back.
    Mend,
    /// A later row takes its place at once; its file goes under `takes/` like any superseded one.
    None,
}

impl Outcome {
    /// `known` are digests of files whose entries have none, by file name.
    pub fn of(
        shelf: &mut Shelf<'_>,
        mut manifest: Manifest,
        rows: &[Publication],
        known: &BTreeMap<String, String>,
    ) -> Result<Self, PublishError> {
        let mut superseded = Vec::new();
        let mut recorded = Vec::new();
        let mut new = Vec::new();
        for row in rows {
            let fields = row.entry.as_object();
            let id = fields.and_then(|fields| manifest.find(fields)).map(|entry| entry.id.clone());
            match (&id, fields) {
                (Some(id), _) => superseded.extend(superseded_before(&manifest, id)),
                (None, Some(fields)) => new
                    .push(NewEntry { fields: fields.clone(), supersedes: row.supersedes.clone() }),
                (None, None) => {}
            }
            recorded.push(id);
        }

        let mut trouble = None;
        let appended = manifest.publish(&new, &mut |name, old| {
            let digest = old.sha256.as_ref().or_else(|| known.get(&old.filename));
            shelf.is_free_for(name, digest).unwrap_or_else(|error| {
                // The search for a name ends here, and with it this publication.
                trouble.get_or_insert(error);
                true
            })
        });
        if let Some(error) = trouble {
            return Err(error);
        }
        superseded.extend(appended.iter().flat_map(|appended| appended.superseded.clone()).map(
            |mut superseded| {
                superseded.sha256 =
                    superseded.sha256.or_else(|| known.get(&superseded.from).cloned());
                superseded
            },
        ));

        let mut appended = appended.into_iter();
        let mut outcome = Self {
            manifest,
            entry_ids: Vec::new(),
            places: Vec::new(),
            superseded,
            moves: Vec::new(),
        };
        for (row, recorded) in rows.iter().zip(recorded) {
            let was_recorded = recorded.is_some();
            let id = match (&row.entry, recorded) {
                (_, Some(id)) => Some(id),
                (serde_json::Value::Object(_), None) => appended.next().map(|new| new.id),
                _ => None,
            };
            outcome.add(row, id, was_recorded);
        }
        Ok(outcome)
    }

    fn add(&mut self, row: &Publication, id: Option<String>, was_recorded: bool) {
        let entry = id.as_deref().and_then(|id| self.manifest.render(id));
        let filename = entry.map_or(&row.filename, |entry| &entry.filename).clone();
        let duty = match entry {
            Some(entry) if entry.superseded_by.is_some() && !entry.candidate => Duty::None,
            _ if was_recorded => Duty::Mend,
            _ => Duty::Put,
        };
        // Of several rows for one file the last one counts.
        for earlier in self.places.iter_mut().filter(|earlier| earlier.filename == filename) {
            earlier.duty = Duty::None;
        }
        let moved_from = row.supersedes.as_deref().filter(|_| id.is_some()).and_then(|id| {
            let scene = self.manifest.render(id)?.scene_id.as_ref()?.key();
            (scene != row.slot.scene).then_some(Slot { scene, ..row.slot.clone() })
        });
        if let Some(old) = moved_from {
            self.moves.push((old, row.slot.clone()));
        }
        self.places.push(Place { filename, sha256: row.sha256.clone(), duty });
        self.entry_ids.push(id);
    }
}

/// What an entry that is in the manifest already took the place of, with the file names from before.
fn superseded_before(manifest: &Manifest, id: &str) -> Vec<Superseded> {
    manifest
        .renders()
        // A candidate never stood where the entry stands.
        .filter(|entry| entry.superseded_by.as_deref() == Some(id) && !entry.candidate)
        .map(|entry| Superseded {
            id: entry.id.clone(),
            from: name_before(&entry.filename, entry.version),
            to: entry.filename.clone(),
            sha256: entry.sha256.clone(),
            version: entry.version,
        })
        .collect()
}

/// `assets/clips/takes/scene-01.v2.mp4` was `assets/clips/scene-01.mp4`.
fn name_before(filename: &str, version: u64) -> String {
    let (folder, stem, extension) = split(filename);
    let above =
        folder.strip_suffix("takes/").filter(|above| above.is_empty() || above.ends_with('/'));
    let stem = stem.rfind(&format!(".v{version}")).map(|end| &stem[..end]);
    match (above, stem) {
        (Some(above), Some(stem)) => format!("{above}{stem}{extension}"),
        _ => filename.to_owned(),
    }
}
