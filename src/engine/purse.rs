//! What all runs of a user spend in a day, over all projects.
//!
//! Like the window of submissions it is a log in a file that all processes share. A price is put in before its request
//! leaves and ends with what was charged; what a killed process left stays in it until a day has gone by, or until the next
//! run finds out what became of the task.

use super::shared_window::{locks_within, open_lock};
use crate::digest::hex;
use crate::remote::address;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A day in milliseconds: any 24 hours, whatever the time zone.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Sums of prices with a few decimals must not miss the cap by a rounding error.
const ROUNDING: f64 = 1e-6;

/// How often, a millisecond apart, the lock is tried.
const LOCK_TRIES: u32 = 1_000;

/// Names what is paid for, the same in every run that deals with it: a step of a take.
pub type Purchase = String;

/// What is left of the day's allowance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Left {
    /// Credits that may be spent now; infinite without an allowance.
    pub credits: f64,
    /// When the oldest spending is a day old (Unix milliseconds), so that more is left then.
    pub more_at_ms: Option<i64>,
}

impl Left {
    /// Whether so many credits may be spent.
    pub fn covers(&self, credits: f64) -> bool {
        credits <= self.credits + ROUNDING
    }
}

/// The day's money of a user.
pub trait Purse {
    /// What may be spent now of `allowance` in any 24 hours.
    ///
    /// # Errors
    /// When the record cannot be read.
    fn left(&mut self, allowance: Option<f64>, now_ms: i64) -> io::Result<Left>;
    /// Puts a price on record, unless that would be more than `allowance` in any 24 hours: false then, and nothing is
    /// recorded.
    ///
    /// # Errors
    /// When the record cannot be read or written; nothing may be sent then.
    fn take(
        &mut self,
        purchase: &Purchase,
        credits: f64,
        allowance: Option<f64>,
        now_ms: i64,
    ) -> io::Result<bool>;
    /// Ends the latest price on record for a purchase with what was charged. One that is not on record is none of ours.
    ///
    /// # Errors
    /// When the record cannot be written; the price then counts as spent until a day has gone by.
    fn settle(&mut self, purchase: &Purchase, credits: f64, now_ms: i64) -> io::Result<()>;
}

/// One price on record.
#[derive(Debug, Clone, PartialEq)]
struct Spending {
    purchase: Purchase,
    at_ms: i64,
    credits: f64,
    settled: bool,
}

/// Everything of the last day.
#[derive(Debug, Clone, Default, PartialEq)]
struct Day(Vec<Spending>);

impl Day {
    /// Reads a log; a line that is none is left out.
    fn read(text: &str) -> Self {
        let spending = |line: &str| {
            let mut parts = line.split_whitespace();
            let purchase = parts.next()?.to_owned();
            let at_ms = parts.next()?.parse().ok()?;
            let credits: f64 = parts.next()?.parse().ok()?;
            let settled = match parts.next()? {
                "open" => false,
                "settled" => true,
                _ => return None,
            };
            let whole = credits.is_finite() && credits >= 0.0 && parts.next().is_none();
            whole.then_some(Spending { purchase, at_ms, credits, settled })
        };
        Self(text.lines().filter_map(spending).collect())
    }

    fn write(&self) -> String {
        let line = |one: &Spending| {
            let state = if one.settled { "settled" } else { "open" };
            format!("{} {} {} {state}\n", one.purchase, one.at_ms, one.credits)
        };
        self.0.iter().map(line).collect()
    }

    /// Forgets what is older than a day. Where the clock was set back, what is from the future counts from now.
    fn forget(&mut self, now_ms: i64) {
        for one in &mut self.0 {
            one.at_ms = one.at_ms.min(now_ms);
        }
        self.0.retain(|one| {
            one.at_ms > now_ms.saturating_sub(DAY_MS) && (one.credits > 0.0 || !one.settled)
        });
    }

    fn left(&self, allowance: Option<f64>) -> Left {
        let Some(allowance) = allowance else {
            return Left { credits: f64::INFINITY, more_at_ms: None };
        };
        let spent: f64 = self.0.iter().map(|one| one.credits).sum();
        let oldest = self.0.iter().filter(|one| one.credits > 0.0).map(|one| one.at_ms).min();
        Left {
            credits: (allowance - spent).max(0.0),
            more_at_ms: oldest.map(|at| at.saturating_add(DAY_MS)),
        }
    }

