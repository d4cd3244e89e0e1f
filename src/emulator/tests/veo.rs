//! Veo: records, versions, extensions.

use super::*;

#[test]
fn a_veo_task_runs_and_succeeds_as_recorded() {
    let mut world = World::new();
    let created = world.post(
        "/api/v1/veo/generate",
        json!({"prompt": "a red kite", "model": "veo3_fast", "aspect_ratio": "16:9", "duration": 6}),
    );
    let id = created["data"]["taskId"].as_str().expect("an id").to_owned();
    assert_eq!(created, json!({"code": 200, "msg": "success", "data": {"taskId": id}}));
    assert!(
        id.len() == 32
            && id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)),
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
    assert_eq!((probe.width, probe.height, probe.duration), (1280, 720, 6.0));
    let bill = world.emulator.bill();
    assert_eq!(bill.judge(), vec![]);
    assert_eq!((bill.charged, bill.creates[0].reads, bill.creates[0].downloaded), (60.0, 2, true));
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
        (json!({"prompt": "a", "duration": 5}), "duration must be one of 4, 6, 8"),
        (json!({"prompt": "a", "duration": "8"}), "duration must be an integer"),
        (
            json!({"prompt": "a", "aspect_ratio": "auto"}),
            "aspect_ratio must be one of 16:9, 9:16, Auto",
        ),
        (json!({"prompt": "a", "seeds": 1}), "seeds must be between 10000 and 99999"),
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
    let broken =
        world.send(Request { body: b"{".to_vec(), ..Request::new("POST", "/api/v1/veo/generate") });
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
fn a_1080p_version_is_polled_with_the_call_that_asks_for_it() {
    for code in [400, 422] {
        let mut world = World::with(Options { processing_code: code, ..Options::default() });
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
            assert_eq!(world.get(&ask), json!({"code": code, "msg": text, "data": null}));
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
        assert_eq!((probe.width, probe.height, probe.duration), (1920, 1080, 8.0));
        let bill = world.emulator.bill();
        assert_eq!(
            (bill.upgrades[0].calls, bill.upgrades[0].downloaded, bill.creates[0].downloaded),
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
    assert_eq!(world.post(path, body.clone()), json!({"code": 422, "msg": text, "data": nothing}));
    let done = json!({"taskId": id, "resultUrls": [format!("https://kie.test/files/{id}_4k_0.mp4")],
        "imageUrls": [format!("https://kie.test/files/{id}_4k_0.png")]});
    let done =
        json!({"code": 422, "msg": "The video has been generated successfully", "data": done});
    assert_eq!(world.wait(2000).post(path, body.clone()), done);
    assert_eq!(world.post(path, body), done);
    assert_eq!(world.credits(), 10_000.0 - 60.0 - 120.0);
    let still = world.download(done["data"]["imageUrls"][0].as_str().expect("a link"));
    assert!(still.body.starts_with(b"\x89PNG"));
    let codes: Vec<String> =
        world.emulator.bill().judge().into_iter().map(|violation| violation.code).collect();
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
    world.wait(2000).post("/api/v1/veo/get-4k-video", json!({"taskId": id}));
    assert_eq!(world.credits(), 9820.0);
    assert_eq!(
        world.wait(2000).post("/api/v1/veo/get-4k-video", json!({"taskId": id}))["code"],
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
    assert_eq!(world.post("/api/v1/veo/extend", extend.clone())["code"], 422, "it still runs");
    assert_eq!(
        world.post("/api/v1/veo/extend", json!({"taskId": "nope", "prompt": "b"}))["code"],
        404
    );
    assert_eq!(
        world.post("/api/v1/veo/extend", json!({"taskId": id}))["msg"],
        "prompt is required"
    );
    assert_eq!(
        world.post("/api/v1/veo/extend", json!({"taskId": id, "prompt": "b", "model": "veo3"}))["code"],
        422
    );
    let second = world.wait(2000).task("/api/v1/veo/extend", extend);
    assert_eq!(world.credits(), 10_000.0 - 60.0 - 250.0);
    let third = world
        .wait(2000)
        .task("/api/v1/veo/extend", json!({"taskId": second, "prompt": "it lands"}));
    let record = world.wait(2000).veo_record(&third);
    let response = &record["data"]["response"];
    for (name, seconds) in [("resultUrls", 7.0), ("fullResultUrls", 18.0)] {
        let clip = world.download(response[name][0].as_str().expect("a link"));
        let probe = crate::media::probe(std::io::Cursor::new(&clip.body), clip.body.len() as u64)
            .expect("a clip");
        assert_eq!((probe.width, probe.height, probe.duration), (720, 1280, seconds), "{name}");
    }
}
