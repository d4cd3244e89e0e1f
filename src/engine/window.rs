//! The submission window: never more new tasks in any stretch of time than the account may make.
//!
//! It is a log of the last grants, not a bucket that refills: a bucket lets twice its size through around a refill.
//! A grant takes effect somewhere between its being given and the provider's answer, however long that takes, so it
//! counts from being given until one window after the answer. A process holds a kernel lock for as long as it lives;
//! that tells a slow answer from a process that was killed, whose answers never come.

use crate::digest::hex;
use crate::remote::address;
use sha2::{Digest as _, Sha256};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
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

/// Names a grant in the log: the process it was given to, and its number there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GrantId(String);

impl GrantId {
    fn new(owner: &str, number: u64) -> Self {
        Self(format!("{owner}.{number}"))
    }

    fn owner(&self) -> &str {
        self.0.rsplit_once('.').map_or("", |(owner, _)| owner)
    }
}

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

/// What a killed process has handed to the system still travels for a while.
const LINGER_MS: i64 = 5_000;
/// Entries are kept for so long, or for as long as the longest window that anybody asked for.
const KEPT_MS: i64 = 3_600_000;
/// How often, a millisecond apart, the log's lock is tried before the caller is told to come back.
const LOCK_TRIES: u32 = 200;
/// When to come back then.
const COME_BACK_MS: i64 = 20;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    id: GrantId,
    /// The last moment at which it can take effect; open while the answer may still come.
    closed_ms: Option<i64>,
}

/// The rule itself, without a place to keep the log.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Log {
    entries: Vec<Entry>,
    /// The longest window that anybody asked for.
    longest_ms: i64,
}

impl Log {
    fn grant(
        &mut self,
        limit: WindowLimit,
        now_ms: i64,
        lives: &dyn Fn(&GrantId) -> bool,
        id: GrantId,
    ) -> Grant {
        let count = limit.count.max(1);
        let length = i64::try_from(limit.length.as_millis()).unwrap_or(i64::MAX / 4);
        self.longest_ms = self.longest_ms.max(length);
        for entry in &mut self.entries {
            entry.closed_ms = match entry.closed_ms {
                None if lives(&entry.id) => None,
                // Nobody waits for its answer any more.
                None => Some(now_ms.saturating_add(LINGER_MS)),
                // Where the clock was set back, an entry of the future would block for ever.
                Some(closed) => Some(closed.min(now_ms.saturating_add(LINGER_MS))),
            };
        }
        // Other processes have other windows: what is over for this one may still count for them.
        let kept_ms = self.longest_ms.max(KEPT_MS);
        let end =
            |entry: &Entry, length: i64| entry.closed_ms.unwrap_or(now_ms).saturating_add(length);
        self.entries.retain(|entry| end(entry, kept_ms) >= now_ms);
        let mut ends: Vec<i64> = self
            .entries
            .iter()
            .map(|entry| end(entry, length))
            .filter(|end| *end >= now_ms)
            .collect();
        if ends.len() < count {
            self.entries.push(Entry { id: id.clone(), closed_ms: None });
            return Grant::Given(id);
        }
        ends.sort_unstable();
        // So many must end before one place is free. An entry counts up to and with its last millisecond.
        Grant::NotBefore(ends[ends.len() - count].saturating_add(1))
    }

    fn close(&mut self, grant: &GrantId, now_ms: i64) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == *grant) {
            entry.closed_ms = Some(now_ms);
        }
    }

    /// Reads a log. A line that cannot be read was a grant once, for all that anybody knows, and counts from now.
    fn read(bytes: &[u8], now_ms: i64) -> Self {
        let mut log = Self::default();
        for line in String::from_utf8_lossy(bytes).lines() {
            if let Some(longest) = line.strip_prefix(LONGEST) {
                log.longest_ms = longest.parse().unwrap_or(0).max(0);
                continue;
            }
            let entry = line.split_once(' ').and_then(|(id, closed)| {
                let closed_ms = if closed == "-" { None } else { Some(closed.parse().ok()?) };
                Some(Entry { id: GrantId(id.to_owned()), closed_ms })
            });
            log.entries.push(
                entry.unwrap_or(Entry {
                    id: GrantId::new("unreadable", 0),
                    closed_ms: Some(now_ms),
                }),
            );
        }
        log
    }

    fn write(&self) -> String {
        let mut text = format!("{LONGEST}{}\n", self.longest_ms);
        for entry in &self.entries {
            let closed =
                entry.closed_ms.map_or_else(|| "-".to_owned(), |closed| closed.to_string());
            text.push_str(&format!("{} {closed}\n", entry.id.0));
        }
        text
    }
}

