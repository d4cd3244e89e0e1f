//! The half of the dispatcher that machines sharing a cache need: claims before submissions, what is told of them, and
//! following those of others.
//!
//! A claim is created before its request leaves, and noted in the ledger before that, too. So whoever finds a claim of
//! which nothing was told knows what a ledger knows of an intent: somebody may have sent it. It is followed for a
//! while, and then it is unknown.

use super::dispatcher::{Dispatcher, Fatal, Halt, millis};
use super::event::{Event, Stamped};
use super::job::{Current, End, Followed, Stage};
use super::submit::symbolic;
use super::window::GrantId;
use crate::ledger::{AttemptId, AttemptState, Failure, FailureClass, Intent, Slot, Take};
use crate::ports::{Claim, Claimed, News};
use crate::remote::backoff::Backoff;
use crate::remote::printable;
use crate::shared::work_of;
use futures::FutureExt as _;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Between two looks at what another machine tells.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);
/// The answer to a submission comes within this time, or never: what nobody has told anything of for so long is unknown.
const ANSWERED_WITHIN: Duration = Duration::from_secs(180);
/// The same by the clock of the other machine, which may be wrong by a little.
const ANSWERED_BY_THEIR_CLOCK: Duration = Duration::from_secs(300);
/// An upgrade is left to whoever called it first for so long; then its call is repeated, which is how it is polled.
const UPGRADED_WITHIN: Duration = Duration::from_secs(1800);

/// What this machine knows of what was sent for a slot and request, in the words of a claim.
#[derive(Debug, Default)]
pub(super) struct KnownClaims {
    by_subject: BTreeMap<(Slot, String), BTreeSet<String>>,
    /// Every task that ledger and manifest knew when the run began.
    tasks: Arc<BTreeSet<String>>,
}

impl KnownClaims {
    pub fn new<'t>(takes: impl Iterator<Item = &'t Take>, mut tasks: BTreeSet<String>) -> Self {
        let mut by_subject: BTreeMap<(Slot, String), BTreeSet<String>> = BTreeMap::new();
        for take in takes {
            for attempt in &take.attempts {
                tasks.extend(attempt.task_id.clone());
                if let Some(place) = attempt.intent.claim_place() {
                    let subject = (take.slot.clone(), attempt.intent.fingerprint.clone());
                    by_subject.entry(subject).or_default().insert(place.to_owned());
                }
            }
        }
        Self { by_subject, tasks: Arc::new(tasks) }
    }

    fn of(&self, slot: &Slot, fingerprint: &str) -> BTreeSet<String> {
        self.by_subject.get(&(slot.clone(), fingerprint.to_owned())).cloned().unwrap_or_default()
    }

    /// False where it was known already.
    fn add(&mut self, slot: &Slot, fingerprint: &str, name: &str) -> bool {
        let subject = (slot.clone(), fingerprint.to_owned());
        self.by_subject.entry(subject).or_default().insert(name.to_owned())
    }
}

