//! The health record: one call an entry, so that two people who write into the
//! same section lose nothing of each other (contract more.md 6.4 sends whole
//! lists). What was wrong is marked and kept. "Nothing to report" is said of a
//! section without entries, and ends with the first one.

use bedside_model::{
    Phi, UserId,
    health_record::{Entry, MAX_ENTRIES, Section, Status},
    permission::Action,
};
use bedside_store::{Conn, Tx, Vault, health_records, users};
use serde_json::{Map, Value, json};

use crate::{Actor, App, Error, Result, audit, authz, users::Which};

/// An entry as its readers see it.
#[derive(Debug, Clone)]
pub struct EntryView {
    /// Its row.
    pub row: health_records::Entry,
    /// What it says.
    pub content: Phi<Entry>,
}

/// A section of somebody's record.
#[derive(Debug, Clone)]
pub struct SectionView {
    /// Which one.
    pub section: Section,
    /// Its entries, the oldest first.
    pub entries: Vec<EntryView>,
    /// There is nothing to report.
    pub not_reported: bool,
}

/// What is said of a section: an entry, or that there is none.
#[derive(Debug, Clone, Default)]
pub struct Write {
    /// The version that the writer has read.
    pub version: Option<i64>,
    /// There is nothing to report, or there is again.
    pub not_reported: Option<bool>,
    /// The entry's fields.
    pub fields: Phi<Map<String, Value>>,
}

fn context(id: &str) -> String {
    format!("health_entries.content:{id}")
}

fn open(vault: &Vault, row: &health_records::Entry) -> Result<Entry> {
    let text = vault.open_text(&context(&row.id), &row.content)?;
    serde_json::from_str(&text).map_err(Error::internal)
}

fn seal(vault: &Vault, id: &str, entry: &Entry) -> Result<bedside_store::Sealed> {
    let text = serde_json::to_string(entry).map_err(Error::internal)?;
    Ok(vault.seal_text(&context(id), &text)?)
}

/// The person whose record it is, when the caller may do this with it.
pub(crate) async fn person(conn: &mut Conn, actor: &Actor, which: Which, action: Action) -> Result<UserId> {
    authz::user(actor)?;
    let id = which.resolve(actor)?;
    let user = users::find(conn, &actor.account, id).await?.ok_or_else(|| Error::not_found("user"))?;
    authz::person(conn, actor, id, action).await?;
    if !user.kind.is_patient() {
        return Err(Error::invalid("not_a_patient", "Only patients have a health record."));
    }
    Ok(id)
}

/// The sections of a record, for whoever may write one.
///
/// # Errors
/// 401.
pub fn sections(actor: &Actor) -> Result<&'static [Section]> {
    authz::user(actor).map(|_| Section::ALL)
}

/// Somebody's whole record, section by section; with `removed` also what was
/// entered in error.
///
/// # Errors
/// 401, 403, 404, 400 `not_a_patient`.
pub async fn get(app: &App, actor: &Actor, which: Which, removed: bool) -> Result<Vec<SectionView>> {
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let user = person(&mut conn, actor, which, Action::HealthRead).await?;
    app.reads.note(app, actor, user, "health_records.get");
    let empty = health_records::not_reported(&mut conn, &actor.account, user).await?;
    let rows = health_records::list(&mut conn, &actor.account, user).await?;
    let mut sections: Vec<SectionView> = Section::ALL
        .iter()
        .map(|section| SectionView {
            section: *section,
            entries: Vec::new(),
            not_reported: empty.contains(section),
        })
        .collect();
    for row in rows.into_iter().filter(|row| removed || row.status == Status::Active) {
        let content = open(&vault, &row)?.into();
        let section = sections.iter_mut().find(|section| section.section == row.section);
        if let Some(section) = section {
            section.entries.push(EntryView { row, content });
        }
    }
    Ok(sections)
}

/// A section of somebody's record.
///
/// # Errors
/// As [`get`].
pub async fn section(
    app: &App,
    actor: &Actor,
    which: Which,
    section: Section,
    removed: bool,
) -> Result<SectionView> {
    let all = get(app, actor, which, removed).await?;
    all.into_iter().find(|view| view.section == section).ok_or_else(|| Error::not_found("health_section"))
}

fn named((field, why): (String, String)) -> Error {
    Error::field(&field, why)
}

fn changed(row: &health_records::Entry, current: &Entry, yours: &Entry) -> Error {
    let mut now = current.fields();
    now.insert("version".to_owned(), json!(row.version));
    Error::invalid("health_entry_changed", "Somebody has changed this entry meanwhile. Compare the two.")
        .with("current", Value::Object(now))
        .with("yours", Value::Object(yours.fields()))
}

fn removed() -> Error {
    Error::invalid("health_entry_removed", "This entry was taken away as an error. Add a new one.")
}

