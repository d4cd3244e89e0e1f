//! A short account of which words of a text changed.

use super::style::Style;

/// Words kept around a change.
const CONTEXT: usize = 3;
/// Longer texts are compared by their common beginning and end only.
const MOST_CELLS: usize = 4_000_000;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Same(Vec<String>),
    Changed { old: Vec<String>, new: Vec<String> },
}

/// The changed words between `old` and `new` with a few words around them: `… a [-calm-] {+stormy+} sea at …`.
///
/// With colours the removed words are red and the added ones green, without the marks.
pub fn words(old: &str, new: &str, style: Style) -> String {
    marked(
        old,
        new,
        &str::to_owned,
        &|text| if style.colour { style.red(text) } else { format!("[-{text}-]") },
        &|text| if style.colour { style.green(text) } else { format!("{{+{text}+}}") },
    )
}

/// The same with marks of one's own around what stays, what went and what came.
pub fn marked(
    old: &str,
    new: &str,
    stays: &dyn Fn(&str) -> String,
    went: &dyn Fn(&str) -> String,
    came: &dyn Fn(&str) -> String,
) -> String {
    let pieces = compare(old, new);
    let mut out: Vec<String> = Vec::new();
    let last = pieces.len().saturating_sub(1);
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Same(words) => {
                let before = if index == 0 { 0 } else { CONTEXT };
                let after = if index == last { 0 } else { CONTEXT };
                if words.len() <= before + after + 1 {
                    out.extend(words.iter().map(|word| stays(word)));
                } else {
                    out.extend(words[..before].iter().map(|word| stays(word)));
                    out.push("…".to_owned());
                    out.extend(words[words.len() - after..].iter().map(|word| stays(word)));
                }
            }
            Piece::Changed { old, new } => {
                if !old.is_empty() {
                    out.push(went(&old.join(" ")));
                }
                if !new.is_empty() {
                    out.push(came(&new.join(" ")));
                }
            }
        }
    }
    out.join(" ")
}

fn compare(old: &str, new: &str) -> Vec<Piece> {
    let old: Vec<&str> = old.split_whitespace().collect();
    let new: Vec<&str> = new.split_whitespace().collect();
    let start = old.iter().zip(&new).take_while(|(one, other)| one == other).count();
    let end = old[start..]
        .iter()
        .rev()
        .zip(new[start..].iter().rev())
        .take_while(|(one, other)| one == other)
        .count();
    let (old_middle, new_middle) = (&old[start..old.len() - end], &new[start..new.len() - end]);
    let mut pieces = Pieces::default();
    pieces.same(&old[..start]);
    if old_middle.len().saturating_mul(new_middle.len()) > MOST_CELLS {
        pieces.changed(old_middle, new_middle);
    } else {
        align(old_middle, new_middle, &mut pieces);
    }
    pieces.same(&old[old.len() - end..]);
    pieces.list
}

/// The longest common subsequence, written down as pieces.
fn align(old: &[&str], new: &[&str], pieces: &mut Pieces) {
    let columns = new.len() + 1;
    let mut lengths = vec![0_u32; (old.len() + 1) * columns];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            lengths[i * columns + j] = if old[i] == new[j] {
                lengths[(i + 1) * columns + j + 1] + 1
            } else {
                lengths[(i + 1) * columns + j].max(lengths[i * columns + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            pieces.same(&old[i..=i]);
            (i, j) = (i + 1, j + 1);
        } else if j == new.len()
            || (i < old.len() && lengths[(i + 1) * columns + j] >= lengths[i * columns + j + 1])
        {
            pieces.changed(&old[i..=i], &[]);
            i += 1;
        } else {
            pieces.changed(&[], &new[j..=j]);
            j += 1;
        }
    }
}

#[derive(Default)]
struct Pieces {
    list: Vec<Piece>,
}

impl Pieces {
    fn same(&mut self, words: &[&str]) {
        if words.is_empty() {
            return;
        }
        let words = words.iter().map(|word| (*word).to_owned());
        match self.list.last_mut() {
            Some(Piece::Same(known)) => known.extend(words),
            _ => self.list.push(Piece::Same(words.collect())),
        }
    }

    fn changed(&mut self, gone: &[&str], come: &[&str]) {
        if !matches!(self.list.last(), Some(Piece::Changed { .. })) {
            self.list.push(Piece::Changed { old: Vec::new(), new: Vec::new() });
        }
        if let Some(Piece::Changed { old, new }) = self.list.last_mut() {
            old.extend(gone.iter().map(|word| (*word).to_owned()));
            new.extend(come.iter().map(|word| (*word).to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(old: &str, new: &str) -> String {
        words(old, new, Style::plain(80))
    }

    #[test]
    fn only_the_changed_words_and_their_neighbours_are_shown() {
        assert_eq!(
            diff(
                "a lone lighthouse on a basalt skerry at dawn with soft light",
                "a lone lighthouse on a basalt skerry at dusk with soft light"
            ),
            "… basalt skerry at [-dawn-] {+dusk+} with soft light"
        );
        assert_eq!(diff("calm sea", "calm sea at night"), "calm sea {+at night+}");
        assert_eq!(diff("one two", "two"), "[-one-] two");
        assert_eq!(diff("", "new"), "{+new+}");
        assert_eq!(
            diff("a b c d e f g h i j k l", "a X c d e f g h i j Y l"),
            "a [-b-] {+X+} c d e … h i j [-k-] {+Y+} l"
        );
    }

    #[test]
    fn long_different_texts_do_not_take_forever() {
        let old: Vec<String> = (0..5000).map(|n| format!("a{n}")).collect();
        let new: Vec<String> = (0..5000).map(|n| format!("b{n}")).collect();
        assert!(diff(&old.join(" "), &new.join(" ")).starts_with("[-a0"));
    }
}
