//! API apps on the wire: the programs a clinic lets in, their keys and admin
//! tokens. Secrets are in the answer that makes them and in no other.

use axum::extract::State;
use bedside_app::{
    App,
    api_apps::{self, AppView},
};
use bedside_model::{AppId, At, KeyId, TokenId, scope::Scopes};
use bedside_store::{api_apps::ApiApp as Stored, api_keys::KeyView, tokens::TokenView};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use utoipa::ToSchema;

use super::{
    auth::Caller,
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Int, List, Path, Request, Text},
};

/// An app in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiAppRow {
    #[schema(example = "0190a6c4-7a1e-7cc0-8f5b-3d0e9b2f4a11")]
    id: String,
    #[schema(example = "Patient portal")]
    name: String,
    /// What its keys and tokens are limited to; `*` is every scope.
    #[schema(example = json!(["sso", "visits:read"]))]
    scopes: Vec<&'static str>,
    /// The system user (type 160) that stands for it in the audit trail.
    #[schema(example = "1007")]
    user_id: String,
    /// UNIX seconds.
    created: i64,
    /// UNIX seconds.
    modified: i64,
}

/// An app with its keys and tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiApp {
    #[serde(flatten)]
    app: ApiAppRow,
    keys: Vec<ApiKey>,
    tokens: Vec<AdminToken>,
}

/// A key, without the key.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKey {
    #[schema(example = "0190a6c4-7a1e-7cc0-8f5b-3d0e9b2f4a11")]
    id: String,
    /// The key's last four characters.
    #[schema(example = "9f3c")]
    last_four: String,
    /// What it is limited to, besides its app's own limit.
    #[schema(example = json!(["*"]))]
    scopes: Vec<&'static str>,
    /// UNIX seconds.
    created: i64,
    /// UNIX seconds; null while nothing follows it.
    expires: Option<i64>,
    /// UNIX seconds, to the minute.
    last_used: Option<i64>,
}

/// A new key with its secret, shown once.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewApiKey {
    #[serde(flatten)]
    view: ApiKey,
    /// For `X-ApiKey`.
    #[schema(example = "4f0c9a6be2d14b0d9a7c5e8f12ab9f3c")]
    key: String,
    /// For `X-ApiSecret`.
    #[schema(example = "b7d1e0f24c6a4b58a3d9c8e7f6a5b4c3")]
    secret: String,
}

/// An admin token, without the token.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminToken {
    #[schema(example = "0190a6c4-7a1e-7cc0-8f5b-3d0e9b2f4a11")]
    id: String,
    /// What it is for.
    #[schema(example = "Nightly report")]
    name: String,
    /// Its last four characters; empty for tokens from before they were kept.
    #[schema(example = "b4c3")]
    last_four: String,
    /// What it is limited to, besides its app's own limit.
    #[schema(example = json!(["visits:read"]))]
    scopes: Vec<&'static str>,
    /// UNIX seconds.
    created: i64,
    /// UNIX seconds, to the minute.
    last_used: Option<i64>,
}

/// A new admin token, shown once.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewAdminToken {
    #[serde(flatten)]
    view: AdminToken,
    /// For `X-ApiToken`.
    #[schema(example = "4f0c9a6be2d14b0d9a7c5e8f12ab9f3c")]
    token: String,
}

/// Nothing is left of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Deleted {}

fn words(scopes: Scopes) -> Vec<&'static str> {
    if scopes == Scopes::ALL { vec!["*"] } else { scopes.words() }
}

impl From<Stored> for ApiAppRow {
    fn from(app: Stored) -> Self {
        Self {
            id: app.id.to_string(),
            name: app.name,
            scopes: words(app.scopes),
            user_id: app.user.to_string(),
            created: app.created_at.seconds(),
            modified: app.updated_at.seconds(),
        }
    }
}

impl From<KeyView> for ApiKey {
    fn from(key: KeyView) -> Self {
        Self {
            id: key.id.to_string(),
            last_four: key.last_four,
            scopes: words(key.scopes),
            created: key.created_at.seconds(),
            expires: key.expires_at.map(At::seconds),
            last_used: key.last_used_at.map(At::seconds),
        }
    }
}

