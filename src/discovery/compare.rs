//! The provider's list and schemas against the catalogue.

use super::listing::{Listing, Offer};
use super::modes;
use super::openapi::ModelSchema;
use super::price_text;
use crate::catalog::{
    Basis, Catalog, Discovery, Mode, ModeKind, Model, Parameter, Provider, Status, WireType,
};
use crate::remote::printable;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Prices are written with at most so much of rounding.
const ROUNDING: f64 = 0.006;

/// What the provider answered when it was asked for a schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchemaAnswer {
    /// This one.
    Schema(ModelSchema),
    /// It has none yet.
    None,
    /// One that cannot be read, or none for a reason of its own.
    Unreadable(String),
}

/// What is different.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Findings {
    /// Listed models that the catalogue does not know.
    pub new: Vec<Described>,
    /// Listed models of kinds that no storyboard asks for, or that are not called by tasks.
    pub others: Vec<Offer>,
    /// Ids of usable models of the catalogue that are not listed any more.
    pub gone: Vec<Gone>,
    /// Ids of retired models that are listed again.
    pub back: Vec<Gone>,
    /// Ids whose price or schema is another than the catalogue's.
    pub changed: Vec<Changed>,
    /// How many schemas of known models were compared.
    pub compared: usize,
}

/// A new model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Described {
    /// As it is listed.
    pub offer: Offer,
    /// The modes that its schema suggests.
    pub modes: Vec<ModeKind>,
    /// Why it cannot be described, where it cannot.
    pub problem: Option<String>,
}

/// An id of the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gone {
    /// The id.
    pub id: String,
    /// The models with it, by display name.
    pub models: Vec<String>,
    /// Their modes with it.
    pub modes: Vec<ModeKind>,
}

/// An id that is not what the catalogue says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changed {
    /// The id.
    pub id: String,
    /// The models with it, by display name.
    pub models: Vec<String>,
    /// What is different.
    pub changes: Vec<Unlike>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Unlike {
    /// The parameter it is about; absent for the price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// What it is.
    #[serde(flatten)]
    pub change: Change,
}

/// The kinds of difference.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// The schema has a parameter that the catalogue has not.
    NewParameter {
        /// Whether a request needs it.
        required: bool,
    },
    /// The catalogue has a parameter that the schema has not.
    ParameterGone,
    /// A request needs it, and the catalogue does not always send it.
    NowRequired,
    /// It has another type on the wire.
    Type {
        /// The catalogue's.
        catalogue: WireType,
        /// The schema's.
        provider: WireType,
    },
    /// Values that the catalogue does not allow.
    ValuesAdded {
        /// They.
        values: Vec<Value>,
    },
    /// Values of the catalogue that the schema does not allow.
    ValuesGone {
        /// They.
        values: Vec<Value>,
    },
    /// Another bound.
    Limit {
        /// `min`, `max`, `max_length` or `max_items`.
        limit: &'static str,
        /// The catalogue's; absent where it has none.
        catalogue: Option<f64>,
        /// The schema's.
        provider: f64,
    },
    /// Another price.
    Price {
        /// Credits of the catalogue that the price text does not name.
        missing: Vec<f64>,
        /// Credits of the price text that the catalogue does not know.
        unknown: Vec<f64>,
        /// The price text.
        text: String,
    },
}

/// The modes of the catalogue that the list is about, by id.
pub(super) struct Listed<'c> {
    pub by_id: BTreeMap<&'c str, Vec<(&'c Model, &'c Mode)>>,
}

impl<'c> Listed<'c> {
    pub fn of(catalog: &'c Catalog, provider: &Provider, discovery: &Discovery) -> Self {
        let mut by_id: BTreeMap<&str, Vec<(&Model, &Mode)>> = BTreeMap::new();
        let models = catalog
            .models()
            .iter()
            .filter(|model| model.provider == provider.name && model.family == discovery.family);
        for model in models {
            for mode in model.modes.iter().filter(|mode| mode.operation == discovery.operation) {
                if let Some(id) = &mode.id {
                    by_id.entry(id).or_default().push((model, mode));
                }
            }
        }
        Self { by_id }
    }
}

