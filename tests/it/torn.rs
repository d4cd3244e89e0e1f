//! Torn files: a ledger that was cut anywhere opens complete or is refused, and nothing is submitted over it.

use crate::ledger::intent;
use crate::support::{Emulator, Project, TWO_SCENES};
use serde_json::{Value, json};
use std::path::Path;
use storyreel::ledger::{
    AttemptState, Intent, Ledger as _, Slot, Snapshot, SqliteLedger, TakeState,
};
use storyreel::storyboard::StepKind;

/// A ledger with rows of every sort and with long texts, which fill pages of their own.
fn ledger(path: &Path) -> Snapshot {
    let mut ledger = SqliteLedger::open(path).expect("a new ledger");
    for number in 1..=4 {
        let slot =
            Slot { storyboard: String::new(), variant: String::new(), scene: number.to_string() };
        let ask = json!({"prompt": format!("wave {number}")});
        let take = ledger.open_take(&slot, 1, &ask, &[StepKind::Generate], &[], 1).expect("a take");
        let long = json!({"prompt": "x".repeat(3000)});
        let intent = Intent {
            fingerprint: format!("sha256:{number}"),
            request: long.clone().into(),
            bound: long.into(),
            ..intent(take, 0)
        };
        let attempt = ledger.intend(&intent, 2).expect("an intent");
        if number > 1 {
            ledger.submitted(attempt, Some(&format!("task{number}")), 3).expect("a task");
        }
    }
    ledger.snapshot().expect("rows")
}

fn rows(snapshot: &Snapshot) -> Vec<(TakeState, AttemptState, Option<String>)> {
    let attempts = |take: &storyreel::ledger::Take| {
        let state = take.state;
        let of = move |attempt: &storyreel::ledger::Attempt| {
            (state, attempt.state, attempt.task_id.clone())
        };
        take.attempts.iter().map(of).collect::<Vec<_>>()
    };
    snapshot.takes.iter().flat_map(attempts).collect()
}

#[test]
fn a_ledger_cut_at_any_byte_opens_complete_or_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.db");
    let whole = rows(&ledger(&path));
    let length = std::fs::metadata(&path).expect("a ledger").len();
    let file = std::fs::OpenOptions::new().write(true).open(&path).expect("a ledger");
    let opened = SqliteLedger::open(&path).expect("it is whole").snapshot().expect("rows");
    assert_eq!(rows(&opened), whole);
    for cut in (0..length).rev() {
        file.set_len(cut).expect("it is cut");
        // For looking and for a run alike.
        if cut % 64 == 0 {
            let looked = SqliteLedger::open_existing_for_reading(&path);
            assert!(looked.is_err(), "{cut} of {length} bytes were read");
        }
        assert!(SqliteLedger::open(&path).is_err(), "{cut} of {length} bytes were opened");
        let left = std::fs::metadata(&path).expect("it is left").len();
        assert_eq!(left, cut, "a damaged ledger was written to");
    }
}

#[test]
fn a_journal_cut_anywhere_leaves_the_ledger_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.db");
    let before = rows(&ledger(&path));
    let untouched = std::fs::read(&path).expect("the ledger");
    let journal = {
        let dying = rusqlite::Connection::open(&path).expect("a connection");
        dying.pragma_update(None, "cache_size", 1).expect("a small cache");
        dying
            .pragma_update_and_check(None, "journal_mode", "TRUNCATE", |_| Ok(()))
            .expect("a journal");
        dying
            .execute_batch(
                "BEGIN; UPDATE takes SET state = 'kept'; UPDATE attempts SET task_id = 'other';",
            )
            .expect("changes");
        std::fs::read(folder.path().join("ledger.db-journal")).expect("a journal")
    };
    assert!(journal.len() > 4096, "only {} bytes", journal.len());
    let copy = folder.path().join("copy.db");
    // The journal is on the disk before the first page of the ledger is changed, so a cut one stands beside an old one.
    // Each of them is a synced roll-back, so behind the header it is one in a hundred bytes.
    for cut in (0..40).chain((40..=journal.len()).step_by(101)) {
        std::fs::write(&copy, &untouched).expect("a copy");
        std::fs::write(folder.path().join("copy.db-journal"), &journal[..cut]).expect("a journal");
        let mut opened = SqliteLedger::open_existing_for_reading(&copy)
            .unwrap_or_else(|error| panic!("cut at {cut}: {error}"))
            .expect("a ledger");
        assert_eq!(rows(&opened.snapshot().expect("rows")), before, "cut at {cut}");
    }
}

#[test]
fn over_a_torn_ledger_nothing_is_submitted() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.run(["render", "--only", "1"]).expect(0);
    let path = project.path(".storyreel/ledger.db");
    let whole = std::fs::read(&path).expect("a ledger");
    let sent = emulator.bill()["requests"].clone();
    for cut in [0, 1, 99, 100, 4096, whole.len() / 2, whole.len() - 4096, whole.len() - 1] {
        std::fs::write(&path, &whole[..cut]).expect("it is cut");
        for command in [&["render", "--yes"][..], &["plan"], &["status"], &["forget", "1"]] {
            let done = project.run(command).expect(3);
            assert!(done.stderr.contains("ledger"), "{}", done.stderr);
        }
        assert_eq!(std::fs::read(&path).expect("it is left"), &whole[..cut]);
    }
    assert_eq!(emulator.bill()["requests"], sent);
    std::fs::write(&path, &whole).expect("it is put back");
    project.run(["render", "--yes"]).expect(0).tells(&["1 rendered"]);
    let manifest: Value = project.manifest();
    assert_eq!(manifest["assets"].as_array().map(Vec::len), Some(2));
}
