//! One parameter of a model: how it is called, what it takes, and the check of a value against that.

use super::words;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The common fields that can feed a parameter. `task` and `source_length` (its seconds) are of the clip that a step goes
/// on with; the others are an author's.
pub const COMMON_FIELDS: &[&str] = &[
    "prompt",
    "duration",
    "aspect_ratio",
    "resolution",
    "reference",
    "last_frame",
    "video",
    "audio",
    "voice",
    "dialogue",
    "seed",
    "negative",
    "task",
    "source_length",
    "format",
];

/// A parameter of a mode, or a member of a nested one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// The provider's own name; empty only for `items`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The common fields that feed it, in order. An array takes the values of all of them, one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
    /// The JSON type that is sent.
    #[serde(rename = "type")]
    pub wire_type: WireType,
    /// True when the provider refuses a request without it. With a `default`, that is sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// The only values it takes, spelled as they are sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
    /// Values it takes besides those between `min` and `max`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Value>,
    /// The smallest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The largest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// The distance between allowed numbers, counted from `min` (from 0 without one).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<f64>,
    /// The fewest characters of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<usize>,
    /// The most characters of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// The fewest members of an array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_items: Option<usize>,
    /// The most members of an array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_items: Option<usize>,
    /// What the model assumes, or what storyreel sends, when the author says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// True when the default is sent even though the provider would assume one itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub always: bool,
    /// What people write for a value, such as `720p` for `std`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub map: Map<String, Value>,
    /// What each member of an array is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Box<Parameter>>,
    /// The members of an object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Parameter>,
    /// Present when the value is a picture, clip, sound or earlier task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<Media>,
    /// How many units of this parameter are a second, for lengths counted in frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units_per_second: Option<f64>,
    /// The parameter that says otherwise, where it is given: the frames a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// Anything else an author should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The JSON type of a parameter on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WireType {
    /// Text; also links, and numbers that the provider wants in quotes.
    #[default]
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list.
    Array,
    /// A nested table.
    Object,
}

impl WireType {
    /// The word for messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::String => "text",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "`true` or `false`",
            Self::Array => "a list",
            Self::Object => "a table",
        }
    }
}

/// What an input must be. Limits that nobody states are absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Media {
    /// Picture, clip, sound or task.
    pub kind: MediaKind,
    /// File formats by their usual extension, in lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<String>,
    /// The largest file, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// The shortest clip or sound, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_seconds: Option<f64>,
    /// The longest clip or sound, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_seconds: Option<f64>,
    /// The fewest pixels of each side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_side: Option<u32>,
    /// The most pixels of each side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_side: Option<u32>,
}

/// The kinds of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MediaKind {
    /// A picture.
    #[default]
    Image,
    /// A clip.
    Video,
    /// A sound.
    Audio,
    /// A document or a page.
    Document,
    /// The id of a finished task of the same family.
    Task,
}

/// True for a symbolic input (`{"$file": ...}`) and for a link.
fn is_input(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.keys().any(|name| name.starts_with('$')),
        Value::String(text) => text.contains("://") && !text.trim_start().starts_with('{'),
        _ => false,
    }
}

/// What is wrong with one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Fault {
    fn new(code: &'static str, message: String) -> Self {
        Self { code, message, hint: None }
    }

    fn hint(mut self, hint: String) -> Self {
        self.hint = Some(hint);
        self
    }
}

impl Parameter {
    /// The values that people may write: those of `map` in the order of `values`, else `values`.
    pub fn offered(&self) -> Vec<String> {
        let mut offered = Vec::new();
        for value in &self.values {
            let written = self.map.iter().find(|(_, wire)| words::same(wire, value));
            offered.push(written.map_or_else(|| words::shown(value), |(word, _)| word.clone()));
        }
        if self.values.is_empty() {
            offered.extend(self.map.keys().cloned());
        }
        offered.extend(self.also.iter().map(words::shown));
        offered
    }

    /// True when the common field feeds this parameter.
    pub fn is_fed_by(&self, field: &str) -> bool {
        self.from.iter().any(|known| known == field)
    }

    /// True when this is a whole or broken number, or a text that holds one.
    pub fn is_numeric(&self) -> bool {
        matches!(self.wire_type, WireType::Integer | WireType::Number)
    }

