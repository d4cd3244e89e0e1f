//! The tables of the ledger and the steps that lead from one version of them to the next.

/// Marks a file as a ledger of storyreel (`PRAGMA application_id`): the letters `SRel`.
pub(super) const APPLICATION_ID: i64 = 0x5352_656c;

/// What leads from version N to version N + 1 (`PRAGMA user_version`). Only ever added to.
pub(super) const MIGRATIONS: &[&str] = &["
CREATE TABLE takes (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    storyboard  TEXT NOT NULL,
    variant     TEXT NOT NULL,
    scene       TEXT NOT NULL,
    number      INTEGER NOT NULL,
    ask         TEXT NOT NULL,
    steps       TEXT NOT NULL,
    reused      TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('open', 'publishing', 'published', 'kept')),
    created_ms  INTEGER NOT NULL,
    changed_ms  INTEGER NOT NULL
) STRICT;
-- Not unique: after a move, two histories can meet in one slot.
CREATE INDEX takes_by_slot ON takes (storyboard, variant, scene);

CREATE TABLE attempts (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    take            INTEGER NOT NULL REFERENCES takes (id),
    step            INTEGER NOT NULL,
    kind            TEXT NOT NULL,
    model_id        TEXT NOT NULL,
    provider        TEXT NOT NULL,
    family          TEXT NOT NULL,
    operation       TEXT NOT NULL,
    upgrade         INTEGER NOT NULL CHECK (upgrade IN (0, 1)),
    endpoint        TEXT NOT NULL,
    fingerprint     TEXT NOT NULL,
    request         TEXT NOT NULL,
    bound           TEXT NOT NULL,
    reserved        REAL,
    state           TEXT NOT NULL CHECK (state IN
        ('intent', 'submitted', 'finished', 'downloaded', 'failed', 'unknown', 'forgotten')),
    task_id         TEXT,
    urls            TEXT NOT NULL DEFAULT '[]',
    clip            TEXT,
    failure_class   TEXT,
    failure_code    TEXT,
    failure_message TEXT,
    charged         REAL,
    created_ms      INTEGER NOT NULL,
    changed_ms      INTEGER NOT NULL
) STRICT;
CREATE INDEX attempts_by_take ON attempts (take, step);
-- The last line of defence against paying twice: a step of a take has at most one attempt that is not over.
CREATE UNIQUE INDEX one_attempt_at_a_time ON attempts (take, step)
    WHERE state NOT IN ('failed', 'forgotten');

CREATE TABLE publications (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    take        INTEGER REFERENCES takes (id),
    storyboard  TEXT NOT NULL,
    variant     TEXT NOT NULL,
    scene       TEXT NOT NULL,
    sha256      TEXT NOT NULL,
    filename    TEXT NOT NULL,
    entry       TEXT NOT NULL,
    supersedes  TEXT,
    state       TEXT NOT NULL CHECK (state IN ('publishing', 'published', 'abandoned')),
    created_ms  INTEGER NOT NULL,
    changed_ms  INTEGER NOT NULL
) STRICT;
CREATE INDEX unfinished_publications ON publications (id) WHERE state = 'publishing';

CREATE TABLE clips (
    sha256   TEXT PRIMARY KEY,
    bytes    INTEGER NOT NULL,
    probe    TEXT NOT NULL,
    task_id  TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE files (
    path         TEXT PRIMARY KEY,
    size         INTEGER NOT NULL,
    modified_ns  INTEGER NOT NULL,
    sha256       TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE uploads (
    sha256      TEXT PRIMARY KEY,
    url         TEXT NOT NULL,
    expires_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    ended_ms   INTEGER NOT NULL,
    summary    TEXT NOT NULL
) STRICT;
", "
CREATE TABLE balances (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    provider  TEXT NOT NULL,
    at_ms     INTEGER NOT NULL,
    credits   REAL NOT NULL
) STRICT;
", "
-- Where other machines are told of an attempt: NULL where nobody else is, '' until the claim stands.
ALTER TABLE attempts ADD COLUMN claim TEXT;
-- The last state that they were told.
ALTER TABLE attempts ADD COLUMN told TEXT;

-- Clips that the shared cache has.
CREATE TABLE kept (
    sha256  TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- The shared cache that the claims and clips above are in: one row at most.
CREATE TABLE shared (
    id  TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
"];
