//! From a scene and its plan to what is drawn of it.

use super::workspace::{Looked, Workspace};
use crate::known::{KnownInput, Output, is_lfs_pointer};
use crate::manifest::{AssetEntry, Media};
use crate::media::{Which, probe_file};
use crate::plan::{Action, ScenePlan, media_of};
use crate::preview::{Extension, LONGEST_CLIP, Portrait, Shot, Source, Step};
use crate::storyboard::{
    Character, Field, Fields, FrameOf, Input, Scene, SceneId, Step as Written, StepKind, Value,
};
use serde_json::{Map, Value as Json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// How long a preview is where neither film nor clip length is known, in seconds.
const DEFAULT_SECONDS: f64 = 8.0;
/// How much longer an extension makes a preview where the model does not say, in seconds.
const EXTENSION_SECONDS: f64 = 7.0;
/// How long a title or a still stands where its author does not say, in seconds.
const CARD_SECONDS: f64 = 4.0;
/// How long black lasts where its author does not say, in seconds.
const BLACK_SECONDS: f64 = 1.0;
/// The most characters of any text that are looked at; no slate has room for as many.
const MOST_CHARACTERS: usize = 4000;
/// The most lines of dialogue that get a subtitle.
const MOST_LINES: usize = 200;

/// The storyboard with what is known of it.
pub(super) struct Board<'a> {
    workspace: &'a Workspace,
    looked: &'a Looked,
    plans: &'a [ScenePlan],
    defaults: Fields,
    /// Places of scenes by key.
    places: HashMap<String, usize>,
}

/// The composed prompt of a step of this kind.
pub(super) fn composed(plan: &ScenePlan, kind: StepKind) -> String {
    let step = plan.steps.iter().find(|step| step.step == kind);
    step.and_then(|step| step.prompt.clone()).unwrap_or_default()
}

impl<'a> Board<'a> {
    pub(super) fn new(
        workspace: &'a Workspace,
        looked: &'a Looked,
        plans: &'a [ScenePlan],
    ) -> Self {
        let scenes = workspace.board.scenes.iter().enumerate();
        Self {
            workspace,
            looked,
            plans,
            defaults: workspace.board.defaults.over(&workspace.settings.defaults),
            places: scenes.map(|(at, scene)| (scene.id.key(), at)).collect(),
        }
    }

    /// What is drawn of each scene, in document order.
    pub(super) fn shots(&self) -> Vec<Shot> {
        let scenes = self.workspace.board.scenes.iter().zip(self.plans);
        scenes.enumerate().map(|(at, (scene, plan))| self.shot(at, scene, plan)).collect()
    }

    /// Which scene of the film it is, and of how many: the sheets of characters are none.
    fn position(&self, at: usize) -> (usize, usize) {
        let scenes = &self.workspace.board.scenes;
        let count =
            |scenes: &[Scene]| scenes.iter().filter(|scene| scene.sheet_of.is_none()).count();
        (count(&scenes[..=at]), count(scenes))
    }

    fn shot(&self, at: usize, scene: &Scene, plan: &ScenePlan) -> Shot {
        let board = &self.workspace.board;
        let fields = &scene.effective(&self.defaults);
        let text = |field: Field| fields.text(field).map(cut);
        let words = words(fields, plan);
        let steps = scene.steps.as_deref().or(board.default_steps.as_deref()).unwrap_or_default();
        let (source, origin) = self.source(scene, fields, steps, plan, &words);
        let is_generated = !matches!(
            source,
            Source::Footage { .. } | Source::Missing { .. } | Source::Title(_) | Source::Black
        );
        let steps = if is_generated && !fields.is_still() { steps } else { &[] };
        let extensions = extensions(steps);
        let step = plan.steps.iter().find(|step| step.step == StepKind::Generate);
        Shot {
            scene: cut(&scene.id.to_string()),
            position: self.position(at),
            film_title: board.title.as_ref().map(|title| cut(&title.value)),
            title: scene.title.as_ref().map(|title| cut(&title.value)),
            shot: text(Field::Shot),
            camera: text(Field::Camera).filter(|_| !fields.is_still()),
            words,
            dialogue: lines(fields.text(Field::Dialogue).unwrap_or_default()),
            sound: sounds(fields),
            // A title is what the card shows.
            text_overlay: text(Field::Text).filter(|_| !matches!(source, Source::Title(_))),
            transition: text(Field::Transition),
            model: step.or(plan.steps.first()).map(|step| step.name.clone()).unwrap_or_default(),
            duration: seconds(scene, plan, &extensions, &source, fields),
            upscale: steps
                .iter()
                .rfind(|step| step.kind == StepKind::Upscale)
                .map(|step| cut(step.fields.text(Field::Resolution).unwrap_or("upscale"))),
            steps: chain(steps, fields, is_generated && !fields.is_still()),
            extensions,
            aspect_ratio: aspect_ratio(fields, step.map(|step| &step.parts)),
            cast: self.cast(fields),
            source,
            origin,
        }
    }

