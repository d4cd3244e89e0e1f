//! The film of previews: scenes that grow out of others, and scenes that are not generated.

#![cfg(feature = "preview")]

use crate::support::{Emulator, Project};
use image::{Rgb, RgbImage};
use std::path::{Path, PathBuf};
use storyreel::media::{Playback, Which, probe_file};
use storyreel::preview::{Extension, Portrait, Shot, Source, Step, render_all};
use tempfile::TempDir;

/// A rectangle of the picture beside and below everything that is laid over it: left, top, right, bottom.
const STAGE: (u32, u32, u32, u32) = (400, 70, 620, 250);

fn shot(words: &str, camera: &str) -> Shot {
    Shot {
        scene: "1".into(),
        position: (1, 1),
        film_title: None,
        title: None,
        shot: Some("Full shot".into()),
        camera: Some(camera.into()),
        words: words.into(),
        dialogue: Vec::new(),
        sound: Vec::new(),
        text_overlay: None,
        transition: None,
        model: String::new(),
        duration: 0.5,
        extensions: Vec::new(),
        upscale: None,
        aspect_ratio: (16, 9),
        source: Source::Words,
        origin: None,
        steps: Vec::new(),
        cast: Vec::new(),
    }
}

fn made_of(source: Source) -> Shot {
    Shot { source, ..shot("A red barn at noon", "static") }
}

fn from(of: usize, moment: Which) -> Source {
    Source::Frame { of, moment, clip: None }
}

/// Previews that were rendered together.
struct Films {
    folder: TempDir,
}

impl Films {
    fn render(shots: &[Shot]) -> Self {
        let films = Self { folder: tempfile::tempdir().expect("a folder") };
        let work: Vec<(Shot, Option<PathBuf>)> = shots
            .iter()
            .enumerate()
            .map(|(number, shot)| (shot.clone(), Some(films.path(number))))
            .collect();
        for result in render_all(&work, 2, &|_| {}) {
            result.expect("a preview");
        }
        films
    }

    fn path(&self, number: usize) -> PathBuf {
        self.folder.path().join(format!("{number}.mp4"))
    }

    /// The frames of one of them.
    fn frames(&self, number: usize) -> Vec<RgbImage> {
        frames(&self.path(number))
    }
}

fn frames(path: &Path) -> Vec<RgbImage> {
    let count = (probe_file(path).expect("a clip").duration * 24.0).round() as u32;
    let mut playback = Playback::open(path, (10_000, 10_000)).expect("a clip");
    let time = |frame: u32| (f64::from(frame) + 0.1) / 24.0;
    (0..count).map(|frame| playback.at(time(frame)).expect("a frame").clone()).collect()
}

/// The mean difference of two pictures inside a rectangle, of 255.
fn difference(one: &RgbImage, other: &RgbImage, area: (u32, u32, u32, u32)) -> f64 {
    let (left, top, right, bottom) = area;
    let mut sum = 0_u64;
    for y in top..bottom {
        for x in left..right {
            let (Rgb(a), Rgb(b)) = (one.get_pixel(x, y), other.get_pixel(x, y));
            sum += a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
        }
    }
    sum as f64 / f64::from((right - left) * (bottom - top) * 3)
}

fn mean(picture: &RgbImage, (left, top, right, bottom): (u32, u32, u32, u32)) -> f64 {
    let parts = (top..bottom)
        .flat_map(|y| (left..right).map(move |x| (x, y)))
        .flat_map(|(x, y)| picture.get_pixel(x, y).0);
    parts.map(f64::from).sum::<f64>() / f64::from((right - left) * (bottom - top) * 3)
}

/// A picture in which every place can be told from every other.
fn chart(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("chart.png");
    let image = RgbImage::from_fn(640, 360, |x, y| {
        let checks = if (x / 40 + y / 40) % 2 == 0 { 30 } else { 0 };
        Rgb([(x / 3) as u8 + checks, (y / 2) as u8 + checks, 90])
    });
    image.save(&path).expect("a picture");
    path
}

