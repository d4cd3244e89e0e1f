//! Every form in which people write a storyboard, with a test each: headings, separators, ids, lengths, labels in five
//! languages, label forms, nothing and placeholders, tables, shots in scenes, appendices, fences.
//!
//! A film is told in a line a scene, `ID Title; field: value`, globals first, and a line `! code` for each problem.

use storyreel::source::Source;
use storyreel::storyboard::{self, Fields, Input, Step, Value};

/// What is read of a text.
fn read(name: &str, text: &str) -> String {
    let source = Source::new(name, text);
    let reading = storyboard::read(&source);
    let mut lines = Vec::new();
    match &reading.storyboard {
        Some(board) => {
            let head = fields(&board.defaults);
            if !head.is_empty() {
                lines.push(format!("all{head}"));
            }
            for scene in &board.scenes {
                let title = scene.title.as_ref().map(|title| format!(" {}", title.value));
                let steps: String = scene.steps.iter().flatten().map(step).collect();
                let unknown: String = scene
                    .unknown
                    .iter()
                    .map(|(label, text)| format!("; ?{}: {text}", label.value))
                    .collect();
                lines.push(format!(
                    "{}{}{}{steps}{unknown}",
                    scene.id,
                    title.unwrap_or_default(),
                    fields(&scene.fields)
                ));
            }
        }
        None => lines.push("no storyboard".to_owned()),
    }
    lines.extend(reading.diagnostics.iter().map(|problem| format!("! {}", problem.code)));
    lines.join("\n")
}

fn fields(fields: &Fields) -> String {
    fields
        .iter()
        .map(|(field, value)| format!("; {}: {}", field.name(), shown(&value.value)))
        .collect()
}

fn step(step: &Step) -> String {
    format!("; +{}({})", step.kind, fields(&step.fields).trim_start_matches("; "))
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Seconds(seconds) => format!("{seconds} s"),
        Value::Names(names) => names.join(" & "),
        Value::Inputs(inputs) => inputs
            .iter()
            .map(|input| match input {
                Input::Path(path) => format!("file {path}"),
                Input::Url(url) => format!("link {url}"),
                Input::Asset(asset) => format!("asset {asset}"),
                Input::Scene { id, frame } => format!("{frame:?} of {id}").to_lowercase(),
            })
            .collect::<Vec<_>>()
            .join(" & "),
        Value::Params(params) => params
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join(" & "),
        Value::Ranges(ranges) => {
            ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(" & ")
        }
        other => format!("{other:?}"),
    }
}

/// A test a form: its name, the text, and what is read of it.
macro_rules! forms {
    ($($name:ident: $text:expr => $film:expr;)*) => {$(
        #[test]
        fn $name() {
            pretty($text, $film);
        }
    )*};
}

fn pretty(text: &str, film: &str) {
    let found = read("film.md", text);
    assert_eq!(found, film.trim(), "\n{text}\n--- was read as\n{found}");
}

/// A scene that only needs something to show, under a heading.
fn heading(heading: &str) -> String {
    format!("{heading}\n- **Visual**: Dawn\n- **Duration**: 5s\n")
}

/// A scene with one more field.
fn field(line: &str) -> String {
    format!("## Scene 1\n- **Visual**: Dawn\n- **Duration**: 5s\n{line}\n")
}

/// A scene with a length, told as the scene itself and its seconds.
fn length(written: &str) -> String {
    format!("## Scene 1\n- **Visual**: Dawn\n- **Duration**: {written}\n")
}

const DAWN: &str = "duration: 5 s; visual: Dawn";

mod headings {
    use super::*;

    macro_rules! headings {
        ($($name:ident: $heading:expr => $id:expr;)*) => {$(
            #[test]
            fn $name() {
                pretty(&heading($heading), &format!("{}; {DAWN}", $id));
            }
        )*};
    }

