//! Storyboards as other people and tools write them: what is made of each, what is refused, and that nothing is lost.

use crate::support::Project;
use proptest::prelude::*;
use std::path::PathBuf;
use storyreel::import::{self, Fate, Format, Import};
use storyreel::source::{Diagnostic, Source};
use storyreel::storyboard;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/imports")
}

/// The files of a folder of fixtures, in order.
fn names(folder: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(self::folder().join(folder))
        .expect("the folder is there")
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.ends_with(".snap") && !name.ends_with(".new"))
        .collect();
    names.sort();
    names
}

fn fixture(name: &str) -> Source {
    let text = std::fs::read_to_string(folder().join(name)).expect("the fixture is text");
    Source::new(name, text)
}

/// Remarks, a line each.
fn remarks(source: &Source, import: &Import) -> String {
    let mut out = String::new();
    for remark in &import.remarks {
        out.push_str(&format!(
            "{} {:?} {}: {} | {} | {}\n",
            source.position(remark.span.start),
            remark.fate,
            remark.label,
            remark.message,
            remark.value,
            remark.places
        ));
    }
    out
}

/// What is written is read as what was meant, and every problem of it is one that the import told.
#[track_caller]
fn holds(import: &Import) -> String {
    let text = import.text();
    let source = Source::new("SCENES.md", text.clone());
    let reading = storyboard::read(&source);
    let read = reading.storyboard.as_ref().expect("a storyboard");
    assert!(
        import::same(&import.board, read),
        "{text}\nread as {read:#?}\nmeant {:#?}",
        import.board
    );
    let told = |code: &str| match code {
        "nothing-to-show" => import.remarks.iter().any(|remark| remark.fate == Fate::Missing),
        _ => false,
    };
    let errors: Vec<&Diagnostic> = reading
        .diagnostics
        .iter()
        .filter(|problem| problem.is_error() && !told(problem.code))
        .collect();
    assert!(errors.is_empty(), "{text}\n{errors:?}");
    text
}

/// Every fixture as the SCENES.md that is made of it, with what is said.
#[test]
fn fixtures_are_written_as_recorded() {
    let names = names("");
    assert!(names.len() >= 40, "{}", names.len());
    for name in names {
        let source = fixture(&name);
        let import =
            import::read(&source, None).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
        let text = holds(&import);
        insta::with_settings!({
            snapshot_path => "../fixtures/imports",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, format!("{text}\n======\n{}", remarks(&source, &import)));
        });
    }
}

/// What is no storyboard is refused with the reason.
#[test]
fn what_is_no_storyboard_is_refused() {
    let names = names("not");
    assert!(names.len() >= 15, "{}", names.len());
    let mut out = String::new();
    for name in names {
        let source = fixture(&format!("not/{name}"));
        match import::read(&source, None) {
            Ok(import) => panic!("{name} is a storyboard:\n{}", import.text()),
            Err(problems) => {
                let first = &problems[0];
                assert_eq!(first.code, "not-a-storyboard", "{name}");
                let hint = first.hint.as_deref().unwrap_or_default();
                out.push_str(&format!("{name}: {} | {} | {hint}\n", first.message, first.label));
            }
        }
    }
    insta::assert_snapshot!(out);
}

/// A storyboard of storyreel's own in YAML comes through with steps, characters and defaults.
#[test]
fn own_yaml_becomes_the_same_film() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    for path in
        ["examples/storyboards/paper-boat/storyboard.yaml", "tests/fixtures/storyboards/twin.yaml"]
    {
        let source = Source::read(&root.join(path)).expect("the file is there");
        let board = storyboard::read(&source).storyboard.expect("a storyboard");
        let import = import::read(&source, None).expect("an import");
        assert!(import::same(&import.board, &board), "{path}\n{}", import.text());
        holds(&import);
    }
}

