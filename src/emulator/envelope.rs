//! What goes in and what comes out: requests, replies, and the provider's JSON envelope.
//!
//! Nothing here touches a socket. A reply names the faults that the shell has to act out on the wire (closing the
//! connection, cutting the body) and the delay before its first byte; a simulation acts them out in its own world.

use std::sync::Arc;

use serde_json::{Value, json};

use super::clip::{ClipMaker, ClipOrder};

/// Which of the provider's hosts a request was sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Door {
    /// One listener plays every host.
    #[default]
    Any,
    /// The API host; upload paths are unknown here.
    Api,
    /// The upload host; only uploads and uploaded files are known here.
    Upload,
}

/// One HTTP request, completely received.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET`, `POST`, ... in upper case.
    pub method: String,
    /// The path with its percent escapes decoded.
    pub path: String,
    /// The decoded query pairs, in the order they were sent.
    pub query: Vec<(String, String)>,
    /// Header names in any case, and their values.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
    /// The host it was sent to.
    pub door: Door,
}

impl Request {
    /// A request without headers or body; `target` is a path with an optional query, as in the request line.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: method.to_ascii_uppercase(),
            path: percent_decode(path, false),
            query: parse_query(query),
            ..Self::default()
        }
    }

    /// The same request with a header added.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same request with `Authorization: Bearer <key>`.
    #[must_use]
    pub fn with_key(self, key: &str) -> Self {
        self.with_header("authorization", &format!("Bearer {key}"))
    }

    /// The same request with a JSON body and its content type.
    #[must_use]
    pub fn with_json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self.with_header("content-type", "application/json")
    }

    /// The first header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The first query value of this name.
    #[must_use]
    pub fn query_value(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The key of the bearer header, if it has one that is not empty.
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        let value = self.header("authorization")?;
        let (scheme, key) = value.split_once(' ')?;
        let key = key.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
    }
}

/// How a reply misbehaves on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportFault {
    /// The connection is closed (reset) and not one byte is answered.
    Close,
    /// Status, headers and the true `Content-Length` are sent, then only the first `keep` bytes (half of the body
    /// when `None`), then the connection is closed.
    CutBody {
        /// How many bytes of the body are sent.
        keep: Option<u64>,
    },
    /// `Content-Length` promises `extra` bytes more than are sent; then the connection is closed.
    OverstateLength {
        /// How many bytes too many are promised.
        extra: u64,
    },
}

/// The body of a reply. Clips are made only when somebody wants their bytes.
#[derive(Debug, Clone)]
pub enum Body {
    /// Bytes that are ready.
    Bytes(Vec<u8>),
    /// A stored file, of which a part may be wanted.
    File {
        /// What is in it.
        content: FileContent,
        /// The path it was asked for with, which the delivery is booked on.
        path: String,
        /// The `Range` header of the request, if any.
        range: Option<String>,
    },
}

/// What a stored file holds.
#[derive(Debug, Clone)]
pub enum FileContent {
    /// A clip that is still to be made.
    Clip(ClipOrder),
    /// Bytes that somebody uploaded.
    Uploaded(Arc<Vec<u8>>),
}

/// One reply, before its clip is made.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Headers without `content-length`, which [`Reply::finish`] adds.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// Milliseconds to wait before the first byte is answered, or before the connection is closed.
    pub delay_ms: u64,
    /// What goes wrong on the wire, if anything.
    pub fault: Option<TransportFault>,
}

/// A reply whose bytes are all there.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// All headers, `content-length` among them (the true one; see [`TransportFault::OverstateLength`]).
    pub headers: Vec<(String, String)>,
    /// The true and complete body.
    pub body: Vec<u8>,
    /// Milliseconds to wait first.
    pub delay_ms: u64,
    /// What goes wrong on the wire, if anything.
    pub fault: Option<TransportFault>,
    /// What to report to [`super::Emulator::delivered`] once the last byte was taken.
    pub delivery: Option<Delivery>,
}

/// A part of a stored file that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The path that was asked for.
    pub path: String,
    /// The first byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
    /// The length of the whole file.
    pub total: u64,
}

