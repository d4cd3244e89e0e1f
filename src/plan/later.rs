//! The steps after the first one: who does them, what they work on, and how long what they make is.

use super::ask::{Ask, AskStep};
use super::build::{Builder, Built, BuiltStep, Making, is_heard};
use super::problem::{Problem, step_problem};
use super::sources::Sources;
use super::values::{integer, params, seconds, switch, text};
use super::voice;
use super::wording::{Kind, Worded, extension_fields, prompt};
use crate::catalog::{Found, LengthProblem, Mode, ModeKind, Model, Sound, Wanted};
use crate::storyboard::{Field, StepKind, Value};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// Restyles clips of any model where the step names none that can.
const RESTYLER: &str = "Runway Aleph";
/// Lets clips of any model speak.
const LIPSYNCER: &str = "Volcengine Lip Sync";
/// Upscales clips of any model.
const UPSCALER: &str = "Topaz Video Upscale";

impl Builder<'_> {
    /// A step after the generate.
    #[expect(
        clippy::too_many_arguments,
        reason = "the step's surroundings, used in this one place"
    )]
    pub(super) fn follow(
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
        let named = match step.fields.get(&Field::Model) {
            Some(_) => match self.named(&step.fields, at, built, problems) {
                Some(found) => Some(found),
                None => return,
            },
            None => None,
        };
        let target = text(&step.fields, Field::Resolution).or(text(&step.fields, Field::Prompt));
        let able = match step.kind {
            StepKind::Upscale => self.upscaler(named.as_ref(), base, target.unwrap_or("1080p")),
            StepKind::Restyle => able(named.as_ref(), base, self.by_name(RESTYLER), |model| {
                model.mode(ModeKind::V2v)
            }),
            StepKind::Lipsync => able(named.as_ref(), base, self.by_name(LIPSYNCER), |model| {
                let speaks = |mode: &&Mode| {
                    mode.kind == ModeKind::Speech && mode.takes("video") && mode.takes("audio")
                };
                model.modes.iter().find(speaks)
            }),
            _ => able(named.as_ref(), base, None, |model| model.mode(ModeKind::Extend)),
        };
        let (model, mode) = match able {
            Ok(able) => able,
            Err(model) => {
                problems.push(unable(index, step.kind, model, target.unwrap_or("1080p")));
                return;
            }
        };
        let own = built.steps.last().is_none_or(|source| takes_task_of(mode, model, source));
        if let Some(source) = built.steps.last().filter(|_| !own && !mode.takes("video")) {
            problems.push(step_problem(
                index,
                "step-source",
                format!(
                    "the {} of `{}` works on its own clips only, and this one is made by `{}`",
                    step.kind, model.name, source.model
                ),
                "leave the step's model out, or choose one that takes any clip",
            ));
            return;
        }
        let refused = built.steps.last().and_then(|source| {
            mode.source_not.iter().find(|(name, value)| source.parts.get(*name) == Some(value))
        });
        if let Some((name, value)) = refused {
            problems.push(step_problem(
                index,
                "step-source",
                format!("`{}` cannot {} a clip made with {name} {value}", model.name, step.kind),
                "ask for another value in the scene, and upscale the clip as the last step",
            ));
            return;
        }
        let mut wanted = Wanted { fields: BTreeMap::new(), params: params(&step.fields) };
        let before = if own && mode.takes("task") { "task" } else { "clip" };
        let field = if before == "task" { "task" } else { "video" };
        wanted.fields.insert(field.into(), json!({ "$previous": before }));
        // The scene's sound switch holds for its steps as well.
        let heard = switch(&step.fields, Field::Audio).or(switch(scene, Field::Audio));
        if let Some(heard) = heard.filter(|_| mode.sound == Sound::Switch) {
            wanted.fields.insert("audio".into(), heard.into());
        }
        if step.kind == StepKind::Lipsync {
            match self.sound_of(ask, scene, index, step, problems) {
                Some(sound) => wanted.fields.insert("audio".into(), sound),
                None => return,
            };
        }
        let is_silent = matches!(step.kind, StepKind::Upscale | StepKind::Lipsync);
        let words = if is_silent {
            Worded::default()
        } else {
            let fields = extension_fields(scene, step);
            let more = ask.steps[index + 1..].iter().any(|step| step.kind == StepKind::Extend);
            let sound = is_heard(mode, heard);
            match prompt(
                self.templates,
                ask,
                &fields,
                model,
                Kind { step: at, sound, from_image: false, extended: more },
            ) {
                Ok(words) => words,
                Err(problem) => {
                    problems.push(*problem);
                    return;
                }
            }
        };
        if !words.prompt.is_empty() {
            wanted.fields.insert("prompt".into(), words.prompt.clone().into());
        }
        if let Some(seed) = integer(&step.fields, Field::Seed) {
            wanted.fields.insert("seed".into(), seed.into());
        }
        let resolution = match step.kind {
            // The factor behind a model's name: `topaz 2x`.
            StepKind::Upscale => target.map(|target| target.rsplit(' ').next().unwrap_or(target)),
            _ => text(&step.fields, Field::Resolution).or(text(scene, Field::Resolution)),
        };
        if let Some(resolution) = resolution.filter(|_| mode.takes("resolution")) {
            wanted.fields.insert("resolution".into(), resolution.into());
        }
        let so_far = built.clip_length;
        if let Some(seconds) = so_far.filter(|_| mode.takes("source_length")) {
            wanted.fields.insert("source_length".into(), super::ask::number(seconds));
        }
        let asked = seconds(&step.fields, Field::ClipLength);
        let length = if step.kind == StepKind::Extend {
            extension_length(mode, so_far, asked)
        } else {
            remade_length(mode, so_far, asked)
        };
        let more = match length {
            Ok((more, value)) => {
                if let Some(value) = value {
                    wanted.fields.insert("duration".into(), value);
                }
                more
            }
            Err(problem) => {
                let code = "too-long";
                let hint = Some(problem.hint);
                problems.push(Problem::new(at, Field::ClipLength, code, problem.message, hint));
                return;
            }
        };
        let seconds = match step.kind {
            StepKind::Extend => more.zip(so_far).map(|(more, so_far)| so_far + more),
            _ => more,
        };
        let making = Making {
            kind: step.kind,
            index: at,
            model,
            mode,
            seconds,
            input_seconds: so_far,
            words,
        };
        if let Some(step) = self.make(making, &wanted, built, problems) {
            built.clip_length = seconds;
            built.steps.push(step);
        }
    }

    /// What a clip is made to speak: the sound at the step, the scene's voice, or the scene's own sound file.
    fn sound_of(
        &self,
        ask: &Ask,
        scene: &BTreeMap<Field, Value>,
        index: usize,
        step: &AskStep,
        problems: &mut Vec<Problem>,
    ) -> Option<Json> {
        let before = problems.len();
        let own = Sources::of(ask, &step.fields, problems)?.sound_file;
        if let Some(sound) = own.or_else(|| voice::symbol(ask)) {
            return Some(sound);
        }
        let of_scene = Sources::of(ask, scene, problems)?.sound_file;
        if of_scene.is_none() && problems.len() == before {
            problems.push(step_problem(
                index,
                "nothing-to-say",
                "the step `lipsync` has no voice".into(),
                "give it a sound file, `lipsync: sound/line.mp3`, or the scene a step `voice`",
            ));
        }
        of_scene
    }

    /// Who upscales to `target`; the model may be named in the target itself (`topaz 2x`).
    fn upscaler<'m>(
        &'m self,
        named: Option<&Found<'m>>,
        base: &'m Model,
        target: &str,
    ) -> Result<Able<'m>, &'m Model> {
        let told = target
            .rsplit_once(' ')
            .and_then(|(name, factor)| Some((self.catalog.find(name).ok()?, factor)));
        let (named, target) = match (named, &told) {
            (None, Some((found, factor))) => (Some(found), *factor),
            (named, _) => (named, target),
        };
        able(named, base, self.by_name(UPSCALER), |model| model.upscale(target))
    }

    fn by_name(&self, name: &str) -> Option<&Model> {
        self.catalog.find(name).ok().map(|found| found.model())
    }
}

