//! An API style within a provider: how to create, read and upgrade tasks, and what the answers mean.

use super::model::Mode;
use super::pointer;
use super::provider::{CreateClass, Envelope, ReadRules, Stop, holds_text};
use super::words;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An API style.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Its name in catalogue files.
    pub name: String,
    /// What creates tasks.
    pub operations: Vec<Operation>,
    /// How a task's record is read.
    pub read: Read,
    /// Follow-up calls on a finished task.
    #[serde(default)]
    pub upgrades: Vec<Upgrade>,
    /// How often to read, unless an operation says otherwise.
    pub poll: Poll,
    /// The provider's envelope, put here when the provider is read.
    #[serde(skip)]
    pub(super) envelope: Envelope,
    /// The provider's rules for reads, put here when the provider is read.
    #[serde(skip)]
    pub(super) rules: ReadRules,
}

/// A call that creates a paid task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Its name in catalogue files.
    pub name: String,
    /// `POST`.
    pub method: String,
    /// The path.
    pub path: String,
    /// Where the model's id goes in the body; absent when the operation takes none.
    #[serde(default)]
    pub model: Option<String>,
    /// Where the parameters go: `""` is the top level.
    pub parameters: String,
    /// Where a callback address goes.
    #[serde(default)]
    pub callback: Option<String>,
    /// Where the task id is in the answer, by preference.
    pub task_id: Vec<String>,
    /// Where the links are in the record, by preference, when not where the family has them.
    #[serde(default)]
    pub results: Vec<String>,
    /// How often to read, when not as the family does.
    #[serde(default)]
    pub poll: Option<Poll>,
}

/// How a task's record is read, and what it says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// `GET`.
    pub method: String,
    /// The path.
    pub path: String,
    /// The name of the query parameter with the task id.
    pub query: String,
    /// Where the record names its own task; a record of another task tells nothing.
    #[serde(default)]
    pub task_id: Vec<String>,
    /// Where the state is.
    pub state: String,
    /// States that mean that it runs.
    pub running: Vec<Value>,
    /// States that mean success.
    pub success: Vec<Value>,
    /// States that mean failure.
    pub failed: Vec<Value>,
    /// Where the links are, by preference.
    pub results: Vec<String>,
    /// Where the code of a failure is, by preference.
    pub error_code: Vec<String>,
    /// Where the message of a failure is, by preference.
    pub error_message: Vec<String>,
    /// Places that show a failure under a running state when they hold anything but nothing, 0 or empty text.
    #[serde(default)]
    pub failed_when: Vec<String>,
    /// The place of the end time: set under a running state and without links it means failure.
    #[serde(default)]
    pub ended: Option<String>,
    /// The place and value that mean that a finished result is gone.
    #[serde(default)]
    pub expired: Option<Mark>,
    /// Where the credits are that were charged, by preference.
    #[serde(default)]
    pub credits: Vec<String>,
    /// Where the provider repeats the request, by preference.
    #[serde(default)]
    pub echo: Vec<String>,
    /// When the task was created.
    #[serde(default)]
    pub created: Vec<String>,
    /// When it ended.
    #[serde(default)]
    pub completed: Vec<String>,
    /// Answers with a meaning of their own, in order; the first that fits counts.
    #[serde(default)]
    pub answers: Vec<Answer>,
    /// What to do with a success that has no link.
    pub failed_without_url: WithoutUrl,
}

/// A place and a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Where.
    pub at: String,
    /// The value.
    pub is: Value,
}

/// A success without a link is read again before it counts as failed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithoutUrl {
    /// Further reads.
    pub reads: u32,
    /// Over so many seconds.
    pub seconds: f64,
}

/// An answer with a meaning. Every condition that is given must hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The code.
    #[serde(default)]
    pub code: Option<i64>,
    /// A text in the message, compared without case.
    #[serde(default)]
    pub text: Option<String>,
    /// True for an answer whose data are null or absent.
    #[serde(default)]
    pub no_data: bool,
    /// What it means.
    pub means: Meaning,
}

/// What an answer can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Meaning {
    /// There is no such task, or not yet.
    Missing,
    /// The record or result is gone.
    Expired,
    /// The task failed.
    Failed,
    /// Ask again.
    Retry,
    /// It is being worked on.
    Pending,
}

/// How often a task is read, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    /// The first wait.
    pub first: f64,
    /// The longest wait.
    pub max: f64,
    /// After this the task is left on record as still running.
    pub deadline: f64,
}

