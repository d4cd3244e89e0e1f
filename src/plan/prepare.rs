//! Scenes made ready to be compared: their asks, the requests that today's builder makes of them, and what is wrong or odd.

use super::ask::{Ask, number};
use super::build::{Builder, Built, BuiltStep};
use super::difference::Present;
use super::edges::{Edges, Given, content};
use super::existing::{self, not_generated};
use super::lints;
use super::outcome::Reason;
use super::planner::{Planning, slot};
use super::problem::Problem;
use super::profile;
use crate::known::KnownInput;
use crate::manifest::Media;
use crate::record::{Take, TakeState};
use crate::source::{Diagnostic, Span, Spanned};
use crate::storyboard::{Field, Fields, Input, Profile, Scene, SceneId, StepKind, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What scenes are prepared with.
#[derive(Clone, Copy)]
pub(super) struct Preparing<'p, 'a> {
    pub planning: &'p Planning<'a>,
    pub builder: &'p Builder<'p>,
    pub defaults: &'p Fields,
    pub styles: &'p BTreeMap<String, String>,
    pub edges: &'p Edges,
    pub given: &'p HashMap<String, Given>,
}

/// Prepares the scenes that are not prepared yet, or start from something else than before.
pub(super) fn prepare_all<'a>(preparing: &Preparing<'_, 'a>, scenes: &mut [Prepared<'a>]) {
    each(scenes, |at, prepared| preparing.renew(at, prepared));
}

/// Does something with each scene; with those of a long film on several threads.
fn each<'a>(scenes: &mut [Prepared<'a>], work: impl Fn(usize, &mut Prepared<'a>) + Sync) {
    let some = |first: usize, scenes: &mut [Prepared<'a>]| {
        for (at, prepared) in scenes.iter_mut().enumerate() {
            work(first + at, prepared);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let length = scenes.len().div_ceil(threads).max(64);
    // A panic in one of them is one here.
    std::thread::scope(|scope| {
        let mut chunks = scenes.chunks_mut(length).enumerate();
        let own = chunks.next();
        for (at, chunk) in chunks {
            let some = &some;
            scope.spawn(move || some(at * length, chunk));
        }
        if let Some((_, chunk)) = own {
            some(0, chunk);
        }
    });
}

/// Digests of the project's own templates, by prompt style.
pub(super) fn template_digests(planning: &Planning<'_>) -> BTreeMap<String, String> {
    let styles: BTreeSet<&str> =
        planning.catalog.models().iter().map(|model| model.prompt_style.as_str()).collect();
    let own = styles.into_iter().filter_map(|style| {
        planning.templates.digest(style).map(|digest| (style.to_owned(), digest))
    });
    own.collect()
}

/// Every ask with a choice: of takes in flight, and of clips that stand in the manifest.
fn asks<'p>(planning: &Planning<'p>) -> impl Iterator<Item = &'p serde_json::Value> {
    let takes = planning.known.ledger.takes.iter().filter(is_open).map(|take| &*take.ask);
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
    let latest = takes.max_by_key(|take| take.id.0).map(|take| &*take.ask);
    latest.or_else(|| {
        let place = &planning.place;
        let (storyboard, variant) = (place.storyboard.as_deref(), place.variant.as_deref());
        Some(&planning.known.manifest.current(storyboard, variant, scene, Media::Video)?.ask)
    })
}

/// A scene that is ready to be planned, or the reason why it is not.
pub(super) struct Prepared<'a> {
    pub scene: &'a Scene,
    /// What is wrong or odd.
    pub problems: Vec<Diagnostic>,
    /// The content of what it uses of other scenes, with which it was prepared.
    upstream: Option<Vec<Option<String>>>,
    pub present: Option<Present>,
    /// The still of its clip, where that is made and chosen before the clip.
    pub still: Option<Present>,
    /// Its voice.
    pub voice: Option<Present>,
    /// What the scene is with the profile that its clip was made with, where that one counts for more than this run's.
    pub finer: Option<Present>,
    /// The clip is not made before its still was chosen.
    pub gated: bool,
    pub duration: Option<f64>,
    pub skip: Option<Reason>,
}

impl<'a> Prepared<'a> {
    /// A scene that is to be prepared.
    pub fn of(scene: &'a Scene) -> Self {
        Self {
            scene,
            problems: Vec::new(),
            upstream: None,
            present: None,
            still: None,
            voice: None,
            finer: None,
            gated: false,
            duration: None,
            skip: None,
        }
    }
}

