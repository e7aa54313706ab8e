//! Intakes: what a portal sends comes back as it was sent.

use bedside_tests::kit::{Client, Kit, Person};
use serde_json::{Value, json};

#[tokio::test]
async fn custom_fields_of_any_json_come_back() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let body = json!({
        "reasonforvisit": "Cough", "room_code": room, "type": "1", "reset": true,
        "custom_is_smoker": "No", "history": { "since": [2019, 2020], "note": null },
    });
    let added = patient.client.post("/intakes.json", body).await.data();
    assert_eq!(added["custom_is_smoker"], "No");
    assert!(added.get("reason_for_visit").is_none() && added.get("reset").is_none(), "{added}");

    let path = format!("/intakes/{}", added["id"].as_str().unwrap());
    let intake = patient.client.get(&path).await.data();
    assert_eq!(intake["type"], "1");
    assert_eq!(intake["reason_for_visit"], "Cough");
    assert_eq!(intake["history"], json!({ "since": [2019, 2020], "note": null }));
    assert!(intake["created"].is_i64());

    patient.client.form(&path, &[("custom_is_smoker", "Yes")]).await.ok();
    let changed = patient.client.get(&path).await.data();
    assert_eq!(
        (&changed["custom_is_smoker"], &changed["reason_for_visit"]),
        (&json!("Yes"), &json!("Cough"))
    );
}

#[tokio::test]
async fn nobody_makes_or_reads_somebody_elses_intake() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let (maria, tom) = (kit.patient("maria").await, kit.patient("tom").await);
    let provider = kit.provider("d-1", &[&room]).await;
    let foreign = json!({ "member_id": maria.id, "room_code": room });
    tom.client.post("/intakes", foreign.clone()).await.refused(403, "not_your_intake");
    provider.client.post("/intakes", foreign.clone()).await.refused(400, "invalid_field");
    kit.anonymous().post("/intakes", foreign).await.refused(401, "token_missing");

    let intake = maria.intake(&room).await;
    let path = format!("/intakes/{intake}");
    tom.client.get(&path).await.refused(404, "intake_not_found");
    tom.client.post(&path, json!({ "reason_for_visit": "mine now" })).await.refused(404, "intake_not_found");
    // A provider sees it once it belongs to a visit of their room.
    provider.client.get(&path).await.refused(404, "intake_not_found");
    maria.client.post("/visits/add_walkin", json!({ "intake_id": intake })).await.ok();
    assert_eq!(provider.client.get(&path).await.data()["reason_for_visit"], "A rash on my arm");
    let other = kit.another_clinic("southside").await;
    kit.admin_of(&other).get(&path).await.refused(404, "intake_not_found");
}

#[tokio::test]
async fn an_admin_token_names_the_patient_by_number_or_by_the_portals_code() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("maria@example.com").await;
    for member in [patient.id.as_str(), "maria@example.com"] {
        let body = json!({ "member_id": member, "room_code": room });
        let id = kit.admin().post("/intakes", body).await.data()["id"].as_str().unwrap().to_owned();
        let intake = patient.client.get(&format!("/intakes/{id}")).await.data();
        assert_eq!(intake["member_id"], patient.id);
    }
    let missing =
        kit.admin().post("/intakes", json!({ "room_code": room })).await.refused(400, "invalid_field");
    assert!(missing["fields"]["member_id"].is_string());
    let unknown = kit.admin().post("/intakes", json!({ "member_id": patient.id, "room_code": "none" })).await;
    assert!(unknown.refused(400, "invalid_field")["fields"]["room_code"].is_string());
}

#[tokio::test]
async fn answers_are_sealed_in_the_database() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    kit.patient("p-1").await.walk_in(&room).await;
    if kit.database().is_sqlite() {
        let mut found = false;
        for file in std::fs::read_dir(kit.database().folder()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap_or_default();
            found |= bytes.windows(16).any(|window| window == b"A rash on my arm");
        }
        assert!(!found, "the reason for the visit is readable in the database files");
    }
}

async fn upload(person: &Person, name: &str) -> String {
    let part =
        reqwest::multipart::Part::bytes(b"Letter of the hospital".as_slice()).file_name(name.to_owned());
    let form = reqwest::multipart::Form::new().part("file", part).text("meta.category", "intake_attachment");
    let request = person.client.request(reqwest::Method::POST, "/files").multipart(form);
    Client::send(request).await.data()["id"].as_str().unwrap().to_owned()
}

