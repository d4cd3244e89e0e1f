//! The numbers of BENCHMARKS.md: `cargo bench --bench storyreel`, or some of them: `cargo bench --bench storyreel -- restoring`.
//!
//! Each figure is a whole process, started and waited for as a user's shell does it, and stands beside a reference
//! measured in the same minute on the same machine: the start of a program that does nothing.

mod edges;
mod reading;
mod restoring;
mod submission;

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use storyreel::catalog::{Catalog, ModeKind, Parameter, Status, WireType};

const BINARY: &str = env!("CARGO_BIN_EXE_storyreel");
const SCENES: usize = 1_000;

fn main() {
    // `cargo test --benches` runs this too; only `cargo bench` measures.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    println!("cores: {}", std::thread::available_parallelism().map_or(1, usize::from));
    let nothing = median(50, || run(Command::new("true")));
    println!("reference, a program that does nothing, start to exit: {}", told(nothing));

    let version = median(50, || run(program(folder.path(), &["--version"])));
    println!(
        "`--version`, start to exit: {} ({:.1} times the reference)",
        told(version),
        ratio(version, nothing)
    );

    let folder = folder.path();
    let parts: [(&str, &dyn Fn()); 7] = [
        ("submission", &|| submission(folder)),
        ("preview", &|| preview(folder)),
        ("nothing-to-do", &|| nothing_to_do(folder, nothing)),
        ("every-model", &|| every_model(folder)),
        ("reading", &|| reading::reading(folder, nothing)),
        ("edges", &|| edges::edges(folder, nothing)),
        ("restoring", &|| restoring::restoring(folder)),
    ];
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (name, measure) in parts {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            measure();
        }
    }
}

/// A plan of a storyboard with a scene of every model that makes clips.
fn every_model(folder: &Path) {
    let film = folder.join("every-model");
    std::fs::create_dir_all(film.join("refs")).expect("a folder");
    for name in ["a.png", "clip.mp4", "voice.mp3"] {
        std::fs::write(film.join("refs").join(name), name).expect("a file");
    }
    let catalog = Catalog::built_in().expect("the built-in catalogue");
    let mut scenes = Vec::new();
    for model in catalog.models().iter().filter(|model| model.status == Status::Live) {
        let Some(mode) = model.modes.iter().find(|mode| {
            use ModeKind::{I2v, Motion, Speech, T2v, V2v};
            [T2v, I2v, V2v, Motion, Speech].contains(&mode.kind)
        }) else {
            continue;
        };
        let mut scene = json!({"id": scenes.len() + 1, "prompt": "A red kite", "duration": 4, "model": model.name});
        for (field, file) in [("reference", "a.png"), ("video", "clip.mp4"), ("audio", "voice.mp3")]
        {
            let is_file = |p: &&Parameter| p.is_fed_by(field) && p.wire_type != WireType::Boolean;
            if mode.parameters.iter().find(is_file).is_some_and(|parameter| parameter.required) {
                scene[field] = format!("refs/{file}").into();
            }
        }
        scenes.push(scene);
    }
    let count = scenes.len();
    std::fs::write(film.join("storyboard.yaml"), json!({"scenes": scenes}).to_string())
        .expect("a storyboard");
    let time = median(21, || run(program(&film, &["plan"])));
    println!("`plan` of a scene of every model ({count} scenes): {}", told(time));
}

/// What a submission adds before its bytes leave, beside what the disk takes for one synced write.
fn submission(folder: &Path) {
    let mut times = submission::intent_to_wire(folder, 100);
    times.sort();
    let synced = median(50, || {
        let started = Instant::now();
        let mut file = std::fs::File::create(folder.join("synced")).expect("a file");
        std::io::Write::write_all(&mut file, &[7; 4096]).expect("it is written");
        file.sync_all().expect("it is synced");
        started.elapsed()
    });
    println!(
        "a submission, intent to bytes on the wire: median {}, slowest of {} {} (one synced write of 4 kB: {})",
        told(times[times.len() / 2]),
        times.len(),
        told(times[times.len() - 1]),
        told(synced)
    );
}

/// The example as it stands, drawn from scratch.
fn preview(folder: &Path) {
    let example =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/storyboards/skerry-light/SCENES.md");
    let project = folder.join("film");
    std::fs::create_dir_all(&project).expect("a folder");
    std::fs::copy(&example, project.join("SCENES.md")).expect("the example");
    let mut times: Vec<Duration> = (0..3)
        .map(|_| {
            let _ = std::fs::remove_dir_all(project.join(".storyreel"));
            run(program(&project, &["render", "SCENES.md", "--preview"]))
        })
        .collect();
    times.sort();
    let clips: Vec<storyreel::media::Probe> = mp4s(&project)
        .iter()
        .map(|path| storyreel::media::probe_file(path).expect("a preview clip"))
        .collect();
    let film: f64 = clips.iter().map(|probe| probe.duration).sum();
    let large = clips.iter().filter(|probe| probe.width.max(probe.height) >= 1280).count();
    println!(
        "preview of skerry-light, {} clips ({large} upscaled), {film:.1} s of film: {} ({:.1} times real time)",
        clips.len(),
        told(times[1]),
        film / times[1].as_secs_f64()
    );
}

