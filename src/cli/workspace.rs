//! The way that all commands about a storyboard share: settings, source, reading, catalogue, knowledge, plan.

use super::failure::Failure;
use super::{Output, selection, tell};
use crate::catalog::Catalog;
use crate::engine::real_files::RealFiles;
use crate::known::{Deferred, Gathering, Known, gather};
use crate::layout::{self, Layout};
use crate::ledger::{FileRecord, Snapshot, SqliteLedger};
use crate::manifest::{self, AssetEntry, Manifest};
use crate::plan::{Place, PlanOptions, Planned, Planning, media_of};
use crate::prompt::{PromptError, Templates};
use crate::report::{diagnostics, sanitise};
use crate::settings::{
    Environment, FileProblems, Flags, LintLevel, Settings, SettingsError, level_of, nearest,
    resolve,
};
use crate::source::{self, Diagnostic, Severity, Source, SourceError};
use crate::storyboard::{
    self, Field, Fields, Input, Loaded, Profile, Scene, SceneId, Storyboard, Value,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};

/// Added to the label of a problem that several scenes have in common.
const OTHERS: &str = " and others";

/// A storyboard with everything around it.
pub(super) struct Workspace {
    /// Flags, environment and files.
    pub settings: Settings,
    /// The storyboard's text.
    pub source: Source,
    /// Its scenes.
    pub board: Storyboard,
    /// Problems of the storyboard that were found while reading; lint levels are applied.
    pub diagnostics: Vec<Diagnostic>,
    /// Warnings of configuration files.
    pub config_warnings: Vec<FileProblems>,
    /// Models, with the project's own.
    pub catalog: Catalog,
    /// Prompt templates, with the project's own.
    pub templates: Templates,
    /// Folders.
    pub layout: Layout,
    /// The place of the run's profile in the storyboard's list.
    profile: Option<usize>,
    /// Another branch's manifest, from which unchanged scenes are taken.
    defer_to: Option<PathBuf>,
}

/// What was known when a plan was made.
pub(super) struct Looked {
    /// The snapshot.
    pub known: Known,
    /// Hashes that the ledger does not know yet.
    pub fresh: Vec<FileRecord>,
    /// Where outputs are kept.
    pub place: Place,
}

impl Workspace {
    /// Opens the storyboard that the flags name, or the one of the working folder.
    ///
    /// # Errors
    /// Exit 1 for configuration, catalogue or templates that cannot be used, and for a file that is no storyboard.
    /// Errors inside a storyboard are in `diagnostics`.
    pub fn open(flags: &Flags) -> Result<Self, Failure> {
        let environment = Environment::of_process().map_err(|error| {
            Failure::cannot_work("no-folder", format!("there is no working folder: {error}"))
        })?;
        let (settings, config_warnings) = resolve(flags, &environment)?;
        let text = Source::read(&settings.project.storyboard)?;
        let provider = &settings.provider;
        provider.refuse_key_in(Path::new(&settings.project.shown), text.text())?;
        let mut source = Source::new(settings.project.shown.clone(), text.text());
        let mut included = Included { settings: &settings, refused: None };
        let reading = storyboard::read_with(&mut source, &mut |path| included.load(path));
        if let Some(refused) = included.refused {
            return Err(refused.into());
        }
        let mut diagnostics = leveled(reading.diagnostics, &settings.lints);
        if let Some(hint) =
            import_hint(&settings, &source, reading.storyboard.is_none(), &diagnostics)
        {
            let first = diagnostics.iter_mut().find(|problem| problem.is_error());
            first.into_iter().for_each(|first| first.hint = Some(hint.clone()));
        }
        let Some(board) = reading.storyboard else {
            return Err(Failure::document("not-a-storyboard", &source, diagnostics));
        };
        let profile = chosen_profile(flags, &board, &source)?;
        let models = model_files(&settings.project.root, &environment, None)?;
        let templates = own_files(&settings.project.root.join("prompts"), "prompts", "jinja")?;
        for (name, text) in models.iter().chain(&templates) {
            provider.refuse_key_in(Path::new(name), text)?;
        }
        let catalog = Catalog::built_in()?.with_files(&models)?;
        let own: Vec<(String, String)> = templates
            .into_iter()
            .map(|(name, text)| {
                let stem = Path::new(&name).file_stem().unwrap_or_default();
                (stem.to_string_lossy().into_owned(), text)
            })
            .collect();
        let mut templates =
            Templates::with_overrides(&own).map_err(|error| template_failure(error, &own))?;
        for (style, text) in &own {
            // Behind the storyboard's own text, so that a problem of theirs is shown like any other.
            let span = source.include(Source::new(format!("prompts/{style}.jinja"), text.clone()));
            templates.place(style, text, span.start);
        }
        let layout = Layout {
            project_root: settings.project.root.clone(),
            assets_root: settings.project.assets.clone(),
            private: settings.project.private(),
        };
        Ok(Self {
            settings,
            source,
            board,
            diagnostics,
            config_warnings,
            catalog,
            templates,
            layout,
            profile,
            defer_to: flags.defer_to.clone(),
        })
    }

