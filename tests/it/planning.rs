//! What is planned, against manifests and ledgers made by hand: the rules of what counts as changed.

use crate::film::{DAY, Film as Project, actions, all_unchanged, codes, has_note};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use storyreel::known::{KnownInput, Output};
use storyreel::manifest::Manifest;
use storyreel::plan::{Action, Selection, StepStart, Work};
use storyreel::prompt::Templates;
use storyreel::record::{AttemptState, TakeState};
use storyreel::storyboard::{SceneId, StepKind};

const BOARD: &str = "\
---
model: veo-3.1-fast
style: 35mm film
---
## Scene 1: First light
- **Duration**: 6s
- **Visual**: A lone lighthouse on a basalt rock
- **Camera**: Slow dolly in

## Scene 2: The stair
- **Duration**: 4s
- **Visual**: An iron stair in whitewashed stone

### Extend
The camera keeps climbing past the window.

## Scene 3: The wave
- **Duration**: 8s
- **Visual**: A wave climbs the tower

### Upscale
4k
";

#[test]
fn a_new_storyboard_is_created_step_by_step() {
    let planned = Project::new().plan(BOARD);
    assert!(planned.plan.scenes.iter().all(|scene| scene.action == Action::Create));
    // 60 for each generate, 60 for the extend, 120 for the 4K upgrade.
    assert_eq!(planned.plan.summary.credits, 360.0);
    assert_eq!(planned.plan.summary.usd, 1.8);
    let second = &planned.plan.scenes[1];
    assert_eq!(second.steps.len(), 2);
    assert!(second.steps[0].fingerprint.is_some());
    assert_eq!(second.steps[1].fingerprint, None, "the clip before does not exist yet");
    assert_eq!(second.steps[1].request["taskId"], json!({"$previous": "task"}));
    assert_eq!(second.steps[1].endpoint, "POST /api/v1/veo/extend");
    assert_eq!(planned.plan.scenes[2].steps[1].endpoint, "POST /api/v1/veo/get-4k-video");
    insta::assert_json_snapshot!("plan_of_a_new_storyboard", planned.plan);
}

#[test]
fn what_was_rendered_is_unchanged_and_stays_so() {
    let mut project = Project::new();
    project.render(BOARD);
    let planned = project.plan(BOARD);
    assert!(all_unchanged(&planned), "{:?}", actions(&planned));
    assert!(planned.plan.scenes.iter().all(|scene| scene.work.is_none()));
    assert!(planned.plan.orphans.is_empty());
}

#[test]
fn cosmetic_edits_change_nothing() {
    let mut project = Project::new();
    project.render(BOARD);
    let scenes: Vec<&str> = BOARD.split("## Scene ").collect();
    let reordered = format!(
        "{}## Scene {}\n## Scene {}\n## Scene {}",
        scenes[0], scenes[3], scenes[1], scenes[2]
    );
    for (name, text) in [
        ("windows line ends", BOARD.replace('\n', "\r\n")),
        ("byte order mark", format!("\u{feff}{BOARD}")),
        ("comments", BOARD.replace("- **Camera**", "<!-- slow, really -->\n- **Camera**")),
        ("wrapping", BOARD.replace("A lone lighthouse on", "A lone lighthouse\n  on")),
        ("order of scenes", reordered),
        ("order of fields", BOARD.replace(
            "- **Visual**: A lone lighthouse on a basalt rock\n- **Camera**: Slow dolly in\n",
            "- **Camera**: Slow dolly in\n- **Visual**: A lone lighthouse on a basalt rock\n",
        )),
        ("editorial fields", BOARD.replace(
            "- **Duration**: 8s\n",
            "- **Duration**: 8s\n- **Transition Out**: crossfade\n- **Voiceover**: Long ago\n- **Notes**: check the foam\n",
        )),
        ("title", BOARD.replace("The wave", "The big wave")),
    ] {
        let planned = project.plan(&text);
        assert!(all_unchanged(&planned), "{name}: {:?} {:?}", actions(&planned), codes(&planned, 0));
    }
}

#[test]
fn a_changed_word_renders_that_scene_only_and_says_which() {
    let mut project = Project::new();
    project.render(BOARD);
    let planned = project.plan(&BOARD.replace("basalt rock", "granite rock"));
    assert_eq!(
        actions(&planned),
        [("1".into(), "update"), ("2".into(), "unchanged"), ("3".into(), "unchanged")]
    );
    let reason = &planned.plan.scenes[0].reasons[0];
    assert_eq!((reason.code, reason.part.as_deref()), ("prompt-changed", Some("prompt")));
    assert!(reason.old.as_ref().unwrap().as_str().unwrap().contains("basalt"));
    assert!(reason.new.as_ref().unwrap().as_str().unwrap().contains("granite"));
    assert_eq!(planned.plan.summary.credits, 60.0);
}

#[test]
fn each_field_that_reaches_the_request_changes_its_scene_and_is_named() {
    let mut project = Project::new();
    project.render(BOARD);
    for (line, expected) in [
        ("- **Camera**: Pan left", "prompt-changed prompt"),
        ("- **Camera**: Slow dolly in\n- **Lighting**: dusk", "prompt-changed prompt"),
        ("- **Camera**: Slow dolly in\n- **Dialogue**: Ada: Not tonight.", "prompt-changed prompt"),
        ("- **Camera**: Slow dolly in\n- **SFX**: waves", "prompt-changed prompt"),
        ("- **Camera**: Slow dolly in\n- **Aspect Ratio**: 9:16", "parameter-changed aspect_ratio"),
        ("- **Camera**: Slow dolly in\n- **Resolution**: 1080p", "parameter-changed resolution"),
        ("- **Camera**: Slow dolly in\n- **Seed**: 12345", "parameter-changed seeds"),
        ("- **Camera**: Slow dolly in\n- **Model**: Veo 3.1", "model-changed model"),
        ("- **Camera**: Slow dolly in\n- **Clip length**: 8s", "parameter-changed duration"),
        (
            "- **Camera**: Slow dolly in\n- **Reference**: https://example.com/a.png",
            "reference-changed imageUrls",
        ),
        ("- **Camera**: Slow dolly in\n- **Params**: watermark=me", "parameter-changed watermark"),
    ] {
        let planned = project.plan(&BOARD.replace("- **Camera**: Slow dolly in", line));
        assert_eq!(planned.plan.scenes[0].action, Action::Update, "{line}");
        assert!(
            codes(&planned, 0).contains(&expected.to_owned()),
            "{line}: {:?}",
            codes(&planned, 0)
        );
        assert!(
            planned.plan.scenes[1..].iter().all(|scene| scene.action == Action::Unchanged),
            "{line}"
        );
    }
}

