//! Changing a clinic: what may be said of it, field by field.

use bedside_model::{
    account::{self, Wizard},
    permission::Action,
    session::MAX_IDLE_MINUTES,
};
use bedside_store::{
    Tx,
    accounts::{self, Change, Wizards},
};
use serde_json::Value;
use url::Url;

use super::{AccountView, view};
use crate::{Actor, App, Error, Result, Who, audit, authz};

/// Most origins of one list.
const MAX_ORIGINS: usize = 50;
/// Largest limit of a file, in bytes: 5 GiB, what one part of S3 takes.
const MAX_FILE_BYTES: i64 = 5 * 1024 * 1024 * 1024;

/// What may change; none leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct Update {
    /// The clinic's name.
    pub name: Option<String>,
    /// Title of its pages; empty takes the name.
    pub portal_title: Option<String>,
    /// What the way back is called.
    pub portal_name: Option<String>,
    /// Where the way back leads; empty for no portal.
    pub portal_return_url: Option<String>,
    /// Origins that a `return_url` may have besides the portal's own.
    pub return_origins: Option<Vec<String>>,
    /// Origins whose pages may call the API.
    pub cors_origins: Option<Vec<String>>,
    /// Origins whose pages may show the clinic's calls in a frame.
    pub embed_origins: Option<Vec<String>>,
    /// Host of the clinic's own portal; empty for none.
    pub domain: Option<String>,
    /// The clinic's own key of its privacy statement.
    pub privacy_id: Option<String>,
    /// May a portal sign people in?
    pub sso_enabled: Option<bool>,
    /// Must single sign-on come with the secret?
    pub require_api_secret: Option<bool>,
    /// Largest file in bytes; 0 takes the server's own limit.
    pub max_file_bytes: Option<i64>,
    /// Do appointments come with a link that needs no login?
    pub one_time_links: Option<bool>,
    /// Where the logo of its letters is; empty for none.
    pub logo_url: Option<String>,
    /// After how many minutes without a person the pages of staff lock; 0 for never.
    pub idle_minutes: Option<i64>,
    /// Steps of a sign-up; null takes ours again.
    pub signup: Option<Value>,
    /// Steps before a visit is made.
    pub intake_steps: Option<Value>,
    /// Steps after it was made.
    pub post_intake_steps: Option<Value>,
}

impl Update {
    /// Every field in the form it is kept in.
    fn checked(mut self) -> Result<Self> {
        for (field, text, least) in [
            ("name", &mut self.name, 1),
            ("portal_title", &mut self.portal_title, 0),
            ("portal_name", &mut self.portal_name, 0),
            ("privacy_id", &mut self.privacy_id, 0),
        ] {
            let Some(text) = text else { continue };
            *text = text.trim().to_owned();
            if !(least..=128).contains(&text.chars().count()) {
                return Err(Error::field(field, format!("use {least} to 128 characters")));
            }
        }
        if let Some(url) = &mut self.portal_return_url {
            *url = url.trim().to_owned();
            check_return_url(url)?;
        }
        if let Some(url) = &mut self.logo_url {
            *url = url.trim().to_owned();
            check_logo_url(url)?;
        }
        for (field, list) in [
            ("return_origins", &mut self.return_origins),
            ("cors_origins", &mut self.cors_origins),
            ("embed_origins", &mut self.embed_origins),
        ] {
            if let Some(list) = list {
                *list = origins(field, list)?;
            }
        }
        if let Some(domain) = &mut self.domain {
            *domain = domain.trim().to_ascii_lowercase();
            if !domain.is_empty() && !account::is_host(domain) {
                return Err(Error::field("domain", "use a host name such as portal.northside.example"));
            }
        }
        if self.max_file_bytes.is_some_and(|bytes| !(0..=MAX_FILE_BYTES).contains(&bytes)) {
            return Err(Error::field(
                "max_file_bytes",
                "use bytes from 1 to 5368709120, or 0 for the server's limit",
            ));
        }
        if self.idle_minutes.is_some_and(|minutes| !(0..=MAX_IDLE_MINUTES).contains(&minutes)) {
            return Err(Error::field("idle_minutes", "use minutes from 1 to 720, or 0 for never"));
        }
        for (field, steps) in [
            ("signup", &mut self.signup),
            ("intake_steps", &mut self.intake_steps),
            ("post_intake_steps", &mut self.post_intake_steps),
        ] {
            if let Some(steps) = steps.as_mut().filter(|steps| !steps.is_null()) {
                *steps = account::steps(steps.take()).map_err(|why| Error::field(field, why))?;
            }
        }
        Ok(self)
    }

    fn apply(&self, change: &mut Change) {
        let set = |to: &mut String, from: &Option<String>| {
            if let Some(text) = from {
                to.clone_from(text);
            }
        };
        set(&mut change.name, &self.name);
        set(&mut change.portal_title, &self.portal_title);
        set(&mut change.portal_name, &self.portal_name);
        set(&mut change.portal_return_url, &self.portal_return_url);
        set(&mut change.domain, &self.domain);
        set(&mut change.privacy_id, &self.privacy_id);
        set(&mut change.logo_url, &self.logo_url);
        if let Some(list) = &self.return_origins {
            change.return_origins.clone_from(list);
        }
        if let Some(list) = &self.cors_origins {
            change.cors_origins.clone_from(list);
        }
        if let Some(list) = &self.embed_origins {
            change.embed_origins.clone_from(list);
        }
        change.sso_enabled = self.sso_enabled.unwrap_or(change.sso_enabled);
        change.require_api_secret = self.require_api_secret.unwrap_or(change.require_api_secret);
        change.one_time_links = self.one_time_links.unwrap_or(change.one_time_links);
        change.idle_minutes = self.idle_minutes.unwrap_or(change.idle_minutes);
        if let Some(bytes) = self.max_file_bytes {
            change.max_file_bytes = (bytes > 0).then_some(bytes);
        }
    }

