//! The ledger: what is allowed, what survives, what is refused.

use serde_json::{Map, Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use storyreel::ledger::{
    AttemptId, AttemptState, ClipRecord, Failure, FailureClass, FileRecord, Intent, Ledger,
    LedgerError, LockError, ProjectLock, Publication, SqliteLedger, TakeId, TakeState,
};
use storyreel::plan::Slot;
use storyreel::storyboard::StepKind;

fn slot(scene: &str) -> Slot {
    Slot { storyboard: "SCENES.md".into(), variant: String::new(), scene: scene.into() }
}

/// A Veo clip that is about to be asked for.
pub(crate) fn intent(take: TakeId, step: usize) -> Intent {
    Intent {
        take,
        step,
        kind: StepKind::Generate,
        model_id: "veo3_fast".into(),
        provider: "kie".into(),
        family: "veo".into(),
        operation: "generate".into(),
        upgrade: false,
        endpoint: "POST /api/v1/veo/generate".into(),
        fingerprint: "sha256:aa".into(),
        request: json!({"prompt": "dawn", "image": {"$file": "sha256:bb"}}).into(),
        bound: json!({"prompt": "dawn", "image": "https://example.org/x"}).into(),
        reserved: Some(60.0),
        claim: None,
    }
}

fn failure(class: FailureClass) -> Failure {
    Failure { class, code: Some("501".into()), message: "the task failed".into() }
}

fn clip(letter: &str) -> ClipRecord {
    ClipRecord {
        sha256: format!("sha256:{}", letter.repeat(64)),
        bytes: 1234,
        probe: json!({"duration": 8.0}),
        task_id: Some("task".into()),
    }
}

fn open_take(ledger: &mut dyn Ledger, scene: &str, number: u32) -> TakeId {
    ledger
        .open_take(&slot(scene), number, &json!({"visual": "dawn"}), &[StepKind::Generate], &[], 1)
        .unwrap()
}

fn state(ledger: &mut dyn Ledger, attempt: AttemptId) -> AttemptState {
    let takes = ledger.snapshot().unwrap().takes;
    takes
        .iter()
        .flat_map(|take| &take.attempts)
        .find(|found| found.id == attempt)
        .map(|found| found.state)
        .unwrap()
}

fn is_refused<T: std::fmt::Debug>(result: Result<T, LedgerError>) {
    assert!(matches!(result, Err(LedgerError::Refused { .. })), "{result:?}");
}

fn message<T>(result: Result<T, LedgerError>) -> String {
    result.err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn an_open_take_is_given_another_ask_and_a_kept_one_is_not() {
    let mut ledger = SqliteLedger::open_in_memory().unwrap();
    let open = open_take(&mut ledger, "1", 1);
    let kept = open_take(&mut ledger, "2", 1);
    ledger.keep_take(kept, 2).unwrap();
    let steps = vec![StepKind::Generate, StepKind::Extend];
    let change = |take: TakeId| (take, json!({"visual": "dusk"}), steps.clone());
    ledger.redirect_takes(&[change(open)]).unwrap();
    // All or none.
    let other = open_take(&mut ledger, "3", 1);
    is_refused(ledger.redirect_takes(&[change(other), change(kept)]));
    let takes = ledger.snapshot().unwrap().takes;
    let of = |id: TakeId| takes.iter().find(|take| take.id == id).unwrap();
    assert_eq!((&*of(open).ask, &of(open).steps), (&json!({"visual": "dusk"}), &steps));
    for untouched in [kept, other] {
        assert_eq!(of(untouched).ask, json!({"visual": "dawn"}));
        assert_eq!(of(untouched).steps, [StepKind::Generate]);
    }
}

#[test]
fn everything_recorded_is_there_for_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".storyreel/ledger.db");
    let reused = vec![(0usize, "sha256:cc".to_owned(), Some("earlier".to_owned()))];
    let (take, attempt) = {
        let mut ledger = SqliteLedger::open(&path).unwrap();
        let take = ledger
            .open_take(
                &slot("7"),
                2,
                &json!({"visual": "dawn", "n": 1.5}),
                &[StepKind::Generate, StepKind::Upscale],
                &reused,
                10,
            )
            .unwrap();
        let attempt = ledger.intend(&intent(take, 1), 20).unwrap();
        ledger.submitted(attempt, Some("task-1"), 30).unwrap();
        ledger
            .finished(attempt, &["https://a".into(), "https://b".into()], Some(55.5), 40)
            .unwrap();
        ledger.downloaded(attempt, &clip("d"), 50).unwrap();
        let file = FileRecord {
            path: "public/x.mp4".into(),
            size: 7,
            modified_ns: -3,
            sha256: "sha256:ee".into(),
        };
        ledger.remember_files(std::slice::from_ref(&file)).unwrap();
        ledger.remember_upload("sha256:bb", "https://u", 1000).unwrap();
        ledger.record_run(&Map::from_iter([("credits".to_owned(), json!(60))]), 60).unwrap();
        (take, attempt)
    };
    let mut ledger = SqliteLedger::open(&path).unwrap();
    let snapshot = ledger.snapshot().unwrap();
    let found = &snapshot.takes[0];
    assert_eq!((found.id, found.number, found.state), (take, 2, TakeState::Open));
    assert_eq!(found.slot, slot("7"));
    assert_eq!(found.ask, json!({"visual": "dawn", "n": 1.5}));
    assert_eq!(found.steps, [StepKind::Generate, StepKind::Upscale]);
    assert_eq!(found.reused, reused);
    let found = &found.attempts[0];
    assert_eq!(found.id, attempt);
    assert_eq!(found.intent, intent(take, 1));
    assert_eq!(found.state, AttemptState::Downloaded);
    assert_eq!(found.task_id.as_deref(), Some("task-1"));
    assert_eq!(found.urls, ["https://a", "https://b"]);
    assert_eq!(found.clip, Some(clip("d").sha256));
    assert_eq!((found.charged, found.failure.clone()), (Some(55.5), None));
    assert_eq!((found.created_ms, found.changed_ms), (20, 50));
    assert_eq!(snapshot.clips, [clip("d")]);
    assert_eq!(snapshot.files[0].modified_ns, -3);
    assert_eq!(ledger.upload("sha256:bb", 999).unwrap().as_deref(), Some("https://u"));
    assert_eq!(ledger.upload("sha256:bb", 1000).unwrap(), None);
    assert_eq!(ledger.clip(&clip("d").sha256).unwrap(), Some(clip("d")));
    let ignore = std::fs::read_to_string(folder.path().join(".storyreel/.gitignore")).unwrap();
    assert_eq!(ignore, "*\n");
}

