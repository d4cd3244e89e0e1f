//! The small ports through which a run sees the world: clock, transport, ledger, files, and, where machines share a
//! cache, what the others do.
//!
//! The real ones are in `engine::real`; tests put a seeded world in their place and simulate whole runs.
//! The ledger's port is [`crate::ledger::Ledger`].

use crate::record::{ClipRecord, Failure, Slot};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Time and chance.
pub trait Clock: Send + Sync {
    /// Unix milliseconds.
    fn now_ms(&self) -> i64;
    /// Waits.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
    /// A number from 0 up to and without 1, for jitter.
    fn chance(&self) -> f64;
}

/// What a call is for; the transport chooses its client by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A paid create: HTTP/1.1, a connection of its own, never repeated by the library, no redirects.
    Create,
    /// Anything that may be repeated freely: reads, upgrades' polls, balance, links.
    Read,
    /// An upload of a file.
    Upload,
}

/// A call to the provider's API or upload host.
#[derive(Debug, Clone)]
pub struct Call {
    /// What it is for.
    pub purpose: Purpose,
    /// `GET` or `POST`.
    pub method: String,
    /// The full URL.
    pub url: String,
    /// Its body.
    pub body: CallBody,
    /// How long it may take in all.
    pub timeout: Duration,
}

/// The body of a call. The key is added by the transport, and only for the provider's two hosts.
#[derive(Debug, Clone)]
pub enum CallBody {
    /// None.
    Empty,
    /// JSON, already serialised.
    Json(String),
    /// A file as `multipart/form-data` with extra text fields.
    File {
        /// The file.
        path: PathBuf,
        /// Name of the part that carries it.
        part: String,
        /// The file's name as told to the host.
        name: String,
        /// Other parts.
        fields: Vec<(String, String)>,
    },
}

/// An answer, read whole (at most a few MB).
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Failed before the first byte left (DNS, connect, TLS): certainly not received.
    #[error("{0}")]
    NotSent(String),
    /// It cannot be sent from here at all, and no repeating helps (no certificates, a forbidden address).
    #[error("{0}")]
    Never(String),
    /// Failed afterwards (time-out, reset, a cut answer): nobody can tell whether it was received.
    #[error("{0}")]
    MaybeSent(String),
}

/// A download that has begun.
pub struct Download {
    /// HTTP status of the final answer.
    pub status: u16,
    /// Content-Length, where given.
    pub length: Option<u64>,
    /// The bytes.
    pub chunks: BoxStream<'static, Result<Bytes, String>>,
}

