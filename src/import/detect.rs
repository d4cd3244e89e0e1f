//! Which format a text is in: by its name's ending, else by what it says.

use super::{asset_plan, fountain};
use crate::source::Source;
use std::path::Path;

/// The formats that are imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Tables in Markdown: a row a shot, or a `Field | Value` table a scene; or JSON or YAML in a fence.
    Markdown,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// Comma, semicolon or tab separated values.
    Csv,
    /// VideoFlow's `ASSET-PLAN.md`.
    AssetPlan,
    /// A screenplay in Fountain.
    Fountain,
}

impl Format {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Csv => "csv",
            Self::AssetPlan => "asset-plan",
            Self::Fountain => "fountain",
        }
    }

    /// Its name in a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Markdown => "Markdown",
            Self::Json => "JSON",
            Self::Yaml => "YAML",
            Self::Csv => "CSV",
            Self::AssetPlan => "an asset plan",
            Self::Fountain => "a Fountain script",
        }
    }
}

/// The format of a text.
pub fn format_of(source: &Source) -> Format {
    let path = Path::new(source.name());
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let text = source.text().trim_start_matches('\u{feff}');
    match ending.to_ascii_lowercase().as_str() {
        "csv" | "tsv" | "tab" => Format::Csv,
        "fountain" | "spmd" => Format::Fountain,
        "json" | "jsonl" | "ndjson" | "json5" | "jsonc" => Format::Json,
        "yaml" | "yml" => Format::Yaml,
        "md" | "markdown" | "mdown" | "mkd" | "mdx" => markdown(source),
        _ => {
            if text.trim_start().starts_with(['{', '[']) {
                Format::Json
            } else if fountain::is_script(text) {
                Format::Fountain
            } else if is_separated(text) {
                Format::Csv
            } else if is_map(text) {
                Format::Yaml
            } else {
                markdown(source)
            }
        }
    }
}

fn markdown(source: &Source) -> Format {
    if asset_plan::is_plan(source) { Format::AssetPlan } else { Format::Markdown }
}

/// True for a first line of three cells or more, and a second with as many.
fn is_separated(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else { return false };
    [',', ';', '\t'].into_iter().any(|mark| {
        let count = first.matches(mark).count();
        // A line of prose has commas, too; a header has no full stop and no bar.
        count >= 2 && !first.contains(['.', '|', '#']) && second.matches(mark).count() >= count
    })
}

/// True for a text whose first line of words is a key of YAML, and that has no heading.
fn is_map(text: &str) -> bool {
    let first = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let key = first.is_some_and(|line| {
        line.trim_end() == "---"
            || line.split_once(':').is_some_and(|(key, _)| {
                !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
            })
    });
    key && !text.lines().any(|line| line.starts_with("# ") || line.starts_with("## "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_name_or_by_text() {
        for (name, text, expected) in [
            ("shots.csv", "", Format::Csv),
            ("shots.TSV", "", Format::Csv),
            ("a.fountain", "", Format::Fountain),
            ("a.json", "", Format::Json),
            ("a.yml", "", Format::Yaml),
            ("a.md", "| a | b |", Format::Markdown),
            ("a.txt", " {\"scenes\": []}", Format::Json),
            ("a.txt", "INT. KITCHEN - DAY\n\nShe waits.\n", Format::Fountain),
            ("a.txt", "shot;visual;time\n1;a boat;5\n", Format::Csv),
            ("a", "title: a\nscenes:\n", Format::Yaml),
            ("a", "Once, in a land, far away, it rained.\nAnd, then, it, did.", Format::Markdown),
        ] {
            assert_eq!(format_of(&Source::new(name, text)), expected, "{name}: {text}");
        }
    }
}
