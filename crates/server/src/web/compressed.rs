//! Compressed forms of the files that never change, made once each: the call
//! code is half a megabyte, and calls share this machine's processors.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Mutex, PoisonError},
};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, Request, Response, header},
};
use tokio::runtime::Handle;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::compression::CompressionLayer;

/// Encodings by preference.
const ENCODINGS: [&str; 2] = ["br", "gzip"];

/// Smaller files are sent as they are.
const WORTH_IT: usize = 1024;

/// The compressed forms made so far; bounded by the number of files.
#[derive(Default)]
pub(super) struct Compressed(Mutex<HashMap<(String, &'static str), Bytes>>);

impl Compressed {
    /// The file in the best encoding the browser takes, with that encoding's
    /// name; `None` when it takes none or the file is not worth it.
    pub async fn get(
        &self,
        path: &str,
        bytes: &[u8],
        kind: &str,
        request: &HeaderMap,
    ) -> Option<(&'static str, Bytes)> {
        let accepted = request.get(header::ACCEPT_ENCODING)?.to_str().ok()?;
        let takes = |wanted: &str| {
            accepted.split(',').any(|item| item.split(';').next().unwrap_or_default().trim() == wanted)
        };
        let encoding = ENCODINGS.into_iter().find(|encoding| takes(encoding))?;
        if bytes.len() < WORTH_IT || !is_compressible(kind) {
            return None;
        }
        let key = (path.to_owned(), encoding);
        let made = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(made) = made {
            return Some((encoding, made));
        }
        let (plain, runtime) = (bytes.to_vec(), Handle::current());
        let made =
            tokio::task::spawn_blocking(move || runtime.block_on(compress(plain, encoding))).await.ok()??;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, made.clone());
        Some((encoding, made))
    }
}

fn is_compressible(kind: &str) -> bool {
    ["text/", "application/json", "image/svg", "application/wasm"].iter().any(|start| kind.starts_with(start))
}

async fn compress(plain: Vec<u8>, encoding: &'static str) -> Option<Bytes> {
    let send = service_fn(move |_: Request<Body>| {
        let plain = plain.clone();
        async move { Ok::<_, Infallible>(Response::new(Body::from(plain))) }
    });
    let request = Request::builder().header(header::ACCEPT_ENCODING, encoding).body(Body::empty()).ok()?;
    let response = CompressionLayer::new().layer(send).oneshot(request).await.ok()?;
    to_bytes(Body::new(response.into_body()), usize::MAX).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_compressed_once_in_what_the_browser_takes() {
        let compressed = Compressed::default();
        let file = "let a = 1;\n".repeat(1000).into_bytes();
        let mut headers = HeaderMap::new();
        assert!(compressed.get("a.js", &file, "text/javascript", &headers).await.is_none());
        headers.insert(header::ACCEPT_ENCODING, "gzip, deflate, br;q=1.0".parse().expect("a header"));
        let (encoding, first) =
            compressed.get("a.js", &file, "text/javascript", &headers).await.expect("compressed");
        assert_eq!(encoding, "br");
        assert!(first.len() < 200);
        let (_, second) =
            compressed.get("a.js", &file, "text/javascript", &headers).await.expect("compressed");
        assert_eq!(first.as_ptr(), second.as_ptr(), "made once");
        assert!(compressed.get("a.png", &file, "image/png", &headers).await.is_none());
    }
}
