//! For each kind of rule: how parameters are changed so that they keep it, and so that they break it.

use crate::samples::{Params, many, number, plain, text};
use serde_json::{Value, json};
use storyreel::catalog::{Check, Conditions, Mode, Parameter, WireType};

/// Parameters of a mode on their way to a case.
#[derive(Clone)]
struct Case<'m> {
    mode: &'m Mode,
    params: Params,
}

impl Case<'_> {
    fn with(mut self, name: &str, value: Value) -> Self {
        self.params.insert(name.to_owned(), value);
        self
    }

    fn given<'n>(self, names: impl IntoIterator<Item = &'n String>) -> Self {
        names.into_iter().fold(self, |case, name| {
            let own = case
                .params
                .get(name)
                .filter(|own| !matches!(own, Value::Array(list) if list.is_empty()));
            let value = own.cloned().or_else(|| case.mode.parameter(name).map(plain));
            case.with(name, value.unwrap_or_else(|| json!("given")))
        })
    }

    fn without<'n>(mut self, names: impl IntoIterator<Item = &'n String>) -> Self {
        for name in names {
            self.params.remove(name);
        }
        self
    }

    /// With the condition met.
    fn when(self, conditions: &Conditions) -> Self {
        conditions.iter().fold(self, |case, (name, wanted)| match presence(wanted) {
            Some(true) => case.given([name]),
            Some(false) => case.without([name]),
            None => case.with(name, wanted.clone()),
        })
    }

    /// With the condition not met: one case for each of its parts.
    fn unless(self, conditions: &Conditions) -> Vec<Self> {
        let other = |(name, wanted): (&String, &Value)| match presence(wanted) {
            Some(true) => Some(self.clone().without([name])),
            Some(false) => Some(self.clone().given([name])),
            None => {
                let other = self.mode.parameter(name).and_then(|p| other_than(p, wanted))?;
                Some(self.clone().with(name, other))
            }
        };
        conditions.iter().filter_map(other).collect()
    }

    fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.mode.parameter(name)
    }

    fn list(self, name: &str, count: usize) -> Self {
        let list = self.parameter(name).map(|parameter| match parameter.wire_type {
            WireType::Array => many(parameter, count),
            _ => plain(parameter),
        });
        let list = list.unwrap_or_else(|| Value::Array(vec![json!("A red kite"); count]));
        if count == 0 { self.without([&name.to_owned()]) } else { self.with(name, list) }
    }

    /// The list with one member for each value.
    fn members(self, path: &str, values: Vec<Value>) -> Self {
        let (list, member) = path.split_once("[].").expect("a list and its member");
        let entry = self.parameter(list).and_then(|list| list.items.as_deref().map(plain));
        let entries = values.into_iter().map(|value| {
            let mut entry = entry.clone().unwrap_or_else(|| json!({}));
            entry[member] = value;
            entry
        });
        let entries = Value::Array(entries.collect());
        self.with(list, entries)
    }

    /// The number that a parameter holds or that the model assumes.
    fn number(&self, name: &str) -> Option<f64> {
        let own = self.params.get(name).or(self.parameter(name)?.default.as_ref())?;
        own.as_f64().or_else(|| own.as_str()?.parse().ok())
    }
}

fn presence(wanted: &Value) -> Option<bool> {
    wanted.get("present").and_then(Value::as_bool)
}

/// A value that a parameter takes and that is not this one.
fn other_than(parameter: &Parameter, value: &Value) -> Option<Value> {
    match (parameter.wire_type, value) {
        (WireType::Boolean, Value::Bool(on)) => Some(json!(!on)),
        _ => parameter.values.iter().find(|other| *other != value).cloned(),
    }
}

