//! Clips that a run needs and that are not in the project's cache: brought there before it, so that the run finds them
//! where it finds all others.

use super::failure::Failure;
use super::shared::Shared;
use super::tell;
use crate::engine::intake::{FetchError, Intake};
use crate::known::Known;
use crate::ledger::{ClipRecord, Ledger};
use crate::plan::{Planned, ScenePlan, StepStart, Work};
use crate::ports::Download;
use crate::remote::bind::{Need, needs};
use crate::report::sanitise;
use crate::storyboard::StepKind;
use futures::StreamExt as _;
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;

/// Read at once, in bytes.
const CHUNK: usize = 256 * 1024;

/// Brings what a plan needs from beside another branch's manifest and out of the shared cache. Gives what is gone or other
/// content: the plan counts on it, so another one has to be made.
///
/// What cannot be taken for another reason exists all the same, and is not paid for again.
///
/// # Errors
/// Exit 3 where the shared cache cannot be reached, or the disk refuses; nothing was sent then.
pub(super) fn bring(
    planned: &Planned,
    known: &Known,
    shared: Option<&Shared>,
    intake: &Intake<'_>,
    ledger: &mut dyn Ledger,
) -> Result<Unusable, Failure> {
    let mut unusable = Unusable::default();
    let Lacking { beside, shared: at_shared } = lacking(planned, known);
    for sha256 in &beside {
        let Some(path) = known.beside(sha256) else { continue };
        match bring_file(path, sha256, intake) {
            Ok(clip) => ledger.remember_clip(&clip)?,
            Err(error) => {
                let shown = sanitise(&path.display().to_string(), 300);
                if !matches!(error, FetchError::Gone(_) | FetchError::Foreign) {
                    let message = format!("the clip `{shown}` cannot be taken: {error}");
                    return Err(Failure::cannot_work("defer-to", message)
                        .hint("it lies beside the manifest of `--defer-to`; nothing was sent"));
                }
                tell(&format!("warning: the clip `{shown}` cannot be used: {error}\n"));
                unusable.beside.push(sha256.clone());
            }
        }
    }
    if let Some(shared) = shared.filter(|_| !at_shared.is_empty()) {
        for (sha256, clip) in shared.bring(&at_shared, intake)? {
            match clip {
                Some(clip) => ledger.remember_clip(&clip)?,
                None => unusable.shared.push(sha256),
            }
        }
    }
    Ok(unusable)
}

/// Digests of clips that are not where they were thought to be.
#[derive(Debug, Default)]
pub(super) struct Unusable {
    /// Not beside the other branch's manifest.
    pub beside: Vec<String>,
    /// Not in the shared cache.
    pub shared: Vec<String>,
}

impl Unusable {
    pub fn is_empty(&self) -> bool {
        self.beside.is_empty() && self.shared.is_empty()
    }
}

/// Digests of clips that are needed and are not here.
struct Lacking {
    /// They lie beside another branch's manifest.
    beside: Vec<String>,
    /// The shared cache has them.
    shared: Vec<String>,
}

fn lacking(planned: &Planned, known: &Known) -> Lacking {
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    let mut restored: BTreeSet<&String> = BTreeSet::new();
    for work in planned.plan.scenes.iter().flat_map(ScenePlan::works) {
        let work = match work {
            Work::Restore(work) => {
                restored.insert(&work.clip.sha256);
                continue;
            }
            Work::Render(work) => work,
        };
        for step in &work.steps {
            match &step.start {
                StepStart::Done(clip) => drop(wanted.insert(clip.sha256.clone())),
                // What another scene gives that is not part of this run.
                StepStart::Fresh => {
                    wanted.extend(needs(&step.request.body).into_iter().filter_map(clip_in));
                }
                StepStart::Shared | StepStart::Resume(_) => {}
            }
        }
    }
    let is_here =
        |sha256: &str| known.cached.contains(sha256) || planned.files.contains_key(sha256);
    let is_beside = |sha256: &&String| !is_here(sha256) && known.beside(sha256).is_some();
    // What is published again the run itself takes out of the shared cache, each clip in its turn.
    let at_shared = wanted.iter().filter(|sha256| {
        known.shared.contains(*sha256)
            && !is_here(sha256)
            && !is_beside(sha256)
            && !restored.contains(*sha256)
    });
    let beside: BTreeSet<&String> =
        wanted.iter().chain(restored.iter().copied()).filter(is_beside).collect();
    Lacking { beside: beside.into_iter().cloned().collect(), shared: at_shared.cloned().collect() }
}

fn clip_in(need: Need) -> Option<String> {
    match need {
        Need::Clip { sha256, .. } => Some(sha256),
        Need::File(_) | Need::Task(_) => None,
    }
}

fn bring_file(path: &Path, sha256: &str, intake: &Intake<'_>) -> Result<ClipRecord, FetchError> {
    let cannot = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => FetchError::Gone(error.to_string()),
        _ => FetchError::Never(error.to_string()),
    };
    let mut file = std::fs::File::open(path).map_err(cannot)?;
    let length = file.metadata().map_err(cannot)?.len();
    let chunks = std::iter::from_fn(move || {
        let mut chunk = vec![0; CHUNK];
        match file.read(&mut chunk) {
            Ok(0) => None,
            Ok(count) => {
                chunk.truncate(count);
                Some(Ok(chunk.into()))
            }
            Err(error) => Some(Err(error.to_string())),
        }
    });
    let chunks = futures::stream::iter(chunks).boxed();
    let download = Download { status: 200, length: Some(length), chunks };
    let taken = intake.take(download, StepKind::Generate, None, Some(sha256));
    futures::executor::block_on(taken)
}
