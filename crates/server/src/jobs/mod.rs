//! What happens without a request: the sequencer of events, the runner of job
//! rows (one file per kind), and the short loops that write what is kept in
//! memory for a moment.

mod call_cluster;
mod call_events;
mod calls_end;
mod consumers;
mod housekeeping;
mod mail;
mod missed;
mod notify;
mod queue;
mod reminders;
mod reports;
mod runner;
mod sequencer;
mod webhooks;

use bedside_app::App;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Starts all loops. They end after `stopping`, once what waits was written.
pub fn start(app: App, stopping: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        match bedside_app::recordings::salvage(&app).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "recordings that were cut off are put together"),
            Err(error) => tracing::warn!(?error, "recordings that were cut off could not be looked for"),
        }
        let sequencer = tokio::spawn(sequencer::run(app.clone(), stopping.clone()));
        let runner = tokio::spawn(runner::run(app.clone(), stopping.clone()));
        let consumers = tokio::spawn(consumers::run(app.clone(), stopping.clone()));
        let webhooks = tokio::spawn(webhooks::run(app.clone(), stopping.clone()));
        let calls = tokio::spawn(call_events::run(app.clone(), stopping.clone()));
        let cluster = tokio::spawn(call_cluster::run(app.clone(), stopping.clone()));
        let queue = tokio::spawn(queue::run(app.clone(), stopping.clone()));
        let missed = tokio::spawn(missed::run(app.clone(), stopping.clone()));
        let reports = tokio::spawn(reports::run(app.clone(), stopping.clone()));
        let house = tokio::spawn(housekeeping::run(app.clone(), stopping.clone()));
        stopping.cancelled().await;
        app.feed.close();
        for (name, task) in [
            ("runner", runner),
            ("consumers", consumers),
            ("webhooks", webhooks),
            ("calls", calls),
            ("cluster", cluster),
            ("missed", missed),
            ("queue", queue),
            ("reports", reports),
            ("housekeeping", house),
            ("sequencer", sequencer),
        ] {
            if task.await.is_err() {
                tracing::error!(name, "a background loop panicked");
            }
        }
    })
}
