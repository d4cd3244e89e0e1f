//! The verdict on a world: the emulator's judge, the audit, and what lies on the disk.

use super::machine::{Machine, SUBMISSIONS};
use crate::audit::{Books, audit};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use storyreel::emulator::judge::Expected;
use storyreel::engine::event::Summary;
use storyreel::engine::exit_code;
use storyreel::ledger::{Attempt, AttemptState, FailureClass, Ledger as _, TakeState};
use storyreel::simulation::files::simulated_digest;

/// Holds everything against everything, once the last run has ended.
pub(super) fn judge(machine: &mut Machine, last: &Summary) {
    let bill = machine.bill();
    let takes = machine.takes();
    let attempts: Vec<&Attempt> = takes.iter().flat_map(|take| &take.attempts).collect();
    let owned: BTreeSet<&str> =
        attempts.iter().filter_map(|attempt| attempt.task_id.as_deref()).collect();
    // A task whose scene failed for good by the time its links were shown need not be taken; nor one that is on nobody's
    // record, which the audit explains or complains of.
    let left_behind: BTreeSet<String> = attempts
        .iter()
        .filter(|attempt| match attempt.state {
            AttemptState::Failed | AttemptState::Finished => true,
            // Of a scene that was edited since: calling it once more could pay for what nobody wants any more, and should
            // it be wanted again, the call gives what was paid for.
            AttemptState::Forgotten => attempt.intent.upgrade,
            _ => false,
        })
        .filter_map(|attempt| {
            let source = attempt.intent.bound["taskId"].as_str().map(str::to_owned);
            if attempt.intent.upgrade { source } else { attempt.task_id.clone() }
        })
        .chain(bill.creates.iter().filter_map(|create| {
            create.task_id.clone().filter(|task| !owned.contains(task.as_str()))
        }))
        .collect();
    // The last run may have ended at its deadline with a task on record, and told so: a later one takes its clip.
    let unfinished = last.still_running > 0;
    let expected = Expected { left_behind, unfinished, running: Some(100), ..Expected::default() };
    // The provider's word for a window that was overrun is a refusal, so a refusal counts as well.
    let violations: Vec<String> = bill
        .judge_with(&expected)
        .into_iter()
        .map(|violation| format!("{}: {}", violation.code, violation.message))
        .collect();
    assert!(violations.is_empty(), "{violations:#?}");
    assert_eq!(bill.submissions.refused, 0, "the submission window was overrun");
    assert!(bill.submissions.most <= SUBMISSIONS);
    let outstanding = machine.ledger.outstanding().expect("the ledger works");
    let held = last.stopped_by.is_some() || last.over_budget > 0 || last.unfinished > 0;
    let violations = audit(&Books {
        bill: &bill,
        takes: &takes,
        outstanding,
        given_up: &machine.given_up,
        unfinished: held || last.still_running > 0 || last.unknown > 0,
    });
    assert!(violations.is_empty(), "{violations:#?}");

    for take in &takes {
        for attempt in &take.attempts {
            // An upgrade may wait for credits, a place or an answer; whether it was called before is all the same for it.
            let waits = attempt.intent.upgrade && (held || last.still_running > 0);
            assert!(
                attempt.state != AttemptState::Intent || waits,
                "an intent is left: {attempt:?}"
            );
        }
        assert_ne!(take.state, TakeState::Publishing, "a publication is left half done");
        let waits = takes.iter().filter(|other| other.slot == take.slot).any(|other| {
            other.attempts.iter().any(|attempt| attempt.state == AttemptState::Unknown)
        });
        // A scene that depends on another one waits where that one failed.
        let depends = machine.scenes.iter().any(|scene| {
            scene.slot() == take.slot && !scene.after.is_empty() && last.failed + last.unknown > 0
        });
        if take.state == TakeState::Open && !waits && !held && !depends {
            let end =
                take.attempts.iter().rfind(|attempt| attempt.state != AttemptState::Forgotten);
            assert_ne!(
                end.map(|attempt| attempt.state),
                Some(AttemptState::Downloaded),
                "a finished step was not taken further: {take:?}"
            );
        }
    }
    // Whatever was published lies where the manifest says, with the content that was paid for.
    let manifest = machine.files.get(&machine.layout.manifest());
    let published = takes.iter().filter(|take| take.state == TakeState::Published).count();
    if published > 0 {
        let manifest: Value =
            serde_json::from_slice(&manifest.expect("a manifest")).expect("the manifest is JSON");
        let entries = manifest["assets"].as_array().expect("entries");
        assert_eq!(entries.len(), published, "{entries:#?}");
        // Of several takes one is in its place, whichever was finished first, and the others stand beside it.
        let of_words = |entry: &Value| (entry["scene_id"].clone(), entry["ask"]["version"].clone());
        for entry in entries {
            let alike = || entries.iter().filter(|other| of_words(other) == of_words(entry));
            let beside = alike().filter(|other| other.get("candidate").is_some()).count();
            assert_eq!(beside, alike().count() - 1, "{entries:#?}");
            let current = entries.iter().filter(|other| {
                other["scene_id"] == entry["scene_id"] && other.get("superseded_by").is_none()
            });
            assert_eq!(current.count(), 1, "{entries:#?}");
        }
        for entry in entries {
            let path = machine.layout.assets_root.join(entry["filename"].as_str().expect("a name"));
            match machine.files.get(&path) {
                Some(bytes) => {
                    assert_eq!(entry["sha256"], simulated_digest(&bytes), "{}", path.display());
                }
                // What somebody deleted comes back only for the scene as it is now.
                None => {
                    let scene = machine
                        .scenes
                        .iter()
                        .find(|scene| json!(scene.number) == entry["scene_id"]);
                    let now = scene.filter(|scene| scene.takes == 1).is_some_and(|scene| {
                        takes.iter().any(|take| {
                            take.slot == scene.slot()
                                && take.state == TakeState::Published
                                && take.ask == scene.ask()
                        })
                    });
                    let current = now && entry.get("superseded_by").is_none() && last.failed == 0;
                    assert!(
                        machine.deleted.contains(&path) && !current,
                        "{} is gone",
                        path.display()
                    );
                }
            }
        }
    }
    assert!(matches!(exit_code(last), 0 | 3 | 4 | 5 | 6 | 8), "no other way to end: {last:?}");
    let clean = attempts.iter().all(|attempt| attempt.failure.is_none());
    if clean && last.stopped_by.is_none() {
        assert_eq!(last.failed, 0, "{last:?}");
    }
    let lost = attempts.iter().filter(|attempt| {
        attempt.failure.as_ref().is_some_and(|failure| failure.class == FailureClass::Lost)
    });
    let pointless = bill.fault_counts.iter().any(|(name, used)| {
        let reasons = ["success_without_url", "invisible"];
        *used > 0 && reasons.contains(&name.as_str())
    });
    assert!(
        pointless || machine.long_absent || lost.count() == 0,
        "a task was called lost without a reason"
    );
}
