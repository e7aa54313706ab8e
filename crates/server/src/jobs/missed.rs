//! Looks for appointments that were missed. What is found is written once,
//! however many processes look (`visits::notice_missed`).

use std::time::Duration;

use bedside_app::{App, visits};
use tokio_util::sync::CancellationToken;

/// How long an appointment may be over before somebody hears that it was missed.
const EVERY: Duration = Duration::from_secs(5);

pub async fn run(app: App, stopping: CancellationToken) {
    let mut tick = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stopping.cancelled() => return,
        }
        if let Err(error) = visits::notice_missed(&app).await {
            tracing::warn!(?error, "missed appointments could not be looked for; trying again");
        }
    }
}
