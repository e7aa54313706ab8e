//! Dependants on the wire: people in a patient's care. Ours, the vendor's pages
//! only show that they exist.

use axum::extract::State;
use bedside_app::{
    App, Error,
    dependants::{self, Add},
    profile::ProfileInput,
};
use bedside_model::UserId;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    auth::Caller,
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Path, Request, Text},
    user_body::text,
    user_object::DependantObject,
    users::which,
};

/// Everybody in somebody's care.
#[utoipa::path(get, path = "/users/{id}/dependants", tag = "users", operation_id = "dependants::list",
    params(("id" = String, Path, description = "Number of the guardian, or `-` for the token's user")),
    responses((status = 200, body = Page<DependantObject>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Page<DependantObject>, ApiError> {
    let found = dependants::list(&app, &actor, which(&id)?).await?;
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    Ok(Page::new(found.into_iter().map(DependantObject::from).collect(), total))
}

/// Somebody to care for.
#[derive(Deserialize, ToSchema)]
pub struct AddDependantRequest {
    first_name: Text<100>,
    last_name: Text<100>,
    /// `YYYY-MM-DD`, not in the future.
    dob: Text<10>,
    /// What they are to the guardian: `child`, `parent`, `spouse` or `other`.
    relation: Text<20>,
    /// `male`, `female`, or the number.
    gender: Option<Text<10>>,
}

/// Adds somebody to a patient's care: a patient without a login, for whom the
/// guardian makes intakes and visits. At most 20.
#[utoipa::path(post, path = "/users/{id}/dependants", tag = "users", operation_id = "dependants::add",
    params(("id" = String, Path, description = "Number of the guardian, or `-` for the token's user")),
    request_body = AddDependantRequest, responses((status = 200, body = Data<DependantObject>)))]
pub async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<AddDependantRequest>,
) -> Result<Data<DependantObject>, ApiError> {
    let profile = ProfileInput {
        first_name: Some(body.first_name.into_string()),
        last_name: Some(body.last_name.into_string()),
        dob: Some(body.dob.into_string()),
        gender: text(body.gender),
        ..ProfileInput::default()
    };
    let command = Add { profile, relation: body.relation.into_string() };
    Ok(data(dependants::add(&app, &actor, which(&id)?, command).await?.into()))
}

/// Ends somebody's care for somebody. The dependant stays a patient of the
/// clinic.
#[utoipa::path(delete, path = "/users/{id}/dependants/{dependant_id}", tag = "users",
    operation_id = "dependants::end",
    params(("id" = String, Path, description = "Number of the guardian, or `-` for the token's user"),
        ("dependant_id" = String, Path, description = "Number of the dependant")),
    responses((status = 200, body = Data<Object>)))]
pub async fn end(
    State(app): State<App>,
    Caller(actor): Caller,
    Path((id, dependant)): Path<(String, String)>,
) -> Result<Data<Map<String, Value>>, ApiError> {
    let dependant = dependant.parse().map(UserId).map_err(|_| Error::not_found("dependant"))?;
    dependants::end(&app, &actor, which(&id)?, dependant).await?;
    Ok(data(Map::new()))
}
