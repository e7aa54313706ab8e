//! Passwords: hashing (argon2id) and checking. The links that set one are in
//! `links`; slowing down who guesses is in [`crate::log_ins`].
//!
//! Hashing costs tens of milliseconds and 19 MiB on purpose. It runs on a
//! blocking thread behind a small semaphore and never inside a change.

mod links;

use std::sync::{Arc, LazyLock};

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use bedside_model::password;
use bedside_store::{accounts::Account, users::User};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{App, Error, Result};

pub use links::{Forgot, Link, Set, forgot, link, send_mail, set};

/// Hashes at once: more would starve the rest of the house.
const AT_ONCE: usize = 2;

/// The gate for password work.
pub struct Passwords(Arc<Semaphore>);

impl Default for Passwords {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

/// A place inside the gate. Whoever guesses asks for it before looking at the
/// tally of failures and gives it back after adding to it, so that many guesses
/// at once are not many free ones.
pub(crate) struct Turn<'t>(#[expect(dead_code, reason = "it is held")] SemaphorePermit<'t>);

impl Passwords {
    /// Waits for a place inside the gate.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>> {
        self.0.acquire().await.map(Turn).map_err(Error::internal)
    }
}

async fn work<T: Send + 'static>(_: &Turn<'_>, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)
}

/// A PHC string of a password.
///
/// # Errors
/// Only faults of ours.
pub async fn hash(app: &App, password: &str) -> Result<String> {
    let (password, salt) = (password.to_owned(), app.random.bytes::<16>());
    let turn = app.passwords.turn().await?;
    let hashed = work(&turn, move || hash_now(&password, &salt)).await?;
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
    let turn = app.passwords.turn().await?;
    verify_in(&turn, hash, password).await
}

/// [`verify`], inside the gate already.
pub(crate) async fn verify_in(turn: &Turn<'_>, hash: Option<&str>, password: &str) -> Result<bool> {
    static NOBODY: LazyLock<String> =
        LazyLock::new(|| hash_now("nobody has this password", b"sixteen bytes ok").unwrap_or_default());
    let (hash, password) = (hash.map(str::to_owned), password.to_owned());
    work(turn, move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.clone());
        let right = PasswordHash::new(&hash)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
        known && right
    })
    .await
}

/// Refuses a password that is easy to guess, knowing the user and the clinic.
///
/// # Errors
/// 400 naming the field.
pub fn check(password: &str, user: &User, account: &Account) -> Result<()> {
    let profile = user.profile.reveal();
    let (username, full_name) = (user.username.reveal().as_str(), profile.full_name());
    let names = [username, &full_name, &profile.email, &account.code, &account.name];
    password::check(password, &names).map_err(|weak| Error::field("password", weak.to_string()))
}
