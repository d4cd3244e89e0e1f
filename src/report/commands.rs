//! Command lines that reports recommend: complete, and safe to paste.

use super::NextCommand;

/// Builds the commands that lead on from a run, with the storyboard as the user named it.
#[derive(Debug, Clone, Default)]
pub struct Commands {
    /// The storyboard's path, where the user gave one.
    pub file: Option<String>,
    /// The profile, where the user named one.
    pub profile: Option<String>,
}

impl Commands {
    fn line(&self, command: &str, arguments: &[&str]) -> String {
        let mut line = format!("storyreel {command}");
        for argument in arguments {
            line.push(' ');
            line.push_str(&quoted(argument));
        }
        if let Some(file) = &self.file {
            line.push_str(" -f ");
            line.push_str(&quoted(file));
        }
        // Not every command has profiles.
        if let Some(profile) =
            self.profile.as_ref().filter(|_| !matches!(command, "status" | "drift"))
        {
            line.push_str(" --profile ");
            line.push_str(&quoted(profile));
        }
        line
    }

    /// A command that costs nothing.
    pub fn free(&self, command: &str, arguments: &[&str]) -> NextCommand {
        NextCommand::free(self.line(command, arguments))
    }

    /// A command that may spend credits.
    pub fn spending(&self, command: &str, arguments: &[&str]) -> NextCommand {
        NextCommand::spending(self.line(command, arguments))
    }
}

/// The argument as a shell takes it for one word.
fn quoted(argument: &str) -> String {
    let plain = !argument.is_empty()
        && argument.chars().all(|c| {
            c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | ',' | '=' | '@' | '+')
        });
    if plain { argument.to_owned() } else { format!("'{}'", argument.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_with_spaces_and_quotes_stay_one_word() {
        let commands = Commands { file: Some("my film.md".into()), ..Commands::default() };
        assert_eq!(
            commands.spending("render", &["--only", "a'b;rm"]).command,
            r"storyreel render --only 'a'\''b;rm' -f 'my film.md'"
        );
        assert_eq!(Commands::default().free("status", &[]).command, "storyreel status");
    }
}
