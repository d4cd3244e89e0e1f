//! What must hold for any input whatever, one function a fuzz target: not only that nothing panics.
//!
//! `cargo test` calls the same functions with every file of `corpus/` (`tests/it/corpus.rs`), so that a finding, once
//! mended, stays mended without a fuzzer at hand.

mod answers;
mod config;
mod document;
mod duration;
mod manifest;
mod printed;
mod template;

/// Fails where the input breaks a promise.
pub type Check = fn(&[u8]);

/// The targets with their checks.
pub const TARGETS: &[(&str, Check)] = &[
    ("answers", answers),
    ("config", config),
    ("duration", duration),
    ("manifest", manifest),
    ("markdown", markdown),
    ("template", template),
    ("yaml", yaml),
];

/// True where the checks that take longer than all the rest are made too: on every file of the corpus in a test, and
/// on one input in eight under a fuzzer.
fn thoroughly(data: &str) -> bool {
    cfg!(test) || data.bytes().fold(0_u8, u8::wrapping_add).is_multiple_of(8)
}

/// Anything as `SCENES.md`.
pub fn markdown(data: &[u8]) {
    document::check("SCENES.md", &String::from_utf8_lossy(data));
}

/// Anything as `storyboard.yaml`.
pub fn yaml(data: &[u8]) {
    document::check("storyboard.yaml", &String::from_utf8_lossy(data));
}

/// Anything as a length of time.
pub fn duration(data: &[u8]) {
    duration::check(&String::from_utf8_lossy(data));
}

/// Anything as `manifest.json`.
pub fn manifest(data: &[u8]) {
    manifest::check(&String::from_utf8_lossy(data));
}

/// Anything as the provider's answer to every kind of call: the HTTP status on the first line, then the body.
pub fn answers(data: &[u8]) {
    answers::check(data);
}

/// Anything as `storyreel.toml` and as a file of the catalogue.
pub fn config(data: &[u8]) {
    config::check(&String::from_utf8_lossy(data));
}

/// Anything as a project's own prompt template.
pub fn template(data: &[u8]) {
    template::check(&String::from_utf8_lossy(data));
}
