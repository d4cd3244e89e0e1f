//! The parts of clips that the cut uses: `1.2-5.4`, `0:01-0:05`, `take 2 0-2.1, take 3 1-3.4`.

use super::duration::{self, Wrong};
use super::field::{UsedRange, Value};
use super::node::{Node, NodeKind};
use super::problems::{Problems, quoted};
use super::words::plain;
use crate::source::{Diagnostic, Span, Spanned};

/// What to write.
const HINT: &str = "write seconds of the clip, such as `1.2-5.4` or `0:01-0:05`, or parts of takes: `take 2 0-2.1, take 3 1-3.4`";

/// Reads the value of `use`.
pub(super) fn read(node: &Node, problems: &mut Problems<'_>) -> Option<Spanned<Value>> {
    let items = match &node.kind {
        NodeKind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let mut ranges = Vec::new();
    let mut good = true;
    for item in items {
        match plain(item) {
            Some(words) => good &= read_words(&words, &mut ranges, problems),
            None if matches!(item.kind, NodeKind::Map(_) | NodeKind::List(_)) => {
                good = false;
                problems.push(
                    Diagnostic::error(
                        "wrong-value",
                        format!("`use` takes parts of clips, not {}", item.described()),
                        item.span,
                    )
                    .label("no range")
                    .hint(HINT),
                );
            }
            None => {}
        }
    }
    good.then(|| Spanned::new(Value::Ranges(ranges), node.span))
}

fn read_words(
    words: &Spanned<String>,
    ranges: &mut Vec<UsedRange>,
    problems: &mut Problems<'_>,
) -> bool {
    let text = words.value.as_str();
    // Where white space was taken out, only the whole can be pointed at.
    let exact = words.span.end - words.span.start == text.len();
    let mut good = true;
    for (at, part) in parts(text) {
        match one(part, problems.frame_rate) {
            Ok(range) => ranges.push(range),
            Err(why) => {
                good = false;
                let start = words.span.start + at;
                let span = if exact { Span::new(start, start + part.len()) } else { words.span };
                problems.push(
                    Diagnostic::error(
                        "wrong-range",
                        format!("`use`: {} {why}", quoted(part)),
                        span,
                    )
                    .label("expected a start and an end")
                    .hint(HINT),
                );
            }
        }
    }
    good
}

/// The parts with their places. A comma separates where a range stands on either side of it: `1,2-5,4` is one range.
fn parts(text: &str) -> Vec<(usize, &str)> {
    let is_range =
        |part: &str| part.contains(['-', '–', '—', '−', '~', '→']) || part.contains(" to ");
    let tight = text.split(',').all(is_range);
    let mut found = Vec::new();
    let mut start = 0;
    let mut push = |from: usize, to: usize| {
        let part = &text[from..to];
        let words = part.trim();
        if !words.is_empty() {
            found.push((from + part.len() - part.trim_start().len(), words));
        }
    };
    for (at, c) in text.char_indices() {
        let next = text[at + c.len_utf8()..].chars().next();
        let separates = match c {
            ';' | '\n' | '、' | '，' => true,
            ',' => tight || next.is_none_or(char::is_whitespace),
            _ => false,
        };
        if separates {
            push(start, at);
            start = at + c.len_utf8();
        }
    }
    push(start, text.len());
    found
}

/// Reads one range, with the take before it where one is named.
fn one(text: &str, frame_rate: Option<f64>) -> Result<UsedRange, &'static str> {
    let (take, range) = match text.get(..4) {
        Some(word) if word.eq_ignore_ascii_case("take") => {
            let rest = text[4..].trim_start();
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let range = rest[digits..].trim_start_matches([' ', ':', '@']);
            match rest[..digits].parse::<u32>() {
                Ok(take) if take > 0 => (Some(take), range),
                Ok(_) => return Err("names no take: they count from 1"),
                Err(_) => return Err("names no take"),
            }
        }
        _ => (None, text),
    };
    match duration::range(range, frame_rate) {
        Ok((start, end)) => Ok(UsedRange { take, start, end }),
        Err(Wrong::Unreadable) => Err("is not a range of time"),
        Err(Wrong::NotPositive) => Err("ends where it starts"),
        Err(Wrong::Backwards) => Err("ends before it starts"),
        Err(Wrong::NeedsFrameRate) => Err("counts frames, and no frame rate is given"),
        Err(Wrong::TooLong) => Err("ends after more than a day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::storyboard::node::Style;

    fn read_text(text: &str) -> Result<String, Vec<String>> {
        let source = Source::new("a.md", text);
        let mut problems = Problems::new(&source);
        let node = Node::scalar(text, Style::Markdown, Span::new(0, text.len()));
        let value = read(&node, &mut problems).map(|value| value.value);
        match value {
            Some(Value::Ranges(ranges)) => {
                let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
                Ok(ranges.join(" | "))
            }
            _ => Err(problems
                .finish()
                .iter()
                .map(|problem| format!("{}: {}", source.slice(problem.span), problem.message))
                .collect()),
        }
    }

    #[test]
    fn ranges_in_their_forms() {
        for (text, expected) in [
            ("1.2-5.4", "1.2-5.4"),
            ("1.2s - 5.4s", "1.2-5.4"),
            ("1,2–5,4", "1.2-5.4"),
            ("0:01-0:05", "1-5"),
            ("0-500ms", "0-0.5"),
            ("1 to 2", "1-2"),
            ("1-2,3-4", "1-2 | 3-4"),
            ("1,5-2,5, 3-4", "1.5-2.5 | 3-4"),
            ("take 2 0-2.1, take 3 1-3.4", "take 2 0-2.1 | take 3 1-3.4"),
            ("Take 2: 0-2.1; 1-3", "take 2 0-2.1 | 1-3"),
            ("take 1 0-3, take 1 2-4", "take 1 0-3 | take 1 2-4"),
        ] {
            assert_eq!(read_text(text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_range_is_told_in_its_place() {
        for (text, expected) in [
            ("5", "5: `use`: `5` is not a range of time"),
            ("1-2, 5-4", "5-4: `use`: `5-4` ends before it starts"),
            ("2-2", "2-2: `use`: `2-2` ends where it starts"),
            ("take 0 1-2", "take 0 1-2: `use`: `take 0 1-2` names no take: they count from 1"),
            ("take two 1-2", "take two 1-2: `use`: `take two 1-2` names no take"),
            ("take 2", "take 2: `use`: `take 2` is not a range of time"),
            ("the end", "the end: `use`: `the end` is not a range of time"),
            ("-1-2", "-1-2: `use`: `-1-2` is not a range of time"),
            ("0-90000", "0-90000: `use`: `0-90000` ends after more than a day"),
        ] {
            assert_eq!(read_text(text), Err(vec![expected.to_owned()]), "{text}");
        }
    }
}
