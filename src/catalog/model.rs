//! A model and its modes.

use super::parameter::{Parameter, WireType};
use super::price::Prices;
use super::rule::{Check, Confidence, Rule};
use super::words;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// What a user names: `Veo 3.1 Fast`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Model {
    /// The display name.
    pub name: String,
    /// The name in lower case with hyphens, unique in the catalogue.
    pub slug: String,
    /// The name without its tier, shared by all tiers: `Kling 2.1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// Other names that mean this model.
    pub aliases: Vec<String>,
    /// Ids that old guides give and that do not exist; they find the model with a warning and are never sent.
    pub old_names: Vec<OldName>,
    /// The provider's name.
    pub provider: String,
    /// The family's name within the provider.
    pub family: String,
    /// The prompt template's name.
    pub prompt_style: String,
    /// Whether it can be used.
    pub status: Status,
    /// For a retired model, a live one that does the same work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// The day on which its facts were last checked, as `2026-10-07`.
    pub checked: String,
    /// Where its facts come from.
    pub sources: Vec<String>,
    /// How sure they are.
    pub confidence: Confidence,
    /// Anything else an author should know.
    pub note: Option<String>,
    /// Its modes, in the order of the catalogue file.
    pub modes: Vec<Mode>,
}

/// An id from an old guide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OldName {
    /// The id that does not exist.
    pub name: String,
    /// The real id.
    pub real: String,
}

/// Whether a model can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It can.
    #[default]
    Live,
    /// The provider took it away; its scenes are skipped.
    Retired,
    /// Nobody has seen it work.
    Unverified,
}

/// The kinds of work a model can do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ModeKind {
    /// Text to video.
    T2v,
    /// A first frame to video.
    I2v,
    /// A first and a last frame to video.
    FirstLast,
    /// Pictures (or clips) that must be recognised in the video.
    Reference,
    /// A clip in another look.
    V2v,
    /// A face or clip that speaks to a sound.
    Speech,
    /// A picture that moves as a driving clip does.
    Motion,
    /// A clip goes on.
    Extend,
    /// A clip in more pixels.
    Upscale,
    /// Text to picture.
    T2i,
    /// Pictures to picture.
    I2i,
    /// Text to speech, or another sound.
    Tts,
    /// A helper that makes no picture, clip or sound.
    Tool,
}

impl ModeKind {
    /// All kinds in their order.
    pub const ALL: [Self; 13] = [
        Self::T2v,
        Self::I2v,
        Self::FirstLast,
        Self::Reference,
        Self::V2v,
        Self::Speech,
        Self::Motion,
        Self::Extend,
        Self::Upscale,
        Self::T2i,
        Self::I2i,
        Self::Tts,
        Self::Tool,
    ];

    /// The word used in the catalogue, reports and manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::T2v => "t2v",
            Self::I2v => "i2v",
            Self::FirstLast => "first-last",
            Self::Reference => "reference",
            Self::V2v => "v2v",
            Self::Speech => "speech",
            Self::Motion => "motion",
            Self::Extend => "extend",
            Self::Upscale => "upscale",
            Self::T2i => "t2i",
            Self::I2i => "i2i",
            Self::Tts => "tts",
            Self::Tool => "tool",
        }
    }

    /// The kind with this name, whatever the case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name.trim()))
    }
}

impl fmt::Display for ModeKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// Whether a mode makes sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sound {
    /// Its clips are silent.
    #[default]
    None,
    /// Its clips have sound, and nothing switches it off.
    Always,
    /// A parameter fed by `audio` switches it.
    Switch,
}

/// One kind of work of a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mode {
    /// The kind.
    pub kind: ModeKind,
    /// The model's display name, for messages.
    #[serde(skip)]
    pub model: String,
    /// The provider's id of the model in this mode; absent where the operation takes none.
    pub id: Option<String>,
    /// The family's operation, or its upgrade, that does the work.
    pub operation: String,
    /// What an upscale gives: `1080p`, `4k`.
    pub target: Option<String>,
    /// Constants that are always sent, by wire name.
    pub set: Map<String, Value>,
    /// The parameters, in the order in which they are sent.
    pub parameters: Vec<Parameter>,
    /// Rules between parameters.
    pub rules: Vec<Rule>,
    /// Prices; absent where none is published.
    pub prices: Option<Prices>,
    /// Whether its clips have sound.
    pub sound: Sound,
    /// Clip lengths in seconds, for modes without a duration parameter.
    pub lengths: Vec<f64>,
    /// The common field whose clip or sound gives the result its length.
    pub length_from: Option<String>,
    /// True where the duration of an extension counts the clip that it continues as well.
    pub whole_length: bool,
    /// Common fields that this mode takes from its input: a value for them is no error, it has no effect.
    pub follows: Vec<String>,
    /// Upgrades after which the provider refuses the source of this mode.
    pub not_after: Vec<String>,
    /// Values of a source's own parameters for which the provider refuses it.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub source_not: Map<String, Value>,
    /// How sure the facts of this mode are.
    pub confidence: Confidence,
    /// Anything else an author should know.
    pub note: Option<String>,
}

