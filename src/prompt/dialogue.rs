//! Lines of dialogue as people write them: `Ada: Not tonight.`, `Ada (V.O.): ...`, `"Go," says Ada.`, two speakers on a line.

use super::Line;

/// Verbs of saying that say nothing more.
const SAYS: &[&str] = &["says", "said", "asks", "asked", "replies", "answers", "continues", "adds"];
/// Verbs of saying that tell how, and how.
const HOW: &[(&str, &str)] = &[
    ("whispers", "in a whisper"),
    ("whispering", "in a whisper"),
    ("shouts", "shouting"),
    ("yells", "shouting"),
    ("cries", "crying out"),
    ("murmurs", "under the breath"),
    ("mutters", "under the breath"),
];
/// A voice that is not seen speaking.
const UNSEEN: &[(&str, &str)] = &[
    ("vo", "in voice-over"),
    ("voiceover", "in voice-over"),
    ("os", "off screen"),
    ("oc", "off screen"),
    ("offscreen", "off screen"),
];

/// The lines of a field `dialogue`.
pub fn lines(text: &str) -> Vec<Line> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.flat_map(turns).filter_map(line).collect()
}

/// The turns of speakers who share a line.
fn turns(text: &str) -> Vec<&str> {
    let parts: Vec<&str> = text.split(" / ").map(str::trim).collect();
    if parts.len() > 1 && parts.iter().all(|part| head_of(part).is_some()) {
        return parts;
    }
    let mut turns = Vec::new();
    let mut begin = 0;
    // Whether a plain quotation mark closes, which it does when one is open.
    let mut open = false;
    for (at, c) in text.char_indices() {
        let closes = match c {
            '"' => {
                open = !open;
                !open
            }
            other => is_closing(other) && at > begin,
        };
        let end = at + c.len_utf8();
        // After a closing quote somebody else may begin.
        if closes && head_of(text[end..].trim_start()).is_some() {
            turns.push(text[begin..end].trim());
            begin = end;
        }
    }
    turns.push(text[begin..].trim());
    turns
}

fn is_opening(c: char) -> bool {
    matches!(c, '"' | '“' | '„' | '«' | '「')
}

fn is_closing(c: char) -> bool {
    matches!(c, '"' | '”' | '“' | '»' | '」')
}

/// Who speaks, how, and what follows the colon.
fn head_of(text: &str) -> Option<(String, Option<String>, &str)> {
    let (head, words) = text.split_once([':', '：'])?;
    // `at 10:30` is a time.
    let is_time = head.ends_with(|c: char| c.is_ascii_digit())
        && words.starts_with(|c: char| c.is_ascii_digit());
    if is_time || words.trim().is_empty() || head.contains(is_opening) {
        return None;
    }
    let (name, how) = speaker(head)?;
    Some((name, how, words.trim()))
}

/// A speaker with how they speak: `Nora (softly)`, `Mara, whispering`, `Mara says`.
fn speaker(text: &str) -> Option<(String, Option<String>)> {
    let mut name = text.trim().trim_matches(['*', '_']).trim();
    let mut how = None;
    if let Some((before, remark)) = name.split_once(['(', '（']) {
        let remark = remark.trim_end_matches([')', '）', ' ']);
        how = Some(unseen(remark).map_or_else(|| remark.trim().to_owned(), str::to_owned));
        name = before.trim();
    }
    if let Some((before, remark)) = name.split_once(',') {
        let remark = remark.trim();
        let verb = HOW.iter().find(|(verb, _)| *verb == remark.to_lowercase());
        how = how
            .or_else(|| Some(verb.map_or_else(|| remark.to_owned(), |(_, how)| (*how).to_owned())));
        name = before.trim();
    }
    if let Some((before, verb)) = name.rsplit_once(' ') {
        let verb = verb.to_lowercase();
        if let Some((_, told)) = HOW.iter().find(|(known, _)| *known == verb) {
            how = how.or_else(|| Some((*told).to_owned()));
            name = before.trim();
        } else if SAYS.contains(&verb.as_str()) {
            name = before.trim();
        }
    }
    // A few words without a stop are a name; more are the line itself.
    let few = name.split_whitespace().count() <= 4;
    let plain = !name.contains(['.', '!', '?', '"', '“', '/']);
    (!name.is_empty() && few && plain).then(|| (name.to_owned(), how.filter(|how| !how.is_empty())))
}

fn unseen(remark: &str) -> Option<&'static str> {
    let letters: String =
        remark.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    UNSEEN.iter().find(|(known, _)| *known == letters).map(|(_, told)| *told)
}

/// One turn.
fn line(text: &str) -> Option<Line> {
    if text.starts_with(is_opening) {
        let (words, rest) = quoted(text)?;
        let rest = rest.trim().trim_start_matches(['—', '–', '-', ',']).trim();
        if let Some((speaker, manner)) = after_quote(rest) {
            // The comma led to who says it.
            let words = match words.strip_suffix(',') {
                Some(words) => format!("{words}."),
                None => words.to_owned(),
            };
            return said(speaker, manner, &words);
        }
        return said(None, None, &unquoted(text));
    }
    match head_of(text) {
        Some((name, mut manner, mut words)) => {
            // `Ada: (softly) Not tonight.`
            if let Some((remark, rest)) =
                words.strip_prefix('(').and_then(|rest| rest.split_once(')'))
                && !rest.trim().is_empty()
            {
                manner = manner.or_else(|| Some(remark.trim().to_owned()));
                words = rest.trim();
            }
            if words.starts_with(is_opening)
                && let Some((inside, rest)) = quoted(words)
                && let Some(remark) = bracketed(rest.trim())
            {
                return said(Some(name), manner.or_else(|| Some(remark.to_owned())), inside);
            }
            said(Some(name), manner, &unquoted(words))
        }
        None => said(None, None, &unquoted(text)),
    }
}

