//! From the fields of an ask to the words of a prompt.

use super::ask::{Ask, AskStep};
use super::problem::Problem;
use super::values::text;
use crate::catalog::{Mode, Model};
use crate::prompt::{self, Cast, PromptError, PromptInput, Templates};
use crate::storyboard::{Field, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What kind of prompt is wanted.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    /// The step in the ask; none for the scene itself.
    pub step: Option<usize>,
    pub sound: bool,
    pub from_image: bool,
    pub extended: bool,
}

/// The fields that templates see.
const PROMPT_FIELDS: [Field; 14] = [
    Field::Visual,
    Field::Subject,
    Field::Action,
    Field::Setting,
    Field::Shot,
    Field::Camera,
    Field::Lighting,
    Field::Mood,
    Field::Style,
    Field::Audio,
    Field::Sfx,
    Field::Ambient,
    Field::Music,
    Field::Negative,
];

/// A prompt and what it was made from.
#[derive(Debug, Clone, Default)]
pub(super) struct Worded {
    pub prompt: String,
    /// The style whose template made it; none for the author's own words.
    pub style: Option<String>,
    /// What the template was given, or would have been.
    pub told: Option<Arc<PromptInput>>,
}

/// The prompt of a model.
pub(super) fn prompt(
    templates: &Templates,
    ask: &Ask,
    fields: &BTreeMap<Field, Value>,
    model: &Model,
    kind: Kind,
) -> Result<Worded, Box<Problem>> {
    let own = text(fields, Field::Prompt).or_else(|| {
        // Words under `video` are a prompt, but only where nothing else says what is seen.
        let described = fields.contains_key(&Field::Visual) || fields.contains_key(&Field::Subject);
        if described { None } else { text(fields, Field::Video) }
    });
    let mut words = BTreeMap::new();
    for (field, value) in fields {
        if let Value::Text(text) = value
            && PROMPT_FIELDS.contains(field)
        {
            words.insert(field.name().to_owned(), text.clone());
        }
    }
    // With the still there, its own words would only say again what it shows; they stand in where nothing else is said.
    let mut told = vec!["visual", "subject"];
    if kind.from_image {
        told.extend(["action", "camera"]);
    }
    if !told.iter().any(|name| words.contains_key(*name))
        && let Some(still) = text(fields, Field::ImagePrompt)
    {
        words.insert("visual".into(), still.to_owned());
    }
    let input = PromptInput {
        fields: words,
        characters: cast(ask),
        dialogue: text(fields, Field::Dialogue).map(prompt::dialogue_lines).unwrap_or_default(),
        sound: kind.sound,
        from_image: kind.from_image,
        will_be_extended: kind.extended,
        prompt: own.map(str::to_owned),
    };
    let style = own.is_none().then(|| model.prompt_style.clone());
    prompt::compose(templates, &model.prompt_style, &input)
        .map(|prompt| Worded { prompt, style, told: Some(Arc::new(input)) })
        .map_err(|error| {
            let mut problem = Box::new(Problem {
                step: kind.step,
                field: None,
                param: None,
                span: None,
                code: "template",
                message: error.to_string(),
                hint: Some(
                    "mend the template in `prompts/`, or delete it to use the built-in one".into(),
                ),
                instead: None,
            });
            match &error {
                PromptError::Empty { .. } => {
                    problem.code = "nothing-to-show";
                    problem.hint = Some("write what is seen, or what happens next".into());
                }
                PromptError::Template { line, message, .. } => {
                    problem.span = templates.line(&model.prompt_style, *line);
                    if problem.span.is_some() {
                        problem.message = message.clone();
                    }
                }
                PromptError::UnknownStyle { .. } | PromptError::TooLong { .. } => {}
            }
            problem
        })
}

/// The prompt for a mode: a model with a parameter for what to avoid is not told it twice, and who works on its input
/// alone needs no words.
pub(super) fn worded(
    templates: &Templates,
    ask: &Ask,
    fields: &BTreeMap<Field, Value>,
    (model, mode): (&Model, &Mode),
    kind: Kind,
) -> Result<Worded, Box<Problem>> {
    let mut told = fields.clone();
    if mode.takes("negative") {
        told.remove(&Field::Negative);
    }
    match prompt(templates, ask, &told, model, kind) {
        Err(_) if !mode.takes("prompt") => Ok(Worded::default()),
        prompt => prompt,
    }
}

/// An extension in fields keeps the look and sound of its scene; in words of its own it is taken as it stands.
pub(super) fn extension_fields(
    scene: &BTreeMap<Field, Value>,
    step: &AskStep,
) -> BTreeMap<Field, Value> {
    const KEPT: [Field; 6] = [
        Field::Lighting,
        Field::Mood,
        Field::Style,
        Field::Ambient,
        Field::Music,
        Field::Characters,
    ];
    let mut fields: BTreeMap<Field, Value> =
        KEPT.iter().filter_map(|field| Some((*field, scene.get(field)?.clone()))).collect();
    fields.extend(step.fields.iter().map(|(field, value)| (*field, value.clone())));
    fields
}

/// The characters a prompt may describe; those the scene lists are described even where their name does not occur.
fn cast(ask: &Ask) -> Vec<Cast> {
    let listed: Vec<String> = match ask.fields.get(&Field::Characters) {
        Some(Value::Names(names)) => names.iter().map(|name| name.to_lowercase()).collect(),
        _ => Vec::new(),
    };
    let described = ask.cast().into_iter().filter_map(|character| {
        let look = character.look.clone()?;
        let listed = listed.contains(&character.name.to_lowercase());
        Some(Cast { name: character.name.clone(), look, listed })
    });
    described.collect()
}
