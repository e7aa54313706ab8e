//! The API's own description: what the handlers' annotations do not say for
//! themselves is added here once.

use utoipa::{
    OpenApi,
    openapi::{
        self, Content, Ref, RefOr, ResponseBuilder, Server,
        path::Operation,
        security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme},
    },
};

use super::envelope::ErrorBody;

const DESCRIPTION: &str = "\
The HTTP API of Bedside. Every body may be JSON, a URL-encoded form or a multipart form; \
every path may end in `.json`; whole numbers may be sent as text. Answers are \
`{\"data\": …}`, errors `{\"code\", \"message\", \"error\", \"fields\", \"request_id\"}` \
with the HTTP status equal to `code`.";

#[derive(OpenApi)]
#[openapi(
    info(title = "Bedside API", description = DESCRIPTION, license(name = "Apache-2.0", identifier = "Apache-2.0")),
    components(schemas(ErrorBody)),
)]
struct Start;

/// The document before the routes are added.
pub fn start() -> openapi::OpenApi {
    Start::openapi()
}

/// Completes the document of all routes for a server whose API answers under
/// `prefix`.
pub fn finish(mut document: openapi::OpenApi, prefix: &str) -> openapi::OpenApi {
    document.servers = Some(vec![Server::new(prefix)]);
    let components = document.components.get_or_insert_default();
    for (name, header, about) in [
        ("AccountCode", "X-AccountCode", "Code of the account (the clinic)."),
        ("ApiToken", "X-ApiToken", "Token of a person, or an admin token."),
        ("ApiKey", "X-ApiKey", "The account's API key."),
        ("ApiSecret", "X-ApiSecret", "The account's API secret."),
    ] {
        let value = ApiKeyValue::with_description(header, about);
        components.add_security_scheme(name, SecurityScheme::ApiKey(ApiKey::Header(value)));
    }
    document.security = Some(vec![
        SecurityRequirement::new::<_, _, String>("ApiToken", []).add::<_, _, String>("AccountCode", []),
        SecurityRequirement::default(),
    ]);
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.delete];
        operations.into_iter().flatten().for_each(complete);
    }
    document
}

/// All three encodings of a body, and the one form of an error.
fn complete(operation: &mut Operation) {
    if let Some(RefOr::T(body)) = &mut operation.request_body
        && let Some(json) = body.content.get("application/json").cloned()
    {
        for encoding in ["application/x-www-form-urlencoded", "multipart/form-data"] {
            body.content.insert(encoding.to_owned(), json.clone());
        }
    }
    let error = ResponseBuilder::new()
        .description("An error; `code` is the HTTP status.")
        .content("application/json", Content::new(Some(Ref::from_schema_name("ErrorBody"))))
        .build();
    operation.responses.responses.entry("default".to_owned()).or_insert(RefOr::T(error));
}

/// The document as checked in: pretty JSON with a final line break.
///
/// # Errors
/// The document cannot be written as JSON.
pub fn text(document: &openapi::OpenApi) -> serde_json::Result<String> {
    document.to_pretty_json().map(|text| text + "\n")
}
