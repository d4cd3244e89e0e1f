//! Scripted faults: when the emulator misbehaves, and how.
//!
//! A script is a JSON, TOML or YAML file with one list, `rules`. The same document can be posted to
//! `/emulator/faults` while the emulator runs. A rule says what it matches and what it does:
//!
//! ```json
//! {"rules": [
//!   {"match": {"operation": "veo-generate", "calls": [2]}, "do": {"fault": "drop_after"}},
//!   {"match": {"family": "veo", "prompt": "lighthouse"},
//!    "do": {"fault": "fail", "code": 400, "message": "Your prompt was flagged"}},
//!   {"match": {"path": "/api/v1/veo/record-info", "probability": 0.1, "times": 5},
//!    "do": {"fault": "http_status", "status": 503}}
//! ]}
//! ```
//!
//! # What a rule matches
//!
//! Every condition given must hold; `{}` matches every request but those under `/emulator/`.
//!
//! | key | holds when |
//! |---|---|
//! | `operation` | the request is this one: `veo-generate`, `veo-extend`, `veo-read`, `veo-1080p`, `veo-4k`, `market-create`, `market-read`, `runway-generate`, `runway-extend`, `runway-read`, `aleph-generate`, `aleph-read`, `credit`, `download-url`, `upload-base64`, `upload-stream`, `upload-url`, `file` (a result), `link` (a result through a fresh link), `upload-file`; `create` stands for all that create a task, `read` for all that read one |
//! | `family` | `veo`, `market`, `runway`, `aleph`, `upload`, `download`, `account` |
//! | `path` | the path is this text, or starts with it where the text ends in `*` |
//! | `model` | the create, or the task the request is about, has this model |
//! | `prompt` | the prompt of the create, or of the task the request is about, contains this text |
//! | `task` | the request is about the task created as number so and so; the first is 1. A create has the number it is about to get |
//! | `calls` | of the requests that hold so far, only these; the first is 1 |
//! | `probability` | a draw from the seed is below this number between 0 and 1 |
//! | `times` | the rule was used fewer times than this |
//!
//! # What a rule does
//!
//! Faults of the answer; the first rule that matches wins. `accepted` tells whether the request was carried out
//! (a create: task made and charged) before it went wrong.
//!
//! | fault | effect |
//! |---|---|
//! | `http_status` | `status`, with an HTML page, as a proxy answers; `accepted` (default false) |
//! | `code` | HTTP 200 with `code` and `msg` in the body; `accepted` (default false) |
//! | `drop_before` | the connection is closed, nothing was carried out |
//! | `drop_after` | carried out, then the connection is closed without an answer |
//! | `stall` | silence for `ms`, then the connection is closed; `accepted` (default true) |
//! | `slow` | the right answer after `ms` |
//! | `broken_json`, `cut_json`, `wrong_types`, `html_200` | carried out, and the answer is unreadable in this way |
//! | `duplicate_answer` | carried out, but the answer is that of the create before it |
//! | `redirect` | 302 to the same path on another host |
//! | `cut_body` | true headers, the first `bytes` of the body (default half), then the connection is closed |
//! | `wrong_length` | `Content-Length` promises `extra` bytes more (default 1000) than are sent |
//! | `gone` | a file answers `status` (default 404), as an expired one does |
//! | `wrong_content` | a file is `html`, `other_clip` or `empty` (`content`) |
//!
//! Faults of a task, bound to it when it is created (match the create); every rule that matches is bound.
//!
//! | fault | effect |
//! |---|---|
//! | `fail` | the task fails with `code` and `message`, `after_ms` from its creation (default: its usual time); `charged` (default false) keeps the money |
//! | `stuck` | the task never ends |
//! | `slow_task` | the task takes `ms` longer |
//! | `success_without_url` | it succeeds, but the first `reads` reads of it (default: all) show no address |
//! | `backwards` | after the first read that showed the end, `reads` reads (default 1) show it running again |
//! | `invisible` | for `ms` after its creation the record does not exist |
//! | `double_length` | the clip is twice as long as asked for |
//! | `price` | it costs `credits` |
//! | `upgrade_fails` | 1080p and 4K versions of it end in an error; the money comes back |

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::route::Operation;

/// A document of rules.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The rules, in the order they are tried.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// When.
    #[serde(default, rename = "match")]
    pub matches: Matches,
    /// What.
    #[serde(rename = "do")]
    pub does: Fault,
}

/// The conditions of a rule; see the module's page.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Matches {
    /// The name of the operation, or `create` or `read`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The API family.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// The path, or its beginning followed by `*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// A part of the prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The number of the task, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<u64>,
    /// Which of the matching requests, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<Vec<u64>>,
    /// The chance of each matching request, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// At most so many uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

