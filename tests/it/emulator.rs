//! The emulator over real HTTP: what a client sees on the socket.

use std::time::Duration;

use crate::server::{Server, answer};
use serde_json::{Value, json};
use storyreel::emulator::bill::{Bill, CallbackSent};
use storyreel::emulator::faults::Script;
use storyreel::emulator::server::{Running, ServeOptions, start};
use storyreel::emulator::{Options, Times};

/// An emulator whose tasks are done at the first read, with these rules.
async fn emulator(rules: Value) -> Running {
    let script =
        Script::parse(&json!({"rules": rules}).to_string(), "json").expect("a good script");
    let options = Options { script, times: Times::all(0), ..Options::default() };
    start(ServeOptions { options, ..ServeOptions::default() }).await.expect("an emulator")
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .user_agent("storyreel-tests")
        .retry(reqwest::retry::never())
        .build()
        .expect("a client")
}

async fn create(running: &Running, prompt: &str) -> Result<Value, reqwest::Error> {
    let request = client()
        .post(format!("{}/api/v1/veo/generate", running.base()))
        .bearer_auth("key-of-tests");
    request.json(&json!({"prompt": prompt})).send().await?.json().await
}

async fn record(running: &Running, id: &str) -> Value {
    let request = client().get(format!("{}/api/v1/veo/record-info?taskId={id}", running.base()));
    let answer = request.bearer_auth("key-of-tests").send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.json().await.expect("JSON")
}

async fn finished(running: &Running, prompt: &str) -> (String, String) {
    let created = create(running, prompt).await.expect("an answer");
    let id = created["data"]["taskId"].as_str().expect("an id").to_owned();
    let url = record(running, &id).await["data"]["response"]["resultUrls"][0]
        .as_str()
        .expect("a link")
        .to_owned();
    (id, url)
}

#[tokio::test]
async fn a_clip_is_made_and_taken() {
    let running = emulator(json!([])).await;
    let (_, url) = finished(&running, "a red kite").await;
    assert!(url.starts_with(running.base()));
    let answer = client().get(&url).send().await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "video/mp4");
    let promised = answer.content_length();
    let clip = answer.bytes().await.expect("a clip");
    assert_eq!(promised, Some(clip.len() as u64));
    let probe =
        storyreel::media::probe(std::io::Cursor::new(&clip), clip.len() as u64).expect("a clip");
    assert_eq!(
        (probe.width, probe.height, probe.duration, probe.codec.as_str()),
        (1280, 720, 8.0, "h264")
    );

    let part = client().get(&url).header("range", "bytes=0-3").send().await.expect("an answer");
    assert_eq!(part.status(), 206);
    assert_eq!(part.bytes().await.expect("a part"), clip.slice(..4));

    let bill: Bill = client()
        .get(format!("{}/emulator/bill", running.base()))
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("a bill");
    assert_eq!(bill, running.bill());
    assert_eq!(bill.judge(), vec![]);
    assert_eq!(bill.requests["GET /files/"], 2);
    assert_eq!(bill.user_agents.keys().collect::<Vec<_>>(), ["storyreel-tests"]);
    running.stop().await;
}

#[tokio::test]
async fn a_closed_connection_is_closed_before_or_after_the_task_is_made() {
    let running = emulator(json!([
        {"match": {"operation": "create", "calls": [1]}, "do": {"fault": "drop_before"}},
        {"match": {"operation": "create", "calls": [2]}, "do": {"fault": "drop_after"}},
        {"match": {"operation": "create", "calls": [3]}, "do": {"fault": "stall", "ms": 20}}]))
    .await;
    for charged in [0.0, 60.0, 120.0] {
        let error = create(&running, "a kite").await.expect_err("no answer");
        assert!(error.is_request() && error.status().is_none(), "{error:?}");
        assert_eq!(running.bill().charged, charged);
    }
    assert!(create(&running, "a kite").await.is_ok());
}

#[tokio::test]
async fn a_stalled_answer_outlasts_the_clients_patience() {
    let running = emulator(
        json!([{"match": {"operation": "credit"}, "do": {"fault": "stall", "ms": 3_600_000}}]),
    )
    .await;
    let request =
        client().get(format!("{}/api/v1/chat/credit", running.base())).bearer_auth("key-of-tests");
    let error = request.timeout(Duration::from_millis(50)).send().await.expect_err("no answer");
    assert!(error.is_timeout(), "{error:?}");
    running.stop().await;
}