fn names(intake: &Value) -> Vec<&str> {
    intake["attachments"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn files_hang_on_an_intake_in_all_three_forms() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let (patient, other) = (kit.patient("p-1").await, kit.patient("p-2").await);
    let provider = kit.provider("d-1", &[&room]).await;
    let (a, b, foreign) =
        (upload(&patient, "a.txt").await, upload(&patient, "b.txt").await, upload(&other, "c.txt").await);
    let mut last = String::new();
    for form in [json!([{ "id": a }, { "id": b }]), json!([a, b]), json!(format!("{a},{b}"))] {
        let body = json!({ "room_code": room, "attachments": form, "smoker": "no" });
        let added = patient.client.post("/intakes", body).await.data();
        // Only custom fields are echoed.
        assert_eq!((added.get("attachments"), &added["smoker"]), (None, &json!("no")));
        last = added["id"].as_str().unwrap().to_owned();
        let intake = patient.client.get(&format!("/intakes/{last}")).await.data();
        assert_eq!(names(&intake), ["a.txt", "b.txt"], "{form}");
        let file = &intake["attachments"][0];
        assert_eq!((&file["_id"], &file["id"], &file["ext"]), (&json!(a), &json!(a), &json!("txt")));
        assert_eq!((&file["type"], &file["using"], &file["remark"]), (&json!(0), &json!(1), &Value::Null));
        assert_eq!((&file["creator_id"], file["size"].as_i64()), (&json!(patient.id), Some(22)));
        assert!(file["created"]["sec"].is_i64() && file["modified"]["usec"].is_i64());
    }
    let path = format!("/intakes/{last}");
    for bad in [json!([foreign]), json!([a, "nonsense"]), json!(7), json!([{ "name": "a.txt" }])] {
        let refused =
            patient.client.post(&path, json!({ "attachments": bad })).await.refused(400, "invalid_field");
        assert!(refused["fields"]["attachments"].is_string(), "{bad}");
    }
    // Unsent, they stay; sent, they replace; empty, they go.
    patient.client.post(&path, json!({ "smoker": "yes" })).await.ok();
    assert_eq!(names(&patient.client.get(&path).await.data()), ["a.txt", "b.txt"]);
    patient.client.form(&path, &[("attachments[]", &b)]).await.ok();
    assert_eq!(names(&patient.client.get(&path).await.data()), ["b.txt"]);

    let visit = patient.client.post("/visits/add_walkin", json!({ "intake_id": last })).await.data();
    assert_eq!(names(&visit["intake"]), ["b.txt"]);
    let of_visit = format!("/visits/{}", visit["id"].as_str().unwrap());
    let seen = provider.client.get(&of_visit).await.data();
    let link = seen["intake"]["attachments"][0]["path"].as_str().unwrap().to_owned();
    let content = kit.anonymous().get(&format!("/{}", link.strip_prefix(&kit.base).unwrap())).await.ok();
    assert_eq!(content.text, "Letter of the hospital");
    let listed = provider.client.get("/visits").await.data();
    assert_eq!(listed[0]["intake"]["attachments"], json!([{ "_id": b, "id": b }]));
    patient.client.post(&path, json!({ "attachments": "" })).await.ok();
    assert_eq!(patient.client.get(&of_visit).await.data()["intake"]["attachments"], json!([]));
}

#[tokio::test]
async fn what_the_patient_comes_for_decides_length_and_price() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let offered = json!({ "payment": { "consultations": [
        { "description": "Short", "duration": 10, "amount": 0 },
        { "description": "Long", "duration": 45, "amount": 80.5, "charge": true },
    ] } });
    kit.admin().post("/rooms/main", offered).await.ok();
    let room_view = kit.anonymous().header("X-AccountCode", "northside").get("/rooms/main").await.data();
    let long = room_view["payment"]["consultations"][1].clone();
    let walk_in = async |chosen: Value, more: Value| {
        let id = patient.intake(&room).await;
        let body = json!({ "consultation": chosen, "location": "CA", "phone": "+1 555 0100" });
        patient.client.post(&format!("/intakes/{id}"), body).await.ok();
        let intake = patient.client.get(&format!("/intakes/{id}")).await.data();
        assert_eq!((&intake["location"], &intake["consultation"]), (&json!("CA"), &chosen));
        let mut body = json!({ "intake_id": id });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        patient.client.post("/visits/add_walkin", body).await
    };
    let visit = walk_in(long.clone(), json!({})).await.data();
    let paid = json!({ "duration": 45, "amount": "80.50", "description": "Long" });
    assert_eq!((&visit["payment"], &visit["state"]), (&paid, &json!("CA")));
    let seconds = |name: &str| visit[name].as_str().unwrap().parse::<i64>().unwrap();
    assert_eq!(seconds("end") - seconds("start"), 45 * 60);
    // The portal's own answer that we do not know is no reason to refuse.
    let own = walk_in(json!({ "name": "Botox" }), json!({})).await.data();
    assert_eq!(own["payment"]["description"], "Short");
    let named = walk_in(Value::Null, json!({ "consultation_id": long["id"] })).await.data();
    assert_eq!(named["payment"], paid);
    let unknown =
        walk_in(Value::Null, json!({ "consultation_id": "nothing" })).await.refused(400, "invalid_field");
    assert!(unknown["fields"]["consultation_id"].is_string());
}
