//! What all creates have in common: the window, the price, the task and its entry in the bill.

use serde_json::{Value, json};

use super::account::Credits;
use super::bill::Create;
use super::tasks::{Media, Picture, Quirks};
use super::{Call, Emulator, Fault, Lane, Operation, Outcome, Reply, State, Task};

/// A create that was understood.
pub(super) struct Order {
    pub lane: Lane,
    pub model: String,
    pub prompt: String,
    /// The echo for the record, JSON text.
    pub echo: String,
    pub price: Credits,
    pub clip: Picture,
    pub joined_seconds: Option<f64>,
    pub resolution: String,
    pub parent: Option<String>,
    /// What it makes.
    pub media: Media,
    /// Fields that mean nothing here.
    pub wasted: Vec<String>,
    /// A failure that shows only later, as most of the provider's do.
    pub failure: Option<(i64, String)>,
}

/// A create that was not let in.
pub(super) struct Refusal {
    pub code: i64,
    pub message: String,
    pub wasted: Vec<String>,
}

impl Refusal {
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), wasted: Vec::new() }
    }
}

impl Emulator {
    /// Answers a create with the right key.
    pub(super) fn create(&mut self, call: &Call<'_>) -> Reply {
        let verdict = match self.memory.submissions.grant(call.now, self.options.submissions) {
            None => {
                self.memory.bill.submissions.refused += 1;
                Err(Refusal::new(429, super::veo::TOO_OFTEN))
            }
            Some(count) => {
                let most = &mut self.memory.bill.submissions.most;
                *most = count.max(*most);
                self.order(call)
            }
        };
        match verdict.and_then(|order| self.afford(call, order)) {
            Ok(order) => self.accept(call, order),
            Err(refusal) => {
                self.note_refused(call, &refusal);
                Reply::refuse(refusal.code, &refusal.message)
            }
        }
    }

    /// Books a create that made no task.
    pub(super) fn note_refused(&mut self, call: &Call<'_>, refusal: &Refusal) {
        let entry = Create {
            code: refusal.code,
            message: refusal.message.clone(),
            wasted: refusal.wasted.clone(),
            ..self.entry(call)
        };
        self.memory.bill.creates.push(entry);
    }

    fn order(&self, call: &Call<'_>) -> Result<Order, Refusal> {
        let Some(body) = call.body.as_ref().and_then(Value::as_object) else {
            return Err(Refusal::new(400, "Request body is missing or is not valid JSON"));
        };
        let mut order = match call.operation {
            Operation::VeoGenerate => self.veo_order(body)?,
            Operation::VeoExtend => self.veo_extend_order(call.now, body)?,
            Operation::RunwayGenerate => self.runway_order(body)?,
            Operation::RunwayExtend => self.runway_extend_order(body)?,
            Operation::AlephGenerate => self.aleph_order(body)?,
            _ => self.market_order(body)?,
        };
        if self.options.refuse_unknown_fields && !order.wasted.is_empty() {
            let refusal = Refusal::new(500, "Internal server error, please try again later");
            return Err(Refusal { wasted: order.wasted, ..refusal });
        }
        if order.failure.is_none()
            && let Some(url) = self.unreachable(call.now, &call.body)
        {
            order.failure = Some((400, format!("Failed to fetch the file: {url}")));
        }
        Ok(order)
    }

    fn afford(&self, call: &Call<'_>, mut order: Order) -> Result<Order, Refusal> {
        for fault in &call.task_faults {
            if let Fault::Price { credits } = fault {
                order.price = Credits::from_f64(*credits);
            }
        }
        if self.memory.balance < order.price {
            return Err(Refusal {
                wasted: order.wasted,
                ..Refusal::new(402, "The current credits are insufficient. Please top up.")
            });
        }
        Ok(order)
    }

