//! Stills: the keyframe that a clip starts from, and scenes that are a picture and no clip.

use super::ask::{Ask, AskStep};
use super::build::{Builder, Built, Making};
use super::problem::{Problem, step_problem};
use super::sources::{Sources, choose_mode};
use super::values::{integer, params, text};
use super::wording::{Kind, worded};
use crate::catalog::{Found, Mode, ModeKind, Wanted, is_auto};
use crate::storyboard::{Field, StepKind, Value};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// The model of stills where nobody names one: pictures from words and from pictures, cheap, in all usual ratios.
pub const DEFAULT_IMAGE_MODEL: &str = "Nano Banana";
/// A still has the ratio of a film where nobody says another: models of stills take the square by themselves.
const USUAL_RATIO: &str = "16:9";

/// What a picture has no use for: it neither moves nor sounds.
const NOT_IN_A_STILL: [Field; 7] = [
    Field::Camera,
    Field::Dialogue,
    Field::Audio,
    Field::Sfx,
    Field::Ambient,
    Field::Music,
    Field::Duration,
];

/// Fields of a scene that hold for its keyframe as well. Model, size and seed of the clip are the clip's own.
const SHARED: [Field; 14] = [
    Field::ImageModel,
    Field::ImagePrompt,
    Field::Prompt,
    Field::Visual,
    Field::Subject,
    Field::Action,
    Field::Setting,
    Field::Shot,
    Field::Lighting,
    Field::Mood,
    Field::Style,
    Field::Characters,
    Field::Reference,
    Field::AspectRatio,
];

/// Where a still is asked for.
#[derive(Clone, Copy)]
pub(super) enum Still<'a> {
    /// The whole scene is one.
    Scene,
    /// A step of a chain, with its place in the ask.
    Step(usize, &'a AskStep),
    /// The scene has an `image_prompt`.
    ImagePrompt,
}

impl Still<'_> {
    fn index(self) -> Option<usize> {
        match self {
            Self::Step(index, _) => Some(index),
            Self::Scene | Self::ImagePrompt => None,
        }
    }
}

