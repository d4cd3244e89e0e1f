//! The log of submissions in a file that all processes of a user share.

use super::window::{Grant, GrantId, Log, Window, WindowLimit};
use crate::digest::hex;
use crate::remote::address;
use sha2::{Digest as _, Sha256};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// When to come back then.
const COME_BACK_MS: i64 = 20;
/// How often, a millisecond apart, the log's lock is tried before the caller is told to come back.
const LOCK_TRIES: u32 = 200;
/// The log in a file that all processes of the user share which use the same key at the same API.
#[derive(Debug)]
pub struct SharedWindow {
    folder: PathBuf,
    /// What the names of all files of this log begin with.
    name: String,
    /// This process, as the log names it.
    owner: String,
    given: u64,
    /// Answers that are not in the log yet.
    unwritten: Vec<(GrantId, i64)>,
    /// The log's own time for the caller's time.
    clock: fn(i64) -> i64,
    /// Locked until this process ends, in whatever way.
    _life: File,
}

impl SharedWindow {
    /// Opens (or makes) the log in `folder`, usually `$XDG_STATE_HOME/storyreel`. Its name holds a hash of key and
    /// API host, never the key.
    ///
    /// # Errors
    /// When the folder or the files in it cannot be made.
    pub fn open(folder: &Path, key: &str, api_base: &str) -> io::Result<Self> {
        Self::with_clock(folder, key, api_base, steady_ms)
    }

    /// [`SharedWindow::open`] with another time for the log than the system's, made from the caller's.
    ///
    /// # Errors
    /// As there.
    pub fn with_clock(
        folder: &Path,
        key: &str,
        api_base: &str,
        clock: fn(i64) -> i64,
    ) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut hash = Sha256::new();
        hash.update(b"storyreel submissions\0");
        hash.update(key.trim().as_bytes());
        hash.update(b"\0");
        hash.update(address::server(api_base).as_bytes());
        let name = format!("submissions-{}", &hex(&hash.finalize())[..24]);
        // Nobody may take a life that is not locked yet for one that is over.
        let log_lock = open_lock(&folder.join(format!("{name}.lock")))?;
        log_lock.lock()?;
        remove_ended(folder, &name);
        let prefix = format!("{name}.{}-", std::process::id());
        let life = tempfile::Builder::new().prefix(&prefix).suffix(LIFE).tempfile_in(folder)?;
        let (life, path) = life.keep().map_err(|error| error.error)?;
        life.lock()?;
        let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let owner = file_name[name.len() + 1..].trim_end_matches(LIFE).to_owned();
        log_lock.unlock()?;
        Ok(Self {
            folder: folder.to_owned(),
            name,
            owner,
            given: 0,
            unwritten: Vec::new(),
            clock,
            _life: life,
        })
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}{ending}", self.name))
    }

    /// Changes the log. `None` when another process keeps it locked: nobody waits for that here, because an
    /// interrupt could not be answered meanwhile.
    fn locked<T>(
        &mut self,
        now_ms: i64,
        change: impl FnOnce(&mut Log, &dyn Fn(&GrantId) -> bool) -> T,
    ) -> io::Result<Option<T>> {
        let lock = open_lock(&self.file(".lock"))?;
        if !locks_within(&lock, LOCK_TRIES)? {
            return Ok(None);
        }
        let path = self.file(".log");
        let mut log = match std::fs::read(&path) {
            Ok(bytes) => Log::read(&bytes, now_ms),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Log::default(),
            Err(error) => return Err(error),
        };
        for (grant, closed_ms) in &self.unwritten {
            log.close(grant, *closed_ms);
        }
        let known = RefCell::new(BTreeMap::from([(self.owner.clone(), true)]));
        let lives = |grant: &GrantId| {
            let owner = grant.owner().to_owned();
            *known.borrow_mut().entry(owner).or_insert_with_key(|owner| self.lives(owner))
        };
        let outcome = change(&mut log, &lives);
        // One name is enough, for only one process is here at a time, and what a killed one left is written over.
        let new = self.file(".new");
        std::fs::write(&new, log.write())?;
        std::fs::rename(&new, &path)?;
        self.unwritten.clear();
        lock.unlock()?;
        Ok(Some(outcome))
    }

    /// True while the process that the log calls `owner` has not ended.
    fn lives(&self, owner: &str) -> bool {
        is_locked(&self.file(&format!(".{owner}{LIFE}")))
    }
}

