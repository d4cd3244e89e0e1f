//! The provider's behaviour in virtual time, against what its pages and recordings show.

use serde_json::{Value, json};

use super::account::{Credits, Rate};
use super::faults::Script;
use super::route::Operation;
use super::*;

const START: i64 = 1_790_000_000_123;
const DAY: i64 = 86_400_000;

struct World {
    emulator: Emulator,
    now: i64,
}

impl World {
    fn new() -> Self {
        Self::with(Options::default())
    }

    fn with(options: Options) -> Self {
        Self {
            emulator: Emulator::new(options),
            now: START,
        }
    }

    fn scripted(rules: Value) -> Self {
        let script =
            Script::parse(&json!({"rules": rules}).to_string(), "json").expect("a good script");
        Self::with(Options {
            script,
            ..Options::default()
        })
    }

    fn wait(&mut self, ms: i64) -> &mut Self {
        self.now += ms;
        self
    }

    fn send(&mut self, request: Request) -> Answer {
        let request = request
            .with_header("user-agent", "tests")
            .with_key("secret");
        self.emulator.exchange(self.now, &request).expect("a clip")
    }

    fn get(&mut self, target: &str) -> Value {
        let answer = self.send(Request::new("GET", target));
        assert_eq!(answer.status, 200, "{target}");
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    fn post(&mut self, target: &str, body: Value) -> Value {
        let answer = self.send(Request::new("POST", target).with_json(&body));
        assert_eq!(answer.status, 200, "{target}");
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    fn task(&mut self, target: &str, body: Value) -> String {
        let answer = self.post(target, body);
        answer["data"]["taskId"]
            .as_str()
            .unwrap_or_else(|| panic!("no task in {answer}"))
            .to_owned()
    }

    fn veo(&mut self, prompt: &str) -> String {
        self.task("/api/v1/veo/generate", json!({"prompt": prompt}))
    }

    fn veo_record(&mut self, id: &str) -> Value {
        self.get(&format!("/api/v1/veo/record-info?taskId={id}"))
    }

    /// A plain download without a key.
    fn download(&mut self, url: &str) -> Answer {
        let path = url
            .split_once("://")
            .and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]))
            .expect("a path");
        let request = Request::new("GET", path).with_header("user-agent", "tests");
        self.emulator.exchange(self.now, &request).expect("a clip")
    }

    fn credits(&mut self) -> f64 {
        self.get("/api/v1/chat/credit")["data"]
            .as_f64()
            .expect("a number")
    }
}

#[test]
fn a_veo_task_runs_and_succeeds_as_recorded() {
    let mut world = World::new();
    let created = world.post(
        "/api/v1/veo/generate",
        json!({"prompt": "a red kite", "model": "veo3_fast", "aspect_ratio": "16:9", "duration": 6}),
    );
    let id = created["data"]["taskId"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert_eq!(
        created,
        json!({"code": 200, "msg": "success", "data": {"taskId": id}})
    );
    assert!(
        id.len() == 32
            && id
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)),
        "{id}"
    );
    assert_eq!(world.credits(), 9940.0);

    let echo = "{\"duration\":6,\"enableTranslation\":true,\"generationType\":\"TEXT_2_VIDEO\",\"aspectRatio\":\"16:9\",\
        \"model\":\"veo3_fast\",\"enableFallback\":false,\"resolution\":\"720p\",\"prompt\":\"a red kite\"}";
    let running = world.wait(1000).veo_record(&id);
    assert_eq!(
        running,
        json!({"code": 200, "msg": "success", "data": {
            "taskId": id, "paramJson": echo, "response": null, "successFlag": 0, "fallbackFlag": false,
            "completeTime": null, "createTime": 1_790_000_000_000_i64, "errorCode": null, "errorMessage": ""}})
    );

    let done = world.wait(1000).veo_record(&id);
    let seeds = done["data"]["response"]["seeds"].clone();
    assert!((10_000..=99_999).contains(&seeds[0].as_i64().expect("a seed")));
    let url = format!("https://kie.test/files/{id}.mp4");
    assert_eq!(
        done["data"],
        json!({
            "taskId": id, "paramJson": echo,
            "response": {"taskId": id, "resultUrls": [url], "fullResultUrls": null, "originUrls": null,
                "resolution": "720p", "hasAudioList": [true], "seeds": seeds},
            "successFlag": 1, "fallbackFlag": false, "completeTime": 1_790_000_002_000_i64,
            "createTime": 1_790_000_000_000_i64, "errorCode": null, "errorMessage": ""})
    );

    let clip = world.download(&url);
    assert_eq!(clip.status, 200);
    let probe = crate::media::probe(std::io::Cursor::new(&clip.body), clip.body.len() as u64)
        .expect("a clip");
    assert_eq!(
        (probe.width, probe.height, probe.duration),
        (1280, 720, 6.0)
    );
    let bill = world.emulator.bill();
    assert_eq!(bill.judge(), vec![]);
    assert_eq!(
        (
            bill.charged,
            bill.creates[0].reads,
            bill.creates[0].downloaded
        ),
        (60.0, 2, true)
    );
}

#[test]
fn each_family_says_no_such_task_in_its_own_words() {
    let mut world = World::new();
    let refused = |code: i64, text: &str| json!({"code": code, "msg": text, "data": null});
    assert_eq!(
        world.veo_record("nope"),
        refused(422, "Record not found for taskId: nope")
    );
    assert_eq!(
        world.get("/api/v1/veo/get-1080p-video?taskId=nope"),
        refused(422, "Record does not exist")
    );
    assert_eq!(
        world.post("/api/v1/veo/get-4k-video", json!({"taskId": "nope"})),
        refused(422, "Record does not exist")
    );
    assert_eq!(
        world.get("/api/v1/runway/record-detail?taskId=nope"),
        refused(200, "success")
    );
    assert_eq!(
        world.get("/api/v1/aleph/record-info?taskId=nope"),
        refused(200, "success")
    );
    assert_eq!(
        world.get("/api/v1/jobs/recordInfo?taskId=nope"),
        refused(422, "recordInfo is null")
    );
    assert_eq!(world.get("/api/v1/jobs/recordInfo")["code"], 400);
    let unknown = world.send(Request::new("POST", "/api/v1/jobs/create"));
    assert_eq!(unknown.status, 404);
    // A task of one family is unknown to the others.
    let id = world.veo("a kite");
    assert_eq!(
        world.get(&format!("/api/v1/jobs/recordInfo?taskId={id}"))["code"],
        422
    );
}

