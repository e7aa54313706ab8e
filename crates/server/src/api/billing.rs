//! Cards, and the card processor's messages, on the wire (contract more.md 6.6).

use axum::{
    body::Bytes,
    extract::{FromRequest, State},
};
use bedside_app::{
    App,
    billing::{self, Place, SourceView},
    invoices,
};
use bedside_model::UserId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Api,
    auth::Caller,
    envelope::{Data, data},
    error::ApiError,
    extract::{Id, Path, Request, Text},
    limits::Charged,
};
use crate::http::Client;

/// Header with the signature of the processor's messages.
const SIGNATURE: &str = "x-billing-signature";

/// Where somebody is about to pay.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BillingPlace {
    /// Code or slug of the room.
    #[param(value_type = Option<String>)]
    room_code: Option<Text<128>>,
    /// Who treats them.
    #[param(value_type = Option<String>)]
    provider_id: Option<Id>,
}

impl From<BillingPlace> for Place {
    fn from(query: BillingPlace) -> Self {
        Self {
            room: query.room_code.and_then(Text::filled),
            provider: query.provider_id.map(|id| UserId(id.0)),
        }
    }
}

/// How the clinic takes money.
#[derive(Debug, Serialize, ToSchema)]
pub struct BillingSettings {
    /// False: show nothing of money.
    enabled: bool,
    /// `off`, or the word of the processor.
    kind: &'static str,
    /// What pages talk to the processor with; null when it is off.
    stripe: Option<ProcessorKey>,
}

/// What pages talk to the processor with.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProcessorKey {
    publishable_key: String,
}

/// A card to keep.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AddCard {
    /// `card`.
    #[schema(example = "card", value_type = Option<String>)]
    r#type: Option<Text<20>>,
    /// What the processor gave for the card; never its number.
    #[schema(example = "tok_visa", value_type = String)]
    token: Text<255>,
    /// Code or slug of the room.
    #[schema(value_type = Option<String>)]
    room_code: Option<Text<128>>,
    /// Who treats them.
    #[schema(value_type = Option<String>)]
    provider_id: Option<Id>,
}

/// A card.
#[derive(Debug, Serialize, ToSchema)]
pub struct BillingSource {
    /// UUID.
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    /// `card`.
    r#type: &'static str,
    /// `visa`.
    brand: String,
    /// Two letters.
    country: String,
    exp_month: i64,
    exp_year: i64,
    /// `credit`, `debit`, `prepaid` or `unknown`.
    funding: String,
    last4: String,
    name: String,
    /// Charged unless another one is named.
    is_default: bool,
}

/// What became of a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct Heard {
    /// It came before, and changed nothing this time.
    duplicate: bool,
}

impl From<SourceView> for BillingSource {
    fn from(view: SourceView) -> Self {
        let card = view.card.into_inner();
        Self {
            id: view.source.id,
            r#type: "card",
            brand: card.brand,
            country: card.country,
            exp_month: card.exp_month,
            exp_year: card.exp_year,
            funding: card.funding,
            last4: card.last4,
            name: card.name,
            is_default: view.source.is_default,
        }
    }
}

/// How the clinic takes money; with `enabled` false it does not.
#[utoipa::path(get, path = "/billing/settings", tag = "billing", operation_id = "billing::settings",
    params(BillingPlace), responses((status = 200, body = Data<BillingSettings>)))]
pub async fn settings(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(query): Request<BillingPlace>,
) -> Result<Data<BillingSettings>, ApiError> {
    let found = billing::settings(&app, &actor, &query.into()).await?;
    let stripe = found.publishable_key.map(|publishable_key| ProcessorKey { publishable_key });
    Ok(data(BillingSettings { enabled: found.enabled, kind: found.kind, stripe }))
}

/// Keeps a card of the caller's, by the token that the processor gave for it.
#[utoipa::path(post, path = "/billing/sources", tag = "billing", operation_id = "billing::add_source",
    request_body = AddCard, responses((status = 200, body = Data<BillingSource>)))]