#[test]
fn another_model_is_the_only_reason_whatever_its_parameters_are() {
    let board = "## Scene 1\n- **Prompt**: A red kite over grey dunes\n- **Duration**: 8s\n- **Model**: Veo 3.1\n";
    let mut project = Project::new();
    project.render(board);
    let planned = project.plan(&board.replace("8s", "5s").replace("Veo 3.1", "Kling 2.6"));
    assert_eq!(codes(&planned, 0), ["model-changed model"]);
}

#[test]
fn film_length_is_not_clip_length() {
    let mut project = Project::new();
    project.render(BOARD);
    // 5 and 6 seconds of film are both a 6 second clip.
    let planned = project.plan(&BOARD.replace("6s", "5s"));
    assert!(all_unchanged(&planned));
    let scene = &planned.plan.scenes[0];
    assert_eq!((scene.duration, scene.clip_length), (Some(5.0), Some(6.0)));
    assert_eq!(scene.notes[0].message, "5 s of 6 s");
    // 3 seconds are a shorter clip.
    let planned = project.plan(&BOARD.replace("6s", "3s"));
    assert_eq!(codes(&planned, 0), ["parameter-changed duration"]);
}

#[test]
fn too_long_for_one_clip_is_an_error_unless_it_is_extended() {
    let project = Project::new();
    let errors =
        project.try_plan(&BOARD.replace("- **Duration**: 6s", "- **Duration**: 12s")).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].starts_with("too-long"), "{errors:?}");
    let planned = project.plan(&BOARD.replace("- **Duration**: 4s", "- **Duration**: 14s"));
    let scene = &planned.plan.scenes[1];
    assert_eq!(scene.clip_length, Some(15.0));
    assert_eq!(scene.steps[0].request["duration"], json!(8));
}

#[test]
fn a_changed_step_pays_from_there_on() {
    let mut project = Project::new();
    project.render(BOARD);
    let planned = project.plan(&BOARD.replace("past the window", "past the door"));
    let scene = &planned.plan.scenes[1];
    assert_eq!(scene.action, Action::Update);
    assert_eq!(scene.steps[0].action, Action::Unchanged);
    assert_eq!(scene.steps[1].action, Action::Update);
    assert_eq!(planned.plan.summary.credits, 60.0, "only the extend is paid");
    let Some(Work::Render(work)) = &scene.work else { panic!("no render") };
    assert!(matches!(&work.steps[0].start, StepStart::Done(clip) if clip.task_id.is_some()));
    assert_eq!(work.take, 2);
    assert!(scene.steps[1].fingerprint.is_some(), "the clip it goes on from is known");
}

#[test]
fn an_added_step_keeps_what_was_rendered() {
    let mut project = Project::new();
    project.render(BOARD);
    let planned = project.plan(&BOARD.replace("dolly in\n", "dolly in\n\n### Upscale\n1080p\n"));
    assert_eq!(planned.plan.summary.credits, 5.0);
    assert_eq!(codes(&planned, 0), ["steps-changed steps"]);
}

#[test]
fn a_chain_without_its_last_step_is_here_already() {
    let mut project = Project::new();
    project.render(BOARD);
    let shorter = BOARD.replace("\n### Upscale\n4k\n", "");
    // Where the clip before it is not here any more, its step is made again, and only that.
    let planned = project.plan(&shorter);
    assert_eq!(
        (planned.plan.scenes[2].action, planned.plan.summary.credits),
        (Action::Update, 60.0)
    );
    project.known.cached.insert("sha256:vid-003-0".into());
    let planned = project.plan(&shorter);
    assert_eq!(planned.plan.scenes[2].action, Action::Restore);
    assert_eq!(codes(&planned, 2), ["steps-changed steps"]);
    assert_eq!(planned.plan.summary.credits, 0.0);
    let Some(Work::Render(work)) = &planned.plan.scenes[2].work else { panic!("no work") };
    assert!(
        matches!(&work.steps[0].start, StepStart::Done(clip) if clip.sha256 == "sha256:vid-003-0")
    );
    project.render(&shorter);
    assert!(all_unchanged(&project.plan(&shorter)));
    assert_eq!(project.plan(BOARD).plan.scenes[2].action, Action::Restore, "and back again");
    // A retake is a retake.
    project.options.retake.add(&SceneId::Number(3), None);
    assert_eq!(project.plan(&shorter).plan.scenes[2].action, Action::Update);
}

