//! A subscriber's line shared out over what it wishes to see: sound first,
//! then pictures as [`crate::allocate`] computes; again whenever the estimate
//! of the line, the wishes or the costs have changed.
//!
//! Down goes at once, up only after a time of rest that doubles whenever
//! going up turned out to be too much.

use std::time::{Duration, Instant};

use livekit_protocol as lk;
use lk::signal_response::Message as Response;
use str0m::media::MediaKind;

use crate::allocate::{Wish, allocate, cost};
use crate::call::Call;
use crate::env::Env;
use crate::ids::{PeerKey, TrackKey};
use crate::layers::{Grant, HIGH};
use crate::peer::Peer;
use crate::publish::Track;
use crate::subscribe::Subscription;

/// What a sound track is reckoned with before it was heard, bits per second.
const SOUND: u64 = 40_000;
/// Nobody is shown more than this of pictures, bits per second.
const MOST: u64 = 30_000_000;
/// While a line is this new its lowest layers flow whatever the estimate.
const NEW: Duration = Duration::from_secs(3);
/// A packet that waits here longer than this shows that the line has become
/// narrow before the estimate does; a keyframe at the start may take longer.
const LONGEST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT_AT_START: Duration = Duration::from_millis(900);
/// How long such a wait counts more than the estimate, which is an average of
/// three seconds.
const BELIEVE_WAIT: Duration = Duration::from_secs(3);
/// How long the unsmoothed estimate counts; it comes five times a second.
const LATEST: Duration = Duration::from_secs(1);
/// The time that the smoothed estimate is an average of.
const AVERAGED: Duration = Duration::from_secs(3);
/// Time of rest after going down, before going up again: at first, at most.
const REST: Duration = Duration::from_secs(2);
const LONGEST_REST: Duration = Duration::from_secs(32);
/// How often a falling estimate may be begun anew, how long not after packets
/// have piled up, and for at most how much.
const INSIST_EVERY: Duration = Duration::from_secs(1);
const BELIEVE_PILE: Duration = Duration::from_secs(8);
const FLOOR: u64 = 1_000_000;
/// Going down this soon after going up means that going up was wrong.
const REGRET: Duration = Duration::from_secs(8);

/// What is known of one subscriber's line and of the attempts to use it.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Bits per second, smoothed; none when the client does not report.
    estimate: Option<u64>,
    /// The same as of the last second, and until when it counts if lower.
    latest: Option<(u64, Instant)>,
    /// No more than this until then.
    cap: Option<(u64, Instant)>,
    /// When pictures first flowed.
    began: Option<Instant>,
    rest_until: Option<Instant>,
    rest: Duration,
    raised: Option<Instant>,
    insisted: Option<Instant>,
    /// When the estimate was last begun anew: its average still has the past
    /// in it for a while.
    restarted: Option<Instant>,
    /// The estimate before it fell while hardly anything was sent: an estimate
    /// of an idle line says nothing.
    before_idle: Option<u64>,
    /// When packets last piled up.
    piled_up: Option<Instant>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            estimate: None,
            latest: None,
            cap: None,
            began: None,
            rest_until: None,
            rest: REST,
            raised: None,
            insisted: None,
            restarted: None,
            before_idle: None,
            piled_up: None,
        }
    }
}

impl Budget {
    /// Bits per second that may be spent; none is as much as one likes.
    fn now(&self, now: Instant) -> Option<u64> {
        let estimate = self.estimate?;
        let counts = |limit: &Option<(u64, Instant)>| {
            limit.filter(|(_, until)| now < *until).map_or(u64::MAX, |(bps, _)| bps)
        };
        Some(estimate.min(counts(&self.latest)).min(counts(&self.cap)))
    }

    pub fn estimate(&self) -> Option<u64> {
        self.estimate
    }

    /// Takes the latest estimate; `idle`: no picture is wished at the time.
    fn note(&mut self, now: Instant, bps: u64, idle: bool) {
        let before = self.latest.map_or(bps, |(bps, _)| bps);
        self.latest = Some((bps, now + LATEST));
        if bps >= before {
            self.before_idle = self.before_idle.filter(|idle| bps < *idle);
        } else if idle && !self.piled_up_within(now, BELIEVE_PILE) {
            self.before_idle = self.before_idle.max(Some(before));
        }
    }

    fn piled_up_within(&self, now: Instant, time: Duration) -> bool {
        self.piled_up.is_some_and(|at| now.saturating_duration_since(at) < time)
    }

    fn restarted_within(&self, now: Instant, time: Duration) -> bool {
        self.restarted.is_some_and(|at| now.saturating_duration_since(at) < time)
    }

