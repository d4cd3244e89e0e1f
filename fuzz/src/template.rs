//! A project's own prompt templates: they end, with a prompt of bounded length or with an error.

use std::collections::BTreeMap;
use storyreel::prompt::{Cast, Line, PromptError, PromptInput, Templates, compose};

pub fn check(text: &str) {
    let templates = match Templates::with_overrides(&[("own".to_owned(), text.to_owned())]) {
        Ok(templates) => templates,
        Err(error) => return told(&error),
    };
    for from_image in [false, true] {
        let input = input(from_image);
        match (compose(&templates, "own", &input), compose(&templates, "own", &input)) {
            (Ok(prompt), again) => {
                assert_eq!(again.as_ref(), Ok(&prompt), "one template, one input, one prompt");
                assert!(!prompt.is_empty() && prompt.len() <= 200_000, "{} bytes", prompt.len());
                assert!(!prompt.contains(char::is_control), "{prompt:?}");
            }
            (Err(error), again) => {
                assert_eq!(again.as_ref(), Err(&error));
                told(&error);
            }
        }
    }
}

fn told(error: &PromptError) {
    assert!(!error.to_string().is_empty() && !error.hint().is_empty());
    assert!(error.to_string().len() < 4096, "{} bytes of error", error.to_string().len());
}

fn input(from_image: bool) -> PromptInput {
    let fields = ["shot", "camera", "visual", "action", "style", "sfx"];
    PromptInput {
        fields: BTreeMap::from_iter(fields.map(|name| (name.to_owned(), format!("a {name}")))),
        characters: vec![Cast { name: "ada".into(), look: "Ada, 60s".into(), listed: true }],
        dialogue: vec![Line {
            speaker: Some("ada".into()),
            words: "Not tonight".into(),
            manner: "softly".into(),
        }],
        sound: true,
        from_image,
        will_be_extended: false,
        prompt: None,
    }
}
