//! Values of an ask by field, typed.

use crate::storyboard::{Field, Value};
use serde_json::Value as Json;
use std::collections::BTreeMap;

pub(super) fn merged(
    scene: &BTreeMap<Field, Value>,
    step: Option<&BTreeMap<Field, Value>>,
) -> BTreeMap<Field, Value> {
    let mut fields = scene.clone();
    fields.extend(step.into_iter().flatten().map(|(field, value)| (*field, value.clone())));
    fields
}

pub(super) fn field_named(name: &str) -> Option<Field> {
    crate::storyboard::FIELDS.iter().find(|spec| spec.name == name).map(|spec| spec.field)
}

pub(super) fn text(fields: &BTreeMap<Field, Value>, field: Field) -> Option<&str> {
    match fields.get(&field) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

pub(super) fn seconds(fields: &BTreeMap<Field, Value>, field: Field) -> Option<f64> {
    match fields.get(&field) {
        Some(Value::Seconds(seconds)) => Some(*seconds),
        _ => None,
    }
}

pub(super) fn integer(fields: &BTreeMap<Field, Value>, field: Field) -> Option<i64> {
    match fields.get(&field) {
        Some(Value::Integer(integer)) => Some(*integer),
        _ => None,
    }
}

pub(super) fn switch(fields: &BTreeMap<Field, Value>, field: Field) -> Option<bool> {
    match fields.get(&field) {
        Some(Value::Switch(on)) => Some(*on),
        _ => None,
    }
}

pub(super) fn params(fields: &BTreeMap<Field, Value>) -> Vec<(String, Json)> {
    match fields.get(&Field::Params) {
        Some(Value::Params(params)) => params.clone(),
        _ => Vec::new(),
    }
}
