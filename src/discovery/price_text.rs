//! Prices in prose, such as `720P: 18 credits/s (≈$0.09), 1080P: 22.5 credits/s`.

use crate::catalog::{Basis, Conditions, Confidence, Parameter, Prices, Rate};

/// A number of credits in a text, with the bytes from its first digit to the end of the word `credits`.
#[derive(Debug, Clone, PartialEq)]
struct Sum {
    credits: f64,
    start: usize,
    end: usize,
}

/// The part of a text that tells prices: without the sentences on bonuses, whose numbers are none.
pub fn told(text: &str) -> &str {
    let lower = text.to_ascii_lowercase();
    text.get(..lower.find("high-tier").unwrap_or(text.len())).unwrap_or(text).trim_end()
}

fn sums(text: &str) -> Vec<Sum> {
    let lower = text.to_ascii_lowercase();
    let mut sums = Vec::new();
    for (at, word) in lower.match_indices("credit") {
        let before = lower[..at].trim_end();
        let before = before.strip_suffix("kie").unwrap_or(before).trim_end();
        let digits = before
            .char_indices()
            .rev()
            .take_while(|(_, c)| c.is_ascii_digit() || matches!(c, '.' | ','))
            .last()
            .map_or(before.len(), |(start, _)| start);
        let number = before[digits..].replace(',', "");
        if let Ok(credits) = number.parse::<f64>() {
            let end = at + word.len() + usize::from(lower[at + word.len()..].starts_with('s'));
            sums.push(Sum { credits, start: digits, end });
        }
    }
    sums
}

/// The credits that a text names, each once, in its order. `is free` is 0.
pub(super) fn credits(text: &str) -> Vec<f64> {
    let text = told(text);
    let mut credits: Vec<f64> = Vec::new();
    for sum in sums(text) {
        if !credits.contains(&sum.credits) {
            credits.push(sum.credits);
        }
    }
    if credits.is_empty() && text.to_ascii_lowercase().contains("is free") {
        credits.push(0.0);
    }
    credits
}

/// The prices that a text tells beyond doubt: one number, or one for each resolution that the model takes, all of one
/// unit. Anything else is left to people.
pub(super) fn prices(text: &str, resolution: Option<&Parameter>, as_of: &str) -> Option<Prices> {
    let text = told(text);
    let sums = sums(text);
    let mut bases = sums.iter().enumerate().map(|(number, sum)| {
        let end = sums.get(number + 1).map_or(text.len(), |next| next.start);
        basis(&text[sum.end..end])
    });
    let basis = bases.next()??;
    if !bases.all(|other| other == Some(basis)) {
        return None;
    }
    let rates = match (&sums[..], resolution) {
        // A number for one of several resolutions says nothing of the others.
        ([_], Some(resolution)) if names_any(text, resolution) => return None,
        ([sum], _) => vec![Rate { when: Conditions::new(), credits: sum.credits }],
        (_, Some(resolution)) => by_resolution(text, &sums, resolution)?,
        _ => return None,
    };
    Some(Prices {
        basis,
        as_of: as_of.to_owned(),
        rates,
        extra: Vec::new(),
        count: None,
        characters_of: Vec::new(),
        certain: false,
        confidence: Confidence::Low,
        note: Some("Read from the provider's price text by a program.".to_owned()),
    })
}

/// True where a text names a value of a parameter that takes several.
fn names_any(text: &str, parameter: &Parameter) -> bool {
    let plain = |text: &str| text.to_ascii_lowercase().replace(' ', "");
    let text = plain(text);
    let mut values = parameter.values.iter().filter_map(|value| value.as_str());
    parameter.values.len() > 1 && values.any(|value| text.contains(&plain(value)))
}

/// The unit behind a number of credits.
fn basis(text: &str) -> Option<Basis> {
    let text = text.to_ascii_lowercase();
    let holds = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if holds(&["input", "token", "character", "megapixel", "with video", "no video"]) {
        return None;
    }
    let trimmed = text.trim_start();
    let second = ["/s", "/ s", "per second", "per video second"];
    let units = [
        (
            Basis::Second,
            second.iter().any(|unit| trimmed.starts_with(unit))
                || after_dollars(trimmed)
                    .is_some_and(|rest| second.iter().any(|unit| rest.starts_with(unit))),
        ),
        (
            Basis::Clip,
            holds(&["per video", "per clip", "per generation", "per request"])
                && !holds(&["per video second"]),
        ),
        (Basis::Image, holds(&["per image"])),
    ];
    let mut fitting = units.iter().filter(|(_, fits)| *fits).map(|(basis, _)| *basis);
    match (fitting.next(), fitting.next()) {
        (Some(basis), None) => Some(basis),
        _ => None,
    }
}

/// What follows `($0.09)`.
fn after_dollars(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('(')?;
    rest.split_once(')').map(|(_, rest)| rest.trim_start())
}

