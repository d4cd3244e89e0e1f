//! Stills before clips: the still of a scene is made and chosen first, and the clip waits for it where a gate says so.

use super::decide::{Decision, Match};
use super::outcome::{Action, Reason, ScenePlan};
use super::planner::Planning;
use super::work::{ClipRef, StepStart, Work};
use crate::record::Take;
use crate::storyboard::{Scene, StepKind};

/// What is done about the still of a scene's clip.
pub(super) struct Still<'a> {
    pub decision: Decision<'a>,
    /// The still that there is, or that is put back in this run at no cost.
    pub clip: Option<ClipRef>,
    /// The user has chosen it.
    pub approved: bool,
}

impl<'a> Still<'a> {
    /// Reads it off what was decided.
    pub fn of(decision: Decision<'a>, matched: Option<&Match<'a>>) -> Self {
        let made = |clip: &ClipRef| clip.clone();
        let clip = match &decision.plan.work {
            Some(Work::Render(work)) if !work.beside => {
                match &work.steps.last().map(|step| &step.start) {
                    Some(StepStart::Done(clip)) => Some(made(clip)),
                    _ => None,
                }
            }
            Some(Work::Restore(work)) => Some(made(&work.clip)),
            _ => matched.and_then(|matched| {
                let entry = matched.entry();
                Some(ClipRef {
                    sha256: entry.sha256.clone()?,
                    task_id: entry.task_id.clone(),
                    credits: entry.credits,
                    created_at: entry.created_at.clone(),
                })
            }),
        };
        let stands = matches!(decision.plan.action, Action::Unchanged | Action::Restore);
        let picked = matches!(matched, Some(Match::Same { entry, .. }) if entry.picked);
        Self { approved: stands && picked, decision, clip }
    }

    /// Whether it is made anew in this run.
    pub fn is_made_first(&self) -> bool {
        self.clip.is_none() && self.decision.plan.work.is_some()
    }
}

/// The plan of a scene whose run ends with the still. `own` leaves the clip as it is.
pub(super) fn without_clip<'a>(still: &mut Still<'a>, own: Decision<'a>) -> Decision<'a> {
    let Decision { plan, take, others, .. } = &mut still.decision;
    let mut all: Vec<&'a Take> = std::mem::take(others);
    all.extend(take.take());
    all.extend(own.take);
    let mut plan = plan.clone();
    plan.duration = own.plan.duration;
    Decision { others: all, ..Decision::new(plan) }
}

/// The plan of a scene whose still comes before its clip. `closed` holds the clip back until the still was chosen.
pub(super) fn with_clip<'a>(
    planning: &Planning<'_>,
    scene: &Scene,
    still: &mut Still<'a>,
    clip: Decision<'a>,
    closed: bool,
) -> Decision<'a> {
    let mut others: Vec<&'a Take> = std::mem::take(&mut still.decision.others);
    others.extend(still.decision.take);
    let mut decision = clip;
    let first = &mut still.decision.plan;
    let lacking = matches!(first.action, Action::Absent | Action::Blocked);
    let holds = closed && pays(&decision.plan);
    if holds || (lacking && pays(&decision.plan)) {
        let reason = match first.reasons.first() {
            Some(reason) if lacking => reason.clone(),
            _ => gate_reason(planning, scene, first),
        };
        hold_back(&mut decision.plan, reason);
        decision.take = None;
        decision.redirected = None;
        decision.others.clear();
    }
    let plan = &mut decision.plan;
    let has_work = first.work.is_some() || !first.more.is_empty();
    if has_work || holds {
        let clip_steps = std::mem::take(&mut plan.steps);
        plan.steps = std::mem::take(&mut first.steps);
        plan.steps.extend(clip_steps.into_iter().filter(|step| step.step != StepKind::Keyframe));
    }
    if has_work {
        // With the still there is something to do, whether the clip waits for it or stays as it is.
        if matches!(plan.action, Action::Blocked | Action::Unchanged) {
            plan.action = first.action;
            plan.reasons.splice(0..0, std::mem::take(&mut first.reasons));
        }
        plan.more.extend(first.work.take());
        plan.more.append(&mut first.more);
    }
    plan.notes.append(&mut first.notes);
    decision.others.extend(others);
    decision
}

fn pays(plan: &ScenePlan) -> bool {
    plan.steps.iter().any(|step| step.action.is_paid())
}

fn hold_back(plan: &mut ScenePlan, reason: Reason) {
    for step in plan.steps.iter_mut().filter(|step| step.action.is_paid()) {
        step.action = Action::Blocked;
    }
    plan.action = Action::Blocked;
    plan.reasons = vec![reason];
    plan.work = None;
    plan.more.clear();
}

/// What the user is to do before the clip is made.
fn gate_reason(planning: &Planning<'_>, scene: &Scene, still: &ScenePlan) -> Reason {
    let id = &scene.id;
    let detail = match &still.filename {
        Some(filename) if still.work.is_none() => {
            let root = planning.assets_root.file_name().unwrap_or_default().to_string_lossy();
            format!(
                "look at `{root}/{filename}`; `storyreel pick {id} --step keyframe` lists its takes, and with the number of one \
                 it is chosen"
            )
        }
        _ => "its still is made first".to_owned(),
    };
    Reason { step: Some(StepKind::Keyframe), ..Reason::because("gate", detail) }
}
