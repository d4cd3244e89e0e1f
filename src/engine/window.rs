//! The submission window: never more new tasks in any stretch of time than the account may make.
//!
//! It is a log of the last grants, not a bucket that refills: a bucket lets twice its size through around a refill.
//! A grant takes effect somewhere between its being given and the provider's answer, however long that takes, so it
//! counts from being given until one window after the answer. A process holds a kernel lock for as long as it lives;
//! that tells a slow answer from a process that was killed, whose answers never come.

pub use super::shared_window::SharedWindow;

use std::collections::BTreeSet;
use std::io;
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
    pub(super) fn new(owner: &str, number: u64) -> Self {
        Self(format!("{owner}.{number}"))
    }

    pub(super) fn owner(&self) -> &str {
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
pub(super) const KEPT_MS: i64 = 3_600_000;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    id: GrantId,
    /// The last moment at which it can take effect; open while the answer may still come.
    closed_ms: Option<i64>,
}

/// The rule itself, without a place to keep the log.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Log {
    entries: Vec<Entry>,
    /// The longest window that anybody asked for.
    longest_ms: i64,
}

impl Log {
    pub fn grant(
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

    pub fn close(&mut self, grant: &GrantId, now_ms: i64) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == *grant) {
            entry.closed_ms = Some(now_ms);
        }
    }

    /// Reads a log. A line that cannot be read was a grant once, for all that anybody knows, and counts from now.
    pub fn read(bytes: &[u8], now_ms: i64) -> Self {
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

    pub fn write(&self) -> String {
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
    fn a_clock_that_was_set_back_blocks_for_one_window_only() {
        let limit = limit(1, 100);
        let mut window = MemoryWindow::default();
        let id = given(&mut window, limit, 9_000_000);
        window.close(&id, 9_000_000).unwrap();
        assert_eq!(window.grant(limit, 1_000).unwrap(), Grant::NotBefore(6_101));
        assert_eq!(window.grant(limit, 4_000).unwrap(), Grant::NotBefore(6_101));
        given(&mut window, limit, 6_101);
    }
}
