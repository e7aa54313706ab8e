//! What the calls tell, written as events of their visits.

use bedside_app::{App, calls};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

pub async fn run(app: App, stopping: CancellationToken) {
    let Some(embedded) = app.calls.embedded() else { return };
    let mut events = embedded.node().events();
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = stopping.cancelled() => return,
        };
        match event {
            Ok(event) => {
                if let Err(error) = calls::record(&app, event).await {
                    tracing::warn!(?error, "a call's event could not be written");
                }
            }
            Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "calls told more than could be written"),
            Err(RecvError::Closed) => return,
        }
    }
}
