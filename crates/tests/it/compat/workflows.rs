//! P1, P3, P4, P5 and V1: the workflows around P2, in all three encodings, with
//! and without `.json`, with all four headers on every call.

use bedside_tests::kit::{Client, Kit};
use serde_json::{Value, json};

use super::{
    Encoding, post,
    shapes::{self, check},
};

const ENCODINGS: [Encoding; 3] = [Encoding::Json, Encoding::Form, Encoding::Multipart];

/// Signs somebody in; gives a client with all four headers, and the answer.
async fn sign_in(kit: &Kit, (code, kind): (&str, &str), encoding: Encoding, suffix: &str) -> (Client, Value) {
    let portal = kit.portal();
    let code = format!("{code}-{encoding:?}{suffix}");
    let fields = [("first_name", "Maria"), ("last_name", "Santos"), ("type", kind), ("code", &*code)];
    let user = post(&portal, &format!("/users/sso{suffix}"), &fields, encoding).await.data();
    check("sso", &user, shapes::SSO);
    let token = user["token"]["token"].as_str().expect("data.token.token").to_owned();
    (portal.header("X-ApiToken", &token), user)
}

/// Follows `/auth` and gives where it leads.
async fn arrive(kit: &Kit, user: &Value, next: &str) -> String {
    let token = user["token"]["token"].as_str().expect("a token");
    let arrived = kit.anonymous().get(&format!("//auth?sso_token={token}&next={next}")).await;
    assert_eq!(arrived.status, 303, "{}", arrived.text);
    assert!(arrived.headers.contains_key("set-cookie"));
    arrived.headers["location"].to_str().expect("text").to_owned()
}

async fn intake(all: &Client, encoding: Encoding, suffix: &str) -> Value {
    let fields = [("reason_for_visit", "Cough"), ("room_code", "main"), ("custom_is_smoker", "No")];
    let intake = post(all, &format!("/intakes{suffix}"), &fields, encoding).await.data();
    assert_eq!(intake["custom_is_smoker"], "No");
    intake
}

#[tokio::test]
async fn p1_a_patient_arrives_at_the_waiting_room() {
    let kit = Kit::start().await;
    kit.room("main").await;
    for encoding in ENCODINGS {
        for suffix in ["", ".json"] {
            let (all, user) = sign_in(&kit, ("p1", "200"), encoding, suffix).await;
            assert_eq!(arrive(&kit, &user, "/u/main").await, "/u/main");
            let profile = all.get(&format!("/users/-{suffix}")).await.data();
            check("profile", &profile, shapes::PROFILE);
            assert_eq!(profile["id"], user["id"]);
        }
    }
}

/// `GET /availability` as the demo portal's curl sends it: a form in the body.
async fn get_with_a_body(client: &Client, path: &str, fields: &[(&str, &str)]) -> Value {
    let request = client.request(reqwest::Method::GET, path).form(fields);
    Client::send(request).await.ok().json()
}