#[test]
fn a_step_that_is_not_over_is_never_sent_again() {
    let mut ledger = SqliteLedger::open_in_memory().unwrap();
    let take = open_take(&mut ledger, "1", 1);
    let first = ledger.intend(&intent(take, 0), 1).unwrap();
    is_refused(ledger.intend(&intent(take, 0), 2));
    ledger.unknown(first, &failure(FailureClass::Other), 3).unwrap();
    is_refused(ledger.intend(&intent(take, 0), 4));
    ledger.forgotten(first, 5).unwrap();
    let second = ledger.intend(&intent(take, 0), 6).unwrap();
    ledger.submitted(second, Some("t"), 7).unwrap();
    is_refused(ledger.intend(&intent(take, 0), 8));
    ledger.failed(second, &failure(FailureClass::Passing), Some(0.0), 9).unwrap();
    let third = ledger.intend(&intent(take, 0), 10).unwrap();
    ledger.submitted(third, Some("u"), 11).unwrap();
    ledger.finished(third, &[], None, 12).unwrap();
    ledger.downloaded(third, &clip("a"), 13).unwrap();
    is_refused(ledger.intend(&intent(take, 0), 14));
    // Another step of the take is another matter.
    ledger.intend(&intent(take, 1), 15).unwrap();
    is_refused(ledger.intend(&intent(TakeId(99), 0), 16));
}

