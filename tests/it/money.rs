//! What may be spent in a day and in a run, and what the account says of it afterwards.

use crate::support::{Emulator, Project};
use serde_json::{Value, json};

fn emulator() -> Emulator {
    Emulator::with(&["--task-time", "0", "--submissions", "10000/1s", "--credits", "1000"])
}

/// A film of so many scenes of 30 credits each.
fn film(scenes: usize, more: &str) -> String {
    let scene = |id: usize| format!("  - {{id: {id}, prompt: The sea {id}, duration: 4{more}}}\n");
    format!(
        "title: Sea\ndefaults: {{model: veo-3.1-lite}}\nscenes:\n{}",
        (1..=scenes).map(scene).collect::<String>()
    )
}

fn project(emulator: &Emulator, film: &str, budget: &str) -> Project {
    let project = Project::new().using(emulator);
    project.configure(&format!("[limits]\nsubmissions = \"10000/1s\"\n{budget}"));
    project.write("storyboard.yaml", film);
    project
}

fn orders(emulator: &Emulator) -> usize {
    emulator.bill()["creates"].as_array().expect("a list").len()
}

#[test]
fn the_allowance_of_a_day_holds_over_runs_and_projects() {
    let emulator = emulator();
    let budget = "[budget]\nper_day = 100\n";
    let first = project(&emulator, &film(2, ""), budget);
    first.run(["render", "--yes"]).expect(0);
    first
        .run(["status"])
        .expect(0)
        .prints(&["40 of 100 credits are left that all projects may spend in 24 hours"]);

    // Another project of the same user: two scenes would be too much, one is not.
    let mut second = project(&emulator, &film(2, ""), budget);
    second.set("XDG_STATE_HOME", first.state_folder().to_str().expect("a path"));
    second.run(["render", "--yes"]).expect(6).tells(&[
        "needs up to 30 credits, and 10 are left of the 100 that all runs may spend in 24 hours",
        "the first of it is free again at",
    ]);
    assert_eq!(orders(&emulator), 3);
    // A raised allowance lets it go on.
    second.reconfigure("per_day = 100", "per_day = 130");
    second.run(["render", "--yes"]).expect(0);
    assert_eq!(orders(&emulator), 4);
}

#[test]
fn what_fails_and_is_not_charged_does_not_count_for_the_day() {
    let emulator = emulator();
    emulator.control(
        "POST",
        "/emulator/faults",
        r#"{"rules": [{"match": {"operation": "veo-generate", "calls": [2]},
            "do": {"fault": "fail", "code": 400, "message": "Your prompt was flagged"}}]}"#,
    );
    let project = project(&emulator, &film(3, ""), "[budget]\nper_day = 100\n");
    project.run(["render", "--yes"]).expect(4).tells(&["flagged"]);
    assert_eq!(emulator.bill()["charged"], 60.0);
    let status = project.run(["status", "--json"]).expect(0).json();
    assert_eq!(status["per_day"], json!({"credits": 100.0, "left": 40.0}));
}

#[test]
fn with_an_allowance_nothing_of_unknown_price_is_paid_for() {
    let emulator = emulator();
    let film = "scenes:\n  - {id: 1, type: image, visual: A map, model: Qwen Image}\n";
    let project = project(&emulator, film, "[budget]\nper_day = 100\n");
    project
        .run(["render", "--yes"])
        .expect(6)
        .tells(&["nobody published a price for `Qwen Image`"]);
    assert_eq!(orders(&emulator), 0);
}

#[test]
fn a_chain_that_cannot_be_paid_to_its_end_is_not_begun() {
    let emulator = emulator();
    let film = film(2, ", image_prompt: A wave, steps: [generate, {upscale: 1080p}]");
    // A keyframe, a clip and an upscale: 39 credits a scene.
    let project = project(&emulator, &film, "");
    let done = project.run(["render", "--max-credits", "77"]).expect(6);
    done.tells(&[
        "1 rendered",
        "1 held back",
        "39 credits spent",
        "needs up to 39 credits, and 38 are left",
    ]);
    assert_eq!(emulator.bill()["charged"], 39.0);
    project.run(["render", "--max-credits", "39"]).expect(0);
}

#[test]
fn the_account_stands_beside_the_estimate_and_status_keeps_the_history() {
    let emulator = emulator();
    let project = project(&emulator, &film(2, ""), "");
    project.run(["render", "--yes"]).expect(0).tells(&[
        "2 rendered; 60 credits spent, 60 estimated",
        "balance: 1000 before, 940 now (60 less)",
    ]);
    project.write("storyboard.yaml", film(3, ""));
    let lines = project.run(["render", "--yes", "--json"]).expect(0).json_lines();
    let last = lines.last().expect("a line");
    assert_eq!(
        last["balances"],
        json!([{"provider": "kie", "before": 940.0, "after": 910.0}]),
        "{last}"
    );
    let status = project.run(["status", "--json"]).expect(0).json();
    let runs: Vec<(&Value, &Value, &Value)> = status["runs"]
        .as_array()
        .expect("runs")
        .iter()
        .map(|run| (&run["estimate"], &run["credits"], &run["balance_after"]))
        .collect();
    assert_eq!(
        runs,
        [(&json!(30.0), &json!(30.0), &json!(910.0)), (&json!(60.0), &json!(60.0), &json!(940.0))]
    );
    project.run(["status"]).expect(0).prints(&[
        "runs (newest first)",
        "2 rendered; 60 credits spent, 60 estimated, balance 1000 to 940",
    ]);
}

#[test]
fn totals_say_how_sure_they_are() {
    let project = Project::new();
    project.write(
        "catalog/own.toml",
        r#"provider = "kie"
family = "market"
prompt_style = "general"
checked = "2026-11-01"

[prices.sure]
basis = "clip"
as_of = "2026-11-01"
certain = true
rates = [{ credits = 20 }]

[[models]]
name = "House Model"
sources = ["https://a.example/house"]

[[models.modes]]
kind = "t2v"
id = "house/text-to-video"
operation = "create"
lengths = [5]
price = "sure"

[[models.modes.parameters]]
name = "prompt"
from = ["prompt"]
type = "string"
required = true
"#,
    );
    project.write(
        "storyboard.yaml",
        "scenes:\n  - {id: 1, prompt: The sea, duration: 4, model: Veo 3.1 Lite}\n  \
         - {id: 2, prompt: The sea, duration: 4, model: House Model}\n  \
         - {id: 3, type: image, visual: A map, model: Qwen Image}\n",
    );
    let plan = project.run(["plan", "--json"]).expect(0).json();
    let summary = &plan["summary"];
    assert_eq!(summary["exact"], json!({"credits": 20, "usd": 0.1}));
    assert_eq!(summary["dated"], json!({"credits": 30, "usd": 0.15}));
    assert_eq!(summary["unpriced_steps"], 1);
    project.run(["plan"]).expect(0).prints(&[
        "50 credits, about $0.25: 20 credits ($0.10) for sure, 30 credits ($0.15) by prices of 2026-10-01;",
        "1 step has no known price",
    ]);
}
