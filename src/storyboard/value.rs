//! From what a reader found to the typed value of a field: one meaning and one set of messages for all formats.

use super::duration;
use super::field::{Field, FieldKind, Value};
use super::input;
use super::node::{Node, NodeKind, Scalar, Style};
use super::problems::{Problems, is_control, nearest, quoted};
use crate::source::{Diagnostic, Span, Spanned};

/// What came of reading a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// A value.
    Value(Spanned<Value>),
    /// Nothing: empty, `none`, or a placeholder that was reported.
    Nothing,
    /// Something wrong, which was reported.
    Wrong,
}

/// Reads the value of `field`. What is wrong is reported; nothing is guessed.
pub(super) fn read(
    field: Field,
    label: &Spanned<String>,
    node: &Node,
    problems: &mut Problems<'_>,
) -> Outcome {
    let name = field.name();
    match &node.kind {
        NodeKind::Null => return Outcome::Nothing,
        NodeKind::Scalar(scalar) => {
            if is_nothing(scalar) {
                return Outcome::Nothing;
            }
            if scalar.style != Style::Literal && is_placeholder(field, &scalar.text) {
                problems.push(
                    Diagnostic::warning(
                        "placeholder",
                        format!("`{name}` still has its placeholder {}", quoted(&scalar.text)),
                        node.span,
                    )
                    .label("read as absent")
                    .hint(format!("write a value, or remove the `{name}` line")),
                );
                return Outcome::Nothing;
            }
        }
        NodeKind::List(items) if items.is_empty() => return Outcome::Nothing,
        NodeKind::Map(entries) if entries.is_empty() => return Outcome::Nothing,
        NodeKind::List(_) | NodeKind::Map(_) => {}
    }
    let value = match field.spec().kind {
        FieldKind::Text => text(field, node, problems),
        FieldKind::Seconds => seconds(name, label, node, problems),
        FieldKind::Integer => integer(name, node, problems),
        FieldKind::Inputs => inputs(name, node, problems),
        FieldKind::TextOrInput => text_or_input(field, node, problems),
        FieldKind::Audio => audio(field, node, problems),
        FieldKind::Params => params(node, problems),
        FieldKind::Names => names(name, node, problems),
    };
    value.map_or(Outcome::Wrong, |value| {
        let empty = match &value.value {
            Value::Text(text) => text.is_empty(),
            Value::Inputs(inputs) => inputs.is_empty(),
            Value::Names(names) => names.is_empty(),
            Value::Params(params) => params.is_empty(),
            _ => false,
        };
        if empty { Outcome::Nothing } else { Outcome::Value(value) }
    })
}

fn wrong(name: &str, node: &Node, allowed: &str, problems: &mut Problems<'_>) {
    let given = match node.as_text() {
        Some(text) => quoted(text),
        None => node.described().to_owned(),
    };
    problems.push(
        Diagnostic::error(
            "wrong-value",
            format!("`{name}` takes {allowed}, not {given}"),
            node.span,
        )
        .label("this is something else")
        .hint(format!("write {allowed}")),
    );
}