    /// The profile of the run.
    pub fn profile(&self) -> Option<&Profile> {
        self.board.profiles.get(self.profile?)
    }

    /// The present clip, or still, of a scene in the manifest, or else in that of another branch.
    pub fn entry_of<'k>(
        &self,
        known: &'k Known,
        place: &Place,
        scene: &Scene,
    ) -> Option<&'k AssetEntry> {
        let media = media_of(scene, &self.board, &self.settings.defaults);
        let own = known.manifest.current(place.storyboard.as_deref(), None, &scene.id, media);
        own.or_else(|| {
            let deferred = known.deferred.as_ref()?;
            let place = deferred.place.storyboard.as_deref();
            deferred.manifest.current(place, None, &scene.id, media)
        })
    }

    /// The scene with this id.
    pub fn scene(&self, id: &SceneId) -> Option<&Scene> {
        self.board.scenes.iter().find(|scene| scene.id == *id)
    }

    /// The project's files as a run sees them.
    ///
    /// # Errors
    /// When its root cannot be used.
    pub fn files(&self) -> std::io::Result<RealFiles> {
        RealFiles::new(&self.layout.project_root, |path| {
            crate::media::probe_file(path).map_err(|error| error.to_string())
        })
    }

    /// The ids of all scenes, in order.
    pub fn scene_ids(&self) -> Vec<SceneId> {
        self.board.scenes.iter().map(|scene| scene.id.clone()).collect()
    }

    /// Titles by scene key.
    pub fn titles(&self) -> BTreeMap<String, String> {
        self.board
            .scenes
            .iter()
            .filter_map(|scene| Some((scene.id.key(), scene.title.as_ref()?.value.clone())))
            .collect()
    }

    /// The ledger as it is on disk; empty where there is none. Creates nothing and takes no lock.
    pub fn ledger_snapshot(&self) -> Result<Snapshot, Failure> {
        use crate::ledger::Ledger as _;
        match SqliteLedger::open_existing_for_reading(&self.layout.ledger())? {
            Some(mut ledger) => Ok(ledger.snapshot()?),
            None => Ok(Snapshot::default()),
        }
    }

    /// The manifest; empty where there is none.
    ///
    /// # Errors
    /// Exit 1 for a file that is no manifest; it is not touched.
    pub fn manifest(&self) -> Result<Manifest, Failure> {
        let path = self.layout.manifest();
        Ok(read_manifest(&path)?.unwrap_or_default())
    }

    /// What another branch has rendered, where one was named, and where its manifest lies.
    fn deferred(&self) -> Result<Option<(PathBuf, Deferred)>, Failure> {
        let Some(path) = &self.defer_to else { return Ok(None) };
        let shown = path.display().to_string();
        let manifest = read_manifest(path)?.ok_or_else(|| {
            Failure::cannot_work(
                "manifest",
                format!("there is no manifest `{}`", sanitise(&shown, 300)),
            )
            .hint("`--defer-to` takes a file: git show main:public/assets/manifest.json >main.json")
        })?;
        let place = self.place(&manifest);
        let deferred = Deferred { shown, manifest, place, files: HashMap::new() };
        let path = path.canonicalize().unwrap_or_else(|_| path.clone());
        Ok(Some((path, deferred)))
    }

    /// Where this storyboard's outputs are kept.
    fn place(&self, manifest: &Manifest) -> Place {
        let project = &self.settings.project;
        let exists = |key: &str| {
            if key == layout::MAIN {
                !project.is_main && project.has_main
            } else {
                project.root.join(key).is_file()
            }
        };
        layout::place(&project.key, project.is_main, manifest, &exists)
    }

    /// The name of this storyboard in ledger rows; empty for the main one.
    pub fn slot_storyboard(&self) -> Result<String, Failure> {
        Ok(self.place(&self.manifest()?).storyboard.unwrap_or_default())
    }

    /// Looks at everything: the ledger as it is on disk, and what [`Workspace::look`] looks at. The two large files are
    /// read at the same time.
    pub fn look_around(&self) -> Result<Looked, Failure> {
        let (manifest, ledger) = std::thread::scope(|scope| {
            let manifest = scope.spawn(|| self.manifest());
            let ledger = self.ledger_snapshot();
            (manifest.join(), ledger)
        });
        // A panic of the reader is this one's, too.
        let manifest = manifest.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        self.look_with(manifest?, ledger?)
    }

    /// Looks at everything, and asks the shared cache what it has of what is not here.
    pub fn look_everywhere(&self) -> Result<Looked, Failure> {
        let mut looked = self.look_around()?;
        super::shared::look(self, &mut looked.known)?;
        Ok(looked)
    }

    /// Looks at manifest, ledger, cache and files.
    pub fn look(&self, ledger: Snapshot) -> Result<Looked, Failure> {
        self.look_with(self.manifest()?, ledger)
    }

    fn look_with(&self, manifest: Manifest, ledger: Snapshot) -> Result<Looked, Failure> {
        let place = self.place(&manifest);
        let (known, fresh) = gather(Gathering {
            layout: &self.layout,
            board_folder: self.settings.project.storyboard_folder(),
            manifest,
            deferred: self.deferred()?,
            ledger,
            paths: named_files(&self.board, &self.settings.defaults),
            footage: footage_of(&self.board, &self.settings.defaults),
            now_ms: now_ms(),
            has_key: self.settings.provider.key.is_some(),
        })
        .map_err(|error| Failure::cannot_work("unreadable", error.to_string()))?;
        Ok(Looked { known, fresh, place })
    }

    /// The plan, or every problem of the storyboard. Warnings of reading and planning are put together.
    pub fn plan(
        &self,
        looked: &Looked,
        options: &PlanOptions,
    ) -> Result<(Planned, Vec<Diagnostic>), Failure> {
        match self.judge(looked, options) {
            (Some(planned), problems) => {
                selection::check_steps("--retake", &options.retake, &planned.plan)?;
                Ok((planned, problems))
            }
            (None, problems) => Err(self.broken(problems)),
        }
    }

    /// What a command ends with that needs a plan, where there is none for these problems.
    pub fn broken(&self, problems: Vec<Diagnostic>) -> Failure {
        Failure::document("invalid-storyboard", &self.source, problems)
    }

    /// The plan, where the storyboard has no errors, and all its problems.
    pub fn judge(
        &self,
        looked: &Looked,
        options: &PlanOptions,
    ) -> (Option<Planned>, Vec<Diagnostic>) {
        let options = self.with_lints(options);
        let (planned, found) = match crate::plan::plan(&self.planning(looked, &options)) {
            Ok(planned) => {
                let warnings = planned.warnings.clone();
                (Some(planned), warnings)
            }
            Err(errors) => (None, errors),
        };
        let problems = self.with_reading(found);
        let is_good = !problems.iter().any(Diagnostic::is_error);
        (planned.filter(|_| is_good), problems)
    }

    /// Leaves out the scenes that have errors, so that `wanted` can be planned. False, and nothing is changed, where it has
    /// one itself, or where an error is no scene's.
    pub fn leave_out_broken(&mut self, problems: &[Diagnostic], wanted: &SceneId) -> bool {
        let mut starts: Vec<(usize, SceneId)> = self
            .board
            .scenes
            .iter()
            .map(|scene| (scene.span.start.min(scene.id_span.start), scene.id.clone()))
            .collect();
        starts.sort_by_key(|(start, _)| *start);
        let of = |problem: &Diagnostic| {
            let before = starts.partition_point(|(start, _)| *start <= problem.span.start);
            starts.get(before.checked_sub(1)?).map(|(_, id)| id.clone())
        };
        let errors = problems.iter().filter(|problem| problem.is_error());
        let Some(broken) = errors.map(of).collect::<Option<BTreeSet<SceneId>>>() else {
            return false;
        };
        if broken.contains(wanted) {
            return false;
        }
        self.board.scenes.retain(|scene| !broken.contains(&scene.id));
        self.diagnostics.retain(|problem| !problem.is_error());
        true
    }

    /// All problems of the storyboard, for whoever needs no plan.
    pub fn problems(&self, looked: &Looked) -> Vec<Diagnostic> {
        let options = self.with_lints(&PlanOptions::default());
        self.with_reading(crate::plan::problems(&self.planning(looked, &options)))
    }

    fn with_lints(&self, options: &PlanOptions) -> PlanOptions {
        PlanOptions { lints: self.settings.wanted_lints(), ..options.clone() }
    }

    fn planning<'p>(&'p self, looked: &'p Looked, options: &'p PlanOptions) -> Planning<'p> {
        Planning {
            name: &self.settings.project.shown,
            place: looked.place.clone(),
            assets_root: &self.layout.assets_root,
            board: &self.board,
            defaults: &self.settings.defaults,
            catalog: &self.catalog,
            templates: &self.templates,
            known: &looked.known,
            options,
            profile: self.profile(),
        }
    }

    /// What planning found with what reading found, in the order of the document.
    fn with_reading(&self, found: Vec<Diagnostic>) -> Vec<Diagnostic> {
        let mut problems = self.diagnostics.clone();
        problems.extend(leveled(found, &self.settings.lints));
        problems.sort_by(|one, other| {
            let place = |problem: &Diagnostic| (problem.span.start, problem.span.end, problem.code);
            place(one).cmp(&place(other)).then_with(|| one.message.cmp(&other.message))
        });
        // A default that suits no scene is one problem, however many scenes inherit it.
        problems.dedup_by(|next, first| {
            let same =
                (next.code, next.span, &next.message) == (first.code, first.span, &first.message);
            if same && next.label != first.label && !first.label.ends_with(OTHERS) {
                first.label.push_str(OTHERS);
            }
            same
        });
        problems
    }

    /// Tells warnings on standard error.
    pub fn tell_warnings(&self, problems: &[Diagnostic], output: Output) {
        for file in &self.config_warnings {
            tell(&diagnostics::text(&file.source, &file.diagnostics, output.stderr));
        }
        tell(&diagnostics::text(&self.source, problems, output.stderr));
    }
}

