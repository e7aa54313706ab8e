//! One that carries calls, and what can be asked of either.

use bedside_media::NotDone;
use livekit_protocol::{ParticipantInfo, TrackInfo, TrackType, UserPacket, participant_info};

use super::{Embedded, Fault, LiveKit};

/// Somebody in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Who.
    pub identity: String,
    /// The name of this connection; who comes again has another one.
    pub sid: String,
    /// The media connection is up.
    pub connected: bool,
    /// What they send.
    pub tracks: Vec<Track>,
}

/// Something that a peer sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// The call's name of it.
    pub sid: String,
    /// Picture or sound.
    pub is_video: bool,
    /// Switched off for now.
    pub muted: bool,
}

impl From<ParticipantInfo> for Peer {
    fn from(info: ParticipantInfo) -> Self {
        let track = |track: TrackInfo| Track {
            is_video: track.r#type == TrackType::Video as i32,
            sid: track.sid,
            muted: track.muted,
        };
        Self {
            connected: info.state == participant_info::State::Active as i32,
            tracks: info.tracks.into_iter().map(track).collect(),
            identity: info.identity,
            sid: info.sid,
        }
    }
}

/// One that carries calls.
#[derive(Clone)]
pub enum Carrier {
    /// The media node inside this process.
    Embedded(Embedded),
    /// A LiveKit cluster.
    LiveKit(LiveKit),
}

impl Carrier {
    /// Makes a call ready to be joined.
    ///
    /// # Errors
    /// A [`Fault`].
    pub async fn create(&self, call: &str) -> Result<(), Fault> {
        match self {
            // Its first join makes it.
            Self::Embedded(_) => Ok(()),
            Self::LiveKit(cluster) => cluster.create(call).await,
        }
    }

    /// Ends a call for everybody in it.
    ///
    /// # Errors
    /// A [`Fault`]; none when there is no such call.
    pub async fn end(&self, call: &str) -> Result<(), Fault> {
        match self {
            Self::Embedded(node) => {
                node.node().end_call(call).await;
                Ok(())
            }
            Self::LiveKit(cluster) => cluster.end(call).await,
        }
    }

    /// Takes one person out of a call; their client is told that they were
    /// removed and does not come back.
    ///
    /// # Errors
    /// A [`Fault`]; none when they are not there.
    pub async fn remove(&self, call: &str, identity: &str) -> Result<(), Fault> {
        match self {
            Self::Embedded(node) => {
                node.node().remove_peer(call, identity).await;
                Ok(())
            }
            Self::LiveKit(cluster) => cluster.remove(call, identity).await,
        }
    }

    /// Mutes one track of a person, or all their sound; how many tracks it
    /// was.
    ///
    /// # Errors
    /// [`Fault::NotThere`], another [`Fault`].
    pub async fn mute(&self, call: &str, identity: &str, track: Option<&str>) -> Result<usize, Fault> {
        match self {
            Self::Embedded(node) => {
                let muted = node.node().mute(call, identity, track.map(str::to_owned)).await;
                muted.map(|tracks| tracks.len()).map_err(refused)
            }
            Self::LiveKit(cluster) => {
                let sounding = match track {
                    Some(track) => vec![track.to_owned()],
                    None => cluster.sounding(call, identity).await?,
                };
                for track in &sounding {
                    cluster.mute(call, identity, track).await?;
                }
                Ok(sounding.len())
            }
        }
    }

    /// Who is in a call; nobody when there is no such call.
    ///
    /// # Errors
    /// A [`Fault`].
    pub async fn peers(&self, call: &str) -> Result<Vec<Peer>, Fault> {
        match self {
            Self::Embedded(node) => match node.node().participants(call).await {
                Ok(peers) => Ok(peers.into_iter().map(Peer::from).collect()),
                Err(NotDone::NotThere) => Ok(Vec::new()),
                Err(other) => Err(refused(other)),
            },
            Self::LiveKit(cluster) => cluster.peers(call).await,
        }
    }

    /// Sends a message of the house to some people in a call, or to all when
    /// none are named; reliably. Nothing happens when there is no such call: a
    /// cluster does not tell.
    ///
    /// # Errors
    /// A [`Fault`].
    pub async fn send(&self, call: &str, to: &[String], topic: &str, data: Vec<u8>) -> Result<(), Fault> {
        match self {
            Self::Embedded(node) => {
                let packet =
                    UserPacket { payload: data, topic: Some(topic.to_owned()), ..UserPacket::default() };
                match node.node().send_data(call, true, packet, to.to_vec()).await {
                    Err(NotDone::NotThere) => Ok(()),
                    sent => sent.map_err(refused),
                }
            }
            Self::LiveKit(cluster) => cluster.send(call, to, topic, data).await,
        }
    }
}

/// What the embedded node's refusal means to the caller.
fn refused(refusal: NotDone) -> Fault {
    match refusal {
        NotDone::NotThere => Fault::NotThere,
        other => Fault::Failed(other.to_string()),
    }
}
