//! The ports with somebody who watches each crossing, so that tests can end a process at any of them.
//!
//! The simulation counts crossings and lets its process crash at one; a build with debug assertions can be told by its
//! environment to stand still at one, until the harness kills it. A release has neither.

use crate::ledger::{
    AttemptId, AttemptState, BalanceRecord, ClipRecord, Failure, FileRecord, Intent, Ledger,
    LedgerError, Publication, Snapshot, TakeId,
};
use crate::media::Probe;
use crate::plan::Slot;
use crate::ports::{Answer, Call, Download, Files, Purpose, SendError, Transport};
use crate::storyboard::StepKind;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::fmt::Arguments;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Hears of every crossing of a port: `ledger.intend.before`, `files.rename.manifest.after`, `create.answered`.
pub trait Watcher: Send + Sync {
    /// The process is at this point now. It need not go on.
    fn passes(&self, point: Arguments<'_>);
    /// Why the ledger cannot be written now, for tests of a ledger that fails.
    fn refuses(&self) -> Option<String> {
        None
    }
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Watcher for Nobody {
    fn passes(&self, _: Arguments<'_>) {}
}

/// Whoever watches this process: in a build with debug assertions the environment can name somebody.
pub fn watcher() -> Arc<dyn Watcher> {
    #[cfg(debug_assertions)]
    if let Some(halt) = halt::from_environment() {
        return halt;
    }
    Arc::new(Nobody)
}

/// A ledger whose commits are watched, just before and just after each.
pub struct WatchedLedger<'a> {
    inner: &'a mut dyn Ledger,
    watcher: Arc<dyn Watcher>,
}

impl<'a> WatchedLedger<'a> {
    /// Watches this ledger.
    pub fn new(inner: &'a mut dyn Ledger, watcher: Arc<dyn Watcher>) -> Self {
        Self { inner, watcher }
    }

    fn write<T>(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut dyn Ledger) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.watcher.passes(format_args!("{name}.before"));
        if let Some(message) = self.watcher.refuses() {
            return Err(LedgerError::Unusable { path: "ledger.db".to_owned(), message });
        }
        let done = change(self.inner);
        self.watcher.passes(format_args!("{name}.after"));
        done
    }
}

impl Ledger for WatchedLedger<'_> {
    fn open_take(
        &mut self,
        slot: &Slot,
        number: u32,
        ask: &Value,
        steps: &[StepKind],
        reused: &[(usize, String, Option<String>)],
        now_ms: i64,
    ) -> Result<TakeId, LedgerError> {
        self.write("ledger.open-take", |ledger| {
            ledger.open_take(slot, number, ask, steps, reused, now_ms)
        })
    }

    fn intend(&mut self, intent: &Intent, now_ms: i64) -> Result<AttemptId, LedgerError> {
        self.write("ledger.intend", |ledger| ledger.intend(intent, now_ms))
    }

    fn claimed(&mut self, attempt: AttemptId, place: &str) -> Result<(), LedgerError> {
        self.write("ledger.claimed", |ledger| ledger.claimed(attempt, place))
    }

    fn told(&mut self, attempt: AttemptId, state: AttemptState) -> Result<(), LedgerError> {
        self.write("ledger.told", |ledger| ledger.told(attempt, state))
    }

    fn untold(&mut self) -> Result<Vec<AttemptId>, LedgerError> {
        self.inner.untold()
    }

    fn use_shared(&mut self, id: &str) -> Result<(), LedgerError> {
        self.write("ledger.use-shared", |ledger| ledger.use_shared(id))
    }

    fn remember_kept(&mut self, digests: &[String]) -> Result<(), LedgerError> {
        self.write("ledger.remember-kept", |ledger| ledger.remember_kept(digests))
    }

    fn kept(&mut self) -> Result<HashSet<String>, LedgerError> {
        self.inner.kept()
    }

