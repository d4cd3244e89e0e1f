//! A storyboard as a clean `SCENES.md`: front matter for the film, a heading and bullets in a fixed order for each scene.
//!
//! What is written is read back by storyreel's own reader to the very same scenes and fields, whatever the texts hold. A
//! value is therefore written in the plainest form of which the reader itself says that it means this value.

use crate::source::{Source, steers};
use crate::storyboard::{
    self, Character, Field, FieldKind, Fields, FrameOf, Input, Scene, SceneId, Sheet, Step,
    StepKind, Storyboard, Value,
};
use std::fmt::Write as _;

/// Lines longer than this are wrapped where that changes nothing.
const WIDTH: usize = 110;

/// The order of a scene's fields, each with the label it is written under: what everybody looks for comes first.
const ORDER: &[(Field, &str)] = &[
    (Field::Duration, "Duration"),
    (Field::Kind, "Type"),
    (Field::Shot, "Shot"),
    (Field::Visual, "Visual"),
    (Field::Subject, "Subject"),
    (Field::Action, "Action"),
    (Field::Setting, "Setting"),
    (Field::Camera, "Camera"),
    (Field::Lighting, "Lighting"),
    (Field::Mood, "Mood"),
    (Field::Style, "Style"),
    (Field::Characters, "Characters"),
    (Field::Prompt, "Prompt"),
    (Field::ImagePrompt, "Image Prompt"),
    (Field::Negative, "Negative"),
    (Field::Reference, "Reference"),
    (Field::LastFrame, "Last Frame"),
    (Field::Video, "Video"),
    (Field::Extends, "Extends"),
    (Field::File, "File"),
    (Field::Text, "Text Overlay"),
    (Field::Voiceover, "Voiceover"),
    (Field::Dialogue, "Dialogue"),
    (Field::VoiceName, "Voice Name"),
    (Field::Audio, "Audio"),
    (Field::Sfx, "SFX"),
    (Field::Ambient, "Ambient"),
    (Field::Music, "Music"),
    (Field::TransitionIn, "Transition In"),
    (Field::Transition, "Transition Out"),
    (Field::Model, "Model"),
    (Field::ImageModel, "Image Model"),
    (Field::Goal, "Goal"),
    (Field::AspectRatio, "Aspect Ratio"),
    (Field::Resolution, "Resolution"),
    (Field::ClipLength, "Clip Length"),
    (Field::Seed, "Seed"),
    (Field::Params, "Params"),
    (Field::Use, "Use"),
    (Field::Takes, "Takes"),
    (Field::Gate, "Gate"),
    (Field::Status, "Status"),
    (Field::Allow, "Allow"),
    (Field::Notes, "Notes"),
];

/// Writes a storyboard; `notes` are lines about the film as a whole, for people.
///
/// What cannot be written so that it is read again is left out; an importer has taken it away before.
pub fn write(board: &Storyboard, notes: &[String]) -> String {
    let mut out = front_matter(board, notes);
    for scene in &board.scenes {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&self::scene(scene));
    }
    out
}

fn scene(scene: &Scene) -> String {
    let title = scene.title.as_ref().map(|title| title.value.as_str());
    let mut out = heading(&scene.id, title).unwrap_or_else(|| format!("## Scene {}\n\n", scene.id));
    for (name, label) in ORDER {
        if let Some(value) = scene.fields.get(*name)
            && let Some(text) = labelled(*name, label, &value.value, None)
        {
            out.push_str(&text);
        }
    }
    if scene.steps.as_ref().is_some_and(Vec::is_empty) {
        // None of its own, and none of the film's.
        out.push_str("- **Steps**: none\n");
    }
    for step in scene.steps.iter().flatten() {
        out.push_str(&self::step(step).unwrap_or_default());
    }
    out
}

/// True when the reader takes a scene for one, whatever it holds: a heading with a name instead of a number needs a picture.
pub(super) fn is_read(scene: &Scene) -> bool {
    let found = only_scene(&self::scene(scene));
    found.is_some_and(|found| found.id == scene.id)
}

/// The heading of a scene, with a blank line after it, and a title that no heading can hold as its first bullet. `None`
/// where the id or the title cannot be written.
pub(super) fn heading(id: &SceneId, title: Option<&str>) -> Option<String> {
    let Some(title) = title else {
        let plain = format!("## Scene {id}\n\n");
        return heads(&plain, id, None).then_some(plain);
    };
    let plain = format!("## Scene {id}: {title}\n\n");
    if !title.contains(['\n', '\r']) && heads(&plain, id, Some(title)) {
        return Some(plain);
    }
    let bullets = inline("Title", title).into_iter().chain([fenced("Title", title)]);
    bullets
        .map(|bullet| format!("## Scene {id}\n\n{bullet}"))
        .find(|written| heads(written, id, Some(title)))
}

