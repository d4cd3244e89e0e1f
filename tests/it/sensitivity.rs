//! Each field alone: what reaches a request renders its scene and nothing else, and the reason names it; the rest never does.
//!
//! The table is held against the program's own list of fields and the built-in catalogue: a new field without a row fails,
//! and so does one that no model has any use for.

use crate::every_model::FIRST;
use crate::film::{DAY, Film, actions, assert_unchanged, codes};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use storyreel::catalog::{Catalog, Mode, ModeKind, Model, Parameter, Sound, Status, WireType};
use storyreel::plan::{Action, Planned, StepStart, Work};
use storyreel::prompt::Templates;
use storyreel::storyboard::{FIELDS, StepKind};

/// How a field reaches a request.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// Through the prompt, in this part of the templates.
    Words(Part),
    /// As a parameter of the same name in the catalogue.
    Parameter,
    /// As the length of the clip.
    Length,
    /// As the model.
    Model,
    /// As the prompt itself.
    Prompt,
    /// By the models' own names.
    Params,
    /// Where the model is `auto`, through the model that it chooses.
    Goal,
    /// In the keyframe of a scene that has one: `stills.rs` changes each of its fields.
    Still,
    /// It says whether the scene is generated at all.
    Skips,
    /// It asks for more takes of the same request: `takes.rs`.
    Takes,
    /// In the step `voice` of a scene that has one: `voices.rs`.
    Voice,
    /// It names another scene, which is told in `edges`.
    Edge,
    /// Not at all.
    Never,
}

/// What a template uses of the words of a scene.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    /// What is seen: left out where a picture shows it.
    Picture,
    /// What moves.
    Motion,
    /// What is heard: left out where the clip is silent.
    Sound,
    /// Always told.
    Always,
}

use Part::{Always, Motion, Picture, Sound as Heard};
use Way::{Length, Never, Params, Prompt, Skips, Words};

/// True for what another test changes.
fn is_elsewhere(way: Way) -> bool {
    matches!(way, Skips | Way::Edge | Params | Way::Goal | Way::Still | Way::Takes | Way::Voice)
}

/// Every field with two values.
const ROWS: &[(&str, Way, &str, &str)] = &[
    ("duration", Length, "3", "9"),
    ("clip_length", Length, "least", "most"),
    ("type", Skips, "video_clip", "title"),
    ("model", Way::Model, "", ""),
    ("goal", Way::Goal, "value", "quality"),
    ("image_model", Way::Still, "Nano Banana", "Imagen 4"),
    ("prompt", Prompt, "A red kite over grey dunes", "A blue kite over grey dunes"),
    ("visual", Words(Motion), "A red kite over grey dunes", "A blue kite over grey dunes"),
    ("subject", Words(Picture), "An old woman", "A young man"),
    ("action", Words(Motion), "She climbs", "She rests"),
    ("setting", Words(Picture), "In the tower", "On the rock"),
    ("shot", Words(Picture), "Extreme wide", "Close-up"),
    ("camera", Words(Always), "Slow dolly in", "Pan left"),
    ("lighting", Words(Picture), "Dusk", "Noon"),
    ("mood", Words(Picture), "Calm", "Tense"),
    ("style", Words(Picture), "35mm film", "Watercolour"),
    ("characters", Words(Picture), "ada", "tom"),
    ("dialogue", Words(Heard), "Ada: Not tonight.", "Ada: Tonight."),
    ("voice_name", Way::Voice, "Rachel", "Adam"),
    ("audio", Words(Heard), "The hum of a lamp", "The hum of a relay"),
    ("sfx", Words(Heard), "Boots on iron", "A door"),
    ("ambient", Words(Heard), "Swell", "Wind"),
    ("music", Words(Heard), "A cello", "A flute"),
    ("negative", Words(Always), "Text", "Crowds"),
    ("reference", Way::Parameter, "refs/a.png", "refs/b.png"),
    ("last_frame", Way::Parameter, "refs/a.png", "refs/b.png"),
    ("image_prompt", Way::Parameter, "refs/a.png", "refs/b.png"),
    ("video", Way::Parameter, "refs/a.mp4", "refs/b.mp4"),
    ("extends", Way::Edge, "", "2"),
    ("aspect_ratio", Way::Parameter, "16:9", "9:16"),
    ("resolution", Way::Parameter, "720p", "1080p"),
    ("seed", Way::Parameter, "12345", "54321"),
    ("params", Params, "", ""),
    ("file", Skips, "", "footage/a.mp4"),
    ("text", Never, "SKERRY", "LIGHT"),
    ("voiceover", Never, "Long ago", "Not so long ago"),
    ("transition", Never, "cut", "crossfade"),
    ("transition_in", Never, "cut", "fade"),
    ("takes", Way::Takes, "1", "2"),
    ("gate", Never, "", "keyframe"),
    ("use", Never, "0:00-0:03", "0:01-0:04"),
    ("status", Never, "draft", "approved"),
    ("allow", Never, "one-move", "camera"),
    ("notes", Never, "Check the foam", "Checked"),
];

