use super::*;

/// Every built-in style.
const STYLES: [&str; 5] = ["veo", "runway", "kling", "sora", "general"];

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
            Line {
                speaker: Some("ada".into()),
                words: "\"Not tonight.\"".into(),
                manner: String::new(),
            },
            Line { speaker: None, words: "Then when?".into(), manner: String::new() },
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
    let prompts: Vec<String> =
        STYLES.iter().map(|style| format!("{style}:\n{}", prompt(style, &scene()))).collect();
    insta::assert_snapshot!(prompts.join("\n\n"));
}

#[test]
fn with_a_picture_only_motion_is_described() {
    let input = PromptInput { from_image: true, will_be_extended: true, ..scene() };
    let prompts: Vec<String> =
        STYLES.iter().map(|style| format!("{style}:\n{}", prompt(style, &input))).collect();
    for prompt in &prompts {
        assert!(!prompt.contains("lighthouse") && !prompt.contains("oilskin"), "{prompt}");
    }
    insta::assert_snapshot!(prompts.join("\n\n"));
}

#[test]
fn without_sound_nothing_is_heard() {
    for style in STYLES {
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
    for style in STYLES {
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
    assert_eq!(templates.styles(), ["general", "kling", "mine", "runway", "sora", "veo"]);
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
    let letters = "{% for a in camera ~ visual %}{% for b in camera ~ visual %}{% for c in camera ~ visual %}x{% endfor %}{% endfor %}{% endfor %}";
    let endless = with(letters).expect("its syntax is right");
    assert!(compose(&endless, "veo", &scene()).is_err(), "fuel runs out");
    let files = with("{% include '/etc/passwd' %}");
    assert!(files.is_err(), "there is no way to files");
    let unknown = compose(&misspelt, "vio", &scene()).expect_err("no such style");
    assert_eq!(
        unknown,
        PromptError::UnknownStyle {
            style: "vio".into(),
            known: ["general", "kling", "runway", "sora", "veo"].map(String::from).into()
        }
    );
    let empty = compose(&Templates::built_in().expect("good"), "veo", &PromptInput::default());
    assert_eq!(empty, Err(PromptError::Empty { style: "veo".into() }));
}

fn own(text: &str) -> Result<String, PromptError> {
    let templates = Templates::with_overrides(&[("own".into(), text.into())])?;
    compose(&templates, "own", &scene())
}

/// Every way of growing without end that was thought of, each refused or ended by its fuel.
fn greedy_templates() -> Vec<(&'static str, String)> {
    let rows = |text: &str, times: usize| text.repeat(times);
    let doubled =
        |first: &str, step: &str, use_it: &str| format!("{first}{}{use_it}", rows(step, 60));
    vec![
        ("repetition", "{{ \"x\" * 1000000000 }}".into()),
        ("repetition of a list", "{{ ([1] * 1000000000)|join }}".into()),
        ("powers", "{{ 10 ** 300 }}".into()),
        (
            "doubling by ~",
            doubled("{% set a = visual %}", "{% set a = a ~ a %}", "{{ a }}"),
        ),
        (
            "doubling by +",
            doubled("{% set a = visual %}", "{% set a = a + a %}", "{{ a }}"),
        ),
        (
            "doubling in a block",
            doubled("{% set a = visual %}", "{% set a %}{{ a }}{{ a }}{% endset %}", "{{ a }}"),
        ),
        (
            "doubling by with",
            format!(
                "{{% set a = visual %}}{}{{{{ a }}}}{}",
                rows("{% with a = a ~ a %}", 40),
                rows("{% endwith %}", 40)
            ),
        ),
        (
            "doubling by a filter's argument",
            doubled("{% set a = visual %}", "{% set a = a|labelled(a) %}", "{{ a }}"),
        ),
        (
            "doubling by join",
            doubled("{% set a = visual %}", "{% set a = [a, a]|join(a) %}", "{{ a }}"),
        ),
        (
            "doubling by replace",
            doubled("{% set a = visual %}", "{% set a = a|replace(\"e\", a) %}", "{{ a }}"),
        ),
        (
            "doubling by default",
            doubled("{% set a = visual %}", "{% set a = (\"\"|default(a, true)) ~ a %}", "{{ a }}"),
        ),
        (
            "lists of lists",
            doubled("{% set a = [1] %}", "{% set a = [a, a] %}", "{{ a }}"),
        ),
        (
            "lists of lists, compared",
            doubled(
                "{% set a = [1] %}{% set b = [1] %}",
                "{% set a = [a, a] %}{% set b = [b, b] %}",
                "{{ a == b }}",
            ),
        ),
        (
            "lists of lists by filters",
            doubled("{% set a = visual %}", "{% set a = [a, a]|select %}", "{{ a }}"),
        ),
        (
            "lists of lists by loops",
            format!("{}{{{{ a }}}}{}", rows("{% for a in [[a, a]] %}", 40), rows("{% endfor %}", 40)),
        ),
        ("tuples", "{% for a in [(visual, visual)] %}{{ a }}{% endfor %}".into()),
        ("maps", "{% for a in [{\"x\": visual}] %}{{ a }}{% endfor %}".into()),
        ("constant lists", "{% for a in [[1, 2], [3]] %}{{ a }}{% endfor %}".into()),
        ("dict", doubled("", "{% set a = dict(x=a, y=a) %}", "{{ a }}")),
        (
            "a namespace in itself",
            "{% set n = namespace() %}{% set n.a = n %}{{ n }}".into(),
        ),
        (
            "a namespace that grows",
            "{% set n = namespace(a=visual) %}{% for x in range(99) %}{% set n.a = n.a ~ n.a %}{% endfor %}".into(),
        ),
        ("range", "{{ range(1000000000)|join }}".into()),
        (
            "loops in loops",
            format!(
                "{}{}{}",
                rows("{% for c in visual %}", 12),
                "x",
                rows("{% endfor %}", 12)
            ),
        ),
        (
            "loops in loops, kept",
            format!(
                "{{% set a %}}{}{}{}{{% endset %}}",
                rows("{% for c in visual %}", 8),
                "a long word ".repeat(2000),
                rows("{% endfor %}", 8)
            ),
        ),
        ("recursive loops", "{% for c in visual recursive %}{{ loop(visual) }}{% endfor %}".into()),
        ("chained", doubled("{% set a = [1] %}", "{% set a = a|chain(a) %}", "{{ a|length }}")),
        ("zipped", doubled("{% set a = [1] %}", "{% set a = a|zip(a) %}", "{{ a|length }}")),
        ("batches", "{{ [1]|batch(1000000000, 1)|join }}".into()),
        ("slices", "{{ [1]|slice(1000000000, 1)|join }}".into()),
        ("indents", "{{ visual|indent(999999999, true) }}".into()),
        ("centred", "{{ visual|center(999999999) }}".into()),
        ("widths", "{{ \"%999999999d\"|format(1) }}".into()),
        ("precisions", "{{ \"%.999999999f\"|format(1.0) }}".into()),
        ("printed", doubled("{% set a = [1] %}", "{% set a = [a, a] %}", "{{ a|pprint }}")),
        ("methods", "{{ visual.join(visual) }}".into()),
        ("calls", "{{ lipsum(99999999) }}{{ debug() }}".into()),
        ("filter blocks", "{% filter upper %}x{% endfilter %}".into()),
        ("macros", "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(1) }}".into()),
        ("files", "{% include \"/etc/passwd\" %}".into()),
        ("other files", "{% import \"../../etc/passwd\" as p %}".into()),
        ("parents", "{% extends \"veo\" %}".into()),
        ("deep negations", format!("{{{{ {}1 }}}}", rows("not ", 60_000))),
        ("deep signs", format!("{{{{ {}1 }}}}", rows("-", 60_000))),
        ("deep brackets", format!("{{{{ {}1{} }}}}", rows("(", 30_000), rows(")", 30_000))),
        ("deep sums", format!("{{{{ visual{} }}}}", rows("~visual", 9_000))),
        ("deep choices", format!("{{{{ {}1 }}}}", rows("1 if 0 else ", 5_000))),
        ("deep filters", format!("{{{{ visual{} }}}}", rows("|upper", 9_000))),
        ("deep attributes", format!("{{{{ visual{} }}}}", rows(".a", 30_000))),
        ("deep tests", format!("{{{{ visual{} }}}}", rows(" is defined", 5_000))),
        ("deep calls", format!("{{{{ visual{} }}}}", rows("()", 30_000))),
        (
            "deep elif",
            format!("{{% if 0 %}}{}{{% endif %}}", rows("{% elif 0 %}", 5_000)),
        ),
        ("deep if", format!("{}{}", rows("{% if 1 %}", 400), rows("{% endif %}", 400))),
        ("deep in a string", format!("{{{{ \"}}}}\" ~ {}1 }}}}", rows("-", 60_000))),
        ("deep after a raw block", format!("{{% raw %}}{{{{{{% endraw %}}{{{{ {}1 }}}}", rows("-", 60_000))),
        ("long", "word ".repeat(100_000)),
    ]
}

#[test]
fn no_template_grows_without_end() {
    for (name, text) in greedy_templates() {
        // A thread with the stack of a worker: what is too deep for it is refused, not met.
        let done = std::thread::spawn(move || own(&text)).join();
        let error = match done {
            Ok(Err(error)) => error,
            Ok(Ok(prompt)) => panic!("{name} made a prompt of {} bytes", prompt.len()),
            Err(_) => panic!("{name} panicked"),
        };
        assert!(matches!(error, PromptError::Template { .. }), "{name}: {error:?}");
        assert!(
            error.to_string().len() < 2500,
            "{name} is told in {} bytes",
            error.to_string().len()
        );
    }
}

#[test]
fn what_prompts_need_can_be_written() {
    for text in [
        "{% set place = setting or \"a rock\" %}{{ visual ~ \", \" ~ place|bare }}",
        "{% for word in [visual, setting]|select %}{{ loop.index }} {{ word|sentence }}{% endfor %}",
        "{% for c in characters if c.name != \"x\" %}{{ c|introduce }}{% else %}nobody{% endfor %}",
        "{% if shot in [\"wide\", \"medium\"] and \"sea\" not in visual|lower %}{{ shot[:3]|upper }}{% endif %}{{ visual }}",
        "{% with a = visual %}{{ a|replace(\"a\", \"the\")|capitalize|trim }}{% endwith %}",
        "{{ characters|length }} {{ dialogue[0].words }} {{ -1 }} {{ (characters|first).name }}",
        "{% set s %}{{ visual }}{% endset %}{{ s if s is defined and s is string else \"\" }}",
        "{% raw %}{{ * 5 }}{% endraw %}",
    ] {
        if let Err(error) = own(text) {
            panic!("{text}\n{error}");
        }
    }
}

#[test]
fn built_in_templates_keep_to_the_rules() {
    for style in STYLES {
        let path = format!("{}/catalog/prompts/{style}.jinja", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("a built-in template");
        own(&text).expect("the built-in templates need no more than anybody's own");
    }
}

#[test]
fn endless_words_are_refused() {
    let mut input = scene();
    input.fields.insert("visual".into(), "word ".repeat(100_000));
    let templates = Templates::built_in().expect("good");
    let error = compose(&templates, "veo", &input).expect_err("more than any model takes");
    assert!(matches!(error, PromptError::TooLong { bytes } if bytes >= 499_999), "{error}");
}

fn fields(fields: &[(&str, &str)]) -> BTreeMap<String, String> {
    fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// Scenes as authors write them, each with what tells it apart.
fn film() -> Vec<(&'static str, PromptInput)> {
    let ada = || {
        let look = "Ada, a woman of seventy with a long grey braid";
        vec![Cast { name: "ada".into(), look: look.into(), listed: true }]
    };
    let input = |words: &[(&str, &str)]| PromptInput {
        fields: fields(words),
        sound: true,
        ..PromptInput::default()
    };
    vec![
        (
            "one noun phrase",
            input(&[
                ("shot", "Extreme wide"),
                ("camera", "Slow aerial push-in"),
                ("visual", "A white lighthouse alone on a black basalt skerry"),
                ("setting", "Open North Atlantic, no land in sight"),
                ("lighting", "Last red light under a lid of cloud"),
                ("style", "35mm film, fine grain"),
                ("ambient", "Slow swell against rock"),
            ]),
        ),
        (
            "somebody acts",
            PromptInput {
                characters: ada(),
                dialogue: vec![Line {
                    speaker: Some("Ada".into()),
                    words: "Still burning.".into(),
                    manner: String::new(),
                }],
                ..input(&[
                    ("shot", "Medium close-up"),
                    ("camera", "Slow dolly in"),
                    (
                        "action",
                        "Ada strikes a match and lowers it to the mantle. The mantle catches.",
                    ),
                    ("setting", "The lamp room, inside a beehive of prisms"),
                    ("lighting", "Blue dark, then one flame"),
                    ("sfx", "Match strike, a steady hiss"),
                ])
            },
        ),
        (
            "subject and action",
            input(&[
                ("shot", "wide"),
                ("camera", "tracking beside her"),
                ("subject", "A woman in a yellow raincoat"),
                ("action", "walks along the pier, her scarf trailing behind her"),
                ("setting", "in heavy fog"),
                ("mood", "hushed"),
            ]),
        ),
        (
            "beats with times",
            input(&[
                ("camera", "static"),
                ("subject", "A girl in a red coat"),
                ("action", "0-3s: She stands still. 3-6s: She turns to the camera. 6-8s: A smile."),
                ("setting", "An empty platform"),
            ]),
        ),
        (
            "a sentence",
            PromptInput {
                will_be_extended: true,
                ..input(&[
                    ("shot", "Wide"),
                    ("camera", "Crane up the tower and over the lantern"),
                    (
                        "visual",
                        "Night storm. A wave climbs the whole height of the lighthouse and bursts",
                    ),
                    ("music", "One low cello note, held"),
                    ("negative", "text, logos"),
                ])
            },
        ),
        (
            "another language",
            input(&[("shot", "全景"), ("camera", "缓慢推进"), ("visual", "黎明时分礁石上的灯塔")]),
        ),
    ]
}

#[test]
fn prompts_read_well_in_every_style() {
    let mut out = String::new();
    for (what, input) in film() {
        for style in STYLES {
            out.push_str(&format!("{what}, {style}:\n{}\n", prompt(style, &input)));
        }
        let picture = PromptInput { from_image: true, ..input };
        for style in STYLES {
            out.push_str(&format!(
                "{what}, from a picture, {style}:\n{}\n",
                prompt(style, &picture)
            ));
        }
        out.push('\n');
    }
    insta::assert_snapshot!(out);
}

#[test]
fn every_word_of_a_prompt_has_its_origin() {
    for (what, input) in film() {
        for style in STYLES {
            let composed = prompt(style, &input);
            let pieces = pieces(&composed, &input);
            let letters =
                |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
            let told: String = pieces.iter().map(|piece| letters(&piece.words)).collect();
            assert_eq!(told, letters(&composed), "{what}, {style}");
            let of_author = pieces.iter().filter(|piece| piece.origin != Origin::Template);
            let words: usize = of_author.map(|piece| letters(&piece.words).len()).sum();
            assert!(words * 10 > told.len() * 6, "{what}, {style}: {pieces:#?}");
        }
    }
    let (_, input) = film().swap_remove(1);
    let pieces = pieces(&prompt("veo", &input), &input);
    let told: Vec<String> =
        pieces.iter().map(|piece| format!("{:?}: {}", piece.origin, piece.words)).collect();
    insta::assert_snapshot!(told.join("\n"));
}
