//! Input that means harm, or is far too much: refused or coped with, in bounded time and memory, and told without a
//! character that a terminal would act on.
//!
//! The limits are the system's own: a command may map a gigabyte of memory, and where templates are concerned 200 MB,
//! and compute for two minutes, in a build without optimisation.

use crate::support::{Done, Emulator, Project};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The most that a command may print about anything.
const MOST_PRINTED: usize = 2 * 1024 * 1024;

/// Runs a command under limits; one that waits for ever is ended and fails the test.
#[track_caller]
fn limited(project: &Project, arguments: &[&str]) -> Done {
    limited_to(1_000, project, arguments)
}

/// The same with so many megabytes of address space.
#[track_caller]
fn limited_to(megabytes: u32, project: &Project, arguments: &[&str]) -> Done {
    let plain = project.command(arguments);
    let limits = format!("ulimit -v {megabytes}000 2>/dev/null; ulimit -t 120; exec \"$0\" \"$@\"");
    let mut child = Command::new("sh")
        .args(["-c", &limits])
        .arg(plain.get_program())
        .args(plain.get_args())
        .env_clear()
        .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(project.root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell");
    let stdout = reader(child.stdout.take().expect("a pipe"));
    let stderr = reader(child.stderr.take().expect("a pipe"));
    let deadline = Instant::now() + Duration::from_secs(300);
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("{arguments:?} does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let done = Done {
        code: status.code().unwrap_or(-1),
        stdout: text(stdout.join().expect("its output")),
        stderr: text(stderr.join().expect("its messages")),
    };
    assert!((0..=8).contains(&done.code), "{arguments:?} ended with {status}:\n{}", done.stderr);
    harmless(&done);
    done
}

fn reader(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).expect("a readable pipe");
        bytes
    })
}

/// Nothing printed steers a terminal, and it has an end.
#[track_caller]
fn harmless(done: &Done) {
    for text in [&done.stdout, &done.stderr] {
        let steers = |c: char| {
            (c.is_control() && c != '\n')
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        };
        if let Some(at) = text.find(steers) {
            let around: String = text[at..].chars().take(80).collect();
            panic!("a terminal would act on {around:?}");
        }
        assert!(text.len() < MOST_PRINTED, "{} bytes are printed", text.len());
    }
}

/// A project with these files and an emulator that must not be asked for anything.
fn project(emulator: &Emulator, files: &[(&str, &[u8])]) -> Project {
    let project = Project::new().using(emulator);
    for (name, content) in files {
        project.write(name, content);
    }
    project
}

/// `check`, `plan` and `render` refuse the project with exit 1 and say all of `tells`; nothing is sent.
#[track_caller]
fn refused(project: &Project, emulator: &Emulator, tells: &[&str]) {
    for arguments in [&["check"][..], &["plan"], &["render", "--yes"]] {
        let done = limited(project, arguments).expect(1);
        let said = format!("{}{}", done.stdout, done.stderr);
        for part in tells {
            assert!(said.contains(part), "{arguments:?} does not say `{part}`:\n{said}");
        }
    }
    for arguments in
        [&["check", "--format", "json"][..], &["plan", "--json"], &["render", "--json"]]
    {
        limited(project, arguments).expect(1).json();
    }
    limited(project, &["check", "--format", "github"]).expect(1);
    assert_eq!(emulator.bill()["requests"], json!({}), "nothing was sent");
}

#[track_caller]
fn files_refused(files: &[(&str, &[u8])], tells: &[&str]) {
    let emulator = Emulator::start();
    refused(&project(&emulator, files), &emulator, tells);
}

/// A good storyboard of one scene.
const GOOD: &[u8] = b"## Scene 1: Lamp\n- **Duration**: 6s\n- **Prompt**: A lamp\n";

/// Every command that only looks, on a project that is odd and good enough: none fails.
#[track_caller]
fn shown_by_all(project: &Project, scene: &str) {
    for arguments in [
        &["check"][..],
        &["check", "--format", "json"],
        &["check", "--format", "github"],
        &["plan"],
        &["plan", "--all"],
        &["plan", "--json"],
        &["status"],
        &["status", "--json"],
        &["models"],
        &["models", "--json"],
    ] {
        let done = limited(project, arguments).expect(0);
        if arguments.contains(&"--json") || arguments.contains(&"json") {
            done.json();
        }
    }
    if !scene.is_empty() {
        limited(project, &["explain", scene]).expect(0);
    }
}

