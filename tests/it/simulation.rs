//! Whole runs in a seeded world: a provider that misbehaves, processes that die between any two operations, and a
//! judge who reads the provider's bill afterwards.
//!
//! `STORYREEL_SEED=7 cargo test --test it simulation` runs one seed alone and tells what happened;
//! `STORYREEL_SEEDS=1000000` runs that many.

use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;
use storyreel::catalog::Catalog;
use storyreel::emulator::account::{Credits, Rate};
use storyreel::emulator::faults::Script;
use storyreel::emulator::judge::Expected;
use storyreel::emulator::{Emulator, Options, Times};
use storyreel::engine::event::{Event, Stamped, Summary};
use storyreel::engine::policy::Policy;
use storyreel::engine::watched::WatchedLedger;
use storyreel::engine::window::{MemoryWindow, WindowLimit};
use storyreel::engine::{Order, World, exit_code, run};
use storyreel::ledger::{
    Attempt, AttemptState, FailureClass, Ledger as _, SqliteLedger, Take, TakeState,
};
use storyreel::plan::{
    ClipRef, ClipSource, EntryDraft, FilesByDigest, RenderWork, Request, RestoreWork, Slot,
    StepStart, StepWork, Work,
};
use storyreel::ports::Clock as _;
use storyreel::publish::{Layout, Publisher};
use storyreel::simulation::files::{
    CrashSwitch, Down, Fault, SimulatedCrash, SimulatedFiles, simulated_digest,
};
use storyreel::simulation::world::{SimulatedClips, SimulatedClock, SimulatedTransport, Weather};
use storyreel::storyboard::{SceneId, StepKind};

const SUBMISSIONS: u32 = 4;
const WINDOW_MS: i64 = 3_000;

/// Draws whole numbers; the same seed draws the same ones.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ (value >> 31)) % end
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Generate,
    GenerateFromPicture,
    Extend,
    Restyle,
    FullHd,
    FourK,
}

#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub number: u64,
    /// Goes up when the author edits the scene.
    pub version: u64,
    pub steps: Vec<Kind>,
    pub after: Vec<String>,
}

impl Scene {
    fn ask(&self) -> Value {
        json!({"scene": self.number, "version": self.version})
    }

    pub(crate) fn slot(&self) -> Slot {
        Slot {
            storyboard: "SCENES.md".into(),
            variant: String::new(),
            scene: self.number.to_string(),
        }
    }

    fn steps(&self, picture: &str) -> Vec<StepWork> {
        self.steps.iter().enumerate().map(|(at, kind)| self.step(at, *kind, picture)).collect()
    }

    fn step(&self, at: usize, kind: Kind, picture: &str) -> StepWork {
        let prompt = format!("scene {} version {} step {at}.", self.number, self.version);
        let generate = json!({
            "prompt": prompt, "model": "veo3_fast", "aspect_ratio": "16:9", "resolution": "720p",
            "duration": 8, "enableTranslation": true
        });
        let (step, family, operation, method, path, body, credits) = match kind {
            Kind::Generate => (
                StepKind::Generate,
                "veo",
                "generate",
                "POST",
                "/api/v1/veo/generate",
                generate,
                60.0,
            ),
            Kind::GenerateFromPicture => {
                let mut body = generate;
                body["generationType"] = "FIRST_AND_LAST_FRAMES_2_VIDEO".into();
                body["imageUrls"] = json!([{"$file": picture}]);
                (StepKind::Generate, "veo", "generate", "POST", "/api/v1/veo/generate", body, 60.0)
            }
            Kind::Extend => (
                StepKind::Extend,
                "veo",
                "extend",
                "POST",
                "/api/v1/veo/extend",
                json!({"taskId": {"$previous": "task"}, "prompt": prompt, "model": "fast"}),
                60.0,
            ),
            Kind::Restyle => (
                StepKind::Restyle,
                "aleph",
                "generate",
                "POST",
                "/api/v1/aleph/generate",
                json!({"videoUrl": {"$previous": "clip"}, "prompt": prompt}),
                110.0,
            ),
            Kind::FullHd => (
                StepKind::Upscale,
                "veo",
                "1080p",
                "GET",
                "/api/v1/veo/get-1080p-video",
                json!({"taskId": {"$previous": "task"}}),
                5.0,
            ),
            Kind::FourK => (
                StepKind::Upscale,
                "veo",
                "4k",
                "POST",
                "/api/v1/veo/get-4k-video",
                json!({"taskId": {"$previous": "task"}, "index": 0}),
                120.0,
            ),
        };
        StepWork {
            kind: step,
            model: "Veo 3.1 Fast".into(),
            model_id: "veo3_fast".into(),
            provider: "kie".into(),
            family: family.into(),
            operation: operation.into(),
            upgrade: matches!(kind, Kind::FullHd | Kind::FourK),
            request: Request { method: method.into(), path: path.into(), body },
            parts: Map::new(),
            credits: Some(credits),
            seconds: None,
            start: StepStart::Fresh,
        }
    }
}

