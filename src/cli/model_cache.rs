//! What the provider answered about its models, kept for some hours so that nobody asks twice.

use crate::digest::hex;
use crate::discovery::{Listing, SchemaAnswer};
use crate::remote::address;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file of a host is some hundred kilobytes; whatever is longer is not ours.
const LONGEST: u64 = 64 * 1024 * 1024;

/// The answers of one API host.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct ModelCache {
    /// The version of storyreel that wrote it; another one reads answers in its own way.
    version: String,
    /// Host and port of the API.
    server: String,
    /// When the last question left, in Unix milliseconds: the next one keeps its distance.
    pub asked_ms: Option<i64>,
    /// The list.
    pub listing: Option<Kept<Listing>>,
    /// Schemas by id.
    pub schemas: BTreeMap<String, Kept<SchemaAnswer>>,
}

/// An answer and its time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kept<T> {
    /// In Unix milliseconds.
    pub at_ms: i64,
    /// The answer.
    pub answer: T,
}

impl<T> Kept<T> {
    /// True where the answer is not older than so many milliseconds. One from the future is not known to be young.
    pub fn is_fresh(&self, now_ms: i64, oldest_ms: i64) -> bool {
        (0..=oldest_ms).contains(&now_ms.saturating_sub(self.at_ms)) && oldest_ms > 0
    }
}

impl ModelCache {
    fn path(folder: &Path, server: &str) -> PathBuf {
        let hash = Sha256::digest(format!("storyreel models\0{server}"));
        folder.join(format!("models-{}.json", &hex(&hash)[..24]))
    }

    /// What is kept for the API at `base`; empty where nothing is, or nothing that can be read.
    pub fn open(folder: &Path, base: &str) -> Self {
        let server = address::server(base);
        let path = Self::path(folder, &server);
        let version = env!("CARGO_PKG_VERSION").to_owned();
        std::fs::metadata(&path)
            .ok()
            .filter(|metadata| metadata.is_file() && metadata.len() <= LONGEST)
            .and_then(|_| std::fs::read(&path).ok())
            .and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok())
            .filter(|kept| kept.version == version && kept.server == server)
            .unwrap_or_else(|| Self { version, server, ..Self::default() })
    }

    /// Keeps it.
    ///
    /// # Errors
    /// When the folder or the file cannot be written.
    pub fn save(&self, folder: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.persist(Self::path(folder, &self.server)).map_err(|error| error.error)?;
        remove_forgotten(folder);
        Ok(())
    }
}

/// Removes what was kept of hosts that nobody has asked for a month; local emulators have a new port each time.
fn remove_forgotten(folder: &Path) {
    const MONTH: Duration = Duration::from_secs(30 * 86_400);
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let ours = name
            .to_str()
            .is_some_and(|name| name.starts_with("models-") && name.ends_with(".json"));
        let age = entry.metadata().and_then(|metadata| metadata.modified());
        if ours && age.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > MONTH)) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ages() {
        let kept = Kept { at_ms: 1_000, answer: () };
        assert!(kept.is_fresh(1_000, 10) && kept.is_fresh(1_010, 10));
        assert!(!kept.is_fresh(1_011, 10) && !kept.is_fresh(999, 10) && !kept.is_fresh(1_000, 0));
    }

    #[test]
    fn each_host_has_a_file_and_a_broken_one_is_none() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let mut cache = ModelCache::open(folder.path(), "http://127.0.0.1:1");
        cache.asked_ms = Some(5);
        cache.save(folder.path())?;
        assert_eq!(ModelCache::open(folder.path(), "http://127.0.0.1:1/").asked_ms, Some(5));
        assert_eq!(ModelCache::open(folder.path(), "http://127.0.0.1:2").asked_ms, None);
        std::fs::write(ModelCache::path(folder.path(), "127.0.0.1:1"), "{")?;
        assert_eq!(ModelCache::open(folder.path(), "http://127.0.0.1:1").asked_ms, None);
        Ok(())
    }
}
