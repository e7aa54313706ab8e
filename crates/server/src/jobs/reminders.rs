//! `reminders.send`: reminds of an appointment that comes near.

use bedside_app::{App, Result, jobs::Job, reminders};

pub async fn run(app: &App, job: &Job) -> Result<()> {
    reminders::send(app, job).await
}
