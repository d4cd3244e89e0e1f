//! Questions to the provider's discovery API in virtual time, and its answers against the catalogue.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use storyreel::catalog::{Catalog, Discovery, Provider};
use storyreel::discovery::{Listing, ModelSchema, SchemaAnswer, compare};
use storyreel::emulator::faults::Script;
use storyreel::emulator::{Emulator, Options, Request};
use storyreel::ports::{Answer, Call, Clock, Download, SendError, Transport};
use storyreel::remote::discovery::{NoAnswer, PATIENT, Questions};

/// An emulator in this process, with a clock that only sleeping moves.
struct World(Mutex<(Emulator, i64)>);

impl World {
    fn new(rules: Value) -> Self {
        let script =
            Script::parse(&json!({"rules": rules}).to_string(), "json").expect("a good script");
        let emulator = Emulator::new(Options { script, ..Options::default() });
        Self(Mutex::new((emulator, 1_790_000_000_000)))
    }

    fn state(&self) -> MutexGuard<'_, (Emulator, i64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn data(&self, path: &str) -> Value {
        let mut state = self.state();
        state.1 += 1_000;
        let now_ms = state.1;
        let reply = state.0.handle(now_ms, &Request::new("GET", path).with_key("any"));
        reply.value().expect("JSON")["data"].clone()
    }
}

impl Clock for World {
    fn now_ms(&self) -> i64 {
        self.state().1
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.state().1 += i64::try_from(duration.as_millis()).expect("a short time");
        futures::future::ready(()).boxed()
    }

    fn chance(&self) -> f64 {
        0.5
    }
}

impl Transport for World {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, SendError>> {
        let target = call.url.strip_prefix("https://api.example").expect("the base");
        let request =
            Request::new(&call.method, target).with_key("any").with_header("user-agent", "tests");
        let mut state = self.state();
        let now_ms = state.1;
        let answer = state.0.exchange(now_ms, &request).expect("an answer");
        let result = match answer.fault {
            Some(_) => Err(SendError::MaybeSent("the connection was closed".into())),
            None => Ok(Answer { status: answer.status, body: answer.body.into() }),
        };
        futures::future::ready(result).boxed()
    }

    fn download(&self, _: String, _: Duration) -> BoxFuture<'_, Result<Download, SendError>> {
        futures::future::ready(Err(SendError::Never("nothing is downloaded".into()))).boxed()
    }
}

fn kie(catalog: &Catalog) -> (&Provider, &Discovery) {
    let provider = catalog.provider("kie").expect("kie.ai");
    (provider, provider.discovery.as_ref().expect("it has a list"))
}

#[tokio::test]
async fn questions_keep_their_distance_also_to_those_of_an_earlier_process() {
    let catalog = Catalog::built_in().expect("the built-in catalogue");
    let (provider, discovery) = kie(&catalog);
    let world = World::new(json!([]));
    let start = world.now_ms();
    let before = Some(start - 300);
    let mut questions =
        Questions::new(&world, &world, provider, discovery, "https://api.example/", before);
    let models = questions.list().await.expect("a list");
    assert!(models.as_array().is_some_and(|models| models.len() > 140));
    assert_eq!(world.now_ms() - start, 800);
    for id in ["veo-3-1", "kling-2.6/text-to-video"] {
        assert!(questions.schema(id).await.expect("a schema").is_object());
    }
    assert_eq!((world.now_ms() - start, questions.calls()), (800 + 2 * 1_100, 3));
    let unknown = questions.schema("no/such").await.expect_err("no such model");
    assert!(matches!(&unknown, NoAnswer::Unknown(_)), "{unknown}");
    // A clock that was set back: one spacing, and no more.
    let later = Some(world.now_ms() + 3_600_000);
    let start = world.now_ms();
    let mut questions =
        Questions::new(&world, &world, provider, discovery, "https://api.example", later);
    questions.list().await.expect("a list");
    assert_eq!(world.now_ms() - start, 1_100);
    let bill = world.state().0.bill();
    assert_eq!((bill.discovery_refused, bill.judge()), (0, vec![]));
}

