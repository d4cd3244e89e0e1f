//! `models --refresh` against the emulator, and against servers that say what no provider should.

use crate::server::{Server, answer};
use crate::support::{Done, Emulator, KEY, Project};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Two new models that are one, a new one that nobody can describe, one of another kind, two that are gone, and one that
/// is another than it was.
fn market() -> Value {
    let text =
        |name: &str| json!({"name": name, "type": "string", "required": true, "max_length": 2500});
    let length = json!({"name": "duration", "type": "integer", "required": true, "values": [5, 10], "default": 5});
    let size = json!({"name": "resolution", "type": "string", "values": ["720p", "1080p"], "default": "720p"});
    let price = json!({"basis": "per_second", "rates": [
        {"when": {"resolution": "720p"}, "credits": 12}, {"when": {"resolution": "1080p"}, "credits": 20}]});
    json!([
        {"id": "acme-2/text-to-video", "media": "video", "tasks": ["Text to Video"], "seconds": {"field": "duration"},
            "price_text": "720P: 12 credits/s ($0.06), 1080P: 20 credits/s ($0.10)", "price": price, "fields": [
                text("prompt"), length, size,
                {"name": "aspect_ratio", "type": "string", "values": ["16:9", "9:16"], "default": "16:9"},
                {"name": "negative_prompt", "type": "string"}, {"name": "seed", "type": "integer", "min": 0, "max": 99},
                {"name": "generate_audio", "type": "boolean", "default": false},
                {"name": "style", "type": "string", "values": ["plain", "film"], "default": "plain"}]},
        {"id": "acme-2/image-to-video", "media": "video", "tasks": ["Image to Video"], "seconds": {"field": "duration"},
            "price": price, "fields": [text("prompt"), {"name": "image_url", "type": "string", "required": true}, length, size]},
        {"id": "acme/mystery", "media": "video", "tasks": ["Text to Video"], "fields": [text("prompt")], "schema": false},
        {"id": "acme/chat", "media": "json", "tasks": ["Chat"], "fields": [text("prompt")]},
        {"id": "wan/2-5-text-to-video", "media": "video", "retired": true, "fields": []},
        {"id": "wan/2-5-image-to-video", "media": "video", "retired": true, "fields": []},
        {"id": "kling-2.6/motion-control", "media": "video", "retired": true, "fields": []},
        {"id": "sora-2-text-to-video", "media": "video", "tasks": ["Text to Video"], "fields": [text("prompt")]},
        {"id": "kling-2.6/text-to-video", "media": "video", "tasks": ["Text to Video"], "seconds": {"field": "duration"}, "fields": [
            text("prompt"), {"name": "sound", "type": "boolean", "required": true},
            {"name": "aspect_ratio", "type": "string", "required": true, "values": ["1:1", "16:9", "4:3"], "default": "1:1"},
            {"name": "duration", "type": "integer", "required": true, "values": [5, 10], "default": 5},
            {"name": "camera", "type": "string", "required": true, "values": ["still", "moving"]}],
            "price_text": "HD video 5 s no-audio 60 credits / 10 s no-audio 110 credits; with audio 5 s 110 credits or 10 s 220 credits"},
    ])
}

/// An emulator with this market, and a folder that keeps the file.
pub fn emulator(market: &Value, flags: &[&str]) -> (Emulator, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("market.json");
    std::fs::write(&file, market.to_string()).expect("a file");
    let file = file.display().to_string();
    let flags = [&["--task-time", "0", "--market", &file], flags].concat();
    (Emulator::with(&flags), folder)
}

fn calls(emulator: &Emulator) -> BTreeMap<String, u64> {
    let bill = emulator.bill();
    let requests: BTreeMap<String, u64> =
        serde_json::from_value(bill["requests"].clone()).expect("counts");
    requests.into_iter().filter(|(path, _)| path.contains("/api/v1/models")).collect()
}

pub fn user_catalog(project: &Project) -> PathBuf {
    project.root().parent().expect("a folder").join("home/config/storyreel/catalog")
}

pub fn is_careful(emulator: &Emulator) {
    assert_eq!(emulator.judge(), json!([]));
}

