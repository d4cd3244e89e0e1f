//! A tree as a storyboard: YAML and JSON documents, and the front matter of Markdown ones.

use super::draft::{Draft, Place, is_scene_label, known};
use super::field::{Field, Input, normalise_label};
use super::include;
use super::input;
use super::node::{Node, NodeKind};
use super::problems::{Problems, first_line, quoted};
use super::profiles;
use super::scene::{Character, Include, SceneId, Storyboard};
use super::sheets;
use super::words;
use crate::source::{Diagnostic, Span, Spanned};

/// Top-level keys that hold the scenes.
const SCENES_KEYS: &[&str] =
    &["scenes", "shots", "cuts", "clips", "frames", "panels", "storyboard"];

/// What to write where scenes are missing.
pub(super) const SCENES_HINT: &str =
    "write `scenes:` with entries such as `- {id: 1, visual: A lighthouse at dawn, duration: 5}`";

/// Top-level keys about the document itself: other tools' business, kept out of every scene without a word.
const ABOUT: &[&str] = &[
    "version",
    "formatversion",
    "author",
    "authors",
    "director",
    "writer",
    "date",
    "created",
    "createdat",
    "updated",
    "updatedat",
    "description",
    "logline",
    "synopsis",
    "summary",
    "tags",
    "keywords",
    "project",
    "client",
    "language",
    "lang",
    "locale",
    "fps",
    "framerate",
    "id",
    "slug",
    "schema",
    "draft",
    "layout",
    "subtitle",
    "genre",
    "platform",
    "audience",
    "targetaudience",
    "totalduration",
    "runtime",
    "runningtime",
    "status",
    "state",
    "notes",
    "note",
    "comment",
    "comments",
    "license",
    "copyright",
    "width",
    "height",
    "episode",
    "season",
    "series",
    "text",
    "voiceover",
    "scenecount",
    "totalscenes",
];

/// What front matter or a YAML document says about the film as a whole, and its scenes where it has any.
pub(super) struct Head<'n> {
    /// Title, defaults and characters; no scenes yet.
    pub storyboard: Storyboard,
    /// The value of `scenes`, with its key.
    pub scenes: Option<(Span, &'n Node)>,
    /// True when any key was one that a storyboard has.
    pub recognised: bool,
    /// True when `scenes` holds something else, which was reported.
    pub scenes_wrong: bool,
}

