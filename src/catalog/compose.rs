//! From what an author wants to what is sent, with every problem found in one pass.

use super::breach::Values;
use super::model::{Mode, Sound};
use super::parameter::{Fault, Parameter, WireType};
use super::rule::Confidence;
use super::words::{self, all_of, filled, quoted};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What an author wants of one step, in the common words.
///
/// Inputs are symbolic: `{"$file": digest}`, `{"$clip": digest, "frame": "last"}`, `{"$task": digest}`, or a link as text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// Common fields: see [`super::COMMON_FIELDS`]. `duration` is the value that [`Mode::clip_length`] gave.
    pub fields: BTreeMap<String, Value>,
    /// The model's own parameters by wire name, in the order written.
    pub params: Vec<(String, Value)>,
}

/// A checked request of one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Composed {
    /// What is sent: wire names and types, in the order of the catalogue, constants included.
    pub parameters: Map<String, Value>,
    /// Every parameter of the mode by wire name, null where it is not sent.
    pub parts: Map<String, Value>,
    /// What is worth telling but stops nothing.
    pub warnings: Vec<ParameterProblem>,
}

/// Where a problem comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProblemSource {
    /// A common field of the scene.
    Field(String),
    /// A parameter that the author set by its own name.
    Param(String),
    /// Nothing the author wrote.
    Mode,
}