    headings! {
        scene: "## Scene 1: Opening" => "1 Opening";
        shot: "## Shot 1: Opening" => "1 Opening";
        clip: "## Clip 1: Opening" => "1 Opening";
        cut: "## Cut 1: Opening" => "1 Opening";
        frame: "## Frame 1: Opening" => "1 Opening";
        beat: "## Beat 1: Opening" => "1 Opening";
        panel: "## Panel 1: Opening" => "1 Opening";
        level_three: "### Scene 1: Opening" => "1 Opening";
        level_one_below_nothing: "# Scene 1: Opening" => "1 Opening";
        lower_case: "## scene 1: opening" => "1 opening";
        upper_case: "## SCENE 1: OPENING" => "1 OPENING";
        bold: "## **Scene 1: Opening**" => "1 Opening";
        emoji_before: "## 🎬 Scene 1: Opening" => "1 Opening";
        closed: "## Scene 1: Opening ##" => "1 Opening";
        chinese_scene: "## 场景1：晨光" => "1 晨光";
        chinese_shot: "## 镜头 2：晨光" => "2 晨光";
        chinese_board: "## 分镜3 晨光" => "3 晨光";
        chinese_ordinal: "## 第4场：晨光" => "4 晨光";
        chinese_numeral: "## 第十二幕 晨光" => "12 晨光";
        japanese_scene: "## シーン5：夜明け" => "5 夜明け";
        japanese_cut: "## カット6 夜明け" => "6 夜明け";
        german_scene: "## Szene 7: Morgen" => "7 Morgen";
        german_shot: "## Einstellung 8 – Morgen" => "8 Morgen";
        dutch_scene: "## Scène 9: Ochtend" => "9 Ochtend";
        dutch_shot: "## Beeld 10: Ochtend" => "10 Ochtend";
        colon: "## Scene 1: Opening" => "1 Opening";
        wide_colon: "## Scene 1：Opening" => "1 Opening";
        em_dash: "## Scene 1 — Opening" => "1 Opening";
        en_dash: "## Scene 1 – Opening" => "1 Opening";
        hyphen: "## Scene 1 - Opening" => "1 Opening";
        middle_dot: "## Scene 1 · Opening" => "1 Opening";
        full_stop: "## Scene 1. Opening" => "1 Opening";
        bar: "## Scene 1 | Opening" => "1 Opening";
        bracket: "## Scene 1) Opening" => "1 Opening";
        space: "## Scene 1 Opening" => "1 Opening";
        no_title: "## Scene 1" => "1";
        no_space: "## Scene1" => "1";
        hash: "## Scene #1: Opening" => "1 Opening";
        number_word: "## Scene One: Opening" => "1 Opening";
        leading_zero: "## Scene 01: Opening" => "1 Opening";
        letter_after: "## Scene 12A: Opening" => "12A Opening";
        point: "## Scene 1.1: Opening" => "1.1 Opening";
        s_number: "## Scene s01: Opening" => "s01 Opening";
        sh_number: "## sh010: Opening" => "sh010 Opening";
        shot_dash: "## shot-01: Opening" => "1 Opening";
        p_number: "## P01: Opening" => "P01 Opening";
        kf_number: "## KF1: Opening" => "KF1 Opening";
        version: "## v2-s001: Opening" => "v2-s001 Opening";
        slug_with_number: "## 010_slug" => "010_slug";
        word: "## Scene hook: Opening" => "hook Opening";
        number_only: "## 1. Opening" => "1 Opening";
        brackets: "## [S01] Opening" => "S01 Opening";
        slug_of_title: "## Scene: First light" => "first-light First light";
        length_replaced: "## Scene 1: Opening (9s)" => "1 Opening";
        title_in_brackets: "## Scene 1: [Scene title]" => "1";
        day_in_brackets: "## Scene 1: Opening (day)" => "1 Opening (day)";
    }

