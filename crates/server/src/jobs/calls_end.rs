//! `calls.end`: ends the call of a visit that is over, also when the process
//! died right after the change.

use bedside_app::{App, Error, Result, calls, jobs::Job};

pub async fn run(app: &App, job: &Job) -> Result<()> {
    let meeting = job.payload.get("meeting_id").and_then(serde_json::Value::as_str);
    let meeting = meeting.ok_or_else(|| Error::invalid("bad_job", "The job names no call."))?;
    calls::end_if_over(app, meeting).await
}