#[test]
fn a_clip_upgraded_to_1080p_cannot_be_extended_any_more() {
    let mut project = Project::new();
    let upgraded = BOARD.replace("dolly in\n", "dolly in\n\n### Upscale\n1080p\n");
    project.render(&upgraded);
    let planned =
        project.plan(&BOARD.replace("dolly in\n", "dolly in\n\n### Extend\nThe lamp turns.\n"));
    let scene = &planned.plan.scenes[0];
    assert_eq!(scene.steps[0].action, Action::Update, "the generate is paid again");
    assert_eq!(planned.plan.summary.credits, 120.0);

    // Where nothing else has changed, the upgrade is the reason.
    let mut project = Project::new();
    let film = "## Scene 1\n- **Prompt**: A lamp turns.\n- **Duration**: 8s\n";
    project.render(&format!("{film}\n### Upscale\n1080p\n"));
    let planned = project.plan(&format!("{film}\n### Extend\nOn and on.\n"));
    assert!(codes(&planned, 0).contains(&"source-upgraded".to_owned()), "{:?}", codes(&planned, 0));
    assert_eq!(planned.plan.summary.credits, 120.0);
}

#[test]
fn nor_can_it_where_an_older_take_had_extended_it_before() {
    // The author's own prompt: the clip is the same, whatever comes after it.
    let film = |step: &str| {
        format!("## Scene 1\n- **Prompt**: A lamp.\n- **Duration**: 8s\n\n### {step}\n")
    };
    let mut project = Project::new();
    project.render(&film("Extend\nThe lamp turns."));
    project.render(&film("Upscale\n1080p"));
    let planned = project.plan(&film("Extend\nThe lamp stops."));
    assert_eq!(planned.plan.summary.credits, 120.0, "the generate is paid again");
    let undone = project.plan(&film("Extend\nThe lamp turns."));
    assert_eq!(undone.plan.summary.credits, 0.0, "an undo is free");
}

#[test]
fn a_source_older_than_the_provider_keeps_starts_over() {
    let mut project = Project::new();
    project.render(BOARD);
    project.known.now_ms += 60 * DAY;
    let planned = project.plan(&BOARD.replace("past the window", "past the door"));
    assert_eq!(planned.plan.summary.credits, 120.0);
    assert!(codes(&planned, 1).contains(&"source-expired".to_owned()), "{:?}", codes(&planned, 1));
}

#[test]
fn undo_is_free() {
    let mut project = Project::new();
    project.render(BOARD);
    let edited = BOARD.replace("basalt rock", "granite rock");
    project.render(&edited);
    assert!(all_unchanged(&project.plan(&edited)));
    let planned = project.plan(BOARD);
    assert_eq!(planned.plan.scenes[0].action, Action::Restore);
    assert_eq!(planned.plan.summary.credits, 0.0);
    let Some(Work::Restore(work)) = &planned.plan.scenes[0].work else { panic!("no restore") };
    assert_eq!(work.restored_from.as_deref(), Some("vid-001"));
    assert_eq!(work.entry.as_ref().unwrap().fields["take"], json!(1));
    project.render(BOARD);
    assert!(all_unchanged(&project.plan(BOARD)));
}

#[test]
fn an_inserted_scene_moves_the_others() {
    let mut project = Project::new();
    project.render(BOARD);
    let shifted = BOARD
        .replace("Scene 3:", "Scene 4:")
        .replace("Scene 2:", "Scene 3:")
        .replace("Scene 1:", "Scene 2:");
    let inserted = shifted.replace(
        "## Scene 2:",
        "## Scene 1: Before\n- **Visual**: The empty sea\n- **Duration**: 4s\n\n## Scene 2:",
    );
    let planned = project.plan(&inserted);
    let expected = [("1", "create"), ("2", "move"), ("3", "move"), ("4", "move")];
    assert_eq!(actions(&planned), expected.map(|(id, action)| (id.to_owned(), action)));
    assert_eq!(planned.plan.summary.credits, 60.0);
    assert_eq!(codes(&planned, 1), ["renumbered"]);
    assert!(planned.plan.orphans.is_empty());
    project.render(&inserted);
    assert!(all_unchanged(&project.plan(&inserted)), "{:?}", actions(&project.plan(&inserted)));
}

#[test]
fn footage_under_the_id_of_a_clip_does_not_keep_it_from_its_scene() {
    let mut project = Project::new();
    let sea = "- **Visual**: The sea\n- **Duration**: 4s\n";
    let footage = "- **File**: footage/sea.mp4\n";
    project.render(&format!("## Scene 1\n{footage}\n## Scene 2\n{sea}"));
    let swapped = format!("## Scene 2\n{footage}\n## Scene 1\n{sea}");
    let planned = project.plan(&swapped);
    assert_eq!(actions(&planned), [("2".into(), "skip"), ("1".into(), "move")]);
    // Where nobody else asks for the clip, it stays with the scene and is no orphan.
    let planned = project.plan(&format!("## Scene 2\n{footage}"));
    assert!(planned.plan.orphans.is_empty(), "{:?}", planned.plan.orphans);
}

#[test]
fn a_deleted_scene_leaves_an_orphan_and_identical_scenes_are_two_clips() {
    let mut project = Project::new();
    let twice = "## Scene 1\n- **Visual**: The sea\n- **Duration**: 4s\n\n## Scene 2\n- **Visual**: The sea\n- **Duration**: 4s\n";
    let planned = project.plan(twice);
    assert_eq!(planned.plan.summary.create, 2);
    assert_eq!(planned.plan.summary.credits, 120.0);
    project.render(twice);
    assert!(all_unchanged(&project.plan(twice)));
    let once = "## Scene 2\n- **Visual**: The sea\n- **Duration**: 4s\n";
    let planned = project.plan(once);
    assert_eq!(actions(&planned), [("2".into(), "unchanged")]);
    assert_eq!(planned.plan.orphans.len(), 1);
    assert_eq!(planned.plan.orphans[0].scene_id, SceneId::Number(1));
}