    fn restart(&mut self, now: Instant, bps: u64) {
        self.estimate = Some(bps);
        self.restarted = Some(now);
        (self.latest, self.cap, self.rest_until) = (None, None, None);
    }

    fn is_new(&self, now: Instant) -> bool {
        self.began.is_none_or(|began| now.saturating_duration_since(began) < NEW)
    }

    fn rests(&self, now: Instant) -> bool {
        self.rest_until.is_some_and(|until| now < until)
    }

    fn went_up(&mut self, now: Instant) {
        self.raised = Some(now);
    }

    fn went_down(&mut self, now: Instant) {
        if self.is_new(now) {
            // Still finding out.
            return;
        }
        let regretted =
            self.raised.take().is_some_and(|raised| now.saturating_duration_since(raised) < REGRET);
        self.rest = if regretted { (self.rest * 2).min(LONGEST_REST) } else { REST };
        self.rest_until = Some(now + self.rest);
    }
}

impl Call {
    /// The client's reports say what its line takes; none: it reports not.
    pub fn on_estimate(&mut self, env: &mut Env, key: PeerKey, bps: Option<u64>) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        if bps.is_some() && peer.budget.restarted_within(env.now, AVERAGED) {
            return;
        }
        peer.budget.estimate = bps;
        self.share_line(env, key);
    }

    /// The unsmoothed estimate, once a second.
    pub fn on_latest_estimate(&mut self, env: &mut Env, key: PeerKey, bps: u64) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let idle = !peer.subscriptions.values().any(|s| s.kind == MediaKind::Video && s.flows());
        peer.budget.note(env.now, bps, idle);
        self.share_line(env, key);
    }

    /// A picture's packets pile up for this subscriber: its line has become
    /// narrow. What waits already is sent; what would follow is not.
    pub fn held_up(&mut self, env: &mut Env, key: PeerKey, track: TrackKey) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let sent = peer.subscriber.sent_rate().unwrap_or(u64::MAX);
        let now = env.now;
        let narrow = !peer.health.loses_without_queue(now);
        if narrow {
            peer.budget.piled_up = Some(now);
        }
        if let Some(estimate) = peer.budget.now(now) {
            peer.budget.cap = Some((sent.min(estimate - estimate / 5), now + BELIEVE_WAIT));
        }
        if let Some(subscription) = peer.subscriptions.get_mut(&track) {
            subscription.layer = None;
            if let Some(mid) = subscription.open_mid().filter(|_| narrow) {
                peer.subscriber.forget_sent(mid);
            }
        }
        env.counters.held_up += 1;
        self.share_line(env, key);
    }

    /// Looks after all lines: costs change without anybody saying so.
    pub fn share_lines(&mut self, env: &mut Env) {
        for key in self.peers.keys().copied().collect::<Vec<_>>() {
            self.share_line(env, key);
        }
    }

    /// Shares a subscriber's line out anew.
    pub fn share_line(&mut self, env: &mut Env, key: PeerKey) {
        let Some(peer) = self.peers.get(&key) else { return };
        let now = env.now;
        let (mut tracks, mut wishes, mut sound) = (Vec::new(), Vec::new(), 0);
        for (track, subscription) in &peer.subscriptions {
            let Some(publisher) = self.peers.get(&subscription.publisher) else { continue };
            let Some(published) = publisher.track(*track) else { continue };
            if subscription.kind == MediaKind::Audio {
                sound += published.layers.cost().unwrap_or(SOUND);
            } else if subscription.flows() && !published.info.muted {
                tracks.push(*track);
                wishes.push(wish(peer, publisher, published, subscription, now));
            }
        }
        if wishes.is_empty() {
            if let Some(peer) = self.peers.get_mut(&key) {
                peer.subscriber.seek(0, sound);
            }
            return;
        }
        let budget = peer.budget.now(now).map_or(MOST, |bps| bps.saturating_sub(sound).min(MOST));
        let mut granted = allocate(budget, &wishes);
        let lacks = wishes.iter().zip(&granted).any(|(wish, granted)| *granted < wish.ladder.len());
        let pauses = granted.contains(&0);
        if (lacks && self.wake_line(env, key, &wishes, sound))
            || (pauses && self.insist(env, key, &wishes, sound))
        {
            return self.share_line(env, key);
        }
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let rests = peer.budget.rests(now);
        if rests {
            for (granted, wish) in granted.iter_mut().zip(&wishes) {
                *granted = (*granted).min(wish.granted.max(usize::from(wish.free_start)));
            }
        }
        peer.budget.began.get_or_insert(now);
        let changes = wishes.iter().zip(&granted);
        if changes.clone().any(|(wish, granted)| *granted < wish.granted) {
            peer.budget.went_down(now);
        } else if changes.clone().any(|(wish, granted)| *granted > wish.granted && wish.granted > 0) {
            peer.budget.went_up(now);
        }
        let (minimum, desired) = goal(&wishes, &granted, rests);
        let goal = if minimum == 0 { 0 } else { minimum + sound };
        peer.subscriber.seek(goal, desired + sound);
        self.grant(env, key, &tracks, &wishes, &granted);
    }

    /// Pictures are wished again on a line that was idle: what was known of
    /// it before counts, until the line itself says otherwise. False: its
    /// estimate did not fall for that reason.
    fn wake_line(&mut self, env: &mut Env, key: PeerKey, wishes: &[Wish], sound: u64) -> bool {
        let Some(peer) = self.peers.get_mut(&key) else { return false };
        let Some(before) = peer.budget.before_idle.take() else { return false };
        let all: u64 = wishes.iter().map(|wish| cost(wish, wish.ladder.len())).sum();
        let believed = before.min((sound + all) * 5 / 4).min(MOST);
        if peer.budget.now(env.now).is_none_or(|bps| bps >= believed) {
            return false;
        }
        peer.budget.restart(env.now, believed);
        peer.subscriber.restart_estimate(believed);
        true
    }

    /// Where packets are lost without any queue, the estimate falls without
    /// end though less is not lost by sending less: begins it anew with what
    /// the lowest layers need. False: that is not so, or was done just now.
    fn insist(&mut self, env: &mut Env, key: PeerKey, wishes: &[Wish], sound: u64) -> bool {
        let Some(peer) = self.peers.get_mut(&key) else { return false };
        let now = env.now;
        let within =
            |at: Option<Instant>, time| at.is_some_and(|at| now.saturating_duration_since(at) < time);
        let soon =
            within(peer.budget.insisted, INSIST_EVERY) || peer.budget.piled_up_within(now, BELIEVE_PILE);
        let lowest: u64 = wishes.iter().map(|wish| cost(wish, 1)).sum();
        let floor = (sound + lowest) * 3;
        if soon || floor > FLOOR || peer.budget.estimate.is_none() || !peer.health.loses_without_queue(now) {
            return false;
        }
        peer.budget.insisted = Some(now);
        peer.budget.restart(now, floor);
        peer.subscriber.restart_estimate(floor);
        true
    }

    /// Makes what was computed true, and tells the client what is held back.
    fn grant(
        &mut self,
        env: &mut Env,
        key: PeerKey,
        tracks: &[TrackKey],
        wishes: &[Wish],
        granted: &[usize],
    ) {
        let mut told = Vec::new();
        for ((track, wish), granted) in tracks.iter().zip(wishes).zip(granted) {
            let top = granted.checked_sub(1).and_then(|top| wish.ladder.get(top));
            // Who has all that was wished may have more when more is wished.
            let grant = match top {
                Some(_) if *granted == wish.ladder.len() => Grant::Upto(HIGH),
                Some(rung) => Grant::Upto(rung.quality),
                None => Grant::Paused,
            };
            let Some(peer) = self.peers.get_mut(&key) else { return };
            let Some((publisher, before)) = peer.be_granted(env.now, *track, grant) else { continue };
            if before == grant {
                continue;
            }
            if (before == Grant::Paused) != (grant == Grant::Paused) {
                told.extend(self.stream_state(publisher, *track, grant));
            }
            self.tell_wanted_layers(env, publisher, *track, false);
            self.request_keyframe_for(env, key, *track);
        }
        if !told.is_empty() {
            self.tell(env, key, Response::StreamStateUpdate(lk::StreamStateUpdate { stream_states: told }));
        }
    }

    fn stream_state(&self, publisher: PeerKey, track: TrackKey, grant: Grant) -> Option<lk::StreamStateInfo> {
        let publisher = self.peers.get(&publisher)?;
        let state = if grant == Grant::Paused { lk::StreamState::Paused } else { lk::StreamState::Active };
        Some(lk::StreamStateInfo {
            participant_sid: publisher.sid.clone(),
            track_sid: publisher.track(track)?.info.sid.clone(),
            state: state as i32,
        })
    }
}

