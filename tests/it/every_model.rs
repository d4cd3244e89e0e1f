//! Every model of the catalogue, in every mode, against the emulator: its table is made from the facts and not from the
//! catalogue, and it counts fields that mean nothing.

use crate::support::{Emulator, Project};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use storyreel::catalog::{Catalog, Mode, ModeKind, Model, Parameter, Status, WireType};
use storyreel::emulator::clip::{ClipMaker as _, ClipOrder, TinyClips};

/// The kinds of a first step, with the words that ask for them by name.
pub(crate) const FIRST: [(ModeKind, &str); 9] = [
    (ModeKind::T2i, "text to image"),
    (ModeKind::I2i, "image to image"),
    (ModeKind::T2v, "text to video"),
    (ModeKind::I2v, "image to video"),
    (ModeKind::FirstLast, "first and last frame"),
    (ModeKind::Reference, "reference to video"),
    (ModeKind::V2v, "video to video"),
    (ModeKind::Motion, "motion control"),
    (ModeKind::Speech, "speech to video"),
];

fn fed<'m>(mode: &'m Mode, field: &str) -> Option<&'m Parameter> {
    let file =
        |parameter: &&Parameter| field != "audio" || parameter.wire_type != WireType::Boolean;
    mode.parameters.iter().filter(|p| p.from.iter().any(|from| from == field)).find(file)
}

/// A scene that gives a mode what it needs.
fn scene(model: &Model, mode: &Mode, words: &str) -> Value {
    let mut scene = json!({
        "id": format!("{}-{}", model.slug, mode.kind).replace('.', "-"),
        "prompt": format!("A red kite over dunes for {}", model.name),
        "duration": 4,
        "model": format!("{} {words}", model.name),
    });
    if matches!(mode.kind, ModeKind::T2i | ModeKind::I2i) {
        scene["type"] = json!("image");
        scene["model"] = json!(model.name);
        let ratios = fed(mode, "aspect_ratio").map(Parameter::offered).unwrap_or_default();
        if let Some(ratio) = ratios.first().filter(|_| !ratios.contains(&"16:9".to_owned())) {
            scene["aspect_ratio"] = json!(ratio);
        }
        let link = json!("https://a.example/x.png");
        for parameter in mode.parameters.iter().filter(|p| p.required && p.from.is_empty()) {
            if parameter.wire_type == WireType::Array {
                scene["params"][&parameter.name] = json!([link]);
            } else if parameter.default.is_none() && parameter.values.is_empty() {
                scene["params"][&parameter.name] = link.clone();
            }
        }
    }
    let pictures = match fed(mode, "reference") {
        Some(parameter) if parameter.wire_type == WireType::Array => {
            let most = if mode.kind == ModeKind::Reference { 2 } else { 1 };
            most.min(parameter.max_items.unwrap_or(most))
        }
        Some(parameter) => usize::from(parameter.required),
        None => 0,
    };
    if pictures > 0
        && (mode.kind != ModeKind::V2v || fed(mode, "reference").is_some_and(|p| p.required))
    {
        scene["reference"] = json!(&["refs/a.png", "refs/b.png"][..pictures]);
    }
    if mode.kind == ModeKind::FirstLast {
        scene["last_frame"] = json!("refs/b.png");
    }
    if fed(mode, "video").is_some_and(|parameter| parameter.required) {
        scene["video"] = json!("refs/clip.mp4");
    }
    if mode.kind == ModeKind::Speech && fed(mode, "audio").is_some() {
        scene["audio"] = json!("refs/voice.mp3");
    }
    scene
}

fn live(catalog: &Catalog) -> impl Iterator<Item = &Model> {
    catalog.models().iter().filter(|model| model.status == Status::Live)
}

/// A project with pictures, a clip and a sound, and limits that do not make anybody wait.
fn project(emulator: &Emulator, scenes: &[Value]) -> Project {
    let project = Project::new().using(emulator);
    project.configure("[limits]\nsubmissions = \"10000/1s\"\n");
    let film = json!({"title": "Every model", "defaults": {"aspect": "16:9"}, "scenes": scenes});
    project.write("storyboard.yaml", film.to_string());
    for name in ["a", "b"] {
        project.write(&format!("refs/{name}.png"), format!("\u{89}PNG {name}"));
    }
    project.write("refs/clip.mp4", clip());
    project.write("refs/voice.mp3", voice(4));
    project
}

/// So many seconds of silence, a little less: frames of 26.1 ms at 128 kbit/s.
pub(crate) fn voice(seconds: usize) -> Vec<u8> {
    [[0xff, 0xfb, 0x90, 0x00].as_slice(), &[0; 413]].concat().repeat(seconds * 38)
}

/// Eight seconds of one colour.
pub(crate) fn clip() -> Vec<u8> {
    let order = ClipOrder {
        task_id: "a driving clip".to_owned(),
        name: "clip.mp4".to_owned(),
        prompt: String::new(),
        model: String::new(),
        width: 1280,
        height: 720,
        seconds: 8.0,
    };
    TinyClips.make(&order).expect("a clip")
}

