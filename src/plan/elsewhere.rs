//! What another branch has rendered (`--defer-to`): a scene that asks for the very same is published from there, at no cost.
//!
//! Its entries are matched with the scenes just as those of this branch are, and come after them: what this branch has,
//! its history included, is taken first. A take from there gets the number it had, where no take here has that one.

use super::decide::{Deciding, Decision, Match};
use super::difference::compare;
use super::matching::current_entries;
use super::outcome::{Action, Reason, ScenePlan};
use super::prepare::is_before_clip;
use super::recorded::Recorded;
use super::work::{RestoreWork, Work};
use crate::known::Deferred;
use crate::manifest::{AssetEntry, CANDIDATE, Histories};
use std::collections::HashSet;

/// Another branch's entries of the storyboard.
#[derive(Default)]
pub(super) struct Elsewhere<'a> {
    /// Present clips and stills of its scenes.
    pub entries: Vec<&'a AssetEntry>,
    /// Its present stills and voices that come before clips.
    pub before_clips: Vec<&'a AssetEntry>,
    histories: Option<Histories<'a>>,
}

impl<'a> Elsewhere<'a> {
    /// Nothing where no other branch was named.
    pub fn of(deferred: Option<&'a Deferred>) -> Self {
        let Some(deferred) = deferred else { return Self::default() };
        let all = current_entries(&deferred.manifest, &deferred.place).into_iter();
        let (before_clips, entries) = all.partition(|entry| is_before_clip(&entry.ask));
        Self { entries, before_clips, histories: Some(deferred.manifest.histories()) }
    }

    /// An entry and those that it took the place of, newest first.
    fn since(&self, entry: &'a AssetEntry) -> impl Iterator<Item = &'a AssetEntry> + use<'a> {
        let before = self.histories.as_ref().map(|histories| histories.of(entry));
        std::iter::once(entry).chain(before.into_iter().flatten())
    }
}

/// A take that another branch has beside a scene's first.
pub(super) struct Beside<'a> {
    pub entry: &'a AssetEntry,
    /// Its number here.
    pub number: u32,
    /// How it is published, where its bytes are to be had.
    pub plan: Option<ScenePlan>,
}

