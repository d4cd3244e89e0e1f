//! Why a command ended early, and with which exit code.

use crate::catalog::CatalogError;
use crate::ledger::{LedgerError, LockError};
use crate::publish::PublishError;
use crate::report::error::Place;
use crate::report::{ErrorReport, NextCommand, Style, diagnostics};
use crate::settings::SettingsError;
use crate::source::{Diagnostic, Source, SourceError};

/// The storyboard, configuration, catalogue or saved plan is invalid or stale.
pub(super) const INVALID: u8 = 1;
/// Wrong command line; clap's own mistakes have it, too.
pub(super) const WRONG_COMMAND_LINE: u8 = 2;
/// Could not work.
pub(super) const CANNOT_WORK: u8 = 3;

/// Why a command ended early.
#[derive(Debug)]
pub(super) struct Failure {
    /// The exit code.
    pub exit: u8,
    /// What is told.
    report: Box<ErrorReport>,
    /// Problems of documents, shown in place of the report on a terminal.
    documents: Vec<(Source, Vec<Diagnostic>)>,
}

impl Failure {
    /// Exit 1 with a code and a message.
    pub fn invalid(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::of(INVALID, ErrorReport::new(code, message))
    }

    /// Exit 3 with a code and a message.
    pub fn cannot_work(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::of(CANNOT_WORK, ErrorReport::new(code, message))
    }

    /// Any exit code.
    pub fn of(exit: u8, report: ErrorReport) -> Self {
        Self { exit, report: Box::new(report), documents: Vec::new() }
    }

    /// Exit 1 for a document with errors.
    pub fn document(code: &str, source: &Source, problems: Vec<Diagnostic>) -> Self {
        Self {
            exit: INVALID,
            report: Box::new(ErrorReport::of_document(code, source, &problems)),
            documents: vec![(source.clone(), problems)],
        }
    }

    /// Its stable name.
    pub fn code(&self) -> &str {
        &self.report.code
    }

    /// What happened.
    pub fn message(&self) -> &str {
        &self.report.message
    }

    /// Adds what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.report.hint = Some(hint.into());
        self
    }

    /// Adds a command that leads on.
    pub fn next(mut self, next: NextCommand) -> Self {
        self.report.next.push(next);
        self
    }

    /// Problems of documents that it is about.
    pub fn documents(&self) -> &[(Source, Vec<Diagnostic>)] {
        &self.documents
    }

    /// Says it: as one object on standard output, or as text on standard error.
    pub fn print(&self, json: bool, style: Style) {
        if json {
            let _ = super::print(&format!("{}\n", self.report.to_json()));
            return;
        }
        if self.documents.is_empty() {
            super::tell(&self.report.render(style));
        }
        for (source, problems) in &self.documents {
            super::tell(&diagnostics::text(source, problems, style));
        }
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        if let SettingsError::Invalid(files) = error {
            let files: Vec<_> =
                files.into_iter().map(|file| (file.source, file.diagnostics)).collect();
            let first = files
                .iter()
                .find(|(_, problems)| problems.iter().any(Diagnostic::is_error))
                .map(|(source, problems)| {
                    ErrorReport::of_document("invalid-configuration", source, problems)
                });
            let report = first.unwrap_or_else(|| {
                ErrorReport::new("invalid-configuration", "the configuration has errors")
            });
            return Self { exit: INVALID, report: Box::new(report), documents: files };
        }
        let failure = Self::invalid(error.code(), error.to_string());
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::invalid("unreadable", error.to_string()).hint(error.hint())
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        let mut failure = Self::invalid("invalid-catalogue", error.message);
        failure.report.place =
            Some(Place { file: error.file, line: error.line, column: error.column });
        let keys = "`storyreel schema catalog` describes the keys of a catalogue file";
        failure.report.hint = error.hint.or_else(|| Some(keys.to_owned()));
        failure
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        let failure = Self::cannot_work("ledger", error.to_string());
        match error {
            LedgerError::Newer { .. } => failure.hint("use that version, or a newer one"),
            _ => failure.hint(
                "check the rights of `.storyreel` and the space on the disk; the file itself is left as it is",
            ),
        }
    }
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Manifest { path, error } => {
                let hint = error.hint();
                let message = format!("{error} in `{}`", path.display());
                Self::invalid("invalid-manifest", message).hint(hint)
            }
            PublishError::Ledger(error) => error.into(),
            other => Self::cannot_work("disk", other.to_string())
                .hint("nothing is lost: run again once the files can be written"),
        }
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        let message = error.to_string();
        match error {
            LockError::Held { .. } => Self::cannot_work("locked", message),
            LockError::Unusable { .. } => Self::cannot_work("lock", message).hint(
                "it must be a file in a folder that can be written, on a file system that has locks",
            ),
        }
    }
}
