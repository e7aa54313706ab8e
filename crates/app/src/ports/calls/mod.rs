//! The port to the calls: the media node inside this process, or a LiveKit
//! cluster. Both are entered by the same clients with a URL and a token, and
//! have one set of functions here.
//!
//! Which of them carries a visit's call is written on the visit by its first
//! join, and stays so: a server whose setting was changed has both, and calls
//! end where they began.

mod carrier;
pub mod embedded;
pub mod livekit;

use std::sync::Arc;

pub use carrier::{Carrier, Peer, Track};
pub use embedded::Embedded;
pub use livekit::{LiveKit, LiveKitSettings};

/// Stands for the node of a server that has no media URL of its own: people
/// reach it by whatever address they reach the API.
pub const THIS_SERVER: &str = "local";
/// Before a cluster's URL, where the row of a visit says who carries its call.
const CLUSTER: &str = "livekit:";

/// Why a call could not be asked for something.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// There is no such call, peer or track.
    #[error("there is no such call, peer or track")]
    NotThere,
    /// The key or the secret is not the cluster's.
    #[error("{0} does not know this key, or its secret is another")]
    Refused(String),
    /// It does not answer.
    #[error("{0} cannot be reached")]
    Unreachable(String),
    /// It cannot do that now, in its own words.
    #[error("{0}")]
    Failed(String),
}

/// All that carry calls for this process: the first one those that begin now,
/// the others what began there before.
#[derive(Clone, Default)]
pub struct Calls(Arc<[Carrier]>);

impl Calls {
    /// No calls at all.
    #[must_use]
    pub fn off() -> Self {
        Self::default()
    }

    /// These carriers; new calls begin at the first one.
    #[must_use]
    pub fn new(carriers: Vec<Carrier>) -> Self {
        Self(carriers.into())
    }

    /// The embedded node, when this process has one.
    #[must_use]
    pub fn embedded(&self) -> Option<&Embedded> {
        self.0.iter().find_map(|carrier| match carrier {
            Carrier::Embedded(node) => Some(node),
            Carrier::LiveKit(_) => None,
        })
    }

    /// The cluster, when one is configured.
    #[must_use]
    pub fn cluster(&self) -> Option<&LiveKit> {
        self.0.iter().find_map(|carrier| match carrier {
            Carrier::LiveKit(cluster) => Some(cluster),
            Carrier::Embedded(_) => None,
        })
    }

    /// What the row of a visit says whose call begins now: `own` is the media
    /// URL of this process, if it has one of its own. None: no calls here.
    #[must_use]
    pub fn begins_at(&self, own: Option<&str>) -> Option<String> {
        Some(match self.0.first()? {
            Carrier::Embedded(_) => own.unwrap_or(THIS_SERVER).to_owned(),
            Carrier::LiveKit(cluster) => cluster.node(),
        })
    }

    /// The carrier that the row of a visit names; none when it is the node of
    /// another process.
    ///
    /// # Errors
    /// [`Gone`] when it carries calls no more.
    pub fn at(&self, node: &str, own: Option<&str>) -> Result<Option<&Carrier>, Gone> {
        if node.starts_with(CLUSTER) {
            let is_it = |carrier: &&Carrier| matches!(carrier, Carrier::LiveKit(it) if it.node() == node);
            return self.0.iter().find(is_it).map(Some).ok_or(Gone);
        }
        if node != THIS_SERVER && own.is_none_or(|own| own != node) {
            return Ok(None);
        }
        let is_it = |carrier: &&Carrier| matches!(carrier, Carrier::Embedded(_));
        self.0.iter().find(is_it).map(Some).ok_or(Gone)
    }

    /// Ends a call that this process carries. One at a cluster is ended by the
    /// job of the same change.
    pub async fn end(&self, call: &str) {
        if let Some(embedded) = self.embedded() {
            embedded.node().end_call(call).await;
        }
    }

    /// Ends a call wherever it may be.
    ///
    /// # Errors
    /// The [`Fault`] of a cluster; ours has ended then.
    pub async fn end_everywhere(&self, call: &str) -> Result<(), Fault> {
        for carrier in self.0.iter() {
            carrier.end(call).await?;
        }
        Ok(())
    }

    /// Takes one person out of a call, wherever it is. Nothing happens when
    /// they are not there; a cluster that does not answer now is told when it
    /// is looked at next.
    pub async fn remove(&self, call: &str, identity: &str) {
        for carrier in self.0.iter() {
            if let Err(error) = carrier.remove(call, identity).await {
                tracing::warn!(%error, "somebody could not be taken out of a call yet");
            }
        }
    }

    /// The identities of those who are in a call that this process carries.
    pub async fn present(&self, call: &str) -> Vec<String> {
        let Some(embedded) = self.embedded() else { return Vec::new() };
        embedded.node().peers(call).await.into_iter().map(|peer| peer.identity).collect()
    }

    /// True when calls can be carried right now, as far as this process knows.
    #[must_use]
    pub fn is_up(&self) -> bool {
        match self.0.first() {
            None => false,
            Some(Carrier::Embedded(embedded)) => embedded.node().is_up(),
            Some(Carrier::LiveKit(_)) => true,
        }
    }

    /// Tells everybody in a call of this process to come back in a moment
    /// (shutdown).
    pub async fn drain(&self) {
        if let Some(embedded) = self.embedded() {
            embedded.node().drain().await;
        }
    }

    /// Stops carrying calls.
    pub async fn stop(&self) {
        if let Some(embedded) = self.embedded() {
            embedded.node().stop().await;
        }
    }
}

/// Whoever carried a call does so no more: a setting was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "wss://calls.example";

    fn cluster() -> Carrier {
        let settings =
            LiveKitSettings { url: URL.to_owned(), key: "key".to_owned(), secret: "secret".to_owned() };
        Carrier::LiveKit(LiveKit::new(&settings, 50).unwrap())
    }

    #[test]
    fn a_call_is_found_where_its_visit_says() {
        let calls = Calls::new(vec![cluster()]);
        assert_eq!(calls.begins_at(None).as_deref(), Some("livekit:wss://calls.example"));
        assert!(matches!(calls.at("livekit:wss://calls.example", None), Ok(Some(Carrier::LiveKit(_)))));
        // Another cluster, and our own node before it was switched off.
        for gone in ["livekit:wss://other.example", THIS_SERVER, "wss://me.example"] {
            assert_eq!(calls.at(gone, Some("wss://me.example")).err(), Some(Gone), "{gone}");
        }
        // The node of another process.
        assert!(matches!(calls.at("wss://node-2.example", Some("wss://me.example")), Ok(None)));
        assert!(matches!(calls.at("wss://node-2.example", None), Ok(None)));
        assert_eq!(Calls::off().begins_at(None), None);
        assert_eq!(Calls::off().at(THIS_SERVER, None).err(), Some(Gone));
    }
}
