//! Short loops: presence, coalesced reads and last uses from memory to rows, and the
//! audit chain.

use std::time::Duration;

use bedside_app::{App, api_apps, audit, audit_trail, presence, request_log};
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(10);

pub async fn run(app: App, stopping: CancellationToken) {
    let mut tick = tokio::time::interval(EVERY);
    loop {
        let last = tokio::select! {
            _ = tick.tick() => false,
            () = stopping.cancelled() => true,
        };
        if let Err(error) = presence::flush(&app).await {
            tracing::warn!(?error, "presence could not be written");
        }
        if let Err(error) = audit::flush_reads(&app, last).await {
            tracing::warn!(?error, "reads could not be written to the audit trail");
        }
        if let Err(error) = request_log::flush(&app).await {
            tracing::warn!(?error, "requests could not be written to the request log");
        }
        if let Err(error) = api_apps::flush_uses(&app, last).await {
            tracing::warn!(?error, "the last uses of keys and tokens could not be written");
        }
        if let Err(error) = app.store.forget_erased().await {
            tracing::warn!(?error, "it could not be asked which accounts were deleted");
        }
        if let Err(error) = audit_trail::chain(&app).await {
            tracing::warn!(?error, "audit entries could not be chained");
        }
        if last {
            return;
        }
    }
}
