//! How long to wait before something is tried again, and when to stop trying.

use std::time::Duration;

/// Three bounds: how often, how long in all, and how long at most between two tries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BackoffPolicy {
    /// The wait after the first failure; it doubles with each further one.
    pub first: Duration,
    /// The longest wait between two tries.
    pub longest: Duration,
    /// Tries after the first one.
    pub tries: u32,
    /// Time since the first failure after which nothing is tried again.
    pub total: Duration,
}

/// One series of failures of one thing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Backoff {
    failures: u32,
    since_ms: Option<i64>,
}

/// The answer to a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Try again after this time.
    After(Duration),
    /// The bounds are used up.
    Over,
}

impl Backoff {
    /// Takes note of a failure at `now_ms` and says what to do; `chance` is a number from 0 up to and without 1.
    ///
    /// The wait lies between one half and the whole of the doubled base, so that many clients that failed together
    /// do not come back together, and none comes back at once.
    pub fn failed(&mut self, policy: &BackoffPolicy, now_ms: i64, chance: f64) -> Next {
        let since = *self.since_ms.get_or_insert(now_ms);
        if self.failures >= policy.tries {
            return Next::Over;
        }
        let doubled = policy
            .first
            .saturating_mul(1_u32.checked_shl(self.failures.min(20)).unwrap_or(u32::MAX));
        let wait = doubled.min(policy.longest).mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0);
        let elapsed =
            Duration::from_millis(u64::try_from(now_ms.saturating_sub(since)).unwrap_or(0));
        if elapsed.saturating_add(wait) > policy.total {
            return Next::Over;
        }
        self.failures += 1;
        Next::After(wait)
    }

    /// Failures so far that were followed by another try.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Forgets the failures, after a success.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

impl BackoffPolicy {
    /// The bounds in words, for the message that ends a series: which tries were made, and how to change it.
    pub fn in_words(&self) -> String {
        format!(
            "tried {} times over at most {} s, with at most {} s between two tries",
            self.tries.saturating_add(1),
            self.total.as_secs(),
            self.longest.as_secs()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: BackoffPolicy = BackoffPolicy {
        first: Duration::from_secs(2),
        longest: Duration::from_secs(10),
        tries: 5,
        total: Duration::from_secs(40),
    };

    #[test]
    fn waits_double_up_to_the_longest_and_end_with_the_count() {
        let mut backoff = Backoff::default();
        let waits: Vec<Next> = (0..6).map(|_| backoff.failed(&POLICY, 0, 0.999_999_999)).collect();
        let seconds: Vec<f64> = waits
            .iter()
            .filter_map(|next| match next {
                Next::After(wait) => Some((wait.as_secs_f64() * 10.0).round() / 10.0),
                Next::Over => None,
            })
            .collect();
        assert_eq!(seconds, [2.0, 4.0, 8.0, 10.0, 10.0]);
        assert_eq!(waits[5], Next::Over);
    }

    #[test]
    fn the_total_time_ends_a_series_that_the_count_would_allow() {
        let mut backoff = Backoff::default();
        assert!(matches!(backoff.failed(&POLICY, 1_000, 0.0), Next::After(_)));
        assert!(matches!(backoff.failed(&POLICY, 38_000, 0.0), Next::After(_)));
        assert_eq!(backoff.failed(&POLICY, 40_500, 0.0), Next::Over);
        backoff.reset();
        assert!(matches!(backoff.failed(&POLICY, 90_000, 0.0), Next::After(_)));
    }

    #[test]
    fn jitter_never_goes_below_one_half_or_above_the_whole() {
        for percent in 0..100 {
            let mut backoff = Backoff::default();
            match backoff.failed(&POLICY, 0, f64::from(percent) / 100.0) {
                Next::After(wait) => {
                    assert!(wait >= Duration::from_secs(1) && wait <= Duration::from_secs(2));
                }
                Next::Over => panic!("the first failure is always followed by a try"),
            }
        }
    }
}
