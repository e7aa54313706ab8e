//! Invoices on the wire. Sums are whole numbers of the currency's smallest unit,
//! as in webhooks (contract more.md 1.5); prices of lines are decimal texts, as
//! in a visit's `payment`.

use axum::extract::State;
use bedside_app::{
    App, Error,
    invoices::{self, InvoiceView, NewItem},
};
use bedside_model::{VisitId, money};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::Caller,
    envelope::{Data, data},
    error::ApiError,
    extract::{Int, Path, Request, Text},
};

/// An invoice.
#[derive(Debug, Serialize, ToSchema)]
pub struct Invoice {
    /// UUID.
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    visit_id: String,
    /// `pending`, `processing`, `paid`, `failed`, `cancelled` or `refunded`, as in webhooks.
    #[schema(example = "paid")]
    status: &'static str,
    /// More exactly: `draft`, `processing`, `paid`, `failed`, `void`, `refunded` or
    /// `partly_refunded`.
    #[schema(example = "paid")]
    state: &'static str,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    /// How many decimals the currency has: `amount_due` 1250 with 2 is 12.50.
    decimals: u32,
    /// The sum of the items.
    subtotal: i64,
    /// What a promo code takes off.
    discount: i64,
    /// What is asked for.
    amount_due: i64,
    amount_paid: i64,
    amount_refunded: i64,
    items: Vec<InvoiceItem>,
    /// Why the last charge was refused, in a word.
    failure: Option<String>,
    /// Where the payer confirms the charge; null when nothing is to be confirmed.
    next_action: Option<InvoiceAction>,
    /// UNIX seconds.
    created: i64,
    /// UNIX seconds.
    modified: i64,
}

/// A line of an invoice.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceItem {
    /// UUID.
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    name: String,
    description: String,
    quantity: i64,
    /// With as many decimals as the currency has.
    #[schema(example = "12.50")]
    unit_price: String,
    #[schema(example = "12.50")]
    total: String,
}

/// Where a charge is confirmed.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceAction {
    /// A page of the processor.
    url: String,
    /// For the processor's own script.
    client_secret: String,
}

/// A line to add.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AddItem {
    #[schema(example = "Blood test", value_type = String)]
    name: Text<400>,
    #[schema(value_type = Option<String>)]
    description: Option<Text<2_000>>,
    /// One if not said.
    #[schema(example = 1, value_type = Option<i64>)]
    quantity: Option<Int>,
    #[schema(example = "12.50", value_type = String)]
    unit_price: Text<40>,
}

/// How a visit is charged.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct ChargeInvoice {
    /// Another card of the patient than the default one.
    #[schema(value_type = Option<String>)]
    source_id: Option<Text<64>>,
}

/// What is given back.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct RefundInvoice {
    /// All that is left when it is not said.
    #[schema(example = "5.00", value_type = Option<String>)]
    amount: Option<Text<40>>,
}

impl From<InvoiceView> for Invoice {
    fn from(view: InvoiceView) -> Self {
        let amount_due = view.amount_due();
        let InvoiceView { invoice, items, subtotal, discount, charge } = view;
        let items = items.into_iter().map(|line| {
            let (words, item) = (line.words.into_inner(), line.item);
            InvoiceItem {
                id: item.id,
                name: words.name,
                description: words.description,
                quantity: item.quantity,
                unit_price: money::format(item.unit_price, &invoice.currency),
                total: money::format(item.quantity.saturating_mul(item.unit_price), &invoice.currency),
            }
        });
        let (failure, action) = charge.map_or((None, None), |of| (of.payment.failure, of.next_action));
        Self {
            items: items.collect(),
            id: invoice.id,
            visit_id: invoice.visit.to_string(),
            status: invoice.state.documented(),
            state: invoice.state.as_str(),
            decimals: money::decimals(&invoice.currency),
            currency: invoice.currency,
            subtotal,
            discount,
            amount_due,
            amount_paid: invoice.amount_paid,
            amount_refunded: invoice.amount_refunded,
            failure,
            next_action: action.map(|action| {
                let action = action.into_inner();
                InvoiceAction { url: action.url, client_secret: action.client_secret }
            }),
            created: invoice.created_at.seconds(),
            modified: invoice.updated_at.seconds(),
        }
    }
}

