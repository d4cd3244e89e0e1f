//! `storyreel check --fix`: mends what can be mended in one way only, and changes no other byte.

use super::failure::Failure;
use super::replace::replace;
use super::tell;
use crate::report::{counted, sanitise};
use crate::source::{self, Diagnostic, Source};
use std::path::Path;

/// Mends the problems of a document in its files. True when something was changed.
///
/// # Errors
/// A file that cannot be written, or that is another one by now. No file is half written.
pub(super) fn fix(source: &Source, problems: &[Diagnostic]) -> Result<bool, Failure> {
    let files = source.edits(problems.iter().flat_map(|problem| &problem.fix));
    for (file, edits) in &files {
        write(Path::new(file.name()), file, &file.edited(edits))?;
        let places = counted(edits.len(), "place");
        tell(&format!("{}: mended in {places}\n", sanitise(file.name(), 300)));
    }
    Ok(!files.is_empty())
}

/// Puts the new text in the file's place, in one step and with its rights. Through a link the file behind it is written.
fn write(path: &Path, old: &Source, text: &str) -> Result<(), Failure> {
    let shown = sanitise(old.name(), 300);
    let cannot = |error: std::io::Error| {
        Failure::cannot_work("unwritable", format!("cannot write `{shown}`: {error}"))
            .hint("it is as it was; mend it by hand, or see to its rights")
    };
    let now = source::read_bytes(path, source::MAX_TEXT_BYTES).map_err(|error| {
        Failure::cannot_work("unreadable", format!("cannot read `{shown}`: {error}"))
    })?;
    if now != old.text().as_bytes() {
        return Err(Failure::cannot_work(
            "changed-meanwhile",
            format!("`{shown}` was changed meanwhile"),
        )
        .hint("nothing was written; run `storyreel check --fix` again"));
    }
    replace(path, text.as_bytes()).map_err(cannot)
}
