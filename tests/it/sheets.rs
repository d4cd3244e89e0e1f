//! Character sheets: the reference picture that is made of a character, and the scenes that take it.

use crate::support::{Emulator, Project};
use serde_json::Value;

const FILM: &str = r#"title: Sheets
defaults: {model: veo-3.1-fast, duration: 8, style: 35mm film, setting: A harbour, seed: 12345}
characters:
  ada: {look: "Ada, 60s, grey braid, a friend of tom", sheet: on}
  tom: {look: "Tom, a boy", sheet: "Full figure, front and side", image: refs/tom.png}
  eve: {look: "Eve, 30s", sheet: on}
scenes:
  - {id: 1, visual: ada at the window}
  - {id: 2, visual: A grey sea}
  - {id: 3, visual: tom and ada in a boat}
  - {id: 4, visual: eve runs, model: kling-2.6, duration: 5}
  - {id: 5, visual: ada turns again, image: refs/own.png}
"#;

fn emulator() -> Emulator {
    Emulator::with(&["--task-time", "0", "--submissions", "10000/1s", "--credits", "100000"])
}

fn project(emulator: &Emulator, film: &str) -> Project {
    let project = Project::new().using(emulator);
    project.configure("[limits]\nsubmissions = \"10000/1s\"\n");
    project.write("storyboard.yaml", film);
    for (name, shade) in [("refs/tom.png", 200), ("refs/own.png", 20)] {
        project.write(name, picture(shade));
    }
    project
}

/// A picture of one colour.
fn picture(shade: u8) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let drawn = image::RgbImage::from_pixel(32, 18, image::Rgb([shade, 80, 40]));
    drawn.write_to(&mut bytes, image::ImageFormat::Png).expect("a picture");
    bytes.into_inner()
}

/// Scene ids and actions, with the codes of their reasons.
fn plan(project: &Project, flags: &[&str]) -> Vec<String> {
    let plan = project.run([&["plan", "--json"], flags].concat()).expect(0).json();
    let scenes = plan["scenes"].as_array().expect("scenes").iter();
    scenes
        .map(|scene: &Value| {
            let codes = scene["reasons"].as_array().expect("reasons").iter();
            let codes: Vec<&str> = codes.filter_map(|reason| reason["code"].as_str()).collect();
            let id = scene["scene_id"].to_string();
            let action = scene["action"].as_str().expect("an action");
            format!("{} {action} {}", id.trim_matches('"'), codes.join(" ")).trim().to_owned()
        })
        .collect()
}

