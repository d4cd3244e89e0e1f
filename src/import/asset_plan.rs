//! VideoFlow's `ASSET-PLAN.md`: the model and the prompt of each scene, with the blocks that are copied into every prompt.

use super::row::{Found, Row};
use super::settle;
use super::{Fate, Format, Import, Remark, finish, refusal};
use crate::source::{Diagnostic, Source, Span, Spanned};
use crate::storyboard::draft::{self, Meaning};
use crate::storyboard::markdown::body::{self, Item, Within};
use crate::storyboard::markdown::front;
use crate::storyboard::markdown::heading;
use crate::storyboard::markdown::lines::{self, LineKind};
use crate::storyboard::node::{Node, NodeKind, Style};
use crate::storyboard::problems::{Problems, quoted};
use crate::storyboard::{Character, Field, Scene, Storyboard, Value, normalise_label, yaml};

/// True for a document that is an asset plan: by its name, its heading, or endpoints and outputs under scenes.
pub(super) fn is_plan(source: &Source) -> bool {
    let stem =
        std::path::Path::new(source.name()).file_stem().unwrap_or_default().to_string_lossy();
    if normalise_label(&stem) == "assetplan" {
        return true;
    }
    let text = source.text();
    let heading = text.lines().take(40).any(|line| {
        line.starts_with("# ")
            && matches!(normalise_label(line).as_str(), "assetgenerationplan" | "assetplan")
    });
    let has = |word: &str| {
        text.lines()
            .any(|line| line.trim_start_matches([' ', '-', '*']).to_lowercase().starts_with(word))
    };
    heading || (has("endpoint") && has("prompt") && has("output") && has("model"))
}

/// Reads a plan as a storyboard of its own.
pub(super) fn import(source: &Source) -> Result<Import, Vec<Diagnostic>> {
    let mut problems = Problems::new(source);
    let mark = if source.text().starts_with('\u{feff}') { 3 } else { 0 };
    let lines = lines::split(mark, &mut problems);
    let mut plan = Plan {
        text: &lines.text,
        found: Found::default(),
        remarks: Vec::new(),
        scene: None,
        audio: false,
    };
    let mut at = 0;
    while at < lines.lines.len() {
        if let LineKind::Heading { level, text } = lines.lines[at].kind {
            plan.heading(level, text);
            at += 1;
        }
        let end = lines.lines[at..]
            .iter()
            .position(|line| matches!(line.kind, LineKind::Heading { .. }))
            .map_or(lines.lines.len(), |offset| at + offset);
        plan.body(&lines.lines[at..end]);
        at = end;
    }
    plan.close();
    if plan.found.rows.is_empty() {
        return Err(refusal(
            source,
            "no heading in it is a scene with a model or a prompt",
            "headings such as `## Scene 1` with `- **Model**: ...` and `- **Prompt**: \"...\"`",
            "name the format if it is something else: `--format markdown`",
        ));
    }
    let Plan { found, mut remarks, .. } = plan;
    let mut import = settle::settle(source, found, Format::AssetPlan);
    for scene in &mut import.board.scenes {
        stills(scene);
    }
    blocks(source, &mut import);
    import.remarks.append(&mut remarks);
    finish::finish(&mut import);
    Ok(import)
}

struct Plan<'t> {
    text: &'t str,
    found: Found,
    remarks: Vec<Remark>,
    scene: Option<Row>,
    /// Below a sub-heading about sound.
    audio: bool,
}