/// What a file holds in place of its clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WrongContent {
    /// An HTML page.
    Html,
    /// A playable clip that belongs to no task.
    OtherClip,
    /// Nothing at all.
    Empty,
}

const fn yes() -> bool {
    true
}
const fn one() -> u32 {
    1
}
const fn thousand() -> u64 {
    1000
}
const fn not_found() -> u16 {
    404
}

/// What goes wrong; see the module's page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "the table at the head of this module describes every fault and its fields"
)]
pub enum Fault {
    HttpStatus {
        status: u16,
        #[serde(default)]
        accepted: bool,
    },
    Code {
        code: i64,
        #[serde(default)]
        msg: String,
        #[serde(default)]
        accepted: bool,
    },
    DropBefore {},
    DropAfter {},
    Stall {
        ms: u64,
        #[serde(default = "yes")]
        accepted: bool,
    },
    Slow {
        ms: u64,
    },
    BrokenJson {},
    CutJson {},
    WrongTypes {},
    #[serde(rename = "html_200")]
    Html200 {},
    DuplicateAnswer {},
    Redirect {},
    CutBody {
        #[serde(default)]
        bytes: Option<u64>,
    },
    WrongLength {
        #[serde(default = "thousand")]
        extra: u64,
    },
    Gone {
        #[serde(default = "not_found")]
        status: u16,
    },
    WrongContent {
        content: WrongContent,
    },
    Fail {
        code: i64,
        message: String,
        #[serde(default)]
        after_ms: Option<i64>,
        #[serde(default)]
        charged: bool,
    },
    Stuck {},
    SlowTask {
        ms: i64,
    },
    SuccessWithoutUrl {
        #[serde(default)]
        reads: Option<u32>,
    },
    Backwards {
        #[serde(default = "one")]
        reads: u32,
    },
    Invisible {
        ms: i64,
    },
    DoubleLength {},
    Price {
        credits: f64,
    },
    UpgradeFails {},
}

impl Fault {
    /// Its name in scripts and in the bill.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::HttpStatus { .. } => "http_status",
            Self::Code { .. } => "code",
            Self::DropBefore {} => "drop_before",
            Self::DropAfter {} => "drop_after",
            Self::Stall { .. } => "stall",
            Self::Slow { .. } => "slow",
            Self::BrokenJson {} => "broken_json",
            Self::CutJson {} => "cut_json",
            Self::WrongTypes {} => "wrong_types",
            Self::Html200 {} => "html_200",
            Self::DuplicateAnswer {} => "duplicate_answer",
            Self::Redirect {} => "redirect",
            Self::CutBody { .. } => "cut_body",
            Self::WrongLength { .. } => "wrong_length",
            Self::Gone { .. } => "gone",
            Self::WrongContent { .. } => "wrong_content",
            Self::Fail { .. } => "fail",
            Self::Stuck {} => "stuck",
            Self::SlowTask { .. } => "slow_task",
            Self::SuccessWithoutUrl { .. } => "success_without_url",
            Self::Backwards { .. } => "backwards",
            Self::Invisible { .. } => "invisible",
            Self::DoubleLength {} => "double_length",
            Self::Price { .. } => "price",
            Self::UpgradeFails {} => "upgrade_fails",
        }
    }

    /// Whether it is bound to a task rather than to one answer.
    #[must_use]
    pub const fn of_task(&self) -> bool {
        matches!(
            self,
            Self::Fail { .. }
                | Self::Stuck {}
                | Self::SlowTask { .. }
                | Self::SuccessWithoutUrl { .. }
                | Self::Backwards { .. }
                | Self::Invisible { .. }
                | Self::DoubleLength {}
                | Self::Price { .. }
                | Self::UpgradeFails {}
        )
    }
}

/// The names of all faults.
pub const NAMES: &[&str] = &[
    "http_status",
    "code",
    "drop_before",
    "drop_after",
    "stall",
    "slow",
    "broken_json",
    "cut_json",
    "wrong_types",
    "html_200",
    "duplicate_answer",
    "redirect",
    "cut_body",
    "wrong_length",
    "gone",
    "wrong_content",
    "fail",
    "stuck",
    "slow_task",
    "success_without_url",
    "backwards",
    "invisible",
    "double_length",
    "price",
    "upgrade_fails",
];

/// What a request is about, as far as rules can ask.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The operation.
    pub operation: Operation,
    /// The path as it was sent.
    pub path: &'a str,
    /// The model of the create or of the task.
    pub model: &'a str,
    /// The prompt of the create or of the task.
    pub prompt: &'a str,
    /// The number of the task, or the one that a create would get; 0 when there is none.
    pub task: u64,
}

