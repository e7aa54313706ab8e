//! The house's end of a signal connection.

use bytes::Bytes;
use tokio::sync::mpsc;

use super::worker::Command;
use crate::ids::SessionId;

/// The session has ended, by whichever side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signal session is over")]
pub struct SessionOver;

/// One client's signal connection. Dropping it tells the call that the
/// connection broke; the peer is then kept for a while for a resume.
pub struct Session {
    id: SessionId,
    commands: mpsc::Sender<Command>,
    closed: mpsc::UnboundedSender<SessionId>,
    responses: mpsc::Receiver<Bytes>,
}

impl Session {
    pub(super) fn new(
        id: SessionId,
        commands: mpsc::Sender<Command>,
        closed: mpsc::UnboundedSender<SessionId>,
        responses: mpsc::Receiver<Bytes>,
    ) -> Self {
        Self { id, commands, closed, responses }
    }

    /// Passes on the bytes of a client's `SignalRequest`; waits while the
    /// worker is busy.
    ///
    /// # Errors
    /// When the node has stopped.
    pub async fn send(&self, request: Bytes) -> Result<(), SessionOver> {
        let session = self.id;
        self.commands.send(Command::Request { session, request }).await.map_err(|_| SessionOver)
    }

    /// The next encoded `SignalResponse` for the client; `None` when the
    /// session is over and the connection is to be closed. Cancel-safe.
    pub async fn next(&mut self) -> Option<Bytes> {
        self.responses.recv().await
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Fails only when the worker has ended, and every session with it.
        let _ = self.closed.send(self.id);
    }
}
