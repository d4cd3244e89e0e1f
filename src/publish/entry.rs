//! Completing a manifest entry with what rendering gave.

use crate::media::{Kind, Probe};
use crate::plan::EntryDraft;
use serde_json::{Map, Value};

/// What is known of a clip once it is here.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// When it is published (RFC 3339 with milliseconds).
    pub created_at: String,
    /// `sha256:` and hex of its bytes.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// What is known of its pictures.
    pub probe: Option<Probe>,
    /// Task of the last step.
    pub task_id: Option<String>,
    /// Fingerprint of the last step.
    pub fingerprint: Option<String>,
    /// Credits of all steps that were paid for this publication; 0 for an undo or a move.
    pub credits: Option<f64>,
    /// The entry whose content is published again.
    pub restored_from: Option<String>,
    /// What each step gave, in order; may be empty when the draft's steps are complete.
    pub steps: Vec<RenderedStep>,
}

/// What one step gave.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderedStep {
    /// Fingerprint of its request.
    pub fingerprint: Option<String>,
    /// The provider's task.
    pub task_id: Option<String>,
    /// Digest of its clip.
    pub sha256: Option<String>,
    /// Size of its clip.
    pub bytes: Option<u64>,
    /// What it cost.
    pub credits: Option<f64>,
    /// When it was rendered (RFC 3339).
    pub created_at: Option<String>,
}

/// The whole entry but for `id`, `version` and `superseded_by`, which publishing adds.
pub fn complete(draft: &EntryDraft, rendered: &Rendered) -> Map<String, Value> {
    let mut entry = draft.fields.clone();
    let mut set = |key: &str, value: Value| {
        entry.insert(key.to_owned(), value);
    };
    set("filename", draft.filename.clone().into());
    set(
        "scene_id",
        match &draft.scene_id {
            crate::storyboard::SceneId::Number(number) => (*number).into(),
            crate::storyboard::SceneId::Text(text) => text.clone().into(),
        },
    );
    set("created_at", rendered.created_at.clone().into());
    set("task_id", rendered.task_id.clone().into());
    set("fingerprint", rendered.fingerprint.clone().into());
    set("sha256", rendered.sha256.clone().into());
    set("bytes", rendered.bytes.into());
    set("probe", rendered.probe.as_ref().map_or(Value::Null, probe_value));
    set("credits", number(rendered.credits));
    if let Some(from) = &rendered.restored_from {
        set("restored_from", from.clone().into());
    }
    let steps = draft.steps.iter().enumerate().map(|(index, known)| {
        let mut step = known.clone();
        if let Some(gave) = rendered.steps.get(index) {
            for (key, value) in [
                ("fingerprint", Value::from(gave.fingerprint.clone())),
                ("task_id", gave.task_id.clone().into()),
                ("sha256", gave.sha256.clone().into()),
                ("bytes", gave.bytes.into()),
                ("credits", number(gave.credits)),
                ("created_at", gave.created_at.clone().into()),
            ] {
                // What the plan knows of a step that was done before stays where rendering has nothing newer.
                if !value.is_null() || !step.contains_key(key) {
                    step.insert(key.to_owned(), value);
                }
            }
        }
        Value::Object(step)
    });
    set("steps", steps.collect());
    if !entry.contains_key("inputs") {
        entry.insert("inputs".to_owned(), Value::Array(Vec::new()));
    }
    entry
}

/// Whole numbers are written as such: `60`, not `60.0`.
fn number(value: Option<f64>) -> Value {
    match value {
        #[expect(clippy::cast_possible_truncation, reason = "whole and small, as checked")]
        Some(value) if value.fract() == 0.0 && value.abs() < 9e15 => (value as i64).into(),
        Some(value) => value.into(),
        None => Value::Null,
    }
}

fn probe_value(probe: &Probe) -> Value {
    match probe.kind() {
        Kind::Picture => {
            let (width, height, codec) = (probe.width, probe.height, &probe.codec);
            return serde_json::json!({"width": width, "height": height, "codec": codec});
        }
        Kind::Sound => {
            let duration = number(Some(probe.duration));
            return serde_json::json!({"duration": duration, "codec": probe.codec});
        }
        Kind::Clip => {}
    }
    serde_json::json!({
        "duration": number(Some(probe.duration)),
        "width": probe.width,
        "height": probe.height,
        "fps": number(Some(probe.fps)),
        "codec": probe.codec,
    })
}
