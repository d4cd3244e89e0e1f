//! What the ledger's takes are good for: one in flight is gone on with, one that was kept back is published.

use super::ask::Ask;
use super::decide::{Deciding, Match, Start};
use super::difference::{Present, compare};
use super::outcome::{Action, Reason, ScenePlan, UNKNOWN};
use super::recorded::{Recorded, RecordedStep, is_alive};
use super::work::{StepStart, Work};
use crate::record::{Attempt, AttemptState, Take, TakeState};
use serde_json::Value as Json;

impl<'a> Deciding<'_, 'a> {
    /// An open take of this slot that was begun for another chain, of which everything that was sent is a step of this
    /// one too: an edit of a later step does not pay for the earlier ones again.
    pub(super) fn begun_take(&self) -> Option<&'a Take> {
        let begun = |take: &&&Take| {
            let sent =
                || take.attempts.iter().filter(|attempt| attempt.state != AttemptState::Forgotten);
            let is_under_way = |attempt: &Attempt| {
                !matches!(attempt.state, AttemptState::Downloaded | AttemptState::Failed)
            };
            take.state == TakeState::Open
                && !self.claimed.contains(&take.id)
                && sent().any(is_under_way)
                && {
                    let same = self.same_steps(take);
                    sent().all(|attempt| attempt.intent.step < same)
                }
        };
        self.history.takes(self.slot).iter().rev().find(begun).copied()
    }

    /// Whether going on with a begun take pays for fewer steps than going on from clips that are here.
    pub(super) fn spares(&self, take: &Take) -> bool {
        let sent = take.attempts.iter().filter(|attempt| attempt.state != AttemptState::Forgotten);
        let sent = sent.map(|attempt| attempt.intent.step + 1).max().unwrap_or(0);
        let limit = self.present.built.steps.len().saturating_sub(1);
        sent > self.reusable(limit).clips.len()
    }

    /// An open take is gone on with when something of it was sent, or when nothing else is there to compare with.
    pub(super) fn goes_on_with(&self, take: &Take) -> bool {
        match self.matched {
            // Published already by another take: only what may still yield a clip is worth collecting.
            Some(Match::Same { .. } | Match::Moved { .. }) => is_alive(take),
            _ => !take.attempts.is_empty(),
        }
    }

    /// The scene as one of its takes was asked for, where seeds tell takes apart and this is not the first.
    pub(super) fn as_asked(&self, ask: &Json) -> Option<Present> {
        let place = Ask::from_json(ask)?.place_among(&self.present.ask)?;
        if place == 0 { None } else { self.candidate(place) }
    }

    /// The scene as its take at `place`, from 0, is asked for.
    pub(super) fn candidate(&self, place: i64) -> Option<Present> {
        let ask = self.present.ask.for_candidate(place);
        let built = self.builder.build(&ask).ok()?;
        Some(Present { ask_json: ask.to_json(), ask, built, ..self.present.clone() })
    }

    /// Goes on with an open take of this very request, with the seed that it has.
    pub(super) fn go_on_as_asked(&self, take: &Take) -> ScenePlan {
        let own = self.as_asked(&take.ask);
        let present = own.as_ref().unwrap_or(self.present);
        Deciding { present, ..*self }.go_on(take, present.built.steps.len())
    }

    /// How many leading steps of a take are those of the present request.
    pub(super) fn same_steps(&self, take: &Take) -> usize {
        compare(self.builder, self.present, &Recorded::take(take)).same_steps
    }

    /// A finished take of the ledger that was never published, or whose manifest entry is gone: one of this slot, or one
    /// that was kept back under another id and that no scene has got since.
    pub(super) fn kept_take(&self) -> Option<(ScenePlan, &'a Take)> {
        let known = self.planning.known;
        let is_here = |take: &Take| self.last_clip(take).is_some_and(|sha256| known.has(&sha256));
        let own = self.history.takes(self.slot).iter().rev().copied().filter(|take| {
            matches!(take.state, TakeState::Kept | TakeState::Published) && is_here(take)
        });
        let others = self.kept.iter().rev().copied().filter(|take| {
            take.slot != *self.slot && !self.claimed.contains(&take.id) && is_here(take)
        });
        let take = own
            .chain(others)
            .find(|take| compare(self.builder, self.present, &Recorded::take(take)).same)?;
        let starts = self.starts_of_kept(take)?;
        let reasons = self.undo_reasons(&format!("take {}", take.number));
        let number = if take.slot == *self.slot { take.number } else { self.next_take() };
        let work = self.render_work(number, None, &starts);
        let plan =
            self.plan(Action::Restore, reasons, self.steps(&starts), Some(Work::Render(work)));
        Some((plan, take))
    }

    /// How the steps of a finished take start, whose last clip is here and which is just what is asked for now.
    pub(super) fn starts_of_kept(&self, take: &Take) -> Option<Vec<Start>> {
        let recorded = Recorded::take(take);
        let last = recorded.steps.last()?.clip.as_ref()?;
        let same = compare(self.builder, self.present, &recorded).same;
        if !same || !self.planning.known.has(&last.sha256) {
            return None;
        }
        let start = |step: &RecordedStep<'_>| {
            let clip = step.clip.clone()?;
            Some(Start { start: StepStart::Done(clip), action: Action::Restore })
        };
        recorded.steps.iter().map(start).collect()
    }

    fn last_clip(&self, take: &Take) -> Option<String> {
        Recorded::take(take).steps.last()?.clip.as_ref().map(|clip| clip.sha256.clone())
    }

    /// An open take whose first `same` steps are those of this very request; those after them are not of this take yet.
    pub(super) fn go_on(&self, take: &Take, same: usize) -> ScenePlan {
        let mut recorded = Recorded::take(take);
        recorded.steps.truncate(same);
        let paid = if self.matched.is_some() { Action::Update } else { Action::Create };
        let retaken = self.is_retaken();
        let mut starts: Vec<Start> = Vec::new();
        let mut reasons = Vec::new();
        let mut blocked = None;
        // What a later step was made from, or is being made from, is not needed again.
        let begun = recorded.steps.iter().rposition(is_begun).unwrap_or(0);
        for (index, step) in recorded.steps.iter().enumerate() {
            let so_far = starts.iter().all(|start| start.action == Action::Unchanged);
            let start = match (so_far, &step.clip, step.attempt) {
                (true, Some(clip), attempt) => match attempt {
                    Some(attempt) if index >= begun && !self.usable(index, clip) => {
                        Start { start: StepStart::Resume(attempt.id), action: Action::Resume }
                    }
                    _ => Start { start: StepStart::Done(clip.clone()), action: Action::Unchanged },
                },
                (true, None, Some(attempt)) => match attempt.state {
                    AttemptState::Submitted | AttemptState::Finished => {
                        Start { start: StepStart::Resume(attempt.id), action: Action::Resume }
                    }
                    AttemptState::Intent if attempt.intent.upgrade => {
                        Start { start: StepStart::Resume(attempt.id), action: Action::Resume }
                    }
                    AttemptState::Intent | AttemptState::Unknown => {
                        blocked = Some(self.unknown_reason(step));
                        Start { start: StepStart::Fresh, action: Action::Blocked }
                    }
                    AttemptState::Failed => {
                        let reason = failed_before(step);
                        let final_failure = attempt
                            .failure
                            .as_ref()
                            .is_some_and(|failure| !failure.class.may_repeat());
                        if final_failure && !retaken {
                            blocked = Some(reason);
                            Start { start: StepStart::Fresh, action: Action::Blocked }
                        } else {
                            reasons.push(reason);
                            Start { start: StepStart::Fresh, action: paid }
                        }
                    }
                    AttemptState::Downloaded | AttemptState::Forgotten => {
                        Start { start: StepStart::Fresh, action: paid }
                    }
                },
                _ => Start { start: StepStart::Fresh, action: paid },
            };
            starts.push(start);
        }
        let others = self.present.built.steps.iter().skip(starts.len());
        starts.extend(others.map(|_| Start { start: StepStart::Fresh, action: paid }));
        if let Some(reason) = blocked {
            for start in &mut starts {
                if start.action.is_paid() {
                    start.action = Action::Blocked;
                }
            }
            return self.plan(Action::Blocked, vec![reason], self.steps(&starts), None);
        }
        let resumes = starts.iter().any(|start| start.action == Action::Resume);
        let pays = starts.iter().any(|start| start.action.is_paid());
        let action = if pays && !resumes { paid } else { Action::Resume };
        if reasons.is_empty() {
            match self.matched {
                Some(Match::Changed { difference, .. }) => {
                    reasons.extend(difference.reasons.clone())
                }
                _ if pays && !resumes && self.matched.is_none() => {
                    reasons.push(Reason::new("never-rendered"))
                }
                _ => {}
            }
        }
        let work = self.render_work(take.number, Some(take), &starts);
        self.paid(action, reasons, starts, work)
    }

    fn unknown_reason(&self, step: &RecordedStep<'_>) -> Reason {
        let id = &self.scene.id;
        let detail = format!(
            "nobody can tell whether the provider accepted the `{}` that was sent; look at its web page, then \
             `storyreel adopt {id} --task ID` if it is there, or `storyreel forget {id}` to pay again",
            step.kind
        );
        Reason { step: Some(step.kind), ..Reason::because(UNKNOWN, detail) }
    }
}

/// True for a step with a clip, and for one that was sent and not given up.
fn is_begun(step: &RecordedStep<'_>) -> bool {
    let is_alive = |attempt: &Attempt| {
        !matches!(attempt.state, AttemptState::Failed | AttemptState::Forgotten)
    };
    step.clip.is_some() || step.attempt.is_some_and(is_alive)
}

fn failed_before(step: &RecordedStep<'_>) -> Reason {
    let failure = step.attempt.and_then(|attempt| attempt.failure.as_ref());
    let detail = match failure {
        Some(failure) if failure.class.may_repeat() => {
            format!("{}; tried again", sentence(&failure.message))
        }
        Some(failure) => format!(
            "{}; edit the scene, or ask again as it stands with `--retake`",
            sentence(&failure.message)
        ),
        None => "tried again".to_owned(),
    };
    Reason { step: Some(step.kind), ..Reason::because("failed-before", detail) }
}

/// The provider's words without the full stop at their end.
fn sentence(message: &str) -> &str {
    message.trim().trim_end_matches('.')
}
