//! The command line: what people and scripts see of it.

use crate::support::{Emulator, KEY, Project, TWO_SCENES};
use serde_json::{Value, json};

// ---- commands that need nothing but a storyboard ----

#[test]
fn the_starter_in_yaml_is_the_same_film_and_names_the_schema() {
    let (markdown, yaml) = (Project::new(), Project::new());
    markdown.run(["init"]).expect(0);
    yaml.run(["init", "--yaml"]).expect(0).tells(&["created ./storyboard.yaml"]);
    yaml.run(["check", "--strict"]).expect(0).tells(&["3 scenes, no problems"]);
    let scenes = |project: &Project| {
        let plan = project.run(["plan", "--json"]).expect(0).json();
        plan["scenes"].clone()
    };
    assert_eq!(scenes(&yaml), scenes(&markdown));
    let first = |project: &Project, file: &str, mark: &str| {
        let text = project.read(file);
        let named = text.lines().next().and_then(|line| line.strip_prefix(mark)).map(str::to_owned);
        let named = named.unwrap_or_else(|| panic!("{file} names no schema: {text}"));
        serde_json::from_str::<serde_json::Value>(&project.read(&named)).expect("a schema")
    };
    let schema = first(&yaml, "storyboard.yaml", "# yaml-language-server: $schema=");
    let models = &schema["$defs"]["fields"]["properties"]["model"]["anyOf"][0];
    let names = models["enum"].as_array().expect("models");
    assert!(
        names.iter().any(|name| name == "Veo 3.1 Fast") && names.iter().any(|name| name == "auto")
    );
    assert_eq!(names.len(), models["enumDescriptions"].as_array().expect("what they do").len());
    let fields = schema["$defs"]["fields"]["properties"].as_object().expect("fields");
    for (name, field) in fields {
        assert!(field["description"].is_string(), "{name}");
        let explains = field["examples"].is_array() || field["enum"].is_array();
        assert!(explains, "{name} has no example");
    }
    first(&markdown, "storyreel.toml", "#:schema ./");
}

#[test]
fn a_starter_project_checks_plans_and_is_never_overwritten() {
    let project = Project::new();
    project.write(".gitignore", "/target");
    project.run(["init"]).expect(0).tells(&["created ./SCENES.md", "next: storyreel plan"]);
    assert_eq!(project.read(".gitignore"), "/target\n.env\n.storyreel/\n");
    project.run(["check", "--strict"]).expect(0).tells(&["3 scenes, no problems"]);
    project.run(["plan"]).expect(0).prints(&[
        "3 to create",
        "180 credits",
        "next: storyreel render",
    ]);
    project.write("SCENES.md", "mine");
    project.run(["init"]).expect(0).tells(&[
        "kept    ./SCENES.md",
        "kept    ./storyreel.toml",
        "kept    ./.gitignore",
    ]);
    assert_eq!(project.read("SCENES.md"), "mine");
}

#[test]
fn a_plan_touches_nothing() {
    let project = Project::with_storyboard(TWO_SCENES);
    project.run(["plan"]).expect(0);
    project.run(["plan", "--detailed-exitcode"]).expect(7);
    project.run(["check"]).expect(0);
    project
        .run(["status"])
        .expect(0)
        .prints(&["0 of 2 scenes rendered", "nothing was ever submitted"]);
    project
        .run(["explain", "2"])
        .expect(0)
        .prints(&["An iron spiral staircase by lamplight", "never recorded"]);
    assert!(!project.has(".storyreel") && !project.has("public"));
}

#[test]
fn the_plan_as_json_fits_its_schema() {
    let project = Project::with_storyboard(TWO_SCENES);
    let plan = project.run(["plan", "--json", "--only", "2"]).expect(0).json();
    assert_eq!(plan["summary"]["create"], 1);
    assert_eq!(plan["summary"]["skip"], 1);
    assert_eq!(
        plan["scenes"][1]["steps"][0]["request"]["prompt"],
        "An iron spiral staircase by lamplight"
    );
    assert_fits(&project, "plan", &plan);
}

