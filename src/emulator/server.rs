//! The emulator on a port of this machine.
//!
//! The shell holds no knowledge of the provider: it receives a request completely, asks the state machine, waits as
//! long as it says, and acts out the faults of the transport on the socket. It listens on 127.0.0.1 only; callbacks are
//! the one thing that it sends by itself.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body as HttpBody, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request as HttpRequest, Response, StatusCode};
use bytes::Bytes;
use futures::stream;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::bill::Bill;
use super::callback::Callback;
use super::postman;
use super::socket::{Cut, Sockets};
use super::{
    Answer, ClipMaker, Delivery, Door, Emulator, EmulatorArgs, Options, Reply, Request,
    TransportFault,
};

/// The largest request body, in bytes; uploads are advised to stay below 100 MB.
const LARGEST_BODY: usize = 512 * 1024 * 1024;
/// How long open requests may take to end after a stop.
const GRACE: Duration = Duration::from_secs(1);

/// Where and how to serve an emulator.
#[derive(Debug, Clone, Default)]
pub struct ServeOptions {
    /// How it behaves. The addresses in it are replaced by those it really listens on.
    pub options: Options,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// A port of its own for uploads; 0 takes a free one, `None` shares the first.
    pub upload_port: Option<u16>,
    /// Gets the addresses as JSON once it listens.
    pub ready_file: Option<PathBuf>,
    /// Keeps everything over restarts.
    pub state_file: Option<PathBuf>,
    /// Gets the bill on each change.
    pub bill_file: Option<PathBuf>,
}

impl ServeOptions {
    /// What the flags of `storyreel emulator` ask for; `preview` makes drawn clips where they are asked for.
    ///
    /// # Errors
    ///
    /// A sentence that names the flag and what it takes.
    pub fn from_args(
        args: &EmulatorArgs,
        preview: Option<Arc<dyn ClipMaker>>,
    ) -> Result<Self, String> {
        Ok(Self {
            options: args.options(preview)?,
            port: args.port,
            upload_port: args.upload_port,
            ready_file: args.ready_file.clone(),
            state_file: args.state.clone(),
            bill_file: args.bill.clone(),
        })
    }
}

/// Why an emulator could not be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The port is taken or forbidden.
    #[error(
        "cannot listen on 127.0.0.1:{port}: {source}; choose another `--port`, or 0 for a free one"
    )]
    Listen {
        /// The port.
        port: u16,
        /// What the system says.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The state file could not be read.
    #[error("cannot read the state in {}: {problem}; remove the file to start again", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// An emulator that listens. Dropping it stops it at once.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    address: SocketAddr,
    base: String,
    upload_base: String,
    stop: CancellationToken,
    servers: Vec<JoinHandle<()>>,
}

impl Running {
    /// The API base, such as `http://127.0.0.1:40001`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The upload base; the same as [`Running::base`] unless uploads have a port of their own.
    #[must_use]
    pub fn upload_base(&self) -> &str {
        &self.upload_base
    }

    /// The address of the API.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The bill, with everything booked that has ended by now.
    #[must_use]
    pub fn bill(&self) -> Bill {
        self.with(|emulator| {
            emulator.settle(now_ms());
            emulator.bill()
        })
    }

    /// Does something with the emulator while no request is handled.
    pub fn with<T>(&self, act: impl FnOnce(&mut Emulator) -> T) -> T {
        act(&mut self.shared.emulator())
    }

    /// Stops listening, and gives open requests a second to end.
    pub async fn stop(mut self) {
        self.stop.cancel();
        for server in std::mem::take(&mut self.servers) {
            let abort = server.abort_handle();
            if tokio::time::timeout(GRACE, server).await.is_err() {
                abort.abort();
            }
        }
    }

    /// Serves until the process is asked to end (an interrupt or, on Unix, SIGTERM).
    pub async fn until_signal(self) {
        asked_to_end().await;
        self.stop().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        for server in &self.servers {
            server.abort();
        }
    }
}

/// Serves until the process is asked to end.
///
/// # Errors
///
/// [`ServeError`] when a port cannot be listened on, or a file not be read or written.
pub async fn serve(options: ServeOptions) -> Result<(), ServeError> {
    start(options).await?.until_signal().await;
    Ok(())
}

