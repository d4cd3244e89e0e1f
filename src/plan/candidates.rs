//! Takes to choose from: which of those that are wanted exist, and what makes the others.
//!
//! Takes of a scene differ from its clip on (from its still on, where that is what is decided): the keyframe is the same
//! for all of them. With a seed, each has the next one; without, the same request is made again.

use super::ask::Ask;
use super::decide::{Deciding, Decision, Match, Start};
use super::difference::compare;
use super::outcome::{Action, Note, Reason, ScenePlan, UNKNOWN};
use super::recorded::{Recorded, is_alive};
use super::work::{StepStart, Work};
use crate::record::{AttemptState, Take, TakeState};
use crate::storyboard::StepKind;
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// The takes of the present request that there are, or will be.
#[derive(Default)]
struct Tally {
    /// By number, or by the entry that has none.
    names: BTreeSet<String>,
    /// Their places, where seeds tell.
    places: BTreeSet<i64>,
}

impl<'a> Deciding<'_, 'a> {
    /// Adds what makes the takes beside the one that is published.
    pub(super) fn with_other_takes(&self, mut decision: Decision<'a>) -> Decision<'a> {
        let wanted = usize::try_from(self.present.takes).unwrap_or(1);
        let stands = matches!(decision.plan.action, Action::Skip | Action::Absent);
        // A take that is asked for by name is one.
        if wanted <= 1 || stands || self.is_retaken() {
            return decision;
        }
        // What one take waits for (a decision, an edit) holds no other back that was begun, and none is begun meanwhile.
        let blocked = decision.plan.action == Action::Blocked;
        let varied = self.varied();
        let mut tally = Tally::default();
        let mut number = self.next_take();
        let renders = match &decision.plan.work {
            Some(Work::Render(work)) => {
                number = number.max(work.take + 1);
                self.count(&mut tally, &work.take.to_string(), &work.ask);
                true
            }
            _ => false,
        };
        let main = decision.take.map(|take| take.id);
        let first_open = self.open_take.map(|take| take.id);
        let is_free =
            |take: &&Take| first_open == Some(take.id) || !self.claimed.contains(&take.id);
        let takes = self.history.takes(self.slot).iter().copied();
        let own = takes.filter(|take| main != Some(take.id)).filter(is_free);
        let (open, ended): (Vec<&Take>, Vec<&Take>) = own.partition(|take| self.is_open_take(take));
        self.count_published(&mut tally, varied);
        let mut added = Vec::new();
        for take in ended.into_iter().filter(|take| self.has_made(take, varied)) {
            number = number.max(take.number + 1);
            self.count(&mut tally, &take.number.to_string(), &take.ask);
            if take.state == TakeState::Kept
                && let Some(plan) = self.kept_beside(take)
            {
                decision.others.push(take);
                added.push(plan);
            }
        }
        let first = decision.republished.map(|entry| match &decision.plan.work {
            Some(Work::Restore(work)) => (entry, work.take()),
            _ => (entry, None),
        });
        if let Some((entry, Some(take))) = first {
            number = number.max(take + 1);
            self.count(&mut tally, &take.to_string(), &entry.ask);
        }
        for beside in self.beside_elsewhere(first, number) {
            number = number.max(beside.number + 1);
            self.count(&mut tally, &beside.number.to_string(), &beside.entry.ask);
            added.extend(beside.plan);
        }
        for take in open {
            number = number.max(take.number + 1);
            self.count(&mut tally, &take.number.to_string(), &take.ask);
            let plan = self.go_on_as_asked(take);
            if plan.work.is_some() {
                decision.others.push(take);
                added.push(plan);
            } else if let Some((code, detail)) =
                plan.reasons.into_iter().find_map(|reason| Some((reason.code, reason.detail?)))
            {
                let message = format!("take {}: {detail}", take.number);
                let code = if code == UNKNOWN { UNKNOWN } else { "take-failed" };
                decision.plan.notes.push(Note { code, message });
            }
        }
        let missing = if blocked { 0 } else { wanted.saturating_sub(tally.names.len()) };
        for _ in 0..missing {
            let place = (0..).find(|place| !tally.places.contains(place)).unwrap_or(0);
            let own = self.candidate(place);
            let Some(present) = own.as_ref() else { break };
            self.count(&mut tally, &number.to_string(), &present.ask_json);
            let plan = Deciding { present, ..*self }.another(number, varied, renders);
            if plan.work.is_none() {
                break;
            }
            added.push(plan);
            number += 1;
        }
        if !added.is_empty() {
            let told = (missing > 0).then(|| Reason {
                part: Some("takes".into()),
                old: Some(wanted.saturating_sub(missing).into()),
                new: Some(wanted.into()),
                ..Reason::new("takes-added")
            });
            put_beside(&mut decision.plan, added, told.filter(|_| !renders));
        }
        decision
    }

    /// The step from which on takes differ.
    fn varied(&self) -> usize {
        let steps = &self.present.built.steps;
        let clip = steps.iter().position(|step| step.kind == StepKind::Generate);
        clip.unwrap_or(steps.len().saturating_sub(1))
    }

    fn count(&self, tally: &mut Tally, name: &str, ask: &Json) {
        tally.names.insert(name.to_owned());
        let place = Ask::from_json(ask).and_then(|ask| ask.place_among(&self.present.ask));
        tally.places.extend(place);
    }

    fn count_published(&self, tally: &mut Tally, varied: usize) {
        let current = self.matched.map(Match::entry);
        for entry in current.into_iter().chain(self.history.before(current)) {
            let difference = compare(self.builder, self.present, &Recorded::entry(entry));
            if difference.same || difference.same_steps > varied {
                let name = entry.take.map_or_else(|| entry.id.clone(), |take| take.to_string());
                self.count(tally, &name, &entry.ask);
            }
        }
    }

    /// An open take of this very request, of which something was sent.
    fn is_open_take(&self, take: &Take) -> bool {
        matches!(take.state, TakeState::Open | TakeState::Publishing)
            && !take.attempts.is_empty()
            && compare(self.builder, self.present, &Recorded::take(take)).same
    }

    /// True for a take whose clip (or still) was made from this request, or is being made.
    fn has_made(&self, take: &Take, varied: usize) -> bool {
        let made = |take: &Take| {
            let recorded = Recorded::take(take);
            let step = recorded.steps.get(varied)?;
            let sent = step.attempt.is_some_and(|attempt| attempt.state != AttemptState::Failed);
            Some(step.clip.is_some() || (sent && is_alive(take)))
        };
        made(take).unwrap_or(false)
            && compare(self.builder, self.present, &Recorded::take(take)).same_steps > varied
    }

    /// A take that was collected and kept back: now it is put where it can be looked at.
    fn kept_beside(&self, take: &Take) -> Option<ScenePlan> {
        let own = self.as_asked(&take.ask);
        let present = own.as_ref().unwrap_or(self.present);
        let starts = Deciding { present, ..*self }.starts_of_kept(take)?;
        let work = Deciding { present, ..*self }.render_work(take.number, None, &starts);
        let steps = self.free_steps(Action::Restore);
        Some(self.plan(Action::Restore, Vec::new(), steps, Some(Work::Render(work))))
    }

    /// One more take: what comes before the step that differs is that of the others.
    fn another(&self, number: u32, varied: usize, renders: bool) -> ScenePlan {
        let paid = if self.matched.is_some() { Action::Update } else { Action::Create };
        let reused =
            if renders || self.still_first { Vec::new() } else { self.reusable(varied).clips };
        let starts: Vec<Start> = (0..self.present.built.steps.len())
            .map(|index| match reused.get(index) {
                Some(clip) => {
                    Start { start: StepStart::Done(clip.clone()), action: Action::Unchanged }
                }
                None if index < varied && (renders || self.still_first) => {
                    Start { start: StepStart::Shared, action: Action::Unchanged }
                }
                None => Start { start: StepStart::Fresh, action: paid },
            })
            .collect();
        let work = self.render_work(number, None, &starts);
        self.paid(paid, Vec::new(), starts, work)
    }
}

/// Puts the plans of other takes beside that of the first.
fn put_beside(plan: &mut ScenePlan, added: Vec<ScenePlan>, told: Option<Reason>) {
    // What the first one makes is the scene's take; where nothing is made, the scene has it already.
    let is_first_made = matches!(&plan.work, Some(Work::Render(work)) if !work.beside);
    let numbered = |plan: &mut ScenePlan| {
        let take = match &plan.work {
            Some(Work::Render(work)) => Some(work.take),
            Some(Work::Restore(work)) => work.take(),
            None => None,
        };
        if take.is_some() {
            plan.steps.iter_mut().for_each(|step| step.take = take);
        }
    };
    numbered(plan);
    for mut other in added {
        numbered(&mut other);
        if let Some(Work::Render(work)) = &mut other.work {
            work.beside = !is_first_made;
        }
        let told = plan.action.is_paid() || plan.action == Action::Blocked;
        if !told && (other.action.is_paid() || plan.action == Action::Unchanged) {
            plan.action = other.action;
        }
        plan.steps.extend(other.steps.into_iter().filter(|step| step.action != Action::Unchanged));
        plan.more.extend(other.work);
    }
    plan.reasons.extend(told);
}
