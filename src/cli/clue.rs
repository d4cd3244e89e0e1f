//! What the account's balance says about submissions whose outcome is unknown.

use crate::ledger::{Attempt, AttemptState, BalanceRecord, Take};
use crate::report::trimmed;
use serde_json::{Value, json};

/// Smaller differences are rounding.
const ROUNDING: f64 = 0.01;

/// The balance before the first unknown submission, the balance now, and what lies between them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Clue {
    /// The last balance before the first of them.
    pub before: BalanceRecord,
    /// The balance now; `None` where it could not be asked for.
    pub now: Option<f64>,
    /// What this project's other tasks took since.
    pub explained: f64,
    /// What the unknown submissions cost, if all of them were accepted; `None` when a price is not known.
    pub price: Option<f64>,
    /// What each of them costs, where they all cost the same.
    each: Option<f64>,
    /// How many they are.
    count: usize,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    /// Just what they cost is gone.
    Charged,
    /// What so many of them cost is gone.
    SomeCharged(usize),
    /// Nothing is gone that is not explained.
    NotCharged,
    /// So much is gone for reasons that are not on record here.
    Unclear(f64),
    /// The balance now is not known.
    Silent,
}

impl Clue {
    /// `None` where nothing is unknown, or no balance was ever on record before it.
    pub fn of(takes: &[Take], balances: &[BalanceRecord], now: Option<f64>) -> Option<Self> {
        let attempts = || takes.iter().flat_map(|take| &take.attempts);
        let unknown: Vec<&Attempt> = attempts().filter(|attempt| is_unknown(attempt)).collect();
        let first = unknown.iter().map(|attempt| attempt.created_ms).min()?;
        let provider = &unknown.first()?.intent.provider;
        let before = balances
            .iter()
            .rfind(|balance| balance.at_ms <= first && balance.provider == *provider)?
            .clone();
        let explained = attempts()
            .filter(|attempt| !is_unknown(attempt))
            .map(|attempt| taken_since(attempt, before.at_ms))
            .sum();
        let price = unknown.iter().map(|attempt| attempt.intent.reserved).sum();
        let each = unknown.first()?.intent.reserved.filter(|each| {
            *each > 0.0 && unknown.iter().all(|attempt| attempt.intent.reserved == Some(*each))
        });
        Some(Self { before, now, explained, price, each, count: unknown.len() })
    }

    /// What follows from it.
    pub fn verdict(&self) -> Verdict {
        let Some(now) = self.now else { return Verdict::Silent };
        let gone = self.before.credits - now - self.explained;
        if gone.abs() < ROUNDING {
            Verdict::NotCharged
        } else if self.price.is_some_and(|price| (gone - price).abs() < ROUNDING) {
            Verdict::Charged
        } else {
            let some = (1..self.count).find(|some| {
                #[expect(clippy::cast_precision_loss, reason = "a number of submissions")]
                let wanted = self.each.map(|each| each * *some as f64);
                wanted.is_some_and(|wanted| (gone - wanted).abs() < ROUNDING)
            });
            some.map_or(Verdict::Unclear(gone), Verdict::SomeCharged)
        }
    }

    /// One or two sentences for people.
    pub fn words(&self) -> String {
        let before = trimmed(self.before.credits, 2);
        let Some(now) = self.now else {
            return format!(
                "before it the balance was {before} credits; with a key and a connection `status` compares it with now"
            );
        };
        let now = trimmed(now, 2);
        let compared = format!("the balance was {before} credits before it and is {now} now");
        let own = trimmed(self.explained, 2);
        match self.verdict() {
            Verdict::Charged => format!(
                "{compared}: besides the {own} of other tasks just the price of {} is gone, so {} most likely accepted",
                if self.count == 1 { "it" } else { "all of these" },
                if self.count == 1 { "it was" } else { "they were" },
            ),
            Verdict::SomeCharged(some) => format!(
                "{compared}: besides the {own} of other tasks the price of {some} of these {} is gone, so that many were most likely accepted",
                self.count
            ),
            Verdict::NotCharged => format!(
                "{compared}: the {own} of other tasks explain that, so {} most likely not accepted",
                if self.count == 1 { "it was" } else { "they were" },
            ),
            Verdict::Unclear(gone) if gone > 0.0 => format!(
                "{compared}: {} credits are gone that no task of this project explains; other use of the account counts there, too",
                trimmed(gone, 2)
            ),
            Verdict::Unclear(gone) => format!(
                "{compared}: {} credits more than this project's tasks explain; the account was topped up or something was refunded",
                trimmed(-gone, 2)
            ),
            Verdict::Silent => compared,
        }
    }

    /// The same for programs.
    pub fn to_json(&self) -> Value {
        let verdict = match self.verdict() {
            Verdict::Charged => "charged",
            Verdict::SomeCharged(_) => "some-charged",
            Verdict::NotCharged => "not-charged",
            Verdict::Unclear(_) => "unclear",
            Verdict::Silent => "not-asked",
        };
        json!({
            "before": self.before.credits,
            "before_at": crate::report::json::time(self.before.at_ms),
            "now": self.now,
            "explained": self.explained,
            "unknown_price": self.price,
            "verdict": verdict,
        })
    }
}