/// A model with the mode for a step.
type Able<'m> = (&'m Model, &'m Mode);

/// Who does a step: of what is named the first that can, else the clip's own model, else the one that takes any clip. The
/// model to blame where none can.
fn able<'m>(
    named: Option<&Found<'m>>,
    base: &'m Model,
    any: Option<&'m Model>,
    can: impl Fn(&'m Model) -> Option<&'m Mode>,
) -> Result<Able<'m>, &'m Model> {
    let with = |model: &'m Model| Some((model, can(model)?));
    match named {
        Some(found) => {
            found.models.iter().find_map(|model| with(model)).ok_or_else(|| found.model())
        }
        None => with(base).or_else(|| with(any?)).ok_or(base),
    }
}

/// What a step adds to a clip of `so_far` seconds, and what is sent as its duration where it has one.
fn extension_length(
    mode: &Mode,
    so_far: Option<f64>,
    asked: Option<f64>,
) -> Result<(Option<f64>, Option<Json>), LengthProblem> {
    /// What is added where nobody says how much.
    const USUAL: f64 = 5.0;
    if !mode.takes("duration") {
        return match asked {
            Some(_) => mode.clip_length(None, asked).map(|length| (length.seconds, None)),
            None => Ok((mode.longest(), None)),
        };
    }
    if let Some(so_far) = so_far.filter(|_| mode.whole_length) {
        let whole = mode.clip_length(Some(so_far + asked.unwrap_or(USUAL)), None)?;
        return Ok((whole.seconds.map(|whole| whole - so_far), whole.value));
    }
    let length = mode.clip_length(None, asked)?;
    Ok((length.seconds, length.value))
}

