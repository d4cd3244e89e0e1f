//! Settings where there is no storyboard: what a question to the provider needs.

use super::{
    ConfigFile, DEFAULT_API, DEFAULT_UPLOAD, Diagnostic, Environment, FileProblems, Owner,
    Provider, Retry, SettingsError, Source, base_url, key_of, variable,
};
use std::path::PathBuf;

/// What is known without a storyboard.
#[derive(Debug)]
pub struct Bare {
    /// Hosts and key; the key is that of the environment, else of a `.env` in the working folder.
    pub provider: Provider,
    /// What is tried again.
    pub retry: Retry,
    /// Where state that all projects share lies.
    pub state_folder: PathBuf,
}

/// Resolves the environment and the user's own file.
///
/// # Errors
/// A file or variables that cannot be used.
pub fn resolve_bare(environment: &Environment) -> Result<Bare, SettingsError> {
    let user = match environment.user_config() {
        Some(path) if path.is_file() => Some(ConfigFile::parse(Source::read(&path)?, Owner::User)),
        _ => None,
    };
    if let Some(user) = &user
        && user.diagnostics.iter().any(Diagnostic::is_error)
    {
        return Err(SettingsError::Invalid(vec![FileProblems {
            source: user.source.clone(),
            diagnostics: user.diagnostics.clone(),
        }]));
    }
    let of_user = |pick: fn(&ConfigFile) -> Option<String>| user.as_ref().and_then(pick);
    let api = match variable("KIE_API_BASE", environment.api.as_ref())? {
        Some(api) => api,
        None => of_user(|file| file.api.as_ref().map(|api| api.value.clone()))
            .unwrap_or_else(|| DEFAULT_API.to_owned()),
    };
    let upload = match variable("KIE_UPLOAD_BASE", environment.upload.as_ref())? {
        Some(upload) => upload,
        None => of_user(|file| file.upload.as_ref().map(|upload| upload.value.clone()))
            .unwrap_or_else(|| DEFAULT_UPLOAD.to_owned()),
    };
    let time = |pick: fn(&ConfigFile) -> Option<std::time::Duration>| user.as_ref().and_then(pick);
    Ok(Bare {
        provider: Provider {
            api: base_url("KIE_API_BASE", &api)?,
            upload: base_url("KIE_UPLOAD_BASE", &upload)?,
            key: key_of(environment, &environment.folder)?,
        },
        retry: Retry {
            first: time(|file| file.retry_first.as_ref().map(|time| time.value)),
            max: time(|file| file.retry_max.as_ref().map(|time| time.value)),
            ..Retry::default()
        },
        state_folder: environment.state_folder(),
    })
}
