//! Rows of cells below a header, from a Markdown table or a CSV file: what each column is, seen by its header and its cells.

use super::row::{self, Entry, Found, Row, is_sentence};
use crate::source::{Span, Spanned};
use crate::storyboard::draft::Meaning;
use crate::storyboard::markdown::heading;
use crate::storyboard::node::{Node, Style};
use crate::storyboard::{Field, normalise_label};

/// A cell with its place.
pub(super) type Cell = Spanned<String>;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The number of the scene.
    Scene,
    /// The number of the shot, or of whatever a row is.
    Number,
    /// Its title.
    Title,
    /// A field, by the header's own label.
    Labelled,
    /// What is seen.
    Visual,
    /// How large it is seen.
    Size,
}

/// Headers over numbers, names, sizes or sentences: their cells tell which.
const AMBIGUOUS: &[&str] = &[
    "shot",
    "shots",
    "scene",
    "scenes",
    "clip",
    "clips",
    "cut",
    "frame",
    "panel",
    "beat",
    "镜头",
    "镜",
    "分镜",
    "场景",
    "场",
    "シーン",
    "カット",
    "ショット",
    "szene",
    "einstellung",
    "scène",
    "beeld",
    "bild",
    "segment",
    "section",
    "part",
    "slide",
];

/// The first words of a row that counts the others.
const SUMS: &[&str] = &[
    "total",
    "totals",
    "sum",
    "gesamt",
    "summe",
    "totaal",
    "合计",
    "总计",
    "总时长",
    "合計",
    "runtime",
];

/// Makes rows of the cells below a header; `in_scene` where they are the shots of one.
pub(super) fn rows(
    header: &[Cell],
    body: Vec<Vec<Cell>>,
    style: Style,
    in_scene: bool,
    found: &mut Found,
) -> Vec<Row> {
    let roles = roles(header, &body, in_scene);
    let mut rows: Vec<Row> = Vec::new();
    let mut number = None;
    for cells in body {
        let filled = || cells.iter().filter(|cell| !cell.value.trim().is_empty());
        let Some(first) = filled().next() else { continue };
        let span = filled().map(|cell| cell.span).reduce(Span::to).unwrap_or(first.span);
        let repeated = cells
            .iter()
            .zip(header)
            .all(|(cell, head)| cell.value.trim().eq_ignore_ascii_case(head.value.trim()));
        if repeated {
            continue;
        }
        let key = normalise_label(&first.value);
        let sums = SUMS.iter().any(|word| key.starts_with(word));
        let alone = filled().count() == 1 && cells.len() > 1;
        let at = cells.iter().position(|cell| cell.span == first.span).unwrap_or(0);
        let is_picture = |role: Option<&Role>| match role {
            Some(Role::Visual) => true,
            Some(Role::Labelled) => header.get(at).is_some_and(|head| {
                matches!(
                    row::meaning(&head.value).field(),
                    Some(Field::Visual | Field::Prompt | Field::Action)
                )
            }),
            _ => false,
        };
        if (sums && filled().count() <= 3) || (alone && !is_picture(roles.get(at))) {
            let words: Vec<&str> =
                filled().map(|cell| cell.value.trim().trim_matches(['*', '_', '`'])).collect();
            found.loose.push(Spanned::new(words.join(" | "), span));
            continue;
        }
        let mut row = Row { span, ..Row::default() };
        let mut scene: Option<Cell> = None;
        for (index, cell) in cells.into_iter().enumerate() {
            if cell.value.trim().is_empty() {
                continue;
            }
            let node = Node::scalar(cell.value.clone(), style, cell.span);
            let label = |word: &str| Spanned::new(word.to_owned(), head_span(header, index, &cell));
            match roles.get(index).copied().unwrap_or(Role::Labelled) {
                Role::Scene => scene = Some(cell),
                Role::Number => row.id = Some(cell),
                Role::Title => row.title = Some(cell),
                Role::Visual => row.entries.push((label("visual"), node)),
                Role::Size => row.entries.push((label("shot"), node)),
                Role::Labelled => {
                    let name = match header.get(index) {
                        Some(head) if !head.value.trim().is_empty() => head.value.trim().to_owned(),
                        _ => format!("column {}", index + 1),
                    };
                    row.entries.push((label(&name), node));
                }
            }
        }
        join_numbers(&mut row, scene, &mut number);
        rows.push(row);
    }
    rows
}

fn head_span(header: &[Cell], index: usize, cell: &Cell) -> Span {
    header.get(index).map_or(cell.span, |head| head.span)
}

/// `2` under `Scene` and `1` under `Shot` are `2.1`; a merged cell stands for all rows below it.
fn join_numbers(row: &mut Row, scene: Option<Cell>, number: &mut Option<Cell>) {
    let scene = match scene {
        Some(scene) => {
            *number = Some(scene.clone());
            Some(scene)
        }
        None => number.clone(),
    };
    row.id = match (scene, row.id.take()) {
        (Some(scene), Some(shot)) => {
            let (whole, part) = (number_in(&scene.value), number_in(&shot.value));
            let names_it = part
                .strip_prefix(whole.as_str())
                .is_some_and(|rest| rest.starts_with(|c: char| !c.is_ascii_digit()));
            let joined = if names_it {
                part
            } else if is_letter(&part) {
                format!("{whole}{part}")
            } else {
                format!("{whole}.{part}")
            };
            Some(Spanned::new(joined, shot.span))
        }
        (Some(scene), None) => Some(scene),
        (None, shot) => shot,
    };
}

