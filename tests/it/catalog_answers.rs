//! What the provider's answers mean: creates, records, upgrades, failures.

use serde_json::{Value, json};
use std::fmt::Write as _;
use storyreel::catalog::{
    Catalog, CreateClass, FailureClass, Family, Provider, Stop, TaskState, UpgradeState,
};

fn catalog() -> Catalog {
    Catalog::built_in().expect("the embedded files are right")
}

fn kie(catalog: &Catalog) -> &Provider {
    catalog.provider("kie").expect("the provider")
}

fn family<'a>(catalog: &'a Catalog, name: &str) -> &'a Family {
    kie(catalog).family(name).expect("a family")
}

fn read(name: &str, operation: &str, body: Value) -> TaskState {
    family(&catalog(), name).read_state(operation, 200, Some(&body))
}

fn succeeded(urls: &[&str]) -> TaskState {
    TaskState::Succeeded { urls: urls.iter().map(|url| (*url).to_owned()).collect() }
}

fn failed(code: &str, message: &str) -> TaskState {
    TaskState::Failed { code: Some(code.to_owned()), message: message.to_owned() }
}

fn create_name(class: CreateClass) -> &'static str {
    match class {
        CreateClass::Accepted => "accepted",
        CreateClass::Retry => "retry",
        CreateClass::Rejected { stop: None } => "rejected",
        CreateClass::Rejected { stop: Some(Stop::Key) } => "rejected, stop: key",
        CreateClass::Rejected { stop: Some(Stop::Credits) } => "rejected, stop: credits",
        CreateClass::Rejected { stop: Some(Stop::Quota) } => "rejected, stop: quota",
        CreateClass::Unknown => "unknown",
    }
}

/// Every status from 100 to 599, as the code in a body under HTTP 200 and as an HTTP status whose body cannot be read;
/// runs of one class are one line.
#[test]
fn every_status_of_a_create_has_its_class() {
    let catalog = catalog();
    let table = &kie(&catalog).create;
    let mut told = String::new();
    for (title, in_body) in [("code in the body", true), ("HTTP status alone", false)] {
        writeln!(told, "{title}").expect("a text");
        let mut run: Option<(u16, u16, &str)> = None;
        for status in 100..=600_u16 {
            let class = match (status, in_body) {
                (600, _) => "",
                (_, true) => create_name(table.create(200, Some(i64::from(status)), "")),
                (_, false) => create_name(table.create(status, None, "")),
            };
            run = match run {
                Some((first, _, known)) if known == class => Some((first, status, known)),
                Some((first, last, known)) => {
                    writeln!(told, "  {first}-{last} {known}").expect("a text");
                    Some((status, status, class))
                }
                None => Some((status, status, class)),
            };
        }
    }
    insta::assert_snapshot!(told);
}

#[test]
fn creates_are_classed_by_the_more_telling_of_status_and_code() {
    let catalog = catalog();
    let create = |http, code, text| create_name(kie(&catalog).create.create(http, code, text));
    assert_eq!(create(200, Some(200), "success"), "accepted");
    assert_eq!(create(502, Some(200), "success"), "unknown", "it contradicts itself");
    assert_eq!(create(429, None, ""), "retry");
    assert_eq!(create(200, Some(429), ""), "retry");
    assert_eq!(create(429, Some(500), ""), "retry");
    assert_eq!(create(455, None, ""), "retry");
    assert_eq!(create(401, Some(401), ""), "rejected, stop: key");
    assert_eq!(create(200, Some(402), ""), "rejected, stop: credits");
    assert_eq!(create(200, Some(433), ""), "rejected, stop: quota");
    assert_eq!(create(500, Some(422), "no such model"), "rejected");
    assert_eq!(create(400, Some(500), "server error"), "unknown", "the body is the real status");
    assert_eq!(create(403, None, ""), "unknown", "a firewall, not the provider");
    assert_eq!(create(200, None, ""), "unknown");
    assert_eq!(create(302, None, ""), "unknown");
    assert_eq!(
        create(200, Some(500), "duration is not within the range of allowed options"),
        "rejected"
    );
    assert_eq!(create(500, Some(500), "Prompt is required"), "rejected");
    assert_eq!(create(200, Some(500), "Credits insufficient"), "rejected, stop: credits");
    assert_eq!(create(200, Some(500), "internal error, please try again later."), "unknown");
    assert_eq!(create(200, Some(501), "is required"), "unknown", "the text belongs to 500");
}

