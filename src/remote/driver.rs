//! Follows the catalogue: makes calls of requests, and outcomes of answers.
//!
//! Nothing here repeats a call; whoever decides to repeat knows what that costs.

use super::echo::Essence;
use super::outcome::{Look, Reading, Submission, Trouble, Uploaded};
use super::printable;
use crate::catalog::{
    self, Catalog, CreateClass, Family, Poll, Provider, Stop, TaskState, UpgradeState,
};
use crate::ledger::{Failure, FailureClass};
use crate::ports::{Answer, Call, CallBody, Purpose, SendError, Transport};
use reqwest::Url;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// The folder on the upload host that files go to.
const UPLOAD_FOLDER: &str = "storyreel";

/// How long calls may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timeouts {
    /// A paid create.
    pub create: Duration,
    /// A read, or a call of an upgrade.
    pub read: Duration,
    /// An upload of one file.
    pub transfer: Duration,
}

/// The provider as the catalogue describes it, at the hosts that the settings name.
#[derive(Clone, Copy)]
pub struct Driver<'a> {
    transport: &'a dyn Transport,
    catalog: &'a Catalog,
    api_base: &'a str,
    upload_base: &'a str,
    timeouts: Timeouts,
}

impl<'a> Driver<'a> {
    /// A driver over this transport.
    pub fn new(
        transport: &'a dyn Transport,
        catalog: &'a Catalog,
        api_base: &'a str,
        upload_base: &'a str,
        timeouts: Timeouts,
    ) -> Self {
        Self { transport, catalog, api_base, upload_base, timeouts }
    }

