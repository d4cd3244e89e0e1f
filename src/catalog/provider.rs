//! A provider: its hosts, limits and the meaning of its answers.

use super::family::{CreateAnswer, Family};
use super::pointer;
use super::words;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A service with an asynchronous job API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its name in catalogue files.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// The day on which its facts were checked.
    pub checked: String,
    /// The base of its API. The environment and the user's own configuration may name another; a project may not.
    pub api: String,
    /// The base of its upload host.
    pub upload: String,
    /// The word before the key in the `Authorization` header.
    pub auth_scheme: String,
    /// The environment variable that holds the key.
    pub key_variable: String,
    /// The User-Agent to send; `{version}` stands for storyreel's version. Library agents are refused by some hosts.
    pub user_agent: String,
    /// What a credit costs, in US dollars.
    pub usd_per_credit: f64,
    /// Its limits.
    pub limits: Limits,
    /// How long things live there.
    pub retention: Retention,
    /// Where code, message and data of an answer are.
    pub envelope: Envelope,
    /// How to ask for the balance.
    pub balance: Balance,
    /// How to upload files.
    pub uploads: Uploads,
    /// How to get a fresh link to a result.
    pub download_link: DownloadLink,
    /// How to ask which models there are, where it can be asked.
    #[serde(default)]
    pub discovery: Option<Discovery>,
    /// What the answers to a create mean.
    pub create: OutcomeTable,
    /// What the codes of every read mean where the family says nothing.
    pub read: ReadRules,
    /// The class of a failed task; the first rule that fits counts.
    pub failures: Vec<FailureRule>,
    /// Its API styles.
    pub families: Vec<Family>,
}

/// How much may be asked of a provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// New tasks in any window, for an account.
    pub submissions: usize,
    /// That window, in seconds.
    pub window_seconds: f64,
    /// Tasks at the provider at once.
    pub running: usize,
    /// Reads of one task in a second.
    pub reads_per_second: f64,
}

/// How long things live at the provider. Where sources disagree the shorter time stands here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Uploaded files, in hours.
    pub uploads_hours: f64,
    /// A link to a result is good for so long, in hours.
    pub links_hours: f64,
    /// A result can be fetched with a fresh link for so long, in days.
    pub results_days: f64,
    /// A task's record can be read for so long, in days.
    pub records_days: f64,
    /// Data that are null so soon after a create mean that the task is not visible yet, in seconds.
    pub invisible_seconds: f64,
}

/// Where the parts of an answer are, as JSON pointers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// The code, which is the real status.
    pub code: String,
    /// The message, by preference.
    pub message: Vec<String>,
    /// The data.
    pub data: String,
    /// Codes that mean success.
    pub ok: Vec<i64>,
}

/// How to ask for the account's credits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// `GET`.
    pub method: String,
    /// The path.
    pub path: String,
    /// Where the number is; it can be broken.
    pub credits: String,
}

/// How to upload files to the upload host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uploads {
    /// The path for multipart uploads.
    pub path: String,
    /// The name of the file's part.
    pub file: String,
    /// The name of the part with the folder.
    pub folder: String,
    /// The name of the part with the file name; an existing file of this name is overwritten.
    pub name: String,
    /// Where the link is in the answer, by preference.
    pub link: Vec<String>,
    /// Where the expiry is in the answer, if it is there.
    pub expires: Vec<String>,
}

/// How to get a fresh link to a result. It does not make the result live longer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DownloadLink {
    /// `POST`.
    pub method: String,
    /// The path.
    pub path: String,
    /// The member of the body that holds the old link.
    pub field: String,
    /// Where the new link is.
    pub link: String,
    /// How long it is good, in minutes.
    pub minutes: f64,
}

/// How to ask which models there are and what they take. Questions are free, and few are allowed in a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discovery {
    /// The path of the list; that of a model's schema is below it.
    pub path: String,
    /// Where the number of models is in the list's answer.
    pub total: String,
    /// Where the models are.
    pub models: String,
    /// What stands behind a model's id in the path of its schema.
    pub schema: String,
    /// Where the OpenAPI document is in the schema's answer; null where there is none yet.
    pub document: String,
    /// The family whose models the list is about.
    pub family: String,
    /// The operation of the family that makes their tasks.
    pub operation: String,
    /// The time between two questions, in seconds.
    pub spacing_seconds: f64,
    /// An answer is good for so long, in hours.
    pub fresh_hours: f64,
}

