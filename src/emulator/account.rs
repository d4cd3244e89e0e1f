//! The account: keys, credits, and how often it may ask.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Credits in thousandths, so that sums of fractional prices stay exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Credits(i64);

impl Credits {
    /// Whole credits.
    #[must_use]
    pub const fn whole(credits: i64) -> Self {
        Self(credits * 1000)
    }

    /// The nearest thousandth of a fractional amount.
    #[must_use]
    pub fn from_f64(credits: f64) -> Self {
        Self((credits * 1000.0).round() as i64)
    }

    /// The amount in credits.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// As a JSON number: whole amounts without a fraction, others with one, as the provider sends them.
    #[must_use]
    pub fn to_json(self) -> serde_json::Value {
        if self.0 % 1000 == 0 { (self.0 / 1000).into() } else { self.to_f64().into() }
    }
}

impl std::ops::Add for Credits {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::ops::Sub for Credits {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

/// At most `limit` events in any window of `window_ms` milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// How many.
    pub limit: u32,
    /// In how many milliseconds.
    pub window_ms: i64,
}

/// A sliding window of grants. Refused requests are dropped and do not count.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Window {
    grants: VecDeque<i64>,
}

impl Window {
    /// Grants one event at `now` (milliseconds) and tells how many lie in the window, this one included;
    /// `None` when the window is full.
    pub fn grant(&mut self, now: i64, rate: Rate) -> Option<u32> {
        while self.grants.front().is_some_and(|at| now - at >= rate.window_ms) {
            self.grants.pop_front();
        }
        if self.grants.len() >= rate.limit as usize {
            return None;
        }
        self.grants.push_back(now);
        Some(self.grants.len() as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credits_stay_exact() {
        let mut balance = Credits::whole(10);
        for _ in 0..100 {
            balance = balance - Credits::from_f64(0.1);
        }
        assert_eq!(balance, Credits::default());
        assert_eq!(Credits::from_f64(5916.25).to_json().to_string(), "5916.25");
        assert_eq!(Credits::whole(60).to_json().to_string(), "60");
    }

    #[test]
    fn the_window_slides_and_refusals_do_not_count() {
        let rate = Rate { limit: 2, window_ms: 10_000 };
        let mut window = Window::default();
        assert_eq!(window.grant(0, rate), Some(1));
        assert_eq!(window.grant(9_000, rate), Some(2));
        assert_eq!(window.grant(9_999, rate), None);
        assert_eq!(window.grant(10_000, rate), Some(2));
        assert_eq!(window.grant(18_999, rate), None);
        assert_eq!(window.grant(19_000, rate), Some(2));
    }
}