#[tokio::test]
async fn p3_an_appointment_is_booked_and_its_link_opens_it() {
    /// 2027-02-01T09:00:00Z, a Monday; the clock begins in January 2027.
    const MONDAY_NINE: i64 = 1_801_472_400;
    let (kit, _) = Kit::on_a_clock().await;
    kit.room("main").await;
    let admin = kit.admin();
    admin.post("/accounts/-", json!({ "one_time_links": 1 })).await.ok();
    admin.post("/rooms/main", json!({ "visits": { "appointment": { "enabled": true } } })).await.ok();
    let provider = kit.provider("d-1", &["main"]).await;
    let hours = json!({ "room_code": "main", "start": MONDAY_NINE, "end": MONDAY_NINE + 6 * 900 });
    provider.client.post("/slots", hours).await.ok();
    let (start, end) = (MONDAY_NINE.to_string(), (MONDAY_NINE + 7 * 86_400).to_string());
    let mut free = 6;
    for encoding in ENCODINGS {
        for suffix in ["", ".json"] {
            let (all, user) = sign_in(&kit, ("p3", "200"), encoding, suffix).await;
            let room = all.get(&format!("/rooms/main{suffix}")).await.data();
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            let consultation = &room["payment"]["consultations"][0];
            check("consultation", consultation, shapes::CONSULTATION);
            let consultation = text(&consultation["id"]);
            let intake = text(&intake(&all, encoding, suffix).await["id"]);
            let member = text(&user["id"]);

            // As a query, as a body of a GET, and as a POST: one answer.
            let path = format!("/availability{suffix}");
            let window = [
                ("member_id", &*member),
                ("start", &*start),
                ("end", &*end),
                ("duration", "15"),
                ("consultation_id", &*consultation),
                ("intake_id", &*intake),
            ];
            let times = post(&all, &path, &window, encoding).await.ok().json();
            check("free time", &times["data"][0], shapes::FREE_TIME);
            assert_eq!((&times["total_count"], &times["total"]), (&free.into(), &free.into()));
            assert_eq!(get_with_a_body(&all, &path, &window).await, times);
            let query: Vec<String> = window.iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(all.get(&format!("{path}?{}", query.join("&"))).await.ok().json(), times);

            let time = &times["data"][0];
            let (begin, until) = (time["start"].to_string(), time["end"].to_string());
            let fields = [
                ("intake_id", &*intake),
                ("start", &*begin),
                ("end", &*until),
                ("provider_id", &*text(&time["provider_id"])),
            ];
            let visit = post(&all, &format!("/visits{suffix}"), &fields, encoding).await.data();
            check("appointment", &visit, shapes::VISIT);
            assert_eq!((&visit["type"], &visit["status"]), (&"2".into(), &"20".into()));
            assert_eq!(
                (text(&visit["start"]), text(&visit["end"]), text(&visit["member_id"])),
                (begin, until, member)
            );
            free -= 1;

            let link = text(&visit["one_time_link_token"]);
            assert!(
                link.len() == 10 && link.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()),
                "{link}"
            );
            let id = text(&visit["id"]);
            let page = format!("//members/appointment/{id}?token={link}");
            assert_eq!(kit.anonymous().get(&page).await.status, 200);
            let path = format!("/visits/{id}{suffix}");
            let seen = kit.anonymous().header("X-LinkToken", &link).get(&path).await.data();
            assert_eq!((&seen["id"], &seen["start"]), (&visit["id"], &visit["start"]));
        }
    }
    assert_eq!(free, 0, "every time was booked once");
}

#[tokio::test]
async fn p4_an_e_consult_is_accepted_by_a_provider() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let provider = kit.provider("d-1", &[&room]).await;
    for encoding in ENCODINGS {
        for (path, suffix) in [("/visits/add_econsult", ""), ("/add_econsult", ".json")] {
            let (all, user) = sign_in(&kit, ("p4", "200"), encoding, suffix).await;
            let intake = intake(&all, encoding, suffix).await;
            let id = intake["id"].as_str().expect("an id");
            let visit = post(&all, &format!("{path}{suffix}"), &[("intake_id", id)], encoding).await.data();
            check("e-consult", &visit, shapes::VISIT);
            assert_eq!(
                (&visit["type"], &visit["subtype"], &visit["status"]),
                (&"3".into(), &"4".into(), &"10".into())
            );
            assert_eq!((&visit["provider_id"], &visit["member_id"]), (&Value::Null, &user["id"]));
            let id = visit["id"].as_str().expect("an id");
            let path = format!("/visits/{id}/accept{suffix}");
            let taken = post(&provider.client, &path, &[], encoding).await.data();
            check("accepted", &taken, shapes::VISIT);
            check("accepted", &taken, shapes::VISIT_PROVIDER);
            assert_eq!(
                (&taken["status"], &taken["provider_id"]),
                (&"25".into(), &provider.id.clone().into())
            );
        }
    }
}

