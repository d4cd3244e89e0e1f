//! Reading storyboards: what people write, what it means, and what is said where it is wrong.

use std::path::PathBuf;
use storyreel::source::{Diagnostic, Source};
use storyreel::storyboard::{self, Field, Fields, FrameOf, Input, Step, Storyboard, Value};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Problems, a line each: `3:5 error code: message | label | hint`.
fn rendered(source: &Source, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for problem in diagnostics {
        let severity = if problem.is_error() { "error" } else { "warning" };
        out.push_str(&format!(
            "{} {severity} {}: {} | {} | {}\n",
            source.position(problem.span.start),
            problem.code,
            problem.message,
            problem.label,
            problem.hint.as_deref().unwrap_or_default(),
        ));
        for (span, label) in &problem.related {
            out.push_str(&format!("    {} {label}\n", source.position(span.start)));
        }
    }
    out
}

/// Reads a file of this repository that has no problems at all.
fn clean(path: &str) -> Storyboard {
    let source = Source::read(&root().join(path)).expect("the file is there");
    let reading = storyboard::read(&source);
    assert_eq!(rendered(&source, &reading.diagnostics), "", "{path}");
    reading.storyboard.expect("a storyboard")
}

/// A storyboard in a few lines, without places: what two spellings of one film have in common.
fn described(storyboard: &Storyboard) -> String {
    let mut out = String::new();
    if let Some(title) = &storyboard.title {
        out.push_str(&format!("title: {}\n", title.value));
    }
    describe_fields(&mut out, "default ", &storyboard.defaults);
    describe_steps(&mut out, "default ", storyboard.default_steps.as_deref());
    for character in &storyboard.characters {
        let look = character.look.as_ref().map(|look| look.value.as_str());
        let images: Vec<String> =
            character.images.iter().map(|image| input(&image.value)).collect();
        out.push_str(&format!("character {}: {look:?} {images:?}\n", character.name.value));
    }
    for scene in &storyboard.scenes {
        let title = scene.title.as_ref().map(|title| title.value.as_str()).unwrap_or_default();
        out.push_str(&format!("\nscene {:?} {title}\n", scene.id));
        describe_fields(&mut out, "  ", &scene.fields);
        describe_steps(&mut out, "  ", scene.steps.as_deref());
        for (label, text) in &scene.unknown {
            out.push_str(&format!("  unknown {}: {text}\n", label.value));
        }
    }
    out
}

fn describe_fields(out: &mut String, indent: &str, fields: &Fields) {
    for (field, value) in fields.iter() {
        let value = match &value.value {
            Value::Text(text) => format!("{text:?}"),
            Value::Seconds(seconds) => format!("{seconds} s"),
            Value::Inputs(inputs) => inputs.iter().map(input).collect::<Vec<_>>().join(", "),
            Value::Params(params) => params
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
                .join(", "),
            other => format!("{other:?}"),
        };
        out.push_str(&format!("{indent}{}: {value}\n", field.name()));
    }
}

fn describe_steps(out: &mut String, indent: &str, steps: Option<&[Step]>) {
    if steps.is_some_and(<[Step]>::is_empty) {
        out.push_str(&format!("{indent}no steps\n"));
    }
    for step in steps.into_iter().flatten() {
        out.push_str(&format!("{indent}step {}\n", step.kind));
        describe_fields(out, &format!("{indent}  "), &step.fields);
    }
}

fn input(input: &Input) -> String {
    match input {
        Input::Path(path) => format!("path {path}"),
        Input::Url(url) => format!("url {url}"),
        Input::Asset(asset) => format!("asset {asset}"),
        Input::Scene { id, frame } => match frame {
            FrameOf::Last => format!("last frame of {id}"),
            FrameOf::First => format!("first frame of {id}"),
            FrameOf::Keyframe => format!("keyframe of {id}"),
        },
    }
}

