//! The built program, killed at random moments and at every named point while it renders, and started again until the
//! film is done.
//!
//! `STORYREEL_KILLS=10000 cargo test --profile campaign --test it kill:: -- --nocapture` kills more often;
//! `STORYREEL_SEED=7` repeats one film. Both tests print how often which phase was met.

use crate::audit::{Books, audit};
use crate::support::{Dice, Emulator, Project, names_below};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use storyreel::digest;
use storyreel::emulator::bill::Bill;
use storyreel::engine::watched::halt;
use storyreel::ledger::{
    Attempt, AttemptId, AttemptState, Ledger as _, Snapshot, SqliteLedger, TakeState,
};

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

/// What passes by itself, so that it never ends a run.
const PASSING_FAULTS: &str = r#"{"rules": [
  {"match": {"operation": "create", "probability": 0.1}, "do": {"fault": "code", "code": 429, "msg": "slow down"}},
  {"match": {"operation": "read", "probability": 0.1}, "do": {"fault": "http_status", "status": 503}},
  {"match": {"operation": "read", "probability": 0.1}, "do": {"fault": "broken_json"}},
  {"match": {"operation": "file", "probability": 0.2}, "do": {"fault": "cut_body"}},
  {"match": {"operation": "file", "probability": 0.1}, "do": {"fault": "gone", "status": 403}}
]}"#;

/// A word of each paid prompt of the film and of its edits.
const PROMPTS: [&str; 7] = ["lighthouse", "hook", "Waves", "Foam", "lens", "Gulls", "Terns"];

/// Random kills of every test run.
const DEFAULT_KILLS: u64 = 40;
/// Films that are made at the same time.
const WORKERS: usize = 4;
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

/// What the kills met with.
#[derive(Debug, Default)]
struct Table {
    kills: u64,
    films: u64,
    /// By the four things that a run does.
    phases: BTreeMap<&'static str, u64>,
    /// By what the ledger held, or by the named point.
    places: BTreeMap<String, u64>,
    forgotten: usize,
    accepted_and_forgotten: usize,
}

impl Table {
    fn print(&self, by: &str) {
        println!(
            "{} kills in {} films: 0 paid twice, 0 finished clips lost",
            self.kills, self.films
        );
        for (phase, count) in &self.phases {
            println!("{count:6}  {phase}");
        }
        println!("by {by}:");
        for (place, count) in &self.places {
            println!("{count:6}  {place}");
        }
        println!(
            "{} submissions were unknown and had to be forgotten; {} of them had been accepted",
            self.forgotten, self.accepted_and_forgotten
        );
    }

    fn assert_no_phase_is_missed(&self) {
        for phase in ["submit", "poll", "download", "publish"] {
            assert!(self.phases.contains_key(phase), "no kill met the phase {phase}: {self:?}");
        }
    }
}

fn number_from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}

/// Runs `make` on several threads until it says that there is nothing more.
fn on_workers(make: impl Fn() -> bool + Sync) {
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| while make() {});
        }
    });
}

#[test]
fn killed_at_random_moments_every_step_is_paid_once() {
    let kills = number_from_environment("STORYREEL_KILLS").unwrap_or(DEFAULT_KILLS);
    let table = Mutex::new(Table::default());
    if let Some(seed) = number_from_environment("STORYREEL_SEED") {
        Film::new(seed, None).make(&table);
        return;
    }
    let next_seed = AtomicU64::new(1);
    on_workers(|| {
        Film::new(next_seed.fetch_add(1, Ordering::Relaxed), None).make(&table);
        table.lock().unwrap_or_else(PoisonError::into_inner).kills < kills
    });
    let table = table.into_inner().unwrap_or_else(PoisonError::into_inner);
    table.print("what the ledger held then");
    table.assert_no_phase_is_missed();
}

