//! Scenes whose clip exists: it stands where it should, is put back, moves to another id, or an earlier one is published
//! again. None of it is paid for.

use super::decide::{Deciding, Decision, Match, Start};
use super::difference::{Difference, compare};
use super::draft;
use super::outcome::{Action, Note, Reason, ScenePlan};
use super::recorded::Recorded;
use super::work::{ClipRef, RestoreWork, StepStart, Work};
use crate::known::Output;
use crate::manifest::AssetEntry;

impl<'a> Deciding<'_, 'a> {
    pub(super) fn unchanged(&self, entry: &'a AssetEntry, difference: &Difference) -> ScenePlan {
        let mut notes = Vec::new();
        if difference.tool_changed {
            let message =
                "this version of storyreel would ask in other words; the clip is kept".to_owned();
            notes.push(Note { code: "tool-changed", message });
        }
        if entry.is_foreign_still() {
            let message = format!(
                "`{}` was made by another tool and is used as it is; `--retake {}` makes a new still",
                entry.id, self.scene.id
            );
            notes.push(Note { code: "not-ours", message });
        }
        let plan = match self.planning.known.outputs.get(&entry.filename) {
            Some(Output::File { .. }) => {
                notes.extend(self.output_note(entry));
                self.plan(Action::Unchanged, Vec::new(), self.free_steps(Action::Unchanged), None)
            }
            found => self.bring_back(entry, found.is_some()),
        };
        notes.into_iter().fold(plan, |plan, note| with_output_note(plan, Some(note)))
    }

    /// The clip of an entry is not where it should be.
    fn bring_back(&self, entry: &'a AssetEntry, pointer: bool) -> ScenePlan {
        let missing = if pointer {
            Reason::because("output-missing", "a Git LFS pointer stands in its place")
        } else {
            Reason::new("output-missing")
        };
        let sources = self.sources(entry);
        if let (Some(sha256), false) = (&entry.sha256, sources.is_empty()) {
            let work = RestoreWork {
                slot: self.slot.clone(),
                clip: clip_of(entry, sha256),
                entry: None,
                restored_from: None,
                supersedes: None,
                filename: entry.filename.clone(),
                sources,
            };
            let reason = self.said_with_source(missing, &work);
            return self.plan(
                Action::Restore,
                vec![reason],
                self.free_steps(Action::Restore),
                Some(Work::Restore(work)),
            );
        }
        if self.planning.options.rerender_absent.has(&self.scene.id) {
            return self.render(vec![missing], Some(0));
        }
        let detail = match (&missing.detail, self.provider_until(entry)) {
            (detail, Some(until)) => {
                let detail =
                    detail.as_ref().map(|detail| format!("{detail}; ")).unwrap_or_default();
                format!("{detail}the provider has it until {until}; with a key it is fetched, free")
            }
            (Some(detail), None) => format!(
                "{detail}; get it with `git lfs pull`, or pay again with `--rerender-absent`"
            ),
            (None, None) => {
                "no copy here; copy the file back, or pay again with `--rerender-absent`".to_owned()
            }
        };
        let reason = Reason::because("output-missing", detail);
        self.plan(Action::Absent, vec![reason], self.free_steps(Action::Absent), None)
    }

    pub(super) fn moved(&self, entry: &'a AssetEntry, sha256: &str) -> ScenePlan {
        let old_id = entry.scene_id.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut reason = Reason::because("renumbered", format!("was scene {old_id}"));
        let work = self.republish(entry, sha256, Some(entry.id.clone()));
        if work.sources.is_empty() {
            if self.planning.options.rerender_absent.has(&self.scene.id) {
                return self.render(vec![Reason::new("output-missing")], Some(0));
            }
            reason.detail = Some(format!("was scene {old_id}, and its clip is not here"));
            return self.plan(Action::Absent, vec![reason], self.free_steps(Action::Absent), None);
        }
        self.plan(
            Action::Move,
            vec![reason],
            self.free_steps(Action::Move),
            Some(Work::Restore(work)),
        )
    }

    /// Publishes the content of an entry again, as a new version under the present scene.
    pub(super) fn republish(
        &self,
        entry: &AssetEntry,
        sha256: &str,
        supersedes: Option<String>,
    ) -> RestoreWork {
        let own = self.as_asked(&entry.ask);
        let present = own.as_ref().unwrap_or(self.present);
        let draft = draft::republished(&self.planning.place, &self.scene.id, present, entry);
        RestoreWork {
            slot: self.slot.clone(),
            clip: clip_of(entry, sha256),
            filename: draft.filename.clone(),
            entry: Some(draft),
            restored_from: Some(entry.id.clone()),
            supersedes,
            sources: self.sources(entry),
        }
    }

    /// An earlier version with this very request: its clip is published again.
    pub(super) fn undo(&self) -> Option<Decision<'a>> {
        let before = self.history.before(self.matched.map(Match::entry));
        // What was published comes before what only stood beside it.
        let (beside, published): (Vec<_>, Vec<_>) =
            before.into_iter().partition(|entry| entry.candidate);
        for entry in published.into_iter().chain(beside) {
            let Some(sha256) = &entry.sha256 else { continue };
            if !compare(self.builder, self.present, &Recorded::entry(entry)).same {
                continue;
            }
            let work = self.republish(entry, sha256, None);
            if work.sources.is_empty() {
                continue;
            }
            let take =
                entry.take.map_or_else(|| format!("`{}`", entry.id), |take| format!("take {take}"));
            let plan = self.plan(
                Action::Restore,
                self.undo_reasons(&take),
                self.free_steps(Action::Restore),
                Some(Work::Restore(work)),
            );
            return Some(Decision { republished: Some(entry), ..Decision::new(plan) });
        }
        None
    }

    /// A chain that lost its last steps: the clip that they were made from is still here.
    pub(super) fn shortened(&self, reasons: &[Reason]) -> Option<ScenePlan> {
        let count = self.present.built.steps.len();
        let clips = self.reusable(count).clips;
        if clips.len() < count {
            return None;
        }
        let done = |clip| Start { start: StepStart::Done(clip), action: Action::Restore };
        let starts: Vec<Start> = clips.into_iter().map(done).collect();
        let mut reasons = reasons.to_vec();
        if let Some(first) = reasons.first_mut() {
            first.detail = Some("the clip of the last step that is left is here".to_owned());
        }
        let work = self.render_work(self.next_take(), None, &starts);
        Some(self.plan(Action::Restore, reasons, self.steps(&starts), Some(Work::Render(work))))
    }

    /// What changed, and that it was rendered once before.
    pub(super) fn undo_reasons(&self, take: &str) -> Vec<Reason> {
        let mut reasons = match self.matched {
            Some(Match::Changed { difference, .. }) => difference.reasons.clone(),
            _ => vec![Reason::new("output-missing")],
        };
        if let Some(first) = reasons.first_mut() {
            first.detail = Some(format!("{take} was rendered from this very request"));
        }
        reasons
    }
}

fn clip_of(entry: &AssetEntry, sha256: &str) -> ClipRef {
    ClipRef {
        sha256: sha256.to_owned(),
        task_id: entry.task_id.clone(),
        credits: Some(0.0),
        created_at: entry.created_at.clone(),
    }
}

fn with_output_note(mut plan: ScenePlan, note: Option<Note>) -> ScenePlan {
    plan.notes.extend(note);
    plan
}
