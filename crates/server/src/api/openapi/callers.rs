//! Who may call what, as the API's description says it: which credentials an
//! operation asks for. Whether somebody may is decided in `app`; this table is
//! held against the truth by `it/openapi.rs`.

use serde_json::{Value, json};

/// What an operation asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Nothing.
    Anybody,
    /// The account's API key and secret.
    Portal,
    /// A signed query.
    Link,
    /// A token, or a page's cookie.
    Person,
    /// The same, or the one-time link of the visit.
    Visitor,
}

/// The operations that do not ask for a person alone.
const OTHERS: &[(&str, &str, Caller)] = &[
    ("post", "/users/sso", Caller::Portal),
    ("post", "/users/login", Caller::Anybody),
    ("post", "/users/guest_login", Caller::Anybody),
    ("post", "/users/refresh_token", Caller::Anybody),
    ("post", "/users/logout", Caller::Anybody),
    ("post", "/users/password", Caller::Anybody),
    ("post", "/users/password_link", Caller::Anybody),
    ("post", "/users/forgot_password", Caller::Anybody),
    ("get", "/rooms", Caller::Anybody),
    ("get", "/rooms/{code}", Caller::Anybody),
    ("get", "/rooms/{code}/providers", Caller::Anybody),
    ("get", "/rooms/{code}/providers/{id}", Caller::Anybody),
    ("get", "/accounts", Caller::Anybody),
    ("get", "/accounts/{code}", Caller::Anybody),
    ("get", "/accounts/{code}/tos", Caller::Anybody),
    ("get", "/accounts/{code}/consent", Caller::Anybody),
    ("get", "/consent_documents/{id}", Caller::Anybody),
    ("post", "/users/{id}/consents", Caller::Visitor),
    ("post", "/billing/webhook", Caller::Anybody),
    ("post", "/visits/join", Caller::Anybody),
    ("get", "/visits/join/{code}", Caller::Anybody),
    ("post", "/visits/{id}/link/resend", Caller::Anybody),
    ("get", "/files/view/{id}", Caller::Link),
    ("get", "/visits/{id}", Caller::Visitor),
    ("post", "/visits/{id}", Caller::Visitor),
    ("post", "/visits/{id}/start", Caller::Visitor),
    ("post", "/visits/{id}/add_walkin", Caller::Visitor),
    ("post", "/visits/{id}/call", Caller::Visitor),
    ("post", "/visits/{id}/call/quality", Caller::Visitor),
    ("get", "/meetings/{meeting_id}", Caller::Visitor),
    ("get", "/visits/{id}/recordings/current", Caller::Visitor),
    ("post", "/recordings/{id}/consent", Caller::Visitor),
    ("get", "/recordings/view/{id}", Caller::Link),
    ("post", "/visits/{id}/cancel", Caller::Visitor),
    ("post", "/visits/{id}/close", Caller::Visitor),
    ("post", "/visits/{id}/end", Caller::Visitor),
    ("get", "/visits/{id}/calendar.ics", Caller::Visitor),
    ("get", "/visits/{id}/leave_and_call", Caller::Visitor),
    ("post", "/visits/{id}/leave_and_call", Caller::Visitor),
    ("delete", "/visits/{id}/leave_and_call", Caller::Visitor),
    ("get", "/visits/{id}/messages", Caller::Visitor),
    ("post", "/visits/{id}/messages", Caller::Visitor),
    ("post", "/visits/{id}/messages/read", Caller::Visitor),
    ("get", "/forms", Caller::Visitor),
    ("get", "/forms/{id}", Caller::Visitor),
    ("get", "/forms/{id}/versions/{n}", Caller::Visitor),
    ("post", "/forms/{id}/answers", Caller::Visitor),
    ("get", "/form_answers/{id}", Caller::Visitor),
    ("post", "/form_answers/{id}", Caller::Visitor),
    ("post", "/form_answers/{id}/complete", Caller::Visitor),
    ("get", "/visits/{id}/form_answers", Caller::Visitor),
    ("get", "/surveys", Caller::Visitor),
    ("get", "/surveys/{code}", Caller::Visitor),
    ("post", "/surveys/{code}/results", Caller::Visitor),
    ("get", "/availability", Caller::Visitor),
    ("get", "/rooms/{code}/queue", Caller::Visitor),
    ("get", "/events/stream", Caller::Visitor),
];

impl Caller {
    /// What the operation of a method and a path asks for.
    pub fn of(method: &str, path: &str) -> Self {
        let found = OTHERS.iter().find(|(of, at, _)| *of == method && *at == path);
        found.map_or(Self::Person, |(.., caller)| *caller)
    }

    pub fn security(self) -> Value {
        match self {
            Self::Anybody | Self::Link => json!([{}]),
            Self::Portal => json!([{ "ApiKey": [], "ApiSecret": [] }]),
            Self::Person | Self::Visitor => {
                let mut ways = vec!["ApiToken", "PatientSession", "ProviderSession", "AdminSession"];
                ways.extend((self == Self::Visitor).then_some("LinkToken"));
                ways.into_iter().map(|way| json!({ way: [] })).collect()
            }
        }
    }

    pub fn sentence(self) -> &'static str {
        match self {
            Self::Anybody => "Credentials: none.",
            Self::Portal => {
                "Credentials: `X-ApiKey` and `X-ApiSecret`; a token beside them is not looked at."
            }
            Self::Link => "Credentials: the signed query.",
            Self::Person => "Credentials: `X-ApiToken`, or the session of a page.",
            Self::Visitor => {
                "Credentials: `X-ApiToken`, the session of a page, or the one-time link of the visit in \
                 `X-LinkToken` (a read may carry it as `token`)."
            }
        }
    }
}

pub fn schemes() -> Value {
    let header = |name: &str, about: &str| json!({ "type": "apiKey", "in": "header", "name": name, "description": about });
    let cookie = |name: &str, about: &str| json!({ "type": "apiKey", "in": "cookie", "name": name, "description": about });
    json!({
        "ApiToken": header("X-ApiToken", "Token of a person, or an admin token."),
        "LinkToken": header("X-LinkToken", "The `one_time_link_token` of an appointment: its patient, for this visit alone."),
        "ApiKey": header("X-ApiKey", "The account's API key."),
        "ApiSecret": header("X-ApiSecret", "The account's API secret. Accounts may allow the key alone."),
        "PatientSession": cookie("bedside_patient", "A patient's page, together with `X-Session-Kind: patient`."),
        "ProviderSession": cookie("bedside_provider", "A provider's page, together with `X-Session-Kind: provider`."),
        "AdminSession": cookie("bedside_admin", "An admin's page, together with `X-Session-Kind: admin`."),
    })
}
