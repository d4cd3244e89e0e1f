//! What came of a run as JUnit XML: a scene is a test case, so that a CI shows which failed and why.

use super::{sanitise, trimmed};
use crate::engine::event::{Event, Stamped};
use crate::plan::{Action, Plan};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// How a scene ended.
#[derive(Debug, Clone)]
enum Outcome {
    /// As it should be, with what is told of it.
    Done(String),
    /// Nothing was done, and why.
    Skipped(String),
    /// A failure of this type, in words.
    Failed(String, String),
    /// What nobody can tell.
    Error(String, String),
}

/// Gathers the outcome of each scene.
#[derive(Debug, Default)]
pub struct JunitLog {
    storyboard: String,
    /// Keys with names, in the order of the storyboard.
    scenes: Vec<(String, String)>,
    outcomes: HashMap<String, Outcome>,
    began_ms: HashMap<String, i64>,
    took_ms: HashMap<String, i64>,
    errors: Vec<(String, String)>,
}

impl JunitLog {
    /// All scenes of a plan, with what the plan says of those for which nothing is done.
    pub fn new(plan: &Plan) -> Self {
        let mut log = Self { storyboard: plan.storyboard.clone(), ..Self::default() };
        for scene in &plan.scenes {
            let key = scene.scene_id.key();
            let title = scene.title.as_deref().map(|title| format!(": {title}"));
            let name = format!("scene {key}{}", title.unwrap_or_default());
            log.scenes.push((key.clone(), sanitise(&name, 120)));
            let why = scene
                .reasons
                .first()
                .map(|reason| reason.detail.clone().unwrap_or_else(|| reason.code.to_owned()));
            let why = why.unwrap_or_default();
            let outcome = match scene.action {
                Action::Unchanged => Outcome::Done("unchanged".to_owned()),
                Action::Skip => Outcome::Skipped(why),
                Action::Absent => Outcome::Skipped(format!("absent: {why}")),
                Action::Blocked => Outcome::Failed("blocked".to_owned(), why),
                action => Outcome::Skipped(format!("not reached: {}", action.name())),
            };
            log.outcomes.insert(key, outcome);
        }
        log
    }

    /// Takes an event of the run.
    pub fn event(&mut self, stamped: &Stamped) {
        let Some(about) = &stamped.about else {
            if let Event::Error { code, message, .. } = &stamped.event {
                self.errors.push((code.clone(), message.clone()));
            }
            return;
        };
        let key = about.scene_id.key();
        let began = *self.began_ms.entry(key.clone()).or_insert(stamped.time_ms);
        let outcome = match &stamped.event {
            Event::Published { filename, credits, .. } => {
                let credits = credits.map(|credits| format!(", {} credits", trimmed(credits, 2)));
                Outcome::Done(format!("{filename}{}", credits.unwrap_or_default()))
            }
            Event::Restored { filename, from } => {
                Outcome::Done(format!("{filename}, restored from {from}"))
            }
            Event::Failed { class, message, .. } => {
                let class = serde_json::to_value(class).ok();
                let class = class.as_ref().and_then(|class| class.as_str()).unwrap_or("failed");
                Outcome::Failed(class.to_owned(), message.clone())
            }
            Event::Unknown { message, .. } => Outcome::Error("unknown".to_owned(), message.clone()),
            Event::Blocked { reason, message } if reason == "absent" || reason == "gate" => {
                Outcome::Skipped(message.clone())
            }
            Event::Blocked { reason, message } => Outcome::Failed(reason.clone(), message.clone()),
            Event::Submitted { .. } | Event::Resumed { .. } | Event::Waiting { .. } => {
                Outcome::Skipped("still running at the provider".to_owned())
            }
            _ => return,
        };
        // A failed take does not hide that another one was published, nor the other way round.
        let keeps =
            matches!(self.outcomes.get(&key), Some(Outcome::Failed(..) | Outcome::Error(..)))
                && matches!(outcome, Outcome::Done(_) | Outcome::Skipped(_))
                && self.took_ms.contains_key(&key);
        self.took_ms.insert(key.clone(), stamped.time_ms.saturating_sub(began).max(0));
        if !keeps {
            self.outcomes.insert(key, outcome);
        }
    }

    /// The report.
    pub fn to_xml(&self) -> Option<String> {
        let mut suite = TestSuite::new(sanitise(&self.storyboard, 200));
        for (key, name) in &self.scenes {
            let (status, told) = match self.outcomes.get(key) {
                Some(Outcome::Done(told)) => (TestCaseStatus::success(), Some(told)),
                Some(Outcome::Skipped(why)) => {
                    let mut status = TestCaseStatus::skipped();
                    status.set_message(sanitise(why, 1000));
                    (status, None)
                }
                Some(Outcome::Failed(kind, why)) => (bad(NonSuccessKind::Failure, kind, why), None),
                Some(Outcome::Error(kind, why)) => (bad(NonSuccessKind::Error, kind, why), None),
                None => (TestCaseStatus::success(), None),
            };
            let mut case = TestCase::new(name.as_str(), status);
            case.set_classname(sanitise(&self.storyboard, 200));
            if let Some(took) = self.took_ms.get(key) {
                case.set_time(Duration::from_millis(took.unsigned_abs()));
            }
            if let Some(told) = told {
                case.set_system_out(sanitise(told, 1000));
            }
            suite.add_test_case(case);
        }
        let mut told: BTreeMap<&str, &str> = BTreeMap::new();
        for (code, message) in &self.errors {
            told.entry(code).or_insert(message);
        }
        for (code, message) in told {
            let mut case = TestCase::new("the run", bad(NonSuccessKind::Error, code, message));
            case.set_classname(sanitise(&self.storyboard, 200));
            suite.add_test_case(case);
        }
        let mut report = Report::new("storyreel");
        report.add_test_suite(suite);
        report.to_string().ok()
    }
}

/// The report of a run that ended before there was a plan.
pub fn without_plan(storyboard: &str, code: &str, message: &str) -> Option<String> {
    let mut suite = TestSuite::new(sanitise(storyboard, 200));
    suite.add_test_case(TestCase::new("the run", bad(NonSuccessKind::Error, code, message)));
    let mut report = Report::new("storyreel");
    report.add_test_suite(suite);
    report.to_string().ok()
}

fn bad(kind: NonSuccessKind, code: &str, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(sanitise(code, 60)).set_message(sanitise(message, 1000));
    status
}
