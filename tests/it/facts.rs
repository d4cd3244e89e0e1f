//! The catalogue held against the table of the facts that the emulator goes by: neither may know a field, a value or a
//! limit that the other does not, and every limit refuses what is beyond it.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use storyreel::catalog::{Catalog, Mode, Parameter, Wanted, WireType};

fn rows() -> Vec<Value> {
    let text = include_str!("../../src/emulator/market-models.json");
    serde_json::from_str(text).expect("the table")
}

/// Every mode with an id of the market, by that id.
fn modes(catalog: &Catalog) -> BTreeMap<String, Vec<&Mode>> {
    let mut modes: BTreeMap<String, Vec<&Mode>> = BTreeMap::new();
    for model in catalog.models().iter().filter(|model| model.family == "market") {
        for mode in &model.modes {
            let id = mode.id.clone().expect("the market's modes have ids");
            modes.entry(id).or_default().push(mode);
        }
    }
    modes
}

/// Fields that the catalogue leaves out on purpose: another field of the model says the same.
const LEFT_OUT: [(&str, &str); 4] = [
    ("google/nano-banana", "image_size"),
    ("google/nano-banana-edit", "image_size"),
    ("grok-imagine/image-to-video", "task_id"),
    ("grok-imagine/image-to-video", "index"),
];

