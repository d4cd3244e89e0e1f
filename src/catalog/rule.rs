//! Rules between the parameters of a mode.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Conditions by parameter: a value that it must have, or `{present = true}` / `{present = false}`.
pub type Conditions = BTreeMap<String, Value>;

/// How sure a fact is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// An assumption, or an id without known fields.
    Low,
    /// Sources disagree, or one source only.
    Medium,
    /// An official page, a live schema or recorded traffic.
    #[default]
    High,
}

/// A rule between parameters. One that is not sure warns and does not stop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What must hold.
    pub check: Check,
    /// How sure it is.
    #[serde(default)]
    pub confidence: Confidence,
    /// What to do when it is broken, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The kinds of rule. Names of parameters are wire names; `list[].member` means a member of each entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// One of these, and not two.
    ExactlyOneOf {
        /// Parameters.
        fields: Vec<String>,
    },
    /// One of these or more.
    AtLeastOneOf {
        /// Parameters.
        fields: Vec<String>,
    },
    /// None of these or one.
    AtMostOneOf {
        /// Parameters.
        fields: Vec<String>,
    },
    /// `field` only together with all of `needs`.
    Requires {
        /// The parameter.
        field: String,
        /// What it needs.
        needs: Vec<String>,
    },
    /// `field` only together with one of `needs`.
    RequiresAny {
        /// The parameter.
        field: String,
        /// What it needs one of.
        needs: Vec<String>,
    },
    /// `field` must be there unless one of `unless` is.
    RequiredUnless {
        /// The parameter.
        field: String,
        /// What stands in for it.
        unless: Vec<String>,
    },
    /// Nothing of `a` together with anything of `b`.
    Excludes {
        /// One side.
        a: Vec<String>,
        /// The other side.
        b: Vec<String>,
    },
    /// Under `when`, only the listed values.
    WhenAllowed {
        /// The condition.
        when: Conditions,
        /// Allowed values by parameter.
        allowed: BTreeMap<String, Vec<Value>>,
    },
    /// Under `when`, these must be there and not empty.
    WhenRequired {
        /// The condition.
        when: Conditions,
        /// Parameters.
        required: Vec<String>,
    },
    /// Under `when`, `field` must be absent or empty.
    WhenEmpty {
        /// The condition.
        when: Conditions,
        /// The parameter.
        field: String,
    },
    /// Under `when`, the list has at most so many entries.
    WhenMaxItems {
        /// The condition.
        when: Conditions,
        /// The list.
        field: String,
        /// The most entries.
        max_items: usize,
    },
    /// These have an effect under `when` only.
    OnlyWhen {
        /// The condition.
        when: Conditions,
        /// Parameters.
        fields: Vec<String>,
    },
    /// These values may not occur together.
    ForbiddenCombination {
        /// The values.
        when: Conditions,
    },
    /// At most one of these switches is on.
    NotBothTrue {
        /// Switches.
        fields: Vec<String>,
    },
    /// The entries of these lists, each times its weight, sum to at most `max`.
    WeightedItemsMax {
        /// Weight of an entry by list; a parameter that is no list counts as one entry.
        weights: BTreeMap<String, f64>,
        /// The most.
        max: f64,
    },
    /// The members of a list sum to the value of `field`.
    SumEquals {
        /// The list and its member, as `multi_prompt[].duration`.
        list: String,
        /// The parameter that holds the sum.
        field: String,
        /// The condition; none means always.
        #[serde(default)]
        when: Conditions,
    },
    /// The members of a list sum to at most the value of `field` or `max`.
    SumAtMost {
        /// The list and its member.
        list: String,
        /// The parameter that holds the most.
        #[serde(default)]
        field: Option<String>,
        /// The most.
        #[serde(default)]
        max: Option<f64>,
    },
    /// The texts in a list have at most `max` characters together.
    SumLengthAtMost {
        /// The list and its member.
        list: String,
        /// The most characters.
        max: usize,
    },
    /// A number in a range, or one of `also`.
    RangeOr {
        /// The parameter.
        field: String,
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
        /// Other legal values.
        #[serde(default)]
        also: Vec<Value>,
    },
    /// A number that `value` divides.
    MultipleOf {
        /// The parameter.
        field: String,
        /// The divisor.
        value: f64,
    },
    /// A text that starts with `value`.
    Prefix {
        /// The parameter.
        field: String,
        /// The start.
        value: String,
    },
}

/// A condition is a scalar or `{present = ...}`.
pub(super) fn is_condition(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.len() == 1 && map.get("present").is_some_and(Value::is_boolean),
        Value::Null | Value::Array(_) => false,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

impl Rule {
    /// The parameters that the rule speaks of, without list members.
    pub fn parameters(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        let base = |path: &'_ str| path.split("[]").next().unwrap_or_default().len();
        match &self.check {
            Check::ExactlyOneOf { fields }
            | Check::AtLeastOneOf { fields }
            | Check::AtMostOneOf { fields }
            | Check::NotBothTrue { fields } => names.extend(fields.iter().map(String::as_str)),
            Check::Requires { field, needs } | Check::RequiresAny { field, needs } => {
                names.push(field);
                names.extend(needs.iter().map(String::as_str));
            }
            Check::RequiredUnless { field, unless } => {
                names.push(field);
                names.extend(unless.iter().map(String::as_str));
            }
            Check::Excludes { a, b } => names.extend(a.iter().chain(b).map(String::as_str)),
            Check::WhenAllowed { when, allowed } => {
                names.extend(when.keys().chain(allowed.keys()).map(String::as_str));
            }
            Check::WhenRequired { when, required } => {
                names.extend(when.keys().chain(required).map(String::as_str));
            }
            Check::WhenEmpty { when, field } | Check::WhenMaxItems { when, field, .. } => {
                names.extend(when.keys().map(String::as_str));
                names.push(field);
            }
            Check::OnlyWhen { when, fields } => {
                names.extend(when.keys().chain(fields).map(String::as_str));
            }
            Check::ForbiddenCombination { when } => names.extend(when.keys().map(String::as_str)),
            Check::WeightedItemsMax { weights, .. } => {
                names.extend(weights.keys().map(String::as_str));
            }
            Check::SumEquals { list, field, when } => {
                names.extend([&list[..base(list)], field.as_str()]);
                names.extend(when.keys().map(String::as_str));
            }
            Check::SumAtMost { list, field, .. } => {
                names.push(&list[..base(list)]);
                names.extend(field.as_deref());
            }
            Check::SumLengthAtMost { list, .. } => names.push(&list[..base(list)]),
            Check::RangeOr { field, .. }
            | Check::MultipleOf { field, .. }
            | Check::Prefix { field, .. } => names.push(field),
        }
        names
    }

    /// The conditions of the rule, for validation of the catalogue.
    pub(super) fn conditions(&self) -> Option<&Conditions> {
        match &self.check {
            Check::WhenAllowed { when, .. }
            | Check::WhenRequired { when, .. }
            | Check::WhenEmpty { when, .. }
            | Check::WhenMaxItems { when, .. }
            | Check::OnlyWhen { when, .. }
            | Check::ForbiddenCombination { when }
            | Check::SumEquals { when, .. } => Some(when),
            _ => None,
        }
    }
}
