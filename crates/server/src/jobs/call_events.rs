//! What the calls tell, written as events of their visits.

use std::{pin::pin, time::Duration};

use bedside_app::{App, calls};
use tokio::{sync::broadcast::error::RecvError, time::Instant};
use tokio_util::sync::CancellationToken;

/// How long whoever was in a call when the server stopped has to come back:
/// clients try again at once, and a phone that was in a lift a little later.
const RETURN: Duration = Duration::from_secs(30);

pub async fn run(app: App, stopping: CancellationToken) {
    let Some(embedded) = app.calls.embedded() else { return };
    let mut events = embedded.node().events();
    let (mut missing, mut looked) = (pin!(tokio::time::sleep(RETURN)), false);
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = &mut missing, if !looked => {
                looked = true;
                if let Err(error) = calls::miss(&app).await {
                    tracing::warn!(?error, "who did not come back to calls could not be written");
                }
                continue;
            }
            () = stopping.cancelled() => return,
        };
        match event {
            Ok(event) => {
                if let Err(error) = calls::record(&app, event).await {
                    tracing::warn!(?error, "a call's event could not be written");
                }
            }
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "calls told more than could be written");
                missing.as_mut().reset(Instant::now() + RETURN);
                looked = false;
            }
            Err(RecvError::Closed) => return,
        }
    }
}
