//! The few things that are asked of a place for objects, on top of the `object_store` crate.

use super::address::Address;
use crate::digest::Hasher;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3Builder;
use object_store::buffered::BufWriter;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{
    BackoffConfig, ClientOptions, GetResultPayload, ObjectStore, ObjectStoreExt as _, PutMode,
    PutOptions, PutPayload, RetryConfig,
};
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// The object that says what the place is.
const MARKER: &str = "storyreel.json";
/// Documents are small; a stranger's is not read further than this.
const MAX_DOCUMENT: u64 = 4 * 1024 * 1024;
/// What of a clip is in memory at once.
const PIECE: usize = 8 * 1024 * 1024;
/// How many objects are asked for at once.
const AT_ONCE: usize = 32;

/// A shared cache that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the shared cache `{place}` {problem}")]
pub struct StoreError {
    /// Its address.
    pub place: String,
    /// What is wrong, in words that follow its name.
    pub problem: String,
}

/// A place for objects.
#[derive(Debug, Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    prefix: Key,
    shown: String,
}

/// The bytes of a clip.
pub struct Clip {
    /// How many they are.
    pub length: u64,
    /// They themselves.
    pub chunks: BoxStream<'static, Result<Bytes, String>>,
}

impl Store {
    /// Opens a place to read there. `None`: a folder that does not exist yet, so that there is nothing.
    ///
    /// # Errors
    /// An address that cannot be used, such as a bucket without a region.
    pub fn look_into(address: &Address) -> Result<Option<Self>, StoreError> {
        match address {
            Address::Folder(folder) if !folder.is_dir() => Ok(None),
            _ => Self::open(address).map(Some),
        }
    }

