//! Clinics on the wire (contract core.md 5.3).

use axum::extract::State;
use bedside_app::{
    App,
    accounts::{self, AccountView},
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{
    BaseUrl,
    auth::Caller,
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Flag, Int, List, Path, Request, Text},
};

/// A clinic, as its pages and its portal need it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Account {
    #[schema(example = "0190a6c4-7a1e-7cc0-8f5b-3d0e9b2f4a11")]
    id: String,
    /// What `X-AccountCode` carries.
    #[schema(example = "northside")]
    code: String,
    /// Host of the clinic's portal.
    #[schema(example = "portal.northside.example")]
    domain: String,
    #[schema(example = "Northside Clinic")]
    name: String,
    /// Title of its pages.
    #[schema(example = "Northside Clinic")]
    portal_title: String,
    /// The clinic's own key of its privacy statement.
    privacy_id: String,
    /// What the way back to the portal is called.
    portal_name: String,
    /// Where it leads.
    portal_return_url: String,
    states: States,
    /// What to ask before a visit is made, step by step.
    #[schema(value_type = Vec<Object>)]
    intake_steps: Value,
    /// What to ask after it was made.
    #[schema(value_type = Vec<Object>)]
    post_intake_steps: Value,
    /// What to ask after its call; empty unless a form was published for it.
    #[schema(value_type = Vec<Object>)]
    post_call_steps: Value,
    /// Only for callers who may change the clinic.
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<Settings>,
}

/// Wizards by state.
#[derive(Debug, Serialize, ToSchema)]
pub struct States {
    signup: Signup,
}

/// How a patient makes a login.
#[derive(Debug, Serialize, ToSchema)]
pub struct Signup {
    /// Its steps.
    #[schema(value_type = Vec<Object>)]
    signup: Value,
}

/// How a clinic is set up.
#[derive(Debug, Serialize, ToSchema)]
pub struct Settings {
    /// May a portal sign people in?
    sso_enabled: bool,
    /// Must single sign-on come with the secret?
    require_api_secret: bool,
    /// Origins that a `return_url` may have besides the portal's own.
    return_origins: Vec<String>,
    /// Origins whose pages may call the API.
    cors_origins: Vec<String>,
    /// Origins whose pages may show the clinic's calls in a frame.
    embed_origins: Vec<String>,
    /// Largest file in bytes; null takes the server's own limit.
    max_file_bytes: Option<i64>,
    /// Do appointments come with a link that needs no login?
    one_time_links: bool,
    /// Where the logo of the clinic's letters is; empty for none.
    #[schema(example = "https://www.northside.example/logo.png")]
    logo_url: String,
    /// After how many minutes without a person the pages of staff lock; 0 for
    /// never.
    #[schema(example = 15)]
    idle_minutes: i64,
}

/// A clinic in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountRow {
    #[schema(example = "northside")]
    code: String,
    #[schema(example = "Northside Clinic")]
    name: String,
}

fn account(view: AccountView, base: &BaseUrl) -> Account {
    let AccountView { account, signup, intake_steps, post_intake_steps, post_call_steps, manages } = view;
    let own_host = || {
        let url = url::Url::parse(&base.0).ok();
        url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    };
    let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
    Account {
        id: account.id.to_string(),
        code: account.code,
        domain: if account.domain.is_empty() { own_host() } else { account.domain },
        portal_title: or(account.portal_title, &account.name),
        portal_name: or(account.portal_name, &account.name),
        name: account.name,
        privacy_id: account.privacy_id,
        portal_return_url: account.portal_return_url,
        states: States { signup: Signup { signup } },
        intake_steps,
        post_intake_steps,
        post_call_steps,
        settings: manages.then_some(Settings {
            sso_enabled: account.sso_enabled,
            require_api_secret: account.require_api_secret,
            return_origins: account.return_origins,
            cors_origins: account.cors_origins,
            embed_origins: account.embed_origins,
            max_file_bytes: account.max_file_bytes,
            one_time_links: account.one_time_links,
            logo_url: account.logo_url,
            idle_minutes: account.idle_minutes,
        }),
    }
}

/// Paging by offset.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Rows to skip.
    #[param(value_type = Option<i64>, example = 0)]
    start: Option<Int>,
    /// Rows to give, at most 100.
    #[param(value_type = Option<i64>, example = 20)]
    limit: Option<Int>,
}

/// The clinics of this server.
///
/// Empty unless the server is set up to tell (`accounts.list_publicly`).
#[utoipa::path(get, path = "/accounts", tag = "accounts", operation_id = "accounts::list", params(Paging),
    responses((status = 200, body = Page<AccountRow>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(paging): Request<Paging>,
) -> Result<Page<AccountRow>, ApiError> {
    let limit = paging.limit.map_or(20, |limit| limit.0).clamp(1, 100);
    let start = paging.start.map_or(0, |start| start.0.max(0));
    let (rows, total) = accounts::list(&app, &actor, start, limit).await?;
    let rows = rows.into_iter().map(|row| AccountRow { code: row.code, name: row.name });
    Ok(Page::new(rows.collect(), total))
}

/// A clinic by its code, `-` for the caller's own.
///
/// Open to everybody: titles, the way back, and the forms to go through before
/// and after a visit. `settings` is there only for callers who may change them.
#[utoipa::path(get, path = "/accounts/{code}", tag = "accounts", operation_id = "accounts::get",
    params(("code" = String, Path, description = "Code of the clinic, or -", example = "-")),
    responses((status = 200, body = Data<Account>)))]
