//! The manifest: what others wrote comes back as it was.

use super::printed;
use serde_json::{Map, Value, json};
use storyreel::manifest::{AssetEntry, Manifest, NewEntry, safe_filename};
use storyreel::report::sanitise;
use storyreel::storyboard::SceneId;

pub fn check(text: &str) {
    let mut manifest = match Manifest::parse(text) {
        Ok(manifest) => manifest,
        Err(error) => {
            assert!(error.line <= text.matches('\n').count() + 1, "line {}", error.line);
            printed::check_line(&sanitise(&error.to_string(), 600), 601 * 4);
            return;
        }
    };
    assert!(!manifest.is_changed());
    assert_eq!(manifest.to_text(), text, "what nobody changed comes back byte for byte");
    for entry in manifest.renders() {
        if let Some(name) = safe_filename(&entry.filename) {
            assert!(!name.starts_with('/') && name.split('/').all(|part| part != ".."), "{name:?}");
        }
        manifest.history(entry);
    }
    let before: Vec<AssetEntry> = manifest.renders().cloned().collect();
    let slots: Vec<_> = before
        .iter()
        .filter_map(|entry| {
            Some((entry.scene_id.clone()?, entry.storyboard.clone(), entry.variant.clone()))
        })
        .take(3)
        .chain([(SceneId::Number(1), None, None)])
        .collect();
    let new: Vec<NewEntry> = slots.iter().map(new_entry).collect();
    let mut appended = manifest.publish(&new, &mut |_, _| true);
    // One more to choose from, beside the clip that is in its place now.
    let mut beside = new_entry(&slots[0]);
    beside.fields.insert("candidate".to_owned(), json!(true));
    let beside = manifest.publish(&[beside], &mut |_, _| true);
    for one in &beside {
        let entry = manifest.render(&one.id).expect("the candidate");
        assert!(entry.candidate && one.superseded.is_empty(), "{entry:?}");
        assert_eq!(
            entry.superseded_by,
            manifest
                .current(
                    entry.storyboard.as_deref(),
                    entry.variant.as_deref(),
                    &slots[0].0,
                    entry.media
                )
                .map(|entry| entry.id.clone())
        );
    }
    assert!(manifest.pick(&appended[0].id));
    if let Some(first) = before.first()
        && manifest.accept(&first.id, &json!({"prompt": "a lamp\n"}))
    {
        assert!(manifest.is_changed());
    }
    let written = manifest.to_text();
    let read = match Manifest::parse(&written) {
        Ok(read) => read,
        Err(error) => panic!("what was written cannot be read: {error}\n{written}"),
    };
    assert!(
        manifest.renders().eq(read.renders()),
        "what was written is what was meant:\n{written}"
    );
    for ((scene, storyboard, variant), appended) in slots.iter().zip(&appended) {
        let entry = read.render(&appended.id).expect("the entry that was appended");
        assert_eq!(entry.version, appended.version);
        let alone = slots.iter().filter(|slot| slot.0 == *scene).count() == 1;
        if alone {
            let current =
                read.current(storyboard.as_deref(), variant.as_deref(), scene, entry.media);
            assert_eq!(current.map(|entry| entry.id.as_str()), Some(appended.id.as_str()));
        }
    }
    appended.extend(beside);
    kept(text, &written, before.len(), appended.len());
}

fn new_entry((scene, storyboard, variant): &(SceneId, Option<String>, Option<String>)) -> NewEntry {
    let mut fields = Map::from_iter([
        ("scene_id".to_owned(), json!(scene)),
        ("filename".to_owned(), json!(format!("assets/clips/{}.mp4", scene.file_stem()))),
        ("prompt".to_owned(), json!("a \"lamp\"\n\u{1b}")),
        ("sha256".to_owned(), json!("sha256:aa")),
    ]);
    if let Some(storyboard) = storyboard {
        fields.insert("storyboard".to_owned(), json!(storyboard));
    }
    if let Some(variant) = variant {
        fields.insert("variant".to_owned(), json!(variant));
    }
    NewEntry { fields, supersedes: None }
}

/// All that is not ours is there still, in its order.
fn kept(before: &str, after: &str, renders: usize, appended: usize) {
    let read = |text: &str| -> Option<Map<String, Value>> {
        serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()
    };
    // A number that no double holds, say, is no value to us and comes back all the same.
    let Some(mut before) = read(before) else { return };
    let mut after = read(after).expect("JSON as before");
    let list = |map: &mut Map<String, Value>| match map.shift_remove("assets") {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    let (old, new) = (list(&mut before), list(&mut after));
    assert_eq!(before, after, "the other keys of the file");
    assert!(before.keys().eq(after.keys()), "the order of the other keys");
    assert_eq!(new.len(), old.len() + appended);
    let mut changed = 0;
    for (old, new) in old.iter().zip(&new) {
        if old == new {
            continue;
        }
        changed += 1;
        let (Value::Object(old), Value::Object(new)) = (old, new) else {
            panic!("{old} became {new}");
        };
        let of_scene = old.contains_key("scene_id");
        let kind = old.get("type").and_then(Value::as_str);
        assert!(
            kind == Some("video") || (matches!(kind, Some("image" | "audio")) && of_scene),
            "only clips, and stills and voices of scenes, change: {old:?}"
        );
        const OURS: [&str; 3] = ["filename", "superseded_by", "accepted"];
        for (key, value) in old {
            let ours = OURS.contains(&key.as_str());
            assert!(ours || new.get(key) == Some(value), "`{key}` of an older entry changed");
        }
        let gained = new.keys().filter(|key| !old.contains_key(*key));
        for key in gained {
            assert!(OURS.contains(&key.as_str()), "`{key}`");
        }
    }
    assert!(changed <= renders);
}
