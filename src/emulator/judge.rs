//! The verdict on a bill: what a careful client never does.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::bill::{Bill, State};

/// Something that a careful client never does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// What kind: `paid-twice`, `not-downloaded`, `upgrade-not-downloaded`, `wasted-field`, `key-leaked`,
    /// `window-overrun`, `read-too-often`, `discovery-too-often`, `too-many-running`, `unauthorized`, `no-user-agent`,
    /// `upgrade-paid-twice`.
    pub code: String,
    /// What happened, in one sentence.
    pub message: String,
    /// The task it concerns.
    pub task_id: Option<String>,
}

/// What a test expects beyond the ordinary.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// How many tasks may ask for the same clip, by a text that the create's `asks` contains; 1 where nothing matches.
    pub copies: BTreeMap<String, usize>,
    /// Tasks whose clip nobody is expected to take.
    pub left_behind: BTreeSet<String>,
    /// Whether finished clips may still lie at the provider (a run that was stopped before the end).
    pub unfinished: bool,
    /// The most tasks that may run at once; 100 when `None`.
    pub running: Option<u32>,
    /// Whether requests without a right key are part of the test.
    pub unauthorized: bool,
}

impl Bill {
    /// What was done wrong, when every create is meant to be paid once and every finished clip to be taken.
    #[must_use]
    pub fn judge(&self) -> Vec<Violation> {
        self.judge_with(&Expected::default())
    }

