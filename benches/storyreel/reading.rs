//! Ten thousand scenes of Markdown: read, and checked by the whole command.

use crate::{median, program, ratio, run, told};
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};
use storyreel::source::Source;

const SCENES: usize = 10_000;

/// Measures reading in this process, and `storyreel check` from its start to its exit.
pub fn reading(folder: &Path, reference: Duration) {
    let project = folder.join("ten-thousand");
    std::fs::create_dir_all(&project).expect("a folder");
    let mut text = String::from("---\ntitle: Ten thousand scenes\nstyle: 35mm film\n---\n");
    for scene in 1..=SCENES {
        let _ = write!(
            text,
            "\n## Scene {scene}: Wave {scene}\n- **Duration**: 4s\n- **Type**: video_clip\n\
             - **Visual**: Wave number {scene} breaks on the rock below the lighthouse\n\
             - **Camera**: Slow dolly in\n- **Text Overlay**: none\n- **Voiceover**: none\n\
             - **Audio**: SFX: waves\n- **Transition Out**: crossfade\n"
        );
    }
    std::fs::write(project.join("SCENES.md"), &text).expect("a storyboard");
    let source = Source::new("SCENES.md", text);
    let read = median(11, || {
        let started = Instant::now();
        let reading = storyreel::storyboard::read(&source);
        let time = started.elapsed();
        assert_eq!(reading.storyboard.map(|board| board.scenes.len()), Some(SCENES));
        assert!(reading.diagnostics.is_empty());
        time
    });
    println!(
        "{SCENES} scenes of Markdown ({:.1} MB), read with all their checks: {}",
        source.text().len() as f64 / 1e6,
        told(read)
    );
    let check = median(11, || run(program(&project, &["check"])));
    println!(
        "`check` of them, models, parameters and prompts included: {} ({:.0} times the reference)",
        told(check),
        ratio(check, reference)
    );
}