/// What the answers to a paid create mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeTable {
    /// Codes of the body that mean that a task was made.
    pub accepted: Vec<i64>,
    /// Codes, by HTTP or in the body, that mean that the request was dropped: it may be repeated.
    pub retry: Vec<i64>,
    /// Codes that mean that nothing was made and nothing is charged.
    pub rejected: Vec<i64>,
    /// Codes that mean so when the text is known.
    pub rejected_texts: Vec<RejectedText>,
    /// Rejections that concern all further requests too.
    pub stop: StopCodes,
}

/// A code that means a rejection when its text holds one of these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RejectedText {
    /// The code.
    pub code: i64,
    /// Texts, compared without case.
    pub texts: Vec<String>,
    /// What it stops, if it stops the run.
    #[serde(default)]
    pub stop: Option<Stop>,
}

/// The codes behind each [`Stop`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StopCodes {
    /// The key is missing or wrong.
    pub key: Vec<i64>,
    /// The account has too few credits.
    pub credits: Vec<i64>,
    /// The key's own limit is reached.
    pub quota: Vec<i64>,
}

/// Why nothing more can be asked for in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stop {
    /// The key is missing or wrong.
    Key,
    /// The account has too few credits.
    Credits,
    /// The key's own limit is reached.
    Quota,
}

/// What an answer to a create means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CreateClass {
    /// A task was made, if the answer names one.
    Accepted,
    /// The request was dropped; it may be repeated.
    Retry,
    /// Nothing was made.
    Rejected {
        /// Whether the run must stop.
        stop: Option<Stop>,
    },
    /// Nobody can tell. It must never be repeated by itself.
    Unknown,
}

/// What the codes of a read mean where the family says nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadRules {
    /// Codes after which to read again. So is every code from 500 on.
    pub retry: Vec<i64>,
    /// Codes that concern all further requests too.
    pub stop: StopCodes,
}

/// The class of a failed task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureClass {
    /// The content was refused.
    Moderation,
    /// An input or parameter was refused.
    Input,
    /// It may work the next time.
    Passing,
    /// Nobody can tell.
    Unknown,
}

/// A rule for the class of a failed task. Every condition that is given must hold; of several texts one is enough.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailureRule {
    /// The class.
    pub class: FailureClass,
    /// Codes as the provider writes them, numbers as text.
    #[serde(default)]
    pub codes: Vec<String>,
    /// Texts in the message, compared without case.
    #[serde(default)]
    pub texts: Vec<String>,
}

impl StopCodes {
    pub(super) fn of(&self, code: i64) -> Option<Stop> {
        if self.key.contains(&code) {
            Some(Stop::Key)
        } else if self.credits.contains(&code) {
            Some(Stop::Credits)
        } else if self.quota.contains(&code) {
            Some(Stop::Quota)
        } else {
            None
        }
    }
}

impl Envelope {
    /// The code in the body; numbers and numeric texts.
    pub fn code_of(&self, body: &Value) -> Option<i64> {
        let number = words::as_number(pointer::at(body, &self.code)?.as_ref())?;
        #[expect(clippy::cast_possible_truncation, reason = "the value is checked to be whole")]
        (number == number.trunc() && number.abs() < 1e9).then_some(number as i64)
    }

    /// The message in the body; empty when there is none.
    pub fn message_of(&self, body: &Value) -> String {
        pointer::first(body, &self.message)
            .and_then(|found| pointer::scalar(&found))
            .unwrap_or_default()
    }

    /// True when the answer has data that are not null.
    pub fn has_data(&self, body: &Value) -> bool {
        pointer::at(body, &self.data).is_some_and(|data| !data.is_null())
    }
}

