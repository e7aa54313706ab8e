//! The simulcast layers of a track: which are alive, and which one a
//! subscriber gets.
//!
//! The choice follows the client's wish only. Bandwidth estimation is off on
//! purpose: an estimate without a server that acts on it queues packets in the
//! pacer and makes calls worse; both come together.

use std::time::{Duration, Instant};

use livekit_protocol as lk;
use str0m::media::Rid;

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

#[derive(Debug)]
struct Layer {
    rid: Option<Rid>,
    heard: Instant,
    asked: Option<Instant>,
}

/// The layers heard of one track; one without a rid for plain streams.
#[derive(Debug, Default)]
pub(crate) struct Layers(Vec<Layer>);

impl Layers {
    /// Notes a packet of `rid`.
    pub fn heard(&mut self, rid: Option<Rid>, now: Instant) {
        match self.0.iter_mut().find(|layer| layer.rid == rid) {
            Some(layer) => layer.heard = now,
            None => self.0.push(Layer { rid, heard: now, asked: None }),
        }
    }

    /// The best live layer not above `want`, else the lowest live one.
    pub fn choose(&self, want: Quality, now: Instant) -> Option<Option<Rid>> {
        let alive = || {
            self.0
                .iter()
                .filter(|layer| now.saturating_duration_since(layer.heard) < ALIVE)
                .map(|layer| layer.rid)
        };
        alive()
            .filter(|rid| quality_of(*rid) <= want)
            .max_by_key(|rid| quality_of(*rid))
            .or_else(|| alive().min_by_key(|rid| quality_of(*rid)))
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
        assert_eq!(layers.choose(HIGH, start), None);
        for name in ["q", "h", "f"] {
            layers.heard(rid(name), start);
        }
        assert_eq!(layers.choose(0, start), Some(rid("q")));
        assert_eq!(layers.choose(1, start), Some(rid("h")));
        assert_eq!(layers.choose(HIGH, start), Some(rid("f")));

        let later = start + Duration::from_secs(2);
        layers.heard(rid("h"), later);
        assert_eq!(layers.choose(HIGH, later), Some(rid("h")));
        assert_eq!(layers.choose(0, later), Some(rid("h")));
    }

    #[test]
    fn keyframe_requests_are_throttled_per_layer() {
        let start = crate::some_instant();
        let mut layers = Layers::default();
        layers.heard(rid("q"), start);
        layers.heard(rid("f"), start);
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
