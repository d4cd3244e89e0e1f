//! What of earlier renders can be used again: clips a chain can go on from, and where bytes can still be had.

use super::build::BuiltStep;
use super::decide::{Deciding, Match};
use super::difference::compare;
use super::draft;
use super::outcome::Reason;
use super::recorded::Recorded;
use super::work::{ClipRef, ClipSource, RestoreWork};
use crate::manifest::AssetEntry;
use serde_json::Value as Json;

/// What of earlier renders a chain can go on from.
pub(super) struct Reusable {
    /// Finished clips of the first steps.
    pub clips: Vec<ClipRef>,
    /// Why a longer chain that there is is of no use.
    pub lost: Option<Reason>,
}

impl Deciding<'_, '_> {
    /// Finished clips of the longest chain of leading steps with the same requests, at most `limit` of them.
    pub(super) fn reusable(&self, limit: usize) -> Reusable {
        let mut best: Vec<ClipRef> = Vec::new();
        // How long the longest chain is that is of no use, and why.
        let mut lost: Option<(usize, Reason)> = None;
        if limit == 0 {
            return Reusable { clips: best, lost: None };
        }
        let earlier = self.earlier();
        for recorded in &earlier {
            let same = compare(self.builder, self.present, recorded).same_steps.min(limit);
            let clips = recorded.steps.iter().take(same).map_while(|step| step.clip.clone());
            let mut clips: Vec<ClipRef> = clips.collect();
            // A chain can only go on from a clip that the next step can start from.
            while let Some(last) = clips.last() {
                let length = clips.len();
                let usable = self.usable(length - 1, last);
                let upgrade = self.refused_after(last, length, &earlier);
                if usable && upgrade.is_none() {
                    break;
                }
                let why = match upgrade {
                    Some(upgrade) => Some(Reason::because(
                        "source-upgraded",
                        format!(
                            "the clip there is was upgraded to {upgrade}, and after that the provider takes it no further; it is made anew"
                        ),
                    )),
                    None if self.is_expired(last) => Some(Reason::because(
                        "source-expired",
                        "the clip it goes on from is older than the provider keeps; the chain starts over",
                    )),
                    None => None,
                };
                if let Some(why) = why
                    && lost.as_ref().is_none_or(|(longest, _)| length > *longest)
                {
                    lost = Some((length, why));
                }
                clips.pop();
            }
            if clips.len() > best.len() {
                best = clips;
            }
        }
        if best.is_empty() {
            best.extend(self.still.cloned());
        }
        let lost = lost.filter(|(length, _)| *length > best.len()).map(|(_, why)| why);
        Reusable { clips: best, lost }
    }

