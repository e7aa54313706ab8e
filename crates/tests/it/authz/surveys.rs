//! Rows of the operations on surveys and reports.

use serde_json::json;

use super::{Case, World, nobody, refused};

pub async fn cases(world: &World) -> Vec<Case> {
    let World { admin, patient, stranger, provider, outsider, .. } = world;
    let visit = world.running().await.id;
    let own = |code: &str| json!({ "code": code, "title": "x", "questions": [{ "code": "q", "kind": "text", "label": "x" }] });
    admin.post("/surveys", own("old")).await.ok();
    let analyst = world.kit.provider("d-analyst", &[]).await;
    admin.post(&format!("/users/{}", analyst.id), json!({ "role": "analyst" })).await.ok();
    let all = || nobody("everybody of the clinic sees what is asked");
    let clinic = || nobody("those who run the clinic manage all of its surveys");
    vec![
        Case::new("surveys::list", &patient.client).role(all()).relation(all()).elsewhere(200),
        Case::new("surveys::get", &patient.client).with("code", "old").role(all()).relation(all()),
        Case::new("surveys::publish", admin)
            .body(own("new"))
            .role(refused(provider, 403))
            .relation(clinic())
            .elsewhere(200),
        Case::new("surveys::retire", admin)
            .with("code", "old")
            .role(refused(provider, 403))
            .relation(clinic()),
        Case::new("surveys::answer", &patient.client)
            .with("code", "visit_rating")
            .body(json!({ "visit_id": visit, "answers": { "stars": 5 } }))
            .role(refused(provider, 403))
            .relation(refused(stranger, 404)),
        Case::new("surveys::results", &provider.client)
            .with("id", &visit)
            .role(refused(&analyst, 404))
            .relation(refused(outsider, 404)),
        Case::new("reports::get", &analyst.client)
            .with("name", "visits")
            .role(refused(provider, 403))
            .relation(nobody("figures are of the whole clinic"))
            .elsewhere(200),
    ]
}
