//! Whether parameters keep the rules between them.

use super::rule::{Check, Conditions, Rule};
use super::words::{self, all_of, filled, one_of, quoted, same};
use serde_json::{Map, Value};

/// A broken rule: the parameter to blame first, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Breach {
    pub(super) parameter: String,
    pub(super) message: String,
}

/// Parameters as they will be sent, and what the model assumes for those that are not.
pub(super) struct Values<'a> {
    pub(super) sent: &'a Map<String, Value>,
    pub(super) assumed: &'a Map<String, Value>,
}

impl Values<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.sent.get(name).or_else(|| self.assumed.get(name))
    }

    fn has(&self, name: &str) -> bool {
        filled(self.sent.get(name))
    }

    fn is_on(&self, name: &str) -> bool {
        self.get(name).and_then(words::as_switch) == Some(true)
    }

    fn hold(&self, conditions: &Conditions) -> bool {
        conditions.iter().all(|(name, wanted)| holds(wanted, self.get(name), self.has(name)))
    }

    /// The members `list[].member` of the entries of a list; the entries themselves without a member.
    fn members(&self, path: &str) -> Vec<&Value> {
        let (list, member) = path.split_once("[]").unwrap_or((path, ""));
        let member = member.trim_start_matches('.');
        let entries = self.sent.get(list).and_then(Value::as_array);
        entries.map_or_else(Vec::new, |entries| {
            entries
                .iter()
                .filter_map(|entry| if member.is_empty() { Some(entry) } else { entry.get(member) })
                .collect()
        })
    }
}

/// Whether a condition holds for a value; `present` is whether it is sent and not empty.
pub(super) fn holds(wanted: &Value, value: Option<&Value>, present: bool) -> bool {
    match wanted.as_object().and_then(|map| map.get("present")).and_then(Value::as_bool) {
        Some(wanted) => wanted == present,
        None => value.is_some_and(|value| same(value, wanted)),
    }
}

fn told(conditions: &Conditions) -> String {
    let parts: Vec<String> = conditions
        .iter()
        .map(|(name, wanted)| match wanted.as_object().and_then(|map| map.get("present")) {
            Some(Value::Bool(true)) => format!("`{name}` is given"),
            Some(_) => format!("`{name}` is not given"),
            None => format!("`{name}` is `{}`", words::shown(wanted)),
        })
        .collect();
    all_of(&parts)
}

