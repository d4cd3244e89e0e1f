//! The storyboard changes while its tasks are at the provider: what was paid for is collected and kept, what is asked for now is
//! paid once, and neither is ever taken for the other.

use crate::lifecycle::{
    MANIFEST, THREE, accepted, actions, assert_careful, assert_whole, bytes, charged, clip,
    current, rendered, requests, storyreel_digest,
};
use crate::support::{Emulator, Project};
use serde_json::{Value, json};

/// One scene whose clip goes on twice.
const CHAIN: &str = "\
---
model: veo-3.1-fast
---

## Scene 1: The lamp
- **Duration**: 8s
- **Prompt**: A great lens of cut glass begins to turn

### Extend
A gull lands on the rail.

### Upscale
4k
";

/// Time passes at the provider until every task is done.
fn an_hour_later(emulator: &Emulator) {
    emulator.control("POST", "/emulator/clock", "{\"advance_ms\": 3600000}");
}

/// The task of the create with these words in its prompt.
#[track_caller]
fn task_of(emulator: &Emulator, words: &str) -> Value {
    let bill = emulator.bill();
    let creates = bill["creates"].as_array().cloned().unwrap_or_default();
    let fits: Vec<&Value> = creates
        .iter()
        .filter(|create| create["body"]["prompt"].as_str().is_some_and(|text| text.contains(words)))
        .map(|create| &create["task_id"])
        .collect();
    assert_eq!(fits.len(), 1, "creates with `{words}`: {creates:#?}");
    fits[0].clone()
}

/// A storyboard whose tasks are at the provider and not done yet.
fn in_flight(text: &str) -> (Emulator, Project) {
    let emulator = Emulator::with(&["--task-time", "3600s"]);
    let project = Project::with_storyboard(text).using(&emulator);
    project.write("refs/rock.png", b"\x89PNG\r\n\x1a\nA rock, as far as anybody here looks");
    project.run(["render", "--submit-only"]).expect(8);
    (emulator, project)
}

fn status(project: &Project) -> Value {
    project.run(["status", "--json"]).expect(0).json()
}

/// Renders the changed storyboard while the old task runs, then lets both end: the changed scene is published from its own
/// task, the old take is kept in the cache, and the storyboard as it was gets it back without a request.
#[track_caller]
fn overtaken(emulator: &Emulator, project: &Project, old: &str, new: &dyn Fn()) {
    let before = project.read("SCENES.md");
    let paid = charged(emulator);
    let sent = accepted(emulator).len();
    new();
    let plan = project.run(["plan", "--json"]).expect(0).json();
    let scene = &plan["scenes"][0];
    assert_eq!(
        (&scene["action"], &scene["steps"][0]["action"]),
        (&json!("create"), &json!("create"))
    );
    assert_eq!(plan["summary"]["credits"], 60, "{plan:#}");
    assert_eq!(scene["notes"][0]["code"], "take-kept", "{scene:#}");
    project.run(["plan"]).expect(0).prints(&[
        "1 to create",
        "take 1 was sent before the scene changed and is paid for: it is collected, and kept",
    ]);
    assert_eq!(accepted(emulator).len(), sent, "plans send nothing");

    project.run(["render", "--submit-only"]).expect(8);
    assert_eq!(accepted(emulator).len(), sent + 1);
    project.run(["render", "--submit-only"]).expect(8);
    assert_eq!(accepted(emulator).len(), sent + 1, "the new request is in flight, too");
    project
        .run(["status"])
        .expect(0)
        .prints(&["scene 1 generate take 1", "scene 1 generate take 2"]);
    an_hour_later(emulator);
    project.run(["render"]).expect(0);
    assert_eq!(accepted(emulator).len(), sent + 1);
    assert_eq!(charged(emulator), paid + 60.0);
    assert_whole(project);
    assert_careful(emulator);
    let entry = current(project, &json!(1));
    assert_ne!(entry["task_id"], old, "the old task is not published for the new request");
    assert_eq!(entry["take"], 2);
    assert_eq!(status(project)["kept_takes"], 1);
    project
        .run(["status"])
        .expect(0)
        .prints(&["kept (asked for before an edit", "scene 1 take 1  generate"]);
    project.run(["render"]).expect(0).tells(&["nothing to do"]);

    let asked = requests(emulator);
    project.write("SCENES.md", before);
    project.write("refs/rock.png", b"\x89PNG\r\n\x1a\nA rock, as far as anybody here looks");
    let plan = project.run(["plan", "--json"]).expect(0).json();
    assert_eq!(plan["scenes"][0]["action"], "restore", "{plan:#}");
    assert_eq!(plan["summary"]["credits"], 0);
    project.run(["render", "--locked"]).expect(0);
    assert_eq!(requests(emulator), asked, "editing back asks nobody");
    assert_eq!(status(project)["kept_takes"], 0, "it has its place now");
    let entry = current(project, &json!(1));
    assert_eq!(entry["task_id"], old);
    assert_eq!(entry["take"], 1);
    assert_eq!(entry["sha256"], storyreel_digest(&clip(project, "01")));
    assert_whole(project);
    project.run(["render"]).expect(0).tells(&["nothing to do"]);
    new();
    project.run(["render", "--locked"]).expect(0);
    assert_eq!(requests(emulator), asked, "and forth again");
    assert_eq!(current(project, &json!(1))["take"], 2);
}

