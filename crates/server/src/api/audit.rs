//! The audit trail: who did what, when, from where and under which right.

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use bedside_app::{
    App,
    audit::Detail,
    audit_trail::{self, Export, List, Mark, Read},
};
use bedside_model::{At, UserId};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::Caller,
    envelope::Page,
    error::ApiError,
    extract::{Id, Int, Request, Text},
};

/// Pieces of an export that wait for a slow reader.
const AHEAD: usize = 2;

/// Which entries.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Acts of this user.
    #[param(value_type = Option<String>)]
    user_id: Option<Id>,
    /// Acts on this kind of object, such as `visit` or `user`.
    #[param(value_type = Option<String>)]
    object_kind: Option<Text<64>>,
    /// Acts on the object of this identifier.
    #[param(value_type = Option<String>)]
    object_id: Option<Text<128>>,
    /// One operation, such as `visits.get`.
    #[param(value_type = Option<String>)]
    action: Option<Text<64>>,
    /// At or after, UNIX seconds.
    #[param(value_type = Option<i64>)]
    start_time: Option<Int>,
    /// Before, UNIX seconds.
    #[param(value_type = Option<i64>)]
    end_time: Option<Int>,
    /// The `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<Text<64>>,
    /// Rows to give, at most 100.
    #[param(value_type = Option<i64>)]
    limit: Option<Int>,
}

impl AuditQuery {
    fn into_list(self) -> Result<List, ApiError> {
        let after = self.after.and_then(Text::filled).map(|text| {
            Mark::parse(&text)
                .ok_or_else(|| bedside_app::Error::field("after", "send the `next` of an earlier page"))
        });
        Ok(List {
            user: self.user_id.map(|id| UserId(id.0)),
            object_kind: self.object_kind.and_then(Text::filled),
            object_id: self.object_id.and_then(Text::filled),
            action: self.action.and_then(Text::filled),
            from: self.start_time.map(|seconds| At::from_seconds(seconds.0)),
            until: self.end_time.map(|seconds| At::from_seconds(seconds.0)),
            after: after.transpose()?,
            limit: self.limit.map(|limit| limit.0),
        })
    }
}

/// What somebody did out of the ordinary: an appointment outside the offered
/// times, or over something else.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditDetail {
    /// Why, in the words of whoever did it.
    reason: Option<String>,
    /// No hours of the provider open the time in this room.
    outside_hours: bool,
    /// Numbers of the visits whose time it takes part of.
    visits: Vec<String>,
    /// Patients' holds of which it takes part.
    holds: Vec<String>,
    /// Closures in which it lies.
    closures: Vec<String>,
}

impl From<Detail> for AuditDetail {
    fn from(detail: Detail) -> Self {
        let over = detail.overridden;
        Self {
            reason: detail.reason.map(bedside_model::Phi::into_inner),
            outside_hours: over.outside_hours,
            visits: over.visits.iter().map(ToString::to_string).collect(),
            holds: over.holds,
            closures: over.closures,
        }
    }
}

/// One entry. It names things; what is in them is not told here.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEntry {
    /// UUID.
    id: String,
    /// UNIX seconds.
    at: i64,
    /// Who acted; null for the system and for anonymous callers.
    user_id: Option<String>,
    /// `anonymous`, `api_key`, `admin_token`, `token`, `session`, `link` or `system`.
    credential: String,
    /// The right that allowed it, as `action/seat/relation`; `open` where none
    /// is asked for, `system` for Bedside itself.
    right: String,
    /// The client's network address.
    address: String,
    /// The operation, such as `visits.get`.
    action: String,
    /// The kind of object.
    object_kind: String,
    /// Its identifier.
    object_id: String,
    /// The request that caused it.
    request_id: String,
    /// How many like reads it stands for; ten minutes of them are one entry.
    count: i64,
    /// Its place in the chain that shows tampering; null for some seconds.
    position: Option<i64>,
    /// What it says beyond that; only of `visits.override`, and of changes that
    /// came with a reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<AuditDetail>,
}