/// True for the words with which people say that a field does not apply.
pub(super) fn is_nothing(scalar: &Scalar) -> bool {
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
fn is_placeholder(field: Field, text: &str) -> bool {
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
    let mut choices = lower.split(" | ");
    if lower.contains('|')
        && lower.contains(" | ")
        && choices.all(|part| part.split_whitespace().count() == 1)
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
    if text.starts_with('<') && inner.contains("://") {
        return false;
    }
    let inner = inner.to_lowercase();
    match field.spec().kind {
        FieldKind::Seconds => !inner.chars().any(|c| c.is_ascii_digit()),
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

/// Words with single spaces, or literal text as it stands; control characters are dropped.
fn cleaned(scalar: &Scalar, span: Span) -> (String, Span) {
    match scalar.style {
        // The parser has folded soft breaks in quotes already: one that is left was written as `\\n` and is meant.
        Style::Literal | Style::Quoted
            if scalar.style == Style::Literal || scalar.text.trim_end().contains('\n') =>
        {
            let text: String = scalar
                .text
                .chars()
                .filter(|c| *c == '\n' || *c == '\t' || !c.is_control())
                .collect();
            (text.trim_end().trim_start_matches('\n').to_owned(), span)
        }
        Style::Markdown => {
            let (text, span) = bare(&scalar.text, span);
            (collapsed(&unescaped(text)), span)
        }
        Style::Plain | Style::Quoted | Style::Literal => (collapsed(&scalar.text), span),
    }
}

/// Runs of white space become one space; a line break that is still there separates paragraphs and stays.
fn collapsed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split('\n') {
        let before = out.len();
        for word in line.split_whitespace() {
            if out.len() > before {
                out.push(' ');
            } else if !out.is_empty() {
                out.push('\n');
            }
            out.extend(word.chars().filter(|c| !c.is_control()));
        }
    }
    out
}

/// Takes emphasis, code marks and quotes off when they stand around the whole value.
fn bare(text: &str, span: Span) -> (&str, Span) {
    let exact = span.end - span.start == text.len();
    let mut inner = text.trim();
    loop {
        let mut shorter = None;
        for (open, close) in [
            ("**", "**"),
            ("__", "__"),
            ("*", "*"),
            ("_", "_"),
            ("`", "`"),
            ("\"", "\""),
            ("“", "”"),
            ("「", "」"),
        ] {
            if inner.len() > open.len() + close.len()
                && let Some(rest) = inner.strip_prefix(open)
                && let Some(rest) = rest.strip_suffix(close)
                && !rest.contains(open)
                && !rest.contains(close)
            {
                shorter = Some(rest.trim());
                break;
            }
        }
        match shorter {
            Some(rest) if !rest.is_empty() => inner = rest,
            _ => break,
        }
    }
    if inner.len() == text.len() {
        return (text, span);
    }
    let span = match text.find(inner) {
        Some(offset) if exact => Span::new(span.start + offset, span.start + offset + inner.len()),
        _ => span,
    };
    (inner, span)
}

/// Markdown's backslash escapes: `\*` is a star.
fn unescaped(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(next)
                if c == '\\'
                    && matches!(
                        next,
                        '*' | '_' | '`' | '#' | '[' | ']' | '<' | '>' | '|' | '~' | '-' | '\\'
                    ) => {}
            // A backslash at the end of a line is a hard break, which is a space like a soft one.
            Some('\n') if c == '\\' => out.push(' '),
            None if c == '\\' => {}
            _ => out.push(c),
        }
        if c == '\\' && chars.peek() == Some(&'\\') {
            chars.next();
            out.push('\\');
        }
    }
    out
}

/// The plain text of a scalar, for ids, titles and the like. `None` for lists, maps and nothing.
pub(super) fn plain(node: &Node) -> Option<Spanned<String>> {
    match &node.kind {
        NodeKind::Scalar(scalar) => {
            let (text, span) = cleaned(scalar, node.span);
            (!text.is_empty()).then(|| Spanned::new(text, span))
        }
        _ => None,
    }
}

fn text(field: Field, node: &Node, problems: &mut Problems<'_>) -> Option<Spanned<Value>> {
    let words = words(field, node, problems)?;
    match field {
        Field::Kind => kind(words, problems),
        Field::AspectRatio => aspect_ratio(words, problems),
        _ => Some(words.map(Value::Text)),
    }
}

/// Words from a scalar or a list of scalars.
fn words(field: Field, node: &Node, problems: &mut Problems<'_>) -> Option<Spanned<String>> {
    let name = field.name();
    match &node.kind {
        NodeKind::Null => Some(Spanned::new(String::new(), node.span)),
        NodeKind::Scalar(scalar) => {
            let (text, span) = cleaned(scalar, node.span);
            Some(Spanned::new(text, span))
        }
        NodeKind::List(items) => {
            let by_line = matches!(field, Field::Dialogue | Field::Voiceover | Field::Prompt);
            let mut joined = String::new();
            for item in items {
                let text = match &item.kind {
                    NodeKind::Scalar(scalar) => cleaned(scalar, item.span).0,
                    NodeKind::Null => continue,
                    // `- Ada: Not tonight.` is a map to YAML and a line to everybody else.
                    NodeKind::Map(entries) if by_line => spoken(entries)?,
                    _ => {
                        wrong(name, item, "words", problems);
                        return None;
                    }
                };
                if text.is_empty() {
                    continue;
                }
                if !joined.is_empty() {
                    let ended =
                        joined.ends_with(['.', '!', '?', ';', ',', ':', '。', '！', '？', '…']);
                    joined.push_str(if by_line {
                        "\n"
                    } else if ended {
                        " "
                    } else {
                        "; "
                    });
                }
                joined.push_str(&text);
            }
            Some(Spanned::new(joined, node.span))
        }
        NodeKind::Map(entries) => match spoken(entries) {
            Some(lines) if field == Field::Dialogue => Some(Spanned::new(lines, node.span)),
            _ => {
                wrong(name, node, "words", problems);
                None
            }
        },
    }
}

