//! The shared cache as commands use it: what it has, bringing clips from there, and giving it what it lacks.

use super::failure::Failure;
use super::tell;
use super::workspace::{Workspace, now_ms};
use crate::engine::intake::{FetchError, Intake};
use crate::known::Known;
use crate::layout::Layout;
use crate::ledger::{ClipRecord, Ledger, SqliteLedger};
use crate::ports::SharedCache;
use crate::shared::{Exchange, SettleError, Store, StoreError, settle};
use crate::storyboard::StepKind;
use futures::{StreamExt as _, TryStreamExt as _};
use std::collections::HashSet;
use std::path::PathBuf;
use tokio::runtime::Runtime;

/// A clip that does not come whole is asked for so often.
const TRIES: u32 = 3;
/// Clips that go or come at once.
const AT_ONCE: usize = 8;

/// A shared cache that a run works with.
pub(super) struct Shared {
    /// Everything of it runs here: connections belong to the runtime that opened them.
    pub runtime: Runtime,
    store: Store,
    exchange: Exchange,
}

impl Shared {
    /// Enters the cache that the settings name, if they name one, and brings the ledger and what is on record there
    /// together. The caller holds the project's lock.
    ///
    /// # Errors
    /// Exit 3 where it cannot be used: without it two machines could pay for the same.
    pub fn enter(workspace: &Workspace, ledger: &mut dyn Ledger) -> Result<Option<Self>, Failure> {
        let Some(address) = &workspace.settings.cache else { return Ok(None) };
        let runtime = runtime()?;
        let (store, id) = runtime.block_on(Store::enter(address)).map_err(unusable)?;
        ledger.use_shared(&id)?;
        let exchange = Exchange::new(store.clone(), holder());
        let shared = Self { runtime, store, exchange };
        shared.settle(ledger)?;
        Ok(Some(shared))
    }

    /// Brings the ledger and what is on record there together.
    pub fn settle(&self, ledger: &mut dyn Ledger) -> Result<(), Failure> {
        let settled = self.runtime.block_on(settle(ledger, &self.exchange, now_ms()));
        settled.map_err(|error| match error {
            SettleError::Ledger(error) => error.into(),
            SettleError::Shared(message) => cannot_work(message),
        })
    }

    /// Whether a task belongs to another submission of the same request, of whatever machine.
    pub fn has_task_elsewhere(&self, place: &str, task: &str) -> Result<bool, Failure> {
        self.runtime.block_on(self.exchange.is_of_another(place, task)).map_err(unusable)
    }

    /// The port of a run.
    pub fn port(&self) -> &dyn SharedCache {
        &self.exchange
    }

    /// Asks which of the clips that are not here it has. A plan is made without what it does not say.
    pub fn look(&self, known: &mut Known) {
        let wanted = not_here(known);
        if !wanted.is_empty() {
            take_note(known, self.runtime.block_on(self.store.clips_among(wanted)));
        }
    }

    /// Brings clips into the project's cache. Those that cannot be had are told, and given back with no record.
    ///
    /// # Errors
    /// Exit 3 where the cache cannot be reached.
    pub fn bring(
        &self,
        wanted: &[String],
        intake: &Intake<'_>,
    ) -> Result<Vec<(String, Option<ClipRecord>)>, Failure> {
        let all = futures::stream::iter(wanted).map(|sha256| self.bring_one(sha256, intake));
        self.runtime.block_on(all.buffer_unordered(AT_ONCE).try_collect()).map_err(cannot_work)
    }

    async fn bring_one(
        &self,
        sha256: &str,
        intake: &Intake<'_>,
    ) -> Result<(String, Option<ClipRecord>), String> {
        let place = self.store.shown();
        let mut tries = 0;
        loop {
            let taken = match self.exchange.clip(sha256).await? {
                Some(clip) => intake.take(clip, StepKind::Generate, None, Some(sha256)).await,
                None => Err(FetchError::Gone("it is there no longer".into())),
            };
            tries += 1;
            match taken {
                Ok(clip) => return Ok((sha256.to_owned(), Some(clip))),
                Err(error @ (FetchError::Gone(_) | FetchError::Foreign)) => {
                    let message = format!("a clip of the shared cache `{place}` cannot be used");
                    tell(&format!("warning: {message}: {error}\n"));
                    return Ok((sha256.to_owned(), None));
                }
                Err(FetchError::Again { .. }) if tries < TRIES => {}
                // Whatever else is the matter, the clip exists: nobody pays for it again because of that.
                Err(error) => {
                    return Err(format!(
                        "a clip of the shared cache `{place}` cannot be taken: {error}"
                    ));
                }
            }
        }
    }

