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
    found.model().mode(kind).expect("a mode of it")
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
        assert_eq!(catalog.find(name).expect(name).model().name, "Veo 3.1 Fast", "{name}");
    }
    assert_eq!(catalog.find("veo3").expect("the id").model().name, "Veo 3.1");
    assert_eq!(catalog.find("fast").ok().map(|found| found.model().name.clone()), None);
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
    let model = catalog.find("veo3_lite").expect("a model").model();
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
    let quality = catalog.find("veo3").expect("a model").model();
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
        let model = catalog.find(name).expect("a model").model();
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

const SAMPLES: &str = include_str!("catalog_samples/samples.toml");

fn with_samples() -> Catalog {
    let files = [("catalog/samples.toml".to_owned(), SAMPLES.to_owned())];
    catalog().with_files(&files).expect("the samples are right")
}

#[test]
fn kling_sends_texts_and_a_sound_switch() {
    let catalog = catalog();
    let t2v = mode(&catalog, "kling-2.6/text-to-video", ModeKind::T2v);
    let length = t2v.clip_length(Some(6.0), None).expect("a length");
    let composed =
        compose(t2v, json!({"prompt": "A lamp.", "duration": length.value, "audio": true}), &[])
            .expect("a good scene");
    let model = catalog.find("Kling 2.6").expect("a model").model();
    let request = catalog.family_of(model).request(t2v, &composed.parameters);
    assert_eq!(
        request.body,
        json!({
            "model": "kling-2.6/text-to-video",
            "input": {"prompt": "A lamp.", "sound": true, "duration": "10", "aspect_ratio": "16:9"}
        })
    );
    assert_eq!(t2v.price(&composed.parameters, None).credits, Some(220.0));
    assert!(t2v.makes_sound(&composed.parameters));
    let i2v = mode(&catalog, "Kling 2.6", ModeKind::I2v);
    let composed = compose(
        i2v,
        json!({"prompt": "A lamp.", "reference": {"$file": "aa"}, "aspect_ratio": "16:9"}),
        &[],
    )
    .expect("the ratio follows the picture");
    assert_eq!(composed.warnings.len(), 1);
    assert_eq!(composed.parameters["image_urls"], json!([{"$file": "aa"}]));
    assert_eq!(composed.parameters["sound"], json!(false));
    assert!(!i2v.makes_sound(&composed.parameters));
    assert_eq!((i2v.inputs("reference"), i2v.inputs("last_frame")), (Some((1, 1)), None));
    assert_eq!(
        told(compose(t2v, json!({"prompt": "x".repeat(1001)}), &[])),
        [
            "too-long: `prompt` has 1001 characters, at most 1000 are allowed (hint: shorten it by 1)"
        ]
    );
    let motion = mode(&catalog, "Kling 2.6", ModeKind::Motion);
    assert_eq!(motion.longest(), None);
    let composed = compose(
        motion,
        json!({"reference": ["https://a.example/p.png"], "video": "https://a.example/d.mp4", "resolution": "1080p"}),
        &[],
    )
    .expect("a prompt is optional");
    assert_eq!(motion.price(&composed.parameters, Some(9.6)).credits, Some(180.0));
    assert_eq!(motion.price(&composed.parameters, None).kind, PriceKind::Unknown);
    assert_eq!(
        told(compose(motion, json!({"audio": true, "reference": {"$file": "aa"}}), &[])),
        [
            "not-supported: `Kling 2.6` makes no sound in motion mode (hint: take `audio` out, or choose a model that makes sound)",
            "missing: `Kling 2.6` needs `video` in motion mode (hint: add `video` to the scene)"
        ]
    );
}

