//! Reports that a plan and a run write to files: Markdown for a comment, JUnit XML for a CI.

use crate::support::{Emulator, Project};

const FILM: &str = "\
## Scene 1: Dawn <script>alert(1)</script>
- **Model**: veo-3.1-fast
- **Duration**: 4s
- **Prompt**: A lone lighthouse on a basalt skerry at dawn, seen from the sea

## Scene 2: Noon | @team
- **Model**: veo-3.1-fast
- **Duration**: 4s
- **Prompt**: An iron spiral staircase by lamplight
";

#[test]
fn a_plan_as_markdown_tells_what_why_and_how_much() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(FILM).using(&emulator);
    project.run(["render", "--yes"]).expect(0);
    project.write("SCENES.md", FILM.replace("at dawn", "at dusk `rm`"));
    project.run(["plan", "--summary", "out/plan.md"]).expect(0);
    let told = project.read("out/plan.md");
    insta::assert_snapshot!(told, @r"
    ### SCENES.md

    **1 to update; 1 unchanged.** 60 credits, about \$0.30 (prices of 2026-10-01)

    | scene | title | action | model | clip | credits |
    |---|---|---|---|---|--:|
    | 1 | Dawn &lt;script&gt;alert(1)&lt;/script&gt; | update | Veo 3.1 Fast | 4 s | 60 |

    <details><summary>Why</summary>

    - **1** generate prompt: … basalt skerry at <del>dawn,</del> <ins>**dusk \`rm\`,**</ins> seen from the sea

    </details>
    ");
}

#[test]
fn a_run_is_told_scene_by_scene() {
    let emulator = Emulator::start();
    let project = Project::with_storyboard(FILM).using(&emulator);
    emulator.control(
        "POST",
        "/emulator/faults",
        r#"{"rules": [{"match": {"prompt": "staircase"}, "do": {"fault": "fail", "code": 400, "message": "flagged <b>"}}]}"#,
    );
    let arguments = ["render", "--yes", "--junit", "junit.xml", "--summary", "run.md"];
    project.run(arguments).expect(4);
    let junit = project.read("junit.xml");
    assert!(junit.contains(r#"name="scene 1: Dawn &lt;script&gt;"#), "{junit}");
    assert!(junit.contains("tests=\"2\""), "{junit}");
    let told = project.read("run.md");
    assert!(told.contains("rendered"), "{told}");
    assert!(!told.contains("<b>"), "{told}");
    assert!(junit.contains("failures=\"1\""), "{junit}");
    assert!(told.contains("| 2, generate | failed |"), "{told}");
    assert!(told.contains("storyreel render --only 2"), "{told}");
    // A run with nothing to do has a report as well, and so has one that could not begin.
    project.run(["render", "--junit", "junit.xml", "--summary", "run.md", "--only", "1"]).expect(0);
    assert!(project.read("junit.xml").contains("unchanged"));
    assert!(project.read("run.md").contains("nothing to do"));
    project.write("SCENES.md", "# Nothing\n");
    project.run(["render", "--junit", "junit.xml", "--summary", "run.md"]).expect(1);
    assert!(project.read("junit.xml").contains("errors=\"1\""));
    assert!(project.read("run.md").contains("not-a-storyboard"));
}
