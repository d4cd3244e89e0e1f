//! Submissions whose outcome nobody knows: how they are told, and every way out of them.

use crate::support::{Emulator, Project, TWO_SCENES};
use serde_json::{Value, json};

/// A provider that makes these mistakes when Veo clips are ordered.
fn provider(rules: Value) -> Emulator {
    let emulator = Emulator::start();
    emulator.control("POST", "/emulator/faults", &json!({ "rules": rules }).to_string());
    emulator
}

/// The answer to the create with this word in its prompt is lost.
fn losing(word: &str) -> Value {
    json!([{"match": {"operation": "veo-generate", "prompt": word, "times": 1}, "do": {"fault": "drop_after"}}])
}

/// The task that was made for the prompt with this word.
fn task(emulator: &Emulator, word: &str) -> String {
    let bill = emulator.bill();
    let creates = bill["creates"].as_array().expect("a list");
    let found = creates.iter().find(|create| {
        create["task_id"].is_string()
            && create["body"]["prompt"].as_str().is_some_and(|prompt| prompt.contains(word))
    });
    found.expect("a task")["task_id"].as_str().expect("an id").to_owned()
}

fn creates(emulator: &Emulator) -> usize {
    emulator.bill()["creates"].as_array().map_or(0, Vec::len)
}

#[test]
fn a_task_is_adopted_only_for_the_request_that_it_was_made_for() {
    let emulator = provider(json!([
        {"match": {"operation": "veo-generate"}, "do": {"fault": "drop_after"}}
    ]));
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.run(["render"]).expect(5).tells(&["2 unknown"]);
    let (first, second) = (task(&emulator, "lighthouse"), task(&emulator, "staircase"));
    project.run(["adopt", "1", "--task", &second]).expect(1).tells(&[
        "was made for another request",
        "its prompt is `An iron spiral staircase by lamplight`",
        "the scene's is `A lone lighthouse on a basalt skerry at dawn`",
        "--unchecked",
    ]);
    project
        .run(["adopt", "1", "--task", "0123456789abcdef0123456789abcdef"])
        .expect(1)
        .tells(&["the provider knows no task"]);
    project
        .run(["adopt", "1", "--task", &first])
        .expect(0)
        .tells(&["next: storyreel render --only 1"]);
    project
        .run(["adopt", "2", "--task", &first])
        .expect(1)
        .tells(&["is on record for scene 1 already"]);
    // Offline it can only be taken unchecked.
    let mut offline = project.command(["adopt", "2", "--task", &second]);
    let said = offline.env("KIE_API_BASE", "http://127.0.0.1:9").output().expect("it starts");
    assert_eq!(said.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&said.stderr).contains("cannot be looked at now"));
    let mut offline = project.command(["adopt", "2", "--unchecked", "--task", &second]);
    let said = offline.env_remove("KIE_API_KEY").output().expect("it starts");
    assert_eq!(said.status.code(), Some(0), "{}", String::from_utf8_lossy(&said.stderr));
    project.run(["render"]).expect(0).tells(&["2 rendered"]);
    assert_eq!((creates(&emulator), &emulator.judge()), (2, &json!([])));
    project
        .run(["adopt", "1", "--task", &second])
        .expect(1)
        .tells(&["nothing of it would be rendered"]);
}

#[test]
fn a_file_is_taken_for_an_unknown_submission_or_for_a_scene_that_would_be_rendered() {
    let emulator = provider(losing("lighthouse"));
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.run(["render"]).expect(5);
    let clip = project.path("public/assets/clips/scene-02.mp4");
    let brought = project.path("downloaded.mp4");
    std::fs::copy(&clip, &brought).expect("a clip");
    let brought = brought.to_string_lossy().into_owned();
    project.write("notes.mp4", "not a clip");
    project.run(["adopt", "1", "--file", "notes.mp4"]).expect(1).tells(&["is not a clip"]);
    project.run(["adopt", "1", "--file", "nowhere.mp4"]).expect(1).tells(&["cannot read"]);
    project.run(["adopt", "1", "--file", "."]).expect(1).tells(&["is not a file"]);
    project.run(["adopt", "1"]).expect(2);
    let before = creates(&emulator);
    project.run(["adopt", "1", "--file", &brought]).expect(0).tells(&["is the clip of scene 1"]);
    project.run(["plan"]).expect(0).prints(&["1 to resume"]);
    project.run(["render"]).expect(0).tells(&["1 rendered"]);
    assert_eq!(
        std::fs::read(project.path("public/assets/clips/scene-01.mp4")).ok(),
        std::fs::read(&clip).ok()
    );
    // A scene that was never sent takes a file as well, and pays nothing.
    project.write(
        "SCENES.md",
        format!(
            "{TWO_SCENES}\n## Scene 3\n- **Duration**: 8s\n- **Prompt**: A gull lands on the rail\n"
        ),
    );
    project.run(["adopt", "3", "--file", &brought]).expect(0);
    project.run(["render"]).expect(0).tells(&["1 rendered"]);
    assert_eq!(creates(&emulator), before);
    let status = project.run(["status", "--json"]).json();
    assert_eq!(status["bill"]["credits"], 120.0);
    project.run(["render"]).expect(0).tells(&["nothing to do"]);
}

