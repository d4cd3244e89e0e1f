//! Scenes that start from other scenes: which, in what order, and what they give.
//!
//! A plan is made with what the other scenes are thought to give, and made again where that turns out otherwise: what a
//! scene gives is known once it is planned. Where it is rendered anew, nobody knows yet, and so on down the line.

use super::ask::Ask;
use super::build::Builder;
use super::existing::not_generated;
use super::outcome::{Action, ScenePlan};
use super::planner::{PlanOptions, Planning, is_filtered, media_of};
use super::prepare::digest_of_input;
use super::request::awaited_names;
use super::voice::{self, VOICE};
use super::work::{StepStart, Work};
use crate::known::Output;
use crate::manifest::{AssetEntry, Media};
use crate::source::Diagnostic;
use crate::storyboard::{Field, Fields, FrameOf, Input, Scene, SceneId, StepKind, Value};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What of another scene is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The first frame of its clip.
    First,
    /// The last frame of its clip.
    Last,
    /// The still that its clip started from.
    Keyframe,
    /// All of its clip.
    Clip,
    /// What is said in it: of a scene's own voice.
    Voice,
}

impl Part {
    /// What an input means in a field: a model that works on a clip gets all of it.
    pub(super) fn of(field: Field, frame: FrameOf) -> Self {
        match frame {
            _ if field == Field::Video => Self::Clip,
            FrameOf::First => Self::First,
            FrameOf::Last => Self::Last,
            FrameOf::Keyframe => Self::Keyframe,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
            Self::Keyframe => "keyframe",
            Self::Clip => "clip",
            Self::Voice => VOICE,
        }
    }
}

/// One use of another scene.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Awaited {
    /// The other scene's key.
    pub scene: String,
    /// What of it.
    pub part: Part,
}

impl Awaited {
    /// Names it in requests and asks: `scene:3/last`.
    pub fn name(&self) -> String {
        if self.part == Part::Voice {
            // A scene's own: its id is not part of what is asked for.
            return VOICE.to_owned();
        }
        format!("scene:{}/{}", self.scene, self.part.name())
    }

    /// Under what it is kept what a scene gives of it.
    pub(super) fn key(&self) -> String {
        match self.part {
            Part::Voice => voice_key(&self.scene),
            _ => self.scene.clone(),
        }
    }

    /// As it stands in a symbolic request once the content is known. Stills have no frames.
    pub fn symbol(&self, sha256: &str, media: Media) -> Json {
        match self.part {
            Part::First | Part::Last if media != Media::Image => {
                json!({"$clip": sha256, "frame": self.part.name()})
            }
            _ => json!({ "$clip": sha256 }),
        }
    }
}

/// What a scene gives to others.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Given {
    /// Its content is known; with `restored` its bytes come here in this run.
    Content { sha256: String, keyframe: Option<String>, restored: bool },
    /// It is rendered first; its still may be there already.
    Pending { keyframe: Option<String> },
    /// Its clip waits for the choice of its still, which it gives: why.
    Still { keyframe: Option<String>, why: String },
    /// It gives nothing in this run: why.
    Nothing(String),
}

/// The still of a scene that has one of its own.
pub(super) struct StillState {
    /// Its content, where there is one already.
    pub sha256: Option<String>,
    /// The clip is not made in this run.
    pub closed: bool,
}

/// What there is of a scene.
pub(super) struct Has<'a> {
    /// Its entry, or the one whose content it gets.
    pub entry: Option<&'a AssetEntry>,
    /// The entry of the very request that is asked for now.
    pub same: Option<&'a AssetEntry>,
    /// The same of another branch.
    pub same_elsewhere: Option<&'a AssetEntry>,
}

/// Which scenes start from which.
pub(super) struct Edges {
    /// For each scene, in document order, what it uses.
    pub uses: Vec<BTreeSet<Awaited>>,
    /// Places of scenes by key.
    places: HashMap<String, usize>,
    /// Whether a scene is a clip or a still.
    media: Vec<Media>,
    /// Keys of the scenes that others use.
    used_keys: HashSet<String>,
}

impl Edges {
    /// Reads them from the storyboard. A circle, and a scene that is never rendered, are problems.
    fn of(planning: &Planning<'_>, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let board = planning.board;
        let defaults = board.defaults.over(planning.defaults);
        let mut edges = Self {
            uses: board.scenes.iter().map(|scene| used_by(planning, scene, &defaults)).collect(),
            places: HashMap::new(),
            media: Vec::new(),
            used_keys: HashSet::new(),
        };
        if edges.is_empty() {
            return edges;
        }
        let scenes = board.scenes.iter().enumerate();
        edges.places = scenes.map(|(at, scene)| (scene.id.key(), at)).collect();
        let media = |scene| media_of(scene, board, planning.defaults);
        edges.media = board.scenes.iter().map(media).collect();
        let others = edges.uses.iter().flatten().filter(|used| used.part != Part::Voice);
        edges.used_keys = others.map(|used| used.scene.clone()).collect();
        edges.check(planning, &defaults, diagnostics);
        edges
    }

