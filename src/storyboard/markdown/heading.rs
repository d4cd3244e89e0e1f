//! Headings: `## Scene 3: The gallery (6s)`, `### S01 · Opening`, `## 镜头1：晨光`, `## Extend`.

use super::super::duration;
use super::super::scene::SceneId;
use crate::source::{Span, Spanned};

/// Words that start a scene's heading, in Latin script: a word boundary must follow.
const WORDS: &[&str] = &[
    "scene",
    "shot",
    "clip",
    "cut",
    "frame",
    "beat",
    "panel",
    "sequence",
    "szene",
    "einstellung",
    "bild",
    "scène",
    "scena",
    "inquadratura",
    "escena",
    "toma",
    "plano",
    "cena",
    "plan",
    "beeld",
    "сцена",
    "кадр",
    "video",
];

/// The same in scripts that do not separate words.
const CJK_WORDS: &[&str] = &[
    "场景",
    "場景",
    "镜头",
    "鏡頭",
    "分镜",
    "分鏡",
    "画面",
    "片段",
    "シーン",
    "カット",
    "ショット",
    "コマ",
    "장면",
    "샷",
    "컷",
];

/// Counters that close a Chinese or Japanese ordinal: `第3场`, `第一幕`.
const COUNTERS: &[&str] = &[
    "个镜头",
    "場面",
    "场景",
    "镜头",
    "分镜",
    "シーン",
    "カット",
    "场",
    "場",
    "幕",
    "镜",
    "鏡",
    "景",
];

/// What a heading says.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Heading {
    /// It starts with a word such as `Scene`.
    pub keyword: bool,
    /// That word, in lower case: a shot inside a scene has another word than the scene.
    pub word: String,
    /// The id that follows, or that stands first.
    pub id: Option<Spanned<SceneId>>,
    /// The id has a digit in it, so that it cannot be the first word of a title.
    pub numbered: bool,
    /// The words after the separator.
    pub title: Option<Spanned<String>>,
    /// A length or range in brackets.
    pub timing: Option<Spanned<String>>,
    /// All the words, without marks.
    pub words: String,
    /// Where they stand.
    pub span: Span,
}

/// Reads the words of a heading; `text` is what stands at `span`.
pub(crate) fn read(text: &str, span: Span, frame_rate: Option<f64>) -> Heading {
    // Nobody writes a heading longer than this; a hostile one is not searched again and again.
    let text = text.get(..text.len().min(2000)).unwrap_or(text);
    let mut heading = Heading { span, ..Heading::default() };
    let (timing, kept) = take_timing(text, frame_rate);
    heading.timing = timing.map(|(at, length)| {
        Spanned::new(text[at..at + length].to_owned(), span.start + at..span.start + at + length)
    });
    let mut reader = Reader { text: &kept, at: 0, base: span.start };
    reader.skip_decoration();
    heading.words = reader.rest().trim_end_matches(is_decoration).trim().to_owned();
    heading.word = reader.keyword().unwrap_or_default();
    heading.keyword = !heading.word.is_empty();
    let ordinal = if heading.keyword { None } else { reader.ordinal() };
    if let Some(id) = ordinal {
        heading.keyword = true;
        heading.word = "第".to_owned();
        heading.numbered = true;
        heading.id = Some(id);
    } else {
        if heading.keyword {
            reader.skip_between();
        }
        let start = reader.at;
        if let Some((id, numbered)) = reader.id(heading.keyword) {
            heading.id = Some(id);
            heading.numbered = numbered;
        } else {
            reader.at = start;
        }
    }
    reader.skip_separators();
    let title = reader.rest().trim_end_matches(is_decoration);
    let title = title
        .trim_end_matches(|c: char| is_separator(c) && !matches!(c, '.' | ')' | '）' | ']' | '】'));
    let title = title.trim().trim_matches(['*', '_', '`', '"']).trim();
    if !title.is_empty() {
        let at = reader.at + reader.rest().find(title).unwrap_or(0);
        let cleaned: String = title
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .chars()
            .filter(|c| !c.is_control())
            .collect();
        let placeholder = cleaned.starts_with('[') && cleaned.ends_with(']');
        if !placeholder && !cleaned.is_empty() {
            heading.title =
                Some(Spanned::new(cleaned, span.start + at..span.start + at + title.len()));
        }
    }
    heading
}

fn is_separator(c: char) -> bool {
    matches!(
        c,
        ':' | '—' | '–' | '-' | '·' | '.' | '：' | '|' | '・' | '、' | ')' | '）' | ']' | '】'
    ) || c.is_whitespace()
}

fn is_decoration(c: char) -> bool {
    c.is_whitespace() || matches!(c, '*' | '_' | '`' | '\u{fe0f}' | '\u{200d}')
}

