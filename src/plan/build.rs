//! The one builder of requests: an ask, the catalogue and the templates give the steps of a scene.
//!
//! It is used for the present ask and for recorded ones alike, so it knows nothing of places in a document;
//! its problems name fields, and `check` finds the words.

use super::ask::{Ask, AskStep};
use super::past::Pasts;
use super::problem::{Problem, parameter_problem, step_problem};
use super::request::Request;
use super::sources::{Sources, choose_mode, mode_name};
use super::still::Still;
use super::values::{field_named, integer, merged, params, seconds, switch, text};
use super::voice;
use super::wording::{Kind, Worded, worded};
use crate::catalog::{Catalog, Found, Mode, ModeKind, Model, Price, Sound, Status, Wanted, goals};
use crate::manifest::Media;
use crate::prompt::{PromptInput, Templates};
use crate::storyboard::{Field, StepKind, Value};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The model of a scene that names none.
pub const DEFAULT_MODEL: &str = "veo-3.1-fast";

/// What requests are built with.
pub struct Builder<'a> {
    /// Models, families and prices.
    pub catalog: &'a Catalog,
    /// Prompt templates.
    pub templates: &'a Templates,
    /// Seconds of the clips among the input files, by digest.
    pub lengths: &'a HashMap<String, f64>,
    /// Recorded asks, which are compared with many scenes and in every pass, made once.
    pub(super) pasts: Pasts,
}

impl<'a> Builder<'a> {
    /// A builder that has built nothing yet.
    pub fn new(
        catalog: &'a Catalog,
        templates: &'a Templates,
        lengths: &'a HashMap<String, f64>,
    ) -> Self {
        Self { catalog, templates, lengths, pasts: Pasts::default() }
    }
}

/// The steps of a scene.
#[derive(Debug, Clone)]
pub struct Built {
    /// In order: a keyframe where there is one, the generate, and what follows.
    pub steps: Vec<BuiltStep>,
    /// Length of the finished clip in seconds, where known.
    pub clip_length: Option<f64>,
    /// The clip is as long as the clip or sound that it is made from.
    pub as_long_as_input: bool,
    /// Fields that the chosen mode has no use for: the step's index in the ask (`None`: the scene) and the field.
    pub unsupported: Vec<(Option<usize>, Field)>,
    /// What is odd but does not stop anything.
    pub warnings: Vec<Problem>,
    /// The model is no longer offered: what to say about it.
    pub retired: Option<String>,
    /// The model that `auto` means.
    pub chosen: Option<String>,
}

impl Built {
    /// The step that a scene is about: its clip, or its still where it has no clip.
    pub fn main(&self) -> Option<&BuiltStep> {
        let clip = self.steps.iter().find(|step| step.kind == StepKind::Generate);
        clip.or(self.steps.first())
    }

    /// Gives a mode those of the values that it takes; what it has no use for is told of the step in the ask.
    pub(super) fn offer<const N: usize>(
        &mut self,
        step: Option<usize>,
        mode: &Mode,
        composed: bool,
        values: [(&str, Option<Json>); N],
        wanted: &mut Wanted,
    ) {
        for (name, value) in values {
            let Some(value) = value else { continue };
            // A clip that always has sound has it with `on`, too, and with `off` there is something to tell.
            let is_heard = value.is_boolean() && mode.sound != Sound::None;
            if mode.takes(name) || is_heard {
                wanted.fields.insert(name.into(), value);
            } else if name == "negative" && composed {
                // The template has put it into words.
            } else if let Some(field) = field_named(name) {
                self.unsupported.push((step, field));
            }
        }
    }

    /// What comes out at the end.
    pub fn media(&self) -> Media {
        Media::made_by(self.steps.last().map(|step| step.kind))
    }
}