fn visit_of(text: &str) -> Result<VisitId, ApiError> {
    text.parse().map_err(|_| Error::not_found("visit").into())
}

/// A visit's invoice, once something is on it.
#[utoipa::path(get, path = "/visits/{id}/invoice", tag = "billing", operation_id = "invoices::of_visit",
    params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Data<Invoice>)))]
pub async fn of_visit(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Invoice>, ApiError> {
    Ok(data(invoices::of_visit(&app, &actor, visit_of(&id)?).await?.into()))
}

/// Adds an item to the invoice of a visit that is in progress or completed. The
/// first one begins it, with the consultation's price before it.
#[utoipa::path(post, path = "/visits/{id}/invoice/items", tag = "billing", operation_id = "invoices::add_item",
    params(("id" = String, Path, description = "Number of the visit")),
    request_body = AddItem, responses((status = 200, body = Data<Invoice>)))]
pub async fn add_item(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<AddItem>,
) -> Result<Data<Invoice>, ApiError> {
    let new = NewItem {
        name: body.name.into_string(),
        description: body.description.map(Text::into_string).unwrap_or_default(),
        quantity: body.quantity.map(|quantity| quantity.0),
        unit_price: body.unit_price.into_string(),
    };
    Ok(data(invoices::add_item(&app, &actor, visit_of(&id)?, new).await?.into()))
}

/// Takes an item from a visit's invoice.
#[utoipa::path(delete, path = "/visits/{id}/invoice/items/{item}", tag = "billing",
    operation_id = "invoices::delete_item",
    params(("id" = String, Path, description = "Number of the visit"),
        ("item" = String, Path, description = "Identifier of the item")),
    responses((status = 200, body = Data<Invoice>)))]
pub async fn delete_item(
    State(app): State<App>,
    Caller(actor): Caller,
    Path((id, item)): Path<(String, String)>,
) -> Result<Data<Invoice>, ApiError> {
    Ok(data(invoices::delete_item(&app, &actor, visit_of(&id)?, &item).await?.into()))
}

/// Asks for the money of a visit, and completes it. What the processor says may
/// come later: `status` is `processing` until then.
#[utoipa::path(post, path = "/visits/{id}/invoice/charge", tag = "billing", operation_id = "invoices::charge",
    params(("id" = String, Path, description = "Number of the visit")),
    request_body = ChargeInvoice, responses((status = 200, body = Data<Invoice>)))]
pub async fn charge(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<ChargeInvoice>,
) -> Result<Data<Invoice>, ApiError> {
    let source = body.source_id.and_then(Text::filled);
    Ok(data(invoices::charge(&app, &actor, visit_of(&id)?, source).await?.into()))
}

/// An invoice.
#[utoipa::path(get, path = "/invoices/{id}", tag = "billing", operation_id = "invoices::get",
    params(("id" = String, Path, description = "Identifier of the invoice")),
    responses((status = 200, body = Data<Invoice>)))]
pub async fn get(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Invoice>, ApiError> {
    Ok(data(invoices::get(&app, &actor, &id).await?.into()))
}

/// Gives back what was paid, or a part of it.
#[utoipa::path(post, path = "/invoices/{id}/refund", tag = "billing", operation_id = "invoices::refund",
    params(("id" = String, Path, description = "Identifier of the invoice")),
    request_body = RefundInvoice, responses((status = 200, body = Data<Invoice>)))]
pub async fn refund(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<RefundInvoice>,
) -> Result<Data<Invoice>, ApiError> {
    let amount = body.amount.and_then(Text::filled);
    Ok(data(invoices::refund(&app, &actor, &id, amount).await?.into()))
}

/// Asks for an invoice no more that was not paid.
#[utoipa::path(post, path = "/invoices/{id}/void", tag = "billing", operation_id = "invoices::void",
    params(("id" = String, Path, description = "Identifier of the invoice")),
    responses((status = 200, body = Data<Invoice>)))]
pub async fn void(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Invoice>, ApiError> {
    Ok(data(invoices::void(&app, &actor, &id).await?.into()))
}
