//! What a run may spend, what it has reserved and what it was charged.

use std::collections::BTreeMap;

/// The money of one run, in credits.
#[derive(Debug, Clone, Default)]
pub struct Budget {
    cap: Option<f64>,
    charged: f64,
    collected: f64,
    reserved: BTreeMap<usize, f64>,
}

/// Whether one more submission may be made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// It fits.
    Fits,
    /// It would go over the cap; this much is left.
    Over {
        /// Credits that are neither charged nor reserved.
        left: f64,
    },
    /// There is a cap, and nobody knows the price.
    PriceUnknown,
}

/// Sums of prices with a few decimals must not miss the cap by a rounding error.
const ROUNDING: f64 = 1e-6;

impl Budget {
    /// A budget with this cap, or none.
    pub fn new(cap: Option<f64>) -> Self {
        Self { cap, ..Self::default() }
    }

    /// Whether a step at this worst-case price may be submitted by the holder; what the holder has reserved already
    /// counts for it, so that a second try lies inside the first one's reservation.
    pub fn may(&self, holder: usize, price: Option<f64>) -> Verdict {
        let Some(cap) = self.cap else { return Verdict::Fits };
        let Some(price) = price else { return Verdict::PriceUnknown };
        let others: f64 = self
            .reserved
            .iter()
            .filter(|(key, _)| **key != holder)
            .map(|(_, credits)| credits)
            .sum();
        let left = cap - self.charged - others;
        if price <= left + ROUNDING { Verdict::Fits } else { Verdict::Over { left: left.max(0.0) } }
    }

    /// Reserves the worst case for a holder, in place of what it had reserved.
    pub fn reserve(&mut self, holder: usize, price: Option<f64>) {
        self.reserved.insert(holder, price.unwrap_or(0.0));
    }

    /// Ends a reservation with what was charged in the end.
    pub fn settle(&mut self, holder: usize, charged: f64) {
        self.reserved.remove(&holder);
        self.charged += charged;
    }

    /// Adds what a task had cost that an earlier run submitted. It is told, and does not count against this run's cap.
    pub fn collect(&mut self, credits: f64) {
        self.collected += credits;
    }

    /// Ends a reservation for which nothing was charged.
    pub fn release(&mut self, holder: usize) {
        self.reserved.remove(&holder);
    }

    /// What was charged so far for everything that this run submitted or collected.
    pub fn charged(&self) -> f64 {
        self.charged + self.collected
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reservations_count_until_they_are_settled() {
        let mut budget = Budget::new(Some(100.0));
        assert_eq!(budget.may(1, Some(60.0)), Verdict::Fits);
        budget.reserve(1, Some(60.0));
        assert_eq!(budget.may(2, Some(60.0)), Verdict::Over { left: 40.0 });
        assert_eq!(budget.may(2, Some(0.0)), Verdict::Fits);
        assert_eq!(budget.may(1, Some(60.0)), Verdict::Fits, "a second try of the same step");
        budget.settle(1, 30.0);
        assert_eq!(budget.may(2, Some(60.0)), Verdict::Fits);
        assert_eq!(budget.may(2, None), Verdict::PriceUnknown);
        assert_eq!(Budget::new(None).may(2, None), Verdict::Fits);
        budget.collect(500.0);
        assert_eq!(budget.may(2, Some(60.0)), Verdict::Fits, "another run paid for that");
        assert!((budget.charged() - 530.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn what_is_charged_never_exceeds_the_cap(
            cap in 0.0_f64..500.0,
            steps in proptest::collection::vec((0.0_f64..120.0, 0.0_f64..=1.0, any::<bool>()), 0..60),
        ) {
            let mut budget = Budget::new(Some(cap));
            for (holder, (price, part, settle)) in steps.into_iter().enumerate() {
                if budget.may(holder, Some(price)) == Verdict::Fits {
                    budget.reserve(holder, Some(price));
                    if settle {
                        budget.settle(holder, price * part);
                    }
                }
                let all: f64 = budget.reserved.values().sum::<f64>() + budget.charged();
                prop_assert!(all <= cap + 1e-3);
            }
        }
    }
}
