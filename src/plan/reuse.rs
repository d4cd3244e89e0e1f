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

impl Deciding<'_, '_> {
    /// Finished clips of the longest chain of leading steps with the same requests, at most `limit` of them, and
    /// whether a longer one is of no use because the provider does not keep it any more.
    pub(super) fn reusable(&self, limit: usize) -> (Vec<ClipRef>, bool) {
        let current = self.matched.map(Match::entry);
        let before = self.history.before(current);
        let (mut best, mut expired) = (Vec::new(), None);
        if limit == 0 {
            return (best, false);
        }
        let entries = current.into_iter().chain(before).map(Recorded::entry);
        let takes = self.history.takes(self.slot).iter().rev().map(|take| Recorded::take(take));
        let earlier: Vec<Recorded<'_>> = entries.chain(takes).collect();
        for recorded in &earlier {
            let same = compare(self.builder, self.present, recorded).same_steps.min(limit);
            let clips = recorded.steps.iter().take(same).map_while(|step| step.clip.clone());
            let mut clips: Vec<ClipRef> = clips.collect();
            // A chain can only go on from a clip that the next step can start from.
            while let Some(last) = clips.last()
                && !(self.usable(clips.len() - 1, last)
                    && self.may_follow(last, clips.len(), &earlier))
            {
                if self.is_expired(last) {
                    expired = expired.max(Some(clips.len()));
                }
                clips.pop();
            }
            if clips.len() > best.len() {
                best = clips;
            }
        }
        let expired = expired.is_some_and(|length| length > best.len());
        (best, expired)
    }

    /// Whether the clip of step `index` can be used by what comes after it: its task while the provider has it,
    /// its bytes where they are published or uploaded.
    pub(super) fn usable(&self, index: usize, clip: &ClipRef) -> bool {
        let cached = self.planning.known.cached.contains(&clip.sha256);
        match self.present.built.steps.get(index + 1) {
            None => cached,
            Some(next) if uses_task(next) => clip.task_id.is_some() && !self.is_expired(clip),
            Some(_) => cached,
        }
    }

    /// Whether the step at `index` may start from a clip, which any earlier chain may have upgraded since: the provider
    /// refuses to extend a Veo clip after its 1080p upgrade.
    fn may_follow(&self, clip: &ClipRef, index: usize, earlier: &[Recorded<'_>]) -> bool {
        let Some(next) = self.present.built.steps.get(index) else { return true };
        let rules_out = |made: &str| next.not_after.iter().any(|upgrade| upgrade == made);
        !earlier.iter().any(|recorded| {
            let source = recorded.steps.get(index - 1).and_then(|step| step.clip.as_ref());
            source.is_some_and(|source| source.sha256 == clip.sha256)
                && recorded.steps.get(index).and_then(|step| step.operation).is_some_and(rules_out)
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
        if known.cached.contains(sha256) {
            sources.push(ClipSource::Cache);
        }
        // The same content may stand under another name: an earlier version, or another scene.
        if let Some(filename) = self.history.copy_of(sha256) {
            sources.push(ClipSource::File(filename.to_owned()));
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
            Some(ClipSource::Cache) => "the cache has it".to_owned(),
            Some(ClipSource::File(name)) => format!("`{name}` has the same content"),
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
