//! The four small ports through which a run sees the world: clock, transport, ledger, files.
//!
//! The real ones are in `engine::real`; tests put a seeded world in their place and simulate whole runs.
//! The ledger's port is [`crate::ledger::Ledger`].

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use std::path::{Path, PathBuf};
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
