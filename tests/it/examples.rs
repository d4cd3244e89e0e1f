//! The example requests of the provider's pages, of recorded traffic and of the guide that storyreel began with, each
//! written as a scene: the plan's request is the example's. Where it is not, every difference is listed.

use crate::support::Project;
use serde_json::{Value, json};
use storyreel::catalog::{Catalog, ModeKind, Wanted};

/// A request as somebody printed it, and the scene that asks for the same.
struct Example {
    /// Where it stands.
    from: &'static str,
    endpoint: &'static str,
    body: Value,
    scene: Value,
    /// Which step of the scene it is.
    step: usize,
    /// What the plan has otherwise: `+` is only in the plan, `-` only in the example, `~` in both.
    differences: &'static [&'static str],
}

const CREATE: &str = "POST /api/v1/jobs/createTask";

/// What Veo's requests always say, whatever the service would assume.
const VEO_ALWAYS: [&str; 3] =
    ["+ /duration 8", "+ /enableTranslation true", "+ /resolution \"720p\""];

/// The guide's examples. Some of its ids, paths and fields never existed; those are put right and listed.
fn of_the_guide() -> Vec<Example> {
    vec![
        Example {
            from: "guide, Veo text to video",
            endpoint: "POST /api/v1/veo/generate",
            body: json!({
                "prompt": "A drone shot flying over a misty forest at sunrise, cinematic 4K quality, slow camera movement",
                "model": "veo3",
                "aspect_ratio": "16:9",
            }),
            scene: json!({
                "model": "Veo 3.1", "duration": 8, "aspect": "16:9",
                "prompt": "A drone shot flying over a misty forest at sunrise, cinematic 4K quality, slow camera movement",
            }),
            step: 0,
            differences: &[
                VEO_ALWAYS[0],
                VEO_ALWAYS[1],
                "+ /generationType \"TEXT_2_VIDEO\"",
                VEO_ALWAYS[2],
            ],
        },
        Example {
            from: "guide, Veo image to video",
            endpoint: "POST /api/v1/veo/generate",
            body: json!({
                "prompt": "The person in the image slowly turns their head and smiles at the camera",
                "generationType": "REFERENCE_2_VIDEO",
                "imageUrls": ["https://example.com/portrait.jpg"],
                "model": "veo3",
                "aspect_ratio": "16:9",
            }),
            scene: json!({
                "model": "Veo 3.1 Fast reference to video", "duration": 8, "aspect": "16:9",
                "reference": "https://example.com/portrait.jpg",
                "prompt": "The person in the image slowly turns their head and smiles at the camera",
            }),
            step: 0,
            // References are for Fast and Lite only.
            differences: &[
                VEO_ALWAYS[0],
                VEO_ALWAYS[1],
                VEO_ALWAYS[2],
                "~ /model \"veo3\" -> \"veo3_fast\"",
            ],
        },
        Example {
            from: "guide, Veo extension",
            endpoint: "POST /api/v1/veo/extend",
            body: json!({
                "taskId": "abc123",
                "prompt": "The camera continues panning right to reveal the ocean",
            }),
            scene: json!({
                "model": "Veo 3.1 Fast", "duration": 8, "prompt": "A beach at noon",
                "steps": ["generate", {"extend": "The camera continues panning right to reveal the ocean"}],
            }),
            step: 1,
            // The task is known when the clip before is.
            differences: &["+ /model \"fast\"", "~ /taskId \"abc123\" -> {\"$previous\":\"task\"}"],
        },
        Example {
            from: "guide, Veo 1080p version",
            endpoint: "POST /api/v1/veo/1080p",
            body: json!({"taskId": "abc123"}),
            scene: json!({
                "model": "Veo 3.1 Fast", "duration": 8, "prompt": "A beach at noon",
                "steps": ["generate", {"upscale": "1080p"}],
            }),
            step: 1,
            // The path is in no page of the provider.
            differences: &[
                "+ /index 0",
                "~ /taskId \"abc123\" -> {\"$previous\":\"task\"}",
                "~ endpoint GET /api/v1/veo/get-1080p-video",
            ],
        },
        Example {
            from: "guide, Veo 4K version",
            endpoint: "POST /api/v1/veo/4k",
            body: json!({"taskId": "abc123"}),
            scene: json!({
                "model": "Veo 3.1 Fast", "duration": 8, "prompt": "A beach at noon",
                "steps": ["generate", {"upscale": "4k"}],
            }),
            step: 1,
            differences: &[
                "+ /index 0",
                "~ /taskId \"abc123\" -> {\"$previous\":\"task\"}",
                "~ endpoint POST /api/v1/veo/get-4k-video",
            ],
        },
        Example {
            from: "guide, Runway text to video",
            endpoint: "POST /api/v1/runway/generate",
            body: json!({
                "prompt": "A cat playing piano in a jazz bar, cinematic lighting, smooth camera pan",
                "duration": 5,
                "quality": "1080p",
                "aspectRatio": "16:9",
                "callBackUrl": "",
                "waterMark": "",
            }),
            scene: json!({
                "model": "Runway", "duration": 5, "resolution": "1080p", "aspect": "16:9",
                "prompt": "A cat playing piano in a jazz bar, cinematic lighting, smooth camera pan",
            }),
            step: 0,
            // Nobody is called back, and no mark is what an empty one means.
            differences: &["- /callBackUrl \"\"", "- /waterMark \"\""],
        },
        Example {
            from: "guide, Runway Aleph",
            endpoint: "POST /api/v1/runway/aleph/generate",
            body: json!({
                "prompt": "Remove the person in the background and add gentle rain",
                "imageUrl": "https://example.com/scene.jpg",
                "duration": 5,
                "quality": "720p",
            }),
            scene: json!({
                "model": "Runway Aleph", "duration": 5, "video": "https://example.com/scene.mp4",
                "prompt": "Remove the person in the background and add gentle rain",
            }),
            step: 0,
            // Aleph takes a clip and is as long and large as that.
            differences: &[
                "+ /videoUrl \"https://example.com/scene.mp4\"",
                "- /duration 5",
                "- /imageUrl \"https://example.com/scene.jpg\"",
                "- /quality \"720p\"",
                "~ endpoint POST /api/v1/aleph/generate",
            ],
        },
        Example {
            from: "guide, Kling 2.1",
            endpoint: CREATE,
            body: json!({
                "model": "kling/text-to-video-2-1",
                "input": {
                    "prompt": "A dancer performing in a spotlight, cinematic slow motion",
                    "duration": 5,
                    "aspect_ratio": "16:9",
                    "mode": "pro",
                },
            }),
            scene: json!({
                "model": "kling/text-to-video-2-1", "duration": 5, "aspect": "16:9",
                "prompt": "A dancer performing in a spotlight, cinematic slow motion",
            }),
            step: 0,
            differences: &[
                "- /input/mode \"pro\"",
                "~ /input/duration 5 -> \"5\"",
                "~ /model \"kling/text-to-video-2-1\" -> \"kling/v2-1-master-text-to-video\"",
            ],
        },
        Example {
            from: "guide, Hailuo 02",
            endpoint: CREATE,
            body: json!({
                "model": "hailuo/02-text-to-video-pro",
                "input": {
                    "prompt": "Timelapse of a city at night with car light trails",
                    "aspect_ratio": "16:9",
                },
            }),
            scene: json!({
                "model": "hailuo/02-text-to-video-pro", "duration": 6,
                "prompt": "Timelapse of a city at night with car light trails",
            }),
            step: 0,
            // It has no such field.
            differences: &["- /input/aspect_ratio \"16:9\""],
        },
        Example {
            from: "guide, Wan 2.6",
            endpoint: CREATE,
            body: json!({
                "model": "wan/2-6-text-to-video",
                "input": {
                    "prompt": "Ocean waves crashing on rocks at sunset, drone view",
                    "aspect_ratio": "16:9",
                },
            }),
            scene: json!({
                "model": "wan/2-6-text-to-video", "duration": 5,
                "prompt": "Ocean waves crashing on rocks at sunset, drone view",
            }),
            step: 0,
            differences: &[
                "+ /input/duration \"5\"",
                "+ /input/resolution \"1080p\"",
                "- /input/aspect_ratio \"16:9\"",
            ],
        },
        Example {
            from: "guide, Seedance 1.5 Pro",
            endpoint: CREATE,
            body: json!({
                "model": "bytedance/seedance-1.5-pro",
                "input": {
                    "prompt": "A butterfly landing on a flower, macro lens, shallow depth of field",
                },
            }),
            scene: json!({
                "model": "bytedance/seedance-1.5-pro", "duration": 5,
                "prompt": "A butterfly landing on a flower, macro lens, shallow depth of field",
            }),
            step: 0,
            // The ratio and the length are required, whatever the guide says.
            differences: &[
                "+ /input/aspect_ratio \"16:9\"",
                "+ /input/duration 5",
                "+ /input/generate_audio false",
                "+ /input/resolution \"720p\"",
            ],
        },
    ]
}

