//! Choosing among takes: what there is of a scene, and what puts one of them in place.

use super::decide::{Deciding, Match};
use super::difference::compare;
use super::outcome::{Action, Reason, ScenePlan};
use super::recorded::Recorded;
use super::work::{StepStart, Work};
use crate::manifest::AssetEntry;
use crate::record::{Take, TakeState};
use crate::storyboard::{Scene, SceneId, StepKind};
use serde::Serialize;
use serde_json::Value as Json;

/// A choice that the user makes, or wants to make.
#[derive(Debug, Clone)]
pub struct Pick {
    /// The scene.
    pub scene: SceneId,
    /// Of its keyframe, where that is what is chosen.
    pub step: Option<StepKind>,
    /// The take; none to be told what there is.
    pub take: Option<u32>,
}

impl Pick {
    pub(super) fn is_of(&self, scene: &Scene) -> bool {
        self.scene == scene.id
    }
}

/// A take that can be chosen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// Its number.
    pub take: u32,
    /// Its file, relative to the assets root; null for one that was kept back and never put anywhere.
    pub filename: Option<String>,
    /// It is in its place.
    pub current: bool,
    /// It is in its place because the user has chosen it.
    pub picked: bool,
    /// It was made from what the scene says now.
    pub up_to_date: bool,
    /// The model that made it.
    pub model: String,
    /// The seed it was made with.
    pub seed: Option<i64>,
    /// The profile it was made with.
    pub profile: Option<String>,
    /// When it was made (RFC 3339).
    pub created_at: Option<String>,
}

/// What there is to choose from, and what comes of the choice.
#[derive(Debug)]
pub struct Picked {
    /// The takes, the oldest first.
    pub choices: Vec<Choice>,
    /// What comes of it.
    pub outcome: PickOutcome,
}

/// What comes of a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PickOutcome {
    /// Nothing was chosen yet, or there is no such take.
    None,
    /// The take is in its place already: the entry (id) that says so.
    Current(String),
    /// The plan puts it in place.
    Planned,
    /// Its bytes are nowhere.
    Gone,
}

