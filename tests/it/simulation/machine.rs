//! A simulated computer over many lives of the program, its user, and its provider.

use super::faults::script;
use super::film::{Scene, missing, plan, scenes};
use crate::support::Dice;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use storyreel::catalog::Catalog;
use storyreel::emulator::account::{Credits, Rate};
use storyreel::emulator::bill::Bill;
use storyreel::emulator::faults::Script;
use storyreel::emulator::{Emulator, Options, Times};
use storyreel::engine::event::{Event, Stamped, Summary};
use storyreel::engine::policy::Policy;
use storyreel::engine::purse::MemoryPurse;
use storyreel::engine::watched::{WatchedLedger, Watcher};
use storyreel::engine::window::{MemoryWindow, WindowLimit};
use storyreel::engine::{Order, World, run};
use storyreel::ledger::{
    AttemptId, AttemptState, Failure, FailureClass, Ledger as _, SqliteLedger, Take,
};
use storyreel::plan::FilesByDigest;
use storyreel::ports::Clock as _;
use storyreel::publish::{Layout, Publisher};
use storyreel::simulation::files::{
    CrashSwitch, Down, Fault, SimulatedCrash, SimulatedFiles, simulated_digest,
};
use storyreel::simulation::world::{
    SimulatedClips, SimulatedClock, SimulatedTransport, Stuck, Weather,
};

pub(super) const SUBMISSIONS: u32 = 4;
const WINDOW_MS: i64 = 3_000;
const DAY: Duration = Duration::from_secs(86_400);

/// How a life of the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Death {
    /// By itself.
    Natural,
    /// Killed when so many operations of disk, ledger and network have begun.
    AtOperation(u64),
    /// Killed when it has waited so many times: between any two operations, wherever it awaits something.
    AtAwait(u64),
}

/// What is left of a simulated computer and its provider when a process dies.
pub(super) struct Machine {
    pub(super) seed: u64,
    pub(super) dice: Dice,
    pub(super) clock: SimulatedClock,
    pub(super) provider: Arc<Mutex<Emulator>>,
    pub(super) switch: Arc<CrashSwitch>,
    pub(super) files: Arc<SimulatedFiles>,
    pub(super) ledger: SqliteLedger,
    pub(super) window: MemoryWindow,
    pub(super) purse: MemoryPurse,
    pub(super) layout: Layout,
    pub(super) picture: String,
    pub(super) named: FilesByDigest,
    pub(super) scenes: Vec<Scene>,
    pub(super) weather: Weather,
    pub(super) policy: Policy,
    pub(super) deleted: BTreeSet<PathBuf>,
    /// Unknown submissions that the user gave up.
    pub(super) given_up: BTreeSet<AttemptId>,
    /// True once so much time has passed that the provider may have deleted something.
    pub(super) long_absent: bool,
    pub(super) aloud: bool,
    pub(super) log: Vec<String>,
}

impl Machine {
    /// A world that the seed stands for; `aloud` keeps a log of what happens in it.
    pub fn new(seed: u64, aloud: bool) -> Self {
        let mut dice = Dice(seed);
        let script = script(&mut dice);
        let film = scenes(&mut dice);
        Self::with(seed, dice, script, film, aloud)
    }

    /// A world with this film and these faults.
    pub fn with(
        seed: u64,
        mut dice: Dice,
        script: Script,
        scenes: Vec<Scene>,
        aloud: bool,
    ) -> Self {
        let clock = SimulatedClock::new(seed);
        let options = Options {
            seed,
            credits: Credits::whole(if dice.chance(10) { 200 } else { 100_000 }),
            submissions: Rate { limit: SUBMISSIONS, window_ms: WINDOW_MS },
            times: Times::all(i64::try_from(dice.below(40_000)).unwrap_or(0)),
            script,
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
            purse: MemoryPurse::default(),
            layout: Layout::new(root, "public"),
            named: BTreeMap::from([(picture.clone(), picture_path)]),
            picture,
            scenes,
            weather,
            policy,
            dice,
            deleted: BTreeSet::new(),
            given_up: BTreeSet::new(),
            long_absent: false,
            aloud,
            log: Vec::new(),
        }
    }

    pub fn note(&mut self, line: impl FnOnce() -> String) {
        if !self.aloud {
            return;
        }
        let line = line();
        self.log.push(format!("{:>9} {line}", self.clock.now_ms() - 1_790_000_000_000));
    }

    pub fn bill(&self) -> Bill {
        self.provider.lock().unwrap_or_else(PoisonError::into_inner).bill()
    }

