//! Changes to rows, each to be made inside one transaction.

use super::rows::{from_word, word};
use super::{
    AttemptId, AttemptState, ClipRecord, Failure, FileRecord, Publication, TakeId, TakeState,
};
use crate::plan::Slot;
use crate::storyboard::StepKind;
use rusqlite::{OptionalExtension as _, Transaction, params};

/// Where an attempt stands before a change.
pub(super) struct Standing {
    pub state: AttemptState,
    pub upgrade: bool,
    pub task_id: Option<String>,
    pub clip: Option<String>,
}

/// Why a change was not made.
pub(super) enum Problem {
    Sqlite(rusqlite::Error),
    Json(serde_json::Error),
    Refused(String),
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

pub(super) fn standing(
    transaction: &Transaction<'_>,
    attempt: AttemptId,
) -> Result<Standing, Problem> {
    transaction
        .prepare_cached("SELECT state, upgrade, task_id, clip FROM attempts WHERE id = ?1")?
        .query_row([attempt.0], |row| {
            Ok(Standing {
                state: from_word(0, row.get(0)?)?,
                upgrade: row.get(1)?,
                task_id: row.get(2)?,
                clip: row.get(3)?,
            })
        })
        .optional()?
        .ok_or_else(|| Problem::Refused(format!("there is no attempt {}", attempt.0)))
}

pub(super) fn take_state(
    transaction: &Transaction<'_>,
    take: TakeId,
) -> Result<TakeState, Problem> {
    transaction
        .prepare_cached("SELECT state FROM takes WHERE id = ?1")?
        .query_row([take.0], |row| from_word(0, row.get(0)?))
        .optional()?
        .ok_or_else(|| Problem::Refused(format!("there is no take {}", take.0)))
}

pub(super) fn set_take_state(
    transaction: &Transaction<'_>,
    take: TakeId,
    state: TakeState,
    now_ms: i64,
) -> Result<(), Problem> {
    transaction
        .prepare_cached("UPDATE takes SET state = ?2, changed_ms = ?3 WHERE id = ?1")?
        .execute(params![take.0, word(state)?, now_ms])?;
    Ok(())
}

pub(super) fn set_failure(
    transaction: &Transaction<'_>,
    attempt: AttemptId,
    failure: &Failure,
) -> Result<(), Problem> {
    transaction
        .prepare_cached(
            "UPDATE attempts SET failure_class = ?2, failure_code = ?3, failure_message = ?4 WHERE id = ?1",
        )?
        .execute(params![attempt.0, word(failure.class)?, failure.code, failure.message])?;
    Ok(())
}

pub(super) fn save_clip(transaction: &Transaction<'_>, clip: &ClipRecord) -> Result<(), Problem> {
    transaction
        .prepare_cached(
            "INSERT INTO clips (sha256, bytes, probe, task_id) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (sha256) DO UPDATE SET bytes = excluded.bytes, probe = excluded.probe,
                 task_id = coalesce(excluded.task_id, task_id)",
        )?
        .execute(params![
            clip.sha256,
            signed(clip.bytes)?,
            serde_json::to_string(&clip.probe)?,
            clip.task_id
        ])?;
    Ok(())
}

pub(super) fn save_file(transaction: &Transaction<'_>, file: &FileRecord) -> Result<(), Problem> {
    transaction
        .prepare_cached(
            "INSERT INTO files (path, size, modified_ns, sha256) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (path) DO UPDATE SET size = excluded.size,
                 modified_ns = excluded.modified_ns, sha256 = excluded.sha256",
        )?
        .execute(params![file.path, signed(file.size)?, file.modified_ns, file.sha256])?;
    Ok(())
}

pub(super) fn save_publication(
    transaction: &Transaction<'_>,
    publication: &Publication,
    now_ms: i64,
) -> Result<i64, Problem> {
    if let Some(take) = publication.take {
        let state = take_state(transaction, take)?;
        if state != TakeState::Open {
            return Err(Problem::Refused(format!(
                "take {} is `{}` and cannot be published",
                take.0,
                word(state)?
            )));
        }
        set_take_state(transaction, take, TakeState::Publishing, now_ms)?;
    }
    transaction
        .prepare_cached(
            "INSERT INTO publications (take, storyboard, variant, scene, sha256, filename, entry, supersedes,
                 state, created_ms, changed_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'publishing', ?9, ?9)",
        )?
        .execute(params![
            publication.take.map(|take| take.0),
            publication.slot.storyboard,
            publication.slot.variant,
            publication.slot.scene,
            publication.sha256,
            publication.filename,
            serde_json::to_string(&publication.entry)?,
            publication.supersedes,
            now_ms,
        ])?;
    Ok(transaction.last_insert_rowid())
}

