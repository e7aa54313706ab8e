//! How a peer's connection has been, counted from its join: the material of
//! [`CallEventKind::Quality`].

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::media::{Mid, Rid};

use crate::call::Call;
use crate::env::Env;
use crate::event::{CallEventKind, Path, PeerQuality};
use crate::ids::{PeerKey, Side};
use crate::peer::{Peer, State};
use crate::turn;

/// A report every so many ticks while a peer is in the call: half a minute.
const EVERY_TICKS: u64 = 120;
/// A picture that stands still this long is a freeze.
pub(crate) const FREEZE: Duration = Duration::from_millis(500);

/// What is counted of one peer.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    connect: Option<Duration>,
    first_packet: Option<Duration>,
    first_picture: Option<Duration>,
    to: BTreeMap<Mid, (u64, u64)>,
    from: HashMap<(Mid, Option<Rid>), u64>,
    lost_from: f64,
    missing: f32,
    freezes: u32,
    frozen: Duration,
    held: Duration,
    rtt: Option<Duration>,
    worst_rtt: Option<Duration>,
    path: Option<Path>,
}

impl Tally {
    pub fn connected(&mut self, after: Duration) {
        self.connect.get_or_insert(after);
    }

    /// A packet was sent to the peer, `after` its join.
    pub fn sent(&mut self, after: impl FnOnce() -> Duration, begins_picture: bool) {
        if self.first_packet.is_none() || (begins_picture && self.first_picture.is_none()) {
            let after = after();
            self.first_packet.get_or_insert(after);
            if begins_picture {
                self.first_picture.get_or_insert(after);
            }
        }
    }

    /// A picture shown to it did not change for so long.
    pub fn stood_still(&mut self, time: Duration) {
        if time >= FREEZE {
            self.freezes += 1;
            self.frozen += time;
        }
    }

    /// A picture was held back for so long because of its line.
    pub fn was_held(&mut self, time: Duration) {
        self.held += time;
    }

    /// Totals that the peer reports of what it gets on a section.
    pub fn reported(&mut self, mid: Mid, sent: u64, lost: u64) {
        self.to.insert(mid, (sent, lost));
    }

    /// Packets of one of the peer's streams that have come in all, and the
    /// part that was missing lately.
    pub fn came(&mut self, stream: (Mid, Option<Rid>), packets: u64, missing: Option<f32>) {
        let before = self.from.insert(stream, packets).unwrap_or(0);
        let lately = packets.saturating_sub(before) as f64;
        self.lost_from += lately * f64::from(missing.unwrap_or(self.missing).clamp(0.0, 1.0));
        self.missing = missing.unwrap_or(self.missing);
    }

    pub fn round_trip(&mut self, rtt: Duration) {
        self.rtt = Some(rtt);
        self.worst_rtt = self.worst_rtt.max(Some(rtt));
    }

    pub fn goes_by(&mut self, path: Path) {
        self.path = Some(path);
    }
}

impl Call {
    /// The state of a connection, once a second: `path` is whether it is TCP,
    /// and the client's address.
    pub fn on_line(
        &mut self,
        env: &mut Env,
        key: PeerKey,
        side: Side,
        bps: Option<u64>,
        rtt: Option<Duration>,
        path: Option<(bool, SocketAddr)>,
    ) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        if let Some((tcp, remote)) = path {
            peer.tally.goes_by(match tcp {
                _ if turn::is_relayed(remote) => Path::Relay,
                true => Path::Tcp,
                false => Path::Udp,
            });
        }
        if let Some(rtt) = rtt {
            peer.tally.round_trip(rtt);
        }
        if let Some(bps) = bps.filter(|_| side == Side::Subscriber) {
            self.on_latest_estimate(env, key, bps);
        }
    }

    /// Reports every half minute on everybody who is there.
    pub fn report_all(&mut self, env: &mut Env) {
        if self.ticks.is_multiple_of(EVERY_TICKS) {
            for peer in self.peers.values().filter(|peer| peer.state == State::Active) {
                env.emit(&self.name, report(env, peer, false));
            }
        }
    }

    /// The last report of somebody who has gone.
    pub fn report_last(&self, env: &mut Env, peer: &Peer) {
        let report = report(env, peer, true);
        env.emit(&self.name, report);
    }
}

fn report(env: &Env, peer: &Peer, over: bool) -> CallEventKind {
    let tally = &peer.tally;
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let short = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
    let held_now = peer
        .subscriptions
        .values()
        .filter_map(|subscription| subscription.held_since)
        .map(|since: Instant| env.now.saturating_duration_since(since))
        .sum::<Duration>();
    CallEventKind::Quality(Box::new(PeerQuality {
        identity: peer.identity.clone(),
        sid: peer.sid.clone(),
        over,
        joined_ms: peer.joined_ms,
        in_call_ms: ms(env.now.saturating_duration_since(peer.joined_at)),
        connect_ms: tally.connect.map(ms),
        first_packet_ms: tally.first_packet.map(ms),
        first_picture_ms: tally.first_picture.map(ms),
        packets_to: tally.to.values().map(|(sent, _)| sent).sum(),
        lost_to: tally.to.values().map(|(_, lost)| lost).sum(),
        packets_from: tally.from.values().sum(),
        lost_from: tally.lost_from.round() as u64,
        freezes: tally.freezes,
        frozen_ms: ms(tally.frozen),
        paused_ms: ms(tally.held + held_now),
        rtt_ms: tally.rtt.map(short),
        worst_rtt_ms: tally.worst_rtt.map(short),
        line_bps: peer.budget.estimate(),
        path: tally.path,
        device: peer.client.device.clone(),
    }))
}
