//! Files that hang on an intake, and the photo of a person.

use bedside_model::{AccountId, FileId, IntakeId, UserId, file::Category, permission::Action};
use bedside_store::{
    Conn, FileKey, Vault,
    files::{self, File},
};

use super::{FileView, Link, show, to_file};
use crate::{Actor, App, Error, Result, authz};

/// The most files that one intake may name.
pub const MAX_ATTACHMENTS: usize = 50;

/// The files that an intake of this patient names, for a caller who may attach
/// them: their own uploads, and the patient's files that they may read. Each
/// one once, in their order.
///
/// # Errors
/// 400 that blames `attachments`.
pub async fn check_attachments(
    conn: &mut Conn,
    actor: &Actor,
    member: UserId,
    ids: &[String],
) -> Result<Vec<File>> {
    let unknown = || Error::field("attachments", "there is no such file");
    if ids.len() > MAX_ATTACHMENTS {
        return Err(Error::field("attachments", format!("at most {MAX_ATTACHMENTS} files")));
    }
    let mut found: Vec<File> = Vec::with_capacity(ids.len());
    for id in ids {
        let id: FileId = id.parse().map_err(|_| unknown())?;
        if found.iter().any(|file| file.id == id) {
            continue;
        }
        let file = files::find(conn, &actor.account, &id).await?.ok_or_else(unknown)?;
        let relations = to_file(conn, actor, &file).await?;
        let theirs = file.person == member || actor.user() == Some(file.owner);
        if !theirs || !authz::may(actor, relations, Action::FileRead) {
            return Err(unknown());
        }
        if matches!(file.category, Some(Category::UserAvatar | Category::ChatAttachment)) {
            return Err(Error::field("attachments", "a photo or a chat's file cannot be attached"));
        }
        found.push(file);
    }
    Ok(found)
}

/// The files of an intake, in their order, for somebody who may read the
/// intake (the caller has asked that).
///
/// # Errors
/// What the store says.
pub async fn list_of_intake(
    app: &App,
    conn: &mut Conn,
    vault: &Vault,
    account: &AccountId,
    intake: &IntakeId,
) -> Result<Vec<FileView>> {
    let rows = files::list_of_intake(conn, account, intake).await?;
    show(app, conn, vault, rows).await
}

/// A link to a person's photo, for somebody who may see their profile (the
/// caller has asked that).
///
/// # Errors
/// What the store says.
pub async fn photo(
    app: &App,
    conn: &mut Conn,
    vault: &Vault,
    account: &AccountId,
    person: UserId,
) -> Result<Option<Link>> {
    let Some(file) = files::find_photo(conn, account, person).await? else { return Ok(None) };
    let key = FileKey::open(vault, &file.id, &file.data_key)?;
    Ok(Some(Link::new(&key, &file, app.clock.now())))
}
