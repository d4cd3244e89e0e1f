//! Makes a plan: reads nothing, asks nobody, and gives the same plan for the same storyboard, catalogue and knowledge.
//!
//! The order is that of DESIGN section 5.6: the same id with the same request first, then equal requests under
//! another id, then the same id with another request, then what is new.

use super::ask::{Ask, number};
use super::build::{Builder, Built};
use super::decide::{Deciding, Decision};
use super::difference::Present;
use super::edges::{Edges, Given, Part, content, files_of};
use super::existing::{self, not_generated};
use super::history::History;
use super::matching::{
    check_owners, current_entries, kept_takes, match_entries, match_takes, orphans, stale_takes,
};
use super::outcome::{Action, Note, PLAN_FORMAT, Plan, PlanSummary, Reason, ScenePlan};
use super::problem::Problem;
use super::selection::Selection;
use super::work::FilesByDigest;
use crate::catalog::{Catalog, PriceKind};
use crate::known::{Known, KnownInput};
use crate::layout::Place;
use crate::manifest::{AssetEntry, Media};
use crate::prompt::Templates;
use crate::record::Slot;
use crate::record::{Take, TakeId, TakeState};
use crate::source::{Diagnostic, Span, Spanned};
use crate::storyboard::{Field, Fields, Input, Scene, SceneId, StepKind, Storyboard, Value};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
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
}

/// Makes the plan, or gives every error of the storyboard at once.
///
/// # Errors
/// All problems, warnings included, when at least one of them is an error.
pub fn plan(planning: &Planning<'_>) -> Result<Planned, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let edges = Edges::of(planning, &mut diagnostics);
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let mut given = edges.assumed(planning);
    // What scenes give is known once they are planned. Each pass is right for scenes one edge further down at least, and
    // what is not known is carried down all edges at once, so nearly always the second pass is the last.
    for _ in 0..planning.board.scenes.len() {
        let (planned, found) = pass(planning, &edges, &given)?;
        if found == given {
            return Ok(planned);
        }
        given = found;
    }
    pass(planning, &edges, &given).map(|(planned, _)| planned)
}

/// Makes the plan with what other scenes are thought to give, and tells what they give by it.
fn pass(
    planning: &Planning<'_>,
    edges: &Edges,
    given: &HashMap<String, Given>,
) -> Result<(Planned, HashMap<String, Given>), Vec<Diagnostic>> {
    let lengths = planning
        .known
        .inputs
        .values()
        .filter_map(|input| match input {
            KnownInput::File { sha256, seconds, .. } => Some((sha256.clone(), (*seconds)?)),
            KnownInput::Unusable(_) => None,
        })
        .chain(lengths_of(planning, edges))
        .collect();
    let builder =
        Builder { catalog: planning.catalog, templates: planning.templates, lengths: &lengths };
    let defaults = planning.board.defaults.over(planning.defaults);
    let styles = template_digests(planning);
    let preparing = Preparing {
        planning,
        builder: &builder,
        defaults: &defaults,
        styles: &styles,
        edges,
        given,
    };
    let (scenes, mut diagnostics) = prepare_all(&preparing);
    check_keyframes(edges, &scenes, &mut diagnostics);
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Err(diagnostics);
    }
    let entries: Vec<&AssetEntry> = current_entries(planning);
    check_owners(planning, &entries, &mut diagnostics);
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Err(diagnostics);
    }
    let matches = match_entries(&builder, &scenes, &entries);
    let history = History::of(planning.known);
    let takes = match_takes(planning, &builder, &scenes, &history);
    let kept = kept_takes(planning, &history);

    let mut plans = Vec::with_capacity(scenes.len());
    // Two scenes never go on with one take, whichever of them is planned first.
    let mut claimed: HashSet<TakeId> = takes.values().map(|take| take.id).collect();
    let mut used = HashSet::new();
    let mut moved_takes = Vec::new();
    let mut redirected_takes = Vec::new();
    for (index, prepared) in scenes.iter().enumerate() {
        let Some(present) = &prepared.present else {
            plans.push(skipped(planning, prepared));
            continue;
        };
        let slot = slot(planning, &prepared.scene.id);
        let deciding = Deciding {
            planning,
            builder: &builder,
            scene: prepared.scene,
            present,
            matched: matches.scenes[index].as_ref(),
            open_take: takes.get(&index).copied(),
            history: &history,
            kept: &kept,
            claimed: &claimed,
            slot: &slot,
            uses: &edges.uses[index],
            given,
        };
        let Decision { plan, take, redirected } = deciding.decide();
        if let Some(take) = take {
            claimed.insert(take.id);
            used.insert(take.id);
            if redirected {
                let steps = present.built.steps.iter().map(|step| step.kind).collect();
                redirected_takes.push((take.id, present.ask_json.clone(), steps));
            }
            if take.slot != slot && take.state != TakeState::Kept {
                moved_takes.push((take.id, slot));
            }
        }
        plans.push(plan);
    }
    let found = edges.given(planning, &plans, &matches.scenes);
    let orphans = orphans(&scenes, &entries, &matches);
    let collect = stale_takes(planning, &used);
    note_stale(&mut plans, &collect);
    let summary = summarise(planning, &plans);
    let planned = Planned {
        plan: Plan {
            format_version: PLAN_FORMAT,
            storyboard: planning.name.to_owned(),
            summary,
            scenes: plans,
            orphans,
        },
        files: files(planning, given),
        collect,
        moved_takes,
        redirected_takes,
        warnings: diagnostics,
    };
    Ok((planned, found))
}