#[test]
fn an_import_writes_a_file_that_plans() {
    let project = Project::new();
    project.write("shots.csv", std::fs::read(folder().join("shots.csv")).expect("the fixture"));
    let done = project.run(["import", "shots.csv"]).expect(0);
    assert_eq!(done.stdout, "");
    assert_eq!(
        done.stderr,
        "wrote 3 scenes, 12.5 s from CSV to SCENES.md\nnext: storyreel plan -f SCENES.md\n"
    );
    project.run(["plan"]).expect(0).prints(&["3 to create"]);
    let first = project.read("SCENES.md");

    // Nothing is overwritten by itself.
    let done = project.run(["import", "shots.csv"]).expect(1);
    assert_eq!(
        done.stderr,
        "error: `SCENES.md` is there already\n hint: write to another file with `-o NAME.md`, or overwrite it with `--force`\n"
    );
    project.write("SCENES.md", "mine");
    project.run(["import", "shots.csv"]).expect(1);
    assert_eq!(project.read("SCENES.md"), "mine");
    project.run(["import", "shots.csv", "--force"]).expect(0);
    assert_eq!(project.read("SCENES.md"), first);

    // A second import of what was written has nothing to do.
    project.run(["import", "SCENES.md"]).expect(1).tells(&[
        "`SCENES.md` is a storyboard already: 3 scenes",
        "storyreel reads it as it is: `storyreel plan -f SCENES.md`",
    ]);
}

/// `--force` replaces files and nothing else: a folder, a socket and a device stay what they are.
#[cfg(unix)]
#[test]
fn only_files_are_overwritten() {
    use std::os::unix::fs::FileTypeExt as _;
    let project = Project::new();
    project.write("shots.csv", std::fs::read(folder().join("shots.csv")).expect("the fixture"));
    std::fs::create_dir(project.path("folder")).expect("a folder");
    let _socket = std::os::unix::net::UnixListener::bind(project.path("socket")).expect("a socket");
    for name in ["folder", "socket"] {
        project.run(["import", "shots.csv", "-o", name]).expect(1).tells(&["is there already"]);
        project
            .run(["import", "shots.csv", "-o", name, "--force"])
            .expect(1)
            .tells(&["is there already and is no file", "`-o -` writes to standard output"]);
    }
    assert!(project.path("folder").is_dir());
    let kind = std::fs::metadata(project.path("socket")).expect("a socket").file_type();
    assert!(kind.is_socket());

    // The file that a link leads to is written, and the link stays one.
    project.write("real.md", "old");
    std::os::unix::fs::symlink("real.md", project.path("link.md")).expect("a link");
    project.run(["import", "shots.csv", "-o", "link.md", "--force"]).expect(0);
    assert!(project.path("link.md").is_symlink());
    assert!(project.read("real.md").contains("## Scene 1"));
}

#[test]
fn standard_output_and_json() {
    let project = Project::new();
    project
        .write("a b.json", std::fs::read(folder().join("llm-scenes.json")).expect("the fixture"));
    let done = project.run(["import", "a b.json", "-o", "-"]).expect(0);
    insta::assert_snapshot!(format!("{}======\n{}", done.stdout, done.stderr));
    assert!(!project.has("SCENES.md"));

    let report = project.run(["import", "a b.json", "--json"]).expect(0).json();
    assert_eq!(report["scenes"], 3);
    assert_eq!(report["output"], "SCENES.md");
    assert_eq!(report["format"], "json");
    assert_eq!(report["next"][0]["command"], "storyreel plan -f SCENES.md");
    assert_eq!(report["next"][0]["spends"], false);
    let remark = &report["remarks"][1];
    assert_eq!(
        (&remark["fate"], &remark["label"], &remark["value"], &remark["where"]["line"]),
        (&"in-notes".into(), &"voiceover.voice".into(), &"Rachel".into(), &13.into())
    );

    let error = project.run(["import", "a b.json", "--json"]).expect(1).json();
    assert_eq!((&error["event"], &error["code"]), (&"error".into(), &"exists".into()));
    let error = project.run(["import", "none.json", "--json"]).expect(1).json();
    assert_eq!(error["code"], "unreadable");
}

/// What is given to `check` and `plan` as it is leads to the import.
#[test]
fn a_foreign_file_is_refused_with_the_command_that_reads_it() {
    let project = Project::new();
    for (name, scenes) in [
        ("table-classic.md", 3),
        ("shots.csv", 3),
        ("acts.json", 4),
        ("nested-project.json", 2),
        ("llm-scenes.json", 3),
        ("script.fountain", 3),
        ("sequences.yaml", 3),
    ] {
        project.write(name, std::fs::read(folder().join(name)).expect("the fixture"));
        let hint = format!("`storyreel import {name}` makes a SCENES.md of it: {scenes} scenes");
        project.run(["check", name]).expect(1).prints(&[&hint]);
        project.run(["plan", name]).expect(1).tells(&[&hint]);
    }
    for name in ["invoice.csv", "package.json", "component-catalogue.md", "scenes.yaml"] {
        project.write(name, std::fs::read(folder().join("not").join(name)).expect("the fixture"));
        let done = project.run(["check", name]).expect(1);
        assert!(!done.stdout.contains("storyreel import"), "{}", done.stdout);
        project.run(["import", name]).expect(1).tells(&["this is not a storyboard"]);
    }
}