/// Adds an entry, or says that there is nothing to report. In a section of one
/// entry the one that is there is changed.
///
/// # Errors
/// 401, 403, 404, 400 naming a field, `not_a_patient`, `health_entries_exist`,
/// `too_many_health_entries`, `health_entry_changed`.
pub async fn add(
    app: &App,
    actor: &Actor,
    which: Which,
    section: Section,
    command: Write,
) -> Result<SectionView> {
    let (author, _) = authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller, keys) = (app.clone(), actor.clone(), vault.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let user = person(tx, &caller, which, Action::HealthWrite).await?;
                let (account, now) = (&caller.account, owner.clock.now());
                let nothing = command.not_reported.unwrap_or(false);
                health_records::set_not_reported(tx, account, user, section, nothing, (author, now)).await?;
                let fields = command.fields.reveal();
                let count = health_records::count(tx, account, user, section).await?;
                if command.not_reported.is_some() && fields.is_empty() {
                    if nothing && count > 0 {
                        return Err(Error::invalid(
                            "health_entries_exist",
                            "There are entries in this section. Take them away before you say that there is nothing.",
                        ));
                    }
                    return tell(tx, &owner, &caller, "health_records.not_reported", user).await;
                }
                if nothing {
                    return Err(Error::field("not_reported", "cannot be said together with an entry"));
                }
                if section.is_single() && count > 0 {
                    let row = only(tx, &caller, user, section).await?;
                    return write(tx, &owner, &caller, &keys, row, command).await;
                }
                let entry = Entry::default().with(section, fields).map_err(named)?;
                if count >= MAX_ENTRIES {
                    return Err(Error::invalid("too_many_health_entries", "A section has at most 200 entries."));
                }
                let id = owner.random.uuid(now);
                let row = health_records::Entry {
                    account: account.clone(),
                    user,
                    section,
                    status: Status::Active,
                    content: seal(&keys, &id, &entry)?,
                    version: 1,
                    author,
                    created_at: now,
                    updated_at: now,
                    id,
                };
                health_records::add(tx, &row).await?;
                tell(tx, &owner, &caller, "health_records.add", user).await
            })
        })
        .await?;
    self::section(app, actor, which, section, false).await
}

/// The one entry that counts.
async fn only(tx: &mut Tx, actor: &Actor, user: UserId, section: Section) -> Result<health_records::Entry> {
    let rows = health_records::list(tx, &actor.account, user).await?;
    rows.into_iter()
        .find(|row| row.section == section && row.status == Status::Active)
        .ok_or_else(|| Error::not_found("health_entry"))
}

async fn write(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    vault: &Vault,
    mut row: health_records::Entry,
    command: Write,
) -> Result<()> {
    let (author, _) = authz::user(actor)?;
    let version = command
        .version
        .ok_or_else(|| Error::field("version", "is required: the version of the entry that you have read"))?;
    let before = open(vault, &row)?;
    let entry = before.with(row.section, command.fields.reveal()).map_err(named)?;
    if row.status != Status::Active {
        return Err(removed());
    }
    // The same once more, from a client that did not hear the answer, is no conflict.
    if entry == before {
        return Ok(());
    }
    if row.version != version {
        return Err(changed(&row, &before, &entry));
    }
    row.content = seal(vault, &row.id, &entry)?;
    row.author = author;
    row.updated_at = app.clock.now();
    if !health_records::update(tx, &row).await? {
        return Err(changed(&row, &before, &entry));
    }
    tell(tx, app, actor, "health_records.update", row.user).await
}

async fn tell(tx: &mut Tx, app: &App, actor: &Actor, action: &'static str, user: UserId) -> Result<()> {
    audit::write(tx, app, actor, action, ("user", user.to_string())).await
}

async fn load(
    tx: &mut Tx,
    actor: &Actor,
    which: Which,
    section: Section,
    id: &str,
) -> Result<health_records::Entry> {
    let user = person(tx, actor, which, Action::HealthWrite).await?;
    let found = health_records::find(tx, &actor.account, user, section, id).await?;
    found.ok_or_else(|| Error::not_found("health_entry"))
}

/// Changes an entry; what is left out stays.
///
/// # Errors
/// As [`add`], and `health_entry_removed`.
pub async fn update(
    app: &App,
    actor: &Actor,
    which: Which,
    at: (Section, String),
    command: Write,
) -> Result<SectionView> {
    authz::user(actor)?;
    if command.not_reported.is_some() {
        return Err(Error::field("not_reported", "is said of the section, not of an entry"));
    }
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller) = (app.clone(), actor.clone());
    let (section, id) = at;
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let row = load(tx, &caller, which, section, &id).await?;
                write(tx, &owner, &caller, &vault, row, command).await
            })
        })
        .await?;
    self::section(app, actor, which, section, false).await
}

/// Takes an entry away as an error. It is kept, and shown to whoever asks for
/// what was removed. A second time is fine.
///
/// # Errors
/// 401, 403, 404.
pub async fn remove(app: &App, actor: &Actor, which: Which, at: (Section, String)) -> Result<SectionView> {
    let (author, _) = authz::user(actor)?;
    let (owner, caller) = (app.clone(), actor.clone());
    let (section, id) = at;
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let mut row = load(tx, &caller, which, section, &id).await?;
                if row.status == Status::EnteredInError {
                    return Ok(());
                }
                row.status = Status::EnteredInError;
                row.author = author;
                row.updated_at = owner.clock.now();
                if !health_records::update(tx, &row).await? {
                    return Err(bedside_store::Error::Busy.into());
                }
                tell(tx, &owner, &caller, "health_records.remove", row.user).await
            })
        })
        .await?;
    self::section(app, actor, which, section, false).await
}
