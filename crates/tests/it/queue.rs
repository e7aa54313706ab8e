//! The queue remembers the patient: a silent page keeps its place for a while,
//! somebody who is called for longer, and nobody waits who is not there.

use bedside_app::{Clock, visits};
use bedside_model::{At, visit::Status};
use bedside_tests::kit::{Kit, Person, Stream, Visit};
use serde_json::{Value, json};

struct Room {
    kit: Kit,
    clock: Clock,
    maria: Person,
    doctor: Person,
}

async fn room_with(settings: &[(&str, &str)]) -> Room {
    let (kit, clock) = Kit::on_a_clock_with(settings).await;
    kit.room("main").await;
    let (maria, doctor) = (kit.patient("maria").await, kit.provider("d-1", &["main"]).await);
    Room { kit, clock, maria, doctor }
}

impl Room {
    /// The visit's presence as the provider sees it.
    async fn presence(&self, visit: &Visit) -> Value {
        self.doctor.visit(visit).await.data()["presence"].clone()
    }

    /// How many wait.
    async fn waiting(&self) -> Value {
        self.kit.admin().get("/rooms/main/queue").await.data()["queue_length"].clone()
    }

    /// The patient's page says that it is open.
    async fn beat(&self, visit: &Visit) {
        self.maria.visit(visit).await.ok();
    }
}

#[tokio::test]
async fn a_silent_page_keeps_its_place_for_the_grace_time() {
    let room = room_with(&[]).await;
    let visit = room.maria.walk_in("main").await;
    room.beat(&visit).await;
    assert_eq!(room.presence(&visit).await["state"], "present");
    let heard = room.clock.now().seconds();
    room.clock.advance_seconds(300);
    let away = room.presence(&visit).await;
    assert_eq!(
        away,
        json!({ "state": "away", "since": heard, "kept_until": heard + 600, "called_by": null })
    );
    assert_eq!(visits::release_places(&room.kit.app).await.unwrap(), 0);
    // Back in time: the place is hers.
    room.beat(&visit).await;
    assert_eq!(room.presence(&visit).await["state"], "present");
    room.clock.advance_seconds(599);
    visits::release_places(&room.kit.app).await.unwrap();
    assert_eq!(room.waiting().await, 1);

    let mut stream = Stream::open(&room.doctor.client).await;
    room.clock.advance_seconds(1);
    visits::release_places(&room.kit.app).await.unwrap();
    assert_eq!(stream.next_of("visit.ended").await.data["visit_id"], visit.id);
    assert_eq!(room.waiting().await, 0);
    let gone = room.maria.visit(&visit).await.data();
    assert_eq!((&gone["status"], &gone["reason"]), (&json!("40"), &json!("patient_exit_room")));
    assert_eq!(gone["presence"], Value::Null);
    let trail = room.kit.admin().get("/audit?action=visits.gone").await.ok().json();
    assert_eq!((&trail["total_count"], &trail["data"][0]["credential"]), (&json!(1), &json!("system")));
}

#[tokio::test]
async fn the_room_says_how_long_a_place_is_kept() {
    let room = room_with(&[]).await;
    let admin = room.kit.admin();
    let shown = admin.post("/rooms/main", json!({ "grace_minutes": 2 })).await.data();
    assert_eq!(shown["grace_minutes"], 2);
    for wrong in [0, 241] {
        let refusal = admin.post("/rooms/main", json!({ "grace_minutes": wrong })).await;
        assert!(refusal.refused(400, "invalid_field")["fields"]["grace_minutes"].is_string());
    }
    let visit = room.maria.walk_in("main").await;
    room.beat(&visit).await;
    room.clock.advance_seconds(120);
    visits::release_places(&room.kit.app).await.unwrap();
    assert_eq!(room.waiting().await, 0);
}

