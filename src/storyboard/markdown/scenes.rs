//! Sections become scenes, their shots and steps.

use super::super::document::{self, Drafted};
use super::super::draft::{self, Draft, Meaning, Place};
use super::super::field::{Field, Fields, GLOBAL_FIELDS, Value, normalise_label};
use super::super::node::{Node, NodeKind, Style};
use super::super::problems::{Problems, quoted};
use super::super::scene::{Scene, SceneId, Step, StepKind, Storyboard};
use super::super::value::{self, Outcome};
use super::super::{ratio, words, yaml};
use super::body::{self, Item, Labelled, Within};
use super::heading::Heading;
use super::lines::{Line, Lines};
use super::sub_heading::{inline, step_heading};
use super::table::{self, Table};
use super::{Section, counted, overview, refusal};
use crate::source::{Diagnostic, Span, Spanned};

/// A scene that may still get sub-headings.
struct Frame {
    level: u8,
    /// The word its heading starts with, if any.
    word: String,
    draft: Draft,
    heading: Span,
    id: Option<Spanned<SceneId>>,
    prose: Vec<Node>,
    shots: usize,
    /// The id of the scene around it.
    parent: Option<String>,
    /// The step that the sub-heading above belongs to, with its level.
    step: Option<(u8, StepKind, Span, Draft, Vec<Node>)>,
}

/// Words that follow a scene's number in the headings of appendices: `Scene 7 notes`.
const APPENDIX_WORDS: &[&str] = &[
    "notes",
    "note",
    "continuity",
    "breakdown",
    "overview",
    "references",
    "assets",
    "checklist",
    "summary",
    "comments",
    "props",
    "wardrobe",
    "budget",
    "feedback",
];

/// True for `Scene 7 notes` with nothing but words below.
fn is_appendix(heading: &Heading, items: &[Item]) -> bool {
    let Some(title) = &heading.title else { return false };
    APPENDIX_WORDS.contains(&title.value.to_lowercase().as_str())
        && !items.iter().any(|item| matches!(item, Item::Field(field) if field.meaning.is_known()))
}

/// The scenes of a document while its sections are read in order.
pub(in crate::storyboard) struct Scenes<'d, 's, 'p> {
    text: &'d str,
    lines: &'d [Line],
    problems: &'p mut Problems<'s>,
    storyboard: Storyboard,
    globals: Option<Draft>,
    /// Headings before the scenes that name what could be said of the whole film, with words that nothing reads.
    unread: Vec<(Field, Span)>,
    stack: Vec<Frame>,
    /// Scenes in document order, each with whether some value of it was wrong.
    finished: Vec<(Scene, bool)>,
    /// Tables outside scenes, each with whether it may be an overview of them.
    tables: Vec<(Table, bool)>,
    /// Some heading is `Scene 1` or the like, so that mere numbers do not make scenes.
    any_keyword: bool,
    /// The level of a numbered heading that is a scene by its fields: the others beside it are, by their prose.
    numbered_level: Option<u8>,
}

/// Labels that only a storyboard gives a picture or a prompt.
fn is_strong(label: &str) -> bool {
    match draft::known(label) {
        Some(Field::Prompt | Field::ImagePrompt) => true,
        Some(Field::Visual) => !matches!(
            normalise_label(label).as_str(),
            "description" | "scene" | "内容" | "描述" | "beschreibung" | "beschrijving"
        ),
        _ => false,
    }
}

/// Labels that make a mere description a film's.
fn is_filmic(label: &str) -> bool {
    matches!(
        draft::known(label),
        Some(
            Field::Duration
                | Field::Camera
                | Field::Shot
                | Field::Transition
                | Field::Voiceover
                | Field::Dialogue
                | Field::Text
                | Field::Negative
        )
    )
}