impl Model {
    /// The mode of a kind; for `Upscale` with several targets the first.
    pub fn mode(&self, kind: ModeKind) -> Option<&Mode> {
        self.modes.iter().find(|mode| mode.kind == kind)
    }

    /// The upscale mode with this target (`1080p`, `4k`), or the one whose parameters take it.
    pub fn upscale(&self, target: &str) -> Option<&Mode> {
        let upscales = || self.modes.iter().filter(|mode| mode.kind == ModeKind::Upscale);
        let wanted = words::normal(target);
        upscales()
            .find(|mode| mode.target.as_deref().is_some_and(|own| words::normal(own) == wanted))
            .or_else(|| {
                upscales().find(|mode| {
                    mode.target.is_none()
                        && mode.parameters.iter().any(|parameter| {
                            parameter.is_fed_by("resolution")
                                && parameter
                                    .offered()
                                    .iter()
                                    .any(|value| words::normal(value) == wanted)
                        })
                })
            })
    }

    /// What the model's upscales give: their targets, and the values of a parameter fed by `resolution`.
    pub fn upscale_targets(&self) -> Vec<String> {
        let mut targets = Vec::new();
        for mode in self.modes.iter().filter(|mode| mode.kind == ModeKind::Upscale) {
            match &mode.target {
                Some(target) => targets.push(target.clone()),
                None => targets.extend(
                    mode.parameters
                        .iter()
                        .filter(|parameter| parameter.is_fed_by("resolution"))
                        .flat_map(Parameter::offered),
                ),
            }
        }
        targets
    }

    /// The kinds of its modes, each once, in the order of the catalogue file.
    pub fn kinds(&self) -> Vec<ModeKind> {
        let mut kinds = Vec::new();
        for mode in &self.modes {
            if !kinds.contains(&mode.kind) {
                kinds.push(mode.kind);
            }
        }
        kinds
    }

    /// The names that are its own and no other model's, as written: display name, slug, aliases.
    pub fn own_names(&self) -> Vec<&str> {
        let mut names = vec![self.name.as_str(), self.slug.as_str()];
        names.extend(self.aliases.iter().map(String::as_str));
        names
    }

    /// Every name under which it is found: its own, and the ids of its modes.
    pub fn names(&self) -> Vec<&str> {
        let mut names = self.own_names();
        names.extend(self.modes.iter().filter_map(|mode| mode.id.as_deref()));
        names
    }
}

impl Mode {
    /// The parameter with this wire name.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    /// True when a parameter of this mode takes the common field.
    pub fn takes(&self, field: &str) -> bool {
        self.parameters.iter().any(|parameter| parameter.is_fed_by(field))
    }

    /// True when another parameter that is given stands in for this one and goes without it: a template that fixes the
    /// length, for the length.
    pub fn is_replaced(&self, parameter: &str, is_given: impl Fn(&str) -> bool) -> bool {
        let stands_in = |other: &String| other != parameter && is_given(other);
        let unless = |rule: &Rule| match &rule.check {
            Check::RequiredUnless { field, unless } => {
                field == parameter && unless.iter().any(stands_in)
            }
            _ => false,
        };
        let alone = |rule: &Rule| match &rule.check {
            Check::AtMostOneOf { fields } => {
                fields.iter().any(|field| field == parameter) && fields.iter().any(stands_in)
            }
            _ => false,
        };
        self.rules.iter().any(unless) && self.rules.iter().any(alone)
    }

    /// True when a parameter of this mode takes a sound file; `audio` may also be a switch.
    pub fn takes_sound_file(&self) -> bool {
        self.parameters.iter().any(|p| p.is_fed_by("audio") && p.wire_type != WireType::Boolean)
    }

    /// True when a request with these parameters gives a clip with sound.
    pub fn makes_sound(&self, parameters: &Map<String, Value>) -> bool {
        match self.sound {
            Sound::None => false,
            Sound::Always => true,
            Sound::Switch => self
                .parameters
                .iter()
                .find(|p| p.wire_type == WireType::Boolean && p.is_fed_by("audio"))
                .and_then(|p| parameters.get(&p.name).or(p.default.as_ref()))
                .and_then(words::as_switch)
                .unwrap_or(false),
        }
    }

    /// The fewest and most inputs that a common field such as `reference` may give; `None` when the mode does not take it.
    /// Where several fields feed one list, its limits are those of all of them together.
    pub fn inputs(&self, field: &str) -> Option<(usize, usize)> {
        let parameter = self.parameters.iter().find(|parameter| parameter.is_fed_by(field))?;
        match parameter.wire_type {
            WireType::Array => Some((
                parameter.min_items.unwrap_or(usize::from(parameter.required)),
                parameter.max_items.unwrap_or(usize::MAX),
            )),
            _ => Some((usize::from(parameter.required), 1)),
        }
    }
}
