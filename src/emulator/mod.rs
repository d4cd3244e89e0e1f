//! A local stand-in for kie.ai: for storyreel's own tests, for simulations, and for the continuous integration of
//! people who use storyreel.
//!
//! [`Emulator`] is the whole provider as a state machine: a request goes in with the present time, a reply comes out,
//! and nothing else happens. It opens no socket, reads no clock and draws every number from its seed, so a simulation
//! can run it through years in a second. [`server`] puts it on a port.
//!
//! It is the judge of the client and therefore shares no table with it: what it knows of the provider was written
//! down from the provider's pages and from recordings of its traffic, here and only here. [`faults`] tells how to make
//! it misbehave, [`bill`] what it remembers, [`judge`] what it thinks of that.
//!
//! ```
//! use storyreel::emulator::{Emulator, Options, Request};
//!
//! let mut provider = Emulator::new(Options::default());
//! let create = Request::new("POST", "/api/v1/veo/generate")
//!     .with_key("any")
//!     .with_json(&serde_json::json!({"prompt": "a red kite", "model": "veo3_fast"}));
//! let answer = provider.handle(1_790_000_000_000, &create);
//! assert_eq!(answer.code(), Some(200));
//! assert_eq!(provider.bill().charged, 60.0);
//! ```

pub mod account;
pub mod bill;
pub mod callback;
pub mod clip;
mod control;
mod create;
mod discovery;
mod download;
pub mod envelope;
pub mod faults;
mod fields;
pub mod judge;
mod market;
mod market_rows;
mod market_table;
mod multipart;
mod openapi;
mod options;
mod picture;
mod postman;
pub mod route;
mod runway;
pub mod server;
mod socket;
mod state;
mod still;
mod tasks;
#[cfg(test)]
mod tests;
mod upload;
mod veo;
mod veo_upgrade;
mod watch;

use serde_json::{Value, json};

use account::{Credits, Window};
use bill::{Bill, Logged, State};
use faults::{Fault, Strike, Subject};
use route::{Operation, Route};
use state::Memory;
use tasks::{Lane, Outcome, Task};

pub use clip::{ClipMaker, ClipOrder, TinyClips};
pub use envelope::{Answer, Body, Delivery, Door, FileContent, Reply, Request, TransportFault};
pub use market_table::Market;
pub use options::{Clips, EmulatorArgs, Options, Times};

/// The provider.
#[derive(Debug)]
pub struct Emulator {
    options: Options,
    memory: Memory,
    /// Keys that were accepted at least once; where one of them turns up elsewhere, it leaked.
    seen_keys: Vec<String>,
    revision: u64,
}

/// One request on its way through the provider.
struct Call<'a> {
    now: i64,
    operation: Operation,
    request: &'a Request,
    /// The body when it is a JSON object.
    body: Option<Value>,
    /// Faults for the task, if one is created.
    task_faults: Vec<Fault>,
}

impl Call<'_> {
    /// A text field of the body.
    fn text(&self, name: &str) -> Option<&str> {
        self.body.as_ref()?.get(name)?.as_str()
    }
}

/// The outcome of looking for a task by the id in a request.
enum Lookup {
    NoId,
    TooOften,
    Missing(String),
    Found(usize),
}

