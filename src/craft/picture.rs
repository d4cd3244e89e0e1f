//! Clips that start from a picture.

use super::Told;
use super::shot::Shot;
use crate::camera::{moves_in, moves_in_prose};
use crate::prompt::grammar;
use crate::storyboard::Field;
use std::collections::BTreeSet;

/// What the model is told of the motion, and the field that says it.
fn motion<'s>(shot: &'s Shot<'_>) -> Option<(Field, &'s str)> {
    if !shot.from_image || !shot.is_english() {
        return None;
    }
    let field = shot.told_in().unwrap_or(Field::ImagePrompt);
    let words = if field == Field::Prompt { shot.prompt } else { shot.text(field) };
    (!words.trim().is_empty()).then_some((field, words))
}

fn camera_moves(shot: &Shot<'_>) -> bool {
    let own = shot.is_own_prompt && !moves_in_prose(shot.prompt).is_empty();
    own || (!shot.is_own_prompt && !moves_in(shot.text(Field::Camera)).is_empty())
}

pub(super) fn no_motion(shot: &Shot<'_>) -> Option<Told> {
    let (field, words) = motion(shot)?;
    let is_of_still = field == Field::ImagePrompt;
    (!camera_moves(shot) && (is_of_still || grammar::is_still_life(words))).then(|| {
        (
            Some(field),
            "the clip starts from a picture, and nothing says what moves in it".to_owned(),
        )
    })
}

pub(super) fn repeats_picture(shot: &Shot<'_>) -> Option<Told> {
    let (field, words) = motion(shot)?;
    let described = camera_moves(shot)
        && !matches!(field, Field::Prompt | Field::ImagePrompt)
        && grammar::is_still_life(words);
    let still = content(shot.text(Field::ImagePrompt));
    let again = content(words);
    let shared = again.intersection(&still).count();
    // A still says what is there, so a motion names some of it; most of it is too much.
    let repeated = field != Field::ImagePrompt
        && still.len() >= 5
        && shared >= 5
        && shared * 10 >= again.len() * 7;
    (described || repeated).then(|| {
        let name = field.name();
        (Some(field), format!("`{name}` says again what the picture shows"))
    })
}

/// The words that carry a meaning.
fn content(text: &str) -> BTreeSet<String> {
    let words = grammar::words(text).into_iter();
    words
        .filter(|word| {
            word.chars().count() > 3 && !matches!(word.as_str(), "with" | "from" | "into" | "over")
        })
        .collect()
}
