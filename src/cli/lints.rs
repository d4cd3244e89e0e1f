//! `storyreel lints`: the lints of the craft.

use super::args::Suggested;
use super::failure::Failure;
use super::{Output, pretty, print};
use crate::craft::{GROUPS, Group, LINTS, Lint, group_named, lint_named};
use crate::report::{Style, wrap};
use crate::settings::nearest;
use clap::builder::PossibleValue;
use serde_json::json;
use std::fmt::Write as _;

/// Show the lints of the craft: what each wants, why, and a better line.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  storyreel lints                    all lints, by group
  storyreel lints camera             one group
  storyreel lints one-move           one lint, with its reason and a better line
  storyreel check --lints all        look for all of them

Levels stand in storyreel.toml, by code or group; the code counts more:
  [lints]
  camera = \"warn\"                    also: error, off
  no-camera = \"off\"

What is meant as it is, is allowed in the storyboard: at the top for the whole film as
`allow: [one-move]`, or for one scene, in Markdown as `- **Allow**: one-move`.")]
pub(super) struct Lints {
    /// A code or a group
    #[arg(value_name = "CODE", value_parser = names(), hide_possible_values = true)]
    name: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn names() -> Suggested {
    let groups = GROUPS.iter().map(|group| PossibleValue::new(group.name()).help(group.about()));
    let lints = LINTS.iter().map(|lint| PossibleValue::new(lint.code).help(lint.rule));
    Suggested(groups.chain(lints).collect())
}

impl Lints {
    pub fn run(&self, output: Output) -> Result<u8, Failure> {
        let name = self.name.as_deref().map(|name| name.trim().to_lowercase());
        let chosen: Vec<&Lint> = match name.as_deref() {
            None => GROUPS.iter().flat_map(|group| of_group(*group)).collect(),
            Some(name) => match (lint_named(name), group_named(name)) {
                (Some(lint), _) => vec![lint],
                (None, Some(group)) => of_group(group).collect(),
                (None, None) => return Err(unknown(name)),
            },
        };
        if self.json {
            let lints: Vec<_> = chosen.iter().map(|lint| as_json(lint)).collect();
            print(&pretty(&json!({"lints": lints})))?;
        } else if let [lint] = chosen[..] {
            print(&in_full(lint, output.stdout))?;
        } else {
            print(&table(&chosen, output.stdout))?;
        }
        Ok(0)
    }
}

fn of_group(group: Group) -> impl Iterator<Item = &'static Lint> {
    LINTS.iter().filter(move |lint| lint.group == group)
}

fn unknown(name: &str) -> Failure {
    let shown = crate::report::sanitise(name, 60);
    let names = LINTS.iter().map(|lint| lint.code).chain(GROUPS.iter().map(|group| group.name()));
    let hint = nearest(name, names).map_or_else(
        || "`storyreel lints` lists codes and groups; other warnings explain themselves".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    Failure::invalid("unknown-lint", format!("no lint is called `{shown}`")).hint(hint)
}

fn as_json(lint: &Lint) -> serde_json::Value {
    json!({
        "code": lint.code, "group": lint.group.name(), "default": default_of(lint.group),
        "looks_at": lint.looks_at, "rule": lint.rule, "why": lint.why, "bad": lint.bad, "better": lint.better,
    })
}

fn default_of(group: Group) -> &'static str {
    if group.is_on() { "warn" } else { "off" }
}

fn table(chosen: &[&Lint], style: Style) -> String {
    let width = chosen.iter().map(|lint| lint.code.len()).max().unwrap_or(0) + 2;
    let mut out = String::new();
    for group in GROUPS {
        let mut lints = chosen.iter().filter(|lint| lint.group == *group).peekable();
        if lints.peek().is_none() {
            continue;
        }
        let on = if group.is_on() { "on" } else { "off by default" };
        let _ = writeln!(out, "{}: {} ({on})", style.bold(group.name()), group.about());
        for lint in lints {
            let room = style.width.saturating_sub(width + 2).max(30);
            for (at, line) in wrap(lint.rule, room).iter().enumerate() {
                let code = if at == 0 { lint.code } else { "" };
                let _ = writeln!(out, "  {code:width$}{line}");
            }
        }
        out.push('\n');
    }
    out.push_str("`storyreel lints CODE` tells why, with a better line.\n");
    out
}

fn in_full(lint: &Lint, style: Style) -> String {
    let mut out = format!(
        "{}: {}\n  in the group {}, {} by default\n",
        style.bold(lint.code),
        lint.rule,
        lint.group.name(),
        default_of(lint.group)
    );
    for (label, text) in [
        ("why", lint.why),
        ("looks at", lint.looks_at),
        ("instead of", lint.bad),
        ("write", lint.better),
        ("allow it", &format!("allow: {}", lint.code)),
    ] {
        for (at, line) in wrap(text, style.width.saturating_sub(14).max(30)).iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            let _ = writeln!(out, "  {label:12}{line}");
        }
    }
    out
}
