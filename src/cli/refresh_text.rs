//! What `models --refresh` tells people.

use crate::catalog::ModeKind;
use crate::discovery::{
    Change, Changed, Described, Findings, Gone, Listing, Offer, Overlay, Unlike, price_told,
};
use crate::report::{Style, counted, sanitise, span_of_time, trimmed};
use serde_json::Value;
use std::fmt::Write as _;

/// Everything that is told.
pub(super) struct Told<'a> {
    pub title: &'a str,
    pub listing: &'a Listing,
    pub findings: &'a Findings,
    pub age_s: f64,
    pub calls: u32,
    /// Whether the list was asked for just now.
    pub listed_now: bool,
    /// Also models of kinds that no storyboard asks for.
    pub all: bool,
    pub query: Option<&'a str>,
    pub all_schemas: bool,
    pub spacing_s: f64,
    pub written: Option<(&'a str, &'a Overlay)>,
    /// Whether the file that was written is one that the catalogue takes.
    pub is_used: bool,
}

/// The report.
pub(super) fn render(told: &Told<'_>, style: Style) -> String {
    let findings = told.findings;
    let mut out = format!(
        "{} lists {}, {}\n",
        told.title,
        counted(told.listing.offers.len(), "model"),
        asked(told)
    );
    if told.listing.unusable > 0 {
        let _ = writeln!(
            out,
            "{} without an id that can be used {} left out",
            counted(told.listing.unusable, "entry").replace("entrys", "entries"),
            if told.listing.unusable == 1 { "is" } else { "are" }
        );
    }
    section(&mut out, style, "new", "listed, and not in the catalogue", &findings.new, new);
    section(
        &mut out,
        style,
        "gone",
        "in the catalogue, and not listed any more",
        &findings.gone,
        gone,
    );
    section(
        &mut out,
        style,
        "back",
        "retired in the catalogue, and listed again",
        &findings.back,
        gone,
    );
    section(&mut out, style, "changed", "not what the catalogue says", &findings.changed, |all| {
        changed(all, style)
    });
    if findings.is_empty() {
        let about =
            told.query.map_or(String::new(), |query| format!(" about `{}`", sanitise(query, 80)));
        let _ = writeln!(out, "\nnothing new, gone or changed{about}");
    }
    others(&mut out, told);
    let _ = writeln!(out, "\n{}", compared(told));
    written(&mut out, told);
    out
}

fn asked(told: &Told<'_>) -> String {
    if told.listed_now {
        return format!("asked now ({})", counted(told.calls as usize, "call"));
    }
    let calls = match told.calls {
        0 => String::new(),
        calls => format!(" ({} now)", counted(calls as usize, "call")),
    };
    format!("asked {} ago{calls}; `--max-age 0` asks again", span_of_time(told.age_s.round()))
}

fn section<T>(
    out: &mut String,
    style: Style,
    name: &str,
    meaning: &str,
    items: &[T],
    body: impl Fn(&[T]) -> String,
) {
    if !items.is_empty() {
        let head = format!("{name}: {meaning} ({})", items.len());
        let _ = write!(out, "\n{}\n{}", style.bold(head), body(items));
    }
}

