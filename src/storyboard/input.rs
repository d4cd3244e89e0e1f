//! Files, links and earlier results as authors write them: `refs/ada.png`, `![Ada](refs/ada.png)`, `scene:3/first`.

use super::field::{FrameOf, Input};

/// Endings of files that a scene can start from or use.
const MEDIA_ENDINGS: &[&str] = &[
    "png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "avif", "heic", "mp4", "mov", "m4v",
    "webm", "mkv", "avi", "mp3", "wav", "m4a", "aac", "ogg", "opus", "flac",
];

/// Longer texts are no paths.
const MAX_LENGTH: usize = 2048;

/// What is allowed where an input is expected, for messages.
pub(crate) const ALLOWED: &str = "a path such as `refs/ada.png`, an http(s) URL, a scene such as `scene:3`, or an asset such as `img-003`";

/// Reads one or several inputs, separated by commas, semicolons or line breaks. `None` where any part is something else;
/// that part is given back.
pub(crate) fn parse_all(text: &str) -> Result<Vec<Input>, String> {
    let text = text.trim();
    let whole = parse(text);
    if let Some(whole) = &whole
        && !text.contains([',', ';', '\n'])
    {
        return Ok(vec![whole.clone()]);
    }
    let listed = match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) if !inner.contains("](") => inner,
        _ => text,
    };
    // Signed links have commas inside: beside a link only a comma with a space separates.
    let links = listed.contains("://");
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, c) in listed.char_indices() {
        let next = listed[at + c.len_utf8()..].chars().next();
        let separates = match c {
            '\n' => true,
            ',' | ';' => !links || next.is_none_or(char::is_whitespace),
            _ => false,
        };
        if separates {
            parts.push(listed[start..at].trim());
            start = at + c.len_utf8();
        }
    }
    parts.push(listed[start..].trim());
    let mut inputs = Vec::new();
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        match (parse(part), &whole) {
            (Some(input), _) => inputs.push(input),
            // `the boat, at night.png` is one path with a comma in its name.
            (None, Some(whole)) => return Ok(vec![whole.clone()]),
            (None, None) => return Err(part.to_owned()),
        }
    }
    if inputs.is_empty() { Err(text.to_owned()) } else { Ok(inputs) }
}

/// Reads inputs where words are allowed, too: `None` where these are words.
pub(crate) fn parse_unless_words(text: &str) -> Option<Vec<Input>> {
    let inputs = parse_all(text).ok()?;
    let clear = |input: &Input| match input {
        // A sentence may end in `... on boat.png` or hold `and/or`: with spaces, only a folder first makes it a path.
        Input::Path(path) if path.contains(char::is_whitespace) => {
            path.split_whitespace().next().is_some_and(|first| first.contains(['/', '\\']))
        }
        _ => true,
    };
    inputs.iter().all(clear).then_some(inputs)
}

/// Reads one input.
pub(crate) fn parse(text: &str) -> Option<Input> {
    let text = unwrapped(text.trim());
    if text.is_empty() || text.len() > MAX_LENGTH || text.chars().any(char::is_control) {
        return None;
    }
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    if lower.starts_with("https://") || lower.starts_with("http://") {
        let rest = &text[text.find("//")? + 2..];
        return (!rest.is_empty() && !text.contains(char::is_whitespace))
            .then(|| Input::Url(text.to_owned()));
    }
    if lower.starts_with("scene:") {
        return scene(text[6..].trim());
    }
    // Any other scheme (`file:`, `data:`, `ftp:`) is nothing that can be used; one letter is a Windows drive.
    if let Some((scheme, _)) = text.split_once(':')
        && scheme.len() > 1
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    {
        return None;
    }
    if let Some((prefix, digits)) = text.split_once('-')
        && matches!(prefix, "img" | "vid" | "aud")
        && digits.len() >= 3
        && digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Some(Input::Asset(text.to_owned()));
    }
    looks_like_path(text).then(|| Input::Path(text.to_owned()))
}