    fn open(address: &Address) -> Result<Self, StoreError> {
        let shown = address.to_string();
        let unusable = |error: object_store::Error| StoreError {
            place: shown.clone(),
            problem: format!("cannot be used: {}", brief(&error)),
        };
        let (objects, prefix): (Arc<dyn ObjectStore>, Key) = match address {
            Address::Folder(folder) => {
                let store = LocalFileSystem::new_with_prefix(folder).map_err(unusable)?;
                // A claim that a power cut takes back would be made twice.
                (Arc::new(store.with_fsync(true)), Key::default())
            }
            Address::S3(url) => {
                let endpoint = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]
                    .iter()
                    .find_map(|name| std::env::var(name).ok());
                let plain = endpoint.is_some_and(|url| url.starts_with("http://"));
                let store = AmazonS3Builder::from_env()
                    .with_url(url.as_str())
                    .with_client_options(client().with_allow_http(plain))
                    .with_retry(patience())
                    .build()
                    .map_err(unusable)?;
                (Arc::new(store), prefix_of(url.path()))
            }
            Address::Gcs(url) => {
                let store = GoogleCloudStorageBuilder::from_env()
                    .with_url(url.as_str())
                    .with_client_options(client())
                    .with_retry(patience())
                    .build()
                    .map_err(unusable)?;
                (Arc::new(store), prefix_of(url.path()))
            }
        };
        Ok(Self { objects, prefix, shown })
    }

    /// Opens a place to write there, and makes sure that it can be trusted to create an object only once. Gives its own id
    /// with it, which tells it from any other place.
    ///
    /// # Errors
    /// A place that cannot be written, that lets a second one create what is there already, or that a newer storyreel uses.
    pub async fn enter(address: &Address) -> Result<(Self, String), StoreError> {
        if let Address::Folder(folder) = address {
            std::fs::create_dir_all(folder).map_err(|error| StoreError {
                place: address.to_string(),
                problem: format!("cannot be made: {error}"),
            })?;
        }
        let store = Self::open(address)?;
        let marker = json!({"storyreel": 1, "id": new_id()});
        if store.create(MARKER, &marker).await? && store.create(MARKER, &marker).await? {
            return Err(store.problem(
                "lets an object be created that is there already, so it cannot keep two machines from paying twice",
            ));
        }
        let marker = store.read(MARKER).await?.unwrap_or_default();
        match (marker["storyreel"].as_u64(), marker["id"].as_str()) {
            (Some(1), Some(id)) => Ok((store.clone(), id.to_owned())),
            (Some(newer), _) => Err(store.problem(&format!(
                "has version {newer}, and this storyreel knows version 1; upgrade storyreel"
            ))),
            _ => Err(store.problem(&format!("holds a `{MARKER}` that is not ours"))),
        }
    }

    /// Its address.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    fn key(&self, name: &str) -> Key {
        name.split('/').fold(self.prefix.clone(), |key, part| key.join(part))
    }

    /// Creates a document; false where there is one already.
    pub async fn create(&self, name: &str, document: &Value) -> Result<bool, StoreError> {
        let payload = PutPayload::from(document.to_string());
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.objects.put_opts(&self.key(name), payload, options).await {
            Ok(_) => Ok(true),
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. },
            ) => Ok(false),
            Err(error) => Err(self.failed("cannot be written", &error)),
        }
    }

    /// A document; `None` where there is none, null where it is no JSON.
    pub async fn read(&self, name: &str) -> Result<Option<Value>, StoreError> {
        let cannot = |error: &object_store::Error| self.failed("cannot be read", error);
        let found = match self.objects.get(&self.key(name)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(cannot(&error)),
        };
        if found.meta.size > MAX_DOCUMENT {
            return Ok(Some(Value::Null));
        }
        let bytes = found.bytes().await.map_err(|error| cannot(&error))?;
        Ok(Some(serde_json::from_slice(&bytes).unwrap_or_default()))
    }

    /// The names under a name, without what it begins with.
    pub async fn list(&self, under: &str) -> Result<Vec<String>, StoreError> {
        let root = self.key(under);
        let mut names = Vec::new();
        let mut found = self.objects.list(Some(&root));
        while let Some(object) = found.next().await {
            let object = object.map_err(|error| self.failed("cannot be listed", &error))?;
            if let Some(parts) = object.location.prefix_match(&root) {
                names
                    .push(parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/"));
            }
        }
        Ok(names)
    }

    /// Which of these clips are there.
    pub async fn clips_among(&self, digests: Vec<String>) -> Result<Vec<String>, StoreError> {
        let looked = futures::stream::iter(digests)
            .map(
                |sha256| async move { self.has_clip(&sha256).await.map(|is| is.then_some(sha256)) },
            )
            .buffer_unordered(AT_ONCE);
        looked.try_filter_map(|found| async move { Ok(found) }).try_collect().await
    }

    async fn has_clip(&self, sha256: &str) -> Result<bool, StoreError> {
        match self.objects.head(&self.clip_key(sha256)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.failed("cannot be read", &error)),
        }
    }

    fn clip_key(&self, sha256: &str) -> Key {
        let hex = sha256.trim_start_matches("sha256:");
        self.key("clips/sha256").join(hex)
    }

    /// Keeps a clip, unless it is there already. A file that is not what its digest says is not kept.
    pub async fn keep_clip(&self, sha256: &str, file: &Path) -> Result<(), StoreError> {
        if self.has_clip(sha256).await? {
            return Ok(());
        }
        let unreadable = |error: std::io::Error| StoreError {
            place: self.shown.clone(),
            problem: format!("cannot get `{}`: {error}", file.display()),
        };
        let mut from = tokio::fs::File::open(file).await.map_err(unreadable)?;
        let mut writer =
            BufWriter::with_capacity(Arc::clone(&self.objects), self.clip_key(sha256), PIECE);
        let mut hasher = Hasher::default();
        let mut piece = vec![0; 256 * 1024];
        loop {
            let count = from.read(&mut piece).await.map_err(unreadable)?;
            if count == 0 {
                break;
            }
            hasher.update(&piece[..count]);
            if let Err(error) = writer.write_all(&piece[..count]).await {
                drop(writer.abort().await);
                return Err(self.problem(&format!("cannot be written: {error}")));
            }
        }
        if hasher.finish() != sha256 {
            drop(writer.abort().await);
            return Err(self.problem(&format!(
                "gets no `{}`: its content is not what it was",
                file.display()
            )));
        }
        let done = writer.shutdown().await;
        done.map_err(|error| self.problem(&format!("cannot be written: {error}")))
    }

    /// The bytes of a clip; `None` where it is not there. They are a stranger's until their digest was checked.
    pub async fn clip(&self, sha256: &str) -> Result<Option<Clip>, StoreError> {
        match self.objects.get(&self.clip_key(sha256)).await {
            Ok(found) => {
                let length = found.meta.size;
                let chunks = match found.payload {
                    GetResultPayload::File(file, _) => pieces_of(file).boxed(),
                    GetResultPayload::Stream(chunks) => {
                        chunks.map_err(|error| brief(&error)).boxed()
                    }
                };
                Ok(Some(Clip { length, chunks }))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("cannot be read", &error)),
        }
    }

    pub(super) fn problem(&self, problem: &str) -> StoreError {
        StoreError { place: self.shown.clone(), problem: problem.to_owned() }
    }

    fn failed(&self, what: &str, error: &object_store::Error) -> StoreError {
        self.problem(&format!("{what}: {}", brief(error)))
    }
}

/// A file's bytes in large pieces, each read where it keeps nobody waiting.
fn pieces_of(file: std::fs::File) -> impl Stream<Item = Result<Bytes, String>> + Send {
    const READ: usize = 256 * 1024;
    futures::stream::try_unfold(file, |mut file| async move {
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = Vec::with_capacity(READ);
            let count = std::io::Read::take(&mut file, READ as u64).read_to_end(&mut piece)?;
            Ok::<_, std::io::Error>((count > 0).then(|| (Bytes::from(piece), file)))
        });
        let read = read.await.map_err(|error| error.to_string())?;
        read.map_err(|error| error.to_string())
    })
}

/// What went wrong at the bottom of it, on one line: what lies above repeats addresses and settings.
fn brief(error: &object_store::Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    crate::remote::printable(&deepest.to_string(), 300)
}

fn prefix_of(path: &str) -> Key {
    path.split('/').filter(|part| !part.is_empty()).fold(Key::default(), |key, part| key.join(part))
}

fn client() -> ClientOptions {
    ClientOptions::new()
        .with_connect_timeout(Duration::from_secs(10))
        .with_timeout(Duration::from_secs(120))
}

/// Somebody waits, and nothing is sent before it is settled: half a minute is enough.
fn patience() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig { max_backoff: Duration::from_secs(5), ..BackoffConfig::default() },
        max_retries: 6,
        retry_timeout: Duration::from_secs(30),
    }
}

/// 128 bits that no other call has had, from the system's randomness behind the standard library's hashers.
pub(crate) fn new_id() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    let half = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", half(), half())
}