impl<'a> Deciding<'_, 'a> {
    /// The takes of the scene, and the plan that puts the chosen one in place.
    pub(super) fn pick(&self, pick: &Pick) -> (ScenePlan, Picked) {
        let current = self.matched.map(Match::entry);
        let mut entries: Vec<&AssetEntry> = current.into_iter().collect();
        entries.extend(self.history.before(current));
        let kept: Vec<&Take> = self.unpublished(&entries);
        let mut choices: Vec<Choice> = Vec::new();
        for entry in &entries {
            // The newest version of a take stands for it.
            let Some(take) = entry.take else { continue };
            if choices.iter().all(|choice| choice.take != take) {
                choices.push(self.choice_of(entry, take, current));
            }
        }
        choices.extend(kept.iter().map(|take| self.choice_of_kept(take)));
        choices.sort_by_key(|choice| choice.take);
        let entry = entries.iter().find(|entry| entry.take.is_some() && entry.take == pick.take);
        let take = kept.iter().find(|take| Some(take.number) == pick.take);
        let nothing = || self.plan(Action::Skip, vec![Reason::new("filtered")], Vec::new(), None);
        let (plan, outcome) = match (entry, take) {
            (Some(entry), _) if current.is_some_and(|current| current.id == entry.id) => {
                (nothing(), PickOutcome::Current(entry.id.clone()))
            }
            (Some(entry), _) => match self.put_in_place(entry) {
                Some(plan) => (plan, PickOutcome::Planned),
                None => (nothing(), PickOutcome::Gone),
            },
            (None, Some(take)) => match self.put_kept_in_place(take) {
                Some(plan) => (plan, PickOutcome::Planned),
                None => (nothing(), PickOutcome::Gone),
            },
            (None, None) => (nothing(), PickOutcome::None),
        };
        (plan, Picked { choices, outcome })
    }

    /// Takes of the ledger that were made and never put anywhere.
    fn unpublished(&self, entries: &[&AssetEntry]) -> Vec<&'a Take> {
        let media = self.present.built.media();
        let takes = self.history.takes(self.slot).iter().copied();
        takes
            .filter(|take| take.state == TakeState::Kept && take.media() == media)
            .filter(|take| entries.iter().all(|entry| entry.take != Some(take.number)))
            .filter(|take| {
                Recorded::take(take).steps.last().is_some_and(|step| step.clip.is_some())
            })
            .collect()
    }

    fn choice_of(&self, entry: &AssetEntry, take: u32, current: Option<&AssetEntry>) -> Choice {
        Choice {
            take,
            filename: Some(entry.filename.clone()),
            current: current.is_some_and(|current| current.id == entry.id),
            picked: entry.picked && entry.superseded_by.is_none(),
            up_to_date: compare(self.builder, self.present, &Recorded::entry(entry)).same,
            model: entry.model.clone(),
            seed: entry.seed,
            profile: super::ask::profile_of(&entry.ask).map(str::to_owned),
            created_at: entry.created_at.clone(),
        }
    }

    fn choice_of_kept(&self, take: &Take) -> Choice {
        let time = jiff::Timestamp::from_millisecond(take.created_ms).ok();
        Choice {
            take: take.number,
            filename: None,
            current: false,
            picked: false,
            up_to_date: compare(self.builder, self.present, &Recorded::take(take)).same,
            model: take
                .attempts
                .last()
                .map_or_else(String::new, |last| last.intent.model_id.clone()),
            seed: None,
            profile: super::ask::profile_of(&take.ask).map(str::to_owned),
            created_at: time.map(|time| time.to_string()),
        }
    }

    /// Publishes an earlier version again. Where it was made from other words, it is taken for those of now, too: the
    /// user has looked at it.
    fn put_in_place(&self, entry: &AssetEntry) -> Option<ScenePlan> {
        let sha256 = entry.sha256.as_ref()?;
        let same = compare(self.builder, self.present, &Recorded::entry(entry)).same;
        let mut work = self.republish(entry, sha256, None);
        if work.sources.is_empty() {
            return None;
        }
        if let Some(draft) = &mut work.entry {
            draft.fields.insert("picked".into(), true.into());
            if !same {
                let now = draft.fields.insert("ask".into(), entry.ask.clone());
                let mut accepted = entry.accepted.clone();
                accepted.extend(now.filter(|ask| !accepted.contains(ask)));
                draft.fields.insert("accepted".into(), Json::Array(accepted));
            }
        }
        let reason = Reason::because("picked", format!("take {}", entry.take.unwrap_or_default()));
        let steps = self.free_steps(Action::Restore);
        Some(self.plan(Action::Restore, vec![reason], steps, Some(Work::Restore(work))))
    }

    fn put_kept_in_place(&self, take: &Take) -> Option<ScenePlan> {
        let recorded = Recorded::take(take);
        // Only what was made in the steps of today can be told of in a new entry.
        if recorded.steps.len() != self.present.built.steps.len() {
            return None;
        }
        let starts = recorded.steps.iter().map(|step| {
            let clip = step.clip.clone().filter(|clip| self.planning.known.has(&clip.sha256))?;
            Some(super::decide::Start { start: StepStart::Done(clip), action: Action::Restore })
        });
        let starts: Vec<_> = starts.collect::<Option<_>>()?;
        let mut work = self.render_work(take.number, None, &starts);
        work.entry.fields.insert("picked".into(), true.into());
        if !compare(self.builder, self.present, &recorded).same {
            let now = std::mem::replace(&mut work.ask, take.ask.to_value());
            work.entry.fields.insert("ask".into(), take.ask.to_value());
            work.entry.fields.insert("accepted".into(), Json::Array(vec![now]));
        }
        let reason = Reason::because("picked", format!("take {}", take.number));
        Some(self.plan(
            Action::Restore,
            vec![reason],
            self.steps(&starts),
            Some(Work::Render(work)),
        ))
    }
}
