//! The ledger in one SQLite file.
//!
//! A rollback journal that is truncated and `synchronous = FULL`: about a millisecond a commit, and a commit that
//! returned survives a power cut. Write-ahead logging would be faster, but a cut log loses committed rows silently.

use super::changes::{
    Problem, Standing, end_publication, end_publications, move_take, redirect_take, rename_slots,
    save_clip, save_file, save_publication, set_failure, set_take_state, standing, take_state,
};
use super::rows::{UNFINISHED, UNTOLD, all, read_clip, read_publication, read_snapshot, word};
use super::schema::{APPLICATION_ID, MIGRATIONS};
use super::{
    AttemptId, AttemptState, BalanceRecord, ClipRecord, Failure, FailureClass, FileRecord, Intent,
    Ledger, LedgerError, Publication, Snapshot, TakeId, TakeState,
};
use crate::plan::Slot;
use crate::storyboard::StepKind;
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior,
    params,
};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a call waits for another process that reads or writes at this moment.
const BUSY: Duration = Duration::from_secs(10);

/// What is done with a damaged ledger, said with every such error.
const DAMAGED: &str = "it is damaged: restore it from a backup, or move it away to begin a new one (tasks in flight \
                       would then have to be taken over with `storyreel adopt`)";

/// [`Ledger`] in a file, or in memory for simulations.
pub struct SqliteLedger {
    connection: Connection,
    path: PathBuf,
}

impl SqliteLedger {
    /// Opens the ledger at `path` for a run, or creates it with its folder, which ignores itself in git. The caller
    /// holds the project's lock.
    ///
    /// # Errors
    /// A file that is no ledger, is damaged or cut, or comes from a newer storyreel is refused and left as it is.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let unusable = |error: std::io::Error| unusable(path, error.to_string());
        if let Some(folder) = path.parent() {
            super::make_private_folder(folder).map_err(unusable)?;
        }
        super::refuse_link(path).map_err(unusable)?;
        if !path.try_exists().map_err(unusable)? {
            create(path)?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut ledger = Self::connect(path, flags)?;
        ledger.migrate()?;
        ledger.prepare_for_writing().map_err(|error| ledger.error(&error))?;
        Ok(ledger)
    }

    /// Opens an existing ledger to look at it, `None` where there is none. It creates nothing, and works while a run
    /// goes on.
    pub fn open_existing_for_reading(path: &Path) -> Result<Option<Self>, LedgerError> {
        if !path.try_exists().map_err(|error| unusable(path, error.to_string()))? {
            return Ok(None);
        }
        // What a killed run left in its journal can only be rolled back by somebody who may write. Where that is not
        // allowed, and there is nothing to roll back, reading does as well.
        let writable = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let readable = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut ledger = Self::connect(path, writable).or_else(|first| {
            if matches!(first, LedgerError::Newer { .. }) {
                return Err(first);
            }
            Self::connect(path, readable).map_err(|_| first)
        })?;
        ledger.migrate()?;
        ledger.connection.pragma_update(None, "query_only", true).map_err(|e| ledger.error(&e))?;
        Ok(Some(ledger))
    }

    /// A ledger that is gone when it is dropped, for simulations and previews.
    pub fn open_in_memory() -> Result<Self, LedgerError> {
        let path = PathBuf::from(":memory:");
        let connection =
            Connection::open_in_memory().map_err(|error| unusable(&path, error.to_string()))?;
        let mut ledger = Self { connection, path };
        ledger.prepare().map_err(|error| ledger.error(&error))?;
        ledger.initialise()?;
        Ok(ledger)
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Self, LedgerError> {
        let length = std::fs::metadata(path).map_err(|e| unusable(path, e.to_string()))?.len();
        if length == 0 {
            // SQLite takes an empty file for a new database. Ours is never empty: it is made whole and then renamed.
            return Err(unusable(path, format!("the file is empty; {DAMAGED}")));
        }
        let unclean = std::fs::metadata(sibling(path, "-journal")).is_ok_and(|file| file.len() > 0);
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|error| unusable(path, error.to_string()))?;
        let ledger = Self { connection, path: path.to_owned() };
        ledger.prepare().map_err(|error| ledger.error(&error))?;
        ledger.inspect(unclean)?;
        Ok(ledger)
    }

