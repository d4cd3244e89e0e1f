//! Profiles: one film as a cheap draft and as the final. What a profile says holds for clips and the steps after them;
//! stills are the same in all of them.

use super::ask::{AskStep, profile_of, reaching};
use super::planner::Planning;
use crate::manifest::Media;
use crate::storyboard::{Field, Profile, SceneId, StepKind, Value};

/// Puts what a profile says over the steps of a scene.
pub(super) fn put_over(profile: &Profile, steps: &mut Vec<AskStep>, has_params: bool) {
    let before_clip = |step: &AskStep| matches!(step.kind, StepKind::Keyframe | StepKind::Generate);
    if let Some(others) = &profile.steps {
        steps.retain(before_clip);
        steps.extend(
            others
                .iter()
                .map(|step| AskStep { kind: step.kind, fields: reaching(&step.fields) })
                .filter(|step| !before_clip(step)),
        );
    }
    let mut fields = reaching(&profile.fields);
    if fields.contains_key(&Field::Model) && has_params {
        // A model's own parameters mean nothing to another one.
        fields.entry(Field::Params).or_insert_with(|| Value::Params(Vec::new()));
    }
    if fields.is_empty() {
        return;
    }
    match steps.iter_mut().find(|step| step.kind == StepKind::Generate) {
        Some(generate) => generate.fields.extend(fields),
        None => {
            let after =
                usize::from(steps.first().is_some_and(|step| step.kind == StepKind::Keyframe));
            steps.insert(after, AskStep { kind: StepKind::Generate, fields });
        }
    }
}

/// How much a take made with a profile counts: the later in the list of profiles, the more. What was made without one
/// counts like the last of several, and more than a single one, which is a draft of it.
fn rank(planning: &Planning<'_>, profile: Option<&str>) -> usize {
    let profiles = &planning.board.profiles;
    let without = profiles.len().saturating_sub(1).max(1);
    match profile {
        None => without,
        // A profile that is gone may have been the final.
        Some(name) => {
            profiles.iter().position(|profile| profile.name.value == name).unwrap_or(usize::MAX)
        }
    }
}

/// The profile that a scene's clip was made with, where it counts for more than `present`.
pub(super) fn finer_than<'p>(
    planning: &Planning<'p>,
    scene: &SceneId,
    present: Option<&Profile>,
) -> Option<Option<&'p Profile>> {
    let present = present?;
    let place = &planning.place;
    let (storyboard, variant) = (place.storyboard.as_deref(), place.variant.as_deref());
    let entry = planning.known.manifest.current(storyboard, variant, scene, Media::Video)?;
    let made = profile_of(&entry.ask);
    (rank(planning, made) > rank(planning, Some(&present.name.value))).then(|| {
        planning.board.profiles.iter().find(|profile| Some(profile.name.value.as_str()) == made)
    })
}
