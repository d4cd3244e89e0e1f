//! Names and links that would lead out of the assets: nothing is ever written or moved there.

use crate::support::{Done, Emulator, Project, TWO_SCENES};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const MANIFEST: &str = "public/assets/manifest.json";

/// Everything around a project: names with contents or where links lead, without what belongs to the program.
fn world(project: &Project) -> BTreeMap<PathBuf, Vec<u8>> {
    fn look(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
            let path = entry.path();
            let kind = entry.file_type().expect("a kind");
            if kind.is_symlink() {
                let leads = std::fs::read_link(&path).expect("a link");
                found.insert(path, leads.to_string_lossy().into_owned().into_bytes());
            } else if kind.is_dir() {
                look(&path, found);
            } else {
                found.insert(path.clone(), std::fs::read(&path).unwrap_or_default());
            }
        }
    }
    let mut found = BTreeMap::new();
    look(project.root().parent().expect("a folder"), &mut found);
    let own = [project.path("public/assets"), project.path(".storyreel")];
    let state = project.root().parent().expect("a folder").join("home/state");
    found.retain(|path, _| {
        !own.iter().any(|own| path.starts_with(own)) && !path.starts_with(&state)
    });
    found
}

/// What lies beside the project and is nobody's business.
fn beside(project: &Project) -> PathBuf {
    let folder = project.root().parent().expect("a folder").join("beside");
    std::fs::create_dir_all(folder.join("clips")).expect("a folder");
    std::fs::write(folder.join("scene-01.mp4"), "mine").expect("a file");
    std::fs::write(folder.join("clips/scene-01.mp4"), "mine, too").expect("a file");
    std::fs::write(folder.join("manifest.json"), "{\"version\": \"1.0\", \"assets\": []}")
        .expect("a file");
    folder
}

fn creates(emulator: &Emulator) -> usize {
    emulator.bill()["creates"].as_array().map_or(0, Vec::len)
}

/// Runs a command and fails where anything outside of the assets was changed by it.
#[track_caller]
fn run(project: &Project, arguments: &[&str]) -> Done {
    let before = world(project);
    let done = project.run(arguments);
    let after = world(project);
    for (path, content) in &before {
        assert_eq!(after.get(path), Some(content), "{} was changed: {done:?}", path.display());
    }
    let new: Vec<&PathBuf> = after.keys().filter(|path| !before.contains_key(*path)).collect();
    assert!(new.is_empty(), "{new:?}: {done:?}");
    done
}

#[test]
fn ids_that_are_paths_make_plain_names_or_errors() {
    let emulator = Emulator::start();
    let long = "x".repeat(300);
    let wide = "漢".repeat(100);
    for id in [
        "../../x",
        "..",
        ".",
        "/etc/passwd",
        "\\\\host\\share",
        "C:\\x",
        "a/b",
        "~root",
        "CON",
        "nul",
        "com1",
        "a:b",
        "-rf",
        "$HOME",
        "`x`",
        "a\tb",
        "café",
        "cafe\u{301}",
        "\u{202e}gnp",
        ".hidden",
        "x.",
        "x ",
        &long,
        &wide,
    ] {
        let project = Project::new().using(&emulator);
        let text = json!({"scenes": [{"id": id, "prompt": "A lighthouse", "duration": 4, "model": "veo-3.1-fast"}]});
        project.write("storyboard.yaml", text.to_string());
        let sent = creates(&emulator);
        let done = run(&project, &["render", "--yes"]);
        match done.code {
            0 => {
                let clips: Vec<String> = std::fs::read_dir(project.path("public/assets/clips"))
                    .expect("clips")
                    .map(|entry| {
                        entry.expect("an entry").file_name().to_string_lossy().into_owned()
                    })
                    .collect();
                let [clip] = &clips[..] else { panic!("{clips:?}") };
                assert!(clip.starts_with("scene-") && clip.ends_with(".mp4"), "{clip}");
                assert!(clip.len() <= 200, "{clip}");
                // A second take needs a name as well.
                run(&project, &["render", "--yes", "--retake", id]);
                run(&project, &["render", "--yes"]).expect(0);
            }
            _ => {
                assert_eq!((done.code, creates(&emulator)), (1, sent), "{id}: {done:?}");
            }
        }
    }
    for id in ["a\0b", "a\nb"] {
        let project = Project::new().using(&emulator);
        let text = json!({"scenes": [{"id": id, "prompt": "A lighthouse", "duration": 4}]});
        project.write("storyboard.yaml", text.to_string());
        let sent = creates(&emulator);
        let done = run(&project, &["render", "--yes"]);
        assert!(done.code == 0 || (done.code == 1 && creates(&emulator) == sent), "{done:?}");
    }
}

