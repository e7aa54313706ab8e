//! Clients with one connection for both ways (`/rtc/v1`). The client makes all
//! offers; its sections that it only receives on are slots, which this node
//! gives to tracks and takes back. A slot keeps its stream's numbers: the
//! client's decoder sees one stream go on, whoever's track it is.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use livekit_protocol as lk;
use lk::signal_response::Message as Response;
use str0m::media::{MediaKind, Mid};

use crate::call::Call;
use crate::env::Env;
use crate::ids::{PeerKey, TrackKey};
use crate::limits;
use crate::rewrite::Rewriter;
use crate::sdp;
use crate::subscribe::Section;

/// How long a client has for an offer before it is asked again: at first, at
/// most. A slow line must not be asked ever more.
const ASK_AGAIN: Duration = Duration::from_millis(500);
const LONGEST_ASK: Duration = Duration::from_secs(8);
/// Slots that a client may have: its own sections have to fit into the same
/// description ([`crate::limits::SDP_SECTIONS`]).
const MOST_SLOTS: usize = limits::SDP_SECTIONS - 8;

/// What a client was asked for and has not offered yet. Clients add whatever
/// they are asked for to what they were asked for before: the same must not be
/// asked for twice.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    at: Instant,
    wait: Duration,
    audios: usize,
    videos: usize,
    /// It was asked again: what the next offer does not have was forgotten.
    again: bool,
}

impl Asked {
    fn new(now: Instant) -> Self {
        Self { at: now, wait: ASK_AGAIN, audios: 0, videos: 0, again: false }
    }

    fn add(&mut self, now: Instant, audios: usize, videos: usize) {
        self.at = now;
        self.audios += audios;
        self.videos += videos;
    }

    /// Is it time to ask again? If so, that counts as done.
    fn is_late(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.at) < self.wait {
            return false;
        }
        (self.at, self.wait, self.again) = (now, (self.wait * 2).min(LONGEST_ASK), true);
        true
    }

    /// An offer came, with so many new sections.
    fn offered(&mut self, audios: usize, videos: usize) {
        let forgotten = std::mem::take(&mut self.again);
        let left = |asked: usize, came| if forgotten { 0 } else { asked.saturating_sub(came) };
        (self.audios, self.videos) = (left(self.audios, audios), left(self.videos, videos));
    }
}

/// A section on which a client of one connection receives.
pub(crate) struct Slot {
    kind: MediaKind,
    track: Option<TrackKey>,
    /// The numbers of what it carried last, while it is free.
    rewriter: Option<Rewriter>,
    /// The client believes that it still carries what it carried last. It must
    /// hear first that it carries nothing: clients take note of a track when
    /// their section begins to receive, not when its name changes.
    stale: bool,
}

impl Slot {
    fn is_free(&self, kind: MediaKind) -> bool {
        self.kind == kind && self.track.is_none() && !self.stale
    }
}

/// The slots of one client, by section.
#[derive(Default)]
pub(crate) struct Slots(BTreeMap<Mid, Slot>);

impl Slots {
    /// Takes note of the sections of an offer. Returns how many of sound and of
    /// pictures are new.
    fn note(&mut self, sections: &[sdp::Section]) -> (usize, usize) {
        let (mut audios, mut videos) = (0, 0);
        for section in sections.iter().filter(|section| section.receive_only) {
            let kind = section.kind;
            self.0.entry(section.mid).or_insert_with(|| {
                *(if kind == MediaKind::Audio { &mut audios } else { &mut videos }) += 1;
                Slot { kind, track: None, rewriter: None, stale: false }
            });
        }
        (audios, videos)
    }

    fn take(&mut self, kind: MediaKind, track: TrackKey) -> Option<(Mid, Option<Rewriter>)> {
        let (mid, slot) = self.0.iter_mut().find(|(_, slot)| slot.is_free(kind))?;
        slot.track = Some(track);
        Some((*mid, slot.rewriter.take()))
    }

    /// The section is free again once the client knows, and goes on with these
    /// numbers.
    pub fn release(&mut self, mid: Mid, rewriter: Rewriter) {
        if let Some(slot) = self.0.get_mut(&mid) {
            slot.track = None;
            slot.rewriter = Some(rewriter);
            slot.stale = true;
        }
    }

    fn free(&self, kind: MediaKind) -> usize {
        self.0.values().filter(|slot| slot.is_free(kind)).count()
    }
}

/// What each section of a client's offer carries: stream and track of whoever
/// is heard or seen there, or nothing.
type Filled = HashMap<Mid, Option<(String, String)>>;