impl From<TokenView> for AdminToken {
    fn from(token: TokenView) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name,
            last_four: token.last_four,
            scopes: words(token.scopes),
            created: token.created_at.seconds(),
            last_used: token.last_used_at.map(At::seconds),
        }
    }
}

impl From<AppView> for ApiApp {
    fn from(view: AppView) -> Self {
        Self {
            app: view.app.into(),
            keys: view.keys.into_iter().map(ApiKey::from).collect(),
            tokens: view.tokens.into_iter().map(AdminToken::from).collect(),
        }
    }
}

/// Scopes as a list, or as one text with commas.
#[derive(Debug, Clone, Copy)]
pub struct Wanted(Scopes);

impl<'de> Deserialize<'de> for Wanted {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        let List(list) = List::<Text<64>>::deserialize(de)?;
        Scopes::parse(list.iter().map(Text::trimmed))
            .map(Self)
            .map_err(|word| D::Error::custom(format!("must be known scopes; {word} is none")))
    }
}

/// An app to make.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AddApiApp {
    /// What the clinic calls it.
    #[schema(example = "Patient portal")]
    name: Text<128>,
    /// What it is limited to; left out, it may do what the caller may.
    #[schema(value_type = Option<List<String>>, example = json!(["sso", "visits:read"]))]
    scopes: Option<Wanted>,
}

/// What may be changed of an app.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UpdateApiApp {
    #[schema(example = "Patient portal")]
    name: Option<Text<128>>,
    /// What it is limited to from now on, with all its keys and tokens.
    #[schema(value_type = Option<List<String>>, example = json!(["sso"]))]
    scopes: Option<Wanted>,
}

/// A key to make.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AddApiKey {
    /// What it is limited to; left out, what the app is.
    #[schema(value_type = Option<List<String>>, example = json!(["sso"]))]
    scopes: Option<Wanted>,
    /// How many seconds the app's other keys stay good, at most 2592000
    /// (30 days); left out, they have no end.
    #[schema(example = 86_400)]
    overlap_s: Option<Int>,
}

/// An admin token to make.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AddAdminToken {
    /// What it is for.
    #[schema(example = "Nightly report")]
    name: Text<128>,
    /// What it is limited to; left out, what the app is.
    #[schema(value_type = Option<List<String>>, example = json!(["visits:read"]))]
    scopes: Option<Wanted>,
}

/// An identifier of another form names nothing.
fn id<T: std::str::FromStr>(text: &str, noun: &'static str) -> Result<T, ApiError> {
    text.parse().map_err(|_| bedside_app::Error::not_found(noun).into())
}

fn app_id(text: &str) -> Result<AppId, ApiError> {
    id(text, "api_app")
}

/// The clinic's apps, oldest first.
///
/// Needs an admin, or an admin token with the scope `account:write`.
#[utoipa::path(get, path = "/api_apps", tag = "api_apps", operation_id = "api_apps::list",
    responses((status = 200, body = Page<ApiAppRow>)))]
pub async fn list(State(app): State<App>, Caller(actor): Caller) -> Result<Page<ApiAppRow>, ApiError> {
    let rows = api_apps::list(&app, &actor).await?;
    let total = rows.len() as i64;
    Ok(Page::new(rows.into_iter().map(ApiAppRow::from).collect(), total))
}

/// Makes an app, with a system user of its own.
///
/// Nobody gives what they lack: a scope that the calling token does not have
/// is refused with `scope_exceeded`.
#[utoipa::path(post, path = "/api_apps", tag = "api_apps", operation_id = "api_apps::add",
    request_body = AddApiApp, responses((status = 200, body = Data<ApiApp>)))]
pub async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<AddApiApp>,
) -> Result<Data<ApiApp>, ApiError> {
    let command = api_apps::Add { name: body.name.into_string(), scopes: body.scopes.map(|wanted| wanted.0) };
    Ok(data(api_apps::add(&app, &actor, command).await?.into()))
}

/// An app with its keys and tokens.
#[utoipa::path(get, path = "/api_apps/{id}", tag = "api_apps", operation_id = "api_apps::get",
    params(("id" = String, Path, description = "The app")),
    responses((status = 200, body = Data<ApiApp>)))]
