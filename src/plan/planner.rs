//! Makes a plan: reads nothing, asks nobody, and gives the same plan for the same storyboard, catalogue and knowledge.
//!
//! The order is that of DESIGN section 5.6: the same id with the same request first, then equal requests under
//! another id, then the same id with another request, then what is new.

use super::ask::profile_of;
use super::build::Builder;
use super::decide::{Deciding, Decision, Match, Part as DecidedPart};
use super::difference::Present;
use super::edges::{Edges, Given, Has, Part, StillState, files_of};
use super::elsewhere::Elsewhere;
use super::foresight::foreseen;
use super::history::History;
use super::lints;
use super::matching::{
    Asked, Matches, check_owners, current_entries, kept_takes, match_entries, match_takes, orphans,
    stale_takes,
};
use super::outcome::{Action, Note, PLAN_FORMAT, Plan, PlanSummary, Reason, ScenePlan};
use super::pick::{Pick, Picked};
use super::prepare::{Prepared, Preparing, is_before_clip, prepare_all, template_digests};
use super::selection::Selection;
use super::stage::{self, Before};
use super::work::FilesByDigest;
use crate::catalog::{Catalog, PriceKind};
use crate::craft::Wanted;
use crate::known::{Known, KnownInput};
use crate::layout::Place;
use crate::manifest::{AssetEntry, Media};
use crate::prompt::Templates;
use crate::record::Slot;
use crate::record::{Take, TakeId, TakeState};
use crate::source::Diagnostic;
use crate::storyboard::{Field, Fields, Profile, Scene, SceneId, StepKind, Storyboard};
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

/// What a plan is made of.
pub struct Planning<'a> {
    /// The storyboard as the user named it; only shown.
    pub name: &'a str,
    /// Where its outputs are kept.
    pub place: Place,
    /// The folder that holds `assets/`.
    pub assets_root: &'a Path,
    /// The scenes.
    pub board: &'a Storyboard,
    /// Defaults of the configuration; front matter wins over them.
    pub defaults: &'a Fields,
    /// Models, families and prices.
    pub catalog: &'a Catalog,
    /// Prompt templates.
    pub templates: &'a Templates,
    /// What is known of the world.
    pub known: &'a Known,
    /// What the user asked for.
    pub options: &'a PlanOptions,
    /// The profile of the run.
    pub profile: Option<&'a Profile>,
}

/// What the user asked for.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// Only these scenes; `None` for all.
    pub only: Option<Selection>,
    /// Not these scenes.
    pub exclude: Selection,
    /// New takes of these, changed or not.
    pub retake: Selection,
    /// Pay again for these where their bytes are gone.
    pub rerender_absent: Selection,
    /// True with a cap on credits: a step without a known price is blocked then.
    pub capped: bool,
    /// Stills are made and nothing after them.
    pub through_still: bool,
    /// A take that is to be put in place, and nothing else.
    pub pick: Option<Pick>,
    /// Lints of the craft that are looked for.
    pub lints: Wanted,
}

/// A plan and what is needed to carry it out.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// Files that requests name, by digest.
    pub files: FilesByDigest,
    /// Takes in flight that no scene asks for any more: they are finished and kept.
    pub collect: Vec<Take>,
    /// Open takes whose scene has another id now; the ledger is told before the run.
    pub moved_takes: Vec<(TakeId, Slot)>,
    /// Open takes whose scene asks for other later steps now, with its ask and steps; the ledger is told, too.
    pub redirected_takes: Vec<(TakeId, Json, Vec<StepKind>)>,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
    /// What there is to choose from, and what comes of the choice, where one was asked for.
    pub picked: Option<Picked>,
}

