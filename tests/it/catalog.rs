//! The catalogue: models, parameters, clip lengths and prices.

use serde_json::{Map, Value, json};
use storyreel::catalog::{
    Catalog, Composed, Mode, ModeKind, ParameterProblem, PriceKind, ProblemSource, Sound, Wanted,
};

fn catalog() -> Catalog {
    Catalog::built_in().expect("the embedded files are right")
}

fn mode<'a>(catalog: &'a Catalog, model: &str, kind: ModeKind) -> &'a Mode {
    let found = catalog.find(model).expect("a known model");
    found.model.mode(kind).expect("a mode of it")
}

fn wanted(fields: Value, params: &[(&str, Value)]) -> Wanted {
    Wanted {
        fields: fields.as_object().cloned().unwrap_or_default().into_iter().collect(),
        params: params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
    }
}

fn compose(
    mode: &Mode,
    fields: Value,
    params: &[(&str, Value)],
) -> Result<Composed, Vec<ParameterProblem>> {
    mode.compose(&wanted(fields, params))
}

fn told(result: Result<Composed, Vec<ParameterProblem>>) -> Vec<String> {
    result
        .err()
        .unwrap_or_default()
        .into_iter()
        .map(|problem| {
            let hint = problem.hint.map(|hint| format!(" (hint: {hint})")).unwrap_or_default();
            format!("{}: {}{hint}", problem.code, problem.message)
        })
        .collect()
}

#[test]
fn a_model_is_found_under_all_its_names() {
    let catalog = catalog();
    for name in ["Veo 3.1 Fast", "veo-3.1-fast", "veo 3-1 FAST", "veo3_fast", " veo fast "] {
        assert_eq!(catalog.find(name).expect(name).model.name, "Veo 3.1 Fast", "{name}");
    }
    assert_eq!(catalog.find("veo3").expect("the id").model.name, "Veo 3.1");
    assert_eq!(catalog.find("fast").ok().map(|found| found.model.name.clone()), None);
    let unknown = catalog.find("veo 3.1 fats").expect_err("a slip of the pen");
    assert_eq!(unknown.nearest.len(), 3);
    assert_eq!(unknown.nearest[0], "Veo 3.1 Fast");
    assert!(unknown.hint().starts_with("did you mean `Veo 3.1 Fast`"), "{}", unknown.hint());
}

#[test]
fn text_to_video_sends_every_default_that_matters() {
    let catalog = catalog();
    let composed = compose(
        mode(&catalog, "veo-3.1-fast", ModeKind::T2v),
        json!({"prompt": "A red kite.", "duration": 6, "resolution": "1080P"}),
        &[],
    )
    .expect("a good scene");
    assert_eq!(
        serde_json::to_string(&composed.parameters).expect("JSON"),
        r#"{"prompt":"A red kite.","aspect_ratio":"16:9","resolution":"1080p","duration":6,"enableTranslation":true,"generationType":"TEXT_2_VIDEO"}"#
    );
    assert_eq!(composed.parts.get("seeds"), Some(&Value::Null));
    assert_eq!(composed.parts.get("generationType"), Some(&json!("TEXT_2_VIDEO")));
    assert_eq!(composed.warnings, []);
}

#[test]
fn a_request_has_model_and_parameters_in_their_place() {
    let catalog = catalog();
    let model = catalog.find("veo3_lite").expect("a model").model;
    let family = catalog.family_of(model);
    let mode = model.mode(ModeKind::T2v).expect("a mode");
    let composed = compose(mode, json!({"prompt": "A kite."}), &[]).expect("a good scene");
    let request = family.request(mode, &composed.parameters);
    assert_eq!((request.method, request.path), ("POST", "/api/v1/veo/generate"));
    assert_eq!(request.body["model"], "veo3_lite");
    assert_eq!(request.body["prompt"], "A kite.");
    let extend = model.mode(ModeKind::Extend).expect("a mode");
    let composed =
        compose(extend, json!({"prompt": "On.", "task": {"$task": "ab"}}), &[]).expect("good");
    let request = family.request(extend, &composed.parameters);
    assert_eq!(request.path, "/api/v1/veo/extend");
    assert_eq!(request.body, json!({"taskId": {"$task": "ab"}, "prompt": "On.", "model": "lite"}));
    let upscale = model.upscale("4K").expect("an upscale");
    let composed = compose(upscale, json!({"task": {"$task": "ab"}}), &[]).expect("good");
    let request = family.request(upscale, &composed.parameters);
    assert_eq!((request.method, request.path), ("POST", "/api/v1/veo/get-4k-video"));
    assert_eq!(request.body, json!({"taskId": {"$task": "ab"}, "index": 0}));
}

#[test]
fn pictures_of_several_fields_make_one_list() {
    let catalog = catalog();
    let first_last = mode(&catalog, "Veo 3.1", ModeKind::FirstLast);
    let composed = compose(
        first_last,
        json!({
            "prompt": "She turns.",
            "reference": [{"$file": "aa"}],
            "last_frame": {"$clip": "bb", "frame": "first"},
            "aspect_ratio": "auto",
        }),
        &[],
    )
    .expect("a good scene");
    assert_eq!(
        composed.parameters["imageUrls"],
        json!([{"$file": "aa"}, {"$clip": "bb", "frame": "first"}])
    );
    assert_eq!(composed.parameters["aspect_ratio"], "Auto");
    assert_eq!(
        told(compose(first_last, json!({"prompt": "x", "reference": ["https://a/b.png"]}), &[])),
        ["too-few: `reference` has 1 entry, at least 2 are needed"]
    );
}

