//! The provider's behaviour in virtual time, against what its pages and recordings show.

mod account;
mod callbacks;
mod control;
mod discovery;
mod files;
mod market;
mod script;
mod uploads;
mod veo;

use serde_json::{Value, json};

use super::account::{Credits, Rate};
use super::faults::Script;
use super::route::Operation;
use super::*;

const START: i64 = 1_790_000_000_123;
const DAY: i64 = 86_400_000;

struct World {
    emulator: Emulator,
    now: i64,
}

impl World {
    fn new() -> Self {
        Self::with(Options::default())
    }

    fn with(options: Options) -> Self {
        Self { emulator: Emulator::new(options), now: START }
    }

    fn scripted(rules: Value) -> Self {
        let script =
            Script::parse(&json!({"rules": rules}).to_string(), "json").expect("a good script");
        Self::with(Options { script, ..Options::default() })
    }

    fn wait(&mut self, ms: i64) -> &mut Self {
        self.now += ms;
        self
    }

    fn send(&mut self, request: Request) -> Answer {
        let request = request.with_header("user-agent", "tests").with_key("secret");
        self.emulator.exchange(self.now, &request).expect("a clip")
    }

    fn get(&mut self, target: &str) -> Value {
        let answer = self.send(Request::new("GET", target));
        assert_eq!(answer.status, 200, "{target}");
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    fn post(&mut self, target: &str, body: Value) -> Value {
        let answer = self.send(Request::new("POST", target).with_json(&body));
        assert_eq!(answer.status, 200, "{target}");
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    fn task(&mut self, target: &str, body: Value) -> String {
        let answer = self.post(target, body);
        answer["data"]["taskId"]
            .as_str()
            .unwrap_or_else(|| panic!("no task in {answer}"))
            .to_owned()
    }

    fn veo(&mut self, prompt: &str) -> String {
        self.task("/api/v1/veo/generate", json!({"prompt": prompt}))
    }

    fn veo_record(&mut self, id: &str) -> Value {
        self.get(&format!("/api/v1/veo/record-info?taskId={id}"))
    }

    /// A plain download without a key.
    fn download(&mut self, url: &str) -> Answer {
        let path = url
            .split_once("://")
            .and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]))
            .expect("a path");
        let request = Request::new("GET", path).with_header("user-agent", "tests");
        self.emulator.exchange(self.now, &request).expect("a clip")
    }

    fn credits(&mut self) -> f64 {
        self.get("/api/v1/chat/credit")["data"].as_f64().expect("a number")
    }
}
