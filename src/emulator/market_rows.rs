//! The market's models as the fact sheet describes them: fields, rules, prices, and how long a clip becomes.
//!
//! The table is made from the published schemas and price texts (2026-08 to 2026-10) and not from storyreel's catalogue,
//! so that a slip in one of the two shows.

use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

use super::create::Refusal;
use super::fields::is_url;
use super::tasks::Media;

/// One model.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    /// The id.
    pub id: String,
    /// What it makes.
    pub media: Media,
    /// The kinds of work that the list of models names for it.
    #[serde(default)]
    pub tasks: Vec<String>,
    /// Its name in the list of models; made from its id when absent.
    #[serde(default)]
    pub title: Option<String>,
    /// Its price text in the list of models; made from its prices when absent.
    #[serde(default)]
    pub price_text: Option<String>,
    /// False for a model whose schema the provider has not put in its list yet.
    #[serde(default = "yes")]
    pub schema: bool,
    /// True for a model that was switched off.
    #[serde(default)]
    pub retired: bool,
    #[serde(default)]
    seconds: Option<Seconds>,
    pub fields: Vec<Field>,
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    pub price: Option<Price>,
}

fn yes() -> bool {
    true
}

/// What makes the length of a clip.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seconds {
    #[serde(default)]
    fixed: Option<f64>,
    #[serde(default)]
    field: Option<String>,
    /// The field that says how many of `field` make a second.
    #[serde(default)]
    rate: Option<String>,
    /// The field with the clip, sound or task that the result is as long as.
    #[serde(default)]
    source: Option<String>,
}

/// A field of `input`, or a member of a nested one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub values: Vec<Value>,
    #[serde(default)]
    pub default: Option<Value>,
    #[serde(default)]
    pub min: Option<f64>,
    #[serde(default)]
    pub max: Option<f64>,
    #[serde(default)]
    pub min_length: Option<usize>,
    #[serde(default)]
    pub max_length: Option<usize>,
    #[serde(default)]
    pub min_items: Option<usize>,
    #[serde(default)]
    pub max_items: Option<usize>,
    /// Another JSON type that was seen to work.
    #[serde(default)]
    also_accepts: Option<String>,
    #[serde(default)]
    pub fields: Vec<Field>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Price {
    pub basis: String,
    pub rates: Vec<Rate>,
    #[serde(default)]
    extra: Option<Extra>,
}

/// What entries of a list cost beyond the first ones.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Extra {
    field: String,
    beyond: usize,
    credits: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rate {
    pub when: BTreeMap<String, Value>,
    pub credits: f64,
}

/// A rule between fields, in the words of the fact sheet.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Rule {
    rule: String,
    field: String,
    fields: Vec<String>,
    needs: Vec<String>,
    unless: Vec<String>,
    a: Vec<String>,
    b: Vec<String>,
    when: BTreeMap<String, Value>,
    allowed: BTreeMap<String, Vec<Value>>,
    required: Vec<String>,
    max_items: usize,
    weights: BTreeMap<String, f64>,
    list: String,
    min: f64,
    max: Option<f64>,
    also: Vec<Value>,
    value: Value,
}

/// What the emulator knows of a source: a clip, a sound or an earlier task.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// Its length.
    pub seconds: f64,
    /// Its resolution as the task's record names it.
    pub resolution: String,
}

