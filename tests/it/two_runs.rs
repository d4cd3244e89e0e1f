//! Two runs of one project at a time, and other programs that write to the same manifest.

use crate::support::{Emulator, Project, Running, TWO_SCENES, wait_until};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

const MANIFEST: &str = "public/assets/manifest.json";
const LOCK: &str = ".storyreel/lock";

/// A project whose run holds the lock until it is killed.
fn held() -> (Emulator, Project, Running) {
    let emulator = Emulator::with(&["--task-time", "3600s"]);
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    let mut run = project.start(["render", "--yes", "--json"]);
    run.until("\"submitted\"");
    run.until("\"submitted\"");
    (emulator, project, run)
}

fn requests(emulator: &Emulator) -> Value {
    emulator.bill()["requests"].clone()
}

#[test]
fn a_second_run_is_refused_with_the_holder_named() {
    let (emulator, project, run) = held();
    let holder = format!("`storyreel render` (process {}, since 20", run.id());
    for arguments in [
        vec!["render", "--yes"],
        vec!["render", "--retake", "1", "--yes"],
        vec!["render", "--wait=50ms", "--yes"],
        vec!["forget", "1"],
        vec!["adopt", "1", "--task", "0a1b2c3d"],
    ] {
        project.run(&arguments).expect(3).tells(&["another run holds the lock", &holder, "--wait"]);
    }
    let error = project.run(["render", "--json"]).expect(3).json();
    assert_eq!(error["code"], "locked");
    assert_eq!(emulator.bill()["creates"].as_array().map(Vec::len), Some(2));
    // What only looks needs no lock.
    for arguments in [
        vec!["plan"],
        vec!["plan", "--json"],
        vec!["status"],
        vec!["check"],
        vec!["explain", "1"],
        vec!["render", "--preview", "--only", "1"],
    ] {
        project.run(&arguments).expect(0);
    }
    // Another project has a lock of its own.
    let other = Project::with_storyboard(TWO_SCENES).using(&emulator);
    other.run(["render", "--yes", "--submit-only"]).expect(8);
    run.kill();
}

#[test]
fn a_killed_holder_keeps_nobody_out_and_its_file_stays() {
    let (emulator, project, run) = held();
    let pid = run.id().to_string();
    let before = identity(&project.path(LOCK));
    run.kill();
    assert!(project.read(LOCK).contains(&pid), "what it wrote outlives it");
    emulator.control("POST", "/emulator/clock", "{\"advance_ms\": 3600000}");
    let done = project.run(["render", "--yes"]).expect(0);
    assert!(!done.stderr.contains(&pid), "{}", done.stderr);
    assert_eq!(identity(&project.path(LOCK)), before, "the lock file is never deleted");
    assert_eq!(project.read(LOCK), "", "nobody holds it");
    assert_eq!(emulator.bill()["creates"].as_array().map(Vec::len), Some(2));
    project.write(LOCK, "\u{1b}[2Jnonsense");
    project.run(["render", "--yes", "--retake", "1", "--submit-only"]).expect(8);
}

#[cfg(unix)]
fn identity(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).expect("a file").ino()
}

#[cfg(not(unix))]
fn identity(path: &Path) -> u64 {
    u64::from(path.exists())
}

#[test]
fn a_waiting_run_says_for_whom_and_goes_on_when_the_lock_is_free() {
    let (emulator, project, run) = held();
    let holder =
        format!("waiting for another run to end: `storyreel render` (process {}", run.id());
    let waiting = [
        project.start(["render", "--yes", "--wait"]),
        project.start(["render", "--yes", "--wait=60"]),
    ];
    for one in &waiting {
        one.until_told(&holder);
    }
    emulator.control("POST", "/emulator/clock", "{\"advance_ms\": 3600000}");
    run.kill();
    for one in waiting {
        one.finish().expect(0);
    }
    assert_eq!(emulator.bill()["creates"].as_array().map(Vec::len), Some(2));
    assert_eq!(emulator.judge(), json!([]));
}

#[cfg(unix)]
#[test]
fn a_lock_that_is_no_plain_file_is_refused() {
    let emulator = Emulator::start();
    for kind in ["link", "dangling", "folder", "pipe"] {
        let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
        project.write("elsewhere", "kept");
        std::fs::create_dir(project.path(".storyreel")).expect("a folder");
        let lock = project.path(LOCK);
        match kind {
            "link" => std::os::unix::fs::symlink(project.path("elsewhere"), &lock).expect("a link"),
            "dangling" => std::os::unix::fs::symlink(project.path("new"), &lock).expect("a link"),
            "folder" => std::fs::create_dir(&lock).expect("a folder"),
            _ => {
                let made =
                    std::process::Command::new("mkfifo").arg(&lock).status().expect("a tool");
                assert!(made.success());
            }
        }
        let done =
            project.run(["render", "--yes"]).expect(3).tells(&["the lock `", "cannot be used"]);
        assert!(
            kind == "pipe" || kind == "folder" || done.stderr.contains("a symbolic link"),
            "{done:?}"
        );
        assert_eq!(project.read("elsewhere"), "kept");
        assert!(!project.has("new"));
    }
    assert_eq!(requests(&emulator), json!({}));
}