    forms! {
        length_in_heading: "## Scene 1: Opening (6s)\n- **Visual**: Dawn\n" => "1 Opening; duration: 6 s; visual: Dawn";
        range_in_heading: "## Scene 1: Opening (0:00–0:05)\n- **Visual**: Dawn\n" => "1 Opening; duration: 5 s; visual: Dawn";
        length_between_bars: "## Shot 1 | 0:04-0:09 | Opening\n- **Visual**: Dawn\n" => "1 Opening; duration: 5 s; visual: Dawn";
        length_in_square_brackets: "## Scene 1 [0:00-0:05] Opening\n- **Visual**: Dawn\n" => "1 Opening; duration: 5 s; visual: Dawn";
        wide_brackets: "## 镜头1：晨光（2.5秒）\n- 画面：海边\n" => "1 晨光; duration: 2.5 s; visual: 海边";
        underlined_heading: "Scene 1: Opening\n---\n- **Visual**: Dawn\n- **Duration**: 5s\n" => "1 Opening; duration: 5 s; visual: Dawn";
        gaps_and_any_order: "## Scene 30\n- **Visual**: A\n- **Duration**: 5s\n## Scene 10\n- **Visual**: B\n- **Duration**: 5s\n" => "30; duration: 5 s; visual: A\n10; duration: 5 s; visual: B";
        repeated_id: "## Scene 1\n- **Visual**: A\n- **Duration**: 5s\n## Scene 1\n- **Visual**: B\n- **Duration**: 5s\n" => "1; duration: 5 s; visual: A\n1; duration: 5 s; visual: B\n! duplicate-id";
        no_keyword_with_visual_field: "# Film\n## Opening\n- **Visual**: Dawn\n- **Duration**: 5s\n" => "opening Opening; duration: 5 s; visual: Dawn";
        no_keyword_with_prompt_field: "# Film\n## Opening\n- **Prompt**: Dawn\n" => "opening Opening; prompt: Dawn";
        no_keyword_with_image_prompt_field: "# Film\n## Opening\n- **Image prompt**: Dawn\n" => "opening Opening; image_prompt: Dawn";
        no_keyword_and_prose_only: "# Film\n## About\nA film about the sea.\n## Scene 1\n- **Visual**: Dawn\n- **Duration**: 5s\n" => "1; duration: 5 s; visual: Dawn";
        scene_overview_is_none: "## Scene overview\nAll of it.\n## Scene 1\n- **Visual**: Dawn\n- **Duration**: 5s\n" => "1; duration: 5 s; visual: Dawn";
        negative_prompt_is_none: "## Negative prompt\nblur\n## Scene 1\n- **Visual**: Dawn\n- **Duration**: 5s\n" => "1; duration: 5 s; visual: Dawn\n! film-wide-words";
        a_name_with_a_field_table: "## P01 - Intro spool\n| Field | Value |\n|---|---|\n| Visual | Dawn |\n| Duration | 5s |\n" => "P01 Intro spool; duration: 5 s; visual: Dawn";
        source_is_enough: "## Scene 1\n- **Duration**: 5s\n- **Source file**: refs/sea.mp4\n" => "1; duration: 5 s; file: refs/sea.mp4";
        image_prompt_is_enough: "## Scene 1\n- **Duration**: 5s\n- **Keyframe**: A lamp\n" => "1; duration: 5 s; image_prompt: A lamp";
    }
}

mod lengths {
    use super::*;

    macro_rules! lengths {
        ($($name:ident: $written:expr => $seconds:expr;)*) => {$(
            #[test]
            fn $name() {
                pretty(&length($written), &format!("1; duration: {} s; visual: Dawn", $seconds));
            }
        )*};
    }

    lengths! {
        seconds: "5s" => 5;
        spaced: "5 s" => 5;
        decimal: "8.0 s" => 8;
        words_and_frames: "5 seconds (150 frames)" => 5;
        chinese: "5秒" => 5;
        wide_brackets: "（2.5秒）" => 2.5;
        brackets: "(6s)" => 6;
        about: "~5 s" => 5;
        quoted: "\"12\"" => 12;
        bare_decimal: "3.0" => 3;
        bare: "5" => 5;
        comma: "2,5 s" => 2.5;
        minutes: "1:05" => 65;
        range_of_minutes: "0:00–0:05" => 5;
        range_of_seconds: "8.145-12.382" => 4.237;
        german: "5 Sekunden" => 5;
        dutch: "5 seconden" => 5;
        japanese: "5秒間" => 5;
    }

    forms! {
        minutes_seconds_frames: "---\nfps: 25\n---\n## Scene 1\n- **Visual**: Dawn\n- **Duration**: 0:12.07\n" => "1; duration: 12.28 s; visual: Dawn";
        no_frames_without_a_rate: &length("0:12.07") => "1; duration: 12.07 s; visual: Dawn";
        template: &length("Xs") => "1; visual: Dawn\n! placeholder";
    }
}

mod labels {
    use super::*;