#[tokio::test]
async fn who_never_had_a_page_is_not_thrown_out() {
    let room = room_with(&[]).await;
    let visit = room.maria.walk_in("main").await;
    room.clock.advance_seconds(7_200);
    assert_eq!(visits::release_places(&room.kit.app).await.unwrap(), 0);
    assert_eq!(room.presence(&visit).await["state"], "away", "but nobody takes a ghost for a patient");
    assert_eq!(room.waiting().await, 1);
}

#[tokio::test]
async fn a_restart_throws_nobody_out() {
    let clock = Clock::fake(At::from_seconds(1_700_000_000));
    let surroundings =
        bedside::boot::Surroundings { clock: clock.clone(), random: bedside_app::Random::system() };
    let mut kit = Kit::boot(&[], surroundings).await;
    kit.room("main").await;
    let maria = kit.patient("maria").await;
    let visit = maria.walk_in("main").await;
    clock.advance_seconds(5);
    maria.visit(&visit).await.ok();
    kit.stop().await;
    // Years later, on the machine's clock: the page has not had a chance yet.
    kit.restart(&[]).await;
    assert_eq!(visits::release_places(&kit.app).await.unwrap(), 0);
    let queue = kit.admin().get("/rooms/main/queue").await.data();
    assert_eq!(queue["queue_length"], 1);
}

#[tokio::test]
async fn an_appointment_stands_when_its_patient_steps_out() {
    let room = room_with(&[]).await;
    let start = room.clock.now().plus_minutes(5);
    let visit = room.kit.appointment_as(&room.maria, "main", start, 60, Status::Confirmed).await;
    room.maria.act(&visit, "add_walkin").await.ok();
    assert_eq!(room.presence(&visit).await["state"], "present");
    assert_eq!(room.waiting().await, 1);
    room.clock.advance_seconds(600);
    visits::release_places(&room.kit.app).await.unwrap();
    let stands = room.maria.visit(&visit).await.data();
    assert_eq!((&stands["status"], &stands["arrived"]), (&json!("20"), &Value::Null));
    assert_eq!(room.waiting().await, 0);
    // She comes again, and nobody was told of a new booking.
    room.maria.act(&visit, "add_walkin").await.ok();
    assert_eq!(room.waiting().await, 1);
}

#[tokio::test]
async fn joining_again_takes_the_answers_along() {
    let room = room_with(&[]).await;
    let visit = room.maria.walk_in("main").await;
    let path = format!("/visits/{}/rejoin", visit.id);
    room.maria.client.post(&path, json!({})).await.refused(400, "cannot_rejoin");
    room.beat(&visit).await;
    room.clock.advance_seconds(700);
    visits::release_places(&room.kit.app).await.unwrap();
    let again = room.maria.client.post(&path, json!({})).await.data();
    assert_ne!(again["id"], visit.id);
    assert_eq!(again["intake"]["reason_for_visit"], "A rash on my arm");
    assert_eq!((&again["intake"]["smoker"], &again["status"]), (&json!("no"), &json!("10")));
    // A second press comes back to the same place.
    assert_eq!(room.maria.client.post(&path, json!({})).await.data()["id"], again["id"]);
    assert_eq!(room.waiting().await, 1);
}

#[tokio::test]
async fn two_who_look_at_once_release_a_place_once() {
    let room = room_with(&[]).await;
    let mut all = Vec::new();
    for number in 0..5 {
        let patient = room.kit.patient(&format!("p-{number}")).await;
        let visit = patient.walk_in("main").await;
        patient.visit(&visit).await.ok();
        all.push(visit);
    }
    room.clock.advance_seconds(600);
    let app = &room.kit.app;
    let (one, two) = futures_util::join!(visits::release_places(app), visits::release_places(app));
    one.unwrap();
    two.unwrap();
    assert_eq!(room.waiting().await, 0);
    let trail = room.kit.admin().get("/audit?action=visits.gone").await.ok().json();
    assert_eq!(trail["total_count"], all.len(), "once each");
}

