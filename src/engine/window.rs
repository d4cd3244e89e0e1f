//! The submission window: never more new tasks in any stretch of time than the account may make.
//!
//! It is a log of the last grants, not a bucket that refills: a bucket lets twice its size through around a refill.
//! A grant takes effect somewhere between its being given and the provider's answer, so it counts from being given
//! until one window after the answer.

use crate::digest::hex;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How many submissions any stretch of this length may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowLimit {
    /// Submissions.
    pub count: usize,
    /// Length of the window.
    pub length: Duration,
}

/// What a request for a grant gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// Send now, and close the grant once the answer is here.
    Given(GrantId),
    /// Ask again at this time (Unix milliseconds).
    NotBefore(i64),
}

/// Names a grant in the log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GrantId(String);

/// Gives grants out.
pub trait Window: Send {
    /// Asks for one grant.
    ///
    /// # Errors
    /// When the log cannot be read or written; nothing may be sent then.
    fn grant(&mut self, limit: WindowLimit, now_ms: i64) -> io::Result<Grant>;
    /// Tells that the answer to what was sent under this grant has arrived (or never will).
    ///
    /// # Errors
    /// When the log cannot be written; the grant then counts a little longer, which is harmless.
    fn close(&mut self, grant: &GrantId, now_ms: i64) -> io::Result<()>;
}

/// How long the open grant of another process counts as if its answer could still come. A process that was killed
/// leaves such grants, and its connections died with it.
const OPEN_FOR_MS: i64 = 5_000;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    id: GrantId,
    given_ms: i64,
    closed_ms: Option<i64>,
}

/// The rule itself, without a place to keep the log.
#[derive(Debug, Default, Clone)]
struct Log {
    entries: Vec<Entry>,
}

impl Log {
    fn grant(
        &mut self,
        limit: WindowLimit,
        now_ms: i64,
        own: &BTreeSet<GrantId>,
        id: GrantId,
    ) -> Grant {
        let length = i64::try_from(limit.length.as_millis()).unwrap_or(i64::MAX / 4);
        for entry in &mut self.entries {
            // Where the clock was set back, an entry of the future would block for ever; it counts from now on.
            entry.given_ms = entry.given_ms.min(now_ms);
            entry.closed_ms = entry.closed_ms.map(|closed| closed.min(now_ms));
        }
        let free_at = |entry: &Entry| match entry.closed_ms {
            Some(closed) => closed.saturating_add(length),
            None if own.contains(&entry.id) => now_ms.saturating_add(length),
            None => entry.given_ms.saturating_add(OPEN_FOR_MS).saturating_add(length),
        };
        // A longer window of another process may still need entries that are over for this one.
        let kept_ms = length.max(60_000);
        self.entries.retain(|entry| {
            entry.closed_ms.is_none() && own.contains(&entry.id)
                || entry.closed_ms.unwrap_or(entry.given_ms + OPEN_FOR_MS).saturating_add(kept_ms)
                    >= now_ms
        });
        let mut ends: Vec<i64> =
            self.entries.iter().map(free_at).filter(|end| *end >= now_ms).collect();
        if ends.len() < limit.count.max(1) {
            self.entries.push(Entry { id: id.clone(), given_ms: now_ms, closed_ms: None });
            return Grant::Given(id);
        }
        ends.sort_unstable();
        // So many must end before one place is free. An entry counts up to and with its last millisecond.
        let at = ends[ends.len() - limit.count.max(1)].saturating_add(1);
        Grant::NotBefore(at)
    }

    fn close(&mut self, grant: &GrantId, now_ms: i64) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == *grant) {
            entry.closed_ms = Some(now_ms.max(entry.given_ms));
        }
    }

    fn read(text: &str) -> Self {
        let entries = text
            .lines()
            .filter_map(|line| {
                let mut words = line.split(' ');
                let id = GrantId(words.next()?.to_owned());
                let given_ms = words.next()?.parse().ok()?;
                let closed_ms = match words.next()? {
                    "-" => None,
                    text => Some(text.parse().ok()?),
                };
                Some(Entry { id, given_ms, closed_ms })
            })
            .collect();
        Self { entries }
    }

    fn write(&self) -> String {
        self.entries.iter().fold(String::new(), |mut text, entry| {
            text.push_str(&entry.id.0);
            text.push_str(&format!(" {} ", entry.given_ms));
            match entry.closed_ms {
                Some(closed) => text.push_str(&closed.to_string()),
                None => text.push('-'),
            }
            text.push('\n');
            text
        })
    }
}

