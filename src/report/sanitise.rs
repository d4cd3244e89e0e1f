//! Making foreign text safe to print: nothing in it can move the cursor, recolour or reverse what follows, or flood
//! the screen.

use crate::source::steers;
use std::fmt::Write as _;

/// Text on one line: line breaks and tabs become spaces, everything that steers a terminal becomes a visible mark,
/// and what is longer than `most` characters ends in `…`.
pub fn sanitise(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most * 4));
    for (count, c) in text.trim().chars().enumerate() {
        if count == most {
            out.push('…');
            break;
        }
        out.push(if matches!(c, '\n' | '\r' | '\t') { ' ' } else { safe(c) });
    }
    out
}

/// Text of several lines: like [`sanitise`], but line breaks stay.
pub fn sanitise_text(text: &str) -> String {
    text.chars()
        .filter(|c| *c != '\r')
        .map(|c| match c {
            '\n' => '\n',
            '\t' => ' ',
            other => safe(other),
        })
        .collect()
}

/// The character itself, or a mark that stands for it.
pub(super) fn safe(c: char) -> char {
    match c {
        // Control pictures show which one it was.
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        other if steers(other) => '\u{fffd}',
        other => other,
    }
}

/// Serialised JSON in which everything that steers a terminal is written as an escape, so that it means the same to a
/// program and does nothing to a screen.
pub fn json_text(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut units = [0; 2];
    for c in json.chars() {
        // A serialiser escapes what is ASCII; what is not stands only inside texts.
        if c == '\n' || !steers(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut units) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(
            sanitise("a\u{1b}[31mb\u{9b}2J\u{202e}c\u{7}", 80),
            "a␛[31mb\u{fffd}2J\u{fffd}c␇"
        );
        assert_eq!(sanitise(" two\nlines\tand tab ", 80), "two lines and tab");
        assert_eq!(sanitise_text("two\r\nlines\u{1b}"), "two\nlines␛");
        assert_eq!(sanitise("漢字 👩‍🚀", 80), "漢字 👩‍🚀", "joined emoji stay whole");
    }

    #[test]
    fn json_means_the_same_and_steers_nothing() {
        let value = serde_json::json!({"a\u{1b}\u{9b}": "\u{202e}x\u{7f}\n\u{e0041}é"});
        let text = json_text(&serde_json::to_string_pretty(&value).expect("JSON"));
        assert!(!text.contains(|c: char| c != '\n' && steers(c)), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("JSON"), value);
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(sanitise("abcdef", 3), "abc…");
        assert_eq!(sanitise("abc", 3), "abc");
    }
}
