//! What a plan asks the engine to do, complete enough that the engine never looks at the storyboard.

use super::edges::Awaited;
use super::request::Request;
use crate::manifest::{CANDIDATE, Media};
use crate::record::{AttemptId, Intent, Slot, TakeId};
use crate::storyboard::{SceneId, StepKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A finished clip: its content and the task that made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipRef {
    /// `sha256:` and hex of its bytes.
    pub sha256: String,
    /// The provider's task, where one is known; what `{"$task": digest}` is bound to.
    pub task_id: Option<String>,
    /// What it cost, in credits, where known.
    pub credits: Option<f64>,
    /// When it was rendered (RFC 3339), where known; the provider keeps results for a limited time.
    pub created_at: Option<String>,
}

/// Work on one scene.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// Run the steps that are not done and publish the last clip.
    Render(RenderWork),
    /// Publish content that exists already; free.
    Restore(RestoreWork),
}

/// A chain to be run.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderWork {
    /// Where it belongs.
    pub slot: Slot,
    /// The number of the take: one more than any take of this slot so far, or that of the open take.
    pub take: u32,
    /// The ledger's open take that this continues.
    pub open_take: Option<TakeId>,
    /// The author's effective fields, recorded with the intent and in the manifest.
    pub ask: Value,
    /// All steps in order, the finished ones included.
    pub steps: Vec<StepWork>,
    /// The manifest entry to be.
    pub entry: EntryDraft,
    /// Other scenes (by key) that must be published before this one may start.
    pub after: Vec<String>,
    /// What of them stands as a name in the requests until it is known.
    pub awaits: Vec<Awaited>,
    /// The scene has its take already: this one is put beside it, to choose from.
    pub beside: bool,
    /// The scene's voice is made in this run and before it, and must not be longer than this, in seconds.
    pub voice_within: Option<f64>,
}

impl RenderWork {
    /// What it makes in the end.
    pub fn makes(&self) -> Media {
        Media::made_by(self.steps.last().map(|step| step.kind))
    }
}

/// One step of a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct StepWork {
    /// What kind of step.
    pub kind: StepKind,
    /// Its display name: "Veo 3.1 Fast".
    pub model: String,
    /// The provider's id of the model: `veo3_fast`.
    pub model_id: String,
    /// The catalogue's provider: `kie`.
    pub provider: String,
    /// The provider's API family: `veo`.
    pub family: String,
    /// The operation or upgrade of the family: `generate`, `extend`, `1080p`.
    pub operation: String,
    /// True when `operation` is an upgrade (repeating the call polls it; never unknown).
    pub upgrade: bool,
    /// The symbolic request; it waits for the step before where it starts from it.
    pub request: Request,
    /// Named parts of the request, for reasons and the manifest.
    pub parts: Map<String, Value>,
    /// The worst-case price in credits; `None` when unknown.
    pub credits: Option<f64>,
    /// How long the clip should be, in seconds, where that is known.
    pub seconds: Option<f64>,
    /// Where it starts.
    pub start: StepStart,
}

impl StepWork {
    /// What is recorded of it before `request` leaves in the form `bound`, as step `step` of a take.
    pub fn intent(&self, take: TakeId, step: usize, request: Request, bound: Value) -> Intent {
        Intent {
            take,
            step,
            kind: self.kind,
            model_id: self.model_id.clone(),
            provider: self.provider.clone(),
            family: self.family.clone(),
            operation: self.operation.clone(),
            upgrade: self.upgrade,
            endpoint: request.endpoint(),
            fingerprint: request.fingerprint(),
            request: request.body.into(),
            bound: bound.into(),
            reserved: self.credits,
            claim: None,
        }
    }
}

/// How far a step has come before this run.
#[derive(Debug, Clone, PartialEq)]
pub enum StepStart {
    /// Nothing was sent (or what was sent failed for good and may be tried again).
    Fresh,
    /// Another take of the scene makes it in this run.
    Shared,
    /// An attempt of this very request is in flight or finished at the provider.
    Resume(AttemptId),
    /// Its clip exists.
    Done(ClipRef),
}

/// Content to be published without rendering.
#[derive(Debug, Clone, PartialEq)]
pub struct RestoreWork {
    /// Where it belongs.
    pub slot: Slot,
    /// The content.
    pub clip: ClipRef,
    /// Where its bytes may be found, best first.
    pub sources: Vec<ClipSource>,
    /// `None`: the manifest is right and only the file is missing. `Some`: undo or move, which append a version.
    pub entry: Option<EntryDraft>,
    /// For an undo or a move: the manifest entry (id) whose content is published again.
    pub restored_from: Option<String>,
    /// For a move: the manifest entry (id) that stops being current, because its scene has another id now.
    pub supersedes: Option<String>,
    /// The clip file to write, relative to the assets root (the folder that holds `assets/`): `assets/clips/scene-01.mp4`.
    pub filename: String,
}

impl RestoreWork {
    /// True where it is put beside the scene's own take, to choose from.
    pub fn is_beside(&self) -> bool {
        self.entry.as_ref().is_some_and(|entry| entry.fields.contains_key(CANDIDATE))
    }

    /// The number of the take that it appends, where it has one.
    pub fn take(&self) -> Option<u32> {
        u32::try_from(self.entry.as_ref()?.fields.get("take")?.as_u64()?).ok()
    }
}

/// Where bytes of a clip may be found.
#[derive(Debug, Clone, PartialEq)]
pub enum ClipSource {
    /// The private cache, under the clip's digest. What lies beside another branch's manifest is brought there before a
    /// run.
    Cache,
    /// A file of the project, relative to the assets root.
    File(String),
    /// The cache that machines share, under the clip's digest.
    Shared,
    /// The provider, which keeps results for a while: family and the operation the task was created with.
    Provider {
        /// The catalogue's provider.
        provider: String,
        /// API family.
        family: String,
        /// Operation (or upgrade) that made it.
        operation: String,
        /// Task.
        task_id: String,
    },
}

/// A manifest entry before it is published: everything that is known when the plan is made.
///
/// Publishing adds `id`, `filename`, `created_at`, `version`, `sha256`, `bytes`, `probe`, `task_id`, `credits`
/// and, for each step, `fingerprint`, `task_id`, `sha256`, `credits`.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryDraft {
    /// The scene's id.
    pub scene_id: SceneId,
    /// The clip file, relative to the assets root: `assets/clips/scene-01.mp4`.
    pub filename: String,
    /// The keys known already, in the order in which they are written: `prompt`, `model`, `parameters`,
    /// `model_id`, `parts`, `ask`, `take`, `seed`, `inputs`, `storyboard`, `variant` as they apply.
    pub fields: Map<String, Value>,
    /// What is known of each step: `step`, `model`, `model_id`, `endpoint`, `parts`.
    pub steps: Vec<Map<String, Value>>,
}

/// Local files that requests name, by digest; bound to upload links just before sending.
pub type FilesByDigest = BTreeMap<String, PathBuf>;