/// Makes the plan, or gives every error of the storyboard at once.
///
/// # Errors
/// All problems, warnings included, when at least one of them is an error.
pub fn plan(planning: &Planning<'_>) -> Result<Planned, Vec<Diagnostic>> {
    let edges = Edges::checked(planning)?;
    let lengths = lengths(planning, &edges);
    let builder = Builder::new(planning.catalog, planning.templates, &lengths);
    let passes = Passes::new(planning, &builder, &edges);
    let mut given = edges.assumed(planning);
    let mut scenes: Vec<Prepared<'_>> = planning.board.scenes.iter().map(Prepared::of).collect();
    // What scenes give is known once they are planned. Each pass is right for scenes one edge further down at least, and
    // what is not known is carried down all edges at once, so nearly always the second pass is the last.
    // What was foreseen is a guess, from which it may take a pass for each scene once more.
    let most = planning.board.scenes.len() + 3;
    let mut number = 0;
    loop {
        let (mut planned, found) = match passes.pass(&mut scenes, &given) {
            Ok(made) => made,
            Err(mut problems) => {
                lints::find(planning, &scenes, &mut problems);
                return Err(problems);
            }
        };
        if found == given || number == most {
            lints::find(planning, &scenes, &mut planned.warnings);
            return Ok(planned);
        }
        given = match number {
            1 => foreseen(&passes.preparing(&found), &mut scenes, &passes.entries),
            _ => found,
        };
        number += 1;
    }
}

/// What is wrong or odd about the storyboard: all that a plan of it would tell, errors among it, for much less work.
pub fn problems(planning: &Planning<'_>) -> Vec<Diagnostic> {
    let edges = match Edges::checked(planning) {
        Ok(edges) if edges.is_empty() => edges,
        // What a scene gives to another one is known once it is planned.
        Ok(_) => return plan(planning).map_or_else(|errors| errors, |planned| planned.warnings),
        Err(errors) => return errors,
    };
    let lengths = lengths(planning, &edges);
    let builder = Builder::new(planning.catalog, planning.templates, &lengths);
    let passes = Passes::new(planning, &builder, &edges);
    let mut scenes: Vec<Prepared<'_>> = planning.board.scenes.iter().map(Prepared::of).collect();
    prepare_all(&passes.preparing(&HashMap::new()), &mut scenes);
    let told = scenes.iter_mut().flat_map(|prepared| std::mem::take(&mut prepared.problems));
    let mut problems: Vec<Diagnostic> = told.collect();
    if !problems.iter().any(Diagnostic::is_error) {
        problems.extend(passes.warnings.iter().cloned());
        if planning.profile.is_none() {
            warn_of_no_profile(planning, &passes.entries, &mut problems);
        }
    }
    lints::find(planning, &scenes, &mut problems);
    problems
}

/// Seconds of the files that the storyboard names, and of the clips that scenes start from, by digest.
fn lengths(planning: &Planning<'_>, edges: &Edges) -> HashMap<String, f64> {
    let inputs = planning.known.inputs.values().filter_map(|input| match input {
        KnownInput::File { sha256, seconds, .. } => Some((sha256.clone(), (*seconds)?)),
        KnownInput::Pointer { .. } | KnownInput::Unusable(_) => None,
    });
    inputs.chain(lengths_of(planning, edges)).collect()
}

/// What is the same in every pass.
struct Passes<'p, 'a> {
    planning: &'p Planning<'a>,
    builder: &'p Builder<'p>,
    edges: &'p Edges,
    defaults: Fields,
    styles: BTreeMap<String, String>,
    /// The scenes' present clips and stills.
    entries: Vec<&'a AssetEntry>,
    /// Their present stills and voices that come before clips.
    before_clips: Vec<&'a AssetEntry>,
    kept: Vec<&'a Take>,
    history: History<'a>,
    /// What another branch has of the scenes, where one was named.
    elsewhere: Elsewhere<'a>,
    /// Of the storyboard as a whole.
    warnings: Vec<Diagnostic>,
}

