//! What is mailed: links to a password, and notices. A change appends a row
//! and a job; the job finds out to whom, makes the link and hands the letter
//! to the port. So a request costs the same whether or not there is such a
//! user, and nothing secret waits in the tables.

use bedside_model::{
    AccountId, UserId,
    mail::{MailKind, is_address},
    user::{TokenKind, UserStatus, UserType, folded},
};
use bedside_store::{
    Tx, accounts,
    jobs::{self, Job, NewJob},
    mails::{self, Mail},
    tokens,
    users::{self, User},
};
use serde_json::{Value, json};

use crate::{
    Actor, App, Error, Result, audit,
    notifications::{self, Words},
    ports::mail::Letter,
    test_clinic, verification,
};

/// The job that sends a mail.
pub const SEND_JOB: &str = "mail.send";
/// Links that are mailed to one user in an hour, at most.
pub const PER_USER_AND_HOUR: i64 = 3;
/// Mails that one address may ask for in an hour.
pub const PER_ADDRESS_AND_HOUR: i64 = 10;
/// Users of one e-mail address that get a link, each their own.
const USERS_PER_EMAIL: i64 = 5;
/// Rows are kept this long, for the limits and for a job that is tried again.
pub(crate) const KEEP_SECONDS: i64 = 2 * 86_400;

/// Whose password was forgotten, as the person wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// By login name.
    Username(String),
    /// By e-mail address.
    Email(String),
}

impl Wanted {
    fn to_json(&self) -> Value {
        match self {
            Self::Username(name) => json!({ "username": name }),
            Self::Email(email) => json!({ "email": email }),
        }
    }

    fn from_json(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
        text("username").map(Self::Username).or_else(|| text("email").map(Self::Email))
    }
}

/// Asks for a link to whoever it is that forgot; tells nothing about who there
/// is. An address that asks too often gets the same answer and no mail.
pub(crate) async fn ask(app: &App, actor: &Actor, wanted: &Wanted, asked_from: &str) -> Result<()> {
    let now = app.clock.now();
    let id = app.random.uuid(now);
    let vault = app.store.vault(&actor.account).await?;
    let sealed = vault.seal_text(&place(&id), &wanted.to_json().to_string())?;
    let asked_from = crate::log_ins::fingerprint(&format!("mail {asked_from}"));
    let mail = Mail {
        id,
        account: actor.account.clone(),
        user: None,
        kind: MailKind::PasswordForgotten,
        wanted: Some(sealed),
        asked_from,
        at: now,
    };
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let hour_ago = now.plus_seconds(-3_600);
                let asked = mails::count_asked(tx, &caller.account, &mail.asked_from, hour_ago).await?;
                if asked >= PER_ADDRESS_AND_HOUR {
                    return Ok::<_, Error>(());
                }
                audit::write(tx, &owner, &caller, "users.forgot_password", ("mail", mail.id.clone())).await?;
                add(tx, &owner, &mail).await
            })
        })
        .await
}

/// Mails somebody of the account, inside a change.
pub(crate) async fn enqueue(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    user: UserId,
    kind: MailKind,
) -> Result<()> {
    add(tx, app, &to_user(app, actor, user, kind)).await
}

/// As [`enqueue`], but a few in an hour: more are not sent, and nothing is said.
pub(crate) async fn enqueue_at_most(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    user: UserId,
    kind: MailKind,
) -> Result<()> {
    let asked_from = crate::log_ins::fingerprint(&format!("{} {user}", kind.as_str()));
    let mail = Mail { asked_from, ..to_user(app, actor, user, kind) };
    let hour_ago = mail.at.plus_seconds(-3_600);
    if mails::count_asked(tx, &mail.account, &mail.asked_from, hour_ago).await? >= PER_USER_AND_HOUR {
        return Ok(());
    }
    add(tx, app, &mail).await
}

fn to_user(app: &App, actor: &Actor, user: UserId, kind: MailKind) -> Mail {
    let now = app.clock.now();
    Mail {
        id: app.random.uuid(now),
        account: actor.account.clone(),
        user: Some(user),
        kind,
        wanted: None,
        asked_from: String::new(),
        at: now,
    }
}

async fn add(tx: &mut Tx, app: &App, mail: &Mail) -> Result<()> {
    mails::add(tx, mail).await?;
    let job = NewJob {
        id: app.random.uuid(mail.at),
        account: Some(mail.account.clone()),
        kind: SEND_JOB.to_owned(),
        payload: json!({ "mail_id": mail.id }),
        run_at: mail.at,
        unique_key: None,
        at: mail.at,
    };
    jobs::enqueue(tx, &job).await?;
    // Wakes the runner: people wait for this.
    tx.mark_events();
    Ok(())
}

fn place(mail: &str) -> String {
    format!("mails.wanted:{mail}")
}

/// Can this user log in with a password, and be written to?
pub(crate) fn is_reachable(user: &User) -> bool {
    let logs_in = matches!(
        user.kind,
        UserType::Admin | UserType::CommonAdmin | UserType::Member | UserType::Company | UserType::Provider
    );
    let there = matches!(user.status, UserStatus::Inactive | UserStatus::Active);
    logs_in && there && is_address(user.profile.reveal().email.trim())
}

