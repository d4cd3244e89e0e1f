//! Character sheets: a character of whom a reference picture is to be made gets a scene of its own, a still before the
//! first scene, whose picture is then the character's.

use super::document::{Drafted, slug};
use super::field::{Field, FrameOf, Input, STILL, Value};
use super::input;
use super::node::{Node, NodeKind};
use super::problems::{Problems, quoted};
use super::scene::{Character, Scene, SceneId, Sheet};
use super::words::plain;
use super::{Fields, absent};
use crate::source::{Diagnostic, Spanned};
use std::collections::HashMap;

/// What a sheet shows beside the look where its author says no more. It is part of the asks that are recorded: other
/// words here would make every sheet anew.
const SHOWN: &str = "A character sheet: the same figure from the front, in profile and from behind, all of it, \
                     on a plain light background";

/// True for the path or link of a picture.
pub(super) fn is_picture(node: &Node) -> bool {
    match &node.kind {
        NodeKind::List(_) => true,
        _ => node.as_text().is_some_and(|text| input::parse_unless_words(text).is_some()),
    }
}

/// Reads the value of `sheet`: `on`, `off`, or what the sheet shows.
pub(super) fn read(name: &str, node: &Node, problems: &mut Problems<'_>) -> Option<Spanned<Sheet>> {
    let NodeKind::Scalar(scalar) = &node.kind else {
        if node.kind != NodeKind::Null {
            problems.push(
                Diagnostic::error(
                    "wrong-value",
                    format!("the sheet of {} is `on` or words, not {}", quoted(name), node.described()),
                    node.span,
                )
                .label("neither of them")
                .hint("write `sheet: on`, or what it shows: `sheet: full figure, front and side, plain grey`"),
            );
        }
        return None;
    };
    let words = plain(node)?;
    let sheet = match words.value.to_lowercase().as_str() {
        "on" | "true" | "yes" => Sheet::On,
        "off" | "false" | "no" => Sheet::Off,
        _ if absent::is_nothing(scalar) => Sheet::Off,
        _ => Sheet::Words(words.value),
    };
    Some(Spanned::new(sheet, words.span))
}

/// Puts the scenes of all sheets before the first scene, and the sheets in the place of the characters' own pictures.
pub(super) fn add(drafted: &mut Drafted, problems: &mut Problems<'_>) {
    let board = &mut drafted.storyboard;
    let wanted = |character: &Character| {
        character.sheet.as_ref().is_some_and(|sheet| sheet.value != Sheet::Off)
    };
    if !board.characters.iter().any(wanted) {
        return;
    }
    let mut taken: HashMap<String, _> = HashMap::new();
    for scene in &board.scenes {
        taken.entry(scene.id.file_stem().to_lowercase()).or_insert(scene.id_span);
    }
    let mut sheets = Vec::new();
    for character in board.characters.iter_mut().filter(|character| wanted(character)) {
        let Some(scene) = scene_of(character, problems) else { continue };
        let file = scene.id.file_stem().to_lowercase();
        if let Some(other) = taken.get(&file) {
            problems.push(
                Diagnostic::error(
                    "duplicate-id",
                    format!(
                        "the sheet of {} is scene {}, and another scene is called so",
                        quoted(&character.name.value),
                        quoted(&scene.id.to_string())
                    ),
                    scene.id_span,
                )
                .label("makes a scene of this name")
                .related(*other, "the other scene")
                .hint("give the other scene, or the character, another name"),
            );
            continue;
        }
        taken.insert(file, scene.id_span);
        let picture = Input::Scene { id: scene.id.to_string(), frame: FrameOf::Last };
        character.images = vec![Spanned::new(picture, scene.id_span)];
        sheets.push(scene);
    }
    for index in &mut drafted.broken {
        *index += sheets.len();
    }
    board.scenes.splice(0..0, sheets);
}

/// The scene of a character's sheet.
fn scene_of(character: &Character, problems: &mut Problems<'_>) -> Option<Scene> {
    let sheet = character.sheet.as_ref()?;
    let name = &character.name.value;
    let span = sheet.span;
    let look = character.look.as_ref().map(|look| look.value.as_str());
    let mut fields = Fields::default();
    let mut put = |field, value| fields.set(field, Spanned::new(value, span));
    put(Field::Kind, Value::Text(STILL.to_owned()));
    match (&sheet.value, look) {
        (Sheet::Words(words), look) => {
            put(Field::Prompt, Value::Text(followed(words, look)));
        }
        (_, None) if character.images.is_empty() => {
            problems.push(
                Diagnostic::error(
                    "nothing-to-show",
                    format!("the sheet of {} has nothing to show", quoted(name)),
                    span,
                )
                .label("no look, no image")
                .hint("describe the character with `look`, or write here what the sheet shows"),
            );
            return None;
        }
        (_, look) => {
            if let Some(look) = look {
                put(Field::Visual, Value::Text(look.to_owned()));
            }
            put(Field::Setting, Value::Text(SHOWN.to_owned()));
        }
    }
    if !character.images.is_empty() {
        let images = character.images.iter().map(|image| image.value.clone());
        put(Field::Reference, Value::Inputs(images.collect()));
    }
    let slug = slug(name);
    let slug = if slug.is_empty() { "character" } else { &slug };
    Some(Scene {
        id: SceneId::Text(format!("sheet-{slug}")),
        id_span: span,
        title: Some(Spanned::new(format!("Character sheet: {name}"), span)),
        span,
        fields,
        // The steps of a film are those of its clips.
        steps: Some(Vec::new()),
        unknown: Vec::new(),
        sheet_of: Some(name.clone()),
    })
}

/// The words of a sheet, followed by the look.
fn followed(words: &str, look: Option<&str>) -> String {
    let Some(look) = look else { return words.to_owned() };
    let ended = words.ends_with(['.', '!', '?', ':', ';', ',', '。', '！', '？', '…']);
    format!("{words}{} {look}", if ended { "" } else { "." })
}
