//! Files on the wire (contract more.md 2). How content comes in is in
//! `files/upload.rs`, how it goes out in `files/view.rs`.

mod content;
mod query;
mod upload;

use axum::{
    extract::{FromRequestParts, Request, State},
    response::{IntoResponse, Response},
};
use bedside_app::{
    Actor, App,
    files::{self, FileView, Link},
};
use bedside_model::{FileId, UserId, file::Category, file::extension};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Api, BaseUrl,
    auth::Caller,
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Path, Request as Params, Text},
};
pub(super) use content::answer;
pub use content::{ViewQuery, at_root};
pub use query::FileQuery;
pub use upload::FileUpload;

/// A file.
#[derive(Serialize, ToSchema)]
pub struct File {
    /// UUID.
    id: String,
    name: String,
    /// In bytes.
    size: u64,
    /// Without a dot.
    ext: String,
    /// The content, for 15 minutes, without further credentials. A picture
    /// becomes a smaller PNG with `&size=320x240`.
    fullpath: String,
    meta: FileMeta,
    creator: Option<FileCreator>,
    /// UNIX seconds.
    created: i64,
    /// UNIX seconds.
    modified: i64,
    /// True for the documents of a profile.
    is_deletable: bool,
}

/// What a file is for and where it belongs.
#[derive(Serialize, ToSchema)]
pub struct FileMeta {
    /// `intake_attachment`, `user_document`, `user_consent`, `user_avatar`,
    /// `chat_attachment`, or nothing.
    category: Option<&'static str>,
    target: FileTarget,
    account: FileAccount,
    visible: bool,
}

/// The person or the visit that a file is on.
#[derive(Serialize, ToSchema)]
pub struct FileTarget {
    id: String,
    /// `user` or `visit`.
    r#type: &'static str,
}

/// The clinic of a file.
#[derive(Serialize, ToSchema)]
pub struct FileAccount {
    code: String,
}

/// Who put a file in.
#[derive(Serialize, ToSchema)]
pub struct FileCreator {
    id: String,
    username: String,
    /// Shown to themselves and to admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    full_name: String,
    /// The kind of user, 200 for a patient.
    r#type: i64,
}

/// The new name.
#[derive(Debug, Deserialize, ToSchema)]
pub struct FileRename {
    name: Text<255>,
}

impl File {
    fn of(view: FileView, base: &BaseUrl, actor: &Actor) -> Self {
        let FileView { file, name, link, creator, account_code } = view;
        let name = name.into_inner();
        let target = match file.visit {
            Some(visit) => FileTarget { id: visit.to_string(), r#type: "visit" },
            None => FileTarget { id: file.person.to_string(), r#type: "user" },
        };
        let close = |id: UserId| actor.user() == Some(id) || actor.is_admin();
        Self {
            ext: extension(&name, file.kind),
            fullpath: address(&link, base),
            id: file.id.0,
            name,
            size: file.size_bytes,
            meta: FileMeta {
                category: file.category.map(Category::as_str),
                target,
                account: FileAccount { code: account_code },
                visible: true,
            },
            creator: creator.map(|creator| FileCreator {
                email: close(creator.id).then(|| creator.email.into_inner()),
                id: creator.id.to_string(),
                username: creator.username.into_inner(),
                full_name: creator.full_name.into_inner(),
                r#type: creator.kind.code(),
            }),
            created: file.created_at.seconds(),
            modified: file.updated_at.seconds(),
            is_deletable: file.category.is_some_and(Category::is_deletable),
        }
    }
}

/// Where a link leads: the server's root, not below the API's prefix.
pub(super) fn address(link: &Link, base: &BaseUrl) -> String {
    format!("{}/files/view/{}?auth_code={}&time={}", base.0, link.id, link.auth_code, link.time)
}

/// A file in the older shape that intakes show it in (contract more.md 2.5).
#[derive(Debug, Serialize, ToSchema)]
pub struct Attachment {
    /// UUID.
    _id: String,
    /// The same.
    id: String,
    name: String,
    /// The content, for 15 minutes.
    path: String,
    /// In bytes.
    size: u64,
    ext: String,
    /// Always 0.
    r#type: i64,
    creator_id: String,
    /// Always null.
    remark: Option<String>,
    /// Always 1.
    using: i64,
    created: AttachmentTime,
    modified: AttachmentTime,
}

/// An instant in parts.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttachmentTime {
    /// UNIX seconds.
    sec: i64,
    /// Microseconds of the second.
    usec: i64,
}

impl AttachmentTime {
    fn of(at: bedside_model::At) -> Self {
        Self { sec: at.0.div_euclid(1000), usec: at.0.rem_euclid(1000) * 1000 }
    }
}

impl Attachment {
    /// The attachment as an intake shows it.
    pub(super) fn of(view: FileView, base: &BaseUrl) -> Self {
        let FileView { file, name, link, .. } = view;
        let name = name.into_inner();
        Self {
            _id: file.id.0.clone(),
            ext: extension(&name, file.kind),
            path: address(&link, base),
            id: file.id.0,
            name,
            size: file.size_bytes,
            r#type: 0,
            creator_id: file.owner.to_string(),
            remark: None,
            using: 1,
            created: AttachmentTime::of(file.created_at),
            modified: AttachmentTime::of(file.updated_at),
        }
    }
}

fn id_of(text: &str) -> Result<FileId, ApiError> {
    text.parse().map_err(|_| bedside_app::Error::not_found("file").into())
}

/// Puts a file in. The caller becomes its owner; without a target it is on
/// their own profile.
#[utoipa::path(post, path = "/files", tag = "files", operation_id = "files::add",
    request_body(content = FileUpload, content_type = "multipart/form-data"),
    responses((status = 200, body = Data<File>)))]
