//! Promo codes on the wire.

use axum::extract::State;
use bedside_app::{
    App, Error,
    promo_codes::{self, NewPromo},
};
use bedside_model::{At, invoice::Discount, money};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::Caller,
    envelope::{Data, data},
    error::ApiError,
    extract::{Int, Path, Request, Text},
};

/// A code to make: percents, or an amount with its currency.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AddPromoCode {
    /// Letters, digits and dashes; capitals do not matter.
    #[schema(example = "SPRING-10", value_type = String)]
    code: Text<60>,
    /// 1 to 100.
    #[schema(example = 10, value_type = Option<i64>)]
    percent: Option<Int>,
    /// Instead of percents.
    #[schema(value_type = Option<String>)]
    amount: Option<Text<40>>,
    /// ISO 4217, of the amount.
    #[schema(value_type = Option<String>)]
    currency: Option<Text<10>>,
    /// How many intakes may use it.
    #[schema(example = 100, value_type = Option<i64>)]
    max_uses: Option<Int>,
    /// UNIX seconds; not from then on.
    #[schema(value_type = Option<i64>)]
    expires: Option<Int>,
}

/// What makes a visit cheaper.
#[derive(Debug, Serialize, ToSchema)]
pub struct PromoCode {
    /// UUID.
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    #[schema(example = "SPRING-10")]
    code: String,
    percent: Option<i64>,
    amount: Option<String>,
    currency: Option<String>,
    max_uses: Option<i64>,
    /// How many intakes use it.
    uses: i64,
    /// UNIX seconds.
    expires: Option<i64>,
    /// UNIX seconds.
    created: i64,
}

/// A code to enter.
#[derive(Debug, Deserialize, ToSchema)]
pub struct EnterPromoCode {
    #[schema(example = "SPRING-10", value_type = String)]
    code: Text<60>,
}

/// What a visit will cost; sums in the currency's smallest unit.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceEstimate {
    #[schema(example = "SPRING-10")]
    code: String,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    /// How many decimals the currency has.
    decimals: u32,
    subtotal: i64,
    discount: i64,
    amount_due: i64,
}

impl From<bedside_store::promo_codes::PromoCode> for PromoCode {
    fn from(row: bedside_store::promo_codes::PromoCode) -> Self {
        let currency = row.currency.clone().unwrap_or_default();
        let (percent, amount) = match row.discount {
            Discount::Percent(percent) => (Some(percent), None),
            Discount::Amount(amount) => (None, Some(money::format(amount, &currency))),
        };
        Self {
            id: row.id,
            code: row.code,
            percent,
            amount,
            currency: row.currency,
            max_uses: row.max_uses,
            uses: row.uses,
            expires: row.expires_at.map(At::seconds),
            created: row.created_at.seconds(),
        }
    }
}

/// The clinic's promo codes, the newest first.
#[utoipa::path(get, path = "/promo_codes", tag = "billing", operation_id = "promo_codes::list",
    responses((status = 200, body = Data<Vec<PromoCode>>)))]
pub async fn list(State(app): State<App>, Caller(actor): Caller) -> Result<Data<Vec<PromoCode>>, ApiError> {
    let all = promo_codes::list(&app, &actor).await?;
    Ok(data(all.into_iter().map(PromoCode::from).collect()))
}

/// Makes a promo code.
#[utoipa::path(post, path = "/promo_codes", tag = "billing", operation_id = "promo_codes::add",
    request_body = AddPromoCode, responses((status = 200, body = Data<PromoCode>)))]
pub async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<AddPromoCode>,
) -> Result<Data<PromoCode>, ApiError> {
    let expires = body.expires.map(|at| (0..=MAX_SECONDS).contains(&at.0).then_some(at.0));
    if expires == Some(None) {
        return Err(ApiError::field("expires", "is no time"));
    }
    let new = NewPromo {
        code: body.code.into_string(),
        percent: body.percent.map(|percent| percent.0),
        amount: body.amount.and_then(Text::filled),
        currency: body.currency.and_then(Text::filled),
        max_uses: body.max_uses.map(|uses| uses.0),
        expires_at: expires.flatten().map(At::from_seconds),
    };
    Ok(data(promo_codes::add(&app, &actor, new).await?.into()))
}

/// The end of the year 9999, in UNIX seconds.
const MAX_SECONDS: i64 = 253_402_300_799;

/// Takes a promo code out of use. Intakes that have it keep it.
#[utoipa::path(delete, path = "/promo_codes/{id}", tag = "billing", operation_id = "promo_codes::delete",
    params(("id" = String, Path, description = "Identifier of the code")),
    responses((status = 200, body = Data<Vec<String>>)))]
pub async fn delete(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Vec<String>>, ApiError> {
    promo_codes::delete(&app, &actor, &id).await?;
    Ok(data(Vec::new()))
}

/// Enters a promo code for an intake, in place of the one before; gives what the
/// visit will cost.
#[utoipa::path(post, path = "/intakes/{id}/promo", tag = "billing", operation_id = "promo_codes::apply",
    params(("id" = String, Path, description = "UUID of the intake")),
    request_body = EnterPromoCode, responses((status = 200, body = Data<InvoiceEstimate>)))]
pub async fn apply(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<EnterPromoCode>,
) -> Result<Data<InvoiceEstimate>, ApiError> {
    let id = id.parse().map_err(|_| Error::not_found("intake"))?;
    let found = promo_codes::apply(&app, &actor, &id, &body.code).await?;
    Ok(data(InvoiceEstimate {
        decimals: money::decimals(&found.currency),
        amount_due: found.subtotal - found.discount,
        code: found.code,
        currency: found.currency,
        subtotal: found.subtotal,
        discount: found.discount,
    }))
}