/// How long a clip of `so_far` seconds is once it is made anew in another look or size, and what is sent as its duration
/// where it has one: all of it has to be covered.
fn remade_length(
    mode: &Mode,
    so_far: Option<f64>,
    asked: Option<f64>,
) -> Result<(Option<f64>, Option<Json>), LengthProblem> {
    if !mode.takes("duration") {
        return Ok((so_far, None));
    }
    let length = mode.clip_length(so_far, asked)?;
    Ok((length.seconds.or(so_far), length.value))
}

/// Whether a mode can work on the task of a step: one of its family, and where it has an id of its own (the market has
/// models of many makers) one of its model.
fn takes_task_of(mode: &Mode, model: &Model, source: &BuiltStep) -> bool {
    mode.takes("task")
        && model.family == source.family
        && (mode.id.is_none() || model.name == source.model)
}

/// The problem with a step that a model cannot do.
fn unable(index: usize, step: StepKind, model: &Model, target: &str) -> Problem {
    match step {
        StepKind::Upscale => {
            let targets: Vec<String> =
                model.upscale_targets().into_iter().map(|target| format!("`{target}`")).collect();
            let hint = if targets.is_empty() {
                "`topaz 2x` and `topaz 4x` upscale any clip".to_owned()
            } else {
                format!("it can do {}; `topaz 2x` upscales any clip", targets.join(", "))
            };
            Problem {
                step: Some(index),
                field: Some(Field::Resolution),
                param: None,
                span: None,
                code: "no-such-upscale",
                message: format!("`{}` cannot upscale to `{target}`", model.name),
                hint: Some(hint),
                instead: None,
            }
        }
        StepKind::Lipsync => step_problem(
            index,
            "no-such-step",
            format!("`{}` cannot let a clip speak", model.name),
            "leave the step's model out, or name one such as `Volcengine Lip Sync`",
        ),
        StepKind::Restyle => step_problem(
            index,
            "no-such-step",
            format!("`{}` cannot restyle a clip", model.name),
            "leave the model out, or name one with a `v2v` mode such as `Runway Aleph`",
        ),
        _ => step_problem(
            index,
            "no-such-step",
            format!("`{}` cannot extend a clip", model.name),
            "leave the step out, or choose a Veo model",
        ),
    }
}
