//! Refusing in the middle of a body. A server that answers and hangs up while
//! the client still sends makes the client's system throw the answer away. So
//! the answer goes out at once, and what still comes is read for a while and
//! forgotten.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use futures_util::{Stream, StreamExt, future, stream};

/// How long the rest of a refused body is read at most, and how long nothing
/// may come of it.
const LONGEST: Duration = Duration::from_secs(30);
const STALL: Duration = Duration::from_secs(1);

/// A body that is being read, by its handler first and then, perhaps, by the
/// answer that refuses it.
#[derive(Clone)]
pub struct Arriving(Arc<Mutex<Option<BodyDataStream>>>);

impl fmt::Debug for Arriving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Arriving")
    }
}

impl Arriving {
    /// A body from its beginning.
    pub fn new(body: Body) -> Self {
        let whole = body.is_end_stream();
        Self(Arc::new(Mutex::new((!whole).then(|| body.into_data_stream()))))
    }

    /// The next piece.
    pub fn poll_piece(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, axum::Error>>> {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(rest) = body.as_mut() else { return Poll::Ready(None) };
        let piece = rest.poll_next_unpin(cx);
        if matches!(piece, Poll::Ready(None | Some(Err(_)))) {
            *body = None;
        }
        piece
    }

    /// Has all of it come, or will no more come?
    pub fn has_ended(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// An answer that ends only when the rest was read and forgotten.
    pub fn answered(self, answer: String) -> Body {
        let first = stream::once(future::ready(Ok::<_, std::convert::Infallible>(Bytes::from(answer))));
        Body::from_stream(first.chain(self.forgotten()))
    }

    fn forgotten<E>(self) -> impl Stream<Item = Result<Bytes, E>> {
        let rest = async move {
            let next = || future::poll_fn(|cx| self.poll_piece(cx));
            while let Ok(Some(Ok(_))) = tokio::time::timeout(STALL, next()).await {}
        };
        stream::once(tokio::time::timeout(LONGEST, rest)).filter_map(|_| future::ready(None))
    }
}
