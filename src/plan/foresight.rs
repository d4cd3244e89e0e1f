//! What scenes will give to others, found along the lines in which they start from each other.
//!
//! A plan is made again and again until nobody gives anything else than was thought. Where scenes got other ids, each time
//! would find only the next scene of every line; this walks down all of them once. It is a guess: the next pass decides.

use super::edges::{Given, still_of};
use super::matching::Alike;
use super::prepare::{Prepared, Preparing};
use crate::manifest::AssetEntry;
use std::collections::{HashMap, HashSet};

/// Walks down the lines with what is published, from `given` on. Scenes are prepared on the way.
pub(super) fn foreseen<'a>(
    preparing: &Preparing<'_, 'a>,
    scenes: &mut [Prepared<'a>],
    entries: &[&AssetEntry],
) -> HashMap<String, Given> {
    let Preparing { builder, edges, given, .. } = *preparing;
    let alike = Alike::of_entries(builder, entries.iter().copied());
    let mut left = Left { alike, taken: HashSet::new() };
    let mut given = given.clone();
    for at in edges.used_first() {
        Preparing { given: &given, ..*preparing }.renew(at, &mut scenes[at]);
        let key = scenes[at].scene.id.key();
        let Some(present) = &scenes[at].present else { continue };
        let foreseen = match left.take(&key, &present.built.identity()) {
            Some(entry) => content_of(entry),
            None => Given::Pending { keyframe: None },
        };
        if edges.is_used(&key) {
            given.insert(key, foreseen);
        }
    }
    given
}

fn content_of(entry: &AssetEntry) -> Given {
    match &entry.sha256 {
        Some(sha256) => {
            Given::Content { sha256: sha256.clone(), keyframe: still_of(entry), restored: false }
        }
        None => Given::Pending { keyframe: None },
    }
}

/// Entries that no scene has yet.
struct Left<'e> {
    alike: Alike<'e>,
    taken: HashSet<&'e str>,
}

impl<'e> Left<'e> {
    /// The entry of a scene: its own before another one's.
    fn take(&mut self, scene: &str, identity: &str) -> Option<&'e AssetEntry> {
        let own =
            |entry: &&&AssetEntry| entry.scene_id.as_ref().is_some_and(|id| id.key() == scene);
        let alike = self.alike.of(identity).iter();
        let free = || alike.clone().filter(|entry| !self.taken.contains(entry.id.as_str()));
        let found = *free().find(own).or_else(|| free().next())?;
        self.taken.insert(&found.id);
        Some(found)
    }
}
