//! Reading `multipart/form-data` bodies (RFC 7578).

/// One part of a form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub name: String,
    pub file_name: Option<String>,
    pub content_type: Option<String>,
    pub content: &'a [u8],
}

/// The parts of a body, or `None` when it is no complete form.
pub(super) fn parts<'a>(content_type: &str, body: &'a [u8]) -> Option<Vec<Part<'a>>> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary")?;
    let delimiter = format!("--{boundary}").into_bytes();
    let mut rest = body.get(find(body, &delimiter)? + delimiter.len()..)?;
    let closing = [b"\r\n", delimiter.as_slice()].concat();
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let start = find(rest, b"\r\n")? + 2;
        let part = rest.get(start..)?;
        let head_end = find(part, b"\r\n\r\n")?;
        let content = part.get(head_end + 4..)?;
        let end = find(content, &closing)?;
        let head = std::str::from_utf8(part.get(..head_end)?).ok()?;
        let header = |wanted: &str| {
            let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
            lines
                .find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))
                .map(|(_, value)| value.trim())
        };
        let disposition = header("content-disposition")?;
        parts.push(Part {
            name: parameter(disposition, "name")?,
            file_name: parameter(disposition, "filename"),
            content_type: header("content-type").map(str::to_owned),
            content: content.get(..end)?,
        });
        rest = content.get(end + closing.len()..)?;
    }
    Some(parts)
}

/// A parameter of a header's value, with or without quotes.
fn parameter(text: &str, wanted: &str) -> Option<String> {
    text.split(';').filter_map(|piece| piece.split_once('=')).find_map(|(name, value)| {
        let value = value.trim();
        let value =
            value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        name.trim().eq_ignore_ascii_case(wanted).then(|| value.to_owned())
    })
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.iter().position(|byte| *byte == first)?;
        if text.get(at..)?.starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_comes_apart() {
        let body = b"--xyz\r\nContent-Disposition: form-data; name=\"uploadPath\"\r\n\r\nimages/in\r\n\
            --xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\
            \x89PNG\r\n--not-it\r\n\r\n--xyz--\r\n";
        let found = parts("multipart/form-data; boundary=xyz", body).expect("a form");
        assert_eq!((found[0].name.as_str(), found[0].content), ("uploadPath", &b"images/in"[..]));
        assert_eq!(found[1].file_name.as_deref(), Some("a.png"));
        assert_eq!(found[1].content_type.as_deref(), Some("image/png"));
        assert_eq!(found[1].content, b"\x89PNG\r\n--not-it\r\n");
    }

    #[test]
    fn what_is_cut_or_no_form_is_refused() {
        assert_eq!(parts("application/json", b"{}"), None);
        assert_eq!(parts("multipart/form-data", b"--xyz--"), None);
        assert_eq!(
            parts(
                "multipart/form-data; boundary=xyz",
                b"--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb"
            ),
            None
        );
    }
}
