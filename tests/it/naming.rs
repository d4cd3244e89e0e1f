//! What people call a model, and what is made of it.

use crate::support::Project;
use storyreel::catalog::{Catalog, Found, ModeKind, Status, Wants};

fn catalog() -> Catalog {
    Catalog::built_in().expect("the built-in catalogue")
}

fn names(found: &Found<'_>) -> Vec<String> {
    found.models.iter().map(|model| model.name.clone()).collect()
}

#[test]
fn a_model_is_found_by_every_name_that_it_has() {
    let catalog = catalog();
    for (written, meant) in [
        ("Veo 3.1 Fast", "Veo 3.1 Fast"),
        ("veo3_fast", "Veo 3.1 Fast"),
        ("veo3", "Veo 3.1"),
        ("veo-3-1", "Veo 3.1"),
        ("VEO 3.1 LITE", "Veo 3.1 Lite"),
        ("Kling 2.6", "Kling 2.6"),
        ("kling26", "Kling 2.6"),
        ("kling-3.0/video", "Kling 3.0"),
        ("Runway", "Runway"),
        ("Runway AI Video", "Runway"),
        ("aleph", "Runway Aleph"),
        ("bytedance/seedance-1.5-pro", "Seedance 1.5 Pro"),
        ("hailuo/02-text-to-video-pro", "Hailuo 02 Pro"),
        ("wan/2-6-text-to-video", "Wan 2.6"),
        ("grok imagine video", "Grok Imagine"),
        ("topaz/video-upscale", "Topaz Video Upscale"),
        ("omnihuman-1-5", "OmniHuman 1.5"),
    ] {
        let found = catalog.find(written).unwrap_or_else(|error| panic!("{written}: {error}"));
        assert_eq!(names(&found), [meant], "{written}");
        assert_eq!(found.warning, None, "{written}");
    }
    for model in catalog.models() {
        for name in model.own_names() {
            assert_eq!(
                names(&catalog.find(name).expect(name)),
                std::slice::from_ref(&model.name),
                "{name}"
            );
        }
    }
}

#[test]
fn ids_of_old_guides_are_found_with_a_warning_and_never_sent() {
    let catalog = catalog();
    for (written, meant, real) in [
        ("kling/text-to-video-2-1", "Kling 2.1 Master", "kling/v2-1-master-text-to-video"),
        ("sora2/text-to-video", "Sora 2", "sora-2-text-to-video"),
        ("kling/v1-avatar-standard", "Kling Avatar Standard", "kling/ai-avatar-standard"),
    ] {
        let found = catalog.find(written).expect(written);
        assert_eq!(names(&found), [meant]);
        assert_eq!(found.wants, Some(Wants::Id(real.to_owned())));
        assert!(found.warning.is_some_and(|warning| warning.contains(real)), "{written}");
    }
}

#[test]
fn a_name_without_its_tier_means_all_tiers_and_one_with_its_work_the_modes_for_that() {
    let catalog = catalog();
    for (written, meant) in [
        ("Kling 2.1", &["Kling 2.1 Standard", "Kling 2.1 Pro", "Kling 2.1 Master"][..]),
        ("hailuo-02", &["Hailuo 02 Standard", "Hailuo 02 Pro"]),
        ("Kling avatar", &["Kling Avatar Standard", "Kling Avatar Pro"]),
        ("Kling 2.1 text to video", &["Kling 2.1 Master"]),
    ] {
        assert_eq!(names(&catalog.find(written).expect(written)), meant, "{written}");
    }
    for (written, meant, kind) in [
        ("Kling 2.6 motion control", "Kling 2.6", ModeKind::Motion),
        ("Wan 2.2 speech to video", "Wan 2.2", ModeKind::Speech),
        ("wan 2.2 animate-move", "Wan 2.2", ModeKind::Motion),
        ("Wan 2.2 Animate Replace", "Wan 2.2", ModeKind::V2v),
        ("veo 3.1 extend", "Veo 3.1", ModeKind::Extend),
    ] {
        let found = catalog.find(written).expect(written);
        assert_eq!(names(&found), [meant]);
        let wants = found.wants.as_ref().expect("work");
        for mode in &found.model().modes {
            assert_eq!(wants.fits(mode), mode.kind == kind, "{written}: {}", mode.kind);
        }
    }
}

#[test]
fn the_tiers_of_a_line_stand_from_cheap_to_dear() {
    let catalog = catalog();
    for line in ["Kling 2.1", "Kling Avatar", "Hailuo 02", "Hailuo 2.3"] {
        let found = catalog.find(line).expect(line);
        for kind in [ModeKind::T2v, ModeKind::I2v, ModeKind::Speech] {
            let prices: Vec<f64> = found
                .models
                .iter()
                .filter_map(|model| model.mode(kind)?.prices.as_ref())
                .map(|prices| prices.rates.iter().map(|rate| rate.credits).fold(f64::MAX, f64::min))
                .collect();
            assert!(prices.is_sorted(), "{line} {kind}: {prices:?}");
        }
    }
}

#[test]
fn a_plan_says_which_tier_it_takes_and_what_replaces_a_retired_model() {
    let film = |model: &str, more: &str| {
        format!(
            "## Scene 1\n- **Model**: {model}\n- **Duration**: 5s\n- **Visual**: The sea\n{more}"
        )
    };
    let project = Project::with_storyboard(&film("Kling 2.1", ""));
    let planned = project.run(["plan"]).expect(0);
    planned.tells(&["`Kling 2.1` is `Kling 2.1 Master` here, its cheapest tier with t2v"]);
    let project = Project::with_storyboard(&film("Kling 2.1", "- **Reference**: refs/a.png\n"));
    project.write("refs/a.png", "a picture");
    project.run(["plan"]).expect(0).tells(&["`Kling 2.1 Standard` here"]);
    let project = Project::with_storyboard(&film("Sora 2 Pro", ""));
    project.run(["plan"]).expect(0).tells(&["no longer offered", "`Veo 3.1` does that work"]);
    let listed = project.run(["models"]).expect(0);
    assert!(!listed.stdout.contains("Sora 2"), "{}", listed.stdout);
    project.run(["models", "--all"]).expect(0).prints(&["Sora 2 Pro (retired)"]);
    project.run(["models", "sora"]).expect(0).prints(&["retired"]);
}