    macro_rules! labels {
        ($($name:ident: $field:literal = $($label:literal)|+;)*) => {$(
            #[test]
            fn $name() {
                for label in [$($label),+] {
                    let text = field(&format!("- **{label}**: Quiet now"));
                    let found = read("film.md", &text);
                    assert!(found.contains(concat!("; ", $field, ": Quiet now")), "{label}: {found}");
                    assert!(!found.contains('!'), "{label}: {found}");
                }
            }
        )*};
    }

    labels! {
        action: "action" = "Action" | "What happens";
        camera: "camera" = "Camera" | "Movement" | "Camera movement" | "Move" | "运镜" | "カメラ" | "Kamera";
        shot: "shot" = "Shot type" | "Size" | "Framing" | "景别" | "Shot size";
        text: "text" = "Text" | "Text overlay" | "On-screen text" | "Caption" | "字幕";
        voiceover: "voiceover" = "Voiceover" | "VO" | "Narration" | "旁白" | "Voice-over";
        audio: "audio" = "Audio" | "Sound" | "Sound design" | "音声" | "Ton" | "Geluid";
        sfx: "sfx" = "SFX" | "Sound effects" | "音效" | "効果音";
        music: "music" = "Music" | "BGM" | "配乐";
        transition: "transition" = "Transition" | "Transition out" | "转场";
        transition_in: "transition_in" = "Transition in" | "transition_in";
        negative: "negative" = "Negative" | "Negative prompt" | "Avoid";
        lighting: "lighting" = "Lighting" | "Light";
        mood: "mood" = "Mood" | "Tone";
        style: "style" = "Style" | "Visual style";
        setting: "setting" = "Setting" | "Location" | "Environment";
        notes: "notes" = "Notes" | "备注" | "Notizen" | "Opmerkingen" | "メモ";
        status: "status" = "Status";
    }

    macro_rules! shown {
        ($($name:ident: $field:literal = $($label:literal)|+;)*) => {$(
            #[test]
            fn $name() {
                for label in [$($label),+] {
                    let text = format!("## Scene 1\n- **{label}**: Quiet now\n- **Duration**: 5s\n");
                    let found = read("film.md", &text);
                    assert!(found.contains(concat!("; ", $field, ": Quiet now")), "{label}: {found}");
                    assert!(!found.contains('!'), "{label}: {found}");
                }
            }
        )*};
    }

    shown! {
        visual: "visual" = "Visual" | "Description" | "Scene" | "Shot description" | "What animates" | "画面" | "内容"
            | "シーン説明" | "Beschreibung" | "Beschrijving" | "Beeld" | "Bild";
        prompt: "prompt" = "Prompt" | "Video prompt" | "Motion prompt";
        image_prompt: "image_prompt" = "Image prompt" | "Keyframe" | "Still prompt";
        video: "video" = "Video";
    }

    #[test]
    fn duration() {
        for label in [
            "Duration", "Length", "Dur", "Seconds", "Time", "Timing", "T", "时长", "时间", "尺",
            "Dauer", "Duur",
        ] {
            let text = format!("## Scene 1\n- **Visual**: Dawn\n- **{label}**: 5s\n");
            assert_eq!(read("film.md", &text), format!("1; {DAWN}"), "{label}");
        }
        let text = "## Scene 1\n- **Visual**: Dawn\n- **In and out**: 0:00-0:05\n";
        assert_eq!(read("film.md", text), format!("1; {DAWN}"));
    }