/// Every fixture with what is read from it and what is said about it.
#[test]
fn fixtures_read_as_recorded() {
    let folder = root().join("tests/fixtures/storyboards");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder is there")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.ends_with(".snap") && !name.ends_with(".new"))
        .collect();
    names.sort();
    assert!(names.len() >= 12, "{names:?}");
    for name in names {
        let text = std::fs::read_to_string(folder.join(&name)).expect("the fixture is text");
        let source = Source::new(name.clone(), text);
        let reading = storyboard::read(&source);
        let storyboard = reading.storyboard.as_ref().map(described);
        let shown = format!(
            "{}\n{}",
            storyboard.as_deref().unwrap_or("no storyboard\n"),
            rendered(&source, &reading.diagnostics)
        );
        insta::with_settings!({
            snapshot_path => "../fixtures/storyboards",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, shown);
        });
    }
}

#[test]
fn the_examples_have_no_problems() {
    for (path, scenes) in [
        ("examples/storyboards/skerry-light/SCENES.md", 8),
        ("examples/storyboards/paper-boat/storyboard.yaml", 6),
        ("examples/storyboards/videoflow/SCENES.md", 5),
    ] {
        let storyboard = clean(path);
        assert_eq!(storyboard.scenes.len(), scenes, "{path}");
        assert!(storyboard.title.is_some(), "{path}");
    }
}

fn schema() -> serde_json::Value {
    let catalog = storyreel::catalog::Catalog::built_in().expect("the built-in catalogue");
    storyboard::schema(&storyreel::report::choices(&catalog))
}

/// Run with `STORYREEL_UPDATE=1` to write the file anew; `storyreel schema storyboard` prints the same.
#[test]
fn the_committed_schema_is_the_generated_one() {
    let path = root().join("schemas/storyboard.schema.json");
    let generated = serde_json::to_string_pretty(&schema()).expect("JSON") + "\n";
    if std::env::var_os("STORYREEL_UPDATE").is_some() {
        std::fs::write(&path, &generated).expect("the schema can be written");
    }
    let committed = std::fs::read_to_string(&path).expect("the schema is there");
    assert!(
        committed == generated,
        "schemas/storyboard.schema.json is out of date: run this test with STORYREEL_UPDATE=1"
    );
}

#[test]
fn the_schema_takes_what_the_reader_takes() {
    let schema = schema();
    let validator = jsonschema::validator_for(&schema).expect("the schema is a schema");
    for path in
        ["examples/storyboards/paper-boat/storyboard.yaml", "tests/fixtures/storyboards/map.yaml"]
    {
        let text = std::fs::read_to_string(root().join(path)).expect("the file is there");
        let instance: serde_json::Value = serde_saphyr::from_str(&text).expect("YAML");
        let problems: Vec<String> =
            validator.iter_errors(&instance).map(|problem| problem.to_string()).collect();
        assert_eq!(problems, Vec::<String>::new(), "{path}");
    }
    for wrong in [
        serde_json::json!({"title": "no scenes"}),
        serde_json::json!({"scenes": [{"camra": "pan"}]}),
        serde_json::json!({"scenes": [{"duration": -1}]}),
        serde_json::json!({"scenes": [{"type": "imgae"}]}),
        serde_json::json!({"scenes": [{"steps": [{"extend": "a", "upscale": "4k"}]}]}),
        serde_json::json!({"scenes": []}),
    ] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
}

fn read_text(name: &str, text: &str) -> (Source, storyboard::Reading) {
    let source = Source::new(name, text);
    let reading = storyboard::read(&source);
    (source, reading)
}

/// What a text means, and how many problems of each kind it has.
fn meaning(name: &str, text: &str) -> (String, Vec<&'static str>) {
    let (_, reading) = read_text(name, text);
    let mut codes: Vec<_> = reading.diagnostics.iter().map(|problem| problem.code).collect();
    codes.sort_unstable();
    (reading.storyboard.as_ref().map(described).unwrap_or_default(), codes)
}