    /// What the picture is made of, and the label that says so.
    fn source(
        &self,
        scene: &Scene,
        fields: &Fields,
        steps: &[Written],
        plan: &ScenePlan,
        words: &str,
    ) -> (Source, Option<String>) {
        let label = |text: &str| Some(text.to_owned());
        if let Some(name) = fields.text(Field::File) {
            return (self.footage(name, fields), label("footage"));
        }
        match kind(fields).as_str() {
            "title" | "title_card" => {
                let title = scene.title.as_ref().map(|title| title.value.as_str());
                let text = fields.text(Field::Text).or(title).unwrap_or(words);
                return (Source::Title(cut(text)), label("title"));
            }
            "black" => return (Source::Black, label("black")),
            "footage" => {
                let why = "the scene names no `file`".to_owned();
                return (Source::Missing { name: "no file".into(), why }, label("footage"));
            }
            _ => {}
        }
        let published = self.entry(scene, plan);
        if fields.is_still() {
            let still = published.and_then(|entry| self.published(entry));
            return match still {
                Some(path) => (Source::Picture(path), label("still")),
                None => (Source::Still(words.to_owned()), label("still")),
            };
        }
        // What a clip is made of comes before what it starts from.
        for input in fields.inputs(Field::Video) {
            if let Some(made) = self.clip(input, fields) {
                return made;
            }
        }
        if let Some(id) = fields.text(Field::Extends)
            && let Some(made) = self.frame(id, FrameOf::Last)
        {
            return made;
        }
        let keyframe = steps.iter().find(|step| step.kind == StepKind::Keyframe);
        let still = |written: Option<&str>| {
            let chosen = self.chosen_still(scene, plan);
            let made = chosen.or_else(|| published.and_then(|entry| self.keyframe_of(entry)));
            match made {
                Some(path) => (Source::Picture(path), label("keyframe")),
                None => (Source::Still(cut(written.unwrap_or(words))), label("keyframe")),
            }
        };
        if let Some(step) = keyframe {
            let own = [Field::Prompt, Field::ImagePrompt, Field::Visual];
            let own = own.into_iter().find_map(|field| step.fields.text(field));
            return still(own.or(fields.text(Field::ImagePrompt)));
        }
        let pictures = fields.inputs(Field::Reference).iter();
        for input in pictures.chain(fields.inputs(Field::ImagePrompt)) {
            match input {
                Input::Scene { id, frame } => {
                    if let Some(made) = self.frame(id, *frame) {
                        return made;
                    }
                }
                Input::Path(name) | Input::Asset(name) => {
                    if let Some(path) = self.picture(name) {
                        return (Source::Picture(path), None);
                    }
                }
                Input::Url(_) => {}
            }
        }
        // A still is made of words only where nothing else is given to start from.
        let is_given = |field| !fields.inputs(field).is_empty();
        match fields.text(Field::ImagePrompt) {
            Some(written) if !is_given(Field::Reference) && !is_given(Field::Video) => {
                still(Some(written))
            }
            _ => (Source::Words, None),
        }
    }