impl<'d, 's, 'p> Scenes<'d, 's, 'p> {
    /// Starts with what front matter said, if there was any.
    pub fn new(
        lines: &'d Lines,
        front: Option<Storyboard>,
        sections: &[Section],
        problems: &'p mut Problems<'s>,
    ) -> Self {
        let mut scenes = Self {
            text: &lines.text,
            lines: &lines.lines,
            problems,
            globals: front.is_none().then(|| Draft::new(Place::Defaults)),
            unread: Vec::new(),
            storyboard: front.unwrap_or_default(),
            stack: Vec::new(),
            finished: Vec::new(),
            tables: Vec::new(),
            any_keyword: sections
                .iter()
                .any(|section| section.heading.keyword && section.heading.numbered),
            numbered_level: None,
        };
        if !scenes.any_keyword {
            let found = sections.iter().enumerate().find(|(index, section)| {
                section.heading.numbered
                    && scenes.is_scene(
                        *index,
                        section,
                        &scenes.body(&section.lines, Within::Fields),
                        sections,
                    )
            });
            scenes.numbered_level = found.map(|(_, section)| section.level);
        }
        scenes
    }

    fn body(&self, lines: &std::ops::Range<usize>, within: Within) -> Vec<Item> {
        body::read(self.text, &self.lines[lines.clone()], within)
    }

    /// Reads what stands before the first heading.
    pub fn preamble(&mut self, lines: &std::ops::Range<usize>) {
        let items = self.body(lines, Within::Fields);
        self.global_items(items);
    }

    /// Bullets before the first scene.
    fn global_items(&mut self, items: Vec<Item>) {
        for item in items {
            match item {
                Item::Field(Labelled { label, value, bold: true, .. }) => {
                    if normalise_label(&label.value) == "title" && self.storyboard.title.is_none() {
                        self.storyboard.title = words::plain(&value);
                    }
                    let Some(globals) = &mut self.globals else { continue };
                    let Some(field) =
                        draft::known(&label.value).filter(|field| GLOBAL_FIELDS.contains(field))
                    else {
                        continue;
                    };
                    // `**Format**: a vertical short` is no ratio; outside a scene that is nobody's mistake.
                    let ratio = value.as_text().is_none_or(|text| {
                        ratio::ratio(text.trim_matches(['*', '`', '"'])).is_some()
                    });
                    if (field != Field::AspectRatio || ratio) && !globals.fields.has(field) {
                        globals.put(&label, &value, self.problems);
                    }
                }
                Item::Table(table) => match table.field_a_row() {
                    Some(fields) => {
                        self.global_items(fields.into_iter().map(Item::Field).collect())
                    }
                    None => self.tables.push((table, true)),
                },
                _ => {}
            }
        }
    }

    /// Reads the section at `index`.
    pub fn section(&mut self, index: usize, all: &[Section]) {
        let section = &all[index];
        // `### Scene 2` under `## Scene 1` is a slip of the level; only another word makes it a shot inside.
        let again = |frame: &Frame| {
            section.heading.keyword
                && section.heading.numbered
                && frame.word == section.heading.word
        };
        while self.stack.last().is_some_and(|frame| frame.level >= section.level || again(frame)) {
            self.pop();
        }
        if self.stack.is_empty() {
            let within = Within::Fields;
            let items = self.body(&section.lines, within);
            // The rows of a `Field | Value` table under a numbered heading are fields as well.
            let has_table =
                section.heading.numbered && items.iter().any(|item| matches!(item, Item::Table(_)));
            let apart = has_table.then(|| table::with_fields_apart(items.clone()));
            if self.is_scene(index, section, apart.as_ref().unwrap_or(&items), all) {
                self.start_scene(section, items);
            } else if self.finished.is_empty() {
                if section.level == 1
                    && self.storyboard.title.is_none()
                    && !section.heading.words.is_empty()
                {
                    let words = section.heading.words.trim_matches(['*', '_', '`']).trim();
                    let whole = section.heading.span;
                    // A length in brackets is no part of the words, so they may not stand there as they are.
                    let span = match self.text[whole.range()].find(words) {
                        Some(at) => Span::new(whole.start + at, whole.start + at + words.len()),
                        None => whole,
                    };
                    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
                    self.storyboard.title = Some(Spanned::new(words, span));
                }
                let about = draft::known(&section.heading.words)
                    .filter(|field| FOR_THE_FILM.contains(field));
                if let (Some(field), true) = (about, items.iter().any(is_words)) {
                    self.unread.push((field, section.heading.span));
                }
                self.global_items(items);
            } else {
                for item in items {
                    if let Item::Table(table) = item {
                        let is_overview = overview::is_overview(&section.heading.words);
                        self.tables.push((table, is_overview));
                    }
                }
            }
            return;
        }
        self.sub_section(section);
    }

