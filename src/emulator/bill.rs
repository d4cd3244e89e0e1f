//! The bill: everything that was asked for and what it cost, for tests to read.
//!
//! `GET /emulator/bill` answers it as JSON; the same types read it back, so that a test can hand what it got over
//! HTTP to [`Bill::judge`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The whole account of a run of the emulator. Credits are in credits, times in epoch milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Bill {
    /// The shape of this document, `1.0`.
    pub format_version: String,
    /// Credits at the start.
    pub start_credits: f64,
    /// Credits now.
    pub credits: f64,
    /// What tasks and upgrades cost, refunds taken off.
    pub charged: f64,
    /// What came back for failures.
    pub refunded: f64,
    /// Every request that could have made a task, in order.
    pub creates: Vec<Create>,
    /// Every 1080p and 4K version that was paid for, in order.
    pub upgrades: Vec<Upgrade>,
    /// Every uploaded file, in order.
    pub uploads: Vec<Upload>,
    /// How many requests each `METHOD path` got; files are counted by their folder.
    pub requests: BTreeMap<String, u64>,
    /// How the window of new tasks was used.
    pub submissions: Submissions,
    /// The most tasks that ran at once.
    pub most_running: u32,
    /// Reads of one task that came faster than allowed.
    pub reads_refused: u64,
    /// Questions about models that came faster than allowed.
    #[serde(default)]
    pub discovery_refused: u64,
    /// Requests with a missing or a wrong key.
    pub unauthorized: u64,
    /// Every callback that was sent or given up, in order.
    #[serde(default)]
    pub callbacks: Vec<CallbackSent>,
    /// Where the key was seen that it must never go to.
    pub leaks: Vec<Leak>,
    /// The programs that asked, by their `User-Agent` (empty when they sent none).
    pub user_agents: BTreeMap<String, u64>,
    /// Every scripted fault that was used, in order.
    pub faults: Vec<FaultUse>,
    /// How often each scripted fault was used.
    pub fault_counts: BTreeMap<String, u64>,
}

/// The use of the submission window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Submissions {
    /// How many are allowed in a window.
    pub limit: u32,
    /// How long a window is.
    pub window_ms: i64,
    /// The most that were let through in one window.
    pub most: u32,
    /// How many were refused with 429 because the window was full.
    pub refused: u64,
}

/// What became of a create.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// No task was made.
    Refused,
    /// The task runs.
    Running,
    /// The task has its result.
    Succeeded,
    /// The task failed.
    Failed,
}

/// One request that could have made a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Create {
    /// When it came.
    pub time_ms: i64,
    /// The API family.
    pub family: String,
    /// The operation.
    pub operation: String,
    /// The path.
    pub path: String,
    /// The body as it was sent; text when it was no JSON.
    pub body: Value,
    /// The body with upload links and result links replaced by what they stand for. Equal texts ask for the same clip.
    pub asks: String,
    /// What became of it.
    pub state: State,
    /// The `code` of the answer that was meant (an answer fault may have hidden it).
    pub code: i64,
    /// The `msg` of a refusal, or why the task failed.
    pub message: String,
    /// The task, if one was made.
    pub task_id: Option<String>,
    /// What it cost when it was made.
    pub price: f64,
    /// Whether the price came back.
    pub refunded: bool,
    /// Whether a fault kept the task id from the one who asked.
    pub answer_lost: bool,
    /// Fields that the provider does not know, or ignores in this combination; it charges all the same.
    pub wasted: Vec<String>,
    /// How often its record was read.
    pub reads: u64,
    /// Whether an address of its result was ever shown.
    pub result_shown: bool,
    /// Whether any file of the result was ever taken to the last byte.
    pub downloaded: bool,
    /// Names of the faults bound to the task.
    pub faults: Vec<String>,
}

/// One 1080p or 4K version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Upgrade {
    /// When it was first asked for.
    pub time_ms: i64,
    /// The task it is a version of.
    pub task_id: String,
    /// `veo-1080p` or `veo-4k`.
    pub operation: String,
    /// What it cost, all calls together.
    pub price: f64,
    /// Whether the price came back.
    pub refunded: bool,
    /// How often it was asked for.
    pub calls: u64,
    /// Whether it is still being made, is there, or failed.
    pub state: State,
    /// Whether its address was ever shown.
    pub result_shown: bool,
    /// Whether it was ever taken to the last byte.
    pub downloaded: bool,
}

/// One uploaded file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    /// When.
    pub time_ms: i64,
    /// The operation.
    pub operation: String,
    /// Its path on the provider.
    pub file_path: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// The SHA-256 of its bytes, 64 hex digits.
    pub sha256: String,
    /// Whether a file of this name was there and is gone now.
    pub overwrote: bool,
}

/// What became of a callback.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallbackSent {
    /// The task that ended.
    pub task_id: String,
    /// Where it went.
    pub url: String,
    /// How often it was tried; 0 when it was not sent.
    pub tries: u32,
    /// `received`, the HTTP status of the last answer, or why there was none.
    pub outcome: String,
}

/// A place where the key was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leak {
    /// When.
    pub time_ms: i64,
    /// The path that got it.
    pub path: String,
    /// Where in the request it was.
    pub place: String,
}

/// One use of a scripted fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultUse {
    /// When.
    pub time_ms: i64,
    /// The fault's name.
    pub name: String,
    /// The operation it struck.
    pub operation: String,
    /// The path it struck.
    pub path: String,
    /// The task it struck, if there is one.
    pub task_id: Option<String>,
}

/// One line of the request log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Logged {
    /// When.
    pub time_ms: i64,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The operation, or `unknown`.
    pub operation: String,
    /// The task the request was about.
    pub task_id: Option<String>,
    /// The HTTP status; 0 when the connection was closed.
    pub status: u16,
    /// The `code` in the body of the answer.
    pub code: Option<i64>,
    /// The fault that struck the answer.
    pub fault: Option<String>,
}
