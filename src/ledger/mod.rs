//! The durable private record of intents, tasks, downloads and publications.
//!
//! The dispatcher calls it synchronously: what it returns from has been synced to disk. Rows are only ever
//! added to or moved forward; nothing is deleted. [`Ledger`] is one of the engine's four ports.

mod changes;
mod lock;
mod rows;
mod schema;
mod sqlite;

pub use lock::{Holder, LockError, ProjectLock};
pub use sqlite::SqliteLedger;

use crate::plan::Slot;
use crate::storyboard::StepKind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Makes the folder of private files (`.storyreel/`) with a `.gitignore` that covers all of it.
pub(crate) fn make_private_folder(folder: &std::path::Path) -> std::io::Result<()> {
    refuse_link(folder)?;
    let new = !folder.try_exists()?;
    std::fs::create_dir_all(folder)?;
    let ignore = folder.join(".gitignore");
    if !ignore.try_exists()? {
        std::fs::write(ignore, "*\n")?;
    }
    // A ledger is only as durable as the name of its folder.
    match folder.parent().filter(|above| new && !above.as_os_str().is_empty()) {
        Some(above) if cfg!(unix) => std::fs::File::open(above)?.sync_all(),
        _ => Ok(()),
    }
}

/// Private files are never symbolic links: a project from somebody else must not make us write elsewhere.
pub(crate) fn refuse_link(path: &std::path::Path) -> std::io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_symlink() => Err(std::io::Error::new(
            std::io::ErrorKind::PermissionDenied,
            format!("`{}` is a symbolic link; remove it", path.display()),
        )),
        _ => Ok(()),
    }
}

/// A take's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TakeId(pub i64);

/// An attempt's row: one submission (or, for an upgrade, one series of calls) of one step of a take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AttemptId(pub i64);

/// How far a take has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TakeState {
    /// Steps are missing, or its last clip is not published yet.
    Open,
    /// Its clip is being put in place; recovery finishes it.
    Publishing,
    /// Its clip was published (it may have been superseded since).
    Published,
    /// Finished but never published, because the scene had changed meanwhile; kept for undo.
    Kept,
}

/// How far an attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttemptState {
    /// Recorded, about to be sent. Found by a later process, it means: nobody knows whether it was sent.
    Intent,
    /// The provider has it; the task id is known (upgrades: the first call was answered).
    Submitted,
    /// The provider reported success; links are recorded.
    Finished,
    /// The clip is verified and in the cache.
    Downloaded,
    /// The provider refused it, or reported that the task failed.
    Failed,
    /// Nobody can tell whether the provider accepted it. Never repeated by itself.
    Unknown,
    /// Given up by the user, or not sent after all (a retry class answer, a stop before the first byte).
    Forgotten,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its class.
    pub class: FailureClass,
    /// The provider's code, if any.
    pub code: Option<String>,
    /// The provider's words, already made safe to print.
    pub message: String,
}

/// What may be done after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// A passing fault at the provider: tried again within the reservation, and by later runs.
    Passing,
    /// Moderation: never again without an edit or `--retake`.
    Moderation,
    /// A refused input or parameter: never again without an edit or `--retake`.
    Input,
    /// The key was refused.
    Key,
    /// Too few credits at the provider, or the key's quota is used up.
    Credits,
    /// The provider reported success without a result, or the result is gone.
    Lost,
    /// Anything else the provider called a failure.
    Other,
}

impl FailureClass {
    /// True when later runs try again by themselves.
    pub fn may_repeat(self) -> bool {
        matches!(self, Self::Passing | Self::Key | Self::Credits | Self::Other)
    }
}

/// What is recorded before a request leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// The take it belongs to.
    pub take: TakeId,
    /// Index of the step in its chain, from 0.
    pub step: usize,
    /// Kind of the step.
    pub kind: StepKind,
    /// Provider's id of the model.
    pub model_id: String,
    /// The catalogue's provider.
    pub provider: String,
    /// API family.
    pub family: String,
    /// Operation or upgrade.
    pub operation: String,
    /// Whether repeating the call is harmless.
    pub upgrade: bool,
    /// `POST /api/...`.
    pub endpoint: String,
    /// Fingerprint of the symbolic request.
    pub fingerprint: String,
    /// The symbolic request's body.
    pub request: Value,
    /// The body as it is sent. Holds links and task ids, never the key.
    pub bound: Value,
    /// Worst-case credits, reserved until the attempt ends; `None` when unknown.
    pub reserved: Option<f64>,
}

