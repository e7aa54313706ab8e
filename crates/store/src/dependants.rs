//! Dependants: people in somebody's care, such as a parent's children.

use bedside_model::{AccountId, At, UserId, user::Kinship};
use sqlx::FromRow;

use crate::{
    Conn, Error, Result, Tx,
    users::{Row, User, user_columns},
};

const IS_GUARDIAN: &str = "SELECT COUNT(*) FROM guardians \
     WHERE account_id = $1 AND guardian_id = $2 AND dependant_id = $3";

/// Is the second person in the first one's care?
///
/// # Errors
/// What the database says.
pub async fn is_guardian(
    conn: &mut Conn,
    account: &AccountId,
    guardian: UserId,
    dependant: UserId,
) -> Result<bool> {
    Ok(scalar!(conn, i64, IS_GUARDIAN, account.as_str(), guardian.0, dependant.0)? > 0)
}

/// A dependant as their guardian sees them.
#[derive(Clone)]
pub struct Dependant {
    /// Who.
    pub user: User,
    /// What they are to the guardian.
    pub kinship: Kinship,
}

#[derive(FromRow)]
struct Related {
    #[sqlx(flatten)]
    user: Row,
    relation: String,
}

impl TryFrom<Related> for Dependant {
    type Error = Error;

    fn try_from(row: Related) -> Result<Self> {
        let kinship = Kinship::parse(&row.relation).ok_or(Error::Value("guardians.relation"))?;
        Ok(Self { user: row.user.try_into()?, kinship })
    }
}

const LIST: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", relation FROM users JOIN (SELECT dependant_id, relation FROM guardians \
     WHERE account_id = $1 AND guardian_id = $2) g ON g.dependant_id = users.id \
     WHERE account_id = $1 ORDER BY id"
);

/// Everybody in somebody's care, in the order in which they were added.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, account: &AccountId, guardian: UserId) -> Result<Vec<Dependant>> {
    let rows = query_all!(conn, Related, LIST, account.as_str(), guardian.0)?;
    rows.into_iter().map(Dependant::try_from).collect()
}

const COUNT: &str = "SELECT COUNT(*) FROM guardians WHERE account_id = $1 AND guardian_id = $2";

/// How many are in somebody's care.
///
/// # Errors
/// What the database says.
pub async fn count(conn: &mut Conn, account: &AccountId, guardian: UserId) -> Result<i64> {
    scalar!(conn, i64, COUNT, account.as_str(), guardian.0)
}

const ADD: &str = "INSERT INTO guardians (guardian_id, dependant_id, account_id, relation, created_at) \
     VALUES ($1, $2, $3, $4, $5)";

/// Puts somebody in somebody's care.
///
/// # Errors
/// [`Error::Unique`] on `guardian_id, dependant_id`.
pub async fn add(
    tx: &mut Tx,
    account: &AccountId,
    guardian: UserId,
    dependant: UserId,
    kinship: Kinship,
    at: At,
) -> Result<()> {
    execute!(tx, ADD, guardian.0, dependant.0, account.as_str(), kinship.as_str(), at.0)?;
    Ok(())
}

const END: &str = "DELETE FROM guardians WHERE account_id = $1 AND guardian_id = $2 AND dependant_id = $3";

/// Ends somebody's care for somebody. Gives false when there was none.
///
/// # Errors
/// What the database says.
pub async fn end(tx: &mut Tx, account: &AccountId, guardian: UserId, dependant: UserId) -> Result<bool> {
    Ok(execute!(tx, END, account.as_str(), guardian.0, dependant.0)? > 0)
}