/// Reads the top level of a document.
pub(super) fn read_head<'n>(
    entries: &'n [(Spanned<String>, Node)],
    problems: &mut Problems<'_>,
) -> Head<'n> {
    let mut head = Head {
        storyboard: Storyboard::default(),
        scenes: None,
        recognised: false,
        scenes_wrong: false,
    };
    // The frame rate comes first, because durations below may count frames.
    for (key, node) in entries {
        if matches!(normalise_label(&key.value).as_str(), "fps" | "framerate")
            && let Some(rate) = node.as_text().and_then(|text| text.trim().parse::<f64>().ok())
            && rate.is_finite()
            && rate > 0.0
        {
            problems.frame_rate = Some(rate);
        }
    }
    let mut cast = None;
    let mut top = Draft::new(Place::Defaults);
    let mut under_defaults = Draft::new(Place::Defaults);
    for (key, node) in entries {
        let name = normalise_label(&key.value);
        match name.as_str() {
            "title" | "filmtitle" | "name" | "标题" | "タイトル" | "titel" => {
                head.recognised |= name != "name";
                if head.storyboard.title.is_none() {
                    head.storyboard.title = words::plain(node);
                }
            }
            "defaults" | "default" | "global" | "globals" | "settings" => match &node.kind {
                NodeKind::Map(fields) => {
                    head.recognised = true;
                    for (label, value) in fields {
                        under_defaults.put(label, value, problems);
                    }
                }
                NodeKind::Null => {}
                _ => problems.push(
                    Diagnostic::error(
                        "wrong-value",
                        format!("`defaults` takes a map of fields, not {}", node.described()),
                        node.span,
                    )
                    .label("not a map")
                    .hint("write `defaults: {model: veo-3.1-fast, aspect_ratio: \"16:9\"}`"),
                ),
            },
            "characters" | "character" | "cast" | "角色" | "人物" | "キャラクター" => {
                match words::plain(node).filter(|path| include::is_document(&path.value)) {
                    Some(path) => cast = Some(Include { path, is_cast: true }),
                    None => head.storyboard.characters = read_characters(node, problems),
                }
            }
            "include" | "includes" => {
                head.recognised = true;
                include::read(node, &mut head.storyboard.includes, problems);
            }
            "profiles" => {
                head.recognised = true;
                head.storyboard.profiles = profiles::read(node, problems);
            }
            "profile" => head.storyboard.profile = words::plain(node),
            "scenes" | "shots" if matches!(node.kind, NodeKind::Scalar(_)) => {
                head.scenes_wrong = true;
                problems.push(
                    Diagnostic::error(
                        "wrong-value",
                        format!("{} takes a list of scenes, not text", quoted(&key.value)),
                        node.span,
                    )
                    .label("no list")
                    .hint(SCENES_HINT),
                );
            }
            _ if SCENES_KEYS.contains(&name.as_str()) && holds_film(node) => {
                head.scenes_wrong = true;
                problems.push(
                    Diagnostic::error(
                        "film-inside",
                        format!(
                            "{} holds a whole film, and here only its scenes would stand",
                            quoted(&key.value)
                        ),
                        key.span,
                    )
                    .label("one level too many")
                    .hint("move what is in it to the left, or run `storyreel import` on this file"),
                );
            }
            _ if SCENES_KEYS.contains(&name.as_str())
                && !matches!(node.kind, NodeKind::Scalar(_)) =>
            {
                match head.scenes {
                    None => head.scenes = Some((key.span, node)),
                    Some((first, _)) => problems.push(
                        Diagnostic::error(
                            "duplicate-key",
                            format!("{} holds scenes, too", quoted(&key.value)),
                            key.span,
                        )
                        .label("second list of scenes")
                        .related(first, "first list of scenes")
                        .hint("put all scenes into one list"),
                    ),
                }
            }
            _ if ABOUT.contains(&name.as_str()) => {}
            // Shared pieces for anchors, as in other YAML tools.
            _ if key.value.starts_with("x-")
                || key.value.starts_with('.')
                || key.value.starts_with('$') => {}
            _ => {
                head.recognised |= known(&key.value).is_some();
                top.put(key, node, problems);
            }
        }
    }
    // What the file says itself counts more than what it includes, and its cast is its own.
    head.storyboard.includes.extend(cast);
    head.storyboard.defaults = under_defaults.fields.over(&top.fields);
    head.storyboard.default_steps = under_defaults.steps.or(top.steps);
    head
}

/// True for a map that has scenes of its own: `storyboard: {title: ..., scenes: [...]}`.
fn holds_film(node: &Node) -> bool {
    let NodeKind::Map(entries) = &node.kind else { return false };
    entries.iter().any(|(key, value)| {
        SCENES_KEYS.contains(&normalise_label(&key.value).as_str())
            && matches!(value.kind, NodeKind::List(_))
    })
}

/// Reads `characters`: a map from name to a look, or to `{look, image}`; or a list of maps with a name.
pub(crate) fn read_characters(node: &Node, problems: &mut Problems<'_>) -> Vec<Character> {
    let mut characters = Vec::new();
    match &node.kind {
        NodeKind::Map(entries) => {
            for (name, value) in entries {
                characters.push(read_character(name.clone(), value, problems));
            }
        }
        NodeKind::List(items) => {
            for item in items {
                let name = match &item.kind {
                    NodeKind::Scalar(_) => words::plain(item),
                    NodeKind::Map(entries) => entries
                        .iter()
                        .find(|(key, _)| {
                            matches!(normalise_label(&key.value).as_str(), "name" | "id")
                        })
                        .and_then(|(_, name)| words::plain(name)),
                    _ => None,
                };
                match (name, &item.kind) {
                    (Some(name), NodeKind::Map(_)) => {
                        characters.push(read_character(name, item, problems))
                    }
                    (Some(name), _) => characters.push(Character::named(name)),
                    (None, NodeKind::Map(entries)) if entries.len() == 1 => {
                        characters.push(read_character(
                            entries[0].0.clone(),
                            &entries[0].1,
                            problems,
                        ));
                    }
                    (None, _) => wrong_characters(item, problems),
                }
            }
        }
        NodeKind::Null => {}
        NodeKind::Scalar(_) => wrong_characters(node, problems),
    }
    characters
}

