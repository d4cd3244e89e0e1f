//! Content that is published without rendering, and the publishing of what was rendered.

use super::dispatcher::{Dispatcher, Fatal, millis};
use super::event::{About, Event, Stamped};
use super::executor::Target;
use super::intake::FetchError;
use super::job::{End, Placed, Stage};
use crate::ledger::{ClipRecord, FailureClass};
use crate::manifest::{CANDIDATE, split};
use crate::media::Probe;
use crate::plan::{ClipSource, RestoreWork};
use crate::publish::{
    PublishError, Published, Publisher, Rendered, RenderedStep, ToPublish, complete,
};
use crate::remote::backoff::{Backoff, Next};
use crate::remote::printable;
use crate::storyboard::SceneId;
use futures::FutureExt as _;
use serde_json::Value;

/// One restore of a run.
#[derive(Debug)]
pub(super) struct Restore {
    pub work: RestoreWork,
    state: State,
    /// Index of the source that is tried.
    source: usize,
    troubles: Backoff,
}

#[derive(Debug, PartialEq)]
enum State {
    Looking {
        not_before_ms: i64,
    },
    /// On its way from there.
    Fetching(&'static str),
    Found {
        clip: ClipRecord,
        from: &'static str,
    },
    Published,
    Absent,
}

impl Restore {
    pub fn new(work: RestoreWork) -> Self {
        Self {
            work,
            state: State::Looking { not_before_ms: 0 },
            source: 0,
            troubles: Backoff::default(),
        }
    }

    pub fn is_over(&self) -> bool {
        self.succeeded().is_some()
    }

    pub fn succeeded(&self) -> Option<bool> {
        match self.state {
            State::Published => Some(true),
            State::Absent => Some(false),
            _ => None,
        }
    }

    pub fn wakes_at(&self) -> Option<i64> {
        match self.state {
            State::Looking { not_before_ms } => Some(not_before_ms),
            _ => None,
        }
    }

    fn about(&self) -> About {
        let scene_id = self
            .work
            .entry
            .as_ref()
            .map_or_else(|| SceneId::parse(&self.work.slot.scene), |entry| entry.scene_id.clone());
        About { scene_id, step: None, step_index: None, take: None }
    }
}

impl<'e, 'w: 'e, E: FnMut(Stamped)> Dispatcher<'e, 'w, E> {
    /// Looks for the content of restores, and publishes them all together once each is found or given up: moves
    /// exchange files, so none of them may be seen without the others.
    pub(super) fn advance_restores(&mut self) -> Result<(), Fatal> {
        for index in 0..self.restores.len() {
            self.look_for(index)?;
        }
        let decided = self
            .restores
            .iter()
            .all(|restore| matches!(restore.state, State::Found { .. }) || restore.is_over());
        if decided { self.publish_restores() } else { Ok(()) }
    }

    fn look_for(&mut self, index: usize) -> Result<(), Fatal> {
        let now = self.now();
        loop {
            let restore = &self.restores[index];
            match restore.state {
                State::Looking { not_before_ms } if not_before_ms <= now => {}
                _ => return Ok(()),
            }
            let wanted = restore.work.clip.sha256.clone();
            let Some(source) = restore.work.sources.get(restore.source).cloned() else {
                self.give_up(index, "its clip is neither here nor at the provider any more");
                return Ok(());
            };
            match source {
                ClipSource::Cache => {
                    let path = self.layout.cached(&wanted);
                    if self.holds(&path, &wanted) {
                        self.found(index, "cache")?;
                        return Ok(());
                    }
                }
                ClipSource::File(filename) => {
                    if let Some(path) = self.layout.asset(&filename)
                        && self.holds(&path, &wanted)
                    {
                        self.copy_to_cache(&path, &wanted)?;
                        self.found(index, "take")?;
                        return Ok(());
                    }
                }
                ClipSource::Shared => {
                    if self.fetching() >= self.policy.downloads.max(1) {
                        return Ok(());
                    }
                    let task = self.restores[index].work.clip.task_id.clone();
                    self.restores[index].state = State::Fetching("shared");
                    let executor = self.executor;
                    self.others.push(executor.recover_shared(index, wanted, task).boxed_local());
                    return Ok(());
                }
                ClipSource::Provider { provider, family, operation, task_id } => {
                    if self.fetching() >= self.policy.downloads.max(1) {
                        return Ok(());
                    }
                    let target = Target {
                        provider,
                        family,
                        operation,
                        upgrade: false,
                        method: String::new(),
                        path: String::new(),
                        bound: Value::Null,
                        task_id: Some(task_id),
                    };
                    self.restores[index].state = State::Fetching("provider");
                    let executor = self.executor;
                    self.others.push(executor.recover(index, target, wanted).boxed_local());
                    return Ok(());
                }
            }
            self.restores[index].source += 1;
        }
    }

