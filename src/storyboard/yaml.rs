//! YAML and JSON text as a tree of [`Node`]s with true places.
//!
//! The tree is built from parser events rather than through serde, because every key and value needs its place,
//! because one bad entry must not hide the others, and because `no`, `1984` and `16:9` stay what the author wrote.

use super::node::{Node, NodeKind, Scalar, Style};
use super::problems::{Problems, quoted};
use crate::source::{Diagnostic, Span, Spanned};
use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle};
use std::collections::{HashMap, HashSet};

/// Nesting deeper than this is no storyboard.
const MAX_DEPTH: usize = 32;

/// How many values all aliases together may stand for. Nested aliases double at every level.
const MAX_ALIASED_NODES: usize = 20_000;

/// How many bytes all aliases together may stand for.
const MAX_ALIASED_BYTES: usize = 4 << 20;

/// Parses the part of the source at `span` as one YAML document. `None` where it is empty or broken; what is wrong
/// is added to `problems`.
pub(crate) fn parse(span: Span, problems: &mut Problems<'_>) -> Option<Node> {
    let text = problems.source().slice(span);
    let options = granit_parser::options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
        emit_unresolved_aliases: true,
    };
    let mut options = options;
    options.set_emit_comments(false);
    let mut tree = Tree {
        base: span.start,
        limit: span.end,
        open: Vec::new(),
        root: None,
        anchors: HashMap::new(),
        aliased_nodes: 0,
        aliased_bytes: 0,
        documents: 0,
        overdrawn: false,
    };
    for next in Parser::new_from_str_with_options(text, options) {
        match next {
            Ok((event, place)) => {
                let place = tree.place(&place);
                if !tree.take(event, place, problems) {
                    return None;
                }
            }
            Err(error) => {
                problems.push(syntax_problem(&error, text, span.start));
                return None;
            }
        }
    }
    tree.root
}

struct Tree {
    base: usize,
    limit: usize,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Anchored>,
    aliased_nodes: usize,
    aliased_bytes: usize,
    documents: usize,
    overdrawn: bool,
}

struct Anchored {
    node: Node,
    nodes: usize,
    bytes: usize,
}

/// A list or map that is still being read.
struct Open {
    start: Span,
    anchor: usize,
    nodes: usize,
    bytes: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map {
        entries: Vec<(Spanned<String>, Node)>,
        seen: HashMap<String, Span>,
        key: Option<Spanned<String>>,
        merges: Vec<Node>,
    },
}

impl Tree {
    fn place(&self, place: &granit_parser::Span) -> Span {
        let range = place.byte_range().unwrap_or_default();
        Span::new(self.base + range.start, (self.base + range.end).min(self.limit))
    }

    /// Takes one event; false stops the reading.
    fn take(&mut self, event: Event<'_>, place: Span, problems: &mut Problems<'_>) -> bool {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    problems.push(
                        Diagnostic::error(
                            "several-documents",
                            "a second YAML document starts here",
                            place,
                        )
                        .label("only the first one is read")
                        .hint("put every scene under one `scenes:`, or use a file for each film"),
                    );
                    return false;
                }
            }
            Event::Scalar(text, style, anchor, _) => {
                let bytes = text.len();
                let node = scalar(&text, style, place, problems);
                self.finished(node, anchor, 1, bytes, problems);
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open(place, anchor, Content::List(Vec::new()));
            }
            Event::MappingStart(_, anchor, _) => self.open(
                place,
                anchor,
                Content::Map {
                    entries: Vec::new(),
                    seen: HashMap::new(),
                    key: None,
                    merges: Vec::new(),
                },
            ),
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    let end = place.end;
                    let node = open.content.into_node(open.start, end);
                    self.finished(node, open.anchor, open.nodes + 1, open.bytes, problems);
                }
            }
            Event::Alias(id) => return self.alias(id, place, problems),
            Event::UnresolvedAlias(name) => {
                problems.push(
                    Diagnostic::error(
                        "unknown-anchor",
                        format!("nothing above is marked `&{}`", quoted(&name).trim_matches('`')),
                        place,
                    )
                    .label("nothing to stand for")
                    .hint("put text that starts with `*` in quotes"),
                );
                self.finished(Node::null(place), 0, 1, 0, problems);
            }
            _ => {}
        }
        true
    }

    fn open(&mut self, start: Span, anchor: usize, content: Content) {
        self.open.push(Open { start, anchor, nodes: 0, bytes: 0, content });
    }

    fn alias(&mut self, id: usize, place: Span, problems: &mut Problems<'_>) -> bool {
        let Some(anchored) = self.anchors.get(&id) else {
            problems.push(
                Diagnostic::error(
                    "unknown-anchor",
                    "this alias stands inside what it names",
                    place,
                )
                .label("nothing to stand for")
                .hint("write the value out"),
            );
            self.finished(Node::null(place), 0, 1, 0, problems);
            return true;
        };
        let (nodes, bytes) = (anchored.nodes, anchored.bytes);
        self.aliased_nodes += nodes;
        self.aliased_bytes += bytes;
        if self.aliased_nodes > MAX_ALIASED_NODES || self.aliased_bytes > MAX_ALIASED_BYTES {
            if !self.overdrawn {
                self.overdrawn = true;
                problems.push(
                    Diagnostic::error(
                        "too-many-aliases",
                        format!(
                            "the aliases up to here stand for more than {MAX_ALIASED_NODES} values or \
                             {} MiB of text",
                            MAX_ALIASED_BYTES >> 20
                        ),
                        place,
                    ).label("one alias too many")
                    .hint("put what the scenes share under `defaults:`"),
                );
            }
            return false;
        }
        let node = anchored.node.clone();
        self.finished(node, 0, nodes, bytes, problems);
        true
    }

    /// A whole value was read: it goes into the list or map around it.
    fn finished(
        &mut self,
        node: Node,
        anchor: usize,
        nodes: usize,
        bytes: usize,
        problems: &mut Problems<'_>,
    ) {
        if anchor != 0 {
            self.anchors.insert(anchor, Anchored { node: node.clone(), nodes, bytes });
        }
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return;
        };
        open.nodes += nodes;
        open.bytes += bytes;
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Map { entries, seen, key, merges } => match key.take() {
                None => *key = Some(key_of(&node, problems)),
                Some(name) if name.value == "<<" => match node.kind {
                    NodeKind::List(items) => merges.extend(items),
                    _ => merges.push(node),
                },
                Some(name) => {
                    if let Some(first) = seen.get(&name.value) {
                        let line = problems.source().line(first.start);
                        problems.push(
                            Diagnostic::error(
                                "duplicate-key",
                                format!(
                                    "{} stands twice in one map, first on line {line}",
                                    quoted(&name.value)
                                ),
                                name.span,
                            )
                            .label("second time")
                            .related(*first, "first time")
                            .hint("keep one of them"),
                        );
                    } else {
                        seen.insert(name.value.clone(), name.span);
                        entries.push((name, node));
                    }
                }
            },
        }
    }
}