#[test]
fn runway_has_rules_and_no_model_id() {
    let catalog = with_samples();
    let t2v = mode(&catalog, "sample runway", ModeKind::T2v);
    let problems = compose(t2v, json!({"prompt": "x", "duration": 10, "resolution": "1080p"}), &[])
        .expect_err("a forbidden pair");
    assert_eq!(problems[0].source, ProblemSource::Field("duration".into()));
    assert_eq!(
        problems[0].message,
        "this cannot be asked for: `duration` is `10` and `quality` is `1080p`"
    );
    assert_eq!(problems[0].hint.as_deref(), Some("take 5 s or 720p"));
    let composed = compose(t2v, json!({"prompt": "x", "duration": "10"}), &[]).expect("good");
    assert_eq!(t2v.price(&composed.parameters, None).credits, Some(30.0));
    let model = catalog.find("sample-runway").expect("a model").model();
    let request = catalog.family_of(model).request(t2v, &composed.parameters);
    assert_eq!(request.path, "/api/v1/runway/generate");
    assert_eq!(
        request.body,
        json!({"prompt": "x", "duration": 10, "quality": "720p", "aspectRatio": "16:9"})
    );
    let aleph = mode(&catalog, "sample aleph", ModeKind::V2v);
    assert_eq!(
        told(compose(
            aleph,
            json!({"prompt": "x", "reference": ["https://a/b", "https://a/c"]}),
            &[]
        )),
        [
            "missing: `Sample Aleph` needs `video` in v2v mode (hint: add `video` to the scene)",
            "too-many: `reference` has 2 entries, `Sample Aleph` takes one"
        ]
    );
    assert_eq!(aleph.price(&Map::new(), Some(5.0)).kind, PriceKind::Unknown);
}

#[test]
fn nested_lists_are_sent_and_checked() {
    let catalog = with_samples();
    let found = catalog.find("kling-three").expect("an old id");
    assert_eq!(
        found.warning.as_deref(),
        Some(
            "`kling-three` is an id of an old guide that does not exist; `Sample Kling 3` (`kling-3.0/video`) is used"
        )
    );
    let t2v = found.model().mode(ModeKind::T2v).expect("a mode");
    let single = compose(t2v, json!({"prompt": "x", "resolution": "720P"}), &[]).expect("good");
    assert_eq!(single.parameters["multi_prompt"], json!([]));
    assert_eq!(single.parameters["mode"], json!("std"));
    assert_eq!(t2v.price(&single.parameters, None).credits, Some(70.0));
    let shots = json!([{"prompt": "a", "duration": 2}, {"prompt": "b", "duration": 2}]);
    let params = [("multi_shots", json!(true)), ("multi_prompt", shots)];
    assert_eq!(
        told(compose(t2v, json!({"prompt": "x", "duration": "5"}), &params)),
        ["rule: `multi_prompt[].duration` sums to 4, but `duration` is 5"]
    );
    let composed = compose(t2v, json!({"prompt": "x", "duration": 4}), &params).expect("good");
    assert_eq!(composed.parameters["duration"], json!("4"));
    let elements = json!([{"name": "e", "description": "d", "element_input_urls": ["x.png"]}]);
    assert_eq!(
        told(compose(t2v, json!({"prompt": "x"}), &[("kling_elements", elements)])),
        [
            "not-a-url: `kling_elements[0].element_input_urls[0]` takes a link, not `x.png` (hint: give an http or https link)"
        ]
    );
    let elements =
        json!([{"name": "e", "description": "d", "element_input_urls": ["https://a/x.png"]}]);
    let unsure = compose(t2v, json!({"prompt": "x"}), &[("kling_elements", elements)])
        .expect("a rule that is not sure only warns");
    assert_eq!(unsure.warnings[0].message, "`kling_elements` needs `image_urls` as well");
}

