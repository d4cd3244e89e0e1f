//! Flags, environment and configuration files, resolved once into [`Settings`].
//!
//! The order, weakest first: built-in defaults, the user's own file, the project's file, the environment, flags.
//! A project's file and flags only lower limits; the user's own file alone raises them. Hosts and the key never come
//! from a project's files, except for `KIE_API_KEY` in its `.env`, which belongs to whoever runs the command.

mod bare;
mod file;
mod find;
mod project;
pub mod quantity;
mod schema;

pub use bare::{Bare, resolve_bare};
pub use file::{ConfigFile, LintLevel, Owner, nearest};
pub use project::{CONFIG_FILE, Project, STORYBOARDS};
pub use quantity::Rate;
pub use schema::config_schema;

use find::{find_storyboard, locate, read_shown};

use crate::craft::{Wanted, lint_named};
use crate::remote::address::is_private;
use crate::shared::Address;
use crate::source::{Diagnostic, Source, SourceError, Spanned};
use crate::storyboard::Fields;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The API host where nobody names another.
pub const DEFAULT_API: &str = "https://api.kie.ai";
/// The upload host where nobody names another.
pub const DEFAULT_UPLOAD: &str = "https://kieai.redpandaai.co";

/// Everything a command needs to know of its surroundings.
#[derive(Debug)]
pub struct Settings {
    /// Folders and files.
    pub project: Project,
    /// Hosts and key.
    pub provider: Provider,
    /// What a run may do at once.
    pub limits: Limits,
    /// How patient a run is.
    pub poll: Poll,
    /// What is tried again.
    pub retry: Retry,
    /// Credits a run may spend; `None` without a cap.
    pub max_credits: Option<f64>,
    /// Credits above which a run needs a plan that a person has approved; from the user's own file only.
    pub confirm_above: Option<f64>,
    /// Credits that all runs of the user may spend in any 24 hours; from the user's own file only.
    pub per_day: Option<f64>,
    /// True where `STORYREEL_NO_SPEND` is set to anything but `0`: nothing paid is sent, whoever asks for it.
    pub no_spend: bool,
    /// Levels of lints by code.
    pub lints: BTreeMap<String, LintLevel>,
    /// Scene fields of the project's file over the user's own; their places are not in the storyboard.
    pub defaults: Fields,
    /// The project's configuration file, where there is one.
    pub config: Option<ConfigFile>,
    /// The user's own configuration file, where there is one.
    pub user_config: Option<ConfigFile>,
    /// Where state that all projects share lies: `$XDG_STATE_HOME/storyreel`.
    pub state_folder: PathBuf,
    /// Where machines that work on this project share clips and what they have sent.
    pub cache: Option<Address>,
}

impl Settings {
    /// The level that is configured for a code: its own, else that of its group, else that of all lints of the craft.
    pub fn lint_level(&self, code: &str) -> Option<LintLevel> {
        level_of(&self.lints, code)
    }

    /// The lints of the craft that are looked for.
    pub fn wanted_lints(&self) -> Wanted {
        Wanted::by(|lint| match self.lint_level(lint.code) {
            Some(level) => level != LintLevel::Off,
            None => lint.group.is_on(),
        })
    }
}

/// The level of a code among levels by code, group and [`ALL_LINTS`].
pub fn level_of(levels: &BTreeMap<String, LintLevel>, code: &str) -> Option<LintLevel> {
    let group = lint_named(code).map(|lint| lint.group.name());
    let names = std::iter::once(code).chain(group);
    let of_craft = group.into_iter().flat_map(|_| ALL_LINTS);
    names.chain(of_craft.copied()).find_map(|name| levels.get(name).copied())
}

/// Names that mean all lints of the craft.
pub const ALL_LINTS: &[&str] = &["craft", "all"];

/// Where requests go, and with which key.
#[derive(Debug)]
pub struct Provider {
    /// Base of the API, without a slash at the end.
    pub api: String,
    /// Base of the upload host, without a slash at the end.
    pub upload: String,
    /// The key; never shown, `Debug` included.
    pub key: Option<SecretString>,
}

impl Provider {
    /// Shorter texts are no keys and stand in many documents.
    const SHORTEST_KEY: usize = 8;

