//! Where other people's habits differ from ours: what a text under a label is meant as, and how it is written.

use super::row::is_sentence;
use super::values::{Settled, Settler};
use crate::source::Spanned;
use crate::storyboard::markdown::plain::plain;
use crate::storyboard::node::{Node, NodeKind, Style};
use crate::storyboard::{Field, FieldKind, Value, normalise_label};

impl Settler<'_> {
    /// Gives lines that say what they are to their fields; the other lines. `None` where no line does.
    pub(super) fn split_sound(
        &mut self,
        into: &mut Settled,
        field: Field,
        label: &Spanned<String>,
        node: &Node,
    ) -> Option<String> {
        let text = node.as_text()?;
        let lines = || {
            text.lines()
                .map(|line| line.trim().trim_matches(['*', '_']).trim())
                .filter(|line| !line.is_empty())
        };
        let moves = |line: &str| whose(line).is_some_and(|(other, _)| other != field);
        if !lines().any(moves) {
            return None;
        }
        let mut rest = Vec::new();
        for line in lines() {
            match whose(line) {
                Some((other, words)) if other != field => {
                    let words = words.trim_matches(['"', '“', '”']);
                    self.value(
                        into,
                        other,
                        500,
                        label,
                        &Node::scalar(words, Style::Quoted, node.span),
                    );
                }
                _ => rest.push(line.to_owned()),
            }
        }
        Some(rest.join("\n"))
    }

    /// Takes `![a frame](frame.png)` out of words: a picture of the board is no part of a prompt.
    pub(super) fn without_pictures(
        &mut self,
        into: &mut Settled,
        field: Field,
        label: &Spanned<String>,
        node: Node,
    ) -> Node {
        let NodeKind::Scalar(scalar) = &node.kind else { return node };
        if scalar.style != Style::Markdown || field.spec().kind != FieldKind::Text {
            return node;
        }
        let (Some(open), Some(middle)) = (scalar.text.find("!["), scalar.text.find("](")) else {
            return node;
        };
        let Some(close) =
            scalar.text.get(middle..).and_then(|rest| rest.find(')')).map(|at| middle + at)
        else {
            return node;
        };
        if open > middle {
            return node;
        }
        let path = scalar.text[middle + 2..close].to_owned();
        let words = format!("{}{}", &scalar.text[..open], &scalar.text[close + 1..]);
        let picture = Node::scalar(path, Style::Quoted, node.span);
        self.note(
            into,
            &label.clone().map(|label| format!("{label} picture")),
            &picture,
            "a picture of the board is not used by itself",
        );
        Node::scalar(
            words.split_whitespace().collect::<Vec<_>>().join(" "),
            Style::Markdown,
            node.span,
        )
    }

    /// The field and the text that are meant where other people's habits differ from ours.
    pub(super) fn fitted(
        &self,
        into: &Settled,
        field: Field,
        label: &Spanned<String>,
        node: &Node,
    ) -> (Field, Node) {
        let shown = into.fields.has(Field::Visual) || into.fields.has(Field::Prompt);
        let files =
            (field == Field::Reference).then(|| node.as_text().and_then(files_in)).flatten();
        let node = &files
            .map_or_else(|| node.clone(), |files| Node::scalar(files, Style::Quoted, node.span));
        let words = node.as_text().is_some_and(|text| {
            text.split_whitespace().count() > 2
                && crate::storyboard::input::parse_unless_words(text).is_none()
        });
        let key = normalise_label(&label.value);
        let node = &match (node.as_text(), key.as_str()) {
            (Some(text), "lens" | "focallength") if !text.to_lowercase().contains("lens") => {
                Node::scalar(format!("{} lens", text.trim()), Style::Quoted, node.span)
            }
            (Some(text), "angle") if is_angle(text) => {
                Node::scalar(format!("{} angle", text.trim()), Style::Quoted, node.span)
            }
            _ => node.clone(),
        };
        let field = match field {
            // `image: A lighthouse on a rock` describes a picture; it is none.
            Field::Reference | Field::LastFrame if words && field == Field::Reference => {
                if shown {
                    Field::ImagePrompt
                } else {
                    Field::Visual
                }
            }
            // The column `Video` of a script in two columns says what is seen.
            Field::Video if words && !shown => Field::Visual,
            Field::Video if words => Field::Prompt,
            // `type: wide shot` is no type of scene.
            Field::Kind => match node.as_text() {
                Some(text) if is_size(text) => Field::Shot,
                _ => field,
            },
            // `motion: pan_left` is the camera's.
            Field::Action if node.as_text().is_some_and(is_move) => Field::Camera,
            Field::Shot if node.as_text().is_some_and(is_sentence) && !shown => Field::Visual,
            // `keyframe: 3` and the like aside, words under the label of a still are its prompt.
            other => other,
        };
        let NodeKind::Scalar(scalar) = &node.kind else { return (field, node.clone()) };
        let mut text = scalar.text.clone();
        // What is bold in a table is words in a prompt.
        if scalar.style == Style::Markdown
            && !text.contains("![")
            && field.spec().kind == FieldKind::Text
            && !text.contains('\n')
        {
            text = plain(&text);
        }
        if field == Field::Camera && !text.contains(' ') {
            text = text.replace('_', " ");
        }
        if field == Field::Duration && scalar.style != Style::Markdown {
            let number = text.trim().parse::<f64>().ok();
            // Nobody makes a scene of a quarter of an hour; many tools count milliseconds.
            if number.is_some_and(|number| number >= 1000.0)
                && normalise_label(&label.value) == "duration"
            {
                text = format!("{} ms", text.trim());
            }
        }
        let by_line = matches!(
            field,
            Field::Dialogue | Field::Voiceover | Field::Prompt | Field::ImagePrompt | Field::Notes
        );
        if text.contains('\n') && !by_line {
            text = folded(&text, scalar.style != Style::Literal);
        } else if text.contains('\n') {
            let lines: Vec<String> = text
                .lines()
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
                .filter(|line| !line.is_empty())
                .collect();
            text = lines.join("\n");
        }
        let style = if scalar.style == Style::Literal && !text.contains('\n') {
            Style::Quoted
        } else {
            scalar.style
        };
        (field, Node::scalar(text, style, node.span))
    }
}

