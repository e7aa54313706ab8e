//! The sequencer: gives committed events their numbers and feeds them to the
//! listeners, as soon as the store hints at new rows.

use std::time::Duration;

use bedside_app::{App, events};
use tokio_util::sync::CancellationToken;

/// How often it looks without a hint: rows of another process, or of one that
/// died between commit and number.
const LOOK_EVERY: Duration = Duration::from_secs(5);

pub async fn run(app: App, stopping: CancellationToken) {
    let mut hint = app.store.event_hint();
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            changed = hint.changed() => if changed.is_err() { return },
            _ = look.tick() => {}
            () = stopping.cancelled() => {
                number(&app).await;
                return;
            }
        }
        number(&app).await;
    }
}

async fn number(app: &App) {
    if let Err(error) = events::number(app).await {
        tracing::warn!(?error, "events could not be numbered; trying again");
    }
}