    fn submitted(
        &mut self,
        attempt: AttemptId,
        task_id: Option<&str>,
        now_ms: i64,
    ) -> Result<(), LedgerError> {
        self.write("ledger.submitted", |ledger| ledger.submitted(attempt, task_id, now_ms))
    }

    fn finished(
        &mut self,
        attempt: AttemptId,
        urls: &[String],
        charged: Option<f64>,
        now_ms: i64,
    ) -> Result<(), LedgerError> {
        self.write("ledger.finished", |ledger| ledger.finished(attempt, urls, charged, now_ms))
    }

    fn downloaded(
        &mut self,
        attempt: AttemptId,
        clip: &ClipRecord,
        now_ms: i64,
    ) -> Result<(), LedgerError> {
        self.write("ledger.downloaded", |ledger| ledger.downloaded(attempt, clip, now_ms))
    }

    fn failed(
        &mut self,
        attempt: AttemptId,
        failure: &Failure,
        charged: Option<f64>,
        now_ms: i64,
    ) -> Result<(), LedgerError> {
        self.write("ledger.failed", |ledger| ledger.failed(attempt, failure, charged, now_ms))
    }

    fn unknown(
        &mut self,
        attempt: AttemptId,
        failure: &Failure,
        now_ms: i64,
    ) -> Result<(), LedgerError> {
        self.write("ledger.unknown", |ledger| ledger.unknown(attempt, failure, now_ms))
    }

    fn forgotten(&mut self, attempt: AttemptId, now_ms: i64) -> Result<(), LedgerError> {
        self.write("ledger.forgotten", |ledger| ledger.forgotten(attempt, now_ms))
    }

    fn publishing(&mut self, publication: &Publication, now_ms: i64) -> Result<i64, LedgerError> {
        self.write("ledger.publishing", |ledger| ledger.publishing(publication, now_ms))
    }

    fn publishing_together(
        &mut self,
        publications: &[Publication],
        now_ms: i64,
    ) -> Result<Vec<i64>, LedgerError> {
        self.write("ledger.publishing-together", |ledger| {
            ledger.publishing_together(publications, now_ms)
        })
    }

    fn unfinished_publications(&mut self) -> Result<Vec<Publication>, LedgerError> {
        self.inner.unfinished_publications()
    }

    fn abandon_publications(&mut self, rows: &[i64], now_ms: i64) -> Result<(), LedgerError> {
        self.write("ledger.abandon-publications", |ledger| {
            ledger.abandon_publications(rows, now_ms)
        })
    }

    fn published(&mut self, done: &[(i64, FileRecord)], now_ms: i64) -> Result<(), LedgerError> {
        self.write("ledger.published", |ledger| ledger.published(done, now_ms))
    }

    fn published_and_moved(
        &mut self,
        done: &[(i64, FileRecord)],
        moves: &[(Slot, Slot)],
        now_ms: i64,
    ) -> Result<(), LedgerError> {
        self.write("ledger.published-and-moved", |ledger| {
            ledger.published_and_moved(done, moves, now_ms)
        })
    }

    fn keep_take(&mut self, take: TakeId, now_ms: i64) -> Result<(), LedgerError> {
        self.write("ledger.keep-take", |ledger| ledger.keep_take(take, now_ms))
    }

    fn move_takes(&mut self, moves: &[(TakeId, Slot)]) -> Result<(), LedgerError> {
        self.write("ledger.move-takes", |ledger| ledger.move_takes(moves))
    }

    fn redirect_takes(
        &mut self,
        changes: &[(TakeId, Value, Vec<StepKind>)],
    ) -> Result<(), LedgerError> {
        self.write("ledger.redirect-takes", |ledger| ledger.redirect_takes(changes))
    }

    fn remember_files(&mut self, files: &[FileRecord]) -> Result<(), LedgerError> {
        self.write("ledger.remember-files", |ledger| ledger.remember_files(files))
    }

