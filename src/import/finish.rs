//! What every import ends with: nothing in it leads out of the project, nothing is lost in writing, and what is missing is
//! said.

use super::{Fate, Import, Remark, write};
use crate::source::{Span, Spanned};
use crate::storyboard::field::SHOWN;
use crate::storyboard::{Character, Field, Fields, Input, Scene, SceneId, Value};
use std::collections::HashSet;

/// Checks an import and mends it.
pub(super) fn finish(import: &mut Import) {
    let mut remarks = Vec::new();
    number(import, &mut remarks);
    let ids: HashSet<String> = import.board.scenes.iter().map(|scene| scene.id.key()).collect();
    for scene in &mut import.board.scenes {
        let mut lost = strays(&mut scene.fields, &scene.id, &ids);
        lost.extend(unwritable(&mut scene.fields, &|field, value| {
            write::field(field, value).is_some()
        }));
        if let Some(steps) = &mut scene.steps {
            let before = steps.len();
            steps.retain(|step| write::step(step).is_some());
            let changed = steps.len() < before;
            if changed {
                lost.push(Lost {
                    label: "steps".to_owned(),
                    text: format!("{} steps", before - steps.len()),
                    span: scene.span,
                    why: "a step cannot be written as it is".to_owned(),
                });
            }
            if changed && steps.is_empty() {
                scene.steps = None;
            }
        }
        if let Some(title) = scene.title.take() {
            match write::heading(&scene.id, Some(&title.value)) {
                Some(_) => scene.title = Some(title),
                None => lost.push(Lost {
                    label: "title".to_owned(),
                    text: title.value,
                    span: title.span,
                    why: "no heading can hold this title".to_owned(),
                }),
            }
        }
        for lost in lost {
            add_note(scene, &format!("{}: {}", lost.label, lost.text));
            remarks.push(lost.remark(Fate::InNotes));
        }
        missing(scene, &mut remarks);
        footage(scene, &mut remarks);
    }
    let mut lost = strays(&mut import.board.defaults, &SceneId::Text(String::new()), &ids);
    lost.extend(unwritable(&mut import.board.defaults, &|field, value| {
        write::default(field, value).is_some()
    }));
    if let Some(title) = import.board.title.take_if(|title| !write::holds_title(&title.value)) {
        lost.push(Lost {
            label: "title".to_owned(),
            text: title.value,
            span: title.span,
            why: "front matter cannot hold this title".to_owned(),
        });
    }
    for character in std::mem::take(&mut import.board.characters) {
        let Some(character) = kept_character(character, &mut lost) else { continue };
        let same = |known: &Character| {
            known.name.value.to_lowercase() == character.name.value.to_lowercase()
        };
        if import.board.characters.iter().any(same) {
            lost.push(Lost {
                label: format!("character {}", character.name.value),
                text: character.look.map(|look| look.value).unwrap_or_default(),
                span: character.name.span,
                why: "two characters have one name".to_owned(),
            });
            continue;
        }
        import.board.characters.push(character);
    }
    for lost in lost {
        import.notes.push(format!("{}: {}", lost.label, lost.text));
        remarks.push(lost.remark(Fate::InFilmNotes));
    }
    durations(import, &mut remarks);
    import.remarks.append(&mut remarks);
    import.notes.retain(|note| !note.trim().is_empty());
    import.remarks.sort_by_key(|remark| (remark.span.start, remark.fate));
}

struct Lost {
    label: String,
    text: String,
    span: Span,
    why: String,
}

impl Lost {
    fn remark(self, fate: Fate) -> Remark {
        Remark {
            fate,
            label: self.label,
            value: self.text,
            message: self.why,
            span: self.span,
            places: 1,
        }
    }
}

/// Adds a line to a scene's notes.
pub(super) fn add_note(scene: &mut Scene, text: &str) {
    let line: String = text.chars().filter(|c| !crate::source::steers(*c)).collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let notes = match scene.fields.text(Field::Notes) {
        Some(old) => format!("{old}\n{line}"),
        None => line,
    };
    scene.fields.set(Field::Notes, Spanned::new(Value::Text(notes), scene.span));
}

/// True for a path that may lead out of the project: absolute, upwards, a home folder, a drive.
pub(super) fn leads_out(path: &str) -> bool {
    let bytes = path.as_bytes();
    path.starts_with(['/', '\\', '~'])
        || bytes.get(1) == Some(&b':')
        || path.split(['/', '\\']).any(|part| part == "..")
        || path.to_ascii_lowercase().starts_with("file:")
        || path.contains('\0')
}

