//! Test clinics: accounts that write to nobody, whose waiting work and expiries
//! can be moved as if time had passed.

use bedside_model::{AccountId, At};
use sqlx::{AssertSqlSafe, FromRow};

use crate::{Conn, Error, Result, Sealed, Tx, conn::Engine};

const IS_TEST: &str = "SELECT test FROM accounts WHERE id = $1";

/// Is it a test clinic?
///
/// # Errors
/// What the database says.
pub async fn is_test(conn: &mut Conn, account: &AccountId) -> Result<bool> {
    Ok(scalar_opt!(conn, bool, IS_TEST, account.as_str())?.unwrap_or(false))
}

const MARK: &str = "UPDATE accounts SET test = TRUE WHERE id = $1";

/// Makes a new account a test clinic. There is no way back: what was tried in
/// it must never be taken for care.
///
/// # Errors
/// What the database says.
pub async fn mark(tx: &mut Tx, account: &AccountId) -> Result<()> {
    execute!(tx, MARK, account.as_str()).map(drop)
}

/// Something that would have been sent to somebody.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// UUIDv7.
    pub id: String,
    /// Whose.
    pub account: AccountId,
    /// `email | sms | push`.
    pub channel: &'static str,
    /// Recipient and text, sealed.
    pub content: Sealed,
    /// Now.
    pub at: At,
}

const ADD: &str = "INSERT INTO test_messages (id, account_id, channel, content, created_at) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING";

/// Keeps what would have been sent; a second time it is the same message.
///
/// # Errors
/// What the database says.
pub async fn add_message(tx: &mut Tx, message: &NewMessage) -> Result<()> {
    execute!(tx, ADD, &message.id, message.account.as_str(), message.channel, &message.content, message.at.0)
        .map(drop)
}

/// A kept message.
#[derive(Debug, Clone, FromRow)]
pub struct Message {
    /// Its identifier.
    pub id: String,
    /// `email | sms | push`.
    pub channel: String,
    /// Recipient and text, sealed.
    pub content: Sealed,
    /// When it would have been sent, in milliseconds.
    pub created_at: i64,
}

const LIST: &str = "SELECT id, channel, content, created_at FROM test_messages WHERE account_id = $1 \
     AND ($2 IS NULL OR channel = $2) ORDER BY created_at DESC, id DESC LIMIT $3";

/// The newest messages, of one channel or of all.
///
/// # Errors
/// What the database says.
pub async fn list_messages(
    conn: &mut Conn,
    account: &AccountId,
    channel: Option<&str>,
    limit: i64,
) -> Result<Vec<Message>> {
    query_all!(conn, Message, LIST, account.as_str(), channel, limit)
}

/// Columns that say when something is due or ends.
const DUE: [&str; 3] = ["expires_at", "run_at", "due_at"];

#[derive(FromRow)]
struct Column {
    name: String,
    found: String,
}

const SQLITE_COLUMNS: &str = "SELECT m.name AS name, d.name AS found FROM sqlite_master m \
     JOIN pragma_table_info(m.name) a ON a.name = 'account_id' JOIN pragma_table_info(m.name) d \
     WHERE m.type = 'table' ORDER BY 1, 2";
const POSTGRES_COLUMNS: &str = "SELECT a.table_name::text AS name, d.column_name::text AS found \
     FROM information_schema.columns a JOIN information_schema.columns d \
     ON d.table_schema = a.table_schema AND d.table_name = a.table_name \
     WHERE a.table_schema = current_schema() AND a.column_name = 'account_id' ORDER BY 1, 2";

/// Brings everything of an account that is due or ends at some instant nearer by
/// so many milliseconds. Which columns that are is asked of the database itself,
/// so that a new table cannot be forgotten. Gives how many rows moved.
///
/// # Errors
/// What the database says.
pub async fn bring_nearer(tx: &mut Tx, account: &AccountId, by_ms: i64) -> Result<u64> {
    let sql = if tx.is_postgres() { POSTGRES_COLUMNS } else { SQLITE_COLUMNS };
    let mut moved = 0;
    for Column { name, found } in query_all!(tx, Column, sql)? {
        if !DUE.contains(&found.as_str()) {
            continue;
        }
        // Both names come from the database's own catalogue, quoted.
        let table = name.replace('"', "\"\"");
        let sql = format!(
            "UPDATE \"{table}\" SET \"{found}\" = \"{found}\" - $1 WHERE account_id = $2 AND \"{found}\" IS NOT NULL"
        );
        let done = match tx.engine() {
            Engine::Sqlite(conn) => {
                let query = sqlx::query(AssertSqlSafe(sql)).bind(by_ms).bind(account.as_str());
                query.execute(conn).await.map(|done| done.rows_affected())
            }
            Engine::Postgres(conn) => {
                let query = sqlx::query(AssertSqlSafe(sql)).bind(by_ms).bind(account.as_str());
                query.execute(conn).await.map(|done| done.rows_affected())
            }
        };
        moved += done.map_err(Error::from)?;
    }
    // Work that is due now wakes its runner.
    tx.mark_events();
    Ok(moved)
}
