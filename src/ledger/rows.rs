//! Rows of the ledger as values, and the other way round.

use super::{
    Attempt, AttemptId, BalanceRecord, ClipRecord, Document, Failure, FailureClass, FileRecord,
    Intent, Publication, RunRecord, Snapshot, Take, TakeId,
};
use crate::plan::Slot;
use crate::storyboard::StepKind;
use rusqlite::types::Type;
use rusqlite::{Connection, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The word of a unit variant, as the tables hold it.
pub(super) fn word<T: Serialize>(value: T) -> serde_json::Result<String> {
    match serde_json::to_value(value)? {
        Value::String(text) => Ok(text),
        other => Ok(other.to_string()),
    }
}

pub(super) fn from_word<T: DeserializeOwned>(column: usize, text: String) -> rusqlite::Result<T> {
    serde_json::from_value(Value::String(text)).map_err(|error| unreadable(column, error))
}

fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str().map_err(|error| unreadable(column, error))?;
    serde_json::from_str(text).map_err(|error| unreadable(column, error))
}

fn document(row: &Row<'_>, column: usize) -> rusqlite::Result<Document> {
    let text = row.get_ref(column)?.as_str().map_err(|error| unreadable(column, error))?;
    Document::of_text(text).map_err(|error| unreadable(column, error))
}

fn unreadable(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(|error| unreadable(column, error))
}

pub(super) fn read_clip(row: &Row<'_>) -> rusqlite::Result<ClipRecord> {
    Ok(ClipRecord {
        sha256: row.get(0)?,
        bytes: unsigned(row, 1)?,
        probe: from_json(row, 2)?,
        task_id: row.get(3)?,
    })
}

fn read_take(row: &Row<'_>) -> rusqlite::Result<Take> {
    Ok(Take {
        id: TakeId(row.get(0)?),
        slot: Slot { storyboard: row.get(1)?, variant: row.get(2)?, scene: row.get(3)? },
        number: row.get(4)?,
        ask: document(row, 5)?,
        steps: from_json(row, 6)?,
        reused: from_json(row, 7)?,
        state: from_word(8, row.get(8)?)?,
        attempts: Vec::new(),
        created_ms: row.get(9)?,
    })
}

fn read_attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    let failure = match row.get::<_, Option<String>>(18)? {
        Some(class) => Some(Failure {
            class: from_word::<FailureClass>(18, class)?,
            code: row.get(19)?,
            message: row.get::<_, Option<String>>(20)?.unwrap_or_default(),
        }),
        None => None,
    };
    Ok(Attempt {
        id: AttemptId(row.get(0)?),
        intent: Intent {
            take: TakeId(row.get(1)?),
            step: usize::try_from(row.get::<_, i64>(2)?).map_err(|error| unreadable(2, error))?,
            kind: from_word::<StepKind>(3, row.get(3)?)?,
            model_id: row.get(4)?,
            provider: row.get(5)?,
            family: row.get(6)?,
            operation: row.get(7)?,
            upgrade: row.get(8)?,
            endpoint: row.get(9)?,
            fingerprint: row.get(10)?,
            request: document(row, 11)?,
            bound: document(row, 12)?,
            reserved: row.get(13)?,
            claim: row.get(24)?,
        },
        state: from_word(14, row.get(14)?)?,
        task_id: row.get(15)?,
        urls: from_json(row, 16)?,
        clip: row.get(17)?,
        failure,
        charged: row.get(21)?,
        created_ms: row.get(22)?,
        changed_ms: row.get(23)?,
    })
}

pub(super) fn read_publication(row: &Row<'_>) -> rusqlite::Result<Publication> {
    Ok(Publication {
        id: row.get(0)?,
        take: row.get::<_, Option<i64>>(1)?.map(TakeId),
        slot: Slot { storyboard: row.get(2)?, variant: row.get(3)?, scene: row.get(4)? },
        sha256: row.get(5)?,
        filename: row.get(6)?,
        entry: from_json(row, 7)?,
        supersedes: row.get(8)?,
    })
}

pub(super) const UNFINISHED: &str =
    "SELECT id, take, storyboard, variant, scene, sha256, filename, entry, supersedes
                          FROM publications WHERE state = 'publishing' ORDER BY id";

/// What is finished was told as submitted, and an intent has nothing to tell.
pub(super) const UNTOLD: &str = "SELECT id FROM attempts
     WHERE claim <> ''
       AND CASE state WHEN 'finished' THEN 'submitted' ELSE state END <> coalesce(told, 'intent')
     ORDER BY id";

/// All rows of a query.
pub(super) fn all<T>(
    connection: &Connection,
    query: &str,
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare_cached(query)?.query_map([], read)?.collect()
}

pub(super) fn read_snapshot(connection: &Connection) -> rusqlite::Result<Snapshot> {
    let mut takes = all(
        connection,
        "SELECT id, storyboard, variant, scene, number, ask, steps, reused, state, created_ms
         FROM takes ORDER BY id",
        read_take,
    )?;
    let attempts = all(
        connection,
        "SELECT id, take, step, kind, model_id, provider, family, operation, upgrade, endpoint,
                fingerprint, request, bound, reserved, state, task_id, urls, clip, failure_class,
                failure_code, failure_message, charged, created_ms, changed_ms, claim
         FROM attempts ORDER BY id",
        read_attempt,
    )?;
    for attempt in attempts {
        // The takes are in the order of their ids; the foreign key says that each attempt has one.
        if let Ok(place) = takes.binary_search_by_key(&attempt.intent.take, |take| take.id) {
            takes[place].attempts.push(attempt);
        }
    }
    let files = all(
        connection,
        "SELECT path, size, modified_ns, sha256 FROM files ORDER BY path",
        |row| {
            Ok(FileRecord {
                path: row.get(0)?,
                size: unsigned(row, 1)?,
                modified_ns: row.get(2)?,
                sha256: row.get(3)?,
            })
        },
    )?;
    let clips = all(
        connection,
        "SELECT sha256, bytes, probe, task_id FROM clips ORDER BY sha256",
        read_clip,
    )?;
    let publishing = all(connection, UNFINISHED, read_publication)?;
    let balances =
        all(connection, "SELECT provider, at_ms, credits FROM balances ORDER BY id", |row| {
            Ok(BalanceRecord { provider: row.get(0)?, at_ms: row.get(1)?, credits: row.get(2)? })
        })?;
    let runs =
        all(connection, "SELECT ended_ms, summary FROM runs ORDER BY id DESC LIMIT 50", |row| {
            Ok(RunRecord { ended_ms: row.get(0)?, summary: row.get(1)? })
        })?;
    Ok(Snapshot { takes, files, clips, publishing, balances, runs })
}
