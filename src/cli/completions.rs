//! `storyreel completions`: tab completion for shells.

use super::failure::Failure;
use clap_complete::Shell;
use clap_complete::env::Shells;

/// Print a script for a shell that completes commands, scenes, models and camera moves.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The script asks this program while you type, so scenes are those of the storyboard in the working folder. Have it made anew when the
shell starts, so that it fits the program:
  bash        echo 'source <(storyreel completions bash)' >> ~/.bashrc
  zsh         echo 'source <(storyreel completions zsh)' >> ~/.zshrc
  fish        echo 'storyreel completions fish | source' >> ~/.config/fish/config.fish
  powershell  storyreel completions powershell | Out-String | Invoke-Expression")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub fn run(&self) -> Result<u8, Failure> {
        let name = self.shell.to_string();
        let mut script = Vec::new();
        let shells = Shells::builtins();
        let written = shells.completer(&name).map(|shell| {
            shell.write_registration("COMPLETE", "storyreel", "storyreel", "storyreel", &mut script)
        });
        match written {
            Some(Ok(())) => super::print(&String::from_utf8_lossy(&script)).map(|()| 0),
            Some(Err(error)) => Err(Failure::cannot_work("output", error.to_string())),
            None => Err(Failure::invalid("no-such-shell", format!("`{name}` is not known"))),
        }
    }
}
