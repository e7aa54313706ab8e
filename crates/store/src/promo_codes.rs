//! Promo codes, and the intakes that they were entered for.

use bedside_model::{AccountId, At, IntakeId, VisitId, invoice::Discount};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx};

/// What makes a visit cheaper.
#[derive(Debug, Clone)]
pub struct PromoCode {
    /// UUIDv7.
    pub id: String,
    /// Whose account it is in.
    pub account: AccountId,
    /// In capitals.
    pub code: String,
    /// What it takes off.
    pub discount: Discount,
    /// ISO 4217, of an amount.
    pub currency: Option<String>,
    /// How many intakes may use it.
    pub max_uses: Option<i64>,
    /// How many do.
    pub uses: i64,
    /// Not from then on.
    pub expires_at: Option<At>,
    /// When it was made.
    pub created_at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    code: String,
    percent: Option<i64>,
    amount: Option<i64>,
    currency: Option<String>,
    max_uses: Option<i64>,
    uses: i64,
    expires_at: Option<i64>,
    created_at: i64,
}

impl TryFrom<Row> for PromoCode {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let discount = match (row.percent, row.amount) {
            (Some(percent), None) => Discount::Percent(percent),
            (None, Some(amount)) => Discount::Amount(amount),
            _ => return Err(Error::Value("promo_codes.percent and amount")),
        };
        Ok(Self {
            id: row.id,
            account: AccountId(row.account_id),
            code: row.code,
            discount,
            currency: row.currency,
            max_uses: row.max_uses,
            uses: row.uses,
            expires_at: row.expires_at.map(At),
            created_at: At(row.created_at),
        })
    }
}

const ADD: &str = "INSERT INTO promo_codes (id, account_id, code, percent, amount, currency, max_uses, uses, expires_at, \
     created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9)";

/// Adds a code.
///
/// # Errors
/// [`Error::Unique`] when the account has it.
pub async fn add(tx: &mut Tx, promo: &PromoCode) -> Result<()> {
    let (percent, amount) = match promo.discount {
        Discount::Percent(percent) => (Some(percent), None),
        Discount::Amount(amount) => (None, Some(amount)),
    };
    execute!(
        tx,
        ADD,
        &promo.id,
        promo.account.as_str(),
        &promo.code,
        percent,
        amount,
        promo.currency.as_deref(),
        promo.max_uses,
        promo.expires_at.map(|at| at.0),
        promo.created_at.0,
    )
    .map(drop)
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT p.id, p.account_id, p.code, p.percent, p.amount, p.currency, p.max_uses, p.uses, p.expires_at, \
             p.created_at FROM promo_codes p ",
            $rest
        )
    };
}

const LIST: &str = select!(
    "WHERE p.account_id = $1 AND p.retired_at IS NULL ORDER BY p.created_at DESC, p.id DESC LIMIT 1000"
);

/// The account's codes, the newest first.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, account: &AccountId) -> Result<Vec<PromoCode>> {
    query_all!(conn, Row, LIST, account.as_str())?.into_iter().map(PromoCode::try_from).collect()
}

const BY_CODE: &str = select!("WHERE p.account_id = $1 AND p.code = $2 AND p.retired_at IS NULL");

/// The account's code of these letters.
///
/// # Errors
/// What the database says.
pub async fn find_by_code(conn: &mut Conn, account: &AccountId, code: &str) -> Result<Option<PromoCode>> {
    query_opt!(conn, Row, BY_CODE, account.as_str(), code)?.map(PromoCode::try_from).transpose()
}

const BY_ID: &str = select!("WHERE p.account_id = $1 AND p.id = $2");

/// The account's code of this identifier, retired ones too.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: &str) -> Result<Option<PromoCode>> {
    query_opt!(conn, Row, BY_ID, account.as_str(), id)?.map(PromoCode::try_from).transpose()
}

const OF_INTAKE: &str =
    select!("JOIN intake_promos i ON i.promo_id = p.id WHERE i.account_id = $1 AND i.intake_id = $2");

/// The code that was entered for an intake.
///
/// # Errors
/// What the database says.
pub async fn find_of_intake(
    conn: &mut Conn,
    account: &AccountId,
    intake: &IntakeId,
) -> Result<Option<PromoCode>> {
    query_opt!(conn, Row, OF_INTAKE, account.as_str(), intake.as_str())?.map(PromoCode::try_from).transpose()
}

const OF_VISIT: &str = select!(
    "JOIN intake_promos i ON i.promo_id = p.id JOIN visits v ON v.intake_id = i.intake_id \
     WHERE v.account_id = $1 AND v.id = $2"
);

/// The code that was entered for a visit's intake.
///
/// # Errors
/// What the database says.
pub async fn find_of_visit(
    conn: &mut Conn,
    account: &AccountId,
    visit: VisitId,
) -> Result<Option<PromoCode>> {
    query_opt!(conn, Row, OF_VISIT, account.as_str(), visit.0)?.map(PromoCode::try_from).transpose()
}

const RETIRE: &str =
    "UPDATE promo_codes SET retired_at = $1 WHERE account_id = $2 AND id = $3 AND retired_at IS NULL";

/// Takes a code out of use; what was promised with it stands. Gives false when
/// there is none.
///
/// # Errors
/// What the database says.
pub async fn retire(tx: &mut Tx, account: &AccountId, id: &str, at: At) -> Result<bool> {
    Ok(execute!(tx, RETIRE, at.0, account.as_str(), id)? == 1)
}

const TAKE: &str = "UPDATE promo_codes SET uses = uses + 1 WHERE account_id = $1 AND id = $2 AND retired_at IS NULL \
     AND (max_uses IS NULL OR uses < max_uses) AND (expires_at IS NULL OR expires_at > $3)";
const GIVE_BACK: &str = "UPDATE promo_codes SET uses = uses - 1 WHERE account_id = $1 AND id IN \
     (SELECT promo_id FROM intake_promos WHERE account_id = $1 AND intake_id = $2)";
const LEAVE: &str = "DELETE FROM intake_promos WHERE account_id = $1 AND intake_id = $2";
const ENTER: &str =
    "INSERT INTO intake_promos (intake_id, account_id, promo_id, created_at) VALUES ($1, $2, $3, $4)";

/// Enters a code for an intake, in place of the one before. Gives false when it
/// is used up, expired or retired: then nothing must be committed.
///
/// # Errors
/// What the database says.
pub async fn enter(tx: &mut Tx, account: &AccountId, intake: &IntakeId, promo: &str, at: At) -> Result<bool> {
    execute!(tx, GIVE_BACK, account.as_str(), intake.as_str())?;
    execute!(tx, LEAVE, account.as_str(), intake.as_str())?;
    if execute!(tx, TAKE, account.as_str(), promo, at.0)? != 1 {
        return Ok(false);
    }
    execute!(tx, ENTER, intake.as_str(), account.as_str(), promo, at.0)?;
    Ok(true)
}