    fn provider(&self, name: &str) -> Result<&'a Provider, String> {
        self.catalog.provider(name).ok_or_else(|| {
            format!("the provider `{}` is not in the catalogue", printable(name, 60))
        })
    }

    fn family(&self, provider: &str, name: &str) -> Result<(&'a Provider, &'a Family), String> {
        let provider = self.provider(provider)?;
        provider
            .family(name)
            .map(|family| (provider, family))
            .ok_or_else(|| format!("the family `{}` is not in the catalogue", printable(name, 60)))
    }

    /// How often a task of this operation (or upgrade) is looked at, and for how long.
    pub fn poll_of(&self, provider: &str, family: &str, operation: &str) -> Option<Poll> {
        self.family(provider, family).ok().map(|(_, family)| family.poll_of(operation))
    }

    /// How long the provider keeps results.
    pub fn keeps_results(&self, provider: &str) -> Option<Duration> {
        let days = self.provider(provider).ok()?.retention.results_days;
        Duration::try_from_secs_f64(days * 86_400.0).ok()
    }

    /// Sends a paid create, once. `bound` is the body with everything bound.
    pub async fn submit(
        &self,
        provider: &str,
        family: &str,
        operation: &str,
        method: &str,
        path: &str,
        bound: &Value,
    ) -> Submission {
        let (provider, operation) = match self.family(provider, family) {
            Ok((provider, family)) => match family.operation(operation) {
                Some(operation) => (provider, operation),
                None => {
                    return Submission::Impossible {
                        message: format!(
                            "the operation `{}` is not in the catalogue",
                            printable(operation, 60)
                        ),
                    };
                }
            },
            Err(message) => return Submission::Impossible { message },
        };
        let call = match self.call(Purpose::Create, method, path, bound, self.timeouts.create) {
            Ok(call) => call,
            Err(message) => return Submission::Impossible { message },
        };
        let answer = match self.transport.send(call).await {
            Ok(answer) => answer,
            Err(SendError::NotSent(reason)) => {
                return Submission::Retry { reason, unreachable: true };
            }
            Err(SendError::Never(message)) => return Submission::Impossible { message },
            Err(SendError::MaybeSent(reason)) => {
                return Submission::Unknown {
                    failure: Failure {
                        class: FailureClass::Other,
                        code: None,
                        message: format!(
                            "the request left and no answer came back: {}",
                            printable(&reason, 300)
                        ),
                    },
                };
            }
        };
        let read = provider.create_answer(&operation.task_id, answer.status, &answer.body);
        let code = code_text(read.code, answer.status);
        let message = printable(&read.message, 500);
        match (read.class, read.task_id) {
            (CreateClass::Accepted, Some(task_id)) => Submission::Accepted { task_id },
            (CreateClass::Retry, _) => {
                Submission::Retry { reason: worded(&code, &message), unreachable: false }
            }
            (CreateClass::Rejected { stop }, _) => {
                let class = match stop {
                    Some(Stop::Key) => FailureClass::Key,
                    Some(Stop::Credits | Stop::Quota) => FailureClass::Credits,
                    // A refusal of the request as it stands is a refused input, whatever else its words suggest.
                    None => match provider.failure_class(Some(&code), &message) {
                        catalog::FailureClass::Moderation => FailureClass::Moderation,
                        _ => FailureClass::Input,
                    },
                };
                let message = if message.is_empty() { worded(&code, &message) } else { message };
                Submission::Rejected { failure: Failure { class, code: Some(code), message }, stop }
            }
            (CreateClass::Accepted | CreateClass::Unknown, named) => Submission::Unknown {
                failure: Failure {
                    class: FailureClass::Other,
                    message: format!(
                        "the answer does not tell whether it was accepted: {}{}",
                        worded(&code, &message),
                        named.map_or_else(String::new, |task| format!("; it names task `{task}`"))
                    ),
                    code: Some(code),
                },
            },
        }
    }

    /// Reads a task's record.
    pub async fn read(&self, provider: &str, family: &str, operation: &str, task_id: &str) -> Look {
        let (provider, family) = match self.family(provider, family) {
            Ok(found) => found,
            Err(message) => return Reading::Trouble(Trouble::lasting(message)).into(),
        };
        let query = json!({ family.read.query.as_str(): task_id });
        let answer =
            match self.ask(Purpose::Read, &family.read.method, &family.read.path, &query).await {
                Ok(answer) => answer,
                Err(trouble) => return Reading::Trouble(trouble).into(),
            };
        let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let charged = json.as_ref().and_then(|json| family.credits_consumed(json));
        let reading = match family.read_state(operation, answer.status, json.as_ref()) {
            TaskState::Running => Reading::Running,
            TaskState::Succeeded { urls } if !urls.is_empty() => {
                Reading::Succeeded { urls, charged }
            }
            TaskState::Succeeded { .. } | TaskState::SucceededWithoutUrl => {
                Reading::WithoutResult { charged }
            }
            TaskState::Failed { code, message } => {
                Reading::Failed { failure: task_failure(provider, code, &message), charged }
            }
            TaskState::Missing => Reading::Missing,
            TaskState::Expired => Reading::Expired,
            TaskState::Refused { stop, message } => refused(stop, &message),
            TaskState::Retry => Reading::Trouble(Trouble::passing(
                "the provider cannot say now how the task stands",
            )),
            TaskState::Unreadable { reason } => {
                Reading::Trouble(Trouble::passing(printable(&reason, 300)))
            }
        };
        let of_another = json.as_ref().is_some_and(|json| family.is_of_another(task_id, json));
        let repeats = json.and_then(|json| family.echo(&json));
        let repeats = repeats.as_ref().map(Essence::of).unwrap_or_default();
        Look { reading, repeats, of_another }
    }

    /// Calls an upgrade. The first call orders it, and every further one asks how it stands.
    pub async fn upgrade(
        &self,
        provider: &str,
        family: &str,
        upgrade: &str,
        method: &str,
        path: &str,
        bound: &Value,
    ) -> Reading {
        let (provider, family) = match self.family(provider, family) {
            Ok(found) => found,
            Err(message) => return Reading::Trouble(Trouble::lasting(message)),
        };
        let Some(upgrade) = family.upgrade(upgrade) else {
            return Reading::Trouble(Trouble::lasting(format!(
                "the upgrade `{}` is not in the catalogue",
                printable(upgrade, 60)
            )));
        };
        let answer = match self.ask(Purpose::Read, method, path, bound).await {
            Ok(answer) => answer,
            Err(trouble) => return Reading::Trouble(trouble),
        };
        let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
        match family.upgrade_state(upgrade, answer.status, json.as_ref()) {
            UpgradeState::Ready { urls } if !urls.is_empty() => {
                Reading::Succeeded { urls, charged: None }
            }
            UpgradeState::Ready { .. } => Reading::WithoutResult { charged: None },
            UpgradeState::Pending => Reading::Running,
            UpgradeState::Missing => Reading::Missing,
            UpgradeState::Expired => Reading::Expired,
            UpgradeState::Failed { code, message } => {
                Reading::Failed { failure: task_failure(provider, code, &message), charged: None }
            }
            UpgradeState::Refused { stop, message } => refused(stop, &message),
            UpgradeState::Retry => Reading::Trouble(Trouble::passing(
                "the provider cannot say now how the upgrade stands",
            )),
            UpgradeState::Unreadable { reason } => {
                Reading::Trouble(Trouble::passing(printable(&reason, 300)))
            }
        }
    }

    /// The account's credits.
    ///
    /// # Errors
    /// Whatever kept the number from being read; asking again is free.
    pub async fn balance(&self, provider: &str) -> Result<f64, Trouble> {
        let provider = self.provider(provider).map_err(Trouble::lasting)?;
        let balance = &provider.balance;
        let answer = self.ask(Purpose::Read, &balance.method, &balance.path, &Value::Null).await?;
        let json: Value =
            serde_json::from_slice(&answer.body).map_err(|_| unclear(answer.status))?;
        let credits = provider.balance_of(&json).filter(|_| self.is_ok(provider, &answer, &json));
        credits.ok_or_else(|| self.not_ok(provider, answer.status, &json))
    }

    /// Uploads a file of `bytes` length under a name of its own, and gives the link with its end of life.
    ///
    /// # Errors
    /// Whatever kept it from being taken; uploading again is free.
    pub async fn upload(
        &self,
        provider: &str,
        path: &Path,
        bytes: u64,
        name: &str,
        now_ms: i64,
    ) -> Result<Uploaded, Trouble> {
        let provider = self.provider(provider).map_err(Trouble::lasting)?;
        if bytes == 0 {
            return Err(Trouble::lasting(format!("`{}` is empty", path.display())));
        }
        let uploads = &provider.uploads;
        let call = Call {
            purpose: Purpose::Upload,
            method: "POST".into(),
            url: joined(self.upload_base, &uploads.path),
            body: CallBody::File {
                path: path.to_owned(),
                part: uploads.file.clone(),
                name: name.to_owned(),
                fields: vec![
                    (uploads.folder.clone(), UPLOAD_FOLDER.to_owned()),
                    (uploads.name.clone(), name.to_owned()),
                ],
            },
            timeout: self.timeouts.transfer,
        };
        let answer = self.transport.send(call).await.map_err(unsent)?;
        let json: Value =
            serde_json::from_slice(&answer.body).map_err(|_| unclear(answer.status))?;
        if !self.is_ok(provider, &answer, &json) {
            return Err(self.not_ok(provider, answer.status, &json));
        }
        let url = uploads
            .link
            .iter()
            .find_map(|place| catalog::urls(json.pointer(place)?).into_iter().next())
            .filter(|url| Url::parse(url).is_ok())
            .ok_or_else(|| Trouble::passing("the upload host names no link to the file"))?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "hours of a catalogue file, far from the bounds"
        )]
        let lives_ms = (provider.retention.uploads_hours * 3_600_000.0) as i64;
        let assumed = now_ms.saturating_add(lives_ms);
        let expires_ms = uploads
            .expires
            .iter()
            .find_map(|place| catalog::time(json.pointer(place)?))
            .map_or(assumed, |time| time.as_millisecond());
        Ok(Uploaded { url, expires_ms })
    }

    /// A new link to a result whose old link is dead.
    ///
    /// # Errors
    /// Whatever kept the provider from naming one; asking again is free.
    pub async fn fresh_link(&self, provider: &str, old: &str) -> Result<String, Trouble> {
        let provider = self.provider(provider).map_err(Trouble::lasting)?;
        let link = &provider.download_link;
        let body = json!({ link.field.as_str(): old });
        let answer = self.ask(Purpose::Read, &link.method, &link.path, &body).await?;
        let json: Value =
            serde_json::from_slice(&answer.body).map_err(|_| unclear(answer.status))?;
        if !self.is_ok(provider, &answer, &json) {
            return Err(self.not_ok(provider, answer.status, &json));
        }
        json.pointer(&link.link)
            .map(catalog::urls)
            .and_then(|urls| urls.into_iter().next())
            .ok_or_else(|| Trouble::lasting("the provider names no new link to the result"))
    }

    fn is_ok(&self, provider: &Provider, answer: &Answer, json: &Value) -> bool {
        (200..300).contains(&answer.status)
            && provider
                .envelope
                .code_of(json)
                .is_some_and(|code| provider.envelope.ok.contains(&code))
    }

    /// What an answer of a free call means that is no success.
    fn not_ok(&self, provider: &Provider, status: u16, json: &Value) -> Trouble {
        let code = provider.envelope.code_of(json).unwrap_or_else(|| i64::from(status));
        let message = printable(&provider.envelope.message_of(json), 300);
        let words = worded(&code.to_string(), &message);
        let rules = &provider.read;
        if rules.stop.key.contains(&code) {
            let words = if message.is_empty() { words } else { message };
            return Trouble { key: true, ..Trouble::lasting(words) };
        }
        let passing = rules.retry.contains(&code) || code >= 500 || status >= 500 || status == 429;
        if passing { Trouble::passing(words) } else { Trouble::lasting(words) }
    }

    async fn ask(
        &self,
        purpose: Purpose,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Answer, Trouble> {
        let call =
            self.call(purpose, method, path, body, self.timeouts.read).map_err(Trouble::lasting)?;
        self.transport.send(call).await.map_err(unsent)
    }

    /// A call: the body as JSON, or for `GET` its members as the query.
    fn call(
        &self,
        purpose: Purpose,
        method: &str,
        path: &str,
        body: &Value,
        timeout: Duration,
    ) -> Result<Call, String> {
        let url = joined(self.api_base, path);
        let (url, body) = if method.eq_ignore_ascii_case("GET") {
            let mut url =
                Url::parse(&url).map_err(|error| format!("`{url}` cannot be called: {error}"))?;
            if let Some(members) = body.as_object().filter(|members| !members.is_empty()) {
                let mut query = url.query_pairs_mut();
                for (name, value) in members {
                    match value {
                        Value::Null => {}
                        Value::String(text) => {
                            query.append_pair(name, text);
                        }
                        other => {
                            query.append_pair(name, &other.to_string());
                        }
                    }
                }
            }
            (url.to_string(), CallBody::Empty)
        } else {
            (url, CallBody::Json(body.to_string()))
        };
        Ok(Call { purpose, method: method.to_ascii_uppercase(), url, body, timeout })
    }
}