    /// Refuses a file that holds the key. Nothing of the file has been shown yet.
    ///
    /// # Errors
    /// [`SettingsError::KeyInFile`].
    pub fn refuse_key_in(&self, path: &Path, text: &str) -> Result<(), SettingsError> {
        let held = self.key.as_ref().is_some_and(|key| {
            let key = key.expose_secret();
            key.len() >= Self::SHORTEST_KEY && text.contains(key)
        });
        if held { Err(SettingsError::KeyInFile { path: path.to_owned() }) } else { Ok(()) }
    }
}

/// What a run may do at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// New tasks in any window.
    pub submissions: Rate,
    /// Tasks at the provider at once.
    pub running: usize,
    /// Downloads at once.
    pub downloads: usize,
    /// The largest clip that is taken, in bytes.
    pub max_clip: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            submissions: Rate { count: 20, window: Duration::from_secs(10) },
            running: 100,
            downloads: 8,
            max_clip: 2 * 1024 * 1024 * 1024,
        }
    }
}

/// How patient a run is; `None` takes what the catalogue says of the API family.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Poll {
    /// The first wait between two looks at a task.
    pub first: Option<Duration>,
    /// The longest wait between two looks.
    pub max: Option<Duration>,
    /// How long a task is watched before it is left on record.
    pub deadline: Option<Duration>,
}

/// What is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How often a task that failed for a passing fault is made anew, per step.
    pub failed_tasks: u32,
    /// The first wait of a backoff; `None` takes the built-in one.
    pub first: Option<Duration>,
    /// The longest wait of a backoff; `None` takes the built-in one.
    pub max: Option<Duration>,
}

impl Default for Retry {
    fn default() -> Self {
        Self { failed_tasks: 1, first: None, max: None }
    }
}

/// What was given on the command line.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// The storyboard, as the positional argument or `-f`.
    pub storyboard: Option<PathBuf>,
    /// `--max-credits`.
    pub max_credits: Option<f64>,
    /// `--profile`: one of the storyboard's.
    pub profile: Option<String>,
    /// `--defer-to`: the manifest of another branch.
    pub defer_to: Option<PathBuf>,
}

/// The surroundings of the process: what is read of the environment, gathered so that tests can make one up.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// The working folder.
    pub folder: PathBuf,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub config_home: Option<PathBuf>,
    /// `XDG_STATE_HOME`.
    pub state_home: Option<PathBuf>,
    /// `KIE_API_KEY`.
    pub key: Option<OsString>,
    /// `KIE_API_BASE`.
    pub api: Option<OsString>,
    /// `KIE_UPLOAD_BASE`.
    pub upload: Option<OsString>,
    /// `STORYREEL_NO_SPEND`.
    pub no_spend: Option<OsString>,
    /// `STORYREEL_CACHE`.
    pub cache: Option<OsString>,
}

impl Environment {
    /// Reads the process's own.
    ///
    /// # Errors
    /// When the working folder is gone.
    pub fn of_process() -> std::io::Result<Self> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        // The base directory specification tells programs to ignore relative paths.
        let folder = |name: &str| set(name).map(PathBuf::from).filter(|path| path.is_absolute());
        Ok(Self {
            folder: std::env::current_dir()?,
            // Where `HOME` is not set the system still knows, so that all processes of a user share their state.
            home: folder("HOME").or_else(|| std::env::home_dir().filter(|path| path.is_absolute())),
            config_home: folder("XDG_CONFIG_HOME"),
            state_home: folder("XDG_STATE_HOME"),
            key: set("KIE_API_KEY"),
            api: set("KIE_API_BASE"),
            upload: set("KIE_UPLOAD_BASE"),
            no_spend: set("STORYREEL_NO_SPEND"),
            cache: set("STORYREEL_CACHE"),
        })
    }

    /// The user's own configuration file, whether it exists or not.
    pub fn user_config(&self) -> Option<PathBuf> {
        let base =
            self.config_home.clone().or_else(|| Some(self.home.as_ref()?.join(".config")))?;
        Some(base.join("storyreel").join("config.toml"))
    }

    /// The folder of the user's own models, whether it exists or not.
    pub fn user_catalog(&self) -> Option<PathBuf> {
        self.user_config().map(|config| config.with_file_name("catalog"))
    }

    fn state_folder(&self) -> PathBuf {
        self.state_home
            .clone()
            .or_else(|| Some(self.home.as_ref()?.join(".local").join("state")))
            .unwrap_or_else(|| std::env::temp_dir().join("storyreel-state"))
            .join("storyreel")
    }
}

