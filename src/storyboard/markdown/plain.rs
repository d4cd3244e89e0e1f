//! Words without the marks of Markdown and HTML: emphasis and links are for readers of a document, not for a model.

/// The words of a text as somebody would read them out, on one line.
pub(crate) fn plain(text: &str) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.contains(['*', '`', '[', '<']) || line.contains("__") {
        for tag in ["<br>", "<br/>", "<br />", "<BR>"] {
            line = line.replace(tag, " ");
        }
        line = without_links(&line);
        for mark in ["***", "**", "__", "*", "`"] {
            line = without_pairs(&line, mark);
        }
        line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    line
}

/// `[the board](b.png)` is `the board`.
fn without_links(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let middle = rest[open..].find("](").map(|at| open + at);
        let close = middle.and_then(|at| Some(at + rest[at..].find(')')?));
        let (Some(middle), Some(close)) = (middle, close) else { break };
        let words = &rest[open + 1..middle];
        // Brackets inside belong to something else.
        if words.contains(['[', ']']) {
            out.push_str(&rest[..=open]);
            rest = &rest[open + 1..];
            continue;
        }
        out.push_str(rest[..open].trim_end_matches('!'));
        out.push_str(words);
        rest = &rest[close + 1..];
    }
    out.push_str(rest);
    out
}

/// Takes a mark away where it stands on both sides of words: `**alone**`, and not `5 * 3`.
fn without_pairs(text: &str, mark: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find(mark) {
        let after = &rest[open + mark.len()..];
        let before = rest[..open].chars().next_back();
        let opens = after.chars().next().is_some_and(|c| !c.is_whitespace())
            && !before.is_some_and(is_latin);
        let close = after.match_indices(mark).map(|(at, _)| at).find(|at| {
            let inside = after[..*at].chars().next_back();
            let outside = after[at + mark.len()..].chars().next();
            inside.is_some_and(|c| !c.is_whitespace()) && !outside.is_some_and(is_latin)
        });
        match close.filter(|_| opens) {
            Some(close) => {
                out.push_str(&rest[..open]);
                out.push_str(&after[..close]);
                rest = &after[close + mark.len()..];
            }
            None => {
                out.push_str(&rest[..open + mark.len()]);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Letters of scripts that put spaces between words.
fn is_latin(c: char) -> bool {
    c.is_alphanumeric() && u32::from(c) < 0x2e80
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn marks_go_and_words_stay() {
        for (written, read) in [
            ("**ALONE** in a room, the sign reads `OPEN`", "ALONE in a room, the sign reads OPEN"),
            ("see [the board](b.png)<br>snow # falls", "see the board snow # falls"),
            ("![a frame](f.png) Dawn over *the* field", "a frame Dawn over the field"),
            ("***Never*** away, __always__ near", "Never away, always near"),
            ("5 * 3 * 2, snake_case_name, a__b__c", "5 * 3 * 2, snake_case_name, a__b__c"),
            ("open ** here, `and there", "open ** here, `and there"),
            ("[0:03] the lamp turns [low] (dim)", "[0:03] the lamp turns [low] (dim)"),
            ("一盏**灯**亮起", "一盏灯亮起"),
        ] {
            assert_eq!(plain(written), read);
        }
    }
}
