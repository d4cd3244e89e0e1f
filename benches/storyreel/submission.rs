//! What a submission adds: from before its intent is written to the ledger until its first bytes are on the wire.
//!
//! The engine, the ledger on a real disk and the real HTTP client, against a socket in this process that notes when the
//! bytes come. TLS and the way to the provider are not in it.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Arguments;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use storyreel::catalog::Catalog;
use storyreel::engine::event::Summary;
use storyreel::engine::policy::Policy;
use storyreel::engine::purse::MemoryPurse;
use storyreel::engine::real::RealClock;
use storyreel::engine::real_files::RealFiles;
use storyreel::engine::watched::{WatchedLedger, Watcher};
use storyreel::engine::window::{SharedWindow, WindowLimit};
use storyreel::engine::{Order, World, run};
use storyreel::layout::Layout;
use storyreel::ledger::{Slot, SqliteLedger};
use storyreel::plan::{EntryDraft, RenderWork, Request, StepStart, StepWork, Work};
use storyreel::remote::http::{Hosts, HttpTransport};
use storyreel::storyboard::{SceneId, StepKind};

/// When things happened, in order.
type Times = Arc<Mutex<Vec<Instant>>>;

fn note(times: &Times) {
    times.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
}

struct Intents(Times);

impl Watcher for Intents {
    fn passes(&self, point: Arguments<'_>) {
        if point.to_string() == "ledger.intend.before" {
            note(&self.0);
        }
    }
}

/// Submits so many scenes, and gives the time from intent to wire of each.
pub(super) fn intent_to_wire(folder: &Path, scenes: u64) -> Vec<Duration> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let (intents, arrivals) = (Times::default(), Times::default());
    let noted = Arc::clone(&arrivals);
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            answer(stream, number, &noted);
        }
    });
    let root = folder.join("submission");
    std::fs::create_dir_all(&root).expect("a folder");
    let layout = Layout::new(&root, "public");
    let mut ledger = SqliteLedger::open(&layout.ledger()).expect("a ledger");
    let files = RealFiles::new(&root, |_| Err("no clips here".to_owned())).expect("files");
    let mut window = SharedWindow::open(&folder.join("state"), "bench", &base).expect("a window");
    let key = secrecy::SecretString::from("bench".to_owned());
    let transport = HttpTransport::new(Hosts::parse(&base, &base).expect("hosts"), key);
    let policy = Policy {
        submit_only: true,
        running: usize::try_from(scenes).unwrap_or(usize::MAX),
        submissions: WindowLimit { count: 100_000, length: Duration::from_secs(1) },
        ..Policy::default()
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let catalog = Catalog::built_in().expect("the built-in catalogue");
    let summary = runtime
        .block_on(run(
            World {
                clock: &RealClock::new(),
                transport: &transport,
                ledger: &mut WatchedLedger::new(
                    &mut ledger,
                    Arc::new(Intents(Arc::clone(&intents))),
                ),
                files: &files,
                window: &mut window,
                purse: &mut MemoryPurse::default(),
                shared: None,
            },
            Order {
                catalog: &catalog,
                api_base: &base,
                upload_base: &base,
                layout: &layout,
                policy: &policy,
                work: (1..=scenes).map(scene).collect(),
                collect: Vec::new(),
                files: BTreeMap::new(),
                tasks: std::collections::BTreeSet::new(),
                summary: Summary::default(),
            },
            |_| {},
            std::future::pending(),
        ))
        .expect("the ledger works");
    assert_eq!(summary.still_running as u64, scenes, "{summary:?}");
    let intents = intents.lock().unwrap_or_else(PoisonError::into_inner);
    let arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(intents.len(), arrivals.len());
    // One is sent after the other, so they arrive in the order of their intents.
    intents.iter().zip(arrivals.iter()).map(|(intent, arrival)| *arrival - *intent).collect()
}

/// Reads a request, notes the moment of its first bytes where it is a create, and answers.
fn answer(mut stream: TcpStream, number: usize, arrivals: &Times) {
    let mut text = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let Ok(length) = stream.read(&mut piece) else { return };
        if length == 0 {
            return;
        }
        if text.is_empty() && piece.starts_with(b"POST") {
            note(arrivals);
        }
        text.extend_from_slice(&piece[..length]);
        let all = String::from_utf8_lossy(&text);
        let Some((head, body)) = all.split_once("\r\n\r\n") else { continue };
        let wanted = head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()
            })
            .unwrap_or(0_usize);
        if body.len() >= wanted {
            break;
        }
    }
    let answer = if text.starts_with(b"POST") {
        json!({"code": 200, "msg": "success", "data": {"taskId": format!("task{number:08}")}})
    } else {
        json!({"code": 200, "msg": "success", "data": 1000})
    }
    .to_string();
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{answer}",
        answer.len()
    );
}

fn scene(number: u64) -> Work {
    let body = json!({
        "prompt": format!("Wave number {number} breaks on the rock, 35mm film, soft grain"),
        "model": "veo3_fast", "aspect_ratio": "16:9", "resolution": "720p", "duration": 8,
        "enableTranslation": false
    });
    Work::Render(RenderWork {
        slot: Slot { storyboard: String::new(), variant: String::new(), scene: number.to_string() },
        take: 1,
        open_take: None,
        ask: json!({"prompt": body["prompt"]}),
        steps: vec![StepWork {
            kind: StepKind::Generate,
            model: "Veo 3.1 Fast".into(),
            model_id: "veo3_fast".into(),
            provider: "kie".into(),
            family: "veo".into(),
            operation: "generate".into(),
            upgrade: false,
            request: Request { method: "POST".into(), path: "/api/v1/veo/generate".into(), body },
            parts: Map::new(),
            credits: Some(60.0),
            seconds: Some(8.0),
            start: StepStart::Fresh,
        }],
        entry: EntryDraft {
            scene_id: SceneId::Number(number),
            filename: format!("assets/clips/scene-{number:02}.mp4"),
            fields: Map::from_iter([("type".to_owned(), Value::from("video"))]),
            steps: vec![Map::new()],
        },
        after: Vec::new(),
        awaits: Vec::new(),
        beside: false,
        voice_within: None,
    })
}
