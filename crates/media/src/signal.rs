//! Every message a client may send on its signal connection, in one table.
//! Grants and limits are checked where each message is acted on.

use livekit_protocol as lk;
use lk::request_response::{Reason, Request as Refusal};
use lk::signal_request::Message as Request;
use lk::signal_response::Message as Response;
use lk::simulate_scenario::Scenario;
use prost::Message as _;

use crate::call::Call;
use crate::env::Env;
use crate::event::LeftReason;
use crate::ids::{PeerKey, Side};
use crate::limits;
use crate::wire;

impl Call {
    /// Takes the bytes of a `SignalRequest`.
    pub fn request(&mut self, env: &mut Env, key: PeerKey, bytes: &[u8]) {
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        peer.last_signal = env.now;
        env.counters.requests += 1;
        let request = if bytes.len() <= limits::SIGNAL_MESSAGE {
            lk::SignalRequest::decode(bytes).ok().and_then(|r| r.message)
        } else {
            None
        };
        let cost = match &request {
            // Each covers a whole burst of them.
            Some(Request::Trickle(_)) => 0.5,
            Some(_) => 1.0,
            None => limits::BAD_MESSAGE_COST,
        };
        if !peer.requests.take(env.now, cost) {
            env.counters.requests_refused += 1;
            return self.expel(
                env,
                key,
                LeftReason::Misbehaved,
                lk::DisconnectReason::ParticipantRemoved,
                lk::leave_request::Action::Disconnect,
            );
        }
        match request {
            Some(request) => self.dispatch(env, key, request),
            None => env.counters.requests_refused += 1,
        }
    }

    fn dispatch(&mut self, env: &mut Env, key: PeerKey, request: Request) {
        match request {
            Request::Offer(offer) => self.publisher_offer(env, key, offer),
            Request::Answer(answer) => self.subscriber_answer(env, key, &answer),
            Request::Trickle(trickle) => self.trickle(key, &trickle),
            Request::AddTrack(track) => self.add_track(env, key, track),
            Request::Mute(mute) => self.mute(env, key, &mute),
            Request::Subscription(wish) => self.update_subscription(env, key, wish),
            Request::SubscriptionPermission(wish) => self.set_audience(env, key, wish),
            Request::TrackSetting(wish) => self.track_setting(env, key, &wish),
            Request::UpdateMetadata(update) => self.update_metadata(env, key, update),
            Request::UpdateAudioTrack(update) => {
                self.update_track(env, key, &update.track_sid, |info| {
                    info.audio_features = update.features.into_iter().take(16).collect();
                });
            }
            Request::UpdateVideoTrack(update) => {
                self.update_track(env, key, &update.track_sid, |info| {
                    (info.width, info.height) = (update.width, update.height);
                });
            }
            Request::Ping(sent) => {
                self.pings(key);
                self.tell(env, key, Response::Pong(sent));
            }
            Request::PingReq(ping) => {
                self.pings(key);
                let pong = lk::Pong { last_ping_timestamp: ping.timestamp, timestamp: env.unix_ms() };
                self.tell(env, key, Response::PongResp(pong));
            }
            Request::Leave(_) => {
                self.remove(env, key, LeftReason::Left, lk::DisconnectReason::ClientInitiated)
            }
            Request::Simulate(wish) => self.simulate(env, key, wish.scenario),
            Request::PublishDataTrackRequest(track) => {
                let refusal = Some(Refusal::PublishDataTrack(track));
                self.refuse(env, key, 0, Reason::UnsupportedType, refusal);
            }
            Request::StoreDataBlobRequest(lk::StoreDataBlobRequest { request_id, .. })
            | Request::GetDataBlobRequest(lk::GetDataBlobRequest { request_id, .. }) => {
                self.refuse(env, key, request_id, Reason::UnsupportedType, None);
            }
            // What a resuming client believes; this node remembers better.
            Request::SyncState(_) => {}
            // Old clients' hint that simulcast layers changed; packets tell.
            #[expect(deprecated, reason = "old clients send it")]
            Request::UpdateLayers(_) => {}
            Request::UnpublishDataTrackRequest(_) | Request::UpdateDataSubscription(_) => {}
        }
    }

    fn refuse(&self, env: &mut Env, key: PeerKey, request_id: u32, reason: Reason, request: Option<Refusal>) {
        env.counters.requests_refused += 1;
        let message = reason.as_str_name();
        self.tell(env, key, wire::refused(request_id, reason, message, request));
    }

    fn pings(&mut self, key: PeerKey) {
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.pings = true;
        }
    }

    fn trickle(&mut self, key: PeerKey, trickle: &lk::TrickleRequest) {
        #[derive(serde::Deserialize)]
        struct Init {
            candidate: String,
        }
        let Ok(init) = serde_json::from_str::<Init>(&trickle.candidate_init) else {
            return;
        };
        let side = if trickle.target == lk::SignalTarget::Publisher as i32 {
            Side::Publisher
        } else {
            Side::Subscriber
        };
        if let Some(transport) = self.peers.get_mut(&key).and_then(|p| p.transport(side)) {
            transport.add_remote_candidate(&init.candidate);
            self.touch(key, side);
        }
    }

    fn update_metadata(&mut self, env: &mut Env, key: PeerKey, update: lk::UpdateParticipantMetadata) {
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        let id = update.request_id;
        let refusal = if !peer.grants.can_update_own_metadata {
            Some(Reason::NotAllowed)
        } else if !peer.fits(&update.name, &update.metadata, &update.attributes) {
            Some(Reason::LimitExceeded)
        } else {
            None
        };
        if let Some(reason) = refusal {
            let request = Some(Refusal::UpdateMetadata(lk::UpdateParticipantMetadata {
                request_id: id,
                ..Default::default()
            }));
            return self.refuse(env, key, id, reason, request);
        }
        peer.rename(update.name, update.metadata, update.attributes);
        self.tell(env, key, wire::refused(id, Reason::Ok, "", None));
        self.announce(env, key);
    }

    /// Faults that a client asks for, to test itself. They harm nobody else.
    fn simulate(&mut self, env: &mut Env, key: PeerKey, scenario: Option<Scenario>) {
        if matches!(
            scenario,
            Some(
                Scenario::ServerLeave(_) | Scenario::NodeFailure(_) | Scenario::LeaveRequestFullReconnect(_)
            )
        ) {
            self.expel(
                env,
                key,
                LeftReason::Left,
                lk::DisconnectReason::UnknownReason,
                lk::leave_request::Action::Reconnect,
            );
        }
    }
}
