//! What people call a model.

use super::error::UnknownModel;
use super::model::{Mode, ModeKind, Model, Status};
use super::words;
use std::collections::BTreeMap;

/// What a name means.
#[derive(Debug, Clone, PartialEq)]
pub struct Found<'a> {
    /// The models that it may mean: one, or the tiers of a line from cheap to dear (`Kling 2.1`).
    pub models: Vec<&'a Model>,
    /// The work that the name itself asks for: `Kling 2.6 motion control`, or an id.
    pub wants: Option<Wants>,
    /// Present when the name comes from an old guide: names the real id.
    pub warning: Option<String>,
    /// The name that says the same without a warning.
    pub instead: Option<String>,
}

/// The work that a name asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wants {
    /// The modes with this id of the provider.
    Id(String),
    /// The modes of these kinds, the first that there is.
    Kinds(Vec<ModeKind>),
}

impl<'a> Found<'a> {
    fn one(model: &'a Model) -> Self {
        Self { models: vec![model], wants: None, warning: None, instead: None }
    }

    /// The model; of a line its first tier.
    ///
    /// # Panics
    ///
    /// Never: what is found has a model.
    pub fn model(&self) -> &'a Model {
        match self.models.first() {
            Some(model) => model,
            None => panic!("a name was found without a model"),
        }
    }
}

impl Wants {
    /// Whether a mode is what the name asks for.
    pub fn fits(&self, mode: &Mode) -> bool {
        match self {
            Self::Id(id) => mode.id.as_ref() == Some(id),
            Self::Kinds(kinds) => kinds.contains(&mode.kind),
        }
    }
}

/// Which model each name of its own means: most names in storyboards are one of these, and a film asks a thousand times.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    /// Indices of models by name in normal form.
    owners: BTreeMap<String, usize>,
    /// Indices of models by slug in normal form.
    slugs: BTreeMap<String, usize>,
}

impl Names {
    pub fn add(&mut self, index: usize, model: &Model) {
        self.slugs.insert(words::normal(&model.slug), index);
        self.owners.extend(model.own_names().into_iter().map(|name| (words::normal(name), index)));
    }

    pub fn forget(&mut self, index: usize) {
        self.slugs.retain(|_, owner| *owner != index);
        self.owners.retain(|_, owner| *owner != index);
    }

    /// The index of the model with this slug in normal form.
    pub fn with_slug(&self, slug: &str) -> Option<usize> {
        self.slugs.get(slug).copied()
    }

    /// The first name of a model that belongs to another one than that at `own`, and that other one.
    pub fn taken<'a>(&self, model: &'a Model, own: Option<usize>) -> Option<(&'a str, usize)> {
        model.own_names().into_iter().find_map(|name| {
            let owner = self.owners.get(&words::normal(name)).copied()?;
            (Some(owner) != own).then_some((name, owner))
        })
    }
}

/// Words at the end of a name that say which work is meant, in the order in which they are tried.
const WORK: &[(&str, &[ModeKind])] = &[
    ("text to video", &[ModeKind::T2v]),
    ("image to video", &[ModeKind::I2v, ModeKind::FirstLast]),
    ("first and last frame", &[ModeKind::FirstLast]),
    ("first last frame", &[ModeKind::FirstLast]),
    ("transition", &[ModeKind::FirstLast]),
    ("reference to video", &[ModeKind::Reference]),
    ("references", &[ModeKind::Reference]),
    ("reference", &[ModeKind::Reference]),
    ("video to video", &[ModeKind::V2v]),
    ("video edit", &[ModeKind::V2v]),
    ("restyle", &[ModeKind::V2v]),
    ("edit", &[ModeKind::V2v, ModeKind::I2i]),
    ("animate replace", &[ModeKind::V2v]),
    ("animate move", &[ModeKind::Motion]),
    ("animate", &[ModeKind::Motion]),
    ("motion control", &[ModeKind::Motion]),
    ("speech to video", &[ModeKind::Speech]),
    ("avatar", &[ModeKind::Speech]),
    ("lip sync", &[ModeKind::Speech]),
    ("extend", &[ModeKind::Extend]),
    ("extension", &[ModeKind::Extend]),
    ("upscale", &[ModeKind::Upscale]),
    ("text to image", &[ModeKind::T2i]),
    ("image to image", &[ModeKind::I2i]),
    ("text to speech", &[ModeKind::Tts]),
];