#[test]
fn the_report_tells_what_is_new_gone_back_and_changed_and_asks_once() {
    let (emulator, _folder) = emulator(&market(), &[]);
    let project = Project::new().using(&emulator);
    let first = project.run(["models", "--refresh"]).expect(0);
    insta::assert_snapshot!(first.stdout, @r#"
    kie.ai lists 146 models, asked now (4 calls)

    new: listed, and not in the catalogue (3)
      acme-2/text-to-video   Text to Video   t2v
          price text: 720P: 12 credits/s ($0.06), 1080P: 20 credits/s ($0.10)
      acme-2/image-to-video  Image to Video  i2v
          price text: 12 credits ($0.06) per second for resolution 720p; 20 credits ($0.1) per second for resolution 1080p.
      acme/mystery           Text to Video   not described: the provider has no schema for it yet

    gone: in the catalogue, and not listed any more (3)
      kling-2.6/motion-control  Kling 2.6  motion
      wan/2-5-image-to-video    Wan 2.5    i2v
      wan/2-5-text-to-video     Wan 2.5    t2v

    back: retired in the catalogue, and listed again (1)
      sora-2-text-to-video  Sora 2  t2v

    changed: not what the catalogue says (1)
      kling-2.6/text-to-video  (Kling 2.6)
        price: the text does not name the catalogue's 55; it names 60, which the catalogue does not know: "HD video 5 s no-audio 60 credits / 10 s no-audio 110 credits; with audio 5 s 110 credits or 10 s 220 credits"

    1 model of other kinds, or not called by tasks; `--all` lists them

    prices were compared, parameters were not; `--schemas` compares them all in about 2 min 41 s, `storyreel models QUERY --refresh` some
    `--write` makes a catalogue file of what is new and gone
    "#);
    insta::assert_snapshot!(first.stderr, @r"
    asking kie.ai for 3 schemas, about 4 s
      1/3  acme-2/text-to-video
      2/3  acme-2/image-to-video
      3/3  acme/mystery
    ");
    let asked = calls(&emulator);
    assert_eq!((asked.len(), asked.values().sum::<u64>()), (4, 4), "{asked:?}");

    let again = project.run(["models", "--refresh", "--json"]).expect(0).json();
    assert_eq!((&again["calls"], &again["listed"]), (&json!(0), &json!(146)));
    assert_eq!(again["findings"]["gone"].as_array().map(Vec::len), Some(3));
    assert_eq!(calls(&emulator), asked, "the answer of a moment ago is taken");

    // A model that is known costs a call when it is asked for by name, and its parameters are compared.
    let some = project.run(["models", "kling-2.6/text", "--refresh"]).expect(0);
    insta::assert_snapshot!(some.stdout.lines().skip(1).collect::<Vec<_>>().join("\n"), @r#"

    changed: not what the catalogue says (1)
      kling-2.6/text-to-video  (Kling 2.6)
        price: the text does not name the catalogue's 55; it names 60, which the catalogue does not know: "HD video 5 s no-audio 60 credits / 10 s no-audio 110 credits; with audio 5 s 110 credits or 10 s 220 credits"
        prompt: at most 2500 characters, 1000 in the catalogue
        aspect_ratio: also takes `4:3`
        aspect_ratio: does not take `9:16` any more
        duration: takes a whole number now, text in the catalogue
        camera: a parameter that the catalogue does not know, and every request needs

    prices were compared, and the parameters of 1 model
    "#);
    assert_eq!(calls(&emulator).values().sum::<u64>(), 5);
    is_careful(&emulator);

    let none = project.run(["models", "no-such-thing", "--refresh"]).expect(1);
    assert_eq!(
        none.stderr,
        "error: neither the catalogue nor kie.ai's list has a model `no-such-thing`\n hint: `storyreel models` lists the catalogue\n"
    );
}

#[test]
fn a_file_of_new_and_gone_models_is_written_and_renders() {
    let (emulator, _folder) = emulator(&market(), &[]);
    let project = Project::with_storyboard(
        "---\nmodel: Acme 2\n---\n\n## Scene 1\n- **Duration**: 5s\n- **Audio**: on\n- **Params**: style=film\n- **Prompt**: A kite\n\n\
         ## Scene 2\n- **Duration**: 8s\n- **Resolution**: 1080p\n- **Reference**: refs/a.png\n- **Prompt**: It rises\n\n\
         ## Scene 3\n- **Model**: Wan 2.5\n- **Prompt**: A dune\n",
    )
    .using(&emulator);
    project.write("refs/a.png", b"\x89PNG a");
    project.run(["plan"]).expect(1).tells(&["no model is called `Acme 2`"]);

    let done = project.run(["models", "--refresh", "--write"]).expect(0);
    let told: Vec<&str> =
        done.stdout.lines().skip_while(|line| !line.starts_with("wrote")).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    wrote `catalog/kie-refresh.toml`
      new: Acme 2
      retired: Wan 2.5
      without modes that are gone: Kling 2.6
      left out: acme/mystery (the provider has no schema for it yet)
    read it before you spend with it: it was made by a program
    ");
    let written = project.read("catalog/kie-refresh.toml");
    let today = written.lines().find(|line| line.starts_with("checked"));
    let today = today.expect("a day").replace("checked = ", "").replace('"', "");
    let file = project.read("catalog/kie-refresh.toml").replace(&today, "DAY");
    insta::assert_snapshot!(file.split("[[models]]").take(2).collect::<String>());

    let listed = project.run(["models", "acme-2", "--json"]).expect(0).json();
    assert_eq!(listed["models"][0]["status"], "unverified");
    project.run(["models", "wan 2.5"]).expect(0).prints(&["retired", "instead: "]);
    let plan = project.run(["plan", "--json"]).expect(0).json();
    assert_eq!(plan["summary"]["credits"], 260);
    assert_eq!(plan["scenes"][2]["action"], "skip");
    project.run(["render", "--yes"]).expect(0);
    let bill = emulator.bill();
    // Which of two scenes is sent first is not promised.
    let sent = |id: &str| -> Value {
        let mut creates = bill["creates"].as_array().expect("a list").iter();
        creates.find(|create| create["body"]["model"] == id).expect("it")["body"]["input"].clone()
    };
    assert_eq!(
        sent("acme-2/text-to-video"),
        json!({"prompt": "A kite", "duration": 5, "generate_audio": true, "style": "film"})
    );
    let pictured = sent("acme-2/image-to-video");
    assert_eq!((&pictured["resolution"], &pictured["duration"]), (&json!("1080p"), &json!(10)));
    assert_eq!(bill["charged"], 260.0);
    is_careful(&emulator);

    // Now the catalogue knows them.
    let rest = project.run(["models", "--refresh", "--json"]).expect(0).json();
    let new: Vec<&Value> = rest["findings"]["new"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|new| &new["offer"]["id"])
        .collect();
    assert_eq!(new, ["acme/mystery"]);
    assert_eq!(rest["findings"]["gone"], json!([]));

    let refused = project.run(["models", "--refresh", "--write"]).expect(1);
    assert_eq!(
        refused.stderr,
        "error: `catalog/kie-refresh.toml` is there already\n hint: `--force` writes over it; `--write=FILE` takes another name\n"
    );
    // Writing over it loses nothing: what only the file knows is as new as it was.
    project.run(["models", "--refresh", "--write", "--force"]).expect(0).prints(&["new: Acme 2"]);
    assert_eq!(project.read("catalog/kie-refresh.toml").replace(&today, "DAY"), file);
    assert_eq!(calls(&emulator).values().sum::<u64>(), 4);
}

#[test]
fn without_a_project_the_file_is_the_users_own() {
    let (emulator, _folder) = emulator(&json!([market()[0]]), &[]);
    let project = Project::new().using(&emulator);
    project.run(["models", "--refresh", "--write"]).expect(0).prints(&["new: Acme 2"]);
    assert!(user_catalog(&project).join("kie-refresh.toml").is_file());
    project.run(["models", "acme-2"]).expect(0).prints(&["id acme-2/text-to-video"]);
    for (flag, code, message) in [
        ("--write=models.json", 1, "`models.json` is no name of a catalogue file"),
        ("--write=provider.toml", 1, "a file of models cannot be called `provider.toml`"),
        ("--write=no/such/folder.toml", 3, "there is no folder `no/such`"),
    ] {
        project.run(["models", "--refresh", flag]).expect(code).tells(&[message]);
    }
    project.write("out/.keep", "");
    let told = project.run(["models", "--refresh", "--write=out/x.toml"]).expect(0);
    told.prints(&["nothing was written: nothing is new or gone that can be described"]);
    assert!(!project.has("out/x.toml"));
}

#[test]
fn refusals_end_the_command_with_what_to_do() {
    let (emulator, _folder) = emulator(&json!([]), &["--key", KEY]);
    let mut project = Project::new().using(&emulator);
    project.set("KIE_API_KEY", "a-wrong-key-000");
    let refused = project.run(["models", "--refresh"]).expect(3);
    insta::assert_snapshot!(refused.stderr, @r"
    error: the provider refuses the key: Unauthorized – Authentication failed. Please check that your Authorization and Content-Type headers are correctly set.
     hint: check `KIE_API_KEY`; keys are made at https://kie.ai/api-key
    ");
    project.set("KIE_API_KEY", "");
    let missing = project.run(["models", "--refresh", "--json"]).expect(3).json();
    assert_eq!((&missing["event"], &missing["code"]), (&json!("error"), &json!("no-key")));
    project.set("KIE_API_KEY", KEY);
    project.set("KIE_API_BASE", "http://127.0.0.1:9");
    // Nobody listens on the port for discarding.
    let down = project.run(["models", "--refresh"]).expect(3);
    assert!(down.stderr.starts_with("error: the provider was not reached: "), "{}", down.stderr);
    assert!(down.stderr.contains(" hint: check the connection, and `KIE_API_BASE` if it is set\n"));
}

#[test]
fn a_busy_provider_is_asked_again_and_answers_that_came_are_kept() {
    let (emulator, _folder) = emulator(&json!([market()[0], market()[1]]), &[]);
    let project = Project::new().using(&emulator);
    let rules = json!({"rules": [
        {"match": {"operation": "models", "calls": [1]}, "do": {"fault": "code", "code": 429, "msg": "slow"}},
        {"match": {"operation": "model-schema", "calls": [2]}, "do": {"fault": "code", "code": 401, "msg": "no more"}},
    ]});
    emulator.control("POST", "/emulator/faults", &rules.to_string());
    project.run(["models", "--refresh"]).expect(3).tells(&[
        "error: the provider refuses the key: no more",
        "hint: 1 of 2 schemas were answered and are kept; run the command again to go on",
    ]);
    let rest = project.run(["models", "--refresh", "--json"]).expect(0);
    assert_eq!(rest.json()["calls"], 1);
    assert_eq!(
        rest.stderr,
        "asking kie.ai for 1 schema, about 2 s\n  1/1  acme-2/image-to-video\n"
    );
    is_careful(&emulator);
}

/// A provider that lists this and has this document for every model.
fn provider(models: &Value, document: &Value) -> Server {
    let total = models.as_array().map_or(0, Vec::len);
    let list = json!({"code": 200, "msg": "success", "data": {"total": total, "models": models}})
        .to_string();
    let schema =
        json!({"code": 200, "msg": "success", "data": {"model": "x", "openapi": document}})
            .to_string();
    Server::start(move |request| {
        let body = if request.path().ends_with("/schema") { &schema } else { &list };
        answer(200, &[], body)
    })
}

fn asking(server: &Server) -> Project {
    let mut project = Project::new();
    project.set("KIE_API_BASE", &server.base);
    project.set("KIE_UPLOAD_BASE", &server.base);
    project.set("KIE_API_KEY", KEY);
    project
}

/// Nothing that steers a terminal, and nothing of the key.
#[track_caller]
fn is_plain(done: &Done) {
    for text in [&done.stdout, &done.stderr] {
        let bad = text.chars().find(|c| (c.is_control() && *c != '\n') || matches!(c, '\u{202e}'));
        assert_eq!(bad, None, "{text:?}");
        assert!(!text.contains(KEY));
    }
}

#[test]
fn a_strangers_words_neither_steer_the_terminal_nor_leave_their_string() {
    let nasty = "A\u{1b}[2J\u{7} \"\"\"\n[[models]]\nname = 'x' \u{202e} \u{7f} ${KEY}";
    let models = json!([
        {"model": "evil/text-to-video", "title": nasty, "provider": nasty, "taskType": ["Text to Video", nasty], "pricingDesc": format!("5 credits per second {nasty}")},
        {"model": "../../../etc/passwd", "title": "x", "taskType": ["Text to Video"]},
        {"model": "a/b/schema?x=", "taskType": ["Text to Video"]},
        {"model": "evil\u{1b}/x", "taskType": ["Text to Video"]},
        {"model": 7},
    ]);
    let document = json!({"paths": {"/api/v1/jobs/createTask": {"post": {"requestBody": {"content": {"application/json": {"schema": {
        "type": "object", "properties": {"model": {"type": "string"}, "input": {
            "type": "object",
            "required": ["prompt", nasty],
            "properties": {
                "prompt": {"type": "string", "default": nasty, "description": nasty, "maxLength": 100},
                (nasty): {"type": "string"},
                "mode": {"type": "string", "enum": [nasty, "ok\"\\", "fine"], "default": "fine"},
                "huge": {"type": "integer", "minimum": 1e300, "maximum": -1e300, "default": 1e300},
                "loop": {"$ref": "#/components/schemas/loop"},
            },
        }},
    }}}}}}}, "components": {"schemas": {"loop": {"type": "array", "items": {"$ref": "#/components/schemas/loop"}}}}});
    let server = provider(&models, &document);
    let project = asking(&server);
    let done = project.run(["models", "--refresh", "--write", "--all"]).expect(0);
    is_plain(&done);
    done.prints(&["4 entries without an id that can be used are left out", "new: Evil"]);
    let file =
        std::fs::read_to_string(user_catalog(&project).join("kie-refresh.toml")).expect("a file");
    assert!(!file.chars().any(|c| c.is_control() && c != '\n'), "{file:?}");
    let read: toml::Table = toml::from_str(&file).expect("TOML");
    assert_eq!(read["models"].as_array().map(Vec::len), Some(1));
    let listed = project.run(["models", "evil"]).expect(0);
    is_plain(&listed);
    listed.prints(&["mode: ok\"\\ | fine, default fine", "price: 5 credits a second"]);
    let paths: Vec<String> =
        server.requests().iter().map(|request| request.path().to_owned()).collect();
    assert_eq!(paths, ["/api/v1/models", "/api/v1/models/evil/text-to-video/schema"]);
    is_plain(&project.run(["models", "--refresh", "--json"]).expect(0));
}

#[test]
fn answers_that_are_none_are_no_findings() {
    let cases: [(u16, Value, &str); 6] = [
        (200, json!({"code": 200, "data": {"total": 0, "models": []}}), "it lists no model at all"),
        (
            200,
            json!({"code": 200, "data": {"total": 5, "models": [{"model": "a"}]}}),
            "it lists 1 of 5 models",
        ),
        (200, json!({"code": 200, "data": null}), "it holds no list of models"),
        (200, json!({"code": 418, "msg": "a \u{1b}teapot"}), "code 418: a  teapot"),
        (200, json!("text"), "code 200"),
        (403, json!({"code": 403, "msg": "no"}), "code 403: no"),
    ];
    for (status, body, words) in cases {
        let text = body.to_string();
        let server = Server::start(move |_| answer(status, &[], &text));
        let done = asking(&server).run(["models", "--refresh"]).expect(3);
        assert!(done.stderr.contains("the provider's answer is none: "), "{body}: {}", done.stderr);
        let words: Vec<&str> = words.split_whitespace().collect();
        let told = done.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(&words.join(" ")), "{words:?}: {}", done.stderr);
        assert_eq!(server.requests().len(), 1);
        is_plain(&done);
    }
}

#[test]
fn the_key_goes_to_the_api_base_only() {
    let elsewhere = Server::start(|_| answer(200, &[], "{}"));
    let target = format!("Location: {}/api/v1/models", elsewhere.base);
    let server = Server::start(move |_| answer(302, &[&target], ""));
    asking(&server).run(["models", "--refresh"]).expect(3).tells(&["HTTP 302 without JSON"]);
    assert_eq!(elsewhere.requests().len(), 0);
    let heads: Vec<String> = server.requests().into_iter().map(|request| request.head).collect();
    let bearer = format!("bearer {KEY}");
    assert!(heads.iter().all(|head| head.to_lowercase().contains(&bearer)), "{heads:?}");
}
