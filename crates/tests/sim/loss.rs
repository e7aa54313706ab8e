//! Bad networks: retransmission brings back what is lost.

use std::time::Duration;

use str0m::media::MediaKind;

use crate::net::Weather;
use crate::world::World;

/// Part of the video packets that stayed lost, worst of both receivers, after
/// ten seconds of a call in this weather.
fn worst_video_loss(seed: u64, loss: f64, jitter_ms: u64) -> f64 {
    let weather =
        Weather { loss, delay: Duration::from_millis(20), jitter: Duration::from_millis(jitter_ms) };
    let mut world = World::new(seed, weather);
    let (ann, ben) = (world.join("ann"), world.join("ben"));
    world.publish(ann, false);
    world.publish(ben, false);
    world.run_until_all_receive(&[ann, ben], 1);
    world.run_for(Duration::from_secs(10));
    // What was sent last has had no time to be asked for again, and what
    // overtakes at the very end makes a gap that is none.
    world.net.weather.loss = 0.0;
    world.net.weather.jitter = Duration::ZERO;
    world.run_for(Duration::from_secs(1));
    assert!(world.net.lost > 100, "the weather was too good: {} lost", world.net.lost);
    assert_eq!(world.left("ann").len() + world.left("ben").len(), 0);
    [ann, ben]
        .map(|client| {
            let client = &world.clients[client];
            assert!(client.heard(MediaKind::Audio) > 150, "audio went on");
            let video = client.video();
            video.missing() as f64 / (video.missing() + video.packets) as f64
        })
        .into_iter()
        .fold(0.0, f64::max)
}

#[test]
fn three_percent_loss_is_repaired() {
    for seed in [11, 12, 13] {
        let lost = worst_video_loss(seed, 0.03, 0);
        assert!(lost < 0.002, "seed {seed}: {lost:.4} of the video stayed lost");
    }
}

#[test]
fn twenty_percent_loss_is_mostly_repaired() {
    // The rest is what the bandwidth estimate, which such a loss lowers, left no
    // room for.

    for seed in [21, 22] {
        let lost = worst_video_loss(seed, 0.20, 0);
        assert!(lost < 0.08, "seed {seed}: {lost:.4} of the video stayed lost");
    }
}

#[test]
fn reordering_loses_nothing() {
    let lost = worst_video_loss(31, 0.02, 15);
    assert!(lost < 0.002, "{lost:.4} of the video stayed lost");
}
