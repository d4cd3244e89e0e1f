//! Places in the film as lengths: starts and ends, times that only say where a scene begins, lengths in other units.

use super::row::Row;
use crate::source::{Span, Spanned};
use crate::storyboard::node::Node;
use crate::storyboard::{duration, normalise_label};

/// Labels of a place in the film, normalised.
const PLACES: &[&str] = &[
    "time",
    "timing",
    "timecode",
    "timestamp",
    "t",
    "tc",
    "start",
    "starttime",
    "at",
    "时间",
    "时间码",
    "タイム",
    "zeit",
    "tijd",
];

/// Labels of where a scene starts, with the seconds that one of their units has.
const STARTS: &[(&str, f64)] = &[
    ("start", 1.0),
    ("starttime", 1.0),
    ("startsec", 1.0),
    ("startseconds", 1.0),
    ("starts", 1.0),
    ("from", 1.0),
    ("timein", 1.0),
    ("tcin", 1.0),
    ("in", 1.0),
    ("begin", 1.0),
    ("startat", 1.0),
    ("starttimeseconds", 1.0),
    ("startms", 0.001),
    ("starttimems", 0.001),
    ("开始", 1.0),
    ("开始时间", 1.0),
    ("開始", 1.0),
    ("von", 1.0),
    ("van", 1.0),
];

/// The same for ends.
const ENDS: &[(&str, f64)] = &[
    ("end", 1.0),
    ("endtime", 1.0),
    ("endsec", 1.0),
    ("endseconds", 1.0),
    ("ends", 1.0),
    ("to", 1.0),
    ("until", 1.0),
    ("timeout", 1.0),
    ("tcout", 1.0),
    ("out", 1.0),
    ("stop", 1.0),
    ("endat", 1.0),
    ("endtimeseconds", 1.0),
    ("endms", 0.001),
    ("endtimems", 0.001),
    ("结束", 1.0),
    ("结束时间", 1.0),
    ("終了", 1.0),
    ("bis", 1.0),
    ("tot", 1.0),
];

/// Labels of a length with its unit.
const UNITS: &[(&str, &str)] = &[
    ("durationms", "ms"),
    ("lengthms", "ms"),
    ("durationmillis", "ms"),
    ("durationmilliseconds", "ms"),
    ("durationinms", "ms"),
    ("durationinmilliseconds", "ms"),
    ("durationframes", "frames"),
    ("durationinframes", "frames"),
    ("lengthinframes", "frames"),
    ("framecount", "frames"),
    ("numframes", "frames"),
    ("frames", "frames"),
    ("durationminutes", "min"),
    ("durationmin", "min"),
];

/// What a label says of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Time {
    /// Where the scene starts; seconds a unit.
    Start(f64),
    /// Where it ends; seconds a unit.
    End(f64),
    /// How long it is, in this unit.
    Length(&'static str),
}

/// What a label says of time, where no field has it.
pub(super) fn of_label(label: &str) -> Option<Time> {
    let key = normalise_label(label);
    let find =
        |list: &[(&str, f64)]| list.iter().find(|(known, _)| *known == key).map(|(_, unit)| *unit);
    find(STARTS).map(Time::Start).or_else(|| find(ENDS).map(Time::End)).or_else(|| {
        UNITS.iter().find(|(known, _)| *known == key).map(|(_, unit)| Time::Length(unit))
    })
}

/// A point of time in seconds.
pub(super) fn moment(text: &str, frame_rate: Option<f64>) -> Option<f64> {
    let text = text.trim();
    if text.is_empty() || text.len() > 60 {
        return None;
    }
    // The reader of lengths takes no zero: from zero to it is a length, or it is zero.
    let digits = text.chars().filter(char::is_ascii_digit);
    if text.chars().any(|c| c.is_ascii_digit())
        && digits.clone().all(|c| c == '0')
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, ':' | '.' | 's' | ' ' | '-' | ';' | ','))
    {
        return Some(0.0);
    }
    let length = duration::parse(text, frame_rate).ok()?;
    // A range is no point.
    (!text.contains(['-', '–', '—', '→'])).then_some(length.seconds)
}

/// A column such as `Time` that counts up from zero says where each scene starts, not how long it is: its label becomes
/// `start`.
pub(super) fn mark_starts(rows: &mut [Row], frame_rate: Option<f64>) {
    let mut leaves = Vec::new();
    for row in rows {
        row.leaves_mut(&mut leaves);
    }
    let is_place =
        |label: &Spanned<String>| PLACES.contains(&normalise_label(&label.value).as_str());
    let moments: Option<Vec<f64>> = leaves
        .iter()
        .filter_map(|row| row.entries.iter().find(|(label, _)| is_place(label)))
        .map(|(_, node)| moment(node.as_text()?, frame_rate))
        .collect();
    let Some(moments) = moments else { return };
    let rising = moments.windows(2).all(|pair| pair[0] < pair[1]);
    if moments.len() < 2 || moments.len() != leaves.len() || !rising || moments[0] > f64::EPSILON {
        return;
    }
    for row in leaves {
        for (label, _) in &mut row.entries {
            if is_place(label) {
                "start".clone_into(&mut label.value);
            }
        }
    }
}

/// A length in another unit as the reader of lengths takes it.
pub(super) fn with_unit(node: &Node, unit: &str) -> Option<Node> {
    let text = node.as_text()?.trim();
    let number = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let text = if number { format!("{text} {unit}") } else { text.to_owned() };
    Some(Node::scalar(text, crate::storyboard::node::Style::Plain, node.span))
}

/// A length in seconds as a node.
pub(super) fn seconds(seconds: f64, span: Span) -> Node {
    let rounded = (seconds * 1e6).round() / 1e6;
    Node::scalar(format!("{rounded}"), crate::storyboard::node::Style::Plain, span)
}
