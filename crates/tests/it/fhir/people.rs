//! People and rooms: by codes, by numbers of other systems, page by page.

use bedside_tests::kit::{Client, Kit, sql};
use reqwest::Method;
use serde_json::json;

use super::{MRN, ids, program, read, refused, walk};

#[tokio::test]
async fn people_are_found_by_their_codes_and_by_numbers_of_other_systems() {
    let kit = Kit::start().await;
    let (admin, room) = (kit.admin(), kit.room("main").await);
    let (maria, tom) = (kit.patient("maria").await, kit.patient("tom").await);
    let doctor = kit.provider("d-1", &[&room]).await;
    let path = format!("/users/{}/identifiers", maria.id);
    let mrn = json!([{ "system": MRN, "value": "4711" }, { "system": "https://insurer.example/id", "value": "A 1" }]);
    assert_eq!(admin.post(&path, json!({ "identifiers": mrn })).await.data(), mrn);
    assert_eq!(admin.get(&path).await.data(), mrn);
    let shown = read(&admin, &format!("Patient/{}", maria.id)).await;
    assert_eq!(
        shown["identifier"],
        json!([
            { "use": "usual", "system": "urn:bedside:user-code", "value": "maria" },
            { "system": MRN, "value": "4711" },
            { "system": "https://insurer.example/id", "value": "A 1" },
        ])
    );
    assert_eq!((&shown["active"], &shown["name"][0]["family"]), (&json!(true), &json!("maria")));
    for (query, expected) in [
        ("identifier=maria", vec![&maria.id]),
        ("identifier=urn:bedside:user-code|tom", vec![&tom.id]),
        ("identifier=4711", vec![&maria.id]),
        (&format!("identifier={MRN}|4711"), vec![&maria.id]),
        (&format!("identifier={MRN}|4712"), vec![]),
        (&format!("identifier={MRN}|maria"), vec![]),
        ("identifier=|4711", vec![]),
        ("identifier=4711,tom", vec![&maria.id, &tom.id]),
        (&format!("identifier=4711&_id={}", tom.id), vec![]),
        (&format!("_id={},{}", tom.id, maria.id), vec![&maria.id, &tom.id]),
        (&format!("_id={}", doctor.id), vec![]),
        ("", vec![&maria.id, &tom.id]),
    ] {
        assert_eq!(
            ids(&admin, &format!("Patient?{query}")).await.iter().collect::<Vec<_>>(),
            expected,
            "{query}"
        );
    }
    assert_eq!(ids(&admin, "Practitioner?identifier=d-1").await, std::slice::from_ref(&doctor.id));
    refused(
        &admin.get(&format!("//fhir/R4/Practitioner/{}", maria.id)).await,
        404,
        "not-found",
        "resource_not_found",
    );
    // One number, one person; and what was taken away is free.
    let taken = json!({ "identifiers": [{ "system": MRN, "value": "4711" }] });
    let toms = format!("/users/{}/identifiers", tom.id);
    admin.post(&toms, taken.clone()).await.refused(400, "identifier_taken");
    admin.post(&path, json!({ "identifiers": [] })).await.ok();
    admin.post(&toms, taken.clone()).await.ok();
    assert_eq!(ids(&admin, "Patient?identifier=4711").await, std::slice::from_ref(&tom.id));
    // Another clinic may have a patient of the same number.
    let south = kit.another_clinic("southside").await;
    let jane = kit.portal_of(&south).sign_in(&kit, "jane", 200).await;
    let south = kit.admin_of(&south);
    south.post(&format!("/users/{}/identifiers", jane.id), taken).await.ok();
    assert_eq!(ids(&south, "Patient?identifier=4711").await, std::slice::from_ref(&jane.id));
    south.post(&path, json!({ "identifiers": [] })).await.refused(404, "user_not_found");
    for (body, field) in [
        (json!([{ "system": "mrn", "value": "1" }]), "system"),
        (json!([{ "system": "urn:bedside:user-code", "value": "1" }]), "system"),
        (json!([{ "system": MRN, "value": " " }]), "value"),
        (json!(vec![json!({ "system": MRN, "value": "1" }); 21]), "identifiers"),
    ] {
        let answer = admin.post(&path, json!({ "identifiers": body })).await.refused(400, "invalid_field");
        assert!(answer["fields"][field].is_string(), "{field}: {answer}");
    }
}