/// Compares. `schemas` holds the answers by id, for as many models as were asked for.
pub fn compare(
    catalog: &Catalog,
    provider: &Provider,
    discovery: &Discovery,
    listing: &Listing,
    schemas: &BTreeMap<String, SchemaAnswer>,
) -> Findings {
    let listed = Listed::of(catalog, provider, discovery);
    let mut findings = Findings::default();
    let known_ids: BTreeSet<&str> = catalog
        .models()
        .iter()
        .filter(|model| model.provider == provider.name)
        .flat_map(|model| model.modes.iter().filter_map(|mode| mode.id.as_deref()))
        .collect();
    let call = provider
        .family(&discovery.family)
        .and_then(|family| family.operation(&discovery.operation))
        .map_or("", |operation| operation.path.as_str());
    for offer in listing.offers.iter().filter(|offer| !known_ids.contains(offer.id.as_str())) {
        if !offer.is_of_use() {
            findings.others.push(offer.clone());
            continue;
        }
        let (modes, problem) = match schemas.get(&offer.id) {
            Some(SchemaAnswer::Schema(schema)) if schema.path != call => {
                findings.others.push(offer.clone());
                continue;
            }
            Some(SchemaAnswer::Schema(schema)) => {
                let modes: Vec<ModeKind> =
                    modes::guess(offer, schema, "").into_iter().map(|guess| guess.kind).collect();
                let problem = modes
                    .is_empty()
                    .then(|| "its work cannot be told from its id and parameters".to_owned());
                (modes, problem)
            }
            Some(SchemaAnswer::None) => {
                (Vec::new(), Some("the provider has no schema for it yet".to_owned()))
            }
            Some(SchemaAnswer::Unreadable(why)) => {
                (Vec::new(), Some(format!("its schema cannot be read: {why}")))
            }
            None => (Vec::new(), Some("its schema was not asked for".to_owned())),
        };
        findings.new.push(Described { offer: offer.clone(), modes, problem });
    }
    let shared = shared_prices(&listed, listing);
    for (id, modes) in &listed.by_id {
        let about = || Gone {
            id: (*id).to_owned(),
            models: names(modes),
            modes: modes.iter().map(|(_, mode)| mode.kind).collect(),
        };
        let live = modes.iter().any(|(model, _)| model.status != Status::Retired);
        let Some(offer) = listing.offer(id) else {
            if live {
                findings.gone.push(about());
            }
            continue;
        };
        if !live {
            findings.back.push(about());
            continue;
        }
        let mut changes = Vec::new();
        if let Some(text) = &offer.price {
            changes.extend(price(modes, text, shared.get(text.as_str())));
        }
        if let Some(SchemaAnswer::Schema(schema)) = schemas.get(*id) {
            findings.compared += 1;
            changes.extend(parameters(modes, schema));
        }
        if !changes.is_empty() {
            findings.changed.push(Changed { id: (*id).to_owned(), models: names(modes), changes });
        }
    }
    findings
}

/// How many ids of the catalogue are listed.
pub fn known(
    catalog: &Catalog,
    provider: &Provider,
    discovery: &Discovery,
    listing: &Listing,
) -> usize {
    let listed = Listed::of(catalog, provider, discovery);
    listed.by_id.keys().filter(|id| listing.offer(id).is_some()).count()
}

impl Findings {
    /// Keeps what is about ids for which `wanted` is true.
    #[must_use]
    pub fn only(mut self, wanted: impl Fn(&str) -> bool) -> Self {
        self.new.retain(|new| wanted(&new.offer.id));
        self.others.retain(|offer| wanted(&offer.id));
        self.gone.retain(|gone| wanted(&gone.id));
        self.back.retain(|back| wanted(&back.id));
        self.changed.retain(|changed| wanted(&changed.id));
        self
    }

    /// True where the catalogue says what the provider says.
    pub fn is_empty(&self) -> bool {
        self.new.is_empty()
            && self.gone.is_empty()
            && self.back.is_empty()
            && self.changed.is_empty()
    }
}

