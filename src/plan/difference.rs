//! Whether a scene has changed, and how: today's builder makes the requests of the recorded ask and of the present
//! one, and the parts that differ are the reasons.

use super::ask::Ask;
use super::build::{Builder, Built, BuiltStep};
use super::outcome::Reason;
use super::recorded::{Foreign, Recorded};
use super::values::seconds;
use crate::manifest::Media;
use crate::storyboard::{Field, StepKind};
use serde_json::{Map, Value as Json};

/// A scene as it is asked for now.
#[derive(Clone)]
pub(super) struct Present {
    pub ask: Ask,
    pub ask_json: Json,
    pub built: Built,
    /// How many takes are wanted.
    pub takes: i64,
    /// The still that was chosen for the clip to start from, where there is one.
    pub chosen_still: Option<String>,
}

/// How a recorded version differs from the present ask.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// How many leading steps are the same request.
    pub same_steps: usize,
    /// True when all are, and none is missing or too many.
    pub same: bool,
    /// What differs.
    pub reasons: Vec<Reason>,
    /// Today's templates or catalogue would ask differently for the same ask.
    pub tool_changed: bool,
}

/// Compares a recorded version with the present ask.
pub(super) fn compare(
    builder: &Builder<'_>,
    present: &Present,
    recorded: &Recorded<'_>,
) -> Difference {
    if let Some(foreign) = &recorded.foreign {
        return compare_foreign(builder, present, foreign);
    }
    let mut difference = compare_ask(builder, present, recorded);
    if let Some(reason) = other_still(present, recorded) {
        difference.same = false;
        difference.same_steps = 0;
        difference.reasons.insert(0, reason);
    }
    if !difference.same
        && recorded.accepted.iter().any(|ask| is_accepted(builder, present, recorded, ask))
    {
        difference = Difference {
            same: true,
            same_steps: present.built.steps.len(),
            ..Difference::default()
        };
    }
    difference
}

fn compare_ask(builder: &Builder<'_>, present: &Present, recorded: &Recorded<'_>) -> Difference {
    let equal = *recorded.ask == present.ask_json;
    let past =
        (!equal).then(|| builder.past_beside(recorded.ask, &present.ask, present.takes)).flatten();
    let old_ask = past.as_ref().map(|past| &past.ask);
    let rebuilt = past.as_ref().and_then(|past| past.built.as_ref());
    let rebuilt = if equal { Some(&present.built) } else { rebuilt };

    let mut difference = Difference::default();
    let now = &present.built.steps;
    if recorded.published
        && rebuilt.is_some_and(|rebuilt| grew_alike(now, &rebuilt.steps, recorded))
    {
        return Difference { same: true, tool_changed: true, ..difference };
    }
    let mut same = true;
    for (index, step) in now.iter().enumerate() {
        let Some(old) = recorded.steps.get(index).filter(|old| old.kind == step.kind) else {
            same = false;
            break;
        };
        let old_parts = match rebuilt.and_then(|rebuilt| rebuilt.steps.get(index)) {
            Some(step) => &step.parts,
            // The ask cannot be built any more (a model left the catalogue): what was sent is all there is.
            None => match old.parts {
                Some(parts) => parts,
                None => {
                    same = false;
                    difference
                        .reasons
                        .push(Reason { step: Some(step.kind), ..Reason::new("model-changed") });
                    break;
                }
            },
        };
        let mut reasons = part_reasons(step, old_parts, old.parts);
        for reason in &mut reasons {
            name_upstream(reason, &present.ask);
        }
        if reasons.is_empty() {
            reasons.extend(template_reason(step, old_ask, present, old.prompt));
        }
        if let Some(known) = old.parts {
            // Of a later take the seed is another one, and that is as it should be.
            let later = old_ask.is_some_and(|ask| ask.candidate > 0);
            difference.tool_changed |= differs(old_parts, known, later);
        }
        if reasons.is_empty() {
            if same {
                difference.same_steps = index + 1;
            }
        } else {
            same = false;
            difference.reasons.extend(reasons);
        }
    }
    let kinds = |kinds: Vec<&str>| Json::from(kinds);
    let old_kinds: Vec<&str> = recorded.steps.iter().map(|step| step.kind.name()).collect();
    let new_kinds: Vec<&str> = now.iter().map(|step| step.kind.name()).collect();
    if old_kinds != new_kinds {
        same = false;
        difference.reasons.push(Reason {
            part: Some("steps".into()),
            old: Some(kinds(old_kinds)),
            new: Some(kinds(new_kinds)),
            ..Reason::new("steps-changed")
        });
    }
    difference.same = same;
    difference
}