/// What scenes are prepared with.
struct Preparing<'p, 'a> {
    planning: &'p Planning<'a>,
    builder: &'p Builder<'p>,
    defaults: &'p Fields,
    styles: &'p BTreeMap<String, String>,
    edges: &'p Edges,
    given: &'p HashMap<String, Given>,
}

/// Seconds of published clips, where scenes start from others: what is made from a whole clip may be as long.
fn lengths_of<'p>(
    planning: &'p Planning<'_>,
    edges: &Edges,
) -> impl Iterator<Item = (String, f64)> + 'p {
    let wanted = !edges.is_empty();
    let entries = planning.known.manifest.renders().filter(move |_| wanted);
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

/// Prepares all scenes, a long film on several threads; the order is that of the document either way.
fn prepare_all<'a>(preparing: &Preparing<'_, 'a>) -> (Vec<Prepared<'a>>, Vec<Diagnostic>) {
    let some = |(first, scenes): (usize, &'a [Scene])| {
        let mut diagnostics = Vec::new();
        let prepared: Vec<Prepared<'a>> = scenes
            .iter()
            .enumerate()
            .map(|(at, scene)| preparing.prepare(first + at, scene, &mut diagnostics))
            .collect();
        (prepared, diagnostics)
    };
    let scenes = &preparing.planning.board.scenes;
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let each = scenes.len().div_ceil(threads).max(64);
    let parts: Vec<_> = std::thread::scope(|scope| {
        let mut chunks = scenes.chunks(each).enumerate().map(|(at, chunk)| (at * each, chunk));
        let own = chunks.next();
        let others: Vec<_> = chunks.map(|chunk| scope.spawn(move || some(chunk))).collect();
        let own = own.map(some);
        let others = others.into_iter().map(|other| {
            // A panic over there is one here.
            other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        own.into_iter().chain(others).collect()
    });
    let (mut all, mut diagnostics) = (Vec::with_capacity(scenes.len()), Vec::new());
    for (prepared, problems) in parts {
        all.extend(prepared);
        diagnostics.extend(problems);
    }
    (all, diagnostics)
}

/// Digests of the project's own templates, by prompt style.
fn template_digests(planning: &Planning<'_>) -> BTreeMap<String, String> {
    let styles: BTreeSet<&str> =
        planning.catalog.models().iter().map(|model| model.prompt_style.as_str()).collect();
    let own = styles.into_iter().filter_map(|style| {
        planning.templates.digest(style).map(|digest| (style.to_owned(), digest))
    });
    own.collect()
}

/// Every ask with a choice: of takes in flight, and of clips that stand in the manifest.
fn asks<'p>(planning: &Planning<'p>) -> impl Iterator<Item = &'p serde_json::Value> {
    let takes = planning.known.ledger.takes.iter().filter(is_open).map(|take| &take.ask);
    let entries = planning.known.manifest.renders().filter(|entry| entry.superseded_by.is_none());
    takes.chain(entries.map(|entry| &entry.ask)).filter(|ask| ask.get("chosen").is_some())
}

/// Whether two asks are the same but for the model that was chosen, and what follows from that.
fn is_same_wish(one: &serde_json::Value, other: &serde_json::Value) -> bool {
    ["fields", "steps", "characters", "files"].iter().all(|part| one.get(part) == other.get(part))
}

fn is_open(take: &&Take) -> bool {
    matches!(take.state, TakeState::Open | TakeState::Publishing)
}

/// What was asked for a scene last: by the take that is in flight, else by its entry in the manifest.
fn earlier_ask<'p>(planning: &Planning<'p>, scene: &SceneId) -> Option<&'p serde_json::Value> {
    let slot = slot(planning, scene);
    let takes = planning.known.ledger.takes.iter().filter(is_open).filter(|take| take.slot == slot);
    let latest = takes.max_by_key(|take| take.id.0).map(|take| &take.ask);
    latest.or_else(|| {
        let place = &planning.place;
        let (storyboard, variant) = (place.storyboard.as_deref(), place.variant.as_deref());
        Some(&planning.known.manifest.current(storyboard, variant, scene, Media::Video)?.ask)
    })
}