impl OutcomeTable {
    /// The class of an answer, from the HTTP status, the code in its body where that can be read, and its message.
    ///
    /// `Accepted` still needs a task id: an answer that means success but names no task is `Unknown`
    /// (see [`Provider::create_answer`]).
    pub fn create(&self, http_status: u16, body_code: Option<i64>, message: &str) -> CreateClass {
        let http = i64::from(http_status);
        let succeeded = http == 200;
        if body_code.is_some_and(|code| self.accepted.contains(&code)) {
            // A body that reports success under another HTTP status contradicts itself.
            return if succeeded { CreateClass::Accepted } else { CreateClass::Unknown };
        }
        if self.retry.contains(&http) || body_code.is_some_and(|code| self.retry.contains(&code)) {
            return CreateClass::Retry;
        }
        // The code in the body is the real status; the HTTP status counts where there is none.
        let code = match body_code {
            Some(code) => code,
            None if (200..300).contains(&http) => return CreateClass::Unknown,
            None => http,
        };
        if self.rejected.contains(&code) {
            return CreateClass::Rejected { stop: self.stop.of(code) };
        }
        let known = self
            .rejected_texts
            .iter()
            .find(|rejected| rejected.code == code && holds_text(message, &rejected.texts));
        match known {
            Some(known) => CreateClass::Rejected { stop: known.stop },
            None => CreateClass::Unknown,
        }
    }
}

impl Provider {
    /// The class of a failed task by the provider's code and message.
    pub fn failure_class(&self, code: Option<&str>, message: &str) -> FailureClass {
        self.failures
            .iter()
            .find(|rule| {
                let code_fits = rule.codes.is_empty()
                    || code.is_some_and(|code| {
                        rule.codes.iter().any(|known| known.eq_ignore_ascii_case(code.trim()))
                    });
                let text_fits = rule.texts.is_empty() || holds_text(message, &rule.texts);
                code_fits && text_fits
            })
            .map_or(FailureClass::Unknown, |rule| rule.class)
    }

    /// The family with this name.
    pub fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.name == name)
    }

    /// Reads the answer to a create of one of this provider's operations.
    pub fn create_answer(&self, task_id: &[String], http_status: u16, body: &[u8]) -> CreateAnswer {
        let json: Option<Value> = serde_json::from_slice(body).ok();
        let code = json.as_ref().and_then(|json| self.envelope.code_of(json));
        let message = json.as_ref().map(|json| self.envelope.message_of(json)).unwrap_or_default();
        let said = self.create.create(http_status, code, &message);
        let found = json.as_ref().and_then(|json| pointer::first(json, task_id));
        // Whatever stands there may be a task, also where it is no id that could be asked for.
        let named = match found.as_deref() {
            Some(Value::String(text)) => !text.trim().is_empty(),
            Some(Value::Number(_)) => true,
            _ => false,
        };
        let task_id = found.and_then(|found| usable_id(&found));
        // Success without a task contradicts itself, and so does a refusal that names one.
        let class = match said {
            CreateClass::Accepted if task_id.is_some() => CreateClass::Accepted,
            CreateClass::Retry | CreateClass::Rejected { .. } if !named => said,
            _ => CreateClass::Unknown,
        };
        CreateAnswer { class, task_id, code, message }
    }

    /// The credits that the balance answer tells.
    pub fn balance_of(&self, body: &Value) -> Option<f64> {
        let ok = self.envelope.code_of(body).is_some_and(|code| self.envelope.ok.contains(&code));
        pointer::at(body, &self.balance.credits)
            .filter(|_| ok)
            .and_then(|found| words::as_number(&found))
    }
}

/// The id of a task that can be asked for later: text or a whole number, visible ASCII, of a sensible length.
fn usable_id(found: &Value) -> Option<String> {
    const LONGEST: usize = 256;
    let text = match found {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) if !number.is_f64() => number.to_string(),
        _ => return None,
    };
    let usable =
        (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    usable.then_some(text)
}

/// True when a message holds one of the texts, whatever the case.
pub(super) fn holds_text(message: &str, texts: &[String]) -> bool {
    let message = message.to_lowercase();
    texts.iter().any(|text| message.contains(&text.to_lowercase()))
}
