//! The JSON Schema of configuration files, for editors.

use crate::storyboard::{FIELDS, FieldKind};
use schemars::{JsonSchema, schema_for};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Configuration of storyreel: `storyreel.toml` in a project, or the user's own `~/.config/storyreel/config.toml`.
///
/// Every key is optional. A project's file only lowers limits; the user's own file may raise them.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "only its schema is used; the reader keeps places, which derived code cannot"
)]
struct Config {
    /// Where the project keeps its things.
    project: Option<ProjectSection>,
    /// The same as `cache` under `[project]`.
    cache: Option<String>,
    /// Scene fields that hold where neither the storyboard's front matter nor the scene sets them.
    defaults: Option<BTreeMap<String, Value>>,
    /// What a run may do at once.
    limits: Option<LimitsSection>,
    /// How patient a run is. Left out, the catalogue's values for each kind of model hold.
    poll: Option<PollSection>,
    /// What is tried again.
    retry: Option<RetrySection>,
    /// What a run may spend.
    budget: Option<BudgetSection>,
    /// Levels of warnings: by code, by group (`camera`, `audio`, ...), or for all lints of the craft (`craft`); the more exact
    /// name counts. `storyreel lints` lists codes and groups.
    lints: Option<BTreeMap<String, Level>>,
    /// Hosts. Only in the user's own file: a project must not be able to send the key elsewhere.
    provider: Option<ProviderSection>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct ProjectSection {
    /// The storyboard that commands without a path take, relative to this file. `SCENES.md` unless set.
    storyboard: Option<String>,
    /// The folder that holds `assets/clips`, `assets/images` and `assets/manifest.json`. `public` unless set.
    assets: Option<String>,
    /// Where all machines that work on this project share clips, and what they have sent: a folder, `s3://bucket/prefix` or
    /// `gs://bucket/prefix`. One place a project. Keys and hosts come from the environment.
    cache: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct LimitsSection {
    /// Never more new tasks in any such window: `20/10s` unless set.
    submissions: Option<String>,
    /// Tasks at the provider at once: 100 unless set.
    #[schemars(range(min = 1, max = 100_000))]
    running: Option<u32>,
    /// Downloads at once: 8 unless set.
    #[schemars(range(min = 1, max = 1_000))]
    downloads: Option<u32>,
    /// The largest clip that is taken: `2 GiB` unless set; a number is bytes.
    max_clip: Option<TextOrNumber>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct PollSection {
    /// The first wait between two looks at a task: `5s`; a number is seconds.
    first: Option<TextOrNumber>,
    /// The longest wait between two looks.
    max: Option<TextOrNumber>,
    /// How long a task is watched before a run leaves it on record for the next one.
    deadline: Option<TextOrNumber>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct RetrySection {
    /// How often a task that failed for a passing fault is made anew, per step and run: 1 unless set.
    #[schemars(range(min = 0, max = 10))]
    failed_tasks: Option<u32>,
    /// The first wait before trying again: `2s` unless set.
    first: Option<TextOrNumber>,
    /// The longest wait before trying again.
    max: Option<TextOrNumber>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct BudgetSection {
    /// Credits that one run may spend. No cap unless set; of several caps the smallest wins.
    #[schemars(range(min = 0))]
    max_credits: Option<f64>,
    /// Credits above which only a plan that was approved with `storyreel approve` is rendered. Only in the user's own file.
    #[schemars(range(min = 0))]
    confirm_above: Option<f64>,
    /// Credits that all runs together, over all projects, may spend in any 24 hours. Only in the user's own file.
    #[schemars(range(min = 0))]
    per_day: Option<f64>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct ProviderSection {
    /// Base address of the API.
    api: Option<String>,
    /// Base address of the upload host.
    upload: Option<String>,
}

/// How a lint is reported.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
enum Level {
    /// Not at all.
    Off,
    /// As a warning.
    Warn,
    /// As an error.
    Error,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum TextOrNumber {
    Text(String),
    Number(f64),
}

/// The JSON Schema of `storyreel.toml` and of the user's own file.
pub fn config_schema() -> Value {
    let mut schema = schema_for!(Config).to_value();
    if let Some(defaults) =
        schema.pointer_mut("/properties/defaults").and_then(Value::as_object_mut)
    {
        let description = defaults.get("description").cloned().unwrap_or_default();
        let fields: Map<String, Value> = FIELDS
            .iter()
            .map(|spec| {
                let mut field = shape(spec.kind);
                field.insert("description".into(), spec.description.into());
                (spec.name.to_owned(), Value::Object(field))
            })
            .collect();
        *defaults = Map::from_iter([
            ("description".to_owned(), description),
            ("type".to_owned(), "object".into()),
            ("properties".to_owned(), Value::Object(fields)),
            ("additionalProperties".to_owned(), false.into()),
        ]);
    }
    schema
}

fn shape(kind: FieldKind) -> Map<String, Value> {
    let shape = match kind {
        FieldKind::Text => json!({"type": ["string", "number"]}),
        FieldKind::TextOrInput => json!({"type": "string"}),
        FieldKind::Seconds => json!({"type": ["number", "string"]}),
        FieldKind::Integer => json!({"type": "integer"}),
        FieldKind::Audio => json!({"type": ["string", "boolean"]}),
        FieldKind::Inputs | FieldKind::Names | FieldKind::Ranges => {
            json!({"type": ["string", "array"], "items": {"type": "string"}})
        }
        FieldKind::Params => json!({"type": ["object", "string"]}),
    };
    if let Value::Object(shape) = shape { shape } else { Map::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::file::SECTIONS;

    #[test]
    fn schema_and_reader_know_the_same_keys() {
        let schema = config_schema();
        let keys = |value: &Value| -> Vec<String> {
            let mut keys: Vec<String> =
                value.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default();
            keys.sort();
            keys
        };
        let sections = &schema["properties"];
        let mut known: Vec<&str> = SECTIONS.iter().map(|(name, _)| *name).collect();
        known.push("cache");
        known.sort_unstable();
        assert_eq!(keys(sections), known);
        for (name, section_keys) in SECTIONS.iter().filter(|(_, keys)| !keys.is_empty()) {
            let definition = schema["$defs"]
                .as_object()
                .into_iter()
                .flatten()
                .find(|(definition, _)| definition.to_lowercase() == format!("{name}section"))
                .map(|(_, definition)| keys(&definition["properties"]))
                .unwrap_or_default();
            let mut section_keys = section_keys.to_vec();
            section_keys.sort_unstable();
            assert_eq!(definition, section_keys, "[{name}]");
        }
        assert_eq!(keys(&sections["defaults"]["properties"]).len(), FIELDS.len());
    }
}