impl<'p, 'a> Passes<'p, 'a> {
    fn new(planning: &'p Planning<'a>, builder: &'p Builder<'p>, edges: &'p Edges) -> Self {
        let all = current_entries(&planning.known.manifest, &planning.place);
        let mut warnings = Vec::new();
        check_owners(planning, &all, &mut warnings);
        let (before_clips, entries) = all.into_iter().partition(|entry| is_before_clip(&entry.ask));
        let elsewhere = Elsewhere::of(planning.known.deferred.as_ref());
        let history = History::of(planning.known);
        Self {
            planning,
            builder,
            edges,
            defaults: planning.board.defaults.over(planning.defaults),
            styles: template_digests(planning),
            entries,
            before_clips,
            kept: kept_takes(planning, &history),
            history,
            elsewhere,
            warnings,
        }
    }

    fn preparing<'x>(&'x self, given: &'x HashMap<String, Given>) -> Preparing<'x, 'a> {
        Preparing {
            planning: self.planning,
            builder: self.builder,
            defaults: &self.defaults,
            styles: &self.styles,
            edges: self.edges,
            given,
        }
    }

    /// Makes the plan with what other scenes are thought to give, and tells what they give by it. `scenes` are those of the
    /// pass before.
    fn pass(
        &self,
        scenes: &mut [Prepared<'a>],
        given: &HashMap<String, Given>,
    ) -> Result<(Planned, HashMap<String, Given>), Vec<Diagnostic>> {
        let Self { planning, builder, edges, history, kept, elsewhere, .. } = self;
        prepare_all(&self.preparing(given), scenes);
        let problems = scenes.iter().flat_map(|prepared| prepared.problems.iter().cloned());
        let mut diagnostics: Vec<Diagnostic> = problems.collect();
        check_keyframes(edges, scenes, &mut diagnostics);
        if !diagnostics.iter().any(Diagnostic::is_error) {
            diagnostics.extend(self.warnings.iter().cloned());
        }
        if diagnostics.iter().any(Diagnostic::is_error) {
            return Err(diagnostics);
        }
        // Two scenes never go on with one take, whichever of them is planned first.
        let mut claims = Claims::default();
        let around = Around { planning, builder, history, kept, edges, elsewhere, given };

        let still_of = |prepared: &Prepared<'_>| prepared.still.clone();
        let voice_of = |prepared: &Prepared<'_>| prepared.voice.clone();
        let presents: Vec<Option<Present>> = scenes.iter().map(still_of).collect();
        let spoken: Vec<Option<Present>> = scenes.iter().map(voice_of).collect();
        let (still_matches, mut stills) = around.before_clips(
            scenes,
            &presents,
            DecidedPart::Still,
            &self.before_clips,
            &mut claims,
        );
        let (voice_matches, mut voices) = around.before_clips(
            scenes,
            &spoken,
            DecidedPart::Voice,
            &self.before_clips,
            &mut claims,
        );
        for (prepared, still) in scenes.iter_mut().zip(&stills) {
            for present in [&mut prepared.present, &mut prepared.finer].into_iter().flatten() {
                present.chosen_still = still.as_ref().and_then(|still| still.sha256());
            }
        }

        let asked: Vec<Asked<'_>> = scenes
            .iter()
            .map(|prepared| Asked { scene: prepared.scene, present: prepared.present.as_ref() })
            .collect();
        let matches = match_entries(builder, &asked, &self.entries);
        let deferred = match_entries(builder, &asked, &elsewhere.entries);
        let takes = match_takes(planning, builder, &asked, history);
        claims.claimed.extend(takes.values().map(|take| take.id));
        let mut plans = Vec::with_capacity(scenes.len());
        let mut states = Vec::with_capacity(scenes.len());
        let mut republished = Vec::with_capacity(scenes.len());
        let mut picked = None;
        for (index, prepared) in scenes.iter().enumerate() {
            let Some(present) = &prepared.present else {
                plans.push(skipped(planning, prepared));
                states.push(None);
                republished.push(None);
                continue;
            };
            let slot = slot(planning, &prepared.scene.id);
            let (still, voice) = (&mut stills[index], &mut voices[index]);
            let film = prepared.duration.or(present.built.clip_length);
            let deciding = Deciding {
                matched: matches.scenes[index].as_ref(),
                deferred: deferred.scenes[index].as_ref(),
                open_take: takes.get(&index).copied(),
                part: match (&still, &voice) {
                    (None, None) => DecidedPart::Whole,
                    (still, _) => DecidedPart::Clip { after_still: still.is_some() },
                },
                voice_within: voice
                    .as_ref()
                    .filter(|voice| voice.is_made_first())
                    .map(|_| film.unwrap_or(f64::INFINITY)),
                finer: prepared.finer.as_ref(),
                still: still.as_ref().and_then(|still| still.clip.as_ref()),
                still_first: still.as_ref().is_some_and(Before::is_made_first),
                ..around.around(index, prepared.scene, present, &slot, &claims.claimed)
            };
            if let Some(pick) =
                planning.options.pick.as_ref().filter(|pick| pick.is_of(prepared.scene))
            {
                let deciding = match (pick.step, &prepared.still, &prepared.voice) {
                    (Some(StepKind::Keyframe), Some(present), _) => Deciding {
                        present,
                        matched: still_matches.scenes[index].as_ref(),
                        part: DecidedPart::Still,
                        finer: None,
                        ..deciding
                    },
                    (Some(StepKind::Voice), _, Some(present)) => Deciding {
                        present,
                        matched: voice_matches.scenes[index].as_ref(),
                        part: DecidedPart::Voice,
                        finer: None,
                        ..deciding
                    },
                    _ => deciding,
                };
                let (plan, outcome) = deciding.pick(pick);
                picked = Some(outcome);
                plans.push(plan);
                states.push(None);
                republished.push(None);
                continue;
            }
            let closed = prepared.gated && still.as_ref().is_some_and(|still| !still.approved);
            let decision = if planning.options.through_still && !present.ask.is_still() {
                // What is in flight stays its own.
                let own = deciding.left_alone();
                match still {
                    Some(still) => stage::without_clip(still, own),
                    None => own,
                }
            } else {
                let mut decision = deciding.decide();
                claims.take_in(&decision, &slot);
                if let Some(voice) = voice {
                    let reason = voice.too_long(film);
                    decision = stage::with_clip(voice, StepKind::Voice, decision, reason);
                }
                if let Some(still) = still {
                    let reason =
                        closed.then(|| stage::gate_reason(planning, prepared.scene, still));
                    decision = stage::with_clip(still, StepKind::Keyframe, decision, reason);
                }
                decision
            };
            claims.take_in(&decision, &slot);
            states.push(still.as_ref().map(|still| StillState {
                sha256: still.sha256(),
                closed: closed || planning.options.through_still,
            }));
            republished.push(decision.republished);
            plans.push(decision.plan);
        }
        if planning.profile.is_none() {
            warn_of_no_profile(planning, &self.entries, &mut diagnostics);
        }
        let said: Vec<Option<String>> =
            voices.iter().map(|voice| voice.as_ref()?.sha256()).collect();
        let own = matches.scenes.iter().map(Option::as_ref);
        let elsewhere = deferred.scenes.iter().map(Option::as_ref);
        let has: Vec<Has<'_>> = republished
            .into_iter()
            .zip(own.zip(elsewhere))
            .map(|(republished, (own, elsewhere))| Has {
                entry: republished.or(own.map(Match::entry)),
                same: own.and_then(Match::same),
                same_elsewhere: elsewhere.and_then(Match::same),
            })
            .collect();
        let found = edges.given(planning, &plans, &has, &states, &said);
        let mut orphans = orphans(&asked, &self.entries, &matches);
        for (media, matches) in [(Media::Image, &still_matches), (Media::Audio, &voice_matches)] {
            let of_kind = self.before_clips.iter().copied().filter(|entry| entry.media == media);
            orphans.extend(self::orphans(&asked, &of_kind.collect::<Vec<_>>(), matches));
        }
        let collect = stale_takes(planning, &claims.used);
        note_stale(&mut plans, &collect);
        let summary = summarise(planning, &plans);
        let before = stills.iter().chain(&voices).flatten().filter_map(Before::sha256).collect();
        let planned = Planned {
            plan: Plan {
                format_version: PLAN_FORMAT,
                storyboard: planning.name.to_owned(),
                summary,
                scenes: plans,
                orphans,
            },
            files: files(planning, given, &before),
            collect,
            moved_takes: claims.moved,
            redirected_takes: claims.redirected,
            warnings: diagnostics,
            picked,
        };
        Ok((planned, found))
    }
}