pub async fn get(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<ApiApp>, ApiError> {
    Ok(data(api_apps::get(&app, &actor, &app_id(&id)?).await?.into()))
}

/// Renames an app, or limits it anew from the next request on.
#[utoipa::path(post, path = "/api_apps/{id}", tag = "api_apps", operation_id = "api_apps::update",
    params(("id" = String, Path, description = "The app")),
    request_body = UpdateApiApp, responses((status = 200, body = Data<ApiApp>)))]
pub async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<UpdateApiApp>,
) -> Result<Data<ApiApp>, ApiError> {
    let command = api_apps::Update {
        name: body.name.map(Text::into_string),
        scopes: body.scopes.map(|wanted| wanted.0),
    };
    Ok(data(api_apps::update(&app, &actor, &app_id(&id)?, command).await?.into()))
}

/// Deletes an app: all its keys and tokens end at once.
#[utoipa::path(delete, path = "/api_apps/{id}", tag = "api_apps", operation_id = "api_apps::delete",
    params(("id" = String, Path, description = "The app")),
    responses((status = 200, body = Data<Deleted>)))]
pub async fn delete(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Deleted>, ApiError> {
    api_apps::delete(&app, &actor, &app_id(&id)?).await?;
    Ok(data(Deleted {}))
}

/// Makes a key and its secret, shown once.
///
/// With `overlap_s` it takes the place of the app's other keys, which end that
/// many seconds later: so a key is changed without an interruption.
#[utoipa::path(post, path = "/api_apps/{id}/keys", tag = "api_apps", operation_id = "api_apps::add_key",
    params(("id" = String, Path, description = "The app")),
    request_body = AddApiKey, responses((status = 200, body = Data<NewApiKey>)))]
pub async fn add_key(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<AddApiKey>,
) -> Result<Data<NewApiKey>, ApiError> {
    let command = api_apps::AddKey {
        scopes: body.scopes.map(|wanted| wanted.0),
        overlap_s: body.overlap_s.map(|seconds| seconds.0),
    };
    let made = api_apps::add_key(&app, &actor, &app_id(&id)?, command).await?;
    Ok(data(NewApiKey { view: made.view.into(), key: made.key, secret: made.secret }))
}

/// Deletes a key: it ends at once.
#[utoipa::path(delete, path = "/api_apps/{id}/keys/{key_id}", tag = "api_apps",
    operation_id = "api_apps::delete_key",
    params(("id" = String, Path, description = "The app"), ("key_id" = String, Path, description = "The key's id")),
    responses((status = 200, body = Data<Deleted>)))]
pub async fn delete_key(
    State(app): State<App>,
    Caller(actor): Caller,
    Path((of, key)): Path<(String, String)>,
) -> Result<Data<Deleted>, ApiError> {
    let key: KeyId = id(&key, "api_key")?;
    api_apps::delete_key(&app, &actor, &app_id(&of)?, &key).await?;
    Ok(data(Deleted {}))
}

/// Makes an admin token, shown once. It does not end by itself.
#[utoipa::path(post, path = "/api_apps/{id}/tokens", tag = "api_apps", operation_id = "api_apps::add_token",
    params(("id" = String, Path, description = "The app")),
    request_body = AddAdminToken, responses((status = 200, body = Data<NewAdminToken>)))]
pub async fn add_token(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<AddAdminToken>,
) -> Result<Data<NewAdminToken>, ApiError> {
    let command =
        api_apps::AddToken { name: body.name.into_string(), scopes: body.scopes.map(|wanted| wanted.0) };
    let made = api_apps::add_token(&app, &actor, &app_id(&id)?, command).await?;
    Ok(data(NewAdminToken { view: made.view.into(), token: made.token }))
}

/// Deletes an admin token: it ends at once.
#[utoipa::path(delete, path = "/api_apps/{id}/tokens/{token_id}", tag = "api_apps",
    operation_id = "api_apps::delete_token",
    params(("id" = String, Path, description = "The app"), ("token_id" = String, Path, description = "The token's id")),
    responses((status = 200, body = Data<Deleted>)))]
pub async fn delete_token(
    State(app): State<App>,
    Caller(actor): Caller,
    Path((of, token)): Path<(String, String)>,
) -> Result<Data<Deleted>, ApiError> {
    let token: TokenId = id(&token, "admin_token")?;
    api_apps::delete_token(&app, &actor, &app_id(&of)?, &token).await?;
    Ok(data(Deleted {}))
}