/// The faults that strike one request.
#[derive(Debug, Clone, Default)]
pub struct Strike {
    /// What is wrong with the answer.
    pub answer: Option<Fault>,
    /// What is bound to the task, if the request creates one.
    pub task: Vec<Fault>,
}

/// The rules with how often each held and was used.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Faults {
    rules: Vec<(Rule, u64, u64)>,
}

impl Faults {
    /// Adds rules behind those that are there.
    pub fn add(&mut self, script: &Script) {
        self.rules.extend(script.rules.iter().map(|rule| (rule.clone(), 0, 0)));
    }

    /// How often each rule was used, by its place from 1 and its fault's name.
    #[must_use]
    pub fn uses(&self) -> BTreeMap<String, u64> {
        let named = self.rules.iter().enumerate();
        named
            .map(|(place, (rule, _, used))| (format!("{}:{}", place + 1, rule.does.name()), *used))
            .collect()
    }

    /// The faults for a request, which counts as one more for every rule whose conditions hold.
    pub fn strike(&mut self, seed: u64, subject: &Subject<'_>) -> Strike {
        let mut strike = Strike::default();
        for (place, (rule, held, used)) in self.rules.iter_mut().enumerate() {
            if rule.does.of_task() && !subject.operation.creates() {
                continue;
            }
            if !rule.matches.hold(subject) {
                continue;
            }
            *held += 1;
            if rule.matches.calls.as_ref().is_some_and(|calls| !calls.contains(held))
                || rule.matches.times.is_some_and(|times| *used >= times)
                || rule
                    .matches
                    .probability
                    .is_some_and(|chance| draw(seed, place as u64, *held) >= chance)
            {
                continue;
            }
            if rule.does.of_task() {
                *used += 1;
                strike.task.push(rule.does.clone());
            } else if strike.answer.is_none() {
                *used += 1;
                strike.answer = Some(rule.does.clone());
            }
        }
        strike
    }
}

impl Matches {
    fn hold(&self, subject: &Subject<'_>) -> bool {
        let operation = |wanted: &String| match wanted.as_str() {
            "create" => subject.operation.creates(),
            "read" => subject.operation.reads(),
            name => name == subject.operation.name(),
        };
        let path = |wanted: &String| match wanted.strip_suffix('*') {
            Some(beginning) => subject.path.starts_with(beginning),
            None => subject.path == wanted,
        };
        self.operation.as_ref().is_none_or(operation)
            && self.family.as_ref().is_none_or(|family| family == subject.operation.family())
            && self.path.as_ref().is_none_or(path)
            && self.model.as_ref().is_none_or(|model| model == subject.model)
            && self.prompt.as_ref().is_none_or(|part| subject.prompt.contains(part.as_str()))
            && self.task.is_none_or(|task| task == subject.task)
    }
}

/// A number in `0.0..1.0` that depends on these three numbers and on nothing else.
fn draw(seed: u64, place: u64, count: u64) -> f64 {
    let mixed = super::mix(
        seed ^ place.rotate_left(32) ^ count.rotate_left(17).wrapping_mul(0x9E37_79B9_7F4A_7C15),
    );
    (mixed >> 11) as f64 / (1u64 << 53) as f64
}

impl Script {
    /// Reads a script in JSON, TOML or YAML, told apart by the file's extension (JSON when there is none).
    ///
    /// # Errors
    ///
    /// Text with the place of the problem, from the reader of the format.
    pub fn parse(text: &str, extension: &str) -> Result<Self, String> {
        let script: Self = match extension {
            "toml" => toml::from_str(text).map_err(|error| error.to_string())?,
            "yaml" | "yml" => serde_saphyr::from_str(text).map_err(|error| error.to_string())?,
            _ => serde_json::from_str(text).map_err(|error| error.to_string())?,
        };
        script.check()?;
        Ok(script)
    }

