//! Another storyreel, the same film: a catalogue or template that changed with an upgrade renders nothing, and neither does a
//! manifest that an older version wrote.

use crate::film::{Film, actions, assert_unchanged, codes, has_note};
use serde_json::{Map, Value, json};
use storyreel::catalog::Catalog;
use storyreel::known::Output;
use storyreel::manifest::Manifest;
use storyreel::plan::{Action, Planned, StepStart, Work};
use storyreel::prompt::Templates;
use storyreel::record::AttemptId;
use storyreel::storyboard::StepKind;

const VEO: &str = include_str!("../../catalog/kie/veo.toml");
const KLING: &str = include_str!("../../catalog/kie/kling-2.6.toml");

/// A film that says as little as possible, so that the program fills in as much as it can.
const BOARD: &str = "\
---
characters:
  ada: {look: \"Ada, seventy, a grey braid\"}
---
## Scene 1
- **Duration**: 5s
- **Visual**: Ada on a basalt rock
- **Camera**: Slow dolly in
- **SFX**: waves

## Scene 2
- **Model**: Veo 3.1 Fast
- **Visual**: An iron stair in whitewashed stone

### Extend
The camera keeps climbing past the window.

### Upscale

## Scene 3
- **Duration**: 4s
- **Model**: kling-2.6
- **Visual**: A wave climbs the tower

## Scene 4
- **Duration**: 5s
- **Visual**: It begins to turn
- **Reference**: refs/lamp.png
";

fn film() -> Film {
    let mut film = Film::new();
    film.file("refs/lamp.png", "lamp");
    film
}

fn rendered() -> Film {
    let mut film = film();
    film.render(BOARD);
    film
}

/// What an upgrade changes in the catalogue, and whether requests for the same film would be others.
struct Upgrade {
    name: &'static str,
    edits: &'static [(&'static str, &'static str)],
    asks_differently: bool,
}

const UPGRADES: &[Upgrade] = &[
    Upgrade {
        name: "another default resolution",
        edits: &[("default = \"720p\"", "default = \"1080p\"")],
        asks_differently: true,
    },
    Upgrade {
        name: "another default ratio",
        edits: &[("default = \"16:9\"", "default = \"9:16\"")],
        asks_differently: true,
    },
    Upgrade {
        name: "another default of an own parameter",
        edits: &[("type = \"boolean\"\ndefault = true", "type = \"boolean\"\ndefault = false")],
        asks_differently: true,
    },
    Upgrade {
        name: "other clip lengths",
        edits: &[
            ("values = [4, 6, 8]\ndefault = 8", "values = [5, 10]\ndefault = 10"),
            (
                "values = [\"5\", \"10\"]\ndefault = \"5\"",
                "values = [\"6\", \"12\"]\ndefault = \"6\"",
            ),
            ("{ duration = \"5\"", "{ duration = \"6\""),
            ("{ duration = \"10\"", "{ duration = \"12\""),
        ],
        asks_differently: true,
    },
    Upgrade {
        name: "a longer extension",
        edits: &[("lengths = [7]", "lengths = [9]")],
        asks_differently: false,
    },
    Upgrade {
        name: "a new parameter with a default",
        edits: &[(
            "[[groups.extras]]\nname = \"watermark\"",
            "[[groups.extras]]\nname = \"fps\"\ntype = \"integer\"\ndefault = 24\nalways = true\n\n\
             [[groups.extras]]\nname = \"watermark\"",
        )],
        asks_differently: false,
    },
    Upgrade {
        name: "a parameter less",
        edits: &[(
            "[[groups.extras]]\nname = \"enableTranslation\"\ntype = \"boolean\"\ndefault = true\nalways = true\n",
            "[[groups.unused]]\nname = \"enableTranslation\"\ntype = \"boolean\"\ndefault = true\nalways = true\n",
        )],
        asks_differently: false,
    },
    Upgrade {
        name: "other prices",
        edits: &[("credits = 60", "credits = 600"), ("credits = 55", "credits = 550")],
        asks_differently: false,
    },
    Upgrade {
        name: "another display name",
        edits: &[
            ("name = \"Veo 3.1 Fast\"", "name = \"Veo 3.1 Turbo\""),
            ("aliases = [\"veo fast\"]", "aliases = [\"Veo 3.1 Fast\"]"),
        ],
        asks_differently: false,
    },
    Upgrade {
        name: "other ids at the provider",
        edits: &[
            ("id = \"veo3_fast\"", "id = \"veo3_1_fast\""),
            ("set = { model = \"fast\" }", "set = { model = \"turbo\" }"),
            ("id = \"kling-2.6/", "id = \"kling-video-2.6/"),
        ],
        asks_differently: true,
    },
    Upgrade {
        name: "other constants",
        edits: &[("\"TEXT_2_VIDEO\"", "\"TEXT_TO_VIDEO\"")],
        asks_differently: true,
    },
    Upgrade {
        name: "another prompt style",
        edits: &[("prompt_style = \"veo\"", "prompt_style = \"general\"")],
        asks_differently: true,
    },
    Upgrade {
        name: "upscales to 4k unless told otherwise",
        edits: &[
            ("target = \"1080p\"\noperation = \"1080p\"", "target = \"2k\"\noperation = \"1080p\""),
            ("target = \"4k\"\noperation = \"4k\"", "target = \"1080p\"\noperation = \"4k\""),
        ],
        asks_differently: false,
    },
];

impl Upgrade {
    fn catalog(&self) -> Catalog {
        let (mut veo, mut kling) = (VEO.to_owned(), KLING.to_owned());
        for (old, new) in self.edits {
            assert!(veo.contains(old) || kling.contains(old), "{}: {old}", self.name);
            veo = veo.replace(old, new);
            kling = kling.replace(old, new);
        }
        let files = [("veo.toml".to_owned(), veo), ("kling.toml".to_owned(), kling)];
        Catalog::built_in()
            .unwrap()
            .with_files(&files)
            .unwrap_or_else(|error| panic!("{}: {error:?}", self.name))
    }
}

/// A film of an older storyreel under the eyes of a newer one, for each way in which it is newer.
fn each_upgrade(before: impl Fn() -> Film, check: impl Fn(&mut Film, &Upgrade)) {
    for upgrade in UPGRADES {
        let mut film = before();
        film.catalog = upgrade.catalog();
        check(&mut film, upgrade);
    }
}

/// Fails where a plan would spend anything.
#[track_caller]
fn assert_free(planned: &Planned, what: &str) {
    let paid =
        planned.plan.scenes.iter().flat_map(|scene| &scene.steps).any(|step| step.action.is_paid());
    assert!(!paid && planned.plan.summary.credits == 0.0, "{what}: {:?}", actions(planned));
}

/// Cosmetic edits, so that the recorded asks are not the present ones letter for letter.
fn touched_up() -> String {
    BOARD
        .replace("Slow dolly in", "Slow dolly\n  in")
        .replace("- **SFX**: waves", "- **Type**: video_clip\n- **SFX**: waves")
        .replace("- **Visual**: An iron", "- **Type**: video\n- **Visual**: An iron")
        .replace("- **Duration**: 4s", "- **Duration**: 4.5s")
        .replace("refs/lamp.png", "./refs/lamp.png")
}

#[test]
fn an_upgrade_renders_nothing_and_is_a_note_where_it_asks_differently() {
    each_upgrade(rendered, |film, upgrade| {
        film.file("./refs/lamp.png", "lamp");
        for text in [BOARD, &touched_up()] {
            let planned = film.plan(text);
            assert_unchanged(&planned, upgrade.name);
            let noted = planned.plan.scenes.iter().any(|scene| has_note(scene, "tool-changed"));
            assert_eq!(noted, upgrade.asks_differently, "{}", upgrade.name);
        }
    });
}

#[test]
fn an_upgraded_template_renders_nothing_and_is_a_note() {
    // As if an older storyreel had composed other words from the same asks.
    let mut film = rendered();
    film.edit_assets(|entry| {
        let older = |parts: &mut Value| {
            if let Some(prompt) = parts.get_mut("prompt") {
                *prompt = format!("Cinematic! {}", prompt.as_str().unwrap()).into();
            }
        };
        older(&mut entry["parts"]);
        entry["steps"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .for_each(|step| older(&mut step["parts"]));
    });
    film.file("./refs/lamp.png", "lamp");
    for text in [BOARD, &touched_up()] {
        let planned = film.plan(text);
        assert_unchanged(&planned, "older words");
        assert!(planned.plan.scenes.iter().all(|scene| has_note(scene, "tool-changed")));
    }
    // An edit is told in the words of today, without what the upgrade did.
    let planned = film.plan(&BOARD.replace("basalt", "granite"));
    let reason = &planned.plan.scenes[0].reasons[0];
    assert!(
        reason.old.as_ref().unwrap().as_str().unwrap().starts_with("Slow dolly in"),
        "{reason:?}"
    );
    assert_eq!(planned.plan.summary.update, 1);
}

#[test]
fn an_edit_after_an_upgrade_renders_what_was_edited_and_names_nothing_else() {
    each_upgrade(rendered, |film, upgrade| {
        let planned = film.plan(&BOARD.replace("basalt", "granite"));
        assert_eq!(codes(&planned, 0), ["prompt-changed prompt"], "{}", upgrade.name);
        assert_eq!(planned.plan.summary.update, 1, "{}", upgrade.name);
        assert_eq!(planned.plan.summary.unchanged, 3, "{}", upgrade.name);
        // The first step of a chain is kept, however it would be asked for today.
        let planned = film.plan(&BOARD.replace("the window", "the door"));
        assert_eq!(codes(&planned, 1), ["prompt-changed prompt"], "{}", upgrade.name);
        let steps: Vec<Action> =
            planned.plan.scenes[1].steps.iter().map(|step| step.action).collect();
        assert_eq!(steps, [Action::Unchanged, Action::Update, Action::Update], "{}", upgrade.name);
    });
}

#[test]
fn undo_is_free_after_an_upgrade() {
    let edited = BOARD.replace("basalt", "granite").replace("the window", "the door");
    let before = || {
        let mut film = rendered();
        film.render(&edited);
        film
    };
    each_upgrade(before, |film, upgrade| {
        assert_unchanged(&film.plan(&edited), upgrade.name);
        let planned = film.plan(BOARD);
        let expected = [("1", "restore"), ("2", "restore"), ("3", "unchanged"), ("4", "unchanged")];
        let expected = expected.map(|(id, action)| (id.to_owned(), action));
        assert_eq!(actions(&planned), expected, "{}", upgrade.name);
        assert_free(&planned, upgrade.name);
        film.render(BOARD);
        assert_unchanged(&film.plan(BOARD), upgrade.name);
    });
}

#[test]
fn renumbered_scenes_move_after_an_upgrade() {
    let mut renumbered = BOARD.to_owned();
    for number in (1..=4).rev() {
        renumbered =
            renumbered.replace(&format!("## Scene {number}"), &format!("## Scene {}", number + 1));
    }
    each_upgrade(rendered, |film, upgrade| {
        let planned = film.plan(&renumbered);
        assert_eq!(planned.plan.summary.moved, 4, "{}: {:?}", upgrade.name, actions(&planned));
        assert_free(&planned, upgrade.name);
        film.render(&renumbered);
        assert_unchanged(&film.plan(&renumbered), upgrade.name);
    });
}

#[test]
fn a_task_in_flight_is_resumed_after_an_upgrade() {
    let before = || {
        let mut film = film();
        for scene in 0..4 {
            film.submit(BOARD, scene);
        }
        film
    };
    each_upgrade(before, |film, upgrade| {
        film.file("./refs/lamp.png", "lamp");
        for text in [BOARD, &touched_up()] {
            let planned = film.plan(text);
            assert_eq!(planned.plan.summary.resume, 4, "{}: {:?}", upgrade.name, actions(&planned));
            assert!(planned.collect.is_empty(), "{}", upgrade.name);
            for (index, scene) in planned.plan.scenes.iter().enumerate() {
                let Some(Work::Render(work)) = &scene.work else { panic!("{}", upgrade.name) };
                let attempt = AttemptId(index as i64 * 100 + 100);
                assert_eq!(work.steps[0].start, StepStart::Resume(attempt), "{}", upgrade.name);
            }
        }
    });
}

#[test]
fn a_refusal_is_remembered_after_an_upgrade() {
    let before = || {
        let mut film = film();
        let take = film.submit(BOARD, 0);
        film.refuse(take);
        film
    };
    each_upgrade(before, |film, upgrade| {
        let planned = film.plan(BOARD);
        assert_eq!(planned.plan.scenes[0].action, Action::Blocked, "{}", upgrade.name);
        assert_eq!(codes(&planned, 0), ["failed-before"], "{}", upgrade.name);
        // An edit is what it waits for.
        let planned = film.plan(&BOARD.replace("basalt", "granite"));
        assert_eq!(planned.plan.scenes[0].action, Action::Create, "{}", upgrade.name);
    });
}

#[test]
fn a_kept_take_is_published_free_after_an_upgrade() {
    let before = || {
        let mut film = rendered();
        let take = film.submit(&BOARD.replace("basalt", "granite"), 0);
        film.download(take);
        film.take(take).state = storyreel::record::TakeState::Kept;
        film
    };
    each_upgrade(before, |film, upgrade| {
        let planned = film.plan(&BOARD.replace("basalt", "granite"));
        assert_eq!(planned.plan.scenes[0].action, Action::Restore, "{}", upgrade.name);
        assert_free(&planned, upgrade.name);
    });
}

#[test]
fn what_was_accepted_stays_so_after_an_upgrade_and_under_another_id() {
    let edited = BOARD.replace("basalt", "granite").replace("\n### Upscale\n", "");
    let before = || {
        let mut film = rendered();
        let planned = film.plan(&edited);
        let ask = |scene: usize| match &planned.plan.scenes[scene].work {
            Some(Work::Render(work)) => work.ask.clone(),
            other => panic!("{other:?}"),
        };
        let mut assets = film.assets();
        for scene in [0, 1] {
            assets[scene]["accepted"] =
                json!([{"fields": {"visual": "something else"}}, ask(scene)]);
        }
        film.record(assets);
        film
    };
    // Today as well as tomorrow.
    assert_unchanged(&before().plan(&edited), "accepted");
    each_upgrade(before, |film, upgrade| {
        assert_unchanged(&film.plan(&edited), upgrade.name);
        let other = edited
            .replace("- **Duration**: 5s", "- **Duration**: 4.8s")
            .replace("## Scene 2\n", "## Scene 2\n- **Type**: video\n");
        assert_unchanged(&film.plan(&other), upgrade.name);
        assert_unchanged(&film.plan(BOARD), upgrade.name);
        let moved = edited.replace("## Scene 1", "## Scene 9").replace("## Scene 2", "## Scene 8");
        let planned = film.plan(&moved);
        assert_eq!(planned.plan.summary.moved, 2, "{}: {:?}", upgrade.name, actions(&planned));
        assert_free(&planned, upgrade.name);
        // What was never accepted is still a change.
        let planned = film.plan(&edited.replace("granite", "chalk"));
        assert_eq!(planned.plan.scenes[0].action, Action::Update, "{}", upgrade.name);
    });
}

#[test]
fn what_was_accepted_is_gone_on_from_like_what_was_asked_for() {
    let mut film = rendered();
    let edited = BOARD.replace("An iron stair", "A wooden stair");
    let planned = film.plan(&edited);
    let Some(Work::Render(work)) = &planned.plan.scenes[1].work else { panic!("no work") };
    let ask = work.ask.clone();
    let mut assets = film.assets();
    assets[1]["accepted"] = json!([ask]);
    film.record(assets);
    assert_unchanged(&film.plan(&edited), "accepted");
    // A retake of a later step starts from the clip that was accepted.
    film.options.retake.add(&storyreel::storyboard::SceneId::Number(2), Some(StepKind::Extend));
    let planned = film.plan(&edited);
    let steps: Vec<Action> = planned.plan.scenes[1].steps.iter().map(|step| step.action).collect();
    assert_eq!(steps, [Action::Unchanged, Action::Update, Action::Update]);
    film.options.retake = storyreel::plan::Selection::default();
    // Accepted were the words of a template; other words are another matter.
    let own = Templates::with_overrides(&[("veo".to_owned(), "{{ visual }}, in ink".to_owned())]);
    film.templates = own.unwrap().into();
    assert_eq!(film.plan(&edited).plan.scenes[1].action, Action::Update);
}

// ---- manifests of other versions ----

/// Changes every object that holds parts, of entries and of their steps.
fn edit_parts(film: &mut Film, change: impl Fn(&mut Map<String, Value>)) {
    film.edit_assets(|entry| {
        change(entry);
        entry.get_mut("steps").and_then(Value::as_array_mut).into_iter().flatten().for_each(
            |step| {
                change(step.as_object_mut().unwrap());
            },
        );
    });
}

/// Fails unless the film is as it was, for the very asks and for others that mean the same.
#[track_caller]
fn assert_known(film: &mut Film, what: &str) {
    film.file("./refs/lamp.png", "lamp");
    assert_unchanged(&film.plan(BOARD), what);
    assert_unchanged(&film.plan(&touched_up()), what);
    let planned = film.plan(&BOARD.replace("basalt", "granite"));
    assert_eq!(planned.plan.scenes[0].action, Action::Update, "{what}");
    assert_eq!(planned.plan.summary.unchanged, 3, "{what}");
}

#[test]
fn parts_that_an_older_version_did_not_record_are_ignored() {
    let mut film = rendered();
    edit_parts(&mut film, |holder| {
        holder.remove("parts");
    });
    assert_known(&mut film, "no parts at all");
    let names: Vec<String> = {
        let assets = rendered().assets();
        let parts = assets[0]["parts"].as_object().unwrap();
        parts.keys().cloned().collect()
    };
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        let mut film = rendered();
        edit_parts(&mut film, |holder| {
            if let Some(parts) = holder.get_mut("parts").and_then(Value::as_object_mut) {
                parts.remove(&name);
            }
        });
        film.file("./refs/lamp.png", "lamp");
        assert_unchanged(&film.plan(BOARD), &name);
        assert_unchanged(&film.plan(&touched_up()), &name);
    }
}

#[test]
fn an_entry_without_steps_or_with_less_in_them_is_known() {
    let mut film = rendered();
    film.edit_assets(|entry| {
        let steps = entry["steps"].as_array_mut().unwrap();
        if steps.len() == 1 {
            entry.remove("steps");
        }
    });
    assert_known(&mut film, "no steps");
    let mut film = rendered();
    film.edit_assets(|entry| {
        for step in entry["steps"].as_array_mut().unwrap() {
            step.as_object_mut()
                .unwrap()
                .retain(|key, _| ["step", "sha256", "task_id"].contains(&key.as_str()));
        }
    });
    assert_known(&mut film, "hardly anything in the steps");
}

#[test]
fn an_ask_that_cannot_be_built_any_more_is_compared_by_what_was_sent() {
    let mut film = rendered();
    // An older version that did not record the digests of the files it sent.
    film.edit_assets(|entry| {
        entry["ask"].as_object_mut().unwrap().remove("files");
    });
    assert_known(&mut film, "no files");
    let planned = film.plan(&BOARD.replace("begins to", "starts to"));
    assert_eq!(codes(&planned, 3), ["prompt-changed prompt"]);
    film.file("refs/lamp.png", "another lamp");
    assert_eq!(codes(&film.plan(BOARD), 3), ["reference-changed imageUrls"]);
    film.file("refs/lamp.png", "lamp");
    let planned = film.plan(&BOARD.replace("## Scene 4", "## Scene 40"));
    assert_eq!(planned.plan.scenes[3].action, Action::Move, "{:?}", actions(&planned));
    // With nothing recorded of what was sent, either, nobody can tell that it is the same.
    edit_parts(&mut film, |holder| {
        holder.remove("parts");
    });
    let planned = film.plan(BOARD);
    assert_eq!(codes(&planned, 3), ["model-changed"]);
    assert_eq!(planned.plan.scenes[3].reasons[0].step, Some(StepKind::Generate));
}

#[test]
fn what_a_newer_version_recorded_besides_is_ignored() {
    let mut film = rendered();
    film.edit_assets(|entry| {
        entry.insert("mystery".into(), json!({"a": [1]}));
        let ask = entry["ask"].as_object_mut().unwrap();
        ask.insert("weather".into(), json!({"rain": true}));
        ask["fields"].as_object_mut().unwrap().insert("weather".into(), "rain".into());
        ask["fields"].as_object_mut().unwrap().insert("notes".into(), Value::Null);
        entry["parts"].as_object_mut().unwrap().insert("fps".into(), 24.into());
        for step in entry["steps"].as_array_mut().unwrap() {
            step["parts"].as_object_mut().unwrap().insert("fps".into(), 24.into());
            step.as_object_mut().unwrap().insert("mystery".into(), 1.into());
        }
    });
    assert_known(&mut film, "more than we know");
}

#[test]
fn a_field_that_an_upgrade_has_learned_about_is_no_edit() {
    let board = BOARD
        .replace("- **SFX**: waves\n", "- **SFX**: waves\n- **Mood**: calm\n- **Weather**: rain\n");
    let mut film = film();
    film.render(&board);
    let assets = film.assets();
    assert_eq!(assets[0]["ask"]["unknown"], json!(["Weather"]), "the label only");
    assert!(!assets[0].to_string().contains("rain"));
    assert_unchanged(&film.plan(&board.replace("rain", "sun")), "nobody knows what it means");
    // As if the version before had not known the mood, either.
    film.edit_assets(|entry| {
        if entry["scene_id"] != 1 {
            return;
        }
        entry["ask"]["fields"].as_object_mut().unwrap().remove("mood");
        let parts = [&mut entry["parts"]["prompt"]];
        for prompt in parts {
            *prompt = prompt.as_str().unwrap().replace(" Calm.", "").into();
        }
        let prompt = entry["parts"]["prompt"].clone();
        entry["steps"][0]["parts"]["prompt"] = prompt;
    });
    assert_eq!(codes(&film.plan(&board), 0), ["prompt-changed prompt"], "a mood that was added");
    film.edit_assets(|entry| {
        if entry["scene_id"] == 1 {
            entry["ask"]["unknown"] = json!(["Mood", "Weather"]);
        }
    });
    let planned = film.plan(&board);
    assert_unchanged(&planned, "a mood that was there");
    assert!(has_note(&planned.plan.scenes[0], "tool-changed"));
    assert_eq!(
        codes(&film.plan(&board.replace("basalt", "granite")), 0),
        ["prompt-changed prompt"]
    );
}

#[test]
fn another_form_of_the_same_record_is_known() {
    let mut film = rendered();
    fn turned(value: &mut Value) {
        match value {
            Value::Object(map) => {
                let mut entries: Vec<(String, Value)> = std::mem::take(map).into_iter().collect();
                entries.reverse();
                entries.iter_mut().for_each(|(_, value)| turned(value));
                map.extend(entries);
            }
            Value::Array(items) => items.iter_mut().for_each(turned),
            Value::Number(number) => *value = number.as_f64().unwrap().into(),
            _ => {}
        }
    }
    film.edit_assets(|entry| {
        for key in ["ask", "parts", "steps"] {
            turned(&mut entry[key]);
        }
    });
    assert_known(&mut film, "other order and numbers");
}

// ---- entries of other tools ----

/// A clip of another tool, which says nothing of what was asked for.
fn foreign(model: &str, parameters: Value) -> Film {
    let mut film = Film::new();
    let entry = json!({"id": "vid-001", "type": "video", "filename": "assets/clips/scene-01.mp4",
        "prompt": "A red kite over grey dunes", "model": model, "parameters": parameters,
        "created_at": "2026-11-22T10:00:00.000Z", "scene_id": 1, "version": 1});
    film.known.manifest =
        Manifest::parse(&json!({"version": "1.0", "assets": [entry]}).to_string()).unwrap();
    let output = Output::File { sha256: "sha256:x".into() };
    film.known.outputs.insert("assets/clips/scene-01.mp4".into(), output);
    film
}

const KITE: &str = "## Scene 1\n- **Prompt**: A red kite over grey dunes\n- **Duration**: 8s\n";

#[test]
fn an_upgrade_leaves_the_clips_of_other_tools_alone() {
    let before = || {
        foreign(
            "Veo 3.1 Fast",
            json!({"duration": 8, "quality": "720p", "aspect_ratio": "16:9",
            "generationType": null, "endpoint": "/api/v1/veo/generate"}),
        )
    };
    assert_unchanged(&before().plan(KITE), "today");
    each_upgrade(before, |film, upgrade| assert_unchanged(&film.plan(KITE), upgrade.name));
}

#[test]
fn a_clip_of_another_tool_is_compared_as_far_as_the_author_says_anything() {
    let parameters = json!({"duration": 8, "quality": "720p", "aspect_ratio": "16:9", "generationType": "TEXT_2_VIDEO"});
    for name in ["Veo 3.1 Fast", "veo 3.1 fast", "veo3_fast"] {
        assert_unchanged(&foreign(name, parameters.clone()).plan(KITE), name);
    }
    let film = foreign("Veo 3.1 Fast", parameters);
    for (line, expected) in [
        ("- **Duration**: 4s\n", &[][..]),
        (
            "- **Duration**: 8s\n- **Resolution**: 720p\n- **Aspect Ratio**: 16:9\n- **Clip length**: 8s\n",
            &[],
        ),
        ("- **Duration**: 8s\n- **Resolution**: 1080p\n", &["parameter-changed quality"]),
        ("- **Duration**: 8s\n- **Aspect Ratio**: 9:16\n", &["parameter-changed aspect_ratio"]),
        ("- **Duration**: 4s\n- **Clip length**: 6s\n", &["parameter-changed duration"]),
        ("- **Duration**: 8s\n- **Model**: Veo 3.1\n", &["model-changed model"]),
        (
            "- **Duration**: 8s\n- **Reference**: https://example.com/a.png\n",
            &["parameter-changed generationType"],
        ),
        ("- **Duration**: 8s\n\n### Upscale\n1080p\n", &["steps-changed steps"]),
    ] {
        let planned = film.plan(&KITE.replace("- **Duration**: 8s\n", line));
        assert_eq!(codes(&planned, 0), expected, "{line}");
        assert_eq!(
            planned.plan.scenes[0].action == Action::Unchanged,
            expected.is_empty(),
            "{line}"
        );
    }
    let reasons = |film: &Film, text: &str| {
        serde_json::to_value(&film.plan(text).plan.scenes[0].reasons).unwrap()
    };
    let edited = KITE.replace("8s", "8s\n- **Resolution**: 1080p");
    assert_eq!(
        reasons(&film, &edited),
        json!([{"code": "parameter-changed", "step": "generate", "part": "quality", "old": "720p", "new": "1080p"}])
    );
    // What another tool did not record, or the model does not have, is no difference.
    let film = foreign("Veo 3.1 Fast", json!({"quality": null, "mystery": 1}));
    assert_unchanged(&film.plan(&edited), "nothing recorded");
    let picture = "- **Model**: Kling 2.6\n- **Aspect Ratio**: 9:16\n- **Reference**: https://example.com/a.png\n";
    let film = foreign("Kling 2.6", json!({"aspect_ratio": "16:9"}));
    assert_unchanged(&film.plan(&format!("{KITE}{picture}")), "the picture has its own ratio");
    let film = foreign("Veo 3.1 Fast", json!({"duration": 5}));
    assert_unchanged(&film.plan(&KITE.replace("8s", "5s")), "as long as it is in the film");
    let film = foreign("Veo 3.1 Fast", json!({"duration": 6}));
    assert_eq!(
        codes(&film.plan(KITE), 0),
        ["parameter-changed duration"],
        "too short for the film"
    );
    let film = foreign("A model nobody knows", json!({}));
    assert_eq!(codes(&film.plan(KITE), 0), ["model-changed model"]);
}
