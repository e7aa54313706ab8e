//! The end of letters: each notice carries a link with which its reader, or
//! their mail program with one request (RFC 8058), ends all of them. The link
//! names clinic and user and is signed, so there is nothing to keep.

use bedside_model::{UserId, notification::Language};
use bedside_store::{
    accounts::{self, Account},
    log_ins, users,
};

use super::compose;
use crate::{
    Actor, App, Error, Result, audit,
    signatures::{is_signed, sign},
};

/// What is signed besides clinic and user, so that no other signature fits.
const PURPOSE: &str = "bedside letters end v1";

fn signed(account: &Account, user: UserId) -> String {
    format!("{PURPOSE}\0{}\0{user}", account.id)
}

/// Where a user's letters are ended.
pub(super) fn url(app: &App, account: &Account, user: UserId) -> String {
    let hex = sign(app, &signed(account, user));
    format!("{}/unsubscribe?who={}.{user}.{hex}", app.settings.pages_url, account.code)
}

/// Whose letters a link ends.
#[derive(Debug, Clone)]
pub struct Reader {
    /// Their clinic's name.
    pub clinic: String,
    /// Their language.
    pub language: Language,
    /// They get no letters already.
    pub is_done: bool,
    account: Account,
    user: UserId,
}

/// Whose letters the link ends; changes nothing. None for a link that is not
/// ours, or whose user is gone.
///
/// # Errors
/// What the store says.
pub async fn reader(app: &App, who: &str) -> Result<Option<Reader>> {
    let mut parts = who.rsplitn(3, '.');
    let (Some(signature), Some(user), Some(code)) = (parts.next(), parts.next(), parts.next()) else {
        return Ok(None);
    };
    let Ok(user) = user.parse::<UserId>() else { return Ok(None) };
    let mut conn = app.store.reader().await?;
    let Some(account) = accounts::find_by_code(&mut conn, code).await? else { return Ok(None) };
    if !is_signed(app, &signed(&account, user), signature) {
        return Ok(None);
    }
    let Some(person) = users::find(&mut conn, &account.id, user).await? else { return Ok(None) };
    let language = compose::language(&mut conn, &account.id, Some(user)).await?;
    Ok(Some(Reader { clinic: account.name.clone(), language, is_done: person.disable_emails, account, user }))
}

/// Ends a reader's letters. What they ask for themselves (a new password, the
/// link to a visit) is mailed all the same.
///
/// # Errors
/// What the store says.
pub async fn stop(app: &App, reader: &Reader, (request, address): (String, String)) -> Result<()> {
    if reader.is_done {
        return Ok(());
    }
    let who = crate::Who::Anonymous;
    let actor = Actor::new(reader.account.id.clone(), who, request, address);
    let (owner, user) = (app.clone(), reader.user);
    app.store
        .write(move |tx| {
            Box::pin(async move {
                log_ins::disable_emails(tx, &actor.account, user, owner.clock.now()).await?;
                let object = ("user", user.to_string());
                audit::write(tx, &owner, &actor, "notifications.unsubscribe", object).await?;
                Ok::<_, Error>(())
            })
        })
        .await
}