impl<'e, 'w: 'e, E: FnMut(Stamped)> Dispatcher<'e, 'w, E> {
    /// Asks for the claim of what is about to be sent.
    pub(super) fn claim(&mut self, index: usize, intent: &Intent, grant: GrantId) {
        let job = &self.jobs[index];
        let by = crate::shared::new_id();
        let kinds: Vec<_> = job.steps.iter().map(|step| step.kind).collect();
        let document = work_of(&job.slot, job.number, &job.ask, &kinds, intent);
        let slot = job.slot.clone();
        let claim = Claim {
            known: self.claims.of(&slot, &intent.fingerprint),
            tasks: Arc::clone(&self.claims.tasks),
            fingerprint: intent.fingerprint.clone(),
            by: by.clone(),
            document,
            slot: slot.clone(),
        };
        // The next one that asks for the same must not take this one for another machine's.
        self.claims.add(&slot, &intent.fingerprint, &by);
        self.jobs[index].stage = Stage::Claiming;
        let executor = self.executor;
        self.posts.push(executor.claim(index, grant, claim).boxed_local());
    }

    /// What came of a claim: whoever has it sends.
    pub(super) fn claimed(
        &mut self,
        index: usize,
        grant: GrantId,
        outcome: Result<Claimed, String>,
    ) -> Result<(), Fatal> {
        let now = self.now();
        let Some(current) = self.jobs[index].current.clone() else { return Ok(()) };
        if let Ok(Claimed::Ours { place }) = &outcome {
            self.ledger.claimed(current.attempt, place)?;
            self.know_claim(index, place);
            if let Some(current) = &mut self.jobs[index].current {
                current.claim = Some(place.clone());
            }
            if self.leaving.is_none() && self.halt.is_none() {
                self.post(index, grant);
                return Ok(());
            }
        }
        // Nothing was sent, and nothing will be.
        self.close(&grant);
        self.ledger.forgotten(current.attempt, now)?;
        self.tell(index, AttemptState::Forgotten, News::Forgotten);
        self.release(index);
        self.jobs[index].current = None;
        match outcome {
            Ok(Claimed::Ours { .. }) => match self.halt {
                Some(halt) => self.block_for_halt(index, halt),
                None => self.end(index, End::Unfinished),
            },
            Ok(Claimed::Theirs { place, .. }) if !self.know_claim(index, &place) => {
                // Another take of this scene follows that one by now, and this one is one more.
                self.jobs[index].stage =
                    Stage::Ready { bound: current.bound, not_before_ms: now, bound_ms: now };
            }
            Ok(Claimed::Theirs { place, holder, since_ms }) => {
                self.job_event(index, Event::Followed { holder: holder.clone() });
                if self.policy.submit_only {
                    self.end(index, End::StillRunning);
                } else {
                    let bound = current.bound;
                    let followed = Followed { place, holder, since_ms, seen_ms: now, bound };
                    self.jobs[index].stage = Stage::Elsewhere(followed);
                    self.listen(index, Duration::ZERO);
                }
            }
            Err(message) => {
                self.halt(Halt::Cache, &printable(&message, 300));
                self.block_for_halt(index, Halt::Cache);
            }
        }
        Ok(())
    }

    /// Remembers a claim or a task of the present request. False where it was known already.
    fn know_claim(&mut self, index: usize, name: &str) -> bool {
        let job = &self.jobs[index];
        let request = job.step_work().and_then(|step| symbolic(job, step));
        request.is_none_or(|request| self.claims.add(&job.slot, &request.fingerprint(), name))
    }

    /// Tells the others what became of the attempt that a job works on. What they cannot be told now they are told by the
    /// next run: the ledger knows what they have heard.
    pub(super) fn tell(&mut self, index: usize, state: AttemptState, news: News) {
        let current = self.jobs[index].current.as_ref();
        let Some((attempt, place)) =
            current.and_then(|current| Some((current.attempt, current.claim.clone()?)))
        else {
            return;
        };
        let executor = self.executor;
        self.posts.push(executor.tell(attempt, state, place, news).boxed_local());
    }

    pub(super) fn told(
        &mut self,
        attempt: AttemptId,
        state: AttemptState,
        outcome: Result<(), String>,
    ) -> Result<(), Fatal> {
        match outcome {
            Ok(()) => self.ledger.told(attempt, state)?,
            Err(message) => self.cannot_share(&message),
        }
        Ok(())
    }

    /// Gives the others the clip of the present step, and then tells them that it is there.
    pub(super) fn share(&mut self, index: usize, sha256: &str, news: News) {
        let told = self.jobs[index]
            .current
            .as_ref()
            .and_then(|current| Some((current.attempt, current.claim.clone()?, news)));
        let executor = self.executor;
        if executor.shared.is_some() {
            self.posts.push(executor.share(sha256.to_owned(), told).boxed_local());
        }
    }

    pub(super) fn shared(
        &mut self,
        sha256: String,
        told: Option<AttemptId>,
        outcome: Result<(), String>,
    ) -> Result<(), Fatal> {
        match outcome {
            Ok(()) => {
                self.ledger.remember_kept(&[sha256])?;
                if let Some(attempt) = told {
                    self.ledger.told(attempt, AttemptState::Downloaded)?;
                }
            }
            Err(message) => self.cannot_share(&message),
        }
        Ok(())
    }

    /// Once a run is enough: the same will be wrong with the next clip.
    fn cannot_share(&mut self, message: &str) {
        if std::mem::replace(&mut self.told_of_cache, true) {
            return;
        }
        let message = printable(message, 300);
        let hint = "what is rendered is kept here; the next run gives it to the others".to_owned();
        self.event(None, Event::Error { code: "cache".into(), message, hint: Some(hint) });
    }

    /// Asks after a while what became of a claim of others.
    fn listen(&mut self, index: usize, wait: Duration) {
        let Stage::Elsewhere(followed) = &self.jobs[index].stage else { return };
        let executor = self.executor;
        self.others.push(executor.hear(index, followed.place.clone(), wait).boxed_local());
    }

    /// What became of a claim of others.
    pub(super) fn heard(
        &mut self,
        index: usize,
        outcome: Result<News, String>,
    ) -> Result<(), Fatal> {
        let Stage::Elsewhere(followed) = self.jobs[index].stage.clone() else { return Ok(()) };
        let news = match outcome {
            Ok(news) => news,
            Err(message) => {
                self.cannot_share(&message);
                self.listen(index, BETWEEN_LOOKS);
                return Ok(());
            }
        };
        let upgrade = self.jobs[index].step_work().is_some_and(|step| step.upgrade);
        match news {
            News::Nothing | News::Submitted { task_id: None } => {
                self.wait_for_others(index, &followed, upgrade)
            }
            News::Unknown { failure } => self.unknown_elsewhere(index, &followed, &failure.message),
            News::Forgotten => {
                self.jobs[index].stage = Stage::Waiting;
                Ok(())
            }
            News::Failed { failure, .. } if failure.class.may_repeat() => {
                self.jobs[index].stage = Stage::Waiting;
                Ok(())
            }
            News::Failed { failure, .. } => {
                let failure = super::submit::safe(failure);
                let now = self.now();
                let Some(attempt) = self.take_over(index, &followed)? else { return Ok(()) };
                self.ledger.failed(attempt, &failure, Some(0.0), now)?;
                let message = super::submit::refusal(&failure, self.inputs_of(index));
                let message = format!("{message} ({} asked for it)", followed.holder);
                self.fail_job(index, failure.class, message, None);
                Ok(())
            }
            News::Submitted { task_id: Some(task) } => {
                let now = self.now();
                let Some(attempt) = self.take_over(index, &followed)? else { return Ok(()) };
                self.ledger.submitted(attempt, Some(&task), now)?;
                self.tasks.insert(task.clone());
                self.know_claim(index, &task);
                let interval = self.patience(index).first;
                if let Some(current) = &mut self.jobs[index].current {
                    current.task_id = Some(task.clone());
                    current.recorded = true;
                    current.interval = interval;
                }
                self.job_event(index, Event::Resumed { task_id: Some(printable(&task, 200)) });
                self.watch(index, Duration::ZERO);
                Ok(())
            }
            News::Done { task_id, urls, charged, clip } => {
                let now = self.now();
                let Some(attempt) = self.take_over(index, &followed)? else { return Ok(()) };
                if task_id.is_some() || upgrade {
                    self.ledger.submitted(attempt, task_id.as_deref(), now)?;
                }
                self.ledger.finished(attempt, &urls, charged, now)?;
                if let Some(task) = &task_id {
                    self.tasks.insert(task.clone());
                    self.know_claim(index, task);
                }
                if let Some(current) = &mut self.jobs[index].current {
                    current.task_id = task_id;
                    current.recorded = true;
                    current.urls = urls;
                    current.charged = charged;
                }
                self.fetch_shared(index, &clip.sha256);
                Ok(())
            }
        }
    }

    fn fetch_shared(&mut self, index: usize, sha256: &str) {
        let job = &self.jobs[index];
        let (Some(step), Some(current)) = (job.step_work(), job.current.as_ref()) else { return };
        let (kind, task) = (step.kind, current.task_id.clone().or_else(|| self.source_task(index)));
        self.jobs[index].stage = Stage::Downloading;
        let executor = self.executor;
        self.others.push(executor.fetch_shared(index, sha256.to_owned(), kind, task).boxed_local());
    }

    fn wait_for_others(
        &mut self,
        index: usize,
        followed: &Followed,
        upgrade: bool,
    ) -> Result<(), Fatal> {
        let now = self.now();
        let seen = now.saturating_sub(followed.seen_ms);
        let since = now.saturating_sub(followed.since_ms);
        if upgrade {
            if since < millis(UPGRADED_WITHIN) && seen < millis(UPGRADED_WITHIN) {
                self.listen(index, BETWEEN_LOOKS);
                return Ok(());
            }
            // To repeat its call is to poll it.
            self.take_over(index, followed)?;
            self.job_event(index, Event::Resumed { task_id: None });
            self.watch(index, Duration::ZERO);
            return Ok(());
        }
        if seen < millis(ANSWERED_WITHIN) && since < millis(ANSWERED_BY_THEIR_CLOCK) {
            self.listen(index, BETWEEN_LOOKS);
            return Ok(());
        }
        let message = "nobody has told what became of it since";
        self.unknown_elsewhere(index, followed, message)
    }

    /// Somebody may have sent it. This machine's ledger says so, too: it is shown, and whoever decides tells all.
    fn unknown_elsewhere(
        &mut self,
        index: usize,
        followed: &Followed,
        why: &str,
    ) -> Result<(), Fatal> {
        let now = self.now();
        let Some(attempt) = self.take_over(index, followed)? else { return Ok(()) };
        let at = jiff::Timestamp::from_millisecond(followed.since_ms).unwrap_or_default();
        let message =
            format!("{} was about to send it at {at:.0}: {}", followed.holder, printable(why, 300));
        let failure = Failure { class: FailureClass::Other, code: None, message };
        self.ledger.unknown(attempt, &failure, now)?;
        let credits = self.jobs[index].current.as_ref().and_then(|current| current.reserved);
        self.event_unknown(index, failure.message, credits);
        Ok(())
    }

    /// An attempt of our own that stands for what others have claimed, so that this machine's record knows of it.
    fn take_over(&mut self, index: usize, followed: &Followed) -> Result<Option<AttemptId>, Fatal> {
        let now = self.now();
        let job = &self.jobs[index];
        let Some(step) = job.step_work().cloned() else { return Ok(None) };
        let Some(request) = symbolic(job, &step) else { return Ok(None) };
        let take = self.take_of(index)?;
        let mut intent = step.intent(take, self.jobs[index].step, request, followed.bound.clone());
        // Until the claim is noted, it counts as never sent, which is what is true of this machine.
        intent.claim = Some(String::new());
        let attempt = self.ledger.intend(&intent, now)?;
        self.ledger.claimed(attempt, &followed.place)?;
        let interval = self.patience(index).first;
        let job = &mut self.jobs[index];
        job.current = Some(Current {
            ours: false,
            since_ms: followed.since_ms.min(now),
            claim: Some(followed.place.clone()),
            theirs: true,
            ..Current::new(attempt, followed.bound.clone(), step.credits, interval, now)
        });
        Ok(Some(attempt))
    }

    /// The run ends while a claim is asked for: what is not noted is not sent.
    pub(super) fn abandon_claiming(&mut self, index: usize) {
        let now = self.now();
        if let Some(current) = &self.jobs[index].current {
            // Where this cannot be written, the next process comes to the same conclusion.
            drop(self.ledger.forgotten(current.attempt, now));
        }
        self.release(index);
        self.end(index, End::Unfinished);
    }
}

impl Current {
    /// An attempt of which nothing is known yet.
    pub fn new(
        attempt: AttemptId,
        bound: Value,
        reserved: Option<f64>,
        interval: Duration,
        now_ms: i64,
    ) -> Self {
        Self {
            attempt,
            task_id: None,
            bound,
            reserved,
            ours: true,
            recorded: false,
            since_ms: now_ms,
            watched_ms: now_ms,
            interval,
            seen: false,
            read_troubles: Backoff::default(),
            empty: 0,
            urls: Vec::new(),
            charged: None,
            download_troubles: Backoff::default(),
            relinked: 0,
            claim: None,
            theirs: false,
        }
    }
}
