//! Input that is wrong: a message that says what to do, the right exit code, nothing sent, nothing changed.

use crate::support::{Emulator, KEY, Project, TWO_SCENES};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use storyreel::digest;

/// Every file below the project with the digest of its content.
fn listing(project: &Project) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![project.root().to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok) {
            let path = entry.path();
            let name = path.strip_prefix(project.root()).expect("below the root");
            let name = name.to_string_lossy().into_owned();
            if path.is_dir() {
                found.insert(format!("{name}/"), String::new());
                open.push(path);
            } else {
                let content = std::fs::read(&path).expect("a readable file");
                found.insert(name, digest::of_bytes(&content));
            }
        }
    }
    found
}

/// What is the user's and not storyreel's own record.
fn public_part(listing: BTreeMap<String, String>) -> BTreeMap<String, String> {
    listing.into_iter().filter(|(name, _)| !name.starts_with(".storyreel")).collect()
}

/// Standard error without what differs from run to run.
fn redacted(project: &Project, text: &str) -> String {
    text.replace(&project.root().display().to_string(), "[project]")
}

/// Runs a command that must end with `code` and change no file at all, and gives what it says.
#[track_caller]
fn refusal(project: &Project, arguments: &[&str], code: i32) -> String {
    let before = listing(project);
    let done = project.run(arguments).expect(code);
    assert_eq!(listing(project), before, "a refused command changes no file");
    assert!(!done.stderr.contains(KEY) && !done.stdout.contains(KEY), "the key is never shown");
    assert_eq!(done.stdout, "", "standard output carries data only");
    redacted(project, &done.stderr)
}

