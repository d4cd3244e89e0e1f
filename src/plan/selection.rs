//! Which scenes and steps a flag such as `--only` means.

use crate::storyboard::{SceneId, StepKind};
use std::collections::{BTreeMap, BTreeSet};

/// Scenes, and for some of them single steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    scenes: BTreeMap<String, BTreeSet<StepKind>>,
}

impl Selection {
    /// Adds a scene as a whole, or one step of it.
    pub fn add(&mut self, scene: &SceneId, step: Option<StepKind>) {
        let steps = self.scenes.entry(scene.key()).or_default();
        steps.extend(step);
    }

    /// True when nothing is selected.
    pub fn is_empty(&self) -> bool {
        self.scenes.is_empty()
    }

    /// True when the scene, or some step of it, is selected.
    pub fn has(&self, scene: &SceneId) -> bool {
        self.scenes.contains_key(&scene.key())
    }

    /// The first selected step of a scene; `None` where the scene is selected as a whole or not at all.
    pub fn first_step(&self, scene: &SceneId) -> Option<StepKind> {
        self.scenes.get(&scene.key())?.iter().next().copied()
    }
}