#[test]
fn a_shot_grows_out_of_the_last_frame_of_another() {
    let pier = shot("A woman on a pier at dusk, rain on the sea", "fast dolly in");
    let extended = Shot {
        extensions: vec![Extension {
            words: "up and up".into(),
            camera: Some("crane up".into()),
            seconds: 0.25,
        }],
        ..pier.clone()
    };
    let next = Shot { source: from(0, Which::Last), ..shot("Noon in the desert", "pan right") };
    let first = Shot { source: from(0, Which::First), ..next.clone() };
    let third = Shot { source: from(1, Which::Last), ..next.clone() };
    let films = Films::render(&[extended, next.clone(), first, third]);
    let [pier, next, first, third] = [0, 1, 2, 3].map(|number| films.frames(number));
    let (start, end) = (&pier[0], &pier[pier.len() - 1]);
    assert!(difference(start, end, STAGE) > 8.0, "the camera went somewhere");
    assert!(difference(end, &next[0], STAGE) < 3.0, "{}", difference(end, &next[0], STAGE));
    assert!(difference(start, &first[0], STAGE) < 3.0);
    assert!(difference(&next[11], &third[0], STAGE) < 3.0, "and so on down the line");
    assert!(difference(&next[0], &next[11], STAGE) > 8.0, "with a camera of its own");
}

#[test]
fn a_shot_grows_out_of_a_picture_and_what_lies_around_is_dark() {
    let folder = tempfile::tempdir().expect("a folder");
    let photo = Shot { camera: Some("push in".into()), ..made_of(Source::Picture(chart(&folder))) };
    let goes = |camera: &str| Shot { camera: Some(camera.into()), ..made_of(from(0, Which::Last)) };
    let films = Films::render(&[
        photo,
        goes("static"),
        goes("pull out"),
        goes("pan right"),
        goes("push in"),
    ]);
    let [photo, still, out, right, closer] = [0, 1, 2, 3, 4].map(|number| films.frames(number));
    let last = &photo[photo.len() - 1];
    for (name, frames) in [("still", &still), ("out", &out), ("right", &right), ("in", &closer)] {
        let apart = difference(last, &frames[0], (40, 80, 600, 240));
        assert!(apart < 4.0, "{name} begins with another picture: {apart}");
    }
    assert!(difference(&still[0], &still[11], (40, 80, 600, 240)) < 1.0);
    let (left_edge, right_edge) = ((0, 100, 40, 220), (600, 100, 640, 220));
    let darker = |frames: &[RgbImage], area| mean(&frames[11], area) < 0.7 * mean(&frames[0], area);
    assert!(darker(&out, left_edge) && darker(&out, right_edge), "nobody knows what lies there");
    assert!(darker(&right, right_edge) && !darker(&right, left_edge));
    assert!(!darker(&closer, left_edge) && !darker(&closer, right_edge));
}

#[test]
fn a_clip_that_is_told_again_has_the_same_camera_in_another_light() {
    let day = shot("A man on a city street by day", "pan right");
    let night = Shot {
        source: Source::Clip { of: 0, clip: None },
        ..shot("The same at night in snow", "static")
    };
    let static_night = shot("A man on a city street at night in snow", "static");
    let films = Films::render(&[day, night, static_night]);
    let [day, night, still] = [0, 1, 2].map(|number| films.frames(number));
    assert!(mean(&night[0], STAGE) < 0.7 * mean(&day[0], STAGE), "it is dark");
    assert!(
        difference(&night[0], &night[11], STAGE) > 2.0 * difference(&still[0], &still[11], STAGE)
    );
}

#[test]
fn a_rendered_clip_comes_before_its_preview() {
    let folder = tempfile::tempdir().expect("a folder");
    let rendered = Films::render(&[made_of(Source::Picture(chart(&folder)))]);
    let (clip, other) = (rendered.path(0), shot("A man on a city street by day", "static"));
    let broken = folder.path().join("broken.mp4");
    std::fs::write(&broken, "not a clip").expect("a file");
    let with = |clip: &Path| Source::Frame { of: 0, moment: Which::Last, clip: Some(clip.into()) };
    let films = Films::render(&[
        other,
        made_of(with(&clip)),
        made_of(with(&broken)),
        made_of(Source::Clip { of: 0, clip: Some(clip.clone()) }),
    ]);
    let seen = |number: usize| films.frames(number).remove(0);
    let clip = frames(&clip).remove(0);
    let area = (40, 110, 600, 240);
    assert!(difference(&seen(1), &clip, area) < 4.0);
    assert!(difference(&seen(2), &seen(0), STAGE) < 3.0, "what cannot be read is not used");
    assert!(difference(&seen(3), &clip, area) < 4.0);
}

