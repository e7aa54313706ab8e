//! Rows of the operations on interpreters.

use serde_json::json;

use super::{Case, World, nobody, refused};

pub async fn cases(world: &World) -> Vec<Case> {
    let World { admin, patient, provider, outsider, .. } = world;
    let visit = world.running().await.id;
    let one = |name: &str| json!({ "name": name, "email": "ines@example.org", "languages": ["es"] });
    let listed = admin.post("/interpreters", one("Ines")).await.data();
    let gone = admin.post("/interpreters", one("Gone")).await.data();
    let (listed, gone) = (listed["id"].as_str().expect("an id"), gone["id"].as_str().expect("an id"));
    let clinic = || nobody("those who run the clinic manage all of its interpreters");
    let of = |operation: &'static str| {
        Case::new(operation, &provider.client)
            .with("id", &visit)
            .role(refused(patient, 403))
            .relation(refused(outsider, 404))
    };
    vec![
        Case::new("interpreters::list", &provider.client)
            .role(refused(patient, 403))
            .relation(nobody("every provider sees whom the clinic asks"))
            .elsewhere(200),
        Case::new("interpreters::add", admin)
            .body(one("New"))
            .role(refused(provider, 403))
            .relation(clinic())
            .elsewhere(200),
        Case::new("interpreters::update", admin)
            .with("id", listed)
            .body(json!({ "order": 2 }))
            .role(refused(provider, 403))
            .relation(clinic()),
        Case::new("interpreters::retire", admin)
            .with("id", gone)
            .role(refused(provider, 403))
            .relation(clinic()),
        of("interpreters::get"),
        of("interpreters::ask").body(json!({ "language": "es" })),
        of("interpreters::cancel"),
    ]
}
