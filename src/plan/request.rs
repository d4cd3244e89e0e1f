//! A step's request in symbolic form, and its identity.
//!
//! Files stand as `{"$file": digest}`, clips as `{"$clip": digest, "frame": "last"}`, provider tasks as
//! `{"$task": digest}` (the task that made the clip with this digest). Until the step before is rendered,
//! `{"$previous": "task"}` or `{"$previous": "clip"}` stands in its place, and `{"$scene": "scene:3/last"}` where another
//! scene is.

use crate::digest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What identifies a step: its JSON is what is hashed, shown by `explain` and, once bound, sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// `POST` or `GET`.
    pub method: String,
    /// Path below the API base: `/api/v1/veo/generate`.
    pub path: String,
    /// The symbolic body (for a `GET`, its query parameters as an object).
    pub body: Value,
}

impl Request {
    /// As shown in plans: `POST /api/v1/veo/generate`.
    pub fn endpoint(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// `sha256:` and the hex digest of the canonical JSON of `{"endpoint": ..., "request": body}`.
    ///
    /// The endpoint is part of it because two upgrades of one clip have the same body.
    pub fn fingerprint(&self) -> String {
        digest_of(&json!({"endpoint": self.endpoint(), "request": self.body}))
    }

    /// True while the step before, or another scene that it starts from, has not been rendered.
    pub fn waits(&self) -> bool {
        holds(&self.body, "$previous") || holds(&self.body, "$scene")
    }

    /// The request with the placeholders for the step before replaced by that step's clip.
    #[must_use]
    pub fn after(&self, previous: &str) -> Self {
        let mut body = self.body.clone();
        visit(&mut body, &mut |map| match map.get("$previous").and_then(Value::as_str) {
            Some("task") => {
                map.remove("$previous");
                map.insert("$task".into(), previous.into());
            }
            Some(_) => {
                map.remove("$previous");
                map.insert("$clip".into(), previous.into());
            }
            None => {}
        });
        Self { body, ..self.clone() }
    }

    /// Digests of the local files it names.
    pub fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        visit(&mut self.body.clone(), &mut |map| {
            if let Some(digest) = map.get("$file").and_then(Value::as_str) {
                found.push(digest.to_owned());
            }
        });
        found
    }
}

/// Puts what other scenes gave in the place of their names, at any depth.
pub fn put_scenes(value: &mut Value, given: &BTreeMap<String, Value>) {
    visit(value, &mut |map| {
        let symbol = map.get("$scene").and_then(Value::as_str).and_then(|name| given.get(name));
        if let Some(Value::Object(symbol)) = symbol {
            *map = symbol.clone();
        }
    });
}

/// The names of what is awaited of other scenes, anywhere in the value: `scene:3/last`.
pub(super) fn awaited_names(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    visit(&mut value.clone(), &mut |map| {
        found.extend(map.get("$scene").and_then(Value::as_str).map(str::to_owned));
    });
    found
}

/// True when an object with this key stands anywhere in the value.
pub(super) fn holds(value: &Value, key: &str) -> bool {
    match value {
        Value::Object(map) => map.contains_key(key) || map.values().any(|inner| holds(inner, key)),
        Value::Array(items) => items.iter().any(|inner| holds(inner, key)),
        _ => false,
    }
}

/// Calls `change` for each object inside `value`, outermost first.
pub fn visit(value: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            change(map);
            for inner in map.values_mut() {
                visit(inner, change);
            }
        }
        Value::Array(items) => {
            for inner in items {
                visit(inner, change);
            }
        }
        _ => {}
    }
}

/// JSON with sorted keys and no white space; the same text for equal values whatever the order they were built in.
pub fn canonical_json(value: &Value) -> String {
    let mut out = String::with_capacity(256);
    write_canonical(value, &mut out);
    out
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            out.push('{');
            for (index, (key, inner)) in entries.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(key, out);
                out.push(':');
                write_canonical(inner, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, inner) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(inner, out);
            }
            out.push(']');
        }
        Value::String(text) => write_text(text, out),
        // 8.0 and 8 are one number to the provider and one to us.
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => out.push_str(&super::ask::number(float).to_string()),
            _ => out.push_str(&number.to_string()),
        },
        Value::Bool(_) | Value::Null => out.push_str(&value.to_string()),
    }
}

/// A JSON text with its escapes.
fn write_text(text: &str, out: &mut String) {
    if text.bytes().any(|byte| byte < 0x20 || matches!(byte, b'"' | b'\\')) {
        out.push_str(&Value::from(text).to_string());
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

/// `sha256:` and the hex digest of the canonical JSON.
pub fn digest_of(value: &Value) -> String {
    digest::of_bytes(canonical_json(value).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_number_form_do_not_change_the_digest() {
        let one = json!({"b": 8, "a": {"y": 1, "x": [1.0, 2]}});
        let two = json!({"a": {"x": [1, 2.0], "y": 1}, "b": 8.0});
        assert_eq!(digest_of(&one), digest_of(&two));
        assert_eq!(canonical_json(&one), r#"{"a":{"x":[1,2],"y":1},"b":8}"#);
        assert_ne!(digest_of(&one), digest_of(&json!({"b": "8"})));
    }

    #[test]
    fn canonical_json_is_json() {
        let odd =
            json!({"\u{7f}é\"\\\n": ["\u{1}", 0.5, -3, null, true, {}, [], 1e300], "a": "\t"});
        let text = canonical_json(&odd);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), odd);
        assert_eq!(text, canonical_json(&serde_json::from_str(&text).unwrap()));
    }

    #[test]
    fn a_waiting_request_is_completed_by_the_clip_before() {
        let request = Request {
            method: "POST".into(),
            path: "/x".into(),
            body: json!({"taskId": {"$previous": "task"}, "prompt": "on"}),
        };
        assert!(request.waits());
        let done = request.after("sha256:ab");
        assert!(!done.waits());
        assert_eq!(done.body, json!({"taskId": {"$task": "sha256:ab"}, "prompt": "on"}));
        assert_ne!(done.fingerprint(), request.after("sha256:cd").fingerprint());
    }
}
