//! Credentials: from what a request shows to who is calling.
//!
//! Real clients send all four `X-` headers on every call (core.md 1.3). So a
//! token or a page's session says who it is and a key beside it is not looked
//! at; the calls that make tokens look at the key, or at nothing but the
//! account, and never at a token that may have ended long ago.

use bedside_model::{
    AccountId,
    user::{Role, SessionKind, TokenKind, UserStatus},
};
use bedside_store::{
    Conn,
    accounts::{self, Account},
    api_keys, appointments, sessions, tokens,
};

use crate::{Actor, App, Error, Result, Who, actor::Credential, api_apps::Shown, links, tokens::digest};

/// What a request shows. Empty and blank values are as good as missing ones.
#[derive(Clone, Default)]
pub struct Credentials {
    /// `X-AccountCode`.
    pub account_code: Option<String>,
    /// `X-ApiKey`.
    pub api_key: Option<String>,
    /// `X-ApiSecret`.
    pub api_secret: Option<String>,
    /// `X-ApiToken`.
    pub token: Option<String>,
    /// `X-LinkToken`: the one-time link of an appointment.
    pub link: Option<String>,
    /// The cookie of the kind that the page named.
    pub session: Option<(SessionKind, String)>,
    /// Host name the request was sent to, for `api-{account}.…`.
    pub host: Option<String>,
    /// The request's identifier.
    pub request_id: String,
    /// The client's network address.
    pub address: String,
    /// The page's device in words, as `model::device` tells it.
    pub device: String,
}

impl Credentials {
    fn account_code(&self) -> Option<&str> {
        present(self.account_code.as_deref())
    }

    fn api_key(&self) -> Option<&str> {
        present(self.api_key.as_deref())
    }

    /// The account that the host names: `api-{account}.example.org`.
    fn host_code(&self) -> Option<&str> {
        let (first, _) = self.host_name().split_once('.')?;
        present(first.strip_prefix("api-"))
    }

    /// The host without its port.
    fn host_name(&self) -> &str {
        let host = self.host.as_deref().unwrap_or_default();
        host.rsplit_once(':').map_or(host, |(name, _)| name)
    }

    fn actor(&self, account: AccountId, who: Who) -> Actor {
        let device = self.device.clone();
        Actor { device, ..Actor::new(account, who, self.request_id.clone(), self.address.clone()) }
    }
}

fn present(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|text| !text.is_empty())
}

/// An account that no row has: somebody whose clinic nobody could tell.
#[must_use]
pub fn no_account() -> AccountId {
    AccountId(String::new())
}

/// Who is calling. Without token and session that is the key's server, or
/// nobody we know (in the account of the header, the host, or the only one;
/// [`no_account`] when none of them tells).
///
/// # Errors
/// 401 for a token, link or key that does not count (any more), or that belongs to
/// another account than the header's; 403 for a suspended user or a link whose
/// visit is closed; 404 for an
/// unknown account code.
pub async fn authenticate(app: &App, shown: &Credentials) -> Result<Actor> {
    let mut conn = app.store.reader().await?;
    if let Some(token) = present(shown.token.as_deref()) {
        return by_token(&mut conn, app, shown, token).await;
    }
    if let Some(link) = present(shown.link.as_deref()) {
        return by_link(&mut conn, app, shown, link).await;
    }
    if let Some((kind, cookie)) = &shown.session
        && let Some(actor) = by_session(&mut conn, app, shown, *kind, cookie).await?
    {
        return Ok(actor);
    }
    let named = named_account(&mut conn, shown).await?;
    if shown.api_key().is_some() {
        let (account, who) = check_key(&mut conn, app, shown, named).await?;
        return Ok(shown.actor(account.id, who));
    }
    let account = match named {
        Some(account) => Some(account),
        None => unnamed_account(&mut conn, shown).await?,
    };
    Ok(shown.actor(account.map_or_else(no_account, |account| account.id), Who::Anonymous))
}

