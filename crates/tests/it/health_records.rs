//! Health records and readings: written by the patient and by those who treat
//! them, each entry on its own, nothing overwritten and nothing lost.

use bedside_tests::kit::{Kit, Person};
use serde_json::{Value, json};

async fn clinic() -> (Kit, Person, Person) {
    let kit = Kit::start().await;
    kit.room("main").await;
    let (patient, provider) = (kit.patient("m").await, kit.provider("d", &["main"]).await);
    patient.walk_in("main").await;
    (kit, patient, provider)
}

fn texts<'a>(section: &'a Value, field: &str) -> Vec<&'a str> {
    section["items"].as_array().unwrap().iter().map(|item| item[field].as_str().unwrap()).collect()
}

#[tokio::test]
async fn patient_and_provider_write_one_record() {
    let (kit, patient, provider) = clinic().await;
    let path = format!("/users/{}/emr", patient.id);
    let allergies = format!("{path}/allergies");
    patient.client.post("/users/-/emr/allergies", json!({ "substance": "Penicillin" })).await.ok();
    let both =
        provider.client.post(&allergies, json!({ "substance": "Nuts", "severity": "severe" })).await.data();
    assert_eq!(texts(&both, "substance"), ["Penicillin", "Nuts"]);
    assert_eq!(
        (&both["items"][0]["author_id"], &both["items"][1]["author_id"]),
        (&json!(patient.id), &json!(provider.id))
    );
    // The form of older clients.
    let form = [("condition", "Gout"), ("relations", "mother,uncle")];
    patient.client.form("/users/-/emr/family_history", &form).await.ok();
    let whole = provider.client.get(&path).await.data();
    let kinds: Vec<&str> =
        whole.as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    let schemas = patient.client.get("/emr/schemas").await.data();
    let known: Vec<&str> =
        schemas.as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, known);
    assert_eq!(whole[4]["items"][0]["relations"], json!(["mother", "uncle"]));
    // Who looked and who wrote is in the trail.
    bedside_app::audit::flush_reads(&kit.app, true).await.unwrap();
    // Reading one's own is nobody's business; the provider's looks are one entry.
    for (action, times) in [("health_records.add", 3), ("health_records.get", 1)] {
        let count =
            kit.admin().get(&format!("/audit?action={action}")).await.ok().json()["total_count"].clone();
        assert_eq!(count, times, "{action}");
    }
}

#[tokio::test]
async fn two_writers_never_overwrite_each_other() {
    let (_kit, patient, provider) = clinic().await;
    let path = format!("/users/{}/emr/medications", patient.id);
    let added = patient.client.post(&path, json!({ "name": "Aspirin", "dose": "100 mg" })).await.data();
    let entry = format!("{path}/{}", added["items"][0]["id"].as_str().unwrap());
    provider.client.post(&entry, json!({ "dose": "50 mg" })).await.refused(400, "invalid_field");
    let now = provider.client.post(&entry, json!({ "version": 1, "dose": "50 mg" })).await.data();
    assert_eq!((&now["items"][0]["version"], &now["items"][0]["name"]), (&json!(2), &json!("Aspirin")));
    // The same once more, from whoever did not hear the answer.
    provider.client.post(&entry, json!({ "version": 1, "dose": "50 mg" })).await.ok();
    let both = patient.client.post(&entry, json!({ "version": 1, "dose": "75 mg" })).await;
    let both = both.refused(400, "health_entry_changed");
    assert_eq!(
        (&both["current"]["dose"], &both["yours"]["dose"], &both["current"]["version"]),
        (&json!("50 mg"), &json!("75 mg"), &json!(2))
    );
    patient.client.post(&entry, json!({ "version": 2, "dose": null })).await.ok();
    // What is wrong is marked and kept.
    let left = provider.client.delete(&entry).await.data();
    assert_eq!(left["items"], json!([]));
    provider.client.delete(&entry).await.ok();
    provider
        .client
        .post(&entry, json!({ "version": 4, "dose": "1 g" }))
        .await
        .refused(400, "health_entry_removed");
    let kept = provider.client.get(&format!("{path}?removed=1")).await.data();
    assert_eq!(
        (&kept["items"][0]["status"], &kept["items"][0]["name"]),
        (&json!("entered_in_error"), &json!("Aspirin"))
    );
    let other = format!("/users/{}/emr/allergies/{}", patient.id, added["items"][0]["id"].as_str().unwrap());
    provider.client.delete(&other).await.refused(404, "health_entry_not_found");
}