/// Requests as the records of tasks show them again; the service adds what it assumed.
fn of_the_records() -> Vec<Example> {
    vec![
        Example {
            from: "recorded Veo task, 2026-08-06",
            endpoint: "POST /api/v1/veo/generate",
            body: json!({
                "duration": 8,
                "enableTranslation": true,
                "generationType": "TEXT_2_VIDEO",
                "aspectRatio": "16:9",
                "model": "veo3_fast",
                "enableFallback": false,
                "resolution": "720p",
                "prompt": "a red kite",
            }),
            scene: json!({"model": "Veo 3.1 Fast", "duration": 8, "prompt": "a red kite"}),
            step: 0,
            // Sent as `aspect_ratio`, shown as `aspectRatio`; the fallback is not to be sent any more.
            differences: &[
                "+ /aspect_ratio \"16:9\"",
                "- /aspectRatio \"16:9\"",
                "- /enableFallback false",
            ],
        },
        Example {
            from: "recorded Aleph task, 2026-08-18",
            endpoint: "POST /api/v1/aleph/generate",
            body: json!({
                "videoUrl": "https://tempfile.redpandaai.co/kieai/1/videos/a.mp4",
                "uploadCn": false,
                "prompt": "watercolor",
            }),
            scene: json!({
                "model": "Runway Aleph", "duration": 5, "prompt": "watercolor",
                "video": "https://tempfile.redpandaai.co/kieai/1/videos/a.mp4",
                "params": {"uploadCn": false},
            }),
            step: 0,
            differences: &[],
        },
        Example {
            from: "Runway task of the provider's pages",
            endpoint: "POST /api/v1/runway/generate",
            body: json!({"prompt": "a cat", "imageUrl": "", "expandPrompt": true}),
            scene: json!({"model": "Runway", "duration": 5, "prompt": "a cat"}),
            step: 0,
            // A record leaves most of the request out, and its `expandPrompt` is no field of one.
            differences: &[
                "+ /aspectRatio \"16:9\"",
                "+ /duration 5",
                "+ /quality \"720p\"",
                "- /expandPrompt true",
                "- /imageUrl \"\"",
            ],
        },
        Example {
            from: "market task of the provider's pages",
            endpoint: CREATE,
            body: json!({
                "model": "kling-2.6/text-to-video",
                "input": {"prompt": "a lamp", "duration": "5"},
            }),
            scene: json!({"model": "Kling 2.6", "duration": 5, "prompt": "a lamp"}),
            step: 0,
            // Required since.
            differences: &["+ /input/aspect_ratio \"16:9\"", "+ /input/sound false"],
        },
    ]
}