/// An attempt as recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Its row.
    pub id: AttemptId,
    /// What was recorded before sending.
    pub intent: Intent,
    /// How far it has come.
    pub state: AttemptState,
    /// The provider's task id.
    pub task_id: Option<String>,
    /// Result links, best first.
    pub urls: Vec<String>,
    /// Digest of its clip in the cache.
    pub clip: Option<String>,
    /// Why it failed or is unknown.
    pub failure: Option<Failure>,
    /// Credits the provider reported, where it did.
    pub charged: Option<f64>,
    /// Unix milliseconds of the intent.
    pub created_ms: i64,
    /// Unix milliseconds of the last change.
    pub changed_ms: i64,
}

/// A take as recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Take {
    /// Its row.
    pub id: TakeId,
    /// Where it belongs.
    pub slot: Slot,
    /// Its number in the slot, from 1.
    pub number: u32,
    /// The ask it was made for.
    pub ask: Value,
    /// Kinds of its steps, in order.
    pub steps: Vec<StepKind>,
    /// Clips it started with (reused from an earlier take), by step index: digest and task id.
    pub reused: Vec<(usize, String, Option<String>)>,
    /// How far it has come.
    pub state: TakeState,
    /// Its attempts in order.
    pub attempts: Vec<Attempt>,
    /// Unix milliseconds.
    pub created_ms: i64,
}

/// Size and time of a file that was hashed; while both agree the hash is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// Path relative to the project root, with `/`.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Modification time in nanoseconds since 1970.
    pub modified_ns: i64,
    /// `sha256:` and hex.
    pub sha256: String,
}

/// A clip in the cache.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipRecord {
    /// `sha256:` and hex.
    pub sha256: String,
    /// Bytes.
    pub bytes: u64,
    /// What is known of the pictures ([`crate::media::Probe`] as JSON).
    pub probe: Value,
    /// The task that made it.
    pub task_id: Option<String>,
}

/// A publication that must be finished once begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    /// Row.
    pub id: i64,
    /// The take, for a render.
    pub take: Option<TakeId>,
    /// Where it belongs.
    pub slot: Slot,
    /// Digest of the content.
    pub sha256: String,
    /// Clip file relative to the assets root.
    pub filename: String,
    /// The manifest entry to append, complete but for `id`, `version` and `superseded_by`; null when the manifest is right already.
    pub entry: Value,
    /// The manifest entry (id) it takes the place of, when that is not simply the scene's last one.
    pub supersedes: Option<String>,
}

/// Everything a plan needs of the ledger, read at once.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// All takes with their attempts.
    pub takes: Vec<Take>,
    /// Known hashes of files.
    pub files: Vec<FileRecord>,
    /// Clips in the cache, as recorded.
    pub clips: Vec<ClipRecord>,
    /// Publications that were begun and not finished.
    pub publishing: Vec<Publication>,
}

/// Why the ledger could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// It cannot be opened, read or written.
    #[error("the ledger `{path}` cannot be used: {message}")]
    Unusable {
        /// Its file.
        path: String,
        /// What SQLite or the system said.
        message: String,
    },
    /// It was written by a newer storyreel.
    #[error(
        "the ledger `{path}` has version {found}, and this storyreel knows versions up to {known}"
    )]
    Newer {
        /// Its file.
        path: String,
        /// Its version.
        found: i64,
        /// The newest known version.
        known: i64,
    },
    /// The step is not allowed from where the row stands; nothing was changed.
    #[error("the ledger refuses this: {message}")]
    Refused {
        /// What was asked for, and why it cannot be.
        message: String,
    },
}