#[test]
fn status_tells_when_it_was_sent_what_it_costs_and_what_the_balance_says() {
    let emulator = provider(losing("lighthouse"));
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.run(["render"]).expect(5);
    let status = project.run(["status"]).expect(0).prints(&[
        "outcome unknown",
        "60 credits  sent 20",
        "the request left and no answer came back",
        "the balance was 10000 credits before it and is 9880 now: besides the 60 of other tasks just the price of it is gone",
        "storyreel adopt 1 --task ID",
        "storyreel adopt 1 --file CLIP.mp4",
        "storyreel forget 1",
    ]);
    assert!(!status.stdout.contains("\u{1b}"));
    let balance = project.run(["status", "--json"]).json()["balance"].clone();
    assert_eq!(
        (&balance["verdict"], &balance["before"], &balance["now"], &balance["unknown_price"]),
        (&json!("charged"), &json!(10000.0), &json!(9880.0), &json!(60.0))
    );
    assert_eq!(
        project.run(["status", "--json", "--offline"]).json()["balance"]["now"],
        Value::Null
    );
    // One that never arrived leaves the balance as it was.
    let rules = json!([{"match": {"operation": "veo-generate"}, "do": {"fault": "drop_before"}}]);
    let emulator = provider(rules);
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.run(["render"]).expect(5);
    project.run(["status"]).expect(0).prints(&["so they were most likely not accepted"]);
}

/// A film of two scenes whose first task is on nobody's record (the process died when its answer came), and whose second
/// create will be answered with that task.
#[cfg(debug_assertions)]
fn mixed_up() -> (Emulator, Project) {
    let emulator = provider(json!([
        {"match": {"operation": "veo-generate", "calls": [2]}, "do": {"fault": "duplicate_answer"}}
    ]));
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.killed_at("create.answered", ["render", "--yes", "--only", "1"]);
    (emulator, project)
}

#[cfg(debug_assertions)]
#[test]
fn an_answer_that_names_somebody_elses_task_is_found_out_by_the_record() {
    let (emulator, project) = mixed_up();
    let done = project.run(["render", "--yes"]).expect(5);
    assert!(done.stderr.contains("its record is of another request"), "{}", done.stderr);
    let (first, second) = (task(&emulator, "lighthouse"), task(&emulator, "staircase"));
    project.run(["adopt", "2", "--task", &first]).expect(1).tells(&["another request"]);
    project.run(["adopt", "1", "--task", &first]).expect(0);
    project.run(["adopt", "2", "--task", &second]).expect(0);
    project.run(["render"]).expect(0).tells(&["2 rendered"]);
    assert_eq!((creates(&emulator), &emulator.judge()), (2, &json!([])));
}

#[cfg(debug_assertions)]
#[test]
fn a_task_that_a_mixed_up_answer_gave_away_is_taken_back() {
    let (emulator, project) = mixed_up();
    project.run(["render", "--yes", "--submit-only"]).expect(5);
    let (first, second) = (task(&emulator, "lighthouse"), task(&emulator, "staircase"));
    // Nothing but the record tells whose it is.
    project
        .run(["adopt", "1", "--unchecked", "--task", &first])
        .expect(1)
        .tells(&["is on record for scene 2 already"]);
    project.run(["adopt", "1", "--task", &first]).expect(0).tells(&[
        "was on record for scene 2 generate, whose request it is not",
        "scene 1 generate is task",
    ]);
    project.run(["status"]).expect(0).prints(&["that is the task of scene 1"]);
    project
        .run(["adopt", "2", "--task", &first])
        .expect(1)
        .tells(&["is on record for scene 1 already"]);
    project.run(["adopt", "2", "--task", &second]).expect(0);
    project.run(["render"]).expect(0).tells(&["2 rendered"]);
    assert_eq!((creates(&emulator), &emulator.judge()), (2, &json!([])));
}

#[test]
fn an_unknown_submission_can_be_given_up_or_sent_again_and_never_is_by_itself() {
    let emulator = provider(json!([
        {"match": {"operation": "veo-generate", "times": 2}, "do": {"fault": "drop_before"}}
    ]));
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.run(["render"]).expect(5);
    for _ in 0..3 {
        project.run(["render", "--yes"]).expect(5);
    }
    assert_eq!(creates(&emulator), 2);
    project.run(["forget", "1"]).expect(0).tells(&["60 credits no longer reserved"]);
    project.run(["render", "--resubmit-unknown", "2"]).expect(0).tells(&["2 rendered"]);
    assert_eq!((creates(&emulator), &emulator.judge()), (4, &json!([])));
}

#[test]
fn two_takes_without_an_answer_are_adopted_one_after_the_other() {
    let emulator = provider(json!([
        {"match": {"operation": "veo-generate"}, "do": {"fault": "drop_after"}}
    ]));
    let film = "## Scene 1\n- **Model**: veo-3.1-fast\n- **Duration**: 4s\n- **Takes**: 2\n\
                - **Prompt**: A lone lighthouse on a basalt skerry at dawn\n";
    let project = Project::with_storyboard(film).using(&emulator);
    project.run(["render", "--yes"]).expect(5).tells(&["2 unknown"]);
    let bill = emulator.bill();
    for create in bill["creates"].as_array().expect("a list") {
        let task = create["task_id"].as_str().expect("a task");
        project.run(["adopt", "1", "--task", task]).expect(0);
        project.run(["adopt", "1", "--task", task]).expect(1);
    }
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(creates(&emulator), 2);
    assert_eq!(project.manifest()["assets"].as_array().map(Vec::len), Some(2));
}