#[test]
fn two_scenes_never_share_a_file() {
    let emulator = Emulator::start();
    for (one, other) in [
        ("Hook", "hook"),
        ("ÉTÉ", "été"),
        ("caf\u{e9}", "cafe\u{301}"),
        ("\u{c5}", "\u{212b}"),
        ("\u{d55c}", "\u{1112}\u{1161}\u{11ab}"),
        ("a/b", "a-b"),
        ("a b", "a-b"),
        ("..", "x"),
        (&format!("{}1", "x".repeat(90)), &format!("{}2", "x".repeat(90))),
        (&format!("{}一", "漢".repeat(60)), &format!("{}二", "漢".repeat(60))),
    ] {
        let project = Project::new().using(&emulator);
        let scene = |id: &str| json!({"id": id, "prompt": "A lighthouse", "duration": 4});
        project.write("storyboard.yaml", json!({"scenes": [scene(one), scene(other)]}).to_string());
        let done = run(&project, &["render", "--yes"]);
        assert_eq!(done.code, 1, "{one} {other}: {done:?}");
    }
    assert_eq!(creates(&emulator), 0);
}

#[test]
fn two_storyboards_never_share_a_file() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.write("storyreel.toml", "");
    run(&project, &["render", "--yes"]).expect(0);
    let main = std::fs::read(project.path("public/assets/clips/scene-01.mp4")).expect("a clip");
    let other = TWO_SCENES.replace("dawn", "night").replace("lamplight", "torchlight");
    for name in ["takes.md", "nul.md", "films/a.md", "films-b.md", "..md"] {
        project.write(name, other.replace("A lone", &format!("For {name}: a lone")));
        run(&project, &["render", "--yes", name]).expect(0);
        run(&project, &["render", "--yes", "--retake", "1", name]).expect(0);
        assert_eq!(
            std::fs::read(project.path("public/assets/clips/scene-01.mp4")).expect("a clip"),
            main
        );
    }
    // These would have the folders of others.
    let sent = creates(&emulator);
    for name in ["films-a.md", "FILMS-B.md", "films/A.md"] {
        project.write(name, &other);
        run(&project, &["render", "--yes", name]).expect(1).tells(&["would write the same file"]);
    }
    assert_eq!(creates(&emulator), sent);
    let files = |folder: &str| {
        std::fs::read_dir(project.path("public/assets/clips").join(folder)).expect("clips").count()
    };
    assert_eq!((files("film-takes"), files("films-a")), (3, 3), "two clips, and a folder of takes");
}

#[cfg(unix)]
#[test]
fn links_in_the_tree_lead_nowhere_outside() {
    use std::os::unix::fs::symlink;
    let emulator = Emulator::start();
    // What is a link, where it leads to beside the project, and whether a run can go on all the same.
    let rows: [(&str, &str, bool); 13] = [
        ("public", "", false),
        ("public/assets", "", false),
        ("public/assets/clips", "clips", false),
        ("public/assets/clips/takes", "clips", false),
        (MANIFEST, "manifest.json", false),
        (MANIFEST, "nothing.json", false),
        ("public/assets/clips/scene-01.mp4", "scene-01.mp4", false),
        ("public/assets/clips/scene-01.mp4", "nothing.mp4", true),
        (".storyreel", "", false),
        (".storyreel/ledger.db", "ledger.db", false),
        (".storyreel/lock", "lock", false),
        (".storyreel/cache", "cache", false),
        (".storyreel/cache/sha256", "", false),
    ];
    for (link, leads, goes_on) in rows {
        let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
        let beside = beside(&project);
        let path = project.path(link);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        symlink(beside.join(leads), &path).expect("a link");
        let sent = creates(&emulator);
        let before = world_beside(&beside);
        let done = project.run(["render", "--yes"]);
        assert_eq!(world_beside(&beside), before, "{link} {leads}: {done:?}");
        if goes_on {
            assert_eq!(done.code, 0, "{link} {leads}: {done:?}");
        } else {
            assert!(matches!(done.code, 1 | 3), "{link} {leads}: {done:?}");
            assert_eq!(creates(&emulator), sent, "{link} {leads}: paid for what cannot be kept");
        }
        let done = project.run(["render", "--yes", "--retake", "1"]);
        assert_eq!(world_beside(&beside), before, "{link} {leads}: {done:?}");
    }
}

