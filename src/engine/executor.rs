//! The outside half of a run: futures that do the I/O and return what came of it.
//!
//! Nothing here knows the state of a run or writes to the ledger.

use super::intake::{FetchError, Intake};
use super::window::GrantId;
use crate::ledger::{AttemptId, AttemptState, ClipRecord};
use crate::ports::{Claim, Claimed, Clock, News, SharedCache, Transport};
use crate::remote::bind::Need;
use crate::remote::driver::Driver;
use crate::remote::outcome::{Look, Reading, Submission, Trouble, Uploaded};
use crate::remote::printable;
use crate::storyboard::StepKind;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a future of an executor came to.
#[derive(Debug)]
pub(super) enum Done {
    /// A file needed by requests.
    Uploaded { need: Need, outcome: Result<Uploaded, Trouble> },
    /// A paid create.
    Sent { job: usize, grant: GrantId, outcome: Submission },
    /// The first call of an upgrade.
    Upgraded { job: usize, grant: GrantId, outcome: Reading },
    /// A claim.
    Claimed { job: usize, grant: GrantId, outcome: Result<Claimed, String> },
    /// What became of a claim of others.
    Heard { job: usize, outcome: Result<News, String> },
    /// Others were told of an attempt.
    Told { attempt: AttemptId, state: AttemptState, outcome: Result<(), String> },
    /// Others were given a clip, and then told of the attempt that made it.
    Shared { sha256: String, told: Option<AttemptId>, outcome: Result<(), String> },
    /// A look at a task.
    Looked { job: usize, outcome: Look },
    /// A clip of a job.
    Fetched { job: usize, outcome: Result<ClipRecord, FetchError> },
    /// New links to a clip of a job.
    Relinked { job: usize, outcome: Result<Vec<String>, Trouble> },
    /// What the account holds.
    Balance { provider: String, outcome: Result<f64, Trouble> },
    /// A clip for a restore.
    Recovered { restore: usize, outcome: Result<ClipRecord, FetchError> },
}

/// What the futures share.
pub(super) struct Executor<'w> {
    pub clock: &'w dyn Clock,
    pub transport: &'w dyn Transport,
    pub driver: Driver<'w>,
    pub intake: Intake<'w>,
    pub shared: Option<&'w dyn SharedCache>,
    pub transfer_timeout: Duration,
}

/// One task as a look needs it.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub provider: String,
    pub family: String,
    pub operation: String,
    pub upgrade: bool,
    pub method: String,
    pub path: String,
    pub bound: Value,
    pub task_id: Option<String>,
}