/// HTTP.
pub trait Transport: Send + Sync {
    /// Sends a call to the provider with the key.
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, SendError>>;
    /// Gets a result link without the key; follows redirects, each target checked anew.
    fn download(
        &self,
        url: String,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<Download, SendError>>;
}

/// Files of the project: the cache and the published clips. Paths are absolute.
///
/// Everything is synchronous: writes are short or run inside an executor's blocking section.
pub trait Files: Send + Sync {
    /// How many files may be worked on at the same time.
    fn at_once(&self) -> usize {
        1
    }
    /// Bytes of a whole file.
    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>>;
    /// Size and modification time (nanoseconds since 1970) of a regular file, `None` where there is none. Does not follow a symbolic link out of the project.
    fn stat(&self, path: &Path) -> std::io::Result<Option<(u64, i64)>>;
    /// `sha256:` and hex of a file.
    fn hash(&self, path: &Path) -> std::io::Result<String>;
    /// Creates an empty unique temporary file in `folder` (created if missing).
    fn create_temporary(&self, folder: &Path, suffix: &str) -> std::io::Result<PathBuf>;
    /// Appends to a file.
    fn append(&self, path: &Path, bytes: &[u8]) -> std::io::Result<()>;
    /// Writes data and metadata of a file to disk.
    fn sync(&self, path: &Path) -> std::io::Result<()>;
    /// Makes what stands at a path survive a power cut, bytes and name, whoever put it there; where nothing stands,
    /// nothing will.
    fn make_durable(&self, path: &Path) -> std::io::Result<()>;
    /// Copies content (reflink where the file system can) to a new unique temporary file in `folder`, synced.
    fn copy_to_temporary(
        &self,
        from: &Path,
        folder: &Path,
        suffix: &str,
    ) -> std::io::Result<PathBuf>;
    /// Renames over whatever stands at `to`, then syncs the folder of `to`.
    fn rename(&self, from: &Path, to: &Path) -> std::io::Result<()>;
    /// Renames over `to` if that still holds `seen` (`None`: nothing stands there), in one step where the system can,
    /// then syncs the folder. False where `to` holds something else by now; it and `from` are as they were then.
    fn replace(&self, from: &Path, to: &Path, seen: Option<&[u8]>) -> std::io::Result<bool>;
    /// Removes a file, then syncs its folder; a missing file is fine.
    fn remove(&self, path: &Path) -> std::io::Result<()>;
    /// Metadata of an MP4 file, or why it is none.
    fn probe(&self, path: &Path) -> Result<crate::media::Probe, String>;
    /// One frame (`first` or `last`) of a clip as a picture in a new temporary file in `folder`, or why there is none.
    fn frame(&self, clip: &Path, which: &str, folder: &Path) -> Result<PathBuf, String>;
}

/// A submission that is about to be made, as it is told to the other machines.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Where what is asked for belongs.
    pub slot: Slot,
    /// Fingerprint of the symbolic request: together with the slot the same for whoever asks for the same.
    pub fingerprint: String,
    /// Who claims it: no other submission of any machine has this name.
    pub by: String,
    /// What this machine knows of earlier submissions of the same: places of claims, names of claimants, ids of tasks.
    /// Those are not what is asked for now.
    pub known: BTreeSet<String>,
    /// Tasks that this machine knew when its run began.
    pub tasks: Arc<BTreeSet<String>>,
    /// What is written down for whoever takes it over: the take and the intent.
    pub document: Value,
}

/// What came of a claim.
#[derive(Debug, Clone, PartialEq)]
pub enum Claimed {
    /// Nobody else sends this.
    Ours {
        /// Where it is written down.
        place: String,
    },
    /// Another machine sends it, or has.
    Theirs {
        /// Where it is written down.
        place: String,
        /// Who they are, in words for people.
        holder: String,
        /// When they began, in Unix milliseconds by their clock.
        since_ms: i64,
    },
}

/// What became of a claim, as whoever has it tells. The later in this list, the more it says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum News {
    /// Nothing was told yet.
    Nothing,
    /// Nobody can tell whether the provider accepted it.
    Unknown {
        /// What is known of it.
        failure: Failure,
    },
    /// It was certainly not accepted, or was given up.
    Forgotten,
    /// The provider has it.
    Submitted {
        /// Its task; `None` for an upgrade, which has none of its own.
        task_id: Option<String>,
    },
    /// The provider refused it, or failed it.
    Failed {
        /// Why.
        failure: Failure,
        /// What it cost, where that is known.
        charged: Option<f64>,
    },
    /// Its clip is in the shared cache.
    Done {
        /// Its task.
        task_id: Option<String>,
        /// The provider's links to it.
        urls: Vec<String>,
        /// What it cost, where that is known.
        charged: Option<f64>,
        /// The clip.
        clip: ClipRecord,
    },
}

/// What machines that work on one storyboard share: who sends what, and the clips. Errors are words for people.
pub trait SharedCache: Send + Sync {
    /// Claims a submission before it is made.
    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Claimed, String>>;
    /// What became of the claim at a place.
    fn hear<'a>(&'a self, place: &'a str) -> BoxFuture<'a, Result<News, String>>;
    /// Tells what became of a claim of ours. What was told of it before stays.
    fn tell<'a>(&'a self, place: &'a str, news: News) -> BoxFuture<'a, Result<(), String>>;
    /// Keeps a clip for the others, unless they have it.
    fn keep_clip<'a>(
        &'a self,
        sha256: &'a str,
        file: &'a Path,
    ) -> BoxFuture<'a, Result<(), String>>;
    /// The bytes of a clip, unchecked; `None` where it is not there.
    fn clip<'a>(&'a self, sha256: &'a str) -> BoxFuture<'a, Result<Option<Download>, String>>;
}
