//! Ways for the provider to misbehave: every class of answer, and everything that a record or a file can be.

use crate::support::Dice;
use serde_json::{Value, json};
use storyreel::emulator::faults::Script;

fn rule(operation: &str, chance: f64, does: Value) -> Value {
    json!({"match": {"operation": operation, "probability": chance}, "do": does})
}

fn storm(chance: f64, times: u64, does: Value) -> Value {
    json!({"match": {"operation": "create", "probability": chance, "times": times}, "do": does})
}

fn code(code: i64, msg: &str) -> Value {
    json!({"fault": "code", "code": code, "msg": msg})
}

fn status(status: u16) -> Value {
    json!({"fault": "http_status", "status": status})
}

fn plain(fault: &str) -> Value {
    json!({ "fault": fault })
}

/// A few of many ways to misbehave, each with its own chance.
pub(crate) fn script(dice: &mut Dice) -> Script {
    let rules: Vec<Value> = answers_to_creates()
        .into_iter()
        .chain(answers_to_reads())
        .chain(files())
        .chain(tasks())
        .filter(|_| dice.chance(10))
        .collect();
    Script::parse(&json!({"rules": rules}).to_string(), "json").expect("the rules are well formed")
}

/// Every class of the outcome of a create.
fn answers_to_creates() -> Vec<Value> {
    let mut rules = vec![
        // Certainly not accepted, and passing.
        storm(0.4, 6, code(429, "slow down")),
        storm(0.3, 4, code(455, "maintenance")),
        storm(0.2, 5, status(429)),
        storm(0.9, 12, code(429, "storm")),
        // Certainly not accepted.
        rule("create", 0.05, code(422, "bad parameter")),
        rule("create", 0.05, code(500, "duration is not within the range of allowed options")),
        rule("create", 0.03, code(401, "You do not have access permissions")),
        rule("create", 0.03, code(402, "The current credits are insufficient")),
        rule("create", 0.03, code(433, "the usage of this key is over its limit")),
        rule("create", 0.05, status(404)),
        // Lost answers, before and after acceptance.
        rule("create", 0.05, plain("drop_before")),
        rule("create", 0.05, plain("drop_after")),
        rule("create", 0.05, json!({"fault": "stall", "ms": 90_000})),
        rule("create", 0.05, json!({"fault": "stall", "ms": 150_000, "accepted": false})),
        // Late answers, within the client's patience and beyond it.
        rule("create", 0.2, json!({"fault": "slow", "ms": 4_000})),
        rule("create", 0.05, json!({"fault": "slow", "ms": 119_000})),
        rule("create", 0.05, json!({"fault": "slow", "ms": 150_000})),
        // Answers that tell nothing, of carried out requests and others.
        rule("create", 0.05, code(500, "oops")),
        rule(
            "create",
            0.05,
            json!({"fault": "code", "code": 500, "msg": "oops", "accepted": true}),
        ),
        rule(
            "create",
            0.05,
            json!({"fault": "code", "code": 501, "msg": "failed", "accepted": true}),
        ),
        rule("create", 0.05, json!({"fault": "code", "code": 408, "msg": "", "accepted": true})),
        rule("create", 0.1, plain("duplicate_answer")),
    ];
    for wanted in [400, 404, 451, 505] {
        rules.push(rule("create", 0.05, code(wanted, "refused")));
    }
    for accepted in [502, 503, 504, 520, 403] {
        rules.push(rule(
            "create",
            0.05,
            json!({"fault": "http_status", "status": accepted, "accepted": accepted != 403}),
        ));
    }
    for fault in ["broken_json", "cut_json", "wrong_types", "html_200", "redirect"] {
        rules.push(rule("create", 0.05, plain(fault)));
    }
    rules
}

fn answers_to_reads() -> Vec<Value> {
    let mut rules = vec![
        rule("read", 0.2, status(503)),
        rule("read", 0.1, status(429)),
        rule("read", 0.2, code(500, "oops")),
        rule("read", 0.1, code(408, "")),
        rule("read", 0.1, code(455, "maintenance")),
        rule("read", 0.2, json!({"fault": "slow", "ms": 25_000})),
        rule("read", 0.1, json!({"fault": "slow", "ms": 40_000})),
        rule("veo-1080p", 0.3, plain("drop_after")),
        rule("veo-1080p", 0.3, code(500, "oops")),
        rule("veo-4k", 0.3, plain("broken_json")),
        rule("veo-4k", 0.3, json!({"fault": "slow", "ms": 40_000})),
        rule("download-url", 0.3, code(500, "oops")),
        rule("credit", 0.5, plain("drop_before")),
        rule("credit", 0.5, json!({"fault": "slow", "ms": 8_000})),
        rule("upload-stream", 0.3, code(500, "oops")),
        rule("upload-stream", 0.2, plain("drop_after")),
        rule("upload-stream", 0.2, plain("html_200")),
    ];
    for fault in
        ["broken_json", "cut_json", "wrong_types", "html_200", "drop_after", "duplicate_answer"]
    {
        rules.push(rule("read", 0.2, plain(fault)));
    }
    rules
}

fn files() -> Vec<Value> {
    let mut rules = vec![
        rule("file", 0.3, plain("cut_body")),
        rule("file", 0.3, plain("wrong_length")),
        rule("file", 0.2, json!({"fault": "slow", "ms": 30_000})),
        rule("file", 0.2, status(500)),
    ];
    for wanted in [403, 404, 410] {
        rules.push(rule("file", 0.2, json!({"fault": "gone", "status": wanted})));
    }
    for content in ["html", "empty"] {
        rules.push(rule("file", 0.2, json!({"fault": "wrong_content", "content": content})));
    }
    rules
}

fn tasks() -> Vec<Value> {
    let fail =
        |code: i64, message: &str| json!({"fault": "fail", "code": code, "message": message});
    vec![
        rule("create", 0.2, fail(500, "internal error, please try again later")),
        rule(
            "create",
            0.1,
            fail(400, "Your prompt was flagged by Website as violating content policies."),
        ),
        rule("create", 0.1, fail(422, "rejected by Flow(unsafe image)")),
        rule("create", 0.1, fail(451, "the image could not be fetched")),
        rule("create", 0.05, fail(501, "generation failed")),
        rule(
            "create",
            0.05,
            json!({"fault": "fail", "code": 500, "message": "internal error", "charged": true}),
        ),
        rule("create", 0.05, plain("stuck")),
        rule("create", 0.2, json!({"fault": "success_without_url", "reads": 2})),
        rule("create", 0.05, plain("success_without_url")),
        rule("create", 0.3, json!({"fault": "backwards", "reads": 2})),
        rule("create", 0.3, json!({"fault": "invisible", "ms": 20_000})),
        rule("create", 0.2, json!({"fault": "slow_task", "ms": 60_000})),
        rule("create", 0.2, plain("double_length")),
        rule("create", 0.05, json!({"fault": "price", "credits": 13.5})),
        rule("create", 0.1, plain("upgrade_fails")),
    ]
}
