//! How content comes in: in pieces, looked at, sealed and written as they
//! come, and given up at the first one too many. A row is added only when the
//! content is whole and on the disk; what an upload leaves behind when this
//! process dies is swept by a job that was written before the first byte.

use bedside_model::{
    FileId, Phi, RoomId, UserId, VisitId,
    event::EventType,
    file::{self, Category, Kind, TextCheck},
    permission::{Action, Relation, Relations},
};
use bedside_store::{FileKey, Sealed, Sealer, Vault, accounts, files, files::File, users};

use super::{FileView, name_context, show_one, sweep, visit_for_file};
use crate::{
    Actor, App, Error, Result, audit, authz, images,
    ports::files::{Place, Writer},
};

/// How long an upload may take in all. The sweep comes later than that.
pub(super) const LONGEST_SECONDS: i64 = 3600;

/// What a file is put on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Somebody's profile.
    User(UserId),
    /// A visit.
    Visit(VisitId),
}

/// What is said of a new file beside its content.
#[derive(Debug, Clone, Default)]
pub struct NewFile {
    /// What it is for.
    pub category: Option<Category>,
    /// What it is put on; the caller's own profile when it is not said.
    pub target: Option<Target>,
}

/// Content on its way in. Dropped before [`add`] it leaves nothing behind.
pub struct Upload {
    id: FileId,
    place: Place,
    data_key: Sealed,
    name: Phi<String>,
    sealer: Sealer,
    writer: Writer,
    look: Look,
    length: u64,
    limit: u64,
}

/// What is known of the content so far.
enum Look {
    /// Its beginning, held back until it tells the kind.
    Beginning(Vec<u8>),
    Known(Kind, Option<TextCheck>),
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload").field("id", &self.id).field("length", &self.length).finish_non_exhaustive()
    }
}

/// The largest file that the caller's clinic takes, in bytes.
///
/// # Errors
/// What the store says.
pub async fn limit(app: &App, actor: &Actor) -> Result<u64> {
    let mut conn = app.store.reader().await?;
    let account = accounts::find(&mut conn, &actor.account).await?;
    let own = account.and_then(|account| account.max_file_bytes);
    Ok(own.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(app.settings.max_file_bytes))
}

/// Begins an upload of at most `limit` bytes.
///
/// # Errors
/// 401 without a user, 403 for callers who may put no file anywhere.
pub async fn begin(app: &App, actor: &Actor, name: &str, limit: u64) -> Result<Upload> {
    may_upload(actor)?;
    open(app, actor, name, limit).await
}

async fn open(app: &App, actor: &Actor, name: &str, limit: u64) -> Result<Upload> {
    let vault = app.store.vault(&actor.account).await?;
    let now = app.clock.now();
    let id = FileId(app.random.uuid(now));
    let (key, data_key) = FileKey::new(&vault, &id)?;
    let job = sweep::job(app, &actor.account, &id, now.plus_seconds(2 * LONGEST_SECONDS));
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move { Ok(bedside_store::jobs::enqueue(tx, &job).await.map(drop)?) })
        })
        .await?;
    let place = Place::new(&actor.account, &id);
    let writer = app.files.create(&place).await?;
    Ok(Upload {
        id,
        place,
        data_key,
        name: name.to_owned().into(),
        sealer: Sealer::new(key),
        writer,
        look: Look::Beginning(Vec::new()),
        length: 0,
        limit,
    })
}

/// May the caller put a file anywhere at all?
///
/// # Errors
/// 401, 403.
pub fn may_upload(actor: &Actor) -> Result<()> {
    authz::user(actor)?;
    let own = Relations::SAME_ACCOUNT.with(Relation::Myself, true);
    authz::judge(actor, own, Action::FileAdd, Action::FileRead, "file")
}

/// 413 `file_too_large` that names the limit.
#[must_use]
pub fn too_large(limit: u64) -> Error {
    Error::too_large("file_too_large", format!("A file may have at most {limit} bytes."))
}