#[test]
fn killed_at_every_named_point_every_step_is_paid_once() {
    let points = Film::new(1, None).points();
    assert!(points.len() > 60, "{points:?}");
    let rounds = number_from_environment("STORYREEL_ROUNDS").unwrap_or(1);
    // The first time that a point is passed, and in a campaign one of the later ones as well.
    let mut dice = Dice(7);
    let mut places: Vec<(String, u64)> = Vec::new();
    for (point, most) in &points {
        places.push((point.clone(), 1));
        if *most > 1 && rounds > 1 {
            places.push((point.clone(), 2 + dice.below(most - 1)));
        }
    }
    let next = AtomicU64::new(0);
    let table = Mutex::new(Table::default());
    on_workers(|| {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let place = usize::try_from(number % places.len() as u64).unwrap_or(0);
        if number >= places.len() as u64 * rounds {
            return false;
        }
        let (point, count) = places[place].clone();
        Film::new(number, Some(format!("{point}#{count}"))).make(&table);
        true
    });
    let table = table.into_inner().unwrap_or_else(PoisonError::into_inner);
    table.print("named point");
    table.assert_no_phase_is_missed();
    // Runs differ in what overlaps, so a later passing may not come; the first one always does.
    for point in points.keys() {
        let met = table.places.keys().any(|place| place == point);
        assert!(met, "nobody was killed at {point}");
    }
}

/// One project and its provider over many lives of the program.
struct Film {
    seed: u64,
    dice: Dice,
    emulator: Emulator,
    project: Project,
    /// The named point at which each version of the film is killed once; random moments where there is none.
    point: Option<String>,
    /// Unknown submissions that were given up, by the words of their prompts.
    forgotten: BTreeMap<&'static str, usize>,
    given_up: BTreeSet<AttemptId>,
    /// Phase and place of each kill.
    deaths: Vec<(&'static str, String)>,
}

impl Film {
    fn new(seed: u64, point: Option<String>) -> Self {
        let emulator = Emulator::with(&["--task-time", "60ms", "--latency", "8ms"]);
        let project = Project::with_storyboard(FILM).using(&emulator);
        project.write("refs/stair.png", b"\x89PNG\r\n\x1a\nA stair, as far as anybody here looks");
        if point.is_none() && seed.is_multiple_of(2) {
            emulator.control("POST", "/emulator/faults", PASSING_FAULTS);
        }
        Self {
            seed,
            dice: Dice(seed),
            emulator,
            project,
            point,
            forgotten: BTreeMap::new(),
            given_up: BTreeSet::new(),
            deaths: Vec::new(),
        }
    }

    fn make(mut self, table: &Mutex<Table>) {
        for (text, scenes) in edits().iter().zip([4, 5, 5]) {
            self.project.write("SCENES.md", text);
            if let Some(point) = self.point.clone() {
                self.halt_and_kill(&point);
                self.render_to_the_end();
            } else {
                self.render_between_kills();
            }
            self.assert_finished(scenes);
        }
        let accepted_and_forgotten = self.assert_paid_once();
        let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
        table.films += 1;
        table.kills += self.deaths.len() as u64;
        table.forgotten += self.forgotten.values().sum::<usize>();
        table.accepted_and_forgotten += accepted_and_forgotten;
        for (phase, place) in self.deaths {
            *table.phases.entry(phase).or_default() += 1;
            *table.places.entry(place).or_default() += 1;
        }
    }

    /// Makes the film without any kill, and gives the points that its runs pass, with the most times in one run.
    fn points(self) -> BTreeMap<String, u64> {
        let mut points: BTreeMap<String, u64> = BTreeMap::new();
        for text in edits() {
            self.project.write("SCENES.md", text);
            let mut render = self.project.command(["render", "--json", "--yes"]);
            let done = render.env(halt::VARIABLE, "list").output().expect("the program starts");
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            for line in String::from_utf8_lossy(&done.stderr).lines() {
                let passed = line.strip_prefix("passed ").and_then(|line| line.split_once('#'));
                if let Some((point, count)) = passed {
                    let count: u64 = count.parse().expect("a number");
                    let most = points.entry(point.to_owned()).or_default();
                    *most = count.max(*most);
                }
            }
        }
        points
    }

