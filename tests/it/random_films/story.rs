//! Films as their author means them: scenes, what they start from, and the steps after the clip. Not a text yet, and nothing
//! of what the program makes of it.

use crate::support::Dice;
use std::collections::BTreeMap;

/// Tells scenes apart whatever their ids are; other scenes name them by it, so a new id changes all references.
pub type Uid = u32;

/// A film.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    /// The model of a scene that names none.
    pub model: Model,
    /// The ratio of a scene that names none.
    pub ratio: Option<&'static str>,
    /// Words that hold for every scene without its own: style, mood, ...
    pub words: BTreeMap<&'static str, String>,
    pub characters: Vec<Character>,
    /// In the order of the document.
    pub scenes: Vec<Scene>,
    /// What is in each file and asset, by path as written.
    pub files: BTreeMap<&'static str, u64>,
    /// How it is written down; nothing depends on it.
    pub hand: u64,
}

/// Models that make clips here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    VeoFast,
    VeoLite,
    Kling,
}

impl Model {
    pub const ALL: [Self; 3] = [Self::VeoFast, Self::VeoLite, Self::Kling];

    pub fn is_veo(self) -> bool {
        self != Self::Kling
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::VeoFast => "Veo 3.1 Fast",
            Self::VeoLite => "Veo 3.1 Lite",
            Self::Kling => "Kling 2.6",
        }
    }
}

/// A character of front matter.
#[derive(Debug, Clone, PartialEq)]
pub struct Character {
    pub name: &'static str,
    pub look: String,
    /// A path.
    pub portrait: Option<&'static str>,
}

/// A scene.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    pub uid: Uid,
    pub id: String,
    pub title: String,
    /// Words that can reach a prompt, by field.
    pub words: BTreeMap<&'static str, String>,
    /// Words that never do.
    pub editorial: BTreeMap<&'static str, String>,
    /// Length in the film.
    pub seconds: f64,
    pub model: Option<Model>,
    pub ratio: Option<&'static str>,
    pub resolution: Option<&'static str>,
    pub seed: Option<u64>,
    /// Names of characters that it lists.
    pub cast: Vec<&'static str>,
    pub start: Start,
    pub steps: Vec<Step>,
}

/// What a scene is made from. A new kind of edge is a new variant here, a way to write it and a line of the predictor.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// A clip from words.
    Words,
    /// A clip from its first frame.
    Picture(Source),
    /// A clip from its first and its last frame.
    Between(Source, Source),
    /// A clip from several reference pictures.
    Several(Vec<Source>),
    /// Another scene's clip, made anew in another look.
    Remake(Uid),
    /// A clip from a still that these words describe (`image_prompt`).
    Prompted(String),
    /// A clip from a still that a step of its own makes, from words and perhaps pictures.
    Drawn(String, Vec<Source>),
    /// No clip, a still, from words and perhaps pictures.
    Still(Vec<Source>),
    /// Nothing is made: a file that exists.
    Footage,
}

/// A picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Source {
    /// A path, or an asset of the manifest.
    File(&'static str),
    Url(&'static str),
    Scene(Uid, Part),
}

/// What of another scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    First,
    Last,
    Keyframe,
}

/// A step after the clip.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Goes on, in words that are used as they stand.
    Extend(String),
    /// Goes on, told by its action, with the look of the scene.
    Act(String),
    Restyle(String),
    /// Veo's own: `1080p`, `4k`.
    Upscale(&'static str),
    /// `2x`, `4x`.
    Topaz(&'static str),
}

impl Step {
    /// Its name in plans.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Extend(_) | Self::Act(_) => "extend",
            Self::Restyle(_) => "restyle",
            Self::Upscale(_) | Self::Topaz(_) => "upscale",
        }
    }
}

impl Start {
    pub fn sources(&self) -> Vec<Source> {
        match self {
            Self::Words | Self::Prompted(_) | Self::Footage => Vec::new(),
            Self::Picture(one) => vec![*one],
            Self::Between(one, two) => vec![*one, *two],
            Self::Remake(uid) => vec![Source::Scene(*uid, Part::Last)],
            Self::Several(all) | Self::Drawn(_, all) | Self::Still(all) => all.clone(),
        }
    }

    pub fn sources_mut(&mut self) -> Vec<&mut Source> {
        match self {
            Self::Words | Self::Prompted(_) | Self::Footage | Self::Remake(_) => Vec::new(),
            Self::Picture(one) => vec![one],
            Self::Between(one, two) => vec![one, two],
            Self::Several(all) | Self::Drawn(_, all) | Self::Still(all) => all.iter_mut().collect(),
        }
    }

