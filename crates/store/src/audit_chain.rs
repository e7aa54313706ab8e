//! The chain over audit entries: each is hashed together with the one before,
//! and the end of the chain is sealed with the account's key. Whoever can only
//! write rows can neither change, remove nor swap entries, nor cut off the last
//! ones, without [`verify`] seeing it.

use bedside_model::{AccountId, At};
use sha2::{Digest, Sha256};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx, Vault, dialect};

/// Entries that are read at a time.
const BATCH: i64 = 1000;

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
    granted: String,
    address: String,
    detail: Option<Sealed>,
}

impl Row {
    /// Hash of the previous entry's hash and every field, each led by its
    /// length so that no two rows read the same.
    fn hash(&self, previous: &[u8]) -> Vec<u8> {
        let mut hasher = Sha256::new();
        hasher.update(previous);
        let user = self.user_id.map(|id| id.to_string()).unwrap_or_default();
        let (at, count) = (self.at.to_string(), self.count.to_string());
        let mut fields = vec![
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
        ];
        // Entries of the first schema have neither, and their hashes stand.
        if !self.granted.is_empty() || !self.address.is_empty() || self.detail.is_some() {
            fields.extend([&self.granted, &self.address]);
        }
        let texts = fields.into_iter().map(String::as_bytes);
        // Few entries have one; those without hash as they always did.
        for field in texts.chain(self.detail.as_ref().map(Sealed::as_bytes)) {
            hasher.update((field.len() as u64).to_be_bytes());
            hasher.update(field);
        }
        hasher.finalize().to_vec()
    }
}

/// The end of a chain: how many entries it has, and the last one's hash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// Entries up to here.
    pub position: i64,
    /// SHA-256 of the last one; empty for an empty chain.
    pub hash: Vec<u8>,
}

impl Head {
    fn seal(&self, account: &AccountId, vault: &Vault) -> Result<Sealed> {
        let mut plain = self.position.to_be_bytes().to_vec();
        plain.extend_from_slice(&self.hash);
        vault.seal(&context(account), &plain)
    }

    fn open(account: &AccountId, vault: &Vault, sealed: &Sealed) -> Result<Self> {
        let plain = vault.open(&context(account), sealed)?;
        let (position, hash) = plain.split_first_chunk().ok_or(Error::Value("audit_heads.sealed"))?;
        Ok(Self { position: i64::from_be_bytes(*position), hash: hash.to_vec() })
    }
}

fn context(account: &AccountId) -> String {
    format!("audit_heads.sealed:{account}")
}

const WAITING: &str = "SELECT DISTINCT e.account_id FROM audit_entries e JOIN accounts a ON a.id = e.account_id \
     WHERE e.chain IS NULL AND a.erased_at IS NULL";

/// Accounts with entries that have no place in their chain yet.
///
/// # Errors
/// What the database says.
pub async fn waiting(conn: &mut Conn) -> Result<Vec<AccountId>> {
    Ok(scalars!(conn, String, WAITING)?.into_iter().map(AccountId).collect())
}

const CODES: &str = "SELECT code FROM accounts WHERE erased_at IS NULL ORDER BY code";

/// The codes of all accounts that have a trail.
///
/// # Errors
/// What the database says.
pub async fn codes(conn: &mut Conn) -> Result<Vec<String>> {
    scalars!(conn, String, CODES)
}

macro_rules! select_rows {
    ($rest:literal) => {
        concat!(
            "SELECT n, id, account_id, user_id, credential, action, object_kind, object_id, request_id, at, count, \
             granted, address, detail FROM audit_entries ",
            $rest
        )
    };
}

const UNCHAINED: &str = select_rows!("WHERE account_id = $1 AND chain IS NULL ORDER BY n LIMIT $2");
const LAST_LINK: &str = "SELECT chain, hash FROM audit_entries WHERE account_id = $1 AND chain IS NOT NULL \
     ORDER BY chain DESC LIMIT 1";
const LINK: &str = "UPDATE audit_entries SET chain = $1, hash = $2 WHERE n = $3";
const HEAD: &str = "SELECT sealed FROM audit_heads WHERE account_id = $1";
const PUT_HEAD: &str = "INSERT INTO audit_heads (account_id, sealed, updated_at) VALUES ($1, $2, $3) \
     ON CONFLICT (account_id) DO UPDATE SET sealed = excluded.sealed, updated_at = excluded.updated_at";

