//! The craft: lints, camera moves, and where the words of a prompt come from.

use crate::support::Project;
use serde_json::Value;
use std::collections::BTreeSet;
use storyreel::craft::{GROUPS, LINTS};

/// The codes that `check` finds, each once.
fn codes(project: &Project, arguments: &[&str]) -> BTreeSet<String> {
    let done = project.run([&["check", "--format", "json"], arguments].concat());
    assert!(done.code == 0 || done.code == 1, "{done:?}");
    let problems = done.json()["problems"].as_array().cloned().unwrap_or_default();
    problems.iter().filter_map(|one| one["code"].as_str().map(str::to_owned)).collect()
}

fn board(text: &str) -> Project {
    let project = Project::new();
    project.write("storyboard.yaml", text);
    project
}

#[test]
fn every_lint_finds_its_bad_line_and_not_the_better_one() {
    for lint in LINTS {
        // A long line is told in short.
        let long = "a gull on the wind, ".repeat(300);
        let with = |line: &str| lint.around.replace("LINE", &line.replace('…', &long));
        let found = |line: &str| codes(&board(&with(line)), &["--lints", lint.code]);
        let (bad, better) = (found(lint.bad), found(lint.better));
        assert!(bad.contains(lint.code), "{}: `{}` gives {bad:?}", lint.code, lint.bad);
        assert!(!better.contains(lint.code), "{}: `{}`", lint.code, lint.better);
        assert!(!codes(&board(&with(lint.bad)), &[]).contains(lint.code) || lint.group.is_on());
    }
}

#[test]
fn the_table_is_told_well() {
    let mut seen = BTreeSet::new();
    for lint in LINTS {
        assert!(seen.insert(lint.code), "{}", lint.code);
        for text in [lint.rule, lint.why, lint.looks_at] {
            assert!(!text.ends_with('.') && text.len() > 4, "{}: {text}", lint.code);
        }
        assert!(lint.bad != lint.better && lint.around.contains("LINE"), "{}", lint.code);
    }
    for group in GROUPS {
        assert!(LINTS.iter().any(|lint| lint.group == *group), "{}", group.name());
        assert!(!seen.contains(group.name()), "{} is a code and a group", group.name());
    }
}

/// A film as people make them: twenty-two scenes, several models, pictures, chains, dialogue.
const FILM: &str = include_str!("craft/film.yaml");

#[test]
fn good_storyboards_are_quiet() {
    let project = board(FILM);
    for name in ["refs/harbour.png", "refs/mara.png"] {
        project.write(name, b"\x89PNG\r\n\x1a\n");
    }
    assert_eq!(codes(&project, &[]), BTreeSet::new());
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/storyboards");
    for (folder, files) in [
        ("skerry-light", &["SCENES.md"][..]),
        ("paper-boat", &["storyboard.yaml"]),
        ("videoflow", &["SCENES.md"]),
        ("night-ferry", &["episode-1.md", "cast.yaml", "look.yaml"]),
    ] {
        let project = Project::new();
        for file in files {
            let text = std::fs::read_to_string(format!("{examples}/{folder}/{file}")).unwrap();
            project.write(file, text);
        }
        let found = codes(&project, &["-f", files[0]]);
        let craft: Vec<&String> =
            found.iter().filter(|code| LINTS.iter().any(|lint| lint.code == *code)).collect();
        assert!(craft.is_empty(), "{folder}: {craft:?}");
    }
}

const MOVES: &str =
    "scenes:\n- id: 1\n  duration: 6\n  visual: A pier\n  camera: pan left, then crane up\n";

