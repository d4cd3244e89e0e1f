//! The real transport against servers that do what they should not.

use crate::server::{Server, answer};
use crate::support::Project;
use futures::StreamExt as _;
use serde_json::json;
use std::io::Write as _;
use std::time::Duration;
use storyreel::ports::{Call, CallBody, Purpose, SendError, Transport as _};
use storyreel::remote::http::{Hosts, HttpTransport};

const KEY: &str = "a-recognisable/\"key\"\\42";
const PATIENCE: Duration = Duration::from_secs(60);

fn transport(api: &str, upload: &str) -> HttpTransport {
    HttpTransport::new(Hosts::parse(api, upload).expect("good hosts"), KEY.to_owned().into())
}

fn call(purpose: Purpose, url: String) -> Call {
    Call {
        purpose,
        method: "POST".into(),
        url,
        body: CallBody::Json("{}".into()),
        timeout: PATIENCE,
    }
}

/// What a download comes to: status and bytes, or words.
async fn fetched(
    transport: &HttpTransport,
    url: &str,
    timeout: Duration,
) -> Result<(u16, Vec<u8>), String> {
    let mut download =
        transport.download(url.to_owned(), timeout).await.map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    while let Some(chunk) = download.chunks.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| format!("cut: {error}"))?);
    }
    Ok((download.status, bytes))
}

#[test]
fn hosts_are_https_or_private() {
    let parse = |api: &str, upload: &str| Hosts::parse(api, upload);
    assert!(parse("https://api.kie.ai", "https://kieai.redpandaai.co").is_ok());
    assert!(parse("http://127.0.0.1:1", "http://localhost:2").is_ok());
    for wrong in [
        "http://api.kie.ai",
        "http://8.8.8.8",
        "ftp://localhost",
        "https://key@api.kie.ai",
        "https://:key@api.kie.ai",
        "file:///x",
        "api.kie.ai",
    ] {
        for (api, upload) in [(wrong, "https://a.example"), ("https://a.example", wrong)] {
            assert!(parse(api, upload).is_err(), "{wrong}");
        }
    }
}

#[tokio::test]
async fn the_key_goes_to_the_two_hosts_and_never_after_a_redirect() {
    let other = Server::start(|_| answer(200, &[], "{}"));
    let elsewhere = other.base.clone();
    let api = Server::start(move |_| {
        answer(307, &[&format!("Location: {elsewhere}/stolen")], "{\"code\": 1}")
    });
    let upload = Server::start(|_| answer(200, &[], "{}"));
    let transport = transport(&api.base, &upload.base);
    for purpose in [Purpose::Create, Purpose::Read, Purpose::Upload] {
        let answer = transport.send(call(purpose, format!("{}/x", api.base))).await;
        assert_eq!(answer.expect("an answer").status, 307, "{purpose:?}");
        transport.send(call(purpose, format!("{}/x", upload.base))).await.expect("an answer");
        let refused = transport.send(call(purpose, format!("{}/x", other.base))).await;
        assert!(matches!(refused, Err(SendError::Never(_))), "{purpose:?}");
    }
    for server in [&api, &upload] {
        let requests = server.requests();
        assert_eq!(requests.len(), 3);
        assert!(requests.iter().all(|request| request.head.contains(&format!("Bearer {KEY}"))));
        assert!(requests.iter().all(|request| request.head.contains("storyreel/")));
    }
    assert_eq!(other.requests().len(), 0);
    // A result link is fetched without it, from the API's own host as well.
    for url in [format!("{}/clip", api.base), format!("{}/clip", other.base)] {
        fetched(&transport, &url, PATIENCE).await.expect("an answer");
    }
    let seen = other.requests().into_iter().chain(api.requests().into_iter().skip(3));
    let heads: Vec<String> = seen.map(|request| request.head).collect();
    assert_eq!(heads.len(), 3);
    assert!(heads.iter().all(|head| !head.contains("recognisable")), "{heads:#?}");
    assert!(heads.iter().all(|head| !head.to_lowercase().contains("authorization")), "{heads:#?}");
    assert!(
        heads.iter().all(|head| !head.to_lowercase().contains("accept-encoding")),
        "{heads:#?}"
    );
}