impl<'a> Preparing<'_, 'a> {
    /// What a scene is prepared with of others, as far as it is known.
    fn upstream(&self, at: usize) -> Vec<Option<String>> {
        let uses = self.edges.uses[at].iter();
        uses.map(|used| content(self.given, used).map(str::to_owned)).collect()
    }

    /// Prepares a scene that is not prepared yet, or starts from something else than before.
    pub fn renew(&self, at: usize, prepared: &mut Prepared<'a>) {
        let upstream = self.upstream(at);
        if prepared.upstream.as_ref() != Some(&upstream) {
            *prepared = self.prepare(at, prepared.scene);
            prepared.upstream = Some(upstream);
        }
    }

    fn prepare(&self, at: usize, scene: &'a Scene) -> Prepared<'a> {
        let effective = scene.effective(self.defaults);
        let duration = effective.seconds(Field::Duration);
        let mut prepared = Prepared { duration, ..Prepared::of(scene) };
        let mut problems = Vec::new();
        self.fill(at, scene, &effective, &mut prepared, &mut problems);
        lints::drop_allowed(self.planning, scene, &mut problems);
        prepared.problems = problems;
        prepared
    }

    fn fill(
        &self,
        at: usize,
        scene: &'a Scene,
        effective: &Fields,
        prepared: &mut Prepared<'a>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let planning = self.planning;
        if let Some(reason) = not_generated(effective) {
            prepared.skip = Some(reason);
            existing::check(planning, scene, effective, diagnostics);
            return;
        }
        if let Some(name) = &scene.sheet_of
            && !self.edges.is_wanted(scene, planning.options)
        {
            let why = format!("no scene takes the picture of `{name}`");
            prepared.skip = Some(Reason::because("image-scene", why));
            return;
        }
        match self.present(at, scene, effective, planning.profile, None) {
            Ok(present) => {
                report_warnings(planning, scene, &present.built, prepared.duration, diagnostics);
                let length = present.built.clip_length;
                existing::check_used(planning, scene, effective, length, diagnostics);
                if let Some(retired) = &present.built.retired {
                    prepared.skip = Some(Reason::because("retired", retired.clone()));
                    return;
                }
                check_takes(planning, scene, effective, diagnostics);
                prepared.gated = is_gated(planning, scene, effective, &present, diagnostics);
                let staged = !present.ask.is_still()
                    && present.built.steps.first().is_some_and(is_keyframe)
                    && (prepared.gated
                        || planning.options.through_still
                        || takes_of_step(planning, scene, StepKind::Keyframe).is_some()
                        || has_still(planning, &scene.id));
                if staged {
                    let keyframe = Some(StepKind::Keyframe);
                    prepared.still =
                        self.present(at, scene, effective, planning.profile, keyframe).ok();
                }
                let has_voice = present.ask.steps.iter().any(|step| step.kind == StepKind::Voice);
                if has_voice {
                    let through = Some(StepKind::Voice);
                    match self.present(at, scene, effective, planning.profile, through) {
                        Ok(voice) => prepared.voice = Some(voice),
                        Err(problems) => diagnostics.extend(
                            problems.into_iter().map(|problem| located(planning, scene, problem)),
                        ),
                    }
                }
                prepared.finer = profile::finer_than(planning, &scene.id, planning.profile)
                    .and_then(|finer| self.present(at, scene, effective, finer, None).ok());
                prepared.present = Some(present);
            }
            Err(problems) => {
                diagnostics
                    .extend(problems.into_iter().map(|problem| located(planning, scene, problem)));
            }
        }
    }

    /// What a scene is asked for with a profile, up to a step where one is named.
    fn present(
        &self,
        at: usize,
        scene: &Scene,
        effective: &Fields,
        profile: Option<&Profile>,
        through: Option<StepKind>,
    ) -> Result<Present, Vec<Problem>> {
        let Self { planning, builder, defaults, styles, edges, given } = self;
        let digests = |path: &str| digest_of_input(planning, path);
        let mut ask = Ask::of(scene, planning.board, (defaults, profile), &digests, styles);
        ask.through = through;
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
        let built = builder.build(&ask)?;
        ask.chosen.clone_from(&built.chosen);
        // Only the templates that were used are part of what was asked.
        let styles: HashSet<&String> =
            built.steps.iter().filter_map(|step| step.style.as_ref()).collect();
        ask.templates.retain(|style, _| styles.contains(style));
        let ask_json = ask.to_json();
        let of_step = through.unwrap_or(StepKind::Generate);
        let own = takes_of_step(planning, scene, of_step);
        let takes = match through {
            Some(_) => own,
            None => own
                .or(profile.and_then(|profile| takes_in(&profile.fields)))
                .or_else(|| takes_in(effective)),
        };
        let takes = takes.unwrap_or(1).clamp(1, MOST_TAKES);
        Ok(Present { ask, ask_json, built, takes, chosen_still: None })
    }
}

/// More takes of one scene than this are a slip of the pen, and would be an expensive one.
pub(super) const MOST_TAKES: i64 = 20;

fn is_keyframe(step: &BuiltStep) -> bool {
    step.kind == StepKind::Keyframe
}

/// How many takes are wanted, where that is said.
fn takes_in(fields: &Fields) -> Option<i64> {
    match fields.get(Field::Takes).map(|takes| &takes.value) {
        Some(Value::Integer(takes)) => Some(*takes),
        _ => None,
    }
}

/// How many takes of a step are wanted, where the step itself says it.
fn takes_of_step(planning: &Planning<'_>, scene: &Scene, kind: StepKind) -> Option<i64> {
    let steps = scene.steps.as_ref().or(planning.board.default_steps.as_ref())?;
    takes_in(&steps.iter().find(|step| step.kind == kind)?.fields)
}