    /// The same with a test's own expectations.
    ///
    /// Tasks that failed do not count as copies: trying again after a failure is not paying twice. A clip that nobody
    /// could know of (no answer carried its task id, or no record its address) need not be taken.
    #[must_use]
    pub fn judge_with(&self, expected: &Expected) -> Vec<Violation> {
        let mut found = Vec::new();
        let mut say = |code: &str, task_id: Option<&String>, message: String| {
            found.push(Violation { code: code.to_owned(), message, task_id: task_id.cloned() });
        };

        let mut paid: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
        for create in &self.creates {
            if let Some(task_id) = &create.task_id
                && create.state != State::Failed
            {
                paid.entry(&create.asks).or_default().push(task_id);
            }
            for field in &create.wasted {
                say(
                    "wasted-field",
                    create.task_id.as_ref(),
                    format!("`{field}` means nothing to {}", create.path),
                );
            }
            let takeable =
                create.state == State::Succeeded && create.result_shown && !create.answer_lost;
            let taken = create.downloaded
                || create.task_id.as_ref().is_some_and(|id| expected.left_behind.contains(id));
            if takeable && !taken && !expected.unfinished {
                say(
                    "not-downloaded",
                    create.task_id.as_ref(),
                    "a paid clip was finished and never taken".into(),
                );
            }
        }
        for (asks, tasks) in paid {
            let allowed = expected
                .copies
                .iter()
                .find(|(part, _)| asks.contains(part.as_str()))
                .map_or(1, |(_, copies)| *copies);
            if tasks.len() > allowed {
                let message =
                    format!("{} tasks ask for one clip, {allowed} expected: {asks}", tasks.len());
                say("paid-twice", tasks.get(allowed).copied(), message);
            }
        }

        let mut versions: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for upgrade in &self.upgrades {
            if upgrade.state != State::Failed {
                *versions.entry((&upgrade.task_id, &upgrade.operation)).or_default() += 1;
            }
            let left = expected.unfinished || expected.left_behind.contains(&upgrade.task_id);
            if upgrade.state == State::Succeeded
                && upgrade.result_shown
                && !upgrade.downloaded
                && !left
            {
                let message =
                    format!("a paid {} version was finished and never taken", upgrade.operation);
                say("upgrade-not-downloaded", Some(&upgrade.task_id), message);
            }
        }
        for ((task_id, operation), count) in versions {
            if count > 1 {
                say(
                    "upgrade-paid-twice",
                    Some(&task_id.to_owned()),
                    format!("{operation} was paid {count} times"),
                );
            }
        }

        for leak in &self.leaks {
            say("key-leaked", None, format!("the key was sent to {} ({})", leak.path, leak.place));
        }
        if self.submissions.refused > 0 {
            let message = format!(
                "{} creates came while {} of the last {} ms were used up",
                self.submissions.refused, self.submissions.limit, self.submissions.window_ms
            );
            say("window-overrun", None, message);
        }
        if self.reads_refused > 0 {
            say(
                "read-too-often",
                None,
                format!("{} reads of a task came faster than allowed", self.reads_refused),
            );
        }
        if self.discovery_refused > 0 {
            let count = self.discovery_refused;
            let message = format!("{count} questions about models came faster than allowed");
            say("discovery-too-often", None, message);
        }
        let running = expected.running.unwrap_or(100);
        if self.most_running > running {
            say(
                "too-many-running",
                None,
                format!("{} tasks ran at once, {running} allowed", self.most_running),
            );
        }
        if self.unauthorized > 0 && !expected.unauthorized {
            say("unauthorized", None, format!("{} requests had no right key", self.unauthorized));
        }
        if let Some(count) = self.user_agents.get("") {
            say(
                "no-user-agent",
                None,
                format!("{count} requests did not say which program sent them"),
            );
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::emulator::bill::{Create, Leak, Upgrade};

    fn create(asks: &str, task: &str, state: State) -> Create {
        Create {
            time_ms: 0,
            family: "veo".into(),
            operation: "veo-generate".into(),
            path: "/api/v1/veo/generate".into(),
            body: Value::Null,
            asks: asks.into(),
            state,
            code: 200,
            message: String::new(),
            task_id: Some(task.into()),
            price: 60.0,
            refunded: state == State::Failed,
            answer_lost: false,
            wasted: Vec::new(),
            reads: 1,
            result_shown: true,
            downloaded: true,
            faults: Vec::new(),
        }
    }

    fn codes(bill: &Bill) -> Vec<String> {
        bill.judge().into_iter().map(|violation| violation.code).collect()
    }

    #[test]
    fn a_clean_bill_has_no_violations() {
        let bill = Bill {
            creates: vec![create("a", "1", State::Succeeded), create("b", "2", State::Succeeded)],
            ..Bill::default()
        };
        assert_eq!(bill.judge(), vec![]);
    }

    #[test]
    fn two_paid_tasks_for_one_clip_are_found_unless_expected() {
        let mut bill = Bill {
            creates: vec![create("a", "1", State::Succeeded), create("a", "2", State::Running)],
            ..Bill::default()
        };
        assert_eq!(codes(&bill), ["paid-twice"]);
        assert_eq!(bill.judge()[0].task_id.as_deref(), Some("2"));
        let expected = Expected { copies: [("a".to_owned(), 2)].into(), ..Expected::default() };
        assert_eq!(bill.judge_with(&expected), vec![]);
        bill.creates[1].state = State::Failed;
        assert_eq!(bill.judge(), vec![]);
    }

    #[test]
    fn every_carelessness_has_its_code() {
        let mut forgotten = create("a", "1", State::Succeeded);
        forgotten.downloaded = false;
        forgotten.wasted = vec!["fps".into()];
        let version = Upgrade {
            time_ms: 0,
            task_id: "1".into(),
            operation: "veo-4k".into(),
            price: 120.0,
            refunded: false,
            calls: 3,
            state: State::Succeeded,
            result_shown: true,
            downloaded: false,
        };
        let mut bill = Bill {
            creates: vec![forgotten],
            upgrades: vec![version.clone(), Upgrade { downloaded: true, ..version }],
            leaks: vec![Leak {
                time_ms: 0,
                path: "/files/x.mp4".into(),
                place: "authorization".into(),
            }],
            reads_refused: 1,
            discovery_refused: 1,
            unauthorized: 1,
            most_running: 101,
            user_agents: [(String::new(), 1)].into(),
            ..Bill::default()
        };
        bill.submissions.refused = 1;
        let expected = [
            "wasted-field",
            "not-downloaded",
            "upgrade-not-downloaded",
            "upgrade-paid-twice",
            "key-leaked",
            "window-overrun",
            "read-too-often",
            "discovery-too-often",
            "too-many-running",
            "unauthorized",
            "no-user-agent",
        ];
        assert_eq!(codes(&bill), expected);
        bill.creates[0].answer_lost = true;
        assert!(
            !codes(&bill).contains(&"not-downloaded".to_owned()),
            "nobody could know of that clip"
        );
    }
}