/// Every Markdown document of the fixtures and examples, with line feeds only.
fn markdown_documents() -> Vec<(String, String)> {
    let mut documents = Vec::new();
    let examples =
        ["skerry-light", "videoflow"].map(|name| format!("examples/storyboards/{name}/SCENES.md"));
    let fixtures =
        std::fs::read_dir(root().join("tests/fixtures/storyboards")).expect("the folder is there");
    let fixtures = fixtures
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".md"))
        .map(|name| format!("tests/fixtures/storyboards/{name}"));
    for path in fixtures.chain(examples) {
        let text = std::fs::read_to_string(root().join(&path)).expect("the file is there");
        documents
            .push((path, text.replace("\r\n", "\n").trim_start_matches('\u{feff}').to_owned()));
    }
    assert!(documents.len() > 14);
    documents
}

/// Lines that are neither front matter nor inside a fence, by index.
fn open_lines(text: &str) -> Vec<bool> {
    let mut fence: Option<String> = None;
    let mut front = text.starts_with("---\n");
    let mut open = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        let trimmed = line.trim_start();
        if front {
            front = index == 0 || line.trim_end() != "---";
            open.push(false);
            continue;
        }
        match &fence {
            Some(mark) => {
                open.push(false);
                if trimmed.starts_with(mark.as_str()) {
                    fence = None;
                }
            }
            None if trimmed.starts_with("```") || trimmed.starts_with("~~~") => {
                let mark = trimmed.chars().next().unwrap_or('`');
                fence = Some(trimmed.chars().take_while(|c| *c == mark).collect());
                open.push(true);
            }
            None => open.push(true),
        }
    }
    open
}

#[test]
fn a_film_means_the_same_in_markdown_yaml_and_json() {
    let folder = root().join("tests/fixtures/storyboards");
    let markdown = std::fs::read_to_string(folder.join("twin.md")).expect("the fixture is there");
    let yaml = std::fs::read_to_string(folder.join("twin.yaml")).expect("the fixture is there");
    let expected = meaning("twin.md", &markdown);
    assert!(expected.0.contains("hook"));
    assert_eq!(meaning("twin.yaml", &yaml), expected);
    let json: serde_json::Value = serde_saphyr::from_str(&yaml).expect("YAML");
    assert_eq!(meaning("twin.json", &json.to_string()), expected);
    assert_eq!(meaning("twin", &serde_json::to_string_pretty(&json).expect("JSON")), expected);
}

#[test]
fn line_breaks_and_byte_order_marks_change_nothing() {
    for (path, text) in markdown_documents() {
        let expected = meaning(&path, &text);
        assert_eq!(meaning(&path, &text.replace('\n', "\r\n")), expected, "{path} with CRLF");
        assert_eq!(meaning(&path, &format!("\u{feff}{text}")), expected, "{path} with a mark");
        assert_eq!(meaning(&path, text.trim_end()), expected, "{path} without a last line break");
    }
    for path in
        ["examples/storyboards/paper-boat/storyboard.yaml", "tests/fixtures/storyboards/twin.yaml"]
    {
        let text = std::fs::read_to_string(root().join(path)).expect("it is there");
        let expected = meaning(path, &text);
        assert_eq!(meaning(path, &text.replace('\n', "\r\n")), expected, "{path} with CRLF");
        assert_eq!(meaning(path, &format!("\u{feff}{text}")), expected, "{path} with a mark");
    }
}

#[test]
fn comments_and_trailing_spaces_change_nothing() {
    for (path, text) in markdown_documents() {
        let expected = meaning(&path, &text);
        let open = open_lines(&text);
        let mut commented = String::new();
        let mut spaced = String::new();
        for (line, open) in text.split('\n').zip(open) {
            if open {
                commented.push_str("<!-- ## Scene 77\n- **Visual**: nothing -->\n");
            }
            commented.push_str(line);
            commented.push('\n');
            spaced.push_str(line);
            spaced.push_str(if open { "   \n" } else { "\n" });
        }
        assert_eq!(meaning(&path, &commented), expected, "{path} with comments");
        assert_eq!(meaning(&path, &spaced), expected, "{path} with trailing spaces");
    }
}

