//! Values that say nothing: `none` and its kin, and what a template left in place.

use super::field::{Field, FieldKind};
use super::input;
use super::node::{Scalar, Style};

/// True for the words with which people say that a field does not apply.
pub(crate) fn is_nothing(scalar: &Scalar) -> bool {
    if scalar.style == Style::Literal {
        return scalar.text.trim().is_empty();
    }
    let text = scalar.text.trim();
    // The longest of these words, in brackets, is shorter than this.
    if text.len() > 24 {
        return false;
    }
    let text = text.trim_matches(['(', ')', '[', ']', '*', '_', '`', '"', '（', '）']).trim();
    let text = text.strip_suffix(['.', '。']).unwrap_or(text).to_lowercase();
    matches!(
        text.as_str(),
        "" | "-"
            | "--"
            | "---"
            | "–"
            | "—"
            | "−"
            | "/"
            | "~"
            | "none"
            | "n/a"
            | "na"
            | "n.a"
            | "null"
            | "nil"
            | "nothing"
            | "not applicable"
            | "无"
            | "無"
            | "没有"
            | "なし"
            | "ナシ"
            | "keine"
            | "keiner"
            | "keins"
            | "kein"
            | "geen"
            | "aucun"
            | "aucune"
            | "ninguno"
            | "ninguna"
            | "nessuno"
            | "нет"
    )
}

/// Words that only a template uses inside brackets.
const TEMPLATE_WORDS: &[&str] = &[
    "if any",
    "optional",
    "e.g.",
    "describe",
    "description",
    "insert",
    "your ",
    "to show",
    "to say",
    "placeholder",
    "here",
    "todo",
    "tbd",
    "name of",
    "what ",
    "how ",
    "type of",
    "choose",
    "add ",
    "enter",
    "fill",
];

/// True for text that a template left in place: `image | video_clip`, `Xs`, `[Text to show, if any]`.
pub(crate) fn is_placeholder(field: Field, text: &str) -> bool {
    let text = text.trim().trim_matches(['`', '*']).trim();
    let bracketed = text.starts_with(['[', '<', '{', '【']);
    if text.is_empty() || text.len() > 300 || (text.len() > 24 && !bracketed && !text.contains('|'))
    {
        return false;
    }
    let lower = text.to_lowercase();
    if matches!(
        lower.as_str(),
        "tbd"
            | "todo"
            | "tba"
            | "tbc"
            | "..."
            | "…"
            | "???"
            | "??"
            | "?"
            | "xx"
            | "xxx"
            | "<…>"
            | "待定"
            | "未定"
    ) {
        return true;
    }
    if field.spec().kind == FieldKind::Seconds {
        let squeezed: String = lower.chars().filter(|c| !c.is_whitespace()).collect();
        let squeezed = squeezed.trim_matches(['[', ']', '(', ')', '<', '>']);
        if matches!(
            squeezed,
            "x" | "xs"
                | "xsec"
                | "xseconds"
                | "n"
                | "ns"
                | "nsec"
                | "nseconds"
                | "xxs"
                | "x秒"
                | "xsekunden"
                | "x.xs"
                | "00s"
                | "seconds"
                | "duration"
                | "xx:xx"
                | "0:00-0:xx"
                | "00:00-00:xx"
                | "x:xx"
                | "x:xx-x:xx"
        ) {
            return true;
        }
    }
    // A choice that nobody made: every part is one word.
    if lower.contains('|')
        && lower.contains(" | ")
        && lower.split(" | ").all(|part| part.split_whitespace().count() == 1)
    {
        return true;
    }
    if !bracketed {
        return false;
    }
    let inner =
        [('[', ']'), ('<', '>'), ('{', '}'), ('【', '】')].into_iter().find_map(|(open, close)| {
            text.strip_prefix(open)
                .and_then(|rest| rest.strip_suffix(close))
                .filter(|inner| !inner.contains(open) && !inner.contains(close))
        });
    let Some(inner) = inner else { return false };
    // Links in angle brackets, and prompts that are written as JSON.
    if (text.starts_with('<') && inner.contains("://"))
        || (text.starts_with('{') && inner.contains(':'))
    {
        return false;
    }
    let inner = inner.to_lowercase();
    match field.spec().kind {
        FieldKind::Seconds | FieldKind::Ranges => !inner.chars().any(|c| c.is_ascii_digit()),
        // `[ada, tom]` and `[a.png, b.png]` are lists.
        FieldKind::Names => inner.split(',').any(|part| part.split_whitespace().count() > 2),
        FieldKind::Inputs => input::parse_all(&inner).is_err(),
        FieldKind::Params => !inner.contains(['=', ':']),
        _ => {
            // Sound is often written in brackets: `[waves against rock]`.
            let sound = matches!(
                field,
                Field::Audio
                    | Field::Sfx
                    | Field::Ambient
                    | Field::Music
                    | Field::Dialogue
                    | Field::Voiceover
            );
            !sound || TEMPLATE_WORDS.iter().any(|word| inner.contains(word))
        }
    }
}