#[test]
fn circles_and_broken_beginnings_are_told_and_leave_the_rest_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let gone = Source::Picture(folder.path().join("gone.png"));
    let out = |number: usize| Some(folder.path().join(format!("{number}.mp4")));
    let sources = [
        Source::Words,
        from(2, Which::Last),
        from(1, Which::Last),
        from(9, Which::First),
        gone,
        from(4, Which::Last),
    ];
    let work: Vec<(Shot, Option<PathBuf>)> = sources
        .into_iter()
        .enumerate()
        .map(|(number, source)| (Shot { duration: 0.1, ..made_of(source) }, out(number)))
        .collect();
    let results = render_all(&work, 2, &|_| {});
    let told: Vec<String> = results
        .iter()
        .map(|result| result.as_ref().map_or_else(ToString::to_string, |_| "drawn".into()))
        .collect();
    assert_eq!(told[0], "drawn");
    for (number, part) in [
        (1, "starts from scene `1`, which has no preview"),
        (2, "starts from a scene that is not at hand"),
        (3, "starts from a scene that is not at hand"),
        (4, "cannot be opened"),
        (5, "starts from scene `1`, which has no preview: the reference image"),
    ] {
        assert!(told[number].contains(part), "{number}: {}", told[number]);
    }
}

#[test]
fn a_long_line_of_shots_is_followed_to_its_end_without_drawing_all_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let chain = 2_000;
    let mut work = vec![(shot("Rain over the fields", "subtle pan right"), None)];
    for of in 0..chain {
        work.push((Shot { duration: 0.05, ..made_of(from(of, Which::Last)) }, None));
    }
    work[chain].1 = Some(folder.path().join("last.mp4"));
    let results = render_all(&work, 2, &|_| {});
    assert_eq!(results.len(), 1);
    results[0].as_ref().expect("a preview");
}

#[test]
fn titles_black_and_missing_footage_are_cards() {
    let films = Films::render(&[
        made_of(Source::Title("The Keeper of Skerry Light".into())),
        made_of(Source::Black),
        made_of(Source::Missing { name: "refs/boat.mp4".into(), why: "is missing".into() }),
        made_of(Source::Title("endless ".repeat(400))),
    ]);
    let middle = (60, 80, 580, 290);
    let white = |number: usize| {
        let frame = films.frames(number).remove(5);
        let is_white =
            |(x, y): &(u32, u32)| frame.get_pixel(*x, *y).0.iter().all(|part| *part > 200);
        (80..290).flat_map(|y| (60..580).map(move |x| (x, y))).filter(is_white).count()
    };
    assert!(white(0) > 1_000, "{}", white(0));
    assert_eq!(white(1), 0);
    assert!((100..3_000).contains(&white(2)), "{}", white(2));
    assert!(white(3) > 1_000, "{}", white(3));
    // Only the thirds of the viewfinder are seen on black.
    assert!(mean(&films.frames(1)[5], middle) < 4.0);
}

#[test]
fn footage_plays_from_its_part_on_and_is_held_at_its_end() {
    let source =
        Films::render(&[Shot { duration: 1.0, ..shot("A street by day", "fast pan right") }]);
    let footage = |file: PathBuf, from: f64, to: Option<f64>| Shot {
        duration: 0.75,
        ..made_of(Source::Footage { file, name: "street.mp4".into(), from, to })
    };
    let folder = tempfile::tempdir().expect("a folder");
    let broken = folder.path().join("broken.mp4");
    std::fs::write(&broken, "not a clip").expect("a file");
    let films = Films::render(&[
        footage(source.path(0), 0.0, None),
        footage(source.path(0), 0.25, Some(0.5)),
        footage(broken, 0.0, None),
        footage(chart(&folder), 0.0, None),
        made_of(Source::Missing { name: "street.mp4".into(), why: "is missing".into() }),
    ]);
    let street = source.frames(0);
    let [whole, part, broken, held, missing] = [0, 1, 2, 3, 4].map(|number| films.frames(number));
    let near = |one: &RgbImage, other: &RgbImage| difference(one, other, STAGE) < 4.0;
    for number in 0..18 {
        assert!(near(&whole[number], &street[number]), "frame {number} of the whole");
        assert!(near(&part[number], &street[(6 + number).min(11)]), "frame {number} of the part");
    }
    assert!(!near(&part[0], &part[17]), "it plays");
    assert!(difference(&held[0], &held[17], STAGE) < 0.6, "a picture is held");
    let card = (150, 130, 490, 200);
    assert!(difference(&broken[0], &missing[0], card) < 2.0, "what cannot be read is a card");
}

