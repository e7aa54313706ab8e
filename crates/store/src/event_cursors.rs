//! How far a reader of the whole event log has come. The row is the reader's
//! lock: two processes never read the same stretch at once.

use bedside_model::AccountId;

use crate::{Conn, Result, Tx};

const BEHIND: &str = "SELECT a.id FROM accounts a \
     LEFT JOIN event_cursors c ON c.account_id = a.id AND c.consumer = $1 \
     WHERE a.erased_at IS NULL AND COALESCE(c.seq, 0) < \
         (SELECT COALESCE(MAX(e.seq), 0) FROM events e WHERE e.account_id = a.id) ORDER BY a.id";

/// The accounts with numbered events that this reader has not read.
///
/// # Errors
/// What the database says.
pub async fn list_behind(conn: &mut Conn, consumer: &str) -> Result<Vec<AccountId>> {
    Ok(scalars!(conn, String, BEHIND, consumer)?.into_iter().map(AccountId).collect())
}

const LOCK: &str = "INSERT INTO event_cursors (account_id, consumer, seq) VALUES ($1, $2, 0) \
     ON CONFLICT (account_id, consumer) DO UPDATE SET seq = event_cursors.seq RETURNING seq";

/// The last number that was read, held until the change is over.
///
/// # Errors
/// What the database says.
pub async fn lock(tx: &mut Tx, account: &AccountId, consumer: &str) -> Result<i64> {
    scalar!(tx, i64, LOCK, account.as_str(), consumer)
}

const ADVANCE: &str = "UPDATE event_cursors SET seq = $1 WHERE account_id = $2 AND consumer = $3";

/// Everything up to this number was read.
///
/// # Errors
/// What the database says.
pub async fn advance(tx: &mut Tx, account: &AccountId, consumer: &str, seq: i64) -> Result<()> {
    execute!(tx, ADVANCE, seq, account.as_str(), consumer)?;
    Ok(())
}
