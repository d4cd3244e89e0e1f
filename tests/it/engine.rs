//! Single runs against the provider: what stops them, what they leave for the next one, and how they end.

use crate::simulation::{Kind, Scene, plan};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use storyreel::catalog::Catalog;
use storyreel::emulator::account::Credits;
use storyreel::emulator::bill::Bill;
use storyreel::emulator::faults::Script;
use storyreel::emulator::server::{ServeOptions, start};
use storyreel::emulator::{Emulator, Options, Times};
use storyreel::engine::event::{Event, Stamped, Summary};
use storyreel::engine::policy::Policy;
use storyreel::engine::purse::MemoryPurse;
use storyreel::engine::real::RealClock;
use storyreel::engine::real_files::RealFiles;
use storyreel::engine::window::{Grant, GrantId, MemoryWindow, SharedWindow, Window, WindowLimit};
use storyreel::engine::{Order, World, exit_code, run};
use storyreel::ledger::{AttemptState, Ledger as _, SqliteLedger, Take, TakeState};
use storyreel::plan::{ClipRef, ClipSource, RestoreWork, Work};
use storyreel::ports::Clock as _;
use storyreel::publish::{Layout, Publisher};
use storyreel::remote::http::{Hosts, HttpTransport};
use storyreel::simulation::files::{CrashSwitch, Fault, SimulatedFiles, simulated_digest};
use storyreel::simulation::world::{SimulatedClips, SimulatedClock, SimulatedTransport, Weather};

/// A project and a provider that stay while runs come and go.
struct Stage {
    clock: SimulatedClock,
    provider: Arc<Mutex<Emulator>>,
    switch: Arc<CrashSwitch>,
    files: Arc<SimulatedFiles>,
    ledger: SqliteLedger,
    window: MemoryWindow,
    layout: Layout,
    policy: Policy,
    scenes: Vec<Scene>,
    interrupt: Option<Duration>,
    /// How long the log of submissions takes for each grant.
    log_takes: Duration,
    events: Vec<Stamped>,
}

/// A log of submissions on a slow disk.
struct SlowWindow<'a> {
    window: &'a mut MemoryWindow,
    clock: SimulatedClock,
    takes: Duration,
}

impl Window for SlowWindow<'_> {
    fn grant(&mut self, limit: WindowLimit, now_ms: i64) -> std::io::Result<Grant> {
        let grant = self.window.grant(limit, now_ms);
        self.clock.pass(self.takes);
        grant
    }

    fn close(&mut self, grant: &GrantId, now_ms: i64) -> std::io::Result<()> {
        self.window.close(grant, now_ms)
    }
}

fn scene(number: u64, steps: &[Kind]) -> Scene {
    Scene { number, version: 1, steps: steps.to_vec(), after: Vec::new(), takes: 1 }
}

impl Stage {
    fn new(scenes: Vec<Scene>, rules: Value) -> Self {
        Self::with(scenes, rules, Options::default())
    }

    fn with(scenes: Vec<Scene>, rules: Value, options: Options) -> Self {
        let script = Script::parse(&json!({"rules": rules}).to_string(), "json").unwrap();
        let options = Options {
            script,
            clips: Arc::new(SimulatedClips),
            times: Times::all(12_000),
            ..options
        };
        let switch = CrashSwitch::new();
        Self {
            clock: SimulatedClock::new(1),
            provider: Arc::new(Mutex::new(Emulator::new(options))),
            files: Arc::new(SimulatedFiles::new(Arc::clone(&switch))),
            switch,
            ledger: SqliteLedger::open_in_memory().unwrap(),
            window: MemoryWindow::default(),
            layout: Layout::new(Path::new("/film"), "public"),
            policy: Policy::default(),
            scenes,
            interrupt: None,
            log_takes: Duration::ZERO,
            events: Vec::new(),
        }
    }

    fn run(&mut self) -> Summary {
        self.ledger.recover(self.clock.now_ms()).unwrap();
        let takes = self.takes();
        let (work, collect) = plan(&self.scenes, &takes, "sha256:none");
        self.run_work(work, collect)
    }

