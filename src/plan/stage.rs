//! What comes before clips: the still of a scene is made and chosen first, and the clip waits for it where a gate says so;
//! its voice is made first, so that one that is too long is found out before any clip is paid for.

use super::ask::number;
use super::decide::{Decision, Match};
use super::outcome::{Action, Reason, ScenePlan, StepPlan};
use super::planner::Planning;
use super::work::{ClipRef, StepStart, Work};
use crate::manifest::Media;
use crate::record::Take;
use crate::storyboard::{Scene, StepKind};

/// A voice may be so much longer than its scene, in seconds: nobody hears it, and lengths are rounded.
pub const VOICE_MARGIN: f64 = 0.1;

/// What is done about the still, or the voice, of a scene's clip.
pub(super) struct Before<'a> {
    pub decision: Decision<'a>,
    /// The still or voice that there is, or that is put back in this run at no cost.
    pub clip: Option<ClipRef>,
    /// The user has chosen it.
    pub approved: bool,
    /// How long it is, in seconds, where that is known.
    seconds: Option<f64>,
}

impl<'a> Before<'a> {
    /// Reads it off what was decided.
    pub fn of(decision: Decision<'a>, matched: Option<&Match<'a>>) -> Self {
        let made = |clip: &ClipRef| clip.clone();
        let same = matched.and_then(Match::same).or(decision.republished);
        let clip = match &decision.plan.work {
            Some(Work::Render(work)) if !work.beside => {
                match &work.steps.last().map(|step| &step.start) {
                    Some(StepStart::Done(clip)) => Some(made(clip)),
                    _ => None,
                }
            }
            Some(Work::Restore(work)) => Some(made(&work.clip)),
            _ => same.and_then(|entry| {
                Some(ClipRef {
                    sha256: entry.sha256.clone()?,
                    task_id: entry.task_id.clone(),
                    credits: entry.credits,
                    created_at: entry.created_at.clone(),
                })
            }),
        };
        let stands = matches!(decision.plan.action, Action::Unchanged | Action::Restore);
        let picked = same.is_some_and(|entry| entry.picked);
        let seconds = same.and_then(|entry| Some(entry.probe.as_ref()?.duration));
        Self { approved: stands && picked, decision, clip, seconds }
    }

    /// Its content, where there is one already.
    pub fn sha256(&self) -> Option<String> {
        self.clip.as_ref().map(|clip| clip.sha256.clone())
    }

    /// Why a clip of so many seconds in the film is not made with this voice.
    pub fn too_long(&self, film: Option<f64>) -> Option<Reason> {
        let (voice, film) = (self.seconds?, film?);
        (voice > film + VOICE_MARGIN).then(|| {
            let detail = format!(
                "the voice takes {} s and the scene has {} s: make the scene longer, or its words shorter",
                hundredths(voice),
                number(film)
            );
            Reason { step: Some(StepKind::Voice), ..Reason::because("voice-too-long", detail) }
        })
    }

    /// Whether it is made anew in this run.
    pub fn is_made_first(&self) -> bool {
        self.clip.is_none() && self.decision.plan.work.is_some()
    }
}

/// The plan of a scene whose run ends with the still. `own` leaves the clip as it is.
pub(super) fn without_clip<'a>(still: &mut Before<'a>, own: Decision<'a>) -> Decision<'a> {
    let Decision { plan, take, others, .. } = &mut still.decision;
    let mut all: Vec<&'a Take> = std::mem::take(others);
    all.extend(take.take());
    all.extend(own.take);
    let mut plan = plan.clone();
    plan.duration = own.plan.duration;
    Decision { others: all, ..Decision::new(plan) }
}

/// The plan of a scene with what comes before its clip, which is the step `kind`. `closed` says why the clip waits.
pub(super) fn with_clip<'a>(
    before: &mut Before<'a>,
    kind: StepKind,
    mut decision: Decision<'a>,
    closed: Option<Reason>,
) -> Decision<'a> {
    let mut others: Vec<&'a Take> = std::mem::take(&mut before.decision.others);
    others.extend(before.decision.take);
    let first = &mut before.decision.plan;
    let lacking = matches!(first.action, Action::Absent | Action::Blocked);
    let why = if lacking { first.reasons.first().cloned() } else { closed };
    let holds = why.is_some() && pays(&decision.plan);
    if let Some(reason) = why.filter(|_| holds) {
        hold_back(&mut decision.plan, reason);
        decision.take = None;
        decision.redirected = None;
        decision.others.clear();
    }
    let plan = &mut decision.plan;
    let has_work = first.work.is_some() || !first.more.is_empty();
    // A still is one of the clip's own steps; it is told apart where something is done about it.
    if has_work || holds || kind == StepKind::Voice {
        let clip_steps = std::mem::take(&mut plan.steps);
        plan.steps = std::mem::take(&mut first.steps);
        plan.steps.extend(clip_steps.into_iter().filter(|step| step.step != kind));
    }
    if has_work {
        // There is something to do, whether the clip waits for it or stays as it is.
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
    let of_clip = |step: &&mut StepPlan| step.action.is_paid() && step.step != StepKind::Voice;
    for step in plan.steps.iter_mut().filter(of_clip) {
        step.action = Action::Blocked;
    }
    plan.work = None;
    // A voice that comes before the clip, too, does not wait for its still.
    plan.more.retain(|work| matches!(work, Work::Render(work) if work.makes() == Media::Audio));
    if plan.more.is_empty() {
        plan.action = Action::Blocked;
        plan.reasons = vec![reason];
    } else {
        plan.reasons.push(reason);
    }
}

/// What the user is to do before the clip is made.
pub(super) fn gate_reason(planning: &Planning<'_>, scene: &Scene, still: &Before<'_>) -> Reason {
    let still = &still.decision.plan;
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

/// A length as it is told.
fn hundredths(seconds: f64) -> serde_json::Value {
    number((seconds * 100.0).round() / 100.0)
}
