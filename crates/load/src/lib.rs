//! Load on a server of calls: synthetic peers publish and receive, and what the
//! server's process costs for it is read from the system. The peers speak
//! LiveKit's signalling, so that Bedside and LiveKit's server are driven alike,
//! or that of Janus' VideoRoom.
//!
//! A crate of its own: the load must not share a line with what it measures.

pub mod camera;
pub mod janus;
mod link;
pub mod livekit;
mod process;
pub mod returning;
pub mod scenario;
mod watch;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::task::JoinSet;

pub use process::Process;
pub use scenario::{Part, Scenario};
use watch::Stage;
pub use watch::Watch;

/// How long the calls may take to come up.
const LIMIT: Duration = Duration::from_secs(45);
/// Encoders, estimates and allocators settle before measuring begins.
const SETTLE: Duration = Duration::from_secs(2);

/// Which server, by which protocol.
#[derive(Clone, Debug)]
pub enum Target {
    LiveKit(livekit::Door),
    /// The WebSocket's address.
    Janus(String),
}

/// What was seen during the measurement.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Figures {
    pub scenario: String,
    /// Packets that came to all receivers together, per second.
    pub packets_per_s: f64,
    /// Part of those sent to them that came.
    pub delivered: f64,
    /// Part of one core that the server used.
    pub core_share: f64,
    /// Processor time of the server per packet that came, microseconds.
    pub cpu_us_per_packet: f64,
    /// From the moment a packet is made to its receipt, milliseconds.
    pub delay_p50_ms: f64,
    pub delay_p99_ms: f64,
    /// From the first byte of signalling to the first video, milliseconds; of
    /// peers that only receive, and come when everybody sends.
    pub join_p50_ms: Option<f64>,
    pub join_max_ms: Option<f64>,
    /// Memory that the server took for each peer that only receives, bytes.
    pub bytes_per_subscriber: Option<f64>,
}

/// Runs a scenario for so long.
///
/// # Errors
/// When the calls do not come up or a peer is thrown out.
pub async fn run(
    target: &Target,
    server: Process,
    ip: IpAddr,
    scenario: &Scenario,
    length: Duration,
) -> Result<Figures> {
    let stage = watch::Conductor::default();
    let (films, hears) = scenario.parts();
    let mut peers = JoinSet::new();
    let (senders, receivers) =
        (films.len(), films.iter().filter(|part| part.hears > 0).count() + hears.len());
    for part in films {
        start(&mut peers, target, ip, part, stage.watch());
    }
    awaited(&mut peers, || stage.sending() >= senders, "publishers").await?;
    let before = server.resident()?;
    stage.go(Stage::Sending);
    let latecomers = hears.len();
    for part in hears {
        start(&mut peers, target, ip, part, stage.watch());
    }
    awaited(&mut peers, || stage.receiving() >= receivers, "receivers").await?;
    pause(SETTLE).await;
    let after = server.resident()?;

    let (began, cpu) = (Instant::now(), server.cpu()?);
    stage.go(Stage::Measuring);
    pause(length).await;
    let (passed, cpu) = (began.elapsed(), server.cpu()?.saturating_sub(cpu));
    stage.go(Stage::Over);
    let mut seen = Vec::new();
    while let Some(peer) = peers.join_next().await {
        seen.push(peer??);
    }
    let packets: u64 = seen.iter().map(|watch| watch.packets).sum();
    let mut delays: Vec<u32> = seen.iter().flat_map(|watch| watch.delays.iter().copied()).collect();
    let mut joins: Vec<u32> = seen.iter().filter(|w| w.late).filter_map(|w| w.first_video_us).collect();
    let expected = camera::PACKETS_PER_S * scenario.links() as f64 * passed.as_secs_f64();
    let joined = (latecomers > 0).then_some(());
    Ok(Figures {
        scenario: scenario.to_string(),
        packets_per_s: packets as f64 / passed.as_secs_f64(),
        delivered: packets as f64 / expected,
        core_share: cpu.as_secs_f64() / passed.as_secs_f64(),
        cpu_us_per_packet: cpu.as_secs_f64() * 1e6 / packets.max(1) as f64,
        delay_p50_ms: quantile(&mut delays, 0.5),
        delay_p99_ms: quantile(&mut delays, 0.99),
        join_p50_ms: joined.map(|()| quantile(&mut joins, 0.5)),
        join_max_ms: joined.map(|()| quantile(&mut joins, 1.0)),
        bytes_per_subscriber: joined.map(|()| after.saturating_sub(before) as f64 / latecomers as f64),
    })
}

fn start(peers: &mut JoinSet<Result<Watch>>, target: &Target, ip: IpAddr, part: Part, watch: Watch) {
    let target = target.clone();
    peers.spawn(async move {
        let named = part.identity.clone();
        let run = async {
            match &target {
                Target::LiveKit(door) => livekit::Peer::join(door, ip, &part, watch).await?.run().await,
                Target::Janus(url) => janus::Peer::join(url, ip, &part, watch).await?.run().await,
            }
        };
        run.await.with_context(|| format!("peer {named}"))
    });
}

/// Waits until something is so; a peer that ends before then is an error.
async fn awaited(peers: &mut JoinSet<Result<Watch>>, so: impl Fn() -> bool, who: &str) -> Result<()> {
    let mut look = tokio::time::interval(Duration::from_millis(20));
    let wait = async {
        while !so() {
            tokio::select! {
                _ = look.tick() => {}
                Some(ended) = peers.join_next() => {
                    ended??;
                    anyhow::bail!("a peer ended too early");
                }
            }
        }
        Ok(())
    };
    tokio::time::timeout(LIMIT, wait).await.with_context(|| format!("the {who} did not come up"))?
}

/// Lets time pass; its length is part of what is measured.
async fn pause(length: Duration) {
    tokio::time::interval_at(tokio::time::Instant::now() + length, length).tick().await;
}

/// Of microseconds, in milliseconds.
fn quantile(values: &mut [u32], share: f64) -> f64 {
    values.sort_unstable();
    let place = (share * values.len() as f64).ceil() as usize;
    values.get(place.clamp(1, values.len().max(1)) - 1).map_or(f64::NAN, |us| f64::from(*us) / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_in_milliseconds() {
        let mut values: Vec<u32> = (1..=100).map(|n| n * 1_000).collect();
        assert_eq!(quantile(&mut values, 0.5), 50.0);
        assert_eq!(quantile(&mut values, 0.99), 99.0);
        assert_eq!(quantile(&mut values, 1.0), 100.0);
        assert!(quantile(&mut [], 0.5).is_nan());
    }
}