    fn run_work(&mut self, work: Vec<Work>, collect: Vec<Take>) -> Summary {
        let catalog = Catalog::built_in().unwrap();
        let transport = SimulatedTransport::new(
            self.clock.clone(),
            Arc::clone(&self.provider),
            Arc::clone(&self.files),
            Arc::clone(&self.switch),
            Weather::default(),
        );
        let clock = self.clock.clone();
        let interrupt = self.interrupt;
        let stop = async {
            match interrupt {
                Some(wait) => clock.sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        self.events.clear();
        let events = &mut self.events;
        let mut window = SlowWindow {
            window: &mut self.window,
            clock: self.clock.clone(),
            takes: self.log_takes,
        };
        self.clock
            .run(run(
                World {
                    clock: &clock,
                    transport: &transport,
                    ledger: &mut self.ledger,
                    files: self.files.as_ref(),
                    window: &mut window,
                    purse: &mut MemoryPurse::default(),
                    shared: None,
                },
                Order {
                    catalog: &catalog,
                    api_base: "https://kie.test",
                    upload_base: "https://upload.kie.test",
                    layout: &self.layout,
                    policy: &self.policy,
                    work,
                    collect,
                    files: BTreeMap::new(),
                    tasks: std::collections::BTreeSet::new(),
                    summary: Summary::default(),
                },
                |event| events.push(event),
                stop,
            ))
            .unwrap()
            .unwrap()
    }

    fn takes(&mut self) -> Vec<Take> {
        self.ledger.snapshot().unwrap().takes
    }

    fn bill(&self) -> Bill {
        self.provider.lock().unwrap_or_else(PoisonError::into_inner).bill()
    }

    /// Tasks that the provider made.
    fn tasks(&self) -> usize {
        self.bill().creates.iter().filter(|create| create.task_id.is_some()).count()
    }

    fn kinds(&self) -> Vec<String> {
        self.events
            .iter()
            .map(|event| {
                let value = serde_json::to_value(&event.event).unwrap();
                value["event"].as_str().unwrap().to_owned()
            })
            .filter(|kind| kind != "waiting")
            .collect()
    }

    fn clip(&self, number: u64) -> Option<Vec<u8>> {
        self.files.get(&self.layout.assets_root.join(format!("assets/clips/scene-{number:02}.mp4")))
    }
}

#[test]
fn a_chain_is_rendered_step_by_step_and_a_second_run_has_nothing_to_do() {
    let mut stage = Stage::new(
        vec![scene(1, &[Kind::Generate, Kind::Extend]), scene(2, &[Kind::Generate, Kind::FullHd])],
        json!([]),
    );
    let summary = stage.run();
    assert_eq!((summary.rendered, summary.credits, summary.estimate), (2, 185.0, 185.0));
    assert_eq!(exit_code(&summary), 0);
    assert_eq!(stage.bill().judge(), []);
    assert!(stage.clip(1).is_some() && stage.clip(2).is_some());
    assert_eq!(stage.kinds().iter().filter(|kind| *kind == "published").count(), 2);
    let before = stage.bill();
    let summary = stage.run();
    assert_eq!((summary.rendered, summary.credits), (0, 0.0));
    assert_eq!(stage.bill(), before);
}

#[test]
fn an_unknown_submission_is_never_repeated_and_the_rest_goes_on() {
    let mut stage = Stage::new(
        vec![scene(1, &[Kind::Generate]), scene(2, &[Kind::Generate])],
        json!([{"match": {"operation": "create", "prompt": "scene 1"}, "do": {"fault": "drop_after"}}]),
    );
    let summary = stage.run();
    assert_eq!((summary.unknown, summary.rendered), (1, 1));
    assert_eq!(exit_code(&summary), 5);
    assert!(stage.kinds().contains(&"unknown".to_owned()));
    assert_eq!(stage.tasks(), 2);
    stage.run();
    assert_eq!(stage.tasks(), 2);
}

#[test]
fn too_few_credits_stop_submitting_and_what_runs_is_collected() {
    let options = Options { credits: Credits::whole(130), ..Options::default() };
    let scenes = (1..=4).map(|number| scene(number, &[Kind::Generate])).collect();
    let mut stage = Stage::with(scenes, json!([]), options);
    stage.policy.running = 3;
    let summary = stage.run();
    assert_eq!((summary.rendered, summary.over_budget), (2, 2), "{summary:?}");
    assert_eq!(summary.stopped_by.as_deref(), Some("credits"));
    assert_eq!(exit_code(&summary), 6);
    // After a top-up the same scenes go on by themselves.
    let request = storyreel::emulator::Request::new("POST", "/emulator/credits")
        .with_json(&json!({"credits": 1000}));
    let now = stage.clock.now_ms();
    stage.provider.lock().unwrap().handle(now, &request);
    assert_eq!(exit_code(&stage.run()), 0);
    assert_eq!(stage.tasks(), 4);
}

#[test]
fn a_refused_key_ends_the_run_before_anything_is_made() {
    let options = Options { keys: vec!["another-key".into()], ..Options::default() };
    let scenes = (1..=3).map(|number| scene(number, &[Kind::Generate])).collect();
    let mut stage = Stage::with(scenes, json!([]), options);
    stage.policy.running = 1;
    let summary = stage.run();
    assert_eq!(summary.stopped_by.as_deref(), Some("key-refused"));
    assert_eq!(exit_code(&summary), 3);
    assert_eq!((stage.tasks(), stage.bill().unauthorized), (0, 1));
}

#[test]
fn a_task_that_was_never_seen_is_unknown_and_not_lost() {
    let mut stage = Stage::new(
        vec![scene(1, &[Kind::Generate])],
        json!([{"match": {"operation": "create"}, "do": {"fault": "invisible", "ms": 864_000_000}}]),
    );
    let summary = stage.run();
    assert_eq!((exit_code(&summary), summary.unknown), (5, 1), "{summary:?}");
    assert_eq!(exit_code(&stage.run()), 0, "the small planner leaves an unknown one alone");
    assert_eq!(stage.tasks(), 1);
}

#[test]
fn a_clip_that_the_provider_has_deleted_is_lost_and_not_asked_for_for_ever() {
    let mut stage = Stage::new(
        vec![scene(1, &[Kind::Generate])],
        json!([{"match": {"operation": "file", "times": 50}, "do": {"fault": "cut_body"}}]),
    );
    assert_eq!(exit_code(&stage.run()), 4, "it stays on record");
    stage.clock.pass(Duration::from_secs(15 * 86_400));
    let summary = stage.run();
    assert_eq!(exit_code(&summary), 4);
    let failure = stage.takes()[0].attempts[0].failure.clone().expect("a reason");
    assert_eq!(failure.message, "the provider has deleted the clip");
    assert_eq!((stage.tasks(), exit_code(&stage.run())), (1, 0), "nobody asks for it again");
}

#[test]
fn a_budget_blocks_what_is_dear_and_lets_what_is_cheap_go_on() {
    let mut stage = Stage::new(
        vec![scene(1, &[Kind::Generate, Kind::FourK]), scene(2, &[Kind::Generate, Kind::FullHd])],
        json!([]),
    );
    stage.policy.max_credits = Some(130.0);
    let summary = stage.run();
    assert_eq!((summary.rendered, summary.over_budget), (1, 1));
    // 180 credits are too much for the first, so nothing of it is begun.
    assert_eq!((summary.credits, exit_code(&summary)), (65.0, 6));
    assert!(stage.clip(1).is_none() && stage.clip(2).is_some());
    assert_eq!(stage.tasks(), 1);
    stage.policy.max_credits = None;
    assert_eq!(stage.run().credits, 180.0);
    assert_eq!(stage.bill().judge(), []);
}

#[test]
fn a_step_of_unknown_price_is_blocked_only_by_a_budget() {
    let mut stage = Stage::new(vec![scene(1, &[Kind::Generate])], json!([]));
    let unpriced = |stage: &mut Stage| {
        let takes = stage.takes();
        let (mut work, collect) = plan(&stage.scenes, &takes, "");
        if let Work::Render(render) = &mut work[0] {
            render.steps[0].credits = None;
        }
        stage.run_work(work, collect)
    };
    stage.policy.max_credits = Some(1000.0);
    let summary = unpriced(&mut stage);
    assert_eq!((exit_code(&summary), stage.tasks()), (6, 0));
    let blocked = stage.events.iter().any(
        |event| matches!(&event.event, Event::Blocked { reason, .. } if reason == "price-unknown"),
    );
    assert!(blocked);
    stage.policy.max_credits = None;
    assert_eq!(exit_code(&unpriced(&mut stage)), 0);
}

#[test]
fn submit_only_leaves_the_collecting_to_a_later_run() {
    let mut stage = Stage::new(
        vec![scene(1, &[Kind::Generate, Kind::Extend]), scene(2, &[Kind::Generate])],
        json!([]),
    );
    stage.policy.submit_only = true;
    let summary = stage.run();
    assert_eq!((summary.still_running, exit_code(&summary)), (2, 8));
    assert_eq!(stage.bill().requests.keys().filter(|path| path.contains("record")).count(), 0);
    stage.clock.pass(Duration::from_secs(60));
    // The next one collects what is finished, and submits the step after it.
    let summary = stage.run();
    assert_eq!((summary.rendered, summary.still_running), (1, 1));
    stage.policy.submit_only = false;
    assert_eq!(exit_code(&stage.run()), 0);
    assert_eq!(stage.bill().judge(), []);
    assert_eq!(stage.tasks(), 3);
}

#[test]
fn tasks_that_are_left_at_the_provider_keep_their_places() {
    let scenes: Vec<Scene> = (1..=5).map(|number| scene(number, &[Kind::Generate])).collect();
    let mut stage = Stage::new(scenes.clone(), json!([]));
    stage.policy.submit_only = true;
    stage.policy.running = 2;
    let summary = stage.run();
    assert_eq!((stage.tasks(), summary.still_running, summary.unfinished), (2, 2, 3));
    assert_eq!(exit_code(&summary), 8);

    let stuck = json!([{"match": {"operation": "create"}, "do": {"fault": "stuck"}}]);
    let mut stage = Stage::new(scenes, stuck);
    stage.policy.running = 2;
    stage.policy.poll_deadline = Some(Duration::from_secs(60));
    let summary = stage.run();
    assert_eq!((stage.tasks(), summary.still_running, summary.unfinished), (2, 2, 3));
}

#[test]
fn a_task_in_flight_is_collected_whatever_its_scene_waits_for() {
    let mut first = scene(1, &[Kind::Generate]);
    let fails = json!([{"match": {"operation": "create", "prompt": "scene 2"},
        "do": {"fault": "code", "code": 422, "msg": "bad"}}]);
    let mut stage = Stage::new(vec![first.clone()], fails);
    stage.policy.submit_only = true;
    stage.run();
    stage.policy.submit_only = false;
    first.after = vec!["2".into()];
    stage.scenes = vec![first, scene(2, &[Kind::Generate])];
    let summary = stage.run();
    assert_eq!((summary.rendered, summary.failed), (1, 1));
}

#[test]
fn an_interrupt_waits_for_answers_and_leaves_the_tasks_on_record() {
    let scenes = (1..=3).map(|number| scene(number, &[Kind::Generate])).collect();
    let mut stage = Stage::new(scenes, json!([]));
    // The balance is known by then, and the creates are on their way.
    stage.interrupt = Some(Duration::from_millis(800));
    let summary = stage.run();
    assert_eq!((exit_code(&summary), summary.unknown), (130, 0), "{summary:?}");
    assert_eq!(summary.still_running, 3);
    stage.interrupt = None;
    assert_eq!(exit_code(&stage.run()), 0);
    assert_eq!((stage.tasks(), stage.bill().judge()), (3, vec![]));
}

#[test]
fn an_interrupted_run_waits_two_seconds_for_answers_and_no_longer() {
    for (answer_ms, unknown) in [(1_900, 0), (3_100, 1), (90_000, 1)] {
        let scenes = (1..=2).map(|number| scene(number, &[Kind::Generate])).collect();
        let slow = json!({"operation": "create", "prompt": "scene 1", "times": 1});
        let mut stage =
            Stage::new(scenes, json!([{"match": slow, "do": {"fault": "slow", "ms": answer_ms}}]));
        // By then the creates are on their way.
        stage.interrupt = Some(Duration::from_millis(1_000));
        let began = stage.clock.now_ms();
        let summary = stage.run();
        let took = stage.clock.now_ms() - began;
        assert!(took <= 3_000, "left after {took} ms");
        assert_eq!((exit_code(&summary), summary.unknown), (130, unknown), "{answer_ms}");
        assert_eq!(summary.still_running, 2 - unknown);
        stage.interrupt = None;
        let summary = stage.run();
        assert_eq!(summary.rendered, 2 - unknown, "{answer_ms} {summary:?}");
        assert_eq!(stage.tasks(), 2, "what is unknown is not repeated");
    }
}

#[test]
fn a_place_that_becomes_free_while_others_are_asked_for_is_not_missed() {
    let scenes = (1..=3).map(|number| scene(number, &[Kind::Generate])).collect();
    let mut stage = Stage::new(scenes, json!([]));
    stage.policy.submissions = WindowLimit { count: 1, length: Duration::from_millis(100) };
    stage.log_takes = Duration::from_millis(300);
    let began = stage.clock.now_ms();
    assert_eq!(stage.run().rendered, 3);
    let took = stage.clock.now_ms() - began;
    assert!(took < 30_000, "{took} ms for tasks of 12 s");
}

#[test]
fn a_deadline_of_the_run_or_of_a_task_is_not_a_failure() {
    let mut stage = Stage::new(
        vec![scene(1, &[Kind::Generate]), scene(2, &[Kind::Generate])],
        json!([{"match": {"operation": "create", "prompt": "scene 1"}, "do": {"fault": "stuck"}}]),
    );
    stage.policy.run_for = Some(Duration::from_secs(3));
    let summary = stage.run();
    assert_eq!((summary.still_running, exit_code(&summary)), (2, 8));
    stage.policy.run_for = None;
    stage.policy.poll_deadline = Some(Duration::from_secs(120));
    let began = stage.clock.now_ms();
    let summary = stage.run();
    assert_eq!((summary.rendered, summary.still_running, exit_code(&summary)), (1, 1, 8));
    let took = stage.clock.now_ms() - began;
    assert!((120_000..130_000).contains(&took), "{took}");
    assert_eq!(stage.tasks(), 2);
}

#[test]
fn passing_faults_are_tried_again_and_moderation_is_not() {
    let failing = |code: i64, message: &str| json!([{"match": {"operation": "create"}, "do": {"fault": "fail", "code": code, "message": message}}]);
    let mut stage = Stage::new(
        vec![scene(1, &[Kind::Generate])],
        failing(500, "internal error, please try again later"),
    );
    stage.policy.failed_tasks = 2;
    stage.policy.max_credits = Some(60.0);
    let summary = stage.run();
    assert_eq!((stage.tasks(), summary.failed, exit_code(&summary)), (3, 1, 4));
    assert_eq!(summary.credits, 0.0);

    let mut stage = Stage::new(
        vec![scene(1, &[Kind::Generate])],
        failing(400, "Your prompt was flagged by Website as violating content policies."),
    );
    assert_eq!(exit_code(&stage.run()), 4);
    assert_eq!(stage.tasks(), 1);
    assert_eq!(exit_code(&stage.run()), 0, "nothing is tried without an edit");
    assert_eq!(stage.tasks(), 1);
}

#[test]
fn refusals_that_pass_are_tried_again_and_leave_no_intent() {
    let mut stage = Stage::new(
        vec![scene(1, &[Kind::Generate])],
        json!([{"match": {"operation": "create", "times": 3}, "do": {"fault": "code", "code": 455, "msg": "maintenance\u{1b}[2J"}}]),
    );
    assert_eq!(exit_code(&stage.run()), 0);
    let states: Vec<AttemptState> =
        stage.takes()[0].attempts.iter().map(|attempt| attempt.state).collect();
    use AttemptState::{Downloaded, Forgotten};
    assert_eq!(states, [Forgotten, Forgotten, Forgotten, Downloaded]);
    let words: Vec<String> =
        stage.events.iter().map(|event| format!("{:?}", event.event)).collect();
    assert!(words.iter().all(|line| !line.contains("u{1b}")), "{words:#?}");
}

#[test]
fn a_dead_link_is_replaced_and_a_cut_download_repeated() {
    let mut stage = Stage::new(
        vec![scene(1, &[Kind::Generate]), scene(2, &[Kind::Generate])],
        json!([
            {"match": {"operation": "file", "prompt": "scene 1", "calls": [1]}, "do": {"fault": "cut_body"}},
            {"match": {"operation": "file", "prompt": "scene 2"}, "do": {"fault": "gone", "status": 410}},
        ]),
    );
    let summary = stage.run();
    assert_eq!((summary.rendered, exit_code(&summary)), (2, 0));
    assert_eq!(stage.bill().judge(), []);
    assert_eq!(stage.bill().requests.get("POST /api/v1/common/download-url"), Some(&1));
}

#[test]
fn a_clip_that_cannot_be_fetched_stays_on_record_for_the_next_run() {
    let mut stage = Stage::new(
        vec![scene(1, &[Kind::Generate])],
        json!([{"match": {"operation": "file", "times": 20}, "do": {"fault": "wrong_content", "content": "html"}}]),
    );
    stage.policy.backoff.tries = 4;
    let summary = stage.run();
    assert_eq!((summary.failed, exit_code(&summary)), (1, 4));
    assert_eq!(stage.takes()[0].attempts[0].state, AttemptState::Finished);
    for _ in 0..4 {
        stage.run();
    }
    assert_eq!((stage.tasks(), stage.bill().judge()), (1, vec![]));
    assert!(stage.clip(1).is_some());
}

#[test]
fn a_full_disk_stops_the_run_and_costs_nothing_more() {
    let mut stage = Stage::new(vec![scene(1, &[Kind::Generate])], json!([]));
    stage.files.set_fault(&stage.layout.assets_root.clone(), Fault::DiskFull);
    let summary = stage.run();
    assert_eq!(summary.stopped_by.as_deref(), Some("disk"));
    assert_eq!(exit_code(&summary), 3);
    stage.files.clear_faults();
    Publisher::new(stage.files.as_ref(), &stage.layout)
        .recover(&mut stage.ledger, stage.clock.now_ms())
        .unwrap();
    let summary = stage.run();
    assert_eq!(exit_code(&summary), 0);
    assert_eq!((stage.tasks(), summary.credits), (1, 0.0));
    assert!(stage.clip(1).is_some());

    let mut stage = Stage::new(vec![scene(1, &[Kind::Generate])], json!([]));
    stage.files.set_fault(&stage.layout.private.clone(), Fault::ReadOnly);
    assert_eq!(stage.run().stopped_by.as_deref(), Some("disk"));
    stage.files.clear_faults();
    assert_eq!(exit_code(&stage.run()), 0);
    assert_eq!(stage.tasks(), 1);
}

#[test]
fn a_scene_waits_for_the_one_it_depends_on() {
    let mut first = scene(1, &[Kind::Generate]);
    first.after = vec!["2".into()];
    let fails = json!([{"match": {"operation": "create", "prompt": "scene 2"},
        "do": {"fault": "code", "code": 422, "msg": "bad"}}]);
    let mut stage = Stage::new(vec![first.clone(), scene(2, &[Kind::Generate])], fails);
    let summary = stage.run();
    assert_eq!((summary.failed, stage.tasks(), exit_code(&summary)), (1, 0, 4));

    let mut stage = Stage::new(vec![first, scene(2, &[Kind::Generate])], json!([]));
    assert_eq!(stage.run().rendered, 2);
    let order: Vec<String> = stage
        .bill()
        .creates
        .iter()
        .map(|create| create.body["prompt"].as_str().unwrap()[..7].to_owned())
        .collect();
    assert_eq!(order, ["scene 2", "scene 1"]);
}

#[test]
fn a_task_of_a_scene_that_was_edited_is_collected_and_kept() {
    let mut stage = Stage::new(vec![scene(1, &[Kind::Generate])], json!([]));
    stage.policy.submit_only = true;
    stage.run();
    stage.policy.submit_only = false;
    stage.scenes[0].version = 2;
    let summary = stage.run();
    assert_eq!((summary.rendered, exit_code(&summary)), (1, 0));
    let takes = stage.takes();
    assert_eq!(takes[0].state, TakeState::Kept);
    assert_eq!(takes[0].attempts[0].state, AttemptState::Downloaded);
    assert_eq!(takes[1].state, TakeState::Published);
    assert_eq!(stage.bill().judge(), []);
}

#[test]
fn a_missing_file_comes_back_from_the_cache_or_from_the_provider() {
    let mut stage = Stage::new(vec![scene(1, &[Kind::Generate])], json!([]));
    stage.run();
    let take = stage.takes().remove(0);
    let attempt = &take.attempts[0];
    let sha256 = attempt.clip.clone().unwrap();
    let filename = "assets/clips/scene-01.mp4";
    let restore = || {
        Work::Restore(RestoreWork {
            slot: take.slot.clone(),
            clip: ClipRef {
                sha256: sha256.clone(),
                task_id: attempt.task_id.clone(),
                credits: Some(60.0),
                created_at: None,
            },
            sources: vec![
                ClipSource::Cache,
                ClipSource::Provider {
                    provider: "kie".into(),
                    family: "veo".into(),
                    operation: "generate".into(),
                    task_id: attempt.task_id.clone().unwrap(),
                },
            ],
            entry: None,
            restored_from: None,
            supersedes: None,
            filename: filename.into(),
        })
    };
    for from in ["cache", "provider"] {
        stage.files.delete(&stage.layout.assets_root.join(filename));
        if from == "provider" {
            stage.files.delete(&stage.layout.cached(&sha256));
        }
        let summary = stage.run_work(vec![restore()], Vec::new());
        assert_eq!((summary.restored, exit_code(&summary), summary.credits), (1, 0, 0.0));
        assert_eq!(simulated_digest(&stage.clip(1).unwrap()), sha256);
        let said = stage.events.iter().find_map(|event| match &event.event {
            Event::Restored { from, .. } => Some(from.clone()),
            _ => None,
        });
        assert_eq!(said.as_deref(), Some(from));
    }
    assert_eq!(stage.tasks(), 1);
}

/// A ledger file whose rows refuse one change of state.
fn refuse(path: &Path, state: &str) {
    rusqlite::Connection::open(path)
        .unwrap()
        .execute_batch(&format!(
            "CREATE TRIGGER refuse BEFORE UPDATE OF state ON attempts WHEN NEW.state = '{state}'
             BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END"
        ))
        .unwrap();
}

#[test]
fn an_accepted_task_that_cannot_be_recorded_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let scenes = (1..=2).map(|number| scene(number, &[Kind::Generate])).collect();
    let mut stage = Stage::new(scenes, json!([]));
    stage.policy.running = 1;
    stage.ledger = SqliteLedger::open(&path).unwrap();
    refuse(&path, "submitted");
    let summary = stage.run();
    assert_eq!(exit_code(&summary), 3);
    let task = stage.bill().creates[0].task_id.clone().unwrap();
    let named = stage.events.iter().any(|event| {
        matches!(&event.event, Event::Error { message, hint, .. }
            if message.contains(&task) && hint.as_ref().is_some_and(|hint| hint.contains("adopt 1")))
    });
    assert!(named, "{:#?}", stage.events);
    assert_eq!(stage.tasks(), 1, "nothing more is sent");
}

#[test]
fn nothing_leaves_that_was_not_recorded_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut stage = Stage::new(vec![scene(1, &[Kind::Generate])], json!([]));
    stage.ledger = SqliteLedger::open(&path).unwrap();
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch(
            "CREATE TRIGGER refuse BEFORE INSERT ON attempts
             BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END",
        )
        .unwrap();
    let summary = stage.run();
    assert_eq!((exit_code(&summary), stage.bill().creates.len()), (3, 0));
}

