//! The part of the template language that prompts need, and nothing else of it.
//!
//! A project's own templates come with a pull request, so they must end soon and stay small whatever they hold. The
//! engine charges fuel for steps and for bytes of text, but not for lists of lists (which double by a name twice in a
//! list), lazy sequences, comparisons of them, or the depth of an expression. So none of these can be written here:
//!
//! - A list stands only where it is used up at once: before `|join`, `|select` and their kin, in a `for`, after `in`.
//!   Its items are no lists. So no variable ever holds a list that the template made, and values are as deep as what
//!   they were given.
//! - Nothing is called, nothing is computed with, nothing is loaded; filters and tests are those of the tables below.
//! - A template, the words of one tag and the number of tags are bounded, and with them the depth of everything.

use minijinja::ErrorKind;
use minijinja::machinery::ast::{BinOpKind, CallArg, CompareOpKind, Expr, Filter, Stmt};
use minijinja::machinery::{Token, parse, tokenize};
use minijinja::syntax::SyntaxConfig;

/// The longest template, in bytes. The built-in ones have less than 2 KiB.
pub(super) const LONGEST_TEMPLATE: usize = 64 * 1024;

/// The most words (names, marks, numbers, texts) in one tag, which bounds how deep an expression is.
const MOST_WORDS: usize = 300;

/// The most `{% ... %}` tags, which bounds how long a chain of `elif` is.
const MOST_TAGS: usize = 500;

/// Filters from words to words.
const WORD_FILTERS: &[&str] = &[
    "sentence",
    "bare",
    "shot_size",
    "labelled",
    "unlabelled",
    "introduce",
    "speaker",
    "spoken",
    "manner",
    "avoided",
    "with_mood",
    "doing",
    "moving",
    "placed",
    "framed",
    "lower",
    "upper",
    "capitalize",
    "title",
    "trim",
    "replace",
    "default",
    "d",
];

/// Filters from a list to one value.
const CLOSING_FILTERS: &[&str] = &["join", "first", "last", "length", "count"];

/// Filters from a list to a list of some of its items.
const LIST_FILTERS: &[&str] = &["select", "reject", "selectattr", "rejectattr"];

/// Tests.
const TESTS: &[&str] = &[
    "defined",
    "undefined",
    "none",
    "true",
    "false",
    "string",
    "number",
    "eq",
    "ne",
    "startingwith",
    "endingwith",
];

/// What is wrong with a template, and on which line where that is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// From 1.
    pub line: Option<usize>,
    /// In lower case without a full stop.
    pub message: String,
}

type Checked = Result<(), Refused>;

fn refused(line: u16, message: impl Into<String>) -> Checked {
    Err(Refused { line: Some(usize::from(line)), message: message.into() })
}

/// Refuses a template that uses more of the language than prompts need.
///
/// What is no template at all is left to the engine, which says so better.
pub(super) fn check(text: &str, syntax: &SyntaxConfig) -> Checked {
    if text.len() > LONGEST_TEMPLATE {
        return Err(Refused {
            line: None,
            message: format!(
                "the template has {} bytes, more than the {LONGEST_TEMPLATE} it may have",
                text.len()
            ),
        });
    }
    // Before anything is parsed: the parser goes as deep as a tag has words.
    let (mut words, mut tags) = (0, 0);
    for token in tokenize(text, false, syntax.clone()) {
        let Ok((token, span)) = token else { break };
        words += 1;
        match token {
            Token::VariableStart | Token::VariableEnd => words = 0,
            Token::BlockStart => {
                words = 0;
                tags += 1;
            }
            _ => {}
        }
        if words > MOST_WORDS {
            return refused(span.start_line, format!("a tag has more than {MOST_WORDS} words"));
        }
        if tags > MOST_TAGS {
            return refused(
                span.start_line,
                format!("the template has more than {MOST_TAGS} `{{% ... %}}` tags"),
            );
        }
    }
    match parse(text, "template", syntax.clone()) {
        Ok(template) => statement(&template),
        // A statement of the engine that this build leaves out reads as an unknown one.
        Err(error) if error.kind() == ErrorKind::SyntaxError => Ok(()),
        Err(error) => Err(Refused { line: error.line(), message: error.to_string() }),
    }
}

