//! The collecting half of the dispatcher: looking at tasks, fetching their clips, and what failed.

use super::dispatcher::{Dispatcher, Fatal, Halt, millis};
use super::event::{Event, Stamped};
use super::executor::Target;
use super::intake::FetchError;
use super::job::{End, Stage};
use super::submit::{refusal, safe};
use crate::catalog::Stop;
use crate::ledger::{AttemptId, AttemptState, ClipRecord, Failure, FailureClass};
use crate::plan::{ClipRef, StepStart};
use crate::ports::News;
use crate::remote::backoff::Next;
use crate::remote::echo::{Essence, Likeness};
use crate::remote::outcome::{Look, Reading, Trouble};
use crate::remote::printable;
use futures::FutureExt as _;
use std::time::Duration;

/// A task that was just made may not be visible yet.
const INVISIBLE: Duration = Duration::from_secs(60);
/// Success without a result is looked at again so often, so far apart (closer where the settings' longest wait between
/// looks is shorter), before it counts as lost.
const EMPTY_LOOKS: u32 = 3;
const BETWEEN_EMPTY_LOOKS: Duration = Duration::from_secs(20);
/// New links asked for before a finished task is left on record.
const MOST_LINKS: u32 = 3;
/// Looks are spread by this part of their interval to both sides.
const SPREAD: f64 = 0.1;

/// How patiently a task is watched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub first: Duration,
    pub max: Duration,
    pub deadline: Duration,
}