/// What is left of a simulated computer and its provider when a process dies.
struct Machine {
    seed: u64,
    dice: Dice,
    clock: SimulatedClock,
    provider: Arc<Mutex<Emulator>>,
    switch: Arc<CrashSwitch>,
    files: Arc<SimulatedFiles>,
    ledger: SqliteLedger,
    window: MemoryWindow,
    layout: Layout,
    picture: String,
    named: FilesByDigest,
    scenes: Vec<Scene>,
    weather: Weather,
    policy: Policy,
    deleted: BTreeSet<PathBuf>,
    log: Vec<String>,
}

fn rule(matches: Value, does: Value) -> Value {
    json!({"match": matches, "do": does})
}

/// A few of many ways to misbehave, each with its own chance.
fn script(dice: &mut Dice) -> Script {
    let all = [
        rule(json!({"operation": "create", "probability": 0.05}), json!({"fault": "drop_before"})),
        rule(json!({"operation": "create", "probability": 0.05}), json!({"fault": "drop_after"})),
        rule(
            json!({"operation": "create", "probability": 0.4, "times": 6}),
            json!({"fault": "code", "code": 429, "msg": "slow down"}),
        ),
        rule(
            json!({"operation": "create", "probability": 0.3, "times": 4}),
            json!({"fault": "code", "code": 455, "msg": "maintenance"}),
        ),
        rule(
            json!({"operation": "create", "probability": 0.2, "times": 5}),
            json!({"fault": "http_status", "status": 429}),
        ),
        rule(
            json!({"operation": "create", "probability": 0.05}),
            json!({"fault": "http_status", "status": 502, "accepted": true}),
        ),
        rule(
            json!({"operation": "create", "probability": 0.05}),
            json!({"fault": "code", "code": 500, "msg": "oops"}),
        ),
        rule(json!({"operation": "create", "probability": 0.05}), json!({"fault": "broken_json"})),
        rule(json!({"operation": "create", "probability": 0.05}), json!({"fault": "cut_json"})),
        rule(json!({"operation": "create", "probability": 0.05}), json!({"fault": "wrong_types"})),
        rule(json!({"operation": "create", "probability": 0.05}), json!({"fault": "html_200"})),
        rule(
            json!({"operation": "create", "probability": 0.1}),
            json!({"fault": "duplicate_answer"}),
        ),
        rule(json!({"operation": "create", "probability": 0.05}), json!({"fault": "redirect"})),
        rule(
            json!({"operation": "create", "probability": 0.05}),
            json!({"fault": "code", "code": 422, "msg": "bad parameter"}),
        ),
        rule(
            json!({"operation": "create", "probability": 0.05}),
            json!({"fault": "stall", "ms": 90000}),
        ),
        rule(
            json!({"operation": "create", "probability": 0.2}),
            json!({"fault": "slow", "ms": 4000}),
        ),
        rule(
            json!({"operation": "read", "probability": 0.2}),
            json!({"fault": "http_status", "status": 503}),
        ),
        rule(
            json!({"operation": "read", "probability": 0.2}),
            json!({"fault": "code", "code": 500, "msg": "oops"}),
        ),
        rule(json!({"operation": "read", "probability": 0.2}), json!({"fault": "broken_json"})),
        rule(json!({"operation": "read", "probability": 0.2}), json!({"fault": "drop_after"})),
        rule(json!({"operation": "veo-1080p", "probability": 0.3}), json!({"fault": "drop_after"})),
        rule(json!({"operation": "veo-4k", "probability": 0.3}), json!({"fault": "broken_json"})),
        rule(json!({"operation": "file", "probability": 0.3}), json!({"fault": "cut_body"})),
        rule(json!({"operation": "file", "probability": 0.3}), json!({"fault": "wrong_length"})),
        rule(
            json!({"operation": "file", "probability": 0.2}),
            json!({"fault": "gone", "status": 403}),
        ),
        rule(
            json!({"operation": "file", "probability": 0.2}),
            json!({"fault": "wrong_content", "content": "html"}),
        ),
        rule(
            json!({"operation": "file", "probability": 0.2}),
            json!({"fault": "wrong_content", "content": "empty"}),
        ),
        rule(
            json!({"operation": "download-url", "probability": 0.3}),
            json!({"fault": "code", "code": 500, "msg": "oops"}),
        ),
        rule(
            json!({"operation": "upload-stream", "probability": 0.3}),
            json!({"fault": "code", "code": 500, "msg": "oops"}),
        ),
        rule(
            json!({"operation": "upload-stream", "probability": 0.2}),
            json!({"fault": "drop_after"}),
        ),
        rule(
            json!({"operation": "create", "probability": 0.2}),
            json!({"fault": "fail", "code": 500, "message": "internal error, please try again later"}),
        ),
        rule(
            json!({"operation": "create", "probability": 0.1}),
            json!({"fault": "fail", "code": 400, "message": "Your prompt was flagged by Website as violating content policies."}),
        ),
        rule(json!({"operation": "create", "probability": 0.05}), json!({"fault": "stuck"})),
        rule(
            json!({"operation": "create", "probability": 0.2}),
            json!({"fault": "success_without_url", "reads": 2}),
        ),
        rule(
            json!({"operation": "create", "probability": 0.05}),
            json!({"fault": "success_without_url"}),
        ),
        rule(
            json!({"operation": "create", "probability": 0.3}),
            json!({"fault": "invisible", "ms": 20000}),
        ),
        rule(
            json!({"operation": "create", "probability": 0.2}),
            json!({"fault": "slow_task", "ms": 60000}),
        ),
        rule(json!({"operation": "create", "probability": 0.1}), json!({"fault": "upgrade_fails"})),
    ];
    let rules: Vec<Value> = all.into_iter().filter(|_| dice.chance(15)).collect();
    Script::parse(&json!({"rules": rules}).to_string(), "json").expect("the rules are well formed")
}

