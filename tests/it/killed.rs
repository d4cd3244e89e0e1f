//! The built program, killed without warning after lines that it reports, and started again.

use crate::support::{Emulator, Project};
use serde_json::json;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

const STORYBOARD: &str = "\
---
model: veo-3.1-fast
---

## Scene 1: First light
- **Duration**: 8s
- **Prompt**: A lone lighthouse on a basalt skerry at dawn

## Scene 2: The climb
- **Duration**: 8s
- **Prompt**: An iron spiral staircase by lamplight

### Upscale
1080p
";

/// Starts a render and kills it once it has reported so many lines. False when it ended before that.
fn render_and_kill(project: &Project, lines: usize) -> bool {
    let mut process = project
        .command(["render", "--json", "--yes"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let output = process.stdout.take().expect("its output");
    let read = BufReader::new(output).lines().take(lines).filter(Result::is_ok).count();
    process.kill().expect("it can be killed");
    process.wait().expect("it has ended");
    read == lines
}

#[test]
fn a_killed_render_is_finished_by_the_next_one_and_paid_once() {
    let mut deaths = 0;
    for lines in (1..).step_by(2) {
        let emulator = Emulator::with(&["--task-time", "0", "--latency", "2ms"]);
        let project = Project::with_storyboard(STORYBOARD).using(&emulator);
        let died = render_and_kill(&project, lines);
        // A second death, at another place.
        render_and_kill(&project, 1 + lines / 2);
        let done = project.run(["render", "--json", "--yes"]);
        assert_eq!(emulator.judge(), json!([]), "killed after {lines} lines\n{done:?}");
        let states = ["unknown", "blocked"]
            .map(|kind| done.json_lines().iter().filter(|line| line["event"] == kind).count());
        // What was on its way when the process died is unknown, and nothing else keeps the run from its end.
        let code = if states == [0, 0] { 0 } else { 5 };
        assert_eq!(done.code, code, "killed after {lines} lines\n{done:?}");
        if code == 0 {
            assert!(project.has("public/assets/clips/scene-01.mp4"));
            assert!(project.has("public/assets/clips/scene-02.mp4"));
            assert_eq!(emulator.bill()["charged"], 125.0);
            assert_eq!(project.manifest()["assets"].as_array().map(Vec::len), Some(2));
        }
        if !died {
            break;
        }
        deaths += 1;
    }
    assert!(deaths >= 4, "only {deaths} places to die at");
}
