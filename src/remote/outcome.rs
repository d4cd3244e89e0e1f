//! What a call to the provider came to, in the terms in which the engine decides.

use super::echo::Essence;
use crate::catalog::Stop;
use crate::ledger::Failure;

/// The outcome of a paid create: the four classes that decide about money.
#[derive(Debug, Clone, PartialEq)]
pub enum Submission {
    /// The provider has it under this task id.
    Accepted {
        /// The task.
        task_id: String,
    },
    /// Certainly not accepted, and worth another try.
    Retry {
        /// Why, in words.
        reason: String,
        /// True when the provider was not reached at all.
        unreachable: bool,
    },
    /// It cannot be sent from here at all.
    Impossible {
        /// Why, in words.
        message: String,
    },
    /// Certainly not accepted, and the same request will not be.
    Rejected {
        /// The provider's refusal.
        failure: Failure,
        /// Set when no further submission can succeed either.
        stop: Option<Stop>,
    },
    /// Nobody can tell.
    Unknown {
        /// What is known.
        failure: Failure,
    },
}

/// The outcome of looking at a task, or of one call of an upgrade.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// Not over.
    Running,
    /// Over, with links to the results, best first.
    Succeeded {
        /// Links; never empty.
        urls: Vec<String>,
        /// What it cost, where the provider says.
        charged: Option<f64>,
    },
    /// The provider gave up on it.
    Failed {
        /// Its words.
        failure: Failure,
        /// What it cost all the same, where the provider says.
        charged: Option<f64>,
    },
    /// The provider knows no such task.
    Missing,
    /// The provider had it and has deleted its results.
    Expired,
    /// Success was reported without a result.
    WithoutResult {
        /// What it cost, where the provider says.
        charged: Option<f64>,
    },
    /// No state could be read; look again later.
    Trouble(Trouble),
    /// The provider refuses this and every further call (key, credits, quota).
    Refused {
        /// Its words.
        failure: Failure,
        /// What it means for the run.
        stop: Stop,
    },
}

/// A look at a task: what it came to, and which request the record repeats.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// How the task stands.
    pub reading: Reading,
    /// What the record repeats of the request it was made for; empty where it repeats nothing.
    pub repeats: Essence,
    /// True where the record names another task than the one that was asked for.
    pub of_another: bool,
}

impl From<Reading> for Look {
    fn from(reading: Reading) -> Self {
        Self { reading, repeats: Essence::default(), of_another: false }
    }
}

/// A call that came to nothing and may be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What happened, in words.
    pub message: String,
    /// True when the provider was not reached or did not answer.
    pub network: bool,
    /// False where repeating the call cannot help.
    pub repeat: bool,
    /// True when the key was refused.
    pub key: bool,
}

impl Trouble {
    /// Trouble that passes.
    pub fn passing(message: impl Into<String>) -> Self {
        Self { message: message.into(), network: false, repeat: true, key: false }
    }

    /// The provider was not reached, or was cut off.
    pub fn network(message: impl Into<String>) -> Self {
        Self { message: message.into(), network: true, repeat: true, key: false }
    }

    /// Trouble that repeating does not cure.
    pub fn lasting(message: impl Into<String>) -> Self {
        Self { message: message.into(), network: false, repeat: false, key: false }
    }
}

/// A file that the upload host has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploaded {
    /// The link to it.
    pub url: String,
    /// Until when it may be used (Unix milliseconds).
    pub expires_ms: i64,
}
