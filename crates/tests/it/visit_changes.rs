//! What is done to a visit between its beginning and its end: confirmed,
//! entered, moved, handed over, called off.

use bedside_model::{At, visit::Status};
use bedside_tests::kit::{Kit, Stream, Visit};
use serde_json::{Value, json};

const NOW: i64 = 1_800_000_000;

fn at(minutes: i64) -> At {
    At::from_seconds(NOW + minutes * 60)
}

fn path(visit: &Visit, verb: &str) -> String {
    format!("/visits/{}/{verb}", visit.id)
}

#[tokio::test]
async fn an_appointment_is_confirmed_once_and_cancelled_once() {
    let (kit, _clock) = Kit::on_a_clock().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = kit.appointment_as(&patient, &room, at(60), 15, Status::Pending).await;
    assert_eq!((&visit.body["type"], &visit.body["missed"]), (&json!("2"), &json!(false)));
    patient.act(&visit, "confirm").await.refused(403, "not_allowed");
    let first = provider.act(&visit, "confirm").await.data();
    assert_eq!((&first["status"], &first["status_name"]), (&json!("20"), &json!("confirmed")));
    assert_eq!(provider.act(&visit, "confirm").await.data()["version"], first["version"]);
    let walk_in = patient.walk_in(&room).await;
    provider.act(&walk_in, "confirm").await.refused(400, "not_an_appointment");

    let off = patient.client.post("/visits/cancel", json!({ "visit_id": visit.id })).await.data();
    assert_eq!((&off["status"], &off["completed_by"]), (&json!("40"), &json!(patient.id)));
    assert_eq!(patient.act(&visit, "cancel").await.data()["version"], off["version"]);
    provider.act(&visit, "cancel").await.refused(400, "visit_closed");
    provider.act(&visit, "confirm").await.refused(400, "visit_closed");
    provider.act(&walk_in, "accept").await.ok();
    patient.act(&walk_in, "cancel").await.refused(400, "visit_in_progress");
    let nothing = patient.client.post("/visits/cancel", json!({})).await.refused(400, "invalid_field");
    assert!(nothing["fields"]["id"].is_string());
}

#[tokio::test]
async fn every_way_to_close_is_the_same() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let reason = "patient_exit_room";
    for (way, key) in [("/visits/close", "id"), ("/visits/end", "visit_id"), ("/visits/{id}/end", "")] {
        let visit = patient.walk_in(&room).await;
        let mut body = json!({ "reason": reason });
        if !key.is_empty() {
            body[key] = json!(visit.id);
        }
        let closed = patient.client.post(&way.replace("{id}", &visit.id), body).await.data();
        assert_eq!((&closed["status"], &closed["reason"]), (&json!("40"), &json!(reason)), "{way}");
    }
    let nobody = patient.client.post("/visits/close", json!({ "reason": reason })).await;
    nobody.refused(400, "invalid_field");
    let unknown = patient.client.post("/visits/end", json!({ "id": 999_999, "reason": reason })).await;
    unknown.refused(404, "visit_not_found");
}

#[tokio::test]
async fn an_appointments_patient_waits_from_a_quarter_of_an_hour_before() {
    let (kit, clock) = Kit::on_a_clock().await;
    let room = kit.room("main").await;
    let (patient, other) = (kit.patient("p-1").await, kit.patient("p-2").await);
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = kit.appointment(&patient, &room, at(60), 15).await;
    other.walk_in(&room).await;
    let length = async || kit.admin().get("/rooms/main/queue").await.data()["queue_length"].clone();

    patient.act(&visit, "add_walkin").await.refused(400, "appointment_too_early");
    patient.client.get("/visits/in_progress").await.refused(404, "visit_not_found");
    assert_eq!(length().await, 1);
    clock.advance_seconds(45 * 60);
    other.act(&visit, "add_walkin").await.refused(404, "visit_not_found");
    let waiting = patient.act(&visit, "add_walkin").await.data();
    assert_eq!((&waiting["id"], &waiting["status"]), (&json!(visit.id), &json!("10")));
    assert_eq!(waiting["type"], "2");
    assert_eq!(
        (waiting["arrived"].as_i64(), waiting["waiting_since"].as_i64()),
        (Some(NOW + 2700), Some(NOW + 2700))
    );
    assert_eq!(patient.act(&visit, "add_walkin").await.data()["version"], waiting["version"]);
    assert_eq!(length().await, 2);
    assert_eq!(patient.client.get("/rooms/main/queue").await.data()["waiting_length"], 1);
    assert_eq!(patient.client.get("/visits/in_progress").await.data()["id"], visit.id);
    // Somebody who waits is not missed, however late it gets.
    clock.advance_seconds(3600);
    let late = provider.visit(&visit).await.data();
    assert_eq!((&late["missed"], &late["status_name"]), (&json!(false), &json!("pending")));
    provider.act(&visit, "accept").await.ok();
    patient.act(&visit, "call").await.ok();
}

