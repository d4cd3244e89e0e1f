//! `storyreel models --refresh`: the provider's own list against the catalogue.

use super::failure::Failure;
use super::model_cache::{Kept, ModelCache};
use super::refresh_text::{self, Told};
use super::{Output, models, pretty, print, tell, workspace};
use crate::catalog::{Catalog, Discovery, Provider};
use crate::discovery::{self, Findings, Listing, ModelSchema, Overlay, SchemaAnswer};
use crate::engine::real::RealClock;
use crate::ports::Clock as _;
use crate::remote::backoff::BackoffPolicy;
use crate::remote::discovery::{NoAnswer, PATIENT, Questions};
use crate::remote::http::{Hosts, HttpTransport};
use crate::report::{counted, span_of_time};
use crate::settings::{self, Environment, Flags, Retry, SettingsError, quantity};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The provider that is asked. There is one whose list is known.
const PROVIDER: &str = "kie";
/// What a file of new models is called where nobody names it.
const FILE: &str = "kie-refresh.toml";

/// The flags of a refresh.
#[derive(Debug, clap::Args)]
pub(super) struct Refresh {
    /// Ask the provider which models it has, and tell what is new, gone or changed. Costs nothing
    #[arg(long, help_heading = "Refresh")]
    refresh: bool,
    /// Take an answer that is not older than this; `0` asks anew [default: 6h]
    #[arg(long, value_name = "TIME", requires = "refresh", value_parser = quantity::duration, help_heading = "Refresh")]
    max_age: Option<Duration>,
    /// Compare the parameters of all models: a call for each, 1.1 s apart
    #[arg(long, requires = "refresh", help_heading = "Refresh")]
    schemas: bool,
    /// Write new and gone models to a catalogue file, by default in the project's `catalog/`, else in your own
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        require_equals = true,
        requires = "refresh",
        help_heading = "Refresh"
    )]
    #[expect(
        clippy::option_option,
        reason = "clap: not given, given without a value, given with one"
    )]
    write: Option<Option<PathBuf>>,
    /// Write over a file that is there
    #[arg(long, requires = "write", help_heading = "Refresh")]
    force: bool,
}

/// Where and how to ask.
struct Surroundings {
    environment: Environment,
    provider: settings::Provider,
    retry: Retry,
    state_folder: PathBuf,
    root: PathBuf,
    /// False where there is no storyboard, and so no project.
    has_project: bool,
}