#[tokio::test]
async fn a_change_of_identifiers_is_told_and_audited_once() {
    let kit = Kit::start().await;
    let (admin, maria) = (kit.admin(), kit.patient("maria").await);
    let path = format!("/users/{}/identifiers", maria.id);
    let body = json!({ "identifiers": [{ "system": MRN, "value": "1" }, { "system": MRN, "value": "1" }] });
    for _ in 0..2 {
        assert_eq!(admin.post(&path, body.clone()).await.data().as_array().unwrap().len(), 1);
    }
    let entries = admin.get("/audit?action=identifiers.update").await.data();
    assert_eq!(entries.as_array().unwrap().len(), 1, "nothing changed the second time");
    assert_eq!(entries[0]["object_id"], maria.id);
    maria.client.post(&path, body).await.refused(403, "admin_only");
}

#[tokio::test]
async fn reads_by_a_program_are_audited() {
    let kit = Kit::start().await;
    let maria = kit.patient("maria").await;
    let ehr = program(&kit, json!(["fhir:read"])).await;
    for _ in 0..3 {
        read(&ehr, "Patient?identifier=maria").await;
    }
    bedside_app::audit::flush_reads(&kit.app, true).await.unwrap();
    let entries = kit.admin().get("/audit?action=fhir.patient").await.data();
    assert_eq!(entries.as_array().unwrap().len(), 1);
    assert_eq!(
        (&entries[0]["object_id"], &entries[0]["count"], &entries[0]["credential"], &entries[0]["right"]),
        (&json!(maria.id), &json!(3), &json!("admin_token"), &json!("fhir_read/admin/same_account"))
    );
}

#[tokio::test]
async fn pages_follow_one_another() {
    let kit = Kit::start().await;
    let admin = kit.admin();
    let mut everybody = Vec::new();
    for number in 0..5 {
        everybody.push(kit.patient(&format!("p-{number}")).await.id);
    }
    assert_eq!(walk(&admin, "Patient?_count=2").await, (everybody.clone(), 3));
    assert_eq!(read(&admin, "Patient?_count=2").await["total"], 5);
    assert_eq!(walk(&admin, "Patient").await, (everybody, 1));
    let rooms: Vec<String> = {
        let mut all = Vec::new();
        for slug in ["a", "b", "c"] {
            kit.room(slug).await;
            all.push(ids(&admin, &format!("Location?identifier={slug}")).await.remove(0));
        }
        all
    };
    let (listed, pages) = walk(&admin, "Location?_count=1").await;
    assert!(rooms.iter().all(|room| listed.contains(room)) && pages == listed.len(), "{listed:?}");
    admin.delete_room("b").await;
    assert_eq!(ids(&admin, "Location?status=inactive").await, [rooms[1].clone()]);
    assert!(!ids(&admin, "Location?status=active").await.contains(&rooms[1]));
}

trait Rooms {
    async fn delete_room(&self, slug: &str);
}

impl Rooms for Client {
    async fn delete_room(&self, slug: &str) {
        Self::send(self.request(Method::DELETE, &format!("/rooms/{slug}"))).await.ok();
    }
}

#[tokio::test]
async fn the_database_itself_keeps_two_from_being_called_the_same() {
    let kit = Kit::start().await;
    let (admin, maria) = (kit.admin(), kit.patient("maria").await);
    let body = json!({ "identifiers": [{ "system": MRN, "value": "4711" }] });
    admin.post(&format!("/users/{}/identifiers", maria.id), body).await.ok();
    // The database keeps two from being called the same, whoever writes.
    let twice = "INSERT INTO identifiers (id, account_id, user_id, system, value, position, created_at) \
         SELECT 'x', account_id, user_id, system, value, position, created_at FROM identifiers";
    let url = kit.database().url().to_owned();
    let refused = tokio::spawn(async move { sql(&url, twice).await }).await;
    assert!(refused.is_err(), "a second person of the same number");
}
