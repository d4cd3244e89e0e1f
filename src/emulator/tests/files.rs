//! Files: uploads, results, links, and what must never go with them.

use super::*;

#[test]
fn inputs_that_are_gone_fail_the_task_later() {
    let mut world = World::new();
    let upload = json!({"base64Data": "data:image/png;base64,iVBORw0KGgo=", "uploadPath": "images/in", "fileName": "a.png"});
    let answer = world.post("/api/file-base64-upload", upload.clone());
    let url = answer["data"]["downloadUrl"].clone();
    let body = json!({"prompt": "a", "imageUrls": [url]});
    let good = world.task("/api/v1/veo/generate", body.clone());
    let late = world.wait(25 * 3_600_000).task("/api/v1/veo/generate", body);
    world.wait(2000);
    assert_eq!(world.veo_record(&good)["data"]["successFlag"], 1);
    let failed = world.veo_record(&late)["data"].clone();
    assert_eq!((&failed["successFlag"], &failed["errorCode"]), (&json!(3), &json!(400)));
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
    let url = answer["data"]["downloadUrl"].as_str().expect("a link").to_owned();
    assert_eq!(world.download(&url).body, b"\x89PNG\r\n\x1a\n");
    world.post(
        "/api/file-base64-upload",
        json!({"base64Data": "Zm9v", "uploadPath": "images/in", "fileName": "a b.png"}),
    );
    assert_eq!(world.download(&url).body, b"foo");
    assert_eq!(world.wait(24 * 3_600_000 + 1).download(&url).status, 404);

    let unnamed = world
        .post("/api/file-base64-upload", json!({"base64Data": "iVBORw0KGgo=", "uploadPath": "x"}));
    let name = unnamed["data"]["fileName"].as_str().expect("a name");
    assert!(name.starts_with(&format!("{}-", world.now)) && name.ends_with(".png"), "{name}");
    for (body, text) in [
        (json!({"base64Data": "Zm9v"}), "Missing required parameter: uploadPath"),
        (json!({"base64Data": "!", "uploadPath": "x"}), "Base64 decoding failed"),
        (json!({"base64Data": "Zm9v", "uploadPath": "/x"}), "Invalid parameter: uploadPath"),
        (json!({"base64Data": "Zm9v", "uploadPath": "../x"}), "Invalid parameter: uploadPath"),
    ] {
        let refused = world.send(Request::new("POST", "/api/file-base64-upload").with_json(&body));
        assert_eq!(refused.status, 400);
        assert!(String::from_utf8_lossy(&refused.body).contains(text), "{text}");
    }
    let bill = world.emulator.bill();
    assert_eq!((bill.uploads.len(), bill.uploads[1].overwrote), (3, true));
}

#[test]
fn results_last_fourteen_days_and_fresh_links_twenty_minutes() {
    let mut world = World::with(Options { expired_status: 410, ..Options::default() });
    let id = world.veo("a kite");
    let record = world.wait(2000).veo_record(&id);
    let url = record["data"]["response"]["resultUrls"][0].as_str().expect("a link").to_owned();
    let ask = json!({"url": url});
    let fresh = world.post("/api/v1/common/download-url", ask.clone())["data"]
        .as_str()
        .expect("a link")
        .to_owned();
    assert_ne!(fresh, url);
    assert_eq!(world.download(&fresh).status, 200);
    assert!(world.emulator.bill().creates[0].downloaded, "a fresh link is the same clip");
    assert_eq!(world.wait(20 * 60_000 + 1).download(&fresh).status, 410);
    assert_eq!(world.download(&url).status, 200);
    for foreign in ["https://example.com/a.mp4", "https://kie.test/files/other.mp4", "nonsense"] {
        let refused = world.post("/api/v1/common/download-url", json!({"url": foreign}));
        assert_eq!(refused, json!({"code": 422, "msg": "url is wrong", "data": null}));
    }
    world.emulator.advance(14 * DAY);
    assert_eq!(world.download(&url).status, 410);
    let dead =
        world.post("/api/v1/common/download-url", ask)["data"].as_str().expect("a link").to_owned();
    assert_eq!(world.download(&dead).status, 410);
    let late = world.veo_record(&id);
    assert!(
        late["code"] == 422
            && late["msg"].as_str().is_some_and(|text| text.contains("within 14 days")),
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
        world.emulator.exchange(world.now, &request).expect("a clip")
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
    let whole = world.emulator.exchange(world.now, &Request::new("GET", &path)).expect("a clip");
    assert_eq!(whole.body, [head.body, tail.body].concat());
}

#[test]
fn a_key_in_the_wrong_place_is_a_leak() {
    let mut world = World::new();
    let id = world.veo("a kite");
    world.wait(2000).veo_record(&id);
    let path = format!("/files/{id}.mp4");
    world.send(Request::new("GET", &path));
    world.emulator.handle(world.now, &Request::new("GET", &format!("{path}?token=secret")));
    world.send(Request::new("GET", "/elsewhere/api/v1/chat/credit"));
    let places: Vec<(String, String)> =
        world.emulator.bill().leaks.into_iter().map(|leak| (leak.path, leak.place)).collect();
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
