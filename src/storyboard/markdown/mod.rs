//! Reading Markdown storyboards: headings become scenes, what stands under them becomes fields.

mod body;
mod heading;
mod lines;

use super::document::{self, Drafted};
use super::draft::{self, Draft, Place};
use super::field::{Field, Fields, Value, normalise_label};
use super::node::{Node, NodeKind, Style};
use super::problems::{Problems, first_line};
use super::scene::{Scene, SceneId, Step, StepKind, Storyboard};
use super::value::{self, Outcome};
use super::yaml;
use crate::source::{Diagnostic, Source, Span, Spanned};
use body::{Item, Labelled, Within};
use heading::Heading;
use lines::{Line, LineKind};

/// A heading with everything up to the next one.
struct Section {
    level: u8,
    heading: Heading,
    lines: std::ops::Range<usize>,
}

/// Reads a Markdown document. `None` where it is no storyboard, which is reported.
pub(super) fn read(problems: &mut Problems<'_>) -> Option<Drafted> {
    let source = problems.source();
    let mark = if source.text().starts_with('\u{feff}') { 3 } else { 0 };
    let front = front_matter(source, mark, problems);
    let mut storyboard = Storyboard::default();
    let mut has_front = false;
    let mut body_start = mark;
    if let Some(front) = front {
        has_front = true;
        body_start = front.after;
        let node = yaml::parse(front.span, problems);
        match node.as_ref().map(|node| &node.kind) {
            Some(NodeKind::Map(entries)) => {
                let head = document::read_head(entries, problems);
                if let Some((key, _)) = head.scenes {
                    problems.push(
                        Diagnostic::error("scenes-in-front-matter", "front matter cannot hold scenes", key)
                            .label("scenes belong below")
                            .hint("write them as headings, or rename the file to `.yaml` and remove the `---` lines"),
                    );
                }
                storyboard = head.storyboard;
            }
            Some(NodeKind::Null) | None => {}
            Some(_) => {
                if let Some(node) = &node {
                    problems.push(
                        Diagnostic::error(
                            "yaml-syntax",
                            "front matter is no map of names and values",
                            node.span,
                        )
                        .hint("write lines such as `model: veo-3.1-fast`"),
                    );
                }
            }
        }
    }
    let lines = lines::split(body_start, problems);
    let (preamble, sections) = sections(&lines.text, &lines.lines, problems.frame_rate);
    let mut reader = Reader {
        text: &lines.text,
        lines: &lines.lines,
        problems,
        storyboard,
        globals: (!has_front).then(|| Draft::new(Place::Defaults)),
        stack: Vec::new(),
        finished: Vec::new(),
        tables: Vec::new(),
        any_keyword: sections
            .iter()
            .any(|section| section.heading.keyword && section.heading.numbered),
    };
    reader.preamble(&preamble);
    for (index, section) in sections.iter().enumerate() {
        reader.section(index, section, &sections);
    }
    reader.finish(has_front)
}

struct FrontMatter {
    span: Span,
    after: usize,
}

/// The YAML between `---` lines at the very top.
fn front_matter(source: &Source, mark: usize, problems: &mut Problems<'_>) -> Option<FrontMatter> {
    let text = source.text();
    let start = mark
        + (text[mark..].len() - text[mark..].trim_start_matches(['\n', '\r', ' ', '\t']).len());
    // Spaces in front of the marks make them something else.
    let start = if start > mark && !text[..start].ends_with('\n') { return None } else { start };
    let first_end = text[start..].find('\n').map(|at| start + at + 1)?;
    if text[start..first_end].trim_end() != "---" {
        return None;
    }
    let mut at = first_end;
    let mut looks_like_yaml = None;
    while at < text.len() {
        let next = text[at..].find('\n').map_or(text.len(), |offset| at + offset + 1);
        let line = &text[at..next];
        if matches!(line.trim_end(), "---" | "...") {
            return Some(FrontMatter { span: Span::new(first_end, at), after: next });
        }
        if looks_like_yaml.is_none() && !line.trim().is_empty() {
            looks_like_yaml =
                Some(!line.starts_with('#') && line.contains(':') && !line.starts_with(['-', '*']));
        }
        at = next;
    }
    if looks_like_yaml == Some(true) {
        problems.push(
            Diagnostic::error(
                "unclosed-front-matter",
                "the front matter is never closed",
                start..start + 3,
            )
            .label("opened here")
            .hint("end it with a line `---`"),
        );
    }
    None
}

