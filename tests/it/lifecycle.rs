//! The life of a storyboard: rendered, left alone, edited, undone, renumbered, cloned; and what the provider's bill says.

use crate::support::{Done, Emulator, Project, names_below};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

/// Three scenes of 60 credits each.
pub(crate) const THREE: &str = "\
---
model: veo-3.1-fast
---

## Scene 1: First light
- **Duration**: 6s
- **Prompt**: A lone lighthouse on a basalt skerry at dawn

## Scene 2: The climb
- **Duration**: 8s
- **Prompt**: An iron spiral staircase by lamplight

## Scene 3: The lamp
- **Duration**: 4s
- **Prompt**: A great lens of cut glass begins to turn
";

/// Where the public manifest lies.
pub(crate) const MANIFEST: &str = "public/assets/manifest.json";

// ---- reading what happened ----

/// An example storyboard of the repository.
fn example(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/storyboards").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// How many requests the provider got.
pub(crate) fn requests(emulator: &Emulator) -> u64 {
    let bill = emulator.bill();
    bill["requests"].as_object().into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum()
}

/// The prompts of all creates that made a task, in order.
pub(crate) fn accepted(emulator: &Emulator) -> Vec<String> {
    let bill = emulator.bill();
    let creates = bill["creates"].as_array().cloned().unwrap_or_default();
    creates
        .iter()
        .filter(|create| create["task_id"].is_string())
        .map(|create| create["body"]["prompt"].as_str().unwrap_or_default().to_owned())
        .collect()
}

pub(crate) fn charged(emulator: &Emulator) -> f64 {
    emulator.bill()["charged"].as_f64().expect("a number")
}

/// Fails unless the provider saw nothing that a careful client would not do.
#[track_caller]
pub(crate) fn assert_careful(emulator: &Emulator) {
    assert_eq!(emulator.judge(), json!([]));
}

fn faults(emulator: &Emulator, rules: Value) {
    let answer = emulator.control("POST", "/emulator/faults", &json!({"rules": rules}).to_string());
    assert!(answer["added"].is_number(), "{answer}");
}

pub(crate) fn assets(project: &Project) -> Vec<Value> {
    project.manifest()["assets"].as_array().cloned().expect("a list of assets")
}

/// The entry of a scene that nothing took the place of.
#[track_caller]
pub(crate) fn current(project: &Project, scene: &Value) -> Value {
    let entries: Vec<Value> = assets(project)
        .into_iter()
        .filter(|entry| entry["scene_id"] == *scene && entry.get("superseded_by").is_none())
        .collect();
    assert_eq!(entries.len(), 1, "current entries of scene {scene}: {entries:#?}");
    entries[0].clone()
}

pub(crate) fn bytes(project: &Project, name: &str) -> Vec<u8> {
    std::fs::read(project.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub(crate) fn clip(project: &Project, scene: &str) -> Vec<u8> {
    bytes(project, &format!("public/assets/clips/scene-{scene}.mp4"))
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// The actions that a plan has for the scenes, by id.
pub(crate) fn actions(project: &Project) -> BTreeMap<String, String> {
    let plan = project.run(["plan", "--json"]).expect(0).json();
    let scenes = plan["scenes"].as_array().expect("scenes");
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    scenes.iter().map(|scene| (text(&scene["scene_id"]), text(&scene["action"]))).collect()
}

/// Every entry's file is there with the recorded bytes, every file of `clips` is in the manifest, and one entry a
/// scene is current.
#[track_caller]
pub(crate) fn assert_whole(project: &Project) {
    let mut listed = BTreeSet::new();
    let mut scenes = BTreeSet::new();
    for entry in assets(project) {
        let Some(filename) = entry["filename"].as_str().filter(|_| entry["type"] == "video") else {
            continue;
        };
        let content = bytes(project, &format!("public/{filename}"));
        assert_eq!(entry["bytes"], content.len(), "{filename}");
        assert_eq!(entry["sha256"], storyreel_digest(&content), "{filename}");
        assert!(listed.insert(filename.to_owned()), "{filename} is listed twice");
        if entry.get("superseded_by").is_none() {
            assert!(scenes.insert(entry["scene_id"].to_string()), "two current: {entry:#}");
        }
    }
    let files: BTreeSet<String> = names_below(&project.path("public/assets/clips"))
        .into_iter()
        .map(|name| format!("assets/clips/{name}"))
        .collect();
    assert_eq!(files, listed);
}

pub(crate) fn storyreel_digest(content: &[u8]) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(content);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// A rendered film of three scenes.
pub(crate) fn rendered() -> (Emulator, Project) {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(THREE).using(&emulator);
    project.run(["render"]).expect(0);
    (emulator, project)
}

// ---- the first run ----

#[test]
fn the_example_is_planned_rendered_and_left_alone() {
    let emulator = Emulator::with(&["--task-time", "50ms"]);
    let project = Project::with_storyboard(&example("skerry-light/SCENES.md")).using(&emulator);
    let plan = project.run(["plan", "--json"]).expect(0).json();
    project.run(["plan"]).expect(0).prints(&["8 to create", "660 credits"]);
    project.run(["plan", "--detailed-exitcode"]).expect(7);
    assert_eq!(requests(&emulator), 0, "plans are made offline");

    let done = project.run(["render"]).expect(0).tells(&["8 rendered; 660 credits spent"]);
    assert_eq!(done.stdout, "");
    assert_whole(&project);
    let bill = emulator.bill();
    let prompts: BTreeSet<String> = accepted(&emulator).into_iter().collect();
    assert_eq!(prompts.len(), 9, "eight scenes and one extension, each asked for once");
    assert_eq!(bill["creates"].as_array().map(Vec::len), Some(9));
    assert_eq!(bill["upgrades"].as_array().map(Vec::len), Some(1));
    assert_eq!(bill["charged"].as_f64(), plan["summary"]["credits"].as_f64(), "the estimate holds");
    assert_careful(&emulator);

    let manifest = project.read(MANIFEST);
    let before = requests(&emulator);
    project.run(["render"]).expect(0).tells(&["nothing to do: 8 scenes up to date"]);
    project.run(["plan", "--detailed-exitcode"]).expect(0);
    assert_eq!(requests(&emulator), before);
    assert_eq!(project.read(MANIFEST), manifest);
}

#[test]
fn the_manifest_has_what_other_tools_read() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(&example("skerry-light/SCENES.md")).using(&emulator);
    project.run(["render", "--only", "5,8"]).expect(0);
    let manifest = project.manifest();
    assert_eq!(keys(&manifest), ["version", "assets"]);
    assert_eq!(manifest["version"], "1.0");
    assert!(
        project.read(MANIFEST).starts_with("{\n  \"version\": \"1.0\",\n  \"assets\": [\n    {\n")
    );

    let ids: BTreeSet<String> = assets(&project)
        .iter()
        .filter_map(|entry| Some(entry["id"].as_str()?.to_owned()))
        .collect();
    assert_eq!(ids, BTreeSet::from(["vid-001".to_owned(), "vid-002".to_owned()]));
    let entry = current(&project, &json!(8));
    assert_eq!(
        keys(&entry)[..9],
        [
            "id",
            "type",
            "filename",
            "prompt",
            "model",
            "parameters",
            "created_at",
            "scene_id",
            "version"
        ]
    );
    for added in [
        "model_id",
        "task_id",
        "fingerprint",
        "parts",
        "ask",
        "take",
        "sha256",
        "bytes",
        "probe",
        "credits",
        "seed",
        "inputs",
        "steps",
    ] {
        assert!(entry.get(added).is_some(), "{added}");
    }
    assert_eq!(entry["type"], "video");
    assert_eq!(entry["filename"], "assets/clips/scene-08.mp4");
    assert_eq!(entry["model"], "Veo 3.1 Fast");
    assert_eq!(entry["version"], 1);
    assert_eq!(entry["credits"], 120);
    assert_eq!(
        keys(&entry["parameters"]),
        ["duration", "quality", "aspect_ratio", "generationType", "endpoint"]
    );
    assert_eq!(entry["steps"].as_array().map(Vec::len), Some(2));
    let seconds = entry["probe"]["duration"].as_f64().expect("a length");
    assert!((seconds - 15.0).abs() < 0.1, "{seconds} s of 8 s and an extension");
    let time = entry["created_at"].as_str().expect("a time");
    assert!(time.len() == 24 && time.ends_with('Z'), "{time}");

    let upscaled = current(&project, &json!(5));
    assert_eq!(upscaled["probe"]["width"], 3840, "the 4K version is the clip");
    let generate = &upscaled["steps"][0];
    let bill = emulator.bill();
    let prompts: Vec<&Value> = bill["creates"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|create| create["task_id"] == generate["task_id"])
        .map(|create| &create["body"]["prompt"])
        .collect();
    assert_eq!(prompts, [&upscaled["prompt"]], "the prompt is recorded as it was sent");
}

#[test]
fn yaml_and_videoflow_storyboards_render_too() {
    let emulator = Emulator::start();
    let project = Project::new().using(&emulator);
    project.write("storyboard.yaml", example("paper-boat/storyboard.yaml"));
    project.run(["render"]).expect(0).tells(&["6 rendered; 390 credits spent, 390 estimated"]);
    assert_eq!(current(&project, &json!("river"))["filename"], "assets/clips/scene-river.mp4");
    assert_whole(&project);
    assert_careful(&emulator);

    let emulator = Emulator::start();
    let project = Project::new().using(&emulator);
    project.write(".videoflow/SCENES.md", example("videoflow/SCENES.md"));
    project.run(["render"]).expect(0).tells(&["5 rendered; 300 credits spent, 300 estimated"]);
    assert!(project.has("public/assets/clips/scene-05.mp4"), "beside `.videoflow`, not in it");
    assert_whole(&project);
    assert_careful(&emulator);
    project.run(["render"]).expect(0).tells(&["nothing to do"]);
}

// ---- edits ----

#[test]
fn one_changed_word_pays_one_scene_and_undo_is_free() {
    let (emulator, project) = rendered();
    let (old, first) = (clip(&project, "01"), assets(&project));
    project.write("SCENES.md", THREE.replace("at dawn", "at dusk"));
    let plan = project.run(["plan", "--json"]).expect(0).json();
    let reason = &plan["scenes"][0]["reasons"][0];
    assert_eq!(reason["code"], "prompt-changed", "{plan:#}");
    assert_eq!(plan["summary"]["credits"], 60);

    project.run(["render"]).expect(0).tells(&["1 rendered; 60 credits spent"]);
    assert_eq!(charged(&emulator), 240.0);
    assert_eq!(bytes(&project, "public/assets/clips/takes/scene-01.v1.mp4"), old);
    assert_ne!(clip(&project, "01"), old);
    let entry = current(&project, &json!(1));
    assert_eq!(
        (&entry["id"], &entry["version"], &entry["take"]),
        (&json!("vid-004"), &json!(2), &json!(2))
    );
    let history = |assets: &[Value]| {
        let entry = assets.iter().find(|entry| entry["scene_id"] == 1).cloned();
        entry.expect("the first entry of scene 1")
    };
    let (mut before, mut after) = (history(&first), history(&assets(&project)));
    assert_eq!(after["superseded_by"], "vid-004");
    assert_eq!(after["filename"], "assets/clips/takes/scene-01.v1.mp4");
    for entry in [&mut before, &mut after] {
        let entry = entry.as_object_mut().expect("an object");
        entry.remove("superseded_by");
        entry.remove("filename");
    }
    assert_eq!(before, after, "nothing else of history is rewritten");
    assert_whole(&project);

    let asked = requests(&emulator);
    project.write("SCENES.md", THREE);
    assert_eq!(actions(&project)["1"], "restore");
    project.run(["render"]).expect(0).tells(&["1 restored"]);
    assert_eq!(requests(&emulator), asked, "undo asks nobody");
    assert_eq!(clip(&project, "01"), old);
    let entry = current(&project, &json!(1));
    assert_eq!(
        (&entry["version"], &entry["take"], &entry["credits"]),
        (&json!(3), &json!(1), &json!(0))
    );
    assert_eq!(entry["restored_from"], history(&first)["id"]);
    assert_whole(&project);
    project.run(["render"]).expect(0).tells(&["nothing to do"]);
    assert_careful(&emulator);
}

#[test]
fn cosmetic_edits_change_nothing() {
    let (emulator, project) = rendered();
    let (manifest, asked) = (project.read(MANIFEST), requests(&emulator));
    let wrapped = THREE.replace("skerry at dawn", "skerry\n  at dawn").replace('\n', "\r\n");
    let other_order = {
        let (head, scenes) = THREE.split_once("## ").expect("scenes");
        let mut scenes: Vec<String> = format!("## {scenes}")
            .split("\n## ")
            .map(|scene| format!("## {}", scene.trim_start_matches("## ")))
            .collect();
        scenes.reverse();
        format!("{head}<!-- a remark -->\n\n{}\n", scenes.join("\n"))
    };
    let editorial = THREE.replace("First light", "Another title").replace(
        "- **Duration**: 8s",
        "- **Duration**: 7.5s\n- **Transition**: cut\n- **Voiceover**: None of it",
    );
    for text in [format!("\u{feff}{wrapped}"), other_order, editorial] {
        project.write("SCENES.md", &text);
        project.run(["render"]).expect(0).tells(&["nothing to do: 3 scenes up to date"]);
        project.run(["plan", "--detailed-exitcode"]).expect(0);
    }
    assert_eq!(requests(&emulator), asked);
    assert_eq!(project.read(MANIFEST), manifest);
}

#[test]
fn a_deleted_clip_comes_back_from_the_cache() {
    let (emulator, project) = rendered();
    let (old, asked, manifest) =
        (clip(&project, "02"), requests(&emulator), project.read(MANIFEST));
    std::fs::remove_file(project.path("public/assets/clips/scene-02.mp4")).expect("a clip");
    assert_eq!(actions(&project)["2"], "restore");
    project.run(["render"]).expect(0).tells(&["1 restored"]);
    assert_eq!(clip(&project, "02"), old);
    assert_eq!(requests(&emulator), asked);
    assert_eq!(project.read(MANIFEST), manifest, "the same publication, so no new entry");
    project.run(["render"]).expect(0).tells(&["nothing to do"]);
}

#[test]
fn a_clip_edited_by_hand_is_kept() {
    let (emulator, project) = rendered();
    let asked = requests(&emulator);
    project.write("public/assets/clips/scene-02.mp4", b"graded by hand");
    project.run(["render"]).expect(0);
    assert_eq!(clip(&project, "02"), b"graded by hand");
    // A new take moves the edited file away; it is never overwritten.
    project.run(["render", "--retake", "2"]).expect(0);
    let takes = names_below(&project.path("public/assets/clips/takes"));
    assert!(
        takes.iter().any(|name| bytes(&project, &format!("public/assets/clips/takes/{name}"))
            == b"graded by hand"),
        "{takes:?}"
    );
    assert!(requests(&emulator) > asked);
}

#[test]
fn an_inserted_scene_alone_is_paid_and_the_files_follow() {
    let emulator = Emulator::start();
    let text = example("skerry-light/SCENES.md");
    let project = Project::with_storyboard(&text).using(&emulator);
    project.run(["render"]).expect(0);
    let old: Vec<Vec<u8>> = (1..=8).map(|number| clip(&project, &format!("{number:02}"))).collect();
    let paid = charged(&emulator);

    let mut renumbered = text;
    for number in (1..=8).rev() {
        let next = number + 1;
        renumbered =
            renumbered.replace(&format!("## Scene {number}:"), &format!("## Scene {next}:"));
    }
    let new = "## Scene 1: Before\n\n- **Duration**: 4s\n- **Visual**: Gulls over an empty harbour at noon\n\n## Scene 2:";
    project.write("SCENES.md", renumbered.replace("## Scene 2:", new));
    let planned = actions(&project);
    assert_eq!(planned["1"], "create");
    assert!((2..=9).all(|number| planned[&number.to_string()] == "move"), "{planned:?}");
    project.run(["render"]).expect(0).tells(&["1 rendered", "60 credits spent"]);
    assert_eq!(charged(&emulator), paid + 60.0);
    for (old, number) in old.iter().zip(2..) {
        assert_eq!(&clip(&project, &format!("{number:02}")), old, "scene {number}");
    }
    assert_whole(&project);
    assert_careful(&emulator);
    project.run(["render"]).expect(0).tells(&["nothing to do: 9 scenes up to date"]);
}

#[test]
fn a_retake_is_a_new_take_of_the_same_request() {
    let (emulator, project) = rendered();
    let old = clip(&project, "02");
    project.run(["render", "--retake", "2"]).expect(0).tells(&["1 rendered; 60 credits spent"]);
    assert_eq!(charged(&emulator), 240.0);
    assert_eq!(bytes(&project, "public/assets/clips/takes/scene-02.v1.mp4"), old);
    let entry = current(&project, &json!(2));
    assert_eq!((&entry["version"], &entry["take"]), (&json!(2), &json!(2)));
    assert_whole(&project);
    project.run(["render"]).expect(0).tells(&["nothing to do"]);
    project.run(["render", "--retake", "2"]).expect(0);
    assert_eq!(charged(&emulator), 300.0);
    assert!(project.has("public/assets/clips/takes/scene-02.v2.mp4"));
    assert_whole(&project);
}

#[test]
fn selections_leave_the_rest_alone() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(THREE).using(&emulator);
    project.run(["render", "--only", "2"]).expect(0).tells(&["1 rendered; 60 credits spent"]);
    project.run(["render", "--exclude", "1,2"]).expect(0).tells(&["1 rendered; 60 credits spent"]);
    assert!(!project.has("public/assets/clips/scene-01.mp4"));
    project.run(["render", "--only", "2-3"]).expect(0);
    assert_eq!(charged(&emulator), 120.0);
    project.run(["render"]).expect(0).tells(&["1 rendered; 60 credits spent"]);
    assert_whole(&project);
    assert_careful(&emulator);
}

// ---- clones and other tools ----

/// The same film where only what is committed came along.
fn clone_of(project: &Project, emulator: &Emulator) -> Project {
    let clone = Project::with_storyboard(&project.read("SCENES.md")).using(emulator);
    clone.write(MANIFEST, project.read(MANIFEST));
    clone
}

#[test]
fn a_fresh_clone_pays_nothing() {
    let (emulator, project) = rendered();
    let clone = clone_of(&project, &emulator);
    assert!(actions(&clone).values().all(|action| action == "restore"));
    clone.run(["render", "--locked"]).expect(0).tells(&["3 restored"]);
    assert_eq!(charged(&emulator), 180.0);
    for scene in ["01", "02", "03"] {
        assert_eq!(clip(&clone, scene), clip(&project, scene));
    }
    assert_eq!(clone.read(MANIFEST), project.read(MANIFEST));
    clone.run(["render"]).expect(0).tells(&["nothing to do"]);
    assert_careful(&emulator);
}

#[test]
fn clips_that_are_nowhere_any_more_are_absent_and_never_paid_by_themselves() {
    let (emulator, project) = rendered();
    // The provider keeps results for two weeks, and the clone's own clock does not know yet that they are over.
    emulator.control(
        "POST",
        "/emulator/clock",
        &json!({"advance_ms": 15_i64 * 86_400_000}).to_string(),
    );
    let clone = clone_of(&project, &emulator);
    let done = clone.run(["render"]).expect(0);
    done.tells(&[
        "absent   scenes 1, 2, 3",
        "neither here nor at the provider",
        "storyreel render --rerender-absent 1,2,3",
    ]);
    assert_eq!(charged(&emulator), 180.0);
    assert!(!clone.has("public/assets/clips/scene-01.mp4"));
    assert_eq!(clone.read(MANIFEST), project.read(MANIFEST));

    // With dates of last year in the manifest nobody needs to be asked.
    let clone = clone_of(&project, &emulator);
    let manifest = clone.read(MANIFEST);
    let year = current(&project, &json!(1))["created_at"].as_str().expect("a time")[..4].to_owned();
    let earlier = year.parse::<u32>().expect("a year") - 1;
    clone.write(MANIFEST, manifest.replace(&format!("\"{year}-"), &format!("\"{earlier}-")));
    let asked = requests(&emulator);
    assert!(actions(&clone).values().all(|action| action == "absent"));
    clone.run(["render"]).expect(0);
    assert_eq!(requests(&emulator), asked);
    clone.run(["plan", "--detailed-exitcode"]).expect(0);
    clone
        .run(["render", "--rerender-absent", "2"])
        .expect(0)
        .tells(&["1 rendered; 60 credits spent"]);
    assert_eq!(charged(&emulator), 240.0);
}

#[test]
fn entries_of_other_tools_stay_as_they_are() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(THREE).using(&emulator);
    let image = "    {\"id\": \"img-001\", \"type\": \"image\", \"filename\": \"assets/images/a.png\", \"zoom\": [1,  2]}";
    let clip = "    {\"id\":\"vid-007\",\"type\":\"video\",\"filename\":\"assets/clips/old.mp4\",\"scene_id\":\"title\",\"x-made-by\":{\"hand\":true}}";
    project.write(MANIFEST, format!("{{\n  \"assets\": [\n{image},\n{clip}\n  ],\n  \"note\": \"kept\",\n  \"version\": \"1.0\"\n}}\n"));
    project.run(["render"]).expect(0);
    let text = project.read(MANIFEST);
    assert!(text.contains(image) && text.contains(clip), "{text}");
    let manifest = project.manifest();
    assert_eq!(manifest["note"], "kept");
    let ids: BTreeSet<String> = assets(&project)
        .iter()
        .filter_map(|entry| Some(entry["id"].as_str()?.to_owned()))
        .collect();
    let expected = ["img-001", "vid-007", "vid-008", "vid-009", "vid-010"].map(str::to_owned);
    assert_eq!(ids, BTreeSet::from(expected), "the highest number and one");
    project.write("SCENES.md", THREE.replace("dawn", "dusk"));
    project.run(["render"]).expect(0);
    let text = project.read(MANIFEST);
    assert!(text.contains(image) && text.contains(clip), "{text}");
}

// ---- runs that end early ----

#[test]
fn a_cap_stops_and_the_next_run_goes_on() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(THREE).using(&emulator);
    project
        .run(["render", "--max-credits", "130"])
        .expect(6)
        .tells(&["2 rendered", "storyreel render"]);
    assert_eq!(charged(&emulator), 120.0);
    assert!(project.has("public/assets/clips/scene-01.mp4"), "the first scenes go first");
    assert!(project.has("public/assets/clips/scene-02.mp4"));
    project.run(["render", "--max-credits", "10"]).expect(6);
    assert_eq!(charged(&emulator), 120.0);
    project.run(["render", "--max-credits", "130"]).expect(0).tells(&["1 rendered"]);
    assert_eq!(charged(&emulator), 180.0);
    assert_whole(&project);
    assert_careful(&emulator);
}

