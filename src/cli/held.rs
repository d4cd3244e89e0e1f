//! A project that a run holds: nobody else changes it meanwhile.

use super::bring::{Unusable, bring};
use super::failure::Failure;
use super::shared::Shared;
use super::tell;
use super::workspace::{Workspace, now_ms};
use crate::engine::intake::Intake;
use crate::engine::real_files::RealFiles;
use crate::engine::watched::{WatchedFiles, WatchedLedger, Watcher, watcher};
use crate::known::Known;
use crate::ledger::{
    AttemptId, Ledger as _, LockError, ProjectLock, SqliteLedger, make_private_folder,
};
use crate::plan::{Planned, ScenePlan, Work};
use crate::ports::Files as _;
use crate::publish::Publisher;
use crate::report::sanitise;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A project that nobody else changes meanwhile.
pub(super) struct Held {
    pub ledger: SqliteLedger,
    pub files: RealFiles,
    /// Sees each thing that is about to be done, so that tests can stop a run before it.
    pub watcher: Arc<dyn Watcher>,
    /// Where machines meet, if the settings name such a place.
    pub shared: Option<Shared>,
    _lock: ProjectLock,
}

impl Held {
    /// Takes the project's lock, opens the ledger, and finishes what an earlier process left undone.
    pub fn take(workspace: &Workspace, wait: Option<Duration>) -> Result<Self, Failure> {
        let layout = &workspace.layout;
        make_private_folder(&layout.private).map_err(|error| {
            Failure::cannot_work(
                "unwritable",
                format!("cannot make `{}`: {error}", layout.private.display()),
            )
            .hint(
                "the project's folder must be writable: the record of what was paid for lies there",
            )
        })?;
        let lock = lock(workspace, wait)?;
        let mut ledger = SqliteLedger::open(&layout.ledger())?;
        let files = workspace.files().map_err(|error| {
            Failure::cannot_work("disk", format!("cannot use the project's folder: {error}"))
        })?;
        // Litter of killed runs is no reason to stop when it cannot be removed.
        for folder in [layout.private.join("cache"), layout.assets_root.join("assets")] {
            if let Err(error) = files.remove_left_over(&folder) {
                tracing::debug!(%error, folder = %folder.display(), "left-over files stay");
            }
        }
        let watcher = watcher();
        let shared = {
            let mut ledger = WatchedLedger::new(&mut ledger, Arc::clone(&watcher));
            let files = WatchedFiles::new(&files, Arc::clone(&watcher));
            ledger.recover(now_ms())?;
            Publisher::new(&files, layout).recover(&mut ledger, now_ms())?;
            Shared::enter(workspace, &mut ledger)?
        };
        Ok(Self { ledger, files, watcher, shared, _lock: lock })
    }

    /// Records what was decided with the plan, right before the run, and tells the other machines what is given up before
    /// it is sent anew.
    pub fn record(&mut self, planned: &Planned, given_up: &[AttemptId]) -> Result<(), Failure> {
        for attempt in given_up {
            self.ledger.forgotten(*attempt, now_ms())?;
        }
        if !planned.moved_takes.is_empty() {
            self.ledger.move_takes(&planned.moved_takes)?;
        }
        if !planned.redirected_takes.is_empty() {
            self.ledger.redirect_takes(&planned.redirected_takes)?;
        }
        match &self.shared {
            Some(shared) if !given_up.is_empty() => shared.settle(&mut self.ledger),
            _ => Ok(()),
        }
    }

    /// Brings what the plan needs and is not here. Gives the digests of what cannot be had.
    pub fn bring(
        &mut self,
        workspace: &Workspace,
        planned: &Planned,
        known: &Known,
    ) -> Result<Unusable, Failure> {
        let intake = Intake {
            files: &self.files,
            layout: &workspace.layout,
            max_clip: workspace.settings.limits.max_clip,
        };
        bring(planned, known, self.shared.as_ref(), &intake, &mut self.ledger)
    }

    /// Gives the shared cache what it lacks.
    pub fn give(&mut self, workspace: &Workspace) -> Result<(), Failure> {
        let Some(shared) = &self.shared else { return Ok(()) };
        let looked = workspace.look(self.ledger.snapshot()?)?;
        shared.give(&looked.known, &workspace.layout, &mut self.ledger)
    }

    /// Makes sure that clips can be kept and published, before anything is paid for.
    pub fn check_folders(&self, workspace: &Workspace, planned: &Planned) -> Result<(), Failure> {
        let layout = &workspace.layout;
        let work: Vec<&Work> = planned.plan.scenes.iter().flat_map(ScenePlan::works).collect();
        if work.is_empty() {
            return Ok(());
        }
        // What cannot be read now cannot be merged later, when everything is paid for.
        if let Err(error) = self.files.read(&layout.manifest())
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(Failure::cannot_work(
                "unreadable",
                format!("cannot use the manifest: {error}"),
            )
            .hint("it must be a file of the project; nothing was sent"));
        }
        let mut folders = BTreeSet::from([
            layout.private.join("cache"),
            layout.private.join("cache/sha256"),
            layout.assets_root.join("assets"),
        ]);
        for work in work {
            let filename = match work {
                Work::Render(work) => &work.entry.filename,
                Work::Restore(work) => &work.filename,
            };
            let clip = layout.asset(filename).ok_or_else(|| {
                Failure::invalid(
                    "invalid-clip-file",
                    format!(
                        "the clip file `{}` would not lie in the assets",
                        sanitise(filename, 200)
                    ),
                )
                .hint("give the scene another id; nothing was sent")
            })?;
            // A link that leads out of the project is not followed, so what it hides could not be kept.
            self.files.stat(&clip).map_err(|error| {
                Failure::cannot_work("unreadable", format!("cannot use a clip file: {error}"))
                    .hint("remove the link; nothing was sent")
            })?;
            let folder = clip.parent().map(Path::to_owned);
            let takes = folder.as_ref().map(|folder| folder.join("takes"));
            folders.extend(folder);
            folders.extend(takes.filter(|takes| takes.symlink_metadata().is_ok()));
        }
        for folder in folders {
            let tried = self.files.create_temporary(&folder, ".tmp");
            tried.and_then(|file| self.files.remove(&file)).map_err(|error| {
                let shown = folder.strip_prefix(&layout.project_root).unwrap_or(&folder);
                Failure::cannot_work(
                    "unwritable",
                    format!("cannot write to `{}`: {error}", shown.display()),
                )
                .hint(
                    "clips go there, so nothing was sent; it must be a folder that can be written",
                )
            })?;
        }
        Ok(())
    }
}

/// Takes the project's lock; with `--wait` it says whom it waits for.
fn lock(workspace: &Workspace, wait: Option<Duration>) -> Result<ProjectLock, Failure> {
    const COMMAND: &str = "storyreel render";
    let path = workspace.layout.lock();
    let held = match (ProjectLock::acquire(&path, COMMAND, None), wait) {
        (Err(held @ LockError::Held { .. }), Some(wait)) if !wait.is_zero() => (held, wait),
        (taken, _) => return Ok(taken?),
    };
    let (LockError::Held { holder, .. }, wait) = held else { return Err(held.0.into()) };
    let holder = holder.map(|holder| format!(": {holder}")).unwrap_or_default();
    tell(&format!("waiting for another run to end{holder}\n"));
    Ok(ProjectLock::acquire(&path, COMMAND, Some(wait))?)
}