#[cfg(unix)]
fn world_beside(folder: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in
            std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"))
        {
            let path = entry.path();
            if path.is_dir() {
                open.push(path.clone());
            }
            found.push((path.clone(), std::fs::read(path).ok()));
        }
    }
    found.sort();
    found
}

#[cfg(unix)]
#[test]
fn a_link_to_another_place_of_the_project_keeps_what_lies_there() {
    use std::os::unix::fs::symlink;
    let emulator = Emulator::start();
    let project = Project::with_storyboard(TWO_SCENES).using(&emulator);
    project.write("media/assets/clips/scene-01.mp4", "made by hand");
    symlink("media", project.path("public")).expect("a link");
    let done = project.run(["render", "--yes"]).expect(0);
    let clips = project.path("media/assets/clips");
    let mut files = Vec::new();
    let mut open = vec![clips];
    while let Some(folder) = open.pop() {
        for entry in
            std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"))
        {
            if entry.path().is_dir() {
                open.push(entry.path());
            } else {
                files.push(std::fs::read(entry.path()).expect("a file"));
            }
        }
    }
    assert!(files.contains(&b"made by hand".to_vec()), "{done:?}");
    // Links to files of the project are not written through either.
    project.write("script.txt", "keep me");
    std::fs::remove_file(project.path("media/assets/clips/scene-02.mp4")).expect("a clip");
    symlink("../../../script.txt", project.path("media/assets/clips/scene-02.mp4"))
        .expect("a link");
    project.run(["render", "--yes"]);
    project.run(["render", "--yes", "--retake", "2"]);
    assert_eq!(project.read("script.txt"), "keep me");
}

#[test]
fn entries_of_other_tools_move_nothing() {
    let emulator = Emulator::start();
    let filenames = [
        "../../SCENES.md",
        "../victim.mp4",
        "/etc/hostname",
        "assets/../../victim.mp4",
        "assets/clips/../../../victim.mp4",
        "C:\\victim.mp4",
        "..\\victim.mp4",
        "",
        "assets/clips/",
        "assets//clips/x.mp4",
        "assets/clips/a\0b.mp4",
        "assets/manifest.json",
        "assets",
    ];
    let scenes: String = (1..=filenames.len())
        .map(|number| format!("\n## Scene {number}\n- **Prompt**: Lighthouse number {number}\n"))
        .collect();
    let storyboard = format!("---\nmodel: veo-3.1-fast\nduration: 4s\n---\n{scenes}");
    for owner in [Value::Null, json!("other.md"), json!("../../other.md")] {
        let project = Project::with_storyboard(&storyboard).using(&emulator);
        project.write("victim.mp4", "mine");
        let entries: Vec<Value> = (1..)
            .zip(filenames)
            .map(|(scene, filename)| {
                json!({"id": format!("vid-{scene:03}"), "type": "video", "filename": filename, "scene_id": scene,
                    "version": 1, "sha256": format!("sha256:{scene:064}"), "storyboard": owner})
            })
            .collect();
        project.write(MANIFEST, json!({"version": "1.0", "assets": entries}).to_string());
        let done = run(&project, &["render", "--yes"]);
        assert!(matches!(done.code, 0 | 1), "{done:?}");
        run(&project, &["render", "--yes", "--retake", "1-13"]);
        run(&project, &["render", "--yes", "--rerender-absent", "1-13"]);
        project.write("SCENES.md", storyboard.replace("Scene 1\n", "Scene 77\n"));
        run(&project, &["render", "--yes"]);
        project.write("SCENES.md", &storyboard);
        let assets = project.manifest()["assets"].as_array().map_or(0, Vec::len);
        assert!(assets >= filenames.len(), "{assets}");
        // The last two are good names of no clips.
        for (scene, filename) in (1..).zip(filenames).take(11) {
            let entry = &project.manifest()["assets"][scene - 1];
            assert_eq!(
                entry["filename"], filename,
                "nobody knows what it names, so it stays: {entry}"
            );
        }
    }
}