impl Reply {
    /// A JSON reply with the API host's content type.
    #[must_use]
    pub fn json(status: u16, value: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), "application/json;charset=UTF-8".into())],
            body: Body::Bytes(value.to_string().into_bytes()),
            delay_ms: 0,
            fault: None,
        }
    }

    /// HTTP 200 with `code` 200, `msg` "success" and this `data`.
    #[must_use]
    pub fn success(data: &Value) -> Self {
        Self::json(200, &json!({"code": 200, "msg": "success", "data": data}))
    }

    /// HTTP 200 with another `code` in the body and `data` null.
    #[must_use]
    pub fn refuse(code: i64, message: &str) -> Self {
        Self::json(200, &json!({"code": code, "msg": message, "data": null}))
    }

    /// An HTML page, as proxies in front of the provider answer.
    #[must_use]
    pub fn html(status: u16, title: &str) -> Self {
        let page = format!(
            "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
        );
        Self {
            status,
            headers: vec![("content-type".into(), "text/html; charset=UTF-8".into())],
            body: Body::Bytes(page.into_bytes()),
            delay_ms: 0,
            fault: None,
        }
    }

    /// No answer at all: the connection is closed.
    #[must_use]
    pub fn closed() -> Self {
        Self {
            status: 0,
            headers: Vec::new(),
            body: Body::Bytes(Vec::new()),
            delay_ms: 0,
            fault: Some(TransportFault::Close),
        }
    }

    /// The `code` of a JSON body, if it has one.
    #[must_use]
    pub fn code(&self) -> Option<i64> {
        self.value()?.get("code")?.as_i64()
    }

    /// The JSON value of the body, if it is one.
    #[must_use]
    pub fn value(&self) -> Option<Value> {
        match &self.body {
            Body::Bytes(bytes) => serde_json::from_slice(bytes).ok(),
            Body::File { .. } => None,
        }
    }

    /// Makes the clip, cuts out the range, and adds the length headers.
    ///
    /// # Errors
    ///
    /// The clip maker's own words when it cannot make the clip.
    pub fn finish(self, maker: &dyn ClipMaker) -> Result<Answer, String> {
        let Self { mut status, mut headers, body, delay_ms, fault } = self;
        let mut delivery = None;
        let body = match body {
            Body::Bytes(bytes) => bytes,
            Body::File { content, path, range } => {
                let whole = match content {
                    FileContent::Clip(order) => Arc::new(maker.make(&order)?),
                    FileContent::Uploaded(bytes) => bytes,
                };
                let total = whole.len() as u64;
                headers.push(("accept-ranges".into(), "bytes".into()));
                match range.as_deref().map_or(Part::Whole, |text| byte_range(text, total)) {
                    Part::Whole => {
                        delivery = Some(Delivery { path, start: 0, end: total, total });
                        Arc::unwrap_or_clone(whole)
                    }
                    Part::Some { start, end } => {
                        status = 206;
                        headers.push((
                            "content-range".into(),
                            format!("bytes {start}-{}/{total}", end - 1),
                        ));
                        delivery = Some(Delivery { path, start, end, total });
                        whole.get(start as usize..end as usize).unwrap_or_default().to_vec()
                    }
                    Part::Outside => {
                        status = 416;
                        headers.push(("content-range".into(), format!("bytes */{total}")));
                        Vec::new()
                    }
                }
            }
        };
        headers.push(("content-length".into(), body.len().to_string()));
        Ok(Answer { status, headers, body, delay_ms, fault, delivery })
    }
}

enum Part {
    Whole,
    Some { start: u64, end: u64 },
    Outside,
}

/// Reads a `Range` header with one range; several ranges or another unit get the whole file, as HTTP allows.
fn byte_range(text: &str, total: u64) -> Part {
    let Some((first, last)) =
        text.trim().strip_prefix("bytes=").and_then(|spec| spec.split_once('-'))
    else {
        return Part::Whole;
    };
    if last.contains(',') {
        return Part::Whole;
    }
    let (start, end) = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(start), Ok(last)) if last >= start => (start, last.saturating_add(1).min(total)),
        (Ok(start), Err(_)) if last.trim().is_empty() => (start, total),
        (Err(_), Ok(suffix)) if first.trim().is_empty() => (total.saturating_sub(suffix), total),
        _ => return Part::Whole,
    };
    if start >= end { Part::Outside } else { Part::Some { start, end } }
}

fn parse_query(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decode(name, true), percent_decode(value, true))
        })
        .collect()
}

fn percent_decode(text: &str, plus_is_space: bool) -> String {
    let hex = |byte: Option<&u8>| byte.and_then(|byte| (*byte as char).to_digit(16));
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'+' if plus_is_space => decoded.push(b' '),
            b'%' => {
                if let (Some(high), Some(low)) = (hex(bytes.get(at)), hex(bytes.get(at + 1))) {
                    decoded.push((high * 16 + low) as u8);
                    at += 2;
                } else {
                    decoded.push(byte);
                }
            }
            _ => decoded.push(byte),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_decoded() {
        let request = Request::new("get", "/files/a%20b.mp4?taskId=x%2Fy&q=a+b&flag");
        assert_eq!(request.method, "GET");
        assert_eq!(request.path, "/files/a b.mp4");
        assert_eq!(request.query_value("taskId"), Some("x/y"));
        assert_eq!(request.query_value("q"), Some("a b"));
        assert_eq!(request.query_value("flag"), Some(""));
        assert_eq!(Request::new("GET", "/100%").path, "/100%");
    }

    #[test]
    fn only_the_bearer_header_carries_a_key() {
        assert_eq!(Request::new("GET", "/").with_key("k").bearer(), Some("k"));
        assert_eq!(
            Request::new("GET", "/").with_header("Authorization", "bearer k").bearer(),
            Some("k")
        );
        assert_eq!(Request::new("GET", "/").with_header("apikey", "k").bearer(), None);
        assert_eq!(Request::new("GET", "/").with_header("authorization", "Bearer ").bearer(), None);
        assert_eq!(Request::new("GET", "/").with_header("authorization", "Basic k").bearer(), None);
    }

    #[test]
    fn ranges_follow_http() {
        let part = |text| match byte_range(text, 100) {
            Part::Whole => "whole".to_owned(),
            Part::Some { start, end } => format!("{start}..{end}"),
            Part::Outside => "outside".to_owned(),
        };
        assert_eq!(part("bytes=0-9"), "0..10");
        assert_eq!(part("bytes=90-"), "90..100");
        assert_eq!(part("bytes=-10"), "90..100");
        assert_eq!(part("bytes=50-900"), "50..100");
        assert_eq!(part("bytes=100-"), "outside");
        assert_eq!(part("bytes=9-2"), "whole");
        assert_eq!(part("bytes=0-1,5-6"), "whole");
        assert_eq!(part("pages=1-2"), "whole");
    }
}
