//! A project in a temporary folder, the built program in a clean environment, and an emulator to talk to.

use serde_json::Value;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The key that projects with an emulator use.
pub const KEY: &str = "test-key-0123456789";

/// A storyboard of two scenes that cost 60 credits each.
pub const TWO_SCENES: &str = "\
---
model: veo-3.1-fast
---

## Scene 1: First light
- **Duration**: 6s
- **Prompt**: A lone lighthouse on a basalt skerry at dawn

## Scene 2: The climb
- **Duration**: 8s
- **Prompt**: An iron spiral staircase by lamplight
";

/// A project folder with a home of its own beside it.
pub struct Project {
    _folder: TempDir,
    root: PathBuf,
    home: PathBuf,
    environment: Vec<(String, String)>,
}

/// What a command did.
#[derive(Debug)]
pub struct Done {
    /// Exit code; -1 for a process that a signal ended.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Project {
    /// An empty project. Polls are quick, so that runs against an emulator are.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let base = folder.path().canonicalize().expect("a real path");
        let (root, home) = (base.join("film"), base.join("home"));
        for path in [&root.join(".git"), &home.join("config/storyreel")] {
            std::fs::create_dir_all(path).expect("a new folder");
        }
        std::fs::write(
            home.join("config/storyreel/config.toml"),
            "[poll]\nfirst = \"20ms\"\nmax = \"50ms\"\n[retry]\nfirst = \"10ms\"\nmax = \"50ms\"\n",
        )
        .expect("a new file");
        Self { _folder: folder, root, home, environment: Vec::new() }
    }

    /// A project whose storyboard is this text.
    pub fn with_storyboard(text: &str) -> Self {
        let project = Self::new();
        project.write("SCENES.md", text);
        project
    }

    /// Lets commands talk to this emulator, with [`KEY`].
    #[must_use]
    pub fn using(mut self, emulator: &Emulator) -> Self {
        self.set("KIE_API_BASE", &emulator.base);
        self.set("KIE_UPLOAD_BASE", &emulator.upload_base);
        self.set("KIE_API_KEY", KEY);
        self
    }

    /// Sets an environment variable for commands.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Adds to the user's own configuration.
    pub fn configure(&self, text: &str) {
        let path = self.home.join("config/storyreel/config.toml");
        let known = std::fs::read_to_string(&path).expect("a configuration");
        std::fs::write(&path, known + text).expect("a file");
    }

    /// Changes the user's own configuration.
    pub fn reconfigure(&self, old: &str, new: &str) {
        let path = self.home.join("config/storyreel/config.toml");
        let known = std::fs::read_to_string(&path).expect("a configuration");
        assert!(known.contains(old), "{known}");
        std::fs::write(&path, known.replace(old, new)).expect("a file");
    }

    /// Where the user's processes share their state.
    pub fn state_folder(&self) -> PathBuf {
        self.home.join("state")
    }

    /// The project's root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file of the project.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Writes a file of the project, and its folders.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).expect("a new folder");
        }
        std::fs::write(path, content).expect("a new file");
    }

    /// Reads a text file of the project.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// True when a file of the project exists.
    pub fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// The public manifest.
    pub fn manifest(&self) -> Value {
        serde_json::from_str(&self.read("public/assets/manifest.json")).expect("a manifest")
    }

    /// The program with arguments, in the project's root and with a clean environment, not started yet.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_storyreel"));
        command
            .args(arguments)
            .current_dir(&self.root)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.home)
            .env("XDG_CONFIG_HOME", self.home.join("config"))
            .env("XDG_STATE_HOME", self.home.join("state"))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs the program until it stands still at a named point, and kills it there.
    #[cfg(debug_assertions)]
    pub fn killed_at<S: AsRef<OsStr>>(&self, point: &str, arguments: impl IntoIterator<Item = S>) {
        let mut command = self.command(arguments);
        command.env(storyreel::engine::watched::halt::VARIABLE, point);
        let mut halted =
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        let errors = std::io::BufReader::new(halted.stderr.take().expect("a pipe"));
        let mut lines = std::io::BufRead::lines(errors).map_while(Result::ok);
        assert!(lines.any(|line| line.starts_with("halted")), "it never came to {point}");
        halted.kill().expect("it can be killed");
        halted.wait().expect("it has ended");
    }

    /// Runs the program and waits for it.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Done {
        let output = self.command(arguments).output().expect("the program starts");
        Done {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8 on standard output"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8 on standard error"),
        }
    }
}

/// A run of the program that goes on while the test does something else. Killed when dropped.
pub struct Running {
    process: Child,
    /// Standard output, line by line.
    pub lines: Lines<BufReader<ChildStdout>>,
    seen: Vec<String>,
    told: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Project {
    /// Starts the program and leaves it running.
    pub fn start<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Running {
        let mut process = self
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let errors = BufReader::new(process.stderr.take().expect("a pipe"));
        let lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let told = Arc::new(Mutex::new(String::new()));
        let log = Arc::clone(&told);
        let reader = std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
            }
        });
        Running { process, lines, seen: Vec::new(), told, reader: Some(reader) }
    }
}

