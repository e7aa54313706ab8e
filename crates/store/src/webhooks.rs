//! Webhook endpoints.

use bedside_model::{
    AccountId, At,
    event::EventType,
    webhook::{Filter, Version},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx};

/// An endpoint as it is kept.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// UUIDv7.
    pub id: String,
    /// Whose it is.
    pub account: AccountId,
    /// Where to.
    pub url: String,
    /// Which bodies it gets.
    pub version: Version,
    /// What it hears of.
    pub filter: Filter,
    /// Is it told at all?
    pub active: bool,
    /// What deliveries are signed with, sealed.
    pub secret: Sealed,
    /// The secret before it, and until when it signs too.
    pub old_secret: Option<(Sealed, At)>,
    /// It hears of what has a higher number.
    pub after_seq: i64,
    /// Since when no delivery has come through.
    pub failing_since: Option<At>,
    /// Why the house switched it off: `gone` or `failing`.
    pub disabled_reason: Option<String>,
    /// When it was made.
    pub created_at: At,
    /// When it was changed last.
    pub updated_at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    url: String,
    version: String,
    events: String,
    strict: bool,
    active: bool,
    secret: Sealed,
    old_secret: Option<Sealed>,
    old_secret_until: Option<i64>,
    after_seq: i64,
    failing_since: Option<i64>,
    disabled_reason: Option<String>,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for Webhook {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            account: AccountId(row.account_id),
            url: row.url,
            version: Version::parse(&row.version).ok_or(Error::Value("webhooks.version"))?,
            filter: Filter {
                types: serde_json::from_str(&row.events).map_err(|_| Error::Value("webhooks.events"))?,
                strict: row.strict,
            },
            active: row.active,
            secret: row.secret,
            old_secret: row.old_secret.zip(row.old_secret_until.map(At)),
            after_seq: row.after_seq,
            failing_since: row.failing_since.map(At),
            disabled_reason: row.disabled_reason,
            created_at: At(row.created_at),
            updated_at: At(row.updated_at),
        })
    }
}

fn types(types: &[EventType]) -> Result<String> {
    serde_json::to_string(types).map_err(|_| Error::Value("webhooks.events"))
}

const ADD: &str = "INSERT INTO webhooks (id, account_id, url, version, events, strict, active, secret, \
     after_seq, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)";

/// Adds an endpoint.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, webhook: &Webhook) -> Result<()> {
    let types = types(&webhook.filter.types)?;
    execute!(
        tx,
        ADD,
        &webhook.id,
        webhook.account.as_str(),
        &webhook.url,
        webhook.version.as_str(),
        &types,
        webhook.filter.strict,
        webhook.active,
        &webhook.secret,
        webhook.after_seq,
        webhook.created_at.0,
    )?;
    Ok(())
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, account_id, url, version, events, strict, active, secret, old_secret, old_secret_until, \
             after_seq, failing_since, disabled_reason, created_at, updated_at FROM webhooks WHERE account_id = $1 ",
            $rest
        )
    };
}

const LIST: &str = select!("ORDER BY created_at, id");

/// The account's endpoints, oldest first.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, account: &AccountId) -> Result<Vec<Webhook>> {
    query_all!(conn, Row, LIST, account.as_str())?.into_iter().map(Webhook::try_from).collect()
}

const BY_ID: &str = select!("AND id = $2");

/// The account's endpoint of this identifier.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: &str) -> Result<Option<Webhook>> {
    query_opt!(conn, Row, BY_ID, account.as_str(), id)?.map(Webhook::try_from).transpose()
}

const UPDATE: &str = "UPDATE webhooks SET url = $1, version = $2, events = $3, strict = $4, active = $5, \
     secret = $6, old_secret = $7, old_secret_until = $8, failing_since = $9, disabled_reason = $10, \
     updated_at = $11 WHERE account_id = $12 AND id = $13";

/// Writes an endpoint anew. Gives false when there is none.
///
/// # Errors
/// What the database says.
pub async fn update(tx: &mut Tx, webhook: &Webhook) -> Result<bool> {
    let types = types(&webhook.filter.types)?;
    let (old, until) = match &webhook.old_secret {
        Some((old, until)) => (Some(old), Some(until.0)),
        None => (None, None),
    };
    let touched = execute!(
        tx,
        UPDATE,
        &webhook.url,
        webhook.version.as_str(),
        &types,
        webhook.filter.strict,
        webhook.active,
        &webhook.secret,
        old,
        until,
        webhook.failing_since.map(|at| at.0),
        webhook.disabled_reason.as_deref(),
        webhook.updated_at.0,
        webhook.account.as_str(),
        &webhook.id,
    )?;
    Ok(touched > 0)
}

const CAME_THROUGH: &str = "UPDATE webhooks SET failing_since = NULL \
     WHERE account_id = $1 AND id = $2 AND failing_since IS NOT NULL";

/// A delivery has come through.
///
/// # Errors
/// What the database says.
pub async fn came_through(tx: &mut Tx, account: &AccountId, id: &str) -> Result<()> {
    execute!(tx, CAME_THROUGH, account.as_str(), id).map(drop)
}

const FAILED: &str = "UPDATE webhooks SET failing_since = COALESCE(failing_since, $1) \
     WHERE account_id = $2 AND id = $3 RETURNING failing_since";

/// A try has failed: gives since when none has come through.
///
/// # Errors
/// What the database says.
pub async fn failed(tx: &mut Tx, account: &AccountId, id: &str, now: At) -> Result<Option<At>> {
    Ok(scalar_opt!(tx, i64, FAILED, now.0, account.as_str(), id)?.map(At))
}

const DISABLE: &str = "UPDATE webhooks SET active = FALSE, disabled_reason = $1, updated_at = $2 \
     WHERE account_id = $3 AND id = $4 AND active";

/// Switches an endpoint off. Gives false when it was off already.
///
/// # Errors
/// What the database says.
pub async fn disable(tx: &mut Tx, account: &AccountId, id: &str, why: &str, now: At) -> Result<bool> {
    Ok(execute!(tx, DISABLE, why, now.0, account.as_str(), id)? > 0)
}

const DELETE: &str = "DELETE FROM webhooks WHERE account_id = $1 AND id = $2";

/// Deletes an endpoint; the schema deletes its deliveries and attempts with it,
/// also those that a worker writes meanwhile. Gives false when there was none.
///
/// # Errors
/// What the database says.
pub async fn delete(tx: &mut Tx, account: &AccountId, id: &str) -> Result<bool> {
    Ok(execute!(tx, DELETE, account.as_str(), id)? > 0)
}
