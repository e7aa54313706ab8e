//! Files: listing, reading, renaming, deleting. How content comes in is in
//! `files/upload.rs`, how it goes out in `files/content.rs`, what an intake has
//! to do with it in `files/attachments.rs`.
//!
//! Who may do what hangs on three columns alone: who put the file in, whose it
//! is, and the visits it hangs on. Nothing that a caller sends along widens it.

mod attachments;
mod content;
mod sweep;
mod upload;

use std::collections::HashMap;

use bedside_model::{
    FileId, Phi, RoomId, UserId, VisitId,
    event::{EventData, EventType},
    file::{self, Category},
    permission::{Action, Relation, Relations},
    user::UserType,
};
use bedside_store::{
    Conn, FileKey, Tx, Vault, accounts,
    files::{self, File, Filter},
    users, visits,
};

use crate::{
    Actor, App, Error, Result, audit, authz,
    events::{self, Subject},
    ports::files::Place,
};

pub use attachments::{MAX_ATTACHMENTS, check_attachments, list_of_intake, photo};
pub use content::{Content, Link, open};
pub use sweep::{SWEEP_JOB, sweep};
pub(crate) use sweep::{later as sweep_later, now as sweep_now};
pub use upload::{NewFile, Target, Upload, add, begin, limit, may_upload, too_large};
pub(crate) use upload::{discard, prepare, prepare_for};

/// A file as it is shown to somebody who may see it.
#[derive(Debug, Clone)]
pub struct FileView {
    /// Its row.
    pub file: File,
    /// Its name.
    pub name: Phi<String>,
    /// Where its content is, for a quarter of an hour.
    pub link: Link,
    /// Who put it in.
    pub creator: Option<Creator>,
    /// The clinic's code.
    pub account_code: String,
}

/// Who put a file in.
#[derive(Debug, Clone)]
pub struct Creator {
    /// Their number.
    pub id: UserId,
    /// Their kind.
    pub kind: UserType,
    /// Login name.
    pub username: Phi<String>,
    /// Address.
    pub email: Phi<String>,
    /// First and last name.
    pub full_name: Phi<String>,
}

/// Which files are listed.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// Of whom, or of which visit; the caller's own when it is not said.
    pub target: Option<Target>,
    /// Only of this category.
    pub category: Option<Category>,
    /// The documents of the person, or of the visit's patient, too.
    pub include_shared: bool,
    /// Only files after this one.
    pub after: Option<FileId>,
    /// Rows to skip.
    pub offset: i64,
    /// Rows to give.
    pub limit: i64,
}

/// One page of files.
#[derive(Debug, Clone)]
pub struct Page {
    /// The files, newest first.
    pub files: Vec<FileView>,
    /// How many there are in all.
    pub total: i64,
    /// The file after which the next page begins.
    pub next: Option<FileId>,
}

fn name_context(id: &FileId) -> String {
    format!("files.name:{id}")
}

/// Makes rows presentable; what several rows need is read once.
pub(crate) async fn show(
    app: &App,
    conn: &mut Conn,
    vault: &Vault,
    rows: Vec<File>,
) -> Result<Vec<FileView>> {
    let Some(account) = rows.first().map(|file| file.account.clone()) else { return Ok(Vec::new()) };
    let found = accounts::find(conn, &account).await?;
    let code = found.ok_or_else(|| Error::not_found("account"))?.code;
    let now = app.clock.now();
    let mut creators: HashMap<UserId, Option<Creator>> = HashMap::new();
    let mut views = Vec::with_capacity(rows.len());
    for file in rows {
        let creator = match creators.get(&file.owner) {
            Some(known) => known.clone(),
            None => {
                let creator = users::find(conn, &account, file.owner).await?.map(Creator::from);
                creators.insert(file.owner, creator.clone());
                creator
            }
        };
        let key = FileKey::open(vault, &file.id, &file.data_key)?;
        views.push(FileView {
            name: vault.open_text(&name_context(&file.id), &file.name)?.into(),
            link: Link::new(&key, &file, now),
            creator,
            account_code: code.clone(),
            file,
        });
    }
    Ok(views)
}

async fn show_one(app: &App, conn: &mut Conn, vault: &Vault, file: File) -> Result<FileView> {
    let mut views = show(app, conn, vault, vec![file]).await?;
    views.pop().ok_or_else(|| Error::not_found("file"))
}

impl From<users::User> for Creator {
    fn from(user: users::User) -> Self {
        let profile = user.profile.reveal();
        Self {
            id: user.id,
            kind: user.kind,
            email: profile.email.clone().into(),
            full_name: profile.full_name().into(),
            username: user.username,
        }
    }
}

