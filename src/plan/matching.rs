//! What belongs to which scene: entries of the manifest and takes of the ledger, in the order of DESIGN section 5.6.

use super::build::Builder;
use super::decide::Match;
use super::difference::{Difference, Present, compare};
use super::history::History;
use super::outcome::Orphan;
use super::planner::{Planning, media_of, slot};
use super::recorded::Recorded;
use crate::layout::Place;
use crate::manifest::{AssetEntry, Manifest, Media};
use crate::record::{AttemptState, Take, TakeId, TakeState};
use crate::source::Diagnostic;
use crate::storyboard::{Scene, SceneId};
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap, HashSet};

/// What entries and takes are matched with: a scene, and what is asked for it.
#[derive(Clone, Copy)]
pub(super) struct Asked<'p> {
    pub scene: &'p Scene,
    pub present: Option<&'p Present>,
}

/// The scenes' present clips and stills in a storyboard and variant: the last of each that is not superseded.
pub(super) fn current_entries<'a>(manifest: &'a Manifest, place: &Place) -> Vec<&'a AssetEntry> {
    let mut last: BTreeMap<(&SceneId, &str), usize> = BTreeMap::new();
    let videos: Vec<&AssetEntry> = manifest.renders().collect();
    for (index, entry) in videos.iter().enumerate() {
        let ours = entry.storyboard == place.storyboard && entry.variant == place.variant;
        if let Some(scene) = &entry.scene_id
            && ours
            && entry.superseded_by.is_none()
        {
            last.insert((scene, entry.media.type_name()), index);
        }
    }
    let mut indices: Vec<usize> = last.into_values().collect();
    indices.sort_unstable();
    indices.into_iter().map(|index| videos[index]).collect()
}

/// Two storyboards that would write one file.
pub(super) fn check_owners(
    planning: &Planning<'_>,
    ours: &[&AssetEntry],
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mine: HashSet<&str> = ours.iter().map(|entry| entry.id.as_str()).collect();
    // Some file systems take names that differ in case only for one.
    let others: HashMap<String, &AssetEntry> = planning
        .known
        .manifest
        .renders()
        .filter(|entry| {
            entry.superseded_by.is_none()
                && !mine.contains(entry.id.as_str())
                && (entry.storyboard != planning.place.storyboard
                    || entry.variant != planning.place.variant)
        })
        .map(|entry| (entry.filename.to_lowercase(), entry))
        .collect();
    if others.is_empty() {
        return;
    }
    for scene in &planning.board.scenes {
        let media = media_of(scene, planning.board, planning.defaults);
        let filename = planning.place.filename(&scene.id, media);
        if let Some(other) = others.get(&filename.to_lowercase()) {
            let owner = other.storyboard.as_deref().unwrap_or("the project's default storyboard");
            diagnostics.push(
                Diagnostic::error(
                    "file-taken",
                    format!("`{filename}` belongs to {owner}"),
                    scene.id_span,
                )
                .label("would write the same file")
                .hint("rename the storyboard file, or move it into a project of its own"),
            );
        }
    }
}

/// Which entry belongs to which scene.
pub(super) struct Matches<'a> {
    pub scenes: Vec<Option<Match<'a>>>,
    taken: HashSet<&'a str>,
}

