//! A network of datagrams with loss, delay, reordering and narrow lines, from
//! a seed.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bedside_tests::media::client::Datagram;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// How bad the network is, each way.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// Part of the media packets that never arrive. Handshakes get through:
    /// their retries are str0m's to test, and take seconds.
    pub loss: f64,
    pub delay: Duration,
    /// Added at random, so that packets overtake one another.
    pub jitter: Duration,
}

pub const FAIR: Weather = Weather { loss: 0.0, delay: Duration::from_millis(10), jitter: Duration::ZERO };

/// A line that takes only so many bits per second, with a queue before it.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Bits per second.
    pub rate: u64,
    /// What would wait longer than this is dropped.
    pub queue: Duration,
    free_at: Option<Instant>,
}

impl Line {
    pub fn new(rate: u64, queue: Duration) -> Self {
        Self { rate, queue, free_at: None }
    }

    /// When the last bit of a datagram is through; none: it is dropped.
    fn pass(&mut self, now: Instant, bytes: usize) -> Option<Instant> {
        let begins = self.free_at.map_or(now, |free| free.max(now));
        if begins - now > self.queue {
            return None;
        }
        // IPv4 and UDP headers are sent too.
        let bits = (bytes + 28) as f64 * 8.0;
        let through = begins + Duration::from_secs_f64(bits / self.rate as f64);
        self.free_at = Some(through);
        Some(through)
    }
}

pub struct Net {
    pub weather: Weather,
    rng: StdRng,
    // The number keeps packets of one moment in their order.
    in_flight: BTreeMap<(Instant, u64), Datagram>,
    sent: u64,
    pub lost: u64,
    /// Addresses that no packet reaches or leaves any more.
    pub dead: Vec<SocketAddr>,
    /// The lines, and who sends or receives through which.
    pub lines: Vec<Line>,
    pub uplinks: HashMap<SocketAddr, usize>,
    pub downlinks: HashMap<SocketAddr, usize>,
    /// Datagrams dropped by a full queue.
    pub dropped: u64,
}

impl Net {
    pub fn new(seed: u64, weather: Weather) -> Self {
        let rng = StdRng::seed_from_u64(seed);
        Self {
            weather,
            rng,
            in_flight: BTreeMap::new(),
            sent: 0,
            lost: 0,
            dead: Vec::new(),
            lines: Vec::new(),
            uplinks: HashMap::new(),
            downlinks: HashMap::new(),
            dropped: 0,
        }
    }

    pub fn send(&mut self, now: Instant, datagram: Datagram) {
        if self.dead.contains(&datagram.from) || self.dead.contains(&datagram.to) {
            return;
        }
        // RTP and RTCP begin with version 2 (RFC 7983 section 7).
        let media = datagram.bytes.first().is_some_and(|first| (128..192).contains(first));
        if media && self.rng.random_bool(self.weather.loss) {
            self.lost += 1;
            return;
        }
        let jitter = self.weather.jitter.mul_f64(self.rng.random());
        self.sent += 1;
        let lines = [self.uplinks.get(&datagram.from), self.downlinks.get(&datagram.to)];
        let mut now = now;
        for line in lines.into_iter().flatten() {
            let Some(through) = self.lines[*line].pass(now, datagram.bytes.len()) else {
                self.dropped += 1;
                return;
            };
            now = through;
        }
        self.in_flight.insert((now + self.weather.delay + jitter, self.sent), datagram);
    }

    pub fn next_at(&self) -> Option<Instant> {
        self.in_flight.keys().next().map(|(at, _)| *at)
    }

    pub fn arrived(&mut self, now: Instant) -> Option<Datagram> {
        if self.next_at()? > now {
            return None;
        }
        self.in_flight.pop_first().map(|(_, datagram)| datagram)
    }
}