impl<'a> Deciding<'_, 'a> {
    /// Entries that another branch has of this scene and this one has not, newest first. A clip that stands in this branch's
    /// record is in this scene's history, or another scene's: two scenes that ask for the same are two clips.
    pub(super) fn elsewhere(&self) -> impl Iterator<Item = &'a AssetEntry> {
        let entry = self.deferred.map(Match::entry);
        let entries = entry.map(|entry| self.elsewhere.since(entry));
        let is_here = |entry: &&AssetEntry| {
            entry.sha256.as_ref().is_some_and(|sha256| self.history.is_recorded(sha256))
        };
        entries.into_iter().flatten().filter(move |entry| !is_here(entry))
    }

    /// A scene that another branch has rendered from this very request: published from there.
    pub(super) fn taken_elsewhere(&self) -> Option<Decision<'a>> {
        // What was published comes before what only stood beside it.
        let (beside, published): (Vec<_>, Vec<_>) =
            self.elsewhere().partition(|entry| entry.candidate);
        let mut all = published.into_iter().chain(beside).filter(|entry| self.is_same(entry));
        let entry = all.clone().find(|entry| self.has_bytes(entry)).or_else(|| all.next())?;
        let Some(sha256) = entry.sha256.as_ref().filter(|_| self.has_bytes(entry)) else {
            return Some(self.absent_elsewhere(entry));
        };
        let number = free_number(entry, &self.numbers(), self.next_take());
        let work = self.taken(entry, sha256, number);
        let reason = self.said_with_source(self.deferred_reason(entry, number), &work);
        let mut reasons = vec![reason];
        if let Some(Match::Changed { difference, .. }) = self.matched {
            reasons.extend(difference.reasons.clone());
        }
        let plan = self.plan(
            Action::Restore,
            reasons,
            self.free_steps(Action::Restore),
            Some(Work::Restore(work)),
        );
        Some(Decision { republished: Some(entry), ..Decision::new(plan) })
    }

    /// Takes that another branch has of this very request and this one has not, to be put beside the scene's own. `first` is
    /// the one that is published as that, with its number here; numbers from `number` on are free.
    pub(super) fn beside_elsewhere(
        &self,
        first: Option<(&AssetEntry, Option<u32>)>,
        mut number: u32,
    ) -> Vec<Beside<'a>> {
        let published = first.and_then(|(entry, _)| entry.sha256.as_ref());
        let mut seen: HashSet<&String> = published.into_iter().collect();
        let mut numbers = self.numbers();
        numbers.extend(first.and_then(|(_, number)| number));
        let mut found = Vec::new();
        let mut entries: Vec<&AssetEntry> = self.elsewhere().collect();
        // In the order in which they were made.
        entries.reverse();
        for entry in entries {
            let Some(sha256) = &entry.sha256 else { continue };
            if !self.is_same(entry) || !seen.insert(sha256) {
                continue;
            }
            let own = free_number(entry, &numbers, number);
            numbers.insert(own);
            number = number.max(own + 1);
            let mut plan = None;
            if self.has_bytes(entry) {
                let mut work = self.taken(entry, sha256, own);
                if let Some(draft) = &mut work.entry {
                    draft.fields.insert(CANDIDATE.to_owned(), true.into());
                }
                let reason = self.deferred_reason(entry, own);
                let steps = self.free_steps(Action::Restore);
                plan = Some(self.plan(
                    Action::Restore,
                    vec![reason],
                    steps,
                    Some(Work::Restore(work)),
                ));
            }
            found.push(Beside { entry, number: own, plan });
        }
        found
    }

    fn is_same(&self, entry: &AssetEntry) -> bool {
        compare(self.builder, self.present, &Recorded::entry(entry)).same
    }

    fn has_bytes(&self, entry: &AssetEntry) -> bool {
        !self.sources(entry).is_empty()
    }

    /// Numbers of the scene's takes here.
    fn numbers(&self) -> HashSet<u32> {
        let current = self.matched.map(Match::entry);
        let recorded = current.into_iter().chain(self.history.before(current));
        let recorded = recorded.filter_map(|entry| entry.take);
        let ledger = self.history.takes(self.slot).iter().map(|take| take.number);
        recorded.chain(ledger).collect()
    }

    fn taken(&self, entry: &AssetEntry, sha256: &str, number: u32) -> RestoreWork {
        let mut work = RestoreWork { restored_from: None, ..self.republish(entry, sha256, None) };
        let as_made = Recorded { accepted: &[], ..Recorded::entry(entry) };
        let is_accepted = !compare(self.builder, self.present, &as_made).same;
        if let Some(draft) = &mut work.entry {
            draft.fields.insert("take".to_owned(), number.into());
            if is_accepted {
                // What it was made from stays on record: this branch has no earlier entry that says so.
                let mut accepted = entry.accepted.clone();
                accepted.retain(|ask| *ask != self.present.ask_json);
                accepted.push(self.present.ask_json.clone());
                draft.fields.insert("ask".to_owned(), entry.ask.clone());
                draft.fields.insert("accepted".to_owned(), accepted.into());
            }
        }
        work
    }

    fn deferred_reason(&self, entry: &AssetEntry, number: u32) -> Reason {
        let name = match (entry.take, &entry.scene_id) {
            (_, Some(id)) if *id != self.scene.id => format!(" as scene {id}"),
            (Some(theirs), _) if theirs != number => format!(" as take {theirs}"),
            _ => String::new(),
        };
        Reason::because("deferred", format!("`{}` records it{name}", self.shown()))
    }

    fn shown(&self) -> &str {
        self.planning.known.deferred.as_ref().map_or("", |deferred| deferred.shown.as_str())
    }

    /// It was rendered, and its clip is not to be had: not paid for again without being asked.
    fn absent_elsewhere(&self, entry: &'a AssetEntry) -> Decision<'a> {
        if self.planning.options.rerender_absent.has(&self.scene.id) {
            return Decision::new(self.render(vec![Reason::new("output-missing")], None));
        }
        let what = self.deferred_reason(entry, entry.take.unwrap_or(1)).detail.unwrap_or_default();
        let detail = match self.provider_until(entry) {
            Some(until) => {
                format!(
                    "{what}; the provider has its clip until {until}: with a key it is fetched, free"
                )
            }
            None => format!(
                "{what}; no copy here: a checkout of that branch or a shared cache gives it, or pay again with \
                 `--rerender-absent`"
            ),
        };
        let plan = self.plan(
            Action::Absent,
            vec![Reason::because("deferred", detail)],
            self.free_steps(Action::Absent),
            None,
        );
        Decision { republished: Some(entry), ..Decision::new(plan) }
    }
}

/// The number of a take from elsewhere: its own where no take here has that one, else `next`.
fn free_number(entry: &AssetEntry, numbers: &HashSet<u32>, next: u32) -> u32 {
    entry.take.filter(|number| !numbers.contains(number)).unwrap_or(next)
}
