//! Invoices: what a visit costs, taken once and given back at most once,
//! whatever the card, the network or a kill -9 does in between.

use std::time::{Duration, Instant};

use bedside_tests::kit::{Client, Database, Kit, Person, Server, Stream, Visit, sql};
use serde_json::{Value, json};

use crate::{
    billing::{clinic, tell},
    durability,
};

struct Desk {
    kit: Kit,
    clock: bedside_app::Clock,
    patient: Person,
    doctor: Person,
}

/// A test clinic whose room asks for 25.50.
async fn desk() -> Desk {
    priced("USD", "25.50").await
}

async fn priced(currency: &str, amount: &str) -> Desk {
    let (kit, clock) = clinic().await;
    kit.room("main").await;
    let payment = json!({ "currency": currency,
        "consultations": [{ "description": "Consultation", "duration": 15, "amount": amount }] });
    kit.admin().post("/rooms/main", json!({ "payment": payment })).await.ok();
    let (patient, doctor) = (kit.patient("maria").await, kit.provider("d-1", &["main"]).await);
    Desk { kit, clock, patient, doctor }
}

impl Desk {
    async fn card(&self, token: &str) {
        self.patient.client.post("/billing/sources", json!({ "token": token })).await.ok();
    }

    async fn running(&self) -> Visit {
        let visit = self.patient.walk_in("main").await;
        self.doctor.act(&visit, "accept").await.ok();
        visit
    }

    async fn charge(&self, visit: &Visit) -> Value {
        self.doctor.client.post(&format!("{}/charge", path(visit)), json!({})).await.data()
    }

    /// How often the processor's books have an entry of this kind.
    async fn booked(&self, kind: &str) -> u64 {
        booked(self.kit.database().url(), kind).await
    }
}

/// How much of a kind the processor has in its books.
async fn booked(url: &str, kind: &str) -> u64 {
    sql(url, &format!("UPDATE test_processor SET reason = reason WHERE kind = '{kind}'")).await
}

fn path(visit: &Visit) -> String {
    format!("/visits/{}/invoice", visit.id)
}