#[test]
fn wrapping_changes_nothing() {
    for name in ["skerry-light", "videoflow"] {
        let path = format!("examples/storyboards/{name}/SCENES.md");
        let text = std::fs::read_to_string(root().join(&path)).expect("the example is there");
        let expected = meaning(&path, &text);
        for width in [1, 2, 5, 11] {
            let mut wrapped = String::new();
            for line in text.split('\n') {
                let Some(field) = line.strip_prefix("- **") else {
                    wrapped.push_str(line);
                    wrapped.push('\n');
                    continue;
                };
                let (label, value) = field.split_once(": ").expect("a field has a value");
                wrapped.push_str(&format!("- **{label}:"));
                for (index, word) in value.split(' ').enumerate() {
                    let breaks = index % width == 0 && index > 0 && !word.contains(':');
                    wrapped.push_str(if breaks { "\n  " } else { " " });
                    wrapped.push_str(word);
                }
                wrapped.push('\n');
            }
            assert_eq!(meaning(&path, &wrapped), expected, "{path} at {width} words a line");
        }
    }
}

#[test]
fn the_order_of_fields_changes_nothing() {
    let path = "examples/storyboards/videoflow/SCENES.md";
    let text = std::fs::read_to_string(root().join(path)).expect("the example is there");
    let expected = meaning(path, &text);
    let mut turned = Vec::new();
    let mut fields = Vec::new();
    for line in text.lines() {
        if line.starts_with("- ") {
            fields.push(line);
        } else {
            turned.extend(fields.drain(..).rev());
            turned.push(line);
        }
    }
    turned.extend(fields.drain(..).rev());
    let turned = turned.join("\n");
    assert_ne!(turned.trim(), text.trim());
    assert_eq!(meaning(path, &turned), expected);
}