    /// What was made of this scene before, here and on another branch, newest first.
    fn earlier(&self) -> Vec<Recorded<'_>> {
        let current = self.matched.map(Match::entry);
        let before = self.history.before(current);
        let entries = current.into_iter().chain(before).chain(self.elsewhere());
        let takes = self.history.takes(self.slot).iter().rev().map(|take| Recorded::take(take));
        entries.map(Recorded::entry).chain(takes).collect()
    }

    /// Whether the clip of step `index` can be used by what comes after it: its task while the provider has it,
    /// its bytes where they are published or uploaded.
    pub(super) fn usable(&self, index: usize, clip: &ClipRef) -> bool {
        let cached = self.planning.known.has(&clip.sha256)
            // What was chosen is published, and uploaded from there.
            || self.still.is_some_and(|still| still.sha256 == clip.sha256);
        match self.present.built.steps.get(index + 1) {
            None => cached,
            Some(next) if uses_task(next) => clip.task_id.is_some() && !self.is_expired(clip),
            Some(_) => cached,
        }
    }

    /// The upgrade because of which the step at `index` may not start from a clip, whichever earlier chain was upgraded:
    /// the provider refuses to extend a Veo clip after its 1080p upgrade.
    fn refused_after<'r>(
        &self,
        clip: &ClipRef,
        index: usize,
        earlier: &[Recorded<'r>],
    ) -> Option<&'r str> {
        let next = self.present.built.steps.get(index)?;
        let rules_out = |made: &&str| next.not_after.iter().any(|upgrade| upgrade == made);
        earlier.iter().find_map(|recorded| {
            let source = recorded.steps.get(index - 1)?.clip.as_ref()?;
            let made = recorded.steps.get(index)?.operation?;
            (source.sha256 == clip.sha256).then_some(made).filter(rules_out)
        })
    }

    pub(super) fn is_expired(&self, clip: &ClipRef) -> bool {
        let Some(created) = clip.created_at.as_deref().and_then(milliseconds) else { return false };
        self.planning.known.now_ms > created + self.retention_ms()
    }

    pub(super) fn retention_ms(&self) -> i64 {
        let provider = self.present.built.main().map_or("kie", |step| step.provider.as_str());
        let provider = self.planning.catalog.provider(provider);
        let days = provider.map_or(14.0, |provider| provider.retention.results_days);
        #[expect(clippy::cast_possible_truncation, reason = "a number of days, not of ages")]
        let milliseconds = (days * 86_400_000.0) as i64;
        milliseconds
    }

    /// Until when the provider keeps an entry's clip, where it still does: a date.
    pub(super) fn provider_until(&self, entry: &AssetEntry) -> Option<String> {
        let last = entry.steps.last()?;
        draft::made_by(last)?;
        let created = milliseconds(last.created_at.as_deref().or(entry.created_at.as_deref())?)?;
        let until = created + self.retention_ms();
        let date = jiff::Timestamp::from_millisecond(until).ok()?.to_string();
        (self.planning.known.now_ms < until).then(|| date.chars().take(10).collect())
    }

    /// Where the bytes of an entry's clip can be had, best first.
    pub(super) fn sources(&self, entry: &AssetEntry) -> Vec<ClipSource> {
        let known = self.planning.known;
        let Some(sha256) = &entry.sha256 else { return Vec::new() };
        let mut sources = Vec::new();
        if known.cached.contains(sha256) || known.beside(sha256).is_some() {
            sources.push(ClipSource::Cache);
        }
        // The same content may stand under another name: an earlier version, or another scene.
        if let Some(filename) = self.history.copy_of(sha256) {
            sources.push(ClipSource::File(filename.to_owned()));
        }
        if known.shared.contains(sha256) {
            sources.push(ClipSource::Shared);
        }
        if known.has_key
            && self.provider_until(entry).is_some()
            && let Some((provider, family, operation, task_id)) =
                entry.steps.last().and_then(draft::made_by)
        {
            sources.push(ClipSource::Provider { provider, family, operation, task_id });
        }
        sources
    }

    pub(super) fn said_with_source(&self, reason: Reason, work: &RestoreWork) -> Reason {
        let from = match work.sources.first() {
            Some(ClipSource::Cache) if self.planning.known.cached.contains(&work.clip.sha256) => {
                "the cache has it".to_owned()
            }
            Some(ClipSource::Cache) => {
                "its clip lies beside the other branch's manifest".to_owned()
            }
            Some(ClipSource::File(name)) => format!("`{name}` has the same content"),
            Some(ClipSource::Shared) => "the shared cache has it".to_owned(),
            Some(ClipSource::Provider { .. }) => "the provider still has it".to_owned(),
            None => return reason,
        };
        let detail = match reason.detail {
            Some(detail) => format!("{detail}; {from}"),
            None => from,
        };
        Reason { detail: Some(detail), ..reason }
    }
}

fn uses_task(step: &BuiltStep) -> bool {
    let mut found = false;
    super::request::visit(&mut step.request.body.clone(), &mut |map| {
        found |= map.get("$previous").and_then(Json::as_str) == Some("task");
    });
    found
}

/// Unix milliseconds of an RFC 3339 time.
fn milliseconds(time: &str) -> Option<i64> {
    time.parse::<jiff::Timestamp>().ok().map(|time| time.as_millisecond())
}
