//! Who hears of a run, and what a plan says before it begins.

use super::failure::CANNOT_WORK;
use super::reports::Reports;
use super::workspace::{Workspace, now_ms};
use super::{Output, tell};
use crate::engine::event::{About, Event, Stamped, Summary};
use crate::engine::exit_code;
use crate::plan::{Action, PlanSummary, Planned};
use crate::report::json::JsonLines;
use crate::report::summary::RunLog;
use crate::report::terminal::{MovingLines, PlainLines};
use crate::report::{Commands, Reporter};
use std::collections::BTreeMap;

/// Everybody who hears of the run.
pub(super) struct Reporters<'a> {
    log: RunLog,
    shown: Box<dyn Reporter>,
    reports: Reports<'a>,
    json: bool,
}

impl<'a> Reporters<'a> {
    pub fn new(json: bool, workspace: &Workspace, reports: Reports<'a>, output: Output) -> Self {
        let titles = workspace.titles();
        let shown: Box<dyn Reporter> = if json {
            Box::new(JsonLines::new(std::io::stdout()))
        } else if output.stderr.terminal {
            Box::new(MovingLines::new(titles.clone(), output.stderr))
        } else {
            Box::new(PlainLines::new(std::io::stderr()))
        };
        let order = workspace.scene_ids().into_iter().map(|id| id.key());
        Self { log: RunLog::new(titles).in_order(order), shown, reports, json }
    }

    pub fn event(&mut self, event: &Stamped) {
        tracing::debug!(?event);
        self.reports.event(event);
        self.log.event(event);
        self.shown.event(event);
    }

    /// Tells of a run in which nothing runs. The plan was shown already, so people get the end only.
    pub fn without_run(&mut self, blocked: &[Stamped], summary: Summary) {
        let end = stamped(None, Event::RunFinished(summary));
        for event in blocked.iter().chain([&end]) {
            self.reports.event(event);
            self.log.event(event);
            if self.json {
                self.shown.event(event);
            }
        }
    }

    /// Says how the run ended, and gives its exit code.
    pub fn end(mut self, commands: &Commands, output: Output) -> u8 {
        self.shown.finish();
        if !self.json {
            tell(&self.log.text(commands, output.stderr));
        }
        self.reports.write(&self.log, commands);
        self.log.summary().map_or(CANNOT_WORK, exit_code)
    }
}

pub(super) fn stamped(about: Option<About>, event: Event) -> Stamped {
    Stamped { time_ms: now_ms(), about, event }
}

/// Events for scenes that the plan has blocked, counted in the summary by what blocks them.
pub(super) fn blocked_events(planned: &Planned, summary: &mut Summary) -> Vec<Stamped> {
    let mut events = Vec::new();
    for scene in &planned.plan.scenes {
        for note in scene.unknown_takes() {
            let about = About {
                scene_id: scene.scene_id.clone(),
                step: None,
                step_index: None,
                take: None,
            };
            summary.unknown += 1;
            let event = Event::Unknown { message: note.message.clone(), credits: None };
            events.push(stamped(Some(about), event));
        }
    }
    for scene in planned.plan.scenes.iter().filter(|scene| scene.action == Action::Blocked) {
        let Some(reason) = scene.reasons.first() else { continue };
        let about = About {
            scene_id: scene.scene_id.clone(),
            step: reason.step,
            step_index: None,
            take: None,
        };
        let message = reason.detail.clone().unwrap_or_else(|| reason.code.to_owned());
        let event = match reason.code {
            "unknown-submission" => {
                summary.unknown += 1;
                Event::Unknown {
                    message,
                    credits: scene
                        .steps
                        .iter()
                        .find(|step| Some(step.step) == reason.step)
                        .and_then(|step| step.credits),
                }
            }
            "price-unknown" => {
                summary.over_budget += 1;
                Event::Blocked { reason: reason.code.to_owned(), message }
            }
            // It waits for the user's choice, as the storyboard wants it.
            "gate" => Event::Blocked { reason: reason.code.to_owned(), message },
            _ => {
                summary.failed += 1;
                Event::Blocked { reason: reason.code.to_owned(), message }
            }
        };
        events.push(stamped(Some(about), event));
    }
    events
}

/// Counts of plan actions under their names.
pub(super) fn action_counts(summary: &PlanSummary) -> BTreeMap<String, usize> {
    [
        (Action::Create, summary.create),
        (Action::Update, summary.update),
        (Action::Unchanged, summary.unchanged),
        (Action::Restore, summary.restore),
        (Action::Move, summary.moved),
        (Action::Resume, summary.resume),
        (Action::Absent, summary.absent),
        (Action::Blocked, summary.blocked),
        (Action::Skip, summary.skip),
    ]
    .into_iter()
    .map(|(action, count)| (action.name().to_owned(), count))
    .collect()
}
