//! The rows of the ledger as the rest of the program knows them: takes, attempts, files, clips, publications.
//!
//! They stand apart from the ledger itself so that a plan can be made from them without knowing how they are kept.

use crate::manifest::Media;
use crate::storyboard::StepKind;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::ops::Deref;
use std::sync::OnceLock;

/// Under which outputs, ledger rows and manifest entries are kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slot {
    /// The storyboard's path relative to the project root, with `/`.
    pub storyboard: String,
    /// The variant; empty for the default one.
    pub variant: String,
    /// [`crate::storyboard::SceneId::key`].
    pub scene: String,
}

/// JSON as it stands in a row. It is read when somebody looks at it: most of what a long film has on record is never
/// looked at again.
#[derive(Debug, Clone)]
pub struct Document {
    text: Option<Box<str>>,
    value: OnceLock<Value>,
}

impl Document {
    /// From the text of a row.
    ///
    /// # Errors
    /// What is not JSON is found here, and not when it is looked at.
    pub fn of_text(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str::<IgnoredAny>(text)?;
        Ok(Self { text: Some(text.into()), value: OnceLock::new() })
    }

    /// What it says, to be changed.
    pub fn to_value(&self) -> Value {
        Value::clone(self)
    }
}

impl From<Value> for Document {
    fn from(value: Value) -> Self {
        Self { text: None, value: OnceLock::from(value) }
    }
}

impl Deref for Document {
    type Target = Value;
    fn deref(&self) -> &Value {
        // The text was checked, and written by this program: it is not nested too deep and has no number too large.
        self.value.get_or_init(|| {
            self.text
                .as_deref()
                .and_then(|text| serde_json::from_str(text).ok())
                .unwrap_or_default()
        })
    }
}

impl std::fmt::Display for Document {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(out)
    }
}

impl PartialEq<Value> for Document {
    fn eq(&self, other: &Value) -> bool {
        **self == *other
    }
}

impl PartialEq<Document> for Value {
    fn eq(&self, other: &Document) -> bool {
        *self == **other
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

/// A take's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TakeId(pub i64);

/// An attempt's row: one submission (or, for an upgrade, one series of calls) of one step of a take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AttemptId(pub i64);

/// How far a take has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TakeState {
    /// Steps are missing, or its last clip is not published yet.
    Open,
    /// Its clip is being put in place; recovery finishes it.
    Publishing,
    /// Its clip was published (it may have been superseded since).
    Published,
    /// Finished but never published, because the scene had changed meanwhile; kept for undo.
    Kept,
}

/// How far an attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttemptState {
    /// Recorded, about to be sent. Found by a later process, it means: nobody knows whether it was sent.
    Intent,
    /// The provider has it; the task id is known (upgrades: the first call was answered).
    Submitted,
    /// The provider reported success; links are recorded.
    Finished,
    /// The clip is verified and in the cache.
    Downloaded,
    /// The provider refused it, or reported that the task failed.
    Failed,
    /// Nobody can tell whether the provider accepted it. Never repeated by itself.
    Unknown,
    /// Given up by the user, or not sent after all (a retry class answer, a stop before the first byte).
    Forgotten,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its class.
    pub class: FailureClass,
    /// The provider's code, if any.
    pub code: Option<String>,
    /// The provider's words, already made safe to print.
    pub message: String,
}

/// What may be done after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// A passing fault at the provider: tried again within the reservation, and by later runs.
    Passing,
    /// Moderation: never again without an edit or `--retake`.
    Moderation,
    /// A refused input or parameter: never again without an edit or `--retake`.
    Input,
    /// The key was refused.
    Key,
    /// Too few credits at the provider, or the key's quota is used up.
    Credits,
    /// The provider reported success without a result, or the result is gone.
    Lost,
    /// Anything else the provider called a failure.
    Other,
}

impl FailureClass {
    /// True when later runs try again by themselves.
    pub fn may_repeat(self) -> bool {
        matches!(self, Self::Passing | Self::Key | Self::Credits | Self::Other)
    }
}

