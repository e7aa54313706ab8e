//! One-time links: an appointment opens without a login, and nothing else does.

use std::collections::BTreeSet;

use bedside::api::router::document;
use bedside_app::Clock;
use bedside_tests::kit::{Client, Kit, Person, Stream, sql};
use reqwest::Method;
use serde_json::{Value, json};

use crate::forms::{habits, id, published};

/// A Monday at nine in UTC, two weeks after the clock's begin.
const MONDAY_NINE: i64 = 1_801_472_400;
const HOUR: i64 = 3_600;

struct Clinic {
    kit: Kit,
    clock: Clock,
    provider: Person,
    patient: Person,
}

/// A clinic that uses links, with a provider who is there on Monday morning.
async fn clinic() -> Clinic {
    let (kit, clock) =
        Kit::on_a_clock_with(&[("limits.user_per_s", "100000"), ("limits.failed_per_min", "100000")]).await;
    kit.room("main").await;
    let admin = kit.admin();
    admin.post("/rooms/main", json!({ "visits": { "appointment": { "enabled": true } } })).await.ok();
    admin.post("/accounts/-", json!({ "one_time_links": 1 })).await.ok();
    let provider = kit.provider("d-1", &["main"]).await;
    let hours = json!({ "room_code": "main", "start": MONDAY_NINE, "end": MONDAY_NINE + 3 * HOUR });
    provider.client.post("/slots", hours).await.ok();
    let patient = kit.patient("maria").await;
    Clinic { kit, clock, provider, patient }
}

/// An appointment, and whoever holds its link.
struct Linked {
    id: String,
    token: String,
    holder: Client,
}

impl Clinic {
    fn turn_to(&self, seconds: i64) {
        self.clock.advance_seconds(seconds - self.clock.now().seconds());
    }

    async fn book(&self, start: i64) -> Linked {
        let intake = self.patient.intake("main").await;
        let body = json!({ "intake_id": intake, "start": start });
        let made = self.patient.client.post("/visits", body).await.data();
        let token = made["one_time_link_token"].as_str().unwrap().to_owned();
        let holder = self.kit.anonymous().header("X-LinkToken", &token);
        Linked { id: made["id"].as_str().unwrap().to_owned(), token, holder }
    }
}

impl Linked {
    fn path(&self, verb: &str) -> String {
        format!("/visits/{}{verb}", self.id)
    }

    async fn act(&self, verb: &str) -> bedside_tests::kit::Answer {
        self.holder.post(&self.path(verb), json!({})).await
    }
}

#[tokio::test]
async fn a_link_comes_with_the_appointment_where_the_clinic_wants_it() {
    let clinic = clinic().await;
    let linked = clinic.book(MONDAY_NINE).await;
    assert!(linked.token.len() == 10);
    assert!(linked.token.bytes().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit()));
    // Staff see it again, the patient's own view and lists do not show it.
    let path = linked.path("");
    let url = clinic.provider.client.get(&path).await.data()["one_time_link_url"].clone();
    let expected = format!("/members/appointment/{}?token={}", linked.id, linked.token);
    assert!(url.as_str().unwrap().ends_with(&expected), "{url}");
    for (client, at) in [(&clinic.patient.client, &*path), (&clinic.kit.admin(), "/visits")] {
        let shown = client.get(at).await.ok();
        assert!(
            !shown.text.contains("one_time_link") && !shown.text.contains(&linked.token),
            "{}",
            shown.text
        );
    }
    // Each appointment of a series has its own.
    let intake = clinic.patient.intake("main").await;
    let body = json!({ "intake_id": intake, "start": MONDAY_NINE + HOUR, "repeat": { "freq": "weekly", "count": 3 },
        "provider_id": clinic.provider.id, "override": 1 });
    let made = clinic.kit.admin().post("/visits", body).await.data();
    let mut links = BTreeSet::new();
    for id in made["series"].as_array().unwrap() {
        let seen = clinic.provider.client.get(&format!("/visits/{}", id.as_str().unwrap())).await.data();
        assert_eq!(seen["series_id"], made["series_id"]);
        links.insert(seen["one_time_link_url"].as_str().unwrap().to_owned());
    }
    assert_eq!(links.len(), 3);
    // Switched off, new appointments have none; the old ones keep theirs.
    clinic.kit.admin().post("/accounts/-", json!({ "one_time_links": 0 })).await.ok();
    let intake = clinic.patient.intake("main").await;
    let body = json!({ "intake_id": intake, "start": MONDAY_NINE + 900 });
    assert_eq!(clinic.patient.client.post("/visits", body).await.data()["one_time_link_token"], Value::Null);
    linked.holder.get(&linked.path("")).await.ok();
}

