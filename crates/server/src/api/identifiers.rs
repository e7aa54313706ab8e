//! Identifiers on the wire: what other systems call a user or a visit. FHIR
//! searches go by them (`fhir`).

use axum::extract::State;
use bedside_app::{App, Error, identifiers};
use bedside_model::{UserId, VisitId, identifier};
use bedside_store::identifiers::Owner;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::Caller,
    envelope::{Data, data},
    error::ApiError,
    extract::{Path, Request},
};

/// What another system calls somebody or something.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Identifier {
    /// Whose numbers they are, an absolute URI.
    #[schema(example = "urn:oid:2.16.840.1.113883.19.5")]
    system: String,
    /// Unique among the users, or the visits, of the clinic in this system.
    #[schema(example = "MRN-004711")]
    value: String,
}

/// All identifiers of a user or a visit; they take the place of those before.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UpdateIdentifiers {
    /// At most 20; an empty list takes all away.
    identifiers: Vec<Identifier>,
}

impl Identifier {
    fn all(found: Vec<identifier::Identifier>) -> Data<Vec<Self>> {
        data(found.into_iter().map(|one| Self { system: one.system, value: one.value }).collect())
    }
}

impl UpdateIdentifiers {
    fn pairs(self) -> Vec<(String, String)> {
        self.identifiers.into_iter().map(|one| (one.system, one.value)).collect()
    }
}

fn user(id: &str) -> Result<Owner, Error> {
    id.parse::<UserId>().map(Owner::User).map_err(|_| Error::not_found("user"))
}

fn visit(id: &str) -> Result<Owner, Error> {
    id.parse::<VisitId>().map(Owner::Visit).map_err(|_| Error::not_found("visit"))
}

/// What other systems call a person.
#[utoipa::path(get, path = "/users/{id}/identifiers", tag = "users", operation_id = "identifiers::of_user",
    params(("id" = String, Path, description = "Number of the person")),
    responses((status = 200, body = Data<Vec<Identifier>>)))]
pub async fn of_user(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Vec<Identifier>>, ApiError> {
    Ok(Identifier::all(identifiers::list(&app, &actor, user(&id)?).await?))
}

/// Says what other systems call a person. The list takes the place of the one
/// before; nobody else of the clinic may be called so in the same system.
#[utoipa::path(post, path = "/users/{id}/identifiers", tag = "users", operation_id = "identifiers::update_user",
    params(("id" = String, Path, description = "Number of the person")),
    request_body = UpdateIdentifiers, responses((status = 200, body = Data<Vec<Identifier>>)))]
pub async fn update_user(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<UpdateIdentifiers>,
) -> Result<Data<Vec<Identifier>>, ApiError> {
    Ok(Identifier::all(identifiers::update(&app, &actor, user(&id)?, body.pairs()).await?))
}

/// What other systems call a visit.
#[utoipa::path(get, path = "/visits/{id}/identifiers", tag = "visits", operation_id = "identifiers::of_visit",
    params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Data<Vec<Identifier>>)))]
pub async fn of_visit(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Vec<Identifier>>, ApiError> {
    Ok(Identifier::all(identifiers::list(&app, &actor, visit(&id)?).await?))
}

/// Says what other systems call a visit, such as an appointment's number in an
/// EHR. The list takes the place of the one before.
#[utoipa::path(post, path = "/visits/{id}/identifiers", tag = "visits", operation_id = "identifiers::update_visit",
    params(("id" = String, Path, description = "Number of the visit")),
    request_body = UpdateIdentifiers, responses((status = 200, body = Data<Vec<Identifier>>)))]
pub async fn update_visit(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<UpdateIdentifiers>,
) -> Result<Data<Vec<Identifier>>, ApiError> {
    Ok(Identifier::all(identifiers::update(&app, &actor, visit(&id)?, body.pairs()).await?))
}
