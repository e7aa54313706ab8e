//! Mails that wait or were sent of late: who asked, and for whom. What a mail
//! says is made when it is sent; nothing secret is kept here.

use bedside_model::{AccountId, At, UserId, mail::MailKind};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx};

/// A mail to send.
#[derive(Debug, Clone)]
pub struct Mail {
    /// UUIDv7.
    pub id: String,
    /// Whose clinic.
    pub account: AccountId,
    /// To whom; none where the job has yet to find out.
    pub user: Option<UserId>,
    /// What it is about.
    pub kind: MailKind,
    /// Whose password was forgotten, as the person wrote it.
    pub wanted: Option<Sealed>,
    /// Hash of the address that asked, in hex; empty for our own mails.
    pub asked_from: String,
    /// When it was asked for.
    pub at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    user_id: Option<i64>,
    kind: String,
    wanted: Option<Sealed>,
    asked_from: String,
    created_at: i64,
}

impl TryFrom<Row> for Mail {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            account: AccountId(row.account_id),
            user: row.user_id.map(UserId),
            kind: MailKind::parse(&row.kind).ok_or(Error::Value("mails.kind"))?,
            wanted: row.wanted,
            asked_from: row.asked_from,
            at: At(row.created_at),
        })
    }
}

const ADD: &str = "INSERT INTO mails (id, account_id, user_id, kind, wanted, asked_from, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// Adds a mail.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, mail: &Mail) -> Result<()> {
    execute!(
        tx,
        ADD,
        &mail.id,
        mail.account.as_str(),
        mail.user.map(|user| user.0),
        mail.kind.as_str(),
        mail.wanted.as_ref(),
        &mail.asked_from,
        mail.at.0,
    )?;
    Ok(())
}

const BY_ID: &str = "SELECT id, account_id, user_id, kind, wanted, asked_from, created_at FROM mails \
     WHERE account_id = $1 AND id = $2";

/// The account's mail of this identifier.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: &str) -> Result<Option<Mail>> {
    query_opt!(conn, Row, BY_ID, account.as_str(), id)?.map(Mail::try_from).transpose()
}

const ASKED_SINCE: &str =
    "SELECT COUNT(*) FROM mails WHERE account_id = $1 AND asked_from = $2 AND created_at > $3";

/// How many mails an address has asked for since an instant.
///
/// # Errors
/// What the database says.
pub async fn count_asked(conn: &mut Conn, account: &AccountId, asked_from: &str, since: At) -> Result<i64> {
    scalar!(conn, i64, ASKED_SINCE, account.as_str(), asked_from, since.0)
}

const PURGE: &str = "DELETE FROM mails WHERE created_at < $1";

/// Deletes what was asked for before an instant. Gives how many.
///
/// # Errors
/// What the database says.
pub async fn purge(tx: &mut Tx, before: At) -> Result<u64> {
    execute!(tx, PURGE, before.0)
}

const BY_EMAIL: &str = "SELECT id FROM users WHERE account_id = $1 AND email_search = $2 \
     ORDER BY id LIMIT $3";

/// The users with this e-mail address (case folded), oldest first.
///
/// # Errors
/// What the database says.
pub async fn users_of(conn: &mut Conn, account: &AccountId, email: &str, limit: i64) -> Result<Vec<UserId>> {
    Ok(scalars!(conn, i64, BY_EMAIL, account.as_str(), email, limit)?.into_iter().map(UserId).collect())
}
