//! A film in memory: planned by the library, "rendered" by writing down what a publication would, sent to nobody.

use serde_json::{Map, Value, json};
use std::sync::{Arc, LazyLock};
use storyreel::catalog::Catalog;
use storyreel::known::{Known, KnownInput, Output};
use storyreel::manifest::Manifest;
use storyreel::plan::{
    Action, Place, PlanOptions, Planned, Planning, RenderWork, ScenePlan, StepStart, Work, plan,
};
use storyreel::prompt::Templates;
use storyreel::record::{
    Attempt, AttemptId, AttemptState, Failure, FailureClass, Intent, Take, TakeId, TakeState,
};
use storyreel::settings::{ConfigFile, Owner};
use storyreel::source::{Diagnostic, Source};
use storyreel::storyboard::{Fields, read};

/// A day in milliseconds.
pub const DAY: i64 = 24 * 3600 * 1000;

/// When things were rendered; the film's clock begins two days later.
const RENDERED: &str = "2026-09-20T00:00:00.000Z";
const RENDERED_MS: i64 = 1_789_862_400_000;

/// Read once: there are thousands of films.
static BUILT_IN: LazyLock<Arc<Templates>> =
    LazyLock::new(|| Arc::new(Templates::built_in().unwrap()));

/// A project in memory.
pub struct Film {
    pub known: Known,
    pub options: PlanOptions,
    pub templates: Arc<Templates>,
    pub catalog: Catalog,
    pub defaults: Fields,
}

impl Film {
    /// Nothing rendered yet.
    pub fn new() -> Self {
        Self {
            known: Known { now_ms: RENDERED_MS + 2 * DAY, ..Known::default() },
            options: PlanOptions::default(),
            templates: BUILT_IN.clone(),
            catalog: Catalog::built_in().unwrap(),
            defaults: Fields::default(),
        }
    }

    /// A film of which this was rendered.
    pub fn rendered(text: &str) -> Self {
        let mut film = Self::new();
        film.render(text);
        film
    }

    /// Takes the `[defaults]` of a `storyreel.toml`.
    pub fn configure(&mut self, toml: &str) {
        let source = Source::new("storyreel.toml", format!("[defaults]\n{toml}"));
        let file = ConfigFile::parse(source, Owner::Project);
        let wrong: Vec<&str> = file.diagnostics.iter().map(|one| one.message.as_str()).collect();
        assert!(wrong.is_empty(), "{wrong:?} in\n{toml}");
        self.defaults = file.defaults;
    }

    /// Puts a file beside the storyboard.
    pub fn file(&mut self, path: &str, content: &str) {
        let input = KnownInput::File {
            path: format!("/film/{path}").into(),
            sha256: format!("sha256:{content}"),
            seconds: None,
        };
        self.known.inputs.insert(path.to_owned(), input);
    }

    /// The plan, or every error as `code: message`.
    pub fn try_plan(&self, text: &str) -> Result<Planned, Vec<String>> {
        self.judge(text).map_err(|(_, problems)| {
            problems.iter().map(|one| format!("{}: {}", one.code, one.message)).collect()
        })
    }

    /// Every error of a storyboard that cannot be planned: `line: code: message (hint)`.
    #[track_caller]
    pub fn errors(&self, text: &str) -> Vec<String> {
        let Err((source, problems)) = self.judge(text) else { panic!("it is planned:\n{text}") };
        let told = problems.iter().map(|one| {
            let line = source.line(one.span.start);
            let hint = one.hint.as_deref().unwrap_or_default();
            format!("{line}: {}: {} ({hint})", one.code, one.message)
        });
        told.collect()
    }

    fn judge(&self, text: &str) -> Result<Planned, (Source, Vec<Diagnostic>)> {
        let markdown = text.lines().any(|line| line.starts_with("## "));
        let name = if markdown { "SCENES.md" } else { "storyboard.yaml" };
        let source = Source::new(name, text);
        let reading = read(&source);
        let errors: Vec<String> = reading
            .diagnostics
            .iter()
            .filter(|one| one.is_error())
            .map(|one| one.message.clone())
            .collect();
        assert!(errors.is_empty(), "{errors:?} in\n{text}");
        let board = reading.storyboard.unwrap();
        let planning = Planning {
            name,
            place: Place { storyboard: None, variant: None, folder: "assets/clips".into() },
            assets_root: std::path::Path::new("/film/public"),
            board: &board,
            defaults: &self.defaults,
            catalog: &self.catalog,
            templates: &self.templates,
            known: &self.known,
            options: &self.options,
            profile: None,
        };
        plan(&planning).map_err(|problems| {
            (source, problems.into_iter().filter(Diagnostic::is_error).collect())
        })
    }

