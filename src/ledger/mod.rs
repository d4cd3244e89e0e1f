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

pub use crate::record::*;

use crate::storyboard::StepKind;
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
    /// Records that the claim of an intent stands at this place, where other machines see it.
    fn claimed(&mut self, attempt: AttemptId, place: &str) -> Result<(), LedgerError>;
    /// Records that other machines were told of an attempt's present state.
    fn told(&mut self, attempt: AttemptId, state: AttemptState) -> Result<(), LedgerError>;
    /// Claimed attempts of whose present state other machines were not told.
    fn untold(&mut self) -> Result<Vec<AttemptId>, LedgerError>;
    /// Says which shared cache is used from now on, by its id. What was recorded of another one is forgotten.
    fn use_shared(&mut self, id: &str) -> Result<(), LedgerError>;
    /// Records that the shared cache has these clips.
    fn remember_kept(&mut self, digests: &[String]) -> Result<(), LedgerError>;
    /// The clips that the shared cache is known to have.
    fn kept(&mut self) -> Result<std::collections::HashSet<String>, LedgerError>;
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
    /// Records that nobody can tell whether the request was accepted. A task id that was on record is forgotten: it is
    /// another submission's.
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
    /// [`Ledger::published`] together with giving all takes of slots to other slots, in one transaction, for moves;
    /// pairs are old and new slot.
    fn published_and_moved(
        &mut self,
        done: &[(i64, FileRecord)],
        moves: &[(Slot, Slot)],
        now_ms: i64,
    ) -> Result<(), LedgerError>;
    /// Ends a take without publishing it.
    fn keep_take(&mut self, take: TakeId, now_ms: i64) -> Result<(), LedgerError>;
    /// Gives single takes to other slots: open takes whose scene has another id now.
    fn move_takes(&mut self, moves: &[(TakeId, Slot)]) -> Result<(), LedgerError>;
    /// Gives open takes another ask and other steps, where everything that was sent of them is a part of both.
    fn redirect_takes(
        &mut self,
        changes: &[(TakeId, Value, Vec<StepKind>)],
    ) -> Result<(), LedgerError>;
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
    /// stay, because repeating their call is harmless. Intents whose claim was not on record yet were not sent, and are
    /// forgotten. To be called under the project lock, before anything is sent.
    fn recover(&mut self, now_ms: i64) -> Result<Vec<AttemptId>, LedgerError>;
    /// Credits reserved by attempts that are not over: intent, submitted, finished, unknown.
    fn outstanding(&mut self) -> Result<f64, LedgerError>;
    /// Everything, for a plan.
    fn snapshot(&mut self) -> Result<Snapshot, LedgerError>;
    /// Remembers what the account held, to tell later whether an unknown submission was charged.
    fn remember_balance(&mut self, balance: &BalanceRecord) -> Result<(), LedgerError>;
    /// Free text kept with each run for the history of costs: a JSON object.
    fn record_run(&mut self, summary: &Map<String, Value>, now_ms: i64) -> Result<(), LedgerError>;
}
