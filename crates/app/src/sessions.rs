//! Sessions: how pages are logged in. One cookie per kind of person; the
//! store keeps a hash of its value.

pub mod list;
pub mod locks;

use bedside_model::{
    AccountId, At, SessionId,
    user::{Role, SessionKind, SessionOptions, TokenKind},
};
use bedside_store::{
    Tx,
    accounts::{self, Account},
    log_ins,
    sessions::{self, NewSession},
    tokens,
    users::{self, User},
};
use url::Url;

use crate::{
    Actor, App, Error, Result, Who, actor::Credential, audit, authz, credentials, credentials::Credentials,
    tokens::digest,
};

/// A page's cookie, shown once.
#[derive(Clone)]
pub struct NewCookie {
    /// Which of the three cookies.
    pub kind: SessionKind,
    /// Its value.
    pub value: String,
    /// When it ends.
    pub expires_at: At,
}

/// Life of a session in seconds: a day for patients, as their token; half a
/// day for staff, who work in shifts on machines that others use too.
const fn life_seconds(kind: SessionKind) -> i64 {
    match kind {
        SessionKind::Patient => 86_400,
        SessionKind::Provider | SessionKind::Admin => 43_200,
    }
}

impl NewCookie {
    /// Opens a session for a user, inside the change that logs them in.
    ///
    /// # Errors
    /// 403 when the user is of another kind than the pages.
    pub(crate) async fn issue(
        tx: &mut Tx,
        app: &App,
        account: &AccountId,
        user: &User,
        kind: SessionKind,
        options: SessionOptions,
        device: &str,
    ) -> Result<Self> {
        if user.kind.session_kind() != kind {
            return Err(wrong_kind(kind));
        }
        let now = app.clock.now();
        let cookie = Self { kind, value: app.random.hex(), expires_at: now.plus_seconds(life_seconds(kind)) };
        let session = NewSession {
            id: SessionId(app.random.uuid(now)),
            account: account.clone(),
            user: user.id,
            kind,
            hash: digest(&cookie.value),
            options,
            device: device.to_owned(),
            at: now,
            expires_at: cookie.expires_at,
        };
        sessions::add(tx, &session).await?;
        Ok(cookie)
    }
}

pub(crate) fn wrong_kind(kind: SessionKind) -> Error {
    let people = match kind {
        SessionKind::Patient => "patients",
        SessionKind::Provider => "providers",
        SessionKind::Admin => "admins",
    };
    Error::forbidden(
        "session_kind_wrong",
        format!("This page is for {people}; your login is of another kind."),
    )
}

/// What somebody brings to `/auth`.
#[derive(Clone, Default)]
pub struct Arrival {
    /// The access token of single sign-on or login.
    pub sso_token: String,
    /// Show no way to other pages.
    pub disable_navigation: bool,
    /// Where the way back shall lead; used only when the account allows it.
    pub return_url: Option<String>,
    /// The token is used up by this.
    pub invalidate_token: bool,
    /// No e-mail notices to this user from now on.
    pub disable_emails: bool,
    /// The request's identifier.
    pub request_id: String,
    /// The client's network address.
    pub address: String,
    /// The page's device in words.
    pub device: String,
}

/// A session opened by `/auth`.
pub struct Opened {
    /// The cookie to set.
    pub cookie: NewCookie,
    /// Who arrived.
    pub user: User,
    /// In which clinic.
    pub account: Account,
}

/// Somebody who cannot come in, and the way back, as far as it is known.
pub struct Refused {
    /// Why.
    pub error: Error,
    /// The clinic of the token, when it was one of ours once.
    pub account: Option<Account>,
    /// The checked way back: the wanted one, else the portal's.
    pub return_url: Option<String>,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { error, account: None, return_url: None }
    }
}

impl From<bedside_store::Error> for Refused {
    #[track_caller]
    fn from(error: bedside_store::Error) -> Self {
        Error::from(error).into()
    }
}

/// Opens a page's session from a token in the address.
///
/// # Errors
/// 401 `token_unknown` or `token_expired`, 403 for suspended users, with the
/// way back to the portal.
pub async fn open_from_sso_token(app: &App, arrival: Arrival) -> Result<Opened, Box<Refused>> {
    open(app, arrival).await.map_err(Box::new)
}

async fn open(app: &App, arrival: Arrival) -> Result<Opened, Refused> {
    let now = app.clock.now();
    let mut conn = app.store.reader().await?;
    let token = tokens::find(&mut conn, &digest(arrival.sso_token.trim()))
        .await?
        .filter(|token| token.kind == TokenKind::Access)
        .ok_or_else(credentials::token_unknown)?;
    let account = accounts::find(&mut conn, &token.account).await?.ok_or_else(credentials::token_unknown)?;
    let return_url = allowed_return_url(&account, arrival.return_url.as_deref());
    let state = if token.revoked_at.is_some() || token.expires_at.is_some_and(|end| end <= now) {
        Err(credentials::token_expired())
    } else {
        credentials::may_act(token.status)
    };
    let user = users::find(&mut conn, &account.id, token.user).await?;
    drop(conn);
    let user = match (state, user) {
        (Ok(()), Some(user)) => user,
        (Ok(()), None) => return Err(credentials::token_unknown().into()),
        (Err(error), _) => {
            let return_url = return_url.or_else(|| portal_url(&account));
            return Err(Refused { error, account: Some(account), return_url });
        }
    };
    let owner = app.clone();
    let who = Who::User {
        id: user.id,
        kind: user.kind,
        role: Role::parse(&user.role),
        credential: Credential::Token,
    };
    let actor = Actor::new(account.id.clone(), who, arrival.request_id, arrival.address);
    let options = SessionOptions { disable_navigation: arrival.disable_navigation, return_url };
    let (cookie, user) = app
        .store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let kind = user.kind.session_kind();
                let cookie =
                    NewCookie::issue(tx, &owner, &actor.account, &user, kind, options, &arrival.device)
                        .await?;
                if arrival.disable_emails && !user.disable_emails {
                    log_ins::disable_emails(tx, &actor.account, user.id, now).await?;
                }
                if arrival.invalidate_token {
                    tokens::revoke(tx, &actor.account, &token.id, now).await?;
                }
                audit::write(tx, &owner, &actor, "sessions.open", ("user", user.id.to_string())).await?;
                Ok((cookie, user))
            })
        })
        .await?;
    Ok(Opened { cookie, user, account })
}

