//! The JSON Schema of YAML and JSON storyboards, made from the table of fields.

use super::field::{FIELDS, Field, FieldKind, FieldSpec};
use super::scene::StepKind;
use crate::camera::MOVES;
use serde_json::{Map, Value, json};

/// The JSON Schema (draft 2020-12) of a YAML or JSON storyboard, for editors and for other programs.
///
/// It knows every field by its own name only. The reader takes more: other labels people write for a field, in several
/// languages, and keys about the document that mean nothing to a render.
pub fn schema() -> Value {
    let defaults = fields(|spec| {
        !matches!(spec.field, Field::Prompt | Field::Visual | Field::File | Field::Use)
    });
    let mut top = Map::new();
    top.insert("$schema".into(), json!({"type": "string"}));
    top.insert(
        "title".into(),
        described("Title of the film.", json!(["The Keeper of Skerry Light"]), text()),
    );
    for (name, description) in ABOUT {
        top.insert((*name).into(), json!({"description": description}));
    }
    top.insert(
        "fps".into(),
        json!({
            "description": "Frames a second, for durations that count frames.",
            "type": "number", "exclusiveMinimum": 0, "examples": [24]
        }),
    );
    top.insert("include".into(), json!({
        "description": "Files that give characters and defaults, shared between films: YAML, or Markdown with front matter only. \
                        Paths are relative to this file; what is said here wins, then what later files say.",
        "type": ["string", "array", "null"],
        "items": {"type": "string"},
        "examples": ["shared/look.yaml", ["../series/look.yaml", "../series/cast.yaml"]]
    }));
    top.insert("characters".into(), characters());
    top.insert("defaults".into(), json!({"$ref": "#/$defs/defaults"}));
    top.insert(
        "scenes".into(),
        json!({
            "description": "The scenes in the order of the film: a list, or a map from ids to scenes.",
            "anyOf": [
                {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/scene"}},
                {"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/$defs/scene"}}
            ]
        }),
    );
    for (name, value) in &defaults {
        if !top.contains_key(name) {
            top.insert(name.clone(), value.clone());
        }
    }
    top.insert("steps".into(), json!({"$ref": "#/$defs/steps"}));
    top.insert(
        "profiles".into(),
        json!({
            "description": "The film in other qualities, the roughest first: fields that count more than those of any scene, and \
                            the steps after the clip. Stills are the same in all of them.",
            "type": ["object", "null"],
            "additionalProperties": {"$ref": "#/$defs/defaults"},
            "examples": [{"draft": {"model": "veo-3.1-lite"}, "final": {"model": "veo-3.1", "resolution": "1080p"}}]
        }),
    );
    top.insert(
        "profile".into(),
        described("The profile where the command names none.", json!(["draft"]), text()),
    );

    let mut defaults_map = defaults;
    defaults_map.insert("steps".into(), json!({"$ref": "#/$defs/steps"}));

    let mut scene = Map::new();
    scene.insert(
        "id".into(),
        json!({
            "description": "The scene's id, unique in the film: a whole number or a word. Without one it is made from the title.",
            "type": ["integer", "string"], "examples": [1, "12A", "hook"]
        }),
    );
    scene.insert("title".into(), described("Title of the scene.", json!(["First light"]), text()));
    scene.extend(fields(|_| true));
    scene.insert("steps".into(), json!({"$ref": "#/$defs/steps"}));
    for kind in [StepKind::Extend, StepKind::Restyle, StepKind::Lipsync, StepKind::Upscale] {
        scene.insert(kind.name().into(), step_reference(kind));
    }

    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "storyreel storyboard",
        "description": "A film as a list of scenes. Every field but the scenes is optional.",
        "type": "object",
        "required": ["scenes"],
        "properties": top,
        "patternProperties": {"^(x-|\\.)": {"description": "Pieces shared by anchors; not read."}},
        "additionalProperties": false,
        "$defs": {
            "fields": {
                "description": "Every field there is.",
                "type": "object",
                "properties": FIELDS.iter().map(|spec| (spec.name.to_owned(), field(spec))).collect::<Map<_, _>>()
            },
            "scene": {
                "anyOf": [
                    {"type": "string", "description": "What is seen, where that is all there is to say."},
                    {"type": "object", "properties": scene, "additionalProperties": false}
                ]
            },
            "defaults": {
                "description": "Fields that every scene takes unless it has its own.",
                "type": ["object", "null"],
                "properties": defaults_map,
                "additionalProperties": false
            },
            "step_fields": {
                "type": "object",
                "properties": fields(|spec| !spec.editorial),
                "additionalProperties": false
            },
            "step": {
                "type": "object",
                "properties": StepKind::ALL.iter().map(|kind| (kind.name().to_owned(), step(*kind))).collect::<Map<_, _>>(),
                "additionalProperties": false
            },
            "steps": steps(),
            "inputs": {
                "description": "A path relative to the storyboard, an http(s) URL, a scene (`scene:3`, `scene:3/first`, `scene:3/keyframe`) or an asset (`img-003`); or several.",
                "type": ["string", "array", "null"],
                "items": {"type": "string"}
            }
        }
    })
}