impl Call {
    /// Asks a client of one connection to offer: with sections for what it
    /// has none for yet, and for which none were asked yet.
    pub fn ask_for_offer(&mut self, env: &mut Env, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        let waiting = |kind| {
            let lacking =
                peer.subscriptions.values().filter(|s| s.section == Section::Waiting && s.kind == kind);
            lacking.count()
        };
        let (audios, videos) = (waiting(MediaKind::Audio), waiting(MediaKind::Video));
        if audios + videos == 0 && peer.stops.is_empty() {
            return;
        }
        let asked = peer.asked.get_or_insert_with(|| Asked::new(env.now));
        let expected = asked.audios + asked.videos;
        let room = MOST_SLOTS.saturating_sub(peer.slots.0.len() + expected);
        let audios = audios.saturating_sub(peer.slots.free(MediaKind::Audio) + asked.audios).min(room);
        let videos =
            videos.saturating_sub(peer.slots.free(MediaKind::Video) + asked.videos).min(room - audios);
        if audios + videos == 0 && expected > 0 && peer.stops.is_empty() && !asked.again {
            // An offer is on its way.
            return;
        }
        peer.stops.clear();
        asked.add(env.now, audios, videos);
        let requirement =
            lk::MediaSectionsRequirement { num_audios: audios as u32, num_videos: videos as u32 };
        self.tell(env, key, Response::MediaSectionsRequirement(requirement));
    }

    /// Asks again whoever has not offered for a while: a client that was in the
    /// middle of an offer of its own may have forgotten that it was asked.
    pub fn ask_again(&mut self, env: &mut Env) {
        let mut late = Vec::new();
        for peer in self.peers.values_mut().filter(|peer| peer.client.single) {
            if peer.subscriptions.values().all(|s| s.section != Section::Waiting) {
                continue;
            }
            if peer.asked.as_mut().is_some_and(|asked| asked.is_late(env.now)) {
                late.push(peer.key);
            }
        }
        for key in late {
            self.ask_for_offer(env, key);
        }
    }

    /// Gives waiting subscriptions the free slots of an offer. Returns which
    /// of the sections carry what, as (stream id, track sid), and the tracks
    /// that may flow now.
    pub fn fill_slots(&mut self, key: PeerKey, sections: &[sdp::Section]) -> (Filled, Vec<TrackKey>) {
        let Some(peer) = self.peers.get_mut(&key) else {
            return (HashMap::new(), Vec::new());
        };
        peer.first_answer = true;
        let (audios, videos) = peer.slots.note(sections);
        if let Some(asked) = &mut peer.asked {
            asked.offered(audios, videos);
        }
        let mut opened = Vec::new();
        for (track, subscription) in &mut peer.subscriptions {
            if subscription.section != Section::Waiting {
                continue;
            }
            let Some((mid, rewriter)) = peer.slots.take(subscription.kind, *track) else {
                continue;
            };
            subscription.section = Section::Open(mid);
            if let Some(rewriter) = rewriter {
                subscription.rewriter = rewriter;
            }
            if subscription.kind == MediaKind::Video {
                peer.subscriber.allow_repeats(mid);
            }
            opened.push(*track);
        }
        // The answer says of each section what it carries.
        for slot in peer.slots.0.values_mut() {
            slot.stale = false;
        }
        let slots: Vec<_> = peer.slots.0.iter().map(|(mid, slot)| (*mid, slot.track)).collect();
        let names =
            slots.into_iter().map(|(mid, track)| (mid, track.and_then(|track| self.stream_name(key, track))));
        (names.collect(), opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_expected_until_it_comes() {
        let now = crate::some_instant();
        let mut asked = Asked::new(now);
        asked.add(now, 2, 1);
        // An offer that was on its way has nothing of it.
        asked.offered(0, 0);
        assert_eq!((asked.audios, asked.videos), (2, 1));
        asked.offered(1, 1);
        assert_eq!((asked.audios, asked.videos), (1, 0));
        asked.offered(5, 5);
        assert_eq!((asked.audios, asked.videos), (0, 0));
    }

    #[test]
    fn whoever_was_asked_again_and_offers_less_has_forgotten_the_rest() {
        let mut now = crate::some_instant();
        let mut asked = Asked::new(now);
        asked.add(now, 3, 3);
        assert!(!asked.is_late(now));
        now += ASK_AGAIN;
        assert!(asked.is_late(now) && !asked.is_late(now));
        asked.offered(1, 0);
        assert_eq!((asked.audios, asked.videos, asked.again), (0, 0, false));
    }

    #[test]
    fn a_slow_line_is_asked_ever_less_often() {
        let mut now = crate::some_instant();
        let mut asked = Asked::new(now);
        let end = now + Duration::from_secs(60);
        let mut count = 0;
        while now < end {
            now += Duration::from_millis(100);
            count += usize::from(asked.is_late(now));
        }
        assert!(count <= 11, "{count}");
    }
}
