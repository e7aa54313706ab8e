//! What people were told of a visit last.

use bedside_model::{AccountId, At, UserId, VisitId, notification::Told, visit::Status};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx};

#[derive(FromRow)]
struct Row {
    start_at: i64,
    end_at: i64,
    provider_id: Option<i64>,
    status: i64,
    waiting_at: Option<i64>,
}

impl TryFrom<Row> for Told {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            start_at: At(row.start_at),
            end_at: At(row.end_at),
            provider: row.provider_id.map(UserId),
            status: Status::from_code(row.status).ok_or(Error::Value("visit_tellings.status"))?,
            waiting_at: row.waiting_at.map(At),
        })
    }
}

const FIND: &str = "SELECT start_at, end_at, provider_id, status, waiting_at FROM visit_tellings \
     WHERE account_id = $1 AND visit_id = $2";

/// What people were told of a visit last; none for a visit that is new to us.
///
/// # Errors
/// What the database says.
pub async fn find_told(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<Option<Told>> {
    query_opt!(conn, Row, FIND, account.as_str(), visit.0)?.map(Told::try_from).transpose()
}

const PUT: &str = "INSERT INTO visit_tellings (visit_id, account_id, start_at, end_at, provider_id, status, waiting_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (visit_id) DO UPDATE SET start_at = excluded.start_at, \
     end_at = excluded.end_at, provider_id = excluded.provider_id, status = excluded.status, \
     waiting_at = excluded.waiting_at";

/// Keeps what people were told.
///
/// # Errors
/// What the database says.
pub async fn put_told(tx: &mut Tx, account: &AccountId, visit: VisitId, told: &Told) -> Result<()> {
    execute!(
        tx,
        PUT,
        visit.0,
        account.as_str(),
        told.start_at.0,
        told.end_at.0,
        told.provider.map(|id| id.0),
        told.status.code(),
        told.waiting_at.map(|at| at.0),
    )?;
    Ok(())
}
