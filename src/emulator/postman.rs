//! Sends callbacks: at most three tries each, to this machine and private networks only.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Url, redirect::Policy};
use tokio_util::sync::CancellationToken;

use super::callback::Callback;
use super::server::Shared;
use crate::remote::address::is_private;

/// How long the provider waits for an answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// It gives up after so many tries in a row.
const TRIES: u32 = 3;
/// Between two tries; the provider does not say how long it waits.
const BETWEEN: Duration = Duration::from_millis(200);
/// How often it is looked for tasks that have ended.
const ROUND: Duration = Duration::from_millis(50);

/// Sends callbacks until the emulator stops.
pub(super) async fn deliver(shared: Arc<Shared>, stop: CancellationToken) {
    let client = Client::builder().redirect(Policy::none()).no_proxy().timeout(PATIENCE).build();
    let Ok(client) = client else { return };
    while stop.run_until_cancelled(tokio::time::sleep(ROUND)).await.is_some() {
        for callback in shared.callbacks() {
            let (shared, client) = (Arc::clone(&shared), client.clone());
            tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
                let (tries, outcome) = send(&client, &shared, &callback).await;
                shared.note(&callback, tries, &outcome);
            }));
        }
    }
}

async fn send(client: &Client, shared: &Shared, callback: &Callback) -> (u32, String) {
    let Ok(url) = Url::parse(&callback.url) else { return (0, "not an address".to_owned()) };
    if !matches!(url.scheme(), "http" | "https") || !is_private(&url) {
        return (
            0,
            "not sent: the emulator posts to this machine and private networks only".to_owned(),
        );
    }
    let mut outcome = String::new();
    for number in 1..=TRIES {
        let mut request = client.post(url.clone()).json(&callback.body);
        if let Some(key) = shared.webhook_key() {
            for (name, value) in callback.signature(&key, jiff::Timestamp::now().as_second()) {
                request = request.header(name, value);
            }
        }
        outcome = match request.send().await {
            Ok(answer) if answer.status().as_u16() == 200 => {
                return (number, "received".to_owned());
            }
            Ok(answer) => format!("HTTP {}", answer.status().as_u16()),
            Err(_) => "no answer".to_owned(),
        };
        if number < TRIES {
            tokio::time::sleep(BETWEEN).await;
        }
    }
    (TRIES, outcome)
}
