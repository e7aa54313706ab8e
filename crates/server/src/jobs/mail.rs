//! `mail.send`: sends a mail that a change asked for.

use bedside_app::{App, Result, jobs::Job, mail};

pub async fn run(app: &App, job: &Job) -> Result<()> {
    mail::send(app, job).await
}
