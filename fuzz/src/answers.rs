//! The provider's answers, to every kind of call.

use super::printed;
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use storyreel::catalog::{Catalog, CreateClass, Family, Provider, TaskState, UpgradeState};
use storyreel::ports::{Answer, Call, Download, SendError, Transport};
use storyreel::remote::driver::{Driver, Timeouts};
use storyreel::remote::outcome::{Reading, Submission, Trouble};
use storyreel::remote::printable;

/// The codes after which a paid create may be repeated, as the catalogue documents them.
const REPEATED: [i64; 2] = [429, 455];

/// Every answer of a create that proves that nothing was made.
const REFUSED: [i64; 9] = [400, 401, 402, 404, 422, 433, 451, 500, 505];

/// One answer to whatever is asked.
struct Canned(Answer);

impl Transport for Canned {
    fn send(&self, _: Call) -> BoxFuture<'_, Result<Answer, SendError>> {
        Box::pin(ready(Ok(self.0.clone())))
    }
    fn download(&self, _: String, _: Duration) -> BoxFuture<'_, Result<Download, SendError>> {
        Box::pin(ready(Err(SendError::Never("nothing is downloaded here".to_owned()))))
    }
}

pub fn check(data: &[u8]) {
    let line = data.iter().position(|byte| *byte == b'\n');
    let (status, body) = match line {
        Some(end) => (std::str::from_utf8(&data[..end]).ok(), &data[end + 1..]),
        None => (None, data),
    };
    let status: u16 = status.and_then(|text| text.trim().parse().ok()).unwrap_or(200);
    text(&String::from_utf8_lossy(body));
    let Ok(catalog) = Catalog::built_in() else { panic!("the built-in catalogue is broken") };
    let Some(provider) = catalog.provider("kie") else { panic!("kie is not in the catalogue") };
    let transport = Canned(Answer { status, body: Bytes::copy_from_slice(body) });
    let second = Duration::from_secs(1);
    let timeouts = Timeouts { create: second, read: second, transfer: second };
    let base = "https://api.example";
    let driver = Driver::new(&transport, &catalog, base, base, timeouts);
    let json: Option<Value> = serde_json::from_slice(body).ok();
    for family in &provider.families {
        creates(provider, family, &driver, status, body, json.as_ref());
        reads(provider, family, &driver, status, json.as_ref());
        upgrades(provider, family, &driver, status, json.as_ref());
        if let Some(json) = &json {
            if let Some(credits) = family.credits_consumed(json) {
                assert!(credits.is_finite() && credits >= 0.0, "{credits} credits were charged");
            }
            family.echo(json);
            family.times(json);
        }
    }
    account(provider, &driver);
}

/// Whatever the provider writes is printed and kept as one harmless line.
fn text(words: &str) {
    for longest in [1, 40, 500] {
        let shown = printable(words, longest);
        printed::check_line(&shown, longest * 4);
        assert!(shown.chars().count() <= longest);
        assert_eq!(printable(&shown, longest), shown, "what is printable stays as it is");
    }
}

/// The code of the body, read without the catalogue.
fn code_of(json: Option<&Value>) -> Option<i64> {
    let number = match json?.get("code")? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "only compared with small codes")]
    (number.fract() == 0.0 && number.abs() < 1e9).then_some(number as i64)
}

fn creates(
    provider: &Provider,
    family: &Family,
    driver: &Driver<'_>,
    status: u16,
    body: &[u8],
    json: Option<&Value>,
) {
    let code = code_of(json);
    for operation in &family.operations {
        let read = provider.create_answer(&operation.task_id, status, body);
        let named = read.task_id.as_deref();
        assert!(read.class != CreateClass::Accepted || named.is_some(), "{read:?}");
        assert!(named.is_none_or(|id| !id.trim().is_empty()), "{read:?}");
        match read.class {
            CreateClass::Accepted => {
                assert!((200..300).contains(&status) && code == Some(200), "{read:?}");
            }
            CreateClass::Retry => {
                let told = REPEATED.contains(&i64::from(status))
                    || code.is_some_and(|code| REPEATED.contains(&code));
                assert!(told, "repeated after HTTP {status}, code {code:?}");
                let task = json.and_then(|json| json.pointer("/data/taskId"));
                let named = task.and_then(Value::as_str).is_some_and(|id| !id.trim().is_empty());
                assert!(!named, "repeated, though a task was named");
            }
            CreateClass::Rejected { .. } => {
                let told = code.unwrap_or_else(|| i64::from(status));
                assert!(REFUSED.contains(&told), "taken as refused: HTTP {status}, code {code:?}");
            }
            CreateClass::Unknown => {}
        }
        let Some(submission) = driver
            .submit("kie", &family.name, &operation.name, "POST", &operation.path, &json!({}))
            .now_or_never()
        else {
            panic!("the answer was there already");
        };
        match (submission, read.class) {
            (Submission::Accepted { task_id }, CreateClass::Accepted) => {
                assert!(!task_id.trim().is_empty());
            }
            (Submission::Retry { reason, unreachable }, CreateClass::Retry) => {
                assert!(!unreachable, "it was reached");
                printed::check_line(&reason, 4096);
            }
            (Submission::Rejected { failure, stop }, CreateClass::Rejected { stop: expected }) => {
                assert_eq!(stop, expected);
                printed::check_line(&failure.message, 4096);
            }
            (Submission::Unknown { failure }, CreateClass::Unknown) => {
                printed::check_line(&failure.message, 4096);
            }
            (submission, class) => panic!("{class:?} became {submission:?}"),
        }
    }
}

