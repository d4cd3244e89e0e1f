//! The sending half of the dispatcher: the window, the budget, the intent, and what came of it.

use super::budget::Verdict;
use super::dispatcher::{Dispatcher, Fatal, Halt, millis};
use super::event::{Event, Stamped};
use super::job::{Current, End, Job, Stage};
use super::prepare::LINK_MARGIN_MS;
use super::purse::Left;
use super::window::{Grant, GrantId};
use crate::ledger::{AttemptState, Failure, FailureClass};
use crate::plan::{Request, StepStart, StepWork};
use crate::ports::News;
use crate::remote::backoff::Next;
use crate::remote::echo::Essence;
use crate::remote::outcome::Submission;
use crate::remote::printable;
use futures::FutureExt as _;
use serde_json::Value;

/// Between two submissions. Writing intents down one after the other would keep the first request back until the last
/// intent is on disk; and a process that dies between them would leave more of them unknown.
const APART_MS: i64 = 5;

impl<'e, 'w: 'e, E: FnMut(Stamped)> Dispatcher<'e, 'w, E> {
    /// What the present step of a job and those after it may cost; `None` where a price is not known. A chain that could
    /// not be paid to its end is not begun.
    fn price_of_rest(&self, index: usize) -> Option<f64> {
        let job = &self.jobs[index];
        let rest = job.steps.iter().skip(job.step);
        rest.filter(|step| !matches!(step.start, StepStart::Done(_) | StepStart::Shared))
            .map(|step| step.credits)
            .sum::<Option<f64>>()
    }

    /// Keeps what the steps after the present one may cost for them, once that one is paid.
    pub(super) fn reserve_later_steps(&mut self, index: usize) {
        let job = &self.jobs[index];
        let later = job.steps.iter().skip(job.step + 1);
        let fresh = later.filter(|step| step.start == StepStart::Fresh);
        let credits: f64 = fresh.filter_map(|step| step.credits).sum();
        if credits > 0.0 {
            self.budget.reserve(index, Some(credits));
        }
    }

    /// True when the budget allows the step and those after it; else the job is blocked.
    pub(super) fn affordable(&mut self, index: usize) -> Result<bool, Fatal> {
        let price = self.price_of_rest(index);
        let affordable = match self.budget.may(index, price) {
            Verdict::Fits => return self.fits_the_day(index, price),
            Verdict::Over { left } => {
                let price = price.unwrap_or_default();
                let message = format!(
                    "needs up to {price} credits, and {left} are left of this run's budget"
                );
                self.block(index, "budget", message, End::OverBudget);
                false
            }
            Verdict::PriceUnknown => {
                let message =
                    "its price is not known, and a run with a budget submits nothing of unknown price"
                        .to_owned();
                self.block(index, "price-unknown", message, End::OverBudget);
                false
            }
        };
        Ok(affordable)
    }

    /// True when the user's allowance for a day has room for the step; else the job is blocked.
    fn fits_the_day(&mut self, index: usize, price: Option<f64>) -> Result<bool, Fatal> {
        let Some(allowance) = self.policy.per_day.filter(|_| !self.jobs[index].taken) else {
            return Ok(true);
        };
        let Some(price) = price else {
            let message = "its price is not known, and with `[budget] per_day` nothing of unknown price is submitted";
            self.block(index, "price-unknown", message.to_owned(), End::OverBudget);
            return Ok(false);
        };
        let left = self.purse.left(Some(allowance), self.now()).map_err(purse_failed)?;
        if left.covers(price) {
            return Ok(true);
        }
        self.over_the_day(index, price, allowance, left);
        Ok(false)
    }

    fn over_the_day(&mut self, index: usize, price: f64, allowance: f64, left: Left) {
        let credits = left.credits;
        let more = left
            .more_at_ms
            .and_then(|at| jiff::Timestamp::from_millisecond(at).ok())
            .map(|at| format!("; the first of it is free again at {at:.0}"))
            .unwrap_or_default();
        let message = format!(
            "needs up to {price} credits, and {credits} are left of the {allowance} that all runs may spend in 24 hours{more}"
        );
        self.block(index, "per-day", message, End::OverBudget);
    }

    /// Submits what is bound, in the order of the plan, as far as limits, window and budget allow.
    pub(super) fn submit_ready(&mut self) -> Result<(), Fatal> {
        let now = self.now();
        for index in 0..self.jobs.len() {
            let Stage::Ready { not_before_ms, bound_ms, .. } = self.jobs[index].stage else {
                continue;
            };
            if let Some(halt) = self.halt {
                self.release(index);
                self.block_for_halt(index, halt);
                continue;
            }
            if now < not_before_ms.max(self.closed_until_ms()) {
                continue;
            }
            let watched = self.jobs.iter().filter(|job| job.runs_at_provider()).count();
            let left =
                self.jobs.iter().filter(|job| job.stage == Stage::Over(End::StillRunning)).count();
            if watched + left >= self.policy.running.max(1) {
                if watched > 0 {
                    break;
                }
                // Nobody waits any more for the tasks that fill the provider, so no place becomes free in this run.
                let message = format!(
                    "{left} tasks are still at the provider, and no more than {} may be; run again later",
                    self.policy.running.max(1)
                );
                self.block(index, "stopped", message, End::Unfinished);
                continue;
            }
            let meant = self.jobs[index].current.is_some();
            if !meant && now.saturating_sub(bound_ms) > LINK_MARGIN_MS / 2 {
                // It has waited so long for its turn that its links may die before the provider fetches them.
                self.jobs[index].stage = Stage::Waiting;
                self.prepare(index)?;
                if !matches!(self.jobs[index].stage, Stage::Ready { .. }) {
                    continue;
                }
            }
            let price = self.jobs[index].step_work().and_then(|step| step.credits);
            // Others may have reserved since it was bound.
            if !self.affordable(index)? {
                continue;
            }
            let grant = self.window.grant(self.policy.submissions, now).map_err(|error| Fatal {
                code: "window",
                message: format!(
                    "the log of submissions cannot be used: {}",
                    printable(&error.to_string(), 300)
                ),
                hint: Some(
                    "it lies in `$XDG_STATE_HOME/storyreel` (default `~/.local/state/storyreel`); make that folder writable"
                        .into(),
                ),
            })?;
            match grant {
                Grant::NotBefore(at) => self.window_until_ms = at.max(now.saturating_add(1)),
                Grant::Given(grant) => {
                    if !self.take_from_purse(index, price)? {
                        drop(self.window.close(&grant, now));
                        continue;
                    }
                    self.send(index, grant)?;
                    self.apart_until_ms = self.now().saturating_add(APART_MS);
                }
            }
        }
        Ok(())
    }

    /// Puts the price of a step into the day's record, before anything of it is sent. False, and the job is blocked, where
    /// another run was faster.
    fn take_from_purse(&mut self, index: usize, price: Option<f64>) -> Result<bool, Fatal> {
        if self.jobs[index].taken {
            return Ok(true);
        }
        let (purchase, now) = (self.purchase(index), self.now());
        let credits = price.unwrap_or_default();
        let allowance = self.policy.per_day;
        let taken = self.purse.take(&purchase, credits, allowance, now).map_err(purse_failed)?;
        self.jobs[index].taken = taken;
        if !taken {
            let left = self.purse.left(allowance, now).map_err(purse_failed)?;
            self.over_the_day(index, credits, allowance.unwrap_or_default(), left);
        }
        Ok(taken)
    }

    /// Records the intent, and only then lets the request leave; where machines share a cache, once its claim stands.
    fn send(&mut self, index: usize, grant: GrantId) -> Result<(), Fatal> {
        let now = self.now();
        let job = &self.jobs[index];
        let (Stage::Ready { bound, .. }, Some(step)) = (&job.stage, job.step_work()) else {
            return Ok(());
        };
        let (bound, step) = (bound.clone(), step.clone());
        let Some(request) = symbolic(job, &step) else { return Ok(()) };
        let take = self.take_of(index)?;
        let mut intent = step.intent(take, self.jobs[index].step, request, bound.clone());
        intent.claim = self.executor.shared.is_some().then(String::new);
        let meant = self.jobs[index].current.as_ref();
        let claim = meant.and_then(|current| current.claim.clone());
        let meant = meant.map(|current| current.attempt);
        let attempt = match meant {
            // An upgrade that an earlier process meant to call is on record already, and claimed if it had to be.
            Some(attempt) => attempt,
            None => self.ledger.intend(&intent, now)?,
        };
        if !step.upgrade {
            self.sent.insert(attempt, Essence::of(&bound));
        }
        let rest = self.price_of_rest(index);
        self.budget.reserve(index, rest);
        let interval = self.patience(index).first;
        let job = &mut self.jobs[index];
        job.current =
            Some(Current { claim, ..Current::new(attempt, bound, step.credits, interval, now) });
        if meant.is_none() && intent.claim.is_some() {
            self.claim(index, &intent, grant);
        } else {
            self.post(index, grant);
        }
        Ok(())
    }

    /// Lets the request of a job leave.
    pub(super) fn post(&mut self, index: usize, grant: GrantId) {
        let Some(target) = self.target_of(index) else { return };
        self.jobs[index].stage = Stage::Sending;
        let executor = self.executor;
        self.posts.push(if target.upgrade {
            executor.upgrade(index, target, grant).boxed_local()
        } else {
            executor.create(index, target, grant).boxed_local()
        });
    }

    /// The ledger's take of a job; opened now where there is none.
    pub(super) fn take_of(&mut self, index: usize) -> Result<crate::ledger::TakeId, Fatal> {
        let now = self.now();
        let job = &self.jobs[index];
        if let Some(take) = job.take {
            return Ok(take);
        }
        let kinds: Vec<_> = job.steps.iter().map(|step| step.kind).collect();
        let reused: Vec<_> = job
            .clips
            .iter()
            .enumerate()
            .map(|(step, clip)| (step, clip.sha256.clone(), clip.task_id.clone()))
            .collect();
        let take = self.ledger.open_take(&job.slot, job.number, &job.ask, &kinds, &reused, now)?;
        self.jobs[index].take = Some(take);
        Ok(take)
    }

    /// What came of a paid create. The record is written before anything else happens.
    pub(super) fn sent(&mut self, index: usize, outcome: Submission) -> Result<(), Fatal> {
        let now = self.now();
        let Some(current) = self.jobs[index].current.clone() else { return Ok(()) };
        match outcome {
            Submission::Accepted { task_id } if self.tasks.contains(&task_id) => {
                // Two submissions under one task would be taken for one; which of them the answer means, nobody knows.
                let failure = Failure {
                    class: FailureClass::Other,
                    code: None,
                    message: format!(
                        "the answer names task `{}`, which belongs to another submission",
                        printable(&task_id, 100)
                    ),
                };
                self.unknown(index, failure)?;
            }
            Submission::Accepted { task_id } => {
                self.tasks.insert(task_id.clone());
                if let Err(error) = self.ledger.submitted(current.attempt, Some(&task_id), now) {
                    let scene = self.jobs[index].scene_id.clone();
                    let mut fatal = Fatal::from(error);
                    let printable_id = printable(&task_id, 100);
                    fatal.message = format!(
                        "the provider accepted scene `{scene}` as task `{printable_id}`, and this could not be recorded: {}",
                        fatal.message
                    );
                    fatal.hint = Some(format!(
                        "once the folder is writable again: storyreel adopt {scene} --task {printable_id}"
                    ));
                    self.event_unknown(
                        index,
                        format!("accepted as task `{printable_id}`, but not recorded"),
                        current.reserved,
                    );
                    return Err(fatal);
                }
                if let Some(current) = &mut self.jobs[index].current {
                    current.task_id = Some(task_id.clone());
                    current.recorded = true;
                    current.since_ms = now;
                    current.watched_ms = now;
                }
                let news = News::Submitted { task_id: Some(task_id.clone()) };
                self.tell(index, AttemptState::Submitted, news);
                self.jobs[index].refusals.reset();
                self.job_event(
                    index,
                    Event::Submitted {
                        task_id: Some(printable(&task_id, 200)),
                        credits: current.reserved,
                    },
                );
                self.jobs[index].stage = Stage::AtProvider;
                if self.policy.submit_only {
                    self.end(index, End::StillRunning);
                } else {
                    self.watch(index, current.interval);
                }
            }
            Submission::Retry { reason, unreachable } => {
                self.ledger.forgotten(current.attempt, now)?;
                self.tell(index, AttemptState::Forgotten, News::Forgotten);
                let reason = printable(&reason, 300);
                self.jobs[index].current = None;
                self.refused_for_now(index, current.bound, &reason, unreachable);
            }
            Submission::Impossible { message } => {
                self.ledger.forgotten(current.attempt, now)?;
                self.tell(index, AttemptState::Forgotten, News::Forgotten);
                self.release(index);
                self.block_for_halt(index, Halt::Network);
                return Err(Fatal::network(&message));
            }
            Submission::Rejected { failure, stop } => {
                let failure = safe(failure);
                self.failed(index, &failure, Some(0.0))?;
                self.release(index);
                if let Some(stop) = stop {
                    let halt = Halt::from_stop(stop);
                    self.halt(halt, &failure.message);
                    self.block_for_halt(index, halt);
                } else {
                    let message = refusal(&failure, self.inputs_of(index));
                    self.fail_job(index, failure.class, message, Some(false));
                }
            }
            Submission::Unknown { failure } => self.unknown(index, safe(failure))?,
        }
        Ok(())
    }

    /// Records that the attempt of a job has failed, and tells whoever else has an eye on it.
    pub(super) fn failed(
        &mut self,
        index: usize,
        failure: &Failure,
        charged: Option<f64>,
    ) -> Result<(), Fatal> {
        let now = self.now();
        let Some(current) = &self.jobs[index].current else { return Ok(()) };
        self.ledger.failed(current.attempt, failure, charged, now)?;
        let news = News::Failed { failure: failure.clone(), charged };
        self.tell(index, AttemptState::Failed, news);
        Ok(())
    }

    /// Records that nobody knows what became of the attempt of a job, and ends the job.
    pub(super) fn unknown(&mut self, index: usize, failure: Failure) -> Result<(), Fatal> {
        let now = self.now();
        let Some(current) = self.jobs[index].current.clone() else { return Ok(()) };
        self.ledger.unknown(current.attempt, &failure, now)?;
        self.tell(index, AttemptState::Unknown, News::Unknown { failure: failure.clone() });
        self.event_unknown(index, failure.message, current.reserved);
        Ok(())
    }

    /// After a refusal that is certain and passing: the same bound request waits for its next try.
    fn refused_for_now(&mut self, index: usize, bound: Value, reason: &str, unreachable: bool) {
        let now = self.now();
        let chance = self.executor.clock.chance();
        let patience = if unreachable { self.policy.unreachable() } else { self.policy.backoff };
        match self.jobs[index].refusals.failed(&patience, now, chance) {
            Next::After(wait) => {
                let not_before_ms = now.saturating_add(millis(wait));
                // Whatever makes the provider refuse one scene makes it refuse the next one, too.
                self.paused_until_ms = self.paused_until_ms.max(not_before_ms);
                self.jobs[index].stage = Stage::Ready { bound, not_before_ms, bound_ms: now };
                self.job_event(
                    index,
                    Event::Retrying { reason: reason.to_owned(), delay_s: wait.as_secs_f64() },
                );
            }
            Next::Over => {
                self.release(index);
                if unreachable {
                    self.halt(Halt::Network, reason);
                    self.block_for_halt(index, Halt::Network);
                } else {
                    let words = self.policy.backoff.in_words();
                    self.fail_job(
                        index,
                        FailureClass::Passing,
                        format!("{reason} ({words}); run again later"),
                        Some(false),
                    );
                }
            }
        }
    }

    /// Names of the files that a refusal may concern.
    pub(super) fn inputs_of(&self, index: usize) -> Option<String> {
        let digests = self.jobs[index].step_work()?.request.files();
        let names: Vec<String> = digests
            .iter()
            .filter_map(|digest| self.files.get(digest)?.file_name())
            .map(|name| format!("`{}`", printable(&name.to_string_lossy(), 100)))
            .collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    pub(super) fn event_unknown(&mut self, index: usize, message: String, credits: Option<f64>) {
        self.budget.reserve(index, credits);
        self.job_event(index, Event::Unknown { message, credits });
        self.end(index, End::Unknown);
    }

    /// A create whose answer did not come before the run had to be left.
    pub(super) fn abandon_sending(&mut self, index: usize) {
        let now = self.now();
        let job = &self.jobs[index];
        let upgrade = job.step_work().is_some_and(|step| step.upgrade);
        let Some(current) = job.current.clone() else { return };
        if upgrade {
            // Its call is repeated by the next run, and the record already says that it was meant to be made.
            self.end(index, End::StillRunning);
            return;
        }
        let failure = Failure {
            class: FailureClass::Other,
            code: None,
            message: "the run ended before the answer came".into(),
        };
        // Where this cannot be written, the next process finds the intent and comes to the same conclusion.
        drop(self.ledger.unknown(current.attempt, &failure, now));
        self.event_unknown(index, failure.message, current.reserved);
    }
}