#[test]
fn a_still_to_be_made_is_named_on_its_picture_and_filmed_as_one() {
    let still = made_of(Source::Still("A letter on a table by candlelight".into()));
    let pushed = Shot { camera: Some("push in".into()), ..still.clone() };
    let films = Films::render(&[still, pushed]);
    let [still, pushed] = [0, 1].map(|number| films.frames(number));
    assert!(mean(&still[0], (2, 100, 8, 250)) > 150.0, "a mount around it");
    assert!(difference(&still[0], &still[11], STAGE) < 0.6);
    assert!(difference(&pushed[0], &pushed[11], STAGE) > 3.0);
}

#[test]
fn the_chain_stands_on_the_slate_and_the_step_that_is_seen_is_lit() {
    let extension = || Extension { words: "on".into(), camera: None, seconds: 0.5 };
    let step = |label: &str, makes_time| Step { label: label.into(), makes_time };
    let plain = Shot { extensions: vec![extension()], ..shot("A barn at night", "static") };
    let chained = Shot {
        steps: vec![
            step("keyframe", false),
            step("generate", true),
            step("extend", true),
            step("upscale 4k", false),
        ],
        ..plain.clone()
    };
    let films = Films::render(&[plain, chained]);
    let [plain, chained] = [0, 1].map(|number| films.frames(number));
    // Between what stands at both ends, the two stretches are as long as each other.
    let (first, second) = ((200, 317, 300, 320), (430, 317, 530, 320));
    let lit = |frame: &RgbImage, area| mean(frame, area) > 120.0;
    assert!(!lit(&plain[3], first) && !lit(&plain[20], second));
    assert!(lit(&chained[3], first) && !lit(&chained[3], second));
    assert!(!lit(&chained[20], first) && lit(&chained[20], second));
}

#[test]
fn who_is_in_the_scene_is_seen_on_the_slate() {
    let folder = tempfile::tempdir().expect("a folder");
    let face = folder.path().join("face.png");
    RgbImage::from_pixel(60, 90, Rgb([250, 250, 250])).save(&face).expect("a picture");
    let with = |pictures: &[Option<PathBuf>]| Shot {
        cast: pictures
            .iter()
            .map(|picture| Portrait { name: "ada".into(), picture: picture.clone() })
            .collect(),
        ..shot("A barn at night", "static")
    };
    let broken = folder.path().join("broken.png");
    std::fs::write(&broken, "no picture").expect("a file");
    let films = Films::render(&[with(&[]), with(&[Some(face)]), with(&[Some(broken), None])]);
    let portrait = (30, 280, 56, 302);
    let brightness = |number: usize| mean(&films.frames(number)[0], portrait);
    assert!(brightness(0) < 60.0 && brightness(1) > 230.0, "{} {}", brightness(0), brightness(1));
    assert!((20.0..200.0).contains(&brightness(2)), "a letter in place of it: {}", brightness(2));
}

const FERRY: &str = "\
title: The Ferry
defaults: {model: veo-3.1-fast, duration: 0.5}
characters:
  ada: {look: Ada with a grey braid, image: refs/ada.png}
scenes:
  - {id: 1, title: The card, type: title, text: The Ferry}
  - {id: 2, type: black}
  - {id: 3, title: The pier, visual: A woman on a pier at dusk, camera: fast dolly in, characters: [ada]}
  - {id: 4, title: She turns, visual: She turns, camera: static, reference: 'scene:3'}
  - {id: 5, file: refs/clip.mp4, use: 0.25-0.5}
  - {id: 6, type: footage, file: refs/far.mp4}
  - {id: 7, prompt: It trembles, image_prompt: A letter on a table, camera: push in}
  - {id: 8, type: image, visual: A harbour at dawn}
";