    /// Checks a value and gives it as it is sent.
    ///
    /// `shown` names the value in messages (`duration`, `multi_prompt[0].duration`). All faults are given, not only the first.
    pub(super) fn convert(&self, value: &Value, shown: &str) -> Result<Value, Vec<Fault>> {
        if self.media.is_some() && words::is_symbolic(value) && self.wire_type == WireType::String {
            return Ok(value.clone());
        }
        let mapped = match value {
            Value::String(text) => self
                .map
                .iter()
                .find(|(word, _)| word.trim().eq_ignore_ascii_case(text.trim()))
                .map(|(_, wire)| wire),
            _ => None,
        };
        let value = mapped.unwrap_or(value);
        match self.wire_type {
            WireType::String => self.convert_text(value, shown).map_err(|fault| vec![fault]),
            WireType::Integer | WireType::Number => {
                self.convert_number(value, shown).map_err(|fault| vec![fault])
            }
            WireType::Boolean => words::as_switch(value)
                .map(Value::Bool)
                .ok_or_else(|| vec![self.wrong_type(value, shown)])
                .and_then(|value| self.among_values(value, shown).map_err(|fault| vec![fault])),
            WireType::Array => self.convert_array(value, shown),
            WireType::Object => self.convert_object(value, shown),
        }
    }

