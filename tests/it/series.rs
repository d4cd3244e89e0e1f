//! What the storyboards of a series share: included files and casts; and what stands in a film without being generated.

use crate::support::{Emulator, KEY, Project};
use serde_json::Value;

fn emulator() -> Emulator {
    Emulator::with(&["--task-time", "0", "--submissions", "10000/1s", "--credits", "100000"])
}

fn project(emulator: &Emulator) -> Project {
    let project = Project::new().using(emulator);
    project.configure("[limits]\nsubmissions = \"10000/1s\"\n");
    project.write("storyreel.toml", "");
    for (name, shade) in [("series/refs/ada.png", 200), ("ep1/refs/ada.png", 200)] {
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

/// Scene ids and actions of what is not unchanged.
fn changed(project: &Project) -> Vec<String> {
    let plan = project.run(["plan", "-f", "ep1/SCENES.md", "--json"]).expect(0).json();
    let scenes = plan["scenes"].as_array().expect("scenes").iter();
    scenes
        .filter(|scene| scene["action"] != "unchanged")
        .map(|scene: &Value| {
            let parts = scene["reasons"].as_array().expect("reasons").iter();
            let parts: Vec<&str> = parts.filter_map(|reason| reason["code"].as_str()).collect();
            format!(
                "{} {} {}",
                scene["scene_id"],
                scene["action"].as_str().unwrap(),
                parts.join(" ")
            )
        })
        .collect()
}

const SCENES: &str = "
## Scene 1: The window
- **Visual**: ada at the window
- **Duration**: 4s

## Scene 2: The sea
- **Visual**: A grey sea
- **Duration**: 4s

## Scene 3: The boat
- **Visual**: tom in a boat
- **Duration**: 4s
";

#[test]
fn a_cast_that_moves_to_a_file_changes_nothing() {
    let emulator = emulator();
    let project = project(&emulator);
    let ada = "{look: \"Ada, 60s, grey braid\", image: refs/ada.png}";
    let tom = "{look: \"Tom, a boy in yellow\"}";
    let write = |head: &str| project.write("ep1/SCENES.md", format!("---\n{head}---\n{SCENES}"));
    write(&format!(
        "model: veo-3.1-fast\nstyle: 35mm film\nsteps: [upscale: 1080p]\ncharacters:\n  ada: {ada}\n  tom: {tom}\n"
    ));
    project.run(["render", "-f", "ep1/SCENES.md", "--yes"]).expect(0);
    assert!(changed(&project).is_empty());
    let paid = emulator.bill()["total"].clone();

    // Everything in a file, with the picture beside it.
    project.write(
        "series/look.yaml",
        format!(
            "style: 35mm film\nsteps: [upscale: 1080p]\ncharacters:\n  tom: {tom}\n  ada: {ada}\n"
        ),
    );
    write("model: veo-3.1-fast\ninclude: ../series/look.yaml\n");
    assert!(changed(&project).is_empty(), "{:?}", changed(&project));
    // The cast in a file of its own, named by a Markdown file that is included, under one that is overruled.
    project.write("series/cast.yaml", format!("ada: {ada}\ntom: {tom}\n"));
    project.write(
        "series/look.md",
        "---\nmodel: kling-2.6\nstyle: 35mm film\nsteps: [upscale: 1080p]\ncharacters: cast.yaml\n---\n",
    );
    project.write(
        "series/old.yaml",
        "style: watercolour\ncharacters: {ada: A girl, TOM: {voice: high}}\n",
    );
    write("model: veo-3.1-fast\ninclude: [../series/old.yaml, ../series/look.md]\n");
    assert!(changed(&project).is_empty(), "{:?}", changed(&project));
    // Half of a character here, half there.
    project.write("series/cast.yaml", "ada: {image: refs/ada.png}\ntom: Somebody else\n");
    write(&format!(
        "model: veo-3.1-fast\ninclude: ../series/look.md\ncharacters: {{ada: {{look: \"Ada, 60s, grey braid\"}}, tom: {tom}}}\n"
    ));
    assert!(changed(&project).is_empty(), "{:?}", changed(&project));
    project.run(["render", "-f", "ep1/SCENES.md", "--yes"]).expect(0);
    assert_eq!(emulator.bill()["total"], paid);

    // An edit of the look is one of the scenes with that character.
    project.write("series/cast.yaml", format!("ada: {ada}\ntom: {tom}\n"));
    write("model: veo-3.1-fast\ninclude: ../series/look.md\n");
    assert!(changed(&project).is_empty(), "{:?}", changed(&project));
    project.write("series/cast.yaml", format!("ada: {ada}\ntom: Tom, a boy in blue\n"));
    assert_eq!(changed(&project), ["3 update prompt-changed"]);
    project.write("series/cast.yaml", format!("ada: {ada}\ntom: {tom}\n"));
    project.write("series/refs/ada.png", picture(10));
    assert_eq!(changed(&project), ["1 update reference-changed"]);
}

#[test]
fn every_problem_of_an_included_file_has_its_place() {
    let project = Project::new();
    project.write("storyreel.toml", "");
    project.write(
        "ep1/SCENES.md",
        "---\ninclude: [../series/look.yaml, ../../../out.yaml, /etc/x.yaml, \"https://a/b.yaml\", notes.txt, gone.yaml, 3: 4]\n\
         duration: 4\n---\n## Scene 1: A\n- **Visual**: ada at the window\n",
    );
    project.write(
        "series/look.yaml",
        "modle: veo\ncharacters: cast.yaml\ninclude: more.md\nscenes: [{visual: A sea}]\n",
    );
    project.write(
        "series/cast.yaml",
        "ada: {look: \"Ada, 60s\", image: refs/gone.png, voice: low}\ntom: {loook: A boy, heigth: 2 m}\n",
    );
    project.write(
        "series/more.md",
        "---\nmodel: veo-9\ninclude: [look.yaml, nested/cast.md]\n---\n# Notes\n",
    );
    project.write("series/nested/cast.md", "characters: {ada: A girl}\n");
    let done = project.run(["check", "-f", "ep1/SCENES.md"]).expect(1);
    insta::assert_snapshot!(done.stdout, @r#"
error[unreadable-include]: `../../out.yaml` lies outside the project
 --> ep1/SCENES.md:2:32
  |
2 | include: [../series/look.yaml, ../../../out.yaml, /etc/x.yaml, "https://a/b.yaml", notes.txt,...
  |                                ^^^^^^^^^^^^^^^^^ included here
  |
  = help: the path is relative to the file that it stands in, and stays inside the project

error[wrong-include]: `/etc/x.yaml` is not a path inside the project
 --> ep1/SCENES.md:2:51
  |
2 | include: [../series/look.yaml, ../../../out.yaml, /etc/x.yaml, "https://a/b.yaml", notes.txt,...
  |                                                   ^^^^^^^^^^^ included here
  |
  = help: write it relative to the file that it stands in, such as `shared/look.yaml`

error[wrong-include]: `https://a/b.yaml` is a link, and nothing is fetched from the network
 --> ep1/SCENES.md:2:65
  |
2 | ...../../out.yaml, /etc/x.yaml, "https://a/b.yaml", notes.txt, gone.yaml, 3: 4]
  |                                  ^^^^^^^^^^^^^^^^ included here
  |
  = help: save the file in the project and write its path

error[wrong-include]: `notes.txt` is no YAML or Markdown file
 --> ep1/SCENES.md:2:84
  |
2 | .../etc/x.yaml, "https://a/b.yaml", notes.txt, gone.yaml, 3: 4]
  |                                     ^^^^^^^^^ included here
  |
  = help: include a file that ends in `.yaml`, or in `.md` with all of it in the front matter

error[unreadable-include]: `ep1/gone.yaml` is missing
 --> ep1/SCENES.md:2:95
  |
2 | ..., "https://a/b.yaml", notes.txt, gone.yaml, 3: 4]
  |                                     ^^^^^^^^^ included here
  |
  = help: the path is relative to the file that it stands in, and stays inside the project

error[wrong-value]: `include` takes paths, not a map
 --> ep1/SCENES.md:2:106
  |
2 | ...tps://a/b.yaml", notes.txt, gone.yaml, 3: 4]
  |                                           ^^^^ no path
  |
  = help: write `include: shared/look.yaml`, or a list of such paths

warning[unknown-field]: no field is called `modle`
 --> series/look.yaml:1:1
  |
1 | modle: veo
  | ^^^^^ not used
  |
  = help: did you mean `model`?

error[wrong-include]: an included file cannot hold scenes
 --> series/look.yaml:4:1
  |
4 | scenes: [{visual: A sea}]
  | ^^^^^^ scenes belong into the storyboard
  |
  = help: move what the files share into a file of its own, and include that

error[unknown-model]: no model is called `veo-9`
 --> series/more.md:2:8
  |
2 | model: veo-9
  |        ^^^^^ scene 1
  |
  = help: did you mean `Veo 3.1`, `Veo 3.1 Market`, `Veo 3.1 Fast`? `storyreel models` lists all

error[circle]: files include each other: series/look.yaml -> series/more.md -> series/look.yaml
 --> series/more.md:3:11
  |
3 | include: [look.yaml, nested/cast.md]
  |           ^^^^^^^^^ included here
  |
  = help: take one of these includes away

warning[included-text]: of an included Markdown file only the front matter is read
 --> series/more.md:5:1
  |
5 | # Notes
  | ^^^^^^^ not used
  |
  = help: scenes belong into the storyboard; `notes` in the front matter are for people

error[wrong-include]: an included Markdown file has front matter and nothing else, and this one has none
 --> series/nested/cast.md:1:1
  |
1 | characters: {ada: A girl}
  | ^^^^^^^^^^^^^^^^^^^^^^^^^ looked for a line `---`
  |
  = help: put `---` lines around the names and values, or end the file's name in `.yaml`

error[missing-reference]: the file `../series/refs/gone.png` is missing
 --> series/cast.yaml:1:32
  |
1 | ada: {look: "Ada, 60s", image: refs/gone.png, voice: low}
  |                                ^^^^^^^^^^^^^ scene 1
  |
  = help: paths are relative to the file that they stand in

warning[unknown-field]: a character has no `loook`
 --> series/cast.yaml:2:7
  |
2 | tom: {loook: A boy, heigth: 2 m}
  |       ^^^^^ not used
  |
  = help: did you mean `look`?

warning[unknown-field]: a character has no `heigth`
 --> series/cast.yaml:2:21
  |
2 | tom: {loook: A boy, heigth: 2 m}
  |                     ^^^^^^ not used
  |
  = help: write it as `notes` if it is for people; `storyreel schema storyboard` lists the fields

11 errors and 4 warnings in ep1/SCENES.md and what it includes
"#);
    let json = project.run(["check", "-f", "ep1/SCENES.md", "--format", "json"]).expect(1).json();
    let model = json["problems"].as_array().expect("problems").iter();
    let model = model.clone().find(|problem| problem["code"] == "unknown-model").expect("one");
    assert_eq!(model["where"]["file"], "series/more.md");
    assert_eq!((&model["where"]["line"], &model["where"]["column"]), (&2.into(), &8.into()));
    project
        .run(["check", "-f", "ep1/SCENES.md", "--format", "github"])
        .expect(1)
        .prints(&["::error file=series/more.md,line=2,col=8,"]);
    let error = project.run(["plan", "-f", "ep1/SCENES.md", "--json"]).expect(1).json();
    assert_eq!(error["where"]["file"], "ep1/SCENES.md", "{error}");
}

#[test]
fn a_cast_with_its_key_around_it_is_told() {
    let project = Project::new();
    project.write("SCENES.md", format!("---\ncharacters: cast.yaml\n---\n{SCENES}"));
    project.write("cast.yaml", "characters:\n  ada: Ada, 60s\n");
    let done = project.run(["check"]).expect(1);
    insta::assert_snapshot!(done.stdout, @r"
error[wrong-include]: a file of characters is their map itself, without `characters:` around it
 --> cast.yaml:1:1
  |
1 | characters:
  | ^^^^^^^^^^ one level too many
  |
  = help: write `include:` in place of `characters:` where the file is named, or take this line away

1 error in SCENES.md and what it includes
");
}

#[test]
fn includes_stay_inside_the_project_and_end() {
    let project = Project::new();
    project.write("storyreel.toml", "");
    let outside = project.root().parent().expect("a folder").join("secret.yaml");
    std::fs::write(&outside, "style: the words outside\n").expect("a file");
    let check = |include: &str| {
        project.write("SCENES.md", format!("---\ninclude: {include}\n---\n{SCENES}"));
        let done = project.run(["check"]);
        assert!(!done.stdout.contains("the words outside"), "{}", done.stdout);
        done.expect(1)
    };
    check("../secret.yaml")
        .prints(&["error[unreadable-include]: `../secret.yaml` lies outside the project"]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&outside, project.path("link.yaml")).expect("a link");
        check("link.yaml").prints(&["`link.yaml` lies outside the project"]);
    }
    project.write("folder.yaml/x", "");
    check("folder.yaml").prints(&["`folder.yaml` is a folder, not a file"]);
    project.write("odd.yaml", [b'a', b':', 0xff]);
    check("odd.yaml").prints(&["`odd.yaml` is not UTF-8 text: line 1, byte 2"]);
    project.write("large.yaml", vec![b'#'; 17 << 20]);
    check("large.yaml").prints(&["`large.yaml` has 17825792 bytes, more than the 16777216"]);
    check("SCENES.md").prints(&["files include each other: SCENES.md -> SCENES.md"]);
    for level in 1..=9 {
        project.write(&format!("l{level}.yaml"), format!("include: l{}.yaml\n", level + 1));
    }
    check("l1.yaml").prints(&[
        "error[include-depth]: files include each other more than 8 levels deep: SCENES.md -> l1.yaml",
        "l8.yaml:1:10",
    ]);
    project.write("l8.yaml", "style: deep\n");
    project.write("SCENES.md", format!("---\ninclude: l1.yaml\n---\n{SCENES}"));
    project.run(["check"]).expect(0);
    let many: Vec<String> = (0..70).map(|file| format!("m{file}.yaml")).collect();
    for name in &many {
        project.write(name, "style: one of many\n");
    }
    check(&format!("[{}]", many.join(", "))).prints(&["includes more than 64 files or 16 MiB"]);
}

#[test]
fn an_included_file_never_holds_the_key() {
    let mut project = Project::with_storyboard(&format!("---\ninclude: look.yaml\n---\n{SCENES}"));
    project.set("KIE_API_KEY", KEY);
    project.write("look.yaml", format!("style: x\nnote: {KEY}\n"));
    let done = project.run(["check"]).expect(1).tells(&["`look.yaml` holds your API key"]);
    assert!(!done.stdout.contains(KEY) && !done.stderr.contains(KEY));
}

#[test]
fn what_exists_is_looked_at_and_never_generated() {
    let project = Project::new();
    project.write("stills/sea.png", picture(9));
    project.write("footage/cut.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom");
    project.write(
        "footage/away.mp4",
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n",
    );
    let film = "\
## Scene 1
- **File**: stills/sea.png
- **Prompt**: A sea that is never made
- **Duration**: 3s
- **Use**: 0-4

## Scene 2
- **Type**: footage

## Scene 3
- **Type**: title
- **Text**: The end

## Scene 4
- **Type**: black

## Scene 5
- **File**: footage/gone.mp4

## Scene 6
- **File**: footage/cut.mp4

## Scene 7
- **File**: ../film.mp4

## Scene 8
- **File**: https://a.example/b.mp4

## Scene 9
- **File**: footage/away.mp4

## Scene 10
- **Visual**: A boat
- **Duration**: 4s
- **Use**: 1.2-9.4, 5-4
";
    project.write("SCENES.md", film);
    let done = project.run(["check"]).expect(1);
    insta::assert_snapshot!(done.stdout, @r"
warning[never-generated]: scene 1 has a `file`, so nothing is generated from its `prompt`
 --> SCENES.md:3:15
  |
3 | - **Prompt**: A sea that is never made
  |               ^^^^^^^^^^^^^^^^^^^^^^^^ not used
  |
  = help: take the `file` away to have it generated, or keep these words under `notes`

warning[use-too-long]: `use` takes 4 s of the clip, and scene 1 is 3 s long in the film
 --> SCENES.md:5:12
  |
5 | - **Use**: 0-4
  |            ^^^ scene 1
  |
  = help: use less of it, or write `duration: 4`

error[footage]: scene 2 is footage and names no `file`
 --> SCENES.md:8:13
  |
8 | - **Type**: footage
  |             ^^^^^^^ scene 2
  |
  = help: add `file: footage/harbour.mp4`, or take the type away to have the scene generated

warning[no-duration]: scene 3 has no duration
  --> SCENES.md:10:10
   |
10 | ## Scene 3
   |          ^ nobody can tell how long the title is shown
   |
   = help: write its length in the film, for example `Duration: 3s`

warning[no-duration]: scene 4 has no duration
  --> SCENES.md:14:10
   |
14 | ## Scene 4
   |          ^ nobody can tell how long the black is shown
   |
   = help: write its length in the film, for example `Duration: 3s`

error[footage]: the file `footage/gone.mp4` is missing
  --> SCENES.md:18:13
   |
18 | - **File**: footage/gone.mp4
   |             ^^^^^^^^^^^^^^^^ scene 5
   |
   = help: name an MP4 or MOV clip or a PNG, JPEG or WebP picture inside the project; paths are relative to the file that they stand in

error[footage]: the file `footage/cut.mp4` has no `moov` box: it was cut, or its writer never finished it
  --> SCENES.md:21:13
   |
21 | - **File**: footage/cut.mp4
   |             ^^^^^^^^^^^^^^^ scene 6
   |
   = help: name an MP4 or MOV clip or a PNG, JPEG or WebP picture inside the project; paths are relative to the file that they stand in

error[footage]: the file `../film.mp4` is missing
  --> SCENES.md:24:13
   |
24 | - **File**: ../film.mp4
   |             ^^^^^^^^^^^ scene 7
   |
   = help: name an MP4 or MOV clip or a PNG, JPEG or WebP picture inside the project; paths are relative to the file that they stand in

error[nothing-to-show]: there is nothing to make a prompt from
  --> SCENES.md:26:10
   |
26 | ## Scene 8
   |          ^ scene 8
   |
   = help: write what is seen, or what happens next

error[wrong-value]: `file` takes a path inside the project, not `https://a.example/b.mp4`
  --> SCENES.md:27:13
   |
27 | - **File**: https://a.example/b.mp4
   |             ^^^^^^^^^^^^^^^^^^^^^^^ not a file that is here
   |
   = help: save it in the project and write its path, such as `footage/harbour.mp4`

warning[footage]: the file `footage/away.mp4` is a Git LFS pointer, not the file itself
  --> SCENES.md:30:13
   |
30 | - **File**: footage/away.mp4
   |             ^^^^^^^^^^^^^^^^ scene 9
   |
   = help: `git lfs pull` brings the file here

error[wrong-range]: `use`: `5-4` ends before it starts
  --> SCENES.md:35:21
   |
35 | - **Use**: 1.2-9.4, 5-4
   |                     ^^^ expected a start and an end
   |
   = help: write seconds of the clip, such as `1.2-5.4` or `0:01-0:05`, or parts of takes: `take 2 0-2.1, take 3 1-3.4`

7 errors and 5 warnings in SCENES.md
");
    let film = film
        .replace("- **Type**: footage\n", "- **File**: footage/away.mp4\n- **Type**: footage\n")
        .replace("gone.mp4", "away.mp4")
        .replace("cut.mp4", "away.mp4")
        .replace("../film.mp4", "stills/sea.png")
        .replace("https://a.example/b.mp4", "stills/sea.png")
        .replace(", 5-4", ", take 2 2-12");
    project.write("SCENES.md", film);
    project.run(["check"]).expect(0).prints(&[
        "warning[use-past-end]: `use` ends at 9.4 s, and the clip at 4 s",
        "warning[use-too-long]: `use` takes 18.2 s of the clip, and scene 10 is 4 s long in the film",
    ]);
    let plan = project.run(["plan", "--all"]).expect(0).stdout;
    insta::assert_snapshot!(plan, @r"
  scene  title     action     model         clip  credits
- 1                skip                     3 s
      not generated: a still that exists: `stills/sea.png`
- 2                skip
      not generated: footage that exists: `footage/away.mp4`
- 3                skip
      not generated: a title card, which is drawn in the cut
- 4                skip
      not generated: black, which needs no clip
- 5                skip
      not generated: footage that exists: `footage/away.mp4`
- 6                skip
      not generated: footage that exists: `footage/away.mp4`
- 7                skip
      not generated: a still that exists: `stills/sea.png`
- 8                skip
      not generated: a still that exists: `stills/sea.png`
- 9                skip
      not generated: footage that exists: `footage/away.mp4`
+ 10               create     Veo 3.1 Fast  4 s        60

1 to create; 9 skipped
60 credits, about $0.30 (prices of 2026-10-01)
next: storyreel render
");
}

#[test]
fn the_example_of_a_series_is_as_its_comments_say() {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/storyboards/night-ferry");
    let project = Project::new();
    for name in ["look.yaml", "cast.yaml", "episode-1.md"] {
        project.write(name, std::fs::read(folder.join(name)).expect("an example"));
    }
    project
        .run(["check", "-f", "episode-1.md"])
        .expect(0)
        .prints(&["warning[extends-by-frame]", "1 warning in episode-1.md"]);
    let plan = project.run(["plan", "-f", "episode-1.md", "--json"]).expect(0).json();
    let scenes = plan["scenes"].as_array().expect("scenes").iter();
    let told: Vec<String> =
        scenes.map(|scene| format!("{} {}", scene["scene_id"], scene["action"])).collect();
    assert_eq!(
        told,
        ["\"sheet-mara\" \"create\"", "1 \"create\"", "2 \"create\"", "3 \"create\"", "4 \"skip\""]
    );
}
