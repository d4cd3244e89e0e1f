//! `check --fix`: what is mended, what is left to the author, and that no other byte changes.

use crate::support::Project;
use std::path::Path;

/// Runs `check --fix` on a storyboard, and gives the file as it is afterwards.
fn fixed(text: &str, code: i32) -> String {
    let project = Project::with_storyboard(text);
    project.run(["check", "--fix"]).expect(code);
    project.read("SCENES.md")
}

#[test]
fn a_misspelt_label_is_mended_in_the_manner_it_was_written() {
    let text = "\u{feff}# Film \t\r\n\r\n## Scene 1\r\n- **Visaul**:  Dawn  \r\n* apsect_ratio : 16:9\r\n- **Apsect Ratio**: 16:9\r\n- **Duration**: 5s\r\n\r\n<!-- Visaul: no -->\r\n## Scene 2\r\n**Visaul:** Noon\r\n**Duration:** 5s";
    let expected = text
        .replacen("**Visaul**", "**Visual**", 1)
        .replacen("**Visaul:**", "**Visual:**", 1)
        .replacen("apsect_ratio", "aspect_ratio", 1)
        .replacen("Apsect Ratio", "Aspect ratio", 1);
    // The ratio is written twice, which is for the author to mend.
    assert_eq!(fixed(text, 1), expected);
}

#[test]
fn every_place_of_a_misspelt_label_is_mended() {
    let scene = |number: usize, label: &str| {
        format!(
            "## Scene {number}\n- **Visual**: Dawn {number}\n- **Camra**: pan\n- **Duration**: 5s\n"
        )
        .replace("Camra", label)
    };
    let all = |label: &str| (1..=12).map(|number| scene(number, label)).collect::<String>();
    assert_eq!(fixed(&all("Camra"), 0), all("Camera"));
}

#[test]
fn placeholders_and_types_are_mended() {
    let text = "## Scene 1\n- **Type**: image | video_clip\n- **Visual**: Dawn\n- **Duration**: 5s\n- **Text Overlay**: [Text to show, if any]\n\n## Scene 2\n- **Type**: vidoe_clip\n- **Visual**: Noon\n- **Duration**: 5s\n";
    let expected = text
        .replace("image | video_clip", "none")
        .replace("[Text to show, if any]", "none")
        .replace("vidoe_clip", "video_clip");
    assert_eq!(fixed(text, 0), expected);
}

#[test]
fn scenes_in_bold_become_headings_and_then_the_rest_is_mended() {
    let text = "**Scene 1: Dawn**\n- **Visaul**: The sea\n- **Duration**: 5s\n\n**Scene 2: Noon**\n- **Visual**: A **bold** rock\n- **Duration**: 5s\n";
    let expected = "## Scene 1: Dawn\n- **Visual**: The sea\n- **Duration**: 5s\n\n## Scene 2: Noon\n- **Visual**: A **bold** rock\n- **Duration**: 5s\n";
    assert_eq!(fixed(text, 0), expected);
}

#[test]
fn an_id_of_an_old_guide_is_mended_where_it_was_written() {
    let project = Project::with_storyboard(
        "## Scene 1\n- **Visual**: Dawn\n- **Duration**: 5s\n- **Model**: sora2/text-to-video\n",
    );
    project.run(["check"]).expect(0).tells(&["1 of them can be mended by `storyreel check --fix`"]);
    let plan = project.run(["plan", "--json"]).expect(0).json();
    project.run(["check", "--fix"]).expect(0).tells(&["SCENES.md: mended in 1 place"]);
    let text = project.read("SCENES.md");
    assert!(!text.contains("sora2/text-to-video"), "{text}");
    let after = project.run(["plan", "--json"]).expect(0).json();
    assert_eq!(plan["scenes"][0]["steps"], after["scenes"][0]["steps"], "the request is the same");
}

#[test]
fn included_files_and_links_are_mended_where_they_lie() {
    let project = Project::with_storyboard(
        "---\ninclude: shared/cast.yaml\n---\n## Scene 1\n- **Visual**: Dawn\n- **Duration**: 5s\n",
    );
    project.write("shared/cast.yaml", "stlye: 35mm film\n");
    project.run(["check", "--fix"]).expect(0).tells(&["shared/cast.yaml: mended in 1 place"]);
    assert_eq!(project.read("shared/cast.yaml"), "style: 35mm film\n");
    #[cfg(unix)]
    {
        project.write("real.md", "## Scene 1\n- **Visaul**: Dawn\n- **Duration**: 5s\n");
        std::fs::remove_file(project.path("SCENES.md")).expect("it is there");
        std::os::unix::fs::symlink("real.md", project.path("SCENES.md")).expect("a link");
        project.run(["check", "--fix"]).expect(0);
        assert!(project.read("real.md").contains("Visual"));
        let kind = std::fs::symlink_metadata(project.path("SCENES.md")).expect("it is there");
        assert!(kind.is_symlink());
    }
}

#[test]
fn what_only_the_author_can_decide_is_left() {
    let text = "## Scene 1\n- **Visual**: Dawn\n- **Duration**: soon\n- **Model**: Veo 9\n- **Lens**: 35mm\n- **Reference**: scene:7\n";
    assert_eq!(fixed(text, 1), text);
    let project = Project::with_storyboard(text);
    let before = modified(project.path("SCENES.md").as_path());
    let done = project.run(["check", "--fix"]).expect(1);
    assert!(!done.stderr.contains("mended"), "{}", done.stderr);
    assert_eq!(modified(project.path("SCENES.md").as_path()), before, "the file was not written");
}

fn modified(path: &Path) -> std::time::SystemTime {
    std::fs::metadata(path).and_then(|data| data.modified()).expect("the file is there")
}

#[test]
fn fixes_are_part_of_the_json() {
    let project = Project::with_storyboard(
        "## Scene 1\n- **Visaul**: Dawn\n- **Visual**: Dusk\n- **Duration**: 5s\n",
    );
    let problems = project.run(["check", "--format", "json"]).expect(0).json();
    assert_eq!(
        problems["problems"][0]["fix"],
        serde_json::json!([{"text": "Visual", "where": {"file": "SCENES.md", "line": 2, "column": 5,
            "end_line": 2, "end_column": 11}}])
    );
}