/// The manifest of this file; none where there is no such file.
fn read_manifest(path: &Path) -> Result<Option<Manifest>, Failure> {
    let looked = manifest::settled(|| match source::read_bytes(path, manifest::MAX_BYTES) {
        Err(SourceError::Io { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok((false, Ok(Manifest::empty())))
        }
        Err(SourceError::Io { error, .. }) => Err(error),
        Err(error) => Err(std::io::Error::other(error)),
        Ok(bytes) => Ok((true, Manifest::parse_bytes(&bytes))),
    });
    let (exists, manifest) = looked.map_err(|error| {
        Failure::cannot_work("manifest", format!("cannot read `{}`: {error}", path.display()))
            .hint("it must be a file that can be read, in folders that can; nothing was sent")
    })?;
    let manifest = manifest.map_err(|error| {
        Failure::invalid("invalid-manifest", format!("{error} in `{}`", path.display()))
            .hint(error.hint())
    })?;
    Ok(exists.then_some(manifest))
}

/// Where a document cannot be used as it stands and an import would make a storyboard of it: what to say.
fn import_hint(
    settings: &Settings,
    source: &Source,
    refused: bool,
    problems: &[Diagnostic],
) -> Option<String> {
    // An author mends a storyboard of their own; another tool's JSON is nobody's to mend.
    let is_data = || crate::import::format_of(source) == crate::import::Format::Json;
    let foreign = problems.iter().any(|problem| match problem.code {
        "film-inside" | "scene-named-like-a-field" => true,
        "wrong-value" => is_data(),
        _ => false,
    });
    // Headings over tables: the scenes are there, and what they show is in the tables.
    let tables = problems.iter().any(|problem| problem.code == "table-ignored")
        && problems.iter().any(|problem| problem.code == "nothing-to-show");
    if !(refused || foreign || tables) {
        return None;
    }
    super::import::hint_for(source, Path::new(&settings.project.shown))
}

/// The profile that the command names, or else the storyboard: its place in the list.
fn chosen_profile(
    flags: &Flags,
    board: &Storyboard,
    source: &Source,
) -> Result<Option<usize>, Failure> {
    let written = board.profile.as_ref();
    let Some(name) = flags.profile.as_ref().or(written.map(|name| &name.value)) else {
        return Ok(None);
    };
    let names = || board.profiles.iter().map(|profile| profile.name.value.as_str());
    if let Some(place) = names().position(|own| own == name) {
        return Ok(Some(place));
    }
    let shown = crate::report::sanitise(name, 60);
    let message = format!("the storyboard has no profile `{shown}`");
    let hint = match (nearest(name, names()), board.profiles.is_empty()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, true) => {
            "write `profiles: {draft: {model: veo-3.1-lite}, final: {model: veo-3.1}}` at its top"
                .to_owned()
        }
        (None, false) => format!("its profiles: {}", names().collect::<Vec<_>>().join(", ")),
    };
    match written.filter(|_| flags.profile.is_none()) {
        Some(written) => {
            let problem = Diagnostic::error("no-such-profile", message, written.span)
                .label("no such profile")
                .hint(hint);
            Err(Failure::document("no-such-profile", source, vec![problem]))
        }
        None => Err(Failure::invalid("no-such-profile", message).hint(hint)),
    }
}

