//! The built program, killed at random moments while it renders, and started again until the film is done.
//!
//! `STORYREEL_KILLS=200 cargo test --test it kill:: -- --nocapture` kills more often and prints in which phase;
//! `STORYREEL_SEED=7` repeats one film.

use crate::support::{Emulator, Project};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use storyreel::digest;
use storyreel::ledger::{Attempt, AttemptState, Ledger as _, Snapshot, SqliteLedger, TakeState};

/// One scene of every kind: plain, with a picture to upload, extended, and with a second paid call for more pixels.
const FILM: &str = "\
---
model: veo-3.1-fast
duration: 4s
---

## Scene 1
- **Prompt**: A lone lighthouse on a basalt skerry

## Scene 2
- **Reference**: refs/stair.png
- **Prompt**: The lamp swings on its hook

## Scene 3
- **Prompt**: Waves climb the rock

### Extend
Foam runs back into the sea

## Scene 4
- **Prompt**: A great lens begins to turn

### Upscale
1080p
";

/// A word of each paid prompt of the film and of its edits.
const PROMPTS: [&str; 7] = ["lighthouse", "hook", "Waves", "Foam", "lens", "Gulls", "Terns"];

const DEFAULT_KILLS: u64 = 20;
/// Films that are made at the same time.
const WORKERS: usize = 3;
/// More lives than this are no bad luck any more.
const MOST_LIVES: usize = 200;

/// The film as it is first, with a scene inserted before all others, and with that scene changed.
fn edits() -> [String; 3] {
    let mut renumbered = FILM.to_owned();
    for number in (1..=4).rev() {
        let (old, new) = (format!("## Scene {number}\n"), format!("## Scene {}\n", number + 1));
        renumbered = renumbered.replace(&old, &new);
    }
    let new = "## Scene 1\n- **Prompt**: Gulls over an empty harbour\n\n## Scene 2\n";
    let inserted = renumbered.replace("## Scene 2\n", new);
    let changed = inserted.replace("Gulls", "Terns");
    [FILM.to_owned(), inserted, changed]
}

/// A row of numbers that the seed stands for.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// What the kills met with.
#[derive(Debug, Default)]
struct Table {
    phases: BTreeMap<&'static str, u64>,
    forgotten: usize,
    accepted_and_forgotten: usize,
    films: u64,
}

fn number_from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}