    fn accept(&mut self, call: &Call<'_>, order: Order) -> Reply {
        let id = self.memory.next_id(self.options.seed);
        let index = self.memory.tasks.len();
        let time = self.options.times.of(call.operation);
        let mut task = Task {
            id: id.clone(),
            number: index as u64 + 1,
            lane: order.lane,
            model: order.model,
            prompt: order.prompt,
            echo: order.echo,
            created_ms: call.now,
            done_ms: Some(call.now.saturating_add(time)),
            outcome: match order.failure {
                None => Outcome::Success,
                // Problems with an input show early: a quarter of the usual time.
                Some((code, message)) => Outcome::Failure { code, message, charged: false },
            },
            settled: false,
            price: order.price,
            billed: self.memory.bill.creates.len(),
            clip: order.clip,
            joined_seconds: order.joined_seconds,
            resolution: order.resolution,
            parent: order.parent,
            media: order.media,
            callback: call.text("callBackUrl").filter(|url| !url.is_empty()).map(str::to_owned),
            upgrades: Vec::new(),
            quirks: Quirks::default(),
            reads_of_end: 0,
            recent_reads: std::collections::VecDeque::new(),
        };
        if matches!(task.outcome, Outcome::Failure { .. }) {
            task.done_ms = Some(call.now.saturating_add(time / 4));
        }
        for fault in &call.task_faults {
            task.bind(fault);
        }
        if let Some(done) = task.done_ms {
            self.memory.due.insert((done, index, None));
        }
        self.memory.charge(task.price);
        self.memory.running += 1;
        let most = &mut self.memory.bill.most_running;
        *most = self.memory.running.max(*most);

        let entry = Create {
            state: State::Running,
            code: 200,
            task_id: Some(id.clone()),
            price: task.price.to_f64(),
            wasted: order.wasted,
            faults: call.task_faults.iter().map(|fault| fault.name().to_owned()).collect(),
            ..self.entry(call)
        };
        self.memory.bill.creates.push(entry);
        self.memory.by_id.insert(id.clone(), index);
        self.memory.tasks.push(task);
        // The market's live answers carry the id twice.
        match order.lane {
            Lane::Market => Reply::success(&json!({"taskId": id, "recordId": id})),
            _ => Reply::success(&json!({"taskId": id})),
        }
    }

    /// The entry of a create in the bill, as far as the request alone tells.
    fn entry(&self, call: &Call<'_>) -> Create {
        let sent = || Value::String(String::from_utf8_lossy(&call.request.body).into_owned());
        let body = call.body.clone().unwrap_or_else(sent);
        let mut asks = format!("{} ", call.request.path);
        self.write_asks(&body, &mut asks);
        Create {
            time_ms: call.now,
            family: call.operation.family().to_owned(),
            operation: call.operation.name().to_owned(),
            path: call.request.path.clone(),
            body,
            asks,
            state: State::Refused,
            code: 0,
            message: String::new(),
            task_id: None,
            price: 0.0,
            refunded: false,
            answer_lost: false,
            wasted: Vec::new(),
            reads: 0,
            result_shown: false,
            downloaded: false,
            faults: Vec::new(),
        }
    }