    forms! {
        spelling: "## Scene 1\n- **VISUAL**: Dawn\n- **clip_length**: 6\n- **textOverlay**: Hi\n- **🎥 camera move**: pan\n- **Duration**: 5s\n"
            => "1; duration: 5 s; clip_length: 6 s; visual: Dawn; camera: pan; text: Hi";
        dialogue: &field("- **Dialogue**: Ada: \"We are late.\"") => "1; duration: 5 s; visual: Dawn; dialogue: Ada: \"We are late.\"";
        chinese_dialogue: &field("- 台词：走吧") => "1; duration: 5 s; visual: Dawn; dialogue: 走吧";
        audio_words: &field("- **Audio**: SFX: waves") => "1; duration: 5 s; visual: Dawn; audio: SFX: waves";
        audio_switch: &field("- **Audio**: off") => "1; duration: 5 s; visual: Dawn; audio: Switch(false)";
        audio_file: &field("- **Audio**: refs/voice.mp3") => "1; duration: 5 s; visual: Dawn; audio: file refs/voice.mp3";
        image_prompt_path: &field("- **Image prompt**: refs/lamp.png") => "1; duration: 5 s; visual: Dawn; image_prompt: file refs/lamp.png";
        video_path: &field("- **Video**: refs/sea.mp4") => "1; duration: 5 s; visual: Dawn; video: file refs/sea.mp4";
        file: &field("- **Src**: refs/sea.mp4") => "1; duration: 5 s; visual: Dawn; file: refs/sea.mp4";
        reference_path: &field("- **Ref**: refs/ada.png") => "1; duration: 5 s; visual: Dawn; reference: file refs/ada.png";
        reference_link: &field("- **Image**: https://example.com/a.png") => "1; duration: 5 s; visual: Dawn; reference: link https://example.com/a.png";
        reference_scene: "## Scene 1\n- **Visual**: Dawn\n- **Duration**: 5s\n## Scene 2\n- **Visual**: Noon\n- **Duration**: 5s\n- **First frame**: scene:1\n"
            => "1; duration: 5 s; visual: Dawn\n2; duration: 5 s; visual: Noon; reference: last of 1";
        params: &field("- **Params**: cfg_scale=0.5; watermark=me") => "1; duration: 5 s; visual: Dawn; params: cfg_scale=0.5 & watermark=\"me\"";
        extends: "## Scene 1\n- **Visual**: Dawn\n- **Duration**: 5s\n## Scene 2\n- **Visual**: Noon\n- **Duration**: 5s\n- **Extends**: 1\n"
            => "1; duration: 5 s; visual: Dawn\n2; duration: 5 s; visual: Noon; extends: 1";
        kind: &field("- **Type**: video_clip") => "1; duration: 5 s; type: video_clip; visual: Dawn";
        still: &field("- **Type**: image") => "1; duration: 5 s; type: image; visual: Dawn";
        the_rest: &field("- **Takes**: 3\n- **Model**: Veo 3.1\n- **Resolution**: 1080p\n- **Aspect ratio**: 9:16\n- **Seed**: 7\n- **Characters**: Ada, Tom\n- **Last frame**: refs/end.png")
            => "1; duration: 5 s; model: Veo 3.1; visual: Dawn; characters: Ada & Tom; last_frame: file refs/end.png; aspect_ratio: 9:16; resolution: 1080p; seed: Integer(7); takes: Integer(3)";
        unknown: &field("- **Lens**: 35 mm") => "1; duration: 5 s; visual: Dawn; ?Lens: 35 mm\n! unknown-field";
    }
}

mod label_forms {
    use super::*;

    const CAMERA: &str = "1; duration: 5 s; visual: Dawn; camera: slow pan";