#[test]
fn tasks_outlive_the_run_that_submitted_them() {
    let emulator = Emulator::with(&["--task-time", "3600s"]);
    let project = Project::with_storyboard(THREE).using(&emulator);
    project.run(["render", "--submit-only"]).expect(8).tells(&["3 tasks still running"]);
    assert!(!project.has(MANIFEST), "work in flight is in the ledger only");
    assert!(actions(&project).values().all(|action| action == "resume"));
    project.run(["render", "--for", "1s"]).expect(8).tells(&["3 tasks still running"]);
    // An edit while the task runs: what was paid is collected, the edited scene is asked for anew.
    project.write("SCENES.md", THREE.replace("at dawn", "at dusk"));
    emulator.control("POST", "/emulator/clock", "{\"advance_ms\": 3600000}");
    project.run(["render", "--submit-only"]).expect(8);
    emulator.control("POST", "/emulator/clock", "{\"advance_ms\": 3600000}");
    project.run(["render"]).expect(0);
    assert_eq!(charged(&emulator), 240.0);
    assert!(accepted(&emulator).iter().any(|prompt| prompt.contains("dusk")));
    assert_careful(&emulator);
    project.run(["render"]).expect(0).tells(&["nothing to do: 3 scenes up to date"]);
    // The overtaken take was kept: going back to it is free.
    project.write("SCENES.md", THREE);
    project.run(["render"]).expect(0);
    assert_eq!(charged(&emulator), 240.0);
    assert_whole(&project);
}

