//! Reading storyboards: what people write, what it means, and what is said where it is wrong.

use std::path::PathBuf;
use storyreel::source::{Diagnostic, Source};
use storyreel::storyboard::{self, Fields, FrameOf, Input, Step, Storyboard, Value};

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

/// Run with `STORYREEL_UPDATE=1` to write the file anew; `storyreel schema storyboard` prints the same.
#[test]
fn the_committed_schema_is_the_generated_one() {
    let path = root().join("schemas/storyboard.schema.json");
    let generated = serde_json::to_string_pretty(&storyboard::schema()).expect("JSON") + "\n";
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
    let schema = storyboard::schema();
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