fn names(modes: &[(&Model, &Mode)]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (model, _) in modes {
        if !names.contains(&model.name) {
            names.push(model.name.clone());
        }
    }
    names
}

/// What the price text must name: a surcharge often stands elsewhere.
fn rates(mode: &Mode) -> Vec<f64> {
    let surcharges = mode.prices.as_ref().map_or(0, |prices| prices.extra.len());
    let mut credits = own_credits(mode);
    credits.truncate(credits.len() - surcharges.min(credits.len()));
    credits
}

/// All credits that the catalogue has for the models with the same price text: one text often tells of several.
fn shared_prices<'l>(listed: &Listed<'_>, listing: &'l Listing) -> BTreeMap<&'l str, Vec<f64>> {
    let mut shared: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for offer in &listing.offers {
        if let (Some(text), Some(modes)) = (&offer.price, listed.by_id.get(offer.id.as_str())) {
            shared
                .entry(text)
                .or_default()
                .extend(modes.iter().flat_map(|(_, mode)| spellings(mode)));
        }
    }
    shared
}

/// The credits of a mode, and the same counted by second or by clip.
fn spellings(mode: &Mode) -> Vec<f64> {
    let own = own_credits(mode);
    let lengths = lengths(mode);
    let by_length =
        own.iter().flat_map(|credits| lengths.iter().flat_map(move |s| [credits * s, credits / s]));
    own.iter().copied().chain(by_length).collect()
}

fn own_credits(mode: &Mode) -> Vec<f64> {
    let Some(prices) = &mode.prices else { return Vec::new() };
    if prices.basis == Basis::Free {
        return vec![0.0];
    }
    let extra = prices.extra.iter().map(|extra| extra.credits);
    prices.rates.iter().map(|rate| rate.credits).chain(extra).collect()
}

fn lengths(mode: &Mode) -> Vec<f64> {
    let chosen = mode.parameters.iter().filter(|parameter| parameter.is_fed_by("duration"));
    let chosen = chosen.flat_map(|parameter| &parameter.values).filter_map(|value| match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_f64(),
    });
    // A mode that says nothing of its length makes clips of about five seconds.
    let mut lengths: Vec<f64> = mode.lengths.iter().copied().chain(chosen).collect();
    if lengths.is_empty() {
        lengths.push(5.0);
    }
    lengths.into_iter().filter(|seconds| *seconds > 0.0).collect()
}

fn same(one: f64, other: f64) -> bool {
    (one - other).abs() <= ROUNDING * one.abs().max(other.abs()).max(1.0)
}

/// What a price text says otherwise. Texts without a number of credits, and modes without a price, say nothing.
fn price(modes: &[(&Model, &Mode)], text: &str, shared: Option<&Vec<f64>>) -> Option<Unlike> {
    let told = price_text::credits(text);
    let priced: Vec<&Mode> =
        modes.iter().map(|(_, mode)| *mode).filter(|mode| mode.prices.is_some()).collect();
    if told.is_empty() || priced.is_empty() {
        return None;
    }
    let mut missing: Vec<f64> = Vec::new();
    for mode in &priced {
        let lengths = lengths(mode);
        for credits in rates(mode) {
            let is_told = told.iter().any(|told| {
                same(*told, credits)
                    || lengths.iter().any(|s| same(told * s, credits) || same(*told, credits * s))
            });
            if !is_told && !missing.contains(&credits) {
                missing.push(credits);
            }
        }
    }
    let own: Vec<f64> = priced.iter().flat_map(|mode| spellings(mode)).collect();
    let known = || own.iter().chain(shared.into_iter().flatten());
    let unknown: Vec<f64> =
        told.iter().copied().filter(|told| !known().any(|known| same(*told, *known))).collect();
    (!missing.is_empty() || !unknown.is_empty()).then(|| Unlike {
        parameter: None,
        change: Change::Price { missing, unknown, text: printable(text, 300) },
    })
}