/// A thousand rendered scenes, and a run that finds nothing to do.
fn nothing_to_do(folder: &Path, reference: Duration) {
    let project = folder.join("thousand");
    std::fs::create_dir_all(&project).expect("a folder");
    let mut board = String::from(
        "title: A thousand scenes\ndefaults: {duration: 4, style: 35mm film}\nscenes:\n",
    );
    for scene in 1..=SCENES {
        board.push_str(&format!("  - {{id: {scene}, title: Scene {scene}, visual: Wave number {scene} breaks on the rock}}\n"));
    }
    std::fs::write(project.join("storyboard.yaml"), board).expect("a storyboard");
    let ready = folder.join("ready.json");
    let mut emulator = Emulator::start(folder, &ready);
    let base = emulator.base(&ready);
    // Only the user's own configuration may raise the limit that the provider sets.
    let config = project.join("config/storyreel");
    std::fs::create_dir_all(&config).expect("a folder");
    std::fs::write(
        config.join("config.toml"),
        "[limits]\nsubmissions = \"100000/1s\"\n[poll]\nfirst = \"1s\"\n",
    )
    .expect("a configuration");
    let with_key = |arguments: &[&str]| {
        let mut command = program(&project, arguments);
        command
            .env("KIE_API_BASE", &base)
            .env("KIE_UPLOAD_BASE", &base)
            .env("KIE_API_KEY", "bench");
        command
    };
    let first = run(with_key(&["render", "storyboard.yaml"]));
    let before = requests(&base);
    let idle = median(21, || run(with_key(&["render", "storyboard.yaml"])));
    let sent = requests(&base) - before;
    println!("render of {SCENES} new scenes against the emulator: {}", told(first));
    println!(
        "`render` with nothing to do, {SCENES} scenes: {} ({:.0} times the reference), {sent} requests",
        told(idle),
        ratio(idle, reference)
    );
    let plan = median(11, || run(with_key(&["plan", "storyboard.yaml"])));
    println!("`plan` with nothing to do, {SCENES} scenes: {}", told(plan));
}

/// A local provider as a process of its own.
struct Emulator(Child);

impl Emulator {
    fn start(folder: &Path, ready: &Path) -> Self {
        let mut command = program(
            folder,
            &["emulator", "--port", "0", "--task-time", "0", "--credits", "1000000"],
        );
        command.args(["--submissions", "100000/1s", "--ready-file"]).arg(ready);
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the emulator"))
    }

    fn base(&mut self, ready: &Path) -> String {
        let started = Instant::now();
        loop {
            if let Ok(text) = std::fs::read_to_string(ready)
                && let Ok(json) = serde_json::from_str::<Value>(&text)
                && let Some(base) = json["base"].as_str()
            {
                return base.to_owned();
            }
            assert!(started.elapsed() < Duration::from_secs(20), "the emulator did not start");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How many requests the emulator has seen, its own pages not counted.
fn requests(base: &str) -> i64 {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let bill: Value = runtime.block_on(async {
        let answer = reqwest::get(format!("{base}/emulator/bill")).await.expect("the bill");
        answer.json().await.expect("the bill as JSON")
    });
    bill["requests"].as_object().into_iter().flatten().filter_map(|(_, count)| count.as_i64()).sum()
}

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments).current_dir(folder).env_clear();
    command
        .env("HOME", folder)
        .env("XDG_CONFIG_HOME", folder.join("config"))
        .env("XDG_STATE_HOME", folder.join("state"));
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// Runs a command to its end and gives the wall-clock time; a failure stops the benchmark.
fn run(mut command: Command) -> Duration {
    let started = Instant::now();
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    let time = started.elapsed();
    assert!(
        output.status.success(),
        "{command:?} ended with {}:\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    time
}

fn median(times: usize, mut measure: impl FnMut() -> Duration) -> Duration {
    let mut all: Vec<Duration> = (0..times).map(|_| measure()).collect();
    all.sort();
    all[times / 2]
}

fn mp4s(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(mp4s(&path));
        } else if path.extension().is_some_and(|extension| extension == "mp4") {
            found.push(path);
        }
    }
    found
}

fn told(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn ratio(time: Duration, reference: Duration) -> f64 {
    time.as_secs_f64() / reference.as_secs_f64()
}
