//! A seeded world for whole runs in memory: its own time, a provider in the same process, and processes that die.
//!
//! Nothing waits here. [`SimulatedClock::run`] polls a run until it waits, then moves time to the next timer.

use super::files::{CrashSwitch, SimulatedFiles, simulated_clip};
use crate::emulator::{ClipMaker, ClipOrder, Emulator, Request as ProviderRequest, TransportFault};
use crate::engine::real::{chance, mixed};
use crate::ports::{Answer, Call, CallBody, Clock, Download, Files, Purpose, SendError, Transport};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// Time that moves only when everybody waits.
#[derive(Debug, Clone)]
pub struct SimulatedClock {
    state: Arc<Mutex<ClockState>>,
}

#[derive(Debug)]
struct ClockState {
    now_ms: i64,
    drawn: u64,
    seed: u64,
    next_timer: u64,
    timers: BTreeMap<(i64, u64), Waker>,
    awaits: u64,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// How a simulated run went wrong in a way that no run may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stuck {
    /// It waits, and nothing will ever wake it.
    ForEver,
    /// It goes on and on.
    Endless,
    /// It was cut off at one of its awaits, as it was asked for.
    Cut,
}

impl SimulatedClock {
    /// A clock that begins at a day of 2026, with chance from this seed.
    pub fn new(seed: u64) -> Self {
        Self {
            state: Arc::new(Mutex::new(ClockState {
                now_ms: 1_790_000_000_000,
                drawn: 0,
                seed,
                next_timer: 0,
                timers: BTreeMap::new(),
                awaits: 0,
            })),
        }
    }

    /// Polls a future to its end; whenever it waits, time goes to the next timer.
    ///
    /// # Errors
    /// When it waits for nothing, or takes more steps than any sensible run.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> Result<T, Stuck> {
        self.run_for(future, None)
    }

    /// The same, and drops the future once it has waited so many times.
    ///
    /// # Errors
    /// As [`SimulatedClock::run`], and [`Stuck::Cut`] for a future that was dropped.
    pub fn run_for<T>(
        &self,
        future: impl Future<Output = T>,
        awaits: Option<u64>,
    ) -> Result<T, Stuck> {
        let mut future = pin!(future);
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&flag));
        let mut context = Context::from_waker(&waker);
        // Timers of a process that died wake nobody.
        {
            let mut state = lock(&self.state);
            state.timers.clear();
            state.awaits = 0;
        }
        for _ in 0..2_000_000 {
            if flag.0.swap(false, Ordering::SeqCst) {
                if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
                    return Ok(done);
                }
                let mut state = lock(&self.state);
                if awaits.is_some_and(|awaits| state.awaits >= awaits) {
                    return Err(Stuck::Cut);
                }
                state.awaits += 1;
                continue;
            }
            let due = {
                let mut state = lock(&self.state);
                let Some(((at, _), waker)) = state.timers.pop_first() else {
                    return Err(Stuck::ForEver);
                };
                state.now_ms = state.now_ms.max(at);
                waker
            };
            due.wake();
        }
        Err(Stuck::Endless)
    }

    /// How often the last future waited.
    pub fn awaits(&self) -> u64 {
        lock(&self.state).awaits
    }

    /// Lets time pass between two processes.
    pub fn pass(&self, duration: Duration) {
        lock(&self.state).now_ms += i64::try_from(duration.as_millis()).unwrap_or(0);
    }

    /// A whole number below `end`.
    pub fn below(&self, end: u64) -> u64 {
        mixed(self.draw()) % end.max(1)
    }

    fn draw(&self) -> u64 {
        let mut state = lock(&self.state);
        state.drawn += 1;
        mixed(state.seed ^ mixed(state.drawn))
    }
}

impl Clock for SimulatedClock {
    fn now_ms(&self) -> i64 {
        lock(&self.state).now_ms
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let until = self.now_ms() + i64::try_from(duration.as_micros().div_ceil(1000)).unwrap_or(0);
        Sleep { state: Arc::clone(&self.state), until, key: None }.boxed()
    }

    fn chance(&self) -> f64 {
        chance(self.draw())
    }
}

struct Sleep {
    state: Arc<Mutex<ClockState>>,
    until: i64,
    key: Option<(i64, u64)>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut state = lock(&this.state);
        if let Some(key) = this.key.take() {
            state.timers.remove(&key);
        }
        if state.now_ms >= this.until {
            return Poll::Ready(());
        }
        state.next_timer += 1;
        let key = (this.until, state.next_timer);
        state.timers.insert(key, context.waker().clone());
        this.key = Some(key);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            lock(&self.state).timers.remove(&key);
        }
    }
}

/// What the network does by itself, as chances from 0 to 1.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weather {
    /// A connection is refused before the first byte.
    pub unreachable: f64,
    /// A request arrives, and its answer does not come back.
    pub lost_answer: f64,
    /// A request that was on its way when its process died arrives all the same.
    pub arrives_after_death: f64,
}

/// The provider in the same process, behind a network with weather.
pub struct SimulatedTransport {
    clock: SimulatedClock,
    provider: Arc<Mutex<Emulator>>,
    files: Arc<SimulatedFiles>,
    switch: Arc<CrashSwitch>,
    weather: Weather,
    key: String,
}

impl SimulatedTransport {
    /// A way to this provider for one process.
    pub fn new(
        clock: SimulatedClock,
        provider: Arc<Mutex<Emulator>>,
        files: Arc<SimulatedFiles>,
        switch: Arc<CrashSwitch>,
        weather: Weather,
    ) -> Self {
        Self { clock, provider, files, switch, weather, key: "simulated-key".into() }
    }

