//! Scripted faults.

use super::*;

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
    assert_eq!((stalled.fault, stalled.delay_ms), (Some(TransportFault::Close), 5000));
    let proxy = create(&mut world, "4");
    assert!(proxy.status == 503 && proxy.body.starts_with(b"<!DOCTYPE html>"));
    assert_eq!(create(&mut world, "5").status, 403);
    let maintenance: Value = serde_json::from_slice(&create(&mut world, "6").body).expect("JSON");
    assert_eq!(maintenance, json!({"code": 455, "msg": "maintenance", "data": null}));
    let cut = create(&mut world, "7");
    assert!(cut.status == 200 && serde_json::from_slice::<Value>(&cut.body).is_err());
    let eighth = create(&mut world, "8");
    assert_eq!(create(&mut world, "9").body, eighth.body);
    let bill = world.emulator.bill();
    let made: Vec<(bool, bool)> =
        bill.creates.iter().map(|create| (create.task_id.is_some(), create.answer_lost)).collect();
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
    let ids: Vec<String> = ["hidden", "empty", "back", "stuck", "slow", "long", "dear", "typed"]
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
    assert_eq!(world.download(&url).fault, Some(TransportFault::CutBody { keep: Some(10) }));
    assert_eq!(world.download(&url).fault, Some(TransportFault::OverstateLength { extra: 1000 }));
    let redirect = world.download(&url);
    let target = redirect
        .headers
        .iter()
        .find(|(name, _)| name == "location")
        .map(|(_, value)| value.clone());
    assert_eq!(target, Some(format!("https://elsewhere.test/elsewhere/files/{id}.mp4")));
    assert!(!world.emulator.bill().creates[0].downloaded);
    let clip = world.download(&target.expect("a target"));
    assert_ne!(clip.body, other);
    assert!(world.emulator.bill().creates[0].downloaded);
}
