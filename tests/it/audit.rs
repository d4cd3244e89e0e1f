//! The judge of whole films: holds the provider's bill against the ledger, slot by slot and credit by credit.
//!
//! The emulator's own judge sees requests only. This one also knows which scene, request and take each of them was for.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use storyreel::emulator::bill::{Bill, Create, State, Upgrade};
use storyreel::ledger::{Attempt, AttemptId, AttemptState, Failure, FailureClass, Take, TakeState};

/// What is held against each other, and what a test knows besides.
pub(crate) struct Books<'a> {
    /// What the provider was asked for and what it charged.
    pub bill: &'a Bill,
    /// What the ledger holds.
    pub takes: &'a [Take],
    /// The sum that the ledger says is still reserved.
    pub outstanding: f64,
    /// Unknown submissions that were given up by a person, whatever became of them.
    pub given_up: &'a BTreeSet<AttemptId>,
    /// True where runs may still have work to do: finished tasks may then wait to be collected.
    pub unfinished: bool,
}

/// Everything that is wrong, in words.
pub(crate) fn audit(books: &Books<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let owners = owners(books, &mut found);
    paid_once(books, &owners, &mut found);
    finished_is_taken(books, &owners, &mut found);
    settled(books, &owners, &mut found);
    reserved(books, &mut found);
    found
}

fn attempts<'a>(books: &Books<'a>) -> impl Iterator<Item = (&'a Take, &'a Attempt)> {
    books.takes.iter().flat_map(|take| take.attempts.iter().map(move |attempt| (take, attempt)))
}

fn is_living(attempt: &Attempt) -> bool {
    !matches!(attempt.state, AttemptState::Failed | AttemptState::Forgotten)
}

/// True where a task was looked for when the provider keeps nothing of it any more: whether it was the submission's own
/// can be known by nobody then.
fn came_too_late(attempt: &Attempt) -> bool {
    const KEPT_MS: i64 = 14 * 86_400_000;
    let lost = |failure: &Failure| failure.class == FailureClass::Lost;
    attempt.failure.as_ref().is_some_and(lost) && attempt.changed_ms - attempt.created_ms > KEPT_MS
}

fn creates(bill: &Bill) -> impl Iterator<Item = (&str, &Create)> {
    bill.creates.iter().filter_map(|create| Some((create.task_id.as_deref()?, create)))
}

/// The attempt of each task; a task belongs to one submission.
fn owners<'a>(
    books: &Books<'a>,
    found: &mut Vec<String>,
) -> BTreeMap<&'a str, (&'a Take, &'a Attempt)> {
    let mut owners = BTreeMap::new();
    for (take, attempt) in attempts(books).filter(|(_, attempt)| !attempt.intent.upgrade) {
        let Some(task) = attempt.task_id.as_deref() else { continue };
        if let Some((_, first)) = owners.insert(task, (take, attempt)) {
            found.push(format!("task {task} is on record for {:?} and {:?}", first.id, attempt.id));
        }
        match creates(books.bill).find(|(id, _)| *id == task) {
            None => found.push(format!("task {task} of {:?} was never made", attempt.id)),
            Some((_, create)) if create.body != attempt.intent.bound && !came_too_late(attempt) => {
                found.push(format!(
                    "task {task} was made for {} and is on record for {}",
                    create.body, attempt.intent.bound
                ));
            }
            Some(_) => {}
        }
    }
    owners
}

/// At most one task for each slot, request and take; what is not on record is unknown or was given up.
fn paid_once(
    books: &Books<'_>,
    owners: &BTreeMap<&str, (&Take, &Attempt)>,
    found: &mut Vec<String>,
) {
    let mut paid: BTreeMap<(&str, usize, &str), Vec<&str>> = BTreeMap::new();
    for (task, create) in creates(books.bill).filter(|(_, create)| create.state != State::Failed) {
        if let Some((take, attempt)) = owners.get(task)
            && is_living(attempt)
        {
            let key = (take.slot.scene.as_str(), attempt.intent.step, create.asks.as_str());
            paid.entry(key).or_default().push(task);
        }
    }
    for ((scene, step, _), tasks) in paid.into_iter().filter(|(_, tasks)| tasks.len() > 1) {
        found.push(format!("step {step} of {scene} was paid {} times: {tasks:?}", tasks.len()));
    }
    let mut unrecorded: Vec<(&Value, usize)> = Vec::new();
    for (task, create) in creates(books.bill) {
        if owners.contains_key(task) {
            continue;
        }
        match unrecorded.iter_mut().find(|(body, _)| **body == create.body) {
            Some((_, tasks)) => *tasks += 1,
            None => unrecorded.push((&create.body, 1)),
        }
    }
    for (body, tasks) in unrecorded {
        let explained = attempts(books)
            .filter(|(_, attempt)| attempt.intent.bound == *body)
            .filter(|(_, attempt)| {
                attempt.state == AttemptState::Unknown
                    || books.given_up.contains(&attempt.id)
                    || came_too_late(attempt)
            })
            .count();
        if tasks > explained {
            found.push(format!(
                "{tasks} tasks for {body} are not on record, and {explained} submissions are unknown or given up"
            ));
        }
    }
    for (take, attempt) in attempts(books) {
        if attempt.state != AttemptState::Unknown {
            continue;
        }
        let repeated = take
            .attempts
            .iter()
            .any(|other| other.id.0 > attempt.id.0 && other.intent.step == attempt.intent.step);
        if repeated {
            found.push(format!("the unknown submission {:?} was repeated", attempt.id));
        }
    }
}

