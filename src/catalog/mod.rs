//! Models and API families as data.
//!
//! [`Catalog::built_in`] holds what is embedded in the program; a project's own files come on top with
//! [`Catalog::with_files`]. A [`Mode`] checks what an author wants and makes the parameters that are sent, and knows clip
//! lengths and prices. A [`Family`] puts them into a request, and says what the provider's answers mean. Everything here
//! is plain functions over data: no network, no files, no clock.

mod breach;
mod compose;
mod error;
mod family;
mod file;
mod guide;
mod length;
mod model;
mod naming;
mod parameter;
mod pointer;
mod price;
mod provider;
mod rule;
mod words;

pub use compose::{Composed, ParameterProblem, ProblemSource, Wanted};
pub use error::{CatalogError, MissingMode, UnknownModel};
pub use family::{
    Answer, CreateAnswer, Family, Mark, Meaning, Operation, Placement, Poll, Read, RequestParts,
    TaskState, Upgrade, UpgradeState, WithoutUrl,
};
pub use guide::{Choice, goal_named, goals, is_auto};
pub use length::{ClipLength, LengthProblem};
pub use model::{Mode, ModeKind, Model, OldName, Sound, Status};
use naming::Names;
pub use naming::{Found, Wants};
pub use parameter::{COMMON_FIELDS, Media, MediaKind, Parameter, WireType};
pub use pointer::{time, urls};
pub use price::{Basis, Price, PriceKind, Prices, Rate, Surcharge};
pub use provider::{
    Balance, CreateClass, Discovery, DownloadLink, Envelope, FailureClass, FailureRule, Limits,
    OutcomeTable, Provider, ReadRules, RejectedText, Retention, Stop, StopCodes, Uploads,
};
pub use rule::{Check, Conditions, Confidence, Rule};

use crate::source::Source;
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

/// The providers that are part of the program, by file name and text.
const PROVIDERS: &[(&str, &str)] =
    &[("catalog/kie/provider.toml", include_str!("../../catalog/kie/provider.toml"))];

// `MODELS`: the model files that are part of the program, by file name and text. The build script lists them, so that a
// new model is one new file.
include!(concat!(env!("OUT_DIR"), "/models.rs"));

static BUILT_IN: LazyLock<Result<Catalog, CatalogError>> = LazyLock::new(Catalog::read_built_in);

/// All models and providers that can be used. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Catalog {
    providers: Arc<Vec<Provider>>,
    models: Arc<Vec<Model>>,
    names: Arc<Names>,
}

impl Catalog {
    /// The catalogue that is part of the program, parsed once.
    ///
    /// # Errors
    ///
    /// A mistake in an embedded file, which the tests rule out.
    pub fn built_in() -> Result<Self, CatalogError> {
        BUILT_IN.clone()
    }

    fn read_built_in() -> Result<Self, CatalogError> {
        let mut providers = Vec::new();
        for (name, text) in PROVIDERS {
            providers.push(read_provider(&Source::new(*name, *text))?);
        }
        let empty =
            Self { providers: Arc::new(providers), models: Arc::default(), names: Arc::default() };
        let files: Vec<Source> =
            MODELS.iter().map(|(name, text)| Source::new(*name, *text)).collect();
        empty.with_sources(&files)
    }

    /// This catalogue with a project's own model files, each as its name and text.
    ///
    /// A model with the slug or the display name of a known one takes its place. Files describe models only: hosts, paths and keys belong to
    /// providers, and a project must not be able to send the key elsewhere.
    ///
    /// # Errors
    ///
    /// The first mistake in a file, with its place.
    pub fn with_files(self, files: &[(String, String)]) -> Result<Self, CatalogError> {
        let sources: Vec<Source> =
            files.iter().map(|(name, text)| Source::new(name.clone(), text.clone())).collect();
        for source in &sources {
            let stem = source.name().rsplit(['/', '\\']).next().unwrap_or_default();
            if stem.eq_ignore_ascii_case("provider.toml") {
                return Err(CatalogError::at(source, 0, "a project cannot describe a provider").hint(
                    "its catalogue holds models only; hosts come from the program, the environment \
                     or your own configuration",
                ));
            }
            file::refuse_steering(source)?;
        }
        self.with_sources(&sources)
    }

    fn with_sources(self, sources: &[Source]) -> Result<Self, CatalogError> {
        let Self { providers, models, names } = self;
        let mut models = Arc::unwrap_or_clone(models);
        let mut names = Arc::unwrap_or_clone(names);
        for source in sources {
            let mut slugs = BTreeSet::new();
            for placed in file::read(source)? {
                check_model(source, &placed, &providers)?;
                let file::Placed { model, offset } = placed;
                let slug = words::normal(&model.slug);
                if !slugs.insert(slug.clone()) {
                    let message = format!("`{}` is described twice", model.name);
                    return Err(CatalogError::at(source, offset, message));
                }
                let known = names.with_slug(&slug).or_else(|| of_name(&models, &model));
                if let Some((name, other)) = names.taken(&model, known) {
                    let owner = &models[other].name;
                    let message =
                        format!("the name `{name}` of `{}` means `{owner}` already", model.name);
                    return Err(CatalogError::at(source, offset, message).hint(
                        "give it another name, or the other model's `slug` to replace that",
                    ));
                }
                match known {
                    Some(index) => {
                        names.forget(index);
                        names.add(index, &model);
                        models[index] = model;
                    }
                    None => {
                        names.add(models.len(), &model);
                        models.push(model);
                    }
                }
            }
        }
        Ok(Self { providers, models: Arc::new(models), names: Arc::new(names) })
    }

