//! What should happen, by the words of the design and not by the program: who depends on what, what counts as changed, and
//! what is free.
//!
//! A step is told by everything that reaches its request, in a text of our own. What is rendered is a number: the same
//! number is the same content.

use super::story::{Model, Part, Scene, Source, Start, Step, Story, Uid};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What is done with a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    Create,
    Update,
    Unchanged,
    Restore,
    Move,
    Skip,
}

impl Fate {
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Unchanged => "unchanged",
            Self::Restore => "restore",
            Self::Move => "move",
            Self::Skip => "skip",
        }
    }
}

/// A scene's part of a forecast.
#[derive(Debug, Clone, PartialEq)]
pub struct Foreseen {
    pub fate: Fate,
    /// Places of the steps that are paid for.
    pub paid: Vec<usize>,
    source: Found,
}

/// Where the content of a scene comes from.
#[derive(Debug, Clone, PartialEq)]
enum Found {
    Nowhere,
    /// The version that stands there.
    Here(usize),
    /// A version that is published again; with the scene's old id where it moves.
    Again(usize, bool),
    /// The first steps are those of an earlier take.
    Made(Vec<Done>),
}

/// A request to make a new take: of a scene from a step on.
pub type Retake = Option<(Uid, usize)>;

/// A finished step: what it was made from, and what came out.
#[derive(Debug, Clone, PartialEq)]
struct Done {
    asked: String,
    content: u64,
}

/// A publication.
#[derive(Debug, Clone)]
struct Version {
    scene: String,
    still: bool,
    steps: Vec<Done>,
    keyframe: Option<u64>,
    gone: Option<usize>,
    /// Somebody deleted its file.
    lost: bool,
}

/// What was rendered so far.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    versions: Vec<Version>,
    /// Takes by the id that their scene has now.
    takes: Vec<(String, Vec<Done>)>,
    contents: u64,
}

/// What a scene gives to others: its content, and its keyframe.
type Given = (Option<u64>, Option<u64>);

impl Memory {
    /// What should be done with each scene of a film, in its order.
    pub fn foresee(&self, story: &Story, retake: Retake) -> Vec<Foreseen> {
        // Nothing is known of what scenes give until nothing more can be found out: each round finds out one edge more.
        let mut given: HashMap<Uid, Given> = HashMap::new();
        for _ in 0..=2 * story.scenes.len() {
            let foreseen = self.with(story, retake, &given);
            let found: HashMap<Uid, Given> = story
                .scenes
                .iter()
                .zip(&foreseen)
                .map(|(scene, one)| (scene.uid, self.gives(scene, one)))
                .collect();
            if found == given {
                return foreseen;
            }
            given = found;
        }
        panic!("what scenes give depends on itself");
    }

    fn gives(&self, scene: &Scene, foreseen: &Foreseen) -> Given {
        let keyframe = |done: &[Done]| {
            let first = done.first().filter(|_| scene.start.has_keyframe());
            first.map(|done| done.content)
        };
        match &foreseen.source {
            Found::Nowhere => (None, None),
            Found::Here(version) | Found::Again(version, _) => {
                let version = &self.versions[*version];
                (version.steps.last().map(|done| done.content), version.keyframe)
            }
            Found::Made(done) if foreseen.paid.is_empty() => {
                (done.last().map(|done| done.content), keyframe(done))
            }
            Found::Made(done) => (None, keyframe(done)),
        }
    }

    fn with(&self, story: &Story, retake: Retake, given: &HashMap<Uid, Given>) -> Vec<Foreseen> {
        let asked: Vec<Vec<String>> =
            story.scenes.iter().map(|scene| asked(story, scene, given)).collect();
        let matched = self.matched(story, &asked);
        let scenes = story.scenes.iter().zip(&asked).zip(matched);
        scenes.map(|((scene, asked), matched)| self.decide(scene, asked, matched, retake)).collect()
    }

