//! `storyreel models`: the catalogue.

use super::failure::Failure;
use super::refresh::Refresh;
use super::workspace;
use super::{Output, pretty, print};
use crate::catalog::{Basis, Catalog, Mode, ModeKind, Model, Parameter, Status};
use crate::report::{Style, sanitise, trimmed};
use crate::settings::{Environment, Flags};
use clap_complete::ArgValueCompleter;
use serde_json::json;
use std::fmt::Write as _;

/// Show the models: modes, parameters, limits, prices and their dates.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  storyreel models                   one line a model
  storyreel models --all             also those that the provider took away
  storyreel models veo-3.1-fast      everything about one model
  storyreel models kling --json
  storyreel models --refresh         what the provider lists, against the catalogue
  storyreel models kling --refresh   the same for some, with their parameters
  storyreel models --refresh --write a catalogue file of what is new and gone

Models of your own are TOML files in the project's `catalog/`, or for all projects in
~/.config/storyreel/catalog/; `storyreel schema catalog` describes them. A model with a name that
there is takes its place.")]
pub(super) struct Models {
    /// Part of a name, or a name; one match is shown in full
    #[arg(value_name = "QUERY", add = ArgValueCompleter::new(super::completing::models))]
    query: Option<String>,
    /// Show models that the provider took away, too (a QUERY always does); with --refresh, chat and music as well
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    refresh: Refresh,
}

impl Models {
    pub fn run(&self, output: Output) -> Result<u8, Failure> {
        if self.refresh.is_wanted() {
            return self.refresh.run(self.query.as_deref(), self.all, self.json, output);
        }
        let catalog = catalog()?;
        let found = self.matching(&catalog)?;
        if self.json {
            print(&pretty(&json!({"models": found})))?;
        } else if let [model] = found[..] {
            print(&in_full(&catalog, model, output.stdout))?;
        } else {
            print(&table(&found, output.stdout))?;
        }
        Ok(0)
    }

    fn matching<'c>(&self, catalog: &'c Catalog) -> Result<Vec<&'c Model>, Failure> {
        let Some(query) = &self.query else {
            let shown = |model: &&Model| self.all || model.status != Status::Retired;
            return Ok(catalog.models().iter().filter(shown).collect());
        };
        let found = matching(catalog, query);
        if !found.is_empty() {
            return Ok(found);
        }
        Err(match catalog.find(query) {
            Err(unknown) => {
                Failure::invalid("unknown-model", unknown.to_string()).hint(unknown.hint())
            }
            Ok(_) => Failure::invalid("unknown-model", format!("there is no model `{query}`")),
        })
    }
}

/// The letters and digits of a name, in lower case.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The models whose names hold a text.
pub(super) fn matching<'c>(catalog: &'c Catalog, query: &str) -> Vec<&'c Model> {
    let wanted = plain(query);
    // A whole name or slug means one model, also where it is a part of another's. A short alias such as `veo`
    // does not hide the rest.
    let whole = catalog
        .models()
        .iter()
        .find(|model| plain(&model.name) == wanted || plain(&model.slug) == wanted);
    if let Some(model) = whole {
        return vec![model];
    }
    let holds = |model: &&Model| {
        let names = model.names().into_iter();
        names
            .chain([model.family.as_str(), model.provider.as_str()])
            .any(|name| plain(name).contains(&wanted))
    };
    catalog.models().iter().filter(holds).collect()
}

/// The project's catalogue where the working folder has a storyboard, else the built-in one.
fn catalog() -> Result<Catalog, Failure> {
    let environment = Environment::of_process().map_err(|error| {
        Failure::cannot_work("no-folder", format!("there is no working folder: {error}"))
    })?;
    let root = crate::settings::resolve(&Flags::default(), &environment)
        .map_or_else(|_| environment.folder.clone(), |(settings, _)| settings.project.root);
    workspace::catalog_of(&root, &environment, None)
}

/// What a model makes: the parts of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Makes {
    Clips,
    Pictures,
    Sound,
    Help,
}

impl Makes {
    const ALL: [Self; 4] = [Self::Clips, Self::Pictures, Self::Sound, Self::Help];

    fn of(model: &Model) -> Self {
        let of_mode = |mode: &Mode| match mode.kind {
            ModeKind::T2i | ModeKind::I2i => Self::Pictures,
            ModeKind::Tts => Self::Sound,
            ModeKind::Tool => Self::Help,
            _ => Self::Clips,
        };
        model.modes.first().map_or(Self::Help, of_mode)
    }