#[test]
fn a_chain_is_gone_on_with_wherever_it_was_left() {
    let emulator = Emulator::with(&["--task-time", "0", "--task-time", "veo-4k=3600s"]);
    let chain = "### Upscale\n1080p\n\n### Upscale\n4k\n\n## Scene 2";
    let project = Project::with_storyboard(&THREE.replace("## Scene 2", chain)).using(&emulator);
    // What earlier steps left in the cache is not needed by a step that is made at the provider.
    let waits_for_4k = || {
        let status = project.run(["status", "--json"]).expect(0).json();
        let running = status["running"].as_array().cloned().unwrap_or_default();
        running.len() == 1 && running[0]["step_index"] == 2
    };
    for _ in 0..8 {
        project.run(["render", "--submit-only"]).expect(8);
        let _ = std::fs::remove_dir_all(project.path(".storyreel/cache"));
    }
    assert!(waits_for_4k());
    emulator.control("POST", "/emulator/clock", "{\"advance_ms\": 3600000}");
    project.run(["render"]).expect(0).tells(&["1 rendered"]);
    assert_eq!(charged(&emulator), 180.0 + 5.0 + 120.0);
    assert_careful(&emulator);
    assert_whole(&project);
    project.run(["render"]).expect(0).tells(&["nothing to do"]);
}