/// One step, ready to be compared, shown and sent.
#[derive(Debug, Clone)]
pub struct BuiltStep {
    /// Kind.
    pub kind: StepKind,
    /// Display name of the model.
    pub model: String,
    /// The provider's id of the model.
    pub model_id: String,
    /// Provider.
    pub provider: String,
    /// API family.
    pub family: String,
    /// Operation or upgrade of the family.
    pub operation: String,
    /// Whether it is an upgrade.
    pub upgrade: bool,
    /// Upgrades of its source after which the provider refuses it.
    pub not_after: Vec<String>,
    /// The symbolic request.
    pub request: Request,
    /// Its named parts.
    pub parts: Map<String, Json>,
    /// Price of running it.
    pub price: Price,
    /// Length of its clip in seconds, where known.
    pub seconds: Option<f64>,
    /// The prompt in it.
    pub prompt: Option<String>,
    /// Prompt style whose template made the prompt; `None` for the author's own words.
    pub style: Option<String>,
    /// What the prompt was made from.
    pub told: Option<Arc<PromptInput>>,
    /// The manifest's `parameters`.
    pub parameters: Map<String, Json>,
}

impl Builder<'_> {
    /// Builds all steps, or tells everything that is wrong.
    pub fn build(&self, ask: &Ask) -> Result<Built, Vec<Problem>> {
        let meant = ask.with_plain_negatives();
        let ask = meant.as_ref().unwrap_or(ask);
        let mut built = Built {
            steps: Vec::new(),
            clip_length: None,
            as_long_as_input: false,
            unsupported: Vec::new(),
            warnings: Vec::new(),
            retired: None,
            chosen: None,
        };
        let mut problems = Vec::new();
        if ask.through == Some(StepKind::Voice) {
            if let Some(step) = voice::step_of(ask) {
                self.voice(ask, step, &mut built, &mut problems);
            }
            return if problems.is_empty() { Ok(built) } else { Err(problems) };
        }
        if ask.is_still() {
            self.check_still_steps(ask, &mut problems);
            if let Some(id) = text(&ask.fields, Field::Extends) {
                problems.push(Problem::new(
                    None,
                    Field::Extends,
                    "extends",
                    "a still continues no clip".into(),
                    Some(format!("start from that clip's last frame: `reference: scene:{id}`")),
                ));
            }
            let own = ask.steps.iter().find(|step| step.kind == StepKind::Keyframe);
            let fields = merged(&ask.fields, own.map(|step| &step.fields));
            self.still(ask, &fields, Still::Scene, &mut built, &mut problems);
            return if problems.is_empty() { Ok(built) } else { Err(problems) };
        }
        let order = self.check_order(ask, &mut problems);
        let generate_index = ask.steps.iter().position(|step| step.kind == StepKind::Generate);
        let own = generate_index.map(|index| &ask.steps[index].fields);
        let fields = merged(&ask.fields, own);
        check_continued(ask, &fields, &mut built, &mut problems);
        let found = if ask.is_auto() {
            self.automatic(ask, &fields, &mut problems)
        } else {
            self.named(&fields, None, &mut built, &mut problems)
        };
        let still = self.wanted_still(ask, &fields, found.as_ref(), &mut built);
        if let Some(still) = still {
            self.still(ask, &ask.fields, still, &mut built, &mut problems);
        }
        match found {
            Some(found) => {
                let model = found.model();
                if model.status == Status::Retired {
                    let instead = model.instead.as_deref().unwrap_or(DEFAULT_MODEL);
                    let message =
                        format!("`{}` is no longer offered by {}", model.name, model.provider);
                    built.retired = Some(format!("{message}; `{instead}` does that work"));
                    built.warnings.push(Problem::new(
                        None,
                        Field::Model,
                        "retired",
                        format!("{message}, so its scenes are skipped"),
                        Some(format!("`{instead}` does that work")),
                    ));
                }
                let from = Start { found: &found, keyframe: still.is_some() };
                let chosen = self.generate(ask, &fields, from, &mut built, &mut problems);
                let model = chosen.unwrap_or(model);
                for (index, step) in order {
                    self.follow(ask, &fields, model, index, step, &mut built, &mut problems);
                }
            }
            None => {
                // What the scene names can be checked all the same.
                Sources::of(ask, &fields, &mut problems);
            }
        }
        if ask.through == Some(StepKind::Keyframe) {
            built.steps.retain(|step| step.kind == StepKind::Keyframe);
            built.clip_length = None;
        }
        if problems.is_empty() { Ok(built) } else { Err(problems) }
    }

    /// The steps after the generate, refused where their order cannot work.
    fn check_order<'s>(
        &self,
        ask: &'s Ask,
        problems: &mut Vec<Problem>,
    ) -> Vec<(usize, &'s AskStep)> {
        let mut upscaled = false;
        let mut after = Vec::new();
        for (index, step) in ask.steps.iter().enumerate() {
            match step.kind {
                StepKind::Generate => {
                    let before = &ask.steps[..index];
                    let first = |kind| matches!(kind, StepKind::Keyframe | StepKind::Voice);
                    if before.iter().any(|step| !first(step.kind)) {
                        problems.push(step_problem(
                            index,
                            "step-order",
                            "`generate` comes first in a chain".into(),
                            "put it before the other steps, or leave it out: every scene starts with a generate",
                        ));
                    }
                    continue;
                }
                StepKind::Voice => {
                    // It is spoken apart from the chain, wherever it is written.
                    if ask.steps[..index].iter().any(|step| step.kind == StepKind::Voice) {
                        problems.push(step_problem(
                            index,
                            "step-order",
                            "a scene has one voice".into(),
                            "put all lines into one step `voice`; those of a dialogue may have several speakers",
                        ));
                    }
                    continue;
                }
                StepKind::Keyframe => {
                    if ask.steps[..index].iter().any(|step| step.kind != StepKind::Voice) {
                        problems.push(step_problem(
                            index,
                            "step-order",
                            "a clip starts from its keyframe, so `keyframe` comes first in a chain"
                                .into(),
                            "put it before the other steps; a clip has one",
                        ));
                    }
                    continue;
                }
                StepKind::Extend if upscaled => problems.push(step_problem(
                    index,
                    "step-order",
                    "an upscaled clip cannot be extended".into(),
                    "extend first, upscale last",
                )),
                StepKind::Upscale => {
                    if ask.steps[..index].contains(step) {
                        problems.push(step_problem(
                            index,
                            "step-order",
                            "the clip is upscaled twice in the same way".into(),
                            "leave one of the two `upscale` steps out",
                        ));
                    }
                    upscaled = true;
                }
                StepKind::Extend | StepKind::Restyle | StepKind::Lipsync => {}
            }
            after.push((index, step));
        }
        after
    }

    /// The candidates where the author leaves the model to the guide: the one chosen before, or those for the goal.
    fn automatic<'m>(
        &'m self,
        ask: &Ask,
        fields: &BTreeMap<Field, Value>,
        problems: &mut Vec<Problem>,
    ) -> Option<Found<'m>> {
        let goal = text(fields, Field::Goal);
        if let Some(mut choice) = self.catalog.choose(goal) {
            // What was chosen before comes first, also where the guide has another opinion by now.
            let kept = ask.chosen.as_ref().and_then(|name| self.catalog.find(name).ok());
            if let Some(kept) = kept.map(|found| found.model()) {
                choice.found.models.retain(|model| model.name != kept.name);
                choice.found.models.insert(0, kept);
            }
            return Some(choice.found);
        }
        problems.push(Problem::new(
            None,
            Field::Goal,
            "unknown-goal",
            format!("`{}` is no goal", goal.unwrap_or_default()),
            Some(format!("the goals are {}", goals().join(", "))),
        ));
        None
    }

    /// What the author's name for the model means.
    pub(super) fn named<'m>(
        &'m self,
        fields: &BTreeMap<Field, Value>,
        step: Option<usize>,
        built: &mut Built,
        problems: &mut Vec<Problem>,
    ) -> Option<Found<'m>> {
        let name = text(fields, Field::Model).unwrap_or(DEFAULT_MODEL);
        match self.catalog.find(name) {
            Ok(found) => {
                if let Some(warning) = &found.warning {
                    let hint =
                        found.instead.as_ref().map(|id| format!("write `{id}`, or a model's name"));
                    let problem =
                        Problem::new(step, Field::Model, "model-alias", warning.clone(), hint);
                    built.warnings.push(Problem { instead: found.instead.clone(), ..problem });
                }
                Some(found)
            }
            Err(unknown) => {
                let near: Vec<String> =
                    unknown.nearest.iter().map(|name| format!("`{name}`")).collect();
                let hint =
                    format!("did you mean {}? `storyreel models` lists all", near.join(", "));
                problems.push(Problem::new(
                    step,
                    Field::Model,
                    "unknown-model",
                    format!("no model is called `{name}`"),
                    Some(hint),
                ));
                None
            }
        }
    }

    /// The first step. Returns the model that makes it, where one could be chosen.
    fn generate<'m>(
        &'m self,
        ask: &Ask,
        fields: &BTreeMap<Field, Value>,
        from: Start<'_, 'm>,
        built: &mut Built,
        problems: &mut Vec<Problem>,
    ) -> Option<&'m Model> {
        let Start { found, keyframe } = from;
        let mut sources = Sources::of(ask, fields, problems)?;
        if keyframe {
            // What the scene's own pictures show is in the keyframe already.
            sources.references = vec![json!({ "$previous": "clip" })];
            sources.characters.clear();
        }
        if sources.sound_file.is_none() && voice::speaks(found) {
            sources.sound_file = voice::symbol(ask);
        }
        let params = params(fields);
        let before = problems.len();
        let chosen = choose_mode(found, &sources, &params, problems);
        if fields.contains_key(&Field::Extends) {
            let wrong = problems[before..].iter_mut().filter_map(|problem| problem.field.as_mut());
            wrong
                .filter(|field| **field == Field::Reference)
                .for_each(|field| *field = Field::Extends);
        }
        let (model, mode) = chosen?;
        let own = mode.beside(&params);
        let mode = own.as_ref().unwrap_or(mode);
        if keyframe && !mode.takes("reference") {
            problems.push(Problem::new(
                None,
                Field::Model,
                "no-such-mode",
                format!(
                    "`{}` cannot start from a keyframe in {} mode",
                    model.name,
                    mode_name(mode)
                ),
                Some("leave the keyframe out, or name a model with an `i2v` mode".into()),
            ));
        }
        if ask.is_auto() {
            built.chosen = Some(model.name.clone());
            if ask.chosen.as_ref() != Some(&model.name)
                && let Some(choice) = self.catalog.choose(text(fields, Field::Goal))
            {
                let message =
                    format!("`auto` is `{}` here, for {}: {}", model.name, choice.goal, choice.why);
                built.warnings.push(Problem::new(
                    None,
                    Field::Model,
                    "model-chosen",
                    message,
                    None,
                ));
            }
        } else if found.models.len() > 1 {
            let said = text(fields, Field::Model).unwrap_or(DEFAULT_MODEL);
            let message = format!(
                "`{said}` is `{}` here, its cheapest tier with {}",
                model.name,
                mode_name(mode)
            );
            built.warnings.push(Problem::new(None, Field::Model, "model-tier", message, None));
        }
        if mode.kind == ModeKind::Reference && sources.references.is_empty() {
            sources.references = std::mem::take(&mut sources.characters);
        }
        let from_image = matches!(mode.kind, ModeKind::I2v | ModeKind::FirstLast);
        let extended = ask.steps.iter().any(|step| step.kind == StepKind::Extend);

        let by_sound = mode.length_from.as_deref() == Some("audio");
        let source = if by_sound { &sources.sound_file } else { &sources.video };
        let input_seconds = self.seconds_of(source.as_ref());
        let film = seconds(fields, Field::Duration);
        let wanted_length = film.map(|film| self.base_length(ask, model, mode, film));
        let mut wanted = Wanted { fields: BTreeMap::new(), params };
        let mut length = None;
        let is_fixed = mode.duration_parameter().is_some_and(|duration| {
            let is_given = |name: &str| {
                wanted.params.iter().any(|(given, _)| given.eq_ignore_ascii_case(name))
            };
            mode.is_replaced(&duration.name, is_given)
        });
        match mode.clip_length(wanted_length, seconds(fields, Field::ClipLength)) {
            // How long a clip it makes, only the provider knows.
            _ if is_fixed => {}
            Ok(clip) => {
                length = clip.seconds;
                if let Some(value) = clip.value {
                    wanted.fields.insert("duration".into(), value);
                }
            }
            Err(problem) => {
                let field = if fields.contains_key(&Field::ClipLength) {
                    Field::ClipLength
                } else {
                    Field::Duration
                };
                problems.push(Problem::new(
                    None,
                    field,
                    "too-long",
                    problem.message,
                    Some(problem.hint),
                ));
            }
        }
        if mode.length_from.is_some() {
            length = input_seconds;
            built.as_long_as_input = true;
        }
        let sound = is_heard(mode, switch(fields, Field::Audio));
        let kind = Kind { step: None, sound, from_image, extended };
        let words = match worded(self.templates, ask, fields, (model, mode), kind) {
            Ok(words) => words,
            Err(problem) => {
                problems.push(*problem);
                return Some(model);
            }
        };
        let references = (!sources.references.is_empty()).then(|| json!(sources.references));
        let sound_file = sources.sound_file.clone();
        let audio = sound_file.or_else(|| switch(fields, Field::Audio).map(Json::from));
        let values = [
            ("aspect_ratio", text(fields, Field::AspectRatio).map(Json::from)),
            ("resolution", text(fields, Field::Resolution).map(Json::from)),
            ("negative", text(fields, Field::Negative).map(Json::from)),
            ("seed", integer(fields, Field::Seed).map(Json::from)),
            ("last_frame", sources.last_frame.clone()),
            ("video", sources.video.clone()),
            ("reference", references),
            ("audio", audio),
        ];
        if !words.prompt.trim().is_empty() {
            wanted.fields.insert("prompt".into(), words.prompt.clone().into());
        }
        built.offer(None, mode, words.style.is_some(), values, &mut wanted);
        if fields.contains_key(&Field::Extends) {
            let unused = built.unsupported.iter_mut().map(|(_, field)| field);
            unused
                .filter(|field| **field == Field::Reference)
                .for_each(|field| *field = Field::Extends);
        }
        let step = Making {
            kind: StepKind::Generate,
            index: None,
            model,
            mode,
            seconds: length,
            input_seconds,
            words,
        };
        if let Some(step) = self.make(step, &wanted, built, problems) {
            built.clip_length = length;
            built.steps.push(step);
        }
        Some(model)
    }

    /// How long the clip or sound that a scene starts from is, where that is known.
    fn seconds_of(&self, source: Option<&Json>) -> Option<f64> {
        let source = source?;
        let whole = source.get("$clip").filter(|_| source.get("frame").is_none());
        let digest = source.get("$file").or(whole)?.as_str()?;
        self.lengths.get(digest).copied()
    }

    /// The film length that the first clip has to cover: all of it, or as much as the longest clip can where extend
    /// steps follow and cover the rest.
    fn base_length(&self, ask: &Ask, model: &Model, mode: &Mode, film: f64) -> f64 {
        let extensions = ask.steps.iter().filter(|step| step.kind == StepKind::Extend).count();
        let Some(longest) = mode.longest() else { return film };
        let each = model.mode(ModeKind::Extend).and_then(Mode::longest).unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "a chain has a handful of steps")]
        let reach = longest + each * extensions as f64;
        // Longer than even the extended clip: let the length check say so.
        if film > reach { film } else { film.min(longest) }
    }

    /// Composes the request of a step.
    pub(super) fn make(
        &self,
        making: Making<'_>,
        wanted: &Wanted,
        built: &mut Built,
        problems: &mut Vec<Problem>,
    ) -> Option<BuiltStep> {
        let Making { kind, index, model, mode, seconds, input_seconds, words } = making;
        let Worded { prompt, style, told } = words;
        let composed = match mode.compose(wanted) {
            Ok(composed) => composed,
            Err(found) => {
                problems.extend(found.into_iter().map(|problem| parameter_problem(index, problem)));
                return None;
            }
        };
        built
            .warnings
            .extend(composed.warnings.into_iter().map(|problem| parameter_problem(index, problem)));
        let family = self.catalog.family_of(model);
        let request = family.request(mode, &composed.parameters);
        let request = Request {
            method: request.method.to_owned(),
            path: request.path.to_owned(),
            body: request.body,
        };
        // An extension or upgrade names its model in other ways; it is still that model.
        let named =
            mode.id.as_ref().or_else(|| model.modes.iter().find_map(|mode| mode.id.as_ref()));
        let model_id = named.unwrap_or(&model.slug).clone();
        let mut parts = Map::new();
        parts.insert("model".into(), model_id.clone().into());
        parts.insert("mode".into(), mode_name(mode).into());
        parts.extend(composed.parts);
        let parameters = manifest_parameters(mode, &composed.parameters, seconds, &request.path);
        Some(BuiltStep {
            kind,
            model: model.name.clone(),
            model_id,
            provider: model.provider.clone(),
            family: model.family.clone(),
            operation: mode.operation.clone(),
            upgrade: family.upgrade(&mode.operation).is_some(),
            not_after: mode.not_after.clone(),
            price: mode.price(&composed.parameters, input_seconds),
            request,
            parts,
            seconds,
            prompt: (!prompt.is_empty()).then_some(prompt),
            style,
            told,
            parameters,
        })
    }
}