#[tokio::test]
async fn a_past_appointment_that_nobody_took_was_missed() {
    let (kit, clock) = Kit::on_a_clock().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let visit = kit.appointment(&patient, &room, at(60), 15).await;
    let list = async |query: &str| -> Vec<Value> {
        let listed = patient.client.get(&format!("/users/-/visits?{query}")).await.ok().json();
        let rows = listed["data"].as_array().unwrap().clone();
        assert_eq!(listed["total_count"].as_u64(), Some(rows.len() as u64));
        rows
    };
    assert_eq!((list("upcoming=1").await.len(), list("history=1").await.len()), (1, 0));
    clock.advance_seconds(75 * 60);
    let missed = patient.visit(&visit).await.data();
    assert_eq!(
        (&missed["missed"], &missed["status_name"], &missed["status"]),
        (&json!(true), &json!("missed"), &json!("20"))
    );
    assert_eq!((list("upcoming=1").await.len(), list("history=1").await.len()), (0, 1));
    assert_eq!(list("").await.len(), 1);
    patient.act(&visit, "add_walkin").await.refused(400, "appointment_missed");
    patient.client.get("/visits/in_progress").await.refused(404, "visit_not_found");
}

#[tokio::test]
async fn staff_plan_a_visit_anew() {
    let (kit, _clock) = Kit::on_a_clock().await;
    let (main, annex) = (kit.room("main").await, kit.room("annex").await);
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&main]).await;
    let outsider = kit.provider("d-2", &[&annex]).await;
    let visit = kit.appointment(&patient, &main, at(60), 15).await;
    let own = format!("/visits/{}", visit.id);
    patient.client.post(&own, json!({ "subtype": 2 })).await.refused(403, "not_allowed");
    let moved =
        provider.client.form(&own, &[("start", &(NOW + 7200).to_string()), ("override", "1")]).await.data();
    assert_eq!(
        (&moved["start"], &moved["end"]),
        (&json!((NOW + 7200).to_string()), &json!((NOW + 8100).to_string()))
    );
    let same = provider.client.post(&own, json!({ "start": NOW + 7200 })).await.data();
    assert_eq!(same["version"], moved["version"]);
    let longer = provider
        .client
        .post(&own, json!({ "end": NOW + 9000, "provider_id": provider.id, "override": 1 }))
        .await
        .data();
    assert_eq!(
        (&longer["end"], &longer["requested_provider_id"]),
        (&json!((NOW + 9000).to_string()), &json!(provider.id))
    );

    for (body, field) in [
        (json!({ "start": NOW - 7200 }), "start"),
        (json!({ "provider_id": outsider.id }), "provider_id"),
        (json!({ "provider_id": patient.id }), "provider_id"),
        (json!({ "subtype": 4 }), "subtype"),
        (json!({ "subtype": 9 }), "subtype"),
        (json!({ "status": 40 }), "status"),
        (json!({ "start": "soon" }), "start"),
    ] {
        let refused = provider.client.post(&own, body.clone()).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{body}: {refused}");
    }
    provider.client.post(&own, json!({ "end": NOW })).await.refused(400, "visit_ends_before_it_begins");
    assert_eq!(provider.visit(&visit).await.data()["version"], longer["version"]);
    let walk_in = patient.walk_in(&main).await;
    let path = format!("/visits/{}", walk_in.id);
    provider.client.post(&path, json!({ "start": NOW + 7200 })).await.refused(400, "not_an_appointment");
}