/// A scene that is ready to be planned, or the reason why it is not.
pub(super) struct Prepared<'a> {
    pub scene: &'a Scene,
    pub present: Option<Present>,
    duration: Option<f64>,
    skip: Option<Reason>,
}

/// The ledger slot of a scene.
pub(super) fn slot(planning: &Planning<'_>, scene: &SceneId) -> Slot {
    Slot {
        storyboard: planning.place.storyboard.clone().unwrap_or_default(),
        variant: planning.place.variant.clone().unwrap_or_default(),
        scene: scene.key(),
    }
}

impl<'a> Preparing<'_, 'a> {
    fn prepare(
        &self,
        at: usize,
        scene: &'a Scene,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Prepared<'a> {
        let Self { planning, builder, defaults, styles, edges, given } = self;
        let effective = scene.effective(defaults);
        let duration = effective.seconds(Field::Duration);
        let mut prepared = Prepared { scene, present: None, duration, skip: None };
        if let Some(reason) = not_generated(&effective) {
            prepared.skip = Some(reason);
            existing::check(planning, scene, &effective, diagnostics);
            return prepared;
        }
        if let Some(name) = &scene.sheet_of
            && !edges.is_wanted(scene, planning.options)
        {
            let why = format!("no scene takes the picture of `{name}`");
            prepared.skip = Some(Reason::because("image-scene", why));
            return prepared;
        }
        let digests = |path: &str| digest_of_input(planning, path);
        let mut ask = Ask::of(scene, planning.board, defaults, &digests, styles);
        for used in &edges.uses[at] {
            if let Some(sha256) = content(given, used) {
                ask.upstream.insert(used.name(), used.symbol(sha256, edges.media(&used.scene)));
            }
        }
        if ask.is_auto() {
            // The very same wish under whatever id comes first: a scene that was renumbered is not made anew.
            let wish = ask.to_json();
            let same = asks(planning).find(|earlier| is_same_wish(earlier, &wish));
            if let Some(earlier) = same.or_else(|| earlier_ask(planning, &scene.id)) {
                ask.choose_as(earlier);
            }
        }
        match builder.build(&ask) {
            Ok(built) => {
                ask.chosen.clone_from(&built.chosen);
                report_warnings(planning, scene, &built, duration, diagnostics);
                report_unused(planning, scene, &effective, diagnostics);
                existing::check_used(planning, scene, &effective, built.clip_length, diagnostics);
                if let Some(retired) = &built.retired {
                    prepared.skip = Some(Reason::because("retired", retired.clone()));
                    return prepared;
                }
                // Only the templates that were used are part of what was asked.
                let styles: HashSet<&String> =
                    built.steps.iter().filter_map(|step| step.style.as_ref()).collect();
                ask.templates.retain(|style, _| styles.contains(style));
                let ask_json = ask.to_json();
                prepared.present = Some(Present { ask, ask_json, built });
            }
            Err(problems) => {
                diagnostics
                    .extend(problems.into_iter().map(|problem| located(planning, scene, problem)));
            }
        }
        prepared
    }
}

/// The digest of a file that the storyboard names, where it can be used.
pub(super) fn digest_of_input(planning: &Planning<'_>, path: &str) -> Option<String> {
    match planning.known.inputs.get(path) {
        Some(KnownInput::File { sha256, .. }) => Some(sha256.clone()),
        _ => None,
    }
}

/// Whether a scene is a clip or a still. `defaults` are those of the configuration.
pub fn media_of(scene: &Scene, board: &Storyboard, defaults: &Fields) -> Media {
    let written = [&scene.fields, &board.defaults, defaults];
    let kind = written.into_iter().find(|fields| fields.has(Field::Kind));
    if kind.is_some_and(Fields::is_still) { Media::Image } else { Media::Video }
}

