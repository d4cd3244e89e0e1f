//! A model's OpenAPI document, and the parameters that it describes.

use crate::catalog::{Parameter, WireType};
use crate::source::steers;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Schemas within schemas deeper than this are not read.
const DEEPEST: usize = 12;
/// No document has more schemas; one that refers to itself in many places would.
const MOST_SCHEMAS: usize = 4_000;
/// The longest name of a parameter, and the longest allowed value.
const LONGEST: usize = 100;

/// What a model takes, as the provider's schema has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSchema {
    /// The method of the call.
    pub method: String,
    /// The path of the call.
    pub path: String,
    /// The parameters.
    pub parameters: Vec<Parameter>,
    /// True where the document offers several shapes of the input; the parameters are those of all of them.
    pub has_shapes: bool,
}

impl ModelSchema {
    /// Reads a document. `inside` is the member of the body that holds the parameters (`/input`), `""` the body itself.
    ///
    /// # Errors
    /// What is missing in the document.
    pub fn read(document: &Value, inside: &str) -> Result<Self, String> {
        let paths = document.get("paths").and_then(Value::as_object).ok_or("it has no paths")?;
        let (path, method, operation) = paths
            .iter()
            .find_map(|(path, item)| {
                let (method, operation) = ["post", "get", "put"]
                    .into_iter()
                    .find_map(|method| Some((method, item.get(method)?)))?;
                Some((path, method, operation))
            })
            .ok_or("it describes no call")?;
        let plain =
            |text: &str| text.starts_with('/') && text.bytes().all(|b| b.is_ascii_graphic());
        if !plain(path) || path.len() > 200 {
            return Err("it describes a call at a path that cannot be used".to_owned());
        }
        let method = method.to_ascii_uppercase();
        let mut reader = Reader { document, left: MOST_SCHEMAS, has_shapes: false };
        let schema = operation
            .pointer("/requestBody/content")
            .and_then(Value::as_object)
            .and_then(|content| content.values().find_map(|media| media.get("schema")));
        let body = schema.map(|schema| reader.merged(schema, 0)).unwrap_or_default();
        reader.has_shapes = false;
        let input = match inside.trim_start_matches('/') {
            "" => body,
            member => {
                let found = body.get("properties").and_then(|properties| properties.get(member));
                found.cloned().map(|found| reader.merged(&found, 0)).unwrap_or_default()
            }
        };
        let parameters = reader.members(&input, 0);
        Ok(Self { method, path: path.clone(), parameters, has_shapes: reader.has_shapes })
    }

    /// The parameter with this name.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

struct Reader<'d> {
    document: &'d Value,
    /// How many schemas may still be read.
    left: usize,
    has_shapes: bool,
}

impl<'d> Reader<'d> {
    /// A schema with its references followed and its parts put together.
    fn merged(&mut self, schema: &Value, depth: usize) -> Map<String, Value> {
        let Some(object) = schema.as_object() else { return Map::new() };
        if depth > DEEPEST || self.left == 0 {
            return Map::new();
        }
        self.left -= 1;
        let mut merged = Map::new();
        if let Some(target) = object.get("$ref").and_then(Value::as_str) {
            let target = self.referred(target).cloned().unwrap_or_default();
            merged = self.merged(&target, depth + 1);
        }
        for part in list(object.get("allOf")) {
            let part = self.merged(part, depth + 1);
            join(&mut merged, part);
        }
        let own = object
            .iter()
            .filter(|(key, _)| !matches!(key.as_str(), "$ref" | "allOf" | "oneOf" | "anyOf"));
        join(&mut merged, own.map(|(key, value)| (key.clone(), value.clone())).collect());
        for key in ["oneOf", "anyOf"] {
            let shapes: Vec<Map<String, Value>> = list(object.get(key))
                .iter()
                .map(|shape| self.merged(shape, depth + 1))
                .filter(|shape| {
                    kind(shape).is_some_and(|kind| kind != "null")
                        || shape.contains_key("enum")
                        || shape.contains_key("properties")
                })
                .collect();
            if shapes.len() > 1 {
                self.has_shapes = true;
            }
            join(&mut merged, any_of(shapes));
        }
        merged
    }