/// Tells how the clip of another scene is continued, and what cannot stand beside that.
fn check_continued(
    ask: &Ask,
    fields: &BTreeMap<Field, Value>,
    built: &mut Built,
    problems: &mut Vec<Problem>,
) {
    let Some(id) = text(fields, Field::Extends) else { return };
    let beside = [Field::Reference, Field::ImagePrompt, Field::Video]
        .into_iter()
        .find(|field| fields.contains_key(field))
        .map(Field::name)
        .or_else(|| {
            let keyframe = ask.steps.iter().any(|step| step.kind == StepKind::Keyframe);
            keyframe.then_some("keyframe")
        });
    if let Some(beside) = beside {
        problems.push(Problem::new(
            None,
            Field::Extends,
            "extends",
            format!("the clip cannot continue scene `{id}` and start from its own `{beside}`"),
            Some(format!(
                "keep `extends` or `{beside}`; a `last_frame` may stand beside `extends`"
            )),
        ));
    }
    built.warnings.push(Problem::new(
        None,
        Field::Extends,
        "extends-by-frame",
        format!(
            "the clip starts from the last frame of scene `{id}`; the model sees no more of it, so motion and sound \
             begin anew"
        ),
        Some(format!("an `extend` step under scene `{id}` continues all of its clip, as one longer clip")),
    ));
}