/// What is odd about a scene that can be rendered all the same.
fn report_warnings(
    planning: &Planning<'_>,
    scene: &Scene,
    built: &Built,
    duration: Option<f64>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for problem in &built.warnings {
        let mut diagnostic = located(planning, scene, problem.clone());
        diagnostic.severity = crate::source::Severity::Warning;
        diagnostics.push(diagnostic);
    }
    let model = built.main().map(|step| step.model.as_str()).unwrap_or_default();
    for (step, field) in &built.unsupported {
        // A default of the whole film is not meant for every model, and a picture brings its own ratio.
        let own = step.is_some() || scene.fields.has(*field);
        if !own || *field == Field::AspectRatio {
            continue;
        }
        let span = field_span(planning, scene, *step, *field);
        let message = format!("`{model}` has no `{}` here", field.name());
        let error = Diagnostic::error("unsupported-field", message, span)
            .label("would be ignored, and the clip paid for")
            .hint(format!(
                "take the field away, or see `storyreel models \"{model}\"` for what it takes"
            ));
        diagnostics.push(error);
    }
    if duration.is_none() && built.clip_length.is_some() && !built.as_long_as_input {
        let seconds = built.clip_length.map(number).unwrap_or_default();
        diagnostics.push(
            Diagnostic::warning(
                "no-duration",
                format!("scene {} has no duration", scene.id),
                scene.id_span,
            )
            .label(format!("gets {seconds} s, what `{model}` makes by itself"))
            .hint("write its length in the film, for example `Duration: 5s`"),
        );
    }
}

/// Fields that ask for more than is done today. The clip is as the rest of the scene says, so they stop nothing.
fn report_unused(
    planning: &Planning<'_>,
    scene: &Scene,
    effective: &Fields,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let takes =
        effective.get(Field::Takes).is_some_and(|takes| matches!(takes.value, Value::Integer(2..)));
    if takes {
        let span = field_span(planning, scene, None, Field::Takes);
        let label = format!("scene {}", scene.id);
        let message = "one take is made, not several";
        let warning = Diagnostic::warning("not-carried-out", message, span);
        diagnostics.push(warning.label(label).hint("`render --retake` makes another one"));
    }
}

/// A problem under the words that caused it.
fn located(planning: &Planning<'_>, scene: &Scene, problem: Problem) -> Diagnostic {
    let span = match problem.field {
        Some(Field::Characters) if let Some(span) = image_span(planning, &problem) => span,
        Some(field) => field_span(planning, scene, problem.step, field),
        None => problem
            .step
            .and_then(|step| step_of(planning, scene, step))
            .map_or(scene.id_span, |step| step.span),
    };
    let mut message = problem.message;
    if let Some(param) = &problem.param {
        if let Some(KnownInput::Unusable(why)) = planning.known.inputs.get(param) {
            message = format!("the file `{param}` {why}");
        } else if !message.contains(param.as_str()) {
            message = format!("`{param}`: {message}");
        }
    }
    let mut diagnostic =
        Diagnostic::error(problem.code, message, span).label(format!("scene {}", scene.id));
    diagnostic.hint = problem.hint;
    diagnostic
}

/// Where the picture of a character that a problem is about was written.
fn image_span(planning: &Planning<'_>, problem: &Problem) -> Option<Span> {
    let images = planning.board.characters.iter().flat_map(|character| &character.images);
    let same = |image: &&Spanned<Input>| match &image.value {
        Input::Path(path) | Input::Asset(path) => Some(path) == problem.param.as_ref(),
        Input::Url(_) | Input::Scene { .. } => false,
    };
    images.into_iter().find(same).map(|image| image.span)
}

fn step_of<'a>(
    planning: &'a Planning<'_>,
    scene: &'a Scene,
    index: usize,
) -> Option<&'a crate::storyboard::Step> {
    scene.steps.as_ref().or(planning.board.default_steps.as_ref())?.get(index)
}

/// Where a field of a scene was written: at the step, at the scene, in the front matter, else the scene itself.
pub(super) fn field_span(
    planning: &Planning<'_>,
    scene: &Scene,
    step: Option<usize>,
    field: Field,
) -> Span {
    let at_step = step.and_then(|step| step_of(planning, scene, step));
    if let Some(step) = at_step {
        return step.fields.get(field).map_or(step.span, |spanned| spanned.span);
    }
    let written = scene.fields.get(field).or_else(|| planning.board.defaults.get(field));
    // Defaults of the configuration have places in another file; the scene stands for them.
    written.map_or(scene.id_span, |spanned| spanned.span)
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
    }
}

/// Whether the flags leave a scene out.
pub(super) fn is_filtered(options: &PlanOptions, scene: &SceneId) -> bool {
    options.exclude.has(scene) || options.only.as_ref().is_some_and(|only| !only.has(scene))
}

fn files(planning: &Planning<'_>, given: &HashMap<String, Given>) -> FilesByDigest {
    let root = &planning.assets_root;
    let published = files_of(planning, given).into_iter();
    let published = published.map(|(sha256, filename)| (sha256, root.join(filename)));
    let usable = planning.known.inputs.values().filter_map(|input| match input {
        KnownInput::File { path, sha256, .. } => Some((sha256.clone(), path.clone())),
        KnownInput::Unusable(_) => None,
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