/// Keys about the document that are taken and not used.
const ABOUT: &[(&str, &str)] = &[
    ("description", "What the film is about; for people."),
    ("logline", "The film in a sentence; for people."),
    ("author", "Who wrote it; for people."),
    ("date", "When it was written; for people."),
    ("version", "Version of the document; for people."),
    ("language", "Language of the film; for people."),
    ("tags", "Anything; for people."),
    ("project", "Anything; for people."),
    ("client", "Anything; for people."),
    ("status", "Where the work stands; for people."),
    ("notes", "Anything else; for people."),
];

fn described(description: &str, examples: Value, mut schema: Value) -> Value {
    if let Value::Object(map) = &mut schema {
        let mut out = Map::new();
        out.insert("description".into(), description.into());
        out.append(map);
        if examples.as_array().is_some_and(|examples| !examples.is_empty()) {
            out.insert("examples".into(), examples);
        }
        return Value::Object(out);
    }
    schema
}

fn text() -> Value {
    json!({"type": ["string", "number", "null"]})
}

/// The wanted fields, each by a reference to its one description.
fn fields(wanted: impl Fn(&FieldSpec) -> bool) -> Map<String, Value> {
    let reference =
        |spec: &FieldSpec| json!({"$ref": format!("#/$defs/fields/properties/{}", spec.name)});
    FIELDS
        .iter()
        .filter(|spec| wanted(spec))
        .map(|spec| (spec.name.to_owned(), reference(spec)))
        .collect()
}

/// What a field means; of a camera the moves as well, from their own table.
fn description(spec: &FieldSpec) -> String {
    if spec.field != Field::Camera {
        return spec.description.to_owned();
    }
    let moves = MOVES.iter().map(|one| format!("{} ({})", one.name, one.does));
    format!("{} The moves: {}.", spec.description, moves.collect::<Vec<_>>().join("; "))
}

fn field(spec: &FieldSpec) -> Value {
    let schema = match (spec.field, spec.kind) {
        (Field::Kind, _) => {
            json!({"enum": ["video_clip", "image", "footage", "title", "black", null]})
        }
        (Field::Dialogue, _) => json!({
            "type": ["string", "array", "object", "null"],
            "items": {"type": ["string", "object"], "additionalProperties": {"type": "string"}},
            "additionalProperties": {"type": "string"}
        }),
        (Field::AspectRatio, _) => json!({"type": ["string", "null"]}),
        (_, FieldKind::Text) => {
            json!({"type": ["string", "number", "array", "null"], "items": {"type": "string"}})
        }
        (_, FieldKind::Seconds) => {
            json!({"type": ["number", "string", "null"], "exclusiveMinimum": 0})
        }
        (_, FieldKind::Integer) => json!({"type": ["integer", "null"]}),
        (_, FieldKind::Inputs) => {
            return described(
                spec.description,
                examples(spec.field),
                json!({"$ref": "#/$defs/inputs"}),
            );
        }
        (_, FieldKind::TextOrInput) => {
            json!({"type": ["string", "array", "null"], "items": {"type": "string"}})
        }
        (_, FieldKind::Audio) => {
            json!({"type": ["string", "boolean", "array", "null"], "items": {"type": "string"}})
        }
        (_, FieldKind::Params) => json!({"type": ["object", "string", "null"]}),
        (_, FieldKind::Names | FieldKind::Ranges) => {
            json!({"type": ["array", "string", "null"], "items": {"type": "string"}})
        }
    };
    described(&description(spec), examples(spec.field), schema)
}