/// A follow-up call on a finished task that is polled by repeating it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upgrade {
    /// Its name in catalogue files, such as `1080p`.
    pub name: String,
    /// `GET` or `POST`.
    pub method: String,
    /// The path.
    pub path: String,
    /// Where the parameters go.
    pub send: Placement,
    /// Where the links are in the answer, by preference.
    pub results: Vec<String>,
    /// Where the provider names a task for the upgrade, if it does; the source task stays the key.
    #[serde(default)]
    pub task_id: Vec<String>,
    /// Answers with a meaning of their own, in order.
    #[serde(default)]
    pub answers: Vec<Answer>,
    /// How often to repeat the call.
    pub poll: Poll,
}

/// Where parameters are put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// Into the JSON body.
    Body,
    /// Into the query of the address.
    Query,
}

/// A request before it is bound and sent.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestParts<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The path under the API base.
    pub path: &'a str,
    /// The body; for `Placement::Query` a flat table of what goes into the query.
    pub body: Value,
    /// Where the body goes.
    pub placement: Placement,
}

/// A read answer to a create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateAnswer {
    /// What it means.
    pub class: CreateClass,
    /// The task that the answer names; always present when the class is `Accepted`, never with a refusal.
    pub task_id: Option<String>,
    /// The code in the body.
    pub code: Option<i64>,
    /// The provider's message. Untrusted text.
    pub message: String,
}

/// What a task's record says. Links, codes and messages are untrusted text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskState {
    /// It runs.
    Running,
    /// It is done.
    Succeeded {
        /// Links to the results, the first is the clip.
        urls: Vec<String>,
    },
    /// It failed.
    Failed {
        /// The provider's code.
        code: Option<String>,
        /// The provider's words.
        message: String,
    },
    /// There is no such task. Shortly after the create it may only be invisible.
    Missing,
    /// Record or result are gone.
    Expired,
    /// The read did not work; read again.
    Retry,
    /// It is done but names no link; read again as `failed_without_url` says.
    SucceededWithoutUrl,
    /// The key, the credits or the quota stand in the way.
    Refused {
        /// Which.
        stop: Stop,
        /// The provider's words.
        message: String,
    },
    /// The answer makes no sense. The task stays on record; nothing is concluded from it.
    Unreadable {
        /// What was seen.
        reason: String,
    },
}

/// What the answer to an upgrade call says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpgradeState {
    /// It is done.
    Ready {
        /// Links to the results, the first is the clip.
        urls: Vec<String>,
    },
    /// It is being made; repeat the call later.
    Pending,
    /// There is no such source task.
    Missing,
    /// The source is gone.
    Expired,
    /// It failed.
    Failed {
        /// The provider's code.
        code: Option<String>,
        /// The provider's words.
        message: String,
    },
    /// The call did not get through; repeat it.
    Retry,
    /// The key, the credits or the quota stand in the way.
    Refused {
        /// Which.
        stop: Stop,
        /// The provider's words.
        message: String,
    },
    /// The answer makes no sense; repeating the call is safe.
    Unreadable {
        /// What was seen.
        reason: String,
    },
}

impl Answer {
    fn fits(&self, code: i64, message: &str, has_data: bool) -> bool {
        self.code.is_none_or(|known| known == code)
            && self.text.as_ref().is_none_or(|text| holds_text(message, std::slice::from_ref(text)))
            && !(self.no_data && has_data)
    }
}

/// A read answer, before it is known what it means.
enum Opened<'a> {
    Body { code: i64, message: String, json: &'a Value },
    Nothing(TaskState),
}

