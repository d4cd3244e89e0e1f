//! Machines that share a cache: each project here is one, with a folder, a ledger and a home of its own.
//!
//! `STORYREEL_SHARED_KILLS=1000 cargo test --profile campaign --test it shared:: -- --nocapture` kills more often;
//! `STORYREEL_SEED=7` repeats one film.

use crate::s3::S3;
use crate::support::{Dice, Emulator, Project, files_below, serve};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use storyreel::emulator::bill::Bill;
use tempfile::TempDir;

/// One scene of every kind: plain, extended, with a second paid call for more pixels, and two that ask for the same.
const FILM: &str = "\
---
model: veo-3.1-fast
duration: 4s
---

## Scene 1
- **Prompt**: A lone lighthouse on a basalt skerry

## Scene 2
- **Prompt**: Waves climb the rock

### Extend
Foam runs back into the sea

## Scene 3
- **Prompt**: A great lens begins to turn

### Upscale
1080p

## Scene 4
- **Prompt**: Gulls over an empty harbour
- **Takes**: 2
";

/// A word of each prompt, with how often it is paid for.
const PAID: [(&str, usize); 5] =
    [("lighthouse", 1), ("Waves", 1), ("Foam", 1), ("lens", 1), ("Gulls", 2)];

/// Where machines meet.
enum Cache {
    Folder(TempDir),
    S3(S3),
}

impl Cache {
    fn folder() -> Self {
        Self::Folder(tempfile::tempdir().expect("a temporary folder"))
    }

    /// Where its objects lie.
    fn objects(&self) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.path().to_owned(),
            Self::S3(server) => server.folder(),
        }
    }

    /// A new machine with this storyboard.
    fn machine(&self, emulator: &Emulator, text: &str) -> Project {
        let mut project = Project::with_storyboard(text).using(emulator);
        match self {
            Self::Folder(folder) => {
                project.set("STORYREEL_CACHE", &folder.path().display().to_string());
            }
            Self::S3(server) => {
                for (name, value) in server.environment() {
                    project.set(name, &value);
                }
            }
        }
        project
    }

    /// Makes claims of which nothing was told look so old that nobody waits for more.
    fn age_claims(&self) {
        for claim in files_below(&self.objects()) {
            if !claim.ends_with("claim.json") {
                continue;
            }
            let text = std::fs::read_to_string(&claim).expect("a claim");
            let mut document: Value = serde_json::from_str(&text).expect("JSON");
            document["at_ms"] = 1.into();
            std::fs::write(&claim, document.to_string()).expect("a file");
        }
    }
}

fn quick() -> Emulator {
    Emulator::with(&["--task-time", "60ms", "--latency", "8ms"])
}

/// How often the provider accepted each prompt of the film.
fn accepted(emulator: &Emulator) -> BTreeMap<&'static str, usize> {
    let mut accepted = BTreeMap::new();
    for create in emulator.bill()["creates"].as_array().expect("a list") {
        let prompt = create["body"]["prompt"].as_str().expect("a prompt");
        let (word, _) = PAID.iter().find(|(word, _)| prompt.contains(word)).expect("of this film");
        if create["task_id"].is_string() {
            *accepted.entry(*word).or_default() += 1;
        }
    }
    accepted
}