impl Plan<'_> {
    fn heading(&mut self, level: u8, place: Span) {
        let read = heading::read(&self.text[place.range()], place, None);
        if read.keyword && read.numbered {
            self.close();
            let id = read.id.map(|id| Spanned::new(id.value.to_string(), id.span));
            self.scene = Some(Row { span: place, id, title: read.title, ..Row::default() });
            self.audio = false;
        } else if level <= 2 {
            self.close();
            if level == 1 && self.found.title.is_none() {
                let generic = matches!(
                    normalise_label(&read.words).as_str(),
                    "assetgenerationplan" | "assetplan" | "assets"
                );
                let words = read
                    .words
                    .split([':', '—', '–'])
                    .next_back()
                    .unwrap_or_default()
                    .trim()
                    .to_owned();
                if !generic && !words.is_empty() {
                    self.found.title = Some(Spanned::new(words, place));
                }
            }
        } else {
            let key = normalise_label(&read.words);
            self.audio = ["audio", "voice", "sound", "music", "narration"]
                .iter()
                .any(|word| key.contains(word));
        }
    }

    fn body(&mut self, lines: &[lines::Line]) {
        for item in body::read(self.text, lines, Within::Fields) {
            match item {
                Item::Field(field) if field.value.kind != NodeKind::Null => {
                    self.field(field.label, field.value)
                }
                Item::Prose(node) => {
                    if let (Some(row), Some(text)) = (&mut self.scene, node.as_text())
                        && !is_block(text)
                    {
                        row.entries
                            .push((Spanned::new("notes".to_owned(), node.span), node.clone()));
                    } else if let Some(text) = node.as_text()
                        && !is_block(text)
                    {
                        self.found.loose.push(Spanned::new(text.to_owned(), node.span));
                    }
                }
                _ => {}
            }
        }
    }

    fn field(&mut self, label: Spanned<String>, node: Node) {
        let key = normalise_label(&label.value);
        if is_block(&label.value) {
            return;
        }
        let Some(row) = &mut self.scene else {
            self.found.globals.push((label, node));
            return;
        };
        let text = draft::raw_text(&node);
        let mut remark = |fate: Fate, message: &str| {
            self.remarks.push(Remark {
                fate,
                label: label.value.clone(),
                value: text.clone(),
                message: message.to_owned(),
                span: label.span,
                places: 1,
            });
        };
        let named = |name: &str| Spanned::new(name.to_owned(), label.span);
        match key.as_str() {
            "endpoint" | "apiendpoint" | "api" => {
                remark(Fate::LeftOut, "the catalogue knows the endpoint of a model")
            }
            "output" | "outputfile" | "outputpath" => {
                remark(
                    Fate::LeftOut,
                    "storyreel gives every clip its own path under `public/assets`",
                );
            }
            "sizeratio" | "size" | "ratio" | "aspectratio" | "aspect" | "dimensions" => {
                if !self.audio {
                    row.entries.push((named("aspect_ratio"), node));
                }
            }
            _ if self.audio => match key.as_str() {
                "voiceover" | "voiceovertext" | "narration" | "text" => {
                    row.entries.push((named("voiceover"), node))
                }
                "soundeffects" | "sfx" | "soundeffect" => row.entries.push((named("sfx"), node)),
                "music" | "backgroundmusic" => row.entries.push((named("music"), node)),
                _ => {
                    let said = Node::scalar(
                        format!("Audio {}: {text}", label.value),
                        Style::Quoted,
                        node.span,
                    );
                    row.entries.push((named("notes"), said));
                }
            },
            // A second picture of the same scene is the clip that the first one starts.
            _ => {
                let twice =
                    row.entries.iter().any(|(known, _)| normalise_label(&known.value) == key);
                let known = Meaning::of(&label.value).field();
                if twice && matches!(known, Some(Field::Kind | Field::Model | Field::Prompt)) {
                    second(row, known, label, node);
                } else {
                    row.entries.push((label, node));
                }
            }
        }
    }

    fn close(&mut self) {
        if let Some(row) = self.scene.take()
            && !row.entries.is_empty()
        {
            self.found.rows.push(row);
        }
    }
}

/// The prompt and model of a still come first, those of the clip that starts from it second.
fn second(row: &mut Row, field: Option<Field>, label: Spanned<String>, node: Node) {
    let first = match field {
        Some(Field::Prompt) => "image_prompt",
        Some(Field::Model) => "image_model",
        _ => "",
    };
    let at = row.entries.iter().position(|(known, _)| draft::known(&known.value) == field);
    let Some(at) = at else { return };
    if first.is_empty() {
        row.entries[at].1 = node;
        return;
    }
    first.clone_into(&mut row.entries[at].0.value);
    row.entries.push((label, node));
}

