//! What must hold for a storyboard as a whole: ids, something to show, references that lead somewhere.

use super::document::{Drafted, slug_or_number};
use super::field::{Field, Input, SHOWN, Value};
use super::problems::{Problems, nearest, quoted};
use super::scene::{Scene, SceneId, Storyboard};
use crate::source::{Diagnostic, Source, Span};
use std::collections::{HashMap, HashSet};

/// Checks a storyboard that was read.
pub(super) fn check(drafted: &Drafted, problems: &mut Problems<'_>) {
    let storyboard = &drafted.storyboard;
    ids(storyboard, problems);
    let mut broken = drafted.broken.iter().copied().peekable();
    for (index, scene) in storyboard.scenes.iter().enumerate() {
        let was_broken = broken.next_if_eq(&index).is_some();
        if !was_broken && !has_something_to_show(scene) {
            nothing_to_show(scene, problems);
        }
    }
    references(storyboard, problems);
    characters(storyboard, problems);
}

/// What version control leaves where two branches changed the same lines: nobody has decided yet what is meant, and the marks
/// would be words of a prompt.
pub(super) fn conflicts(source: &Source, problems: &mut Problems<'_>) {
    let mut open: Option<Span> = None;
    let mut at = 0;
    for line in source.text().split_inclusive('\n') {
        let span = Span { start: at, end: at + line.trim_end().len() };
        at += line.len();
        if line.starts_with("<<<<<<< ") {
            open = Some(span);
        } else if line.starts_with(">>>>>>> ")
            && let Some(first) = open.take()
        {
            problems.push(
                Diagnostic::error(
                    "merge-conflict",
                    "version control has left a conflict here",
                    first,
                )
                .label("begins here")
                .related(span, "ends here")
                .hint("choose one of the two versions, or write a third, and take the lines of marks out"),
            );
        }
    }
}

fn ids(storyboard: &Storyboard, problems: &mut Problems<'_>) {
    let mut by_key: HashMap<String, Span> = HashMap::new();
    let mut by_file: HashMap<String, (Span, &SceneId)> = HashMap::new();
    for (index, scene) in storyboard.scenes.iter().enumerate() {
        if let SceneId::Text(id) = &scene.id
            && !is_plain(id)
        {
            // Selections such as `1,3-5,intro,7:upscale` could not name such a scene.
            let better = slug_or_number(id, index).to_string();
            problems.push(
                Diagnostic::error(
                    "wrong-id",
                    format!("{} cannot be the id of a scene", quoted(id)),
                    scene.id_span,
                )
                .label("an id has letters, digits, `.`, `_` and `-`")
                .hint(format!("write {}, and put the words into `title`", quoted(&better))),
            );
        }
        let line = |span: Span| problems.source().line(span.start);
        if let Some(first) = by_key.get(&scene.id.key()) {
            let (first_line, second_line) = (line(*first), line(scene.id_span));
            problems.push(
                Diagnostic::error(
                    "duplicate-id",
                    format!(
                        "two scenes are called {}, on lines {first_line} and {second_line}",
                        quoted(&scene.id.to_string())
                    ),
                    scene.id_span,
                )
                .label("second scene of this name")
                .related(*first, "first scene of this name")
                .hint("give one of them another id, such as `12A`; gaps and any order are fine"),
            );
            continue;
        }
        by_key.insert(scene.id.key(), scene.id_span);
        let file = scene.id.file_stem().to_lowercase();
        if let Some((first, other)) = by_file.get(&file) {
            problems.push(
                Diagnostic::error(
                    "same-file",
                    format!(
                        "scenes {} and {} would both be `{}.mp4`",
                        quoted(&other.to_string()),
                        quoted(&scene.id.to_string()),
                        scene.id.file_stem()
                    ),
                    scene.id_span,
                )
                .label("second scene of this file")
                .related(*first, "first scene of this file")
                .hint("choose ids that differ in letters or digits, not only in case or marks"),
            );
            continue;
        }
        by_file.insert(file, (scene.id_span, &scene.id));
    }
}