    /// What is published of a scene that has not changed since.
    fn entry(&self, scene: &Scene, plan: &ScenePlan) -> Option<&'a AssetEntry> {
        let Looked { known, place, .. } = self.looked;
        let entry = self.workspace.entry_of(known, place, scene);
        entry.filter(|_| plan.action == Action::Unchanged)
    }

    /// The file of a published clip or still, if it is here.
    fn published(&self, entry: &AssetEntry) -> Option<PathBuf> {
        let output = self.looked.known.outputs.get(&entry.filename);
        let is_here = matches!(output, Some(Output::File { .. }));
        self.workspace.layout.asset(&entry.filename).filter(|_| is_here)
    }

    /// The still that was made, and perhaps chosen, for a scene's clip, if it is not to be made anew.
    fn chosen_still(&self, scene: &Scene, plan: &ScenePlan) -> Option<PathBuf> {
        let mut keyframes = plan.steps.iter().filter(|step| step.step == StepKind::Keyframe);
        if keyframes.any(|step| step.action.is_paid()) {
            return None;
        }
        let Looked { known, place, .. } = self.looked;
        let storyboard = place.storyboard.as_deref();
        let entry = known.manifest.current(storyboard, None, &scene.id, Media::Image)?;
        if entry.ask.get("through").is_some() { self.published(entry) } else { None }
    }

    /// The still that a published clip started from, if it is still here.
    fn keyframe_of(&self, entry: &AssetEntry) -> Option<PathBuf> {
        let step = entry.steps.iter().find(|step| step.step == StepKind::Keyframe)?;
        let path = self.workspace.layout.cached(step.sha256.as_ref()?);
        path.is_file().then_some(path)
    }

    /// A frame of another scene; `None` where there is no such scene.
    fn frame(&self, id: &str, frame: FrameOf) -> Option<(Source, Option<String>)> {
        let (of, scene, media) = self.other(id)?;
        let entry = self.entry(scene, &self.plans[of]);
        let (moment, name) = match frame {
            FrameOf::First => (Which::First, "first frame"),
            FrameOf::Last => (Which::Last, "last frame"),
            FrameOf::Keyframe => (Which::First, "keyframe"),
        };
        let name = if media == Media::Image { "still" } else { name };
        let origin = Some(format!("from scene {}, {name}", scene.id));
        let still = match (frame, media) {
            (_, Media::Image) => entry.and_then(|entry| self.published(entry)),
            (FrameOf::Keyframe, _) => self
                .chosen_still(scene, &self.plans[of])
                .or_else(|| entry.and_then(|entry| self.keyframe_of(entry))),
            _ => None,
        };
        let source = match still {
            Some(path) => Source::Picture(path),
            None => {
                let clip = entry.filter(|_| media == Media::Video);
                let clip = clip.and_then(|entry| self.published(entry));
                Source::Frame { of, moment, clip }
            }
        };
        Some((source, origin))
    }

    /// A whole clip that is made anew; `None` for what cannot be shown.
    fn clip(&self, input: &Input, fields: &Fields) -> Option<(Source, Option<String>)> {
        match input {
            Input::Scene { id, .. } => {
                let (of, scene, _) = self.other(id)?;
                let entry = self.entry(scene, &self.plans[of]);
                let clip = entry.and_then(|entry| self.published(entry));
                let origin = format!("from the clip of scene {}", scene.id);
                Some((Source::Clip { of, clip }, Some(origin)))
            }
            Input::Path(name) | Input::Asset(name) => {
                Some((self.footage(name, fields), Some("from a clip".into())))
            }
            Input::Url(_) => None,
        }
    }

    fn other(&self, id: &str) -> Option<(usize, &'a Scene, Media)> {
        let at = *self.places.get(&SceneId::parse(id).key())?;
        let scene = &self.workspace.board.scenes[at];
        let media = media_of(scene, &self.workspace.board, &self.workspace.settings.defaults);
        Some((at, scene, media))
    }

    /// Footage that exists, or a card that says why it cannot be used.
    fn footage(&self, name: &str, fields: &Fields) -> Source {
        let part = fields.ranges(Field::Use).first();
        let (from, to) = part.map_or((0.0, None), |part| (part.start, Some(part.end)));
        let shown = cut(name);
        match self.file(name) {
            Ok(file) => Source::Footage { file, name: shown, from, to },
            Err(why) => Source::Missing { name: shown, why: why.to_owned() },
        }
    }

    /// A file of the project. The storyboard's text is anybody's, so nothing outside is opened.
    fn file(&self, name: &str) -> Result<PathBuf, &'static str> {
        let name = name.trim();
        if name.starts_with("https://") || name.starts_with("http://") {
            return Err("links are not fetched");
        }
        let path = match self.looked.known.manifest.asset_filename(name) {
            Some(filename) => {
                self.workspace.layout.asset(filename).ok_or("lies outside the project")?
            }
            None => self.workspace.settings.project.storyboard_folder().join(name),
        };
        let real = path.canonicalize().map_err(|_| "is missing")?;
        let root = &self.workspace.layout.project_root;
        let root = root.canonicalize().unwrap_or_else(|_| root.clone());
        if !real.starts_with(&root) {
            return Err("lies outside the project");
        }
        match real.metadata() {
            Ok(metadata) if !metadata.is_file() => Err("is not a file"),
            Ok(metadata) if is_lfs_pointer(&real, metadata.len()) => {
                Err("is a Git LFS pointer; `git lfs pull` brings the file")
            }
            Ok(_) => Ok(real),
            Err(_) => Err("cannot be read"),
        }
    }

    /// A picture that the storyboard names, if it can be drawn.
    fn picture(&self, name: &str) -> Option<PathBuf> {
        let Some(KnownInput::File { path, .. }) = self.looked.known.inputs.get(name) else {
            return None;
        };
        is_picture(path).then(|| path.clone())
    }

    /// The characters in a scene of whose looks there is a picture.
    fn cast(&self, fields: &Fields) -> Vec<Portrait> {
        let Some(Value::Names(names)) = fields.get(Field::Characters).map(|value| &value.value)
        else {
            return Vec::new();
        };
        let known = |name: &String| {
            let is_named =
                |character: &&Character| character.name.value.to_lowercase() == name.to_lowercase();
            self.workspace.board.characters.iter().find(is_named)
        };
        let portrait = |character: &Character| Portrait {
            name: cut(&character.name.value),
            picture: character.images.iter().find_map(|image| match &image.value {
                Input::Path(name) | Input::Asset(name) => self.picture(name),
                Input::Url(_) | Input::Scene { .. } => None,
            }),
        };
        let pictured = |character: &&Character| !character.images.is_empty();
        names.iter().filter_map(known).filter(pictured).map(portrait).collect()
    }
}