    /// The plan of a storyboard without errors.
    #[track_caller]
    pub fn plan(&self, text: &str) -> Planned {
        self.try_plan(text).unwrap_or_else(|errors| panic!("{errors:#?} in\n{text}"))
    }

    /// Pretends that everything planned was rendered and published: a manifest entry and a file for each scene.
    #[track_caller]
    pub fn render(&mut self, text: &str) {
        let planned = self.plan(text);
        let mut assets = self.assets();
        for scene in &planned.plan.scenes {
            let Some(work) = &scene.work else { continue };
            let id = format!("vid-{:03}", assets.len() + 1);
            let draft = match work {
                Work::Render(work) => work.entry.clone(),
                Work::Restore(work) => match &work.entry {
                    Some(draft) => draft.clone(),
                    None => {
                        let output = Output::File { sha256: work.clip.sha256.clone() };
                        self.known.outputs.insert(work.filename.clone(), output);
                        continue;
                    }
                },
            };
            let clip = |step: usize| match work {
                Work::Render(work) => match &work.steps[step].start {
                    StepStart::Done(clip) => clip.sha256.clone(),
                    _ => format!("sha256:{id}-{step}"),
                },
                Work::Restore(work) => work.clip.sha256.clone(),
            };
            let steps: Vec<Value> = draft
                .steps
                .iter()
                .enumerate()
                .map(|(index, step)| {
                    let mut step = step.clone();
                    step.insert("sha256".into(), clip(index).into());
                    step.insert("task_id".into(), format!("task-{id}-{index}").into());
                    step.insert("created_at".into(), RENDERED.into());
                    Value::Object(step)
                })
                .collect();
            let last = clip(draft.steps.len() - 1);
            let mut entry = Map::new();
            entry.insert("id".into(), id.clone().into());
            entry.insert("type".into(), "video".into());
            entry.insert("filename".into(), draft.filename.clone().into());
            entry.extend(draft.fields.clone());
            entry.insert("created_at".into(), RENDERED.into());
            entry.insert("scene_id".into(), serde_json::to_value(&draft.scene_id).unwrap());
            entry.insert("sha256".into(), last.clone().into());
            entry.insert("steps".into(), steps.into());
            let superseded = match work {
                Work::Restore(work) => work.supersedes.clone(),
                Work::Render(_) => None,
            };
            for asset in &mut assets {
                let same_scene = asset["scene_id"] == entry["scene_id"];
                let named = superseded.as_deref() == asset["id"].as_str();
                if (same_scene || named) && asset.get("superseded_by").is_none() {
                    let version = asset["version"].as_u64().unwrap_or(1);
                    asset["superseded_by"] = id.clone().into();
                    let takes = format!(
                        "assets/clips/takes/{}.v{version}.mp4",
                        asset["id"].as_str().unwrap()
                    );
                    asset["filename"] = takes.clone().into();
                    let kept = asset["sha256"].as_str().unwrap().to_owned();
                    self.known.outputs.insert(takes, Output::File { sha256: kept });
                }
            }
            self.known.outputs.insert(draft.filename.clone(), Output::File { sha256: last });
            assets.push(Value::Object(entry));
        }
        self.record(assets);
    }

    /// The manifest's entries.
    pub fn assets(&self) -> Vec<Value> {
        let document: Value =
            serde_json::from_str(&self.known.manifest.to_text()).unwrap_or_default();
        document["assets"].as_array().cloned().unwrap_or_default()
    }

    /// Writes the manifest anew.
    pub fn record(&mut self, assets: Vec<Value>) {
        let text = serde_json::to_string(&json!({"version": "1.0", "assets": assets})).unwrap();
        self.known.manifest = Manifest::parse(&text).unwrap();
    }

    /// Changes every entry of the manifest.
    pub fn edit_assets(&mut self, change: impl Fn(&mut Map<String, Value>)) {
        let mut assets = self.assets();
        assets.iter_mut().filter_map(Value::as_object_mut).for_each(change);
        self.record(assets);
    }