#[test]
fn every_step_from_every_state_is_allowed_or_refused_as_designed() {
    use AttemptState::{
        Downloaded, Failed, Finished, Forgotten, Intent as Sent, Submitted, Unknown,
    };
    let all = [Sent, Submitted, Finished, Downloaded, Failed, Unknown, Forgotten];
    let mut table = String::new();
    for upgrade in [false, true] {
        for from in all {
            for to in [Submitted, Finished, Downloaded, Failed, Unknown, Forgotten] {
                let mut ledger = SqliteLedger::open_in_memory().unwrap();
                let take = open_take(&mut ledger, "1", 1);
                let intent = Intent { upgrade, ..intent(take, 0) };
                let attempt = ledger.intend(&intent, 1).unwrap();
                let fault = failure(FailureClass::Other);
                let go = |ledger: &mut SqliteLedger, to| match to {
                    Sent => Ok(()),
                    Submitted => ledger.submitted(attempt, Some("task"), 2),
                    Finished => ledger.finished(attempt, &[], None, 2),
                    Downloaded => ledger.downloaded(attempt, &clip("a"), 2),
                    Failed => ledger.failed(attempt, &fault, None, 2),
                    Unknown => ledger.unknown(attempt, &fault, 2),
                    Forgotten => ledger.forgotten(attempt, 2),
                };
                let path: &[AttemptState] = match from {
                    Finished => &[Submitted, Finished],
                    Downloaded => &[Submitted, Finished, Downloaded],
                    other => &[other],
                };
                if path.iter().any(|step| go(&mut ledger, *step).is_err()) {
                    continue;
                }
                assert_eq!(state(&mut ledger, attempt), from);
                match go(&mut ledger, to) {
                    Ok(()) => {
                        assert_eq!(state(&mut ledger, attempt), to);
                        let kind = if upgrade { "upgrade" } else { "paid" };
                        table.push_str(&format!("{kind}: {from:?} -> {to:?}\n"));
                    }
                    Err(error) => {
                        assert!(matches!(error, LedgerError::Refused { .. }), "{error}");
                        assert_eq!(state(&mut ledger, attempt), from);
                    }
                }
            }
        }
    }
    insta::assert_snapshot!(table, @r"
    paid: Intent -> Submitted
    paid: Intent -> Failed
    paid: Intent -> Unknown
    paid: Intent -> Forgotten
    paid: Submitted -> Submitted
    paid: Submitted -> Finished
    paid: Submitted -> Downloaded
    paid: Submitted -> Failed
    paid: Submitted -> Unknown
    paid: Submitted -> Forgotten
    paid: Finished -> Finished
    paid: Finished -> Downloaded
    paid: Finished -> Failed
    paid: Finished -> Forgotten
    paid: Downloaded -> Downloaded
    paid: Unknown -> Submitted
    paid: Unknown -> Downloaded
    paid: Unknown -> Failed
    paid: Unknown -> Forgotten
    upgrade: Intent -> Submitted
    upgrade: Intent -> Finished
    upgrade: Intent -> Failed
    upgrade: Intent -> Forgotten
    upgrade: Submitted -> Submitted
    upgrade: Submitted -> Finished
    upgrade: Submitted -> Downloaded
    upgrade: Submitted -> Failed
    upgrade: Submitted -> Forgotten
    upgrade: Finished -> Finished
    upgrade: Finished -> Downloaded
    upgrade: Finished -> Failed
    upgrade: Finished -> Forgotten
    upgrade: Downloaded -> Downloaded
    ");
}

#[test]
fn the_task_id_of_a_submission_never_changes() {
    let mut ledger = SqliteLedger::open_in_memory().unwrap();
    let take = open_take(&mut ledger, "1", 1);
    let attempt = ledger.intend(&intent(take, 0), 1).unwrap();
    is_refused(ledger.submitted(attempt, None, 2));
    ledger.submitted(attempt, Some("task-1"), 2).unwrap();
    ledger.submitted(attempt, Some("task-1"), 3).unwrap();
    is_refused(ledger.submitted(attempt, Some("task-2"), 4));
    is_refused(ledger.submitted(attempt, None, 4));
    assert_eq!(ledger.snapshot().unwrap().takes[0].attempts[0].task_id.as_deref(), Some("task-1"));
}

#[test]
fn an_intent_of_a_dead_process_is_unknown_and_an_upgrade_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let (paid, upgrade, running) = {
        let mut ledger = SqliteLedger::open(&path).unwrap();
        let take = open_take(&mut ledger, "1", 1);
        let paid = ledger.intend(&intent(take, 0), 1).unwrap();
        let upgrade =
            ledger.intend(&Intent { upgrade: true, reserved: Some(5.0), ..intent(take, 1) }, 1);
        let running = ledger.intend(&Intent { reserved: None, ..intent(take, 2) }, 1).unwrap();
        ledger.submitted(running, Some("t"), 2).unwrap();
        (paid, upgrade.unwrap(), running)
    };
    let mut ledger = SqliteLedger::open(&path).unwrap();
    assert_eq!(state(&mut ledger, paid), AttemptState::Intent);
    assert_eq!(ledger.recover(9).unwrap(), [paid]);
    assert_eq!(ledger.recover(9).unwrap(), []);
    assert_eq!(state(&mut ledger, paid), AttemptState::Unknown);
    assert_eq!(state(&mut ledger, upgrade), AttemptState::Intent);
    assert_eq!(state(&mut ledger, running), AttemptState::Submitted);
    let message = &ledger.snapshot().unwrap().takes[0].attempts[0].failure.clone().unwrap().message;
    assert!(message.contains("process ended"), "{message}");
    assert!((ledger.outstanding().unwrap() - 65.0).abs() < 1e-9);
    ledger.submitted(paid, Some("found by the user"), 10).unwrap();
    assert_eq!(ledger.snapshot().unwrap().takes[0].attempts[0].failure, None);
}

