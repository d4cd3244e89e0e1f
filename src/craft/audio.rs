//! What is heard.

use super::Told;
use super::shot::{Shot, first_of, has_form};
use crate::prompt::grammar;
use crate::storyboard::Field;

const LAYERS: [Field; 4] = [Field::Sfx, Field::Ambient, Field::Music, Field::Audio];

pub(super) fn too_many_layers(shot: &Shot<'_>) -> Option<Told> {
    let mut layers: Vec<&str> = LAYERS
        .iter()
        .filter(|field| !shot.text(**field).is_empty())
        .map(|field| field.name())
        .collect();
    if !shot.dialogue.is_empty() {
        layers.push(Field::Dialogue.name());
    }
    let last = LAYERS.into_iter().find(|field| shot.own.contains(field));
    (shot.sound && layers.len() > 3).then(|| {
        (
            last.or(Some(Field::Dialogue)),
            format!("{} layers of sound at once: {}", layers.len(), layers.join(", ")),
        )
    })
}

pub(super) fn long_line(shot: &Shot<'_>) -> Option<Told> {
    let count = |words: &str| words.split_whitespace().count();
    let longest =
        shot.dialogue.iter().map(|line| count(&line.words)).max().filter(|_| shot.sound)?;
    (longest > 8).then(|| {
        (
            Some(Field::Dialogue),
            format!("a line of {longest} words: lips stay in time for about eight"),
        )
    })
}

pub(super) fn lip_sync(shot: &Shot<'_>) -> Option<Told> {
    if !shot.sound || shot.dialogue.is_empty() || !shot.is_english() {
        return None;
    }
    let told = format!(
        "{} {} {}",
        shot.text(Field::Shot),
        shot.seen_and_camera(),
        shot.text(Field::Notes)
    );
    let speaks = [
        "speak", "talk", "say", "tell", "ask", "whisper", "shout", "mutter", "answer", "reply",
        "sing", "call",
    ];
    let apart = [
        "off camera",
        "off-camera",
        "offscreen",
        "off-screen",
        "unseen",
        "over the radio",
        "voice over",
    ];
    (!has_form(&told, &speaks) && first_of(&told, &apart).is_none())
        .then(|| (Some(Field::Dialogue), "nobody is told to be speaking on camera".to_owned()))
}

pub(super) fn loose_effect(shot: &Shot<'_>) -> Option<Told> {
    let effect = shot.text(Field::Sfx);
    if effect.is_empty() || !shot.sound || !effect.is_ascii() || !shot.is_english() {
        return None;
    }
    let seen: Vec<String> = grammar::words(&shot.seen()).into_iter().map(stem).collect();
    let words = grammar::words(effect);
    // What sounds is seen, or the effect itself says what makes it.
    let is_seen = words.iter().any(|word| word.len() > 3 && seen.contains(&stem(word.clone())));
    let joins = [
        "as", "when", "while", "of", "on", "against", "from", "under", "through", "behind",
        "outside", "over", "in", "at", "into", "with", "off",
    ];
    let is_told = words.iter().any(|word| joins.contains(&word.as_str()) || word.ends_with("ing"));
    (!is_seen && !is_told)
        .then(|| (Some(Field::Sfx), "nothing that is seen makes this sound".to_owned()))
}

fn stem(word: String) -> String {
    let cut = ["ing", "es", "s", "ed"].iter().find_map(|end| word.strip_suffix(end));
    cut.map_or(word.clone(), str::to_owned)
}

pub(super) fn silent_cues(shot: &Shot<'_>) -> Option<Told> {
    if shot.sound {
        return None;
    }
    let cues = [Field::Sfx, Field::Ambient, Field::Music, Field::Dialogue, Field::Audio];
    let field =
        cues.into_iter().find(|field| shot.own.contains(field) && !shot.text(*field).is_empty())?;
    Some((
        Some(field),
        format!("the clip of `{}` is silent here: `{}` is not told", shot.model, field.name()),
    ))
}

/// The sound of a place goes on while the place does.
pub(super) fn ambience_dropped(shots: &[Shot<'_>]) -> Vec<(usize, Told)> {
    let place = |shot: &Shot<'_>| grammar::words(shot.text(Field::Setting)).join(" ");
    let pairs = shots.windows(2).enumerate();
    let dropped = pairs.filter_map(|(at, pair)| {
        let [before, after] = pair else { return None };
        let same = !place(before).is_empty() && place(before) == place(after);
        let lost = !before.text(Field::Ambient).is_empty() && after.text(Field::Ambient).is_empty();
        (same && lost && before.sound && after.sound && after.text(Field::Audio).is_empty()).then(
            || {
                let message = format!(
                    "the place is that of scene {}, and its ambience is gone",
                    before.scene
                );
                (at + 1, (Some(Field::Setting), message))
            },
        )
    });
    dropped.collect()
}
