//! Data packets between peers: chat, RPC, text and byte streams are all only
//! packets here. The sender's name is set by this node, whatever it claims.

use bytes::Bytes;
use livekit_protocol as lk;
use lk::data_packet::Value;
use prost::Message as _;

use crate::call::Call;
use crate::env::Env;
use crate::event::LeftReason;
use crate::ids::PeerKey;
use crate::limits;
use crate::transport::Channel;

impl Call {
    pub fn on_data(&mut self, env: &mut Env, key: PeerKey, channel: Channel, bytes: &[u8]) {
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        let limit = match channel {
            Channel::Reliable => limits::RELIABLE_PACKET,
            Channel::Lossy => limits::LOSSY_PACKET,
        };
        if !peer.grants.can_publish_data || bytes.len() > limit {
            env.counters.requests_refused += 1;
            return;
        }
        if !peer.data.take(env.now, bytes.len() as f64) {
            env.counters.requests_refused += 1;
            // Dropping part of a reliable stream would break it silently.
            if channel == Channel::Reliable {
                self.expel(
                    env,
                    key,
                    LeftReason::Misbehaved,
                    lk::DisconnectReason::ParticipantRemoved,
                    lk::leave_request::Action::Disconnect,
                );
            }
            return;
        }
        let Ok(mut packet) = lk::DataPacket::decode(bytes) else {
            env.counters.requests_refused += 1;
            return;
        };
        if channel == Channel::Reliable && packet.sequence > 0 {
            if packet.sequence <= peer.last_reliable {
                // Sent again after a resume, and had arrived before it.
                return;
            }
            peer.last_reliable = packet.sequence;
        }
        env.counters.data_packets += 1;
        let receivers = address(&mut packet, &peer.identity, &peer.sid);
        self.deliver(env, self.others(key), channel, &packet.encode_to_vec().into(), &receivers);
    }

    /// Brings a packet to those of these peers whom it is for: all of them
    /// when it names nobody.
    pub fn deliver(
        &mut self,
        env: &mut Env,
        among: Vec<PeerKey>,
        channel: Channel,
        bytes: &Bytes,
        receivers: &[String],
    ) {
        for key in among {
            let Some(peer) = self.peers.get_mut(&key) else {
                continue;
            };
            if !receivers.is_empty() && !receivers.contains(&peer.identity) {
                continue;
            }
            if peer.subscriber.send_data(channel, bytes) {
                self.touch_subscriber(key);
            } else {
                // Too far behind for "reliable": begin again.
                self.expel(
                    env,
                    key,
                    LeftReason::Misbehaved,
                    lk::DisconnectReason::StateMismatch,
                    lk::leave_request::Action::Reconnect,
                );
            }
        }
    }
}

/// Writes the true sender into a packet and takes the receivers out of it.
#[expect(deprecated, reason = "clients in the field use the old fields")]
fn address(packet: &mut lk::DataPacket, identity: &str, sid: &str) -> Vec<String> {
    packet.participant_identity = identity.to_owned();
    packet.participant_sid = sid.to_owned();
    let mut receivers = std::mem::take(&mut packet.destination_identities);
    if let Some(Value::User(user)) = &mut packet.value {
        user.participant_identity = identity.to_owned();
        user.participant_sid = sid.to_owned();
        let old = std::mem::take(&mut user.destination_identities);
        if receivers.is_empty() {
            receivers = old;
        }
    }
    receivers
}