fn sections(
    text: &str,
    lines: &[Line],
    frame_rate: Option<f64>,
) -> (std::ops::Range<usize>, Vec<Section>) {
    let mut sections: Vec<Section> = Vec::new();
    let mut preamble = 0..lines.len();
    for (index, line) in lines.iter().enumerate() {
        if let LineKind::Heading { level, text: words } = line.kind {
            match sections.last_mut() {
                Some(last) => last.lines.end = index,
                None => preamble.end = index,
            }
            let heading = heading::read(&text[words.range()], words, frame_rate);
            sections.push(Section { level, heading, lines: index + 1..lines.len() });
        }
    }
    (preamble, sections)
}

/// A scene that may still get sub-headings.
struct Frame {
    level: u8,
    draft: Draft,
    heading: Span,
    id: Option<Spanned<SceneId>>,
    prose: Vec<Node>,
    shots: usize,
    /// The id of the scene around it.
    parent: Option<String>,
    /// Where it stands among all scenes, in document order.
    order: usize,
    /// The step that the sub-heading above belongs to, with its level.
    step: Option<(u8, StepKind, Span, Draft, Vec<Node>)>,
    tables: usize,
}

struct Reader<'d, 's, 'p> {
    text: &'d str,
    lines: &'d [Line],
    problems: &'p mut Problems<'s>,
    storyboard: Storyboard,
    globals: Option<Draft>,
    stack: Vec<Frame>,
    finished: Vec<(usize, Scene, bool)>,
    tables: Vec<(Span, Vec<String>)>,
    any_keyword: bool,
}

/// Fields that global bullets may set for every scene.
const GLOBAL_FIELDS: &[Field] = &[
    Field::AspectRatio,
    Field::Style,
    Field::Negative,
    Field::Model,
    Field::Resolution,
    Field::Seed,
    Field::Params,
    Field::Lighting,
    Field::Mood,
];

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

impl<'d> Reader<'d, '_, '_> {
    fn body(&self, lines: &std::ops::Range<usize>, within: Within) -> Vec<Item> {
        body::read(self.text, &self.lines[lines.clone()], within)
    }

    fn preamble(&mut self, lines: &std::ops::Range<usize>) {
        let items = self.body(lines, Within::Fields);
        self.global_items(items);
    }

    /// Bullets before the first scene.
    fn global_items(&mut self, items: Vec<Item>) {
        for item in items {
            match item {
                Item::Field(Labelled { label, value, bold: true, .. }) => {
                    if normalise_label(&label.value) == "title" && self.storyboard.title.is_none() {
                        self.storyboard.title = value::plain(&value);
                    }
                    let Some(globals) = &mut self.globals else { continue };
                    let Some(field) =
                        draft::known(&label.value).filter(|field| GLOBAL_FIELDS.contains(field))
                    else {
                        continue;
                    };
                    // `**Format**: a vertical short` is no ratio; outside a scene that is nobody's mistake.
                    let ratio = value.as_text().is_none_or(|text| {
                        value::ratio(text.trim_matches(['*', '`', '"'])).is_some()
                    });
                    if (field != Field::AspectRatio || ratio) && !globals.fields.has(field) {
                        globals.put(&label, &value, self.problems);
                    }
                }
                Item::Table { span, columns } => self.tables.push((span, columns)),
                _ => {}
            }
        }
    }