/// The log in memory, for one process.
#[derive(Debug, Default)]
pub struct MemoryWindow {
    log: Log,
    own: BTreeSet<GrantId>,
    given: u64,
}

impl MemoryWindow {
    /// After a crash of the process that had the open grants: they are nobody's own any more.
    pub fn disown(&mut self) {
        self.own.clear();
    }
}

impl Window for MemoryWindow {
    fn grant(&mut self, limit: WindowLimit, now_ms: i64) -> io::Result<Grant> {
        self.given += 1;
        let id = GrantId(self.given.to_string());
        let grant = self.log.grant(limit, now_ms, &self.own, id);
        if let Grant::Given(id) = &grant {
            self.own.insert(id.clone());
        }
        Ok(grant)
    }

    fn close(&mut self, grant: &GrantId, now_ms: i64) -> io::Result<()> {
        self.own.remove(grant);
        self.log.close(grant, now_ms);
        Ok(())
    }
}

/// The log in a file that all processes of the user share which use the same key at the same API base.
#[derive(Debug)]
pub struct SharedWindow {
    file: PathBuf,
    lock: File,
    own: BTreeSet<GrantId>,
    prefix: String,
    given: u64,
}

impl SharedWindow {
    /// Opens (or makes) the log in `folder`, usually `$XDG_STATE_HOME/storyreel`. Its name holds a hash of key and
    /// API base, never the key.
    ///
    /// # Errors
    /// When the folder or the lock file cannot be made.
    pub fn open(folder: &Path, key: &str, api_base: &str) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut hash = Sha256::new();
        hash.update(b"storyreel submissions\0");
        hash.update(key.trim().as_bytes());
        hash.update(b"\0");
        hash.update(api_base.trim_end_matches('/').as_bytes());
        let name = hex(&hash.finalize())[..24].to_owned();
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join(format!("submissions-{name}.lock")))?;
        let born = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos());
        Ok(Self {
            file: folder.join(format!("submissions-{name}.log")),
            lock,
            own: BTreeSet::new(),
            prefix: format!("{}-{born:x}", std::process::id()),
            given: 0,
        })
    }

    fn locked<T>(&mut self, change: impl FnOnce(&mut Self, &mut Log) -> T) -> io::Result<T> {
        self.lock.lock()?;
        let outcome = (|| {
            let mut text = String::new();
            match File::open(&self.file) {
                // Whatever is not UTF-8 was not written by us.
                Ok(mut file) => match file.read_to_string(&mut text) {
                    Err(error) if error.kind() == io::ErrorKind::InvalidData => text.clear(),
                    other => {
                        other?;
                    }
                },
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            let mut log = Log::read(&text);
            let outcome = change(self, &mut log);
            let folder = self.file.parent().unwrap_or_else(|| Path::new("."));
            let mut new = tempfile::NamedTempFile::new_in(folder)?;
            new.write_all(log.write().as_bytes())?;
            new.persist(&self.file).map_err(|error| error.error)?;
            Ok(outcome)
        })();
        self.lock.unlock()?;
        outcome
    }
}

impl Window for SharedWindow {
    fn grant(&mut self, limit: WindowLimit, now_ms: i64) -> io::Result<Grant> {
        self.given += 1;
        let id = GrantId(format!("{}-{}", self.prefix, self.given));
        let grant = self.locked(|this, log| log.grant(limit, now_ms, &this.own, id))?;
        if let Grant::Given(id) = &grant {
            self.own.insert(id.clone());
        }
        Ok(grant)
    }