impl Content {
    fn into_node(self, start: Span, end: usize) -> Node {
        match self {
            Self::List(items) => {
                let end = items.last().map_or(end, |item| item.span.end).max(start.end);
                Node { kind: NodeKind::List(items), span: Span::new(start.start, end) }
            }
            Self::Map { mut entries, merges, .. } => {
                let end = entries.last().map_or(end, |(_, value)| value.span.end).max(start.end);
                if !merges.is_empty() {
                    let mut present: HashSet<String> =
                        entries.iter().map(|(key, _)| key.value.clone()).collect();
                    for merged in merges {
                        if let NodeKind::Map(others) = merged.kind {
                            entries.extend(
                                others
                                    .into_iter()
                                    .filter(|(key, _)| present.insert(key.value.clone())),
                            );
                        }
                    }
                }
                Node { kind: NodeKind::Map(entries), span: Span::new(start.start, end) }
            }
        }
    }
}

fn key_of(node: &Node, problems: &mut Problems<'_>) -> Spanned<String> {
    match &node.kind {
        NodeKind::Scalar(scalar) => Spanned::new(scalar.text.clone(), node.span),
        NodeKind::Null => Spanned::new(String::new(), node.span),
        NodeKind::List(_) | NodeKind::Map(_) => {
            problems.push(
                Diagnostic::error(
                    "wrong-key",
                    format!("a key is a word, not {}", node.described()),
                    node.span,
                )
                .label("not a word")
                .hint("put a text in braces or brackets in quotes"),
            );
            Spanned::new(String::new(), node.span)
        }
    }
}

fn scalar(text: &str, style: ScalarStyle, place: Span, problems: &Problems<'_>) -> Node {
    // A folded block that begins with a quotation mark has none around it.
    let in_marks = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
    let style = match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted | ScalarStyle::Folded => {
            Style::Quoted
        }
    };
    if style == Style::Plain && matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        return Node::null(place);
    }
    let written = problems.source().slice(place);
    let mut span = place;
    if in_marks && written.len() >= 2 && written.starts_with(['"', '\'']) {
        span = Span::new(place.start + 1, place.end - 1);
    } else {
        span.end = span.start + written.trim_end().len();
    }
    Node { kind: NodeKind::Scalar(Scalar { text: text.to_owned(), style }), span }
}

fn syntax_problem(error: &granit_parser::ScanError, text: &str, base: usize) -> Diagnostic {
    let mut at = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    // At the end of a text there is nothing to underline: the last line that says something is the place.
    if text[at..].trim().is_empty() {
        at = text.trim_end().len();
    }
    let length = text[at..].chars().next().map_or(0, char::len_utf8);
    let info = error.kind().to_string();
    let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    let line = &text[line_start..line_end];
    let hint = if info.contains("unclosed") {
        "close this bracket; nothing but a comma or the closing bracket follows a value inside it"
    } else if line.contains('\t') {
        "indent with spaces; YAML does not take tabs"
    } else if line.matches(": ").count() > 1 {
        "put text that has a colon in it in quotes: `audio: \"SFX: waves\"`"
    } else if info.contains("anchor") || info.contains("alias") {
        "put text that starts with `*` or `&` in quotes"
    } else if info.contains("quote") {
        "close the quotes that are open here"
    } else if info.contains("nest") || info.contains("limit") || info.contains("depth") {
        "a storyboard needs no more than a few levels of lists and maps"
    } else {
        "check the indentation, and put text with `:`, `#`, `{`, `[`, `*` or `&` in quotes"
    };
    Diagnostic::error(
        "yaml-syntax",
        format!("this is not valid YAML: {}", quoted(&info).trim_matches('`')),
        Span::new(base + at, base + at + length),
    )
    .label("here")
    .hint(hint)
}
