//! Reports that a run writes to files: JUnit for a CI, Markdown for a comment or a job's page.

use super::failure::Failure;
use super::tell;
use crate::engine::event::Stamped;
use crate::plan::Plan;
use crate::report::junit::{self, JunitLog};
use crate::report::summary::RunLog;
use crate::report::{Commands, markdown};
use std::path::{Path, PathBuf};

/// The reports that the command line asks for.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct ReportArgs {
    /// Write what became of each scene as JUnit XML to this file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write what became of the run as Markdown to this file, for a comment or a job's page
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
}

/// Reports that are gathered while a run goes on.
pub(super) struct Reports<'a> {
    arguments: &'a ReportArgs,
    storyboard: String,
    junit: JunitLog,
}

impl<'a> Reports<'a> {
    /// Begins with what the plan says.
    pub fn new(arguments: &'a ReportArgs, plan: &Plan) -> Self {
        Self { arguments, storyboard: plan.storyboard.clone(), junit: JunitLog::new(plan) }
    }

    /// Takes an event of the run.
    pub fn event(&mut self, event: &Stamped) {
        self.junit.event(event);
    }

    /// Writes the reports. A run whose report cannot be written has still run: that is told, and changes nothing.
    pub fn write(&self, log: &RunLog, commands: &Commands) {
        self.arguments
            .write(|| self.junit.to_xml(), || markdown::run(&self.storyboard, log, commands));
    }
}

impl ReportArgs {
    /// Reports of a run that ended before it could begin.
    pub fn without_run(&self, storyboard: &str, failure: &Failure) {
        let (code, message) = (failure.code(), failure.message());
        self.write(
            || junit::without_plan(storyboard, code, message),
            || markdown::failure(storyboard, code, message),
        );
    }

    /// Makes and writes those that are asked for.
    fn write(&self, junit: impl FnOnce() -> Option<String>, summary: impl FnOnce() -> String) {
        let junit = self.junit.as_ref().and_then(|path| Some((path, junit()?)));
        let summary = self.summary.as_ref().map(|path| (path, summary()));
        for (path, text) in junit.into_iter().chain(summary) {
            if let Err(failure) = write(path, &text) {
                tell(&format!("warning: {}\n", failure.message()));
            }
        }
    }
}

/// Writes a report.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        // What is wrong with it is told when the file is written.
        drop(std::fs::create_dir_all(folder));
    }
    std::fs::write(path, text).map_err(|error| {
        Failure::cannot_work("report", format!("cannot write `{}`: {error}", path.display()))
    })
}