#[tokio::test]
async fn what_the_provider_says_of_the_key_is_blanked() {
    let json = serde_json::json!({"msg": format!("no <{KEY}>{KEY}"), "key": KEY}).to_string();
    let body = format!("{json} {KEY} {} tail", json.replace('/', "\\/"));
    let api = Server::start(move |_| answer(200, &[], &body));
    let transport = transport(&api.base, &api.base);
    for purpose in [Purpose::Create, Purpose::Read, Purpose::Upload] {
        let answer = transport.send(call(purpose, format!("{}/x", api.base))).await;
        let text = String::from_utf8(answer.expect("an answer").body.to_vec()).expect("UTF-8");
        let object = r#"{"msg":"no <[key]>[key]","key":"[key]"}"#;
        assert_eq!(text, format!("{object} [key] {object} tail"));
    }
    // A few letters are no key, and would be found in every word.
    let short = HttpTransport::new(
        Hosts::parse(&api.base, &api.base).expect("good hosts"),
        "tail".to_owned().into(),
    );
    let answer = short.send(call(Purpose::Read, format!("{}/x", api.base))).await;
    assert!(answer.expect("an answer").body.ends_with(b" tail"));
}

#[tokio::test]
async fn answers_that_are_too_long_or_cut_tell_nothing() {
    let api = Server::with(|request, stream| {
        let _ = match request.path() {
            "/long" => {
                let mut told = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
                told.resize(9 * 1024 * 1024, b' ');
                stream.write_all(&told)
            }
            "/cut" => stream.write_all(&answer(200, &["Content-Length: 100"], "{\"code\": 200")),
            "/chunked" => stream.write_all(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n",
            ),
            "/silent" => Ok(()),
            _ => stream.write_all(b"no HTTP at all\r\n\r\n"),
        };
    });
    let transport = transport(&api.base, &api.base);
    for path in ["/long", "/cut", "/chunked", "/silent", "/nonsense"] {
        let outcome = transport.send(call(Purpose::Create, format!("{}{path}", api.base))).await;
        assert!(matches!(outcome, Err(SendError::MaybeSent(_))), "{path}: {outcome:?}");
    }
    assert_eq!(api.requests().len(), 5, "nothing is repeated by itself");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base = format!("http://{}", closed.local_addr().expect("an address"));
    drop(closed);
    let transport = self::transport(&base, &base);
    let outcome = transport.send(call(Purpose::Create, format!("{base}/x"))).await;
    assert!(matches!(outcome, Err(SendError::NotSent(_))), "{outcome:?}");
}

#[tokio::test]
async fn redirects_of_a_download_are_followed_as_far_as_they_may() {
    let last = Server::start(|_| answer(200, &[], "the clip"));
    let base = last.base.clone();
    let first = Server::start(move |request| {
        let to = match request.path() {
            "/good" => format!("{base}/clip"),
            "/relative" => "good".to_owned(),
            "/file" => "file:///etc/passwd".to_owned(),
            "/data" => "data:text/plain,clip".to_owned(),
            "/script" => "javascript:1".to_owned(),
            "/ftp" => "ftp://127.0.0.1/clip".to_owned(),
            "/name" => base.replace("http://", "http://user@"),
            "/password" => base.replace("http://", "http://:secret@"),
            "/nowhere" => "http://".to_owned(),
            "/loop" => "/loop".to_owned(),
            number => match number[1..].parse::<u32>() {
                Ok(0) => format!("{base}/clip"),
                Ok(number) => format!("/{}", number - 1),
                Err(_) => return answer(302, &[], "no location"),
            },
        };
        answer(302, &[&format!("Location: {to}")], "")
    });
    let transport = transport(&first.base, &first.base);
    let get =
        async |path: &str| fetched(&transport, &format!("{}{path}", first.base), PATIENCE).await;
    for path in ["/good", "/relative", "/4"] {
        assert_eq!(get(path).await, Ok((200, b"the clip".to_vec())), "{path}");
    }
    assert_eq!(get("/lost").await, Ok((302, b"no location".to_vec())));
    assert_eq!(last.requests().len(), 3);
    let mut told = String::new();
    for path in
        ["/file", "/data", "/script", "/ftp", "/name", "/password", "/nowhere", "/loop", "/6"]
    {
        let error = get(path).await.expect_err(path);
        told.push_str(&format!("{path}: {error}\n"));
    }
    for link in ["file:///etc/passwd", "data:,x", "x", "http://user:secret@127.0.0.1/x"] {
        let error = fetched(&transport, link, PATIENCE).await.expect_err(link);
        told.push_str(&format!("{link}: {error}\n"));
    }
    insta::assert_snapshot!(told);
    assert_eq!(last.requests().len(), 3, "nothing was asked there");
}

