//! The emulator itself: its seed, its state, its own paths, its options.

use super::*;

#[test]
fn the_same_seed_and_requests_give_the_same_answers() {
    let run = |seed| {
        let mut world = World::with(Options { seed, ..Options::default() });
        let id = world.veo("a kite");
        let record = world.wait(2000).veo_record(&id);
        let clip =
            world.download(record["data"]["response"]["resultUrls"][0].as_str().expect("a link"));
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
    assert_eq!(world.download("https://upload.kie.test/kieai/100001/in/a.bin").body, b"foo");
    assert_eq!(world.emulator.bill().charged, 60.0);
    assert_ne!(world.veo("another"), id);
    assert!(Emulator::restore(Options::default(), "{}").is_err());
}

#[test]
fn control_paths_need_no_key() {
    let mut world = World::new();
    let mut ask = |method: &str, path: &str, body: Value| {
        let reply = world.emulator.handle(START, &Request::new(method, path).with_json(&body));
        (reply.status, reply.value().expect("JSON"))
    };
    assert_eq!(
        ask("POST", "/emulator/clock", json!({"advance_ms": DAY})),
        (200, json!({"ahead_ms": DAY}))
    );
    assert_eq!(ask("POST", "/emulator/clock", json!({"advance_ms": -1})).0, 400);
    assert_eq!(
        ask("POST", "/emulator/credits", json!({"credits": 5916.25})),
        (200, json!({"credits": 5916.25}))
    );
    let rules = json!({"rules": [{"match": {"operation": "credit"}, "do": {"fault": "html_200"}}]});
    assert_eq!(ask("POST", "/emulator/faults", rules), (200, json!({"added": 1})));
    assert_eq!(
        ask("POST", "/emulator/faults", json!({"rules": [{"do": {"fault": "nothing"}}]})).0,
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
    let rate = Rate { limit: 1, window_ms: 1000 };
    let options = Options {
        submissions: rate,
        seed_aliases: true,
        times: Times::all(0).with(Operation::Veo1080p, 100),
        ..strict
    };
    let mut world = World::with(options);
    assert_eq!(world.post("/api/v1/veo/generate", json!({"prompt": "a", "fps": 1}))["code"], 500);
    assert_eq!(world.post("/api/v1/veo/generate", json!({"prompt": "a"}))["code"], 429);
    let id = world.wait(1000).veo("a");
    assert_eq!(world.veo_record(&id)["data"]["successFlag"], 1, "done at the first read");
    for _ in 0..2 {
        world.post("/api/v1/veo/1080p", json!({"taskId": id}));
    }
    assert_eq!(world.credits(), 10_000.0 - 60.0 - 10.0);
}
