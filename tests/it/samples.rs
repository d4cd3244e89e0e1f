//! Parameters made from what the catalogue says of a mode: the fewest that it takes, and values at every edge.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use storyreel::catalog::{MediaKind, Mode, Parameter, Wanted, WireType};

/// Parameters by wire name.
pub(crate) type Params = Map<String, Value>;

/// Stands for a finished task wherever a parameter takes one.
pub(crate) const TASK: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";

/// A text of so many characters.
pub(crate) fn text(length: usize) -> String {
    "A red kite over grey dunes. ".chars().cycle().take(length).collect()
}

/// A number, whole where it can be.
#[expect(clippy::cast_possible_truncation, reason = "limits are small")]
pub(crate) fn number(value: f64) -> Value {
    if value.fract() == 0.0 { json!(value as i64) } else { json!(value) }
}

fn is_task(parameter: &Parameter) -> bool {
    parameter.media.as_ref().is_some_and(|media| media.kind == MediaKind::Task)
}

/// A value that a parameter takes.
pub(crate) fn plain(parameter: &Parameter) -> Value {
    if let Some(value) = parameter.values.first() {
        return value.clone();
    }
    match parameter.wire_type {
        WireType::String if is_task(parameter) => json!(TASK),
        WireType::String if parameter.media.is_some() => json!("https://a.example/input.bin"),
        WireType::String => {
            let most = parameter.max_length.unwrap_or(usize::MAX);
            json!(text(parameter.min_length.unwrap_or(0).max(most.min(10))))
        }
        WireType::Integer | WireType::Number => {
            number(parameter.min.or(parameter.max).unwrap_or(1.0))
        }
        WireType::Boolean => json!(true),
        WireType::Array => many(parameter, parameter.min_items.unwrap_or(1).max(1)),
        WireType::Object => {
            let needed = parameter.fields.iter().filter(|field| field.required);
            needed.map(|field| (field.name.clone(), plain(field))).collect::<Params>().into()
        }
    }
}

/// A list of so many plain members.
pub(crate) fn many(parameter: &Parameter, count: usize) -> Value {
    // A list of nobody knows what holds anything.
    let member = parameter.items.as_deref().map_or_else(|| json!("A red kite"), plain);
    Value::Array(vec![member; count])
}

/// Every allowed value, and every limit's own value. Of a list or table also those of its members.
pub(crate) fn edges(parameter: &Parameter) -> Vec<Value> {
    let mut edges: Vec<Value> = parameter.values.iter().chain(&parameter.also).cloned().collect();
    if !parameter.values.is_empty() {
        return edges;
    }
    match parameter.wire_type {
        WireType::String if parameter.media.is_some() => {
            edges.push(plain(parameter));
            // One character is no task, whatever the limit says.
            edges.extend(
                parameter.max_length.filter(|_| is_task(parameter)).map(|most| json!(text(most))),
            );
        }
        WireType::String => {
            edges.push(plain(parameter));
            let limits = [parameter.min_length, parameter.max_length];
            edges.extend(limits.into_iter().flatten().map(|length| json!(text(length))));
        }
        WireType::Integer | WireType::Number => {
            edges.push(plain(parameter));
            edges.extend([parameter.min, parameter.max].into_iter().flatten().map(number));
            let next = parameter.step.map(|step| parameter.min.unwrap_or(0.0) + step);
            edges.extend(next.map(number));
        }
        WireType::Boolean => edges.extend([json!(true), json!(false)]),
        WireType::Array => {
            let limits = [parameter.min_items.or(Some(1)), parameter.max_items];
            edges.extend(limits.into_iter().flatten().map(|count| many(parameter, count)));
            let least = parameter.min_items.unwrap_or(1).max(1);
            for member in parameter.items.as_deref().map(self::edges).unwrap_or_default() {
                let Value::Array(mut list) = many(parameter, least) else { continue };
                list[0] = member;
                edges.push(Value::Array(list));
            }
        }
        WireType::Object => {
            let whole = plain(parameter);
            for field in &parameter.fields {
                for edge in self::edges(field) {
                    let mut table = whole.clone();
                    table[&field.name] = edge;
                    edges.push(table);
                }
            }
            edges.push(whole);
        }
    }
    edges.dedup();
    edges
}

/// The fewest parameters with which a mode can be asked for anything.
pub(crate) fn least(mode: &Mode) -> Params {
    mode.parameters
        .iter()
        .filter(|parameter| parameter.required && parameter.default.is_none())
        // A required list without a smallest number is sent empty by itself.
        .filter(|parameter| {
            parameter.wire_type != WireType::Array
                || parameter.min_items.is_some()
                || !parameter.from.is_empty()
        })
        .map(|parameter| (parameter.name.clone(), plain(parameter)))
        .collect()
}

/// What an author wants who sets these parameters by their own names.
pub(crate) fn wanted(params: &Params) -> Wanted {
    let params = params.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    Wanted { fields: BTreeMap::new(), params }
}