/// Begins the line with the longest window.
const LONGEST: &str = "longest_ms ";

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
        let id = GrantId::new("memory", self.given);
        let own = &self.own;
        let grant = self.log.grant(limit, now_ms, &|id| own.contains(id), id);
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
        if !locks_soon(&lock)? {
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

fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

fn locks_soon(file: &File) -> io::Result<bool> {
    for _ in 0..LOCK_TRIES {
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

    /// A grant as it really was: from when to when its request could reach the provider, by a clock nobody sets.
    struct Span {
        id: GrantId,
        process: usize,
        given_ms: i64,
        last_ms: Option<i64>,
    }

    /// Some processes with limits of their own, their log, and a clock that is set back now and then.
    struct World {
        seed: u64,
        dice: Dice,
        limits: Vec<WindowLimit>,
        /// How often each process was started.
        lives: Vec<u64>,
        log: Log,
        spans: Vec<Span>,
        now_ms: i64,
        clock_ms: i64,
    }

    impl World {
        fn new(seed: u64) -> Self {
            let mut dice = Dice(seed << 20);
            let lengths = [1, 7, 50, 200, 1_000, 20_000];
            let kinds: Vec<WindowLimit> = (0..=dice.below(3))
                .map(|_| {
                    let length = lengths[usize::try_from(dice.below(6)).unwrap()];
                    limit(usize::try_from(1 + dice.below(12)).unwrap(), length)
                })
                .collect();
            let limits: Vec<WindowLimit> = (0..1 + dice.below(5))
                .map(|_| kinds[usize::try_from(dice.below(8)).unwrap() % kinds.len()])
                .collect();
            let lives = vec![0; limits.len()];
            let clock_ms = 1_000_000_000;
            let (log, spans) = (Log::default(), Vec::new());
            Self { seed, dice, limits, lives, log, spans, now_ms: 0, clock_ms }
        }

        fn owner(&self, process: usize) -> String {
            format!("{process}-{}", self.lives[process])
        }

        fn pass(&mut self, ms: i64) {
            self.now_ms += ms;
            self.clock_ms += ms;
        }

        fn ask(&mut self, process: usize) {
            let limit = self.limits[process];
            let id = GrantId::new(&self.owner(process), self.spans.len() as u64);
            let owners: Vec<String> = (0..self.lives.len()).map(|one| self.owner(one)).collect();
            let lives = |id: &GrantId| owners.iter().any(|owner| owner == id.owner());
            match self.log.grant(limit, self.clock_ms, &lives, id) {
                Grant::Given(id) => {
                    let since = self.now_ms - i64::try_from(limit.length.as_millis()).unwrap();
                    let counted = self
                        .spans
                        .iter()
                        .filter(|span| span.last_ms.is_none_or(|last| last >= since));
                    assert!(counted.count() < limit.count, "over {limit:?}, seed {}", self.seed);
                    let given_ms = self.now_ms;
                    self.spans.push(Span { id, process, given_ms, last_ms: None });
                }
                Grant::NotBefore(at) => {
                    assert!(at > self.clock_ms, "{at} is over, seed {}", self.seed);
                    // Some wait as they are told, and some ask again at once.
                    if self.dice.below(3) > 0 {
                        self.pass(at - self.clock_ms);
                    }
                }
            }
        }

        fn answer(&mut self) {
            let open: Vec<usize> =
                (0..self.spans.len()).filter(|one| self.spans[*one].last_ms.is_none()).collect();
            if open.is_empty() {
                return;
            }
            let which = usize::try_from(self.dice.below(1 << 20)).unwrap() % open.len();
            let span = &mut self.spans[open[which]];
            span.last_ms = Some(self.now_ms);
            self.log.close(&span.id.clone(), self.clock_ms);
        }

        /// What the process has sent by then may still arrive a little later, and no answer is ever seen.
        fn kill(&mut self, process: usize) {
            self.lives[process] += 1;
            for span in self.spans.iter_mut().filter(|span| span.process == process) {
                span.last_ms.get_or_insert(self.now_ms + LINGER_MS);
            }
        }

        fn live(&mut self) {
            let process = usize::try_from(self.dice.below(1 << 20)).unwrap() % self.limits.len();
            match self.dice.below(100) {
                0..60 => self.ask(process),
                60..96 => self.answer(),
                96 => self.kill(process),
                97 => self.clock_ms -= self.dice.below(40_000),
                98 => self.log = Log::read(self.log.write().as_bytes(), self.clock_ms),
                _ => {
                    let pause = self.dice.below(8_000);
                    self.pass(pause);
                }
            }
            let step = self.dice.below(6);
            self.pass(step);
        }

        /// The most requests that could have reached the provider within one window of this length.
        fn most_within(&self, length_ms: i64) -> usize {
            let mut firsts: Vec<i64> = self.spans.iter().map(|span| span.given_ms).collect();
            let mut lasts: Vec<i64> =
                self.spans.iter().map(|span| span.last_ms.unwrap_or(i64::MAX)).collect();
            firsts.sort_unstable();
            lasts.sort_unstable();
            // A window that holds the most begins at the last moment of some grant.
            let begun = |start: i64| firsts.partition_point(|first| *first < start + length_ms);
            let over = |start: i64| lasts.partition_point(|last| *last < start);
            let starts = lasts.iter().filter(|last| **last < i64::MAX);
            starts.map(|start| begun(*start) - over(*start)).max().unwrap_or(0)
        }
    }

    #[test]
    fn no_window_holds_more_than_the_limit_in_a_hundred_thousand_grants() {
        let mut grants = 0;
        for seed in 1.. {
            let mut world = World::new(seed);
            for _ in 0..600 {
                world.live();
            }
            // Where everybody has the largest window, no window at all is over it.
            if let [first, rest @ ..] = &world.limits[..]
                && rest.iter().all(|other| other == first)
            {
                let most = world.most_within(i64::try_from(first.length.as_millis()).unwrap());
                assert!(most <= first.count, "{most} of {first:?}, seed {seed}");
            }
            grants += world.spans.len();
            if grants >= 100_000 {
                break;
            }
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
    fn the_time_it_names_is_the_first_that_works() {
        let limit = limit(2, 100);
        let mut window = MemoryWindow::default();
        for now in [0, 10] {
            let id = given(&mut window, limit, now);
            window.close(&id, now + 5).unwrap();
        }
        assert_eq!(window.grant(limit, 20).unwrap(), Grant::NotBefore(106));
        assert_eq!(window.grant(limit, 105).unwrap(), Grant::NotBefore(106));
        given(&mut window, limit, 106);
        let mut window = MemoryWindow::default();
        let limit = self::limit(3, 100);
        for now in [0, 10, 20] {
            let id = given(&mut window, limit, now);
            window.close(&id, now).unwrap();
        }
        assert_eq!(window.grant(limit, 30).unwrap(), Grant::NotBefore(101), "the first to end");
        assert_eq!(window.grant(self::limit(1, 100), 30).unwrap(), Grant::NotBefore(121));
    }

    #[test]
    fn a_grant_without_an_answer_counts_until_it_has_one_or_its_process_is_gone() {
        let limit = limit(1, 100);
        let mut window = MemoryWindow::default();
        given(&mut window, limit, 0);
        assert_eq!(window.grant(limit, 50_000).unwrap(), Grant::NotBefore(50_101));
        window.disown();
        assert_eq!(window.grant(limit, 50_000).unwrap(), Grant::NotBefore(55_101));
        given(&mut window, limit, 55_101);
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
    fn a_clock_that_was_set_back_blocks_for_one_window_only() {
        let limit = limit(1, 100);
        let mut window = MemoryWindow::default();
        let id = given(&mut window, limit, 9_000_000);
        window.close(&id, 9_000_000).unwrap();
        assert_eq!(window.grant(limit, 1_000).unwrap(), Grant::NotBefore(6_101));
        assert_eq!(window.grant(limit, 4_000).unwrap(), Grant::NotBefore(6_101));
        given(&mut window, limit, 6_101);
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
    fn the_steady_clock_goes_on() {
        let first = steady_ms(0);
        while cfg!(unix) && steady_ms(0) == first {}
        assert!(steady_ms(i64::MAX) > first);
    }
}
