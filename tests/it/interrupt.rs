//! Runs that the user calls off: nothing more is sent, everything is on record, and the process ends.
#![cfg(unix)]

use crate::support::{Emulator, Project, TWO_SCENES, wait_until};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::io::Read as _;

const RUN: [&str; 3] = ["render", "--yes", "--json"];

fn faults(emulator: &Emulator, rules: Value) {
    emulator.control("POST", "/emulator/faults", &json!({"rules": rules}).to_string());
}

fn creates(emulator: &Emulator) -> usize {
    emulator.bill()["creates"].as_array().map_or(0, Vec::len)
}

fn kinds(stdout: &str) -> Vec<String> {
    let read = |line: &str| serde_json::from_str::<Value>(line).expect("JSON lines");
    stdout.lines().map(|line| read(line)["event"].as_str().expect("a kind").to_owned()).collect()
}

/// Fails unless the next run finishes what was on record and every task was paid once.
#[track_caller]
fn assert_finished_by_the_next_run(emulator: &Emulator, project: &Project) {
    emulator.control("POST", "/emulator/clock", "{\"advance_ms\": 3600000}");
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(creates(emulator), 2);
    assert_eq!(emulator.bill()["charged"], 120.0);
    assert_eq!(emulator.judge(), json!([]));
    for scene in ["01", "02"] {
        assert!(project.has(&format!("public/assets/clips/scene-{scene}.mp4")));
    }
}

#[test]
fn tasks_in_flight_are_on_record_and_collected_by_the_next_run() {
    for signal in [Signal::INT, Signal::TERM] {
        let emulator = Emulator::with(&["--task-time", "3600s"]);
        let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
        let mut run = project.start(RUN);
        run.until("\"submitted\"");
        run.until("\"submitted\"");
        run.signal(signal);
        let done = run.finish().expect(130).tells(&["interrupted", "again to end at once"]);
        let last = done.json_lines().pop().expect("an end");
        assert_eq!(last["event"], "run-finished");
        assert_eq!((&last["interrupted"], &last["still_running"]), (&json!(true), &json!(2)));
        assert_finished_by_the_next_run(&emulator, &project);
    }
}

#[test]
fn an_answer_that_comes_while_the_run_leaves_is_recorded() {
    let emulator = Emulator::with(&["--task-time", "3600s"]);
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    faults(
        &emulator,
        json!([{"match": {"operation": "create"}, "do": {"fault": "slow", "ms": 300}}]),
    );
    let run = project.start(RUN);
    wait_until("both creates are on their way", || creates(&emulator) == 2);
    run.signal(Signal::INT);
    let done = run.finish().expect(130);
    let submitted = kinds(&done.stdout).iter().filter(|kind| *kind == "submitted").count();
    assert_eq!(submitted, 2, "{}", done.stdout);
    assert_finished_by_the_next_run(&emulator, &project);
}

#[test]
fn an_answer_that_never_comes_is_unknown_and_not_repeated() {
    for times in [1, 2] {
        let emulator = Emulator::start();
        let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
        let stall = json!({"fault": "stall", "ms": 600_000});
        let first = json!({"operation": "create", "prompt": "lighthouse", "times": 1});
        faults(&emulator, json!([{"match": first, "do": stall}]));
        let mut run = project.start(RUN);
        run.until("\"published\"");
        wait_until("both creates are on their way", || creates(&emulator) == 2);
        run.signal(Signal::INT);
        if times == 2 {
            run.until_told("again to end at once");
            run.signal(Signal::INT);
        }
        let done = run.finish().expect(130);
        let ended = kinds(&done.stdout).contains(&"run-finished".to_owned());
        assert_eq!(ended, times == 1, "the second signal does not wait: {}", done.stdout);
        project.run(["render", "--yes"]).expect(5);
        assert_eq!(creates(&emulator), 2, "an unknown submission is never repeated");
        project.run(["status"]).expect(0).prints(&["unknown"]);
        project.run(["forget", "1"]).expect(0);
        project.run(["render", "--yes"]).expect(0);
        assert_eq!(creates(&emulator), 3);
    }
}

#[test]
fn a_run_that_waits_for_the_lock_ends_at_once() {
    let emulator = Emulator::with(&["--task-time", "3600s"]);
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    let mut holder = project.start(RUN);
    holder.until("\"submitted\"");
    for signal in [Signal::INT, Signal::TERM] {
        let waiting = project.start(["render", "--yes", "--wait"]);
        waiting.until_told("waiting for another run to end");
        waiting.signal(signal);
        waiting.finish().expect(130).tells(&[&format!("process {}", holder.id())]);
    }
    holder.kill();
}

#[test]
fn a_run_whose_messages_nobody_reads_can_be_ended() {
    let emulator = Emulator::start();
    let scenes: String = (1..=1500)
        .map(|number| {
            format!("\n## Scene {number}\n- **Prompt**: Lighthouse number {number} at dawn\n")
        })
        .collect();
    let text = format!("---\nmodel: veo-3.1-fast\n---\n{scenes}");
    let project = Project::with_storyboard(&text).using(&emulator);
    let mut run = project
        .command(["render", "--yes"])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    // From its first letter on it has more to say than fits into the pipe.
    let mut errors = run.stderr.take().expect("a pipe");
    errors.read_exact(&mut [0]).expect("a letter");
    let process = rustix::process::Pid::from_child(&run);
    for signal in [Signal::INT, Signal::INT] {
        // It may be gone after the first already.
        let _ = rustix::process::kill_process(process, signal);
    }
    assert_eq!(run.wait().expect("it ends").code(), Some(130));
    assert_eq!(creates(&emulator), 0, "nobody saw the plan");
}
