//! All doors behind one another: calls' signalling, the HTTP API, probes, the
//! demo's stage, the pages.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use bedside_app::App;
use tower_http::compression::{
    CompressionLayer,
    predicate::{DefaultPredicate, Predicate},
};

use crate::{
    api::{self, Api, limits::Limits},
    config::Config,
    demo,
    http::{self, Client, Front},
    probes, signal, web,
};

/// The whole server as one router.
pub fn router(app: &App, config: &Config, front: Front, stage: Option<demo::Stage>) -> Router {
    let limits = Arc::new(Limits::new(&config.limits));
    tokio::spawn(sweep(limits.clone(), front.stopping.clone()));
    let state = Api::new(app.clone(), limits.clone(), config);
    let pages = web::Web::new(app.clone(), config.web.dir(), gate(limits.clone()), stage.is_some());
    let mut router = Router::new()
        .merge(calls(app, &limits))
        .merge(cluster(app, &limits))
        .merge(api::router::routes(state, &config.server))
        .merge(probes::routes(app, config, &front))
        .merge(web::routes(pages, &portals(config)));
    if let Some(stage) = stage {
        router = router.merge(demo::routes(stage));
    }
    router
        .layer(CompressionLayer::new().compress_when(DefaultPredicate::new().and(is_packed)))
        .layer(middleware::from_fn_with_state(front, http::front))
}

/// Files go as they are: most are packed already, and parts of them are asked
/// for by their bytes. Errors are short and must not wait to be packed.
fn is_packed(status: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    status.is_success() && !headers.contains_key(header::CONTENT_DISPOSITION)
}

/// The doors that have no credentials to count by count by address.
fn gate(limits: Arc<Limits>) -> web::Gate {
    Arc::new(move |addr| limits.door(addr).err())
}

fn calls(app: &App, limits: &Arc<Limits>) -> Router {
    signal::calls::routes()
        .merge(signal::twirp::routes())
        .merge(signal::network_test::routes())
        .route_layer(middleware::from_fn(http::remember_route))
        .route_layer(middleware::from_fn_with_state(limits.clone(), counted))
        .with_state(app.clone())
}

fn cluster(app: &App, limits: &Arc<Limits>) -> Router {
    signal::cluster::routes(app.clone(), gate(limits.clone()))
        .route_layer(middleware::from_fn(http::remember_route))
}

async fn counted(
    State(limits): State<Arc<Limits>>,
    client: Client,
    request: Request,
    next: Next,
) -> Response {
    match limits.door(client.addr) {
        Ok(()) => next.run(request).await,
        Err(seconds) => {
            let headers = [(header::RETRY_AFTER, HeaderValue::from(seconds))];
            (StatusCode::TOO_MANY_REQUESTS, headers, "Too many calls from here. Try again in a moment.")
                .into_response()
        }
    }
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