#[test]
fn levels_come_from_configuration_and_the_command_line() {
    let project = board(MOVES);
    let has =
        |project: &Project, arguments: &[&str]| codes(project, arguments).contains("one-move");
    assert!(!has(&project, &[]));
    for wanted in ["one-move", "camera", "all", "craft", "light,camera"] {
        assert!(has(&project, &["--lints", wanted]), "{wanted}");
    }
    assert!(!has(&project, &["--lints", "light"]));
    let done = project.run(["check", "--lints", "camra"]);
    done.expect(2).tells(&["camra", "camera"]);
    project.write("storyreel.toml", "[lints]\ncamera = \"error\"\n");
    project
        .run(["check"])
        .expect(1)
        .prints(&["error[one-move]: 2 camera moves in one clip: pan, crane"]);
    project.run(["plan"]).expect(1);
    project.write("storyreel.toml", "[lints]\ncamera = \"error\"\none-move = \"off\"\n");
    assert!(!has(&project, &["--lints", "all"]), "what the project turns off stays off");
    project.write("storyreel.toml", "[lints]\ncraft = \"warn\"\n");
    assert!(has(&project, &[]));
    project.run(["check"]).expect(0);
    project.run(["check", "--strict"]).expect(1);
    project.write("storyreel.toml", "[lints]\none-moev = \"off\"\n");
    let done = project.run(["check"]).expect(0);
    let done = done.prints(&["no lint is called `one-moev`", "did you mean `one-move`?"]);
    drop(done);
}

#[test]
fn what_is_meant_is_allowed_in_the_file() {
    for allow in ["allow: [one-move]", "allow: one-move", "allow: camera", "allow: light, ONE-MOVE"]
    {
        let of_scene = board(&format!("{MOVES}  {allow}\n"));
        assert!(!codes(&of_scene, &["--lints", "camera"]).contains("one-move"), "{allow}");
        let of_film = board(&format!("{allow}\n{MOVES}"));
        assert!(!codes(&of_film, &["--lints", "camera"]).contains("one-move"), "{allow}");
    }
    // A scene's own list is added to the film's.
    let both = board(&format!("allow: one-move\n{MOVES}  allow: no-light\n"));
    assert!(codes(&both, &["--lints", "camera,light"]).is_empty());
    let markdown = Project::with_storyboard(
        "## Scene 1\n- **Duration**: 6s\n- **Visual**: A pier\n- **Camera**: pan left, then crane up\n- **Allow**: one-move\n",
    );
    assert!(codes(&markdown, &["--lints", "camera"]).is_empty());
    // Other warnings about a scene, too.
    let lengthless = "scenes:\n- id: 1\n  visual: A pier\n";
    assert!(codes(&board(lengthless), &[]).contains("no-duration"));
    assert!(codes(&board(&format!("{lengthless}  allow: no-duration\n")), &[]).is_empty());
    let slip = board(&format!("{MOVES}  allow: one-moves\n"));
    slip.run(["check"])
        .expect(0)
        .prints(&["no lint is called `one-moves`", "did you mean `one-move`?"]);
}

#[test]
fn a_finding_stands_under_the_words_it_is_about() {
    let done = board(MOVES).run(["check", "--lints", "one-move"]).expect(0);
    insta::assert_snapshot!(done.stdout);
    let github = board(MOVES).run(["check", "--lints", "one-move", "--format", "github"]);
    assert!(
        github.stdout.starts_with("::warning file=storyboard.yaml,line=5,col=11,"),
        "{github:?}"
    );
}

#[test]
fn lints_explain_themselves() {
    let project = Project::new();
    let all = project.run(["lints"]).expect(0);
    for lint in LINTS {
        assert!(all.stdout.contains(lint.code), "{}", lint.code);
    }
    insta::assert_snapshot!(project.run(["lints", "camera"]).stdout);
    insta::assert_snapshot!(project.run(["lints", "one-move"]).stdout);
    let json = project.run(["lints", "--json"]).json();
    assert_eq!(json["lints"].as_array().map(Vec::len), Some(LINTS.len()));
    assert!(json["lints"].as_array().unwrap().iter().all(|lint| lint["why"].is_string()));
    project.run(["lints", "one-moev"]).expect(1).tells(&["did you mean `one-move`?"]);
    project.run(["lints", "zzzzz"]).expect(1).tells(&["`storyreel lints` lists"]);
}

#[test]
fn camera_moves_are_told() {
    let project = Project::new();
    let all = project.run(["camera"]).expect(0);
    insta::assert_snapshot!(all.stdout);
    insta::assert_snapshot!(project.run(["camera", "orbit"]).stdout);
    for name in ["Push In", "arc", "环绕", "Handkamera", "pull back"] {
        project.run(["camera", name]).expect(0);
    }
    project.run(["camera", "orbitt"]).expect(1).tells(&["did you mean `orbit`?"]);
    let json = project.run(["camera", "--json"]).json();
    let moves = json["moves"].as_array().unwrap();
    assert_eq!(moves.len(), 10);
    assert_eq!(project.run(["camera", "orbit", "--json"]).json()["moves"][0]["name"], "orbit");
    let unknown = project.run(["camera", "sideways", "--json"]);
    let error: Value = unknown.json();
    assert_eq!(error["code"], "unknown-move", "{error}");
}