impl Running {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Reads its standard output up to a line that holds this.
    #[track_caller]
    pub fn until(&mut self, part: &str) {
        loop {
            let Some(Ok(line)) = self.lines.next() else {
                panic!("no `{part}` in {:#?}, {:?}", self.seen, self.process.wait());
            };
            self.seen.push(line);
            if self.seen.last().is_some_and(|line| line.contains(part)) {
                return;
            }
        }
    }

    /// Standard error so far.
    pub fn told(&self) -> String {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until its standard error holds this.
    #[track_caller]
    pub fn until_told(&self, part: &str) {
        wait_until(part, || self.told().contains(part));
    }

    /// Sends it a signal.
    #[cfg(unix)]
    pub fn signal(&self, signal: rustix::process::Signal) {
        let process = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(process, signal).expect("the process is there");
    }

    /// Kills it without warning, and waits until it is gone.
    pub fn kill(mut self) {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it has ended");
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Done {
        self.seen.extend(self.lines.by_ref().map_while(Result::ok));
        let status = self.process.wait().expect("it ends");
        if let Some(reader) = self.reader.take() {
            reader.join().expect("a reader");
        }
        let stdout = self.seen.iter().map(|line| format!("{line}\n")).collect();
        Done { code: status.code().unwrap_or(-1), stdout, stderr: self.told() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Looks again and again until something is so that another process brings about.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "not yet: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Done {
    /// Fails the test unless the command ended with this code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails the test unless standard error holds all of these.
    #[track_caller]
    pub fn tells(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "`{part}` is not in:\n{}", self.stderr);
        }
        self
    }

    /// Fails the test unless standard output holds all of these.
    #[track_caller]
    pub fn prints(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stdout.contains(part), "`{part}` is not in:\n{}", self.stdout);
        }
        self
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}:\n{}\n{}", self.stdout, self.stderr))
    }

    /// Standard output as JSON lines.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let read = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        };
        self.stdout.lines().map(read).collect()
    }
}

/// A running emulator; ended when dropped.
pub struct Emulator {
    process: Child,
    /// Base of its API.
    pub base: String,
    /// Base of its upload host.
    pub upload_base: String,
    _folder: TempDir,
}

impl Emulator {
    /// An emulator whose tasks are done at the first look.
    pub fn start() -> Self {
        Self::with(&["--task-time", "0"])
    }

    /// An emulator with flags of its own.
    pub fn with(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ready = folder.path().join("ready.json");
        let mut process = Command::new(env!("CARGO_BIN_EXE_storyreel"))
            .args(["emulator", "--port", "0", "--ready-file"])
            .arg(&ready)
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the emulator starts");
        let deadline = Instant::now() + Duration::from_secs(30);
        // Another process becomes ready at a time of its own; there is nothing but looking.
        let addresses: Value = loop {
            if let Ok(text) = std::fs::read_to_string(&ready)
                && let Ok(addresses) = serde_json::from_str(&text)
            {
                break addresses;
            }
            if let Ok(Some(status)) = process.try_wait() {
                panic!("the emulator ended with {status}");
            }
            assert!(Instant::now() < deadline, "the emulator is not ready after 30 s");
            std::thread::sleep(Duration::from_millis(5));
        };
        let text = |name: &str| addresses[name].as_str().expect("an address").to_owned();
        Self { process, base: text("base"), upload_base: text("upload_base"), _folder: folder }
    }

    /// Everything that was asked for, and what it cost.
    pub fn bill(&self) -> Value {
        self.control("GET", "/emulator/bill", "")
    }

    /// What a careful client would not have done.
    pub fn judge(&self) -> Value {
        self.control("GET", "/emulator/judge", "")
    }

    /// Calls a control path.
    pub fn control(&self, method: &str, path: &str, body: &str) -> Value {
        let address = self.base.strip_prefix("http://").expect("a local address");
        let mut stream = TcpStream::connect(address).expect("the emulator listens");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("the emulator reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the emulator answers");
        let answer = String::from_utf8_lossy(&answer);
        let (_, body) = answer.split_once("\r\n\r\n").expect("an answer with a body");
        serde_json::from_str(body.trim()).unwrap_or_else(|_| Value::String(body.to_owned()))
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Answers over HTTP on a free port, until it is dropped.
pub struct Served {
    /// Where: `http://127.0.0.1:41234`.
    pub base: String,
    _runtime: tokio::runtime::Runtime,
}

/// Starts to answer.
pub fn serve(router: axum::Router) -> Served {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
    let listener = listener.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    runtime.spawn(async move { axum::serve(listener, router).await });
    Served { base, _runtime: runtime }
}

/// All files below a folder, in order.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten().filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// The names of all files below a folder, relative to it.
pub fn names_below(folder: &Path) -> BTreeSet<String> {
    let name = |path: PathBuf| {
        let name = path.strip_prefix(folder).expect("below the folder");
        name.to_string_lossy().into_owned()
    };
    files_below(folder).into_iter().map(name).collect()
}

/// A row of numbers that a seed stands for, the same everywhere.
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    /// The next one, from 0 up to and without the limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }

    /// True in so many cases of a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}