impl Family {
    /// The operation with this name.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.name == name)
    }

    /// The upgrade with this name.
    pub fn upgrade(&self, name: &str) -> Option<&Upgrade> {
        self.upgrades.iter().find(|upgrade| upgrade.name == name)
    }

    /// How often to read a task of this operation, or to repeat this upgrade.
    pub fn poll_of(&self, operation: &str) -> Poll {
        let own = self.operation(operation).and_then(|operation| operation.poll);
        own.or_else(|| self.upgrade(operation).map(|upgrade| upgrade.poll)).unwrap_or(self.poll)
    }

    /// The request of a mode with its parameters in place.
    ///
    /// # Panics
    ///
    /// For a mode of another family. A catalogue is refused when a mode names an operation that its family lacks.
    pub fn request(&self, mode: &Mode, parameters: &Map<String, Value>) -> RequestParts<'_> {
        if let Some(operation) = self.operation(&mode.operation) {
            let mut body = Value::Object(Map::new());
            if let (Some(place), Some(id)) = (&operation.model, &mode.id) {
                pointer::put(&mut body, place, Value::String(id.clone()));
            }
            pointer::merge(&mut body, &operation.parameters, parameters);
            return RequestParts {
                method: &operation.method,
                path: &operation.path,
                body,
                placement: Placement::Body,
            };
        }
        let Some(upgrade) = self.upgrade(&mode.operation) else {
            panic!("family `{}` has no operation `{}`", self.name, mode.operation);
        };
        RequestParts {
            method: &upgrade.method,
            path: &upgrade.path,
            body: Value::Object(parameters.clone()),
            placement: upgrade.send,
        }
    }

    /// What a read of a task's record says.
    ///
    /// `operation` is the operation that made the task, since an extension has its result elsewhere; `body` is absent when
    /// it is no JSON.
    pub fn read_state(&self, operation: &str, http_status: u16, body: Option<&Value>) -> TaskState {
        let (code, message, json) = match self.open(http_status, body) {
            Opened::Body { code, message, json } => (code, message, json),
            Opened::Nothing(state) => return state,
        };
        let has_data = self.envelope.has_data(json);
        let answer = self.read.answers.iter().find(|a| a.fits(code, &message, has_data));
        if let Some(answer) = answer {
            return match answer.means {
                Meaning::Missing => TaskState::Missing,
                Meaning::Expired => TaskState::Expired,
                Meaning::Failed => TaskState::Failed { code: Some(code.to_string()), message },
                Meaning::Retry => TaskState::Retry,
                Meaning::Pending => TaskState::Running,
            };
        }
        if !self.envelope.ok.contains(&code) {
            return self.other_code(code, message);
        }
        self.record_state(operation, json)
    }

    fn record_state(&self, operation: &str, json: &Value) -> TaskState {
        let read = &self.read;
        let Some(state) = pointer::at(json, &read.state).filter(|state| !state.is_null()) else {
            return TaskState::Unreadable { reason: format!("no state at `{}`", read.state) };
        };
        let is = |known: &[Value]| known.iter().any(|known| words::same(known, &state));
        if is(&read.failed) {
            return self.failure(json);
        }
        let urls = self.result_urls(operation, json);
        if is(&read.success) {
            let gone = read.expired.as_ref().is_some_and(|mark| {
                pointer::at(json, &mark.at).is_some_and(|found| words::same(&found, &mark.is))
            });
            return if gone {
                TaskState::Expired
            } else if urls.is_empty() {
                TaskState::SucceededWithoutUrl
            } else {
                TaskState::Succeeded { urls }
            };
        }
        if is(&read.running) {
            let shows_failure = pointer::first_telling(json, &read.failed_when).is_some();
            let ended = read.ended.as_ref().is_some_and(|place| {
                pointer::at(json, place).is_some_and(|time| words::filled(Some(&time)))
            });
            return if shows_failure || (ended && urls.is_empty()) {
                self.failure(json)
            } else {
                TaskState::Running
            };
        }
        TaskState::Unreadable { reason: format!("unknown state `{}`", words::shown(&state)) }
    }

    /// What the answer to an upgrade call says. `http_status` and `body` as in [`Self::read_state`].
    ///
    /// Links count whatever the code: a repeated 4K request answers 422 with the finished links
    /// (common facts 7.4, recorded 2026).
    pub fn upgrade_state(
        &self,
        upgrade: &Upgrade,
        http_status: u16,
        body: Option<&Value>,
    ) -> UpgradeState {
        let (code, message, json) = match self.open(http_status, body) {
            Opened::Body { code, message, json } => (code, message, json),
            Opened::Nothing(state) => return state.into(),
        };
        let urls = links(json, &upgrade.results);
        if !urls.is_empty() {
            return UpgradeState::Ready { urls };
        }
        let has_data = self.envelope.has_data(json);
        if let Some(answer) = upgrade.answers.iter().find(|a| a.fits(code, &message, has_data)) {
            return match answer.means {
                Meaning::Missing => UpgradeState::Missing,
                Meaning::Expired => UpgradeState::Expired,
                Meaning::Failed => UpgradeState::Failed { code: Some(code.to_string()), message },
                Meaning::Retry => UpgradeState::Retry,
                Meaning::Pending => UpgradeState::Pending,
            };
        }
        if self.envelope.ok.contains(&code) {
            return UpgradeState::Pending;
        }
        self.other_code(code, message).into()
    }

    /// The credits that the record says were charged. A number that no price can be is none: what is charged settles
    /// the budget, and a negative charge would raise it.
    pub fn credits_consumed(&self, body: &Value) -> Option<f64> {
        pointer::first(body, &self.read.credits)
            .and_then(|found| words::as_number(&found))
            .filter(|credits| (0.0..=1e9).contains(credits))
    }

    /// True for a record that names another task than the one that was asked for. Only letters and digits are compared:
    /// the pages show ids with dashes, the wire has them without.
    pub fn is_of_another(&self, task_id: &str, body: &Value) -> bool {
        pointer::first(body, &self.read.task_id)
            .and_then(|found| pointer::scalar(&found))
            .is_some_and(|found| words::normal(&found) != words::normal(task_id))
    }

    /// The request as the provider understood it, where the record repeats it.
    pub fn echo(&self, body: &Value) -> Option<Value> {
        let found = pointer::first(body, &self.read.echo)?.into_owned();
        match &found {
            Value::String(text) => serde_json::from_str(text).ok(),
            _ => Some(found),
        }
    }

    /// When the record says that the task was created and when it ended.
    pub fn times(&self, body: &Value) -> (Option<jiff::Timestamp>, Option<jiff::Timestamp>) {
        let time = |places: &[String]| {
            pointer::first(body, places).and_then(|found| pointer::time(&found))
        };
        (time(&self.read.created), time(&self.read.completed))
    }

    fn result_urls(&self, operation: &str, json: &Value) -> Vec<String> {
        let own = self.operation(operation).map(|operation| operation.results.as_slice());
        links(json, own.filter(|own| !own.is_empty()).unwrap_or(&self.read.results))
    }

    fn failure(&self, json: &Value) -> TaskState {
        let read = |places: &[String]| {
            pointer::first_telling(json, places).and_then(|found| pointer::scalar(&found))
        };
        TaskState::Failed {
            code: read(&self.read.error_code),
            message: read(&self.read.error_message)
                .unwrap_or_else(|| "the provider gave no reason".to_owned()),
        }
    }

    fn open<'a>(&self, http_status: u16, body: Option<&'a Value>) -> Opened<'a> {
        let http = i64::from(http_status);
        let succeeded = (200..300).contains(&http);
        let code = body.and_then(|body| self.envelope.code_of(body));
        match (body, code) {
            (Some(json), Some(code)) => {
                if !succeeded && self.envelope.ok.contains(&code) {
                    // A body that reports success under an HTTP error contradicts itself.
                    return Opened::Nothing(TaskState::Retry);
                }
                Opened::Body { code, message: self.envelope.message_of(json), json }
            }
            _ if !succeeded => {
                let message = format!("HTTP {http_status}");
                Opened::Nothing(match self.rules.stop.of(http) {
                    Some(stop) => TaskState::Refused { stop, message },
                    // Whoever stands between (a proxy, a firewall) says nothing about the task.
                    None => TaskState::Retry,
                })
            }
            (Some(_), None) => Opened::Nothing(TaskState::Unreadable {
                reason: "the answer has no code".to_owned(),
            }),
            (None, _) => Opened::Nothing(TaskState::Unreadable {
                reason: "the answer is no JSON".to_owned(),
            }),
        }
    }

    fn other_code(&self, code: i64, message: String) -> TaskState {
        if let Some(stop) = self.rules.stop.of(code) {
            return TaskState::Refused { stop, message };
        }
        if self.rules.retry.contains(&code) || code >= 500 {
            return TaskState::Retry;
        }
        TaskState::Unreadable { reason: format!("code {code}: {message}") }
    }
}

impl From<TaskState> for UpgradeState {
    fn from(state: TaskState) -> Self {
        match state {
            TaskState::Running | TaskState::SucceededWithoutUrl => Self::Pending,
            TaskState::Succeeded { urls } => Self::Ready { urls },
            TaskState::Failed { code, message } => Self::Failed { code, message },
            TaskState::Missing => Self::Missing,
            TaskState::Expired => Self::Expired,
            TaskState::Retry => Self::Retry,
            TaskState::Refused { stop, message } => Self::Refused { stop, message },
            TaskState::Unreadable { reason } => Self::Unreadable { reason },
        }
    }
}

/// The links at the first place that has any.
fn links(json: &Value, places: &[String]) -> Vec<String> {
    places
        .iter()
        .filter_map(|place| pointer::at(json, place))
        .map(|found| pointer::urls(&found))
        .find(|urls| !urls.is_empty())
        .unwrap_or_default()
}