/// What another tool does: reads the manifest, adds an entry or edits one of its own, and writes it back, whole or in
/// place. Its view is a moment old by then, as that of every such tool; so it says which of its edits it has seen done.
struct OtherTool<'a> {
    project: &'a Project,
    edits: usize,
}

impl OtherTool<'_> {
    fn read(&self) -> Option<Value> {
        let text = std::fs::read_to_string(self.project.path(MANIFEST)).ok()?;
        // The manifest is whole for whoever reads it: only this tool itself ever writes in place.
        Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
    }

    fn edit(&mut self) {
        let mut manifest = self
            .read()
            .unwrap_or_else(|| json!({"version": "1.0", "made_by": "hand", "assets": []}));
        let number = self.edits;
        let entry = json!({"id": format!("img-{number:03}"), "type": "image", "filename": format!("assets/i{number}.png")});
        manifest["assets"].as_array_mut().expect("a list").push(entry);
        manifest[format!("x-{number}")] = json!(number);
        for entry in manifest["assets"].as_array_mut().expect("a list") {
            if entry["type"] == "image" {
                entry["seen"] = json!(number);
            }
        }
        let text = serde_json::to_string_pretty(&manifest).expect("JSON");
        let path = self.project.path(MANIFEST);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        if number.is_multiple_of(2) {
            let new = self.project.path("public/assets/other-tool.tmp");
            std::fs::write(&new, text).expect("a file");
            std::fs::rename(&new, &path).expect("a rename");
        } else {
            std::fs::write(&path, text).expect("a file");
        }
        self.edits += 1;
    }
}

#[test]
fn other_tools_lose_nothing_and_take_nothing_away() {
    let emulator = Emulator::start();
    let scenes: String = (1..=12)
        .map(|number| format!("\n## Scene {number}\n- **Prompt**: Lighthouse number {number}\n"))
        .collect();
    let storyboard = format!("---\nmodel: veo-3.1-fast\nduration: 4s\n---\n{scenes}");
    let project = Project::with_storyboard(&storyboard).using(&emulator);
    let over = AtomicBool::new(false);
    let edits = std::thread::scope(|scope| {
        let tool = scope.spawn(|| {
            let mut tool = OtherTool { project: &project, edits: 0 };
            while !over.load(Ordering::Relaxed) {
                tool.edit();
                // Two edits within the microseconds in which files are exchanged could cross; people's tools pause.
                std::thread::sleep(std::time::Duration::from_millis(40));
            }
            tool.edits
        });
        for only in ["1-3", "4-6", "7-9", "10-12"] {
            project.run(["render", "--yes", "--only", only]).expect(0);
        }
        project.run(["render", "--yes", "--retake", "1,5"]).expect(0);
        over.store(true, Ordering::Relaxed);
        tool.join().expect("the tool")
    });
    // The tool may have written back what it had read before an entry of ours was there: that entry comes back free.
    project.run(["render", "--yes"]).expect(0);
    assert_eq!(emulator.bill()["charged"], 14.0 * 60.0);
    let manifest = project.manifest();
    assert_eq!(manifest["made_by"], "hand");
    let assets = manifest["assets"].as_array().expect("a list");
    let ids: BTreeSet<&str> = assets.iter().filter_map(|entry| entry["id"].as_str()).collect();
    assert!(edits > 20, "only {edits} edits");
    for number in 0..edits {
        assert!(
            ids.contains(format!("img-{number:03}").as_str()),
            "edit {number} of {edits} is lost"
        );
        assert_eq!(manifest[format!("x-{number}")], number, "key {number} of {edits} is lost");
    }
    let images = assets.iter().filter(|entry| entry["type"] == "image");
    assert!(images.clone().all(|entry| entry["seen"] == edits - 1), "the last edit is lost");
    for scene in 1..=12 {
        let current: Vec<&Value> = assets
            .iter()
            .filter(|entry| entry["scene_id"] == scene && entry.get("superseded_by").is_none())
            .collect();
        assert_eq!(current.len(), 1, "scene {scene}: {current:#?}");
        let name = format!("public/{}", current[0]["filename"].as_str().expect("a name"));
        let bytes = std::fs::read(project.path(&name)).expect("a clip");
        assert_eq!(current[0]["bytes"], bytes.len(), "{name}");
    }
    let left: Vec<String> = std::fs::read_dir(project.path("public/assets"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn a_reader_never_sees_half_a_manifest() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    let over = AtomicBool::new(false);
    let reads = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !over.load(Ordering::Relaxed) {
                if let Ok(text) = std::fs::read_to_string(project.path(MANIFEST)) {
                    let manifest: Value = serde_json::from_str(&text)
                        .unwrap_or_else(|error| panic!("{error}: {text}"));
                    assert!(manifest["assets"].is_array());
                    reads += 1;
                }
            }
            reads
        });
        for retake in 0..4 {
            let arguments: &[&str] = if retake == 0 { &[] } else { &["--retake", "1,2"] };
            project.run([&["render", "--yes"], arguments].concat()).expect(0);
        }
        wait_until("it was read", || project.has(MANIFEST));
        over.store(true, Ordering::Relaxed);
        reader.join().expect("a reader")
    });
    assert!(reads > 0);
}
