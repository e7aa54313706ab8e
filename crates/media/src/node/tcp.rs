//! Connectivity checks and media over TCP (RFC 6544): the client opens, this
//! side never does.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use str0m::net::Protocol;
use tokio::net::{TcpListener, TcpStream};

use super::addresses::AddressBook;
use super::routes::Router;
use super::stream::{self, Streams};
use crate::framing::Framing;

/// What a listener waits before it tries again when the system gives it no
/// more connections.
const PAUSE: Duration = Duration::from_millis(50);

/// Takes connections for ever; each is handed to `each`.
pub(super) async fn accept(listener: TcpListener, mut each: impl FnMut(TcpStream, SocketAddr)) {
    loop {
        match listener.accept().await {
            Ok((stream, client)) => {
                // Media do not wait for company.
                let _ = stream.set_nodelay(true);
                each(stream, client);
            }
            Err(error) if is_clients_fault(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no further connections for media");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn is_clients_fault(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}

/// Carries the packets of one client between its stream and the shards.
pub(super) async fn carry(
    stream: TcpStream,
    client: SocketAddr,
    streams: Streams<SocketAddr>,
    router: Router,
    book: AddressBook,
) {
    let Ok(local) = stream.local_addr() else {
        return;
    };
    let Some((_entry, outgoing)) = streams.add(client, client.ip()) else {
        return;
    };
    let to = SocketAddr::new(book.candidate_for(local.ip()).ip(), local.port());
    stream::carry(stream, Framing::Media, outgoing, |packet| {
        router.deliver(Protocol::Tcp, client, to, packet);
        true
    })
    .await;
}
