//! The HTTP API: one file per noun with its wire types and handlers, the route
//! table in `router`, and what all of them share. Wire spellings live only here.

pub mod accounts;
pub mod api_apps;
mod audit;
pub mod auth;
pub mod availability;
pub mod billing;
pub mod calendars;
pub mod call_moderation;
pub mod call_quality;
pub mod closures;
pub mod consents;
mod cors;
pub mod dependants;
pub mod endpoints;
pub mod envelope;
pub mod error;
mod etag;
pub mod events;
pub mod extract;
mod fhir;
pub mod files;
pub mod form_answers;
pub mod forms;
pub mod guests;
pub mod health_readings;
pub mod health_records;
pub mod holds;
pub mod idempotency;
pub mod identifiers;
pub mod intakes;
pub mod interpreters;
pub mod invoices;
mod layers;
pub mod limits;
mod linger;
pub mod meetings;
pub mod messages;
pub mod notes;
pub mod notifications;
pub mod openapi;
pub mod pharmacies;
pub mod prescriptions;
pub mod promo_codes;
pub mod recordings;
pub mod reports;
pub mod request_log;
pub mod room_body;
mod room_booking;
pub mod room_object;
pub mod rooms;
pub mod router;
pub mod sessions;
pub mod slot_object;
pub mod slots;
pub mod surveys;
pub mod test_clinic;
mod user_body;
mod user_object;
mod user_query;
pub mod users;
pub mod visit_object;
pub mod visit_query;
pub mod visits;
pub mod webhooks;

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use bedside_app::App;

use crate::{config::Config, http::Client};
use limits::Limits;

/// What handlers and extractors may ask for.
#[derive(Clone)]
pub struct Api {
    app: App,
    limits: Arc<Limits>,
    public_url: Option<Arc<str>>,
    /// How long an upload may send nothing.
    upload_stall: Duration,
}

impl Api {
    /// The state of the API as it is configured.
    pub fn new(app: App, limits: Arc<Limits>, config: &Config) -> Self {
        let public_url = config.server.public_url();
        let upload_stall = Duration::from_secs(config.files.stall_s);
        Self { app, limits, public_url: public_url.map(Into::into), upload_stall }
    }

    fn public_origin(&self) -> Option<&str> {
        self.public_url.as_deref()
    }
}

impl FromRef<Api> for App {
    fn from_ref(api: &Api) -> Self {
        api.app.clone()
    }
}

impl FromRef<Api> for Arc<Limits> {
    fn from_ref(api: &Api) -> Self {
        api.limits.clone()
    }
}

/// Origin of the pages for links in answers: the configured one, else the one
/// this caller used.
#[derive(Clone, Debug)]
pub struct BaseUrl(pub String);

impl BaseUrl {
    /// The same origin for WebSockets.
    pub fn sockets(&self) -> String {
        self.0.replacen("http", "ws", 1)
    }
}

impl FromRequestParts<Api> for BaseUrl {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Infallible> {
        let own = api.public_origin().map(str::to_owned);
        let seen = || parts.extensions.get::<Client>().map(Client::origin);
        Ok(Self(own.or_else(seen).unwrap_or_default()))
    }
}