    /// The wizards with what is new; none when nothing is.
    fn wizards(&self, mut kept: Wizards) -> Option<Wizards> {
        let mut changed = false;
        for (to, from, wizard) in [
            (&mut kept.signup_steps, &self.signup, Wizard::Signup),
            (&mut kept.intake_steps, &self.intake_steps, Wizard::Intake),
            (&mut kept.post_intake_steps, &self.post_intake_steps, Wizard::PostIntake),
        ] {
            let Some(steps) = from else { continue };
            let ours = steps.is_null() || *steps == wizard.default_steps();
            *to = if ours { String::new() } else { steps.to_string() };
            changed = true;
        }
        changed.then_some(kept)
    }
}

/// Where the way back leads: nowhere, or to a page of the web.
pub(super) fn check_return_url(url: &str) -> Result<()> {
    let url = url.trim();
    let fits = url.is_empty()
        || (url.len() <= 2048
            && Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host()));
    if fits { Ok(()) } else { Err(Error::field("portal_return_url", "use a whole address with https://")) }
}

/// Mail programs fetch the logo: an https address, or none.
fn check_logo_url(url: &str) -> Result<()> {
    let fits = url.is_empty()
        || (url.len() <= 2048
            && Url::parse(url).is_ok_and(|url| url.scheme() == "https" && url.username().is_empty()));
    if fits { Ok(()) } else { Err(Error::field("logo_url", "use a whole address with https://")) }
}

/// Origins as browsers write them, each once.
fn origins(field: &str, list: &[String]) -> Result<Vec<String>> {
    if list.len() > MAX_ORIGINS {
        return Err(Error::field(field, format!("use at most {MAX_ORIGINS} origins")));
    }
    let mut kept = Vec::with_capacity(list.len());
    for text in list {
        let why = "use origins such as https://portal.example, without a path";
        let origin = origin(text.trim()).ok_or_else(|| Error::field(field, why))?;
        if !kept.contains(&origin) {
            kept.push(origin);
        }
    }
    Ok(kept)
}

/// The one spelling of an origin: `https://portal.example`, lower case, no
/// default port. Neither `*` nor `null` is one.
fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    let whole = url.host_str().is_some_and(|host| !host.contains('*'));
    let web = matches!(url.scheme(), "https" | "http") && whole;
    (web && bare && anonymous).then(|| url.origin().ascii_serialization())
}

/// Changes the clinic that the caller acts in. A code may name it: another
/// clinic's is told to be unknown.
///
/// # Errors
/// 401/403 for others than admins, 404 for another clinic's code, 403 `operator_only` for the domain on a
/// server of several clinics, 400 naming the field.
pub async fn update(app: &App, actor: &Actor, code: Option<&str>, command: Update) -> Result<AccountView> {
    authz::account(actor, Action::AccountManage)?;
    let own = super::current(app, actor).await?;
    if code.is_some_and(|code| code != own.code) {
        return Err(Error::not_found("account"));
    }
    let command = command.checked()?;
    let (owner, caller) = (app.clone(), actor.clone());
    let changed = app
        .store
        .write::<AccountView, Error, _>(move |tx| {
            Box::pin(async move { write(tx, &owner, &caller, &command).await })
        })
        .await;
    app.origins.forget();
    changed.map_err(|error| {
        if error.is_unique("accounts", "domain") {
            return Error::field("domain", "another clinic has this host");
        }
        error
    })
}

async fn write(tx: &mut Tx, app: &App, actor: &Actor, command: &Update) -> Result<AccountView> {
    let (id, now) = (&actor.account, app.clock.now());
    accounts::lock(tx, id).await?;
    let unknown = || Error::not_found("account");
    let account = accounts::find(tx, id).await?.ok_or_else(unknown)?;
    let moves = command.domain.as_ref().is_some_and(|domain| *domain != account.domain);
    // Whoever has a host gets the visitors of that host. Among several clinics
    // only whoever runs the server can know whose it is.
    if moves && !matches!(actor.who, Who::System) && accounts::count(tx).await? > 1 {
        let said = "This server has several clinics: its operator sets the domain.";
        return Err(Error::forbidden("operator_only", said));
    }
    let mut change = Change::from(account);
    command.apply(&mut change);
    accounts::update(tx, id, &change, now).await?;
    let kept = accounts::find_wizards(tx, id).await?.ok_or_else(unknown)?;
    if let Some(wizards) = command.wizards(kept) {
        accounts::update_wizards(tx, id, &wizards, now).await?;
    }
    audit::write(tx, app, actor, "accounts.update", ("account", id.to_string())).await?;
    let account = accounts::find(tx, id).await?.ok_or_else(unknown)?;
    view(tx, actor, account).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_have_one_spelling() {
        for (sent, kept) in [
            ("https://Portal.Example", "https://portal.example"),
            ("https://portal.example/", "https://portal.example"),
            ("https://portal.example:443", "https://portal.example"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(origin(sent).as_deref(), Some(kept), "{sent}");
        }
        for bad in [
            "",
            "*",
            "null",
            "portal.example",
            "https://",
            "https://a.example/path",
            "https://a.example/?q",
            "https://a.example/#f",
            "https://me@a.example",
            "ftp://a.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc",
            "https://*.example",
        ] {
            assert_eq!(origin(bad), None, "{bad}");
        }
    }
}
