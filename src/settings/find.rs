//! Finding the storyboard and the project it belongs to.

use super::file::{ConfigFile, Owner};
use super::project::{self, Project, STORYBOARDS};
use super::{Environment, Flags, SettingsError};
use crate::source::{Source, Spanned};
use std::path::{Path, PathBuf};

/// A storyboard that exists.
pub(super) struct Found {
    /// Absolute, through no symbolic link but perhaps the last part.
    pub path: PathBuf,
    /// As the user named it.
    pub shown: String,
}

/// The storyboard that the flags name, else the project's, else the first that is where storyboards are looked for.
pub(super) fn find_storyboard(
    flags: &Flags,
    environment: &Environment,
    user: Option<&ConfigFile>,
) -> Result<Found, SettingsError> {
    if let Some(given) = &flags.storyboard {
        let shown = given.display().to_string();
        let path = environment.folder.join(given);
        let problem = |error| SettingsError::Storyboard { path: shown.clone(), error };
        let metadata = std::fs::metadata(&path).map_err(problem)?;
        // A folder means the storyboard in it.
        if metadata.is_dir() {
            let inside = STORYBOARDS.iter().map(|name| path.join(name)).find(|path| path.is_file());
            return match inside {
                Some(inside) => {
                    let shown = given.join(inside.strip_prefix(&path).unwrap_or(&inside));
                    found(&inside, shown.display().to_string())
                }
                None => Err(SettingsError::NoStoryboard {
                    folder: given.clone(),
                    looked_for: STORYBOARDS.map(str::to_owned).to_vec(),
                }),
            };
        }
        return found(&path, shown);
    }
    let folder = &environment.folder;
    let config_path = project::find_config(folder, environment.home.as_deref());
    let config = config_path.as_deref().map(|path| read_shown(path, folder)).transpose()?;
    let config_folder = config_path.as_deref().and_then(Path::parent);
    let named: Option<(PathBuf, String)> = match (&config, config_folder) {
        (Some(ConfigFile { storyboard: Some(storyboard), .. }), Some(config_folder)) => {
            let path = config_folder.join(&storyboard.value);
            let shown = if config_folder == folder {
                storyboard.value.clone()
            } else {
                path.display().to_string()
            };
            Some((path, shown))
        }
        _ => user
            .and_then(|user| user.storyboard.as_ref())
            .map(|storyboard| (folder.join(&storyboard.value), storyboard.value.clone())),
    };
    // In the project's own folder its configuration decides; further down a storyboard at hand is nearer.
    let named_first = config_folder.is_none_or(|config_folder| config_folder == folder);
    let standard: Vec<(PathBuf, String)> =
        STORYBOARDS.iter().map(|name| (folder.join(name), (*name).to_owned())).collect();
    let candidates: Vec<(PathBuf, String)> = if named_first {
        named.into_iter().chain(standard).collect()
    } else {
        standard.into_iter().chain(named).collect()
    };
    for (path, shown) in &candidates {
        if path.is_file() {
            return found(path, shown.clone());
        }
    }
    let mut looked_for: Vec<String> = Vec::new();
    for (_, shown) in candidates {
        if !looked_for.contains(&shown) {
            looked_for.push(shown);
        }
    }
    Err(SettingsError::NoStoryboard { folder: folder.clone(), looked_for })
}

fn found(path: &Path, shown: String) -> Result<Found, SettingsError> {
    let problem = |error| SettingsError::Storyboard { path: shown.clone(), error };
    let absolute = std::path::absolute(path).map_err(problem)?;
    let path = match (absolute.parent(), absolute.file_name()) {
        (Some(parent), Some(name)) => parent.canonicalize().map_err(problem)?.join(name),
        _ => absolute,
    };
    Ok(Found { path, shown })
}

/// Reads a project's configuration file under the shortest name that is right from the working folder.
pub(super) fn read_shown(path: &Path, folder: &Path) -> Result<ConfigFile, SettingsError> {
    let source = Source::read(path)?;
    let canonical = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let shown =
        path.strip_prefix(&canonical).or_else(|_| path.strip_prefix(folder)).unwrap_or(path);
    Ok(ConfigFile::parse(Source::new(shown.display().to_string(), source.text()), Owner::Project))
}

/// The folders of the project that a storyboard belongs to.
pub(super) fn locate(
    storyboard: &Found,
    root: PathBuf,
    config: Option<&ConfigFile>,
    user: Option<&ConfigFile>,
) -> Project {
    let setting = |pick: fn(&ConfigFile) -> Option<&Spanned<String>>| {
        config.and_then(pick).or_else(|| user.and_then(pick)).map(|text| text.value.clone())
    };
    let assets =
        root.join(setting(|file| file.assets.as_ref()).unwrap_or_else(|| "public".to_owned()));
    let key = project::relative(&storyboard.path, &root);
    let named = setting(|file| file.storyboard.as_ref())
        .map(|named| project::relative(&root.join(named), &root));
    let main = match named {
        Some(named) => Some(named),
        None => {
            STORYBOARDS.iter().find(|name| root.join(name).is_file()).map(|name| (*name).to_owned())
        }
    };
    Project {
        assets,
        is_main: main.as_ref() == Some(&key),
        has_main: main.is_some_and(|main| root.join(main).is_file()),
        key,
        storyboard: storyboard.path.clone(),
        shown: storyboard.shown.clone(),
        root,
    }
}
