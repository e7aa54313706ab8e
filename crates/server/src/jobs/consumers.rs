//! The consumers of the event log. Events are read in the change that numbers
//! them; here is read what that had to leave, and now and then what another
//! process has numbered.

use std::time::Duration;

use bedside_app::{
    App,
    consumers::{self, Consumer},
};
use tokio_util::sync::CancellationToken;

/// How often it looks without having been told.
const LOOK_EVERY: Duration = Duration::from_secs(5);

pub async fn run(app: App, stopping: CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            () = app.log_unread.notified() => {}
            _ = look.tick() => {}
            () = stopping.cancelled() => return,
        }
        for consumer in Consumer::ALL {
            if let Err(error) = consumers::read(&app, consumer).await {
                tracing::warn!(?consumer, ?error, "events could not be read; trying again");
            }
        }
    }
}