    fn take(
        &mut self,
        purchase: &Purchase,
        credits: f64,
        allowance: Option<f64>,
        now_ms: i64,
    ) -> bool {
        if !self.left(allowance).covers(credits) {
            return false;
        }
        let purchase = purchase.clone();
        self.0.push(Spending { purchase, at_ms: now_ms, credits, settled: false });
        true
    }

    fn settle(&mut self, purchase: &Purchase, credits: f64) {
        let open = |one: &&mut Spending| one.purchase == *purchase && !one.settled;
        if let Some(one) = self.0.iter_mut().rev().find(open) {
            one.credits = credits.max(0.0);
            one.settled = true;
        }
    }
}

/// A purse of one process, for tests and for runs that send nothing.
#[derive(Debug, Default)]
pub struct MemoryPurse(Day);

impl Purse for MemoryPurse {
    fn left(&mut self, allowance: Option<f64>, now_ms: i64) -> io::Result<Left> {
        self.0.forget(now_ms);
        Ok(self.0.left(allowance))
    }

    fn take(
        &mut self,
        purchase: &Purchase,
        credits: f64,
        allowance: Option<f64>,
        now_ms: i64,
    ) -> io::Result<bool> {
        self.0.forget(now_ms);
        Ok(self.0.take(purchase, credits, allowance, now_ms))
    }

    fn settle(&mut self, purchase: &Purchase, credits: f64, _: i64) -> io::Result<()> {
        self.0.settle(purchase, credits);
        Ok(())
    }
}

/// The purse in a file that all processes of the user share which use the same API.
#[derive(Debug)]
pub struct SharedPurse {
    path: PathBuf,
    lock: PathBuf,
    /// Purchases are told apart by the project they are made in.
    project: PathBuf,
}

impl SharedPurse {
    /// The purse in `folder`, usually `$XDG_STATE_HOME/storyreel`, for purchases of a project. Its name holds a hash of
    /// the API's host.
    pub fn new(folder: &Path, api_base: &str, project: &Path) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"storyreel spending\0");
        hash.update(address::server(api_base).as_bytes());
        let name = format!("spending-{}", &hex(&hash.finalize())[..24]);
        Self {
            path: folder.join(format!("{name}.log")),
            lock: folder.join(format!("{name}.lock")),
            project: project.canonicalize().unwrap_or_else(|_| project.to_owned()),
        }
    }

    /// How a purchase is called in the log: one word, with nothing of the project in it.
    fn name(&self, purchase: &Purchase) -> Purchase {
        let mut hash = Sha256::new();
        hash.update(self.project.as_os_str().as_encoded_bytes());
        hash.update(b"\0");
        hash.update(purchase.as_bytes());
        hex(&hash.finalize())[..24].to_owned()
    }

    /// Changes the log. With `synced` it is on the disk when this returns.
    fn locked<T>(&self, synced: bool, change: impl FnOnce(&mut Day) -> T) -> io::Result<T> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let lock = open_lock(&self.lock)?;
        if !locks_within(&lock, LOCK_TRIES)? {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "another process keeps it locked"));
        }
        let before = match std::fs::read(&self.path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let mut day = Day::read(&before);
        let outcome = change(&mut day);
        let after = day.write();
        if after != before {
            let new = self.path.with_extension("new");
            let mut file = File::create(&new)?;
            file.write_all(after.as_bytes())?;
            if synced {
                file.sync_data()?;
            }
            std::fs::rename(&new, &self.path)?;
        }
        lock.unlock()?;
        Ok(outcome)
    }
}

impl Purse for SharedPurse {
    fn left(&mut self, allowance: Option<f64>, now_ms: i64) -> io::Result<Left> {
        if allowance.is_none() {
            return Ok(Day::default().left(None));
        }
        self.locked(false, |day| {
            day.forget(now_ms);
            day.left(allowance)
        })
    }

