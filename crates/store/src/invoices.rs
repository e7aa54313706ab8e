//! Invoices and their lines. An invoice is changed only by whoever has read the
//! version that they change.

use bedside_model::{AccountId, At, VisitId, invoice::InvoiceState};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx};

/// An invoice; amounts are in the currency's smallest unit.
#[derive(Debug, Clone)]
pub struct Invoice {
    /// UUIDv7.
    pub id: String,
    /// Whose account it is in.
    pub account: AccountId,
    /// Of which visit.
    pub visit: VisitId,
    /// Where it stands.
    pub state: InvoiceState,
    /// ISO 4217.
    pub currency: String,
    /// What makes it smaller.
    pub promo: Option<String>,
    /// What was paid.
    pub amount_paid: i64,
    /// What of that was given back.
    pub amount_refunded: i64,
    /// Counts its changes, from 1.
    pub version: i64,
    /// When it was begun.
    pub created_at: At,
    /// When it was changed last.
    pub updated_at: At,
}

/// A line.
#[derive(Debug, Clone)]
pub struct Item {
    /// UUIDv7.
    pub id: String,
    /// Whose account it is in.
    pub account: AccountId,
    /// Of which invoice.
    pub invoice: String,
    /// Its place, from 1.
    pub position: i64,
    /// Name and description, sealed for `invoice_items.content:<id>`.
    pub content: Sealed,
    /// How many.
    pub quantity: i64,
    /// What one costs.
    pub unit_price: i64,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    visit_id: i64,
    state: String,
    currency: String,
    promo_id: Option<String>,
    amount_paid: i64,
    amount_refunded: i64,
    version: i64,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for Invoice {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            account: AccountId(row.account_id),
            visit: VisitId(row.visit_id),
            state: InvoiceState::parse(&row.state).ok_or(Error::Value("invoices.state"))?,
            currency: row.currency,
            promo: row.promo_id,
            amount_paid: row.amount_paid,
            amount_refunded: row.amount_refunded,
            version: row.version,
            created_at: At(row.created_at),
            updated_at: At(row.updated_at),
        })
    }
}

#[derive(FromRow)]
struct ItemRow {
    id: String,
    account_id: String,
    invoice_id: String,
    position: i64,
    content: Sealed,
    quantity: i64,
    unit_price: i64,
}

impl From<ItemRow> for Item {
    fn from(row: ItemRow) -> Self {
        Self {
            id: row.id,
            account: AccountId(row.account_id),
            invoice: row.invoice_id,
            position: row.position,
            content: row.content,
            quantity: row.quantity,
            unit_price: row.unit_price,
        }
    }
}

const ADD: &str = "INSERT INTO invoices (id, account_id, visit_id, state, currency, promo_id, amount_paid, \
     amount_refunded, version, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

/// Adds an invoice.
///
/// # Errors
/// [`Error::Unique`] when the visit has one.
pub async fn add(tx: &mut Tx, invoice: &Invoice) -> Result<()> {
    execute!(
        tx,
        ADD,
        &invoice.id,
        invoice.account.as_str(),
        invoice.visit.0,
        invoice.state.as_str(),
        &invoice.currency,
        invoice.promo.as_deref(),
        invoice.amount_paid,
        invoice.amount_refunded,
        invoice.version,
        invoice.created_at.0,
        invoice.updated_at.0,
    )
    .map(drop)
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, account_id, visit_id, state, currency, promo_id, amount_paid, amount_refunded, version, \
             created_at, updated_at FROM invoices WHERE account_id = $1 ",
            $rest
        )
    };
}

const BY_ID: &str = select!("AND id = $2");

/// The account's invoice of this identifier.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: &str) -> Result<Option<Invoice>> {
    query_opt!(conn, Row, BY_ID, account.as_str(), id)?.map(Invoice::try_from).transpose()
}

const OF_VISIT: &str = select!("AND visit_id = $2");

/// A visit's invoice, once there is one.
///
/// # Errors
/// What the database says.
pub async fn find_of_visit(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<Option<Invoice>> {
    query_opt!(conn, Row, OF_VISIT, account.as_str(), visit.0)?.map(Invoice::try_from).transpose()
}

const UPDATE: &str = "UPDATE invoices SET state = $1, amount_paid = $2, amount_refunded = $3, updated_at = $4, \
     version = version + 1 WHERE account_id = $5 AND id = $6 AND version = $7";

/// Writes a changed invoice over the version it was read at. Gives false when
/// somebody else was faster.
///
/// # Errors
/// What the database says.
pub async fn update(tx: &mut Tx, invoice: &Invoice) -> Result<bool> {
    let touched = execute!(
        tx,
        UPDATE,
        invoice.state.as_str(),
        invoice.amount_paid,
        invoice.amount_refunded,
        invoice.updated_at.0,
        invoice.account.as_str(),
        &invoice.id,
        invoice.version,
    )?;
    Ok(touched == 1)
}

const ADD_ITEM: &str = "INSERT INTO invoice_items (id, account_id, invoice_id, position, content, quantity, unit_price) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// Adds a line.
///
/// # Errors
/// What the database says.
pub async fn add_item(tx: &mut Tx, item: &Item) -> Result<()> {
    execute!(
        tx,
        ADD_ITEM,
        &item.id,
        item.account.as_str(),
        &item.invoice,
        item.position,
        &item.content,
        item.quantity,
        item.unit_price,
    )
    .map(drop)
}

const ITEMS: &str = "SELECT id, account_id, invoice_id, position, content, quantity, unit_price FROM invoice_items \
     WHERE account_id = $1 AND invoice_id = $2 ORDER BY position, id";

/// An invoice's lines, in order.
///
/// # Errors
/// What the database says.
pub async fn list_items(conn: &mut Conn, account: &AccountId, invoice: &str) -> Result<Vec<Item>> {
    Ok(query_all!(conn, ItemRow, ITEMS, account.as_str(), invoice)?.into_iter().map(Item::from).collect())
}

const DELETE_ITEM: &str = "DELETE FROM invoice_items WHERE account_id = $1 AND invoice_id = $2 AND id = $3";

/// Deletes a line. Gives false when there is none.
///
/// # Errors
/// What the database says.
pub async fn delete_item(tx: &mut Tx, account: &AccountId, invoice: &str, id: &str) -> Result<bool> {
    Ok(execute!(tx, DELETE_ITEM, account.as_str(), invoice, id)? == 1)
}