#[test]
fn a_chain_that_loses_its_last_step_costs_nothing() {
    let emulator = Emulator::start();
    let chain = "### Extend\nA gull lands on the rail.\n\n### Upscale\n4k\n\n## Scene 2";
    let project = Project::with_storyboard(&THREE.replace("## Scene 2", chain)).using(&emulator);
    project.run(["render"]).expect(0);
    let (paid, asked, old) = (charged(&emulator), requests(&emulator), clip(&project, "01"));
    project
        .write("SCENES.md", THREE.replace("## Scene 2", &chain.replace("### Upscale\n4k\n\n", "")));
    assert_eq!(actions(&project)["1"], "restore");
    project.run(["render", "--locked"]).expect(0);
    assert_ne!(clip(&project, "01"), old);
    assert_eq!(current(&project, &json!(1))["steps"].as_array().map(Vec::len), Some(2));
    assert_eq!(current(&project, &json!(1))["credits"], 0);
    assert_whole(&project);
    project.run(["render"]).expect(0).tells(&["nothing to do"]);
    project.write("SCENES.md", THREE.replace("## Scene 2", chain));
    project.run(["render", "--locked"]).expect(0);
    assert_eq!(clip(&project, "01"), old);
    assert_eq!((charged(&emulator), requests(&emulator)), (paid, asked));
    assert_whole(&project);
}