impl From<Read> for AuditEntry {
    fn from(Read { entry, detail }: Read) -> Self {
        Self {
            id: entry.id,
            at: At(entry.at).seconds(),
            user_id: entry.user_id.map(|id| id.to_string()),
            credential: entry.credential,
            right: entry.granted,
            address: entry.address,
            action: entry.action,
            object_kind: entry.object_kind,
            object_id: entry.object_id,
            request_id: entry.request_id,
            count: entry.count,
            position: entry.chain,
            detail: detail.map(AuditDetail::from),
        }
    }
}

/// The clinic's audit trail, newest first.
#[utoipa::path(get, path = "/audit", tag = "audit", operation_id = "audit::list", params(AuditQuery),
    responses((status = 200, body = Page<AuditEntry>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(query): Request<AuditQuery>,
) -> Result<Page<AuditEntry>, ApiError> {
    let page = audit_trail::list(&app, &actor, &query.into_list()?).await?;
    let entries = page.entries.into_iter().map(AuditEntry::from).collect();
    Ok(Page::new(entries, page.total).followed_by(page.next.map(Mark::to_text)))
}

/// The clinic's whole audit trail, or what fits of it, as a CSV file, newest
/// first. `limit` does not count here.
#[utoipa::path(get, path = "/audit.csv", tag = "audit", operation_id = "audit::export", params(AuditQuery),
    responses((status = 200, body = String, content_type = "text/csv")))]
pub async fn export(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(query): Request<AuditQuery>,
) -> Result<Response, ApiError> {
    let export = audit_trail::export(&app, &actor, &query.into_list()?).await?;
    let (pieces, stream) = mpsc::channel(AHEAD);
    tokio::spawn(send(app, export, pieces));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit.csv\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(ReceiverStream::new(stream))).into_response())
}

/// A reader that goes away ends it; a store that fails cuts the download off,
/// which the reader sees.
async fn send(app: App, mut export: Export, pieces: mpsc::Sender<Result<Bytes, bedside_app::Error>>) {
    let mut text = String::from(HEADER);
    loop {
        let entries = match export.next(&app).await {
            Ok(entries) => entries,
            Err(error) => {
                tracing::warn!(?error, "an export of the audit trail was cut off");
                // The other end may be gone as well.
                let _ = pieces.send(Err(error)).await;
                return;
            }
        };
        let over = entries.is_empty();
        entries.into_iter().for_each(|entry| line(&mut text, entry.into()));
        if pieces.send(Ok(std::mem::take(&mut text).into())).await.is_err() || over {
            return;
        }
    }
}

const HEADER: &str = "id,at,user_id,credential,right,address,action,object_kind,object_id,request_id,count,position,reason\r\n";

fn line(text: &mut String, entry: AuditEntry) {
    let numbers = [entry.at, entry.count, entry.position.unwrap_or_default()].map(|n| n.to_string());
    let [at, count, position] = &numbers;
    let cells = [
        entry.id.as_str(),
        at,
        entry.user_id.as_deref().unwrap_or_default(),
        &entry.credential,
        &entry.right,
        &entry.address,
        &entry.action,
        &entry.object_kind,
        &entry.object_id,
        &entry.request_id,
        count,
        if entry.position.is_some() { position } else { "" },
        entry.detail.as_ref().and_then(|detail| detail.reason.as_deref()).unwrap_or_default(),
    ];
    text.push_str(&cells.map(cell).join(","));
    text.push_str("\r\n");
}

/// Quoted where RFC 4180 asks for it; a leading sign that spreadsheets would
/// take for a formula is led by an apostrophe.
pub(super) fn cell(value: &str) -> String {
    let guarded = if value.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{value}")
    } else {
        value.to_owned()
    };
    if guarded.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_cannot_break_out() {
        assert_eq!(cell("visits.get"), "visits.get");
        assert_eq!(cell("a,b"), "\"a,b\"");
        assert_eq!(cell("a\"b\r\nc"), "\"a\"\"b\r\nc\"");
        assert_eq!(cell("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(cell("-1,2"), "\"'-1,2\"");
    }
}
