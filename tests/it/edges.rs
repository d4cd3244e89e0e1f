//! Scenes that start from other scenes: order, what follows from a change, and what is refused.

use crate::support::{Emulator, Project};
use serde_json::{Value, json};

const FILM: &str = r#"title: Edges
defaults: {model: veo-3.1-lite, duration: 4}
scenes:
  - {id: 4, visual: Brush strokes, video: scene:2, model: Runway Aleph}
  - {id: 1, type: image, visual: A lighthouse at dawn}
  - {id: 2, action: The lamp turns, reference: scene:1}
  - {id: 5, visual: A lamp room, action: She climbs, image_prompt: A lamp room}
  - {id: 6, action: She rests, reference: scene:5/keyframe}
  - {id: 7, visual: The sea}
"#;

fn project(emulator: &Emulator, film: &str) -> Project {
    let project = Project::new().using(emulator);
    project.configure("[limits]\nsubmissions = \"10000/1s\"\n");
    project.write("storyboard.yaml", film);
    project
}

fn emulator() -> Emulator {
    Emulator::with(&["--task-time", "0", "--submissions", "10000/1s", "--credits", "100000"])
}

fn orders(emulator: &Emulator) -> usize {
    emulator.bill()["creates"].as_array().expect("a list").len()
}

/// The action of each scene by id, and the codes of its reasons.
fn plan(project: &Project, flags: &[&str]) -> Vec<(String, String, String)> {
    let arguments = [["plan", "--json"].as_slice(), flags].concat();
    let plan = project.run(arguments).expect(0).json();
    let scenes = plan["scenes"].as_array().expect("scenes");
    let told = scenes.iter().map(|scene| {
        let reasons = scene["reasons"].as_array().expect("reasons");
        let codes: Vec<&str> =
            reasons.iter().filter_map(|reason| reason["code"].as_str()).collect();
        let word = |key: &str| scene[key].to_string().trim_matches('"').to_owned();
        (word("scene_id"), word("action"), codes.join(" "))
    });
    told.collect()
}

/// Those scenes of a plan that are not unchanged.
fn changed(project: &Project, flags: &[&str]) -> Vec<(String, String, String)> {
    let mut plan = plan(project, flags);
    plan.retain(|(_, action, _)| action != "unchanged");
    plan
}

fn told(expected: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    let owned = expected
        .iter()
        .map(|(id, action, codes)| ((*id).to_owned(), (*action).to_owned(), (*codes).to_owned()));
    owned.collect()
}

#[test]
fn scenes_wait_for_those_that_they_start_from_and_change_with_them() {
    let emulator = emulator();
    let project = project(&emulator, FILM);
    let planned = project.run(["plan", "--json"]).expect(0).json();
    let first = &planned["scenes"][0]["steps"][0];
    assert_eq!(first["fingerprint"], Value::Null);
    assert_eq!(first["request"]["videoUrl"], json!({"$scene": "scene:2/clip"}));
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(emulator.judge(), json!([]));
    assert_eq!(orders(&emulator), 7);
    assert_eq!(changed(&project, &[]), []);
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(orders(&emulator), 7, "a second run pays for nothing");

    // A change goes down the line and nowhere else, and each scene says what it is because of.
    project.write("storyboard.yaml", FILM.replace("at dawn", "at dusk"));
    assert_eq!(
        changed(&project, &[]),
        told(&[
            ("4", "update", "upstream-changed"),
            ("1", "update", "prompt-changed"),
            ("2", "update", "upstream-changed"),
        ])
    );
    project
        .run(["plan"])
        .expect(0)
        .prints(&["scene 2 is rendered first", "scene 1 is rendered first"]);
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(orders(&emulator), 10);
    assert_eq!(changed(&project, &[]), []);

    // What was made before comes back all the way down.
    project.write("storyboard.yaml", FILM);
    assert_eq!(
        changed(&project, &[]).into_iter().map(|(id, action, _)| (id, action)).collect::<Vec<_>>(),
        [("4", "restore"), ("1", "restore"), ("2", "restore")]
            .map(|(id, action)| (id.to_owned(), action.to_owned()))
    );
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(orders(&emulator), 10, "an undo is free");

    // Another motion of 5 leaves its still, and what starts from that, alone.
    project.write("storyboard.yaml", FILM.replace("She climbs", "She descends"));
    assert_eq!(changed(&project, &[]), told(&[("5", "update", "prompt-changed")]));
    project.write(
        "storyboard.yaml",
        FILM.replace("image_prompt: A lamp", "image_prompt: A dark lamp"),
    );
    assert_eq!(
        changed(&project, &[]),
        told(&[("5", "update", "prompt-changed"), ("6", "update", "upstream-changed")])
    );
}