#[test]
fn a_missing_clip_is_restored_or_absent_and_never_paid() {
    let mut project = Project::new();
    project.render(BOARD);
    project.known.outputs.remove("assets/clips/scene-01.mp4");
    let planned = project.plan(BOARD);
    assert_eq!(planned.plan.scenes[0].action, Action::Absent);
    assert_eq!(planned.plan.summary.credits, 0.0);
    project.known.cached.insert("sha256:vid-001-0".into());
    assert_eq!(project.plan(BOARD).plan.scenes[0].action, Action::Restore);
    project.known.cached.clear();
    project.known.has_key = true;
    assert_eq!(
        project.plan(BOARD).plan.scenes[0].action,
        Action::Restore,
        "the provider still has it"
    );
    project.known.now_ms += 60 * DAY;
    assert_eq!(project.plan(BOARD).plan.scenes[0].action, Action::Absent);
    project.options.rerender_absent.add(&SceneId::Number(1), None);
    let planned = project.plan(BOARD);
    assert_eq!(planned.plan.scenes[0].action, Action::Update);
    assert_eq!(planned.plan.summary.credits, 60.0);
}

#[test]
fn a_file_edited_by_hand_is_a_note() {
    let mut project = Project::new();
    project.render(BOARD);
    let edited = Output::File { sha256: "sha256:edited".into() };
    project.known.outputs.insert("assets/clips/scene-01.mp4".into(), edited);
    let planned = project.plan(BOARD);
    assert!(all_unchanged(&planned));
    assert_eq!(planned.plan.scenes[0].notes[0].code, "output-modified");
    project.known.outputs.insert("assets/clips/scene-01.mp4".into(), Output::Pointer);
    assert_eq!(project.plan(BOARD).plan.scenes[0].action, Action::Absent);
}

#[test]
fn filters_and_retakes() {
    let mut project = Project::new();
    project.render(BOARD);
    let mut retake = Selection::default();
    retake.add(&SceneId::Number(2), Some(StepKind::Extend));
    retake.add(&SceneId::Number(3), None);
    project.options.retake = retake;
    let planned = project.plan(BOARD);
    assert_eq!(
        actions(&planned),
        [("1".into(), "unchanged"), ("2".into(), "update"), ("3".into(), "update")]
    );
    assert_eq!(
        planned.plan.scenes[1].steps[0].action,
        Action::Unchanged,
        "the retake begins at the extend"
    );
    assert_eq!(planned.plan.summary.credits, 60.0 + 60.0 + 120.0);
    let mut only = Selection::default();
    only.add(&SceneId::Number(2), None);
    project.options.only = Some(only);
    let planned = project.plan(BOARD);
    assert_eq!(planned.plan.summary.skip, 2);
    assert_eq!(codes(&planned, 0), ["filtered"]);
}

#[test]
fn an_edited_reference_changes_its_scene() {
    let mut project = Project::new();
    let with_reference = BOARD.replace("dolly in\n", "dolly in\n- **Reference**: refs/rock.png\n");
    let errors = project.try_plan(&with_reference).unwrap_err();
    assert_eq!(errors, ["missing-reference: the file `refs/rock.png` is missing"]);
    let file = |digest: &str| KnownInput::File {
        path: "/p/refs/rock.png".into(),
        sha256: digest.into(),
        seconds: None,
    };
    project.known.inputs = BTreeMap::from([("refs/rock.png".to_owned(), file("sha256:one"))]);
    let planned = project.plan(&with_reference);
    assert_eq!(
        planned.plan.scenes[0].steps[0].request["imageUrls"],
        json!([{"$file": "sha256:one"}])
    );
    assert!(planned.files.contains_key("sha256:one"));
    project.render(&with_reference);
    assert!(all_unchanged(&project.plan(&with_reference)));
    project.known.inputs.insert("refs/rock.png".to_owned(), file("sha256:two"));
    assert_eq!(codes(&project.plan(&with_reference), 0), ["reference-changed imageUrls"]);
}

#[test]
fn an_own_template_that_was_edited_renders_and_ours_does_not() {
    let mut project = Project::new();
    project.render(BOARD);
    let own =
        |text: &str| Templates::with_overrides(&[("veo".to_owned(), text.to_owned())]).unwrap();
    project.templates = own("{{ visual }} (own)").into();
    let planned = project.plan(BOARD);
    assert_eq!(codes(&planned, 0), ["template-changed prompt"]);
    project.render(BOARD);
    assert!(all_unchanged(&project.plan(BOARD)));
    project.templates = own("{{ visual }} (edited)").into();
    assert_eq!(codes(&project.plan(BOARD), 0), ["template-changed prompt"]);
    // Written differently, the same words come out: nothing to pay.
    project.templates = own("{{ visual }}{# a remark #} (own)").into();
    assert!(all_unchanged(&project.plan(BOARD)));
}

#[test]
fn a_newer_tool_that_would_ask_differently_is_a_note() {
    let mut project = Project::new();
    project.render(BOARD);
    // As if an older storyreel had composed other words from the same ask, and had not known one of the parameters.
    let text = project.known.manifest.to_text().replace("35mm film", "35 mm film!");
    let text = text
        .replace("\"style\":\"35 mm film!\"", "\"style\":\"35mm film\"")
        .replace("\"seeds\":null,", "");
    assert!(text.contains("35 mm film!"));
    project.known.manifest = Manifest::parse(&text).unwrap();
    let planned = project.plan(BOARD);
    assert!(all_unchanged(&planned), "{:?}", codes(&planned, 0));
    assert!(planned.plan.scenes[0].notes.iter().any(|note| note.code == "tool-changed"));
    // What the old entry does not know is ignored.
    let planned =
        project.plan(&BOARD.replace(
            "- **Camera**: Slow dolly in",
            "- **Camera**: Slow dolly in\n- **Seed**: 12345",
        ));
    assert!(all_unchanged(&planned), "{:?}", codes(&planned, 0));
}