#[tokio::test]
async fn cut_bodies_and_wrong_lengths_are_seen_as_such() {
    let running = emulator(json!([
        {"match": {"operation": "file", "calls": [1]}, "do": {"fault": "cut_body"}},
        {"match": {"operation": "file", "calls": [2]}, "do": {"fault": "cut_body", "bytes": 0}},
        {"match": {"operation": "file", "calls": [3]}, "do": {"fault": "wrong_length", "extra": 5}},
        {"match": {"operation": "credit", "calls": [1]}, "do": {"fault": "cut_body", "bytes": 5}}]))
    .await;
    let (_, url) = finished(&running, "a kite").await;
    let mut lengths = Vec::new();
    for number in 0..3 {
        let mut answer = client().get(&url).send().await.expect("headers");
        assert_eq!(answer.status(), 200);
        let promised = answer.content_length().expect("a length");
        let mut here = 0;
        let error = loop {
            match answer.chunk().await {
                Ok(Some(piece)) => here += piece.len() as u64,
                Ok(None) => panic!("download {number} ended as if it were complete"),
                Err(error) => break error,
            }
        };
        assert!(error.is_body() || error.is_decode(), "{error:?}");
        lengths.push((promised, here));
    }
    let whole =
        client().get(&url).send().await.expect("an answer").bytes().await.expect("a clip").len()
            as u64;
    assert_eq!(lengths, [(whole, whole / 2), (whole, 0), (whole + 5, whole)]);
    let credit =
        client().get(format!("{}/api/v1/chat/credit", running.base())).bearer_auth("key-of-tests");
    let answer = credit.send().await.expect("headers");
    assert!(answer.text().await.is_err());
    assert_eq!(running.bill().fault_counts["cut_body"], 3);
}

#[tokio::test]
async fn a_redirect_leads_to_another_host_and_a_careful_client_takes_no_key_along() {
    let running = emulator(json!([
        {"match": {"operation": "file"}, "do": {"fault": "redirect"}},
        {"match": {"operation": "credit"}, "do": {"fault": "redirect"}}]))
    .await;
    let (_, url) = finished(&running, "a kite").await;
    let answer = client().get(&url).send().await.expect("an answer");
    assert_eq!(answer.url().host_str(), Some("localhost"));
    assert!(!answer.bytes().await.expect("a clip").is_empty());
    let bill = running.bill();
    assert!(bill.creates[0].downloaded && bill.leaks.is_empty());

    let careless = client()
        .get(format!("{}/elsewhere/api/v1/chat/credit", running.base()))
        .bearer_auth("key-of-tests");
    assert_eq!(careless.send().await.expect("an answer").status(), 200);
    assert_eq!(running.bill().judge()[0].code, "key-leaked");
}

#[tokio::test]
async fn proxies_and_storms_answer_as_scripted_at_run_time() {
    let running = emulator(json!([])).await;
    let rules = json!({"rules": [
        {"match": {"operation": "create", "times": 2}, "do": {"fault": "code", "code": 429, "msg": "slow down"}},
        {"match": {"operation": "create", "times": 1}, "do": {"fault": "http_status", "status": 502}}]});
    let added = client()
        .post(format!("{}/emulator/faults", running.base()))
        .json(&rules)
        .send()
        .await
        .expect("an answer");
    assert_eq!(added.status(), 200);
    for _ in 0..2 {
        assert_eq!(
            create(&running, "a").await.expect("JSON"),
            json!({"code": 429, "msg": "slow down", "data": null})
        );
    }
    let request = client()
        .post(format!("{}/api/v1/veo/generate", running.base()))
        .bearer_auth("k")
        .json(&json!({"prompt": "a"}));
    let answer = request.send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.headers().get("retry-after")), (502, None));
    assert!(answer.headers()["content-type"].to_str().expect("text").starts_with("text/html"));
    assert_eq!(create(&running, "a").await.expect("JSON")["code"], 200);
}

#[tokio::test]
async fn uploads_have_a_host_of_their_own_when_asked() {
    let options = ServeOptions { upload_port: Some(0), ..ServeOptions::default() };
    let running = start(options).await.expect("an emulator");
    assert_ne!(running.base(), running.upload_base());
    let form = || {
        let file =
            reqwest::multipart::Part::bytes(b"\x89PNG\r\n--\r\n".to_vec()).file_name("a.png");
        reqwest::multipart::Form::new()
            .text("uploadPath", "images/in")
            .text("fileName", "a.png")
            .part("file", file)
    };
    let send = |base: &str, form| {
        client()
            .post(format!("{base}/api/file-stream-upload"))
            .bearer_auth("key-of-tests")
            .multipart(form)
            .send()
    };
    let wrong = send(running.base(), form()).await.expect("an answer");
    assert_eq!(wrong.status(), 404);
    let answer: Value =
        send(running.upload_base(), form()).await.expect("an answer").json().await.expect("JSON");
    assert_eq!(
        (&answer["success"], &answer["code"], &answer["data"]["fileSize"]),
        (&json!(true), &json!(200), &json!(10))
    );
    let url = answer["data"]["downloadUrl"].as_str().expect("a link");
    assert!(url.starts_with(running.upload_base()));
    let file = client().get(url).send().await.expect("an answer");
    assert_eq!(file.bytes().await.expect("bytes"), &b"\x89PNG\r\n--\r\n"[..]);
    let api = client()
        .get(format!("{}/api/v1/chat/credit", running.upload_base()))
        .bearer_auth("key-of-tests");
    assert_eq!(api.send().await.expect("an answer").status(), 404);
}