    fn fetching(&self) -> usize {
        let is_fetching = |restore: &&Restore| matches!(restore.state, State::Fetching(_));
        self.restores.iter().filter(is_fetching).count()
    }

    fn holds(&self, path: &std::path::Path, wanted: &str) -> bool {
        let files = self.executor.intake.files;
        matches!(files.stat(path), Ok(Some(_)))
            && files.hash(path).is_ok_and(|digest| digest == wanted)
    }

    fn copy_to_cache(&self, path: &std::path::Path, wanted: &str) -> Result<(), Fatal> {
        let files = self.executor.intake.files;
        let to = self.layout.cached(wanted);
        let copied = files
            .copy_to_temporary(path, &self.executor.intake.folder(), ".part")
            .and_then(|temporary| files.rename(&temporary, &to));
        copied.map_err(|error| Fatal::disk(&error.to_string()))
    }

    /// The content is in the cache; makes sure that the ledger knows it.
    fn found(&mut self, index: usize, from: &'static str) -> Result<(), Fatal> {
        let work = &self.restores[index].work;
        let clip = match self.ledger.clip(&work.clip.sha256)? {
            Some(clip) => clip,
            None => {
                let path = self.layout.cached(&work.clip.sha256);
                let files = self.executor.intake.files;
                let bytes = files.stat(&path).ok().flatten().map_or(0, |(bytes, _)| bytes);
                let probe = files
                    .probe(&path)
                    .ok()
                    .and_then(|probe| serde_json::to_value(probe).ok())
                    .unwrap_or(Value::Null);
                let clip = ClipRecord {
                    sha256: work.clip.sha256.clone(),
                    bytes,
                    probe,
                    task_id: work.clip.task_id.clone(),
                };
                self.ledger.remember_clip(&clip)?;
                clip
            }
        };
        self.restores[index].state = State::Found { clip, from };
        Ok(())
    }

    fn give_up(&mut self, index: usize, message: &str) {
        let about = self.restores[index].about();
        self.restores[index].state = State::Absent;
        // The plan expected it somewhere. Like any other absence this is no failure, and nothing is paid for it.
        for (action, change) in [("restore", -1), ("absent", 1)] {
            let count = self.summary.actions.entry(action.to_owned()).or_default();
            *count = count.saturating_add_signed(change);
        }
        let reason = "absent".to_owned();
        self.event(Some(about), Event::Blocked { reason, message: message.to_owned() });
    }

    /// What fetching the content from the provider came to.
    pub(super) fn recovered(
        &mut self,
        index: usize,
        outcome: Result<ClipRecord, FetchError>,
    ) -> Result<(), Fatal> {
        let now = self.now();
        match outcome {
            Ok(clip) => {
                self.ledger.remember_clip(&clip)?;
                let from = match self.restores[index].state {
                    State::Fetching(from) => from,
                    _ => "provider",
                };
                self.restores[index].state = State::Found { clip, from };
            }
            Err(FetchError::Disk(message)) => return Err(Fatal::disk(&message)),
            Err(FetchError::Never(_) | FetchError::Gone(_) | FetchError::Foreign) => {
                self.next_source(index);
            }
            Err(FetchError::Again { message, network }) => {
                let chance = self.executor.clock.chance();
                let policy = self.policy.backoff;
                match self.restores[index].troubles.failed(&policy, now, chance) {
                    Next::After(wait) => {
                        let about = self.restores[index].about();
                        let reason = format!("restore: {}", printable(&message, 300));
                        self.event(
                            Some(about),
                            Event::Retrying { reason, delay_s: wait.as_secs_f64() },
                        );
                        self.restores[index].state =
                            State::Looking { not_before_ms: now.saturating_add(millis(wait)) };
                    }
                    Next::Over if network => return Err(Fatal::network(&message)),
                    Next::Over => self.next_source(index),
                }
            }
        }
        Ok(())
    }

    fn next_source(&mut self, index: usize) {
        let restore = &mut self.restores[index];
        restore.source += 1;
        restore.state = State::Looking { not_before_ms: 0 };
    }

