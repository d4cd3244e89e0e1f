//! As much grammar as joining an author's phrases takes.
//!
//! Free text is joined only where the outcome is certain to be a sentence: everything here says no when in doubt, and two short
//! sentences are never wrong.

use super::lexicon::{
    ADJECTIVES, COLLECTIVE, FINITE, FRAMING, MANY, MOTIONS, NO_PARTICIPLES, OBJECTS, OF_PLACES,
    ONE, OPENERS, PREPOSITIONS, PRONOUNS,
};
use super::verbs::{ALSO_THINGS, VERBS};
use crate::camera;

/// Lower-case words without the marks around them; marks that end a clause are words of their own.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for token in text.split_whitespace() {
        let bare = token.trim_matches(|c: char| !c.is_alphanumeric());
        if !bare.is_empty() {
            words.push(bare.to_lowercase());
        }
        if token.ends_with([',', ';', ':', '.', '!', '?', '—', '–']) {
            words.push(",".to_owned());
        }
    }
    words
}

/// The first sentence and what follows it. A stop within a word, such as that of `3.5`, ends none.
pub(crate) fn first_sentence(text: &str) -> (&str, &str) {
    let text = text.trim();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let ends = match c {
            '.' | '!' | '?' => chars.peek().is_none_or(|(_, next)| next.is_whitespace()),
            '。' | '！' | '？' => true,
            _ => false,
        };
        if ends {
            let end = at + c.len_utf8();
            return (&text[..end], text[end..].trim_start());
        }
    }
    (text, "")
}

/// Every sentence.
pub(crate) fn sentences(text: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (first, others) = first_sentence(rest);
        all.push(first);
        rest = others;
    }
    all
}

/// Whether a word is a verb of the table as it stands after `she`, `a man` or a name: `climbs`, `carries`, `goes`.
pub(crate) fn is_verb_of_one(word: &str) -> bool {
    let Some(stem) = word.strip_suffix('s') else { return false };
    let known = |verb: &str| VERBS.binary_search(&verb).is_ok();
    known(stem)
        || stem.strip_suffix('e').is_some_and(known)
        || stem.strip_suffix("ie").is_some_and(|stem| known(&format!("{stem}y")))
}

/// Whether the word at a place is such a verb for sure, and not a thing: the form says so, or what follows.
fn surely_does(words: &[String], at: usize) -> bool {
    let Some(word) = words.get(at).filter(|word| is_verb_of_one(word)) else { return false };
    let after = words.get(at + 1).map_or("", String::as_str);
    let takes_object = OBJECTS.contains(&after) || after.ends_with("ly");
    after != "of" && (!may_be_thing(word) || takes_object)
}

/// Whether a verb of one is also the name of several things: `tears`, `waves`.
fn may_be_thing(word: &str) -> bool {
    let stems = [word.strip_suffix('s'), word.strip_suffix("es")];
    stems.into_iter().flatten().any(|stem| ALSO_THINGS.contains(&stem))
        || word.strip_suffix("ies").is_some_and(|stem| ALSO_THINGS.contains(&&*format!("{stem}y")))
}

/// How many things somebody does in a text: verbs that are told of one, those that may be things only after somebody or
/// between others.
pub(crate) fn actions(text: &str) -> usize {
    let words = words(text);
    let after = ["and", ",", "then", "who", "it", "he", "she", "suddenly", "slowly", "quickly"];
    (0..words.len())
        .filter(|at| {
            let before = at.checked_sub(1).map_or("", |before| words[before].as_str());
            surely_does(&words, *at) || (is_verb_of_one(&words[*at]) && after.contains(&before))
        })
        .count()
}