#[tokio::test]
async fn the_ready_file_the_bill_and_the_state_are_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| Some(folder.path().join(name));
    let options = || ServeOptions {
        options: Options { times: Times::all(0), ..Options::default() },
        ready_file: file("ready.json"),
        state_file: file("state.json"),
        bill_file: file("bill.json"),
        ..ServeOptions::default()
    };
    let read = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(folder.path().join(name)).expect("a file"))
            .expect("JSON")
    };
    let running = start(options()).await.expect("an emulator");
    assert_eq!(
        read("ready.json"),
        json!({"base": running.base(), "upload_base": running.upload_base(), "pid": std::process::id()})
    );
    let (id, url) = finished(&running, "a kite").await;
    client().get(&url).send().await.expect("an answer").bytes().await.expect("a clip");
    let bill: Bill = serde_json::from_value(read("bill.json")).expect("a bill");
    assert_eq!((bill.creates.len(), bill.charged, bill.creates[0].downloaded), (1, 60.0, true));
    running.stop().await;

    let running = start(options()).await.expect("an emulator");
    assert_eq!(read("ready.json")["base"], running.base());
    assert_eq!(record(&running, &id).await["data"]["successFlag"], 1);
    assert_eq!(running.bill().creates[0].reads, 2);
    running.stop().await;

    std::fs::write(folder.path().join("state.json"), "{").expect("a file");
    let error = start(options()).await.expect_err("a broken state");
    assert!(error.to_string().contains("state.json"), "{error}");
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let running = emulator(json!([])).await;
    let options = ServeOptions { port: running.address().port(), ..ServeOptions::default() };
    let error = start(options).await.expect_err("the port is taken");
    assert!(error.to_string().contains("--port"), "{error}");
}

#[tokio::test]
async fn the_clock_brings_expiry_within_reach() {
    let running = emulator(json!([])).await;
    let (_, url) = finished(&running, "a kite").await;
    let clock = client()
        .post(format!("{}/emulator/clock", running.base()))
        .json(&json!({"advance_ms": 15 * 86_400_000_i64}));
    assert_eq!(clock.send().await.expect("an answer").status(), 200);
    assert_eq!(client().get(&url).send().await.expect("an answer").status(), 404);
}

/// Waits for the callbacks in the bill; another task sends them at a time of its own.
async fn callbacks(running: &Running, count: usize) -> Vec<CallbackSent> {
    for _ in 0..1_000 {
        let sent = running.bill().callbacks;
        if sent.len() >= count {
            return sent;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no callback came")
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_are_signed_tried_three_times_and_sent_to_private_addresses_only() {
    let options = Options {
        times: Times::all(0),
        webhook_key: Some("hook-key".into()),
        ..Options::default()
    };
    let running =
        start(ServeOptions { options, ..ServeOptions::default() }).await.expect("an emulator");
    let seen = std::sync::atomic::AtomicU32::new(0);
    let hook = Server::start(move |request| {
        let number = seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let good = request.path() == "/good" && number >= 2;
        answer(if good { 200 } else { 503 }, &[], "{}")
    });
    let create = async |url: &str| -> Value {
        let request = client()
            .post(format!("{}/api/v1/veo/generate", running.base()))
            .bearer_auth("key-of-tests")
            .json(&json!({"prompt": "a kite", "callBackUrl": url}));
        request.send().await.expect("an answer").json().await.expect("JSON")
    };
    let id = create(&format!("{}/good", hook.base)).await["data"]["taskId"].clone();
    let first = callbacks(&running, 1).await.remove(0);
    assert_eq!((json!(first.task_id), first.tries, first.outcome.as_str()), (id, 3, "received"));
    create(&format!("{}/bad", hook.base)).await;
    let second = callbacks(&running, 2).await.remove(1);
    assert_eq!((second.tries, second.outcome.as_str()), (3, "HTTP 503"));
    create("https://hook.example.com/x").await;
    let third = callbacks(&running, 3).await.remove(2);
    assert!(third.tries == 0 && third.outcome.starts_with("not sent"), "{third:?}");

    let requests = hook.requests();
    assert_eq!(requests.len(), 6);
    for request in &requests {
        let head = request.head.to_lowercase();
        assert!(
            head.starts_with("post /") && head.contains("content-type: application/json"),
            "{head}"
        );
        assert!(!head.contains("authorization"), "the account's key has no business there");
        let value = |name: &str| {
            let line = head.lines().find(|line| line.starts_with(name)).expect("a header");
            line.split_once(": ").map(|(_, value)| value.trim().to_owned()).expect("a value")
        };
        let time: i64 = value("x-webhook-timestamp").parse().expect("a time");
        assert!((jiff::Timestamp::now().as_second() - time).abs() < 60);
        assert_eq!(value("x-webhook-signature").len(), 44);
    }
    running.stop().await;
}
