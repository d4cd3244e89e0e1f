//! The window of submissions, kept by many processes of the built program together.

use crate::support::{Emulator, Project, Running};
use serde_json::Value;
use tempfile::TempDir;

/// A film of so many scenes; the text tells films apart.
fn film(name: &str, scenes: usize) -> String {
    let scenes: String = (1..=scenes)
        .map(|number| format!("\n## Scene {number}\n- **Prompt**: Lighthouse {number} of {name}\n"))
        .collect();
    format!("---\nmodel: veo-3.1-fast\nduration: 4s\n---\n{scenes}")
}

/// A user with a small window, and projects of theirs.
struct User {
    emulator: Emulator,
    home: TempDir,
    projects: Vec<Project>,
}

impl User {
    fn new(limit: &str, latency: &str, projects: usize, scenes: usize) -> Self {
        let emulator =
            Emulator::with(&["--task-time", "0", "--submissions", limit, "--latency", latency]);
        let home = tempfile::tempdir().expect("a temporary folder");
        let config = home.path().join("config/storyreel");
        std::fs::create_dir_all(&config).expect("a folder");
        let text = format!(
            "[limits]\nsubmissions = \"{limit}\"\n[poll]\nfirst = \"20ms\"\nmax = \"50ms\"\n[retry]\nfirst = \"10ms\"\n"
        );
        std::fs::write(config.join("config.toml"), text).expect("a file");
        let home_of = |name: &str| home.path().join(name).to_string_lossy().into_owned();
        let projects = (0..projects)
            .map(|number| {
                let mut project =
                    Project::with_storyboard(&film(&format!("film {number}"), scenes))
                        .using(&emulator);
                project.set("XDG_CONFIG_HOME", &home_of("config"));
                project.set("XDG_STATE_HOME", &home_of("state"));
                // However the same host is written, it is the same account.
                let spelling = if number.is_multiple_of(2) { "" } else { "/" };
                project.set("KIE_API_BASE", &format!("{}{spelling}", emulator.base));
                project
            })
            .collect();
        Self { emulator, home, projects }
    }

    #[track_caller]
    fn assert_never_refused(&self, limit: u64, accepted: usize) {
        let bill = self.emulator.bill();
        assert_eq!(bill["submissions"]["refused"], 0, "{}", bill["submissions"]);
        assert!(bill["submissions"]["most"].as_u64().is_some_and(|most| most <= limit), "{bill:#}");
        let creates = bill["creates"].as_array().expect("creates");
        assert_eq!(creates.len(), accepted);
        assert!(creates.iter().all(|create| create["task_id"].is_string()), "{creates:#?}");
    }

    /// The files of the log that all of them share.
    fn log_files(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.home.path().join("state/storyreel"))
            .expect("the state folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn eight_processes_of_one_key_share_one_window() {
    let user = User::new("5/1s", "2ms", 8, 3);
    let runs: Vec<Running> =
        user.projects.iter().map(|project| project.start(["render", "--yes"])).collect();
    for run in runs {
        run.finish().expect(0);
    }
    user.assert_never_refused(5, 24);
    assert_eq!(user.emulator.judge(), serde_json::json!([]));
    let files = user.log_files();
    let ends: Vec<&str> = files.iter().filter_map(|name| name.rsplit('.').next()).collect();
    // That of what was spent, and that of what was sent.
    assert_eq!(ends, ["lock", "log", "lock", "log"], "one for all, and nothing left: {files:?}");
}

#[test]
fn killed_processes_and_those_after_them_keep_to_the_window() {
    let user = User::new("5/1s", "20ms", 8, 3);
    let lives = |number: usize, project: &Project| -> usize {
        let mut unknown = 0;
        // Killed once or twice, at different moments: right after the plan, and after a task or two.
        for (life, lines) in [number % 5, 2 + number % 4].into_iter().enumerate() {
            if life == 1 && number.is_multiple_of(3) {
                break;
            }
            let mut run = project.start(["render", "--yes", "--json"]);
            for _ in 0..lines {
                let _ = run.lines.next();
            }
            run.kill();
        }
        loop {
            let done = project.run(["render", "--yes", "--json"]);
            if done.code == 0 {
                return unknown;
            }
            assert_eq!(done.code, 5, "{done:?}");
            // What was on its way when the process died is unknown; it is given up, so that the film gets done.
            for scene in unknown_scenes(&done.json_lines()) {
                project.run(["forget", &scene]).expect(0);
                unknown += 1;
            }
        }
    };
    let unknown: usize = std::thread::scope(|scope| {
        let lives = &lives;
        let threads: Vec<_> = user
            .projects
            .iter()
            .enumerate()
            .map(|(number, project)| scope.spawn(move || lives(number, project)))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread")).sum()
    });
    let accepted = user.emulator.bill()["creates"].as_array().map_or(0, Vec::len);
    assert!((24..=24 + unknown).contains(&accepted), "{accepted} of 24 with {unknown} given up");
    user.assert_never_refused(5, accepted);
}

fn unknown_scenes(lines: &[Value]) -> Vec<String> {
    let mut scenes: Vec<String> = lines
        .iter()
        .filter(|line| line["event"] == "unknown")
        .map(|line| line["scene_id"].to_string())
        .collect();
    scenes.dedup();
    assert!(!scenes.is_empty(), "{lines:#?}");
    scenes
}
