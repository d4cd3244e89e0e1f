//! What authors do to a film between two renders.

use super::predict::Retake;
use super::story::{Author, EDITORIAL, Model, OF_FILM, OPTIONAL, PATHS, Start, Step, Story, Uid};

/// A kind of edit. A new one is a new variant and an arm below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edit {
    Words,
    WordsTaken,
    WordsOfFilm,
    ModelOfFilm,
    RatioOfFilm,
    Model,
    Ratio,
    Resolution,
    Seed,
    Length,
    Cast,
    Look,
    Portrait,
    FileContent,
    Source,
    Start,
    StepWords,
    StepAdded,
    StepTaken,
    StepReplaced,
    SceneAdded,
    SceneInserted,
    SceneTwin,
    SceneTaken,
    Order,
    Id,
    Ids,
    IdsSwapped,
    Retake,
    RetakeOfStep,
    FileDeleted,
    Undo,
    Editorial,
    Hand,
}

impl Edit {
    pub const ALL: [Self; 34] = [
        Self::Words,
        Self::WordsTaken,
        Self::WordsOfFilm,
        Self::ModelOfFilm,
        Self::RatioOfFilm,
        Self::Model,
        Self::Ratio,
        Self::Resolution,
        Self::Seed,
        Self::Length,
        Self::Cast,
        Self::Look,
        Self::Portrait,
        Self::FileContent,
        Self::Source,
        Self::Start,
        Self::StepWords,
        Self::StepAdded,
        Self::StepTaken,
        Self::StepReplaced,
        Self::SceneAdded,
        Self::SceneInserted,
        Self::SceneTwin,
        Self::SceneTaken,
        Self::Order,
        Self::Id,
        Self::Ids,
        Self::IdsSwapped,
        Self::Retake,
        Self::RetakeOfStep,
        Self::FileDeleted,
        Self::Undo,
        Self::Editorial,
        Self::Hand,
    ];

    /// Edits that never cost anything, whatever the film. Where scenes are `twins` and get other ids, they may trade their
    /// clips: nobody can tell whose is whose. What starts from them has another source then.
    pub fn is_free(self, twins: bool) -> bool {
        match self {
            Self::Order | Self::FileDeleted | Self::SceneTaken | Self::Editorial | Self::Hand => {
                true
            }
            Self::Id | Self::Ids | Self::IdsSwapped | Self::Undo => !twins,
            _ => false,
        }
    }
}

/// What an edit is beside another story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    Nothing,
    Retake(Retake),
    /// The file of this scene is deleted.
    Lose(Uid),
}

