//! Counts the figures of reports anew, shortly after something has changed. What
//! waits is in rows; other processes may count at the same time.

use std::time::Duration;

use bedside_app::{App, reports};
use tokio_util::sync::CancellationToken;

/// How far behind reports may be.
const EVERY: Duration = Duration::from_secs(5);

pub async fn run(app: App, stopping: CancellationToken) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stopping.cancelled() => return,
        }
        loop {
            match reports::roll_up(&app).await {
                Ok(true) if !stopping.is_cancelled() => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(?error, "figures of reports could not be counted; trying again");
                    break;
                }
            }
        }
    }
}