#[tokio::test]
async fn nothing_to_report_is_said_of_an_empty_section_only() {
    let (_kit, patient, provider) = clinic().await;
    let path = format!("/users/{}/emr/allergies", patient.id);
    assert_eq!(provider.client.get(&path).await.data()["not_reported"], false);
    assert_eq!(
        patient.client.post(&path, json!({ "not_reported": true })).await.data()["not_reported"],
        true
    );
    let both = json!({ "not_reported": true, "substance": "Nuts" });
    provider.client.post(&path, both).await.refused(400, "invalid_field");
    let now = provider.client.post(&path, json!({ "substance": "Nuts" })).await.data();
    assert_eq!((&now["not_reported"], texts(&now, "substance")), (&json!(false), vec!["Nuts"]));
    patient.client.post(&path, json!({ "not_reported": true })).await.refused(400, "health_entries_exist");
    assert_eq!(provider.client.get(&path).await.data()["not_reported"], false);
    let entry = format!("{path}/{}", now["items"][0]["id"].as_str().unwrap());
    patient
        .client
        .post(&entry, json!({ "version": 1, "not_reported": true }))
        .await
        .refused(400, "invalid_field");
    provider.client.delete(&entry).await.ok();
    assert_eq!(patient.client.post(&path, json!({ "not_reported": "1" })).await.data()["not_reported"], true);
    assert_eq!(
        patient.client.post(&path, json!({ "not_reported": false })).await.data()["not_reported"],
        false
    );
    // Both at once: one of them hears of the other.
    let (said, added) = tokio::join!(
        patient.client.post(&path, json!({ "not_reported": true })),
        provider.client.post(&path, json!({ "substance": "Latex" })),
    );
    added.ok();
    let now = provider.client.get(&path).await.data();
    assert_eq!(
        (texts(&now, "substance"), &now["not_reported"]),
        (vec!["Latex"], &json!(false)),
        "{}",
        said.text
    );
}

#[tokio::test]
async fn how_somebody_lives_is_one_entry() {
    let (_kit, patient, provider) = clinic().await;
    let path = format!("/users/{}/emr/social_history", patient.id);
    patient.client.post(&path, json!({ "occupation": "Baker", "number_of_kids": "2" })).await.ok();
    provider.client.post(&path, json!({ "marital_status": "married" })).await.refused(400, "invalid_field");
    let now = provider.client.post(&path, json!({ "version": 1, "marital_status": "married" })).await.data();
    assert_eq!(now["items"].as_array().unwrap().len(), 1);
    let entry = &now["items"][0];
    assert_eq!(
        (&entry["occupation"], &entry["number_of_kids"], &entry["marital_status"]),
        (&json!("Baker"), &json!(2), &json!("married"))
    );
}

#[tokio::test]
async fn a_bad_field_is_named_and_nothing_is_written() {
    let (kit, patient, provider) = clinic().await;
    let path = format!("/users/{}/emr", patient.id);
    for (kind, body, field) in [
        ("allergies", json!({}), "substance"),
        ("allergies", json!({ "substance": "Nuts", "severity": "awful" }), "severity"),
        ("surgeries", json!({ "procedure": "Appendix", "date": "2019-02-30" }), "date"),
        ("medications", json!({ "name": "Aspirin", "colour": "white" }), "colour"),
    ] {
        let refused =
            patient.client.post(&format!("{path}/{kind}"), body).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{refused}");
    }
    for section in patient.client.get(&path).await.data().as_array().unwrap() {
        assert_eq!((&section["items"], &section["not_reported"]), (&json!([]), &json!(false)));
    }
    patient.client.get(&format!("{path}/tattoos")).await.refused(404, "health_section_not_found");
    let own = format!("/users/{}/emr", provider.id);
    provider.client.get(&own).await.refused(403, "not_allowed");
    // Those who run the clinic do not read along, and other patients are not there.
    kit.admin().get(&path).await.refused(403, "not_allowed");
    let stranger = kit.patient("s").await;
    stranger.client.get(&path).await.refused(404, "user_not_found");
    let outsider = kit.provider("o", &[]).await;
    outsider
        .client
        .post(&format!("{path}/allergies"), json!({ "substance": "x" }))
        .await
        .refused(404, "user_not_found");
}

#[tokio::test]
async fn a_guardian_writes_for_a_child() {
    let (_kit, patient, provider) = clinic().await;
    let child =
        json!({ "first_name": "Ana", "last_name": "Santos", "dob": "2020-02-29", "relation": "child" });
    let child = patient.client.post(&format!("/users/{}/dependants", patient.id), child).await.data();
    let path = format!("/users/{}/emr/allergies", child["id"].as_str().unwrap());
    patient.client.post(&path, json!({ "substance": "Milk" })).await.ok();
    provider.client.get(&path).await.refused(404, "user_not_found");
}

