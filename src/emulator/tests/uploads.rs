//! The three ways to upload, against the provider's pages and its recorded answers.

use super::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n-picture-";

/// A multipart body with these text parts and a file.
fn form(parts: &[(&str, &str)], file: Option<(&str, Option<&str>, &[u8])>) -> Request {
    let mut body = Vec::new();
    for (name, value) in parts {
        body.extend_from_slice(
            format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                .as_bytes(),
        );
    }
    if let Some((name, kind, content)) = file {
        let kind = kind.map(|kind| format!("Content-Type: {kind}\r\n")).unwrap_or_default();
        body.extend_from_slice(
            format!("--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n{kind}\r\n").as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--edge--\r\n");
    let mut request = Request::new("POST", "/api/file-stream-upload")
        .with_header("content-type", "multipart/form-data; boundary=edge");
    request.body = body;
    request
}

fn read(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).expect("JSON")
}

#[test]
fn a_stream_is_stored_under_its_name_or_a_generated_one() {
    let mut world = World::new();
    let parts = [("uploadPath", "images/in"), ("fileName", "a.png")];
    let first = world.send(form(&parts, Some(("x.bin", Some("image/png"), PNG))));
    assert_eq!(first.status, 200);
    let data = read(&first)["data"].clone();
    assert_eq!(
        (&data["fileName"], &data["filePath"], &data["mimeType"], &data["fileSize"]),
        (
            &json!("a.png"),
            &json!("kieai/100001/images/in/a.png"),
            &json!("image/png"),
            &json!(PNG.len())
        )
    );
    let url = data["downloadUrl"].as_str().expect("a link").to_owned();
    assert_eq!(world.download(&url).body, PNG);
    // The same name is written over, at the same address.
    let second = read(&world.send(form(&parts, Some(("a.png", None, b"other")))));
    assert_eq!(second["data"]["downloadUrl"], data["downloadUrl"]);
    assert_eq!(world.download(&url).body, b"other");

    // Without a name one is generated: the time, something random, and the ending of what it is.
    let mut names = Vec::new();
    for _ in 0..2 {
        let unnamed = read(&world.send(form(&[("uploadPath", "in")], Some(("x", None, PNG)))));
        let name = unnamed["data"]["fileName"].as_str().expect("a name").to_owned();
        let (time, rest) = name.split_once('-').expect("time and chance");
        assert_eq!(time, world.now.to_string());
        let (random, ending) = rest.split_once('.').expect("an ending");
        assert!(random.len() == 8 && random.bytes().all(|b| b.is_ascii_alphanumeric()), "{name}");
        assert_eq!((ending, &unnamed["data"]["mimeType"]), ("png", &json!("image/png")));
        names.push(name);
    }
    assert_ne!(names[0], names[1]);
    let overwrote: Vec<bool> =
        world.emulator.bill().uploads.iter().map(|upload| upload.overwrote).collect();
    assert_eq!(overwrote, [false, true, false, false]);
}

#[test]
fn base64_may_be_a_data_url_that_names_its_type() {
    let mut world = World::new();
    for (data, mime, ending) in [
        ("data:video/quicktime;base64,Zm9v", "video/quicktime", ".mov"),
        ("data:;base64,iVBORw0KGgo=", "image/png", ".png"),
        ("Zm9v", "application/octet-stream", ".bin"),
    ] {
        let body = json!({"base64Data": data, "uploadPath": "in"});
        let answer = world.post("/api/file-base64-upload", body);
        assert_eq!(answer["data"]["mimeType"], mime);
        assert!(answer["data"]["fileName"].as_str().expect("a name").ends_with(ending), "{answer}");
    }
}

#[test]
fn a_url_of_the_emulator_is_copied_and_a_foreign_one_is_not_fetched() {
    let mut world = World::new();
    let id = world.veo("a kite");
    let record = world.wait(2_000).veo_record(&id);
    let clip = record["data"]["response"]["resultUrls"][0].clone();
    let copy = world.post(
        "/api/file-url-upload",
        json!({"fileUrl": clip, "uploadPath": "clips", "fileName": "b.mp4"}),
    );
    assert_eq!(
        (&copy["data"]["mimeType"], &copy["data"]["filePath"]),
        (&json!("video/mp4"), &json!("kieai/100001/clips/b.mp4"))
    );
    let copied = copy["data"]["downloadUrl"].as_str().expect("a link").to_owned();
    let bytes = world.download(&copied).body;
    assert_eq!(bytes, world.download(clip.as_str().expect("a link")).body);
    // A copy lives for a day of its own, whatever becomes of the source.
    let again =
        world.post("/api/file-url-upload", json!({"fileUrl": copied, "uploadPath": "clips"}));
    let again = again["data"]["downloadUrl"].as_str().expect("a link").to_owned();
    assert_eq!(world.download(&again).body, bytes);
    for foreign in ["https://example.com/a.png", "ftp://kie.test/files/a.mp4", "nonsense"] {
        let body = json!({"fileUrl": foreign, "uploadPath": "in"});
        let refused = world.send(Request::new("POST", "/api/file-url-upload").with_json(&body));
        assert_eq!(
            (refused.status, read(&refused)["success"].clone()),
            (400, json!(false)),
            "{foreign}"
        );
    }
    world.wait(24 * 3_600_000 + 1);
    assert_eq!(world.download(&copied).status, 404);
}

#[test]
fn refusals_have_a_real_status_and_say_what_is_missing() {
    let mut world = World::new();
    let file = Some(("a.png", Some("image/png"), PNG));
    let missing = "Missing required parameter: ";
    let json = |path: &str, body: Value| Request::new("POST", path).with_json(&body);
    for (request, text) in [
        (form(&[("fileName", "a.png")], file), format!("{missing}uploadPath")),
        (form(&[("uploadPath", "")], file), format!("{missing}uploadPath")),
        (form(&[("uploadPath", "in/")], file), "Invalid parameter: uploadPath".to_owned()),
        (
            form(&[("uploadPath", "in"), ("fileName", "../a.png")], file),
            "Invalid parameter: fileName".to_owned(),
        ),
        (form(&[("uploadPath", "in")], None), format!("{missing}file")),
        (
            json("/api/file-stream-upload", json!({})),
            "The body is not multipart/form-data".to_owned(),
        ),
        (
            json("/api/file-base64-upload", json!({"uploadPath": "in"})),
            format!("{missing}base64Data"),
        ),
        (json("/api/file-url-upload", json!({"uploadPath": "in"})), format!("{missing}fileUrl")),
    ] {
        let refused = world.send(request);
        let body = read(&refused);
        assert_eq!(
            (refused.status, &body["success"], &body["code"], &body["msg"]),
            (400, &json!(false), &json!(400), &json!(text))
        );
    }
    for path in ["/api/file-base64-upload", "/api/file-stream-upload", "/api/file-url-upload"] {
        let wrong = world.send(Request::new("GET", path));
        assert_eq!((wrong.status, &read(&wrong)["code"]), (405, &json!(405)), "{path}");
        assert_eq!(read(&wrong)["success"], false);
        let keyless =
            world.emulator.exchange(world.now, &Request::new("POST", path)).expect("an answer");
        let body = read(&keyless);
        assert_eq!(
            (keyless.status, &body["code"], body.get("data")),
            (401, &json!(401), None),
            "{path}"
        );
        let host = Request { door: Door::Api, ..Request::new("POST", path) };
        assert_eq!(world.send(host).status, 404, "uploads have a host of their own");
    }
    assert_eq!(world.emulator.bill().uploads.len(), 0);
}