/// Sends a mail: the job's work.
///
/// # Errors
/// What the store or the port says; the job is tried again.
pub async fn send(app: &App, job: &Job) -> Result<()> {
    let id = job.payload.get("mail_id").and_then(Value::as_str);
    let (Some(id), Some(account)) = (id, &job.account) else {
        return Err(Error::invalid("bad_job", "The job names no mail."));
    };
    let mut conn = app.store.reader().await?;
    let Some(mail) = mails::find(&mut conn, account, id).await? else { return Ok(()) };
    let ids = match (mail.user, &mail.wanted) {
        (Some(user), _) => vec![user],
        (None, Some(sealed)) => {
            let vault = app.store.vault(account).await?;
            match Wanted::from_json(&vault.open_text(&place(&mail.id), sealed)?) {
                Some(Wanted::Username(name)) => users::find_by_username(&mut conn, account, &name)
                    .await?
                    .map(|user| user.id)
                    .into_iter()
                    .collect(),
                Some(Wanted::Email(email)) => {
                    // Many login names look like addresses.
                    let named = users::find_by_username(&mut conn, account, email.trim()).await?;
                    let mut ids =
                        mails::users_of(&mut conn, account, &folded(&email), USERS_PER_EMAIL).await?;
                    ids.extend(named.map(|user| user.id).filter(|id| !ids.contains(id)));
                    ids
                }
                None => Vec::new(),
            }
        }
        (None, None) => Vec::new(),
    };
    let account = accounts::find(&mut conn, account).await?.ok_or_else(|| Error::not_found("account"))?;
    let mut people = Vec::with_capacity(ids.len());
    for user in ids {
        people.extend(users::find(&mut conn, &account.id, user).await?.filter(is_reachable));
    }
    drop(conn);
    for user in people {
        one(app, &account, &mail, user).await?;
    }
    Ok(())
}

async fn one(app: &App, account: &accounts::Account, mail: &Mail, user: User) -> Result<()> {
    if mail.kind.is_notice() && user.disable_emails {
        return Ok(());
    }
    let link = match mail.kind.link_seconds() {
        None => format!("{}/forgot", app.settings.pages_url),
        Some(seconds) if mail.kind == MailKind::EmailVerify => {
            verification::url(app, account, &user, mail.at.plus_seconds(seconds))
        }
        Some(seconds) => match link(app, mail, user.id, seconds).await? {
            None => {
                tracing::info!(mail = mail.id, user = %user.id, "no more links for this user in this hour");
                return Ok(());
            }
            Some(secret) => format!("{}/password?email_token={secret}", app.settings.pages_url),
        },
    };
    let profile = user.profile.reveal();
    let mut conn = app.store.reader().await?;
    let language = notifications::language(&mut conn, &account.id, Some(user.id)).await?;
    drop(conn);
    let words = Words {
        template: mail.kind.as_str(),
        language,
        clinic: &account.name,
        logo: &account.logo_url,
        first_name: &profile.first_name,
        username: user.username.reveal(),
        link: &link,
        ..Words::default()
    };
    let written = words.written()?;
    let letter = Letter {
        id: format!("{}.{}", mail.id, user.id),
        host: host(&app.settings.pages_url),
        to_name: profile.full_name(),
        to_address: profile.email.trim().to_owned(),
        subject: written.subject,
        text: written.text,
        html: written.html,
        invite: None,
        unsubscribe: None,
        at: app.clock.now(),
    };
    match deliver(app, &account.id, letter).await {
        // No later try will find a better address.
        Err(error) if error.code() == Some("bad_address") => {
            tracing::warn!(mail = mail.id, user = %user.id, "the user's e-mail address is none");
            Ok(())
        }
        done => done,
    }
}

/// Hands a letter to the port; a test clinic keeps it instead. The one way out
/// for mail.
pub(crate) async fn deliver(app: &App, account: &AccountId, letter: Letter) -> Result<()> {
    let content = json!({ "to": letter.to_address, "subject": letter.subject, "text": letter.text,
        "html": letter.html });
    if test_clinic::keep(app, account, "email", &letter.id, &content).await? {
        return Ok(());
    }
    app.mail.deliver(letter).await
}

/// What a link's token is called that was made for a mail.
const MAILED: &str = "mail ";

/// Did the holder of this link get it by mail?
pub(crate) fn came_by_mail(name: &str) -> bool {
    name.starts_with(MAILED)
}

/// The link's token, made here and kept as a hash; older links end. None when
/// the user got enough of them. A job that is run again makes a new one.
async fn link(app: &App, mail: &Mail, user: UserId, seconds: i64) -> Result<Option<String>> {
    let now = app.clock.now();
    let name = format!("{MAILED}{}", mail.id);
    let token = crate::tokens::link(app, &mail.account, user, name, now.plus_seconds(seconds));
    let (owner, actor) = (app.clone(), Actor::system(mail.account.clone()));
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let (secret, token) = token;
                let (account, hour_ago) = (&actor.account, now.plus_seconds(-3_600));
                let kind = TokenKind::Password;
                let made = tokens::count_since(tx, account, user, kind, &token.name, hour_ago).await?;
                if made >= PER_USER_AND_HOUR {
                    return Ok::<_, Error>(None);
                }
                tokens::revoke_kind(tx, account, user, kind, now).await?;
                tokens::add(tx, &token).await?;
                audit::write(tx, &owner, &actor, "mail.send", ("user", user.to_string())).await?;
                Ok(Some(secret))
            })
        })
        .await
}

/// The host of the pages' address; it names the letters.
pub(crate) fn host(pages: &str) -> String {
    let host = url::Url::parse(pages).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| "localhost".to_owned())
}