#[test]
fn every_price_basis_is_counted() {
    let catalog = with_samples();
    let price = |name: &str, kind: ModeKind, parameters: Value, input: Option<f64>| {
        let mode = mode(&catalog, name, kind);
        let price = mode.price(parameters.as_object().expect("parameters"), input);
        (price.credits, price.kind, price.at_most)
    };
    let seedance =
        |parameters, input| price("Sample Seedance", ModeKind::Reference, parameters, input);
    let (dated, unknown) = (PriceKind::Dated, PriceKind::Unknown);
    let video =
        json!({"duration": 5, "resolution": "480p", "reference_video_urls": [{"$file": "a"}]});
    assert_eq!(seedance(json!({"duration": 5}), None), (Some(315.0), dated, false));
    assert_eq!(seedance(video.clone(), Some(4.2)), (Some(170.0), dated, false));
    assert_eq!(seedance(video, None), (None, unknown, false));
    assert_eq!(seedance(json!({"duration": -1}), None), (Some(1890.0), dated, true));
    let many = json!({"duration": 4, "reference_image_urls": [1, 2, 3, 4, 5, 6, 7]});
    assert_eq!(seedance(many, None), (Some(260.0), dated, false));
    let topaz = |parameters| price("Sample Topaz", ModeKind::Upscale, parameters, Some(10.0));
    assert_eq!(topaz(json!({})), (Some(80.0), dated, false), "the default factor is 2");
    assert_eq!(topaz(json!({"upscale_factor": "4"})), (Some(140.0), dated, false));
    assert_eq!(
        price("Sample Speech", ModeKind::Speech, json!({"num_frames": 40}), None),
        (Some(30.0), dated, false)
    );
    let said = json!({"dialogue": [{"text": "a".repeat(400)}, {"text": "b".repeat(100)}]});
    assert_eq!(price("Sample Voice", ModeKind::Tts, said, None), (Some(7.0), dated, false));
    let picture = |kind, parameters| price("Sample Picture", kind, parameters, None);
    assert_eq!(picture(ModeKind::T2i, json!({"num_images": 3})), (Some(60.0), dated, true));
    assert_eq!(picture(ModeKind::Tool, json!({})), (Some(0.0), PriceKind::Exact, false));
    assert_eq!(picture(ModeKind::Tts, json!({})), (None, unknown, false));
}

#[test]
fn clip_lengths_of_ranges_and_frames() {
    let catalog = with_samples();
    let seedance = mode(&catalog, "Sample Seedance", ModeKind::Reference);
    let length =
        |film, asked| seedance.clip_length(film, asked).map(|clip| (clip.seconds, clip.value));
    assert_eq!(length(Some(6.2), None), Ok((Some(7.0), Some(json!(7)))));
    assert_eq!(length(Some(1.0), None), Ok((Some(4.0), Some(json!(4)))));
    assert_eq!(length(Some(30.0), None), Ok((Some(30.0), Some(json!(30)))));
    assert!(length(Some(30.5), None).is_err());
    assert!(length(None, Some(4.5)).is_err());
    assert_eq!(seedance.lengths().len(), 27);
    let speech = mode(&catalog, "Sample Speech", ModeKind::Speech);
    let clip = speech.clip_length(Some(2.6), None).expect("a length");
    assert_eq!((clip.seconds, clip.value), (Some(2.75), Some(json!(44))));
    assert_eq!(speech.longest(), Some(7.5));
    assert_eq!(speech.lengths_told(), "2.5 to 7.5 s");
    let topaz = catalog.find("Sample Topaz").expect("a model").model();
    assert_eq!(topaz.upscale_targets(), ["1x", "2x", "4x"]);
    let upscale = topaz.upscale("2X").expect("it takes a factor");
    assert_eq!(upscale.clip_length(Some(99.0), None).map(|clip| clip.seconds), Ok(None));
    let composed =
        compose(upscale, json!({"video": {"$clip": "aa"}, "resolution": "4x"}), &[]).expect("good");
    assert_eq!(composed.parameters["upscale_factor"], json!("4"));
}