    /// Every model, in the order of the files.
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// What a name means: display name, slug, alias, line, the provider's id, an id of an old guide, or one of these with
    /// the work behind it (`Wan 2.2 speech to video`). Case, spaces, hyphens and dots do not matter.
    ///
    /// # Errors
    ///
    /// No model has the name; the three nearest display names are given.
    pub fn find(&self, name: &str) -> Result<Found<'_>, UnknownModel> {
        naming::find(&self.models, &self.names, name)
    }

    /// The provider with this name.
    pub fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.name == name)
    }

    /// The provider of a model of this catalogue.
    ///
    /// # Panics
    ///
    /// For a model of another catalogue; reading checks every provider's name.
    pub fn provider_of(&self, model: &Model) -> &Provider {
        match self.provider(&model.provider) {
            Some(provider) => provider,
            None => panic!("model `{}` is of another catalogue", model.name),
        }
    }

    /// The family of a model of this catalogue.
    ///
    /// # Panics
    ///
    /// For a model of another catalogue; reading checks every family's name.
    pub fn family_of(&self, model: &Model) -> &Family {
        match self.provider_of(model).family(&model.family) {
            Some(family) => family,
            None => panic!("model `{}` is of another catalogue", model.name),
        }
    }

    /// Why a model has not the mode that a step needs, and which models have it: those of its family first, else any.
    pub fn missing_mode(&self, model: &Model, kind: ModeKind) -> MissingMode {
        let have = |same_family: bool| -> Vec<String> {
            self.models
                .iter()
                .filter(|other| other.status != Status::Retired && other.mode(kind).is_some())
                .filter(|other| !same_family || other.prompt_style == model.prompt_style)
                .filter(|other| !same_family || other.family == model.family)
                .map(|other| other.name.clone())
                .collect()
        };
        let mut others = have(true);
        if others.is_empty() {
            others = have(false);
        }
        others.truncate(5);
        let own: Vec<&str> = model.kinds().into_iter().map(ModeKind::name).collect();
        let own = words::all_of(&words::quoted(&own));
        let verb = if others.len() == 1 { "does" } else { "do" };
        MissingMode {
            message: format!("`{}` has no `{kind}` mode", model.name),
            hint: if others.is_empty() {
                format!("it has {own}")
            } else {
                format!("{} {verb}; it has {own}", words::all_of(&words::quoted(&others)))
            },
        }
    }
}

/// The index of the model with the display name of another: who writes a name that there is means that model.
fn of_name(models: &[Model], other: &Model) -> Option<usize> {
    let name = words::normal(&other.name);
    models.iter().position(|model| words::normal(&model.name) == name)
}

/// Reads a provider; only built-in files come here.
fn read_provider(source: &Source) -> Result<Provider, CatalogError> {
    let mut provider: Provider =
        toml::from_str(source.text()).map_err(|error| CatalogError::from_toml(source, &error))?;
    for family in &mut provider.families {
        family.envelope = provider.envelope.clone();
        family.rules = provider.read.clone();
    }
    Ok(provider)
}

/// What cannot be right about a model given the providers.
fn check_model(
    source: &Source,
    placed: &file::Placed,
    providers: &[Provider],
) -> Result<(), CatalogError> {
    let file::Placed { model, offset } = placed;
    let at = |message: String| CatalogError::at(source, *offset, message);
    let provider =
        providers.iter().find(|provider| provider.name == model.provider).ok_or_else(|| {
            at(format!(
                "`{}` is of the provider `{}`, which is not known",
                model.name, model.provider
            ))
        })?;
    let family = provider.family(&model.family).ok_or_else(|| {
        let known: Vec<&str> = provider.families.iter().map(|f| f.name.as_str()).collect();
        at(format!("`{}` is of the family `{}`, which is not known", model.name, model.family))
            .hint(format!("`{}` has {}", provider.name, words::all_of(&words::quoted(&known))))
    })?;
    for mode in &model.modes {
        let known = family.operation(&mode.operation).is_some()
            || family.upgrade(&mode.operation).is_some();
        if !known {
            let names: Vec<&str> = family
                .operations
                .iter()
                .map(|operation| operation.name.as_str())
                .chain(family.upgrades.iter().map(|upgrade| upgrade.name.as_str()))
                .collect();
            return Err(at(format!(
                "the {} mode of `{}` names the operation `{}`, which its family has not",
                mode.kind, model.name, mode.operation
            ))
            .hint(format!(
                "`{}` has {}",
                family.name,
                words::all_of(&words::quoted(&names))
            )));
        }
        let takes_id =
            family.operation(&mode.operation).is_some_and(|operation| operation.model.is_some());
        if takes_id && mode.id.is_none() && !mode.set.contains_key("model") {
            return Err(at(format!(
                "the {} mode of `{}` has no `id`, which its operation needs",
                mode.kind, model.name
            )));
        }
        if let Some(upgrade) = mode.not_after.iter().find(|name| family.upgrade(name).is_none()) {
            return Err(at(format!(
                "the {} mode of `{}` names the upgrade `{upgrade}`, which its family has not",
                mode.kind, model.name
            )));
        }
    }
    Ok(())
}

/// The JSON Schema of a catalogue file of models.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(file::ModelFile)
}
