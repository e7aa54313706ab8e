//! The whole route table.

use axum::{Router, http::header::CONTENT_TYPE, middleware, routing::get};
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api, accounts, api_apps, audit, availability, billing, calendars, call_moderation, call_quality,
    closures, consents, cors, dependants, endpoints, error::ApiError, events, fhir, files, form_answers,
    forms, guests, health_readings, health_records, holds, idempotency, identifiers, intakes, interpreters,
    invoices, layers, meetings, messages, notes, notifications, openapi, pharmacies, prescriptions,
    promo_codes, recordings, reports, request_log, rooms, sessions, slots, surveys, test_clinic, users,
    visits, webhooks,
};
use crate::{config::Server, http};

/// Every operation of the API.
fn operations() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::start())
        // users and their log-ins
        .routes(routes!(users::sso))
        .routes(routes!(sessions::login))
        .routes(routes!(sessions::logout))
        .routes(routes!(sessions::set_password))
        .routes(routes!(sessions::password_link))
        .routes(routes!(sessions::refresh_token))
        .routes(routes!(sessions::forgot_password))
        .routes(routes!(sessions::send_password_mail))
        .routes(routes!(sessions::heartbeat))
        .routes(routes!(users::guest_login))
        .routes(routes!(users::list, users::add))
        .routes(routes!(users::get, users::update))
        .routes(routes!(dependants::list, dependants::add))
        .routes(routes!(dependants::end))
        .routes(routes!(users::list_rooms, users::assign_rooms))
        .routes(routes!(sessions::get))
        .routes(routes!(sessions::locks::get_lock, sessions::locks::lock))
        .routes(routes!(sessions::locks::unlock))
        .routes(routes!(sessions::list::list, sessions::list::end_all))
        .routes(routes!(sessions::list::end))
        // accounts and what they let in
        .routes(routes!(accounts::list))
        .routes(routes!(accounts::get, accounts::update))
        .routes(routes!(api_apps::list, api_apps::add))
        .routes(routes!(api_apps::get, api_apps::update, api_apps::delete))
        .routes(routes!(api_apps::add_key))
        .routes(routes!(api_apps::delete_key))
        .routes(routes!(api_apps::add_token))
        .routes(routes!(api_apps::delete_token))
        // what people agree to
        .routes(routes!(consents::tos))
        .routes(routes!(consents::consent))
        .routes(routes!(consents::list_documents, consents::publish))
        .routes(routes!(consents::get, consents::retire))
        .routes(routes!(consents::list, consents::add))
        // rooms
        .routes(routes!(rooms::list, rooms::add))
        .routes(routes!(rooms::get, rooms::update, rooms::delete))
        .routes(routes!(rooms::queue))
        .routes(routes!(rooms::late))
        .routes(routes!(rooms::list_providers))
        .routes(routes!(rooms::get_provider, rooms::unassign))
        // intakes
        .routes(routes!(intakes::add))
        .routes(routes!(intakes::get, intakes::update))
        // visits
        .routes(routes!(visits::list, visits::add))
        .routes(routes!(visits::of_user))
        .routes(routes!(visits::in_progress))
        .routes(routes!(visits::add_walkin))
        .routes(routes!(visits::add_econsult))
        .routes(routes!(visits::add_econsult_alias))
        .routes(routes!(visits::get, visits::update))
        .routes(routes!(visits::arrive))
        .routes(routes!(visits::confirm))
        .routes(routes!(visits::accept))
        .routes(routes!(visits::start))
        .routes(routes!(visits::put_back))
        .routes(routes!(visits::transfer))
        .routes(routes!(visits::complete))
        .routes(routes!(visits::cancel))
        .routes(routes!(visits::cancel_named))
        .routes(routes!(visits::close))
        .routes(routes!(visits::end))
        .routes(routes!(visits::close_named))
        .routes(routes!(visits::end_named))
        .routes(routes!(visits::call))
        .routes(routes!(call_quality::list, call_quality::report))
        .routes(routes!(call_moderation::mute))
        .routes(routes!(call_moderation::remove))
        .routes(routes!(meetings::get))
        // recordings
        .routes(routes!(recordings::list, recordings::start))
        .routes(routes!(recordings::current))
        .routes(routes!(recordings::settings, recordings::update_settings))
        .routes(routes!(recordings::get, recordings::delete))
        .routes(routes!(recordings::stop))
        .routes(routes!(recordings::say))
        .routes(routes!(recordings::view))
        .routes(routes!(visits::get_callback, visits::leave_and_call, visits::stay))
        .routes(routes!(visits::rejoin))
        .routes(routes!(messages::list, messages::add))
        .routes(routes!(messages::read))
        // notes
        .routes(routes!(notes::list, notes::add))
        .routes(routes!(notes::get, notes::update))
        .routes(routes!(notes::sign))
        .routes(routes!(notes::addendum))
        .routes(routes!(notes::pdf))
        // the health record
        .routes(routes!(health_records::schemas))
        .routes(routes!(health_records::get))
        .routes(routes!(health_records::section, health_records::add))
        .routes(routes!(health_records::update, health_records::remove))
        .routes(routes!(health_readings::list, health_readings::add))
        .routes(routes!(health_readings::remove))
        .routes(routes!(interpreters::list, interpreters::add))
        .routes(routes!(interpreters::update, interpreters::retire))
        .routes(routes!(interpreters::get, interpreters::ask, interpreters::cancel))
        .routes(routes!(pharmacies::search, pharmacies::add))
        .routes(routes!(pharmacies::update, pharmacies::retire))
        .routes(routes!(pharmacies::list, pharmacies::keep))
        .routes(routes!(pharmacies::set_default))
        .routes(routes!(pharmacies::forget))
        .routes(routes!(prescriptions::list, prescriptions::add))
        .routes(routes!(prescriptions::of_user))
        .routes(routes!(prescriptions::get))
        .routes(routes!(prescriptions::pdf))
        .routes(routes!(prescriptions::cancel))
        // forms
        .routes(routes!(forms::list, forms::add))
        .routes(routes!(forms::import))
        .routes(routes!(forms::get, forms::update, forms::retire))
        .routes(routes!(forms::publish))
        .routes(routes!(forms::get_version))
        .routes(routes!(form_answers::begin))
        .routes(routes!(form_answers::get, form_answers::save))
        .routes(routes!(form_answers::complete))
        .routes(routes!(form_answers::list))
        // surveys and reports
        .routes(routes!(surveys::list, surveys::publish))
        .routes(routes!(surveys::get, surveys::retire))
        .routes(routes!(surveys::answer))
        .routes(routes!(surveys::results))
        .routes(routes!(reports::get))
        // money
        .routes(routes!(billing::settings))
        .routes(routes!(billing::list_sources, billing::add_source))
        .routes(routes!(billing::get_source, billing::default_source, billing::delete_source))
        .routes(routes!(billing::webhook))
        .routes(routes!(invoices::of_visit))
        .routes(routes!(invoices::add_item))
        .routes(routes!(invoices::delete_item))
        .routes(routes!(invoices::charge))
        .routes(routes!(invoices::get))
        .routes(routes!(invoices::refund))
        .routes(routes!(invoices::void))
        .routes(routes!(promo_codes::list, promo_codes::add))
        .routes(routes!(promo_codes::delete))
        .routes(routes!(promo_codes::apply))
        // guests
        .routes(routes!(guests::invitation))
        .routes(routes!(guests::join))
        .routes(routes!(guests::get))
        .routes(routes!(guests::admit))
        .routes(routes!(guests::decline))
        .routes(routes!(guests::leave))
        .routes(routes!(guests::participants))
        // scheduling
        .routes(routes!(availability::list, availability::search))
        .routes(routes!(slots::list, slots::add))
        .routes(routes!(slots::update, slots::delete))
        .routes(routes!(holds::add))
        .routes(routes!(holds::renew))
        .routes(routes!(holds::delete))
        .routes(routes!(closures::list, closures::add))
        .routes(routes!(closures::delete))
        // calendars
        .routes(routes!(calendars::visit))
        .routes(routes!(calendars::get))
        .routes(routes!(calendars::rotate))
        // how people are told
        .routes(routes!(endpoints::list, endpoints::add))
        .routes(routes!(endpoints::push_key))
        .routes(routes!(endpoints::get, endpoints::delete))
        .routes(routes!(notifications::list))
        .routes(routes!(notifications::badge))
        .routes(routes!(notifications::reset_badge))
        .routes(routes!(notifications::read))
        .routes(routes!(notifications::set_language))
        .routes(routes!(notifications::settings, notifications::update_settings))
        .routes(routes!(notifications::channels))
        .routes(routes!(notifications::test))
        .routes(routes!(notifications::list_sent))
        .routes(routes!(notifications::alerts, notifications::update_alerts))
        .routes(routes!(notifications::invite))
        .routes(routes!(notifications::resend_link))
        // what other systems call them
        .routes(routes!(identifiers::of_user, identifiers::update_user))
        .routes(routes!(identifiers::of_visit, identifiers::update_visit))
        // files
        .routes(routes!(files::add, files::list))
        .routes(routes!(files::get, files::rename, files::delete))
        .routes(routes!(files::view))
        // audit
        .routes(routes!(audit::list))
        .routes(routes!(audit::export))
        // what developers look at
        .routes(routes!(request_log::list))
        .routes(routes!(test_clinic::messages))
        .routes(routes!(test_clinic::clock))
        .routes(routes!(test_clinic::act))
        // events
        .routes(routes!(events::stream))
        .routes(routes!(events::list))
        // webhooks
        .routes(routes!(webhooks::list, webhooks::add))
        .routes(routes!(webhooks::get, webhooks::update, webhooks::delete))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::test))
        .routes(routes!(webhooks::list_deliveries))
        .routes(routes!(webhooks::replay))
        .routes(routes!(webhooks::get_delivery))
        .routes(routes!(webhooks::redeliver))
}

/// The description of the API, as `bedside openapi` prints it.
pub fn document(prefix: &str) -> Value {
    openapi::finish(&operations().into_openapi(), prefix)
}

/// The API under all its prefixes.
pub fn routes(api: Api, server: &Server) -> Router {
    let (operations, document) = operations().split_for_parts();
    let document = openapi::finish(&document, server.prefix()).to_string();
    let operations = operations
        .route("/openapi.json", get(async move || ([(CONTENT_TYPE, "application/json")], document.clone())))
        .route_layer(middleware::from_fn_with_state(api.clone(), idempotency::layer))
        .route_layer(middleware::from_fn_with_state(api.clone(), request_log::layer))
        .route_layer(middleware::from_fn(http::remember_route))
        .fallback(async || ApiError::not_found())
        .with_state(api.clone());
    layers::around(operations, server)
        .merge(files::at_root(api.clone()))
        .merge(recordings::at_root(api.clone()))
        .merge(calendars::at_root(api.clone()))
        .merge(fhir::at_root(api.clone()))
        .layer(middleware::from_fn_with_state(api, cors::cors))
}
