//! The account: keys, prices, refunds, limits, and what each family says of unknown tasks.

use super::*;

#[test]
fn each_family_says_no_such_task_in_its_own_words() {
    let mut world = World::new();
    let refused = |code: i64, text: &str| json!({"code": code, "msg": text, "data": null});
    assert_eq!(world.veo_record("nope"), refused(422, "Record not found for taskId: nope"));
    assert_eq!(
        world.get("/api/v1/veo/get-1080p-video?taskId=nope"),
        refused(422, "Record does not exist")
    );
    assert_eq!(
        world.post("/api/v1/veo/get-4k-video", json!({"taskId": "nope"})),
        refused(422, "Record does not exist")
    );
    assert_eq!(world.get("/api/v1/runway/record-detail?taskId=nope"), refused(200, "success"));
    assert_eq!(world.get("/api/v1/aleph/record-info?taskId=nope"), refused(200, "success"));
    assert_eq!(
        world.get("/api/v1/jobs/recordInfo?taskId=nope"),
        refused(422, "recordInfo is null")
    );
    assert_eq!(world.get("/api/v1/jobs/recordInfo")["code"], 400);
    let unknown = world.send(Request::new("POST", "/api/v1/jobs/create"));
    assert_eq!(unknown.status, 404);
    // A task of one family is unknown to the others.
    let id = world.veo("a kite");
    assert_eq!(world.get(&format!("/api/v1/jobs/recordInfo?taskId={id}"))["code"], 422);
}

#[test]
fn a_wrong_key_is_answered_without_data() {
    let mut world = World::with(Options { keys: vec!["right".into()], ..Options::default() });
    let answer = world.send(Request::new("GET", "/api/v1/chat/credit"));
    assert_eq!(answer.status, 200);
    let value: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(value["code"], 401);
    assert_eq!(value.as_object().map(serde_json::Map::len), Some(2), "no data key in {value}");
    let header = Request::new("GET", "/api/v1/chat/credit").with_header("apikey", "right");
    assert_eq!(world.emulator.handle(START, &header).code(), Some(401));
    let right = Request::new("GET", "/api/v1/chat/credit").with_key("right");
    assert_eq!(world.emulator.handle(START, &right).code(), Some(200));
    assert_eq!(world.emulator.bill().unauthorized, 2);
}

#[test]
fn unknown_fields_cost_all_the_same_and_are_on_the_bill() {
    let mut world = World::new();
    world.task("/api/v1/veo/generate", json!({"prompt": "a", "fps": 24, "seed": 5}));
    world.task("/api/v1/veo/generate", json!({"prompt": "b", "generationType": "TEXT_2_VIDEO", "imageUrls": ["https://a.test/b.png"]}));
    let bill = world.emulator.bill();
    assert_eq!(bill.creates[0].wasted, ["fps", "seed"]);
    assert_eq!(bill.creates[1].wasted, ["imageUrls"]);
    assert_eq!(bill.charged, 120.0);
    assert_eq!(bill.judge().iter().filter(|violation| violation.code == "wasted-field").count(), 3);
}

#[test]
fn prices_follow_the_list() {
    let mut world = World::new();
    let mut before = world.credits();
    for (path, body, price) in [
        ("veo/generate", json!({"prompt": "a", "model": "veo3_lite"}), 30.0),
        ("veo/generate", json!({"prompt": "b", "model": "veo3_lite", "resolution": "1080p"}), 35.0),
        ("veo/generate", json!({"prompt": "c", "resolution": "4k"}), 180.0),
        ("veo/generate", json!({"prompt": "d", "model": "veo3", "duration": 4}), 250.0),
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
        ("aleph/generate", json!({"prompt": "g", "videoUrl": "https://a.test/v.mp4"}), 110.0),
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
    let mut world =
        World::with(Options { credits: Credits::whole(130), script, ..Options::default() });
    let id = world.veo("fail");
    world.veo("kept");
    assert_eq!(world.post("/api/v1/veo/generate", json!({"prompt": "c"}))["code"], 402);
    assert_eq!(world.credits(), 10.0);
    let failed = world.wait(2000).veo_record(&id);
    assert_eq!(failed["data"]["successFlag"], 3);
    assert_eq!(
        (&failed["data"]["errorCode"], &failed["data"]["errorMessage"]),
        (&json!(501), &json!("generation failed"))
    );
    assert_eq!(
        (&failed["data"]["response"], &failed["data"]["completeTime"]),
        (&Value::Null, &json!(1_790_000_002_000_i64))
    );
    assert_eq!(world.credits(), 70.0);
    let bill = world.emulator.bill();
    assert_eq!((bill.charged, bill.refunded), (60.0, 60.0));
    assert_eq!((bill.creates[0].refunded, bill.creates[1].refunded), (true, false));
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
    assert_eq!((&refused["code"], &refused["data"]), (&json!(429), &Value::Null));
    world.wait(7_999);
    assert_eq!(world.post("/api/v1/veo/generate", json!({"prompt": "still"}))["code"], 429);
    world.wait(1).veo("at last");
    let bill = world.emulator.bill();
    assert_eq!(
        (bill.submissions.most, bill.submissions.refused, bill.charged),
        (20, 2, 21.0 * 60.0)
    );
    assert!(bill.judge().iter().any(|violation| violation.code == "window-overrun"));
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
