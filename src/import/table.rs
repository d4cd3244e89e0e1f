//! Tables in Markdown: a row a shot, a `Field | Value` table a scene, or a column a scene; and JSON or YAML in a fence.

use super::cells::{self, Cell};
use super::row::{self, Entry, Found, Row};
use super::tree;
use crate::source::{Diagnostic, Source, Span, Spanned};
use crate::storyboard::draft::{self, Meaning};
use crate::storyboard::markdown::body::{self, Item, Within};
use crate::storyboard::markdown::front;
use crate::storyboard::markdown::heading::{self, Heading};
use crate::storyboard::markdown::lines::{self, Line, LineKind};
use crate::storyboard::markdown::table::{self, Table};
use crate::storyboard::node::{Node, NodeKind, Style};
use crate::storyboard::problems::Problems;
use crate::storyboard::{Field, yaml};

/// Headers of the column that names fields.
const NAMES: &[&str] = &[
    "field",
    "property",
    "element",
    "item",
    "attribute",
    "parameter",
    "key",
    "aspect",
    "label",
    "detail",
    "category",
    "setting",
    "settings",
    "spec",
    "info",
    "字段",
    "项目",
    "要素",
    "项",
    "項目",
    "feld",
    "eigenschaft",
    "veld",
    "onderdeel",
    "",
];

/// Reads the tables of a Markdown document.
pub(super) fn read(source: &Source) -> Result<Found, Vec<Diagnostic>> {
    let mut problems = Problems::new(source);
    let mark = if source.text().starts_with('\u{feff}') { 3 } else { 0 };
    let front = front::find(Span::new(mark, source.text().len()), &mut problems);
    let mut found = Found::default();
    if let Some(front) = &front
        && let Some(Node { kind: NodeKind::Map(entries), .. }) =
            yaml::parse(front.span, &mut problems)
    {
        found.globals = entries;
    }
    let lines = lines::split(front.as_ref().map_or(mark, |front| front.after), &mut problems);
    let mut reader = Reader {
        text: &lines.text,
        found,
        scene: None,
        called_scene: false,
        fences: Vec::new(),
        listed: Vec::new(),
    };
    let mut at = 0;
    let mut section: Option<Heading> = None;
    let mut level = 0;
    while at <= lines.lines.len() {
        let end = lines.lines[at..]
            .iter()
            .position(|line| matches!(line.kind, LineKind::Heading { .. }))
            .map_or(lines.lines.len(), |offset| at + offset);
        reader.section(section.as_ref(), level, &lines.lines[at..end]);
        let Some(line) = lines.lines.get(end) else { break };
        if let LineKind::Heading { level: deep, text } = line.kind {
            section = Some(heading::read(&lines.text[text.range()], text, None));
            level = deep;
        }
        at = end + 1;
    }
    reader.close();
    reader.join();
    if reader.found.rows.is_empty() {
        let fences = std::mem::take(&mut reader.fences);
        for span in fences {
            let mut scratch = Problems::new(source);
            if let Some(node) = yaml::parse(span, &mut scratch) {
                let found = tree::of_node(&node);
                if !found.rows.is_empty() {
                    return Ok(found);
                }
            }
        }
    }
    Ok(reader.found)
}

struct Reader<'t> {
    text: &'t str,
    found: Found,
    /// The scene whose heading was the last with a number, with its level.
    scene: Option<(u8, Row)>,
    /// That heading says so: `Scene 1`, and not only `1`.
    called_scene: bool,
    /// JSON and YAML that stands in fences.
    fences: Vec<Span>,
    /// Rows of tables that stand under no scene's heading.
    listed: Vec<Row>,
}

