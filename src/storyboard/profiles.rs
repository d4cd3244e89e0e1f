//! Profiles: `profiles: {draft: {model: veo-3.1-lite}, final: {resolution: 1080p}}`.

use super::draft::{Draft, Place};
use super::node::{Node, NodeKind};
use super::problems::{Problems, quoted};
use super::scene::{Profile, StepKind};
use crate::source::Diagnostic;

/// Reads `profiles`: a map from names to fields, the roughest first.
pub(super) fn read(node: &Node, problems: &mut Problems<'_>) -> Vec<Profile> {
    let NodeKind::Map(entries) = &node.kind else {
        if node.kind != NodeKind::Null {
            wrong(node, problems);
        }
        return Vec::new();
    };
    let mut profiles: Vec<Profile> = Vec::new();
    for (name, value) in entries {
        let fields = match &value.kind {
            NodeKind::Map(fields) => fields.as_slice(),
            NodeKind::Null => &[],
            _ => {
                wrong(value, problems);
                continue;
            }
        };
        if let Some(first) = profiles.iter().find(|profile| profile.name.value == name.value) {
            let message = format!("two profiles are called {}", quoted(&name.value));
            problems.push(
                Diagnostic::error("duplicate-key", message, name.span)
                    .label("second profile")
                    .related(first.name.span, "first profile")
                    .hint("give one of them another name"),
            );
            continue;
        }
        let mut draft = Draft::new(Place::Defaults);
        for (label, value) in fields {
            draft.put(label, value, problems);
        }
        let earlier = |kind: StepKind| matches!(kind, StepKind::Keyframe | StepKind::Generate);
        for step in draft.steps.iter().flatten().filter(|step| earlier(step.kind)) {
            let message = format!("a profile has no step `{}`", step.kind);
            problems.push(
                Diagnostic::error("wrong-value", message, step.span)
                    .label("not in a profile")
                    .hint("its `steps` are those after the clip, such as `upscale: 4k`; write the fields of the clip beside them"),
            );
        }
        profiles.push(Profile { name: name.clone(), fields: draft.fields, steps: draft.steps });
    }
    profiles
}

fn wrong(node: &Node, problems: &mut Problems<'_>) {
    let message = format!("`profiles` takes a map from names to fields, not {}", node.described());
    problems.push(
        Diagnostic::error("wrong-value", message, node.span)
            .label("not a map")
            .hint("write `profiles: {draft: {model: veo-3.1-lite}, final: {model: veo-3.1, resolution: 1080p}}`"),
    );
}
