//! `storyreel schema`: JSON Schemas, for editors and other programs.

use super::failure::Failure;
use super::{Output, pretty, print};
use crate::catalog::Catalog;
use crate::report::choices;
use crate::report::schema as shapes;
use crate::{catalog, settings, storyboard};

/// Print a JSON Schema.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  storyreel schema storyboard > storyboard.schema.json
  storyreel schema config                the keys of storyreel.toml")]
pub(super) struct Schema {
    /// What it describes
    #[arg(value_enum, value_name = "NAME")]
    name: Name,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Name {
    /// A storyboard in YAML or JSON.
    Storyboard,
    /// `storyreel.toml` and the user's own configuration.
    Config,
    /// A model file of the catalogue.
    Catalog,
    /// `public/assets/manifest.json`.
    Manifest,
    /// `plan --json`.
    Plan,
    /// One line of `render --json`.
    Events,
}

impl Schema {
    pub fn run(&self, _: Output) -> Result<u8, Failure> {
        let text = match self.name {
            Name::Storyboard => pretty(&storyboard()?),
            Name::Config => pretty(&settings::config_schema()),
            Name::Catalog => pretty(&catalog::schema()),
            Name::Manifest => pretty(&shapes::manifest()),
            Name::Plan => pretty(&shapes::plan()),
            Name::Events => pretty(&shapes::events()),
        };
        print(&text)?;
        Ok(0)
    }
}

/// The schema of storyboards, with the models that the program knows.
pub(super) fn storyboard() -> Result<serde_json::Value, Failure> {
    Ok(storyboard::schema(&choices(&Catalog::built_in()?)))
}
