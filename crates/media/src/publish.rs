//! A peer's own tracks: announced, negotiated, muted, withdrawn.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use livekit_protocol as lk;
use lk::request_response::{Reason, Request};
use lk::signal_response::Message as Response;
use str0m::media::{MediaKind, Mid};

use crate::call::Call;
use crate::env::Env;
use crate::event::LeftReason;
use crate::ids::{PeerKey, Side, TrackKey, TransportKey};
use crate::layers::Layers;
use crate::limits;
use crate::red;
use crate::sdp::{self, Section};
use crate::transport::{Incoming, Transport};
use crate::wire;

pub(crate) struct Track {
    pub key: TrackKey,
    /// The client's own id of the track, as in `a=msid`.
    pub cid: String,
    pub info: lk::TrackInfo,
    /// The section that carries it, once negotiated.
    pub mid: Option<Mid>,
    /// Negotiated, and known to the others.
    pub live: bool,
    pub subscribers: Arc<Vec<PeerKey>>,
    pub layers: Layers,
    /// Muted by somebody else: nothing of it goes on until its own client
    /// unmutes.
    pub silenced: bool,
    /// Smoothed loudness, 0 to 1.
    pub level: f32,
    /// The best layer the publisher was told to send; -1 is none at all.
    pub told: Option<i8>,
    /// Since when less than that is wanted.
    pub lower_since: Option<Instant>,
    /// The last packets that somebody who waits for a keyframe could not use.
    pub early: VecDeque<Incoming>,
}

impl Track {
    pub fn kind(&self) -> MediaKind {
        if self.info.r#type == lk::TrackType::Audio as i32 { MediaKind::Audio } else { MediaKind::Video }
    }

    pub fn is_video(&self) -> bool {
        self.kind() == MediaKind::Video
    }

    /// A picture that changes all the time; a shared screen may stand still.
    pub fn is_moving(&self) -> bool {
        self.is_video() && self.info.source != lk::TrackSource::ScreenShare as i32
    }

    pub fn remove_subscriber(&mut self, peer: PeerKey) {
        let left = self.subscribers.iter().copied().filter(|k| *k != peer);
        self.subscribers = Arc::new(left.collect());
    }
}

impl Call {
    pub fn add_track(&mut self, env: &mut Env, key: PeerKey, request: lk::AddTrackRequest) {
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        let sent_before = peer.tracks.iter().find(|track| track.cid == request.cid);
        if let Some(track) = sent_before {
            // A repeated wish gets the same answer.
            let (cid, track) = (request.cid, Some(track.info.clone()));
            let published = lk::TrackPublishedResponse { cid, track };
            return self.tell(env, key, Response::TrackPublished(published));
        }
        let refusal = if !peer.grants.may_publish(request.source) {
            Some((Reason::NotAllowed, "may not publish this source"))
        } else if peer.tracks.len() >= limits::TRACKS {
            Some((Reason::LimitExceeded, "too many tracks"))
        } else if !acceptable(&request) {
            Some((Reason::InvalidRequest, "invalid track"))
        } else {
            None
        };
        if let Some((reason, message)) = refusal {
            env.counters.requests_refused += 1;
            let request = Some(Request::AddTrack(request));
            return self.tell(env, key, wire::refused(0, reason, message, request));
        }
        let info = track_info(env.fresh_sid("TR"), &request);
        let track = Track {
            key: TrackKey(env.fresh_key()),
            cid: request.cid.clone(),
            info: info.clone(),
            mid: None,
            live: false,
            subscribers: Arc::default(),
            layers: Layers::default(),
            silenced: false,
            level: 0.0,
            told: None,
            lower_since: None,
            early: VecDeque::new(),
        };
        peer.tracks.push(track);
        let published = lk::TrackPublishedResponse { cid: request.cid.clone(), track: Some(info) };
        // An offer with this track may have come first.
        let waiting = peer.offered.get(&request.cid).copied();
        self.tell(env, key, Response::TrackPublished(published));
        if let Some(mid) = waiting {
            self.go_live(env, key, vec![(request.cid, mid)]);
        }
    }