/// Takes are paid for one by one.
fn check_takes(
    planning: &Planning<'_>,
    scene: &Scene,
    effective: &Fields,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let steps = scene.steps.as_ref().or(planning.board.default_steps.as_ref());
    let of_steps = steps.into_iter().flatten().map(|step| &step.fields);
    let of_profile = planning.profile.map(|profile| &profile.fields);
    for fields in of_steps.chain(of_profile).chain([effective]) {
        let Some(takes) = takes_in(fields).filter(|takes| !(1..=MOST_TAKES).contains(takes)) else {
            continue;
        };
        let own = fields.get(Field::Takes).map(|takes| takes.span);
        let inherited = !scene.fields.has(Field::Takes) && std::ptr::eq(fields, effective);
        let span = match own {
            Some(span) if !inherited => span,
            _ => field_span(planning, scene, None, Field::Takes),
        };
        diagnostics.push(
            Diagnostic::error("wrong-value", format!("{takes} takes cannot be made"), span)
                .label(format!("scene {}", scene.id))
                .hint(format!("each is paid for; write a number from 1 to {MOST_TAKES}")),
        );
    }
}

/// Whether a still was made of its own for the scene's clip, or is on its way.
fn has_still(planning: &Planning<'_>, scene: &SceneId) -> bool {
    let place = &planning.place;
    let (storyboard, variant) = (place.storyboard.as_deref(), place.variant.as_deref());
    let entry = planning.known.manifest.current(storyboard, variant, scene, Media::Image);
    let mut stills = planning
        .known
        .ledger
        .takes
        .iter()
        .filter(|take| take.media() == Media::Image && is_before_clip(&take.ask));
    entry.is_some_and(|entry| is_before_clip(&entry.ask))
        || stills.any(|take| take.slot == slot(planning, scene))
}

/// Whether a recorded ask is that of a still, or a voice, for a clip.
pub(super) fn is_before_clip(ask: &serde_json::Value) -> bool {
    ask.get("through").is_some()
}

/// Whether the clip waits until its still is chosen. The gate of a film is for the scenes that have a still.
fn is_gated(
    planning: &Planning<'_>,
    scene: &Scene,
    effective: &Fields,
    present: &Present,
    diagnostics: &mut Vec<Diagnostic>,
) -> bool {
    let Some(gate) = effective.text(Field::Gate) else { return false };
    let span = field_span(planning, scene, None, Field::Gate);
    if !gate.trim().eq_ignore_ascii_case(StepKind::Keyframe.name()) {
        diagnostics.push(
            Diagnostic::error("wrong-value", format!("`{gate}` is no gate"), span)
                .label(format!("scene {}", scene.id))
                .hint("write `gate: keyframe`: the clip is made once its still was chosen with `storyreel pick`"),
        );
        return false;
    }
    let has_still = present.built.steps.first().is_some_and(is_keyframe);
    if !has_still && scene.fields.has(Field::Gate) {
        diagnostics.push(
            Diagnostic::warning(
                "gate-without-still",
                format!("scene {} has no keyframe to wait for", scene.id),
                span,
            )
            .label("holds nothing back")
            .hint("give the scene an `image_prompt` or a step `keyframe`"),
        );
    }
    has_still && !present.ask.is_still()
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

/// A problem under the words that caused it.
fn located(planning: &Planning<'_>, scene: &Scene, problem: Problem) -> Diagnostic {
    if let Some(span) = problem.span {
        let mut diagnostic = Diagnostic::error(problem.code, problem.message, span)
            .label("in this line")
            .related(scene.id_span, format!("scene {} is composed by it", scene.id));
        diagnostic.hint = problem.hint;
        return diagnostic;
    }
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
    let written = problem.field.and_then(|field| written_at(planning, scene, problem.step, field));
    if let (Some(span), Some(instead)) = (written, problem.instead) {
        diagnostic = diagnostic.fix(span, instead);
    }
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

/// The digest of a file that the storyboard names, where it can be used.
pub(super) fn digest_of_input(planning: &Planning<'_>, path: &str) -> Option<String> {
    match planning.known.inputs.get(path) {
        Some(KnownInput::File { sha256, .. } | KnownInput::Pointer { sha256 }) => {
            Some(sha256.clone())
        }
        _ => None,
    }
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
    // Defaults of the configuration have places in another file; the scene stands for them.
    written_at(planning, scene, step, field).unwrap_or_else(|| {
        let at_step = step.and_then(|step| step_of(planning, scene, step));
        at_step.map_or(scene.id_span, |step| step.span)
    })
}

/// Where a field of a scene was written in the storyboard.
fn written_at(
    planning: &Planning<'_>,
    scene: &Scene,
    step: Option<usize>,
    field: Field,
) -> Option<Span> {
    let written = match step.and_then(|step| step_of(planning, scene, step)) {
        Some(step) => step.fields.get(field),
        None => scene.fields.get(field).or_else(|| planning.board.defaults.get(field)),
    };
    written.map(|spanned| spanned.span)
}
