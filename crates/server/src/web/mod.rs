//! The pages: the embedded files of `web/build` with their caching and content
//! policy, the log-in door `/auth`, the way out of letters, and the few pages the
//! server writes itself.

mod auth;
mod compressed;
mod embed;
mod files;
mod interpret;
mod letter;
mod notice;
mod pages;
mod unsubscribe;
mod verify;

use std::{net::IpAddr, path::PathBuf, sync::Arc};

use axum::{Extension, Router, routing::get};
use bedside_app::{App, notifications::Reader, verification::Owner};

use compressed::Compressed;
use files::Files;

/// How often one address may come through a door: none, or the seconds it has
/// to wait. Whoever puts the doors together counts.
pub type Gate = Arc<dyn Fn(IpAddr) -> Option<u64> + Send + Sync>;

/// What the pages' routes need.
#[derive(Clone)]
pub struct Web {
    app: App,
    files: Arc<Files>,
    compressed: Arc<Compressed>,
    gate: Gate,
    demo: bool,
}

impl Web {
    /// Pages embedded in the binary, or from `dir` when one is given.
    pub fn new(app: App, dir: Option<PathBuf>, gate: Gate, demo: bool) -> Self {
        Self { app, files: Arc::new(Files::new(dir)), compressed: Arc::default(), gate, demo }
    }
}

/// A path under which the pages answer besides the root, such as `/vc/next`;
/// empty for the root itself.
#[derive(Clone, Debug, Default)]
struct Portal(Arc<str>);

/// The pages' routes. `portals` are the paths before an API prefix's last
/// segment (`/vc/next` of `/vc/next/api_v3`): clients build page links from
/// them, and the pages stay below them.
pub fn routes(web: Web, portals: &[String]) -> Router {
    let mut router = Router::new().route("/auth", get(auth::auth).layer(Extension(Portal::default())));
    for portal in portals {
        let below = Extension(Portal(portal.as_str().into()));
        router = router
            .route(portal, get(pages::portal_page).layer(below.clone()))
            .route(&format!("{portal}/"), get(pages::portal_page).layer(below.clone()))
            .route(&format!("{portal}/auth"), get(auth::auth).layer(below.clone()))
            .route(&format!("{portal}/{{*page}}"), get(pages::portal_page).layer(below));
    }
    router
        .route("/sdk/embeds", get(embed::embeds))
        .route("/unsubscribe", get(letter::ask::<Reader>).post(letter::answer::<Reader>))
        .route("/interpret", get(interpret::question).post(interpret::answer))
        .route("/verify", get(letter::ask::<Owner>).post(letter::answer::<Owner>))
        .route_layer(axum::middleware::from_fn(crate::http::remember_route))
        .fallback(pages::page)
        .with_state(web)
}