fn scenes(dice: &mut Dice) -> Vec<Scene> {
    let count = 1 + dice.below(5);
    (1..=count)
        .map(|number| {
            let mut steps =
                vec![if dice.chance(25) { Kind::GenerateFromPicture } else { Kind::Generate }];
            if dice.chance(40) {
                steps.push(Kind::Extend);
            }
            if dice.chance(20) {
                steps.push(Kind::Restyle);
            } else if dice.chance(25) {
                steps.push(if dice.chance(50) { Kind::FullHd } else { Kind::FourK });
            }
            let after = if number > 1 && dice.chance(15) {
                vec![(number - 1).to_string()]
            } else {
                Vec::new()
            };
            Scene { number, version: 1, steps, after }
        })
        .collect()
}

impl Machine {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let clock = SimulatedClock::new(seed);
        let options = Options {
            seed,
            credits: Credits::whole(if dice.chance(10) { 200 } else { 100_000 }),
            submissions: Rate { limit: SUBMISSIONS, window_ms: WINDOW_MS },
            times: Times::all(i64::try_from(dice.below(40_000)).unwrap_or(0)),
            script: script(&mut dice),
            clips: Arc::new(SimulatedClips),
            processing_code: if dice.chance(50) { 400 } else { 422 },
            ..Options::default()
        };
        let switch = CrashSwitch::new();
        let files = Arc::new(SimulatedFiles::new(Arc::clone(&switch)));
        let root = Path::new("/film");
        let picture_path = root.join("refs/ada.png");
        let picture_bytes = b"\x89PNG\r\n\x1a\n not much of a picture";
        files.put(&picture_path, picture_bytes);
        let picture = simulated_digest(picture_bytes);
        let scenes = scenes(&mut dice);
        let weather = Weather {
            unreachable: if dice.chance(30) { 0.1 } else { 0.0 },
            lost_answer: if dice.chance(30) { 0.1 } else { 0.0 },
            arrives_after_death: 0.5,
        };
        let policy = Policy {
            submissions: WindowLimit {
                count: usize::try_from(SUBMISSIONS).unwrap_or(1),
                length: Duration::from_millis(WINDOW_MS.unsigned_abs()),
            },
            running: 1 + usize::try_from(dice.below(5)).unwrap_or(0),
            downloads: 1 + usize::try_from(dice.below(3)).unwrap_or(0),
            poll_deadline: Some(Duration::from_secs(240)),
            failed_tasks: u32::try_from(dice.below(3)).unwrap_or(1),
            max_credits: dice.chance(40).then(|| 60.0 * f64::from(1 + dice.below(8) as u32)),
            ..Policy::default()
        };
        Self {
            seed,
            clock,
            provider: Arc::new(Mutex::new(Emulator::new(options))),
            files,
            switch,
            ledger: SqliteLedger::open_in_memory().expect("a ledger in memory"),
            window: MemoryWindow::default(),
            layout: Layout::new(root, "public"),
            named: BTreeMap::from([(picture.clone(), picture_path)]),
            picture,
            scenes,
            weather,
            policy,
            dice,
            deleted: BTreeSet::new(),
            log: Vec::new(),
        }
    }

    fn note(&mut self, line: String) {
        self.log.push(format!("{:>9} {line}", self.clock.now_ms() - 1_790_000_000_000));
    }

    fn charged(&self) -> f64 {
        self.provider.lock().unwrap_or_else(PoisonError::into_inner).bill().charged
    }

    /// One process, from its start to its end or its death. `None` when it died.
    fn process(&mut self, dies_after: Option<u64>, quiet: bool) -> Option<Summary> {
        self.switch.crash_after(dies_after);
        let mut policy = self.policy.clone();
        if !quiet && self.dice.chance(10) {
            policy.run_for = Some(Duration::from_secs(1 + self.dice.below(90)));
        }
        policy.submit_only = !quiet && self.dice.chance(10);
        let interrupt = (!quiet && self.dice.chance(15))
            .then(|| Duration::from_millis(self.dice.below(60_000)));
        if !quiet && self.dice.chance(8) {
            let place = if self.dice.chance(50) {
                self.layout.assets_root.clone()
            } else {
                self.layout.private.clone()
            };
            self.note(format!("the disk fills up below {}", place.display()));
            self.files.set_fault(&place, Fault::DiskFull);
        }
        let before = self.charged();
        let cap = policy.max_credits;
        let catalog = Catalog::built_in().expect("the built-in catalogue");
        let transport = SimulatedTransport::new(
            self.clock.clone(),
            Arc::clone(&self.provider),
            Arc::clone(&self.files),
            Arc::clone(&self.switch),
            self.weather,
        );
        let mut events: Vec<Stamped> = Vec::new();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let mut ledger = WatchedLedger::new(&mut self.ledger, self.switch.clone());
            let now = self.clock.now_ms();
            storyreel::ledger::Ledger::recover(&mut ledger, now).expect("the ledger works");
            Publisher::new(self.files.as_ref(), &self.layout)
                .recover(&mut ledger, now)
                .map_err(|error| error.to_string())?;
            let takes =
                storyreel::ledger::Ledger::snapshot(&mut ledger).expect("the ledger works").takes;
            let (mut work, collect) = plan(&self.scenes, &takes, &self.picture);
            work.extend(missing(&self.scenes, &takes, &self.files, &self.layout));
            let clock = self.clock.clone();
            let stop = async {
                match interrupt {
                    Some(wait) => self.clock.sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            let summary = clock
                .run(run(
                    World {
                        clock: &clock,
                        transport: &transport,
                        ledger: &mut ledger,
                        files: self.files.as_ref(),
                        window: &mut self.window,
                    },
                    Order {
                        catalog: &catalog,
                        api_base: "https://kie.test",
                        upload_base: "https://upload.kie.test",
                        layout: &self.layout,
                        policy: &policy,
                        work,
                        collect,
                        files: self.named.clone(),
                        summary: Summary::default(),
                    },
                    |event| events.push(event),
                    stop,
                ))
                .expect("a run ends")
                .expect("the ledger works");
            Ok::<_, String>(summary)
        }));
        self.switch.crash_after(None);
        self.files.clear_faults();
        for event in events {
            let scene = event
                .about
                .map(|about| format!("{} {:?} take {:?}", about.scene_id, about.step, about.take));
            self.log.push(format!(
                "{:>9} {} {:?}",
                event.time_ms - 1_790_000_000_000,
                scene.unwrap_or_default(),
                event.event
            ));
            if let Event::Error { code, .. } = &event.event {
                assert!(
                    ["credits", "network", "disk"].contains(&code.as_str()),
                    "seed {}: {:?}",
                    self.seed,
                    event.event
                );
            }
        }
        if let Some(cap) = cap {
            // What was still in flight from earlier processes was charged when it was submitted.
            let spent = self.charged() - before;
            assert!(spent <= cap + 1e-6, "spent {spent} of {cap}");
        }
        match outcome {
            Ok(Ok(summary)) => Some(summary),
            Ok(Err(error)) => {
                self.note(format!("publications cannot be finished: {error}"));
                assert!(!quiet, "{error}");
                Some(Summary { stopped_by: Some("disk".into()), ..Summary::default() })
            }
            Err(panic) if panic.is::<SimulatedCrash>() => {
                self.note("the process dies".into());
                let down = [Down::Killed, Down::PowerCut, Down::PowerCutAfterNames];
                let down = down[usize::try_from(self.dice.below(3)).unwrap_or(0)];
                self.note(format!("{down:?}"));
                self.files.restart(down);
                self.window.disown();
                self.clock.pass(Duration::from_millis(self.dice.below(15_000)));
                None
            }
            Err(panic) => resume_unwind(panic),
        }
    }

    fn somebody_deletes_a_clip(&mut self) {
        let clips = self.layout.assets_root.join("assets/clips");
        let all: Vec<_> = self
            .files
            .paths()
            .into_iter()
            .filter(|path| {
                path.parent() == Some(&clips) && path.extension().is_some_and(|end| end == "mp4")
            })
            .collect();
        if let Some(path) = all.first() {
            self.note(format!("somebody deletes {}", path.display()));
            self.files.delete(path);
            self.deleted.insert(path.clone());
        }
    }

    fn takes(&mut self) -> Vec<Take> {
        self.ledger.snapshot().expect("the ledger works").takes
    }
}