#[test]
fn a_retired_model_names_a_live_one() {
    let catalog = catalog();
    for model in catalog.models().iter().filter(|model| model.status == Status::Retired) {
        let instead = model.instead.as_deref().expect("a replacement");
        let found = catalog.find(instead).expect(instead);
        assert_eq!(found.model().status, Status::Live, "{instead}");
    }
}

#[test]
fn auto_chooses_by_the_goal_says_why_and_keeps_its_choice() {
    let film = |goal: &str, more: &str| {
        format!(
            "## Scene 1\n- **Model**: auto\n{goal}- **Duration**: 5s\n- **Visual**: The sea\n{more}"
        )
    };
    let goal = |goal: &str| format!("- **Goal**: {goal}\n");
    let project = Project::with_storyboard(&film("", ""));
    project.write("refs/a.png", "a picture");
    project.write("refs/b.png", "another");
    for (board, told) in [
        (film("", ""), "`auto` is `Veo 3.1 Fast` here, for value"),
        (film(&goal("quality"), ""), "`auto` is `Veo 3.1` here, for quality: the best picture"),
        (film(&goal("Animate"), "- **Reference**: refs/a.png\n"), "`auto` is `Runway` here"),
        // Runway has no last frame, and neither has Kling 2.6 or Wan 2.6.
        (
            film(&goal("animate"), "- **Reference**: refs/a.png\n- **Last Frame**: refs/b.png\n"),
            "`auto` is `Veo 3.1 Fast` here",
        ),
        (
            film(&goal("consistency"), "- **Reference**: refs/a.png, refs/b.png\n"),
            "`auto` is `Veo 3.1 Fast` here",
        ),
    ] {
        project.write("SCENES.md", &board);
        project.run(["plan"]).expect(0).tells(&[told]);
    }
    project.write("SCENES.md", film(&goal("edit"), ""));
    project.run(["plan"]).expect(1).tells(&["`video`"]);
    project.write("SCENES.md", film(&goal("beauty"), ""));
    project.run(["plan"]).expect(1).tells(&["`beauty` is no goal", "value, quality, speed"]);
}

#[test]
fn a_choice_that_was_made_does_not_wander() {
    let emulator = crate::support::Emulator::start();
    let film = |goal: &str, seen: &str| {
        format!(
            "## Scene 1\n- **Model**: auto\n- **Goal**: {goal}\n- **Duration**: 5s\n- **Visual**: {seen}\n"
        )
    };
    let project = Project::with_storyboard(&film("value", "The sea")).using(&emulator);
    project.run(["render"]).expect(0);
    // As if the guide had chosen otherwise when the clip was made.
    let path = "public/assets/manifest.json";
    let old =
        project.read(path).replace("\"chosen\": \"Veo 3.1 Fast\"", "\"chosen\": \"Kling 2.6\"");
    assert!(old.contains("Kling 2.6"), "{old}");
    project.write(path, &old);
    let told = project.run(["plan"]).expect(0);
    assert!(!told.stderr.contains("`auto` is"), "{}", told.stderr);
    project.write("SCENES.md", film("value", "The sea at noon"));
    project.run(["plan"]).expect(0).prints(&["Kling 2.6"]);
    // A scene that was renumbered is the same wish, and stays the clip that it is.
    project.write("SCENES.md", film("value", "The sea").replace("Scene 1", "Scene 7"));
    let planned = project.run(["plan"]).expect(0);
    assert!(
        planned.stdout.contains("move") && !planned.stderr.contains("`auto` is"),
        "{}",
        planned.stdout
    );
    // Another word for the goal is no other goal; another goal is another choice.
    project.write("SCENES.md", film("Cheap", "The sea"));
    assert!(!project.run(["plan"]).expect(0).stderr.contains("`auto` is"));
    project.write("SCENES.md", film("quality", "The sea at noon"));
    project.run(["plan"]).expect(0).tells(&["`auto` is `Veo 3.1` here"]);
}

#[test]
fn a_clip_that_exists_is_upscaled_and_is_as_long_as_it_was() {
    let project = Project::new();
    project.write("refs/clip.mp4", crate::every_model::clip());
    project.write(
        "storyboard.yaml",
        "scenes:\n  - {id: 1, video: refs/clip.mp4, model: auto, goal: upscale}\n  \
         - {id: 2, video: refs/clip.mp4, model: Topaz, resolution: 4x}\n",
    );
    let done = project.run(["plan", "--json"]).expect(0);
    assert!(!done.stderr.contains("no-duration"), "{}", done.stderr);
    let plan = done.json();
    for (scene, factor, credits) in [(0, "2", 64), (1, "4", 112)] {
        let scene = &plan["scenes"][scene];
        assert_eq!(scene["steps"][0]["request"]["input"]["upscale_factor"], factor);
        assert_eq!(
            (&scene["clip_length"], &scene["steps"][0]["credits"]),
            (&8.into(), &credits.into())
        );
    }
    project.write(
        "storyboard.yaml",
        "scenes:\n  - {id: 1, visual: The sea, model: auto, goal: upscale}\n",
    );
    project
        .run(["check"])
        .expect(1)
        .prints(&["`Topaz Video Upscale` needs `video` in upscale mode"]);
}
