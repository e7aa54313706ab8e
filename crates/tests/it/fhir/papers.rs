//! Documents and consents.

use bedside_tests::kit::{Client, Kit};
use reqwest::{
    Method,
    multipart::{Form, Part},
};
use serde_json::json;

use super::{ids, read, refused, walk};
use crate::{files_content::png, scheduling::id};

async fn put(client: &Client, category: &str) -> String {
    let file = Part::bytes(png(8, 8)).file_name("wound.png").mime_str("image/png").unwrap();
    let form = Form::new().text("meta.category", category.to_owned()).part("file", file);
    id(&Client::send(client.request(Method::POST, "/files").multipart(form)).await.data()).to_owned()
}

/// A patient with a document, a photo, and two consents, one outdated.
pub async fn papers(kit: &Kit) -> (String, String, Vec<String>) {
    let (admin, maria) = (kit.admin(), kit.patient("maria").await);
    let document = put(&maria.client, "user_document").await;
    put(&maria.client, "user_avatar").await;
    let mut given = Vec::new();
    for text in ["First.", "Second."] {
        let body = json!({ "title": "Consent to video", "text": text });
        let document = admin.post("/consent_documents", body).await.data();
        let body =
            json!({ "document_id": document["id"], "version": document["version"], "signature": "Maria" });
        given.push(id(&maria.client.post("/users/-/consents", body).await.data()).to_owned());
    }
    (maria.id, document, given)
}

#[tokio::test]
async fn documents_and_consents_of_a_patient() {
    let kit = Kit::start().await;
    let (maria, document, given) = papers(&kit).await;
    let (admin, tom) = (kit.admin(), kit.patient("tom").await);
    put(&tom.client, "user_document").await;
    let of_maria = ids(&admin, &format!("DocumentReference?patient={maria}")).await;
    assert_eq!(
        (of_maria.len(), of_maria.contains(&document)),
        (3, true),
        "the document and two copies, no photo"
    );
    assert_eq!(walk(&admin, "DocumentReference?_count=3").await.0.len(), 4);
    assert_eq!(ids(&admin, "DocumentReference?date=lt2020").await, Vec::<String>::new());
    let shown = read(&admin, &format!("DocumentReference/{document}")).await;
    let attachment = &shown["content"][0]["attachment"];
    assert_eq!(
        (&attachment["contentType"], &attachment["title"]),
        (&json!("image/png"), &json!("wound.png"))
    );
    let content = reqwest::get(attachment["url"].as_str().unwrap()).await.unwrap();
    assert_eq!((content.status().as_u16(), &content.bytes().await.unwrap()[1..4]), (200, b"PNG".as_slice()));
    // Consents, the oldest first; the first one was to a text that is not asked for any more.
    assert_eq!(walk(&admin, "Consent?_count=1").await, (given.clone(), 2));
    assert_eq!(ids(&admin, &format!("Consent?patient=Patient/{maria}&status=active")).await, given[1..]);
    assert_eq!(ids(&admin, "Consent?status=inactive").await, given[..1]);
    assert_eq!(ids(&admin, &format!("Consent?patient={}", tom.id)).await, Vec::<String>::new());
    let consent = read(&admin, &format!("Consent/{}", given[0])).await;
    assert_eq!(
        (&consent["status"], &consent["policyRule"]["text"]),
        (&json!("inactive"), &json!("Consent to video, version 1"))
    );
    let copy = consent["sourceReference"]["reference"].as_str().unwrap();
    assert_eq!(read(&admin, copy).await["content"][0]["attachment"]["contentType"], "application/pdf");
    let south = kit.another_clinic("southside").await;
    let south = kit.admin_of(&south);
    for path in [format!("Consent/{}", given[0]), copy.to_owned()] {
        refused(&south.get(&format!("//fhir/R4/{path}")).await, 404, "not-found", "resource_not_found");
    }
    assert_eq!(ids(&south, "DocumentReference").await, Vec::<String>::new());
    assert_eq!(ids(&south, "Consent").await, Vec::<String>::new());
}
