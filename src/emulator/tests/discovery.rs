//! The list of models, their schemas, prices and success rates.

use super::*;

const UNKNOWN: &str = "The model name you specified is not supported. Please verify your input and use one of the supported models provided by KIE.";

impl World {
    /// Asks a second after the last question.
    fn discover(&mut self, target: &str) -> Value {
        self.wait(1_000).get(target)
    }

    fn ids(&mut self, query: &str) -> Vec<String> {
        let answer = self.discover(&format!("/api/v1/models{query}"));
        let models = answer["data"]["models"].as_array().expect("a list").clone();
        assert_eq!(answer["data"]["total"], models.len());
        models.iter().map(|model| model["model"].as_str().expect("an id").to_owned()).collect()
    }
}

#[test]
fn the_list_has_the_recorded_shape_and_filters_combine() {
    let mut world = World::new();
    let answer = world.get("/api/v1/models?q=v2-1-master-text");
    assert_eq!(
        answer,
        json!({"code": 200, "msg": "success", "data": {"total": 1, "models": [{
            "model": "kling/v2-1-master-text-to-video",
            "slug": "kling/v2-1-master-text-to-video",
            "title": "Kling V2 1 Master Text To Video",
            "provider": "Kling",
            "taskType": ["Text to Video"],
            "description": null,
            "pricingDesc": "160 credits ($0.8) per video for duration 5; 320 credits ($1.6) per video for duration 10.\nHigh-tier top-ups (+10% bonus) bring effective pricing down to ~10% off the above rates.",
        }]}})
    );
    let all = world.ids("");
    assert!(all.len() > 140 && all.iter().any(|id| id == "veo-3-1"), "{}", all.len());
    assert!(!all.iter().any(|id| id.starts_with("sora-2")), "what was taken away is not listed");
    let videos = world.ids("?taskType=Text%20to%20Video,Lip%20Sync");
    assert!(videos.contains(&"volcengine/video-to-video-lip-sync".to_owned()));
    assert!(videos.len() < all.len());
    // The provider's own mistake.
    assert!(videos.contains(&"ideogram/v3-text-to-image".to_owned()));
    let kling = world.ids("?taskType=Text+to+Video&provider=Kling&q=2.6");
    assert_eq!(kling, ["kling-2.6/text-to-video"]);
    assert_eq!(world.ids("?q=no-such-model"), Vec::<String>::new());
}

