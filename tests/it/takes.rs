//! Takes to choose from, stills that are chosen before their clips are paid for, and profiles.

use crate::support::{Emulator, Project};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn emulator() -> Emulator {
    Emulator::with(&["--task-time", "0", "--submissions", "10000/1s", "--credits", "100000"])
}

fn project(emulator: &Emulator, film: &str) -> Project {
    let project = Project::new().using(emulator);
    project.configure("[limits]\nsubmissions = \"10000/1s\"\n");
    project.write("storyboard.yaml", film);
    project
}

fn orders(emulator: &Emulator) -> Vec<Value> {
    emulator.bill()["creates"].as_array().expect("a list").clone()
}

/// How many orders there were. Nothing was done that a careful client would not have done, but for several takes of one
/// request, which are wanted here.
#[track_caller]
fn count(emulator: &Emulator) -> usize {
    let mut found = emulator.judge().as_array().expect("a list").clone();
    found.retain(|one| one["code"] != "paid-twice");
    assert_eq!(found, Vec::<Value>::new());
    orders(emulator).len()
}

fn entries(project: &Project, scene: u64, kind: &str) -> Vec<Value> {
    let mut all = project.manifest()["assets"].as_array().expect("a list").clone();
    all.retain(|entry| entry["scene_id"] == scene && entry["type"] == kind);
    all
}