    /// The edges of a storyboard.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn checked(planning: &Planning<'_>) -> Result<Self, Vec<Diagnostic>> {
        let mut problems = Vec::new();
        let edges = Self::of(planning, &mut problems);
        if problems.is_empty() { Ok(edges) } else { Err(problems) }
    }

    /// True where no scene starts from another.
    pub fn is_empty(&self) -> bool {
        self.uses.iter().all(BTreeSet::is_empty)
    }

    /// True where a scene, or one of the flags, has a use for what this one gives.
    pub fn is_wanted(&self, scene: &Scene, options: &PlanOptions) -> bool {
        let named = options.retake.has(&scene.id)
            || options.only.as_ref().is_some_and(|only| only.has(&scene.id));
        named || self.is_used(&scene.id.key())
    }

    /// The place of a scene that others use.
    pub fn place(&self, key: &str) -> Option<usize> {
        self.places.get(key).copied()
    }

    /// Whether a scene is a clip or a still.
    pub fn media(&self, key: &str) -> Media {
        self.place(key).map_or(Media::Video, |at| self.media[at])
    }

    fn check(
        &mut self,
        planning: &Planning<'_>,
        defaults: &Fields,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let scenes = &planning.board.scenes;
        for (at, uses) in self.uses.iter().enumerate() {
            for used in uses.iter().filter(|used| used.part != Part::Voice) {
                let Some(other) = self.places.get(&used.scene).map(|at| &scenes[*at]) else {
                    continue;
                };
                if not_generated(&other.effective(defaults)).is_some() {
                    let message = format!(
                        "scene {} starts from scene {}, which is not rendered",
                        scenes[at].id, other.id
                    );
                    diagnostics.push(
                        Diagnostic::error("scene-reference", message, scenes[at].id_span)
                            .label("has nothing to start from")
                            .hint("name a picture or clip by its path instead"),
                    );
                }
            }
        }
        for scene in scenes {
            let fields = scene.effective(defaults);
            let continued = fields.get(Field::Extends).zip(fields.text(Field::Extends));
            let Some((written, id)) = continued else { continue };
            let Some(at) = self.place(&SceneId::parse(id).key()) else { continue };
            if self.media[at] == Media::Image {
                let message =
                    format!("scene {} is a still, which has no clip to continue", scenes[at].id);
                diagnostics.push(
                    Diagnostic::error("extends", message, written.span)
                        .label(format!("scene {} would continue it", scene.id))
                        .hint(format!(
                            "start from the picture: `reference: scene:{}`",
                            scenes[at].id
                        )),
                );
            }
        }
        if let Some(circle) = self.circle() {
            let names: Vec<String> = circle.iter().map(|at| scenes[*at].id.to_string()).collect();
            let message = format!("scenes start from each other: {}", names.join(" -> "));
            diagnostics.push(
                Diagnostic::error("circle", message, scenes[circle[0]].id_span)
                    .label("would wait for itself")
                    .hint("let one of them start from words or from a picture of its own"),
            );
        }
    }

    /// Scenes that start from each other, the first one at both ends.
    fn circle(&self) -> Option<Vec<usize>> {
        // 0: not looked at, 1: on the way, 2: leads to no circle.
        let mut state = vec![0_u8; self.uses.len()];
        for start in 0..self.uses.len() {
            if state[start] != 0 {
                continue;
            }
            // Each entry is a scene and those of its uses that are still to be followed.
            let mut path = vec![(start, self.targets(start))];
            state[start] = 1;
            while let Some((at, open)) = path.last_mut() {
                let at = *at;
                match open.pop() {
                    Some(next) if state[next] == 1 => {
                        let from = path.iter().position(|(place, _)| *place == next)?;
                        let mut circle: Vec<usize> =
                            path[from..].iter().map(|(place, _)| *place).collect();
                        circle.push(next);
                        return Some(circle);
                    }
                    Some(next) if state[next] == 0 => {
                        state[next] = 1;
                        path.push((next, self.targets(next)));
                    }
                    Some(_) => {}
                    None => {
                        state[at] = 2;
                        path.pop();
                    }
                }
            }
        }
        None
    }

    fn targets(&self, at: usize) -> Vec<usize> {
        let others = self.uses[at].iter().filter(|used| used.part != Part::Voice);
        others.filter_map(|used| self.places.get(&used.scene).copied()).collect()
    }

    /// True for a scene of which another one uses the clip or a part of it.
    pub fn is_used(&self, key: &str) -> bool {
        self.used_keys.contains(key)
    }

    /// All scenes, those that others start from before them.
    pub fn used_first(&self) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.uses.len());
        let mut seen = vec![false; self.uses.len()];
        for start in 0..self.uses.len() {
            // Each entry is a scene and those of its uses that are still to be followed; there are no circles.
            let mut path = Vec::new();
            if !std::mem::replace(&mut seen[start], true) {
                path.push((start, self.targets(start)));
            }
            while let Some((at, open)) = path.last_mut() {
                match open.pop() {
                    Some(next) if !std::mem::replace(&mut seen[next], true) => {
                        path.push((next, self.targets(next)));
                    }
                    Some(_) => {}
                    None => {
                        order.push(*at);
                        path.pop();
                    }
                }
            }
        }
        order
    }

    /// What every used scene gives if nothing has changed: what is published of it.
    pub fn assumed(&self, planning: &Planning<'_>) -> HashMap<String, Given> {
        let (storyboard, variant) =
            (planning.place.storyboard.as_deref(), planning.place.variant.as_deref());
        let given = self.used().into_iter().map(|used| {
            let id = SceneId::parse(&used.scene);
            let media = match used.part {
                Part::Voice => Media::Audio,
                _ => self.media(&used.scene),
            };
            let entry = planning.known.manifest.current(storyboard, variant, &id, media);
            let elsewhere = || {
                let deferred = planning.known.deferred.as_ref()?;
                let place = deferred.place.storyboard.as_deref();
                deferred.manifest.current(place, variant, &id, media)
            };
            let entry = entry.or_else(elsewhere);
            let key = used.key();
            let content = entry.and_then(|entry| {
                let sha256 = entry.sha256.clone()?;
                Some(Given::Content { sha256, keyframe: still_of(entry), restored: false })
            });
            (key, content.unwrap_or(Given::Pending { keyframe: None }))
        });
        given.collect()
    }

    /// What is used, each scene and each voice once.
    fn used(&self) -> Vec<&Awaited> {
        let all: BTreeMap<String, &Awaited> =
            self.uses.iter().flatten().map(|used| (used.key(), used)).collect();
        all.into_values().collect()
    }

    /// What every used scene gives by the plan that was made.
    pub fn given(
        &self,
        planning: &Planning<'_>,
        plans: &[ScenePlan],
        has: &[Has<'_>],
        stills: &[Option<StillState>],
        voices: &[Option<String>],
    ) -> HashMap<String, Given> {
        let mut given: HashMap<String, Given> = HashMap::new();
        for used in self.used() {
            let Some(at) = self.places.get(&used.scene).copied() else { continue };
            let key = used.key();
            if used.part == Part::Voice {
                let one = match voices.get(at).cloned().flatten() {
                    Some(sha256) => Given::Content { sha256, keyframe: None, restored: false },
                    None => Given::Pending { keyframe: None },
                };
                given.insert(key, one);
                continue;
            }
            let one = of_plan(planning, &plans[at], &has[at]);
            let one = match stills.get(at).and_then(Option::as_ref) {
                Some(still) => with_still(one, still, &plans[at]),
                None => one,
            };
            given.insert(key, one);
        }
        // What starts from something that nobody knows yet is not known either.
        loop {
            let unknown: Vec<String> = given
                .iter()
                .filter(|(key, one)| {
                    matches!(one, Given::Content { .. })
                        && self.places.get(*key).is_some_and(|at| {
                            self.uses[*at].iter().any(|used| !is_known(&given, used))
                                && plans[*at].action != Action::Skip
                        })
                })
                .map(|(key, _)| key.clone())
                .collect();
            if unknown.is_empty() {
                return given;
            }
            for key in unknown {
                given.insert(key, Given::Pending { keyframe: None });
            }
        }
    }
}