#[test]
fn a_retake_invalidates_what_was_made_from_it() {
    let emulator = emulator();
    let project = project(&emulator, FILM);
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(
        changed(&project, &["--retake", "2"]),
        told(&[("4", "update", "upstream-changed"), ("2", "update", "retake")])
    );
    project.run(["render", "--yes", "--retake", "1"]).expect(0);
    assert_eq!(orders(&emulator), 10);
    assert_eq!(changed(&project, &[]), []);
}

#[test]
fn a_selection_says_what_it_lacks() {
    let emulator = emulator();
    let project = project(&emulator, FILM);
    let blocked = project.run(["render", "--yes", "--only", "4"]);
    blocked.expect(4).tells(&["scene 2 has to be rendered first", "add it to `--only`"]);
    assert_eq!(orders(&emulator), 0);
    project.run(["render", "--yes", "--only", "1,2"]).expect(0);
    project.run(["render", "--yes", "--only", "4"]).expect(0);
    assert_eq!(orders(&emulator), 3);
    // 2 has changed and is not selected: what it would give is not known.
    project.write("storyboard.yaml", FILM.replace("The lamp turns", "The lamp stops"));
    let plan = changed(&project, &["--only", "4"]);
    assert!(plan.iter().any(|(id, action, _)| id == "4" && action == "blocked"), "{plan:?}");
}

#[test]
fn renumbering_and_reordering_pays_for_nothing() {
    let emulator = emulator();
    let project = project(&emulator, FILM);
    project.run(["render", "--yes"]).expect(0);
    let renumbered = FILM
        .replace("id: 2,", "id: 20,")
        .replace("scene:2,", "scene:20,")
        .replace("id: 1,", "id: hook,")
        .replace("scene:1}", "scene:hook}");
    project.write("storyboard.yaml", renumbered);
    let plan = changed(&project, &[]);
    assert!(plan.iter().all(|(_, action, _)| action == "move"), "{plan:?}");
    assert_eq!(plan.len(), 2);
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(orders(&emulator), 7);
    assert_eq!(changed(&project, &[]), []);
}

#[test]
fn a_run_that_is_killed_in_between_goes_on() {
    let emulator = emulator();
    // One line of scenes, so that nothing else is on its way when the process dies.
    let others = |line: &&str| !["id: 5", "id: 6", "id: 7"].iter().any(|id| line.contains(id));
    let film = FILM.lines().filter(others).collect::<Vec<_>>().join("\n");
    let project = project(&emulator, &film);
    for point in
        ["files.replace.manifest.after", "ledger.submitted.after", "ledger.open-take.after"]
    {
        project.killed_at(point, ["render", "--yes"]);
    }
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(emulator.judge(), json!([]));
    assert_eq!(orders(&emulator), 3);
    assert_eq!(changed(&project, &[]), []);
}

#[test]
fn a_scene_whose_source_fails_is_not_begun() {
    let emulator = emulator();
    emulator.control(
        "POST",
        "/emulator/faults",
        r#"{"rules": [{"match": {"prompt": "lighthouse"},
            "do": {"fault": "fail", "code": 400, "message": "Your prompt was flagged"}}]}"#,
    );
    let project = project(&emulator, FILM);
    let done = project.run(["render", "--yes"]);
    done.expect(4).tells(&["flagged", "waits for scene `1`", "waits for scene `2`"]);
    // The still fails, 5 and 6 with their keyframe and 7 are made.
    assert_eq!(orders(&emulator), 5);
}