/// Opens the files that a storyboard includes.
struct Included<'s> {
    settings: &'s Settings,
    /// A file that must not be read on, let alone be shown.
    refused: Option<SettingsError>,
}

impl Included<'_> {
    /// Opens one, by its path relative to the storyboard's folder.
    fn load(&mut self, path: &str) -> Result<Loaded, String> {
        let project = &self.settings.project;
        let name = shown_beside(&project.shown, path);
        let told = sanitise(&name, 300);
        let real = project.storyboard_folder().join(path).canonicalize().map_err(|error| {
            match error.kind() {
                std::io::ErrorKind::NotFound => format!("`{told}` is missing"),
                _ => format!("cannot read `{told}`: {error}"),
            }
        })?;
        let root = project.root.canonicalize().unwrap_or_else(|_| project.root.clone());
        if !real.starts_with(root) {
            return Err(format!("`{told}` lies outside the project"));
        }
        let source = Source::read_as(&real, name).map_err(|error| error.to_string())?;
        let provider = &self.settings.provider;
        if let Err(error) = provider.refuse_key_in(Path::new(source.name()), source.text()) {
            let message = error.to_string();
            self.refused = Some(error);
            return Err(message);
        }
        Ok(Loaded { identity: real.display().to_string(), source })
    }
}