/// How the caller stands to a file that they want to read: as its owner, to
/// the person on whose profile it lies, to the visits it hangs on.
pub(crate) async fn to_file(conn: &mut Conn, actor: &Actor, file: &File) -> Result<Relations> {
    authz::same_account(actor, &file.account, "file")?;
    let person = authz::to_person(conn, actor, file.person).await?;
    let relations = Relations::SAME_ACCOUNT
        .with(Relation::Myself, actor.user() == Some(file.owner) || person.has(Relation::Myself))
        .with(Relation::Guardian, person.has(Relation::Guardian));
    if file.category.is_some_and(Category::is_of_profile) {
        return Ok(relations.and(person));
    }
    if authz::may(actor, relations, Action::FileRead) {
        return Ok(relations);
    }
    let mut relations = relations;
    for id in files::list_visits(conn, &actor.account, &file.id).await? {
        if let Some(visit) = visits::find(conn, &actor.account, id).await? {
            relations = relations.and(authz::to_visit(conn, actor, &visit).await?);
        }
    }
    Ok(relations)
}

/// How the caller stands to the one who put a file in.
async fn to_owner(conn: &mut Conn, actor: &Actor, file: &File) -> Result<Relations> {
    let owner = authz::to_person(conn, actor, file.owner).await?;
    // That they treat the owner gives nobody a right over what is the owner's.
    Ok(Relations::SAME_ACCOUNT
        .with(Relation::Myself, owner.has(Relation::Myself))
        .with(Relation::Guardian, owner.has(Relation::Guardian)))
}

/// The file, for somebody who may read it.
async fn readable(conn: &mut Conn, actor: &Actor, id: &FileId) -> Result<File> {
    let file = files::find(conn, &actor.account, id).await?.ok_or_else(|| Error::not_found("file"))?;
    let relations = to_file(conn, actor, &file).await?;
    authz::judge(actor, relations, Action::FileRead, Action::FileRead, "file")?;
    Ok(file)
}

/// The file, for somebody who may change it. Whoever may only read it gets a
/// 403, everybody else a 404.
async fn writable(conn: &mut Conn, actor: &Actor, id: &FileId) -> Result<File> {
    let file = files::find(conn, &actor.account, id).await?.ok_or_else(|| Error::not_found("file"))?;
    let own = to_owner(conn, actor, &file).await?;
    if !authz::may(actor, own, Action::FileWrite) {
        readable(conn, actor, id).await?;
        return Err(match authz::judge(actor, own, Action::FileWrite, Action::FileRead, "file") {
            // They may read it in another way than as its owner.
            Ok(()) | Err(Error::NotFound(_)) => not_yours(),
            Err(refusal) => refusal,
        });
    }
    let is_patient = actor.kind().is_some_and(UserType::is_patient);
    if is_patient && file.category == Some(Category::UserConsent) {
        return Err(Error::forbidden(
            "consent_stays",
            "A consent that was given cannot be changed or deleted.",
        ));
    }
    Ok(file)
}

fn not_yours() -> Error {
    Error::forbidden("not_allowed", "You may see this file but not do this to it.")
}

/// A file and a fresh link to its content.
///
/// # Errors
/// 401, 404 for whoever may not read it.
pub async fn get(app: &App, actor: &Actor, id: &FileId) -> Result<FileView> {
    authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let file = readable(&mut conn, actor, id).await?;
    app.reads.note(app, actor, file.person, "files.get");
    show_one(app, &mut conn, &vault, file).await
}