/// What is recorded before a request leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// The take it belongs to.
    pub take: TakeId,
    /// Index of the step in its chain, from 0.
    pub step: usize,
    /// Kind of the step.
    pub kind: StepKind,
    /// Provider's id of the model.
    pub model_id: String,
    /// The catalogue's provider.
    pub provider: String,
    /// API family.
    pub family: String,
    /// Operation or upgrade.
    pub operation: String,
    /// Whether repeating the call is harmless.
    pub upgrade: bool,
    /// `POST /api/...`.
    pub endpoint: String,
    /// Fingerprint of the symbolic request.
    pub fingerprint: String,
    /// The symbolic request's body.
    pub request: Document,
    /// The body as it is sent. Holds links and task ids, never the key.
    pub bound: Document,
    /// Worst-case credits, reserved until the attempt ends; `None` when unknown.
    pub reserved: Option<f64>,
    /// Where other machines are told of it. Empty until the claim stands: nothing of it is sent before. `None` where no
    /// cache is shared.
    pub claim: Option<String>,
}

impl Intent {
    /// The place of its claim, once that stands.
    pub fn claim_place(&self) -> Option<&str> {
        self.claim.as_deref().filter(|place| !place.is_empty())
    }
}

/// An attempt as recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Its row.
    pub id: AttemptId,
    /// What was recorded before sending.
    pub intent: Intent,
    /// How far it has come.
    pub state: AttemptState,
    /// The provider's task id.
    pub task_id: Option<String>,
    /// Result links, best first.
    pub urls: Vec<String>,
    /// Digest of its clip in the cache.
    pub clip: Option<String>,
    /// Why it failed or is unknown.
    pub failure: Option<Failure>,
    /// Credits the provider reported, where it did.
    pub charged: Option<f64>,
    /// Unix milliseconds of the intent.
    pub created_ms: i64,
    /// Unix milliseconds of the last change.
    pub changed_ms: i64,
}

/// A take as recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Take {
    /// Its row.
    pub id: TakeId,
    /// Where it belongs.
    pub slot: Slot,
    /// Its number in the slot, from 1.
    pub number: u32,
    /// The ask it was made for.
    pub ask: Document,
    /// Kinds of its steps, in order.
    pub steps: Vec<StepKind>,
    /// Clips it started with (reused from an earlier take), by step index: digest and task id.
    pub reused: Vec<(usize, String, Option<String>)>,
    /// How far it has come.
    pub state: TakeState,
    /// Its attempts in order.
    pub attempts: Vec<Attempt>,
    /// Unix milliseconds.
    pub created_ms: i64,
}

impl Take {
    /// What it makes in the end.
    pub fn media(&self) -> Media {
        Media::made_by(self.steps.last().copied())
    }
}

/// Size and time of a file that was hashed; while both agree the hash is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// Path relative to the project root, with `/`.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Modification time in nanoseconds since 1970.
    pub modified_ns: i64,
    /// `sha256:` and hex.
    pub sha256: String,
}

/// A clip in the cache.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipRecord {
    /// `sha256:` and hex.
    pub sha256: String,
    /// Bytes.
    pub bytes: u64,
    /// What is known of the pictures ([`crate::media::Probe`] as JSON).
    pub probe: Value,
    /// The task that made it.
    pub task_id: Option<String>,
}

/// A publication that must be finished once begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    /// Row.
    pub id: i64,
    /// The take, for a render.
    pub take: Option<TakeId>,
    /// Where it belongs.
    pub slot: Slot,
    /// Digest of the content.
    pub sha256: String,
    /// Clip file relative to the assets root.
    pub filename: String,
    /// The manifest entry to append, complete but for `id`, `version` and `superseded_by`; null when the manifest is right already.
    pub entry: Value,
    /// The manifest entry (id) it takes the place of, when that is not simply the scene's last one.
    pub supersedes: Option<String>,
}

/// The account's credits at a moment, as the provider told them.
#[derive(Debug, Clone, PartialEq)]
pub struct BalanceRecord {
    /// The catalogue's provider.
    pub provider: String,
    /// Unix milliseconds of the answer.
    pub at_ms: i64,
    /// Credits.
    pub credits: f64,
}

/// A run that ended, for the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// Unix milliseconds of its end.
    pub ended_ms: i64,
    /// Its summary as JSON, as the version that ran it wrote it.
    pub summary: String,
}

/// Everything a plan needs of the ledger, read at once.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// All takes with their attempts.
    pub takes: Vec<Take>,
    /// Known hashes of files.
    pub files: Vec<FileRecord>,
    /// Clips in the cache, as recorded.
    pub clips: Vec<ClipRecord>,
    /// Publications that were begun and not finished.
    pub publishing: Vec<Publication>,
    /// The balance before the first submission of each run, oldest first.
    pub balances: Vec<BalanceRecord>,
    /// The last runs that ended, newest first.
    pub runs: Vec<RunRecord>,
}