/// A run that forgets its profile would make everything anew.
fn warn_of_no_profile(
    planning: &Planning<'_>,
    entries: &[&AssetEntry],
    diagnostics: &mut Vec<Diagnostic>,
) {
    let own =
        |name: &&str| planning.board.profiles.iter().any(|profile| profile.name.value == **name);
    let made = entries.iter().filter_map(|entry| profile_of(&entry.ask)).rfind(own);
    let (Some(made), Some(first)) = (made, planning.board.profiles.first()) else { return };
    diagnostics.push(
        Diagnostic::warning("no-profile", "this run uses none of the profiles", first.name.span)
            .label("clips were made with profiles")
            .hint(format!("say `--profile {made}`, or write `profile: {made}` at the top")),
    );
}

/// Takes of the ledger that scenes go on with, and what the ledger is told of them.
#[derive(Default)]
struct Claims {
    claimed: HashSet<TakeId>,
    used: HashSet<TakeId>,
    moved: Vec<(TakeId, Slot)>,
    redirected: Vec<(TakeId, Json, Vec<StepKind>)>,
}

impl Claims {
    fn take_in(&mut self, decision: &Decision<'_>, slot: &Slot) {
        for take in decision.take.into_iter().chain(decision.others.iter().copied()) {
            self.claimed.insert(take.id);
            if !self.used.insert(take.id) {
                continue;
            }
            if let Some((ask, steps)) = decision
                .redirected
                .as_ref()
                .filter(|_| Some(take.id) == decision.take.map(|take| take.id))
            {
                self.redirected.push((take.id, ask.clone(), steps.clone()));
            }
            if take.slot != *slot && take.state != TakeState::Kept {
                self.moved.push((take.id, slot.clone()));
            }
        }
    }
}

