//! The simulcast layers of a track: which are alive, what each costs, and
//! which one a subscriber gets.

use std::time::{Duration, Instant};

use livekit_protocol as lk;
use str0m::media::Rid;

use crate::allocate::Rung;
use crate::meter::Meter;

/// 0, 1, 2: low, medium, high, as `lk::VideoQuality`.
pub(crate) type Quality = u8;
pub(crate) const HIGH: Quality = 2;

/// A layer silent this long counts as switched off by its publisher.
const ALIVE: Duration = Duration::from_millis(1_500);
/// At most one keyframe request per layer in this time: a keyframe costs the
/// publisher many packets, and ten subscribers ask at once.
const KEYFRAME_THROTTLE: Duration = Duration::from_millis(400);

/// The quality a LiveKit client means by an RTP stream id.
pub(crate) fn quality_of(rid: Option<Rid>) -> Quality {
    match rid.as_deref() {
        Some("q") => 0,
        Some("h") => 1,
        _ => HIGH,
    }
}

/// The smallest announced layer that covers the wanted picture.
pub(crate) fn quality_for_size(layers: &[lk::VideoLayer], width: u32, height: u32) -> Quality {
    let wanted = u64::from(width) * u64::from(height);
    layers
        .iter()
        .filter(|layer| u64::from(layer.width) * u64::from(layer.height) >= wanted)
        .map(|layer| layer.quality.clamp(0, i32::from(HIGH)) as Quality)
        .min()
        .unwrap_or(HIGH)
}

/// What a subscriber's line allows of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// Not reckoned yet: the lowest layer there is.
    Lowest,
    /// No layer above this one.
    Upto(Quality),
    /// Nothing, until the line is better.
    Paused,
}

/// Bits per second that a layer is reckoned with before it was heard and when
/// its publisher does not say: low, medium, high.
const USUAL_COST: [u64; 3] = [150_000, 500_000, 1_700_000];
/// Layers of one track that are told apart; clients send three.
const MOST: usize = 4;

#[derive(Debug)]
struct Layer {
    rid: Option<Rid>,
    heard: Instant,
    asked: Option<Instant>,
    meter: Meter,
}

/// The layers heard of one track; one without a rid for plain streams.
#[derive(Debug, Default)]
pub(crate) struct Layers(Vec<Layer>);

/// The layers that are alive at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Live {
    rids: [Option<Rid>; MOST],
    count: usize,
}

impl Live {
    fn iter(&self) -> impl Iterator<Item = Option<Rid>> + '_ {
        self.rids[..self.count].iter().copied()
    }

    /// The best live layer not above `want` and `grant`, else the lowest one
    /// if that is granted.
    pub fn choose(&self, want: Quality, grant: Grant) -> Option<Option<Rid>> {
        let lowest = || self.iter().min_by_key(|rid| quality_of(*rid));
        let most = match grant {
            Grant::Paused => return None,
            Grant::Lowest => return lowest(),
            Grant::Upto(most) => most,
        };
        self.iter()
            .filter(|rid| quality_of(*rid) <= want.min(most))
            .max_by_key(|rid| quality_of(*rid))
            .or_else(|| lowest().filter(|rid| quality_of(*rid) <= most))
    }
}

impl Layers {
    /// Notes a packet of `rid` with this many bytes.
    pub fn heard(&mut self, rid: Option<Rid>, now: Instant, bytes: usize) {
        let layer = match self.0.iter().position(|layer| layer.rid == rid) {
            Some(known) => &mut self.0[known],
            None if self.0.len() < MOST => {
                self.0.push(Layer { rid, heard: now, asked: None, meter: Meter::default() });
                self.0.last_mut().expect("just pushed")
            }
            None => return,
        };
        layer.heard = now;
        layer.meter.add(now, bytes);
    }

    pub fn live(&self, now: Instant) -> Live {
        let mut live = Live::default();
        for layer in &self.0 {
            if now.saturating_duration_since(layer.heard) < ALIVE {
                live.rids[live.count] = layer.rid;
                live.count += 1;
            }
        }
        live
    }

    /// The layers up to `want` with their costs, cheapest first; at least the
    /// lowest one. What is announced but not heard counts too: its publisher
    /// may have been told that nobody wants it.
    pub fn ladder(&self, info: &lk::TrackInfo, want: Quality) -> Vec<Rung> {
        let mut costs: [Option<u64>; 3] = [None; 3];
        #[expect(deprecated, reason = "the layers are filled from the client's old field")]
        if info.simulcast {
            for layer in &info.layers {
                let quality = layer.quality.clamp(0, i32::from(HIGH)) as usize;
                costs[quality] = Some(u64::from(layer.bitrate)).filter(|bitrate| *bitrate > 0);
                costs[quality].get_or_insert(USUAL_COST[quality]);
            }
        } else {
            costs[usize::from(HIGH)] = Some(plain_cost(info));
        }
        for layer in &self.0 {
            let cost = &mut costs[usize::from(quality_of(layer.rid))];
            *cost = layer.meter.usual().or(*cost);
        }
        let lowest = costs.iter().position(Option::is_some).unwrap_or(usize::from(HIGH)) as Quality;
        let mut below = 0;
        (0..=HIGH)
            .filter(|quality| *quality <= want.max(lowest))
            .filter_map(|quality| {
                let cost = costs[usize::from(quality)]?.max(below);
                below = cost;
                Some(Rung { quality, cost })
            })
            .collect()
    }

    /// What the track costs as it flows now, bits per second.
    pub fn cost(&self) -> Option<u64> {
        self.0.iter().filter_map(|layer| layer.meter.usual()).max()
    }

