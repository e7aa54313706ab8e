//! `Idempotency-Key`: a caller who repeats a change with the same key gets the
//! first answer again, and nothing happens twice.
//!
//! The key's row is added inside the change it stands for ([`claim`], called by
//! [`crate::audit::write`]). So a crash can fall before both or after both, and
//! of two attempts at once the database keeps one. The answer follows in a
//! write of its own; where that is missing (a crash right after the commit) a
//! repeat gets the id of what was made.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use bedside_model::AccountId;
use bedside_store::{Tx, idempotency};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{Actor, App, Error, Result};

pub use bedside_store::idempotency::Claim;

/// How long a key counts, in seconds.
pub const KEEP_SECONDS: i64 = 24 * 3600;
/// Longest key, in characters.
pub const MAX_KEY: usize = 255;
/// Largest answer that is kept, in bytes; of a larger one only the id is.
const MAX_ANSWER: usize = 1024 * 1024;

type Name = (AccountId, String, Vec<u8>);

/// The keyed requests that run in this process now.
#[derive(Debug, Default)]
pub struct Running(Mutex<HashSet<Name>>);

/// One of them; over when dropped.
#[derive(Debug)]
pub struct Turn {
    running: Arc<Running>,
    name: Name,
}

impl Running {
    fn take(self: &Arc<Self>, name: Name) -> Option<Turn> {
        let fresh = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone());
        fresh.then(|| Turn { running: self.clone(), name })
    }

    /// None runs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.running.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

/// What to do with a keyed request.
#[derive(Debug)]
pub enum Begun {
    /// Nothing is known of the key: do it, with the claim in the actor, and
    /// tell the answer to [`finish`]. Until the turn is dropped, others with
    /// this key are told to wait.
    First(Arc<Claim>, Turn),
    /// It was done: this was the answer's body.
    Again(Vec<u8>),
}

/// Looks at a caller's key. `fingerprint` is what tells one request from
/// another. None for callers who are no user: they change nothing.
///
/// # Errors
/// 400 `idempotency_key_invalid` for a key of another form,
/// `idempotency_in_progress` while the first request runs,
/// `idempotency_key_reused` when it asked for something else.
pub async fn begin(app: &App, actor: &Actor, key: &str, fingerprint: &[u8]) -> Result<Option<Begun>> {
    if !(1..=MAX_KEY).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::invalid(
            "idempotency_key_invalid",
            "An Idempotency-Key has 1 to 255 visible ASCII characters.",
        ));
    }
    let Some(user) = actor.user() else { return Ok(None) };
    let caller = format!("user:{user}");
    let key_hash = Sha256::digest(key.as_bytes()).to_vec();
    let name = (actor.account.clone(), caller.clone(), key_hash.clone());
    let turn = app.running.take(name).ok_or_else(in_progress)?;
    let vault = app.store.vault(&actor.account).await?;
    let now = app.clock.now();
    let expired_before = now.plus_seconds(-KEEP_SECONDS);
    let mut conn = app.store.reader().await?;
    let kept = idempotency::find(&mut conn, &actor.account, &caller, &key_hash, expired_before).await?;
    drop(conn);
    let Some(kept) = kept else {
        let id = app.random.uuid(now);
        let fingerprint = vault.seal(&place("fingerprint", &id), fingerprint)?;
        let account = actor.account.clone();
        let claim = Claim { id, account, caller, key_hash, fingerprint, at: now, expired_before };
        return Ok(Some(Begun::First(Arc::new(claim), turn)));
    };
    if vault.open(&place("fingerprint", &kept.id), &kept.fingerprint)? != fingerprint {
        return Err(Error::invalid(
            "idempotency_key_reused",
            "This Idempotency-Key was sent with another request before.",
        ));
    }
    let answer = match kept.answer {
        Some(answer) => vault.open(&place("answer", &kept.id), &answer)?,
        None => json!({ "data": { "id": kept.object_id } }).to_string().into_bytes(),
    };
    Ok(Some(Begun::Again(answer)))
}

/// Keeps the first answer for whoever repeats the request.
///
/// # Errors
/// What the store says; a repeat then gets the id of what was made.
pub async fn finish(app: &App, claim: Arc<Claim>, answer: &[u8]) -> Result<()> {
    if answer.len() > MAX_ANSWER {
        return Ok(());
    }
    let vault = app.store.vault(&claim.account).await?;
    let answer = vault.seal(&place("answer", &claim.id), answer)?;
    app.store
        .write(move |tx| {
            Box::pin(async move {
                // Taken already, unless the operation changed nothing.
                if idempotency::claim(tx, &claim, "", "").await? {
                    idempotency::keep_answer(tx, &claim, &answer).await?;
                }
                Ok::<_, Error>(())
            })
        })
        .await
}

/// Takes the actor's key, if one came, inside the change it stands for.
///
/// # Errors
/// 400 `idempotency_in_progress` when another attempt took it first; the change
/// is undone.
pub async fn claim(tx: &mut Tx, actor: &Actor, object_kind: &str, object_id: &str) -> Result<()> {
    match &actor.idempotency {
        Some(claim) if !idempotency::claim(tx, claim, object_kind, object_id).await? => Err(in_progress()),
        _ => Ok(()),
    }
}

fn in_progress() -> Error {
    Error::invalid(
        "idempotency_in_progress",
        "The first request with this Idempotency-Key still runs; try again in a moment.",
    )
}

fn place(column: &str, id: &str) -> String {
    format!("idempotency_keys.{column}:{id}")
}
