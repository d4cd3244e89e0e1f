//! Scene defaults in a TOML file, with the same names, values and messages as in a storyboard.

use super::draft::{Draft, Place};
use super::field::Fields;
use super::node::{Node, NodeKind, Style};
use super::problems::Problems;
use crate::source::{Diagnostic, Severity, Source, Span, Spanned};
use ::toml::de::{DeTable, DeValue};

/// Reads a table of scene fields, such as `[defaults]` of a configuration file. Places are those of `source`.
///
/// Labels nobody knows are errors here: a configuration file holds nothing else.
pub fn defaults_from_toml(table: &DeTable<'_>, source: &Source) -> (Fields, Vec<Diagnostic>) {
    let mut problems = Problems::new(source);
    let mut draft = Draft::new(Place::Defaults);
    for (key, value) in table {
        let label = Spanned::new(key.get_ref().to_string(), key.span());
        draft.put(&label, &node(value), &mut problems);
    }
    if let Some(step) = draft.steps.iter().flatten().next() {
        problems.push(
            Diagnostic::error("unknown-key", "steps cannot be set for all storyboards", step.span)
                .hint("write them in the storyboard: in its front matter or under a scene"),
        );
    }
    let mut found = problems.finish();
    for problem in &mut found {
        if problem.code == "unknown-field" {
            problem.code = "unknown-key";
            problem.severity = Severity::Error;
            "not a scene field".clone_into(&mut problem.label);
        }
    }
    (draft.fields, found)
}

fn node(value: &::toml::Spanned<DeValue<'_>>) -> Node {
    let span = Span::from(value.span());
    let plain = |text: String| Node::scalar(text, Style::Plain, span);
    match value.get_ref() {
        DeValue::String(text) => Node::scalar(text.clone(), Style::Quoted, span),
        DeValue::Integer(number) => plain(number.to_string()),
        DeValue::Float(number) => plain(number.to_string()),
        DeValue::Boolean(switch) => plain(switch.to_string()),
        DeValue::Datetime(date) => plain(date.to_string()),
        DeValue::Array(items) => {
            Node { kind: NodeKind::List(items.iter().map(node).collect()), span }
        }
        DeValue::Table(table) => Node {
            kind: NodeKind::Map(
                table
                    .iter()
                    .map(|(key, value)| {
                        (Spanned::new(key.get_ref().to_string(), key.span()), node(value))
                    })
                    .collect(),
            ),
            span,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storyboard::{Field, Value};

    #[test]
    fn fields_have_the_meaning_they_have_in_a_storyboard() -> Result<(), ::toml::de::Error> {
        let text = "model = \"veo-3.1-fast\"\nduration = 8\n\"aspect ratio\" = \"16:9\"\naudio = false\n\
                    params = {cfg_scale = 0.5}\nreference = [\"a.png\", \"b.png\"]\nmodell_ = \"x\"\nseed = \"many\"\nextend = \"on\"\n";
        let source = Source::new("storyreel.toml", text);
        let table = DeTable::parse(text)?;
        let (fields, problems) = defaults_from_toml(table.get_ref(), &source);
        assert_eq!(fields.seconds(Field::Duration), Some(8.0));
        assert_eq!(fields.text(Field::AspectRatio), Some("16:9"));
        assert_eq!(fields.get(Field::Audio).map(|value| &value.value), Some(&Value::Switch(false)));
        assert_eq!(fields.inputs(Field::Reference).len(), 2);
        assert!(
            matches!(fields.get(Field::Params).map(|value| &value.value), Some(Value::Params(params)) if params.len() == 1)
        );
        let codes: Vec<_> = problems
            .iter()
            .map(|problem| {
                (source.position(problem.span.start).line, problem.code, problem.is_error())
            })
            .collect();
        assert_eq!(
            codes,
            [(7, "repeated-field", false), (8, "wrong-value", true), (9, "unknown-key", true)]
        );
        Ok(())
    }
}