    /// Whether a keyframe of this layer may be asked for now; notes it if so.
    pub fn may_ask_keyframe(&mut self, rid: Option<Rid>, now: Instant) -> bool {
        let Some(layer) = self.0.iter_mut().find(|layer| layer.rid == rid) else {
            return false;
        };
        let free = layer.asked.is_none_or(|asked| now.saturating_duration_since(asked) >= KEYFRAME_THROTTLE);
        if free {
            layer.asked = Some(now);
        }
        free
    }
}

/// What a track in one layer will cost, from its size.
#[expect(deprecated, reason = "clients in the field fill the old field")]
fn plain_cost(info: &lk::TrackInfo) -> u64 {
    let announced = info.layers.iter().map(|layer| u64::from(layer.bitrate)).max().unwrap_or(0);
    if announced > 0 {
        return announced;
    }
    match u64::from(info.width) * u64::from(info.height) {
        0 => USUAL_COST[1],
        // About 1.8 bits per pixel and second: 1.7 Mbit/s at 1280 x 720.
        pixels => (pixels * 18 / 10).clamp(USUAL_COST[0], 4_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rid(name: &str) -> Option<Rid> {
        Some(Rid::from(name))
    }

    #[test]
    fn a_wish_gets_the_nearest_live_layer() {
        let start = crate::some_instant();
        let mut layers = Layers::default();
        let upto = Grant::Upto;
        assert_eq!(layers.live(start).choose(HIGH, upto(HIGH)), None);
        for name in ["q", "h", "f"] {
            layers.heard(rid(name), start, 100);
        }
        let live = layers.live(start);
        assert_eq!(live.choose(0, upto(HIGH)), Some(rid("q")));
        assert_eq!(live.choose(1, upto(HIGH)), Some(rid("h")));
        assert_eq!(live.choose(HIGH, upto(HIGH)), Some(rid("f")));

        let later = start + Duration::from_secs(2);
        layers.heard(rid("h"), later, 100);
        let live = layers.live(later);
        assert_eq!(live.choose(HIGH, upto(HIGH)), Some(rid("h")));
        assert_eq!(live.choose(0, upto(HIGH)), Some(rid("h")));
    }

    #[test]
    fn a_line_gets_no_more_than_it_is_granted() {
        let start = crate::some_instant();
        let mut layers = Layers::default();
        for name in ["q", "h", "f"] {
            layers.heard(rid(name), start, 100);
        }
        let live = layers.live(start);
        assert_eq!(live.choose(HIGH, Grant::Upto(1)), Some(rid("h")));
        assert_eq!(live.choose(HIGH, Grant::Lowest), Some(rid("q")));
        assert_eq!(live.choose(HIGH, Grant::Paused), None);
        // Only a layer that is too large is alive: better none.
        let later = start + Duration::from_secs(2);
        layers.heard(rid("f"), later, 100);
        assert_eq!(layers.live(later).choose(HIGH, Grant::Upto(0)), None);
    }

    #[test]
    #[expect(deprecated, reason = "the layers are filled from the client's old field")]
    fn a_ladder_has_announced_and_measured_costs() {
        let start = crate::some_instant();
        let layer = |quality, bitrate| lk::VideoLayer { quality, bitrate, ..Default::default() };
        let info = lk::TrackInfo {
            simulcast: true,
            layers: vec![layer(0, 120_000), layer(1, 0), layer(2, 2_000_000)],
            ..Default::default()
        };
        let mut layers = Layers::default();
        let costs = |layers: &Layers, want| -> Vec<u64> {
            layers.ladder(&info, want).iter().map(|rung| rung.cost).collect()
        };
        assert_eq!(costs(&layers, HIGH), [120_000, 500_000, 2_000_000]);
        assert_eq!(costs(&layers, 0), [120_000]);
        for ms in (0..1_500).step_by(10) {
            layers.heard(rid("f"), start + Duration::from_millis(ms), 1_250);
        }
        assert_eq!(costs(&layers, HIGH), [120_000, 500_000, 1_000_000]);
        // A plain stream has one rung whatever is wished.
        let plain = lk::TrackInfo { width: 1280, height: 720, ..Default::default() };
        let rungs = Layers::default().ladder(&plain, 0);
        assert_eq!((rungs.len(), rungs[0].quality), (1, HIGH));
        assert!((1_500_000..1_800_000).contains(&rungs[0].cost));
    }

    #[test]
    fn keyframe_requests_are_throttled_per_layer() {
        let start = crate::some_instant();
        let mut layers = Layers::default();
        layers.heard(rid("q"), start, 100);
        layers.heard(rid("f"), start, 100);
        assert!(layers.may_ask_keyframe(rid("q"), start));
        assert!(!layers.may_ask_keyframe(rid("q"), start));
        assert!(layers.may_ask_keyframe(rid("f"), start));
        assert!(layers.may_ask_keyframe(rid("q"), start + KEYFRAME_THROTTLE));
        assert!(!layers.may_ask_keyframe(rid("h"), start));
    }

    #[test]
    fn a_small_element_wants_a_small_layer() {
        let layer = |quality, width, height| lk::VideoLayer { quality, width, height, ..Default::default() };
        let layers = [layer(0, 320, 180), layer(1, 640, 360), layer(2, 1280, 720)];
        assert_eq!(quality_for_size(&layers, 300, 160), 0);
        assert_eq!(quality_for_size(&layers, 480, 270), 1);
        assert_eq!(quality_for_size(&layers, 4000, 2000), HIGH);
    }
}
