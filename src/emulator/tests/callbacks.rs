//! Callbacks: their bodies, family by family, and that each is given out once.

use super::*;

const HOOK: &str = "http://127.0.0.1:9/hook";

impl World {
    /// The bodies of the callbacks that are due, each with its task replaced by a word.
    fn callbacks(&mut self) -> Vec<Value> {
        let due = self.emulator.take_callbacks(self.now);
        let plain = |callback: super::super::callback::Callback| {
            assert_eq!(callback.url, HOOK);
            let body = callback.body.to_string().replace(&callback.task_id, "TASK");
            serde_json::from_str(&body).expect("JSON")
        };
        due.into_iter().map(plain).collect()
    }
}

#[test]
fn each_family_has_its_own_body() {
    let mut world = World::new();
    world.veo("nobody is told of this one");
    world.task("/api/v1/veo/generate", json!({"prompt": "a", "callBackUrl": HOOK}));
    world.task(
        "/api/v1/runway/generate",
        json!({"prompt": "a", "duration": 5, "quality": "720p", "aspectRatio": "16:9", "callBackUrl": HOOK}),
    );
    world.task(
        "/api/v1/jobs/createTask",
        json!({"model": "kling-2.6/text-to-video", "callBackUrl": HOOK,
            "input": {"prompt": "a", "sound": false, "duration": "5", "aspect_ratio": "16:9"}}),
    );
    assert_eq!(world.callbacks(), Vec::<Value>::new());
    let started = world.now;
    let told = world.wait(2_000).callbacks();
    assert_eq!(world.callbacks(), Vec::<Value>::new(), "each is told once");
    assert_eq!(told.len(), 3);
    let veo = &told[0];
    assert_eq!(
        (&veo["code"], &veo["data"]["taskId"], &veo["data"]["info"]),
        (
            &json!(200),
            &json!("TASK"),
            &json!({"resultUrls": ["https://kie.test/files/TASK.mp4"], "resolution": "720p"})
        )
    );
    assert_eq!(
        told[1],
        json!({"code": 200, "msg": "All generated successfully.", "data": {
            "task_id": "TASK", "video_id": "TASK",
            "video_url": "https://kie.test/files/TASK.mp4", "image_url": "https://kie.test/files/TASK.png"}})
    );
    let market = &told[2];
    assert_eq!(
        (&market["code"], &market["msg"]),
        (&json!(200), &json!("Playground task completed successfully."))
    );
    let data = &market["data"];
    assert_eq!(
        (&data["state"], &data["creditsConsumed"], &data["failCode"]),
        (&json!("success"), &json!(55), &Value::Null)
    );
    assert_eq!(data["resultJson"], "{\"resultUrls\":[\"https://kie.test/files/TASK.mp4\"]}");
    assert_eq!(
        (&data["createTime"], &data["completeTime"], &data["costTime"]),
        (&json!(started), &json!(started + 2_000), &json!(2))
    );
}

#[test]
fn failures_are_told_as_documented() {
    let mut world = World::scripted(json!([
        {"match": {"operation": "create"}, "do": {"fault": "fail", "code": 400, "message": "flagged"}}]));
    let create = json!({"prompt": "a", "callBackUrl": HOOK});
    world.task("/api/v1/veo/generate", create);
    world.task(
        "/api/v1/aleph/generate",
        json!({"prompt": "a", "videoUrl": "https://example.com/a.mp4", "callBackUrl": HOOK}),
    );
    world.task(
        "/api/v1/jobs/createTask",
        json!({"model": "hailuo/02-text-to-video-pro", "callBackUrl": HOOK, "input": {"prompt": "a"}}),
    );
    let told = world.wait(5_000).callbacks();
    assert_eq!(
        told[0],
        json!({"code": 400, "msg": "flagged", "data": {"taskId": "TASK", "fallbackFlag": false}})
    );
    assert_eq!(told[1], json!({"code": 400, "msg": "flagged", "data": null, "taskId": "TASK"}));
    assert_eq!(
        (&told[2]["code"], &told[2]["msg"]),
        (&json!(501), &json!("Playground task failed."))
    );
    let data = &told[2]["data"];
    assert_eq!(
        (&data["state"], &data["failCode"], &data["failMsg"]),
        (&json!("fail"), &json!("400"), &json!("flagged"))
    );
    assert_eq!((&data["resultJson"], &data["creditsConsumed"]), (&Value::Null, &json!(0)));
}