#[test]
fn killed_at_random_moments_every_step_is_paid_once() {
    let kills = number_from_environment("STORYREEL_KILLS").unwrap_or(DEFAULT_KILLS);
    let seed = number_from_environment("STORYREEL_SEED");
    let table = Mutex::new(Table::default());
    let killed = AtomicU64::new(0);
    let next_seed = AtomicU64::new(seed.unwrap_or(1));
    let work = || {
        loop {
            Film::new(next_seed.fetch_add(1, Ordering::Relaxed)).make(&table, &killed);
            if seed.is_some() || killed.load(Ordering::Relaxed) >= kills {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..if seed.is_some() { 1 } else { WORKERS } {
            scope.spawn(work);
        }
    });
    let table = table.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!(
        "{} kills in {} films, by what the ledger held then:",
        killed.into_inner(),
        table.films
    );
    for (phase, count) in &table.phases {
        println!("{count:6}  {phase}");
    }
    println!(
        "{} submissions were unknown and had to be forgotten; {} of them had been accepted",
        table.forgotten, table.accepted_and_forgotten
    );
}

/// One project and its provider over many lives of the program.
struct Film {
    seed: u64,
    dice: Dice,
    emulator: Emulator,
    project: Project,
    /// Unknown submissions that were given up, by the words of their prompts.
    forgotten: BTreeMap<&'static str, usize>,
    phases: Vec<&'static str>,
}

impl Film {
    fn new(seed: u64) -> Self {
        let emulator = Emulator::with(&["--task-time", "60ms", "--latency", "8ms"]);
        let project = Project::with_storyboard(FILM).using(&emulator);
        project.write("refs/stair.png", b"\x89PNG\r\n\x1a\nA stair, as far as anybody here looks");
        let forgotten = BTreeMap::new();
        Self { seed, dice: Dice(seed), emulator, project, forgotten, phases: Vec::new() }
    }

    fn make(mut self, table: &Mutex<Table>, killed: &AtomicU64) {
        for (text, scenes) in edits().iter().zip([4, 5, 5]) {
            self.project.write("SCENES.md", text);
            self.render_between_kills(killed);
            self.assert_finished(scenes);
        }
        let accepted_and_forgotten = self.assert_paid_once();
        let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
        table.films += 1;
        table.forgotten += self.forgotten.values().sum::<usize>();
        table.accepted_and_forgotten += accepted_and_forgotten;
        for phase in self.phases {
            *table.phases.entry(phase).or_default() += 1;
        }
    }

    /// Starts runs and kills them, until one ends by itself before its moment and everything is done.
    fn render_between_kills(&mut self, killed: &AtomicU64) {
        for _ in 0..MOST_LIVES {
            let ended = self.live();
            self.assert_nothing_is_lost();
            match ended {
                None => {
                    let phase = phase(&self.ledger());
                    self.phases.push(phase);
                    killed.fetch_add(1, Ordering::Relaxed);
                }
                Some(0) => return,
                // A run that was killed between a create and its answer leaves an unknown, and nothing else stops one.
                Some(code) => {
                    assert_eq!(code, 5, "{self}");
                    self.forget();
                }
            }
        }
        panic!("the film is never done: {self}");
    }

    /// One life of the program; its exit code where it ended before the moment of its death.
    fn live(&mut self) -> Option<i32> {
        // Half of the moments are points of time, the others come just after something was reported.
        let (lines, wait) = if self.dice.below(2) == 0 {
            (0, self.dice.below(600_000))
        } else {
            (self.dice.below(16) + 1, self.dice.below(12_000))
        };
        let mut run = self
            .project
            .command(["render", "--json", "--yes"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut output = BufReader::new(run.stdout.take().expect("a pipe")).lines();
        for _ in 0..lines {
            if output.next().is_none() {
                break;
            }
        }
        self.watch(&mut run, Duration::from_micros(wait));
        let _ = run.kill();
        run.wait().expect("the program ends").code()
    }

    /// Looks at the manifest again and again until it is time, or the run is over.
    fn watch(&self, run: &mut Child, wait: Duration) {
        let deadline = Instant::now() + wait;
        loop {
            self.read_manifest();
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || run.try_wait().is_ok_and(|status| status.is_some()) {
                return;
            }
            std::thread::sleep(left.min(Duration::from_millis(2)));
        }
    }

    /// The entries of the manifest, which is whole at every moment.
    fn read_manifest(&self) -> Vec<Value> {
        let Ok(text) = std::fs::read_to_string(self.project.path("public/assets/manifest.json"))
        else {
            return Vec::new();
        };
        let manifest: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {self}\n{text}"));
        manifest["assets"]
            .as_array()
            .cloned()
            .unwrap_or_else(|| panic!("no assets: {self}\n{text}"))
    }

    /// The ledger as the last run left it. Read from a copy, so that the next run finds the journal of the last one.
    fn ledger(&self) -> Snapshot {
        let copy = tempfile::tempdir().expect("a temporary folder");
        for name in ["ledger.db", "ledger.db-journal"] {
            let from = self.project.path(".storyreel").join(name);
            if from.exists() {
                std::fs::copy(from, copy.path().join(name)).expect("a copy");
            }
        }
        let ledger = SqliteLedger::open_existing_for_reading(&copy.path().join("ledger.db"));
        let ledger = ledger.unwrap_or_else(|error| panic!("{error}: {self}"));
        ledger.map_or_else(Snapshot::default, |mut ledger| ledger.snapshot().expect("rows"))
    }

    /// Every clip that the ledger calls downloaded is in the cache.
    fn assert_nothing_is_lost(&self) {
        for attempt in attempts(&self.ledger()) {
            let Some(digest) = attempt.clip.as_deref() else { continue };
            let hex = digest.trim_start_matches("sha256:");
            let path = format!(".storyreel/cache/sha256/{}/{hex}.mp4", &hex[..2]);
            assert_eq!(
                digest_of(&self.project.path(&path)).as_deref(),
                Some(digest),
                "{path}: {self}"
            );
        }
    }

    /// Gives up what is unknown, after making sure that no run sends it again by itself.
    fn forget(&mut self) {
        let sent = self.creates().len();
        self.project.run(["render", "--yes"]).expect(5);
        assert_eq!(self.creates().len(), sent, "an unknown submission was repeated: {self}");
        let ledger = self.ledger();
        let unknown: Vec<(&str, &Attempt)> = ledger
            .takes
            .iter()
            .flat_map(|take| {
                take.attempts.iter().map(|attempt| (take.slot.scene.as_str(), attempt))
            })
            .filter(|(_, attempt)| attempt.state == AttemptState::Unknown)
            .collect();
        assert!(!unknown.is_empty(), "{self}");
        for (scene, attempt) in unknown {
            let step = attempt.intent.kind.name();
            self.project.run(["forget", scene, "--step", step]).expect(0);
            *self.forgotten.entry(prompt_of(&attempt.intent.bound)).or_default() += 1;
        }
    }

    fn creates(&self) -> Vec<Value> {
        self.emulator.bill()["creates"].as_array().cloned().expect("a list of creates")
    }

    /// Every scene has one current clip with the recorded bytes, nothing lies about, and nothing is left to do.
    fn assert_finished(&self, scenes: usize) {
        let mut listed = BTreeSet::from(["assets/manifest.json".to_owned()]);
        let mut current = BTreeSet::new();
        for entry in self.read_manifest() {
            let name = entry["filename"].as_str().expect("a name").to_owned();
            let digest = digest_of(&self.project.path("public").join(&name));
            assert_eq!(digest.as_deref(), entry["sha256"].as_str(), "{name}: {self}");
            if entry.get("superseded_by").is_none() {
                assert!(current.insert(entry["scene_id"].to_string()), "{entry:#}: {self}");
            }
            assert!(listed.insert(name), "listed twice: {entry:#}: {self}");
        }
        assert_eq!(current.len(), scenes, "{self}");
        assert_eq!(files_below(&self.project.path("public")), listed, "{self}");
        let leftovers: Vec<String> = files_below(&self.project.path(".storyreel/cache"))
            .into_iter()
            .filter(|name| !name.ends_with(".mp4"))
            .collect();
        assert!(leftovers.is_empty(), "{leftovers:?}: {self}");

        let asked = self.emulator.bill()["requests"].clone();
        let done = self.project.run(["render"]).expect(0);
        assert!(done.stderr.contains("nothing to do"), "{}: {self}", done.stderr);
        assert_eq!(self.emulator.bill()["requests"], asked, "{self}");
    }

    /// Each step was accepted once, and once more for each time that it was given up; the number of those.
    fn assert_paid_once(&self) -> usize {
        let mut accepted: BTreeMap<&str, usize> = BTreeMap::new();
        for create in self.creates().iter().filter(|create| create["task_id"].is_string()) {
            *accepted.entry(prompt_of(&create["body"])).or_default() += 1;
        }
        let mut doubled = 0;
        for prompt in PROMPTS {
            let times = accepted.get(prompt).copied().unwrap_or_default();
            let allowed = 1 + self.forgotten.get(prompt).copied().unwrap_or_default();
            assert!((1..=allowed).contains(&times), "`{prompt}`: {times} of {allowed}: {self}");
            doubled += times - 1;
        }
        let bill = self.emulator.bill();
        let upgrades = bill["upgrades"].as_array().expect("a list of upgrades");
        assert_eq!(upgrades.len(), 1, "{upgrades:#?}: {self}");
        // What was given up was paid and never taken; nothing else may be wrong.
        for violation in self.emulator.judge().as_array().expect("a list") {
            let explained = match violation["code"].as_str() {
                Some("paid-twice" | "not-downloaded") => doubled > 0,
                _ => false,
            };
            assert!(explained, "{violation:#}: {self}");
        }
        doubled
    }
}

impl std::fmt::Display for Film {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "STORYREEL_SEED={}, killed {:?}", self.seed, self.phases)
    }
}

/// The word of [`PROMPTS`] that a request body holds.
fn prompt_of(body: &Value) -> &'static str {
    let text = body["prompt"].as_str().unwrap_or_default();
    let found = PROMPTS.iter().find(|word| text.contains(**word));
    found.unwrap_or_else(|| panic!("no prompt of this film: {body:#}"))
}