#[tokio::test]
async fn a_remark_is_kept_sealed_and_shown() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    let own = format!("/visits/{}", visit.id);
    let remark = "Bring the marker-4711 letter";
    let said = provider.client.post(&own, json!({ "description": remark })).await.data();
    assert_eq!(
        (&said["description"], &said["payment"]["description"]),
        (&json!(remark), &json!("Consultation"))
    );
    let again = provider.client.post(&own, json!({ "description": remark })).await.data();
    assert_eq!(again["version"], said["version"]);
    assert_eq!(patient.visit(&visit).await.data()["description"], remark);
    if kit.database().is_sqlite() {
        for file in std::fs::read_dir(kit.database().folder()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap_or_default();
            assert!(!bytes.windows(11).any(|window| window == b"marker-4711"), "the remark is readable");
        }
    }
    let gone = provider.client.post(&own, json!({ "description": "" })).await.data();
    assert_eq!(gone["description"], "Consultation");
}

#[tokio::test]
async fn a_visit_without_video_has_no_call() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    let own = format!("/visits/{}", visit.id);
    provider.act(&visit, "accept").await.ok();
    let pass = patient.act(&visit, "call").await.data();
    super::calls::door(&pass, None).await.unwrap();
    let mut stream = Stream::open(&provider.client).await;
    let phone = provider.client.post(&own, json!({ "subtype": 2 })).await.data();
    assert_eq!((&phone["subtype"], &phone["meeting"]["disabled"]), (&json!("2"), &json!(true)));
    assert_eq!(stream.next_of("visit.updated").await.data["visit_id"], visit.id);
    for subtype in [1, 2] {
        provider.client.post(&own, json!({ "subtype": subtype })).await.ok();
        for person in [&patient, &provider] {
            person.act(&visit, "call").await.refused(400, "no_video_for_this_visit");
        }
    }
    // The token of the call that ran is still fresh, but opens nothing.
    assert!(super::calls::door(&pass, None).await.is_err());
    provider.client.post(&own, json!({ "subtype": 3 })).await.ok();
    patient.act(&visit, "call").await.ok();
    provider.client.post(&own, json!({ "provider_id": provider.id })).await.refused(400, "visit_in_progress");
}

#[tokio::test]
async fn a_visit_is_handed_to_another_provider_with_its_place() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let (first, second) = (kit.patient("p-1").await, kit.patient("p-2").await);
    let (provider, colleague) = (kit.provider("d-1", &[&room]).await, kit.provider("d-2", &[&room]).await);
    let visit = first.walk_in(&room).await;
    second.walk_in(&room).await;
    provider.act(&visit, "accept").await.ok();
    let pass = first.act(&visit, "call").await.data();
    first
        .client
        .post(&path(&visit, "transfer"), json!({ "provider_id": colleague.id }))
        .await
        .refused(403, "not_allowed");
    let empty =
        provider.client.post(&path(&visit, "transfer"), json!({})).await.refused(400, "invalid_field");
    assert!(empty["fields"]["provider_id"].is_string());
    let body = json!({ "provider_id": colleague.id, "reason": "Knows the history" });
    let handed = provider.client.post(&path(&visit, "transfer"), body.clone()).await.data();
    assert_eq!((&handed["status"], &handed["actual_start"]), (&json!("10"), &json!(null)));
    assert_eq!(handed["requested_provider_id"], colleague.id);
    assert_eq!(handed["waiting_since"], visit.body["waiting_since"]);
    assert_eq!(handed["transfer_reason"], "Knows the history");
    assert!(first.visit(&visit).await.data().get("transfer_reason").is_none(), "it is for colleagues");
    let again = provider.client.post(&path(&visit, "transfer"), body).await.data();
    assert_eq!(again["version"], handed["version"]);
    // The call ended with it.
    assert!(super::calls::door(&pass, None).await.is_err());
    provider.act(&visit, "accept").await.refused(400, "visit_for_other_provider");
    assert_eq!(colleague.act(&visit, "accept").await.data()["status"], "25");
}

