//! What was rendered before, from the manifest or from the ledger, in one form.

use super::work::ClipRef;
use crate::manifest::AssetEntry;
use crate::record::{Attempt, AttemptState, Take, TakeState};
use crate::storyboard::StepKind;
use serde_json::{Map, Value as Json};

/// A rendered (or half rendered) version of a scene.
pub(super) struct Recorded<'a> {
    /// The ask it was made for; null in entries of other tools.
    pub ask: &'a Json,
    /// Asks that the author accepted the clip for.
    pub accepted: &'a [Json],
    /// What other tools record, for an entry without an ask.
    pub foreign: Option<Foreign<'a>>,
    /// Its steps.
    pub steps: Vec<RecordedStep<'a>>,
    /// It is finished and stands in the manifest.
    pub published: bool,
}

/// What every tool writes into an entry.
pub(super) struct Foreign<'a> {
    pub prompt: &'a str,
    pub model: &'a str,
    pub parameters: &'a Map<String, Json>,
}

/// One step of it.
pub(super) struct RecordedStep<'a> {
    pub kind: StepKind,
    /// Parts as recorded; none in the ledger, where only the ask is kept.
    pub parts: Option<&'a Map<String, Json>>,
    /// The prompt that was sent.
    pub prompt: Option<&'a str>,
    /// Its clip, once it has one.
    pub clip: Option<ClipRef>,
    /// The operation or upgrade that made it: an upgrade can rule out what follows.
    pub operation: Option<&'a str>,
    /// The ledger's latest attempt.
    pub attempt: Option<&'a Attempt>,
}

impl<'a> Recorded<'a> {
    /// From a manifest entry.
    pub fn entry(entry: &'a AssetEntry) -> Self {
        let mut steps: Vec<RecordedStep<'_>> = entry
            .steps
            .iter()
            .map(|step| RecordedStep {
                kind: step.step,
                parts: known(&step.parts),
                prompt: step.parts.get("prompt").and_then(Json::as_str),
                clip: step.sha256.clone().map(|sha256| ClipRef {
                    sha256,
                    task_id: step.task_id.clone(),
                    credits: step.credits,
                    created_at: step.created_at.clone().or_else(|| entry.created_at.clone()),
                }),
                operation: step.operation.as_deref(),
                attempt: None,
            })
            .collect();
        if steps.is_empty() {
            steps.push(RecordedStep {
                kind: StepKind::Generate,
                parts: known(&entry.parts),
                prompt: entry.parts.get("prompt").and_then(Json::as_str),
                clip: entry.sha256.clone().map(|sha256| ClipRef {
                    sha256,
                    task_id: entry.task_id.clone(),
                    credits: entry.credits,
                    created_at: entry.created_at.clone(),
                }),
                operation: None,
                attempt: None,
            });
        }
        let foreign = entry.ask.is_null().then_some(Foreign {
            prompt: &entry.prompt,
            model: &entry.model,
            parameters: &entry.parameters,
        });
        Self { ask: &entry.ask, accepted: &entry.accepted, foreign, steps, published: true }
    }

    /// From a take of the ledger.
    pub fn take(take: &'a Take) -> Self {
        let steps = take.steps.iter().enumerate().map(|(index, kind)| {
            let attempt = latest_attempt(take, index);
            let reused = take.reused.iter().find(|(step, ..)| *step == index);
            let clip = match (reused, attempt) {
                (Some((_, sha256, task_id)), _) => Some(ClipRef {
                    sha256: sha256.clone(),
                    task_id: task_id.clone(),
                    credits: None,
                    created_at: None,
                }),
                (None, Some(attempt)) if attempt.state == AttemptState::Downloaded => {
                    attempt.clip.clone().map(|sha256| ClipRef {
                        sha256,
                        task_id: attempt.task_id.clone(),
                        credits: attempt.charged.or(attempt.intent.reserved),
                        created_at: jiff::Timestamp::from_millisecond(attempt.created_ms)
                            .ok()
                            .map(|time| time.to_string()),
                    })
                }
                _ => None,
            };
            let operation = attempt.map(|attempt| attempt.intent.operation.as_str());
            let prompt = attempt.and_then(|attempt| prompt_in(&attempt.intent.request));
            RecordedStep { kind: *kind, parts: None, prompt, clip, operation, attempt }
        });
        Self {
            ask: &take.ask,
            accepted: &[],
            foreign: None,
            steps: steps.collect(),
            published: false,
        }
    }
}

/// Parts that were recorded; an entry without any says nothing of them.
fn known(parts: &Map<String, Json>) -> Option<&Map<String, Json>> {
    (!parts.is_empty()).then_some(parts)
}

/// The prompt in a request's body, at whatever depth the family puts it.
fn prompt_in(body: &Json) -> Option<&str> {
    let map = body.as_object()?;
    let own = map.get("prompt").and_then(Json::as_str);
    own.or_else(|| map.values().find_map(prompt_in))
}

/// The attempt that counts for a step: the last that was not given up.
pub(super) fn latest_attempt(take: &Take, step: usize) -> Option<&Attempt> {
    take.attempts
        .iter()
        .rev()
        .find(|attempt| attempt.intent.step == step && attempt.state != AttemptState::Forgotten)
}

/// True when something of the take was sent (or may have been) and is worth keeping in mind.
pub(super) fn is_alive(take: &Take) -> bool {
    matches!(take.state, TakeState::Open | TakeState::Publishing)
        && take
            .attempts
            .iter()
            .any(|attempt| !matches!(attempt.state, AttemptState::Forgotten | AttemptState::Failed))
}
