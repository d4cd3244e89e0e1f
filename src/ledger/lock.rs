//! One run at a time in a project: a kernel lock that names its holder and dies with it.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a waiting process sleeps between two tries.
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

/// How often, and how far apart, a holder that has not written its name is asked for it once more.
const NAMELESS_TRIES: u32 = 20;
const BETWEEN_NAMELESS_TRIES: Duration = Duration::from_millis(10);

/// The process that holds the lock, as it described itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// When it took the lock (RFC 3339).
    pub started: String,
    /// Its command line without values that could be secret: `storyreel render`.
    pub command: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}` (process {}, since {})", self.command, self.pid, self.started)
    }
}

/// Why the lock was not given.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error(
        "another run holds the lock `{}`{}; wait for it with `--wait`, or let it end",
        path.display(),
        holder.as_ref().map(|holder| format!(": {holder}")).unwrap_or_default()
    )]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, where the file tells.
        holder: Option<Holder>,
    },
    /// The file cannot be opened or locked.
    #[error("the lock `{}` cannot be used: {source}", path.display())]
    Unusable {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// The project's lock; released when dropped or when the process ends in any way. Its file is never deleted.
#[derive(Debug)]
pub struct ProjectLock {
    file: File,
}

impl ProjectLock {
    /// Takes the lock at `path` (its folder is made if missing), or waits for it for `wait`: `None` refuses at once.
    ///
    /// `command` is shown to whoever is refused meanwhile; it must hold no secret.
    pub fn acquire(path: &Path, command: &str, wait: Option<Duration>) -> Result<Self, LockError> {
        Self::acquire_with(path, command, wait, &mut |pause| std::thread::sleep(pause))
    }

    /// [`ProjectLock::acquire`] with another way to sleep.
    pub fn acquire_with(
        path: &Path,
        command: &str,
        wait: Option<Duration>,
        sleep: &mut dyn FnMut(Duration),
    ) -> Result<Self, LockError> {
        let unusable = |source| LockError::Unusable { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            super::make_private_folder(folder).map_err(unusable)?;
        }
        let mut file = open(path).map_err(unusable)?;
        let mut left = wait.unwrap_or_default();
        let mut nameless = 0;
        loop {
            match file.try_lock() {
                Ok(()) if is_at(&file, path).map_err(unusable)? => break,
                // Somebody has removed the file meanwhile, and another process may have locked a new one.
                Ok(()) => file = open(path).map_err(unusable)?,
                Err(TryLockError::WouldBlock) if left.is_zero() => {
                    let holder = holder(path);
                    // It has taken the lock and not said its name yet, or is just giving it back.
                    if holder.is_none() && nameless < NAMELESS_TRIES {
                        nameless += 1;
                        sleep(BETWEEN_NAMELESS_TRIES);
                        continue;
                    }
                    return Err(LockError::Held { path: path.to_owned(), holder });
                }
                Err(TryLockError::WouldBlock) => {
                    let pause = left.min(BETWEEN_TRIES);
                    sleep(pause);
                    left -= pause;
                }
                Err(TryLockError::Error(source)) => return Err(unusable(source)),
            }
        }
        let mut lock = Self { file };
        lock.describe(command).map_err(unusable)?;
        Ok(lock)
    }

    fn describe(&mut self, command: &str) -> std::io::Result<()> {
        let holder = Holder {
            pid: std::process::id(),
            started: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            command: command.to_owned(),
        };
        let text = serde_json::to_string(&holder)?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }
}

impl Drop for ProjectLock {
    fn drop(&mut self) {
        // A description that outlives its lock would name the wrong process to the next one refused. If this
        // fails, only that text is stale: the kernel releases the lock when the file is closed.
        let _ = self.file.set_len(0);
        // Closing is not enough at once: a process that was just being started may still hold a copy of the handle.
        let _ = self.file.unlock();
    }
}

/// Opens the lock file, which is a plain file of the project and nothing else.
fn open(path: &Path) -> std::io::Result<File> {
    super::refuse_link(path)?;
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is not a file; remove it"))
    }
}

/// True while the open file is the one that the next process would open.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let ours = file.metadata()?;
    match std::fs::symlink_metadata(path) {
        Ok(there) => Ok((ours.dev(), ours.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> std::io::Result<bool> {
    Ok(true)
}

/// Who holds the lock, as far as its file can be read.
fn holder(path: &Path) -> Option<Holder> {
    let mut text = String::new();
    File::open(path).ok()?.take(4096).read_to_string(&mut text).ok()?;
    let mut holder: Holder = serde_json::from_str(&text).ok()?;
    // The file can be written by anybody who can write to the project; what is printed must be harmless.
    for text in [&mut holder.started, &mut holder.command] {
        *text = text.chars().filter(|c| !c.is_control()).take(200).collect();
    }
    Some(holder)
}