fn statements(statements: &[Stmt<'_>]) -> Checked {
    statements.iter().try_for_each(statement)
}

fn statement(stmt: &Stmt<'_>) -> Checked {
    match stmt {
        Stmt::Template(template) => statements(&template.children),
        Stmt::EmitRaw(_) => Ok(()),
        Stmt::EmitExpr(emit) => value(&emit.expr),
        Stmt::IfCond(condition) => {
            value(&condition.expr)?;
            statements(&condition.true_body)?;
            statements(&condition.false_body)
        }
        Stmt::ForLoop(each) => {
            if each.recursive {
                return refused(each.span().start_line, "a loop cannot be `recursive` here");
            }
            name(&each.target)?;
            list(&each.iter)?;
            each.filter_expr.as_ref().map_or(Ok(()), value)?;
            statements(&each.body)?;
            statements(&each.else_body)
        }
        Stmt::Set(set) => {
            name(&set.target)?;
            value(&set.expr)
        }
        Stmt::SetBlock(set) => {
            name(&set.target)?;
            if set.filter.is_some() {
                return refused(set.span().start_line, "`set` takes no filter here");
            }
            statements(&set.body)
        }
        Stmt::WithBlock(with) => {
            for (target, expr) in &with.assignments {
                name(target)?;
                value(expr)?;
            }
            statements(&with.body)
        }
        Stmt::FilterBlock(block) => unknown_statement(block.span().start_line, "filter"),
        Stmt::AutoEscape(block) => unknown_statement(block.span().start_line, "autoescape"),
        Stmt::Do(block) => unknown_statement(block.span().start_line, "do"),
        #[expect(unreachable_patterns, reason = "other features of the engine add statements")]
        _ => Err(Refused { line: None, message: "a statement that prompts do not need".into() }),
    }
}

fn unknown_statement(line: u16, statement: &str) -> Checked {
    refused(line, format!("`{{% {statement} %}}` cannot be used in a prompt template"))
}

/// What a value is given to.
fn name(expr: &Expr<'_>) -> Checked {
    match expr {
        Expr::Var(_) => Ok(()),
        other => refused(other.span().start_line, "one name is expected here"),
    }
}

/// An expression whose value is no list of the template's making.
fn value(expr: &Expr<'_>) -> Checked {
    let line = expr.span().start_line;
    match expr {
        Expr::Var(_) => Ok(()),
        Expr::Const(constant) => match constant.value.kind() {
            minijinja::value::ValueKind::Seq | minijinja::value::ValueKind::Map => {
                misplaced_list(line)
            }
            _ => Ok(()),
        },
        Expr::GetAttr(attribute) => value(&attribute.expr),
        Expr::GetItem(item) => {
            value(&item.expr)?;
            value(&item.subscript_expr)
        }
        Expr::Slice(slice) => {
            value(&slice.expr)?;
            [&slice.start, &slice.stop, &slice.step].into_iter().flatten().try_for_each(value)
        }
        Expr::UnaryOp(operation) => value(&operation.expr),
        Expr::BinOp(operation) => {
            value(&operation.left)?;
            match operation.op {
                BinOpKind::In => among(&operation.right),
                BinOpKind::Eq
                | BinOpKind::Ne
                | BinOpKind::Lt
                | BinOpKind::Lte
                | BinOpKind::Gt
                | BinOpKind::Gte
                | BinOpKind::ScAnd
                | BinOpKind::ScOr
                | BinOpKind::Concat => value(&operation.right),
                _ => refused(line, "a prompt template does not compute; `~` joins words"),
            }
        }
        Expr::Compare(compare) => {
            value(&compare.expr)?;
            compare.ops.iter().try_for_each(|operand| match operand.op {
                CompareOpKind::In | CompareOpKind::NotIn => among(&operand.expr),
                _ => value(&operand.expr),
            })
        }
        Expr::IfExpr(choice) => {
            value(&choice.test_expr)?;
            value(&choice.true_expr)?;
            choice.false_expr.as_ref().map_or(Ok(()), value)
        }
        Expr::Filter(filter) => {
            arguments(line, &filter.args)?;
            if WORD_FILTERS.contains(&filter.name) {
                operand(filter, value)
            } else if CLOSING_FILTERS.contains(&filter.name) {
                operand(filter, list)
            } else if LIST_FILTERS.contains(&filter.name) {
                misplaced_list(line)
            } else {
                unknown_filter(line, filter.name)
            }
        }
        Expr::Test(test) => {
            if !TESTS.contains(&test.name) {
                return refused(line, format!("there is no test `{}`", shown(test.name)));
            }
            value(&test.expr)?;
            arguments(line, &test.args)
        }
        Expr::Call(_) => refused(line, "a prompt template calls nothing"),
        Expr::List(_) | Expr::Tuple(_) | Expr::Map(_) => misplaced_list(line),
    }
}

/// An expression that is used up at once, where a list may stand.
fn list(expr: &Expr<'_>) -> Checked {
    match expr {
        Expr::List(made) => made.items.iter().try_for_each(value),
        // The parser may have put a list of constants together already.
        Expr::Const(constant) => {
            let holds_list = constant
                .value
                .try_iter()
                .is_ok_and(|mut items| items.any(|item| item.try_iter().is_ok()));
            if holds_list { misplaced_list(constant.span().start_line) } else { Ok(()) }
        }
        Expr::Filter(filter) if LIST_FILTERS.contains(&filter.name) => {
            arguments(filter.span().start_line, &filter.args)?;
            operand(filter, list)
        }
        other => value(other),
    }
}

/// What stands after `in`: a text, a list that was given, or a list of plain values.
fn among(expr: &Expr<'_>) -> Checked {
    list(expr)
}

fn operand(filter: &Filter<'_>, check: fn(&Expr<'_>) -> Checked) -> Checked {
    filter.expr.as_ref().map_or(Ok(()), check)
}

fn arguments(line: u16, arguments: &[CallArg<'_>]) -> Checked {
    arguments.iter().try_for_each(|argument| match argument {
        CallArg::Pos(expr) | CallArg::Kwarg(_, expr) => value(expr),
        CallArg::PosSplat(_) | CallArg::KwargSplat(_) => {
            refused(line, "`*` before an argument cannot be used here")
        }
    })
}

fn misplaced_list(line: u16) -> Checked {
    refused(
        line,
        "a list of words can stand only before a filter such as `join`, in a `for` or after `in`, and not in another list",
    )
}

fn unknown_filter(line: u16, name: &str) -> Checked {
    let known: Vec<String> = [WORD_FILTERS, CLOSING_FILTERS, LIST_FILTERS]
        .concat()
        .into_iter()
        .map(|name| format!("`{name}`"))
        .collect();
    refused(line, format!("there is no filter `{}`; there are {}", shown(name), known.join(", ")))
}

/// A name of the template in a message.
fn shown(name: &str) -> String {
    name.chars().take(40).collect()
}
