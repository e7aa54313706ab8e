//! The audit trail: every change leaves an entry in its own transaction; reads
//! of a person's data by somebody else are coalesced and written in batches.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use bedside_model::{At, Phi, UserId, VisitId};
use bedside_store::{Tx, Vault, audit};
use serde::{Deserialize, Serialize};

use crate::{Actor, App, Error, Result, Who, idempotency};

/// How long reads of one reader, person and action count as one.
const COALESCE_SECONDS: i64 = 600;

/// Appends the entry of a change, inside it.
///
/// # Errors
/// What the store says.
pub async fn write(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    action: &'static str,
    (object_kind, object_id): (&'static str, String),
) -> Result<()> {
    let at = app.clock.now();
    idempotency::claim(tx, actor, object_kind, &object_id).await?;
    let entry = entry(app, actor, action, object_kind, object_id, at, 1);
    audit::append(tx, &entry).await?;
    Ok(())
}

/// What an entry says beyond its names, where something out of the ordinary was
/// done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// Why, in the words of whoever did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Phi<String>>,
    /// What an appointment was put over.
    #[serde(default)]
    pub overridden: Overridden,
}

/// What staff set aside when they book a time that is not offered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Overridden {
    /// No rule of the provider opens the time in this room.
    pub outside_hours: bool,
    /// The visits whose time it takes part of.
    pub visits: Vec<VisitId>,
    /// The patients' holds of which it takes part.
    pub holds: Vec<String>,
    /// The closures in which it lies.
    pub closures: Vec<String>,
}

fn detail_context(entry: &str) -> String {
    format!("audit_entries.detail:{entry}")
}

/// [`write`], with something to say beyond it, sealed.
///
/// # Errors
/// As [`write`].
pub async fn write_with(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    action: &'static str,
    (object_kind, object_id): (&'static str, String),
    (vault, detail): (&Vault, &Detail),
) -> Result<()> {
    let at = app.clock.now();
    idempotency::claim(tx, actor, object_kind, &object_id).await?;
    let mut entry = entry(app, actor, action, object_kind, object_id, at, 1);
    let text = serde_json::to_string(detail).map_err(Error::internal)?;
    entry.detail = Some(vault.seal_text(&detail_context(&entry.id), &text)?);
    audit::append(tx, &entry).await?;
    Ok(())
}

/// What an entry says beyond its names.
///
/// # Errors
/// What the store says when it was altered.
pub(crate) fn open_detail(vault: &Vault, entry: &audit::Entry) -> Result<Option<Detail>> {
    let Some(sealed) = &entry.detail else { return Ok(None) };
    let text = vault.open_text(&detail_context(&entry.id), sealed)?;
    serde_json::from_str(&text).map(Some).map_err(Error::internal)
}

fn entry(
    app: &App,
    actor: &Actor,
    action: &'static str,
    object_kind: &'static str,
    object_id: String,
    at: At,
    count: i64,
) -> audit::NewEntry {
    audit::NewEntry {
        id: app.random.uuid(at),
        account: actor.account.clone(),
        user: actor.signer(),
        credential: actor.credential(),
        granted: right(actor),
        address: actor.address.clone(),
        action,
        object_kind,
        object_id,
        request_id: actor.request_id.clone(),
        at,
        count,
        detail: None,
    }
}

/// Under which right the actor acts, as `action/seat/relation`; `open` for what
/// asks for none, such as a log-in.
fn right(actor: &Actor) -> String {
    match (actor.granted.get(), &actor.who) {
        (Some((action, seat, relation)), _) => {
            let words = [format!("{action:?}"), format!("{seat:?}"), format!("{relation:?}")];
            words.map(|word| snake(&word)).join("/")
        }
        (None, Who::System) => "system".to_owned(),
        (None, _) => "open".to_owned(),
    }
}

/// `VisitTransfer` as `visit_transfer`.
fn snake(name: &str) -> String {
    let mut word = String::with_capacity(name.len() + 4);
    for (at, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && at > 0 {
            word.push('_');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}

#[derive(PartialEq, Eq, Hash, Clone)]
struct Key {
    reader: Option<UserId>,
    credential: &'static str,
    person: UserId,
    action: &'static str,
    account: String,
}

struct Seen {
    actor: Actor,
    first_at: At,
    count: i64,
}

/// Reads that wait to be written.
#[derive(Default)]
pub struct Reads(Mutex<HashMap<Key, Seen>>);

impl Reads {
    /// Notes that the actor read a person's data. Nothing is noted when people
    /// read their own.
    pub fn note(&self, app: &App, actor: &Actor, person: UserId, action: &'static str) {
        if actor.user() == Some(person) {
            return;
        }
        let key = Key {
            reader: actor.signer(),
            credential: actor.credential(),
            person,
            action,
            account: actor.account.0.clone(),
        };
        let mut reads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = reads.entry(key).or_insert_with(|| Seen {
            actor: actor.clone(),
            first_at: app.clock.now(),
            count: 0,
        });
        seen.count += 1;
    }

    fn take(&self, now: At, all: bool) -> Vec<(Key, Seen)> {
        let mut reads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due: Vec<Key> = reads
            .iter()
            .filter(|(_, seen)| all || seen.first_at.plus_seconds(COALESCE_SECONDS) <= now)
            .map(|(key, _)| key.clone())
            .collect();
        due.into_iter().filter_map(|key| reads.remove_entry(&key)).collect()
    }
}

/// Writes the reads whose ten minutes are over, or all of them at shutdown.
/// Gives how many entries there were.
///
/// # Errors
/// What the store says; the reads are kept for the next time.
pub async fn flush_reads(app: &App, all: bool) -> Result<usize> {
    let due = app.reads.take(app.clock.now(), all);
    if due.is_empty() {
        return Ok(0);
    }
    let entries: Vec<_> = due
        .iter()
        .map(|(key, seen)| {
            entry(app, &seen.actor, key.action, "user", key.person.to_string(), seen.first_at, seen.count)
        })
        .collect();
    let count = entries.len();
    let written: Result<()> = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                for entry in &entries {
                    audit::append(tx, entry).await?;
                }
                Ok(())
            })
        })
        .await;
    if let Err(error) = written {
        let mut reads = app.reads.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, seen) in due {
            let kept = reads.entry(key).or_insert(Seen { count: 0, ..seen });
            kept.count += seen.count;
        }
        return Err(error);
    }
    Ok(count)
}
