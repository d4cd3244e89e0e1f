use super::*;

fn scene() -> PromptInput {
    let fields = [
        ("shot", "wide"),
        ("camera", "slow dolly in"),
        ("visual", "A lone lighthouse on a basalt skerry.  Waves\nbreak."),
        ("action", "Ada climbs the last steps and lights the lamp"),
        ("setting", "North Sea, dawn"),
        ("lighting", "Cold blue light."),
        ("mood", "quiet"),
        ("style", "35mm film, soft grain"),
        ("sfx", "SFX: waves on rock"),
        ("ambient", "distant wind"),
    ];
    PromptInput {
        fields: fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        characters: vec![
            Cast {
                name: "ada".into(),
                look: "Ada, 60s, grey braid,  oilskin coat".into(),
                listed: false,
            },
            Cast { name: "ben".into(), look: "Ben, a boy of ten".into(), listed: false },
        ],
        dialogue: vec![
            Line { speaker: Some("ada".into()), words: "\"Not tonight.\"".into() },
            Line { speaker: None, words: "Then when?".into() },
        ],
        sound: true,
        ..PromptInput::default()
    }
}

fn prompt(style: &str, input: &PromptInput) -> String {
    let templates = Templates::built_in().expect("the embedded templates are right");
    compose(&templates, style, input).expect("a prompt")
}

#[test]
fn every_style_composes_a_full_scene() {
    let prompts: Vec<String> = ["veo", "kling", "general"]
        .iter()
        .map(|style| format!("{style}:\n{}", prompt(style, &scene())))
        .collect();
    insta::assert_snapshot!(prompts.join("\n\n"));
}

#[test]
fn with_a_picture_only_motion_is_described() {
    let input = PromptInput { from_image: true, will_be_extended: true, ..scene() };
    let prompts: Vec<String> = ["veo", "kling", "general"]
        .iter()
        .map(|style| format!("{style}:\n{}", prompt(style, &input)))
        .collect();
    for prompt in &prompts {
        assert!(!prompt.contains("lighthouse") && !prompt.contains("oilskin"), "{prompt}");
    }
    insta::assert_snapshot!(prompts.join("\n\n"));
}

#[test]
fn without_sound_nothing_is_heard() {
    for style in ["veo", "kling", "general"] {
        let prompt = prompt(style, &PromptInput { sound: false, ..scene() });
        for word in ["waves on rock", "says", "subtitles", "music"] {
            assert!(!prompt.contains(word), "{style}: {prompt}");
        }
    }
}

#[test]
fn a_small_scene_is_a_small_prompt() {
    let fields = BTreeMap::from([("visual".to_owned(), "A lamp".to_owned())]);
    let input = PromptInput { fields, sound: true, ..PromptInput::default() };
    assert_eq!(prompt("veo", &input), "A lamp.");
    assert_eq!(prompt("kling", &input), "A lamp. Static camera.");
    assert_eq!(prompt("general", &input), "A lamp.");
    let picture = PromptInput { from_image: true, ..input };
    assert_eq!(prompt("veo", &picture), "A lamp.", "there is no other word for the motion");
}

#[test]
fn music_is_named_or_kept_out_of_dialogue() {
    let mut input = scene();
    assert!(prompt("veo", &input).contains(" No background music. Ada says: Not tonight."));
    input.fields.insert("music".into(), "soft piano".into());
    let with = prompt("veo", &input);
    assert!(with.contains("Music: soft piano.") && !with.contains("No background music"), "{with}");
    input.fields.remove("music");
    input.dialogue.clear();
    let without = prompt("veo", &input);
    assert!(!without.contains("music") && !without.contains("subtitles"), "{without}");
}

#[test]
fn looks_are_for_characters_in_the_scene() {
    let mut input = scene();
    assert!(prompt("veo", &input).contains("Ada, 60s, grey braid, oilskin coat."));
    assert!(!prompt("veo", &input).contains("a boy of ten"));
    input.characters[1].listed = true;
    assert!(prompt("veo", &input).contains("Ben, a boy of ten."));
    assert!(names("Ada's lamp", "ada") && names("艾达点灯", "艾达") && names("x, ADA.", "Ada"));
    assert!(!names("A parade", "ada") && !names("anything", ""));
}

#[test]
fn the_authors_own_prompt_is_never_touched() {
    let own = "  two  spaces..\nand a line ";
    let input = PromptInput { prompt: Some(own.to_owned()), will_be_extended: true, ..scene() };
    assert_eq!(prompt("veo", &input), own);
    assert_eq!(prompt("no such style", &input), own);
}

#[test]
fn prompts_are_plain_text_on_one_line() {
    let mut input = scene();
    input.fields.insert("visual".into(), "A\u{1b}[31m lamp..\r\n\tGlow... still.".into());
    for style in ["veo", "kling", "general"] {
        let prompt = prompt(style, &input);
        assert!(prompt.contains("A [31m lamp. Glow... still."), "{prompt}");
        assert!(!prompt.contains("  ") && !prompt.contains(char::is_control), "{prompt}");
        assert_eq!(prompt, super::tests::prompt(style, &input), "the same input, the same prompt");
    }
}

#[test]
fn a_project_can_override_templates() {
    let text = "{{ visual|sentence }} Shot on {{ style }}.";
    let templates = Templates::with_overrides(&[
        ("veo".into(), text.into()),
        ("mine".into(), "{{ camera }}".into()),
    ])
    .expect("good templates");
    let composed = compose(&templates, "veo", &scene()).expect("a prompt");
    assert_eq!(
        composed,
        "A lone lighthouse on a basalt skerry. Waves break. Shot on 35mm film, soft grain."
    );
    assert_eq!(compose(&templates, "mine", &scene()).as_deref(), Ok("slow dolly in"));
    assert_eq!(templates.digest("kling"), None);
    assert_eq!(
        templates.digest("mine").as_deref(),
        Some("e97898530b3a91639aa36c62933f5d69a972758bd631f2a10e5bc66d0cfe04b5")
    );
    assert_eq!(templates.styles(), ["general", "kling", "mine", "veo"]);
}

#[test]
fn template_errors_name_their_line() {
    let with = |text: &str| Templates::with_overrides(&[("veo".into(), text.into())]);
    let syntax = with("{{ camera }}\n{% if %}").expect_err("no expression");
    assert!(matches!(&syntax, PromptError::Template { line: Some(2), .. }), "{syntax}");
    assert!(syntax.to_string().starts_with("veo.jinja:2: "), "{syntax}");
    let misspelt = with("{{ camera }}\n\n{{ camra }}").expect("its syntax is right");
    let error = compose(&misspelt, "veo", &scene()).expect_err("no such variable");
    assert!(matches!(&error, PromptError::Template { line: Some(3), .. }), "{error}");
    let endless =
        with("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}")
            .expect("its syntax is right");
    assert!(compose(&endless, "veo", &scene()).is_err(), "fuel runs out");
    let files = with("{% include '/etc/passwd' %}");
    assert!(files.is_err(), "there is no way to files");
    let unknown = compose(&misspelt, "vio", &scene()).expect_err("no such style");
    assert_eq!(
        unknown,
        PromptError::UnknownStyle {
            style: "vio".into(),
            known: vec!["general".into(), "kling".into(), "veo".into()]
        }
    );
    let empty = compose(&Templates::built_in().expect("good"), "veo", &PromptInput::default());
    assert_eq!(empty, Err(PromptError::Empty { style: "veo".into() }));
}