#[test]
fn a_wrong_key_is_answered_without_data() {
    let mut world = World::with(Options {
        keys: vec!["right".into()],
        ..Options::default()
    });
    let answer = world.send(Request::new("GET", "/api/v1/chat/credit"));
    assert_eq!(answer.status, 200);
    let value: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(value["code"], 401);
    assert_eq!(
        value.as_object().map(serde_json::Map::len),
        Some(2),
        "no data key in {value}"
    );
    let header = Request::new("GET", "/api/v1/chat/credit").with_header("apikey", "right");
    assert_eq!(world.emulator.handle(START, &header).code(), Some(401));
    let right = Request::new("GET", "/api/v1/chat/credit").with_key("right");
    assert_eq!(world.emulator.handle(START, &right).code(), Some(200));
    assert_eq!(world.emulator.bill().unauthorized, 2);
}

#[test]
fn veo_bodies_are_checked_and_nothing_is_charged_for_bad_ones() {
    let mut world = World::new();
    let image = "https://example.com/a.png";
    for (body, text) in [
        (json!({}), "prompt is required"),
        (
            json!({"prompt": "a", "model": "veo-3.1"}),
            "model must be one of veo3, veo3_fast, veo3_lite",
        ),
        (
            json!({"prompt": "a", "duration": 5}),
            "duration must be one of 4, 6, 8",
        ),
        (
            json!({"prompt": "a", "duration": "8"}),
            "duration must be an integer",
        ),
        (
            json!({"prompt": "a", "aspect_ratio": "auto"}),
            "aspect_ratio must be one of 16:9, 9:16, Auto",
        ),
        (
            json!({"prompt": "a", "seeds": 1}),
            "seeds must be between 10000 and 99999",
        ),
        (
            json!({"prompt": "a", "model": "veo3", "generationType": "REFERENCE_2_VIDEO", "imageUrls": [image]}),
            "REFERENCE_2_VIDEO is not supported by model veo3",
        ),
        (
            json!({"prompt": "a", "generationType": "FIRST_AND_LAST_FRAMES_2_VIDEO", "imageUrls": [image, image, image]}),
            "imageUrls must have 1 to 2 items for FIRST_AND_LAST_FRAMES_2_VIDEO",
        ),
        (
            json!({"prompt": "a", "generationType": "REFERENCE_2_VIDEO"}),
            "imageUrls must have 1 to 3 items for REFERENCE_2_VIDEO",
        ),
    ] {
        assert_eq!(
            world.post("/api/v1/veo/generate", body),
            json!({"code": 422, "msg": text, "data": null})
        );
    }
    let broken = world.send(Request {
        body: b"{".to_vec(),
        ..Request::new("POST", "/api/v1/veo/generate")
    });
    assert!(String::from_utf8_lossy(&broken.body).contains("\"code\":400"));
    let bill = world.emulator.bill();
    assert_eq!((bill.charged, bill.creates.len()), (0.0, 10));
    assert!(
        bill.creates
            .iter()
            .all(|create| create.state == State::Refused && create.task_id.is_none())
    );
}

#[test]
fn unknown_fields_cost_all_the_same_and_are_on_the_bill() {
    let mut world = World::new();
    world.task(
        "/api/v1/veo/generate",
        json!({"prompt": "a", "fps": 24, "seed": 5}),
    );
    world.task("/api/v1/veo/generate", json!({"prompt": "b", "generationType": "TEXT_2_VIDEO", "imageUrls": ["https://a.test/b.png"]}));
    let bill = world.emulator.bill();
    assert_eq!(bill.creates[0].wasted, ["fps", "seed"]);
    assert_eq!(bill.creates[1].wasted, ["imageUrls"]);
    assert_eq!(bill.charged, 120.0);
    assert_eq!(
        bill.judge()
            .iter()
            .filter(|violation| violation.code == "wasted-field")
            .count(),
        3
    );
}

#[test]
fn prices_follow_the_list() {
    let mut world = World::new();
    let mut before = world.credits();
    for (path, body, price) in [
        (
            "veo/generate",
            json!({"prompt": "a", "model": "veo3_lite"}),
            30.0,
        ),
        (
            "veo/generate",
            json!({"prompt": "b", "model": "veo3_lite", "resolution": "1080p"}),
            35.0,
        ),
        (
            "veo/generate",
            json!({"prompt": "c", "resolution": "4k"}),
            180.0,
        ),
        (
            "veo/generate",
            json!({"prompt": "d", "model": "veo3", "duration": 4}),
            250.0,
        ),
        (
            "runway/generate",
            json!({"prompt": "e", "duration": 5, "quality": "720p", "aspectRatio": "16:9"}),
            12.0,
        ),
        (
            "runway/generate",
            json!({"prompt": "f", "duration": "5", "quality": "1080p", "aspectRatio": "16:9"}),
            30.0,
        ),
        (
            "aleph/generate",
            json!({"prompt": "g", "videoUrl": "https://a.test/v.mp4"}),
            110.0,
        ),
        (
            "jobs/createTask",
            json!({"model": "kling-2.6/text-to-video", "input": {"prompt": "h", "sound": true, "aspect_ratio": "16:9", "duration": "10"}}),
            220.0,
        ),
        (
            "jobs/createTask",
            json!({"model": "topaz/video-upscale", "input": {"video_url": "https://a.test/v.mp4", "upscale_factor": "4"}}),
            70.0,
        ),
    ] {
        world.task(&format!("/api/v1/{path}"), body);
        let after = world.credits();
        assert_eq!(before - after, price, "{path}");
        before = after;
    }
}