fn bomb(indent: &str) -> String {
    let mut text =
        format!("{indent}a0: &a0 [\"{}\", x, x, x, x, x, x, x, x]\n", "word ".repeat(100));
    for level in 1..40 {
        let row = vec![format!("*a{}", level - 1); 9].join(", ");
        text += &format!("{indent}a{level}: &a{level} [{row}]\n");
    }
    text
}

// ---- bombs and depth ----

#[test]
fn alias_bombs() {
    let front = format!("---\n{}---\n## Scene 1\n- **Visual**: a lamp\n", bomb(""));
    files_refused(&[("SCENES.md", front.as_bytes())], &["too-many-aliases", "SCENES.md"]);
    let block = format!("## Scene 1\n```yaml\n{}```\n", bomb(""));
    files_refused(&[("SCENES.md", block.as_bytes())], &["too-many-aliases"]);
    let whole = format!("{}scenes: *a39\n", bomb(""));
    files_refused(&[("storyboard.yaml", whole.as_bytes())], &["too-many-aliases"]);
}

#[test]
fn deep_storyboards() {
    const DEPTH: usize = 100_000;
    let flow = format!("scenes: {}{}\n", "[".repeat(DEPTH), "]".repeat(DEPTH));
    let map = format!("{}1{}", "{\"scenes\":".repeat(DEPTH), "}".repeat(DEPTH));
    let block = format!("scenes:\n{}", "- ".repeat(DEPTH));
    for yaml in [&flow, &map, &block] {
        files_refused(&[("storyboard.yaml", yaml.as_bytes())], &["yaml-syntax"]);
    }
    files_refused(&[("storyboard.yaml", format!("title: x\n{map}").as_bytes())], &["error"]);
}

#[test]
fn deep_markdown() {
    let emulator = Emulator::start();
    let quotes = "> ".repeat(100_000);
    let lists: String = (0..2_000).map(|depth| format!("{}- word\n", "  ".repeat(depth))).collect();
    let marks = "*".repeat(100_000);
    let headings: String =
        (0..5_000).map(|at| format!("{} H{at}\n", "#".repeat(1 + at % 7))).collect();
    let brackets = "[".repeat(100_000);
    let text = format!(
        "## Scene 1: {marks}\n- **Visual**: A lamp\n{quotes}deep\n{lists}\n{marks}bold\n{brackets}\n{headings}"
    );
    let project = project(&emulator, &[("SCENES.md", text.as_bytes())]);
    shown_by_all(&project, "");
}

#[test]
fn deep_manifests() {
    let emulator = Emulator::start();
    // What is not ours is passed over, however deep.
    let foreign =
        format!("{{\"x\": {}{}, \"assets\": []}}", "[".repeat(100_000), "]".repeat(100_000));
    let files: [(&str, &[u8]); 2] =
        [("SCENES.md", GOOD), ("public/assets/manifest.json", foreign.as_bytes())];
    shown_by_all(&project(&emulator, &files), "1");
    let ours = format!(
        "{{\"assets\": [{{\"id\": \"vid-001\", \"ask\": {}{}}}]}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let done = limited(
        &project(
            &emulator,
            &[("SCENES.md", GOOD), ("public/assets/manifest.json", ours.as_bytes())],
        ),
        &["plan"],
    );
    done.expect(1).tells(&["manifest", "recursion limit"]);
}