/// A clip that was made from another still than the one that is chosen now.
fn other_still(present: &Present, recorded: &Recorded<'_>) -> Option<Reason> {
    let chosen = present.chosen_still.as_ref()?;
    let first = recorded.steps.first().filter(|step| step.kind == StepKind::Keyframe)?;
    let made = &first.clip.as_ref()?.sha256;
    (made != chosen).then(|| Reason {
        step: Some(StepKind::Keyframe),
        ..Reason::because("upstream-changed", "another still was chosen for it")
    })
}

/// Whether the same wish was carried out in other steps when it was recorded (this version makes a keyframe where that one
/// did not) and nothing else has changed. None of the recorded clips belongs to a step of today then.
fn grew_alike(now: &[BuiltStep], rebuilt: &[BuiltStep], recorded: &Recorded<'_>) -> bool {
    let differs = recorded.steps.len() != now.len()
        || recorded.steps.iter().zip(now).any(|(old, step)| old.kind != step.kind);
    differs
        && rebuilt.len() == now.len()
        && rebuilt.iter().zip(now).all(|(old, step)| {
            old.kind == step.kind && part_reasons(step, &old.parts, None).is_empty()
        })
}

/// Whether the author accepted the clip for what is asked for now: an ask of then that is the present request today. What
/// made the clip does not matter, so neither do its steps.
fn is_accepted(
    builder: &Builder<'_>,
    present: &Present,
    recorded: &Recorded<'_>,
    ask: &Json,
) -> bool {
    if *ask == present.ask_json {
        return true;
    }
    let Some(past) = builder.past(ask) else { return false };
    let Some(rebuilt) = &past.built else { return false };
    let now = &present.built.steps;
    rebuilt.steps.len() == now.len()
        && rebuilt.steps.iter().zip(now).enumerate().all(|(index, (old_step, step))| {
            let known = recorded.steps.get(index).and_then(|step| step.parts);
            let style = step.style.as_ref();
            old_step.kind == step.kind
                && part_reasons(step, &old_step.parts, known).is_empty()
                && style.is_none_or(|style| {
                    past.ask.templates.get(style) == present.ask.templates.get(style)
                })
        })
}

/// True when a part that was recorded differs from what the recorded ask would give today.
fn differs(today: &Map<String, Json>, recorded: &Map<String, Json>, but_seed: bool) -> bool {
    recorded
        .iter()
        .filter(|(name, _)| !(but_seed && name.starts_with("seed")))
        .any(|(name, value)| today.get(name).is_some_and(|now| !same_value(now, value)))
}

fn same_value(one: &Json, two: &Json) -> bool {
    one == two || super::request::canonical_json(one) == super::request::canonical_json(two)
}

/// The parts of a step that differ. A part that the old entry does not know is ignored.
fn part_reasons(
    step: &BuiltStep,
    old: &Map<String, Json>,
    known: Option<&Map<String, Json>>,
) -> Vec<Reason> {
    let null = Json::Null;
    let model_changed = old.get("model") != step.parts.get("model");
    // Another mode has other parts; only within one mode does a missing part mean that nobody knew it then.
    let same_mode = old.get("mode") == step.parts.get("mode");
    let names = step.parts.keys().chain(old.keys().filter(|name| !step.parts.contains_key(*name)));
    let mut reasons = Vec::new();
    let mut mode_only = Vec::new();
    for name in names {
        let (was, is) = (old.get(name).unwrap_or(&null), step.parts.get(name).unwrap_or(&null));
        if same_value(was, is)
            || (same_mode && known.is_some_and(|known| !known.contains_key(name)))
        {
            continue;
        }
        let code = match name.as_str() {
            "model" => "model-changed",
            "prompt" => "prompt-changed",
            // Another model has other parameters; that they differ says nothing more.
            _ if model_changed => continue,
            _ if is_input(was) || is_input(is) => "reference-changed",
            _ => "parameter-changed",
        };
        let reason = Reason {
            step: Some(step.kind),
            part: Some(name.clone()),
            old: Some(was.clone()),
            new: Some(is.clone()),
            ..Reason::new(code)
        };
        // The mode and its constants follow from the inputs; they are told only where nothing else is.
        if matches!(name.as_str(), "mode" | "generationType") {
            mode_only.push(reason)
        } else {
            reasons.push(reason)
        }
    }
    if reasons.is_empty() { mode_only } else { reasons }
}

