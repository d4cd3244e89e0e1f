//! `storyreel accept`: keep the present clip of a scene that has changed.

use super::args::FileFlag;
use super::failure::Failure;
use super::workspace::Workspace;
use super::{Output, selection, tell};
use crate::ledger::ProjectLock;
use crate::plan::{Action, PlanOptions, Work};
use crate::publish::Publisher;
use crate::report::sanitise;
use clap_complete::ArgValueCompleter;
use serde_json::Value;

/// Keep the present clip for a scene that has changed. Spends nothing; the prompt that made the clip stays on record.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The manifest then says that the clip is right for what the scene says now. Change the scene back, and the clip is right
for that, too; change it again, and it is rendered.

Example:
  storyreel accept 7")]
pub(super) struct Accept {
    /// The scene's id
    #[arg(value_name = "SCENE", add = ArgValueCompleter::new(super::completing::scenes))]
    scene: String,
    #[command(flatten)]
    file: FileFlag,
}

impl Accept {
    pub fn run(&self, _: Output) -> Result<u8, Failure> {
        let workspace = Workspace::open(&self.file.flags())?;
        let id = selection::one(&self.scene, &workspace.scene_ids())?.clone();
        let layout = &workspace.layout;
        let _lock = ProjectLock::acquire(&layout.lock(), "storyreel accept", None)?;
        let looked = workspace.look_around()?;
        if !looked.known.ledger.publishing.is_empty() {
            return Err(Failure::cannot_work(
                "unfinished",
                "an earlier run was killed while it put clips in place",
            )
            .hint("run `storyreel render --locked` first: it finishes that and pays for nothing"));
        }
        let (planned, _) = workspace.plan(&looked, &PlanOptions::default())?;
        let shown = sanitise(&id.key(), 40);
        let scene = planned.plan.scenes.into_iter().find(|scene| scene.scene_id == id);
        let entry = workspace
            .scene(&id)
            .and_then(|scene| workspace.entry_of(&looked.known, &looked.place, scene));
        let (Some(scene), Some(entry)) = (scene, entry) else {
            return Err(Failure::invalid(
                "nothing-published",
                format!("scene {shown} has no clip that could be kept"),
            )
            .hint("`storyreel plan` shows what would be rendered"));
        };
        let ask: Value = match &scene.work {
            _ if scene.action == Action::Unchanged => {
                tell(&format!("scene {shown} has not changed; its clip is kept anyway\n"));
                return Ok(0);
            }
            Some(Work::Render(work)) => work.ask.clone(),
            Some(Work::Restore(work)) => work
                .entry
                .as_ref()
                .and_then(|draft| draft.fields.get("ask"))
                .cloned()
                .unwrap_or_default(),
            None => Value::Null,
        };
        if ask.is_null() {
            return Err(Failure::invalid(
                "not-acceptable",
                format!("scene {shown} is `{}`: there is nothing to accept", scene.action.name()),
            )
            .hint("`storyreel plan` says why"));
        }
        let files = workspace.files().map_err(|error| {
            Failure::cannot_work("disk", format!("cannot use the project's folder: {error}"))
        })?;
        let (entry_id, filename) = (entry.id.clone(), entry.filename.clone());
        let kept = Publisher::new(&files, layout).accept(&entry_id, &ask)?;
        if !kept {
            return Err(Failure::invalid(
                "no-entry",
                format!("the manifest has no entry `{}` any more", sanitise(&entry_id, 40)),
            )
            .hint("run the command again"));
        }
        tell(&format!(
            "scene {shown} keeps `{}` for what it says now; nothing was paid\n",
            sanitise(&filename, 200)
        ));
        Ok(0)
    }
}
