//! Voices: spoken before their clips are paid for, kept apart from them, and put into clips that speak.

use crate::support::{Emulator, Project};
use serde_json::{Value, json};

const FILM: &str = r#"title: Voices
defaults: {model: kling-2.1-standard, duration: 5}
characters:
  ada: {look: "Ada, 60s", voice: Rachel}
  ben: {look: "Ben, 20", voice: Adam}
scenes:
  - id: 1
    visual: A lighthouse
    reference: https://example.com/tower.png
    voiceover: Nobody had lit it for forty years.
    steps: [voice]
  - id: 3
    visual: Two people talk
    reference: https://example.com/people.png
    dialogue: |
      Ada: Not tonight.
      Ben: "Why not?"
    steps: [voice, lipsync]
"#;

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
    assert_eq!(emulator.judge(), json!([]));
    emulator.bill()["creates"].as_array().expect("a list").clone()
}

fn current(project: &Project, scene: u64, kind: &str) -> Value {
    let mut all = project.manifest()["assets"].as_array().expect("a list").clone();
    all.retain(|entry| {
        entry["scene_id"] == scene && entry["type"] == kind && entry["superseded_by"].is_null()
    });
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

/// The action of each step that a plan pays for, by scene.
fn paid(project: &Project) -> Vec<String> {
    let plan = project.run(["plan", "--json"]).expect(0).json();
    let scenes = plan["scenes"].as_array().expect("scenes");
    let paid = scenes.iter().flat_map(|scene| {
        let steps = scene["steps"].as_array().expect("steps");
        let paid = steps
            .iter()
            .filter(|step| matches!(step["action"].as_str(), Some("create" | "update")))
            .map(|step| step["step"].as_str().expect("a step"));
        paid.map(|step| format!("{} {step}", scene["scene_id"])).collect::<Vec<_>>()
    });
    paid.collect()
}

#[test]
fn voices_are_spoken_first_and_only_what_changed_is_paid_again() {
    let emulator = emulator();
    let project = project(&emulator, FILM);
    assert_eq!(paid(&project), ["1 voice", "1 generate", "3 voice", "3 generate", "3 lipsync"]);
    project.run(["render", "--yes"]).expect(0);
    let made = orders(&emulator);
    assert_eq!(made.len(), 5);
    for order in &made {
        assert_eq!((&order["code"], &order["wasted"]), (&json!(200), &json!([])), "{order}");
    }
    let voice = current(&project, 1, "audio");
    assert!(voice["id"].as_str().is_some_and(|id| id.starts_with("aud-")), "{voice}");
    assert_eq!(voice["filename"], "assets/audio/scene-01.wav");
    assert_eq!(voice["prompt"], "Nobody had lit it for forty years.");
    assert_eq!(voice["model"], "ElevenLabs Turbo 2.5");
    assert_eq!(voice["probe"]["codec"], "wav");
    assert!(project.has("public/assets/audio/scene-01.wav"));
    let talk = current(&project, 3, "audio");
    assert_eq!(talk["model"], "ElevenLabs Dialogue V3", "two people have two voices");
    let body = made.iter().find(|order| order["body"]["model"] == "elevenlabs/text-to-dialogue-v3");
    let turns = &body.expect("the dialogue")["body"]["input"]["dialogue"];
    assert_eq!(
        *turns,
        json!([{"text": "Not tonight.", "voice": "Rachel"}, {"text": "Why not?", "voice": "Adam"}])
    );
    let clip = current(&project, 3, "video");
    assert_eq!(clip["ask"]["upstream"]["voice"], json!({"$clip": talk["sha256"]}));
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(orders(&emulator).len(), 5, "a second run pays for nothing");

    // Other words need another voice; only the clip that speaks them needs them.
    let edited = FILM.replace("forty years", "fifty years").replace("Not tonight", "Not now");
    project.write("storyboard.yaml", edited);
    assert_eq!(paid(&project), ["1 voice", "3 voice", "3 lipsync"]);
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(orders(&emulator).len(), 8);
    // Another picture keeps the voice.
    project.write("storyboard.yaml", FILM.replace("people.png", "crowd.png"));
    assert_eq!(paid(&project), ["3 generate", "3 lipsync"]);
    // One voice more or less is the speaker's.
    project.write("storyboard.yaml", FILM.replace("voice: Adam", "voice: Bill"));
    assert_eq!(paid(&project), ["3 voice", "3 lipsync"]);
    // What was made before comes back.
    project.write("storyboard.yaml", FILM);
    assert_eq!(paid(&project), [] as [&str; 0]);
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(orders(&emulator).len(), 8);
    assert_eq!(current(&project, 1, "audio")["sha256"], voice["sha256"]);
    // A new take of the voice alone, and the old one is chosen again.
    project.run(["render", "--yes", "--retake", "1:voice"]).expect(0);
    assert_eq!(emulator.bill()["creates"].as_array().expect("a list").len(), 9);
    project.run(["pick", "1", "1", "--step", "voice"]).expect(0);
    assert_eq!(current(&project, 1, "audio")["sha256"], voice["sha256"]);
    project.run(["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn a_voice_that_is_longer_than_its_scene_is_told_before_any_clip_is_paid() {
    let emulator = emulator();
    let long = "This takes far longer to say than the five seconds that the scene has in the film, as anybody will find who reads it.";
    let film = FILM.replace("Nobody had lit it for forty years.", long);
    let project = project(&emulator, &film);
    project
        .run(["render", "--yes", "--only", "1"])
        .expect(4)
        .tells(&["its voice takes", "no clip was paid for"]);
    assert_eq!(orders(&emulator).len(), 1, "the voice");
    let plan = project.run(["plan", "--json", "--only", "1"]).expect(0).json();
    let scene = &plan["scenes"][0];
    assert_eq!(
        (&scene["action"], &scene["reasons"][0]["code"]),
        (&json!("blocked"), &json!("voice-too-long"))
    );
    project.run(["render", "--yes", "--only", "1"]).expect(4);
    assert_eq!(orders(&emulator).len(), 1, "and it is not paid for by another run");
    // With more time in the film it is made.
    project.write("storyboard.yaml", film.replace("duration: 5", "duration: 10"));
    assert_eq!(paid(&project)[..1], ["1 generate"]);
    project.run(["render", "--yes", "--only", "1"]).expect(0);
    assert_eq!(orders(&emulator).len(), 2);
}

#[test]
fn a_picture_speaks_with_the_voice_of_its_scene() {
    let emulator = emulator();
    let film = "characters: {ada: {voice: Rachel}}\nscenes:\n  - {id: 1, visual: Ada speaks, model: InfiniTalk, \
                reference: \"https://example.com/ada.png\", dialogue: \"Ada: I lit it.\", duration: 5, steps: [voice]}\n";
    let project = project(&emulator, film);
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(orders(&emulator).len(), 2);
    let clip = current(&project, 1, "video");
    let voice = current(&project, 1, "audio");
    assert_eq!(clip["ask"]["upstream"]["voice"]["$clip"], voice["sha256"]);
    // What it costs is known once the voice is there.
    project.run(["render", "--yes", "--retake", "1:generate", "--max-credits", "100"]).expect(0);
    assert_eq!(emulator.bill()["creates"].as_array().expect("a list").len(), 3);
}

#[test]
fn what_cannot_be_spoken_is_refused_by_check() {
    let said = |film: &str| {
        let project = Project::new();
        project.write("storyboard.yaml", film);
        project.run(["check"]).expect(1).stdout
    };
    let silent = said("scenes: [{id: 1, visual: A boat, steps: [voice]}]\n");
    assert!(silent.contains("the step `voice` has no words"), "{silent}");
    let clip = said("scenes: [{id: 1, visual: A boat, steps: [lipsync]}]\n");
    assert!(clip.contains("the step `lipsync` has no voice"), "{clip}");
    let several = said(&FILM.replace(
        "steps: [voice, lipsync]",
        "steps: [{voice: {model: ElevenLabs Turbo 2.5}}, lipsync]",
    ));
    assert!(several.contains("speaks with one voice, and these are Adam, Rachel"), "{several}");
    let mute = said(
        "scenes: [{id: 1, visual: A boat, voiceover: x, steps: [{voice: {model: veo-3.1}}]}]\n",
    );
    assert!(mute.contains("`Veo 3.1` cannot speak"), "{mute}");
    let twice = said("scenes: [{id: 1, visual: A boat, voiceover: x, steps: [voice, voice]}]\n");
    assert!(twice.contains("a scene has one voice"), "{twice}");
}

#[test]
fn notes_about_voices_are_no_steps() {
    let project = Project::new();
    let film = "## Scene 1: A boat\n- **Visual**: A boat\n- **Duration**: 8s\n- **Voiceover**: Once.\n\n### Voice\nWarm, old.\n";
    project.write("SCENES.md", film);
    assert_eq!(paid(&project), ["1 generate"]);
    project.write("SCENES.md", film.replace("### Voice\nWarm, old.", "### Voice step"));
    assert_eq!(paid(&project), ["1 voice", "1 generate"]);
}

#[cfg(debug_assertions)]
#[test]
fn a_run_that_is_killed_among_voices_pays_for_each_step_once() {
    for point in
        ["ledger.downloaded.after#1", "files.replace.manifest.after", "ledger.submitted.after#2"]
    {
        let emulator = emulator();
        let project = project(&emulator, FILM);
        project.killed_at(point, ["render", "--yes"]);
        let again = project.run(["render", "--yes"]);
        if again.code == 5 {
            // Two submissions were on their way, and of one of them nobody knows.
            continue;
        }
        again.expect(0);
        assert_eq!(orders(&emulator).len(), 5, "{point}");
        project.run(["plan", "--detailed-exitcode"]).expect(0);
    }
}
