//! Claims and what became of them, as objects: `work/<storyboard>/<scene>/<request>/<n>/claim.json`, and beside each claim
//! one object for each thing that was told of it.

use super::store::{Store, StoreError};
use crate::ports::{Claim, Claimed, Download, News, SharedCache};
use crate::record::{Intent, Slot};
use crate::remote::printable;
use crate::storyboard::StepKind;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What is told of a claim, from what says least to what says most.
const WORDS: &[&str] = &["unknown", "forgotten", "submitted", "failed", "done"];
/// So many submissions of one request are not made by anybody; where there are more, something goes in circles.
const MOST: u32 = 1000;

/// A shared cache as one run of one machine sees it.
pub struct Exchange {
    store: Store,
    /// Who that is, for people on other machines.
    holder: String,
}

impl Exchange {
    /// The cache as used by `holder`.
    pub fn new(store: Store, holder: String) -> Self {
        Self { store, holder }
    }

    async fn claim_one(&self, claim: Claim) -> Result<Claimed, StoreError> {
        let subject = subject(&claim);
        let document = json!({
            "by": claim.by,
            "holder": self.holder,
            "at_ms": jiff::Timestamp::now().as_millisecond(),
            "work": claim.document,
        });
        // Whoever is faster takes a number, and then it is looked again.
        for _ in 0..MOST {
            let told = numbers(&self.store.list(&subject).await?);
            let mut next = 1;
            while let Some(words) = told.get(&next) {
                let place = format!("{subject}/{next}");
                if let Some(claimed) = self.standing(&claim, &place, words).await? {
                    return Ok(claimed);
                }
                next += 1;
            }
            let place = format!("{subject}/{next}");
            if self.store.create(&format!("{place}/claim.json"), &document).await? {
                return Ok(Claimed::Ours { place });
            }
        }
        Err(self.store.problem("holds too many submissions of one request"))
    }

    /// Whether a task is that of another claim of the same request than the one at `place`.
    ///
    /// # Errors
    /// A cache that cannot be read.
    pub async fn is_of_another(&self, place: &str, task: &str) -> Result<bool, StoreError> {
        let Some((subject, own)) = place.rsplit_once('/') else { return Ok(false) };
        let told = numbers(&self.store.list(subject).await?);
        for (number, words) in told.iter().filter(|(number, _)| number.to_string() != own) {
            let news = self.latest(&format!("{subject}/{number}"), words).await?;
            if let News::Submitted { task_id } | News::Done { task_id, .. } = news
                && task_id.as_deref() == Some(task)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What an earlier claim of the same means for this one; `None` where it is none of its business.
    async fn standing(
        &self,
        claim: &Claim,
        place: &str,
        told: &BTreeSet<String>,
    ) -> Result<Option<Claimed>, StoreError> {
        if claim.known.contains(place) {
            return Ok(None);
        }
        let Some(first) = self.store.read(&format!("{place}/claim.json")).await? else {
            return Ok(None);
        };
        let by = first["by"].as_str().unwrap_or_default();
        if by == claim.by {
            // It was created, and the answer that said so got lost.
            return Ok(Some(Claimed::Ours { place: place.to_owned() }));
        }
        if claim.known.contains(by) {
            return Ok(None);
        }
        let is_over = match self.latest(place, told).await? {
            News::Forgotten => true,
            News::Failed { failure, .. } => failure.class.may_repeat(),
            News::Submitted { task_id } | News::Done { task_id, .. } => task_id
                .is_some_and(|task| claim.known.contains(&task) || claim.tasks.contains(&task)),
            News::Nothing | News::Unknown { .. } => false,
        };
        if is_over {
            return Ok(None);
        }
        let holder = first["holder"].as_str().unwrap_or("another machine");
        Ok(Some(Claimed::Theirs {
            place: place.to_owned(),
            holder: printable(holder, 200),
            since_ms: first["at_ms"].as_i64().unwrap_or_default(),
        }))
    }

    /// The most that was told of a claim.
    async fn latest(&self, place: &str, told: &BTreeSet<String>) -> Result<News, StoreError> {
        let Some(word) = WORDS.iter().rev().find(|word| told.contains(**word)) else {
            return Ok(News::Nothing);
        };
        let document = self.store.read(&format!("{place}/{word}.json")).await?;
        // What cannot be read may be of a newer storyreel, or half a lie: something was sent, and nobody knows what.
        let news = document.and_then(|document| serde_json::from_value::<News>(document).ok());
        Ok(news.filter(|news| word_of(news) == Some(word)).unwrap_or(News::Nothing))
    }

    async fn hear_one(&self, place: &str) -> Result<News, StoreError> {
        let names = self.store.list(place).await?;
        let told = names.iter().filter_map(|name| name.strip_suffix(".json"));
        self.latest(place, &told.map(str::to_owned).collect()).await
    }

    async fn tell_one(&self, place: &str, news: &News) -> Result<(), StoreError> {
        let Some(word) = word_of(news) else { return Ok(()) };
        let document = serde_json::to_value(news).unwrap_or_default();
        self.store.create(&format!("{place}/{word}.json"), &document).await.map(|_| ())
    }
}

/// What a claim says of the work that it is for.
pub fn work_of(
    slot: &Slot,
    number: u32,
    ask: &Value,
    steps: &[StepKind],
    intent: &Intent,
) -> Value {
    json!({
        "slot": slot, "take": number, "ask": ask, "steps": steps,
        "step": intent.step, "kind": intent.kind, "model_id": intent.model_id, "provider": intent.provider,
        "family": intent.family, "operation": intent.operation, "upgrade": intent.upgrade,
        "endpoint": intent.endpoint, "fingerprint": intent.fingerprint, "request": *intent.request,
        "bound": *intent.bound, "reserved": intent.reserved,
    })
}

/// Where claims of what is asked for lie.
fn subject(claim: &Claim) -> String {
    let slot = &claim.slot;
    let board = if slot.storyboard.is_empty() { "main" } else { &slot.storyboard };
    let mut board = escaped(board);
    if !slot.variant.is_empty() {
        board = format!("{board}~{}", escaped(&slot.variant));
    }
    let request = claim.fingerprint.trim_start_matches("sha256:");
    format!("work/{board}/{}/{}", escaped(&slot.scene), request.get(..32).unwrap_or(request))
}

/// A text as one part of a name.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' => character.to_string(),
            other => format!("={:x}=", u32::from(other)),
        })
        .collect()
}