#[test]
fn a_retake_in_flight_is_not_doubled() {
    let emulator = Emulator::with(&["--task-time", "3600s"]);
    let project = Project::with_storyboard(THREE).using(&emulator);
    project.run(["render", "--only", "1", "--submit-only"]).expect(8);
    emulator.control("POST", "/emulator/clock", "{\"advance_ms\": 3600000}");
    project.run(["render", "--only", "1"]).expect(0);
    project.run(["render", "--retake", "1", "--only", "1", "--submit-only"]).expect(8);
    project.run(["render", "--retake", "1", "--only", "1", "--submit-only"]).expect(8);
    assert_eq!(charged(&emulator), 120.0, "the first take and one retake");
    emulator.control("POST", "/emulator/clock", "{\"advance_ms\": 3600000}");
    project.run(["render", "--only", "1"]).expect(0).tells(&["1 rendered"]);
    assert_eq!(current(&project, &json!(1))["take"], 2);
    assert_eq!(charged(&emulator), 120.0);
    assert_whole(&project);
}

// ---- things that go wrong at the provider ----

#[test]
fn a_refused_scene_is_not_sent_again_without_an_edit() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(THREE).using(&emulator);
    faults(
        &emulator,
        json!([{"match": {"prompt": "staircase"}, "do": {"fault": "fail", "code": 400,
        "message": "Your prompt was flagged by Website as violating content policies."}}]),
    );
    project.run(["render"]).expect(4).tells(&["2 rendered", "1 failed", "flagged"]);
    assert_eq!(accepted(&emulator).len(), 3, "no second try for a refusal");
    assert_whole(&project);
    let plan = project.run(["plan", "--json"]).expect(0).json();
    assert_eq!(plan["scenes"][1]["action"], "blocked");
    assert_eq!(plan["scenes"][1]["reasons"][0]["code"], "failed-before");
    let asked = requests(&emulator);
    project.run(["render"]).expect(4);
    assert_eq!(requests(&emulator), asked);

    project.run(["render", "--retake", "2"]).expect(4);
    assert_eq!(accepted(&emulator).len(), 4, "once more, for it was asked for");
    project.write("SCENES.md", THREE.replace("staircase", "stair"));
    project.run(["render"]).expect(0).tells(&["1 rendered"]);
    assert_eq!(charged(&emulator), 180.0, "refusals are not charged");
    assert_whole(&project);
}

