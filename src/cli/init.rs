//! `storyreel init`: a starter storyboard, a configuration file and lines for `.gitignore`.

use super::failure::Failure;
use super::{Output, tell};
use std::io::Write as _;
use std::path::{Path, PathBuf};

const STORYBOARD: &str = include_str!("starter/SCENES.md");
const CONFIG: &str = include_str!("starter/storyreel.toml");
/// What git should not keep: the key and private state.
const IGNORED: [&str; 2] = [".env", ".storyreel/"];

/// Write a starter storyboard, storyreel.toml and .gitignore lines. Nothing that exists is overwritten.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  storyreel init                 in the working folder
  storyreel init my-film         in a new folder")]
pub(super) struct Init {
    /// The folder; made if it is missing
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

impl Init {
    pub fn run(&self, _: Output) -> Result<u8, Failure> {
        let failed = |path: &Path, error: std::io::Error| {
            Failure::cannot_work(
                "unwritable",
                format!("cannot write `{}`: {error}", path.display()),
            )
            .hint("check the rights of the folder and the space on the disk")
        };
        std::fs::create_dir_all(&self.folder).map_err(|error| failed(&self.folder, error))?;
        for (name, text) in [("SCENES.md", STORYBOARD), ("storyreel.toml", CONFIG)] {
            let path = self.folder.join(name);
            let kept = create_new(&path, text).map_err(|error| failed(&path, error))?;
            tell(&format!("{} {}\n", if kept { "kept   " } else { "created" }, path.display()));
        }
        let path = self.folder.join(".gitignore");
        let added = ignore(&path).map_err(|error| failed(&path, error))?;
        tell(&format!("{} {}\n", if added { "added to" } else { "kept   " }, path.display()));
        let cd = if self.folder == Path::new(".") {
            String::new()
        } else {
            format!("cd {} && ", self.folder.display())
        };
        tell(&format!("next: {cd}storyreel plan\n"));
        Ok(0)
    }
}

/// Writes a new file; true where one was there already, which is kept.
fn create_new(path: &Path, text: &str) -> std::io::Result<bool> {
    match std::fs::OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| false),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(true),
        Err(error) => Err(error),
    }
}

/// Adds the lines that are missing; true where there were any.
fn ignore(path: &Path) -> std::io::Result<bool> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let has = |wanted: &str| {
        text.lines().any(|line| {
            line.trim().trim_start_matches('/').trim_end_matches('/')
                == wanted.trim_end_matches('/')
        })
    };
    let missing: Vec<&str> = IGNORED.into_iter().filter(|line| !has(line)).collect();
    if missing.is_empty() {
        return Ok(false);
    }
    let mut addition = String::new();
    if !text.is_empty() && !text.ends_with('\n') {
        addition.push('\n');
    }
    for line in missing {
        addition.push_str(line);
        addition.push('\n');
    }
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(addition.as_bytes())?;
    Ok(true)
}