/// Whether surely nothing in a text moves: no word that is a verb in any form, or may be one.
pub(crate) fn is_still_life(text: &str) -> bool {
    let words = words(text);
    let moves = |(at, word): (usize, &String)| {
        let before = at.checked_sub(1).map_or(",", |before| words[before].as_str());
        may_act(word, before)
            || word.ends_with("ing")
            || (word.ends_with("ed") && word.len() > 4 && !ADJECTIVES.contains(&word.as_str()))
            || VERBS.binary_search(&word.as_str()).is_ok()
            || MANY.contains(&word.as_str())
            || (FINITE.contains(&word.as_str())
                && !matches!(word.as_str(), "and" | "where" | "not" | "that" | "lit" | "left"))
            || MOTIONS.contains(&word.as_str())
    };
    !words.is_empty() && !words.iter().enumerate().any(moves)
}

/// Whether a word may be what one thing does, by its `s`, where the word before it does not make it a thing.
fn may_act(word: &str, before: &str) -> bool {
    let is_held = PREPOSITIONS.contains(&before)
        || ADJECTIVES.contains(&before)
        || matches!(before, "the" | "her" | "his" | "its" | "their");
    word.ends_with('s')
        && !["ss", "us", "is", "'s"].iter().any(|end| word.ends_with(end))
        && (!is_held || is_verb_of_one(word))
}

/// Whether a word is a participle: `climbing`.
pub(crate) fn is_participle(word: &str) -> bool {
    word.len() > 4 && word.ends_with("ing") && !NO_PARTICIPLES.contains(&word)
}

/// Whether a phrase surely names one thing and says nothing that it does: what can stand after `of`.
pub(crate) fn is_noun_phrase(text: &str) -> bool {
    let (phrase, _) = first_sentence(text);
    if !phrase.is_ascii() || phrase.contains(['"', ';', ':', '(', '[']) {
        return false;
    }
    let words = words(phrase.trim_end_matches(['.', '!']));
    if words.len() < 2 || words.len() > 60 || !ONE.contains(&words[0].as_str()) {
        return false;
    }
    // `A wide shot of a pier` frames itself already; `A moment later` names a time.
    let frames =
        ["shot", "view", "angle", "close-up", "closeup", "pov", "moment", "year", "second"];
    if words.iter().take(5).any(|word| frames.contains(&word.as_str())) {
        return false;
    }
    let several =
        |word: &String| COLLECTIVE.contains(&word.as_str()) || MANY.contains(&word.as_str());
    let is_many = words.iter().any(several);
    words.iter().enumerate().skip(1).all(|(at, word)| {
        let before = words[at - 1].as_str();
        // `A weathered face` has a face; `a man walked` has somebody who walks.
        let may_be_past = word.len() > 4
            && word.ends_with("ed")
            && !(ONE.contains(&before)
                || PREPOSITIONS.contains(&before)
                || ADJECTIVES.contains(&before)
                || matches!(before, "the" | "her" | "his" | "its" | "their"));
        // `A couple walk along the beach`: several who look like one.
        let may_be_many = is_many && VERBS.binary_search(&word.as_str()).is_ok();
        !(may_act(word, before) || may_be_past || may_be_many || FINITE.contains(&word.as_str()))
    })
}

/// Whether a sentence surely has somebody who does something, told by its first words: what can stand after `as`.
/// `names` are those of people in the film.
pub(crate) fn is_clause(text: &str, names: &[String]) -> bool {
    let (sentence, _) = first_sentence(text);
    if !sentence.is_ascii() || sentence.ends_with('?') || sentence.contains(['"', ':', '[']) {
        return false;
    }
    let words = words(sentence.trim_end_matches(['.', '!', '…']));
    let Some(first) = words.first() else { return false };
    let verb_at = |at: usize| words.get(at).is_some_and(|word| is_verb_of_one(word));
    if PRONOUNS.contains(&first.as_str()) || is_name(first, names) {
        return verb_at(1) || (words.get(1).is_some_and(|word| word.ends_with("ly")) && verb_at(2));
    }
    if !ONE.contains(&first.as_str()) && first != "the" && first != "her" && first != "his" {
        return false;
    }
    // Up to the verb there is one noun phrase: no comma, and no clause that hangs on it.
    let verb = (0..words.len().min(10)).find(|at| surely_does(&words, *at));
    verb.is_some_and(|at| {
        // `The old lifts at night` are lifts.
        at >= 2
            && !ADJECTIVES.contains(&words[at - 1].as_str())
            && words[1..at]
                .iter()
                .all(|word| word != "," && !FINITE.contains(&word.as_str()) && !is_participle(word))
    })
}