#[test]
fn a_passing_failure_is_tried_once_more() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(THREE).using(&emulator);
    let fault = |prompt: &str, times: u64| {
        json!({"match": {"prompt": prompt, "times": times}, "do": {"fault": "fail",
        "code": 500, "message": "internal error, please try again later."}})
    };
    faults(&emulator, json!([fault("staircase", 1), fault("lens", 2)]));
    project.run(["render"]).expect(4).tells(&["2 rendered", "1 failed"]);
    let tries =
        |part: &str| accepted(&emulator).iter().filter(|prompt| prompt.contains(part)).count();
    assert_eq!((tries("lighthouse"), tries("staircase"), tries("lens")), (1, 2, 2));
    // A later run tries again.
    project.run(["render"]).expect(0).tells(&["1 rendered"]);
    assert_eq!(tries("lens"), 3);
    assert_eq!(charged(&emulator), 180.0);
    assert_whole(&project);
    assert_careful(&emulator);
}

#[test]
fn storms_of_refusals_are_waited_out() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(THREE).using(&emulator);
    faults(
        &emulator,
        json!([
            {"match": {"operation": "create", "times": 4}, "do": {"fault": "code", "code": 429, "msg": "call frequency is too high"}},
            {"match": {"operation": "create", "times": 2}, "do": {"fault": "http_status", "status": 429}},
            {"match": {"operation": "create", "times": 3}, "do": {"fault": "code", "code": 455, "msg": "maintenance"}},
            {"match": {"operation": "read", "times": 4}, "do": {"fault": "http_status", "status": 502}},
            {"match": {"operation": "read", "times": 2}, "do": {"fault": "drop_before"}},
            {"match": {"operation": "read", "times": 2}, "do": {"fault": "broken_json"}},
        ]),
    );
    project.run(["render"]).expect(0).tells(&["3 rendered", "180 credits spent"]);
    assert_eq!(accepted(&emulator).len(), 3);
    assert_whole(&project);
    assert_careful(&emulator);
}