impl Reader<'_> {
    fn section(&mut self, heading: Option<&Heading>, level: u8, lines: &[Line]) {
        let ends = self.scene.as_ref().is_some_and(|(deep, _)| level <= *deep);
        if heading.is_some() && ends {
            self.close();
        }
        if let Some(heading) = heading {
            let is_scene = heading.numbered && (heading.keyword || self.has_table(lines));
            if is_scene && self.scene.is_none() {
                let mut row = Row { span: heading.span, ..Row::default() };
                row.id = heading.id.as_ref().map(|id| Spanned::new(id.value.to_string(), id.span));
                row.title.clone_from(&heading.title);
                if let Some(timing) = &heading.timing {
                    let label = Spanned::new("time".to_owned(), timing.span);
                    row.entries.push((
                        label,
                        Node::scalar(timing.value.clone(), Style::Markdown, timing.span),
                    ));
                }
                self.scene = Some((level, row));
                self.called_scene = heading.keyword;
            } else if level == 1 && self.found.title.is_none() && !heading.words.is_empty() {
                let words = self.text[heading.span.range()].trim_matches(['*', '_', '`', ' ']);
                for word in ["storyboard", "shot list", "scenes"] {
                    if words.to_lowercase().contains(word) {
                        self.found.context = 1;
                    }
                }
                self.found.title = Some(Spanned::new(words.to_owned(), heading.span));
            }
        }
        let (tables, rest) = tables(self.text, lines);
        self.words(heading, &rest);
        for table in tables {
            self.table(heading, table);
        }
    }

    fn has_table(&self, lines: &[Line]) -> bool {
        !tables(self.text, lines).0.is_empty()
    }

    /// Labels and prose outside of tables.
    fn words(&mut self, heading: Option<&Heading>, lines: &[Line]) {
        for item in body::read(self.text, lines, Within::Fields) {
            match item {
                Item::Field(field) if field.value.kind != NodeKind::Null => {
                    let entry = (field.label, field.value);
                    match &mut self.scene {
                        Some((_, row)) => row.entries.push(entry),
                        // Instructions below a list of shots are for people.
                        None if self.found.rows.is_empty() && self.listed.is_empty() => {
                            self.found.globals.push(entry)
                        }
                        None => {
                            let said = format!("{}: {}", entry.0.value, draft::raw_text(&entry.1));
                            self.found.loose.push(Spanned::new(said, entry.0.span));
                        }
                    }
                }
                Item::Yaml(span) => self.fences.push(span),
                Item::Prose(node) => {
                    if let Some((_, row)) = &mut self.scene {
                        let label = Spanned::new("notes".to_owned(), node.span);
                        row.entries.push((label, node));
                    } else if let NodeKind::Scalar(scalar) = &node.kind {
                        let above =
                            heading.map(|heading| heading.words.as_str()).unwrap_or_default();
                        let words = scalar.text.split_whitespace().collect::<Vec<_>>().join(" ");
                        let said = if above.is_empty()
                            || self.found.title.as_ref().is_some_and(|title| title.value == above)
                        {
                            words
                        } else {
                            format!("{above}: {words}")
                        };
                        self.found.loose.push(Spanned::new(said, node.span));
                    }
                }
                Item::Field(_) | Item::Table { .. } => {}
            }
        }
    }

    fn table(&mut self, heading: Option<&Heading>, table: Table) {
        if let Some(rows) = by_column(&table) {
            self.found.rows.extend(rows);
            return;
        }
        if let Some(entries) = by_field(&table) {
            let shows = entries.iter().any(|(label, _)| {
                matches!(
                    row::meaning(&label.value).field(),
                    Some(
                        Field::Visual
                            | Field::Prompt
                            | Field::ImagePrompt
                            | Field::Action
                            | Field::Subject
                    )
                )
            });
            match &mut self.scene {
                Some((_, row)) => row.entries.extend(entries),
                None if shows => {
                    let title = heading
                        .filter(|heading| {
                            Some(&heading.words)
                                != self.found.title.as_ref().map(|title| &title.value)
                        })
                        .and_then(|heading| heading.title.clone());
                    self.found.rows.push(Row {
                        span: table.lines,
                        title,
                        entries,
                        ..Row::default()
                    });
                }
                None => self.found.globals.extend(entries),
            }
            return;
        }
        if cells::known(&table.columns) < 2 {
            let words: Vec<&str> = table.columns.iter().map(|cell| cell.value.as_str()).collect();
            self.found
                .loose
                .push(Spanned::new(format!("table {}", words.join(" | ")), table.lines));
            return;
        }
        let span = table.lines;
        let rows = cells::rows(
            &table.columns,
            table.rows,
            Style::Markdown,
            self.scene.is_some(),
            &mut self.found,
        );
        match &mut self.scene {
            Some((_, scene)) => scene.shots.extend(rows),
            None => {
                // One list of shots may be split into several tables, but a table that shows nothing is another.
                let shows = rows.iter().any(|row| {
                    row.entries
                        .iter()
                        .any(|(label, _)| row::meaning(&label.value).field().is_some())
                });
                if shows {
                    self.listed.extend(rows);
                } else {
                    let words: Vec<&str> =
                        table.columns.iter().map(|cell| cell.value.as_str()).collect();
                    self.found
                        .loose
                        .push(Spanned::new(format!("table {}", words.join(" | ")), span));
                }
            }
        }
    }

    /// The scene is complete.
    fn close(&mut self) {
        let Some((_, row)) = self.scene.take() else { return };
        let is_empty = row.entries.is_empty() && row.shots.is_empty();
        if is_empty {
            let title = row.title.map(|title| title.value).unwrap_or_default();
            self.found.loose.push(Spanned::new(format!("heading {title}"), row.span));
            return;
        }
        let mut row = row;
        // Words under the heading of a scene are what is seen where nothing else is.
        if self.called_scene
            && row.shots.is_empty()
            && !row.entries.iter().any(|(label, _)| shows(&label.value))
        {
            let words = row.entries.iter_mut().find(|(label, _)| label.value == "notes");
            words.into_iter().for_each(|(label, _)| "visual".clone_into(&mut label.value));
        }
        self.found.rows.push(row);
    }

    /// A table beside headings for the same scenes fills their gaps; without headings its rows are the scenes.
    fn join(&mut self) {
        let listed = std::mem::take(&mut self.listed);
        let key = |row: &Row| {
            row.id.as_ref().map(|id| id.value.trim().trim_start_matches('0').to_owned())
        };
        for row in listed {
            let own = key(&row);
            let known = self.found.rows.iter_mut().find(|scene| own.is_some() && key(scene) == own);
            match known.filter(|scene| scene.shots.is_empty()) {
                Some(scene) => {
                    let told: Vec<Meaning> =
                        scene.entries.iter().map(|(label, _)| kind(&label.value)).collect();
                    for (mut label, mut node) in row.entries {
                        if told.contains(&kind(&label.value)) {
                            // The heading's words win; those of the table are kept.
                            let said = format!("{}: {}", label.value, draft::raw_text(&node));
                            "notes".clone_into(&mut label.value);
                            node = Node::scalar(said, Style::Quoted, node.span);
                        }
                        scene.entries.push((label, node));
                    }
                    scene.title = scene.title.take().or(row.title);
                }
                None => self.found.rows.push(row),
            }
        }
    }
}