    /// A client's offer for the connection it sends on.
    pub fn publisher_offer(&mut self, env: &mut Env, key: PeerKey, offer: lk::SessionDescription) {
        let transport_key = TransportKey { call: self.key, peer: key, side: Side::Publisher };
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        if !sdp::within_limits(&offer.sdp) {
            return self.expel_broken(env, key);
        }
        let single = peer.client.single;
        let transport = if single {
            &mut peer.subscriber
        } else {
            peer.publisher.get_or_insert_with(|| Transport::new(env, transport_key))
        };
        let answer = match transport.accept_offer(env, &offer.sdp) {
            Ok(answer) => answer,
            Err(error) => {
                tracing::debug!(sid = %peer.sid, %error, "publisher offer");
                return self.expel_broken(env, key);
            }
        };
        let sections = sdp::media_sections(&offer.sdp);
        let (fresh, gone) = match_sections(&peer.tracks, &sections);
        let answer = red::last_choice(&answer, &without_red(&peer.tracks, &sections));
        peer.offered = sections
            .iter()
            .filter(|section| section.sends)
            .filter_map(|section| Some((section.track.clone()?, section.mid)))
            .collect();
        let mut mid_to_track_id: HashMap<String, String> = peer
            .tracks
            .iter()
            .filter_map(|track| {
                let mid =
                    fresh.iter().find(|(cid, _)| *cid == track.cid).map(|(_, mid)| *mid).or(track.mid)?;
                Some((mid.to_string(), track.info.sid.clone()))
            })
            .collect();
        let (names, opened) =
            if single { self.fill_slots(key, &sections) } else { (HashMap::new(), Vec::new()) };
        let received =
            names.iter().filter_map(|(mid, name)| Some((mid.to_string(), name.as_ref()?.1.clone())));
        mid_to_track_id.extend(received);
        self.tell(
            env,
            key,
            Response::Answer(lk::SessionDescription {
                r#type: "answer".to_owned(),
                sdp: sdp::name_sections(&answer, &sections, &names),
                // JS drops an answer whose id is not that of its last offer.
                id: offer.id,
                mid_to_track_id,
            }),
        );
        self.touch(key, Side::Publisher);
        for track in gone {
            self.unpublish(env, key, track);
        }
        self.go_live(env, key, fresh);
        if !opened.is_empty() {
            self.share_line(env, key);
        }
        for track in opened {
            self.request_keyframe_for(env, key, track);
        }
        if single {
            self.ask_for_offer(env, key);
        }
    }

    fn expel_broken(&mut self, env: &mut Env, key: PeerKey) {
        env.counters.requests_refused += 1;
        self.expel(
            env,
            key,
            LeftReason::Misbehaved,
            lk::DisconnectReason::StateMismatch,
            lk::leave_request::Action::Reconnect,
        );
    }

    /// These tracks are negotiated now: tell everybody, and let them receive.
    fn go_live(&mut self, env: &mut Env, key: PeerKey, fresh: Vec<(String, Mid)>) {
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        let mut tracks = Vec::new();
        for (cid, mid) in fresh {
            if let Some(track) = peer.tracks.iter_mut().find(|track| track.cid == cid) {
                track.mid = Some(mid);
                track.info.mid = mid.to_string();
                track.live = true;
                tracks.push(track.key);
            }
        }
        if tracks.is_empty() {
            return;
        }
        self.announce(env, key);
        for other in self.others(key) {
            for track in &tracks {
                self.auto_subscribe(env, other, key, *track);
            }
            self.negotiate(env, other, false);
        }
        for track in tracks {
            self.tell_wanted_layers(env, key, track, true);
        }
    }

    /// Withdraws a track, by its publisher's wish.
    pub fn unpublish(&mut self, env: &mut Env, key: PeerKey, track: TrackKey) {
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        let Some(index) = peer.tracks.iter().position(|t| t.key == track) else {
            return;
        };
        let track = peer.tracks.remove(index);
        let unpublished = lk::TrackUnpublishedResponse { track_sid: track.info.sid };
        self.tell(env, key, Response::TrackUnpublished(unpublished));
        self.announce(env, key);
        for subscriber in track.subscribers.iter() {
            self.end_subscription(env, *subscriber, track.key);
        }
    }

    pub fn mute(&mut self, env: &mut Env, key: PeerKey, request: &lk::MuteTrackRequest) {
        let Some(track) = self.peers.get_mut(&key).and_then(|peer| peer.track_by_sid(&request.sid)) else {
            return;
        };
        track.info.muted = request.muted;
        track.level = 0.0;
        let unmuted_video = (!request.muted && track.is_video()).then_some(track.key);
        let heard_again = (!request.muted && std::mem::take(&mut track.silenced)).then_some(track.key);
        if let Some(track) = heard_again {
            self.begin_anew(key, track);
        }
        self.announce(env, key);
        if let Some(track) = unmuted_video {
            self.request_keyframes(env, key, track);
        }
    }

    /// What went nowhere in the meantime is no loss: receivers go on with the
    /// next packet.
    fn begin_anew(&mut self, key: PeerKey, track: TrackKey) {
        for peer in self.peers.values_mut().filter(|peer| peer.key != key) {
            if let Some(subscription) = peer.subscriptions.get_mut(&track) {
                subscription.layer = None;
            }
        }
    }