/// Starts to serve and comes back.
///
/// # Errors
///
/// As [`serve`].
pub async fn start(serve: ServeOptions) -> Result<Running, ServeError> {
    let ServeOptions { mut options, port, upload_port, ready_file, state_file, bill_file } = serve;
    let (listener, address) = listen(port).await?;
    let upload = match upload_port {
        Some(port) => Some(listen(port).await?),
        None => None,
    };
    let base = format!("http://{address}");
    let upload_base =
        upload.as_ref().map_or_else(|| base.clone(), |(_, address)| format!("http://{address}"));
    options.base.clone_from(&base);
    options.upload_base.clone_from(&upload_base);
    options.elsewhere = format!("http://localhost:{}", address.port());

    let emulator = match &state_file {
        Some(path) if path.exists() => {
            let state = |problem: String| ServeError::State { path: path.clone(), problem };
            let saved = std::fs::read_to_string(path).map_err(|error| state(error.to_string()))?;
            Emulator::restore(options, &saved).map_err(state)?
        }
        _ => Emulator::new(options),
    };
    let shared = Arc::new(Shared { emulator: Mutex::new(emulator), state_file, bill_file });
    let stop = CancellationToken::new();
    let door = if upload.is_some() { Door::Api } else { Door::Any };
    let mut servers = vec![spawn(listener, Arc::clone(&shared), door, stop.clone())];
    if let Some((listener, _)) = upload {
        servers.push(spawn(listener, Arc::clone(&shared), Door::Upload, stop.clone()));
    }
    servers.push(tokio::spawn(postman::deliver(Arc::clone(&shared), stop.clone())));
    let running = Running { shared, address, base, upload_base, stop, servers };
    if let Some(path) = ready_file {
        let ready = json!({"base": running.base, "upload_base": running.upload_base, "pid": std::process::id()});
        write_whole(&path, &format!("{ready}\n"))
            .map_err(|source| ServeError::Write { path, source })?;
    }
    Ok(running)
}

async fn listen(port: u16) -> Result<(TcpListener, SocketAddr), ServeError> {
    let wrong = |source| ServeError::Listen { port, source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(wrong)?;
    let address = listener.local_addr().map_err(wrong)?;
    Ok((listener, address))
}

fn spawn(
    listener: TcpListener,
    shared: Arc<Shared>,
    door: Door,
    stop: CancellationToken,
) -> JoinHandle<()> {
    let answer = move |ConnectInfo(cut): ConnectInfo<Cut>, request: HttpRequest<HttpBody>| {
        let shared = Arc::clone(&shared);
        async move { shared.answer(door, &cut, request).await }
    };
    let router = Router::new().fallback(answer).into_make_service_with_connect_info::<Cut>();
    tokio::spawn(async move {
        let serving =
            axum::serve(Sockets(listener), router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = serving.await {
            tracing::error!("the emulator stopped serving: {error}");
        }
    })
}

#[derive(Debug)]
pub(super) struct Shared {
    emulator: Mutex<Emulator>,
    state_file: Option<PathBuf>,
    bill_file: Option<PathBuf>,
}

impl Shared {
    fn emulator(&self) -> MutexGuard<'_, Emulator> {
        self.emulator.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The callbacks that are due.
    pub(super) fn callbacks(&self) -> Vec<Callback> {
        let mut emulator = self.emulator();
        let before = emulator.revision();
        let due = emulator.take_callbacks(now_ms());
        if emulator.revision() != before
            && let Err(error) = self.keep(&emulator)
        {
            tracing::error!("{error}");
        }
        due
    }

    /// Takes note of what became of a callback.
    pub(super) fn note(&self, callback: &Callback, tries: u32, outcome: &str) {
        let mut emulator = self.emulator();
        emulator.note_callback(callback, tries, outcome);
        if let Err(error) = self.keep(&emulator) {
            tracing::error!("{error}");
        }
    }

    pub(super) fn webhook_key(&self) -> Option<String> {
        self.emulator().options().webhook_key.clone()
    }

    async fn answer(
        self: Arc<Self>,
        door: Door,
        cut: &Cut,
        request: HttpRequest<HttpBody>,
    ) -> Response<HttpBody> {
        let (head, body) = request.into_parts();
        let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
            return problem(StatusCode::PAYLOAD_TOO_LARGE, "the body is cut or too large");
        };
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let mut request = Request::new(head.method.as_str(), target);
        request.door = door;
        request.body = body.to_vec();
        for (name, value) in &head.headers {
            request.headers.push((
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            ));
        }

        let reply = match self.handle(&request) {
            Ok(reply) => reply,
            Err(error) => return problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        };
        let clips = Arc::clone(&self.emulator().options().clips);
        // A drawn clip takes a while; other requests go on meanwhile.
        let made = tokio::task::spawn_blocking(move || reply.finish(clips.as_ref())).await;
        let answer = match made {
            Ok(Ok(answer)) => answer,
            Ok(Err(text)) => return problem(StatusCode::INTERNAL_SERVER_ERROR, &text),
            Err(error) => return problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        };
        if answer.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(answer.delay_ms)).await;
        }
        self.respond(answer, cut)
    }

    /// Handles a request and keeps what it changed before anybody hears of it.
    fn handle(&self, request: &Request) -> Result<Reply, ServeError> {
        let mut emulator = self.emulator();
        let before = emulator.revision();
        let reply = emulator.handle(now_ms(), request);
        if emulator.revision() != before {
            self.keep(&emulator)?;
        }
        Ok(reply)
    }

    fn keep(&self, emulator: &Emulator) -> Result<(), ServeError> {
        if let Some(path) = &self.state_file {
            let state = emulator
                .save()
                .map_err(|problem| ServeError::State { path: path.clone(), problem })?;
            write_whole(path, &state)
                .map_err(|source| ServeError::Write { path: path.clone(), source })?;
        }
        if let Some(path) = &self.bill_file {
            let bill = serde_json::to_string_pretty(&emulator.bill()).map_err(io::Error::other);
            let written = bill.and_then(|bill| write_whole(path, &format!("{bill}\n")));
            written.map_err(|source| ServeError::Write { path: path.clone(), source })?;
        }
        Ok(())
    }

    fn respond(self: &Arc<Self>, answer: Answer, cut: &Cut) -> Response<HttpBody> {
        let Answer { status, mut headers, body, fault, delivery, .. } = answer;
        let length = body.len() as u64;
        let body = Bytes::from(body);
        let body = match fault {
            Some(TransportFault::Close) => {
                // Nothing that is written from now on reaches the socket.
                cut.cut();
                return problem(StatusCode::OK, "");
            }
            Some(TransportFault::CutBody { keep }) => {
                let keep = keep.unwrap_or(length / 2).min(length) as usize;
                HttpBody::from_stream(broken_off(body.slice(..keep)))
            }
            Some(TransportFault::OverstateLength { extra }) => {
                headers.retain(|(name, _)| name != "content-length");
                headers.push(("content-length".into(), length.saturating_add(extra).to_string()));
                HttpBody::from_stream(broken_off(body))
            }
            None => match delivery {
                Some(delivery) => HttpBody::from_stream(booked(body, Arc::clone(self), delivery)),
                None => HttpBody::from(body),
            },
        };
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(name, value);
        }
        response
            .body(body)
            .unwrap_or_else(|error| problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()))
    }
}