/// What a label means, whatever it is called.
fn kind(label: &str) -> Meaning {
    match row::meaning(label) {
        Meaning::Field(field, _) => Meaning::Field(field, 0),
        other => other,
    }
}

/// True for a label under which something is seen.
fn shows(label: &str) -> bool {
    matches!(
        row::meaning(label).field(),
        Some(
            Field::Visual
                | Field::Prompt
                | Field::ImagePrompt
                | Field::Action
                | Field::Subject
                | Field::Video
                | Field::File
        )
    )
}

/// A `Field | Value` table's entries.
fn by_field(table: &Table) -> Option<Vec<Entry>> {
    let width = table.columns.len();
    if !(2..=3).contains(&width) {
        return None;
    }
    let first = crate::storyboard::normalise_label(&table.columns[0].value);
    let known = |cell: &Cell| {
        draft::is_scene_label(cell.value.trim().trim_matches(['*', '_', '`', ':', '：', ' ']))
    };
    let labels = table.rows.iter().filter_map(|row| row.first());
    let (all, good) =
        labels.fold((0, 0), |(all, good), cell| (all + 1, good + usize::from(known(cell))));
    let second = crate::storyboard::normalise_label(&table.columns[1].value);
    let named = NAMES.contains(&first.as_str())
        || matches!(second.as_str(), "value" | "values" | "details" | "wert" | "waarde" | "值");
    // Without such a header, its cells are a label and a value like those below.
    let headless = !named && width == 2 && known(&table.columns[0]) && !known(&table.columns[1]);
    // A dictionary of fields is no scene.
    let explains = matches!(
        second.as_str(),
        "meaning"
            | "means"
            | "explanation"
            | "definition"
            | "purpose"
            | "含义"
            | "意味"
            | "bedeutung"
            | "betekenis"
    );
    if all == 0 || good * 2 < all || !(named || headless) || explains {
        return None;
    }
    let mut rows = Vec::new();
    if headless {
        rows.push(table.columns.clone());
    }
    rows.extend(table.rows.iter().cloned());
    Some(cells::pairs(&rows, Style::Markdown))
}

/// A table with a column a scene: `| Field | Scene 1 | Scene 2 |`.
fn by_column(table: &Table) -> Option<Vec<Row>> {
    let (first, scenes) = table.columns.split_first()?;
    let key = crate::storyboard::normalise_label(&first.value);
    let numbered = scenes.len() >= 2 && scenes.iter().all(|cell| cells::is_number(&cell.value));
    if !numbered || !NAMES.contains(&key.as_str()) {
        return None;
    }
    let rows = scenes.iter().enumerate().map(|(index, id)| {
        let pairs: Vec<Vec<Cell>> = table
            .rows
            .iter()
            .filter_map(|row| Some(vec![row.first()?.clone(), row.get(index + 1)?.clone()]))
            .collect();
        Row {
            span: id.span,
            id: Some(id.clone()),
            entries: cells::pairs(&pairs, Style::Markdown),
            ..Row::default()
        }
    });
    Some(rows.collect())
}

/// The tables among some lines, and the lines that are in none.
fn tables(text: &str, lines: &[Line]) -> (Vec<Table>, Vec<Line>) {
    let mut tables = Vec::new();
    let mut rest = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        match table::read(text, &lines[at..], usize::MAX) {
            Some((table, length)) => {
                tables.push(table);
                at += length;
            }
            None => {
                rest.push(lines[at]);
                at += 1;
            }
        }
    }
    (tables, rest)
}
