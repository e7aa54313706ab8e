//! A server that dies in mid-call and is started again: how long it takes until
//! everybody sees everybody again.

use std::net::IpAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use crate::livekit::{Door, Peer};
use crate::watch::{Conductor, Stage};
use crate::{LIMIT, Part, SETTLE, Scenario, pause};

/// How often a client whose server is gone tries again.
const RETRY: Duration = Duration::from_millis(100);

/// What was seen.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Return {
    pub peers: usize,
    /// From the end of the old process until every peer has video from the
    /// new one, milliseconds.
    pub back_ms: f64,
}

/// Starts `server`, lets so many peers see each other, kills it, starts it
/// again, and waits until they do once more.
///
/// # Errors
/// When the call does not come up, or not again.
pub async fn run(door: &Door, ip: IpAddr, peers: usize, server: &[String]) -> Result<Return> {
    let mut child = start(server)?;
    let before = Conductor::default();
    let mut tasks = JoinSet::new();
    let after = Conductor::default();
    for part in Scenario::Mesh(peers).parts().0 {
        let (door, first, second) = (door.clone(), before.watch(), after.watch());
        tasks.spawn(async move {
            // Ends with the server.
            let _ = persist(&door, ip, &part, first).await;
            persist(&door, ip, &part, second).await
        });
    }
    until(|| before.receiving() == peers).await.context("the call did not come up")?;
    pause(SETTLE).await;
    child.kill().await?;
    let began = Instant::now();
    let mut child = start(server)?;
    until(|| after.receiving() == peers).await.context("the call did not come up again")?;
    let back = began.elapsed();
    after.go(Stage::Over);
    while tasks.join_next().await.is_some() {}
    child.kill().await?;
    Ok(Return { peers, back_ms: back.as_secs_f64() * 1e3 })
}

fn start(server: &[String]) -> Result<Child> {
    let (program, args) = server.split_first().context("no server to start")?;
    Command::new(program)
        .args(args)
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{program} could not be started"))
}

/// Joins as often as it takes, and stays until the end.
async fn persist(door: &Door, ip: IpAddr, part: &Part, watch: crate::Watch) -> Result<()> {
    let mut retry = tokio::time::interval(RETRY);
    loop {
        retry.tick().await;
        if let Ok(peer) = Peer::join(door, ip, part, watch.again()).await {
            return peer.run().await.map(drop);
        }
    }
}

async fn until(so: impl Fn() -> bool) -> Result<()> {
    let wait = async {
        let mut look = tokio::time::interval(Duration::from_millis(10));
        while !so() {
            look.tick().await;
        }
    };
    Ok(tokio::time::timeout(LIMIT, wait).await?)
}