#[test]
fn http_success_without_a_code_is_no_refusal_whatever_codes_are_refusals() {
    let mut table = kie(&catalog()).create.clone();
    table.rejected.push(204);
    assert_eq!(create_name(table.create(200, Some(204), "")), "rejected");
    assert_eq!(create_name(table.create(204, None, "")), "unknown");
}

#[test]
fn an_answer_to_a_create_is_read_whole() {
    let catalog = catalog();
    let operation = family(&catalog, "market").operation("create").expect("an operation");
    let answer = |http, body: &str| {
        let answer = kie(&catalog).create_answer(&operation.task_id, http, body.as_bytes());
        (create_name(answer.class), answer.task_id, answer.code, answer.message)
    };
    let id = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
    let body = format!(r#"{{"code":200,"msg":"success","data":{{"taskId":"{id}"}}}}"#);
    assert_eq!(answer(200, &body), ("accepted", Some(id.into()), Some(200), "success".into()));
    let record = r#"{"code":200,"msg":"success","data":{"recordId":"ab"}}"#;
    assert_eq!(answer(200, record).1, Some("ab".into()));
    for without in [
        r#"{"code":200,"msg":"success","data":null}"#,
        r#"{"code":200,"msg":"success","data":{"taskId":""}}"#,
        r#"{"code":200,"msg":"success","data":{"taskId":{"a":1}}}"#,
        r#"{"code":200,"msg":"succ"#,
        "",
    ] {
        let (class, id, ..) = answer(200, without);
        assert_eq!((class, id), ("unknown", None), "{without}");
    }
    let codeless = r#"{"data":{"taskId":"ab"}}"#;
    assert_eq!(answer(200, codeless), ("unknown", Some("ab".into()), None, String::new()));
    let refused = r#"{"code":401,"msg":"You do not have access permissions"}"#;
    assert_eq!(
        answer(200, refused),
        ("rejected, stop: key", None, Some(401), "You do not have access permissions".into())
    );
    assert_eq!(answer(403, "<html>error 1010</html>").0, "unknown");
    assert_eq!(answer(200, r#"{"code":"422","msg":"x"}"#).0, "rejected", "a code may be text");
}

#[test]
fn a_code_is_a_whole_number_of_at_most_nine_digits() {
    let catalog = catalog();
    let code = |value: Value| kie(&catalog).envelope.code_of(&json!({"code": value}));
    for known in [json!(200), json!("200"), json!(200.0)] {
        assert_eq!(code(known), Some(200));
    }
    assert_eq!(code(json!(999_999_999)), Some(999_999_999));
    for odd in
        [json!(1_000_000_000), json!(-1_000_000_000), json!(200.5), json!("ok"), json!([200])]
    {
        assert_eq!(code(odd.clone()), None, "{odd}");
    }
}

#[test]
fn veo_records() {
    let record = |flag: i64, response: Value, code: Value, message: &str| {
        json!({"code": 200, "msg": "success", "data": {
            "taskId": "0a1b", "paramJson": "{\"duration\":8,\"aspectRatio\":\"16:9\"}",
            "response": response, "successFlag": flag, "fallbackFlag": false,
            "completeTime": null, "createTime": 1_790_000_000_000_i64,
            "errorCode": code, "errorMessage": message}})
    };
    let response = json!({"taskId": "0a1b", "resultUrls": ["https://t.example/v/a.mp4"],
        "fullResultUrls": null, "originUrls": null, "resolution": "720p"});
    let running = record(0, Value::Null, Value::Null, "");
    assert_eq!(read("veo", "generate", running.clone()), TaskState::Running);
    let done = record(1, response, Value::Null, "");
    assert_eq!(read("veo", "generate", done.clone()), succeeded(&["https://t.example/v/a.mp4"]));
    let extended = record(
        1,
        json!({"resultUrls": ["https://t.example/s.mp4"], "fullResultUrls": ["https://t.example/f.mp4"]}),
        Value::Null,
        "",
    );
    assert_eq!(read("veo", "extend", extended), succeeded(&["https://t.example/f.mp4"]));
    assert_eq!(read("veo", "extend", done.clone()), succeeded(&["https://t.example/v/a.mp4"]));
    let as_text = record(1, json!({"resultUrls": "[https://t.example/a.mp4]"}), Value::Null, "");
    assert_eq!(read("veo", "generate", as_text), succeeded(&["https://t.example/a.mp4"]));
    let old = json!({"code": 200, "data": {"successFlag": 1, "resultUrls": "[\"https://t.example/a.mp4\"]"}});
    assert_eq!(read("veo", "generate", old), succeeded(&["https://t.example/a.mp4"]));
    let flagged = "Your prompt was flagged by Website as violating content policies.";
    for flag in [2, 3] {
        let record = record(flag, Value::Null, json!(400), flagged);
        assert_eq!(read("veo", "generate", record), failed("400", flagged));
    }
    let silent = record(3, Value::Null, Value::Null, "");
    assert_eq!(
        read("veo", "generate", silent),
        TaskState::Failed { code: None, message: "the provider gave no reason".into() }
    );
    let empty = record(1, json!({"resultUrls": []}), Value::Null, "");
    assert_eq!(read("veo", "generate", empty), TaskState::SucceededWithoutUrl);
    let odd = record(7, Value::Null, Value::Null, "");
    assert_eq!(
        read("veo", "generate", odd),
        TaskState::Unreadable { reason: "unknown state `7`".into() }
    );
    let catalog = catalog();
    let veo = family(&catalog, "veo");
    assert_eq!(veo.echo(&running), Some(json!({"duration": 8, "aspectRatio": "16:9"})));
    let (created, completed) = veo.times(&running);
    assert_eq!(created.map(|time| time.as_millisecond()), Some(1_790_000_000_000));
    assert_eq!(completed, None);
    assert_eq!(veo.credits_consumed(&done), None);
    assert_eq!(veo.credits_consumed(&json!({"data": {"creditsConsumed": 60}})), Some(60.0));
}

#[test]
fn every_family_has_its_own_way_to_say_that_there_is_no_task() {
    let no = |code: i64, text: &str| json!({"code": code, "msg": text, "data": null});
    let missing = TaskState::Missing;
    assert_eq!(read("veo", "generate", no(422, "Record not found for taskId: nope")), missing);
    assert_eq!(read("runway", "generate", no(200, "success")), missing);
    assert_eq!(read("aleph", "generate", no(200, "success")), missing);
    assert_eq!(read("market", "create", no(422, "recordInfo is null")), missing);
    assert_eq!(
        read("veo", "generate", no(422, "Records are only supported within 14 days")),
        TaskState::Expired
    );
    assert_eq!(
        read("veo", "generate", no(422, "rejected by Flow(PROMINENT_PEOPLE)")),
        failed("422", "rejected by Flow(PROMINENT_PEOPLE)")
    );
}

#[test]
fn runway_and_aleph_records() {
    let runway = |state: &str, url: &str, gone: i64| {
        json!({"code": 200, "msg": "success", "data": {
            "taskId": "1b69", "parentTaskId": "", "generateParam": {"prompt": "a cat"},
            "state": state, "generateTime": "2026-06-27 16:30:45",
            "videoInfo": {"videoId": "48", "videoUrl": url}, "failCode": 400,
            "failMsg": "Only images of jpg and png", "expireFlag": gone}})
    };
    for state in ["wait", "queueing", "generating"] {
        assert_eq!(read("runway", "generate", runway(state, "", 0)), TaskState::Running);
    }
    let done = runway("success", "https://t.example/k/x.mp4", 0);
    assert_eq!(read("runway", "generate", done), succeeded(&["https://t.example/k/x.mp4"]));
    let gone = runway("success", "https://t.example/k/x.mp4", 1);
    assert_eq!(read("runway", "generate", gone), TaskState::Expired);
    assert_eq!(read("runway", "extend", runway("success", "", 0)), TaskState::SucceededWithoutUrl);
    assert_eq!(
        read("runway", "generate", runway("fail", "", 0)),
        failed("400", "Only images of jpg and png")
    );

    let aleph = |flag: i64, response: Value, ended: Value, code: Value, message: Value| {
        json!({"code": 200, "msg": "success", "data": {"taskId": "c0d0", "paramJson": "{}",
            "response": response, "completeTime": ended, "createTime": 1_790_000_000_000_i64,
            "successFlag": flag, "errorCode": code, "errorMessage": message}})
    };
    let null = || Value::Null;
    let running = aleph(0, null(), null(), null(), null());
    assert_eq!(read("aleph", "generate", running), TaskState::Running);
    let zero = aleph(0, null(), null(), json!(0), json!(""));
    assert_eq!(read("aleph", "generate", zero), TaskState::Running, "0 is no error code");
    let text = "internal error, please try again later.";
    let recorded = aleph(3, null(), json!(1_790_000_016_000_i64), json!(500), json!(text));
    assert_eq!(read("aleph", "generate", recorded), failed("500", text));
    let documented = aleph(0, null(), null(), json!(500), json!(text));
    assert_eq!(read("aleph", "generate", documented), failed("500", text));
    let ended = aleph(0, null(), json!(1_790_000_016_000_i64), null(), null());
    assert!(matches!(read("aleph", "generate", ended), TaskState::Failed { .. }));
    let done =
        aleph(1, json!({"resultVideoUrl": "https://t.example/x.mp4"}), null(), json!(0), json!(""));
    assert_eq!(read("aleph", "generate", done), succeeded(&["https://t.example/x.mp4"]));
}

#[test]
fn market_records() {
    let record = |state: &str, result: Value, code: Value, text: Value| {
        json!({"code": 200, "msg": "success", "data": {
            "taskId": "0c4d", "model": "kling-2.6/text-to-video", "state": state,
            "param": "{\"model\":\"kling-2.6/text-to-video\",\"input\":\"{\\\"prompt\\\":\\\"a lamp\\\"}\"}",
            "resultJson": result, "failCode": code, "failMsg": text, "costTime": 62,
            "createTime": 1_790_000_000_000_i64, "completeTime": 1_790_000_062_000_i64,
            "creditsConsumed": 55}})
    };
    for state in ["waiting", "queuing", "generating"] {
        let running = record(state, json!(""), Value::Null, Value::Null);
        assert_eq!(read("market", "create", running), TaskState::Running, "{state}");
    }
    let done = record(
        "success",
        json!("{\"resultUrls\":[\"https://files.example/out.mp4\"]}"),
        Value::Null,
        Value::Null,
    );
    assert_eq!(
        read("market", "create", done.clone()),
        succeeded(&["https://files.example/out.mp4"])
    );
    let broken = record("success", json!("{\"resultUrls\":["), Value::Null, Value::Null);
    assert_eq!(read("market", "create", broken), TaskState::SucceededWithoutUrl);
    let text = "Internal server error";
    let bad = record("fail", Value::Null, json!("500"), json!(text));
    assert_eq!(read("market", "create", bad), failed("500", text));
    let catalog = catalog();
    let market = family(&catalog, "market");
    assert_eq!(market.credits_consumed(&done), Some(55.0));
    let (created, completed) = market.times(&done);
    assert_eq!(
        completed.zip(created).map(|(end, start)| end.as_second() - start.as_second()),
        Some(62)
    );
}

#[test]
fn a_record_tells_whose_it_is() {
    let catalog = catalog();
    let market = family(&catalog, "market");
    let of_another = |named: Value| {
        market.is_of_another("0c4d", &json!({"code": 200, "data": {"taskId": named}}))
    };
    assert!(of_another(json!("77aa")));
    assert!(!of_another(json!("0c4d")));
    assert!(!of_another(json!("0C-4D")), "a page shows it so");
    assert!(!of_another(Value::Null), "it names none");
}

#[test]
fn reads_that_say_nothing_about_the_task() {
    let catalog = catalog();
    let veo = family(&catalog, "veo");
    let state = |http, body: Option<Value>| veo.read_state("generate", http, body.as_ref());
    let coded = |code: i64| Some(json!({"code": code, "msg": "m", "data": null}));
    for code in [408, 429, 455, 500, 502, 503] {
        assert_eq!(state(200, coded(code)), TaskState::Retry, "{code}");
    }
    for http in [403, 429, 500, 502, 503, 404] {
        assert_eq!(state(http, None), TaskState::Retry, "{http}");
    }
    assert_eq!(
        state(200, Some(json!({"code": 401, "msg": "no"}))),
        TaskState::Refused { stop: Stop::Key, message: "no".into() }
    );
    assert_eq!(
        state(401, None),
        TaskState::Refused { stop: Stop::Key, message: "HTTP 401".into() }
    );
    assert!(matches!(state(200, None), TaskState::Unreadable { .. }));
    assert!(matches!(state(200, Some(json!({"data": {}}))), TaskState::Unreadable { .. }));
    assert!(matches!(state(200, coded(422)), TaskState::Unreadable { .. }));
    assert_eq!(
        state(500, Some(json!({"code": 200, "data": {"successFlag": 1}}))),
        TaskState::Retry
    );
}

#[test]
fn upgrades_are_polled_by_repeating_the_call() {
    let catalog = catalog();
    let veo = family(&catalog, "veo");
    let state = |name: &str, body: Value| {
        veo.upgrade_state(veo.upgrade(name).expect("an upgrade"), 200, Some(&body))
    };
    let ready = |url: &str| UpgradeState::Ready { urls: vec![url.to_owned()] };
    let none = |code: i64, text: &str| json!({"code": code, "msg": text, "data": null});

    let url = "https://t.example/p/0a1b_1790000200.mp4";
    let done = json!({"code": 200, "msg": "success", "data": {"resultUrl": url}});
    assert_eq!(state("1080p", done), ready(url));
    let text = "1080P is processing. It should be ready in 1-2 minutes. Please check back shortly.";
    assert_eq!(state("1080p", none(400, text)), UpgradeState::Pending);
    assert_eq!(state("1080p", none(422, text)), UpgradeState::Pending);
    assert_eq!(state("1080p", none(422, "Record does not exist")), UpgradeState::Missing);

    let running = json!({"taskId": "0a1b", "resultUrls": null, "imageUrls": null});
    let first = json!({"code": 200, "msg": "success", "data": running});
    assert_eq!(state("4k", first), UpgradeState::Pending);
    let text = "4k is processing. It should be ready in 5-10 minutes. Please check back shortly.";
    let later = json!({"code": 422, "msg": text, "data": running});
    assert_eq!(state("4k", later), UpgradeState::Pending);
    let done = json!({"code": 422, "msg": "The video has been generated successfully", "data": {
        "taskId": "0a1b", "resultUrls": ["https://t.example/v/x.mp4"],
        "imageUrls": ["https://t.example/v/x.jpg"]}});
    assert_eq!(state("4k", done), ready("https://t.example/v/x.mp4"));
    assert_eq!(state("4k", none(422, "Record does not exist")), UpgradeState::Missing);
    let parent = none(422, "record status is not success");
    assert_eq!(state("4k", parent), UpgradeState::Pending);
    assert_eq!(
        state("4k", none(422, "4K is not available for this video")),
        UpgradeState::Failed {
            code: Some("422".into()),
            message: "4K is not available for this video".into()
        }
    );
    for (code, stop) in [(401, Stop::Key), (402, Stop::Credits), (433, Stop::Quota)] {
        let refused = UpgradeState::Refused { stop, message: "no".into() };
        assert_eq!(state("4k", none(code, "no")), refused);
    }
    for code in [429, 455, 500] {
        assert_eq!(state("1080p", none(code, "busy")), UpgradeState::Retry, "{code}");
    }
    let upgrade = veo.upgrade("4k").expect("an upgrade");
    assert_eq!(veo.upgrade_state(upgrade, 502, None), UpgradeState::Retry);
    assert_eq!(veo.poll_of("4k").first, 30.0);
    assert_eq!(veo.poll_of("extend").deadline, 2700.0);
    assert_eq!(veo.poll_of("generate").deadline, 1800.0);
}

#[test]
fn failures_have_classes() {
    let catalog = catalog();
    let class = |code: Option<&str>, text| kie(&catalog).failure_class(code, text);
    use FailureClass::{Input, Moderation, Passing, Unknown};
    let table = [
        (
            Some("400"),
            "Your prompt was flagged by Website as violating content policies.",
            Moderation,
        ),
        (Some("422"), "rejected by Flow(PROMINENT_PEOPLE), please try again later", Moderation),
        (Some("400"), "The input or output was flagged as sensitive", Moderation),
        (Some("500"), "internal error, please try again later.", Passing),
        (Some("500"), "Internal server error", Passing),
        (Some("400"), "You have reached the limit of concurrent generations", Passing),
        (Some("400"), "Failed to fetch the image. Kindly verify access limits.", Input),
        (Some("451"), "", Input),
        (Some("400"), "something else", Input),
        (Some("500"), "", Passing),
        (Some("408"), "", Passing),
        (Some("501"), "generation failed", Unknown),
        (Some("GENERATION_FAILED"), "", Unknown),
        (None, "", Unknown),
    ];
    for (code, text, wanted) in table {
        assert_eq!(class(code, text), wanted, "{code:?} {text}");
    }
}

#[test]
fn the_balance_is_a_bare_number() {
    let catalog = catalog();
    let balance = |body: Value| kie(&catalog).balance_of(&body);
    assert_eq!(balance(json!({"code": 200, "msg": "success", "data": 5916.25})), Some(5916.25));
    assert_eq!(balance(json!({"code": 401, "msg": "no"})), None);
    assert_eq!(balance(json!({"code": 200, "data": null})), None);
}