fn wrong_characters(node: &Node, problems: &mut Problems<'_>) {
    problems.push(
        Diagnostic::error(
            "wrong-value",
            format!("`characters` takes a map from names to looks, not {}", node.described()),
            node.span,
        )
        .label("not a map")
        .hint(
            "write `characters: {ada: {look: \"Ada, 60s, grey braid\", image: refs/ada.png}}`, or the path of a file \
             with such a map, such as `cast.yaml`",
        ),
    );
}

fn read_character(name: Spanned<String>, node: &Node, problems: &mut Problems<'_>) -> Character {
    let mut character = Character::named(name);
    let NodeKind::Map(entries) = &node.kind else {
        match (words::plain(node), &node.kind) {
            (Some(look), _) => character.look = Some(look),
            (None, NodeKind::Null) => {}
            (None, _) => wrong_characters(node, problems),
        }
        return character;
    };
    for (key, value) in entries {
        match normalise_label(&key.value).as_str() {
            "look" | "description" | "appearance" | "visual" | "prompt" | "外观" | "外見" => {
                character.look = words::plain(value);
            }
            "image" | "images" | "ref" | "refs" | "reference" | "references" | "referenceimage" => {
                read_images(&mut character, value, problems);
            }
            // A sheet that is there already is a picture like any other.
            "sheet" if sheets::is_picture(value) => read_images(&mut character, value, problems),
            "sheet" => character.sheet = sheets::read(&character.name.value, value, problems),
            "voice" | "声音" | "stimme" | "stem" => character.voice = words::plain(value),
            "name" | "id" | "role" | "age" | "notes" | "note" => {}
            _ => problems.unknown_of_character(key),
        }
    }
    character
}

fn read_images(character: &mut Character, value: &Node, problems: &mut Problems<'_>) {
    let items = match &value.kind {
        NodeKind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(value),
    };
    let name = quoted(&character.name.value);
    for item in items {
        let (message, hint) = match item.as_text().map(input::parse_all) {
            Some(Ok(inputs)) => {
                let scene = inputs.iter().find(|image| matches!(image, Input::Scene { .. }));
                if scene.is_none() {
                    let images = inputs.into_iter().map(|image| Spanned::new(image, item.span));
                    character.images.extend(images);
                    continue;
                }
                (
                    format!("the image of {name} cannot be a frame of a scene"),
                    "save the frame as a picture and name its path, or have a picture made: `sheet: on`",
                )
            }
            None if item.kind == NodeKind::Null => continue,
            _ => (
                format!("the image of {name} is no file or link"),
                "write a path such as `refs/ada.png`, an http(s) URL, or an asset such as `img-003`",
            ),
        };
        problems.push(
            Diagnostic::error("wrong-value", message, item.span).label("no picture").hint(hint),
        );
    }
}

/// A storyboard as a reader leaves it for the checks.
#[derive(Debug, Default)]
pub(super) struct Drafted {
    /// The storyboard.
    pub storyboard: Storyboard,
    /// Indices of scenes with a wrong value, in order: what they lack now was reported as wrong already.
    pub broken: Vec<usize>,
}

