//! Clip lengths: how long a clip a model is asked for, given how long the scene is in the film.

use super::model::Mode;
use super::parameter::Parameter;
use super::rule::Check;
use super::words;
use serde_json::Value;

/// The clip length that was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipLength {
    /// Seconds; absent when the clip is as long as its input, or when nobody knows.
    pub seconds: Option<f64>,
    /// The value of the common field `duration` for [`Mode::compose`]; absent when the mode has no such parameter.
    pub value: Option<Value>,
    /// True when the clip is longer than the scene is in the film.
    pub trimmed: bool,
}

/// Why no clip length fits.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct LengthProblem {
    /// `too-long` (longer than the longest clip) or `not-offered` (a `clip_length` that the model does not have).
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// The longest clip, in seconds.
    pub longest: Option<f64>,
}

/// The lengths that a mode offers.
#[derive(Debug, Clone, PartialEq)]
enum Offer<'a> {
    /// These and no others, from short to long, each with its wire value.
    List(Vec<(f64, Option<Value>)>),
    /// Every `step` seconds between two.
    Range { min: f64, max: f64, step: f64, parameter: &'a Parameter },
    /// As long as the input, or not known.
    Open,
}

impl Mode {
    /// The parameter that takes the clip's length.
    pub fn duration_parameter(&self) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.is_fed_by("duration"))
    }

    /// How many units of a parameter are a second beside what is given.
    pub(super) fn units_per_second<'v>(
        &self,
        parameter: &Parameter,
        given: impl Fn(&str) -> Option<&'v Value>,
    ) -> f64 {
        let rate = parameter.rate.as_deref().and_then(given).and_then(words::as_number);
        rate.filter(|rate| *rate > 0.0).or(parameter.units_per_second).unwrap_or(1.0)
    }

    /// The mode with the clip lengths that it has beside these parameters; `None` where they are its usual ones.
    pub fn beside(&self, params: &[(String, Value)]) -> Option<Self> {
        let duration = self.duration_parameter()?;
        let given = |name: &str| {
            let found = params.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value)
        };
        let units = self.units_per_second(duration, given);
        let usual = self.units_per_second(duration, |_| None);
        if (units - usual).abs() < 1e-9 {
            return None;
        }
        let mut mode = self.clone();
        for parameter in mode.parameters.iter_mut().filter(|known| known.is_fed_by("duration")) {
            parameter.units_per_second = Some(units);
        }
        Some(mode)
    }

    fn offer(&self) -> Offer<'_> {
        let Some(parameter) = self.duration_parameter() else {
            if self.lengths.is_empty() {
                return Offer::Open;
            }
            let mut lengths: Vec<(f64, Option<Value>)> =
                self.lengths.iter().map(|seconds| (*seconds, None)).collect();
            lengths.sort_by(|a, b| a.0.total_cmp(&b.0));
            return Offer::List(lengths);
        };
        let units = parameter.units_per_second.unwrap_or(1.0);
        let mut values: Vec<(f64, Option<Value>)> = parameter
            .values
            .iter()
            .filter_map(|value| Some((words::as_number(value)? / units, Some(value.clone()))))
            .filter(|(seconds, _)| *seconds > 0.0)
            .collect();
        if !values.is_empty() {
            values.sort_by(|a, b| a.0.total_cmp(&b.0));
            return Offer::List(values);
        }
        let (mut min, mut max) = (parameter.min, parameter.max);
        for rule in &self.rules {
            if let Check::RangeOr { field, min: least, max: most, .. } = &rule.check
                && field == &parameter.name
            {
                min = Some(min.map_or(*least, |min| min.max(*least)));
                max = Some(max.map_or(*most, |max| max.min(*most)));
            }
        }
        match (min, max) {
            (Some(min), Some(max)) => Offer::Range {
                min: min / units,
                max: max / units,
                step: parameter.step.unwrap_or(1.0) / units,
                parameter,
            },
            _ => Offer::Open,
        }
    }

    /// The longest clip in seconds; `None` where the length follows the input or is not known.
    pub fn longest(&self) -> Option<f64> {
        match self.offer() {
            Offer::List(lengths) => lengths.last().map(|(seconds, _)| *seconds),
            Offer::Range { max, .. } => Some(max),
            Offer::Open => None,
        }
    }

    /// Every clip length in seconds, from short to long; empty where the length follows the input or is not known.
    pub fn lengths(&self) -> Vec<f64> {
        match self.offer() {
            Offer::List(lengths) => lengths.into_iter().map(|(seconds, _)| seconds).collect(),
            Offer::Range { min, max, step, .. } => {
                let mut lengths = Vec::new();
                let mut at = min;
                // A step of nothing would never end, and nobody reads more lengths than this.
                while step > 0.0 && at <= max + 1e-9 && lengths.len() < 1000 {
                    lengths.push(at);
                    at += step;
                }
                lengths
            }
            Offer::Open => Vec::new(),
        }
    }

    /// The lengths in words: `4, 6 or 8 s`, `4 to 15 s`, `as long as its input`.
    pub fn lengths_told(&self) -> String {
        match self.offer() {
            Offer::List(lengths) => {
                let told: Vec<String> =
                    lengths.iter().map(|(seconds, _)| words::number(*seconds)).collect();
                format!("{} s", words::one_of(&told))
            }
            Offer::Range { min, max, .. } => {
                // Frames do not always make a round number of seconds.
                let round = |seconds: f64| words::number((seconds * 1000.0).round() / 1000.0);
                format!("{} to {} s", round(min), round(max))
            }
            Offer::Open if self.length_from.is_some() => "as long as its input".to_owned(),
            Offer::Open => "not known".to_owned(),
        }
    }

    /// Chooses the clip length: `asked` if the author asked for one, else the shortest clip that covers `film` seconds,
    /// else the model's default.
    ///
    /// # Errors
    ///
    /// `asked` is no length of this mode, or `film` is longer than the longest clip.
    pub fn clip_length(
        &self,
        film: Option<f64>,
        asked: Option<f64>,
    ) -> Result<ClipLength, LengthProblem> {
        let offer = self.offer();
        let chosen = match (asked, film) {
            (Some(asked), _) => self.exactly(&offer, asked)?,
            (None, Some(film)) => self.covering(&offer, film)?,
            (None, None) => self.default_length(&offer),
        };
        let trimmed = match (chosen.0, film) {
            (Some(clip), Some(film)) => clip > film + 1e-6,
            _ => false,
        };
        Ok(ClipLength { seconds: chosen.0, value: chosen.1, trimmed })
    }

    fn exactly(
        &self,
        offer: &Offer<'_>,
        asked: f64,
    ) -> Result<(Option<f64>, Option<Value>), LengthProblem> {
        let found = match offer {
            Offer::List(lengths) => lengths
                .iter()
                .find(|(seconds, _)| (seconds - asked).abs() < 1e-6)
                .map(|(seconds, value)| (Some(*seconds), value.clone())),
            Offer::Range { min, max, step, parameter } => {
                let steps = (asked - min) / step;
                ((*min - 1e-6..=*max + 1e-6).contains(&asked)
                    && (steps - steps.round()).abs() < 1e-6)
                    .then(|| (Some(asked), Some(wire(parameter, asked))))
            }
            Offer::Open => None,
        };
        found.ok_or_else(|| LengthProblem {
            code: "not-offered",
            message: format!(
                "`clip_length` is {} s, which `{}` does not make in {} mode",
                words::number(asked),
                self.model,
                self.kind
            ),
            hint: match offer {
                Offer::Open => "leave `clip_length` out".to_owned(),
                _ => format!("its clips are {} long", self.lengths_told()),
            },
            longest: self.longest(),
        })
    }

    fn covering(
        &self,
        offer: &Offer<'_>,
        film: f64,
    ) -> Result<(Option<f64>, Option<Value>), LengthProblem> {
        let found = match offer {
            Offer::List(lengths) => lengths
                .iter()
                .find(|(seconds, _)| *seconds + 1e-6 >= film)
                .map(|(seconds, value)| (Some(*seconds), value.clone())),
            Offer::Range { min, max, step, parameter } => {
                let steps = ((film - min) / step - 1e-6).ceil().max(0.0);
                let seconds = min + steps * step;
                (seconds <= max + 1e-6).then(|| (Some(seconds), Some(wire(parameter, seconds))))
            }
            Offer::Open => Some((None, None)),
        };
        found.ok_or_else(|| {
            let longest = self.longest().unwrap_or_default();
            LengthProblem {
                code: "too-long",
                message: format!(
                    "the scene is {} s, but the longest clip of `{}` in {} mode is {} s",
                    words::number(film),
                    self.model,
                    self.kind,
                    words::number(longest)
                ),
                hint: "add an extend step, choose a model with longer clips, or split the scene"
                    .to_owned(),
                longest: Some(longest),
            }
        })
    }

    fn default_length(&self, offer: &Offer<'_>) -> (Option<f64>, Option<Value>) {
        let default = self.duration_parameter().and_then(|parameter| {
            let value = parameter.default.as_ref()?;
            let seconds = words::as_number(value)? / parameter.units_per_second.unwrap_or(1.0);
            // A default such as -1 leaves the length to the model.
            let seconds = (seconds > 0.0).then_some(seconds);
            Some((seconds, Some(value.clone())))
        });
        default.unwrap_or_else(|| match offer {
            Offer::List(lengths) => lengths
                .first()
                .map_or((None, None), |(seconds, value)| (Some(*seconds), value.clone())),
            Offer::Range { min, parameter, .. } => (Some(*min), Some(wire(parameter, *min))),
            Offer::Open => (None, None),
        })
    }
}

/// Seconds as the value of a duration parameter.
fn wire(parameter: &Parameter, seconds: f64) -> Value {
    let units = seconds * parameter.units_per_second.unwrap_or(1.0);
    let units = (units * 1e6).round() / 1e6;
    match parameter.wire_type {
        super::WireType::String => Value::String(words::number(units)),
        _ => words::json_number(units),
    }
}
