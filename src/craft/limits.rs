//! What a model takes. What it refuses is an error and told by the catalogue's checks; here is what it takes and loses.

use super::Told;
use super::shot::Shot;
use crate::storyboard::Field;

/// The most that Veo reads of a prompt, in tokens; the rest is dropped without a word. (Vertex AI, Veo's model page.)
const VEO_TOKENS: usize = 1024;

pub(super) fn long_prompt(shot: &Shot<'_>) -> Option<Told> {
    if shot.style != "veo" {
        return None;
    }
    // About four letters of English a token; of other scripts each letter is one.
    let ascii = shot.prompt.bytes().filter(u8::is_ascii).count();
    let others = shot.prompt.chars().filter(|c| !c.is_ascii()).count();
    let tokens = ascii / 4 + others;
    (tokens > VEO_TOKENS).then(|| {
        let field = if shot.is_own_prompt { Some(Field::Prompt) } else { shot.told_in() };
        (
            field,
            format!(
                "the prompt has about {tokens} tokens, and `{}` reads {VEO_TOKENS}",
                shot.model
            ),
        )
    })
}

pub(super) fn negative_lost(shot: &Shot<'_>) -> Option<Told> {
    let given = !shot.text(Field::Negative).is_empty();
    (given && shot.is_own_prompt && !shot.takes_negative).then(|| {
        let message = format!(
            "`{}` has no negative prompt, and a `prompt` is sent as it stands: this is lost",
            shot.model
        );
        (Some(Field::Negative), message)
    })
}

pub(super) fn negative_in_words(shot: &Shot<'_>) -> Option<Told> {
    let own = shot.own.contains(&Field::Negative) && !shot.text(Field::Negative).is_empty();
    (own && !shot.is_own_prompt && !shot.takes_negative).then(|| {
        let message = format!(
            "`{}` has no negative prompt: it reads this in its prompt, and may show what is named",
            shot.model
        );
        (Some(Field::Negative), message)
    })
}