/// Parameters that keep a rule, those to which it applies first.
pub(crate) fn kept_cases(mode: &Mode, check: &Check, params: &Params) -> Vec<Params> {
    let case = Case { mode, params: params.clone() };
    let cases: Vec<Case<'_>> = match check {
        Check::ExactlyOneOf { fields } => {
            fields.iter().map(|one| case.clone().without(fields).given([one])).collect()
        }
        Check::AtLeastOneOf { fields } => fields
            .iter()
            .map(|one| case.clone().without(fields).given([one]))
            .chain([case.clone().given(fields)])
            .collect(),
        Check::AtMostOneOf { fields } => {
            let none = case.clone().without(fields);
            fields.iter().map(|one| none.clone().given([one])).chain([none.clone()]).collect()
        }
        Check::Requires { field, needs } => {
            vec![case.clone().given(needs).given([field]), case.without([field])]
        }
        Check::RequiresAny { field, needs } => needs
            .iter()
            .map(|one| case.clone().without(needs).given([field]).given([one]))
            .chain([case.clone().without([field])])
            .collect(),
        Check::RequiredUnless { field, unless } => unless
            .iter()
            .map(|one| case.clone().without([field]).without(unless).given([one]))
            .chain([case.clone().without(unless).given([field])])
            .collect(),
        Check::Excludes { a, b } => {
            vec![case.clone().without(b).given(a), case.without(a).given(b)]
        }
        Check::WhenAllowed { when, allowed } => allowed
            .iter()
            .flat_map(|(name, values)| values.iter().map(move |value| (name, value)))
            .map(|(name, value)| case.clone().when(when).with(name, value.clone()))
            .chain(case.clone().unless(when))
            .chain([case.clone()])
            .collect(),
        Check::WhenRequired { when, required } => {
            let mut cases = vec![case.clone().when(when).given(required)];
            cases.extend(case.clone().without(required).unless(when));
            cases.push(case);
            cases
        }
        Check::WhenEmpty { when, field } => {
            let mut cases = vec![case.clone().when(when).without([field])];
            cases.extend(case.given([field]).unless(when));
            cases
        }
        Check::WhenMaxItems { when, field, max_items } => {
            let mut cases = vec![case.clone().when(when).list(field, *max_items)];
            cases.extend(case.list(field, max_items + 1).unless(when));
            cases
        }
        Check::OnlyWhen { when, fields } => fields
            .iter()
            .map(|one| case.clone().when(when).given([one]))
            .chain([case.clone().without(fields)])
            .collect(),
        Check::ForbiddenCombination { when } => case.when(when).unless(when),
        Check::NotBothTrue { fields } => {
            let off = fields.iter().fold(case, |case, field| case.with(field, json!(false)));
            let on = fields.iter().map(|one| off.clone().with(one, json!(true)));
            on.chain([off.clone()]).collect()
        }
        Check::WeightedItemsMax { weights, max } => {
            weighed(&case, weights.iter(), |total| total <= *max + 1e-9)
        }
        Check::SumEquals { list, field, when } => {
            let case = case.when(when);
            let halves = case.number(field).map(|sum| {
                let first = (sum / 2.0).floor();
                case.clone().members(list, vec![number(first), number(sum - first)])
            });
            halves.into_iter().chain(case.clone().unless(when)).collect()
        }
        Check::SumAtMost { list, field, max } => {
            let most = field.as_ref().and_then(|field| case.number(field)).or(*max).unwrap_or(0.0);
            vec![case.members(list, vec![number(most - 1.0), json!(1)])]
        }
        Check::SumLengthAtMost { list, max } => {
            vec![case.members(list, vec![json!(text(max - 1)), json!("A")])]
        }
        Check::RangeOr { field, min, max, also } => [number(*min), number(*max)]
            .into_iter()
            .chain(also.iter().cloned())
            .map(|value| case.clone().with(field, value))
            .collect(),
        Check::MultipleOf { field, value } => {
            let least = case.parameter(field).and_then(|field| field.min).unwrap_or(0.0);
            vec![case.with(field, number((least / value).ceil() * value))]
        }
        Check::Prefix { field, value } => vec![case.with(field, json!(format!("{value}a")))],
    };
    cases.into_iter().map(|case| case.params).collect()
}

