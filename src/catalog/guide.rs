//! Which model `auto` means: a guide by what the author wants most.

use super::model::{ModeKind, Status};
use super::{Catalog, Found, Wants};

/// What an author wants most of a clip.
struct Goal {
    /// The word in a storyboard, and others that mean it.
    names: &'static [&'static str],
    /// Models in order of preference; the first that can do what the scene asks for is taken.
    models: &'static [&'static str],
    /// The work that it is about, where only that will do.
    work: &'static [ModeKind],
    /// Why these.
    why: &'static str,
}

const GOALS: &[Goal] = &[
    Goal {
        names: &["value", "cheap", "price", "budget"],
        models: &["Veo 3.1 Fast", "Hailuo 02 Standard", "Wan 2.7", "Kling 3.0"],
        work: &[],
        why: "much picture for the money",
    },
    Goal {
        names: &["quality", "best"],
        models: &["Veo 3.1", "Kling 3.0 Omni", "Veo 3.1 Fast"],
        work: &[],
        why: "the best picture",
    },
    Goal {
        names: &["speed", "fast", "draft"],
        models: &["Veo 3.1 Fast", "Bytedance V1 Lite", "Wan 2.7"],
        work: &[],
        why: "done soon",
    },
    Goal {
        names: &["audio", "sound", "speech"],
        models: &["Veo 3.1", "Veo 3.1 Fast", "Wan 2.7", "InfiniTalk"],
        work: &[],
        why: "sound that belongs to the picture",
    },
    Goal {
        names: &["animate", "image", "motion"],
        models: &["Runway", "Kling 2.6", "Wan 2.6", "Veo 3.1 Fast"],
        work: &[],
        why: "made for bringing a picture to life",
    },
    Goal {
        names: &["edit", "restyle"],
        models: &["Runway Aleph", "Wan 2.7", "Kling 3.0 Omni"],
        // Without a clip there is nothing to edit, and that is told rather than something else made.
        work: &[ModeKind::V2v, ModeKind::Motion],
        why: "changes a clip and keeps its motion",
    },
    Goal {
        names: &["extend", "length"],
        models: &["Veo 3.1 Fast", "Runway", "PixVerse V6"],
        work: &[],
        why: "its clips can be made longer",
    },
    Goal {
        names: &["upscale", "resolution", "enhance"],
        models: &["Topaz Video Upscale"],
        work: &[ModeKind::Upscale],
        why: "gives a clip more pixels",
    },
    Goal {
        names: &["consistency", "character", "characters", "references"],
        models: &["Veo 3.1 Fast", "Seedance 2.5", "Kling 3.0 Omni"],
        work: &[],
        why: "takes reference pictures",
    },
];

/// What `auto` means.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice<'a> {
    /// The candidates in order of preference.
    pub found: Found<'a>,
    /// The goal as it is called.
    pub goal: &'static str,
    /// Why these candidates.
    pub why: &'static str,
}

/// True for the name that leaves the choice to the guide.
pub fn is_auto(name: &str) -> bool {
    let name = name.trim();
    ["auto", "automatic"].iter().any(|auto| name.eq_ignore_ascii_case(auto))
}

impl Goal {
    /// The goal that a word means; without a word the first of the guide.
    fn named(word: Option<&str>) -> Option<&'static Self> {
        let wanted = word.map(|word| word.trim().to_lowercase()).unwrap_or_default();
        GOALS.iter().find(|goal| wanted.is_empty() || goal.names.contains(&wanted.as_str()))
    }

    /// The word that it is called by.
    fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }
}

/// How the goal that a word means is called; without a word the first of the guide.
pub fn goal_named(word: Option<&str>) -> Option<&'static str> {
    Goal::named(word).map(Goal::name)
}

/// The words for goals, in the order of the guide.
pub fn goals() -> Vec<&'static str> {
    GOALS.iter().map(Goal::name).collect()
}

impl Catalog {
    /// The candidates for a goal; without one the first of the guide. `None` for a word that is no goal.
    pub fn choose(&self, goal: Option<&str>) -> Option<Choice<'_>> {
        let goal = Goal::named(goal)?;
        let models = goal
            .models
            .iter()
            .filter_map(|name| Some(self.find(name).ok()?.model()))
            .filter(|model| model.status == Status::Live)
            .collect::<Vec<_>>();
        let wants = (!goal.work.is_empty()).then(|| Wants::Kinds(goal.work.to_vec()));
        let found = Found { models, wants, warning: None, instead: None };
        Some(Choice { goal: goal.name(), why: goal.why, found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_of_the_guide_is_in_the_catalogue_and_every_goal_is_found() {
        let catalog = Catalog::built_in().expect("the built-in catalogue");
        let mut seen = std::collections::BTreeSet::new();
        for goal in GOALS {
            for name in goal.names {
                assert!(seen.insert(name), "{name} means two goals");
                let choice = catalog.choose(Some(name)).expect(name);
                assert_eq!(choice.found.models.len(), goal.models.len(), "{name}");
            }
        }
        assert_eq!(catalog.choose(Some("beauty")), None);
        assert_eq!(catalog.choose(None).map(|choice| choice.goal), Some("value"));
    }
}