#[test]
fn a_named_format_says_that_it_is_a_storyboard() {
    let project = Project::new();
    project.write(
        "list.txt",
        "no;description;remark\n1;a lighthouse at dawn over the sea;x\n2;a boat;y\n",
    );
    project.run(["import", "list.txt"]).expect(1).tells(&["if it is one, say so: `--format csv`"]);
    project.run(["import", "list.txt", "--format", "csv"]).expect(0);
    assert!(project.read("SCENES.md").contains("- **Visual**: a lighthouse at dawn over the sea"));
}

/// The plan fills the storyboard beside it; what the storyboard says stays.
#[test]
fn an_asset_plan_fills_the_storyboard_beside_it() {
    let project = Project::new();
    let plan = std::fs::read(folder().join("videoflow/ASSET-PLAN.md")).expect("the fixture");
    project.write(".videoflow/ASSET-PLAN.md", &plan);
    // Alone it is a storyboard of its own.
    let done = project.run(["import", ".videoflow/ASSET-PLAN.md", "-o", "-"]).expect(0);
    insta::assert_snapshot!("asset_plan_alone", format!("{}======\n{}", done.stdout, done.stderr));

    let board = std::fs::read(folder().join("videoflow/SCENES.md")).expect("the fixture");
    project.write(".videoflow/SCENES.md", &board);
    let done = project.run(["import", ".videoflow/ASSET-PLAN.md"]).expect(0);
    assert_eq!(project.read(".videoflow/SCENES.md").as_bytes(), board);
    let text = project.read(".videoflow/SCENES.filled.md");
    insta::assert_snapshot!("asset_plan_merged", format!("{text}======\n{}", done.stderr));
    // The models are named as the plan names them; one that the catalogue does not know is told, with those it does.
    project
        .run(["check", ".videoflow/SCENES.filled.md"])
        .expect(1)
        .prints(&["no model is called `4o Image`"]);
}

/// Paths in an imported file are data: none is opened, and none that leads out is kept as a reference.
#[test]
fn nothing_named_in_a_file_is_opened() {
    let project = Project::new();
    project.write(
        "a.json",
        r#"{"scenes": [{"visual": "A door in a wall", "camera": "static", "duration": 4,
            "reference": ["/etc/passwd", "../../secret.png", "~/x.png", "C:\\x.png", "refs/ada.png"],
            "file": "/etc/shadow", "video": "/dev/zero.mp4", "audio": "//host/share.wav"}],
            "characters": [{"name": "Ada", "image": "/etc/passwd", "look": "braid"}],
            "include": "/etc/passwd"}"#,
    );
    let done = project.run(["import", "a.json", "-o", "-"]).expect(0);
    let source = Source::new("SCENES.md", done.stdout.clone());
    let board = storyboard::read(&source).storyboard.expect("a storyboard");
    let fields = &board.scenes[0].fields;
    let paths: Vec<_> = fields.inputs(storyboard::Field::Reference).to_vec();
    assert_eq!(paths, [storyboard::Input::Path("refs/ada.png".to_owned())], "{}", done.stdout);
    for field in [storyboard::Field::File, storyboard::Field::Video, storyboard::Field::Audio] {
        assert!(!fields.has(field), "{field:?}: {}", done.stdout);
    }
    assert!(board.includes.is_empty() && board.characters[0].images.is_empty(), "{}", done.stdout);
    assert!(done.stdout.contains("/etc/shadow"), "kept as a note: {}", done.stdout);
}

#[test]
fn terminal_escapes_are_not_printed() {
    let project = Project::new();
    project.write(
        "a.csv",
        "shot,visual,camera,\u{1b}[31mLens\u{7}\n1,A \u{1b}[2Jboat \u{202e}on the sea,pan,\u{1b}]0;x\u{7}50mm\n",
    );
    let done = project.run(["import", "a.csv", "-o", "-"]).expect(0);
    for text in [&done.stdout, &done.stderr] {
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
    }
}