/// Finds a length in brackets and blanks it, brackets and all, so that places stay true.
fn take_timing(text: &str, frame_rate: Option<f64>) -> (Option<(usize, usize)>, String) {
    let mut open = None;
    let mut found = None;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '（' | '[' | '【' => open = Some((at, c.len_utf8())),
            ')' | '）' | ']' | '】' => {
                if let Some((start, width)) = open.take() {
                    let inner = &text[start + width..at];
                    if duration::parse(inner, frame_rate).is_ok_and(|length| length.unmistakable) {
                        found = Some((start, width, at, c.len_utf8()));
                    }
                }
            }
            _ => {}
        }
    }
    if let Some((start, width, end, close)) = found {
        let mut kept = text.as_bytes().to_vec();
        kept[start..end + close].fill(b' ');
        let inner = &text[start + width..end];
        let at = start + width + (inner.len() - inner.trim_start().len());
        return (Some((at, inner.trim().len())), String::from_utf8(kept).unwrap_or_default());
    }
    // `Scene 1 | 0:00-0:05 | Title`: a part between bars.
    let mut at = 0;
    for part in text.split_inclusive('|') {
        let inner = part.trim_end_matches('|');
        let words = inner.trim();
        if at > 0 && duration::parse(words, frame_rate).is_ok_and(|length| length.unmistakable) {
            let start = at + (inner.len() - inner.trim_start().len());
            let mut kept = text.as_bytes().to_vec();
            kept[at..at + part.len()].fill(b' ');
            return (Some((start, words.len())), String::from_utf8(kept).unwrap_or_default());
        }
        at += part.len();
    }
    (None, text.to_owned())
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    base: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip_while(&mut self, skip: impl Fn(char) -> bool) {
        self.at += self.rest().len() - self.rest().trim_start_matches(skip).len();
    }

    /// Emphasis, emoji and other pictures before the first word.
    fn skip_decoration(&mut self) {
        self.skip_while(|c| !c.is_alphanumeric());
    }

    /// What may stand between the keyword and its number: `Scene #3`, `Scene No. 3`, `Scene [3]`.
    fn skip_between(&mut self) {
        self.skip_while(|c| c.is_whitespace() || matches!(c, '#' | '_' | '[' | '*' | '№' | '-'));
        for word in ["no. ", "no.", "nr. ", "nr.", "number "] {
            if self.rest().get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)) {
                self.at += word.len();
                self.skip_while(char::is_whitespace);
                return;
            }
        }
    }

    fn skip_separators(&mut self) {
        self.skip_while(|c| is_separator(c) || matches!(c, '*' | '_' | '`'));
    }

    fn keyword(&mut self) -> Option<String> {
        let rest = self.rest();
        let length = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        let word = rest[..length].to_lowercase();
        if WORDS.contains(&word.as_str()) {
            self.at += length;
            return Some(word);
        }
        let word = CJK_WORDS.iter().find(|word| rest.starts_with(**word))?;
        self.at += word.len();
        Some((*word).to_owned())
    }

    /// `第3场`, `第一幕`.
    fn ordinal(&mut self) -> Option<Spanned<SceneId>> {
        let after = self.rest().strip_prefix('第')?;
        let spaces = after.len() - after.trim_start().len();
        let digits = after.trim_start();
        let length = digits
            .find(|c: char| !(c.is_ascii_digit() || "一二三四五六七八九十〇零".contains(c)))
            .unwrap_or(digits.len());
        let number = number_word(&digits[..length])?;
        let tail = digits[length..].trim_start();
        let counter = COUNTERS.iter().find(|counter| tail.starts_with(**counter))?;
        let start = self.at + '第'.len_utf8() + spaces;
        let id =
            Spanned::new(SceneId::Number(number), self.base + start..self.base + start + length);
        self.at = self.text.len() - tail.len() + counter.len();
        Some(id)
    }

    /// An id at this place, and whether it has a digit. Without a keyword only ids with a digit count.
    fn id(&mut self, keyword: bool) -> Option<(Spanned<SceneId>, bool)> {
        let rest = self.rest();
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '-')))
            .unwrap_or(rest.len());
        // Numbers end where a CJK title starts without a space: `镜头1晨光`.
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let length = match rest[digits..length].chars().next() {
            Some(next) if digits > 0 && !next.is_ascii() => digits,
            _ => length,
        };
        let token = rest[..length].trim_end_matches(['.', '-', '_']);
        if token.is_empty() || token.len() > 40 {
            return None;
        }
        // `1-Opening`: a number, a dash and a word are a number and a title; `v2-s001` and `shot-01` are ids.
        let token = match token.split_once('-') {
            Some((number, word))
                if number.bytes().all(|byte| byte.is_ascii_digit())
                    && !number.is_empty()
                    && word.len() > 2
                    && word.chars().all(|c| c.is_alphabetic() || c == '-') =>
            {
                number
            }
            _ => token,
        };
        let span = Span::new(self.base + self.at, self.base + self.at + token.len());
        let after = &rest[token.len()..];
        if token.chars().any(|c| c.is_ascii_digit()) {
            self.at += token.len();
            return Some((Spanned::new(SceneId::parse(token), span), true));
        }
        if !keyword {
            return None;
        }
        if let Some(number) = number_word(token) {
            self.at += token.len();
            return Some((Spanned::new(SceneId::Number(number), span), true));
        }
        // A word is an id where a separator or the end follows: `Scene hook: The lamp`, `Scene B`.
        let after = after.trim_start();
        let ends = after.trim_matches(is_decoration).is_empty()
            || after.starts_with([':', '：', '—', '–', '·', '|']);
        if ends || (after.starts_with("- ") && token.chars().count() <= 20) {
            self.at += token.len();
            return Some((Spanned::new(SceneId::parse(token), span), false));
        }
        None
    }
}

