//! A model's own parameters: `cfg_scale=0.5; watermark=me`, or a map in YAML.

use super::field::Value;
use super::node::{Node, NodeKind, Style};
use super::problems::{Problems, is_control, quoted};
use super::words::cleaned;
use crate::source::{Diagnostic, Spanned};
use std::collections::HashSet;

/// Reads the value of `params`.
pub(super) fn params(node: &Node, problems: &mut Problems<'_>) -> Option<Spanned<Value>> {
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
    let mut seen = HashSet::new();
    for (name, _) in &params {
        if !seen.insert(name.as_str()) {
            problems.push(
                Diagnostic::error(
                    "duplicate-key",
                    format!("the parameter {} is given twice", quoted(name)),
                    node.span,
                )
                .label("second time")
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