    fn convert_text(&self, value: &Value, shown: &str) -> Result<Value, Fault> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) => words::as_number(value).map_or_else(String::new, words::number),
            _ => return Err(self.wrong_type(value, shown)),
        };
        if self.media.as_ref().is_some_and(|media| media.kind != MediaKind::Task)
            && !text.contains("://")
        {
            return Err(Fault::new(
                "not-a-url",
                format!("`{shown}` takes a link, not `{}`", words::shown(value)),
            )
            .hint(self.feed_hint("a file")));
        }
        let length = text.chars().count();
        if let Some(most) = self.max_length.filter(|most| length > *most) {
            return Err(Fault::new(
                "too-long",
                format!("`{shown}` has {length} characters, at most {most} are allowed"),
            )
            .hint(format!("shorten it by {}", length - most)));
        }
        if let Some(fewest) = self.min_length.filter(|fewest| length < *fewest) {
            return Err(Fault::new(
                "too-short",
                format!("`{shown}` has {length} characters, at least {fewest} are needed"),
            ));
        }
        self.among_values(Value::String(text), shown)
    }

    fn convert_number(&self, value: &Value, shown: &str) -> Result<Value, Fault> {
        let Some(number) = words::as_number(value) else {
            return Err(self.wrong_type(value, shown));
        };
        if self.wire_type == WireType::Integer && number != number.trunc() {
            return Err(self.wrong_type(value, shown));
        }
        let value = words::json_number(number);
        if self.also.iter().any(|also| words::same(also, &value)) {
            return Ok(value);
        }
        let below = self.min.is_some_and(|min| number < min);
        let above = self.max.is_some_and(|max| number > max);
        if below || above {
            return Err(self.out_of_range(number, shown));
        }
        if let Some(step) = self.step {
            let steps = (number - self.min.unwrap_or(0.0)) / step;
            if (steps - steps.round()).abs() > 1e-6 {
                return Err(Fault::new(
                    "out-of-range",
                    format!(
                        "`{shown}` is {}, only every {} from {} is allowed",
                        words::number(number),
                        words::number(step),
                        words::number(self.min.unwrap_or(0.0))
                    ),
                ));
            }
        }
        self.among_values(value, shown)
    }

    fn convert_array(&self, value: &Value, shown: &str) -> Result<Value, Vec<Fault>> {
        let parsed;
        let members: &[Value] = match value {
            Value::Array(members) => members,
            // Markdown has no lists in parameters, so a list may be written as JSON text there.
            Value::String(text) if text.trim_start().starts_with('[') => {
                match serde_json::from_str::<Vec<Value>>(text) {
                    Ok(members) => {
                        parsed = members;
                        &parsed
                    }
                    Err(error) => {
                        let message = format!("`{shown}` is no JSON list: {error}");
                        return Err(vec![Fault::new("wrong-type", message)]);
                    }
                }
            }
            Value::Null => return Err(vec![self.wrong_type(value, shown)]),
            single => std::slice::from_ref(single),
        };
        let mut faults = Vec::new();
        let mut converted = Vec::with_capacity(members.len());
        for (index, member) in members.iter().enumerate() {
            match &self.items {
                None => converted.push(member.clone()),
                Some(items) => match items.convert(member, &format!("{shown}[{index}]")) {
                    Ok(member) => converted.push(member),
                    Err(more) => faults.extend(more),
                },
            }
        }
        let count = members.len();
        if let Some(most) = self.max_items.filter(|most| count > *most) {
            faults.push(Fault::new(
                "too-many",
                format!("`{shown}` has {}, at most {most} {} allowed", entries(count), are(most)),
            ));
        }
        if let Some(fewest) = self.min_items.filter(|fewest| count < *fewest) {
            faults.push(Fault::new(
                "too-few",
                format!(
                    "`{shown}` has {}, at least {fewest} {} needed",
                    entries(count),
                    are(fewest)
                ),
            ));
        }
        if faults.is_empty() { Ok(Value::Array(converted)) } else { Err(faults) }
    }

    fn convert_object(&self, value: &Value, shown: &str) -> Result<Value, Vec<Fault>> {
        let parsed;
        let members = match value {
            // An input of the scene goes to the member that takes one.
            input if is_input(input) => match self.fields.iter().find(|f| f.media.is_some()) {
                Some(field) => {
                    parsed = Map::from_iter([(field.name.clone(), input.clone())]);
                    &parsed
                }
                None => return Err(vec![self.wrong_type(value, shown)]),
            },
            Value::Object(members) => members,
            Value::String(text) if text.trim_start().starts_with('{') => {
                match serde_json::from_str::<Map<String, Value>>(text) {
                    Ok(members) => {
                        parsed = members;
                        &parsed
                    }
                    Err(error) => {
                        let message = format!("`{shown}` is no JSON table: {error}");
                        return Err(vec![Fault::new("wrong-type", message)]);
                    }
                }
            }
            _ => return Err(vec![self.wrong_type(value, shown)]),
        };
        if self.fields.is_empty() {
            return Ok(Value::Object(members.clone()));
        }
        let mut faults = Vec::new();
        for name in members.keys() {
            if !self.fields.iter().any(|field| &field.name == name) {
                let names: Vec<&str> = self.fields.iter().map(|f| f.name.as_str()).collect();
                let hint = words::nearest(name, names.iter().copied()).map_or_else(
                    || format!("it has {}", words::all_of(&words::quoted(&names))),
                    |near| format!("did you mean `{near}`?"),
                );
                let message = format!("`{shown}` has no `{name}`");
                faults.push(Fault::new("unknown-parameter", message).hint(hint));
            }
        }
        let mut converted = Map::new();
        for field in &self.fields {
            let shown = format!("{shown}.{}", field.name);
            let value = members.get(&field.name).filter(|value| !value.is_null());
            let value = value.or(field.default.as_ref().filter(|_| field.required || field.always));
            match value {
                Some(value) => match field.convert(value, &shown) {
                    Ok(value) => {
                        converted.insert(field.name.clone(), value);
                    }
                    Err(more) => faults.extend(more),
                },
                None if field.required => {
                    faults.push(Fault::new("missing", format!("`{shown}` is missing")));
                }
                None => {}
            }
        }
        if faults.is_empty() { Ok(Value::Object(converted)) } else { Err(faults) }
    }

    /// The canonical spelling of an allowed value.
    fn among_values(&self, value: Value, shown: &str) -> Result<Value, Fault> {
        if self.values.is_empty() {
            return Ok(value);
        }
        if let Some(known) =
            self.values.iter().chain(&self.also).find(|known| words::same(known, &value))
        {
            return Ok(known.clone());
        }
        let offered = words::one_of(&words::quoted(&self.offered()));
        Err(Fault::new(
            "not-allowed",
            format!(
                "`{shown}` is `{}`, which is not among the allowed values",
                words::shown(&value)
            ),
        )
        .hint(format!("use {offered}")))
    }

    fn wrong_type(&self, value: &Value, shown: &str) -> Fault {
        let fault = Fault::new(
            "wrong-type",
            format!("`{shown}` takes {}, not `{}`", self.wire_type.word(), words::shown(value)),
        );
        let offered = self.offered();
        if offered.is_empty() {
            fault
        } else {
            fault.hint(format!("use {}", words::one_of(&words::quoted(&offered))))
        }
    }

    fn out_of_range(&self, number: f64, shown: &str) -> Fault {
        let number = words::number(number);
        let mut range = match (self.min, self.max) {
            (Some(min), Some(max)) => {
                format!("a number from {} to {}", words::number(min), words::number(max))
            }
            (Some(min), None) => format!("{} or more", words::number(min)),
            (None, Some(max)) => format!("{} or less", words::number(max)),
            (None, None) => "another number".to_owned(),
        };
        if !self.also.is_empty() {
            let also: Vec<String> = self.also.iter().map(words::shown).collect();
            range = format!("{range}, or {}", words::one_of(&words::quoted(&also)));
        }
        Fault::new("out-of-range", format!("`{shown}` is {number}, which is out of range"))
            .hint(format!("use {range}"))
    }

    fn feed_hint(&self, what: &str) -> String {
        match self.from.first() {
            Some(field) => format!("set `{field}` of the scene to {what} or a link instead"),
            None => "give an http or https link".to_owned(),
        }
    }
}

