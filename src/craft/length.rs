//! How much fits into a clip.

use super::Told;
use super::shot::Shot;
use crate::prompt::grammar;
use crate::storyboard::Field;

/// Seconds as they are told.
fn told(seconds: f64) -> String {
    format!("{} s", (seconds * 10.0).round() / 10.0)
}

/// How many actions a clip has room for: one in up to five seconds, two in up to eight, then one more every four.
fn room(seconds: f64) -> usize {
    match seconds {
        _ if seconds <= 5.5 => 1,
        _ if seconds <= 8.5 => 2,
        _ if seconds <= 12.0 => 3,
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clips last seconds, not years"
        )]
        _ => (seconds.min(600.0) / 4.0) as usize,
    }
}

pub(super) fn too_many_actions(shot: &Shot<'_>) -> Option<Told> {
    let seconds = shot.seconds.filter(|_| shot.is_english())?;
    let actions = grammar::actions(&shot.seen());
    let room = room(seconds);
    // A small gesture within an action is counted like one, so a longer clip gets one more before it is too many.
    let most = if room == 1 { 1 } else { room + 1 };
    (actions > most).then(|| {
        let message =
            format!("{actions} actions in a clip of {}, which has room for {room}", told(seconds));
        (shot.told_in(), message)
    })
}

pub(super) fn short_dialogue(shot: &Shot<'_>) -> Option<Told> {
    let seconds = shot.seconds.filter(|seconds| *seconds <= 5.5)?;
    if !shot.sound || shot.dialogue.is_empty() {
        return None;
    }
    let message = format!("a clip of {} has no time for a line and a picture", told(seconds));
    Some((Some(Field::Dialogue), message))
}

pub(super) fn too_many_lines(shot: &Shot<'_>) -> Option<Told> {
    let seconds = shot.seconds.filter(|seconds| *seconds > 5.5)?;
    let most = if seconds <= 8.5 { 1 } else { 3 };
    let lines = shot.dialogue.len();
    (shot.sound && lines > most).then(|| {
        let line = if most == 1 { "one line" } else { "three lines" };
        let message = format!("{lines} lines in {}: there is time for {line}", told(seconds));
        (Some(Field::Dialogue), message)
    })
}

pub(super) fn fast_talk(shot: &Shot<'_>) -> Option<Told> {
    let seconds = shot.seconds.filter(|_| shot.sound)?;
    let words: usize = shot.dialogue.iter().map(|line| line.words.split_whitespace().count()).sum();
    #[expect(clippy::cast_precision_loss, reason = "a handful of words")]
    let too_fast = words as f64 > seconds * 1.25 + 1.0;
    too_fast.then(|| {
        let message =
            format!("{words} spoken words in {}: about one a second is clear", told(seconds));
        (Some(Field::Dialogue), message)
    })
}