pub async fn add_source(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<AddCard>,
) -> Result<Data<BillingSource>, ApiError> {
    if body.r#type.and_then(Text::filled).is_some_and(|kind| kind != "card") {
        return Err(ApiError::field("type", "use card"));
    }
    let place = BillingPlace { room_code: body.room_code, provider_id: body.provider_id };
    Ok(data(billing::add_source(&app, &actor, &place.into(), &body.token).await?.into()))
}

/// The caller's cards, the oldest first.
#[utoipa::path(get, path = "/billing/sources", tag = "billing", operation_id = "billing::list_sources",
    params(BillingPlace), responses((status = 200, body = Data<Vec<BillingSource>>)))]
pub async fn list_sources(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(query): Request<BillingPlace>,
) -> Result<Data<Vec<BillingSource>>, ApiError> {
    let all = billing::list_sources(&app, &actor, &query.into()).await?;
    Ok(data(all.into_iter().map(BillingSource::from).collect()))
}

/// One of the caller's cards.
#[utoipa::path(get, path = "/billing/sources/{id}", tag = "billing", operation_id = "billing::get_source",
    params(("id" = String, Path, description = "Identifier of the card")),
    responses((status = 200, body = Data<BillingSource>)))]
pub async fn get_source(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<BillingSource>, ApiError> {
    Ok(data(billing::get_source(&app, &actor, &id).await?.into()))
}

/// Makes a card the one that is charged.
#[utoipa::path(put, path = "/billing/sources/{id}", tag = "billing", operation_id = "billing::default_source",
    params(("id" = String, Path, description = "Identifier of the card")),
    responses((status = 200, body = Data<BillingSource>)))]
pub async fn default_source(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<BillingSource>, ApiError> {
    Ok(data(billing::default_source(&app, &actor, &id).await?.into()))
}

/// Forgets a card.
#[utoipa::path(delete, path = "/billing/sources/{id}", tag = "billing", operation_id = "billing::delete_source",
    params(("id" = String, Path, description = "Identifier of the card")),
    responses((status = 200, body = Data<Vec<String>>)))]
pub async fn delete_source(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Vec<String>>, ApiError> {
    billing::delete_source(&app, &actor, &id).await?;
    Ok(data(Vec::new()))
}

/// A message of the card processor, as it came: the signature is over its bytes.
pub struct Message {
    signature: String,
    body: Bytes,
    refused: (Client, Charged),
}

impl FromRequest<Api> for Message {
    type Rejection = ApiError;

    async fn from_request(request: axum::extract::Request, api: &Api) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let client = Client::of_request(&parts);
        api.limits.door(client.addr).map_err(ApiError::limited)?;
        let signature = parts.headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
        let (signature, charged) = (signature.unwrap_or_default().to_owned(), Charged::of(&parts.extensions));
        let body = Bytes::from_request(axum::extract::Request::from_parts(parts, body), api)
            .await
            .map_err(|_| ApiError::malformed("invalid_request", "The request cannot be read."))?;
        Ok(Self { signature, body, refused: (client, charged) })
    }
}

/// A message of the card processor, as JSON, signed in `X-Billing-Signature`
/// (`t=<seconds>,v1=<HMAC-SHA256 of "t.body" in hexadecimal>`).
#[utoipa::path(post, path = "/billing/webhook", tag = "billing", operation_id = "billing::webhook",
    responses((status = 200, body = Data<Heard>)))]
pub async fn webhook(State(api): State<Api>, message: Message) -> Result<Data<Heard>, ApiError> {
    let heard = invoices::webhook(&api.app, &message.signature, &message.body).await;
    if heard.is_err() {
        let (client, charged) = &message.refused;
        api.limits.refused(client.addr, charged)?;
    }
    Ok(data(Heard { duplicate: !heard? }))
}