#[test]
fn deep_configuration_and_catalogue() {
    let deep = format!("a = {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    files_refused(&[("SCENES.md", GOOD), ("storyreel.toml", deep.as_bytes())], &["config-syntax"]);
    let tables = format!("[defaults]\nparams = {}1{}\n", "{a=".repeat(50_000), "}".repeat(50_000));
    files_refused(
        &[("SCENES.md", GOOD), ("storyreel.toml", tables.as_bytes())],
        &["config-syntax"],
    );
    let dotted = format!("{}b = 1\n", "a.".repeat(100_000));
    files_refused(
        &[("SCENES.md", GOOD), ("storyreel.toml", dotted.as_bytes())],
        &["storyreel.toml"],
    );
    for text in [&deep, &tables, &dotted] {
        files_refused(&[("SCENES.md", GOOD), ("catalog/own.toml", text.as_bytes())], &["own.toml"]);
    }
}

// ---- too much of it ----

/// A file of this many bytes that takes no room on the disk.
fn sparse(project: &Project, name: &str, bytes: u64) {
    project.write(name, "");
    let file = File::options().write(true).open(project.path(name)).expect("a file");
    file.set_len(bytes).expect("a long file");
}

#[test]
fn files_that_are_too_large() {
    let emulator = Emulator::start();
    for name in ["SCENES.md", "storyreel.toml", "catalog/own.toml", "prompts/veo.jinja"] {
        let project = project(&emulator, &[("SCENES.md", GOOD)]);
        sparse(&project, name, 100_000_000);
        refused(&project, &emulator, &["100000000 bytes, more than the 16777216", name]);
    }
    let project = project(&emulator, &[("SCENES.md", GOOD)]);
    sparse(&project, "public/assets/manifest.json", 1 << 34);
    limited(&project, &["plan"]).expect(3).tells(&["manifest.json", "bytes, more than"]);
    sparse(&project, "saved.json", 1 << 34);
    let done = limited(&project, &["render", "--plan", "saved.json"]).expect(1);
    done.tells(&["saved.json", "bytes, more than"]);
    assert_eq!(emulator.bill()["requests"], json!({}));
}

#[test]
fn a_line_of_a_million_columns() {
    let long = "word ".repeat(200_000);
    // The error stands at its end, and only what is around it is shown.
    let text = format!("scenes:\n- {{id: 1, visual: \"{long}\", duration: soon, camera: {{\n");
    let emulator = Emulator::start();
    let project = project(&emulator, &[("storyboard.yaml", text.as_bytes())]);
    let done = limited(&project, &["check"]).expect(1);
    assert!(done.stdout.len() < 10_000, "{} bytes about one line", done.stdout.len());
    let json = limited(&project, &["check", "--format", "json"]).expect(1);
    assert!(json.stdout.len() < 10_000, "{} bytes about one line", json.stdout.len());

    // A thousand problems on that one line.
    let items: String = (0..2_000)
        .map(|at| format!("{{id: {at}, visual: x, camra{at}: y, duration: soon}}, "))
        .collect();
    let text = format!("scenes: [{{id: a, visual: \"{long}\"}}, {items}]\n");
    let project = self::project(&emulator, &[("storyboard.yaml", text.as_bytes())]);
    limited(&project, &["check"]).expect(1).prints(&["the first 200 of", "wrong-duration"]);
    limited(&project, &["check", "--format", "json"]).expect(1).json();
}

#[test]
fn thousands_of_scenes_and_errors() {
    let emulator = Emulator::start();
    let scenes: String = (1..=3_000)
        .map(|id| {
            format!("## Scene {id}: S{id}\n- **Duration**: 6s\n- **Prompt**: A lamp {id}\n\n")
        })
        .collect();
    let many = project(&emulator, &[("SCENES.md", scenes.as_bytes())]);
    limited(&many, &["check"]).expect(0);
    assert_eq!(limited(&many, &["plan", "--brief"]).expect(0).code, 0);

    let wrong = "## Scene 1\n- **Duration**: soon\n- **Prompt**: A lamp\n- **Seed**: many\n\n"
        .repeat(3_000);
    let wrong = project(&emulator, &[("SCENES.md", wrong.as_bytes())]);
    let done = limited(&wrong, &["check"]).expect(1);
    assert!(done.stdout.len() < 100_000, "{} bytes of problems", done.stdout.len());
    done.prints(&["the first 200 of", "duplicate-id", "1001 errors"]);
    refused(&wrong, &emulator, &["the first 200 of"]);
}

#[test]
fn an_id_of_ten_thousand_characters() {
    let emulator = Emulator::start();
    let id = "x".repeat(10_000);
    let text = format!("scenes:\n- {{id: {id}, visual: A lamp}}\n- {{id: {id}, visual: A lamp}}\n");
    let twice = project(&emulator, &[("storyboard.yaml", text.as_bytes())]);
    let done = limited(&twice, &["check"]).expect(1);
    assert!(done.stdout.len() < 20_000, "{}", done.stdout.len());
    let text = format!("scenes:\n- {{id: {id}, visual: A lamp, duration: 6}}\n");
    let once = project(&emulator, &[("storyboard.yaml", text.as_bytes())]);
    for arguments in [&["check"][..], &["plan"], &["status"], &["plan", "--json"]] {
        let done = limited(&once, arguments);
        assert!(matches!(done.code, 0 | 1), "{done:?}");
        assert!(done.stdout.len() + done.stderr.len() < 100_000);
    }
}

#[test]
fn numbers_beyond_reason() {
    let emulator = Emulator::start();
    let text = "\
## Scene 1000000000000000000000000000000: Big
- **Duration**: 1e308s
- **Takes**: 1000000000
- **Seed**: 99999999999999999999999999
- **Clip length**: -1e308
- **Params**: cfg_scale=1e999; watermark=me
- **Prompt**: A lamp
";
    let numbers = project(&emulator, &[("SCENES.md", text.as_bytes())]);
    refused(&numbers, &emulator, &["wrong-duration", "seed"]);
    // Takes are paid for one by one: a slip of the pen orders no billion.
    let takes = "## Scene 1\n- **Duration**: 6s\n- **Takes**: 1000000000\n- **Prompt**: A lamp\n";
    let takes = project(&emulator, &[("SCENES.md", takes.as_bytes())]);
    refused(&takes, &emulator, &["1000000000 takes cannot be made"]);
    let config = "[limits]\nrunning = 99999999999999999999\ndownloads = 1e308\n[budget]\nmax_credits = inf\n\
                  [poll]\nfirst = \"99999999999999999999d\"\n[retry]\nmax = nan\nfailed_tasks = -1\n";
    files_refused(
        &[("SCENES.md", GOOD), ("storyreel.toml", config.as_bytes())],
        &["running", "downloads", "max_credits", "first", "max", "failed_tasks"],
    );
    let manifest = r#"{"n": 1e999, "assets": [{"id": "vid-18446744073709551615", "type": "video", "scene_id": 1,
        "version": 18446744073709551615, "credits": 1e308, "bytes": 1e300, "take": 4294967296, "seed": 1e30,
        "filename": "assets/clips/scene-01.mp4", "probe": {"duration": 1e308, "width": 1e9}}]}"#;
    let files: [(&str, &[u8]); 2] =
        [("SCENES.md", GOOD), ("public/assets/manifest.json", manifest.as_bytes())];
    shown_by_all(&project(&emulator, &files), "1");
}