/// Letters and digits only: what a value and its place must have in common, whatever marks and breaks lie between.
fn bones(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

#[test]
fn every_place_holds_the_words_it_claims() {
    let mut checked = 0;
    let mut documents = markdown_documents();
    for path in
        ["tests/fixtures/storyboards/twin.yaml", "examples/storyboards/paper-boat/storyboard.yaml"]
    {
        documents.push((
            path.to_owned(),
            std::fs::read_to_string(root().join(path)).expect("it is there"),
        ));
    }
    for (path, text) in documents {
        let (source, reading) = read_text(&path, &text);
        let Some(storyboard) = reading.storyboard else { continue };
        let steps = storyboard.scenes.iter().flat_map(|scene| scene.steps.iter().flatten());
        let fields = std::iter::once(&storyboard.defaults)
            .chain(storyboard.scenes.iter().map(|scene| &scene.fields))
            .chain(steps.map(|step| &step.fields));
        for (field, value) in fields.flat_map(|fields| fields.iter()) {
            // Types and ratios have one spelling whatever was written; notes are gathered from several places.
            if matches!(field, Field::Kind | Field::AspectRatio | Field::Notes) {
                continue;
            }
            let written = bones(source.slice(value.span));
            match &value.value {
                Value::Text(words) => assert_eq!(written, bones(words), "{path}: {field:?}"),
                Value::Names(names) => {
                    assert_eq!(written, bones(&names.concat()), "{path}: {field:?}")
                }
                Value::Integer(number) => {
                    assert_eq!(written, number.to_string(), "{path}: {field:?}")
                }
                _ => assert!(!written.is_empty(), "{path}: {field:?}"),
            }
            checked += 1;
        }
        for scene in &storyboard.scenes {
            if let Some(title) = &scene.title {
                assert_eq!(source.slice(title.span), title.value, "{path}");
            }
            for (label, _) in &scene.unknown {
                assert_eq!(source.slice(label.span), label.value, "{path}");
            }
            assert!(!source.slice(scene.span).is_empty(), "{path}");
        }
    }
    assert!(checked > 150, "{checked}");
}

/// Everything that any document must keep to: places inside the text, and messages that a terminal only shows.
fn assert_sound(name: &str, text: &str) {
    let (source, reading) = read_text(name, text);
    for problem in &reading.diagnostics {
        for span in problem.related.iter().map(|(span, _)| *span).chain([problem.span]) {
            assert!(text.get(span.range()).is_some(), "{problem:?}");
        }
        let words = [Some(&problem.message), Some(&problem.label), problem.hint.as_ref()];
        for words in words.into_iter().flatten() {
            assert!(!words.chars().any(char::is_control), "{words:?}");
        }
    }
    let places: Vec<usize> = reading.diagnostics.iter().map(|problem| problem.span.start).collect();
    assert!(places.is_sorted(), "{places:?}");
    let errors = reading.diagnostics.iter().any(Diagnostic::is_error);
    assert!(reading.storyboard.is_some() || errors, "nothing was read and nothing said");
    for scene in reading.storyboard.iter().flat_map(|storyboard| &storyboard.scenes) {
        assert!(
            text.get(scene.span.range()).is_some() && text.get(scene.id_span.range()).is_some()
        );
        for (_, value) in scene.fields.iter() {
            assert!(text.get(value.span.range()).is_some(), "{value:?}");
            if let Value::Text(words) = &value.value {
                assert!(!words.contains(['\0', '\u{1b}', '\r']) && !words.is_empty(), "{words:?}");
            }
        }
    }
    let _ = rendered(&source, &reading.diagnostics);
}

const FRAGMENTS: &[&str] = &[
    "## Scene 1",
    "## Scene 2: A (5s)",
    "### Shot 1",
    "### Extend",
    "### Prompt",
    "# T",
    "## ",
    "镜头1：晨光",
    "- **Visual**: ",
    "- **Camera**: pan",
    "**Prompt:**",
    "**Audio:** on | **Seed:** 3",
    "Duration: 0:00-0:05",
    "- **Characters**: [a, b]",
    "- **Foo**: bar",
    "- Ada: hi",
    "  - SFX: x",
    "> ",
    "```",
    "```yaml",
    "~~~",
    "---",
    "| a | b |",
    "|---|---|",
    "<!--",
    "-->",
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    " ",
    "  ",
    "\t",
    "：",
    "\u{feff}",
    "\0",
    "\u{1b}[2J",
    "\u{202e}",
    "**",
    "`",
    "*",
    "_",
    "[",
    "]",
    "(",
    ")",
    "\\",
    "=",
    "===",
    "é",
    "🎬",
    "scenes:",
    "\n  - id: 1",
    "\n    visual: x",
    "defaults:",
    "{",
    "}",
    "&a ",
    "*a",
    "<<: ",
    "|",
    ">-",
    "\"",
    "'",
    "title: x",
    "- ",
    "? ",
    "!!str ",
    "scene:1",
    "none",
    "Xs",
    "1.",
    "5s",
    "%YAML 1.2",
];

proptest::proptest! {
    #[test]
    fn no_document_breaks_the_reader(parts in proptest::collection::vec(proptest::sample::select(FRAGMENTS), 0..40)) {
        let text = parts.concat();
        for name in ["a.md", "a.yaml", "a.txt"] {
            assert_sound(name, &text);
        }
    }

    #[test]
    fn no_text_breaks_the_reader(text in "(?s).{0,200}") {
        for name in ["a.md", "a.yaml", "a"] {
            assert_sound(name, &text);
        }
    }

    /// Written in any of its forms, a field has the words it was given, at the place where they stand.
    #[test]
    fn fields_keep_their_words(
        words in proptest::collection::vec("[a-z]{1,8}", 1..12),
        form in 0..11_usize,
        crlf in proptest::bool::ANY,
    ) {
        let value = format!("{} end", words.join(" "));
        let line = match form {
            0 => format!("- **Visual**: {value}"),
            1 => format!("- **Visual:** {value}"),
            2 => format!("**Visual**: {value}"),
            3 => format!("Visual: {value}"),
            4 => format!("* Visual: {value}"),
            5 => format!("**Visual**：{value}"),
            6 => format!("### Visual\n\n{value}"),
            7 => format!("| Field | Value |\n|---|---|\n| **Visual** | {value} |"),
            8 => format!("| Visual | {value} |\n|:--|--:|\n| Camera | slow pan |"),
            9 => format!("| Camera | Visual |\n|---|---|\n| slow pan | {value}|"),
            _ => format!("**Visual:**\n\n> {value}"),
        };
        let text = format!("## Scene 1\n\n{line}\n");
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        let (source, reading) = read_text("a.md", &text);
        proptest::prop_assert!(reading.diagnostics.is_empty(), "{:?}", reading.diagnostics);
        let storyboard = reading.storyboard.unwrap_or_default();
        let visual = storyboard.scenes[0].fields.get(Field::Visual);
        let visual = visual.map(|visual| (&visual.value, source.slice(visual.span)));
        proptest::prop_assert_eq!(visual, Some((&Value::Text(value.clone()), value.as_str())));
    }
}

/// The line scanner and a full Markdown parser agree on what is a heading.
#[test]
fn headings_are_those_of_commonmark() {
    use pulldown_cmark::{Event, Options, Parser, Tag};
    for (path, text) in markdown_documents() {
        let body = match text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n")) {
            Some((_, body)) => body.to_owned(),
            None => text,
        };
        let marked = Parser::new_ext(&body, Options::ENABLE_TABLES)
            .into_offset_iter()
            .filter_map(|(event, range)| {
                matches!(event, Event::Start(Tag::Heading { .. })).then_some(range)
            })
            .map(|range| {
                body[range].lines().next().unwrap_or_default().trim_matches(['#', ' ']).to_owned()
            });
        let marked: Vec<String> = marked.collect();
        let open = open_lines(&body);
        let scanned: Vec<String> = body
            .split('\n')
            .zip(open)
            .filter(|(line, open)| *open && line.starts_with('#'))
            .map(|(line, _)| line.trim_matches(['#', ' ']).to_owned())
            .collect();
        assert_eq!(marked, scanned, "{path}");
    }
}