    /// The same id with the same request first; then equal requests among what is left, in order; then the same id.
    fn matched(&self, story: &Story, asked: &[Vec<String>]) -> Vec<Option<(usize, Match)>> {
        let mut taken = BTreeSet::new();
        let mut matched: Vec<Option<(usize, Match)>> = vec![None; asked.len()];
        for (at, scene) in story.scenes.iter().enumerate() {
            let Some(version) = self.current(&scene.id, scene.is_still()) else { continue };
            if self.versions[version].is(&asked[at]) {
                taken.insert(version);
                matched[at] = Some((version, Match::Same));
            }
        }
        for at in 0..asked.len() {
            if matched[at].is_some() || asked[at].is_empty() {
                continue;
            }
            let moved = (0..self.versions.len()).find(|version| {
                let is = &self.versions[*version];
                is.gone.is_none() && !taken.contains(version) && is.is(&asked[at])
            });
            if let Some(version) = moved {
                taken.insert(version);
                matched[at] = Some((version, Match::Moved));
            }
        }
        for (at, scene) in story.scenes.iter().enumerate() {
            if matched[at].is_some() || asked[at].is_empty() {
                continue;
            }
            let own = self.current(&scene.id, scene.is_still());
            matched[at] = own.filter(|own| taken.insert(*own)).map(|own| (own, Match::Changed));
        }
        matched
    }

    fn decide(
        &self,
        scene: &Scene,
        asked: &[String],
        matched: Option<(usize, Match)>,
        retake: Retake,
    ) -> Foreseen {
        let free = |fate, source| Foreseen { fate, paid: Vec::new(), source };
        if asked.is_empty() {
            return free(Fate::Skip, Found::Nowhere);
        }
        let retake = retake.filter(|(uid, _)| *uid == scene.uid).map(|(_, step)| step);
        let before = matched.map(|(version, _)| self.before(version)).unwrap_or_default();
        if retake.is_none() {
            match matched {
                Some((version, Match::Same)) if self.versions[version].lost => {
                    return free(Fate::Restore, Found::Here(version));
                }
                Some((version, Match::Same)) => return free(Fate::Unchanged, Found::Here(version)),
                Some((version, Match::Moved)) => {
                    return free(Fate::Move, Found::Again(version, true));
                }
                _ => {}
            }
            if let Some(undone) = before.iter().find(|before| self.versions[**before].is(asked)) {
                return free(Fate::Restore, Found::Again(*undone, false));
            }
        }
        // What of it was made before: the longest beginning of the chain, the newest of equals.
        let versions = matched.map(|(version, _)| version).into_iter().chain(before);
        let versions = versions.map(|version| &self.versions[version].steps);
        let takes = self.takes.iter().rev().filter(|(id, _)| *id == scene.id);
        let most = match retake {
            Some(step) => step.min(asked.len() - 1),
            None => asked.len(),
        };
        let mut best: Vec<Done> = Vec::new();
        for done in versions.chain(takes.map(|(_, done)| done)) {
            let pairs = done.iter().zip(asked).take(most);
            let mut same = pairs.take_while(|(done, asked)| done.asked == **asked).count();
            while same > 0 && !self.may_follow(done[same - 1].content, asked.get(same)) {
                same -= 1;
            }
            if same > best.len() {
                best = done[..same].to_vec();
            }
        }
        let paid: Vec<usize> = (best.len()..asked.len()).collect();
        let fate = match (paid.is_empty(), matched) {
            (true, _) => Fate::Restore,
            (false, Some(_)) => Fate::Update,
            (false, None) => Fate::Create,
        };
        Foreseen { fate, paid, source: Found::Made(best) }
    }

    /// A clip of Veo that was upgraded to 1080p cannot be extended any more.
    fn may_follow(&self, clip: u64, next: Option<&String>) -> bool {
        let upgraded = |done: &[Done]| {
            let pairs = done.iter().zip(done.iter().skip(1));
            pairs.into_iter().any(|(one, next)| one.content == clip && next.asked == FULL_HD)
        };
        !next.is_some_and(|next| next.starts_with(EXTEND))
            || !self.takes.iter().any(|(_, done)| upgraded(done))
    }

    fn current(&self, id: &str, still: bool) -> Option<usize> {
        self.versions
            .iter()
            .rposition(|one| one.gone.is_none() && one.scene == id && one.still == still)
    }

    /// What a version took the place of, directly or through others, the newest first.
    fn before(&self, version: usize) -> Vec<usize> {
        let mut found = BTreeSet::new();
        let mut open = vec![version];
        while let Some(one) = open.pop() {
            for (at, before) in self.versions.iter().enumerate() {
                if before.gone == Some(one) && found.insert(at) {
                    open.push(at);
                }
            }
        }
        found.into_iter().rev().collect()
    }

