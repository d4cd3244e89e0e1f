//! Stills: scenes of type `image`, and the keyframes that clips start from.

use crate::support::{Emulator, Project};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const FILM: &str = r#"title: Stills
defaults: {model: veo-3.1-lite, aspect_ratio: "16:9", resolution: 1080p, duration: 4, style: 35mm film}
characters:
  ada: {look: "Ada, 60s, grey braid", image: refs/ada.png}
scenes:
  - {id: 1, type: image, visual: A lighthouse at dawn, camera: slow dolly in, audio: on}
  - {id: 2, visual: A lamp in a dark room, action: The flame goes out, image_prompt: "An old brass lamp"}
  - id: 3
    visual: A boat in fog
    action: The boat turns
    model: kling-2.6
    steps: [{keyframe: "A boat in thick fog"}, generate, {upscale: topaz 2x}]
  - {id: 4, type: image, visual: ada at the window, model: seedream 4.5}
"#;

fn emulator() -> Emulator {
    Emulator::with(&["--task-time", "0", "--submissions", "10000/1s", "--credits", "100000"])
}

/// A picture of one colour.
fn picture(format: image::ImageFormat, shade: u8) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let drawn = image::RgbImage::from_pixel(32, 18, image::Rgb([shade, 80, 40]));
    drawn.write_to(&mut bytes, format).expect("a picture");
    bytes.into_inner()
}

fn project(emulator: &Emulator, film: &str) -> Project {
    let project = Project::new().using(emulator);
    project.configure("[limits]\nsubmissions = \"10000/1s\"\n");
    project.write("storyboard.yaml", film);
    project.write("refs/ada.png", picture(image::ImageFormat::Png, 200));
    project
}

/// What was ordered: the models by name or path, and the bodies.
fn creates(emulator: &Emulator) -> Vec<Value> {
    emulator.bill()["creates"].as_array().expect("a list").clone()
}

fn entries(project: &Project) -> Vec<Value> {
    project.manifest()["assets"].as_array().expect("a list").clone()
}

fn entry(project: &Project, scene: u64) -> Value {
    let mut current = entries(project);
    current.retain(|entry| entry["scene_id"] == scene && entry["superseded_by"].is_null());
    assert_eq!(current.len(), 1, "{current:#?}");
    current.remove(0)
}