impl Upload {
    /// Takes the next piece.
    ///
    /// # Errors
    /// 413 beyond the limit, 415 for content of no allowed kind, 400 for a
    /// picture with too many pixels, 503 when the disk is full.
    pub async fn write(&mut self, piece: &[u8]) -> Result<()> {
        self.length += piece.len() as u64;
        if self.length > self.limit {
            return Err(too_large(self.limit));
        }
        if let Look::Beginning(head) = &mut self.look {
            head.extend_from_slice(piece);
            return if head.len() < Kind::HEAD { Ok(()) } else { self.decide().await };
        }
        self.keep(piece).await
    }

    /// Tells the kind by what was held back, and lets that through.
    async fn decide(&mut self) -> Result<()> {
        let Look::Beginning(head) = &mut self.look else { return Ok(()) };
        let head = std::mem::take(head);
        let kind = Kind::of(&head, self.name.reveal()).ok_or_else(not_allowed)?;
        images::check_beginning(&head, kind)?;
        self.look = Look::Known(kind, kind.is_text().then(TextCheck::default));
        self.keep(&head).await
    }

    async fn keep(&mut self, piece: &[u8]) -> Result<()> {
        if let Look::Known(_, Some(text)) = &mut self.look
            && !text.push(piece)
        {
            return Err(not_allowed());
        }
        for chunk in self.sealer.push(piece)? {
            self.writer.write(chunk).await?;
        }
        Ok(())
    }

    /// Ends the content: whole and on the disk.
    async fn finish(mut self) -> Result<Kept> {
        if self.length == 0 {
            return Err(Error::field("file", "is empty"));
        }
        self.decide().await?;
        let Look::Known(kind, text) = self.look else { return Err(not_allowed()) };
        if text.is_some_and(|text| !text.is_whole()) {
            return Err(not_allowed());
        }
        self.writer.write(self.sealer.finish()?).await?;
        self.writer.finish().await?;
        Ok(Kept {
            id: self.id,
            place: self.place,
            data_key: self.data_key,
            name: file::clean_name(self.name.reveal(), kind).into(),
            kind,
            length: self.length,
        })
    }
}

/// Content that is safe but has no row yet.
struct Kept {
    id: FileId,
    place: Place,
    data_key: Sealed,
    name: Phi<String>,
    kind: Kind,
    length: u64,
}

fn not_allowed() -> Error {
    Error::unsupported(
        "file_type_not_allowed",
        "Files of this type are not taken. Send a picture, a PDF, a text, an office document, a video, a sound or a DICOM image.",
    )
}

/// Ends an upload and adds its file.
///
/// # Errors
/// As [`Upload::write`]; 400 for an empty file or an unknown target, 403 and
/// 404 for somebody or a visit on whom the caller may put no file. Then nothing
/// is left behind.
pub async fn add(app: &App, actor: &Actor, upload: Upload, new: NewFile) -> Result<FileView> {
    let (person, visit) = target(app, actor, &new).await?;
    let kept = upload.finish().await?;
    let place = kept.place.clone();
    let added = add_row(app, actor, kept, new.category, (person, visit)).await;
    if added.is_err()
        && let Err(error) = app.files.delete(&place).await
    {
        tracing::warn!(%error, "content without a row is left to the sweep");
    }
    added
}

async fn add_row(
    app: &App,
    actor: &Actor,
    kept: Kept,
    category: Option<Category>,
    (person, visit): (UserId, Option<(VisitId, RoomId)>),
) -> Result<FileView> {
    if category == Some(Category::UserAvatar) && !kept.kind.is_image() {
        return Err(Error::field("file", "a photo must be a picture"));
    }
    let vault = app.store.vault(&actor.account).await?;
    let file = row(app, actor, &vault, kept, category, (person, visit.map(|(id, _)| id)))?;
    let (app_, caller, row) = (app.clone(), actor.clone(), file.clone());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                files::add(tx, &row).await?;
                let room = visit.map(|(_, room)| room);
                super::tell(tx, &app_, EventType::FileCreated, &row, room).await?;
                audit::write(tx, &app_, &caller, "files.add", ("file", row.id.to_string())).await
            })
        })
        .await?;
    let mut conn = app.store.reader().await?;
    show_one(app, &mut conn, &vault, file).await
}