pub async fn add(
    State(api): State<Api>,
    caller: Result<Caller, ApiError>,
    base: BaseUrl,
    request: Request,
) -> Result<Data<File>, ApiError> {
    let (actor, upload, new) = upload::receive(&api, caller, request).await?;
    let added = files::add(&api.app, &actor, upload, new).await?;
    Ok(data(File::of(added, &base, &actor)))
}

/// Lists the files of a person or of a visit, newest first; without a target
/// the caller's own.
#[utoipa::path(get, path = "/files", tag = "files", operation_id = "files::list", params(FileQuery),
    responses((status = 200, body = Page<File>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Params(query): Params<FileQuery>,
) -> Result<Page<File>, ApiError> {
    let page = files::list(&app, &actor, query.into_list(&actor)?).await?;
    let rows = page.files.into_iter().map(|view| File::of(view, &base, &actor)).collect();
    Ok(Page::new(rows, page.total).followed_by(page.next.map(|id| id.0)))
}

/// A file, with a fresh link to its content. With `auth_code` and `time` of
/// such a link it answers the content itself, as `/files/view/{id}` does.
#[utoipa::path(get, path = "/files/{id}", tag = "files", operation_id = "files::get",
    params(("id" = String, Path, description = "UUID of the file"), ViewQuery),
    responses((status = 200, body = Data<File>)))]
pub async fn get(
    State(api): State<Api>,
    base: BaseUrl,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let (mut parts, _) = request.into_parts();
    if ViewQuery::is_signed(&parts) {
        return content::send(&api, &id_of(&id)?, &parts).await;
    }
    let Caller(actor) = Caller::from_request_parts(&mut parts, &api).await?;
    let found = files::get(&api.app, &actor, &id_of(&id)?).await?;
    Ok(data(File::of(found, &base, &actor)).into_response())
}

/// The content of a file, by the signature of its `fullpath`. Also answers
/// outside of the API's prefix, as `/files/view/{id}`.
#[utoipa::path(get, path = "/files/view/{id}", tag = "files", operation_id = "files::view",
    params(("id" = String, Path, description = "UUID of the file"), ViewQuery),
    responses((status = 200, description = "The content.", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 206, description = "A part of it.", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 304, description = "What the client has is the content.")))]
pub async fn view(
    State(api): State<Api>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, _) = request.into_parts();
    content::send(&api, &id_of(&id)?, &parts).await
}

/// Gives a file another name. Nothing else of it can change.
#[utoipa::path(post, path = "/files/{id}", tag = "files", operation_id = "files::rename",
    params(("id" = String, Path, description = "UUID of the file")), request_body = FileRename,
    responses((status = 200, body = Data<File>)))]
pub async fn rename(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Path(id): Path<String>,
    Params(body): Params<FileRename>,
) -> Result<Data<File>, ApiError> {
    let renamed = files::rename(&app, &actor, &id_of(&id)?, &body.name).await?;
    Ok(data(File::of(renamed, &base, &actor)))
}

/// Deletes a document. Other files stay where they belong.
#[utoipa::path(delete, path = "/files/{id}", tag = "files", operation_id = "files::delete",
    params(("id" = String, Path, description = "UUID of the file")),
    responses((status = 200, body = Data<bool>)))]
pub async fn delete(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<bool>, ApiError> {
    files::delete(&app, &actor, &id_of(&id)?).await?;
    Ok(data(true))
}