/// How a request differs from an example, in order.
fn differences(example: &Value, ours: &Value, at: &str) -> Vec<String> {
    let (Some(theirs), Some(own)) = (example.as_object(), ours.as_object()) else {
        return if example == ours {
            Vec::new()
        } else {
            vec![format!("~ {at} {example} -> {ours}")]
        };
    };
    let mut found = Vec::new();
    for (name, value) in theirs {
        match own.get(name) {
            Some(own) => found.extend(differences(value, own, &format!("{at}/{name}"))),
            None => found.push(format!("- {at}/{name} {value}")),
        }
    }
    let more = own.iter().filter(|(name, _)| !theirs.contains_key(*name));
    found.extend(more.map(|(name, value)| format!("+ {at}/{name} {value}")));
    found.sort();
    found
}

fn check(example: &Example, scene: &Value) {
    let step = &scene["steps"][example.step];
    let mut found = differences(&example.body, &step["request"], "");
    let endpoint = step["endpoint"].as_str().expect("an endpoint");
    if endpoint != example.endpoint {
        found.push(format!("~ endpoint {endpoint}"));
    }
    assert_eq!(found, example.differences, "{}: {step:#}", example.from);
}

#[test]
fn every_example_request_is_a_scene_that_asks_for_the_same() {
    let examples: Vec<Example> = of_the_guide().into_iter().chain(of_the_records()).collect();
    assert_eq!(examples.len(), 15);
    let scenes: Vec<Value> = examples
        .iter()
        .enumerate()
        .map(|(number, example)| {
            let mut scene = example.scene.clone();
            scene["id"] = json!(number + 1);
            scene
        })
        .collect();
    let project = Project::new();
    let film = json!({"title": "Examples", "scenes": scenes});
    project.write("storyboard.yaml", film.to_string());
    let plan = project.run(["plan", "--json"]).expect(0).json();
    for (number, example) in examples.iter().enumerate() {
        check(example, &plan["scenes"][number]);
    }
    // None of what the guide got wrong is ever sent.
    let plan = plan.to_string();
    for wrong in
        ["callBackUrl", "kling/text-to-video-2-1", "/runway/aleph/", "/veo/4k", "/veo/1080p"]
    {
        assert!(!plan.contains(wrong), "{wrong}");
    }
}