fn of(invoice: &Value) -> String {
    format!("/invoices/{}", invoice["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_visit_is_billed_charged_and_completed_once() {
    let desk = desk().await;
    let visit = desk.patient.walk_in("main").await;
    assert_eq!(
        visit.body["payment"],
        json!({ "duration": 15, "amount": "25.50", "description": "Consultation" })
    );
    let items = format!("{}/items", path(&visit));
    let add = async |body: Value| desk.kit.admin().post(&items, body).await;
    add(json!({ "name": "Test", "unit_price": "1" })).await.refused(400, "visit_not_billable");
    desk.doctor.act(&visit, "accept").await.ok();
    let made = add(
        json!({ "name": "Blood test", "description": "Sent away", "quantity": 2, "unit_price": "12.25" }),
    )
    .await
    .data();
    assert_eq!(
        (&made["subtotal"], &made["amount_due"], &made["state"]),
        (&json!(5000), &json!(5000), &json!("draft"))
    );
    assert_eq!(
        (&made["items"][1]["unit_price"], &made["items"][1]["total"]),
        (&json!("12.25"), &json!("24.50"))
    );
    for (body, field) in [
        (json!({ "name": " ", "unit_price": "1" }), "name"),
        (json!({ "name": "x", "unit_price": "-1" }), "unit_price"),
        (json!({ "name": "x", "unit_price": "1.005" }), "unit_price"),
        (json!({ "name": "x", "unit_price": "1", "quantity": 0 }), "quantity"),
        (json!({ "name": "x", "unit_price": "1000000000", "quantity": 2 }), "quantity"),
    ] {
        assert!(add(body).await.refused(400, "invalid_field")["fields"][field].is_string());
    }
    add(json!({ "name": "x", "unit_price": "1000000000" })).await.refused(400, "invoice_too_large");
    let gone = format!("{items}/{}", made["items"][1]["id"].as_str().unwrap());
    let less = Client::send(desk.doctor.client.request(reqwest::Method::DELETE, &gone)).await.data();
    assert_eq!(less["amount_due"], 2550);
    desk.doctor.client.post(&format!("{}/charge", path(&visit)), json!({})).await.refused(400, "no_card");
    assert_eq!(desk.doctor.visit(&visit).await.data()["status"], "25", "a refusal changes nothing");
    desk.card("tok_visa").await;
    let mut stream = Stream::open(&desk.kit.admin()).await;
    let paid = desk.charge(&visit).await;
    assert_eq!((&paid["status"], &paid["amount_paid"]), (&json!("paid"), &json!(2550)));
    let told = stream.next_of("visit.invoice.processed").await.data;
    assert_eq!(
        told["data"]["invoice"],
        json!({ "id": paid["id"], "status": "paid", "amount_due": 2550, "amount_paid": 2550, "currency": "USD" })
    );
    assert_eq!(desk.doctor.visit(&visit).await.data()["status"], "30");
    assert_eq!(desk.charge(&visit).await, paid, "a second click changes nothing");
    assert_eq!(desk.booked("charge").await, 1);
    add(json!({ "name": "Late", "unit_price": "1" })).await.refused(400, "invoice_not_open");
    assert_eq!(desk.patient.client.get(&of(&paid)).await.data(), paid);
}

#[tokio::test]
async fn a_declined_card_is_told_and_another_one_pays() {
    let desk = desk().await;
    desk.card("tok_declined").await;
    let visit = desk.running().await;
    let failed = desk.charge(&visit).await;
    assert_eq!((&failed["status"], &failed["failure"]), (&json!("failed"), &json!("card_declined")));
    assert_eq!(failed["amount_paid"], 0);
    let card = desk.patient.client.post("/billing/sources", json!({ "token": "tok_visa" })).await.data();
    let charge = format!("{}/charge", path(&visit));
    desk.doctor.client.post(&charge, json!({ "source_id": "x" })).await.refused(400, "invalid_field");
    let paid = desk.doctor.client.post(&charge, json!({ "source_id": card["id"] })).await.data();
    assert_eq!((&paid["state"], &paid["failure"]), (&json!("paid"), &Value::Null));
}

#[tokio::test]
async fn a_charge_that_wants_to_be_confirmed_waits_for_the_processor() {
    let desk = desk().await;
    desk.card("tok_requires_action").await;
    let visit = desk.running().await;
    let waiting = desk.charge(&visit).await;
    assert_eq!(waiting["status"], "processing");
    let secret = waiting["next_action"]["client_secret"].as_str().unwrap();
    assert!(waiting["next_action"]["url"].as_str().unwrap().starts_with("http"));
    let payment = secret.strip_suffix("_secret").unwrap();
    let now = desk.clock.now().seconds();
    let message = |id: &str, kind: &str, more: Value| {
        let mut data = json!({ "account_code": "lab", "payment_id": payment });
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "id": id, "type": kind, "data": data })
    };
    let mut stream = Stream::open(&desk.kit.admin()).await;
    // Its messages come twice and in the wrong order.
    let done = message("evt_2", "charge.succeeded", json!({}));
    assert_eq!(tell(&desk.kit, now, &done).await.data(), json!({ "duplicate": false }));
    assert_eq!(tell(&desk.kit, now, &done).await.data(), json!({ "duplicate": true }));
    let late = message("evt_1", "charge.failed", json!({ "reason": "expired" }));
    tell(&desk.kit, now, &late).await.ok();
    let paid = desk.doctor.client.get(&path(&visit)).await.data();
    assert_eq!((&paid["state"], &paid["next_action"]), (&json!("paid"), &Value::Null));
    // Money given back at the processor's own desk; an older message says less.
    for (id, total, state) in
        [("evt_4", 1000, "partly_refunded"), ("evt_3", 500, "partly_refunded"), ("evt_5", 2550, "refunded")]
    {
        tell(&desk.kit, now, &message(id, "charge.refunded", json!({ "amount_refunded": total }))).await.ok();
        let found = desk.doctor.client.get(&path(&visit)).await.data();
        assert_eq!(found["state"], state);
    }
    let mut states = Vec::new();
    for _ in 0..3 {
        let told = stream.next_of("visit.invoice.processed").await.data;
        states.push(told["data"]["invoice"]["status"].as_str().unwrap().to_owned());
    }
    assert_eq!(states, ["paid", "paid", "refunded"], "each change once");
}

