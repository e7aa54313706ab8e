//! The network test at a running node.

use super::Node;
use super::worker::Command;
use crate::probe::ProbeError;

/// The relay, as a client is told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayServers {
    pub urls: Vec<String>,
    pub username: String,
    pub credential: String,
}

impl Node {
    /// Begins a network test with a client's offer; the answer for it.
    ///
    /// # Errors
    /// When the offer is none, or too many tests run.
    pub async fn probe(&self, sdp: String) -> Result<String, ProbeError> {
        let answer = self.workers[0].ask(|reply| Command::Probe { sdp, reply }).await;
        answer.unwrap_or(Err(ProbeError::Busy))
    }

    /// Where the relay is, with credentials for a network test; empty when
    /// there is none.
    pub async fn probe_servers(&self) -> RelayServers {
        let servers = self.workers[0].ask(|reply| Command::ProbeServers { reply }).await;
        let first = servers.unwrap_or_default().into_iter().next();
        first.map_or_else(RelayServers::default, |server| RelayServers {
            urls: server.urls,
            username: server.username,
            credential: server.credential,
        })
    }
}