#[test]
fn circles_and_what_gives_nothing_are_refused() {
    let project = Project::new();
    project.write(
        "storyboard.yaml",
        "defaults: {model: veo-3.1-lite, duration: 4}\nscenes:\n  \
         - {id: 1, visual: The sea, reference: scene:3}\n  \
         - {id: 2, visual: The sea, reference: scene:1}\n  \
         - {id: 3, visual: The sea, last_frame: scene:2/first, reference: \"https://a.example/x.png\"}\n  \
         - {id: 4, visual: The sea, reference: scene:5}\n  \
         - {id: 5, file: footage/sea.mp4}\n",
    );
    project.run(["check"]).expect(1).prints(&[
        "error[circle]: scenes start from each other: 1 -> 3 -> 2 -> 1",
        "error[scene-reference]: scene 4 starts from scene 5, which is not rendered",
    ]);
    project.write(
        "storyboard.yaml",
        "defaults: {model: veo-3.1-lite, duration: 4}\nscenes:\n  \
         - {id: 1, visual: The sea}\n  - {id: 2, visual: The sea, reference: scene:1/keyframe}\n",
    );
    project.run(["check"]).expect(1).prints(&[
        "error[scene-reference]: scene 1 has no keyframe",
        "use a frame of its clip: `scene:1/first`",
    ]);
}

