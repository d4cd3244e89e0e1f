//! Reading and writing JSON at the places that the catalogue names.

use super::words;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The value at a JSON pointer. Where the way leads through a text, that text is read as JSON first: the provider puts
/// JSON into texts, up to twice.
pub(super) fn at<'a>(value: &'a Value, pointer: &str) -> Option<Cow<'a, Value>> {
    let mut here = Cow::Borrowed(value);
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if let Value::String(text) = here.as_ref() {
            here = Cow::Owned(serde_json::from_str(text).ok()?);
        }
        here = match here {
            Cow::Borrowed(value) => Cow::Borrowed(step(value, &part)?),
            Cow::Owned(value) => Cow::Owned(step(&value, &part)?.clone()),
        };
    }
    Some(here)
}

fn step<'a>(value: &'a Value, part: &str) -> Option<&'a Value> {
    match value {
        Value::Object(map) => map.get(part),
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        _ => None,
    }
}

/// The first of several pointers that leads to a value that is not empty.
pub(super) fn first<'a>(value: &'a Value, pointers: &[String]) -> Option<Cow<'a, Value>> {
    pointers
        .iter()
        .filter_map(|pointer| at(value, pointer))
        .find(|found| words::filled(Some(found)))
}

/// The first of several pointers that leads to anything but null, 0, `false`, empty text or an empty list.
pub(super) fn first_telling<'a>(value: &'a Value, pointers: &[String]) -> Option<Cow<'a, Value>> {
    pointers.iter().filter_map(|pointer| at(value, pointer)).find(|found| match found.as_ref() {
        Value::Bool(on) => *on,
        other => words::filled(Some(other)) && words::as_number(other) != Some(0.0),
    })
}

/// A scalar as text; `None` for null, empty text, lists and tables.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(on) => Some(on.to_string()),
        _ => None,
    }
}

/// Puts a value at a pointer and makes the tables on the way. A list or scalar on the way is replaced by a table.
pub(super) fn put(body: &mut Value, pointer: &str, value: Value) {
    let mut here = body;
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        here = table(here).entry(part).or_insert(Value::Null);
    }
    *here = value;
}

/// Adds members to the table at a pointer.
pub(super) fn merge(body: &mut Value, pointer: &str, members: &Map<String, Value>) {
    let mut here = body;
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        here = table(here).entry(part).or_insert(Value::Null);
    }
    table(here).extend(members.iter().map(|(name, value)| (name.clone(), value.clone())));
}

fn table(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("it was made a table above"),
    }
}

/// The links in a result: a list, a list as JSON text, a list as `[a, b]` without quotes, or one link.
///
/// Anything that is no http or https link is left out.
pub fn urls(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::String(text) => {
            let text = text.trim();
            if text.starts_with('[') {
                if let Ok(Value::Array(items)) = serde_json::from_str(text) {
                    items.iter().for_each(|item| collect(item, found));
                } else {
                    let inner = text.trim_start_matches('[').trim_end_matches(']');
                    let parts = inner.split(',').map(|part| part.trim().trim_matches(['"', '\'']));
                    found.extend(parts.filter(|part| is_link(part)).map(str::to_owned));
                }
            } else if is_link(text) {
                found.push(text.to_owned());
            }
        }
        _ => {}
    }
}

fn is_link(text: &str) -> bool {
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    (lower.starts_with("https://") || lower.starts_with("http://"))
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// A time as the provider writes it: milliseconds since 1970 as a number or text, `2026-06-27 16:30:45`, or ISO 8601.
///
/// A time without a zone is read as UTC; the provider does not say which zone it means.
pub fn time(value: &Value) -> Option<jiff::Timestamp> {
    if let Some(milliseconds) = words::as_number(value) {
        #[expect(clippy::cast_possible_truncation, reason = "out of range is refused by jiff")]
        return jiff::Timestamp::from_millisecond(milliseconds as i64).ok();
    }
    let text = value.as_str()?.trim();
    if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
        return Some(timestamp);
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok()?;
    jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pointers_lead_through_json_in_texts() {
        let record = json!({"data": {
            "param": "{\"model\":\"m\",\"input\":\"{\\\"prompt\\\":\\\"a lamp\\\"}\"}",
            "resultJson": "{\"resultUrls\":[\"https://files.example/out.mp4\"]}"
        }});
        assert_eq!(at(&record, "/data/param/input/prompt").as_deref(), Some(&json!("a lamp")));
        let links = at(&record, "/data/resultJson/resultUrls").map(|found| urls(&found));
        assert_eq!(links, Some(vec!["https://files.example/out.mp4".to_owned()]));
        assert_eq!(at(&record, "/data/nothing"), None);
        assert_eq!(at(&json!({"a": "no json"}), "/a/b"), None);
        assert_eq!(at(&record, "").as_deref(), Some(&record));
    }

    #[test]
    fn links_come_in_four_forms() {
        let expected = vec!["https://a/1.mp4".to_owned(), "http://a/2.mp4".to_owned()];
        assert_eq!(urls(&json!(["https://a/1.mp4", "http://a/2.mp4", "", null, "x"])), expected);
        assert_eq!(urls(&json!("[\"https://a/1.mp4\",\"http://a/2.mp4\"]")), expected);
        assert_eq!(urls(&json!("[https://a/1.mp4, http://a/2.mp4]")), expected);
        assert_eq!(urls(&json!("https://a/1.mp4")), expected[..1]);
        assert_eq!(urls(&json!("file:///etc/passwd")), Vec::<String>::new());
        assert_eq!(urls(&json!({"a": "https://a/1.mp4"})), Vec::<String>::new());
    }

    #[test]
    fn times_come_in_five_forms() {
        let wanted: jiff::Timestamp = "2026-06-27T16:30:45Z".parse().expect("a time");
        let milliseconds = wanted.as_millisecond();
        for value in [
            json!(milliseconds),
            json!(milliseconds.to_string()),
            json!("2026-06-27 16:30:45"),
            json!("2026-06-27T16:30:45Z"),
            json!("2026-06-27T18:30:45+02:00"),
        ] {
            assert_eq!(time(&value), Some(wanted), "{value}");
        }
        for value in [json!(null), json!(""), json!("soon"), json!(1e300)] {
            assert_eq!(time(&value), None, "{value}");
        }
    }

    #[test]
    fn values_are_put_where_a_pointer_leads() {
        let mut body = json!({});
        put(&mut body, "/model", json!("m"));
        merge(&mut body, "/input", &Map::from_iter([("prompt".to_owned(), json!("p"))]));
        merge(&mut body, "", &Map::from_iter([("a".to_owned(), json!(1))]));
        assert_eq!(body, json!({"model": "m", "input": {"prompt": "p"}, "a": 1}));
    }
}
