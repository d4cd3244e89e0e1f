//! A decision as it is shown: the scene's plan, and that of each of its steps.

use super::ask::number;
use super::build::BuiltStep;
use super::decide::{Deciding, Match, Start};
use super::outcome::{Action, Note, Reason, ScenePlan, StepPlan};
use super::values::seconds;
use super::work::{ClipRef, StepStart, Work};
use crate::catalog::PriceKind;
use crate::storyboard::Field;

impl Deciding<'_, '_> {
    pub(super) fn plan(
        &self,
        action: Action,
        reasons: Vec<Reason>,
        steps: Vec<StepPlan>,
        work: Option<Work>,
    ) -> ScenePlan {
        let built = &self.present.built;
        let duration = seconds(&self.present.ask.fields, Field::Duration);
        let mut notes = Vec::new();
        if let (Some(film), Some(clip)) = (duration, built.clip_length)
            && clip > film + 1e-6
        {
            let message = format!("{} s of {} s", number(film), number(clip));
            notes.push(Note { code: "clip-longer", message });
        }
        let filename = match &work {
            Some(Work::Restore(work)) => work.filename.clone(),
            _ => match self.matched {
                // A still keeps the ending that it has.
                Some(Match::Same { entry, .. }) => entry.filename.clone(),
                _ => self.planning.place.filename(&self.scene.id, built.media()),
            },
        };
        ScenePlan {
            scene_id: self.scene.id.clone(),
            title: self.scene.title.as_ref().map(|title| title.value.clone()),
            action,
            filename: Some(filename),
            duration: duration.or(built.clip_length),
            clip_length: built.clip_length,
            reasons,
            notes,
            steps,
            work,
            more: Vec::new(),
        }
    }

    /// Steps that cost nothing, all with the scene's action.
    pub(super) fn free_steps(&self, action: Action) -> Vec<StepPlan> {
        self.present.built.steps.iter().map(|step| self.step_plan(step, action, None)).collect()
    }

    pub(super) fn steps(&self, starts: &[Start]) -> Vec<StepPlan> {
        let mut previous: Option<&ClipRef> = None;
        let mut plans = Vec::new();
        for (step, start) in self.present.built.steps.iter().zip(starts) {
            plans.push(self.step_plan(step, start.action, previous));
            previous = if let StepStart::Done(clip) = &start.start { Some(clip) } else { None };
        }
        plans
    }

    fn step_plan(&self, step: &BuiltStep, action: Action, previous: Option<&ClipRef>) -> StepPlan {
        let request = match previous {
            Some(clip) => step.request.after(&clip.sha256),
            None => step.request.clone(),
        };
        let paid = matches!(action, Action::Create | Action::Update | Action::Blocked);
        StepPlan {
            step: step.kind,
            action,
            model: step.model_id.clone(),
            family: step.family.clone(),
            endpoint: request.endpoint(),
            fingerprint: (!request.waits()).then(|| request.fingerprint()),
            request: request.body,
            credits: if paid { step.price.credits } else { Some(0.0) },
            price: if paid { step.price.kind } else { PriceKind::Exact },
            name: step.model.clone(),
            parts: step.parts.clone(),
            prompt: step.prompt.clone(),
            style: step.style.clone(),
            told: step.told.clone(),
            priced_on: step.price.as_of.clone(),
            take: None,
        }
    }
}