impl Rule {
    /// What of the rule is broken; several parameters can break one rule.
    pub(super) fn breaches(&self, values: &Values<'_>) -> Vec<Breach> {
        let breach = |parameter: &str, message: String| {
            vec![Breach { parameter: parameter.to_owned(), message }]
        };
        let present = |fields: &[String]| -> Vec<String> {
            fields.iter().filter(|field| values.has(field)).cloned().collect()
        };
        match &self.check {
            Check::ExactlyOneOf { fields } => {
                let given = present(fields);
                match given.as_slice() {
                    [_] => Vec::new(),
                    [] => breach(
                        fields.first().map_or("", String::as_str),
                        format!("one of {} is needed", one_of(&quoted(fields))),
                    ),
                    [first, ..] => breach(
                        first,
                        format!("{} cannot be given together", all_of(&quoted(&given))),
                    ),
                }
            }
            Check::AtLeastOneOf { fields } if present(fields).is_empty() => breach(
                fields.first().map_or("", String::as_str),
                format!("{} is needed", one_of(&quoted(fields))),
            ),
            Check::AtMostOneOf { fields } => {
                let given = present(fields);
                match given.as_slice() {
                    [] | [_] => Vec::new(),
                    [first, ..] => breach(
                        first,
                        format!("{} cannot be given together", all_of(&quoted(&given))),
                    ),
                }
            }
            Check::Requires { field, needs } if values.has(field) => {
                let lacking: Vec<&String> = needs.iter().filter(|need| !values.has(need)).collect();
                if lacking.is_empty() {
                    return Vec::new();
                }
                breach(field, format!("`{field}` needs {} as well", all_of(&quoted(&lacking))))
            }
            Check::RequiresAny { field, needs }
                if values.has(field) && present(needs).is_empty() =>
            {
                breach(field, format!("`{field}` needs {} as well", one_of(&quoted(needs))))
            }
            Check::RequiredUnless { field, unless }
                if !values.has(field) && present(unless).is_empty() =>
            {
                breach(
                    field,
                    format!("`{field}` is needed where {} is absent", one_of(&quoted(unless))),
                )
            }
            Check::Excludes { a, b } => match (present(a).as_slice(), present(b).as_slice()) {
                ([first, ..], [second, ..]) => {
                    breach(first, format!("`{first}` and `{second}` exclude each other"))
                }
                _ => Vec::new(),
            },
            Check::WhenAllowed { when, allowed } if values.hold(when) => allowed
                .iter()
                .filter_map(|(name, list)| {
                    let value = values.get(name)?;
                    if list.iter().any(|known| same(known, value)) {
                        return None;
                    }
                    let list: Vec<String> = list.iter().map(words::shown).collect();
                    Some(Breach {
                        parameter: name.clone(),
                        message: format!(
                            "`{name}` must be {} when {}, not `{}`",
                            one_of(&quoted(&list)),
                            told(when),
                            words::shown(value)
                        ),
                    })
                })
                .collect(),
            Check::WhenRequired { when, required } if values.hold(when) => required
                .iter()
                .filter(|name| !values.has(name))
                .map(|name| Breach {
                    parameter: name.clone(),
                    message: format!("`{name}` is needed when {}", told(when)),
                })
                .collect(),
            Check::WhenEmpty { when, field } if values.hold(when) && values.has(field) => {
                breach(field, format!("`{field}` must be left out when {}", told(when)))
            }
            Check::WhenMaxItems { when, field, max_items } if values.hold(when) => {
                let count = values.sent.get(field).and_then(Value::as_array).map_or(0, Vec::len);
                if count <= *max_items {
                    return Vec::new();
                }
                breach(
                    field,
                    format!(
                        "`{field}` has {count} entries, at most {max_items} when {}",
                        told(when)
                    ),
                )
            }
            Check::OnlyWhen { when, fields } if !values.hold(when) => fields
                .iter()
                .filter(|name| values.has(name))
                .map(|name| Breach {
                    parameter: name.clone(),
                    message: format!("`{name}` has an effect only when {}", told(when)),
                })
                .collect(),
            Check::ForbiddenCombination { when } if values.hold(when) => breach(
                when.keys().next().map_or("", String::as_str),
                format!("this cannot be asked for: {}", told(when)),
            ),
            Check::NotBothTrue { fields } => {
                let on: Vec<&String> = fields.iter().filter(|field| values.is_on(field)).collect();
                match on.as_slice() {
                    [] | [_] => Vec::new(),
                    [first, ..] => {
                        breach(first, format!("{} cannot both be on", all_of(&quoted(&on))))
                    }
                }
            }
            Check::WeightedItemsMax { weights, max } => {
                let total: f64 = weights
                    .iter()
                    .map(|(name, weight)| weight * count(values.sent.get(name)))
                    .sum();
                if total <= *max {
                    return Vec::new();
                }
                let names: Vec<&String> = weights.keys().collect();
                breach(
                    weights.keys().next().map_or("", String::as_str),
                    format!(
                        "{} count {} together, at most {} are allowed",
                        all_of(&quoted(&names)),
                        words::number(total),
                        words::number(*max)
                    ),
                )
            }
            Check::SumEquals { list, field, when } if values.hold(when) => {
                let members = values.members(list);
                let Some(wanted) = values.get(field).and_then(words::as_number) else {
                    return Vec::new();
                };
                let total: f64 = members.iter().filter_map(|value| words::as_number(value)).sum();
                if members.is_empty() || (total - wanted).abs() < 1e-6 {
                    return Vec::new();
                }
                breach(
                    list_of(list),
                    format!(
                        "`{list}` sums to {}, but `{field}` is {}",
                        words::number(total),
                        words::number(wanted)
                    ),
                )
            }
            Check::SumAtMost { list, field, max } => {
                let most = field
                    .as_ref()
                    .and_then(|field| values.get(field))
                    .and_then(words::as_number)
                    .or(*max);
                let total: f64 =
                    values.members(list).iter().filter_map(|value| words::as_number(value)).sum();
                match most {
                    Some(most) if total > most + 1e-6 => breach(
                        list_of(list),
                        format!(
                            "`{list}` sums to {}, at most {} is allowed",
                            words::number(total),
                            words::number(most)
                        ),
                    ),
                    _ => Vec::new(),
                }
            }
            Check::SumLengthAtMost { list, max } => {
                let total: usize = values
                    .members(list)
                    .iter()
                    .filter_map(|value| value.as_str())
                    .map(|text| text.chars().count())
                    .sum();
                if total <= *max {
                    return Vec::new();
                }
                breach(
                    list_of(list),
                    format!("`{list}` has {total} characters together, at most {max} are allowed"),
                )
            }
            Check::RangeOr { field, min, max, also } => {
                let Some(value) = values.sent.get(field) else { return Vec::new() };
                let Some(number) = words::as_number(value) else { return Vec::new() };
                if (*min..=*max).contains(&number) || also.iter().any(|other| same(other, value)) {
                    return Vec::new();
                }
                let mut allowed =
                    vec![format!("from {} to {}", words::number(*min), words::number(*max))];
                allowed.extend(also.iter().map(|other| format!("`{}`", words::shown(other))));
                breach(
                    field,
                    format!(
                        "`{field}` is {}, allowed is {}",
                        words::number(number),
                        one_of(&allowed)
                    ),
                )
            }
            Check::MultipleOf { field, value } => {
                let Some(number) = values.sent.get(field).and_then(words::as_number) else {
                    return Vec::new();
                };
                let times = number / value;
                if (times - times.round()).abs() < 1e-6 {
                    return Vec::new();
                }
                breach(
                    field,
                    format!(
                        "`{field}` is {}, only multiples of {} are allowed",
                        words::number(number),
                        words::number(*value)
                    ),
                )
            }
            Check::Prefix { field, value } => match values.sent.get(field) {
                Some(Value::String(text)) if !text.starts_with(value.as_str()) => {
                    breach(field, format!("`{field}` must start with `{value}`"))
                }
                _ => Vec::new(),
            },
            // The guards above failed: the rule does not apply or holds.
            Check::AtLeastOneOf { .. }
            | Check::Requires { .. }
            | Check::RequiresAny { .. }
            | Check::RequiredUnless { .. }
            | Check::WhenAllowed { .. }
            | Check::WhenRequired { .. }
            | Check::WhenEmpty { .. }
            | Check::WhenMaxItems { .. }
            | Check::OnlyWhen { .. }
            | Check::ForbiddenCombination { .. }
            | Check::SumEquals { .. } => Vec::new(),
        }
    }
}

