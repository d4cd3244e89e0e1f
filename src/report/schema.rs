//! JSON Schemas of what the program writes for other programs: plans, events and the manifest.

use crate::plan::Action;
use crate::storyboard::StepKind;
use serde_json::{Map, Value, json};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

fn scene_id() -> Value {
    json!({"description": "A whole number, or a text such as `12A` or `hook`.", "type": ["integer", "string"]})
}

fn step() -> Value {
    json!({"enum": StepKind::ALL.map(StepKind::name)})
}

fn action() -> Value {
    json!({"enum": Action::ALL.map(Action::name)})
}

fn counts() -> Map<String, Value> {
    Action::ALL
        .into_iter()
        .map(|action| (action.name().to_owned(), json!({"type": "integer", "minimum": 0})))
        .collect()
}

/// `storyreel plan --json`.
pub fn plan() -> Value {
    let credits = json!({"type": "number", "minimum": 0});
    let mut summary = counts();
    summary.insert("credits".into(), credits.clone());
    summary.insert("usd".into(), credits);
    summary.insert("unpriced_steps".into(), json!({"type": "integer", "minimum": 0}));
    let required: Vec<&String> = summary.keys().collect();
    json!({
        "$schema": DRAFT,
        "title": "storyreel plan",
        "type": "object",
        "required": ["format_version", "storyboard", "summary", "scenes", "orphans"],
        "properties": {
            "format_version": {"const": crate::plan::outcome::PLAN_FORMAT},
            "storyboard": {"type": "string"},
            "summary": {"type": "object", "required": required, "properties": summary},
            "scenes": {"type": "array", "items": scene_plan()},
            "orphans": {"type": "array", "items": {
                "type": "object",
                "required": ["id", "scene_id", "filename"],
                "properties": {"id": {"type": "string"}, "scene_id": scene_id(), "filename": {"type": "string"}},
            }},
        },
    })
}

fn scene_plan() -> Value {
    json!({
        "type": "object",
        "required": ["scene_id", "title", "action", "filename", "duration", "clip_length", "reasons", "notes", "steps"],
        "properties": {
            "scene_id": scene_id(),
            "title": {"type": ["string", "null"]},
            "action": action(),
            "filename": {"type": ["string", "null"], "description": "Relative to the assets root."},
            "duration": {"type": ["number", "null"], "description": "Seconds in the film."},
            "clip_length": {"type": ["number", "null"], "description": "Seconds of the clip."},
            "reasons": {"type": "array", "items": reason()},
            "notes": {"type": "array", "items": note()},
            "steps": {"type": "array", "items": step_plan()},
        },
    })
}

fn reason() -> Value {
    json!({
        "type": "object",
        "required": ["code"],
        "properties": {
            "code": {"type": "string"},
            "step": step(),
            "part": {"type": "string"},
            "old": true,
            "new": true,
            "detail": {"type": "string"},
        },
    })
}

fn note() -> Value {
    json!({
        "type": "object",
        "required": ["code", "message"],
        "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
    })
}

fn step_plan() -> Value {
    json!({
        "type": "object",
        "required": ["step", "action", "model", "family", "endpoint", "request", "fingerprint", "credits", "price"],
        "properties": {
            "step": step(),
            "action": action(),
            "model": {"type": "string"},
            "family": {"type": "string"},
            "endpoint": {"type": "string"},
            "request": {"type": "object"},
            "fingerprint": {"type": ["string", "null"], "pattern": "^sha256:[0-9a-f]{64}$"},
            "credits": {"type": ["number", "null"]},
            "price": {"enum": ["exact", "dated", "unknown"]},
            "take": {"type": "integer", "minimum": 1, "description": "Which take it belongs to, where there are several."},
        },
    })
}

/// The names of events and the fields that each of them always has.
pub const EVENTS: &[(&str, &[&str])] = &[
    ("planned", &["scenes", "takes", "credits", "unpriced_steps"]),
    ("uploading", &["bytes"]),
    ("submitted", &["task_id", "credits"]),
    ("waiting", &["elapsed_s", "next_s"]),
    ("retrying", &["reason", "delay_s"]),
    ("resumed", &["task_id"]),
    ("followed", &["holder"]),
    ("restored", &["filename", "from"]),
    ("downloaded", &["sha256", "bytes"]),
    ("published", &["filename", "sha256", "credits", "note"]),
    ("failed", &["class", "message", "charged"]),
    ("unknown", &["message", "credits"]),
    ("blocked", &["reason", "message"]),
    ("error", &["code", "message", "hint"]),
    ("run-finished", &["rendered", "failed", "unknown", "still_running", "credits", "estimate"]),
];

