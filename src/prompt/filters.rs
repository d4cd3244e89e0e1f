//! What templates can do to words.

use super::grammar;
use minijinja::value::Value;
use minijinja::{Environment, State};

/// Adds the filters of prompt templates: `sentence`, `bare`, `shot_size`, `labelled`, `unlabelled`, `introduce`, `speaker`, `manner`,
/// `spoken`, `avoided`, and those that join phrases: `doing`, `moving`, `placed`, `framed`, `with_mood`.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("sentence", |text: String| sentence(&text));
    environment.add_filter("bare", |text: String| bare(&text));
    environment.add_filter("shot_size", |text: String| shot_size(&text));
    environment.add_filter("labelled", |text: String, label: String| labelled(&text, &label));
    environment.add_filter("unlabelled", |text: String, label: String| unlabelled(&text, &label));
    environment.add_filter("introduce", |character: Value| {
        let part = |name: &str| character.get_attr(name).map(|part| part.to_string());
        Ok::<_, minijinja::Error>(introduce(&part("name")?, &part("look")?))
    });
    environment.add_filter("speaker", |name: Value| speaker(name.as_str().unwrap_or_default()));
    environment.add_filter("manner", |how: Value| manner(how.as_str().unwrap_or_default()));
    environment.add_filter("avoided", |text: String| avoided(&text));
    environment.add_filter("with_mood", |light: String, mood: String| with_mood(&light, &mood));
    environment.add_filter("spoken", |words: String| spoken(&words));
    environment.add_filter("moving", |action: String| grammar::moving(&action));
    environment
        .add_filter("doing", |subject: String, action: String| grammar::doing(&subject, &action));
    environment
        .add_filter("placed", |seen: String, setting: String| grammar::placed(&seen, &setting));
    environment.add_filter(
        "framed",
        |state: &State<'_, '_>, seen: String, shot: String, camera: String| {
            grammar::framed(&seen, &shot, &camera, &people(state))
        },
    );
}

/// The names that the template was given: of characters, and of those who speak.
fn people(state: &State<'_, '_>) -> Vec<String> {
    let each = |list: &str, part: &str| -> Vec<String> {
        let list = state.lookup(list).and_then(|list| list.try_iter().ok().map(Vec::from_iter));
        let parts = list.into_iter().flatten().filter_map(|one| one.get_attr(part).ok());
        parts.filter_map(|name| name.as_str().map(str::to_owned)).collect()
    };
    [each("characters", "name"), each("dialogue", "speaker")].concat()
}

/// A sentence: a capital at the start and a full stop at the end, unless it ends in a mark already. Empty stays empty.
pub(super) fn sentence(text: &str) -> String {
    let text = text.trim().trim_end_matches([',', ';', ':', ' ']);
    closed(&capital(text))
}

/// Words without marks at the end, to go before a comma. An ellipsis stays.
pub(super) fn bare(text: &str) -> String {
    let text = text.trim();
    if text.ends_with("...") {
        return text.to_owned();
    }
    text.trim_end_matches(['.', ',', ';', ':', '。', ' ']).to_owned()
}

/// A shot size in words: `wide` is `wide shot`, `close-up` stays.
pub(super) fn shot_size(text: &str) -> String {
    const SIZES: &[&str] =
        &["wide", "medium", "full", "long", "establishing", "overhead", "aerial", "master"];
    const SHORT: &[(&str, &str)] = &[
        ("ecu", "extreme close-up"),
        ("xcu", "extreme close-up"),
        ("cu", "close-up"),
        ("mcu", "medium close-up"),
        ("ms", "medium shot"),
        ("mls", "medium long shot"),
        ("ws", "wide shot"),
        ("ews", "extreme wide shot"),
        ("ls", "long shot"),
        ("els", "extreme long shot"),
        ("fs", "full shot"),
        ("ots", "over-the-shoulder shot"),
        ("pov", "POV shot"),
    ];
    let text = bare(text);
    // `Wide shot of` leads to what is seen anyway.
    let text = text.strip_suffix(" of").map_or(text.as_str(), str::trim_end).to_owned();
    let lower = text.to_lowercase();
    if let Some((_, words)) = SHORT.iter().find(|(short, _)| *short == lower) {
        return (*words).to_owned();
    }
    let last = text.rsplit([' ', '-']).next().unwrap_or_default().to_lowercase();
    if SIZES.contains(&last.as_str()) { format!("{text} shot") } else { text }
}

/// `SFX: waves.`; a label that the author wrote is not doubled.
fn labelled(text: &str, label: &str) -> String {
    let rest = without_label(text, label);
    if rest.is_empty() { String::new() } else { closed(&format!("{label}: {rest}")) }
}

/// Words without their label and without marks at the end.
fn unlabelled(text: &str, label: &str) -> String {
    bare(without_label(text, label))
}

