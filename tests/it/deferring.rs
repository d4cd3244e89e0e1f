//! `--defer-to`: a branch takes what another branch has rendered, and pays for the rest.

use crate::support::{Done, Emulator, Project};
use serde_json::Value;
use std::path::PathBuf;

/// Scene 2 has takes to choose from, scene 3 starts from scene 1, and scene 4 stands alone.
const FILM: &str = "\
---
model: veo-3.1-fast
duration: 4s
---

## Scene 1
- **Prompt**: A lone lighthouse on a basalt skerry

## Scene 2
- **Prompt**: A keeper climbs the stairs
- **Takes**: 3

## Scene 3
- **Prompt**: A great lens begins to turn
- **Reference**: scene:1/last

## Scene 4
- **Prompt**: Gulls over an empty harbour
";

/// The film as the other branch has rendered it.
fn rendered(emulator: &Emulator) -> Project {
    let main = Project::with_storyboard(FILM).using(emulator);
    main.run(["render", "--yes", "--max-credits", "1000"]).expect(0);
    main
}

fn manifest_of(project: &Project) -> PathBuf {
    project.path("public/assets/manifest.json")
}

/// A copy of its manifest alone, as version control gives it.
fn manifest_alone(main: &Project, branch: &Project) -> PathBuf {
    branch.write("main.json", main.read("public/assets/manifest.json"));
    branch.path("main.json")
}

/// Another branch with this text, and the manifest of the first beside it.
fn branch_of(main: &Project, emulator: &Emulator, text: &str) -> (Project, PathBuf) {
    let branch = Project::with_storyboard(text).using(emulator);
    let manifest = manifest_alone(main, &branch);
    (branch, manifest)
}

fn deferring(branch: &Project, manifest: &std::path::Path, arguments: &[&str]) -> Done {
    let manifest = manifest.to_str().expect("a name");
    branch.run([arguments, &["--defer-to", manifest]].concat())
}

/// `4 create deferred`: what a plan does with each scene, why, and its cost.
fn actions(done: Done) -> Vec<String> {
    let plan = done.expect(0).json();
    let scenes = plan["scenes"].as_array().expect("a list");
    let line = |scene: &Value| {
        let codes = scene["reasons"].as_array().expect("a list").iter();
        let codes: Vec<&str> = codes.filter_map(|reason| reason["code"].as_str()).collect();
        let (id, action) = (&scene["scene_id"], scene["action"].as_str().expect("a word"));
        format!("{id} {action} {}", codes.join(" ")).trim_end().to_owned()
    };
    scenes.iter().map(line).collect()
}

fn creates(emulator: &Emulator) -> usize {
    emulator.bill()["creates"].as_array().map_or(0, Vec::len)
}

/// Name, take, digest and standing of every entry.
fn standing(project: &Project) -> Vec<[Value; 5]> {
    let manifest = project.manifest();
    let entries = manifest["assets"].as_array().expect("a list").iter();
    let keys = ["scene_id", "filename", "take", "sha256"];
    let values = |entry: &Value| {
        let [id, name, take, sha256] = keys.map(|key| entry[key].clone());
        [id, name, take, sha256, entry["superseded_by"].is_null().into()]
    };
    let mut all: Vec<[Value; 5]> = entries.map(values).collect();
    all.sort_by_key(|entry| entry[1].to_string());
    all
}

#[test]
fn a_checkout_of_another_branch_gives_its_clips_without_a_key() {
    let emulator = Emulator::start();
    let main = rendered(&emulator);
    let paid = creates(&emulator);
    let branch = Project::with_storyboard(FILM);

    let done = deferring(&branch, &manifest_of(&main), &["render", "--locked"]).expect(0);
    done.tells(&["6 restored"]);
    assert_eq!(standing(&branch), standing(&main));
    for entry in standing(&branch) {
        let name = format!("public/{}", entry[1].as_str().expect("a name"));
        assert_eq!(
            std::fs::read(branch.path(&name)).expect("a clip"),
            std::fs::read(main.path(&name)).expect("a clip"),
            "{name}"
        );
    }
    let (entries, nothing) = (branch.manifest(), serde_json::json!(0));
    let entries = entries["assets"].as_array().expect("a list");
    assert!(entries.iter().all(|entry| entry["credits"] == nothing), "{entries:#?}");
    // The branch has them now, whether it defers or not.
    let unchanged = ["1 unchanged", "2 unchanged", "3 unchanged", "4 unchanged"];
    assert_eq!(actions(branch.run(["plan", "--json"])), unchanged);
    assert_eq!(actions(deferring(&branch, &manifest_of(&main), &["plan", "--json"])), unchanged);
    assert_eq!(creates(&emulator), paid);
}