#[test]
fn an_entry_of_another_tool_is_compared_by_prompt_and_model() {
    let mut project = Project::new();
    let board = "## Scene 1\n- **Prompt**: A red kite over grey dunes\n- **Duration**: 8s\n";
    let text = r#"{"version": "1.0", "assets": [{"id": "vid-001", "type": "video", "filename": "assets/clips/scene-01.mp4",
        "prompt": "A red kite over grey dunes", "model": "Veo 3.1 Fast", "parameters": {"duration": 8, "quality": "720p",
        "aspect_ratio": "16:9", "generationType": "TEXT_2_VIDEO", "endpoint": "/api/v1/veo/generate"},
        "created_at": "2026-11-22T10:00:00.000Z", "scene_id": 1, "version": 1}]}"#;
    project.known.manifest = Manifest::parse(text).unwrap();
    let output = Output::File { sha256: "sha256:x".into() };
    project.known.outputs = HashMap::from([("assets/clips/scene-01.mp4".to_owned(), output)]);
    assert!(all_unchanged(&project.plan(board)));
    let planned = project.plan(&board.replace("red", "blue"));
    assert_eq!(codes(&planned, 0), ["prompt-changed prompt"]);
}

#[test]
fn footage_and_cards_are_skipped() {
    let project = Project::new();
    let planned = project.plan(
        "## Scene 1\n- **Type**: title\n- **Text**: The end\n- **Visual**: A map\n\n## Scene 2\n- **Visual**: The sea\n- **Duration**: 4s\n\n\
         ## Scene 3\n- **File**: footage/a.mp4\n",
    );
    assert_eq!(
        actions(&planned),
        [("1".into(), "skip"), ("2".into(), "create"), ("3".into(), "skip")]
    );
    assert_eq!(codes(&planned, 0), ["image-scene"]);
}

#[test]
fn every_problem_is_found_in_one_pass() {
    let errors = Project::new()
        .try_plan(
            "## Scene 1\n- **Visual**: The sea\n- **Model**: Veo 3.2 Fast\n\n\
             ## Scene 2\n- **Visual**: The sea\n- **Seed**: 5\n- **Aspect Ratio**: 4:3\n\n\
             ## Scene 3\n- **Visual**: The sea\n- **Model**: Veo 3.1\n- **Reference**: https://a.test/1.png, https://a.test/2.png\n\n\
             ## Scene 4\n- **Visual**: The sea\n- **Params**: watermrk=me\n\n\
             ## Scene 5\n- **Visual**: The sea\n\n### Upscale\n8k\n",
        )
        .unwrap_err();
    insta::assert_snapshot!(errors.join("\n"));
}

// ---- what is on its way ----

#[test]
fn a_take_in_flight_belongs_to_its_request_only() {
    let mut project = Project::new();
    let take = project.submit(BOARD, 0);
    assert_eq!(project.plan(BOARD).plan.scenes[0].action, Action::Resume);
    let edited = BOARD.replace("basalt", "granite");
    let planned = project.plan(&edited);
    let scene = &planned.plan.scenes[0];
    assert_eq!(scene.action, Action::Create);
    assert_eq!(planned.collect.len(), 1, "it is paid for, so it is collected");
    assert!(has_note(scene, "take-kept"), "{:?}", scene.notes);
    let Some(Work::Render(work)) = &scene.work else { panic!("no work") };
    assert_eq!((work.take, work.open_take), (2, None));
    assert_eq!(work.steps[0].start, StepStart::Fresh);

    // Once it is here and kept, going back is free and going on is not.
    project.download(take);
    project.take(take).state = TakeState::Kept;
    let planned = project.plan(BOARD);
    assert_eq!(planned.plan.scenes[0].action, Action::Restore);
    assert_eq!(planned.plan.summary.credits, 300.0);
    assert_eq!(project.plan(&edited).plan.scenes[0].action, Action::Create);
}

#[test]
fn an_edited_template_does_not_take_what_is_in_flight_for_its_own() {
    let own =
        |text: &str| Templates::with_overrides(&[("veo".to_owned(), text.to_owned())]).unwrap();
    let mut project = Project::new();
    let take = project.submit(BOARD, 0);
    project.templates = own("{{ visual }} (own)").into();
    let planned = project.plan(BOARD);
    assert_eq!(planned.plan.scenes[0].action, Action::Create);
    assert_eq!(planned.collect.len(), 1);
    project.download(take);
    project.take(take).state = TakeState::Kept;
    assert_eq!(project.plan(BOARD).plan.scenes[0].action, Action::Create);
    project.templates = Templates::built_in().unwrap().into();
    assert_eq!(project.plan(BOARD).plan.scenes[0].action, Action::Restore);
    // Other words for the same template are no other prompt.
    let mut project = Project::new();
    project.templates = own("{{ visual }}").into();
    project.submit(BOARD, 0);
    project.templates = own("{{ visual }}{# a remark #}").into();
    assert_eq!(project.plan(BOARD).plan.scenes[0].action, Action::Resume);
}

