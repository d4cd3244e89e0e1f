//! What is done with one scene: compared with what was rendered before, every step is found done, in flight, or to be paid for.

use super::ask::profile_of;
use super::build::Builder;
use super::difference::{Difference, Present, compare};
use super::draft;
use super::edges::{self, Awaited, Given, content, is_known};
use super::elsewhere::Elsewhere;
use super::history::History;
use super::outcome::{Action, Note, Reason, ScenePlan};
use super::planner::{Planning, is_filtered};
use super::recorded::Recorded;
use super::reuse::Reusable;
use super::work::{ClipRef, RenderWork, StepStart, StepWork, Work};
use crate::known::Output;
use crate::manifest::AssetEntry;
use crate::record::Slot;
use crate::record::{Take, TakeId};
use crate::storyboard::{Scene, StepKind};
use serde_json::Value as Json;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The manifest entry that belongs to a scene, and how.
pub(super) enum Match<'a> {
    /// The same id and the same request.
    Same { entry: &'a AssetEntry, difference: Difference },
    /// The same request under another id.
    Moved { entry: &'a AssetEntry, sha256: &'a str },
    /// The same id and another request.
    Changed { entry: &'a AssetEntry, difference: Difference },
}

impl<'a> Match<'a> {
    pub(super) fn entry(&self) -> &'a AssetEntry {
        match self {
            Self::Same { entry, .. } | Self::Moved { entry, .. } | Self::Changed { entry, .. } => {
                entry
            }
        }
    }

    /// The entry where it is what is asked for now, under whatever id.
    pub(super) fn same(&self) -> Option<&'a AssetEntry> {
        match self {
            Self::Same { entry, .. } | Self::Moved { entry, .. } => Some(entry),
            Self::Changed { .. } => None,
        }
    }
}

/// Which part of a scene is decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// The still that is chosen before the clip is made.
    Still,
    /// The voice that is made before the clip.
    Voice,
    /// The clip, where one of the two comes before it.
    Clip { after_still: bool },
}

/// Everything that bears on one scene.
#[derive(Clone, Copy)]
pub(super) struct Deciding<'p, 'a> {
    pub planning: &'p Planning<'a>,
    pub builder: &'p Builder<'p>,
    pub scene: &'p Scene,
    pub present: &'p Present,
    pub matched: Option<&'p Match<'a>>,
    /// The same of another branch's manifest.
    pub deferred: Option<&'p Match<'a>>,
    /// All that this one has.
    pub elsewhere: &'p Elsewhere<'a>,
    /// The ledger's open take of this very request.
    pub open_take: Option<&'a Take>,
    pub history: &'p History<'a>,
    /// Takes of this storyboard, of any slot, that were kept back and never published.
    pub kept: &'p [&'a Take],
    /// Takes that a scene goes on with.
    pub claimed: &'p HashSet<TakeId>,
    pub slot: &'p Slot,
    /// What the scene uses of others.
    pub uses: &'p BTreeSet<Awaited>,
    /// What those give.
    pub given: &'p HashMap<String, Given>,
    /// What is decided on.
    pub part: Part,
    /// The scene with the profile of its clip, where that one counts for more than this run's.
    pub finer: Option<&'p Present>,
    /// The still that the clip starts from, where it was made before.
    pub still: Option<&'p ClipRef>,
    /// That still is made in this run.
    pub still_first: bool,
    /// The scene's voice is made in this run, and must not be longer than this, in seconds.
    pub voice_within: Option<f64>,
}

/// What is done with a scene, and the ledger's takes that it is done with.
pub(super) struct Decision<'a> {
    pub plan: ScenePlan,
    /// An open take that is gone on with, or a kept one that is published.
    pub take: Option<&'a Take>,
    /// The take was begun for another chain, and all that was sent of it is part of this one: what it is made for now.
    pub redirected: Option<(Json, Vec<StepKind>)>,
    /// Other open takes that are gone on with.
    pub others: Vec<&'a Take>,
    /// The entry, of the scene's history or of another branch, whose content it gets.
    pub republished: Option<&'a AssetEntry>,
}

impl<'a> Decision<'a> {
    pub(super) fn new(plan: ScenePlan) -> Self {
        Self { plan, take: None, redirected: None, others: Vec::new(), republished: None }
    }