    pub fn has_keyframe(&self) -> bool {
        matches!(self, Self::Prompted(_) | Self::Drawn(..))
    }
}

impl Scene {
    pub fn is_still(&self) -> bool {
        matches!(self.start, Start::Still(_))
    }

    /// Whether it gives others a clip.
    pub fn is_clip(&self) -> bool {
        !self.is_still() && self.start != Start::Footage
    }

    /// The scenes that it starts from.
    pub fn uses(&self) -> Vec<Uid> {
        let uses = self.start.sources().into_iter().filter_map(|source| match source {
            Source::Scene(uid, _) => Some(uid),
            Source::File(_) | Source::Url(_) => None,
        });
        uses.collect()
    }
}

impl Story {
    pub fn scene(&self, uid: Uid) -> &Scene {
        self.scenes
            .iter()
            .find(|scene| scene.uid == uid)
            .expect("nobody names a scene that is gone")
    }

    /// Who makes the clip of a scene: only Veo takes two frames, or several pictures.
    pub fn model_of(&self, scene: &Scene) -> Model {
        let named = scene.model.unwrap_or(self.model);
        match scene.start {
            Start::Between(..) | Start::Several(_) if !named.is_veo() => Model::VeoFast,
            _ => named,
        }
    }

    /// What of another scene a source means: a keyframe only where there is one.
    pub fn part_of(&self, uid: Uid, part: Part) -> Part {
        match part {
            Part::Keyframe if !self.scene(uid).start.has_keyframe() => Part::Last,
            part => part,
        }
    }

    /// Those of the steps that can be carried out, in this order: a Veo clip can be extended until it is something else,
    /// and only Topaz upscales what is not Veo's.
    pub fn steps_of(&self, scene: &Scene) -> Vec<Step> {
        let veo = self.model_of(scene).is_veo() && !matches!(scene.start, Start::Remake(_));
        let (mut own, mut upscaled) = (veo, false);
        let mut steps = Vec::new();
        for step in scene.steps.iter().filter(|_| scene.is_clip()) {
            let fits = match step {
                Step::Extend(_) | Step::Act(_) => own && !upscaled,
                Step::Restyle(_) => !upscaled,
                Step::Upscale(_) => own && !upscaled,
                Step::Topaz(_) => !upscaled,
            };
            if fits {
                own &= matches!(step, Step::Extend(_) | Step::Act(_) | Step::Upscale(_));
                upscaled |= step.name() == "upscale";
                steps.push(step.clone());
            }
        }
        steps
    }

    pub fn seed_of(&self, scene: &Scene) -> Option<u64> {
        let takes = scene.is_clip()
            && (self.model_of(scene).is_veo() || matches!(scene.start, Start::Remake(_)));
        scene.seed.filter(|_| takes)
    }

    pub fn resolution_of(&self, scene: &Scene) -> Option<&'static str> {
        let takes = scene.is_clip()
            && self.model_of(scene).is_veo()
            && !matches!(scene.start, Start::Remake(_));
        scene.resolution.filter(|_| takes)
    }

    /// A scene's own words for a field. Nothing carries what must not be seen into a prompt that is used word for word.
    pub fn own_words(scene: &Scene) -> impl Iterator<Item = (&'static str, &str)> {
        let own_prompt = scene.words.contains_key("prompt");
        let told =
            scene.words.iter().filter(move |(label, _)| !(own_prompt && **label == "negative"));
        told.map(|(label, text)| (*label, text.as_str()))
    }

    /// Whether a scene leads, through whatever others, to another one.
    pub fn leads_to(&self, from: Uid, to: Uid) -> bool {
        from == to || self.scene(from).uses().into_iter().any(|next| self.leads_to(next, to))
    }

    pub fn is_used(&self, uid: Uid) -> bool {
        self.scenes.iter().any(|scene| scene.uses().contains(&uid))
    }
}

// ---- making films up ----

pub const PATHS: [&str; 5] =
    ["refs/rock.png", "refs/sea.png", "refs/lamp.png", "refs/ada.png", "refs/tom.png"];