fn publication(take: Option<TakeId>, scene: &str) -> Publication {
    Publication {
        id: 0,
        take,
        slot: slot(scene),
        sha256: clip("a").sha256,
        filename: format!("assets/clips/scene-{scene}.mp4"),
        entry: json!({"scene_id": 1}),
        supersedes: None,
    }
}

fn file(path: &str) -> FileRecord {
    FileRecord { path: path.into(), size: 1, modified_ns: 1, sha256: clip("a").sha256 }
}

#[test]
fn publications_are_all_or_none() {
    let mut ledger = SqliteLedger::open_in_memory().unwrap();
    let one = open_take(&mut ledger, "1", 1);
    let two = open_take(&mut ledger, "2", 1);
    is_refused(
        ledger.publishing_together(
            &[publication(Some(one), "1"), publication(Some(TakeId(9)), "2")],
            1,
        ),
    );
    assert_eq!(ledger.snapshot().unwrap().publishing, []);
    assert_eq!(ledger.snapshot().unwrap().takes[0].state, TakeState::Open);
    let rows = ledger
        .publishing_together(&[publication(Some(one), "1"), publication(Some(two), "2")], 1)
        .unwrap();
    is_refused(ledger.publishing(&publication(Some(one), "1"), 2));
    is_refused(ledger.intend(&intent(one, 0), 2));
    is_refused(ledger.keep_take(one, 2));
    assert_eq!(ledger.unfinished_publications().unwrap(), ledger.snapshot().unwrap().publishing);
    is_refused(ledger.published(&[(rows[0], file("a")), (77, file("b"))], 3));
    assert_eq!(ledger.unfinished_publications().unwrap().len(), 2);
    ledger.published(&[(rows[0], file("a"))], 3).unwrap();
    ledger.abandon_publications(&[rows[1]], 3).unwrap();
    is_refused(ledger.published(&[(rows[1], file("b"))], 4));
    let snapshot = ledger.snapshot().unwrap();
    assert_eq!(snapshot.publishing, []);
    let states: Vec<TakeState> = snapshot.takes.iter().map(|take| take.state).collect();
    assert_eq!(states, [TakeState::Published, TakeState::Open]);
    assert_eq!(snapshot.files, [file("a")]);
}

#[test]
fn takes_of_moved_scenes_move_at_once() {
    let mut ledger = SqliteLedger::open_in_memory().unwrap();
    for scene in ["3", "4", "5"] {
        open_take(&mut ledger, scene, 1);
    }
    let row = ledger.publishing(&publication(None, "4"), 1).unwrap();
    let moves = [(slot("3"), slot("4")), (slot("4"), slot("5")), (slot("5"), slot("3"))];
    ledger.published_and_moved(&[(row, file("a"))], &moves, 2).unwrap();
    let scenes: Vec<String> =
        ledger.snapshot().unwrap().takes.into_iter().map(|take| take.slot.scene).collect();
    assert_eq!(scenes, ["4", "5", "3"]);
}

#[test]
fn looking_creates_nothing_and_works_beside_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".storyreel/ledger.db");
    assert!(SqliteLedger::open_existing_for_reading(&path).unwrap().is_none());
    assert!(!folder.path().join(".storyreel").exists());
    let mut run = SqliteLedger::open(&path).unwrap();
    let mut reader = SqliteLedger::open_existing_for_reading(&path).unwrap().unwrap();
    let take = open_take(&mut run, "1", 1);
    assert_eq!(reader.snapshot().unwrap().takes[0].id, take);
    assert!(message(reader.keep_take(take, 1)).contains("readonly"));
    run.keep_take(take, 1).unwrap();
    assert_eq!(reader.snapshot().unwrap().takes[0].state, TakeState::Kept);
}

fn ledger_with_rows(path: &Path, takes: u32) {
    let mut ledger = SqliteLedger::open(path).unwrap();
    for number in 1..=takes {
        let take = open_take(&mut ledger, "1", number);
        let mut intent = intent(take, 0);
        intent.request = json!({"prompt": "x".repeat(1500)}).into();
        ledger.intend(&intent, 1).unwrap();
    }
}

