//! The rules of one run: limits, waits and deadlines, resolved from settings before it begins.

use super::window::WindowLimit;
use crate::remote::backoff::BackoffPolicy;
use std::time::Duration;

/// What a run may do, and how patient it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// New tasks in any window.
    pub submissions: WindowLimit,
    /// Tasks at the provider at once.
    pub running: usize,
    /// Downloads at once.
    pub downloads: usize,
    /// The largest clip that is taken, in bytes.
    pub max_clip: u64,
    /// The first wait between two looks at a task; `None` takes the family's own.
    pub poll_first: Option<Duration>,
    /// The longest wait between two looks; `None` takes the family's own.
    pub poll_max: Option<Duration>,
    /// How long a task is watched before it is left on record; `None` takes the family's own.
    pub poll_deadline: Option<Duration>,
    /// How often a task that the provider failed for a passing fault is made anew, per step.
    pub failed_tasks: u32,
    /// Waits of everything that is tried again.
    pub backoff: BackoffPolicy,
    /// Credits that this run may spend.
    pub max_credits: Option<f64>,
    /// Credits that all runs of the user may spend in any 24 hours.
    pub per_day: Option<f64>,
    /// The run ends after this time, with its tasks on record.
    pub run_for: Option<Duration>,
    /// Submit, and leave the collecting to a later run.
    pub submit_only: bool,
    /// How long a paid create may take.
    pub create_timeout: Duration,
    /// How long a read may take.
    pub read_timeout: Duration,
    /// How long an upload or download of one file may take.
    pub transfer_timeout: Duration,
    /// After an interrupt, how long to wait for the answers to what was already sent.
    pub interrupt_grace: Duration,
    /// After the deadline of the run, how long to wait for them.
    pub deadline_grace: Duration,
}

impl Policy {
    /// Waits for a provider that cannot be reached at all: a person who is offline wants to know it soon, and a
    /// connection that comes back does so within seconds.
    pub fn unreachable(&self) -> BackoffPolicy {
        BackoffPolicy {
            tries: self.backoff.tries.min(5),
            total: self.backoff.total.min(Duration::from_secs(45)),
            longest: self.backoff.longest.min(Duration::from_secs(15)),
            ..self.backoff
        }
    }
}

impl Default for Policy {
    /// The defaults of `storyreel.toml`.
    fn default() -> Self {
        Self {
            submissions: WindowLimit { count: 20, length: Duration::from_secs(10) },
            running: 100,
            downloads: 8,
            max_clip: 2 * 1024 * 1024 * 1024,
            poll_first: None,
            poll_max: None,
            poll_deadline: None,
            failed_tasks: 1,
            backoff: BackoffPolicy {
                first: Duration::from_secs(2),
                longest: Duration::from_secs(60),
                tries: 8,
                total: Duration::from_secs(300),
            },
            max_credits: None,
            per_day: None,
            run_for: None,
            submit_only: false,
            create_timeout: Duration::from_secs(120),
            read_timeout: Duration::from_secs(30),
            transfer_timeout: Duration::from_secs(3600),
            interrupt_grace: Duration::from_secs(2),
            deadline_grace: Duration::from_secs(10),
        }
    }
}