impl Peer {
    /// So much is lost that sound breaks: whatever the estimate says, no more
    /// is sent for a while than has come through.
    pub fn thin(&mut self, now: Instant, loss: f32) {
        let sent = self.subscriber.sent_rate().unwrap_or(0) as f64;
        let came = sent * (1.0 - f64::from(loss.clamp(0.0, 1.0)));
        self.budget.piled_up = Some(now);
        self.budget.cap = Some(((came * 0.8) as u64, now + BELIEVE_WAIT));
    }

    /// Notes what the line allows of a track; its publisher, and what was
    /// allowed before.
    fn be_granted(&mut self, now: Instant, track: TrackKey, grant: Grant) -> Option<(PeerKey, Grant)> {
        let narrow = !self.health.loses_without_queue(now);
        let subscription = self.subscriptions.get_mut(&track)?;
        let before = std::mem::replace(&mut subscription.grant, grant);
        if let (Grant::Upto(most), Grant::Upto(less)) = (before, grant)
            && less < most
            && narrow
            && let Some(mid) = subscription.open_mid()
        {
            // The smaller layer begins with a keyframe: what was lost of the
            // larger one is not worth the room that it lacks.
            self.subscriber.forget_sent(mid);
        }
        if grant == Grant::Paused && before != Grant::Paused {
            subscription.layer = None;
            subscription.last_frame = None;
            subscription.held_since = Some(now);
            if let Some(mid) = subscription.open_mid() {
                self.subscriber.forget_sent(mid);
            }
        } else if grant != Grant::Paused
            && let Some(since) = subscription.held_since.take()
        {
            self.tally.was_held(now.saturating_duration_since(since));
        }
        Some((subscription.publisher, before))
    }
}