fn number_in(text: &str) -> String {
    let read = heading::read(text, Span::new(0, text.len()), None);
    match read.id {
        Some(id) if read.numbered => id.value.to_string(),
        _ => text.trim().trim_start_matches('#').to_owned(),
    }
}

/// True for `1`, `01`, `1.2`, `Scene 3`, `S01`, `#4`, `12A`, `hook-1`.
pub(super) fn is_number(text: &str) -> bool {
    let text = text.trim().trim_matches(['*', '`', '#']).trim();
    if text.is_empty() || text.chars().count() > 20 {
        return false;
    }
    let read = heading::read(text, Span::new(0, text.len()), None);
    read.numbered && read.title.is_none()
}

/// True for `Scene 1`, `Scene 1 - The hero` and whatever else starts like a scene's heading.
pub(super) fn is_headed(text: &str) -> bool {
    let read = heading::read(text, Span::new(0, text.len()), None);
    read.keyword && read.numbered
}

/// True for the letter of a shot inside a scene.
pub(super) fn is_letter(text: &str) -> bool {
    text.len() == 1 && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// True for words that say what happens rather than what something is called.
fn is_told(text: &str) -> bool {
    is_sentence(text) || text.split_whitespace().count() >= 3
}

fn roles(header: &[Cell], body: &[Vec<Cell>], in_scene: bool) -> Vec<Role> {
    let visual_by_name = |head: &Cell| {
        let key = normalise_label(&head.value);
        !AMBIGUOUS.contains(&key.as_str())
            && matches!(row::meaning(&head.value).field(), Some(Field::Visual | Field::Prompt))
    };
    let mut has_visual = header.iter().any(visual_by_name);
    let has_action = header.iter().any(|head| {
        matches!(
            row::meaning(&head.value).field(),
            Some(Field::Action | Field::Subject | Field::ImagePrompt)
        )
    });
    let mut roles = Vec::with_capacity(header.len());
    let mut numbered = false;
    for (index, head) in header.iter().enumerate() {
        let key = normalise_label(&head.value);
        let cells = || {
            body.iter()
                .filter_map(|row| row.get(index))
                .map(|cell| cell.value.trim())
                .filter(|text| !text.is_empty())
                .take(200)
        };
        let most = |test: &dyn Fn(&str) -> bool| {
            let all = cells().count();
            all > 0 && cells().filter(|text| test(text)).count() * 2 > all
        };
        let scene_word = |key: &str| {
            ["scene", "场", "シーン", "szene", "scène", "sc"]
                .iter()
                .any(|word| key.starts_with(word))
        };
        let meaning = row::meaning(&head.value);
        let role = if key.is_empty() {
            // `#`, `№` or nothing at all.
            if most(&is_number) && !numbered { Role::Number } else { Role::Labelled }
        } else if AMBIGUOUS.contains(&key.as_str()) {
            if most(&is_number) {
                if scene_word(&key) { Role::Scene } else { Role::Number }
            } else if (in_scene || roles.contains(&Role::Scene)) && most(&is_letter) {
                Role::Number
            } else if !has_visual
                && (most(&is_sentence) || !has_action && most(&is_told) && cells().any(is_sentence))
            {
                has_visual = true;
                Role::Visual
            } else if meaning.field() == Some(Field::Shot) {
                Role::Size
            } else if meaning.field() == Some(Field::Visual) && !has_visual {
                Role::Labelled
            } else if scene_word(&key) || meaning == Meaning::Unknown {
                Role::Title
            } else {
                Role::Labelled
            }
        } else {
            match meaning {
                Meaning::Id if scene_word(&key) => Role::Scene,
                Meaning::Id => Role::Number,
                // `Scene 1 - The hero` is a number with a title.
                Meaning::Title if !numbered && most(&is_headed) => Role::Number,
                Meaning::Title => Role::Title,
                _ => Role::Labelled,
            }
        };
        numbered |= matches!(role, Role::Number | Role::Scene);
        // A second column of the same kind is data like any other.
        let taken =
            matches!(role, Role::Number | Role::Title | Role::Scene) && roles.contains(&role);
        roles.push(if taken { Role::Labelled } else { role });
    }
    // A number of the scene alone numbers the rows.
    if !roles.contains(&Role::Number)
        && let Some(scene) = roles.iter_mut().find(|role| **role == Role::Scene)
    {
        *scene = Role::Number;
    }
    roles
}

/// How many columns of a header mean something in a scene.
pub(super) fn known(header: &[Cell]) -> usize {
    let means = |head: &&Cell| {
        let key = normalise_label(&head.value);
        AMBIGUOUS.contains(&key.as_str()) || row::meaning(&head.value).is_known()
    };
    header.iter().filter(means).count()
}

/// Rows of a `Field | Value` table as entries.
pub(super) fn pairs(rows: &[Vec<Cell>], style: Style) -> Vec<Entry> {
    let mut entries = Vec::new();
    for cells in rows {
        let mut cells = cells.iter();
        let (Some(label), Some(value)) = (cells.next(), cells.next()) else { continue };
        let name = label.value.trim().trim_matches(['*', '_', '`', ':', '：', ' ']);
        if name.is_empty() {
            continue;
        }
        let rest: Vec<&str> =
            cells.map(|cell| cell.value.trim()).filter(|text| !text.is_empty()).collect();
        let text = if rest.is_empty() {
            value.value.clone()
        } else {
            format!("{} ({})", value.value.trim(), rest.join("; "))
        };
        entries.push((
            Spanned::new(name.to_owned(), label.span),
            Node::scalar(text, style, value.span),
        ));
    }
    entries
}
