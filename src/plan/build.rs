//! The one builder of requests: an ask, the catalogue and the templates give the steps of a scene.
//!
//! It is used for the present ask and for recorded ones alike, so it knows nothing of places in a document;
//! its problems name fields, and `check` finds the words.

use super::ask::{Ask, AskStep};
use super::request::Request;
use crate::catalog::{Catalog, Mode, ModeKind, Model, Price, ProblemSource, Sound, Status, Wanted};
use crate::prompt::{self, Cast, Line, PromptInput, Templates};
use crate::storyboard::{Field, Input, StepKind, Value};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// The model of a scene that names none.
pub const DEFAULT_MODEL: &str = "veo-3.1-fast";

/// What requests are built with.
#[derive(Clone, Copy)]
pub struct Builder<'a> {
    /// Models, families and prices.
    pub catalog: &'a Catalog,
    /// Prompt templates.
    pub templates: &'a Templates,
}

/// The steps of a scene.
#[derive(Debug, Clone)]
pub struct Built {
    /// In order; the first is the generate.
    pub steps: Vec<BuiltStep>,
    /// Length of the finished clip in seconds, where known.
    pub clip_length: Option<f64>,
    /// Fields that the chosen mode has no use for: the step's index in the ask (`None`: the scene) and the field.
    pub unsupported: Vec<(Option<usize>, Field)>,
    /// What is odd but does not stop anything.
    pub warnings: Vec<Problem>,
    /// The model is no longer offered: what to say about it.
    pub retired: Option<String>,
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
    /// The manifest's `parameters`.
    pub parameters: Map<String, Json>,
}

/// Something wrong with an ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// Index of the step in the ask; `None` for the scene itself.
    pub step: Option<usize>,
    /// The field it is about.
    pub field: Option<Field>,
    /// The model parameter it is about, when given through `params`.
    pub param: Option<String>,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Problem {
    fn new(
        step: Option<usize>,
        field: Field,
        code: &'static str,
        message: String,
        hint: Option<String>,
    ) -> Self {
        Self { step, field: Some(field), param: None, code, message, hint }
    }
}

/// What a step starts from, chosen from what the scene gives.
struct Sources {
    references: Vec<Json>,
    /// Pictures of the scene's characters: used where nothing else says what the clip starts from.
    characters: Vec<Json>,
    last_frame: Option<Json>,
    video: Option<Json>,
    sound_file: Option<Json>,
}