pub(super) fn match_entries<'a>(
    builder: &Builder<'_>,
    scenes: &[Asked<'_>],
    entries: &[&'a AssetEntry],
) -> Matches<'a> {
    let by_scene: HashMap<(&SceneId, Media), &'a AssetEntry> = entries
        .iter()
        .filter_map(|entry| Some(((entry.scene_id.as_ref()?, entry.media), *entry)))
        .collect();
    let of = |prepared: &Asked<'_>| {
        let media = prepared.present.map_or(Media::Video, |present| present.built.media());
        by_scene.get(&(&prepared.scene.id, media)).copied()
    };
    let mut matches =
        Matches { scenes: scenes.iter().map(|_| None).collect(), taken: HashSet::new() };
    let mut changed: HashMap<usize, Difference> = HashMap::new();
    for (index, prepared) in scenes.iter().enumerate() {
        let Some(entry) = of(prepared) else { continue };
        let Some(present) = &prepared.present else { continue };
        let difference = compare(builder, present, &Recorded::entry(entry));
        if difference.same {
            matches.taken.insert(&entry.id);
            matches.scenes[index] = Some(Match::Same { entry, difference });
        } else {
            changed.insert(index, difference);
        }
    }
    match_moves(builder, scenes, entries, &mut matches);
    // A scene that is not generated keeps its old clip, which is no orphan, unless that has moved with its own scene.
    let idle = scenes.iter().filter(|prepared| prepared.present.is_none());
    matches.taken.extend(idle.filter_map(of).map(|entry| entry.id.as_str()));
    for (index, difference) in changed {
        let Some(entry) = of(&scenes[index]) else { continue };
        if matches.scenes[index].is_none() && !matches.taken.contains(entry.id.as_str()) {
            matches.taken.insert(&entry.id);
            matches.scenes[index] = Some(Match::Changed { entry, difference });
        }
    }
    matches
}

/// Entries of which several may ask for the same.
#[derive(Default)]
pub(super) struct Alike<'a> {
    /// By what they, and what they were accepted for, ask for in the words of today; in the order of the manifest.
    by_identity: HashMap<String, Vec<&'a AssetEntry>>,
    /// What cannot be asked for in the words of today is compared by what was recorded of it.
    odd: Vec<&'a AssetEntry>,
}

impl<'a> Alike<'a> {
    pub fn of_entries(
        builder: &Builder<'_>,
        entries: impl Iterator<Item = &'a AssetEntry>,
    ) -> Self {
        let mut alike = Self::default();
        for entry in entries {
            match identity_of(builder, &entry.ask) {
                Some(identity) => alike.by_identity.entry(identity).or_default().push(entry),
                None => alike.odd.push(entry),
            }
            for accepted in entry.accepted.iter().filter_map(|ask| identity_of(builder, ask)) {
                alike.by_identity.entry(accepted).or_default().push(entry);
            }
        }
        alike
    }

    /// Those that ask for this.
    pub fn of(&self, identity: &str) -> &[&'a AssetEntry] {
        self.by_identity.get(identity).map_or(&[], Vec::as_slice)
    }

    fn is_empty(&self) -> bool {
        self.by_identity.is_empty() && self.odd.is_empty()
    }
}

