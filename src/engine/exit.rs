//! The exit code that a run's summary stands for.

use super::event::Summary;

/// 130 interrupted, 3 could not work, 5 an unknown submission, 6 budget, credits or quota, 4 failed scenes, 8 still
/// running, 0 done; of several the first in this order.
pub fn exit_code(summary: &Summary) -> u8 {
    let stopped_for_money =
        matches!(summary.stopped_by.as_deref(), Some("credits" | "quota" | "budget"));
    if summary.interrupted {
        130
    } else if summary.stopped_by.is_some() && !stopped_for_money {
        3
    } else if summary.unknown > 0 {
        5
    } else if stopped_for_money || summary.over_budget > 0 {
        6
    } else if summary.failed > 0 {
        4
    } else if summary.still_running > 0 || summary.unfinished > 0 {
        8
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_outcome_wins() {
        let mut summary = Summary::default();
        assert_eq!(exit_code(&summary), 0);
        summary.unfinished = 1;
        assert_eq!(exit_code(&summary), 8);
        summary.failed = 1;
        assert_eq!(exit_code(&summary), 4);
        summary.over_budget = 1;
        assert_eq!(exit_code(&summary), 6);
        summary.unknown = 1;
        assert_eq!(exit_code(&summary), 5);
        summary.stopped_by = Some("credits".into());
        assert_eq!(exit_code(&summary), 5);
        summary.unknown = 0;
        summary.over_budget = 0;
        assert_eq!(exit_code(&summary), 6);
        summary.stopped_by = Some("disk".into());
        assert_eq!(exit_code(&summary), 3);
        summary.interrupted = true;
        assert_eq!(exit_code(&summary), 130);
    }
}