fn list_of(path: &str) -> &str {
    path.split("[]").next().unwrap_or_default()
}

fn count(value: Option<&Value>) -> f64 {
    match value {
        Some(Value::Array(entries)) => {
            u32::try_from(entries.len()).map_or(f64::INFINITY, f64::from)
        }
        value => f64::from(u8::from(filled(value))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn broken(rule: Value, sent: Value) -> Vec<String> {
        let rule: Rule = serde_json::from_value(json!({"check": rule})).expect("a rule");
        let sent = sent.as_object().cloned().expect("parameters");
        let assumed = Map::from_iter([("mode".to_owned(), json!("std"))]);
        let values = Values { sent: &sent, assumed: &assumed };
        rule.breaches(&values).into_iter().map(|breach| breach.message).collect()
    }

    /// Each kind of rule with parameters that keep it and parameters that break it.
    #[test]
    fn every_kind_of_rule_holds_and_breaks() {
        let table = [
            (json!({"exactly_one_of": {"fields": ["a", "b"]}}), json!({"a": 1}), json!({})),
            (
                json!({"exactly_one_of": {"fields": ["a", "b"]}}),
                json!({"b": 1}),
                json!({"a": 1, "b": 1}),
            ),
            (
                json!({"at_least_one_of": {"fields": ["a", "b"]}}),
                json!({"b": [1]}),
                json!({"a": []}),
            ),
            (json!({"at_most_one_of": {"fields": ["a", "b"]}}), json!({}), json!({"a": 1, "b": 1})),
            (json!({"requires": {"field": "a", "needs": ["b"]}}), json!({"b": 1}), json!({"a": 1})),
            (
                json!({"requires_any": {"field": "a", "needs": ["b", "c"]}}),
                json!({"a": 1, "c": 1}),
                json!({"a": 1}),
            ),
            (
                json!({"required_unless": {"field": "a", "unless": ["b"]}}),
                json!({"b": 1}),
                json!({"c": 1}),
            ),
            (
                json!({"excludes": {"a": ["a"], "b": ["b"]}}),
                json!({"b": 1}),
                json!({"a": 1, "b": 1}),
            ),
            (
                json!({"when_allowed": {"when": {"resolution": "1080P"}, "allowed": {"duration": ["6"]}}}),
                json!({"resolution": "1080P", "duration": "6"}),
                json!({"resolution": "1080P", "duration": "10"}),
            ),
            (
                json!({"when_required": {"when": {"shots": true}, "required": ["list"]}}),
                json!({"shots": false}),
                json!({"shots": true, "list": []}),
            ),
            (
                json!({"when_empty": {"when": {"shots": false}, "field": "list"}}),
                json!({"shots": false, "list": []}),
                json!({"shots": false, "list": [1]}),
            ),
            (
                json!({"when_max_items": {"when": {"video": {"present": true}}, "field": "list", "max_items": 1}}),
                json!({"list": [1, 2]}),
                json!({"video": "x", "list": [1, 2]}),
            ),
            (
                json!({"only_when": {"when": {"mode": "basic"}, "fields": ["a"]}}),
                json!({"mode": "basic", "a": 1}),
                json!({"a": 1}),
            ),
            (
                json!({"forbidden_combination": {"when": {"duration": 10, "quality": "1080p"}}}),
                json!({"duration": 5, "quality": "1080p"}),
                json!({"duration": "10", "quality": "1080P"}),
            ),
            (
                json!({"not_both_true": {"fields": ["a", "b"]}}),
                json!({"a": true, "b": false}),
                json!({"a": true, "b": true}),
            ),
            (
                json!({"weighted_items_max": {"weights": {"a": 1, "b": 2}, "max": 4}}),
                json!({"a": [1, 2], "b": [1]}),
                json!({"a": [1], "b": [1, 2]}),
            ),
            (
                json!({"sum_equals": {"list": "l[].d", "field": "d", "when": {"on": true}}}),
                json!({"on": true, "d": "5", "l": [{"d": 2}, {"d": 3}]}),
                json!({"on": true, "d": "6", "l": [{"d": 2}, {"d": 3}]}),
            ),
            (
                json!({"sum_at_most": {"list": "l[].d", "field": "n"}}),
                json!({"n": "10", "l": [{"d": 10}]}),
                json!({"n": "10", "l": [{"d": 10}, {"d": 1}]}),
            ),
            (
                json!({"sum_length_at_most": {"list": "l[].t", "max": 3}}),
                json!({"l": [{"t": "ab"}]}),
                json!({"l": [{"t": "ab"}, {"t": "cd"}]}),
            ),
            (
                json!({"range_or": {"field": "d", "min": 4, "max": 30, "also": [-1]}}),
                json!({"d": -1}),
                json!({"d": 3}),
            ),
            (
                json!({"multiple_of": {"field": "n", "value": 4}}),
                json!({"n": 44}),
                json!({"n": 45}),
            ),
            (
                json!({"prefix": {"field": "u", "value": "https://a"}}),
                json!({"u": "https://a/b"}),
                json!({"u": "http://a"}),
            ),
        ];
        for (rule, good, bad) in table {
            assert_eq!(broken(rule.clone(), good.clone()), Vec::<String>::new(), "{rule} {good}");
            assert_eq!(broken(rule.clone(), bad.clone()).len(), 1, "{rule} {bad}");
        }
    }

    #[test]
    fn what_the_model_assumes_counts_for_conditions() {
        let rule = json!({"when_required": {"when": {"mode": "std"}, "required": ["a"]}});
        assert_eq!(broken(rule.clone(), json!({})), ["`a` is needed when `mode` is `std`"]);
        assert_eq!(broken(rule, json!({"mode": "pro"})), Vec::<String>::new());
    }
}