fn row(
    app: &App,
    actor: &Actor,
    vault: &Vault,
    kept: Kept,
    category: Option<Category>,
    (person, visit): (UserId, Option<VisitId>),
) -> Result<File> {
    let (owner, _) = authz::user(actor)?;
    let now = app.clock.now();
    Ok(File {
        name: vault.seal_text(&name_context(&kept.id), kept.name.reveal())?,
        id: kept.id,
        account: actor.account.clone(),
        owner,
        person,
        visit,
        category,
        kind: kept.kind,
        data_key: kept.data_key,
        size_bytes: kept.length,
        version: 1,
        created_at: now,
        updated_at: now,
    })
}

/// Keeps what the house itself has written for a visit's patient, and gives the
/// row that is to be added in the change that it belongs to. Where that change
/// fails, [`discard`] it.
///
/// # Errors
/// 503 when the disk is full.
pub(crate) async fn prepare(
    app: &App,
    actor: &Actor,
    name: &str,
    content: &[u8],
    (person, visit): (UserId, VisitId),
) -> Result<File> {
    let mut upload = begin(app, actor, name, u64::MAX).await?;
    upload.write(content).await?;
    let kept = upload.finish().await?;
    let vault = app.store.vault(&actor.account).await?;
    row(app, actor, &vault, kept, None, (person, Some(visit)))
}

/// [`prepare`], for somebody's profile, whoever acts: also the holder of a visit's
/// link, who may put no file there of their own.
///
/// # Errors
/// As [`prepare`].
pub(crate) async fn prepare_for(
    app: &App,
    actor: &Actor,
    name: &str,
    content: &[u8],
    (person, category): (UserId, Category),
) -> Result<File> {
    let mut upload = open(app, actor, name, u64::MAX).await?;
    upload.write(content).await?;
    let kept = upload.finish().await?;
    let vault = app.store.vault(&actor.account).await?;
    row(app, actor, &vault, kept, Some(category), (person, None))
}

/// Takes away what [`prepare`] kept.
pub(crate) async fn discard(app: &App, file: &File) {
    if let Err(error) = app.files.delete(&Place::new(&file.account, &file.id)).await {
        tracing::warn!(%error, "content without a row is left to the sweep");
    }
}

/// Whose the file becomes, and on which visit it is put.
async fn target(app: &App, actor: &Actor, new: &NewFile) -> Result<(UserId, Option<(VisitId, RoomId)>)> {
    let (caller, _) = authz::user(actor)?;
    let mut conn = app.store.reader().await?;
    match new.target {
        None => Ok((caller, None)),
        Some(Target::User(person)) if person == caller => Ok((caller, None)),
        Some(Target::User(person)) => {
            let unknown = || Error::not_found("user");
            users::find(&mut conn, &actor.account, person).await?.ok_or_else(unknown)?;
            let relations = authz::person(&mut conn, actor, person, Action::FileAdd).await?;
            let close = relations.has(Relation::Guardian)
                || authz::may(actor, Relations::SAME_ACCOUNT, Action::FileAdd);
            if new.category == Some(Category::UserAvatar) && !close {
                return Err(Error::forbidden("not_allowed", "Only the person may choose their photo."));
            }
            Ok((person, None))
        }
        Some(Target::Visit(id)) => {
            let visit = visit_for_file(&mut conn, actor, id).await?;
            Ok((visit.member, Some((id, visit.room))))
        }
    }
}
