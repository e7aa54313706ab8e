//! The deliverer of webhooks. Each endpoint has a queue of its own (its rows)
//! and a limit of tries at once, so one that hangs or fails holds up no other.

use std::time::Duration;

use bedside_app::{
    App, Result,
    webhooks::{self, Claimed},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Longest pause without a look: what another process has written is not heard.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Shortest pause between looks for what comes due.
const BREATH: Duration = Duration::from_millis(5);

pub async fn run(app: App, stopping: CancellationToken) {
    let mut claimed = app.deliveries.open();
    let tries = TaskTracker::new();
    // Kept while claimed deliveries come in, so that they do not put it off.
    let mut timer = Box::pin(tokio::time::sleep(Duration::ZERO));
    loop {
        tokio::select! {
            () = stopping.cancelled() => break,
            Some(claimed) = claimed.recv() => {
                start(&app, &tries, claimed);
                continue;
            }
            () = app.webhooks_due.notified() => {}
            () = &mut timer => {}
        }
        let pause = match look(&app, &tries).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(?error, "deliveries could not be claimed; trying again");
                LOOK_EVERY
            }
        };
        timer.set(tokio::time::sleep(pause));
    }
    app.deliveries.close();
    while let Ok(claimed) = claimed.try_recv() {
        start(&app, &tries, claimed);
    }
    tries.close();
    tries.wait().await;
}

/// Starts what is due and has room; gives how long to pause.
async fn look(app: &App, tries: &TaskTracker) -> Result<Duration> {
    for (_, endpoint) in webhooks::list_due(app).await? {
        for claimed in webhooks::claim(app, &endpoint).await? {
            start(app, tries, claimed);
        }
    }
    let next = webhooks::idle_for(app).await?;
    Ok(next.unwrap_or(LOOK_EVERY).clamp(BREATH, LOOK_EVERY))
}

/// One delivery after another, as long as the endpoint has some that is due.
fn start(app: &App, tries: &TaskTracker, claimed: Claimed) {
    let app = app.clone();
    tries.spawn(async move {
        let mut next = Some(claimed);
        while let Some(claimed) = next.take() {
            let id = claimed.delivery.id.clone();
            match webhooks::deliver(&app, claimed).await {
                Ok(more) => next = more,
                Err(error) => {
                    tracing::warn!(delivery = id, ?error, "a try was not written down; it comes back");
                }
            }
        }
    });
}