/// Every finished task's clip is here, and the last clip of a take is published or kept.
fn finished_is_taken(
    books: &Books<'_>,
    owners: &BTreeMap<&str, (&Take, &Attempt)>,
    found: &mut Vec<String>,
) {
    if books.unfinished {
        return;
    }
    for (task, create) in creates(books.bill) {
        let Some((take, attempt)) = owners.get(task) else { continue };
        if create.state != State::Succeeded || !create.result_shown {
            continue;
        }
        // A clip that cannot be had, for reasons that are on record, is told to the user as a failure.
        let told = attempt.state == AttemptState::Failed
            || attempt.state == AttemptState::Finished && take.state == TakeState::Open;
        if attempt.state != AttemptState::Downloaded && !told {
            found.push(format!("task {task} is finished, and its attempt is {:?}", attempt.state));
        }
    }
    for take in books.takes {
        let last = take.attempts.iter().rfind(|attempt| is_living(attempt));
        let done = last.is_some_and(|attempt| {
            attempt.state == AttemptState::Downloaded && attempt.intent.step + 1 == take.steps.len()
        });
        if done && !matches!(take.state, TakeState::Published | TakeState::Kept) {
            found.push(format!("{:?} is done, and it is {:?}", take.id, take.state));
        }
    }
}

/// What an attempt counts as, in credits, once it is over; `None` while it is not.
fn counted(attempt: &Attempt) -> Option<f64> {
    match attempt.state {
        AttemptState::Downloaded | AttemptState::Finished => {
            attempt.charged.or(attempt.intent.reserved)
        }
        // What was reported as a success without a result was paid for, as far as anybody knows.
        AttemptState::Failed => Some(attempt.charged.unwrap_or_else(|| {
            let lost = attempt.failure.as_ref().is_some_and(|f| f.class == FailureClass::Lost);
            if lost { attempt.intent.reserved.unwrap_or(0.0) } else { 0.0 }
        })),
        _ => None,
    }
}

/// Reservations are settled to the credit: what the ledger counts is what the provider kept.
fn settled(books: &Books<'_>, owners: &BTreeMap<&str, (&Take, &Attempt)>, found: &mut Vec<String>) {
    // A provider that charges something else than its price list, or for a failure, without telling, is found out by
    // the balance only.
    let odd =
        |create: &Create| create.faults.iter().any(|fault| fault == "price" || fault == "fail");
    for (task, create) in creates(books.bill).filter(|(_, create)| !odd(create)) {
        let Some((_, attempt)) = owners.get(task) else { continue };
        if create.body != attempt.intent.bound && came_too_late(attempt) {
            continue;
        }
        let kept = if create.refunded { 0.0 } else { create.price };
        match counted(attempt) {
            Some(counted) if (counted - kept).abs() > 1e-6 => found.push(format!(
                "task {task} cost {kept} and {:?} ({:?}) counts it as {counted}",
                attempt.id, attempt.state
            )),
            _ => {}
        }
    }
    for upgrade in books.bill.upgrades.iter().filter(|upgrade| upgrade.state == State::Succeeded) {
        // What was refused at first, and asked for again, counts once in all.
        let counted: Option<Vec<f64>> = attempts(books)
            .filter(|(_, attempt)| is_of(attempt, upgrade))
            .map(|(_, attempt)| counted(attempt))
            .collect();
        let counted = counted.filter(|counted| !counted.is_empty());
        match counted.map(|counted| counted.iter().sum::<f64>()) {
            Some(counted) if (counted - upgrade.price).abs() > 1e-6 => found.push(format!(
                "{} of {} cost {} and counts as {counted}",
                upgrade.operation, upgrade.task_id, upgrade.price
            )),
            _ => {}
        }
    }
}

fn is_of(attempt: &Attempt, upgrade: &Upgrade) -> bool {
    attempt.intent.upgrade
        && attempt.intent.bound["taskId"] == upgrade.task_id.as_str()
        && upgrade.operation == format!("veo-{}", attempt.intent.operation)
}

fn reserved(books: &Books<'_>, found: &mut Vec<String>) {
    let open = |attempt: &Attempt| {
        matches!(
            attempt.state,
            AttemptState::Intent
                | AttemptState::Submitted
                | AttemptState::Finished
                | AttemptState::Unknown
        )
    };
    let sum: f64 = attempts(books)
        .filter(|(_, attempt)| open(attempt))
        .filter_map(|(_, attempt)| attempt.intent.reserved)
        .sum();
    if (sum - books.outstanding).abs() > 1e-6 {
        found.push(format!("{} credits are said to be reserved, {sum} are", books.outstanding));
    }
}