const HEAD: &str = "\
characters:
  ada: {look: \"Ada, seventy, a grey braid\"}
  tom: {look: \"Tom, a boy in yellow oilskins\"}
";

/// Every mode of the built-in catalogue that makes a clip, with the words that ask for it by name.
fn modes(catalog: &Catalog) -> impl Iterator<Item = (&Model, &Mode, &'static str)> {
    catalog.models().iter().filter(|model| model.status == Status::Live).flat_map(|model| {
        model.modes.iter().filter_map(move |mode| {
            let still = matches!(mode.kind, ModeKind::T2i | ModeKind::I2i);
            let (_, work) = FIRST.iter().find(|(kind, _)| *kind == mode.kind && !still)?;
            Some((model, mode, *work))
        })
    })
}

/// Models that have, between them, every use for a field and the prompt styles that several models share.
const SAMPLE: [&str; 5] = ["Veo 3.1", "Veo 3.1 Fast", "Kling 2.6", "Wan 2.5", "MiniMax H3"];

/// A scene as lines of fields.
#[derive(Debug, Clone)]
struct Lines(Vec<(String, String)>);

impl Lines {
    /// The least that makes a clip of this mode.
    fn of(model: &Model, mode: &Mode, work: &str) -> Self {
        let mut lines = Self(Vec::new());
        lines.set("model", &format!("{} {work}", model.name));
        lines.set("visual", "A lone lighthouse on a basalt rock");
        lines.set("duration", "5");
        match mode.kind {
            ModeKind::I2v => lines.set("reference", "refs/rock.png"),
            ModeKind::FirstLast => {
                lines.set("reference", "refs/rock.png");
                lines.set("last_frame", "refs/sea.png");
            }
            ModeKind::Reference => lines.set("reference", "refs/rock.png, refs/sea.png"),
            ModeKind::Motion | ModeKind::V2v | ModeKind::Speech => {
                for (field, file) in
                    [("video", "dance.mp4"), ("reference", "rock.png"), ("audio", "voice.mp3")]
                {
                    let is_file = |p: &&Parameter| p.wire_type != WireType::Boolean;
                    if fed(mode, field).filter(is_file).is_some_and(|parameter| parameter.required)
                    {
                        lines.set(field, &format!("refs/{file}"));
                    }
                }
            }
            _ => {}
        }
        if mode.sound == Sound::Switch {
            lines.set("audio", "on");
        }
        lines
    }

    fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.0.push((name.to_owned(), value.to_owned()));
        }
    }

    fn with(&self, name: &str, value: &str) -> Self {
        let mut lines = self.clone();
        lines.set(name, value);
        lines
    }

    /// A storyboard of this scene and two that have nothing to do with it.
    fn story(&self) -> String {
        let fields: String =
            self.0.iter().map(|(name, value)| format!("- **{name}**: {value}\n")).collect();
        format!(
            "---\n{HEAD}---\n## Scene 1\n{fields}\n## Scene 2\n- **Visual**: The sea\n- **Duration**: 4s\n\n\
             ## Scene 3\n- **Visual**: The sky\n- **Model**: Kling 2.6\n- **Duration**: 5s\n"
        )
    }
}

fn film() -> Film {
    let mut film = Film::new();
    for name in
        ["a.png", "b.png", "rock.png", "sea.png", "a.mp4", "b.mp4", "dance.mp4", "voice.mp3"]
    {
        film.file(&format!("refs/{name}"), name);
    }
    film
}

/// The parameter that a common field becomes.
fn fed<'m>(mode: &'m Mode, field: &str) -> Option<&'m Parameter> {
    mode.parameters.iter().find(|parameter| parameter.from.iter().any(|from| from == field))
}