#[track_caller]
fn assert_fits(project: &Project, name: &str, value: &Value) {
    let schema = project.run(["schema", name]).expect(0).json();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let problems: Vec<String> = validator
        .iter_errors(value)
        .map(|problem| format!("{} at {}", problem, problem.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{problems:#?}\n{value:#}");
}

/// Run with `STORYREEL_UPDATE=1` to write the files anew.
#[test]
fn schemas_in_the_repository_are_those_of_the_program() {
    let project = Project::new();
    for name in ["storyboard", "config", "catalog", "plan", "events", "manifest"] {
        let path = format!("{}/schemas/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
        let printed = project.run(["schema", name]).expect(0).stdout;
        if std::env::var_os("STORYREEL_UPDATE").is_some() {
            std::fs::write(&path, &printed).expect("the schema can be written");
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == printed,
            "schemas/{name}.schema.json is out of date: run this test with STORYREEL_UPDATE=1"
        );
    }
}

#[test]
fn models_are_found_by_parts_of_their_names() {
    let project = Project::new();
    project.run(["models"]).expect(0).prints(&["Veo 3.1 Fast", "credits"]);
    project.run(["models", "veo3_fast"]).expect(0).prints(&[
        "t2v",
        "duration",
        "price: 60 credits a clip",
    ]);
    let found = project.run(["models", "veo", "--json"]).expect(0).json();
    assert!(found["models"].as_array().is_some_and(|models| models.len() > 1));
    project
        .run(["models", "weo 3.1 fsat"])
        .expect(1)
        .tells(&["there is no model `weo 3.1 fsat`", "Veo 3.1 Fast"]);
}

#[test]
fn completions_know_commands_scenes_models_and_moves() {
    let project = Project::with_storyboard(
        "## Scene 1: Dawn\n- **Visual**: A lighthouse\n\n## Scene intro: Noon\n- **Visual**: The sea\n",
    );
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        project.run(["completions", shell]).expect(0).prints(&["COMPLETE"]);
    }
    let typed = |words: &[&str]| {
        let mut command = project.command(["--"]);
        command.arg("storyreel").args(words).env("COMPLETE", "bash").env("_CLAP_IFS", "\n");
        command.env("_CLAP_COMPLETE_INDEX", words.len().to_string());
        let done = command.output().expect("the program");
        String::from_utf8_lossy(&done.stdout).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(typed(&["sh"]), ["sheet"]);
    assert_eq!(typed(&["explain", ""])[..2], ["1", "intro"]);
    assert_eq!(typed(&["render", "--only", "1,in"]), ["1,intro"]);
    assert_eq!(typed(&["models", "veo-3.1-f"]), ["veo-3.1-fast"]);
    assert_eq!(typed(&["camera", "pu"]), ["push-in", "pull-out"]);
    assert!(typed(&["lints", "one"]).contains(&"one-move".to_owned()));
    // Where there is no storyboard, nothing is offered and nothing is said.
    project.write("SCENES.md", "# Notes\n");
    assert_eq!(typed(&["explain", "1"]), Vec::<String>::new());
}

// ---- the command line itself ----

#[test]
fn a_wrong_command_line_is_2() {
    let project = Project::with_storyboard(TWO_SCENES);
    for arguments in [
        &["rendr"][..],
        &["render", "--max-credits", "lots"],
        &["render", "--plan", "x", "--only", "1"],
        &["plan", "a.md", "-f", "b.md"],
        &["explain"],
        &["render", "--for", "soon"],
        &["adopt", "1", "--task", "not a task"],
    ] {
        project.run(arguments).expect(2);
    }
    project.run(["--version"]).expect(0).prints(&[env!("CARGO_PKG_VERSION")]);
    project.run(["render", "--help"]).expect(0).prints(&["Examples:", "--max-credits <N>"]);
}

#[test]
fn selections_must_name_scenes_that_exist() {
    let project = Project::with_storyboard(&TWO_SCENES.replace("Scene 2", "Scene intro"));
    project
        .run(["plan", "--only", "intor"])
        .expect(1)
        .tells(&["there is no scene `intor`", "did you mean `intro`?"]);
    project
        .run(["plan", "--exclude", "7-9"])
        .expect(1)
        .tells(&["there is no scene `7-9`", "`1`, `intro`"]);
    project
        .run(["plan", "--only", "1:upscal"])
        .expect(1)
        .tells(&["no step `upscal`", "did you mean `upscale`?"]);
    project.run(["explain", "9"]).expect(1).tells(&["there is no scene `9`"]);
}

#[test]
fn colours_only_where_they_are_wanted() {
    let mut project = Project::with_storyboard(TWO_SCENES);
    assert!(!project.run(["plan"]).stdout.contains('\u{1b}'), "not into a pipe");
    assert!(project.run(["plan", "--color", "always"]).stdout.contains("\u{1b}["));
    project.set("NO_COLOR", "1");
    assert!(!project.run(["plan"]).stdout.contains('\u{1b}'));
}

// ---- bad input: a good message and the right exit code ----

#[test]
fn no_storyboard() {
    let project = Project::new();
    for command in ["check", "plan", "render", "status"] {
        project.run([command]).expect(1).tells(&[
            "there is no storyboard in",
            "looked for `SCENES.md`, `.videoflow/SCENES.md`, `storyboard.yaml`",
            "storyreel init",
        ]);
    }
    project.run(["plan", "-f", "film.md"]).expect(1).tells(&["there is no storyboard `film.md`"]);
    let error = project.run(["plan", "--json"]).expect(1).json();
    assert_eq!(error["event"], "error");
    assert_eq!(error["code"], "no-storyboard");
    assert_fits(&project, "events", &error);
}

#[test]
fn an_empty_file() {
    let project = Project::with_storyboard("");
    project.run(["plan"]).expect(1).tells(&["error[not-a-storyboard]", "SCENES.md:1:1"]);
}

#[test]
fn a_file_that_is_not_utf8() {
    let project = Project::new();
    project.write("SCENES.md", b"# Film\n## Scene 1\n- Prompt: caf\xe9\n");
    project.run(["plan"]).expect(1).tells(&["not UTF-8 text: line 3", "save the file as UTF-8"]);
}

#[test]
fn a_file_that_is_no_storyboard() {
    let project = Project::with_storyboard("# Shopping\n\n- milk\n- bread\n");
    project.run(["plan"]).expect(1).tells(&["error[not-a-storyboard]"]);
    let problems = project.run(["check", "--format", "json"]).expect(1).json();
    assert_eq!(problems["problems"][0]["code"], "not-a-storyboard");
}

#[test]
fn two_scenes_with_one_id() {
    let project = Project::with_storyboard(&TWO_SCENES.replace("Scene 2", "Scene 1"));
    project.run(["render"]).expect(1).tells(&[
        "error[duplicate-id]",
        "SCENES.md:9:",
        "SCENES.md:5:",
    ]);
    let error = project.run(["render", "--json"]).expect(1).json();
    assert_eq!(error["where"]["line"], 9);
    let annotations = project.run(["check", "--format", "github"]).expect(1);
    annotations.prints(&["::error file=SCENES.md,line=9,"]);
}

#[test]
fn an_unknown_model() {
    let project = Project::with_storyboard(&TWO_SCENES.replace("veo-3.1-fast", "veo-3.1-fats"));
    project.run(["plan"]).expect(1).tells(&["veo-3.1-fats", "Veo 3.1 Fast", "SCENES.md:2:"]);
}

#[test]
fn a_parameter_out_of_range() {
    let project = Project::with_storyboard(
        &TWO_SCENES.replace("- **Duration**: 8s", "- **Duration**: 8s\n- **Resolution**: 16k"),
    );
    project.run(["plan"]).expect(1).tells(&["16k", "720p", "SCENES.md:11:"]);
}

#[test]
fn a_reference_that_is_missing() {
    let project = Project::with_storyboard(
        &TWO_SCENES
            .replace("- **Duration**: 8s", "- **Duration**: 8s\n- **Reference**: refs/ada.png"),
    );
    project.run(["plan"]).expect(1).tells(&["refs/ada.png", "SCENES.md:11:"]);
}

#[test]
fn a_scene_with_nothing_to_show() {
    let project = Project::with_storyboard(
        "## Scene 1: Nothing\n- **Duration**: 5s\n- **Camera**: static\n\n## Scene 2\n- **Prompt**: A hill\n- **Duration**: 8s\n",
    );
    project.run(["plan"]).expect(1).tells(&["SCENES.md:1:"]);
}

#[test]
fn a_configuration_with_mistakes() {
    let project = Project::with_storyboard(TWO_SCENES);
    project.write(
        "storyreel.toml",
        "[limits]\nruning = 5\n[provider]\napi = \"https://evil.example\"\n",
    );
    let done = project.run(["plan"]).expect(1).tells(&[
        "error[unknown-key]: `[limits]` has no key `runing`",
        "did you mean `running`?",
        "error[host-in-project]",
        "storyreel.toml:2:1",
    ]);
    assert!(done.stdout.is_empty());
}

#[test]
fn a_manifest_that_is_none() {
    let project = Project::with_storyboard(TWO_SCENES);
    project.write("public/assets/manifest.json", "{\"assets\": [");
    for command in ["plan", "render"] {
        project
            .run([command])
            .expect(1)
            .tells(&["the manifest cannot be read", "it was not touched"]);
    }
    assert_eq!(project.read("public/assets/manifest.json"), "{\"assets\": [");
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    // A file where the private folder belongs stops everybody, the superuser too.
    project.write(".storyreel", "in the way");
    project.run(["render"]).expect(3).tells(&["cannot be used", ".storyreel", "check the rights"]);
    assert_eq!(emulator.bill()["creates"], json!([]));
}

#[test]
fn no_key() {
    let project = Project::with_storyboard(TWO_SCENES);
    project.run(["render"]).expect(3).tells(&[
        "there is no key for kie.ai",
        "KIE_API_KEY",
        "storyreel render --preview",
    ]);
    let error = project.run(["render", "--json"]).expect(3).json();
    assert_eq!(error["code"], "no-key");
    assert_eq!(error["next"][0], json!({"command": "storyreel render --preview", "spends": false}));
}

#[test]
fn a_wrong_key() {
    let emulator = Emulator::with(&["--task-time", "0", "--key", "another"]);
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    let done =
        project.run(["render", "--yes"]).expect(3).tells(&["refuses the key", "KIE_API_KEY"]);
    assert!(!done.stderr.contains(KEY), "the key is never shown");
}

#[test]
fn no_credits() {
    let emulator = Emulator::with(&["--task-time", "0", "--credits", "60"]);
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.run(["render", "--yes"]).expect(6).tells(&["1 rendered"]);
    emulator.control("POST", "/emulator/credits", "{\"credits\": 100}");
    project.run(["render", "--yes"]).expect(0).tells(&["1 rendered"]);
}

#[test]
fn another_run_in_progress() {
    let emulator = Emulator::with(&["--task-time", "3600s"]);
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    let mut first = project
        .command(["render", "--json"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the program starts");
    // The run holds the lock once it tells of its first submission.
    let mut out = std::io::BufReader::new(first.stdout.take().expect("a pipe"));
    let mut line = String::new();
    while !line.contains("submitted") {
        line.clear();
        assert!(
            std::io::BufRead::read_line(&mut out, &mut line).expect("a pipe") > 0,
            "the run ended early"
        );
    }
    project.run(["render"]).expect(3).tells(&[
        "another run holds the lock",
        "storyreel render",
        "--wait",
    ]);
    project.run(["status"]).expect(0).prints(&["running"]);
    project.run(["plan"]).expect(0);
    first.kill().expect("the program runs");
    first.wait().expect("the program ends");
}

// ---- runs ----

#[test]
fn a_run_renders_and_a_second_one_does_nothing() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    let done = project
        .run(["render"])
        .expect(0)
        .tells(&["no cap is set", "2 rendered; 120 credits spent"]);
    assert_eq!(done.stdout, "", "standard output carries data only");
    assert!(project.has("public/assets/clips/scene-01.mp4"));
    assert_eq!(emulator.bill()["charged"], 120.0);
    project.run(["render"]).expect(0).tells(&["nothing to do: 2 scenes up to date"]);
    assert_eq!(emulator.bill()["charged"], 120.0, "nothing is paid twice");
    assert_eq!(emulator.judge(), json!([]), "a careful client");
    assert_fits(&project, "manifest", &project.manifest());
    let mut keyless = project;
    keyless.set("KIE_API_KEY", "");
    keyless.run(["render"]).expect(0);
    keyless.run(["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn events_are_json_lines_that_fit_their_schema() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    let lines = project.run(["render", "--json", "--max-credits", "500"]).expect(0).json_lines();
    let schema = project.run(["schema", "events"]).expect(0).json();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for line in &lines {
        assert!(validator.is_valid(line), "{line}");
    }
    let kinds: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    for kind in ["planned", "submitted", "downloaded", "published"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    let last = lines.last().expect("events");
    assert_eq!(last["event"], "run-finished");
    assert_eq!(
        (&last["create"], &last["rendered"], &last["credits"]),
        (&json!(2), &json!(2), &json!(120.0))
    );
}

#[test]
fn a_cap_holds_and_the_rest_is_6() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.run(["render", "--max-credits", "100"]).expect(6).tells(&["1 rendered", "blocked"]);
    assert_eq!(emulator.bill()["charged"], 60.0);
}

#[test]
fn a_locked_run_pays_nothing() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.run(["render", "--locked"]).expect(7);
    assert_eq!(emulator.bill()["creates"], json!([]));
    project.run(["render"]).expect(0);
    project.run(["render", "--locked"]).expect(0);
}

#[test]
fn a_run_that_may_not_pay_makes_no_failed_task_anew() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    let fails = json!({"rules": [{"match": {"operation": "veo-generate"}, "do": {"fault": "fail", "code": 500, "message": "internal error, please try again later"}}]});
    emulator.control("POST", "/emulator/faults", &fails.to_string());
    project.run(["render", "--submit-only"]).expect(8);
    let creates = || emulator.bill()["creates"].as_array().map_or(0, Vec::len);
    assert_eq!(creates(), 2);
    project.run(["render", "--locked"]).expect(4);
    assert_eq!(creates(), 2, "a failed task that is made anew is paid for anew");
}

#[cfg(debug_assertions)]
#[test]
fn a_run_that_may_not_pay_calls_no_upgrade_that_was_perhaps_never_ordered() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(
        "## Scene 1\n- **Visual**: The sea\n- **Duration**: 8s\n\n### Upscale\n4k\n",
    )
    .using(&emulator);
    project.killed_at("ledger.intend.after#2", ["render", "--yes"]);
    project.run(["render", "--locked"]).expect(7);
    assert_eq!(emulator.bill()["upgrades"], json!([]));
    project.run(["render"]).expect(0);
    assert_eq!(emulator.bill()["charged"], 180.0);
}

#[cfg(target_os = "linux")]
#[test]
fn what_costs_more_than_the_user_allows_needs_a_persons_word() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.configure("[budget]\nconfirm_above = 100\n");
    let refused = |arguments: &[&str]| {
        project
            .run(arguments)
            .expect(6)
            .tells(&["120 credits", "`confirm_above` lets it spend 100"]);
        assert_eq!(emulator.bill()["creates"], json!([]));
    };
    refused(&["render", "--yes", "--max-credits", "500"]);
    project.run(["plan", "-o", "film.plan"]).expect(0);
    refused(&["render", "--plan", "film.plan"]);
    // A program cannot answer for a person.
    project.run(["approve", "film.plan"]).expect(3).tells(&["by a person at a terminal only"]);
    // `script` gives it a terminal.
    let approve = |answer: &str| {
        let command = format!("{} approve film.plan", env!("CARGO_BIN_EXE_storyreel"));
        let mut script = std::process::Command::new("script");
        let own = project.command(["approve"]);
        let own: Vec<_> = own.get_envs().filter_map(|(name, value)| Some((name, value?))).collect();
        script.args(["-qec", &command, "/dev/null"]).current_dir(project.root()).envs(own);
        let pipe = std::process::Stdio::piped;
        let mut asked = script.stdin(pipe()).stdout(pipe()).spawn().expect("`script` starts");
        let mut answers = asked.stdin.take().expect("a pipe");
        std::io::Write::write_all(&mut answers, answer.as_bytes()).expect("it listens");
        let told = asked.wait_with_output().expect("it ends");
        String::from_utf8_lossy(&told.stdout).into_owned()
    };
    assert!(approve("yes\n").contains("not approved"));
    refused(&["render", "--plan", "film.plan"]);
    let told = approve("120\n");
    assert!(told.contains("may spend 120 credits") && told.contains("next: "), "{told}");
    // Another plan is not approved with it.
    refused(&["render"]);
    project.run(["render", "--plan", "film.plan"]).expect(0).tells(&["2 rendered"]);
    assert_eq!(emulator.bill()["charged"], 120.0);
    // An approval is used up.
    project
        .write("SCENES.md", TWO_SCENES.replace("dawn", "noon").replace("lamplight", "moonlight"));
    project.run(["plan", "-o", "film.plan"]).expect(0);
    approve("120\n");
    project.run(["render", "--plan", "film.plan"]).expect(0);
    project.run(["plan", "--retake", "1,2", "-o", "film.plan"]).expect(0);
    approve("120\n");
    project.run(["render", "--plan", "film.plan"]).expect(0);
    project.run(["render", "--plan", "film.plan"]).expect(6);
    assert_eq!(emulator.bill()["charged"], 360.0);
}

#[test]
fn a_failed_task_is_not_made_anew_beyond_what_the_user_allows() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(
        "## Scene 1\n- **Model**: Kling 2.6\n- **Duration**: 5s\n- **Visual**: The sea\n",
    )
    .using(&emulator);
    project.configure("[budget]\nconfirm_above = 100\n");
    let fails = json!({"rules": [{"match": {"operation": "market-create"}, "do": {"fault": "fail", "code": 500, "message": "internal error, please try again later", "charged": true}}]});
    emulator.control("POST", "/emulator/faults", &fails.to_string());
    // Another 55 credits would be beyond the limit.
    project.run(["render"]).expect(6).tells(&["needs up to 55 credits"]);
    assert_eq!(emulator.bill()["charged"], 55.0);
}

#[test]
fn nothing_is_spent_where_the_environment_forbids_it() {
    let emulator = Emulator::start();
    let mut project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.set("STORYREEL_NO_SPEND", "1");
    project
        .run(["render", "--yes", "--max-credits", "500"])
        .expect(7)
        .tells(&["STORYREEL_NO_SPEND"]);
    assert_eq!(emulator.bill()["creates"], json!([]));
    project.set("STORYREEL_NO_SPEND", "0");
    project.run(["render"]).expect(0);
    // What is paid for already is collected and put back in its place.
    std::fs::remove_file(project.path("public/assets/clips/scene-01.mp4")).expect("a clip");
    project.set("STORYREEL_NO_SPEND", "1");
    project.run(["render"]).expect(0).tells(&["1 restored"]);
}

#[test]
fn a_saved_plan_is_carried_out_or_stale() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project
        .run(["plan", "--only", "2", "-o", "film.plan"])
        .expect(0)
        .prints(&["render --plan film.plan"]);
    project.run(["render", "--plan", "film.plan"]).expect(0).tells(&["1 rendered"]);
    assert!(!project.has("public/assets/clips/scene-01.mp4"));
    project
        .run(["render", "--plan", "film.plan"])
        .expect(1)
        .tells(&["no longer holds", "nothing was sent"]);
    project.write("film.plan", "{}");
    project.run(["render", "--plan", "film.plan"]).expect(1).tells(&["is not a saved plan"]);
    assert_eq!(emulator.bill()["charged"], 60.0);
}

#[test]
fn a_submission_without_an_answer_is_kept_until_it_is_decided() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    let fault = json!({"rules": [{"match": {"operation": "veo-generate", "calls": [1]}, "do": {"fault": "drop_after"}}]});
    emulator.control("POST", "/emulator/faults", &fault.to_string());
    let done = project.run(["render"]).expect(5).tells(&[
        "unknown",
        "storyreel adopt",
        "storyreel forget",
    ]);
    let scene = if done.stderr.contains("storyreel forget 1") { "1" } else { "2" };
    assert_eq!(emulator.bill()["charged"], 120.0);
    project.run(["render"]).expect(5);
    assert_eq!(emulator.bill()["charged"], 120.0, "never repeated by itself");
    project
        .run(["status"])
        .expect(0)
        .prints(&["outcome unknown", &format!("storyreel adopt {scene} --task ID")]);

    let bill = emulator.bill();
    let known: Vec<String> = project.manifest()["assets"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|asset| Some(asset["task_id"].as_str()?.to_owned()))
        .collect();
    let lost = bill["creates"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|create| create["task_id"].as_str())
        .find(|task| !known.iter().any(|known| known == task))
        .expect("the lost task")
        .to_owned();
    project.run(["adopt", scene, "--task", &known[0]]).expect(1).tells(&["is on record for scene"]);
    project.run(["adopt", scene, "--task", &lost]).expect(0).tells(&["next: storyreel render"]);
    project.run(["render"]).expect(0).tells(&["1 rendered"]);
    assert_eq!(emulator.bill()["charged"], 120.0);
    project.run(["forget", scene]).expect(1).tells(&["has no submission whose outcome is unknown"]);
}

