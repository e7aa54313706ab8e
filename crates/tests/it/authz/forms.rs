//! Rows of the operations on forms and their answers.

use serde_json::json;

use super::{Case, World, nobody, refused};
use crate::forms::{habits, id, published, questionnaire};

pub async fn cases(world: &World) -> Vec<Case> {
    let World { admin, patient, stranger, provider, outsider, .. } = world;
    let draft = id(&admin.post("/forms", habits("post_call")).await.data()).to_owned();
    let (form, after) =
        (published(admin, habits("intake")).await, published(admin, habits("post_intake")).await);
    let intake = patient.intake("main").await;
    let visit = world.running().await.id;
    let path = format!("/forms/{after}/answers");
    let answers = patient.client.post(&path, json!({ "visit_id": visit })).await.data();
    let done = json!({ "version": 1, "answers": { "smoker": false, "interest": "never" } });
    let all = || nobody("everybody of the clinic sees what is asked");
    let clinic = || nobody("those who run the clinic manage all of its forms");
    let manage = |operation, body| {
        Case::new(operation, admin).body(body).role(refused(provider, 403)).relation(clinic())
    };
    let own = |operation| {
        Case::new(operation, &patient.client)
            .with("id", id(&answers))
            .role(refused(outsider, 404))
            .relation(refused(stranger, 404))
    };
    vec![
        Case::new("forms::list", &patient.client).role(all()).relation(all()).elsewhere(200),
        Case::new("forms::get", &patient.client).with("id", &form).role(all()).relation(all()),
        Case::new("forms::get", admin).with("id", &draft).role(refused(provider, 404)).relation(clinic()),
        Case::new("forms::get_version", &patient.client)
            .with("id", &form)
            .with("n", 1)
            .role(all())
            .relation(all()),
        manage("forms::add", habits("intake")).elsewhere(200),
        manage("forms::import", json!({ "step": "intake", "questionnaire": questionnaire() })).elsewhere(200),
        manage("forms::update", json!({ "title": "About you" })).with("id", &draft),
        manage("forms::publish", json!({})).with("id", &draft),
        manage("forms::retire", json!({})).with("id", &draft),
        Case::new("form_answers::begin", &patient.client)
            .with("id", &form)
            .body(json!({ "intake_id": intake }))
            .role(refused(outsider, 404))
            .relation(refused(stranger, 404)),
        own("form_answers::get"),
        own("form_answers::save").body(json!({ "version": 1, "answers": {} })),
        own("form_answers::complete").body(done),
        Case::new("form_answers::list", &provider.client)
            .with("id", &visit)
            .role(refused(outsider, 404))
            .relation(refused(stranger, 404)),
    ]
}
