//! Problems of catalogue files, each with its place.

use crate::source::Source;

/// Why a catalogue file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct CatalogError {
    /// The file as the user knows it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, in lower case without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl CatalogError {
    /// A problem at a byte offset of a file.
    pub(super) fn at(source: &Source, offset: usize, message: impl Into<String>) -> Self {
        let position = source.position(offset);
        Self {
            file: source.name().to_owned(),
            line: position.line,
            column: position.column,
            message: message.into(),
            hint: None,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What the TOML reader said, with its place; the reader's message is put on one line.
    pub(super) fn from_toml(source: &Source, error: &toml::de::Error) -> Self {
        let offset = error.span().map_or(0, |span| span.start);
        let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        let hint = toml_hint(&message);
        Self::at(source, offset, message).hint(hint)
    }
}

/// What to do about what the TOML reader said.
fn toml_hint(message: &str) -> String {
    let unknown = message
        .strip_prefix("unknown field `")
        .or_else(|| message.strip_prefix("unknown variant `"));
    let near = unknown.and_then(|rest| {
        let (written, expected) = rest.split_once('`')?;
        super::words::nearest(written, expected.split('`').skip(1).step_by(2))
    });
    match near {
        Some(near) => {
            format!("did you mean `{near}`? `storyreel schema catalog` describes all keys")
        }
        None if message.starts_with("invalid type: map, expected a string") => {
            "write it in quotes; a date without them is no text: `\"2026-10-09\"`".to_owned()
        }
        None => "`storyreel schema catalog` describes the keys of a catalogue file".to_owned(),
    }
}

/// A name that no model of the catalogue has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no model `{name}` in the catalogue")]
pub struct UnknownModel {
    /// The name as written.
    pub name: String,
    /// Up to three display names that are nearest to it, the nearest first.
    pub nearest: Vec<String>,
}

impl UnknownModel {
    /// What to do about it.
    pub fn hint(&self) -> String {
        if self.nearest.is_empty() {
            return "`storyreel models` lists the catalogue".to_owned();
        }
        let names: Vec<String> = self.nearest.iter().map(|name| format!("`{name}`")).collect();
        format!("did you mean {}? `storyreel models` lists all", super::words::one_of(&names))
    }
}

/// A mode that a model does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct MissingMode {
    /// What is wrong, naming the model and the mode.
    pub message: String,
    /// Which models have the mode, and which modes the model has.
    pub hint: String,
}