/// Whether a word is one of the names, or the beginning of one of several words.
fn is_name(word: &str, names: &[String]) -> bool {
    names.iter().any(|name| {
        let mut parts = name.split_whitespace().map(str::to_lowercase);
        parts.next().is_some_and(|first| first == word)
    })
}

/// The text as it goes on within a sentence: the capital of an opening word goes, that of a name stays.
pub(crate) fn lowered(text: &str) -> String {
    let text = text.trim_start();
    let first = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let lower = first.to_lowercase();
    let known = OPENERS.contains(&lower.as_str()) || PREPOSITIONS.contains(&lower.as_str());
    let shouted = first.chars().count() > 1 && first.chars().all(char::is_uppercase);
    if known && !shouted { format!("{lower}{}", &text[first.len()..]) } else { text.to_owned() }
}

/// Subject and action as one sentence where they make one, else one after the other.
pub(crate) fn doing(subject: &str, action: &str) -> String {
    let (subject, action) = (subject.trim(), action.trim());
    if subject.is_empty() || action.is_empty() {
        return format!("{subject}{action}");
    }
    let bare = subject.trim_end_matches(['.', ',', ' ']);
    // The action may name its subject itself.
    if action.get(..bare.len()).is_some_and(|start| start.eq_ignore_ascii_case(bare))
        && action[bare.len()..].starts_with(' ')
    {
        return action.to_owned();
    }
    let alone = first_sentence(subject).1.is_empty();
    let names = alone && (is_noun_phrase(bare) || is_subject(bare));
    if names && (begins_with_doing(action) || does(action, is_several(bare))) {
        // A subject with remarks between commas is closed before it goes on; a list of people is not.
        let list = bare
            .rsplit(',')
            .next()
            .is_some_and(|last| words(last).iter().any(|word| word == "and"));
        let mark = if bare.contains(',') && !list { "," } else { "" };
        return format!("{bare}{mark} {}", small(action));
    }
    format!("{} {}", super::filters::sentence(subject), super::filters::sentence(action))
}

/// Whether what an author calls the subject names somebody or something and says nothing that it does.
fn is_subject(text: &str) -> bool {
    if !text.is_ascii() || text.contains(['"', ';', ':', '(', '[', '?', '!']) {
        return false;
    }
    let told = words(text);
    let does = |(at, word): (usize, &String)| {
        at > 0
            && (surely_does(&told, at)
                || matches!(
                    word.as_str(),
                    "is" | "are" | "was" | "were" | "has" | "have" | "who" | "that"
                ))
    };
    !told.is_empty() && told.len() <= 25 && !told.iter().enumerate().any(does)
}

/// Whether a subject is several: `Two kids`, `Mara, Bo and Jo`, `the gulls`.
fn is_several(text: &str) -> bool {
    let told = words(text);
    let head = told
        .iter()
        .take_while(|word| !PREPOSITIONS.contains(&word.as_str()) && *word != ",")
        .last();
    told.iter().any(|word| word == "and")
        || told.first().is_some_and(|first| {
            matches!(
                first.as_str(),
                "two" | "three" | "four" | "five" | "several" | "many" | "some" | "both"
            )
        })
        || head.is_some_and(|head| {
            head.ends_with('s') && !["ss", "us", "is"].iter().any(|end| head.ends_with(end))
                || MANY.contains(&head.as_str())
        })
}