    fn with(plan: ScenePlan, take: Option<&'a Take>) -> Self {
        Self { take, ..Self::new(plan) }
    }
}

/// Where a step starts, and what is said about it.
pub(super) struct Start {
    pub start: StepStart,
    pub action: Action,
}

impl<'a> Deciding<'_, 'a> {
    /// The plan of the scene, and the takes it goes on with.
    pub fn decide(&self) -> Decision<'a> {
        let decision = match self.finer {
            Some(finer) => self.behind(finer),
            None => self.first(),
        };
        // Where the clip counts for more than what this run would make, nothing is made beside it either.
        let is_kept = decision.plan.notes.iter().any(|note| note.code == "final-kept");
        if is_kept && decision.plan.work.is_none() {
            return decision;
        }
        self.with_other_takes(decision)
    }

    /// The plan of the take that is published.
    fn first(&self) -> Decision<'a> {
        let id = &self.scene.id;
        if is_filtered(self.planning.options, id) {
            return self.left_alone();
        }
        let anew = self.is_made_anew();
        // Of several takes one is in its place already, and those on their way are put beside it.
        let has_its_take =
            self.present.takes > 1 && !anew && matches!(self.matched, Some(Match::Same { .. }));
        let open = self.open_take.filter(|take| !has_its_take && self.goes_on_with(take));
        if let Some(take) = open {
            return Decision::with(self.go_on_as_asked(take), Some(take));
        }
        match self.matched {
            Some(Match::Same { entry, difference }) if !anew => {
                Decision::new(self.unchanged(entry, difference))
            }
            Some(Match::Moved { entry, sha256 }) if !anew => {
                Decision::new(self.moved(entry, sha256))
            }
            Some(Match::Same { .. } | Match::Moved { .. }) if self.is_retaken() => {
                Decision::new(self.retake())
            }
            Some(Match::Same { .. } | Match::Moved { .. }) => {
                let reason = Reason::because("upstream-changed", "its still is made anew");
                let reason = Reason { step: Some(StepKind::Keyframe), ..reason };
                Decision::new(self.render(vec![reason], None))
            }
            Some(Match::Changed { entry, difference }) => {
                let mut decision = self.make(difference.reasons.clone());
                decision.plan.notes.extend(self.output_note(entry));
                decision
            }
            None => {
                let mut reasons = vec![Reason::new("never-rendered")];
                // What another branch asked for tells more than that nothing is here.
                if let Some(Match::Changed { difference, .. }) = self.deferred {
                    reasons.extend(difference.reasons.clone());
                }
                self.make(reasons)
            }
        }
    }

    /// A scene whose request is not the published one: what is here or on its way already is not paid for again.
    fn make(&self, reasons: Vec<Reason>) -> Decision<'a> {
        let (retaken, anew) = (self.is_retaken(), self.is_made_anew());
        if !anew && let Some(decision) = self.undo() {
            return decision;
        }
        if !anew && let Some((plan, take)) = self.kept_take() {
            return Decision::with(plan, Some(take));
        }
        let begun = self.begun_take().filter(|take| retaken || self.spares(take));
        let begun = begun.map(|take| self.go_on_redirected(take));
        // What is in flight is on its way; what another branch has comes after it, unless going on has to be paid for.
        let pays =
            |decision: &Decision<'_>| decision.plan.steps.iter().any(|step| step.action.is_paid());
        let is_free = begun.as_ref().is_some_and(|begun| !pays(begun));
        let elsewhere = if anew || is_free { None } else { self.taken_elsewhere() };
        let (elsewhere, lost) = match elsewhere {
            Some(decision) if !matches!(decision.plan.work, Some(Work::Restore(_))) => {
                (None, Some(decision))
            }
            found => (found, None),
        };
        if let Some(decision) = elsewhere {
            return decision;
        }
        if !anew && let Some(plan) = self.shortened(&reasons) {
            return Decision::new(plan);
        }
        if let Some(decision) = begun {
            return decision;
        }
        // Rendered somewhere, and not to be had: never paid for without being asked.
        if let Some(decision) = lost {
            return decision;
        }
        Decision::new(if retaken { self.retake() } else { self.render(reasons, None) })
    }

    /// Goes on with an open take that was begun for another chain, for this one.
    fn go_on_redirected(&self, take: &'a Take) -> Decision<'a> {
        let own = self.as_asked(&take.ask);
        let present = own.as_ref().unwrap_or(self.present);
        let plan = Deciding { present, ..*self }.go_on(take, self.same_steps(take));
        let steps = present.built.steps.iter().map(|step| step.kind).collect();
        let redirected = plan.work.is_some().then(|| (present.ask_json.clone(), steps));
        Decision { redirected, ..Decision::with(plan, Some(take)) }
    }

    /// Nothing is done in this run. What is in flight stays its own: it is not collected as if nobody wanted it.
    pub(super) fn left_alone(&self) -> Decision<'a> {
        let plan = self.plan(Action::Skip, vec![Reason::new("filtered")], Vec::new(), None);
        Decision::with(plan, self.open_take.or_else(|| self.begun_take()))
    }

    /// Whether the user asked for a new take of what is decided on.
    pub(super) fn is_retaken(&self) -> bool {
        let retake = &self.planning.options.retake;
        let first = retake.first_step(&self.scene.id);
        let of_still = first == Some(StepKind::Keyframe);
        let of_voice = first == Some(StepKind::Voice);
        retake.has(&self.scene.id)
            && match self.part {
                Part::Whole => true,
                Part::Still => of_still,
                Part::Voice => of_voice,
                Part::Clip { after_still } => !(of_voice || of_still && after_still),
            }
    }

    /// Whether nothing that was made before can be what is wanted.
    fn is_made_anew(&self) -> bool {
        self.is_retaken() || self.still_first
    }

    /// A run with a rougher profile than that of the scene's clip: whatever is made, the clip stays.
    fn behind(&self, finer: &Present) -> Decision<'a> {
        let id = &self.scene.id;
        let entry = match self.matched {
            Some(Match::Changed { entry, .. }) if !is_filtered(self.planning.options, id) => entry,
            _ => return self.first(),
        };
        let name = profile_of(&entry.ask).unwrap_or("none");
        let with_note = |mut decision: Decision<'a>, message: String| {
            decision.plan.notes.push(Note { code: "final-kept", message });
            decision
        };
        let retaken = self.is_retaken();
        if !retaken {
            let difference = compare(self.builder, finer, &Recorded::entry(entry));
            if difference.same {
                let matched = Match::Same { entry, difference };
                let finer = Deciding { present: finer, matched: Some(&matched), ..*self };
                let message = format!(
                    "its clip (profile: {name}) is up to date and counts for more; `--retake {id}` makes a draft beside it"
                );
                return with_note(finer.first(), message);
            }
            if let Some(take) = self.made_beside() {
                let plan = self.plan(
                    Action::Unchanged,
                    Vec::new(),
                    self.free_steps(Action::Unchanged),
                    None,
                );
                let message = format!(
                    "take {take} of this stands beside the clip (profile: {name}); `storyreel pick {id} {take}` puts it in place"
                );
                return with_note(Decision::new(plan), message);
            }
        }
        let mut decision = match self.open_take.filter(|take| !take.attempts.is_empty()) {
            Some(take) => Decision::with(self.go_on_as_asked(take), Some(take)),
            None if retaken => Decision::new(self.retake()),
            None => {
                let reasons = match self.matched {
                    Some(Match::Changed { difference, .. }) => difference.reasons.clone(),
                    _ => Vec::new(),
                };
                Decision::new(self.render(reasons, None))
            }
        };
        if let Some(Work::Render(work)) = &mut decision.plan.work {
            work.beside = true;
        }
        let message = format!(
            "its clip (profile: {name}) counts for more and stays: the new take is put beside it"
        );
        with_note(decision, message)
    }

    /// The number of a finished take of this very request that is not in the clip's place.
    fn made_beside(&self) -> Option<u32> {
        let before = self.history.before(self.matched.map(Match::entry)).into_iter();
        let mut recorded = before
            .filter(|entry| entry.sha256.is_some())
            .filter_map(|entry| Some((entry.take?, Recorded::entry(entry))));
        let same = |recorded: &Recorded<'_>| compare(self.builder, self.present, recorded).same;
        recorded.find(|(_, recorded)| same(recorded)).map(|(take, _)| take)
    }

    // ---- scenes that are rendered ----

    fn retake(&self) -> ScenePlan {
        let steps = &self.present.built.steps;
        let from = self
            .planning
            .options
            .retake
            .first_step(&self.scene.id)
            .and_then(|kind| steps.iter().position(|step| step.kind == kind))
            .unwrap_or(0)
            .max(usize::from(self.part == Part::Clip { after_still: true }));
        let mut reasons = vec![Reason::new("retake")];
        if let Some(Match::Changed { difference, .. }) = self.matched {
            reasons.extend(difference.reasons.clone());
        }
        self.render(reasons, Some(from))
    }

    /// A new take; finished steps before `at_most` (or before the first change) are used again.
    pub(super) fn render(&self, mut reasons: Vec<Reason>, at_most: Option<usize>) -> ScenePlan {
        let count = self.present.built.steps.len();
        let at_most = if self.still_first { 0 } else { at_most.unwrap_or(count) };
        let Reusable { clips: reused, lost } = self.reusable(at_most.min(count.saturating_sub(1)));
        reasons.extend(lost);
        let paid = if self.matched.is_some() { Action::Update } else { Action::Create };
        let starts: Vec<Start> = (0..count)
            .map(|index| match reused.get(index) {
                Some(clip) => {
                    Start { start: StepStart::Done(clip.clone()), action: Action::Unchanged }
                }
                None if index == 0 && self.still_first => {
                    Start { start: StepStart::Shared, action: Action::Unchanged }
                }
                None => Start { start: StepStart::Fresh, action: paid },
            })
            .collect();
        let work = self.render_work(self.next_take(), None, &starts);
        self.paid(paid, reasons, starts, work)
    }

    /// Blocks what cannot be priced under a cap, else lets it go ahead.
    pub(super) fn paid(
        &self,
        action: Action,
        reasons: Vec<Reason>,
        mut starts: Vec<Start>,
        work: RenderWork,
    ) -> ScenePlan {
        if let Some(reason) = self.without_upstream(&starts) {
            for start in &mut starts {
                if start.action.is_paid() {
                    start.action = Action::Blocked;
                }
            }
            return self.plan(Action::Blocked, vec![reason], self.steps(&starts), None);
        }
        let steps = &self.present.built.steps;
        let unpriced = starts
            .iter()
            .zip(steps)
            .find(|(start, step)| start.action.is_paid() && step.price.credits.is_none())
            .map(|(_, step)| step);
        if let Some(step) = unpriced.filter(|_| self.planning.options.capped) {
            for start in &mut starts {
                if start.action.is_paid() {
                    start.action = Action::Blocked;
                }
            }
            let detail = format!(
                "nobody published a price for `{}`; a run with a cap does not guess",
                step.model
            );
            let reason =
                Reason { step: Some(step.kind), ..Reason::because("price-unknown", detail) };
            return self.plan(Action::Blocked, vec![reason], self.steps(&starts), None);
        }
        let notes = self.pointer_notes(&starts);
        let mut plan = self.plan(action, reasons, self.steps(&starts), Some(Work::Render(work)));
        plan.notes.extend(notes);
        plan
    }

    // ---- parts of work ----

    /// Files of which only a Git LFS pointer is here: what they are is known, and they cannot be sent.
    fn pointer_notes(&self, starts: &[Start]) -> Vec<Note> {
        let steps = || starts.iter().zip(&self.present.built.steps);
        let is_sent = |sha256: &str| {
            steps().any(|(start, step)| {
                start.action.is_paid() && step.request.body.to_string().contains(sha256)
            })
        };
        let named = self.planning.known.pointers().filter(|(_, sha256)| is_sent(sha256));
        let note = |(path, _): (&str, &str)| Note {
            code: "lfs-pointer",
            message: format!(
                "`{path}` is a Git LFS pointer here; a render needs the file: `git lfs pull`"
            ),
        };
        named.map(note).collect()
    }

    pub(super) fn output_note(&self, entry: &AssetEntry) -> Option<Note> {
        let recorded = entry.sha256.as_ref()?;
        match self.planning.known.outputs.get(&entry.filename) {
            Some(Output::File { sha256 }) if sha256 != recorded => Some(Note {
                code: "output-modified",
                message: format!("`{}` was edited by hand; it is kept", entry.filename),
            }),
            _ => None,
        }
    }

    /// One more than any take of this scene so far.
    pub(super) fn next_take(&self) -> u32 {
        let current = self.matched.map(Match::entry);
        let before = self.history.before(current);
        let recorded = current.into_iter().chain(before).filter_map(|entry| entry.take);
        let media = self.present.built.media();
        let takes = self.history.takes(self.slot).iter();
        let ledger = takes.filter(|take| take.media() == media).map(|take| take.number);
        recorded.chain(ledger).max().unwrap_or(0) + 1
    }

    pub(super) fn render_work(
        &self,
        take: u32,
        open: Option<&Take>,
        starts: &[Start],
    ) -> RenderWork {
        let steps = self.present.built.steps.iter().zip(starts).map(|(step, start)| StepWork {
            kind: step.kind,
            model: step.model.clone(),
            model_id: step.model_id.clone(),
            provider: step.provider.clone(),
            family: step.family.clone(),
            operation: step.operation.clone(),
            upgrade: step.upgrade,
            request: step.request.clone(),
            parts: step.parts.clone(),
            credits: match start.start {
                StepStart::Shared => Some(0.0),
                _ => step.price.credits,
            },
            seconds: step.seconds,
            start: start.start.clone(),
        });
        RenderWork {
            slot: self.slot.clone(),
            take,
            open_take: open.map(|take| take.id),
            ask: self.present.ask_json.clone(),
            steps: steps.collect(),
            entry: draft::rendered(&self.planning.place, &self.scene.id, self.present, take),
            // A scene does not wait for itself: its voice is seen to apart from other scenes.
            after: self.others().map(|used| used.scene.clone()).collect(),
            awaits: self.needs().filter(|used| !is_known(self.given, used)).cloned().collect(),
            beside: false,
            voice_within: self.voice_within,
        }
    }

    fn others(&self) -> impl Iterator<Item = &Awaited> {
        self.needs().filter(|used| used.part != edges::Part::Voice)
    }

    /// What the part that is decided on needs of other scenes: a still may need less than its clip.
    fn needs(&self) -> impl Iterator<Item = &Awaited> {
        self.uses.iter().filter(|used| {
            let stands_in = |body: &str| {
                let known = content(self.given, used).is_some_and(|sha256| body.contains(sha256));
                known || body.contains(&format!("\"$scene\":\"{}\"", used.name()))
            };
            let steps = &self.present.built.steps;
            !matches!(self.part, Part::Still | Part::Voice)
                || steps.iter().any(|step| stands_in(&step.request.body.to_string()))
        })
    }

    /// Why the scene cannot start from what it starts from, where it cannot.
    fn without_upstream(&self, starts: &[Start]) -> Option<Reason> {
        let steps = &self.present.built.steps;
        let paid: Vec<String> = starts
            .iter()
            .zip(steps)
            .filter(|(start, _)| start.action.is_paid())
            .map(|(_, step)| step.request.body.to_string())
            .collect();
        self.others().find_map(|used| {
            match self.given.get(&used.scene) {
                Some(Given::Nothing(why)) => {
                    return Some(Reason::because("upstream-changed", why.clone()));
                }
                Some(Given::Still { why, .. }) if used.part != edges::Part::Keyframe => {
                    return Some(Reason::because("gate", why.clone()));
                }
                _ => {}
            }
            let sha256 = content(self.given, used)?;
            let known = self.planning.known;
            // A scene that is put back in this run is waited for.
            let restored = used.part != edges::Part::Keyframe
                && matches!(
                    self.given.get(&used.scene),
                    Some(Given::Content { restored: true, .. })
                );
            let here = restored
                || known.has(sha256)
                || self.history.copy_of(sha256).is_some()
                || !paid.iter().any(|body| body.contains(sha256));
            let detail =
                format!("the clip of scene {}, which it starts from, is not here", used.scene);
            (!here).then(|| Reason::because("output-missing", detail))
        })
    }
}
