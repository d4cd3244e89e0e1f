//! What an editor offers for the fields of a storyboard: the models of the catalogue, and the values that they take.

use crate::catalog::{Catalog, ModeKind, Model, Parameter, Status, goals};
use crate::craft::{GROUPS, LINTS};
use crate::storyboard::{Choice, Choices, Field};
use std::collections::BTreeSet;

/// What is offered, field by field.
pub fn choices(catalog: &Catalog) -> Choices {
    let live = || catalog.models().iter().filter(|model| model.status == Status::Live);
    let makes_stills = |model: &&Model| {
        model.modes.iter().any(|mode| matches!(mode.kind, ModeKind::T2i | ModeKind::I2i))
    };
    let makes_clips = |model: &&Model| {
        model.modes.iter().any(|mode| {
            use ModeKind::{FirstLast, I2v, Motion, Reference, Speech, T2v, V2v};
            [T2v, I2v, FirstLast, Reference, V2v, Motion, Speech].contains(&mode.kind)
        })
    };
    let auto = Choice::new("auto", "the first model of the guide for the scene's `goal`");
    let clips = live().filter(makes_clips).map(model);
    let mut choices = Choices::new();
    choices.insert(Field::Model, std::iter::once(auto).chain(clips).collect());
    choices.insert(Field::ImageModel, live().filter(makes_stills).map(model).collect());
    choices.insert(Field::Goal, goals().into_iter().map(|goal| Choice::new(goal, "")).collect());
    for field in [Field::AspectRatio, Field::Resolution] {
        choices.insert(field, values(catalog, field));
    }
    let groups = GROUPS.iter().map(|group| Choice::new(group.name(), "all lints of this group"));
    let lints = LINTS.iter().map(|lint| Choice::new(lint.code, lint.rule));
    choices.insert(Field::Allow, groups.chain(lints).collect());
    choices
}

/// A model by its name, with what it can do.
fn model(model: &Model) -> Choice {
    let kinds: BTreeSet<&str> = model.modes.iter().map(|mode| mode.kind.name()).collect();
    Choice::new(&model.name, kinds.into_iter().collect::<Vec<_>>().join(", "))
}

/// The values that any live model takes, with the models that do.
fn values(catalog: &Catalog, field: Field) -> Vec<Choice> {
    let mut found: Vec<(String, BTreeSet<&str>)> = Vec::new();
    for model in catalog.models().iter().filter(|model| model.status == Status::Live) {
        let parameters = model.modes.iter().flat_map(|mode| &mode.parameters);
        let fed = parameters.filter(|parameter| parameter.is_fed_by(field.name()));
        for value in fed.flat_map(Parameter::offered) {
            match found.iter_mut().find(|(known, _)| *known == value) {
                Some((_, models)) => {
                    models.insert(&model.name);
                }
                None => found.push((value, BTreeSet::from([model.name.as_str()]))),
            }
        }
    }
    // What most models take comes first.
    found.sort_by(|(one, some), (two, others)| others.len().cmp(&some.len()).then(one.cmp(two)));
    let told = |models: &BTreeSet<&str>| {
        let names: Vec<&str> = models.iter().copied().collect();
        match names.as_slice() {
            [one, two, three, rest @ ..] if !rest.is_empty() => {
                format!("{one}, {two}, {three} and {} other models", rest.len())
            }
            names => names.join(", "),
        }
    };
    found.iter().map(|(value, models)| Choice::new(value, told(models))).collect()
}