#[tokio::test]
async fn an_answer_that_was_lost_takes_no_second_payment() {
    let desk = desk().await;
    desk.card("tok_timeout").await;
    let visit = desk.running().await;
    let mut stream = Stream::open(&desk.kit.admin()).await;
    let unknown = desk.charge(&visit).await;
    assert_eq!((&unknown["status"], &unknown["amount_paid"]), (&json!("processing"), &json!(0)));
    assert_eq!(desk.booked("charge").await, 1, "the money was taken, and nobody has said so");
    desk.clock.advance_seconds(10);
    let told = stream.next_of("visit.invoice.processed").await.data;
    assert_eq!(told["data"]["invoice"]["status"], "paid");
    assert_eq!(desk.booked("charge").await, 1);
}

#[tokio::test]
async fn refunds_are_whole_or_in_parts_and_never_more_than_was_paid() {
    let desk = desk().await;
    desk.card("tok_visa").await;
    let visit = desk.running().await;
    let paid = desk.charge(&visit).await;
    let refund = async |body: Value| desk.kit.admin().post(&format!("{}/refund", of(&paid)), body).await;
    refund(json!({ "amount": "25.51" })).await.refused(400, "refund_too_large");
    refund(json!({ "amount": "0" })).await.refused(400, "invalid_field");
    let part = refund(json!({ "amount": "5.50" })).await.data();
    assert_eq!((&part["state"], &part["amount_refunded"]), (&json!("partly_refunded"), &json!(550)));
    refund(json!({ "amount": "20.01" })).await.refused(400, "refund_too_large");
    // Many at once: what was paid is given back once.
    let all = (0..6).map(|_| refund(json!({ "amount": "20.00" })));
    let answers = futures_util::future::join_all(all).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    let whole = desk.doctor.client.get(&of(&paid)).await.data();
    assert_eq!((&whole["status"], &whole["amount_refunded"]), (&json!("refunded"), &json!(2550)));
    assert_eq!(desk.booked("refund").await, 2);
    refund(json!({})).await.refused(400, "invoice_not_paid");
}

#[tokio::test]
async fn prices_in_yen_have_no_decimals() {
    let desk = priced("JPY", "1500").await;
    desk.card("tok_visa").await;
    let visit = desk.running().await;
    let add = json!({ "name": "Plaster", "unit_price": "200" });
    let made = desk.doctor.client.post(&format!("{}/items", path(&visit)), add).await.data();
    assert_eq!((&made["amount_due"], &made["decimals"]), (&json!(1700), &json!(0)));
    assert_eq!(made["items"][0]["unit_price"], "1500");
    assert_eq!(desk.charge(&visit).await["amount_paid"], 1700);
}

#[tokio::test]
async fn promo_codes_make_visits_cheaper_and_never_paid_for() {
    let desk = desk().await;
    let admin = desk.kit.admin();
    let code = json!({ "code": "spring-10", "percent": 10, "max_uses": 1 });
    admin.post("/promo_codes", code.clone()).await.ok();
    admin.post("/promo_codes", code).await.refused(400, "promo_code_taken");
    let free = json!({ "code": "FREE", "amount": "100.00", "currency": "USD" });
    admin.post("/promo_codes", free).await.ok();
    admin.post("/promo_codes", json!({ "code": "x", "percent": 101 })).await.refused(400, "invalid_field");
    admin.post("/promo_codes", json!({ "code": "x" })).await.refused(400, "invalid_field");
    let intake = desk.patient.intake("main").await;
    let enter = async |intake: &str, code: &str| {
        desk.patient.client.post(&format!("/intakes/{intake}/promo"), json!({ "code": code })).await
    };
    enter(&intake, "nothing").await.refused(400, "promo_code_invalid");
    let estimate = enter(&intake, "Spring-10").await.data();
    assert_eq!((&estimate["discount"], &estimate["amount_due"]), (&json!(255), &json!(2295)));
    let other = desk.patient.intake("main").await;
    enter(&other, "SPRING-10").await.refused(400, "promo_code_invalid");
    assert_eq!(enter(&intake, "FREE").await.data()["amount_due"], 0);
    assert_eq!(enter(&other, "SPRING-10").await.data()["amount_due"], 2295, "it is free again");
    let walk_in = json!({ "intake_id": intake, "room_code": "main" });
    let visit = desk.patient.client.post("/visits/add_walkin", walk_in).await.data();
    let id = visit["id"].as_str().unwrap();
    enter(&intake, "FREE").await.refused(400, "intake_already_used");
    desk.doctor.client.post(&format!("/visits/{id}/accept"), json!({})).await.ok();
    // Nothing to pay: no card is asked for.
    let paid = desk.doctor.client.post(&format!("/visits/{id}/invoice/charge"), json!({})).await.data();
    assert_eq!(
        (&paid["state"], &paid["amount_due"], &paid["discount"]),
        (&json!("paid"), &json!(0), &json!(2550))
    );
    assert_eq!(desk.booked("charge").await, 0);
}