/// `{Ada: Not tonight.}` as lines.
fn spoken(entries: &[(Spanned<String>, Node)]) -> Option<String> {
    let mut lines = Vec::new();
    for (speaker, line) in entries {
        lines.push(format!("{}: {}", speaker.value.trim(), plain(line)?.value));
    }
    Some(lines.join("\n"))
}

const KINDS: &[(&str, &[&str])] = &[
    (
        "video_clip",
        &[
            "videoclip",
            "video",
            "clip",
            "aivideo",
            "generated",
            "generatedvideo",
            "animation",
            "t2v",
            "i2v",
            "视频",
            "動画",
            "ビデオ",
        ],
    ),
    (
        "image",
        &[
            "image",
            "still",
            "photo",
            "picture",
            "img",
            "stillimage",
            "图片",
            "画像",
            "静止画",
            "foto",
            "afbeelding",
        ],
    ),
    (
        "footage",
        &[
            "footage",
            "stock",
            "stockfootage",
            "liveaction",
            "existing",
            "screenrecording",
            "recording",
            "素材",
            "実写",
        ],
    ),
    ("title", &["title", "titlecard", "text", "card", "endcard", "标题", "タイトル"]),
    ("black", &["black", "blank", "blackscreen", "黑场", "黒"]),
];

fn kind(words: Spanned<String>, problems: &mut Problems<'_>) -> Option<Spanned<Value>> {
    let key = super::field::normalise_label(&words.value);
    if let Some((name, _)) = KINDS.iter().find(|(_, labels)| labels.contains(&key.as_str())) {
        return Some(words.map(|_| Value::Text((*name).to_owned())));
    }
    let suggestion = nearest(&words.value, KINDS.iter().map(|(name, _)| *name));
    let hint = suggestion.map_or_else(
        || "for the size of the shot (wide, close-up) write `shot`".to_owned(),
        |name| format!("did you mean `{name}`?"),
    );
    problems.push(
        Diagnostic::error(
            "wrong-value",
            format!(
                "`type` is `video_clip`, `image`, `footage`, `title` or `black`, not {}",
                quoted(&words.value)
            ),
            words.span,
        )
        .label("no such type")
        .hint(hint),
    );
    None
}

fn aspect_ratio(words: Spanned<String>, problems: &mut Problems<'_>) -> Option<Spanned<Value>> {
    if let Some(ratio) = ratio(&words.value) {
        return Some(words.map(|_| Value::Text(ratio)));
    }
    problems.push(
        Diagnostic::error(
            "wrong-value",
            format!("`aspect_ratio` takes a ratio such as `16:9`, not {}", quoted(&words.value)),
            words.span,
        )
        .label("not a ratio")
        .hint("write two numbers, such as `16:9`, `9:16` or `1:1`, or `Auto`"),
    );
    None
}

/// `16x9`, `16 : 9`, `1920×1080` and `portrait` as `16:9` or `9:16`; `Auto` stays.
pub(super) fn ratio(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > 80 {
        return None;
    }
    let lower = text.to_lowercase();
    match lower.as_str() {
        "auto" | "automatic" => return Some("Auto".to_owned()),
        "landscape" | "horizontal" | "widescreen" | "横屏" | "横" | "querformat" => {
            return Some("16:9".to_owned());
        }
        "portrait" | "vertical" | "竖屏" | "竖" | "縦" | "hochformat" => {
            return Some("9:16".to_owned());
        }
        "square" | "方形" | "quadrat" => return Some("1:1".to_owned()),
        _ => {}
    }
    let plain: String = lower
        .chars()
        .map(|c| match c {
            '：' | '∶' | '/' | '×' | 'x' | '*' => ':',
            '（' | '[' | ',' | ';' | '，' => '(',
            _ => c,
        })
        .collect();
    let (left, right) = plain.split('(').next()?.split_once(':')?;
    let right = right.trim();
    // Words after the ratio (`9:16 vertical`) are a remark.
    let right = right.split_whitespace().next()?;
    let number = |part: &str| -> Option<f64> {
        let part = part.trim();
        let digits = !part.is_empty()
            && part.len() <= 8
            && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        part.parse::<f64>().ok().filter(|number| digits && *number > 0.0)
    };
    let (width, height) = (number(left)?, number(right)?);
    if width.fract() == 0.0 && height.fract() == 0.0 && (width > 100.0 || height > 100.0) {
        // Pixels: 1920x1080 is 16:9.
        let (mut a, mut b) = (width, height);
        while b > 0.0 {
            (a, b) = (b, a % b);
        }
        return Some(format!("{}:{}", width / a, height / a));
    }
    Some(format!("{width}:{height}"))
}