/// Takes away files outside of the project and scenes that are not there.
fn strays(fields: &mut Fields, own: &SceneId, ids: &HashSet<String>) -> Vec<Lost> {
    let mut lost = Vec::new();
    let all: Vec<(Field, Spanned<Value>)> =
        fields.iter().map(|(field, value)| (field, value.clone())).collect();
    for (field, value) in all {
        let mut take = |text: String, why: &str| {
            lost.push(Lost {
                label: field.name().to_owned(),
                text,
                span: value.span,
                why: why.to_owned(),
            });
        };
        let outside = "it leads out of the project, and an import opens no such file";
        match &value.value {
            Value::Inputs(inputs) => {
                let mut kept = Vec::new();
                for input in inputs {
                    match input {
                        Input::Path(path) if leads_out(path) => take(path.clone(), outside),
                        Input::Scene { id, .. } => {
                            let key = SceneId::parse(id).key();
                            if ids.contains(&key) && key != own.key() {
                                kept.push(input.clone());
                            } else {
                                take(format!("scene:{id}"), "there is no such scene");
                            }
                        }
                        _ => kept.push(input.clone()),
                    }
                }
                if kept.len() < inputs.len() {
                    fields.remove(field);
                    if !kept.is_empty() {
                        fields.set(field, Spanned::new(Value::Inputs(kept), value.span));
                    }
                }
            }
            Value::Text(text) if field == Field::File && leads_out(text) => {
                take(text.clone(), outside);
                fields.remove(field);
            }
            Value::Text(text) if field == Field::Extends => {
                let key = SceneId::parse(text).key();
                if !ids.contains(&key) || key == own.key() {
                    take(text.clone(), "there is no such scene");
                    fields.remove(field);
                }
            }
            _ => {}
        }
    }
    lost
}

/// Takes away what would be read as something else than it is.
fn unwritable(fields: &mut Fields, can: &dyn Fn(Field, &Value) -> bool) -> Vec<Lost> {
    let bad: Vec<(Field, Spanned<Value>)> = fields
        .iter()
        .filter(|(field, value)| !can(*field, &value.value))
        .map(|(field, value)| (field, value.clone()))
        .collect();
    bad.into_iter()
        .map(|(field, value)| {
            fields.remove(field);
            let text = match value.value {
                Value::Text(text) => text,
                other => serde_json::to_string(&other).unwrap_or_default(),
            };
            Lost {
                label: field.name().to_owned(),
                text,
                span: value.span,
                why: format!("it cannot be written as `{}`", field.name()),
            }
        })
        .collect()
}

