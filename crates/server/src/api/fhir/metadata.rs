//! What the door can do (hl7.org/fhir/R4/capabilitystatement.html), for
//! everybody: an EHR reads it before it has a token.

use axum::{extract::State, http::request::Parts, response::Response};
use serde_json::{Value, json};

use super::{
    super::{Api, BaseUrl, error::ApiError},
    RESOURCES, ROOT, Resource, answer,
};
use crate::http::Client;

/// When this description last changed in what it says.
const CHANGED: &str = "2026-11-24";

pub(super) async fn get(State(api): State<Api>, base: BaseUrl, parts: Parts) -> Result<Response, ApiError> {
    api.limits.door(Client::of_request(&parts).addr).map_err(ApiError::limited)?;
    Ok(answer(statement(&base.0)))
}

fn statement(base: &str) -> Value {
    let resources: Vec<Value> = RESOURCES.iter().map(described).collect();
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": CHANGED,
        "kind": "instance",
        "software": { "name": "Bedside", "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": "The clinic as an EHR reads it", "url": format!("{base}{ROOT}") },
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{
            "mode": "server",
            "security": {
                "cors": true,
                "description": "Send an admin token of an API app with the scope fhir:read, as \
                    `Authorization: Bearer …` or in X-ApiToken.",
            },
            "resource": resources,
        }],
    })
}

fn described(resource: &Resource) -> Value {
    let own = resource
        .parameters
        .iter()
        .map(|one| json!({ "name": one.name, "type": one.by.kind(), "documentation": one.about }));
    let id = json!({ "name": "_id", "type": "token", "documentation": "Logical ids, separated by commas." });
    let parameters: Vec<Value> = std::iter::once(id).chain(own).collect();
    json!({
        "type": resource.name,
        "documentation": resource.about,
        "interaction": [{ "code": "read" }, { "code": "search-type" }],
        "versioning": "no-version",
        "readHistory": false,
        "updateCreate": false,
        "searchParam": parameters,
    })
}