fn assert_paid_once(emulator: &Emulator) {
    assert_eq!(accepted(emulator), BTreeMap::from(PAID));
    assert_eq!(emulator.bill()["upgrades"].as_array().map(Vec::len), Some(1));
    // Two takes of one scene are two creates of one body, as they should be.
    let judged = emulator.judge();
    let wrong: Vec<&Value> = judged
        .as_array()
        .expect("a list")
        .iter()
        .filter(|violation| !violation.to_string().contains("Gulls"))
        .filter(|violation| violation["code"] != "paid-twice")
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Every scene of a machine has its clip, with the bytes that its manifest tells of.
fn assert_complete(project: &Project, scenes: usize) {
    let manifest = project.manifest();
    let entries = manifest["assets"].as_array().expect("a list");
    let current = entries.iter().filter(|entry| entry.get("superseded_by").is_none());
    assert_eq!(current.count(), scenes, "{manifest:#}");
    for entry in entries {
        let path = project.path("public").join(entry["filename"].as_str().expect("a name"));
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        assert_eq!(
            storyreel::digest::of_bytes(&bytes),
            entry["sha256"].as_str().expect("a digest")
        );
    }
}

fn two_at_once(cache: &Cache) {
    let emulator = quick();
    let machines = [cache.machine(&emulator, FILM), cache.machine(&emulator, FILM)];
    let runs: Vec<_> =
        machines.iter().map(|machine| machine.start(["render", "--yes", "--json"])).collect();
    let mut spent = 0.0;
    for run in runs {
        let done = run.finish().expect(0);
        let last = done.json_lines().pop().expect("a summary");
        spent += last["credits"].as_f64().expect("a number");
    }
    assert_paid_once(&emulator);
    assert!((spent - 365.0).abs() < 0.5, "each credit is told by one of them: {spent}");
    for machine in &machines {
        assert_complete(machine, 4);
        machine.run(["render"]).expect(0).tells(&["nothing to do"]);
    }
    // A third one that knows nothing pays for nothing.
    let late = cache.machine(&emulator, FILM);
    late.run(["render", "--yes"]).expect(0).tells(&["0 credits spent"]);
    assert_complete(&late, 4);
    assert_paid_once(&emulator);
}

#[test]
fn two_machines_that_render_at_once_pay_once() {
    two_at_once(&Cache::folder());
}

#[test]
fn two_machines_with_a_bucket_pay_once() {
    two_at_once(&Cache::S3(S3::start()));
}

#[test]
fn a_fresh_clone_brings_its_clips_back_without_a_key() {
    for cache in [Cache::folder(), Cache::S3(S3::start())] {
        let emulator = quick();
        let first = cache.machine(&emulator, FILM);
        first.run(["render", "--yes"]).expect(0);
        let asked = emulator.bill()["requests"].clone();

        let mut clone = cache.machine(&emulator, FILM);
        clone.set("KIE_API_KEY", "");
        clone.write("public/assets/manifest.json", first.read("public/assets/manifest.json"));
        // Git LFS leaves a few lines in the place of a file that was not fetched.
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 6000\n";
        clone.write("public/assets/clips/scene-01.mp4", pointer);
        clone.run(["plan"]).expect(0).prints(&["the shared cache has it", "4 to restore"]);
        clone.run(["render"]).expect(0).tells(&["restored from the shared cache"]);
        for name in ["scene-01", "scene-02", "scene-03", "scene-04"] {
            let name = format!("public/assets/clips/{name}.mp4");
            let read = |project: &Project| std::fs::read(project.path(&name)).expect("a clip");
            assert_eq!(read(&clone), read(&first), "{name}");
        }
        assert_eq!(emulator.bill()["requests"], asked);
        assert_eq!(clone.manifest(), first.manifest());
        clone.run(["render"]).expect(0).tells(&["nothing to do"]);
    }
}

#[test]
fn what_a_lost_machine_has_sent_is_taken_up_by_the_next() {
    for point in
        ["ledger.told.before", "ledger.told.after", "download.begun", "ledger.downloaded.after"]
    {
        let cache = Cache::folder();
        let emulator = quick();
        let lost = cache.machine(&emulator, FILM);
        lost.killed_at(point, ["render", "--yes"]);
        cache.age_claims();
        let next = cache.machine(&emulator, FILM);
        let done = next.run(["render", "--yes"]);
        // Others may have been on their way when it ended.
        if done.code == 5 {
            continue;
        }
        done.expect(0);
        assert_paid_once(&emulator);
        assert_complete(&next, 4);
    }
}

const ONE: &str =
    "## Scene 1\n- **Model**: veo-3.1-fast\n- **Prompt**: A lone lighthouse on a basalt skerry\n";

/// A machine that ended between its create and the answer, and another one that wants the same.
fn unanswered() -> (Cache, Emulator, Project, Project) {
    let cache = Cache::folder();
    let emulator = quick();
    let lost = cache.machine(&emulator, ONE);
    lost.killed_at("create.answered", ["render", "--yes"]);
    let other = cache.machine(&emulator, ONE);
    (cache, emulator, lost, other)
}

#[test]
fn what_nobody_has_told_anything_of_is_unknown_to_all_and_forgotten_by_all() {
    let (cache, emulator, lost, other) = unanswered();
    cache.age_claims();
    other.run(["render", "--yes"]).expect(5).tells(&["was about to send it", "storyreel forget"]);
    lost.run(["render", "--yes"]).expect(5);
    assert_eq!(accepted(&emulator), BTreeMap::from([("lighthouse", 1)]));
    other.run(["forget", "1"]).expect(0);
    other.run(["render", "--yes"]).expect(0);
    assert_eq!(accepted(&emulator), BTreeMap::from([("lighthouse", 2)]));
    // The first one hears of both, and pays for neither.
    lost.run(["render", "--yes"]).expect(0);
    assert_eq!(accepted(&emulator), BTreeMap::from([("lighthouse", 2)]));
    assert_complete(&lost, 1);
}

#[test]
fn what_one_machine_adopts_is_known_to_all() {
    let (cache, emulator, lost, other) = unanswered();
    cache.age_claims();
    other.run(["render", "--yes"]).expect(5);
    let task = emulator.bill()["creates"][0]["task_id"].as_str().expect("a task").to_owned();
    lost.run(["render", "--yes"]).expect(5);
    lost.run(["adopt", "1", "--task", &task]).expect(0);
    other.run(["render", "--yes"]).expect(0);
    lost.run(["render", "--yes"]).expect(0);
    assert_eq!(accepted(&emulator), BTreeMap::from([("lighthouse", 1)]));
}

#[test]
fn a_retake_is_one_more_of_what_is_known() {
    let cache = Cache::folder();
    let emulator = quick();
    let first = cache.machine(&emulator, ONE);
    first.run(["render", "--yes"]).expect(0);
    let manifest = first.read("public/assets/manifest.json");
    first.run(["render", "--yes", "--retake", "1"]).expect(0);
    assert_eq!(accepted(&emulator), BTreeMap::from([("lighthouse", 2)]));
    // A runner that was lost after it, or runs the same once more, gets that take.
    let again = cache.machine(&emulator, ONE);
    again.write("public/assets/manifest.json", &manifest);
    again.run(["render", "--yes", "--retake", "1"]).expect(0);
    assert_eq!(accepted(&emulator), BTreeMap::from([("lighthouse", 2)]));
    again.run(["render", "--yes", "--retake", "1"]).expect(0);
    assert_eq!(accepted(&emulator), BTreeMap::from([("lighthouse", 3)]));
}

#[test]
fn what_the_cache_holds_is_checked() {
    let cache = Cache::folder();
    let emulator = quick();
    let first = cache.machine(&emulator, ONE);
    first.run(["render", "--yes"]).expect(0);
    let clip = cache.objects().join("clips/sha256");
    for file in files_below(&clip) {
        std::fs::write(file, "other bytes").expect("a file");
    }
    // The provider has it as well.
    let clone = cache.machine(&emulator, ONE);
    clone.write("public/assets/manifest.json", first.read("public/assets/manifest.json"));
    clone.run(["render", "--yes"]).expect(0).tells(&["restored from provider"]);
    assert_complete(&clone, 1);
    // Of a task that was sent by another machine, too.
    let late = cache.machine(&emulator, ONE);
    late.run(["render", "--yes"]).expect(0);
    assert_complete(&late, 1);
    assert_eq!(accepted(&emulator), BTreeMap::from([("lighthouse", 1)]));
}

#[test]
fn a_cache_that_cannot_be_used_stops_a_run_before_anything_is_sent() {
    let emulator = quick();
    let file = tempfile::NamedTempFile::new().expect("a file");
    let mut project = Project::with_storyboard(ONE).using(&emulator);
    for wrong in [file.path().display().to_string(), "s3://films/no-credentials".to_owned()] {
        project.set("STORYREEL_CACHE", &wrong);
        project.set("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
        project.set("AWS_ACCESS_KEY_ID", "none");
        project.set("AWS_SECRET_ACCESS_KEY", "none");
        project.run(["render", "--yes"]).expect(3).tells(&[
            "the shared cache `",
            "nothing was sent",
            "STORYREEL_CACHE=none",
        ]);
        let error = project.run(["render", "--yes", "--json"]).expect(3).json();
        assert_eq!(error["code"], "cache");
    }
    for wrong in ["https://elsewhere.example", "s3://key:secret@films"] {
        project.set("STORYREEL_CACHE", wrong);
        let done = project.run(["plan"]).expect(1).tells(&["STORYREEL_CACHE"]);
        assert!(!done.stderr.contains("secret"), "{}", done.stderr);
    }
    assert_eq!(emulator.bill()["requests"], json!({}));
    project.set("STORYREEL_CACHE", "none");
    project.run(["render", "--yes"]).expect(0);
}

/// An old S3 server that takes every object and does not know `If-None-Match`.
#[test]
fn a_cache_where_an_object_is_created_twice_is_refused_before_anything_is_sent() {
    async fn take_all() -> impl axum::response::IntoResponse {
        [("etag", "\"00000000000000000000000000000000\"")]
    }
    let server = serve(axum::Router::new().fallback(take_all));
    let emulator = quick();
    let mut project = Project::with_storyboard(ONE).using(&emulator);
    project.set("STORYREEL_CACHE", "s3://films");
    project.set("AWS_ENDPOINT_URL", &server.base);
    project.set("AWS_REGION", "eu-north-1");
    project.set("AWS_ACCESS_KEY_ID", "none");
    project.set("AWS_SECRET_ACCESS_KEY", "none");
    project.run(["render", "--yes"]).expect(3).tells(&[
        "the shared cache `s3://films`",
        "cannot keep two machines from paying twice",
        "nothing was sent",
    ]);
    assert_eq!(emulator.bill()["requests"], json!({}));
}

#[test]
fn the_project_names_its_cache() {
    let emulator = quick();
    for (place, text) in
        [("[project]", "[project]\ncache = \"../cache\"\n"), ("top", "cache = \"../cache\"\n")]
    {
        let project = Project::with_storyboard(ONE).using(&emulator);
        project.write("storyreel.toml", text);
        project.run(["render", "--yes"]).expect(0);
        assert!(project.path("../cache/storyreel.json").is_file(), "{place}");
    }
    let project = Project::with_storyboard(ONE).using(&emulator);
    project.write("storyreel.toml", "[project]\ncache = \"ftp://films\"\n");
    project.run(["plan"]).expect(1).tells(&["storyreel.toml:2", "`ftp://` is not known"]);
}

/// Random kills of every test run.
const DEFAULT_KILLS: u64 = 16;

#[derive(Debug, Default)]
struct Tally {
    kills: u64,
    films: u64,
    machines: u64,
    unknown: usize,
}

#[test]
fn two_machines_killed_at_random_moments_pay_once() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    let kills = number("STORYREEL_SHARED_KILLS").unwrap_or(DEFAULT_KILLS);
    let tally = Mutex::new(Tally::default());
    if let Some(seed) = number("STORYREEL_SEED") {
        killed_film(seed, &tally);
        return;
    }
    let next = AtomicU64::new(1);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while tally.lock().unwrap_or_else(PoisonError::into_inner).kills < kills {
                    killed_film(next.fetch_add(1, Ordering::Relaxed), &tally);
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{tally:?}");
}

/// Two machines make one film and are killed again and again, until both have it. Sometimes one is lost for good, and
/// another takes its place; what is unknown is looked up at the provider and adopted, or forgotten where it was not accepted.
fn killed_film(seed: u64, tally: &Mutex<Tally>) {
    let mut dice = Dice(seed);
    let emulator = quick();
    let cache = if seed.is_multiple_of(4) { Cache::S3(S3::start()) } else { Cache::folder() };
    let mut machines = [cache.machine(&emulator, FILM), cache.machine(&emulator, FILM)];
    let (mut kills, mut lost, mut unknown) = (0, 2, 0);
    let context = |kills: u64| format!("STORYREEL_SEED={seed}, after {kills} kills");
    for life in 0.. {
        assert!(life < 60, "the film is never done: {}", context(kills));
        let mut runs: Vec<_> = machines
            .iter()
            .map(|machine| {
                let mut command = machine.command(["render", "--yes"]);
                command.stdout(Stdio::null()).stderr(Stdio::null());
                command.spawn().expect("the program starts")
            })
            .collect();
        // Most lives are short; the last ones are long enough for the film.
        for run in &mut runs {
            let wait = if life < 8 { dice.below(700) } else { 60_000 };
            let mut waited = 0;
            while waited < wait && run.try_wait().is_ok_and(|status| status.is_none()) {
                std::thread::sleep(Duration::from_millis(2));
                waited += 2;
            }
        }
        let mut codes = Vec::new();
        for run in &mut runs {
            let ended = run.try_wait().expect("a process").is_some();
            let _ = run.kill();
            let status = run.wait().expect("a process");
            kills += u64::from(!ended);
            codes.push(status.code());
        }
        // Nobody is alive now, so nobody will tell anything more.
        cache.age_claims();
        for (machine, code) in machines.iter().zip(&codes) {
            match code {
                Some(5) => unknown += decide(machine, &emulator),
                Some(0) | None => {}
                Some(code) => panic!("ended with {code}: {}", context(kills)),
            }
        }
        if codes == [Some(0), Some(0)] {
            break;
        }
        if dice.below(6) == 0 {
            // With its ledger and its files.
            machines[usize::from(dice.below(2) == 0)] = cache.machine(&emulator, FILM);
            lost += 1;
        }
    }
    let accepted = accepted(&emulator);
    for (word, times) in PAID {
        assert_eq!(accepted.get(word), Some(&times), "`{word}`: {}", context(kills));
    }
    let bill: Bill = serde_json::from_value(emulator.bill()).expect("a bill");
    assert_eq!(bill.upgrades.len(), 1, "{}", context(kills));
    for machine in &machines {
        assert_complete(machine, 4);
    }
    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    tally.kills += kills;
    tally.films += 1;
    tally.machines += lost;
    tally.unknown += unknown;
}

/// Does what a person does with unknown submissions: looks for their tasks at the provider's web page.
fn decide(machine: &Project, emulator: &Emulator) -> usize {
    let status = machine.run(["status", "--json"]).json();
    let bill = emulator.bill();
    let creates = bill["creates"].as_array().expect("a list");
    let unknown = status["unknown"].as_array().cloned().unwrap_or_default();
    assert!(!unknown.is_empty(), "{status:#}");
    for one in &unknown {
        let scene = one["scene_id"].to_string();
        let step = one["step"].as_str().expect("a step").to_owned();
        let word = match (scene.trim_matches('"'), step.as_str()) {
            ("1", _) => "lighthouse",
            ("2", "extend") => "Foam",
            ("2", _) => "Waves",
            ("3", _) => "lens",
            _ => "Gulls",
        };
        let is_of_it = |create: &&Value| create["body"]["prompt"].to_string().contains(word);
        let task =
            creates.iter().filter(is_of_it).filter_map(|create| create["task_id"].as_str()).find(
                |task| {
                    machine
                        .run(["adopt", scene.trim_matches('"'), "--step", &step, "--task", task])
                        .code
                        == 0
                },
            );
        if task.is_none() {
            // The second of two takes is given up with the first.
            machine.run(["forget", scene.trim_matches('"'), "--step", &step]);
        }
    }
    unknown.len()
}

/// What a scene starts from is fetched where that scene is not part of the run.
#[test]
fn a_scene_starts_from_one_that_is_not_selected_and_lies_in_the_shared_cache_only() {
    const PAIR: &str = "\
---
model: veo-3.1-fast
duration: 4s
---

## Scene 1
- **Prompt**: A lone lighthouse on a basalt skerry

## Scene 2
- **Prompt**: Waves climb the rock
- **Reference**: scene:1/last
";
    let emulator = quick();
    let cache = Cache::folder();
    let first = cache.machine(&emulator, PAIR);
    first.run(["render", "--yes", "--max-credits", "500"]).expect(0);
    let clone = cache.machine(&emulator, &PAIR.replace("climb the rock", "climb the black rock"));
    clone.write("public/assets/manifest.json", first.read("public/assets/manifest.json"));
    clone
        .run(["render", "--yes", "--max-credits", "500", "--only", "2"])
        .expect(0)
        .tells(&["1 rendered"]);
    assert!(!clone.has("public/assets/clips/scene-01.mp4"), "it is not part of the run");
}

/// A scene of which others have made one take gets others for the rest, however it came by the first.
#[test]
fn takes_beside_one_of_another_machine_are_their_own() {
    let emulator = quick();
    let cache = Cache::folder();
    let first = cache.machine(&emulator, ONE);
    first.run(["render", "--yes"]).expect(0);
    let wants = format!("{ONE}- **Takes**: 3\n");
    // By the cache alone, and by another branch's manifest as well.
    for deferring in [false, true] {
        let second = cache.machine(&emulator, &wants);
        second.write("main.json", first.read("public/assets/manifest.json"));
        let more: &[&str] = if deferring { &["--defer-to", "main.json"] } else { &[] };
        second.run([&["render", "--yes"], more].concat()).expect(0);
        let manifest = second.manifest();
        let entries = manifest["assets"].as_array().expect("a list").iter();
        let digests: std::collections::BTreeSet<String> =
            entries.clone().map(|entry| entry["sha256"].to_string()).collect();
        assert_eq!((entries.len(), digests.len()), (3, 3), "{manifest:#}");
    }
    // The second machine paid for two, which the third found.
    assert_eq!(accepted(&emulator)["lighthouse"], 3);

    // A retake is one more, though another branch has the clip.
    let third = cache.machine(&emulator, ONE);
    third.write("main.json", first.read("public/assets/manifest.json"));
    third.run(["render", "--yes", "--retake", "1", "--defer-to", "main.json"]).expect(0);
    let digest = |project: &Project| project.manifest()["assets"][0]["sha256"].clone();
    assert_ne!(digest(&third), digest(&first));
    // One that others have made and nobody here knows is one more as well.
    assert_eq!(accepted(&emulator)["lighthouse"], 3);
}

/// What was upgraded cannot be extended any more, whoever has made it: the plan says what has to be made anew.
#[test]
fn what_another_machine_has_upgraded_is_not_extended() {
    let emulator = quick();
    let cache = Cache::folder();
    let scene = |more: &str| {
        format!(
            "## Scene 1\n- **Model**: veo-3.1-fast\n- **Duration**: 8s\n- **Prompt**: A lone lighthouse\n\n{more}"
        )
    };
    let first = cache.machine(&emulator, &scene("### Upscale\n1080p\n"));
    first.run(["render", "--yes"]).expect(0);
    let second = cache.machine(&emulator, &scene("### Extend\nThe Foam runs back\n"));
    second.write("main.json", first.read("public/assets/manifest.json"));
    let deferring = ["--defer-to", "main.json"];
    let plan = second.run([&["plan", "--json"][..], &deferring].concat()).expect(0).json();
    assert_eq!(plan["summary"]["credits"], 120, "{plan:#}");
    second.run([&["render", "--yes"][..], &deferring].concat()).expect(0);
    assert_eq!(accepted(&emulator)["lighthouse"], 2);
}

/// A clip that exists is not paid for again because it cannot be taken now.
#[test]
fn a_clip_that_cannot_be_taken_now_stops_the_run() {
    let emulator = quick();
    let cache = Cache::folder();
    let first = cache.machine(&emulator, ONE);
    first.run(["render", "--yes"]).expect(0);
    let second = cache.machine(&emulator, &format!("{ONE}\n### Upscale\n1080p\n"));
    second.write("public/assets/manifest.json", first.read("public/assets/manifest.json"));
    second.configure("[limits]\nmax_clip = \"1 KiB\"\n");
    second.run(["render", "--yes"]).expect(3).tells(&["max_clip", "nothing was sent"]);
    assert_eq!(accepted(&emulator)["lighthouse"], 1);
    second.reconfigure("1 KiB", "1 GiB");
    for file in files_below(&cache.objects().join("clips/sha256")) {
        std::fs::write(file, "other bytes").expect("a file");
    }
    // The provider upgrades its own copy, so the clip itself is not needed.
    second.run(["render", "--yes"]).expect(0).tells(&["cannot be used"]);
    assert_eq!(accepted(&emulator)["lighthouse"], 1);
}