/// What all scenes are decided with.
struct Around<'p, 'a> {
    planning: &'p Planning<'a>,
    builder: &'p Builder<'p>,
    history: &'p History<'a>,
    kept: &'p [&'a Take],
    edges: &'p Edges,
    elsewhere: &'p Elsewhere<'a>,
    given: &'p HashMap<String, Given>,
}

impl<'a> Around<'_, 'a> {
    fn around<'x>(
        &'x self,
        index: usize,
        scene: &'x Scene,
        present: &'x Present,
        slot: &'x Slot,
        claimed: &'x HashSet<TakeId>,
    ) -> Deciding<'x, 'a> {
        Deciding {
            planning: self.planning,
            builder: self.builder,
            scene,
            present,
            matched: None,
            deferred: None,
            elsewhere: self.elsewhere,
            open_take: None,
            history: self.history,
            kept: self.kept,
            claimed,
            slot,
            uses: &self.edges.uses[index],
            given: self.given,
            part: DecidedPart::Whole,
            finer: None,
            still: None,
            still_first: false,
            voice_within: None,
        }
    }

    /// Decides on the stills, or the voices, that come before clips. `presents` are what is asked for of each scene.
    fn before_clips(
        &self,
        scenes: &[Prepared<'_>],
        presents: &[Option<Present>],
        part: DecidedPart,
        entries: &[&'a AssetEntry],
        claims: &mut Claims,
    ) -> (Matches<'a>, Vec<Option<Before<'a>>>) {
        let asked: Vec<Asked<'_>> = scenes
            .iter()
            .zip(presents)
            .map(|(prepared, present)| Asked { scene: prepared.scene, present: present.as_ref() })
            .collect();
        let media = if part == DecidedPart::Voice { Media::Audio } else { Media::Image };
        let entries: Vec<&AssetEntry> =
            entries.iter().copied().filter(|entry| entry.media == media).collect();
        let matches = match_entries(self.builder, &asked, &entries);
        let of_kind = self.elsewhere.before_clips.iter().copied();
        let of_kind: Vec<&AssetEntry> = of_kind.filter(|entry| entry.media == media).collect();
        let deferred = match_entries(self.builder, &asked, &of_kind);
        let takes = match_takes(self.planning, self.builder, &asked, self.history);
        claims.claimed.extend(takes.values().map(|take| take.id));
        let mut all = Vec::with_capacity(scenes.len());
        for (index, asked) in asked.iter().enumerate() {
            let Some(present) = asked.present else {
                all.push(None);
                continue;
            };
            let matched = matches.scenes[index].as_ref();
            let slot = slot(self.planning, &asked.scene.id);
            let deciding = Deciding {
                matched,
                deferred: deferred.scenes[index].as_ref(),
                open_take: takes.get(&index).copied(),
                part,
                ..self.around(index, asked.scene, present, &slot, &claims.claimed)
            };
            // A run that ends with the stills leaves the voices to a later one.
            let left = part == DecidedPart::Voice && self.planning.options.through_still;
            let decision = if left { deciding.left_alone() } else { deciding.decide() };
            claims.take_in(&decision, &slot);
            all.push(Some(Before::of(decision, matched)));
        }
        (matches, all)
    }
}

/// Seconds of published clips, where scenes start from others: what is made from a whole clip may be as long.
fn lengths_of<'p>(
    planning: &'p Planning<'_>,
    edges: &Edges,
) -> impl Iterator<Item = (String, f64)> + 'p {
    let wanted = !edges.is_empty();
    let entries = planning.known.renders().filter(move |_| wanted);
    entries.filter_map(|entry| Some((entry.sha256.clone()?, entry.probe.as_ref()?.duration)))
}

