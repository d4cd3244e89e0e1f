//! What must hold from one clip to the next.

use super::Told;
use super::shot::{Shot, first_of};
use crate::prompt::grammar;
use crate::storyboard::Field;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn undescribed_character(shots: &[Shot<'_>]) -> Vec<(usize, Told)> {
    let mut scenes: BTreeMap<String, usize> = BTreeMap::new();
    for name in shots.iter().flat_map(|shot| &shot.people) {
        *scenes.entry(name.name.to_lowercase()).or_default() += 1;
    }
    let mut told = BTreeSet::new();
    let mut found = Vec::new();
    for (at, shot) in shots.iter().enumerate() {
        // A name that a cast does not know is told by whoever reads the storyboard.
        let judged = shot.people.iter().filter(|person| person.is_known || !shot.has_cast);
        for person in judged.filter(|person| !person.is_described && !shot.is_own_prompt) {
            let name = person.name.to_lowercase();
            let again = scenes.get(&name).is_some_and(|count| *count > 1);
            if again && told.insert(name) {
                let shown: String = person.name.chars().take(60).collect();
                let message = format!("`{shown}` is in several scenes and looks different in each");
                found.push((at, (Some(Field::Characters), message)));
            }
        }
    }
    found
}

pub(super) fn style_missing(shots: &[Shot<'_>]) -> Vec<(usize, Told)> {
    let composed =
        |shot: &&Shot<'_>| !shot.is_own_prompt && !shot.from_image && !shot.prompt.is_empty();
    let styled =
        shots.iter().filter(composed).filter(|shot| !shot.text(Field::Style).is_empty()).count();
    let bare = shots.iter().filter(composed).count() - styled;
    if styled == 0 || bare > styled {
        return Vec::new();
    }
    let each = shots.iter().enumerate().filter(|(_, shot)| composed(shot));
    let each = each.filter(|(_, shot)| shot.text(Field::Style).is_empty());
    each.map(|(at, _)| (at, (None, "no style here, and other scenes have one".to_owned())))
        .collect()
}

pub(super) fn ratios_differ(shots: &[Shot<'_>]) -> Vec<(usize, Told)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let ratio = |shot: &'_ Shot<'_>| -> Option<String> {
        let ratio = shot.text(Field::AspectRatio).trim();
        (!ratio.is_empty() && !ratio.eq_ignore_ascii_case("auto")).then(|| ratio.to_owned())
    };
    let all: Vec<Option<String>> = shots.iter().map(ratio).collect();
    for ratio in all.iter().flatten() {
        *counts.entry(ratio.as_str()).or_default() += 1;
    }
    let Some((usual, _)) = counts.iter().max_by_key(|(_, count)| **count) else {
        return Vec::new();
    };
    let odd = all.iter().enumerate().filter_map(|(at, ratio)| Some((at, ratio.as_deref()?)));
    let odd = odd.filter(|(_, ratio)| ratio != usual);
    odd.map(|(at, ratio)| {
        (
            at,
            (
                Some(Field::AspectRatio),
                format!("{ratio} in a film of {usual}: the cut has bars or loses the edges"),
            ),
        )
    })
    .collect()
}

/// Words that leave nothing to go on from.
const UNSTABLE: &[&str] = &[
    "fade to black",
    "fades to black",
    "fade to white",
    "fades to white",
    "fade out",
    "fades out",
    "cut to black",
    "cuts to black",
    "smash cut",
    "whip pan",
    "whip-pan",
    "motion blur",
    "blurs out",
    "out of focus",
    "goes dark",
    "screen goes black",
    "flash of white",
    "white flash",
    "strobe",
];

const STABLE: &[&str] = &[
    "stable",
    "still",
    "holds",
    "hold",
    "settles",
    "settle",
    "comes to rest",
    "at rest",
    "static",
    "freezes",
    "stops",
    "pauses",
    "steady",
    "locked off",
    "motionless",
    "ends on",
    "end on",
    "final frame",
    "last frame",
    "stands",
    "waits",
    "rests",
    "remains",
    "lingers",
];

pub(super) fn unstable_end(shot: &Shot<'_>) -> Option<Told> {
    if !shot.extended && shot.continued_by.is_none() {
        return None;
    }
    let seen = shot.seen();
    let camera = shot.text(Field::Camera);
    let last = grammar::sentences(&seen).pop().unwrap_or_default().to_owned();
    let who = match &shot.continued_by {
        Some(scene) if !shot.extended => format!("scene {scene} goes on from its last frame"),
        _ => "the clip is extended".to_owned(),
    };
    if let Some(word) = first_of(&last, UNSTABLE).or(first_of(camera, UNSTABLE)) {
        return Some((shot.told_in(), format!("{who}, and it ends in `{word}`")));
    }
    let asks = first_of(&seen, STABLE).is_some() || !shot.is_english();
    (shot.is_own_prompt && shot.extended && !asks)
        .then(|| (Some(Field::Prompt), format!("{who}, and nothing asks for a stable last frame")))
}
