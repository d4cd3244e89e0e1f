//! Where things stand in a JSON text, so that a change touches nothing but itself.
//!
//! Only for texts that a JSON parser has accepted: what is not well formed gives `None`, never a wrong place.

use std::ops::Range;

/// A member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// The key with its escapes resolved.
    pub key: String,
    /// Key and value, from the opening quote on.
    pub whole: Range<usize>,
    /// The value.
    pub value: Range<usize>,
}

/// The members of the object that begins at `start`.
pub(super) fn members(text: &str, start: usize) -> Option<Vec<Member>> {
    let bytes = text.as_bytes();
    let mut at = expect(bytes, start, b'{')?;
    let mut found = Vec::new();
    if bytes.get(space(bytes, at)) == Some(&b'}') {
        return Some(found);
    }
    loop {
        let key_start = space(bytes, at);
        let key_end = value_end(bytes, key_start)?;
        let value_start = space(bytes, expect(bytes, key_end, b':')?);
        let value_end = value_end(bytes, value_start)?;
        found.push(Member {
            key: serde_json::from_str(text.get(key_start..key_end)?).ok()?,
            whole: key_start..value_end,
            value: value_start..value_end,
        });
        at = space(bytes, value_end);
        match bytes.get(at)? {
            b',' => at += 1,
            b'}' => return Some(found),
            _ => return None,
        }
    }
}

/// The items of the array that begins at `start`, and the place of its closing bracket.
pub(super) fn items(text: &str, start: usize) -> Option<(Vec<Range<usize>>, usize)> {
    let bytes = text.as_bytes();
    let mut at = expect(bytes, start, b'[')?;
    let mut found = Vec::new();
    if bytes.get(space(bytes, at)) == Some(&b']') {
        return Some((found, space(bytes, at)));
    }
    loop {
        let item_start = space(bytes, at);
        let item_end = value_end(bytes, item_start)?;
        found.push(item_start..item_end);
        at = space(bytes, item_end);
        match bytes.get(at)? {
            b',' => at += 1,
            b']' => return Some((found, at)),
            _ => return None,
        }
    }
}

/// The white space between the start of the line and `at`, or nothing where something else stands before it.
pub(super) fn indent(text: &str, at: usize) -> Option<&str> {
    let line_start = text[..at].rfind('\n')? + 1;
    let before = &text[line_start..at];
    before.bytes().all(|byte| byte == b' ' || byte == b'\t').then_some(before)
}

/// The first place from `at` on that is no white space.
pub(super) fn space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

fn expect(bytes: &[u8], at: usize, wanted: u8) -> Option<usize> {
    let at = space(bytes, at);
    (bytes.get(at) == Some(&wanted)).then_some(at + 1)
}

/// Where the value that begins at `at` ends. Depth is counted, not recursed into.
fn value_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    loop {
        match bytes.get(at)? {
            b'"' => at = string_end(bytes, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' if depth > 0 => {
                at += 1;
                continue;
            }
            _ => {
                let start = at;
                while matches!(
                    bytes.get(at),
                    Some(b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'+' | b'-' | b'.')
                ) {
                    at += 1;
                }
                if at == start {
                    return None;
                }
            }
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_items_are_found_with_their_places() {
        let text = r#" { "a\u0062" : [1, {"x": "]}\""}, -2.5e+3] , "c":{} }"#;
        let found = members(text, 1).unwrap();
        assert_eq!(found[0].key, "ab");
        assert_eq!(&text[found[0].value.clone()], r#"[1, {"x": "]}\""}, -2.5e+3]"#);
        assert_eq!(&text[found[1].whole.clone()], r#""c":{}"#);
        let (inside, end) = items(text, found[0].value.start).unwrap();
        let inside: Vec<&str> = inside.into_iter().map(|place| &text[place]).collect();
        assert_eq!(inside, ["1", r#"{"x": "]}\""}"#, "-2.5e+3"]);
        assert_eq!(&text[end..=end], "]");
    }

    #[test]
    fn what_is_not_well_formed_has_no_places() {
        for text in ["{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1;}", "[", "{]"] {
            assert_eq!(members(text, 0), None, "{text}");
        }
        assert_eq!(items("[1, ]", 0), None);
    }
}