    /// Remembers that a forecast came true; `order` tells the ids of what was published, as the manifest lists it.
    pub fn carry_out(&mut self, story: &Story, foreseen: &[Foreseen], order: &[String]) {
        for (scene, one) in story.scenes.iter().zip(foreseen) {
            if let Found::Here(version) = &one.source {
                self.versions[*version].lost = false;
                assert!(!order.contains(&scene.id), "scene {} was published again", scene.id);
            }
        }
        let moves = story.scenes.iter().zip(foreseen).filter_map(|(scene, one)| match one.source {
            Found::Again(version, true) => Some((version, scene.id.clone())),
            _ => None,
        });
        let moved: BTreeMap<usize, String> = moves.collect();
        // What was made of a scene goes with it.
        let renamed: BTreeMap<String, String> = moved
            .iter()
            .map(|(version, new)| (self.versions[*version].scene.clone(), new.clone()))
            .collect();
        for (id, _) in &mut self.takes {
            if let Some(new) = renamed.get(id) {
                id.clone_from(new);
            }
        }
        let mut given: HashMap<Uid, Given> = story
            .scenes
            .iter()
            .zip(foreseen)
            .map(|(scene, one)| (scene.uid, self.gives(scene, one)))
            .collect();
        for id in order {
            let at = story.scenes.iter().position(|scene| scene.id == *id);
            let at = at.unwrap_or_else(|| panic!("scene {id} is not in the film"));
            let (scene, one) = (&story.scenes[at], &foreseen[at]);
            let still = scene.is_still();
            let new = self.versions.len();
            let own = (0..new).rev().find(|version| {
                let is = &self.versions[*version];
                is.gone.is_none()
                    && is.scene == scene.id
                    && is.still == still
                    && !moved.contains_key(version)
            });
            let steps = match &one.source {
                Found::Again(version, moves) => {
                    if *moves {
                        self.versions[*version].gone = Some(new);
                    }
                    self.versions[*version].steps.clone()
                }
                Found::Made(done) => {
                    // What it starts from is here by now.
                    let asked = asked(story, scene, &given);
                    let mut steps = done.clone();
                    for asked in asked.into_iter().skip(done.len()) {
                        self.contents += 1;
                        steps.push(Done { asked, content: self.contents });
                    }
                    self.takes.push((scene.id.clone(), steps.clone()));
                    steps
                }
                Found::Nowhere | Found::Here(_) => panic!("scene {id} was published"),
            };
            let keyframe = match &one.source {
                Found::Again(version, _) => self.versions[*version].keyframe,
                _ => steps.first().filter(|_| scene.start.has_keyframe()).map(|done| done.content),
            };
            if let Some(own) = own {
                self.versions[own].gone = Some(new);
            }
            given.insert(scene.uid, (steps.last().map(|done| done.content), keyframe));
            let id = scene.id.clone();
            self.versions.push(Version {
                scene: id,
                still,
                steps,
                keyframe,
                gone: None,
                lost: false,
            });
        }
    }

    /// Somebody deletes the file of a scene; false where there is none.
    pub fn lose(&mut self, scene: &Scene) -> bool {
        let current = self.current(&scene.id, scene.is_still());
        if let Some(version) = current {
            self.versions[version].lost = true;
        }
        current.is_some()
    }
}

/// How a version belongs to a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Match {
    Same,
    Moved,
    Changed,
}

impl Version {
    fn is(&self, asked: &[String]) -> bool {
        !asked.is_empty()
            && self.steps.len() == asked.len()
            && self.steps.iter().zip(asked).all(|(done, asked)| done.asked == *asked)
    }
}

// ---- what reaches a request ----

const EXTEND: &str = "extend ";
const FULL_HD: &str = "upscale 1080p";

/// How a model works on what a scene gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Words,
    FirstFrame,
    BothFrames,
    Pictures,
}

