//! The templates of the prompt styles.

use super::{Context, filters, language};
use crate::source::Span;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The templates that are part of the program, by style.
const BUILT_IN: &[(&str, &str)] = &[
    ("veo", include_str!("../../catalog/prompts/veo.jinja")),
    ("kling", include_str!("../../catalog/prompts/kling.jinja")),
    ("runway", include_str!("../../catalog/prompts/runway.jinja")),
    ("sora", include_str!("../../catalog/prompts/sora.jinja")),
    ("general", include_str!("../../catalog/prompts/general.jinja")),
];

/// What a template may use up: a step costs one, and so do 64 bytes of text read or made. One that goes on and on
/// stops here. The built-in ones need a few hundred.
const FUEL: u64 = 50_000;

/// The longest prompt that a template may make, and the most words it is given, in bytes. No model takes more.
const LONGEST: usize = 200_000;

/// The longest message about a template, in characters. The engine's own may quote all of it.
const LONGEST_MESSAGE: usize = 500;

/// Why no prompt could be composed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// No template has the name.
    #[error("there is no prompt template `{style}`")]
    UnknownStyle {
        /// The name.
        style: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// A template is wrong.
    #[error("{file}{}: {message}", line.map(|line| format!(":{line}")).unwrap_or_default())]
    Template {
        /// The template's file name, such as `veo.jinja`.
        file: String,
        /// The line, from 1, where it is known.
        line: Option<usize>,
        /// What is wrong.
        message: String,
    },
    /// The scene has more words than any prompt.
    #[error("its words have {bytes} bytes, more than the {LONGEST} that a prompt is made from")]
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// The scene has no words that the template uses.
    #[error("there is nothing to make a prompt from")]
    Empty {
        /// The style.
        style: String,
    },
}

impl PromptError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::UnknownStyle { known, .. } => {
                let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
                format!("use one of {}, or add `prompts/NAME.jinja`", known.join(", "))
            }
            Self::Template { .. } => {
                "mend the template, or take it out to use the built-in one".to_owned()
            }
            Self::TooLong { .. } => "shorten its fields, or its characters and dialogue".to_owned(),
            Self::Empty { .. } => "give the scene a `prompt`, `visual` or `action`".to_owned(),
        }
    }
}

/// Built-in templates with a project's own in their place.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    syntax: SyntaxConfig,
    digests: BTreeMap<String, String>,
    /// Where each line of a project's own template stands in the document's offsets, by style.
    places: BTreeMap<String, Vec<Span>>,
}

impl Templates {
    /// The built-in templates.
    ///
    /// # Errors
    ///
    /// A mistake in an embedded template, which the tests rule out.
    pub fn built_in() -> Result<Self, PromptError> {
        Self::with_overrides(&[])
    }

    /// The built-in templates with others in their place or beside them, each as its style and its text.
    ///
    /// # Errors
    ///
    /// The first template that cannot be read, with its line.
    pub fn with_overrides(overrides: &[(String, String)]) -> Result<Self, PromptError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(50);
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .unwrap_or_default();
        environment.set_syntax(syntax.clone());
        filters::add(&mut environment);
        let mut templates =
            Self { environment, syntax, digests: BTreeMap::new(), places: BTreeMap::new() };
        for (style, text) in BUILT_IN {
            templates.add(style, text)?;
        }
        for (style, text) in overrides {
            language::check(text, &templates.syntax).map_err(|refused| PromptError::Template {
                file: format!("{style}.jinja"),
                line: refused.line,
                message: cut(refused.message),
            })?;
            templates.add(style, text)?;
            let digest = Sha256::digest(text.as_bytes());
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            templates.digests.insert(style.clone(), hex);
        }
        Ok(templates)
    }

    fn add(&mut self, style: &str, text: &str) -> Result<(), PromptError> {
        self.environment
            .add_template_owned(style.to_owned(), text.to_owned())
            .map_err(|error| problem(style, &error))
    }

    /// Tells where the text of a project's own template begins in the document's offsets, so that what is wrong with it can be
    /// shown in its lines.
    pub fn place(&mut self, style: &str, text: &str, base: usize) {
        let mut start = base;
        let lines = text.split('\n').map(|line| {
            let indent = line.len() - line.trim_start().len();
            let span =
                Span::new(start + indent.min(line.trim_end().len()), start + line.trim_end().len());
            start += line.len() + 1;
            span
        });
        self.places.insert(style.to_owned(), lines.collect());
    }

    /// Where a line of a project's own template stands; its first line where none is named.
    pub fn line(&self, style: &str, line: Option<usize>) -> Option<Span> {
        let lines = self.places.get(style)?;
        lines.get(line.unwrap_or(1).saturating_sub(1)).or(lines.last()).copied()
    }

    /// The SHA-256 of a project's own template in lower-case hexadecimal; `None` for a built-in one.
    pub fn digest(&self, style: &str) -> Option<String> {
        self.digests.get(style).cloned()
    }

    /// The names of all styles, in alphabetical order.
    pub fn styles(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.environment.templates().map(|(name, _)| name.to_owned()).collect();
        names.sort_unstable();
        names
    }

    /// Renders a style's template.
    pub(super) fn render(&self, style: &str, context: &Context<'_>) -> Result<String, PromptError> {
        let template =
            self.environment.get_template(style).map_err(|error| match error.kind() {
                ErrorKind::TemplateNotFound => {
                    PromptError::UnknownStyle { style: style.to_owned(), known: self.styles() }
                }
                _ => problem(style, &error),
            })?;
        if context.bytes() > LONGEST {
            return Err(PromptError::TooLong { bytes: context.bytes() });
        }
        let text = template
            .render(minijinja::value::Serde(context))
            .map_err(|error| problem(style, &error))?;
        if text.len() > LONGEST {
            return Err(PromptError::Template {
                file: format!("{style}.jinja"),
                line: None,
                message: format!("it makes {} bytes, more than any model takes", text.len()),
            });
        }
        Ok(text)
    }
}

fn problem(style: &str, error: &minijinja::Error) -> PromptError {
    let message = match error.detail() {
        _ if error.kind() == ErrorKind::OutOfFuel => {
            "the template takes too many steps or makes too much text".to_owned()
        }
        _ if error.kind() == ErrorKind::UndefinedError => {
            let fields = super::TEMPLATE_FIELDS.join("`, `");
            let others = super::TEMPLATE_LISTS.join("`, `");
            format!("it uses a name that it is not given; there are `{fields}`, `{others}`")
        }
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    PromptError::Template {
        file: format!("{style}.jinja"),
        line: error.line(),
        message: cut(message),
    }
}

fn cut(message: String) -> String {
    match message.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message,
    }
}