#[test]
fn an_edit_of_a_later_step_does_not_pay_for_the_one_in_flight_again() {
    let mut project = Project::new();
    let take = project.submit(BOARD, 1);
    let edited = BOARD.replace("past the window", "past the door");
    let planned = project.plan(&edited);
    let scene = &planned.plan.scenes[1];
    assert_eq!(scene.action, Action::Resume);
    let steps: Vec<Action> = scene.steps.iter().map(|step| step.action).collect();
    assert_eq!(steps, [Action::Resume, Action::Create]);
    let Some(Work::Render(work)) = &scene.work else { panic!("no work") };
    assert_eq!((work.take, work.open_take), (1, Some(take)));
    assert!(planned.collect.is_empty());
    let (redirected, ask, kinds) = &planned.redirected_takes[0];
    assert_eq!((*redirected, ask), (take, &work.ask));
    assert_eq!(kinds, &[StepKind::Generate, StepKind::Extend]);
    // The same with a step more, and with one less of those that follow.
    let more = edited.replace("door.\n", "door.\n\n### Upscale\n4k\n");
    assert_eq!(project.plan(&more).redirected_takes.len(), 1);
    // Nothing of the kind where what was sent is not what is asked for.
    let planned = project.plan(&edited.replace("An iron stair", "A wooden stair"));
    assert!(planned.redirected_takes.is_empty());
    assert_eq!(planned.collect.len(), 1);

    // The extension itself is in flight: the first clip is used again, and the extension kept.
    let clip = project.download(take);
    let planned = project.plan(BOARD);
    let Some(Work::Render(work)) = planned.plan.scenes[1].work.clone() else { panic!("no work") };
    project.send(&work, take, 1);
    let planned = project.plan(&edited);
    assert!(planned.redirected_takes.is_empty());
    assert_eq!(planned.collect.len(), 1);
    let Some(Work::Render(work)) = &planned.plan.scenes[1].work else { panic!("no work") };
    assert!(matches!(&work.steps[0].start, StepStart::Done(done) if done.sha256 == clip));
    assert_eq!((work.take, &work.steps[1].start), (2, &StepStart::Fresh));
}

#[test]
fn a_retake_in_flight_is_gone_on_with_only_where_that_spares_something() {
    let mut project = Project::new();
    let story =
        BOARD.replace("past the window.\n", "past the window.\n\n### Extend\nThe stair ends.\n");
    project.render(&story);
    project.options.retake.add(&SceneId::Number(2), None);
    project.submit(&story, 1);
    let edited = story.replace("The stair ends", "A door opens");
    // Asked for again, it is not doubled.
    let planned = project.plan(&edited);
    assert_eq!(planned.redirected_takes.len(), 1);
    assert_eq!(planned.plan.scenes[1].action, Action::Resume);
    // Else the two clips that are here leave one extension to pay for, and the retake is kept.
    project.options.retake = Selection::default();
    let planned = project.plan(&edited);
    assert_eq!(planned.plan.summary.credits, 60.0);
    assert_eq!((planned.redirected_takes.len(), planned.collect.len()), (0, 1));
    // Unchanged, the retake is collected as what it is.
    assert_eq!(project.plan(&story).plan.scenes[1].action, Action::Resume);
}

#[test]
fn an_unknown_submission_of_the_same_first_step_blocks_a_changed_chain() {
    let mut project = Project::new();
    let take = project.submit(BOARD, 1);
    project.last_attempt(take).state = AttemptState::Unknown;
    let planned = project.plan(&BOARD.replace("past the window", "past the door"));
    assert_eq!(planned.plan.scenes[1].action, Action::Blocked);
    assert_eq!(codes(&planned, 1), ["unknown-submission"]);
    assert!(planned.redirected_takes.is_empty());
    // Given up, it is asked for again.
    project.last_attempt(take).state = AttemptState::Forgotten;
    let planned = project.plan(&BOARD.replace("past the window", "past the door"));
    assert_eq!(planned.plan.scenes[1].action, Action::Create);
}

#[test]
fn a_take_follows_its_scene_to_another_id_in_flight_and_kept() {
    let mut project = Project::new();
    let take = project.submit(BOARD, 0);
    let renumbered = BOARD.replace("Scene 1:", "Scene 7:");
    let planned = project.plan(&renumbered);
    assert_eq!(planned.plan.scenes[0].action, Action::Resume);
    assert_eq!(planned.moved_takes.len(), 1);
    assert_eq!(planned.moved_takes[0].1.scene, "7");

    // Deleted, collected and written again under another id.
    project.download(take);
    project.take(take).state = TakeState::Kept;
    let planned = project.plan(&renumbered);
    assert_eq!(planned.plan.scenes[0].action, Action::Restore);
    // Of two scenes that ask for it one gets it.
    let (_, scene) = renumbered.split_once("## Scene 7").unwrap();
    let (scene, _) = scene.split_once("\n## ").unwrap();
    let twice = format!("{renumbered}\n## Scene 8{scene}");
    let planned = project.plan(&twice);
    let found =
        |action: Action| planned.plan.scenes.iter().filter(|scene| scene.action == action).count();
    assert_eq!((found(Action::Restore), found(Action::Create)), (1, 3), "{:?}", actions(&planned));
    // Published once, it belongs to that scene.
    project.render(&renumbered);
    let planned = project.plan(&twice);
    assert_eq!(planned.plan.scenes[3].action, Action::Create, "{:?}", actions(&planned));
}

// ---- what cannot be built ----

/// A scene of Veo with more lines below its fields.
fn scene(rest: &str) -> String {
    format!("## Scene 1\n- **Visual**: The sea\n- **Duration**: 8s\n{rest}")
}

#[test]
fn later_steps_cover_the_clip_and_keep_the_sound_that_the_scene_asks_for() {
    let film = Project::new();
    let board = |model: &str, rest: &str| {
        format!("## Scene 1\n- **Model**: {model}\n- **Visual**: The sea\n{rest}")
    };
    let steps = |board: &str| film.plan(board).plan.scenes[0].steps.clone();
    let remade = steps(&board("Wan 2.6", "- **Duration**: 10s\n\n### Restyle\nIn ink.\n"));
    assert_eq!(remade[1].request["input"]["duration"], json!("10"));
    let heard =
        steps(&board("PixVerse V6", "- **Duration**: 5s\n- **Audio**: on\n\n### Extend\nOn.\n"));
    for step in &heard {
        assert_eq!(step.request["input"]["generate_audio_switch"], json!(true));
    }
    let fixed =
        board("Veo 3.1 Fast", "- **Duration**: 15s\n\n### Extend\nOn.\n- **Clip Length**: 4s\n");
    let errors = film.errors(&fixed);
    assert!(errors[0].contains("7 s"), "{errors:?}");
}

