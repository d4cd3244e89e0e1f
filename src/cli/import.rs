//! `storyreel import`: another's storyboard as a clean SCENES.md, with everything that did not find its place said.

use super::failure::Failure;
use super::replace::replace;
use super::{Output, pretty, print, tell};
use crate::import::{self, Fate, Format, Import as Imported, Remark};
use crate::report::error::Place;
use crate::report::{Commands, NextCommand, Style, counted, sanitise};
use crate::source::{Diagnostic, Source, Span};
use crate::storyboard;
use serde::Serialize;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What the file is called where nobody says.
const DEFAULT_NAME: &str = "SCENES.md";

/// Where an asset plan was merged into a storyboard that has that name already.
const MERGED_NAME: &str = "SCENES.filled.md";

/// More remarks than this are counted, not shown.
const SHOWN: usize = 60;

/// Write a clean SCENES.md from another's storyboard: a Markdown table, JSON, YAML, CSV, an asset plan, a Fountain script.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  storyreel import shots.csv                     writes SCENES.md in the working folder
  storyreel import storyboard.json -o film.md
  storyreel import script.fountain -o -          to standard output
  storyreel import .videoflow/ASSET-PLAN.md      fills model and prompt of the SCENES.md beside it
  storyreel import notes.txt --format csv        says what it is, and that it is a storyboard

What is read:
  Markdown    one table with a shot a row, a `Field | Value` table a scene, or a column a scene
  JSON, YAML  `scenes`, `shots`, `cuts`, `clips` or a list, nested, in acts, with shots in scenes
  CSV         comma, semicolon or tab separated, a header in any of the languages of the labels
  asset plan  VideoFlow's `ASSET-PLAN.md`
  Fountain    a scene a heading; action, dialogue, transitions and notes; no length is invented

Everything that has no field is kept as notes and said on standard error, with its line.
Nothing that is named in the file is opened, and nothing is overwritten without `--force`.")]
pub(super) struct Import {
    /// The file to read
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where to write; `-` is standard output [default: SCENES.md]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What the file is, where its name and text do not tell
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Overwrite the file that is there
    #[arg(long)]
    force: bool,
    /// Print what was done as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Where the result goes.
enum Target {
    Stdout,
    File(PathBuf),
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'r> {
    format_version: &'static str,
    file: String,
    format: Format,
    output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merged: Option<String>,
    scenes: usize,
    seconds: f64,
    remarks: Vec<Told<'r>>,
    next: Vec<NextCommand>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'r str>,
}

/// A remark with its place.
#[derive(Serialize)]
struct Told<'r> {
    fate: Fate,
    label: &'r str,
    value: &'r str,
    message: &'r str,
    places: usize,
    r#where: Place,
}

impl Import {
    pub fn run(&self, output: Output) -> Result<u8, Failure> {
        let source = Source::read(&self.file)?;
        let asked = self.format;
        self.refuse_own(&source, asked)?;
        let imported = import::read(&source, asked)
            .map_err(|problems| Failure::document("not-a-storyboard", &source, problems))?;
        let (imported, merged) = match imported.format {
            Format::AssetPlan => self.merged(imported)?,
            _ => (imported, None),
        };
        let text = imported.text();
        verify(&imported, &text)?;
        let target = self.target(merged.is_some());
        if let Target::File(path) = &target {
            write(path, &text, self.force)?;
        }
        self.tell(&source, &imported, merged.as_deref(), &target, &text, output.stderr)
    }

    /// A storyboard that storyreel reads as it is needs no import.
    fn refuse_own(&self, source: &Source, asked: Option<Format>) -> Result<(), Failure> {
        let format = asked.unwrap_or_else(|| import::format_of(source));
        if format != Format::Markdown {
            return Ok(());
        }
        let reading = storyboard::read(source);
        let tables = reading.diagnostics.iter().any(|problem| problem.code == "table-ignored");
        let Some(board) = reading.storyboard.filter(|_| !tables) else { return Ok(()) };
        let command = plan_of(&self.file);
        let scenes = counted(board.scenes.len(), "scene");
        Err(Failure::invalid(
            "nothing-to-import",
            format!("`{}` is a storyboard already: {scenes}", sanitise(source.name(), 300)),
        )
        .hint(format!("storyreel reads it as it is: `{command}`"))
        .next(NextCommand::free(command)))
    }

