//! What the emulator notices about requests: counts, leaks of the key, uses of faults, the log.

use super::bill::{FaultUse, Leak, Logged};
use super::{Call, Emulator, Operation, Request};

/// How many lines of the request log are kept.
const LOG_LINES: usize = 20_000;

impl Emulator {
    /// Counts a request by its path and its program.
    pub(super) fn count(&mut self, request: &Request) {
        let folders = ["/files/", "/links/", "/kieai/", "/elsewhere/"];
        let path = folders
            .iter()
            .find(|folder| request.path.starts_with(**folder))
            .copied()
            .unwrap_or(&request.path);
        *self.memory.bill.requests.entry(format!("{} {path}", request.method)).or_default() += 1;
        let agent = request.header("user-agent").unwrap_or_default();
        match self.memory.bill.user_agents.get_mut(agent) {
            Some(count) => *count += 1,
            None => {
                self.memory.bill.user_agents.insert(agent.to_owned(), 1);
            }
        }
    }

    /// Looks for the key in places where it must never be.
    pub(super) fn look_for_leaks(
        &mut self,
        now: i64,
        operation: Option<Operation>,
        request: &Request,
    ) {
        let needs_key = operation.is_some_and(Operation::needs_key);
        let holds_key = |text: &str| {
            let mut keys = self.options.keys.iter().chain(&self.seen_keys);
            keys.any(|key| key.len() >= 4 && text.contains(key.as_str()))
        };
        let mut places = Vec::new();
        for (name, value) in &request.headers {
            let authorization = name.eq_ignore_ascii_case("authorization");
            if authorization && !needs_key && operation.is_some()
                || !authorization && holds_key(value)
            {
                places.push(format!("header {}", name.to_ascii_lowercase()));
            }
        }
        if request.query.iter().any(|(_, value)| holds_key(value)) {
            places.push("query".to_owned());
        }
        if holds_key(&request.path) {
            places.push("path".to_owned());
        }
        if let Ok(body) = std::str::from_utf8(&request.body)
            && body.len() < 65_536
            && holds_key(body)
        {
            places.push("body".to_owned());
        }
        for place in places {
            self.memory.bill.leaks.push(Leak { time_ms: now, path: request.path.clone(), place });
        }
    }

    /// Books the use of a fault.
    pub(super) fn note_fault(&mut self, call: &Call<'_>, name: &str, task_id: Option<String>) {
        *self.memory.bill.fault_counts.entry(name.to_owned()).or_default() += 1;
        self.memory.bill.faults.push(FaultUse {
            time_ms: call.now,
            name: name.to_owned(),
            operation: call.operation.name().to_owned(),
            path: call.request.path.clone(),
            task_id,
        });
    }

    #[expect(clippy::too_many_arguments, reason = "one argument for each column of the log")]
    pub(super) fn log(
        &mut self,
        time_ms: i64,
        request: &Request,
        operation: Option<Operation>,
        task_id: Option<String>,
        status: u16,
        code: Option<i64>,
        fault: Option<&str>,
    ) {
        if self.memory.log.len() >= LOG_LINES {
            self.memory.log.pop_front();
        }
        self.memory.log.push_back(Logged {
            time_ms,
            method: request.method.clone(),
            path: request.path.clone(),
            operation: operation.map_or("unknown", Operation::name).to_owned(),
            task_id,
            status,
            code,
            fault: fault.map(str::to_owned),
        });
    }
}
