//! Rooms that see walk-ins only while somebody is on call.

use bedside_app::Clock;
use bedside_tests::kit::{Answer, Client, Kit, Person};
use serde_json::{Value, json};

/// A Monday at nine in UTC, some days after the clock's begin.
const MONDAY_NINE: i64 = 1_801_472_400;
const HOUR: i64 = 3_600;

struct Ward {
    kit: Kit,
    clock: Clock,
}

impl Ward {
    /// A room by on-call, with one provider.
    async fn new() -> (Self, Person) {
        let (kit, clock) = Kit::on_a_clock().await;
        kit.room("main").await;
        let provider = kit.provider("d-1", &["main"]).await;
        (Self { kit, clock }, provider)
    }

    fn turn_to(&self, seconds: i64) {
        self.clock.advance_seconds(seconds - self.clock.now().seconds());
    }

    async fn set(&self, room: Value) {
        self.kit.admin().post("/rooms/main", room).await.ok();
    }

    /// Enabled, by on-call, open, and when it opens.
    async fn shown(&self) -> (bool, bool, Option<i64>) {
        let room = self.kit.anonymous().header("X-AccountCode", "northside").get("/rooms/main").await.data();
        let walkin = &room["visits"]["walkin"];
        (walkin["by_on_call"] == true, walkin["open"] == true, walkin["opens_at"].as_i64())
    }

    /// A patient comes, a new one each time.
    async fn come(&self) -> Answer {
        let patient = self.kit.patient(&format!("p-{}", self.kit.app.random.hex())).await;
        let intake = patient.intake("main").await;
        patient.client.post("/visits/add_walkin", json!({ "intake_id": intake })).await
    }
}

#[tokio::test]
async fn walk_ins_come_while_somebody_is_on_call() {
    let (ward, provider) = Ward::new().await;
    assert_eq!(ward.shown().await, (false, true, None));
    ward.set(json!({ "visits": { "walkin": { "by_on_call": 1 } } })).await;
    // Nobody ever is.
    assert_eq!(ward.shown().await, (true, false, None));
    assert_eq!(ward.come().await.refused(400, "room_closed")["next_open"], Value::Null);
    // Hours of appointments open nothing.
    let booked = json!({ "room_code": "main", "start": MONDAY_NINE - HOUR, "end": MONDAY_NINE + HOUR });
    provider.client.post("/slots", booked).await.ok();
    assert_eq!(ward.shown().await, (true, false, None));

    let weekly = json!({ "room_code": "main", "kind": "oncall", "hours": { "from": "09:00", "until": "12:00" },
        "repeat": { "freq": "weekly", "days": [1], "from": "2027-02-01" } });
    let rule = provider.client.post("/slots", weekly).await;
    // The same provider's hours overlap where the clinic keeps one calendar;
    // whoever is on call is so beside them.
    let rule = rule.data()["id"].as_str().unwrap().to_owned();
    assert_eq!(ward.shown().await, (true, false, Some(MONDAY_NINE)));
    assert_eq!(ward.come().await.refused(400, "room_closed")["next_open"], MONDAY_NINE);
    ward.turn_to(MONDAY_NINE - 1);
    ward.come().await.refused(400, "room_closed");
    ward.turn_to(MONDAY_NINE);
    assert_eq!(ward.shown().await, (true, true, None));
    let waiting = ward.come().await.data();
    // The end is not part of it, and who waits already goes on waiting.
    ward.turn_to(MONDAY_NINE + 3 * HOUR);
    assert_eq!(ward.shown().await, (true, false, Some(MONDAY_NINE + 7 * 24 * HOUR)));
    ward.come().await.refused(400, "room_closed");
    let provider = ward.kit.provider("d-1", &["main"]).await;
    let path = format!("/visits/{}/accept", waiting["id"].as_str().unwrap());
    provider.client.post(&path, json!({})).await.ok();
    // An exception of one day, and the rule's end.
    let path = format!("/slots/{rule}-{}?scope=this", MONDAY_NINE + 7 * 24 * HOUR);
    Client::send(provider.client.request(reqwest::Method::DELETE, &path)).await.ok();
    assert_eq!(ward.shown().await.2, Some(MONDAY_NINE + 14 * 24 * HOUR));
    Client::send(provider.client.request(reqwest::Method::DELETE, &format!("/slots/{rule}?force=1")))
        .await
        .ok();
    assert_eq!(ward.shown().await, (true, false, None));
}

#[tokio::test]
async fn hours_closures_and_the_switch_allow_it_too() {
    let (ward, provider) = Ward::new().await;
    ward.set(json!({ "visits": { "walkin": { "by_on_call": 1 } } })).await;
    let once =
        json!({ "room_code": "main", "kind": "oncall", "start": MONDAY_NINE, "end": MONDAY_NINE + 6 * HOUR });
    provider.client.post("/slots", once).await.ok();
    // The room's own hours begin later.
    ward.set(json!({ "operation_settings": { "hours": [{ "day": "monday", "open": "10:00", "close": "17:00" }] } })).await;
    assert_eq!(ward.shown().await, (true, false, Some(MONDAY_NINE + HOUR)));
    // The provider is away for the first of them.
    let away = json!({ "provider_id": provider.id, "start": MONDAY_NINE, "end": MONDAY_NINE + 2 * HOUR });
    provider.client.post("/closures", away).await.ok();
    assert_eq!(ward.shown().await, (true, false, Some(MONDAY_NINE + 2 * HOUR)));
    // A colleague who is on call meanwhile opens it all the same.
    let colleague = ward.kit.provider("d-2", &["main"]).await;
    let once =
        json!({ "room_code": "main", "kind": "oncall", "start": MONDAY_NINE, "end": MONDAY_NINE + 2 * HOUR });
    colleague.client.post("/slots", once).await.ok();
    assert_eq!(ward.shown().await, (true, false, Some(MONDAY_NINE + HOUR)));
    ward.turn_to(MONDAY_NINE + HOUR);
    ward.come().await.ok();
    ward.set(json!({ "operation_settings": { "closed_by_hand": 1 } })).await;
    assert_eq!(ward.shown().await, (true, false, None));
    ward.come().await.refused(400, "room_closed");
    ward.set(json!({ "operation_settings": { "closed_by_hand": 0 } })).await;
    ward.come().await.ok();
    // Out of the room, out of its calls.
    let path = format!("/rooms/main/providers/{}", colleague.id);
    Client::send(ward.kit.admin().request(reqwest::Method::DELETE, &path)).await.ok();
    assert_eq!(ward.shown().await, (true, false, Some(MONDAY_NINE + 2 * HOUR)));
    ward.set(json!({ "visits": { "walkin": { "by_on_call": 0 } } })).await;
    ward.come().await.ok();
}
