//! What a request costs, by the provider's own price texts and their date.

use super::breach::holds;
use super::model::Mode;
use super::parameter::MediaKind;
use super::rule::{Conditions, Confidence};
use super::words;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The prices of a mode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// What the numbers count.
    pub basis: Basis,
    /// The day on which the price text was read, as `2026-10-02`.
    pub as_of: String,
    /// Prices by condition; the first whose conditions hold counts.
    pub rates: Vec<Rate>,
    /// Credits that come on top.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra: Vec<Surcharge>,
    /// The parameter that says how many results are made; none means one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<String>,
    /// The parameters whose characters are counted, for prices by characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub characters_of: Vec<String>,
    /// True for a price that cannot change, such as one agreed by contract.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub certain: bool,
    /// How sure the numbers are.
    #[serde(default)]
    pub confidence: Confidence,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One price.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Conditions by parameter. A name that starts with `@` is a fact about the request: `@video_input` is whether a clip
    /// is among the inputs; any other such fact is not known beforehand, and the dearest price counts.
    #[serde(default, skip_serializing_if = "Conditions::is_empty")]
    pub when: Conditions,
    /// Credits for one unit of the basis.
    pub credits: f64,
}

/// Credits for the entries of a list past a number of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Surcharge {
    /// The list.
    pub parameter: String,
    /// So many entries are included.
    #[serde(default)]
    pub beyond: usize,
    /// Credits for each further one.
    pub credits: f64,
}

/// What a price counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Nothing is charged.
    Free,
    /// One clip, extension or upgrade.
    Clip,
    /// A second of the result.
    Second,
    /// A second of the input clip or sound.
    InputSecond,
    /// A second of the result or of the input clips.
    InputAndOutputSecond,
    /// One picture.
    Image,
    /// A thousand characters of text.
    ThousandCharacters,
    /// A million tokens; how many there are is not known beforehand.
    MillionTokens,
}

/// The price of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// Credits; absent when they cannot be told.
    pub credits: Option<f64>,
    /// How sure they are.
    pub kind: PriceKind,
    /// The day of the price text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// True when the real price can only be lower: something it depends on is not known beforehand.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_most: bool,
}

/// How sure a price is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PriceKind {
    /// It cannot be another.
    Exact,
    /// It was so at a date.
    Dated,
    /// Nobody can tell.
    Unknown,
}

/// A condition of a price: known to hold, known not to hold, or not known.
enum Answer {
    Yes,
    No,
    Unknown,
}

impl Mode {
    /// What a request with these parameters costs, in credits.
    ///
    /// `input_seconds` is the length of the input clips or sounds together, where it is known; a price by input seconds
    /// without it is `unknown`. Broken seconds of input count whole, since the provider does not say how it rounds.
    pub fn price(&self, parameters: &Map<String, Value>, input_seconds: Option<f64>) -> Price {
        let Some(prices) = &self.prices else {
            return Price { credits: None, kind: PriceKind::Unknown, as_of: None, at_most: false };
        };
        let as_of = Some(prices.as_of.clone());
        let unknown =
            Price { credits: None, kind: PriceKind::Unknown, as_of: as_of.clone(), at_most: false };
        if prices.basis == Basis::Free {
            return Price { credits: Some(0.0), kind: PriceKind::Exact, as_of, at_most: false };
        }
        let Some((rate, mut at_most)) = self.rate(prices, parameters) else { return unknown };
        let units = match prices.basis {
            Basis::Free => Some(0.0),
            Basis::Clip | Basis::Image => Some(1.0),
            Basis::Second => self.output_seconds(parameters, input_seconds, &mut at_most),
            Basis::InputSecond => input_seconds.map(whole_seconds),
            Basis::InputAndOutputSecond => {
                let input = if self.has_input(parameters, MediaKind::Video) {
                    input_seconds.map(whole_seconds)
                } else {
                    Some(0.0)
                };
                let output = self.output_seconds(parameters, input_seconds, &mut at_most);
                input.zip(output).map(|(input, output)| input + output)
            }
            Basis::ThousandCharacters => Some(thousands(&prices.characters_of, parameters)),
            Basis::MillionTokens => None,
        };
        let Some(units) = units else { return unknown };
        let times = prices
            .count
            .as_ref()
            .and_then(|name| self.value_of(name, parameters))
            .and_then(words::as_number)
            .unwrap_or(1.0);
        let extra: f64 = prices
            .extra
            .iter()
            .map(|extra| {
                let entries =
                    parameters.get(&extra.parameter).and_then(Value::as_array).map_or(0, Vec::len);
                let paid = entries.saturating_sub(extra.beyond);
                u32::try_from(paid).map_or(0.0, f64::from) * extra.credits
            })
            .sum();
        // Prices are published with at most two decimals; the multiplication must not invent more.
        let credits = ((rate * units * times + extra) * 100.0).round() / 100.0;
        let kind = if prices.certain { PriceKind::Exact } else { PriceKind::Dated };
        Price { credits: Some(credits), kind, as_of, at_most }
    }

