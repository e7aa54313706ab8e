//! What log-ins share: slowing down who guesses, and renewing tokens.

use bedside_model::{
    AccountId, UserId,
    log_in::{FORGET_SECONDS, KNOWN_SECONDS},
    user::{Role, TokenKind},
};
use bedside_store::{
    Tx,
    log_ins::{self, Subjects},
    tokens,
};

use crate::{
    Actor, App, Error, Result, Who,
    actor::Credential,
    audit, authz, credentials,
    tokens::{TokenPair, digest, issue_in},
    users::Which,
};

/// Who tries from where, as hashes.
#[derive(Clone)]
pub struct Attempt {
    account: AccountId,
    who: Subjects,
}

impl Attempt {
    /// Somebody who uses this login name from this address.
    #[must_use]
    pub fn new(account: &AccountId, name: &str, address: &str) -> Self {
        let name = name.trim().to_lowercase();
        let who = Subjects {
            name: fingerprint(&format!("name {name}")),
            address: fingerprint(&format!("address {address}")),
            pair: fingerprint(&format!("pair {address} {name}")),
        };
        Self { account: account.clone(), who }
    }

    /// The hashes.
    #[must_use]
    pub fn subjects(&self) -> &Subjects {
        &self.who
    }

    /// Refuses an attempt that comes too soon after failures.
    ///
    /// # Errors
    /// 429 with the seconds to wait.
    pub async fn admit(&self, app: &App) -> Result<()> {
        let mut conn = app.store.reader().await?;
        let tally = log_ins::tally(&mut conn, &self.account, &self.who).await?;
        match tally.wait_seconds(app.clock.now()) {
            0 => Ok(()),
            retry_after_s => Err(Error::Limited { retry_after_s }),
        }
    }

    /// Counts a failure.
    ///
    /// # Errors
    /// What the store says.
    pub async fn failed(&self, app: &App) -> Result<()> {
        let (attempt, now) = (self.clone(), app.clock.now());
        app.store
            .write(move |tx| {
                Box::pin(async move {
                    let forget = now.plus_seconds(-FORGET_SECONDS);
                    let who = &attempt.who;
                    // All three, whatever is known: the same work for everybody.
                    for subject in [&who.name, &who.address, &who.pair] {
                        log_ins::failed(tx, &attempt.account, subject, now, forget).await?;
                    }
                    Ok::<_, Error>(())
                })
            })
            .await
    }

    /// Forgets the name's failures, inside the change that logs them in.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) async fn succeeded(&self, tx: &mut Tx, app: &App) -> Result<()> {
        let now = app.clock.now();
        log_ins::succeeded(tx, &self.account, &self.who, now, now.plus_seconds(KNOWN_SECONDS)).await?;
        Ok(())
    }
}

/// A hash in hex of something that is only compared.
pub(crate) fn fingerprint(text: &str) -> String {
    data_encoding::HEXLOWER.encode(&digest(text))
}

/// A new pair of tokens for a refresh token, which is used up by it (core.md
/// 2.8). One that was used before is in two hands: everything that descends
/// from its log-in ends.
///
/// # Errors
/// 401 `refresh_token_unknown`, `refresh_token_used` or `token_expired`; 403 for
/// suspended users.
pub async fn refresh(app: &App, actor: &Actor, refresh_token: &str) -> Result<TokenPair> {
    let unknown = || Error::unauthorized("refresh_token_unknown", "This refresh token is not known here.");
    let used =
        || Error::unauthorized("refresh_token_used", "This refresh token was used already. Sign in again.");
    let now = app.clock.now();
    let mut conn = app.store.reader().await?;
    let token = tokens::find(&mut conn, &digest(refresh_token.trim()))
        .await?
        .filter(|token| token.kind == TokenKind::Refresh && token.account == actor.account)
        .ok_or_else(unknown)?;
    drop(conn);
    if token.expires_at.is_some_and(|end| end <= now) {
        return Err(credentials::token_expired());
    }
    credentials::may_act(token.status)?;
    let who = Who::User {
        id: token.user,
        kind: token.user_type,
        role: Role::parse(&token.role),
        credential: Credential::Token,
    };
    let (owner, caller) = (app.clone(), Actor { who, ..actor.clone() });
    let renewed = app.store.write(move |tx| {
        Box::pin(async move {
            let account = &caller.account;
            let object = ("user", token.user.to_string());
            if tokens::revoke(tx, account, &token.id, now).await? {
                let family = token.family.unwrap_or_else(|| owner.random.uuid(now));
                audit::write(tx, &owner, &caller, "tokens.refresh", object).await?;
                return Ok::<_, Error>(Some(issue_in(tx, &owner, account, token.user, family).await?));
            }
            // Kept, although the answer is a refusal.
            if let Some(family) = &token.family {
                tokens::revoke_family(tx, account, family, now).await?;
            }
            audit::write(tx, &owner, &caller, "tokens.refresh_reused", object).await?;
            Ok(None)
        })
    });
    renewed.await?.ok_or_else(used)
}

/// Somebody's page is open: the waiting patient is there.
///
/// # Errors
/// 401 without a user, 404 for another user than the caller.
pub fn heartbeat(app: &App, actor: &Actor, which: Which) -> Result<UserId> {
    let (caller, _) = authz::user(actor)?;
    if which.resolve(actor)? != caller {
        return Err(Error::not_found("user"));
    }
    app.presence.touch(&actor.account, caller, app.clock.now());
    Ok(caller)
}
