//! The discovery API: which models there are, what they take, what they cost and how they fare.
//!
//! Shapes and texts are those of recorded answers (2026-10-01) and of the provider's own pages for agents. The list
//! holds the market's models, that is what `createTask` runs, and no chat or music models.

use serde_json::{Value, json};

use super::market::UNKNOWN_MODEL;
use super::market_rows::Row;
use super::openapi;
use super::route::about_model;
use super::tasks::Media;
use super::{Call, Emulator, Operation, Outcome, Reply};

/// The width of a point of the success rate.
const POINT_MS: i64 = 10 * 60_000;
/// The success rate tells of a day.
const POINTS: i64 = 144;

impl Emulator {
    pub(super) fn discover(&mut self, call: &Call<'_>) -> Reply {
        if self.memory.discovery.grant(call.now, self.options.discovery).is_none() {
            self.memory.bill.discovery_refused += 1;
            return Reply::refuse(429, "Your call frequency is too high. Please try again later.");
        }
        if call.operation == Operation::Models {
            return self.models(call);
        }
        let (id, _) = about_model(&call.request.path).unwrap_or_default();
        let Some(row) = self.options.market.row(id).filter(|row| !row.retired) else {
            return Reply::refuse(404, UNKNOWN_MODEL);
        };
        let data = match call.operation {
            Operation::ModelSchema => {
                let document = row.schema.then(|| openapi::document(row));
                json!({"model": id, "openapi": document})
            }
            Operation::ModelPrice => json!({"model": id, "pricingDesc": row.price_told()}),
            _ => json!({"model": id, "points": self.success_rate(id, call.now)}),
        };
        Reply::success(&data)
    }

    fn models(&self, call: &Call<'_>) -> Reply {
        let wanted = |name: &str| {
            call.request.query_value(name).map(str::trim).filter(|value| !value.is_empty())
        };
        let tasks: Vec<&str> =
            wanted("taskType").unwrap_or_default().split(',').map(str::trim).collect();
        let is_task = |row: &Row| {
            tasks == [""]
                || row
                    .tasks_told()
                    .iter()
                    .any(|own| tasks.iter().any(|t| t.eq_ignore_ascii_case(own)))
        };
        let is_provider = |row: &Row| {
            wanted("provider").is_none_or(|name| name.eq_ignore_ascii_case(&row.provider_told()))
        };
        let holds = |row: &Row| {
            wanted("q").is_none_or(|word| {
                let word = word.to_lowercase();
                row.id.to_lowercase().contains(&word)
                    || row.title_told().to_lowercase().contains(&word)
            })
        };
        let rows = self.options.market.rows().filter(|row| !row.retired);
        let models: Vec<Value> = rows
            .filter(|row| is_task(row) && is_provider(row) && holds(row))
            .map(|row| {
                json!({
                    "model": row.id,
                    "slug": row.id,
                    "title": row.title_told(),
                    "provider": row.provider_told(),
                    "taskType": row.tasks_told(),
                    "description": null,
                    "pricingDesc": row.price_told(),
                })
            })
            .collect();
        Reply::success(&json!({"total": models.len(), "models": models}))
    }

    /// The last day in points of ten minutes; none at all for a model without a task in it.
    fn success_rate(&self, id: &str, now: i64) -> Vec<Value> {
        let first = (now.div_euclid(POINT_MS) - POINTS + 1) * POINT_MS;
        let ended: Vec<(i64, bool)> = self
            .memory
            .tasks
            .iter()
            .filter(|task| task.model == id)
            .filter_map(|task| Some((task.completed()?, task.outcome == Outcome::Success)))
            .filter(|(at, _)| *at >= first)
            .collect();
        if ended.is_empty() {
            return Vec::new();
        }
        let time = |ms: i64| {
            let time = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
            time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
        };
        let point = |number: i64| {
            let (start, end) = (first + number * POINT_MS, first + (number + 1) * POINT_MS);
            let here: Vec<bool> = ended
                .iter()
                .filter(|(at, _)| (start..end).contains(at))
                .map(|(_, ok)| *ok)
                .collect();
            let good = here.iter().filter(|ok| **ok).count();
            let share = |count: usize| match here.len() {
                0 => Value::Null,
                all => json!((count * 1000 / all) as f64 / 10.0),
            };
            json!({
                "start": time(start),
                "end": time(end),
                "successRate": share(good),
                "errorRate": share(here.len() - good),
                "isNormal": good * 2 >= here.len(),
            })
        };
        (0..POINTS).map(point).collect()
    }
}

impl Row {
    /// Its name in the list.
    fn title_told(&self) -> String {
        let word = |word: &str| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>())
        };
        let made = || {
            let words: Vec<String> = self.id.split(['/', '-', '_']).filter_map(word).collect();
            words.join(" ")
        };
        self.title.clone().unwrap_or_else(made)
    }

    /// Who made the model, as the list spells it.
    fn provider_told(&self) -> String {
        let first = self.id.split(['/', '-', '2']).next().unwrap_or_default();
        match first {
            "kling" => "Kling",
            "bytedance" | "seedream" => "ByteDance",
            "wan" | "qwen" | "z" => "Alibaba",
            "hailuo" | "minimax" => "MiniMax",
            "google" | "gemini" | "nano" | "veo" => "Google",
            "grok" => "Grok",
            "runway" => "Runway",
            "topaz" => "Topaz",
            "ideogram" => "Ideogram",
            "recraft" => "Recraft",
            "elevenlabs" => "ElevenLabs",
            "gpt" | "sora" => "OpenAI",
            _ => "Other",
        }
        .to_owned()
    }

    /// The kinds of work that the list names.
    fn tasks_told(&self) -> Vec<String> {
        if !self.tasks.is_empty() {
            return self.tasks.clone();
        }
        let task = match self.media {
            Media::Video if self.has_field("image_url") || self.has_field("image_urls") => {
                "Image to Video"
            }
            Media::Video => "Text to Video",
            Media::Image => "Text to Image",
            Media::Audio => "Text to Speech",
            Media::Json => "Image Editing",
        };
        vec![task.to_owned()]
    }

    /// Its price in prose, as the list has it.
    fn price_told(&self) -> Option<String> {
        if self.price_text.is_some() {
            return self.price_text.clone();
        }
        let price = self.price.as_ref().filter(|price| !price.rates.is_empty())?;
        let unit = match price.basis.as_str() {
            "free" => return Some(format!("{} is free.", self.title_told())),
            "per_second" => " per second",
            "per_input_second" => " per second of input",
            "per_input_and_output_second" => " per second of input and output",
            "per_image" => " per image",
            "per_1000_chars" => " per 1000 characters",
            "per_million_tokens" => " / 1M tokens",
            _ => " per video",
        };
        let told = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let rates: Vec<String> = price
            .rates
            .iter()
            .map(|rate| {
                let when: Vec<String> = rate
                    .when
                    .iter()
                    .map(|(name, value)| format!("{name} {}", told(value)))
                    .collect();
                let when = if when.is_empty() {
                    String::new()
                } else {
                    format!(" for {}", when.join(", "))
                };
                let dollars = (rate.credits * 0.005 * 10_000.0).round() / 10_000.0;
                format!("{} credits (${dollars}){unit}{when}", rate.credits)
            })
            .collect();
        Some(format!(
            "{}.\nHigh-tier top-ups (+10% bonus) bring effective pricing down to ~10% off the above rates.",
            rates.join("; ")
        ))
    }
}