fn seconds(
    name: &str,
    label: &Spanned<String>,
    node: &Node,
    problems: &mut Problems<'_>,
) -> Option<Spanned<Value>> {
    let Some(words) = plain(node) else {
        wrong(name, node, "a length such as `5s`", problems);
        return None;
    };
    length(name, &label.value, words, problems).map(|length| length.map(Value::Seconds))
}

/// Labels that mean a length and never a place in the film.
const LENGTH_LABELS: &[&str] = &[
    "duration",
    "length",
    "dur",
    "cliplength",
    "时长",
    "秒数",
    "dauer",
    "länge",
    "duur",
    "lengte",
];

/// Reads a length and reports what is wrong with it.
fn length(
    name: &str,
    label: &str,
    words: Spanned<String>,
    problems: &mut Problems<'_>,
) -> Option<Spanned<f64>> {
    match duration::parse(&words.value, problems.frame_rate) {
        Ok(length) => {
            if length.ambiguous
                && LENGTH_LABELS.contains(&super::field::normalise_label(label).as_str())
            {
                problems.push(
                    Diagnostic::warning(
                        "ambiguous-duration",
                        format!(
                            "{} is read as a range of the film, {} s long",
                            quoted(&words.value),
                            length.seconds
                        ),
                        words.span,
                    )
                    .label("from - to")
                    .hint("write one number, such as `5s`, for a length; write `0:03-0:05` for a range"),
                );
            }
            Some(words.map(|_| length.seconds))
        }
        Err(wrong) => {
            problems.push(
                Diagnostic::error(
                    wrong.code(),
                    format!("`{name}`: {} {wrong}", quoted(&words.value)),
                    words.span,
                )
                .label("expected seconds or a range")
                .hint(wrong.hint()),
            );
            None
        }
    }
}

fn integer(name: &str, node: &Node, problems: &mut Problems<'_>) -> Option<Spanned<Value>> {
    let words = plain(node);
    let number = words.as_ref().and_then(|words| {
        let digits: String = words.value.chars().filter(|c| !matches!(c, '_' | '`')).collect();
        digits.parse::<i64>().ok()
    });
    match (number, words) {
        (Some(number), Some(words)) => Some(words.map(|_| Value::Integer(number))),
        _ => {
            wrong(name, node, "a whole number", problems);
            None
        }
    }
}

