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
}

/// The operations that do not ask for a person.
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
    ("post", "/visits/join", Caller::Anybody),
    ("get", "/visits/join/{code}", Caller::Anybody),
    ("get", "/files/view/{id}", Caller::Link),
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
            Self::Person => json!([
                { "ApiToken": [] },
                { "PatientSession": [] },
                { "ProviderSession": [] },
                { "AdminSession": [] },
            ]),
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
        }
    }
}

pub fn schemes() -> Value {
    let header = |name: &str, about: &str| json!({ "type": "apiKey", "in": "header", "name": name, "description": about });
    let cookie = |name: &str, about: &str| json!({ "type": "apiKey", "in": "cookie", "name": name, "description": about });
    json!({
        "ApiToken": header("X-ApiToken", "Token of a person, or an admin token."),
        "ApiKey": header("X-ApiKey", "The account's API key."),
        "ApiSecret": header("X-ApiSecret", "The account's API secret. Accounts may allow the key alone."),
        "PatientSession": cookie("bedside_patient", "A patient's page, together with `X-Session-Kind: patient`."),
        "ProviderSession": cookie("bedside_provider", "A provider's page, together with `X-Session-Kind: provider`."),
        "AdminSession": cookie("bedside_admin", "An admin's page, together with `X-Session-Kind: admin`."),
    })
}