/// Whether what an author calls the action begins with a verb that fits its subject.
fn does(action: &str, several: bool) -> bool {
    if !action.is_ascii() || action.contains(['"', '[']) {
        return false;
    }
    let told = words(action);
    let word = |at: usize| told.get(at).map_or("", String::as_str);
    // `slowly walks`
    let at = usize::from(word(0).ends_with("ly") && word(0).len() > 4);
    let (first, next) = (word(at), word(at + 1));
    let is_base = |word: &str| VERBS.binary_search(&word).is_ok();
    match first {
        "is" | "was" | "has" => !several,
        "are" | "were" | "have" => several,
        _ if is_participle(first) => true,
        // `Tears on her face` are things.
        _ if may_be_thing(first)
            && matches!(next, "on" | "of" | "in" | "with" | "under" | "over" | "from" | "") =>
        {
            false
        }
        // `Waves crash`, `Sparks fly`: those do it themselves.
        _ if is_verb_of_one(first) => !is_base(next) || OBJECTS.contains(&next) || next == ",",
        _ => several && is_base(first),
    }
}

/// Whether a text begins with what is done, without saying by whom.
fn begins_with_doing(action: &str) -> bool {
    let told = words(action);
    action.is_ascii()
        && (surely_does(&told, 0) || told.first().is_some_and(|first| is_participle(first)))
}

/// What moves in a picture that is given, as a sentence: who it is stands in the picture.
pub(crate) fn moving(action: &str) -> String {
    if !begins_with_doing(action) {
        return action.to_owned();
    }
    let is =
        if words(action).first().is_some_and(|first| is_participle(first)) { " is" } else { "" };
    format!("The subject{is} {}", small(action.trim()))
}

/// What is seen with the place where it is: within the sentence where that is short and the place begins with a
/// preposition, else as a sentence of its own.
pub(crate) fn placed(seen: &str, setting: &str) -> String {
    let (seen, setting) = (seen.trim(), setting.trim());
    if seen.is_empty() || setting.is_empty() {
        return format!("{seen}{setting}");
    }
    let told = words(seen);
    let first = words(setting).into_iter().next().unwrap_or_default();
    let joins = OF_PLACES.contains(&first.as_str())
        && told.len() <= 14
        && first_sentence(seen).1.is_empty()
        && !told.iter().rev().skip(1).any(|word| word == ",")
        && !seen.ends_with(['!', '?'])
        // A second place would hang on the first one.
        && !told.iter().any(|word| OF_PLACES.contains(&word.as_str()));
    if joins {
        let seen = seen.trim_end_matches(['.', ',', ' ']);
        return format!("{seen} {}", lowered(setting));
    }
    format!("{} {}", super::filters::sentence(seen), super::filters::sentence(setting))
}

/// What is seen under its shot and camera: `slow dolly in, wide shot of a lone lighthouse`, `medium shot, slow dolly in as
/// Ada strikes a match`, or sentences one after the other.
pub(crate) fn framed(seen: &str, shot: &str, camera: &str, names: &[String]) -> String {
    let (shot, camera) = (super::filters::shot_size(shot), super::filters::bare(camera));
    let sentence = super::filters::sentence;
    let frame = match (shot.as_str(), camera.as_str()) {
        ("", camera) if camera.eq_ignore_ascii_case("static") => "static camera".to_owned(),
        ("", camera) => camera.to_owned(),
        (shot, "") => shot.to_owned(),
        (shot, camera) => format!("{shot}, {}", going_on(camera)),
    };
    let (first, rest) = first_sentence(seen);
    if first.is_empty() || frame.is_empty() {
        return format!("{}{}", sentence(&frame), sentence(seen));
    }
    if is_noun_phrase(first)
        && let Some(frame) = frame_of(&shot, &camera)
    {
        return sentence(&format!("{frame} of {} {rest}", lowered(first)));
    }
    let few = words(&camera).len() <= 12 && first_sentence(&camera).1.is_empty();
    let own_clause = words(&camera).iter().any(|word| matches!(word.as_str(), "as" | "while"));
    if few && !own_clause && !camera::moves_in(&camera).is_empty() && is_clause(first, names) {
        return sentence(&format!("{frame} as {} {rest}", lowered(first)));
    }
    format!("{} {}", sentence(&frame), sentence(seen))
}

