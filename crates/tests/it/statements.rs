//! How many SQL statements a request takes, which tells more of its cost on a
//! database across a network than any time on this machine. A list takes as
//! many for a hundred rows as for one.

use bedside_tests::kit::Kit;
use serde_json::json;

/// Statements that requests of a route have taken so far, as `/metrics` says.
async fn so_far(kit: &Kit, method: &str, route: &str) -> u64 {
    let page = kit.anonymous().get("//metrics").await.ok().text;
    let name = format!("bedside_http_statements_total{{method=\"{method}\",route=\"/api_v3{route}\"}} ");
    page.lines().find_map(|line| line.strip_prefix(&name)).map_or(0, |count| count.parse().unwrap())
}

/// Statements of one request.
async fn of<T>(kit: &Kit, method: &str, route: &str, request: impl Future<Output = T>) -> u64 {
    let before = so_far(kit, method, route).await;
    request.await;
    so_far(kit, method, route).await - before
}

#[tokio::test]
async fn signing_in_a_known_user() {
    let kit = Kit::start().await;
    kit.patient("p-1").await;
    let body = json!({ "first_name": "Maria", "last_name": "p-1", "code": "p-1", "type": 200 });
    let count = of(&kit, "POST", "/users/sso", async {
        kit.portal().post("/users/sso", body.clone()).await.ok();
    });
    let count = count.await;
    assert!((1..=SSO).contains(&count), "{count} statements");
    // The same again: nothing grows with what was there before.
    let again = of(&kit, "POST", "/users/sso", async {
        kit.portal().post("/users/sso", body.clone()).await.ok();
    });
    assert_eq!(again.await, count);
}

#[tokio::test]
async fn a_walk_in() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let mut counts = Vec::new();
    for _ in 0..3 {
        let intake = patient.intake(&room).await;
        let body = json!({ "intake_id": intake, "room_code": room });
        let one = of(&kit, "POST", "/visits/add_walkin", async {
            patient.client.post("/visits/add_walkin", body).await.ok();
        });
        counts.push(one.await);
    }
    assert!((1..=WALK_IN).contains(&counts[0]), "{counts:?} statements");
    assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
}

#[tokio::test]
async fn lists_take_as_many_for_many_rows_as_for_one() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let provider = kit.provider("d-1", &[&room]).await;
    for number in 0..12 {
        kit.patient(&format!("p-{number}")).await.walk_in(&room).await;
    }
    let admin = kit.admin();
    for (route, client, most) in [
        ("/visits", &admin, VISITS),
        ("/visits", &provider.client, VISITS),
        ("/users", &admin, USERS),
        ("/audit", &admin, AUDIT),
        ("/rooms", &admin, ROOMS),
    ] {
        let mut counts = Vec::new();
        for limit in [1, 10] {
            let path = format!("{route}?limit={limit}");
            let count = of(&kit, "GET", route, async {
                let rows = client.get(&path).await.data();
                assert_eq!(
                    rows.as_array().unwrap().len(),
                    if route == "/rooms" { 1 } else { limit },
                    "{path}"
                );
            });
            counts.push(count.await);
        }
        assert_eq!(counts[0], counts[1], "{route}");
        assert!((1..=most).contains(&counts[0]), "{route}: {counts:?} statements");
    }
}

/// The most that each may take. Raise one only with a reason.
const SSO: u64 = 12;
const WALK_IN: u64 = 16;
const VISITS: u64 = 8;
const USERS: u64 = 6;
const AUDIT: u64 = 4;
const ROOMS: u64 = 6;
