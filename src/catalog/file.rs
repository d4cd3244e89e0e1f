//! Catalogue files as they are written, and how they become models.

use super::error::CatalogError;
use super::model::{Mode, ModeKind, Model, OldName, Sound, Status};
use super::parameter::{COMMON_FIELDS, Parameter, WireType};
use super::price::Prices;
use super::rule::{Confidence, Rule, is_condition};
use super::words;
use crate::source::{Source, steers};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A file of models: `catalog/kie/veo.toml`, or one in a project's own `catalog/`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "storyreel catalogue file")]
pub(super) struct ModelFile {
    /// The provider of all models in the file.
    provider: String,
    /// Their API family, unless a model names its own.
    #[serde(default)]
    family: Option<String>,
    /// Their prompt style, unless a model names its own.
    #[serde(default)]
    prompt_style: Option<String>,
    /// The day on which their facts were checked, as `2026-10-07`, unless a model names its own.
    #[serde(default)]
    checked: Option<String>,
    /// Where their facts come from; a model's own sources come on top.
    #[serde(default)]
    sources: Vec<String>,
    /// Parameters that several modes `use`.
    #[serde(default)]
    groups: BTreeMap<String, Vec<Parameter>>,
    /// Prices that several modes share under `price`.
    #[serde(default)]
    prices: BTreeMap<String, Prices>,
    /// The models.
    models: Vec<ModelEntry>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Model")]
struct ModelEntry {
    /// The display name.
    #[schemars(with = "String")]
    name: Spanned<String>,
    /// The name in lower case with hyphens; made from the display name when absent.
    #[serde(default)]
    slug: Option<String>,
    /// The name without its tier. The tiers of a line stand in one file, from cheap to dear.
    #[serde(default)]
    line: Option<String>,
    /// Other names that mean this model.
    #[serde(default)]
    aliases: Vec<String>,
    /// Ids of old guides that do not exist.
    #[serde(default)]
    old_names: Vec<OldName>,
    /// Its API family.
    #[serde(default)]
    family: Option<String>,
    /// Its prompt style.
    #[serde(default)]
    prompt_style: Option<String>,
    /// Whether it can be used.
    #[serde(default)]
    status: Status,
    /// The name of a live model that does the work of a retired one.
    #[serde(default)]
    instead: Option<String>,
    /// The day on which its facts were checked.
    #[serde(default)]
    checked: Option<String>,
    /// Where its facts come from.
    #[serde(default)]
    sources: Vec<String>,
    /// How sure they are.
    #[serde(default)]
    confidence: Confidence,
    /// Anything else an author should know.
    #[serde(default)]
    note: Option<String>,
    /// Its modes.
    modes: Vec<ModeEntry>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Mode")]
struct ModeEntry {
    /// What it does.
    #[schemars(with = "ModeKind")]
    kind: Spanned<ModeKind>,
    /// The provider's id of the model in this mode.
    #[serde(default)]
    id: Option<String>,
    /// The family's operation or upgrade.
    operation: String,
    /// What an upscale gives.
    #[serde(default)]
    target: Option<String>,
    /// Groups of parameters, in order.
    #[serde(default, rename = "use")]
    groups: Vec<String>,
    /// Parameters of its own; one with the name of a group's stands in its place.
    #[serde(default)]
    parameters: Vec<Parameter>,
    /// Names of parameters of the groups that it does not have.
    #[serde(default)]
    without: Vec<String>,
    /// Constants that are always sent.
    #[serde(default)]
    set: Map<String, Value>,
    /// Rules between parameters.
    #[serde(default)]
    rules: Vec<Rule>,
    /// The name of shared prices.
    #[serde(default)]
    price: Option<String>,
    /// Prices of its own.
    #[serde(default)]
    prices: Option<Prices>,
    /// Whether its clips have sound.
    #[serde(default)]
    sound: Sound,
    /// Clip lengths in seconds, where no parameter chooses one.
    #[serde(default)]
    lengths: Vec<f64>,
    /// The common field whose clip or sound gives the result its length.
    #[serde(default)]
    length_from: Option<String>,
    /// True where the duration of an extension counts the clip that it continues as well.
    #[serde(default)]
    whole_length: bool,
    /// Common fields that it takes from its input.
    #[serde(default)]
    follows: Vec<String>,
    /// Upgrades after which the source is refused.
    #[serde(default)]
    not_after: Vec<String>,
    /// Values of the source's parameters for which it is refused.
    #[serde(default)]
    source_not: Map<String, Value>,
    /// How sure its facts are.
    #[serde(default)]
    confidence: Confidence,
    /// Anything else an author should know.
    #[serde(default)]
    note: Option<String>,
}

/// A model with the place of its name, for problems that show when all files are read.
pub(super) struct Placed {
    pub(super) model: Model,
    pub(super) offset: usize,
}

/// Reads a file of models.
pub(super) fn read(source: &Source) -> Result<Vec<Placed>, CatalogError> {
    let file: ModelFile =
        toml::from_str(source.text()).map_err(|error| CatalogError::from_toml(source, &error))?;
    let ModelFile { provider, family, prompt_style, checked, sources, groups, prices, models } =
        file;
    let mut placed = Vec::with_capacity(models.len());
    for entry in models {
        let offset = entry.name.span().start;
        let at = |message: String| CatalogError::at(source, offset, message);
        let name = entry.name.into_inner();
        if name.trim().is_empty() {
            return Err(at("a model needs a name".to_owned()));
        }
        let lacks = |what: &str| {
            at(format!("`{name}` has no `{what}`, and neither has the file"))
                .hint(format!("write `{what} = \"...\"` at the top of the file"))
        };
        let family = entry.family.or_else(|| family.clone()).ok_or_else(|| lacks("family"))?;
        let prompt_style = entry
            .prompt_style
            .or_else(|| prompt_style.clone())
            .ok_or_else(|| lacks("prompt_style"))?;
        let checked = entry.checked.or_else(|| checked.clone()).ok_or_else(|| lacks("checked"))?;
        if checked.parse::<jiff::civil::Date>().is_err() {
            return Err(at(format!("`checked` of `{name}` is `{checked}`, which is no date"))
                .hint("write it as `2026-10-07`"));
        }
        if (entry.status == Status::Retired) != entry.instead.is_some() {
            return Err(at(format!(
                "`{name}` is retired and names no model `instead`, or the other way round"
            ))
            .hint("a retired model needs `instead = \"...\"`, and no other does"));
        }
        if entry.modes.is_empty() {
            return Err(at(format!("`{name}` has no modes")));
        }
        let mut modes = Vec::with_capacity(entry.modes.len());
        for mode in entry.modes {
            modes.push(mode_from(source, &name, mode, &groups, &prices)?);
        }
        let slug = entry.slug.unwrap_or_else(|| slug(&name));
        let sources = sources.iter().cloned().chain(entry.sources).collect();
        let model = Model {
            slug,
            line: entry.line,
            aliases: entry.aliases,
            old_names: entry.old_names,
            provider: provider.clone(),
            family,
            prompt_style,
            status: entry.status,
            instead: entry.instead,
            checked,
            sources,
            confidence: entry.confidence,
            note: entry.note,
            modes,
            name,
        };
        placed.push(Placed { model, offset });
    }
    Ok(placed)
}

/// Refuses a file with a name or text that would steer a terminal: models are printed in many places.
///
/// What is no TOML is left to [`read`].
pub(super) fn refuse_steering(source: &Source) -> Result<(), CatalogError> {
    let Ok(table) = DeTable::parse(source.text()) else { return Ok(()) };
    table.get_ref().iter().try_for_each(|(key, value)| {
        plain(source, key.get_ref(), key.span().start)?;
        plain_value(source, value)
    })
}

fn plain(source: &Source, text: &str, offset: usize) -> Result<(), CatalogError> {
    match text.chars().find(|c| steers(*c) && !matches!(c, '\n' | '\r' | '\t')) {
        None => Ok(()),
        Some(c) => {
            let message = format!("a text holds the control character U+{:04X}", u32::from(c));
            Err(CatalogError::at(source, offset, message).hint("take it out"))
        }
    }
}

fn plain_value(source: &Source, value: &Spanned<DeValue<'_>>) -> Result<(), CatalogError> {
    match value.get_ref() {
        DeValue::String(text) => plain(source, text, value.span().start),
        DeValue::Array(items) => items.iter().try_for_each(|item| plain_value(source, item)),
        DeValue::Table(table) => table.iter().try_for_each(|(key, value)| {
            plain(source, key.get_ref(), key.span().start)?;
            plain_value(source, value)
        }),
        _ => Ok(()),
    }
}

/// `Veo 3.1 Fast` as `veo-3.1-fast`.
fn slug(name: &str) -> String {
    let lower = name.to_lowercase();
    lower
        .split(|c: char| !c.is_alphanumeric() && c != '.')
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

fn mode_from(
    source: &Source,
    model: &str,
    entry: ModeEntry,
    groups: &BTreeMap<String, Vec<Parameter>>,
    shared: &BTreeMap<String, Prices>,
) -> Result<Mode, CatalogError> {
    let offset = entry.kind.span().start;
    let kind = entry.kind.into_inner();
    let at = |message: String| {
        CatalogError::at(source, offset, format!("{message}, in {kind} mode of `{model}`"))
    };
    let mut parameters: Vec<Parameter> = Vec::new();
    for name in &entry.groups {
        let group = groups.get(name).ok_or_else(|| {
            let known: Vec<String> = words::quoted(&groups.keys().collect::<Vec<_>>());
            at(format!("there is no group `{name}`"))
                .hint(format!("the file has {}", words::all_of(&known)))
        })?;
        for parameter in group {
            put(&mut parameters, parameter.clone());
        }
    }
    for name in &entry.without {
        let before = parameters.len();
        parameters.retain(|parameter| &parameter.name != name);
        if parameters.len() == before {
            return Err(at(format!("`without` names `{name}`, which no group has")));
        }
    }
    for parameter in entry.parameters {
        put(&mut parameters, parameter);
    }
    let prices = match (entry.price, entry.prices) {
        (Some(_), Some(_)) => {
            return Err(at("both `price` and `prices` are given".to_owned()));
        }
        (Some(name), None) => Some(
            shared
                .get(&name)
                .cloned()
                .ok_or_else(|| at(format!("there are no prices `{name}`")))?,
        ),
        (None, own) => own,
    };
    let mode = Mode {
        kind,
        model: model.to_owned(),
        id: entry.id,
        operation: entry.operation,
        target: entry.target,
        set: entry.set,
        parameters,
        rules: entry.rules,
        prices,
        sound: entry.sound,
        lengths: entry.lengths,
        length_from: entry.length_from,
        whole_length: entry.whole_length,
        follows: entry.follows,
        not_after: entry.not_after,
        source_not: entry.source_not,
        confidence: entry.confidence,
        note: entry.note,
    };
    check(&mode).map_err(at)?;
    Ok(mode)
}

/// Adds a parameter, in the place of one with the same name.
fn put(parameters: &mut Vec<Parameter>, parameter: Parameter) {
    match parameters.iter_mut().find(|known| known.name == parameter.name) {
        Some(known) => *known = parameter,
        None => parameters.push(parameter),
    }
}

/// What cannot be right about a mode, whatever its model is.
fn check(mode: &Mode) -> Result<(), String> {
    for parameter in &mode.parameters {
        if parameter.name.is_empty() {
            return Err("a parameter has no name".to_owned());
        }
        if mode.set.contains_key(&parameter.name) {
            return Err(format!("`{}` is both a parameter and a constant", parameter.name));
        }
        check_parameter(parameter, &parameter.name)?;
    }
    for field in mode.follows.iter().chain(&mode.length_from) {
        known_field(field)?;
    }
    let switched =
        mode.parameters.iter().any(|p| p.wire_type == WireType::Boolean && p.is_fed_by("audio"));
    if (mode.sound == Sound::Switch) != switched {
        return Err("`sound = \"switch\"` and a switch fed by `audio` belong together".to_owned());
    }
    let names = |name: &str| mode.parameter(name).is_some() || mode.set.contains_key(name);
    let rates = mode.parameters.iter().filter_map(|parameter| parameter.rate.as_deref());
    if let Some(name) = rates.into_iter().find(|name| !names(name)) {
        return Err(format!("`rate` names `{name}`, which is no parameter"));
    }
    for rule in &mode.rules {
        if let Some(name) = rule.parameters().into_iter().find(|name| !names(name)) {
            return Err(format!("a rule names `{name}`, which is no parameter"));
        }
        let conditions = rule.conditions().into_iter().flat_map(BTreeMap::values);
        if let Some(value) = conditions.into_iter().find(|value| !is_condition(value)) {
            return Err(format!("a rule has the condition `{value}`, which is no value"));
        }
    }
    if let Some(prices) = &mode.prices {
        check_prices(prices, names)?;
    }
    Ok(())
}

fn check_prices(prices: &Prices, known: impl Fn(&str) -> bool) -> Result<(), String> {
    if prices.as_of.parse::<jiff::civil::Date>().is_err() {
        return Err(format!("`as_of` is `{}`, which is no date", prices.as_of));
    }
    for rate in &prices.rates {
        if !rate.credits.is_finite() || rate.credits < 0.0 {
            return Err(format!("a price is {} credits", rate.credits));
        }
        for (name, value) in &rate.when {
            if !name.starts_with('@') && !known(name) {
                return Err(format!("a price names `{name}`, which is no parameter"));
            }
            if !is_condition(value) {
                return Err(format!("a price has the condition `{value}`, which is no value"));
            }
        }
    }
    let named = prices.extra.iter().map(|extra| extra.parameter.as_str());
    let named = named.chain(prices.count.as_deref());
    let named = named
        .chain(prices.characters_of.iter().map(|path| path.split("[]").next().unwrap_or_default()));
    for name in named {
        if !known(name) {
            return Err(format!("a price names `{name}`, which is no parameter"));
        }
    }
    Ok(())
}

fn known_field(field: &str) -> Result<(), String> {
    if COMMON_FIELDS.contains(&field) {
        return Ok(());
    }
    let near = words::nearest(field, COMMON_FIELDS.iter().copied());
    Err(match near {
        Some(near) => format!("`{field}` is no common field (perhaps `{near}`)"),
        None => format!("`{field}` is no common field"),
    })
}

fn check_parameter(parameter: &Parameter, shown: &str) -> Result<(), String> {
    for field in &parameter.from {
        known_field(field)?;
    }
    if let (Some(min), Some(max)) = (parameter.min, parameter.max)
        && min > max
    {
        return Err(format!("`{shown}` has a `min` above its `max`"));
    }
    if parameter.step.is_some_and(|step| step <= 0.0) {
        return Err(format!("`{shown}` has a `step` that is not above 0"));
    }
    if parameter.units_per_second.is_some_and(|units| units <= 0.0) {
        return Err(format!("`{shown}` has `units_per_second` that is not above 0"));
    }
    if let (Some(min), Some(max)) = (parameter.min_items, parameter.max_items)
        && min > max
    {
        return Err(format!("`{shown}` has `min_items` above `max_items`"));
    }
    for wire in parameter.map.values() {
        if !parameter.values.is_empty() && !parameter.values.contains(wire) {
            return Err(format!("`map` of `{shown}` leads to `{wire}`, which is not in `values`"));
        }
    }
    for value in parameter.values.iter().chain(&parameter.also) {
        let fits = match parameter.wire_type {
            WireType::String => value.is_string(),
            WireType::Integer => value.is_i64(),
            WireType::Number => value.is_number(),
            WireType::Boolean => value.is_boolean(),
            WireType::Array | WireType::Object => false,
        };
        if !fits {
            return Err(format!("`{value}` of `{shown}` is not {}", parameter.wire_type.word()));
        }
    }
    if let Some(default) = &parameter.default {
        match parameter.convert(default, shown) {
            Ok(converted) if &converted == default => {}
            Ok(converted) => {
                return Err(format!("the default of `{shown}` must be written `{converted}`"));
            }
            Err(faults) => {
                let told: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
                return Err(format!("the default of `{shown}` is wrong: {}", told.join("; ")));
            }
        }
    }
    if let Some(items) = &parameter.items {
        if parameter.wire_type != WireType::Array {
            return Err(format!("`{shown}` has `items` but is no array"));
        }
        if !items.name.is_empty() {
            return Err(format!("`items` of `{shown}` must have no name"));
        }
        check_parameter(items, &format!("{shown}[]"))?;
    }
    for field in &parameter.fields {
        if parameter.wire_type != WireType::Object {
            return Err(format!("`{shown}` has `fields` but is no object"));
        }
        if field.name.is_empty() {
            return Err(format!("a member of `{shown}` has no name"));
        }
        check_parameter(field, &format!("{shown}.{}", field.name))?;
    }
    Ok(())
}