/// Equal requests among what is left, in document order.
fn match_moves<'a>(
    builder: &Builder<'_>,
    scenes: &[Asked<'_>],
    entries: &[&'a AssetEntry],
    matches: &mut Matches<'a>,
) {
    // A clip without a digest cannot be checked, so it is not taken for another scene's.
    let free =
        |entry: &&AssetEntry| !matches.taken.contains(entry.id.as_str()) && entry.sha256.is_some();
    let left = Alike::of_entries(builder, entries.iter().copied().filter(free));
    if left.is_empty() {
        return;
    }
    for (index, prepared) in scenes.iter().enumerate() {
        let Some(present) = prepared.present.filter(|_| matches.scenes[index].is_none()) else {
            continue;
        };
        let found = left.odd.iter().chain(left.of(&present.built.identity())).find(|entry| {
            !matches.taken.contains(entry.id.as_str())
                && compare(builder, present, &Recorded::entry(entry)).same
        });
        if let Some(entry) = found
            && let Some(sha256) = &entry.sha256
        {
            matches.taken.insert(&entry.id);
            matches.scenes[index] = Some(Match::Moved { entry, sha256 });
        }
    }
}

/// True for a take of this storyboard and variant.
fn is_ours(planning: &Planning<'_>, take: &Take) -> bool {
    take.slot.storyboard == planning.place.storyboard.as_deref().unwrap_or_default()
        && take.slot.variant == planning.place.variant.as_deref().unwrap_or_default()
}

/// The open take of the ledger that each scene goes on with: one of its own slot first, else one of a slot whose
/// scene asks for something else now.
pub(super) fn match_takes<'a>(
    planning: &Planning<'a>,
    builder: &Builder<'_>,
    scenes: &[Asked<'_>],
    history: &History<'a>,
) -> HashMap<usize, &'a Take> {
    let is_open = |take: &Take| matches!(take.state, TakeState::Open | TakeState::Publishing);
    let mut matched = HashMap::new();
    let mut claimed = HashSet::new();
    let open = planning.known.ledger.takes.iter().filter(|take| is_open(take));
    let open: Vec<&Take> = open.filter(|take| is_ours(planning, take)).collect();
    if open.is_empty() {
        return matched;
    }
    for (index, prepared) in scenes.iter().enumerate() {
        let Some(present) = &prepared.present else { continue };
        let fits =
            |take: &&&Take| is_open(take) && compare(builder, present, &Recorded::take(take)).same;
        // The newest wins: an older one of the same request was given up for it.
        let own = history.takes(&slot(planning, &prepared.scene.id));
        if let Some(take) = own.iter().rev().find(fits) {
            claimed.insert(take.id);
            matched.insert(index, *take);
            if present.takes > 1 {
                // Those beside it are this scene's as well.
                claimed.extend(own.iter().filter(fits).map(|take| take.id));
            }
        }
    }
    let mut left: HashMap<String, Vec<&Take>> = HashMap::new();
    for take in open {
        if !claimed.contains(&take.id)
            && super::recorded::is_alive(take)
            && let Some(identity) = identity_of(builder, &take.ask)
        {
            left.entry(identity).or_default().push(take);
        }
    }
    for (index, prepared) in scenes.iter().enumerate() {
        let Some(present) = prepared.present.filter(|_| !matched.contains_key(&index)) else {
            continue;
        };
        if left.is_empty() {
            break;
        }
        let Some(takes) = left.get_mut(&present.built.identity()) else { continue };
        let fits = |take: &&Take| compare(builder, present, &Recorded::take(take)).same;
        if let Some(place) = takes.iter().rposition(fits) {
            matched.insert(index, takes.remove(place));
        }
    }
    matched
}

/// Takes that were kept back and whose clip no entry of the manifest has: a scene may still get them.
pub(super) fn kept_takes<'a>(planning: &Planning<'a>, history: &History<'a>) -> Vec<&'a Take> {
    let takes = planning.known.ledger.takes.iter().filter(|take| {
        take.state == TakeState::Kept
            && is_ours(planning, take)
            && Recorded::take(take)
                .steps
                .last()
                .and_then(|step| step.clip.as_ref())
                .is_some_and(|clip| !history.is_recorded(&clip.sha256))
    });
    takes.collect()
}

/// The identity of what a recorded ask asks for today; `None` where it cannot be asked for any more.
fn identity_of(builder: &Builder<'_>, ask: &Json) -> Option<String> {
    Some(builder.past(ask)?.identity()?.to_owned())
}

/// Takes with tasks at the provider that no scene goes on with: finished and kept, never lost.
pub(super) fn stale_takes(planning: &Planning<'_>, used: &HashSet<TakeId>) -> Vec<Take> {
    let takes = planning.known.ledger.takes.iter().filter(|take| {
        is_ours(planning, take)
            && take.state == TakeState::Open
            && !used.contains(&take.id)
            && take.attempts.iter().any(|attempt| {
                matches!(attempt.state, AttemptState::Submitted | AttemptState::Finished)
            })
    });
    takes.cloned().collect()
}

/// Recorded clips whose scene is gone.
pub(super) fn orphans(
    scenes: &[Asked<'_>],
    entries: &[&AssetEntry],
    matches: &Matches<'_>,
) -> Vec<Orphan> {
    let present: HashSet<&SceneId> = scenes.iter().map(|prepared| &prepared.scene.id).collect();
    let left = entries
        .iter()
        .filter(|entry| !matches.taken.contains(entry.id.as_str()) && !entry.is_foreign_still());
    left.filter_map(|entry| {
        let scene_id = entry.scene_id.clone()?;
        // A scene that took a moved clip supersedes the one that stood under its id.
        (!present.contains(&scene_id)).then(|| Orphan {
            id: entry.id.clone(),
            scene_id,
            filename: entry.filename.clone(),
        })
    })
    .collect()
}
