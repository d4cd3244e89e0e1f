//! The camera.

use super::Told;
use super::shot::{Shot, first_of};
use crate::camera::{Move, is_told, is_told_in_prose, moves_in, moves_in_prose};
use crate::prompt::grammar;
use crate::storyboard::Field;

fn moves(shot: &Shot<'_>) -> Vec<&'static Move> {
    let camera = shot.text(Field::Camera);
    if shot.is_own_prompt { moves_in_prose(shot.prompt) } else { moves_in(camera) }
}

/// Whether the camera is told of anywhere: in its field, or in what is seen.
fn has_camera(shot: &Shot<'_>) -> bool {
    let told = shot.seen_and_camera();
    let views = ["static", "handheld", "locked off", "locked-off", "pov", "drone"];
    (!shot.is_own_prompt && is_told(shot.text(Field::Camera)))
        || is_told_in_prose(&told)
        || first_of(&told, &views).is_some()
}

pub(super) fn one_move(shot: &Shot<'_>) -> Option<Told> {
    let moves = moves(shot);
    // From ten seconds on there is time to come to rest between two.
    let most = if shot.seconds.is_some_and(|seconds| seconds >= 9.5) { 2 } else { 1 };
    (moves.len() > most).then(|| {
        let names: Vec<&str> = moves.iter().map(|found| found.name).collect();
        let message = format!("{} camera moves in one clip: {}", moves.len(), names.join(", "));
        (shot.camera_in(), message)
    })
}

pub(super) fn no_camera(shot: &Shot<'_>) -> Option<Told> {
    (shot.style != "kling" && shot.is_english() && !has_camera(shot))
        .then(|| (shot.camera_in(), "nothing is said of the camera".to_owned()))
}

pub(super) fn kling_camera(shot: &Shot<'_>) -> Option<Told> {
    (shot.style == "kling" && shot.is_english() && !has_camera(shot)).then(|| {
        let message = format!("`{}` holds the camera still where no move is asked for", shot.model);
        (shot.camera_in(), message)
    })
}

/// Of a composed prompt the template takes care; in a prompt of the author's own the camera has a sentence to itself.
pub(super) fn camera_apart(shot: &Shot<'_>) -> Option<Told> {
    if !shot.is_own_prompt || !shot.is_english() || moves(shot).is_empty() {
        return None;
    }
    let sentences = grammar::sentences(shot.prompt);
    let apart = sentences.iter().find(|sentence| {
        let words = grammar::words(sentence);
        let joined = ["as", "while", "of", "on", "with", "around", "behind", "beside", "toward"];
        !moves_in_prose(sentence).is_empty()
            && words.len() <= 7
            && !words.iter().any(|word| joined.contains(&word.as_str()))
    })?;
    let others = sentences.iter().any(|other| other != apart && grammar::actions(other) > 0);
    let told: String = apart.chars().take(60).collect();
    others.then(|| (Some(Field::Prompt), format!("`{told}` is apart from what the subject does")))
}