#[test]
fn stills_and_keyframes_are_made_and_only_what_changed_is_paid_again() {
    let emulator = emulator();
    let project = project(&emulator, FILM);
    let plan = project.run(["plan", "--json"]).expect(0).json();
    assert_eq!(plan["summary"]["credits"], 148.5, "{plan}");
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(emulator.judge(), json!([]));
    for create in creates(&emulator) {
        assert_eq!((&create["code"], &create["wasted"]), (&json!(200), &json!([])), "{create}");
    }
    // Two stills, two keyframes, two clips and an upscale.
    assert_eq!(creates(&emulator).len(), 7);

    let still = entry(&project, 1);
    assert_eq!(still["type"], "image");
    // Whichever is published first has the first number.
    let ids: BTreeSet<String> =
        entries(&project).iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.iter().collect::<Vec<_>>(), ["img-001", "img-002", "vid-001", "vid-002"]);
    assert!(still["id"].as_str().is_some_and(|id| id.starts_with("img-")), "{still}");
    assert_eq!(still["filename"], "assets/images/scene-01.png");
    assert_eq!(still["prompt"], "A lighthouse at dawn. 35mm film.");
    assert_eq!(still["model"], "Nano Banana");
    assert_eq!(still["probe"]["codec"], "png");
    assert_eq!(still["probe"].get("duration"), None);
    assert!(project.has("public/assets/images/scene-01.png"));
    let portrait = entry(&project, 4);
    assert_eq!(portrait["model_id"], "seedream/4.5-edit", "pictures of its characters are used");

    let clip = entry(&project, 2);
    assert_eq!(clip["type"], "video");
    assert!(clip["id"].as_str().is_some_and(|id| id.starts_with("vid-")), "{clip}");
    assert_eq!(clip["model"], "Veo 3.1 Lite");
    assert_eq!(clip["prompt"], "The flame goes out.", "only what moves is told");
    let steps = clip["steps"].as_array().expect("steps");
    assert_eq!((&steps[0]["step"], &steps[1]["step"]), (&json!("keyframe"), &json!("generate")));
    assert_eq!((&steps[0]["credits"], &clip["credits"]), (&json!(4), &json!(39)));

    project.run(["render", "--yes"]).expect(0);
    assert_eq!(creates(&emulator).len(), 7, "a second run pays for nothing");

    // Another motion keeps the keyframe, another picture does not.
    project.write("storyboard.yaml", FILM.replace("The flame goes out", "The flame flickers"));
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(creates(&emulator).len(), 8);
    let again = entry(&project, 2);
    assert_eq!(again["steps"][0]["sha256"], steps[0]["sha256"]);
    assert_eq!(again["credits"], 35);
    project.write("storyboard.yaml", FILM.replace("An old brass lamp", "A new brass lamp"));
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(creates(&emulator).len(), 10);

    // What a film says of its clips does not touch its stills.
    let film = FILM
        .replace("resolution: 1080p", "resolution: 720p")
        .replace("veo-3.1-lite", "veo-3.1-fast");
    project.write("storyboard.yaml", film);
    let plan = project.run(["plan", "--json"]).expect(0).json();
    let actions: Vec<&Value> =
        plan["scenes"].as_array().unwrap().iter().map(|scene| &scene["action"]).collect();
    assert_eq!(actions, ["unchanged", "update", "unchanged", "unchanged"]);
    assert_eq!(plan["scenes"][1]["steps"][0]["action"], "unchanged");
}

#[test]
fn a_still_that_is_deleted_comes_back_and_a_new_take_keeps_the_old_one() {
    let emulator = emulator();
    let film = "scenes:\n  - {id: 1, type: image, visual: A lighthouse}\n";
    let project = project(&emulator, film);
    project.run(["render", "--yes"]).expect(0);
    let name = "public/assets/images/scene-01.png";
    let first = std::fs::read(project.path(name)).expect("a still");
    std::fs::remove_file(project.path(name)).expect("removed");
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(std::fs::read(project.path(name)).expect("a still"), first);
    assert_eq!(creates(&emulator).len(), 1);

    project.run(["render", "--yes", "--retake", "1"]).expect(0);
    let still = entry(&project, 1);
    assert_eq!((&still["version"], &still["take"]), (&json!(2), &json!(2)));
    let old = &entries(&project)[0];
    assert_eq!(old["filename"], "assets/images/takes/scene-01.v1.png");
    let kept = project.path("public/assets/images/takes/scene-01.v1.png");
    assert_eq!(std::fs::read(kept).expect("the old take"), first);
    project.run(["status"]).expect(0).prints(&[
        "assets/images/scene-01.png",
        "take 2 of 2",
        "Nano Banana",
    ]);
    project.run(["explain", "1"]).expect(0).prints(&["img-002", "keyframe"]);

    // The scene becomes a clip: the still stays what it is.
    project.write("storyboard.yaml", "scenes:\n  - {id: 1, visual: A lighthouse, duration: 4}\n");
    project.run(["render", "--yes"]).expect(0);
    let names: Vec<Value> =
        entries(&project).iter().map(|entry| entry["filename"].clone()).collect();
    assert_eq!(names[1..], ["assets/images/scene-01.png", "assets/clips/scene-01.mp4"]);
    project.write("storyboard.yaml", film);
    let plan = project.run(["plan", "--json"]).expect(0).json();
    assert_eq!(plan["scenes"][0]["action"], "unchanged");
}

