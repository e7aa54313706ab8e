//! E-consults: asked without a meeting, accepted once, completed.

use bedside_tests::kit::{Kit, Stream};
use serde_json::json;

#[tokio::test]
async fn every_provider_of_the_room_sees_it_and_one_answers() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    kit.room("annex").await;
    let patient = kit.patient("p-1").await;
    let (one, two) = (kit.provider("d-1", &[&room]).await, kit.provider("d-2", &[&room]).await);
    let elsewhere = kit.provider("d-3", &["annex"]).await;
    let mut stream = Stream::open(&two.client).await;
    let intake = patient.intake(&room).await;
    let body = json!({ "intake_id": intake, "provider_id": one.id });
    let asked = patient.client.post("/visits/add_econsult", body.clone()).await.data();
    assert_eq!(
        (&asked["type"], &asked["subtype"], &asked["status"]),
        (&json!("3"), &json!("4"), &json!("10"))
    );
    // Nobody has it yet, also when somebody was asked for.
    assert_eq!((&asked["provider_id"], &asked["provider"]), (&json!(null), &json!(null)));
    assert_eq!(asked["requested_provider_id"], one.id);
    assert_eq!(asked["meeting"]["disabled"], true);
    let id = asked["id"].as_str().unwrap();
    assert_eq!(stream.next_of("visit.created").await.data["visit_id"], id);
    patient.client.post("/add_econsult", body).await.refused(400, "intake_already_used");

    for provider in [&one, &two] {
        let queue = provider.client.get("/visits?status=10&type=3").await.ok().json();
        assert_eq!((&queue["total_count"], &queue["data"][0]["id"]), (&json!(1), &json!(id)));
    }
    assert_eq!(elsewhere.client.get("/visits").await.ok().json()["total_count"], 0);
    elsewhere.client.post(&format!("/visits/{id}/accept"), json!({})).await.refused(404, "visit_not_found");
    // It takes no place in the waiting room.
    assert_eq!(kit.admin().get("/rooms/main/queue").await.data()["queue_length"], 0);

    one.client.post(&format!("/visits/{id}/accept"), json!({})).await.ok();
    two.client
        .post(&format!("/visits/{id}/accept"), json!({ "confirm": 1 }))
        .await
        .refused(400, "visit_taken");
    for person in [&patient, &one] {
        let call = person.client.post(&format!("/visits/{id}/call"), json!({})).await;
        call.refused(400, "no_video_for_this_visit");
    }
    let video = one.client.post(&format!("/visits/{id}"), json!({ "subtype": 3 })).await;
    assert!(video.refused(400, "invalid_field")["fields"]["subtype"].is_string());
    let done = one.client.post(&format!("/visits/{id}/complete"), json!({})).await.data();
    assert_eq!((&done["status"], &done["provider_id"]), (&json!("30"), &json!(one.id)));
}

#[tokio::test]
async fn a_room_may_take_none() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let off = json!({ "visits": { "econsult": { "enabled": false } } });
    kit.admin().post("/rooms/main", off).await.ok();
    let intake = patient.intake(&room).await;
    let body = json!({ "intake_id": intake });
    patient.client.post("/visits/add_econsult", body.clone()).await.refused(400, "econsult_disabled");
    // The intake is still free.
    patient.client.post("/visits/add_walkin", body).await.ok();
}

#[tokio::test]
async fn an_e_consult_is_taken_back_and_handed_over() {
    let kit = Kit::start().await;
    let (room, annex) = (kit.room("main").await, kit.room("annex").await);
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let ask = async || {
        let intake = patient.intake(&room).await;
        let asked = patient.client.post("/add_econsult.json", json!({ "intake_id": intake })).await.data();
        asked["id"].as_str().unwrap().to_owned()
    };
    let first = ask().await;
    let body = json!({ "reason": "patient_exit_room" });
    assert_eq!(patient.client.post(&format!("/visits/{first}/close"), body).await.data()["status"], "40");
    let second = ask().await;
    let moved =
        provider.client.post(&format!("/visits/{second}/transfer"), json!({ "room_code": annex })).await;
    assert_eq!(moved.data()["room_code"], "annex");
    provider.client.get(&format!("/visits/{second}")).await.refused(404, "visit_not_found");
}

/// All providers of the room answer at once: one gets it, the others are told,
/// and there is one event of it.
#[tokio::test]
async fn of_many_who_accept_it_at_once_one_gets_it() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let mut providers = Vec::new();
    for number in 0..12 {
        providers.push(kit.provider(&format!("d-{number}"), &[&room]).await);
    }
    let mut stream = Stream::open(&kit.admin()).await;
    for round in 0..5 {
        let intake = patient.intake(&room).await;
        let asked = patient.client.post("/visits/add_econsult", json!({ "intake_id": intake })).await.data();
        let id = asked["id"].as_str().unwrap().to_owned();
        let path = format!("/visits/{id}/accept");
        let race = providers.iter().map(|one| {
            let (client, path) = (one.client.clone(), path.clone());
            tokio::spawn(async move { client.post(&path, json!({})).await })
        });
        let race: Vec<_> = race.collect();
        let mut winners = Vec::new();
        for (at, answer) in race.into_iter().enumerate() {
            let answer = answer.await.unwrap();
            if answer.status == 200 {
                winners.push(at);
            } else {
                answer.refused(400, "visit_taken");
            }
        }
        assert_eq!(winners.len(), 1, "round {round}");
        let winner = &providers[winners[0]];
        let kept = kit.admin().get(&format!("/visits/{id}")).await.data();
        assert_eq!((&kept["provider_id"], &kept["status"]), (&json!(winner.id), &json!("25")));
        assert_eq!(stream.next_of("visit.created").await.data["visit_id"], json!(id));
        let accepted = stream.next_of("visit.updated").await;
        assert_eq!(accepted.data["data"]["provider_id"], json!(winner.id));
        // The next frame about it is its end: nobody accepted it twice.
        winner.client.post(&format!("/visits/{id}/complete"), json!({})).await.ok();
        let next = stream.next().await;
        assert_eq!((&*next.event, &next.data["visit_id"]), ("visit.ended", &json!(id)));
    }
}
