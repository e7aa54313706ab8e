//! Which path is a page, which a file, and how long browsers may keep each.

use axum::{
    Extension,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};

use super::{
    Portal, Web, embed,
    files::{File, Index},
    notice,
};
use crate::http::{Client, Trail, headers};

/// Files whose names hold their content's hash never change.
const HASHED: &str = "_app/immutable/";
/// Files that pages of other origins load.
const SHARED: &str = "sdk/";

/// Everything that is no route: a file, or a page of the single-page app.
pub(super) async fn page(State(web): State<Web>, client: Client, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
    }
    let (request, _) = request.into_parts();
    answer(&web, &client, &request, "").await
}

/// The same below a portal's path.
pub(super) async fn portal_page(
    State(web): State<Web>,
    Extension(Portal(portal)): Extension<Portal>,
    client: Client,
    request: Request,
) -> Response {
    let (request, _) = request.into_parts();
    answer(&web, &client, &request, &portal).await
}

async fn answer(web: &Web, client: &Client, request: &Parts, portal: &str) -> Response {
    let path = request.uri.path();
    let path = path.strip_prefix(portal).unwrap_or(path).trim_start_matches('/');
    let trail = request.extensions.get::<Trail>();
    let name = |route: &str| {
        if let Some(trail) = trail {
            trail.set_route(route.to_owned());
        }
    };
    if let Some(file) = web.files.get(path).filter(|_| path != "index.html") {
        name("(file)");
        return send(web, file, path, &request.headers).await;
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    if path.starts_with("_app/") || last.contains('.') {
        name("(file)");
        return (StatusCode::NOT_FOUND, "There is no such file.\n").into_response();
    }
    let known = known_page(path, web.demo);
    name(known.unwrap_or("(no page)"));
    let Some(Index { file, script_hashes }) = web.files.index(portal) else {
        return notice::unbuilt();
    };
    let mut response = send(web, file, "index.html", &request.headers).await;
    let embedders = match embed::meeting(path) {
        Some(meeting) => embed::list(web, client, meeting).await,
        None => Vec::new(),
    };
    let policy = headers::page_policy(&script_hashes, &sockets(web, client), &embedders);
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if known.is_none() && response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

/// The template of a page's path. Everything else is answered with the same
/// page, which says that there is nothing here, and a 404.
fn known_page(path: &str, demo: bool) -> Option<&'static str> {
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    Some(match parts.as_slice() {
        [""] => "/",
        ["call", _] => "/call/{meeting_id}",
        ["u", _] => "/u/{slug}",
        ["u", _, "book"] => "/u/{slug}/book",
        ["appointments"] => "/appointments",
        ["members", "appointment", _] => "/members/appointment/{id}",
        ["visits", "start", _] => "/visits/start/{id}",
        ["visits", "join", _] => "/visits/join/{code}",
        ["visits", _, "recordings", _] => "/visits/{id}/recordings/{recording}",
        ["forgot"] => "/forgot",
        ["network"] => "/network",
        ["password"] => "/password",
        ["providers", "login"] => "/providers/login",
        ["providers", "dashboard"] => "/providers/dashboard",
        ["providers", "calendar"] => "/providers/calendar",
        ["providers", "sessions"] => "/providers/sessions",
        ["admin"] => "/admin",
        ["admin", "calls"] => "/admin/calls",
        ["admin", "developers"] => "/admin/developers",
        ["admin", "login"] => "/admin/login",
        ["admin", "notifications"] => "/admin/notifications",
        ["admin", "recordings"] => "/admin/recordings",
        ["admin", "sessions"] => "/admin/sessions",
        ["admin", "rooms", _] => "/admin/rooms/{code}",
        ["admin", "setup"] => "/admin/setup",
        ["developers"] => "/developers",
        ["demo"] if demo => "/demo",
        _ => return None,
    })
}

async fn send(web: &Web, file: File, path: &str, request: &HeaderMap) -> Response {
    let is_hashed = path.starts_with(HASHED);
    let is_shared = path.starts_with(SHARED);
    let caching = match (is_hashed, is_shared) {
        (true, _) => "public, max-age=31536000, immutable",
        (_, true) => embed::SCRIPT_CACHING,
        _ => "no-cache",
    };
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let kind = match kind.type_().as_str() {
        "text" => format!("{kind}; charset=utf-8"),
        _ => kind.to_string(),
    };
    let fresh = request
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|known| known.contains(file.tag.as_str()));
    let compressed = match (is_hashed || is_shared) && !fresh {
        true => web.compressed.get(path, &file.bytes, &kind, request).await,
        false => None,
    };
    let mut response = match compressed {
        _ if fresh => StatusCode::NOT_MODIFIED.into_response(),
        Some((encoding, bytes)) => {
            let vary = (header::VARY, "accept-encoding");
            ([(header::CONTENT_ENCODING, encoding), vary], Body::from(bytes)).into_response()
        }
        None => Body::from(file.bytes.into_owned()).into_response(),
    };
    if is_shared {
        embed::open_to_all(response.headers_mut());
    }
    for (name, value) in [
        (header::CACHE_CONTROL, caching),
        (header::ETAG, file.tag.as_str()),
        (header::CONTENT_TYPE, kind.as_str()),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// This server's WebSocket origin as the browser sees it. The host comes from
/// the request, so only characters of a host may enter the header.
fn sockets(web: &Web, client: &Client) -> String {
    let scheme = if client.https { "wss" } else { "ws" };
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    let own = !client.host.is_empty() && client.host.chars().all(plain);
    let own = own.then(|| format!("{scheme}://{}", client.host));
    // Its clients also ask a cluster over HTTP why a socket was refused.
    let cluster = web.app.calls.cluster().map(|cluster| {
        let url = cluster.url();
        format!("{url} {}", url.replacen("ws", "http", 1))
    });
    own.into_iter().chain(cluster).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    use super::known_page;

    /// The paths of the pages below a folder, with a value for each parameter.
    fn paths(folder: &Path, path: &str, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let (entry, name): (PathBuf, String) = {
                let entry = entry.unwrap();
                (entry.path(), entry.file_name().into_string().unwrap())
            };
            if entry.is_dir() {
                let part = if name.starts_with('[') { "1" } else { &name };
                paths(&entry, &format!("{path}{part}/"), found);
            } else if name == "+page.svelte" {
                found.push(path.to_owned());
            }
        }
    }

    #[test]
    fn every_page_of_the_app_answers_as_a_page() {
        let routes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/src/routes");
        let mut found = Vec::new();
        paths(&routes, "", &mut found);
        assert!(found.len() > 20, "{found:?}");
        let unknown: Vec<_> = found.iter().filter(|path| known_page(path, true).is_none()).collect();
        assert!(unknown.is_empty(), "answered with 404: {unknown:?}");
    }
}