/// A run over real sockets and a real disk.
async fn real_run(
    folder: &Path,
    api: &str,
    upload: &str,
    scenes: &[Scene],
) -> (Summary, Vec<Stamped>) {
    let root = folder.join("film");
    let picture = root.join("ada.png");
    std::fs::create_dir_all(&root).unwrap();
    std::fs::write(&picture, b"\x89PNG\r\n\x1a\n not much of a picture").unwrap();
    let digest = simulated_digest(&std::fs::read(&picture).unwrap());
    let layout = Layout::new(&root, "public");
    let files = RealFiles::new(&root, |path| {
        storyreel::media::probe_file(path).map_err(|error| error.to_string())
    })
    .unwrap();
    let mut ledger = SqliteLedger::open(&layout.ledger()).unwrap();
    let mut window = SharedWindow::open(&folder.join("state"), "a-key", api).unwrap();
    let transport =
        HttpTransport::new(Hosts::parse(api, upload).unwrap(), "a-key".to_owned().into());
    let clock = RealClock::new();
    let takes = ledger.snapshot().unwrap().takes;
    let (work, collect) = plan(scenes, &takes, &digest);
    let policy = Policy { poll_first: Some(Duration::from_millis(100)), ..Policy::default() };
    let mut events = Vec::new();
    let summary = run(
        World {
            clock: &clock,
            transport: &transport,
            ledger: &mut ledger,
            files: &files,
            window: &mut window,
            purse: &mut MemoryPurse::default(),
            shared: None,
        },
        Order {
            catalog: &Catalog::built_in().unwrap(),
            api_base: api,
            upload_base: upload,
            layout: &layout,
            policy: &policy,
            work,
            collect,
            files: BTreeMap::from([(digest, PathBuf::from(&picture))]),
            tasks: std::collections::BTreeSet::new(),
            summary: Summary::default(),
        },
        |event| events.push(event),
        std::future::pending(),
    )
    .await
    .unwrap();
    (summary, events)
}