/// The model of a still is an image model.
fn stills(scene: &mut Scene) {
    if scene.fields.is_still()
        && !scene.fields.has(Field::ImageModel)
        && let Some(model) = scene.fields.remove(Field::Model)
    {
        scene.fields.set(Field::ImageModel, model);
    }
}

fn is_block(text: &str) -> bool {
    let start = text.trim_start_matches(['*', '_', '`', ' ', '>', '#']).to_ascii_uppercase();
    ["CHARACTER (", "CHARACTER:", "STYLE SPINE", "SCENE (CHANGES", "CHARACTER DNA"]
        .iter()
        .any(|word| start.starts_with(word))
}

/// `CHARACTER (copy exactly in every prompt):` and `STYLE SPINE (...)`, wherever they stand.
fn blocks(source: &Source, import: &mut Import) {
    let text = source.text();
    let lines: Vec<&str> = text.split('\n').collect();
    let mut offsets = Vec::with_capacity(lines.len());
    let mut at = 0;
    for line in &lines {
        offsets.push(at);
        at += line.len() + 1;
    }
    let mut index = 0;
    while index < lines.len() {
        let line = lines[index];
        let start = index;
        index += 1;
        let words = line.trim_start_matches(['*', '_', '`', ' ', '>', '#', '-']);
        let upper = words.to_ascii_uppercase();
        let character = upper.starts_with("CHARACTER");
        if !(character || upper.starts_with("STYLE SPINE")) || !is_block(words) {
            continue;
        }
        let mut said = words
            .split_once("):")
            .or_else(|| words.split_once(':'))
            .map(|(_, rest)| rest.to_owned())
            .unwrap_or_default();
        while index < lines.len() {
            let next = lines[index].trim();
            let closed = said.matches('"').count() >= 2;
            if closed
                || next.starts_with("```")
                || next.starts_with('#')
                || is_block(next)
                || (next.is_empty() && !said.trim().trim_matches('*').is_empty())
            {
                break;
            }
            said.push(' ');
            said.push_str(next.trim_start_matches('>'));
            index += 1;
        }
        let said = said
            .trim()
            .trim_matches(['*', '_', ' '])
            .trim_matches(['"', '“', '”'])
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        if said.is_empty() {
            continue;
        }
        let span = Span::new(offsets[start], offsets[start] + line.trim_end().len());
        if character {
            let name = said.split([',', ':', '(']).next().unwrap_or_default().trim();
            let name =
                if name.is_empty() || name.chars().count() > 40 { "character" } else { name };
            let known = |character: &Character| character.name.value.eq_ignore_ascii_case(name);
            if !import.board.characters.iter().any(known) {
                let mut character = Character::named(Spanned::new(name.to_owned(), span));
                character.look = Some(Spanned::new(said, span));
                import.board.characters.push(character);
            }
        } else if !import.board.defaults.has(Field::Style) {
            import.board.defaults.set(Field::Style, Spanned::new(Value::Text(said), span));
        }
    }
}

/// What a plan may fill in a storyboard.
const FILLS: &[Field] = &[
    Field::Kind,
    Field::Model,
    Field::ImageModel,
    Field::Prompt,
    Field::ImagePrompt,
    Field::AspectRatio,
    Field::Negative,
    Field::Reference,
    Field::Voiceover,
    Field::Sfx,
    Field::Music,
];