    fn section(&mut self, index: usize, section: &Section, all: &[Section]) {
        while self.stack.last().is_some_and(|frame| frame.level >= section.level) {
            self.pop();
        }
        if self.stack.is_empty() {
            let within = Within::Fields;
            let items = self.body(&section.lines, within);
            if self.is_scene(index, section, &items, all) {
                self.start_scene(section, items);
            } else if self.finished.is_empty() {
                if section.level == 1
                    && self.storyboard.title.is_none()
                    && !section.heading.words.is_empty()
                {
                    let words = section.heading.words.trim_matches(['*', '_', '`']).trim();
                    let at = self.text[section.heading.span.range()].find(words).unwrap_or(0)
                        + section.heading.span.start;
                    self.storyboard.title = Some(Spanned::new(
                        words.split_whitespace().collect::<Vec<_>>().join(" "),
                        at..at + words.len(),
                    ));
                }
                self.global_items(items);
            } else {
                for item in items {
                    if let Item::Table { span, columns } = item {
                        self.tables.push((span, columns));
                    }
                }
            }
            return;
        }
        self.sub_section(section);
    }

    fn is_scene(&self, index: usize, section: &Section, items: &[Item], all: &[Section]) -> bool {
        let heading = &section.heading;
        if heading.keyword && heading.numbered {
            return true;
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
            && (heading.timing.is_some() || labels().any(is_filmic))
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
        let order = self.finished.len() + self.stack.len();
        let mut frame = Frame {
            level: section.level,
            draft: Draft::new(Place::Scene),
            heading: section.heading.span,
            id: section.heading.id.clone(),
            prose: Vec::new(),
            shots: 0,
            parent,
            order,
            step: None,
            tables: 0,
        };
        frame.draft.title.clone_from(&section.heading.title);
        if let Some(parent) = self.stack.last_mut() {
            parent.shots += 1;
        }
        self.items(&mut frame, items, true);
        // A length in the heading gives way to one in a field.
        if let Some(timing) = &section.heading.timing {
            let label = Spanned::new(Field::Duration.name().to_owned(), timing.span);
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
        for (index, item) in items.into_iter().enumerate() {
            match item {
                Item::Field(Labelled { label, meaning, value, group, .. }) => {
                    if !(group && value.kind == NodeKind::Null) {
                        frame.draft.put_meant(&label, meaning, &value, self.problems);
                    }
                }
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
                            .hint("write lines such as `visual: A lighthouse at dawn`"),
                        ),
                    }
                }
                Item::Table { span, .. } => {
                    frame.tables += 1;
                    self.problems.push(
                        Diagnostic::warning(
                            "table-ignored",
                            "a table inside a scene is not read",
                            span,
                        )
                        .label("not read")
                        .hint("write its rows as `- **Field**: value`"),
                    );
                }
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
        for item in items {
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
                Item::Table { .. } => {}
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
                Item::Table { span, .. } => self.problems.push(
                    Diagnostic::warning(
                        "table-ignored",
                        "a table inside a scene is not read",
                        span,
                    )
                    .label("not read")
                    .hint("write its rows as `- **Field**: value`"),
                ),
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
        let broken = frame.draft.broken || frame.tables > 0 && frame.draft.fields.is_empty();
        self.finished.push((frame.order, frame.draft.into_scene(id, frame.heading), broken));
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
                    if let Some((_, scene, _)) = shots.first_mut()
                        && !scene.fields.has(field)
                    {
                        scene.fields.set(field, value.clone());
                    }
                }
                Field::Transition => {
                    if let Some((_, scene, _)) = shots.last_mut()
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
        let timeless = shots.iter().any(|(_, scene, _)| !scene.fields.has(Field::Duration));
        for (_, scene, broken) in shots.iter_mut() {
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

    fn finish(mut self, has_front: bool) -> Option<Drafted> {
        while !self.stack.is_empty() {
            self.pop();
        }
        if let Some(globals) = self.globals.take() {
            self.storyboard.defaults = globals.fields;
        }
        let shots_table = self.tables.iter().find(|(_, columns)| {
            columns.iter().filter(|column| draft::known(column).is_some()).count() >= 2
        });
        if self.finished.is_empty() {
            let problem = match shots_table {
                Some((span, _)) => Diagnostic::error(
                    "table-of-shots",
                    "a table of shots is not read as a storyboard",
                    *span,
                )
                .label("looks like one shot a row")
                .hint("give each shot a heading, `## Shot 1`, with `- **Visual**: ...` and `- **Duration**: 5s` under it"),
                None => refusal(self.problems.source(), has_front),
            };
            self.problems.push(problem);
            return None;
        }
        if let Some((span, _)) = shots_table {
            self.problems.push(
                Diagnostic::warning(
                    "table-ignored",
                    "this table is not read, the headings are",
                    *span,
                )
                .label("not read")
                .hint("put what only the table says under the scenes' headings"),
            );
        }
        self.finished.sort_by_key(|(order, ..)| *order);
        let mut drafted = Drafted { storyboard: self.storyboard, broken: Vec::new() };
        for (_, scene, broken) in self.finished {
            if broken {
                drafted.broken.push(drafted.storyboard.scenes.len());
            }
            drafted.storyboard.scenes.push(scene);
        }
        Some(drafted)
    }
}

/// Why a document without scenes is refused.
fn refusal(source: &Source, has_front: bool) -> Diagnostic {
    let span = first_line(source);
    let message = if span.start == span.end {
        "the storyboard is empty"
    } else if has_front {
        "this storyboard has front matter and no scenes"
    } else {
        "this is not a storyboard: no heading is a scene"
    };
    let code = if span.start != span.end && has_front { "no-scenes" } else { "not-a-storyboard" };
    Diagnostic::error(code, message, span)
        .label("looked for headings such as `## Scene 1: Opening`")
        .hint("write `## Scene 1: Opening` with `- **Visual**: ...` under it, or run `storyreel init` for a starter")
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

/// `### Extend`, `### Step 2: Upscale`, `### Upscale to 4k`, `### Extend: The camera drifts on`.
fn step_heading(heading: &Heading, text: &str) -> Option<(StepKind, Option<Node>)> {
    let words = heading.words.trim();
    let lower = words.to_lowercase();
    let mut at = 0;
    if let Some(rest) = lower.strip_prefix("step") {
        let rest = rest.trim_start_matches(|c: char| {
            c.is_whitespace() || c.is_ascii_digit() || matches!(c, ':' | '.' | '-' | '—' | '–')
        });
        at = lower.len() - rest.len();
    }
    if lower.len() != words.len() {
        at = 0;
    }
    let rest = &words[at..];
    let length = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let kind = StepKind::named(&rest[..length])?;
    let after = rest[length..].trim_start_matches(|c: char| {
        c.is_whitespace() || matches!(c, ':' | '：' | '(' | '—' | '–' | '-')
    });
    let after = after.strip_prefix("to ").unwrap_or(after).trim_end_matches(')').trim();
    if after.is_empty() {
        return Some((kind, None));
    }
    // `### Extended cut` and `### Generate ideas` are no steps.
    let direct = rest[length..].trim_start().starts_with([':', '：', '(', '—', '–', '-']);
    let target = kind == StepKind::Upscale && after.split_whitespace().count() <= 3;
    let place = match text[heading.span.range()].rfind(after) {
        Some(found) => {
            Span::new(heading.span.start + found, heading.span.start + found + after.len())
        }
        None => heading.span,
    };
    (direct || target).then(|| (kind, Some(Node::scalar(after, Style::Markdown, place))))
}

/// `### Camera: slow dolly`: a label and its value in one heading.
fn inline(words: &str, span: Span, text: &str) -> Option<(Spanned<String>, Node)> {
    let (label, value) = words.split_once([':', '：'])?;
    let (label, value) = (label.trim(), value.trim());
    if value.is_empty() || label.len() > 60 || !draft::is_scene_label(label) {
        return None;
    }
    let written = &text[span.range()];
    let place = |words: &str| match written.find(words) {
        Some(at) => Span::new(span.start + at, span.start + at + words.len()),
        None => span,
    };
    Some((
        Spanned::new(label.to_owned(), place(label)),
        Node::scalar(value, Style::Markdown, place(value)),
    ))
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