#[test]
fn every_problem_is_told_at_once() {
    let catalog = catalog();
    let t2v = mode(&catalog, "Veo 3.1 Fast", ModeKind::T2v);
    let problems = told(compose(
        t2v,
        json!({
            "aspect_ratio": "4:3",
            "duration": 7,
            "seed": 5,
            "negative": "rain",
            "reference": [{"$file": "aa"}],
            "audio": false,
        }),
        &[
            ("watermrk", json!("me")),
            ("resolution", json!("8k")),
            ("seeds", json!(20000)),
            ("generationType", json!("REFERENCE_2_VIDEO")),
            ("generationtype", json!("TEXT_2_VIDEO")),
            ("enableTranslation", json!("maybe")),
        ],
    ));
    insta::assert_snapshot!(problems.join("\n"));
}

#[test]
fn problems_name_what_is_to_blame() {
    let catalog = catalog();
    let t2v = mode(&catalog, "Veo 3.1 Fast", ModeKind::T2v);
    let problems =
        compose(t2v, json!({"prompt": "x", "aspect_ratio": "4:3"}), &[("resolution", json!("8k"))])
            .expect_err("two problems");
    let sources: Vec<&ProblemSource> = problems.iter().map(|problem| &problem.source).collect();
    assert_eq!(
        sources,
        [&ProblemSource::Field("aspect_ratio".into()), &ProblemSource::Param("resolution".into())]
    );
}

#[test]
fn a_missing_mode_names_the_models_that_have_it() {
    let catalog = catalog();
    let quality = catalog.find("veo3").expect("a model").model;
    assert!(quality.mode(ModeKind::Reference).is_none());
    let missing = catalog.missing_mode(quality, ModeKind::Reference);
    assert_eq!(missing.message, "`Veo 3.1` has no `reference` mode");
    assert_eq!(
        missing.hint,
        "`Veo 3.1 Fast` and `Veo 3.1 Lite` do; it has `t2v`, `i2v`, `first-last`, `extend` and `upscale`"
    );
}

#[test]
fn the_shortest_clip_that_covers_the_scene_is_taken() {
    let catalog = catalog();
    let t2v = mode(&catalog, "Veo 3.1 Fast", ModeKind::T2v);
    let lengths = |film, asked| {
        t2v.clip_length(film, asked).map(|clip| (clip.seconds, clip.value, clip.trimmed))
    };
    assert_eq!(lengths(Some(5.0), None), Ok((Some(6.0), Some(json!(6)), true)));
    assert_eq!(lengths(Some(8.0), None), Ok((Some(8.0), Some(json!(8)), false)));
    assert_eq!(lengths(Some(0.4), None), Ok((Some(4.0), Some(json!(4)), true)));
    assert_eq!(lengths(None, None), Ok((Some(8.0), Some(json!(8)), false)));
    assert_eq!(lengths(Some(5.0), Some(8.0)), Ok((Some(8.0), Some(json!(8)), true)));
    let problem = lengths(Some(8.5), None).expect_err("too long");
    assert_eq!((problem.code, problem.longest), ("too-long", Some(8.0)));
    assert_eq!(
        problem.message,
        "the scene is 8.5 s, but the longest clip of `Veo 3.1 Fast` in t2v mode is 8 s"
    );
    let problem = lengths(None, Some(5.0)).expect_err("no such clip");
    assert_eq!(
        (problem.code, problem.hint.as_str()),
        ("not-offered", "its clips are 4, 6 or 8 s long")
    );
    let extend = mode(&catalog, "Veo 3.1 Fast", ModeKind::Extend);
    assert_eq!(extend.longest(), Some(7.0));
    assert_eq!(
        extend.clip_length(None, None).map(|clip| (clip.seconds, clip.value)),
        Ok((Some(7.0), None))
    );
}

#[test]
fn prices_follow_the_resolution() {
    let catalog = catalog();
    let table = [
        ("Veo 3.1", [250.0, 255.0, 370.0, 250.0]),
        ("Veo 3.1 Fast", [60.0, 65.0, 180.0, 60.0]),
        ("Veo 3.1 Lite", [30.0, 35.0, 150.0, 30.0]),
    ];
    for (name, [low, middle, high, extend]) in table {
        for (resolution, credits) in [("720p", low), ("1080p", middle), ("4k", high)] {
            let parameters = Map::from_iter([("resolution".to_owned(), json!(resolution))]);
            let price = mode(&catalog, name, ModeKind::T2v).price(&parameters, None);
            assert_eq!(price.credits, Some(credits), "{name} {resolution}");
            assert_eq!(price.kind, PriceKind::Dated);
            assert_eq!(price.as_of.as_deref(), Some("2026-10-01"));
        }
        let price = mode(&catalog, name, ModeKind::Extend).price(&Map::new(), None);
        assert_eq!(price.credits, Some(extend));
        let model = catalog.find(name).expect("a model").model;
        let upgrades = model.upscale("1080p").zip(model.upscale("4k")).expect("two upgrades");
        assert_eq!(upgrades.0.price(&Map::new(), None).credits, Some(5.0));
        assert_eq!(upgrades.1.price(&Map::new(), None).credits, Some(120.0));
        assert_eq!(model.upscale("8k"), None);
    }
}

#[test]
fn what_an_input_decides_is_a_warning() {
    let catalog = catalog();
    let extend = mode(&catalog, "Veo 3.1", ModeKind::Extend);
    let composed = compose(
        extend,
        json!({"prompt": "On.", "task": "0a1b", "aspect_ratio": "9:16", "audio": false}),
        &[],
    )
    .expect("warnings stop nothing");
    let codes: Vec<&str> = composed.warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, ["follows-input", "sound-always"]);
    assert_eq!(extend.sound, Sound::Always);
}
