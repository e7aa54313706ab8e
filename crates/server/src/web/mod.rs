//! The pages: the embedded files of `web/build` with their caching and content
//! policy, the log-in door `/auth`, and the few pages the server writes itself.

mod auth;
mod compressed;
mod files;
mod notice;
mod pages;

use std::{path::PathBuf, sync::Arc};

use axum::{Router, routing::get};
use bedside_app::App;

use compressed::Compressed;
use files::Files;

/// What the pages' routes need.
#[derive(Clone)]
pub struct Web {
    app: App,
    files: Arc<Files>,
    compressed: Arc<Compressed>,
    demo: bool,
}

impl Web {
    /// Pages embedded in the binary, or from `dir` when one is given.
    pub fn new(app: App, dir: Option<PathBuf>, demo: bool) -> Self {
        Self { app, files: Arc::new(Files::new(dir)), compressed: Arc::default(), demo }
    }
}

/// The pages' routes. `portals` are the paths before an API prefix's last
/// segment (`/vc/next` of `/vc/next/api_v3`): clients that build page links
/// from them are sent to the page itself.
pub fn routes(web: Web, portals: &[String]) -> Router {
    let mut router = Router::new().route("/auth", get(auth::auth));
    for portal in portals {
        router = router
            .route(portal, get(pages::from_portal_root))
            .route(&format!("{portal}/"), get(pages::from_portal_root))
            .route(&format!("{portal}/{{*page}}"), get(pages::from_portal));
    }
    router
        .route_layer(axum::middleware::from_fn(crate::http::remember_route))
        .fallback(pages::page)
        .with_state(web)
}