#[tokio::test]
async fn links_into_the_users_own_network_are_not_followed() {
    let inside = Server::start(|_| answer(200, &[], "a secret"));
    let port = inside.base.rsplit(':').next().expect("a port");
    let transport = transport("https://api.kie.ai", "https://kieai.redpandaai.co");
    for host in ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]", "0x7f.1", "0"] {
        let link = format!("http://{host}:{port}/x");
        let error = fetched(&transport, &link, PATIENCE).await.expect_err(&link);
        assert!(error.contains("private address"), "{link}: {error}");
    }
    assert_eq!(inside.requests().len(), 0);
}

#[tokio::test]
async fn lengths_that_lie_end_a_download() {
    let server = Server::start(|request| match request.path() {
        "/more" => answer(200, &["Content-Length: 5"], "12345678"),
        "/less" => answer(200, &["Content-Length: 500"], "12345678"),
        "/none" => b"HTTP/1.1 200 OK\r\n\r\n12345678".to_vec(),
        // What is packed is not unpacked, so that a small file cannot become a large one.
        _ => answer(200, &["Content-Encoding: gzip"], b"\x1f\x8b\x08\x00packed"),
    });
    let transport = transport(&server.base, &server.base);
    let get =
        async |path: &str| fetched(&transport, &format!("{}{path}", server.base), PATIENCE).await;
    assert_eq!(get("/more").await, Ok((200, b"12345".to_vec())));
    assert!(get("/less").await.is_err_and(|error| error.starts_with("cut")));
    assert_eq!(get("/none").await, Ok((200, b"12345678".to_vec())));
    assert_eq!(get("/packed").await, Ok((200, b"\x1f\x8b\x08\x00packed".to_vec())));
}

#[tokio::test]
async fn a_link_that_drips_or_leads_on_slowly_has_an_end() {
    let server = Server::with(|request, stream| {
        // Every wait is shorter than any bound; together they never end.
        let wait = Duration::from_millis(20);
        if request.path() == "/drip" {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while stream.write_all(b".").is_ok() {
                std::thread::sleep(wait);
            }
        } else {
            std::thread::sleep(wait * 4);
            let _ = stream.write_all(&answer(302, &["Location: /on"], ""));
        }
    });
    let transport = transport(&server.base, &server.base);
    let bound = Duration::from_millis(200);
    for path in ["/drip", "/on"] {
        let error = fetched(&transport, &format!("{}{path}", server.base), bound).await;
        let error = error.expect_err(path);
        assert!(error.contains("no answer in time"), "{path}: {error}");
    }
    assert!(server.requests().len() <= 1 + 3, "the bound holds for all redirects together");
}

#[test]
fn clips_larger_than_allowed_are_not_taken() {
    let files = Server::with(|request, stream| {
        let told = if request.path() == "/told" { "Content-Length: 9999999\r\n" } else { "" };
        let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{told}\r\n").as_bytes());
        // Without a length it goes on for as long as anybody reads.
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    for path in ["/told", "/endless"] {
        let link = format!("{}{path}", files.base);
        let api = Server::start(move |_| {
            let data = json!({"taskId": "0a1b2c3d4e5f", "successFlag": 1, "response": {"resultUrls": [link]}});
            answer(200, &[], json!({"code": 200, "msg": "success", "data": data}).to_string())
        });
        let mut project = Project::with_storyboard("## Scene 1\n- **Prompt**: A lighthouse\n");
        project
            .write("storyreel.toml", "[limits]\nmax_clip = \"100 kB\"\n[poll]\nfirst = \"20ms\"\n");
        project.set("KIE_API_BASE", &api.base);
        project.set("KIE_UPLOAD_BASE", &api.base);
        project.set("KIE_API_KEY", "a-key-of-the-test");
        for _ in 0..2 {
            project
                .run(["render", "--yes"])
                .expect(4)
                .tells(&["larger than `max_clip` allows", "stays on record"]);
        }
        let creates =
            api.requests().iter().filter(|request| request.head.starts_with("POST")).count();
        assert_eq!(creates, 1, "it stays on record and is not paid again");
        let left: Vec<_> = std::fs::read_dir(project.path(".storyreel/cache"))
            .expect("a cache")
            .map(|entry| entry.expect("an entry").file_name())
            .filter(|name| name != "sha256")
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