/// Chains up to `limit` entries of an account. Gives how many it chained.
///
/// The chain goes on from its sealed head, never from the last row: rows that
/// were cut off leave a gap for good.
///
/// # Errors
/// [`Error::Sealed`] when the head was altered.
pub async fn chain(tx: &mut Tx, account: &AccountId, vault: &Vault, limit: i64, now: At) -> Result<usize> {
    dialect::lock_sequencer(tx).await?;
    let rows = query_all!(tx, Row, UNCHAINED, account.as_str(), limit)?;
    if rows.is_empty() {
        return Ok(0);
    }
    let mut head = match scalar_opt!(tx, Sealed, HEAD, account.as_str())? {
        Some(sealed) => Head::open(account, vault, &sealed)?,
        None => {
            // A new account, or one of the first schema, which knew no heads.
            let last = query_opt!(tx, (i64, Vec<u8>), LAST_LINK, account.as_str())?;
            if last.is_some() {
                tracing::warn!(%account, "the audit trail's head is not there; sealing the last entry's");
            }
            last.map(|(position, hash)| Head { position, hash }).unwrap_or_default()
        }
    };
    for row in &rows {
        head = Head { position: head.position + 1, hash: row.hash(&head.hash) };
        execute!(tx, LINK, head.position, &head.hash[..], row.n)?;
    }
    let sealed = head.seal(account, vault)?;
    execute!(tx, PUT_HEAD, account.as_str(), &sealed, now.0)?;
    Ok(rows.len())
}

/// What is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// This entry was changed, or another stands in its place.
    Altered {
        /// The entry that stands there.
        id: String,
        /// Its place in the chain.
        position: i64,
    },
    /// The entry of this place is gone.
    Removed {
        /// The place.
        position: i64,
    },
    /// The last entries are gone: the chain was longer.
    CutOff {
        /// Entries there should be.
        expected: i64,
        /// Entries there are.
        found: i64,
    },
    /// The chain is longer than what was sealed, or ends otherwise.
    NotSealed,
    /// The sealed head was altered, or belongs to another account.
    HeadAltered,
    /// There is no sealed head.
    HeadMissing,
}

/// What [`verify`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Where the whole part of the chain ends. To be kept elsewhere: a later
    /// check with it also notices when database and head were both put back to
    /// an older state.
    pub head: Head,
    /// Entries without a place in the chain yet.
    pub waiting: i64,
    /// The first fault; none when the chain is whole.
    pub fault: Option<Fault>,
}

#[derive(FromRow)]
struct Link {
    chain: i64,
    hash: Option<Vec<u8>>,
    #[sqlx(flatten)]
    row: Row,
}

const LINKS: &str = "SELECT chain, hash, n, id, account_id, user_id, credential, action, object_kind, object_id, \
     request_id, at, count, granted, address, detail FROM audit_entries WHERE account_id = $1 AND chain > $2 \
     ORDER BY chain LIMIT $3";
const UNCHAINED_COUNT: &str = "SELECT COUNT(*) FROM audit_entries WHERE account_id = $1 AND chain IS NULL";

/// Checks an account's chain, against a head that was noted earlier too.
///
/// # Errors
/// What the database says.
pub async fn verify(
    conn: &mut Conn,
    account: &AccountId,
    vault: &Vault,
    noted: Option<&Head>,
) -> Result<Verified> {
    let mut head = Head::default();
    let fault = walk(conn, account, vault, noted, &mut head).await?;
    let waiting = scalar!(conn, i64, UNCHAINED_COUNT, account.as_str())?;
    Ok(Verified { head, waiting, fault })
}

async fn walk(
    conn: &mut Conn,
    account: &AccountId,
    vault: &Vault,
    noted: Option<&Head>,
    head: &mut Head,
) -> Result<Option<Fault>> {
    loop {
        for link in query_all!(conn, Link, LINKS, account.as_str(), head.position, BATCH)? {
            if link.chain != head.position + 1 {
                return Ok(Some(Fault::Removed { position: head.position + 1 }));
            }
            let hash = link.row.hash(&head.hash);
            let is_noted = noted.is_none_or(|noted| noted.position != link.chain || noted.hash == hash);
            if link.hash.as_ref() != Some(&hash) || !is_noted {
                return Ok(Some(Fault::Altered { id: link.row.id, position: link.chain }));
            }
            *head = Head { position: link.chain, hash };
        }
        // Read after the rows: while the trail is in use, it grows behind us.
        let sealed = match scalar_opt!(conn, Sealed, HEAD, account.as_str())? {
            None if head.position == 0 && noted.is_none() => return Ok(None),
            None => return Ok(Some(Fault::HeadMissing)),
            Some(sealed) => match Head::open(account, vault, &sealed) {
                Ok(sealed) => sealed,
                Err(_) => return Ok(Some(Fault::HeadAltered)),
            },
        };
        if sealed == *head {
            let expected = noted.map_or(0, |noted| noted.position);
            let cut = Fault::CutOff { expected, found: head.position };
            return Ok((expected > head.position).then_some(cut));
        }
        if sealed.position <= head.position {
            return Ok(Some(Fault::NotSealed));
        }
        // Either the trail grew meanwhile, or its last rows are gone.
        if query_all!(conn, Link, LINKS, account.as_str(), head.position, 1_i64)?.is_empty() {
            return Ok(Some(Fault::CutOff { expected: sealed.position, found: head.position }));
        }
    }
}
