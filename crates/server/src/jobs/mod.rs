//! What happens without a request: the sequencer of events, the runner of job
//! rows (one file per kind), and the short loops that write what is kept in
//! memory for a moment.

mod call_events;
mod calls_end;
mod housekeeping;
mod mail;
mod runner;
mod sequencer;

use bedside_app::App;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Starts all loops. They end after `stopping`, once what waits was written.
pub fn start(app: App, stopping: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        let sequencer = tokio::spawn(sequencer::run(app.clone(), stopping.clone()));
        let runner = tokio::spawn(runner::run(app.clone(), stopping.clone()));
        let calls = tokio::spawn(call_events::run(app.clone(), stopping.clone()));
        let house = tokio::spawn(housekeeping::run(app.clone(), stopping.clone()));
        stopping.cancelled().await;
        app.feed.close();
        for (name, task) in
            [("runner", runner), ("calls", calls), ("housekeeping", house), ("sequencer", sequencer)]
        {
            if task.await.is_err() {
                tracing::error!(name, "a background loop panicked");
            }
        }
    })
}