    /// The label of a field whose words begin below it, where those are what is seen or heard.
    fn alone_on_its_line(&self, field: &Labelled) -> Option<Spanned<String>> {
        let told = matches!(
            field.meaning.field(),
            Some(Field::Visual | Field::Action | Field::Prompt | Field::Subject | Field::Setting)
        );
        let below = field.value.kind != NodeKind::Null
            && self.text[field.label.span.end..field.value.span.start.max(field.label.span.end)]
                .contains('\n');
        (told && below).then(|| field.label.clone())
    }

    fn is_scene(&self, index: usize, section: &Section, items: &[Item], all: &[Section]) -> bool {
        let heading = &section.heading;
        if heading.keyword && heading.numbered {
            return !is_appendix(heading, items);
        }
        let labels = || {
            items.iter().filter_map(|item| match item {
                Item::Field(field) => Some(field.label.value.as_str()),
                _ => None,
            })
        };
        if labels().any(is_strong) {
            return true;
        }
        let described = labels().any(|label| draft::known(label) == Some(Field::Visual));
        let sourced = labels().any(|label| {
            matches!(
                draft::known(label),
                Some(Field::File | Field::Video | Field::Reference | Field::Extends)
            )
        });
        if heading.keyword && (described || sourced) {
            return true;
        }
        // What is done is seen, too, where the heading names the scene: `## Scene fold: Last page`.
        let acted = labels().any(|label| {
            matches!(draft::known(label), Some(Field::Action | Field::Subject | Field::LastFrame))
        });
        if heading.keyword && heading.id.is_some() && acted {
            return true;
        }
        if heading.numbered && sourced && labels().any(is_filmic) {
            return true;
        }
        if described && labels().any(is_filmic) {
            return true;
        }
        let prose = items.iter().any(|item| matches!(item, Item::Prose(_)));
        if heading.numbered
            && (prose || described)
            && !self.any_keyword
            && (heading.timing.is_some()
                || labels().any(is_filmic)
                || self.numbered_level == Some(section.level))
        {
            return true;
        }
        if heading.numbered && matches!(items.first(), Some(Item::Yaml(_))) {
            return true;
        }
        // `## Opening` over `### Prompt`.
        section.level >= 2
            && all[index + 1..].iter().take_while(|below| below.level > section.level).take(40).any(
                |below| {
                    !below.heading.keyword
                        && below.level == section.level + 1
                        && is_strong(&below.heading.words)
                },
            )
    }

    fn start_scene(&mut self, section: &Section, items: Vec<Item>) {
        let parent =
            self.stack.last().and_then(|frame| frame.id.as_ref()).map(|id| id.value.to_string());
        let mut frame = Frame {
            level: section.level,
            word: section.heading.word.clone(),
            draft: Draft::new(Place::Scene),
            heading: section.heading.span,
            id: section.heading.id.clone(),
            prose: Vec::new(),
            shots: 0,
            parent,
            step: None,
        };
        frame.draft.title.clone_from(&section.heading.title);
        if let Some(parent) = self.stack.last_mut() {
            parent.shots += 1;
        }
        self.items(&mut frame, items, true);
        // A length in the heading gives way to one in a field.
        if let Some(timing) = &section.heading.timing {
            // In a heading, `3-5 s` is a place in the film.
            let label = Spanned::new("time".to_owned(), timing.span);
            let node = Node::scalar(timing.value.clone(), Style::Markdown, timing.span);
            if let Outcome::Value(length) =
                value::read(Field::Duration, &label, &node, self.problems)
            {
                frame.draft.fill(Field::Duration, length);
            }
        }
        self.stack.push(frame);
    }