/// A body that ends in an error, upon which the connection is closed.
fn broken_off(part: Bytes) -> impl stream::Stream<Item = io::Result<Bytes>> {
    stream::unfold(Some(part), |part| async move {
        match part {
            Some(part) if !part.is_empty() => Some((Ok(part), Some(Bytes::new()))),
            Some(_) => {
                // The writer flushes what it has whenever the body is not ready; only then may the error come.
                tokio::task::yield_now().await;
                Some((Err(io::ErrorKind::ConnectionAborted.into()), None))
            }
            None => None,
        }
    })
}

/// A body in pieces whose delivery is booked when the last one is taken.
fn booked(
    body: Bytes,
    shared: Arc<Shared>,
    delivery: Delivery,
) -> impl stream::Stream<Item = Result<Bytes, Infallible>> {
    const PIECE: usize = 64 * 1024;
    stream::unfold((body, Some((shared, delivery))), |(mut body, booking)| async move {
        let (shared, delivery) = booking?;
        let piece = body.split_to(body.len().min(PIECE));
        if !body.is_empty() {
            return Some((Ok(piece), (body, Some((shared, delivery)))));
        }
        let mut emulator = shared.emulator();
        emulator.delivered(&delivery);
        if let Err(error) = shared.keep(&emulator) {
            tracing::error!("{error}");
        }
        drop(emulator);
        Some((Ok(piece), (body, None)))
    })
}

fn problem(status: StatusCode, text: &str) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::from(format!("{text}\n")));
    *response.status_mut() = status;
    response
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Writes a file so that a reader sees either the old text or the new one.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

async fn asked_to_end() {
    let interrupt = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!("interrupts cannot be heard: {error}");
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        let terminate = async {
            match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                Ok(mut signal) => {
                    signal.recv().await;
                }
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! { () = interrupt => {}, () = terminate => {} }
    }
    #[cfg(not(unix))]
    interrupt.await;
}