    forms! {
        bold_colon_outside: &field("- **Camera**: slow pan") => CAMERA;
        bold_colon_inside: &field("- **Camera:** slow pan") => CAMERA;
        star_bullet: &field("* **Camera**: slow pan") => CAMERA;
        plus_bullet: &field("+ **Camera**: slow pan") => CAMERA;
        no_bullet: &field("**Camera**: slow pan") => CAMERA;
        plain_bullet: &field("- Camera: slow pan") => CAMERA;
        plain_line: &field("\nCamera: slow pan") => CAMERA;
        wide_colon: &field("- **Camera**：slow pan") => CAMERA;
        underscores: &field("- __Camera__: slow pan") => CAMERA;
        italics: &field("- *Camera:* slow pan") => CAMERA;
        code: &field("- `Camera`: slow pan") => CAMERA;
        dash: &field("- **Camera** — slow pan") => CAMERA;
        numbered: &field("1. **Camera**: slow pan") => CAMERA;
        task: &field("- [x] **Camera**: slow pan") => CAMERA;
        all_bold: &field("- **Camera: slow pan**") => CAMERA;
        emoji: &field("🎥 Camera: slow pan") => CAMERA;
        emoji_in_bold: &field("**🎥 Camera:** slow pan") => CAMERA;
        quoted_line: &field("> **Camera**: slow pan") => CAMERA;
        value_in_bold: &field("- **Camera**: **slow pan**") => CAMERA;
        value_in_code: &field("- **Camera**: `slow pan`") => CAMERA;
        value_below: &field("\n**Camera**\n\nslow pan") => CAMERA;
        value_below_colon: &field("\n**Camera:**\nslow pan") => CAMERA;
        indented: &field("- **Camera**: slow\n  pan") => CAMERA;
        fence: &field("- **Camera**:\n  ```\n  slow pan\n  ```") => CAMERA;
        quote: &field("**Camera**:\n> slow pan") => CAMERA;
        sub_heading: &field("### Camera\nslow pan") => CAMERA;
        sub_heading_with_colon: &field("### Camera: slow pan") => CAMERA;
        two_on_a_line: "## Scene 1\n**Visual:** Dawn | **Duration:** 5s | **Camera:** slow pan\n" => CAMERA;
        yaml_block: "## Scene 1\n```yaml\nvisual: Dawn\nduration: 5\ncamera: slow pan\n```\n" => CAMERA;
        field_table: "## Scene 1\n| Field | Value |\n|---|---|\n| **Visual** | Dawn |\n| Duration | 5s |\n| Camera | slow pan |\n" => CAMERA;
        field_table_without_head: "## Scene 1\n| Visual | Dawn |\n|---|---|\n| Duration | 5s |\n| Camera | slow pan |\n" => CAMERA;
        table_of_one_row: "## Scene 1\n| Visual | Duration | Camera |\n|---|---|---|\n| Dawn | 5s | slow pan |\n" => CAMERA;
        bar_in_a_cell: "## Scene 1\n| Field | Value |\n|---|---|\n| Visual | Dawn \\| dusk over the sea |\n| Duration | 5s |\n" => "1; duration: 5 s; visual: Dawn | dusk over the sea";
        prose: "## Scene 1 (5s)\nDawn over\nthe sea.\n" => "1; duration: 5 s; visual: Dawn over the sea.";
        prose_beside_a_visual: &field("\nMind the tide.") => "1; duration: 5 s; visual: Dawn; notes: Mind the tide.";
        crlf: "## Scene 1\r\n- **Visual**: Dawn\r\n- **Duration**: 5s\r\n- **Camera**: slow pan\r\n" => CAMERA;
        byte_order_mark: "\u{feff}## Scene 1\n- **Visual**: Dawn\n- **Duration**: 5s\n- **Camera**: slow pan\n" => CAMERA;
        step: &field("### Extend\nThe camera drifts on") => "1; duration: 5 s; visual: Dawn; +extend(prompt: The camera drifts on)";
        step_with_value: &field("### Upscale: 4k") => "1; duration: 5 s; visual: Dawn; +upscale(resolution: 4k)";
        step_with_fields: &field("### Restyle\n- **Prompt**: as a woodcut\n- **Model**: Runway Aleph") => "1; duration: 5 s; visual: Dawn; +restyle(model: Runway Aleph; prompt: as a woodcut)";
    }
}

mod nothing {
    use super::*;

    macro_rules! nothing {
        ($($name:ident: $value:expr;)*) => {$(
            #[test]
            fn $name() {
                pretty(&field(&format!("- **Voiceover**: {}", $value)), &format!("1; {DAWN}"));
            }
        )*};
    }

    nothing! {
        empty: "";
        hyphen: "-";
        em_dash: "—";
        none: "none";
        none_with_a_stop: "None.";
        in_brackets: "(none)";
        not_applicable: "N/A";
        null: "null";
        chinese: "无";
        japanese: "なし";
        german: "keine";
        dutch: "geen";
    }

    forms! {
        template_text: &field("- **Text**: [Text to show, if any]") => "1; duration: 5 s; visual: Dawn\n! placeholder";
        template_choice: &field("- **Type**: image | video_clip") => "1; duration: 5 s; visual: Dawn\n! placeholder";
    }
}

mod layout {
    use super::*;