#[test]
fn a_schema_is_an_openapi_document_of_the_call() {
    let mut world = World::new();
    let answer = world.get("/api/v1/models/kling/v2-1-master-text-to-video/schema");
    assert_eq!(answer["data"]["model"], "kling/v2-1-master-text-to-video");
    let document = &answer["data"]["openapi"];
    assert_eq!(document["openapi"], "3.1.0");
    let call = &document["paths"]["/api/v1/jobs/createTask"]["post"];
    let body = &call["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(body["required"], json!(["model"]));
    assert_eq!(body["properties"]["model"]["enum"], json!(["kling/v2-1-master-text-to-video"]));
    assert_eq!(
        body["properties"]["input"],
        json!({
            "type": "object",
            "properties": {
                "prompt": {"type": "string", "maxLength": 5000},
                "duration": {"type": "string", "enum": ["5", "10"], "default": "5"},
                "aspect_ratio": {"type": "string", "enum": ["16:9", "9:16", "1:1"], "default": "16:9"},
                "negative_prompt": {"type": "string", "maxLength": 500},
                "cfg_scale": {"type": "number", "default": 0.5, "minimum": 0.0, "maximum": 1.0},
            },
            "required": ["prompt", "duration"],
            "description": "Input parameters for the generation task",
        })
    );
    let answer = &call["responses"]["200"]["content"]["application/json"]["schema"]["allOf"][0];
    assert_eq!(answer["$ref"], "#/components/schemas/response%20not%20with%20recordId");
    assert!(document["components"]["schemas"]["response not with recordId"].is_object());
    let callback = &call["callbacks"]["videoTaskCompleted"]["{request.body#/callBackUrl}"]["post"];
    let codes = "/requestBody/content/application~1json/schema/properties/code/enum";
    assert_eq!(callback.pointer(codes), Some(&json!([200, 501])));
    let nested = world.discover("/api/v1/models/kling-3.0/video/schema");
    let shots = "/data/openapi/paths/~1api~1v1~1jobs~1createTask/post/requestBody/content/application~1json/schema/properties/input/properties/multi_prompt";
    let shots = nested.pointer(shots).expect("a list of shots");
    assert_eq!((&shots["type"], &shots["items"]["type"]), (&json!("array"), &json!("object")));
    assert_eq!(shots["items"]["required"], json!(["prompt", "duration"]));
}

#[test]
fn one_question_a_second_for_all_four_kinds() {
    let mut world = World::new();
    let too_often = json!({"code": 429, "msg": "Your call frequency is too high. Please try again later.", "data": null});
    assert_eq!(world.get("/api/v1/models")["code"], 200);
    assert_eq!(world.wait(999).get("/api/v1/models/veo-3-1/price"), too_often);
    assert_eq!(world.wait(1).get("/api/v1/models/veo-3-1/price")["code"], 200);
    assert_eq!(world.get("/api/v1/models/veo-3-1/schema"), too_often);
    assert_eq!(world.wait(1_000).get("/api/v1/models/veo-3-1/success-rate")["code"], 200);
    let bill = world.emulator.bill();
    assert_eq!(bill.discovery_refused, 2);
    assert!(bill.judge().iter().any(|violation| violation.code == "discovery-too-often"));
}

#[test]
fn a_key_is_needed_and_ids_are_known() {
    let mut world = World::with(Options { keys: vec!["right".into()], ..Options::default() });
    let refused = world.get("/api/v1/models");
    assert_eq!((&refused["code"], refused.get("data")), (&json!(401), None));
    let mut world = World::new();
    let unknown = json!({"code": 404, "msg": UNKNOWN, "data": null});
    for path in ["veo3/schema", "kling/none/price", "sora-2-text-to-video/schema"] {
        assert_eq!(world.discover(&format!("/api/v1/models/{path}")), unknown, "{path}");
    }
}

#[test]
fn prices_and_success_rates_are_those_of_the_account() {
    let mut world = World::new();
    let price = world.discover("/api/v1/models/omnihuman-1-5/subject-detection/price");
    assert_eq!(price["data"]["pricingDesc"], "Omnihuman 1 5 Subject Detection is free.");
    let none = world.discover("/api/v1/models/kling-2.6/text-to-video/success-rate");
    assert_eq!(none["data"], json!({"model": "kling-2.6/text-to-video", "points": []}));
    world.task(
        "/api/v1/jobs/createTask",
        json!({"model": "kling-2.6/text-to-video", "input": {"prompt": "a", "sound": false, "duration": "5", "aspect_ratio": "16:9"}}),
    );
    world.wait(5_000);
    let some = world.discover("/api/v1/models/kling-2.6/text-to-video/success-rate");
    let points = some["data"]["points"].as_array().expect("points");
    assert_eq!(points.len(), 144);
    let last = &points[143];
    assert_eq!((&last["successRate"], &last["errorRate"]), (&json!(100.0), &json!(0.0)));
    assert_eq!((&points[0]["successRate"], &points[0]["isNormal"]), (&Value::Null, &json!(true)));
    assert_eq!(last["start"], "2026-09-21T14:10:00Z");
}

#[test]
fn a_users_own_rows_join_the_market() {
    let rows = json!([
        {"id": "acme/one", "media": "video", "fields": [{"name": "prompt", "type": "string", "required": true}], "schema": false},
        {"id": "kling-2.6/text-to-video", "media": "video", "retired": true, "fields": []},
    ]);
    let market = Market::default().with(&rows.to_string()).expect("rows");
    let mut world = World::with(Options { market, ..Options::default() });
    let ids = world.ids("");
    assert!(ids.contains(&"acme/one".to_owned()));
    assert!(!ids.contains(&"kling-2.6/text-to-video".to_owned()));
    let schema = world.discover("/api/v1/models/acme/one/schema");
    assert_eq!(schema["data"], json!({"model": "acme/one", "openapi": null}));
    let price = world.discover("/api/v1/models/acme/one/price");
    assert_eq!(price["data"], json!({"model": "acme/one", "pricingDesc": null}));
    let create = |model: &str| json!({"model": model, "input": {"prompt": "a"}});
    world.task("/api/v1/jobs/createTask", create("acme/one"));
    let gone = world.post("/api/v1/jobs/createTask", create("kling-2.6/text-to-video"));
    assert_eq!(gone["msg"], "This interface is temporarily paused");
    for wrong in ["{}", "[{}]", "[{\"id\": \"a\", \"media\": \"film\", \"fields\": []}]"] {
        assert!(Market::default().with(wrong).is_err(), "{wrong}");
    }
    let twice = json!([rows[0], rows[0]]).to_string();
    let error = Market::default().with(&twice).expect_err("a row twice");
    assert!(error.contains("acme/one"), "{error}");
}
