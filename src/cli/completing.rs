//! What a shell offers for an argument: the scenes of the storyboard at hand, and the models.
//!
//! A shell asks while somebody types, so everything here is quick, says nothing, and offers nothing where something is wrong.

use super::workspace::Workspace;
use crate::catalog::Catalog;
use crate::settings::Flags;
use clap_complete::CompletionCandidate;
use std::ffi::OsStr;

/// Scenes by id, with their titles; after a comma one more of them.
pub(super) fn scenes(current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else { return Vec::new() };
    let begun = current.rfind(',').map_or("", |at| &current[..=at]);
    let Ok(workspace) = Workspace::open(&Flags::default()) else { return Vec::new() };
    let titles = workspace.titles();
    workspace
        .scene_ids()
        .iter()
        .map(|id| {
            let key = id.key();
            let title = titles.get(&key).map(|title| crate::report::sanitise(title, 60));
            CompletionCandidate::new(format!("{begun}{key}")).help(title.map(Into::into))
        })
        .filter(|candidate| candidate.get_value().to_string_lossy().starts_with(current))
        .collect()
}

/// The names of models.
pub(super) fn models(current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else { return Vec::new() };
    let Ok(catalog) = Catalog::built_in() else { return Vec::new() };
    let current = current.to_lowercase();
    catalog
        .models()
        .iter()
        .map(|model| {
            CompletionCandidate::new(model.slug.clone()).help(Some(model.name.clone().into()))
        })
        .filter(|candidate| candidate.get_value().to_string_lossy().starts_with(&current))
        .collect()
}