    /// An asset plan fills the storyboard beside it, where there is one.
    fn merged(&self, plan: Imported) -> Result<(Imported, Option<String>), Failure> {
        let folder = self.file.parent().unwrap_or(Path::new(""));
        let path = folder.join(DEFAULT_NAME);
        if !path.is_file() {
            return Ok((plan, None));
        }
        let source = Source::read(&path)?;
        let reading = storyboard::read(&source);
        let errors: Vec<Diagnostic> =
            reading.diagnostics.into_iter().filter(Diagnostic::is_error).collect();
        match reading.storyboard {
            Some(board) if errors.is_empty() => {
                let left = !board.profiles.is_empty() || !board.includes.is_empty();
                if left {
                    let shown = sanitise(source.name(), 300);
                    let message = format!(
                        "`{shown}` has `profiles` or `include`, which no import can write again"
                    );
                    let hint = "take the models and prompts over by hand; `-o -` of the plan alone, from another folder, shows them";
                    return Err(Failure::invalid("cannot-merge", message).hint(hint));
                }
                Ok((import::merge(plan, board, &source), Some(source.name().to_owned())))
            }
            _ => Err(Failure::document("invalid-storyboard", &source, errors)),
        }
    }

    fn target(&self, merged: bool) -> Target {
        match &self.output {
            Some(path) if path.as_os_str() == "-" => Target::Stdout,
            Some(path) => Target::File(path.clone()),
            None if merged => Target::File(self.file.with_file_name(MERGED_NAME)),
            None => Target::File(PathBuf::from(DEFAULT_NAME)),
        }
    }

    fn tell(
        &self,
        source: &Source,
        imported: &Imported,
        merged: Option<&str>,
        target: &Target,
        text: &str,
        style: Style,
    ) -> Result<u8, Failure> {
        let scenes = imported.board.scenes.len();
        let (written, command) = match target {
            Target::Stdout => (None, "storyreel plan".to_owned()),
            Target::File(path) => (Some(path.display().to_string()), plan_of(path)),
        };
        let next: Vec<NextCommand> =
            written.iter().map(|_| NextCommand::free(command.clone())).collect();
        if self.json {
            let report = Report {
                format_version: "1.0",
                file: source.name().to_owned(),
                format: imported.format,
                output: written,
                merged: merged.map(str::to_owned),
                scenes,
                seconds: seconds(imported),
                remarks: imported.remarks.iter().map(|remark| told(source, remark)).collect(),
                next,
                text: matches!(target, Target::Stdout).then_some(text),
            };
            print(&pretty(&report))?;
            return Ok(0);
        }
        if matches!(target, Target::Stdout) {
            print(text)?;
        }
        tell(&remarks(source, &imported.remarks));
        let length = match seconds(imported) {
            0.0 => String::new(),
            seconds => format!(", {}", crate::report::span_of_time(seconds)),
        };
        let place =
            written.map_or_else(String::new, |path| format!(" to {}", sanitise(&path, 300)));
        let what = merged.map_or_else(
            || format!("from {}", imported.format.words()),
            |merged| format!("from {} and {}", sanitise(merged, 300), imported.format.words()),
        );
        tell(&format!(
            "{} {}{length} {what}{place}\n",
            style.bold("wrote"),
            counted(scenes, "scene")
        ));
        for next in next {
            tell(&format!("next: {}\n", next.command));
        }
        Ok(0)
    }
}