    /// What a reference within the document points to. Its segments are percent-encoded, and may end in a space.
    fn referred(&self, target: &str) -> Option<&'d Value> {
        let mut found = self.document;
        for segment in target.strip_prefix("#/")?.split('/') {
            let key = decoded(segment).replace("~1", "/").replace("~0", "~");
            found = found.get(&key)?;
        }
        Some(found)
    }

    fn members(&mut self, object: &Map<String, Value>, depth: usize) -> Vec<Parameter> {
        let required: BTreeSet<&str> =
            list(object.get("required")).iter().filter_map(Value::as_str).collect();
        let properties = object.get("properties").and_then(Value::as_object);
        properties
            .into_iter()
            .flatten()
            .filter(|(name, _)| is_name(name))
            .map(|(name, schema)| {
                let schema = self.merged(schema, depth + 1);
                let mut parameter = self.parameter(&schema, depth + 1);
                parameter.name.clone_from(name);
                parameter.required = required.contains(name.as_str());
                parameter
            })
            .collect()
    }

    fn parameter(&mut self, schema: &Map<String, Value>, depth: usize) -> Parameter {
        let number = |name: &str| schema.get(name).and_then(Value::as_f64);
        let count = |name: &str| {
            schema.get(name).and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok())
        };
        let wire_type = wire_type(schema);
        let mut parameter = Parameter { wire_type, ..Parameter::default() };
        match wire_type {
            WireType::Array => {
                parameter.min_items = count("minItems");
                parameter.max_items = count("maxItems");
                if let Some(items) = schema.get("items").filter(|_| depth <= DEEPEST) {
                    let items = self.merged(items, depth + 1);
                    parameter.items = Some(Box::new(self.parameter(&items, depth + 1)));
                }
            }
            WireType::Object => {
                if depth <= DEEPEST {
                    parameter.fields = self.members(schema, depth + 1);
                }
            }
            WireType::String => {
                parameter.min_length = count("minLength");
                parameter.max_length = count("maxLength");
            }
            WireType::Integer | WireType::Number => {
                parameter.min = number("minimum");
                parameter.max = number("maximum");
                parameter.step = number("multipleOf").filter(|step| *step > 0.0);
            }
            WireType::Boolean => {}
        }
        let values = match schema.get("const") {
            Some(only) => std::slice::from_ref(only),
            None => list(schema.get("enum")),
        };
        parameter.values = values.iter().filter(|value| is_value(value)).cloned().collect();
        parameter.default = schema.get("default").filter(|value| is_value(value)).cloned();
        parameter
    }
}

/// A list, or none.
fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The type; of several the first that is not `null`.
fn kind(schema: &Map<String, Value>) -> Option<&str> {
    match schema.get("type")? {
        Value::String(kind) => Some(kind),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        _ => None,
    }
}

fn wire_type(schema: &Map<String, Value>) -> WireType {
    match kind(schema) {
        Some("integer") => WireType::Integer,
        Some("number") => WireType::Number,
        Some("boolean") => WireType::Boolean,
        Some("array") => WireType::Array,
        Some("object") => WireType::Object,
        None if schema.contains_key("properties") => WireType::Object,
        None if schema.contains_key("items") => WireType::Array,
        _ => WireType::String,
    }
}