#[test]
fn an_edited_scene_is_paid_once_and_the_overtaken_take_is_kept() {
    let (emulator, project) = in_flight(THREE);
    let old = task_of(&emulator, "at dawn");
    overtaken(&emulator, &project, old.as_str().expect("a task"), &|| {
        project.write("SCENES.md", THREE.replace("at dawn", "at dusk"));
    });
}

#[test]
fn a_changed_reference_is_another_request() {
    let text = THREE.replacen("- **Prompt**", "- **Reference**: refs/rock.png\n- **Prompt**", 1);
    let (emulator, project) = in_flight(&text);
    let old = task_of(&emulator, "at dawn");
    overtaken(&emulator, &project, old.as_str().expect("a task"), &|| {
        project.write("refs/rock.png", b"\x89PNG\r\n\x1a\nAnother rock, as far as anybody looks");
    });
}

#[test]
fn an_edited_template_is_another_request() {
    let text = THREE.replacen("- **Prompt**", "- **Visual**", 1);
    let (emulator, project) = in_flight(&text);
    let old = task_of(&emulator, "at dawn");
    let old = old.as_str().expect("a task");
    project.write("prompts/veo.jinja", "{{ visual }}, in ink");
    assert_eq!(actions(&project)["1"], "create");
    an_hour_later(&emulator);
    project.run(["render", "--submit-only"]).expect(8);
    an_hour_later(&emulator);
    project.run(["render"]).expect(0);
    assert_eq!(charged(&emulator), 240.0);
    let entry = current(&project, &json!(1));
    assert_ne!(entry["task_id"], old);
    assert!(entry["prompt"].as_str().is_some_and(|text| text.ends_with("in ink")), "{entry:#}");
    std::fs::remove_file(project.path("prompts/veo.jinja")).expect("a template");
    project.run(["render", "--locked"]).expect(0);
    assert_eq!(current(&project, &json!(1))["task_id"], old);
    assert_eq!(charged(&emulator), 240.0);
}

#[test]
fn a_deleted_scene_is_collected_and_comes_back_free_under_any_id() {
    let (emulator, project) = in_flight(THREE);
    let old = task_of(&emulator, "at dawn");
    let (head, scenes) = THREE.split_once("## Scene 1").expect("scene 1");
    let (first, others) = scenes.split_once("\n## ").expect("scene 2");
    project.write("SCENES.md", format!("{head}## {others}"));
    an_hour_later(&emulator);
    project.run(["render"]).expect(0).tells(&["2 rendered"]);
    assert!(!project.has("public/assets/clips/scene-01.mp4"));
    assert_eq!(status(&project)["kept_takes"], 1);
    assert_eq!(status(&project)["running"], json!([]));
    project.run(["render"]).expect(0).tells(&["nothing to do"]);

    let asked = requests(&emulator);
    for id in ["9", "1"] {
        project.write("SCENES.md", format!("{head}## Scene {id}{first}\n## {others}"));
        let action = actions(&project)[id].clone();
        assert!(["restore", "move"].contains(&action.as_str()), "{action}");
        project.run(["render", "--locked"]).expect(0);
        assert_eq!(current(&project, &json!(id.parse::<u32>().expect("a number")))["task_id"], old);
        assert_whole(&project);
        project.run(["render"]).expect(0).tells(&["nothing to do"]);
    }
    assert_eq!(requests(&emulator), asked);
    assert_eq!(charged(&emulator), 180.0);
}

