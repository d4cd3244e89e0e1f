//! What happens during a run: the only link from running to reporting.

use crate::ledger::FailureClass;
use crate::storyboard::{SceneId, StepKind};
use serde::Serialize;
use std::collections::BTreeMap;

/// One event with its time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stamped {
    /// Unix milliseconds; written as RFC 3339 in JSON lines.
    pub time_ms: i64,
    /// The scene it is about, if any.
    pub about: Option<About>,
    /// What happened.
    pub event: Event,
}

/// Which scene, step and take an event is about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct About {
    /// Scene.
    pub scene_id: SceneId,
    /// Step; `None` for what concerns the scene as a whole.
    pub step: Option<StepKind>,
    /// Index of the step in its chain, from 0 (a chain may extend twice).
    pub step_index: Option<usize>,
    /// Number of the take.
    pub take: Option<u32>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The run begins: how many scenes have work, the reserved worst case in credits.
    Planned {
        /// Scenes with work, paid or free.
        scenes: usize,
        /// Takes that are made, stills apart from their clips, and clips that are put back.
        takes: usize,
        /// Worst case of all steps whose price is known, in credits.
        credits: f64,
        /// Steps whose price is not known.
        unpriced_steps: usize,
    },
    /// A file is being uploaded for a request.
    Uploading {
        /// Bytes.
        bytes: u64,
    },
    /// The provider accepted a step.
    Submitted {
        /// Its task id; `None` for an upgrade without one.
        task_id: Option<String>,
        /// Reserved credits, where the price is known.
        credits: Option<f64>,
    },
    /// Still running at the provider.
    Waiting {
        /// Since its submission, in seconds.
        elapsed_s: f64,
        /// Until the next look, in seconds.
        next_s: f64,
    },
    /// Something passing went wrong and is tried again.
    Retrying {
        /// What.
        reason: String,
        /// Until the next try, in seconds.
        delay_s: f64,
    },
    /// A task of an earlier run is taken up again.
    Resumed {
        /// Its task id.
        task_id: Option<String>,
    },
    /// Another machine that shares the cache has sent this very request; what comes of that is waited for.
    Followed {
        /// Who, in its own words.
        holder: String,
    },
    /// Existing content was published again, free.
    Restored {
        /// Clip file, relative to the assets root.
        filename: String,
        /// Where the bytes came from: `cache`, `take`, `shared` or `provider`.
        from: String,
    },
    /// A clip is verified and in the cache.
    Downloaded {
        /// Its digest.
        sha256: String,
        /// Its size.
        bytes: u64,
    },
    /// A scene's clip is in place and in the manifest.
    Published {
        /// Clip file, relative to the assets root.
        filename: String,
        /// Its digest.
        sha256: String,
        /// Credits of all steps of this take in this run.
        credits: Option<f64>,
        /// Seconds asked for and found, where they differ: a note, never a failure.
        note: Option<String>,
        /// It is put beside the scene's clip (or still), to choose from.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        candidate: bool,
    },
    /// A step failed.
    Failed {
        /// Its class.
        class: FailureClass,
        /// What happened and what to do.
        message: String,
        /// Whether the provider charged for it, where that is known.
        charged: Option<bool>,
    },
    /// Nobody can tell whether a submission was accepted.
    Unknown {
        /// What happened.
        message: String,
        /// Credits that stay reserved.
        credits: Option<f64>,
    },
    /// A step is not started: its price, the budget, another scene, an unknown submission.
    Blocked {
        /// `budget`, `credits`, `price-unknown`, `dependency`, `unknown`, `stopped`, or `absent` where the clip to restore
        /// is nowhere any more.
        reason: String,
        /// In words.
        message: String,
    },
    /// Something that concerns the whole run.
    Error {
        /// A stable code: `key-refused`, `network`, `disk`, `ledger`, ...
        code: String,
        /// What happened.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The run is over.
    RunFinished(Summary),
}

/// What an account held before and after a run, in credits. Other programs may use the same account meanwhile.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BalanceChange {
    /// The provider.
    pub provider: String,
    /// Before the first submission.
    pub before: f64,
    /// At the end of the run.
    pub after: f64,
}

/// How a run ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Count of every plan action (`create`, `update`, `unchanged`, ...).
    pub actions: BTreeMap<String, usize>,
    /// Scenes rendered and published.
    pub rendered: usize,
    /// Takes that were rendered and put beside those of their scenes, to choose from.
    #[serde(skip_serializing_if = "is_zero")]
    pub takes: usize,
    /// Scenes restored or moved, free.
    pub restored: usize,
    /// Scenes that failed.
    pub failed: usize,
    /// Submissions whose outcome is unknown.
    pub unknown: usize,
    /// Tasks still running at the provider, on record.
    pub still_running: usize,
    /// Scenes not started for the budget, the credits or a price.
    pub over_budget: usize,
    /// Scenes without a task at the provider that a deadline, `--for` or `--submit-only` left undone.
    pub unfinished: usize,
    /// Credits charged in this run, as far as known.
    pub credits: f64,
    /// Credits the steps of this run were estimated at.
    pub estimate: f64,
    /// What the account held before the first submission of the run and after its end, where it told both.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub balances: Vec<BalanceChange>,
    /// True when the user interrupted.
    pub interrupted: bool,
    /// Code of the error that stopped the run, if one did (exit 3 or 6).
    pub stopped_by: Option<String>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}
