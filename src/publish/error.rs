//! Why clips could not be put in place.

use crate::ledger::LedgerError;
use crate::manifest::ManifestError;
use std::io::ErrorKind;
use std::path::PathBuf;

/// Why clips could not be put in place. Whatever it is, the paid clip stays in the cache and on record.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The clip's file name leads out of the assets.
    #[error("the clip file `{filename}` is not a path below the assets folder")]
    Name {
        /// As given.
        filename: String,
    },
    /// The bytes are neither in the cache nor anywhere they were looked for, or they are not what their digest says.
    #[error(
        "the content of `{filename}` (`{sha256}`) is neither in the cache nor in a file of the project"
    )]
    Content {
        /// The clip's file name.
        filename: String,
        /// Its digest.
        sha256: String,
    },
    /// A file could not be read or written.
    #[error("cannot {action} `{}`: {source}", path.display())]
    File {
        /// `read`, `write`, ...
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The manifest cannot be read, so it is not written either.
    #[error("`{}`: {error}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong.
        error: ManifestError,
    },
    /// Another program rewrites the manifest, or clips, faster than they can be merged.
    #[error("`{}` changes all the time while clips are published", path.display())]
    Unstable {
        /// The manifest.
        path: PathBuf,
    },
    /// The ledger could not be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl PublishError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Name { .. } => "choose another id for the scene".to_owned(),
            Self::Content { .. } => {
                "the provider may still have it: run `storyreel plan` to see what can be restored"
                    .to_owned()
            }
            Self::File { source, path, .. } => match source.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                    "make room on the disk and run again: the clips are in the cache and cost nothing more"
                        .to_owned()
                }
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => format!(
                    "make `{}` writable and run again: the clips are in the cache and cost nothing more",
                    path.parent().unwrap_or(path).display()
                ),
                _ => "run again: the clips are in the cache and cost nothing more".to_owned(),
            },
            Self::Manifest { error, .. } => {
                format!("{}; then run again: the clips are in the cache and cost nothing more", error.hint())
            }
            Self::Unstable { .. } => {
                "end the other program or wait for it, then run again: nothing is lost".to_owned()
            }
            Self::Ledger(_) => "nothing is lost: run again when the ledger can be written".to_owned(),
        }
    }
}