#[test]
fn a_renumbered_scene_takes_its_task_along() {
    let (emulator, project) = in_flight(THREE);
    let old = task_of(&emulator, "at dawn");
    project.write("SCENES.md", THREE.replace("Scene 1:", "Scene 7:"));
    assert_eq!(actions(&project)["7"], "resume");
    project.run(["render", "--submit-only"]).expect(8);
    an_hour_later(&emulator);
    project.run(["render"]).expect(0).tells(&["3 rendered"]);
    assert_eq!(current(&project, &json!(7))["task_id"], old);
    assert_eq!(charged(&emulator), 180.0);
    assert_eq!(status(&project)["kept_takes"], 0);
    assert_whole(&project);
    assert_careful(&emulator);
    project.run(["render"]).expect(0).tells(&["nothing to do"]);
}

#[test]
fn a_renumbered_and_edited_scene_leaves_its_task_behind() {
    let (emulator, project) = in_flight(THREE);
    let edited = THREE.replace("Scene 1:", "Scene 7:").replace("at dawn", "at dusk");
    project.write("SCENES.md", edited);
    assert_eq!(actions(&project)["7"], "create");
    project.run(["render", "--submit-only"]).expect(8);
    an_hour_later(&emulator);
    project.run(["render"]).expect(0);
    assert_eq!(charged(&emulator), 240.0);
    assert_eq!(current(&project, &json!(7))["task_id"], task_of(&emulator, "at dusk"));
    // Back again under the new id, and forth under the old one.
    let asked = requests(&emulator);
    project.write("SCENES.md", THREE.replace("Scene 1:", "Scene 7:"));
    project.run(["render", "--locked"]).expect(0);
    assert_eq!(current(&project, &json!(7))["task_id"], task_of(&emulator, "at dawn"));
    assert_eq!(requests(&emulator), asked);
    assert_whole(&project);
}

#[test]
fn an_edit_of_a_later_step_goes_on_with_the_first_one() {
    let (emulator, project) = in_flight(CHAIN);
    let first = task_of(&emulator, "great lens");
    project.write("SCENES.md", CHAIN.replace("A gull lands", "A moth lands"));
    let plan = project.run(["plan", "--json"]).expect(0).json();
    let steps: Vec<&Value> = plan["scenes"][0]["steps"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|step| &step["action"])
        .collect();
    assert_eq!(steps, ["resume", "create", "create"], "{plan:#}");
    assert_eq!(plan["summary"]["credits"], 180, "the extension and the upgrade");
    project
        .run(["plan"])
        .expect(0)
        .prints(&["steps: generate resume, extend 60, upscale 120", " 180"]);
    // Even where the run ends before it has done anything, the next one knows.
    project.run(["render", "--submit-only"]).expect(8);
    an_hour_later(&emulator);
    project.run(["render", "--submit-only"]).expect(8);
    an_hour_later(&emulator);
    project.run(["render", "--submit-only"]).expect(8);
    an_hour_later(&emulator);
    project.run(["render"]).expect(0).tells(&["1 rendered"]);
    assert_eq!(accepted(&emulator).len(), 2, "a generate and an extend");
    assert_eq!(charged(&emulator), 240.0);
    let entry = current(&project, &json!(1));
    assert_eq!(entry["steps"][0]["task_id"], first);
    assert_eq!(entry["steps"][1]["task_id"], task_of(&emulator, "A moth lands"));
    assert_whole(&project);
    assert_careful(&emulator);
    project.run(["render"]).expect(0).tells(&["nothing to do"]);
}

#[test]
fn an_edit_of_the_step_in_flight_uses_the_clip_before_it_again() {
    let emulator = Emulator::with(&["--task-time", "0", "--task-time", "veo-extend=3600s"]);
    let text = CHAIN.replace("\n### Upscale\n4k\n", "");
    let project = Project::with_storyboard(&text).using(&emulator);
    for _ in 0..2 {
        project.run(["render", "--submit-only"]).expect(8);
    }
    assert_eq!(accepted(&emulator).len(), 2);
    let edited = text.replace("A gull lands", "A moth lands");
    project.write("SCENES.md", &edited);
    let plan = project.run(["plan", "--json"]).expect(0).json();
    assert_eq!(plan["summary"]["credits"], 60, "{plan:#}");
    assert_eq!(plan["scenes"][0]["steps"][0]["action"], "unchanged");
    project.run(["render", "--submit-only"]).expect(8);
    an_hour_later(&emulator);
    project.run(["render"]).expect(0);
    assert_eq!(accepted(&emulator).len(), 3, "one generate and two extensions");
    assert_eq!(charged(&emulator), 180.0);
    let entry = current(&project, &json!(1));
    assert_eq!(entry["steps"][1]["task_id"], task_of(&emulator, "A moth lands"));
    let asked = requests(&emulator);
    project.write("SCENES.md", &text);
    project.run(["render", "--locked"]).expect(0);
    assert_eq!(
        current(&project, &json!(1))["steps"][1]["task_id"],
        task_of(&emulator, "A gull lands")
    );
    assert_eq!(requests(&emulator), asked);
    assert_whole(&project);
    assert_careful(&emulator);
}