#[test]
fn a_lost_answer_is_never_repeated_by_itself() {
    for fault in [
        json!({"fault": "drop_after"}),
        json!({"fault": "http_status", "status": 502, "accepted": true}),
        json!({"fault": "html_200"}),
        json!({"fault": "cut_json"}),
    ] {
        let emulator = Emulator::start();
        let project = Project::with_storyboard(THREE).using(&emulator);
        faults(
            &emulator,
            json!([{"match": {"operation": "create", "prompt": "staircase", "times": 1}, "do": fault}]),
        );
        project.run(["render"]).expect(5).tells(&["2 rendered", "storyreel forget 2"]);
        let sent = || {
            let bill = emulator.bill();
            bill["creates"].as_array().map_or(0, Vec::len)
        };
        assert_eq!(sent(), 3, "{fault}");
        project.run(["render"]).expect(5);
        project.run(["render", "--retake", "2"]).expect(5);
        assert_eq!(sent(), 3, "{fault}");
        project.run(["forget", "2"]).expect(0);
        project.run(["render"]).expect(0).tells(&["1 rendered"]);
        assert_eq!(sent(), 4, "{fault}");
        assert_whole(&project);
        project.run(["render"]).expect(0).tells(&["nothing to do"]);
    }
}

#[test]
fn spoiled_downloads_are_repeated() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(THREE).using(&emulator);
    faults(
        &emulator,
        json!([
            {"match": {"operation": "file", "prompt": "lighthouse", "times": 1}, "do": {"fault": "cut_body", "bytes": 1000}},
            {"match": {"operation": "file", "prompt": "lighthouse", "times": 1}, "do": {"fault": "wrong_content", "content": "html"}},
            {"match": {"operation": "file", "prompt": "staircase", "times": 1}, "do": {"fault": "gone", "status": 403}},
            {"match": {"operation": "file", "prompt": "lens", "times": 1}, "do": {"fault": "wrong_length"}},
            {"match": {"operation": "file", "prompt": "lens", "times": 1}, "do": {"fault": "wrong_content", "content": "empty"}},
        ]),
    );
    project.run(["render"]).expect(0).tells(&["3 rendered"]);
    assert_eq!(charged(&emulator), 180.0);
    let asked = emulator.bill();
    assert_eq!(
        asked["requests"]["POST /api/v1/common/download-url"], 1,
        "a fresh link after a refusal"
    );
    assert_whole(&project);
    assert_careful(&emulator);
}

#[test]
fn success_without_an_address_is_read_again() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(THREE).using(&emulator);
    faults(
        &emulator,
        json!([
            {"match": {"operation": "create", "prompt": "staircase"}, "do": {"fault": "success_without_url", "reads": 2}},
            {"match": {"operation": "create", "prompt": "lens"}, "do": {"fault": "backwards", "reads": 2}},
            {"match": {"operation": "create", "prompt": "lighthouse"}, "do": {"fault": "invisible", "ms": 100}},
        ]),
    );
    project.run(["render"]).expect(0).tells(&["3 rendered"]);
    assert_eq!(charged(&emulator), 180.0);
    assert_whole(&project);
    assert_careful(&emulator);
}

#[test]
fn success_that_never_has_an_address_is_said_and_costs_the_others_nothing() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(THREE).using(&emulator);
    faults(
        &emulator,
        json!([
            {"match": {"operation": "create", "prompt": "staircase"}, "do": {"fault": "success_without_url"}},
        ]),
    );
    let done = project.run(["render"]);
    assert!(matches!(done.code, 4 | 8), "{done:?}");
    assert!(
        project.has("public/assets/clips/scene-01.mp4")
            && project.has("public/assets/clips/scene-03.mp4")
    );
    assert_eq!(
        accepted(&emulator).len(),
        3,
        "a paid clip without an address is not paid for again"
    );
}

// ---- what scripts read ----