#[test]
fn what_is_no_whole_ledger_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    ledger_with_rows(&path, 20);
    let whole = std::fs::read(&path).unwrap();
    let cases: [(&str, Vec<u8>); 5] = [
        ("is empty", Vec::new()),
        ("not a database", b"this is a text and no database, whatever its name says\n".repeat(9)),
        ("damaged", whole[..whole.len() / 2].to_vec()),
        ("damaged", whole[..whole.len() - 1].to_vec()),
        ("damaged", whole[..4096].to_vec()),
    ];
    for (expected, bytes) in cases {
        std::fs::write(&path, &bytes).unwrap();
        let error = message(SqliteLedger::open(&path));
        assert!(error.contains(expected) && error.contains("ledger.db"), "{error}");
        assert!(SqliteLedger::open_existing_for_reading(&path).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{expected}");
    }
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(SqliteLedger::open(&path).unwrap().snapshot().unwrap().takes.len(), 20);
}

#[test]
fn a_newer_ledger_and_a_strange_database_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    ledger_with_rows(&path, 1);
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let newer = SqliteLedger::open(&path).err().unwrap();
    assert!(matches!(newer, LedgerError::Newer { found: 99, .. }), "{newer}");
    assert!(SqliteLedger::open_existing_for_reading(&path).is_err());
    let path = folder.path().join("other.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    assert!(message(SqliteLedger::open(&path)).contains("not a ledger of storyreel"));
}

/// In one piece, so that no line is cut by a kill.
fn say(line: &str) {
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// The child of the test below: records submissions and says so after each, until it is killed.
#[test]
#[ignore = "runs until it is killed; started by the test of killed processes"]
fn records_until_killed() {
    let path = std::env::var("LEDGER_OF_A_CHILD").expect("the ledger to write to");
    let mut ledger = SqliteLedger::open(Path::new(&path)).unwrap();
    for number in 1.. {
        let take = open_take(&mut ledger, "1", number);
        let attempt = ledger.intend(&intent(take, 0), 1).unwrap();
        say(&format!("intent {}\n", attempt.0));
        ledger.submitted(attempt, Some(&format!("task-{}", attempt.0)), 2).unwrap();
        say(&format!("submitted {}\n", attempt.0));
    }
}

#[test]
fn what_a_killed_process_was_told_is_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut known: Vec<(String, i64)> = Vec::new();
    for lines in [1, 6, 23] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["ledger::records_until_killed", "--exact", "--ignored", "--nocapture"])
            .env("LEDGER_OF_A_CHILD", &path)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let first: Vec<String> = said.by_ref().take(lines).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        for line in first.into_iter().chain(said) {
            let (word, id) = line.split_once(' ').unwrap();
            known.push((word.to_owned(), id.parse().unwrap()));
        }
    }
    assert!(known.len() >= 30);
    let mut ledger = SqliteLedger::open(&path).unwrap();
    ledger.recover(9).unwrap();
    let takes = ledger.snapshot().unwrap().takes;
    let attempts: Vec<_> = takes.iter().flat_map(|take| &take.attempts).collect();
    for (word, id) in known {
        let found = attempts.iter().find(|found| found.id == AttemptId(id)).unwrap();
        match word.as_str() {
            "intent" => assert_ne!(found.state, AttemptState::Intent),
            _ => assert_eq!(found.task_id, Some(format!("task-{id}"))),
        }
    }
}

/// A process that dies inside a transaction leaves a journal behind; the next one must see the state before.
#[test]
fn a_journal_left_behind_is_rolled_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    ledger_with_rows(&path, 30);
    let copy = folder.path().join("copy.db");
    {
        let dying = rusqlite::Connection::open(&path).unwrap();
        dying.pragma_update(None, "cache_size", 1).unwrap();
        dying.pragma_update_and_check(None, "journal_mode", "TRUNCATE", |_| Ok(())).unwrap();
        dying.execute_batch("BEGIN; UPDATE takes SET state = 'kept'; UPDATE attempts SET request = bound || bound || bound;").unwrap();
        // A small cache makes it write to the file before the commit, as a long transaction does.
        std::fs::copy(&path, &copy).unwrap();
        std::fs::copy(
            folder.path().join("ledger.db-journal"),
            folder.path().join("copy.db-journal"),
        )
        .unwrap();
    }
    let journal = folder.path().join("copy.db-journal");
    assert!(std::fs::metadata(&journal).unwrap().len() > 0);
    let takes =
        SqliteLedger::open_existing_for_reading(&copy).unwrap().unwrap().snapshot().unwrap().takes;
    assert!(takes.len() == 30 && takes.iter().all(|take| take.state == TakeState::Open));
    assert_eq!(takes[0].attempts[0].intent.request, json!({"prompt": "x".repeat(1500)}));
    assert!(SqliteLedger::open(&copy).is_ok());
}