#[tokio::test]
async fn a_run_over_real_sockets_leaves_a_clean_bill() {
    let options = Options { times: Times::all(0), ..Options::default() };
    let provider = start(ServeOptions {
        options,
        port: 0,
        upload_port: Some(0),
        ready_file: None,
        state_file: None,
        bill_file: None,
    })
    .await
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let scenes = [
        scene(1, &[Kind::GenerateFromPicture, Kind::Extend]),
        scene(2, &[Kind::Generate, Kind::Restyle]),
    ];
    let (summary, events) =
        real_run(folder.path(), provider.base(), provider.upload_base(), &scenes).await;
    assert_eq!(summary.rendered, 2, "{events:#?}");
    let bill = provider.bill();
    assert_eq!(bill.judge(), []);
    assert_eq!(bill.uploads.len(), 2);
    assert!(
        bill.user_agents.keys().all(|agent| agent.contains("storyreel/")),
        "{:?}",
        bill.user_agents
    );
    for number in 1..=2 {
        let clip = folder.path().join(format!("film/public/assets/clips/scene-0{number}.mp4"));
        storyreel::media::probe_file(&clip).unwrap();
    }
    let (summary, _) =
        real_run(folder.path(), provider.base(), provider.upload_base(), &scenes).await;
    assert_eq!(summary.rendered, 0);
    assert_eq!(provider.bill().creates.len(), bill.creates.len());
    provider.stop().await;
}