/// What each step of a scene is made from; nothing for a scene that is not made.
fn asked(story: &Story, scene: &Scene, given: &HashMap<Uid, Given>) -> Vec<String> {
    let inputs = |sources: &[Source]| -> String {
        let all: Vec<String> = sources.iter().map(|one| input(story, *one, given)).collect();
        all.join(", ")
    };
    let ratio = scene.ratio.or(story.ratio);
    let (cast, portraits) = cast(story, scene);
    let still = |prompt: &str, sources: &[Source]| {
        // Pictures of characters are used where nothing else shows what is seen.
        let pictures = if sources.is_empty() { &portraits[..] } else { sources };
        let kind = if pictures.is_empty() { "words" } else { "pictures" };
        let ratio = ratio.unwrap_or("16:9");
        format!("keyframe from {kind} | {prompt} | {ratio} | {}", inputs(pictures))
    };
    let mut all = Vec::new();
    match &scene.start {
        Start::Footage => return Vec::new(),
        Start::Still(sources) => {
            let told = ["visual", "action", "lighting", "mood", "style", "negative", "characters"];
            return vec![still(&prompt(story, scene, &told, &cast, false), sources)];
        }
        // In words of its own: they are used as they stand.
        Start::Prompted(words) => all.push(still(words, &[])),
        Start::Drawn(words, sources) => all.push(still(words, sources)),
        _ => {}
    }
    let steps = story.steps_of(scene);
    let extended = steps.iter().any(|step| step.name() == "extend");
    let model = story.model_of(scene);
    if let Start::Remake(uid) = &scene.start {
        let told =
            ["camera", "visual", "action", "lighting", "mood", "style", "negative", "characters"];
        let prompt = prompt(story, scene, &told, &cast, false);
        let seed = story.seed_of(scene);
        let clip = known(given.get(uid).and_then(|given| given.0), *uid);
        all.push(format!("aleph | {prompt} | {ratio:?} | {seed:?} | clip {clip}"));
    } else {
        let (mode, sources) = match &scene.start {
            Start::Picture(one) => (Mode::FirstFrame, vec![*one]),
            Start::Between(first, last) => (Mode::BothFrames, vec![*first, *last]),
            Start::Several(all) => (Mode::Pictures, all.clone()),
            Start::Words if model.is_veo() && !portraits.is_empty() => (Mode::Pictures, portraits),
            Start::Prompted(_) | Start::Drawn(..) => (Mode::FirstFrame, Vec::new()),
            _ => (Mode::Words, Vec::new()),
        };
        let told: &[&str] = match (mode, model.is_veo()) {
            // The picture shows the rest already; only Veo is heard.
            (Mode::FirstFrame | Mode::BothFrames, true) => &["camera", "moves", "sfx", "negative"],
            (Mode::FirstFrame | Mode::BothFrames, false) => &["camera", "moves", "negative"],
            (_, true) => &[
                "camera",
                "visual",
                "action",
                "lighting",
                "mood",
                "style",
                "sfx",
                "negative",
                "characters",
            ],
            (_, false) => &[
                "camera",
                "visual",
                "action",
                "lighting",
                "mood",
                "style",
                "negative",
                "characters",
            ],
        };
        let prompt = prompt(story, scene, told, &cast, extended);
        let seconds = clip_seconds(model, mode, scene.seconds);
        let frame = if model.is_veo() {
            let ratio = ratio.unwrap_or("16:9");
            let resolution = story.resolution_of(scene).unwrap_or("720p");
            format!("{ratio} {resolution} {:?}", story.seed_of(scene))
        } else if mode == Mode::Words {
            ratio.unwrap_or("16:9").to_owned()
        } else {
            String::new()
        };
        all.push(format!(
            "{} {mode:?} | {prompt} | {frame} | {seconds} s | {}",
            model.name(),
            inputs(&sources)
        ));
    }
    for (at, step) in steps.iter().enumerate() {
        all.push(match step {
            Step::Extend(words) => format!("{EXTEND}{} {words}", model.name()),
            Step::Act(action) => {
                let more = steps[at + 1..].iter().any(|step| step.name() == "extend");
                let look = ["lighting", "mood", "style"].map(|label| word(story, scene, label));
                let listed = cast.iter().filter(|one| one.listed);
                let told: Vec<(&str, &str)> =
                    listed.map(|one| (one.name, one.look.as_str())).collect();
                format!("{EXTEND}{} {action} {look:?} {told:?} {more}", model.name())
            }
            Step::Restyle(words) => format!("restyle {words}"),
            Step::Upscale("1080p") => FULL_HD.to_owned(),
            Step::Upscale(target) => format!("upscale {target}"),
            Step::Topaz(factor) => format!("topaz {factor}"),
        });
    }
    all
}