    /// The rate that applies, and whether it is only an upper bound.
    fn rate(&self, prices: &Prices, parameters: &Map<String, Value>) -> Option<(f64, bool)> {
        let mut dearest: Option<f64> = None;
        for rate in &prices.rates {
            let mut sure = true;
            let mut possible = true;
            for (name, wanted) in &rate.when {
                match self.answer(name, wanted, parameters) {
                    Answer::Yes => {}
                    Answer::No => possible = false,
                    Answer::Unknown => sure = false,
                }
            }
            if !possible {
                continue;
            }
            if sure && dearest.is_none() {
                return Some((rate.credits, false));
            }
            dearest = Some(dearest.map_or(rate.credits, |most: f64| most.max(rate.credits)));
        }
        dearest.map(|credits| (credits, true))
    }

    fn answer(&self, name: &str, wanted: &Value, parameters: &Map<String, Value>) -> Answer {
        let holds = match name.strip_prefix('@') {
            Some("video_input") => {
                words::as_switch(wanted) == Some(self.has_input(parameters, MediaKind::Video))
            }
            Some(_) => return Answer::Unknown,
            None => {
                let value = self.value_of(name, parameters);
                holds(wanted, value, words::filled(parameters.get(name)))
            }
        };
        if holds { Answer::Yes } else { Answer::No }
    }

    /// What is sent for a parameter, or else what the model assumes.
    fn value_of<'a>(&'a self, name: &str, sent: &'a Map<String, Value>) -> Option<&'a Value> {
        sent.get(name).or_else(|| self.set.get(name)).or_else(|| {
            self.parameters
                .iter()
                .find(|parameter| parameter.name == name)
                .and_then(|parameter| parameter.default.as_ref())
        })
    }

    /// True when an input of this kind is sent.
    fn has_input(&self, sent: &Map<String, Value>, kind: MediaKind) -> bool {
        self.parameters.iter().any(|parameter| {
            let media = parameter
                .media
                .as_ref()
                .or_else(|| parameter.items.as_ref().and_then(|items| items.media.as_ref()));
            let nested = parameter
                .items
                .iter()
                .flat_map(|items| &items.fields)
                .any(|field| field.media.as_ref().is_some_and(|media| media.kind == kind));
            (media.is_some_and(|media| media.kind == kind) || nested)
                && words::filled(sent.get(&parameter.name))
        })
    }

    /// The seconds of the result. A model that chooses the length itself is counted with its longest.
    fn output_seconds(
        &self,
        sent: &Map<String, Value>,
        input_seconds: Option<f64>,
        at_most: &mut bool,
    ) -> Option<f64> {
        if let Some(parameter) = self.duration_parameter() {
            // A length that the service needs and that is not sent has another parameter in its place.
            let is_replaced = parameter.required && !sent.contains_key(&parameter.name);
            let seconds = self
                .value_of(&parameter.name, sent)
                .filter(|_| !is_replaced)
                .and_then(words::as_number)
                .map(|units| units / self.units_per_second(parameter, |name| sent.get(name)));
            return match seconds {
                Some(seconds) if seconds > 0.0 => Some(seconds),
                _ => {
                    *at_most = true;
                    self.longest()
                }
            };
        }
        if let Some(seconds) = self.lengths.first() {
            return Some(*seconds);
        }
        self.length_from.as_ref().and(input_seconds.map(whole_seconds))
    }
}

/// Seconds rounded up; a thousandth too much is an inexact file, not another second.
fn whole_seconds(seconds: f64) -> f64 {
    (seconds - 0.001).ceil().max(0.0)
}

fn thousands(names: &[String], sent: &Map<String, Value>) -> f64 {
    let mut characters = 0;
    for name in names {
        let (list, member) = name.split_once("[]").unwrap_or((name, ""));
        match sent.get(list) {
            Some(Value::String(text)) => characters += text.chars().count(),
            Some(Value::Array(entries)) => {
                for entry in entries {
                    let text = if member.is_empty() {
                        entry.as_str()
                    } else {
                        entry.get(member.trim_start_matches('.')).and_then(Value::as_str)
                    };
                    characters += text.map_or(0, |text| text.chars().count());
                }
            }
            _ => {}
        }
    }
    u32::try_from(characters).map_or(f64::INFINITY, f64::from) / 1000.0
}