impl Surroundings {
    fn of_process() -> Result<Self, Failure> {
        let environment = Environment::of_process().map_err(|error| {
            Failure::cannot_work("no-folder", format!("there is no working folder: {error}"))
        })?;
        match settings::resolve(&Flags::default(), &environment) {
            Ok((settings, _)) => Ok(Self {
                provider: settings.provider,
                retry: settings.retry,
                state_folder: settings.state_folder,
                root: settings.project.root,
                has_project: true,
                environment,
            }),
            Err(SettingsError::NoStoryboard { .. }) => {
                let bare = settings::resolve_bare(&environment)?;
                Ok(Self {
                    provider: bare.provider,
                    retry: bare.retry,
                    state_folder: bare.state_folder,
                    root: environment.folder.clone(),
                    has_project: false,
                    environment,
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Where a file of models goes that nobody gave a place.
    fn default_file(&self) -> PathBuf {
        let own = if self.has_project { None } else { self.environment.user_catalog() };
        own.unwrap_or_else(|| self.root.join("catalog")).join(FILE)
    }
}

/// What was asked and answered.
struct Answers {
    listing: Listing,
    listed_ms: i64,
    /// Whether the list was asked for by this very command.
    listed_now: bool,
    schemas: BTreeMap<String, SchemaAnswer>,
    calls: u32,
}

impl Refresh {
    pub fn is_wanted(&self) -> bool {
        self.refresh
    }

    pub fn run(
        &self,
        query: Option<&str>,
        all: bool,
        json: bool,
        output: Output,
    ) -> Result<u8, Failure> {
        let around = Surroundings::of_process()?;
        let target = self.target(&around)?;
        let except = target.as_deref().filter(|_| self.force);
        let catalog = workspace::catalog_of(&around.root, &around.environment, except)?;
        let (provider, discovery) = asked(&catalog)?;
        let answers = self.ask(&around, &catalog, provider, discovery, query)?;
        let now_ms = RealClock::new().now_ms();
        let wanted =
            |id: &str| query.is_none_or(|query| is_about(&catalog, &answers.listing, query, id));
        let findings =
            discovery::compare(&catalog, provider, discovery, &answers.listing, &answers.schemas)
                .only(wanted);
        let lost = lost(&catalog, provider, discovery, &answers.listing);
        if let Some((gone, known)) = lost {
            tell(&format!(
                "warning: {gone} of the catalogue's {known} ids are not listed, which cannot be; is `KIE_API_BASE` right? \
                 `--write` retires none of them\n"
            ));
        }
        let overlay = match &target {
            Some(path) => {
                let mut findings = findings.clone();
                findings.gone.retain(|_| lost.is_none());
                let today = day(answers.listed_ms);
                let overlay = discovery::overlay(
                    &catalog,
                    provider,
                    discovery,
                    &answers.listing,
                    &answers.schemas,
                    &findings,
                    &today,
                );
                self.write(&catalog, path, &overlay)?;
                Some(overlay)
            }
            None => None,
        };
        let age_s = (now_ms - answers.listed_ms) as f64 / 1000.0;
        if json {
            let document = document(
                provider,
                &around,
                &answers,
                &findings,
                target.as_deref().zip(overlay.as_ref()),
                age_s,
            );
            print(&pretty(&document))?;
        } else {
            let shown = target.as_deref().map(|path| shown(path, &around.environment.folder));
            print(&refresh_text::render(
                &Told {
                    title: &provider.title,
                    listing: &answers.listing,
                    findings: &findings,
                    age_s,
                    calls: answers.calls,
                    listed_now: answers.listed_now,
                    all,
                    query,
                    all_schemas: self.schemas,
                    spacing_s: discovery.spacing_seconds,
                    written: shown.as_deref().zip(overlay.as_ref()),
                    is_used: target.as_deref().is_some_and(|path| is_used(path, &around)),
                },
                output.stdout,
            ))?;
        }
        Ok(0)
    }

    /// The file to write, which must not be there yet.
    fn target(&self, around: &Surroundings) -> Result<Option<PathBuf>, Failure> {
        let Some(file) = &self.write else { return Ok(None) };
        let path = match file {
            Some(file) => around.environment.folder.join(file),
            None => around.default_file(),
        };
        let name = shown(&path, &around.environment.folder);
        if path.extension().is_none_or(|ending| ending != "toml") {
            return Err(Failure::invalid(
                "not-toml",
                format!("`{name}` is no name of a catalogue file"),
            )
            .hint("it must end in `.toml`"));
        }
        let is_provider =
            path.file_stem().is_some_and(|stem| stem.eq_ignore_ascii_case("provider"));
        if is_provider {
            return Err(Failure::invalid(
                "not-models",
                "a file of models cannot be called `provider.toml`",
            )
            .hint("choose another name"));
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        if file.is_some() && !folder.is_dir() {
            let folder = shown(folder, &around.environment.folder);
            return Err(Failure::cannot_work(
                "no-folder",
                format!("there is no folder `{folder}`"),
            )
            .hint(
                "make it first, or leave the name out: `--write` alone takes the `catalog` folder",
            ));
        }
        if !self.force && path.symlink_metadata().is_ok() {
            return Err(Failure::invalid("file-exists", format!("`{name}` is there already"))
                .hint("`--force` writes over it; `--write=FILE` takes another name"));
        }
        Ok(Some(path))
    }

    fn ask(
        &self,
        around: &Surroundings,
        catalog: &Catalog,
        provider: &Provider,
        discovery: &Discovery,
        query: Option<&str>,
    ) -> Result<Answers, Failure> {
        let mut cache = ModelCache::open(&around.state_folder, &around.provider.api);
        let oldest = self.max_age.unwrap_or_else(|| {
            Duration::try_from_secs_f64(discovery.fresh_hours * 3600.0).unwrap_or_default()
        });
        let oldest_ms = i64::try_from(oldest.as_millis()).unwrap_or(i64::MAX);
        let clock = RealClock::new();
        let started_ms = clock.now_ms();
        let hosts = Hosts::parse(&around.provider.api, &around.provider.upload)
            .map_err(|message| Failure::invalid("invalid-environment", message))?;
        let key = around.provider.key.clone();
        let has_key = key.is_some();
        let transport = HttpTransport::new(hosts, key.unwrap_or_default());
        let policy = BackoffPolicy {
            first: around.retry.first.unwrap_or(PATIENT.first),
            longest: around.retry.max.unwrap_or(PATIENT.longest),
            ..PATIENT
        };
        let mut questions = Questions::new(
            &transport,
            &clock,
            provider,
            discovery,
            &around.provider.api,
            cache.asked_ms,
        )
        .with_policy(policy);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::cannot_work("runtime", format!("cannot start: {error}")))?;
        let keep = |cache: &ModelCache| {
            if let Err(error) = cache.save(&around.state_folder) {
                tell(&format!(
                    "warning: the answer cannot be kept in `{}`: {error}\n",
                    around.state_folder.display()
                ));
            }
        };

        let fresh = cache.listing.as_ref().is_some_and(|kept| kept.is_fresh(started_ms, oldest_ms));
        if !fresh {
            need_key(has_key)?;
            let outcome = runtime.block_on(questions.list());
            cache.asked_ms = questions.asked_ms();
            let listing =
                outcome.map_err(|error| no_answer(&error, &cache, started_ms)).and_then(|models| {
                    Listing::read(&models)
                        .map_err(|why| no_answer(&NoAnswer::Unclear(why), &cache, started_ms))
                });
            let listing = match listing {
                Ok(listing) => listing,
                Err(failure) => {
                    keep(&cache);
                    return Err(failure);
                }
            };
            cache.listing = Some(Kept { at_ms: clock.now_ms(), answer: listing });
            keep(&cache);
        }
        let Some(Kept { at_ms: listed_ms, answer: listing }) = cache.listing.clone() else {
            return Err(Failure::cannot_work("no-list", "the list of models is not there"));
        };

        let mut ids = self.wanted_schemas(catalog, provider, &listing, query)?;
        ids.retain(|id| {
            !cache.schemas.get(id).is_some_and(|kept| kept.is_fresh(started_ms, oldest_ms))
        });
        if !ids.is_empty() {
            need_key(has_key)?;
            let count = counted(ids.len(), "schema");
            #[expect(clippy::cast_precision_loss, reason = "a number of models")]
            let seconds = ids.len() as f64 * discovery.spacing_seconds;
            tell(&format!(
                "asking {} for {count}, about {}\n",
                provider.title,
                span_of_time(seconds.ceil())
            ));
        }
        let inside = provider
            .family(&discovery.family)
            .and_then(|family| family.operation(&discovery.operation))
            .map_or("", |operation| operation.parameters.as_str());
        for (number, id) in ids.iter().enumerate() {
            tell(&format!("  {}/{}  {id}\n", number + 1, ids.len()));
            let answer = match runtime.block_on(questions.schema(id)) {
                Ok(Value::Null) => SchemaAnswer::None,
                Ok(document) => match ModelSchema::read(&document, inside) {
                    Ok(schema) => SchemaAnswer::Schema(schema),
                    Err(why) => SchemaAnswer::Unreadable(why),
                },
                Err(NoAnswer::Unknown(why) | NoAnswer::Unclear(why)) => {
                    SchemaAnswer::Unreadable(why)
                }
                Err(error) => {
                    cache.asked_ms = questions.asked_ms();
                    keep(&cache);
                    let done = number;
                    return Err(no_answer(&error, &ModelCache::default(), started_ms).hint(format!(
                        "{done} of {} were answered and are kept; run the command again to go on",
                        counted(ids.len(), "schema")
                    )));
                }
            };
            cache.asked_ms = questions.asked_ms();
            cache.schemas.insert(id.clone(), Kept { at_ms: clock.now_ms(), answer });
            keep(&cache);
        }
        // What was kept from before and is not asked for now still tells of its model, if it is young enough.
        let schemas = cache
            .schemas
            .into_iter()
            .filter(|(id, kept)| ids.contains(id) || kept.is_fresh(started_ms, oldest_ms))
            .map(|(id, kept)| (id, kept.answer))
            .collect();
        Ok(Answers { listing, listed_ms, listed_now: !fresh, schemas, calls: questions.calls() })
    }

    /// The ids whose schemas are needed: of new models, of those that the query is about, or of all that are of use.
    fn wanted_schemas(
        &self,
        catalog: &Catalog,
        provider: &Provider,
        listing: &Listing,
        query: Option<&str>,
    ) -> Result<Vec<String>, Failure> {
        let about = |id: &str| query.is_none_or(|query| is_about(catalog, listing, query, id));
        let is_known = |id: &str| {
            catalog
                .models()
                .iter()
                .filter(|model| model.provider == provider.name)
                .any(|model| model.modes.iter().any(|mode| mode.id.as_deref() == Some(id)))
        };
        let wanted: Vec<String> = listing
            .offers
            .iter()
            .filter(|offer| about(&offer.id))
            .filter(|offer| {
                let known = is_known(&offer.id);
                (known && (query.is_some() || self.schemas)) || (!known && offer.is_of_use())
            })
            .map(|offer| offer.id.clone())
            .collect();
        if let Some(query) = query
            && wanted.is_empty()
            && (query.contains('/') || models::matching(catalog, query).is_empty())
            && !listing.offers.iter().any(|offer| about(&offer.id))
        {
            return Err(Failure::invalid(
                "unknown-model",
                format!(
                    "neither the catalogue nor {}'s list has a model `{query}`",
                    provider.title
                ),
            )
            .hint("`storyreel models` lists the catalogue"));
        }
        Ok(wanted)
    }

    fn write(&self, catalog: &Catalog, path: &Path, overlay: &Overlay) -> Result<(), Failure> {
        if overlay.text.is_empty() {
            return Ok(());
        }
        let broken = |error: &dyn std::fmt::Display| {
            Failure::cannot_work("write", format!("cannot write `{}`: {error}", path.display()))
                .hint("check the folder and its rights, or name another file with `--write=FILE`")
        };
        // What is written must be readable, whatever the provider said.
        let file = (path.display().to_string(), overlay.text.clone());
        catalog.clone().with_files(&[file])?;
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(|error| broken(&error))?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| broken(&error))?;
        file.write_all(overlay.text.as_bytes()).map_err(|error| broken(&error))?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // A temporary file is its owner's alone; a file of the project is not.
            let rights = std::fs::Permissions::from_mode(0o644);
            file.as_file().set_permissions(rights).map_err(|error| broken(&error))?;
        }
        let kept = if self.force { file.persist(path) } else { file.persist_noclobber(path) };
        kept.map(|_| ()).map_err(|error| broken(&error.error))
    }
}

/// How many ids of the catalogue are gone, and of how many, where that is more than a provider takes away in a day.
fn lost(
    catalog: &Catalog,
    provider: &Provider,
    discovery: &Discovery,
    listing: &Listing,
) -> Option<(usize, usize)> {
    let all = discovery::compare(catalog, provider, discovery, listing, &BTreeMap::new());
    let gone = all.gone.len();
    let known = gone + discovery::known(catalog, provider, discovery, listing);
    (gone * 2 > known).then_some((gone, known))
}

fn asked(catalog: &Catalog) -> Result<(&Provider, &Discovery), Failure> {
    catalog
        .provider(PROVIDER)
        .and_then(|provider| Some((provider, provider.discovery.as_ref()?)))
        .ok_or_else(|| {
            Failure::cannot_work("no-list", "the provider has no list of models to ask for")
        })
}

/// True where a query is about the model with this id: by the catalogue's names for it, or by the provider's.
fn is_about(catalog: &Catalog, listing: &Listing, query: &str, id: &str) -> bool {
    let wanted = models::plain(query);
    // With a slash it is an id, or a part of one.
    if query.contains('/') {
        return models::plain(id).contains(&wanted);
    }
    let of_catalog = models::matching(catalog, query)
        .iter()
        .any(|model| model.modes.iter().any(|mode| mode.id.as_deref() == Some(id)));
    of_catalog
        || models::plain(id).contains(&wanted)
        || listing.offer(id).is_some_and(|offer| models::plain(&offer.title).contains(&wanted))
}

fn need_key(has_key: bool) -> Result<(), Failure> {
    if has_key {
        return Ok(());
    }
    Err(Failure::cannot_work(
        "no-key",
        "there is no key for kie.ai, and its list of models needs one",
    )
    .hint(
        "set `KIE_API_KEY`, or write `KIE_API_KEY=...` to `.env`; asking for models costs nothing",
    ))
}

fn no_answer(error: &NoAnswer, cache: &ModelCache, now_ms: i64) -> Failure {
    let (code, hint) = match error {
        NoAnswer::Key(_) => {
            ("key-refused", "check `KIE_API_KEY`; keys are made at https://kie.ai/api-key")
        }
        NoAnswer::Network(_) => {
            ("network", "check the connection, and `KIE_API_BASE` if it is set")
        }
        NoAnswer::Busy(_) => ("provider-busy", "try again in a minute"),
        NoAnswer::Unknown(_) | NoAnswer::Unclear(_) => {
            ("provider-answer", "check `KIE_API_BASE` if it is set; the catalogue is as it was")
        }
    };
    let failure = Failure::cannot_work(code, error.to_string());
    match &cache.listing {
        Some(kept) => {
            #[expect(clippy::cast_precision_loss, reason = "an age in milliseconds")]
            let age = span_of_time(now_ms.saturating_sub(kept.at_ms) as f64 / 1000.0);
            failure
                .hint(format!("{hint}; an answer of {age} ago is kept, and `--max-age` takes it"))
        }
        None => failure.hint(hint),
    }
}

/// The day of a time, in UTC.
fn day(ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    time.strftime("%Y-%m-%d").to_string()
}

/// A path as it is shortest from the working folder.
fn shown(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

/// True where the catalogue takes the file from now on.
fn is_used(path: &Path, around: &Surroundings) -> bool {
    let folders = [Some(around.root.join("catalog")), around.environment.user_catalog()];
    folders.iter().flatten().any(|folder| path.parent() == Some(folder))
}

fn document(
    provider: &Provider,
    around: &Surroundings,
    answers: &Answers,
    findings: &Findings,
    written: Option<(&Path, &Overlay)>,
    age_s: f64,
) -> Value {
    let asked = jiff::Timestamp::from_millisecond(answers.listed_ms).unwrap_or_default();
    let written = written.map(|(path, overlay)| {
        let left_out: Vec<Value> =
            overlay.left_out.iter().map(|(id, why)| json!({"id": id, "reason": why})).collect();
        json!({
            "file": (!overlay.text.is_empty()).then(|| path.display().to_string()),
            "added": overlay.added,
            "retired": overlay.retired,
            "narrowed": overlay.narrowed,
            "left_out": left_out,
        })
    });
    json!({
        "provider": provider.name,
        "api": around.provider.api,
        "asked": asked.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "age_s": age_s.round(),
        "calls": answers.calls,
        "listed": answers.listing.offers.len(),
        "unusable": answers.listing.unusable,
        "findings": findings,
        "written": written,
    })
}