#[test]
fn events_tell_the_whole_run() {
    let emulator = Emulator::with(&["--task-time", "60ms"]);
    let project = Project::with_storyboard(THREE).using(&emulator);
    faults(
        &emulator,
        json!([
            {"match": {"operation": "create", "prompt": "staircase"}, "do": {"fault": "fail", "code": 400,
                "message": "flagged \u{1b}[31m by \u{202e}Website as violating content policies"}},
            {"match": {"operation": "create", "prompt": "lens", "times": 1}, "do": {"fault": "code", "code": 429, "msg": "slow down"}},
        ]),
    );
    let done: Done = project.run(["render", "--json"]).expect(4);
    let lines = done.json_lines();
    let mut seen: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in &lines {
        assert_eq!(&keys(line)[..2], ["event", "time"], "{line}");
        seen.entry(line["event"].as_str().expect("a kind").to_owned())
            .or_default()
            .push(line.clone());
    }
    for (kind, needed) in [
        ("submitted", vec!["scene_id", "step", "take", "task_id", "credits"]),
        ("retrying", vec!["scene_id", "step", "take", "reason", "delay_s"]),
        ("downloaded", vec!["scene_id", "step", "take"]),
        ("published", vec!["scene_id", "take", "filename", "sha256"]),
        ("failed", vec!["scene_id", "step", "take", "class", "message", "charged"]),
    ] {
        for line in seen.get(kind).unwrap_or_else(|| panic!("no {kind} in {lines:#?}")) {
            for key in &needed {
                assert!(line.get(*key).is_some(), "{key} in {line}");
            }
        }
    }
    assert_eq!(seen["submitted"].len(), 3);
    assert_eq!(seen["failed"][0]["scene_id"], 2);
    let last = lines.last().expect("events");
    assert_eq!(last["event"], "run-finished");
    for key in [
        "create",
        "update",
        "unchanged",
        "restore",
        "move",
        "resume",
        "absent",
        "blocked",
        "skip",
        "rendered",
        "failed",
        "unknown",
        "still_running",
        "credits",
        "estimate",
    ] {
        assert!(last[key].is_number(), "{key} in {last}");
    }
    assert_eq!(
        (&last["rendered"], &last["failed"], &last["credits"]),
        (&json!(2), &json!(1), &json!(120.0))
    );

    // The same words for people: no control characters of the provider's reach a terminal.
    let done = project.run(["render", "--retake", "2"]).expect(4);
    assert!(
        !done.stderr.contains('\u{1b}') && !done.stderr.contains('\u{202e}'),
        "{}",
        done.stderr
    );
}

#[test]
fn the_plan_as_json_has_the_documented_shape() {
    let project = Project::with_storyboard(&example("skerry-light/SCENES.md"));
    let plan = project.run(["plan", "--json"]).expect(0).json();
    assert_eq!(keys(&plan), ["format_version", "storyboard", "summary", "scenes", "orphans"]);
    assert_eq!(plan["format_version"], "1.0");
    assert_eq!(
        plan["summary"],
        json!({"create": 8, "update": 0, "unchanged": 0, "restore": 0, "move": 0, "resume": 0, "absent": 0, "blocked": 0,
               "skip": 0, "credits": 660, "usd": 3.3, "exact": {"credits": 0, "usd": 0},
               "dated": {"credits": 660, "usd": 3.3}, "unpriced_steps": 0})
    );
    let scene = &plan["scenes"][7];
    assert_eq!(
        keys(scene),
        [
            "scene_id",
            "title",
            "action",
            "filename",
            "duration",
            "clip_length",
            "reasons",
            "notes",
            "steps"
        ]
    );
    assert_eq!((&scene["scene_id"], &scene["duration"]), (&json!(8), &json!(14)));
    for step in scene["steps"].as_array().expect("steps") {
        assert_eq!(
            keys(step),
            [
                "step",
                "action",
                "model",
                "family",
                "endpoint",
                "request",
                "fingerprint",
                "credits",
                "price"
            ]
        );
    }
    assert_eq!(scene["steps"][0]["step"], "generate");
    assert_eq!(scene["steps"][1]["step"], "extend");
}

#[test]
fn the_bill_is_what_the_plan_and_the_status_say() {
    let (emulator, project) = rendered();
    project.write("SCENES.md", THREE.replace("dawn", "dusk"));
    project.run(["render"]).expect(0);
    let status = project.run(["status", "--json"]).expect(0).json();
    assert_eq!(charged(&emulator), 240.0);
    let text = status.to_string();
    assert!(text.contains("240"), "{status:#}");
    project.run(["status"]).expect(0).prints(&["3 of 3 scenes rendered", "240 credits"]);
}

// ---- two runs at once ----

/// A run that has submitted its scenes and waits for them.
struct Waiting(Child);

impl Waiting {
    fn start(project: &Project) -> Self {
        let mut run = project
            .command(["render", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut out = BufReader::new(run.stdout.take().expect("a pipe"));
        let mut submitted = 0;
        let mut line = String::new();
        while submitted < 3 {
            line.clear();
            assert!(out.read_line(&mut line).expect("a pipe") > 0, "the run ended early");
            submitted += usize::from(line.contains("\"submitted\""));
        }
        // The rest of the events goes nowhere, which ends no run.
        Self(run)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn of_two_runs_at_once_the_second_is_refused_or_waits() {
    let emulator = Emulator::with(&["--task-time", "3600s"]);
    let project = Project::with_storyboard(THREE).using(&emulator);
    let mut first = Waiting::start(&project);
    project.run(["render"]).expect(3).tells(&[
        "another run holds the lock",
        &format!("process {}", first.0.id()),
        "--wait",
    ]);
    project.run(["render", "--wait=0.1"]).expect(3).tells(&["another run holds the lock"]);
    let error = project.run(["render", "--json"]).expect(3).json();
    assert_eq!(error["code"], "locked");
    for free in ["plan", "status", "check"] {
        project.run([free]).expect(0);
    }
    project.run(["explain", "1"]).expect(0);

    let second = project
        .command(["render", "--wait"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    emulator.control("POST", "/emulator/clock", "{\"advance_ms\": 3600000}");
    assert_eq!(first.0.wait().expect("the program ends").code(), Some(0));
    let second = second.wait_with_output().expect("the program ends");
    assert_eq!(second.status.code(), Some(0), "{}", String::from_utf8_lossy(&second.stderr));
    assert_eq!(charged(&emulator), 180.0);
    assert_whole(&project);
    assert_careful(&emulator);
}