/// The entry that is in its place.
fn current(project: &Project, scene: u64, kind: &str) -> Value {
    let mut all = entries(project, scene, kind);
    all.retain(|entry| entry["superseded_by"].is_null());
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

/// Action, credits and reason codes of each scene.
fn plan(project: &Project, flags: &[&str]) -> Vec<(String, f64, String)> {
    let plan = project.run([["plan", "--json"].as_slice(), flags].concat()).expect(0).json();
    let told = plan["scenes"].as_array().expect("scenes").iter().map(|scene| {
        let steps = scene["steps"].as_array().expect("steps");
        let paid = steps
            .iter()
            .filter(|step| matches!(step["action"].as_str(), Some("create" | "update")));
        let credits = paid.filter_map(|step| step["credits"].as_f64()).sum();
        let reasons = scene["reasons"].as_array().expect("reasons");
        let codes: Vec<&str> =
            reasons.iter().filter_map(|reason| reason["code"].as_str()).collect();
        (scene["action"].as_str().expect("an action").to_owned(), credits, codes.join(" "))
    });
    told.collect()
}

fn told(action: &str, credits: f64, reasons: &str) -> (String, f64, String) {
    (action.to_owned(), credits, reasons.to_owned())
}

#[test]
fn the_first_finished_take_is_published_and_the_others_stand_beside_it() {
    let film = "scenes:\n  - {id: 1, visual: A lighthouse, duration: 8, takes: 3, steps: [{upscale: 1080p}]}\n";
    let emulator = emulator();
    let project = project(&emulator, film);
    assert_eq!(plan(&project, &[]), [told("create", 195.0, "never-rendered")]);
    project.run(["render", "--yes"]).expect(0).tells(&["2 more to choose from"]);
    assert_eq!(count(&emulator), 3);

    let clips = entries(&project, 1, "video");
    let takes: BTreeSet<u64> = clips.iter().filter_map(|clip| clip["take"].as_u64()).collect();
    assert_eq!(takes, BTreeSet::from([1, 2, 3]));
    let first = current(&project, 1, "video");
    assert_eq!(first["filename"], "assets/clips/scene-01.mp4");
    for beside in clips.iter().filter(|clip| clip["id"] != first["id"]) {
        assert_eq!((&beside["candidate"], &beside["superseded_by"]), (&json!(true), &first["id"]));
        let name = beside["filename"].as_str().expect("a name");
        assert!(name.starts_with("assets/clips/takes/scene-01.v"), "{name}");
        assert!(project.has(&format!("public/{name}")));
    }
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(count(&emulator), 3, "a second run pays for nothing");

    // Fewer deletes nothing, more renders the difference.
    project.write("storyboard.yaml", film.replace("takes: 3", "takes: 1"));
    assert_eq!(plan(&project, &[]), [told("unchanged", 0.0, "")]);
    project.write("storyboard.yaml", film.replace("takes: 3", "takes: 4"));
    assert_eq!(plan(&project, &[]), [told("update", 65.0, "takes-added")]);
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(count(&emulator), 4);
    assert_eq!(current(&project, 1, "video")["id"], first["id"], "what is published stays");

    // A later step is made for the take that is in place, and for no other.
    let other = film.replace("takes: 3", "takes: 4").replace("1080p", "topaz 2x");
    project.write("storyboard.yaml", &other);
    assert_eq!(plan(&project, &[])[0].1, 64.0, "only the upscale is paid, once");

    // Other words need new takes, all of them.
    project.write("storyboard.yaml", film.replace("lighthouse", "harbour"));
    assert_eq!(plan(&project, &[]), [told("update", 195.0, "prompt-changed")]);
}

#[test]
fn takes_are_chosen_and_stay_chosen() {
    let film = "scenes:\n  - {id: 1, visual: A lighthouse, duration: 8, takes: 3}\n";
    let emulator = emulator();
    let project = project(&emulator, film);
    project.run(["pick", "1"]).expect(0).tells(&["scene 1 has no take yet"]);
    project.run(["pick", "1", "2"]).expect(1).tells(&["no take 2", "nothing of it was rendered"]);
    project.run(["render", "--yes"]).expect(0);
    let first = current(&project, 1, "video");
    let listed = project.run(["pick", "1", "--json"]).expect(0).json();
    let listed = listed.as_array().expect("takes");
    assert_eq!(listed.iter().map(|take| &take["take"]).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(listed.iter().filter(|take| take["current"] == true).count(), 1);
    let chosen = listed.iter().find(|take| take["current"] == false).expect("another");
    let number = chosen["take"].to_string();
    let bytes = |name: &Value| {
        std::fs::read(project.path(&format!("public/{}", name.as_str().expect("a name"))))
            .expect("a clip")
    };
    let wanted = bytes(&chosen["filename"]);

    project.run(["pick", "1", &number]).expect(0).tells(&["is the clip of scene 1 from now on"]);
    let now = current(&project, 1, "video");
    assert_eq!((now["take"].to_string(), &now["picked"]), (number.clone(), &json!(true)));
    assert_eq!(bytes(&now["filename"]), wanted);
    assert_eq!(now["credits"], 0);
    assert_eq!(plan(&project, &[]), [told("unchanged", 0.0, "")]);
    project.run(["pick", "1", "9"]).expect(1).tells(&["no take 9", "1, 2, 3"]);

    // Undo brings the chosen one back, not just any.
    project.write(
        "storyboard.yaml",
        film.replace("lighthouse", "harbour").replace("takes: 3", "takes: 1"),
    );
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(count(&emulator), 4);
    project.write("storyboard.yaml", film);
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(count(&emulator), 4, "an undo is free");
    assert_eq!(current(&project, 1, "video")["take"].to_string(), number);

    // A take of other words is taken for those of now: the user has looked at it.
    project.run(["pick", "1", "4"]).expect(0);
    assert_eq!(plan(&project, &[]), [told("unchanged", 0.0, "")]);
    project.run(["pick", "1", &first["take"].to_string()]).expect(0);

    // Without the private folder the files are there, and nothing is paid.
    std::fs::remove_dir_all(project.path(".storyreel")).expect("removed");
    assert_eq!(plan(&project, &[]), [told("unchanged", 0.0, "")]);
    project.run(["pick", "1", &number]).expect(0);
    assert_eq!(bytes(&current(&project, 1, "video")["filename"]), wanted);
    assert_eq!(count(&emulator), 4);
}

#[test]
fn with_a_seed_each_take_has_the_next_one() {
    let film = "scenes:\n  - {id: 1, visual: A boat, duration: 8, seed: 20000, takes: 3}\n";
    let emulator = emulator();
    let project = project(&emulator, film);
    project.run(["render", "--yes"]).expect(0);
    let seeds = |emulator: &Emulator| {
        let all = orders(emulator);
        all.iter().filter_map(|order| order["body"]["seeds"].as_i64()).collect::<BTreeSet<_>>()
    };
    assert_eq!(seeds(&emulator), BTreeSet::from([20000, 20001, 20002]));
    assert_eq!(plan(&project, &[]), [told("unchanged", 0.0, "")]);
    // The seed of a take that there is: nothing is paid.
    project
        .write("storyboard.yaml", film.replace("20000", "20001").replace("takes: 3", "takes: 1"));
    let [(action, credits, _)] = &plan(&project, &[])[..] else { panic!("one scene") };
    assert_eq!((action == "restore" || action == "unchanged", *credits), (true, 0.0), "{action}");
    // One more take has the seed that is missing.
    project.write("storyboard.yaml", film.replace("takes: 3", "takes: 4"));
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(seeds(&emulator), BTreeSet::from([20000, 20001, 20002, 20003]));
    // The choice of a later take changes nothing, and needs no words about it.
    let later = entries(&project, 1, "video")
        .into_iter()
        .find(|clip| clip["seed"] == 20002)
        .expect("the third");
    project.run(["pick", "1", &later["take"].to_string()]).expect(0);
    let plan = project.run(["plan", "--json"]).expect(0).json();
    assert_eq!(
        (&plan["scenes"][0]["action"], &plan["scenes"][0]["notes"]),
        (&json!("unchanged"), &json!([]))
    );
    assert_eq!(current(&project, 1, "video")["seed"], 20002);
}

#[test]
fn a_take_that_is_refused_is_not_asked_for_again() {
    let emulator = emulator();
    let film = "scenes:\n  - {id: 1, visual: A lighthouse, duration: 8, takes: 3}\n";
    let project = project(&emulator, film);
    let refused = json!({"rules": [{"match": {"operation": "veo-generate", "calls": [2]},
        "do": {"fault": "fail", "code": 400, "message": "flagged by the moderation"}}]});
    emulator.control("POST", "/emulator/faults", &refused.to_string());
    project.run(["render", "--yes"]).expect(4);
    assert_eq!(count(&emulator), 3);
    assert_eq!(entries(&project, 1, "video").len(), 2);
    let planned = project.run(["plan", "--json"]).expect(0).json();
    let scene = &planned["scenes"][0];
    assert_eq!(scene["action"], "unchanged", "{scene:#}");
    assert_eq!(scene["notes"][0]["code"], "take-failed", "{scene:#}");
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(count(&emulator), 3);
}

#[cfg(debug_assertions)]
#[test]
fn a_run_that_is_killed_among_takes_pays_for_each_once() {
    let points = [
        "ledger.intend.after#2",
        "ledger.submitted.after#2",
        "ledger.downloaded.after#1",
        "ledger.downloaded.after#3",
        "files.replace.manifest.after",
        "files.rename.take.after",
        "ledger.published.before",
    ];
    for point in points {
        let emulator = emulator();
        let film =
            "scenes:\n  - {id: 1, visual: A lamp, image_prompt: A lamp, duration: 8, takes: 3}\n";
        let project = project(&emulator, film);
        project.killed_at(point, ["render", "--yes"]);
        // Two submissions may be on their way at once, and of one of them nobody may know.
        let ended = project.run(["render", "--yes"]);
        let given_up = usize::from(ended.code == 5);
        if given_up == 1 {
            project.run(["forget", "1"]).expect(0);
            project.run(["render", "--yes"]).expect(0);
        } else {
            ended.expect(0);
        }
        current(&project, 1, "video");
        // A still, and three clips of it.
        let paid = count(&emulator);
        assert!((4..=4 + given_up).contains(&paid), "{point}: {paid}");
        let clips = entries(&project, 1, "video");
        assert_eq!(clips.len(), 3, "{point}");
        let stills: BTreeSet<String> =
            clips.iter().map(|clip| clip["steps"][0]["sha256"].to_string()).collect();
        assert_eq!(stills.len(), 1, "{point}: all takes start from one still");
        project.run(["plan", "--detailed-exitcode"]).expect(0);
    }
}

const GATED: &str = r#"title: Gate
defaults: {model: veo-3.1-lite, duration: 4, gate: keyframe}
scenes:
  - id: 1
    visual: A lamp room
    action: She climbs
    steps: [{keyframe: {image_prompt: A lamp room, takes: 2}}]
  - {id: 2, visual: A boat}
  - {id: 3, action: She rests, reference: scene:1}
  - {id: 4, action: The lamp burns, reference: scene:1/keyframe}
"#;

#[test]
fn a_clip_waits_behind_its_gate_until_its_still_is_chosen() {
    let emulator = emulator();
    let project = project(&emulator, GATED);
    assert_eq!(
        plan(&project, &[]),
        [
            told("create", 8.0, "never-rendered gate"),
            told("create", 30.0, "never-rendered"),
            told("blocked", 0.0, "gate"),
            told("create", 30.0, "never-rendered"),
        ]
    );
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(count(&emulator), 4);
    assert_eq!(entries(&project, 1, "video").len(), 0);
    let still = current(&project, 1, "image");
    assert_eq!(still["filename"], "assets/images/scene-01.png");
    assert!(project.has("public/assets/images/takes/scene-01.v2.png"));
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(count(&emulator), 4, "nothing is paid behind a closed gate");
    project
        .run(["plan", "--detailed-exitcode"])
        .expect(0)
        .prints(&["next: storyreel pick 1 --step keyframe"]);

    let other = if still["take"] == 1 { "2" } else { "1" };
    project
        .run(["pick", "1", other, "--step", "keyframe"])
        .expect(0)
        .tells(&["next: storyreel render"]);
    let chosen = current(&project, 1, "image");
    assert_eq!((chosen["take"].to_string(), &chosen["picked"]), (other.to_owned(), &json!(true)));
    // The picture that scene 4 starts from is another one now, too.
    assert_eq!(
        plan(&project, &[]),
        [
            told("create", 30.0, "never-rendered"),
            told("unchanged", 0.0, ""),
            told("create", 30.0, "never-rendered"),
            told("update", 30.0, "upstream-changed"),
        ]
    );
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(count(&emulator), 7);
    let clip = current(&project, 1, "video");
    assert_eq!(clip["steps"][0]["sha256"], chosen["sha256"]);
    assert_eq!(plan(&project, &[]).iter().filter(|scene| scene.0 != "unchanged").count(), 0);

    // Another still of those there are: the clip is made anew from it, the still is not paid for.
    project.run(["pick", "1", &still["take"].to_string(), "--step", "keyframe"]).expect(0);
    assert_eq!(plan(&project, &[])[0], told("update", 30.0, "upstream-changed"));
    project.run(["pick", "1", other, "--step", "keyframe"]).expect(0);
    assert_eq!(plan(&project, &[])[0], told("unchanged", 0.0, ""));

    // Other words for the still close the gate again, and with the old words it is open.
    project.write(
        "storyboard.yaml",
        GATED.replace("image_prompt: A lamp room", "image_prompt: A dark room"),
    );
    assert_eq!(plan(&project, &[])[0], told("update", 8.0, "prompt-changed gate"));
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(count(&emulator), 10, "two stills, and scene 4 that starts from one");
    assert_eq!(plan(&project, &[])[0], told("blocked", 0.0, "gate"));
    project.write("storyboard.yaml", GATED);
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(count(&emulator), 10, "an undo is free, the choice of the still included");
    assert_eq!(current(&project, 1, "image")["sha256"], chosen["sha256"]);

    // A new take of the still alone closes the gate; the clip in place stays.
    project.run(["render", "--yes", "--retake", "1:keyframe"]).expect(0);
    assert_eq!(count(&emulator), 12, "a still, and scene 4 that starts from it");
    assert_eq!(current(&project, 1, "video")["id"], current(&project, 1, "video")["id"]);
    assert_eq!(plan(&project, &[])[0], told("blocked", 0.0, "gate"));
}

#[test]
fn a_run_through_the_stills_pays_for_nothing_else_and_the_clips_start_from_them() {
    let emulator = emulator();
    let film = GATED.replace(", gate: keyframe", "");
    let project = project(&emulator, &film);
    let through = ["--through", "keyframe"];
    assert_eq!(plan(&project, &through)[0], told("create", 8.0, "never-rendered"));
    assert_eq!(plan(&project, &through)[1].0, "skip");
    project.run(["render", "--yes", "--through", "keyframe"]).expect(0);
    assert_eq!(count(&emulator), 2);
    project.run(["render", "--yes", "--through", "keyframe"]).expect(0);
    assert_eq!(count(&emulator), 2);
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(count(&emulator), 6);
    let still = current(&project, 1, "image");
    assert_eq!(current(&project, 1, "video")["steps"][0]["sha256"], still["sha256"]);
    assert_eq!(plan(&project, &[]).iter().filter(|scene| scene.0 != "unchanged").count(), 0);
    project.run(["plan", "--through", "generate"]).expect(2);
}

const PROFILES: &str = r#"title: Profiles
defaults: {model: veo-3.1, duration: 8}
profiles:
  draft: {model: veo-3.1-lite, steps: []}
  final: {model: veo-3.1-fast, resolution: 1080p}
scenes:
  - {id: 1, visual: A lamp, image_prompt: A lamp, steps: [{extend: On and on}]}
  - {id: 2, visual: A boat, params: {watermark: me}}
  - {id: 3, type: image, visual: A gull}
"#;

#[test]
fn a_draft_and_a_final_share_their_stills() {
    let emulator = emulator();
    let project = project(&emulator, PROFILES);
    project.run(["plan", "--profile", "draf"]).expect(1).tells(&["no profile `draf`", "`draft`"]);
    project.run(["render", "--yes", "--profile", "draft"]).expect(0);
    assert_eq!((count(&emulator), emulator.judge()), (4, json!([])));
    assert_eq!(current(&project, 1, "video")["ask"]["profile"], "draft");
    // What is still draft has its price; the stills are there.
    assert_eq!(
        plan(&project, &["--profile", "final"]),
        [
            told("update", 125.0, "model-changed prompt-changed steps-changed"),
            told("update", 65.0, "model-changed"),
            told("unchanged", 0.0, ""),
        ]
    );
    project.run(["plan"]).expect(0).tells(&["this run uses none of the profiles"]);
    project.run(["render", "--yes", "--profile", "final"]).expect(0);
    assert_eq!((count(&emulator), emulator.judge()), (7, json!([])));
    let stills: Vec<Value> = orders(&emulator)
        .into_iter()
        .filter(|order| order["path"].as_str().is_some_and(|path| path.contains("jobs")))
        .collect();
    assert_eq!(stills.len(), 2, "each still is paid once");

    // A draft never takes the place of a final.
    assert_eq!(
        plan(&project, &["--profile", "draft"])
            .iter()
            .filter(|scene| scene.0 != "unchanged")
            .count(),
        0
    );
    let last = current(&project, 2, "video");
    project.write("storyboard.yaml", PROFILES.replace("A boat", "A ship"));
    assert_eq!(
        plan(&project, &["--profile", "draft"])[1],
        told("update", 30.0, "model-changed prompt-changed")
    );
    project.run(["render", "--yes", "--profile", "draft"]).expect(0);
    assert_eq!(count(&emulator), 8);
    assert_eq!(current(&project, 2, "video")["id"], last["id"]);
    assert_eq!(plan(&project, &["--profile", "draft"])[1], told("unchanged", 0.0, ""));
    let beside = entries(&project, 2, "video").pop().expect("the draft");
    assert_eq!((&beside["candidate"], &beside["superseded_by"]), (&json!(true), &last["id"]));
    // A draft of several takes is not begun either where the final is up to date.
    project.write("storyboard.yaml", PROFILES.replace("steps: []}", "steps: [], takes: 3}"));
    assert_eq!(plan(&project, &["--profile", "draft"])[0], told("unchanged", 0.0, ""));
    project.write("storyboard.yaml", PROFILES.replace("A boat", "A ship"));
    // The user may want it all the same.
    project.run(["pick", "2", &beside["take"].to_string(), "--profile", "draft"]).expect(0);
    assert_eq!(current(&project, 2, "video")["sha256"], beside["sha256"]);
    assert_eq!(count(&emulator), 8);
}

#[test]
fn episodes_of_a_series_share_their_profiles() {
    let project = Project::new();
    project.write(
        "shared/look.yaml",
        "profiles:\n  draft: {model: veo-3.1-lite}\n  final: {model: veo-3.1}\n",
    );
    let film = "include: shared/look.yaml\nprofiles: {final: {model: veo-3.1-fast}}\nscenes: [{id: 1, visual: A boat, duration: 8}]\n";
    project.write("storyboard.yaml", film);
    assert_eq!(plan(&project, &["--profile", "draft"])[0].1, 30.0);
    assert_eq!(plan(&project, &["--profile", "final"])[0].1, 60.0, "the episode's own words win");
    project.write("storyboard.yaml", film.replace("scenes:", "profile: draft\nscenes:"));
    assert_eq!(plan(&project, &[])[0].1, 30.0);
}

#[test]
fn a_still_that_was_made_elsewhere_opens_the_way_to_its_gate() {
    let emulator = emulator();
    let project = project(&emulator, GATED);
    let mut bytes = std::io::Cursor::new(Vec::new());
    let drawn = image::RgbImage::from_pixel(32, 18, image::Rgb([10, 80, 40]));
    drawn.write_to(&mut bytes, image::ImageFormat::Png).expect("a picture");
    project.write("lamp.png", bytes.into_inner());
    project.run(["adopt", "1", "--step", "keyframe", "--file", "lamp.png"]).expect(0);
    project.run(["render", "--yes", "--only", "1"]).expect(0);
    // One of the two stills that are wanted was brought.
    assert_eq!(count(&emulator), 1);
    project.run(["pick", "1", "--step", "keyframe"]).expect(0).prints(&["still 1", "still 2"]);
}

/// A scene that has its take is not done while nobody knows what became of another one.
#[test]
fn an_unknown_submission_of_a_further_take_is_told() {
    let emulator = Emulator::start();
    let text = "## Scene 1\n- **Model**: veo-3.1-fast\n- **Duration**: 4s\n- **Prompt**: A lone lighthouse\n";
    let project = Project::with_storyboard(text).using(&emulator);
    project.run(["render", "--yes"]).expect(0);
    project.write("SCENES.md", format!("{text}- **Takes**: 2\n"));
    project.killed_at("create.answered", ["render", "--yes"]);
    let paid = count(&emulator);
    for _ in 0..2 {
        project
            .run(["render", "--yes"])
            .expect(5)
            .tells(&["nobody can tell", "storyreel forget 1"]);
        project.run(["plan"]).expect(0).prints(&["take 2: nobody can tell"]);
    }
    assert_eq!(count(&emulator), paid, "it is never repeated by itself");
    project.run(["forget", "1"]).expect(0);
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(count(&emulator), paid + 1);
    project.run(["plan"]).expect(0).prints(&["nothing to do"]);
}
