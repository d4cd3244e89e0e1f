//! The key: where it goes, and that it stands nowhere else.

use crate::server::{Server, answer};
use crate::support::{Done, Emulator, Project, TWO_SCENES, files_below};
use serde_json::{Value, json};
use std::path::Path;

/// Nothing else in the world holds these letters.
const SECRET: &str = "Qz7-RECOGNISABLE/key+42==";

/// A project with the recognisable key.
fn project(emulator: &Emulator, storyboard: &str) -> Project {
    let mut project = Project::with_storyboard(storyboard).using(emulator);
    project.set("KIE_API_KEY", SECRET);
    project
}

fn faults(emulator: &Emulator, rules: Value) {
    let answer = emulator.control("POST", "/emulator/faults", &json!({"rules": rules}).to_string());
    assert!(answer["added"].is_number(), "{answer}");
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Fails where the key, or a part of it that is long enough to know it by, was printed.
#[track_caller]
fn assert_unsaid(done: &Done) {
    for part in [SECRET, "RECOGNISABLE", "recognisable", "Qz7%2D", "UXo3LVJFQ09HTklTQUJMR"] {
        assert!(!done.stdout.contains(part), "stdout holds the key:\n{}", done.stdout);
        assert!(!done.stderr.contains(part), "stderr holds the key:\n{}", done.stderr);
    }
}

/// Fails where a file of the project or of its user's home holds the key, in its name or in its bytes.
#[track_caller]
fn assert_unwritten(project: &Project) {
    let above = project.root().parent().expect("a folder above");
    let files = files_below(above);
    assert!(files.iter().any(|path| path.ends_with("SCENES.md")), "it looks where files are");
    for path in files {
        assert!(!path.to_string_lossy().contains("RECOGNISABLE"), "{}", path.display());
        let bytes = std::fs::read(&path).expect("a file");
        assert!(!holds(&bytes, b"RECOGNISABLE"), "{} holds the key", path.display());
    }
}

/// Every command, with all that it can tell.
fn say_everything(project: &Project, exits: &[i32]) {
    let mut commands: Vec<Vec<&str>> = vec![
        vec!["render", "--yes", "-vv"],
        vec!["render", "--yes", "--json", "-vv"],
        vec!["plan", "--json", "-vv"],
        vec!["plan", "-o", "saved.plan", "-v"],
        vec!["plan", "--all"],
        vec!["status", "-vv"],
        vec!["status", "--json"],
        vec!["explain", "1", "-vv"],
        vec!["check", "--format", "json", "-vv"],
        vec!["models", "veo"],
        vec!["forget", "1", "-vv"],
        vec!["adopt", "1", "--task", "0a1b2c3d4e5f"],
    ];
    for command in commands.drain(..) {
        let done = project.run(&command);
        assert_unsaid(&done);
        if command[0] == "render" {
            assert!(exits.contains(&done.code), "{command:?}: {done:?}");
        }
    }
    assert_unwritten(project);
}

fn assert_not_leaked(emulator: &Emulator) {
    assert_eq!(emulator.bill()["leaks"], json!([]));
}

#[test]
fn a_run_that_goes_well_leaves_no_trace_of_the_key() {
    let emulator = Emulator::start();
    let storyboard = format!(
        "{TWO_SCENES}\n### Upscale\n1080p\n\n## Scene 3: Ada\n- **Reference**: ada.png\n- **Prompt**: Ada turns\n"
    );
    let project = project(&emulator, &storyboard);
    project.write("ada.png", b"\x89PNG\r\n\x1a\nnot much of a picture");
    say_everything(&project, &[0]);
    assert_unsaid(&project.run(["render", "--preview", "--only", "1", "-vv"]).expect(0));
    assert_unwritten(&project);
    assert_not_leaked(&emulator);
    assert_eq!(emulator.bill()["uploads"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_goes_wrong_does_not_tell_the_key() {
    let echo = format!("the key {SECRET} (Bearer {SECRET}) is at fault");
    let flagged = format!("content policies: {SECRET}");
    let rows = [
        (
            "refused",
            json!([{"match": {"operation": "create"}, "do": {"fault": "code", "code": 422, "msg": echo}}]),
            4,
        ),
        (
            "key refused",
            json!([{"match": {"operation": "create"}, "do": {"fault": "code", "code": 401, "msg": echo}}]),
            3,
        ),
        (
            "no credits",
            json!([{"match": {"operation": "create"}, "do": {"fault": "code", "code": 402, "msg": echo}}]),
            6,
        ),
        (
            "busy, then not",
            json!([{"match": {"operation": "create", "times": 3}, "do": {"fault": "code", "code": 429, "msg": echo}}]),
            0,
        ),
        (
            "unknown",
            json!([{"match": {"operation": "create"}, "do": {"fault": "code", "code": 500, "msg": echo, "accepted": true}}]),
            5,
        ),
        (
            "no answer",
            json!([{"match": {"operation": "create"}, "do": {"fault": "drop_after"}}]),
            5,
        ),
        ("a page", json!([{"match": {"operation": "create"}, "do": {"fault": "html_200"}}]), 5),
        ("redirected", json!([{"match": {"operation": "create"}, "do": {"fault": "redirect"}}]), 5),
        (
            "failed",
            json!([{"match": {"operation": "create"}, "do": {"fault": "fail", "code": 400, "message": flagged}}]),
            4,
        ),
        (
            "read fails",
            json!([{"match": {"operation": "read", "times": 3}, "do": {"fault": "code", "code": 500, "msg": echo}}]),
            0,
        ),
        (
            "key refused later",
            json!([{"match": {"operation": "read"}, "do": {"fault": "code", "code": 401, "msg": echo}}]),
            3,
        ),
        (
            "read redirected",
            json!([{"match": {"operation": "read", "times": 2}, "do": {"fault": "redirect"}}]),
            0,
        ),
        (
            "link dead",
            json!([{"match": {"operation": "file", "times": 2}, "do": {"fault": "gone"}}]),
            0,
        ),
        (
            "download redirected",
            json!([{"match": {"operation": "file", "times": 2}, "do": {"fault": "redirect"}}]),
            0,
        ),
        (
            "no clip",
            json!([{"match": {"operation": "file", "times": 2}, "do": {"fault": "wrong_content", "content": "html"}}]),
            0,
        ),
        (
            "no new link",
            json!([
            {"match": {"operation": "file"}, "do": {"fault": "gone"}},
            {"match": {"operation": "download-url"}, "do": {"fault": "code", "code": 422, "msg": echo}}]),
            4,
        ),
    ];
    for (row, rules, exit) in rows {
        let emulator = Emulator::start();
        let project = project(&emulator, TWO_SCENES);
        faults(&emulator, rules);
        let done = project.run(["render", "--yes", "-vv"]);
        assert_unsaid(&done);
        assert_eq!(done.code, exit, "{row}: {done:?}");
        for command in [
            &["render", "--yes", "--json", "-vv"][..],
            &["status", "-vv"],
            &["status", "--json"],
            &["plan", "--json"],
            &["explain", "1"],
        ] {
            assert_unsaid(&project.run(command));
        }
        assert_unwritten(&project);
        assert_not_leaked(&emulator);
        if row == "refused" {
            assert!(done.stderr.contains("the key [key] (Bearer [key]) is at fault"), "{done:?}");
        }
    }
}

#[test]
fn a_provider_that_puts_the_key_everywhere_spreads_it_nowhere() {
    let cdn = Server::start(|_| answer(200, &[], "no clip"));
    let link = format!("{}/clip.mp4?token={SECRET}", cdn.base);
    let echoed = json!({
        "code": 200, "msg": format!("hello {SECRET}"), SECRET: SECRET,
        "data": {
            "taskId": "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "successFlag": 1, "errorMessage": SECRET,
            "paramJson": format!("{{\"key\":\"{SECRET}\"}}"), "creditsConsumed": 60,
            "response": {"resultUrls": [link], "originUrls": [SECRET]},
        }
    })
    .to_string();
    // A second way to write the same text in JSON.
    let escaped = echoed.replace('/', "\\/");
    let api = Server::start(move |request| {
        let body = if request.path().contains("record-info") { &escaped } else { &echoed };
        let cookie = format!("Set-Cookie: key={SECRET}");
        answer(200, &[&cookie, &format!("X-Key: {SECRET}")], body)
    });
    let mut project = Project::with_storyboard("## Scene 1\n- **Prompt**: A lighthouse\n");
    project.set("KIE_API_BASE", &api.base);
    project.set("KIE_UPLOAD_BASE", &api.base);
    project.set("KIE_API_KEY", SECRET);
    let config =
        project.root().parent().expect("a folder").join("home/config/storyreel/config.toml");
    std::fs::write(
        config,
        "[poll]\nfirst = \"20ms\"\nmax = \"20ms\"\n[retry]\nfirst = \"1ms\"\nmax = \"1ms\"\n",
    )
    .expect("a file");
    say_everything(&project, &[3, 4, 5]);
    assert!(!cdn.requests().is_empty(), "the link was followed");
    for request in cdn.requests() {
        assert!(!request.head.contains("RECOGNISABLE"), "{}", request.head);
    }
}

#[test]
fn a_wrong_key_is_not_told() {
    let emulator = Emulator::with(&["--key", "another-key"]);
    let project = project(&emulator, TWO_SCENES);
    let done = project.run(["render", "--yes", "-vv"]).expect(3);
    assert_unsaid(&done);
    say_everything(&project, &[3]);
}

#[test]
fn a_key_of_the_env_file_stays_there() {
    let emulator = Emulator::start();
    let mut project = project(&emulator, TWO_SCENES);
    project.set("KIE_API_KEY", "");
    let evil = Server::start(|_| answer(200, &[], "{}"));
    project.write(
        ".env",
        format!(
            "KIE_API_BASE={0}\nKIE_API_KEY=\"{SECRET}\"\nKIE_UPLOAD_BASE={0}\nHTTP_PROXY={0}\nALL_PROXY={0}\n\
             XDG_STATE_HOME={1}/stolen\nXDG_CONFIG_HOME={1}/stolen\n",
            evil.base,
            project.root().display()
        ),
    );
    assert_unsaid(&project.run(["render", "--yes", "-vv"]).expect(0));
    std::fs::remove_file(project.path(".env")).expect("the file");
    assert_unwritten(&project);
    assert_not_leaked(&emulator);
    assert!(evil.requests().is_empty());
    assert!(!project.has("stolen"));
}

/// Files of a project cannot say where requests go: each is refused, or has no effect.
#[test]
fn files_of_a_project_name_no_hosts() {
    let emulator = Emulator::start();
    let evil = Server::start(|_| answer(200, &[], "{}"));
    let base = &evil.base;
    let front = |line: &str| TWO_SCENES.replacen("---\n", &format!("---\n{line}\n"), 1);
    let provider = |text: &str| ("catalog/provider.toml".to_owned(), text.to_owned());
    let built_in = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog/kie/provider.toml"),
    )
    .expect("the provider");
    let config = |text: String| ("storyreel.toml".to_owned(), text);
    let files: Vec<(String, String)> = vec![
        config(format!("[provider]\napi = \"{base}\"\n")),
        config(format!("api = \"{base}\"\n")),
        config(format!("KIE_API_BASE = \"{base}\"\n")),
        config(format!("[project]\nassets = \"{base}\"\n")),
        config(format!("[defaults]\nkie_api_base = \"{base}\"\n")),
        config(format!("[defaults]\nparams = {{ callBackUrl = \"{base}\" }}\n")),
        provider(&built_in.replace("https://api.kie.ai", base)),
        ("catalog/PROVIDER.toml".to_owned(), built_in.replace("https://api.kie.ai", base)),
        ("catalog/kie.toml".to_owned(), built_in.replace("https://api.kie.ai", base)),
        ("catalog/kie/provider.toml".to_owned(), built_in.replace("https://api.kie.ai", base)),
        ("SCENES.md".to_owned(), front(&format!("api: {base}"))),
        ("SCENES.md".to_owned(), front(&format!("KIE_API_BASE: {base}"))),
        ("SCENES.md".to_owned(), front(&format!("provider: {{api: \"{base}\"}}"))),
        ("SCENES.md".to_owned(), front(&format!("params: {{callBackUrl: \"{base}\"}}"))),
        ("SCENES.md".to_owned(), front(&format!("model: \"{base}\""))),
        (".env".to_owned(), format!("KIE_API_BASE={base}\nKIE_UPLOAD_BASE={base}\n")),
    ];
    for (name, text) in files {
        let project = project(&emulator, TWO_SCENES);
        project.write(&name, &text);
        let done = project.run(["render", "--yes", "-vv"]);
        assert!(matches!(done.code, 0 | 1), "{name}\n{text}\n{done:?}");
        assert_unsaid(&done);
        assert_unwritten(&project);
        assert_eq!(evil.requests().len(), 0, "{name}\n{text}");
    }
    assert_not_leaked(&emulator);
    let asked = emulator.bill()["creates"].to_string();
    assert!(!asked.contains(base.as_str()), "no callback was ordered: {asked}");
}

/// A key that was pasted into the project would be sent as a prompt, shown, and committed.
#[test]
fn a_project_that_holds_the_key_is_refused_before_anything_is_said_or_sent() {
    let emulator = Emulator::start();
    let plain = "## Scene 1\n- **Prompt**: A lighthouse\n";
    let files = [
        ("SCENES.md", format!("## Scene 1\n- **Prompt**: A lighthouse {SECRET}\n")),
        ("SCENES.md", format!("---\nkey: {SECRET}\n---\n{plain}")),
        ("SCENES.md", format!("{plain}- **Params**: watermark={SECRET}\n")),
        ("SCENES.md", format!("{plain}\n<!-- {SECRET} -->\n")),
        ("SCENES.md", format!("no storyboard but {SECRET}\n")),
        ("storyreel.toml", format!("[defaults]\nnegative = \"{SECRET}\"\n")),
        ("storyreel.toml", format!("[provider]\nkey = \"{SECRET}\"\n")),
        ("storyreel.toml", format!("key = \"{SECRET}\n")),
        ("prompts/veo.jinja", format!("{{{{ scene }}}} {SECRET}")),
        ("catalog/mine.toml", format!("[[models]]\nname = \"{SECRET}\"\n")),
    ];
    for (name, text) in files {
        for command in [
            &["render", "--yes", "-vv"][..],
            &["render", "--json"],
            &["render", "--preview"],
            &["plan", "--json"],
            &["check", "--format", "json"],
            &["check", "--format", "github"],
            &["explain", "1"],
            &["status"],
        ] {
            let project = project(&emulator, plain);
            project.write(name, &text);
            let done = project.run(command);
            assert_unsaid(&done);
            assert_eq!(done.code, 1, "{name} {command:?} {done:?}");
            let told = done.stdout + &done.stderr;
            let reasons = [
                "holds your API key",
                "the key itself belongs in `KIE_API_KEY`",
                "this is not TOML",
            ];
            assert!(
                reasons.iter().any(|reason| told.contains(reason)),
                "{name} {command:?}: {told}"
            );
            std::fs::remove_file(project.path(name)).expect("the file");
            project.write("SCENES.md", plain);
            assert_unwritten(&project);
        }
    }
    assert_eq!(emulator.bill()["requests"], json!({}));
}

/// A key that stands where it does not belong is not shown either, even where nobody knows that it is one.
#[test]
fn a_key_in_the_configuration_is_not_shown() {
    for text in [
        format!("[provider]\nkey = \"{SECRET}\"\n"),
        format!("kie_api_key = \"{SECRET}\"\n"),
        format!("[limits]\napi_key = '{SECRET}'\n"),
    ] {
        let project = Project::with_storyboard(TWO_SCENES);
        project.write("storyreel.toml", &text);
        for command in
            [&["plan"][..], &["render", "--json"], &["check"], &["check", "--format", "json"]]
        {
            assert_unsaid(&project.run(command).expect(1));
        }
    }
}

#[test]
fn the_key_never_travels_in_the_clear() {
    let evil = Server::start(|_| answer(200, &[], "{\"code\": 401}"));
    for (variable, other) in
        [("KIE_API_BASE", "KIE_UPLOAD_BASE"), ("KIE_UPLOAD_BASE", "KIE_API_BASE")]
    {
        let mut project = Project::with_storyboard(TWO_SCENES);
        project.set("KIE_API_KEY", SECRET);
        project.set(other, "https://localhost:1");
        project.set(variable, "http://storyreel.invalid.example");
        let done = project.run(["render", "--yes"]).expect(1);
        assert_unsaid(&done);
        assert!(done.stderr.contains("everybody on the way could read the key"), "{done:?}");
    }
    // A proxy is neither of the two hosts.
    let emulator = Emulator::start();
    let mut project = project(&emulator, TWO_SCENES);
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        project.set(variable, &evil.base);
    }
    let done = project.run(["render", "--yes", "-vv"]);
    assert_unsaid(&done);
    let heads: Vec<String> = evil.requests().into_iter().map(|request| request.head).collect();
    assert!(heads.iter().all(|head| !head.contains("RECOGNISABLE")), "{heads:#?}");
    assert_eq!(emulator.bill()["creates"].as_array().map(Vec::len), Some(2));
}