/// A rate for each resolution, where each number has a resolution of the parameter next to it and none is left over.
fn by_resolution(text: &str, sums: &[Sum], resolution: &Parameter) -> Option<Vec<Rate>> {
    let lower = text.to_ascii_lowercase();
    let mut labels = Vec::new();
    for value in &resolution.values {
        let label = value.as_str()?.to_ascii_lowercase();
        let spaced = label.strip_suffix('p').map(|digits| format!("{digits} p"));
        let places: Vec<usize> = [Some(label.clone()), spaced]
            .iter()
            .flatten()
            .flat_map(|spelling| lower.match_indices(spelling.as_str()).map(|(at, _)| at))
            .filter(|at| !lower[..*at].ends_with(|c: char| c.is_ascii_digit() || c == '.'))
            .collect();
        let [place] = places[..] else { return None };
        labels.push((place, value));
    }
    labels.sort_by_key(|(place, _)| *place);
    if labels.len() != sums.len() {
        return None;
    }
    // Either every label stands before its number, or every label behind it.
    let before = labels.iter().zip(sums).all(|((place, _), sum)| *place < sum.start)
        && labels.iter().skip(1).zip(sums).all(|((place, _), sum)| *place > sum.start);
    let behind = labels.iter().zip(sums).all(|((place, _), sum)| *place > sum.start)
        && labels.iter().zip(sums.iter().skip(1)).all(|((place, _), sum)| *place < sum.start);
    (before || behind).then(|| {
        let rate = |((_, value), sum): (&(usize, &serde_json::Value), &Sum)| Rate {
            when: Conditions::from([(resolution.name.clone(), (*value).clone())]),
            credits: sum.credits,
        };
        labels.iter().zip(sums).map(rate).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn resolution(values: &[&str]) -> Parameter {
        Parameter {
            name: "resolution".into(),
            values: values.iter().map(|value| json!(value)).collect(),
            ..Parameter::default()
        }
    }

    fn read(text: &str, values: &[&str]) -> Option<(Basis, Vec<(String, f64)>)> {
        let resolution = resolution(values);
        let prices = prices(text, (!values.is_empty()).then_some(&resolution), "2026-10-01")?;
        let rates = prices.rates.iter().map(|rate| {
            let when =
                rate.when.values().next().and_then(|value| value.as_str()).unwrap_or_default();
            (when.to_owned(), rate.credits)
        });
        Some((prices.basis, rates.collect()))
    }

    #[test]
    fn the_credits_of_a_text_are_found() {
        let bonus = "\nHigh-tier top-ups (+10% bonus) bring effective pricing down by 99 credits.";
        assert_eq!(
            credits(&format!(
                "A 5-second video costs 160 credits ($0.80), a 10-second one 320 credits.{bonus}"
            )),
            [160.0, 320.0]
        );
        assert_eq!(credits("flat 0.8 Kie credits per image"), [0.8]);
        assert_eq!(credits("Input 1,430 credits / 1M tokens"), [1430.0]);
        assert_eq!(credits("Check Voice is free."), [0.0]);
        assert_eq!(credits("Price ≈ $0.03 per megapixel"), Vec::<f64>::new());
    }

    #[test]
    fn only_plain_prices_become_rates() {
        let at = |name: &str, credits: f64| (name.to_owned(), credits);
        assert_eq!(
            read("8 credits per second (~$0.04).", &[]),
            Some((Basis::Second, vec![at("", 8.0)]))
        );
        assert_eq!(
            read("Costs 2 credits per request (≈ $0.01).", &[]),
            Some((Basis::Clip, vec![at("", 2.0)]))
        );
        let both = Some((Basis::Second, vec![at("720p", 18.0), at("1080p", 22.5)]));
        let values = ["720p", "1080p"];
        assert_eq!(
            read("720P: 18 credits/s (≈$0.09), 1080P: 22.5 credits/s (≈$0.1125).", &values),
            both
        );
        assert_eq!(
            read("18 credits/s ($0.1) for 720 p or 22.5 credits/s ($0.1) for 1080 p ", &values),
            both
        );
        assert_eq!(
            read(
                "18 credits per second for 720p (~$0.1) and 22.5 credits per second for 1080p",
                &values
            ),
            both
        );
        for unclear in [
            "18 credits/s for 720p",
            "480p: 2 credits/s, 720p: 18 credits/s",
            "720p: 18 credits/s, with audio 20 credits/s; 1080p: 22 credits/s",
            "480p — 2.4 credits/s ($0.012/s, with video) | 3.8 credits/s ($0.019/s, no video)",
            "HD video 5 s no-audio 55 credits ($0.28) / 10 s no-audio 110 credits ($0.55)",
            "",
        ] {
            assert_eq!(read(unclear, &values), None, "{unclear}");
        }
    }
}
