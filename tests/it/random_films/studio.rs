//! A project that the engine itself renders, with the emulator's core for a provider and time that costs nothing.

use super::story::Story;
use super::world::{CATALOG, House, Ran, first_manifest};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use storyreel::emulator::account::{Credits, Rate};
use storyreel::emulator::bill::State;
use storyreel::emulator::{Emulator, Options, Times};
use storyreel::engine::event::{Event, Summary};
use storyreel::engine::policy::Policy;
use storyreel::engine::purse::MemoryPurse;
use storyreel::engine::window::{MemoryWindow, WindowLimit};
use storyreel::engine::{Order, World, run};
use storyreel::known::{Known, KnownInput, Output};
use storyreel::ledger::{Ledger as _, SqliteLedger};
use storyreel::manifest::Manifest;
use storyreel::plan::{Planned, Work};
use storyreel::ports::Clock as _;
use storyreel::publish::Layout;
use storyreel::simulation::files::{CrashSwitch, SimulatedFiles, simulated_digest};
use storyreel::simulation::world::{SimulatedClips, SimulatedClock, SimulatedTransport, Weather};

/// More than any film here submits in a second.
const SUBMISSIONS: u32 = 1_000;

/// The house of real runs.
pub struct Studio {
    clock: SimulatedClock,
    provider: Arc<Mutex<Emulator>>,
    switch: Arc<CrashSwitch>,
    files: Arc<SimulatedFiles>,
    ledger: SqliteLedger,
    window: MemoryWindow,
    purse: MemoryPurse,
    layout: Layout,
    inputs: BTreeMap<String, KnownInput>,
    known: Known,
}

impl Studio {
    pub fn new(seed: u64) -> Self {
        let options = Options {
            seed,
            credits: Credits::whole(10_000_000),
            submissions: Rate { limit: SUBMISSIONS, window_ms: 1_000 },
            times: Times::all(20_000),
            clips: Arc::new(SimulatedClips),
            ..Options::default()
        };
        let switch = CrashSwitch::new();
        let files = Arc::new(SimulatedFiles::new(Arc::clone(&switch)));
        let layout = Layout::new(Path::new("/film"), "public");
        files.put(&layout.manifest(), first_manifest().as_bytes());
        Self {
            clock: SimulatedClock::new(seed),
            provider: Arc::new(Mutex::new(Emulator::new(options))),
            switch,
            files,
            ledger: SqliteLedger::open_in_memory().expect("a ledger in memory"),
            window: MemoryWindow::default(),
            purse: MemoryPurse::default(),
            layout,
            inputs: BTreeMap::new(),
            known: Known::default(),
        }
    }

    fn provider(&self) -> MutexGuard<'_, Emulator> {
        self.provider.lock().expect("nobody panics with it")
    }

    /// Tasks and upgrades that were paid for.
    fn paid(&self) -> usize {
        let bill = self.provider().bill();
        let made = bill.creates.iter().filter(|create| create.state != State::Refused);
        made.count() + bill.upgrades.len()
    }

    fn manifest(&self) -> Manifest {
        let bytes = self.files.get(&self.layout.manifest()).expect("there is a manifest");
        Manifest::parse_bytes(&bytes).expect("a manifest")
    }

    fn renders(&self) -> Vec<String> {
        let manifest = self.manifest();
        let entries = manifest.renders().filter_map(|entry| entry.scene_id.as_ref());
        entries.map(|id| id.key()).collect()
    }

    /// Looks at everything, as a command does before it plans.
    fn look(&mut self) -> Known {
        let manifest = self.manifest();
        let ledger = self.ledger.snapshot().expect("the ledger can be read");
        let mut outputs = std::collections::HashMap::new();
        let mut digests = std::collections::HashSet::new();
        for entry in manifest.renders() {
            if let Some(bytes) = self.files.get(&self.layout.assets_root.join(&entry.filename)) {
                let sha256 = simulated_digest(&bytes);
                outputs.insert(entry.filename.clone(), Output::File { sha256 });
            }
            let of_steps = entry.steps.iter().filter_map(|step| step.sha256.clone());
            digests.extend(entry.sha256.clone().into_iter().chain(of_steps));
        }
        digests.extend(ledger.clips.iter().map(|clip| clip.sha256.clone()));
        digests.retain(|digest| self.files.get(&self.layout.cached(digest)).is_some());
        Known {
            deferred: None,
            manifest,
            ledger,
            outputs,
            cached: digests,
            shared: std::collections::HashSet::new(),
            inputs: self.inputs.clone(),
            footage: BTreeMap::new(),
            now_ms: self.clock.now_ms(),
            has_key: true,
        }
    }
}

impl House for Studio {
    fn furnish(&mut self, story: &Story) {
        for (path, content) in &story.files {
            let place: PathBuf = match path.strip_prefix("img-") {
                Some(_) => self.layout.assets_root.join(format!("assets/images/{path}.png")),
                None => Path::new("/film").join(path),
            };
            let bytes = format!("\u{89}PNG\r\n\u{1a}\n not much of picture {content}").into_bytes();
            if self.files.get(&place).as_ref() != Some(&bytes) {
                self.files.put(&place, &bytes);
            }
            let sha256 = simulated_digest(&bytes);
            let input = KnownInput::File { path: place, sha256, seconds: None };
            self.inputs.insert((*path).to_owned(), input);
        }
    }

    fn known(&mut self) -> &Known {
        self.known = self.look();
        &self.known
    }

    fn run(&mut self, planned: Planned) -> Ran {
        assert!(planned.collect.is_empty() && planned.moved_takes.is_empty());
        let (paid, published) = (self.paid(), self.renders().len());
        let work: Vec<Work> =
            planned.plan.scenes.into_iter().filter_map(|scene| scene.work).collect();
        let transport = SimulatedTransport::new(
            self.clock.clone(),
            Arc::clone(&self.provider),
            Arc::clone(&self.files),
            Arc::clone(&self.switch),
            Weather::default(),
        );
        let policy = Policy {
            submissions: WindowLimit {
                count: SUBMISSIONS as usize,
                length: Duration::from_secs(1),
            },
            ..Policy::default()
        };
        let mut trouble = Vec::new();
        let clock = self.clock.clone();
        let run = run(
            World {
                clock: &clock,
                transport: &transport,
                ledger: &mut self.ledger,
                files: self.files.as_ref(),
                window: &mut self.window,
                purse: &mut self.purse,
                shared: None,
            },
            Order {
                catalog: &CATALOG,
                api_base: "https://kie.test",
                upload_base: "https://upload.kie.test",
                layout: &self.layout,
                policy: &policy,
                work,
                collect: planned.collect,
                files: planned.files,
                tasks: std::collections::BTreeSet::new(),
                summary: Summary::default(),
            },
            |stamped| match stamped.event {
                Event::Failed { .. }
                | Event::Unknown { .. }
                | Event::Blocked { .. }
                | Event::Error { .. } => {
                    trouble.push(format!("{:?} {:?}", stamped.about, stamped.event));
                }
                _ => {}
            },
            std::future::pending(),
        );
        clock.run(run).expect("it comes to an end").expect("the ledger can be read");
        assert!(trouble.is_empty(), "{trouble:#?}");
        // Twins and retakes ask for the same twice, and mean it.
        let mut judged = self.provider().bill().judge();
        judged.retain(|violation| violation.code != "paid-twice");
        assert!(judged.is_empty(), "{judged:#?}");
        Ran { paid: self.paid() - paid, published: self.renders().split_off(published) }
    }

    fn lose(&mut self, filename: &str) {
        self.files.delete(&self.layout.assets_root.join(filename));
    }
}
