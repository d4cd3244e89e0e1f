//! The inside half of a run: it owns all state, writes to the ledger, and decides what the executor does next.
//!
//! The order of writing and sending is the whole point. An intent is on disk before its request leaves, a task id
//! before it is first looked at, a result before it is fetched, a clip before its step counts as done. Between any
//! two lines here the process may be killed.

use super::budget::Budget;
use super::claims::KnownClaims;
use super::event::{About, BalanceChange, Event, Stamped, Summary};
use super::executor::{Done, Executor};
use super::job::{End, Job, Placed, Stage};
use super::policy::Policy;
use super::purse::{Purchase, Purse};
use super::restore::Restore;
use super::window::Window;
use crate::catalog::Stop;
use crate::layout::Layout;
use crate::ledger::{Attempt, AttemptId, BalanceRecord, FailureClass, Ledger, LedgerError};
use crate::plan::FilesByDigest;
use crate::remote::backoff::Backoff;
use crate::remote::bind::Need;
use crate::remote::echo::Essence;
use crate::remote::outcome::Trouble;
use crate::remote::printable;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

/// How long the first submission of a run waits for the balance.
const BALANCE_PATIENCE: Duration = Duration::from_secs(3);

pub(super) struct Dispatcher<'e, 'w, E> {
    pub executor: &'e Executor<'w>,
    pub ledger: &'e mut dyn Ledger,
    pub window: &'e mut dyn Window,
    pub purse: &'e mut dyn Purse,
    pub layout: &'e Layout,
    pub policy: &'e Policy,
    pub files: FilesByDigest,
    pub emit: E,
    pub jobs: Vec<Job>,
    pub restores: Vec<Restore>,
    /// What the ledger knew of attempts when the run began.
    pub attempts: BTreeMap<AttemptId, Attempt>,
    /// Every task id that any submission on record has.
    pub tasks: BTreeSet<String>,
    /// What was asked for by the submissions on record, to tell their tasks apart.
    pub sent: BTreeMap<AttemptId, Essence>,
    /// What was sent for which request, for the claims of machines that share a cache.
    pub claims: KnownClaims,
    /// It was told that the shared cache cannot be used.
    pub told_of_cache: bool,
    pub budget: Budget,
    pub summary: Summary,
    /// What must not be dropped: creates on their way, and first calls of upgrades.
    pub posts: FuturesUnordered<LocalBoxFuture<'e, Done>>,
    /// What may be dropped at any time, because repeating it costs nothing.
    pub others: FuturesUnordered<LocalBoxFuture<'e, Done>>,
    pub uploading: BTreeSet<Need>,
    pub upload_troubles: BTreeMap<Need, Backoff>,
    /// Nothing is submitted before this time, because the provider asked for a pause.
    pub paused_until_ms: i64,
    /// When the submission window has its next place; 0 when that is not known.
    pub window_until_ms: i64,
    /// Until when the next submission waits, so that the bytes of the last one leave first.
    pub apart_until_ms: i64,
    /// Until when submissions wait for the balance, which tells later whether an unknown one was charged.
    pub balance_until_ms: i64,
    /// What the accounts held before the first submission, by provider.
    pub balances: BTreeMap<String, f64>,
    /// Until when the end of the run waits for what the accounts hold then.
    pub closing_until_ms: Option<i64>,
    /// Set when no further submission can succeed.
    pub halt: Option<Halt>,
    /// Set when the run is being left: no new work, only answers to what was sent are waited for.
    pub leaving: Option<Leaving>,
    pub started_ms: i64,
}

/// Why nothing more is submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halt {
    Key,
    Credits,
    Quota,
    Network,
    Cache,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Leaving {
    pub until_ms: i64,
}

/// What ends a run at once.
#[derive(Debug)]
pub(super) struct Fatal {
    pub code: &'static str,
    pub message: String,
    pub hint: Option<String>,
}

impl From<LedgerError> for Fatal {
    fn from(error: LedgerError) -> Self {
        Self {
            code: "ledger",
            message: printable(&error.to_string(), 500),
            hint: Some(
                "nothing more is sent without a record; make the project's `.storyreel` folder writable and run again"
                    .into(),
            ),
        }
    }
}

