//! The manifest entry that a publication will append.

use super::ask::number;
use super::build::Built;
use super::difference::Present;
use super::work::EntryDraft;
use crate::layout::Place;
use crate::manifest::{AssetEntry, StepRecord, split};
use crate::storyboard::{Field, Input, SceneId, Value};
use serde_json::{Map, Value as Json};

/// The entry of a scene that is to be rendered.
pub(super) fn rendered(place: &Place, scene: &SceneId, present: &Present, take: u32) -> EntryDraft {
    let mut fields = Map::new();
    let built = &present.built;
    fields.insert("type".into(), built.media().type_name().into());
    if let Some(main) = built.main() {
        fields.insert("prompt".into(), main.prompt.clone().unwrap_or_default().into());
        fields.insert("model".into(), main.model.clone().into());
        fields.insert("parameters".into(), Json::Object(main.parameters.clone()));
        fields.insert("model_id".into(), main.model_id.clone().into());
        fields.insert("parts".into(), Json::Object(main.parts.clone()));
    }
    fields.insert("ask".into(), present.ask_json.clone());
    fields.insert("take".into(), take.into());
    if let Some(seed) = seed(built) {
        fields.insert("seed".into(), seed);
    }
    let inputs = inputs(present);
    if !inputs.is_empty() {
        fields.insert("inputs".into(), inputs.into());
    }
    place_fields(place, &mut fields);
    EntryDraft {
        scene_id: scene.clone(),
        filename: place.filename(scene, built.media()),
        fields,
        steps: step_drafts(built),
    }
}

/// What is known of each step before it runs.
fn step_drafts(built: &Built) -> Vec<Map<String, Json>> {
    let draft = |step: &super::build::BuiltStep| {
        Map::from_iter([
            ("step".to_owned(), step.kind.name().into()),
            ("model".to_owned(), step.model.clone().into()),
            ("model_id".to_owned(), step.model_id.clone().into()),
            ("provider".to_owned(), step.provider.clone().into()),
            ("family".to_owned(), step.family.clone().into()),
            ("operation".to_owned(), step.operation.clone().into()),
            ("endpoint".to_owned(), step.request.endpoint().into()),
            ("parts".to_owned(), Json::Object(step.parts.clone())),
        ])
    };
    built.steps.iter().map(draft).collect()
}

/// The entry of content that exists already: as it was recorded, under the present scene and with the present ask.
pub(super) fn republished(
    place: &Place,
    scene: &SceneId,
    present: &Present,
    old: &AssetEntry,
) -> EntryDraft {
    let mut fields = Map::new();
    let mut put = |key: &str, value: Option<Json>| {
        if let Some(value) = value {
            fields.insert(key.to_owned(), value);
        }
    };
    put("type", Some(old.media.type_name().into()));
    put("prompt", Some(old.prompt.clone().into()));
    put("model", Some(old.model.clone().into()));
    put("parameters", Some(Json::Object(old.parameters.clone())));
    put("model_id", old.model_id.clone().map(Json::from));
    put("task_id", old.task_id.clone().map(Json::from));
    put("fingerprint", old.fingerprint.clone().map(Json::from));
    put("parts", (!old.parts.is_empty()).then(|| Json::Object(old.parts.clone())));
    // The ask is the one that now matches, and the clip cost nothing this time.
    put("ask", Some(present.ask_json.clone()));
    put("accepted", (!old.accepted.is_empty()).then(|| old.accepted.clone().into()));
    put("take", old.take.map(Json::from));
    put("picked", old.picked.then(|| true.into()));
    put("credits", Some(0.into()));
    put("seed", old.seed.map(Json::from));
    put("inputs", (!old.inputs.is_empty()).then(|| old.inputs.clone().into()));
    place_fields(place, &mut fields);
    let steps = old.steps.iter().map(|step| {
        let mut map = Map::new();
        for (key, value) in [
            ("step", Some(Json::from(step.step.name()))),
            ("model", Some(step.model.clone().into())),
            ("model_id", step.model_id.clone().map(Json::from)),
            ("provider", step.provider.clone().map(Json::from)),
            ("family", step.family.clone().map(Json::from)),
            ("operation", step.operation.clone().map(Json::from)),
            ("endpoint", step.endpoint.clone().map(Json::from)),
            ("fingerprint", step.fingerprint.clone().map(Json::from)),
            ("parts", Some(Json::Object(step.parts.clone()))),
            ("task_id", step.task_id.clone().map(Json::from)),
            ("sha256", step.sha256.clone().map(Json::from)),
            ("bytes", step.bytes.map(Json::from)),
            ("credits", step.credits.map(number)),
            (
                "created_at",
                step.created_at.clone().or_else(|| old.created_at.clone()).map(Json::from),
            ),
        ] {
            if let Some(value) = value {
                map.insert(key.to_owned(), value);
            }
        }
        map
    });
    EntryDraft {
        scene_id: scene.clone(),
        filename: with_ending_of(&place.filename(scene, old.media), &old.filename),
        fields,
        steps: steps.collect(),
    }
}

/// The name with the ending of the other: a still may be a JPEG.
fn with_ending_of(filename: &str, other: &str) -> String {
    let (folder, stem, _) = split(filename);
    let (_, _, ending) = split(other);
    format!("{folder}{stem}{ending}")
}

/// Provider, family, operation and task of the step that made a clip, where all are recorded.
pub(super) fn made_by(step: &StepRecord) -> Option<(String, String, String, String)> {
    Some((
        step.provider.clone()?,
        step.family.clone()?,
        step.operation.clone()?,
        step.task_id.clone()?,
    ))
}

fn place_fields(place: &Place, fields: &mut Map<String, Json>) {
    for (key, value) in [("storyboard", &place.storyboard), ("variant", &place.variant)] {
        if let Some(value) = value {
            fields.insert(key.to_owned(), value.clone().into());
        }
    }
}

fn seed(built: &Built) -> Option<Json> {
    let parts = &built.main()?.parts;
    parts.get("seeds").or_else(|| parts.get("seed")).filter(|value| !value.is_null()).cloned()
}

fn inputs(present: &Present) -> Vec<String> {
    let values = present
        .ask
        .fields
        .get(&Field::Reference)
        .into_iter()
        .chain(present.ask.fields.get(&Field::LastFrame));
    values
        .filter_map(|value| if let Value::Inputs(inputs) = value { Some(inputs) } else { None })
        .flatten()
        .filter_map(|input| if let Input::Asset(id) = input { Some(id.clone()) } else { None })
        .collect()
}
