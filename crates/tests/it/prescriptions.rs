//! Pharmacies and prescriptions: one default, papers that never change.

use bedside_tests::kit::{Kit, Person, Reader, Visit};
use serde_json::{Value, json};

async fn clinic() -> (Kit, Person, Person, Visit) {
    let kit = Kit::start().await;
    kit.room("main").await;
    let (patient, provider) = (kit.patient("m").await, kit.provider("d", &["main"]).await);
    let visit = patient.walk_in("main").await;
    provider.act(&visit, "accept").await.ok();
    (kit, patient, provider, visit)
}

fn names(list: &Value) -> Vec<(&str, bool)> {
    let one = |one: &'_ Value| one["is_default"] == true;
    list.as_array().unwrap().iter().map(|each| (each["name"].as_str().unwrap(), one(each))).collect()
}

#[tokio::test]
async fn a_clinic_lists_pharmacies_and_finds_them() {
    let (kit, patient, provider, _) = clinic().await;
    let admin = kit.admin();
    let corner = json!({ "name": " Corner 100% ", "line1": "12 Main Street", "city": "Albany", "zip": "12207",
        "country": "us", "latitude": 42.65, "longitude": "-73.75" });
    let corner = admin.post("/pharmacies", corner).await.data();
    assert_eq!(
        (&corner["name"], &corner["address"]["country"], &corner["address"]["longitude"]),
        (&json!("Corner 100%"), &json!("US"), &json!(-73.75))
    );
    admin.post("/pharmacies", json!({ "name": "Lake", "city": "Geneva", "zip": "1201" })).await.ok();
    let found = async |query: &str| {
        let list = patient.client.get(&format!("/pharmacies?{query}")).await.data();
        list.as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(found("").await, ["Corner 100%", "Lake"]);
    assert_eq!(found("q=ALBANY").await, ["Corner 100%"]);
    assert_eq!(found("q=100%25").await, ["Corner 100%"]);
    assert_eq!(found("q=_").await, Vec::<String>::new());
    assert_eq!(found("zip=12").await, ["Corner 100%", "Lake"]);
    assert_eq!(found("zip=122").await, ["Corner 100%"]);

    let path = format!("/pharmacies/{}", corner["id"].as_str().unwrap());
    assert_eq!(admin.post(&path, json!({ "name": "Corner", "zip": "12208" })).await.data()["name"], "Corner");
    for (body, field) in [
        (json!({}), "name"),
        (json!({ "name": "x", "country": "U1" }), "country"),
        (json!({ "name": "x", "latitude": 91, "longitude": 0 }), "latitude"),
        (json!({ "name": "x", "latitude": "north" }), "latitude"),
    ] {
        let refused = admin.post("/pharmacies", body).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{refused}");
    }
    provider.client.post("/pharmacies", json!({ "name": "x" })).await.refused(403, "admin_only");
    admin.delete(&path).await.ok();
    admin.delete(&path).await.refused(404, "pharmacy_not_found");
    admin.post(&path, json!({ "name": "Corner" })).await.refused(404, "pharmacy_not_found");
    assert_eq!(found("").await, ["Lake"]);
}

#[tokio::test]
async fn a_patient_keeps_pharmacies_and_one_is_the_default() {
    let (kit, patient, provider, _) = clinic().await;
    let listed = kit.admin().post("/pharmacies", json!({ "name": "Corner", "zip": "12207" })).await.data();
    let path = format!("/users/{}/pharmacies", patient.id);
    let by_id = json!({ "pharmacy_id": listed["id"] });
    let kept = patient.client.post("/users/-/pharmacies", by_id.clone()).await.data();
    assert_eq!(names(&kept), [("Corner", true)]);
    let kept = provider.client.post(&path, json!({ "name": "Lake" })).await.data();
    assert_eq!(names(&kept), [("Corner", true), ("Lake", false)]);
    // The same once more is one.
    let kept = patient.client.post(&path, by_id).await.data();
    assert_eq!(names(&kept), [("Corner", true), ("Lake", false)]);
    let kept = patient.client.post(&path, json!({ "name": "Hill", "is_default": true })).await.data();
    assert_eq!(names(&kept), [("Hill", true), ("Corner", false), ("Lake", false)]);
    let lake = kept[2]["id"].as_str().unwrap().to_owned();
    // Both at once: one of them is the default in the end.
    let at = format!("{path}/default");
    let (one, two) = tokio::join!(
        patient.client.post(&at, json!({ "id": lake })),
        provider.client.post(&at, json!({ "id": kept[1]["id"] })),
    );
    one.ok();
    two.ok();
    let kept = patient.client.get(&path).await.data();
    assert_eq!(names(&kept).iter().filter(|(_, default)| *default).count(), 1, "{kept}");
    let default = kept[0]["id"].as_str().unwrap().to_owned();
    let left = patient.client.delete(&format!("{path}/{default}")).await.data();
    assert!(
        names(&left).iter().all(|(_, default)| !default) && left.as_array().unwrap().len() == 2,
        "{left}"
    );
    patient.client.delete(&format!("{path}/{default}")).await.refused(404, "pharmacy_not_found");
    patient
        .client
        .post(&format!("{path}/default"), json!({ "id": default }))
        .await
        .refused(404, "pharmacy_not_found");
    patient.client.post(&path, json!({ "pharmacy_id": "nothing" })).await.refused(400, "invalid_field");
    kit.patient("s").await.client.get(&path).await.refused(404, "user_not_found");
    kit.admin().get(&path).await.refused(403, "not_allowed");
}

#[tokio::test]
async fn a_prescription_is_written_printed_and_taken_back() {
    let (kit, patient, provider, visit) = clinic().await;
    patient.client.post("/users/-/pharmacies", json!({ "name": "Corner", "city": "Albany" })).await.ok();
    let path = format!("/visits/{}/prescriptions", visit.id);
    let body = json!({ "drug": "Amoxicillin 500 mg", "directions": "One, three times a day", "quantity": "21 capsules",
        "days_supply": 7, "refills": "1", "comment": "Żółw" });
    let paper = provider.client.post(&path, body).await.data();
    assert_eq!(
        (&paper["pharmacy"], &paper["status"], &paper["transmission"], &paper["refills"]),
        (&json!("Corner, Albany"), &json!("active"), &json!("none"), &json!(1))
    );
    // The patient reads it, at the visit and among their own; nobody else does.
    assert_eq!(patient.client.get(&path).await.data()[0], paper);
    assert_eq!(patient.client.get("/users/-/prescriptions").await.data()[0], paper);
    let one = format!("/prescriptions/{}", paper["id"].as_str().unwrap());
    assert_eq!(patient.client.get(&one).await.data(), paper);
    kit.patient("s").await.client.get(&one).await.refused(404, "prescription_not_found");
    kit.admin().get(&one).await.refused(403, "not_allowed");
    patient
        .client
        .post(&path, json!({ "drug": "More", "directions": "x" }))
        .await
        .refused(403, "not_allowed");

    provider.client.post(&format!("{one}/cancel"), json!({})).await.refused(400, "invalid_field");
    patient.client.post(&format!("{one}/cancel"), json!({ "reason": "x" })).await.refused(403, "not_allowed");
    let gone = provider.client.post(&format!("{one}/cancel"), json!({ "reason": "Wrong dose" })).await.data();
    assert_eq!((&gone["status"], &gone["reason"]), (&json!("cancelled"), &json!("Wrong dose")));
    let again = provider.client.post(&format!("{one}/cancel"), json!({ "reason": "Other" })).await.data();
    assert_eq!(again["reason"], "Wrong dose");
}

#[tokio::test]
async fn another_program_reads_the_paper() {
    let Some(reader) = Reader::find() else { return };
    let (_kit, patient, provider, visit) = clinic().await;
    let body =
        json!({ "drug": "Amoxicillin 500 mg", "directions": "One, three times a day", "comment": "Żółw" });
    let paper = provider.client.post(&format!("/visits/{}/prescriptions", visit.id), body).await.data();
    let one = format!("/prescriptions/{}", paper["id"].as_str().unwrap());
    let read = reader.read(&patient.client, &format!("{one}.pdf")).await;
    let text = read["text"].as_str().unwrap();
    for part in ["Maria", "Amoxicillin 500 mg", "One, three times a day", "Żółw", "Prescribed by"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("Cancelled"), "{text}");
    assert!(read["title"].as_str().unwrap().starts_with("Prescription, "), "{read}");
    assert_eq!((&read["language"], &read["tagged"]), (&json!("en"), &json!(true)));
    provider.client.post(&format!("{one}/cancel"), json!({ "reason": "Wrong dose" })).await.ok();
    let read = reader.read(&provider.client, &format!("{one}/pdf")).await;
    let text = read["text"].as_str().unwrap();
    assert!(text.contains("Cancelled: not valid") && text.contains("Wrong dose"), "{text}");
}

#[tokio::test]
async fn what_cannot_be_prescribed_is_named() {
    let (_kit, patient, provider, visit) = clinic().await;
    let path = format!("/visits/{}/prescriptions", visit.id);
    let with = |field: &str, value: Value| {
        let mut body = json!({ "drug": "Amoxicillin", "directions": "One a day" });
        body[field] = value;
        body
    };
    for (body, field) in [
        (json!({}), "drug"),
        (json!({ "drug": "x" }), "directions"),
        (with("refills", json!(100)), "refills"),
        (with("days_supply", json!(0)), "days_supply"),
        (with("pharmacy_id", json!("nothing")), "pharmacy_id"),
    ] {
        let refused = provider.client.post(&path, body).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{refused}");
    }
    assert_eq!(patient.client.get(&path).await.data(), json!([]));
}