/// The same for what only a run can find out: its own record may have begun, the user's files are as they were.
#[track_caller]
fn stopped(project: &Project, arguments: &[&str], code: i32) -> String {
    let before = public_part(listing(project));
    let done = project.run(arguments).expect(code);
    let after = public_part(listing(project));
    let files = |listing: &BTreeMap<String, String>| {
        listing
            .iter()
            .filter(|(name, _)| !name.ends_with('/'))
            .map(|(n, d)| (n.clone(), d.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(files(&after), files(&before), "a run that cannot begin changes no file");
    assert!(!done.stderr.contains(KEY) && !done.stdout.contains(KEY), "the key is never shown");
    redacted(project, &done.stderr)
}

/// Fails unless the provider was asked for nothing at all.
#[track_caller]
fn assert_nothing_sent(emulator: &Emulator) {
    assert_eq!(emulator.bill()["requests"], json!({}));
}

/// `check`, `plan` and `render` refuse this storyboard in the same words, and nothing is sent.
#[track_caller]
fn refused_everywhere(storyboard: impl AsRef<[u8]>) -> String {
    let emulator = Emulator::start();
    let project = Project::new().using(&emulator);
    project.write("SCENES.md", storyboard);
    let said = refusal(&project, &["render"], 1);
    assert_eq!(refusal(&project, &["plan"], 1), said);
    // What `check` finds is its output.
    let checked = project.run(["check"]).expect(1);
    assert_eq!(redacted(&project, &format!("{}{}", checked.stdout, checked.stderr)), said);
    assert_nothing_sent(&emulator);
    let error = project.run(["render", "--json"]).expect(1).json();
    assert_eq!(error["event"], "error");
    for key in ["code", "message"] {
        assert!(error[key].as_str().is_some_and(|text| !text.is_empty()), "{error:#}");
    }
    said
}

// ---- the storyboard ----

#[test]
fn no_storyboard() {
    let emulator = Emulator::start();
    let project = Project::new().using(&emulator);
    let said = refusal(&project, &["render"], 1);
    for command in ["check", "plan", "status"] {
        assert_eq!(refusal(&project, &[command], 1), said);
    }
    assert_nothing_sent(&emulator);
    insta::assert_snapshot!(said, @r"
error: there is no storyboard in `[project]`
 hint: looked for `SCENES.md`, `.videoflow/SCENES.md`, `storyboard.yaml`; name one with `-f FILE`, or run `storyreel init` for a starter
");
    insta::assert_snapshot!(refusal(&project, &["render", "films/one.md"], 1), @r"
error: there is no storyboard `films/one.md`: No such file or directory (os error 2)
 hint: check the path, or run `storyreel init` for a starter storyboard
");
}

#[test]
fn an_empty_file() {
    insta::assert_snapshot!(refused_everywhere(""), @r"
error[not-a-storyboard]: the storyboard is empty
 --> SCENES.md:1:1
  |
1 |
  | ^ looked for headings such as `## Scene 1: Opening`
  |
  = help: write `## Scene 1: Opening` with `- **Visual**: ...` under it, or run `storyreel init` for a starter

1 error in SCENES.md
");
}

#[test]
fn a_file_that_is_not_utf8() {
    insta::assert_snapshot!(refused_everywhere(b"# Film\n\n## Scene 1\n- **Prompt**: caf\xe9\n"), @r"
error: `[project]/SCENES.md` is not UTF-8 text: line 4, byte 36
 hint: save the file as UTF-8
");
}

#[test]
fn a_file_that_is_no_storyboard() {
    insta::assert_snapshot!(refused_everywhere("# Shopping\n\n- milk\n- bread\n"), @r"
error[not-a-storyboard]: this is not a storyboard: no heading is a scene
 --> SCENES.md:1:1
  |
1 | # Shopping
  | ^^^^^^^^^^ looked for headings such as `## Scene 1: Opening`
  |
  = help: write `## Scene 1: Opening` with `- **Visual**: ...` under it, or run `storyreel init` for a starter

1 error in SCENES.md
");
}

#[test]
fn two_scenes_with_one_id() {
    let text = TWO_SCENES.replace("Scene 2", "Scene 1");
    insta::assert_snapshot!(refused_everywhere(text), @r"
error[duplicate-id]: two scenes are called `1`, on lines 5 and 9
 --> SCENES.md:9:10
  |
9 | ## Scene 1: The climb
  |          ^ second scene of this name
  |
 ::: SCENES.md:5:10
  |
5 | ## Scene 1: First light
  |          - first scene of this name
  |
  = help: give one of them another id, such as `12A`; gaps and any order are fine

1 error in SCENES.md
");
}

#[test]
fn an_unknown_model() {
    let text = TWO_SCENES.replace("veo-3.1-fast", "veo-3.1-fsat");
    insta::assert_snapshot!(refused_everywhere(text), @r"
error[unknown-model]: no model is called `veo-3.1-fsat`
 --> SCENES.md:2:8
  |
2 | model: veo-3.1-fsat
  |        ^^^^^^^^^^^^ scene 1 and others
  |
  = help: did you mean `Veo 3.1 Fast`, `Veo 3.1 Market`, `Veo 3.1`? `storyreel models` lists all

1 error in SCENES.md
");
}

#[test]
fn parameters_out_of_range() {
    let text = TWO_SCENES
        .replace("- **Duration**: 6s", "- **Duration**: 6s\n- **Resolution**: 9k\n- **Seed**: 5")
        .replace("- **Duration**: 8s", "- **Duration**: 31s\n- **Params**: cfg_scale=0.5");
    insta::assert_snapshot!(refused_everywhere(text), @r"
error[not-allowed]: `resolution` is `9k`, which is not among the allowed values
 --> SCENES.md:7:19
  |
7 | - **Resolution**: 9k
  |                   ^^ scene 1
  |
  = help: use `720p`, `1080p` or `4k`

error[out-of-range]: `seed` is 5, which is out of range
 --> SCENES.md:8:13
  |
8 | - **Seed**: 5
  |             ^ scene 1
  |
  = help: use a number from 10000 to 99999

error[too-long]: the scene is 31 s, but the longest clip of `Veo 3.1 Fast` in t2v mode is 8 s
  --> SCENES.md:12:17
   |
12 | - **Duration**: 31s
   |                 ^^^ scene 2
   |
   = help: add an extend step, choose a model with longer clips, or split the scene

error[unknown-parameter]: `Veo 3.1 Fast` has no parameter `cfg_scale` in t2v mode
  --> SCENES.md:13:15
   |
13 | - **Params**: cfg_scale=0.5
   |               ^^^^^^^^^^^^^ scene 2
   |
   = help: it has `prompt`, `aspect_ratio`, `resolution`, `duration`, `seeds`, `enableTranslation` and `watermark`

4 errors in SCENES.md
");
}

#[test]
fn a_reference_that_is_missing() {
    let text = TWO_SCENES
        .replace("- **Duration**: 8s", "- **Duration**: 8s\n- **Reference**: refs/ada.png");
    insta::assert_snapshot!(refused_everywhere(text), @r"
error[missing-reference]: the file `refs/ada.png` is missing
  --> SCENES.md:11:18
   |
11 | - **Reference**: refs/ada.png
   |                  ^^^^^^^^^^^^ scene 2
   |
   = help: paths are relative to the file that they stand in

1 error in SCENES.md
");
}

#[test]
fn a_scene_with_nothing_to_show() {
    let text =
        format!("{TWO_SCENES}\n## Scene 3: The end\n- **Duration**: 8s\n- **Camera**: Static\n");
    insta::assert_snapshot!(refused_everywhere(text), @r"
error[nothing-to-show]: scene `3` has nothing to show
  --> SCENES.md:13:4
   |
13 | ## Scene 3: The end
   |    ^^^^^^^^^^^^^^^^ no visual, prompt, image or file
   |
   = help: add `visual` with what is seen, or `file` with footage that exists

1 error in SCENES.md
");
}

#[test]
fn front_matter_that_is_not_yaml() {
    let text = TWO_SCENES.replace("model: veo-3.1-fast", "model: [veo-3.1-fast\nquality: {");
    insta::assert_snapshot!(refused_everywhere(text), @r"
error[yaml-syntax]: this is not valid YAML: illegal placement of ':' indicator
 --> SCENES.md:3:8
  |
3 | quality: {
  |        ^ here
  |
  = help: check the indentation, and put text with `:`, `#`, `{`, `[`, `*` or `&` in quotes

1 error in SCENES.md
");
}

#[test]
fn control_characters_of_a_storyboard_reach_no_terminal() {
    let text = TWO_SCENES
        .replace("veo-3.1-fast", "\"veo \\e[31mred\"")
        .replace("The climb", "The \u{1b}]0;climb\u{7}\u{202e}");
    let said = refused_everywhere(text);
    let bad: Vec<char> =
        said.chars().filter(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}').collect();
    assert!(bad.is_empty(), "{bad:?} in {said}");
}

#[test]
fn what_cannot_be_done_yet_is_said_before_anything_is_paid() {
    let moving = TWO_SCENES.replace("by lamplight", "by lamplight, a shadow climbing it");
    let project = Project::with_storyboard(
        &moving.replace("- **Duration**: 8s", "- **Duration**: 8s\n- **Extends**: 1"),
    );
    insta::assert_snapshot!(project.run(["plan"]).expect(0).stderr, @r"
warning[extends-by-frame]: the clip starts from the last frame of scene `1`; the model sees no more of it, so motion and sound begin anew
  --> SCENES.md:11:16
   |
11 | - **Extends**: 1
   |                ^ scene 2
   |
   = help: an `extend` step under scene `1` continues all of its clip, as one longer clip

1 warning in SCENES.md
");

    let text = TWO_SCENES.replace("- **Duration**: 8s", "- **Duration**: 8s\n- **Takes**: 300");
    insta::assert_snapshot!(refused_everywhere(text), @r"
error[wrong-value]: 300 takes cannot be made
  --> SCENES.md:11:14
   |
11 | - **Takes**: 300
   |              ^^^ scene 2
   |
   = help: each is paid for; write a number from 1 to 20

1 error in SCENES.md
");
}

// ---- files around it ----

#[test]
fn folders_that_cannot_be_used() {
    // A file where a folder belongs stops everybody, the superuser too.
    let emulator = Emulator::start();
    let in_the_way = |name: &str| {
        let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
        project.write(name, "in the way");
        let said = stopped(&project, &["render"], 3);
        assert_eq!(project.read(name), "in the way");
        std::fs::remove_file(project.path(name)).expect("a file");
        let error =
            said.lines().filter(|line| line.starts_with("error") || line.starts_with(" hint"));
        error.map(|line| format!("{line}\n")).collect::<String>()
    };
    insta::assert_snapshot!(in_the_way("public"), @r"
error: cannot read `[project]/public/assets/manifest.json`: Not a directory (os error 20)
 hint: it must be a file that can be read, in folders that can; nothing was sent
");
    insta::assert_snapshot!(in_the_way("public/assets/clips"), @r"
error: cannot write to `public/assets/clips`: File exists (os error 17)
 hint: clips go there, so nothing was sent; it must be a folder that can be written
");
    insta::assert_snapshot!(in_the_way(".storyreel"), @r"
error: the ledger `[project]/.storyreel/ledger.db` cannot be used: Not a directory (os error 20)
 hint: check the rights of `.storyreel` and the space on the disk; the file itself is left as it is
");
    insta::assert_snapshot!(in_the_way(".storyreel/cache"), @r"
error: cannot write to `.storyreel/cache`: File exists (os error 17)
 hint: clips go there, so nothing was sent; it must be a folder that can be written
");
    assert_nothing_sent(&emulator);
}

#[test]
fn a_state_folder_that_cannot_be_used() {
    let emulator = Emulator::start();
    let mut project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.set("XDG_STATE_HOME", "/proc/nobody-can-write-here");
    let said = stopped(&project, &["render"], 3);
    let error: Vec<&str> = said.lines().skip_while(|line| !line.starts_with("error")).collect();
    insta::assert_snapshot!(error.join("\n"), @r"
error: cannot use `/proc/nobody-can-write-here/storyreel`: No such file or directory (os error 2)
 hint: submissions are counted there over all projects; make it writable, or set `XDG_STATE_HOME`
");
    assert_nothing_sent(&emulator);
}

#[test]
fn a_manifest_that_is_none() {
    let emulator = Emulator::start();
    let refused = |content: &[u8]| {
        let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
        project.write("public/assets/manifest.json", content);
        let said = refusal(&project, &["render"], 1);
        assert_eq!(refusal(&project, &["plan"], 1), said);
        said
    };
    insta::assert_snapshot!(refused(b"{\"version\": \"1.0\", \"assets\": ["), @r"
error: the manifest cannot be read: line 1, column 30: EOF while parsing a list in `[project]/public/assets/manifest.json`
 hint: repair the file by hand or take the last good one from version control; it was not touched
");
    insta::assert_snapshot!(refused(b"{\"version\": \"1.0\", \"assets\": {}}"), @r"
error: the manifest cannot be read: line 1, column 29: invalid type: map, expected a sequence in `[project]/public/assets/manifest.json`
 hint: repair the file by hand or take the last good one from version control; it was not touched
");
    insta::assert_snapshot!(refused(b"caf\xe9"), @r"
error: the manifest cannot be read: line 1, column 4: this is not UTF-8 in `[project]/public/assets/manifest.json`
 hint: repair the file by hand or take the last good one from version control; it was not touched
");
    insta::assert_snapshot!(refused(b""), @r"
error: the manifest cannot be read: line 1, column 0: EOF while parsing a value in `[project]/public/assets/manifest.json`
 hint: repair the file by hand or take the last good one from version control; it was not touched
");
    assert_nothing_sent(&emulator);
}

#[test]
fn a_manifest_that_leads_out_of_the_project_is_not_followed() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    let outside = project.root().parent().expect("a folder above").join("victim.mp4");
    std::fs::write(&outside, "mine").expect("a new file");
    let entry = |id: &str, scene: u64, filename: &str| {
        json!({"id": id, "type": "video", "filename": filename, "scene_id": scene,
        "prompt": "", "model": "", "parameters": {}, "created_at": "2026-01-01T00:00:00.000Z", "version": 1})
    };
    let manifest = json!({"version": "1.0", "assets": [
        entry("vid-001", 1, "../../victim.mp4"), entry("vid-002", 2, outside.to_str().expect("UTF-8"))]});
    project.write("public/assets/manifest.json", manifest.to_string());
    // The scenes differ from what these entries say, so both are rendered; the old files are somebody else's.
    project.run(["render"]).expect(0).tells(&["2 rendered"]);
    assert_eq!(std::fs::read_to_string(&outside).expect("still there"), "mine");
    let mut listed: Vec<String> =
        listing(&project).into_keys().filter(|name| name.ends_with(".mp4")).collect();
    listed.retain(|name| name.starts_with("public/"));
    assert_eq!(listed, ["public/assets/clips/scene-01.mp4", "public/assets/clips/scene-02.mp4"]);
    project.run(["render"]).expect(0).tells(&["nothing to do"]);
}

#[test]
fn a_damaged_ledger() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.write(".storyreel/ledger.db", "this is no database, and it must not become one");
    insta::assert_snapshot!(refusal(&project, &["render"], 3), @r"
error: the ledger `[project]/.storyreel/ledger.db` cannot be used: file is not a database; it is damaged: restore it from a backup, or move it away to begin a new one (tasks in flight would then have to be taken over with `storyreel adopt`)
 hint: check the rights of `.storyreel` and the space on the disk; the file itself is left as it is
");
    assert_nothing_sent(&emulator);
}

#[test]
fn a_configuration_with_mistakes() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.write(
        "storyreel.toml",
        "[limits]\nruning = 5\n\n[provider]\napi = \"https://evil.example\"\n",
    );
    insta::assert_snapshot!(refusal(&project, &["render"], 1), @r"
error[unknown-key]: `[limits]` has no key `runing`
 --> storyreel.toml:2:1
  |
2 | runing = 5
  | ^^^^^^
  |
  = help: did you mean `running`?

error[host-in-project]: a project's file cannot say where requests go (`provider`)
 --> storyreel.toml:4:2
  |
4 | [provider]
  |  ^^^^^^^^ would let a pull request send your key elsewhere
  |
  = help: set `KIE_API_BASE` and `KIE_UPLOAD_BASE` in the environment, or `[provider]` in `~/.config/storyreel/config.toml`; the key itself belongs in `KIE_API_KEY`

2 errors in storyreel.toml
");
    assert_nothing_sent(&emulator);
}

// ---- the provider ----

#[test]
fn no_key() {
    let emulator = Emulator::start();
    let mut project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.set("KIE_API_KEY", "");
    insta::assert_snapshot!(refusal(&project, &["render"], 3), @r"
error: there is no key for kie.ai
 hint: set `KIE_API_KEY`, or write `KIE_API_KEY=...` to `.env` in the project root; keys are made at https://kie.ai/api-key
 next: storyreel render --preview
");
    assert_nothing_sent(&emulator);
    project.write(".env", format!("KIE_API_KEY={KEY}\n"));
    project.run(["render"]).expect(0);
}

#[test]
fn a_wrong_key() {
    let emulator = Emulator::with(&["--task-time", "0", "--key", "another"]);
    let mut project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    let said = stopped(&project, &["render"], 3);
    let error: Vec<&str> = said.lines().skip_while(|line| !line.starts_with("error")).collect();
    insta::assert_snapshot!(error.join("\n"), @r"
error: the provider refuses the key: Unauthorized – Authentication failed. Please check that your Authorization and Content-Type headers are correctly set.
 hint: check KIE_API_KEY
blocked  scenes 1, 2: not submitted, because the run was stopped (`key-refused`)
nothing was rendered; 0 credits spent, 120 estimated
");
    let bill = emulator.bill();
    assert_eq!((&bill["charged"], &bill["leaks"]), (&json!(0.0), &json!([])));
    // With the right key the same command goes on as if nothing had been.
    project.set("KIE_API_KEY", "another");
    project.run(["render"]).expect(0).tells(&["2 rendered"]);
    assert_eq!(emulator.bill()["charged"], 120.0);
}

#[test]
fn no_credits() {
    let emulator = Emulator::with(&["--task-time", "0", "--credits", "10"]);
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    let said = stopped(&project, &["render"], 6);
    let error: Vec<&str> = said.lines().skip_while(|line| !line.starts_with("error")).collect();
    insta::assert_snapshot!(error.join("\n"), @r"
error: the account has too few credits: The current credits are insufficient. Please top up.
 hint: top up and run again; what is running is still collected
blocked  scenes 1, 2: not submitted, because the run was stopped (`credits`)
           after a top-up at https://kie.ai:
             storyreel render
2 held back by budget, credits or price; 0 credits spent, 120 estimated
");
    assert_eq!(emulator.bill()["charged"], 0.0);
    emulator.control("POST", "/emulator/credits", "{\"credits\": 120}");
    project.run(["render"]).expect(0).tells(&["2 rendered"]);
}

#[test]
fn nobody_listens() {
    let mut project = Project::with_storyboard(TWO_SCENES);
    // A port that was free a moment ago.
    let free =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let base = format!("http://{}", free.expect("a free port"));
    project.set("KIE_API_BASE", &base);
    project.set("KIE_UPLOAD_BASE", &base);
    project.set("KIE_API_KEY", KEY);
    let said = stopped(&project, &["render"], 3).replace(&base, "[base]");
    let error: Vec<&str> = said.lines().skip_while(|line| !line.starts_with("error")).collect();
    insta::assert_snapshot!(error.join("\n"), @r"
error: the provider cannot be reached: client error (Connect): tcp connect error: Connection refused (os error 111)
 hint: check the connection and run again; nothing was sent that is not on record
blocked  scenes 1, 2: not submitted, because the run was stopped (`network`)
nothing was rendered; 0 credits spent, 120 estimated
");
}

#[test]
fn hosts_that_are_none() {
    let mut project = Project::with_storyboard(TWO_SCENES);
    project.set("KIE_API_KEY", KEY);
    project.set("KIE_API_BASE", "ftp://kie.ai");
    insta::assert_snapshot!(refusal(&project, &["render"], 1), @r"
error: `KIE_API_BASE` must start with `https://` (or `http://` for a local emulator)
 hint: set `KIE_API_BASE` anew, or unset it
");
    project.set("KIE_API_BASE", "kie.ai");
    insta::assert_snapshot!(refusal(&project, &["render"], 1), @r"
error: `KIE_API_BASE` must start with `https://` (or `http://` for a local emulator)
 hint: set `KIE_API_BASE` anew, or unset it
");
}

#[test]
fn another_run_in_progress() {
    let emulator = Emulator::with(&["--task-time", "3600s"]);
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    let mut first = project
        .command(["render", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut out = BufReader::new(first.stdout.take().expect("a pipe"));
    let mut line = String::new();
    let mut submitted = 0;
    while submitted < 2 {
        line.clear();
        assert!(out.read_line(&mut line).expect("a pipe") > 0, "the run ended early");
        submitted += usize::from(line.contains("\"submitted\""));
    }
    let done = project.run(["render"]).expect(3);
    let said = redacted(&project, &done.stderr).replace(&first.id().to_string(), "[pid]");
    let since =
        said.split("since ").nth(1).and_then(|rest| rest.split([',', ')', ' ', '\n']).next());
    let said = since.map_or_else(|| said.clone(), |since| said.replace(since, "[time]"));
    first.kill().expect("the program runs");
    first.wait().expect("the program ends");
    insta::assert_snapshot!(said, @"error: another run holds the lock `[project]/.storyreel/lock`: `storyreel render` (process [pid], since [time]); wait for it with `--wait`, or let it end");
    let bill = emulator.bill();
    assert_eq!(bill["creates"].as_array().map(Vec::len), Some(2));
    // The lock ends with the process, and what it had in flight is still known.
    project.run(["plan"]).expect(0).prints(&["2 to resume"]);
}

// ---- flags ----

#[test]
fn selections_that_name_nothing() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    insta::assert_snapshot!(refusal(&project, &["render", "--only", "3"], 1), @r"
error: `--only`: there is no scene `3`
 hint: did you mean `1`?
");
    insta::assert_snapshot!(refusal(&project, &["render", "--retake", "1:upscale"], 1), @r"
error: `--retake`: scene 1 has no step `upscale`
 hint: its steps: `generate`
");
    insta::assert_snapshot!(refusal(&project, &["forget", "1"], 1), @r"
error: nothing was ever submitted in this project
 hint: `storyreel status` shows what is on record
");
    insta::assert_snapshot!(stopped(&project, &["render", "--resubmit-unknown", "1"], 1), @r"
error: `--resubmit-unknown 1`: no such scene has a submission whose outcome is unknown
 hint: `storyreel status` shows what is on record
");
    insta::assert_snapshot!(stopped(&project, &["forget", "1"], 1), @r"
error: scene 1 has no submission whose outcome is unknown
 hint: `storyreel status` shows what is on record
");
    insta::assert_snapshot!(refusal(&project, &["render", "--max-credits", "-5"], 2), @r"
error: invalid value '-5' for '--max-credits <N>': write a number of credits, 0 or more

For more information, try '--help'.
");
    assert_nothing_sent(&emulator);
}

#[test]
fn a_saved_plan_of_another_storyboard_is_stale() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.run(["plan", "-o", "film.plan"]).expect(0);
    project.write("SCENES.md", TWO_SCENES.replace("dawn", "dusk"));
    insta::assert_snapshot!(stopped(&project, &["render", "--plan", "film.plan"], 1), @r"
error: the saved plan of `SCENES.md` no longer holds: scene 1 changed since it was made
 hint: make a new one with `storyreel plan -o PLAN`; nothing was sent
");
    insta::assert_snapshot!(refusal(&project, &["render", "--plan", "other.plan"], 1), @r"
error: there is no saved plan `other.plan`
 hint: make it with `storyreel plan -o PLAN`
");
    assert_nothing_sent(&emulator);
}

/// What version control leaves in a file is nobody's prompt.
#[test]
fn a_conflict_that_nobody_has_decided_is_an_error() {
    let project = Project::with_storyboard(
        "## Scene 1\n<<<<<<< HEAD\n- **Prompt**: A lighthouse on a black rock\n=======\n- **Prompt**: A lighthouse on a grey rock\n>>>>>>> origin/main\n",
    );
    project.run(["check"]).expect(1).prints(&[
        "error[merge-conflict]",
        "SCENES.md:2:1",
        "begins here",
        "ends here",
    ]);
    project.write("SCENES.md", "## Scene 1\n- **Prompt**: A lighthouse\n");
    project.write(
        "public/assets/manifest.json",
        "{\"assets\": [\n<<<<<<< HEAD\n=======\n>>>>>>> x\n]}",
    );
    project.run(["plan"]).expect(1).tells(&["line 2, column 1", "conflict", "--defer-to"]);
}

/// Of a picture in Git LFS only a pointer is here: it is no other picture, and it is never sent.
#[test]
fn a_pointer_is_not_sent_in_the_place_of_a_picture() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(
        "## Scene 1\n- **Model**: veo-3.1-fast\n- **Duration**: 4s\n- **Prompt**: The sea\n- **Reference**: sea.png\n",
    )
    .using(&emulator);
    let picture = b"\x89PNG\r\n\x1a\nnot much of a picture";
    let pointer = format!(
        "version https://git-lfs.github.com/spec/v1\noid {}\nsize {}\n",
        digest::of_bytes(picture),
        picture.len()
    );
    project.write("sea.png", picture);
    project.run(["render", "--yes"]).expect(0);
    let paid = emulator.bill()["creates"].as_array().map(Vec::len);
    project.write("sea.png", &pointer);
    project.run(["plan", "--detailed-exitcode"]).expect(0).prints(&["nothing to do"]);

    let text = project.read("SCENES.md").replace("The sea", "The open sea");
    project.write("SCENES.md", text);
    project.run(["plan"]).expect(0).prints(&["is a Git LFS pointer here", "git lfs pull"]);
    project.run(["render", "--yes"]).expect(3).tells(&["Git LFS pointer", "git lfs pull"]);
    assert_eq!(emulator.bill()["creates"].as_array().map(Vec::len), paid);
    project.write("sea.png", picture);
    project.run(["render", "--yes"]).expect(0);
}