#[tokio::test]
async fn a_visit_goes_to_another_room_and_both_hear_of_it() {
    let kit = Kit::start().await;
    let (main, annex) = (kit.room("main").await, kit.room("annex").await);
    let patient = kit.patient("p-1").await;
    let (here, there) = (kit.provider("d-1", &[&main]).await, kit.provider("d-2", &[&annex]).await);
    let visit = patient.walk_in(&main).await;
    let (mut old, mut new) = (Stream::open(&here.client).await, Stream::open(&there.client).await);
    let move_to = async |body: Value| here.client.post(&path(&visit, "transfer"), body).await;

    move_to(json!({ "room_code": "nowhere" })).await.refused(404, "room_not_found");
    let mixed = move_to(json!({ "room_code": annex, "provider_id": here.id })).await;
    assert!(mixed.refused(400, "invalid_field")["fields"]["provider_id"].is_string());
    kit.admin().post("/rooms/annex", json!({ "operation_settings": { "is_closed": true } })).await.ok();
    move_to(json!({ "room_code": annex })).await.refused(400, "room_closed");
    kit.admin().post("/rooms/annex", json!({ "operation_settings": { "is_closed": false } })).await.ok();

    let moved = move_to(json!({ "room_code": annex, "provider_id": there.id })).await.data();
    assert_eq!((&moved["room_code"], &moved["requested_provider_id"]), (&json!("annex"), &json!(there.id)));
    for stream in [&mut old, &mut new] {
        let event = stream.next_of("visit.updated").await;
        assert_eq!(
            (&event.data["visit_id"], &event.data["data"]["version"]),
            (&json!(visit.id), &moved["version"])
        );
    }
    // From now on it is the other room's.
    here.visit(&visit).await.refused(404, "visit_not_found");
    move_to(json!({ "room_code": main })).await.refused(404, "visit_not_found");
    assert_eq!(here.client.get("/visits?status=10").await.ok().json()["total_count"], 0);
    assert_eq!(there.client.get("/visits?status=10").await.ok().json()["total_count"], 1);
    assert_eq!(patient.client.get("/rooms/annex/queue").await.data()["waiting_length"], 0);
    there.act(&visit, "accept").await.ok();
}

#[tokio::test]
async fn changes_at_once_leave_one_history() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let mut providers = Vec::new();
    for n in 0..6 {
        providers.push(kit.provider(&format!("d-{n}"), &[&room]).await);
    }
    let visit = patient.walk_in(&room).await;
    let mut stream = Stream::open(&kit.admin()).await;
    let target = providers[0].id.clone();
    let path = path(&visit, "transfer");
    let acts = providers.iter().enumerate().map(|(n, provider)| {
        let (path, target) = (path.clone(), target.clone());
        async move {
            match n % 3 {
                0 => provider.act(&visit_of(&path), "accept").await,
                1 => provider.client.post(&path, json!({ "provider_id": target })).await,
                _ => provider.act(&visit_of(&path), "put_back").await,
            }
        }
    });
    let answers = futures_util::future::join_all(acts).await;
    assert!(answers.iter().all(|answer| [200, 400, 403].contains(&answer.status.as_u16())));
    patient.client.post("/visits/close", json!({ "id": visit.id, "reason": "patient_end_call" })).await;
    let last = kit.admin().get(&format!("/visits/{}", visit.id)).await.data()["version"].as_i64().unwrap();
    for version in 2..=last {
        assert_eq!(stream.next_of("visit.updated").await.data["data"]["version"], version);
    }
}

fn visit_of(path: &str) -> Visit {
    let id = path.split('/').nth(2).unwrap().to_owned();
    Visit { id, intake_id: String::new(), body: Value::Null }
}
