//! The manifest: what other tools wrote comes back as it was.

use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};
use storyreel::manifest::{Manifest, Media, NewEntry};
use storyreel::storyboard::SceneId;

fn new_entry(scene: Value, fields: Value) -> NewEntry {
    let mut all = Map::from_iter([
        ("scene_id".to_owned(), scene.clone()),
        ("filename".to_owned(), json!(format!("assets/clips/scene-0{scene}.mp4"))),
        ("sha256".to_owned(), json!("sha256:aa")),
    ]);
    all.extend(fields.as_object().cloned().unwrap_or_default());
    NewEntry { fields: all, supersedes: None }
}

fn publish(manifest: &mut Manifest, new: &[NewEntry]) -> Vec<storyreel::manifest::Appended> {
    manifest.publish(new, &mut |_, _| true)
}

#[test]
fn the_first_entry_of_a_project_has_all_keys_in_order() {
    let mut manifest = Manifest::empty();
    publish(
        &mut manifest,
        &[new_entry(
            json!(3),
            json!({"prompt": "dawn", "credits": 60, "parts": {"prompt": "dawn"}}),
        )],
    );
    insta::assert_snapshot!(manifest.to_text(), @r#"
    {
      "version": "1.0",
      "assets": [
        {
          "id": "vid-001",
          "type": "video",
          "filename": "assets/clips/scene-03.mp4",
          "prompt": "dawn",
          "model": null,
          "parameters": null,
          "created_at": null,
          "scene_id": 3,
          "version": 1,
          "model_id": null,
          "task_id": null,
          "fingerprint": null,
          "parts": {
            "prompt": "dawn"
          },
          "ask": null,
          "take": null,
          "sha256": "sha256:aa",
          "bytes": null,
          "probe": null,
          "credits": 60,
          "seed": null,
          "inputs": null,
          "steps": null
        }
      ]
    }
    "#);
}

const FOREIGN: &str = "{\n    \"version\": \"1.0\", \"tool\": {\"b\": 1.0, \"a\": 1e3},\n    \"assets\": [\n\
    \x20       {\"id\": \"img-012\", \"type\": \"image\", \"odd\": 12345678901234567890123, \"s\": \"\\u00e9\"},\n\
    \x20       7, null, \"text\", [1],\n\
    \x20       {\"id\": \"vid-041\", \"type\": \"audio\"},\n\
    \x20       {\"filename\": \"assets/clips/scene-01.mp4\",   \"id\": \"vid-007\", \"type\": \"video\",\n\
    \x20        \"scene_id\": 1, \"version\": 2, \"mine\": 1.50}\n    ],\n    \"after\": []\n}";

#[test]
fn bytes_of_other_tools_come_back() {
    let mut manifest = Manifest::parse(FOREIGN).unwrap();
    assert_eq!(manifest.to_text(), FOREIGN);
    let done = publish(&mut manifest, &[new_entry(json!(1), json!({}))]);
    assert_eq!((done[0].id.as_str(), done[0].version), ("vid-042", 3));
    let text = manifest.to_text();
    let edited = FOREIGN
        .replace("clips/scene-01.mp4", "clips/takes/scene-01.v2.mp4")
        .replace("\"version\": 2", "\"version\": 2, \"superseded_by\": \"vid-042\"");
    let (before, after) = edited.split_once("\n    ],\n    \"after\"").unwrap();
    assert!(text.starts_with(before), "{text}");
    assert!(text.ends_with(&format!("\n    ],\n    \"after\"{after}")), "{text}");
    // What is written is read back the same.
    let again = Manifest::parse(&text).unwrap();
    assert_eq!(again.renders().collect::<Vec<_>>(), manifest.renders().collect::<Vec<_>>());
    assert_eq!(again.to_text(), text);
}

#[test]
fn every_layout_of_the_file_takes_an_entry() {
    for text in [
        "{}",
        "{\"version\":\"1.0\"}",
        "{\n\t\"version\": \"1.0\"\n}\n",
        "{\"assets\":[]}",
        "{\"assets\": [ ]}",
        "\u{feff}{\r\n  \"assets\": [\r\n  ]\r\n}\r\n",
        "{\"assets\":[{\"id\":\"img-1\"}]}",
        "{\"assets\":[{}]}",
        "{\"assets\": [1], \"assets\": [\n{\"id\": \"x\"}\n]}",
        " {\"a\\u0073sets\": []} ",
    ] {
        let mut manifest = Manifest::parse(text).unwrap();
        publish(&mut manifest, &[new_entry(json!(1), json!({}))]);
        publish(&mut manifest, &[new_entry(json!("12A"), json!({}))]);
        publish(&mut manifest, &[new_entry(json!(1), json!({"sha256": "sha256:bb"}))]);
        let written = manifest.to_text();
        let again = Manifest::parse(&written).unwrap_or_else(|error| panic!("{error}\n{written}"));
        let ids: Vec<_> = again.renders().map(|entry| (entry.id.as_str(), entry.version)).collect();
        assert_eq!(ids, [("vid-001", 1), ("vid-002", 1), ("vid-003", 2)], "{written}");
        assert_eq!(again.render("vid-001").unwrap().superseded_by.as_deref(), Some("vid-003"));
        assert_eq!(written.ends_with('\n'), text.ends_with('\n'), "{written:?}");
        assert_eq!(written.contains("\r\n"), text.contains("\r\n"), "{written:?}");
        assert!(
            !text.contains("\r\n") || !written.replace("\r\n", "").contains('\n'),
            "{written:?}"
        );
    }
}

#[test]
fn the_current_entry_is_the_last_that_nothing_superseded() {
    let manifest = Manifest::parse(
        r#"{"assets": [
        {"id": "a", "type": "video", "scene_id": 1, "version": 1, "superseded_by": "b"},
        {"id": "b", "type": "video", "scene_id": 1, "version": 2},
        {"id": "c", "type": "video", "scene_id": "1", "variant": "de"},
        {"id": "d", "type": "video", "scene_id": 1, "storyboard": "other.md"},
        {"id": "e", "type": "image", "scene_id": 1},
        {"id": "f", "type": "video", "scene_id": 1, "version": 3, "superseded_by": "gone"}]}"#,
    )
    .unwrap();
    let current = |storyboard, variant| {
        manifest
            .current(storyboard, variant, &SceneId::Number(1), Media::Video)
            .map(|entry| entry.id.as_str())
    };
    assert_eq!(current(None, None), Some("b"));
    assert_eq!(current(Some(""), Some("")), Some("b"));
    assert_eq!(current(None, Some("de")), Some("c"));
    assert_eq!(current(Some("other.md"), None), Some("d"));
    assert_eq!(current(Some("third.md"), None), None);
    let history: Vec<_> = manifest
        .history(manifest.render("b").unwrap())
        .iter()
        .map(|entry| entry.id.as_str())
        .collect();
    assert_eq!(history, ["a"]);
}

