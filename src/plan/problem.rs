//! What is wrong with an ask, by field: the places in the document are found by whoever has the document.

use crate::catalog::{ParameterProblem, ProblemSource};
use crate::source::Span;
use crate::storyboard::Field;

use super::values::field_named;

/// Something wrong with an ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// Index of the step in the ask; `None` for the scene itself.
    pub step: Option<usize>,
    /// The field it is about.
    pub field: Option<Field>,
    /// The model parameter it is about, when given through `params`.
    pub param: Option<String>,
    /// Where it stands, where that is in no field: a line of a template.
    pub span: Option<Span>,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// What the field's value should be, where nothing else can be meant.
    pub instead: Option<String>,
}

impl Problem {
    pub(super) fn new(
        step: Option<usize>,
        field: Field,
        code: &'static str,
        message: String,
        hint: Option<String>,
    ) -> Self {
        Self {
            step,
            field: Some(field),
            param: None,
            span: None,
            code,
            message,
            hint,
            instead: None,
        }
    }
}

pub(super) fn parameter_problem(step: Option<usize>, problem: ParameterProblem) -> Problem {
    let (field, param) = match &problem.source {
        ProblemSource::Field(name) => (field_named(name), None),
        ProblemSource::Param(name) => (Some(Field::Params), Some(name.clone())),
        ProblemSource::Mode => (None, None),
    };
    Problem {
        step,
        field,
        param,
        span: None,
        code: problem.code,
        message: problem.message,
        hint: problem.hint,
        instead: None,
    }
}

pub(super) fn step_problem(
    index: usize,
    code: &'static str,
    message: String,
    hint: &str,
) -> Problem {
    Problem {
        step: Some(index),
        field: None,
        param: None,
        span: None,
        code,
        message,
        hint: Some(hint.to_owned()),
        instead: None,
    }
}