/// Parameters that break a rule.
pub(crate) fn broken_cases(mode: &Mode, check: &Check, params: &Params) -> Vec<Params> {
    let case = Case { mode, params: params.clone() };
    let pairs = |fields: &[String]| -> Vec<[String; 2]> {
        let pair = |(at, one): (usize, &String)| {
            fields[at + 1..].iter().map(|two| [one.clone(), two.clone()]).collect::<Vec<_>>()
        };
        fields.iter().enumerate().flat_map(pair).collect()
    };
    let cases: Vec<Case<'_>> = match check {
        Check::ExactlyOneOf { fields } => {
            let none = case.without(fields);
            let two = pairs(fields).into_iter().map(|pair| none.clone().given(&pair));
            two.chain([none.clone()]).collect()
        }
        Check::AtLeastOneOf { fields } => vec![case.without(fields)],
        Check::AtMostOneOf { fields } => {
            let none = case.without(fields);
            pairs(fields).into_iter().map(|pair| none.clone().given(&pair)).collect()
        }
        Check::Requires { field, needs } => {
            let whole = case.given(needs).given([field]);
            needs.iter().map(|need| whole.clone().without([need])).collect()
        }
        Check::RequiresAny { field, needs } => vec![case.without(needs).given([field])],
        Check::RequiredUnless { field, unless } => vec![case.without([field]).without(unless)],
        Check::Excludes { a, b } => a
            .iter()
            .flat_map(|one| b.iter().map(move |other| [one, other]))
            .map(|pair| case.clone().without(a).without(b).given(pair))
            .collect(),
        Check::WhenAllowed { when, allowed } => {
            let case = case.when(when);
            let wrong = |(name, values): (&String, &Vec<Value>)| {
                let parameter = case.parameter(name)?;
                let all = match parameter.wire_type {
                    WireType::Boolean => vec![json!(true), json!(false)],
                    _ if parameter.values == *values => vec![json!(4)],
                    _ => parameter.values.clone(),
                };
                let wrong = all.into_iter().filter(|value| !values.contains(value));
                Some(wrong.map(|value| case.clone().with(name, value)).collect::<Vec<_>>())
            };
            allowed.iter().filter_map(wrong).flatten().collect()
        }
        Check::WhenRequired { when, required } => {
            let whole = case.when(when).given(required);
            required.iter().map(|one| whole.clone().without([one])).collect()
        }
        Check::WhenEmpty { when, field } => vec![case.when(when).given([field])],
        Check::WhenMaxItems { when, field, max_items } => {
            vec![case.when(when).list(field, max_items + 1)]
        }
        Check::OnlyWhen { when, fields } => fields
            .iter()
            .flat_map(|one| case.clone().without(fields).given([one]).unless(when))
            .collect(),
        Check::ForbiddenCombination { when } => vec![case.when(when)],
        Check::NotBothTrue { fields } => pairs(fields)
            .into_iter()
            .map(|pair| pair.iter().fold(case.clone(), |case, one| case.with(one, json!(true))))
            .collect(),
        Check::WeightedItemsMax { weights, max } => {
            weighed(&case, weights.iter(), |total| total > *max + 1e-9)
        }
        Check::SumEquals { list, field, when } => {
            let case = case.when(when);
            let sum = case.number(field).unwrap_or(0.0);
            vec![case.members(list, vec![json!(1), number(sum)])]
        }
        Check::SumAtMost { list, field, max } => {
            let most = field.as_ref().and_then(|field| case.number(field)).or(*max).unwrap_or(0.0);
            vec![case.members(list, vec![number(most), json!(1)])]
        }
        Check::SumLengthAtMost { list, max } => {
            vec![case.members(list, vec![json!(text(*max)), json!("A")])]
        }
        Check::RangeOr { field, min, max, also } => [number(min - 1.0), number(max + 1.0)]
            .into_iter()
            .filter(|value| !also.contains(value))
            .map(|value| case.clone().with(field, value))
            .collect(),
        Check::MultipleOf { field, value } => {
            let least = case.parameter(field).and_then(|field| field.min).unwrap_or(0.0);
            vec![case.with(field, number((least / value).ceil() * value + 1.0))]
        }
        Check::Prefix { field, .. } => vec![case.with(field, json!("https://elsewhere.example/"))],
    };
    cases.into_iter().map(|case| case.params).collect()
}

/// The fullest lists that still weigh little enough, or the emptiest that weigh too much.
fn weighed<'m, 'w>(
    case: &Case<'m>,
    weights: impl Iterator<Item = (&'w String, &'w f64)>,
    fits: impl Fn(f64) -> bool,
) -> Vec<Case<'m>> {
    let mut counts: Vec<(f64, Case<'m>)> = vec![(0.0, case.clone())];
    for (name, weight) in weights {
        let most = case.parameter(name).and_then(|list| list.max_items).unwrap_or(20);
        let fuller = |(total, case): &(f64, Case<'m>)| {
            let add = |count: usize| {
                let more = weight * f64::from(u32::try_from(count).expect("a small number"));
                (total + more, case.clone().list(name, count))
            };
            (0..=most).map(add).collect::<Vec<_>>()
        };
        counts = counts.iter().flat_map(fuller).collect();
    }
    counts.retain(|(total, _)| fits(*total));
    let low = counts.iter().map(|(total, _)| *total).fold(f64::INFINITY, f64::min);
    let high = counts.iter().map(|(total, _)| *total).fold(0.0, f64::max);
    let edge = if fits(0.0) { high } else { low };
    counts.retain(|(total, _)| (total - edge).abs() < 1e-9);
    counts.into_iter().map(|(_, case)| case).collect()
}