/// True for a submission of which nobody knows whether it was accepted. An intent that a killed run left behind is found
/// to be one by the next run.
pub(super) fn is_unknown(attempt: &Attempt) -> bool {
    attempt.state == AttemptState::Unknown
        || attempt.state == AttemptState::Intent && !attempt.intent.upgrade
}

/// What an attempt took from the balance since that moment; negative for what came back.
fn taken_since(attempt: &Attempt, since_ms: i64) -> f64 {
    let reserved = attempt.intent.reserved.unwrap_or(0.0);
    let before = if attempt.created_ms < since_ms { reserved } else { 0.0 };
    match attempt.state {
        AttemptState::Submitted | AttemptState::Finished | AttemptState::Downloaded => {
            attempt.charged.unwrap_or(reserved) - before
        }
        // A failed task's credits come back, before that moment or after it.
        AttemptState::Failed if attempt.changed_ms < since_ms => 0.0,
        // Without a task there was nothing to pay for.
        AttemptState::Failed if attempt.task_id.is_none() && !attempt.intent.upgrade => 0.0,
        AttemptState::Failed => attempt.charged.unwrap_or(0.0) - before,
        AttemptState::Intent | AttemptState::Unknown | AttemptState::Forgotten => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{AttemptId, Intent, Slot, TakeId, TakeState};
    use crate::storyboard::StepKind;

    fn attempt(state: AttemptState, created_ms: i64, price: f64) -> Attempt {
        Attempt {
            id: AttemptId(created_ms),
            intent: Intent {
                take: TakeId(1),
                step: 0,
                kind: StepKind::Generate,
                model_id: "veo3_fast".into(),
                provider: "kie".into(),
                family: "veo".into(),
                operation: "generate".into(),
                upgrade: false,
                endpoint: "POST /x".into(),
                fingerprint: "sha256:1".into(),
                request: Value::Null.into(),
                bound: Value::Null.into(),
                reserved: Some(price),
                claim: None,
            },
            state,
            task_id: (state != AttemptState::Unknown).then(|| "task".into()),
            urls: Vec::new(),
            clip: None,
            failure: None,
            charged: None,
            created_ms,
            changed_ms: created_ms,
        }
    }

    fn clue(attempts: Vec<Attempt>, now: Option<f64>) -> Option<Clue> {
        let take = Take {
            id: TakeId(1),
            slot: Slot { storyboard: String::new(), variant: String::new(), scene: "1".into() },
            number: 1,
            ask: Value::Null.into(),
            steps: vec![StepKind::Generate],
            reused: Vec::new(),
            state: TakeState::Open,
            attempts,
            created_ms: 0,
        };
        let balance = |at_ms, credits| BalanceRecord { provider: "kie".into(), at_ms, credits };
        Clue::of(&[take], &[balance(5, 900.0), balance(10, 1000.0), balance(99, 1.0)], now)
    }

    #[test]
    fn the_balance_tells_whether_an_unknown_submission_was_charged() {
        let tasks = || {
            vec![
                attempt(AttemptState::Downloaded, 7, 60.0),
                attempt(AttemptState::Unknown, 20, 60.0),
                attempt(AttemptState::Downloaded, 21, 120.0),
                attempt(AttemptState::Failed, 22, 500.0),
            ]
        };
        let verdict = |now| clue(tasks(), now).expect("a balance before it").verdict();
        assert_eq!(verdict(Some(820.0)), Verdict::Charged);
        assert_eq!(verdict(Some(880.0)), Verdict::NotCharged);
        assert_eq!(verdict(Some(800.0)), Verdict::Unclear(80.0));
        assert_eq!(verdict(Some(1880.0)), Verdict::Unclear(-1000.0));
        assert_eq!(verdict(None), Verdict::Silent);
    }

    #[test]
    fn of_several_it_tells_how_many() {
        let tasks = || (20..23).map(|at| attempt(AttemptState::Unknown, at, 60.0)).collect();
        let verdict = |now| clue(tasks(), Some(now)).expect("a balance before it").verdict();
        assert_eq!(verdict(880.0), Verdict::SomeCharged(2));
        assert_eq!(verdict(820.0), Verdict::Charged);
        assert_eq!(verdict(810.0), Verdict::Unclear(190.0));
    }

    #[test]
    fn what_was_running_at_that_moment_and_failed_since_came_back() {
        let mut failed = attempt(AttemptState::Failed, 7, 60.0);
        failed.changed_ms = 30;
        let tasks = vec![failed, attempt(AttemptState::Unknown, 20, 60.0)];
        let clue = clue(tasks, Some(1000.0)).expect("a balance before it");
        assert_eq!((clue.explained, clue.verdict()), (-60.0, Verdict::Charged));
    }

    #[test]
    fn without_an_unknown_submission_or_a_balance_before_it_there_is_no_clue() {
        assert_eq!(clue(vec![attempt(AttemptState::Downloaded, 20, 60.0)], Some(1.0)), None);
        assert_eq!(clue(vec![attempt(AttemptState::Unknown, 2, 60.0)], Some(1.0)), None);
    }
}