/// Restores of published clips whose file somebody has deleted.
fn missing(scenes: &[Scene], takes: &[Take], files: &SimulatedFiles, layout: &Layout) -> Vec<Work> {
    let mut work = Vec::new();
    for scene in scenes {
        let filename = format!("assets/clips/scene-{:02}.mp4", scene.number);
        let slot = scene.slot();
        let current = takes.iter().rfind(|take| {
            take.slot == slot && take.state == TakeState::Published && take.ask == scene.ask()
        });
        let last = current.and_then(|take| {
            take.attempts.iter().rfind(|attempt| attempt.state == AttemptState::Downloaded)
        });
        let Some(last) = last else { continue };
        if files.get(&layout.assets_root.join(&filename)).is_some() {
            continue;
        }
        let sha256 = last.clip.clone().unwrap_or_default();
        let mut sources = vec![ClipSource::Cache];
        sources.extend(last.task_id.clone().map(|task_id| ClipSource::Provider {
            provider: "kie".into(),
            family: last.intent.family.clone(),
            operation: last.intent.operation.clone(),
            task_id,
        }));
        work.push(Work::Restore(RestoreWork {
            slot,
            clip: ClipRef {
                sha256,
                task_id: last.task_id.clone(),
                credits: None,
                created_at: None,
            },
            sources,
            entry: None,
            restored_from: None,
            supersedes: None,
            filename,
        }));
    }
    work
}