fn entries(count: usize) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

fn are(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn codes(result: Result<Value, Vec<Fault>>) -> Vec<&'static str> {
        result.err().unwrap_or_default().into_iter().map(|fault| fault.code).collect()
    }

    #[test]
    fn values_become_the_wire_type() {
        let integer = Parameter {
            wire_type: WireType::Integer,
            values: vec![json!(4), json!(6), json!(8)],
            ..Parameter::default()
        };
        assert_eq!(integer.convert(&json!("8"), "duration"), Ok(json!(8)));
        assert_eq!(integer.convert(&json!(8.0), "duration"), Ok(json!(8)));
        assert_eq!(codes(integer.convert(&json!(7), "duration")), ["not-allowed"]);
        assert_eq!(codes(integer.convert(&json!(4.5), "duration")), ["wrong-type"]);
        assert_eq!(codes(integer.convert(&json!(true), "duration")), ["wrong-type"]);
        let text = Parameter { values: vec![json!("5"), json!("10")], ..Parameter::default() };
        assert_eq!(text.convert(&json!(10), "duration"), Ok(json!("10")));
    }

    #[test]
    fn people_write_their_own_words_for_values() {
        let mode = Parameter {
            values: vec![json!("std"), json!("pro"), json!("4K")],
            map: Map::from_iter([
                ("720p".to_owned(), json!("std")),
                ("1080p".to_owned(), json!("pro")),
            ]),
            ..Parameter::default()
        };
        assert_eq!(mode.convert(&json!("1080P"), "resolution"), Ok(json!("pro")));
        assert_eq!(mode.convert(&json!("PRO"), "resolution"), Ok(json!("pro")));
        assert_eq!(mode.convert(&json!("4k"), "resolution"), Ok(json!("4K")));
        assert_eq!(mode.offered(), ["720p", "1080p", "4K"]);
    }

    #[test]
    fn ranges_steps_and_special_values() {
        let frames = Parameter {
            wire_type: WireType::Integer,
            min: Some(40.0),
            max: Some(120.0),
            step: Some(4.0),
            also: vec![json!(-1)],
            ..Parameter::default()
        };
        assert_eq!(frames.convert(&json!(44), "num_frames"), Ok(json!(44)));
        assert_eq!(frames.convert(&json!(-1), "num_frames"), Ok(json!(-1)));
        assert_eq!(codes(frames.convert(&json!(45), "num_frames")), ["out-of-range"]);
        assert_eq!(codes(frames.convert(&json!(121), "num_frames")), ["out-of-range"]);
    }

    #[test]
    fn links_and_symbolic_inputs_are_inputs_but_paths_are_not() {
        let picture = Parameter { media: Some(Media::default()), ..Parameter::default() };
        assert_eq!(
            picture.convert(&json!({"$file": "ab"}), "image_url"),
            Ok(json!({"$file": "ab"}))
        );
        assert!(picture.convert(&json!("https://a.example/x.png"), "image_url").is_ok());
        assert_eq!(codes(picture.convert(&json!("refs/a.png"), "image_url")), ["not-a-url"]);
        let words = Parameter::default();
        assert_eq!(codes(words.convert(&json!({"$file": "ab"}), "watermark")), ["wrong-type"]);
    }

    #[test]
    fn nested_tables_are_checked_member_by_member() {
        let shots = Parameter {
            name: "multi_prompt".into(),
            wire_type: WireType::Array,
            max_items: Some(2),
            items: Some(Box::new(Parameter {
                wire_type: WireType::Object,
                fields: vec![
                    Parameter {
                        name: "prompt".into(),
                        required: true,
                        max_length: Some(5),
                        ..Parameter::default()
                    },
                    Parameter {
                        name: "duration".into(),
                        wire_type: WireType::Integer,
                        min: Some(1.0),
                        max: Some(12.0),
                        ..Parameter::default()
                    },
                ],
                ..Parameter::default()
            })),
            ..Parameter::default()
        };
        let good = json!([{"duration": "3", "prompt": "a"}]);
        assert_eq!(
            shots.convert(&good, "multi_prompt"),
            Ok(json!([{"prompt": "a", "duration": 3}]))
        );
        let as_text = json!("[{\"prompt\": \"a\"}]");
        assert_eq!(shots.convert(&as_text, "multi_prompt"), Ok(json!([{"prompt": "a"}])));
        let bad = json!([{"promt": "a", "duration": 13}, {"prompt": "too long"}, {"prompt": "a"}]);
        assert_eq!(
            codes(shots.convert(&bad, "multi_prompt")),
            ["unknown-parameter", "missing", "out-of-range", "too-long", "too-many"]
        );
    }
}