/// The project of [`FERRY`] with the files that it names.
fn ferry() -> Project {
    let project = Project::new();
    project.write("storyboard.yaml", FERRY);
    let clip = Films::render(&[shot("A street by day", "pan right")]);
    project.write("refs/clip.mp4", std::fs::read(clip.path(0)).expect("a clip"));
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n";
    project.write("refs/far.mp4", pointer);
    let face = clip.folder.path().join("ada.png");
    RgbImage::from_pixel(40, 40, Rgb([200, 180, 160])).save(&face).expect("a picture");
    project.write("refs/ada.png", std::fs::read(face).expect("a picture"));
    project
}

#[test]
fn every_scene_stands_in_the_animatic() {
    let project = ferry();
    let done = project.run(["render", "--preview"]).expect(0).tells(&["8 previews drawn"]);
    let paths: Vec<&Path> = done.stdout.lines().map(Path::new).collect();
    let seconds = |at: usize| probe_file(paths[at]).expect("a clip").duration;
    assert_eq!((paths.len(), seconds(0), seconds(1), seconds(4)), (8, 0.5, 0.5, 0.25));
    let seen: Vec<Vec<RgbImage>> = paths.iter().map(|path| frames(path)).collect();
    assert!(difference(&seen[2][11], &seen[3][0], STAGE) < 3.0, "scene 4 grows out of scene 3");
    let clip = frames(&project.path("refs/clip.mp4"));
    assert!(difference(&seen[4][0], &clip[6], STAGE) < 4.0, "footage from 0.25 s on");
    assert!(!project.has("public") && !project.has(".storyreel/ledger.db"));
}

#[test]
fn a_scene_alone_grows_out_of_one_that_is_not_drawn() {
    let project = ferry();
    let all = project.run(["render", "--preview"]).expect(0);
    let path = Path::new(all.stdout.lines().nth(3).expect("scene 4"));
    let with_all = std::fs::read(path).expect("a clip");
    let folder = path.parent().expect("a folder").to_owned();
    std::fs::remove_dir_all(&folder).expect("it can be removed");
    project.run(["render", "--preview", "--only", "4"]).expect(0).tells(&["1 preview drawn"]);
    assert!(std::fs::read(path).expect("a clip") == with_all);
    assert!(!folder.join("scene-03.mp4").exists());
}

#[test]
fn what_is_published_is_what_a_preview_begins_with() {
    let emulator = Emulator::with(&["--task-time", "0"]);
    let project = Project::with_storyboard(
        "---\nmodel: veo-3.1-fast\nduration: 4\n---\n\n\
         ## Scene 1: The letter\n- **Prompt**: The flame goes out\n- **Image prompt**: A letter on a table\n\n\
         ## Scene 2: Further\n- **Prompt**: She reads on\n- **Camera**: static\n- **Reference**: scene:1\n\n\
         ## Scene 3: The harbour\n- **Type**: image\n- **Visual**: A harbour at dawn\n",
    )
    .using(&emulator);
    let clips = |project: &Project| {
        let done = project.run(["render", "--preview"]).expect(0);
        let first = |path: &str| frames(Path::new(path)).remove(0);
        done.stdout.lines().map(first).collect::<Vec<RgbImage>>()
    };
    let drawn = clips(&project);
    project.run(["render", "--yes"]).expect(0);
    let published = clips(&project);
    let middle = (20, 120, 620, 230);
    let fitted = |picture: RgbImage| {
        image::imageops::resize(&picture, 640, 360, image::imageops::FilterType::Triangle)
    };
    let clip = frames(&project.path("public/assets/clips/scene-01.mp4")).pop().expect("a frame");
    let clip = fitted(clip);
    let apart = |one: &RgbImage, other: &RgbImage| difference(one, other, middle);
    assert!(apart(&published[1], &clip) < 6.0, "{}", apart(&published[1], &clip));
    assert!(apart(&drawn[1], &clip) > 8.0, "before, there was only the card of the still");
    let still = image::open(project.path("public/assets/images/scene-03.png")).expect("a still");
    let still = fitted(still.into_rgb8());
    assert!(apart(&published[2], &still) < 8.0, "{}", apart(&published[2], &still));
    assert!(apart(&drawn[0], &published[0]) > 8.0, "the keyframe itself and no card of it");
}