/// Ends a publication in `state`, and its take with `take`.
pub(super) fn end_publication(
    transaction: &Transaction<'_>,
    row: i64,
    state: &str,
    take_becomes: TakeState,
    now_ms: i64,
) -> Result<(), Problem> {
    let (found, take) = transaction
        .prepare_cached("SELECT state, take FROM publications WHERE id = ?1")?
        .query_row([row], |found| Ok((found.get::<_, String>(0)?, found.get::<_, Option<i64>>(1)?)))
        .optional()?
        .ok_or_else(|| Problem::Refused(format!("there is no publication {row}")))?;
    if found == state {
        return Ok(());
    }
    if found != "publishing" {
        return Err(Problem::Refused(format!(
            "publication {row} is `{found}` and cannot become `{state}`"
        )));
    }
    transaction
        .prepare_cached("UPDATE publications SET state = ?2, changed_ms = ?3 WHERE id = ?1")?
        .execute(params![row, state, now_ms])?;
    if let Some(take) = take {
        set_take_state(transaction, TakeId(take), take_becomes, now_ms)?;
    }
    Ok(())
}

pub(super) fn end_publications(
    transaction: &Transaction<'_>,
    done: &[(i64, FileRecord)],
    now_ms: i64,
) -> Result<(), Problem> {
    for (row, file) in done {
        end_publication(transaction, *row, "published", TakeState::Published, now_ms)?;
        save_file(transaction, file)?;
    }
    Ok(())
}

pub(super) fn rename_slots(
    transaction: &Transaction<'_>,
    pairs: &[(Slot, Slot)],
) -> Result<(), Problem> {
    // All are found before any is changed, so that 3 -> 4 and 4 -> 5 do not carry scene 3 to 5.
    let mut changes = Vec::new();
    for (old, new) in pairs {
        let mut statement = transaction.prepare_cached(
            "SELECT id FROM takes WHERE storyboard = ?1 AND variant = ?2 AND scene = ?3",
        )?;
        let rows = statement.query_map(params![old.storyboard, old.variant, old.scene], |row| {
            row.get::<_, i64>(0)
        })?;
        for row in rows {
            changes.push((row?, new));
        }
    }
    changes.into_iter().try_for_each(|(take, slot)| move_take(transaction, take, slot))
}

/// Gives one take to another slot.
pub(super) fn move_take(
    transaction: &Transaction<'_>,
    take: i64,
    slot: &Slot,
) -> Result<(), Problem> {
    transaction
        .prepare_cached("UPDATE takes SET storyboard = ?2, variant = ?3, scene = ?4 WHERE id = ?1")?
        .execute(params![take, slot.storyboard, slot.variant, slot.scene])?;
    Ok(())
}

/// Gives an open take another ask and other steps.
pub(super) fn redirect_take(
    transaction: &Transaction<'_>,
    take: TakeId,
    ask: &serde_json::Value,
    steps: &[StepKind],
) -> Result<(), Problem> {
    let state = take_state(transaction, take)?;
    if state != TakeState::Open {
        return Err(Problem::Refused(format!(
            "take {} is `{}` and cannot be redirected",
            take.0,
            word(state)?
        )));
    }
    transaction
        .prepare_cached("UPDATE takes SET ask = ?2, steps = ?3 WHERE id = ?1")?
        .execute(params![take.0, serde_json::to_string(ask)?, serde_json::to_string(steps)?])?;
    Ok(())
}

fn signed(number: u64) -> Result<i64, Problem> {
    i64::try_from(number)
        .map_err(|_| Problem::Refused(format!("{number} is more bytes than a file can have")))
}
