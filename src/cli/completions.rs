//! `storyreel completions`: tab completion for shells.

use super::failure::Failure;
use clap::CommandFactory as _;
use clap_complete::Shell;

/// Print a completion script for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  storyreel completions bash > ~/.local/share/bash-completion/completions/storyreel
  storyreel completions zsh > ~/.zfunc/_storyreel
  storyreel completions fish > ~/.config/fish/completions/storyreel.fish")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub fn run(&self) -> Result<u8, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::Cli::command(), "storyreel", &mut script);
        super::print(&String::from_utf8_lossy(&script))?;
        Ok(0)
    }
}