#[test]
fn another_hand_and_another_format_ask_nobody() {
    let (emulator, project) = rendered();
    let (asked, manifest) = (requests(&emulator), project.read(MANIFEST));
    let clips: Vec<Vec<u8>> = ["01", "02", "03"].map(|scene| clip(&project, scene)).into();
    let yaml = "\
# The same film, the other way round.
scenes:
  - prompt: >-
      A great lens of cut glass
      begins to turn
    id: 3
    duration: \"0:00-0:04\"
    notes: slower
  - {id: 1, duration: 6 seconds, title: First light, prompt: \"A lone lighthouse on a basalt skerry at dawn\"}
  - {duration: 8.0, prompt: 'An iron spiral staircase by lamplight', id: 2}
model: Veo 3.1 Fast
";
    let loose = "\u{feff}".to_owned()
        + &THREE
            .replace("---\nmodel: veo-3.1-fast\n---\n", "")
            .replace("- **Duration**: 8s", "* duration: 8 seconds   \n\n<!-- longer? -->")
            .replace("- **Prompt**:", "* **PROMPT:**")
            .replace("basalt skerry", "basalt\n  skerry")
            .replace('\n', "\r\n");
    for (name, text, config) in [
        (
            "SCENES.md",
            loose.as_str(),
            "[defaults]\nmodel = \"VEO 3.1 Fast\"\naspect_ratio = \"16x9\"\n",
        ),
        ("storyboard.yaml", yaml, ""),
        ("SCENES.md", THREE, "[defaults]\nresolution = \"720P\"\n"),
    ] {
        for old in ["SCENES.md", "storyboard.yaml"] {
            let _ = std::fs::remove_file(project.path(old));
        }
        project.write(name, text);
        project.write("storyreel.toml", config);
        project.run(["plan", "--detailed-exitcode"]).expect(0);
        project
            .run(["render", "--locked"])
            .expect(0)
            .tells(&["nothing to do: 3 scenes up to date"]);
    }
    assert_eq!(requests(&emulator), asked);
    assert_eq!(project.read(MANIFEST), manifest);
    for (scene, old) in ["01", "02", "03"].iter().zip(&clips) {
        assert_eq!(&bytes(&project, &format!("public/assets/clips/scene-{scene}.mp4")), old);
    }
}

#[test]
fn an_upgraded_catalogue_asks_nobody() {
    let (emulator, project) = rendered();
    let asked = requests(&emulator);
    let veo = include_str!("../../catalog/kie/veo.toml");
    project.write(
        "catalog/veo.toml",
        veo.replace("default = \"720p\"", "default = \"1080p\"")
            .replace("values = [4, 6, 8]\ndefault = 8", "values = [5, 10]\ndefault = 10")
            .replace("credits = 60", "credits = 90"),
    );
    project.run(["plan", "--detailed-exitcode"]).expect(0);
    project
        .run(["plan", "--all"])
        .expect(0)
        .prints(&["this version of storyreel would ask in other words"]);
    project.run(["render", "--locked"]).expect(0).tells(&["nothing to do: 3 scenes up to date"]);
    assert_eq!(requests(&emulator), asked);
    // An edit is paid for, as it is asked for today, and the others stay.
    project.write("SCENES.md", THREE.replace("at dawn", "at dusk"));
    let plan = project.run(["plan", "--json"]).expect(0).json();
    let reasons = plan["scenes"][0]["reasons"].as_array().cloned().unwrap_or_default();
    assert_eq!(reasons.len(), 1, "{reasons:#?}");
    assert_eq!(reasons[0]["part"], "prompt");
    assert_eq!(plan["summary"]["unchanged"], 2);
}