#[test]
fn a_forgotten_submission_is_paid_again() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    let fault = json!({"rules": [{"match": {"operation": "veo-generate", "calls": [1, 2]}, "do": {"fault": "drop_after"}}]});
    emulator.control("POST", "/emulator/faults", &fault.to_string());
    project.run(["render"]).expect(5);
    project
        .run(["forget", "1"])
        .expect(0)
        .tells(&["60 credits no longer reserved", "spends credits"]);
    project.run(["render"]).expect(5).tells(&["1 rendered", "storyreel forget 2"]);
    project
        .run(["render", "--resubmit-unknown", "1"])
        .expect(1)
        .tells(&["no such scene has a submission"]);
    project.run(["render", "--resubmit-unknown", "2"]).expect(0).tells(&["1 rendered"]);
    assert_eq!(emulator.bill()["charged"], 240.0);
}

#[test]
fn submitting_only_leaves_the_collecting_to_a_later_run() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project
        .run(["render", "--submit-only"])
        .expect(8)
        .tells(&["2 tasks still running", "storyreel render"]);
    project.run(["plan"]).expect(0).prints(&["2 to resume"]);
    project.run(["render", "--locked"]).expect(0).tells(&["2 rendered"]);
    assert_eq!(emulator.bill()["charged"], 120.0);
}

