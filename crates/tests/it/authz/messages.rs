//! Rows of the operations on messages and on the waiting room's memory.

use serde_json::json;

use super::{Case, World, refused};

pub async fn cases(world: &World) -> Vec<Case> {
    let World { kit, patient, stranger, provider, outsider, .. } = world;
    kit.admin().post("/notifications/test", json!({ "channel": "mail", "to": "a@example.org" })).await.ok();
    let visit = patient.walk_in("main").await.id;
    let left = patient.walk_in("main").await;
    patient.client.post(&format!("/visits/{}/messages", visit), json!({ "text": "Hello" })).await.ok();
    patient.act(&left, "cancel").await.ok();
    let of = |operation| Case::new(operation, &patient.client).with("id", &visit);
    let talk = |case: Case| case.role(refused(stranger, 404)).relation(refused(outsider, 404));
    let wait = |case: Case| case.role(refused(provider, 403)).relation(refused(stranger, 404));
    let mut cases = vec![
        talk(of("messages::list")),
        talk(of("messages::add").body(json!({ "text": "Hello" }))),
        talk(of("messages::read").body(json!({ "up_to": 1 }))),
        wait(of("visits::get_callback")),
        wait(of("visits::leave_and_call").body(json!({ "channel": "email", "address": "m@example.org" }))),
        wait(of("visits::stay")),
        wait(Case::new("visits::rejoin", &patient.client).with("id", &left.id).body(json!({}))),
    ];
    cases.push(
        Case::new("rooms::late", &provider.client)
            .with("code", "main")
            .body(json!({ "minutes": 10 }))
            .role(refused(patient, 403))
            .relation(refused(outsider, 404))
            .elsewhere(404),
    );
    cases
}