#[tokio::test]
async fn whoever_leaves_is_called_when_it_is_their_turn() {
    let room = room_with(&[("sms.kind", "folder")]).await;
    let (kit, admin) = (&room.kit, room.kit.admin());
    let first = kit.patient("first").await;
    let ahead = first.walk_in("main").await;
    room.clock.advance_seconds(1);
    let visit = room.maria.walk_in("main").await;
    let path = format!("/visits/{}/leave_and_call", visit.id);
    let offered = async || room.maria.client.get(&path).await.data()["channels"].clone();
    assert_eq!(offered().await, json!([]), "nothing was tried yet");
    let body = json!({ "channel": "sms", "number": "+1 555 010 0100" });
    let refusal = room.maria.client.post(&path, body.clone()).await;
    assert!(refusal.refused(400, "invalid_field")["fields"]["channel"].is_string());
    for (channel, to) in [("sms", "+15550100199"), ("mail", "a@example.org")] {
        admin.post("/notifications/test", json!({ "channel": channel, "to": to })).await.ok();
    }
    assert_eq!(offered().await, json!(["sms", "email"]));
    let refusal = room.maria.client.post(&path, json!({ "channel": "sms", "number": "12" })).await;
    assert!(refusal.refused(400, "invalid_field")["fields"]["number"].is_string());

    let left = room.maria.client.post(&path, body).await.data();
    assert_eq!(left["presence"]["called_by"], "sms");
    // Far beyond the grace time she has her place, and the provider sees why.
    room.clock.advance_seconds(3_600);
    visits::release_places(&kit.app).await.unwrap();
    let away = room.presence(&visit).await;
    assert_eq!((&away["state"], &away["called_by"]), (&json!("away"), &json!("sms")));
    assert_eq!(visits::tell_next(&kit.app).await.unwrap(), 0, "somebody stands ahead");
    first.act(&ahead, "cancel").await.ok();
    visits::tell_next(&kit.app).await.unwrap();
    assert_eq!(visits::tell_next(&kit.app).await.unwrap(), 0, "once");
    let of_maria = |all: Vec<(String, String)>| -> Vec<String> {
        all.into_iter().filter(|(to, _)| to.contains("0100100")).map(|(_, text)| text).collect()
    };
    let told = of_maria(kit.short_messages().await);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(!told[0].contains("rash") && !told[0].contains("d-1"), "{told:?}");
    room.doctor.act(&visit, "accept").await.ok();
    let told = of_maria(kit.short_messages().await);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|text| text.contains("http")), "with the way back: {told:?}");
}

#[tokio::test]
async fn a_call_is_bounded_and_can_be_taken_back() {
    let room = room_with(&[]).await;
    room.kit
        .admin()
        .post("/notifications/test", json!({ "channel": "mail", "to": "a@example.org" }))
        .await
        .ok();
    let visit = room.maria.walk_in("main").await;
    room.beat(&visit).await;
    let path = format!("/visits/{}/leave_and_call", visit.id);
    let body = json!({ "channel": "email", "address": "maria@example.org" });
    room.maria.client.post(&path, body.clone()).await.ok();
    let kept = room.maria.client.get(&path).await.data();
    assert_eq!(kept["until"], room.clock.now().seconds() + 12 * 3_600);
    let request = room.maria.client.request(reqwest::Method::DELETE, &path);
    let stays = bedside_tests::kit::Client::send(request).await.data();
    assert_eq!(stays["presence"]["called_by"], Value::Null);
    room.maria.client.post(&path, body).await.ok();
    room.clock.advance_seconds(12 * 3_600 + 600);
    visits::release_places(&room.kit.app).await.unwrap();
    assert_eq!(room.waiting().await, 0, "nobody waits for ever");
    let maria = room.kit.patient("maria").await;
    let body = json!({ "channel": "email", "address": "maria@example.org" });
    maria.client.post(&path, body).await.refused(400, "visit_closed");
}
