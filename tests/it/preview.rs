//! Previews: what is in the files, and what their pictures show.

use storyreel::preview::{Extension, PreviewError, Shot, Source, clip_bytes, render};

/// A short scene; tests change what they are about.
fn shot() -> Shot {
    Shot {
        scene: "7".into(),
        position: (3, 9),
        film_title: Some("The Keeper of Skerry Light".into()),
        title: Some("First light".into()),
        shot: Some("Wide shot".into()),
        camera: Some("static".into()),
        words: "A lone lighthouse on a basalt skerry at dawn".into(),
        dialogue: Vec::new(),
        sound: vec!["SFX: waves".into()],
        text_overlay: None,
        transition: None,
        model: "Veo 3.1 Fast".into(),
        duration: 0.25,
        extensions: Vec::new(),
        upscale: None,
        aspect_ratio: (16, 9),
        source: Source::Words,
        origin: None,
        steps: Vec::new(),
        cast: Vec::new(),
    }
}

fn extension(words: &str, seconds: f64) -> Extension {
    Extension { words: words.into(), camera: None, seconds }
}

#[cfg(not(feature = "preview"))]
#[test]
fn a_build_without_the_renderer_says_so() {
    let error = clip_bytes(&shot()).expect_err("there is no renderer");
    assert!(error.to_string().starts_with("this build has no preview renderer"), "{error}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("scene-07.mp4");
    assert!(matches!(
        render(&Shot { extensions: vec![extension("", 1.0)], ..shot() }, &out),
        Err(PreviewError::NoRenderer)
    ));
    assert!(!out.exists());
}

#[cfg(feature = "preview")]
mod with_renderer {
    use std::io::Cursor;
    use std::path::{Path, PathBuf};
    use std::sync::Mutex;

    use image::{Rgb, RgbImage};
    use openh264::decoder::Decoder;
    use openh264::formats::YUVSource as _;
    use proptest::prelude::*;
    use storyreel::media::{Probe, probe};
    use storyreel::preview::{Portrait, Progress, Rendered, Step, render_all};

    use super::*;

    /// The brightness of one frame.
    struct Picture {
        width: usize,
        height: usize,
        luma: Vec<u8>,
    }

    impl Picture {
        fn at(&self, x: usize, y: usize) -> i32 {
            i32::from(self.luma[y * self.width + x])
        }

        /// The mean difference to another picture inside a rectangle, of 255.
        fn difference(
            &self,
            other: &Self,
            (left, top, right, bottom): (usize, usize, usize, usize),
        ) -> f64 {
            let mut sum = 0;
            for y in top..bottom {
                sum += (left..right)
                    .map(|x| i64::from((self.at(x, y) - other.at(x, y)).abs()))
                    .sum::<i64>();
            }
            sum as f64 / ((right - left) * (bottom - top)) as f64
        }

        /// How many pixels of a rectangle are nearly white.
        fn white(&self, (left, top, right, bottom): (usize, usize, usize, usize)) -> usize {
            (top..bottom).map(|y| (left..right).filter(|&x| self.at(x, y) > 200).count()).sum()
        }
    }

    /// Decodes every frame of a clip with the decoder that belongs to the encoder, from the file's own tables.
    fn pictures(clip: &[u8]) -> Vec<Picture> {
        let position = |kind: &[u8]| {
            clip.windows(4).position(|window| window == kind).expect("the box is there")
        };
        let mut decoder = Decoder::new().expect("a decoder");
        let start_code = [0, 0, 0, 1];
        let record = &clip[position(b"avcC") + 4..];
        let sequence_length = usize::from(u16::from_be_bytes([record[6], record[7]]));
        let sequence = &record[8..8 + sequence_length];
        let rest = &record[8 + sequence_length + 1..];
        let picture = &rest[2..2 + usize::from(u16::from_be_bytes([rest[0], rest[1]]))];
        let mut first = [&start_code, sequence, &start_code, picture].concat();
        let mut pictures = Vec::new();
        let mut media = &clip[position(b"mdat") + 4..];
        while let [a, b, c, d, after @ ..] = media {
            let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
            first.extend_from_slice(&start_code);
            first.extend_from_slice(&after[..length]);
            media = &after[length..];
            let frame = decoder
                .decode(&first)
                .expect("a decodable frame")
                .expect("one frame for each sample");
            let (width, height) = frame.dimensions();
            let rows = frame.y().chunks(frame.strides().0).take(height);
            let luma = rows.flat_map(|row| row[..width].iter().copied()).collect();
            pictures.push(Picture { width, height, luma });
            first.clear();
        }
        pictures
    }

    fn film(shot: &Shot) -> Vec<Picture> {
        pictures(&clip_bytes(shot).expect("a clip"))
    }

    fn probe_bytes(clip: &[u8]) -> Probe {
        probe(Cursor::new(clip), clip.len() as u64).expect("a whole clip")
    }

    /// By how many pixels the second picture's content lies to the right of the first one's.
    fn shift(
        first: &Picture,
        second: &Picture,
        reach: i32,
        area: (usize, usize, usize, usize),
    ) -> i32 {
        let (left, top, right, bottom) = area;
        let cost = |shift: &i32| {
            let mut sum = 0_i64;
            for y in (top..bottom).step_by(2) {
                for x in left..right {
                    let moved = (x as i32 + shift) as usize;
                    sum += i64::from((first.at(x, y) - second.at(moved, y)).abs());
                }
            }
            sum
        };
        (-reach..=reach).min_by_key(cost).expect("a range")
    }

    /// An image with two white squares on grey, 200 pixels apart around the middle.
    fn two_marks(path: &Path) {
        let mark = |x: u32, y: u32, center: u32| x.abs_diff(center) < 12 && y.abs_diff(360) < 12;
        let image = RgbImage::from_fn(1280, 720, |x, y| {
            if mark(x, y, 540) || mark(x, y, 740) { Rgb([255; 3]) } else { Rgb([90; 3]) }
        });
        image.save(path).expect("the folder is writable");
    }

    /// Where the two marks of [`two_marks`] are seen: the mean column of each.
    fn marks(picture: &Picture) -> (f64, f64) {
        let rows = picture.height / 3..picture.height * 2 / 3;
        let columns = picture.width / 20..picture.width * 19 / 20;
        let white: Vec<usize> = rows
            .flat_map(|y| columns.clone().map(move |x| (x, y)))
            .filter(|&(x, y)| picture.at(x, y) > 180)
            .map(|(x, _)| x)
            .collect();
        let (low, high) =
            (white.iter().min().expect("a mark"), white.iter().max().expect("a mark"));
        let middle = (low + high) / 2;
        let mean =
            |columns: Vec<usize>| columns.iter().sum::<usize>() as f64 / columns.len() as f64;
        (
            mean(white.iter().copied().filter(|&x| x < middle).collect()),
            mean(white.iter().copied().filter(|&x| x >= middle).collect()),
        )
    }

    #[test]
    fn a_preview_has_its_length_size_and_rate() {
        let clip = clip_bytes(&Shot { duration: 1.23, ..shot() }).expect("a clip");
        let found = probe_bytes(&clip);
        assert_eq!((found.width, found.height, found.fps), (640, 360, 24.0));
        assert_eq!(found.codec, "h264");
        assert_eq!(found.duration, 30.0 / 24.0, "1.23 s are 29.52 frames");
        let pictures = pictures(&clip);
        assert_eq!(pictures.len(), 30);
        assert!(pictures.iter().all(|picture| (picture.width, picture.height) == (640, 360)));
    }

    #[test]
    fn every_ratio_has_even_sides_and_an_upscale_stays_within_its_limit() {
        for (ratio, size, doubled) in [
            ((16, 9), (640, 360), (1280, 720)),
            ((9, 16), (360, 640), (720, 1280)),
            ((1, 1), (480, 480), (720, 720)),
            ((4, 3), (554, 416), (960, 720)),
            ((3, 4), (416, 554), (720, 960)),
            ((21, 9), (734, 314), (1280, 548)),
        ] {
            let one_frame = Shot { duration: 0.04, aspect_ratio: ratio, ..shot() };
            let found = probe_bytes(&clip_bytes(&one_frame).expect("a clip"));
            assert_eq!((found.width as usize, found.height as usize), size, "{ratio:?}");
            let found = probe_bytes(
                &clip_bytes(&Shot { upscale: Some("4K".into()), ..one_frame }).expect("a clip"),
            );
            assert_eq!((found.width as usize, found.height as usize), doubled, "{ratio:?}");
        }
    }

    #[test]
    fn extensions_make_a_clip_longer_and_say_what_they_are() {
        let extended = Shot {
            extensions: vec![
                extension("The camera pulls back", 0.25),
                extension("Night falls", 0.30),
            ],
            ..shot()
        };
        let clip = clip_bytes(&extended).expect("a clip");
        // 0.25 + 0.25 + 0.30 s, rounded once at the end of each beat.
        assert_eq!(probe_bytes(&clip).duration, 19.0 / 24.0);
        let pictures = pictures(&clip);
        let badge = (70, 18, 170, 42);
        assert!(pictures[1].difference(&pictures[4], badge) < 2.0, "one beat, one slate");
        assert!(
            pictures[4].difference(&pictures[8], badge) > 20.0,
            "the badge appears with the extension"
        );
    }

    #[test]
    fn the_same_shot_gives_the_same_bytes_on_any_number_of_threads() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let moving = Shot {
            camera: Some("handheld push in".into()),
            duration: 0.2,
            words: "Rain at night".into(),
            ..shot()
        };
        let shots: Vec<Shot> = vec![
            moving.clone(),
            shot(),
            Shot { dialogue: vec!["Ada: No.".into()], ..moving.clone() },
            moving,
        ];
        let run = |name: &str, threads: usize| -> Vec<Vec<u8>> {
            let out = |index: usize| folder.path().join(format!("{name}-{index}.mp4"));
            let work: Vec<(Shot, Option<PathBuf>)> = shots
                .iter()
                .cloned()
                .enumerate()
                .map(|(index, shot)| (shot, Some(out(index))))
                .collect();
            let results = render_all(&work, threads, &|_| {});
            assert!(results.iter().all(Result::is_ok), "{results:?}");
            (0..work.len()).map(|index| std::fs::read(out(index)).expect("a file")).collect()
        };
        let (one, three) = (run("one", 1), run("three", 3));
        assert!(one == three, "threads changed the bytes");
        assert!(one[0] == one[3] && one[0] == clip_bytes(&shots[0]).expect("a clip"));
        assert!(one[0] != one[1]);
    }

    #[test]
    fn a_pan_to_the_right_moves_the_picture_to_the_left_by_its_way() {
        let pan = Shot {
            camera: Some("pan right".into()),
            duration: 1.0,
            words: "A city street by day".into(),
            ..shot()
        };
        let frames = film(&pan);
        // Measured in steps, so that what leaves the frame does not matter.
        let area = (330, 60, 560, 230);
        let steps: Vec<i32> =
            frames.windows(2).map(|pair| shift(&pair[0], &pair[1], 24, area)).collect();
        let way: i32 = steps.iter().sum();
        // A pan at its usual speed crosses 36 % of the frame.
        assert!((-250..=-190).contains(&way), "{way} in {steps:?}");
        assert!(steps[0].abs() < steps[11].abs(), "it begins softly: {steps:?}");
        let left = film(&Shot { camera: Some("pan left".into()), ..pan });
        let way: i32 = left.windows(2).map(|pair| shift(&pair[0], &pair[1], 24, area)).sum();
        assert!((190..=250).contains(&way), "{way}");
    }

    #[test]
    fn near_and_far_move_at_rates_of_their_own() {
        let track = Shot {
            camera: Some("subtle truck right".into()),
            shot: Some("Extreme wide shot".into()),
            words: "A city street by day".into(),
            duration: 1.0,
            ..shot()
        };
        let frames = film(&track);
        let way = |area, reach| -> i32 {
            frames[8..16].windows(2).map(|pair| shift(&pair[0], &pair[1], reach, area)).sum()
        };
        let (far, floor) = (way((380, 100, 600, 180), 12), way((330, 268, 600, 290), 17));
        assert!(far < -6 && floor < 3 * far, "houses {far}, floor {floor}");
    }

    #[test]
    fn a_push_enlarges_and_a_pull_shrinks() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("marks.png");
        two_marks(&path);
        let apart = |camera: &str| {
            let shot = Shot {
                camera: Some(camera.into()),
                source: Source::Picture(path.clone()),
                duration: 0.5,
                ..shot()
            };
            let frames = film(&shot);
            let distance = |picture: &Picture| {
                let (a, b) = marks(picture);
                b - a
            };
            (distance(&frames[0]), distance(&frames[frames.len() - 1]))
        };
        let (first, last) = apart("push in");
        assert!(
            (first - 100.0).abs() < 2.0,
            "a camera that has not moved shows the whole image: {first}"
        );
        assert!(last / first > 1.3, "{first} {last}");
        let (first, last) = apart("pull out");
        assert!(
            (last - 100.0).abs() < 2.0,
            "a camera that went back shows the whole image: {last}"
        );
        assert!(first / last > 1.3, "{first} {last}");
        let (first, last) = apart("static");
        assert!((last - first).abs() < 0.5, "{first} {last}");
    }

    #[test]
    fn a_push_opens_the_stage_around_the_subject() {
        let push = Shot {
            camera: Some("push in".into()),
            shot: Some("Close-up".into()),
            words: "A woman at dawn".into(),
            duration: 0.5,
            ..shot()
        };
        let frames = film(&push);
        let (first, last) = (&frames[0], &frames[frames.len() - 1]);
        let (center_x, center_y) = (448.0, 137.0);
        let cost = |percent: &i32| {
            let scale = f64::from(*percent) / 100.0;
            let mut sum = 0_i64;
            for y in (80..250).step_by(2) {
                for x in (330..570).step_by(2) {
                    let from = |value: usize, center: f64| {
                        (center + (value as f64 - center) / scale).round() as usize
                    };
                    sum += i64::from(
                        (last.at(x, y) - first.at(from(x, center_x), from(y, center_y))).abs(),
                    );
                }
            }
            sum
        };
        let grown = (90..=190).min_by_key(cost).expect("a range");
        assert!((135..=170).contains(&grown), "the subject is {grown} % of its first size");
    }

    #[test]
    fn tilts_and_cranes_move_the_picture_up_and_down() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("marks.png");
        two_marks(&path);
        let height_of_marks = |camera: &str| {
            let frames = film(&Shot {
                camera: Some(camera.into()),
                source: Source::Picture(path.clone()),
                duration: 0.5,
                ..shot()
            });
            let row = |picture: &Picture| {
                let rows: Vec<usize> =
                    (80..260).filter(|&y| (60..580).any(|x| picture.at(x, y) > 180)).collect();
                rows.iter().sum::<usize>() as f64 / rows.len() as f64
            };
            row(&frames[frames.len() - 1]) - row(&frames[0])
        };
        assert!(height_of_marks("tilt up") > 20.0);
        assert!(height_of_marks("crane down") < -10.0);
    }

    #[test]
    fn a_camera_that_rests_shows_one_picture() {
        let frames = film(&Shot { duration: 0.5, ..shot() });
        let stage = (20, 20, 620, 320);
        assert!(frames[0].difference(&frames[11], stage) < 0.6);
        let timecode = (24, 330, 104, 350);
        assert!(frames[0].difference(&frames[11], timecode) > 2.0, "the frames are counted");
    }

    #[test]
    fn rain_falls_while_the_camera_rests() {
        let frames = film(&Shot { words: "Rain over the fields".into(), ..shot() });
        let change = frames[1].difference(&frames[3], (330, 60, 620, 300));
        assert!(change > 0.8, "{change}");
    }

    #[test]
    fn subtitles_stand_in_their_time() {
        let lines = vec![
            "Ada: Not tonight.".into(),
            "Ben: You said that last winter and the winter before it.".into(),
        ];
        let frames = film(&Shot { dialogue: lines, duration: 2.0, ..shot() });
        let band = (180, 286, 460, 322);
        let white: Vec<usize> = frames.iter().map(|frame| frame.white(band)).collect();
        assert!(white[0] < 30 && white[47] < 30, "a breath at both ends: {white:?}");
        // Two of twelve words, then the other ten.
        assert!(white[4] > 150 && white[6] > 150, "{white:?}");
        assert!(
            white[20] * 2 > white[4] * 3 && white[40] * 2 > white[4] * 3,
            "the longer line follows: {white:?}"
        );
        let changes = white.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) > 100).count();
        assert!(changes == 3, "{white:?}");
    }

    #[test]
    fn fades_darken_the_picture_and_keep_the_slate() {
        let frames =
            film(&Shot { transition: Some("fade to black".into()), duration: 1.0, ..shot() });
        let (sky, number) = ((420, 60, 600, 160), (24, 50, 60, 90));
        let mean = |frame: &Picture| {
            (60..160).map(|y| (420..600).map(|x| frame.at(x, y)).sum::<i32>()).sum::<i32>() / 18_000
        };
        assert!(
            mean(&frames[0]) > 80 && mean(&frames[23]) < 25,
            "{} {}",
            mean(&frames[0]),
            mean(&frames[23])
        );
        assert!(frames[0].difference(&frames[23], sky) > 50.0);
        assert!(frames[23].white(number) * 10 > frames[0].white(number) * 9);
    }

    #[test]
    fn what_the_reference_shows_is_what_is_seen() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = |name: &str, value: u8| {
            let path = folder.path().join(name);
            RgbImage::from_pixel(300, 500, Rgb([value; 3]))
                .save(&path)
                .expect("the folder is writable");
            film(&Shot { source: Source::Picture(path), duration: 0.04, ..shot() }).remove(0)
        };
        let (dark, light) = (reference("dark.png", 40), reference("light.jpg", 220));
        // 16 + 219 * value / 255
        assert!((dark.at(400, 150) - 50).abs() <= 3, "{}", dark.at(400, 150));
        assert!((light.at(400, 150) - 205).abs() <= 3, "{}", light.at(400, 150));
    }

    #[test]
    fn an_image_that_cannot_be_used_is_named_with_the_reason() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let refuse = |name: &str, content: Option<&[u8]>| {
            let path = folder.path().join(name);
            if let Some(content) = content {
                std::fs::write(&path, content).expect("the folder is writable");
            }
            let error = clip_bytes(&Shot { source: Source::Picture(path.clone()), ..shot() })
                .expect_err("no image")
                .to_string();
            let start = format!("the reference image `{}` ", path.display());
            error.strip_prefix(&start).unwrap_or_else(|| panic!("{error}")).to_owned()
        };
        assert!(refuse("gone.png", None).starts_with("cannot be opened"));
        assert_eq!(refuse("notes.txt", Some(b"just words")), "is no PNG, JPEG or WebP image");
        let mut whole = Cursor::new(Vec::new());
        RgbImage::from_fn(64, 64, |x, y| Rgb([x as u8, y as u8, 9]))
            .write_to(&mut whole, image::ImageFormat::Png)
            .expect("an image");
        let whole = whole.into_inner();
        assert!(
            refuse("cut.png", Some(&whole[..whole.len() / 2])).starts_with("cannot be decoded")
        );
        // The header of an image with 400 megapixels and nothing behind it.
        let mut header = b"IHDR".to_vec();
        header.extend([20_000_u32.to_be_bytes(), 20_000_u32.to_be_bytes()].concat());
        header.extend([8, 2, 0, 0, 0]);
        let mut huge = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
        huge.extend_from_slice(&header);
        huge.extend(crc32(&header).to_be_bytes());
        huge.extend_from_slice(&whole[33..]);
        assert_eq!(
            refuse("huge.png", Some(&huge)),
            "has 20000x20000 pixels (400 megapixels), more than the 100 that are read"
        );
    }

    /// The checksum that PNG uses.
    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
            })
        })
    }

    #[test]
    fn what_cannot_be_filmed_is_refused() {
        for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            let error =
                clip_bytes(&Shot { duration: seconds, ..shot() }).expect_err("no such clip");
            assert!(error.to_string().starts_with("scene `7` has a duration of"), "{error}");
            let error = clip_bytes(&Shot { extensions: vec![extension("on", seconds)], ..shot() })
                .expect_err("no such clip");
            assert!(matches!(error, PreviewError::Duration { .. }), "{error}");
        }
        for ratio in [(0, 9), (16, 0), (0, 0), (100, 1), (1, 100)] {
            let error =
                clip_bytes(&Shot { aspect_ratio: ratio, ..shot() }).expect_err("no such clip");
            assert!(matches!(error, PreviewError::AspectRatio { .. }), "{error}");
        }
    }

    #[test]
    fn files_appear_whole_and_replace_what_was_there() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let out = folder.path().join("scene-07.mp4");
        std::fs::write(&out, b"an older preview").expect("the folder is writable");
        let rendered = render(&shot(), &out).expect("a clip");
        let bytes = std::fs::read(&out).expect("a file");
        assert_eq!(
            rendered,
            Rendered {
                width: 640,
                height: 360,
                frames: 6,
                duration: 0.25,
                bytes: bytes.len() as u64
            }
        );
        assert_eq!(bytes, clip_bytes(&shot()).expect("a clip"));
        let names: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").collect();
        assert_eq!(names.len(), 1, "nothing temporary is left: {names:?}");
        let nowhere = folder.path().join("missing").join("scene-07.mp4");
        let error = render(&shot(), &nowhere).expect_err("there is no such folder").to_string();
        assert!(
            error.starts_with(&format!("the preview `{}` cannot be written", nowhere.display())),
            "{error}"
        );
    }

    #[test]
    fn one_failure_leaves_the_others_alone_and_the_order_is_kept() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let work: Vec<(Shot, Option<PathBuf>)> = [0.125, f64::NAN, 0.25, 0.0417]
            .into_iter()
            .enumerate()
            .map(|(index, duration)| {
                (Shot { duration, ..shot() }, Some(folder.path().join(format!("{index}.mp4"))))
            })
            .collect();
        let heard = Mutex::new(Vec::new());
        let results =
            render_all(&work, 8, &|progress| heard.lock().expect("a lock").push(progress));
        let frames: Vec<Option<u64>> =
            results.iter().map(|result| result.as_ref().ok().map(|done| done.frames)).collect();
        assert_eq!(frames, [Some(3), None, Some(6), Some(1)]);
        let heard = heard.into_inner().expect("a lock");
        for (index, frames) in [(0, 3), (2, 6), (3, 1)] {
            assert!(heard.contains(&Progress { index, frames, of: frames }), "{heard:?}");
        }
        assert!(render_all(&[], 2, &|_| {}).is_empty());
    }

    #[test]
    fn long_words_leave_the_rest_of_the_slate_in_place() {
        let long = Shot {
            words: "endless ".repeat(650),
            title: Some("word ".repeat(60)),
            dialogue: vec!["Ada: on ".repeat(90)],
            duration: 0.04,
            ..shot()
        };
        let plain = Shot { dialogue: Vec::new(), duration: 0.04, ..shot() };
        let (long, plain) = (film(&long).remove(0), film(&plain).remove(0));
        for (name, area) in [
            ("timecode", (24, 330, 104, 350)),
            ("model", (500, 330, 620, 350)),
            ("number", (20, 44, 60, 90)),
        ] {
            assert!(
                long.difference(&plain, area) < 6.0,
                "{name}: {}",
                long.difference(&plain, area)
            );
        }
    }

    #[test]
    fn an_upscale_is_labelled() {
        let upscaled = Shot { upscale: Some("4K".into()), duration: 0.04, ..shot() };
        let unlabelled = Shot { upscale: Some(" ".into()), ..upscaled.clone() };
        let (a, b) = (film(&upscaled).remove(0), film(&unlabelled).remove(0));
        assert!(a.difference(&b, (960, 84, 1240, 116)) > 3.0);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn no_text_breaks_a_preview(
            texts in prop::collection::vec("\\PC{0,40}|[\\x00-\\x1f\\u{200b}-\\u{206f}<&\"a-z ]{0,40}|[ぁ-んא-ת一-龥 ]{0,60}", 14),
            made_of in 0..4_u8,
            ratio in (1_u32..30, 1_u32..30),
        ) {
            let mut texts = texts.into_iter();
            let mut text = || texts.next().unwrap_or_default();
            let shot = Shot {
                scene: text(),
                title: Some(text()),
                shot: Some(text()),
                camera: Some(text()),
                words: text(),
                dialogue: vec![text()],
                text_overlay: Some(text()),
                transition: Some(text()),
                model: text(),
                duration: 0.08,
                aspect_ratio: ratio,
                source: match made_of {
                    0 => Source::Words,
                    1 => Source::Title(text()),
                    2 => Source::Still(text()),
                    _ => Source::Missing { name: text(), why: text() },
                },
                origin: Some(text()),
                steps: vec![
                    Step { label: text(), makes_time: true },
                    Step { label: text(), makes_time: false },
                ],
                cast: vec![Portrait { name: text(), picture: None }],
                ..shot()
            };
            match clip_bytes(&shot) {
                Ok(clip) => prop_assert_eq!(probe_bytes(&clip).duration, 2.0 / 24.0),
                Err(error) => prop_assert!(matches!(error, PreviewError::AspectRatio { .. }), "{}", error),
            }
        }
    }
}
