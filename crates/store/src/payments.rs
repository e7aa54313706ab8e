//! Payments: what the processor is asked to do, written down before it is asked.
//! The identifier is the idempotency key at the processor, so that asking twice
//! takes money once.

use bedside_model::{
    AccountId, At, UserId,
    invoice::{PaymentKind, PaymentState},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx};

/// A charge or a refund.
#[derive(Debug, Clone)]
pub struct Payment {
    /// UUIDv7, and the idempotency key.
    pub id: String,
    /// Whose account it is in.
    pub account: AccountId,
    /// Of which invoice.
    pub invoice: String,
    /// Which of both.
    pub kind: PaymentKind,
    /// In the currency's smallest unit.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
    /// Where it stands.
    pub state: PaymentState,
    /// The processor's name of the card, sealed for `payments.token:<id>`.
    pub token: Option<Sealed>,
    /// The processor's name of the charge.
    pub processor_id: Option<String>,
    /// Why it failed.
    pub failure: Option<String>,
    /// Where the payer confirms it, sealed for `payments.next_action:<id>`.
    pub next_action: Option<Sealed>,
    /// Who asked for it.
    pub created_by: Option<UserId>,
    /// When.
    pub created_at: At,
    /// When it was changed last.
    pub updated_at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    invoice_id: String,
    kind: String,
    amount: i64,
    currency: String,
    state: String,
    token: Option<Sealed>,
    processor_id: Option<String>,
    failure: Option<String>,
    next_action: Option<Sealed>,
    created_by: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for Payment {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            account: AccountId(row.account_id),
            invoice: row.invoice_id,
            kind: PaymentKind::parse(&row.kind).ok_or(Error::Value("payments.kind"))?,
            amount: row.amount,
            currency: row.currency,
            state: PaymentState::parse(&row.state).ok_or(Error::Value("payments.state"))?,
            token: row.token,
            processor_id: row.processor_id,
            failure: row.failure,
            next_action: row.next_action,
            created_by: row.created_by.map(UserId),
            created_at: At(row.created_at),
            updated_at: At(row.updated_at),
        })
    }
}

const ADD: &str = "INSERT INTO payments (id, account_id, invoice_id, kind, amount, currency, state, token, processor_id, \
     failure, next_action, created_by, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";

/// Adds a payment.
///
/// # Errors
/// What the database says.
pub async fn add(tx: &mut Tx, payment: &Payment) -> Result<()> {
    execute!(
        tx,
        ADD,
        &payment.id,
        payment.account.as_str(),
        &payment.invoice,
        payment.kind.as_str(),
        payment.amount,
        &payment.currency,
        payment.state.as_str(),
        payment.token.as_ref(),
        payment.processor_id.as_deref(),
        payment.failure.as_deref(),
        payment.next_action.as_ref(),
        payment.created_by.map(|id| id.0),
        payment.created_at.0,
        payment.updated_at.0,
    )
    .map(drop)
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, account_id, invoice_id, kind, amount, currency, state, token, processor_id, failure, \
             next_action, created_by, created_at, updated_at FROM payments WHERE account_id = $1 ",
            $rest
        )
    };
}

const BY_ID: &str = select!("AND id = $2");

/// The account's payment of this identifier.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: &str) -> Result<Option<Payment>> {
    query_opt!(conn, Row, BY_ID, account.as_str(), id)?.map(Payment::try_from).transpose()
}

const OF_INVOICE: &str = select!("AND invoice_id = $2 ORDER BY created_at, id");

/// An invoice's payments, the oldest first.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, account: &AccountId, invoice: &str) -> Result<Vec<Payment>> {
    query_all!(conn, Row, OF_INVOICE, account.as_str(), invoice)?.into_iter().map(Payment::try_from).collect()
}

const UPDATE: &str = "UPDATE payments SET state = $1, processor_id = $2, failure = $3, next_action = $4, updated_at = $5 \
     WHERE account_id = $6 AND id = $7 AND state = $8";

/// Writes what became of a payment that was read in the state `from`. Gives
/// false when somebody else was faster.
///
/// # Errors
/// What the database says.
pub async fn update(tx: &mut Tx, payment: &Payment, from: PaymentState) -> Result<bool> {
    let touched = execute!(
        tx,
        UPDATE,
        payment.state.as_str(),
        payment.processor_id.as_deref(),
        payment.failure.as_deref(),
        payment.next_action.as_ref(),
        payment.updated_at.0,
        payment.account.as_str(),
        &payment.id,
        from.as_str(),
    )?;
    Ok(touched == 1)
}