#[test]
fn a_sheet_is_made_once_and_given_to_the_scenes_that_take_pictures() {
    let emulator = emulator();
    let project = project(&emulator, FILM);
    project
        .run(["check"])
        .expect(0)
        .tells(&["storyboard.yaml: 5 scenes and 3 character sheets, no problems"]);
    insta::assert_snapshot!(project.run(["plan", "--all"]).expect(0).stdout, @r"
  scene      title                 action     model         clip   credits
+ sheet-ada  Character sheet: ada  create     Nano Banana   still        4
+ sheet-tom  Character sheet: tom  create     Nano Banana   still        4
- sheet-eve  Character sheet: eve  skip
      not generated: no scene takes the picture of `eve`
+ 1                                create     Veo 3.1 Fast  8 s         60
+ 2                                create     Veo 3.1 Fast  8 s         60
+ 3                                create     Veo 3.1 Fast  8 s         60
+ 4                                create     Kling 2.6     5 s         55
+ 5                                create     Veo 3.1 Fast  8 s         60

7 to create; 1 skipped
303 credits, about $1.51 (prices of 2026-10-01 to 2026-10-02)
next: storyreel render
");
    project.run(["render", "--yes"]).expect(0);
    assert!(project.has("public/assets/images/scene-sheet-ada.png"));
    assert!(!project.has("public/assets/images/scene-sheet-eve.png"), "no scene takes it");
    let bill = emulator.bill();
    let creates = bill["creates"].as_array().expect("a list");
    assert_eq!(creates.len(), 7, "two sheets and five clips");
    let prompt = |create: &Value| {
        let body = &create["body"];
        body["prompt"].as_str().or(body["input"]["prompt"].as_str()).expect("words").to_owned()
    };
    let words: Vec<String> = creates.iter().map(prompt).collect();
    let ada = "Ada, 60s, grey braid, a friend of tom. A character sheet: the same figure from the front, in profile and \
               from behind, all of it, on a plain light background. 35mm film.";
    for sheet in [ada, "Full figure, front and side. Tom, a boy"] {
        assert!(words.iter().any(|words| words == sheet), "{words:#?}");
    }
    let clip = |words: &str| {
        let of = creates.iter().find(|create| prompt(create).contains(words)).expect("a clip");
        of["body"].clone()
    };
    assert_eq!(clip("at the window")["generationType"], "REFERENCE_2_VIDEO");
    assert_eq!(clip("in a boat")["imageUrls"].as_array().map(Vec::len), Some(2));
    assert_eq!(clip("grey sea")["generationType"], "TEXT_2_VIDEO");
    assert_eq!(clip("again")["imageUrls"].as_array().map(Vec::len), Some(1));
    assert!(
        plan(&project, &[]).iter().all(|line| line.contains("unchanged") || line.contains("skip"))
    );

    // Another look is another sheet, and other clips of the scenes with that character.
    project.write("storyboard.yaml", FILM.replace("grey braid", "white braid"));
    assert_eq!(
        plan(&project, &[]),
        [
            "sheet-ada update prompt-changed",
            "sheet-tom unchanged",
            "sheet-eve skip image-scene",
            "1 update prompt-changed upstream-changed",
            "2 unchanged",
            "3 update prompt-changed upstream-changed",
            "4 unchanged",
            "5 unchanged",
        ]
    );
    project.write("storyboard.yaml", FILM);

    // A retake of a sheet goes to the scenes that take it and no further.
    project.run(["render", "--yes", "--retake", "sheet-tom"]).expect(0);
    assert_eq!(emulator.bill()["creates"].as_array().map(Vec::len), Some(9), "sheet-tom and 3");
    assert!(
        plan(&project, &[]).iter().all(|line| line.contains("unchanged") || line.contains("skip"))
    );
    // One that nothing takes is made where it is asked for by name.
    assert_eq!(plan(&project, &["--only", "sheet-eve"])[2], "sheet-eve create never-rendered");
    // Without the picture that it is made from, it is made from words, by another model.
    project.write("storyboard.yaml", FILM.replace(", image: refs/tom.png", ""));
    assert_eq!(plan(&project, &[])[1], "sheet-tom update model-changed");
}

#[cfg(feature = "preview")]
#[test]
fn a_sheet_is_no_scene_of_the_film() {
    let emulator = emulator();
    let project = project(&emulator, FILM);
    let done = project.run(["render", "--preview", "--only", "1,2"]).expect(0);
    assert!(!done.stdout.contains("sheet"), "{}", done.stdout);
    project.run(["render", "--preview"]).expect(0);
    assert!(project.has(".storyreel/preview/scene-01.mp4"));
    assert!(!project.has(".storyreel/preview/scene-sheet-ada.mp4"));
}

#[test]
fn what_is_wrong_with_a_sheet_is_told() {
    let project = Project::new();
    project.write(
        "storyboard.yaml",
        "characters:\n  ada: {sheet: on}\n  Tom!: {look: A boy, sheet: on}\n  tom: {look: A man, sheet: on}\n  \
         eve: {look: A woman, sheet: on, image: scene:1}\n  pip: {sheet: {on: 1}}\n  off: {look: A, sheet: off}\n  \
         old: {look: A, sheet: refs/old.png}\n\
         scenes:\n  - {id: 1, visual: A sea, duration: 4}\n  - {id: sheet-eve, visual: A sea, duration: 4}\n",
    );
    let done = project.run(["check"]).expect(1);
    insta::assert_snapshot!(done.stdout, @r"
error[nothing-to-show]: the sheet of `ada` has nothing to show
 --> storyboard.yaml:2:16
  |
2 |   ada: {sheet: on}
  |                ^^ no look, no image
  |
  = help: describe the character with `look`, or write here what the sheet shows

error[duplicate-id]: the sheet of `tom` is scene `sheet-tom`, and another scene is called so
 --> storyboard.yaml:4:29
  |
4 |   tom: {look: A man, sheet: on}
  |                             ^^ makes a scene of this name
  |
 ::: storyboard.yaml:3:30
  |
3 |   Tom!: {look: A boy, sheet: on}
  |                              -- the other scene
  |
  = help: give the other scene, or the character, another name

error[duplicate-id]: the sheet of `eve` is scene `sheet-eve`, and another scene is called so
  --> storyboard.yaml:5:31
   |
 5 |   eve: {look: A woman, sheet: on, image: scene:1}
   |                               ^^ makes a scene of this name
   |
  ::: storyboard.yaml:11:10
   |
11 |   - {id: sheet-eve, visual: A sea, duration: 4}
   |          --------- the other scene
   |
   = help: give the other scene, or the character, another name

error[wrong-value]: the image of `eve` cannot be a frame of a scene
 --> storyboard.yaml:5:42
  |
5 |   eve: {look: A woman, sheet: on, image: scene:1}
  |                                          ^^^^^^^ no picture
  |
  = help: save the frame as a picture and name its path, or have a picture made: `sheet: on`

error[wrong-value]: the sheet of `pip` is `on` or words, not a map
 --> storyboard.yaml:6:16
  |
6 |   pip: {sheet: {on: 1}}
  |                ^^^^^^ neither of them
  |
  = help: write `sheet: on`, or what it shows: `sheet: full figure, front and side, plain grey`

5 errors in storyboard.yaml
");
}

#[test]
fn a_sheet_in_an_included_cast_is_the_same_sheet() {
    let emulator = emulator();
    let project = project(&emulator, "");
    let scenes = "scenes: [{id: 1, visual: tom in a boat}]\n";
    let head = "defaults: {model: veo-3.1-fast, duration: 8}\n";
    let tom = "{look: A boy, sheet: on, image: refs/tom.png}";
    project.write("storyboard.yaml", format!("{head}characters: {{tom: {tom}}}\n{scenes}"));
    project.run(["render", "--yes"]).expect(0);
    project.write("cast/cast.yaml", format!("tom: {tom}\n"));
    project.write("cast/refs/tom.png", picture(200));
    project.write("storyboard.yaml", format!("{head}characters: cast/cast.yaml\n{scenes}"));
    assert_eq!(plan(&project, &[]), ["sheet-tom unchanged", "1 unchanged"]);
    // The storyboard's own word wins.
    project.write(
        "storyboard.yaml",
        format!("{head}include: cast/look.yaml\ncharacters: {{tom: {{sheet: off}}}}\n{scenes}"),
    );
    project.write("cast/look.yaml", "characters: cast.yaml\n");
    assert_eq!(plan(&project, &[]), ["1 update reference-changed"]);
}
