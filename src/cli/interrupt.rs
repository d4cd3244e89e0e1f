//! Ctrl-C and termination: the first ends a run in good order, the second ends the process.
//!
//! A thread of its own listens, so that nothing a run is busy with, or stuck in, can keep the process from ending. That
//! is safe at any moment: whatever matters is on record before it is done, as for a process that is killed.

use super::tell;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::oneshot::{self, Sender};

/// Exit code of a run that the user called off.
pub(super) const INTERRUPTED: u8 = 130;

/// A run leaves two seconds after the first signal. When it cannot (a disk that hangs, a reader of its output that
/// does not read), it is left after so long.
const LONGEST_LEAVING: Duration = Duration::from_secs(3);

/// Whom the first signal is told; nobody while no run goes on.
type Listener = Arc<Mutex<Option<Sender<()>>>>;

/// The signals of this process, listened to from the moment this is made.
pub(super) struct Interrupts {
    listener: Listener,
}

impl Interrupts {
    /// Listens from now on. While no run goes on a signal ends the process at once.
    ///
    /// Where no thread can be had the system's own way remains: every signal ends the process at once.
    pub fn listen() -> Self {
        let listener = Listener::default();
        let told = Arc::clone(&listener);
        if let Ok((runtime, signals)) = signals() {
            let thread = std::thread::Builder::new().name("signals".to_owned());
            let _ = thread.spawn(move || watch(&runtime, signals, &told));
        }
        Self { listener }
    }

    /// A run begins: the first signal resolves this, and the second, or one long after, ends the process.
    pub fn run(&self) -> impl Future<Output = ()> + use<> {
        let (first, stop) = oneshot::channel();
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = Some(first);
        async {
            if stop.await.is_err() {
                std::future::pending::<()>().await;
            }
            tell(
                "interrupted: nothing more is submitted; tasks are on record (again to end at once)\n",
            );
        }
    }
}

fn watch(runtime: &Runtime, mut signals: Signals, listener: &Listener) {
    runtime.block_on(signals.next());
    let run = listener.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(run) = run
        && run.send(()).is_ok()
    {
        // Nothing is printed here: a standard error that nobody reads would stop this thread, too.
        let _ =
            runtime.block_on(async { tokio::time::timeout(LONGEST_LEAVING, signals.next()).await });
    }
    std::process::exit(i32::from(INTERRUPTED));
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

/// Signals, caught from now on, with what they are waited for in.
fn signals() -> std::io::Result<(Runtime, Signals)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    #[cfg(unix)]
    let signals = {
        use tokio::signal::unix::{SignalKind, signal};
        let _inside = runtime.enter();
        Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        }
    };
    #[cfg(not(unix))]
    let signals = Signals;
    Ok((runtime, signals))
}