#[test]
fn a_journal_without_its_ledger_is_not_played_into_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    ledger_with_rows(&path, 1);
    let stale = vec![0xd9u8; 4096];
    std::fs::remove_file(&path).unwrap();
    std::fs::write(folder.path().join("ledger.db-journal"), stale).unwrap();
    assert_eq!(SqliteLedger::open(&path).unwrap().snapshot().unwrap().takes.len(), 0);
}

#[test]
fn the_lock_names_its_holder_and_is_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".storyreel/lock");
    let held = ProjectLock::acquire(&path, "storyreel render", None).unwrap();
    let refused = ProjectLock::acquire(&path, "storyreel adopt", None).err().unwrap();
    let LockError::Held { holder: Some(holder), .. } = &refused else { panic!("{refused}") };
    assert_eq!((holder.pid, holder.command.as_str()), (std::process::id(), "storyreel render"));
    assert!(refused.to_string().contains("`storyreel render` (process "), "{refused}");

    let mut slept = Duration::ZERO;
    let waited =
        ProjectLock::acquire_with(&path, "x", Some(Duration::from_secs(3)), &mut |pause| {
            slept += pause;
        });
    assert!(waited.is_err());
    assert_eq!(slept, Duration::from_secs(3));

    let mut held = Some(held);
    let mut pauses = 0;
    let given = ProjectLock::acquire_with(&path, "x", Some(Duration::from_secs(3)), &mut |_| {
        pauses += 1;
        if pauses == 2 {
            held.take();
        }
    });
    assert!(given.is_ok() && pauses == 2);
    drop(given);
    assert!(path.exists());
    ProjectLock::acquire(&path, "y", None).unwrap();
}

#[cfg(unix)]
#[test]
fn private_files_are_never_links() {
    let folder = tempfile::tempdir().unwrap();
    let victim = folder.path().join("victim");
    std::fs::write(&victim, "precious").unwrap();
    let private = folder.path().join(".storyreel");
    std::fs::create_dir(&private).unwrap();
    std::os::unix::fs::symlink(&victim, private.join("lock")).unwrap();
    std::os::unix::fs::symlink(&victim, private.join("ledger.db")).unwrap();
    assert!(ProjectLock::acquire(&private.join("lock"), "x", None).is_err());
    assert!(SqliteLedger::open(&private.join("ledger.db")).is_err());
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
}

/// Generous bounds for unoptimised builds; a query a take or a check of every page at each start would be far over.
#[test]
fn a_thousand_takes_are_read_quickly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    drop(SqliteLedger::open(&path).unwrap());
    let filler = rusqlite::Connection::open(&path).unwrap();
    let body = json!({"prompt": "a lighthouse ".repeat(100), "aspect_ratio": "16:9"}).to_string();
    filler
        .execute_batch(&format!(
            "BEGIN;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
             INSERT INTO takes SELECT i, 'S.md', '', i, 1, '{body}', '[\"generate\"]', '[]', 'published', 1, 1 FROM n;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
             INSERT INTO attempts SELECT i, i, 0, 'generate', 'm', 'kie', 'veo', 'generate', 0, 'POST /x', 'sha256:a',
                 '{body}', '{body}', 60, 'downloaded', 't', '[\"https://x\"]', 'sha256:c', NULL, NULL, NULL, 60, 1, 1, NULL, NULL
             FROM n; COMMIT;"
        ))
        .unwrap();
    drop(filler);
    let start = Instant::now();
    let mut ledger = SqliteLedger::open(&path).unwrap();
    let opened = start.elapsed();
    let start = Instant::now();
    let snapshot = ledger.snapshot().unwrap();
    let read = start.elapsed();
    eprintln!("open {opened:?}, snapshot {read:?}");
    assert_eq!(snapshot.takes.len(), 1000);
    assert!(snapshot.takes.iter().all(|take| take.attempts.len() == 1));
    assert!(opened < Duration::from_millis(500), "{opened:?}");
    assert!(read < Duration::from_secs(2), "{read:?}");
    let _: &Value = &snapshot.takes[0].ask;
}
