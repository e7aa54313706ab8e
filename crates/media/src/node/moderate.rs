//! What somebody with power over calls asks of the node; each worker does it
//! between two datagrams.

use std::time::Instant;

use livekit_protocol as lk;
use tokio::sync::oneshot;

use super::Node;
use super::worker::Command;
use crate::moderate::{NotDone, PeerChange};
use crate::shard::Shard;

impl Node {
    /// The calls of these names, all when there are none, as LiveKit's server
    /// API tells of them.
    pub async fn rooms(&self, names: Vec<String>) -> Vec<lk::Room> {
        let mut rooms = Vec::new();
        for worker in self.workers.iter() {
            let names = names.clone();
            let of_worker =
                worker.ask(|reply| run(reply, move |shard, _| shard.rooms(&names))).await.unwrap_or_default();
            rooms.extend(of_worker);
        }
        rooms
    }

    /// Everybody in a call, hidden ones too.
    ///
    /// # Errors
    /// When there is no such call.
    pub async fn participants(&self, call: &str) -> Result<Vec<lk::ParticipantInfo>, NotDone> {
        let name = call.to_owned();
        self.order(call, move |shard, _| shard.participants(&name).ok_or(NotDone::NotThere)).await
    }

    /// Mutes a track of a peer, or all its sound; the tracks that are muted.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn mute(
        &self,
        call: &str,
        identity: &str,
        sid: Option<String>,
    ) -> Result<Vec<lk::TrackInfo>, NotDone> {
        let (name, identity) = (call.to_owned(), identity.to_owned());
        self.order(call, move |shard, now| shard.mute(now, &name, &identity, sid.as_deref())).await
    }

    /// Changes a peer in mid-call; how it is afterwards.
    ///
    /// # Errors
    /// When it is not there, or the texts are too long.
    pub async fn change_peer(
        &self,
        call: &str,
        identity: &str,
        change: PeerChange,
    ) -> Result<lk::ParticipantInfo, NotDone> {
        let (name, identity) = (call.to_owned(), identity.to_owned());
        self.order(call, move |shard, now| shard.change_peer(now, &name, &identity, change)).await
    }

    /// Subscribes a peer to tracks, or ends that.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn subscribe_peer(
        &self,
        call: &str,
        identity: &str,
        wish: lk::UpdateSubscription,
    ) -> Result<(), NotDone> {
        let (name, identity) = (call.to_owned(), identity.to_owned());
        self.order(call, move |shard, now| shard.subscribe_peer(now, &name, &identity, wish)).await
    }

    /// Sends data of the house to these identities, or to everybody.
    ///
    /// # Errors
    /// When there is no such call, or the data are too large.
    pub async fn send_data(
        &self,
        call: &str,
        reliable: bool,
        packet: lk::UserPacket,
        receivers: Vec<String>,
    ) -> Result<(), NotDone> {
        let name = call.to_owned();
        self.order(call, move |shard, now| shard.send_data(now, &name, reliable, packet, &receivers)).await
    }

    /// Sets the text that hangs on the whole call.
    ///
    /// # Errors
    /// When there is no such call, or it is too long.
    pub async fn describe_call(&self, call: &str, text: String) -> Result<lk::Room, NotDone> {
        let name = call.to_owned();
        self.order(call, move |shard, now| shard.describe_call(now, &name, text)).await
    }

    async fn order<T: Send + 'static>(
        &self,
        call: &str,
        act: impl FnOnce(&mut Shard, Instant) -> Result<T, NotDone> + Send + 'static,
    ) -> Result<T, NotDone> {
        self.ask(call, |reply| run(reply, act)).await.unwrap_or(Err(NotDone::NotThere))
    }
}

fn run<T: Send + 'static>(
    reply: oneshot::Sender<T>,
    act: impl FnOnce(&mut Shard, Instant) -> T + Send + 'static,
) -> Command {
    Command::Run(Box::new(move |shard, now| drop(reply.send(act(shard, now)))))
}