    fn prepare(&self) -> rusqlite::Result<()> {
        self.connection.busy_timeout(BUSY)?;
        self.connection.set_prepared_statement_cache_capacity(64);
        self.connection.pragma_update(None, "foreign_keys", true)?;
        self.connection.pragma_update(None, "trusted_schema", false)
    }

    fn prepare_for_writing(&self) -> rusqlite::Result<()> {
        self.connection.pragma_update_and_check(None, "journal_mode", "TRUNCATE", |_| Ok(()))?;
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        // Elsewhere than on macOS this changes nothing; there a plain sync does not reach the disk.
        self.connection.pragma_update(None, "fullfsync", true)
    }

    /// Whose file it is, whether it is whole, and whether its version is known.
    fn inspect(&self, unclean: bool) -> Result<(), LedgerError> {
        let number = |pragma: &str| {
            self.connection
                .pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
                .map_err(|error| self.error(&error))
        };
        if number("application_id")? != APPLICATION_ID {
            return Err(unusable(
                &self.path,
                "it is not a ledger of storyreel; move it away to begin a new one".to_owned(),
            ));
        }
        let found = number("user_version")?;
        let known = newest_version();
        if found > known {
            return Err(LedgerError::Newer { path: shown(&self.path), found, known });
        }
        // Asking for the pages above rolled a left-over journal back, so the sizes must agree now.
        let expected = number("page_count")? * number("page_size")?;
        let length = std::fs::metadata(&self.path)
            .map_err(|error| unusable(&self.path, error.to_string()))?
            .len();
        if u64::try_from(expected).is_ok_and(|expected| length < expected) {
            return Err(unusable(&self.path, format!("the file is cut short; {DAMAGED}")));
        }
        if unclean {
            self.check_pages()?;
        }
        Ok(())
    }

    /// Reads every page and says whether the file hangs together: 1 ms a megabyte.
    fn check_pages(&self) -> Result<(), LedgerError> {
        let verdict: String = self
            .connection
            .pragma_query_value(None, "quick_check", |row| row.get(0))
            .map_err(|error| self.error(&error))?;
        if verdict == "ok" {
            return Ok(());
        }
        Err(unusable(&self.path, format!("{verdict}; {DAMAGED}")))
    }

    fn initialise(&mut self) -> Result<(), LedgerError> {
        self.connection
            .pragma_update(None, "application_id", APPLICATION_ID)
            .map_err(|error| self.error(&error))?;
        self.migrate()
    }

    /// Brings an older ledger to the newest version, all or nothing.
    fn migrate(&mut self) -> Result<(), LedgerError> {
        let version = |connection: &Connection| {
            connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
        };
        if version(&self.connection).map_err(|error| self.error(&error))? == newest_version() {
            return Ok(());
        }
        self.write(|transaction| {
            // Read again under the lock: another process may have done it meanwhile.
            let from = usize::try_from(version(transaction)?).unwrap_or(0);
            for step in MIGRATIONS.iter().skip(from) {
                transaction.execute_batch(step)?;
            }
            Ok(transaction.pragma_update(None, "user_version", newest_version())?)
        })
    }

    /// Runs `change` in one transaction, which is synced when this returns.
    fn write<T>(
        &mut self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, Problem>,
    ) -> Result<T, LedgerError> {
        let done = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(Problem::from)
            .and_then(|transaction| {
                let result = change(&transaction)?;
                transaction.commit()?;
                Ok(result)
            });
        done.map_err(|problem| self.problem(problem))
    }