/// The account of a call that needs no credentials, such as a login; tokens
/// and secrets beside it are not looked at.
///
/// # Errors
/// 404 for an unknown account code, 400 when nothing tells the account.
pub async fn account_only(app: &App, shown: &Credentials) -> Result<Actor> {
    let mut conn = app.store.reader().await?;
    if let Some(account) = named_account(&mut conn, shown).await? {
        return Ok(shown.actor(account.id, Who::Anonymous));
    }
    let of_key = match shown.api_key() {
        Some(key) => api_keys::find(&mut conn, key).await?.map(|key| key.account),
        None => None,
    };
    let of_token = match present(shown.token.as_deref()) {
        Some(token) => tokens::find(&mut conn, &digest(token)).await?.map(|token| token.account),
        None => None,
    };
    let account = match of_key.or(of_token) {
        Some(account) => Some(account),
        None => unnamed_account(&mut conn, shown).await?.map(|account| account.id),
    };
    match account {
        Some(account) => Ok(shown.actor(account, Who::Anonymous)),
        None => Err(account_missing()),
    }
}

pub(crate) fn account_missing() -> Error {
    Error::invalid("account_missing", "Send the clinic's code in the X-AccountCode header.")
}

/// The portal's server, for single sign-on. Every way to fail has its own code.
///
/// # Errors
/// `account_unknown` (404), `api_key_missing`, `api_key_invalid`,
/// `api_secret_missing`, `api_secret_invalid` (401), `sso_disabled` (403).
pub async fn for_sso(app: &App, shown: &Credentials) -> Result<(Actor, Account)> {
    let mut conn = app.store.reader().await?;
    let named = named_account(&mut conn, shown).await?;
    if shown.api_key().is_none() {
        return Err(Error::unauthorized(
            "api_key_missing",
            "Send the clinic's API key in the X-ApiKey header.",
        ));
    }
    let (account, who) = check_key(&mut conn, app, shown, named).await?;
    if !account.sso_enabled {
        return Err(Error::forbidden("sso_disabled", "Single sign-on is switched off for this clinic."));
    }
    Ok((shown.actor(account.id.clone(), who), account))
}

/// The account of the header; its code must exist.
async fn named_account(conn: &mut Conn, shown: &Credentials) -> Result<Option<Account>> {
    let Some(code) = shown.account_code() else { return Ok(None) };
    let account = accounts::find_by_code(conn, code).await?;
    account.map(Some).ok_or_else(|| Error::not_found("account"))
}

/// The account of the host (`api-{account}.…`, or the clinic's own domain),
/// else the only one there is. A host is only a default: whatever else names
/// the account comes first.
async fn unnamed_account(conn: &mut Conn, shown: &Credentials) -> Result<Option<Account>> {
    Ok(accounts::find_at_host(conn, shown.host_code(), shown.host_name()).await?)
}

/// Key and secret; gives the key's account and the caller it makes.
async fn check_key(
    conn: &mut Conn,
    app: &App,
    shown: &Credentials,
    named: Option<Account>,
) -> Result<(Account, Who)> {
    let unknown = || Error::unauthorized("api_key_invalid", "This API key is not valid for this clinic.");
    let now = app.clock.now();
    let key = api_keys::find(conn, shown.api_key().unwrap_or_default()).await?.ok_or_else(unknown)?;
    if !key.counts(now) || named.as_ref().is_some_and(|named| named.id != key.account) {
        return Err(unknown());
    }
    let account = match named {
        Some(account) => account,
        None => accounts::find(conn, &key.account).await?.ok_or_else(unknown)?,
    };
    match present(shown.api_secret.as_deref()) {
        Some(secret) if digest(secret) != key.secret_hash => {
            Err(Error::unauthorized("api_secret_invalid", "The API secret does not belong to this API key."))
        }
        None if account.require_api_secret => {
            Err(Error::unauthorized("api_secret_missing", "Send the API secret in the X-ApiSecret header."))
        }
        _ => {
            app.uses.note(&account.id, Shown::Key(key.id), now);
            Ok((account, Who::ApiKey { app: key.app_user, scopes: key.scopes }))
        }
    }
}

/// Refuses a credential of another account than the header's.
fn same_account(shown: &Credentials, code: &str) -> Result<()> {
    match shown.account_code() {
        Some(wanted) if wanted != code => Err(Error::unauthorized(
            "token_of_other_account",
            "This token belongs to another clinic than the one in X-AccountCode.",
        )),
        _ => Ok(()),
    }
}

