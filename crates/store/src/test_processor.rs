//! The books of the card processor that test clinics pay at. A real processor
//! keeps its own; these stand apart from ours, in changes of their own, so that
//! what is lost between both is lost here as it would be there.

use bedside_model::{AccountId, At};
use sqlx::FromRow;

use crate::{Conn, Result, Tx};

/// Something the processor was asked for under an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key; also the processor's name of a charge.
    pub key: String,
    /// Whose.
    pub account: AccountId,
    /// `charge` or `refund`.
    pub kind: String,
    /// The charge that a refund gives back.
    pub charge: Option<String>,
    /// In the currency's smallest unit.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
    /// `succeeded`, `declined` or `requires_action`.
    pub state: String,
    /// Why it was declined.
    pub reason: Option<String>,
    /// When.
    pub created_at: At,
}

#[derive(FromRow)]
struct Row {
    idempotency_key: String,
    account_id: String,
    kind: String,
    charge_id: Option<String>,
    amount: i64,
    currency: String,
    state: String,
    reason: Option<String>,
    created_at: i64,
}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        Self {
            key: row.idempotency_key,
            account: AccountId(row.account_id),
            kind: row.kind,
            charge: row.charge_id,
            amount: row.amount,
            currency: row.currency,
            state: row.state,
            reason: row.reason,
            created_at: At(row.created_at),
        }
    }
}

const ADD: &str = "INSERT INTO test_processor (idempotency_key, account_id, kind, charge_id, amount, currency, state, \
     reason, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";

/// Books an entry. Gives false when its key is in the books already.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, entry: &Entry) -> Result<bool> {
    let touched = execute!(
        tx,
        ADD,
        &entry.key,
        entry.account.as_str(),
        &entry.kind,
        entry.charge.as_deref(),
        entry.amount,
        &entry.currency,
        &entry.state,
        entry.reason.as_deref(),
        entry.created_at.0,
    )?;
    Ok(touched == 1)
}

const FIND: &str = "SELECT idempotency_key, account_id, kind, charge_id, amount, currency, state, reason, created_at \
     FROM test_processor WHERE account_id = $1 AND idempotency_key = $2";

/// The entry of a key.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, key: &str) -> Result<Option<Entry>> {
    Ok(query_opt!(conn, Row, FIND, account.as_str(), key)?.map(Entry::from))
}

const REFUNDED: &str = "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM test_processor WHERE account_id = $1 \
     AND charge_id = $2 AND kind = 'refund' AND state = 'succeeded'";

/// What was given back of a charge.
///
/// # Errors
/// What the database says.
pub async fn refunded(conn: &mut Conn, account: &AccountId, charge: &str) -> Result<i64> {
    scalar!(conn, i64, REFUNDED, account.as_str(), charge)
}

const CONFIRM: &str = "UPDATE test_processor SET state = $1, reason = $2 WHERE account_id = $3 AND idempotency_key = $4 \
     AND state = 'requires_action'";

/// The payer has confirmed a charge, or has not.
///
/// # Errors
/// What the database says.
pub async fn confirm(
    tx: &mut Tx,
    account: &AccountId,
    key: &str,
    state: &str,
    reason: Option<&str>,
) -> Result<()> {
    execute!(tx, CONFIRM, state, reason, account.as_str(), key).map(drop)
}