    /// One process, from its start to its end or its death. `None` when it died. A `quiet` one has a healthy machine, and
    /// a user who lets it end.
    pub fn process(&mut self, death: Death, quiet: bool) -> Option<Summary> {
        self.switch.crash_after(match death {
            Death::AtOperation(after) => Some(after),
            _ => None,
        });
        let mut policy = self.policy.clone();
        if !quiet && self.dice.chance(10) {
            policy.run_for = Some(Duration::from_secs(1 + self.dice.below(90)));
        }
        policy.submit_only = !quiet && self.dice.chance(10);
        let interrupt = (!quiet && self.dice.chance(15))
            .then(|| Duration::from_millis(self.dice.below(60_000)));
        if !quiet {
            self.something_breaks();
        }
        let before = self.bill().charged;
        let mut events: Vec<Stamped> = Vec::new();
        let outcome =
            catch_unwind(AssertUnwindSafe(|| self.live(&policy, interrupt, death, &mut events)));
        self.switch.disarm();
        self.switch.refuse_ledger_after(None);
        self.files.clear_faults();
        // Whoever has ended, however that was, waits for no answers any more.
        self.window.disown();
        self.look_at(events);
        if let Some(cap) = policy.max_credits {
            let bill = self.bill();
            // What was still in flight from earlier processes was charged when it was submitted. A provider that charges
            // for a failure and does not tell spends what nobody can know of.
            let secret: f64 = bill
                .creates
                .iter()
                .filter(|create| create.faults.iter().any(|fault| fault == "fail"))
                .filter(|create| !create.refunded)
                .map(|create| create.price)
                .sum();
            let spent = bill.charged - before - secret;
            assert!(spent <= cap + 1e-6, "spent {spent} of {cap}");
        }
        match outcome {
            Ok(Ok(Ok(summary))) => Some(summary),
            Ok(Ok(Err(stuck))) => {
                assert_eq!((stuck, matches!(death, Death::AtAwait(_))), (Stuck::Cut, true));
                self.dies();
                None
            }
            Ok(Err(error)) => {
                self.note(|| format!("the run cannot begin: {error}"));
                assert!(!quiet, "{error}");
                Some(Summary { stopped_by: Some("disk".into()), ..Summary::default() })
            }
            Err(panic) if panic.is::<SimulatedCrash>() => {
                self.dies();
                None
            }
            Err(panic) => resume_unwind(panic),
        }
    }

    /// A process whose machine is healthy and whose user lets it be.
    pub fn process_in_peace(&mut self, death: Death) -> Option<Summary> {
        self.process(death, true)
    }

