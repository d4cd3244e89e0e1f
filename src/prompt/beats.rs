//! What happens when: beats that an author wrote with times.
//!
//! `0-3s: She stands. 3-6s: She turns.`, `[0:00] She stands. [0:03] She turns.` and `0:00–0:03 She stands` are the same. Models
//! that read marks get them in their own form, the others the same words in order.

use super::{filters, grammar};
use serde::Serialize;

/// One beat.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Beat {
    /// When it begins, in seconds.
    pub start: f64,
    /// When it ends, where that is said or the next one begins.
    pub end: Option<f64>,
    /// What happens.
    pub words: String,
    /// When it begins, as Runway reads it: `[0:03]`.
    pub mark: String,
    /// From when to when, as Sora reads it: `0-3s`.
    pub span: String,
}

/// The beats of a text that has at least two times in rising order; `None` for any other. What stands before the first
/// time begins with the clip.
pub fn beats(text: &str) -> Option<Vec<Beat>> {
    let marks = marks(text);
    // A single time stands between two beats where it is a mark for sure.
    let enough = marks.len() >= 2 || marks.iter().any(|mark| text[mark.from..].starts_with('['));
    if !enough || marks.windows(2).any(|pair| pair[1].start <= pair[0].start) {
        return None;
    }
    let mut told: Vec<(f64, Option<f64>, String)> = Vec::new();
    let words = |from: usize, to: usize| {
        let part = text[from..to].trim();
        part.trim_end_matches([';', ',', '-', '–', '—']).trim_end().to_owned()
    };
    let lead = words(0, marks[0].from);
    if !lead.is_empty() {
        if marks[0].start <= 0.0 {
            return None;
        }
        told.push((0.0, None, lead));
    }
    for (at, mark) in marks.iter().enumerate() {
        let to = marks.get(at + 1).map_or(text.len(), |next| next.from);
        let words = words(mark.to, to);
        if words.is_empty() {
            return None;
        }
        told.push((mark.start, mark.end, words));
    }
    if told.len() < 2 {
        return None;
    }
    let starts: Vec<f64> = told.iter().map(|(start, ..)| *start).collect();
    let beats = told.into_iter().enumerate().map(|(at, (start, end, words))| {
        let end = end.or(starts.get(at + 1).copied());
        let span = match end {
            Some(end) => format!("{start}-{end}s"),
            None => format!("from {start}s"),
        };
        let whole = start.floor();
        let mark = format!("[{}:{:02}]", (whole / 60.0).floor(), whole % 60.0);
        Beat { start, end, words, mark, span }
    });
    Some(beats.collect())
}

/// The same in plain words: `She stands. Then she turns.` A text without beats stays as it is.
pub fn in_plain_words(text: &str) -> String {
    let Some(beats) = beats(text) else { return text.to_owned() };
    let sentences = beats.iter().enumerate().map(|(at, beat)| {
        let first = grammar::words(&beat.words).into_iter().next().unwrap_or_default();
        let ordered = matches!(first.as_str(), "then" | "finally" | "next" | "after" | "now");
        if at == 0 || ordered || !beat.words.is_ascii() {
            filters::sentence(&beat.words)
        } else {
            filters::sentence(&format!("Then {}", grammar::lowered(&beat.words)))
        }
    });
    sentences.collect::<Vec<_>>().join(" ")
}

/// A time and where it stands in the text.
struct Mark {
    from: usize,
    to: usize,
    start: f64,
    end: Option<f64>,
}

fn marks(text: &str) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut at = 0;
    // A time that is no mark belongs to a sentence: `the clock shows 3:15`.
    let mut may_begin = true;
    while at < text.len() {
        let rest = &text[at..];
        let Some(c) = rest.chars().next() else { break };
        let bracketed = matches!(c, '[' | '(' | '【' | '（');
        if (may_begin || bracketed)
            && let Some((length, start, end)) = mark(rest)
        {
            marks.push(Mark { from: at, to: at + length, start, end });
            at += length;
            may_begin = false;
            continue;
        }
        may_begin = matches!(c, '.' | ';' | '!' | '?' | '\n' | '。' | '；' | '•' | '…')
            || (may_begin && (c.is_whitespace() || matches!(c, '-' | '*' | '"' | '”' | ')')));
        at += c.len_utf8();
    }
    marks
}