#[test]
fn a_move_of_several_scenes_keeps_each_history() {
    let mut manifest = Manifest::empty();
    let scenes = [3, 4].map(|scene| new_entry(json!(scene), json!({"sha256": scene.to_string()})));
    publish(&mut manifest, &scenes);
    let moved = [(4, "vid-001"), (5, "vid-002")].map(|(scene, old)| NewEntry {
        supersedes: Some(old.to_owned()),
        ..new_entry(json!(scene), json!({"restored_from": old}))
    });
    let done = publish(&mut manifest, &moved);
    let old = |id: &str| {
        let entry = manifest.render(id).unwrap();
        (entry.superseded_by.clone().unwrap_or_default(), entry.filename.clone())
    };
    assert_eq!(old("vid-001"), ("vid-003".into(), "assets/clips/takes/scene-03.v1.mp4".into()));
    assert_eq!(old("vid-002"), ("vid-004".into(), "assets/clips/takes/scene-04.v1.mp4".into()));
    assert_eq!(done.iter().map(|done| done.version).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(manifest.current(None, None, &SceneId::Number(3), Media::Video), None);
    assert_eq!(
        manifest.current(None, None, &SceneId::Number(4), Media::Video).unwrap().id,
        "vid-003"
    );
}

#[test]
fn a_name_under_takes_is_used_once() {
    let mut manifest = Manifest::parse(
        r#"{"assets": [{"id": "vid-001", "type": "video", "filename": "assets/clips/takes/scene-01.v1.mp4"},
            {"id": "vid-002", "type": "video", "scene_id": 1, "filename": "assets/clips/scene-01.mp4"}]}"#,
    )
    .unwrap();
    let done = manifest.publish(&[new_entry(json!(1), json!({}))], &mut |name, _| {
        name != "assets/clips/takes/scene-01.v1.2.mp4"
    });
    assert_eq!(done[0].superseded[0].to, "assets/clips/takes/scene-01.v1.3.mp4");
    let mut manifest = Manifest::parse(
        r#"{"assets": [{"id": "vid-002", "type": "video", "scene_id": 1, "filename": "../../x.mp4"}]}"#,
    )
    .unwrap();
    let done = publish(&mut manifest, &[new_entry(json!(1), json!({}))]);
    assert_eq!(done[0].superseded[0].to, "../../x.mp4");
}

#[test]
fn accepting_adds_an_ask_once() {
    let mut manifest = Manifest::parse(FOREIGN).unwrap();
    assert!(manifest.accept("vid-007", &json!({"visual": "dusk"})));
    assert!(manifest.accept("vid-007", &json!({"visual": "dusk"})));
    assert!(manifest.accept("vid-007", &json!({"visual": "noon"})));
    assert!(!manifest.accept("img-012", &json!({})));
    let again = Manifest::parse(&manifest.to_text()).unwrap();
    let accepted = &again.render("vid-007").unwrap().accepted;
    assert_eq!(accepted, &[json!({"visual": "dusk"}), json!({"visual": "noon"})]);
}

/// A generous bound for unoptimised builds; the measured time is printed.
#[test]
fn a_thousand_entries_are_read_quickly() {
    let mut manifest = Manifest::empty();
    let ask = json!({"visual": "a lighthouse on a rock ".repeat(40), "camera": "dolly in", "duration": 8});
    let entries: Vec<NewEntry> = (1..=1000)
        .map(|scene| {
            let fields = json!({"prompt": "a lighthouse ".repeat(60), "ask": ask, "take": 1,
                "parts": {"prompt": "a lighthouse ".repeat(50), "model": "veo3_fast"},
                "probe": {"duration": 8.0, "width": 1280, "height": 720, "fps": 24.0, "codec": "h264"}});
            new_entry(json!(scene), fields)
        })
        .collect();
    publish(&mut manifest, &entries);
    let text = manifest.to_text();
    assert!(text.len() > 3_000_000, "{}", text.len());
    let start = Instant::now();
    let manifest = Manifest::parse(&text).unwrap();
    let took = start.elapsed();
    eprintln!("parse {took:?}");
    assert_eq!(manifest.renders().count(), 1000);
    assert!(took < Duration::from_secs(2), "{took:?}");
}
