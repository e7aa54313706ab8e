//! Looks at the calls that a cluster carries: its messages are only hints.

use std::time::Duration;

use bedside_app::{App, calls};
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(10);

pub async fn run(app: App, stopping: CancellationToken) {
    if app.calls.cluster().is_none() {
        return;
    }
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stopping.cancelled() => return,
        }
        tokio::select! {
            done = calls::look(&app) => if let Err(error) = done {
                tracing::warn!(?error, "the calls at the cluster could not be looked at");
            },
            () = stopping.cancelled() => return,
        }
    }
}