/// True for an id that can be selected on the command line and is a file name.
fn is_plain(id: &str) -> bool {
    id.chars().count() <= 80
        && id.chars().any(char::is_alphanumeric)
        && id.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

fn has_something_to_show(scene: &Scene) -> bool {
    if SHOWN.iter().any(|field| scene.fields.has(*field)) {
        return true;
    }
    match scene.fields.text(Field::Kind) {
        // That footage needs a file is told by whoever knows files.
        Some("black" | "footage") => true,
        Some("title") => scene.fields.has(Field::Text) || scene.title.is_some(),
        _ => false,
    }
}

fn nothing_to_show(scene: &Scene, problems: &mut Problems<'_>) {
    problems.push(
        Diagnostic::error(
            "nothing-to-show",
            format!("scene {} has nothing to show", quoted(&scene.id.to_string())),
            scene.span,
        )
        .label("no visual, prompt, image or file")
        .hint("add `visual` with what is seen, or `file` with footage that exists"),
    );
}

/// `scene:3` and `extends` must name scenes of this storyboard.
fn references(storyboard: &Storyboard, problems: &mut Problems<'_>) {
    let keys: HashSet<String> = storyboard.scenes.iter().map(|scene| scene.id.key()).collect();
    let mut searches = 0;
    let mut check = |id: &str, own: Option<&SceneId>, span: Span, problems: &mut Problems<'_>| {
        let key = SceneId::parse(id).key();
        let itself = own.is_some_and(|own| own.key() == key);
        if keys.contains(&key) && !itself {
            return;
        }
        let message = if itself {
            format!("scene {} starts from itself", quoted(id))
        } else {
            format!("there is no scene {}", quoted(id))
        };
        searches += 1;
        let suggestion =
            if itself || id.len() < 3 || searches > 50 || storyboard.scenes.len() > 2000 {
                None
            } else {
                nearest(id, keys.iter().map(String::as_str))
            };
        problems.push(
            Diagnostic::error("unknown-scene", message, span).label("no such scene").hint(
                suggestion.map_or_else(
                    || "name another scene of this storyboard by its id".to_owned(),
                    |near| format!("did you mean {}?", quoted(near)),
                ),
            ),
        );
    };
    let all = std::iter::once((None, &storyboard.defaults)).chain(
        storyboard.scenes.iter().flat_map(|scene| {
            let steps = scene.steps.iter().flatten().map(|step| &step.fields);
            std::iter::once(&scene.fields).chain(steps).map(move |fields| (Some(&scene.id), fields))
        }),
    );
    for (own, fields) in all {
        for (field, value) in fields.iter() {
            match &value.value {
                Value::Inputs(inputs) => {
                    for input in inputs {
                        if let Input::Scene { id, .. } = input {
                            check(id, own, value.span, problems);
                        }
                    }
                }
                Value::Text(id) if field == Field::Extends => {
                    check(id, own, value.span, problems);
                }
                _ => {}
            }
        }
    }
}

/// Characters that scenes name must be described where any is.
fn characters(storyboard: &Storyboard, problems: &mut Problems<'_>) {
    let mut known: HashMap<String, Span> = HashMap::new();
    for character in &storyboard.characters {
        if let Some(first) = known.insert(character.name.value.to_lowercase(), character.name.span)
        {
            problems.push(
                Diagnostic::error(
                    "duplicate-character",
                    format!("two characters are called {}", quoted(&character.name.value)),
                    character.name.span,
                )
                .label("second one")
                .related(first, "first one")
                .hint("give one of them another name"),
            );
        }
    }
    if known.is_empty() {
        return;
    }
    let mut reported = HashSet::new();
    for scene in &storyboard.scenes {
        let Some(value) = scene.fields.get(Field::Characters) else { continue };
        let Value::Names(names) = &value.value else { continue };
        for name in names {
            let key = name.to_lowercase();
            if known.contains_key(&key) || reported.len() >= 200 || !reported.insert(key) {
                continue;
            }
            let near = nearest(
                name,
                storyboard
                    .characters
                    .iter()
                    .take(200)
                    .map(|character| character.name.value.as_str()),
            );
            problems.push(
                Diagnostic::warning(
                    "unknown-character",
                    format!("no character is called {}", quoted(name)),
                    value.span,
                )
                .label("no look is known")
                .hint(near.map_or_else(
                    || "describe this character under `characters:` in the front matter".to_owned(),
                    |near| format!("did you mean {}?", quoted(near)),
                )),
            );
        }
    }
}