/// Adds a part: properties and required names add up, anything else of the part counts.
fn join(whole: &mut Map<String, Value>, part: Map<String, Value>) {
    for (key, value) in part {
        match (key.as_str(), whole.get_mut(&key), value) {
            ("properties", Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
            ("required", Some(Value::Array(known)), Value::Array(more)) => known.extend(more),
            (_, _, value) => {
                whole.insert(key, value);
            }
        }
    }
}

/// Several shapes as one: the properties of all, required what all require, allowed what any allows.
fn any_of(shapes: Vec<Map<String, Value>>) -> Map<String, Value> {
    let mut shapes = shapes.into_iter();
    let Some(mut whole) = shapes.next() else { return Map::new() };
    for shape in shapes {
        let known: Vec<Value> = list(whole.get("required")).to_vec();
        let others = list(shape.get("required"));
        let both: Vec<Value> = known.into_iter().filter(|name| others.contains(name)).collect();
        match (whole.get("enum").cloned(), shape.get("enum").cloned()) {
            (Some(Value::Array(mut known)), Some(Value::Array(more))) => {
                let new: Vec<Value> =
                    more.into_iter().filter(|value| !known.contains(value)).collect();
                known.extend(new);
                whole.insert("enum".into(), Value::Array(known));
            }
            _ => {
                whole.remove("enum");
            }
        }
        if let Some(Value::Object(more)) = shape.get("properties").cloned() {
            match whole.get_mut("properties") {
                Some(Value::Object(known)) => known.extend(more),
                _ => {
                    whole.insert("properties".into(), Value::Object(more));
                }
            }
        }
        whole.insert("required".into(), Value::Array(both));
    }
    whole
}

/// A name that a request and a catalogue file can hold.
fn is_name(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

/// A scalar that can be shown, or a list without members.
fn is_value(value: &Value) -> bool {
    match value {
        Value::String(text) => text.chars().count() <= LONGEST && !text.chars().any(steers),
        Value::Number(_) | Value::Bool(_) => true,
        Value::Array(items) => items.is_empty(),
        Value::Null | Value::Object(_) => false,
    }
}

/// Percent escapes as what they stand for; what is none stays.
fn decoded(text: &str) -> String {
    let hex = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.extend(u8::try_from(high * 16 + low));
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(input: Value, components: Value) -> Value {
        json!({
            "openapi": "3.1.0",
            "paths": {"/api/v1/jobs/createTask": {"post": {"requestBody": {"content": {"application/json": {"schema": {
                "type": "object", "required": ["model"], "properties": {"model": {"type": "string"}, "input": input},
            }}}}}}},
            "components": components,
        })
    }

    #[test]
    fn parameters_are_read_with_their_limits() {
        let document = document(
            json!({"type": "object", "required": ["prompt"], "properties": {
                "prompt": {"type": "string", "maxLength": 5000, "description": "(Max length: 5000 characters)"},
                "duration": {"type": ["string", "null"], "enum": ["5", "10"], "default": "5"},
                "cfg_scale": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5},
                "shots": {"type": "array", "maxItems": 5, "items": {"type": "object", "required": ["prompt"],
                    "properties": {"prompt": {"type": "string"}}}},
                "bad name": {"type": "string"},
            }}),
            json!({}),
        );
        let schema = ModelSchema::read(&document, "/input").expect("a schema");
        assert_eq!(
            (schema.method.as_str(), schema.path.as_str()),
            ("POST", "/api/v1/jobs/createTask")
        );
        let names: Vec<&str> = schema.parameters.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["prompt", "duration", "cfg_scale", "shots"]);
        let prompt = schema.parameter("prompt").expect("it");
        assert_eq!((prompt.required, prompt.max_length), (true, Some(5000)));
        let duration = schema.parameter("duration").expect("it");
        assert_eq!(duration.values, [json!("5"), json!("10")]);
        let shots = schema.parameter("shots").expect("it");
        assert!(shots.items.as_ref().is_some_and(|items| items.fields[0].required));
    }

    #[test]
    fn references_are_followed_with_their_odd_names() {
        let document = document(
            json!({"$ref": "#/components/schemas/the%20input "}),
            json!({"schemas": {"the input ": {"allOf": [
                {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
                {"properties": {"b": {"$ref": "#/components/schemas/b~1c"}}},
            ]}, "b/c": {"type": "boolean"}}}),
        );
        let schema = ModelSchema::read(&document, "/input").expect("a schema");
        let found: Vec<(&str, WireType, bool)> =
            schema.parameters.iter().map(|p| (p.name.as_str(), p.wire_type, p.required)).collect();
        assert_eq!(found, [("a", WireType::Integer, true), ("b", WireType::Boolean, false)]);
    }

    #[test]
    fn several_shapes_are_put_together() {
        let document = document(
            json!({"oneOf": [
                {"type": "object", "required": ["prompt", "image_url"], "properties": {"prompt": {"type": "string"}, "image_url": {"type": "string"}}},
                {"type": "object", "required": ["prompt", "task_id"], "properties": {"prompt": {"type": "string"}, "task_id": {"type": "string"}}},
            ]}),
            json!({}),
        );
        let schema = ModelSchema::read(&document, "/input").expect("a schema");
        let required: Vec<&str> =
            schema.parameters.iter().filter(|p| p.required).map(|p| p.name.as_str()).collect();
        assert_eq!(
            (schema.parameters.len(), required, schema.has_shapes),
            (3, vec!["prompt"], true)
        );
    }

    #[test]
    fn what_never_ends_ends() {
        let schemas = json!({"schemas": {"a": {"properties": {
            "x": {"$ref": "#/components/schemas/a"}, "y": {"$ref": "#/components/schemas/a"}}}}});
        let document = document(json!({"$ref": "#/components/schemas/a"}), schemas);
        assert!(ModelSchema::read(&document, "/input").is_ok());
        let nonsense =
            [json!(null), json!({}), json!({"paths": {}}), json!({"paths": {"x": {"post": {}}}})];
        for nonsense in nonsense {
            assert!(ModelSchema::read(&nonsense, "/input").is_err(), "{nonsense}");
        }
    }
}
