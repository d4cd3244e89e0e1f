//! The real clock. The other real ports are [`crate::remote::http::HttpTransport`], [`super::real_files::RealFiles`],
//! [`crate::ledger::SqliteLedger`] and [`super::window::SharedWindow`].

use crate::ports::Clock;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The system's clock, tokio's timer, and chance from a small generator.
#[derive(Debug)]
pub struct RealClock {
    state: AtomicU64,
}

impl RealClock {
    /// A clock whose chance differs from process to process.
    pub fn new() -> Self {
        let nanos = jiff::Timestamp::now().as_nanosecond().unsigned_abs();
        #[expect(clippy::cast_possible_truncation, reason = "only a seed; any bits do")]
        let seed = (nanos as u64) ^ (u64::from(std::process::id()) << 32);
        Self { state: AtomicU64::new(seed) }
    }
}

impl Default for RealClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for RealClock {
    fn now_ms(&self) -> i64 {
        jiff::Timestamp::now().as_millisecond()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }

    fn chance(&self) -> f64 {
        chance(self.state.fetch_add(GOLDEN, Ordering::Relaxed))
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64 of a state, as a number from 0 up to and without 1. Good enough to keep clients apart, for nothing else.
pub(crate) fn chance(state: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let number = (mixed(state) >> 11) as f64 / (1_u64 << 53) as f64;
    number
}

/// SplitMix64 of a state.
pub(crate) fn mixed(state: u64) -> u64 {
    let mut value = state.wrapping_add(GOLDEN);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_stays_below_one_and_spreads() {
        let clock = RealClock::new();
        let drawn: Vec<f64> = (0..1000).map(|_| clock.chance()).collect();
        assert!(drawn.iter().all(|chance| (0.0..1.0).contains(chance)));
        assert!(
            drawn.iter().any(|chance| *chance < 0.1) && drawn.iter().any(|chance| *chance > 0.9)
        );
    }
}
