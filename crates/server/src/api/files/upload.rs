//! The multipart form of an upload, read part by part as it comes. The file is
//! handed on in pieces; nothing waits for the whole of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, FromRequest, Multipart, Request, multipart::Field},
    http::{HeaderMap, StatusCode, header},
};
use bedside_app::{
    Actor,
    files::{self, NewFile, Upload},
};
use futures_util::{Stream, stream};
use utoipa::ToSchema;

use super::{
    super::{Api, auth::Caller, error::ApiError, linger::Arriving},
    query::{category, target},
};

/// What the other parts of the form and the marks between them may weigh.
const AROUND: u64 = 64 * 1024;
/// The longest text among the other parts, in bytes.
const MAX_TEXT: usize = 4 * 1024;
/// The most parts of a form.
const MAX_PARTS: usize = 32;
/// The longest time that an upload may take in all; `app` sweeps later.
const LONGEST: Duration = Duration::from_secs(3600);

/// The form of an upload.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "for the reference; read part by part")]
pub struct FileUpload {
    /// The content. Its type is told by its bytes.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// `intake_attachment`, `user_document`, `user_consent`, `user_avatar` or
    /// `chat_attachment`.
    #[schema(rename = "meta.category")]
    meta_category: Option<String>,
    /// Number of the person or visit that the file is put on.
    #[schema(rename = "meta.target.id")]
    meta_target_id: Option<String>,
    /// `user` or `visit`.
    #[schema(rename = "meta.target.type")]
    meta_target_type: Option<String>,
}

/// Reads the form. The upload is complete then, but not kept yet.
pub(super) async fn receive(
    api: &Api,
    caller: Result<Caller, ApiError>,
    request: Request,
) -> Result<(Actor, Upload, NewFile), ApiError> {
    let (parts, body) = request.into_parts();
    let body = Arriving::new(body);
    let read = async {
        let Caller(actor) = caller?;
        let (upload, new) = form(api, &actor, &parts.headers, &body).await?;
        Ok((actor, upload, new))
    };
    read.await.map_err(|error: ApiError| error.while_arriving(body.clone()))
}

