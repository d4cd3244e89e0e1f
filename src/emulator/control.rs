//! The emulator's own paths, under `/emulator/`. They need no key.

use serde_json::{Value, json};

use super::account::Credits;
use super::faults::Script;
use super::state::Memory;
use super::{Emulator, Reply, Request};

/// The furthest the clock moves at once: a century.
const LONGEST_JUMP_MS: i64 = 100 * 366 * 86_400_000;

impl Emulator {
    pub(super) fn control(&mut self, request: &Request) -> Reply {
        let body = || serde_json::from_slice::<Value>(&request.body).unwrap_or(Value::Null);
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/emulator/bill") => document(&self.bill()),
            ("GET", "/emulator/judge") => document(&self.bill().judge()),
            ("GET", "/emulator/requests") => document(&self.memory.log),
            ("POST", "/emulator/reset") => {
                self.memory = Memory::new(&self.options);
                self.seen_keys.clear();
                self.revision += 1;
                Reply::json(200, &json!({"reset": true}))
            }
            ("POST", "/emulator/faults") => {
                let text = String::from_utf8_lossy(&request.body);
                match Script::parse(&text, "json") {
                    Ok(script) => {
                        self.add_faults(&script);
                        self.revision += 1;
                        Reply::json(200, &json!({"added": script.rules.len()}))
                    }
                    Err(problem) => wrong(&problem),
                }
            }
            ("POST", "/emulator/clock") => match body().get("advance_ms").and_then(Value::as_i64) {
                Some(ms) if (0..=LONGEST_JUMP_MS).contains(&ms) => {
                    self.advance(ms);
                    Reply::json(200, &json!({"ahead_ms": self.memory.shift_ms}))
                }
                _ => {
                    wrong("`advance_ms` must be a whole number of milliseconds, at most a century")
                }
            },
            ("POST", "/emulator/credits") => match body().get("credits").and_then(Value::as_f64) {
                Some(credits) if credits.abs() <= 1e12 => {
                    self.memory.balance = Credits::from_f64(credits);
                    self.revision += 1;
                    Reply::json(200, &json!({"credits": self.memory.balance.to_json()}))
                }
                _ => wrong("`credits` must be a number"),
            },
            _ => {
                Reply::json(404, &json!({"error": "no such path; see `storyreel emulator --help`"}))
            }
        }
    }
}

fn document(value: &impl serde::Serialize) -> Reply {
    match serde_json::to_value(value) {
        Ok(value) => Reply::json(200, &value),
        Err(error) => Reply::json(500, &json!({"error": error.to_string()})),
    }
}

fn wrong(problem: &str) -> Reply {
    Reply::json(400, &json!({"error": problem}))
}