/// A path relative to the folder of the storyboard that is shown as `storyboard`, as it is shown.
fn shown_beside(storyboard: &str, path: &str) -> String {
    let mut parts: Vec<Component<'_>> = Vec::new();
    let folder = Path::new(storyboard).parent().unwrap_or(Path::new(""));
    for part in folder.components().chain(Path::new(path).components()) {
        match (part, parts.last()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.iter().collect::<PathBuf>().display().to_string()
}

/// The built-in catalogue with the user's own models and over them the project's, but without the file `except`.
pub(super) fn catalog_of(
    root: &Path,
    environment: &Environment,
    except: Option<&Path>,
) -> Result<Catalog, Failure> {
    Ok(Catalog::built_in()?.with_files(&model_files(root, environment, except)?)?)
}

/// The user's own model files, then the project's, which count more.
fn model_files(
    root: &Path,
    environment: &Environment,
    except: Option<&Path>,
) -> Result<Vec<(String, String)>, Failure> {
    let mut files = Vec::new();
    if let Some(folder) = environment.user_catalog() {
        files.extend(own_files(&folder, &folder.display().to_string(), "toml")?);
    }
    files.extend(own_files(&root.join("catalog"), "catalog", "toml")?);
    // Names are as messages show them; a project's are relative to its root.
    let is_except = |name: &str| except.is_some_and(|except| root.join(name) == *except);
    files.retain(|(name, _)| !is_except(name));
    Ok(files)
}

/// Now, in Unix milliseconds.
pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Problems with the levels that the configuration gives their codes. Errors stay errors.
fn leveled(problems: Vec<Diagnostic>, lints: &BTreeMap<String, LintLevel>) -> Vec<Diagnostic> {
    problems
        .into_iter()
        .filter_map(|mut problem| {
            if problem.is_error() {
                return Some(problem);
            }
            match level_of(lints, problem.code) {
                Some(LintLevel::Off) => None,
                Some(LintLevel::Error) => {
                    problem.severity = Severity::Error;
                    Some(problem)
                }
                _ => Some(problem),
            }
        })
        .collect()
}

/// The files of one kind in a folder, by name and text, in the order of their names. `shown` is the folder's name in
/// messages.
fn own_files(folder: &Path, shown: &str, ending: &str) -> Result<Vec<(String, String)>, Failure> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(Vec::new());
        }
        Err(error) => {
            return Err(Failure::cannot_work(
                "unreadable",
                format!("cannot read `{shown}`: {error}"),
            ));
        }
    };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| Path::new(name).extension().is_some_and(|found| found == ending))
        .collect();
    names.sort_unstable();
    let mut files = Vec::new();
    for name in names {
        let source = Source::read(&folder.join(&name))?;
        files.push((format!("{shown}/{name}"), source.text().to_owned()));
    }
    Ok(files)
}

