//! What the emulator remembers, and what happens in it as time goes by.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::callback::Callback;
use super::faults::Faults;
use super::tasks::{Media, Picture, Version};
use super::{Bill, Credits, Emulator, Logged, Options, Outcome, State, Task, Window, mix};

/// Everything that a restart must keep.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Memory {
    pub shift_ms: i64,
    pub counter: u64,
    pub balance: Credits,
    pub charged: Credits,
    pub refunded: Credits,
    pub tasks: Vec<Task>,
    pub by_id: HashMap<String, usize>,
    /// Results by their path.
    pub files: HashMap<String, Stored>,
    /// Fresh links by their path.
    pub links: HashMap<String, Link>,
    /// Uploads by their path.
    pub uploads: BTreeMap<String, Uploaded>,
    pub submissions: Window,
    #[serde(default)]
    pub discovery: Window,
    /// What ends when: a task, or one of its versions.
    pub due: BTreeSet<(i64, usize, Option<usize>)>,
    pub running: u32,
    #[serde(default)]
    pub callbacks: Vec<Callback>,
    pub faults: Faults,
    pub last_create_answer: Option<Value>,
    pub bill: Bill,
    pub log: VecDeque<Logged>,
}

/// A result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stored {
    pub task: usize,
    /// The place of its version in the bill, when it is one.
    pub upgrade: Option<usize>,
    pub picture: Picture,
    /// Whether it is a still rather than a clip.
    pub still: bool,
    pub created_ms: i64,
    /// The parts that were taken, sorted and apart.
    pub taken: Vec<(u64, u64)>,
}

/// A fresh link to a result or an upload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Link {
    pub path: String,
    pub until_ms: i64,
}

/// An uploaded file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Uploaded {
    pub mime: String,
    pub sha256: String,
    pub created_ms: i64,
    #[serde(with = "shared_bytes")]
    pub bytes: Arc<Vec<u8>>,
}

/// Bytes as text with two hex digits each: compact enough for a state file, and readable in it.
mod shared_bytes {
    use std::sync::Arc;

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(
        bytes: &Arc<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&crate::emulator::state::hex(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<Vec<u8>>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let pairs = text.as_bytes().chunks(2);
        let byte = |pair: &[u8]| {
            std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())
        };
        let bytes: Option<Vec<u8>> = pairs.map(byte).collect();
        bytes.map(Arc::new).ok_or_else(|| D::Error::custom("a file's bytes are not hex digits"))
    }
}

/// Two lower-case hex digits for each byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

impl Memory {
    pub fn new(options: &Options) -> Self {
        let mut faults = Faults::default();
        faults.add(&options.script);
        let mut bill = Bill {
            format_version: "1.0".into(),
            start_credits: options.credits.to_f64(),
            ..Bill::default()
        };
        bill.submissions.limit = options.submissions.limit;
        bill.submissions.window_ms = options.submissions.window_ms;
        Self {
            shift_ms: 0,
            counter: 0,
            balance: options.credits,
            charged: Credits::default(),
            refunded: Credits::default(),
            tasks: Vec::new(),
            by_id: HashMap::new(),
            files: HashMap::new(),
            links: HashMap::new(),
            uploads: BTreeMap::new(),
            submissions: Window::default(),
            discovery: Window::default(),
            due: BTreeSet::new(),
            running: 0,
            callbacks: Vec::new(),
            faults,
            last_create_answer: None,
            bill,
            log: VecDeque::new(),
        }
    }

    /// A new id: 32 lower-case hex digits from the seed and a counter.
    pub fn next_id(&mut self, seed: u64) -> String {
        self.counter += 1;
        let high = mix(mix(seed) ^ self.counter);
        let low = mix(high ^ self.counter.rotate_left(32));
        format!("{high:016x}{low:016x}")
    }

    /// The stored path that a request path means: itself, or what a link stands for.
    pub fn resolve<'a>(&'a self, path: &'a str) -> Option<&'a str> {
        if path.starts_with("/links/") {
            self.links.get(path).map(|link| link.path.as_str())
        } else {
            Some(path)
        }
    }

    pub fn charge(&mut self, price: Credits) {
        self.balance = self.balance - price;
        self.charged = self.charged + price;
    }

    pub fn refund(&mut self, price: Credits) {
        self.balance = self.balance + price;
        self.charged = self.charged - price;
        self.refunded = self.refunded + price;
    }
}

impl Emulator {
    /// Books every end up to `now`, in the order in which they fell due.
    pub(super) fn settle_until(&mut self, now: i64) {
        while let Some(&(at, task, upgrade)) = self.memory.due.first() {
            if at > now {
                break;
            }
            self.memory.due.pop_first();
            self.revision += 1;
            match upgrade {
                None => self.end_task(task, at),
                Some(upgrade) => self.end_upgrade(task, upgrade, at),
            }
        }
    }

