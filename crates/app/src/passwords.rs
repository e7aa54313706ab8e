//! Passwords: hashing (argon2id), checking, and slowing down who guesses.
//!
//! Hashing costs tens of milliseconds and 19 MiB on purpose. It runs on a
//! blocking thread behind a small semaphore and never inside a change.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use bedside_model::{
    AccountId, At, password,
    user::{Role, TokenKind},
};
use bedside_store::{accounts, sessions, tokens, users};
use tokio::sync::Semaphore;

use crate::{
    Actor, App, Error, Result, Who, audit, credentials, sessions::NewCookie, tokens::digest, users::SignedIn,
};

/// Hashes at once: more would starve the rest of the house.
const AT_ONCE: usize = 2;
/// Failures that cost nothing: people mistype.
const FREE_FAILURES: u32 = 5;
/// Longest wait after failures, in seconds.
const LONGEST_WAIT_SECONDS: i64 = 900;
/// Failures are forgotten after this many quiet seconds.
const FORGET_SECONDS: i64 = 3600;
/// Pairs of name and address that are remembered.
const REMEMBERED: usize = 10_000;

/// What password work shares: the gate for hashing and the memory of failures.
pub struct Passwords {
    gate: Arc<Semaphore>,
    failures: Mutex<HashMap<Attempt, Failures>>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { gate: Arc::new(Semaphore::new(AT_ONCE)), failures: Mutex::default() }
    }
}

/// Who tries from where.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// In which clinic.
    pub account: AccountId,
    /// Whose password, lower-case.
    pub username: String,
    /// From which address.
    pub address: String,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last_at: At,
}

impl Failures {
    /// Seconds to wait after the last failure: 1, 2, 4 … after five free ones.
    fn wait_seconds(self) -> i64 {
        match self.count.checked_sub(FREE_FAILURES) {
            Some(beyond) => (1_i64 << beyond.min(20)).min(LONGEST_WAIT_SECONDS),
            None => 0,
        }
    }

    fn blocked_until(self) -> At {
        self.last_at.plus_seconds(self.wait_seconds())
    }
}

impl Passwords {
    /// Refuses an attempt that comes too soon after failures.
    ///
    /// # Errors
    /// 429 with the seconds to wait.
    pub fn admit(&self, attempt: &Attempt, now: At) -> Result<()> {
        let failures = self.failures().get(attempt).copied();
        match failures.map(Failures::blocked_until) {
            Some(until) if until > now => {
                let wait = (until.0 - now.0).div_euclid(1000) + 1;
                Err(Error::Limited { retry_after_s: u64::try_from(wait).unwrap_or(1) })
            }
            _ => Ok(()),
        }
    }

    /// Notes how an attempt ended.
    pub fn note(&self, attempt: Attempt, success: bool, now: At) {
        let mut failures = self.failures();
        if success {
            failures.remove(&attempt);
            return;
        }
        if failures.len() >= REMEMBERED {
            failures.retain(|_, old| old.last_at.plus_seconds(FORGET_SECONDS) > now);
        }
        if failures.len() >= REMEMBERED {
            // Flooded: forgetting everybody is kinder than refusing everybody.
            failures.clear();
        }
        let entry = failures.entry(attempt).or_insert(Failures { count: 0, last_at: now });
        if entry.last_at.plus_seconds(FORGET_SECONDS) <= now {
            entry.count = 0;
        }
        entry.count = entry.count.saturating_add(1);
        entry.last_at = now;
    }

    fn failures(&self) -> std::sync::MutexGuard<'_, HashMap<Attempt, Failures>> {
        // A poisoned map is still a map of whole entries.
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _turn = self.gate.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)
    }
}

/// A PHC string of a password.
///
/// # Errors
/// Only faults of ours.
pub async fn hash(app: &App, password: &str) -> Result<String> {
    let (password, salt) = (password.to_owned(), app.random.bytes::<16>());
    let hashed = app.passwords.run(move || hash_now(&password, &salt)).await?;
    hashed.map_err(|error| Error::internal(anyhow::anyhow!("argon2: {error}")))
}

fn hash_now(password: &str, salt: &[u8]) -> argon2::password_hash::Result<String> {
    Ok(Argon2::default().hash_password_with_salt(password.as_bytes(), salt)?.to_string())
}

/// Is this the password? Without a hash the same work is done for nothing, so
/// that an unknown name takes as long as a wrong password.
///
/// # Errors
/// Only faults of ours.
pub async fn verify(app: &App, hash: Option<&str>, password: &str) -> Result<bool> {
    static NOBODY: LazyLock<String> =
        LazyLock::new(|| hash_now("nobody has this password", b"sixteen bytes ok").unwrap_or_default());
    let (hash, password) = (hash.map(str::to_owned), password.to_owned());
    app.passwords
        .run(move || {
            let known = hash.is_some();
            let hash = hash.unwrap_or_else(|| NOBODY.clone());
            let right = PasswordHash::new(&hash)
                .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
            known && right
        })
        .await
}

