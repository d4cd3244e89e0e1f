//! Questions about the provider's models, one after the other and never faster than it allows.

use super::backoff::{Backoff, BackoffPolicy, Next};
use super::driver::{joined, worded};
use super::printable;
use crate::catalog::{Discovery, Provider};
use crate::ports::{Call, CallBody, Clock, Purpose, SendError, Transport};
use reqwest::Url;
use serde_json::Value;
use std::time::Duration;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a question that came to nothing is asked again, and for how long.
pub const PATIENT: BackoffPolicy = BackoffPolicy {
    first: Duration::from_secs(2),
    longest: Duration::from_secs(10),
    tries: 3,
    total: Duration::from_secs(60),
};

/// Asks. One for a whole run, so that the spacing holds over all questions.
pub struct Questions<'a> {
    transport: &'a dyn Transport,
    clock: &'a dyn Clock,
    provider: &'a Provider,
    discovery: &'a Discovery,
    base: &'a str,
    policy: BackoffPolicy,
    /// When the last question left, or was answered, in Unix milliseconds.
    asked_ms: Option<i64>,
    calls: u32,
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The key was refused.
    #[error("the provider refuses the key: {0}")]
    Key(String),
    /// The provider was not reached, however often it was tried.
    #[error("the provider was not reached: {0}")]
    Network(String),
    /// It was reached and kept saying that it cannot answer now.
    #[error("the provider cannot answer now: {0}")]
    Busy(String),
    /// It does not know the model.
    #[error("the provider does not know the model: {0}")]
    Unknown(String),
    /// It answered something that is no answer.
    #[error("the provider's answer is none: {0}")]
    Unclear(String),
}

impl<'a> Questions<'a> {
    /// Questions to the API at `base`. `asked_ms` is when this or an earlier process asked last.
    pub fn new(
        transport: &'a dyn Transport,
        clock: &'a dyn Clock,
        provider: &'a Provider,
        discovery: &'a Discovery,
        base: &'a str,
        asked_ms: Option<i64>,
    ) -> Self {
        Self { transport, clock, provider, discovery, base, policy: PATIENT, asked_ms, calls: 0 }
    }

    /// The same with other bounds for asking again.
    #[must_use]
    pub fn with_policy(mut self, policy: BackoffPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// How many calls left.
    pub fn calls(&self) -> u32 {
        self.calls
    }

    /// When the last call left, or was answered, in Unix milliseconds.
    pub fn asked_ms(&self) -> Option<i64> {
        self.asked_ms
    }

    /// The list of models, as the provider sends it.
    ///
    /// # Errors
    /// [`NoAnswer`], also for a list that says itself that it is not whole.
    pub async fn list(&mut self) -> Result<Value, NoAnswer> {
        let json = self.ask(&[]).await?;
        let discovery = self.discovery;
        let models = json.pointer(&discovery.models).cloned().unwrap_or_default();
        let here = models.as_array().map(Vec::len);
        let total = json.pointer(&discovery.total).and_then(Value::as_u64);
        match (here, total) {
            (None, _) => Err(NoAnswer::Unclear("it holds no list of models".into())),
            (Some(0), _) => Err(NoAnswer::Unclear("it lists no model at all".into())),
            (Some(here), Some(total)) if (here as u64) < total => {
                Err(NoAnswer::Unclear(format!("it lists {here} of {total} models")))
            }
            _ => Ok(models),
        }
    }

    /// The OpenAPI document of a model; null where there is none yet.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn schema(&mut self, id: &str) -> Result<Value, NoAnswer> {
        let mut below: Vec<&str> = id.split('/').collect();
        below.push(&self.discovery.schema);
        let json = self.ask(&below).await?;
        Ok(json.pointer(&self.discovery.document).cloned().unwrap_or_default())
    }

    /// Asks until there is an answer, or the bounds are used up.
    async fn ask(&mut self, below: &[&str]) -> Result<Value, NoAnswer> {
        let mut backoff = Backoff::default();
        loop {
            self.wait_for_turn().await;
            let outcome = self.once(below).await;
            // A question that was long on its way counts from its answer, or the next could arrive too soon after it.
            self.asked_ms = Some(self.clock.now_ms());
            let trouble = match outcome {
                Err(trouble @ (NoAnswer::Network(_) | NoAnswer::Busy(_))) => trouble,
                other => return other,
            };
            match backoff.failed(&self.policy, self.clock.now_ms(), self.clock.chance()) {
                Next::After(wait) => self.clock.sleep(wait).await,
                Next::Over => {
                    let bounds = self.policy.in_words();
                    return Err(match trouble {
                        NoAnswer::Network(why) => NoAnswer::Network(format!("{why} ({bounds})")),
                        NoAnswer::Busy(why) => NoAnswer::Busy(format!("{why} ({bounds})")),
                        other => other,
                    });
                }
            }
        }
    }

    /// Waits until the last question is long enough ago. A clock that was set back costs one spacing at most.
    async fn wait_for_turn(&mut self) {
        let spacing =
            Duration::try_from_secs_f64(self.discovery.spacing_seconds).unwrap_or_default();
        if let Some(asked_ms) = self.asked_ms {
            let since = self.clock.now_ms().saturating_sub(asked_ms);
            let since = Duration::from_millis(u64::try_from(since).unwrap_or(0));
            let wait = spacing.saturating_sub(since);
            if !wait.is_zero() {
                self.clock.sleep(wait).await;
            }
        }
        self.asked_ms = Some(self.clock.now_ms());
        self.calls += 1;
    }

    async fn once(&self, below: &[&str]) -> Result<Value, NoAnswer> {
        let base = joined(self.base, &self.discovery.path);
        let mut url = Url::parse(&base)
            .map_err(|error| NoAnswer::Unclear(format!("`{base}` cannot be called: {error}")))?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(below);
        }
        let call = Call {
            purpose: Purpose::Read,
            method: "GET".into(),
            url: url.to_string(),
            body: CallBody::Empty,
            timeout: PATIENCE,
        };
        let answer = self.transport.send(call).await.map_err(|error| match error {
            SendError::Never(message) => NoAnswer::Unclear(printable(&message, 300)),
            other => NoAnswer::Network(printable(&other.to_string(), 300)),
        })?;
        let http = i64::from(answer.status);
        let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let envelope = &self.provider.envelope;
        let code = json.as_ref().and_then(|json| envelope.code_of(json));
        if let (200..300, Some(json)) = (answer.status, &json)
            && code.is_some_and(|code| envelope.ok.contains(&code))
        {
            return Ok(json.clone());
        }
        let message = json.as_ref().map(|json| envelope.message_of(json)).unwrap_or_default();
        let message = printable(&message, 300);
        // The code in the body is the real status, where there is one that is no success.
        let code = code.filter(|code| !envelope.ok.contains(code)).unwrap_or(http);
        let words = if json.is_some() {
            worded(&code.to_string(), &message)
        } else {
            format!("HTTP {http} without JSON")
        };
        let rules = &self.provider.read;
        Err(if rules.stop.key.contains(&code) {
            NoAnswer::Key(if message.is_empty() { words } else { message })
        } else if code == 404 {
            NoAnswer::Unknown(words)
        } else if rules.retry.contains(&code) || code >= 500 {
            NoAnswer::Busy(words)
        } else {
            NoAnswer::Unclear(words)
        })
    }
}