/// True when the reader finds exactly this scene under a heading.
fn heads(written: &str, id: &SceneId, title: Option<&str>) -> bool {
    let Some(scene) = only_scene(&format!("{written}- **Visual**: x\n")) else { return false };
    let visual = Value::Text("x".to_owned());
    scene.id == *id
        && scene.title.as_ref().map(|title| title.value.as_str()) == title
        && holds_only(&scene.fields, Field::Visual, &visual)
}

/// A field as a bullet with its continuation lines. `None` where no way of writing it is read as this value.
pub(super) fn field(field: Field, value: &Value) -> Option<String> {
    let label = ORDER.iter().find(|(known, _)| *known == field).map(|(_, label)| *label)?;
    labelled(field, label, value, None)
}

/// A step as a sub-heading with its fields. `None` where it cannot be written.
pub(super) fn step(step: &Step) -> Option<String> {
    let mut out = match step.kind {
        // A sub-heading about a voice is a note unless it says that it is a step.
        StepKind::Voice => "\n### Step: Voice\n\n".to_owned(),
        kind => {
            let name = kind.name();
            format!("\n### {}{}\n\n", name[..1].to_uppercase(), &name[1..])
        }
    };
    for (name, label) in ORDER {
        if let Some(value) = step.fields.get(*name) {
            out.push_str(&labelled(*name, label, &value.value, Some(step.kind))?);
        }
    }
    let read = only_scene(&format!("## Scene 1\n\n- **Visual**: x\n{out}"))?.steps?;
    let same = |one: &Fields, other: &Fields| {
        one.iter()
            .map(|(field, value)| (field, &value.value))
            .eq(other.iter().map(|(field, value)| (field, &value.value)))
    };
    matches!(read.as_slice(), [read] if read.kind == step.kind && same(&read.fields, &step.fields))
        .then_some(out)
}

fn labelled(field: Field, label: &str, value: &Value, step: Option<StepKind>) -> Option<String> {
    if step.is_none() && is_plain(field, value) {
        let Value::Text(text) = value else { return None };
        return wrapped(label, text).or_else(|| Some(format!("- **{label}**: {text}\n")));
    }
    forms(field, label, value).into_iter().find(|written| match step {
        // Steps are read as a whole.
        Some(_) => true,
        None => only_scene(&format!("## Scene 1\n\n{written}"))
            .is_some_and(|scene| holds_only(&scene.fields, field, value)),
    })
}

/// True for words that the reader takes as they are, beyond doubt: nearly all there are.
fn is_plain(field: Field, value: &Value) -> bool {
    let free = field.spec().kind == FieldKind::Text
        && !matches!(field, Field::Kind | Field::AspectRatio | Field::File | Field::Extends);
    // Words that say nothing, and placeholders without brackets, are shorter.
    matches!(value, Value::Text(text) if free
    && text.len() > 24
    && text.starts_with(|c: char| c.is_ascii_alphabetic())
    && !text.ends_with(' ')
    && !text.contains("  ")
    && text.bytes().all(|byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b',' | b'.' | b'\'' | b'-' | b'!' | b'?')
    }))
}