#[test]
fn a_chain_in_an_order_that_cannot_work_is_refused_at_the_step() {
    let film = Project::new();
    let two = film.errors(&scene(
        "\n### Upscale\n4k\n\n### Extend\nOn.\n\n### Generate\n- **Seed**: 12345\n",
    ));
    assert_eq!(
        two,
        [
            "8: step-order: an upscaled clip cannot be extended (extend first, upscale last)",
            "11: step-order: `generate` comes first in a chain (put it before the other steps, or leave it out: every \
             scene starts with a generate)",
        ]
    );
    let runway = scene("- **Model**: Runway\n- **Resolution**: 1080p\n\n### Extend\nOn.\n")
        .replace("8s", "5s");
    let runway = film.errors(&runway);
    assert!(
        runway[0].contains("step-source: `Runway` cannot extend a clip made with quality"),
        "{runway:?}"
    );
    let twice = film.errors(&scene("\n### Upscale\n4k\n\n### Upscale\n4k\n"));
    assert!(twice[0].starts_with("8: step-order: the clip is upscaled twice"), "{twice:?}");
    let lipsync = film.errors(&scene("\n### Lipsync\nIn ink.\n"));
    assert!(lipsync[0].starts_with("5: nothing-to-say: "), "{lipsync:?}");
    assert_eq!(
        film.errors(&scene("\n### Upscale\n8k\n")),
        [
            "6: no-such-upscale: `Veo 3.1 Fast` cannot upscale to `8k` (it can do `1080p`, `4k`; `topaz 2x` upscales any clip)"
        ]
    );
    let kling = scene("- **Model**: Kling 2.6\n\n### Extend\nOn.\n\n### Upscale\n4k\n");
    let kling = film.errors(&kling.replace("8s", "5s"));
    assert_eq!(
        kling,
        [
            "6: no-such-step: `Kling 2.6` cannot extend a clip (leave the step out, or choose a Veo model)",
            "10: no-such-upscale: `Kling 2.6` cannot upscale to `4k` (`topaz 2x` and `topaz 4x` upscale any clip)",
        ]
    );
}

#[test]
fn a_chain_reaches_as_far_as_its_extensions_and_no_farther() {
    let film = Project::new();
    let long = |seconds: u32, extensions: usize| {
        scene(&"\n### Extend\nOn.\n".repeat(extensions)).replace("8s", &format!("{seconds}s"))
    };
    for (seconds, extensions, base, whole) in [
        (4, 0, 4, 4.0),
        (4, 1, 4, 11.0),
        (9, 1, 8, 15.0),
        (15, 1, 8, 15.0),
        (16, 2, 8, 22.0),
        (22, 2, 8, 22.0),
    ] {
        let planned = film.plan(&long(seconds, extensions));
        let scene = &planned.plan.scenes[0];
        assert_eq!(
            scene.steps[0].request["duration"], base,
            "{seconds} s, {extensions} extensions"
        );
        assert_eq!(scene.clip_length, Some(whole), "{seconds} s, {extensions} extensions");
    }
    for (seconds, extensions) in [(9, 0), (16, 1), (23, 2)] {
        let errors = film.errors(&long(seconds, extensions));
        assert!(errors[0].starts_with("3: too-long: "), "{errors:?}");
    }
    let errors = film.errors(&scene("- **Clip length**: 9s\n"));
    assert!(errors[0].starts_with("4: too-long: "), "{errors:?}");
}

#[test]
fn a_clip_that_goes_on_ends_on_a_clean_frame_and_the_last_one_does_not() {
    let film = Project::new();
    let planned = film.plan(&scene(
        "\n### Extend\n- **Visual**: A sail\n\n### Extend\n- **Visual**: A gull\n- **SFX**: its cry\n\n### Upscale\n4k\n",
    ));
    let prompts: Vec<&str> =
        planned.plan.scenes[0].steps.iter().filter_map(|step| step.prompt.as_deref()).collect();
    assert_eq!(prompts.len(), 3);
    let goes_on: Vec<bool> = prompts.iter().map(|prompt| prompt.contains("stable frame")).collect();
    assert_eq!(goes_on, [true, true, false], "{prompts:?}");
    assert!(prompts[2].contains("its cry"), "what is heard is told of an extension, too");
    let alone = film.plan(&scene("\n### Upscale\n4k\n"));
    let prompt = alone.plan.scenes[0].steps[0].prompt.as_deref().unwrap();
    assert!(!prompt.contains("stable frame"), "{prompt}");
}

#[test]
fn a_field_that_a_model_has_no_use_for_is_an_error_where_it_is_meant_for_it() {
    let film = Project::new();
    let kling =
        |lines: &str| scene(&format!("- **Model**: Kling 2.6\n{lines}")).replace("8s", "5s");
    let seed = film.errors(&kling("- **Seed**: 12345\n"));
    assert_eq!(seed.len(), 1, "{seed:?}");
    assert!(
        seed[0].starts_with("5: unsupported-field: `Kling 2.6` has no `seed` here"),
        "{seed:?}"
    );
    let default = format!("---\nseed: 12345\n---\n{}", kling(""));
    assert!(film.plan(&default).plan.scenes[0].steps[0].request["input"].get("seed").is_none());
    // What the template tells is not lost; what stands beside the author's own prompt is.
    film.plan(&scene("- **Negative**: crowds\n"));
    let own = film.errors(
        &scene("- **Prompt**: The sea\n- **Negative**: crowds\n")
            .replace("- **Visual**: The sea\n", ""),
    );
    assert!(own[0].contains("unsupported-field: `Veo 3.1 Fast` has no `negative`"), "{own:?}");
    // A model that always makes sound is told so in vain, one that never does not at all.
    film.plan(&scene("- **Audio**: on\n"));
    let mut film = Project::new();
    film.file("refs/a.png", "a");
    film.file("refs/a.mp4", "clip");
    let motion = kling("- **Video**: refs/a.mp4\n- **Reference**: refs/a.png\n");
    film.plan(&motion);
    let errors = film.errors(&motion.replace("- **Video**", "- **Audio**: on\n- **Video**"));
    assert!(
        errors[0].starts_with("5: unsupported-field: `Kling 2.6` has no `audio` here"),
        "{errors:?}"
    );
}

