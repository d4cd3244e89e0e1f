//! Ctrl-C and termination: the first ends a run in good order, the second ends the process.

use super::tell;
use std::future::Future;

/// Exit code of a run that the user called off.
pub(super) const INTERRUPTED: u8 = 130;

/// Resolves at the first Ctrl-C or termination; the second ends the process at once.
pub(super) fn interrupted() -> impl Future<Output = ()> {
    let (first, stop) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        signal().await;
        tell(
            "interrupted: nothing more is submitted; tasks are on record (again to end at once)\n",
        );
        let _ = first.send(());
        signal().await;
        std::process::exit(i32::from(INTERRUPTED));
    });
    async {
        if stop.await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = async |kind| match signal(kind) {
        Ok(mut stream) => {
            stream.recv().await;
        }
        Err(_) => std::future::pending().await,
    };
    tokio::select! {
        () = wait(SignalKind::interrupt()) => {}
        () = wait(SignalKind::terminate()) => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