    /// Starts a run that stands still at the point, and kills it there; a run that never comes there ends by itself.
    fn halt_and_kill(&mut self, point: &str) {
        let mut run = self
            .project
            .command(["render", "--json", "--yes"])
            .env(halt::VARIABLE, point)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(run.stderr.take().expect("a pipe")).lines();
        let wanted = format!("halted {point}");
        let halted = lines.map_while(Result::ok).any(|line| line == wanted);
        let _ = run.kill();
        run.wait().expect("the program ends");
        if halted {
            let name = point.split('#').next().unwrap_or(point);
            self.deaths.push((phase_of_point(name), name.to_owned()));
        }
        self.assert_nothing_is_lost();
    }

    fn render_to_the_end(&mut self) {
        for _ in 0..MOST_LIVES {
            let done = self.project.run(["render", "--yes"]);
            match done.code {
                0 => return,
                5 => self.forget(),
                code => panic!("ended with {code}: {self}\n{}", done.stderr),
            }
        }
        panic!("the film is never done: {self}");
    }

    /// Starts runs and kills them, until one ends by itself before its moment and everything is done.
    fn render_between_kills(&mut self) {
        for _ in 0..MOST_LIVES {
            let ended = self.live();
            self.assert_nothing_is_lost();
            match ended {
                None => self.deaths.push(phase(&self.ledger())),
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
            self.given_up.insert(attempt.id);
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
        assert_eq!(names_below(&self.project.path("public")), listed, "{self}");
        let leftovers: Vec<String> = names_below(&self.project.path(".storyreel/cache"))
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
        let mut ledger =
            SqliteLedger::open(&self.project.path(".storyreel/ledger.db")).expect("a ledger");
        let takes = ledger.snapshot().expect("rows").takes;
        let bill: Bill = serde_json::from_value(bill).expect("a bill");
        let found = audit(&Books {
            bill: &bill,
            takes: &takes,
            outstanding: ledger.outstanding().expect("a sum"),
            given_up: &self.given_up,
            unfinished: false,
        });
        assert_eq!(found, Vec::<String>::new(), "{self}");
        doubled
    }
}

impl std::fmt::Display for Film {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "STORYREEL_SEED={}, {:?}, killed {:?}", self.seed, self.point, self.deaths)
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

/// The most delicate thing that was going on, as one of the four phases and in words.
fn phase(ledger: &Snapshot) -> (&'static str, String) {
    let has = |state| attempts(ledger).any(|attempt| attempt.state == state);
    let open = ledger.takes.iter().filter(|take| take.state == TakeState::Open).count();
    let (phase, words) = if !ledger.publishing.is_empty() {
        ("publish", "publishing: files and manifest were being changed")
    } else if has(AttemptState::Intent) {
        ("submit", "intent: a create was about to be sent, or sent without an answer yet")
    } else if has(AttemptState::Finished) {
        ("download", "finished: a download was going on")
    } else if has(AttemptState::Submitted) {
        ("poll", "submitted: tasks ran at the provider")
    } else if open > 0 {
        ("publish", "downloaded: between two steps, or before publishing")
    } else if ledger.takes.is_empty() {
        ("before and after", "nothing recorded yet")
    } else {
        ("before and after", "all that was begun was published")
    };
    (phase, words.to_owned())
}

/// What a run does at a named point.
fn phase_of_point(point: &str) -> &'static str {
    let ledger = point.strip_prefix("ledger.").and_then(|rest| rest.split('.').next());
    match ledger {
        Some("open-take" | "intend" | "submitted" | "unknown" | "forgotten") => "submit",
        Some("finished" | "failed") => "poll",
        Some("downloaded" | "remember-clip") => "download",
        Some("recover" | "record-run" | "remember-balance" | "move-takes") => "before and after",
        Some("remember-upload") => "submit",
        Some(_) => "publish",
        None if point.starts_with("create.") || point.starts_with("upload.") => "submit",
        None if point.starts_with("read.") => "poll",
        None if point.starts_with("download.") || point.contains(".cache.") => "download",
        None => "publish",
    }
}

/// The digest of a file; `None` where there is none.
fn digest_of(path: &Path) -> Option<String> {
    std::fs::read(path).ok().map(|content| digest::of_bytes(&content))
}