    fn take(
        &mut self,
        purchase: &Purchase,
        credits: f64,
        allowance: Option<f64>,
        now_ms: i64,
    ) -> io::Result<bool> {
        let name = self.name(purchase);
        self.locked(allowance.is_some(), |day| {
            day.forget(now_ms);
            day.take(&name, credits, allowance, now_ms)
        })
    }

    fn settle(&mut self, purchase: &Purchase, credits: f64, now_ms: i64) -> io::Result<()> {
        let name = self.name(purchase);
        self.locked(false, |day| {
            day.settle(&name, credits);
            day.forget(now_ms);
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purchase(name: &str) -> Purchase {
        name.to_owned()
    }

    #[test]
    fn no_more_is_taken_in_any_24_hours_than_is_allowed() {
        let mut purse = MemoryPurse::default();
        let allowance = Some(100.0);
        assert!(purse.take(&purchase("a"), 60.0, allowance, 0).unwrap());
        assert!(!purse.take(&purchase("b"), 60.0, allowance, 1_000).unwrap());
        assert!(purse.take(&purchase("b"), 40.0, allowance, 1_000).unwrap());
        let left = purse.left(allowance, 2_000).unwrap();
        assert_eq!(left, Left { credits: 0.0, more_at_ms: Some(DAY_MS) });
        // A day after the first one there is room for it again, and not a moment before.
        assert!(!purse.take(&purchase("c"), 60.0, allowance, DAY_MS - 1).unwrap());
        assert!(purse.take(&purchase("c"), 60.0, allowance, DAY_MS).unwrap());
    }

    #[test]
    fn what_was_charged_takes_the_place_of_what_was_reserved() {
        let mut purse = MemoryPurse::default();
        let allowance = Some(100.0);
        for (charged, left) in [(0.0, 100.0), (35.0, 65.0), (20.0, 45.0)] {
            assert!(purse.take(&purchase("a"), 40.0, allowance, 10).unwrap());
            purse.settle(&purchase("a"), charged, 20).unwrap();
            purse.settle(&purchase("a"), 99.0, 20).unwrap();
            assert_eq!(purse.left(allowance, 30).unwrap().credits, left);
        }
        purse.settle(&purchase("nobody's"), 50.0, 40).unwrap();
        assert_eq!(purse.left(allowance, 50).unwrap().credits, 45.0);
        assert_eq!(purse.left(None, 50).unwrap().credits, f64::INFINITY);
    }

    #[test]
    fn processes_share_one_purse_and_a_clock_that_was_set_back_frees_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let purse = || SharedPurse::new(folder.path(), "https://api.example", folder.path());
        let allowance = Some(100.0);
        assert!(purse().take(&purchase("one/1"), 70.0, allowance, 5_000_000).unwrap());
        assert!(!purse().take(&purchase("two/1"), 40.0, allowance, 1_000).unwrap());
        assert_eq!(
            purse().left(allowance, 1_000).unwrap(),
            Left { credits: 30.0, more_at_ms: Some(1_000 + DAY_MS) }
        );
        let mut other = SharedPurse::new(folder.path(), "https://other.example", folder.path());
        assert_eq!(other.left(allowance, 1_000).unwrap().credits, 100.0);
        // Whatever else stands in the file is no spending, and does not hide what is.
        let path = purse().path;
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("junk\n\u{0}\nx 1 nan open\ny 1 -5 open\n{text}")).unwrap();
        assert_eq!(purse().left(allowance, 2_000).unwrap().credits, 30.0);
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(purse().take(&purchase("a"), 1.0, allowance, 0).is_err(), "nothing is let through");
    }

    #[test]
    fn many_processes_never_take_more_than_the_allowance_together() {
        let folder = tempfile::tempdir().unwrap();
        let taken: f64 = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|thread| {
                    let folder = folder.path();
                    scope.spawn(move || {
                        let mut purse = SharedPurse::new(folder, "https://api.example", folder);
                        let take = |round: i64| {
                            let name = format!("{thread}/{round}");
                            purse.take(&name, 7.0, Some(100.0), round).unwrap()
                        };
                        (0..10).map(take).filter(|taken| *taken).count()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap() as f64 * 7.0).sum()
        });
        assert_eq!(taken, 98.0);
    }
}
