//! Which scenes and steps a flag such as `--only` means.

use crate::storyboard::{SceneId, StepKind};
use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};

/// Scenes, and for some of them single steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// By the scene's key; no steps stand for the scene as a whole.
    scenes: BTreeMap<String, BTreeSet<StepKind>>,
}

impl Selection {
    /// Adds a scene as a whole, or one step of it.
    pub fn add(&mut self, scene: &SceneId, step: Option<StepKind>) {
        match (self.scenes.entry(scene.key()), step) {
            (Entry::Vacant(scene), step) => {
                scene.insert(step.into_iter().collect());
            }
            // The whole scene has the step, too, in whichever order they are named.
            (Entry::Occupied(mut scene), None) => scene.get_mut().clear(),
            (Entry::Occupied(mut scene), Some(step)) => {
                if !scene.get().is_empty() {
                    scene.get_mut().insert(step);
                }
            }
        }
    }

    /// True when nothing is selected.
    pub fn is_empty(&self) -> bool {
        self.scenes.is_empty()
    }

    /// True when the scene, or some step of it, is selected.
    pub fn has(&self, scene: &SceneId) -> bool {
        self.scenes.contains_key(&scene.key())
    }

    /// The single steps that are selected of a scene; none where it is selected as a whole or not at all.
    pub fn steps(&self, scene: &SceneId) -> impl Iterator<Item = StepKind> {
        self.scenes.get(&scene.key()).into_iter().flatten().copied()
    }

    /// The first selected step of a scene; `None` where the scene is selected as a whole or not at all.
    pub fn first_step(&self, scene: &SceneId) -> Option<StepKind> {
        self.steps(scene).next()
    }
}