/// What was ordered and charged, by the scene's prompt; nothing may have been refused, and no field wasted.
fn charged(emulator: &Emulator) -> BTreeMap<String, f64> {
    assert_eq!(emulator.judge(), json!([]));
    let bill = emulator.bill();
    let mut charged = BTreeMap::new();
    for create in bill["creates"].as_array().expect("a list") {
        let about = create.to_string();
        assert_eq!((&create["code"], &create["wasted"]), (&json!(200), &json!([])), "{about}");
        charged.insert(
            create["task_id"].as_str().expect("an id").to_owned(),
            create["price"].as_f64().expect("a price"),
        );
    }
    charged
}

#[test]
fn every_model_renders_in_every_mode_for_the_price_that_was_told() {
    let catalog = Catalog::built_in().expect("the built-in catalogue");
    let mut scenes = Vec::new();
    for model in live(&catalog) {
        // Grok's image edit works on tasks of its own, which no scene can name.
        for mode in model.modes.iter().filter(|mode| !mode.takes("task")) {
            if let Some((_, words)) = FIRST.iter().find(|(kind, _)| *kind == mode.kind) {
                scenes.push(scene(model, mode, words));
            }
        }
    }
    assert!(scenes.len() > 175, "{} scenes", scenes.len());
    let emulator =
        Emulator::with(&["--task-time", "0", "--submissions", "10000/1s", "--credits", "1000000"]);
    let project = project(&emulator, &scenes);
    project.run(["check"]).expect(0);
    let done = project.run(["render", "--yes", "--json"]).expect(0);
    let charged = charged(&emulator);
    assert_eq!(charged.len(), scenes.len());
    let mut unpriced = 0;
    for event in done.json_lines().iter().filter(|event| event["event"] == "submitted") {
        let task = event["task_id"].as_str().expect("a task");
        match event["credits"].as_f64() {
            // A sound of 3.96 s is told as one of 4 s.
            Some(told) if event["scene_id"].as_str().is_some_and(|id| id.ends_with("-speech")) => {
                let more = told - charged[task];
                assert!((-1e-6..0.03 * told).contains(&more), "{event} cost {}", charged[task]);
            }
            Some(told) => {
                assert!((told - charged[task]).abs() < 1e-6, "{event} cost {}", charged[task]);
            }
            None => unpriced += 1,
        }
    }
    // Those without a published price; 16 of them make stills.
    assert!(unpriced <= 19, "{unpriced} steps of {} had no price", scenes.len());
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(charged.len(), self::charged(&emulator).len(), "a second run pays for nothing");
}

#[test]
fn every_extension_restyle_and_upscale_works_on_a_clip_that_was_made_before() {
    let catalog = Catalog::built_in().expect("the built-in catalogue");
    let mut scenes = Vec::new();
    for model in live(&catalog) {
        let own = |kind: ModeKind| model.mode(kind).is_some();
        if !own(ModeKind::T2v) {
            continue;
        }
        let mut chains: Vec<(String, Vec<Value>)> = Vec::new();
        if own(ModeKind::Extend) {
            let on = json!({"extend": "The kite rises into the clouds"});
            chains.push(("extend".to_owned(), vec![on]));
        }
        for target in model.upscale_targets() {
            chains.push((format!("upscale-{target}"), vec![json!({"upscale": target})]));
        }
        for (name, steps) in chains {
            let mut steps = steps;
            steps.insert(0, json!("generate"));
            scenes.push(json!({
                "id": format!("{}-{name}", model.slug).replace('.', "-"),
                "prompt": format!("A red kite over dunes for {name} of {}", model.name),
                "model": format!("{} text to video", model.name),
                "steps": steps,
            }));
        }
    }
    scenes.push(json!({
        "id": "across", "prompt": "A red kite over dunes across makers", "model": "Kling 2.6", "duration": 5,
        "steps": ["generate", {"restyle": "As a woodcut"}, {"upscale": "topaz 4x"}],
    }));
    scenes.push(json!({
        "id": "on", "prompt": "A red kite over dunes goes on", "model": "Kling 2.6", "duration": 5,
        "steps": ["generate", {"extend": {"prompt": "It rises", "model": "PixVerse V6"}}],
    }));
    assert!(scenes.len() > 12, "{} scenes", scenes.len());
    let emulator =
        Emulator::with(&["--task-time", "0", "--submissions", "10000/1s", "--credits", "1000000"]);
    let project = project(&emulator, &scenes);
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(emulator.judge(), json!([]));
    let manifest = project.manifest();
    let clips = manifest["assets"].as_array().expect("a list");
    assert_eq!(clips.len(), scenes.len());
    let bill = emulator.bill();
    let bodies: Vec<String> = bill["creates"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|create| create["body"].to_string())
        .collect();
    for part in ["\"videoUrl\":\"http", "\"upscale_factor\":\"4\"", "grok-imagine/extend"] {
        assert!(bodies.iter().any(|body| body.contains(part)), "{part} in {bodies:#?}");
    }
    // The new part begins where the old one ends: at 6 s, what Grok makes by itself; and Wan counts both, 5 s and 5 more.
    for (id, part) in
        [("grok-imagine/extend", "\"extend_at\":6"), ("first_clip_url", "\"duration\":10")]
    {
        let body = bodies.iter().find(|body| body.contains(id)).expect(id);
        assert!(body.contains(part), "{part} in {body}");
    }
}