/// One line of `storyreel render --json`.
pub fn events() -> Value {
    let kinds: Vec<Value> = EVENTS
        .iter()
        .map(|(name, fields)| {
            let mut required = vec!["event"];
            required.extend(*fields);
            // An error that stops a command before its run has no time.
            if *name != "error" {
                required.push("time");
            }
            let mut properties = Map::from_iter([("event".to_owned(), json!({"const": name}))]);
            if *name == "run-finished" {
                required.extend(Action::ALL.map(Action::name));
                properties.extend(counts());
            }
            json!({"required": required, "properties": properties})
        })
        .collect();
    json!({
        "$schema": DRAFT,
        "title": "storyreel event",
        "type": "object",
        "required": ["event"],
        "properties": {
            "event": {"enum": EVENTS.iter().map(|(name, _)| *name).collect::<Vec<_>>()},
            "time": {"type": "string", "format": "date-time"},
            "scene_id": scene_id(),
            "step": {"anyOf": [step(), {"type": "null"}]},
            "step_index": {"type": ["integer", "null"], "minimum": 0},
            "take": {"type": ["integer", "null"], "minimum": 1},
        },
        "oneOf": kinds,
    })
}

/// `public/assets/manifest.json`.
pub fn manifest() -> Value {
    json!({
        "$schema": DRAFT,
        "title": "asset manifest",
        "description": "Finished assets of a project. Other programs write to it, too; unknown keys and types are fine.",
        "type": "object",
        "required": ["assets"],
        "properties": {
            "version": {"type": "string"},
            "assets": {"type": "array", "items": asset()},
        },
    })
}

fn asset() -> Value {
    let texts = [
        "prompt",
        "model",
        "created_at",
        "superseded_by",
        "model_id",
        "task_id",
        "fingerprint",
        "sha256",
        "restored_from",
        "storyboard",
        "variant",
    ];
    let objects = ["parameters", "parts", "probe"];
    let mut properties = Map::from_iter([
        ("id".to_owned(), json!({"type": "string", "description": "`vid-007`, `img-003`, ..."})),
        ("type".to_owned(), json!({"type": "string"})),
        (
            "filename".to_owned(),
            json!({"type": "string", "description": "Relative to the assets root, without `public/`."}),
        ),
        ("scene_id".to_owned(), json!({"type": ["integer", "string", "null"]})),
        (
            "version".to_owned(),
            json!({"type": ["integer", "null"], "minimum": 1, "description": "Counts publications of the scene."}),
        ),
        (
            "take".to_owned(),
            json!({"type": ["integer", "null"], "minimum": 1, "description": "Counts renderings of the scene."}),
        ),
        (
            "candidate".to_owned(),
            json!({"type": "boolean", "description": "It stands beside the scene's clip or still, to choose from."}),
        ),
        ("picked".to_owned(), json!({"type": "boolean", "description": "The user has chosen it."})),
        ("bytes".to_owned(), json!({"type": ["integer", "null"], "minimum": 0})),
        ("credits".to_owned(), json!({"type": ["number", "null"]})),
        ("seed".to_owned(), json!({"type": ["integer", "null"]})),
        ("inputs".to_owned(), json!({"type": ["array", "null"], "items": {"type": "string"}})),
        ("steps".to_owned(), json!({"type": ["array", "null"], "items": {"type": "object"}})),
        ("accepted".to_owned(), json!({"type": ["array", "null"]})),
        ("ask".to_owned(), json!(true)),
    ]);
    for name in texts {
        properties.insert(name.to_owned(), json!({"type": ["string", "null"]}));
    }
    for name in objects {
        properties.insert(name.to_owned(), json!({"type": ["object", "null"]}));
    }
    json!({"type": "object", "required": ["id", "type", "filename"], "properties": properties})
}