fn wish(peer: &Peer, publisher: &Peer, track: &Track, subscription: &Subscription, now: Instant) -> Wish {
    let ladder = track.layers.ladder(&track.info, subscription.want);
    let granted = match subscription.grant {
        Grant::Paused => 0,
        Grant::Lowest => 1,
        Grant::Upto(quality) => ladder.iter().filter(|rung| rung.quality <= quality).count(),
    };
    Wish {
        detail: track.info.source == lk::TrackSource::ScreenShare as i32,
        speaks: publisher.speaking,
        granted,
        free_start: peer.budget.is_new(now) && subscription.grant != Grant::Paused,
        ladder,
    }
}

/// What to look for on the line: at least what the next layer needs, at best
/// all that is wished, each with the reserve that going up asks for. Nothing
/// is filled up while going up is not thought of.
fn goal(wishes: &[Wish], granted: &[usize], rests: bool) -> (u64, u64) {
    let with_reserve = |bps: u64| bps + bps / 4;
    let spent: u64 = wishes.iter().zip(granted).map(|(wish, granted)| cost(wish, *granted)).sum();
    let all: u64 = wishes.iter().map(|wish| cost(wish, wish.ladder.len())).sum();
    let next = wishes
        .iter()
        .zip(granted)
        .filter(|(wish, granted)| **granted < wish.ladder.len())
        .map(|(wish, granted)| cost(wish, granted + 1).saturating_sub(cost(wish, *granted)))
        .min();
    let minimum = next.filter(|_| !rests).map_or(0, |next| with_reserve(spent + next));
    (minimum, with_reserve(all).min(MOST))
}

/// Whether a packet that is about to be written for a picture comes on top of
/// too much that waits.
pub(crate) fn too_long(waits: Duration, flowing: Duration) -> bool {
    let longest = if flowing < Duration::from_secs(2) { LONGEST_WAIT_AT_START } else { LONGEST_WAIT };
    waits > longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allocate::Rung;

    #[test]
    fn a_regretted_climb_doubles_the_rest() {
        let start = crate::some_instant();
        let at = |s: u64| start + NEW + Duration::from_secs(s);
        let mut budget = Budget { began: Some(start), ..Budget::default() };
        budget.went_down(at(0));
        assert!(budget.rests(at(1)) && !budget.rests(at(2)));
        budget.went_up(at(3));
        budget.went_down(at(5));
        assert!(budget.rests(at(8)) && !budget.rests(at(9)));
        budget.went_up(at(10));
        budget.went_down(at(30));
        assert!(!budget.rests(at(32)), "that climb had been right for a while");
    }

    #[test]
    fn a_wait_counts_for_a_while_only() {
        let start = crate::some_instant();
        let mut budget = Budget { estimate: Some(1_000), ..Budget::default() };
        budget.cap = Some((300, start + BELIEVE_WAIT));
        assert_eq!(budget.now(start), Some(300));
        assert_eq!(budget.now(start + BELIEVE_WAIT), Some(1_000));
        assert_eq!(Budget::default().now(start), None, "who reports nothing is not held back");
    }

    #[test]
    fn the_goal_is_the_next_layer_and_the_whole() {
        let rung = |quality, cost| Rung { quality, cost };
        let wish = Wish {
            ladder: vec![rung(0, 100), rung(1, 400), rung(2, 1_600)],
            detail: false,
            speaks: false,
            granted: 1,
            free_start: false,
        };
        assert_eq!(goal(std::slice::from_ref(&wish), &[1], false), (500, 2_000));
        assert_eq!(goal(std::slice::from_ref(&wish), &[1], true), (0, 2_000));
        assert_eq!(goal(std::slice::from_ref(&wish), &[3], false), (0, 2_000));
    }
}