/// What a scene gives whose still is made and chosen before its clip.
fn with_still(given: Given, still: &StillState, plan: &ScenePlan) -> Given {
    let keyframe = still.sha256.clone();
    match given {
        // The still may be another one than that of the clip in place.
        Given::Content { sha256, restored, .. } => Given::Content { sha256, keyframe, restored },
        _ if still.closed => Given::Still {
            keyframe,
            why: format!("the clip of scene {} waits for the choice of its still", plan.scene_id),
        },
        Given::Pending { keyframe: own } => Given::Pending { keyframe: keyframe.or(own) },
        Given::Still { .. } | Given::Nothing(_) => given,
    }
}

/// Whether what is used is known.
pub(super) fn is_known(given: &HashMap<String, Given>, used: &Awaited) -> bool {
    content(given, used).is_some()
}

/// The content that is used, where it is known.
pub(super) fn content<'g>(given: &'g HashMap<String, Given>, used: &Awaited) -> Option<&'g str> {
    match (given.get(&used.key())?, used.part) {
        (
            Given::Content { keyframe, .. }
            | Given::Pending { keyframe }
            | Given::Still { keyframe, .. },
            Part::Keyframe,
        ) => keyframe.as_deref(),
        (Given::Content { sha256, .. }, _) => Some(sha256),
        (Given::Pending { .. } | Given::Still { .. } | Given::Nothing(_), _) => None,
    }
}