    forms! {
        overview_fills_gaps: "# Film\n\n| # | Duration | Camera | Visual |\n|---|---|---|---|\n| 1 | 6s | pan | sea |\n| 2 | 7s | tilt | rock |\n\n## Scene 1: Dawn\n- **Visual**: The sea at dawn\n\n## Scene 2\n- **Visual**: The rock\n- **Duration**: 7s\n"
            => "1 Dawn; duration: 6 s; visual: The sea at dawn; camera: pan\n2; duration: 7 s; visual: The rock; camera: tilt";
        overview_after_the_scenes: "## Scene 1\n- **Visual**: Dawn\n\n## Shot list\n| Scene | Duration | Camera |\n|---|---|---|\n| 1. First light | 5s | pan |\n"
            => "1 First light; duration: 5 s; visual: Dawn; camera: pan";
        overview_that_differs: "| Scene | Duration | Camera |\n|---|---|---|\n| 1 | 9s | pan |\n\n## Scene 1\n- **Visual**: Dawn\n- **Duration**: 5s\n"
            => "1; duration: 5 s; visual: Dawn; camera: pan\n! table-differs";
        overview_with_a_row_too_many: "| Scene | Duration | Camera |\n|---|---|---|\n| 1 | 5s | pan |\n| 2 | 5s | pan |\n| Total | 10s | |\n\n## Scene 1\n- **Visual**: Dawn\n"
            => "1; duration: 5 s; visual: Dawn; camera: pan\n! row-without-scene";
        overview_of_something_else: "| Character | Description |\n|---|---|\n| Ada | A keeper |\n\n## Scene 1\n- **Visual**: Dawn\n- **Duration**: 5s\n"
            => "1; duration: 5 s; visual: Dawn\n! table-ignored";
        table_of_shots: "| Shot | Duration | Visual |\n|---|---|---|\n| 1 | 5s | Dawn |\n" => "no storyboard\n! table-of-shots";
        shots_in_a_scene: "## Scene 2: Storm\n- **Lighting**: dusk\n### Shot 1\n- **Visual**: A wave\n- **Duration**: 3s\n### Shot 2\n- **Visual**: A rope\n- **Duration**: 4s\n"
            => "2.1; duration: 3 s; visual: A wave; lighting: dusk\n2.2; duration: 4 s; visual: A rope; lighting: dusk";
        appendix: "## Scene 1\n- **Visual**: Dawn\n- **Duration**: 5s\n\n## BGM structure\n- **Duration**: 60s\n- **Music**: strings\n" => "1; duration: 5 s; visual: Dawn";
        preamble: "# The Keeper\nA short film.\n- **Duration**: 60s\n\n## Scene 1\n- **Visual**: Dawn\n- **Duration**: 5s\n" => "1; duration: 5 s; visual: Dawn";
        globals: "# The Keeper\n- **Aspect ratio**: 9:16\n- **Style**: 35mm film\n- **Negative**: text\n- **Model**: Veo 3.1\n\n## Scene 1\n- **Visual**: Dawn\n- **Duration**: 5s\n"
            => "all; model: Veo 3.1; style: 35mm film; negative: text; aspect_ratio: 9:16\n1; duration: 5 s; visual: Dawn";
        global_table: "# The Keeper\n| Field | Value |\n|---|---|\n| Aspect ratio | 9:16 |\n| Style | 35mm film |\n\n## Scene 1\n- **Visual**: Dawn\n- **Duration**: 5s\n"
            => "all; style: 35mm film; aspect_ratio: 9:16\n1; duration: 5 s; visual: Dawn";
        front_matter_wins: "---\nstyle: ink\n---\n# The Keeper\n- **Style**: 35mm film\n\n## Scene 1\n- **Visual**: Dawn\n- **Duration**: 5s\n" => "all; style: ink\n1; duration: 5 s; visual: Dawn";
        fences_are_skipped: "## Scene 1\n- **Visual**: Dawn\n- **Duration**: 5s\n\n```js\n## Scene 2\n- **Visual**: code\n```\n" => "1; duration: 5 s; visual: Dawn";
        comments_are_skipped: "## Scene 1\n- **Visual**: Dawn\n- **Duration**: 5s\n<!-- ## Scene 2\n- **Visual**: not yet -->\n" => "1; duration: 5 s; visual: Dawn";
        a_table_of_labels_is_no_scene: "# Format\n## Fields\n| Field | Meaning |\n|---|---|\n| prompt | what is asked for |\n| visual | what is seen |\n" => "no storyboard\n! not-a-storyboard";
    }
}
