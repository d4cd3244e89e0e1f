//! `storyreel camera`: the moves of a camera.

use super::args::Suggested;
use super::failure::Failure;
use super::{Output, pretty, print};
use crate::camera::{MOVES, Move, named};
use crate::report::{Style, wrap};
use crate::settings::nearest;
use clap::builder::PossibleValue;
use serde_json::json;
use std::fmt::Write as _;

/// Show the camera moves: what each does, what it is for, and how to write it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  storyreel camera                   all moves
  storyreel camera orbit             one of them, with all its names
  storyreel camera --json

Write one move a clip under `camera`, in your own words: `slow push-in on her face`.")]
pub(super) struct Camera {
    /// A move, by any of its names
    #[arg(value_name = "MOVE", value_parser = moves(), hide_possible_values = true)]
    name: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn moves() -> Suggested {
    Suggested(MOVES.iter().map(|one| PossibleValue::new(one.name).help(one.does)).collect())
}

impl Camera {
    pub fn run(&self, output: Output) -> Result<u8, Failure> {
        let chosen = self.name.as_deref().map(find).transpose()?;
        if self.json {
            let moves: Vec<&Move> = chosen.map_or_else(|| MOVES.iter().collect(), |one| vec![one]);
            let moves: Vec<_> = moves.into_iter().map(as_json).collect();
            print(&pretty(&json!({"moves": moves})))?;
        } else {
            print(&chosen.map_or_else(|| table(output.stdout), |one| in_full(one, output.stdout)))?;
        }
        Ok(0)
    }
}

fn find(name: &str) -> Result<&'static Move, Failure> {
    named(name).ok_or_else(|| {
        let shown = crate::report::sanitise(name, 60);
        let near = nearest(name, MOVES.iter().flat_map(Move::names));
        let hint = near.map_or_else(
            || "`storyreel camera` lists the moves".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        Failure::invalid("unknown-move", format!("no camera move is called `{shown}`")).hint(hint)
    })
}

fn as_json(one: &Move) -> serde_json::Value {
    let elsewhere = one.elsewhere.iter();
    let elsewhere = elsewhere.map(|(language, name)| json!({"language": language, "name": name}));
    json!({
        "name": one.name, "also": one.also, "does": one.does, "used_for": one.used_for,
        "example": one.example, "elsewhere": elsewhere.collect::<Vec<_>>(),
    })
}

/// The words after a margin, with the first line's label in it.
fn paragraph(out: &mut String, label: &str, text: &str, style: Style) {
    const MARGIN: usize = 12;
    for (at, line) in wrap(text, style.width.saturating_sub(MARGIN).max(30)).iter().enumerate() {
        let label = if at == 0 { label } else { "" };
        let _ = writeln!(out, "{label:MARGIN$}{line}");
    }
}

fn table(style: Style) -> String {
    let mut out = String::new();
    for one in MOVES {
        let label = format!("{:12}", one.name);
        for (at, line) in wrap(one.does, style.width.saturating_sub(12).max(30)).iter().enumerate()
        {
            let head = if at == 0 { style.bold(&label) } else { " ".repeat(12) };
            let _ = writeln!(out, "{head}{line}");
        }
        paragraph(&mut out, "", &format!("for {}", one.used_for), style);
        paragraph(&mut out, "", &format!("camera: {}", one.example), style);
    }
    out.push_str("\nOne move a clip. `storyreel camera MOVE` tells its other names.\n");
    out
}

fn in_full(one: &Move, style: Style) -> String {
    let mut out = format!("{}\n", style.bold(one.name));
    paragraph(&mut out, "  does", one.does, style);
    paragraph(&mut out, "  used for", one.used_for, style);
    paragraph(&mut out, "  also", &one.also.join(", "), style);
    let elsewhere: Vec<String> =
        one.elsewhere.iter().map(|(language, name)| format!("{name} ({language})")).collect();
    paragraph(&mut out, "  elsewhere", &elsewhere.join(", "), style);
    paragraph(&mut out, "  write", &format!("camera: {}", one.example), style);
    out
}