fn links(urls: &[String]) {
    assert!(!urls.is_empty(), "a result without a link");
    for url in urls {
        let lower = url.to_ascii_lowercase();
        assert!(lower.starts_with("https://") || lower.starts_with("http://"), "{url:?}");
        assert!(!url.contains(|c: char| c.is_whitespace() || c.is_control()), "{url:?}");
    }
}

fn reading(reading: Option<Reading>) {
    let Some(reading) = reading else { panic!("the answer was there already") };
    let charged = match &reading {
        Reading::Succeeded { urls, charged } => {
            links(urls);
            *charged
        }
        Reading::Failed { failure, charged } => {
            printed::check_line(&failure.message, 4096);
            printed::check_line(failure.code.as_deref().unwrap_or_default(), 160);
            *charged
        }
        Reading::WithoutResult { charged } => *charged,
        Reading::Refused { failure, .. } => {
            printed::check_line(&failure.message, 4096);
            None
        }
        Reading::Trouble(trouble) => {
            troubled(trouble);
            assert!(trouble.repeat, "a look at a task may always be repeated");
            None
        }
        Reading::Running | Reading::Missing | Reading::Expired => None,
    };
    assert!(charged.is_none_or(|credits| credits.is_finite() && credits >= 0.0), "{charged:?}");
}

fn troubled(trouble: &Trouble) {
    assert!(!trouble.message.is_empty());
    printed::check_line(&trouble.message, 4096);
}

fn reads(
    provider: &Provider,
    family: &Family,
    driver: &Driver<'_>,
    status: u16,
    json: Option<&Value>,
) {
    for operation in &family.operations {
        let state = family.read_state(&operation.name, status, json);
        assert_eq!(state, family.read_state(&operation.name, status, json));
        match &state {
            TaskState::Succeeded { urls } => {
                links(urls);
                assert!((200..300).contains(&status) && code_of(json) == Some(200), "{state:?}");
            }
            TaskState::Failed { code, message } => {
                provider.failure_class(code.as_deref(), message);
                assert!(code_of(json).is_some(), "failed, by an answer without a code");
            }
            _ => {}
        }
        let read = driver.read("kie", &family.name, &operation.name, "task").now_or_never();
        reading(read.map(|look| look.reading));
    }
}

fn upgrades(
    provider: &Provider,
    family: &Family,
    driver: &Driver<'_>,
    status: u16,
    json: Option<&Value>,
) {
    for upgrade in &family.upgrades {
        let state = family.upgrade_state(upgrade, status, json);
        assert_eq!(state, family.upgrade_state(upgrade, status, json));
        match &state {
            UpgradeState::Ready { urls } => links(urls),
            UpgradeState::Failed { code, message } => {
                provider.failure_class(code.as_deref(), message);
            }
            _ => {}
        }
        let asked = driver
            .upgrade("kie", &family.name, &upgrade.name, &upgrade.method, &upgrade.path, &json!({}))
            .now_or_never();
        reading(asked);
    }
}

fn account(provider: &Provider, driver: &Driver<'_>) {
    match driver.balance(&provider.name).now_or_never() {
        Some(Ok(credits)) => assert!(credits.is_finite()),
        Some(Err(trouble)) => troubled(&trouble),
        None => panic!("the answer was there already"),
    }
    match driver.upload(&provider.name, Path::new("a.png"), 1, "a.png", 0).now_or_never() {
        Some(Ok(uploaded)) => links(&[uploaded.url]),
        Some(Err(trouble)) => troubled(&trouble),
        None => panic!("the answer was there already"),
    }
    match driver.fresh_link(&provider.name, "https://files.example/a.mp4").now_or_never() {
        Some(Ok(url)) => links(&[url]),
        Some(Err(trouble)) => troubled(&trouble),
        None => panic!("the answer was there already"),
    }
}