    fn problem(&self, problem: Problem) -> LedgerError {
        match problem {
            Problem::Sqlite(error) => self.error(&error),
            Problem::Json(error) => {
                unusable(&self.path, format!("a record cannot be written as JSON: {error}"))
            }
            Problem::Refused(message) => LedgerError::Refused { message },
        }
    }

    fn error(&self, error: &rusqlite::Error) -> LedgerError {
        let advice = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => DAMAGED,
            Some(ErrorCode::DiskFull) => "make room on the disk; nothing more is sent until then",
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                "check the rights of the file and of its folder"
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "another process keeps it busy; try again when it has ended"
            }
            _ => "nothing was changed",
        };
        unusable(&self.path, format!("{error}; {advice}"))
    }

    /// Moves an attempt forward where that is allowed, and runs `more` in the same transaction.
    fn advance(
        &mut self,
        attempt: AttemptId,
        to: AttemptState,
        now_ms: i64,
        allowed: impl FnOnce(&Standing) -> bool,
        more: impl FnOnce(&Transaction<'_>) -> Result<(), Problem>,
    ) -> Result<(), LedgerError> {
        self.write(|transaction| {
            let standing = standing(transaction, attempt)?;
            if !allowed(&standing) {
                return Err(Problem::Refused(format!(
                    "attempt {} is `{}` and cannot become `{}`",
                    attempt.0,
                    word(standing.state)?,
                    word(to)?
                )));
            }
            transaction
                .prepare_cached("UPDATE attempts SET state = ?2, changed_ms = ?3 WHERE id = ?1")?
                .execute(params![attempt.0, word(to)?, now_ms])?;
            more(transaction)
        })
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn unusable(path: &Path, message: String) -> LedgerError {
    LedgerError::Unusable { path: shown(path), message }
}

fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn newest_version() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Makes a whole ledger beside `path` and renames it, so that no crash leaves half a ledger under its name.
fn create(path: &Path) -> Result<(), LedgerError> {
    let failed = |error: std::io::Error| unusable(path, error.to_string());
    let folder = path.parent().unwrap_or(Path::new("."));
    let new = tempfile::Builder::new()
        .prefix("ledger-")
        .suffix(".new")
        .tempfile_in(folder)
        .map_err(failed)?
        .into_temp_path();
    {
        let connection =
            Connection::open(&new).map_err(|error| unusable(path, error.to_string()))?;
        let mut ledger = SqliteLedger { connection, path: path.to_owned() };
        ledger.prepare().map_err(|error| ledger.error(&error))?;
        // Memory is enough for a journal here: until the file has its name, nothing of it counts.
        ledger
            .connection
            .pragma_update_and_check(None, "journal_mode", "MEMORY", |_| Ok(()))
            .map_err(|error| ledger.error(&error))?;
        ledger.initialise()?;
    }
    std::fs::File::open(&new).and_then(|file| file.sync_all()).map_err(failed)?;
    // A journal that outlived its ledger would be played into the new one.
    match std::fs::remove_file(sibling(path, "-journal")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    // Another process may have created it in the meantime, and its rows count.
    match new.persist_noclobber(path) {
        Err(error) if error.error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(failed(error.error));
        }
        _ => {}
    }
    #[cfg(unix)]
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(())
}

impl Ledger for SqliteLedger {
    fn open_take(
        &mut self,
        slot: &Slot,
        number: u32,
        ask: &Value,
        steps: &[StepKind],
        reused: &[(usize, String, Option<String>)],
        now_ms: i64,
    ) -> Result<TakeId, LedgerError> {
        self.write(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO takes (storyboard, variant, scene, number, ask, steps, reused, state,
                         created_ms, changed_ms)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'open', ?8, ?8)",
                )?
                .execute(params![
                    slot.storyboard,
                    slot.variant,
                    slot.scene,
                    number,
                    serde_json::to_string(ask)?,
                    serde_json::to_string(steps)?,
                    serde_json::to_string(reused)?,
                    now_ms,
                ])?;
            Ok(TakeId(transaction.last_insert_rowid()))
        })
    }

    fn intend(&mut self, intent: &Intent, now_ms: i64) -> Result<AttemptId, LedgerError> {
        self.write(|transaction| {
            let state = take_state(transaction, intent.take)?;
            if state != TakeState::Open {
                return Err(Problem::Refused(format!(
                    "take {} is `{}`, and nothing more may be sent for it",
                    intent.take.0,
                    word(state)?
                )));
            }
            let step = i64::try_from(intent.step)
                .map_err(|_| Problem::Refused(format!("there is no step {}", intent.step)))?;
            let living: Option<(i64, String)> = transaction
                .prepare_cached(
                    "SELECT id, state FROM attempts
                     WHERE take = ?1 AND step = ?2 AND state NOT IN ('failed', 'forgotten')",
                )?
                .query_row([intent.take.0, step], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            if let Some((attempt, state)) = living {
                return Err(Problem::Refused(format!(
                    "step {step} of take {} has attempt {attempt}, which is `{state}`; another would pay twice",
                    intent.take.0
                )));
            }
            transaction
                .prepare_cached(
                    "INSERT INTO attempts (take, step, kind, model_id, provider, family, operation, upgrade,
                         endpoint, fingerprint, request, bound, reserved, state, created_ms, changed_ms, claim)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 'intent', ?14, ?14, ?15)",
                )?
                .execute(params![
                    intent.take.0,
                    step,
                    word(intent.kind)?,
                    intent.model_id,
                    intent.provider,
                    intent.family,
                    intent.operation,
                    intent.upgrade,
                    intent.endpoint,
                    intent.fingerprint,
                    serde_json::to_string(&*intent.request)?,
                    serde_json::to_string(&*intent.bound)?,
                    intent.reserved,
                    now_ms,
                    intent.claim,
                ])?;
            Ok(AttemptId(transaction.last_insert_rowid()))
        })
    }

    /// Allowed once.
    fn claimed(&mut self, attempt: AttemptId, place: &str) -> Result<(), LedgerError> {
        self.write(|transaction| {
            let changed = transaction
                .prepare_cached(
                    "UPDATE attempts SET claim = ?2 WHERE id = ?1 AND coalesce(claim, '') = ''",
                )?
                .execute(params![attempt.0, place])?;
            if changed == 1 {
                return Ok(());
            }
            Err(Problem::Refused(format!("attempt {} has its claim already", attempt.0)))
        })
    }

    fn told(&mut self, attempt: AttemptId, state: AttemptState) -> Result<(), LedgerError> {
        self.write(|transaction| {
            transaction
                .prepare_cached("UPDATE attempts SET told = ?2 WHERE id = ?1")?
                .execute(params![attempt.0, word(state)?])?;
            Ok(())
        })
    }

    fn untold(&mut self) -> Result<Vec<AttemptId>, LedgerError> {
        all(&self.connection, UNTOLD, |row| Ok(AttemptId(row.get(0)?)))
            .map_err(|error| self.error(&error))
    }

    fn use_shared(&mut self, id: &str) -> Result<(), LedgerError> {
        self.write(|transaction| {
            let known = transaction
                .prepare_cached("SELECT id FROM shared")?
                .query_row([], |row| row.get::<_, String>(0))
                .optional()?;
            if known.as_deref() == Some(id) {
                return Ok(());
            }
            transaction.execute_batch(
                "UPDATE attempts SET claim = NULL, told = NULL WHERE claim IS NOT NULL;
                 DELETE FROM kept;
                 DELETE FROM shared;",
            )?;
            transaction.execute("INSERT INTO shared (id) VALUES (?1)", [id])?;
            Ok(())
        })
    }

    fn remember_kept(&mut self, digests: &[String]) -> Result<(), LedgerError> {
        if digests.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            let mut insert =
                transaction.prepare_cached("INSERT OR IGNORE INTO kept (sha256) VALUES (?1)")?;
            for sha256 in digests {
                insert.execute([sha256])?;
            }
            Ok(())
        })
    }

    fn kept(&mut self) -> Result<HashSet<String>, LedgerError> {
        all(&self.connection, "SELECT sha256 FROM kept", |row| row.get(0))
            .map(|digests| digests.into_iter().collect())
            .map_err(|error| self.error(&error))
    }

    /// Allowed from intent and from unknown (the user found the task); repeating the same task id is harmless.
    fn submitted(
        &mut self,
        attempt: AttemptId,
        task_id: Option<&str>,
        now_ms: i64,
    ) -> Result<(), LedgerError> {
        self.advance(
            attempt,
            AttemptState::Submitted,
            now_ms,
            |now| match now.state {
                AttemptState::Intent => task_id.is_some() || now.upgrade,
                AttemptState::Unknown => task_id.is_some(),
                AttemptState::Submitted => now.task_id.is_none() || now.task_id.as_deref() == task_id,
                _ => false,
            },
            |transaction| {
                transaction
                    .prepare_cached(
                        "UPDATE attempts SET task_id = ?2, failure_class = NULL, failure_code = NULL,
                             failure_message = NULL WHERE id = ?1",
                    )?
                    .execute(params![attempt.0, task_id])?;
                Ok(())
            },
        )
    }

    /// Allowed from submitted, from finished (fresh links), and for an upgrade from intent.
    fn finished(
        &mut self,
        attempt: AttemptId,
        urls: &[String],
        charged: Option<f64>,
        now_ms: i64,
    ) -> Result<(), LedgerError> {
        self.advance(
            attempt,
            AttemptState::Finished,
            now_ms,
            |now| match now.state {
                AttemptState::Submitted | AttemptState::Finished => true,
                AttemptState::Intent => now.upgrade,
                _ => false,
            },
            |transaction| {
                transaction
                    .prepare_cached(
                        "UPDATE attempts SET urls = ?2, charged = coalesce(?3, charged) WHERE id = ?1",
                    )?
                    .execute(params![attempt.0, serde_json::to_string(urls)?, charged])?;
                Ok(())
            },
        )
    }

    /// Allowed from finished and, for a file that the user brought, from submitted and unknown.
    fn downloaded(
        &mut self,
        attempt: AttemptId,
        clip: &ClipRecord,
        now_ms: i64,
    ) -> Result<(), LedgerError> {
        self.advance(
            attempt,
            AttemptState::Downloaded,
            now_ms,
            |now| match now.state {
                AttemptState::Submitted | AttemptState::Finished | AttemptState::Unknown => true,
                AttemptState::Downloaded => now.clip.as_deref() == Some(&clip.sha256),
                _ => false,
            },
            |transaction| {
                save_clip(transaction, clip)?;
                transaction
                    .prepare_cached(
                        "UPDATE attempts SET clip = ?2, failure_class = NULL, failure_code = NULL,
                             failure_message = NULL WHERE id = ?1",
                    )?
                    .execute(params![attempt.0, clip.sha256])?;
                Ok(())
            },
        )
    }

    /// Allowed from intent, submitted and finished; from unknown where another machine has found out; from downloaded only
    /// when the clip is lost for good.
    fn failed(
        &mut self,
        attempt: AttemptId,
        failure: &Failure,
        charged: Option<f64>,
        now_ms: i64,
    ) -> Result<(), LedgerError> {
        self.advance(
            attempt,
            AttemptState::Failed,
            now_ms,
            |now| match now.state {
                AttemptState::Intent
                | AttemptState::Submitted
                | AttemptState::Finished
                | AttemptState::Unknown => true,
                AttemptState::Downloaded => failure.class == FailureClass::Lost,
                _ => false,
            },
            |transaction| {
                set_failure(transaction, attempt, failure)?;
                transaction
                    .prepare_cached(
                        "UPDATE attempts SET charged = coalesce(?2, charged) WHERE id = ?1",
                    )?
                    .execute(params![attempt.0, charged])?;
                Ok(())
            },
        )
    }

    /// Allowed from intent, from submitted when its task turned out to be another submission's, and never for an upgrade.
    fn unknown(
        &mut self,
        attempt: AttemptId,
        failure: &Failure,
        now_ms: i64,
    ) -> Result<(), LedgerError> {
        self.advance(
            attempt,
            AttemptState::Unknown,
            now_ms,
            |now| {
                matches!(now.state, AttemptState::Intent | AttemptState::Submitted) && !now.upgrade
            },
            |transaction| {
                transaction
                    .prepare_cached("UPDATE attempts SET task_id = NULL WHERE id = ?1")?
                    .execute([attempt.0])?;
                set_failure(transaction, attempt, failure)
            },
        )
    }

    /// Allowed until the clip is here or the attempt has failed.
    fn forgotten(&mut self, attempt: AttemptId, now_ms: i64) -> Result<(), LedgerError> {
        self.advance(
            attempt,
            AttemptState::Forgotten,
            now_ms,
            |now| {
                matches!(
                    now.state,
                    AttemptState::Intent
                        | AttemptState::Unknown
                        | AttemptState::Submitted
                        | AttemptState::Finished
                )
            },
            |_| Ok(()),
        )
    }

    fn publishing(&mut self, publication: &Publication, now_ms: i64) -> Result<i64, LedgerError> {
        self.write(|transaction| save_publication(transaction, publication, now_ms))
    }

    fn publishing_together(
        &mut self,
        publications: &[Publication],
        now_ms: i64,
    ) -> Result<Vec<i64>, LedgerError> {
        self.write(|transaction| {
            publications
                .iter()
                .map(|publication| save_publication(transaction, publication, now_ms))
                .collect()
        })
    }

    fn unfinished_publications(&mut self) -> Result<Vec<Publication>, LedgerError> {
        all(&self.connection, UNFINISHED, read_publication).map_err(|error| self.error(&error))
    }

    fn abandon_publications(&mut self, rows: &[i64], now_ms: i64) -> Result<(), LedgerError> {
        self.write(|transaction| {
            for row in rows {
                end_publication(transaction, *row, "abandoned", TakeState::Open, now_ms)?;
            }
            Ok(())
        })
    }

    fn published(&mut self, done: &[(i64, FileRecord)], now_ms: i64) -> Result<(), LedgerError> {
        self.write(|transaction| end_publications(transaction, done, now_ms))
    }

    fn published_and_moved(
        &mut self,
        done: &[(i64, FileRecord)],
        moves: &[(Slot, Slot)],
        now_ms: i64,
    ) -> Result<(), LedgerError> {
        self.write(|transaction| {
            end_publications(transaction, done, now_ms)?;
            rename_slots(transaction, moves)
        })
    }

    fn keep_take(&mut self, take: TakeId, now_ms: i64) -> Result<(), LedgerError> {
        self.write(|transaction| match take_state(transaction, take)? {
            TakeState::Open | TakeState::Kept => {
                set_take_state(transaction, take, TakeState::Kept, now_ms)
            }
            state => Err(Problem::Refused(format!(
                "take {} is `{}` and cannot be kept back",
                take.0,
                word(state)?
            ))),
        })
    }

    fn move_takes(&mut self, moves: &[(TakeId, Slot)]) -> Result<(), LedgerError> {
        self.write(|transaction| {
            moves.iter().try_for_each(|(take, slot)| move_take(transaction, take.0, slot))
        })
    }

    fn redirect_takes(
        &mut self,
        changes: &[(TakeId, Value, Vec<StepKind>)],
    ) -> Result<(), LedgerError> {
        self.write(|transaction| {
            changes
                .iter()
                .try_for_each(|(take, ask, steps)| redirect_take(transaction, *take, ask, steps))
        })
    }

    fn remember_files(&mut self, files: &[FileRecord]) -> Result<(), LedgerError> {
        if files.is_empty() {
            return Ok(());
        }
        self.write(|transaction| files.iter().try_for_each(|file| save_file(transaction, file)))
    }

    fn remember_upload(
        &mut self,
        sha256: &str,
        url: &str,
        expires_ms: i64,
    ) -> Result<(), LedgerError> {
        self.write(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO uploads (sha256, url, expires_ms) VALUES (?1, ?2, ?3)
                     ON CONFLICT (sha256) DO UPDATE SET url = excluded.url, expires_ms = excluded.expires_ms",
                )?
                .execute(params![sha256, url, expires_ms])?;
            Ok(())
        })
    }

    fn upload(&mut self, sha256: &str, now_ms: i64) -> Result<Option<String>, LedgerError> {
        self.connection
            .prepare_cached("SELECT url FROM uploads WHERE sha256 = ?1 AND expires_ms > ?2")
            .and_then(|mut statement| {
                statement.query_row(params![sha256, now_ms], |row| row.get(0)).optional()
            })
            .map_err(|error| self.error(&error))
    }

    fn remember_clip(&mut self, clip: &ClipRecord) -> Result<(), LedgerError> {
        self.write(|transaction| save_clip(transaction, clip))
    }

    fn clip(&mut self, sha256: &str) -> Result<Option<ClipRecord>, LedgerError> {
        self.connection
            .prepare_cached("SELECT sha256, bytes, probe, task_id FROM clips WHERE sha256 = ?1")
            .and_then(|mut statement| statement.query_row([sha256], read_clip).optional())
            .map_err(|error| self.error(&error))
    }

    fn recover(&mut self, now_ms: i64) -> Result<Vec<AttemptId>, LedgerError> {
        self.write(|transaction| {
            let failure = Failure {
                class: FailureClass::Other,
                code: None,
                message: "the process ended before the answer to this submission was on record"
                    .to_owned(),
            };
            transaction
                .prepare_cached(
                    "UPDATE attempts SET state = 'forgotten', changed_ms = ?1
                     WHERE state = 'intent' AND claim = ''",
                )?
                .execute([now_ms])?;
            let attempts: Vec<AttemptId> = transaction
                .prepare_cached(
                    "UPDATE attempts SET state = 'unknown', changed_ms = ?1
                     WHERE state = 'intent' AND upgrade = 0 RETURNING id",
                )?
                .query_map([now_ms], |row| Ok(AttemptId(row.get(0)?)))?
                .collect::<rusqlite::Result<_>>()?;
            for attempt in &attempts {
                set_failure(transaction, *attempt, &failure)?;
            }
            Ok(attempts)
        })
    }

    fn outstanding(&mut self) -> Result<f64, LedgerError> {
        self.connection
            .prepare_cached(
                "SELECT coalesce(sum(reserved), 0.0) FROM attempts
                 WHERE state IN ('intent', 'submitted', 'finished', 'unknown')",
            )
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .map_err(|error| self.error(&error))
    }

    fn snapshot(&mut self) -> Result<Snapshot, LedgerError> {
        // One read transaction, so that the parts belong together while another process writes.
        let read = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Deferred)
            .and_then(|transaction| read_snapshot(&transaction));
        read.map_err(|error| self.error(&error))
    }

    fn remember_balance(&mut self, balance: &BalanceRecord) -> Result<(), LedgerError> {
        self.write(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO balances (provider, at_ms, credits) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![balance.provider, balance.at_ms, balance.credits])?;
            Ok(())
        })
    }

    fn record_run(&mut self, summary: &Map<String, Value>, now_ms: i64) -> Result<(), LedgerError> {
        self.write(|transaction| {
            transaction
                .prepare_cached("INSERT INTO runs (ended_ms, summary) VALUES (?1, ?2)")?
                .execute(params![now_ms, serde_json::to_string(summary)?])?;
            Ok(())
        })
    }
}