fn inputs(name: &str, node: &Node, problems: &mut Problems<'_>) -> Option<Spanned<Value>> {
    let mut all = Vec::new();
    let items = match &node.kind {
        NodeKind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let mut good = true;
    for item in items {
        if item.kind == NodeKind::Null {
            continue;
        }
        let text = match &item.kind {
            NodeKind::Scalar(scalar) => scalar.text.as_str(),
            _ => "",
        };
        match input::parse_all(text) {
            Ok(inputs) => all.extend(inputs),
            Err(part) => {
                good = false;
                let given =
                    if part.is_empty() { item.described().to_owned() } else { quoted(&part) };
                problems.push(
                    Diagnostic::error(
                        "wrong-value",
                        format!("`{name}`: {given} is no file, link or scene"),
                        item.span,
                    )
                    .label("cannot be used as an input")
                    .hint(format!("write {}", input::ALLOWED)),
                );
            }
        }
    }
    good.then(|| Spanned::new(Value::Inputs(all), node.span))
}

fn text_or_input(field: Field, node: &Node, problems: &mut Problems<'_>) -> Option<Spanned<Value>> {
    if let NodeKind::Scalar(scalar) = &node.kind
        && scalar.style != Style::Literal
        && let Some(inputs) = input::parse_unless_words(&scalar.text)
    {
        return Some(Spanned::new(Value::Inputs(inputs), node.span));
    }
    if let NodeKind::List(items) = &node.kind {
        let inputs: Option<Vec<_>> =
            items.iter().map(|item| item.as_text().and_then(input::parse_unless_words)).collect();
        if let Some(inputs) = inputs {
            return Some(Spanned::new(
                Value::Inputs(inputs.into_iter().flatten().collect()),
                node.span,
            ));
        }
    }
    words(field, node, problems).map(|words| words.map(Value::Text))
}

fn audio(field: Field, node: &Node, problems: &mut Problems<'_>) -> Option<Spanned<Value>> {
    if let NodeKind::Scalar(scalar) = &node.kind
        && scalar.style != Style::Literal
    {
        let switch = match scalar.text.trim().trim_matches('`').to_lowercase().as_str() {
            "on" | "true" | "yes" | "enabled" | "开" => Some(true),
            "off" | "false" | "no" | "disabled" | "关" => Some(false),
            _ => None,
        };
        if let Some(switch) = switch {
            return Some(Spanned::new(Value::Switch(switch), node.span));
        }
    }
    text_or_input(field, node, problems)
}

fn params(node: &Node, problems: &mut Problems<'_>) -> Option<Spanned<Value>> {
    let mut params: Vec<(String, serde_json::Value)> = Vec::new();
    let mut good = true;
    match &node.kind {
        NodeKind::Map(entries) => {
            for (key, value) in entries {
                params.push((key.value.trim().to_owned(), json(value)));
            }
        }
        NodeKind::List(items) => {
            for item in items {
                match &item.kind {
                    NodeKind::Map(entries) => {
                        params.extend(
                            entries
                                .iter()
                                .map(|(key, value)| (key.value.trim().to_owned(), json(value))),
                        );
                    }
                    NodeKind::Scalar(scalar) => {
                        good &= written_params(&scalar.text, item, &mut params, problems)
                    }
                    _ => {}
                }
            }
        }
        NodeKind::Scalar(scalar) => {
            good &= written_params(&scalar.text, node, &mut params, problems)
        }
        NodeKind::Null => {}
    }
    let mut seen = std::collections::HashSet::new();
    for (name, _) in &params {
        if !seen.insert(name.as_str()) {
            problems.push(
                Diagnostic::error(
                    "duplicate-key",
                    format!("the parameter {} is given twice", quoted(name)),
                    node.span,
                )
                .hint("keep one of them"),
            );
            good = false;
        }
    }
    good.then(|| Spanned::new(Value::Params(params), node.span))
}

/// Reads `cfg_scale=0.5; watermark=me`.
fn written_params(
    text: &str,
    node: &Node,
    params: &mut Vec<(String, serde_json::Value)>,
    problems: &mut Problems<'_>,
) -> bool {
    let text = text.trim().trim_matches('`');
    let text = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .or_else(|| text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')))
        .unwrap_or(text);
    let by_mark: Vec<&str> = text.split([';', '\n']).collect();
    // Commas separate only where every part has a sign of its own: `colours=red, green` is one value.
    let by_comma: Vec<&str> = text.split(',').collect();
    let has_sign = |part: &&str| part.contains(['=', ':']) || part.trim().is_empty();
    let parts =
        if by_mark.len() == 1 && by_comma.iter().all(has_sign) { by_comma } else { by_mark };
    let mut good = true;
    for part in parts.into_iter().map(str::trim).filter(|part| !part.is_empty()) {
        let pair = part.split_once('=').or_else(|| part.split_once(':'));
        match pair.map(|(name, value)| (name.trim().trim_matches(['`', '*', '"']), value.trim())) {
            Some((name, value)) if !name.is_empty() && !name.contains(char::is_whitespace) => {
                params.push((name.to_owned(), json_of_text(value)));
            }
            _ => {
                good = false;
                problems.push(
                    Diagnostic::error(
                        "wrong-value",
                        format!("`params` takes `name=value` pairs, not {}", quoted(part)),
                        node.span,
                    )
                    .label("no name and value")
                    .hint("write `cfg_scale=0.5; watermark=me`"),
                );
            }
        }
    }
    good
}

/// A JSON value for a node: numbers, `true`, `false` and `null` only where they are written without quotes.
fn json(node: &Node) -> serde_json::Value {
    match &node.kind {
        NodeKind::Null => serde_json::Value::Null,
        NodeKind::Scalar(scalar) if scalar.style == Style::Plain => json_of_text(&scalar.text),
        NodeKind::Scalar(scalar) => serde_json::Value::String(cleaned(scalar, node.span).0),
        NodeKind::List(items) => items.iter().map(json).collect(),
        NodeKind::Map(entries) => entries
            .iter()
            .map(|(key, value)| (key.value.clone(), json(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

fn json_of_text(text: &str) -> serde_json::Value {
    match serde_json::from_str(text) {
        Ok(value) => value,
        Err(_) => match text {
            "True" | "TRUE" => true.into(),
            "False" | "FALSE" => false.into(),
            _ => serde_json::Value::String(text.chars().filter(|c| !is_control(*c)).collect()),
        },
    }
}

fn names(name: &str, node: &Node, problems: &mut Problems<'_>) -> Option<Spanned<Value>> {
    let mut names = Vec::new();
    match &node.kind {
        NodeKind::List(items) => {
            for item in items {
                match &item.kind {
                    NodeKind::Scalar(scalar) => names.push(cleaned(scalar, item.span).0),
                    NodeKind::Null => {}
                    _ => {
                        wrong(name, item, "names", problems);
                        return None;
                    }
                }
            }
        }
        NodeKind::Scalar(scalar) => split_names(&cleaned(scalar, node.span).0, &mut names),
        NodeKind::Null => {}
        NodeKind::Map(_) => {
            wrong(name, node, "a list of names", problems);
            return None;
        }
    }
    names.retain(|name| !name.is_empty());
    Some(Spanned::new(Value::Names(names), node.span))
}

/// Names separated by commas, `&`, `+` or `and`; commas in brackets belong to a remark.
fn split_names(text: &str, names: &mut Vec<String>) {
    let text = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let mut depth = 0_u32;
    let mut start = 0;
    let mut push = |part: &str| {
        let parts = part.split(" and ").flat_map(|part| part.split(" und "));
        names.extend(parts.map(|name| name.trim().trim_matches(['*', '`', '"']).trim().to_owned()));
    };
    for (at, c) in text.char_indices() {
        match c {
            '(' | '（' => depth += 1,
            ')' | '）' => depth = depth.saturating_sub(1),
            ',' | ';' | '&' | '+' | '\n' | '、' | '，' if depth == 0 => {
                push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    push(&text[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn read_text(field: Field, text: &str) -> (Outcome, Vec<Diagnostic>) {
        let source = Source::new("a.md", text);
        let mut problems = Problems::new(&source);
        let label = Spanned::new(field.name().to_owned(), 0..0);
        let node = Node::scalar(text, Style::Markdown, Span::new(0, text.len()));
        let outcome = read(field, &label, &node, &mut problems);
        (outcome, problems.finish())
    }

    fn value(field: Field, text: &str) -> Option<Value> {
        match read_text(field, text).0 {
            Outcome::Value(value) => Some(value.value),
            _ => None,
        }
    }

    fn words(text: &str) -> Option<Value> {
        Some(Value::Text(text.to_owned()))
    }

    #[test]
    fn ratios_have_one_spelling() {
        for (text, expected) in [
            ("16:9", "16:9"),
            ("16x9", "16:9"),
            ("16 : 9", "16:9"),
            ("16：9", "16:9"),
            ("9/16", "9:16"),
            ("1920×1080", "16:9"),
            ("1080x1920", "9:16"),
            ("auto", "Auto"),
            ("Portrait", "9:16"),
            ("9:16 (vertical)", "9:16"),
            ("2.39:1", "2.39:1"),
            ("16:9, 24 fps", "16:9"),
        ] {
            assert_eq!(value(Field::AspectRatio, text), words(expected), "{text}");
        }
        for text in ["wide", "16", "16:", ":9", "a:b", "0:9", "-1:2"] {
            let (outcome, problems) = read_text(Field::AspectRatio, text);
            assert_eq!(outcome, Outcome::Wrong, "{text}");
            assert_eq!(problems[0].code, "wrong-value");
        }
    }

    #[test]
    fn nothing_words_are_nothing_in_every_field() {
        for text in ["none", "None.", "-", "—", "N/A", "null", "无", "(none)", "*none*", ""] {
            for field in
                [Field::Text, Field::Audio, Field::Duration, Field::Reference, Field::Characters]
            {
                assert_eq!(read_text(field, text), (Outcome::Nothing, Vec::new()), "{text}");
            }
        }
        assert_eq!(value(Field::Visual, "none of the boats"), words("none of the boats"));
    }

    #[test]
    fn placeholders_are_reported_and_absent() {
        for (field, text) in [
            (Field::Kind, "image | video_clip"),
            (Field::Duration, "Xs"),
            (Field::Duration, "[X seconds]"),
            (Field::Text, "[Text to show, if any]"),
            (Field::Voiceover, "[Narration text, if any]"),
            (Field::Transition, "cut | crossfade | fade-to-black"),
            (Field::Visual, "<describe the shot>"),
            (Field::Camera, "TBD"),
        ] {
            let (outcome, problems) = read_text(field, text);
            assert_eq!(outcome, Outcome::Nothing, "{text}");
            assert_eq!(problems.len(), 1, "{text}");
            assert_eq!(problems[0].code, "placeholder");
        }
        assert_eq!(value(Field::Sfx, "[waves against rock]"), words("[waves against rock]"));
        assert_eq!(value(Field::Visual, "Left | right, mirrored"), words("Left | right, mirrored"));
    }

    #[test]
    fn audio_is_a_switch_words_or_a_file() {
        assert_eq!(value(Field::Audio, "off"), Some(Value::Switch(false)));
        assert_eq!(value(Field::Audio, "On"), Some(Value::Switch(true)));
        assert_eq!(value(Field::Audio, "SFX: waves"), words("SFX: waves"));
        assert!(matches!(value(Field::Audio, "sound/waves.mp3"), Some(Value::Inputs(_))));
    }

    #[test]
    fn params_are_json_where_they_can_be() {
        let expected = vec![
            ("cfg_scale".to_owned(), serde_json::json!(0.5)),
            ("watermark".to_owned(), serde_json::json!("me")),
            ("sound".to_owned(), serde_json::json!(true)),
        ];
        for text in [
            "cfg_scale=0.5; watermark=me; sound=true",
            "`cfg_scale: 0.5, watermark: me, sound: true`",
        ] {
            assert_eq!(value(Field::Params, text), Some(Value::Params(expected.clone())), "{text}");
        }
        assert_eq!(read_text(Field::Params, "fast").0, Outcome::Wrong);
        assert_eq!(read_text(Field::Params, "a=1; a=2").0, Outcome::Wrong);
    }

    #[test]
    fn marks_around_a_value_are_not_meant() {
        assert_eq!(value(Field::Camera, "**slow dolly**"), words("slow dolly"));
        assert_eq!(value(Field::Camera, "`slow dolly`"), words("slow dolly"));
        assert_eq!(value(Field::Prompt, "\"A boat\""), words("A boat"));
        assert_eq!(value(Field::Prompt, "\"A\" and \"B\""), words("\"A\" and \"B\""));
        assert_eq!(value(Field::Prompt, "a \\* b \\\\ c"), words("a * b \\ c"));
        assert_eq!(value(Field::Prompt, "a\u{0}b  \u{1b}[2J"), words("ab [2J"));
    }

    #[test]
    fn names_split_outside_brackets() {
        let expected = vec!["Ada (60s, braid)".to_owned(), "Tom".to_owned(), "the dog".to_owned()];
        assert_eq!(
            value(Field::Characters, "Ada (60s, braid), Tom and the dog"),
            Some(Value::Names(expected))
        );
        assert_eq!(
            value(Field::Characters, "[ada, tom]"),
            Some(Value::Names(vec!["ada".into(), "tom".into()]))
        );
    }

    #[test]
    fn a_type_is_one_of_five() {
        assert_eq!(value(Field::Kind, "Video clip"), words("video_clip"));
        assert_eq!(value(Field::Kind, "still"), words("image"));
        let (outcome, problems) = read_text(Field::Kind, "imgae");
        assert_eq!(outcome, Outcome::Wrong);
        assert_eq!(problems[0].hint.as_deref(), Some("did you mean `image`?"));
    }

    #[test]
    fn a_bare_range_as_a_length_is_pointed_out() {
        let (outcome, problems) = read_text(Field::Duration, "3-5s");
        assert!(
            matches!(outcome, Outcome::Value(Spanned { value: Value::Seconds(seconds), .. }) if seconds == 2.0)
        );
        assert_eq!(problems[0].code, "ambiguous-duration");
    }
}
