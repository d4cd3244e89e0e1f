//! What people and programs are shown: problems, plans, progress and summaries.
//!
//! A run is seen only through its events. Everything that comes from a document or from the provider passes
//! [`sanitise`] before it reaches a terminal.

mod choices;
mod commands;
pub mod diagnostics;
pub mod diff;
pub mod error;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod plan_text;
pub mod summary;
pub mod terminal;

mod sanitise;
pub mod schema;
mod style;

pub use choices::choices;
pub use commands::Commands;
pub use error::{ErrorReport, NextCommand};
pub use sanitise::{json_text, sanitise, sanitise_text};
pub use style::{ColourChoice, Style, pad, wrap};

use crate::engine::event::Stamped;

/// Where the events of a run go.
pub trait Reporter {
    /// Takes one event, in the order in which they happen.
    fn event(&mut self, event: &Stamped);
    /// Ends what is being shown, so that what is printed next stands alone.
    fn finish(&mut self) {}
}

/// `5 s`, `0.5 s`, `1 min 20 s`, `2 h 5 min`: for people.
pub fn span_of_time(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    if seconds < 60.0 {
        return format!("{} s", trimmed(seconds, 1));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time in seconds, not negative; the cast saturates"
    )]
    let whole = seconds.round() as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (hours, minutes, rest) {
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, rest) => format!("{minutes} min {rest} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// A number with at most `digits` decimals and no zeros at its end.
pub fn trimmed(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    };
    if text == "-0" { "0".to_owned() } else { text }
}

/// `1 scene`, `3 scenes`.
pub fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// `2 rendered, 1 failed`: the counts that are not 0. `None` where all are.
pub fn tally(counts: &[(usize, &str)]) -> Option<String> {
    let told = counts.iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = told.map(|(count, words)| format!("{count} {words}")).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// `scene 3`, `scenes 1, 2 and 4 more`: at most so many of them by their ids, each written by `word`.
pub fn scenes_named(ids: &[impl AsRef<str>], most: usize, word: impl Fn(&str) -> String) -> String {
    let noun = if ids.len() == 1 { "scene" } else { "scenes" };
    let shown: Vec<String> = ids.iter().take(most).map(|id| word(id.as_ref())).collect();
    let more = ids.len().saturating_sub(most);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{noun} {}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(trimmed(60.0, 2), "60");
        assert_eq!(trimmed(0.125, 2), "0.12");
        assert_eq!(trimmed(1.50, 2), "1.5");
        assert_eq!(trimmed(-0.001, 2), "0");
        assert_eq!(trimmed(100.0, 0), "100");
    }

    #[test]
    fn times_are_told_in_two_units() {
        assert_eq!(span_of_time(5.0), "5 s");
        assert_eq!(span_of_time(0.25), "0.2 s");
        assert_eq!(span_of_time(80.0), "1 min 20 s");
        assert_eq!(span_of_time(3600.0), "1 h");
        assert_eq!(span_of_time(7500.0), "2 h 5 min");
    }
}