    /// Puts what stands under a scene's own heading, or under a sub-heading that adds to it, into the scene.
    fn items(&mut self, frame: &mut Frame, items: Vec<Item>, own: bool) {
        // The label alone on its line whose words have just ended.
        let mut alone: Option<Spanned<String>> = None;
        for (index, item) in table::with_fields_apart(items).into_iter().enumerate() {
            if let (Item::Prose(node), Some(label)) = (&item, &alone)
                && !is_picture(node)
                && !is_rows(node)
            {
                let name = quoted(&label.value);
                self.problems.push(
                    Diagnostic::warning(
                        "paragraph-apart",
                        format!("this paragraph is no part of {name}: a blank line ends it"),
                        node.span,
                    )
                    .label("read as notes")
                    .hint(format!(
                        "take the blank line away, or indent the paragraph below {name}"
                    )),
                );
            }
            alone = match &item {
                Item::Field(field) => self.alone_on_its_line(field),
                _ => None,
            };
            match item {
                Item::Field(Labelled { label, meaning, value, group, .. }) => {
                    if !(group && value.kind == NodeKind::Null) {
                        frame.draft.put_meant(&label, meaning, &value, self.problems);
                    }
                }
                Item::Prose(node) if is_picture(&node) => self.problems.push(
                    Diagnostic::warning(
                        "picture-ignored",
                        "a picture by itself is not used",
                        node.span,
                    )
                    .label("not read")
                    .hint("to start the clip from it, write `- **Reference**: ` in front of it"),
                ),
                Item::Prose(node) if is_rows(&node) => self.problems.push(
                    Diagnostic::warning(
                        "table-ignored",
                        "these rows have no header, so they are not read",
                        node.span,
                    )
                    .label("not read")
                    .hint("put `| Field | Value |` and `|---|---|` above them, or write lines such as `- **Visual**: ...`"),
                ),
                Item::Prose(node) => frame.prose.push(node),
                Item::Yaml(span) => {
                    if index > 0 || !own {
                        continue;
                    }
                    match yaml::parse(span, self.problems) {
                        Some(Node { kind: NodeKind::Map(entries), .. }) => {
                            for (label, value) in &entries {
                                frame.draft.put(label, value, self.problems);
                            }
                        }
                        Some(Node { kind: NodeKind::Null, .. }) | None => {}
                        Some(other) => self.problems.push(
                            Diagnostic::error(
                                "yaml-syntax",
                                "this block is no map of names and values",
                                other.span,
                            )
                            .label("not a map")
                            .hint("write lines such as `visual: A lighthouse at dawn`"),
                        ),
                    }
                }
                Item::Table(table) => self.problems.push(table::unread(&table)),
            }
        }
    }

    /// A heading below a scene's: a shot of it, a step, a label, or a mere division.
    fn sub_section(&mut self, section: &Section) {
        let heading = &section.heading;
        let Some(frame) = self.stack.last_mut() else { return };
        if frame.step.as_ref().is_some_and(|(level, ..)| *level >= section.level) {
            close_step(frame, self.problems);
        }
        let shot = heading.keyword && heading.numbered
            || (heading.numbered
                && step_heading(heading, self.text).is_none()
                && !draft::is_scene_label(&heading.words));
        if shot && frame.step.is_none() {
            let items = self.body(&section.lines, Within::Fields);
            let strong = items.iter().any(|item| {
                matches!(item, Item::Field(field) if is_strong(&field.label.value) || field.meaning.field() == Some(Field::Visual))
            });
            if heading.keyword || strong {
                self.start_scene(section, items);
                return;
            }
        }
        if let Some((kind, short)) = step_heading(heading, self.text) {
            let items = self.body(&section.lines, Within::Fields);
            let has_fields = items.iter().any(|item| matches!(item, Item::Field(_)));
            // `### Keyframe` with mere words is the prompt of the first frame, a field.
            if kind != StepKind::Keyframe || has_fields {
                let Some(frame) = self.stack.last_mut() else { return };
                close_step(frame, self.problems);
                frame.step = Some((
                    section.level,
                    kind,
                    heading.span,
                    Draft::new(Place::Step),
                    short.into_iter().collect(),
                ));
                self.step_items(items);
                return;
            }
        }
        let label = Spanned::new(
            heading.words.trim_end_matches([':', '：']).trim().to_owned(),
            heading.span,
        );
        if draft::is_scene_label(&label.value) {
            self.labelled_section(section, &label);
            return;
        }
        if let Some((label, value)) = inline(&heading.words, heading.span, self.text)
            && let Some(frame) = self.stack.last_mut()
        {
            let draft = match &mut frame.step {
                Some((_, _, _, draft, _)) => draft,
                None => &mut frame.draft,
            };
            draft.put(&label, &value, self.problems);
        }
        let items = self.body(&section.lines, Within::Fields);
        let Some(mut frame) = self.stack.pop() else { return };
        if frame.step.is_some() {
            self.stack.push(frame);
            self.step_items(items);
            return;
        }
        // Words under a heading of their own (`### Continuity`) are notes, not the picture.
        let prose_before = frame.prose.len();
        self.items(&mut frame, items, false);
        let notes: Vec<Node> = frame.prose.drain(prose_before..).collect();
        add_notes(&mut frame.draft, notes, self.problems);
        self.stack.push(frame);
    }

