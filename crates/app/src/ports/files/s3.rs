//! Contents in a bucket of any store that speaks S3. Small ones are put at
//! once, larger ones in parts of 5 MiB; either way a reader sees a content
//! whole or not at all.

use std::{fmt, ops::Range, sync::Arc, time::Duration};

use bedside_model::AccountId;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use object_store::{
    ClientOptions, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig, WriteMultipart,
    aws::AmazonS3Builder, path::Path,
};

use super::{Error, Place, Result};

/// The smallest part that S3 takes; also the most that waits in memory.
const PART: usize = 5 * 1024 * 1024;
/// How many parts of one upload travel at once.
const PARTS_AT_ONCE: usize = 2;
/// How long one request may take: a window or a part is small.
const REQUEST: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(5);
/// How long a request is tried again.
const TRY_FOR: Duration = Duration::from_secs(20);

/// Where the bucket is and who we are there.
#[derive(Clone, Default)]
pub struct S3Settings {
    /// The bucket.
    pub bucket: String,
    /// What stands in front of every name; empty for nothing.
    pub prefix: String,
    /// Origin of a store other than Amazon's; empty for Amazon's.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// Who we are there; empty: whatever role this machine has.
    pub access_key: String,
    /// Proves it.
    pub secret_key: String,
}

impl fmt::Debug for S3Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Settings").field("bucket", &self.bucket).finish_non_exhaustive()
    }
}

/// A bucket of contents.
#[derive(Clone)]
pub struct S3 {
    store: Arc<dyn ObjectStore>,
    prefix: String,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S3({})", self.store)
    }
}

impl S3 {
    /// A bucket; nothing is asked of it yet.
    ///
    /// # Errors
    /// [`Error::Broken`] for settings that cannot be.
    pub fn new(settings: &S3Settings) -> Result<Self> {
        let client = ClientOptions::new()
            .with_allow_http(settings.endpoint.starts_with("http://"))
            .with_connect_timeout(CONNECT)
            .with_timeout(REQUEST);
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&settings.bucket)
            .with_region(if settings.region.is_empty() { "us-east-1" } else { &settings.region })
            .with_client_options(client)
            .with_retry(RetryConfig { max_retries: 3, retry_timeout: TRY_FOR, ..RetryConfig::default() });
        if !settings.endpoint.is_empty() {
            builder = builder.with_endpoint(&settings.endpoint);
        }
        if !settings.access_key.is_empty() {
            builder =
                builder.with_access_key_id(&settings.access_key).with_secret_access_key(&settings.secret_key);
        }
        let store = builder.build().map_err(|error| Error::Broken(error.into()))?;
        Ok(Self { store: Arc::new(store), prefix: settings.prefix.trim_matches('/').to_owned() })
    }

    fn path(&self, name: &str) -> Path {
        Path::from(format!("{}/{name}", self.prefix))
    }

    pub(super) fn create(&self, place: &Place) -> Writer {
        let path = self.path(&place.to_string());
        Writer { store: self.store.clone(), path, held: Vec::new(), held_length: 0, parts: None }
    }

    pub(super) async fn length(&self, place: &Place) -> Result<u64> {
        let found = self.store.head(&self.path(&place.to_string())).await.map_err(failed)?;
        Ok(found.size)
    }

    pub(super) async fn read(&self, place: &Place, range: Range<u64>) -> Result<Bytes> {
        let length = range.end.saturating_sub(range.start);
        let bytes = self.store.get_range(&self.path(&place.to_string()), range).await.map_err(failed)?;
        // A store may give less than a range that goes beyond the end.
        if bytes.len() as u64 == length { Ok(bytes) } else { Err(Error::Missing) }
    }

    pub(super) async fn delete(&self, place: &Place) -> Result<()> {
        match self.store.delete(&self.path(&place.to_string())).await.map_err(failed) {
            Err(Error::Missing) => Ok(()),
            done => done,
        }
    }

    pub(super) async fn delete_account(&self, account: &AccountId) -> Result<()> {
        let all = self.store.list(Some(&self.path(account.as_str())));
        let names = all.map_ok(|found| found.location).boxed();
        self.store.delete_stream(names).try_for_each(async |_| Ok(())).await.map_err(failed)
    }
}

/// Content that is being written into a bucket: held back while it is small,
/// then sent in parts.
#[derive(Debug)]
pub struct Writer {
    store: Arc<dyn ObjectStore>,
    path: Path,
    held: Vec<Bytes>,
    held_length: usize,
    parts: Option<WriteMultipart>,
}

impl Writer {
    pub(super) async fn write(&mut self, piece: Bytes) -> Result<()> {
        if self.parts.is_none() {
            self.held_length += piece.len();
            self.held.push(piece);
            if self.held_length < PART {
                return Ok(());
            }
            let upload = self.store.put_multipart(&self.path).await.map_err(failed)?;
            let mut parts = WriteMultipart::new_with_chunk_size(upload, PART);
            self.held.drain(..).for_each(|piece| parts.put(piece));
            self.parts = Some(parts);
            return Ok(());
        }
        if let Some(parts) = &mut self.parts {
            parts.wait_for_capacity(PARTS_AT_ONCE).await.map_err(failed)?;
            parts.put(piece);
        }
        Ok(())
    }

    pub(super) async fn finish(mut self) -> Result<()> {
        match self.parts.take() {
            // Takes its parts back when one of them fails.
            Some(parts) => parts.finish().await.map(drop).map_err(failed),
            None => {
                let content: PutPayload = std::mem::take(&mut self.held).into_iter().collect();
                self.store.put(&self.path, content).await.map(drop).map_err(failed)
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Parts without an end are invisible, but cost money.
        if let Some(parts) = self.parts.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move {
                if let Err(error) = parts.abort().await {
                    tracing::warn!(%error, "the parts of an upload could not be taken back");
                }
            });
        }
    }
}

fn failed(error: object_store::Error) -> Error {
    match error {
        object_store::Error::NotFound { .. } => Error::Missing,
        other => {
            // The caller is only told to try again; the operator needs to know why.
            tracing::warn!(error = %other, "the bucket of files does not work");
            Error::Unreachable(other.into())
        }
    }
}
