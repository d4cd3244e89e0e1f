//! What is printed: nothing in it steers a terminal, and it is not endless.

/// True for what a terminal acts on instead of showing it, but for line breaks.
fn steers(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{9}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200b}' | '\u{200e}'
        | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Fails where `text` holds a control character other than a line break, or more than `most` bytes.
#[track_caller]
pub fn check(text: &str, most: usize) {
    if let Some(c) = text.chars().find(|c| steers(*c)) {
        panic!("{c:?} is printed:\n{text:?}");
    }
    assert!(text.len() <= most, "{} bytes are printed, more than {most}", text.len());
}

/// The same for text that must stay on its line.
#[track_caller]
pub fn check_line(text: &str, most: usize) {
    check(text, most);
    assert!(!text.contains('\n'), "two lines where one was meant:\n{text:?}");
}
