//! One port for HTTPS and for the relay of calls: after the handshake the first
//! bytes tell which of the two a client wants. Networks that let nothing out
//! but HTTPS so let out calls as well.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum_server::{
    accept::{Accept, NoDelayAcceptor},
    tls_rustls::RustlsAcceptor,
};
use bedside_media::{Node, begins_like_turn};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};

/// A client that does not say what it wants for this long is closed.
const FIRST_BYTES: Duration = Duration::from_secs(20);

/// Takes TLS connections and keeps those of the relay's clients.
#[derive(Clone)]
pub(super) struct Split {
    tls: RustlsAcceptor<NoDelayAcceptor>,
    node: Option<Node>,
}

impl Split {
    pub fn new(tls: RustlsAcceptor<NoDelayAcceptor>, node: Option<Node>) -> Self {
        Self { tls, node }
    }
}

type Tls<S> = <RustlsAcceptor<NoDelayAcceptor> as Accept<TcpStream, S>>::Stream;
type TlsService<S> = <RustlsAcceptor<NoDelayAcceptor> as Accept<TcpStream, S>>::Service;

impl<S: Send + 'static> Accept<TcpStream, S> for Split {
    type Stream = Rewound<Tls<S>>;
    type Service = TlsService<S>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let client = stream.peer_addr();
        let tls = self.tls.accept(stream, service);
        let node = self.node.clone();
        Box::pin(async move {
            let (stream, service) = tls.await?;
            let stream = match node {
                Some(node) => sort(stream, client?, node).await?,
                None => Rewound::whole(stream),
            };
            Ok((stream, service))
        })
    }
}

/// Gives an HTTP client back as it came; one of the relay's is an error here,
/// since it is served already.
async fn sort<T>(mut stream: T, client: SocketAddr, node: Node) -> io::Result<Rewound<T>>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut first, mut length) = ([0; 8], 0);
    // A request line shows itself by its first byte.
    while length < first.len() && (length == 0 || first[0] <= 1) {
        match timeout(FIRST_BYTES, stream.read(&mut first[length..])).await {
            Ok(Ok(more @ 1..)) => length += more,
            Ok(Ok(0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
    let rewound = Rewound { first, length, read: 0, stream };
    if length < first.len() || !begins_like_turn(&first) {
        return Ok(rewound);
    }
    tokio::spawn(async move { node.relay(client, rewound).await });
    Err(io::Error::other("a client of the relay"))
}

/// A stream whose first bytes were looked at.
pub(super) struct Rewound<T> {
    first: [u8; 8],
    length: usize,
    read: usize,
    stream: T,
}

impl<T> Rewound<T> {
    fn whole(stream: T) -> Self {
        Self { first: [0; 8], length: 0, read: 0, stream }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Rewound<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read < self.length {
            let fits = buf.remaining().min(self.length - self.read);
            buf.put_slice(&self.first[self.read..self.read + fits]);
            self.read += fits;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Rewound<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