/// What a scene gives by its plan.
fn of_plan(planning: &Planning<'_>, plan: &ScenePlan, has: &Has<'_>) -> Given {
    let entry = has.entry;
    let published = |entry: &AssetEntry| {
        let sha256 = entry.sha256.clone()?;
        Some(Given::Content { sha256, keyframe: still_of(entry), restored: false })
    };
    match (&plan.work, plan.action) {
        (Some(Work::Restore(work)), _) => {
            let sha256 = work.clip.sha256.clone();
            let entry = planning
                .known
                .renders()
                .find(|entry| entry.sha256.as_ref() == Some(&sha256) && still_of(entry).is_some());
            Given::Content { sha256, keyframe: entry.and_then(still_of), restored: true }
        }
        // What is put beside the scene's clip is nobody's source.
        (Some(Work::Render(work)), _) if work.beside => {
            entry.and_then(published).unwrap_or(Given::Pending { keyframe: None })
        }
        (Some(Work::Render(work)), _) => {
            let done = |kind: Option<StepKind>| {
                let mut steps =
                    work.steps.iter().filter(|step| kind.is_none_or(|kind| step.kind == kind));
                match steps.next_back().map(|step| &step.start) {
                    Some(StepStart::Done(clip)) => Some(clip.sha256.clone()),
                    _ => None,
                }
            };
            let keyframe = done(Some(StepKind::Keyframe));
            match done(None) {
                Some(sha256) => Given::Content { sha256, keyframe, restored: false },
                None => Given::Pending { keyframe },
            }
        }
        (None, Action::Unchanged | Action::Absent) => {
            entry.and_then(published).unwrap_or_else(|| {
                Given::Nothing(format!(
                    "nothing is recorded of the content of scene {}",
                    plan.scene_id
                ))
            })
        }
        // Without work of its own it only gets more takes, or its still.
        (
            None,
            Action::Create | Action::Update | Action::Resume | Action::Restore | Action::Move,
        ) => has.same.and_then(published).unwrap_or(Given::Pending { keyframe: None }),
        (None, Action::Skip)
            if is_filtered(planning.options, &plan.scene_id) || planning.options.through_still =>
        {
            let same = has.same.or(has.same_elsewhere);
            same.and_then(published).unwrap_or_else(|| not_selected(plan))
        }
        (None, Action::Blocked) => Given::Nothing(format!("scene {} is blocked", plan.scene_id)),
        _ => Given::Nothing(format!("scene {} is not rendered", plan.scene_id)),
    }
}

fn not_selected(plan: &ScenePlan) -> Given {
    Given::Nothing(format!(
        "scene {} has to be rendered first, and it is not selected: add it to `--only`",
        plan.scene_id
    ))
}

/// The still that a recorded clip started from.
pub(super) fn still_of(entry: &AssetEntry) -> Option<String> {
    let step = entry.steps.iter().find(|step| step.step == StepKind::Keyframe)?;
    step.sha256.clone()
}

fn voice_key(scene: &str) -> String {
    format!("{VOICE}\n{scene}")
}

