//! How a clip comes into the project's cache, from wherever it comes.

use crate::digest::Hasher;
use crate::layout::Layout;
use crate::ledger::ClipRecord;
use crate::media::Kind;
use crate::ports::{Download, Files};
use crate::remote::printable;
use crate::storyboard::StepKind;
use futures::StreamExt as _;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Chunks come in a few kilobytes, and each write opens the file anew: so much is gathered first, in bytes.
const PIECE: usize = 1024 * 1024;

/// Why a download gave no clip.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    /// The link is dead (403, 404, 410).
    #[error("{0}")]
    Gone(String),
    /// Cut, refused for now, or not a clip; worth another try.
    #[error("{message}")]
    Again { message: String, network: bool },
    /// Larger than the limit, or otherwise never to be taken.
    #[error("{0}")]
    Never(String),
    /// There is other content there than what is wanted.
    #[error("there is other content there now")]
    Foreign,
    /// The disk refused.
    #[error("{0}")]
    Disk(String),
}

/// The way into the cache: by a temporary file beside it, checked before it gets its place.
pub(crate) struct Intake<'w> {
    pub files: &'w dyn Files,
    pub layout: &'w Layout,
    /// A larger clip is not taken, in bytes.
    pub max_clip: u64,
}

impl Intake<'_> {
    /// Where downloads are gathered before they have a digest, on the same file system as the cache.
    pub fn folder(&self) -> PathBuf {
        self.layout.private.join("cache")
    }

    /// Takes what comes. With a digest that is wanted, nothing else is taken.
    pub async fn take(
        &self,
        download: Download,
        kind: StepKind,
        task_id: Option<String>,
        wanted: Option<&str>,
    ) -> Result<ClipRecord, FetchError> {
        let temporary = self.files.create_temporary(&self.folder(), ".part").map_err(disk)?;
        let outcome = self.take_by(&temporary, download, kind, task_id, wanted).await;
        if outcome.is_err() {
            // What cannot be removed is swept later; the reason that matters is the other one.
            drop(self.files.remove(&temporary));
        }
        outcome
    }

    async fn take_by(
        &self,
        temporary: &Path,
        mut download: Download,
        kind: StepKind,
        task_id: Option<String>,
        wanted: Option<&str>,
    ) -> Result<ClipRecord, FetchError> {
        let again = |message: String| FetchError::Again { message, network: false };
        let too_large = || {
            FetchError::Never(format!(
                "the clip is larger than `max_clip` allows ({} bytes); raise it and run again, the clip stays on record",
                self.max_clip
            ))
        };
        if download.length.is_some_and(|length| length > self.max_clip) {
            return Err(too_large());
        }
        let mut hash = Hasher::default();
        let mut bytes: u64 = 0;
        let mut piece = Vec::new();
        while let Some(chunk) = download.chunks.next().await {
            let chunk = chunk.map_err(|message| again(printable(&message, 300)))?;
            bytes += chunk.len() as u64;
            if bytes > self.max_clip {
                return Err(too_large());
            }
            hash.update(&chunk);
            piece.extend_from_slice(&chunk);
            if piece.len() >= PIECE {
                self.files.append(temporary, &piece).map_err(disk)?;
                piece.clear();
            }
        }
        if !piece.is_empty() {
            self.files.append(temporary, &piece).map_err(disk)?;
        }
        if let Some(length) = download.length
            && length != bytes
        {
            return Err(again(format!("the download was cut: {bytes} of {length} bytes came")));
        }
        let sha256 = hash.finish();
        if wanted.is_some_and(|wanted| wanted != sha256) {
            return Err(FetchError::Foreign);
        }
        let expected = kind_of(kind);
        let probe = self.files.probe(temporary).map_err(|message| {
            again(format!("what came is not a {}: {}", expected.name(), printable(&message, 200)))
        })?;
        // What has the digest that is wanted is what was there before, whatever it is.
        if wanted.is_none() && probe.kind() != expected {
            let expected = expected.name();
            return Err(again(format!("what came is not a {expected}: it is {}", probe.codec)));
        }
        self.files.sync(temporary).map_err(disk)?;
        self.files.rename(temporary, &self.layout.cached(&sha256)).map_err(disk)?;
        let probe = serde_json::to_value(probe).unwrap_or(Value::Null);
        Ok(ClipRecord { sha256, bytes, probe, task_id })
    }
}

fn disk(error: std::io::Error) -> FetchError {
    FetchError::Disk(error.to_string())
}

/// What a step makes.
fn kind_of(step: StepKind) -> Kind {
    match step {
        StepKind::Keyframe => Kind::Picture,
        StepKind::Voice => Kind::Sound,
        _ => Kind::Clip,
    }
}
