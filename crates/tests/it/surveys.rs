//! Surveys: built in and of a clinic's own, answered once per person and visit.

use bedside_model::At;
use bedside_tests::kit::{Kit, Person, Stream, Visit, sql};
use serde_json::{Value, json};

struct Desk {
    kit: Kit,
    patient: Person,
    doctor: Person,
    visit: Visit,
}

async fn desk() -> Desk {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("maria").await;
    let doctor = kit.provider("d-1", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    doctor.act(&visit, "accept").await.ok();
    Desk { kit, patient, doctor, visit }
}

fn stars(visit: &Visit, stars: i64, comment: &str) -> Value {
    json!({ "visit_id": visit.id, "answers": { "stars": stars, "comment": comment } })
}

const RATE: &str = "/surveys/visit_rating/results";

#[tokio::test]
async fn a_visit_is_rated_once_without_any_set_up() {
    let desk = desk().await;
    let listed = desk.patient.client.get("/surveys").await.ok().json();
    assert_eq!((&listed["total"], &listed["data"][0]["code"]), (&json!(1), &json!("visit_rating")));
    let asked = desk.patient.client.get("/surveys/visit_rating").await.data();
    assert_eq!((&asked["questions"][0]["min"], &asked["questions"][0]["max"]), (&json!(1), &json!(5)));
    let first = desk.patient.client.post(RATE, stars(&desk.visit, 4, " Kind. ")).await.data();
    assert_eq!((&first["rating"], &first["answers"]["comment"]), (&json!(4), &json!("Kind.")));
    // The second click answers as the first, whatever it says.
    let second = desk.patient.client.post(RATE, stars(&desk.visit, 1, "Changed my mind")).await.data();
    assert_eq!(second, first);
    // Several clicks at once are one as well.
    let other = desk.kit.patient("tom").await;
    let visit = other.walk_in("main").await;
    desk.doctor.act(&visit, "accept").await.ok();
    let clicks = (0..4).map(|n| other.client.post(RATE, stars(&visit, n + 1, "")));
    let answers = futures_util::future::join_all(clicks).await;
    let ids: std::collections::BTreeSet<String> =
        answers.into_iter().map(|answer| answer.data()["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 1);

    let path = format!("/visits/{}/survey_results", desk.visit.id);
    for client in [&desk.kit.admin(), &desk.doctor.client, &desk.patient.client] {
        assert_eq!(client.get(&path).await.ok().json()["data"], json!([first]));
    }
    // Whoever works in the room does not read what patients said of a colleague.
    let colleague = desk.kit.provider("d-2", &["main"]).await;
    colleague.client.get(&path).await.refused(403, "not_allowed");
}

#[tokio::test]
async fn only_a_visit_that_took_place_is_rated_and_only_by_its_patient() {
    let desk = desk().await;
    let (tom, client) = (desk.kit.patient("tom").await, &desk.patient.client);
    let waiting = tom.walk_in("main").await;
    tom.client.post(RATE, stars(&waiting, 5, "")).await.refused(400, "survey_too_early");
    tom.client.post(RATE, stars(&desk.visit, 5, "")).await.refused(404, "visit_not_found");
    desk.doctor.client.post(RATE, stars(&desk.visit, 5, "")).await.refused(403, "not_allowed");
    client.post("/surveys/other/results", stars(&desk.visit, 5, "")).await.refused(404, "survey_not_found");
    for (answers, field) in [
        (json!({}), "answers.stars"),
        (json!({ "stars": 0 }), "answers.stars"),
        (json!({ "stars": 6 }), "answers.stars"),
        (json!({ "stars": 3, "hostile": 1 }), "answers.hostile"),
        (json!({ "stars": 3, "comment": "x".repeat(5_001) }), "answers.comment"),
    ] {
        let body = json!({ "visit_id": desk.visit.id, "answers": answers });
        let refused = client.post(RATE, body).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{refused}");
    }
    // Nothing of that was kept.
    client.post(RATE, stars(&desk.visit, 2, "")).await.ok();
}

#[tokio::test]
async fn a_clinic_asks_its_own_questions_in_versions() {
    let desk = desk().await;
    let admin = desk.kit.admin();
    let survey = |label: &str| {
        json!({ "code": "after-visit", "title": "How did we do?", "questions": [
            { "code": "recommend", "kind": "rating", "label": label, "required": true, "max": 10 },
            { "code": "heard", "kind": "choice", "label": "How did you hear of us?", "multiple": true,
                "choices": [{ "code": "friend", "label": "A friend" }, { "code": "web", "label": "The web" }] },
        ] })
    };
    let first = admin.post("/surveys", survey("Would you recommend us?")).await.data();
    assert_eq!((&first["version"], &first["questions"][0]["min"]), (&json!(1), &json!(0)));
    assert_eq!(
        admin.post("/surveys", survey("Would you recommend us?")).await.data(),
        first,
        "the same is none"
    );
    let path = "/surveys/after-visit/results";
    let body =
        json!({ "visit_id": desk.visit.id, "answers": { "recommend": 0, "heard": ["web", "friend"] } });
    let result = desk.patient.client.post(path, body).await.data();
    assert_eq!((&result["survey_version"], &result["rating"]), (&json!(1), &Value::Null));
    assert_eq!(result["answers"], json!({ "recommend": 0, "heard": ["friend", "web"] }));
    assert_eq!(admin.post("/surveys", survey("Would you tell a friend?")).await.data()["version"], 2);
    let kept = admin.get(&format!("/visits/{}/survey_results", desk.visit.id)).await.data();
    assert_eq!(kept[0]["survey_version"], 1, "answers keep the version that they were given to");
    assert!(admin.client_delete("/surveys/after-visit").await["retired"].is_i64());
    desk.patient.client.get("/surveys/after-visit").await.refused(404, "survey_not_found");
    assert_eq!(desk.patient.client.get("/surveys").await.ok().json()["total"], 1);
    assert_eq!(admin.post("/surveys", survey("Would you tell a friend?")).await.data()["version"], 3);

    for (body, field) in [
        (json!({ "code": "visit_rating", "title": "x", "questions": [] }), "code"),
        (json!({ "code": "A b", "title": "x", "questions": [] }), "code"),
        (json!({ "code": "a", "title": " ", "questions": [] }), "title"),
        (json!({ "code": "a", "title": "x", "questions": [] }), "questions"),
        (
            json!({ "code": "a", "title": "x", "questions": [{ "code": "q", "kind": "song", "label": "x" }] }),
            "questions",
        ),
    ] {
        let refused = admin.post("/surveys", body).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{refused}");
    }
    desk.doctor.client.post("/surveys", survey("x")).await.refused(403, "admin_only");
}

trait Delete {
    async fn client_delete(&self, path: &str) -> Value;
}

impl Delete for bedside_tests::kit::Client {
    async fn client_delete(&self, path: &str) -> Value {
        Self::send(self.request(reqwest::Method::DELETE, path)).await.data()
    }
}

#[tokio::test]
async fn a_rating_is_told_to_the_provider_alone_and_never_what_was_written() {
    let desk = desk().await;
    let colleague = desk.kit.provider("d-2", &["main"]).await;
    let (mut own, mut other) =
        (Stream::open(&desk.doctor.client).await, Stream::open(&colleague.client).await);
    desk.patient.client.post(RATE, stars(&desk.visit, 5, "Between us")).await.ok();
    let heard = own.next_of("visit.rated").await;
    assert_eq!(heard.data["data"]["survey"], json!({ "code": "visit_rating", "version": 1, "rating": 5 }));
    assert!(!heard.data.to_string().contains("Between us"));
    // What comes next in order: the colleague heard nothing before it.
    desk.doctor.act(&desk.visit, "complete").await.ok();
    loop {
        let frame = other.next().await;
        assert_ne!(frame.event, "visit.rated");
        if frame.event == "visit.ended" {
            break;
        }
    }
    // The text lies sealed.
    let found = "UPDATE survey_results SET rating = rating WHERE CAST(answers AS TEXT) LIKE '%Between us%'";
    assert_eq!(sql(desk.kit.database().url(), found).await, 0);
    let all = "UPDATE survey_results SET rating = rating WHERE rating = 5";
    assert_eq!(sql(desk.kit.database().url(), all).await, 1);
}

#[tokio::test]
async fn whoever_holds_the_link_rates_their_own_visit() {
    let (kit, clock) = Kit::on_a_clock().await;
    kit.room("main").await;
    let admin = kit.admin();
    admin.post("/rooms/main", json!({ "visits": { "appointment": { "enabled": true } } })).await.ok();
    admin.post("/accounts/-", json!({ "one_time_links": 1 })).await.ok();
    let doctor = kit.provider("d-1", &["main"]).await;
    let begin = clock.now().seconds() + 7_200;
    let hours = json!({ "room_code": "main", "start": begin, "end": begin + 7_200 });
    doctor.client.post("/slots", hours).await.ok();
    let patient = kit.patient("maria").await;
    let book = async |start: i64| {
        let intake = patient.intake("main").await;
        patient.client.post("/visits", json!({ "intake_id": intake, "start": start })).await.data()
    };
    let (own, other) = (book(begin).await, book(begin + 3_600).await);
    let holder = kit.anonymous().header("X-AccountCode", "northside");
    let holder = holder.header("X-LinkToken", own["one_time_link_token"].as_str().unwrap());
    clock.advance_seconds(begin - At::seconds(clock.now()));
    doctor.client.post(&format!("/visits/{}/accept", own["id"].as_str().unwrap()), json!({})).await.ok();
    holder.get("/surveys").await.ok();
    holder.get("/surveys/visit_rating").await.ok();
    let rate = |visit: &Value| json!({ "visit_id": visit["id"], "answers": { "stars": 5 } });
    let made = holder.post(RATE, rate(&own)).await.data();
    assert_eq!(made["user_id"], json!(patient.id));
    assert_eq!(patient.client.post(RATE, rate(&own)).await.data(), made, "the same person");
    holder.post(RATE, rate(&other)).await.refused(404, "visit_not_found");
}