    /// Pretends that a scene was sent as planned, as far as its first step that costs; gives the take's row.
    #[track_caller]
    pub fn submit(&mut self, text: &str, scene: usize) -> TakeId {
        let planned = self.plan(text);
        let Some(Work::Render(work)) = planned.plan.scenes[scene].work.clone() else {
            panic!("scene {scene} is not rendered: {:?}", planned.plan.scenes[scene].action)
        };
        let id = TakeId(self.known.ledger.takes.len() as i64 + 1);
        let reused = work.steps.iter().enumerate().filter_map(|(index, step)| match &step.start {
            StepStart::Done(clip) => Some((index, clip.sha256.clone(), clip.task_id.clone())),
            _ => None,
        });
        let take = Take {
            id,
            slot: work.slot.clone(),
            number: work.take,
            ask: work.ask.clone().into(),
            steps: work.steps.iter().map(|step| step.kind).collect(),
            reused: reused.collect(),
            state: TakeState::Open,
            attempts: Vec::new(),
            created_ms: RENDERED_MS,
        };
        let first = take.reused.len();
        self.known.ledger.takes.push(take);
        self.send(&work, id, first);
        id
    }

    /// Pretends that a step of an open take was sent.
    pub fn send(&mut self, work: &RenderWork, take: TakeId, step: usize) {
        let made = &work.steps[step];
        let row = self.take(take);
        let attempt = AttemptId(take.0 * 100 + row.attempts.len() as i64);
        row.attempts.push(Attempt {
            id: attempt,
            intent: Intent {
                take,
                step,
                kind: made.kind,
                model_id: made.model_id.clone(),
                provider: made.provider.clone(),
                family: made.family.clone(),
                operation: made.operation.clone(),
                upgrade: made.upgrade,
                endpoint: made.request.endpoint(),
                fingerprint: made.request.fingerprint(),
                request: made.request.body.clone().into(),
                bound: made.request.body.clone().into(),
                reserved: made.credits,
                claim: None,
            },
            state: AttemptState::Submitted,
            task_id: Some(format!("task-{}", attempt.0)),
            urls: Vec::new(),
            clip: None,
            failure: None,
            charged: None,
            created_ms: RENDERED_MS,
            changed_ms: RENDERED_MS,
        });
    }

    /// A take of the ledger.
    pub fn take(&mut self, id: TakeId) -> &mut Take {
        self.known.ledger.takes.iter_mut().find(|take| take.id == id).unwrap()
    }

    /// The last attempt of a take.
    pub fn last_attempt(&mut self, id: TakeId) -> &mut Attempt {
        self.take(id).attempts.last_mut().unwrap()
    }

    /// Pretends that the provider refused what was sent last.
    pub fn refuse(&mut self, id: TakeId) {
        let attempt = self.last_attempt(id);
        attempt.state = AttemptState::Failed;
        attempt.failure = Some(Failure {
            class: FailureClass::Moderation,
            code: None,
            message: "flagged".into(),
        });
    }

    /// Pretends that the clip of what was sent last is in the cache.
    pub fn download(&mut self, id: TakeId) -> String {
        let attempt = self.last_attempt(id);
        let clip = format!("sha256:clip-{}", attempt.id.0);
        attempt.state = AttemptState::Downloaded;
        attempt.clip = Some(clip.clone());
        self.known.cached.insert(clip.clone());
        clip
    }
}

/// The actions by scene id.
pub fn actions(planned: &Planned) -> Vec<(String, &'static str)> {
    planned
        .plan
        .scenes
        .iter()
        .map(|scene| (scene.scene_id.to_string(), scene.action.name()))
        .collect()
}

/// The reasons of a scene as `code part`.
pub fn codes(planned: &Planned, scene: usize) -> Vec<String> {
    let reasons = planned.plan.scenes[scene].reasons.iter();
    reasons
        .map(|reason| match &reason.part {
            Some(part) => format!("{} {part}", reason.code),
            None => reason.code.to_owned(),
        })
        .collect()
}

/// Whether a scene has a note of this code.
pub fn has_note(scene: &ScenePlan, code: &str) -> bool {
    scene.notes.iter().any(|note| note.code == code)
}

/// True when nothing at all is to be done.
pub fn all_unchanged(planned: &Planned) -> bool {
    planned.plan.scenes.iter().all(|scene| scene.action == Action::Unchanged)
        && planned.plan.summary.credits == 0.0
}

/// Fails unless nothing at all is to be done.
#[track_caller]
pub fn assert_unchanged(planned: &Planned, what: &str) {
    let told: Vec<_> = planned
        .plan
        .scenes
        .iter()
        .filter(|scene| scene.action != Action::Unchanged)
        .map(|scene| (scene.scene_id.to_string(), scene.action.name(), &scene.reasons))
        .collect();
    assert!(all_unchanged(planned), "{told:#?}\n{what}");
}
