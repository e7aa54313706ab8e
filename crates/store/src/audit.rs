//! Audit entries: who did what to which object, appended in the change's own
//! transaction and chained by hash soon after.

use bedside_model::{AccountId, At, UserId};
use sha2::{Digest, Sha256};
use sqlx::FromRow;

use crate::{Conn, Result, Tx, dialect};

/// An entry to append.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// UUIDv7.
    pub id: String,
    /// Whose trail it is in.
    pub account: AccountId,
    /// Who acted; none for the system and for anonymous callers.
    pub user: Option<UserId>,
    /// `anonymous | api_key | admin_token | token | session | system`.
    pub credential: &'static str,
    /// The operation, `noun.verb`.
    pub action: &'static str,
    /// The noun of the object.
    pub object_kind: &'static str,
    /// Its identifier.
    pub object_id: String,
    /// The request that caused it, if one did.
    pub request_id: String,
    /// When.
    pub at: At,
    /// How many like acts the entry stands for (coalesced reads).
    pub count: i64,
}

const APPEND: &str = "INSERT INTO audit_entries \
     (id, account_id, user_id, credential, action, object_kind, object_id, request_id, at, count) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

/// Appends an entry to the change it tells of.
///
/// # Errors
/// What the database says.
pub async fn append(tx: &mut Tx, entry: &NewEntry) -> Result<()> {
    execute!(
        tx,
        APPEND,
        &entry.id,
        entry.account.as_str(),
        entry.user.map(|id| id.0),
        entry.credential,
        entry.action,
        entry.object_kind,
        &entry.object_id,
        &entry.request_id,
        entry.at.0,
        entry.count,
    )?;
    Ok(())
}

#[derive(FromRow)]
struct Row {
    n: i64,
    id: String,
    account_id: String,
    user_id: Option<i64>,
    credential: String,
    action: String,
    object_kind: String,
    object_id: String,
    request_id: String,
    at: i64,
    count: i64,
}

impl Row {
    /// Hash of the previous entry's hash and every field, each led by its
    /// length so that no two rows read the same.
    fn hash(&self, previous: &[u8]) -> Vec<u8> {
        let mut hasher = Sha256::new();
        hasher.update(previous);
        let user = self.user_id.map(|id| id.to_string()).unwrap_or_default();
        let (at, count) = (self.at.to_string(), self.count.to_string());
        for field in [
            &self.id,
            &self.account_id,
            &user,
            &self.credential,
            &self.action,
            &self.object_kind,
            &self.object_id,
            &self.request_id,
            &at,
            &count,
        ] {
            hasher.update((field.len() as u64).to_be_bytes());
            hasher.update(field.as_bytes());
        }
        hasher.finalize().to_vec()
    }
}

const UNCHAINED: &str = "SELECT n, id, account_id, user_id, credential, action, object_kind, object_id, request_id, \
     at, count FROM audit_entries WHERE chain IS NULL ORDER BY account_id, n LIMIT $1";
const LAST_LINK: &str = "SELECT chain, hash FROM audit_entries WHERE account_id = $1 AND chain IS NOT NULL \
     ORDER BY chain DESC LIMIT 1";
const LINK: &str = "UPDATE audit_entries SET chain = $1, hash = $2 WHERE n = $3";

/// Chains up to `limit` entries that have no place in their account's chain
/// yet. Gives how many it chained.
///
/// # Errors
/// What the database says.
pub async fn chain(tx: &mut Tx, limit: i64) -> Result<usize> {
    dialect::lock_sequencer(tx).await?;
    let rows = query_all!(tx, Row, UNCHAINED, limit)?;
    let mut head: Option<(String, i64, Vec<u8>)> = None;
    for row in &rows {
        let (position, previous) = match head.take() {
            Some((account, position, hash)) if account == row.account_id => (position, hash),
            _ => query_opt!(tx, (i64, Vec<u8>), LAST_LINK, &row.account_id)?.unwrap_or_default(),
        };
        let hash = row.hash(&previous);
        execute!(tx, LINK, position + 1, &hash[..], row.n)?;
        head = Some((row.account_id.clone(), position + 1, hash));
    }
    Ok(rows.len())
}

const CHAINED: &str = "SELECT n, id, account_id, user_id, credential, action, object_kind, object_id, request_id, \
     at, count FROM audit_entries WHERE account_id = $1 AND chain IS NOT NULL ORDER BY chain";
const HASHES: &str =
    "SELECT hash FROM audit_entries WHERE account_id = $1 AND chain IS NOT NULL ORDER BY chain";

/// Checks an account's chain. `Ok(None)` when whole, else the identifier of
/// the first entry that was altered or follows a missing one.
///
/// # Errors
/// What the database says.
pub async fn verify(conn: &mut Conn, account: &AccountId) -> Result<Option<String>> {
    let rows = query_all!(conn, Row, CHAINED, account.as_str())?;
    let hashes = scalars!(conn, Vec<u8>, HASHES, account.as_str())?;
    let mut previous = Vec::new();
    for (row, stored) in rows.into_iter().zip(hashes) {
        if row.hash(&previous) != stored {
            return Ok(Some(row.id));
        }
        previous = stored;
    }
    Ok(None)
}

const COUNT: &str =
    "SELECT COUNT(*) FROM audit_entries WHERE account_id = $1 AND action = $2 AND object_id = $3";

/// How many entries tell of an action on an object.
///
/// # Errors
/// What the database says.
pub async fn count(conn: &mut Conn, account: &AccountId, action: &str, object_id: &str) -> Result<i64> {
    scalar!(conn, i64, COUNT, account.as_str(), action, object_id)
}