/// The account's own way back.
fn portal_url(account: &Account) -> Option<String> {
    (!account.portal_return_url.is_empty()).then(|| account.portal_return_url.clone())
}

/// A wanted way back, when its origin is the portal's or on the account's list.
#[must_use]
pub fn allowed_return_url(account: &Account, wanted: Option<&str>) -> Option<String> {
    let url = Url::parse(wanted?.trim()).ok()?;
    if !matches!(url.scheme(), "https" | "http") || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let origin = url.origin().ascii_serialization();
    let portal = Url::parse(&account.portal_return_url).ok().map(|url| url.origin().ascii_serialization());
    let listed = portal.as_ref() == Some(&origin)
        || account.return_origins.iter().any(|listed| listed.trim_end_matches('/') == origin);
    listed.then(|| url.into())
}

/// Who is logged in on this page, as `GET /session` shows it.
pub struct Current {
    /// Which pages.
    pub kind: SessionKind,
    /// Who.
    pub user: User,
    /// In which clinic.
    pub account: Account,
    /// What the portal asked of the pages.
    pub options: SessionOptions,
}

/// Who is logged in. Also works with a token, as an embedded page has one.
///
/// # Errors
/// 401 when nobody is.
pub async fn get(app: &App, actor: &Actor, shown: &Credentials) -> Result<Current> {
    let (id, kind) = authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let account =
        accounts::find(&mut conn, &actor.account).await?.ok_or_else(|| Error::not_found("account"))?;
    let user = users::find(&mut conn, &actor.account, id).await?.ok_or_else(|| Error::not_found("user"))?;
    let session = match &shown.session {
        Some((_, cookie)) if actor.is_page() => sessions::find(&mut conn, &digest(cookie)).await?,
        _ => None,
    };
    let options = session.map(|session| session.options).unwrap_or_default();
    Ok(Current { kind: kind.session_kind(), user, account, options })
}

/// Ends the token or the session that was shown. Ending what has ended
/// already is fine.
///
/// # Errors
/// What the store says.
pub async fn close(app: &App, shown: &Credentials) -> Result<()> {
    let now = app.clock.now();
    let mut conn = app.store.reader().await?;
    let token = match shown.token.as_deref().map(str::trim) {
        Some(token) if !token.is_empty() => tokens::find(&mut conn, &digest(token)).await?,
        _ => None,
    };
    let session = match &shown.session {
        Some((_, cookie)) => sessions::find(&mut conn, &digest(cookie)).await?,
        None => None,
    };
    drop(conn);
    // A clinic's server cannot log itself out by accident.
    let token = token.filter(|token| token.kind == TokenKind::Access && token.revoked_at.is_none());
    let Some((account, user, kind)) =
        token.as_ref().map(|token| (token.account.clone(), token.user, token.user_type)).or_else(|| {
            session.as_ref().map(|session| (session.account.clone(), session.user, session.user_type))
        })
    else {
        return Ok(());
    };
    let credential = session.as_ref().map_or(Credential::Token, |session| Credential::Session(session.kind));
    let who = Who::User { id: user, kind, role: None, credential };
    let actor = Actor::new(account, who, shown.request_id.clone(), shown.address.clone());
    let owner = app.clone();
    app.store
        .write(move |tx| {
            Box::pin(async move {
                if let Some(token) = token {
                    tokens::revoke(tx, &token.account, &token.id, now).await?;
                    // What would renew it ends too.
                    if let Some(family) = &token.family {
                        tokens::revoke_family(tx, &token.account, family, now).await?;
                    }
                }
                if let Some(session) = session {
                    sessions::delete(tx, &session.account, &session.id).await?;
                }
                audit::write(tx, &owner, &actor, "sessions.close", ("user", user.to_string())).await
            })
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_stays_on_listed_origins() {
        let account = Account {
            id: AccountId("a".into()),
            code: "a".into(),
            name: "A".into(),
            portal_name: "Portal".into(),
            portal_return_url: "https://portal.example.org/home".into(),
            return_origins: vec!["http://127.0.0.1:3000".into()],
            portal_title: String::new(),
            domain: String::new(),
            privacy_id: String::new(),
            cors_origins: Vec::new(),
            embed_origins: Vec::new(),
            logo_url: String::new(),
            idle_minutes: 15,
            max_file_bytes: None,
            one_time_links: false,
            sso_enabled: true,
            require_api_secret: true,
            created_at: At(0),
        };
        let allowed = |url| allowed_return_url(&account, Some(url)).is_some();
        assert!(allowed("https://portal.example.org/visits?x=1"));
        assert!(allowed("http://127.0.0.1:3000/done"));
        for bad in [
            "https://portal.example.org.evil.example/",
            "https://portal.example.org@evil.example/",
            "https://me:secret@portal.example.org/",
            "http://portal.example.org/",
            "javascript:alert(1)",
            "//portal.example.org/",
            "/home",
            "",
        ] {
            assert!(!allowed(bad), "{bad}");
        }
    }
}