    fn end_task(&mut self, index: usize, at: i64) {
        let Some(task) = self.memory.tasks.get_mut(index) else {
            return;
        };
        task.settled = true;
        self.memory.running = self.memory.running.saturating_sub(1);
        let (price, billed) = (task.price, task.billed);
        let refund = matches!(task.outcome, Outcome::Failure { charged: false, .. });
        let mut files = Vec::new();
        if let Some(create) = self.memory.bill.creates.get_mut(billed) {
            match &task.outcome {
                Outcome::Success => {
                    create.state = State::Succeeded;
                    files = task.files();
                }
                Outcome::Failure { message, .. } => {
                    create.state = State::Failed;
                    create.message.clone_from(message);
                    create.refunded = refund;
                }
            }
        }
        if refund {
            self.memory.refund(price);
        }
        for (path, picture, still) in files {
            let stored = Stored {
                task: index,
                upgrade: None,
                picture,
                still,
                created_ms: at,
                taken: Vec::new(),
            };
            self.memory.files.insert(path, stored);
        }
        if let Some(task) = self.memory.tasks.get(index)
            && let Some(url) = task.callback.clone()
        {
            let callback =
                Callback { url, task_id: task.id.clone(), body: self.callback_body(task) };
            self.memory.callbacks.push(callback);
        }
    }

    fn end_upgrade(&mut self, index: usize, place: usize, at: i64) {
        let Some(task) = self.memory.tasks.get_mut(index) else {
            return;
        };
        let fails = task.quirks.upgrades_fail;
        let Some(upgrade) = task.upgrades.get_mut(place) else {
            return;
        };
        upgrade.settled = true;
        let (version, clip, billed) = (upgrade.version, upgrade.index, upgrade.billed);
        let mut price = Credits::default();
        if let Some(entry) = self.memory.bill.upgrades.get_mut(billed) {
            entry.state = if fails { State::Failed } else { State::Succeeded };
            entry.refunded = fails;
            price = Credits::from_f64(entry.price);
        }
        if fails {
            self.memory.refund(price);
            return;
        }
        let (long, short) = match version {
            Version::FullHd => (1920, 1080),
            Version::FourK => (3840, 2160),
        };
        let upright = task.clip.height > task.clip.width;
        let (width, height) = if upright { (short, long) } else { (long, short) };
        let seconds = task.joined_seconds.unwrap_or(task.clip.seconds);
        let picture = Picture { width, height, seconds };
        let mut paths = vec![(task.version_path(version, clip, "mp4"), false)];
        if version == Version::FourK {
            paths.push((task.version_path(version, clip, "png"), true));
        }
        for (path, still) in paths {
            let upgrade = (!still).then_some(billed);
            let stored = Stored {
                task: index,
                upgrade,
                picture: picture.clone(),
                still,
                created_ms: at,
                taken: Vec::new(),
            };
            self.memory.files.insert(path, stored);
        }
    }
}

impl Task {
    /// The path of the plain result.
    pub(super) fn path(&self) -> String {
        let end = match self.media {
            Media::Image => "png",
            Media::Audio => "wav",
            Media::Video | Media::Json => "mp4",
        };
        format!("/files/{}.{end}", self.id)
    }

    /// The path of the joined video of an extension.
    pub(super) fn joined_path(&self) -> String {
        format!("/files/{}_full.mp4", self.id)
    }

    /// The path of the uncropped video that comes with ratios other than 16:9.
    pub(super) fn origin_path(&self) -> String {
        format!("/files/{}_origin.mp4", self.id)
    }

    /// The path of the still that comes with Runway's results.
    pub(super) fn still_path(&self) -> String {
        format!("/files/{}.png", self.id)
    }

    /// The path of a version.
    pub(super) fn version_path(&self, version: Version, index: u64, extension: &str) -> String {
        let name = match version {
            Version::FullHd => "1080p",
            Version::FourK => "4k",
        };
        format!("/files/{}_{name}_{index}.{extension}", self.id)
    }

    /// Whether the record shows an uncropped video, too.
    pub(super) fn has_origin(&self) -> bool {
        self.lane == super::Lane::Veo && self.clip.height >= self.clip.width
    }

    fn files(&self) -> Vec<(String, Picture, bool)> {
        use super::Lane;
        let mut files = vec![(self.path(), self.clip.clone(), false)];
        if let Some(seconds) = self.joined_seconds {
            files.push((self.joined_path(), Picture { seconds, ..self.clip.clone() }, false));
        }
        if self.has_origin() {
            let (width, height) = (self.clip.height, self.clip.width);
            files.push((self.origin_path(), Picture { width, height, ..self.clip.clone() }, false));
        }
        if matches!(self.lane, Lane::Runway | Lane::RunwayExtend | Lane::Aleph) {
            files.push((self.still_path(), self.clip.clone(), true));
        }
        files
    }
}