/// Files of a person or a visit, newest first; the caller's own without a
/// target.
///
/// # Errors
/// 401, 404 for a person or a visit whose files the caller may not read.
pub async fn list(app: &App, actor: &Actor, list: List) -> Result<Page> {
    let (caller, _) = authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let mut filter = Filter {
        category: list.category,
        documents: list.include_shared,
        profile_only: false,
        owned: false,
        after: list.after,
        offset: list.offset,
        // One more, to see whether more follow.
        limit: list.limit + 1,
    };
    let account = &actor.account;
    let (mut rows, total) = match list.target.unwrap_or(Target::User(caller)) {
        Target::Visit(id) => {
            let visit = visits::find(&mut conn, account, id).await?;
            let visit = visit.ok_or_else(|| Error::not_found("visit"))?;
            authz::visit(&mut conn, actor, &visit, Action::FileRead).await?;
            let member = authz::to_person(&mut conn, actor, visit.member).await?;
            filter.documents &= authz::may(actor, member, Action::FileRead);
            app.reads.note(app, actor, visit.member, "files.list");
            files::list_of_visit(&mut conn, account, id, visit.member, &filter).await?
        }
        Target::User(person) => {
            users::find(&mut conn, account, person).await?.ok_or_else(|| Error::not_found("user"))?;
            let relations = if person == caller {
                Relations::SAME_ACCOUNT.with(Relation::Myself, true)
            } else {
                authz::to_person(&mut conn, actor, person).await?
            };
            authz::judge(actor, relations, Action::FileRead, Action::UserRead, "user")?;
            // Those who treat somebody see the profile; the rest through its visits.
            let close = relations.has(Relation::Myself) || relations.has(Relation::Guardian);
            filter.profile_only = !close && !authz::may(actor, Relations::SAME_ACCOUNT, Action::FileRead);
            filter.owned = list.target.is_none();
            app.reads.note(app, actor, person, "files.list");
            files::list_of_person(&mut conn, account, person, &filter).await?
        }
    };
    let more = i64::try_from(rows.len()).unwrap_or(i64::MAX) > list.limit;
    rows.truncate(usize::try_from(list.limit).unwrap_or(0));
    let next = rows.last().filter(|_| more).map(|file| file.id.clone());
    Ok(Page { files: show(app, &mut conn, &vault, rows).await?, total, next })
}

/// Gives a file another name; nothing else of it can change.
///
/// # Errors
/// 401, 403 for whoever may only read it and for patients' consents, 404, 400
/// for an empty name.
pub async fn rename(app: &App, actor: &Actor, id: &FileId, name: &str) -> Result<FileView> {
    authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let mut file = writable(&mut conn, actor, id).await?;
    if name.trim().is_empty() {
        return Err(Error::field("name", "must not be empty"));
    }
    file.name = vault.seal_text(&name_context(id), &file::clean_name(name, file.kind))?;
    file.updated_at = app.clock.now();
    drop(conn);
    let (owner, caller, row) = (app.clone(), actor.clone(), file.clone());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                if !files::rename(tx, &row.account, &row.id, &row.name, row.updated_at).await? {
                    return Err(Error::not_found("file"));
                }
                audit::write(tx, &owner, &caller, "files.rename", ("file", row.id.to_string())).await
            })
        })
        .await?;
    let mut conn = app.store.reader().await?;
    show_one(app, &mut conn, &vault, file).await
}

/// Deletes a document: its row and key at once, its content right after.
///
/// # Errors
/// 401, 403 for whoever may only read it and for files that stay, 404.
pub async fn delete(app: &App, actor: &Actor, id: &FileId) -> Result<()> {
    authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    let file = writable(&mut conn, actor, id).await?;
    drop(conn);
    if !file.category.is_some_and(Category::is_deletable) {
        return Err(Error::forbidden("file_not_deletable", "Only documents of a profile can be deleted."));
    }
    let now = app.clock.now();
    let job = sweep::job(app, &file.account, &file.id, now);
    let place = Place::new(&file.account, &file.id);
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                if !files::delete(tx, &file.account, &file.id).await? {
                    return Err(Error::not_found("file"));
                }
                bedside_store::jobs::enqueue(tx, &job).await?;
                // Whatever hangs on a visit stays, so there is no room to name.
                tell(tx, &owner, EventType::FileDeleted, &file, None).await?;
                audit::write(tx, &owner, &caller, "files.delete", ("file", file.id.to_string())).await
            })
        })
        .await?;
    if let Err(error) = app.files.delete(&place).await {
        // Without its key it is noise already; the job tries again.
        tracing::warn!(%error, "deleted content is left to the sweep");
    }
    Ok(())
}

/// Writes that a file came or went, with the change itself.
pub(crate) async fn tell(
    tx: &mut Tx,
    app: &App,
    kind: EventType,
    file: &File,
    room: Option<RoomId>,
) -> Result<()> {
    let data = EventData { file_id: Some(file.id.to_string()), ..EventData::default() };
    let subject = Subject { visit: file.visit, room, user: Some(file.person), data };
    events::append(tx, app, &file.account, kind, subject).await
}

/// The visit of a number, for a file that is to hang on it.
async fn visit_for_file(conn: &mut Conn, actor: &Actor, id: VisitId) -> Result<visits::Visit> {
    let visit = visits::find(conn, &actor.account, id).await?;
    let visit = visit.ok_or_else(|| Error::not_found("visit"))?;
    authz::visit(conn, actor, &visit, Action::FileAdd).await?;
    Ok(visit)
}