    async fn travel(&self) {
        let way = Duration::from_millis(5 + self.clock.below(300));
        self.clock.sleep(way).await;
    }

    fn request(&self, call: &Call) -> Result<ProviderRequest, SendError> {
        let target = target_of(&call.url);
        let mut request = ProviderRequest::new(&call.method, &target)
            .with_key(&self.key)
            .with_header("user-agent", "Mozilla/5.0 (compatible; storyreel/simulated)");
        match &call.body {
            CallBody::Empty => {}
            CallBody::Json(text) => {
                request = request.with_header("content-type", "application/json");
                request.body = text.clone().into_bytes();
            }
            CallBody::File { path, part, name, fields } => {
                let bytes =
                    self.files.read(path).map_err(|error| SendError::Never(error.to_string()))?;
                let boundary = "simulated-boundary";
                let mut body = Vec::new();
                for (key, value) in fields {
                    body.extend_from_slice(
                        format!(
                            "--{boundary}\r\nContent-Disposition: form-data; name=\"{key}\"\r\n\r\n{value}\r\n"
                        )
                        .as_bytes(),
                    );
                }
                body.extend_from_slice(
                    format!(
                        "--{boundary}\r\nContent-Disposition: form-data; name=\"{part}\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
                    )
                    .as_bytes(),
                );
                body.extend_from_slice(&bytes);
                body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
                request = request.with_header(
                    "content-type",
                    &format!("multipart/form-data; boundary={boundary}"),
                );
                request.body = body;
            }
        }
        Ok(request)
    }

    fn exchange(&self, request: &ProviderRequest) -> Result<crate::emulator::Answer, SendError> {
        lock(&self.provider).exchange(self.clock.now_ms(), request).map_err(SendError::MaybeSent)
    }

    async fn deliver(&self, call: Call) -> Result<Answer, SendError> {
        self.switch.tick();
        let request = self.request(&call)?;
        if self.clock.chance() < self.weather.unreachable {
            self.travel().await;
            return Err(SendError::NotSent("simulated: connection refused".into()));
        }
        let began = self.clock.now_ms();
        let mut afloat = Afloat { transport: self, request: Some(request) };
        self.travel().await;
        let Some(request) = afloat.request.take() else {
            return Err(SendError::MaybeSent("simulated: nothing to send".into()));
        };
        let answer = self.exchange(&request)?;
        // The provider has it now, and whoever dies here does not know.
        self.switch.tick();
        let lost =
            call.purpose == Purpose::Create && self.clock.chance() < self.weather.lost_answer;
        self.clock.sleep(Duration::from_millis(answer.delay_ms)).await;
        self.travel().await;
        let took = Duration::from_millis(u64::try_from(self.clock.now_ms() - began).unwrap_or(0));
        if lost || answer.fault.is_some() || took > call.timeout {
            return Err(SendError::MaybeSent("simulated: the connection was lost".into()));
        }
        self.switch.tick();
        Ok(Answer { status: answer.status, body: answer.body.into() })
    }

    async fn begin_download(&self, url: String) -> Result<Download, SendError> {
        self.switch.tick();
        self.travel().await;
        if self.clock.chance() < self.weather.unreachable {
            return Err(SendError::NotSent("simulated: connection refused".into()));
        }
        let request = ProviderRequest::new("GET", &target_of(&url))
            .with_header("user-agent", "Mozilla/5.0 (compatible; storyreel/simulated)");
        let answer = self.exchange(&request)?;
        let whole = answer.body.len() as u64;
        let (length, keep, cut) = match answer.fault {
            None => (whole, answer.body.len(), false),
            Some(TransportFault::Close) => {
                return Err(SendError::MaybeSent("simulated: the connection was lost".into()));
            }
            Some(TransportFault::CutBody { keep }) => {
                let keep = keep.unwrap_or(whole / 2).min(whole);
                (whole, usize::try_from(keep).unwrap_or(0), true)
            }
            Some(TransportFault::OverstateLength { extra }) => {
                (whole + extra, answer.body.len(), false)
            }
        };
        let body = Bytes::from(answer.body).slice(..keep);
        let mut chunks: Vec<Result<Bytes, String>> =
            body.chunks(64).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        if cut {
            chunks.push(Err("simulated: the connection was lost".into()));
        }
        Ok(Download {
            status: answer.status,
            length: Some(length),
            chunks: futures::stream::iter(chunks).boxed(),
        })
    }
}

impl Transport for SimulatedTransport {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, SendError>> {
        self.deliver(call).boxed()
    }

    fn download(
        &self,
        url: String,
        _timeout: Duration,
    ) -> BoxFuture<'_, Result<Download, SendError>> {
        self.begin_download(url).boxed()
    }
}

/// A request on its way. Dropped before it arrived, it may arrive all the same.
struct Afloat<'a> {
    transport: &'a SimulatedTransport,
    request: Option<ProviderRequest>,
}

impl Drop for Afloat<'_> {
    fn drop(&mut self) {
        if let Some(request) = self.request.take()
            && self.transport.clock.chance() < self.transport.weather.arrives_after_death
        {
            drop(self.transport.exchange(&request));
        }
    }
}

/// Clips that [`SimulatedFiles`] takes for clips.
#[derive(Debug, Clone, Copy, Default)]
pub struct SimulatedClips;

impl ClipMaker for SimulatedClips {
    fn make(&self, order: &ClipOrder) -> Result<Vec<u8>, String> {
        Ok(simulated_clip(&format!("{} {}", order.task_id, order.name), order.seconds))
    }
}

fn target_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or_else(|| "/".to_owned(), |at| rest[at..].to_owned())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
