//! `storyreel check`: parse and lint, offline and free.

use super::args::File;
use super::check_fix::fix;
use super::failure::{Failure, INVALID};
use super::workspace::Workspace;
use super::{Output, pretty, print, tell};
use crate::craft::{GROUPS, LINTS};
use crate::report::{counted, diagnostics};
use crate::settings::{ALL_LINTS, LintLevel};
use crate::source::{Diagnostic, Severity, Source};
use clap::builder::{PossibleValue, PossibleValuesParser};

/// Check a storyboard: syntax, fields, models, parameters, files, craft. No network, no cost.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  storyreel check
  storyreel check --lints all               everything a director would say
  storyreel check --lints camera,no-light   some of it, by group or code; `storyreel lints` lists them
  storyreel check film.md --strict          warnings are errors
  storyreel check --format github           annotations in a pull request
  storyreel check --fix                     mend misspelt labels and left-over placeholders")]
pub(super) struct Check {
    #[command(flatten)]
    file: File,
    /// How to print the problems
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: Format,
    /// Look for these lints of the craft as well: codes, groups, or `all`
    #[arg(long, value_name = "LINTS", value_delimiter = ',', value_parser = lint_names())]
    lints: Vec<String>,
    /// Treat warnings as errors
    #[arg(long)]
    strict: bool,
    /// Mend in the file what can only be meant in one way: misspelt labels, placeholders, scenes in bold; no other byte changes
    #[arg(long)]
    fix: bool,
}

/// The forms of the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// One object.
    Json,
    /// Workflow commands of GitHub Actions.
    Github,
}

/// The names of lints, for the shell to complete and for slips to be told at once.
fn lint_names() -> PossibleValuesParser {
    let codes = LINTS.iter().map(|lint| PossibleValue::new(lint.code).hide(true));
    let groups = GROUPS.iter().map(|group| PossibleValue::new(group.name()).help(group.about()));
    let all = ALL_LINTS.iter().map(|name| PossibleValue::new(*name));
    all.chain(groups).chain(codes).collect::<Vec<_>>().into()
}

impl Check {
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    pub fn run(&self, output: Output) -> Result<u8, Failure> {
        if self.fix {
            self.mend()?;
        }
        let mut workspace = match Workspace::open(&self.file.flags()) {
            Ok(workspace) => workspace,
            // What was found before the storyboard could be read is told in the format that was asked for.
            Err(failure) => match failure.documents() {
                [] => return Err(failure),
                documents => {
                    let files: Vec<(&Source, &[Diagnostic])> = documents
                        .iter()
                        .map(|(source, problems)| (source, problems.as_slice()))
                        .collect();
                    self.show(&files, output)?;
                    documents.iter().for_each(|(_, problems)| self.tell_mendable(problems));
                    return Ok(failure.exit);
                }
            },
        };
        for name in &self.lints {
            // What the project says of a name stands: a group on the command line does not bring back what is off.
            workspace.settings.lints.entry(name.clone()).or_insert(LintLevel::Warn);
        }
        let looked = workspace.look_around()?;
        let mut problems = workspace.problems(&looked);
        let mut config: Vec<(Source, Vec<Diagnostic>)> = workspace
            .config_warnings
            .iter()
            .map(|file| (file.source.clone(), file.diagnostics.clone()))
            .collect();
        if self.strict {
            for problem in
                problems.iter_mut().chain(config.iter_mut().flat_map(|(_, problems)| problems))
            {
                problem.severity = Severity::Error;
            }
        }
        let mut files: Vec<(&Source, &[Diagnostic])> =
            config.iter().map(|(source, problems)| (source, problems.as_slice())).collect();
        files.push((&workspace.source, &problems));
        self.show(&files, output)?;
        let errors = files.iter().any(|(_, problems)| problems.iter().any(Diagnostic::is_error));
        if self.format == Format::Text && files.iter().all(|(_, problems)| problems.is_empty()) {
            let scenes = &workspace.board.scenes;
            let sheets = scenes.iter().filter(|scene| scene.sheet_of.is_some()).count();
            let mut told = counted(scenes.len() - sheets, "scene");
            if sheets > 0 {
                told = format!("{told} and {}", counted(sheets, "character sheet"));
            }
            tell(&format!(
                "{}: {told}, no problems\n",
                crate::report::sanitise(workspace.source.name(), 300)
            ));
        }
        self.tell_mendable(&problems);
        Ok(if errors { INVALID } else { 0 })
    }

    fn tell_mendable(&self, problems: &[Diagnostic]) {
        let mendable = problems.iter().filter(|problem| !problem.fix.is_empty()).count();
        if self.format != Format::Text || mendable == 0 {
            return;
        }
        let command = self.file.commands().free("check", &["--fix"]).command;
        tell(&format!("{mendable} of them can be mended by `{command}`\n"));
    }

    /// Mends what can be mended, and then what that has brought to light.
    fn mend(&self) -> Result<(), Failure> {
        const ROUNDS: usize = 5;
        for _ in 0..ROUNDS {
            let changed = match Workspace::open(&self.file.flags()) {
                Ok(workspace) => {
                    let looked = workspace.look_around()?;
                    fix(&workspace.source, &workspace.problems(&looked))?
                }
                // It is told by whoever comes next.
                Err(failure) => match failure.documents() {
                    [(source, problems)] => fix(source, problems)?,
                    _ => false,
                },
            };
            if !changed {
                break;
            }
        }
        Ok(())
    }

    /// Problems are the data of this command, so they go to standard output.
    fn show(&self, files: &[(&Source, &[Diagnostic])], output: Output) -> Result<(), Failure> {
        match self.format {
            Format::Text => {
                let text: String = files
                    .iter()
                    .map(|(source, problems)| diagnostics::text(source, problems, output.stdout))
                    .collect();
                print(&text)
            }
            Format::Json => print(&pretty(&diagnostics::json(files))),
            Format::Github => {
                let text: String = files
                    .iter()
                    .map(|(source, problems)| diagnostics::github(source, problems))
                    .collect();
                print(&text)
            }
        }
    }
}