#[test]
fn a_deadline_leaves_tasks_on_record() {
    let emulator = Emulator::with(&["--task-time", "3600s"]);
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.run(["render", "--submit-only"]).expect(8);
    project.run(["render", "--for", "10ms"]).expect(8).tells(&["still running"]);
    assert_eq!(emulator.bill()["charged"], 120.0);
}

#[test]
fn an_edit_renders_that_scene_and_tells_the_words_that_changed() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.run(["render"]).expect(0);
    project
        .write("SCENES.md", TWO_SCENES.replace("basalt skerry at dawn", "basalt skerry at dusk"));
    project.run(["plan"]).expect(0).prints(&["1 to update; 1 unchanged", "[-dawn-] {+dusk+}"]);
    project
        .run(["explain", "1"])
        .expect(0)
        .prints(&["scene 1: First light - update", "[-dawn-] {+dusk+}"]);
    project.run(["render"]).expect(0).tells(&["1 rendered; 60 credits spent"]);
    assert!(project.has("public/assets/clips/takes/scene-01.v1.mp4"));
    project.write("SCENES.md", TWO_SCENES);
    project.run(["plan"]).expect(0).prints(&["1 to restore", "free"]);
    project.run(["render"]).expect(0).tells(&["1 restored"]);
    assert_eq!(emulator.bill()["charged"], 180.0, "undo is free");
    project
        .run(["status"])
        .expect(0)
        .prints(&["2 of 2 scenes rendered", "180 credits for 3 tasks"]);
}

