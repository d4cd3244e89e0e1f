//! Market, Runway and Aleph.

use super::*;

#[test]
fn market_tasks_have_the_markets_states_and_shapes() {
    let mut world = World::with(Options { times: Times::all(62_000), ..Options::default() });
    let input =
        json!({"prompt": "a lamp", "sound": false, "aspect_ratio": "16:9", "duration": "5"});
    let created = world.post(
        "/api/v1/jobs/createTask",
        json!({"model": "kling-2.6/text-to-video", "input": input}),
    );
    let id = created["data"]["taskId"].as_str().expect("an id").to_owned();
    assert_eq!(created["data"], json!({"taskId": id, "recordId": id}));
    let read = format!("/api/v1/jobs/recordInfo?taskId={id}");
    let mut states = Vec::new();
    for _ in 0..70 {
        let state = world.get(&read)["data"]["state"].as_str().expect("a state").to_owned();
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
        (json!({"model": "kling/text-to-video-2-1", "input": {"prompt": "a"}}), 422),
        (json!({"model": "kling-2.6/text-to-video"}), 500),
        (
            json!({"model": "kling-2.6/text-to-video", "input": {"prompt": "a", "sound": false, "aspect_ratio": "16:9", "duration": 5}}),
            500,
        ),
        (
            json!({"model": "kling-2.6/image-to-video", "input": {"prompt": "a", "sound": false, "image_urls": [], "duration": "5"}}),
            500,
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
    let data =
        world.wait(2000).get(&format!("/api/v1/jobs/recordInfo?taskId={id}"))["data"].clone();
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
    let id = world.task("/api/v1/veo/generate", json!({"prompt": "a kite", "duration": 4}));
    let url = world.wait(2000).veo_record(&id)["data"]["response"]["resultUrls"][0].clone();
    let clip = world.download(url.as_str().expect("a link")).body;
    let form = [b"--b\r\nContent-Disposition: form-data; name=\"uploadPath\"\r\n\r\nclips\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp4\"\r\nContent-Type: video/mp4\r\n\r\n".as_slice(), &clip, b"\r\n--b--\r\n"].concat();
    let request = Request { body: form, ..Request::new("POST", "/api/file-stream-upload") };
    let answer = world.send(request.with_header("content-type", "multipart/form-data; boundary=b"));
    let uploaded: Value = serde_json::from_slice(&answer.body).expect("JSON");
    let before = world.credits();
    let body = json!({"model": "topaz/video-upscale", "input": {"video_url": uploaded["data"]["downloadUrl"]}});
    let upscaled = world.task("/api/v1/jobs/createTask", body);
    assert_eq!(before - world.credits(), 32.0, "8 credits for each of 4 seconds");
    let record = world.wait(2000).get(&format!("/api/v1/jobs/recordInfo?taskId={upscaled}"));
    let large =
        world.download(record["data"]["response"]["resultUrls"][0].as_str().expect("a link")).body;
    let probe =
        crate::media::probe(std::io::Cursor::new(&large), large.len() as u64).expect("a clip");
    assert_eq!((probe.width, probe.height, probe.duration), (2560, 1440, 4.0));
    let before = world.credits();
    let input = json!({"input_urls": ["https://a.test/p.png"], "video_urls": [url], "character_orientation": "image", "mode": "1080p"});
    world.task(
        "/api/v1/jobs/createTask",
        json!({"model": "kling-2.6/motion-control", "input": input}),
    );
    assert_eq!(before - world.credits(), 72.0, "18 credits for each of 4 seconds");
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
        states.push(world.get(&read)["data"]["state"].as_str().expect("a state").to_owned());
        world.wait(500);
    }
    assert_eq!(states, ["wait", "queueing", "generating", "generating", "success"]);
    let data = world.get(&read)["data"].clone();
    let video = &data["videoInfo"];
    assert_eq!(video["videoUrl"], format!("https://kie.test/files/{id}.mp4"));
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
    let orphan = world
        .task("/api/v1/runway/extend", json!({"taskId": "nope", "prompt": "b", "quality": "720p"}));
    assert_eq!(
        world.wait(2000).get(&format!("/api/v1/runway/record-detail?taskId={orphan}"))["data"]["state"],
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
    assert_eq!((&running["errorCode"], &running["errorMessage"]), (&Value::Null, &Value::Null));
    let failed = world.wait(2000).get(&read)["data"].clone();
    assert_eq!(
        (&failed["successFlag"], &failed["errorCode"], &failed["response"]),
        (&json!(3), &json!(400), &Value::Null)
    );
}
