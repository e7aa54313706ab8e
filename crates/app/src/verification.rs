//! E-mail addresses that their owner has to confirm: whoever logs in with a
//! password and gets another address is mailed a link there. The link names
//! clinic, user and its end, and is signed together with the address: it
//! counts for that address only, and there is nothing to keep.

use bedside_model::{
    At, UserId,
    event::{EventData, EventType},
    mail::MailKind,
    notification::Language,
    user::UserStatus,
};
use bedside_store::{
    Tx,
    accounts::{self, Account},
    log_ins, users,
    users::User,
};

use crate::{
    Actor, App, Error, Result, audit,
    events::{self, Subject},
    mail, notifications,
    signatures::{is_signed, sign},
};

/// What is signed besides the rest.
const PURPOSE: &str = "bedside address is mine v1";

fn signed(account: &Account, user: UserId, until: i64, email: &str) -> String {
    format!("{PURPOSE}\0{}\0{user}\0{until}\0{}", account.id, email.trim())
}

/// Where a user confirms the address that they have now.
pub(crate) fn url(app: &App, account: &Account, user: &User, until: At) -> String {
    let until = until.seconds();
    let signature = sign(app, &signed(account, user.id, until, &user.profile.reveal().email));
    format!("{}/verify?who={}.{}.{until}.{signature}", app.settings.pages_url, account.code, user.id)
}

/// Mails the link to whoever was given another address, or sends the own one
/// again before confirming it: that is how a lost letter is asked for.
/// People whom the portal signs in have none: their address is its affair.
pub(crate) async fn ask(tx: &mut Tx, app: &App, actor: &Actor, old: &User, email: &str) -> Result<()> {
    let changed = email.trim() != old.profile.reveal().email.trim();
    let logs_in = old.password_hash.is_some() && old.status == UserStatus::Active;
    let again = actor.user() == Some(old.id) && !old.email_verified;
    if !logs_in || email.trim().is_empty() || !(changed || again) {
        return Ok(());
    }
    mail::enqueue_at_most(tx, app, actor, old.id, MailKind::EmailVerify).await
}

/// Whose address a link confirms.
#[derive(Debug, Clone)]
pub struct Owner {
    /// Their language.
    pub language: Language,
    /// It is confirmed already.
    pub is_done: bool,
    account: Account,
    user: User,
}

/// Whose address the link confirms; changes nothing. None for a link that is
/// not ours, that is too old, or whose address is not the user's any more.
///
/// # Errors
/// What the store says.
pub async fn owner(app: &App, who: &str) -> Result<Option<Owner>> {
    let mut parts = who.rsplitn(4, '.');
    let (Some(signature), Some(until), Some(user), Some(code)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Ok(None);
    };
    let (Ok(until), Ok(user)) = (until.parse::<i64>(), user.parse::<UserId>()) else { return Ok(None) };
    let mut conn = app.store.reader().await?;
    let Some(account) = accounts::find_by_code(&mut conn, code).await? else { return Ok(None) };
    let Some(user) = users::find(&mut conn, &account.id, user).await? else { return Ok(None) };
    let text = signed(&account, user.id, until, &user.profile.reveal().email);
    if !is_signed(app, &text, signature)
        || until < app.clock.now().seconds()
        || user.status != UserStatus::Active
    {
        return Ok(None);
    }
    let language = notifications::language(&mut conn, &account.id, Some(user.id)).await?;
    Ok(Some(Owner { language, is_done: user.email_verified, account, user }))
}

/// Notes that the address is theirs.
///
/// # Errors
/// 404 when it changed meanwhile, and what the store says.
pub async fn confirm(app: &App, owner: &Owner, (request, address): (String, String)) -> Result<()> {
    let actor = Actor::new(owner.account.id.clone(), crate::Who::Anonymous, request, address);
    let (house, old) = (app.clone(), owner.user.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let account = &actor.account;
                users::lock(tx, account, old.id).await?;
                let user = users::find(tx, account, old.id).await?.ok_or_else(|| Error::not_found("user"))?;
                let same = user.profile.reveal().email == old.profile.reveal().email;
                if !same || user.status != UserStatus::Active {
                    return Err(Error::not_found("user"));
                }
                if user.email_verified {
                    return Ok(());
                }
                log_ins::verified(tx, account, user.id, house.clock.now()).await?;
                let data = EventData { user_type: Some(user.kind.code()), ..EventData::default() };
                let subject = Subject { user: Some(user.id), data, ..Subject::default() };
                events::append(tx, &house, account, EventType::UserUpdated, subject).await?;
                audit::write(tx, &house, &actor, "users.verify_email", ("user", user.id.to_string())).await
            })
        })
        .await
}
