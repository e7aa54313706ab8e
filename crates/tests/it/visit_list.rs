//! `GET /visits` and `GET /users/:id/visits`: filters, order, fields, pages.
//! That filters and pages agree with a model is proven in the store.

use bedside_model::At;
use bedside_tests::kit::{Kit, Person, sql};
use serde_json::{Value, json};

fn ids(list: &Value) -> Vec<String> {
    list["data"].as_array().unwrap().iter().map(|visit| visit["id"].as_str().unwrap().to_owned()).collect()
}

async fn list(person: &Person, query: &str) -> Vec<String> {
    ids(&person.client.get(&format!("/visits?{query}")).await.ok().json())
}

#[tokio::test]
async fn every_filter_narrows() {
    let (kit, clock) = Kit::on_a_clock().await;
    let (main, annex) = (kit.room("main").await, kit.room("annex").await);
    let (maria, tom) = (kit.patient("maria").await, kit.patient("tom").await);
    let (one, two) = (kit.provider("d-1", &[&main]).await, kit.provider("d-2", &[&annex]).await);
    let begin = clock.now().seconds();
    let first = maria.walk_in(&main).await;
    clock.advance_seconds(100);
    let second = tom.walk_in_with(&annex, json!({ "provider_id": two.id })).await;
    clock.advance_seconds(100);
    let intake = maria.intake(&main).await;
    let asked = maria.client.post("/add_econsult", json!({ "intake_id": intake })).await.data();
    let third = asked["id"].as_str().unwrap().to_owned();
    one.act(&first, "accept").await.ok();
    two.act(&second, "accept").await.ok();
    two.act(&second, "complete").await.ok();
    let admin = Person { client: kit.admin(), ..maria.clone() };
    let (a, b, c) = (first.id.clone(), second.id.clone(), third);
    for (query, wanted) in [
        (String::new(), vec![&c, &b, &a]),
        ("status=25".to_owned(), vec![&a]),
        ("status=10,30&sort=newest".to_owned(), vec![&c, &b]),
        ("status[]=25&status[]=30".to_owned(), vec![&b, &a]),
        ("status=77".to_owned(), vec![]),
        ("type=3".to_owned(), vec![&c]),
        ("subtype=3".to_owned(), vec![&b, &a]),
        ("room_code=annex".to_owned(), vec![&b]),
        (format!("provider_id={}", one.id), vec![&a]),
        (format!("provider_id={}", two.id), vec![&b]),
        (format!("member_id={}", maria.id), vec![&c, &a]),
        (format!("member_id={}&type=1", maria.id), vec![&a]),
        (format!("start_time={}", begin + 100), vec![&c, &b]),
        (format!("start_time={}&end_time={}", begin, begin + 200), vec![&b, &a]),
        (format!("room_code=main&start_time={begin}&end_time={}", begin + 1), vec![&a]),
        ("sort=start.asc".to_owned(), vec![&a, &b, &c]),
        ("sort[start]=desc".to_owned(), vec![&c, &b, &a]),
        ("sort=queue".to_owned(), vec![&a, &c]),
        ("has_recordings=1".to_owned(), vec![]),
        ("has_recordings=0".to_owned(), vec![&c, &b, &a]),
        ("limit=1&page=2".to_owned(), vec![&b]),
        ("limit=2&start=1".to_owned(), vec![&b, &a]),
        ("limit=0".to_owned(), vec![&c]),
    ] {
        assert_eq!(list(&admin, &query).await.iter().collect::<Vec<_>>(), wanted, "{query}");
    }
    kit.admin().get("/visits?room_code=nowhere").await.refused(404, "room_not_found");
    for (query, field) in [
        ("sort=size", "sort"),
        ("status=x", "status"),
        ("after=zzz", "after"),
        ("start_time=now", "start_time"),
    ] {
        let refused = kit.admin().get(&format!("/visits?{query}")).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{query}");
    }
    // The list of somebody else is cut to what the caller may see.
    assert_eq!(list(&one, &format!("member_id={}", tom.id)).await, Vec::<String>::new());
    assert_eq!(list(&maria, &format!("member_id={}", tom.id)).await, Vec::<String>::new());
    // A body works on a GET as well.
    let request = kit.admin().request(reqwest::Method::GET, "/visits").form(&[("type", "3")]);
    assert_eq!(ids(&bedside_tests::kit::Client::send(request).await.ok().json()), [c]);
}

#[tokio::test]
async fn fields_are_chosen() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let visit = patient.walk_in(&room).await;
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let row = kit.admin().get("/visits?fields=status,recordings,meeting").await.data()[0].clone();
    assert_eq!(names(&row), ["id", "meeting", "recordings", "status"]);
    assert_eq!(row["recordings"], json!({ "count": 0, "data": [] }));
    assert!(row["status"].is_i64());
    let meeting = &row["meeting"];
    assert!(meeting["conference_pin"].as_i64().is_some_and(|pin| (100_000..1_000_000).contains(&pin)));
    assert_eq!((&meeting["phone_numbers"], &meeting["hosts"]), (&json!({}), &json!([])));
    let one = patient.client.get(&format!("/visits/{}?fields[]=code&fields[]=type", visit.id)).await.data();
    assert_eq!(
        (names(&one), &one["type"]),
        (vec!["code".to_owned(), "id".to_owned(), "type".to_owned()], &json!("1"))
    );
    let current = patient.client.get("/visits/in_progress?fields=status_name").await.data();
    assert_eq!(current, json!({ "id": visit.id, "status_name": "pending" }));
    assert!(patient.visit(&visit).await.data().get("recordings").is_none());
}