    /// Finds what serde cannot: names of operations and families that do not exist, chances outside 0 to 1.
    ///
    /// # Errors
    ///
    /// Text that names the rule, what is wrong and what is allowed.
    pub fn check(&self) -> Result<(), String> {
        for (place, rule) in self.rules.iter().enumerate() {
            let place = place + 1;
            if let Some(name) = &rule.matches.operation
                && !["create", "read"].contains(&name.as_str())
                && Operation::ALL.iter().all(|operation| operation.name() != name)
            {
                let names: Vec<&str> =
                    Operation::ALL.iter().map(|operation| operation.name()).collect();
                return Err(format!(
                    "rule {place}: no operation is called `{name}`; use `create`, `read` or one of {}",
                    names.join(", ")
                ));
            }
            if let Some(name) = &rule.matches.family
                && Operation::ALL.iter().all(|operation| operation.family() != name)
            {
                return Err(format!("rule {place}: no family is called `{name}`"));
            }
            if rule.matches.probability.is_some_and(|chance| !(0.0..=1.0).contains(&chance)) {
                return Err(format!("rule {place}: `probability` must be between 0 and 1"));
            }
            if let Fault::HttpStatus { status, .. } | Fault::Gone { status } = rule.does
                && !(200..=599).contains(&status)
            {
                return Err(format!("rule {place}: `status` must be between 200 and 599"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(operation: Operation, prompt: &str) -> Subject<'_> {
        Subject { operation, path: "/api/v1/veo/generate", model: "veo3", prompt, task: 1 }
    }

    #[test]
    fn the_three_formats_say_the_same() {
        let json = r#"{"rules": [{"match": {"operation": "veo-generate", "calls": [2]}, "do": {"fault": "stall", "ms": 5}}]}"#;
        let toml = "[[rules]]\nmatch = {operation = \"veo-generate\", calls = [2]}\ndo = {fault = \"stall\", ms = 5}\n";
        let yaml = "rules:\n  - match: {operation: veo-generate, calls: [2]}\n    do: {fault: stall, ms: 5}\n";
        let script = Script::parse(json, "json").expect("a good script");
        assert_eq!(script.rules[0].does, Fault::Stall { ms: 5, accepted: true });
        assert_eq!(Script::parse(toml, "toml"), Ok(script.clone()));
        assert_eq!(Script::parse(yaml, "yaml"), Ok(script));
    }

    #[test]
    fn every_name_is_a_fault_and_every_fault_is_named_so() {
        for name in NAMES {
            let text = format!(
                r#"{{"fault": "{name}", "status": 404, "code": 500, "ms": 1, "content": "html", "message": "m", "credits": 1}}"#
            );
            let mut fields: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(&text).expect("JSON");
            // Fields that this fault does not take are named in the error one by one.
            let fault: Fault = loop {
                match serde_json::from_value(fields.clone().into()) {
                    Ok(fault) => break fault,
                    Err(error) => {
                        let error = error.to_string();
                        let field = error.split('`').nth(1).unwrap_or_default();
                        assert!(
                            error.starts_with("unknown field") && fields.remove(field).is_some(),
                            "{name}: {error}"
                        );
                    }
                }
            };
            assert_eq!(fault.name(), *name);
        }
    }

    #[test]
    fn mistakes_are_named() {
        let problem = |text: &str| Script::parse(text, "json").expect_err("a bad script");
        assert!(problem(r#"{"rules": [{"do": {"fault": "explode"}}]}"#).contains("explode"));
        assert!(problem(r#"{"rules": [{"do": {"fault": "slow"}}]}"#).contains("ms"));
        assert!(
            problem(r#"{"rules": [{"do": {"fault": "slow", "ms": 1, "s": 2}}]}"#).contains('s')
        );
        assert!(
            problem(r#"{"rules": [{"match": {"operation": "veo"}, "do": {"fault": "stuck"}}]}"#)
                .contains("veo-generate")
        );
        assert!(
            problem(r#"{"rules": [{"match": {"probability": 2}, "do": {"fault": "stuck"}}]}"#)
                .contains("between 0 and 1")
        );
    }

    #[test]
    fn calls_times_and_chances_are_counted_for_each_rule() {
        let mut faults = Faults::default();
        let text = r#"{"rules": [
            {"match": {"operation": "create", "calls": [2]}, "do": {"fault": "drop_after"}},
            {"match": {"prompt": "kite", "times": 1}, "do": {"fault": "stuck"}},
            {"match": {"operation": "veo-read", "probability": 0.5}, "do": {"fault": "drop_before"}}]}"#;
        faults.add(&Script::parse(text, "json").expect("a good script"));
        let first = faults.strike(1, &subject(Operation::VeoGenerate, "a red kite"));
        assert!(first.answer.is_none());
        assert_eq!(first.task, vec![Fault::Stuck {}]);
        let second = faults.strike(1, &subject(Operation::VeoGenerate, "a red kite"));
        assert_eq!(second.answer, Some(Fault::DropAfter {}));
        assert!(second.task.is_empty());
        let struck = (0..1000)
            .filter(|_| faults.strike(1, &subject(Operation::VeoRead, "")).answer.is_some())
            .count();
        assert!((400..600).contains(&struck), "{struck} of 1000 with probability 0.5");
        assert_eq!(faults.uses()["2:stuck"], 1);
    }
}