/// Fills the scenes of a storyboard with what a plan says of them. What the storyboard says itself stays.
///
/// `beside` is the storyboard's text: what stands in it for people only is kept.
pub fn merge(plan: Import, board: Storyboard, beside: &Source) -> Import {
    let mut import =
        Import { format: plan.format, board, notes: for_people(beside), remarks: Vec::new() };
    for scene in &mut import.board.scenes {
        for (label, text) in std::mem::take(&mut scene.unknown) {
            finish::add_note(scene, &format!("{}: {text}", label.value));
        }
    }
    // What became of the plan's own lines is told as it was; what it has no scene for is not asked for.
    let told =
        |remark: &Remark| matches!(remark.fate, Fate::LeftOut | Fate::InNotes | Fate::InFilmNotes);
    import.remarks.extend(plan.remarks.into_iter().filter(told));
    let remark = |fate, label: &str, value: String, span, message| Remark {
        fate,
        label: label.to_owned(),
        value,
        message,
        span,
        places: 1,
    };
    for planned in plan.board.scenes {
        let id = planned.id.to_string();
        let Some(scene) = import.board.scenes.iter_mut().find(|scene| scene.id == planned.id)
        else {
            let message = format!("the storyboard has no scene {}", quoted(&id));
            import.remarks.push(remark(Fate::LeftOut, "scene", id, planned.span, message));
            continue;
        };
        for (field, value) in planned.fields.iter() {
            let text = match &value.value {
                Value::Text(text) => text.clone(),
                other => serde_json::to_string(other).unwrap_or_default(),
            };
            let name = field.name();
            match scene.fields.get(field) {
                Some(own) if own.value == value.value => {}
                Some(_) if field == Field::Notes => {}
                Some(_) if FILLS.contains(&field) => {
                    let message =
                        format!("scene {} has another `{name}`, which stays", quoted(&id));
                    import.remarks.push(remark(Fate::Conflict, name, text, value.span, message));
                }
                None if FILLS.contains(&field) => {
                    scene.fields.set(field, value.clone());
                    let message = format!("filled `{name}` of scene {}", quoted(&id));
                    import.remarks.push(remark(Fate::Filled, name, text, value.span, message));
                }
                _ => {}
            }
        }
        // Notes of the plan are added to those of the storyboard.
        if let Some(Value::Text(notes)) = planned.fields.get(Field::Notes).map(|notes| &notes.value)
        {
            let joined = match scene.fields.text(Field::Notes) {
                Some(own) if own.contains(notes.as_str()) => own.to_owned(),
                Some(own) => format!("{own}\n{notes}"),
                None => notes.clone(),
            };
            scene.fields.set(Field::Notes, Spanned::new(Value::Text(joined), planned.span));
        }
    }
    for (field, value) in plan.board.defaults.iter() {
        if !import.board.defaults.has(field) {
            import.board.defaults.set(field, value.clone());
            let message = format!("filled `{}` of the film", field.name());
            import.remarks.push(remark(
                Fate::Filled,
                field.name(),
                String::new(),
                value.span,
                message,
            ));
        }
    }
    for character in plan.board.characters {
        let known = |own: &Character| own.name.value.eq_ignore_ascii_case(&character.name.value);
        if !import.board.characters.iter().any(known) {
            let message = format!("added the character {}", quoted(&character.name.value));
            import.remarks.push(remark(
                Fate::Filled,
                "characters",
                String::new(),
                character.name.span,
                message,
            ));
            import.board.characters.push(character);
        }
    }
    import.notes.extend(plan.notes);
    let told = std::mem::take(&mut import.remarks);
    finish::finish(&mut import);
    // What is found in the storyboard has its place there and not in the plan.
    import.remarks.iter_mut().for_each(|remark| remark.span = Span::default());
    import.remarks.extend(told);
    import.remarks.sort_by_key(|remark| (remark.span.start, remark.fate));
    import
}

/// Keys of a storyboard's front matter that say nothing of the film's clips.
fn for_people(source: &Source) -> Vec<String> {
    let mut problems = Problems::new(source);
    let mark = if source.text().starts_with('\u{feff}') { 3 } else { 0 };
    let front = front::find(Span::new(mark, source.text().len()), &mut problems);
    let node = front.and_then(|front| yaml::parse(front.span, &mut problems));
    let Some(Node { kind: NodeKind::Map(entries), .. }) = node else { return Vec::new() };
    let mut notes = Vec::new();
    for (key, value) in entries {
        let own = Meaning::of(&key.value).field().is_some_and(|field| !field.spec().editorial);
        let name = normalise_label(&key.value);
        let used = own
            || matches!(
                name.as_str(),
                "title" | "characters" | "cast" | "defaults" | "steps" | "角色" | "人物"
            );
        let text = draft::raw_text(&value);
        if !used && !text.is_empty() {
            notes.push(format!("{}: {text}", key.value));
        }
    }
    notes
}