// ---- odd bytes ----

#[test]
fn bytes_that_are_no_text() {
    for (text, place) in [
        (&b"## Scene 1\n- **Prompt**: caf\xe9\n"[..], "line 2, byte 28"),
        (&b"\xff\xfe#\0 \0"[..], "line 1, byte 0"),
        (&b"## Scene 1\n- **Prompt**: \xf0\x9f\x98"[..], "line 2"),
        (&b"## Scene 1\n- **Prompt**: \xed\xa0\x80\n"[..], "line 2"),
        (&b"## Scene 1\n- **Prompt**: \xc0\xaf\n"[..], "line 2"),
    ] {
        files_refused(&[("SCENES.md", text)], &["is not UTF-8 text", place]);
    }
    for name in ["storyreel.toml", "catalog/own.toml", "prompts/veo.jinja"] {
        files_refused(
            &[("SCENES.md", GOOD), (name, b"a = \"\xff\"")],
            &["is not UTF-8 text", name],
        );
    }
}

#[test]
fn nul_bytes_and_byte_order_marks() {
    let emulator = Emulator::start();
    let marked: Vec<u8> = [b"\xef\xbb\xbf", GOOD].concat();
    let files: [(&str, &[u8]); 4] = [
        ("SCENES.md", &marked),
        ("storyreel.toml", b"\xef\xbb\xbf[limits]\nrunning = 5\n"),
        ("public/assets/manifest.json", b"\xef\xbb\xbf{\"assets\": []}"),
        ("prompts/veo.jinja", b"\xef\xbb\xbf{{ visual }}"),
    ];
    shown_by_all(&project(&emulator, &files), "1");
    let nul = b"## Scene 1\0: A\0B\n- **Visual**: a\0lamp\n- **Camera**: \0\n- **Duration**: 6s\n";
    let nul = project(&emulator, &[("SCENES.md", nul)]);
    for arguments in [&["check"][..], &["plan"], &["plan", "--json"], &["status"]] {
        limited(&nul, arguments);
    }
    files_refused(
        &[("storyboard.yaml", b"scenes:\n- {id: 1\0, visual: \0}\n")],
        &["storyboard.yaml"],
    );
    files_refused(&[("SCENES.md", GOOD), ("storyreel.toml", b"a\0 = 1\n")], &["config-syntax"]);
}