/// The parts that a change of this field changes in this mode; none where it has no meaning there.
fn parts(mode: &Mode, field: &str, way: Way) -> Vec<String> {
    let from_image = matches!(mode.kind, ModeKind::I2v | ModeKind::FirstLast);
    let named = |field: &str| fed(mode, field).map(|parameter| parameter.name.clone());
    let told = |is_told: bool| if is_told { vec!["prompt".to_owned()] } else { Vec::new() };
    match way {
        _ if field == "negative" && named(field).is_some() => named(field).into_iter().collect(),
        Words(Picture) => told(!from_image),
        Words(Motion | Always) => told(true),
        Words(Heard) => told(mode.sound != Sound::None),
        Prompt => told(true),
        Way::Model => vec!["model".to_owned()],
        Length => match fed(mode, "duration") {
            Some(parameter) if parameter.offered().len() > 1 => vec![parameter.name.clone()],
            _ => Vec::new(),
        },
        Way::Parameter if field == "image_prompt" => named("reference").into_iter().collect(),
        Way::Parameter => named(field).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The two values of a row for a mode.
fn values(
    catalog: &Catalog,
    model: &Model,
    mode: &Mode,
    row: (&str, &str, &str),
) -> (String, String) {
    let (field, old, new) = row;
    match field {
        "clip_length" => {
            let offered = fed(mode, "duration").map(Parameter::offered).unwrap_or_default();
            let least = offered.first().cloned().unwrap_or_default();
            (least, offered.last().cloned().unwrap_or_default())
        }
        // The longest that the mode makes.
        "duration" => {
            let longest = mode.longest().unwrap_or(9.0);
            (old.to_owned(), longest.to_string())
        }
        "model" => {
            let other = catalog.models().iter().find(|other| {
                other.name != model.name
                    && other.prompt_style == model.prompt_style
                    && other
                        .mode(mode.kind)
                        .is_some_and(|other| other.id != mode.id && other.sound == mode.sound)
            });
            (model.name.clone(), other.map(|other| other.name.clone()).unwrap_or_default())
        }
        "resolution" | "aspect_ratio" => {
            let offered = fed(mode, field).map(Parameter::offered).unwrap_or_default();
            match offered.as_slice() {
                [first, second, ..] => (first.clone(), second.clone()),
                _ => (old.to_owned(), new.to_owned()),
            }
        }
        _ => (old.to_owned(), new.to_owned()),
    }
}

/// Whether a value names a file, alone or in a list.
fn shows_input(value: &Value) -> bool {
    let text = value.to_string();
    text.contains("sha256:") || text.contains("refs/") || text.contains("$file")
}

/// Fails unless scene 1 alone is rendered anew, for these parts and no others, each with what it was and what it is.
#[track_caller]
fn assert_changed(planned: &Planned, parts: &[String], what: &str) {
    let plan = serde_json::to_value(&planned.plan).unwrap();
    let scene = &plan["scenes"][0];
    assert_eq!(scene["action"], "update", "{what}: {scene:#}");
    let reasons = scene["reasons"].as_array().unwrap();
    let named: Vec<&str> = reasons.iter().filter_map(|reason| reason["part"].as_str()).collect();
    assert_eq!(named, parts, "{what}: {reasons:#?}");
    for reason in reasons {
        assert_eq!(reason["step"], "generate", "{what}");
        let values = (reason.get("old"), reason.get("new"));
        assert!(matches!(values, (Some(old), Some(new)) if old != new), "{what}: {reason:#}");
        let code = match (reason["part"].as_str().unwrap(), &reason["new"]) {
            ("prompt", _) => "prompt-changed",
            ("model", _) => "model-changed",
            (_, new) if [new, &reason["old"]].into_iter().any(shows_input) => "reference-changed",
            _ => "parameter-changed",
        };
        assert_eq!(reason["code"], code, "{what}");
    }
    for other in &planned.plan.scenes[1..] {
        assert_eq!(other.action, Action::Unchanged, "{what}: scene {}", other.scene_id);
    }
}

#[test]
fn every_field_has_a_row() {
    let rows: Vec<&str> = ROWS.iter().map(|(field, ..)| *field).collect();
    let fields: Vec<&str> = FIELDS.iter().map(|spec| spec.name).collect();
    assert_eq!(rows, fields, "a field was added or moved: say here what an edit of it does");
    for ((field, way, ..), spec) in ROWS.iter().zip(FIELDS) {
        let reaches = !matches!(way, Never | Skips | Way::Takes);
        assert!(!(reaches && spec.editorial), "`{field}` reaches requests and is called editorial");
        assert!(*way != Never || spec.editorial, "`{field}` reaches nothing: it is editorial");
    }
}

#[test]
fn each_field_changes_its_scene_alone_and_is_named() {
    let catalog = Catalog::built_in().unwrap();
    let mut reached = BTreeSet::new();
    for (model, mode, work) in modes(&catalog) {
        if !SAMPLE.contains(&model.name.as_str()) {
            continue;
        }
        let base = Lines::of(model, mode, work);
        for &(field, way, old, new) in ROWS {
            if is_elsewhere(way) {
                continue;
            }
            let (old, new) = values(&catalog, model, mode, (field, old, new));
            let mut base = base.clone();
            // What is seen is said in one field at a time, where only one of them is used.
            match field {
                "image_prompt" => base.set("reference", ""),
                "action" | "subject" | "prompt" => base.set("visual", ""),
                // Takes the place of the switch, which a Kling scene needs to be heard.
                "audio" if mode.sound == Sound::Switch => continue,
                "model" if new.is_empty() => continue,
                _ => {}
            }
            if field == "subject" {
                base.set("action", "It stands");
            }
            // The mode follows from what the scene gives, so these are there in the mode that they lead to.
            let leads_elsewhere = match field {
                "reference" | "image_prompt" => {
                    mode.kind != ModeKind::I2v && mode.kind != ModeKind::Motion
                }
                "last_frame" => mode.kind != ModeKind::FirstLast,
                "video" => mode.kind != ModeKind::Motion,
                _ => false,
            };
            if leads_elsewhere {
                continue;
            }
            let what = format!("{} {}: `{field}` from `{old}` to `{new}`", model.name, mode.kind);
            let (before, after) = (base.with(field, &old).story(), base.with(field, &new).story());
            let parts = parts(mode, field, way);
            let mut film = film();
            // A field without any meaning in a scene of its own is refused, which is no silence either.
            if parts.is_empty() && film.try_plan(&before).is_err() {
                continue;
            }
            film.render(&before);
            assert_unchanged(&film.plan(&before), &what);
            let planned = film.plan(&after);
            if parts.is_empty() {
                assert_unchanged(&planned, &what);
                continue;
            }
            reached.insert(field);
            assert_changed(&planned, &parts, &what);
            film.render(&after);
            assert_unchanged(&film.plan(&after), &what);
            // Back again, it is free.
            let planned = film.plan(&before);
            assert_eq!(planned.plan.scenes[0].action, Action::Restore, "{what}");
            assert_eq!(planned.plan.summary.credits, 0.0, "{what}");

            // Set where it was not, and taken away again: not where a scene without it is no scene, or has the same default.
            if [
                "visual",
                "action",
                "subject",
                "prompt",
                "model",
                "duration",
                "reference",
                "image_prompt",
                "last_frame",
                "video",
            ]
            .contains(&field)
            {
                continue;
            }
            let without = base.story();
            let mut film = film_of(&without);
            let default = fed(mode, field).and_then(|parameter| parameter.default.as_ref());
            let value = [&old, &new].into_iter().find(|value| {
                !matches!(default, Some(Value::String(own)) if own.eq_ignore_ascii_case(value))
                    && (field != "clip_length" || **value == new)
            });
            let value = value.expect("two values and one default");
            let what = format!("{} {}: `{field}` to `{value}`", model.name, mode.kind);
            let with = base.with(field, value).story();
            assert_changed(&film.plan(&with), &parts, &what);
            film.render(&with);
            assert_eq!(film.plan(&without).plan.scenes[0].action, Action::Restore, "{what}");
        }
    }
    let all = ROWS.iter().filter(|(_, way, ..)| !is_elsewhere(*way) && *way != Never);
    for (field, ..) in all {
        assert!(reached.contains(field), "no model has any use for `{field}`");
    }
}

fn film_of(text: &str) -> Film {
    let mut film = film();
    film.render(text);
    film
}

/// Values for a parameter that are not what it has by itself.
fn candidates(parameter: &Parameter) -> Vec<String> {
    let default = parameter.default.as_ref();
    let is_default = |value: &String| {
        default.is_some_and(|default| match default {
            Value::String(text) => text == value,
            other => value.parse().is_ok_and(|value: Value| value == *other),
        })
    };
    let least = parameter.min.map(|min| min + parameter.step.unwrap_or(1.0));
    let mut values: Vec<String> = parameter.offered();
    match parameter.wire_type {
        WireType::Boolean => values.extend(["true", "false"].map(str::to_owned)),
        WireType::String => values.extend(["me", "https://a.example/me.png"].map(str::to_owned)),
        WireType::Array => values.extend(
            [
                "[\"me\"]",
                "[\"https://a.example/me.png\"]",
                "[{\"prompt\": \"a\", \"duration\": 5}]",
            ]
            .map(str::to_owned),
        ),
        _ => {
            values.extend(least.map(|least| least.to_string()));
            values.push("1".to_owned());
        }
    }
    values.retain(|value| !is_default(value));
    values
}

#[test]
fn every_parameter_of_every_mode_changes_its_scene_and_is_named() {
    let catalog = Catalog::built_in().unwrap();
    let mut tried = 0;
    let mut refused = Vec::new();
    for (model, mode, work) in modes(&catalog) {
        let lines = Lines::of(model, mode, work);
        let film = film_of(&lines.story());
        for parameter in mode.parameters.iter().filter(|parameter| parameter.from.is_empty()) {
            let what = format!("{} {}: {}", model.name, mode.kind, parameter.name);
            let story = |value: &String| {
                lines.with("params", &format!("{}={value}", parameter.name)).story()
            };
            let values = candidates(parameter);
            // Some need others beside them, which their rules say.
            let Some(with) = values.iter().map(story).find(|story| film.try_plan(story).is_ok())
            else {
                refused.push(what);
                continue;
            };
            tried += 1;
            if with.contains("https://") {
                continue;
            }
            let mut names = vec![parameter.name.clone()];
            match parameter.name.as_str() {
                // PixVerse's templates take the place of the length, and Wan counts it in frames.
                "template_id" => names.insert(0, "duration".to_owned()),
                "frames_per_second" => names.insert(0, "num_frames".to_owned()),
                _ => {}
            }
            assert_changed(&film.plan(&with), &names, &what);
        }
    }
    assert!(refused.len() < tried / 4, "{tried} parameters, and {refused:#?} refused");
    assert!(tried >= 190, "{tried} parameters");
}

#[test]
fn the_sound_switch_is_a_parameter_and_decides_what_is_told() {
    let story = |audio: &str, sfx: &str| {
        let lines = format!("- **Audio**: {audio}\n- **SFX**: {sfx}\n");
        format!(
            "## Scene 1\n- **Model**: Kling 2.6\n- **Visual**: The sea\n- **Duration**: 5s\n{lines}"
        )
    };
    let mut film = Film::rendered(&story("off", "waves"));
    assert_unchanged(&film.plan(&story("off", "gulls")), "nobody hears it");
    let planned = film.plan(&story("on", "waves"));
    assert_eq!(codes(&planned, 0), ["prompt-changed prompt", "parameter-changed sound"]);
    film.render(&story("on", "waves"));
    assert_eq!(codes(&film.plan(&story("on", "gulls")), 0), ["prompt-changed prompt"]);
}

#[test]
fn scenes_that_are_not_generated_any_more_are_skipped_and_come_back_free() {
    let catalog = Catalog::built_in().unwrap();
    let (model, mode, work) =
        modes(&catalog).find(|(model, ..)| model.name == "Veo 3.1 Fast").unwrap();
    let base = Lines::of(model, mode, work);
    let film = film_of(&base.story());
    for (field, value) in [("type", "title"), ("file", "footage/a.mp4")] {
        let planned = film.plan(&base.with(field, value).story());
        assert_eq!(planned.plan.scenes[0].action, Action::Skip);
        assert_eq!(planned.plan.summary.credits, 0.0);
        assert!(planned.plan.orphans.is_empty(), "its clip stays its own");
    }
    assert_unchanged(&film.plan(&base.with("type", "video_clip").story()), "said in so many words");
}

// ---- where a field stands ----

/// Three scenes, one of which says everything itself.
fn levels(top: &str, defaults: &str) -> String {
    format!(
        "---\n{top}defaults:\n  model: veo-3.1-fast\n{defaults}---\n\
         ## Scene 1\n- **Visual**: The sea\n- **Duration**: 4s\n\n\
         ## Scene 2\n- **Visual**: The sky\n- **Duration**: 4s\n\n\
         ## Scene 3\n- **Visual**: The rock\n- **Duration**: 4s\n- **Style**: ink\n- **Aspect Ratio**: 16:9\n\
         - **Resolution**: 720p\n- **Seed**: 11111\n- **Clip length**: 8\n- **Camera**: static\n\
         - **Params**: watermark=own\n- **Negative**: people\n"
    )
}

#[test]
fn a_default_changes_the_scenes_that_take_it_wherever_it_stands() {
    for (field, old, new, part) in [
        ("style", "35mm film", "charcoal", "prompt"),
        ("camera", "pan left", "pan right", "prompt"),
        ("negative", "text", "crowds", "prompt"),
        ("aspect_ratio", "16:9", "9:16", "aspect_ratio"),
        ("resolution", "720p", "1080p", "resolution"),
        ("seed", "12345", "54321", "seeds"),
        ("clip_length", "4", "6", "duration"),
        ("params", "watermark=me", "watermark=you", "watermark"),
    ] {
        let line = |value: &str| format!("{field}: \"{value}\"\n");
        let toml = |value: &str| format!("{field} = \"{value}\"\n");
        for place in ["front matter", "its defaults", "storyreel.toml"] {
            let write = |value: &str| match place {
                "front matter" => (levels(&line(value), ""), String::new()),
                "its defaults" => (levels("", &format!("  {}", line(value))), String::new()),
                _ => (levels("", ""), toml(value)),
            };
            let what = format!("`{field}` in {place}");
            let mut film = Film::new();
            let (text, config) = write(old);
            film.configure(&config);
            film.render(&text);
            let (text, config) = write(new);
            film.configure(&config);
            let planned = film.plan(&text);
            let expected = [("1", "update"), ("2", "update"), ("3", "unchanged")];
            assert_eq!(
                actions(&planned),
                expected.map(|(id, action)| (id.to_owned(), action)),
                "{what}"
            );
            for scene in [0, 1] {
                let codes = codes(&planned, scene);
                assert_eq!(codes.len(), 1, "{what}: {codes:?}");
                assert!(codes[0].ends_with(&format!(" {part}")), "{what}: {codes:?}");
            }
            // Front matter wins over configuration.
            film.configure(&toml(old));
            if place != "storyreel.toml" {
                assert_eq!(actions(&film.plan(&text)), actions(&planned), "{what}");
            }
        }
    }
}

// ---- characters, files, templates ----

const CAST: &str = "\
---
characters:
  ada: {look: \"Ada, seventy, a grey braid\", image: refs/ada.png}
  tom: {look: \"Tom, a boy in yellow oilskins\"}
model: veo-3.1-fast
---
## Scene 1
- **Visual**: Ada on the rock
- **Duration**: 8s

## Scene 2
- **Visual**: Tom in the boat
- **Duration**: 8s

## Scene 3
- **Visual**: The empty sea
- **Duration**: 8s
- **Reference**: refs/sea.png

## Scene 4
- **Visual**: The empty sky
- **Duration**: 8s
";

fn cast() -> Film {
    let mut film = Film::new();
    film.file("refs/ada.png", "ada");
    film.file("refs/sea.png", "sea");
    film.render(CAST);
    film
}

/// Fails unless this scene alone changed, for these reasons.
#[track_caller]
fn assert_only(planned: &Planned, scene: usize, expected: &[&str]) {
    for (index, other) in planned.plan.scenes.iter().enumerate() {
        let action = if index == scene { Action::Update } else { Action::Unchanged };
        assert_eq!(other.action, action, "scene {}: {:?}", other.scene_id, other.reasons);
    }
    assert_eq!(codes(planned, scene), expected);
}

#[test]
fn a_characters_look_changes_the_scenes_with_that_character() {
    let film = cast();
    assert_only(
        &film.plan(&CAST.replace("grey braid", "white braid")),
        0,
        &["prompt-changed prompt"],
    );
    assert_only(&film.plan(&CAST.replace("yellow", "green")), 1, &["prompt-changed prompt"]);
    let more = CAST.replace("characters:\n", "characters:\n  eve: {look: \"Eve, a heron\"}\n");
    assert_unchanged(&film.plan(&more), "nobody meets her");
}

#[test]
fn the_bytes_of_a_picture_change_the_scenes_that_show_it() {
    let mut film = cast();
    assert_eq!(
        film.plan(CAST).plan.scenes[0].steps[0].request["imageUrls"],
        json!([{"$file": "sha256:ada"}])
    );
    film.file("refs/ada.png", "ada in a hat");
    assert_only(&film.plan(CAST), 0, &["reference-changed imageUrls"]);
    film.file("refs/ada.png", "ada");
    film.file("refs/sea.png", "a storm");
    assert_only(&film.plan(CAST), 2, &["reference-changed imageUrls"]);
    // The same bytes under another name are the same picture.
    film.file("refs/ocean.png", "sea");
    assert_unchanged(&film.plan(&CAST.replace("refs/sea.png", "refs/ocean.png")), "another name");
}

#[test]
fn a_project_template_changes_the_scenes_that_are_composed_with_it() {
    let mut film = Film::rendered(CHAIN);
    let own = |style: &str, text: &str| {
        Templates::with_overrides(&[(style.to_owned(), text.to_owned())]).unwrap()
    };
    film.templates = own("kling", "{{ visual }} (own)").into();
    assert_unchanged(&film.plan(CHAIN), "a style that no scene has");
    film.templates = own("veo", "{{ visual }}{{ action }} (own)").into();
    assert_only(&film.plan(CHAIN), 1, &["template-changed prompt"]);
    let reason = film.plan(CHAIN).plan.scenes[1].reasons[0].clone();
    assert!(reason.old.unwrap().as_str().unwrap().starts_with("The rock"));
    assert_eq!(reason.new, Some(json!("The rock (own)")));
    assert_eq!(reason.step, Some(StepKind::Generate));
}

// ---- chains ----

/// A chain of four steps in the author's own words, and a scene beside it.
const CHAIN: &str = "\
---
model: veo-3.1-fast
---
## Scene 1
- **Prompt**: The sea
- **Duration**: 8s

### Extend
A sail appears.

### Extend
- **Prompt**: The sail passes.
- **Seed**: 12345

### Upscale
4k

## Scene 2
- **Visual**: The rock
- **Duration**: 8s
";

/// What becomes of the steps of the first scene: `.` kept, `$` paid.
fn steps(planned: &Planned) -> String {
    let steps = planned.plan.scenes[0].steps.iter();
    steps.map(|step| if step.action.is_paid() { '$' } else { '.' }).collect()
}

#[test]
fn a_changed_step_renders_from_there_on_only_and_is_named() {
    let film = Film::rendered(CHAIN);
    for (old, new, kept, reasons, credits) in [
        ("The sea", "The ocean", "$$$$", &["prompt-changed prompt"][..], 300.0),
        ("A sail appears", "A ship appears", ".$$$", &["prompt-changed prompt"], 240.0),
        ("The sail passes", "The sail sinks", "..$$", &["prompt-changed prompt"], 180.0),
        ("12345", "54321", "..$$", &["parameter-changed seeds"], 180.0),
        (
            "- **Seed**: 12345",
            "- **Params**: watermark=me\n- **Seed**: 12345",
            "..$$",
            &["parameter-changed watermark"],
            180.0,
        ),
        ("4k", "1080p", "...$", &["parameter-changed mode"], 5.0),
        (
            "### Extend\nA sail appears.",
            "### Extend\n- **Prompt**: A sail appears.\n- **Model**: Veo 3.1",
            ".$$$",
            &["model-changed model"],
            430.0,
        ),
        (
            "### Extend\nA sail",
            "### Generate\n- **Seed**: 22222\n\n### Extend\nA sail",
            "$$$$",
            &["parameter-changed seeds"],
            300.0,
        ),
        (
            "- **Duration**: 8s\n\n### Extend\nA",
            "- **Duration**: 8s\n- **Seed**: 22222\n\n### Extend\nA",
            "$$$$",
            &["parameter-changed seeds"],
            300.0,
        ),
    ] {
        let text = CHAIN.replacen(old, new, 1);
        assert_ne!(text, CHAIN);
        let planned = film.plan(&text);
        assert_eq!(codes(&planned, 0), reasons, "{new}");
        assert_eq!(planned.plan.scenes[1].action, Action::Unchanged, "{new}");
        assert_eq!(planned.plan.summary.credits, credits, "{new}");
        assert_eq!(steps(&planned), kept, "{new}");
        let paid = kept.find('$').unwrap();
        let named = planned.plan.scenes[0].reasons[0].step.unwrap();
        assert_eq!(named, planned.plan.scenes[0].steps[paid].step, "{new}");
        let Some(Work::Render(work)) = &planned.plan.scenes[0].work else { panic!("{new}") };
        for (index, step) in work.steps.iter().enumerate() {
            let done = matches!(&step.start, StepStart::Done(clip) if clip.sha256 == format!("sha256:vid-001-{index}"));
            assert_eq!(done, index < paid, "{new}: step {index}");
        }
    }
}

#[test]
fn other_steps_are_told_with_what_they_were() {
    let film = Film::rendered(CHAIN);
    let planned = film.plan(&CHAIN.replace("### Upscale\n4k\n", ""));
    let reasons = serde_json::to_value(&planned.plan.scenes[0].reasons).unwrap();
    assert_eq!(
        reasons,
        json!([{"code": "steps-changed", "part": "steps", "old": ["generate", "extend", "extend", "upscale"],
            "new": ["generate", "extend", "extend"]}])
    );
}

#[test]
fn an_extension_in_fields_takes_the_look_and_sound_of_its_scene() {
    let story = "## Scene 1\n- **Visual**: The sea\n- **Duration**: 8s\n- **Style**: ink\n- **Ambient**: swell\n\
                 - **Camera**: pan left\n\n### Extend\n- **Visual**: A sail appears\n- **Camera**: static\n";
    let film = Film::rendered(story);
    for (old, new, paid) in [
        ("ink", "charcoal", "$$"),
        ("swell", "wind", "$$"),
        ("pan left", "pan right", "$$"),
        ("A sail", "A ship", ".$"),
        ("static", "crane up", ".$"),
    ] {
        let planned = film.plan(&story.replace(old, new));
        assert_eq!(steps(&planned), paid, "{new}");
        let told = planned.plan.scenes[0].reasons.len();
        // The camera is the scene's own; what looks and sounds is told of both.
        assert_eq!(told, if ["charcoal", "wind"].contains(&new) { 2 } else { 1 }, "{new}");
    }
}

#[test]
fn a_retake_renders_what_was_made_from_it_again() {
    let mut film = Film::rendered(CHAIN);
    let mut retake = storyreel::plan::Selection::default();
    let scene = storyreel::storyboard::SceneId::Number(1);
    retake.add(&scene, Some(storyreel::storyboard::StepKind::Extend));
    film.options.retake = retake;
    let planned = film.plan(CHAIN);
    assert_eq!(steps(&planned), ".$$$");
    assert_eq!(codes(&planned, 0), ["retake"]);
    film.render(CHAIN);
    film.options.retake = storyreel::plan::Selection::default();
    assert_unchanged(&film.plan(CHAIN), "the new take");
    // From the end of the chain on, the clips of the retake count, not those of the first take.
    let planned = film.plan(&CHAIN.replace("4k", "1080p"));
    let Some(Work::Render(work)) = &planned.plan.scenes[0].work else { panic!("no work") };
    assert!(
        matches!(&work.steps[2].start, StepStart::Done(clip) if clip.sha256 == "sha256:vid-003-2")
    );
    assert!(
        planned.plan.scenes[0].steps[3].request["taskId"] == json!({"$task": "sha256:vid-003-2"})
    );
}

#[test]
fn steps_of_all_scenes_change_the_scenes_without_their_own() {
    let story = |text: &str| {
        format!(
            "---\nmodel: veo-3.1-fast\nsteps:\n  - extend: {text}\n---\n## Scene 1\n- **Prompt**: The sea\n\
             - **Duration**: 8s\n\n## Scene 2\n- **Prompt**: The sky\n- **Duration**: 8s\n\n### Upscale\n1080p\n"
        )
    };
    let film = Film::rendered(&story("A sail appears."));
    let planned = film.plan(&story("A ship appears."));
    assert_only(&planned, 0, &["prompt-changed prompt"]);
    assert_eq!(steps(&planned), ".$");
}

#[test]
fn the_age_of_a_film_changes_nothing() {
    let mut film = Film::rendered(CHAIN);
    film.known.now_ms += 4000 * DAY;
    assert_unchanged(&film.plan(CHAIN), "eleven years later");
}