fn attempts(ledger: &Snapshot) -> impl Iterator<Item = &Attempt> {
    ledger.takes.iter().flat_map(|take| &take.attempts)
}

/// The most delicate thing that was going on.
fn phase(ledger: &Snapshot) -> &'static str {
    let has = |state| attempts(ledger).any(|attempt| attempt.state == state);
    let open = ledger.takes.iter().filter(|take| take.state == TakeState::Open).count();
    if !ledger.publishing.is_empty() {
        "publishing: files and manifest were being changed"
    } else if has(AttemptState::Intent) {
        "intent: a create was about to be sent, or sent without an answer yet"
    } else if has(AttemptState::Finished) {
        "finished: a download was going on"
    } else if has(AttemptState::Submitted) {
        "submitted: tasks ran at the provider"
    } else if open > 0 {
        "downloaded: between two steps, or before publishing"
    } else if ledger.takes.is_empty() {
        "nothing recorded yet"
    } else {
        "all that was begun was published"
    }
}

/// The digest of a file; `None` where there is none.
fn digest_of(path: &Path) -> Option<String> {
    std::fs::read(path).ok().map(|content| digest::of_bytes(&content))
}

/// The names of all files below a folder, relative to it.
fn files_below(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten().filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below the folder");
                found.insert(name.to_string_lossy().into_owned());
            }
        }
    }
    found
}
