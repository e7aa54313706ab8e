//! Looks after those who wait: gives up places of pages that fell silent, and
//! tells those who are called that they are next. What is found is written once,
//! however many processes look.

use std::time::Duration;

use bedside_app::{App, visits};
use tokio_util::sync::CancellationToken;

/// How late a place may be given up, or somebody told.
const EVERY: Duration = Duration::from_secs(2);

pub async fn run(app: App, stopping: CancellationToken) {
    let mut tick = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stopping.cancelled() => return,
        }
        if let Err(error) = visits::release_places(&app).await {
            tracing::warn!(?error, "places could not be looked through; trying again");
        }
        if let Err(error) = visits::tell_next(&app).await {
            tracing::warn!(?error, "who is next could not be looked for; trying again");
        }
    }
}