    fn publish_restores(&mut self) -> Result<(), Fatal> {
        let now = self.now();
        let mut batch: Vec<ToPublish> = Vec::new();
        let mut which: Vec<(usize, &'static str)> = Vec::new();
        for (index, restore) in self.restores.iter().enumerate() {
            let State::Found { clip, from } = &restore.state else { continue };
            let entry = restore.work.entry.as_ref().map(|draft| {
                complete(
                    draft,
                    &Rendered {
                        created_at: rfc3339(now),
                        sha256: clip.sha256.clone(),
                        bytes: clip.bytes,
                        probe: probe_of(clip),
                        task_id: restore.work.clip.task_id.clone(),
                        fingerprint: last_fingerprint(draft),
                        credits: Some(0.0),
                        restored_from: restore.work.restored_from.clone(),
                        steps: Vec::new(),
                    },
                )
            });
            which.push((index, *from));
            batch.push(ToPublish {
                take: None,
                slot: restore.work.slot.clone(),
                sha256: clip.sha256.clone(),
                filename: restore.work.filename.clone(),
                entry,
                supersedes: restore.work.supersedes.clone(),
                sources: Vec::new(),
            });
        }
        if batch.is_empty() {
            return Ok(());
        }
        let placed = self.publish_all(&batch).map_err(|error| fatal(&error))?;
        for ((index, from), placed) in which.into_iter().zip(placed) {
            self.restores[index].state = State::Published;
            self.summary.restored += 1;
            let about = self.restores[index].about();
            let filename = placed.filename;
            self.event(Some(about), Event::Restored { filename, from: from.into() });
        }
        Ok(())
    }

    /// Publishes the scenes whose last step is done. True when there were any.
    pub(super) fn publish_ready(&mut self) -> Result<bool, Fatal> {
        // A move may still need the very file that a new take is about to supersede.
        if !self.restores.iter().all(Restore::is_over) {
            return Ok(false);
        }
        let ready: Vec<usize> = (0..self.jobs.len())
            .filter(|index| self.jobs[*index].stage == Stage::Publishable)
            .collect();
        if ready.is_empty() {
            return Ok(false);
        }
        let mut batch = Vec::new();
        let mut published = Vec::new();
        for index in ready {
            match self.publication(index)? {
                Some(mut publication) => {
                    // The first finished take of a scene is published; those after it are put beside it.
                    let beside = self.jobs[index].beside || self.has_its_take(index);
                    self.jobs[index].placed =
                        Some(if beside { Placed::Beside } else { Placed::Current });
                    if let Some(entry) = publication.entry.as_mut().filter(|_| beside) {
                        entry.insert(CANDIDATE.to_owned(), true.into());
                    }
                    published.push(index);
                    batch.push(publication);
                }
                None => self.fail_job(
                    index,
                    FailureClass::Lost,
                    "its clip is no longer in the cache; run again".into(),
                    Some(true),
                ),
            }
        }
        if batch.is_empty() {
            return Ok(true);
        }
        let done = match self.publish_all(&batch) {
            Ok(done) => published.into_iter().zip(done).collect(),
            // One clip that is not what it should be must not keep the others back.
            Err(error) if of_one_clip(&error) => self.publish_singly(&batch, published)?,
            Err(error) => return Err(fatal(&error)),
        };
        for (index, Published { filename, sha256, .. }) in done {
            let job = &self.jobs[index];
            let credits = (job.charged > 0.0).then_some(job.charged);
            let note = job.note.clone();
            let about = job.about_scene();
            let candidate = job.placed == Some(Placed::Beside);
            let event = Event::Published { filename, sha256, credits, note, candidate };
            self.event(Some(about), event);
            self.end(index, End::Done);
        }
        Ok(true)
    }

    /// Publishes one by one, and fails the scenes whose clip cannot be.
    fn publish_singly(
        &mut self,
        batch: &[ToPublish],
        jobs: Vec<usize>,
    ) -> Result<Vec<(usize, Published)>, Fatal> {
        let mut done = Vec::new();
        for (clip, job) in batch.iter().zip(jobs) {
            match self.publish_all(std::slice::from_ref(clip)) {
                Ok(published) => done.extend(published.into_iter().map(|one| (job, one))),
                Err(error) if of_one_clip(&error) => {
                    let message =
                        format!("{}; {}", printable(&error.to_string(), 300), error.hint());
                    self.jobs[job].placed = None;
                    self.fail_job(job, FailureClass::Other, message, None);
                }
                Err(error) => return Err(fatal(&error)),
            }
        }
        Ok(done)
    }

    /// Whether two jobs make takes of one thing: the clip, or the still, of a scene.
    fn takes_of_one(&self, one: usize, other: usize) -> bool {
        let (one, other) = (&self.jobs[one], &self.jobs[other]);
        one.slot == other.slot && one.media() == other.media() && !other.stale()
    }

    /// Whether a take of the same scene was published in this run.
    fn has_its_take(&self, index: usize) -> bool {
        (0..self.jobs.len()).any(|other| {
            other != index
                && self.jobs[other].placed == Some(Placed::Current)
                && self.takes_of_one(index, other)
        })
    }

    fn publication(&mut self, index: usize) -> Result<Option<ToPublish>, Fatal> {
        let now = self.now();
        let take = self.take_of(index)?;
        let job = &self.jobs[index];
        let (Some(mut draft), Some(last)) = (job.entry.clone(), job.clips.last().cloned()) else {
            return Ok(None);
        };
        let Some(clip) = self.ledger.clip(&last.sha256)? else { return Ok(None) };
        if let Some(extension) = probe_of(&clip).and_then(|probe| probe.extension()) {
            // A provider that was asked for PNG, or could not be, may give something else.
            let (folder, stem, _) = split(&draft.filename);
            draft.filename = format!("{folder}{stem}.{extension}");
        }
        let job = &self.jobs[index];
        let mut steps = Vec::new();
        for (at, made) in job.clips.iter().enumerate() {
            let fingerprint = job.steps.get(at).map(|step| {
                let before = at.checked_sub(1).and_then(|before| job.clips.get(before));
                match before {
                    Some(before) => step.request.after(&before.sha256).fingerprint(),
                    None => step.request.fingerprint(),
                }
            });
            let bytes = self.ledger.clip(&made.sha256)?.map(|clip| clip.bytes);
            steps.push(RenderedStep {
                fingerprint,
                task_id: made.task_id.clone(),
                sha256: Some(made.sha256.clone()),
                bytes,
                credits: made.credits,
                created_at: made.created_at.clone(),
            });
        }
        // What was paid for this publication: not what an earlier take's clips had cost.
        let credits = job
            .clips
            .iter()
            .zip(&job.paid)
            .filter(|(_, paid)| **paid)
            .map(|(clip, _)| clip.credits)
            .sum::<Option<f64>>();
        let rendered = Rendered {
            created_at: rfc3339(now),
            sha256: last.sha256.clone(),
            bytes: clip.bytes,
            probe: probe_of(&clip),
            task_id: last.task_id.clone(),
            fingerprint: steps.last().and_then(|step| step.fingerprint.clone()),
            credits,
            restored_from: None,
            steps,
        };
        Ok(Some(ToPublish {
            take: Some(take),
            slot: job.slot.clone(),
            sha256: last.sha256,
            filename: draft.filename.clone(),
            entry: Some(complete(&draft, &rendered)),
            supersedes: None,
            sources: Vec::new(),
        }))
    }

    fn publish_all(&mut self, batch: &[ToPublish]) -> Result<Vec<Published>, PublishError> {
        let now = self.now();
        let publisher = Publisher::new(self.executor.intake.files, self.layout);
        publisher.publish(self.ledger, batch, now)
    }
}

/// True for what is wrong with one clip and not with the disk, the manifest or the ledger.
fn of_one_clip(error: &PublishError) -> bool {
    matches!(error, PublishError::Name { .. } | PublishError::Content { .. })
}

fn fatal(error: &PublishError) -> Fatal {
    let code = match error {
        PublishError::Ledger(_) => "ledger",
        PublishError::Manifest { .. } | PublishError::Unstable { .. } => "manifest",
        PublishError::Name { .. } | PublishError::Content { .. } => "publish",
        PublishError::File { .. } => "disk",
    };
    Fatal { code, message: printable(&error.to_string(), 500), hint: Some(error.hint()) }
}

/// RFC 3339 with milliseconds, as the manifest has it.
pub(super) fn rfc3339(now_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(now_ms)
        .map_or_else(|_| String::new(), |time| format!("{time:.3}"))
}

fn probe_of(clip: &ClipRecord) -> Option<Probe> {
    serde_json::from_value(clip.probe.clone()).ok()
}

fn last_fingerprint(draft: &crate::plan::EntryDraft) -> Option<String> {
    draft.steps.last()?.get("fingerprint")?.as_str().map(str::to_owned)
}
