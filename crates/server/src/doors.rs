//! All doors behind one another: calls' signalling, the HTTP API, probes, the
//! demo's stage, the pages.

use std::sync::Arc;

use axum::{Router, middleware};
use bedside_app::App;
use tower_http::compression::CompressionLayer;

use crate::{
    api::{self, Api, limits::Limits},
    config::Config,
    demo,
    http::{self, Front},
    probes, signal, web,
};

/// The whole server as one router.
pub fn router(app: &App, config: &Config, front: Front, stage: Option<demo::Stage>) -> Router {
    let limits = Arc::new(Limits::new(&config.limits));
    tokio::spawn(sweep(limits.clone(), front.stopping.clone()));
    let state = Api::new(app.clone(), limits, config.server.public_url());
    let pages = web::Web::new(app.clone(), config.web.dir(), stage.is_some());
    let mut router = Router::new()
        .merge(calls(app))
        .merge(api::router::routes(state, &config.server))
        .merge(probes::routes(app, config, &front))
        .merge(web::routes(pages, &portals(config)));
    if let Some(stage) = stage {
        router = router.merge(demo::routes(stage));
    }
    router.layer(CompressionLayer::new()).layer(middleware::from_fn_with_state(front, http::front))
}

fn calls(app: &App) -> Router {
    signal::calls::routes().route_layer(middleware::from_fn(http::remember_route)).with_state(app.clone())
}

/// `/vc/next` of the API prefix `/vc/next/api_v3`.
fn portals(config: &Config) -> Vec<String> {
    config
        .server
        .prefixes
        .iter()
        .filter_map(|prefix| prefix.rsplit_once('/'))
        .map(|(portal, _)| portal.to_owned())
        .filter(|portal| !portal.is_empty())
        .collect()
}

async fn sweep(limits: Arc<Limits>, stopping: tokio_util::sync::CancellationToken) {
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(Limits::SWEEP_EVERY) => limits.sweep(),
        }
    }
}