/// Lines as one; where each was meant as a line (a cell, a JSON text), it ends like a sentence.
fn folded(text: &str, meant: bool) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let words = line.split_whitespace().collect::<Vec<_>>().join(" ");
        if words.is_empty() {
            continue;
        }
        if !out.is_empty() {
            let open =
                out.ends_with(char::is_alphanumeric) && words.starts_with(char::is_uppercase);
            out.push_str(if meant && open { ". " } else { " " });
        }
        out.push_str(&words);
    }
    out
}

/// `fox.png` + `barn.png` (x2) as a list of files; `None` for a single one, and for words.
fn files_in(text: &str) -> Option<String> {
    let parts: Vec<&str> = text
        .split(['+', '&'])
        .map(|part| part.split('(').next().unwrap_or(part).trim().trim_matches('`'))
        .collect();
    let is_file = |part: &&str| {
        !part.contains(' ')
            && part.rsplit_once('.').is_some_and(|(stem, end)| {
                !stem.is_empty()
                    && matches!(end.to_lowercase().as_str(), "png" | "jpg" | "jpeg" | "webp")
            })
    };
    (parts.len() > 1 && parts.iter().all(is_file)).then(|| parts.join(", "))
}

/// True for what names a camera move and says nothing else: `pan_left`, `push in`, `static`.
fn is_move(text: &str) -> bool {
    let words = text.trim().to_lowercase().replace(['_', '-'], " ");
    const STILL: &[&str] = &["static", "hold", "locked", "locked off", "still"];
    STILL.contains(&words.as_str())
        || words.split_whitespace().count() <= 3
            && !crate::camera::moves_in(&words).is_empty()
            && crate::camera::named(&words).is_some()
}

/// True for the words of a shot's size that people write under `type`.
fn is_size(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    let words = [
        "wide",
        "medium",
        "close",
        "establishing",
        "aerial",
        "pov",
        "over-the-shoulder",
        "extreme",
        "insert",
    ];
    words.iter().any(|word| lower.starts_with(word))
        || matches!(lower.as_str(), "cu" | "ecu" | "ms" | "ws" | "ls" | "mcu" | "els" | "ots")
}

/// Words without anything that a terminal or an editor acts on.
pub(super) fn clean(value: Value) -> Value {
    let plain = |text: String| -> String {
        text.chars().filter(|c| *c == '\n' || !crate::source::steers(*c)).collect()
    };
    match value {
        Value::Text(text) => Value::Text(plain(text).trim().to_owned()),
        Value::Names(names) => Value::Names(names.into_iter().map(plain).collect()),
        other => other,
    }
}

/// True for words that name an angle only together with that word.
pub(super) fn is_angle(text: &str) -> bool {
    matches!(
        text.trim().to_lowercase().as_str(),
        "low" | "high" | "wide" | "dutch" | "canted" | "extreme low" | "extreme high"
    )
}

/// A line of sound that says whose it is: `VO: ...`, `MUSIC: ...`, `旁白：...`.
fn whose(line: &str) -> Option<(Field, &str)> {
    let (name, words) = line.split_once([':', '：'])?;
    let key = normalise_label(name);
    // A speaker may be called like anything; only the words of the trade count.
    let field = match key.as_str() {
        "vo" | "voiceover" | "narrator" | "narration" | "旁白" | "解说" | "ナレーション"
        | "sprecher" => Field::Voiceover,
        "music" | "bgm" | "音乐" | "配乐" | "音楽" | "musik" | "muziek" => Field::Music,
        "sfx" | "soundeffect" | "soundeffects" | "音效" | "効果音" | "fx" => Field::Sfx,
        "ambient" | "ambience" | "atmos" | "环境音" => Field::Ambient,
        "dialogue" | "dialog" => Field::Dialogue,
        _ => return None,
    };
    let words = words.trim();
    (name.chars().count() <= 20 && !words.is_empty()).then_some((field, words))
}