#[test]
fn what_cannot_be_continued_is_told() {
    let project = Project::new();
    project.write("refs/a.png", [0]);
    project.write(
        "storyboard.yaml",
        "defaults: {model: veo-3.1-lite, duration: 4, reference: refs/a.png}\nscenes:\n  \
         - {id: 1, visual: The sea rises}\n  \
         - {id: 3, action: It rises, extends: 1, reference: refs/a.png}\n  \
         - {id: 4, type: image, visual: The sea, extends: 1}\n  \
         - {id: 6, action: It rises, extends: 1, model: Kling 2.6 text to video, duration: 5}\n",
    );
    let done = project.run(["check"]).expect(1);
    insta::assert_snapshot!(done.stdout, @r#"
error[extends]: the clip cannot continue scene `1` and start from its own `reference`
 --> storyboard.yaml:4:40
  |
4 |   - {id: 3, action: It rises, extends: 1, reference: refs/a.png}
  |                                        ^ scene 3
  |
  = help: keep `extends` or `reference`; a `last_frame` may stand beside `extends`

error[extends]: a still continues no clip
 --> storyboard.yaml:5:52
  |
5 |   - {id: 4, type: image, visual: The sea, extends: 1}
  |                                                    ^ scene 4
  |
  = help: start from that clip's last frame: `reference: scene:1`

warning[extends-by-frame]: the clip starts from the last frame of scene `1`; the model sees no more of it, so motion and sound begin anew
 --> storyboard.yaml:6:40
  |
6 |   - {id: 6, action: It rises, extends: 1, model: Kling 2.6 text to video, duration: 5}
  |                                        ^ scene 6
  |
  = help: an `extend` step under scene `1` continues all of its clip, as one longer clip

error[unsupported-field]: `Kling 2.6` has no `extends` here
 --> storyboard.yaml:6:40
  |
6 |   - {id: 6, action: It rises, extends: 1, model: Kling 2.6 text to video, duration: 5}
  |                                        ^ would be ignored, and the clip paid for
  |
  = help: take the field away, or see `storyreel models "Kling 2.6"` for what it takes

3 errors and 1 warning in storyboard.yaml
"#);
    project.write(
        "storyboard.yaml",
        "defaults: {model: veo-3.1-lite, duration: 4}\nscenes:\n  \
         - {id: 1, type: image, visual: The sea}\n  - {id: 2, action: It rises, extends: 1}\n  \
         - {id: 3, action: It rises, extends: 4}\n  - {id: 4, action: It rises, extends: 3}\n  \
         - {id: 5, action: It rises, extends: scene:7}\n",
    );
    let done = project.run(["check"]).expect(1);
    insta::assert_snapshot!(done.stdout, @r"
error[extends]: scene 1 is a still, which has no clip to continue
 --> storyboard.yaml:4:40
  |
4 |   - {id: 2, action: It rises, extends: 1}
  |                                        ^ scene 2 would continue it
  |
  = help: start from the picture: `reference: scene:1`

error[circle]: scenes start from each other: 3 -> 4 -> 3
 --> storyboard.yaml:5:10
  |
5 |   - {id: 3, action: It rises, extends: 4}
  |          ^ would wait for itself
  |
  = help: let one of them start from words or from a picture of its own

error[unknown-scene]: there is no scene `7`
 --> storyboard.yaml:7:40
  |
7 |   - {id: 5, action: It rises, extends: scene:7}
  |                                        ^^^^^^^ no such scene
  |
  = help: name another scene of this storyboard by its id

3 errors in storyboard.yaml
");
}

#[cfg(feature = "preview")]
#[test]
fn a_scene_continues_the_clip_of_another() {
    let emulator = emulator();
    let film = "defaults: {model: veo-3.1-lite, duration: 4, reference: \"https://a.example/sea.png\"}\nscenes:\n  \
                - {id: 1, visual: The sea}\n  - {id: 2, action: It rises, extends: 1}\n  \
                - {id: 3, action: It falls, extends: 2, model: kling-2.6, duration: 5}\n";
    let project = project(&emulator, film);
    project.run(["check"]).expect(0).prints(&[
        "warning[extends-by-frame]: the clip starts from the last frame of scene `1`; the model sees no more of it",
    ]);
    project.run(["render", "--yes"]).expect(0);
    let upstream = |project: &Project, scene: u64| {
        let manifest = project.manifest();
        let entries = manifest["assets"].as_array().expect("a list").clone();
        let current = |scene: u64| {
            let of =
                |entry: &&Value| entry["scene_id"] == scene && entry["superseded_by"].is_null();
            entries.iter().find(of).expect("an entry").clone()
        };
        let symbol = json!({"$clip": current(scene - 1)["sha256"], "frame": "last"});
        assert_eq!(current(scene)["ask"]["upstream"][format!("scene:{}/last", scene - 1)], symbol);
    };
    upstream(&project, 2);
    upstream(&project, 3);
    // The same in other words is the same.
    project.write("storyboard.yaml", film.replace("extends: 1", "reference: scene:1"));
    assert_eq!(changed(&project, &[]), []);
    project.write("storyboard.yaml", film);
    project.run(["render", "--yes", "--retake", "2"]).expect(0);
    assert_eq!(orders(&emulator), 5, "2 and what continues it");
    upstream(&project, 3);
}

#[cfg(feature = "preview")]
#[test]
fn a_scene_starts_from_the_last_frame_of_another() {
    let emulator = emulator();
    let film = "defaults: {model: veo-3.1-lite, duration: 4}\nscenes:\n  \
                - {id: 1, visual: The sea}\n  - {id: 2, action: It rises, reference: scene:1}\n  \
                - {id: 3, action: It falls, reference: scene:2/first, last_frame: scene:1}\n";
    let project = project(&emulator, film);
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(emulator.judge(), json!([]));
    assert_eq!(orders(&emulator), 3);
    // The last frame of 1 is uploaded once for both.
    let bill = emulator.bill();
    let frames: Vec<&str> = bill["uploads"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|upload| upload["file_path"].as_str()?.rsplit_once('-'))
        .map(|(_, frame)| frame)
        .collect();
    assert_eq!(frames, ["last.png", "first.png"], "{bill}");
    assert_eq!(changed(&project, &[]), []);
}