#[tokio::test]
async fn a_link_is_kept_neither_readable_nor_guessable() {
    let clinic = clinic().await;
    let linked = clinic.book(MONDAY_NINE).await;
    let url = clinic.kit.database().url();
    // Neither the token nor its plain hash is in the row.
    let plain: String = {
        use sha2::Digest;
        sha2::Sha256::digest(&linked.token).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let hex = |column: &str| match url.starts_with("postgres") {
        true => format!("encode({column}, 'hex')"),
        false => format!("lower(hex({column}))"),
    };
    let token: String = linked.token.bytes().map(|byte| format!("{byte:02x}")).collect();
    for (column, text) in [("link_hash", &plain), ("link", &token)] {
        let touched = format!("UPDATE visits SET version = version WHERE {} LIKE '%{text}%'", hex(column));
        assert_eq!(sql(url, &touched).await, 0, "{column}");
    }
    // Moved to another visit, the sealed link does not open.
    let other = clinic.book(MONDAY_NINE + 900).await;
    let moved = format!(
        "UPDATE visits SET link = (SELECT link FROM visits WHERE id = {}) WHERE id = {}",
        linked.id, other.id
    );
    assert_eq!(sql(url, &moved).await, 1);
    let shown = clinic.provider.client.get(&other.path("")).await;
    assert_eq!(shown.status.as_u16(), 500, "{}", shown.text);
}

#[tokio::test]
async fn its_holder_comes_leaves_and_comes_back_until_the_visit_is_over() {
    let clinic = clinic().await;
    let linked = clinic.book(MONDAY_NINE).await;
    let seen = linked.holder.get(&linked.path("")).await.data();
    assert_eq!((&seen["member_id"], &seen["can_change"]), (&json!(clinic.patient.id), &json!(true)));
    assert_eq!(seen["can_start_at"], MONDAY_NINE - 900);
    // Also in the query of a read, but not of anything else.
    let nobody = clinic.kit.anonymous();
    nobody.get(&format!("{}?token={}", linked.path(""), linked.token)).await.ok();
    let posted = nobody.header("X-AccountCode", "northside");
    posted
        .post(&format!("{}?token={}", linked.path("/start"), linked.token), json!({}))
        .await
        .refused(401, "token_missing");

    for verb in ["/start", "/add_walkin"] {
        let early = linked.act(verb).await.refused(400, "appointment_too_early");
        assert_eq!(early["can_start_at"], MONDAY_NINE - 900);
    }
    clinic.turn_to(MONDAY_NINE - 600);
    linked.act("/start").await.ok();
    let waiting = linked.act("/add_walkin").await.data();
    assert_eq!((&waiting["id"], &waiting["status"]), (&json!(linked.id), &json!("10")));
    let provider = clinic.kit.provider("d-1", &["main"]).await;
    provider.client.post(&linked.path("/accept"), json!({})).await.ok();
    linked.act("/call").await.ok();
    // The call drops, and the same link leads back into it.
    linked.holder.post(&linked.path("/close"), json!({ "reason": "patient_end_call" })).await.ok();
    linked.act("/call").await.ok();
    provider.client.post(&linked.path("/complete"), json!({})).await.ok();
    let over = linked.holder.get(&linked.path("")).await.refused(403, "link_expired");
    assert!(over["message"].as_str().unwrap().contains("Ask the clinic"));
    let staff = provider.client.get(&linked.path("")).await.data();
    assert_eq!(staff["one_time_link_url"], Value::Null);
    // What never was one is told apart.
    let wrong = nobody.header("X-LinkToken", "abcdefghij");
    wrong.get(&linked.path("")).await.refused(401, "link_unknown");
}

#[tokio::test]
async fn its_holder_moves_and_cancels_within_the_rules() {
    let clinic = clinic().await;
    let linked = clinic.book(MONDAY_NINE).await;
    let window = format!("start={}&end={}", MONDAY_NINE - HOUR, MONDAY_NINE + 9 * HOUR);
    let free = linked.holder.get(&format!("/availability?{window}")).await.ok().json();
    assert_eq!(free["total_count"], 11, "its own room without being named, its own time taken: {free}");
    linked.holder.get(&format!("/availability?room_code=main&{window}")).await.ok();
    clinic.kit.room("annex").await;
    linked
        .holder
        .get(&format!("/availability?room_code=annex&{window}"))
        .await
        .refused(404, "room_not_found");

    let later = json!({ "start": MONDAY_NINE + HOUR });
    let moved = linked.holder.post(&linked.path(""), later).await.data();
    assert_eq!(moved["start"], (MONDAY_NINE + HOUR).to_string());
    linked.holder.get(&linked.path("")).await.ok();
    let beside = json!({ "start": MONDAY_NINE + 30 * HOUR });
    linked.holder.post(&linked.path(""), beside).await.refused(400, "slot_taken");
    linked.holder.post(&linked.path(""), json!({ "description": "Hello" })).await.refused(403, "not_allowed");

    let rules = json!({ "booking": { "cancel_notice_minutes": 1440, "start_window_minutes": 30 } });
    clinic.kit.admin().post("/rooms/main", rules).await.ok();
    clinic.turn_to(MONDAY_NINE + HOUR - 24 * HOUR);
    let seen = linked.holder.get(&linked.path("")).await.data();
    assert_eq!(
        (&seen["can_change"], &seen["can_start_at"]),
        (&json!(false), &json!(MONDAY_NINE + HOUR - 1_800))
    );
    linked.act("/cancel").await.refused(400, "too_late_to_change");
    let staff = clinic.kit.admin().get(&linked.path("")).await.data();
    assert_eq!(staff["can_change"], true);
    clinic.kit.admin().post("/rooms/main", json!({ "booking": { "cancel_notice_minutes": 0 } })).await.ok();
    assert_eq!(linked.act("/cancel").await.data()["status"], "40");
    linked.act("/cancel").await.refused(403, "link_expired");
}

/// Every operation of the API, called with a link: those on its own visit are
/// let through, all others are refused, also on another visit of the same
/// patient, and the public ones tell no more than they tell nobody.
#[tokio::test]
async fn a_link_opens_nothing_else() {
    /// On the visit itself.
    const OPEN: &[&str] = &[
        "visits::get",
        "visits::update",
        "visits::start",
        "visits::arrive",
        "visits::cancel",
        "visits::close",
        "visits::end",
        "calls::join",
        "calendars::visit",
        "visits::get_callback",
        "visits::leave_and_call",
        "visits::stay",
        "messages::list",
        "messages::add",
        "messages::read",
        "meetings::get",
        "call_quality::report",
        "recordings::current",
        "recordings::say",
        "consents::add",
        "surveys::answer",
        "forms::get",
        "forms::get_version",
        "form_answers::begin",
        "form_answers::get",
        "form_answers::save",
        "form_answers::complete",
        "form_answers::list",
    ];
    /// Around it: other tests here show how far.
    const AROUND: &[&str] = &[
        "availability::list",
        "events::stream",
        "rooms::queue",
        "surveys::list",
        "surveys::get",
        "forms::list",
    ];
    /// What anybody may see.
    const PUBLIC: &[&str] = &["rooms::get", "consents::get"];
    let clinic = clinic().await;
    let linked = clinic.book(MONDAY_NINE).await;
    let other = clinic.book(MONDAY_NINE + 900).await;
    let nobody = clinic.kit.anonymous().header("X-AccountCode", "northside");
    let holder = nobody.header("X-LinkToken", &linked.token);
    let described = document("/api_v3");
    let (mut count, mut open, mut wrong) = (0, 0, Vec::new());
    for (path, item) in described["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            count += 1;
            let name = operation["operationId"].as_str().unwrap();
            let security = operation["security"].to_string();
            let at = |id: &str| {
                let path = path.replace("{code}", "main");
                let parts = path.split('/').map(|part| if part.starts_with('{') { id } else { part });
                parts.collect::<Vec<_>>().join("/")
            };
            let moved = json!({ "start": MONDAY_NINE + HOUR });
            let body = if name == "visits::update" { moved } else { json!({}) };
            let ask = async |client: &Client, path: String| {
                let request = client.request(method.to_uppercase().parse::<Method>().unwrap(), &path);
                let request = if method == "get" { request } else { request.json(&body) };
                let response = request.send().await.unwrap();
                response.status().as_u16()
            };
            let taken = OPEN.contains(&name) || AROUND.contains(&name);
            if taken && !security.contains("LinkToken") {
                wrong.push(format!("{name}: the description does not say so"));
            }
            open += usize::from(taken);
            if AROUND.contains(&name) || PUBLIC.contains(&name) {
                continue;
            }
            if taken {
                // Bodies may be bad, and the waiting room and the call are not
                // open yet: all of them got past the door.
                if name != "visits::cancel" && [401, 403].contains(&ask(&holder, at(&linked.id)).await) {
                    wrong.push(format!("{name}: its own visit is closed to it"));
                }
                let elsewhere = ask(&holder, at(&other.id)).await;
                // What reads its body first is asked with a good one below.
                if elsewhere != 404 && elsewhere != 400 {
                    wrong.push(format!("{name}: opens another visit: {elsewhere}"));
                }
                continue;
            }
            if security.contains("LinkToken") {
                wrong.push(format!("{name}: is said to take a link"));
            }
            let status = ask(&holder, at(&linked.id)).await;
            let public = !security.contains("ApiToken");
            let refused = [401, 403, 404].contains(&status);
            let as_nobody = public && status == ask(&nobody, at(&linked.id)).await;
            if !refused && !as_nobody {
                wrong.push(format!("{name}: {status}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(count > 80 && open == OPEN.len() + AROUND.len(), "{count} operations, {open} of them open");
    // With a good body, the other visit is refused like any other.
    for (verb, body) in [
        ("/close", json!({ "reason": "patient_exit_room" })),
        ("/end", json!({ "reason": "patient_exit_room" })),
        ("/cancel", json!({})),
        ("/start", json!({})),
        ("/add_walkin", json!({})),
        ("/call", json!({})),
        ("", json!({ "start": MONDAY_NINE + HOUR })),
    ] {
        holder.post(&other.path(verb), body).await.refused(404, "visit_not_found");
    }
    holder.get(&other.path("")).await.refused(404, "visit_not_found");
    holder.get("/rooms/main/queue").await.ok();
    clinic.kit.room("annex").await;
    holder.get("/rooms/annex/queue").await.refused(404, "room_not_found");
    holder.get("/visits").await.refused(403, "link_not_enough");
    holder.get("/rooms").await.refused(403, "link_not_enough");
    // With a key that repeats, it goes through the same door.
    let keyed = holder.header("Idempotency-Key", "k-1");
    keyed.post("/intakes", json!({ "reason_for_visit": "x" })).await.refused(403, "link_not_enough");
    keyed.post(&linked.path("/cancel"), json!({})).await.ok();
    assert_eq!(holder.get(&other.path("")).await.status.as_u16(), 403, "over with its visit");
    other.holder.get(&other.path("")).await.ok();
}

/// Forms of its own visit, and of the intake that this was made of: nothing of
/// another visit of the same patient, and nothing of the patient alone.
#[tokio::test]
async fn its_holder_answers_the_forms_of_its_visit() {
    let clinic = clinic().await;
    let (linked, other) = (clinic.book(MONDAY_NINE).await, clinic.book(MONDAY_NINE + 900).await);
    let admin = clinic.kit.admin();
    let mut forms = Vec::new();
    for step in ["intake", "post_intake", "sign_up"] {
        forms.push(published(&admin, habits(step)).await);
    }
    let [intake_form, visit_form, person_form] = forms.try_into().unwrap();
    let begin = |form: &str| format!("/forms/{form}/answers");
    let intake = async |linked: &Linked| {
        clinic.patient.client.get(&linked.path("")).await.data()["intake"]["id"].clone()
    };
    let (own, others) = (intake(&linked).await, intake(&other).await);
    for (form, target) in
        [(&visit_form, json!({ "visit_id": linked.id })), (&intake_form, json!({ "intake_id": own }))]
    {
        let begun = linked.holder.post(&begin(form), target).await.data();
        let path = format!("/form_answers/{}", id(&begun));
        let answers = json!({ "version": 1, "answers": { "smoker": false, "interest": "never" } });
        linked.holder.post(&path, answers).await.ok();
        let done = linked.holder.post(&format!("{path}/complete"), json!({ "version": 2 })).await.data();
        assert_eq!(done["status"], "completed");
        assert_eq!(linked.holder.get(&path).await.data(), done);
        other.holder.get(&path).await.refused(404, "form_answers_not_found");
        other.holder.post(&path, json!({ "version": 3 })).await.refused(404, "form_answers_not_found");
    }
    assert_eq!(linked.holder.get(&linked.path("/form_answers")).await.data().as_array().unwrap().len(), 2);
    linked.holder.get(&other.path("/form_answers")).await.refused(404, "visit_not_found");
    let refused = async |form: &str, target: Value, code: &str| {
        linked.holder.post(&begin(form), target).await.refused(404, code);
    };
    refused(&visit_form, json!({ "visit_id": other.id }), "visit_not_found").await;
    refused(&intake_form, json!({ "intake_id": others }), "intake_not_found").await;
    refused(&person_form, json!({}), "user_not_found").await;
}

#[tokio::test]
async fn a_token_counts_before_a_link_and_a_link_before_a_session() {
    let clinic = clinic().await;
    let linked = clinic.book(MONDAY_NINE).await;
    let tom = clinic.kit.patient("tom").await;
    // Real portals send every header they have: the token says who it is.
    let both = tom.client.header("X-LinkToken", &linked.token);
    both.get(&linked.path("")).await.refused(404, "visit_not_found");
    both.get("/visits").await.ok();
    // A page of somebody signed in, without a word about its session.
    let page = linked.holder.header("Cookie", "bedside_patient=whatever");
    page.get(&linked.path("")).await.ok();
    // Another clinic's code and a link do not go together.
    clinic.kit.another_clinic("southside").await;
    let elsewhere = linked.holder.header("X-AccountCode", "southside");
    elsewhere.get(&linked.path("")).await.refused(401, "token_of_other_account");
}

#[tokio::test]
async fn a_link_hears_of_its_own_visit_and_that_the_queue_moved() {
    let clinic = clinic().await;
    let linked = clinic.book(MONDAY_NINE).await;
    let other = clinic.book(MONDAY_NINE + 900).await;
    let request =
        clinic.kit.anonymous().request(Method::GET, &format!("/events/stream?token={}", linked.token));
    assert_eq!(request.send().await.unwrap().status(), 200);
    let mut stream = Stream::open(&linked.holder).await;
    // Another visit of the same patient, in the same room: only that it moved.
    let moved = json!({ "start": MONDAY_NINE + 2 * HOUR });
    other.holder.post(&other.path(""), moved).await.ok();
    let heard = stream.next().await;
    assert_eq!((&*heard.event, &heard.data["visit_id"]), ("queue.updated", &Value::Null));
    clinic.provider.client.post(&linked.path(""), json!({ "start": MONDAY_NINE + HOUR })).await.ok();
    let heard = stream.next().await;
    assert_eq!((&*heard.event, &heard.data["visit_id"]), ("visit.updated", &json!(linked.id)));
    linked.act("/cancel").await.ok();
    assert_eq!(stream.next_of("visit.ended").await.data["visit_id"], json!(linked.id));
    clinic
        .kit
        .anonymous()
        .get(&format!("/events/stream?token={}", linked.token))
        .await
        .refused(403, "link_expired");
}