fn scene(reference: &str) -> Option<Input> {
    let (id, frame) = match reference.rsplit_once('/') {
        Some((id, frame)) => {
            let frame = match frame.trim().to_ascii_lowercase().as_str() {
                "first" => FrameOf::First,
                "last" => FrameOf::Last,
                "keyframe" => FrameOf::Keyframe,
                _ => return None,
            };
            (id.trim(), frame)
        }
        None => (reference, FrameOf::Last),
    };
    (!id.is_empty() && !id.contains(char::is_whitespace))
        .then(|| Input::Scene { id: id.to_owned(), frame })
}

fn looks_like_path(text: &str) -> bool {
    if text.contains("](") {
        return false;
    }
    let name = text.rsplit(['/', '\\']).next().unwrap_or(text);
    let media = name.rsplit_once('.').is_some_and(|(stem, ending)| {
        !stem.is_empty() && MEDIA_ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
    });
    media
        || (text.contains('/')
            && !text.contains(char::is_whitespace)
            && !name.is_empty()
            && !text.starts_with('<'))
}

/// The target of a Markdown image or link, and text without code marks, quotes and angle brackets.
fn unwrapped(text: &str) -> &str {
    let mut text = text;
    for (open, close) in [('`', '`'), ('"', '"'), ('\'', '\''), ('<', '>')] {
        if let Some(inner) = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)) {
            text = inner.trim();
        }
    }
    let link = text.strip_prefix('!').unwrap_or(text);
    if link.starts_with('[')
        && let Some((_, target)) = link.split_once("](")
        && let Some(target) = target.strip_suffix(')')
        && !target.contains("](")
    {
        // `![Ada](refs/ada.png "her portrait")` has a title after the target.
        let target = target.trim();
        let target = match target.find(" \"") {
            Some(title) => target[..title].trim_end(),
            None => target,
        };
        return target.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(target);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Input {
        Input::Path(text.to_owned())
    }

    #[test]
    fn inputs_in_their_forms() {
        let scene = |id: &str, frame| Input::Scene { id: id.to_owned(), frame };
        for (text, expected) in [
            ("refs/ada.png", path("refs/ada.png")),
            ("my refs/ada 1.PNG", path("my refs/ada 1.PNG")),
            ("ada.png", path("ada.png")),
            ("C:\\film\\ada.png", path("C:\\film\\ada.png")),
            ("../refs/ada", path("../refs/ada")),
            ("`refs/ada.png`", path("refs/ada.png")),
            ("![Ada](refs/ada.png)", path("refs/ada.png")),
            ("![Ada](<my refs/ada.png> \"portrait\")", path("my refs/ada.png")),
            ("<https://a.example/x.png?a=1,2>", Input::Url("https://a.example/x.png?a=1,2".into())),
            ("scene:3", scene("3", FrameOf::Last)),
            ("scene:2.1/first", scene("2.1", FrameOf::First)),
            ("Scene: 4/keyframe", scene("4", FrameOf::Keyframe)),
            ("img-003", Input::Asset("img-003".into())),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn words_and_other_schemes_are_no_inputs() {
        for text in [
            "",
            "grandma's photo",
            "and/or a boat",
            "file:///etc/passwd",
            "data:image/png;base64,xx",
            "scene:",
            "scene:3/middle",
            "img-3",
            "https://",
            "http://a b",
            "refs/",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn lists_keep_commas_inside_urls() {
        let url = "https://a.example/x.png?a=1,2";
        assert_eq!(parse_all(url), Ok(vec![Input::Url(url.to_owned())]));
        assert_eq!(parse_all("a.png, b.png; img-004").map(|inputs| inputs.len()), Ok(3));
        for text in [
            "refs/a.png,refs/b.png",
            "[a.png, b.png]",
            "![a](r/a.png), ![b](r/b.png)",
            "https://a.example/x?y=1,2 , b.png",
        ] {
            assert_eq!(parse_all(text).map(|inputs| inputs.len()), Ok(2), "{text}");
        }
        assert_eq!(parse_all("the boat, at night.png"), Ok(vec![path("the boat, at night.png")]));
        assert_eq!(parse_all("a.png, the boat"), Err("the boat".to_owned()));
    }

    #[test]
    fn a_sentence_is_words() {
        assert_eq!(parse_unless_words("A boat in the style of boat.png"), None);
        assert_eq!(parse_unless_words("refs/the boat.png"), Some(vec![path("refs/the boat.png")]));
    }
}
