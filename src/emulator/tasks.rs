//! Tasks: how they run, end, and come to their files.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::account::Credits;

/// What a task will come to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// A result.
    Success,
    /// An error.
    Failure {
        /// The provider's error code.
        code: i64,
        /// The provider's text.
        message: String,
        /// Whether the money is kept all the same.
        charged: bool,
    },
}

/// Which API the record of a task is read with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lane {
    /// `veo/generate`.
    Veo,
    /// `veo/extend`.
    VeoExtend,
    /// `jobs/createTask`.
    Market,
    /// `runway/generate`.
    Runway,
    /// `runway/extend`.
    RunwayExtend,
    /// `aleph/generate`.
    Aleph,
}

/// What a model makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Media {
    /// A clip.
    #[default]
    Video,
    /// A picture.
    Image,
    /// A sound.
    Audio,
    /// Data about a picture.
    Json,
}

/// The picture of a clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Length in seconds.
    pub seconds: f64,
}

/// Deviations bound to a task by scripted faults.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Quirks {
    /// The record does not exist before this moment.
    pub invisible_until: Option<i64>,
    /// So many reads after the end show no address; `u32::MAX` stands for all.
    pub reads_without_url: u32,
    /// So many reads after the first that showed the end show it running again.
    pub reads_backwards: u32,
    /// 1080p and 4K versions fail.
    pub upgrades_fail: bool,
}

/// Which version of a finished Veo clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Version {
    /// 1920 by 1080.
    FullHd,
    /// 3840 by 2160.
    FourK,
}

/// One version that was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Upgrading {
    /// Which.
    pub version: Version,
    /// The clip's place in the result, from 0.
    pub index: u64,
    /// When it is there.
    pub ready_ms: i64,
    /// Its place in the bill.
    pub billed: usize,
    /// Whether the outcome was booked.
    pub settled: bool,
}

/// One task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    /// 32 lower-case hex digits.
    pub id: String,
    /// Its number, from 1 in order of creation.
    pub number: u64,
    /// The API it belongs to.
    pub lane: Lane,
    /// The model as the create named it.
    pub model: String,
    /// The prompt.
    pub prompt: String,
    /// The echo of the parameters that its record shows, JSON text.
    pub echo: String,
    /// When it was created.
    pub created_ms: i64,
    /// When it ends; `None` for a task that never does.
    pub done_ms: Option<i64>,
    /// What it comes to.
    pub outcome: Outcome,
    /// Whether the end was booked.
    pub settled: bool,
    /// What it cost.
    pub price: Credits,
    /// Its place in the bill.
    pub billed: usize,
    /// The clip; for an extension, the new part.
    pub clip: Picture,
    /// For an extension, the length of the joined video in seconds.
    pub joined_seconds: Option<f64>,
    /// The resolution as its record names it.
    pub resolution: String,
    /// The task an extension continues.
    pub parent: Option<String>,
    /// What it makes.
    #[serde(default)]
    pub media: Media,
    /// Where its end is told.
    #[serde(default)]
    pub callback: Option<String>,
    /// The 1080p and 4K versions that were asked for.
    pub upgrades: Vec<Upgrading>,
    /// Deviations.
    pub quirks: Quirks,
    /// Reads that showed the end.
    pub reads_of_end: u32,
    /// Moments of the last reads, for the limit.
    pub recent_reads: VecDeque<i64>,
}

/// How far a task is, as a read may show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Not begun.
    Waiting,
    /// In the queue.
    Queued,
    /// Being made.
    Generating,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
}

impl Task {
    /// How far it truly is.
    #[must_use]
    pub fn progress(&self, now: i64) -> Progress {
        if self.settled {
            return match self.outcome {
                Outcome::Success => Progress::Succeeded,
                Outcome::Failure { .. } => Progress::Failed,
            };
        }
        let Some(done) = self.done_ms else {
            return Progress::Generating;
        };
        let whole = (done - self.created_ms).max(1);
        match (now - self.created_ms) * 10 / whole {
            ..1 => Progress::Waiting,
            1 | 2 => Progress::Queued,
            _ => Progress::Generating,
        }
    }

    /// Whether its record can be found yet.
    #[must_use]
    pub fn visible(&self, now: i64) -> bool {
        self.quirks.invisible_until.is_none_or(|until| now >= until)
    }

    /// Counts a read and tells what it shows: how far the task is, and whether addresses are there.
    pub fn show(&mut self, now: i64) -> (Progress, bool) {
        let progress = self.progress(now);
        if !matches!(progress, Progress::Succeeded | Progress::Failed) {
            return (progress, false);
        }
        self.reads_of_end = self.reads_of_end.saturating_add(1);
        let number = self.reads_of_end;
        if number > 1 && number - 1 <= self.quirks.reads_backwards {
            return (Progress::Waiting, false);
        }
        (progress, progress == Progress::Succeeded && number > self.quirks.reads_without_url)
    }

    /// The moment of the end in epoch milliseconds, once it was booked.
    #[must_use]
    pub fn completed(&self) -> Option<i64> {
        self.done_ms.filter(|_| self.settled)
    }

    /// The versions of this kind, newest first.
    pub fn upgrade(&mut self, version: Version, index: u64) -> Option<&mut Upgrading> {
        self.upgrades
            .iter_mut()
            .rev()
            .find(|upgrade| upgrade.version == version && upgrade.index == index)
    }
}

/// Cuts a moment down to the second, as Veo's records show it.
#[must_use]
pub fn to_second(ms: i64) -> i64 {
    ms.div_euclid(1000) * 1000
}