/// The mark at the beginning of a text: its length in bytes, start and end.
fn mark(text: &str) -> Option<(usize, f64, Option<f64>)> {
    let closing = match text.chars().next()? {
        '[' => Some(']'),
        '(' => Some(')'),
        '【' => Some('】'),
        '（' => Some('）'),
        _ => None,
    };
    let mut rest = match closing {
        Some(_) => &text[text.chars().next()?.len_utf8()..],
        None => text,
    };
    let (mut start, mut clear) = time(&mut rest)?;
    let mut end = None;
    let before_dash = rest;
    rest = rest.trim_start_matches(' ');
    if let Some(after) =
        rest.strip_prefix(['-', '–', '—', '~', '～']).map(|text| text.trim_start_matches(' '))
    {
        let mut after = after;
        match time(&mut after) {
            Some((to, is_clear)) => {
                end = Some(to);
                clear |= is_clear;
                rest = after;
            }
            None => rest = before_dash,
        }
    } else {
        rest = before_dash;
    }
    if end.is_some_and(|end| end <= start) {
        return None;
    }
    match closing {
        Some(closing) => {
            rest = rest.trim_start_matches(' ').strip_prefix(closing)?;
            rest = rest.trim_start_matches(' ');
            rest = rest.strip_prefix([':', '：']).unwrap_or(rest);
            // A bare number in brackets is a remark.
            if !clear {
                return None;
            }
        }
        None => {
            let after = rest.trim_start_matches(' ');
            let colon =
                after.strip_prefix([':', '：', '—', '–']).or_else(|| after.strip_prefix("- "));
            match colon {
                Some(after) if clear || end.is_some() => rest = after,
                // `0:03 She turns` needs no more; `3s` and `0-3` do.
                None if rest.starts_with(' ') && text[..text.len() - rest.len()].contains(':') => {}
                _ => return None,
            }
        }
    }
    if !clear {
        start = start.max(0.0);
    }
    // Clips are short: `1950s` is a decade.
    (start < 600.0).then_some((text.len() - rest.len(), start, end))
}

/// A time at the beginning of a text, in seconds, and whether it is one for sure: `0:03`, `3s`, `2.4 s`, or a bare number.
fn time(text: &mut &str) -> Option<(f64, bool)> {
    let number = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let whole = number(text);
    if whole == 0 || whole > 5 {
        return None;
    }
    let first: f64 = text[..whole].parse().ok()?;
    let mut rest = &text[whole..];
    if let Some(after) = rest.strip_prefix(':')
        && number(after) == 2
    {
        let seconds: f64 = after[..2].parse().ok()?;
        if seconds >= 60.0 {
            return None;
        }
        *text = &after[2..];
        return Some((first * 60.0 + seconds, true));
    }
    let mut value = first;
    if let Some(after) = rest.strip_prefix('.')
        && (1..=3).contains(&number(after))
    {
        let digits = number(after);
        value = text[..whole + 1 + digits].parse().ok()?;
        rest = &after[digits..];
    }
    for unit in ["seconds", "secs", "sec", "s", "秒"] {
        let after = rest.trim_start_matches(' ');
        if let Some(after) = after.strip_prefix(unit)
            && !after.chars().next().is_some_and(char::is_alphanumeric)
        {
            *text = after;
            return Some((value, true));
        }
    }
    *text = rest;
    Some((value, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for text in [
            "0-3s: She stands still. 3-6s: She turns to the camera.",
            "[0:00] She stands still. [0:03] She turns to the camera.",
            "0:00 – 0:03 She stands still. 0:03 – 0:06 She turns to the camera.",
            "(0s) She stands still. (3s) She turns to the camera.",
            "0s: She stands still; 3s: She turns to the camera",
            "[0:00-0:03] She stands still. [0:03-0:06] She turns to the camera.",
            "0:00 She stands still. 0:03 She turns to the camera.",
            "She stands still. [0:03] She turns to the camera.",
            "0-3 s - She stands still. 3-6 s - She turns to the camera.",
        ] {
            let beats = beats(text).unwrap_or_else(|| panic!("{text}"));
            let told: Vec<(&str, &str)> =
                beats.iter().map(|beat| (beat.mark.as_str(), beat.words.as_str())).collect();
            assert_eq!(told[0].0, "[0:00]", "{text}");
            assert_eq!(told[1].0, "[0:03]", "{text}");
            assert!(told[0].1.starts_with("She stands still"), "{text}: {told:?}");
            assert_eq!(
                in_plain_words(text),
                "She stands still. Then she turns to the camera.",
                "{text}"
            );
            assert_eq!(beats[0].span, "0-3s", "{text}");
        }
    }

    #[test]
    fn other_numbers_are_no_times() {
        for text in [
            "The clock shows 3:15 and then 3:16",
            "Two 35mm lenses. 50 people wait. 60 go.",
            "[1] A note. [2] Another note.",
            "0:03 She turns to the camera.",
            "[0:03] She turns to the camera.",
            "She waits (3s) and leaves",
            "3s: late. 0s: early.",
            "[0:00] [0:03] nothing between",
            "Scene 2-3: the harbour",
            "1950s: cars. 1960s: other cars.",
            "",
        ] {
            assert_eq!(beats(text), None, "{text}");
            assert_eq!(in_plain_words(text), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_read(text in ".{0,100}") {
            in_plain_words(&text);
        }

        #[test]
        fn times_in_any_order_can_be_read(text in "([\\[(]?[0-9]{1,3}[:.]?[0-9]{0,2}s?[\\])]?[ :-]?[a-z. ]{0,4}){0,8}") {
            in_plain_words(&text);
        }
    }
}
