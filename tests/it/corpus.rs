//! Every file of the fuzzers' corpus, through the checks of its target: findings that were mended stay mended, and no
//! fuzzer is needed to know it. `just fuzz TARGET RUNS` goes on from there.

#[path = "../../fuzz/src/lib.rs"]
mod checks;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

#[track_caller]
fn replay(target: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let check = checks::TARGETS.iter().find(|(name, _)| *name == target).expect("a target").1;
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("a corpus")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    assert!(files.len() >= 10, "the corpus of `{target}` has {} files", files.len());
    let failed: Vec<String> = files
        .iter()
        .filter(|path| {
            let data = std::fs::read(path).expect("a readable file");
            catch_unwind(AssertUnwindSafe(|| check(&data))).is_err()
        })
        .map(|path| path.display().to_string())
        .collect();
    assert!(failed.is_empty(), "these break a promise:\n{}", failed.join("\n"));
}

#[test]
fn answers() {
    replay("answers");
}

#[test]
fn config() {
    replay("config");
}

#[test]
fn duration() {
    replay("duration");
}

#[test]
fn manifest() {
    replay("manifest");
}

#[test]
fn markdown() {
    replay("markdown");
}

#[test]
fn template() {
    replay("template");
}

#[test]
fn yaml() {
    replay("yaml");
}

#[test]
fn every_target_is_built_and_replayed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(root.join("fuzz/Cargo.toml")).expect("its manifest");
    let tests = include_str!("corpus.rs");
    for (name, _) in checks::TARGETS {
        assert!(root.join(format!("fuzz/fuzz_targets/{name}.rs")).is_file(), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        assert!(tests.contains(&format!("replay(\"{name}\")")), "{name}");
    }
}