    /// Writes what a body asks for: keys sorted, callbacks left out, links to files replaced by their content.
    fn write_asks(&self, value: &Value, text: &mut String) {
        match value {
            Value::Object(fields) => {
                let mut names: Vec<&String> =
                    fields.keys().filter(|name| *name != "callBackUrl").collect();
                names.sort();
                text.push('{');
                for (place, name) in names.into_iter().enumerate() {
                    if place > 0 {
                        text.push(',');
                    }
                    text.push_str(&Value::from(name.as_str()).to_string());
                    text.push(':');
                    self.write_asks(&fields[name], text);
                }
                text.push('}');
            }
            Value::Array(items) => {
                text.push('[');
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        text.push(',');
                    }
                    self.write_asks(item, text);
                }
                text.push(']');
            }
            Value::String(link) => match self.content_of(link) {
                Some(content) => text.push_str(&Value::from(content).to_string()),
                None => text.push_str(&value.to_string()),
            },
            _ => text.push_str(&value.to_string()),
        }
    }

    fn content_of(&self, link: &str) -> Option<String> {
        let path = self.own_path(link)?;
        let path = self.memory.resolve(&path)?;
        match self.memory.uploads.get(path) {
            Some(upload) => Some(format!("upload:{}", upload.sha256)),
            None => self.memory.files.contains_key(path).then(|| format!("result:{path}")),
        }
    }

    /// The first address in a body that the provider could not fetch: a file of its own that is not there any more,
    /// or a host under `.invalid`. Other foreign addresses are taken to be reachable.
    fn unreachable(&self, now: i64, body: &Option<Value>) -> Option<String> {
        fn visit<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
            match value {
                Value::String(text) if text.starts_with("http") => found.push(text),
                Value::Array(items) => items.iter().for_each(|item| visit(item, found)),
                Value::Object(fields) => {
                    fields
                        .iter()
                        .filter(|(name, _)| *name != "callBackUrl")
                        .for_each(|(_, item)| visit(item, found));
                }
                _ => {}
            }
        }
        let mut links = Vec::new();
        visit(body.as_ref()?, &mut links);
        let broken = |link: &&&str| match self.own_path(link) {
            Some(path) => !self.is_there(now, &path),
            None => {
                let host = link
                    .split("://")
                    .nth(1)
                    .unwrap_or_default()
                    .split(['/', ':', '?'])
                    .next()
                    .unwrap_or_default();
                host.ends_with(".invalid")
            }
        };
        links.iter().find(broken).map(|link| (*link).to_owned())
    }

    /// How long the video or sound at an address is, in seconds, and its picture, as far as the emulator can know.
    pub(super) fn source_picture(&self, link: &str) -> Picture {
        let foreign = Picture { width: 1280, height: 720, seconds: self.options.foreign_seconds };
        let Some(path) = self.own_path(link) else {
            return foreign;
        };
        let Some(path) = self.memory.resolve(&path) else {
            return foreign;
        };
        if let Some(stored) = self.memory.files.get(path) {
            return stored.picture.clone();
        }
        let Some(upload) = self.memory.uploads.get(path) else {
            return foreign;
        };
        let length = upload.bytes.len() as u64;
        match crate::media::probe(std::io::Cursor::new(upload.bytes.as_slice()), length) {
            Ok(probe) => {
                Picture { width: probe.width, height: probe.height, seconds: probe.duration }
            }
            Err(_) => {
                match crate::media::sound::seconds(std::io::Cursor::new(upload.bytes.as_slice())) {
                    Some(seconds) => Picture { seconds, ..foreign },
                    None => foreign,
                }
            }
        }
    }
}

impl Task {
    fn bind(&mut self, fault: &Fault) {
        match fault {
            Fault::Fail { code, message, after_ms, charged } => {
                self.outcome =
                    Outcome::Failure { code: *code, message: message.clone(), charged: *charged };
                if let Some(after) = after_ms {
                    self.done_ms = Some(self.created_ms.saturating_add(*after));
                }
            }
            Fault::Stuck {} => self.done_ms = None,
            Fault::SlowTask { ms } => {
                self.done_ms = self.done_ms.map(|done| done.saturating_add(*ms))
            }
            Fault::SuccessWithoutUrl { reads } => {
                self.quirks.reads_without_url = reads.unwrap_or(u32::MAX)
            }
            Fault::Backwards { reads } => self.quirks.reads_backwards = *reads,
            Fault::Invisible { ms } => {
                self.quirks.invisible_until = Some(self.created_ms.saturating_add(*ms))
            }
            Fault::DoubleLength {} => {
                self.clip.seconds *= 2.0;
                self.joined_seconds = self.joined_seconds.map(|seconds| seconds * 2.0);
            }
            Fault::UpgradeFails {} => self.quirks.upgrades_fail = true,
            // The price is taken before the balance is compared; faults of an answer never come here.
            _ => {}
        }
    }
}