/// Whether a scene's clip is made with the scene's own voice: it is spoken to, or a picture speaks with it.
fn uses_voice(planning: &Planning<'_>, scene: &Scene, defaults: &Fields) -> bool {
    let steps = scene.steps.as_ref().or(planning.board.default_steps.as_ref());
    let steps = || steps.into_iter().flatten();
    if !steps().any(|step| step.kind == StepKind::Voice) {
        return false;
    }
    let has_sound = |fields: &Fields| !fields.inputs(Field::Audio).is_empty();
    if steps().any(|step| step.kind == StepKind::Lipsync && !has_sound(&step.fields)) {
        return true;
    }
    let effective = scene.effective(defaults);
    let own = steps().find(|step| step.kind == StepKind::Generate).map(|step| &step.fields);
    let profile = planning.profile.map(|profile| &profile.fields);
    let models = [profile, own, Some(&effective)];
    let model = models.into_iter().flatten().find_map(|fields| fields.text(Field::Model));
    let found = model.and_then(|model| planning.catalog.find(model).ok());
    !has_sound(&effective) && found.is_some_and(|found| voice::speaks(&found))
}

/// What a scene uses of others.
fn used_by(planning: &Planning<'_>, scene: &Scene, defaults: &Fields) -> BTreeSet<Awaited> {
    let fields = scene.effective(defaults);
    let steps = scene.steps.as_ref().or(planning.board.default_steps.as_ref());
    let of_steps = steps.into_iter().flatten().flat_map(|step| step.fields.iter());
    let mut used = BTreeSet::new();
    if let Some(id) = fields.text(Field::Extends) {
        used.insert(Awaited { scene: SceneId::parse(id).key(), part: Part::Last });
    }
    for (field, value) in fields.iter().chain(of_steps) {
        let Value::Inputs(inputs) = &value.value else { continue };
        if field.spec().editorial {
            continue;
        }
        for input in inputs {
            if let Input::Scene { id, frame } = input {
                let scene = SceneId::parse(id).key();
                used.insert(Awaited { scene, part: Part::of(field, *frame) });
            }
        }
    }
    if uses_voice(planning, scene, defaults) {
        used.insert(Awaited { scene: scene.id.key(), part: Part::Voice });
    }
    if not_generated(&fields).is_none() {
        used.extend(pictures_of_cast(planning, scene, defaults));
    }
    used
}

/// The sheets of its characters that a scene uses. Not every model takes pictures of characters, and a scene with a
/// picture of its own has no use for them: only what the request holds is waited for.
fn pictures_of_cast(
    planning: &Planning<'_>,
    scene: &Scene,
    defaults: &Fields,
) -> BTreeSet<Awaited> {
    let with_sheet = |image: &Input| matches!(image, Input::Scene { .. });
    let images = planning.board.characters.iter().flat_map(|character| &character.images);
    if !images.into_iter().any(|image| with_sheet(&image.value)) {
        return BTreeSet::new();
    }
    let digests = |path: &str| digest_of_input(planning, path);
    let ask =
        Ask::of(scene, planning.board, (defaults, planning.profile), &digests, &BTreeMap::new());
    let pictures = ask.characters.iter().flat_map(|character| &character.images);
    let mut used: BTreeSet<Awaited> = pictures
        .filter_map(|image| match image {
            Input::Scene { id, frame } => Some(Awaited {
                scene: SceneId::parse(id).key(),
                part: Part::of(Field::Characters, *frame),
            }),
            _ => None,
        })
        .collect();
    // The guide may have chosen another model before, so what is chosen now tells nothing.
    if used.is_empty() || ask.is_auto() {
        return used;
    }
    let lengths = HashMap::new();
    let builder = Builder::new(planning.catalog, planning.templates, &lengths);
    // What is wrong with a scene is told when it is planned.
    if let Ok(built) = builder.build(&ask) {
        let bodies = built.steps.iter().map(|step| &step.request.body);
        let named: HashSet<String> = bodies.flat_map(awaited_names).collect();
        used.retain(|one| named.contains(&one.name()));
    }
    used
}

/// Files that hold the content of published clips, for what is not in the cache any more.
pub(super) fn files_of(
    planning: &Planning<'_>,
    given: &HashMap<String, Given>,
    before_clips: &HashSet<String>,
) -> BTreeMap<String, String> {
    let of_scenes = given
        .values()
        .flat_map(|one| match one {
            Given::Content { sha256, keyframe, .. } => [Some(sha256), keyframe.as_ref()],
            Given::Pending { keyframe } | Given::Still { keyframe, .. } => {
                [None, keyframe.as_ref()]
            }
            Given::Nothing(_) => [None, None],
        })
        .flatten()
        .map(String::as_str);
    let wanted: HashSet<&str> = of_scenes.chain(before_clips.iter().map(String::as_str)).collect();
    let outputs = planning.known.outputs.iter().filter_map(|(filename, output)| match output {
        Output::File { sha256 } if wanted.contains(sha256.as_str()) => {
            Some((sha256.clone(), filename.clone()))
        }
        _ => None,
    });
    outputs.collect()
}
