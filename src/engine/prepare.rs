//! What comes before a submission: dependencies, tasks of earlier runs, uploads, and the binding of the request.

use super::dispatcher::{Dispatcher, Fatal};
use super::event::{Event, Stamped};
use super::job::{Current, End, Job, Placed, Stage};
use super::restore::Restore;
use super::submit::symbolic;
use crate::ledger::{Attempt, AttemptState, FailureClass};
use crate::manifest::Media;
use crate::plan::VOICE_MARGIN;
use crate::plan::edges::Part;
use crate::plan::request::put_scenes;
use crate::plan::{Awaited, ClipRef, Slot, StepStart, StepWork};
use crate::remote::backoff::Next;
use crate::remote::bind::{Need, bind, needs};
use crate::remote::outcome::{Trouble, Uploaded};
use crate::remote::printable;
use crate::storyboard::StepKind;
use futures::FutureExt as _;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// An upload link must live until the provider has fetched it, which can be a while after the submission.
pub(super) const LINK_MARGIN_MS: i64 = 60 * 60 * 1000;
const UPLOADS_AT_ONCE: usize = 4;

/// Whether what a job waits for allows it to start.
enum Dependencies {
    Met,
    Pending,
    Broken(String, End),
}

impl<'e, 'w: 'e, E: FnMut(Stamped)> Dispatcher<'e, 'w, E> {
    /// Starts the present step of a waiting job as far as it goes now. True when its stage changed.
    pub(super) fn begin(&mut self, index: usize) -> Result<bool, Fatal> {
        let before = (self.jobs[index].step, self.jobs[index].stage.clone());
        self.begin_step(index)?;
        Ok(before != (self.jobs[index].step, self.jobs[index].stage.clone()))
    }

    fn begin_step(&mut self, index: usize) -> Result<(), Fatal> {
        let job = &self.jobs[index];
        let to_do = job.steps.iter().skip(job.step);
        let next = to_do.map(|step| &step.start).find(|start| !matches!(start, StepStart::Done(_)));
        let next = next.cloned();
        let is_new = matches!(next, Some(StepStart::Fresh | StepStart::Shared));
        if is_new && !self.voice_fits(index)? {
            return Ok(());
        }
        // A task that is in flight already was sent for this very request, so it is watched whatever it waited for,
        // and what is done is published.
        let dependencies = match next {
            Some(StepStart::Resume(_)) | None => Dependencies::Met,
            Some(_) => self.dependencies(index),
        };
        match dependencies {
            Dependencies::Met => {
                if is_new && !self.put_upstream(index)? {
                    return Ok(());
                }
            }
            Dependencies::Pending => return Ok(()),
            Dependencies::Broken(scene, end) => {
                let message = format!("waits for scene `{scene}`, which is not published");
                self.block(index, "dependency", message, end);
                return Ok(());
            }
        }
        loop {
            let job = &mut self.jobs[index];
            let Some(step) = job.steps.get_mut(job.step) else {
                if job.stale() {
                    self.keep_stale(index)?;
                } else {
                    job.stage = Stage::Publishable;
                }
                return Ok(());
            };
            if step.start == StepStart::Shared {
                match self.shared_clip(index) {
                    Ok(Some(clip)) => self.jobs[index].advance(clip, false),
                    Ok(None) => return Ok(()),
                    Err(end) => {
                        let message = "the take that makes what it starts from has not".to_owned();
                        self.block(index, "dependency", message, end);
                        return Ok(());
                    }
                }
                continue;
            }
            // A start is taken once: what fails afterwards begins anew.
            match std::mem::replace(&mut step.start, StepStart::Fresh) {
                StepStart::Done(clip) => {
                    let paid = job.take.is_some() && !job.reused.contains(&job.step);
                    job.advance(clip, paid);
                }
                StepStart::Resume(attempt) => match self.attempts.get(&attempt).cloned() {
                    Some(attempt) => {
                        if self.resume(index, attempt)? {
                            return Ok(());
                        }
                    }
                    None => break,
                },
                StepStart::Fresh | StepStart::Shared => break,
            }
        }
        if self.jobs[index].stale() {
            return self.keep_stale(index);
        }
        if let Some(halt) = self.halt {
            self.release(index);
            self.block_for_halt(index, halt);
            return Ok(());
        }
        if self.now() < self.jobs[index].not_before_ms {
            return Ok(());
        }
        self.prepare(index)
    }

    /// Whether the scene's voice, which is made before its clip, is there and not too long. Where it never comes, or is, the
    /// job is over.
    fn voice_fits(&mut self, index: usize) -> Result<bool, Fatal> {
        let job = &self.jobs[index];
        let Some(within) = job.voice_within else { return Ok(true) };
        let scene = job.slot.scene.clone();
        let voices = || self.jobs_of(index, &scene).filter(|other| other.media() == Media::Audio);
        let spoken = voices().find(|other| other.placed == Some(Placed::Current));
        let content = spoken.and_then(|spoken| Some(spoken.clips.last()?.sha256.clone()));
        match (progress(voices()), content) {
            (Progress::Over(end), _) => {
                self.block(index, "dependency", "its voice was not made".into(), end);
                Ok(false)
            }
            (Progress::Pending, _) => Ok(false),
            (Progress::Done, content) => {
                let clip = match content {
                    Some(sha256) => self.ledger.clip(&sha256)?,
                    None => None,
                };
                let seconds =
                    clip.and_then(|clip| clip.probe.get("duration")?.as_f64()).unwrap_or_default();
                if seconds > within + VOICE_MARGIN {
                    let message = format!(
                        "its voice takes {:.2} s and the scene has {within} s, so no clip was paid for: make the scene longer, or its words shorter",
                        seconds
                    );
                    self.block(index, "voice-too-long", message, End::Failed);
                    return Ok(false);
                }
                Ok(true)
            }
        }
    }

    fn dependencies(&self, index: usize) -> Dependencies {
        let job = &self.jobs[index];
        for scene in &job.after {
            // A scene may have several takes in the making, and a still before its clip.
            for media in [Media::Image, Media::Audio, Media::Video] {
                let others = self.jobs_of(index, scene).filter(|other| other.media() == media);
                match progress(others) {
                    Progress::Done => {}
                    Progress::Pending => return Dependencies::Pending,
                    Progress::Over(end) => return Dependencies::Broken(scene.clone(), end),
                }
            }
            let same = |slot: &Slot| {
                slot.scene == *scene
                    && slot.storyboard == job.slot.storyboard
                    && slot.variant == job.slot.variant
            };
            // A take that only stands beside is nobody's source.
            let gives = |restore: &&Restore| same(&restore.work.slot) && !restore.work.is_beside();
            for restore in self.restores.iter().filter(gives) {
                match restore.succeeded() {
                    Some(true) => {}
                    Some(false) => return Dependencies::Broken(scene.clone(), End::Blocked),
                    None => return Dependencies::Pending,
                }
            }
        }
        Dependencies::Met
    }

    /// Jobs that make what another scene gives.
    fn jobs_of<'j>(&'j self, index: usize, scene: &'j str) -> impl Iterator<Item = &'j Job> {
        let own = &self.jobs[index].slot;
        self.jobs.iter().filter(move |other| {
            !other.stale()
                && !other.beside
                && other.slot.scene == scene
                && other.slot.storyboard == own.storyboard
                && other.slot.variant == own.variant
        })
    }

    /// What another take of the scene has made for the present step of this one, once it has. An error is how that ended.
    fn shared_clip(&self, index: usize) -> Result<Option<ClipRef>, End> {
        let job = &self.jobs[index];
        let scene = &job.slot.scene;
        let others = || {
            let others = self.jobs_of(index, scene);
            others.filter(|other| !std::ptr::eq(*other, job))
        };
        // The still that was made before its clip is the one that is published, whichever was finished first.
        let is_still = |other: &&Job| other.media() == Media::Image && job.media() != Media::Image;
        let mut stills = others().filter(is_still).peekable();
        if stills.peek().is_some() {
            let made =
                others().find(|other| is_still(other) && other.placed == Some(Placed::Current));
            return match (made.and_then(|made| made.clips.last()), progress(stills)) {
                (Some(clip), _) => Ok(Some(clip.clone())),
                (None, Progress::Over(end)) => Err(end),
                (None, _) => Ok(None),
            };
        }
        let makes = |other: &&Job| {
            let makes =
                other.steps.get(job.step).is_some_and(|step| step.start != StepStart::Shared);
            other.media() == job.media() && (makes || other.clips.len() > job.step)
        };
        let Some(first) = others().find(makes) else { return Err(End::Blocked) };
        match (first.clips.get(job.step), &first.stage) {
            (Some(clip), _) => Ok(Some(clip.clone())),
            (None, Stage::Over(end)) => Err(after(*end)),
            (None, _) => Ok(None),
        }
    }

    /// Puts what other scenes gave into the requests, the ask and the entry of a job. False, and the job is blocked, where
    /// one of them has not given it.
    fn put_upstream(&mut self, index: usize) -> Result<bool, Fatal> {
        let awaits = std::mem::take(&mut self.jobs[index].awaits);
        if awaits.is_empty() {
            return Ok(true);
        }
        let mut given: BTreeMap<String, Value> = BTreeMap::new();
        for used in awaits {
            let Some(symbol) = self.symbol_of(index, &used) else {
                let message = format!("scene `{}` has not given what it starts from", used.scene);
                self.block(index, "dependency", message, End::Blocked);
                return Ok(false);
            };
            given.insert(used.name(), symbol);
        }
        let job = &mut self.jobs[index];
        for step in &mut job.steps {
            put_scenes(&mut step.request.body, &given);
            put_in_members(&mut step.parts, &given);
        }
        if let Value::Object(ask) = &mut job.ask {
            let known = ask.entry("upstream").or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(known) = known {
                known.extend(given.clone());
            }
        }
        if let Some(entry) = &mut job.entry {
            put_in_members(&mut entry.fields, &given);
            entry.fields.insert("ask".into(), job.ask.clone());
            for step in &mut entry.steps {
                put_in_members(step, &given);
            }
        }
        if let Some(take) = job.take {
            // A take that was opened before says what it is made for now.
            let kinds = job.steps.iter().map(|step| step.kind).collect();
            self.ledger.redirect_takes(&[(take, job.ask.clone(), kinds)])?;
        }
        Ok(true)
    }

    /// What another scene of this run gives.
    fn symbol_of(&self, index: usize, used: &Awaited) -> Option<Value> {
        let still = |step: &StepWork| step.kind == StepKind::Keyframe;
        let placed = |other: &&Job| {
            let is_voice = other.media() == Media::Audio;
            other.placed == Some(Placed::Current) && is_voice == (used.part == Part::Voice)
        };
        let others = || self.jobs_of(index, &used.scene).filter(placed);
        // A clip and its still may both have been made: the clip is what the scene gives.
        let of_clip = others().find(|other| other.media() == Media::Video);
        let other = of_clip.or_else(|| others().next())?;
        let media = other.media();
        let clip = match used.part {
            Part::Keyframe => other.clips.get(other.steps.iter().position(still)?)?,
            _ => other.clips.get(other.steps.len().checked_sub(1)?)?,
        };
        Some(used.symbol(&clip.sha256, media))
    }

    /// Takes up an attempt of an earlier run. False when there is nothing to take up, so that the step begins anew
    /// (or, where its clip is here, is already done).
    fn resume(&mut self, index: usize, attempt: Attempt) -> Result<bool, Fatal> {
        let now = self.now();
        let repeatable = attempt.intent.upgrade;
        match attempt.state {
            AttemptState::Submitted | AttemptState::Finished => {}
            AttemptState::Intent if repeatable => {}
            // The cache was emptied since: the clip is fetched again from where it came.
            AttemptState::Downloaded
                if attempt.clip.as_deref().is_some_and(|clip| !self.is_cached(clip))
                    && !attempt.urls.is_empty() => {}
            AttemptState::Downloaded => {
                if let Some(sha256) = attempt.clip.clone() {
                    let clip = ClipRef {
                        sha256,
                        task_id: attempt.task_id.clone(),
                        credits: attempt.charged.or(attempt.intent.reserved),
                        created_at: Some(super::restore::rfc3339(attempt.changed_ms)),
                    };
                    self.jobs[index].advance(clip, true);
                }
                return Ok(false);
            }
            AttemptState::Intent | AttemptState::Unknown => {
                let message = "an earlier submission of it has an unknown outcome".to_owned();
                self.event_unknown(index, message, attempt.intent.reserved);
                return Ok(true);
            }
            AttemptState::Failed | AttemptState::Forgotten => return Ok(false),
        }
        let task_id = attempt.task_id.clone();
        let intent = &attempt.intent;
        let interval = self.patience(index).first;
        let current = Current {
            task_id: task_id.clone(),
            ours: attempt.state == AttemptState::Intent,
            recorded: attempt.state != AttemptState::Intent,
            since_ms: attempt.created_ms,
            urls: attempt.urls.clone(),
            charged: attempt.charged,
            claim: intent.claim_place().map(str::to_owned),
            ..Current::new(attempt.id, intent.bound.to_value(), intent.reserved, interval, now)
        };
        self.jobs[index].current = Some(current);
        self.job_event(
            index,
            Event::Resumed { task_id: task_id.map(|task| printable(&task, 200)) },
        );
        if attempt.state == AttemptState::Intent {
            // Nobody knows whether its first call was made, so this call may be the one that costs: it waits for its
            // turn, its place in the window and the budget like any other.
            self.jobs[index].stage = Stage::Ready {
                bound: attempt.intent.bound.to_value(),
                not_before_ms: now,
                bound_ms: now,
            };
        } else if attempt.state == AttemptState::Finished && !attempt.urls.is_empty() {
            self.jobs[index].stage = Stage::Wanted { not_before_ms: now };
        } else {
            self.jobs[index].stage = Stage::AtProvider;
            self.watch(index, Duration::ZERO);
        }
        Ok(true)
    }

    /// Binds the request of the present step, or starts the uploads that it needs first.
    pub(super) fn prepare(&mut self, index: usize) -> Result<(), Fatal> {
        let now = self.now();
        let job = &self.jobs[index];
        let Some(step) = job.step_work() else { return Ok(()) };
        let Some(request) = symbolic(job, step) else {
            self.fail_job(
                index,
                FailureClass::Other,
                "its request waits for a clip that no step has made".into(),
                Some(false),
            );
            return Ok(());
        };
        let provider = step.provider.clone();
        // Before anything is uploaded for it, so that what cannot be paid for costs no traffic either.
        if !self.affordable(index)? {
            return Ok(());
        }
        let mut known: BTreeMap<Need, String> = BTreeMap::new();
        let mut missing: Vec<Need> = Vec::new();
        for need in needs(&request.body) {
            let text = match &need {
                Need::Task(digest) => match self.task_of(index, digest)? {
                    Some(task) => Some(task),
                    None => {
                        self.fail_job(
                            index,
                            FailureClass::Input,
                            "the task that made the clip it starts from is not known, so the provider cannot be told"
                                .into(),
                            Some(false),
                        );
                        return Ok(());
                    }
                },
                Need::File(_) | Need::Clip { .. } => {
                    self.ledger.upload(&need.key(), now.saturating_add(LINK_MARGIN_MS))?
                }
            };
            match text {
                Some(text) => {
                    known.insert(need, text);
                }
                None => missing.push(need),
            }
        }
        if missing.is_empty() {
            match bind(&request.body, &known) {
                Ok(bound) => {
                    self.jobs[index].stage =
                        Stage::Ready { bound, not_before_ms: now, bound_ms: now };
                }
                Err(message) => {
                    self.fail_job(index, FailureClass::Input, message, Some(false));
                }
            }
            return Ok(());
        }
        if missing.iter().any(|need| !self.uploading.contains(need))
            && self.uploading.len() >= UPLOADS_AT_ONCE
        {
            return Ok(());
        }
        for need in &missing {
            if !self.uploading.contains(need)
                && !self.start_upload(index, need, &provider, Duration::ZERO)
            {
                return Ok(());
            }
        }
        self.jobs[index].stage = Stage::Uploading(missing);
        Ok(())
    }

    fn is_cached(&self, sha256: &str) -> bool {
        matches!(self.executor.intake.files.stat(&self.layout.cached(sha256)), Ok(Some(_)))
    }

    fn task_of(&mut self, index: usize, digest: &str) -> Result<Option<String>, Fatal> {
        let own = self.jobs[index]
            .clips
            .iter()
            .rev()
            .find(|clip| clip.sha256 == digest)
            .and_then(|clip| clip.task_id.clone());
        match own {
            Some(task) => Ok(Some(task)),
            None => Ok(self.ledger.clip(digest)?.and_then(|clip| clip.task_id)),
        }
    }

    /// False when the job failed because there is nothing to upload.
    fn start_upload(&mut self, index: usize, need: &Need, provider: &str, wait: Duration) -> bool {
        let (path, frame) = match need {
            Need::File(digest) => match self.files.get(digest) {
                Some(path) => (path.clone(), None),
                None => {
                    self.fail_job(
                        index,
                        FailureClass::Input,
                        "a file that it names is not there any more; run again".into(),
                        Some(false),
                    );
                    return false;
                }
            },
            Need::Clip { sha256, frame } => {
                let cached = self.layout.cached(sha256);
                let published = self.files.get(sha256).filter(|_| !self.is_cached(sha256));
                (published.cloned().unwrap_or(cached), frame.clone())
            }
            Need::Task(_) => return true,
        };
        if wait.is_zero() {
            let bytes =
                self.executor.intake.files.stat(&path).ok().flatten().map_or(0, |(bytes, _)| bytes);
            self.job_event(index, Event::Uploading { bytes });
        }
        self.uploading.insert(need.clone());
        let executor = self.executor;
        self.others.push(
            executor.upload(need.clone(), provider.to_owned(), path, frame, wait).boxed_local(),
        );
        true
    }

    pub(super) fn uploaded(
        &mut self,
        need: Need,
        outcome: Result<Uploaded, Trouble>,
    ) -> Result<(), Fatal> {
        self.uploading.remove(&need);
        let waiting: Vec<usize> = self
            .jobs
            .iter()
            .enumerate()
            .filter(|(_, job)| {
                matches!(&job.stage, Stage::Uploading(missing) if missing.contains(&need))
            })
            .map(|(index, _)| index)
            .collect();
        match outcome {
            Ok(uploaded) => {
                self.upload_troubles.remove(&need);
                self.ledger.remember_upload(&need.key(), &uploaded.url, uploaded.expires_ms)?;
                for index in waiting {
                    let done = match &mut self.jobs[index].stage {
                        Stage::Uploading(missing) => {
                            missing.retain(|other| *other != need);
                            missing.is_empty()
                        }
                        _ => false,
                    };
                    if done {
                        self.jobs[index].stage = Stage::Waiting;
                    }
                }
            }
            Err(trouble) => {
                if trouble.key {
                    return Err(Fatal::key(&trouble.message));
                }
                let now = self.now();
                let chance = self.executor.clock.chance();
                let next = if trouble.repeat {
                    let troubles = self.upload_troubles.entry(need.clone()).or_default();
                    troubles.failed(&self.policy.backoff, now, chance)
                } else {
                    Next::Over
                };
                let message = printable(&trouble.message, 300);
                match (next, waiting.first()) {
                    (Next::After(wait), Some(first)) => {
                        let provider =
                            self.jobs[*first].step_work().map(|step| step.provider.clone());
                        self.job_event(
                            *first,
                            Event::Retrying {
                                reason: format!("upload: {message}"),
                                delay_s: wait.as_secs_f64(),
                            },
                        );
                        self.start_upload(*first, &need, &provider.unwrap_or_default(), wait);
                    }
                    (Next::After(_), None) => {}
                    (Next::Over, _) if trouble.network => return Err(Fatal::network(&message)),
                    (Next::Over, _) => {
                        for index in waiting {
                            self.fail_job(
                                index,
                                FailureClass::Input,
                                format!("a file for it could not be uploaded: {message}"),
                                Some(false),
                            );
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// How far the takes are of which one is waited for.
enum Progress {
    Done,
    Pending,
    Over(End),
}

/// One of them is enough; where there are none there is nothing to wait for.
fn progress<'j>(jobs: impl Iterator<Item = &'j Job>) -> Progress {
    let mut ended = None;
    let mut pending = false;
    for job in jobs {
        match job.stage {
            Stage::Over(_) if job.placed == Some(Placed::Current) => return Progress::Done,
            Stage::Over(end) => ended = Some(after(end)),
            _ => pending = true,
        }
    }
    match ended {
        _ if pending => Progress::Pending,
        Some(end) => Progress::Over(end),
        None => Progress::Done,
    }
}

/// How what waits for a job ends with it.
fn after(end: End) -> End {
    match end {
        End::StillRunning | End::Unfinished => End::Unfinished,
        _ => End::Blocked,
    }
}

fn put_in_members(map: &mut Map<String, Value>, given: &BTreeMap<String, Value>) {
    for value in map.values_mut() {
        put_scenes(value, given);
    }
}