/// Each of these took a parser somewhere down. Here they must end, and quickly.
#[test]
fn hostile_documents_end_quickly() {
    let bomb = {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..30 {
            let alias = format!("*a{}", level - 1);
            text.push_str(&format!("a{level}: &a{level} [{}]\n", [alias.as_str(); 9].join(", ")));
        }
        text + "scenes: [{visual: x}]\n"
    };
    let scene = "## Scene 1\n- **Visual**: x\n";
    for (what, name, text) in [
        ("a long line", "a.md", format!("{scene}- **Camera**: {}", "x".repeat(1_000_000))),
        ("a long line of words", "a.md", format!("{scene}- **Camera**: {}", "x ".repeat(500_000))),
        ("a long heading", "a.md", format!("{scene}## {}", "Scene (".repeat(150_000))),
        ("stars", "a.md", format!("{scene}{}", "**".repeat(500_000))),
        ("bold parts", "a.md", format!("{scene}**Camera:** {}", "| **x** ".repeat(100_000))),
        ("quotes", "a.md", format!("{scene}{}", ">".repeat(1_000_000))),
        ("nested bullets", "a.md", format!("{scene}{}", "- ".repeat(500_000))),
        ("bars", "a.md", format!("{scene}{}\n|---|\n", "|".repeat(1_000_000))),
        ("comments", "a.md", format!("{scene}{}", "<!-- -->`".repeat(100_000))),
        ("open comments", "a.md", format!("{scene}`{}`", "<!--".repeat(200_000))),
        ("brackets", "a.md", format!("{scene}- **Reference**: {}", "[](".repeat(300_000))),
        ("colons", "a.md", format!("{scene}{}", ":".repeat(1_000_000))),
        ("one scene a line", "a.md", "## Scene 1\n".repeat(50_000)),
        ("headings", "a.md", "# a\n## b\n### c\n#### d\n##### e\n###### f\n".repeat(20_000)),
        (
            "unknown labels",
            "a.md",
            (0..50_000).fold(scene.to_owned(), |text, i| text + &format!("- **l{i}x**: y\n")),
        ),
        ("fences", "a.md", format!("{scene}{}", "```yaml\na: b\n```\n".repeat(50_000))),
        ("nulls", "a.md", format!("{scene}{}", "\0".repeat(1_000_000))),
        ("alias bomb", "a.yaml", bomb.clone()),
        ("alias bomb in front", "a.md", format!("---\n{bomb}---\n{scene}")),
        (
            "text bomb",
            "a.yaml",
            format!("a: &a {}\nb: [{}]\n", "x".repeat(500_000), "*a, ".repeat(5_000)),
        ),
        ("deep lists", "a.yaml", "[".repeat(200_000)),
        ("deep maps", "a.yaml", "{a: ".repeat(200_000)),
        (
            "deep blocks",
            "a.yaml",
            (0..2_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(),
        ),
        ("dashes", "a.yaml", "- ".repeat(300_000)),
        ("a long scalar", "a.yaml", format!("scenes: [{{visual: \"{}\"}}]", "x ".repeat(500_000))),
        ("question marks", "a.yaml", "? ".repeat(300_000)),
        ("nulls in YAML", "a.yaml", "\0".repeat(1_000_000)),
    ] {
        let begun = std::time::Instant::now();
        assert_sound(name, &text);
        let took = begun.elapsed();
        println!("{what}: {took:?}");
        assert!(took.as_secs() < 10, "{what} took {took:?}");
    }
}

#[test]
fn an_alias_bomb_is_named() {
    let text = "a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n\
                c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n\
                e: [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\nscenes: [{visual: x}]\n";
    let (_, reading) = read_text("a.yaml", text);
    let codes: Vec<_> = reading.diagnostics.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["too-many-aliases"]);
    assert!(reading.storyboard.is_none());
}