impl Builder<'_> {
    /// The still that a clip starts from, where the author asks for one.
    pub(super) fn wanted_still<'a>(
        &self,
        ask: &'a Ask,
        fields: &BTreeMap<Field, Value>,
        found: Option<&Found<'_>>,
        built: &mut Built,
    ) -> Option<Still<'a>> {
        if ask.is_still() {
            return Some(Still::Scene);
        }
        let step = ask.steps.iter().enumerate().find(|(_, step)| step.kind == StepKind::Keyframe);
        if let Some((index, step)) = step {
            return Some(Still::Step(index, step));
        }
        text(fields, Field::ImagePrompt)?;
        let has_input = |field: Field| matches!(fields.get(&field), Some(Value::Inputs(inputs)) if !inputs.is_empty());
        if has_input(Field::Reference) || has_input(Field::Video) {
            return None;
        }
        let found = found?;
        let animates = |mode: &Mode| {
            matches!(mode.kind, ModeKind::I2v | ModeKind::FirstLast)
                && found.wants.as_ref().is_none_or(|wants| wants.fits(mode))
        };
        if found.models.iter().any(|model| model.modes.iter().any(animates)) {
            return Some(Still::ImagePrompt);
        }
        let hint = "choose a model with an `i2v` mode; `storyreel models` shows which have one";
        built.warnings.push(Problem::new(
            None,
            Field::ImagePrompt,
            "not-carried-out",
            format!(
                "no still is made of the image prompt: `{}` cannot start from a picture",
                found.model().name
            ),
            Some(hint.into()),
        ));
        None
    }

    /// Makes the step of a still.
    pub(super) fn still(
        &self,
        ask: &Ask,
        scene: &BTreeMap<Field, Value>,
        still: Still<'_>,
        built: &mut Built,
        problems: &mut Vec<Problem>,
    ) {
        let at = still.index();
        let mut fields = told(scene, still);
        let named = text(&fields, Field::Model)
            .filter(|name| !is_auto(name))
            .or(text(&fields, Field::ImageModel))
            .unwrap_or(DEFAULT_IMAGE_MODEL)
            .to_owned();
        fields.insert(Field::Model, Value::Text(named));
        let Some(found) = self.named(&fields, at, built, problems) else { return };
        let Some(mut sources) = Sources::of(ask, &fields, problems) else { return };
        sources.still = true;
        let before = problems.len();
        let params = params(&fields);
        let Some((model, mode)) = choose_mode(&found, &sources, &params, problems) else {
            for problem in &mut problems[before..] {
                problem.step = at;
            }
            return;
        };
        if mode.kind == ModeKind::I2i && sources.references.is_empty() {
            sources.references = std::mem::take(&mut sources.characters);
        }
        let kind = Kind { step: at, sound: false, from_image: false, extended: false };
        let words = match worded(self.templates, ask, &fields, (model, mode), kind) {
            Ok(words) => words,
            Err(problem) => return problems.push(*problem),
        };
        let mut wanted = Wanted { fields: BTreeMap::new(), params };
        if !words.prompt.trim().is_empty() {
            wanted.fields.insert("prompt".into(), words.prompt.clone().into());
        }
        let usual = || {
            let ratio =
                mode.parameters.iter().find(|parameter| parameter.is_fed_by("aspect_ratio"))?;
            let own = wanted.params.iter().any(|(name, _)| *name == ratio.name);
            let offered = ratio.offered().iter().any(|value| value == USUAL_RATIO);
            (offered && !own).then(|| Json::from(USUAL_RATIO))
        };
        let ratio = text(&fields, Field::AspectRatio).map(Json::from).or_else(usual);
        let references = (!sources.references.is_empty()).then(|| json!(sources.references));
        let values = [
            ("aspect_ratio", ratio),
            ("resolution", text(&fields, Field::Resolution).map(Json::from)),
            ("negative", text(&fields, Field::Negative).map(Json::from)),
            ("seed", integer(&fields, Field::Seed).map(Json::from)),
            ("last_frame", sources.last_frame.clone()),
            ("video", sources.video.clone()),
            ("reference", references),
        ];
        built.offer(at, mode, words.style.is_some(), values, &mut wanted);
        // A picture loses nothing as PNG, and its file keeps one name.
        let format = mode.parameters.iter().find(|parameter| parameter.is_fed_by("format"));
        if let Some(format) = format
            && !wanted.params.iter().any(|(name, _)| *name == format.name)
        {
            wanted.fields.insert("format".into(), "png".into());
        }
        let making = Making {
            kind: StepKind::Keyframe,
            index: at,
            model,
            mode,
            seconds: None,
            input_seconds: None,
            words,
        };
        if let Some(step) = self.make(making, &wanted, built, problems) {
            built.steps.push(step);
        }
    }

    /// Tells of steps that a still cannot have.
    pub(super) fn check_still_steps(&self, ask: &Ask, problems: &mut Vec<Problem>) {
        for (index, step) in ask.steps.iter().enumerate() {
            let earlier = ask.steps[..index].iter().any(|step| step.kind == StepKind::Keyframe);
            if step.kind != StepKind::Voice && (step.kind != StepKind::Keyframe || earlier) {
                problems.push(step_problem(
                    index,
                    "step-order",
                    format!("a scene of type `image` has no step `{}`", step.kind),
                    "leave the step out, or make the scene a `video_clip`",
                ));
            }
        }
    }
}

/// What is said of a still: its own words, over what the scene says of the picture.
fn told(scene: &BTreeMap<Field, Value>, still: Still<'_>) -> BTreeMap<Field, Value> {
    let mut fields = scene.clone();
    if !matches!(still, Still::Scene) {
        fields.retain(|field, _| SHARED.contains(field));
    }
    fields.retain(|field, _| !NOT_IN_A_STILL.contains(field));
    let none = BTreeMap::new();
    let own = if let Still::Step(_, step) = still { &step.fields } else { &none };
    // The prompt of the scene says how it moves.
    let words = text(own, Field::Prompt)
        .or(text(own, Field::ImagePrompt))
        .or(text(&fields, Field::ImagePrompt))
        .map(str::to_owned);
    let is_told = [Field::Visual, Field::Subject].iter().any(|field| fields.contains_key(field));
    if words.is_some() || (is_told && !matches!(still, Still::Scene)) {
        fields.remove(&Field::Prompt);
    }
    fields.extend(own.iter().map(|(field, value)| (*field, value.clone())));
    if let Some(words) = words {
        fields.remove(&Field::ImagePrompt);
        fields.insert(Field::Prompt, Value::Text(words));
    }
    fields
}