impl Fatal {
    pub fn disk(message: &str) -> Self {
        Self {
            code: "disk",
            message: format!("a file of the project cannot be written: {}", printable(message, 300)),
            hint: Some("free some space or make the folder writable, and run again; everything paid for is on record".into()),
        }
    }

    pub fn network(message: &str) -> Self {
        Self {
            code: "network",
            message: format!("the provider cannot be reached: {}", printable(message, 300)),
            hint: Some("check the connection and run again; tasks are on record".into()),
        }
    }

    pub fn key(message: &str) -> Self {
        Self {
            code: "key-refused",
            message: format!("the provider refuses the key: {}", printable(message, 300)),
            hint: Some("check KIE_API_KEY".into()),
        }
    }
}

impl Halt {
    pub fn from_stop(stop: Stop) -> Self {
        match stop {
            Stop::Key => Self::Key,
            Stop::Credits => Self::Credits,
            Stop::Quota => Self::Quota,
        }
    }

    /// The code of the error event and of `stopped_by`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Key => "key-refused",
            Self::Credits => "credits",
            Self::Quota => "quota",
            Self::Network => "network",
            Self::Cache => "cache",
        }
    }

    fn is_about_money(self) -> bool {
        matches!(self, Self::Credits | Self::Quota)
    }
}