pub(super) fn joined(base: &str, path: &str) -> String {
    format!("{}/{}", base.trim_end_matches('/'), path.trim_start_matches('/'))
}

fn unsent(error: SendError) -> Trouble {
    match error {
        SendError::Never(message) => Trouble { network: true, ..Trouble::lasting(message) },
        other => Trouble::network(printable(&other.to_string(), 300)),
    }
}

fn unclear(status: u16) -> Trouble {
    let message = format!("HTTP {status} without JSON");
    // A refusal by whoever stands before the host does not change by asking again.
    if (400..500).contains(&status) && !matches!(status, 408 | 425 | 429) {
        Trouble::lasting(message)
    } else {
        Trouble::passing(message)
    }
}

fn refused(stop: Stop, message: &str) -> Reading {
    let class = match stop {
        Stop::Key => FailureClass::Key,
        Stop::Credits | Stop::Quota => FailureClass::Credits,
    };
    Reading::Refused {
        failure: Failure { class, code: None, message: printable(message, 500) },
        stop,
    }
}

fn task_failure(provider: &Provider, code: Option<String>, message: &str) -> Failure {
    let class = match provider.failure_class(code.as_deref(), message) {
        catalog::FailureClass::Moderation => FailureClass::Moderation,
        catalog::FailureClass::Input => FailureClass::Input,
        catalog::FailureClass::Passing => FailureClass::Passing,
        catalog::FailureClass::Unknown => FailureClass::Other,
    };
    Failure { class, code: code.map(|code| printable(&code, 40)), message: printable(message, 500) }
}

fn code_text(code: Option<i64>, status: u16) -> String {
    code.map_or_else(|| format!("HTTP {status}"), |code| code.to_string())
}

pub(super) fn worded(code: &str, message: &str) -> String {
    if message.is_empty() { format!("code {code}") } else { format!("code {code}: {message}") }
}