/// Whether clips of a mode are heard, with the author's word for its switch where it has one.
pub(super) fn is_heard(mode: &Mode, switched: Option<bool>) -> bool {
    match mode.sound {
        Sound::Always => true,
        Sound::None => false,
        Sound::Switch => switched == Some(true),
    }
}

/// What a clip is made with.
#[derive(Clone, Copy)]
struct Start<'f, 'm> {
    /// The models that can be meant.
    found: &'f Found<'m>,
    /// Whether a still was made for it to start from.
    keyframe: bool,
}

/// A step that is about to be made.
pub(super) struct Making<'a> {
    pub kind: StepKind,
    pub index: Option<usize>,
    pub model: &'a Model,
    pub mode: &'a Mode,
    /// Length of the clip that comes out.
    pub seconds: Option<f64>,
    /// Length of the clip that goes in.
    pub input_seconds: Option<f64>,
    pub words: Worded,
}

/// What the manifest keeps for other tools: length, quality, ratio, type and endpoint; null where a model has none.
fn manifest_parameters(
    mode: &Mode,
    sent: &Map<String, Json>,
    seconds: Option<f64>,
    path: &str,
) -> Map<String, Json> {
    let fed_by = |field: &str| {
        let parameter = mode
            .parameters
            .iter()
            .find(|parameter| parameter.from.iter().any(|from| from == field));
        parameter.and_then(|parameter| sent.get(&parameter.name)).cloned().unwrap_or(Json::Null)
    };
    let kind = sent.get("generationType").cloned().unwrap_or_else(|| mode.kind.name().into());
    Map::from_iter([
        ("duration".to_owned(), seconds.map_or(Json::Null, super::ask::number)),
        ("quality".to_owned(), fed_by("resolution")),
        ("aspect_ratio".to_owned(), fed_by("aspect_ratio")),
        ("generationType".to_owned(), kind),
        ("endpoint".to_owned(), path.into()),
    ])
}