    /// Gives the others what is here and not there. What cannot be given is told and tried again by the next run.
    pub fn give(
        &self,
        known: &Known,
        layout: &Layout,
        ledger: &mut dyn Ledger,
    ) -> Result<(), Failure> {
        let clips = ungiven(known, layout, &ledger.kept()?);
        if clips.is_empty() {
            return Ok(());
        }
        let mut given = Vec::new();
        let mut failed = None;
        self.runtime.block_on(async {
            let mut done =
                futures::stream::iter(&clips)
                    .map(|(sha256, path)| async move {
                        (sha256, self.store.keep_clip(sha256, path).await)
                    })
                    .buffer_unordered(AT_ONCE);
            while let Some((sha256, outcome)) = done.next().await {
                match outcome {
                    Ok(()) => given.push(sha256.clone()),
                    Err(error) => failed = Some(error),
                }
            }
        });
        ledger.remember_kept(&given)?;
        if let Some(error) = failed {
            tell(&format!(
                "warning: {error}\n  {} of {} clips were not given to the shared cache; the next run tries again\n",
                clips.len() - given.len(),
                clips.len()
            ));
        }
        Ok(())
    }
}

/// Tells the other machines what a person has decided about submissions. Where that cannot be done now, the next run does.
pub(super) fn tell_decision(workspace: &Workspace, ledger: &mut dyn Ledger) {
    if let Err(failure) = Shared::enter(workspace, ledger) {
        tell(&format!(
            "warning: {}\n  other machines are told of this by the next `storyreel render` here\n",
            failure.message()
        ));
    }
}

/// Asks the shared cache, where there is one, which of the clips that are not here it has, without entering it.
pub(super) fn look(workspace: &Workspace, known: &mut Known) -> Result<(), Failure> {
    let Some(address) = &workspace.settings.cache else { return Ok(()) };
    let wanted = not_here(known);
    if wanted.is_empty() {
        return Ok(());
    }
    let runtime = runtime()?;
    let found = runtime.block_on(async {
        match Store::look_into(address)? {
            Some(store) => store.clips_among(wanted).await,
            None => Ok(Vec::new()),
        }
    });
    runtime.shutdown_background();
    take_note(known, found);
    Ok(())
}

/// Digests of the clips on record that are not in the cache.
fn not_here(known: &Known) -> Vec<String> {
    let digests = known.digests().into_iter();
    digests.filter(|sha256| !known.cached.contains(*sha256)).map(str::to_owned).collect()
}

fn take_note(known: &mut Known, found: Result<Vec<String>, StoreError>) {
    match found {
        Ok(found) => known.shared = found.into_iter().collect(),
        Err(error) => tell(&format!(
            "warning: {error}\n  what it holds is left out here; `STORYREEL_CACHE=none` works without it\n"
        )),
    }
}

/// True where the shared cache lacks something that is here, as far as the ledger knows.
pub(super) fn has_news(workspace: &Workspace, known: &Known) -> Result<bool, Failure> {
    if workspace.settings.cache.is_none() {
        return Ok(false);
    }
    let ledger = SqliteLedger::open_existing_for_reading(&workspace.layout.ledger())?;
    let Some(mut ledger) = ledger else {
        return Ok(!ungiven(known, &workspace.layout, &HashSet::new()).is_empty());
    };
    Ok(!ledger.untold()?.is_empty()
        || !ungiven(known, &workspace.layout, &ledger.kept()?).is_empty())
}

/// Clips that are here and that the shared cache is not known to have, with where they lie.
fn ungiven(known: &Known, layout: &Layout, kept: &HashSet<String>) -> Vec<(String, PathBuf)> {
    let cached = known.cached.iter().map(|sha256| (sha256.clone(), layout.cached(sha256)));
    let published = known.outputs.iter().filter_map(|(filename, output)| match output {
        crate::known::Output::File { sha256 } if !known.cached.contains(sha256) => {
            Some((sha256.clone(), layout.asset(filename)?))
        }
        _ => None,
    });
    // A file that was edited by hand is nobody's clip.
    let on_record = known.digests();
    let mut clips: Vec<(String, PathBuf)> = cached
        .chain(published)
        .filter(|(sha256, _)| !kept.contains(sha256) && on_record.contains(sha256.as_str()))
        .collect();
    clips.sort();
    clips.dedup_by(|next, first| next.0 == first.0);
    clips
}

pub(super) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::cannot_work("runtime", format!("cannot start: {error}")))
}

fn unusable(error: StoreError) -> Failure {
    cannot_work(error.to_string())
}

fn cannot_work(message: String) -> Failure {
    Failure::cannot_work("cache", message).hint(
        "nothing was sent: what is not claimed there another machine might send, too; make it reachable, or set \
         `STORYREEL_CACHE=none` to work without it",
    )
}

/// Who this is, for people who read it on another machine.
fn holder() -> String {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let job = || {
        let (server, repository) = (set("GITHUB_SERVER_URL")?, set("GITHUB_REPOSITORY")?);
        Some(format!("{server}/{repository}/actions/runs/{}", set("GITHUB_RUN_ID")?))
    };
    let job = job().or_else(|| set("CI_JOB_URL")).or_else(|| set("BUILD_URL"));
    job.unwrap_or_else(|| {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        let name = name.map(|name| name.trim().to_owned()).or_else(|| set("HOSTNAME"));
        let name = name.or_else(|| set("COMPUTERNAME")).unwrap_or_else(|| "a machine".to_owned());
        format!("{name} (process {})", std::process::id())
    })
}
