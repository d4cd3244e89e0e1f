//! A fresh clone of a film whose clips lie in a shared folder: all of them back, beside what copying the same bytes takes.

use crate::{Emulator, median, mp4s, program, ratio, run, told};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const SCENES: usize = 200;
/// Some 8 seconds of 720p, in bytes.
const CLIP: usize = 5_000_000;

/// Measures `storyreel render --locked` in a clone that has storyboard and manifest, and no key.
pub fn restoring(folder: &Path) {
    let film = folder.join("rendered");
    let cache = folder.join("cache");
    std::fs::create_dir_all(&film).expect("a folder");
    let mut board = String::from("defaults: {duration: 4, model: veo-3.1-fast}\nscenes:\n");
    for scene in 1..=SCENES {
        let _ =
            writeln!(board, "  - {{id: {scene}, prompt: Wave number {scene} breaks on the rock}}");
    }
    std::fs::write(film.join("storyboard.yaml"), &board).expect("a storyboard");
    render(folder, &film);
    let manifest = enlarge(&film);
    // What the cache lacks a run gives it, whatever made it.
    run(sharing(&film, &cache));

    let clone = folder.join("clone");
    let restored = median(3, || {
        let _ = std::fs::remove_dir_all(&clone);
        std::fs::create_dir_all(clone.join("public/assets")).expect("a folder");
        std::fs::write(clone.join("storyboard.yaml"), &board).expect("a storyboard");
        std::fs::write(clone.join("public/assets/manifest.json"), &manifest).expect("a manifest");
        settle();
        let time = run(sharing(&clone, &cache));
        assert_eq!(mp4s(&clone.join("public")).len(), SCENES, "all clips are back");
        time
    });
    for clip in mp4s(&film.join("public")) {
        let back = clone.join(clip.strip_prefix(&film).expect("a clip of the film"));
        assert!(
            std::fs::read(&clip).expect("a clip") == std::fs::read(back).expect("a clip"),
            "the same bytes"
        );
    }
    let copied = median(3, || copy(&film.join("public"), &folder.join("copied")));
    #[expect(clippy::cast_precision_loss, reason = "a billion")]
    let megabytes = (SCENES * CLIP) as f64 / 1e6;
    println!(
        "a fresh clone of {SCENES} scenes, {megabytes:.0} MB from a folder cache, 0 requests: {} ({:.0} MB/s); \
         copying and syncing the same files: {} ({:.1} times that)",
        told(restored),
        megabytes / restored.as_secs_f64(),
        told(copied),
        ratio(restored, copied)
    );
}

fn render(folder: &Path, film: &Path) {
    let ready = folder.join("restoring.json");
    let mut emulator = Emulator::start(folder, &ready);
    let base = emulator.base(&ready);
    let config = film.join("config/storyreel");
    std::fs::create_dir_all(&config).expect("a folder");
    std::fs::write(config.join("config.toml"), "[limits]\nsubmissions = \"100000/1s\"\n")
        .expect("a configuration");
    let mut command = program(film, &["render"]);
    command.env("KIE_API_BASE", &base).env("KIE_UPLOAD_BASE", &base).env("KIE_API_KEY", "bench");
    run(command);
}

/// Makes every clip as large as a real one, with bytes that no file system makes smaller, and records that. Gives the
/// manifest.
fn enlarge(film: &Path) -> String {
    std::fs::remove_dir_all(film.join(".storyreel")).expect("the ledger");
    let path = film.join("public/assets/manifest.json");
    let mut manifest = std::fs::read_to_string(&path).expect("a manifest");
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    for clip in mp4s(&film.join("public")) {
        let mut bytes = std::fs::read(&clip).expect("a clip");
        let old = storyreel::digest::of_bytes(&bytes);
        let rest = CLIP - bytes.len();
        bytes.extend(u32::try_from(rest).expect("a few megabytes").to_be_bytes());
        bytes.extend(b"free");
        while bytes.len() < CLIP {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend(state.to_le_bytes());
        }
        bytes.truncate(CLIP);
        std::fs::write(&clip, &bytes).expect("a clip");
        manifest = manifest.replace(&old, &storyreel::digest::of_bytes(&bytes));
    }
    std::fs::write(path, &manifest).expect("a manifest");
    manifest
}

fn sharing(project: &Path, cache: &Path) -> Command {
    let mut command = program(project, &["render", "--locked"]);
    command.env("STORYREEL_CACHE", cache);
    command
}

/// What was written before is not paid for by what is measured.
fn settle() {
    rustix::fs::sync();
}

/// Copies files one after the other, each of them on the disk before the next.
fn copy(from: &Path, to: &Path) -> Duration {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir_all(to).expect("a folder");
    settle();
    let started = Instant::now();
    for clip in mp4s(from) {
        let mut target = File::create(to.join(clip.file_name().expect("a name"))).expect("a file");
        target.write_all(&std::fs::read(&clip).expect("a clip")).expect("it is written");
        target.sync_all().expect("it is synced");
    }
    started.elapsed()
}