/// Refuses users that may not act.
pub(crate) fn may_act(status: UserStatus) -> Result<()> {
    if status.may_act() {
        Ok(())
    } else {
        Err(Error::forbidden("user_suspended", "This login is switched off. Ask the clinic."))
    }
}

pub(crate) fn token_unknown() -> Error {
    Error::unauthorized("token_unknown", "This token is not known here.")
}

pub(crate) fn token_expired() -> Error {
    Error::unauthorized("token_expired", "This token has expired. Sign in again.")
}

async fn by_token(conn: &mut Conn, app: &App, shown: &Credentials, token: &str) -> Result<Actor> {
    let now = app.clock.now();
    let token = tokens::find(conn, &digest(token)).await?.ok_or_else(token_unknown)?;
    same_account(shown, &token.account_code)?;
    // Suspending ends all log-ins; saying so helps more than an unknown token.
    if token.status != UserStatus::Inactive {
        may_act(token.status)?;
    }
    if !matches!(token.kind, TokenKind::Access | TokenKind::Admin) || token.revoked_at.is_some() {
        return Err(token_unknown());
    }
    if token.expires_at.is_some_and(|end| end <= now) {
        return Err(token_expired());
    }
    may_act(token.status)?;
    let who = match token.kind {
        TokenKind::Admin => {
            app.uses.note(&token.account, Shown::Token(token.id), now);
            Who::AdminToken { user: token.user, scopes: token.scopes }
        }
        _ => Who::User {
            id: token.user,
            kind: token.user_type,
            role: Role::parse(&token.role),
            credential: Credential::Token,
        },
    };
    Ok(shown.actor(token.account, who))
}

/// Whoever holds the one-time link of an appointment, as its patient.
async fn by_link(conn: &mut Conn, app: &App, shown: &Credentials, link: &str) -> Result<Actor> {
    let found = appointments::find_by_link(conn, &links::digest(app, link)).await?;
    let linked = found.ok_or_else(|| {
        Error::unauthorized("link_unknown", "This link is not known here. Check that it was copied whole.")
    })?;
    same_account(shown, &linked.account_code)?;
    if !linked.status.is_open() {
        return Err(Error::forbidden(
            "link_expired",
            "This appointment is over, and its link with it. Ask the clinic for a new appointment.",
        ));
    }
    may_act(linked.member_status)?;
    let credential = Credential::Link(linked.visit);
    let who = Who::User { id: linked.member, kind: linked.member_type, role: None, credential };
    Ok(shown.actor(linked.account, who))
}

/// A page's session; none when it has ended, so that public calls of a page
/// with an old cookie still work. A locked one is nobody, too.
async fn by_session(
    conn: &mut Conn,
    app: &App,
    shown: &Credentials,
    kind: SessionKind,
    cookie: &str,
) -> Result<Option<Actor>> {
    let now = app.clock.now();
    let Some(session) = sessions::find(conn, &digest(cookie)).await? else { return Ok(None) };
    if session.kind != kind || session.expires_at <= now {
        return Ok(None);
    }
    same_account(shown, &session.account_code)?;
    may_act(session.status)?;
    if session.idle.locked_since(now).is_some() {
        return Ok(Some(Actor { locked: true, ..shown.actor(session.account, Who::Anonymous) }));
    }
    app.uses.note(&session.account, Shown::Session(session.id), now);
    let credential = Credential::Session(kind);
    let role = Role::parse(&session.role);
    let who = Who::User { id: session.user, kind: session.user_type, role, credential };
    Ok(Some(shown.actor(session.account, who)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_is_missing_and_the_host_may_name_the_account() {
        let mut shown = Credentials { account_code: Some("  ".into()), ..Credentials::default() };
        assert_eq!(shown.account_code(), None);
        shown.host = Some("api-north.example.org".into());
        assert_eq!(shown.host_code(), Some("north"));
        for other in ["north.example.org", "api-north", "api-.example.org"] {
            shown.host = Some(other.into());
            assert_eq!(shown.host_code(), None, "{other}");
        }
        shown.host = Some("api-north.example.org:8443".into());
        assert_eq!((shown.host_code(), shown.host_name()), (Some("north"), "api-north.example.org"));
    }
}
