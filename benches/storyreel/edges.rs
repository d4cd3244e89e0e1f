//! Plans of a film in which four scenes of five start from another one: in long lines, in fans, from stills and whole clips.

use crate::{Emulator, median, program, ratio, run, told};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Scenes in a line, each from the last frame of the one before; and scenes of a fan, with the still they start from.
const LINE: usize = 20;

/// Measures three plans: of what is new, of what is rendered, and after a change at the head of a line.
pub fn edges(folder: &Path, reference: Duration) {
    let (film, uses) = film_from(1);
    let scenes = film.matches("- {id:").count();
    let new = folder.join("edges-new");
    let project = folder.join("edges");
    for folder in [&new, &project] {
        std::fs::create_dir_all(folder.join("config/storyreel")).expect("a folder");
        std::fs::write(folder.join("storyboard.yaml"), &film).expect("a storyboard");
        let config = "[limits]\nsubmissions = \"100000/1s\"\n[poll]\nfirst = \"1s\"\n";
        std::fs::write(folder.join("config/storyreel/config.toml"), config)
            .expect("a configuration");
    }
    let plan = |folder: &Path| median(21, || run(program(folder, &["plan", "storyboard.yaml"])));
    let tell = |what: &str, time: Duration| {
        println!(
            "`plan` of {scenes} scenes, {uses} of them from other scenes, {what}: {} ({:.0} times the reference)",
            told(time),
            ratio(time, reference)
        );
    };
    tell("nothing rendered", plan(&new));

    let ready = folder.join("ready-edges.json");
    let mut emulator = Emulator::start(folder, &ready);
    let base = emulator.base(&ready);
    let mut render: Command = program(&project, &["render", "storyboard.yaml"]);
    render.env("KIE_API_BASE", &base).env("KIE_UPLOAD_BASE", &base).env("KIE_API_KEY", "bench");
    let first = run(render);
    println!("render of these scenes against the emulator: {}", told(first));
    tell("nothing to do", plan(&project));
    let edited = film.replace("Wave number 1 ", "Storm number 1 ");
    std::fs::write(project.join("storyboard.yaml"), edited).expect("a storyboard");
    tell("the head of a line of 20 edited", plan(&project));
    let (shifted, _) = film_from(2);
    std::fs::write(project.join("storyboard.yaml"), shifted).expect("a storyboard");
    tell("all renumbered by one", plan(&project));
}

/// The film with its first scene under this id, and how many of its scenes start from another one.
fn film_from(first: usize) -> (String, usize) {
    let mut film = String::from(
        "title: A thousand scenes\n\
         defaults: {model: veo-3.1-lite, duration: 4, style: 35mm film}\n\
         characters:\n  ada: {look: \"Ada, 60s, grey braid, oilskin coat\"}\n  tom: {look: \"Tom, a boy in yellow oilskins\"}\n\
         scenes:\n",
    );
    let (mut uses, mut number) = (0, 0);
    let mut scene = |fields: String, is_use: bool| {
        let id = first + number;
        number += 1;
        uses += usize::from(is_use);
        // No two scenes ask for the same.
        let seen = format!("visual: Wave number {number} breaks, action: Ada counts to {number}");
        let _ = writeln!(film, "  - {{id: {id}, {seen}, {fields}}}");
        id
    };
    for _ in 0..20 {
        let mut before = scene("camera: slow dolly in".into(), false);
        for _ in 1..LINE {
            before = scene(format!("reference: \"scene:{before}\""), true);
        }
    }
    for _ in 0..10 {
        let still = scene("type: image".into(), false);
        for _ in 1..LINE {
            scene(format!("reference: \"scene:{still}\""), true);
        }
    }
    for _ in 0..100 {
        let drawn = scene("image_prompt: A lamp room at night".into(), false);
        scene(format!("reference: \"scene:{drawn}/keyframe\""), true);
    }
    for _ in 0..70 {
        let clip = scene("lighting: dusk".into(), false);
        scene(format!("video: \"scene:{clip}\", model: Runway Aleph"), true);
    }
    for line in 0..60 {
        let (from, to) = (first + line % 20 * LINE, first + (1 + line % 19) * LINE - 1);
        scene(format!("reference: \"scene:{from}/first\", last_frame: \"scene:{to}\""), true);
    }
    (film, uses)
}
