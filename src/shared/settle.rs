//! What a ledger and a shared cache tell each other when nothing runs: what the others were not told yet, what they have
//! found out about submissions that are unknown here, and clips that they do not have.

use super::record::work_of;
use crate::ledger::{
    Attempt, AttemptState, Failure, FailureClass, Ledger, LedgerError, Snapshot, TakeState,
};
use crate::ports::{Claim, Claimed, News, SharedCache};
use crate::record::ClipRecord;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Why the two could not be brought together.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The shared cache cannot.
    #[error("{0}")]
    Shared(String),
}

/// Tells the others what they were not told, and takes in what they found out. To be called under the project's lock and
/// after [`Ledger::recover`].
///
/// # Errors
/// A ledger or a shared cache that cannot be used. What was told or recorded until then stays.
pub async fn settle(
    ledger: &mut dyn Ledger,
    shared: &dyn SharedCache,
    now_ms: i64,
) -> Result<(), SettleError> {
    let mut snapshot = ledger.snapshot()?;
    if announce(ledger, shared, &snapshot).await? {
        snapshot = ledger.snapshot()?;
    }
    let untold = ledger.untold()?;
    let attempts: HashMap<_, &Attempt> = snapshot
        .takes
        .iter()
        .flat_map(|take| &take.attempts)
        .map(|attempt| (attempt.id, attempt))
        .collect();
    for id in untold {
        let Some(attempt) = attempts.get(&id) else { continue };
        let Some(place) = attempt.intent.claim_place() else { continue };
        let clip = attempt
            .clip
            .as_deref()
            .and_then(|sha256| snapshot.clips.iter().find(|clip| clip.sha256 == sha256).cloned());
        let Some(news) = news_of(attempt, clip) else { continue };
        shared.tell(place, news).await.map_err(SettleError::Shared)?;
        ledger.told(id, attempt.state)?;
    }
    let unknown = attempts.values().filter(|attempt| attempt.state == AttemptState::Unknown);
    for attempt in unknown {
        let Some(place) = attempt.intent.claim_place() else { continue };
        let news = shared.hear(place).await.map_err(SettleError::Shared)?;
        take_in(ledger, attempt, news, now_ms)?;
    }
    Ok(())
}

/// Claims what is at the provider and was never claimed: it was sent before there was a shared cache, or was adopted.
/// True where something was noted in the ledger.
async fn announce(
    ledger: &mut dyn Ledger,
    shared: &dyn SharedCache,
    snapshot: &Snapshot,
) -> Result<bool, SettleError> {
    let mut noted = false;
    let open = snapshot.takes.iter().filter(|take| take.state == TakeState::Open);
    for (take, attempt) in open.flat_map(|take| take.attempts.iter().map(move |one| (take, one))) {
        let intent = &attempt.intent;
        let is_there = matches!(attempt.state, AttemptState::Submitted | AttemptState::Finished);
        if !is_there || intent.claim.is_some() {
            continue;
        }
        let claim = Claim {
            slot: take.slot.clone(),
            fingerprint: intent.fingerprint.clone(),
            by: super::new_id(),
            known: BTreeSet::new(),
            tasks: Arc::default(),
            document: work_of(&take.slot, take.number, &take.ask, &take.steps, intent),
        };
        // Where others have sent the same, both are paid for by now, and theirs is the one that others follow.
        if let Claimed::Ours { place } = shared.claim(claim).await.map_err(SettleError::Shared)? {
            ledger.claimed(attempt.id, &place)?;
            noted = true;
        }
    }
    Ok(noted)
}

/// What there is to tell of an attempt. A clip that the others cannot have yet is told as its task.
fn news_of(attempt: &Attempt, clip: Option<ClipRecord>) -> Option<News> {
    let task_id = attempt.task_id.clone();
    let failure = || {
        attempt.failure.clone().unwrap_or_else(|| Failure {
            class: FailureClass::Other,
            code: None,
            message: "nothing more is on record".to_owned(),
        })
    };
    Some(match attempt.state {
        AttemptState::Intent => return None,
        AttemptState::Submitted | AttemptState::Finished => News::Submitted { task_id },
        AttemptState::Downloaded => match clip {
            Some(clip) if !attempt.urls.is_empty() => {
                News::Done { task_id, urls: attempt.urls.clone(), charged: attempt.charged, clip }
            }
            _ => News::Submitted { task_id },
        },
        AttemptState::Failed => News::Failed { failure: failure(), charged: attempt.charged },
        AttemptState::Unknown => News::Unknown { failure: failure() },
        AttemptState::Forgotten => News::Forgotten,
    })
}

/// Records what another machine knows of a submission that is unknown here.
fn take_in(
    ledger: &mut dyn Ledger,
    attempt: &Attempt,
    news: News,
    now_ms: i64,
) -> Result<(), LedgerError> {
    match news {
        News::Submitted { task_id: Some(task) } | News::Done { task_id: Some(task), .. } => {
            ledger.submitted(attempt.id, Some(&task), now_ms)
        }
        News::Forgotten => ledger.forgotten(attempt.id, now_ms),
        News::Failed { failure, charged } => ledger.failed(attempt.id, &failure, charged, now_ms),
        _ => Ok(()),
    }
}