#[test]
fn a_still_of_another_tool_is_used_as_it_is() {
    let emulator = emulator();
    let project = project(&emulator, "scenes:\n  - {id: 3, type: image, visual: A map}\n");
    project.write("public/assets/images/map.jpg", picture(image::ImageFormat::Jpeg, 9));
    let manifest = json!({"version": "1.0", "assets": [
        {"id": "img-004", "type": "image", "filename": "assets/images/map.jpg", "prompt": "an old map",
         "model": "Imagen 4", "parameters": {}, "created_at": "2026-11-01T00:00:00.000Z", "scene_id": 3, "version": 1},
        {"id": "img-005", "type": "image", "filename": "assets/images/gone.png", "prompt": "x", "model": "y",
         "parameters": {}, "created_at": "2026-11-01T00:00:00.000Z", "scene_id": 9, "version": 1},
    ]});
    project.write("public/assets/manifest.json", manifest.to_string());
    let plan = project.run(["plan", "--json"]).expect(0).json();
    assert_eq!(plan["scenes"][0]["action"], "unchanged", "{plan}");
    assert_eq!(plan["scenes"][0]["notes"][0]["code"], "not-ours");
    assert_eq!(plan["orphans"], json!([]), "stills of other tools are no orphans of ours");
    project.run(["render", "--yes", "--retake", "3"]).expect(0);
    let still = entry(&project, 3);
    assert_eq!((&still["id"], &still["version"]), (&json!("img-006"), &json!(2)));
    assert!(project.has("public/assets/images/takes/map.v1.jpg"));
}

#[test]
fn a_still_that_was_made_elsewhere_is_adopted_and_keeps_its_format() {
    let emulator = emulator();
    let project = project(&emulator, "scenes:\n  - {id: 1, type: image, visual: A map}\n");
    project.write("map.jpg", picture(image::ImageFormat::Jpeg, 9));
    project.write("cut.png", &picture(image::ImageFormat::Png, 9)[..60]);
    project
        .run(["adopt", "1", "--file", "cut.png"])
        .expect(1)
        .tells(&["`cut.png` is not a still", "it must be a PNG, JPEG or WebP picture"]);
    project.run(["adopt", "1", "--file", "map.jpg"]).expect(0);
    project.run(["render", "--yes"]).expect(0);
    let still = entry(&project, 1);
    assert_eq!(still["filename"], "assets/images/scene-01.jpg");
    assert_eq!(still["probe"]["codec"], "jpeg");
    assert_eq!(creates(&emulator).len(), 0);
    // The next take is a PNG, and the old file does not stay beside it.
    project.run(["render", "--yes", "--retake", "1"]).expect(0);
    assert_eq!(entry(&project, 1)["filename"], "assets/images/scene-01.png");
    assert!(!project.has("public/assets/images/scene-01.jpg"));
    assert!(project.has("public/assets/images/takes/scene-01.v1.jpg"));
}

