//! Arguments that several commands share.

use crate::report::Commands;
use crate::settings::Flags;
use clap::Args;
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use std::path::{Path, PathBuf};

/// An argument for which a shell completes a few names, and which may be others: names in other languages and spellings.
#[derive(Debug, Clone)]
pub(super) struct Suggested(pub Vec<PossibleValue>);

impl TypedValueParser for Suggested {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().cloned()))
    }
}

/// The storyboard, as an argument or with `-f`.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct File {
    /// The storyboard; `SCENES.md`, `.videoflow/SCENES.md` or `storyboard.yaml` unless given
    #[arg(value_name = "FILE", conflicts_with = "file_flag")]
    file: Option<PathBuf>,
    #[command(flatten)]
    flag: FileFlag,
}

/// The storyboard with `-f`, for commands whose argument is something else.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct FileFlag {
    /// The storyboard
    #[arg(short = 'f', long = "file", id = "file_flag", value_name = "FILE")]
    file: Option<PathBuf>,
    /// A profile of the storyboard, such as `draft` or `final`
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

/// Another branch's manifest.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct DeferTo {
    /// Take unchanged scenes from this manifest of another branch, free: `git show main:public/assets/manifest.json`
    #[arg(long, value_name = "MANIFEST", value_hint = clap::ValueHint::FilePath)]
    pub defer_to: Option<PathBuf>,
}

impl File {
    /// For a command that has the flags only.
    pub fn of(flag: &FileFlag) -> Self {
        Self { file: None, flag: flag.clone() }
    }

    /// As settings take it.
    pub fn flags(&self) -> Flags {
        Flags { storyboard: self.path().map(Path::to_owned), ..self.flag.flags() }
    }

    /// The path as given.
    fn path(&self) -> Option<&Path> {
        self.file.as_deref().or(self.flag.file.as_deref())
    }

    /// Commands that lead on, for this storyboard.
    pub fn commands(&self) -> Commands {
        Commands {
            file: self.path().map(|path| path.display().to_string()),
            ..self.flag.commands()
        }
    }
}

impl FileFlag {
    /// The same for a command that reads the flag itself.
    pub fn of(file: Option<PathBuf>, profile: Option<String>) -> Self {
        Self { file, profile }
    }

    /// As settings take it.
    pub fn flags(&self) -> Flags {
        let (storyboard, profile) = (self.file.clone(), self.profile.clone());
        Flags { storyboard, profile, ..Flags::default() }
    }

    /// Commands that lead on, for this storyboard.
    pub fn commands(&self) -> Commands {
        Commands {
            file: self.file.as_ref().map(|path| path.display().to_string()),
            profile: self.profile.clone(),
        }
    }
}