/// Derives the work from scenes and ledger, as a small planner of its own.
pub(crate) fn plan(scenes: &[Scene], takes: &[Take], picture: &str) -> (Vec<Work>, Vec<Take>) {
    let mut work = Vec::new();
    let mut collect: Vec<Take> = Vec::new();
    let unknown = |attempt: &Attempt| attempt.state == AttemptState::Unknown;
    for scene in scenes {
        let slot = scene.slot();
        let own: Vec<&Take> = takes.iter().filter(|take| take.slot == slot).collect();
        let ask = scene.ask();
        let open = own.iter().find(|take| take.state == TakeState::Open && take.ask == ask);
        collect.extend(
            own.iter()
                .filter(|take| take.state == TakeState::Open && take.ask != ask)
                .map(|take| (*take).clone()),
        );
        let published =
            own.iter().any(|take| take.state == TakeState::Published && take.ask == ask);
        if published || own.iter().any(|take| take.attempts.iter().any(unknown)) {
            continue;
        }
        let mut steps = scene.steps(picture);
        let mut refused = false;
        if let Some(open) = open {
            for (at, step) in steps.iter_mut().enumerate() {
                let last = open.attempts.iter().rfind(|attempt| {
                    attempt.intent.step == at && attempt.state != AttemptState::Forgotten
                });
                let Some(last) = last else { continue };
                step.start = match last.state {
                    AttemptState::Downloaded => StepStart::Done(ClipRef {
                        sha256: last.clip.clone().expect("a downloaded attempt has a clip"),
                        task_id: last.task_id.clone().or_else(|| {
                            Some(last.intent.bound.get("taskId")?.as_str()?.to_owned())
                        }),
                        credits: last.charged.or(last.intent.reserved),
                        created_at: None,
                    }),
                    AttemptState::Submitted | AttemptState::Finished | AttemptState::Intent => {
                        StepStart::Resume(last.id)
                    }
                    _ => {
                        refused |= last
                            .failure
                            .as_ref()
                            .is_some_and(|failure| !failure.class.may_repeat());
                        StepStart::Fresh
                    }
                };
            }
        }
        if refused {
            continue;
        }
        let number = own.iter().map(|take| take.number).max().unwrap_or(0);
        work.push(Work::Render(RenderWork {
            slot,
            take: open.map_or(number + 1, |take| take.number),
            open_take: open.map(|take| take.id),
            ask,
            entry: EntryDraft {
                scene_id: SceneId::Number(scene.number),
                filename: format!("assets/clips/scene-{:02}.mp4", scene.number),
                fields: json!({"id": null, "type": "video", "prompt": "p", "model": "Veo 3.1 Fast",
                    "parameters": {}})
                .as_object()
                .cloned()
                .unwrap_or_default(),
                steps: steps
                    .iter()
                    .map(|step| Map::from_iter([("step".to_owned(), json!(step.kind.name()))]))
                    .collect(),
            },
            steps,
            after: scene.after.clone(),
        }));
    }
    (work, collect)
}

