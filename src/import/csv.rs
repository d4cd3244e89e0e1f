//! Separated values, with the place of every cell: what nobody knows is reported where it stands.
//!
//! The format is small (quotes, doubled quotes, line breaks in quotes), and readers of it at hand tell the place of a
//! record and not of a cell, so it is read here.

use super::cells::{self, Cell};
use super::row::Found;
use super::{Format, refusal};
use crate::source::{Diagnostic, Source, Span, Spanned};
use crate::storyboard::node::Style;

/// More columns than this are no storyboard.
const MAX_COLUMNS: usize = 256;

/// More rows than this are no film.
const MAX_ROWS: usize = 20_000;

/// Reads the rows of a CSV or TSV file.
pub(super) fn read(source: &Source) -> Result<Found, Vec<Diagnostic>> {
    let text = source.text();
    let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let (start, separator) = separator(text, start);
    let mut records = records(source, start, separator)?;
    // What stands above the header (a title, an empty line) has fewer cells.
    let header_at = records
        .iter()
        .take(20)
        .position(|record| record.len() >= 2 && cells::known(record) >= 2)
        .or_else(|| records.iter().take(20).position(|record| filled(record) >= 2));
    let Some(header_at) = header_at else {
        return Err(refusal(
            source,
            "no line of it is a header with several columns",
            "a first line such as `shot,visual,camera,duration`",
            "separate the columns with commas, semicolons or tabs",
        ));
    };
    let mut found = Found::default();
    let body = records.split_off(header_at + 1);
    let header = records.pop().unwrap_or_default();
    for record in records.iter().filter(|record| filled(record) > 0) {
        let words: Vec<&str> =
            record.iter().map(|cell| cell.value.trim()).filter(|text| !text.is_empty()).collect();
        let span = record.iter().map(|cell| cell.span).reduce(Span::to).unwrap_or_default();
        found.loose.push(Spanned::new(words.join(" "), span));
    }
    let rows = match by_columns(&header, &body) {
        Some(rows) => rows,
        None => cells::rows(&header, body, Style::Quoted, false, &mut found),
    };
    found.rows = rows;
    Ok(found)
}

/// `field,value` for a film of one scene: a label a line.
fn by_columns(header: &[Cell], body: &[Vec<Cell>]) -> Option<Vec<super::row::Row>> {
    let names = ["field", "property", "key", "label"];
    let first = header.first()?.value.trim().to_lowercase();
    if header.len() != 2 || !names.contains(&first.as_str()) {
        return None;
    }
    let span = body.iter().flatten().map(|cell| cell.span).reduce(Span::to)?;
    let entries = cells::pairs(body, Style::Quoted);
    Some(vec![super::row::Row { span, entries, ..super::row::Row::default() }])
}

fn filled(record: &[Cell]) -> usize {
    record.iter().filter(|cell| !cell.value.trim().is_empty()).count()
}

/// Where the data starts and what separates its cells: a line `sep=;` says it, else the mark that the first lines agree on.
fn separator(text: &str, start: usize) -> (usize, u8) {
    let rest = &text[start..];
    let first = rest.lines().next().unwrap_or_default();
    if let Some(mark) = first.strip_prefix("sep=").and_then(|mark| mark.bytes().next())
        && mark.is_ascii()
    {
        let after = rest.find('\n').map_or(rest.len(), |at| at + 1);
        return (start + after, mark);
    }
    let marks = [b',', b';', b'\t', b'|'];
    // Prose in a cell has commas; the line with the most of a mark is a header or a whole row. A line break in quotes
    // ends no line.
    let mut most = [0_usize; 4];
    let mut here = [0_usize; 4];
    let (mut quoted, mut lines) = (false, 0);
    for byte in rest.bytes().chain([b'\n']) {
        quoted ^= byte == b'"';
        if quoted {
            continue;
        }
        if let Some(at) = marks.iter().position(|mark| *mark == byte) {
            here[at] += 1;
        } else if byte == b'\n' {
            most.iter_mut().zip(here).for_each(|(most, here)| *most = (*most).max(here));
            lines += usize::from(here != [0; 4]);
            here = [0; 4];
            if lines == 3 {
                break;
            }
        }
    }
    let weight = |mark: u8| if mark == b',' { 2 } else { 3 };
    let best = marks
        .into_iter()
        .zip(most)
        .max_by_key(|(mark, count)| (count * weight(*mark), std::cmp::Reverse(*mark)));
    (start, best.filter(|(_, count)| *count > 0).map_or(b',', |(mark, _)| mark))
}

