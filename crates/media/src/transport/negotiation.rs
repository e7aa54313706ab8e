//! Offers and answers of one connection.

use std::panic::{AssertUnwindSafe, catch_unwind};

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, Reliability};
use str0m::media::{Direction, MediaKind, Mid};
use str0m::{Candidate, Rtc};

use super::Transport;
use crate::env::Env;

/// A description that cannot be taken.
#[derive(Debug, thiserror::Error)]
#[error("session description refused: {0}")]
pub(crate) struct Refused(String);

/// A media section to add to the next offer.
pub(crate) struct NewMedia {
    pub kind: MediaKind,
    pub stream_id: String,
    pub track_id: String,
}

impl Transport {
    /// Takes a client's offer; the answer to send back.
    pub fn accept_offer(&mut self, env: &mut Env, sdp: &str) -> Result<String, Refused> {
        let answer = self.negotiating(|rtc| {
            let offer = SdpOffer::from_sdp_string(sdp).map_err(|e| e.to_string())?;
            let answer = rtc.sdp_api().accept_offer(offer).map_err(|e| e.to_string())?;
            Ok(answer.to_sdp_string())
        })?;
        self.sync_fragment(env);
        Ok(answer)
    }

    /// Takes a client's answer to the offer with this id. An answer to an
    /// older offer changes nothing and is `Ok(false)`. Id 0: the client does
    /// not number its answers.
    pub fn accept_answer(&mut self, env: &mut Env, id: u32, sdp: &str) -> Result<bool, Refused> {
        if id != 0 && id != self.offer_id {
            return Ok(false);
        }
        let Some(pending) = self.pending.take() else {
            return Ok(false);
        };
        self.negotiating(|rtc| {
            let answer = SdpAnswer::from_sdp_string(sdp).map_err(|e| e.to_string())?;
            rtc.sdp_api().accept_answer(pending, answer).map_err(|e| e.to_string())
        })?;
        self.sync_fragment(env);
        Ok(true)
    }

    fn negotiating<T>(&mut self, run: impl FnOnce(&mut Rtc) -> Result<T, String>) -> Result<T, Refused> {
        match catch_unwind(AssertUnwindSafe(|| run(&mut self.rtc))) {
            Ok(result) => result.map_err(Refused),
            Err(_) => {
                self.broken = true;
                self.rtc.disconnect();
                Err(Refused("the parser gave up".to_owned()))
            }
        }
    }

    fn sync_fragment(&mut self, env: &mut Env) {
        let creds = self.rtc.direct_api().local_ice_credentials();
        env.demux.set_fragment(&creds.ufrag, self.key);
    }

    pub fn offer_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// The first offer: the two data channels. Returns its id and text.
    pub fn offer_channels(&mut self) -> Option<(u32, String)> {
        let mut api = self.rtc.sdp_api();
        let reliable = api.add_channel_with_config(ChannelConfig {
            label: "_reliable".to_owned(),
            ordered: true,
            ..Default::default()
        });
        let lossy = api.add_channel_with_config(ChannelConfig {
            label: "_lossy".to_owned(),
            ordered: false,
            reliability: Reliability::MaxRetransmits { retransmits: 0 },
            ..Default::default()
        });
        let (offer, pending) = api.apply()?;
        (self.reliable, self.lossy) = (Some(reliable), Some(lossy));
        Some(self.offered(offer, pending))
    }

    /// An offer that adds and stops media sections and may restart ICE. The
    /// new sections' ids come in the order of `add`. `None`: nothing to offer.
    pub fn offer_media(
        &mut self,
        env: &mut Env,
        add: Vec<NewMedia>,
        stop: &[Mid],
        restart: bool,
    ) -> Option<(u32, String, Vec<Mid>)> {
        let mut api = self.rtc.sdp_api();
        if restart {
            let creds = api.ice_restart(true);
            env.demux.add_fragment(&creds.ufrag, self.key);
        }
        for mid in stop {
            api.stop_media(*mid);
        }
        let mids = add
            .into_iter()
            .map(|media| {
                api.add_media(
                    media.kind,
                    Direction::SendOnly,
                    Some(media.stream_id),
                    Some(media.track_id),
                    None,
                )
            })
            .collect();
        let (offer, pending) = api.apply()?;
        let (id, sdp) = self.offered(offer, pending);
        Some((id, sdp, mids))
    }

    fn offered(&mut self, offer: SdpOffer, pending: SdpPendingOffer) -> (u32, String) {
        self.offer_id += 1;
        self.pending = Some(pending);
        (self.offer_id, offer.to_sdp_string())
    }

    pub fn add_remote_candidate(&mut self, candidate: &str) {
        if self.candidates_left == 0 || self.broken {
            return;
        }
        self.candidates_left -= 1;
        // Names instead of addresses (mDNS) do not parse; the checks
        // themselves will tell the address.
        if let Ok(candidate) = Candidate::from_sdp_string(candidate) {
            self.rtc.add_remote_candidate(candidate);
        }
    }
}
