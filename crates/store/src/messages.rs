//! Messages of visits, and how far everybody has read. Messages of one visit
//! are counted without gaps, under a lock on the visit's conversation, so that
//! a reader who goes on after a number misses none.

use bedside_model::{AccountId, At, FileId, UserId, VisitId};
use sqlx::FromRow;

use crate::{Conn, Result, Sealed, Tx};

/// A message as it is kept.
#[derive(Debug, Clone)]
pub struct Message {
    /// UUIDv7.
    pub id: String,
    /// Whose account it is in.
    pub account: AccountId,
    /// At which visit.
    pub visit: VisitId,
    /// Its place there, from 1.
    pub number: i64,
    /// Who wrote it.
    pub sender: UserId,
    /// The sender's own name for it.
    pub client_id: String,
    /// The text, sealed for `messages.text:<id>`.
    pub text: Option<Sealed>,
    /// The file that comes with it.
    pub file: Option<FileId>,
    /// When it was written.
    pub created_at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    visit_id: i64,
    number: i64,
    sender_id: i64,
    client_id: String,
    text: Option<Sealed>,
    file_id: Option<String>,
    created_at: i64,
}

impl From<Row> for Message {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            account: AccountId(row.account_id),
            visit: VisitId(row.visit_id),
            number: row.number,
            sender: UserId(row.sender_id),
            client_id: row.client_id,
            text: row.text,
            file: row.file_id.map(FileId),
            created_at: At(row.created_at),
        }
    }
}

macro_rules! select_messages {
    ($rest:literal) => {
        concat!(
            "SELECT id, account_id, visit_id, number, sender_id, client_id, text, file_id, created_at FROM messages ",
            $rest
        )
    };
}

const LOCK: &str = "INSERT INTO conversations (visit_id, account_id, last_number) VALUES ($1, $2, 0) \
     ON CONFLICT (visit_id) DO UPDATE SET last_number = conversations.last_number RETURNING last_number";

/// The number of a visit's last message, held until the change is over.
///
/// # Errors
/// What the database says.
pub async fn lock(tx: &mut Tx, account: &AccountId, visit: VisitId) -> Result<i64> {
    scalar!(tx, i64, LOCK, visit.0, account.as_str())
}

const ADD: &str = "INSERT INTO messages (id, account_id, visit_id, number, sender_id, client_id, text, file_id, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const COUNTED: &str = "UPDATE conversations SET last_number = $1 WHERE account_id = $2 AND visit_id = $3";

/// Adds a message under [`lock`], with the number after the last.
///
/// # Errors
/// [`crate::Error::Foreign`] when its file is gone.
pub async fn add(tx: &mut Tx, message: &Message) -> Result<()> {
    execute!(
        tx,
        ADD,
        &message.id,
        message.account.as_str(),
        message.visit.0,
        message.number,
        message.sender.0,
        &message.client_id,
        &message.text,
        message.file.as_ref().map(FileId::as_str),
        message.created_at.0,
    )?;
    execute!(tx, COUNTED, message.number, message.account.as_str(), message.visit.0)?;
    Ok(())
}

const SENT: &str =
    select_messages!("WHERE account_id = $1 AND sender_id = $2 AND visit_id = $3 AND client_id = $4");

/// The message that somebody sent under this name of their own.
///
/// # Errors
/// What the database says.
pub async fn find_sent(
    conn: &mut Conn,
    account: &AccountId,
    visit: VisitId,
    sender: UserId,
    client_id: &str,
) -> Result<Option<Message>> {
    let found = query_opt!(conn, Row, SENT, account.as_str(), sender.0, visit.0, client_id)?;
    Ok(found.map(Message::from))
}

const LIST: &str =
    select_messages!("WHERE account_id = $1 AND visit_id = $2 AND number > $3 ORDER BY number LIMIT $4");

/// A visit's messages after a number, the oldest first.
///
/// # Errors
/// What the database says.
pub async fn list(
    conn: &mut Conn,
    account: &AccountId,
    visit: VisitId,
    after: i64,
    limit: i64,
) -> Result<Vec<Message>> {
    let rows = query_all!(conn, Row, LIST, account.as_str(), visit.0, after, limit)?;
    Ok(rows.into_iter().map(Message::from).collect())
}

const LAST: &str = "SELECT last_number FROM conversations WHERE account_id = $1 AND visit_id = $2";

/// How many messages a visit has: the number of the last.
///
/// # Errors
/// What the database says.
pub async fn count(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<i64> {
    Ok(scalar_opt!(conn, i64, LAST, account.as_str(), visit.0)?.unwrap_or(0))
}

const SINCE: &str = "SELECT COUNT(*) FROM messages WHERE account_id = $1 AND visit_id = $2 AND sender_id = $3 AND created_at > $4";

/// How many messages somebody sent at a visit since then.
///
/// # Errors
/// What the database says.
pub async fn count_since(
    conn: &mut Conn,
    account: &AccountId,
    visit: VisitId,
    sender: UserId,
    since: At,
) -> Result<i64> {
    scalar!(conn, i64, SINCE, account.as_str(), visit.0, sender.0, since.0)
}

const READ: &str = "INSERT INTO message_reads (visit_id, user_id, account_id, up_to, read_at) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (visit_id, user_id) DO UPDATE SET up_to = excluded.up_to, read_at = excluded.read_at \
     WHERE message_reads.up_to < excluded.up_to";

/// Somebody has read up to this number. Gives false when they had before.
///
/// # Errors
/// What the database says.
pub async fn read(
    tx: &mut Tx,
    account: &AccountId,
    visit: VisitId,
    user: UserId,
    up_to: i64,
    at: At,
) -> Result<bool> {
    Ok(execute!(tx, READ, visit.0, user.0, account.as_str(), up_to, at.0)? == 1)
}

#[derive(FromRow)]
struct Mark {
    user_id: i64,
    up_to: i64,
}

const READS: &str =
    "SELECT user_id, up_to FROM message_reads WHERE account_id = $1 AND visit_id = $2 ORDER BY user_id";

/// How far everybody has read at a visit.
///
/// # Errors
/// What the database says.
pub async fn list_reads(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<Vec<(UserId, i64)>> {
    let rows = query_all!(conn, Mark, READS, account.as_str(), visit.0)?;
    Ok(rows.into_iter().map(|mark| (UserId(mark.user_id), mark.up_to)).collect())
}