impl Builder<'_> {
    /// Builds all steps, or tells everything that is wrong.
    pub fn build(&self, ask: &Ask) -> Result<Built, Vec<Problem>> {
        let mut built = Built {
            steps: Vec::new(),
            clip_length: None,
            unsupported: Vec::new(),
            warnings: Vec::new(),
            retired: None,
        };
        let mut problems = Vec::new();
        let order = self.check_order(ask, &mut problems);
        let generate_index = ask.steps.iter().position(|step| step.kind == StepKind::Generate);
        let own = generate_index.map(|index| &ask.steps[index].fields);
        let fields = merged(&ask.fields, own);
        if let Some(id) = text(&fields, Field::Extends) {
            problems.push(Problem::new(
                None,
                Field::Extends,
                "scene-reference",
                format!("the clip of another scene (`{id}`) cannot be continued yet"),
                Some("make both one scene with an `extend` step".into()),
            ));
        }
        match self.model(&fields, None, &mut built, &mut problems) {
            Some(model) => {
                if model.status == Status::Retired {
                    built.retired = Some(format!(
                        "`{}` is no longer offered by {}",
                        model.name, model.provider
                    ));
                }
                self.generate(ask, &fields, model, &mut built, &mut problems);
                for (index, step) in order {
                    self.follow(ask, &fields, model, index, step, &mut built, &mut problems);
                }
            }
            None => {
                // What the scene names can be checked all the same.
                self.sources(ask, &fields, &mut problems);
            }
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
                    if index > 0 {
                        problems.push(step_problem(
                            index,
                            "step-order",
                            "`generate` comes first in a chain".into(),
                            "put it before the other steps, or leave it out: every scene starts with a generate",
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
                StepKind::Keyframe | StepKind::Lipsync | StepKind::Restyle => {
                    problems.push(step_problem(
                        index,
                        "step-unavailable",
                        format!("no model of the catalogue can do the step `{}`", step.kind),
                        "the steps `generate`, `extend` and `upscale` work today",
                    ))
                }
                StepKind::Extend => {}
            }
            after.push((index, step));
        }
        after
    }

    fn model<'m>(
        &'m self,
        fields: &BTreeMap<Field, Value>,
        step: Option<usize>,
        built: &mut Built,
        problems: &mut Vec<Problem>,
    ) -> Option<&'m Model> {
        let name = text(fields, Field::Model).unwrap_or(DEFAULT_MODEL);
        match self.catalog.find(name) {
            Ok(found) => {
                if let Some(warning) = found.warning {
                    built.warnings.push(Problem::new(
                        step,
                        Field::Model,
                        "model-alias",
                        warning,
                        None,
                    ));
                }
                Some(found.model)
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

    fn generate(
        &self,
        ask: &Ask,
        fields: &BTreeMap<Field, Value>,
        model: &Model,
        built: &mut Built,
        problems: &mut Vec<Problem>,
    ) {
        let Some(mut sources) = self.sources(ask, fields, problems) else { return };
        let params = params(fields);
        let Some(mode) = choose_mode(model, &sources, &params, problems) else { return };
        if mode.kind == ModeKind::Reference && sources.references.is_empty() {
            sources.references = std::mem::take(&mut sources.characters);
        }
        let from_image = matches!(mode.kind, ModeKind::I2v | ModeKind::FirstLast);
        let extended = ask.steps.iter().any(|step| step.kind == StepKind::Extend);

        let film = seconds(fields, Field::Duration);
        let wanted_length = film.map(|film| self.base_length(ask, model, mode, film));
        let mut wanted = Wanted { fields: BTreeMap::new(), params };
        let mut length = None;
        match mode.clip_length(wanted_length, seconds(fields, Field::ClipLength)) {
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
        let sound = match mode.sound {
            Sound::Always => true,
            Sound::None => false,
            Sound::Switch => fields.get(&Field::Audio) == Some(&Value::Switch(true)),
        };
        let (prompt, style) =
            match self.prompt(ask, fields, model, Kind { sound, from_image, extended }) {
                Ok(prompt) => prompt,
                Err(problem) => {
                    problems.push(problem);
                    return;
                }
            };
        if !prompt.trim().is_empty() {
            wanted.fields.insert("prompt".into(), prompt.clone().into());
        }
        for (name, value) in [
            ("aspect_ratio", text(fields, Field::AspectRatio).map(Json::from)),
            ("resolution", text(fields, Field::Resolution).map(Json::from)),
            ("negative", text(fields, Field::Negative).map(Json::from)),
            ("seed", integer(fields, Field::Seed).map(Json::from)),
            ("last_frame", sources.last_frame.clone()),
            ("video", sources.video.clone()),
            (
                "reference",
                (!sources.references.is_empty()).then(|| Json::from(sources.references.clone())),
            ),
            (
                "audio",
                sources.sound_file.clone().or_else(|| switch(fields, Field::Audio).map(Json::from)),
            ),
        ] {
            let Some(value) = value else { continue };
            if mode
                .parameters
                .iter()
                .any(|parameter| parameter.from.iter().any(|from| from == name))
            {
                wanted.fields.insert(name.into(), value);
            } else if let Some(field) = field_named(name) {
                built.unsupported.push((None, field));
            }
        }
        let step = Making {
            kind: StepKind::Generate,
            index: None,
            model,
            mode,
            seconds: length,
            prompt,
            style,
        };
        if let Some(step) = self.make(step, &wanted, built, problems) {
            built.clip_length = length;
            built.steps.push(step);
        }
    }

    /// The film length that the first clip has to cover: all of it, or as much as the longest clip can where extend
    /// steps follow and cover the rest.
    fn base_length(&self, ask: &Ask, model: &Model, mode: &Mode, film: f64) -> f64 {
        let extensions = ask.steps.iter().filter(|step| step.kind == StepKind::Extend).count();
        let (Some(longest), true) = (mode.longest(), extensions > 0) else { return film };
        let each = model.mode(ModeKind::Extend).and_then(Mode::longest).unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "a chain has a handful of steps")]
        let reach = longest + each * extensions as f64;
        // Longer than even the extended clip: let the length check say so.
        if film > reach { film } else { film.min(longest) }
    }

    /// A step after the generate.
    #[expect(
        clippy::too_many_arguments,
        reason = "the step's surroundings, used in this one place"
    )]
    fn follow(
        &self,
        ask: &Ask,
        scene: &BTreeMap<Field, Value>,
        base: &Model,
        index: usize,
        step: &AskStep,
        built: &mut Built,
        problems: &mut Vec<Problem>,
    ) {
        let at = Some(index);
        let model = match step.fields.get(&Field::Model) {
            Some(_) => match self.model(&step.fields, at, built, problems) {
                Some(model) => model,
                None => return,
            },
            None => base,
        };
        let mut wanted = Wanted { fields: BTreeMap::new(), params: params(&step.fields) };
        wanted.fields.insert("task".into(), json!({"$previous": "task"}));
        let (mode, prompt, style) = match step.kind {
            StepKind::Upscale => {
                let target = text(&step.fields, Field::Resolution)
                    .or(text(&step.fields, Field::Prompt))
                    .unwrap_or("1080p");
                let Some(mode) = model.upscale(target) else {
                    let targets: Vec<String> = model
                        .modes
                        .iter()
                        .filter(|mode| mode.kind == ModeKind::Upscale)
                        .filter_map(|mode| mode.target.as_ref().map(|target| format!("`{target}`")))
                        .collect();
                    let hint = if targets.is_empty() {
                        "leave the step out, or choose a model that can".to_owned()
                    } else {
                        format!("it can do {}", targets.join(", "))
                    };
                    problems.push(Problem {
                        step: at,
                        field: Some(Field::Resolution),
                        param: None,
                        code: "no-such-upscale",
                        message: format!("`{}` cannot upscale to `{target}`", model.name),
                        hint: Some(hint),
                    });
                    return;
                };
                (mode, String::new(), None)
            }
            _ => {
                let Some(mode) = model.mode(ModeKind::Extend) else {
                    problems.push(step_problem(
                        index,
                        "no-such-step",
                        format!("`{}` cannot extend a clip", model.name),
                        "leave the step out, or choose a Veo model",
                    ));
                    return;
                };
                let fields = self.extension_fields(scene, step);
                let more = ask.steps[index + 1..].iter().any(|step| step.kind == StepKind::Extend);
                let sound = mode.sound != Sound::None;
                match self.prompt(
                    ask,
                    &fields,
                    model,
                    Kind { sound, from_image: false, extended: more },
                ) {
                    Ok((prompt, _)) if prompt.trim().is_empty() => {
                        problems.push(step_problem(
                            index,
                            "nothing-to-show",
                            "the `extend` step does not say how the clip goes on".into(),
                            "write what happens next under it",
                        ));
                        return;
                    }
                    Ok((prompt, style)) => (mode, prompt, style),
                    Err(problem) => {
                        problems.push(Problem { step: at, ..problem });
                        return;
                    }
                }
            }
        };
        if !prompt.is_empty() {
            wanted.fields.insert("prompt".into(), prompt.clone().into());
        }
        if let Some(seed) = integer(&step.fields, Field::Seed) {
            wanted.fields.insert("seed".into(), seed.into());
        }
        let seconds = match step.kind {
            StepKind::Extend => {
                mode.longest().zip(built.clip_length).map(|(more, so_far)| so_far + more)
            }
            _ => built.clip_length,
        };
        let making = Making { kind: step.kind, index: at, model, mode, seconds, prompt, style };
        if let Some(step) = self.make(making, &wanted, built, problems) {
            built.clip_length = seconds;
            built.steps.push(step);
        }
    }

    /// An extension in fields keeps the look and sound of its scene; in words of its own it is taken as it stands.
    fn extension_fields(
        &self,
        scene: &BTreeMap<Field, Value>,
        step: &AskStep,
    ) -> BTreeMap<Field, Value> {
        const KEPT: [Field; 6] = [
            Field::Lighting,
            Field::Mood,
            Field::Style,
            Field::Ambient,
            Field::Music,
            Field::Characters,
        ];
        let mut fields: BTreeMap<Field, Value> =
            KEPT.iter().filter_map(|field| Some((*field, scene.get(field)?.clone()))).collect();
        fields.extend(step.fields.iter().map(|(field, value)| (*field, value.clone())));
        fields
    }

    fn make(
        &self,
        making: Making<'_>,
        wanted: &Wanted,
        built: &mut Built,
        problems: &mut Vec<Problem>,
    ) -> Option<BuiltStep> {
        let Making { kind, index, model, mode, seconds, prompt, style } = making;
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
            price: mode.price(&composed.parameters, seconds),
            request,
            parts,
            seconds,
            prompt: (!prompt.is_empty()).then_some(prompt),
            style,
            parameters,
        })
    }

    /// The prompt, and the style whose template made it (none for the author's own words).
    fn prompt(
        &self,
        ask: &Ask,
        fields: &BTreeMap<Field, Value>,
        model: &Model,
        kind: Kind,
    ) -> Result<(String, Option<String>), Problem> {
        let own = text(fields, Field::Prompt).or_else(|| {
            // Words under `video` are a prompt, but only where nothing else says what is seen.
            let described =
                fields.contains_key(&Field::Visual) || fields.contains_key(&Field::Subject);
            if described { None } else { text(fields, Field::Video) }
        });
        if let Some(own) = own {
            return Ok((own.to_owned(), None));
        }
        let mut words = BTreeMap::new();
        for (field, value) in fields {
            if let Value::Text(text) = value
                && PROMPT_FIELDS.contains(field)
            {
                words.insert(field.name().to_owned(), text.clone());
            }
        }
        if !words.contains_key("visual")
            && !words.contains_key("subject")
            && let Some(still) = text(fields, Field::ImagePrompt)
        {
            words.insert("visual".into(), still.to_owned());
        }
        let input = PromptInput {
            fields: words,
            characters: cast(ask),
            dialogue: text(fields, Field::Dialogue).map(dialogue).unwrap_or_default(),
            sound: kind.sound,
            from_image: kind.from_image,
            will_be_extended: kind.extended,
            prompt: None,
        };
        prompt::compose(self.templates, &model.prompt_style, &input)
            .map(|text| (text, Some(model.prompt_style.clone())))
            .map_err(|error| Problem {
                step: None,
                field: None,
                param: None,
                code: "template",
                message: error.to_string(),
                hint: Some(
                    "mend the template in `prompts/`, or delete it to use the built-in one".into(),
                ),
            })
    }

    /// Files, links and pictures as they stand in a symbolic request.
    fn sources(
        &self,
        ask: &Ask,
        fields: &BTreeMap<Field, Value>,
        problems: &mut Vec<Problem>,
    ) -> Option<Sources> {
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
        let pictures = ask.characters.iter().flat_map(|character| &character.images);
        let characters = pictures
            .filter_map(|input| symbolic(ask, input, Field::Characters, problems))
            .collect();
        (problems.len() == before).then_some(Sources {
            references,
            characters,
            last_frame,
            video,
            sound_file,
        })
    }
}