fn seconds(imported: &Imported) -> f64 {
    let lengths = imported
        .board
        .scenes
        .iter()
        .filter_map(|scene| scene.fields.seconds(storyboard::Field::Duration));
    lengths.sum()
}

/// What is written must be read as what is meant; a file that is not would cost money.
fn verify(imported: &Imported, text: &str) -> Result<(), Failure> {
    let reading = storyboard::read(&Source::new(DEFAULT_NAME, text));
    let same = reading.storyboard.is_some_and(|read| import::same(&imported.board, &read));
    if same {
        return Ok(());
    }
    Err(Failure::cannot_work(
        "import",
        "the storyboard that was made is not read as it was meant; nothing was written",
    )
    .hint("this is a mistake in storyreel: please report it with the file"))
}

fn write(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::cannot_work("unwritable", format!("cannot write `{}`: {error}", path.display()))
            .hint("check the rights of the folder and the space on the disk")
    };
    if !force {
        return match std::fs::OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(mut file) => file.write_all(text.as_bytes()).map_err(failed),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(Failure::invalid(
                    "exists",
                    format!("`{}` is there already", sanitise(&path.display().to_string(), 300)),
                )
                .hint("write to another file with `-o NAME.md`, or overwrite it with `--force`"))
            }
            Err(error) => Err(failed(error)),
        };
    }
    replace(path, text.as_bytes()).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidInput => {
            let shown = sanitise(&path.display().to_string(), 300);
            Failure::invalid("not-a-file", format!("`{shown}` is there already and is no file"))
                .hint("name a file; `-o -` writes to standard output")
        }
        _ => failed(error),
    })
}

fn told<'r>(source: &Source, remark: &'r Remark) -> Told<'r> {
    let position = source.position(remark.span.start);
    Told {
        fate: remark.fate,
        label: &remark.label,
        value: &remark.value,
        message: &remark.message,
        places: remark.places,
        r#where: Place {
            file: source.name().to_owned(),
            line: position.line,
            column: position.column,
        },
    }
}

/// A line a remark: where, what, and what became of it.
fn remarks(source: &Source, remarks: &[Remark]) -> String {
    let mut out = String::new();
    for remark in remarks.iter().take(SHOWN) {
        let mut place = sanitise(source.name(), 300);
        // What concerns the storyboard that a plan was merged into has no place in the plan.
        if remark.span != Span::default() {
            place = format!("{place}:{}", source.position(remark.span.start));
        }
        let value = match sanitise(&remark.value, 60) {
            value if value.is_empty() || remark.message.contains(&format!("`{value}`")) => {
                String::new()
            }
            value => format!(" (`{value}`)"),
        };
        let fate = match remark.fate {
            Fate::InNotes => ": kept in the notes",
            Fate::InFilmNotes => ": kept in the notes of the film",
            Fate::LeftOut => ": left out",
            Fate::Changed | Fate::Filled | Fate::Conflict | Fate::Missing => "",
        };
        let places = match remark.places {
            1 => String::new(),
            places => format!(", in {places} places"),
        };
        out.push_str(&format!(
            "{place}: {}{value}{places}{fate}\n",
            sanitise(&remark.message, 300)
        ));
    }
    if remarks.len() > SHOWN {
        out.push_str(&format!(
            "and {}; `--json` lists them all\n",
            counted(remarks.len() - SHOWN, "more remark")
        ));
    }
    out
}

/// What to do about a document that is no storyboard as it stands, where an import makes one of it.
pub(super) fn hint_for(source: &Source, path: &Path) -> Option<String> {
    let imported = import::read(source, None).ok()?;
    let scenes = counted(imported.board.scenes.len(), "scene");
    let command = Commands::default().free("import", &[&path.display().to_string()]).command;
    Some(format!("`{command}` makes a SCENES.md of it: {scenes}"))
}

fn plan_of(path: &Path) -> String {
    Commands { file: Some(path.display().to_string()), profile: None }.free("plan", &[]).command
}