#[test]
fn every_field_of_every_market_model_is_a_parameter_with_the_same_type_and_limits() {
    let catalog = Catalog::built_in().expect("the built-in catalogue");
    let modes = modes(&catalog);
    let mut wrong: Vec<String> = Vec::new();
    let mut fields = 0;
    for row in rows() {
        let id = row["id"].as_str().expect("an id");
        let Some(modes) = modes.get(id) else {
            wrong.push(format!("{id} is in no file of the catalogue"));
            continue;
        };
        let known: BTreeSet<&str> = row["fields"]
            .as_array()
            .expect("fields")
            .iter()
            .filter_map(|field| field["name"].as_str())
            .collect();
        for mode in modes {
            let own = mode.parameters.iter().map(|p| &p.name).chain(mode.set.keys());
            for name in own.filter(|name| !known.contains(name.as_str())) {
                wrong.push(format!("{id} {}: `{name}` is no field", mode.kind));
            }
        }
        for field in row["fields"].as_array().expect("fields") {
            fields += 1;
            let name = field["name"].as_str().expect("a name");
            let found: Vec<&Parameter> = modes.iter().filter_map(|m| m.parameter(name)).collect();
            let constant = modes.iter().any(|mode| mode.set.contains_key(name));
            if found.is_empty() && !constant && !LEFT_OUT.contains(&(id, name)) {
                wrong.push(format!("{id}: nothing sends `{name}`"));
            }
            for parameter in found {
                for difference in differences(parameter, field) {
                    wrong.push(format!("{id}: `{name}` {difference}"));
                }
            }
            if field["required"] == true {
                for mode in modes.iter().filter(|mode| !mode.set.contains_key(name)) {
                    if !mode.parameter(name).is_some_and(|parameter| parameter.required) {
                        wrong.push(format!("{id} {}: `{name}` must be required", mode.kind));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(fields > 850, "{fields} fields");
}

/// In what a parameter allows more than the facts do. It may allow less: a mode is a part of a model.
fn differences(parameter: &Parameter, field: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let kind = field["type"].as_str().unwrap_or_default();
    let wire = match parameter.wire_type {
        WireType::String => "string",
        WireType::Integer => "integer",
        WireType::Number => "number",
        WireType::Boolean => "boolean",
        WireType::Array => "array",
        WireType::Object => "object",
    };
    if !kind.starts_with(wire) {
        found.push(format!("is {wire}, the facts say {kind}"));
    }
    if let Some(values) = field["values"].as_array() {
        let all_known = parameter.values.iter().all(|value| values.contains(value));
        if parameter.values.is_empty() || !all_known {
            found.push(format!("takes {:?} of {values:?}", parameter.values));
        }
    }
    let number = |name: &str| field[name].as_f64();
    let above = |own: Option<f64>, most: Option<f64>| {
        most.is_some() && own.is_none_or(|own| Some(own) > most)
    };
    let below = |own: Option<f64>, least: Option<f64>| {
        least.is_some() && own.is_none_or(|own| Some(own) < least)
    };
    #[expect(clippy::cast_precision_loss, reason = "limits of characters and entries are small")]
    let count = |own: Option<usize>| own.map(|own| own as f64);
    for (name, beyond) in [
        ("max", above(parameter.max, number("max")) && parameter.values.is_empty()),
        ("min", below(parameter.min, number("min")) && parameter.values.is_empty()),
        ("max_length", above(count(parameter.max_length), number("max_length"))),
        ("max_items", above(count(parameter.max_items), number("max_items"))),
        ("min_items", below(count(parameter.min_items), number("min_items"))),
    ] {
        if beyond {
            found.push(format!("has another `{name}` than {}", field[name]));
        }
    }
    found
}

/// A value that a parameter has to refuse, where there is any.
fn bad(parameter: &Parameter) -> Vec<Value> {
    let mut bad = Vec::new();
    if !parameter.values.is_empty() {
        bad.push(json!("nonsense"));
    }
    match parameter.wire_type {
        WireType::String => {
            bad.push(json!({"a": "table"}));
            if let Some(most) = parameter.max_length.filter(|_| parameter.values.is_empty()) {
                bad.push(json!("x".repeat(most + 1)));
            }
        }
        WireType::Integer | WireType::Number => {
            bad.push(json!("many"));
            if parameter.wire_type == WireType::Integer {
                bad.push(json!(1.5));
            }
            bad.extend(parameter.max.map(|max| json!(max + 1.0)));
            bad.extend(parameter.min.map(|min| json!(min - 1.5)));
        }
        WireType::Boolean => bad.push(json!("perhaps")),
        WireType::Array => {
            if let Some(most) = parameter.max_items {
                bad.push(Value::Array(vec![json!("https://a.example/x.png"); most + 1]));
            }
            if parameter.items.as_ref().is_some_and(|items| items.media.is_some()) {
                bad.push(json!(["not a link"]));
            }
        }
        WireType::Object => bad.push(json!(5)),
    }
    bad.retain(|value| !parameter.also.contains(value));
    bad
}

#[test]
fn every_limit_of_every_parameter_refuses_what_is_beyond_it() {
    let catalog = Catalog::built_in().expect("the built-in catalogue");
    let (mut refused, mut parameters) = (0, 0);
    for model in catalog.models() {
        for mode in &model.modes {
            for parameter in &mode.parameters {
                parameters += 1;
                for value in bad(parameter) {
                    let wanted = Wanted {
                        fields: BTreeMap::new(),
                        params: vec![(parameter.name.clone(), value.clone())],
                    };
                    let problems = mode.compose(&wanted).err().unwrap_or_default();
                    let about = problems.iter().any(|problem| {
                        problem.message.contains(&parameter.name)
                            && !matches!(problem.code, "missing" | "rule")
                    });
                    assert!(
                        about,
                        "{} {}: `{}` takes {value}: {problems:?}",
                        model.name, mode.kind, parameter.name
                    );
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 1_800, "{refused} refusals of {parameters} parameters");
}

#[test]
fn a_name_that_a_model_does_not_have_is_refused_in_every_mode() {
    let catalog = Catalog::built_in().expect("the built-in catalogue");
    for mode in catalog.models().iter().flat_map(|model| &model.modes) {
        let wanted = Wanted {
            fields: BTreeMap::new(),
            params: vec![("no_such_field".to_owned(), json!(1))],
        };
        let problems = mode.compose(&wanted).expect_err("it is refused");
        assert!(
            problems.iter().any(|problem| problem.code == "unknown-parameter"),
            "{}",
            mode.model
        );
    }
}
