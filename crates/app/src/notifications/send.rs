//! Handing a notification over: the job's work. What became of it is written on
//! the row. A job that died between the two hands it over again under the same
//! name, which a folder and most mail programs show once.

use bedside_model::{
    Phi,
    endpoint::Key,
    notification::{Channel, MAX_TRIES, State},
};
use bedside_store::{
    Vault, endpoints,
    jobs::Job,
    notifications::{self, Notification},
};
use serde_json::{Value, json};

use super::{
    compose::{Composed, Stale, compose},
    tell::place,
};
use crate::{
    App, Error, Result, mail,
    ports::{mail::Letter, sms::Message},
    test_clinic,
};

/// Sends a notification.
///
/// # Errors
/// What the store says, and faults of the way that may pass: the job is tried
/// again, with growing pauses.
pub async fn send(app: &App, job: &Job) -> Result<()> {
    let id = job.payload.get("notification_id").and_then(Value::as_str);
    let (Some(id), Some(account)) = (id, &job.account) else {
        return Err(Error::invalid("bad_job", "The job names no notification."));
    };
    let mut conn = app.store.reader().await?;
    let found = notifications::find(&mut conn, account, id).await?;
    let Some(row) = found.filter(|row| row.state == State::Waiting) else { return Ok(()) };
    if app.clock.now() >= row.expires_at {
        drop(conn);
        return settle(app, row, State::Failed, "too_late").await;
    }
    let vault = app.store.vault(account).await?;
    let composed = match compose(app, &mut conn, &vault, &row).await? {
        Ok(composed) => composed,
        Err(stale) => {
            drop(conn);
            let why = match stale {
                Stale::Visit => "visit_changed",
                Stale::Person => "no_person",
            };
            return settle(app, row, State::Skipped, why).await;
        }
    };
    let unwanted = row.channel == Channel::Mail
        && row.kind.is_notice()
        && composed.person.as_ref().is_some_and(|person| person.disable_emails);
    let endpoint = match row.endpoint.as_str() {
        "" => None,
        id => endpoints::find(&mut conn, account, id).await?,
    };
    drop(conn);
    if unwanted {
        return settle(app, row, State::Skipped, "not_wanted").await;
    }
    let key = match (&endpoint, row.endpoint.is_empty()) {
        (Some(endpoint), _) => Some(crate::endpoints::open(&vault, endpoint)?),
        (None, true) => None,
        (None, false) => return settle(app, row, State::Skipped, "no_endpoint").await,
    };
    let done = hand_over(app, &vault, &row, composed, key).await;
    finish(app, row, done).await
}

async fn hand_over(
    app: &App,
    vault: &Vault,
    row: &Notification,
    composed: Composed,
    key: Option<Key>,
) -> Result<()> {
    let address = match (&row.address, &key) {
        (Some(sealed), _) => Some(vault.open_text(&place(&row.id), sealed)?),
        (None, Some(key)) => Some(key.key.clone()),
        (None, None) => None,
    };
    match row.channel {
        Channel::App => Ok(()),
        Channel::Mail => letter(app, row, composed, address).await,
        Channel::Sms => {
            let to = address.ok_or_else(|| Error::invalid("no_endpoint", "There is no number."))?;
            let Composed { clinic, written, link, .. } = composed;
            let text = format!("{clinic}: {} {}", written.short, link.reveal());
            deliver_sms(app, row, to, text).await
        }
        Channel::Push => {
            let key = key.ok_or_else(|| Error::invalid("no_endpoint", "There is no subscription."))?;
            let text = json!({
                "title": composed.clinic, "body": composed.written.short,
                "url": composed.link.reveal(), "tag": row.kind.as_str(),
            });
            deliver_push(app, row, &key, &text).await
        }
    }
}

async fn letter(app: &App, row: &Notification, composed: Composed, address: Option<String>) -> Result<()> {
    let profile = composed.person.as_ref().map(|person| person.profile.reveal());
    let to_address = match (address, profile) {
        (Some(address), _) => address,
        (None, Some(profile)) => profile.email.trim().to_owned(),
        (None, None) => String::new(),
    };
    let letter = Letter {
        id: row.id.clone(),
        host: mail::host(&app.settings.pages_url),
        to_name: profile.map(|profile| profile.full_name()).unwrap_or_default(),
        to_address,
        subject: composed.written.subject,
        text: composed.written.text,
        html: composed.written.html,
        invite: composed.invite,
        unsubscribe: composed.unsubscribe,
        at: app.clock.now(),
    };
    mail::deliver(app, &row.account, letter).await
}

/// Hands a short message to the port; a test clinic keeps it instead.
pub(super) async fn deliver_sms(app: &App, row: &Notification, to: String, text: String) -> Result<()> {
    let content = json!({ "to": to, "text": text });
    if test_clinic::keep(app, &row.account, "sms", &row.id, &content).await? {
        return Ok(());
    }
    app.sms.send(Message { id: row.id.clone(), to: Phi::from(to), text: Phi::from(text) }).await
}

/// Hands a message to the browser's push service; a test clinic keeps it.
pub(super) async fn deliver_push(app: &App, row: &Notification, key: &Key, text: &Value) -> Result<()> {
    let content = json!({ "to": key.key, "text": text["body"] });
    if test_clinic::keep(app, &row.account, "push", &row.id, &content).await? {
        return Ok(());
    }
    let now = app.clock.now();
    let seconds = (row.expires_at.0 - now.0) / 1_000;
    let request = app.push.request(key, &text.to_string(), seconds, &app.random, now)?;
    app.push.deliver(request).await
}

/// The word for somebody who cannot be reached there, now or ever.
pub(super) fn is_final(code: Option<&str>) -> bool {
    matches!(code, Some("bad_address" | "mail_bounced" | "sms_bounced" | "push_gone" | "no_endpoint"))
}

async fn finish(app: &App, row: Notification, done: Result<()>) -> Result<()> {
    let Err(error) = done else { return settle(app, row, State::Sent, "").await };
    let code = error.code();
    if is_final(code) {
        // A subscription that has ended, or a key that is none, is not kept.
        if code == Some("push_gone") {
            forget(app, &row).await?;
        }
        return settle(app, row, State::Bounced, code.unwrap_or("bounced")).await;
    }
    if row.tries + 1 >= MAX_TRIES || code == Some("sms_off") {
        return settle(app, row, State::Failed, code.unwrap_or("internal")).await;
    }
    settle(app, row, State::Waiting, code.unwrap_or("internal")).await?;
    Err(error)
}

async fn forget(app: &App, row: &Notification) -> Result<()> {
    let (account, endpoint) = (row.account.clone(), row.endpoint.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                endpoints::delete(tx, &account, &endpoint).await?;
                Ok::<_, Error>(())
            })
        })
        .await
}

/// Writes what became of it; a waiting one keeps waiting, with one try more.
async fn settle(app: &App, row: Notification, state: State, reason: &'static str) -> Result<()> {
    let settled_at = (state != State::Waiting).then(|| app.clock.now());
    let tries = row.tries + i64::from(state != State::Skipped);
    let row = Notification { state, reason: reason.to_owned(), tries, settled_at, ..row };
    app.store
        .write(move |tx| {
            Box::pin(async move {
                notifications::settle(tx, &row).await?;
                Ok::<_, Error>(())
            })
        })
        .await
}
