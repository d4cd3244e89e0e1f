//! What was rendered before, ready to be looked up: gathered once a plan, so that a thousand changed scenes do not each
//! walk through all of it.

use crate::known::{Known, Output};
use crate::manifest::{AssetEntry, Histories};
use crate::record::{Slot, Take};
use std::collections::{HashMap, HashSet};

/// Entries, takes and clips of earlier renders.
pub(super) struct History<'a> {
    histories: Histories<'a>,
    takes: HashMap<&'a Slot, Vec<&'a Take>>,
    copies: HashMap<&'a str, &'a str>,
    recorded: HashSet<&'a str>,
}

impl<'a> History<'a> {
    /// Looks through everything that is known.
    pub fn of(known: &'a Known) -> Self {
        let mut takes: HashMap<&Slot, Vec<&Take>> = HashMap::new();
        for take in &known.ledger.takes {
            takes.entry(&take.slot).or_default().push(take);
        }
        let mut copies = HashMap::new();
        let mut recorded = HashSet::new();
        for entry in known.manifest.renders() {
            let Some(sha256) = entry.sha256.as_deref() else { continue };
            recorded.insert(sha256);
            let found = known.outputs.get(&entry.filename);
            if matches!(found, Some(Output::File { sha256: found }) if found == sha256) {
                copies.entry(sha256).or_insert(entry.filename.as_str());
            }
        }
        Self { histories: known.manifest.histories(), takes, copies, recorded }
    }

    /// The entries that `entry` took the place of, newest first.
    pub fn before(&self, entry: Option<&AssetEntry>) -> Vec<&'a AssetEntry> {
        entry.map(|entry| self.histories.of(entry)).unwrap_or_default()
    }

    /// The takes of a slot, oldest first.
    pub fn takes(&self, slot: &Slot) -> &[&'a Take] {
        self.takes.get(slot).map_or(&[], Vec::as_slice)
    }

    /// A published file that holds this content, relative to the assets root.
    pub fn copy_of(&self, sha256: &str) -> Option<&'a str> {
        self.copies.get(sha256).copied()
    }

    /// True when the manifest has an entry of this content, whatever became of its file.
    pub fn is_recorded(&self, sha256: &str) -> bool {
        self.recorded.contains(sha256)
    }
}