/// Runs one seed to its end and judges it; `aloud` prints what happened also when it fails.
fn simulate(seed: u64, aloud: bool) -> Machine {
    let mut machine = Machine::new(seed);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let deaths = machine.dice.below(12);
        for _ in 0..deaths {
            let after = machine.dice.below(160);
            machine.process(Some(after), false);
            if machine.dice.chance(10) {
                let at =
                    usize::try_from(machine.dice.below(machine.scenes.len() as u64)).unwrap_or(0);
                machine.scenes[at].version += 1;
                machine.note(format!("the author edits scene {}", machine.scenes[at].number));
            }
            if machine.dice.chance(10) {
                machine.somebody_deletes_a_clip();
            }
        }
        let mut last = Summary::default();
        for round in 0..6 {
            last = machine.process(None, round > 1).expect("nothing kills this process");
            machine.note(format!("{last:?}"));
            machine.clock.pass(Duration::from_secs(30));
        }
        judge(&mut machine, &last);
    }));
    if let Err(panic) = outcome {
        if aloud {
            let bill = machine.provider.lock().unwrap_or_else(PoisonError::into_inner).bill();
            for create in &bill.creates {
                println!(
                    "{:>9} {} {:?} {} {} {:?} lost {} {:?}",
                    create.time_ms - 1_790_000_000_000,
                    create.body["prompt"],
                    create.task_id,
                    create.code,
                    create.message,
                    create.state,
                    create.answer_lost,
                    create.faults
                );
            }
            println!("{}", machine.log.join("\n"));
        }
        resume_unwind(panic);
    }
    machine
}