fn parameters(modes: &[(&Model, &Mode)], schema: &ModelSchema) -> Vec<Unlike> {
    let mut found = Vec::new();
    let mut say = |name: &str, change: Change| {
        found.push(Unlike { parameter: Some(name.to_owned()), change });
    };
    for theirs in &schema.parameters {
        let name = theirs.name.as_str();
        let ours: Vec<&Parameter> =
            modes.iter().filter_map(|(_, mode)| mode.parameter(name)).collect();
        let is_set = |mode: &Mode| mode.set.contains_key(name);
        if ours.is_empty() {
            if !modes.iter().any(|(_, mode)| is_set(mode)) {
                say(name, Change::NewParameter { required: theirs.required });
            }
            continue;
        }
        let always = modes.iter().all(|(_, mode)| {
            is_set(mode) || mode.parameter(name).is_some_and(|own| own.required || own.always)
        });
        if theirs.required && !always {
            say(name, Change::NowRequired);
        }
        unlike(&ours, theirs, &mut |change| say(name, change));
    }
    let mut ours: Vec<&str> = Vec::new();
    for (_, mode) in modes {
        let names = mode.parameters.iter().map(|parameter| parameter.name.as_str());
        for name in names.chain(mode.set.keys().map(String::as_str)) {
            if !ours.contains(&name) {
                ours.push(name);
            }
        }
    }
    for name in ours.into_iter().filter(|name| schema.parameter(name).is_none()) {
        say(name, Change::ParameterGone);
    }
    found
}

/// One of a parameter's bounds.
type Bound<'a> = &'a dyn Fn(&Parameter) -> Option<f64>;

/// What is different about one parameter; `ours` are those of all modes with the id.
fn unlike(ours: &[&Parameter], theirs: &Parameter, say: &mut dyn FnMut(Change)) {
    let Some(first) = ours.first() else { return };
    if ours.iter().all(|own| own.wire_type != theirs.wire_type) {
        say(Change::Type { catalogue: first.wire_type, provider: theirs.wire_type });
        return;
    }
    let allowed: Vec<&Value> =
        ours.iter().flat_map(|own| own.values.iter().chain(&own.also)).collect();
    if !allowed.is_empty()
        && !theirs.values.is_empty()
        && ours.iter().all(|own| !own.values.is_empty())
    {
        let plain = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.as_f64().map_or_else(|| other.to_string(), |number| number.to_string()),
        };
        let (own, their): (BTreeSet<String>, BTreeSet<String>) = (
            allowed.iter().map(|value| plain(value)).collect(),
            theirs.values.iter().map(plain).collect(),
        );
        let added: Vec<Value> =
            theirs.values.iter().filter(|value| !own.contains(&plain(value))).cloned().collect();
        let mut gone: Vec<Value> = Vec::new();
        for value in allowed {
            if !their.contains(&plain(value)) && !gone.contains(value) {
                gone.push(value.clone());
            }
        }
        if !added.is_empty() {
            say(Change::ValuesAdded { values: added });
        }
        if !gone.is_empty() {
            say(Change::ValuesGone { values: gone });
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of characters and items are small")]
    let count = |number: Option<usize>| number.map(|number| number as f64);
    // Of the modes with an id the widest bound counts: a mode may narrow it for reasons of its own.
    let widest = |of: Bound<'_>, most: bool| -> Option<f64> {
        let bounds: Option<Vec<f64>> = ours.iter().map(|own| of(own)).collect();
        bounds?.into_iter().reduce(if most { f64::max } else { f64::min })
    };
    let bounds: [(&'static str, Bound<'_>, bool); 4] = [
        ("min", &|parameter| parameter.min, false),
        ("max", &|parameter| parameter.max, true),
        ("max_length", &|parameter| count(parameter.max_length), true),
        ("max_items", &|parameter| count(parameter.max_items), true),
    ];
    for (limit, of, most) in bounds {
        let Some(provider) = of(theirs) else { continue };
        // Where the catalogue lists the values, bounds say nothing more.
        if matches!(limit, "min" | "max") && ours.iter().any(|own| !own.values.is_empty()) {
            continue;
        }
        let catalogue = widest(of, most);
        let narrowed = limit == "max_items" && catalogue.is_some_and(|own| own < provider);
        if catalogue != Some(provider) && !narrowed {
            say(Change::Limit { limit, catalogue, provider });
        }
    }
}