    /// What a command does: recovery, plan, run.
    fn live(
        &mut self,
        policy: &Policy,
        interrupt: Option<Duration>,
        death: Death,
        events: &mut Vec<Stamped>,
    ) -> Result<Result<Summary, Stuck>, String> {
        let catalog = Catalog::built_in().expect("the built-in catalogue");
        let transport = SimulatedTransport::new(
            self.clock.clone(),
            Arc::clone(&self.provider),
            Arc::clone(&self.files),
            Arc::clone(&self.switch),
            self.weather,
        );
        let watcher: Arc<dyn Watcher> = self.switch.clone();
        let mut ledger = WatchedLedger::new(&mut self.ledger, watcher);
        let now = self.clock.now_ms();
        ledger.recover(now).map_err(|error| error.to_string())?;
        Publisher::new(self.files.as_ref(), &self.layout)
            .recover(&mut ledger, now)
            .map_err(|error| error.to_string())?;
        let takes = ledger.snapshot().map_err(|error| error.to_string())?.takes;
        let (mut work, collect) = plan(&self.scenes, &takes, &self.picture);
        work.extend(missing(&self.scenes, &takes, &self.files, &self.layout));
        let clock = self.clock.clone();
        let stop = async {
            match interrupt {
                Some(wait) => clock.sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        let run = run(
            World {
                clock: &clock,
                transport: &transport,
                ledger: &mut ledger,
                files: self.files.as_ref(),
                window: &mut self.window,
                purse: &mut self.purse,
                shared: None,
            },
            Order {
                catalog: &catalog,
                api_base: "https://kie.test",
                upload_base: "https://upload.kie.test",
                layout: &self.layout,
                policy,
                work,
                collect,
                files: self.named.clone(),
                tasks: std::collections::BTreeSet::new(),
                summary: Summary::default(),
            },
            |event| events.push(event),
            stop,
        );
        let awaits = match death {
            Death::AtAwait(count) => Some(count),
            _ => None,
        };
        match self.clock.run_for(run, awaits) {
            Ok(done) => done.map(Ok).map_err(|error| error.to_string()),
            Err(stuck) => Ok(Err(stuck)),
        }
    }

    /// A disk that is full, not writable or failing, or a ledger that cannot be written from some moment on.
    fn something_breaks(&mut self) {
        if self.dice.chance(12) {
            let places =
                [self.layout.assets_root.clone(), self.layout.private.clone(), PathBuf::new()];
            let place = places[usize::try_from(self.dice.below(3)).unwrap_or(0)].clone();
            let faults = [Fault::DiskFull, Fault::ReadOnly, Fault::SyncFails];
            let fault = faults[usize::try_from(self.dice.below(3)).unwrap_or(0)];
            self.note(|| format!("{fault:?} below {}", place.display()));
            self.files.set_fault(&place, fault);
        }
        if self.dice.chance(6) {
            let after = self.dice.below(60);
            self.note(|| format!("the ledger refuses after {after} writes"));
            self.switch.refuse_ledger_after(Some(after));
        }
    }

    fn look_at(&mut self, events: Vec<Stamped>) {
        for event in events {
            if let Event::Error { code, .. } = &event.event {
                let known = ["credits", "network", "disk", "key-refused", "quota", "ledger"];
                assert!(known.contains(&code.as_str()), "seed {}: {:?}", self.seed, event.event);
            }
            if self.aloud {
                let scene = event.about.map(|about| {
                    format!("{} {:?} take {:?}", about.scene_id, about.step, about.take)
                });
                self.log.push(format!(
                    "{:>9} {} {:?}",
                    event.time_ms - 1_790_000_000_000,
                    scene.unwrap_or_default(),
                    event.event
                ));
            }
        }
    }

    fn dies(&mut self) {
        let down = [Down::Killed, Down::PowerCut, Down::PowerCutAfterNames];
        let down = down[usize::try_from(self.dice.below(3)).unwrap_or(0)];
        self.note(|| format!("the process dies: {down:?}"));
        self.files.restart(down);
        self.clock.pass(Duration::from_millis(self.dice.below(15_000)));
    }

    /// What may happen between two lives.
    pub fn meanwhile(&mut self) {
        if self.dice.chance(10) {
            let at = usize::try_from(self.dice.below(self.scenes.len() as u64)).unwrap_or(0);
            self.scenes[at].version += 1;
            let number = self.scenes[at].number;
            self.note(|| format!("the author edits scene {number}"));
        }
        if self.dice.chance(10) {
            self.somebody_deletes_a_clip();
        }
        if self.dice.chance(25) {
            self.the_user_decides();
        }
        if self.dice.chance(3) {
            let days = 1 + self.dice.below(20);
            self.note(|| format!("{days} days pass"));
            self.clock.pass(DAY * u32::try_from(days).unwrap_or(1));
            self.long_absent = true;
        }
    }

    /// Looks at the provider's log as a person does, and adopts what is there or gives up what is not.
    pub fn the_user_decides(&mut self) {
        let bill = self.bill();
        let takes = self.takes();
        let attempts: Vec<_> = takes.iter().flat_map(|take| &take.attempts).collect();
        let mut owned: BTreeSet<String> =
            attempts.iter().filter_map(|attempt| attempt.task_id.clone()).collect();
        let now = self.clock.now_ms();
        for attempt in &attempts {
            if attempt.state != AttemptState::Unknown || self.dice.chance(30) {
                continue;
            }
            let made: Vec<String> = bill
                .creates
                .iter()
                .filter(|create| create.body == attempt.intent.bound)
                .filter_map(|create| create.task_id.clone())
                .collect();
            // A mixed-up answer has put its task on record for somebody else, who has to give it up.
            let mixed_up = attempts.iter().find_map(|other| {
                let task = other.task_id.clone().filter(|task| made.contains(task))?;
                (other.intent.bound != attempt.intent.bound).then_some((*other, task))
            });
            if let Some((other, task)) = mixed_up {
                // `adopt` takes it away from a submission that has not looked at it; every other one is past that.
                if other.state == AttemptState::Submitted {
                    self.note(|| format!("the user takes {task} back for {:?}", attempt.id));
                    let why =
                        Failure { class: FailureClass::Other, code: None, message: String::new() };
                    self.ledger.unknown(other.id, &why, now).expect("it was submitted");
                    self.ledger.submitted(attempt.id, Some(&task), now).expect("it was unknown");
                    return;
                }
                continue;
            }
            let task = made.into_iter().find(|task| !owned.contains(task));
            match task {
                Some(task) => {
                    self.note(|| format!("the user adopts {task} for {:?}", attempt.id));
                    self.ledger.submitted(attempt.id, Some(&task), now).expect("it was unknown");
                    owned.insert(task);
                }
                None => {
                    self.note(|| format!("the user gives up {:?}", attempt.id));
                    self.ledger.forgotten(attempt.id, now).expect("it was unknown");
                    self.given_up.insert(attempt.id);
                }
            }
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
            let path = path.clone();
            self.note(|| format!("somebody deletes {}", path.display()));
            self.files.delete(&path);
            self.deleted.insert(path);
        }
    }

    pub fn takes(&mut self) -> Vec<Take> {
        self.ledger.snapshot().expect("the ledger works").takes
    }
}