impl Executor<'_> {
    pub async fn upload(
        &self,
        need: Need,
        provider: String,
        path: PathBuf,
        frame: Option<String>,
        wait: Duration,
    ) -> Done {
        if !wait.is_zero() {
            self.clock.sleep(wait).await;
        }
        let outcome = async {
            let (path, temporary) = match frame {
                None => (path, false),
                Some(frame) => (
                    self.intake
                        .files
                        .frame(&path, &frame, &self.intake.folder())
                        .map_err(Trouble::lasting)?,
                    true,
                ),
            };
            let outcome = self.upload_file(&need, &provider, &path).await;
            if temporary {
                // A frame left behind in the cache folder is swept with the other temporary files.
                drop(self.intake.files.remove(&path));
            }
            outcome
        }
        .await;
        Done::Uploaded { need, outcome }
    }

    async fn upload_file(
        &self,
        need: &Need,
        provider: &str,
        path: &Path,
    ) -> Result<Uploaded, Trouble> {
        let cannot = |error: std::io::Error| {
            Trouble::lasting(format!("`{}` cannot be read: {error}", path.display()))
        };
        let (bytes, _) = self.intake.files.stat(path).map_err(cannot)?.ok_or_else(|| {
            Trouble::lasting(format!("`{}` is not there any more", path.display()))
        })?;
        // A file that was edited after the plan was made is another input than the one that was shown and priced.
        if let Need::File(digest) = need
            && self.intake.files.hash(path).map_err(cannot)? != *digest
        {
            return Err(Trouble::lasting(format!(
                "`{}` was changed after the plan was made; run again",
                path.display()
            )));
        }
        // Named by content: the host lets a second file of the same name take the place of the first.
        let stem: String = need
            .key()
            .trim_start_matches("sha256:")
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        // In the cache everything is called a clip, also a keyframe or a voice.
        let known = matches!(need, Need::Clip { frame: None, .. })
            .then(|| self.intake.files.probe(path).ok()?.extension())
            .flatten();
        let extension: String = known
            .map(str::to_owned)
            .or_else(|| path.extension().map(|text| text.to_string_lossy().to_lowercase()))
            .unwrap_or_default()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(8)
            .collect();
        let name = if extension.is_empty() { stem } else { format!("{stem}.{extension}") };
        self.driver.upload(provider, path, bytes, &name, self.clock.now_ms()).await
    }

    pub async fn balance(&self, provider: String) -> Done {
        let outcome = self.driver.balance(&provider).await;
        Done::Balance { provider, outcome }
    }

    pub async fn create(&self, job: usize, target: Target, grant: GrantId) -> Done {
        let outcome = self
            .driver
            .submit(
                &target.provider,
                &target.family,
                &target.operation,
                &target.method,
                &target.path,
                &target.bound,
            )
            .await;
        Done::Sent { job, grant, outcome }
    }

    pub async fn upgrade(&self, job: usize, target: Target, grant: GrantId) -> Done {
        let outcome = self.read(&target).await.reading;
        Done::Upgraded { job, grant, outcome }
    }

    pub async fn claim(&self, job: usize, grant: GrantId, claim: Claim) -> Done {
        let outcome = match self.shared {
            Some(shared) => shared.claim(claim).await,
            None => Err("there is no shared cache".into()),
        };
        Done::Claimed { job, grant, outcome }
    }

    pub async fn hear(&self, job: usize, place: String, wait: Duration) -> Done {
        self.clock.sleep(wait).await;
        let outcome = match self.shared {
            Some(shared) => shared.hear(&place).await,
            None => Ok(News::Nothing),
        };
        Done::Heard { job, outcome }
    }

    pub async fn tell(
        &self,
        attempt: AttemptId,
        state: AttemptState,
        place: String,
        news: News,
    ) -> Done {
        let outcome = match self.shared {
            Some(shared) => shared.tell(&place, news).await,
            None => Ok(()),
        };
        Done::Told { attempt, state, outcome }
    }

    /// Gives the others a clip of the cache, and then tells them of the attempt that made it.
    pub async fn share(&self, sha256: String, told: Option<(AttemptId, String, News)>) -> Done {
        let attempt = told.as_ref().map(|(attempt, ..)| *attempt);
        let outcome = async {
            let Some(shared) = self.shared else { return Ok(()) };
            shared.keep_clip(&sha256, &self.intake.layout.cached(&sha256)).await?;
            match told {
                Some((_, place, news)) => shared.tell(&place, news).await,
                None => Ok(()),
            }
        }
        .await;
        Done::Shared { sha256, told: attempt, outcome }
    }

    /// A clip that another machine has given.
    pub async fn fetch_shared(
        &self,
        job: usize,
        sha256: String,
        kind: StepKind,
        task_id: Option<String>,
    ) -> Done {
        let outcome = self.take_shared(&sha256, kind, task_id).await.map_err(|error| match error {
            // Where it is not to be had there, the provider has it.
            FetchError::Never(message) => FetchError::Again { message, network: false },
            error @ FetchError::Foreign => {
                FetchError::Again { message: error.to_string(), network: false }
            }
            other => other,
        });
        Done::Fetched { job, outcome }
    }

    pub async fn look(&self, job: usize, target: Target, wait: Duration) -> Done {
        self.clock.sleep(wait).await;
        let outcome = self.read(&target).await;
        Done::Looked { job, outcome }
    }

    async fn read(&self, target: &Target) -> Look {
        if target.upgrade {
            return self
                .driver
                .upgrade(
                    &target.provider,
                    &target.family,
                    &target.operation,
                    &target.method,
                    &target.path,
                    &target.bound,
                )
                .await
                .into();
        }
        match &target.task_id {
            Some(task_id) => {
                self.driver.read(&target.provider, &target.family, &target.operation, task_id).await
            }
            None => Reading::Missing.into(),
        }
    }

    pub async fn fetch(
        &self,
        job: usize,
        url: String,
        kind: StepKind,
        task_id: Option<String>,
    ) -> Done {
        let outcome = self.fetch_clip(&url, kind, task_id, None).await;
        Done::Fetched { job, outcome }
    }

    /// Links by reading the record once more, else by asking the provider for a new link to the old one.
    pub async fn relink(&self, job: usize, target: Target, old: String) -> Done {
        let outcome = self.links(&target, &old).await;
        Done::Relinked { job, outcome }
    }

    async fn links(&self, target: &Target, old: &str) -> Result<Vec<String>, Trouble> {
        // Calling an upgrade once more may cost once more, and only its first result is known to be paid for.
        if !target.upgrade
            && let Reading::Succeeded { urls, .. } = self.read(target).await.reading
            && urls.first().is_some_and(|url| url != old)
        {
            return Ok(urls);
        }
        self.driver.fresh_link(&target.provider, old).await.map(|url| vec![url])
    }

    /// A clip that exists at the provider, by re-reading its record; verified against the digest that is wanted.
    pub async fn recover(&self, restore: usize, target: Target, wanted: String) -> Done {
        let outcome = async {
            let urls = match self.read(&target).await.reading {
                Reading::Succeeded { urls, .. } => urls,
                Reading::Trouble(trouble) => {
                    return Err(FetchError::Again {
                        message: trouble.message,
                        network: trouble.network,
                    });
                }
                Reading::Refused { failure, .. } | Reading::Failed { failure, .. } => {
                    return Err(FetchError::Never(failure.message));
                }
                _ => return Err(FetchError::Never("the provider has it no longer".into())),
            };
            let Some(url) = urls.first() else {
                return Err(FetchError::Never("the provider names no link".into()));
            };
            let kind = StepKind::Generate;
            match self.fetch_clip(url, kind, target.task_id.clone(), Some(&wanted)).await {
                Err(FetchError::Gone(message)) => {
                    let fresh = self
                        .driver
                        .fresh_link(&target.provider, url)
                        .await
                        .map_err(|_| FetchError::Never(message))?;
                    self.fetch_clip(&fresh, kind, target.task_id.clone(), Some(&wanted)).await
                }
                other => other,
            }
        }
        .await;
        Done::Recovered { restore, outcome }
    }

    /// A clip of the shared cache for a restore.
    pub async fn recover_shared(
        &self,
        restore: usize,
        wanted: String,
        task_id: Option<String>,
    ) -> Done {
        let outcome = self.take_shared(&wanted, StepKind::Generate, task_id).await;
        Done::Recovered { restore, outcome }
    }

    async fn take_shared(
        &self,
        sha256: &str,
        kind: StepKind,
        task_id: Option<String>,
    ) -> Result<ClipRecord, FetchError> {
        let never = |message: &str| FetchError::Never(message.to_owned());
        let shared = self.shared.ok_or_else(|| never("there is no shared cache"))?;
        let found = shared.clip(sha256).await;
        let found = found.map_err(|message| FetchError::Again { message, network: false })?;
        let found = found.ok_or_else(|| never("the shared cache has it no longer"))?;
        self.intake.take(found, kind, task_id, Some(sha256)).await
    }

    /// Downloads to a temporary file in the cache folder, checks it, and gives it its place in the cache.
    async fn fetch_clip(
        &self,
        url: &str,
        kind: StepKind,
        task_id: Option<String>,
        wanted: Option<&str>,
    ) -> Result<ClipRecord, FetchError> {
        let download = self.transport.download(url.to_owned(), self.transfer_timeout).await;
        let download = download.map_err(|error| FetchError::Again {
            message: printable(&error.to_string(), 300),
            network: true,
        })?;
        let answers = format!("the link to the clip answers {}", download.status);
        match download.status {
            200 => self.intake.take(download, kind, task_id, wanted).await,
            403 | 404 | 410 => Err(FetchError::Gone(answers)),
            _ => Err(FetchError::Again { message: answers, network: false }),
        }
    }
}