#[test]
fn lone_surrogates_in_json() {
    let emulator = Emulator::start();
    let board = r#"{"scenes": [{"id": "\ud800", "visual": "a \udc00 lamp", "duration": 6}]}"#;
    let board = project(&emulator, &[("storyboard.yaml", board.as_bytes())]);
    for arguments in [&["check"][..], &["plan"], &["render", "--yes"]] {
        limited(&board, arguments).expect(1);
    }
    // In keys that are nobody's they are passed over; in ours the file is refused and not touched.
    let foreign = r#"{"notes": "cut \ud83d", "assets": [{"id": "img-001", "type": "image", "caption": "cut \ud83d"}]}"#;
    let files: [(&str, &[u8]); 2] =
        [("SCENES.md", GOOD), ("public/assets/manifest.json", foreign.as_bytes())];
    shown_by_all(&project(&emulator, &files), "1");
    let ours = r#"{"assets": [{"id": "vid-001", "type": "video", "prompt": "cut \ud83d"}]}"#;
    let ours = project(
        &emulator,
        &[("SCENES.md", GOOD), ("public/assets/manifest.json", ours.as_bytes())],
    );
    limited(&ours, &["plan"]).expect(1).tells(&["manifest", "line 1"]);
}

// ---- what is printed ----

/// Clears the screen, sets a title, turns the text around, and a few more.
const EVIL: &str =
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}txt.exe\u{2066}\u{200f}\u{85}\u{feff}\u{8}";

#[test]
fn titles_ids_and_words_cannot_steer_a_terminal() {
    let emulator = Emulator::start();
    let markdown = format!(
        "# Film {EVIL}\n\n## Scene 1: First {EVIL} light\n- **Duration**: 6s\n- **Visual**: A {EVIL} lamp\n\
         - **Cam{EVIL}ra**: slow\n- **Notes**: {EVIL}\n- **Transition Out**: {EVIL}\n\n\
         ## Scene h{EVIL}k: Title\n- **Duration**: 6s\n- **Visual**: A lamp\n"
    );
    let project = project(&emulator, &[("SCENES.md", markdown.as_bytes())]);
    for arguments in [
        &["check"][..],
        &["check", "--format", "json"],
        &["check", "--format", "github"],
        &["plan", "--all"],
        &["plan", "--json"],
        &["status"],
        &["status", "--json"],
        &["explain", "1"],
        &["render", "--yes"],
        &["render", "--json"],
        &["status"],
        &["explain", "1"],
        &["plan", "--all"],
    ] {
        limited(&project, arguments);
    }
    let title = "\"\\e[2J\\x9b31m\\u202e\\a\"";
    let yaml = format!(
        "title: {title}\nscenes:\n- {{id: {title}, title: {title}, visual: {title}, camera: {title}, model: {title}, {title}: {title}, duration: {title}, reference: {title}, takes: {title}, steps: [{{{title}: x}}]}}\n"
    );
    let project = self::project(&emulator, &[("storyboard.yaml", yaml.as_bytes())]);
    for arguments in [
        &["check"][..],
        &["check", "--format", "json"],
        &["check", "--format", "github"],
        &["plan"],
        &["plan", "--json"],
        &["render", "--yes"],
        &["render", "--json"],
        &["status"],
    ] {
        limited(&project, arguments);
    }
}