/// Problems of one file, with the text they point into.
#[derive(Debug, Clone)]
pub struct FileProblems {
    /// The file.
    pub source: Source,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
}

/// Why settings could not be resolved.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// No storyboard was named, and none is where storyboards are looked for.
    #[error("there is no storyboard in `{}`", folder.display())]
    NoStoryboard {
        /// The working folder.
        folder: PathBuf,
        /// What was looked for.
        looked_for: Vec<String>,
    },
    /// The storyboard that was named cannot be opened.
    #[error("there is no storyboard `{path}`: {error}")]
    Storyboard {
        /// As the user named it.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// A configuration file cannot be read as text.
    #[error(transparent)]
    Unreadable(#[from] SourceError),
    /// A configuration file has errors; every problem of all of them.
    #[error("the configuration has errors")]
    Invalid(Vec<FileProblems>),
    /// A file of the project holds the key, and would make it public.
    #[error("`{}` holds your API key", path.display())]
    KeyInFile {
        /// The file.
        path: PathBuf,
    },
    /// An environment variable holds something that cannot be used. The value itself is not shown.
    #[error("`{variable}` {problem}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl SettingsError {
    /// A stable name for JSON output.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoStoryboard { .. } | Self::Storyboard { .. } => "no-storyboard",
            Self::Unreadable(_) => "unreadable",
            Self::Invalid(_) => "invalid-configuration",
            Self::KeyInFile { .. } => "key-in-file",
            Self::Variable { .. } => "invalid-environment",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoStoryboard { looked_for, .. } => Some(format!(
                "looked for {}; name one with `-f FILE`, or run `storyreel init` for a starter",
                looked_for.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ")
            )),
            Self::Storyboard { .. } => {
                Some("check the path, or run `storyreel init` for a starter storyboard".to_owned())
            }
            Self::Unreadable(error) => Some(error.hint().to_owned()),
            Self::Invalid(_) => None,
            Self::KeyInFile { .. } => Some(
                "take it out, so that it is not sent, shown or committed; it belongs in `KIE_API_KEY` or in `.env`"
                    .to_owned(),
            ),
            Self::Variable { variable, .. } => Some(format!("set `{variable}` anew, or unset it")),
        }
    }
}

/// Resolves everything, and gives the warnings of the configuration files with it.
///
/// # Errors
/// No storyboard, or files or variables that cannot be used; all problems of the files at once.
pub fn resolve(
    flags: &Flags,
    environment: &Environment,
) -> Result<(Settings, Vec<FileProblems>), SettingsError> {
    let user_config = match environment.user_config() {
        Some(path) if path.is_file() => Some(ConfigFile::parse(Source::read(&path)?, Owner::User)),
        _ => None,
    };
    let storyboard = find_storyboard(flags, environment, user_config.as_ref())?;
    let folder = storyboard.path.parent().unwrap_or(Path::new("/")).to_owned();
    let config_path = project::find_config(&folder, environment.home.as_deref());
    let root = config_path
        .as_deref()
        .and_then(Path::parent)
        .map_or_else(|| project::default_root(&folder), Path::to_owned);
    let mut config = match &config_path {
        Some(path) => Some(read_shown(path, &environment.folder)?),
        None => None,
    };
    let provider = Provider {
        api: DEFAULT_API.to_owned(),
        upload: DEFAULT_UPLOAD.to_owned(),
        key: key_of(environment, &root)?,
    };
    for (path, file) in config_path.iter().zip(&config) {
        provider.refuse_key_in(path, file.source.text())?;
    }
    let mut settings = Settings {
        project: locate(&storyboard, root, config.as_ref(), user_config.as_ref()),
        provider,
        limits: Limits::default(),
        poll: Poll::default(),
        retry: Retry::default(),
        max_credits: None,
        confirm_above: None,
        per_day: None,
        lints: BTreeMap::new(),
        defaults: Fields::default(),
        config: None,
        user_config: None,
        state_folder: environment.state_folder(),
        no_spend: environment.no_spend.as_ref().is_some_and(|value| value != "0"),
        cache: None,
    };
    let own_root = settings.project.root.clone();
    let user_root = environment.home.clone().unwrap_or_default();
    for (file, base) in user_config.iter().zip([&user_root]).chain(config.iter().zip([&own_root])) {
        settings.take_cache(file.cache.as_ref(), base);
    }
    if let Some(user) = &user_config {
        settings.take_user(user);
    }
    if let Some(config) = &mut config {
        settings.take_project(config);
    }
    let problems: Vec<FileProblems> = user_config
        .iter()
        .chain(&config)
        .filter(|file| !file.diagnostics.is_empty())
        .map(|file| FileProblems {
            source: file.source.clone(),
            diagnostics: file.diagnostics.clone(),
        })
        .collect();
    if problems.iter().flat_map(|file| &file.diagnostics).any(Diagnostic::is_error) {
        return Err(SettingsError::Invalid(problems));
    }
    settings.config = config;
    settings.user_config = user_config;
    settings.take_environment(environment)?;
    settings.max_credits = smallest(settings.max_credits, flags.max_credits);
    Ok((settings, problems))
}