#[tokio::test]
async fn p5_a_guest_joins_by_the_visits_code() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let provider = kit.provider("d-1", &[&room]).await;
    for encoding in ENCODINGS {
        for suffix in ["", ".json"] {
            let (all, _) = sign_in(&kit, ("p5", "200"), encoding, suffix).await;
            let intake = intake(&all, encoding, suffix).await;
            let fields = [("intake_id", intake["id"].as_str().expect("an id")), ("room_code", "main")];
            let made = post(&all, &format!("/visits/add_walkin{suffix}"), &fields, encoding).await.data();
            let id = made["id"].as_str().expect("an id").to_owned();
            let visit = all.get(&format!("/visits/{id}{suffix}")).await.data();
            check("visit", &visit, shapes::VISIT);
            let code = visit["code"].as_str().expect("the invite code").to_owned();

            // The page of the link is there, and the code alone opens no call.
            assert_eq!(kit.anonymous().get(&format!("//visits/join/{code}")).await.status, 200);
            provider.client.post(&format!("/visits/{id}/accept"), Value::Null).await.ok();
            let fields = [("code", &*code), ("name", "Ana Santos"), ("role", "family")];
            let anonymous = kit.anonymous().header("X-AccountCode", &kit.clinic.code);
            let joined = post(&anonymous, &format!("/visits/join{suffix}"), &fields, encoding).await.data();
            assert_eq!(joined["status"], "waiting");
            let guest = kit.bearer(joined["token"]["token"].as_str().expect("a token"));
            let call = format!("/visits/{id}/call{suffix}");
            guest.post(&call, Value::Null).await.refused(400, "not_admitted_yet");
            let admit = format!("/visits/{id}/guests/{}/admit", joined["id"].as_str().expect("an id"));
            provider.client.post(&admit, Value::Null).await.ok();
            assert!(guest.post(&call, Value::Null).await.data()["token"].is_string());
        }
    }
}

#[tokio::test]
async fn v1_a_provider_arrives_at_the_dashboard() {
    let kit = Kit::start().await;
    for encoding in ENCODINGS {
        for suffix in ["", ".json"] {
            let (_, user) = sign_in(&kit, ("v1", "400"), encoding, suffix).await;
            let next = "/providers/dashboard";
            assert_eq!(arrive(&kit, &user, next).await, next);
        }
    }
}

/// What one call sent as a text comes back with its documented type.
#[tokio::test]
async fn every_answer_has_the_documented_types() {
    let kit = Kit::start().await;
    kit.room("main").await;
    let provider = kit.provider("d-1", &["main"]).await;
    let patient = kit.patient("maria").await;

    let room = kit.admin().get("/rooms/main").await.data();
    check("room", &room, shapes::ROOM);
    check("consultation", &room["payment"]["consultations"][0], shapes::CONSULTATION);
    check("listed room", &kit.anonymous().get("/rooms").await.data()[0], shapes::LISTED_ROOM);
    check("account", &kit.anonymous().get("/accounts/-").await.data(), shapes::ACCOUNT);

    let upload =
        reqwest::multipart::Part::bytes(b"Letter of the hospital".as_slice()).file_name("letter.txt");
    let form =
        reqwest::multipart::Form::new().part("file", upload).text("meta.category", "intake_attachment");
    let request = patient.client.request(reqwest::Method::POST, "/files").multipart(form);
    let file = Client::send(request).await.data();
    check("file", &file, shapes::FILE);

    let body = serde_json::json!({ "room_code": "main", "reason_for_visit": "Rash", "attachments": [{ "id": file["id"] }] });
    let id = patient.client.post("/intakes", body).await.data()["id"].as_str().expect("an id").to_owned();
    let intake = patient.client.get(&format!("/intakes/{id}")).await.data();
    check("intake", &intake, shapes::INTAKE);
    check("attachment", &intake["attachments"][0], shapes::ATTACHMENT);

    let body = serde_json::json!({ "intake_id": id, "room_code": "main" });
    let visit = patient.client.post("/visits/add_walkin", body).await.data();
    check("visit", &visit, shapes::VISIT);
    let path = format!("/visits/{}", visit["id"].as_str().expect("an id"));
    provider.client.post(&format!("{path}/accept"), Value::Null).await.ok();
    let running = provider.client.get(&path).await.data();
    check("running visit", &running, shapes::VISIT);
    check("running visit", &running, shapes::VISIT_PROVIDER);
    let listed = kit.admin().get("/visits").await.ok().json();
    assert_eq!((&listed["total_count"], &listed["total"]), (&1.into(), &1.into()));
    check("listed visit", &listed["data"][0], shapes::LISTED_VISIT);
}