fn judge(machine: &mut Machine, last: &Summary) {
    let bill = machine.provider.lock().unwrap_or_else(PoisonError::into_inner).bill();
    let takes = machine.takes();
    let attempts: Vec<&Attempt> = takes.iter().flat_map(|take| &take.attempts).collect();
    // A task whose scene failed for good by the time its links were shown need not be taken.
    let given_up: BTreeSet<String> = attempts
        .iter()
        .filter(|attempt| matches!(attempt.state, AttemptState::Failed | AttemptState::Finished))
        .filter_map(|attempt| attempt.task_id.clone())
        .collect();
    let expected = Expected { left_behind: given_up, running: Some(100), ..Expected::default() };
    // An answer meant for another request can name a task that nobody knows of yet; nothing tells that it is not ours.
    let mixed_up =
        bill.fault_counts.iter().any(|(name, used)| *used > 0 && name.contains("duplicate_answer"));
    // The provider's word for a window that was overrun is a refusal, so a refusal counts as well.
    let violations: Vec<String> = bill
        .judge_with(&expected)
        .into_iter()
        // Where that other task fails, the clip is made anew though its own task runs somewhere.
        .filter(|violation| !(mixed_up && violation.code == "paid-twice"))
        .map(|violation| format!("{}: {}", violation.code, violation.message))
        .collect();
    assert!(violations.is_empty(), "{violations:#?}");
    assert_eq!(bill.submissions.refused, 0, "the submission window was overrun");
    assert!(bill.submissions.most <= SUBMISSIONS);

    let recorded: BTreeSet<&str> =
        attempts.iter().filter_map(|attempt| attempt.task_id.as_deref()).collect();
    let mut unrecorded: BTreeMap<&str, usize> = BTreeMap::new();
    for create in &bill.creates {
        if let Some(task) = &create.task_id
            && !recorded.contains(task.as_str())
        {
            *unrecorded.entry(create.body["prompt"].as_str().unwrap_or_default()).or_default() += 1;
        }
    }
    for (prompt, tasks) in unrecorded.into_iter().filter(|_| !mixed_up) {
        let unknown = attempts
            .iter()
            .filter(|attempt| attempt.intent.bound["prompt"] == prompt)
            .filter(|attempt| attempt.state == AttemptState::Unknown)
            .count();
        assert!(
            tasks <= unknown,
            "{tasks} tasks for `{prompt}` are not on record, {unknown} unknown"
        );
    }
    for take in &takes {
        for (at, attempt) in take.attempts.iter().enumerate() {
            if attempt.state == AttemptState::Unknown {
                let later = &take.attempts[at + 1..];
                assert!(
                    later.iter().all(|other| other.intent.step != attempt.intent.step),
                    "an unknown submission was repeated"
                );
            }
            // An upgrade may wait for credits or a place; whether it was called before is all the same for it.
            let waits = attempt.intent.upgrade
                && (last.stopped_by.is_some() || last.over_budget > 0 || last.unfinished > 0);
            assert!(
                attempt.state != AttemptState::Intent || waits,
                "an intent is left: {attempt:?}"
            );
        }
        assert_ne!(take.state, TakeState::Publishing, "a publication is left half done");
        let waits = takes.iter().filter(|other| other.slot == take.slot).any(|other| {
            other.attempts.iter().any(|attempt| attempt.state == AttemptState::Unknown)
        });
        let held =
            waits || last.stopped_by.is_some() || last.over_budget > 0 || last.unfinished > 0;
        if take.state == TakeState::Open && !held {
            let end =
                take.attempts.iter().rfind(|attempt| attempt.state != AttemptState::Forgotten);
            assert_ne!(
                end.map(|attempt| attempt.state),
                Some(AttemptState::Downloaded),
                "a finished step was not taken further: {take:?}"
            );
        }
    }
    // Whatever was published lies where the manifest says, with the content that was paid for.
    let manifest = machine.files.get(&machine.layout.manifest());
    let published = takes.iter().filter(|take| take.state == TakeState::Published).count();
    if published > 0 {
        let manifest: Value =
            serde_json::from_slice(&manifest.expect("a manifest")).expect("the manifest is JSON");
        let entries = manifest["assets"].as_array().expect("entries");
        assert_eq!(entries.len(), published, "{entries:#?}");
        for entry in entries {
            let path = machine.layout.assets_root.join(entry["filename"].as_str().expect("a name"));
            match machine.files.get(&path) {
                Some(bytes) => {
                    assert_eq!(entry["sha256"], simulated_digest(&bytes), "{}", path.display());
                }
                // What somebody deleted comes back only for the scene as it is now.
                None => {
                    let scene = machine
                        .scenes
                        .iter()
                        .find(|scene| json!(scene.number) == entry["scene_id"]);
                    let now = scene.is_some_and(|scene| {
                        takes.iter().any(|take| {
                            take.slot == scene.slot()
                                && take.state == TakeState::Published
                                && take.ask == scene.ask()
                        })
                    });
                    let current = now && entry.get("superseded_by").is_none() && last.failed == 0;
                    assert!(
                        machine.deleted.contains(&path) && !current,
                        "{} is gone",
                        path.display()
                    );
                }
            }
        }
    }
    assert!(matches!(exit_code(last), 0 | 3 | 4 | 5 | 6 | 8), "no other way to end: {last:?}");
    if attempts.iter().all(|attempt| attempt.failure.is_none()) && last.stopped_by.is_none() {
        assert_eq!(last.failed, 0, "{last:?}");
    }
    let lost = attempts.iter().filter(|attempt| {
        attempt.failure.as_ref().is_some_and(|failure| failure.class == FailureClass::Lost)
    });
    let pointless = bill.fault_counts.iter().any(|(name, used)| {
        let reasons = ["success_without_url", "invisible", "duplicate_answer"];
        *used > 0 && reasons.contains(&name.as_str())
    });
    assert!(pointless || lost.count() == 0, "a task was called lost without a reason");
}

fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !info.payload().is::<SimulatedCrash>() {
                usual(info);
            }
        }));
    });
}

#[test]
fn nothing_is_paid_twice_and_nothing_is_lost_whenever_a_process_dies() {
    quiet_panics();
    if let Some(seed) = std::env::var("STORYREEL_SEED").ok().and_then(|text| text.parse().ok()) {
        let machine = simulate(seed, true);
        println!("{}", machine.log.join("\n"));
        return;
    }
    let seeds: u64 =
        std::env::var("STORYREEL_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    let mut published = 0;
    for seed in 0..seeds {
        let outcome = catch_unwind(|| simulate(seed, false));
        match outcome {
            Ok(mut machine) => {
                published += machine
                    .takes()
                    .iter()
                    .filter(|take| take.state == TakeState::Published)
                    .count();
            }
            Err(panic) => {
                eprintln!("seed {seed} failed; run it alone with STORYREEL_SEED={seed}");
                resume_unwind(panic);
            }
        }
    }
    // A world in which nothing ever works would prove nothing.
    assert!(published as u64 >= seeds, "only {published} clips in {seeds} worlds");
}