#[test]
fn a_branch_pays_for_its_own_changes_only() {
    let emulator = Emulator::start();
    let main = rendered(&emulator);
    let paid = creates(&emulator);
    // One more scene, other words in one, and a step more in another.
    let text = FILM
        .replace("## Scene 2", "## Scene 9\n- **Prompt**: A map on a table\n\n## Scene 2")
        .replace("an empty harbour", "an empty harbour\n\n### Upscale\n4k")
        .replace("A great lens begins", "The great lens begins");
    let (branch, manifest) = branch_of(&main, &emulator, &text);

    let plan = deferring(&branch, &manifest, &["plan", "--json"]);
    let expected = [
        "1 restore deferred",
        "9 create never-rendered",
        "2 restore deferred",
        "3 create never-rendered prompt-changed",
        "4 create never-rendered steps-changed",
    ];
    assert_eq!(actions(plan), expected);
    deferring(&branch, &manifest, &["render", "--yes", "--max-credits", "1000"]).expect(0);
    // The map and the lens; the gulls are upscaled, which is no new take.
    assert_eq!(creates(&emulator), paid + 2);
    assert_eq!(emulator.bill()["upgrades"].as_array().map(Vec::len), Some(1));
    branch.run(["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn scenes_with_other_numbers_are_found_on_the_other_branch() {
    let emulator = Emulator::start();
    let main = rendered(&emulator);
    let paid = creates(&emulator);
    let text = FILM
        .replace("## Scene 4", "## Scene 5")
        .replace("## Scene 3", "## Scene 4")
        .replace("## Scene 2", "## Scene 3")
        .replace("## Scene 1", "## Scene 1\n- **Prompt**: A map on a table\n\n## Scene 2")
        .replace("scene:1/last", "scene:2/last");
    let (branch, manifest) = branch_of(&main, &emulator, &text);
    let expected = [
        "1 create never-rendered",
        "2 restore deferred",
        "3 restore deferred",
        "4 restore deferred",
        "5 restore deferred",
    ];
    assert_eq!(actions(deferring(&branch, &manifest, &["plan", "--json"])), expected);
    let told = deferring(&branch, &manifest, &["plan"]).expect(0);
    told.prints(&["records it as scene 4"]);
    deferring(&branch, &manifest, &["render", "--yes", "--max-credits", "1000"]).expect(0);
    assert_eq!(creates(&emulator), paid + 1);
    branch.run(["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn what_another_branch_has_and_nobody_can_give_is_absent_and_not_paid() {
    let emulator = Emulator::start();
    let main = rendered(&emulator);
    let paid = creates(&emulator);
    let mut branch = Project::with_storyboard(FILM);
    let manifest = manifest_alone(&main, &branch);
    let absent =
        ["1 absent deferred", "2 absent deferred", "3 absent deferred", "4 absent deferred"];
    assert_eq!(actions(deferring(&branch, &manifest, &["plan", "--json"])), absent);
    let told = deferring(&branch, &manifest, &["plan"]).expect(0);
    told.prints(&["with a key it is fetched, free", "`--rerender-absent"]);
    deferring(&branch, &manifest, &["render", "--locked"]).expect(0);
    assert!(!branch.has("public/assets/manifest.json"));
    // Whoever asks for it pays.
    let asked = ["plan", "--json", "--rerender-absent", "4"];
    assert_eq!(
        actions(deferring(&branch, &manifest, &asked))[3],
        "4 create output-missing",
        "it is paid for when that is asked for"
    );
    // With a key the provider gives them.
    branch = branch.using(&emulator);
    deferring(&branch, &manifest, &["render", "--locked"]).expect(0).tells(&["6 restored"]);
    assert_eq!(standing(&branch), standing(&main));
    assert_eq!(creates(&emulator), paid);
}

#[test]
fn what_this_branch_has_comes_first() {
    let emulator = Emulator::start();
    let main = rendered(&emulator);
    // A branch with a take of its own keeps it, and what it changes gets a number of its own.
    let branch = Project::with_storyboard(FILM).using(&emulator);
    branch.run(["render", "--yes", "--max-credits", "1000", "--only", "4"]).expect(0);
    let own = standing(&branch);
    let manifest = manifest_alone(&main, &branch);
    deferring(&branch, &manifest, &["render", "--locked", "--only", "4"]).expect(0);
    assert_eq!(standing(&branch), own);

    branch.write("SCENES.md", FILM.replace("empty harbour", "icy harbour"));
    branch.run(["render", "--yes", "--max-credits", "1000", "--only", "4"]).expect(0);
    branch.write("SCENES.md", FILM);
    // Its own first take, not the other branch's.
    let back = actions(deferring(&branch, &manifest, &["plan", "--json", "--only", "4"]));
    assert_eq!(back[3], "4 restore prompt-changed");

    main.write("SCENES.md", FILM.replace("empty harbour", "sunny harbour"));
    main.run(["render", "--yes", "--max-credits", "1000", "--only", "4"]).expect(0);
    branch.write("SCENES.md", FILM.replace("empty harbour", "sunny harbour"));
    let manifest = manifest_alone(&main, &branch);
    let only = ["--locked", "--only", "4"];
    deferring(&branch, &manifest, &[&["render"][..], &only].concat()).expect(0);
    let takes: Vec<Value> = standing(&branch).iter().map(|entry| entry[2].clone()).collect();
    // Take 2 of the other branch is take 3 here: this one has a second take itself.
    assert_eq!(takes, [3, 1, 2].map(Value::from), "{:#?}", standing(&branch));
}

#[test]
fn a_scene_that_is_not_selected_gives_what_another_branch_has_of_it() {
    let emulator = Emulator::start();
    let main = rendered(&emulator);
    let paid = creates(&emulator);
    let branch =
        Project::with_storyboard(&FILM.replace("A great lens", "The great lens")).using(&emulator);
    let options = ["render", "--yes", "--max-credits", "1000", "--only", "3"];
    branch.run(options).expect(4);
    deferring(&branch, &manifest_of(&main), &options).expect(0).tells(&["1 rendered"]);
    assert_eq!(creates(&emulator), paid + 1);
    // Its request names the last frame of the very clip that the other branch has.
    let entry = &branch.manifest()["assets"][0];
    let first = &standing(&main)[0];
    assert!(entry["ask"].to_string().contains(first[3].as_str().expect("a digest")), "{entry:#}");
}

#[test]
fn a_saved_plan_defers_to_what_it_was_made_with() {
    let emulator = Emulator::start();
    let main = rendered(&emulator);
    let paid = creates(&emulator);
    let (branch, manifest) = branch_of(&main, &emulator, FILM);
    deferring(&branch, &manifest, &["plan", "-o", "film.plan"]).expect(0);
    branch.write("main.json", r#"{"assets": []}"#);
    branch.run(["render", "--plan", "film.plan"]).expect(1).tells(&["no longer holds"]);
    assert_eq!(creates(&emulator), paid);
    branch.write("main.json", main.read("public/assets/manifest.json"));
    branch.run(["render", "--plan", "film.plan"]).expect(0).tells(&["6 restored"]);
    branch.run(["render", "--plan", "film.plan", "--defer-to", "main.json"]).expect(2);
    assert_eq!(creates(&emulator), paid);
}

#[test]
fn a_manifest_that_is_none_is_refused_before_anything_is_done() {
    let branch = Project::with_storyboard(FILM);
    branch.run(["plan", "--defer-to", "main.json"]).expect(3).tells(&["there is no manifest"]);
    branch.write("main.json", "{");
    branch.run(["plan", "--defer-to", "main.json"]).expect(1).tells(&["in `main.json`"]);
    branch.run(["render", "--defer-to", "."]).expect(3);
    assert!(!branch.has(".storyreel") && !branch.has("public"));
}

#[test]
fn a_clip_that_is_not_what_the_manifest_says_is_not_taken() {
    let emulator = Emulator::start();
    let main = rendered(&emulator);
    let clip = main.path("public/assets/clips/scene-04.mp4");
    let bytes = std::fs::read(main.path("public/assets/clips/scene-01.mp4")).expect("a clip");
    std::fs::write(&clip, bytes).expect("a file");
    // A name that leads out of the other project is not followed.
    let text = main.read("public/assets/manifest.json");
    let text = text.replace("assets/clips/scene-01.mp4", "assets/../../secret.mp4");
    main.write("public/assets/manifest.json", text);
    std::fs::copy(main.path("public/assets/clips/scene-01.mp4"), main.path("secret.mp4"))
        .expect("a copy");
    let branch = Project::with_storyboard(FILM);
    let plan = actions(deferring(&branch, &manifest_of(&main), &["plan", "--json"]));
    assert_eq!([&plan[0], &plan[3]], ["1 absent deferred", "4 absent deferred"]);
}

/// A film of one scene with these lines.
fn one(prompt: &str, more: &str) -> String {
    format!(
        "---\nmodel: veo-3.1-fast\nduration: 8s\n---\n\n## Scene 1\n- **Prompt**: {prompt}\n{more}"
    )
}

fn digests(project: &Project) -> Vec<String> {
    standing(project).iter().map(|entry| entry[3].to_string()).collect()
}

#[test]
fn two_scenes_that_ask_for_the_same_are_two_clips_whoever_has_one_of_them() {
    let emulator = Emulator::start();
    let lone = one("A lone lighthouse", "");
    let both =
        |first: &str| format!("{}\n## Scene 2\n- **Prompt**: A lone lighthouse\n", one(first, ""));
    let main = Project::with_storyboard(&lone).using(&emulator);
    main.run(["render", "--yes"]).expect(0);
    let (branch, manifest) = branch_of(&main, &emulator, &lone);
    deferring(&branch, &manifest, &["render", "--locked"]).expect(0);
    // The clip moves with its scene, and then another one asks for the same.
    branch.write("SCENES.md", both("A harbour"));
    branch.run(["render", "--yes"]).expect(0);
    branch.write("SCENES.md", both("A lone lighthouse"));
    let plan = actions(deferring(&branch, &manifest, &["plan", "--json"]));
    assert_eq!(plan, ["1 update prompt-changed", "2 unchanged"]);
}

#[test]
fn an_open_take_that_is_given_up_does_not_keep_another_branchs_clip_away() {
    let emulator = Emulator::start();
    let text = |words: &str| one("A lone lighthouse", &format!("\n### Extend\n{words}\n"));
    let main = Project::with_storyboard(&text("The light goes on")).using(&emulator);
    main.run(["render", "--yes"]).expect(0);
    let paid = creates(&emulator);
    let branch = Project::with_storyboard(&text("A storm comes")).using(&emulator);
    branch.run(["render", "--yes", "--submit-only"]).expect(8);
    assert_eq!(creates(&emulator), paid + 1);
    branch.write("SCENES.md", text("The light goes on"));
    let manifest = manifest_alone(&main, &branch);
    deferring(&branch, &manifest, &["render", "--yes"]).expect(0);
    assert_eq!(creates(&emulator), paid + 1, "nothing more is paid for");
    assert_eq!(digests(&branch), digests(&main));
}

#[test]
fn a_clip_that_was_accepted_there_is_still_what_it_was_made_from_here() {
    let emulator = Emulator::start();
    let main = Project::with_storyboard(&one("A lone lighthouse", "")).using(&emulator);
    main.run(["render", "--yes"]).expect(0);
    let paid = creates(&emulator);
    main.write("SCENES.md", one("A tall lighthouse", ""));
    main.run(["accept", "1"]).expect(0);
    let (branch, manifest) = branch_of(&main, &emulator, &one("A tall lighthouse", ""));
    deferring(&branch, &manifest, &["render", "--locked"]).expect(0);
    branch.run(["plan", "--detailed-exitcode"]).expect(0);
    branch.write("SCENES.md", one("A lone lighthouse", ""));
    branch.run(["plan", "--detailed-exitcode"]).expect(0).prints(&["nothing to do"]);
    assert_eq!(creates(&emulator), paid);
}