/// The engine's port to its durable record. Every call that returns `Ok` has been committed and synced.
pub trait Ledger: Send {
    /// Opens a take. `reused` are clips it starts with.
    fn open_take(
        &mut self,
        slot: &Slot,
        number: u32,
        ask: &Value,
        steps: &[StepKind],
        reused: &[(usize, String, Option<String>)],
        now_ms: i64,
    ) -> Result<TakeId, LedgerError>;
    /// Records that a bound request is about to be sent.
    fn intend(&mut self, intent: &Intent, now_ms: i64) -> Result<AttemptId, LedgerError>;
    /// Records the task id (`None` for an upgrade that has none of its own).
    fn submitted(
        &mut self,
        attempt: AttemptId,
        task_id: Option<&str>,
        now_ms: i64,
    ) -> Result<(), LedgerError>;
    /// Records success and the links of the results.
    fn finished(
        &mut self,
        attempt: AttemptId,
        urls: &[String],
        charged: Option<f64>,
        now_ms: i64,
    ) -> Result<(), LedgerError>;
    /// Records that the verified clip is in the cache.
    fn downloaded(
        &mut self,
        attempt: AttemptId,
        clip: &ClipRecord,
        now_ms: i64,
    ) -> Result<(), LedgerError>;
    /// Records a failure and what it cost (0 where nothing was charged, `None` where nobody knows).
    fn failed(
        &mut self,
        attempt: AttemptId,
        failure: &Failure,
        charged: Option<f64>,
        now_ms: i64,
    ) -> Result<(), LedgerError>;
    /// Records that nobody can tell whether the request was accepted.
    fn unknown(
        &mut self,
        attempt: AttemptId,
        failure: &Failure,
        now_ms: i64,
    ) -> Result<(), LedgerError>;
    /// Gives an attempt up: it was certainly not accepted, or the user said so.
    fn forgotten(&mut self, attempt: AttemptId, now_ms: i64) -> Result<(), LedgerError>;
    /// Records that a clip is about to be put in place. Marks the take as publishing.
    fn publishing(&mut self, publication: &Publication, now_ms: i64) -> Result<i64, LedgerError>;
    /// Records several publications that belong together, all or none; rows in the same order.
    fn publishing_together(
        &mut self,
        publications: &[Publication],
        now_ms: i64,
    ) -> Result<Vec<i64>, LedgerError>;
    /// Publications that were begun and not finished, oldest first.
    fn unfinished_publications(&mut self) -> Result<Vec<Publication>, LedgerError> {
        Ok(self.snapshot()?.publishing)
    }
    /// Gives up publications whose content is nowhere any more; their takes are open again.
    fn abandon_publications(&mut self, rows: &[i64], now_ms: i64) -> Result<(), LedgerError>;
    /// Records that clips are in place and in the manifest: publication rows with the file records of their files.
    fn published(&mut self, done: &[(i64, FileRecord)], now_ms: i64) -> Result<(), LedgerError>;
    /// [`Ledger::published`] and [`Ledger::rename_slots`] in one transaction, for moves.
    fn published_and_moved(
        &mut self,
        done: &[(i64, FileRecord)],
        moves: &[(Slot, Slot)],
        now_ms: i64,
    ) -> Result<(), LedgerError>;
    /// Ends a take without publishing it.
    fn keep_take(&mut self, take: TakeId, now_ms: i64) -> Result<(), LedgerError>;
    /// Gives the takes of slots other scene keys at once (a move); pairs are old and new slot.
    fn rename_slots(&mut self, pairs: &[(Slot, Slot)]) -> Result<(), LedgerError>;
    /// Remembers hashes of files.
    fn remember_files(&mut self, files: &[FileRecord]) -> Result<(), LedgerError>;
    /// Remembers an upload link for a content digest until `expires_ms`.
    fn remember_upload(
        &mut self,
        sha256: &str,
        url: &str,
        expires_ms: i64,
    ) -> Result<(), LedgerError>;
    /// An upload link that lives until after `now_ms`.
    fn upload(&mut self, sha256: &str, now_ms: i64) -> Result<Option<String>, LedgerError>;
    /// Remembers a clip that came into the cache without an attempt: adopted, restored, or copied before a move.
    fn remember_clip(&mut self, clip: &ClipRecord) -> Result<(), LedgerError>;
    /// A clip's record.
    fn clip(&mut self, sha256: &str) -> Result<Option<ClipRecord>, LedgerError>;
    /// Turns the intents that an earlier process left behind into unknown submissions and returns them; upgrades
    /// stay, because repeating their call is harmless. To be called under the project lock, before anything is sent.
    fn recover(&mut self, now_ms: i64) -> Result<Vec<AttemptId>, LedgerError>;
    /// Credits reserved by attempts that are not over: intent, submitted, finished, unknown.
    fn outstanding(&mut self) -> Result<f64, LedgerError>;
    /// Everything, for a plan.
    fn snapshot(&mut self) -> Result<Snapshot, LedgerError>;
    /// Free text kept with each run for the history of costs: a JSON object.
    fn record_run(&mut self, summary: &Map<String, Value>, now_ms: i64) -> Result<(), LedgerError>;
}