#[test]
fn files_of_others_cannot_steer_a_terminal() {
    let emulator = Emulator::start();
    let text = serde_json::to_string(EVIL).expect("JSON");
    let manifest = format!(
        "{{{text}: {text}, \"assets\": [{{\"id\": {text}, \"type\": \"video\", \"scene_id\": {text}, \"filename\": {text}, \"model\": {text}, \"prompt\": {text}, \"task_id\": {text}}},\
         {{\"id\": \"vid-001\", \"type\": \"video\", \"scene_id\": 1, \"filename\": \"assets/clips/{evil}.mp4\", \"model\": {text}, \"prompt\": {text}, \"task_id\": {text}, \"parts\": {{{text}: {text}}}, \"steps\": [{{\"step\": \"generate\", \"model\": {text}, \"parts\": {{{text}: {text}}}}}], \"storyboard\": {text}}}]}}",
        evil = text.trim_matches('"')
    );
    let files: [(&str, &[u8]); 2] =
        [("SCENES.md", GOOD), ("public/assets/manifest.json", manifest.as_bytes())];
    shown_by_all(&project(&emulator, &files), "1");

    let name = "\"\\u001b[2J\\u009b31m\\u202e\"";
    let config = format!(
        "{name} = 1\n[project]\nassets = {name}\n[defaults]\nmodel = {name}\n{name} = {name}\n[lints]\n{name} = {name}\n[limits]\nsubmissions = {name}\n"
    );
    files_refused(
        &[("SCENES.md", GOOD), ("storyreel.toml", config.as_bytes())],
        &["unknown-section"],
    );

    let model = |extra: &str| {
        format!(
            "provider = \"kie\"\nfamily = \"market\"\nprompt_style = \"general\"\nchecked = \"2026-10-07\"\n[[models]]\nname = \"Evil \\u001b[2J\\u202e\\u009b\"\nnote = {name}\naliases = [\"a\\u0007\"]\n{extra}"
        )
    };
    let broken = model("[[models.modes]]\nkind = \"t2v\"\noperation = \"\\u001b[2J\"\n");
    let good = model(
        "[[models.modes]]\nkind = \"t2v\"\nid = \"x\\u001b[2J\"\noperation = \"create\"\nlengths = [5]\n\
         parameters = [{ name = \"prompt\", type = \"string\", from = [\"prompt\"] }]\n",
    );
    for text in [&broken, &good] {
        let files: [(&str, &[u8]); 2] =
            [("SCENES.md", GOOD), ("catalog/own.toml", text.as_bytes())];
        files_refused(&files, &["own.toml", "control character"]);
        for arguments in [&["models"][..], &["models", "evil"], &["models", "--json"]] {
            limited(&project(&emulator, &files), arguments).expect(1);
        }
    }
    let odd = model("").replace("\\u001b[2J\\u202e\\u009b", "").replace(name, "\"\"");
    let files: [(&str, &[u8]); 2] = [("SCENES.md", GOOD), ("catalog/own.toml", odd.as_bytes())];
    limited(&project(&emulator, &files), &["models"]).expect(1).tells(&["own.toml"]);
    let template = format!("{{{{ visual|{EVIL} }}}}{{{{ \"{EVIL}\" }}}}{{{{ nothing_{EVIL} }}}}");
    files_refused(
        &[("SCENES.md", GOOD), ("prompts/veo.jinja", template.as_bytes())],
        &["veo.jinja"],
    );
}

#[test]
fn names_of_files_cannot_steer_a_terminal() {
    let emulator = Emulator::start();
    let name = "a\u{1b}[2J\u{202e}b.md";
    let project = project(&emulator, &[(name, GOOD)]);
    for arguments in
        [&["check"][..], &["plan"], &["plan", "--json"], &["render", "--yes"], &["status"]]
    {
        let mut arguments = arguments.to_vec();
        arguments.extend(["-f", name]);
        let done = limited(&project, &arguments);
        if done.code == 2 {
            // Not every command takes `-f`.
            arguments.truncate(arguments.len() - 2);
            arguments.push(name);
            limited(&project, &arguments);
        }
    }
    limited(&project, &["check", "no\u{1b}[2Jsuch.md"]).expect(1);
    limited(&project, &["models", "\u{1b}[2J\u{202e}"]);
    limited(&project, &["explain", "\u{1b}[2J", "-f", name]);
    limited(&project, &["plan", name, "--only", "\u{1b}[2J\u{202e}"]);
    project.write("bad\u{7}.md", b"## Scene 1\n- **Duration**: soon\n- **Visual**: x\n");
    limited(&project, &["check", "bad\u{7}.md"]).expect(1);
}

// ---- what is no file ----

fn pipe(project: &Project, name: &str) {
    if let Some(folder) = project.path(name).parent() {
        std::fs::create_dir_all(folder).expect("a folder");
    }
    let made = Command::new("mkfifo").arg(project.path(name)).status().expect("mkfifo");
    assert!(made.success());
}

fn link(project: &Project, name: &str, target: &str) {
    if let Some(folder) = project.path(name).parent() {
        std::fs::create_dir_all(folder).expect("a folder");
    }
    std::os::unix::fs::symlink(target, project.path(name)).expect("a link");
}