#[test]
fn an_empty_account_is_told_so_and_failures_give_the_money_back() {
    let script = json!({"rules": [{"match": {"prompt": "fail"}, "do": {"fault": "fail", "code": 501, "message": "generation failed"}},
        {"match": {"prompt": "kept"}, "do": {"fault": "fail", "code": 500, "message": "internal error", "charged": true}}]});
    let script = Script::parse(&script.to_string(), "json").expect("a good script");
    let mut world = World::with(Options {
        credits: Credits::whole(130),
        script,
        ..Options::default()
    });
    let id = world.veo("fail");
    world.veo("kept");
    assert_eq!(
        world.post("/api/v1/veo/generate", json!({"prompt": "c"}))["code"],
        402
    );
    assert_eq!(world.credits(), 10.0);
    let failed = world.wait(2000).veo_record(&id);
    assert_eq!(failed["data"]["successFlag"], 3);
    assert_eq!(
        (
            &failed["data"]["errorCode"],
            &failed["data"]["errorMessage"]
        ),
        (&json!(501), &json!("generation failed"))
    );
    assert_eq!(
        (&failed["data"]["response"], &failed["data"]["completeTime"]),
        (&Value::Null, &json!(1_790_000_002_000_i64))
    );
    assert_eq!(world.credits(), 70.0);
    let bill = world.emulator.bill();
    assert_eq!((bill.charged, bill.refunded), (60.0, 60.0));
    assert_eq!(
        (bill.creates[0].refunded, bill.creates[1].refunded),
        (true, false)
    );
    assert_eq!(bill.fault_counts["fail"], 2);
}

#[test]
fn the_window_lets_twenty_in_ten_seconds_through() {
    let mut world = World::new();
    for number in 0..20 {
        world.veo(&format!("clip {number}"));
        world.wait(100);
    }
    let refused = world.post("/api/v1/veo/generate", json!({"prompt": "one too many"}));
    assert_eq!(
        (&refused["code"], &refused["data"]),
        (&json!(429), &Value::Null)
    );
    world.wait(7_999);
    assert_eq!(
        world.post("/api/v1/veo/generate", json!({"prompt": "still"}))["code"],
        429
    );
    world.wait(1).veo("at last");
    let bill = world.emulator.bill();
    assert_eq!(
        (
            bill.submissions.most,
            bill.submissions.refused,
            bill.charged
        ),
        (20, 2, 21.0 * 60.0)
    );
    assert!(
        bill.judge()
            .iter()
            .any(|violation| violation.code == "window-overrun")
    );
}

#[test]
fn a_record_is_served_ten_times_a_second() {
    let mut world = World::new();
    let (one, other) = (world.veo("a"), world.veo("b"));
    for _ in 0..10 {
        assert_eq!(world.veo_record(&one)["code"], 200);
    }
    assert_eq!(world.veo_record(&one)["code"], 429);
    assert_eq!(world.veo_record(&other)["code"], 200);
    assert_eq!(world.wait(1000).veo_record(&one)["code"], 200);
    assert_eq!(world.emulator.bill().reads_refused, 1);
}

#[test]
fn a_1080p_version_is_polled_with_the_call_that_asks_for_it() {
    for code in [400, 422] {
        let mut world = World::with(Options {
            processing_code: code,
            ..Options::default()
        });
        let id = world.veo("a kite");
        let ask = format!("/api/v1/veo/get-1080p-video?taskId={id}&index=0");
        assert_eq!(
            world.get(&ask),
            json!({"code": 422, "msg": "The record status is not success", "data": null})
        );
        world.wait(2000);
        let text =
            "1080P is processing. It should be ready in 1-2 minutes. Please check back shortly.";
        for _ in 0..2 {
            assert_eq!(
                world.get(&ask),
                json!({"code": code, "msg": text, "data": null})
            );
        }
        let url = format!("https://kie.test/files/{id}_1080p_0.mp4");
        assert_eq!(
            world.wait(1000).get(&ask),
            json!({"code": 200, "msg": "success", "data": {"resultUrl": url}})
        );
        assert_eq!(world.credits(), 9935.0, "5 credits, once");
        let clip = world.download(&url);
        let probe = crate::media::probe(std::io::Cursor::new(&clip.body), clip.body.len() as u64)
            .expect("a clip");
        assert_eq!(
            (probe.width, probe.height, probe.duration),
            (1920, 1080, 8.0)
        );
        let bill = world.emulator.bill();
        assert_eq!(
            (
                bill.upgrades[0].calls,
                bill.upgrades[0].downloaded,
                bill.creates[0].downloaded
            ),
            (3, true, false)
        );

        let extend = json!({"taskId": id, "prompt": "it climbs"});
        assert_eq!(
            world.post("/api/v1/veo/extend", extend)["code"],
            422,
            "an upgraded video cannot be extended"
        );
        assert_eq!(
            world.get(&format!("/api/v1/veo/get-1080p-video?taskId={id}&index=7"))["code"],
            422
        );
    }
}

#[test]
fn a_4k_version_has_three_answers() {
    let mut world = World::new();
    let id = world.veo("a kite");
    world.wait(2000);
    let path = "/api/v1/veo/get-4k-video";
    let body = json!({"taskId": id, "index": 0});
    let nothing = json!({"taskId": id, "resultUrls": null, "imageUrls": null});
    assert_eq!(
        world.post(path, body.clone()),
        json!({"code": 200, "msg": "success", "data": nothing})
    );
    let text = "4k is processing. It should be ready in 5-10 minutes. Please check back shortly.";
    assert_eq!(
        world.post(path, body.clone()),
        json!({"code": 422, "msg": text, "data": nothing})
    );
    let done = json!({"taskId": id, "resultUrls": [format!("https://kie.test/files/{id}_4k_0.mp4")],
        "imageUrls": [format!("https://kie.test/files/{id}_4k_0.png")]});
    let done =
        json!({"code": 422, "msg": "The video has been generated successfully", "data": done});
    assert_eq!(world.wait(2000).post(path, body.clone()), done);
    assert_eq!(world.post(path, body), done);
    assert_eq!(world.credits(), 10_000.0 - 60.0 - 120.0);
    let still = world.download(done["data"]["imageUrls"][0].as_str().expect("a link"));
    assert!(still.body.starts_with(b"\x89PNG"));
    let codes: Vec<String> = world
        .emulator
        .bill()
        .judge()
        .into_iter()
        .map(|violation| violation.code)
        .collect();
    assert_eq!(
        codes,
        ["upgrade-not-downloaded"],
        "a still is not the clip, and the plain clip was never shown"
    );
}