/// What is wrong with a template, in its line.
fn template_failure(error: PromptError, own: &[(String, String)]) -> Failure {
    let whole = |error: &PromptError| {
        Failure::invalid("invalid-template", format!("in `prompts`: {error}")).hint(error.hint())
    };
    let PromptError::Template { file, line, message } = &error else { return whole(&error) };
    let Some((style, text)) = own.iter().find(|(style, _)| format!("{style}.jinja") == *file)
    else {
        return whole(&error);
    };
    let source = Source::new(format!("prompts/{file}"), text.clone());
    // Lines are found by whoever finds them for problems of later on.
    let mut places = match Templates::built_in() {
        Ok(places) => places,
        Err(error) => return whole(&error),
    };
    places.place(style, text, 0);
    let span = places.line(style, *line).unwrap_or_default();
    let problem = Diagnostic::error("invalid-template", message.clone(), span)
        .label("in this line")
        .hint(error.hint());
    Failure::document("invalid-template", &source, vec![problem])
}

/// Every path and asset id of footage, as written.
fn footage_of(board: &Storyboard, defaults: &Fields) -> Vec<String> {
    let all = board.scenes.iter().map(|scene| &scene.fields).chain([&board.defaults, defaults]);
    let found: BTreeSet<&str> = all.filter_map(|fields| fields.text(Field::File)).collect();
    found.into_iter().map(str::to_owned).collect()
}

/// Every path and asset id that the storyboard names, as written.
fn named_files(board: &Storyboard, defaults: &Fields) -> Vec<String> {
    let mut found = BTreeSet::new();
    let mut add = |input: &Input| match input {
        Input::Path(path) => {
            found.insert(path.clone());
        }
        Input::Asset(id) => {
            found.insert(id.clone());
        }
        Input::Url(_) | Input::Scene { .. } => {}
    };
    let steps = board
        .scenes
        .iter()
        .filter_map(|scene| scene.steps.as_ref())
        .chain(&board.default_steps)
        .chain(board.profiles.iter().filter_map(|profile| profile.steps.as_ref()))
        .flatten();
    let all = board
        .scenes
        .iter()
        .map(|scene| &scene.fields)
        .chain(steps.map(|step| &step.fields))
        .chain(board.profiles.iter().map(|profile| &profile.fields))
        .chain([&board.defaults, defaults]);
    for (_, value) in all.flat_map(Fields::iter) {
        if let Value::Inputs(inputs) = &value.value {
            inputs.iter().for_each(&mut add);
        }
    }
    for image in board.characters.iter().flat_map(|character| &character.images) {
        add(&image.value);
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lints_are_silenced_or_raised_but_errors_stay() {
        let lints = [
            ("a".to_owned(), LintLevel::Off),
            ("b".to_owned(), LintLevel::Error),
            ("c".to_owned(), LintLevel::Off),
        ];
        let problems = vec![
            Diagnostic::warning("a", "one", 0..1),
            Diagnostic::warning("b", "two", 0..1),
            Diagnostic::error("c", "three", 0..1),
        ];
        let left: Vec<(&str, bool)> = leveled(problems, &lints.into())
            .iter()
            .map(|problem| (problem.code, problem.is_error()))
            .collect();
        assert_eq!(left, [("b", true), ("c", true)]);
    }
}