    fn close(&mut self, grant: &GrantId, now_ms: i64) -> io::Result<()> {
        self.own.remove(grant);
        self.locked(|_, log| log.close(grant, now_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The most effects in any window, where each effect lies anywhere between grant and close.
    fn most(spans: &[(i64, i64)], length: i64) -> usize {
        // The worst case for a window is that the earlier ones act late and the later ones act early.
        (0..spans.len())
            .map(|first| {
                let start = spans[first].1;
                spans[first..].iter().filter(|(given, _)| *given - start < length).count()
            })
            .max()
            .unwrap_or(0)
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_the_limit(
            count in 1_usize..6,
            length in 1_i64..200,
            waits in proptest::collection::vec((0_i64..60, 0_i64..40), 1..80),
        ) {
            let limit = WindowLimit { count, length: Duration::from_millis(length.unsigned_abs()) };
            let folder = tempfile::tempdir().unwrap();
            let mut processes = [
                SharedWindow::open(folder.path(), "key", "https://a").unwrap(),
                SharedWindow::open(folder.path(), "key", "https://a/").unwrap(),
            ];
            let mut now = 1_000_000;
            let mut spans: Vec<(i64, i64)> = Vec::new();
            for (index, (wait, answer)) in waits.into_iter().enumerate() {
                now += wait;
                let window = &mut processes[index % 2];
                if let Grant::Given(id) = window.grant(limit, now).unwrap() {
                    spans.push((now, now + answer));
                    now += answer;
                    window.close(&id, now).unwrap();
                }
            }
            prop_assert!(most(&spans, length) <= count, "{spans:?}");
        }
    }

    #[test]
    fn the_time_it_names_is_the_first_that_works() {
        let limit = WindowLimit { count: 2, length: Duration::from_millis(100) };
        let mut window = MemoryWindow::default();
        for now in [0, 10] {
            let Grant::Given(id) = window.grant(limit, now).unwrap() else { panic!("free") };
            window.close(&id, now + 5).unwrap();
        }
        assert_eq!(window.grant(limit, 20).unwrap(), Grant::NotBefore(106));
        assert_eq!(window.grant(limit, 105).unwrap(), Grant::NotBefore(106));
        assert!(matches!(window.grant(limit, 106).unwrap(), Grant::Given(_)));
    }

    #[test]
    fn a_grant_without_an_answer_counts_until_it_has_one_or_its_process_is_gone() {
        let limit = WindowLimit { count: 1, length: Duration::from_millis(100) };
        let mut window = MemoryWindow::default();
        let Grant::Given(_) = window.grant(limit, 0).unwrap() else { panic!("free") };
        assert_eq!(window.grant(limit, 50_000).unwrap(), Grant::NotBefore(50_101));
        window.disown();
        assert!(matches!(window.grant(limit, 50_000).unwrap(), Grant::Given(_)));
    }

    #[test]
    fn a_clock_that_was_set_back_blocks_for_one_window_only() {
        let limit = WindowLimit { count: 1, length: Duration::from_millis(100) };
        let mut window = MemoryWindow::default();
        let Grant::Given(id) = window.grant(limit, 9_000_000).unwrap() else { panic!("free") };
        window.close(&id, 9_000_000).unwrap();
        assert_eq!(window.grant(limit, 1_000).unwrap(), Grant::NotBefore(1_101));
        assert!(matches!(window.grant(limit, 1_101).unwrap(), Grant::Given(_)));
    }

    #[test]
    fn the_log_holds_no_key_and_survives_nonsense() {
        let folder = tempfile::tempdir().unwrap();
        let mut window = SharedWindow::open(folder.path(), "secret-key", "https://a").unwrap();
        let limit = WindowLimit { count: 1, length: Duration::from_secs(10) };
        assert!(matches!(window.grant(limit, 5).unwrap(), Grant::Given(_)));
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            assert!(!entry.file_name().to_string_lossy().contains("secret"));
            assert!(!std::fs::read_to_string(entry.path()).unwrap().contains("secret"));
        }
        std::fs::write(&window.file, b"\xff\xfe junk\nx y z\n").unwrap();
        assert!(matches!(window.grant(limit, 6).unwrap(), Grant::Given(_)));
    }
}
