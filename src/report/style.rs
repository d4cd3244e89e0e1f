//! Colours and widths of one output stream.

use std::fmt::Display;
use std::io::IsTerminal as _;

/// How text on a stream may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether to use colours.
    pub colour: bool,
    /// Columns to fill at most.
    pub width: usize,
    /// Whether the stream is a terminal.
    pub terminal: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColourChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Columns where the output is no terminal and nobody says otherwise.
const DEFAULT_WIDTH: usize = 100;

impl Style {
    /// No colours, the given width, no terminal.
    pub fn plain(width: usize) -> Self {
        Self { colour: false, width, terminal: false }
    }

    /// How standard output may look.
    pub fn of_stdout(choice: ColourChoice) -> Self {
        Self::of(choice, std::io::stdout().is_terminal(), &console::Term::stdout())
    }

    /// How standard error may look.
    pub fn of_stderr(choice: ColourChoice) -> Self {
        Self::of(choice, std::io::stderr().is_terminal(), &console::Term::stderr())
    }

    fn of(choice: ColourChoice, terminal: bool, term: &console::Term) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colour = match choice {
            ColourChoice::Always => true,
            ColourChoice::Never => false,
            ColourChoice::Auto => terminal && !set("NO_COLOR") && !dumb,
        };
        let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let measured = terminal.then(|| term.size_checked()).flatten();
        let width =
            measured.map(|(_, columns)| usize::from(columns)).or(asked).unwrap_or(DEFAULT_WIDTH);
        Self { colour, width: width.clamp(40, 200), terminal }
    }

    fn paint(self, code: &str, text: impl Display) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
    }

    /// Strong.
    pub fn bold(self, text: impl Display) -> String {
        self.paint("1", text)
    }

    /// Faint.
    pub fn dim(self, text: impl Display) -> String {
        self.paint("2", text)
    }

    /// Good, or added.
    pub fn green(self, text: impl Display) -> String {
        self.paint("32", text)
    }

    /// Needs a look.
    pub fn yellow(self, text: impl Display) -> String {
        self.paint("33", text)
    }

    /// Bad, or taken away.
    pub fn red(self, text: impl Display) -> String {
        self.paint("31", text)
    }

    /// For information.
    pub fn cyan(self, text: impl Display) -> String {
        self.paint("36", text)
    }
}

/// Columns that text takes on a terminal; colours take none.
pub fn width_of(text: &str) -> usize {
    console::measure_text_width(text)
}

/// Text cut to `columns`, ending in `…` where something was cut.
pub fn cut(text: &str, columns: usize) -> String {
    console::truncate_str(text, columns, "…").into_owned()
}

/// Text with spaces after it up to `columns`.
pub fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width_of(text))))
}

/// Text with spaces before it up to `columns`.
pub fn pad_left(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width_of(text))))
}

/// Breaks text at spaces into lines of at most `columns`; a longer word stands alone.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !line.is_empty() && width_of(&line) + 1 + width_of(word) > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_count_columns_not_bytes() {
        assert_eq!(width_of("漢字"), 4);
        assert_eq!(pad("漢字", 6), "漢字  ");
        assert_eq!(pad_left("8", 3), "  8");
        assert_eq!(cut("a long title", 6), "a lon…");
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        let style = Style { colour: true, ..Style::plain(80) };
        assert_eq!(width_of(&style.red("no")), 2);
        assert_eq!(Style::plain(80).red("no"), "no");
    }
}
