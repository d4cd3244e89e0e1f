//! Plans in files: `plan -o PLAN` writes one, `render --plan PLAN` carries out that one and no other.

use super::failure::Failure;
use super::replace::replace;
use crate::plan::{Plan, digest_of, outcome::PLAN_FORMAT};
use crate::report::{sanitise, scenes_named};
use crate::source::{Source, SourceError};
use crate::storyboard::StepKind;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The selections a plan was made with, as they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Choices {
    /// `--only`.
    pub only: Option<String>,
    /// `--exclude`.
    pub exclude: Option<String>,
    /// `--retake`.
    pub retake: Option<String>,
    /// `--rerender-absent`.
    pub rerender_absent: Option<String>,
    /// `--defer-to`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defer_to: Option<PathBuf>,
    /// `--through`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub through: Option<StepKind>,
    /// The profile of the storyboard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// A plan read from a file.
pub(super) struct SavedPlan {
    /// How it was made.
    pub choices: Choices,
    /// Of which storyboard.
    pub storyboard: String,
    /// Stands for everything that must still be true.
    pub digest: String,
    /// What must still be true, scene by scene.
    essence: Value,
    /// What it may spend, by its own words.
    pub credits: f64,
    /// Steps whose price is not known.
    pub unpriced_steps: usize,
}

/// What of a plan must still be true when it is carried out: storyboard, and each scene's actions, requests and prices.
fn essence(plan: &Value) -> Value {
    let scenes: Vec<Value> = plan["scenes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|scene| json!([scene["scene_id"], scene["action"], scene["filename"], scene["steps"]]))
        .collect();
    json!(scenes)
}

/// Writes a plan, for `render --plan`.
pub(super) fn write(path: &Path, plan: &Plan, choices: &Choices) -> Result<(), Failure> {
    let mut value = serde_json::to_value(plan).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.insert("choices".to_owned(), json!(choices));
    }
    let text = super::pretty(&value);
    replace(path, text.as_bytes()).map_err(|error| {
        Failure::cannot_work("unwritable", format!("cannot write `{}`: {error}", path.display()))
    })
}

impl SavedPlan {
    /// Reads a plan.
    ///
    /// # Errors
    /// Exit 1 for a file that holds none.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let missing = |error: &SourceError| matches!(error, SourceError::Io { error, .. } if error.kind() == std::io::ErrorKind::NotFound);
        let source = Source::read(path).map_err(|error| {
            if !missing(&error) {
                return error.into();
            }
            let shown = sanitise(&path.display().to_string(), 200);
            Failure::invalid("no-plan", format!("there is no saved plan `{shown}`"))
                .hint("make it with `storyreel plan -o PLAN`")
        })?;
        let broken = |message: String| {
            Failure::invalid(
                "invalid-plan",
                format!("`{}` is not a saved plan: {message}", path.display()),
            )
            .hint("make it with `storyreel plan -o PLAN`")
        };
        let value: Value =
            serde_json::from_str(source.text()).map_err(|error| broken(error.to_string()))?;
        match value["format_version"].as_str() {
            Some(PLAN_FORMAT) => {}
            Some(other) => {
                return Err(broken(format!(
                    "its format is {}, this program knows {PLAN_FORMAT}",
                    sanitise(other, 40)
                )));
            }
            None => return Err(broken("it has no `format_version`".to_owned())),
        }
        let choices = match value.get("choices") {
            Some(choices) => {
                Choices::deserialize(choices).map_err(|error| broken(error.to_string()))?
            }
            None => Choices::default(),
        };
        Ok(Self {
            choices,
            storyboard: value["storyboard"].as_str().unwrap_or_default().to_owned(),
            digest: digest_of(&essence(&value)),
            essence: essence(&value),
            credits: value["summary"]["credits"].as_f64().unwrap_or_default(),
            unpriced_steps: value["summary"]["unpriced_steps"]
                .as_u64()
                .and_then(|steps| usize::try_from(steps).ok())
                .unwrap_or_default(),
        })
    }

    /// Makes sure that the plan of now is the saved one.
    ///
    /// # Errors
    /// Exit 1 for a plan that is stale.
    pub fn verify(&self, plan: &Plan) -> Result<(), Failure> {
        let now = serde_json::to_value(plan).unwrap_or_default();
        let now = essence(&now);
        if digest_of(&now) == self.digest {
            return Ok(());
        }
        Err(Failure::invalid(
            "stale-plan",
            format!(
                "the saved plan of `{}` no longer holds: {}",
                sanitise(&self.storyboard, 80),
                self.difference(&now)
            ),
        )
        .hint("make a new one with `storyreel plan -o PLAN`; nothing was sent"))
    }

    /// Which scenes are planned otherwise now.
    fn difference(&self, now: &Value) -> String {
        const MOST: usize = 8;
        let scenes = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let (then, now) = (scenes(&self.essence), scenes(now));
        let id = |scene: &Value| match &scene[0] {
            Value::String(id) => id.clone(),
            other => other.to_string(),
        };
        let other = now.iter().filter(|scene| !then.contains(scene)).map(id);
        let gone = then.iter().map(id).filter(|old| now.iter().all(|scene| id(scene) != *old));
        let ids: Vec<String> = other.chain(gone).collect();
        if ids.is_empty() {
            return "its scenes stand in another order".to_owned();
        }
        let named = scenes_named(&ids, MOST, |id| sanitise(id, 40));
        format!("{named} changed since it was made")
    }
}