pub const ASSETS: [&str; 2] = ["img-901", "img-902"];
const URLS: [&str; 2] = ["https://example.com/a.png", "https://example.com/b.png"];
const RATIOS: [&str; 2] = ["16:9", "9:16"];
const RESOLUTIONS: [&str; 2] = ["720p", "1080p"];
const SECONDS: [f64; 6] = [2.5, 4.0, 5.0, 5.5, 6.0, 8.0];
/// Fields of words, each with the beginning of what may stand there.
const WORDS: [(&str, &str); 9] = [
    ("visual", "A lighthouse on a rock, seen from boat"),
    ("action", "The lamp turns over wave"),
    ("camera", "Slow dolly past window"),
    ("lighting", "Dusk through slit"),
    ("mood", "Patient like night"),
    ("style", "35mm film, stock"),
    ("sfx", "Boots on iron stair"),
    ("negative", "A second person, watermark"),
    ("prompt", "A red kite over dune"),
];
/// Those that a scene may have or not.
pub const OPTIONAL: [&str; 7] =
    ["action", "camera", "lighting", "mood", "style", "sfx", "negative"];
/// Those that may hold for the whole film.
pub const OF_FILM: [&str; 4] = ["style", "lighting", "mood", "negative"];
pub const EDITORIAL: [(&str, &str); 4] = [
    ("notes", "Mind the foam in reel"),
    ("voiceover", "Every night she climbed stair"),
    ("transition", "crossfade"),
    ("text", "SKERRY LIGHT"),
];

/// Makes up films and what becomes of them.
pub struct Author {
    pub dice: Dice,
    /// Never the same words, scene or content twice.
    fresh: u32,
}

