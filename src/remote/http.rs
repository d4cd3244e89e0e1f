//! The real transport: HTTP clients that differ by what they may do.
//!
//! A paid create has a client of its own, which never repeats, never reuses a connection and never follows a
//! redirect. Reads and uploads have another. Downloads have a third, which has never seen the key.

use super::address::{self, PublicNames};
use crate::ports::{Answer, Call, CallBody, Download, Purpose, SendError, Transport};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION, USER_AGENT};
use reqwest::multipart::{Form, Part};
use reqwest::redirect::Policy;
use reqwest::{Body, Client, ClientBuilder, Method, Url};
use secrecy::{ExposeSecret as _, SecretString};
use std::error::Error as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Answers are small JSON documents; whatever is longer is none.
const LONGEST_ANSWER: usize = 8 * 1024 * 1024;
/// The provider's content network refuses the names of common libraries, so a name of our own is sent.
const AGENT: &str = concat!("Mozilla/5.0 (compatible; storyreel/", env!("CARGO_PKG_VERSION"), ")");
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// A download that sends nothing for so long is cut; how long it takes in all is the caller's bound.
const SILENCE: Duration = Duration::from_secs(60);
const MOST_REDIRECTS: usize = 5;

/// The two hosts that may see the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    /// Where tasks are made and read.
    pub api: Url,
    /// Where files are uploaded.
    pub upload: Url,
}

impl Hosts {
    /// Reads the two base addresses; each must be `https` with a host and nothing secret in it, or `http` for this
    /// machine and private networks.
    ///
    /// # Errors
    /// Says which address is wrong and why.
    pub fn parse(api: &str, upload: &str) -> Result<Self, String> {
        let read = |text: &str| -> Result<Url, String> {
            let url = Url::parse(text.trim())
                .map_err(|error| format!("`{text}` is not an address: {error}"))?;
            if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
                return Err(format!("`{text}` is not an http or https address"));
            }
            if !url.username().is_empty() || url.password().is_some() {
                return Err(
                    "an address of the provider must not hold a user name or password".into()
                );
            }
            if url.scheme() == "http" && !address::is_private(&url) {
                return Err(format!(
                    "`{text}` must be an https address: over http everybody on the way could read the key"
                ));
            }
            Ok(url)
        };
        Ok(Self { api: read(api)?, upload: read(upload)? })
    }

    /// True where the key may be sent to this address: scheme, host and port are those of one of the two.
    pub fn may_see_key(&self, url: &Url) -> bool {
        url.origin() == self.api.origin() || url.origin() == self.upload.origin()
    }
}

/// The transport over real HTTP. Clients are made when first used, so a run with nothing to send needs no TLS.
pub struct HttpTransport {
    hosts: Hosts,
    key: SecretString,
    create: OnceLock<Result<Client, String>>,
    read: OnceLock<Result<Client, String>>,
    download: OnceLock<Result<Client, String>>,
}

impl HttpTransport {
    /// A transport for these hosts with this key. Opens nothing yet.
    pub fn new(hosts: Hosts, key: SecretString) -> Self {
        Self {
            hosts,
            key,
            create: OnceLock::new(),
            read: OnceLock::new(),
            download: OnceLock::new(),
        }
    }

    fn client(&self, purpose: Purpose) -> Result<&Client, SendError> {
        let made = match purpose {
            Purpose::Create => self.create.get_or_init(|| {
                built(
                    self.keyed()
                        .http1_only()
                        .pool_max_idle_per_host(0)
                        .retry(reqwest::retry::never()),
                )
            }),
            Purpose::Read | Purpose::Upload => self.read.get_or_init(|| built(self.keyed())),
        };
        made.as_ref().map_err(|message| SendError::Never(message.clone()))
    }

    /// What all clients that send the key have in common.
    fn keyed(&self) -> ClientBuilder {
        let builder = plain().redirect(Policy::none());
        let clear = [&self.hosts.api, &self.hosts.upload].iter().any(|url| url.scheme() == "http");
        // A proxy sees the key of a call over http, and is neither of the two hosts.
        if clear { builder.no_proxy() } else { builder }
    }

