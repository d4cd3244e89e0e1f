//! Writing a file so that nobody ever sees half of it.

use crate::ports::Files;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

/// Writes a whole file: a temporary one in the same folder, synced, renamed over the old one, the folder synced.
pub fn write_atomically(files: &dyn Files, path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = write_aside(files, path, bytes)?;
    files.rename(&temporary, path).inspect_err(|_| discard(files, &temporary))
}

/// Writes what is to become `path` to a temporary file beside it, synced; only the rename is left to do.
pub(super) fn write_aside(files: &dyn Files, path: &Path, bytes: &[u8]) -> Result<PathBuf> {
    let folder = path
        .parent()
        .ok_or_else(|| Error::new(ErrorKind::InvalidInput, "a path without a folder"))?;
    let temporary = files.create_temporary(folder, ".tmp")?;
    files
        .append(&temporary, bytes)
        .and_then(|()| files.sync(&temporary))
        .inspect_err(|_| discard(files, &temporary))?;
    Ok(temporary)
}

/// Removes a temporary file; the reason for that is what the caller reports, not whether this worked.
pub(super) fn discard(files: &dyn Files, temporary: &Path) {
    let _ = files.remove(temporary);
}