    fn remember_upload(
        &mut self,
        sha256: &str,
        url: &str,
        expires_ms: i64,
    ) -> Result<(), LedgerError> {
        self.write("ledger.remember-upload", |ledger| {
            ledger.remember_upload(sha256, url, expires_ms)
        })
    }

    fn upload(&mut self, sha256: &str, now_ms: i64) -> Result<Option<String>, LedgerError> {
        self.inner.upload(sha256, now_ms)
    }

    fn remember_clip(&mut self, clip: &ClipRecord) -> Result<(), LedgerError> {
        self.write("ledger.remember-clip", |ledger| ledger.remember_clip(clip))
    }

    fn clip(&mut self, sha256: &str) -> Result<Option<ClipRecord>, LedgerError> {
        self.inner.clip(sha256)
    }

    fn recover(&mut self, now_ms: i64) -> Result<Vec<AttemptId>, LedgerError> {
        self.write("ledger.recover", |ledger| ledger.recover(now_ms))
    }

    fn outstanding(&mut self) -> Result<f64, LedgerError> {
        self.inner.outstanding()
    }

    fn snapshot(&mut self) -> Result<Snapshot, LedgerError> {
        self.inner.snapshot()
    }

    fn remember_balance(&mut self, balance: &BalanceRecord) -> Result<(), LedgerError> {
        self.write("ledger.remember-balance", |ledger| ledger.remember_balance(balance))
    }

    fn record_run(&mut self, summary: &Map<String, Value>, now_ms: i64) -> Result<(), LedgerError> {
        self.write("ledger.record-run", |ledger| ledger.record_run(summary, now_ms))
    }
}

/// Files whose changes are watched. What they are (a clip, the manifest, ...) is part of the point's name.
pub struct WatchedFiles<'a> {
    inner: &'a dyn Files,
    watcher: Arc<dyn Watcher>,
}

impl<'a> WatchedFiles<'a> {
    /// Watches these files.
    pub fn new(inner: &'a dyn Files, watcher: Arc<dyn Watcher>) -> Self {
        Self { inner, watcher }
    }

    fn change<T>(
        &self,
        operation: &str,
        path: &Path,
        change: impl FnOnce(&dyn Files) -> std::io::Result<T>,
    ) -> std::io::Result<T> {
        let what = role(path);
        self.watcher.passes(format_args!("files.{operation}.{what}.before"));
        let done = change(self.inner);
        self.watcher.passes(format_args!("files.{operation}.{what}.after"));
        done
    }
}

/// What a path is in a project.
fn role(path: &Path) -> &'static str {
    let text = path.to_string_lossy();
    if text.ends_with("manifest.json") {
        "manifest"
    } else if text.contains("/takes") {
        "take"
    } else if text.contains("/.storyreel/cache") {
        "cache"
    } else if text.contains("/assets/clips") {
        "clip"
    } else {
        "other"
    }
}

impl Files for WatchedFiles<'_> {
    fn at_once(&self) -> usize {
        self.inner.at_once()
    }

    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        self.inner.read(path)
    }

    fn stat(&self, path: &Path) -> std::io::Result<Option<(u64, i64)>> {
        self.inner.stat(path)
    }

    fn hash(&self, path: &Path) -> std::io::Result<String> {
        self.inner.hash(path)
    }

    fn create_temporary(&self, folder: &Path, suffix: &str) -> std::io::Result<PathBuf> {
        self.change("create", folder, |files| files.create_temporary(folder, suffix))
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        self.change("append", path, |files| files.append(path, bytes))
    }

    fn sync(&self, path: &Path) -> std::io::Result<()> {
        self.change("sync", path, |files| files.sync(path))
    }

    fn make_durable(&self, path: &Path) -> std::io::Result<()> {
        self.change("settle", path, |files| files.make_durable(path))
    }

    fn copy_to_temporary(
        &self,
        from: &Path,
        folder: &Path,
        suffix: &str,
    ) -> std::io::Result<PathBuf> {
        self.change("copy", folder, |files| files.copy_to_temporary(from, folder, suffix))
    }

    fn rename(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        self.change("rename", to, |files| files.rename(from, to))
    }

    fn replace(&self, from: &Path, to: &Path, seen: Option<&[u8]>) -> std::io::Result<bool> {
        self.change("replace", to, |files| files.replace(from, to, seen))
    }

    fn remove(&self, path: &Path) -> std::io::Result<()> {
        self.change("remove", path, |files| files.remove(path))
    }

    fn probe(&self, path: &Path) -> Result<Probe, String> {
        self.inner.probe(path)
    }

    fn frame(&self, clip: &Path, which: &str, folder: &Path) -> Result<PathBuf, String> {
        self.inner.frame(clip, which, folder)
    }
}

