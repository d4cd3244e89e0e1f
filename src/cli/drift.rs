//! `storyreel drift`: hash the published files again and compare them with the manifest.

use super::args::File;
use super::failure::Failure;
use super::workspace::Workspace;
use super::{Output, pretty, print};
use crate::digest;
use crate::known::is_lfs_pointer;
use crate::manifest::AssetEntry;
use crate::report::{Style, counted, sanitise};
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;

/// Exit code for differences.
const DIFFERENCES: u8 = 4;

/// Hash all published files again, the earlier takes among them, and tell which are not what the manifest says. Spends
/// nothing and changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 all as recorded, 4 differences.

Examples:
  storyreel drift
  storyreel drift --json")]
pub(super) struct Drift {
    #[command(flatten)]
    file: File,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    AsRecorded,
    Modified,
    Missing,
    Pointer,
    /// The entry records no digest.
    Unrecorded,
}

impl Found {
    fn name(self) -> &'static str {
        match self {
            Self::AsRecorded => "as-recorded",
            Self::Modified => "modified",
            Self::Missing => "missing",
            Self::Pointer => "pointer",
            Self::Unrecorded => "unrecorded",
        }
    }

    fn differs(self) -> bool {
        matches!(self, Self::Modified | Self::Missing | Self::Pointer)
    }
}

impl Drift {
    pub fn run(&self, output: Output) -> Result<u8, Failure> {
        let workspace = Workspace::open(&self.file.flags())?;
        let manifest = workspace.manifest()?;
        let looked: Vec<(&AssetEntry, Found)> = manifest
            .renders()
            .map(|entry| {
                let path = workspace.layout.asset(&entry.filename);
                (entry, path.map_or(Found::Missing, |path| look(&path, entry.sha256.as_deref())))
            })
            .collect();
        if self.json {
            let files: Vec<_> = looked
                .iter()
                .map(|(entry, found)| {
                    json!({"id": entry.id, "scene_id": entry.scene_id, "filename": entry.filename,
                           "current": entry.superseded_by.is_none(), "found": found.name()})
                })
                .collect();
            print(&pretty(&json!({ "files": files })))?;
        } else {
            print(&text(&looked, output.stdout))?;
        }
        let differs = looked.iter().any(|(_, found)| found.differs());
        Ok(if differs { DIFFERENCES } else { 0 })
    }
}

fn look(path: &Path, recorded: Option<&str>) -> Found {
    let Ok(file) = std::fs::File::open(path) else { return Found::Missing };
    let Some(recorded) = recorded else { return Found::Unrecorded };
    if file.metadata().is_ok_and(|metadata| is_lfs_pointer(path, metadata.len())) {
        return Found::Pointer;
    }
    match digest::of_reader(file) {
        Ok(found) if found == recorded => Found::AsRecorded,
        _ => Found::Modified,
    }
}

fn text(looked: &[(&AssetEntry, Found)], style: Style) -> String {
    let mut out = String::new();
    for (entry, found) in looked.iter().filter(|(_, found)| found.differs()) {
        let words = match found {
            Found::Modified => style.yellow("is not what was published"),
            Found::Pointer => style.yellow("is a Git LFS pointer"),
            _ => style.red("is missing"),
        };
        let _ = writeln!(
            out,
            "{}  {} {words}",
            sanitise(&entry.id, 40),
            sanitise(&entry.filename, 200)
        );
    }
    let different = looked.iter().filter(|(_, found)| found.differs()).count();
    let unrecorded = looked.iter().filter(|(_, found)| *found == Found::Unrecorded).count();
    let as_recorded = looked.len() - different - unrecorded;
    let _ = write!(out, "{} as recorded", counted(as_recorded, "file"));
    if different > 0 {
        let verb = if different == 1 { "differs" } else { "differ" };
        let _ = write!(out, ", {different} {verb}");
    }
    if unrecorded > 0 {
        let _ = write!(out, ", {unrecorded} without a digest on record");
    }
    out.push('\n');
    out
}
