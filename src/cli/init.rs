//! `storyreel init`: a starter storyboard, a configuration file, schemas for editors, and lines for `.gitignore` and
//! `.gitattributes`.

use super::failure::Failure;
use super::schema;
use super::{Output, pretty, tell};
use crate::ledger::make_private_folder;
use crate::settings::config_schema;
use std::io::Write as _;
use std::path::{Path, PathBuf};

const MARKDOWN: &str = include_str!("starter/SCENES.md");
const YAML: &str = include_str!("starter/storyboard.yaml");
const CONFIG: &str = include_str!("starter/storyreel.toml");
/// What git should not keep: the key and private state.
const IGNORED: [&str; 2] = [".env", ".storyreel/"];
/// Clips, stills and voices are large: Git LFS keeps them, where it is installed; without it these lines change nothing.
const KEPT_APART: [&str; 3] = ["*.mp4", "*.png", "*.mp3"];

/// Write a starter storyboard, storyreel.toml, schemas for editors, and lines for .gitignore and .gitattributes. Nothing that exists is overwritten.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  storyreel init                 in the working folder
  storyreel init my-film         in a new folder
  storyreel init --yaml          the storyboard in YAML: editors complete and explain its fields and models")]
pub(super) struct Init {
    /// The folder; made if it is missing
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Write the storyboard as `storyboard.yaml` in place of `SCENES.md`
    #[arg(long)]
    yaml: bool,
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
        let (name, text) =
            if self.yaml { ("storyboard.yaml", YAML) } else { ("SCENES.md", MARKDOWN) };
        let config = CONFIG.replace("\"SCENES.md\"", &format!("\"{name}\""));
        for (name, text) in [(name, text), ("storyreel.toml", &config)] {
            let path = self.folder.join(name);
            let kept = create_new(&path, text).map_err(|error| failed(&path, error))?;
            tell(&format!("{} {}\n", if kept { "kept   " } else { "created" }, path.display()));
        }
        // The first lines of the files name these. They are this version's, so each `init` writes them anew.
        let private = self.folder.join(".storyreel");
        let schemas = private.join("schemas");
        make_private_folder(&private)
            .and_then(|()| std::fs::create_dir_all(&schemas))
            .map_err(|error| failed(&schemas, error))?;
        for (name, text) in [
            ("storyboard.schema.json", pretty(&schema::storyboard()?)),
            ("config.schema.json", pretty(&config_schema())),
        ] {
            let path = schemas.join(name);
            std::fs::write(&path, text).map_err(|error| failed(&path, error))?;
        }
        let path = self.folder.join(".gitignore");
        let added = add_lines(&path, &IGNORED).map_err(|error| failed(&path, error))?;
        tell(&format!("{} {}\n", if added { "added to" } else { "kept   " }, path.display()));
        let path = self.folder.join(".gitattributes");
        let lines = KEPT_APART
            .map(|kind| format!("public/assets/**/{kind} filter=lfs diff=lfs merge=lfs -text"));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let added = add_lines(&path, &lines).map_err(|error| failed(&path, error))?;
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
fn add_lines(path: &Path, wanted: &[&str]) -> std::io::Result<bool> {
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
    let missing: Vec<&str> = wanted.iter().copied().filter(|line| !has(line)).collect();
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