/// A transport whose calls are watched: before they leave and when their answer is here.
pub struct WatchedTransport<'a> {
    inner: &'a dyn Transport,
    watcher: Arc<dyn Watcher>,
}

impl<'a> WatchedTransport<'a> {
    /// Watches this transport.
    pub fn new(inner: &'a dyn Transport, watcher: Arc<dyn Watcher>) -> Self {
        Self { inner, watcher }
    }
}

impl Transport for WatchedTransport<'_> {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, SendError>> {
        let what = match call.purpose {
            Purpose::Create => "create",
            Purpose::Read => "read",
            Purpose::Upload => "upload",
        };
        async move {
            self.watcher.passes(format_args!("{what}.sending"));
            let answer = self.inner.send(call).await;
            self.watcher.passes(format_args!("{what}.answered"));
            answer
        }
        .boxed()
    }

    fn download(
        &self,
        url: String,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<Download, SendError>> {
        async move {
            self.watcher.passes(format_args!("download.asking"));
            let download = self.inner.download(url, timeout).await?;
            self.watcher.passes(format_args!("download.begun"));
            let watcher = Arc::clone(&self.watcher);
            let chunks = download
                .chunks
                .inspect(move |_| watcher.passes(format_args!("download.chunk")))
                .boxed();
            Ok(Download { chunks, ..download })
        }
        .boxed()
    }
}

/// Where a build with debug assertions is told to stand still.
#[cfg(debug_assertions)]
pub mod halt {
    use super::Watcher;
    use std::collections::BTreeMap;
    use std::fmt::Arguments;
    use std::io::Write as _;
    use std::sync::{Arc, Mutex, PoisonError};

    /// `STORYREEL_HALT_AT=ledger.intend.after#2` stands still when that point is passed for the second time;
    /// `STORYREEL_HALT_AT=list` passes all of them. Either way each point is a line on standard error.
    pub const VARIABLE: &str = "STORYREEL_HALT_AT";

    /// Tells of points, and stands still at one.
    #[derive(Debug)]
    struct Halt {
        point: String,
        count: u64,
        passed: Mutex<BTreeMap<String, u64>>,
    }

    /// The watcher that the environment asks for, if it does.
    pub fn from_environment() -> Option<Arc<dyn Watcher>> {
        let text = std::env::var(VARIABLE).ok()?;
        let (point, count) = text.split_once('#').unwrap_or((&text, "1"));
        let count = count.parse().unwrap_or(1);
        Some(Arc::new(Halt { point: point.to_owned(), count, passed: Mutex::default() }))
    }

    impl Watcher for Halt {
        fn passes(&self, point: Arguments<'_>) {
            let point = point.to_string();
            let count = {
                let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
                let count = passed.entry(point.clone()).or_default();
                *count += 1;
                *count
            };
            let here = point == self.point && count == self.count;
            let word = if here { "halted" } else { "passed" };
            // Whoever waits for this line kills the process; where nobody reads it, nothing can be told.
            let _ = writeln!(std::io::stderr().lock(), "{word} {point}#{count}");
            if here {
                loop {
                    std::thread::park();
                }
            }
        }
    }
}