impl Settings {
    /// True where some limit on credits holds, so that nothing of unknown price may be submitted.
    pub fn is_capped(&self) -> bool {
        self.max_credits.is_some() || self.per_day.is_some()
    }

    /// The user's own file may raise and lower anything.
    fn take_user(&mut self, file: &ConfigFile) {
        put(&mut self.limits.submissions, file.submissions.as_ref());
        put(&mut self.limits.running, file.running.as_ref());
        put(&mut self.limits.downloads, file.downloads.as_ref());
        put(&mut self.limits.max_clip, file.max_clip.as_ref());
        self.take_common(file);
        if let Some(api) = &file.api {
            self.provider.api.clone_from(&api.value);
        }
        if let Some(upload) = &file.upload {
            self.provider.upload.clone_from(&upload.value);
        }
    }

    /// A project's file only lowers limits; what asks for more is a warning and has no effect.
    fn take_project(&mut self, file: &mut ConfigFile) {
        let mut warnings = Vec::new();
        let limits = &mut self.limits;
        lower(
            &mut limits.submissions,
            file.submissions.as_ref(),
            "submissions",
            |new, old| new.is_within(old),
            &mut warnings,
        );
        lower(
            &mut limits.running,
            file.running.as_ref(),
            "running",
            |new, old| new <= old,
            &mut warnings,
        );
        lower(
            &mut limits.downloads,
            file.downloads.as_ref(),
            "downloads",
            |new, old| new <= old,
            &mut warnings,
        );
        lower(
            &mut limits.max_clip,
            file.max_clip.as_ref(),
            "max_clip",
            |new, old| new <= old,
            &mut warnings,
        );
        file.diagnostics.extend(warnings);
        file.diagnostics.sort_by_key(|problem| problem.span.start);
        self.take_common(file);
    }

    fn take_common(&mut self, file: &ConfigFile) {
        let value = |spanned: &Option<Spanned<Duration>>| spanned.as_ref().map(|time| time.value);
        self.poll.first = value(&file.poll_first).or(self.poll.first);
        self.poll.max = value(&file.poll_max).or(self.poll.max);
        self.poll.deadline = value(&file.poll_deadline).or(self.poll.deadline);
        self.retry.first = value(&file.retry_first).or(self.retry.first);
        self.retry.max = value(&file.retry_max).or(self.retry.max);
        put(&mut self.retry.failed_tasks, file.failed_tasks.as_ref());
        self.confirm_above = self.confirm_above.or(file.confirm_above.as_ref().map(|c| c.value));
        self.per_day = self.per_day.or(file.per_day.as_ref().map(|credits| credits.value));
        self.max_credits =
            smallest(self.max_credits, file.max_credits.as_ref().map(|credits| credits.value));
        self.defaults = file.defaults.over(&self.defaults);
        self.lints.extend(file.lints.iter().map(|(code, level)| (code.clone(), *level)));
    }

    /// A folder is taken from `base`; the text was found to be an address when it was read.
    fn take_cache(&mut self, given: Option<&Spanned<String>>, base: &Path) {
        let address = given.and_then(|text| Address::parse(&text.value, base).ok());
        self.cache = address.or(self.cache.take());
    }