/// What kind of prompt is wanted.
#[derive(Clone, Copy)]
struct Kind {
    sound: bool,
    from_image: bool,
    extended: bool,
}

/// A step that is about to be made.
struct Making<'a> {
    kind: StepKind,
    index: Option<usize>,
    model: &'a Model,
    mode: &'a Mode,
    seconds: Option<f64>,
    prompt: String,
    style: Option<String>,
}

/// The fields that templates see.
const PROMPT_FIELDS: [Field; 14] = [
    Field::Visual,
    Field::Subject,
    Field::Action,
    Field::Setting,
    Field::Shot,
    Field::Camera,
    Field::Lighting,
    Field::Mood,
    Field::Style,
    Field::Audio,
    Field::Sfx,
    Field::Ambient,
    Field::Music,
    Field::Negative,
];

/// The mode that follows from what the scene gives, unless a parameter of the author asks for another one.
fn choose_mode<'m>(
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
fn mode_name(mode: &Mode) -> String {
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

fn parameter_problem(step: Option<usize>, problem: crate::catalog::ParameterProblem) -> Problem {
    let (field, param) = match &problem.source {
        ProblemSource::Field(name) => (field_named(name), None),
        ProblemSource::Param(name) => (Some(Field::Params), Some(name.clone())),
        ProblemSource::Mode => (None, None),
    };
    Problem { step, field, param, code: problem.code, message: problem.message, hint: problem.hint }
}

fn step_problem(index: usize, code: &'static str, message: String, hint: &str) -> Problem {
    Problem {
        step: Some(index),
        field: None,
        param: None,
        code,
        message,
        hint: Some(hint.to_owned()),
    }
}

/// The characters a prompt may describe; those the scene lists are described even where their name does not occur.
fn cast(ask: &Ask) -> Vec<Cast> {
    let listed: Vec<String> = match ask.fields.get(&Field::Characters) {
        Some(Value::Names(names)) => names.iter().map(|name| name.to_lowercase()).collect(),
        _ => Vec::new(),
    };
    let described = ask.characters.iter().filter_map(|character| {
        let look = character.look.clone()?;
        let listed = listed.contains(&character.name.to_lowercase());
        Some(Cast { name: character.name.clone(), look, listed })
    });
    described.collect()
}

/// Lines of dialogue, one a line: `Ada: Not tonight.`
fn dialogue(text: &str) -> Vec<Line> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| match line.split_once([':', '：']) {
            Some((speaker, words)) if is_speaker(speaker) && !words.trim().is_empty() => {
                Line { speaker: Some(speaker.trim().to_owned()), words: unquoted(words) }
            }
            _ => Line { speaker: None, words: unquoted(line) },
        })
        .collect()
}