#[tokio::test]
async fn pages_go_on_behind_the_last_row() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(patient.walk_in(&room).await.id);
    }
    for (sort, newest_first) in
        [("newest", true), ("start.asc", false), ("start.desc", true), ("queue", false)]
    {
        let mut expected = made.clone();
        if newest_first {
            expected.reverse();
        }
        let (mut seen, mut after, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page =
                patient.client.get(&format!("/visits?limit=2&sort={sort}&after={after}")).await.ok().json();
            assert!(page["total_count"].as_u64().unwrap() >= 5);
            seen.extend(ids(&page));
            pages += 1;
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut after),
                None => break,
            }
            if pages == 1 && newest_first {
                // What is added before the page does not move it.
                made.push(patient.walk_in(&room).await.id);
            }
        }
        assert_eq!(seen, expected, "{sort}");
    }
    let page = patient.client.get("/visits?limit=2&sort=newest").await.ok().json();
    let next = page["next"].as_str().unwrap();
    let mixed = patient.client.get(&format!("/visits?sort=start.asc&after={next}")).await;
    assert!(mixed.refused(400, "invalid_field")["fields"]["after"].is_string());
}

#[tokio::test]
async fn somebodys_visits_for_those_who_may_see_them() {
    let (kit, clock) = Kit::on_a_clock().await;
    let (main, annex) = (kit.room("main").await, kit.room("annex").await);
    let patient = kit.patient("p-1").await;
    let (one, two) = (kit.provider("d-1", &[&main]).await, kit.provider("d-2", &[&annex]).await);
    let soon = kit.appointment(&patient, &main, At::from_seconds(clock.now().seconds() + 7200), 15).await;
    let later = kit.appointment(&patient, &annex, At::from_seconds(clock.now().seconds() + 9000), 15).await;
    let done = patient.walk_in(&main).await;
    one.act(&done, "accept").await.ok();
    one.act(&done, "complete").await.ok();
    let of = async |person: &Person, query: &str| {
        ids(&person.client.get(&format!("/users/{}/visits?{query}", patient.id)).await.ok().json())
    };
    assert_eq!(of(&patient, "upcoming=1").await, [&*soon.id, &*later.id]);
    assert_eq!(of(&patient, "history=1").await, [&*done.id]);
    assert_eq!(of(&patient, "").await, [&*later.id, &*soon.id, &*done.id]);
    // Providers see those of their rooms, also in somebody's list.
    assert_eq!(of(&one, "upcoming=1").await, [&*soon.id]);
    assert_eq!(of(&two, "upcoming=1").await, [&*later.id]);
    assert_eq!(
        of(&Person { client: kit.admin(), ..patient.clone() }, "sort=start.asc&limit=1").await,
        [&*done.id]
    );
    // A provider's own are those they took.
    assert_eq!(ids(&one.client.get("/users/-/visits?history=1").await.ok().json()), [&*done.id]);
    assert_eq!(ids(&one.client.get("/users/-/visits?upcoming=1").await.ok().json()), Vec::<String>::new());
    kit.patient("p-2")
        .await
        .client
        .get(&format!("/users/{}/visits", patient.id))
        .await
        .refused(404, "user_not_found");
    patient.client.get("/users/999999/visits").await.refused(404, "user_not_found");
    patient.client.get("/users/-/visits?sort=queue").await.refused(400, "invalid_field");
}

#[tokio::test]
async fn the_count_is_exact_beyond_what_is_counted_at_once() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    patient.walk_in(&room).await;
    seed(&kit, 5_200).await;
    for more in 0..3 {
        patient.walk_in(&room).await;
        let page = kit.admin().get("/visits?limit=1").await.ok().json();
        assert_eq!(page["total_count"], 5_202 + more);
    }
}

/// Copies of the one visit there is, long ago.
async fn seed(kit: &Kit, count: i64) {
    const VISITS: &str = "INSERT INTO visits (account_id, code, room_id, member_id, intake_id, type, subtype, status, \
         start_at, end_at, waiting_since_at, duration_minutes, meeting_id, version, created_at, updated_at) \
         SELECT i.account_id, i.id, i.room_id, i.member_id, i.id, 1, 3, 30, 1, 2, 1, 15, i.id, 1, 1, 1 \
         FROM intakes i WHERE i.id LIKE 'copy-%'";
    let intakes = format!(
        "INSERT INTO intakes (id, account_id, member_id, room_id, answers, created_at, updated_at) \
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
         SELECT 'copy-' || CAST(n.i AS TEXT), o.account_id, o.member_id, o.room_id, o.answers, 1, 1 FROM n, intakes o"
    );
    for statement in [intakes.as_str(), VISITS] {
        assert_eq!(sql(kit.database().url(), statement).await, u64::try_from(count).unwrap());
    }
}