#[test]
fn an_example_is_the_same_scene_in_markdown() {
    let guide = of_the_guide();
    let named = |from: &str| guide.iter().find(|example| example.from == from).expect("an example");
    let project = Project::with_storyboard(
        "\
## Scene 1: Jazz
- **Model**: Runway
- **Duration**: 5s
- **Resolution**: 1080p
- **Aspect Ratio**: 16:9
- **Prompt**: A cat playing piano in a jazz bar, cinematic lighting, smooth camera pan

## Scene 2: The beach
- **Model**: Veo 3.1 Fast
- **Duration**: 8s
- **Prompt**: A beach at noon

### Extend
The camera continues panning right to reveal the ocean

## Scene 3: Rain
- **Model**: Runway Aleph
- **Duration**: 5s
- **Video**: https://example.com/scene.mp4
- **Prompt**: Remove the person in the background and add gentle rain
",
    );
    let plan = project.run(["plan", "--json"]).expect(0).json();
    check(named("guide, Runway text to video"), &plan["scenes"][0]);
    check(named("guide, Veo extension"), &plan["scenes"][1]);
    check(named("guide, Runway Aleph"), &plan["scenes"][2]);
}

#[test]
fn references_for_the_model_that_takes_none_are_refused_as_the_guide_writes_them() {
    let project = Project::new();
    let scene = json!({
        "id": 1, "model": "Veo 3.1", "duration": 8, "aspect": "16:9",
        "reference": "https://example.com/portrait.jpg",
        "params": {"generationType": "REFERENCE_2_VIDEO"},
        "prompt": "The person in the image slowly turns their head and smiles at the camera",
    });
    project.write("storyboard.yaml", json!({"title": "Portrait", "scenes": [scene]}).to_string());
    project.run(["plan", "--json"]).expect(1).prints(&["`generationType` is always"]);
}

/// The guide's Sora was taken away: its scene is skipped, and the request that it stood for is the documented one.
#[test]
fn the_example_of_a_retired_model_is_never_sent() {
    let prompt = "A golden retriever running through autumn leaves in slow motion";
    let project = Project::new();
    let scene = json!({
        "id": 1, "model": "sora2/text-to-video", "duration": 10, "aspect": "16:9", "prompt": prompt,
    });
    project.write("storyboard.yaml", json!({"title": "Retriever", "scenes": [scene]}).to_string());
    let plan = project.run(["plan", "--json"]).expect(0).json();
    let scene = &plan["scenes"][0];
    assert_eq!(
        (&scene["action"], &scene["reasons"][0]["code"]),
        (&json!("skip"), &json!("retired"))
    );
    assert_eq!(scene["steps"], json!([]));

    let catalog = Catalog::built_in().expect("the built-in catalogue");
    let model = catalog.find("sora2/text-to-video").expect("an old name").models[0];
    let mode = model.mode(ModeKind::T2v).expect("its mode");
    let fields = [("prompt", json!(prompt)), ("aspect_ratio", json!("16:9"))];
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let composed = mode.compose(&Wanted { fields, params: Vec::new() }).expect("a request");
    let request = catalog.family_of(model).request(mode, &composed.parameters);
    let example = json!({
        "model": "sora2/text-to-video",
        "input": {"prompt": prompt, "aspect_ratio": "16:9", "resolution": "1080p"},
    });
    assert_eq!(
        differences(&example, &request.body, ""),
        [
            "+ /input/n_frames \"10\"",
            "+ /input/upload_method \"s3\"",
            "- /input/resolution \"1080p\"",
            "~ /input/aspect_ratio \"16:9\" -> \"landscape\"",
            "~ /model \"sora2/text-to-video\" -> \"sora-2-text-to-video\"",
        ]
    );
}
