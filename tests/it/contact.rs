//! `storyreel sheet`: the pictures of takes on one page.

use crate::support::{Emulator, Project};
use serde_json::json;

const FILM: &str = "\
---
title: The Keeper
---

## Scene 1: Dawn
- **Model**: veo-3.1-fast
- **Duration**: 4s
- **Takes**: 2
- **Prompt**: A lone lighthouse on a basalt skerry at dawn

## Scene 2: A still
- **Type**: image
- **Visual**: A brass lamp on a windowsill

## Scene 3: Noon
- **Model**: veo-3.1-fast
- **Duration**: 4s
- **Prompt**: An iron spiral staircase by lamplight
";

#[cfg(feature = "preview")]
#[test]
fn takes_and_stills_stand_side_by_side() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(FILM).using(&emulator);
    project
        .run(["sheet", "-o", "sheet.png"])
        .expect(1)
        .tells(&["nothing of these scenes was rendered"]);
    project.run(["render", "--yes"]).expect(0);
    let told = project.run(["sheet", "-o", "sheet.png", "--json"]).expect(0).json();
    let takes = told["takes"].as_array().expect("a list");
    let scenes: Vec<_> = takes.iter().map(|take| take["scene_id"].clone()).collect();
    assert_eq!(scenes, [json!(1), json!(1), json!(2), json!(3)]);
    assert!(takes.iter().all(|take| take["missing"].is_null()), "{told:#}");
    let first = std::fs::read(project.path("sheet.png")).expect("a picture");
    let picture = image::load_from_memory(&first).expect("a PNG").into_rgb8();
    // A title, four strips of three boxes, the words beside them.
    assert_eq!(picture.dimensions(), (1134, 754));
    let middle =
        |row: u32, box_: u32| *picture.get_pixel(240 + box_ * 298 + 144, 56 + row * 172 + 81);
    assert_eq!(middle(0, 0), middle(0, 2), "a clip of one colour");
    assert_ne!(middle(0, 0), middle(1, 0), "two takes");
    assert_ne!(middle(2, 0), middle(2, 1), "a still has one picture");
    // The same again is the same file; a missing clip is told and leaves its place empty.
    project.run(["sheet", "-o", "sheet.png"]).expect(0).prints(&["sheet.png"]);
    assert_eq!(std::fs::read(project.path("sheet.png")).expect("a picture"), first);
    std::fs::remove_file(project.path("public/assets/clips/scene-03.mp4")).expect("a clip");
    project
        .run(["sheet", "3", "-o", "three.png"])
        .expect(0)
        .tells(&["scene 3: its file is not here", "1 take on the sheet"]);
    // A scene of which there is nothing is told, and one that was not asked for is not.
    project.write("SCENES.md", format!("{FILM}\n## Scene 4\n- **Prompt**: Fog\n"));
    let done = project.run(["sheet", "-o", "sheet.png"]).expect(0);
    done.tells(&["nothing yet of scene 4"]);
    let done = project.run(["sheet", "1", "-o", "sheet.png"]).expect(0);
    assert!(!done.stderr.contains("nothing yet"), "{}", done.stderr);
    project.run(["sheet", "9", "-o", "x.png"]).expect(1).tells(&["there is no scene `9`"]);
}

#[cfg(feature = "preview")]
#[test]
fn an_animatic_has_a_sheet_as_well() {
    let project = Project::with_storyboard(FILM);
    project.run(["render", "--preview", "--only", "1"]).expect(0);
    let told = project.run(["sheet", "--preview", "--json"]).expect(0).json();
    assert_eq!(told["takes"].as_array().map(Vec::len), Some(1));
    assert!(project.has("sheet.png"));
}

#[test]
fn a_starter_keeps_large_files_apart() {
    let project = Project::new();
    project.run(["init"]).expect(0).tells(&[".gitattributes"]);
    let lines = project.read(".gitattributes");
    assert!(
        lines.contains("public/assets/**/*.mp4 filter=lfs diff=lfs merge=lfs -text\n"),
        "{lines}"
    );
    project.run(["init"]).expect(0);
    assert_eq!(project.read(".gitattributes"), lines);
}

#[test]
fn a_scene_is_explained_while_another_has_a_problem() {
    let project = Project::with_storyboard(
        "## Scene 1\n- **Model**: veo-3.1-fast\n- **Duration**: 4s\n- **Visual**: A lighthouse at dawn\n\n\
         ## Scene 2\n- **Model**: veo-3.1-fast\n- **Duration**: 40s\n- **Visual**: The sea\n",
    );
    project
        .run(["explain", "1"])
        .expect(0)
        .prints(&["A lighthouse at dawn."])
        .tells(&["other scenes have problems"]);
    project.run(["explain", "2"]).expect(1).tells(&["40 s"]);
}