impl Emulator {
    /// A provider on its first day.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let memory = Memory::new(&options);
        Self { options, memory, seen_keys: Vec::new(), revision: 0 }
    }

    /// How it was told to behave.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// A number that grows whenever the bill or anything else worth keeping changes.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Everything worth keeping, as JSON text for [`Emulator::restore`].
    ///
    /// # Errors
    ///
    /// The JSON writer's words.
    pub fn save(&self) -> Result<String, String> {
        serde_json::to_string(&self.memory).map_err(|error| error.to_string())
    }

    /// A provider that goes on where another one was saved. Rules saved with it are kept; those of `options` are not
    /// added again.
    ///
    /// # Errors
    ///
    /// The JSON reader's words, with the place.
    pub fn restore(options: Options, saved: &str) -> Result<Self, String> {
        let memory = serde_json::from_str(saved).map_err(|error| error.to_string())?;
        Ok(Self { options, memory, seen_keys: Vec::new(), revision: 0 })
    }

    /// Adds scripted faults.
    pub fn add_faults(&mut self, script: &faults::Script) {
        self.memory.faults.add(script);
    }

    /// Moves the clock on, by milliseconds.
    pub fn advance(&mut self, ms: i64) {
        self.memory.shift_ms = self.memory.shift_ms.saturating_add(ms);
        self.revision += 1;
    }

    /// The bill as it stands.
    #[must_use]
    pub fn bill(&self) -> Bill {
        let mut bill = self.memory.bill.clone();
        bill.credits = self.memory.balance.to_f64();
        bill.charged = self.memory.charged.to_f64();
        bill.refunded = self.memory.refunded.to_f64();
        bill
    }

    /// Books everything that has ended by now, as every request does first.
    pub fn settle(&mut self, now: i64) {
        let now = now.saturating_add(self.memory.shift_ms);
        self.settle_until(now);
    }

    /// Answers one request at `now` (epoch milliseconds; must not go backwards).
    pub fn handle(&mut self, now: i64, request: &Request) -> Reply {
        let now = now.saturating_add(self.memory.shift_ms);
        self.settle_until(now);
        if request.path.starts_with("/emulator/") {
            return self.control(request);
        }
        self.revision += 1;
        self.count(request);
        let operation = match route::find(
            &request.method,
            &request.path,
            request.door,
            self.options.seed_aliases,
        ) {
            Route::To(operation) => operation,
            miss => {
                let (status, text) = match miss {
                    Route::WrongMethod => (405, "Request method is not supported"),
                    _ => (404, "No such endpoint"),
                };
                self.look_for_leaks(now, None, request);
                self.log(now, request, None, None, status, Some(i64::from(status)), None);
                let mut answer = json!({"code": status, "msg": text, "data": null});
                if request.path.starts_with("/api/file-") {
                    answer["success"] = false.into();
                }
                return Reply::json(status, &answer);
            }
        };
        self.look_for_leaks(now, Some(operation), request);

        let body = (request.method == "POST")
            .then(|| serde_json::from_slice::<Value>(&request.body).ok())
            .flatten();
        let mut call = Call {
            now,
            operation,
            request,
            body: body.filter(Value::is_object),
            task_faults: Vec::new(),
        };
        let about = self.about(&call);
        let Strike { answer: fault, task } = self.strike(&call, about);
        call.task_faults = task;

        let creates_before = self.memory.bill.creates.len();
        let mut reply = match &fault {
            Some(fault) if !carried_out(fault) => {
                if operation.creates() {
                    let refusal = create::Refusal::new(0, format!("the fault `{}`", fault.name()));
                    self.note_refused(&call, &refusal);
                }
                self.spoil(&call, fault, None, about)
            }
            _ => {
                let reply = self.dispatch(&call, about);
                match &fault {
                    Some(fault) => self.spoil(&call, fault, Some(reply), about),
                    None => reply,
                }
            }
        };
        let made = self.memory.bill.creates.get_mut(creates_before);
        let made_task = made.as_ref().and_then(|create| create.task_id.clone());
        if let (Some(fault), Some(create)) = (&fault, made) {
            create.answer_lost = !matches!(fault, Fault::Slow { .. });
        }
        if fault.is_none() && operation.creates() && reply.code() == Some(200) {
            self.memory.last_create_answer = reply.value();
        }
        reply.delay_ms = reply.delay_ms.saturating_add(self.options.latency_ms);

        let task_id = made_task.or_else(|| {
            about.and_then(|index| self.memory.tasks.get(index)).map(|task| task.id.clone())
        });
        let name = fault.as_ref().map(Fault::name);
        if let Some(name) = name {
            self.note_fault(&call, name, task_id.clone());
        }
        for number in 0..call.task_faults.len() {
            let name = call.task_faults[number].name();
            self.note_fault(&call, name, task_id.clone());
        }
        let status = if reply.fault == Some(TransportFault::Close) { 0 } else { reply.status };
        let code = if operation.needs_key() { reply.code() } else { None };
        self.log(now, request, Some(operation), task_id, status, code, name);
        reply
    }

    /// Books a part of a file that was taken completely; see [`Answer::delivery`].
    pub fn delivered(&mut self, delivery: &Delivery) {
        self.revision += 1;
        self.book_delivery(delivery);
    }

    /// Handles a request, makes the clip if there is one, and books its delivery unless a fault spoils it: what
    /// a server does, for those who have none.
    ///
    /// # Errors
    ///
    /// The clip maker's words.
    pub fn exchange(&mut self, now: i64, request: &Request) -> Result<Answer, String> {
        let maker = std::sync::Arc::clone(&self.options.clips);
        let answer = self.handle(now, request).finish(maker.as_ref())?;
        if let (None, Some(delivery)) = (&answer.fault, &answer.delivery)
            && request.method != "HEAD"
        {
            self.delivered(delivery);
        }
        Ok(answer)
    }

    fn dispatch(&mut self, call: &Call<'_>, about: Option<usize>) -> Reply {
        if call.operation.needs_key() {
            match call.request.bearer() {
                Some(key)
                    if self.options.keys.is_empty()
                        || self.options.keys.iter().any(|known| known == key) =>
                {
                    if !self.seen_keys.iter().any(|seen| seen == key) {
                        self.seen_keys.push(key.to_owned());
                    }
                }
                _ => {
                    self.memory.bill.unauthorized += 1;
                    return unauthorized(call.operation);
                }
            }
        }
        match call.operation {
            Operation::VeoGenerate
            | Operation::VeoExtend
            | Operation::MarketCreate
            | Operation::RunwayGenerate
            | Operation::RunwayExtend
            | Operation::AlephGenerate => self.create(call),
            Operation::VeoRead => self.veo_read(call),
            Operation::Veo1080p => self.veo_1080p(call),
            Operation::Veo4k => self.veo_4k(call),
            Operation::MarketRead => self.market_read(call),
            Operation::RunwayRead => self.runway_read(call),
            Operation::AlephRead => self.aleph_read(call),
            Operation::Credit => Reply::success(&self.memory.balance.to_json()),
            Operation::DownloadUrl => self.download_url(call),
            Operation::Models
            | Operation::ModelSchema
            | Operation::ModelPrice
            | Operation::ModelSuccess => self.discover(call),
            Operation::UploadBase64 | Operation::UploadStream | Operation::UploadUrl => {
                self.upload(call)
            }
            Operation::File | Operation::Link => self.file(call, about),
            Operation::UploadFile => self.uploaded_file(call),
            Operation::Elsewhere => self.elsewhere(call),
        }
    }

    /// The task that a request is about, for the conditions of rules and for the log.
    fn about(&self, call: &Call<'_>) -> Option<usize> {
        match call.operation {
            operation if operation.creates() => None,
            Operation::File | Operation::Link => {
                let path = self.memory.resolve(&call.request.path)?;
                self.memory.files.get(path).map(|file| file.task)
            }
            _ => {
                let id = call.request.query_value("taskId").or_else(|| call.text("taskId"))?;
                self.memory.by_id.get(id).copied()
            }
        }
    }

    fn strike(&mut self, call: &Call<'_>, about: Option<usize>) -> Strike {
        let task = about.and_then(|index| self.memory.tasks.get(index));
        let input = call.body.as_ref().and_then(|body| body.get("input")).or(call.body.as_ref());
        let wanted = |name: &str, from: Option<&Value>| {
            from.and_then(|from| from.get(name)?.as_str().map(str::to_owned))
        };
        let (model, prompt, number) = match task {
            Some(task) => (task.model.clone(), task.prompt.clone(), task.number),
            None if call.operation.creates() => (
                wanted("model", call.body.as_ref()).unwrap_or_default(),
                wanted("prompt", input).unwrap_or_default(),
                self.memory.tasks.len() as u64 + 1,
            ),
            None => (String::new(), String::new(), 0),
        };
        let subject = Subject {
            operation: call.operation,
            path: &call.request.path,
            model: &model,
            prompt: &prompt,
            task: number,
        };
        self.memory.faults.strike(self.options.seed, &subject)
    }

    /// The reply that a fault makes of the right one (`None` when the request was not carried out).
    fn spoil(
        &mut self,
        call: &Call<'_>,
        fault: &Fault,
        right: Option<Reply>,
        about: Option<usize>,
    ) -> Reply {
        let right_text = |right: Option<Reply>| match right.map(|reply| reply.body) {
            Some(Body::Bytes(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
            _ => String::new(),
        };
        let json_text = |text: String| {
            let mut reply = Reply::json(200, &Value::Null);
            reply.body = Body::Bytes(text.into_bytes());
            reply
        };
        match fault {
            Fault::HttpStatus { status, .. } => Reply::html(*status, &format!("Error {status}")),
            Fault::Code { code, msg, .. } => Reply::refuse(*code, msg),
            Fault::DropBefore {} | Fault::DropAfter {} => Reply::closed(),
            Fault::Stall { ms, .. } => Reply { delay_ms: *ms, ..Reply::closed() },
            Fault::BrokenJson {} => json_text("{\"code\":200,\"msg\":success,}".to_owned()),
            Fault::CutJson {} => {
                let mut text = right_text(right);
                let half =
                    (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
                text.truncate(half);
                json_text(text)
            }
            Fault::WrongTypes {} => Reply::json(
                200,
                &json!({"code": "200", "msg": 200, "data": [{"taskId": 12, "successFlag": "1", "state": 1}]}),
            ),
            Fault::Html200 {} => Reply::html(200, "One moment please"),
            Fault::DuplicateAnswer {} => match (&self.memory.last_create_answer, right) {
                (Some(value), _) => Reply::json(200, value),
                (None, Some(right)) => right,
                (None, None) => Reply::closed(),
            },
            Fault::Redirect {} => {
                let mut reply = Reply::html(302, "Found");
                let target = format!("{}/elsewhere{}", self.options.elsewhere, call.request.path);
                reply.headers.push(("location".into(), target));
                reply
            }
            Fault::Gone { status } => Reply::html(*status, "This file is gone"),
            Fault::WrongContent { content } => self.wrong_content(*content, about),
            Fault::Slow { ms } => match right {
                Some(right) => Reply { delay_ms: right.delay_ms.saturating_add(*ms), ..right },
                None => Reply::closed(),
            },
            Fault::CutBody { bytes } => match right {
                Some(right) => {
                    Reply { fault: Some(TransportFault::CutBody { keep: *bytes }), ..right }
                }
                None => Reply::closed(),
            },
            Fault::WrongLength { extra } => match right {
                Some(right) => Reply {
                    fault: Some(TransportFault::OverstateLength { extra: *extra }),
                    ..right
                },
                None => Reply::closed(),
            },
            // Faults of a task never strike an answer.
            _ => right.unwrap_or_else(Reply::closed),
        }
    }

    /// Finds a task of one of these lanes by the `taskId` of a read, within the limit of reads.
    fn look_up(&mut self, call: &Call<'_>, id: Option<&str>, lanes: &[Lane]) -> Lookup {
        let Some(id) = id.filter(|id| !id.is_empty()) else {
            return Lookup::NoId;
        };
        let Some(&index) = self.memory.by_id.get(id) else {
            return Lookup::Missing(id.to_owned());
        };
        let rate = self.options.reads;
        let Some(task) = self.memory.tasks.get_mut(index) else {
            return Lookup::Missing(id.to_owned());
        };
        if call.operation.reads() {
            while task.recent_reads.front().is_some_and(|at| call.now - at >= rate.window_ms) {
                task.recent_reads.pop_front();
            }
            if task.recent_reads.len() >= rate.limit as usize {
                self.memory.bill.reads_refused += 1;
                return Lookup::TooOften;
            }
            task.recent_reads.push_back(call.now);
        }
        if !lanes.contains(&task.lane) || !task.visible(call.now) {
            return Lookup::Missing(id.to_owned());
        }
        if call.operation.reads()
            && let Some(create) = self.memory.bill.creates.get_mut(task.billed)
        {
            create.reads += 1;
        }
        Lookup::Found(index)
    }
}

/// Whether a request is carried out before this fault spoils its answer.
const fn carried_out(fault: &Fault) -> bool {
    match fault {
        Fault::HttpStatus { accepted, .. }
        | Fault::Code { accepted, .. }
        | Fault::Stall { accepted, .. } => *accepted,
        Fault::DropBefore {}
        | Fault::Redirect {}
        | Fault::Gone { .. }
        | Fault::WrongContent { .. } => false,
        _ => true,
    }
}

/// The answer to a missing or wrong key: no `data`. The upload host documents a real status.
fn unauthorized(operation: Operation) -> Reply {
    let text = "Unauthorized – Authentication failed. Please check that your Authorization and Content-Type headers are correctly set.";
    if operation.family() == "upload" {
        return Reply::json(401, &json!({"success": false, "code": 401, "msg": text}));
    }
    let mut reply = Reply::json(200, &json!({"code": 401, "msg": text}));
    reply.headers = vec![("content-type".into(), "application/json;charset=utf-8".into())];
    reply
}

/// Mixes the bits of a number so that near ones come out far apart (the finaliser of SplitMix64).
const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}