    fn take_environment(&mut self, environment: &Environment) -> Result<(), SettingsError> {
        if let Some(api) = variable("KIE_API_BASE", environment.api.as_ref())? {
            self.provider.api = api;
        }
        if let Some(upload) = variable("KIE_UPLOAD_BASE", environment.upload.as_ref())? {
            self.provider.upload = upload;
        }
        if let Some(cache) = variable("STORYREEL_CACHE", environment.cache.as_ref())? {
            let address = Address::parse(&cache, &environment.folder).map_err(|error| {
                SettingsError::Variable { variable: "STORYREEL_CACHE", problem: error.to_string() }
            })?;
            self.cache = Some(address).filter(|_| cache != "none");
        }
        self.provider.api = base_url("KIE_API_BASE", &self.provider.api)?;
        self.provider.upload = base_url("KIE_UPLOAD_BASE", &self.provider.upload)?;
        Ok(())
    }
}

/// The key of the environment, else that of the project's `.env`.
fn key_of(environment: &Environment, root: &Path) -> Result<Option<SecretString>, SettingsError> {
    let key = match variable("KIE_API_KEY", environment.key.as_ref())? {
        Some(key) => Some(key),
        None => key_of_env_file(&root.join(".env")),
    };
    key.map(|key| checked_key(&key)).transpose()
}

/// The smaller of two caps; no cap is larger than any.
pub fn smallest(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn put<T: Copy>(target: &mut T, given: Option<&Spanned<T>>) {
    if let Some(given) = given {
        *target = given.value;
    }
}

fn lower<T: Copy>(
    target: &mut T,
    given: Option<&Spanned<T>>,
    name: &str,
    is_lower: impl Fn(T, T) -> bool,
    warnings: &mut Vec<Diagnostic>,
) {
    let Some(given) = given else { return };
    if is_lower(given.value, *target) {
        *target = given.value;
    } else {
        warnings.push(
            Diagnostic::warning(
                "limit-not-raised",
                format!("`{name}` is not raised: a project's file only lowers limits"),
                given.span,
            )
            .label("more than is allowed here")
            .hint("raise it in your own `~/.config/storyreel/config.toml`"),
        );
    }
}

fn variable(name: &'static str, value: Option<&OsString>) -> Result<Option<String>, SettingsError> {
    match value.map(|value| value.to_str()) {
        None => Ok(None),
        Some(Some(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Some(None) => {
            Err(SettingsError::Variable { variable: name, problem: "is not UTF-8 text".to_owned() })
        }
    }
}

/// Checks an `http(s)://host[:port][/path]` base and takes the slash at its end away.
fn base_url(name: &'static str, text: &str) -> Result<String, SettingsError> {
    let wrong =
        |problem: &str| SettingsError::Variable { variable: name, problem: problem.to_owned() };
    let lower = text.to_ascii_lowercase();
    if !lower.starts_with("https://") && !lower.starts_with("http://") {
        return Err(wrong("must start with `https://` (or `http://` for a local emulator)"));
    }
    let url = Url::parse(text).map_err(|error| wrong(&format!("is not an address: {error}")))?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("has no host"));
    }
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
        return Err(wrong("must not hold a name or password"));
    }
    let plain = |c: char| !(c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | '\\'));
    if !text.chars().all(plain) {
        return Err(wrong("must be a plain base address without `?`, `#`, `\\` and spaces"));
    }
    if url.scheme() == "http" && !is_private(&url) {
        return Err(wrong(
            "must start with `https://`: over `http://`, which is for a local emulator, everybody on the way could \
             read the key",
        ));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// `KIE_API_KEY` of a `.env` file, and nothing else of it. The process's environment is not changed.
fn key_of_env_file(path: &Path) -> Option<String> {
    let file = Source::read(path).ok()?;
    // One line that cannot be read does not hide the others.
    dotenvy::from_read_iter(file.text().as_bytes())
        .filter_map(Result::ok)
        .find(|(name, _)| name == "KIE_API_KEY")
        .map(|(_, key)| key.trim().to_owned())
        .filter(|key| !key.is_empty())
}

fn checked_key(key: &str) -> Result<SecretString, SettingsError> {
    if key.bytes().all(|byte| (0x21..0x7f).contains(&byte)) {
        return Ok(SecretString::from(key.to_owned()));
    }
    Err(SettingsError::Variable {
        variable: "KIE_API_KEY",
        problem:
            "holds a character that cannot be part of a key (a space, a line break, or no ASCII)"
                .to_owned(),
    })
}

#[cfg(test)]
mod tests;
