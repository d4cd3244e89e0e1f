//! From what a reader found to the typed value of a field: one meaning and one set of messages for all formats.

use super::absent::{is_nothing, is_placeholder};
use super::duration;
use super::field::{Field, FieldKind, Input, Value};
use super::input;
use super::node::{Node, NodeKind, Style};
use super::params::params;
use super::problems::{Problems, nearest, quoted};
use super::ratio::ratio;
use super::used;
use super::words::{cleaned, plain};
use crate::source::{Diagnostic, Spanned};

/// What came of reading a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// A value.
    Value(Spanned<Value>),
    /// Nothing: empty, `none`, or a placeholder that was reported.
    Nothing,
    /// Something wrong, which was reported.
    Wrong,
}

/// Reads the value of `field`. What is wrong is reported; nothing is guessed.
pub(crate) fn read(
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
                    .hint(format!("write a value, or remove the `{name}` line"))
                    .fix(node.span, "none"),
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
        FieldKind::Ranges => used::read(node, problems),
    };
    value.map_or(Outcome::Wrong, |value| {
        let empty = match &value.value {
            Value::Text(text) => text.is_empty(),
            Value::Inputs(inputs) => inputs.is_empty(),
            Value::Names(names) => names.is_empty(),
            Value::Params(params) => params.is_empty(),
            Value::Ranges(ranges) => ranges.is_empty(),
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
        .label(format!("not {allowed}"))
        .hint(match node.as_text() {
            Some(_) => format!("write {allowed}"),
            None => format!("write {allowed}; quotes keep YAML from reading more into it"),
        }),
    );
}

fn text(field: Field, node: &Node, problems: &mut Problems<'_>) -> Option<Spanned<Value>> {
    let words = words(field, node, problems)?;
    match field {
        Field::Kind => kind(words, problems),
        Field::AspectRatio => aspect_ratio(words, problems),
        Field::File => file(words, problems),
        Field::Extends => Some(words.map(|id| {
            let id = id.strip_prefix("scene:").unwrap_or(&id);
            Value::Text(id.trim().to_owned())
        })),
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
    let problem = Diagnostic::error(
        "wrong-value",
        format!(
            "`type` is `video_clip`, `image`, `footage`, `title` or `black`, not {}",
            quoted(&words.value)
        ),
        words.span,
    )
    .label("no such type")
    .hint(hint);
    problems.push(match suggestion {
        Some(name) => problem.fix(words.span, name),
        None => problem,
    });
    None
}

/// What exists already: a path, or an asset of the manifest.
fn file(words: Spanned<String>, problems: &mut Problems<'_>) -> Option<Spanned<Value>> {
    match input::parse(&words.value) {
        Some(Input::Path(path) | Input::Asset(path)) => Some(words.map(|_| Value::Text(path))),
        Some(Input::Url(_) | Input::Scene { .. }) => {
            problems.push(
                Diagnostic::error(
                    "wrong-value",
                    format!("`file` takes a path inside the project, not {}", quoted(&words.value)),
                    words.span,
                )
                .label("not a file that is here")
                .hint("save it in the project and write its path, such as `footage/harbour.mp4`"),
            );
            None
        }
        // Whether such a file is there, whoever knows files tells.
        None => Some(words.map(Value::Text)),
    }
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
    use crate::source::{Source, Span};

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
        let json = "{\"shot\": \"wide\", \"subject\": \"a boat\"}";
        assert_eq!(value(Field::Prompt, json), words(json));
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