fn examples(field: Field) -> Value {
    match field {
        Field::Duration => json!([5, "2.5s", "0:00-0:05"]),
        Field::ClipLength => json!([8]),
        Field::Model => json!(["veo-3.1-fast", "Veo 3.1 Lite", "kling-2.6"]),
        Field::Visual => json!(["A lone lighthouse on a basalt skerry"]),
        Field::Shot => json!(["wide", "close-up"]),
        Field::Camera => MOVES.iter().map(|one| one.example).collect(),
        Field::Allow => json!([["one-move"], "camera"]),
        Field::Goal => json!(["value", "quality"]),
        Field::ImageModel => json!(["Nano Banana", "Seedream 4.5"]),
        Field::Style => json!(["35mm film, soft grain"]),
        Field::Characters => json!([["ada"]]),
        Field::Dialogue => json!(["Ada: Not tonight."]),
        Field::Audio => json!(["SFX: waves", "off", "sound/waves.mp3"]),
        Field::Negative => json!(["text, logos"]),
        Field::Reference => {
            json!(["refs/ada.png", "scene:3", ["img-003", "https://example.com/ada.png"]])
        }
        Field::LastFrame => json!(["refs/end.png", "scene:4/first"]),
        Field::Extends => json!(["3"]),
        Field::AspectRatio => json!(["16:9", "9:16", "1:1", "Auto"]),
        Field::Resolution => json!(["720p", "1080p", "4k"]),
        Field::Seed => json!([12345]),
        Field::Params => json!([{"cfg_scale": 0.5}]),
        Field::Transition => json!(["cut", "crossfade", "fade-to-black"]),
        Field::Takes => json!([3]),
        Field::Gate => json!(["keyframe"]),
        Field::VoiceName => json!(["Rachel"]),
        Field::File => json!(["footage/harbour.mp4"]),
        Field::Use => json!(["1.2-5.4", "0:01-0:05", "take 2 0-2.1, take 3 1-3.4"]),
        _ => json!([]),
    }
}

fn characters() -> Value {
    json!({
        "description": "People and things that must look the same in every scene: from names to looks, or the path of a file with that map.",
        "type": ["object", "string", "null"],
        "additionalProperties": {
            "anyOf": [
                {"type": ["string", "null"]},
                {
                    "type": "object",
                    "properties": {
                        "look": {"description": "The description that goes into prompts word for word.", "type": "string"},
                        "description": {"description": "Another word for `look`.", "type": "string"},
                        "image": {"$ref": "#/$defs/inputs"},
                        "images": {"$ref": "#/$defs/inputs"},
                        "reference": {"$ref": "#/$defs/inputs"},
                        "sheet": {
                            "description": "A reference picture is made of the character, as scene `sheet-NAME`: `on`, or what it shows.",
                            "type": ["boolean", "string", "null"],
                            "examples": [true, "full figure, front and side, plain grey background"]
                        },
                        "voice": {"description": "The voice that speaks its lines in a step `voice`, by the name or id that the speech model has.", "type": "string"},
                        "notes": {"type": "string"}
                    },
                    "additionalProperties": false
                }
            ]
        },
        "examples": [{"ada": {"look": "Ada, 60s, grey braid, oilskin coat", "image": "refs/ada.png"}}, "cast.yaml"]
    })
}

fn step(kind: StepKind) -> Value {
    let (description, example) = match kind {
        StepKind::Voice => (
            "The scene's words, spoken before its clip is made; a text is what is said, else the `voiceover` or the `dialogue`.",
            "Nobody had lit it for forty years.",
        ),
        StepKind::Keyframe => {
            ("A still that starts the clip; a text is its prompt.", "A lighthouse at dusk, wide")
        }
        StepKind::Generate => ("The clip itself.", "A lighthouse at dusk"),
        StepKind::Extend => (
            "The clip goes on; a text is the prompt of the continuation.",
            "The camera drifts past the lamp room",
        ),
        StepKind::Restyle => {
            ("The clip in another look; a text is the prompt.", "As a charcoal drawing")
        }
        StepKind::Lipsync => ("The clip speaks; a text or path is the sound.", "sound/line-01.mp3"),
        StepKind::Upscale => ("The clip in more pixels; a text is the target.", "4k"),
    };
    json!({
        "description": description,
        "anyOf": [{"type": ["string", "boolean", "null"]}, {"$ref": "#/$defs/step_fields"}],
        "examples": [example]
    })
}

fn step_reference(kind: StepKind) -> Value {
    json!({"$ref": format!("#/$defs/step/properties/{}", kind.name())})
}

fn steps() -> Value {
    let names: Vec<&str> = StepKind::ALL.iter().map(|kind| kind.name()).collect();
    json!({
        "description": "What is done after (or instead of) a plain generate, in order: each step is a map with one key.",
        "anyOf": [
            {
                "type": "array",
                "items": {
                    "anyOf": [
                        {"enum": names},
                        {"$ref": "#/$defs/step", "minProperties": 1, "maxProperties": 1}
                    ]
                }
            },
            {"$ref": "#/$defs/step"},
            {"type": ["string", "null"]}
        ],
        "examples": [[{"extend": "The camera drifts past the lamp room"}, {"upscale": "4k"}]]
    })
}