/// The ways to write a value, the plainest first.
fn forms(field: Field, label: &str, value: &Value) -> Vec<String> {
    let line = |text: String| format!("- **{label}**: {text}\n");
    let list = |items: &mut dyn Iterator<Item = String>| {
        let mut out = format!("- **{label}**:\n");
        for item in items {
            let _ = writeln!(out, "  - {item}");
        }
        out
    };
    match value {
        Value::Text(text) => {
            let mut forms = Vec::new();
            if text.contains('\n') {
                let lines = || text.split('\n').map(escaped);
                let spoken = matches!(field, Field::Dialogue | Field::Voiceover);
                if spoken && lines().all(|line| !line.trim().is_empty()) {
                    forms.push(list(&mut lines()));
                }
            } else {
                forms.extend(inline(label, text));
            }
            forms.push(fenced(label, text));
            forms
        }
        Value::Seconds(seconds) => vec![line(format!("{seconds}s"))],
        Value::Integer(number) => vec![line(number.to_string())],
        Value::Switch(on) => vec![line(if *on { "on" } else { "off" }.to_owned())],
        Value::Inputs(inputs) => {
            let texts = || inputs.iter().map(input);
            vec![line(texts().collect::<Vec<_>>().join(", ")), list(&mut texts())]
        }
        Value::Names(names) => {
            let texts = || names.iter().map(|name| escaped(name));
            vec![line(texts().collect::<Vec<_>>().join(", ")), list(&mut texts())]
        }
        Value::Params(params) => {
            let words = |value: &serde_json::Value| match value {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let joined = |value: &dyn Fn(&serde_json::Value) -> String| {
                params
                    .iter()
                    .map(|(name, given)| format!("{name}={}", value(given)))
                    .collect::<Vec<_>>()
                    .join("; ")
            };
            vec![line(joined(&words)), line(joined(&serde_json::Value::to_string))]
        }
        Value::Ranges(ranges) => {
            vec![line(ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
        }
    }
}

/// One line, or several where the reader joins them again.
fn inline(label: &str, text: &str) -> Vec<String> {
    let text = escaped(text);
    let line = format!("- **{label}**: {text}\n");
    wrapped(label, &text).into_iter().chain([line]).collect()
}

/// Words over several indented lines; `None` where they are short, or where a line could be taken for something else.
fn wrapped(label: &str, text: &str) -> Option<String> {
    let first = format!("- **{label}**: ");
    if first.chars().count() + text.chars().count() <= WIDTH {
        return None;
    }
    let mut lines = vec![first];
    for word in text.split(' ') {
        let length = lines.last()?.chars().count();
        if lines.len() == 1 && length == lines[0].len() && lines[0].ends_with(": ") {
            lines[0].push_str(word);
        } else if length + 1 + word.chars().count() > WIDTH {
            lines.push(format!("  {word}"));
        } else {
            let line = lines.last_mut()?;
            line.push(' ');
            line.push_str(word);
        }
    }
    // A label, a bullet, a quote, a rule or a row of a table at the start of a line would be read as one.
    let harmless = |line: &String| {
        line[2..].starts_with(char::is_alphabetic) && !line.contains([':', '：', '|', '*', '`'])
    };
    lines[1..].iter().all(harmless).then(|| lines.join("\n") + "\n")
}

/// Text word for word, in a fence that nothing in it can close.
fn fenced(label: &str, text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let marks = "`".repeat((longest + 1).max(3));
    let mut out = format!("- **{label}**:\n\n  {marks}text\n");
    for line in text.split('\n') {
        let _ = writeln!(out, "  {line}");
    }
    let _ = writeln!(out, "  {marks}");
    out
}

/// Backslashes are Markdown's own.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
}

fn input(input: &Input) -> String {
    match input {
        Input::Path(text) | Input::Url(text) | Input::Asset(text) => text.clone(),
        Input::Scene { id, frame } => match frame {
            FrameOf::Last => format!("scene:{id}"),
            FrameOf::First => format!("scene:{id}/first"),
            FrameOf::Keyframe => format!("scene:{id}/keyframe"),
        },
    }
}

/// The only scene that the reader finds in a text.
fn only_scene(text: &str) -> Option<Scene> {
    let reading = storyboard::read(&Source::new("a.md", text));
    let mut scenes = reading.storyboard?.scenes;
    let scene = scenes.pop()?;
    (scenes.is_empty() && scene.unknown.is_empty()).then_some(scene)
}

fn holds_only(fields: &Fields, field: Field, value: &Value) -> bool {
    let mut all = fields.iter();
    let first = all.next();
    first.is_some_and(|(known, read)| known == field && read.value == *value)
        && all.next().is_none()
}

// The film.

fn front_matter(board: &Storyboard, notes: &[String]) -> String {
    let mut out = String::new();
    if let Some(title) = &board.title {
        let _ = writeln!(out, "title: {}", yaml(&title.value));
    }
    for (field, _) in ORDER {
        if let Some(value) = board.defaults.get(*field)
            && let Some(text) = default(*field, &value.value)
        {
            out.push_str(&text);
        }
    }
    if let Some(steps) = &board.default_steps {
        out.push_str("steps:\n");
        for step in steps {
            let fields: Vec<String> = step
                .fields
                .iter()
                .map(|(field, value)| format!("{}: {}", field.name(), yaml_value(&value.value)))
                .collect();
            let _ = writeln!(out, "  - {}: {{{}}}", step.kind.name(), fields.join(", "));
        }
    }
    if !board.characters.is_empty() {
        out.push_str("characters:\n");
        board.characters.iter().for_each(|character| self::character(character, &mut out));
    }
    if !notes.is_empty() {
        out.push_str("notes: |\n");
        for note in notes {
            let line: String = note.chars().filter(|c| !steers(*c)).collect();
            let _ = writeln!(out, "  {}", line.trim());
        }
    }
    if out.is_empty() { out } else { format!("---\n{out}---\n") }
}

fn character(character: &Character, out: &mut String) {
    let name = yaml_key(&character.name.value);
    let Character { look, images, voice, sheet, .. } = character;
    if images.is_empty() && voice.is_none() && sheet.is_none() {
        let look = look.as_ref().map_or_else(String::new, |look| format!(" {}", yaml(&look.value)));
        let _ = writeln!(out, "  {name}:{look}");
        return;
    }
    let _ = writeln!(out, "  {name}:");
    if let Some(look) = look {
        let _ = writeln!(out, "    look: {}", yaml(&look.value));
    }
    if !images.is_empty() {
        let texts: Vec<String> = images.iter().map(|image| quoted(&input(&image.value))).collect();
        let _ = writeln!(out, "    image: [{}]", texts.join(", "));
    }
    if let Some(voice) = voice {
        let _ = writeln!(out, "    voice: {}", yaml(&voice.value));
    }
    match sheet.as_ref().map(|sheet| &sheet.value) {
        Some(Sheet::On) => out.push_str("    sheet: on\n"),
        Some(Sheet::Off) => out.push_str("    sheet: off\n"),
        Some(Sheet::Words(words)) => {
            let _ = writeln!(out, "    sheet: {}", yaml(words));
        }
        None => {}
    }
}

/// A default of the film as a line of front matter. `None` where it would be read as something else.
pub(super) fn default(field: Field, value: &Value) -> Option<String> {
    let line = format!("{}: {}\n", field.name(), yaml_value(value));
    let text = format!("---\n{line}---\n\n## Scene 1\n\n- **Visual**: x\n");
    let read = storyboard::read(&Source::new("a.md", text)).storyboard?;
    holds_only(&read.defaults, field, value).then_some(line)
}

/// True when the reader finds this title in front matter.
pub(super) fn holds_title(title: &str) -> bool {
    let text = format!("---\ntitle: {}\n---\n\n## Scene 1\n\n- **Visual**: x\n", yaml(title));
    let read = storyboard::read(&Source::new("a.md", text)).storyboard;
    read.and_then(|board| board.title).is_some_and(|read| read.value == title)
}

/// True when the reader finds exactly this character in front matter.
pub(super) fn holds_character(character: &Character) -> bool {
    let mut text = "---\ncharacters:\n".to_owned();
    self::character(character, &mut text);
    text.push_str("---\n\n## Scene 1\n\n- **Visual**: x\n");
    let Some(read) = storyboard::read(&Source::new("a.md", text)).storyboard else { return false };
    let texts = |one: &Character| {
        let images: Vec<Input> = one.images.iter().map(|image| image.value.clone()).collect();
        let words = |text: &Option<crate::source::Spanned<String>>| {
            text.as_ref().map(|text| text.value.clone())
        };
        let sheet = one.sheet.as_ref().map(|sheet| sheet.value.clone());
        (one.name.value.clone(), words(&one.look), words(&one.voice), sheet, images)
    };
    matches!(read.characters.as_slice(), [read] if texts(read) == texts(character))
}

fn yaml_value(value: &Value) -> String {
    let list = |texts: Vec<String>| format!("[{}]", texts.join(", "));
    match value {
        Value::Text(text) => yaml(text),
        Value::Seconds(seconds) => format!("{seconds}s"),
        Value::Integer(number) => number.to_string(),
        Value::Switch(on) => if *on { "on" } else { "off" }.to_owned(),
        Value::Inputs(inputs) => list(inputs.iter().map(|one| quoted(&input(one))).collect()),
        Value::Names(names) => list(names.iter().map(|name| quoted(name)).collect()),
        Value::Params(params) => {
            let pairs: Vec<String> =
                params.iter().map(|(name, value)| format!("{}: {value}", quoted(name))).collect();
            format!("{{{}}}", pairs.join(", "))
        }
        Value::Ranges(ranges) => {
            quoted(&ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
    }
}

/// Text without quotes where nothing in it can mean anything to YAML, else in quotes.
fn yaml(text: &str) -> String {
    let harmless = |c: char| {
        c.is_ascii_alphanumeric() || (!c.is_ascii() && c.is_alphabetic()) || " _.,()-'".contains(c)
    };
    let plain = text.starts_with(char::is_alphabetic)
        && !text.ends_with(' ')
        && !is_reserved(text)
        && text.chars().all(harmless);
    if plain { text.to_owned() } else { quoted(text) }
}

/// Words that YAML takes for something else than text.
fn is_reserved(text: &str) -> bool {
    matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "y" | "n"
    )
}

fn yaml_key(text: &str) -> String {
    let plain = !is_reserved(text)
        && text.starts_with(char::is_alphabetic)
        && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if plain { text.to_owned() } else { quoted(text) }
}

/// JSON's quotes are YAML's, too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::ORDER;
    use crate::storyboard::FIELDS;

    #[test]
    fn every_field_is_written_once() {
        for spec in FIELDS {
            let count = ORDER.iter().filter(|(field, _)| *field == spec.field).count();
            assert_eq!(count, 1, "{}", spec.name);
        }
    }
}