#[tokio::test]
async fn an_invoice_that_nobody_is_asked_for_stays_void() {
    let desk = desk().await;
    let visit = desk.running().await;
    let add = json!({ "name": "Plaster", "unit_price": "2" });
    let made = desk.doctor.client.post(&format!("{}/items", path(&visit)), add).await.data();
    let void = desk.kit.admin().post(&format!("{}/void", of(&made)), json!({})).await.data();
    assert_eq!((&void["status"], &void["state"]), (&json!("cancelled"), &json!("void")));
    desk.doctor
        .client
        .post(&format!("{}/charge", path(&visit)), json!({}))
        .await
        .refused(400, "invoice_not_open");
}

/// Asks until the visit's invoice is in a state, and gives it; bounded. So much
/// asking meets the limit of calls now and then: such an answer is none.
async fn until(client: &Client, path: &str, state: &str) -> Value {
    let begun = Instant::now();
    loop {
        let answer = client.get(path).await;
        if answer.status == 200 && answer.json()["data"]["state"] == state {
            return answer.data();
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "not {state}: {}", answer.text);
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_while_the_processor_is_asked_charges_once() {
    let database = Database::fresh().await;
    let mut server = durability::start(database.url(), database.folder());
    let token = server.admin.take().unwrap();
    let admin = |server: &Server| {
        Client::new(&server.base).header("X-AccountCode", "north").header("X-ApiToken", &token)
    };
    sql(database.url(), "UPDATE accounts SET test = TRUE").await;
    let payment = json!({ "consultations": [{ "description": "Consultation", "amount": "25.00" }] });
    let room = json!({ "slug": "main", "code": "main", "name": "Main", "payment": payment });
    admin(&server).post("/rooms", room).await.ok();
    let guest = json!({ "first_name": "Gus", "last_name": "Guest", "room_code": "main" });
    let guest = admin(&server).without("X-ApiToken").post("/users/guest_login", guest).await.data();
    let patient = Client::new(&server.base)
        .header("X-AccountCode", "north")
        .header("X-ApiToken", guest["token"]["token"].as_str().unwrap());
    patient.post("/billing/sources", json!({ "token": "tok_slow" })).await.ok();
    let intake = json!({ "room_code": "main", "reason_for_visit": "A rash" });
    let intake = patient.post("/intakes", intake).await.data()["id"].clone();
    let visit = patient.post("/visits/add_walkin", json!({ "intake_id": intake })).await.data();
    let path = format!("/visits/{}/invoice", visit["id"].as_str().unwrap());
    sql(database.url(), "UPDATE visits SET status = 30").await;

    let asking = {
        let (client, path) = (admin(&server), format!("{path}/charge"));
        tokio::spawn(async move {
            client.request(reqwest::Method::POST, &path).json(&json!({})).send().await.is_ok()
        })
    };
    // The processor has the money, and its answer is still under way.
    let begun = Instant::now();
    while booked(database.url(), "charge").await == 0 {
        assert!(begun.elapsed() < Duration::from_secs(90), "the processor is asked");
    }
    server.kill();
    assert!(!asking.await.unwrap(), "nobody heard an answer");

    let server = durability::start(database.url(), database.folder());
    let paid = until(&admin(&server), &path, "paid").await;
    assert_eq!(paid["amount_paid"], 2500);
    assert_eq!(booked(database.url(), "charge").await, 1, "exactly one charge");
    assert_eq!(sql(database.url(), "UPDATE payments SET failure = failure").await, 1);
}
