//! Answers that are given again: what a caller's `Idempotency-Key` stands for.

use bedside_model::{AccountId, At};
use sqlx::FromRow;

use crate::{Conn, Result, Sealed, Tx};

/// A caller's right to one change, to be taken inside that change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// UUIDv7 of this attempt.
    pub id: String,
    /// Whose clinic.
    pub account: AccountId,
    /// Whose key.
    pub caller: String,
    /// SHA-256 of the key.
    pub key_hash: Vec<u8>,
    /// SHA-256 of the request, sealed for `id`.
    pub fingerprint: Sealed,
    /// Now.
    pub at: At,
    /// Older claims of the same key count no more.
    pub expired_before: At,
}

/// What a key stands for.
#[derive(Debug, Clone, FromRow)]
pub struct Kept {
    /// The attempt that made it.
    pub id: String,
    /// Its request, sealed.
    pub fingerprint: Sealed,
    /// What it made; empty when it changed nothing.
    pub object_id: String,
    /// Its answer's body, sealed, once it was given.
    pub answer: Option<Sealed>,
}

const CLAIM: &str = "INSERT INTO idempotency_keys \
     (id, account_id, caller, key_hash, fingerprint, object_kind, object_id, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
     ON CONFLICT (account_id, caller, key_hash) DO UPDATE SET \
     object_kind = CASE WHEN idempotency_keys.id = excluded.id THEN idempotency_keys.object_kind \
     ELSE excluded.object_kind END, \
     object_id = CASE WHEN idempotency_keys.id = excluded.id THEN idempotency_keys.object_id \
     ELSE excluded.object_id END, \
     id = excluded.id, fingerprint = excluded.fingerprint, answer = NULL, created_at = excluded.created_at \
     WHERE idempotency_keys.id = excluded.id OR idempotency_keys.created_at < $9";

/// Takes the key for this attempt; the first object it is told stays. Gives
/// false when another attempt holds the key: of two at once, one gets true.
///
/// # Errors
/// What the database says.
pub async fn claim(tx: &mut Tx, claim: &Claim, object_kind: &str, object_id: &str) -> Result<bool> {
    let taken = execute!(
        tx,
        CLAIM,
        &claim.id,
        claim.account.as_str(),
        &claim.caller,
        &claim.key_hash[..],
        &claim.fingerprint,
        object_kind,
        object_id,
        claim.at.0,
        claim.expired_before.0,
    )?;
    Ok(taken > 0)
}

const ANSWER: &str = "UPDATE idempotency_keys SET answer = $1 WHERE account_id = $2 AND id = $3";

/// Keeps the answer of a claim that was taken.
///
/// # Errors
/// What the database says.
pub async fn keep_answer(tx: &mut Tx, claim: &Claim, answer: &Sealed) -> Result<()> {
    execute!(tx, ANSWER, answer, claim.account.as_str(), &claim.id)?;
    Ok(())
}

const FIND: &str = "SELECT id, fingerprint, object_id, answer FROM idempotency_keys \
     WHERE account_id = $1 AND caller = $2 AND key_hash = $3 AND created_at >= $4";

/// What the key of a claim stands for already.
///
/// # Errors
/// What the database says.
pub async fn find(
    conn: &mut Conn,
    account: &AccountId,
    caller: &str,
    key_hash: &[u8],
    not_before: At,
) -> Result<Option<Kept>> {
    query_opt!(conn, Kept, FIND, account.as_str(), caller, key_hash, not_before.0)
}

const PURGE: &str = "DELETE FROM idempotency_keys WHERE created_at < $1";

/// Deletes what was made before an instant. Gives how many.
///
/// # Errors
/// What the database says.
pub async fn purge(tx: &mut Tx, before: At) -> Result<u64> {
    execute!(tx, PURGE, before.0)
}