/// What the holder of a one-time link sends.
pub struct Set {
    /// The link's token.
    pub token: String,
    /// The password they chose.
    pub password: String,
    /// The request's identifier.
    pub request_id: String,
}

/// Sets the password of a one-time link's user and logs them in. The link is
/// used up, and so is everything that was logged in as them before.
///
/// # Errors
/// 401 `token_unknown`, `token_used`, `token_expired`; 400 for a weak password.
pub async fn set(app: &App, command: Set) -> Result<SignedIn> {
    let now = app.clock.now();
    let used = || Error::unauthorized("token_used", "This link was used already. Ask for a new one.");
    let mut conn = app.store.reader().await?;
    let token = tokens::find(&mut conn, &digest(command.token.trim()))
        .await?
        .filter(|token| token.kind == TokenKind::Password)
        .ok_or_else(credentials::token_unknown)?;
    if token.revoked_at.is_some() {
        return Err(used());
    }
    if token.expires_at.is_some_and(|end| end <= now) {
        return Err(credentials::token_expired());
    }
    let account =
        accounts::find(&mut conn, &token.account).await?.ok_or_else(|| Error::not_found("account"))?;
    let user =
        users::find(&mut conn, &account.id, token.user).await?.ok_or_else(|| Error::not_found("user"))?;
    drop(conn);
    let names = [user.username.reveal().as_str(), &account.code, &account.name];
    password::check(&command.password, &names).map_err(|weak| Error::field("password", weak.to_string()))?;
    let hash = hash(app, &command.password).await?;
    let owner = app.clone();
    let actor = Actor {
        account: account.id.clone(),
        who: Who::User {
            id: user.id,
            kind: user.kind,
            role: Role::parse(&user.role),
            credential: crate::actor::Credential::Token,
        },
        request_id: command.request_id,
    };
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let account = &actor.account;
                if !tokens::revoke(tx, account, &token.id, now).await? {
                    return Err(used());
                }
                users::set_password(tx, account, user.id, &hash, now).await?;
                sessions::delete_of_user(tx, account, user.id).await?;
                for kind in [TokenKind::Access, TokenKind::Refresh] {
                    tokens::revoke_kind(tx, account, user.id, kind, now).await?;
                }
                let object = ("user", user.id.to_string());
                audit::write(tx, &owner, &actor, "users.set_password", object).await?;
                let tokens = crate::tokens::issue(tx, &owner, account, user.id).await?;
                let kind = user.kind.session_kind();
                let cookie = NewCookie::issue(tx, &owner, account, &user, kind, Default::default()).await?;
                let user =
                    users::find(tx, account, user.id).await?.ok_or_else(|| Error::not_found("user"))?;
                Ok(SignedIn { user, tokens, cookie: Some(cookie) })
            })
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(username: &str) -> Attempt {
        Attempt { account: AccountId("a".into()), username: username.into(), address: "192.0.2.1".into() }
    }

    #[test]
    fn guessing_gets_slower_and_one_success_clears_it() {
        let passwords = Passwords::default();
        let (mut now, me) = (At(0), attempt("maria"));
        for _ in 0..FREE_FAILURES {
            passwords.admit(&me, now).unwrap();
            passwords.note(me.clone(), false, now);
        }
        let mut waits = Vec::new();
        for _ in 0..12 {
            let Err(Error::Limited { retry_after_s }) = passwords.admit(&me, now) else { panic!("admitted") };
            waits.push(retry_after_s);
            now = now.plus_seconds(i64::try_from(retry_after_s).unwrap());
            passwords.admit(&me, now).unwrap();
            passwords.note(me.clone(), false, now);
        }
        assert_eq!(waits[..4], [2, 3, 5, 9]);
        assert!(waits.iter().all(|wait| *wait <= 901) && waits[11] >= 900);
        passwords.admit(&attempt("tom"), now).unwrap();
        passwords.note(me.clone(), true, now);
        passwords.admit(&me, now).unwrap();
    }

    #[test]
    fn failures_are_forgotten_and_memory_is_bounded() {
        let passwords = Passwords::default();
        for number in 0..REMEMBERED + 10 {
            passwords.note(attempt(&number.to_string()), false, At(0));
        }
        assert!(passwords.failures().len() <= REMEMBERED);
        let me = attempt("me");
        for _ in 0..6 {
            passwords.note(me.clone(), false, At(0));
        }
        let later = At(0).plus_seconds(FORGET_SECONDS);
        passwords.note(me.clone(), false, later);
        passwords.admit(&me, later).unwrap();
    }
}
