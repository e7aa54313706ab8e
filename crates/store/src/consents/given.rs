//! An account's consents with what they were given to, page by page.

use bedside_model::{AccountId, At, UserId};
use sqlx::FromRow;

use super::{Consent, Row};
use crate::{Conn, Result};

/// A consent with what it was given to.
#[derive(Debug, Clone)]
pub struct Given {
    /// Its row.
    pub consent: Consent,
    /// The kind of the document.
    pub kind: String,
    /// The title that was read.
    pub title: String,
    /// Is it the version that the clinic asks for now?
    pub is_current: bool,
}

#[derive(FromRow)]
struct GivenRow {
    #[sqlx(flatten)]
    consent: Row,
    kind: String,
    title: String,
    is_current: i64,
}

macro_rules! select_given {
    ($rest:literal) => {
        concat!(
            "SELECT c.id, c.account_id, c.user_id, c.given_by, c.document_id, c.version, c.language, c.content, \
             c.file_id, c.signature_file_id, c.created_at, d.kind, t.title, \
             CAST(CASE WHEN d.retired_at IS NULL AND d.version = c.version THEN 1 ELSE 0 END AS BIGINT) AS is_current \
             FROM consents c JOIN consent_documents d ON d.id = c.document_id \
             JOIN consent_texts t ON t.document_id = c.document_id AND t.version = c.version \
             AND t.language = c.language WHERE c.account_id = $1 AND c.created_at >= $2 AND c.created_at < $3 \
             AND ($4 = -1 OR CASE WHEN d.retired_at IS NULL AND d.version = c.version THEN 1 ELSE 0 END = $4) ",
            $rest
        )
    };
}

const PAGE: &str = select_given!("AND c.id > $5 ORDER BY c.id LIMIT $6");
const PAGE_OF: &str = select_given!("AND c.id > $5 AND c.user_id = $7 ORDER BY c.id LIMIT $6");
const ONE: &str = select_given!("AND c.id = $5");

/// Which consents are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Of one person.
    pub user: Option<UserId>,
    /// Given at or after.
    pub from: Option<At>,
    /// Given before.
    pub until: Option<At>,
    /// Only those to versions that are asked for now, or only the others.
    pub current: Option<bool>,
}

/// The account's consents, the oldest first, behind one of them.
///
/// # Errors
/// What the database says.
pub async fn list_given(
    conn: &mut Conn,
    account: &AccountId,
    filter: Filter,
    (after, limit): (&str, i64),
) -> Result<Vec<Given>> {
    let (from, until) = (filter.from.map_or(i64::MIN, |at| at.0), filter.until.map_or(i64::MAX, |at| at.0));
    let current = filter.current.map_or(-1, i64::from);
    let account = account.as_str();
    let rows = match filter.user {
        None => query_all!(conn, GivenRow, PAGE, account, from, until, current, after, limit)?,
        Some(user) => {
            query_all!(conn, GivenRow, PAGE_OF, account, from, until, current, after, limit, user.0)?
        }
    };
    Ok(rows.into_iter().map(Given::from).collect())
}

/// The account's consent of this identifier.
///
/// # Errors
/// What the database says.
pub async fn find_given(conn: &mut Conn, account: &AccountId, id: &str) -> Result<Option<Given>> {
    let found = query_opt!(conn, GivenRow, ONE, account.as_str(), i64::MIN, i64::MAX, -1_i64, id)?;
    Ok(found.map(Given::from))
}

impl From<GivenRow> for Given {
    fn from(row: GivenRow) -> Self {
        Self {
            consent: row.consent.into(),
            kind: row.kind,
            title: row.title,
            is_current: row.is_current == 1,
        }
    }
}