pub async fn get(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Path(code): Path<String>,
) -> Result<Data<Account>, ApiError> {
    let code = (code != "-").then_some(code.as_str());
    Ok(data(account(accounts::get(&app, &actor, code).await?, &base)))
}

/// Steps of a wizard: a list, or the same as JSON text in a form. An empty
/// text takes Bedside's own steps again.
#[derive(Debug)]
pub struct Steps(Value);

impl<'de> Deserialize<'de> for Steps {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        match Value::deserialize(de)? {
            list @ Value::Array(_) => Ok(Self(list)),
            Value::String(text) if text.trim().is_empty() => Ok(Self(Value::Null)),
            Value::String(text) => serde_json::from_str::<Vec<Value>>(&text)
                .map(|list| Self(list.into()))
                .map_err(|_| D::Error::custom("must be a list of steps")),
            _ => Err(D::Error::custom("must be a list of steps")),
        }
    }
}

/// What may be changed of a clinic; what is left out stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct UpdateAccount {
    #[schema(example = "Northside Clinic")]
    name: Option<Text<128>>,
    /// Title of its pages; empty takes the name.
    portal_title: Option<Text<128>>,
    /// What the way back to the portal is called.
    #[schema(example = "My Northside")]
    portal_name: Option<Text<128>>,
    /// Where it leads; empty for no portal.
    #[schema(example = "https://portal.northside.example/home")]
    portal_return_url: Option<Text<2048>>,
    /// Origins that a `return_url` may have besides the portal's own.
    return_origins: Option<List<Text<300>>>,
    /// Origins whose pages may call the API from a browser.
    cors_origins: Option<List<Text<300>>>,
    /// Origins whose pages may show the clinic's calls in a frame (`/sdk/external_api.min.js`).
    embed_origins: Option<List<Text<300>>>,
    /// Host of the clinic's portal; empty for none. On a server of several
    /// clinics only its operator may set it.
    domain: Option<Text<253>>,
    /// The clinic's own key of its privacy statement.
    privacy_id: Option<Text<128>>,
    /// May a portal sign people in?
    sso_enabled: Option<Flag>,
    /// Must single sign-on come with the secret?
    require_api_secret: Option<Flag>,
    /// Largest file in bytes; 0 takes the server's own limit.
    max_file_bytes: Option<Int>,
    /// Do appointments come with a link that needs no login? It opens that one
    /// appointment.
    one_time_links: Option<Flag>,
    /// Where the logo of the clinic's letters is: an https URL of a PNG or JPEG,
    /// shown 48 pixels high; empty for none.
    #[schema(example = "https://www.northside.example/logo.png")]
    logo_url: Option<Text<2048>>,
    /// After how many minutes without a person the pages of staff lock, at most
    /// 720; 0 for never.
    #[schema(example = 15)]
    idle_minutes: Option<Int>,
    /// Steps of a sign-up.
    #[schema(value_type = Option<Vec<Object>>)]
    signup: Option<Steps>,
    /// Steps before a visit is made.
    #[schema(value_type = Option<Vec<Object>>)]
    intake_steps: Option<Steps>,
    /// Steps after it was made.
    #[schema(value_type = Option<Vec<Object>>)]
    post_intake_steps: Option<Steps>,
}

impl From<UpdateAccount> for accounts::Update {
    fn from(body: UpdateAccount) -> Self {
        let list = |list: List<Text<300>>| list.0.into_iter().map(Text::into_string).collect();
        Self {
            name: body.name.map(Text::into_string),
            portal_title: body.portal_title.map(Text::into_string),
            portal_name: body.portal_name.map(Text::into_string),
            portal_return_url: body.portal_return_url.map(Text::into_string),
            return_origins: body.return_origins.map(list),
            cors_origins: body.cors_origins.map(list),
            embed_origins: body.embed_origins.map(list),
            domain: body.domain.map(Text::into_string),
            privacy_id: body.privacy_id.map(Text::into_string),
            sso_enabled: body.sso_enabled.map(|flag| flag.0),
            require_api_secret: body.require_api_secret.map(|flag| flag.0),
            max_file_bytes: body.max_file_bytes.map(|bytes| bytes.0),
            one_time_links: body.one_time_links.map(|flag| flag.0),
            logo_url: body.logo_url.map(Text::into_string),
            idle_minutes: body.idle_minutes.map(|number| number.0),
            signup: body.signup.map(|steps| steps.0),
            intake_steps: body.intake_steps.map(|steps| steps.0),
            post_intake_steps: body.post_intake_steps.map(|steps| steps.0),
        }
    }
}

/// Changes the caller's own clinic (`-`, or its code).
///
/// Needs an admin, or an admin token with the scope `account:write`.
#[utoipa::path(post, path = "/accounts/{code}", tag = "accounts", operation_id = "accounts::update",
    params(("code" = String, Path, description = "-, or the code of the caller's own clinic", example = "-")),
    request_body = UpdateAccount, responses((status = 200, body = Data<Account>)))]
pub async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Path(code): Path<String>,
    Request(body): Request<UpdateAccount>,
) -> Result<Data<Account>, ApiError> {
    let code = (code != "-").then_some(code.as_str());
    Ok(data(account(accounts::update(&app, &actor, code, body.into()).await?, &base)))
}