/// Words on one line, without what steers a terminal.
fn one_line(text: &str) -> String {
    let text: String = text.chars().filter(|c| *c == '\n' || !crate::source::steers(*c)).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn kept_character(mut character: Character, lost: &mut Vec<Lost>) -> Option<Character> {
    let images = std::mem::take(&mut character.images);
    for image in images {
        match &image.value {
            Input::Path(path) if leads_out(path) => lost.push(Lost {
                label: format!("image of {}", character.name.value),
                text: path.clone(),
                span: image.span,
                why: "it leads out of the project, and an import opens no such file".to_owned(),
            }),
            _ => character.images.push(image),
        }
    }
    character.name = character.name.map(|name| one_line(&name));
    character.look = character.look.map(|look| look.map(|look| one_line(&look)));
    if write::holds_character(&character) {
        return Some(character);
    }
    let look = character.look.map(|look| look.value).unwrap_or_default();
    lost.push(Lost {
        label: format!("character {}", character.name.value),
        text: look,
        span: character.name.span,
        why: "front matter cannot hold this character".to_owned(),
    });
    None
}

/// A scene that the reader knows by nothing but its number gets one.
fn number(import: &mut Import, remarks: &mut Vec<Remark>) {
    let mut taken: HashSet<String> =
        import.board.scenes.iter().map(|scene| scene.id.key()).collect();
    let mut renamed = Vec::new();
    for (index, scene) in import.board.scenes.iter_mut().enumerate() {
        let fits = write::heading(&scene.id, None).is_some();
        if matches!(scene.id, SceneId::Number(_)) || (fits && write::is_read(scene)) {
            continue;
        }
        let mut number = index as u64 + 1;
        while !taken.insert(number.to_string()) {
            number += 1;
        }
        let old = std::mem::replace(&mut scene.id, SceneId::Number(number));
        remarks.push(Remark {
            fate: Fate::Changed,
            label: "id".to_owned(),
            value: old.to_string(),
            message: if fits {
                format!(
                    "scene `{old}` shows nothing that tells it from a heading: it is `{number}`"
                )
            } else {
                format!("no heading can hold the id `{old}`: the scene is `{number}`")
            },
            span: scene.span,
            places: 1,
        });
        renamed.push((old, number));
    }
    // Scenes that start from it find it under its number.
    for (old, number) in renamed {
        for scene in &mut import.board.scenes {
            let all: Vec<(Field, Spanned<Value>)> =
                scene.fields.iter().map(|(field, value)| (field, value.clone())).collect();
            for (field, value) in all {
                let changed = match value.value {
                    Value::Text(text)
                        if field == Field::Extends && SceneId::parse(&text) == old =>
                    {
                        Value::Text(number.to_string())
                    }
                    Value::Inputs(inputs) => Value::Inputs(
                        inputs
                            .into_iter()
                            .map(|input| match input {
                                Input::Scene { id, frame } if SceneId::parse(&id) == old => {
                                    Input::Scene { id: number.to_string(), frame }
                                }
                                other => other,
                            })
                            .collect(),
                    ),
                    _ => continue,
                };
                scene.fields.set(field, Spanned::new(changed, value.span));
            }
        }
    }
}

fn missing(scene: &Scene, remarks: &mut Vec<Remark>) {
    let kind = scene.fields.text(Field::Kind);
    let shows = SHOWN.iter().any(|field| scene.fields.has(*field))
        || matches!(kind, Some("black" | "footage"))
        || (kind == Some("title") && (scene.fields.has(Field::Text) || scene.title.is_some()));
    if !shows {
        remarks.push(Remark {
            fate: Fate::Missing,
            label: "visual".to_owned(),
            value: scene.id.to_string(),
            message: format!("scene `{}` says nothing of what is seen", scene.id),
            span: scene.span,
            places: 1,
        });
    }
}

/// Footage has to be named; nothing makes it.
fn footage(scene: &Scene, remarks: &mut Vec<Remark>) {
    if scene.fields.text(Field::Kind) == Some("footage") && !scene.fields.has(Field::File) {
        remarks.push(Remark {
            fate: Fate::Missing,
            label: "file".to_owned(),
            value: scene.id.to_string(),
            message: format!("scene `{}` is footage and names no file", scene.id),
            span: scene.span,
            places: 1,
        });
    }
}

fn durations(import: &Import, remarks: &mut Vec<Remark>) {
    let board = &import.board;
    if board.defaults.has(Field::Duration) {
        return;
    }
    let clips = || board.scenes.iter().filter(|scene| !scene.fields.is_still());
    let timeless = clips().filter(|scene| !scene.fields.has(Field::Duration)).count();
    // That the last scene has no end was said.
    let said =
        import.remarks.iter().any(|remark| remark.fate == Fate::Missing && remark.label == "start");
    if timeless == 1 && said {
        return;
    }
    let ids: Vec<String> = clips()
        .filter(|scene| !scene.fields.has(Field::Duration))
        .map(|scene| scene.id.to_string())
        .collect();
    let Some(first) = clips().find(|scene| !scene.fields.has(Field::Duration)) else { return };
    let message = match ids.as_slice() {
        _ if timeless == board.scenes.len() => {
            "no scene has a duration: each gets its model's default clip length".to_owned()
        }
        [id] => format!("scene `{id}` has no duration: it gets its model's default clip length"),
        ids => {
            let named = ids.iter().take(6).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = if ids.len() > 6 { ", ..." } else { "" };
            format!(
                "scenes {named}{more} have no duration: each gets its model's default clip length"
            )
        }
    };
    remarks.push(Remark {
        fate: Fate::Missing,
        label: "duration".to_owned(),
        value: String::new(),
        message,
        span: first.span,
        places: 1,
    });
}

#[cfg(test)]
mod tests {
    use super::leads_out;

    #[test]
    fn paths_that_lead_out() {
        for path in [
            "/etc/passwd",
            "../x.png",
            "a/../../b.png",
            "~/x.png",
            "C:\\x.png",
            "\\\\host\\x",
            "FILE:x.png",
        ] {
            assert!(leads_out(path), "{path}");
        }
        for path in ["refs/ada.png", "a..b.png", "./refs/x.png", "img-003"] {
            assert!(!leads_out(path), "{path}");
        }
    }
}