    fn download_client(&self) -> Result<&Client, SendError> {
        self.download
            .get_or_init(|| {
                let builder = plain().redirect(Policy::none()).read_timeout(SILENCE);
                // Behind a proxy it is the proxy that resolves names, and its own name is often a private one.
                if self.private_allowed() || proxied() {
                    built(builder)
                } else {
                    built(builder.dns_resolver(Arc::new(PublicNames)))
                }
            })
            .as_ref()
            .map_err(|message| SendError::Never(message.clone()))
    }

    /// Private addresses are fair targets only when the API itself is one, that is with an emulator.
    fn private_allowed(&self) -> bool {
        address::is_private(&self.hosts.api)
    }

    fn check_target(&self, url: &Url) -> Result<(), SendError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(SendError::Never(format!(
                "a result link with the scheme `{}` is not followed",
                crate::remote::printable(url.scheme(), 40)
            )));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(SendError::Never("a result link with a user name is not followed".into()));
        }
        if address::is_private(url) && !self.private_allowed() {
            return Err(SendError::Never(format!(
                "a result link to the private address `{}` is not followed",
                crate::remote::printable(url.host_str().unwrap_or_default(), 80)
            )));
        }
        Ok(())
    }

    async fn send_call(&self, call: Call) -> Result<Answer, SendError> {
        let url = Url::parse(&call.url)
            .map_err(|error| SendError::Never(format!("the address cannot be used: {error}")))?;
        if !self.hosts.may_see_key(&url) {
            return Err(SendError::Never(format!(
                "`{}` is not one of the provider's two hosts, so the key is not sent there",
                crate::remote::printable(url.host_str().unwrap_or_default(), 80)
            )));
        }
        let method = Method::from_bytes(call.method.as_bytes())
            .map_err(|_| SendError::Never("the method of a call is not one".into()))?;
        let mut authorization =
            HeaderValue::from_str(&format!("Bearer {}", self.key.expose_secret().trim())).map_err(
                |_| SendError::Never("the API key holds characters that no key can hold".into()),
            )?;
        authorization.set_sensitive(true);
        let mut request = self
            .client(call.purpose)?
            .request(method, url)
            .header(AUTHORIZATION, authorization)
            .timeout(call.timeout);
        request = match call.body {
            // The provider's refusal of a key blames this header too, so it is sent with reads as well.
            CallBody::Empty => request.header(CONTENT_TYPE, "application/json"),
            CallBody::Json(text) => request.header(CONTENT_TYPE, "application/json").body(text),
            CallBody::File { path, part, name, fields } => {
                let file = tokio::fs::File::open(&path).await.map_err(|error| {
                    SendError::Never(format!("`{}` cannot be read: {error}", path.display()))
                })?;
                let length = file
                    .metadata()
                    .await
                    .map_err(|error| {
                        SendError::Never(format!("`{}` cannot be read: {error}", path.display()))
                    })?
                    .len();
                let mut form = Form::new();
                for (key, value) in fields {
                    form = form.text(key, value);
                }
                form = form
                    .part(part, Part::stream_with_length(Body::from(file), length).file_name(name));
                request.multipart(form)
            }
        };
        let response = request.send().await.map_err(classify)?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| SendError::MaybeSent(words(&error)))?;
            if body.len() + chunk.len() > LONGEST_ANSWER {
                return Err(SendError::MaybeSent(format!(
                    "the answer is longer than {LONGEST_ANSWER} bytes"
                )));
            }
            body.extend_from_slice(&chunk);
        }
        // Whatever the provider says of the key, from here on nobody sees it.
        Ok(Answer { status, body: blanked(body, self.key.expose_secret().trim()).into() })
    }

    async fn begin_download(&self, url: String, timeout: Duration) -> Result<Download, SendError> {
        let mut target = Url::parse(&url).map_err(|error| {
            SendError::Never(format!("the result link cannot be used: {error}"))
        })?;
        // The bound holds for all of it: every redirect takes from it, and so does every byte of the body.
        let deadline = tokio::time::Instant::now() + timeout;
        for _ in 0..=MOST_REDIRECTS {
            self.check_target(&target)?;
            let response = self
                .download_client()?
                .get(target.clone())
                .timeout(deadline.saturating_duration_since(tokio::time::Instant::now()))
                .send()
                .await
                .map_err(classify)?;
            let status = response.status();
            let next = status
                .is_redirection()
                .then(|| response.headers().get(LOCATION)?.to_str().ok().map(str::to_owned))
                .flatten();
            if let Some(next) = next {
                target = target.join(&next).map_err(|error| {
                    SendError::Never(format!("a redirect cannot be followed: {error}"))
                })?;
                continue;
            }
            let length = response.content_length();
            let chunks =
                response.bytes_stream().map(|chunk| chunk.map_err(|error| words(&error))).boxed();
            return Ok(Download { status: status.as_u16(), length, chunks });
        }
        Err(SendError::Never(format!("more than {MOST_REDIRECTS} redirects in a row")))
    }
}

