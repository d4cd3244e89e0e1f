//! Making foreign text safe to print: nothing in it can move the cursor, recolour or reverse what follows, or flood
//! the screen.

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
        '\u{80}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
        other => other,
    }
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
    fn long_text_is_cut() {
        assert_eq!(sanitise("abcdef", 3), "abc…");
        assert_eq!(sanitise("abc", 3), "abc");
    }
}