/// `One`, `drei`, `十二` and `7` as numbers.
fn number_word(word: &str) -> Option<u64> {
    if !word.is_empty() && word.len() <= 9 && word.bytes().all(|byte| byte.is_ascii_digit()) {
        return word.parse().ok();
    }
    let english = [
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ];
    let lower = word.to_lowercase();
    if let Some(index) = english.iter().position(|name| *name == lower) {
        return Some(index as u64 + 1);
    }
    let digit = |c: char| {
        "〇一二三四五六七八九".chars().position(|known| known == c).map(|index| index as u64)
    };
    let chars: Vec<char> = word.chars().collect();
    match chars.as_slice() {
        ['十'] => Some(10),
        ['十', ones] => Some(10 + digit(*ones)?),
        [tens, '十'] => Some(digit(*tens)? * 10),
        [tens, '十', ones] => Some(digit(*tens)? * 10 + digit(*ones)?),
        [ones] => digit(*ones).filter(|number| *number > 0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (bool, Option<String>, Option<String>, Option<String>) {
        let heading = read(text, Span::new(0, text.len()), None);
        let title = heading.title.as_ref().map(|title| title.span);
        let id = heading.id.as_ref().map(|id| id.span);
        for place in title.into_iter().chain(id) {
            assert!(text.get(place.range()).is_some(), "{text}");
        }
        (
            heading.keyword,
            heading.id.map(|id| id.value.to_string()),
            heading.title.map(|title| title.value),
            heading.timing.map(|timing| timing.value),
        )
    }

    #[test]
    fn headings_in_their_forms() {
        for (text, keyword, id, title, timing) in [
            ("Scene 1: Opening", true, "1", "Opening", ""),
            ("Scene 01 — Opening", true, "1", "Opening", ""),
            ("SCENE 3 - INT. KITCHEN - DAY", true, "3", "INT. KITCHEN - DAY", ""),
            ("🎬 Scene 2 · The lamp", true, "2", "The lamp", ""),
            ("**Scene 2: The lamp**", true, "2", "The lamp", ""),
            ("Shot 12A. Close", true, "12A", "Close", ""),
            ("Scene1", true, "1", "", ""),
            ("Scene #4", true, "4", "", ""),
            ("Scene No. 4 Title", true, "4", "Title", ""),
            ("Scene Three: Storm", true, "3", "Storm", ""),
            ("Scene hook: The lamp", true, "hook", "The lamp", ""),
            ("Scene B", true, "B", "", ""),
            ("Scene: The lamp", true, "", "The lamp", ""),
            ("Scene The long lamp", true, "", "The long lamp", ""),
            ("Scene 1: Opening (6s)", true, "1", "Opening", "6s"),
            ("Shot 2 (0:00–0:05): Dawn", true, "2", "Dawn", "0:00–0:05"),
            ("Shot 2 | 0:00-0:05 | Dawn", true, "2", "Dawn", "0:00-0:05"),
            ("Scene 1: Opening (day)", true, "1", "Opening (day)", ""),
            ("镜头1：晨光（2.5秒）", true, "1", "晨光", "2.5秒"),
            ("镜头 2 晨光", true, "2", "晨光", ""),
            ("第3场：风暴", true, "3", "风暴", ""),
            ("第十二幕 风暴", true, "12", "风暴", ""),
            ("カット5", true, "5", "", ""),
            ("Szene 4: Der Sturm", true, "4", "Der Sturm", ""),
            ("1. Opening", false, "1", "Opening", ""),
            ("1) Opening", false, "1", "Opening", ""),
            ("1-Opening", false, "1", "Opening", ""),
            ("[S01] Opening", false, "S01", "Opening", ""),
            ("sh010: Opening", false, "sh010", "Opening", ""),
            ("v2-s001 Opening", false, "v2-s001", "Opening", ""),
            ("010_slug", false, "010_slug", "", ""),
            ("Shot 2.1", true, "2.1", "", ""),
            ("Scene 3: [Title]", true, "3", "", ""),
            ("Opening", false, "", "Opening", ""),
            ("Scenery 1", false, "", "Scenery 1", ""),
            ("Shotgun wedding", false, "", "Shotgun wedding", ""),
            ("Cutaway 2", false, "", "Cutaway 2", ""),
        ] {
            let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            assert_eq!(parts(text), (keyword, some(id), some(title), some(timing)), "{text}");
        }
    }

    #[test]
    fn a_word_after_the_keyword_may_be_an_overview() {
        let heading = read("Scene overview", Span::new(0, 14), None);
        assert!(heading.keyword && !heading.numbered);
    }
}
