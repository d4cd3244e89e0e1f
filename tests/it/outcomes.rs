//! What the answers to a paid create come to: every status, every code, every shape.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::Duration;
use storyreel::catalog::{Catalog, CreateClass, Provider, Stop};
use storyreel::ledger::FailureClass;
use storyreel::ports::{Answer, Call, CallBody, Download, Purpose, SendError, Transport};
use storyreel::remote::driver::{Driver, Timeouts};
use storyreel::remote::outcome::{Reading, Submission, Trouble};

const ID: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";

fn name(class: CreateClass) -> &'static str {
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

fn kie(catalog: &Catalog) -> &Provider {
    catalog.provider("kie").expect("the provider")
}

/// The places where the families' operations look for a task.
fn places() -> [String; 2] {
    ["/data/taskId", "/data/recordId"].map(str::to_owned)
}

/// Bodies without a code that can be read.
fn codeless() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("nothing", Vec::new()),
        ("a page", b"<html><body>502 Bad Gateway</body></html>".to_vec()),
        ("cut JSON", format!(r#"{{"code":200,"data":{{"taskId":"{ID}""#).into_bytes()),
        ("JSON and more", format!(r#"{{"code":200,"data":{{"taskId":"{ID}"}}}} x"#).into_bytes()),
        ("no UTF-8", b"{\"code\":200,\"msg\":\"\xff\",\"data\":{\"taskId\":\"ab\"}}".to_vec()),
        ("null", b"null".to_vec()),
        ("a list", b"[200]".to_vec()),
        ("a number", b"200".to_vec()),
        ("no code", json!({"data": {"taskId": ID}}).to_string().into_bytes()),
        ("null as code", json!({"code": null, "data": {"taskId": ID}}).to_string().into_bytes()),
        ("a list as code", json!({"code": [200], "data": {"taskId": ID}}).to_string().into_bytes()),
        ("true as code", json!({"code": true, "data": {"taskId": ID}}).to_string().into_bytes()),
        ("half a code", json!({"code": 200.5, "data": {"taskId": ID}}).to_string().into_bytes()),
    ]
}

/// What can stand where the task's data are.
fn data() -> Vec<(&'static str, Value)> {
    vec![
        ("a task", json!({"taskId": ID})),
        ("its record only", json!({"recordId": ID})),
        ("a number as task", json!({"taskId": 12_345})),
        ("a task in spaces", json!({"taskId": format!(" {ID}\n")})),
        ("no data", Value::Null),
        ("empty data", json!({})),
        ("text as data", json!("ok")),
        ("a list as data", json!([ID])),
        ("an empty task", json!({"taskId": ""})),
        ("spaces as task", json!({"taskId": " \t"})),
        ("a task with spaces in it", json!({"taskId": "0a1b 2c3d"})),
        ("a task with a line break", json!({"taskId": "0a1b\n2c3d"})),
        ("a task of other letters", json!({"taskId": "задача"})),
        ("a task of 10 kB", json!({"taskId": "a".repeat(10_000)})),
        ("null as task", json!({"taskId": null})),
        ("true as task", json!({"taskId": true})),
        ("a broken number as task", json!({"taskId": 0.5})),
        ("an object as task", json!({"taskId": {"id": ID}})),
        ("a list as task", json!({"taskId": [ID]})),
    ]
}

/// The codes that are known, and neighbours; under HTTP 200 all are tried.
const CODES: [u16; 20] = [
    0, 199, 200, 201, 400, 401, 402, 404, 405, 408, 422, 429, 433, 451, 455, 500, 501, 502, 505,
    531,
];

const USABLE: [&str; 4] = ["a task", "its record only", "a number as task", "a task in spaces"];

/// Runs of statuses that come to one class.
#[derive(Default)]
struct Runs(Vec<(u16, u16, &'static str)>);

impl Runs {
    fn add(&mut self, status: u16, class: &'static str) {
        match self.0.last_mut() {
            Some((_, last, known)) if *known == class && *last + 1 == status => *last = status,
            _ => self.0.push((status, status, class)),
        }
    }

    /// `200 accepted; 401 rejected, stop: key; else unknown`, where the last is the class of most statuses.
    fn told(&self) -> String {
        let mut sizes: BTreeMap<&str, u32> = BTreeMap::new();
        for (first, last, class) in &self.0 {
            *sizes.entry(class).or_default() += u32::from(last - first) + 1;
        }
        let most = sizes.iter().max_by_key(|(_, size)| **size).map_or("", |(class, _)| class);
        let mut told = String::new();
        for (first, last, class) in self.0.iter().filter(|(.., class)| *class != most) {
            let range = if first == last { first.to_string() } else { format!("{first}-{last}") };
            let _ = write!(told, "{range} {class}; ");
        }
        told + "else " + most
    }
}

/// Every HTTP status with every code in the body and everything that can stand where the task is; rows that come to the
/// same are one.
#[test]
fn every_answer_to_a_create_has_one_class() {
    let catalog = Catalog::built_in().expect("the embedded files are right");
    let provider = kie(&catalog);
    let class = |status: u16, body: &[u8]| {
        let read = provider.create_answer(&places(), status, body);
        let accepted = read.class == CreateClass::Accepted;
        assert!(!accepted || (status == 200 && read.task_id.is_some()), "{status} {read:?}");
        name(read.class)
    };
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    let mut add =
        |told: String, row: String| match rows.iter_mut().find(|(known, _)| *known == told) {
            Some((_, others)) => others.push(row),
            None => rows.push((told, vec![row])),
        };
    for (row, body) in codeless() {
        let mut runs = Runs::default();
        (100..=599).for_each(|status| runs.add(status, class(status, &body)));
        add(format!("HTTP: {}", runs.told()), row.to_owned());
    }
    for (row, data) in data() {
        let mut by_status: Vec<(String, Runs)> = Vec::new();
        // What is no task is told apart under a few statuses; one of the kind goes through all of them.
        let whole = ["a task", "no data"].contains(&row);
        let few = |status: &u16| whole || [200, 201, 429, 500].contains(status);
        for status in (100..=599_u16).filter(few) {
            let mut runs = Runs::default();
            let codes = if status == 200 { (0..=600).collect() } else { CODES.to_vec() };
            for code in codes {
                let body = json!({"code": code, "msg": "", "data": data}).to_string();
                runs.add(code, class(status, body.as_bytes()));
            }
            match by_status.last_mut() {
                Some((_, known)) if known.0 == runs.0 => {}
                _ => by_status.push((format!("{status}"), runs)),
            }
        }
        let told = by_status
            .iter()
            .map(|(status, runs)| {
                (if whole { format!("from {status}") } else { status.clone() }, runs)
            })
            .map(|(status, runs)| format!("HTTP {status}: code {}", runs.told()))
            .collect::<Vec<_>>()
            .join("\n    ");
        add(told, row.to_owned());
    }
    let told = rows.iter().fold(String::new(), |text, (told, rows)| {
        text + &format!("{}\n    {told}\n", rows.join(", "))
    });
    insta::assert_snapshot!(told);
    for (row, data) in data() {
        let body = json!({"code": 200, "msg": "success", "data": data}).to_string();
        let read = provider.create_answer(&places(), 200, body.as_bytes());
        let usable = USABLE.contains(&row);
        assert_eq!(read.class == CreateClass::Accepted, usable, "{row}");
        assert_eq!(read.task_id.is_some(), usable, "{row}");
    }
    for (length, usable) in [(1, true), (256, true), (257, false)] {
        let body = json!({"code": "200", "data": {"taskId": "a".repeat(length)}}).to_string();
        let read = provider.create_answer(&places(), 200, body.as_bytes());
        assert_eq!(read.task_id.is_some(), usable, "{length}");
    }
}

/// A transport that gives one answer, and keeps what it was asked.
struct Fixed {
    outcome: Result<Answer, SendError>,
    calls: Mutex<Vec<Call>>,
}

impl Transport for Fixed {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, SendError>> {
        self.calls.lock().expect("one at a time").push(call);
        futures::future::ready(self.outcome.clone()).boxed()
    }

    fn download(&self, _: String, _: Duration) -> BoxFuture<'_, Result<Download, SendError>> {
        futures::future::ready(Err(SendError::Never("not here".into()))).boxed()
    }
}

fn json_answer(status: u16, body: Value) -> Result<Answer, SendError> {
    Ok(Answer { status, body: body.to_string().into() })
}

fn with_driver<T>(
    outcome: Result<Answer, SendError>,
    test: impl FnOnce(&Driver<'_>) -> T,
) -> (T, Vec<Call>) {
    let transport = Fixed { outcome, calls: Mutex::default() };
    let catalog = Catalog::built_in().expect("the embedded files are right");
    let timeouts = Timeouts {
        create: Duration::from_secs(120),
        read: Duration::from_secs(30),
        transfer: Duration::from_secs(3600),
    };
    let driver =
        Driver::new(&transport, &catalog, "https://kie.test/", "https://up.test/", timeouts);
    let told = test(&driver);
    (told, transport.calls.into_inner().expect("one at a time"))
}

fn submit(outcome: Result<Answer, SendError>) -> Submission {
    let (submission, calls) = with_driver(outcome, |driver| {
        driver
            .submit(
                "kie",
                "veo",
                "generate",
                "post",
                "/api/v1/veo/generate",
                &json!({"prompt": "p"}),
            )
            .now_or_never()
            .expect("nothing to wait for")
    });
    let [call] = &calls[..] else { panic!("{calls:?}") };
    assert_eq!((call.purpose, call.method.as_str()), (Purpose::Create, "POST"));
    assert_eq!(call.url, "https://kie.test/api/v1/veo/generate");
    assert_eq!(call.timeout, Duration::from_secs(120));
    assert!(matches!(&call.body, CallBody::Json(text) if text == r#"{"prompt":"p"}"#));
    submission
}

#[test]
fn a_create_is_sent_once_and_its_outcome_told() {
    let task = json!({"code": 200, "msg": "success", "data": {"taskId": ID}});
    assert_eq!(submit(json_answer(200, task.clone())), Submission::Accepted { task_id: ID.into() });
    let refusal = |code: i64, text: &str| json!({"code": code, "msg": text, "data": null});
    let told: Vec<(&str, Result<Answer, SendError>)> = vec![
        ("201", json_answer(201, task.clone())),
        ("502 with a task", json_answer(502, task.clone())),
        ("429 with a task", json_answer(200, json!({"code": 429, "data": {"taskId": ID}}))),
        ("422 with a task", json_answer(200, json!({"code": 422, "data": {"taskId": ID}}))),
        ("200 without one", json_answer(200, refusal(200, "success"))),
        ("a page", Ok(Answer { status: 200, body: "<html>".into() })),
        ("a page under 502", Ok(Answer { status: 502, body: "<html>".into() })),
        ("429", json_answer(200, refusal(429, "too\u{1b}[31m fast"))),
        ("429 without words", Ok(Answer { status: 429, body: "".into() })),
        ("455", json_answer(200, refusal(455, "maintenance"))),
        ("401", json_answer(200, refusal(401, "no access"))),
        ("402", json_answer(200, refusal(402, "top up"))),
        ("433", json_answer(200, refusal(433, "quota"))),
        ("422", json_answer(200, refusal(422, "the prompt is too long"))),
        ("422 without words", json_answer(200, refusal(422, ""))),
        ("400 of the moderation", json_answer(200, refusal(400, "flagged as unsafe"))),
        ("500 of the validation", json_answer(200, refusal(500, "prompt is required"))),
        ("500", json_answer(200, refusal(500, "internal error"))),
        ("no connection", Err(SendError::NotSent("refused".into()))),
        ("no way", Err(SendError::Never("no certificates".into()))),
        ("no answer", Err(SendError::MaybeSent("no answer in time\r\n".into()))),
    ];
    let told = told.into_iter().fold(String::new(), |text, (row, outcome)| {
        text + &format!("{row}: {:?}\n", submit(outcome))
    });
    insta::assert_snapshot!(told);
}

#[test]
fn what_the_catalogue_does_not_know_is_never_sent() {
    for (provider, family, operation) in
        [("other", "veo", "generate"), ("kie", "other", "generate"), ("kie", "veo", "other")]
    {
        let (outcome, calls) = with_driver(json_answer(200, Value::Null), |driver| {
            driver.submit(provider, family, operation, "POST", "/x", &json!({})).now_or_never()
        });
        assert!(matches!(outcome, Some(Submission::Impossible { .. })), "{outcome:?}");
        assert!(calls.is_empty());
    }
    let (outcome, calls) = with_driver(json_answer(200, Value::Null), |driver| {
        let bad = Driver::new(
            &Fixed { outcome: json_answer(200, Value::Null), calls: Mutex::default() },
            &Catalog::built_in().expect("the embedded files are right"),
            "no address",
            "no address",
            Timeouts { create: Duration::ZERO, read: Duration::ZERO, transfer: Duration::ZERO },
        )
        .submit("kie", "veo", "generate", "GET", "/x", &json!({}))
        .now_or_never();
        (
            bad,
            driver.poll_of("kie", "veo", "extend").map(|poll| poll.deadline),
            driver.poll_of("kie", "x", ""),
        )
    });
    assert!(matches!(outcome.0, Some(Submission::Impossible { .. })), "{outcome:?}");
    assert_eq!((outcome.1, outcome.2.is_none()), (Some(2700.0), true));
    assert!(calls.is_empty());
}

#[test]
fn results_are_kept_for_as_many_days_as_the_catalogue_says() {
    let (kept, calls) = with_driver(json_answer(200, Value::Null), |driver| {
        (driver.keeps_results("kie"), driver.keeps_results("other"))
    });
    assert_eq!(kept, (Some(Duration::from_secs(14 * 86_400)), None));
    assert!(calls.is_empty());
}

#[test]
fn a_path_cannot_lead_to_another_host() {
    for path in
        ["@evil.example/x", "//evil.example/x", ".evil.example/x", "\\\\evil.example", ":80/x"]
    {
        let (_, calls) = with_driver(json_answer(200, Value::Null), |driver| {
            driver.submit("kie", "veo", "generate", "POST", path, &json!({})).now_or_never()
        });
        let [call] = &calls[..] else { panic!("{calls:?}") };
        assert!(call.url.starts_with("https://kie.test/"), "{}", call.url);
    }
}

fn read(outcome: Result<Answer, SendError>) -> Reading {
    let (reading, calls) = with_driver(outcome, |driver| {
        let look = driver.read("kie", "market", "create", "a b&c").now_or_never();
        look.expect("nothing to wait for").reading
    });
    assert_eq!(calls[0].url, "https://kie.test/api/v1/jobs/recordInfo?taskId=a+b%26c");
    assert_eq!((calls[0].method.as_str(), calls[0].purpose), ("GET", Purpose::Read));
    reading
}

#[test]
fn looks_at_a_task_are_told() {
    let record = |state: &str, more: Value| {
        let mut data = json!({"taskId": "a b&c", "state": state, "creditsConsumed": 55});
        data.as_object_mut()
            .expect("an object")
            .extend(more.as_object().cloned().unwrap_or_default());
        json_answer(200, json!({"code": 200, "msg": "success", "data": data}))
    };
    let coded =
        |code: i64, text: &str| json_answer(200, json!({"code": code, "msg": text, "data": null}));
    let done = json!({"resultJson": "{\"resultUrls\":[\"https://t.test/a.mp4\"]}"});
    let rows = vec![
        ("running", record("generating", json!({}))),
        ("done", record("success", done)),
        ("done without a link", record("success", json!({"resultJson": "{}"}))),
        ("failed", record("fail", json!({"failCode": "500", "failMsg": "internal error"}))),
        ("refused input", record("fail", json!({"failCode": "422", "failMsg": "bad"}))),
        ("moderated", record("fail", json!({"failCode": "400", "failMsg": "flagged"}))),
        (
            "failed somehow",
            record("fail", json!({"failCode": "X\u{7}Y", "failMsg": "odd\u{202e}"})),
        ),
        ("odd state", record("dancing", json!({}))),
        ("unknown task", coded(422, "recordInfo is null")),
        ("old task", coded(422, "within 14 days")),
        ("busy", coded(455, "")),
        ("wrong key", coded(401, "no")),
        ("no credits", coded(402, "no")),
        ("quota", coded(433, "no")),
        ("a page", Ok(Answer { status: 200, body: "<html>".into() })),
        ("a page under 502", Ok(Answer { status: 502, body: "<html>".into() })),
        ("not reached", Err(SendError::NotSent("refused\n".into()))),
        ("cut", Err(SendError::MaybeSent("cut".into()))),
        ("no way", Err(SendError::Never("no certificates".into()))),
    ];
    let told = rows.into_iter().fold(String::new(), |text, (row, outcome)| {
        text + &format!("{row}: {:?}\n", read(outcome))
    });
    insta::assert_snapshot!(told);
}

#[test]
fn upgrades_balance_links_and_uploads_are_told() {
    let coded =
        |code: i64, data: Value| json_answer(200, json!({"code": code, "msg": "m", "data": data}));
    let page = |status: u16| Ok(Answer { status, body: "<html>".into() });
    let lost = || Err(SendError::MaybeSent("cut".into()));
    let file = std::path::Path::new("a.png");
    let mut told = String::new();
    type Made = Box<dyn Fn() -> Result<Answer, SendError>>;
    let rows: Vec<(&str, Made)> = vec![
        ("a link", Box::new(move || coded(200, json!({"resultUrl": "https://t.test/a.mp4"})))),
        ("text", Box::new(move || coded(200, json!("https://t.test/b.mp4")))),
        ("an upload", Box::new(move || coded(200, json!({"downloadUrl": "https://t.test/a.png"})))),
        ("an upload elsewhere", Box::new(move || coded(200, json!({"downloadUrl": "file:///x"})))),
        ("a number", Box::new(move || coded(200, json!(12.5)))),
        ("nothing", Box::new(move || coded(200, Value::Null))),
        (
            "processing",
            Box::new(|| {
                json_answer(200, json!({"code": 400, "msg": "1080P is processing", "data": null}))
            }),
        ),
        ("422", Box::new(move || coded(422, Value::Null))),
        ("401", Box::new(move || coded(401, Value::Null))),
        ("402", Box::new(move || coded(402, Value::Null))),
        ("429", Box::new(move || coded(429, Value::Null))),
        ("500", Box::new(move || coded(500, Value::Null))),
        ("502", Box::new(move || page(502))),
        ("403", Box::new(move || page(403))),
        ("408", Box::new(move || page(408))),
        ("200 under 500", Box::new(|| json_answer(500, json!({"code": 200, "data": 3})))),
        ("cut", Box::new(lost)),
    ];
    for (row, outcome) in rows {
        let ((upgrade, balance, link, upload), calls) = with_driver(outcome(), |driver| {
            let path = "/api/v1/veo/get-1080p-video";
            let body = json!({"taskId": ID, "index": 0, "none": null});
            (
                driver.upgrade("kie", "veo", "1080p", "GET", path, &body).now_or_never(),
                driver.balance("kie").now_or_never(),
                driver.fresh_link("kie", "https://t.test/old").now_or_never(),
                driver.upload("kie", file, 3, "a.png", 1_000).now_or_never(),
            )
        });
        let urls: Vec<&str> = calls.iter().map(|call| call.url.as_str()).collect();
        assert_eq!(
            urls,
            [
                &format!("https://kie.test/api/v1/veo/get-1080p-video?taskId={ID}&index=0"),
                "https://kie.test/api/v1/chat/credit",
                "https://kie.test/api/v1/common/download-url",
                "https://up.test/api/file-stream-upload",
            ]
        );
        let _ = writeln!(
            told,
            "{row}\n  upgrade {upgrade:?}\n  balance {balance:?}\n  link {link:?}\n  upload {upload:?}"
        );
    }
    insta::assert_snapshot!(told.replace("Some(", "("));
    let (empty, calls) = with_driver(coded(200, Value::Null), |driver| {
        driver.upload("kie", file, 0, "a.png", 0).now_or_never()
    });
    assert!(matches!(empty, Some(Err(Trouble { repeat: false, .. }))) && calls.is_empty());
    let failure = submit(json_answer(200, json!({"code": 402, "msg": "", "data": null})));
    let Submission::Rejected { failure, .. } = failure else { panic!("{failure:?}") };
    assert_eq!((failure.class, failure.message.as_str()), (FailureClass::Credits, "code 402"));
}