    fn step_items(&mut self, items: Vec<Item>) {
        let Some(Frame { step: Some((_, _, _, draft, prose)), .. }) = self.stack.last_mut() else {
            return;
        };
        for item in table::with_fields_apart(items) {
            match item {
                Item::Field(Labelled { label, meaning, value, group, .. }) => {
                    if !(group && value.kind == NodeKind::Null) {
                        draft.put_meant(&label, meaning, &value, self.problems);
                    }
                }
                Item::Prose(node) => prose.push(node),
                Item::Yaml(span) => {
                    if let Some(Node { kind: NodeKind::Map(entries), .. }) =
                        yaml::parse(span, self.problems)
                    {
                        for (label, value) in &entries {
                            draft.put(label, value, self.problems);
                        }
                    }
                }
                Item::Table(table) => self.problems.push(table::unread(&table)),
            }
        }
    }

    /// A sub-heading that is a label: what stands under it is the value.
    fn labelled_section(&mut self, section: &Section, label: &Spanned<String>) {
        let field = draft::known(&label.value);
        let within = match field {
            Some(Field::Dialogue | Field::Params | Field::Characters) => Within::Lines,
            _ if normalise_label(&label.value) == "steps" => Within::Lines,
            _ => Within::Value,
        };
        let items = self.body(&section.lines, within);
        let Some(frame) = self.stack.last_mut() else { return };
        let draft = match &mut frame.step {
            Some((_, _, _, draft, _)) => draft,
            None => &mut frame.draft,
        };
        let mut value = Vec::new();
        for item in items {
            match item {
                Item::Field(Labelled { label, meaning, value, group, .. }) => {
                    if !(group && value.kind == NodeKind::Null) {
                        draft.put_meant(&label, meaning, &value, self.problems);
                    }
                }
                Item::Prose(node) => value.push(node),
                Item::Yaml(span) => {
                    if let Some(node) = yaml::parse(span, self.problems) {
                        value.push(node);
                    }
                }
                Item::Table(table) => self.problems.push(table::unread(&table)),
            }
        }
        let by_line = matches!(within, Within::Lines);
        if let Some(node) = together(value, by_line) {
            draft.put(label, &node, self.problems);
        }
    }

    /// The scene on top of the stack is complete.
    fn pop(&mut self) {
        let Some(mut frame) = self.stack.pop() else { return };
        close_step(&mut frame, self.problems);
        let shown = frame.draft.fields.has(Field::Visual) || frame.draft.fields.has(Field::Prompt);
        let prose = std::mem::take(&mut frame.prose);
        if shown {
            add_notes(&mut frame.draft, prose, self.problems);
        } else if let Some(node) = together(prose, false) {
            let label = Spanned::new(Field::Visual.name().to_owned(), node.span);
            if let Outcome::Value(value) = value::read(Field::Visual, &label, &node, self.problems)
            {
                frame.draft.fill(Field::Visual, value);
            }
        }
        if frame.shots > 0 {
            self.inherit(frame);
            return;
        }
        let number = self.finished.len();
        let own = frame.id.take().or_else(|| frame.draft.id.take());
        let id = match own {
            Some(id) => id,
            None => match &frame.draft.title {
                Some(title) => {
                    Spanned::new(document::slug_or_number(&title.value, number), title.span)
                }
                None => Spanned::new(SceneId::Number(number as u64 + 1), frame.heading),
            },
        };
        let id = match frame.parent.take() {
            Some(parent) => id.map(|id| within(&parent, &id)),
            None => id,
        };
        frame.draft.id = None;
        let broken = frame.draft.broken;
        self.finished.push((frame.draft.into_scene(id, frame.heading), broken));
    }