impl Author {
    /// Edits a film; `before` is what it was before the last edit.
    pub fn edit(
        &mut self,
        edit: Edit,
        story: &mut Story,
        before: Option<&Story>,
    ) -> Option<Beside> {
        let at = self.dice.below(story.scenes.len().max(1) as u64);
        let at = usize::try_from(at).expect("a small number");
        let uid = story.scenes.get(at)?.uid;
        let dice = &mut self.dice;
        match edit {
            Edit::Words => {
                let labels = [&["visual", "visual", "prompt"][..], &OPTIONAL].concat();
                let label = self.pick(&labels);
                let words = self.words(label);
                story.scenes[at].words.insert(label, words);
                if let (true, Start::Prompted(text)) =
                    (label == "visual", &mut story.scenes[at].start)
                {
                    *text = self.words("visual");
                }
            }
            Edit::WordsTaken => {
                let labels = [&["prompt"][..], &OPTIONAL].concat();
                let label = self.pick(&labels);
                story.scenes[at].words.remove(label)?;
            }
            Edit::WordsOfFilm => {
                let label = self.pick(&OF_FILM);
                let words = self.words(label);
                if self.dice.chance(70) {
                    story.words.insert(label, words);
                } else {
                    story.words.remove(label)?;
                }
            }
            Edit::ModelOfFilm => story.model = self.pick(&Model::ALL),
            Edit::RatioOfFilm => story.ratio = dice.chance(70).then(|| self.ratio()),
            Edit::Model => story.scenes[at].model = dice.chance(70).then(|| self.pick(&Model::ALL)),
            Edit::Ratio => story.scenes[at].ratio = dice.chance(70).then(|| self.ratio()),
            Edit::Resolution => {
                story.scenes[at].resolution = dice.chance(70).then(|| self.resolution());
            }
            Edit::Seed => story.scenes[at].seed = dice.chance(70).then(|| self.seed()),
            Edit::Length => story.scenes[at].seconds = self.seconds(),
            Edit::Cast => {
                story.scenes[at].cast = if dice.chance(70) { self.cast() } else { Vec::new() };
            }
            Edit::Look => {
                let look = format!("straw hat number {}", self.fresh());
                let count = story.characters.len() as u64;
                let which = usize::try_from(self.dice.below(count.max(1))).expect("small");
                story.characters.get_mut(which)?.look = look;
            }
            Edit::Portrait => {
                let portrait = dice.chance(70).then(|| self.pick(&PATHS));
                story.characters.first_mut()?.portrait = portrait;
            }
            Edit::FileContent => {
                let paths: Vec<&str> = story.files.keys().copied().collect();
                let content = u64::from(self.fresh());
                story.files.insert(self.pick(&paths), content);
            }
            Edit::Source => {
                let new = self.source(story, uid);
                let mut sources = story.scenes[at].start.sources_mut();
                let which = self.dice.below(sources.len().max(1) as u64);
                **sources.get_mut(usize::try_from(which).expect("small"))? = new;
            }
            Edit::Start => {
                if story.scenes[at].start == Start::Footage {
                    return None;
                }
                story.scenes[at].start = if story.scenes[at].is_still() {
                    Start::Still(self.perhaps(story, uid))
                } else {
                    self.start(story, uid)
                };
            }
            Edit::StepWords => {
                let number = self.fresh();
                let count = story.scenes[at].steps.len() as u64;
                let which = usize::try_from(self.dice.below(count.max(1))).expect("small");
                match story.scenes[at].steps.get_mut(which)? {
                    Step::Extend(text) | Step::Act(text) | Step::Restyle(text) => {
                        *text = format!("Something else happens at hour {number}");
                    }
                    step => *step = self.step(),
                }
            }
            Edit::StepAdded => {
                let step = self.step();
                story.scenes[at].steps.push(step);
            }
            Edit::StepTaken => {
                story.scenes[at].steps.pop()?;
            }
            Edit::StepReplaced => {
                let step = self.step();
                let steps = &mut story.scenes[at].steps;
                steps.pop();
                steps.push(step);
            }
            Edit::SceneAdded => {
                let scene = self.scene(story);
                story.scenes.push(scene);
            }
            Edit::SceneInserted => {
                let scene = self.scene(story);
                story.scenes.insert(at, scene);
                number(story);
            }
            Edit::SceneTwin => {
                let mut twin = story.scenes[at].clone();
                twin.uid = self.fresh();
                twin.id = format!("twin{}", twin.uid);
                story.scenes.insert(at, twin);
            }
            Edit::SceneTaken => {
                if story.is_used(uid) || story.scenes.len() < 2 {
                    return None;
                }
                story.scenes.remove(at);
            }
            Edit::Order => self.shuffle(&mut story.scenes),
            Edit::Id => story.scenes[at].id = format!("new{}", self.fresh()),
            Edit::Ids => number(story),
            Edit::IdsSwapped => {
                let other = self.dice.below(story.scenes.len() as u64);
                let other = usize::try_from(other).expect("small");
                let id = story.scenes[other].id.clone();
                story.scenes[other].id = std::mem::replace(&mut story.scenes[at].id, id);
            }
            Edit::Retake => return Some(Beside::Retake(Some((uid, 0)))),
            Edit::RetakeOfStep => {
                let steps = story.steps_of(&story.scenes[at]);
                let which = usize::try_from(dice.below(steps.len().max(1) as u64)).expect("small");
                let name = steps.get(which)?.name();
                // The provider gives the same upgrade of a clip again, and takes no money for it.
                if steps.iter().any(|step| step.name() == name && matches!(step, Step::Upscale(_)))
                {
                    return None;
                }
                // A step is named by its kind: the first of it is meant.
                let first = steps.iter().position(|step| step.name() == name)?;
                let before = 1 + usize::from(story.scenes[at].start.has_keyframe());
                return Some(Beside::Retake(Some((uid, before + first))));
            }
            Edit::FileDeleted => return Some(Beside::Lose(uid)),
            Edit::Undo => {
                let hand = story.hand;
                *story = before?.clone();
                story.hand = hand;
            }
            Edit::Editorial => {
                let (label, begin) = self.pick(&EDITORIAL);
                let words = match label {
                    "transition" => "cut".to_owned(),
                    _ => format!("{begin} {}", self.fresh()),
                };
                story.scenes[at].editorial.insert(label, words);
                story.scenes[at].title = format!("Take {}", self.fresh());
            }
            Edit::Hand => story.hand = dice.below(u64::MAX),
        }
        Some(Beside::Nothing)
    }
}

/// Numbers all scenes in their order.
fn number(story: &mut Story) {
    for (scene, number) in story.scenes.iter_mut().zip(1_u32..) {
        scene.id = number.to_string();
    }
}