/// Tells of an input that is another scene's what has become of that one.
fn name_upstream(reason: &mut Reason, ask: &Ask) {
    let Some(new) = &reason.new else { return };
    if reason.code != "reference-changed" {
        return;
    }
    let scene = |name: &str| {
        let name = name.strip_prefix("scene:").unwrap_or(name);
        name.rsplit_once('/').map_or(name, |(scene, _)| scene).to_owned()
    };
    let mut detail = None;
    super::request::visit(&mut new.clone(), &mut |map| {
        if let Some(name) = map.get("$scene").and_then(Json::as_str) {
            detail = Some(format!("scene {} is rendered first", scene(name)));
        } else if detail.is_none()
            && let Some((name, _)) =
                ask.upstream.iter().find(|(_, symbol)| symbol.as_object() == Some(map))
        {
            detail = Some(format!("scene {} has another clip", scene(name)));
        }
    });
    if detail.is_some() {
        reason.code = "upstream-changed";
        reason.detail = detail;
    }
}

/// A project's own template that was edited: its digest differs, and so does the prompt it makes.
fn template_reason(
    step: &BuiltStep,
    old_ask: Option<&Ask>,
    present: &Present,
    recorded: Option<&str>,
) -> Option<Reason> {
    let style = step.style.as_ref()?;
    let old = old_ask?;
    if old.templates.get(style) == present.ask.templates.get(style) {
        return None;
    }
    let is = step.parts.get("prompt")?;
    (recorded != is.as_str()).then(|| Reason {
        step: Some(step.kind),
        part: Some("prompt".into()),
        old: recorded.map(Json::from),
        new: Some(is.clone()),
        ..Reason::new("template-changed")
    })
}

fn is_input(value: &Json) -> bool {
    match value {
        Json::String(text) => text.starts_with("http://") || text.starts_with("https://"),
        Json::Object(map) => map.keys().any(|key| key.starts_with('$')),
        Json::Array(items) => items.iter().any(is_input),
        _ => false,
    }
}

/// An entry of another tool knows a prompt, a model and a few parameters: those are compared, as far as the author says
/// anything of them. What a model does by itself is no wish of anybody, and it may change with the catalogue.
fn compare_foreign(builder: &Builder<'_>, present: &Present, foreign: &Foreign<'_>) -> Difference {
    let mut difference = Difference::default();
    let Some(step) = present.built.main() else { return difference };
    if present.built.media() == Media::Image {
        // Nobody can tell what the author asked the other tool for; a still that exists is used.
        return Difference { same: true, same_steps: present.built.steps.len(), ..difference };
    }
    let mut told = |code: &'static str, part: &str, old: Json, new: Json| {
        difference.reasons.push(Reason {
            step: Some(step.kind),
            part: Some(part.to_owned()),
            old: Some(old),
            new: Some(new),
            ..Reason::new(code)
        });
    };
    if foreign.prompt.trim() != step.prompt.as_deref().unwrap_or_default().trim() {
        let new = step.prompt.clone().map_or(Json::Null, Json::from);
        told("prompt-changed", "prompt", foreign.prompt.into(), new);
    }
    let named = builder.catalog.find(foreign.model);
    let is_it = named.map_or(foreign.model == step.model, |found| {
        found.models.iter().any(|model| model.name == step.model)
    });
    if !is_it {
        told("model-changed", "model", foreign.model.into(), step.model.clone().into());
    }
    for (name, old) in foreign.parameters {
        let Some(new) = step.parameters.get(name) else { continue };
        let wanted = match name.as_str() {
            "duration" => is_too_short(present, old),
            "quality" => present.ask.fields.contains_key(&Field::Resolution),
            "aspect_ratio" => present.ask.fields.contains_key(&Field::AspectRatio),
            _ => name == "generationType",
        };
        if wanted && !old.is_null() && !new.is_null() && !same_value(old, new) {
            told("parameter-changed", name, old.clone(), new.clone());
        }
    }
    let chain = present.built.steps.len();
    if chain > 1 {
        told("steps-changed", "steps", 1.into(), chain.into());
    }
    difference.same = difference.reasons.is_empty();
    difference.same_steps = usize::from(difference.same);
    difference
}

/// Whether a clip of this length is not what the scene wants: shorter than it is in the film, or not the length that is
/// asked of the model in so many words.
fn is_too_short(present: &Present, length: &Json) -> bool {
    let fields = &present.ask.fields;
    let film = seconds(fields, Field::Duration);
    seconds(fields, Field::ClipLength).is_some()
        || film.zip(length.as_f64()).is_some_and(|(film, length)| length < film)
}