    /// A scene with shots does not render itself: its shots take its fields.
    fn inherit(&mut self, frame: Frame) {
        let first = self.finished.len() - frame.shots.min(self.finished.len());
        let shots = &mut self.finished[first..];
        let mut shared = Fields::default();
        for (field, value) in frame.draft.fields.iter() {
            match field {
                // A scene's length is that of its shots together.
                Field::Duration | Field::ClipLength | Field::Notes | Field::Use | Field::Status => {
                }
                // Words are said and shown once, and a scene is entered and left once.
                Field::Text | Field::Voiceover | Field::Dialogue | Field::TransitionIn => {
                    if let Some((scene, _)) = shots.first_mut()
                        && !scene.fields.has(field)
                    {
                        scene.fields.set(field, value.clone());
                    }
                }
                Field::Transition => {
                    if let Some((scene, _)) = shots.last_mut()
                        && !scene.fields.has(field)
                    {
                        scene.fields.set(field, value.clone());
                    }
                }
                _ => {
                    shared.set(field, value.clone());
                }
            }
        }
        let timeless = shots.iter().any(|(scene, _)| !scene.fields.has(Field::Duration));
        for (scene, broken) in shots.iter_mut() {
            // A shot with a prompt or picture of its own does not take the scene's over it.
            let mut inherited = shared.clone();
            if scene.fields.has(Field::Visual) || scene.fields.has(Field::Prompt) {
                inherited.remove(Field::Visual);
                inherited.remove(Field::Prompt);
            }
            scene.fields = scene.fields.over(&inherited);
            *broken |= frame.draft.broken;
            if scene.steps.is_none() {
                scene.steps.clone_from(&frame.draft.steps);
            }
        }
        if timeless && let Some(length) = frame.draft.fields.get(Field::Duration) {
            self.problems.push(
                Diagnostic::warning(
                    "duration-of-shots",
                    "the length of a scene is not shared out among its shots",
                    length.span,
                )
                .label("not used")
                .hint("give each shot its own duration"),
            );
        }
        if let Some(parent) = self.stack.last_mut() {
            // Shots of shots count for the scene around both.
            parent.shots += frame.shots.saturating_sub(1);
        }
    }

    /// The storyboard; `None` where no section was a scene, which is reported.
    pub fn finish(mut self, has_front: bool, sections: &[Section]) -> Option<Drafted> {
        while !self.stack.is_empty() {
            self.pop();
        }
        if let Some(globals) = self.globals.take() {
            self.storyboard.defaults = globals.fields;
        }
        for (field, span) in std::mem::take(&mut self.unread) {
            let has = if field == Field::Characters {
                !self.storyboard.characters.is_empty()
            } else {
                self.storyboard.defaults.has(field)
            };
            if has || self.finished.is_empty() {
                continue;
            }
            let name = field.name();
            let line = if field == Field::Characters {
                "characters: {ada: {look: \"60s, grey braid\"}}".to_owned()
            } else {
                format!("{name}: ...")
            };
            self.problems.push(
                Diagnostic::warning(
                    "film-wide-words",
                    format!("what stands here looks like the film's `{name}`, and is not read"),
                    span,
                )
                .label("in no prompt")
                .hint(format!(
                    "write it in front matter, at the top between two lines of `---`: `{line}`"
                )),
            );
        }
        let tables = std::mem::take(&mut self.tables);
        if self.finished.is_empty() {
            let problem = match tables.iter().find(|(table, _)| table.is_list()) {
                Some((table, _)) => Diagnostic::error(
                    "table-of-shots",
                    "a table of shots is not read as a storyboard",
                    table.span,
                )
                .label("looks like one shot a row")
                .hint("give each shot a heading, `## Shot 1`, with `- **Visual**: ...` and `- **Duration**: 5s` under it"),
                None => {
                    let counted = counted(self.text, sections);
                    refusal(self.problems.source(), has_front, &counted)
                },
            };
            self.problems.push(problem);
            return None;
        }
        overview::merge_all(&tables, &mut self.finished, self.problems);
        let mut drafted = Drafted { storyboard: self.storyboard, broken: Vec::new() };
        for (scene, broken) in self.finished {
            if broken {
                drafted.broken.push(drafted.storyboard.scenes.len());
            }
            drafted.storyboard.scenes.push(scene);
        }
        Some(drafted)
    }
}