/// Shot and camera as words that `of` can follow; `None` where they make none.
fn frame_of(shot: &str, camera: &str) -> Option<String> {
    let is_framing = |text: &str| {
        let last = text.rsplit([' ', '-']).next().unwrap_or_default().to_lowercase();
        matches!(last.as_str(), "shot" | "closeup" | "up" | "angle" | "view") && {
            let lower = text.to_lowercase();
            last != "up" || lower.ends_with("close-up") || lower.ends_with("close up")
        }
    };
    let short = |text: &str| words(text).iter().filter(|word| *word != ",").count() <= 6;
    if is_framing(shot) && !shot.contains(',') {
        return match camera {
            "" => Some(shot.to_owned()),
            _ if short(camera) && !camera.contains('.') => {
                Some(format!("{camera}, {}", going_on(shot)))
            }
            _ => None,
        };
    }
    if !shot.is_empty() || camera.contains(',') || !short(camera) {
        return None;
    }
    let last = words(camera).pop().unwrap_or_default();
    match last.as_str() {
        "shot" => Some(camera.to_owned()),
        "static" | "handheld" | "tracking" => Some(format!("{camera} shot")),
        _ => None,
    }
}

/// Words of a frame after others: the capital of an English word goes, that of anything else may be a name's or a noun's.
fn going_on(text: &str) -> String {
    let first = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let lower = first.to_lowercase();
    let known = FRAMING.contains(&lower.as_str())
        || OPENERS.contains(&lower.as_str())
        || PREPOSITIONS.contains(&lower.as_str());
    if known && first.chars().skip(1).all(char::is_lowercase) {
        format!("{lower}{}", &text[first.len()..])
    } else {
        text.to_owned()
    }
}