/// As much of a text as anybody reads on a slate.
fn cut(text: &str) -> String {
    text.chars().take(MOST_CHARACTERS).collect()
}

fn kind(fields: &Fields) -> String {
    let kind = fields.text(Field::Kind).unwrap_or_default();
    kind.trim().to_lowercase().replace([' ', '-'], "_")
}

fn is_picture(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    matches!(ending.to_ascii_lowercase().as_str(), "png" | "jpg" | "jpeg" | "webp")
}

/// What a scene shows: its own prompt, else its fields, else what the plan composed of them.
fn words(fields: &Fields, plan: &ScenePlan) -> String {
    let told = || {
        let fields =
            [Field::Visual, Field::Subject, Field::Action, Field::Setting, Field::Lighting]
                .into_iter()
                .filter_map(|field| fields.text(field));
        let parts: Vec<&str> = fields.collect();
        (!parts.is_empty()).then(|| parts.join(". "))
    };
    let words = fields.text(Field::Prompt).map(str::to_owned).or_else(told);
    cut(&words.unwrap_or_else(|| composed(plan, StepKind::Generate)))
}

fn lines(dialogue: &str) -> Vec<String> {
    let lines = dialogue.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.take(MOST_LINES).map(cut).collect()
}

fn sounds(fields: &Fields) -> Vec<String> {
    let labels = [
        (Field::Sfx, "SFX"),
        (Field::Ambient, "Ambient"),
        (Field::Music, "Music"),
        (Field::Audio, "Sound"),
    ];
    let sound = |(field, label)| Some(format!("{label}: {}", cut(fields.text(field)?)));
    labels.into_iter().filter_map(sound).collect()
}