impl Transport for HttpTransport {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, SendError>> {
        self.send_call(call).boxed()
    }

    fn download(
        &self,
        url: String,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<Download, SendError>> {
        self.begin_download(url, timeout).boxed()
    }
}

/// Keys are long; a shorter text is none, and blanking it would change words that mean something else.
const SHORTEST_KEY: usize = 8;
/// What stands in an answer where the key was.
const BLANK: &[u8] = b"[key]";

/// An answer without the key, as it is or as JSON would spell it.
fn blanked(body: Vec<u8>, key: &str) -> Vec<u8> {
    if key.len() < SHORTEST_KEY {
        return body;
    }
    let json = serde_json::Value::from(key).to_string();
    let json = &json[1..json.len() - 1];
    let mut spellings = vec![key.to_owned(), json.to_owned(), json.replace('/', "\\/")];
    spellings.dedup();
    spellings.into_iter().fold(body, |body, spelling| {
        let spelling = spelling.as_bytes();
        let mut left = Vec::with_capacity(body.len());
        let mut rest = &body[..];
        while let Some(at) = rest.windows(spelling.len()).position(|part| part == spelling) {
            left.extend_from_slice(&rest[..at]);
            left.extend_from_slice(BLANK);
            rest = &rest[at + spelling.len()..];
        }
        left.extend_from_slice(rest);
        left
    })
}

fn plain() -> ClientBuilder {
    let mut headers = reqwest::header::HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    Client::builder().default_headers(headers).connect_timeout(CONNECT_TIMEOUT).referer(false)
}

fn built(builder: ClientBuilder) -> Result<Client, String> {
    builder.build().map_err(|error| {
        format!(
            "the HTTP client cannot be made: {} (hint: install `ca-certificates`, or set SSL_CERT_FILE)",
            words(&error)
        )
    })
}

fn proxied() -> bool {
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// A failure to connect, or to build the request at all, happened before the first byte left. Whatever else went
/// wrong may have happened after it.
fn classify(error: reqwest::Error) -> SendError {
    if error.is_builder() {
        SendError::Never(words(&error))
    } else if error.is_connect() {
        SendError::NotSent(words(&error))
    } else {
        SendError::MaybeSent(words(&error))
    }
}

/// The whole chain of causes in one line, without the address, which may be a signed link.
fn words(error: &reqwest::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    if error.is_timeout() {
        parts.push("no answer in time".into());
    }
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !parts.contains(&text) {
            parts.push(text);
        }
        cause = inner.source();
    }
    if parts.is_empty() {
        parts.push(if error.is_body() { "the answer was cut" } else { "the call failed" }.into());
    }
    super::printable(&parts.join(": "), 300)
}