    fn head(self) -> &'static str {
        match self {
            Self::Clips => "clips",
            Self::Pictures => "pictures",
            Self::Sound => "sound",
            Self::Help => "helpers",
        }
    }
}

fn table(models: &[&Model], style: Style) -> String {
    let row = |model: &&Model| {
        let modes: Vec<&str> = model.kinds().into_iter().map(|kind| kind.name()).collect();
        let name = match model.status {
            Status::Live => model.name.clone(),
            Status::Retired => format!("{} (retired)", model.name),
            Status::Unverified => format!("{} (unverified)", model.name),
        };
        [name, model.slug.clone(), modes.join(" "), prices(model)]
    };
    let mut parts: Vec<(Makes, Vec<[String; 4]>)> = Makes::ALL
        .into_iter()
        .map(|makes| (makes, models.iter().filter(|m| Makes::of(m) == makes).map(row).collect()))
        .collect();
    parts.retain(|(_, rows)| !rows.is_empty());
    let heads = |makes: Makes| [makes.head(), "write", "modes", "credits"].map(str::to_owned);
    let widest = |column: usize| {
        let all = parts.iter().flat_map(|(makes, rows)| {
            rows.iter()
                .map(move |row| row[column].chars().count())
                .chain([heads(*makes)[column].len()])
        });
        all.max().unwrap_or(0)
    };
    let widths = [widest(0), widest(1), widest(2)];
    let line = |row: &[String; 4]| {
        format!(
            "{:w0$}  {:w1$}  {:w2$}  {}\n",
            row[0],
            row[1],
            row[2],
            row[3],
            w0 = widths[0],
            w1 = widths[1],
            w2 = widths[2]
        )
    };
    let mut out = String::new();
    for (makes, rows) in &parts {
        out.push_str(&style.dim(line(&heads(*makes)).trim_end()));
        out.push('\n');
        out.extend(rows.iter().map(line));
        out.push('\n');
    }
    out.push_str("`storyreel models NAME` shows parameters, limits and prices of one model\n");
    out
}

/// The range of a model's first priced mode, and of the others that count the same: `55-220/clip`.
fn prices(model: &Model) -> String {
    let priced = || model.modes.iter().filter_map(|mode| mode.prices.as_ref());
    let Some(first) = priced().next() else { return "?".to_owned() };
    let credits: Vec<f64> = priced()
        .filter(|prices| prices.basis == first.basis)
        .flat_map(|prices| prices.rates.iter().map(|rate| rate.credits))
        .collect();
    let least = credits.iter().copied().reduce(f64::min).unwrap_or_default();
    let most = credits.iter().copied().reduce(f64::max).unwrap_or_default();
    let unit = match first.basis {
        Basis::Free => return "free".to_owned(),
        Basis::Clip => "clip",
        Basis::Second | Basis::InputSecond | Basis::InputAndOutputSecond => "s",
        Basis::Image => "picture",
        Basis::ThousandCharacters => "1000 characters",
        Basis::MillionTokens => "million tokens",
    };
    if least < most {
        format!("{}-{}/{unit}", trimmed(least, 2), trimmed(most, 2))
    } else {
        format!("{}/{unit}", trimmed(most, 2))
    }
}

fn in_full(catalog: &Catalog, model: &Model, style: Style) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}  ({})", style.bold(sanitise(&model.name, 80)), model.slug);
    if !model.aliases.is_empty() {
        let _ = writeln!(out, "also: {}", sanitise(&model.aliases.join(", "), 300));
    }
    let _ = writeln!(
        out,
        "{} / {}, checked {}{}",
        model.provider,
        model.family,
        model.checked,
        match model.status {
            Status::Live => "",
            Status::Retired => ", retired: its scenes are skipped",
            Status::Unverified => ", unverified: nobody has seen it work",
        }
    );
    if let Some(line) = &model.line {
        let _ = writeln!(
            out,
            "a tier of {}, which means its cheapest tier that can",
            sanitise(line, 80)
        );
    }
    if let Some(instead) = &model.instead {
        let _ = writeln!(out, "instead: {}", sanitise(instead, 80));
    }
    if let Some(note) = &model.note {
        let _ = writeln!(out, "{}", sanitise(note, 600));
    }
    for mode in &model.modes {
        mode_in_full(&mut out, mode, style);
    }
    let provider = catalog.provider_of(model);
    out.push('\n');
    if !model.sources.is_empty() {
        let _ = writeln!(out, "sources: {}", sanitise(&model.sources.join(", "), 600));
    }
    let _ = writeln!(out, "provider: {}", provider.name);
    out
}

