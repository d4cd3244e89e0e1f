//! What a clip starts from, and the mode of the model that follows from it.

use super::ask::Ask;
use super::problem::Problem;
use crate::catalog::{Mode, ModeKind, Model};
use crate::storyboard::{Field, Input, Value};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// What a step starts from, chosen from what the scene gives.
pub(super) struct Sources {
    pub references: Vec<Json>,
    /// Pictures of the scene's characters: used where nothing else says what the clip starts from.
    pub characters: Vec<Json>,
    pub last_frame: Option<Json>,
    pub video: Option<Json>,
    pub sound_file: Option<Json>,
}

impl Sources {
    /// Files, links and pictures as they stand in a symbolic request.
    pub fn of(
        ask: &Ask,
        fields: &BTreeMap<Field, Value>,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let before = problems.len();
        let mut all = |field: Field| -> Vec<Json> {
            let Some(Value::Inputs(inputs)) = fields.get(&field) else { return Vec::new() };
            inputs.iter().filter_map(|input| symbolic(ask, input, field, problems)).collect()
        };
        let mut references = all(Field::Reference);
        if references.is_empty() {
            references = all(Field::ImagePrompt);
        }
        let last_frame = all(Field::LastFrame).into_iter().next();
        let video = all(Field::Video).into_iter().next();
        let sound_file = all(Field::Audio).into_iter().next();
        let pictures = ask.cast().into_iter().flat_map(|character| &character.images);
        let characters = pictures
            .filter_map(|input| symbolic(ask, input, Field::Characters, problems))
            .collect();
        (problems.len() == before).then_some(Self {
            references,
            characters,
            last_frame,
            video,
            sound_file,
        })
    }
}

/// The mode that follows from what the scene gives, unless a parameter of the author asks for another one.
pub(super) fn choose_mode<'m>(
    model: &'m Model,
    sources: &Sources,
    params: &[(String, Json)],
    problems: &mut Vec<Problem>,
) -> Option<&'m Mode> {
    let wanted: &[ModeKind] = if sources.video.is_some() {
        &[ModeKind::V2v, ModeKind::Motion]
    } else if sources.sound_file.is_some() {
        &[ModeKind::Speech]
    } else if sources.last_frame.is_some() {
        &[ModeKind::FirstLast]
    } else {
        match sources.references.len() {
            0 if !sources.characters.is_empty() && model.mode(ModeKind::Reference).is_some() => {
                &[ModeKind::Reference]
            }
            0 => &[ModeKind::T2v],
            1 => &[ModeKind::I2v, ModeKind::Reference],
            _ => &[ModeKind::Reference],
        }
    };
    let natural = wanted.iter().find_map(|kind| model.mode(*kind));
    let contradicts = |mode: &Mode| {
        params.iter().any(|(name, value)| mode.set.get(name).is_some_and(|own| own != value))
    };
    let asked_for =
        |mode: &&Mode| params.iter().any(|(name, value)| mode.set.get(name) == Some(value));
    let found = match natural {
        Some(mode) if !contradicts(mode) => Some(mode),
        _ => model.modes.iter().filter(asked_for).find(|mode| !contradicts(mode)).or(natural),
    };
    if found.is_none() {
        let (field, given) = match wanted[0] {
            ModeKind::V2v => (Field::Video, "start from a clip"),
            ModeKind::Speech => (Field::Audio, "follow a sound file"),
            ModeKind::FirstLast => (Field::LastFrame, "end on a given frame"),
            ModeKind::Reference => (Field::Reference, "take several reference pictures"),
            ModeKind::I2v => (Field::Reference, "start from a picture"),
            _ => (Field::Model, "start from words alone"),
        };
        let has: Vec<String> = model.modes.iter().map(mode_name).collect();
        problems.push(Problem::new(
            None,
            field,
            "no-such-mode",
            format!("`{}` cannot {given}", model.name),
            Some(format!(
                "its modes are {}; `storyreel models` shows which models can",
                has.join(", ")
            )),
        ));
    }
    found
}

/// `t2v`, or `upscale-4k` for an upscale to a target.
pub(super) fn mode_name(mode: &Mode) -> String {
    match &mode.target {
        Some(target) => format!("{}-{target}", mode.kind.name()),
        None => mode.kind.name().to_owned(),
    }
}

/// An input as it stands in a symbolic request; a problem where it cannot.
fn symbolic(ask: &Ask, input: &Input, field: Field, problems: &mut Vec<Problem>) -> Option<Json> {
    match input {
        Input::Url(url) => Some(url.clone().into()),
        Input::Path(path) | Input::Asset(path) => match ask.files.get(path) {
            Some(digest) => Some(json!({"$file": digest})),
            None => {
                problems.push(Problem {
                    step: None,
                    field: Some(field),
                    param: Some(path.clone()),
                    code: "missing-reference",
                    message: format!("the file `{path}` is missing"),
                    hint: Some("paths are relative to the storyboard's folder".into()),
                });
                None
            }
        },
        Input::Scene { id, .. } => {
            problems.push(Problem::new(
                None,
                field,
                "scene-reference",
                format!("frames of another scene (`scene:{id}`) cannot be used yet"),
                Some("save the frame as a picture and name its path, or make it one scene with an `extend` step".into()),
            ));
            None
        }
    }
}