/// One problem with what an author wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterProblem {
    /// Which value is to blame.
    pub source: ProblemSource,
    /// A stable name: `unknown-parameter`, `wrong-type`, `not-allowed`, `out-of-range`, `too-long`, `too-short`, `too-many`,
    /// `too-few`, `missing`, `rule`, `not-supported`, `set-twice`, `constant`, `not-a-url`, `follows-input`, `sound-always`.
    pub code: &'static str,
    /// What is wrong, in lower case without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl ParameterProblem {
    fn new(source: ProblemSource, code: &'static str, message: impl Into<String>) -> Self {
        Self { source, code, message: message.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl Mode {
    /// Makes the request of this mode.
    ///
    /// # Errors
    ///
    /// Every problem, in the order: fields the mode does not take, parameters by name, values in catalogue order, rules.
    pub fn compose(&self, wanted: &Wanted) -> Result<Composed, Vec<ParameterProblem>> {
        let mut problems = Vec::new();
        let mut warnings = Vec::new();
        for (field, value) in &wanted.fields {
            if !value.is_null() {
                self.check_field(field, value, &mut problems, &mut warnings);
            }
        }
        let params = self.named_params(wanted, &mut problems);

        let mut sent = Map::new();
        let mut sources: BTreeMap<&str, ProblemSource> = BTreeMap::new();
        for parameter in &self.parameters {
            let (source, value) = match self.gathered(parameter, wanted, &params) {
                Ok(Some(found)) => found,
                Ok(None) => (self.blame(parameter), None),
                Err(problem) => {
                    sources.insert(&parameter.name, problem.source.clone());
                    problems.push(problem);
                    continue;
                }
            };
            let shown = match &source {
                ProblemSource::Field(field) => field.as_str(),
                ProblemSource::Param(_) | ProblemSource::Mode => parameter.name.as_str(),
            };
            let is_replaced = value.is_none()
                && self.is_replaced(&parameter.name, |name| params.contains_key(name));
            let default = || {
                let sent = (parameter.required || parameter.always) && !is_replaced;
                parameter.default.clone().filter(|_| sent)
            };
            let faults = match value.or_else(default) {
                None if parameter.required && !is_replaced => {
                    // An empty required list is an answer of its own for some models: nothing to show, but present.
                    if parameter.wire_type == WireType::Array
                        && parameter.min_items.is_none()
                        && parameter.from.is_empty()
                    {
                        sent.insert(parameter.name.clone(), Value::Array(Vec::new()));
                    } else {
                        problems.push(self.missing(parameter));
                    }
                    Vec::new()
                }
                None => Vec::new(),
                Some(value) => match parameter.convert(&value, shown) {
                    Ok(value) => {
                        sent.insert(parameter.name.clone(), value);
                        Vec::new()
                    }
                    Err(faults) => faults,
                },
            };
            for Fault { code, message, hint } in faults {
                problems.push(ParameterProblem { source: source.clone(), code, message, hint });
            }
            sources.insert(&parameter.name, source);
        }
        for (name, value) in &self.set {
            sent.insert(name.clone(), value.clone());
        }

        // Rules over values that are wrong anyway would only repeat the problem in other words.
        if problems.is_empty() {
            self.check_rules(&sent, &sources, &mut problems, &mut warnings);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let names = self.parameters.iter().map(|parameter| &parameter.name).chain(self.set.keys());
        let parts =
            names.map(|name| (name.clone(), sent.get(name).cloned().unwrap_or_default())).collect();
        Ok(Composed { parameters: sent, parts, warnings })
    }

    /// Whether the mode has use for a common field.
    fn check_field(
        &self,
        field: &str,
        value: &Value,
        problems: &mut Vec<ParameterProblem>,
        warnings: &mut Vec<ParameterProblem>,
    ) {
        if self.parameters.iter().any(|parameter| feeds(parameter, field, value)) {
            return;
        }
        let source = ProblemSource::Field(field.to_owned());
        if field == "audio"
            && let Some(on) = words::as_switch(value)
        {
            match (self.sound, on) {
                (Sound::None, true) => problems.push(
                    ParameterProblem::new(
                        source,
                        "not-supported",
                        format!("`{}` makes no sound in {} mode", self.model, self.kind),
                    )
                    .hint("take `audio` out, or choose a model that makes sound"),
                ),
                (Sound::Always, false) => warnings.push(
                    ParameterProblem::new(
                        source,
                        "sound-always",
                        format!("`{}` always makes sound, nothing switches it off", self.model),
                    )
                    .hint("mute the clip in the cut"),
                ),
                _ => {}
            }
            return;
        }
        if self.follows.iter().any(|known| known == field) {
            warnings.push(ParameterProblem::new(
                source,
                "follows-input",
                format!(
                    "`{field}` has no effect: the {} of `{}` takes it from its input",
                    self.kind, self.model
                ),
            ));
            return;
        }
        problems.push(
            ParameterProblem::new(
                source,
                "not-supported",
                format!("`{}` takes no `{field}` in {} mode", self.model, self.kind),
            )
            .hint(self.fields_told()),
        );
    }

    /// The author's parameters under their true names; problems for those that cannot be set.
    fn named_params<'a>(
        &self,
        wanted: &'a Wanted,
        problems: &mut Vec<ParameterProblem>,
    ) -> BTreeMap<String, (&'a str, &'a Value)> {
        let mut params: BTreeMap<String, (&str, &Value)> = BTreeMap::new();
        for (written, value) in &wanted.params {
            let source = ProblemSource::Param(written.clone());
            if let Some((name, constant)) =
                self.set.iter().find(|(name, _)| name.eq_ignore_ascii_case(written))
            {
                if !words::same(constant, value) {
                    problems.push(
                        ParameterProblem::new(
                            source,
                            "constant",
                            format!(
                                "`{name}` is always `{}` in {} mode of `{}`",
                                words::shown(constant),
                                self.kind,
                                self.model
                            ),
                        )
                        .hint("take it out"),
                    );
                }
                continue;
            }
            let known = self
                .parameter(written)
                .or_else(|| self.parameters.iter().find(|p| p.name.eq_ignore_ascii_case(written)));
            let Some(parameter) = known else {
                problems.push(
                    ParameterProblem::new(
                        source,
                        "unknown-parameter",
                        format!(
                            "`{}` has no parameter `{}` in {} mode",
                            self.model,
                            words::plain(written),
                            self.kind
                        ),
                    )
                    .hint(self.parameter_hint(written)),
                );
                continue;
            };
            let fed = parameter.from.iter().find(|field| {
                wanted
                    .fields
                    .get(*field)
                    .is_some_and(|value| !value.is_null() && feeds(parameter, field, value))
            });
            if let Some(field) = fed {
                problems.push(
                    ParameterProblem::new(
                        source,
                        "set-twice",
                        format!("`{}` is set by `{field}` already", parameter.name),
                    )
                    .hint(if field == "duration" {
                        "take it out of the parameters; `clip_length` chooses another length"
                            .to_owned()
                    } else {
                        format!("take one of the two out; `{field}` is the common name")
                    }),
                );
                continue;
            }
            if params.contains_key(&parameter.name) {
                problems.push(ParameterProblem::new(
                    source,
                    "set-twice",
                    format!("parameter `{}` is given twice", parameter.name),
                ));
                continue;
            }
            params.insert(parameter.name.clone(), (written, value));
        }
        params
    }

    /// The value for a parameter and where it comes from.
    fn gathered(
        &self,
        parameter: &Parameter,
        wanted: &Wanted,
        params: &BTreeMap<String, (&str, &Value)>,
    ) -> Result<Option<(ProblemSource, Option<Value>)>, ParameterProblem> {
        if let Some((written, value)) = params.get(&parameter.name) {
            return Ok(Some((ProblemSource::Param((*written).to_owned()), Some((*value).clone()))));
        }
        let given: Vec<(&String, &Value)> = parameter
            .from
            .iter()
            .filter_map(|field| wanted.fields.get(field).map(|value| (field, value)))
            .filter(|(field, value)| !value.is_null() && feeds(parameter, field, value))
            .collect();
        let Some((field, _)) = given.first() else { return Ok(None) };
        let source = ProblemSource::Field((*field).clone());
        let mut values: Vec<Value> = Vec::new();
        for (_, value) in &given {
            match value {
                Value::Array(members) => values.extend(members.iter().cloned()),
                single => values.push((*single).clone()),
            }
        }
        if parameter.wire_type == WireType::Array {
            return Ok(Some((source, Some(Value::Array(values)))));
        }
        match values.len() {
            0 => Ok(None),
            1 => Ok(Some((source, values.pop()))),
            count => Err(ParameterProblem::new(
                source,
                "too-many",
                format!("`{field}` has {count} entries, `{}` takes one", self.model),
            )),
        }
    }

    fn check_rules(
        &self,
        sent: &Map<String, Value>,
        sources: &BTreeMap<&str, ProblemSource>,
        problems: &mut Vec<ParameterProblem>,
        warnings: &mut Vec<ParameterProblem>,
    ) {
        let assumed: Map<String, Value> = self
            .parameters
            .iter()
            .filter_map(|parameter| Some((parameter.name.clone(), parameter.default.clone()?)))
            .collect();
        let values = Values { sent, assumed: &assumed };
        for rule in &self.rules {
            for breach in rule.breaches(&values) {
                // A rule that names a parameter nobody set is blamed on one that the author did set.
                let written = |name: &str| {
                    sources.get(name).filter(|source| **source != ProblemSource::Mode).cloned()
                };
                let source = written(&breach.parameter)
                    .filter(|_| filled(sent.get(&breach.parameter)))
                    .or_else(|| {
                        rule.parameters()
                            .into_iter()
                            .filter(|name| filled(sent.get(*name)))
                            .find_map(written)
                    })
                    .or_else(|| written(&breach.parameter))
                    .unwrap_or(ProblemSource::Mode);
                let problem = ParameterProblem {
                    source,
                    code: "rule",
                    message: breach.message,
                    hint: rule.hint.clone(),
                };
                if rule.confidence == Confidence::High {
                    problems.push(problem);
                } else {
                    warnings.push(problem);
                }
            }
        }
    }

    fn blame(&self, parameter: &Parameter) -> ProblemSource {
        match parameter.from.first() {
            Some(field) => ProblemSource::Field(field.clone()),
            None => ProblemSource::Mode,
        }
    }

    fn missing(&self, parameter: &Parameter) -> ParameterProblem {
        let (message, hint) = match parameter.from.as_slice() {
            [] => (
                format!(
                    "`{}` needs the parameter `{}` in {} mode",
                    self.model, parameter.name, self.kind
                ),
                format!("add `params: {}=...`", parameter.name),
            ),
            fields => (
                format!("`{}` needs {} in {} mode", self.model, all_of(&quoted(fields)), self.kind),
                format!("add {} to the scene", all_of(&quoted(fields))),
            ),
        };
        ParameterProblem::new(self.blame(parameter), "missing", message).hint(hint)
    }

    /// The common fields that the mode takes, for hints.
    fn fields_told(&self) -> String {
        let mut fields: Vec<&str> = Vec::new();
        for field in self.parameters.iter().flat_map(|parameter| &parameter.from) {
            if !fields.contains(&field.as_str()) {
                fields.push(field);
            }
        }
        if fields.is_empty() {
            return "take it out".to_owned();
        }
        format!("it takes {}", all_of(&quoted(&fields)))
    }

    fn parameter_hint(&self, written: &str) -> String {
        let names: Vec<&str> = self.parameters.iter().map(|p| p.name.as_str()).collect();
        match words::nearest(written, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has {}", all_of(&quoted(&names))),
        }
    }
}

/// Whether a value of a common field goes to a parameter: `audio` is a switch for one and a file for another.
fn feeds(parameter: &Parameter, field: &str, value: &Value) -> bool {
    parameter.is_fed_by(field)
        && (field != "audio"
            || words::as_switch(value).is_some() == (parameter.wire_type == WireType::Boolean))
}