#[test]
fn a_failed_version_gives_the_money_back() {
    let mut world =
        World::scripted(json!([{"match": {"task": 1}, "do": {"fault": "upgrade_fails"}}]));
    let id = world.veo("a kite");
    world
        .wait(2000)
        .post("/api/v1/veo/get-4k-video", json!({"taskId": id}));
    assert_eq!(world.credits(), 9820.0);
    assert_eq!(
        world
            .wait(2000)
            .post("/api/v1/veo/get-4k-video", json!({"taskId": id}))["code"],
        500
    );
    assert_eq!(world.credits(), 9940.0);
}

#[test]
fn an_extension_continues_a_finished_veo_clip() {
    let mut world = World::new();
    let id = world.task(
        "/api/v1/veo/generate",
        json!({"prompt": "a kite", "aspectRatio": "9:16", "duration": 4}),
    );
    let extend = json!({"taskId": id, "prompt": "it climbs", "model": "quality"});
    assert_eq!(
        world.post("/api/v1/veo/extend", extend.clone())["code"],
        422,
        "it still runs"
    );
    assert_eq!(
        world.post(
            "/api/v1/veo/extend",
            json!({"taskId": "nope", "prompt": "b"})
        )["code"],
        404
    );
    assert_eq!(
        world.post("/api/v1/veo/extend", json!({"taskId": id}))["msg"],
        "prompt is required"
    );
    assert_eq!(
        world.post(
            "/api/v1/veo/extend",
            json!({"taskId": id, "prompt": "b", "model": "veo3"})
        )["code"],
        422
    );
    let second = world.wait(2000).task("/api/v1/veo/extend", extend);
    assert_eq!(world.credits(), 10_000.0 - 60.0 - 250.0);
    let third = world.wait(2000).task(
        "/api/v1/veo/extend",
        json!({"taskId": second, "prompt": "it lands"}),
    );
    let record = world.wait(2000).veo_record(&third);
    let response = &record["data"]["response"];
    for (name, seconds) in [("resultUrls", 7.0), ("fullResultUrls", 18.0)] {
        let clip = world.download(response[name][0].as_str().expect("a link"));
        let probe = crate::media::probe(std::io::Cursor::new(&clip.body), clip.body.len() as u64)
            .expect("a clip");
        assert_eq!(
            (probe.width, probe.height, probe.duration),
            (720, 1280, seconds),
            "{name}"
        );
    }
}