/// Rows whose columns stand under each other; the last one is as long as it is.
fn rows(rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let mut out = String::new();
    for row in rows {
        let mut line = String::from(" ");
        for (column, cell) in row.iter().enumerate() {
            let _ = write!(line, " {cell:width$} ", width = width(column));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn new(all: &[Described]) -> String {
    let row = |new: &Described| {
        let what = match &new.problem {
            Some(problem) => format!("not described: {}", sanitise(problem, 200)),
            None => kinds(&new.modes),
        };
        vec![new.offer.id.clone(), sanitise(&new.offer.tasks.join(", "), 60), what]
    };
    let mut out = String::new();
    let table = rows(&all.iter().map(row).collect::<Vec<_>>());
    for (line, new) in table.lines().zip(all) {
        let _ = writeln!(out, "{line}");
        if let Some(price) = &new.offer.price {
            let _ = writeln!(out, "      price text: {}", sanitise(price_told(price), 200));
        }
    }
    out
}

fn kinds(kinds: &[ModeKind]) -> String {
    kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(" ")
}

fn gone(all: &[Gone]) -> String {
    let row = |gone: &Gone| {
        vec![gone.id.clone(), sanitise(&gone.models.join(", "), 80), kinds(&gone.modes)]
    };
    rows(&all.iter().map(row).collect::<Vec<_>>())
}

fn changed(all: &[Changed], style: Style) -> String {
    let mut out = String::new();
    for changed in all {
        let models = format!("({})", sanitise(&changed.models.join(", "), 80));
        let _ = writeln!(out, "  {}  {}", changed.id, style.dim(models));
        for unlike in &changed.changes {
            let _ = writeln!(out, "    {}", words(unlike));
        }
    }
    out
}

/// One difference in a line.
fn words(unlike: &Unlike) -> String {
    let about = unlike.parameter.as_deref().unwrap_or("price");
    let what = match &unlike.change {
        Change::NewParameter { required: false } => {
            "a parameter that the catalogue does not know".to_owned()
        }
        Change::NewParameter { required: true } => {
            "a parameter that the catalogue does not know, and every request needs".to_owned()
        }
        Change::ParameterGone => "not in the schema".to_owned(),
        Change::NowRequired => "required now, and not in every request of ours".to_owned(),
        Change::Type { catalogue, provider } => {
            format!("takes {} now, {} in the catalogue", provider.word(), catalogue.word())
        }
        Change::ValuesAdded { values } => format!("also takes {}", list(values)),
        Change::ValuesGone { values } => format!("does not take {} any more", list(values)),
        Change::Limit { limit, catalogue, provider } => {
            let (what, unit) = match *limit {
                "min" => ("at least", ""),
                "max_length" => ("at most", " characters"),
                "max_items" => ("at most", " entries"),
                _ => ("at most", ""),
            };
            let ours = catalogue.map_or("no such bound".to_owned(), |own| trimmed(own, 3));
            format!("{what} {}{unit}, {ours} in the catalogue", trimmed(*provider, 3))
        }
        Change::Price { missing, unknown, text } => {
            let numbers = |numbers: &[f64]| {
                numbers.iter().map(|number| trimmed(*number, 3)).collect::<Vec<_>>().join(", ")
            };
            let mut parts = Vec::new();
            if !missing.is_empty() {
                parts.push(format!("the text does not name the catalogue's {}", numbers(missing)));
            }
            if !unknown.is_empty() {
                parts.push(format!(
                    "it names {}, which the catalogue does not know",
                    numbers(unknown)
                ));
            }
            format!("{}: \"{}\"", parts.join("; "), sanitise(price_told(text), 200))
        }
    };
    format!("{about}: {what}")
}

fn list(values: &[Value]) -> String {
    let told: Vec<String> = values
        .iter()
        .map(|value| match value {
            Value::String(text) => format!("`{}`", sanitise(text, 60)),
            other => format!("`{other}`"),
        })
        .collect();
    told.join(", ")
}

/// Models of kinds that no storyboard asks for.
fn others(out: &mut String, told: &Told<'_>) {
    let others = &told.findings.others;
    if others.is_empty() {
        return;
    }
    let _ =
        write!(out, "\n{} of other kinds, or not called by tasks", counted(others.len(), "model"));
    if !told.all {
        out.push_str("; `--all` lists them\n");
        return;
    }
    out.push('\n');
    let row = |offer: &Offer| vec![offer.id.clone(), sanitise(&offer.tasks.join(", "), 60)];
    out.push_str(&rows(&others.iter().map(row).collect::<Vec<_>>()));
}

fn compared(told: &Told<'_>) -> String {
    let known = told.findings.compared;
    let mut text = match known {
        0 => "prices were compared, parameters were not".to_owned(),
        1 => "prices were compared, and the parameters of 1 model".to_owned(),
        count => format!("prices were compared, and the parameters of {count} models"),
    };
    if !told.all_schemas && told.query.is_none() {
        let left = told.listing.offers.len().saturating_sub(known);
        #[expect(clippy::cast_precision_loss, reason = "a number of models")]
        let seconds = (left as f64 * told.spacing_s).ceil();
        let _ = write!(
            text,
            "; `--schemas` compares them all in about {}, `storyreel models QUERY --refresh` some",
            span_of_time(seconds)
        );
    }
    text
}

fn written(out: &mut String, told: &Told<'_>) {
    let Some((file, overlay)) = told.written else {
        if !told.findings.new.is_empty() || !told.findings.gone.is_empty() {
            out.push_str("`--write` makes a catalogue file of what is new and gone\n");
        }
        return;
    };
    if overlay.text.is_empty() {
        out.push_str("nothing was written: nothing is new or gone that can be described\n");
    } else {
        let _ = writeln!(out, "wrote `{}`", sanitise(file, 300));
        let mut say = |what: &str, names: &[String]| {
            if !names.is_empty() {
                let _ = writeln!(out, "  {what} {}", sanitise(&names.join(", "), 1000));
            }
        };
        say("new:", &overlay.added);
        say("retired:", &overlay.retired);
        say("without modes that are gone:", &overlay.narrowed);
    }
    for (id, why) in &overlay.left_out {
        let _ = writeln!(out, "  left out: {} ({})", sanitise(id, 120), sanitise(why, 200));
    }
    if !overlay.text.is_empty() {
        out.push_str("read it before you spend with it: it was made by a program\n");
        if !told.is_used {
            out.push_str("it counts once it lies in the project's `catalog/`, or in your own\n");
        }
    }
}