fn said(speaker: Option<String>, manner: Option<String>, words: &str) -> Option<Line> {
    let words = words.trim();
    (!words.is_empty()).then(|| Line {
        speaker,
        words: words.to_owned(),
        manner: manner.unwrap_or_default(),
    })
}

/// What stands behind a quotation: `says Mara`, `(Mara)`, `(shouting)`, or nothing.
fn after_quote(rest: &str) -> Option<(Option<String>, Option<String>)> {
    let rest = rest.trim_end_matches('.');
    if rest.is_empty() {
        return Some((None, None));
    }
    let is_name = |text: &str| {
        let mut words = text.split_whitespace();
        text.split_whitespace().count() <= 3
            && words.all(|word| word.starts_with(char::is_uppercase) || word == "the")
    };
    if let Some(remark) = bracketed(rest) {
        return Some(if is_name(remark) {
            (Some(remark.to_owned()), None)
        } else {
            (None, Some(remark.to_owned()))
        });
    }
    if let Some((verb, name)) = rest.split_once(' ') {
        let verb = verb.to_lowercase();
        let told = HOW.iter().find(|(known, _)| *known == verb).map(|(_, how)| (*how).to_owned());
        if told.is_some() || SAYS.contains(&verb.as_str()) {
            return Some((Some(name.trim().to_owned()), told));
        }
    }
    if let Some((name, verb)) = rest.rsplit_once(' ') {
        let verb = verb.to_lowercase();
        let told = HOW.iter().find(|(known, _)| *known == verb).map(|(_, how)| (*how).to_owned());
        if is_name(name) && (told.is_some() || SAYS.contains(&verb.as_str())) {
            return Some((Some(name.to_owned()), told));
        }
    }
    is_name(rest).then(|| (Some(rest.to_owned()), None))
}

fn bracketed(text: &str) -> Option<&str> {
    let inside = text.strip_prefix(['(', '（'])?.trim_end_matches('.').strip_suffix([')', '）'])?;
    (!inside.contains(['(', ')'])).then_some(inside.trim())
}

/// The words of a quotation at the beginning of a text, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let open = text.chars().next()?;
    let inside = &text[open.len_utf8()..];
    let end = inside.find(|c: char| is_closing(c) && (c != '“' || open == '„'))?;
    let close = inside[end..].chars().next()?;
    Some((&inside[..end], &inside[end + close.len_utf8()..]))
}

/// Words without quotation marks around them; one that stands alone is lost as well.
fn unquoted(words: &str) -> String {
    let words = words.trim();
    let marks = |c: char| is_opening(c) || is_closing(c);
    let inner = words.trim_matches(marks);
    // Marks within belong to the words unless they have lost their other half.
    let within = inner.chars().filter(|c| marks(*c)).count();
    let cut = words.chars().filter(|c| marks(*c)).count() - within;
    if within % 2 == 1 && cut == 1 { words.replace(marks, "") } else { inner.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        lines(text)
            .into_iter()
            .map(|line| {
                let manner = if line.manner.is_empty() {
                    String::new()
                } else {
                    format!(" [{}]", line.manner)
                };
                format!("{}{manner}: {}", line.speaker.unwrap_or_else(|| "?".into()), line.words)
            })
            .collect()
    }

    #[test]
    fn who_says_what() {
        for (written, told) in [
            ("Ada: Not tonight.", &["Ada: Not tonight."][..]),
            ("Ada: \"Not tonight.\"", &["Ada: Not tonight."]),
            ("Mara (V.O.): I never left.", &["Mara [in voice-over]: I never left."]),
            ("Mara says: \"Go home: now.\"", &["Mara: Go home: now."]),
            (
                "Mara, whispering: The time is 10:30. Run",
                &["Mara [in a whisper]: The time is 10:30. Run"],
            ),
            ("Nora (softly): Good morning.", &["Nora [softly]: Good morning."]),
            ("Nora: (softly) Good morning.", &["Nora [softly]: Good morning."]),
            (
                "Kit: \"Don't. Brake.\" (shouting over the engine)",
                &["Kit [shouting over the engine]: Don't. Brake."],
            ),
            ("\"Go,\" says Mara.", &["Mara: Go."]),
            ("\"Go.\" (Mara)", &["Mara: Go."]),
            ("“Go!” — Mara", &["Mara: Go!"]),
            ("Mara: “Go.” Jo: “No.”", &["Mara: Go.", "Jo: No."]),
            ("girl: oh no!! / guy: again?", &["girl: oh no!!", "guy: again?"]),
            ("Then when?", &["?: Then when?"]),
            ("\"Then when?\"", &["?: Then when?"]),
            ("We leave at 10:30.", &["?: We leave at 10:30."]),
            ("**ADA**: Not tonight.", &["ADA: Not tonight."]),
            ("艾达：今晚不行。", &["艾达: 今晚不行。"]),
            ("「行くぞ」", &["?: 行くぞ"]),
            ("Ada: He said \"no\" twice.", &["Ada: He said \"no\" twice."]),
        ] {
            assert_eq!(read(written), told, "{written}");
        }
    }
}