impl<'e, 'w: 'e, E: FnMut(Stamped)> Dispatcher<'e, 'w, E> {
    /// The settings' patience, else that of the operation.
    pub(super) fn patience(&self, index: usize) -> Patience {
        let own = self.jobs[index].step_work().and_then(|step| {
            self.executor.driver.poll_of(&step.provider, &step.family, &step.operation)
        });
        let seconds = |value: Option<f64>, otherwise: u64| {
            value
                .and_then(|value| Duration::try_from_secs_f64(value).ok())
                .unwrap_or(Duration::from_secs(otherwise))
        };
        let first = self.policy.poll_first.unwrap_or(seconds(own.map(|poll| poll.first), 5));
        let max = self.policy.poll_max.unwrap_or(seconds(own.map(|poll| poll.max), 30));
        let deadline =
            self.policy.poll_deadline.unwrap_or(seconds(own.map(|poll| poll.deadline), 1800));
        // A first wait of nothing would ask without a pause.
        let first = first.max(Duration::from_millis(100));
        Patience { first, max: max.max(first), deadline }
    }

    pub(super) fn target_of(&self, index: usize) -> Option<Target> {
        let job = &self.jobs[index];
        let step = job.step_work()?;
        let current = job.current.as_ref()?;
        Some(Target {
            provider: step.provider.clone(),
            family: step.family.clone(),
            operation: step.operation.clone(),
            upgrade: step.upgrade,
            method: step.request.method.clone(),
            path: step.request.path.clone(),
            bound: current.bound.clone(),
            task_id: current.task_id.clone(),
        })
    }

    /// Looks at the task of a job after a wait.
    pub(super) fn watch(&mut self, index: usize, wait: Duration) {
        let Some(target) = self.target_of(index) else { return };
        self.jobs[index].stage = Stage::AtProvider;
        let executor = self.executor;
        self.others.push(executor.look(index, target, wait).boxed_local());
    }

    fn spread(&self, wait: Duration) -> Duration {
        wait.mul_f64(1.0 - SPREAD + 2.0 * SPREAD * self.executor.clock.chance())
    }

    /// Waits for the next look, unless the time for this task is up.
    fn watch_on(&mut self, index: usize) {
        let now = self.now();
        let patience = self.patience(index);
        let Some(current) = self.jobs[index].current.as_mut() else { return };
        let watched = now.saturating_sub(current.watched_ms);
        let elapsed_s = seconds(now.saturating_sub(current.since_ms));
        if self.policy.submit_only || watched >= millis(patience.deadline) {
            // Not a failure: the task is on record, and a later run collects it.
            self.job_event(index, Event::Waiting { elapsed_s, next_s: 0.0 });
            self.end(index, End::StillRunning);
            return;
        }
        let wait = current.interval.min(patience.max);
        current.interval = current.interval.mul_f64(1.5).min(patience.max);
        let left = patience
            .deadline
            .saturating_sub(Duration::from_millis(u64::try_from(watched).unwrap_or(0)));
        let wait = self.spread(wait).min(left.max(Duration::from_millis(1)));
        self.job_event(index, Event::Waiting { elapsed_s, next_s: wait.as_secs_f64() });
        self.watch(index, wait);
    }

    /// Tells the ledger, once, that the provider has an upgrade.
    fn record_upgrade(&mut self, index: usize) -> Result<(), Fatal> {
        let now = self.now();
        let Some(current) = self.jobs[index].current.as_mut() else { return Ok(()) };
        if current.recorded {
            return Ok(());
        }
        self.ledger.submitted(current.attempt, None, now)?;
        current.recorded = true;
        current.since_ms = now;
        let credits = current.reserved;
        self.tell(index, AttemptState::Submitted, News::Submitted { task_id: None });
        self.job_event(index, Event::Submitted { task_id: None, credits });
        Ok(())
    }

    /// What a look at a task came to, once it is clear that the record is that of its own task.
    pub(super) fn looked_at(&mut self, index: usize, look: Look) -> Result<(), Fatal> {
        let likeness = self.likeness(index, &look.repeats);
        if likeness == Likeness::Other && look.of_another {
            // The record of another task, by its id and by its words: this answer was meant for somebody else.
            let trouble = Trouble::passing("the answer is the record of another task");
            return self.look_again(index, &trouble);
        }
        if likeness == Likeness::Other {
            // It is the task that the answer to the create named, and that one was somebody else's.
            return self.not_its_task(index, "its record is of another request");
        }
        self.looked(index, look.reading)
    }

    /// How the request of a job and what a record repeats go together.
    fn likeness(&self, index: usize, repeats: &Essence) -> Likeness {
        let Some(current) = self.jobs[index].current.as_ref().filter(|_| !repeats.is_empty())
        else {
            return Likeness::Unclear;
        };
        let likeness = Essence::of(&current.bound).likeness(repeats);
        // Words that the provider has changed are no proof; the very words of another submission are.
        let is_another = |(attempt, essence): (&AttemptId, &Essence)| {
            *attempt != current.attempt && essence.likeness(repeats) == Likeness::Same
        };
        if likeness == Likeness::Unclear && self.sent.iter().any(is_another) {
            return Likeness::Other;
        }
        likeness
    }

    /// The task that an answer named is not the submission's own, so nobody knows whether it has one.
    fn not_its_task(&mut self, index: usize, why: &str) -> Result<(), Fatal> {
        let Some(current) = self.jobs[index].current.clone() else { return Ok(()) };
        let task = printable(current.task_id.as_deref().unwrap_or_default(), 100);
        let message = format!("the answer named task `{task}`, and {why}");
        if let Some(task) = &current.task_id {
            self.tasks.remove(task);
        }
        self.unknown(index, Failure { class: FailureClass::Other, code: None, message })
    }

    /// What a look at a task, or a call of an upgrade, came to.
    pub(super) fn looked(&mut self, index: usize, outcome: Reading) -> Result<(), Fatal> {
        let now = self.now();
        let Some(current) = self.jobs[index].current.clone() else { return Ok(()) };
        if !matches!(outcome, Reading::Trouble(_))
            && let Some(current) = self.jobs[index].current.as_mut()
        {
            current.read_troubles.reset();
            current.seen |= !matches!(outcome, Reading::Missing | Reading::Refused { .. });
        }
        match outcome {
            Reading::Running => {
                self.record_upgrade(index)?;
                self.watch_on(index);
            }
            Reading::Succeeded { urls, charged } => {
                self.record_upgrade(index)?;
                self.ledger.finished(current.attempt, &urls, charged, now)?;
                let credits = charged.or(current.reserved).unwrap_or(0.0);
                self.settle(index, current.ours, credits);
                if let Some(current) = self.jobs[index].current.as_mut() {
                    current.urls = urls;
                    current.charged = charged;
                }
                self.jobs[index].stage = Stage::Wanted { not_before_ms: now };
            }
            Reading::WithoutResult { charged } => {
                self.record_upgrade(index)?;
                if current.empty < EMPTY_LOOKS {
                    if let Some(current) = self.jobs[index].current.as_mut() {
                        current.empty += 1;
                    }
                    let wait = BETWEEN_EMPTY_LOOKS.min(self.patience(index).max);
                    self.retry_event(index, "success without a result", wait);
                    self.watch(index, wait);
                } else {
                    let message = "the provider reports success and names no result";
                    self.lost(index, message, charged)?;
                }
            }
            Reading::Failed { failure, charged } => self.task_failed(index, failure, charged)?,
            Reading::Missing if now.saturating_sub(current.since_ms) < millis(INVISIBLE) => {
                self.watch_on(index);
            }
            Reading::Missing | Reading::Expired => {
                let upgrade = self.jobs[index].step_work().is_some_and(|step| step.upgrade);
                let (lost, never_its) = match outcome {
                    Reading::Missing => (
                        "the provider does not know the task any more",
                        "the provider knows no such task",
                    ),
                    _ => (
                        "the provider has deleted the result",
                        "the provider has deleted the result of that one already",
                    ),
                };
                if current.seen || upgrade || self.is_past_keeping(index) {
                    self.lost(index, lost, None)?;
                } else {
                    // Nothing goes so soon: it may be another task that was paid for.
                    self.not_its_task(index, never_its)?;
                }
            }
            Reading::Trouble(trouble) => self.look_again(index, &trouble)?,
            Reading::Refused { failure, stop } => {
                let failure = safe(failure);
                let upgrade = self.jobs[index].step_work().is_some_and(|step| step.upgrade);
                if upgrade && !current.recorded {
                    self.failed(index, &failure, Some(0.0))?;
                    self.release(index);
                    let halt = Halt::from_stop(stop);
                    self.halt(halt, &failure.message);
                    self.block_for_halt(index, halt);
                } else if stop == Stop::Key {
                    return Err(Fatal::key(&failure.message));
                } else {
                    self.look_again(index, &Trouble::passing(failure.message))?;
                }
            }
        }
        Ok(())
    }

    fn retry_event(&mut self, index: usize, reason: &str, wait: Duration) {
        self.job_event(
            index,
            Event::Retrying { reason: printable(reason, 300), delay_s: wait.as_secs_f64() },
        );
    }

    /// A look that told nothing is repeated until the deadline; only a dead network ends the run.
    fn look_again(&mut self, index: usize, trouble: &Trouble) -> Result<(), Fatal> {
        if trouble.key {
            return Err(Fatal::key(&trouble.message));
        }
        if !trouble.repeat && trouble.network {
            return Err(Fatal::network(&trouble.message));
        }
        if !trouble.repeat {
            let message = printable(&trouble.message, 300);
            let message = format!("its task cannot be looked at: {message}; it stays on record");
            self.fail_job(index, FailureClass::Other, message, None);
            return Ok(());
        }
        let now = self.now();
        let chance = self.executor.clock.chance();
        let deadline = self.patience(index).deadline;
        let policy = self.policy.backoff;
        let Some(current) = self.jobs[index].current.as_mut() else { return Ok(()) };
        if self.policy.submit_only || now.saturating_sub(current.watched_ms) >= millis(deadline) {
            self.end(index, End::StillRunning);
            return Ok(());
        }
        let wait = match current.read_troubles.failed(&policy, now, chance) {
            Next::After(wait) => wait,
            Next::Over if trouble.network => return Err(Fatal::network(&trouble.message)),
            Next::Over => policy.longest,
        };
        self.retry_event(index, &trouble.message, wait);
        self.watch(index, wait);
        Ok(())
    }

    /// Ends the reservation of a job with what its task had cost.
    fn settle(&mut self, index: usize, ours: bool, credits: f64) {
        if self.jobs[index].current.as_ref().is_some_and(|current| current.theirs) {
            self.budget.release(index);
            return;
        }
        self.jobs[index].taken = false;
        self.settle_day(index, credits);
        if ours {
            self.budget.settle(index, credits);
            self.reserve_later_steps(index);
        } else {
            self.budget.release(index);
            self.budget.collect(credits);
        }
        self.jobs[index].charged += credits;
    }

    /// The task was paid for, as far as anybody knows, and there is nothing to fetch.
    fn lost(&mut self, index: usize, message: &str, charged: Option<f64>) -> Result<(), Fatal> {
        let Some(current) = self.jobs[index].current.clone() else { return Ok(()) };
        let failure =
            Failure { class: FailureClass::Lost, code: None, message: message.to_owned() };
        self.failed(index, &failure, charged)?;
        let credits = charged.or(current.reserved).unwrap_or(0.0);
        self.settle(index, current.ours, credits);
        let task = current
            .task_id
            .map(|task| format!(" (task `{}`)", printable(&task, 100)))
            .unwrap_or_default();
        let charged = charged.map(|credits| credits > 0.0);
        self.fail_job(
            index,
            FailureClass::Lost,
            format!("{message}{task}; `--retake` renders it anew"),
            charged,
        );
        Ok(())
    }

    /// The provider gave up on a task. A passing fault is tried again inside the reservation.
    fn task_failed(
        &mut self,
        index: usize,
        failure: Failure,
        charged: Option<f64>,
    ) -> Result<(), Fatal> {
        let now = self.now();
        let failure = safe(failure);
        let Some(current) = self.jobs[index].current.clone() else { return Ok(()) };
        self.failed(index, &failure, charged)?;
        let lost = if current.theirs { 0.0 } else { charged.unwrap_or(0.0) };
        self.jobs[index].current = None;
        let again = failure.class == FailureClass::Passing
            && self.jobs[index].failed_tasks < self.policy.failed_tasks
            && self.halt.is_none()
            && !self.jobs[index].stale();
        if !again {
            self.settle(index, current.ours, lost);
            let message = refusal(&failure, self.inputs_of(index));
            self.fail_job(index, failure.class, message, charged.map(|credits| credits > 0.0));
            return Ok(());
        }
        // The reservation stays, unless the failed task has used it up.
        if lost > 0.0 {
            self.settle(index, current.ours, lost);
        }
        let wait = self.spread(self.policy.backoff.first);
        self.jobs[index].failed_tasks += 1;
        self.retry_event(
            index,
            &format!("the provider failed the task: {}", failure.message),
            wait,
        );
        let upgrade = self.jobs[index].step_work().is_some_and(|step| step.upgrade);
        // Links in the bound request may have died meanwhile, so all but an upgrade are bound anew.
        self.jobs[index].stage = if upgrade {
            Stage::Ready {
                bound: current.bound,
                not_before_ms: now.saturating_add(millis(wait)),
                bound_ms: now,
            }
        } else {
            Stage::Waiting
        };
        if let Some(step) = {
            let at = self.jobs[index].step;
            self.jobs[index].steps.get_mut(at)
        } {
            step.start = StepStart::Fresh;
        }
        self.jobs[index].not_before_ms = now.saturating_add(millis(wait));
        Ok(())
    }

    /// Gives waiting downloads their places, in the order of the plan.
    pub(super) fn start_downloads(&mut self) {
        let now = self.now();
        let mut busy = self.jobs.iter().filter(|job| job.stage == Stage::Downloading).count();
        for index in 0..self.jobs.len() {
            if busy >= self.policy.downloads.max(1) {
                return;
            }
            let Stage::Wanted { not_before_ms } = self.jobs[index].stage else { continue };
            if now < not_before_ms {
                continue;
            }
            let job = &self.jobs[index];
            let (Some(step), Some(current)) = (job.step_work(), job.current.as_ref()) else {
                continue;
            };
            let tries = usize::try_from(current.download_troubles.failures()).unwrap_or(0);
            let Some(url) = current.urls.get(tries % current.urls.len().max(1)).cloned() else {
                continue;
            };
            let kind = step.kind;
            let task_id = current.task_id.clone().or_else(|| self.source_task(index));
            self.jobs[index].stage = Stage::Downloading;
            busy += 1;
            let executor = self.executor;
            self.others.push(executor.fetch(index, url, kind, task_id).boxed_local());
        }
    }

    /// For an upgrade without a task of its own: the task it upgrades.
    pub(super) fn source_task(&self, index: usize) -> Option<String> {
        let job = &self.jobs[index];
        let step = job.step_work().filter(|step| step.upgrade)?;
        let before = job.step.checked_sub(1).and_then(|before| job.clips.get(before));
        before.and_then(|clip| clip.task_id.clone()).or_else(|| {
            let bound = job.current.as_ref()?.bound.as_object()?;
            let symbolic = step.request.body.as_object()?;
            // The member that stood for a task in the symbolic request is a task id in the bound one.
            symbolic.iter().find_map(|(name, value)| {
                value.as_object()?.keys().find(|key| *key == "$task" || *key == "$previous")?;
                bound.get(name)?.as_str().map(str::to_owned)
            })
        })
    }

    /// What a download came to.
    pub(super) fn fetched(
        &mut self,
        index: usize,
        outcome: Result<ClipRecord, FetchError>,
    ) -> Result<(), Fatal> {
        let now = self.now();
        let Some(current) = self.jobs[index].current.clone() else { return Ok(()) };
        match outcome {
            Ok(clip) => {
                self.ledger.downloaded(current.attempt, &clip, now)?;
                self.job_event(
                    index,
                    Event::Downloaded { sha256: clip.sha256.clone(), bytes: clip.bytes },
                );
                let news = News::Done {
                    task_id: current.task_id.clone(),
                    urls: current.urls.clone(),
                    charged: current.charged,
                    clip: clip.clone(),
                };
                self.share(index, &clip.sha256, news);
                let job = &mut self.jobs[index];
                job.note = job
                    .steps
                    .get(job.step)
                    .and_then(|step| step.seconds)
                    .and_then(|asked| length_note(asked, &clip));
                let clip = ClipRef {
                    sha256: clip.sha256,
                    task_id: clip.task_id,
                    credits: current.charged.or(current.reserved),
                    created_at: Some(super::restore::rfc3339(now)),
                };
                job.advance(clip, true);
            }
            Err(FetchError::Disk(message)) => return Err(Fatal::disk(&message)),
            Err(FetchError::Never(message)) => self.left_on_record(index, message),
            // Only of what is put back a certain content is wanted.
            Err(FetchError::Foreign) => {
                self.left_on_record(index, FetchError::Foreign.to_string());
            }
            Err(FetchError::Gone(_)) if self.is_past_keeping(index) => {
                self.lost(index, "the provider has deleted the clip", current.charged)?;
            }
            Err(FetchError::Gone(message)) => {
                let target = self.target_of(index);
                let old = current.urls.first().cloned();
                match (target, old) {
                    (Some(target), Some(old)) if current.relinked < MOST_LINKS => {
                        if let Some(current) = self.jobs[index].current.as_mut() {
                            current.relinked += 1;
                        }
                        self.jobs[index].stage = Stage::Relinking;
                        let executor = self.executor;
                        self.others.push(executor.relink(index, target, old).boxed_local());
                    }
                    _ => self.left_on_record(index, message),
                }
            }
            Err(FetchError::Again { message, .. }) => self.fetch_again(index, &message),
        }
        Ok(())
    }

    /// True when the task of a job is older than what the provider keeps, so that a dead link stays dead.
    fn is_past_keeping(&self, index: usize) -> bool {
        let job = &self.jobs[index];
        let (Some(step), Some(current)) = (job.step_work(), job.current.as_ref()) else {
            return false;
        };
        let kept = self.executor.driver.keeps_results(&step.provider);
        kept.is_some_and(|kept| self.now().saturating_sub(current.since_ms) > millis(kept))
    }

    fn fetch_again(&mut self, index: usize, message: &str) {
        let now = self.now();
        let chance = self.executor.clock.chance();
        let policy = self.policy.backoff;
        let Some(current) = self.jobs[index].current.as_mut() else { return };
        match current.download_troubles.failed(&policy, now, chance) {
            Next::After(wait) => {
                self.retry_event(index, &format!("download: {message}"), wait);
                self.jobs[index].stage =
                    Stage::Wanted { not_before_ms: now.saturating_add(millis(wait)) };
            }
            Next::Over => {
                let words = policy.in_words();
                self.left_on_record(index, format!("{message} ({words})"));
            }
        }
    }

    pub(super) fn relinked(&mut self, index: usize, outcome: Result<Vec<String>, Trouble>) {
        let now = self.now();
        match outcome {
            Ok(urls) => {
                if let Some(current) = self.jobs[index].current.as_mut() {
                    current.urls = urls;
                }
                self.jobs[index].stage = Stage::Wanted { not_before_ms: now };
            }
            Err(trouble) if trouble.repeat => self.fetch_again(index, &trouble.message),
            Err(trouble) => {
                self.left_on_record(index, format!("no new link to the clip: {}", trouble.message));
            }
        }
    }

    /// The clip is paid for and could not be fetched. Its task stays on record as finished, for a later run.
    fn left_on_record(&mut self, index: usize, message: String) {
        let message = format!(
            "the clip could not be downloaded: {}; the task stays on record, and the next run tries again",
            printable(&message, 300)
        );
        self.fail_job(index, FailureClass::Other, message, Some(true));
    }

    /// Ends a take that nothing refers to any more, once nothing of it is in flight.
    pub(super) fn keep_stale(&mut self, index: usize) -> Result<(), Fatal> {
        let now = self.now();
        for attempt in std::mem::take(&mut self.jobs[index].forget) {
            self.ledger.forgotten(attempt, now)?;
        }
        if let Some(take) = self.jobs[index].take
            && self.jobs[index].keep
        {
            self.ledger.keep_take(take, now)?;
        }
        self.end(index, End::Done);
        Ok(())
    }
}

fn seconds(milliseconds: i64) -> f64 {
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0)).as_secs_f64()
}

/// A difference that a viewer would notice; clips are whole frames, so a few milliseconds always differ.
fn length_note(asked: f64, clip: &ClipRecord) -> Option<String> {
    let found = clip.probe.get("duration")?.as_f64()?;
    ((found - asked).abs() > 0.35)
        .then(|| format!("asked for {asked} s and got {} s", (found * 100.0).round() / 100.0))
}