#[test]
fn pictures_of_characters_are_references_where_nothing_else_is() {
    let mut film = Project::new();
    for name in ["ada", "a", "b"] {
        film.file(&format!("refs/{name}.png"), name);
    }
    let story = |lines: &str| {
        format!(
            "---\ncharacters:\n  ada: {{look: old, image: refs/ada.png}}\n---\n{}",
            scene(lines).replace("The sea", "Ada")
        )
    };
    let pictures =
        |text: &str| film.plan(text).plan.scenes[0].steps[0].request["imageUrls"].clone();
    assert_eq!(pictures(&story("")), json!([{"$file": "sha256:ada"}]));
    assert_eq!(
        pictures(&story("- **Reference**: refs/a.png, refs/b.png\n")),
        json!([{"$file": "sha256:a"}, {"$file": "sha256:b"}])
    );
    assert_eq!(pictures(&story("- **Reference**: refs/a.png\n")), json!([{"$file": "sha256:a"}]));
    // Two characters are told in the order of their names, whatever the order of front matter.
    film.file("refs/tom.png", "tom");
    let two = |first: &str, second: &str, lines: &str| {
        format!(
            "---\ncharacters:\n{first}{second}---\n{}",
            scene(lines).replace("The sea", "Tom and Ada")
        )
    };
    let (ada, tom) = (
        "  ada: {look: old, image: refs/ada.png}\n",
        "  tom: {look: young, image: refs/tom.png}\n",
    );
    film.render(&two(ada, tom, ""));
    assert!(all_unchanged(&film.plan(&two(tom, ada, ""))));
    // As the scene lists them, where it does.
    let planned = film.plan(&two(ada, tom, "- **Characters**: tom, ada\n"));
    let both = &planned.plan.scenes[0].steps[0].request["imageUrls"];
    assert_eq!(*both, json!([{"$file": "sha256:tom"}, {"$file": "sha256:ada"}]));
}

#[test]
fn a_broken_template_is_told_at_the_step_that_needs_it() {
    let mut film = Project::new();
    let own = Templates::with_overrides(&[("veo".to_owned(), "{{ weather }}".to_owned())]);
    film.templates = own.unwrap().into();
    let errors = film.errors(
        &scene("- **Prompt**: The sea\n\n### Extend\n- **Visual**: A sail\n")
            .replace("- **Visual**: The sea\n", ""),
    );
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(
        errors[0].contains("template: ") && errors[0].contains("mend the template"),
        "{errors:?}"
    );
    assert!(!errors[0].starts_with("1: "), "{errors:?}");
}

#[test]
fn a_template_that_fixes_the_length_takes_its_place() {
    let board = "## Scene 1\n- **Model**: PixVerse V6 image to video\n- **Duration**: 5s\n\
                 - **Reference**: https://a.example/a.png\n- **Prompt**: A red kite over grey dunes\n";
    let project = Project::new();
    let usual = project.plan(board);
    assert_eq!(usual.plan.scenes[0].steps[0].request["input"]["duration"], json!(5));
    let planned =
        project.plan(&format!("{board}- **Params**: template_id=315446315336768, quality=720p\n"));
    let scene = &planned.plan.scenes[0];
    let input = &scene.steps[0].request["input"];
    assert_eq!(input["template_id"], json!("315446315336768"));
    assert!(input.get("duration").is_none(), "{input}");
    // Nobody knows how long its clip is, so it is priced as the longest.
    assert_eq!((scene.clip_length, scene.steps[0].credits), (None, Some(15.0 * 7.2)));
}

#[test]
fn the_frames_a_second_that_are_asked_for_make_the_length() {
    let board = "## Scene 1\n- **Model**: Wan 2.2 speech to video\n- **Clip Length**: 5s\n\
                 - **Reference**: https://a.example/a.png\n- **Audio**: https://a.example/a.mp3\n\
                 - **Prompt**: A sailor sings\n";
    let project = Project::new();
    for (rate, frames) in [("", 80), ("- **Params**: frames_per_second=8\n", 40)] {
        let planned = project.plan(&format!("{board}{rate}"));
        let scene = &planned.plan.scenes[0];
        let step = &scene.steps[0];
        assert_eq!(step.request["input"]["num_frames"], json!(frames), "{rate}");
        assert_eq!((scene.clip_length, step.credits), (Some(5.0), Some(60.0)), "{rate}");
    }
    let errors = project.errors(&format!("{board}- **Params**: frames_per_second=60\n"));
    assert!(errors[0].contains("0.667 to 2 s"), "{errors:?}");
}

#[test]
fn a_clip_among_geminis_inputs_has_a_price_of_its_own() {
    let board = "title: Kites\nscenes:\n  - id: 1\n    model: Gemini Omni\n    duration: 4\n    prompt: A red kite\n";
    let project = Project::new();
    let list = "    params: {video_list: [{url: https://a.example/a.mp4, start: 0, ends: 4}]}\n";
    let credits = |text: &str| project.plan(text).plan.scenes[0].steps[0].credits;
    assert_eq!(credits(board), Some(63.0));
    assert_eq!(credits(&format!("{board}{list}")), Some(168.0));
    let path = list.replace("https://a.example/a.mp4", "a clip");
    let errors = project.errors(&format!("{board}{path}"));
    assert!(errors[0].contains("not-a-url"), "{errors:?}");
}