fn close_step(frame: &mut Frame, problems: &mut Problems<'_>) {
    let Some((_, kind, span, mut draft, prose)) = frame.step.take() else { return };
    if let Some(node) = together(prose, false) {
        draft::put_short_form(kind, &mut draft, &node, problems);
    }
    frame.draft.broken |= draft.broken;
    frame.draft.unknown.append(&mut draft.unknown);
    frame.draft.steps.get_or_insert_default().push(Step { kind, span, fields: draft.fields });
}

/// What a heading before the scenes may be about that holds for all of them.
const FOR_THE_FILM: &[Field] =
    &[Field::Style, Field::Negative, Field::Characters, Field::Lighting, Field::Mood];

/// True for prose or a bullet without a label that is known.
fn is_words(item: &Item) -> bool {
    match item {
        Item::Prose(_) => true,
        Item::Field(field) => field.meaning == Meaning::Unknown,
        _ => false,
    }
}

/// True for rows of a table that have no header.
fn is_rows(node: &Node) -> bool {
    node.as_text().is_some_and(|text| {
        let text = text.trim();
        text.starts_with('|') && text.ends_with('|') && text.matches('|').count() > 2
    })
}

/// True for `![a frame](frame.png)` alone in its paragraph: a picture of the board, not words about it.
fn is_picture(node: &Node) -> bool {
    node.as_text().is_some_and(|text| {
        let text = text.trim();
        text.starts_with("![") && text.ends_with(')') && text.contains("](") && !text.contains('\n')
    })
}

/// Several values as one: paragraphs a line each, or a list.
fn together(nodes: Vec<Node>, as_list: bool) -> Option<Node> {
    if nodes.len() <= 1 {
        return nodes.into_iter().next();
    }
    let span = nodes.iter().map(|node| node.span).reduce(Span::to)?;
    if as_list {
        return Some(Node { kind: NodeKind::List(nodes), span });
    }
    let literal = nodes.iter().any(
        |node| matches!(&node.kind, NodeKind::Scalar(scalar) if scalar.style == Style::Literal),
    );
    let mut text = String::new();
    for node in &nodes {
        if let NodeKind::Scalar(scalar) = &node.kind {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&scalar.text);
        }
    }
    Some(Node::scalar(text, if literal { Style::Literal } else { Style::Markdown }, span))
}

/// Words that describe nothing the model is asked for.
fn add_notes(draft: &mut Draft, prose: Vec<Node>, problems: &mut Problems<'_>) {
    let Some(node) = together(prose, false) else { return };
    let label = Spanned::new(Field::Notes.name().to_owned(), node.span);
    let Outcome::Value(notes) = value::read(Field::Notes, &label, &node, problems) else { return };
    match (draft.fields.get(Field::Notes).map(|old| &old.value), &notes.value) {
        (Some(Value::Text(old)), Value::Text(new)) => {
            let joined = format!("{old}\n{new}");
            draft.fields.set(Field::Notes, Spanned::new(Value::Text(joined), notes.span));
        }
        (Some(_), _) => {}
        (None, _) => draft.fill(Field::Notes, notes),
    }
}

/// A shot's id inside its scene: `2` and `1` are `2.1`; an id that names the scene already stays.
fn within(parent: &str, id: &SceneId) -> SceneId {
    let own = id.to_string();
    let names_it = own
        .strip_prefix(parent)
        .is_some_and(|rest| rest.starts_with(|c: char| !c.is_ascii_digit()));
    if names_it { id.clone() } else { SceneId::parse(&format!("{parent}.{own}")) }
}