pub(super) fn without_label<'a>(text: &'a str, label: &str) -> &'a str {
    let text = text.trim();
    text.get(..label.len())
        .filter(|start| start.eq_ignore_ascii_case(label))
        .and_then(|_| text[label.len()..].trim_start().strip_prefix([':', '：', '-', '–']))
        .unwrap_or(text)
        .trim()
}

/// A look, word for word; the name comes before it where the look does not say it.
fn introduce(name: &str, look: &str) -> String {
    let look = look.trim();
    if look.to_lowercase().contains(&name.trim().to_lowercase()) {
        closed(&capital(look))
    } else {
        closed(&format!("{}: {look}", capital(name.trim())))
    }
}

fn speaker(name: &str) -> String {
    let name = name.trim().trim_end_matches([':', '：']).trim_end();
    if name.is_empty() { "A voice".to_owned() } else { capital(name) }
}

/// How something is said, to stand after `says`: ` softly`, ` in a whisper`, `, shouting over the engine`.
fn manner(how: &str) -> String {
    let how = bare(how);
    let first = how.split(' ').next().unwrap_or_default();
    let joins = how.ends_with("ly") && !how.contains(' ')
        || matches!(first, "in" | "off" | "under" | "with" | "without");
    match (how.is_empty(), joins) {
        (true, _) => String::new(),
        (false, true) => format!(" {how}"),
        (false, false) => format!(", {how}"),
    }
}

/// What is to be kept out, without the `no` that would turn it round: `no rings, no gloves` is `rings, gloves`.
pub(crate) fn avoided(text: &str) -> String {
    let parts = text.split([',', ';', '\n']).map(str::trim).filter(|part| !part.is_empty());
    let bare = parts.map(|part| {
        let lower = part.to_lowercase();
        let no = ["no ", "without ", "avoid ", "don't show ", "not "]
            .into_iter()
            .find(|no| lower.starts_with(no));
        no.map_or(part, |no| part[no.len()..].trim_start())
    });
    bare.collect::<Vec<_>>().join(", ")
}

/// Light and mood: in one sentence, unless the mood begins like one of its own.
fn with_mood(light: &str, mood: &str) -> String {
    let (light, mood) = (bare(light), bare(mood));
    if mood.starts_with(char::is_uppercase) || light.is_empty() || mood.is_empty() {
        return [sentence(&light), sentence(&mood)].join(" ").trim().to_owned();
    }
    sentence(&format!("{light}, {mood}"))
}

/// What is said, without the quotation marks that models turn into subtitles.
fn spoken(words: &str) -> String {
    let words = words.trim();
    let inner = [('"', '"'), ('“', '”'), ('„', '“'), ('«', '»'), ('「', '」')]
        .into_iter()
        .find_map(|(open, close)| words.strip_prefix(open)?.strip_suffix(close))
        .filter(|inner| !inner.contains(['"', '“', '”', '「', '」']));
    closed(inner.unwrap_or(words).trim())
}

/// The first letter as a capital, unless the word is written in its own way (`iPhone`).
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    if letters.clone().next().is_some_and(char::is_uppercase) {
        return text.to_owned();
    }
    first.to_uppercase().chain(letters).collect()
}

/// The text with a full stop when it has no mark at its end.
fn closed(text: &str) -> String {
    let text = text.trim_end();
    let Some(last) = text.chars().rfind(|c| !matches!(c, '"' | '”' | '“' | '»' | ')' | '\'' | '’'))
    else {
        return text.to_owned();
    };
    if matches!(last, '.' | '!' | '?' | '…' | '。' | '！' | '？') {
        return text.to_owned();
    }
    let east_asian = matches!(last, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}');
    format!("{text}{}", if east_asian { '。' } else { '.' })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_once() {
        assert_eq!(sentence("a red kite"), "A red kite.");
        assert_eq!(sentence(" A red kite. "), "A red kite.");
        assert_eq!(sentence("Is it?"), "Is it?");
        assert_eq!(sentence("Wait..."), "Wait...");
        assert_eq!(sentence("iPhone on a desk,"), "iPhone on a desk.");
        assert_eq!(sentence("She says \"go.\""), "She says \"go.\"");
        assert_eq!(sentence("黎明的灯塔"), "黎明的灯塔。");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn shots_labels_and_speech() {
        assert_eq!(shot_size("extreme wide"), "extreme wide shot");
        assert_eq!(shot_size("Close-up."), "Close-up");
        assert_eq!(labelled("sfx: waves", "SFX"), "SFX: waves.");
        assert_eq!(labelled("waves", "SFX"), "SFX: waves.");
        assert_eq!(labelled("", "SFX"), "");
        assert_eq!(spoken("\"Not tonight.\""), "Not tonight.");
        assert_eq!(spoken("Not tonight"), "Not tonight.");
        assert_eq!(speaker("ada:"), "Ada");
        assert_eq!(introduce("ada", "Ada, 60s, grey braid"), "Ada, 60s, grey braid.");
        assert_eq!(introduce("the keeper", "60s, oilskin coat"), "The keeper: 60s, oilskin coat.");
    }
}