#[tokio::test]
async fn the_key_goes_to_the_two_hosts_only_and_a_closed_port_is_certainly_not_sent() {
    use storyreel::ports::{Call, CallBody, Purpose, SendError, Transport as _};
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let transport = HttpTransport::new(
        Hosts::parse(&address, "https://upload.example").unwrap(),
        "a-key".to_owned().into(),
    );
    let call = |url: String| Call {
        purpose: Purpose::Create,
        method: "POST".into(),
        url,
        body: CallBody::Json("{}".into()),
        timeout: Duration::from_secs(5),
    };
    let refused = transport.send(call(format!("{address}/x"))).await.unwrap_err();
    assert!(matches!(refused, SendError::NotSent(_)), "{refused:?}");
    for url in
        ["https://upload.example.evil/x", "http://upload.example/x", "https://upload.example:444/x"]
    {
        let refused = transport.send(call(url.into())).await.unwrap_err();
        assert!(matches!(refused, SendError::Never(_)), "{url}: {refused:?}");
    }
    let public = HttpTransport::new(
        Hosts::parse("https://api.example", "https://up.example").unwrap(),
        "k".to_owned().into(),
    );
    for url in ["http://127.0.0.1:9/x", "http://169.254.169.254/latest", "file:///etc/passwd"] {
        let refused =
            public.download(url.into(), Duration::from_secs(5)).await.err().expect("not followed");
        assert!(matches!(refused, SendError::Never(_)), "{url}: {refused:?}");
    }
}