/// A keyframe can only be used of a scene that has one.
fn check_keyframes(edges: &Edges, scenes: &[Prepared<'_>], diagnostics: &mut Vec<Diagnostic>) {
    for (uses, prepared) in edges.uses.iter().zip(scenes) {
        for used in uses.iter().filter(|used| used.part == Part::Keyframe) {
            let other = edges.place(&used.scene).and_then(|at| scenes[at].present.as_ref());
            let Some(present) = other else { continue };
            if present.built.steps.iter().any(|step| step.kind == StepKind::Keyframe) {
                continue;
            }
            let message = format!("scene {} has no keyframe", used.scene);
            diagnostics.push(
                Diagnostic::error("scene-reference", message, prepared.scene.id_span)
                    .label(format!("scene {} starts from it", prepared.scene.id))
                    .hint(format!(
                        "give scene {0} an `image_prompt`, or use a frame of its clip: `scene:{0}/first`",
                        used.scene
                    )),
            );
        }
    }
}

/// The ledger slot of a scene.
pub(super) fn slot(planning: &Planning<'_>, scene: &SceneId) -> Slot {
    Slot {
        storyboard: planning.place.storyboard.clone().unwrap_or_default(),
        variant: planning.place.variant.clone().unwrap_or_default(),
        scene: scene.key(),
    }
}

/// Whether a scene is a clip or a still. `defaults` are those of the configuration.
pub fn media_of(scene: &Scene, board: &Storyboard, defaults: &Fields) -> Media {
    let written = [&scene.fields, &board.defaults, defaults];
    let kind = written.into_iter().find(|fields| fields.has(Field::Kind));
    if kind.is_some_and(Fields::is_still) { Media::Image } else { Media::Video }
}

/// Tells at its scene that a take is still at the provider which nobody asks for any more.
fn note_stale(plans: &mut [ScenePlan], stale: &[Take]) {
    let mut by_scene: HashMap<&str, Vec<u32>> = HashMap::new();
    for take in stale {
        by_scene.entry(&take.slot.scene).or_default().push(take.number);
    }
    if by_scene.is_empty() {
        return;
    }
    for plan in plans {
        for number in by_scene.get(plan.scene_id.key().as_str()).into_iter().flatten() {
            let message = format!(
                "take {number} was sent before the scene changed and is paid for: it is collected, and kept for when \
                 the scene is changed back"
            );
            plan.notes.push(Note { code: "take-kept", message });
        }
    }
}

fn skipped(planning: &Planning<'_>, prepared: &Prepared<'_>) -> ScenePlan {
    let filtered = is_filtered(planning.options, &prepared.scene.id);
    let reason = if filtered {
        Reason::new("filtered")
    } else {
        prepared.skip.clone().unwrap_or(Reason::new("filtered"))
    };
    ScenePlan {
        scene_id: prepared.scene.id.clone(),
        title: prepared.scene.title.as_ref().map(|title| title.value.clone()),
        action: Action::Skip,
        filename: None,
        duration: prepared.duration,
        clip_length: None,
        reasons: vec![reason],
        notes: Vec::new(),
        steps: Vec::new(),
        work: None,
        more: Vec::new(),
    }
}

/// Whether the flags leave a scene out.
pub(super) fn is_filtered(options: &PlanOptions, scene: &SceneId) -> bool {
    options.exclude.has(scene) || options.only.as_ref().is_some_and(|only| !only.has(scene))
}

fn files(
    planning: &Planning<'_>,
    given: &HashMap<String, Given>,
    before_clips: &HashSet<String>,
) -> FilesByDigest {
    let root = &planning.assets_root;
    let published = files_of(planning, given, before_clips).into_iter();
    let published = published.map(|(sha256, filename)| (sha256, root.join(filename)));
    let usable = planning.known.inputs.values().filter_map(|input| match input {
        KnownInput::File { path, sha256, .. } => Some((sha256.clone(), path.clone())),
        KnownInput::Pointer { .. } | KnownInput::Unusable(_) => None,
    });
    published.chain(usable).collect()
}

fn summarise(planning: &Planning<'_>, scenes: &[ScenePlan]) -> PlanSummary {
    let mut summary = PlanSummary::default();
    let mut credits = 0.0;
    for scene in scenes {
        let count = match scene.action {
            Action::Create => &mut summary.create,
            Action::Update => &mut summary.update,
            Action::Unchanged => &mut summary.unchanged,
            Action::Restore => &mut summary.restore,
            Action::Move => &mut summary.moved,
            Action::Resume => &mut summary.resume,
            Action::Absent => &mut summary.absent,
            Action::Blocked => &mut summary.blocked,
            Action::Skip => &mut summary.skip,
        };
        *count += 1;
        for step in scene.steps.iter().filter(|step| step.action.is_paid()) {
            let price = step.credits.unwrap_or_default();
            credits += price;
            match step.price {
                PriceKind::Exact => summary.exact.credits += price,
                PriceKind::Dated => summary.dated.credits += price,
                PriceKind::Unknown => summary.unpriced_steps += 1,
            }
        }
    }
    let rate = planning.catalog.provider("kie").map_or(0.0, |provider| provider.usd_per_credit);
    let usd = |credits: f64| (credits * rate * 10_000.0).round() / 10_000.0;
    summary.credits = credits;
    summary.usd = usd(credits);
    for sum in [&mut summary.exact, &mut summary.dated] {
        sum.usd = usd(sum.credits);
    }
    summary
}