async fn form(
    api: &Api,
    actor: &Actor,
    headers: &HeaderMap,
    body: &Arriving,
) -> Result<(Upload, NewFile), ApiError> {
    files::may_upload(actor)?;
    if !is_form(headers) {
        return Err(ApiError::field("file", "is missing; send a multipart form"));
    }
    let limit = files::limit(&api.app, actor).await?;
    // Told before the first byte, where the client says how much will come.
    if declared_length(headers).is_some_and(|length| length > limit.saturating_add(AROUND)) {
        return Err(files::too_large(limit).into());
    }
    let form = Form::new(headers, body.clone(), limit, api.upload_stall).await?;
    tokio::time::timeout(LONGEST, form.read(api, actor)).await.unwrap_or_else(|_| Err(stalled()))
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("multipart/form-data")
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

struct Form {
    parts: Multipart,
    limit: u64,
    stall: Duration,
    seen: Arc<AtomicU64>,
}

impl Form {
    async fn new(headers: &HeaderMap, body: Arriving, limit: u64, stall: Duration) -> Result<Self, ApiError> {
        let seen = Arc::new(AtomicU64::new(0));
        let paced = paced(body, seen.clone(), limit.saturating_add(AROUND));
        let mut request = Request::new(Body::from_stream(paced));
        request.headers_mut().clone_from(headers);
        DefaultBodyLimit::disable().apply(&mut request);
        let parts = Multipart::from_request(request, &()).await.map_err(|_| unreadable())?;
        Ok(Self { parts, limit, stall, seen })
    }

    async fn read(mut self, api: &Api, actor: &Actor) -> Result<(Upload, NewFile), ApiError> {
        let mut upload = None;
        let (mut word, mut kind, mut id) = (None, None, None);
        for _ in 0..MAX_PARTS {
            let broken = self.broken();
            let next = tokio::time::timeout(self.stall, self.parts.next_field()).await;
            let Some(part) = next.map_err(|_| stalled())?.map_err(|error| broken(&error))? else {
                let upload = upload.ok_or_else(|| ApiError::field("file", "is missing"))?;
                let fields = ["meta.target.type", "meta.target.id"];
                let new = NewFile {
                    category: category(word, "meta.category")?,
                    target: target(kind, id, fields, actor)?,
                };
                return Ok((upload, new));
            };
            // `meta[category]` is the same name as PHP writes it.
            let name = part.name().unwrap_or_default().replace('[', ".").replace(']', "");
            match name.as_str() {
                "file" if upload.is_some() => return Err(ApiError::field("file", "must come once")),
                "file" => {
                    let file_name = part.file_name().unwrap_or_default().to_owned();
                    let begun = files::begin(&api.app, actor, &file_name, self.limit).await?;
                    upload = Some(content(part, begun, self.stall, &broken).await?);
                }
                other => {
                    let text = text(part, other, self.stall, &broken).await?;
                    match other {
                        "meta.category" => word = text,
                        "meta.target.type" => kind = text,
                        "meta.target.id" => id = text,
                        // Nothing else of a file is the sender's to say.
                        _ => {}
                    }
                }
            }
        }
        Err(ApiError::malformed("invalid_multipart", "The form has too many parts."))
    }

    /// Why the form's reader gave up: too much came, or it broke off.
    fn broken(&self) -> impl Fn(&axum::extract::multipart::MultipartError) -> ApiError + use<> {
        let (seen, limit) = (self.seen.clone(), self.limit);
        move |error| {
            if seen.load(Ordering::Relaxed) > limit.saturating_add(AROUND) {
                return files::too_large(limit).into();
            }
            match error.status() {
                StatusCode::BAD_REQUEST => unreadable(),
                _ => ApiError::malformed("body_incomplete", "The body ended before it was complete."),
            }
        }
    }
}

/// The body's pieces, counted, with a pause after each: the form's reader takes
/// all that is there at once, and what it has must go on its way first. (It also
/// takes a form for cut off when its first and its last bytes come at once.)
fn paced(
    body: Arriving,
    seen: Arc<AtomicU64>,
    most: u64,
) -> impl Stream<Item = Result<Bytes, axum::Error>> + Send + 'static {
    let mut pause = false;
    stream::poll_fn(move |cx| {
        if std::mem::take(&mut pause) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = ready!(body.poll_piece(cx));
        pause = true;
        let length = piece.as_ref().and_then(|piece| piece.as_ref().ok()).map_or(0, Bytes::len) as u64;
        if seen.fetch_add(length, Ordering::Relaxed) + length > most {
            return Poll::Ready(Some(Err(axum::Error::new("too much"))));
        }
        Poll::Ready(piece)
    })
}

async fn content(
    mut part: Field<'_>,
    mut upload: Upload,
    stall: Duration,
    broken: &impl Fn(&axum::extract::multipart::MultipartError) -> ApiError,
) -> Result<Upload, ApiError> {
    while let Some(piece) = piece(&mut part, stall, broken).await? {
        upload.write(&piece).await?;
    }
    Ok(upload)
}

async fn text(
    mut part: Field<'_>,
    name: &str,
    stall: Duration,
    broken: &impl Fn(&axum::extract::multipart::MultipartError) -> ApiError,
) -> Result<Option<String>, ApiError> {
    let mut bytes = Vec::new();
    while let Some(piece) = piece(&mut part, stall, broken).await? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > MAX_TEXT {
            return Err(ApiError::field(name, "is too long"));
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| ApiError::field(name, "is not valid UTF-8"))?;
    let text = text.trim();
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

async fn piece(
    part: &mut Field<'_>,
    stall: Duration,
    broken: &impl Fn(&axum::extract::multipart::MultipartError) -> ApiError,
) -> Result<Option<Bytes>, ApiError> {
    let piece = tokio::time::timeout(stall, part.chunk()).await;
    piece.map_err(|_| stalled())?.map_err(|error| broken(&error))
}

fn stalled() -> ApiError {
    ApiError::malformed("upload_stalled", "Nothing more of the file came for too long.")
}

fn unreadable() -> ApiError {
    ApiError::malformed("invalid_multipart", "The multipart form cannot be read.")
}
