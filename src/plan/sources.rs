//! What a clip starts from, and the mode of the model that follows from it.

use super::ask::Ask;
use super::edges::{Awaited, Part};
use super::problem::Problem;
use super::values::text;
use crate::catalog::{Found, Mode, ModeKind, Model};
use crate::storyboard::{Field, Input, SceneId, Value};
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
    /// A picture is to be made, not a clip.
    pub still: bool,
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
        if let Some(continued) = continued(fields) {
            references = vec![awaited(ask, &continued)];
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
            still: false,
        })
    }
}

/// The model and the mode that follow from what the scene gives, unless the model's name or a parameter of the author
/// asks for another one. Of a line the first, cheapest tier that can is taken.
pub(super) fn choose_mode<'m>(
    found: &Found<'m>,
    sources: &Sources,
    params: &[(String, Json)],
    problems: &mut Vec<Problem>,
) -> Option<(&'m Model, &'m Mode)> {
    let kinds = sources.kinds();
    let chosen = |strict: bool| {
        found.models.iter().find_map(|model| {
            let meant = |mode: &&Mode| found.wants.as_ref().is_none_or(|wants| wants.fits(mode));
            let fits = |mode: &&Mode| meant(mode) && (!strict || sources.all_taken_by(mode));
            let of_kind =
                |kind: &ModeKind| model.modes.iter().filter(|mode| mode.kind == *kind).find(fits);
            let natural = kinds.iter().find_map(of_kind);
            // A name that says which work is meant is stronger than what the scene gives.
            let named = || found.wants.as_ref().and_then(|_| model.modes.iter().find(fits));
            Some((*model, natural.or_else(named)?))
        })
    };
    let natural = chosen(true).or_else(|| chosen(false));
    let contradicts = |mode: &Mode| {
        params.iter().any(|(name, value)| mode.set.get(name).is_some_and(|own| own != value))
    };
    let asked_for =
        |mode: &&Mode| params.iter().any(|(name, value)| mode.set.get(name) == Some(value));
    let found_mode = match natural {
        Some((model, mode)) if !contradicts(mode) => Some((model, mode)),
        _ => found
            .models
            .iter()
            .find_map(|model| {
                let mut modes = model.modes.iter().filter(asked_for);
                Some((*model, modes.find(|mode| !contradicts(mode))?))
            })
            .or(natural),
    };
    if found_mode.is_none() {
        problems.push(no_such_mode(found, sources.still, &kinds));
    }
    found_mode
}

fn no_such_mode(found: &Found<'_>, still: bool, kinds: &[ModeKind]) -> Problem {
    let makes_stills = |model: &&Model| {
        model.modes.iter().any(|mode| matches!(mode.kind, ModeKind::T2i | ModeKind::I2i))
    };
    if still != found.models.iter().any(makes_stills) {
        let (message, hint) = if still {
            ("makes no stills", "name an image model such as `Nano Banana`, or none")
        } else {
            (
                "makes stills, no clips",
                "name a video model; `type: image` makes the scene a still, `image_model` names who makes keyframes",
            )
        };
        let message = format!("`{}` {message}", found.model().name);
        return Problem::new(None, Field::Model, "no-such-mode", message, Some(hint.into()));
    }
    let (field, given) = match kinds.first() {
        Some(ModeKind::I2i) => (Field::Reference, "make a still from pictures"),
        Some(ModeKind::T2i) => (Field::Model, "make a still from words alone"),
        Some(ModeKind::V2v) => (Field::Video, "start from a clip"),
        Some(ModeKind::Speech) => (Field::Audio, "follow a sound file"),
        Some(ModeKind::FirstLast) => (Field::LastFrame, "end on a given frame"),
        Some(ModeKind::Reference) => (Field::Reference, "take several reference pictures"),
        Some(ModeKind::I2v) => (Field::Reference, "start from a picture"),
        _ => (Field::Model, "start from words alone"),
    };
    let names: Vec<String> = found.models.iter().map(|model| format!("`{}`", model.name)).collect();
    let mut has: Vec<String> = Vec::new();
    for mode in found.models.iter().flat_map(|model| &model.modes) {
        let name = mode_name(mode);
        if !has.contains(&name) {
            has.push(name);
        }
    }
    Problem::new(
        None,
        field,
        "no-such-mode",
        format!("{} cannot {given}", names.join(", ")),
        Some(format!(
            "its modes are {}; `storyreel models` shows which models can",
            has.join(", ")
        )),
    )
}

impl Sources {
    /// The kinds of work that what the scene gives can mean, the likeliest first.
    fn kinds(&self) -> Vec<ModeKind> {
        let mut kinds = Vec::new();
        if self.still {
            if !self.references.is_empty() {
                return vec![ModeKind::I2i];
            }
            let like = (!self.characters.is_empty()).then_some(ModeKind::I2i);
            kinds.extend(like);
            kinds.push(ModeKind::T2i);
            return kinds;
        }
        if self.sound_file.is_some() {
            kinds.push(ModeKind::Speech);
        }
        if self.video.is_some() {
            kinds.extend([ModeKind::V2v, ModeKind::Motion, ModeKind::Reference, ModeKind::Upscale]);
            // What the scene starts from is told by the clip first.
            if self.sound_file.is_some() {
                kinds.rotate_left(1);
            }
            return kinds;
        }
        match (&self.last_frame, self.references.len()) {
            (Some(_), _) => kinds.push(ModeKind::FirstLast),
            (None, 0) if !self.characters.is_empty() => {
                kinds.extend([ModeKind::Reference, ModeKind::T2v]);
            }
            (None, 0) => kinds.push(ModeKind::T2v),
            (None, 1) => kinds.extend([ModeKind::I2v, ModeKind::Reference]),
            (None, _) => kinds.push(ModeKind::Reference),
        }
        kinds
    }

    /// Whether a mode has a use for the clip and the sound file that the scene gives.
    fn all_taken_by(&self, mode: &Mode) -> bool {
        (self.video.is_none() || mode.takes("video"))
            && (self.sound_file.is_none() || mode.takes_sound_file())
    }
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
                    span: None,
                    code: "missing-reference",
                    message: format!("the file `{path}` is missing"),
                    hint: Some("paths are relative to the file that they stand in".into()),
                    instead: None,
                });
                None
            }
        },
        Input::Scene { id, frame } => {
            let used = Awaited { scene: SceneId::parse(id).key(), part: Part::of(field, *frame) };
            Some(awaited(ask, &used))
        }
    }
}

/// What another scene gives, as it stands in a symbolic request.
fn awaited(ask: &Ask, used: &Awaited) -> Json {
    let name = used.name();
    ask.upstream.get(&name).cloned().unwrap_or_else(|| json!({ "$scene": name }))
}

/// What a scene that continues another one's clip uses of it.
pub(super) fn continued(fields: &BTreeMap<Field, Value>) -> Option<Awaited> {
    let id = text(fields, Field::Extends)?;
    Some(Awaited { scene: SceneId::parse(id).key(), part: Part::Last })
}