    pub fn update_track(
        &mut self,
        env: &mut Env,
        key: PeerKey,
        sid: &str,
        change: impl FnOnce(&mut lk::TrackInfo),
    ) {
        if let Some(track) = self.peers.get_mut(&key).and_then(|peer| peer.track_by_sid(sid)) {
            change(&mut track.info);
            self.announce(env, key);
        }
    }
}

/// Sections whose tracks are to be sent without redundancy.
fn without_red(tracks: &[Track], sections: &[Section]) -> Vec<Mid> {
    let wished = |cid: &String| tracks.iter().any(|track| track.cid == *cid && track.info.disable_red);
    sections
        .iter()
        .filter(|section| section.kind == MediaKind::Audio && section.track.as_ref().is_some_and(wished))
        .map(|section| section.mid)
        .collect()
}

/// Tracks that an offer brings to life, and tracks that it withdraws.
fn match_sections(tracks: &[Track], sections: &[Section]) -> (Vec<(String, Mid)>, Vec<TrackKey>) {
    let mut fresh = Vec::new();
    let mut gone = Vec::new();
    for section in sections {
        let named = section
            .track
            .as_ref()
            .filter(|_| section.sends)
            .and_then(|cid| tracks.iter().find(|track| track.cid == *cid));
        // A section that sends something else, or nothing, has lost its track.
        gone.extend(
            tracks
                .iter()
                .filter(|track| track.mid == Some(section.mid) && named.is_none_or(|n| n.key != track.key))
                .map(|track| track.key),
        );
        if let Some(track) = named
            && track.mid.is_none()
        {
            fresh.push((track.cid.clone(), section.mid));
        }
    }
    (fresh, gone)
}

fn acceptable(request: &lk::AddTrackRequest) -> bool {
    let known =
        request.r#type == lk::TrackType::Audio as i32 || request.r#type == lk::TrackType::Video as i32;
    let texts = [&request.cid, &request.name, &request.stream];
    known
        && !request.cid.is_empty()
        && texts.iter().all(|text| text.len() <= limits::TRACK_TEXT)
        && request.layers.len() <= limits::LAYERS
        && request.simulcast_codecs.len() <= limits::LAYERS
        && request.audio_features.len() <= 16
}

/// `audio/opus`, `video/VP8`, `video/H264`: what the client asks for first.
fn mime_type(request: &lk::AddTrackRequest) -> String {
    let codec =
        request.simulcast_codecs.first().map(|codec| codec.codec.to_ascii_lowercase()).unwrap_or_default();
    let mime = if request.r#type == lk::TrackType::Audio as i32 {
        "audio/opus"
    } else {
        let named = |name: &str| codec.ends_with(name);
        match () {
            () if named("h264") => "video/H264",
            () if named("vp9") => "video/VP9",
            () if named("av1") => "video/AV1",
            () => "video/VP8",
        }
    };
    mime.to_owned()
}

/// Whether all layers come in one stream (scalable coding), as browsers do it
/// with VP9 and AV1: it is forwarded whole.
fn one_stream(request: &lk::AddTrackRequest, mime_type: &str) -> bool {
    let mode = lk::video_layer::Mode::MultipleSpatialLayersPerStream as i32;
    let scalable = matches!(mime_type, "video/VP9" | "video/AV1");
    match request.simulcast_codecs.first().map(|codec| codec.video_layer_mode) {
        Some(told) if told != lk::video_layer::Mode::Unused as i32 => told == mode,
        _ => scalable,
    }
}

#[expect(deprecated, reason = "clients in the field read the old fields")]
fn track_info(sid: String, request: &lk::AddTrackRequest) -> lk::TrackInfo {
    let mime_type = mime_type(request);
    lk::TrackInfo {
        sid,
        r#type: request.r#type,
        name: request.name.clone(),
        muted: request.muted,
        width: request.width,
        height: request.height,
        simulcast: request.layers.len() > 1 && !one_stream(request, &mime_type),
        source: request.source,
        layers: request.layers.clone(),
        mime_type: mime_type.clone(),
        disable_red: request.disable_red,
        stereo: request.stereo,
        disable_dtx: request.disable_dtx,
        stream: request.stream.clone(),
        encryption: request.encryption,
        audio_features: request.audio_features.clone(),
        codecs: vec![lk::SimulcastCodecInfo {
            mime_type,
            cid: request.cid.clone(),
            layers: request.layers.clone(),
            ..Default::default()
        }],
        ..Default::default()
    }
}
