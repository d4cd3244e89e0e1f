//! From the symbolic request to the body that is sent: links and task ids take the place of digests, and nothing
//! else changes.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What a request needs from outside before it can be sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// An upload link for a local file with this digest.
    File(String),
    /// An upload link for a clip of the cache with this digest, or for one frame of it.
    Clip {
        /// Digest of the clip.
        sha256: String,
        /// `first` or `last`; the whole clip where it is absent.
        frame: Option<String>,
    },
    /// The task that made the clip with this digest.
    Task(String),
}

impl Need {
    /// The key under which the ledger remembers an upload of it.
    pub fn key(&self) -> String {
        match self {
            Self::File(digest) | Self::Task(digest) => digest.clone(),
            Self::Clip { sha256, frame: None } => sha256.clone(),
            Self::Clip { sha256, frame: Some(frame) } => format!("{sha256}#{frame}"),
        }
    }

    fn of(map: &Map<String, Value>) -> Option<Self> {
        let text = |key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
        if let Some(digest) = text("$file") {
            return Some(Self::File(digest));
        }
        if let Some(sha256) = text("$clip") {
            return Some(Self::Clip { sha256, frame: text("frame") });
        }
        text("$task").map(Self::Task)
    }
}

/// Everything a symbolic body needs, each thing once, in a stable order.
pub fn needs(body: &Value) -> Vec<Need> {
    fn collect(value: &Value, found: &mut Vec<Need>) {
        match value {
            Value::Object(map) => match Need::of(map) {
                Some(need) => found.push(need),
                None => map.values().for_each(|inner| collect(inner, found)),
            },
            Value::Array(items) => items.iter().for_each(|inner| collect(inner, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(body, &mut found);
    found.sort();
    found.dedup();
    found
}

/// The body with every need replaced by its text.
///
/// # Errors
/// Names the first need that has none; nothing may be sent then. A placeholder for a step that is not rendered yet
/// is an error as well.
pub fn bind(body: &Value, known: &BTreeMap<Need, String>) -> Result<Value, String> {
    match body {
        Value::Object(map) => {
            if let Some(need) = Need::of(map) {
                return known
                    .get(&need)
                    .map(|text| Value::String(text.clone()))
                    .ok_or_else(|| format!("nothing is known that could stand for {need:?}"));
            }
            if let Some(key) = map.keys().find(|key| key.starts_with('$')) {
                return Err(format!("the request still waits for `{key}`"));
            }
            map.iter()
                .map(|(key, value)| Ok((key.clone(), bind(value, known)?)))
                .collect::<Result<Map<String, Value>, String>>()
                .map(Value::Object)
        }
        Value::Array(items) => items
            .iter()
            .map(|item| bind(item, known))
            .collect::<Result<Vec<Value>, String>>()
            .map(Value::Array),
        other => Ok(other.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_symbols_change() {
        let body = json!({
            "prompt": "say {\"$file\": 1}", "images": [{"$file": "sha256:aa"}, "https://x/y.png"],
            "task": {"$task": "sha256:bb"}, "first": {"$clip": "sha256:bb", "frame": "last"},
            "nested": {"deep": [{"video": {"$clip": "sha256:bb"}}]}, "n": 8, "none": null
        });
        let wanted = needs(&body);
        assert_eq!(wanted.len(), 4);
        let known: BTreeMap<Need, String> =
            wanted.into_iter().map(|need| (need.clone(), format!("link:{}", need.key()))).collect();
        assert_eq!(
            bind(&body, &known).unwrap(),
            json!({
                "prompt": "say {\"$file\": 1}", "images": ["link:sha256:aa", "https://x/y.png"],
                "task": "link:sha256:bb", "first": "link:sha256:bb#last",
                "nested": {"deep": [{"video": "link:sha256:bb"}]}, "n": 8, "none": null
            })
        );
    }

    #[test]
    fn what_is_missing_or_still_waits_is_never_sent() {
        assert!(bind(&json!({"a": {"$file": "sha256:aa"}}), &BTreeMap::new()).is_err());
        assert!(bind(&json!({"a": {"$previous": "task"}}), &BTreeMap::new()).is_err());
    }
}
