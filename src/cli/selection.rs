//! `SEL`: which scenes and steps a flag means, such as `1,3-5,intro,7:upscale`.

use super::failure::Failure;
use crate::plan::{Plan, Selection};
use crate::settings::nearest;
use crate::storyboard::{SceneId, StepKind};

/// Reads a selection against the scenes of the storyboard. An exact id wins over a range and over `id:step`.
///
/// # Errors
/// Exit 1 with the nearest id for one that does not exist.
pub(super) fn parse(flag: &str, text: &str, scenes: &[SceneId]) -> Result<Selection, Failure> {
    let mut selection = Selection::default();
    let tokens: Vec<&str> =
        text.split(',').map(str::trim).filter(|token| !token.is_empty()).collect();
    if tokens.is_empty() {
        return Err(Failure::invalid("no-such-scene", format!("`{flag}` names no scene"))
            .hint("name scenes by their ids: `1,3-5,intro,7:upscale`"));
    }
    for token in tokens {
        if let Some(scene) = exact(token, scenes) {
            selection.add(scene, None);
            continue;
        }
        let (ids, step) = match token.rsplit_once(':') {
            Some((ids, step)) if exact(ids, scenes).is_some() || range(ids).is_some() => {
                (ids, Some(step_named(flag, step)?))
            }
            _ => (token, None),
        };
        if let Some(scene) = exact(ids, scenes) {
            selection.add(scene, step);
        } else if let Some((first, last)) = range(ids) {
            let mut found = false;
            for scene in scenes {
                if matches!(scene, SceneId::Number(number) if (first..=last).contains(number)) {
                    selection.add(scene, step);
                    found = true;
                }
            }
            if !found {
                return Err(unknown(flag, ids, scenes));
            }
        } else {
            return Err(unknown(flag, token, scenes));
        }
    }
    Ok(selection)
}

/// Reads one scene's id.
///
/// # Errors
/// Exit 1 with the nearest id for one that does not exist.
pub(super) fn one<'s>(text: &str, scenes: &'s [SceneId]) -> Result<&'s SceneId, Failure> {
    exact(text, scenes).ok_or_else(|| unknown("SCENE", text, scenes))
}

/// Makes sure that the selected steps are steps of their scenes: a wrong one must not stand for something that is paid.
///
/// # Errors
/// Exit 1 with the steps that the scene has.
pub(super) fn check_steps(flag: &str, selection: &Selection, plan: &Plan) -> Result<(), Failure> {
    for scene in plan.scenes.iter().filter(|scene| !scene.steps.is_empty()) {
        let own: Vec<StepKind> = scene.steps.iter().map(|step| step.step).collect();
        if let Some(missing) = selection.steps(&scene.scene_id).find(|step| !own.contains(step)) {
            let names: Vec<String> = own.iter().map(|step| format!("`{step}`")).collect();
            return Err(Failure::invalid(
                "no-such-step",
                format!("`{flag}`: scene {} has no step `{missing}`", scene.scene_id),
            )
            .hint(format!("its steps: {}", names.join(", "))));
        }
    }
    Ok(())
}

fn exact<'s>(token: &str, scenes: &'s [SceneId]) -> Option<&'s SceneId> {
    let id = SceneId::parse(token);
    scenes.iter().find(|scene| **scene == id)
}

/// `3-5` as its two numbers, in order.
fn range(token: &str) -> Option<(u64, u64)> {
    let (first, last) = token.split_once('-')?;
    let (SceneId::Number(first), SceneId::Number(last)) =
        (SceneId::parse(first), SceneId::parse(last))
    else {
        return None;
    };
    Some((first.min(last), first.max(last)))
}

fn step_named(flag: &str, name: &str) -> Result<StepKind, Failure> {
    StepKind::named(name).ok_or_else(|| {
        let names = StepKind::ALL.map(StepKind::name);
        let hint = match nearest(name, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the steps are {}", names.map(|name| format!("`{name}`")).join(", ")),
        };
        Failure::invalid("no-such-step", format!("`{flag}`: there is no step `{name}`")).hint(hint)
    })
}

fn unknown(flag: &str, token: &str, scenes: &[SceneId]) -> Failure {
    let keys: Vec<String> = scenes.iter().map(SceneId::key).collect();
    let hint = match nearest(token, keys.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if keys.is_empty() => "the storyboard has no scenes".to_owned(),
        None => {
            let shown: Vec<String> = keys.iter().take(20).map(|key| format!("`{key}`")).collect();
            let more = if keys.len() > 20 { ", ..." } else { "" };
            format!("the scenes are {}{more}", shown.join(", "))
        }
    };
    Failure::invalid("no-such-scene", format!("`{flag}`: there is no scene `{token}`")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenes() -> Vec<SceneId> {
        ["1", "2", "3", "5", "7", "intro", "3-4", "a:b", "2.1"].map(SceneId::parse).to_vec()
    }

    fn selected(text: &str) -> Vec<String> {
        let scenes = scenes();
        match parse("--only", text, &scenes) {
            Ok(selection) => scenes
                .iter()
                .filter(|scene| selection.has(scene))
                .map(|scene| match selection.first_step(scene) {
                    Some(step) => format!("{scene}:{step}"),
                    None => scene.key(),
                })
                .collect(),
            Err(_) => vec!["error".to_owned()],
        }
    }

    #[test]
    fn ids_ranges_and_steps() {
        assert_eq!(selected("1, 03 ,intro"), ["1", "3", "intro"]);
        assert_eq!(selected("2-5"), ["2", "3", "5"]);
        assert_eq!(selected("5-2"), ["2", "3", "5"]);
        assert_eq!(selected("3-4"), ["3-4"], "an exact id wins over a range");
        assert_eq!(selected("7:upscale,2.1"), ["7:upscale", "2.1"]);
        assert_eq!(selected("1-2:extend"), ["1:extend", "2:extend"]);
        assert_eq!(selected("7,7:upscale"), ["7"], "the whole is more than a part");
        assert_eq!(selected("7:upscale,7"), ["7"]);
        assert_eq!(selected("7:upscale,7:extend"), ["7:extend"], "from the earlier one on");
        assert_eq!(selected("a:b"), ["a:b"], "an exact id wins over a step");
        for wrong in ["9", "8-9", "7:upscal", "intr", "", ",", "1,9"] {
            assert_eq!(selected(wrong), ["error"], "{wrong}");
        }
    }
}
