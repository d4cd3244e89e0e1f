//! What a format's reader found, before anybody knows which field it belongs to: text, lists and maps with their places.

use crate::source::{Span, Spanned};

/// A piece of the document with its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Where it stands.
    pub span: Span,
}

/// The shapes a piece can have.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NodeKind {
    /// An empty value.
    Null,
    /// Text of any kind: numbers and switches stay text until the field they belong to is known, so that a
    /// title `1984` and a camera `off` keep their words.
    Scalar(Scalar),
    /// Several values.
    List(Vec<Node>),
    /// Values with names, in the order written.
    Map(Vec<(Spanned<String>, Node)>),
}

/// A text and how it was written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scalar {
    /// The text.
    pub text: String,
    /// How it was written.
    pub style: Style,
}

/// How a text was written, which decides what of its white space and its marks is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// A YAML scalar without quotes.
    Plain,
    /// A YAML scalar in quotes: always text.
    Quoted,
    /// A fence or a YAML `|` block: line breaks are meant.
    Literal,
    /// Markdown words: emphasis, code marks and links around the whole are not meant.
    Markdown,
}

impl Node {
    /// An empty value.
    pub fn null(span: Span) -> Self {
        Self { kind: NodeKind::Null, span }
    }

    /// A text.
    pub fn scalar(text: impl Into<String>, style: Style, span: Span) -> Self {
        Self { kind: NodeKind::Scalar(Scalar { text: text.into(), style }), span }
    }

    /// The text of a scalar.
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// `text`, `a list`, `a map` or `nothing`, for messages.
    pub fn described(&self) -> &'static str {
        match self.kind {
            NodeKind::Null => "nothing",
            NodeKind::Scalar(_) => "text",
            NodeKind::List(_) => "a list",
            NodeKind::Map(_) => "a map",
        }
    }
}