fn purse_failed(error: std::io::Error) -> Fatal {
    Fatal {
        code: "purse",
        message: format!(
            "the record of what is spent in a day cannot be used: {}",
            printable(&error.to_string(), 300)
        ),
        hint: Some(
            "it lies in `$XDG_STATE_HOME/storyreel` (default `~/.local/state/storyreel`); make that folder writable"
                .into(),
        ),
    }
}

/// The request of a step with the clip before it put in.
pub(super) fn symbolic(job: &Job, step: &StepWork) -> Option<Request> {
    if !step.request.waits() {
        return Some(step.request.clone());
    }
    job.step
        .checked_sub(1)
        .and_then(|before| job.clips.get(before))
        .map(|clip| step.request.after(&clip.sha256))
}

/// A failure whose words can be printed and kept.
pub(super) fn safe(failure: Failure) -> Failure {
    Failure {
        class: failure.class,
        code: failure.code.map(|code| printable(&code, 40)),
        message: printable(&failure.message, 500),
    }
}

/// What a refusal means for the author.
pub(super) fn refusal(failure: &Failure, inputs: Option<String>) -> String {
    let concerned = matches!(failure.class, FailureClass::Moderation | FailureClass::Input);
    let inputs = inputs
        .filter(|_| concerned)
        .map(|names| format!("; besides the prompt it may concern {names}"))
        .unwrap_or_default();
    let code = failure.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    let advice = match failure.class {
        FailureClass::Moderation => "; edit the prompt or its references, or use `--retake`",
        FailureClass::Input => "; edit the scene, or use `--retake`",
        FailureClass::Passing => "; run again later",
        _ => "",
    };
    format!("{}{code}{inputs}{advice}", failure.message)
}