/// The first letter small, unless the word is written in capitals.
fn small(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if letters.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_in_order() {
        assert!(VERBS.is_sorted(), "they are searched by halves");
        for word in ["climbs", "carries", "goes", "crouches", "closes", "flies"] {
            assert!(is_verb_of_one(word), "{word}");
        }
        for word in ["rocks", "climb", "glass", "s", ""] {
            assert!(!is_verb_of_one(word), "{word}");
        }
    }

    #[test]
    fn still_lives_are_certain() {
        for text in [
            "A wooden pier in fog, a red boat at its end",
            "A lighthouse at dawn",
            "Ada, seventy, in a navy jumper",
        ] {
            assert!(is_still_life(text), "{text}");
        }
        for text in [
            "Fog rolls over the pier",
            "Waves break",
            "The boat is drifting",
            "People skip stones",
            "Time-lapse of a loaf",
            "A door slammed shut",
            "Hair in the wind",
            "",
        ] {
            assert!(!is_still_life(text), "{text}");
        }
    }

    #[test]
    fn noun_phrases_are_certain() {
        for text in [
            "A lone lighthouse on a basalt skerry",
            "A lone lighthouse on a basalt skerry.  Waves break.",
            "A red kite over grey dunes",
            "A narrow street of wet cobblestones",
            "An old woman in a navy jumper",
            "A lamp",
            "A weathered face in the light of a match",
            "A train approaching a frozen station",
        ] {
            assert!(is_noun_phrase(text), "{text}");
        }
        for text in [
            "A wave climbs the whole height of the lighthouse",
            "A man walked down the road",
            "A wide broom comes down in front of it",
            "A boat on the water drifts",
            "A man who lost everything walks into the sea",
            "A wide shot of a pier",
            "The children run home",
            "Night storm",
            "黎明的灯塔",
            "",
            "A",
            "A girl in boots sprints",
            "A year later, the house is gone",
            "One boat turned",
            "A boat on dark water drifts",
            "A couple walk along the beach",
            "A group of people run",
            "A man opened the door",
            "A bird sang",
            "A crew load the boat",
        ] {
            assert!(!is_noun_phrase(text), "{text}");
        }
    }

    #[test]
    fn clauses_are_certain() {
        let names = ["ada".to_owned(), "Lev Orlov".to_owned()];
        for text in [
            "Ada strikes a match, shields it with her palm",
            "Lev lifts the dripping boat on his open palm",
            "She slowly lifts her gaze",
            "The mantle catches, and the light climbs",
            "A long peel slides the scored loaf into a brick oven",
        ] {
            assert!(is_clause(text, &names), "{text}");
        }
        for text in [
            "Smoke rises",
            "Small hands fold a page",
            "Waves break on rock",
            "A lone lighthouse on a basalt skerry",
            "A man sitting at a desk, then stands",
            "Quiet breathing",
            "Who goes there?",
            "The lights that she follows",
            "The empty swings at dusk",
            "The old lifts at night",
            "Ada's hands in close-up",
            "The small covers of books",
            "",
        ] {
            assert!(!is_clause(text, &names), "{text}");
        }
    }

    #[test]
    fn phrases_join_where_they_make_sentences() {
        let names = ["ada".to_owned()];
        let framed = |seen, shot, camera| framed(seen, shot, camera, &names);
        assert_eq!(
            framed("A lone lighthouse on a rock. Waves break.", "wide", "slow dolly in"),
            "Slow dolly in, wide shot of a lone lighthouse on a rock. Waves break."
        );
        assert_eq!(
            framed("Ada climbs the stair.", "low angle", "Tracking up behind her"),
            "Low angle, tracking up behind her as Ada climbs the stair."
        );
        assert_eq!(framed("A lamp", "", "static"), "Static shot of a lamp.");
        assert_eq!(framed("A lamp", "", "dolly in"), "Dolly in. A lamp.");
        assert_eq!(framed("Waves break", "wide", "pan left"), "Wide shot, pan left. Waves break.");
        assert_eq!(framed("A lamp", "", ""), "A lamp.");
        assert_eq!(framed("", "close-up", "static"), "Close-up, static.");
        assert_eq!(framed("", "", ""), "");
        assert_eq!(
            doing("A woman in a coat", "climbs the stair"),
            "A woman in a coat climbs the stair"
        );
        assert_eq!(
            doing("A woman, sixty, in a coat", "Climbing the stair"),
            "A woman, sixty, in a coat, climbing the stair"
        );
        assert_eq!(doing("A lone lighthouse", "Waves break"), "A lone lighthouse. Waves break.");
        assert_eq!(doing("", "Waves break"), "Waves break");
        assert_eq!(doing("A child", "Tears on her face"), "A child. Tears on her face.");
        assert_eq!(doing("A child", "Tears a page out"), "A child tears a page out");
        assert_eq!(moving("walks along the pier"), "The subject walks along the pier");
        assert_eq!(moving("Walking along the pier"), "The subject is walking along the pier");
        assert_eq!(moving("Ada walks"), "Ada walks");
        assert_eq!(moving("Waves break"), "Waves break");
        assert_eq!(
            placed("A woman climbs the stair", "Inside the tower, at dusk"),
            "A woman climbs the stair inside the tower, at dusk"
        );
        assert_eq!(
            placed("A lighthouse on a rock", "In the North Sea"),
            "A lighthouse on a rock. In the North Sea."
        );
        assert_eq!(placed("A lighthouse", "North Sea, dawn"), "A lighthouse. North Sea, dawn.");
    }

    proptest::proptest! {
        #[test]
        fn joining_never_fails(seen in ".{0,80}", shot in ".{0,20}", camera in ".{0,30}") {
            let names = [shot.clone()];
            framed(&placed(&doing(&seen, &camera), &shot), &shot, &camera, &names);
            lowered(&seen);
            sentences(&seen);
        }
    }
}