const EXPLAINED: &str = "\
---
style: 35mm film, soft grain
---
## Scene 1
- **Duration**: 6s
- **Shot**: medium
- **Camera**: slow dolly in
- **Characters**: ada
- **Action**: She lifts the lamp
- **Lighting**: One flame
- **SFX**: glass on iron

## Scene 2
- **Duration**: 5s
- **Model**: Runway
- **Camera**: static
- **Action**: 0-2s: A girl stands still. 2-5s: She turns to the camera.
- **Music**: A cello

## Scene 3
- **Duration**: 6s
- **Prompt**: A lighthouse at dusk
";

#[test]
fn explain_tells_whose_words_a_prompt_has() {
    let project = Project::with_storyboard(EXPLAINED);
    let told = |scene: &str| {
        let told = project.run(["explain", scene]).expect(0).stdout;
        let from = told.find("  prompt as it is sent").expect("a prompt");
        told[from..].to_owned()
    };
    insta::assert_snapshot!(told("1"));
    insta::assert_snapshot!(told("2"));
    insta::assert_snapshot!(told("3"));
    project.write("prompts/veo.jinja", "{{ action|upper }} ({{ camera }})");
    insta::assert_snapshot!(told("1"));
}

#[test]
fn mistakes_in_a_template_are_shown_in_their_line() {
    let project = Project::with_storyboard(EXPLAINED);
    project.write("prompts/veo.jinja", "{{ camera|sentence }}\n  {{ actoin|sentence }}\n");
    insta::assert_snapshot!(project.run(["check"]).expect(1).stdout);
    let github = project.run(["check", "--format", "github"]).expect(1);
    assert!(github.stdout.contains("file=prompts/veo.jinja,line=2,col=3,"), "{github:?}");
    project.write("prompts/veo.jinja", "{{ camera|sentence }}\n{% if %}\n");
    insta::assert_snapshot!(project.run(["plan"]).expect(1).stderr);
    project.write("prompts/veo.jinja", "{{ camera }}\n{{ camera * 3 }}\n\u{1b}[2J");
    let done = project.run(["render", "--preview"]).expect(1);
    assert!(!done.stderr.contains('\u{1b}'), "{done:?}");
    done.tells(&["prompts/veo.jinja:2:1", "does not compute"]);
}

#[test]
fn lints_are_quiet_about_nothing_and_never_panic() {
    use proptest::prelude::*;
    use storyreel::craft::{Shot, Wanted, find};
    use storyreel::prompt::Line;
    use storyreel::storyboard::Field;
    let all = Wanted::by(|_| true);
    let empty = [Shot::default(), Shot::default()];
    assert!(find(&empty, &all, |_, _| false).is_empty());
    let texts = proptest::collection::vec(".{0,60}|[a-zA-Z ,.;:0-9'-]{0,80}", 16);
    proptest!(|(texts in texts, seconds in 0.0..60.0, flags in 0_u8..32)| {
        const FIELDS: [Field; 13] = [
            Field::Visual, Field::Action, Field::Subject, Field::Camera, Field::Setting, Field::Style,
            Field::Negative, Field::Sfx, Field::Ambient, Field::Music, Field::Shot, Field::AspectRatio,
            Field::ImagePrompt,
        ];
        let fields = FIELDS.iter().copied().zip(texts.iter().map(String::as_str)).collect();
        let dialogue = [Line { speaker: None, words: texts[14].clone(), manner: String::new() }];
        let flag = |at: u8| flags & (1 << at) != 0;
        let shot = Shot {
            fields,
            own: FIELDS.into(),
            prompt: &texts[13],
            is_own_prompt: flag(0),
            style: if flag(1) { "kling" } else { "veo" },
            seconds: Some(seconds),
            sound: flag(2),
            from_image: flag(3),
            extended: flag(4),
            dialogue: &dialogue,
            ..Shot::default()
        };
        find(&[shot.clone(), Shot::default(), shot], &all, |_, _| false);
    });
}