#[test]
fn what_a_still_cannot_have_is_told() {
    let project = Project::new();
    project.write(
        "storyboard.yaml",
        r#"scenes:
  - {id: 1, type: image, visual: A map, model: Veo 3.1 Fast}
  - {id: 2, visual: A map, model: Nano Banana, duration: 4}
  - {id: 3, type: image, visual: A map, steps: [{extend: it goes on}]}
  - {id: 4, visual: A map, duration: 4, steps: [generate, {keyframe: A map}]}
  - {id: 5, type: image, visual: A map, model: Nano Banana, seed: 7}
  - {id: 6, type: image, visual: A map, reference: "https://a.example/x.png", params: {num_images: 4}, model: Qwen Image Edit}
"#,
    );
    insta::assert_snapshot!(project.run(["check"]).expect(1).stdout, @r#"
error[no-such-mode]: `Veo 3.1 Fast` makes no stills
 --> storyboard.yaml:2:48
  |
2 |   - {id: 1, type: image, visual: A map, model: Veo 3.1 Fast}
  |                                                ^^^^^^^^^^^^ scene 1
  |
  = help: name an image model such as `Nano Banana`, or none

error[no-such-mode]: `Nano Banana` makes stills, no clips
 --> storyboard.yaml:3:35
  |
3 |   - {id: 2, visual: A map, model: Nano Banana, duration: 4}
  |                                   ^^^^^^^^^^^ scene 2
  |
  = help: name a video model; `type: image` makes the scene a still, `image_model` names who makes keyframes

error[step-order]: a scene of type `image` has no step `extend`
 --> storyboard.yaml:4:50
  |
4 |   - {id: 3, type: image, visual: A map, steps: [{extend: it goes on}]}
  |                                                  ^^^^^^ scene 3
  |
  = help: leave the step out, or make the scene a `video_clip`

error[step-order]: a clip starts from its keyframe, so `keyframe` comes first in a chain
 --> storyboard.yaml:5:60
  |
5 |   - {id: 4, visual: A map, duration: 4, steps: [generate, {keyframe: A map}]}
  |                                                            ^^^^^^^^ scene 4
  |
  = help: put it before the other steps; a clip has one

error[unsupported-field]: `Nano Banana` has no `seed` here
 --> storyboard.yaml:6:67
  |
6 |   - {id: 5, type: image, visual: A map, model: Nano Banana, seed: 7}
  |                                                                   ^ would be ignored, and the clip paid for
  |
  = help: take the field away, or see `storyreel models "Nano Banana"` for what it takes

error[not-allowed]: `num_images` is `4`, which is not among the allowed values
 --> storyboard.yaml:7:87
  |
7 | ...https://a.example/x.png", params: {num_images: 4}, model: Qwen Image Edit}
  |                                      ^^^^^^^^^^^^^^ scene 6
  |
  = help: use `1`

6 errors in storyboard.yaml
"#);
}

#[test]
fn an_image_prompt_is_not_carried_out_by_a_model_that_cannot_start_from_a_picture() {
    let project = Project::new();
    project.write("refs/a.png", picture(image::ImageFormat::Png, 1));
    let film = |fields: &str| {
        format!(
            "scenes:\n  - {{id: 1, visual: The sea, duration: 5, image_prompt: A wave, {fields}}}\n"
        )
    };
    let steps = |fields: &str| -> Vec<String> {
        project.write("storyboard.yaml", film(fields));
        let plan = project.run(["plan", "--json"]).expect(0).json();
        let steps = plan["scenes"][0]["steps"].as_array().unwrap().clone();
        steps
            .iter()
            .map(|step| format!("{} {}", step["step"], step["model"]).replace('"', ""))
            .collect()
    };
    assert_eq!(steps("model: Veo 3.1 Lite"), ["keyframe google/nano-banana", "generate veo3_lite"]);
    let named = steps("model: Veo 3.1 Lite, image_model: Imagen 4 Fast");
    assert_eq!(named, ["keyframe google/imagen4-fast", "generate veo3_lite"]);
    // A picture that is there is used and none is made.
    assert_eq!(steps("model: Veo 3.1 Lite, reference: refs/a.png"), ["generate veo3_lite"]);
    project.write("storyboard.yaml", film("model: Kling 2.1 Master text to video"));
    let told = project.run(["plan"]).expect(0);
    assert!(!told.stdout.contains("keyframe"), "{}", told.stdout);
}

#[test]
fn each_field_of_a_keyframe_changes_it_and_what_is_made_from_it() {
    let base = "image_prompt: A wave, visual: The sea, action: It breaks, style: ink, camera: pan left, duration: 4, \
                model: Veo 3.1 Lite, image_model: Nano Banana, aspect_ratio: 16:9, resolution: 720p";
    let emulator = emulator();
    let project = project(&emulator, &format!("scenes:\n  - {{id: 1, {base}}}\n"));
    project.run(["render", "--yes"]).expect(0);
    // What is said of the motion, and how large the clip is, leaves the still alone.
    for (old, new, steps) in [
        ("A wave", "A calm", ["update", "update"]),
        ("Nano Banana", "Imagen 4", ["update", "update"]),
        ("16:9", "9:16", ["update", "update"]),
        ("It breaks", "It rests", ["unchanged", "update"]),
        ("pan left", "pan right", ["unchanged", "update"]),
        ("720p", "1080p", ["unchanged", "update"]),
        ("ink", "oil", ["unchanged", "unchanged"]),
    ] {
        let edited = base.replace(old, new);
        project.write("storyboard.yaml", format!("scenes:\n  - {{id: 1, {edited}}}\n"));
        let plan = project.run(["plan", "--json"]).expect(0).json();
        let found: Vec<&Value> = plan["scenes"][0]["steps"]
            .as_array()
            .expect("steps")
            .iter()
            .map(|step| &step["action"])
            .collect();
        assert_eq!(found, steps, "{old} -> {new}: {plan:#}");
    }
}

#[test]
fn a_clip_is_kept_for_a_scene_that_has_changed() {
    let emulator = emulator();
    let film = "scenes:\n  - {id: 1, visual: The sea, duration: 4, model: Veo 3.1 Lite}\n";
    let project = project(&emulator, film);
    project.run(["accept", "1"]).expect(1).tells(&["scene 1 has no clip that could be kept"]);
    project.run(["render", "--yes"]).expect(0);
    let before = entry(&project, 1);
    project.run(["accept", "1"]).expect(0).tells(&["has not changed"]);
    project.write("storyboard.yaml", film.replace("The sea", "The ocean"));
    project.run(["accept", "1"]).expect(0).tells(&["scene 1 keeps `assets/clips/scene-01.mp4`"]);
    let plan = project.run(["plan", "--json"]).expect(0).json();
    assert_eq!(plan["scenes"][0]["action"], "unchanged");
    // What made it stays on record, and the scene as it was is right as well.
    let after = entry(&project, 1);
    assert_eq!((&after["prompt"], &after["ask"]), (&before["prompt"], &before["ask"]));
    project.write("storyboard.yaml", film);
    let plan = project.run(["plan", "--json"]).expect(0).json();
    assert_eq!(plan["scenes"][0]["action"], "unchanged");
    project.write("storyboard.yaml", film.replace("The sea", "The lake"));
    let plan = project.run(["plan", "--json"]).expect(0).json();
    assert_eq!(plan["scenes"][0]["action"], "update");
    assert_eq!(creates(&emulator).len(), 1);
}

#[test]
fn drift_tells_which_files_are_not_what_was_published() {
    let emulator = emulator();
    let film = "scenes:\n  - {id: 1, type: image, visual: A map}\n  - {id: 2, type: image, visual: A rose}\n";
    let project = project(&emulator, film);
    project.run(["drift"]).expect(0).prints(&["0 files as recorded"]);
    project.run(["render", "--yes"]).expect(0);
    project.run(["drift"]).expect(0).prints(&["2 files as recorded"]);
    project.write("public/assets/images/scene-01.png", "touched up");
    std::fs::remove_file(project.path("public/assets/images/scene-02.png")).expect("removed");
    project.run(["drift"]).expect(4).prints(&[
        "assets/images/scene-01.png is not what was published",
        "assets/images/scene-02.png is missing",
        "0 files as recorded, 2 differ",
    ]);
    let files = project.run(["drift", "--json"]).expect(4).json();
    // Which of the two was published first is not said.
    let found = |scene: u64| {
        let mut files = files["files"].as_array().expect("a list").iter();
        files.find(|file| file["scene_id"] == scene).map(|file| file["found"].clone())
    };
    assert_eq!((found(1), found(2)), (Some(json!("modified")), Some(json!("missing"))));
}