#[test]
fn broken_files_are_told_with_their_place() {
    let project = Project::new();
    for (name, text, told) in [
        ("a.csv", "shot,visual,camera\n1,\"open,pan\n", "csv-syntax"),
        ("a.json", "{\"scenes\": [{\"visual\": \"x\"", "yaml-syntax"),
        ("a.yaml", "scenes:\n  - visual: a\n bad\n", "yaml-syntax"),
        ("empty.json", "", "not-a-storyboard"),
        ("empty.fountain", "", "not-a-storyboard"),
    ] {
        project.write(name, text);
        project.run(["import", name]).expect(1).tells(&[told, name]);
    }
    project.write("b.csv", b"shot,visual\n1,\xff\n");
    project.run(["import", "b.csv"]).expect(1).tells(&["not UTF-8 text: line 2"]);
    project.run(["import"]).expect(2);
}

/// What made-up films found once.
#[test]
fn names_and_ids_that_cannot_be_written_twice_or_at_all() {
    for text in [
        r#"{"cast": [false, "False"], "scenes": [{"visual": "a boat on the sea"}]}"#,
        r#"{"scenes": [{"title": "aa aaa aaaa a aaa aa a a a aa aa aa aa aa", "visual": "a boat on the sea"}]}"#,
        r#"{"scenes": [{"id": "slate", "voiceover": "x", "camera": "pan"}, {"visual": "a boat", "extends": "slate"}]}"#,
    ] {
        let source = Source::new("a.json", text);
        holds(&import::read(&source, Some(Format::Json)).expect("an import"));
    }
}

/// Pieces of text that mean something somewhere on the way.
fn piece() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        "a boat",
        "## Scene 9: x",
        "- **Model**: y",
        "---",
        "```",
        "~~~",
        "<!--",
        "-->",
        "**",
        "*",
        "_",
        "`",
        "|",
        "none",
        "Camera: pan",
        "\\",
        "\n",
        "\n\n",
        "\t",
        "  ",
        "\"",
        "“",
        "[x]",
        "(5s)",
        "[ ] ",
        "1. ",
        "> ",
        "#",
        "：",
        ":",
        "TBD",
        "a.png",
        "/etc/passwd",
        "scene:1",
        "https://a.example/x.png",
        "on",
        "\u{1b}[2J",
        "\u{202e}",
        "\u{feff}",
        "\r",
        "镜头",
        "{a: b}",
        "&x",
        "*y",
        "%",
        "@",
        "!",
        "é",
        "👩‍🚀",
        "===",
        "- ",
        "+ ",
        "• ",
        " and ",
        ",",
        ";",
        "null",
        "'",
        "A: b",
        "Extend",
        "### Extend",
        "0",
        "9s",
        "title: x",
        "...",
        "\u{a0}",
        "\u{2028}",
        "\u{85}",
        "\0",
        "<br>",
        "![x](y.png)",
    ]);
    prop_oneof![4 => fixed.prop_map(str::to_owned), 1 => "\\PC{0,8}", 1 => "[a-z ]{1,60}"]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..6).prop_map(|pieces| pieces.concat())
}

/// Keys that other people's scenes have, and some that nobody's do.
fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "visual",
        "prompt",
        "image_prompt",
        "camera",
        "title",
        "id",
        "duration",
        "dialogue",
        "voiceover",
        "text",
        "audio",
        "sfx",
        "music",
        "negative",
        "reference",
        "last_frame",
        "video",
        "extends",
        "style",
        "aspect_ratio",
        "model",
        "seed",
        "params",
        "file",
        "transition",
        "transition_in",
        "takes",
        "use",
        "status",
        "notes",
        "characters",
        "type",
        "lens",
        "Weird ✓ key",
        "shot",
        "setting",
        "resolution",
        "steps",
        "gate",
        "clip_length",
        "goal",
        "start",
        "end",
        "action",
        "durationMs",
        "subject",
        "scene",
    ])
    .prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        6 => text().prop_map(serde_json::Value::from),
        1 => (0_u32..20_000).prop_map(serde_json::Value::from),
        1 => any::<bool>().prop_map(serde_json::Value::from),
    ];
    prop_oneof![
        6 => leaf.clone(),
        1 => prop::collection::vec(leaf.clone(), 0..3).prop_map(serde_json::Value::from),
        1 => prop::collection::vec((prop_oneof![key(), Just("content".to_owned()), Just("path".to_owned())], leaf), 0..3)
            .prop_map(|pairs| pairs.into_iter().collect::<serde_json::Map<_, _>>().into()),
    ]
}