#[tokio::test]
async fn trouble_that_passes_is_waited_for_and_other_trouble_is_not() {
    let catalog = Catalog::built_in().expect("the built-in catalogue");
    let (provider, discovery) = kie(&catalog);
    let ask = async |rules: Value| {
        let world = World::new(rules);
        let mut questions =
            Questions::new(&world, &world, provider, discovery, "https://api.example", None);
        let outcome = questions.list().await.map(|_| ());
        let calls = questions.calls();
        (outcome, calls, world.now_ms() - 1_790_000_000_000)
    };
    let fault = |calls: Value, fault: Value| json!([{"match": {"operation": "models", "calls": calls}, "do": fault}]);
    let code = |code: i64| json!({"fault": "code", "code": code, "msg": "words"});
    for passing in [
        code(429),
        code(500),
        code(455),
        json!({"fault": "http_status", "status": 502}),
        json!({"fault": "http_status", "status": 429}),
        json!({"fault": "drop_after"}),
    ] {
        let (outcome, calls, took) = ask(fault(json!([1, 2]), passing.clone())).await;
        assert_eq!((outcome, calls), (Ok(()), 3), "{passing}");
        assert_eq!(took, 1_500 + 3_000, "{passing}");
        let (outcome, calls, took) = ask(fault(json!([1, 2, 3, 4, 5]), passing.clone())).await;
        let words = outcome.expect_err("no answer").to_string();
        assert!(words.contains(&PATIENT.in_words()), "{words}");
        assert_eq!((calls, took), (4, 1_500 + 3_000 + 6_000), "{passing}");
    }
    for (lasting, is_key) in [
        (code(401), true),
        (code(422), false),
        (json!({"fault": "html_200"}), false),
        (json!({"fault": "http_status", "status": 403}), false),
        (json!({"fault": "redirect"}), false),
        (json!({"fault": "wrong_types"}), false),
    ] {
        let (outcome, calls, took) = ask(fault(json!([1]), lasting.clone())).await;
        let error = outcome.expect_err("no answer");
        assert_eq!(matches!(error, NoAnswer::Key(_)), is_key, "{lasting}: {error}");
        assert_eq!((calls, took), (1, 0), "{lasting}");
    }
}

#[test]
fn the_catalogue_and_the_facts_agree_but_for_what_is_known() {
    let catalog = Catalog::built_in().expect("the built-in catalogue");
    let (provider, discovery) = kie(&catalog);
    let world = World::new(json!([]));
    let listing = Listing::read(&world.data("/api/v1/models")["models"]).expect("a list");
    let mut schemas = BTreeMap::new();
    for offer in &listing.offers {
        let document =
            world.data(&format!("/api/v1/models/{}/schema", offer.id))["openapi"].clone();
        let schema = ModelSchema::read(&document, "/input").expect("a schema");
        schemas.insert(offer.id.clone(), SchemaAnswer::Schema(schema));
    }
    let findings = compare(&catalog, provider, discovery, &listing, &schemas);
    assert_eq!((findings.new.len(), findings.gone.len(), findings.back.len()), (0, 0, 0));
    assert_eq!(findings.compared, listing.offers.len());
    let told: Vec<String> = findings
        .changed
        .iter()
        .flat_map(|changed| {
            changed.changes.iter().map(|unlike| {
                format!("{} {}", changed.id, serde_json::to_string(unlike).expect("JSON"))
            })
        })
        .collect();
    // What the catalogue leaves out or narrows on purpose.
    insta::assert_snapshot!(told.join("\n"), @r#"
    bytedance/seedream-v4-edit {"parameter":"max_images","change":"limit","limit":"max","catalogue":1.0,"provider":6.0}
    bytedance/seedream-v4-text-to-image {"parameter":"max_images","change":"limit","limit":"max","catalogue":1.0,"provider":6.0}
    google/nano-banana {"parameter":"image_size","change":"new-parameter","required":false}
    google/nano-banana-edit {"parameter":"image_size","change":"new-parameter","required":false}
    grok-imagine/image-to-video {"parameter":"task_id","change":"new-parameter","required":false}
    grok-imagine/image-to-video {"parameter":"index","change":"new-parameter","required":false}
    grok-imagine/image-to-video {"parameter":"mode","change":"values-added","values":["spicy"]}
    ideogram/character {"parameter":"num_images","change":"values-added","values":["2","3","4"]}
    ideogram/character-edit {"parameter":"num_images","change":"values-added","values":["2","3","4"]}
    ideogram/character-remix {"parameter":"num_images","change":"values-added","values":["2","3","4"]}
    ideogram/v3-remix {"parameter":"num_images","change":"values-added","values":["2","3","4"]}
    qwen/image-edit {"parameter":"num_images","change":"values-added","values":["2","3","4"]}
    wan/2-7-videoedit {"parameter":"duration","change":"limit","limit":"min","catalogue":2.0,"provider":0.0}
    "#);
}