/// A few words without a stop are a name; more are the line itself.
fn is_speaker(text: &str) -> bool {
    let text = text.trim();
    let few = text.split_whitespace().count() <= 4;
    !text.is_empty() && few && !text.contains(['.', '!', '?', '"', '“'])
}

fn unquoted(words: &str) -> String {
    words.trim().trim_matches(['"', '“', '”', '„']).trim().to_owned()
}

fn merged(
    scene: &BTreeMap<Field, Value>,
    step: Option<&BTreeMap<Field, Value>>,
) -> BTreeMap<Field, Value> {
    let mut fields = scene.clone();
    fields.extend(step.into_iter().flatten().map(|(field, value)| (*field, value.clone())));
    fields
}

fn field_named(name: &str) -> Option<Field> {
    crate::storyboard::FIELDS.iter().find(|spec| spec.name == name).map(|spec| spec.field)
}

fn text(fields: &BTreeMap<Field, Value>, field: Field) -> Option<&str> {
    match fields.get(&field) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

fn seconds(fields: &BTreeMap<Field, Value>, field: Field) -> Option<f64> {
    match fields.get(&field) {
        Some(Value::Seconds(seconds)) => Some(*seconds),
        _ => None,
    }
}

fn integer(fields: &BTreeMap<Field, Value>, field: Field) -> Option<i64> {
    match fields.get(&field) {
        Some(Value::Integer(integer)) => Some(*integer),
        _ => None,
    }
}

fn switch(fields: &BTreeMap<Field, Value>, field: Field) -> Option<bool> {
    match fields.get(&field) {
        Some(Value::Switch(on)) => Some(*on),
        _ => None,
    }
}

fn params(fields: &BTreeMap<Field, Value>) -> Vec<(String, Json)> {
    match fields.get(&Field::Params) {
        Some(Value::Params(params)) => params.clone(),
        _ => Vec::new(),
    }
}