fn mode_in_full(out: &mut String, mode: &Mode, style: Style) {
    let target = mode.target.as_deref().map(|target| format!(" to {target}")).unwrap_or_default();
    let id = mode.id.as_deref().map(|id| format!("  id {id}")).unwrap_or_default();
    let _ = writeln!(out, "\n{}{id}", style.bold(format!("{}{target}", mode.kind)));
    if !mode.lengths.is_empty() || mode.longest().is_some() {
        let _ = writeln!(out, "  clips of {}", mode.lengths_told());
    }
    match &mode.prices {
        None => out.push_str("  price: none published\n"),
        Some(prices) => {
            for rate in &prices.rates {
                let when = serde_json::to_value(&rate.when)
                    .ok()
                    .and_then(|value| value.as_object().cloned())
                    .filter(|conditions| !conditions.is_empty())
                    .map(|conditions| {
                        let parts: Vec<String> =
                            conditions.iter().map(|(name, value)| condition(name, value)).collect();
                        format!("with {}", sanitise(&parts.join(", "), 200))
                    })
                    .unwrap_or_default();
                let _ = writeln!(
                    out,
                    "  price: {} credits {}{}{when} (read {})",
                    trimmed(rate.credits, 3),
                    basis(prices.basis),
                    if when.is_empty() { "" } else { " " },
                    prices.as_of
                );
            }
        }
    }
    for parameter in &mode.parameters {
        let _ = writeln!(out, "  {}", sanitise(&parameter_words(parameter), 400));
    }
    if let Some(note) = &mode.note {
        let _ = writeln!(out, "  note: {}", sanitise(note, 600));
    }
}

/// A condition of a price; a name that begins with `@` is a fact about the request.
fn condition(name: &str, value: &serde_json::Value) -> String {
    match (name, value.as_bool()) {
        ("@video_input", Some(true)) => "a clip among the inputs".to_owned(),
        ("@video_input", Some(false)) => "no clip among the inputs".to_owned(),
        ("@from" | "@source_resolution", _) => format!("a source of {}", words(value)),
        _ => format!("{} {}", name.trim_start_matches('@'), words(value)),
    }
}

fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Free => "(free)",
        Basis::Clip => "a clip",
        Basis::Second => "a second",
        Basis::InputSecond => "a second of input",
        Basis::InputAndOutputSecond => "a second of input and output",
        Basis::Image => "a picture",
        Basis::ThousandCharacters => "a thousand characters",
        Basis::MillionTokens => "a million tokens",
    }
}

fn words(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(" or "),
        other => other.to_string(),
    }
}

/// `duration: 4, 6, 8 (default 8)`.
fn parameter_words(parameter: &Parameter) -> String {
    let mut out = parameter.name.clone();
    let from: Vec<&str> =
        parameter.from.iter().map(String::as_str).filter(|from| *from != parameter.name).collect();
    if !from.is_empty() {
        let _ = write!(out, " (from {})", from.join(", "));
    }
    let mut facts = Vec::new();
    let offered = parameter.offered();
    if !offered.is_empty() {
        facts.push(offered.join(" | "));
    }
    match (parameter.min, parameter.max) {
        (Some(min), Some(max)) => facts.push(format!("{} to {}", trimmed(min, 3), trimmed(max, 3))),
        (Some(min), None) => facts.push(format!("at least {}", trimmed(min, 3))),
        (None, Some(max)) => facts.push(format!("at most {}", trimmed(max, 3))),
        (None, None) => {}
    }
    if let Some(most) = parameter.max_length {
        facts.push(format!("at most {most} characters"));
    }
    if let Some(most) = parameter.max_items {
        facts.push(format!("at most {most}"));
    }
    if parameter.required {
        facts.push("required".to_owned());
    }
    if let Some(default) = &parameter.default {
        facts.push(format!("default {}", words(default)));
    }
    if facts.is_empty() {
        facts.push(parameter.wire_type.word().to_owned());
    }
    let _ = write!(out, ": {}", facts.join(", "));
    out
}