#[test]
fn a_projects_file_replaces_a_model() {
    let text = SAMPLES.replace("name = \"Sample Runway\"", "name = \"Mine\"\nslug = \"veo-3.1\"");
    let files = [("catalog/mine.toml".to_owned(), text)];
    let mixed = catalog().with_files(&files).expect("a good file");
    assert_eq!(mixed.find("veo-3.1").expect("replaced").model().name, "Mine");
    assert_eq!(mixed.find("mine").expect("replaced").model().family, "runway");
    assert!(mixed.find("veo3_fast").is_ok());
    assert_eq!(catalog().find("veo-3.1").expect("untouched").model().name, "Veo 3.1");
}

/// One mistake a row: what to change in the samples, and the error with its place.
#[test]
fn mistakes_in_files_are_told_with_their_place() {
    let table = [
        ("prompt_style = \"general\"", "prompt_stile = \"general\""),
        (
            "prompt_style = \"general\"",
            "api = \"https://evil.example\"\nprompt_style = \"general\"",
        ),
        ("family = \"aleph\"", "family = \"alef\""),
        ("provider = \"kie\"", "provider = \"kay\""),
        ("kind = \"v2v\"", "kind = \"v2w\""),
        ("from = [\"seed\"]", "from = [\"sead\"]"),
        ("type = \"number\"", "type = \"float\""),
        ("values = [5, 10], default = 5", "values = [5, 10], default = 7"),
        ("operation = \"generate\"\nlength_from", "operation = \"make\"\nlength_from"),
        ("field = \"kling_elements\", needs", "field = \"elements\", needs"),
        ("upscale_factor = \"1\" }", "factor = \"1\" }"),
        ("checked = \"2026-10-07\"", "checked = \"yesterday\""),
        ("aliases = [\"sk3\"]", "aliases = [\"Veo 3.1 Fast\"]"),
        ("name = \"Sample Topaz\"", "name = \"Sample Speech\""),
        ("sound = \"switch\"", "sound = \"always\""),
        ("map = { 720p = \"std\"", "map = { 720p = \"low\""),
        ("{ credits = 12 }", "{ credits = -12 }"),
        ("id = \"topaz/video-upscale\"\n", ""),
    ];
    let mut told = Vec::new();
    for (good, bad) in table {
        assert!(SAMPLES.contains(good), "{good}");
        let files = [("catalog/samples.toml".to_owned(), SAMPLES.replacen(good, bad, 1))];
        let error = catalog().with_files(&files).expect_err(bad);
        let hint = error.hint.as_ref().map(|hint| format!(" (hint: {hint})")).unwrap_or_default();
        told.push(format!("{error}{hint}"));
    }
    insta::assert_snapshot!(told.join("\n"));
    let files = [("catalog/kie/provider.toml".to_owned(), "api = \"https://x\"".to_owned())];
    let error = catalog().with_files(&files).expect_err("hosts are not a project's business");
    assert_eq!(
        error.to_string(),
        "catalog/kie/provider.toml:1:1: a project cannot describe a provider"
    );
}

#[test]
fn the_schema_is_up_to_date_and_accepts_the_files() {
    let schema = serde_json::to_value(storyreel::catalog::schema()).expect("JSON");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/catalog.schema.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&schema).expect("JSON"));
    if std::env::var_os("STORYREEL_UPDATE").is_some() {
        std::fs::write(path, &text).expect("the schema can be written");
    }
    let written = std::fs::read_to_string(path).expect("the schema is there");
    assert!(written == text, "run the tests with STORYREEL_UPDATE=1");
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let files = [
        SAMPLES,
        include_str!("../../catalog/kie/veo.toml"),
        include_str!("../../catalog/kie/kling-2.6.toml"),
    ];
    for file in files {
        let value: Value = toml::from_str(file).expect("TOML");
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new());
    }
    let bad: Value = toml::from_str("provider = \"kie\"\nmodel = []").expect("TOML");
    assert!(!validator.is_valid(&bad));
}