impl Author {
    pub fn new(seed: u64) -> Self {
        Self { dice: Dice(seed), fresh: 0 }
    }

    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        let at = self.dice.below(items.len() as u64);
        items[usize::try_from(at).expect("a small number")]
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.dice.below(last as u64 + 1);
            items.swap(last, usize::try_from(other).expect("a small number"));
        }
    }

    pub fn fresh(&mut self) -> u32 {
        self.fresh += 1;
        self.fresh
    }

    /// Words for a field that nobody has used before.
    pub fn words(&mut self, label: &str) -> String {
        let (_, begin) = WORDS.iter().find(|(name, _)| *name == label).expect("a field of words");
        format!("{begin} number {}", self.fresh())
    }

    pub fn ratio(&mut self) -> &'static str {
        self.pick(&RATIOS)
    }

    pub fn resolution(&mut self) -> &'static str {
        self.pick(&RESOLUTIONS)
    }

    pub fn seconds(&mut self) -> f64 {
        self.pick(&SECONDS)
    }

    pub fn seed(&mut self) -> u64 {
        10_000 + u64::from(self.fresh())
    }

    /// A film of at most so many scenes.
    pub fn story(&mut self, most: u64) -> Story {
        let count = 1 + self.dice.below(most);
        let mut story = Story {
            model: self.pick(&Model::ALL),
            ratio: self.dice.chance(50).then(|| self.ratio()),
            words: BTreeMap::new(),
            characters: Vec::new(),
            scenes: Vec::new(),
            files: BTreeMap::new(),
            hand: self.dice.below(u64::MAX),
        };
        for label in OF_FILM {
            if self.dice.chance(35) {
                let words = self.words(label);
                story.words.insert(label, words);
            }
        }
        for (name, portrait) in [("Ada", Some("refs/ada.png")), ("Tom", None)] {
            if self.dice.chance(60) {
                let look = format!("grey braid and coat number {}", self.fresh());
                let portrait = portrait.filter(|_| self.dice.chance(60));
                story.characters.push(Character { name, look, portrait });
            }
        }
        for path in PATHS.into_iter().chain(ASSETS) {
            // Two files may be alike.
            let content = if self.dice.chance(15) { 0 } else { u64::from(self.fresh()) };
            story.files.insert(path, content);
        }
        for _ in 0..count {
            let scene = self.scene(&story);
            story.scenes.push(scene);
        }
        // A scene may start from a later one.
        if self.dice.chance(50) {
            self.shuffle(&mut story.scenes);
        }
        if self.dice.chance(70) {
            for (scene, number) in story.scenes.iter_mut().zip(1_u32..) {
                scene.id = number.to_string();
            }
        }
        story
    }

    /// A new scene, which may start from any of those that are there.
    pub fn scene(&mut self, story: &Story) -> Scene {
        let uid = self.fresh();
        let mut scene = Scene {
            uid,
            id: match self.dice.below(3) {
                0 => format!("sh{uid:03}"),
                1 => format!("{uid}A"),
                _ => (100 + uid).to_string(),
            },
            title: "The keeper".to_owned(),
            words: BTreeMap::from([("visual", self.words("visual"))]),
            editorial: BTreeMap::new(),
            seconds: self.seconds(),
            model: self.dice.chance(25).then(|| self.pick(&Model::ALL)),
            ratio: self.dice.chance(15).then(|| self.ratio()),
            resolution: self.dice.chance(15).then(|| self.resolution()),
            seed: self.dice.chance(15).then(|| self.seed()),
            cast: Vec::new(),
            start: self.start(story, uid),
            steps: Vec::new(),
        };
        for label in OPTIONAL.into_iter().chain(["prompt"]) {
            if self.dice.chance(20) {
                let words = self.words(label);
                scene.words.insert(label, words);
            }
        }
        if self.dice.chance(25) {
            // Named in the text and not listed.
            let name = self.pick(&["Ada", "Tom"]);
            let label = self.pick(&["visual", "action"]);
            let words = format!("{name} looks up. {}", self.words(label));
            scene.words.insert(label, words);
        }
        if self.dice.chance(25) {
            scene.cast = self.cast();
        }
        for (label, begin) in EDITORIAL {
            if self.dice.chance(15) {
                scene.editorial.insert(label, begin.to_owned());
            }
        }
        for _ in 0..2 {
            if self.dice.chance(25) {
                scene.steps.push(self.step());
            }
        }
        scene
    }

    pub fn cast(&mut self) -> Vec<&'static str> {
        let mut cast = vec!["Ada", "Tom"];
        self.shuffle(&mut cast);
        cast.truncate(1 + usize::from(self.dice.chance(50)));
        cast
    }

    pub fn step(&mut self) -> Step {
        let number = self.fresh();
        match self.dice.below(6) {
            0 | 1 => Step::Extend(format!("The camera drifts past window {number}")),
            2 => Step::Act(format!("She climbs to window {number}")),
            3 => Step::Restyle(format!("Brush strokes of painter {number}")),
            4 => Step::Upscale(self.pick(&["1080p", "4k"])),
            _ => Step::Topaz(self.pick(&["2x", "4x"])),
        }
    }

    /// What a scene starts from: of other scenes only those that do not lead to it.
    pub fn start(&mut self, story: &Story, own: Uid) -> Start {
        let exists = story.scenes.iter().any(|scene| scene.uid == own);
        let free = |scene: &&Scene| !exists || !story.leads_to(scene.uid, own);
        let clips: Vec<Uid> = story
            .scenes
            .iter()
            .filter(free)
            .filter(|scene| scene.is_clip())
            .map(|scene| scene.uid)
            .collect();
        match self.dice.below(20) {
            0..=3 => Start::Words,
            4..=8 => Start::Picture(self.source(story, own)),
            9..=10 => Start::Between(self.source(story, own), self.source(story, own)),
            11 => {
                let count = 2 + self.dice.below(2);
                Start::Several((0..count).map(|_| self.source(story, own)).collect())
            }
            12..=14 if !clips.is_empty() => Start::Remake(self.pick(&clips)),
            15..=16 => Start::Prompted(self.words("visual")),
            17 => Start::Drawn(self.words("visual"), self.perhaps(story, own)),
            18 if !exists => Start::Still(self.perhaps(story, own)),
            19 if !exists && self.dice.chance(50) => Start::Footage,
            _ => Start::Picture(self.source(story, own)),
        }
    }

    /// A picture or two, or none.
    pub fn perhaps(&mut self, story: &Story, own: Uid) -> Vec<Source> {
        let count = self.dice.below(3);
        (0..count).map(|_| self.source(story, own)).collect()
    }

    /// A picture: mostly of another scene.
    pub fn source(&mut self, story: &Story, own: Uid) -> Source {
        let exists = story.scenes.iter().any(|scene| scene.uid == own);
        let scenes: Vec<Uid> = story
            .scenes
            .iter()
            .filter(|scene| scene.start != Start::Footage)
            .filter(|scene| !exists || !story.leads_to(scene.uid, own))
            .map(|scene| scene.uid)
            .collect();
        if !scenes.is_empty() && self.dice.chance(70) {
            let part = self.pick(&[Part::Last, Part::Last, Part::First, Part::Keyframe]);
            return Source::Scene(self.pick(&scenes), part);
        }
        match self.dice.below(6) {
            0 => Source::Url(self.pick(&URLS)),
            1 => Source::File(self.pick(&ASSETS)),
            _ => Source::File(self.pick(&PATHS)),
        }
    }
}