fn film() -> impl Strategy<Value = serde_json::Value> {
    let scene = prop::collection::vec((key(), value()), 0..9);
    let scenes = prop::collection::vec(scene, 1..4);
    let globals = prop::collection::vec(
        (prop_oneof![key(), Just("logline".to_owned()), Just("cast".to_owned())], value()),
        0..4,
    );
    (scenes, globals).prop_map(|(scenes, globals)| {
        let scenes: Vec<serde_json::Value> = scenes
            .into_iter()
            .map(|pairs| {
                let mut map: serde_json::Map<String, serde_json::Value> =
                    pairs.into_iter().collect();
                map.entry("visual").or_insert_with(|| "a boat on the sea".into());
                map.into()
            })
            .collect();
        let mut map: serde_json::Map<String, serde_json::Value> = globals.into_iter().collect();
        map.insert("scenes".to_owned(), scenes.into());
        map.into()
    })
}

/// How many texts are made up: `PROPTEST_CASES=100000` for a campaign.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(120)
}

proptest! {
    // Cases that fail belong above, not into a file of seeds.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    /// Whatever texts an import holds, what it writes is read as the very same scenes and fields.
    #[test]
    fn what_is_written_is_read_as_it_was_meant(film in film()) {
        let source = Source::new("a.json", film.to_string());
        if let Ok(import) = import::read(&source, Some(Format::Json)) {
            holds(&import);
        }
    }

    /// The same from cells.
    #[test]
    fn cells_with_any_words_come_through(rows in prop::collection::vec(prop::collection::vec(text(), 5), 1..5)) {
        let cell = |text: &String| format!("\"{}\"", text.replace('"', "\"\""));
        let mut csv = "shot,visual,camera,lens,dialogue\n".to_owned();
        for row in &rows {
            csv.push_str(&(row.iter().map(cell).collect::<Vec<_>>().join(",") + "\n"));
        }
        if let Ok(import) = import::read(&Source::new("a.csv", csv), Some(Format::Csv)) {
            holds(&import);
        }
    }

    /// The same from a script.
    #[test]
    fn scripts_with_any_words_come_through(lines in prop::collection::vec(prop_oneof![
        text(), Just("INT. ROOM - DAY\n\n".to_owned()), Just("\nADA\n".to_owned()), Just("CUT TO:\n".to_owned()),
    ], 0..14)) {
        let script = format!("INT. SEA - DAY\n\n{}", lines.join("\n"));
        if let Ok(import) = import::read(&Source::new("a.fountain", script), None) {
            holds(&import);
        }
    }

    /// The same from tables.
    #[test]
    fn tables_with_any_words_come_through(rows in prop::collection::vec(prop::collection::vec(text(), 4), 1..5)) {
        let mut table = "| # | Visual | Camera | Notes |\n|---|---|---|---|\n".to_owned();
        for row in &rows {
            table.push_str(&format!("| {} |\n", row.join(" | ").replace('\n', " ")));
        }
        if let Ok(import) = import::read(&Source::new("a.md", table), Some(Format::Markdown)) {
            holds(&import);
        }
    }

    /// No text at all makes a reader panic, in whatever format it is read.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), pieces in prop::collection::vec(piece(), 0..30)) {
        for text in [String::from_utf8_lossy(&bytes).into_owned(), pieces.concat(), pieces.join("\n")] {
            for format in [
                Format::Markdown, Format::Json, Format::Yaml, Format::Csv, Format::AssetPlan, Format::Fountain,
            ] {
                let source = Source::new("a", text.clone());
                if let Ok(import) = import::read(&source, Some(format)) {
                    holds(&import);
                    for remark in &import.remarks {
                        prop_assert!(source.text().get(remark.span.range()).is_some(), "{remark:?}");
                    }
                }
            }
            let _ = import::read(&Source::new("a", text), None);
        }
    }
}
