//! Rows of the operations on money: in a test clinic, since the processor of
//! tests serves no other.

use bedside_tests::kit::sql;
use serde_json::json;

use super::{Case, World, nobody, refused};

/// What takes no token by design.
pub const OPEN: &[(&str, &str)] =
    &[("billing::webhook", "the processor signs what it tells; it/billing.rs tries wrong signatures")];

pub async fn cases(world: &World) -> Vec<Case> {
    let World { kit, admin, patient, stranger, provider, outsider, .. } = world;
    sql(kit.database().url(), "UPDATE accounts SET test = TRUE WHERE code = 'northside'").await;
    let add = async || {
        let card = patient.client.post("/billing/sources", json!({ "token": "tok_visa" })).await.data();
        card["id"].as_str().unwrap().to_owned()
    };
    let (card, other) = (add().await, add().await);
    let bill = async || {
        let visit = world.running().await.id;
        let item = json!({ "name": "Blood test", "unit_price": "12.50" });
        let made = provider.client.post(&format!("/visits/{visit}/invoice/items"), item).await.data();
        (visit, made["id"].as_str().unwrap().to_owned(), made["items"][0]["id"].as_str().unwrap().to_owned())
    };
    let (visit, invoice, item) = bill().await;
    let (charged, _, _) = bill().await;
    let (paid, refunded, _) = bill().await;
    provider.client.post(&format!("/visits/{paid}/invoice/charge"), json!({})).await.ok();
    let (_, void, _) = bill().await;
    let code = json!({ "code": "WORLD", "percent": 10 });
    let promo = admin.post("/promo_codes", code).await.data()["id"].as_str().unwrap().to_owned();
    admin.post("/promo_codes", json!({ "code": "KEPT", "percent": 10 })).await.ok();
    let intake = patient.intake("main").await;
    let own = |operation| {
        Case::new(operation, &patient.client)
            .role(refused(provider, 403))
            .relation(nobody("only the caller's own cards are there"))
            .elsewhere(403)
    };
    let one = |operation, id: &str| own(operation).with("id", id).relation(refused(stranger, 404));
    let of = |operation, id: &str| {
        Case::new(operation, &provider.client)
            .with("id", id)
            .role(refused(patient, 403))
            .relation(refused(outsider, 404))
    };
    let clinic = |operation| {
        Case::new(operation, admin)
            .role(refused(provider, 403))
            .relation(nobody("of the clinic itself"))
            .elsewhere(400)
    };
    vec![
        Case::new("billing::settings", &patient.client)
            .role(nobody("everybody may know whether there is anything to pay"))
            .relation(nobody("of the clinic itself"))
            .elsewhere(200),
        own("billing::add_source").body(json!({ "token": "tok_visa" })),
        own("billing::list_sources"),
        one("billing::get_source", &card),
        one("billing::default_source", &other),
        one("billing::delete_source", &other),
        of("invoices::of_visit", &visit).role(refused(stranger, 404)),
        of("invoices::get", &invoice).role(refused(stranger, 404)),
        of("invoices::add_item", &visit).body(json!({ "name": "Plaster", "unit_price": "1" })),
        of("invoices::delete_item", &visit).with("item", &item),
        of("invoices::charge", &charged).body(json!({})),
        Case::new("invoices::refund", admin)
            .with("id", &refunded)
            .body(json!({}))
            .role(refused(provider, 403))
            .relation(refused(outsider, 404)),
        Case::new("invoices::void", admin)
            .with("id", &void)
            .role(refused(provider, 403))
            .relation(refused(outsider, 404)),
        clinic("promo_codes::list"),
        clinic("promo_codes::add").body(json!({ "code": "MORE", "percent": 5 })),
        clinic("promo_codes::delete").with("id", &promo),
        Case::new("promo_codes::apply", &patient.client)
            .with("id", &intake)
            .body(json!({ "code": "KEPT" }))
            .role(refused(provider, 404))
            .relation(refused(stranger, 404)),
    ]
}