fn extensions(steps: &[Written]) -> Vec<Extension> {
    let extension = |step: &Written| Extension {
        words: cut(step
            .fields
            .text(Field::Prompt)
            .or(step.fields.text(Field::Visual))
            .unwrap_or_default()),
        camera: step.fields.text(Field::Camera).map(cut),
        seconds: step.fields.seconds(Field::Duration).unwrap_or(EXTENSION_SECONDS),
    };
    steps.iter().filter(|step| step.kind == StepKind::Extend).map(extension).collect()
}

/// The steps of a clip, with those that nobody writes.
fn chain(steps: &[Written], fields: &Fields, is_clip: bool) -> Vec<Step> {
    if !is_clip {
        return Vec::new();
    }
    let has = |kind| steps.iter().any(|step| step.kind == kind);
    let step = |kind: StepKind| Step {
        label: kind.name().to_owned(),
        makes_time: matches!(kind, StepKind::Generate | StepKind::Extend),
    };
    let makes_still = fields.text(Field::ImagePrompt).is_some()
        && fields.inputs(Field::Reference).is_empty()
        && fields.inputs(Field::Video).is_empty();
    let mut chain = Vec::new();
    if has(StepKind::Voice) {
        chain.push(step(StepKind::Voice));
    }
    if has(StepKind::Keyframe) || makes_still {
        chain.push(step(StepKind::Keyframe));
    }
    chain.push(step(StepKind::Generate));
    for written in steps {
        match (written.kind, written.fields.text(Field::Resolution)) {
            (StepKind::Voice | StepKind::Keyframe | StepKind::Generate, _) => {}
            (StepKind::Upscale, Some(size)) => {
                let label = format!("upscale {}", cut(size));
                chain.push(Step { label, makes_time: false });
            }
            (kind, _) => chain.push(step(kind)),
        }
    }
    chain
}

/// How long the first clip is.
fn seconds(
    scene: &Scene,
    plan: &ScenePlan,
    extensions: &[Extension],
    source: &Source,
    fields: &Fields,
) -> f64 {
    let unless_told = |seconds: f64| plan.duration.unwrap_or(seconds);
    match source {
        Source::Title(_) => unless_told(CARD_SECONDS),
        Source::Black => unless_told(BLACK_SECONDS),
        // Footage that plays brings its own length, which a default of the film does not know.
        Source::Footage { file, from, to, .. } if !is_picture(file) => {
            let own = scene.fields.seconds(Field::Duration);
            let whole = || Some(probe_file(file).ok()?.duration - from);
            let part = own.or(to.map(|to| to - from)).or_else(whole);
            let part = part.filter(|seconds| *seconds > 0.0);
            part.unwrap_or_else(|| unless_told(CARD_SECONDS)).min(LONGEST_CLIP)
        }
        Source::Footage { .. } | Source::Missing { .. } => unless_told(CARD_SECONDS),
        _ if fields.is_still() => unless_told(CARD_SECONDS),
        _ => base_seconds(plan, extensions),
    }
}

/// How much of the film length the first clip covers. A scene whose duration reaches into its extensions is as long as
/// its author says; one whose duration the first clip covers alone is made longer by them.
fn base_seconds(plan: &ScenePlan, extensions: &[Extension]) -> f64 {
    let more: f64 = extensions.iter().map(|extension| extension.seconds).sum();
    let film = plan.duration.or(plan.clip_length).unwrap_or(DEFAULT_SECONDS);
    let first = plan.clip_length.map_or(film, |clip| clip - more);
    if film > first && film > more { film - more } else { film }
}

/// The ratio that the author asks for, or that the request has, else 16:9.
fn aspect_ratio(fields: &Fields, parts: Option<&Map<String, Json>>) -> (u32, u32) {
    let sent = || {
        let parts = parts?;
        ["aspect_ratio", "aspectRatio"].iter().find_map(|name| parts.get(*name)?.as_str())
    };
    let ratio = |text: &str| {
        let (width, height) = text.split_once(':')?;
        let (width, height) = (width.trim().parse().ok()?, height.trim().parse().ok()?);
        (width > 0 && height > 0).then_some((width, height))
    };
    fields
        .text(Field::AspectRatio)
        .and_then(ratio)
        .or_else(|| sent().and_then(ratio))
        .unwrap_or((16, 9))
}