impl<'e, 'w: 'e, E: FnMut(Stamped)> Dispatcher<'e, 'w, E> {
    /// Runs everything to its end and returns the summary. The futures of the executor live no longer than this.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Summary {
        let mut stop = pin!(stop.fuse());
        let mut stopped = false;
        self.announce();
        self.ask_for_balance();
        loop {
            let now = self.now();
            if self.leaving.is_none() && self.run_is_over(now) {
                self.leave_within(self.policy.deadline_grace);
            }
            if self.leaving.is_none()
                && let Err(fatal) = self.advance()
            {
                self.fail(fatal);
            }
            let done = self.all_over() && self.posts.is_empty();
            let ended = self.leaving.is_none() && done && !self.waits_for_bill(now);
            match self.leaving {
                Some(leaving) if self.posts.is_empty() || now >= leaving.until_ms => break,
                Some(_) => self.others.clear(),
                None if ended => break,
                None => {}
            }
            let wait = self.executor.clock.sleep(self.until_next_wake(now));
            let done = tokio::select! {
                biased;
                () = &mut stop, if !stopped => {
                    stopped = true;
                    self.summary.interrupted = true;
                    self.leave_within(self.policy.interrupt_grace);
                    continue;
                }
                Some(done) = self.posts.next(), if !self.posts.is_empty() => done,
                Some(done) = self.others.next(), if !self.others.is_empty() => done,
                () = wait => continue,
            };
            if let Err(fatal) = self.take_in(done) {
                self.fail(fatal);
            }
        }
        self.finish()
    }

    pub fn now(&self) -> i64 {
        self.executor.clock.now_ms()
    }

    pub fn event(&mut self, about: Option<About>, event: Event) {
        let time_ms = self.now();
        (self.emit)(Stamped { time_ms, about, event });
    }

    pub fn job_event(&mut self, job: usize, event: Event) {
        let about = self.jobs.get(job).map(Job::about);
        self.event(about, event);
    }

    fn announce(&mut self) {
        let fresh: Vec<Option<f64>> = self
            .jobs
            .iter()
            .filter(|job| !job.stale())
            .flat_map(|job| &job.steps)
            .filter(|step| step.start == crate::plan::StepStart::Fresh)
            .map(|step| step.credits)
            .collect();
        // An empty sum is -0.0, which would be shown as such.
        let credits = fresh.iter().flatten().sum::<f64>() + 0.0;
        self.summary.estimate = credits;
        let jobs = || self.jobs.iter().filter(|job| !job.stale()).map(|job| &job.slot);
        let slots = || jobs().chain(self.restores.iter().map(|restore| &restore.work.slot));
        let (scenes, takes) = (slots().collect::<BTreeSet<_>>().len(), slots().count());
        let unpriced_steps = fresh.iter().filter(|credits| credits.is_none()).count();
        self.event(None, Event::Planned { scenes, takes, credits, unpriced_steps });
    }

    /// Nothing is submitted before this time.
    pub fn closed_until_ms(&self) -> i64 {
        self.paused_until_ms
            .max(self.window_until_ms)
            .max(self.apart_until_ms)
            .max(self.balance_until_ms)
    }

    /// Asks what the account holds before anything is submitted: a clue for later, and a wrong key is found out before
    /// anything paid is asked for. It is waited for a moment and not longer.
    fn ask_for_balance(&mut self) {
        let fresh = self.jobs.iter().filter(|job| !job.stale()).flat_map(|job| &job.steps);
        let providers: BTreeSet<String> = fresh
            .filter(|step| step.start == crate::plan::StepStart::Fresh)
            .map(|step| step.provider.clone())
            .collect();
        let executor = self.executor;
        for provider in providers {
            self.balance_until_ms = self.now().saturating_add(millis(BALANCE_PATIENCE));
            self.others.push(executor.balance(provider).boxed_local());
        }
    }

    fn balance_told(
        &mut self,
        provider: String,
        outcome: Result<f64, Trouble>,
    ) -> Result<(), Fatal> {
        let at_ms = self.now();
        if self.closing_until_ms.is_some() {
            if let (Ok(after), Some(before)) = (outcome, self.balances.remove(&provider)) {
                self.summary.balances.push(BalanceChange { provider, before, after });
            }
            return Ok(());
        }
        // Only one that was told before the first submission says anything about it.
        let in_time = at_ms < self.balance_until_ms;
        self.balance_until_ms = 0;
        match outcome {
            Ok(credits) if in_time => {
                self.balances.insert(provider.clone(), credits);
                self.ledger.remember_balance(&BalanceRecord { provider, at_ms, credits })?;
                Ok(())
            }
            Err(trouble) if trouble.key => {
                self.halt(Halt::Key, &trouble.message);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// True while the run, which has paid for something, waits to hear what the accounts hold now.
    fn waits_for_bill(&mut self, now: i64) -> bool {
        if self.closing_until_ms.is_none() {
            // What an earlier question still has to say comes too late.
            self.others.clear();
            let paid = self.jobs.iter().any(|job| job.charged > 0.0 || job.taken);
            let providers: Vec<String> = self.balances.keys().cloned().collect();
            if !paid || providers.is_empty() {
                return false;
            }
            let executor = self.executor;
            for provider in providers {
                self.others.push(executor.balance(provider).boxed_local());
            }
        }
        let until_ms = self
            .closing_until_ms
            .get_or_insert_with(|| now.saturating_add(millis(BALANCE_PATIENCE)));
        now < *until_ms && !self.others.is_empty()
    }

    /// How the purse names the present step of a job.
    pub(super) fn purchase(&self, index: usize) -> Purchase {
        let job = &self.jobs[index];
        let slot = &job.slot;
        format!(
            "{}\n{}\n{}\n{} {}\n{}",
            slot.storyboard,
            slot.variant,
            slot.scene,
            job.media().type_name(),
            job.number,
            job.step
        )
    }

    /// Ends a reservation for which nothing was charged, in this run's budget and in the day's.
    pub(super) fn release(&mut self, index: usize) {
        self.budget.release(index);
        if std::mem::take(&mut self.jobs[index].taken) {
            self.settle_day(index, 0.0);
        }
    }

    /// What cannot be written counts as spent for a day, which costs patience and no money.
    pub(super) fn settle_day(&mut self, index: usize, credits: f64) {
        let (purchase, now) = (self.purchase(index), self.now());
        if let Err(error) = self.purse.settle(&purchase, credits, now) {
            tracing::debug!(%error, "what was charged stays as it was reserved");
        }
    }

    fn run_is_over(&self, now: i64) -> bool {
        self.policy
            .run_for
            .is_some_and(|length| now.saturating_sub(self.started_ms) >= millis(length))
    }

    fn leave_within(&mut self, grace: Duration) {
        let until_ms = self.now().saturating_add(millis(grace));
        let until_ms = self.leaving.map_or(until_ms, |leaving| leaving.until_ms.min(until_ms));
        self.leaving = Some(Leaving { until_ms });
    }

    /// Ends the run for a reason that concerns all of it. What was sent is still waited for.
    pub fn fail(&mut self, fatal: Fatal) {
        self.event(
            None,
            Event::Error { code: fatal.code.into(), message: fatal.message, hint: fatal.hint },
        );
        self.summary.stopped_by.get_or_insert_with(|| fatal.code.into());
        self.leave_within(self.policy.deadline_grace);
    }

    /// Stops submitting; what runs at the provider is still collected.
    pub fn halt(&mut self, halt: Halt, message: &str) {
        if self.halt.is_some() {
            return;
        }
        self.halt = Some(halt);
        self.summary.stopped_by.get_or_insert_with(|| halt.code().into());
        let (message, hint) = match halt {
            Halt::Key => (format!("the provider refuses the key: {message}"), "check KIE_API_KEY"),
            Halt::Credits => (
                format!("the account has too few credits: {message}"),
                "top up and run again; what is running is still collected",
            ),
            Halt::Quota => (
                format!("the key's own quota is used up: {message}"),
                "raise the quota or use another key, and run again",
            ),
            Halt::Network => (
                format!("the provider cannot be reached: {message}"),
                "check the connection and run again; nothing was sent that is not on record",
            ),
            Halt::Cache => (
                message.to_owned(),
                "what is not claimed there is not sent, because another machine might send it, too; make it reachable \
                 and run again",
            ),
        };
        self.event(
            None,
            Event::Error { code: halt.code().into(), message, hint: Some(hint.into()) },
        );
    }

    fn all_over(&self) -> bool {
        self.jobs.iter().all(Job::is_over) && self.restores.iter().all(Restore::is_over)
    }

    /// Starts everything that can be started now, in the order of the plan.
    fn advance(&mut self) -> Result<(), Fatal> {
        self.advance_restores()?;
        // Ending one scene can free or block another that stands before it, so this goes on until nothing changes.
        loop {
            let mut changed = false;
            for index in 0..self.jobs.len() {
                if self.jobs[index].stage == Stage::Waiting {
                    changed |= self.begin(index)?;
                }
            }
            self.submit_ready()?;
            self.start_downloads();
            changed |= self.publish_ready()?;
            if !changed {
                return Ok(());
            }
        }
    }

    /// Ends a job, with the count that belongs to the end.
    pub fn end(&mut self, index: usize, end: End) {
        let Some(job) = self.jobs.get_mut(index) else { return };
        if job.is_over() {
            return;
        }
        job.stage = Stage::Over(end);
        let (stale, taken) = (job.stale(), job.taken);
        if !taken {
            // What was kept for steps that are not reached any more. What was sent and is not settled stays.
            self.budget.release(index);
        }
        match end {
            End::Done if self.jobs[index].placed == Some(Placed::Beside) => self.summary.takes += 1,
            End::Done if !stale => self.summary.rendered += 1,
            End::Failed if !stale => self.summary.failed += 1,
            End::Unknown => self.summary.unknown += 1,
            End::StillRunning => self.summary.still_running += 1,
            End::Unfinished => self.summary.unfinished += 1,
            End::OverBudget => self.summary.over_budget += 1,
            End::Done | End::Failed | End::Blocked => {}
        }
    }

    pub fn block(&mut self, index: usize, reason: &str, message: String, end: End) {
        self.job_event(index, Event::Blocked { reason: reason.into(), message });
        self.end(index, end);
    }

    pub fn fail_job(
        &mut self,
        index: usize,
        class: FailureClass,
        message: String,
        charged: Option<bool>,
    ) {
        self.job_event(index, Event::Failed { class, message, charged });
        self.end(index, End::Failed);
    }

    /// Ends a job that would have to submit, after submissions were halted.
    pub fn block_for_halt(&mut self, index: usize, halt: Halt) {
        let (reason, end) = if halt.is_about_money() {
            ("credits", End::OverBudget)
        } else {
            ("stopped", End::Blocked)
        };
        let message = format!("not submitted, because the run was stopped (`{}`)", halt.code());
        self.block(index, reason, message, end);
    }

    /// How long nothing begins by itself. `looked_ms` is when everything was last looked at: what became due while that
    /// went on must not be missed.
    fn until_next_wake(&self, looked_ms: i64) -> Duration {
        let now = self.now();
        let mut times: Vec<i64> = Vec::new();
        if let Some(leaving) = self.leaving {
            times.push(leaving.until_ms);
        } else {
            times.extend(
                self.policy.run_for.map(|length| self.started_ms.saturating_add(millis(length))),
            );
            for job in &self.jobs {
                match &job.stage {
                    Stage::Ready { not_before_ms, .. } => {
                        times.push((*not_before_ms).max(self.closed_until_ms()));
                    }
                    Stage::Wanted { not_before_ms } => times.push(*not_before_ms),
                    Stage::Waiting => times.push(job.not_before_ms),
                    _ => {}
                }
            }
            times.extend(self.restores.iter().filter_map(Restore::wakes_at));
            times.extend(self.closing_until_ms);
        }
        // What could have been started then waits for a place that another future frees, and is woken by it.
        let next = times.into_iter().filter(|at| *at > looked_ms).min();
        // A wait of nothing would not let the answers in that are on their way.
        let wait = next.map_or(60_000, |at| at.saturating_sub(now).clamp(1, 60_000));
        Duration::from_millis(wait.unsigned_abs())
    }

    /// Takes in what a future came to.
    fn take_in(&mut self, done: Done) -> Result<(), Fatal> {
        match done {
            Done::Uploaded { need, outcome } => self.uploaded(need, outcome),
            Done::Sent { job, grant, outcome } => {
                self.close(&grant);
                self.sent(job, outcome)
            }
            Done::Upgraded { job, grant, outcome } => {
                self.close(&grant);
                self.looked(job, outcome)
            }
            Done::Claimed { job, grant, outcome } => self.claimed(job, grant, outcome),
            Done::Heard { job, outcome } => self.heard(job, outcome),
            Done::Told { attempt, state, outcome } => self.told(attempt, state, outcome),
            Done::Shared { sha256, told, outcome } => self.shared(sha256, told, outcome),
            Done::Looked { job, outcome } => self.looked_at(job, outcome),
            Done::Fetched { job, outcome } => self.fetched(job, outcome),
            Done::Relinked { job, outcome } => {
                self.relinked(job, outcome);
                Ok(())
            }
            Done::Balance { provider, outcome } => self.balance_told(provider, outcome),
            Done::Recovered { restore, outcome } => self.recovered(restore, outcome),
        }
    }

    pub(super) fn close(&mut self, grant: &super::window::GrantId) {
        let now = self.now();
        // A grant that stays open counts a little longer than it must, which costs time and never money.
        drop(self.window.close(grant, now));
        self.window_until_ms = 0;
    }

    /// The end of the run: counts what is left and leaves the record right.
    fn finish(mut self) -> Summary {
        let left = self.leaving.is_some();
        for index in 0..self.jobs.len() {
            if self.jobs[index].is_over() {
                continue;
            }
            if self.jobs[index].stage == Stage::Sending {
                self.abandon_sending(index);
            } else if self.jobs[index].stage == Stage::Claiming {
                self.abandon_claiming(index);
            } else if self.jobs[index].on_record() {
                self.end(index, End::StillRunning);
            } else if left {
                // Whatever it had put aside for a call was not sent.
                self.release(index);
                self.end(index, End::Unfinished);
            }
        }
        self.summary.unfinished +=
            self.restores.iter().filter(|restore| left && !restore.is_over()).count();
        self.summary.credits = self.budget.charged();
        if self.summary.stopped_by.as_deref() != Some("ledger") {
            self.keep_summary();
        }
        let summary = self.summary.clone();
        self.event(None, Event::RunFinished(summary.clone()));
        summary
    }

    fn keep_summary(&mut self) {
        let mut kept = match serde_json::to_value(&self.summary) {
            Ok(serde_json::Value::Object(map)) => map,
            _ => return,
        };
        kept.insert("started_ms".into(), self.started_ms.into());
        let now = self.now();
        if let Err(error) = self.ledger.record_run(&kept, now) {
            self.event(
                None,
                Event::Error {
                    code: "ledger".into(),
                    message: printable(&error.to_string(), 500),
                    hint: Some(
                        "the run itself is on record; only its line in the history is missing"
                            .into(),
                    ),
                },
            );
        }
    }
}

/// Milliseconds of a duration, as the ledger and the clock count them.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