#[test]
fn pipes_and_devices_are_not_read() {
    let emulator = Emulator::start();
    let empty = Project::new().using(&emulator);
    pipe(&empty, "pipe.md");
    link(&empty, "zero.md", "/dev/zero");
    std::fs::create_dir(empty.path("folder.md")).expect("a folder");
    for name in ["pipe.md", "zero.md", "folder.md"] {
        for command in ["check", "plan", "render"] {
            limited(&empty, &[command, name]).expect(1).tells(&[name]);
        }
    }
    for (name, code) in [
        ("storyreel.toml", 1),
        ("catalog/own.toml", 1),
        ("prompts/veo.jinja", 1),
        ("public/assets/manifest.json", 3),
    ] {
        for make in [pipe, |project: &Project, name: &str| link(project, name, "/dev/zero")] {
            let project = project(&emulator, &[("SCENES.md", GOOD)]);
            make(&project, name);
            for arguments in [&["plan"][..], &["render", "--yes"]] {
                let done = limited(&project, arguments);
                // A configuration file that is none is passed over when it is looked for.
                let passed_over = name == "storyreel.toml" && done.code == 0;
                if !passed_over {
                    done.expect(code).tells(&["is a pipe or a device"]);
                }
            }
        }
    }
    // The key may come from the environment as well, so such a file is as good as none.
    let key = project(&emulator, &[("SCENES.md", GOOD)]);
    pipe(&key, ".env");
    limited(&key, &["plan"]).expect(0);
}

#[test]
fn references_that_are_no_files() {
    let emulator = Emulator::start();
    let text =
        "## Scene 1\n- **Duration**: 6s\n- **Visual**: A lamp\n- **Reference**: refs/a.png\n";
    for make in [
        pipe,
        |project: &Project, name: &str| link(project, name, "/dev/zero"),
        |project: &Project, name: &str| {
            std::fs::create_dir_all(project.path(name)).expect("a folder");
        },
    ] {
        let project = project(&emulator, &[("SCENES.md", text.as_bytes())]);
        make(&project, "refs/a.png");
        for arguments in [&["plan"][..], &["render", "--yes"]] {
            limited(&project, arguments).expect(1).tells(&["refs/a.png"]);
        }
    }
    assert_eq!(emulator.bill()["requests"], json!({}));
}

// ---- templates ----

#[test]
fn templates_that_never_end() {
    let doubled = format!("{{% set a = visual %}}{}{{{{ a }}}}", "{% set a = a ~ a %}".repeat(60));
    let nested = format!("{{% set a = [1] %}}{}{{{{ a }}}}", "{% set a = [a, a] %}".repeat(60));
    let deep = format!("{{{{ {}1 }}}}", "not ".repeat(15_000));
    for (text, says) in [
        ("{{ \"x\" * 1000000000 }}", "does not compute"),
        (&doubled, "too many steps or makes too much text"),
        (&nested, "a list of words can stand only"),
        (&deep, "more than 300 words"),
        ("{% include \"/etc/passwd\" %}", "include"),
        ("{% set n = namespace() %}{% set n.a = n %}{{ n }}", "calls nothing"),
    ] {
        let board = b"## Scene 1\n- **Duration**: 6s\n- **Visual**: A lamp\n";
        let emulator = Emulator::start();
        let project =
            project(&emulator, &[("SCENES.md", board), ("prompts/veo.jinja", text.as_bytes())]);
        refused(&project, &emulator, &[says, "veo.jinja"]);
        // The unoptimised program itself takes most of this.
        limited_to(260, &project, &["plan"]).expect(1).tells(&[says]);
    }
}

#[test]
fn json_is_escaped_and_means_what_was_written() {
    let emulator = Emulator::start();
    let text =
        format!("## Scene 1: A {EVIL} B\n- **Duration**: 6s\n- **Prompt**: A lamp\u{202e}\n");
    let project = project(&emulator, &[("SCENES.md", text.as_bytes())]);
    let plan = limited(&project, &["plan", "--json"]).expect(0).json();
    let prompt = plan["scenes"][0]["steps"][0]["request"]["prompt"].as_str().map(str::to_owned);
    assert!(prompt.is_some_and(|prompt| prompt.starts_with("A lamp")), "{plan:#}");
    for line in limited(&project, &["render", "--json"]).stdout.lines() {
        let event: Value = serde_json::from_str(line).expect("one object a line");
        assert!(event["event"].is_string());
    }
}
