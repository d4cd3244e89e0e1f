//! Lints of the craft, put to the words that they are about; and the warnings that an author allows.

use super::planner::Planning;
use super::prepare::{Prepared, field_span};
use super::values::text;
use crate::catalog::{Mode, ModeKind};
use crate::craft::{self, GROUPS, LINTS, Person, Shot};
use crate::source::{Diagnostic, Severity};
use crate::storyboard::{Field, Fields, FrameOf, Input, Scene, SceneId, StepKind, Value};
use std::collections::{BTreeMap, HashMap};

/// Warnings about a scene that are no lints of the craft and can be allowed all the same.
const ALSO: &[&str] = &[
    "no-duration",
    "extends-by-frame",
    "follows-input",
    "gate-without-still",
    "model-alias",
    "model-chosen",
    "model-tier",
    "not-carried-out",
    "retired",
    "sound-always",
];

/// The names that a set of fields allows.
fn allowed_in(fields: &Fields) -> &[String] {
    match fields.get(Field::Allow).map(|names| &names.value) {
        Some(Value::Names(names)) => names,
        _ => &[],
    }
}

/// Whether a code or group is allowed in a scene: by the scene, by its film or by the configuration. What a scene allows
/// is added to what the film does.
fn is_allowed(planning: &Planning<'_>, scene: &Scene, name: &str) -> bool {
    let written = [&scene.fields, &planning.board.defaults, planning.defaults];
    let mut names = written.into_iter().flat_map(allowed_in);
    names.any(|allowed| allowed.trim().eq_ignore_ascii_case(name))
}

/// Takes warnings about a scene away that it allows. Errors stay.
pub(super) fn drop_allowed(
    planning: &Planning<'_>,
    scene: &Scene,
    diagnostics: &mut Vec<Diagnostic>,
) {
    diagnostics.retain(|problem| {
        problem.severity != Severity::Warning || !is_allowed(planning, scene, problem.code)
    });
}

/// Looks for everything that is wanted, and for allowances that allow nothing.
pub(super) fn find(
    planning: &Planning<'_>,
    scenes: &[Prepared<'_>],
    diagnostics: &mut Vec<Diagnostic>,
) {
    check_allowed(planning, diagnostics);
    let continued = continued(planning);
    let (clips, shots): (Vec<&Scene>, Vec<Shot<'_>>) =
        scenes.iter().filter_map(|prepared| shot(planning, prepared, &continued)).unzip();
    let allowed = |at: usize, name: &str| is_allowed(planning, clips[at], name);
    for finding in craft::find(&shots, &planning.options.lints, allowed) {
        let scene = clips[finding.shot];
        let span = match finding.field {
            Some(field) => field_span(planning, scene, None, field),
            None => scene.id_span,
        };
        let lint = finding.lint;
        let problem = Diagnostic::warning(lint.code, finding.message, span)
            .label(format!("scene {}", scene.id))
            .hint(format!(
                "{}, such as `{}`; meant as it is: `allow: {}`",
                lint.rule, lint.better, lint.code
            ));
        diagnostics.push(problem);
    }
}

/// The clip of a scene as lints see it; `None` for stills, and for what is not made.
fn shot<'p>(
    planning: &'p Planning<'_>,
    prepared: &'p Prepared<'_>,
    continued: &HashMap<String, String>,
) -> Option<(&'p Scene, Shot<'p>)> {
    let scene = prepared.scene;
    let present = prepared.present.as_ref()?;
    let step = present.built.steps.iter().find(|step| step.kind == StepKind::Generate)?;
    let told = step.told.as_deref()?;
    let model = planning.catalog.models().iter().find(|model| model.name == step.model)?;
    let mode = step.parts.get("mode").and_then(|mode| mode.as_str()).and_then(ModeKind::named);
    let takes_negative =
        mode.and_then(|mode| model.mode(mode)).is_some_and(|mode: &Mode| mode.takes("negative"));
    let mut fields = BTreeMap::new();
    for field in present.ask.fields.keys() {
        if let Some(words) = text(&present.ask.fields, *field) {
            fields.insert(*field, words);
        }
    }
    let shot = Shot {
        scene: scene.id.to_string(),
        fields,
        own: scene.fields.iter().map(|(field, _)| field).collect(),
        prompt: step.prompt.as_deref().unwrap_or_default(),
        is_own_prompt: step.style.is_none(),
        model: &step.model,
        style: &model.prompt_style,
        seconds: step.seconds,
        sound: told.sound,
        from_image: told.from_image,
        extended: told.will_be_extended,
        continued_by: continued.get(&scene.id.key()).cloned(),
        takes_negative,
        dialogue: &told.dialogue,
        people: people(planning, present.ask.fields.get(&Field::Characters)),
        has_cast: !planning.board.characters.is_empty(),
    };
    Some((scene, shot))
}

fn people(planning: &Planning<'_>, names: Option<&Value>) -> Vec<Person> {
    let Some(Value::Names(names)) = names else { return Vec::new() };
    let described = |name: &String| {
        let known = planning
            .board
            .characters
            .iter()
            .find(|character| character.name.value.to_lowercase() == name.to_lowercase());
        Person {
            name: name.clone(),
            is_known: known.is_some(),
            is_described: known.is_some_and(|character| {
                character.look.is_some()
                    || !character.images.is_empty()
                    || character.sheet.is_some()
            }),
        }
    };
    names.iter().map(described).collect()
}

/// Scenes whose last frame another one starts from, with the first that does.
fn continued(planning: &Planning<'_>) -> HashMap<String, String> {
    let mut continued = HashMap::new();
    for scene in &planning.board.scenes {
        let extends = scene.fields.text(Field::Extends);
        let frames = scene.fields.inputs(Field::Reference).iter().filter_map(|input| match input {
            Input::Scene { id, frame: FrameOf::Last } => Some(id.as_str()),
            _ => None,
        });
        for id in extends.into_iter().chain(frames) {
            let key = SceneId::parse(id).key();
            continued.entry(key).or_insert_with(|| scene.id.to_string());
        }
    }
    continued
}

/// Tells of names under `allow` that mean nothing: a slip there lets a warning through, and nobody sees why.
fn check_allowed(planning: &Planning<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let scenes = planning.board.scenes.iter().map(|scene| &scene.fields);
    for fields in scenes.chain([&planning.board.defaults]) {
        let Some(written) = fields.get(Field::Allow) else { continue };
        for name in allowed_in(fields) {
            let name = name.trim().to_lowercase();
            if craft::knows(&name) || ALSO.contains(&name.as_str()) {
                continue;
            }
            let known = LINTS.iter().map(|lint| lint.code);
            let known = known.chain(GROUPS.iter().map(|group| group.name())).chain(ALSO.to_vec());
            let near = known
                .map(|known| (strsim::osa_distance(&name, known), known))
                .filter(|(distance, _)| *distance <= 3)
                .min();
            let shown: String = name.chars().take(60).collect();
            let problem = Diagnostic::warning(
                "unknown-lint",
                format!("no lint is called `{shown}`"),
                written.span,
            )
            .label("allows nothing")
            .hint(match near {
                Some((_, near)) => format!("did you mean `{near}`?"),
                None => "`storyreel lints` lists codes and groups".to_owned(),
            });
            diagnostics.push(problem);
        }
    }
}
