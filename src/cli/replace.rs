//! Writing a file that nobody ever sees half of.

use std::io::{Error, ErrorKind, Result, Write as _};
use std::path::Path;

/// Puts `bytes` where `path` leads, in one step. Through a link the file behind it is replaced, with its rights; a device,
/// a pipe or a folder is nobody's to replace.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let there = std::fs::metadata(&real).ok();
    if there.as_ref().is_some_and(|there| !there.is_file()) {
        return Err(Error::new(ErrorKind::InvalidInput, "it is there already and is no file"));
    }
    let folder = real.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    let rights = there.map(|there| there.permissions());
    #[cfg(unix)]
    let rights = rights.or_else(|| {
        use std::os::unix::fs::PermissionsExt as _;
        Some(std::fs::Permissions::from_mode(0o644))
    });
    if let Some(rights) = rights {
        file.as_file().set_permissions(rights)?;
    }
    file.as_file().sync_all()?;
    file.persist(&real)?;
    Ok(())
}