/// What a name means among these models: display name, slug, alias, line, the provider's id, an id of an old guide, or a
/// name with the work behind it. Case, spaces, hyphens and dots do not matter. An id that reads like a model's name
/// (`veo-3-1`) means that model.
pub(super) fn find<'a>(
    models: &'a [Model],
    names: &Names,
    name: &str,
) -> Result<Found<'a>, UnknownModel> {
    let wanted = words::normal(name);
    known(models, names, name)
        .or_else(|| with_work(models, names, &wanted))
        .ok_or_else(|| UnknownModel { name: words::plain(name), nearest: nearest(models, &wanted) })
}

/// A name that stands in the catalogue.
fn known<'a>(models: &'a [Model], names: &Names, written: &str) -> Option<Found<'a>> {
    let wanted = words::normal(written);
    if let Some(model) = names.owners.get(&wanted).and_then(|owner| models.get(*owner)) {
        return Some(Found::one(model));
    }
    if let Some(found) = line(models, &wanted) {
        return Some(found);
    }
    let is = |name: &str| words::normal(name) == wanted;
    let by_id = |model: &'a Model, is: &dyn Fn(&str) -> bool| {
        let id = model.modes.iter().filter_map(|mode| mode.id.as_ref()).find(|id| is(id))?;
        Some(Found { wants: Some(Wants::Id(id.clone())), ..Found::one(model) })
    };
    let old = |model: &'a Model| {
        let old = model.old_names.iter().find(|old| is(&old.name))?;
        let warning = format!(
            "`{}` is an id of an old guide that does not exist; `{}` (`{}`) is used",
            old.name, model.name, old.real
        );
        let found = by_id(model, &|id| id == old.real).unwrap_or_else(|| Found::one(model));
        Some(Found { warning: Some(warning), instead: Some(old.real.clone()), ..found })
    };
    // Ids of old guides can differ from real ones in a hyphen only, and that is told.
    let exactly = |id: &str| id.eq_ignore_ascii_case(written.trim());
    models
        .iter()
        .find_map(|model| by_id(model, &exactly))
        .or_else(|| models.iter().find_map(old))
        .or_else(|| models.iter().find_map(|model| by_id(model, &is)))
}

/// The tiers of a line, the retired ones only where no other is left.
fn line<'a>(models: &'a [Model], wanted: &str) -> Option<Found<'a>> {
    let tiers: Vec<&Model> = models
        .iter()
        .filter(|model| model.line.as_deref().is_some_and(|line| words::normal(line) == wanted))
        .collect();
    let live: Vec<&Model> =
        tiers.iter().copied().filter(|model| model.status != Status::Retired).collect();
    let models = if live.is_empty() { tiers } else { live };
    (!models.is_empty()).then_some(Found { models, wants: None, warning: None, instead: None })
}

/// A name that ends in the work that is meant.
fn with_work<'a>(models: &'a [Model], names: &Names, wanted: &str) -> Option<Found<'a>> {
    WORK.iter().find_map(|(work, kinds)| {
        let name = wanted.strip_suffix(&words::normal(work)).filter(|name| !name.is_empty())?;
        let mut found = known(models, names, name).filter(|found| found.wants.is_none())?;
        let has = |model: &&Model| model.modes.iter().any(|mode| kinds.contains(&mode.kind));
        found.models.retain(has);
        found.wants = Some(Wants::Kinds(kinds.to_vec()));
        (!found.models.is_empty()).then_some(found)
    })
}

/// The three display names nearest to a name in normal form.
fn nearest(models: &[Model], wanted: &str) -> Vec<String> {
    let mut scored: Vec<(f64, &Model)> = models
        .iter()
        .filter(|model| model.status != Status::Retired)
        .map(|model| {
            let names = model.names().into_iter().chain(model.line.as_deref());
            let score = names
                .map(|name| strsim::jaro_winkler(wanted, &words::normal(name)))
                .fold(0.0, f64::max);
            (score, model)
        })
        .collect();
    // Stable, so that equal scores keep the order of the catalogue.
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(3).map(|(_, model)| model.name.clone()).collect()
}
