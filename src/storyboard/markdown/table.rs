//! Tables: rows of cells with their places, and those that hold the fields of one scene.

use super::super::draft::Meaning;
use super::super::node::{Node, Style};
use super::body::{Item, Labelled};
use super::lines::{Line, LineKind};
use crate::source::{Diagnostic, Span, Spanned};

/// A table as it stands in the document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    /// The header row.
    pub span: Span,
    /// All its lines.
    pub lines: Span,
    /// The words of the header.
    pub columns: Vec<Spanned<String>>,
    /// The cells of each row below.
    pub rows: Vec<Vec<Spanned<String>>>,
}

/// Wider than any table that somebody writes about scenes.
pub(crate) const MOST_COLUMNS: usize = 64;

/// Words at the head of a table with a field a row.
const HEADS: &[&str] = &[
    "field",
    "fields",
    "property",
    "key",
    "element",
    "attribute",
    "item",
    "label",
    "parameter",
    "aspect",
    "category",
    "component",
    "字段",
    "项目",
    "要素",
    "項目",
    "feld",
    "eigenschaft",
    "merkmal",
    "veld",
    "eigenschap",
    "champ",
];

/// The table that starts at the first of these lines, and how many lines it has; `None` where none does. Of each row no
/// more cells are read than `most`.
pub(crate) fn read(text: &str, lines: &[Line], most: usize) -> Option<(Table, usize)> {
    let row = |line: &Line| {
        (line.kind == LineKind::Text && text[line.span.range()].contains('|')).then_some(line.span)
    };
    let head = row(lines.first()?)?;
    let rule = row(lines.get(1)?)?;
    if !is_delimiter_row(&text[rule.range()]) {
        return None;
    }
    let rows: Vec<Span> = lines[2..].iter().map_while(row).collect();
    let table = Table {
        span: super::body::trimmed(text, head),
        lines: rows.last().map_or(head, |last| head.to(*last)),
        columns: cells(text, head, most),
        rows: rows.iter().map(|row| cells(text, *row, most)).collect(),
    };
    Some((table, rows.len() + 2))
}

fn is_delimiter_row(row: &str) -> bool {
    let row = row.trim();
    row.contains('-') && row.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ' | '\t'))
}

/// The cells of a row: between bars, of which those after a backslash and in code are text.
fn cells(text: &str, row: Span, most: usize) -> Vec<Spanned<String>> {
    let row = super::body::trimmed(text, row);
    let line = &text[row.range()];
    let mut cells = Vec::new();
    let mut start = usize::from(line.starts_with('|'));
    let mut in_code = false;
    let mut escaped = false;
    for (at, c) in line.char_indices().skip(start) {
        match c {
            '`' => in_code = !in_code && line[at + 1..].contains('`'),
            '|' if !escaped && !in_code => {
                cells.push(cell(text, Span::new(row.start + start, row.start + at)));
                start = at + 1;
            }
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        if cells.len() == most {
            return cells;
        }
    }
    if start < line.len() {
        cells.push(cell(text, Span::new(row.start + start, row.end)));
    }
    cells
}

/// A cell's words: bars without their backslash, `<br>` as a line break.
fn cell(text: &str, span: Span) -> Spanned<String> {
    let span = super::body::trimmed(text, span);
    let mut words = text[span.range()].replace("\\|", "|");
    for mark in ["<br>", "<br/>", "<br />", "<BR>"] {
        if words.contains(mark) {
            words = words.replace(mark, "\n");
        }
    }
    Spanned::new(words, span)
}

impl Table {
    /// What the columns mean.
    pub fn meanings(&self) -> Vec<Meaning> {
        self.columns.iter().map(|column| Meaning::of(label(column).value.as_str())).collect()
    }

    /// True for a table with several rows of which each says the same of another thing: a shot, most likely.
    pub fn is_list(&self) -> bool {
        let known = self.meanings().iter().filter(|meaning| meaning.field().is_some()).count();
        known >= 2
    }

    /// The fields that it holds of one scene: `| Field | Value |` with a field a row, or one row below its labels.
    pub fn fields(&self) -> Option<Vec<Labelled>> {
        let [row] = self.rows.as_slice() else { return self.field_a_row() };
        let by_column = self.columns.iter().zip(row).map(|(label, value)| field(label, value));
        let by_column: Vec<Labelled> = by_column.collect();
        match by_column.iter().all(|field| field.meaning.is_known()) {
            true => Some(by_column),
            false => self.field_a_row().or_else(|| most_known(by_column)),
        }
    }

    /// Fields with a row each.
    pub fn field_a_row(&self) -> Option<Vec<Labelled>> {
        let [name, value] = self.columns.as_slice() else { return None };
        let name = label(name).value;
        let is_head = name.is_empty() || HEADS.contains(&name.to_lowercase().as_str());
        // `| Character | Description |` lists things.
        if !is_head && Meaning::of(&label(value).value).is_known() {
            return None;
        }
        let rows = (!is_head).then_some(&self.columns).into_iter().chain(&self.rows);
        most_known(rows.filter_map(|row| Some(field(row.first()?, row.get(1)?))).collect())
    }
}

/// Those fields, if at least half of them mean something.
fn most_known(fields: Vec<Labelled>) -> Option<Vec<Labelled>> {
    let known = fields.iter().filter(|field| field.meaning.is_known()).count();
    (known > 0 && 2 * known >= fields.len()).then_some(fields)
}

/// A cell without the marks around it.
fn label(cell: &Spanned<String>) -> Spanned<String> {
    let is_mark = |c: char| c.is_whitespace() || matches!(c, '*' | '_' | '`' | ':' | '：');
    let words = cell.value.trim_matches(is_mark);
    if cell.value.len() != cell.span.end - cell.span.start {
        // A bar lost its backslash: only the whole cell has a place.
        return Spanned::new(words.to_owned(), cell.span);
    }
    let at = cell.span.start + (cell.value.len() - cell.value.trim_start_matches(is_mark).len());
    Spanned::new(words.to_owned(), at..at + words.len())
}

fn field(name: &Spanned<String>, value: &Spanned<String>) -> Labelled {
    let label = label(name);
    Labelled {
        meaning: Meaning::of(&label.value),
        label,
        value: node(value),
        bold: true,
        group: false,
    }
}

/// A cell as the value of a field, on one line.
pub(super) fn node(cell: &Spanned<String>) -> Node {
    if cell.value.is_empty() {
        return Node::null(cell.span);
    }
    Node::scalar(cell.value.replace('\n', " "), Style::Markdown, cell.span)
}

/// What stands under a heading of a scene, with the tables that hold its fields taken apart.
pub(super) fn with_fields_apart(items: Vec<Item>) -> Vec<Item> {
    let apart = |item| match item {
        Item::Table(table) => match table.fields() {
            Some(fields) => fields.into_iter().map(Item::Field).collect(),
            None => vec![Item::Table(table)],
        },
        other => vec![other],
    };
    items.into_iter().flat_map(apart).collect()
}

/// A table inside a scene that does not hold its fields.
pub(super) fn unread(table: &Table) -> Diagnostic {
    let diagnostic =
        Diagnostic::warning("table-ignored", "this table inside a scene is not read", table.span);
    if table.is_list() && table.rows.len() > 1 {
        return diagnostic
            .label("looks like one shot a row")
            .hint("give each shot a heading of its own below the scene's, such as `### Shot 1`");
    }
    diagnostic
        .label("not read")
        .hint("write `- **Field**: value`, or a table with a field and its value a row")
}