/// What was told of each number: `3/claim.json`, `3/done.json`.
fn numbers(names: &[String]) -> BTreeMap<u32, BTreeSet<String>> {
    let mut told: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    for name in names {
        if let Some((number, word)) = name.split_once('/')
            && let (Ok(number), Some(word)) = (number.parse(), word.strip_suffix(".json"))
        {
            told.entry(number).or_default().insert(word.to_owned());
        }
    }
    told
}

/// The name of what is told.
fn word_of(news: &News) -> Option<&'static str> {
    match news {
        News::Nothing => None,
        News::Unknown { .. } => Some("unknown"),
        News::Forgotten => Some("forgotten"),
        News::Submitted { .. } => Some("submitted"),
        News::Failed { .. } => Some("failed"),
        News::Done { .. } => Some("done"),
    }
}

fn words(error: StoreError) -> String {
    error.to_string()
}

impl SharedCache for Exchange {
    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Claimed, String>> {
        async move { self.claim_one(claim).await.map_err(words) }.boxed()
    }

    fn hear<'a>(&'a self, place: &'a str) -> BoxFuture<'a, Result<News, String>> {
        async move { self.hear_one(place).await.map_err(words) }.boxed()
    }

    fn tell<'a>(&'a self, place: &'a str, news: News) -> BoxFuture<'a, Result<(), String>> {
        async move { self.tell_one(place, &news).await.map_err(words) }.boxed()
    }

    fn keep_clip<'a>(
        &'a self,
        sha256: &'a str,
        file: &'a Path,
    ) -> BoxFuture<'a, Result<(), String>> {
        async move { self.store.keep_clip(sha256, file).await.map_err(words) }.boxed()
    }

    fn clip<'a>(&'a self, sha256: &'a str) -> BoxFuture<'a, Result<Option<Download>, String>> {
        async move {
            let found = self.store.clip(sha256).await.map_err(words)?;
            Ok(found.map(|clip| Download {
                status: 200,
                length: Some(clip.length),
                chunks: clip.chunks,
            }))
        }
        .boxed()
    }
}