#[test]
fn storyboards_side_by_side_keep_their_clips_apart() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.write("trailer.md", TWO_SCENES.replace("lighthouse", "windmill"));
    project.run(["render"]).expect(0);
    project.run(["render", "trailer.md"]).expect(0).tells(&["2 rendered"]);
    assert!(project.has("public/assets/clips/scene-01.mp4"));
    assert!(project.has("public/assets/clips/trailer/scene-01.mp4"));
    for file in ["SCENES.md", "trailer.md"] {
        project.run(["plan", "--detailed-exitcode", "-f", file]).expect(0);
    }
}

#[test]
fn a_preview_needs_no_key_and_touches_nothing_paid() {
    let project = Project::with_storyboard(&TWO_SCENES.replace("6s", "1s").replace("8s", "1s"));
    let done = project
        .run(["render", "--preview", "--only", "1"])
        .expect(0)
        .tells(&["1 preview drawn", "free"]);
    let path = done.stdout.trim();
    assert!(path.ends_with(".storyreel/preview/scene-01.mp4"), "{path}");
    let probe = storyreel::media::probe_file(std::path::Path::new(path)).expect("a clip");
    assert!((probe.duration - 1.0).abs() < 0.1, "{probe:?}");
    assert!(
        !project.has("public")
            && !project.has(".storyreel/ledger.db")
            && !project.has(".storyreel/lock")
    );
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_tasks_on_record() {
    let emulator = Emulator::with(&["--task-time", "3600s"]);
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    let mut run = project
        .command(["render", "--json"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut out = std::io::BufReader::new(run.stdout.take().expect("a pipe"));
    let mut line = String::new();
    let mut submitted = 0;
    while submitted < 2 {
        line.clear();
        assert!(
            std::io::BufRead::read_line(&mut out, &mut line).expect("a pipe") > 0,
            "the run ended early"
        );
        submitted += usize::from(line.contains("submitted"));
    }
    let status = std::process::Command::new("kill")
        .args(["-INT", &run.id().to_string()])
        .status()
        .expect("kill is there");
    assert!(status.success());
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut out, &mut rest).expect("a pipe");
    assert_eq!(run.wait().expect("the program ends").code(), Some(130));
    assert!(rest.contains("\"interrupted\":true"), "{rest}");
    project.run(["plan"]).expect(0).prints(&["2 to resume"]);
}