/// All records; each cell with the place of its words.
fn records(
    source: &Source,
    start: usize,
    separator: u8,
) -> Result<Vec<Vec<Cell>>, Vec<Diagnostic>> {
    let text = source.text();
    let bytes = text.as_bytes();
    let mut records: Vec<Vec<Cell>> = Vec::new();
    let mut record: Vec<Cell> = Vec::new();
    let mut at = start;
    loop {
        let (cell, end) = cell(source, at, separator)?;
        if record.len() >= MAX_COLUMNS || records.len() >= MAX_ROWS {
            let what = if record.len() >= MAX_COLUMNS { "columns" } else { "rows" };
            return Err(vec![
                Diagnostic::error(
                    "too-large",
                    format!("the file has too many {what} for a film"),
                    cell.span,
                )
                .label("one too many")
                .hint(format!(
                    "at most {MAX_ROWS} rows of {MAX_COLUMNS} columns are read; split it"
                )),
            ]);
        }
        record.push(cell);
        at = end;
        match bytes.get(at) {
            Some(byte) if *byte == separator => at += 1,
            Some(_) => {
                if bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n') {
                    at += 1;
                }
                at += 1;
                records.push(std::mem::take(&mut record));
                if at >= bytes.len() {
                    return Ok(records);
                }
            }
            None => {
                records.push(record);
                return Ok(records);
            }
        }
    }
}

/// The cell that starts at `at`, and where it ends.
fn cell(source: &Source, at: usize, separator: u8) -> Result<(Cell, usize), Vec<Diagnostic>> {
    let text = source.text();
    let bytes = text.as_bytes();
    let ends = |byte: u8| byte == separator || byte == b'\n' || byte == b'\r';
    let spaces = bytes[at..].iter().take_while(|byte| **byte == b' ').count();
    if bytes.get(at + spaces) != Some(&b'"') {
        let length = bytes[at..].iter().take_while(|byte| !ends(**byte)).count();
        let words = &text[at..at + length];
        let from = at + (words.len() - words.trim_start().len());
        let span = Span::new(from, from + words.trim().len());
        return Ok((Spanned::new(words.trim().to_owned(), span), at + length));
    }
    let open = at + spaces;
    let mut value = String::new();
    let mut from = open + 1;
    loop {
        let Some(close) =
            bytes[from..].iter().position(|byte| *byte == b'"').map(|offset| from + offset)
        else {
            return Err(vec![
                Diagnostic::error("csv-syntax", "this quote is never closed", open..open + 1)
                    .label("opened here")
                    .hint(format!(
                        "close it with `\"`, and double every quote inside: `\"\"`; `--format {}` was used to read the file",
                        Format::Csv.name()
                    )),
            ]);
        };
        value.push_str(&text[from..close]);
        if bytes.get(close + 1) == Some(&b'"') {
            value.push('"');
            from = close + 2;
            continue;
        }
        // Words behind the closing quote belong to the cell: `"Ada" says`.
        let length = bytes[close + 1..].iter().take_while(|byte| !ends(**byte)).count();
        value.push_str(text[close + 1..close + 1 + length].trim_end());
        let value = value.replace("\r\n", "\n").replace('\r', "\n");
        return Ok((Spanned::new(value, open + 1..close), close + 1 + length));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cells_of(text: &str) -> Vec<Vec<String>> {
        let source = Source::new("a.csv", text);
        let (start, mark) = separator(text, if text.starts_with('\u{feff}') { 3 } else { 0 });
        let records = records(&source, start, mark).unwrap_or_default();
        for cell in records.iter().flatten() {
            assert!(text.get(cell.span.range()).is_some(), "{cell:?}");
        }
        let texts = |record: Vec<Cell>| record.into_iter().map(|cell| cell.value).collect();
        records.into_iter().map(texts).collect()
    }

    #[test]
    fn quotes_line_breaks_and_separators() {
        assert_eq!(cells_of("a,b\n1,\"x, \"\"y\"\"\"\r\n"), [["a", "b"], ["1", "x, \"y\""]]);
        assert_eq!(
            cells_of("\u{feff}a;b\n1;\"x\ny, z, u, v\""),
            [["a", "b"], ["1", "x\ny, z, u, v"]]
        );
        assert_eq!(cells_of("sep=;\na;b"), [["a", "b"]]);
        assert_eq!(cells_of("a\tb\n\t"), [["a", "b"], ["", ""]]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a,;\"\n\r\t |é]{0,60}") {
            cells_of(&text);
        }
    }
}