impl Drop for SharedWindow {
    fn drop(&mut self) {
        // What is left behind is removed by whoever opens the log next.
        let _ = std::fs::remove_file(self.file(&format!(".{}{LIFE}", self.owner)));
    }
}

impl Window for SharedWindow {
    fn grant(&mut self, limit: WindowLimit, now_ms: i64) -> io::Result<Grant> {
        let log_ms = (self.clock)(now_ms);
        self.given += 1;
        let id = GrantId::new(&self.owner, self.given);
        let grant = self.locked(log_ms, |log, lives| log.grant(limit, log_ms, lives, id))?;
        Ok(match grant {
            Some(Grant::Given(id)) => Grant::Given(id),
            Some(Grant::NotBefore(at)) => {
                Grant::NotBefore(now_ms.saturating_add(at.saturating_sub(log_ms)))
            }
            None => Grant::NotBefore(now_ms.saturating_add(COME_BACK_MS)),
        })
    }

    fn close(&mut self, grant: &GrantId, now_ms: i64) -> io::Result<()> {
        let log_ms = (self.clock)(now_ms);
        // Kept until it is written: a grant that stayed open would count for as long as this process lives.
        self.unwritten.push((grant.clone(), log_ms));
        self.locked(log_ms, |_, _| ()).map(|_| ())
    }
}

/// The end of the names of the files that processes lock while they live.
const LIFE: &str = ".life";

pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