#[test]
fn market_tasks_have_the_markets_states_and_shapes() {
    let mut world = World::with(Options {
        times: Times::all(62_000),
        ..Options::default()
    });
    let input =
        json!({"prompt": "a lamp", "sound": false, "aspect_ratio": "16:9", "duration": "5"});
    let created = world.post(
        "/api/v1/jobs/createTask",
        json!({"model": "kling-2.6/text-to-video", "input": input}),
    );
    let id = created["data"]["taskId"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert_eq!(created["data"], json!({"taskId": id, "recordId": id}));
    let read = format!("/api/v1/jobs/recordInfo?taskId={id}");
    let mut states = Vec::new();
    for _ in 0..70 {
        let state = world.get(&read)["data"]["state"]
            .as_str()
            .expect("a state")
            .to_owned();
        if states.last() != Some(&state) {
            states.push(state);
        }
        world.wait(1000);
    }
    assert_eq!(states, ["waiting", "queuing", "generating", "success"]);
    let result = json!({"resultUrls": [format!("https://kie.test/files/{id}.mp4")]});
    let param = json!({"model": "kling-2.6/text-to-video", "input": input.to_string()}).to_string();
    assert_eq!(
        world.get(&read)["data"],
        json!({"taskId": id, "model": "kling-2.6/text-to-video", "state": "success", "successFlag": 1, "param": param,
            "resultJson": result.to_string(), "response": result, "failCode": null, "failMsg": null, "costTime": 62,
            "createTime": START, "updateTime": START + 62_000, "completeTime": START + 62_000, "creditsConsumed": 55})
    );
    for (body, code) in [
        (
            json!({"model": "kling/text-to-video-2-1", "input": {"prompt": "a"}}),
            404,
        ),
        (json!({"model": "kling-2.6/text-to-video"}), 422),
        (
            json!({"model": "kling-2.6/text-to-video", "input": {"prompt": "a", "sound": false, "aspect_ratio": "16:9", "duration": 5}}),
            422,
        ),
        (
            json!({"model": "kling-2.6/image-to-video", "input": {"prompt": "a", "sound": false, "image_urls": [], "duration": "5"}}),
            422,
        ),
    ] {
        assert_eq!(world.post("/api/v1/jobs/createTask", body)["code"], code);
    }
}

#[test]
fn a_failed_market_task_consumes_nothing() {
    let mut world = World::scripted(
        json!([{"match": {"family": "market"}, "do": {"fault": "fail", "code": 500, "message": "Internal server error"}}]),
    );
    let body =
        json!({"model": "topaz/video-upscale", "input": {"video_url": "https://a.test/v.mp4"}});
    let id = world.task("/api/v1/jobs/createTask", body);
    let data = world
        .wait(2000)
        .get(&format!("/api/v1/jobs/recordInfo?taskId={id}"))["data"]
        .clone();
    assert_eq!(
        (&data["state"], &data["successFlag"], &data["resultJson"]),
        (&json!("fail"), &json!(3), &json!(""))
    );
    assert_eq!(
        (&data["failCode"], &data["failMsg"]),
        (&json!("500"), &json!("Internal server error"))
    );
    assert_eq!(data["creditsConsumed"], 0);
}

#[test]
fn upscaling_and_motion_control_are_billed_by_the_length_of_their_source() {
    let mut world = World::new();
    let id = world.task(
        "/api/v1/veo/generate",
        json!({"prompt": "a kite", "duration": 4}),
    );
    let url = world.wait(2000).veo_record(&id)["data"]["response"]["resultUrls"][0].clone();
    let clip = world.download(url.as_str().expect("a link")).body;
    let form = [b"--b\r\nContent-Disposition: form-data; name=\"uploadPath\"\r\n\r\nclips\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp4\"\r\nContent-Type: video/mp4\r\n\r\n".as_slice(), &clip, b"\r\n--b--\r\n"].concat();
    let request = Request {
        body: form,
        ..Request::new("POST", "/api/file-stream-upload")
    };
    let answer = world.send(request.with_header("content-type", "multipart/form-data; boundary=b"));
    let uploaded: Value = serde_json::from_slice(&answer.body).expect("JSON");
    let before = world.credits();
    let body = json!({"model": "topaz/video-upscale", "input": {"video_url": uploaded["data"]["downloadUrl"]}});
    let upscaled = world.task("/api/v1/jobs/createTask", body);
    assert_eq!(
        before - world.credits(),
        32.0,
        "8 credits for each of 4 seconds"
    );
    let record = world
        .wait(2000)
        .get(&format!("/api/v1/jobs/recordInfo?taskId={upscaled}"));
    let large = world
        .download(
            record["data"]["response"]["resultUrls"][0]
                .as_str()
                .expect("a link"),
        )
        .body;
    let probe =
        crate::media::probe(std::io::Cursor::new(&large), large.len() as u64).expect("a clip");
    assert_eq!(
        (probe.width, probe.height, probe.duration),
        (2560, 1440, 4.0)
    );
    let before = world.credits();
    let input = json!({"input_urls": ["https://a.test/p.png"], "video_urls": [url], "character_orientation": "image", "mode": "1080p"});
    world.task(
        "/api/v1/jobs/createTask",
        json!({"model": "kling-2.6/motion-control", "input": input}),
    );
    assert_eq!(
        before - world.credits(),
        72.0,
        "18 credits for each of 4 seconds"
    );
}

#[test]
fn runway_and_aleph_answer_in_their_documented_shapes() {
    let mut world = World::new();
    let runway =
        json!({"prompt": "a cat", "duration": 5, "quality": "720p", "aspectRatio": "16:9"});
    let id = world.task("/api/v1/runway/generate", runway);
    let read = format!("/api/v1/runway/record-detail?taskId={id}");
    let mut states = Vec::new();
    for _ in 0..5 {
        states.push(
            world.get(&read)["data"]["state"]
                .as_str()
                .expect("a state")
                .to_owned(),
        );
        world.wait(500);
    }
    assert_eq!(
        states,
        ["wait", "queueing", "generating", "generating", "success"]
    );
    let data = world.get(&read)["data"].clone();
    let video = &data["videoInfo"];
    assert_eq!(
        video["videoUrl"],
        format!("https://kie.test/files/{id}.mp4")
    );
    assert_eq!(video["videoId"].as_str().map(str::len), Some(36));
    assert_eq!(
        data["generateParam"],
        json!({"prompt": "a cat", "imageUrl": "", "expandPrompt": true})
    );
    assert_eq!(
        (&data["generateTime"], &data["expireFlag"]),
        (&json!("2026-09-21 14:13:20"), &json!(0))
    );
    assert_eq!(world.wait(15 * DAY).get(&read)["data"]["expireFlag"], 1);
    assert_eq!(
        world.post(
            "/api/v1/runway/generate",
            json!({"prompt": "a", "duration": 10, "quality": "1080p", "aspectRatio": "1:1"})
        )["code"],
        422
    );
    let orphan = world.task(
        "/api/v1/runway/extend",
        json!({"taskId": "nope", "prompt": "b", "quality": "720p"}),
    );
    assert_eq!(
        world
            .wait(2000)
            .get(&format!("/api/v1/runway/record-detail?taskId={orphan}"))["data"]["state"],
        "fail"
    );

    let refused = world.post(
        "/api/v1/aleph/generate",
        json!({"prompt": "watercolor", "imageUrl": "https://a.test/v.mp4"}),
    );
    assert_eq!(refused["msg"], "videoUrl is required");
    let bad = world.task(
        "/api/v1/aleph/generate",
        json!({"prompt": "watercolor", "videoUrl": "https://gone.invalid/v.mp4"}),
    );
    let read = format!("/api/v1/aleph/record-info?taskId={bad}");
    let running = world.get(&read)["data"].clone();
    assert_eq!(
        (&running["errorCode"], &running["errorMessage"]),
        (&Value::Null, &Value::Null)
    );
    let failed = world.wait(2000).get(&read)["data"].clone();
    assert_eq!(
        (
            &failed["successFlag"],
            &failed["errorCode"],
            &failed["response"]
        ),
        (&json!(3), &json!(400), &Value::Null)
    );
}

#[test]
fn inputs_that_are_gone_fail_the_task_later() {
    let mut world = World::new();
    let upload = json!({"base64Data": "data:image/png;base64,iVBORw0KGgo=", "uploadPath": "images/in", "fileName": "a.png"});
    let answer = world.post("/api/file-base64-upload", upload.clone());
    let url = answer["data"]["downloadUrl"].clone();
    let body = json!({"prompt": "a", "imageUrls": [url]});
    let good = world.task("/api/v1/veo/generate", body.clone());
    let late = world
        .wait(25 * 3_600_000)
        .task("/api/v1/veo/generate", body);
    world.wait(2000);
    assert_eq!(world.veo_record(&good)["data"]["successFlag"], 1);
    let failed = world.veo_record(&late)["data"].clone();
    assert_eq!(
        (&failed["successFlag"], &failed["errorCode"]),
        (&json!(3), &json!(400))
    );
}

#[test]
fn uploads_answer_as_recorded_and_a_name_overwrites() {
    let mut world = World::new();
    let body =
        json!({"base64Data": "iVBORw0KGgo=", "uploadPath": "images/in", "fileName": "a b.png"});
    let answer = world.post("/api/file-base64-upload", body);
    assert_eq!(
        answer,
        json!({"success": true, "code": 200, "msg": "File uploaded successfully", "data": {
            "success": true, "fileName": "a b.png", "filePath": "kieai/100001/images/in/a b.png",
            "downloadUrl": "https://upload.kie.test/kieai/100001/images/in/a%20b.png", "fileSize": 8,
            "mimeType": "image/png", "uploadedAt": "2026-09-21T14:13:20.123Z"}})
    );
    let url = answer["data"]["downloadUrl"]
        .as_str()
        .expect("a link")
        .to_owned();
    assert_eq!(world.download(&url).body, b"\x89PNG\r\n\x1a\n");
    world.post(
        "/api/file-base64-upload",
        json!({"base64Data": "Zm9v", "uploadPath": "images/in", "fileName": "a b.png"}),
    );
    assert_eq!(world.download(&url).body, b"foo");
    assert_eq!(world.wait(24 * 3_600_000 + 1).download(&url).status, 404);

    let unnamed = world.post(
        "/api/file-base64-upload",
        json!({"base64Data": "iVBORw0KGgo=", "uploadPath": "x"}),
    );
    let name = unnamed["data"]["fileName"].as_str().expect("a name");
    assert!(
        name.starts_with(&format!("{}-", world.now)) && name.ends_with(".png"),
        "{name}"
    );
    for (body, text) in [
        (
            json!({"base64Data": "Zm9v"}),
            "Missing required parameter: uploadPath",
        ),
        (
            json!({"base64Data": "!", "uploadPath": "x"}),
            "Base64 decoding failed",
        ),
        (
            json!({"base64Data": "Zm9v", "uploadPath": "/x"}),
            "Invalid parameter: uploadPath",
        ),
        (
            json!({"base64Data": "Zm9v", "uploadPath": "../x"}),
            "Invalid parameter: uploadPath",
        ),
    ] {
        let refused = world.send(Request::new("POST", "/api/file-base64-upload").with_json(&body));
        assert_eq!(refused.status, 400);
        assert!(
            String::from_utf8_lossy(&refused.body).contains(text),
            "{text}"
        );
    }
    let bill = world.emulator.bill();
    assert_eq!((bill.uploads.len(), bill.uploads[1].overwrote), (3, true));
}

#[test]
fn results_last_fourteen_days_and_fresh_links_twenty_minutes() {
    let mut world = World::with(Options {
        expired_status: 410,
        ..Options::default()
    });
    let id = world.veo("a kite");
    let record = world.wait(2000).veo_record(&id);
    let url = record["data"]["response"]["resultUrls"][0]
        .as_str()
        .expect("a link")
        .to_owned();
    let ask = json!({"url": url});
    let fresh = world.post("/api/v1/common/download-url", ask.clone())["data"]
        .as_str()
        .expect("a link")
        .to_owned();
    assert_ne!(fresh, url);
    assert_eq!(world.download(&fresh).status, 200);
    assert!(
        world.emulator.bill().creates[0].downloaded,
        "a fresh link is the same clip"
    );
    assert_eq!(world.wait(20 * 60_000 + 1).download(&fresh).status, 410);
    assert_eq!(world.download(&url).status, 200);
    for foreign in [
        "https://example.com/a.mp4",
        "https://kie.test/files/other.mp4",
        "nonsense",
    ] {
        let refused = world.post("/api/v1/common/download-url", json!({"url": foreign}));
        assert_eq!(
            refused,
            json!({"code": 422, "msg": "url is wrong", "data": null})
        );
    }
    world.emulator.advance(14 * DAY);
    assert_eq!(world.download(&url).status, 410);
    let dead = world.post("/api/v1/common/download-url", ask)["data"]
        .as_str()
        .expect("a link")
        .to_owned();
    assert_eq!(world.download(&dead).status, 410);
    let late = world.veo_record(&id);
    assert!(
        late["code"] == 422
            && late["msg"]
                .as_str()
                .is_some_and(|text| text.contains("within 14 days")),
        "{late}"
    );
}

#[test]
fn parts_of_a_file_add_up_to_a_download() {
    let mut world = World::new();
    let id = world.veo("a kite");
    world.wait(2000).veo_record(&id);
    let path = format!("/files/{id}.mp4");
    let mut part = |range: &str| {
        let request = Request::new("GET", &path)
            .with_header("range", range)
            .with_header("user-agent", "tests");
        world
            .emulator
            .exchange(world.now, &request)
            .expect("a clip")
    };
    let tail = part("bytes=100-");
    assert_eq!(tail.status, 206);
    let total = tail.body.len() + 100;
    let range = tail
        .headers
        .iter()
        .find(|(name, _)| name == "content-range")
        .map(|(_, value)| value.clone());
    assert_eq!(range, Some(format!("bytes 100-{}/{total}", total - 1)));
    let outside = part(&format!("bytes={total}-"));
    assert_eq!(outside.status, 416);
    let head = part("bytes=0-99");
    assert_eq!(head.body.len(), 100);
    assert!(world.emulator.bill().creates[0].downloaded);
    let whole = world
        .emulator
        .exchange(world.now, &Request::new("GET", &path))
        .expect("a clip");
    assert_eq!(whole.body, [head.body, tail.body].concat());
}

#[test]
fn a_key_in_the_wrong_place_is_a_leak() {
    let mut world = World::new();
    let id = world.veo("a kite");
    world.wait(2000).veo_record(&id);
    let path = format!("/files/{id}.mp4");
    world.send(Request::new("GET", &path));
    world.emulator.handle(
        world.now,
        &Request::new("GET", &format!("{path}?token=secret")),
    );
    world.send(Request::new("GET", "/elsewhere/api/v1/chat/credit"));
    let places: Vec<(String, String)> = world
        .emulator
        .bill()
        .leaks
        .into_iter()
        .map(|leak| (leak.path, leak.place))
        .collect();
    let header = "header authorization".to_owned();
    assert_eq!(
        places,
        [
            (path.clone(), header.clone()),
            (path, "query".into()),
            ("/elsewhere/api/v1/chat/credit".into(), header)
        ]
    );
}

#[test]
fn a_dropped_answer_leaves_a_paid_task_and_an_early_drop_none() {
    let mut world = World::scripted(json!([
        {"match": {"operation": "veo-generate", "calls": [1]}, "do": {"fault": "drop_before"}},
        {"match": {"operation": "veo-generate", "calls": [2]}, "do": {"fault": "drop_after"}},
        {"match": {"operation": "veo-generate", "calls": [3]}, "do": {"fault": "stall", "ms": 5000}},
        {"match": {"operation": "veo-generate", "calls": [4]}, "do": {"fault": "http_status", "status": 503, "accepted": true}},
        {"match": {"operation": "veo-generate", "calls": [5]}, "do": {"fault": "http_status", "status": 403}},
        {"match": {"operation": "veo-generate", "calls": [6]}, "do": {"fault": "code", "code": 455, "msg": "maintenance"}},
        {"match": {"operation": "veo-generate", "calls": [7]}, "do": {"fault": "cut_json"}},
        {"match": {"operation": "veo-generate", "calls": [9]}, "do": {"fault": "duplicate_answer"}}]));
    let create = |world: &mut World, prompt: &str| {
        world.send(
            Request::new("POST", "/api/v1/veo/generate").with_json(&json!({"prompt": prompt})),
        )
    };
    assert_eq!(create(&mut world, "1").fault, Some(TransportFault::Close));
    assert_eq!(world.emulator.bill().charged, 0.0);
    assert_eq!(create(&mut world, "2").fault, Some(TransportFault::Close));
    assert_eq!(world.emulator.bill().charged, 60.0);
    let stalled = create(&mut world, "3");
    assert_eq!(
        (stalled.fault, stalled.delay_ms),
        (Some(TransportFault::Close), 5000)
    );
    let proxy = create(&mut world, "4");
    assert!(proxy.status == 503 && proxy.body.starts_with(b"<!DOCTYPE html>"));
    assert_eq!(create(&mut world, "5").status, 403);
    let maintenance: Value = serde_json::from_slice(&create(&mut world, "6").body).expect("JSON");
    assert_eq!(
        maintenance,
        json!({"code": 455, "msg": "maintenance", "data": null})
    );
    let cut = create(&mut world, "7");
    assert!(cut.status == 200 && serde_json::from_slice::<Value>(&cut.body).is_err());
    let eighth = create(&mut world, "8");
    assert_eq!(create(&mut world, "9").body, eighth.body);
    let bill = world.emulator.bill();
    let made: Vec<(bool, bool)> = bill
        .creates
        .iter()
        .map(|create| (create.task_id.is_some(), create.answer_lost))
        .collect();
    assert_eq!(
        made,
        [
            (false, true),
            (true, true),
            (true, true),
            (true, true),
            (false, true),
            (false, true),
            (true, true),
            (true, false),
            (true, true)
        ]
    );
    assert_eq!(bill.charged, 360.0);
    assert_eq!(bill.faults.len(), 8);
    assert_eq!(bill.fault_counts["http_status"], 2);
    assert_eq!(bill.faults[1].task_id, bill.creates[1].task_id);
}

#[test]
fn odd_records_are_odd_in_the_way_that_was_asked_for() {
    let mut world = World::scripted(json!([
        {"match": {"prompt": "hidden"}, "do": {"fault": "invisible", "ms": 3000}},
        {"match": {"prompt": "empty"}, "do": {"fault": "success_without_url", "reads": 2}},
        {"match": {"prompt": "back"}, "do": {"fault": "backwards"}},
        {"match": {"prompt": "stuck"}, "do": {"fault": "stuck"}},
        {"match": {"prompt": "slow"}, "do": {"fault": "slow_task", "ms": 60000}},
        {"match": {"prompt": "long"}, "do": {"fault": "double_length"}},
        {"match": {"prompt": "dear"}, "do": {"fault": "price", "credits": 61.5}},
        {"match": {"operation": "veo-read", "task": 8}, "do": {"fault": "wrong_types"}}]));
    let ids: Vec<String> = [
        "hidden", "empty", "back", "stuck", "slow", "long", "dear", "typed",
    ]
    .iter()
    .map(|prompt| world.veo(prompt))
    .collect();
    assert_eq!(world.credits(), 10_000.0 - 7.0 * 60.0 - 61.5);
    world.wait(2000);
    assert_eq!(world.veo_record(&ids[0])["code"], 422);
    let flag = |world: &mut World, id: &str| {
        let record = world.veo_record(id);
        (
            record["data"]["successFlag"].as_i64(),
            record["data"]["response"]["resultUrls"].is_array(),
        )
    };
    for expected in [(Some(1), false), (Some(1), false), (Some(1), true)] {
        assert_eq!(flag(&mut world, &ids[1]), expected);
    }
    for expected in [(Some(1), true), (Some(0), false), (Some(1), true)] {
        assert_eq!(flag(&mut world, &ids[2]), expected);
    }
    assert_eq!(flag(&mut world, &ids[3]).0, Some(0));
    assert_eq!(flag(&mut world, &ids[4]).0, Some(0));
    let long = world.veo_record(&ids[5])["data"]["response"]["resultUrls"][0]
        .as_str()
        .expect("a link")
        .to_owned();
    let clip = world.download(&long);
    let probe = crate::media::probe(std::io::Cursor::new(&clip.body), clip.body.len() as u64)
        .expect("a clip");
    assert_eq!(probe.duration, 16.0);
    assert_eq!(world.veo_record(&ids[7])["code"], "200");
    world.wait(1000);
    assert_eq!(flag(&mut world, &ids[0]), (Some(1), true));
    world.wait(DAY);
    assert_eq!(flag(&mut world, &ids[3]).0, Some(0));
    assert_eq!(flag(&mut world, &ids[4]), (Some(1), true));
}

#[test]
fn odd_files_are_odd_in_the_way_that_was_asked_for() {
    let mut world = World::scripted(json!([
        {"match": {"operation": "file", "calls": [1]}, "do": {"fault": "gone", "status": 403}},
        {"match": {"operation": "file", "calls": [2]}, "do": {"fault": "wrong_content", "content": "html"}},
        {"match": {"operation": "file", "calls": [3]}, "do": {"fault": "wrong_content", "content": "other_clip"}},
        {"match": {"operation": "file", "calls": [4]}, "do": {"fault": "cut_body", "bytes": 10}},
        {"match": {"operation": "file", "calls": [5]}, "do": {"fault": "wrong_length"}},
        {"match": {"operation": "file", "calls": [6]}, "do": {"fault": "redirect"}}]));
    let id = world.veo("a kite");
    world.wait(2000).veo_record(&id);
    let url = format!("https://kie.test/files/{id}.mp4");
    assert_eq!(world.download(&url).status, 403);
    assert!(world.download(&url).body.starts_with(b"<!DOCTYPE html>"));
    let other = world.download(&url).body;
    assert!(crate::media::probe(std::io::Cursor::new(&other), other.len() as u64).is_ok());
    assert_eq!(
        world.download(&url).fault,
        Some(TransportFault::CutBody { keep: Some(10) })
    );
    assert_eq!(
        world.download(&url).fault,
        Some(TransportFault::OverstateLength { extra: 1000 })
    );
    let redirect = world.download(&url);
    let target = redirect
        .headers
        .iter()
        .find(|(name, _)| name == "location")
        .map(|(_, value)| value.clone());
    assert_eq!(
        target,
        Some(format!("https://elsewhere.test/elsewhere/files/{id}.mp4"))
    );
    assert!(!world.emulator.bill().creates[0].downloaded);
    let clip = world.download(&target.expect("a target"));
    assert_ne!(clip.body, other);
    assert!(world.emulator.bill().creates[0].downloaded);
}

#[test]
fn equal_asks_are_recognised_behind_fresh_upload_links() {
    let mut world = World::new();
    for name in ["a.png", "b.png"] {
        let upload = json!({"base64Data": "iVBORw0KGgo=", "uploadPath": "in", "fileName": name});
        let url = world.post("/api/file-base64-upload", upload)["data"]["downloadUrl"].clone();
        let create = json!({"prompt": "a kite", "imageUrls": [url], "callBackUrl": format!("https://hook.test/{name}")});
        world.task("/api/v1/veo/generate", create);
    }
    let bill = world.emulator.bill();
    assert_eq!(bill.creates[0].asks, bill.creates[1].asks);
    assert_eq!(bill.judge()[0].code, "paid-twice");
}

#[test]
fn the_same_seed_and_requests_give_the_same_answers() {
    let run = |seed| {
        let mut world = World::with(Options {
            seed,
            ..Options::default()
        });
        let id = world.veo("a kite");
        let record = world.wait(2000).veo_record(&id);
        let clip = world.download(
            record["data"]["response"]["resultUrls"][0]
                .as_str()
                .expect("a link"),
        );
        (record, clip.body)
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn a_saved_provider_goes_on_where_it_was() {
    let mut world = World::new();
    let id = world.veo("a kite");
    world.post(
        "/api/file-base64-upload",
        json!({"base64Data": "Zm9v", "uploadPath": "in", "fileName": "a.bin"}),
    );
    let saved = world.emulator.save().expect("a state");
    world.emulator = Emulator::restore(Options::default(), &saved).expect("a state");
    assert_eq!(world.wait(2000).veo_record(&id)["data"]["successFlag"], 1);
    assert_eq!(
        world
            .download("https://upload.kie.test/kieai/100001/in/a.bin")
            .body,
        b"foo"
    );
    assert_eq!(world.emulator.bill().charged, 60.0);
    assert_ne!(world.veo("another"), id);
    assert!(Emulator::restore(Options::default(), "{}").is_err());
}

#[test]
fn control_paths_need_no_key() {
    let mut world = World::new();
    let mut ask = |method: &str, path: &str, body: Value| {
        let reply = world
            .emulator
            .handle(START, &Request::new(method, path).with_json(&body));
        (reply.status, reply.value().expect("JSON"))
    };
    assert_eq!(
        ask("POST", "/emulator/clock", json!({"advance_ms": DAY})),
        (200, json!({"ahead_ms": DAY}))
    );
    assert_eq!(
        ask("POST", "/emulator/clock", json!({"advance_ms": -1})).0,
        400
    );
    assert_eq!(
        ask("POST", "/emulator/credits", json!({"credits": 5916.25})),
        (200, json!({"credits": 5916.25}))
    );
    let rules = json!({"rules": [{"match": {"operation": "credit"}, "do": {"fault": "html_200"}}]});
    assert_eq!(
        ask("POST", "/emulator/faults", rules),
        (200, json!({"added": 1}))
    );
    assert_eq!(
        ask(
            "POST",
            "/emulator/faults",
            json!({"rules": [{"do": {"fault": "nothing"}}]})
        )
        .0,
        400
    );
    let credit = world.send(Request::new("GET", "/api/v1/chat/credit"));
    assert!(credit.body.starts_with(b"<!DOCTYPE html>"));
    let mut ask = |method: &str, path: &str| {
        let reply = world.emulator.handle(START, &Request::new(method, path));
        (reply.status, reply.value().expect("JSON"))
    };
    let (_, log) = ask("GET", "/emulator/requests");
    assert_eq!(
        (&log[0]["operation"], &log[0]["fault"], &log[0]["status"]),
        (&json!("credit"), &json!("html_200"), &json!(200))
    );
    let (_, bill) = ask("GET", "/emulator/bill");
    let bill: Bill = serde_json::from_value(bill).expect("a bill");
    assert_eq!(bill.credits, 5916.25);
    assert_eq!(ask("GET", "/emulator/judge"), (200, json!([])));
    assert_eq!(ask("POST", "/emulator/reset").0, 200);
    assert_eq!(ask("GET", "/emulator/other").0, 404);
    assert_eq!(world.credits(), 10_000.0);
    assert!(world.emulator.bill().faults.is_empty());
}

#[test]
fn options_change_what_is_not_known_of_the_provider() {
    let strict = Options {
        refuse_unknown_fields: true,
        charge_every_1080p_call: true,
        ..Options::default()
    };
    let rate = Rate {
        limit: 1,
        window_ms: 1000,
    };
    let options = Options {
        submissions: rate,
        seed_aliases: true,
        times: Times::all(0).with(Operation::Veo1080p, 100),
        ..strict
    };
    let mut world = World::with(options);
    assert_eq!(
        world.post("/api/v1/veo/generate", json!({"prompt": "a", "fps": 1}))["code"],
        500
    );
    assert_eq!(
        world.post("/api/v1/veo/generate", json!({"prompt": "a"}))["code"],
        429
    );
    let id = world.wait(1000).veo("a");
    assert_eq!(
        world.veo_record(&id)["data"]["successFlag"],
        1,
        "done at the first read"
    );
    for _ in 0..2 {
        world.post("/api/v1/veo/1080p", json!({"taskId": id}));
    }
    assert_eq!(world.credits(), 10_000.0 - 60.0 - 10.0);
}