#[tokio::test]
async fn the_record_lies_sealed() {
    let (kit, patient, _provider) = clinic().await;
    patient.client.post("/users/-/emr/allergies", json!({ "substance": "Xylophonium" })).await.ok();
    let body = json!({ "type": "pulse", "value": 71, "comment": "Xylophonium" });
    patient.client.post("/users/-/health_data", body).await.ok();
    for table in ["health_entries", "health_readings"] {
        let like = match kit.database().is_sqlite() {
            true => format!(
                "UPDATE {table} SET status = status WHERE instr(content, CAST('Xylophonium' AS BLOB)) > 0"
            ),
            false => format!(
                "UPDATE {table} SET status = status WHERE position('Xylophonium'::bytea IN content) > 0"
            ),
        };
        assert_eq!(bedside_tests::kit::sql(kit.database().url(), &like).await, 0, "{table}");
        let all = format!("UPDATE {table} SET status = status");
        assert_eq!(bedside_tests::kit::sql(kit.database().url(), &all).await, 1, "{table}");
    }
}

#[tokio::test]
async fn readings_keep_what_was_typed_beside_one_unit() {
    let (_kit, patient, provider) = clinic().await;
    let path = format!("/users/{}/health_data", patient.id);
    let at = 1_700_000_000;
    let body = json!({ "type": "temperature", "value": 98.6, "unit": "F", "taken_at": at, "comment": "in the evening" });
    let fever = patient.client.post("/users/-/health_data", body).await.data();
    assert_eq!(
        (&fever["value"], &fever["unit"], &fever["typed_value"], &fever["typed_unit"], &fever["taken_at"]),
        (&json!(37.0), &json!("C"), &json!(98.6), &json!("F"), &json!(at))
    );
    let body = json!({ "type": "blood_pressure", "systolic": 128, "diastolic": 82, "taken_at": at + 60 });
    let pressure = provider.client.post(&path, body).await.data();
    assert_eq!((&pressure["systolic"], &pressure["diastolic"]), (&json!(128.0), &json!(82.0)));
    patient
        .client
        .form("/users/-/health_data", &[("type", "pulse"), ("value", "71"), ("taken_at", "1700000120")])
        .await
        .ok();

    let kinds = async |query: &str| {
        let list = provider.client.get(&format!("{path}?{query}")).await.data();
        list.as_array()
            .unwrap()
            .iter()
            .map(|one| one["type"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds("").await, ["pulse", "blood_pressure", "temperature"]);
    assert_eq!(kinds("type=pulse").await, ["pulse"]);
    assert_eq!(kinds("limit=1").await, ["pulse"]);
    assert_eq!(kinds(&format!("from={}&to={}", at + 60, at + 120)).await, ["blood_pressure"]);

    let gone = format!("{path}/{}", fever["id"].as_str().unwrap());
    patient.client.delete(&gone).await.ok();
    patient.client.delete(&gone).await.ok();
    assert_eq!(kinds("").await, ["pulse", "blood_pressure"]);
    assert_eq!(kinds("removed=1&type=temperature").await, ["temperature"]);
    patient.client.delete(&format!("{path}/nothing")).await.refused(404, "health_reading_not_found");
}

#[tokio::test]
async fn a_slip_of_the_finger_is_asked_about() {
    let (kit, patient, _provider) = clinic().await;
    for (body, field) in [
        (json!({}), "type"),
        (json!({ "type": "mood", "value": 3 }), "type"),
        (json!({ "type": "temperature" }), "value"),
        (json!({ "type": "temperature", "value": 377 }), "value"),
        (json!({ "type": "temperature", "value": "warm" }), "value"),
        (json!({ "type": "weight", "value": 70, "unit": "stone" }), "unit"),
        (json!({ "type": "blood_pressure", "systolic": 80, "diastolic": 120 }), "diastolic"),
        (json!({ "type": "blood_pressure", "systolic": 120 }), "diastolic"),
        (json!({ "type": "pulse", "value": 60, "taken_at": 9_999_999_999_i64 }), "taken_at"),
    ] {
        let refused =
            patient.client.post("/users/-/health_data", body.clone()).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{body}: {refused}");
    }
    patient.client.get("/users/-/health_data?limit=0").await.refused(400, "invalid_field");
    assert_eq!(patient.client.get("/users/-/health_data").await.data(), json!([]));
    let outsider = kit.provider("o", &[]).await;
    outsider.client.get(&format!("/users/{}/health_data", patient.id)).await.refused(404, "user_not_found");
}