/// `rendered` for a text that has exactly these problems.
fn problems_of(name: &str, text: &str) -> String {
    let (source, reading) = read_text(name, text);
    rendered(&source, &reading.diagnostics)
}

#[test]
fn ids_that_no_selection_could_name_are_refused() {
    let text = "scenes:\n  - {id: \"a,b\", visual: x}\n  - {id: ../up, visual: x}\n  - {id: The end, visual: x}\n";
    insta::assert_snapshot!(problems_of("a.yaml", text), @r"
    2:11 error wrong-id: `a,b` cannot be the id of a scene | an id has letters, digits, `.`, `_` and `-` | write `a-b`, and put the words into `title`
    3:10 error wrong-id: `../up` cannot be the id of a scene | an id has letters, digits, `.`, `_` and `-` | write `up`, and put the words into `title`
    4:10 error wrong-id: `The end` cannot be the id of a scene | an id has letters, digits, `.`, `_` and `-` | write `the-end`, and put the words into `title`
    ");
}

#[test]
fn every_problem_names_its_place_and_what_to_do() {
    for entry in
        std::fs::read_dir(root().join("tests/fixtures/storyboards")).expect("the folder is there")
    {
        let name = entry.expect("an entry").file_name().into_string().expect("a name");
        if name.ends_with(".snap") {
            continue;
        }
        let source =
            Source::read(&root().join("tests/fixtures/storyboards").join(&name)).expect("text");
        for problem in storyboard::read(&source).diagnostics {
            assert!(problem.hint.is_some() && !problem.label.is_empty(), "{name}: {problem:?}");
            assert!(
                !problem.message.ends_with('.') && !problem.label.ends_with('.'),
                "{problem:?}"
            );
            assert!(problem.code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
            assert!(!source.slice(problem.span).contains('\n'), "{name}: {problem:?}");
        }
    }
}

#[test]
fn a_scene_that_lost_its_dash_is_not_two_scenes() {
    let text = "scenes:\n  visual: A boat\n  duration: 5\n";
    insta::assert_snapshot!(problems_of("a.yaml", text), @"2:3 error scene-named-like-a-field: a scene is called `visual`, like a field | this would be a scene of its own | start every scene with `- `, or put its fields under its id");
}