/// The shortest clip of the model that covers the scene.
fn clip_seconds(model: Model, mode: Mode, film: f64) -> u32 {
    let lengths: &[u32] = match (model, mode) {
        (Model::Kling, _) => &[5, 10],
        (_, Mode::Pictures) => &[8],
        _ => &[4, 6, 8],
    };
    let covers = |length: &&u32| f64::from(**length) >= film;
    *lengths.iter().find(covers).expect("no scene is longer than the longest clip")
}

/// A character as it is told.
struct Told {
    name: &'static str,
    look: String,
    listed: bool,
    /// Its name stands in what is seen or done.
    named: bool,
}

/// The characters of a scene, those that it lists first, and their pictures.
fn cast(story: &Story, scene: &Scene) -> (Vec<Told>, Vec<Source>) {
    let says = |name: &str| {
        let mut words = scene.words.values();
        words.any(|text| text.split(|c: char| !c.is_alphanumeric()).any(|word| word == name))
    };
    let mut cast: Vec<(usize, &str, Told)> = Vec::new();
    let mut pictures: Vec<(usize, &str, Source)> = Vec::new();
    for character in &story.characters {
        let place = scene.cast.iter().position(|name| *name == character.name);
        let (listed, named) = (place.is_some(), says(character.name));
        if !listed && !named {
            continue;
        }
        let order = (place.unwrap_or(usize::MAX), character.name);
        let (name, look) = (character.name, character.look.clone());
        cast.push((order.0, order.1, Told { name, look, listed, named }));
        if let Some(portrait) = character.portrait {
            pictures.push((order.0, order.1, Source::File(portrait)));
        }
    }
    cast.sort_by_key(|(place, name, _)| (*place, *name));
    pictures.sort_by_key(|(place, name, _)| (*place, *name));
    let cast = cast.into_iter().map(|(_, _, told)| told).collect();
    (cast, pictures.into_iter().map(|(_, _, picture)| picture).collect())
}

/// A scene's words for a field: its own, else the film's.
fn word<'s>(story: &'s Story, scene: &'s Scene, label: &str) -> Option<&'s str> {
    scene.words.get(label).or_else(|| story.words.get(label)).map(String::as_str)
}

/// The prompt of a scene: its own, word for word, or those of its fields that the model is told.
fn prompt(story: &Story, scene: &Scene, told: &[&str], cast: &[Told], extended: bool) -> String {
    if let Some(own) = scene.words.get("prompt") {
        return own.clone();
    }
    let parts: Vec<String> = told
        .iter()
        .filter_map(|label| match *label {
            "moves" => {
                let moves = word(story, scene, "action").or_else(|| word(story, scene, "visual"));
                moves.map(str::to_owned)
            }
            "characters" => {
                let told: Vec<String> = cast
                    .iter()
                    .filter(|one| one.listed || one.named)
                    .map(|one| format!("{}, {}", one.name, one.look))
                    .collect();
                Some(told.join("; "))
            }
            label => word(story, scene, label).map(str::to_owned),
        })
        .collect();
    format!("{} extended: {extended}", parts.join(" / "))
}

/// A picture by its content.
fn input(story: &Story, source: Source, given: &HashMap<Uid, Given>) -> String {
    match source {
        Source::File(path) => format!("file {}", story.files[path]),
        Source::Url(url) => url.to_owned(),
        Source::Scene(uid, part) => {
            let (content, keyframe) = given.get(&uid).copied().unwrap_or_default();
            match story.part_of(uid, part) {
                Part::Keyframe => format!("clip {}", known(keyframe, uid)),
                // A still has no frames.
                _ if story.scene(uid).is_still() => format!("clip {}", known(content, uid)),
                Part::First => format!("clip {} first", known(content, uid)),
                Part::Last => format!("clip {} last", known(content, uid)),
            }
        }
    }
}

/// Content that is not known is like no other.
fn known(content: Option<u64>, uid: Uid) -> String {
    content.map_or_else(|| format!("that is made of {uid} first"), |content| content.to_string())
}