fn filled(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.trim().is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(_) => true,
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

impl Row {
    /// The names that mean nothing here.
    ///
    /// # Errors
    /// The first problem, with the provider's code and words.
    pub fn check(&self, input: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
        let wasted = check_fields(&self.fields, input)?;
        for rule in &self.rules {
            if !self.holds(rule, input) {
                let about = rule.names().join(", ");
                return Err(Refusal::new(422, format!("{about}: {} is broken", rule.rule)));
            }
        }
        Ok(wasted)
    }

    fn value<'v>(&'v self, input: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
        let field = self.fields.iter().find(|field| field.name == name);
        input.get(name).filter(|value| !value.is_null()).or(field?.default.as_ref())
    }

    fn applies(&self, when: &BTreeMap<String, Value>, input: &Map<String, Value>) -> bool {
        when.iter().all(|(name, wanted)| match wanted.get("present").and_then(Value::as_bool) {
            Some(present) => filled(input.get(name)) == present,
            None => self.value(input, name).is_some_and(|value| value == wanted),
        })
    }

    fn holds(&self, rule: &Rule, input: &Map<String, Value>) -> bool {
        let has = |name: &String| filled(input.get(name));
        let count = || rule.fields.iter().filter(|name| has(name)).count();
        let items = |name: &String| match input.get(name) {
            Some(Value::Array(items)) => items.len(),
            other => usize::from(filled(other)),
        };
        let members = || {
            let (list, member) = rule.list.split_once("[].").unwrap_or_default();
            let list = input.get(list).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            list.iter().filter_map(|item| item.get(member)).collect::<Vec<&Value>>()
        };
        let sum = || members().into_iter().filter_map(number).sum::<f64>();
        let bound = || self.value(input, &rule.field).and_then(number);
        match rule.rule.as_str() {
            "exactly_one_of" => count() == 1,
            "at_least_one_of" => count() >= 1,
            "at_most_one_of" => count() <= 1,
            "requires" => !has(&rule.field) || rule.needs.iter().all(has),
            "requires_any" => !has(&rule.field) || rule.needs.iter().any(has),
            "required_unless" => has(&rule.field) || rule.unless.iter().any(has),
            "excludes" => !(rule.a.iter().any(has) && rule.b.iter().any(has)),
            "when_allowed" => {
                !self.applies(&rule.when, input)
                    || rule.allowed.iter().all(|(name, allowed)| {
                        self.value(input, name).is_none_or(|value| allowed.contains(value))
                    })
            }
            "when_required" => !self.applies(&rule.when, input) || rule.required.iter().all(has),
            "when_empty" => !self.applies(&rule.when, input) || !has(&rule.field),
            "when_max_items" => {
                !self.applies(&rule.when, input) || items(&rule.field) <= rule.max_items
            }
            // What has no effect is no mistake for the provider.
            "only_when" => true,
            "forbidden_combination" => !self.applies(&rule.when, input),
            "not_both_true" => {
                let on = |name: &&String| self.value(input, name) == Some(&Value::Bool(true));
                rule.fields.iter().filter(on).count() <= 1
            }
            "weighted_items_max" => {
                let sum: f64 =
                    rule.weights.iter().map(|(name, weight)| items(name) as f64 * weight).sum();
                rule.max.is_none_or(|max| sum <= max)
            }
            "sum_equals" => {
                !self.applies(&rule.when, input) || bound().is_none_or(|bound| sum() == bound)
            }
            "sum_at_most" => rule.max.or_else(bound).is_none_or(|max| sum() <= max),
            "sum_length_at_most" => {
                let length: usize = members()
                    .iter()
                    .filter_map(|text| text.as_str())
                    .map(|t| t.chars().count())
                    .sum();
                rule.max.is_none_or(|max| length as f64 <= max)
            }
            "range_or" => input.get(&rule.field).is_none_or(|value| {
                rule.also.contains(value)
                    || number(value).is_some_and(|number| {
                        number >= rule.min && rule.max.is_none_or(|max| number <= max)
                    })
            }),
            "multiple_of" => input.get(&rule.field).and_then(number).is_none_or(|value| {
                number(&rule.value).is_none_or(|divisor| (value % divisor).abs() < 1e-9)
            }),
            "prefix" => input.get(&rule.field).and_then(Value::as_str).is_none_or(|text| {
                rule.value.as_str().is_none_or(|prefix| text.starts_with(prefix))
            }),
            // A rule that this code does not know must not pass for one that holds.
            _ => false,
        }
    }

    /// Whether there is such a field.
    pub fn has_field(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    /// The field whose clip, sound or task gives the result its length.
    pub fn source(&self) -> Option<&str> {
        self.seconds.as_ref()?.source.as_deref()
    }

    /// The length of the clip.
    pub fn seconds(&self, input: &Map<String, Value>, source: Option<&Source>) -> f64 {
        let Some(seconds) = &self.seconds else { return 0.0 };
        if let Some(fixed) = seconds.fixed {
            return fixed;
        }
        if seconds.source.is_some() {
            return source.map_or(5.0, |source| source.seconds);
        }
        let of = |name: &Option<String>| {
            name.as_deref().and_then(|name| self.value(input, name)).and_then(number)
        };
        // -1 leaves it to the model.
        let length = of(&seconds.field).filter(|length| *length > 0.0).unwrap_or(5.0);
        length / of(&seconds.rate).filter(|rate| *rate > 0.0).unwrap_or(1.0)
    }

    /// The credits. `clips` are the seconds of the clips among the inputs.
    pub fn price(
        &self,
        input: &Map<String, Value>,
        seconds: f64,
        clips: f64,
        source: Option<&Source>,
    ) -> f64 {
        let Some(price) = &self.price else { return 0.0 };
        let with_clip = clips > 0.0;
        let fits = |rate: &&Rate| {
            rate.when.iter().all(|(name, wanted)| match name.as_str() {
                "video_input" => wanted == &Value::Bool(with_clip),
                "from" | "source_resolution" => {
                    source.is_some_and(|source| wanted == source.resolution.as_str())
                }
                // The dearest tier, or what else cannot be known here, is charged.
                "tier" => wanted == "quality" || wanted == "higher",
                _ if wanted == "<=1080p" => self.value(input, name).is_none_or(|own| own != "4k"),
                _ => self.value(input, name) == Some(wanted),
            })
        };
        // A rate that speaks of a clip among the inputs goes before one that does not.
        let rates = || price.rates.iter().filter(fits);
        let special = rates().find(|rate| rate.when.contains_key("video_input"));
        let Some(rate) = special.or_else(|| rates().next()) else { return 0.0 };
        let count = ["n", "num_images", "max_images"]
            .iter()
            .find_map(|name| self.value(input, name).and_then(number))
            .unwrap_or(1.0);
        let thousands = || {
            let turns = ["dialogue", "dialogue_turns"].iter().filter_map(|name| input.get(*name));
            let turns = turns.filter_map(Value::as_array).flatten();
            let texts = turns.filter_map(|turn| turn.get("text")).chain(input.get("text"));
            let count = |text: &str| text.chars().count();
            texts.filter_map(Value::as_str).map(count).sum::<usize>() as f64 / 1000.0
        };
        let extra = price.extra.as_ref().map_or(0.0, |extra| {
            let entries = input.get(&extra.field).and_then(Value::as_array).map_or(0, Vec::len);
            entries.saturating_sub(extra.beyond) as f64 * extra.credits
        });
        extra
            + rate.credits
                * match price.basis.as_str() {
                    "per_second" => seconds,
                    "per_input_second" => source.map_or(seconds, |source| source.seconds),
                    "per_input_and_output_second" => seconds + clips,
                    "per_image" => count,
                    "per_1000_chars" => thousands(),
                    "free" => 0.0,
                    _ => 1.0,
                }
    }

    /// The fields with clips.
    pub fn clip_fields(&self) -> impl Iterator<Item = &str> {
        let names = self.fields.iter().map(|field| field.name.as_str());
        names.filter(|name| name.contains("video"))
    }

    /// The shorter side of the picture, and its ratio where one is given.
    pub fn shape(&self, input: &Map<String, Value>) -> (u32, Option<(u32, u32)>, String) {
        let words =
            ["resolution", "quality", "output_resolution", "image_resolution", "mode", "size"];
        let word = words
            .iter()
            .find_map(|name| self.value(input, name).and_then(Value::as_str))
            .unwrap_or("720p");
        let short = match word.to_ascii_lowercase().as_str() {
            "360p" => 360,
            "480p" => 480,
            "512p" => 512,
            "540p" => 540,
            "580p" => 580,
            "768p" => 768,
            "1080p" | "1080" | "pro" | "high" => 1080,
            "2k" => 1440,
            "4k" => 2160,
            _ => 720,
        };
        let ratio = ["aspect_ratio", "ratio"]
            .iter()
            .find_map(|name| self.value(input, name).and_then(Value::as_str))
            .and_then(|ratio| match ratio {
                "portrait" => Some((9, 16)),
                "landscape" => Some((16, 9)),
                _ => {
                    let (across, down) = ratio.split_once(':')?;
                    Some((across.parse().ok()?, down.parse().ok()?))
                }
            });
        (short, ratio, word.to_owned())
    }
}

impl Rule {
    fn names(&self) -> Vec<&str> {
        let one = [&self.field, &self.list].into_iter().filter(|name| !name.is_empty());
        let many = [&self.fields, &self.needs, &self.a, &self.b, &self.required];
        let maps = self.when.keys().chain(self.allowed.keys()).chain(self.weights.keys());
        one.chain(many.into_iter().flatten()).chain(maps).map(String::as_str).collect()
    }
}

/// Checks an object: the names it has that mean nothing, with the places of nested ones.
fn check_fields(fields: &[Field], object: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
    let mut wasted: Vec<String> = object
        .keys()
        .filter(|name| fields.iter().all(|field| field.name != name.as_str()))
        .cloned()
        .collect();
    for field in fields {
        let value = object.get(&field.name).filter(|value| !value.is_null());
        match value {
            None if field.required => {
                return Err(Refusal::new(500, format!("{} is required", field.name)));
            }
            None => {}
            // An empty list of shots is asked for; a picture or clip that has to be there has to be there.
            Some(Value::Array(items))
                if field.required && field.kind == "array<string>" && items.is_empty() =>
            {
                return Err(Refusal::new(500, format!("{} is required", field.name)));
            }
            Some(value) => {
                let nested = field.check(value)?;
                wasted.extend(nested.into_iter().map(|name| format!("{}.{name}", field.name)));
            }
        }
    }
    Ok(wasted)
}

impl Field {
    fn check(&self, value: &Value) -> Result<Vec<String>, Refusal> {
        let name = &self.name;
        let not_allowed =
            || Refusal::new(500, format!("{name} is not within the range of allowed options"));
        let right_type = match self.kind.as_str() {
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            _ => value.is_array(),
        };
        let tolerated = match self.also_accepts.as_deref() {
            Some("number") => value.is_number(),
            Some("string") => value.is_string(),
            _ => false,
        };
        if !right_type && !tolerated {
            return Err(not_allowed());
        }
        let same = |known: &Value| {
            known == value
                || (tolerated && number(known).is_some() && number(known) == number(value))
        };
        if !self.values.is_empty() && !self.values.iter().any(same) {
            return Err(not_allowed());
        }
        if value.is_number() && self.values.is_empty() {
            let number = value.as_f64().unwrap_or_default();
            let inside = self.min.is_none_or(|min| number >= min)
                && self.max.is_none_or(|max| number <= max);
            if !inside {
                return Err(Refusal::new(500, "Value must be within the specified range"));
            }
        }
        if let Some(text) = value.as_str() {
            let length = text.chars().count();
            if self.max_length.is_some_and(|most| length > most) {
                let text = "The text length cannot exceed the maximum limit";
                return Err(Refusal::new(422, text));
            }
            if self.min_length.is_some_and(|least| length < least) {
                return Err(Refusal::new(500, format!("{name} is required")));
            }
            let link = name.ends_with("_url") || *name == "image" || *name == "url";
            if link && !is_url(value) && !text.starts_with("asset://") {
                return Err(Refusal::new(500, "File type not supported"));
            }
        }
        let mut wasted = Vec::new();
        if let Some(items) = value.as_array() {
            let least = self.min_items.unwrap_or(0);
            if items.len() < least || self.max_items.is_some_and(|most| items.len() > most) {
                return Err(not_allowed());
            }
            for item in items {
                match self.kind.as_str() {
                    "array<object>" => {
                        let object = item.as_object().ok_or_else(not_allowed)?;
                        wasted.extend(check_fields(&self.fields, object)?);
                    }
                    "array<integer>" if !item.is_i64() && !item.is_u64() => {
                        return Err(not_allowed());
                    }
                    "array<string>" if !item.is_string() => return Err(not_allowed()),
                    "array<string>" if name.ends_with("urls") && !is_url(item) => {
                        return Err(Refusal::new(500, "File type not supported"));
                    }
                    _ => {}
                }
            }
        }
        Ok(wasted)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_rule_and_price_of_the_table_is_understood() {
        let market = crate::emulator::Market::default();
        assert!(market.rows().count() > 140, "{} rows", market.rows().count());
        let known = [
            "exactly_one_of",
            "at_least_one_of",
            "at_most_one_of",
            "requires",
            "requires_any",
            "required_unless",
            "excludes",
            "when_allowed",
            "when_required",
            "when_empty",
            "when_max_items",
            "only_when",
            "forbidden_combination",
            "not_both_true",
            "weighted_items_max",
            "sum_equals",
            "sum_at_most",
            "sum_length_at_most",
            "range_or",
            "multiple_of",
            "prefix",
        ];
        for row in market.rows() {
            for rule in &row.rules {
                assert!(known.contains(&rule.rule.as_str()), "{}: {}", row.id, rule.rule);
            }
            for field in &row.fields {
                let kinds = [
                    "string",
                    "integer",
                    "number",
                    "boolean",
                    "array<string>",
                    "array<object>",
                    "array<integer>",
                    "array<array>",
                ];
                assert!(kinds.contains(&field.kind.as_str()), "{}: {}", row.id, field.kind);
            }
            let bases = [
                "per_clip",
                "per_second",
                "per_input_second",
                "per_input_and_output_second",
                "per_image",
                "per_1000_chars",
                "per_million_tokens",
                "free",
            ];
            if let Some(price) = &row.price {
                assert!(bases.contains(&price.basis.as_str()), "{}: {}", row.id, price.basis);
            }
        }
    }
}
