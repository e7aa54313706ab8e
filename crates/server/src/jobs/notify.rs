//! `notify.send`: hands a notification over. `notify.alert`: tells the next
//! person of a room's alert list.

use bedside_app::{App, Result, jobs::Job, notifications};

pub async fn run(app: &App, job: &Job) -> Result<()> {
    match job.kind.as_str() {
        notifications::ALERT_JOB => notifications::alert(app, job).await,
        _ => notifications::send(app, job).await,
    }
}