/// Reads a YAML or JSON document. `None` where it is no storyboard, which is reported.
pub(super) fn read(root: Option<&Node>, problems: &mut Problems<'_>) -> Option<Drafted> {
    let source = problems.source();
    let root = root?;
    let (storyboard, scenes) = match &root.kind {
        NodeKind::Map(entries) => {
            let head = read_head(entries, problems);
            match head.scenes {
                Some((_, scenes)) => (head.storyboard, scenes),
                None => {
                    if head.scenes_wrong {
                        return None;
                    }
                    let what = if head.recognised {
                        "this storyboard has no `scenes:`"
                    } else {
                        "this is not a storyboard: it has no `scenes:`, `shots:`, `cuts:` or `clips:`"
                    };
                    problems.push(not_a_storyboard(what, first_line(source)));
                    return None;
                }
            }
        }
        NodeKind::List(_) => (Storyboard::default(), root),
        NodeKind::Scalar(_) | NodeKind::Null => {
            problems.push(not_a_storyboard(
                "this is not a storyboard: it is plain text",
                first_line(source),
            ));
            return None;
        }
    };
    let entries: Vec<(Option<&Spanned<String>>, &Node)> = match &scenes.kind {
        NodeKind::List(items) => items.iter().map(|item| (None, item)).collect(),
        NodeKind::Map(entries) => entries.iter().map(|(key, value)| (Some(key), value)).collect(),
        NodeKind::Scalar(_) | NodeKind::Null => Vec::new(),
    };
    if entries.is_empty() {
        problems.push(
            Diagnostic::error("no-scenes", "the list of scenes is empty", scenes.span)
                .label("no scene here")
                .hint("add one: `- {id: 1, visual: A lighthouse at dawn, duration: 5}`"),
        );
        return Some(Drafted { storyboard, broken: Vec::new() });
    }
    let mut drafted = Drafted { storyboard, broken: Vec::new() };
    // Other tools keep lists of maps under these names, too: one of theirs is refused as a whole.
    let ours = entries.iter().any(|(_, node)| match &node.kind {
        NodeKind::Map(fields) => fields.iter().any(|(label, _)| {
            known(&label.value)
                .is_some_and(|field| !matches!(field, Field::Notes | Field::Status | Field::Use))
        }),
        NodeKind::Scalar(_) => !matches!(root.kind, NodeKind::List(_)),
        _ => false,
    });
    if !ours {
        problems.push(not_a_storyboard(
            "this is not a storyboard: no entry has a `visual`, a `prompt` or any other field of a scene",
            first_line(source),
        ));
        return None;
    }
    for (index, (key, node)) in entries.into_iter().enumerate() {
        read_scene(index, key, node, &mut drafted, problems);
    }
    Some(drafted)
}

fn not_a_storyboard(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error("not-a-storyboard", what, span)
        .label("looked for a list of scenes")
        .hint(SCENES_HINT)
}

fn read_scene(
    index: usize,
    key: Option<&Spanned<String>>,
    node: &Node,
    drafted: &mut Drafted,
    problems: &mut Problems<'_>,
) {
    let mut draft = Draft::new(Place::Scene);
    let mut span = key.map_or(node.span, |key| key.span.to(node.span));
    match &node.kind {
        NodeKind::Map(entries) => {
            for (label, value) in entries {
                draft.put(label, value, problems);
            }
            // The whole entry may be long; its first line is where a problem with the scene as such belongs.
            if let Some((label, value)) = entries.first()
                && key.is_none()
            {
                span = label.span.to(value.span);
            }
        }
        NodeKind::Scalar(_) => {
            let label = Spanned::new(Field::Visual.name().to_owned(), node.span);
            draft.put(&label, node, problems);
        }
        NodeKind::Null => {}
        NodeKind::List(_) => {
            problems.push(
                Diagnostic::error(
                    "wrong-value",
                    "a scene is a map of fields, not a list",
                    node.span,
                )
                .label("not a map")
                .hint("write `- id: 1` with the scene's fields under it"),
            );
            return;
        }
    }
    let id = match (key, &draft.title) {
        (Some(key), _) => Spanned::new(SceneId::parse(&key.value), key.span),
        (None, Some(title)) => Spanned::new(slug_or_number(&title.value, index), title.span),
        (None, None) => Spanned::new(SceneId::Number(index as u64 + 1), span),
    };
    if key.is_some_and(|key| is_scene_label(&key.value)) && drafted.storyboard.scenes.is_empty() {
        // `scenes: {visual: ...}` is one scene that lost its dash.
        problems.push(
            Diagnostic::error(
                "scene-named-like-a-field",
                format!("a scene is called {}, like a field", quoted(&id.value.to_string())),
                id.span,
            )
            .label("this would be a scene of its own")
            .hint("start every scene with `- `, or put its fields under its id"),
        );
    }
    if draft.broken {
        drafted.broken.push(drafted.storyboard.scenes.len());
    }
    drafted.storyboard.scenes.push(draft.into_scene(id, span));
}

/// The id of a scene that has a title and no id: `First light` is `first-light`.
pub(super) fn slug_or_number(title: &str, index: usize) -> SceneId {
    let slug = slug(title);
    if slug.is_empty() { SceneId::Number(index as u64 + 1) } else { SceneId::parse(&slug) }
}

/// Letters and digits in lower case, with `-` for what stands between them.
pub(crate) fn slug(title: &str) -> String {
    let mut slug = String::new();
    for c in title.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= 60 {
            break;
        }
    }
    slug.trim_end_matches('-').to_owned()
}
