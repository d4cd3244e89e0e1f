//! The provider over HTTP: clients, the driver that follows the catalogue, outcome classes, uploads and links.
//!
//! Nothing here knows scenes. A call gets a bound request and the family's description and gives an outcome.

pub mod address;
pub mod backoff;
pub mod bind;
pub mod discovery;
pub mod driver;
pub mod echo;
pub mod http;
pub mod outcome;

use crate::source::steers;

/// Text from the provider made safe to print and to keep: control characters become spaces, runs of white space
/// become one, and at most `longest` characters stay.
pub fn printable(text: &str, longest: usize) -> String {
    let mut safe = String::new();
    for character in text.chars() {
        if character.is_control() || character.is_whitespace() {
            if !safe.is_empty() && !safe.ends_with(' ') {
                safe.push(' ');
            }
        } else if !steers(character) {
            // What turns the direction of text or hides it can make one message look like another.
            safe.push(character);
        }
    }
    let safe = safe.trim_end();
    if safe.chars().count() <= longest {
        return safe.to_owned();
    }
    let mut cut: String = safe.chars().take(longest.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn provider_text_cannot_drive_a_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\r\n\t c\u{202e}d\u{7}", 100), "a [31mb cd");
        assert_eq!(printable(&"x".repeat(50), 10), format!("{}…", "x".repeat(9)));
    }
}