/// Tries a lock so often, a millisecond apart. Who holds it writes a few lines and lets go, and an interrupt must be
/// answered meanwhile all the same.
pub(super) fn locks_within(file: &File, tries: u32) -> io::Result<bool> {
    for _ in 0..tries {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(false)
}

/// True when the file is there and somebody has locked it.
fn is_locked(path: &Path) -> bool {
    let Ok(file) = OpenOptions::new().write(true).open(path) else { return false };
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// Removes what killed processes left.
fn remove_ended(folder: &Path, name: &str) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        let file_name = entry.file_name();
        let file_name = file_name.to_string_lossy();
        let is_life = file_name.starts_with(name) && file_name.ends_with(LIFE);
        if is_life && !is_locked(&entry.path()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Milliseconds of a clock that nobody can set and that all processes of the machine share. It begins anew when the
/// machine does; the log then holds times of the future, which count from now.
#[cfg(unix)]
fn steady_ms(_: i64) -> i64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    time.tv_sec.saturating_mul(1_000).saturating_add(time.tv_nsec / 1_000_000)
}

/// Without such a clock, the caller's time.
#[cfg(not(unix))]
fn steady_ms(now_ms: i64) -> i64 {
    now_ms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::real::mixed;
    use crate::engine::window::KEPT_MS;
    use std::time::Instant;

    fn limit(count: usize, length_ms: u64) -> WindowLimit {
        WindowLimit { count, length: Duration::from_millis(length_ms) }
    }

    fn given(window: &mut dyn Window, limit: WindowLimit, now_ms: i64) -> GrantId {
        match window.grant(limit, now_ms).unwrap() {
            Grant::Given(id) => id,
            Grant::NotBefore(at) => panic!("at {now_ms} not before {at}"),
        }
    }

    fn shared(folder: &Path) -> SharedWindow {
        SharedWindow::with_clock(folder, "a-long-enough-key", "https://a", |now_ms| now_ms).unwrap()
    }

    /// Numbers that a seed stands for.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, limit: i64) -> i64 {
            self.0 = self.0.wrapping_add(1);
            i64::try_from(mixed(self.0) % limit.unsigned_abs()).unwrap()
        }
    }

    #[test]
    fn processes_that_share_a_file_keep_to_the_limit_together() {
        let folder = tempfile::tempdir().unwrap();
        let mut processes = [shared(folder.path()), shared(folder.path()), shared(folder.path())];
        let (limit, mut dice, mut now) = (limit(4, 50), Dice(7), 0);
        let mut spans: Vec<(i64, i64)> = Vec::new();
        let mut open: Vec<(usize, GrantId, i64)> = Vec::new();
        for round in 0..600 {
            let process = round % 3;
            if let Grant::Given(id) = processes[process].grant(limit, now).unwrap() {
                let since = spans.iter().filter(|(_, last)| *last >= now - 50).count();
                assert!(since + open.len() < limit.count, "at {now}");
                open.push((process, id, now));
            }
            now += dice.below(20);
            if dice.below(3) > 0 && !open.is_empty() {
                let (process, id, given_ms) = open.remove(0);
                processes[process].close(&id, now).unwrap();
                spans.push((given_ms, now));
            }
        }
        assert!(spans.len() > 100, "only {} grants", spans.len());
    }

    #[test]
    fn a_slow_answer_of_another_process_is_waited_for_and_a_killed_process_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (mut slow, mut other) = (shared(folder.path()), shared(folder.path()));
        let limit = limit(1, 100);
        let id = given(&mut slow, limit, 0);
        for now in [5_000, 100_000, 3_600_000] {
            assert_eq!(other.grant(limit, now).unwrap(), Grant::NotBefore(now + 101));
        }
        slow.close(&id, 3_600_050).unwrap();
        assert_eq!(other.grant(limit, 3_600_060).unwrap(), Grant::NotBefore(3_600_151));
        let _ = given(&mut slow, limit, 3_600_151);
        assert_eq!(other.grant(limit, 3_700_000).unwrap(), Grant::NotBefore(3_700_101));
        drop(slow);
        assert_eq!(other.grant(limit, 3_700_000).unwrap(), Grant::NotBefore(3_705_101));
        given(&mut other, limit, 3_705_101);
    }

    #[test]
    fn what_is_over_for_a_short_window_counts_for_a_longer_one_and_not_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let mut window = shared(folder.path());
        let (short, long, day) = (limit(1, 10), limit(3, 1_800_000), limit(2, 86_400_000));
        for now in [0, 1_000, 2_000] {
            let id = given(&mut window, short, now);
            window.close(&id, now).unwrap();
        }
        assert_eq!(window.grant(long, 3_000).unwrap(), Grant::NotBefore(1_800_001));
        let lines = || std::fs::read_to_string(window.file(".log")).unwrap().lines().count();
        assert_eq!(lines(), 1 + 3);
        let late = KEPT_MS + 2_001;
        let id = given(&mut shared(folder.path()), short, late);
        assert_eq!(lines(), 1 + 1);
        window.close(&id, late).unwrap();
        // Once somebody has asked for a day, a day is kept.
        let id = given(&mut window, day, late + 1);
        window.close(&id, late + 1).unwrap();
        let id = given(&mut window, short, late + 2 * KEPT_MS);
        window.close(&id, late + 2 * KEPT_MS).unwrap();
        let wait = window.grant(day, late + 3 * KEPT_MS).unwrap();
        assert_eq!(wait, Grant::NotBefore(late + 1 + 86_400_001));
    }

    #[test]
    fn one_key_at_one_api_has_one_log_however_they_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let name = |key: &str, api: &str| {
            SharedWindow::open(folder.path(), key, api).unwrap().name.clone()
        };
        let one = name("a-key", "https://api.kie.ai");
        for (key, api) in [
            (" a-key\n", "https://api.kie.ai"),
            ("a-key", "https://api.kie.ai/"),
            ("a-key", "HTTPS://API.KIE.AI:443//"),
            ("a-key", " https://api.kie.ai./gateway "),
        ] {
            assert_eq!(name(key, api), one, "{key:?} {api}");
        }
        for (key, api) in [
            ("b-key", "https://api.kie.ai"),
            ("a-key", "https://api.kie.ai:444"),
            ("a-key", "https://api.kie.example"),
        ] {
            assert_ne!(name(key, api), one, "{key:?} {api}");
        }
    }

    #[test]
    fn the_log_holds_no_key_and_a_damaged_one_counts_from_now() {
        let folder = tempfile::tempdir().unwrap();
        let mut window =
            SharedWindow::with_clock(folder.path(), "secret-key", "https://a", |now| now).unwrap();
        let limit = limit(1, 10_000);
        given(&mut window, limit, 5);
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            assert!(!entry.file_name().to_string_lossy().contains("secret"));
            let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned();
            assert!(!text.contains("secret"), "{text}");
        }
        std::fs::write(window.file(".log"), b"\xff\xfe junk\nx y z\n").unwrap();
        assert_eq!(window.grant(limit, 6).unwrap(), Grant::NotBefore(10_007));
        given(&mut window, limit, 10_007);
        std::fs::remove_file(window.file(".log")).unwrap();
        std::fs::create_dir(window.file(".log")).unwrap();
        assert!(window.grant(limit, 6).is_err(), "a log that cannot be read lets nothing through");
    }

    #[cfg(unix)]
    #[test]
    fn a_log_that_cannot_be_read_is_not_taken_for_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut window = shared(folder.path());
        let log = window.file(".log");
        // A link to itself cannot be followed, but another file can be put in its place.
        std::os::unix::fs::symlink(&log, &log).unwrap();
        assert!(window.grant(limit(1, 100), 0).is_err());
    }

    #[test]
    fn whoever_opens_the_log_later_keeps_to_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let limit = limit(1, 100);
        let mut first = shared(folder.path());
        let id = given(&mut first, limit, 0);
        first.close(&id, 5).unwrap();
        drop(first);
        assert_eq!(shared(folder.path()).grant(limit, 10).unwrap(), Grant::NotBefore(106));
    }

    #[test]
    fn a_log_that_another_process_keeps_locked_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let mut window = shared(folder.path());
        let limit = limit(1, 100);
        let id = given(&mut window, limit, 0);
        let lock = open_lock(&window.file(".lock")).unwrap();
        lock.lock().unwrap();
        assert_eq!(window.grant(limit, 10).unwrap(), Grant::NotBefore(10 + COME_BACK_MS));
        window.close(&id, 20).unwrap();
        lock.unlock().unwrap();
        assert_eq!(
            window.grant(limit, 30).unwrap(),
            Grant::NotBefore(121),
            "the answer is told late"
        );
    }

    #[test]
    fn nothing_is_left_of_processes_that_ended() {
        let folder = tempfile::tempdir().unwrap();
        let files = || {
            let mut names: Vec<String> = std::fs::read_dir(folder.path())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
                .collect();
            names.sort();
            names
        };
        let window = shared(folder.path());
        let (lives, name) = (files().len(), window.name.clone());
        // What a killed process leaves: its file, which nobody has locked.
        std::fs::write(folder.path().join(format!("{name}.1-dead{LIFE}")), "").unwrap();
        let other = shared(folder.path());
        assert_eq!(files().len(), lives + 1, "{:?}", files());
        drop(other);
        drop(window);
        assert_eq!(files(), [format!("{name}.lock")]);
    }

    #[test]
    fn the_steady_clock_goes_on_in_milliseconds() {
        let begun = Instant::now();
        let first = steady_ms(0);
        while cfg!(unix) && steady_ms(0) == first && begun.elapsed() < Duration::from_secs(5) {}
        let passed = steady_ms(i64::MAX).saturating_sub(first);
        assert!(passed > 0);
        assert!(
            !cfg!(unix) || u128::from(passed.unsigned_abs()) <= begun.elapsed().as_millis() + 1
        );
    }
}
