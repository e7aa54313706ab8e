//! Authorization, operation by operation: nobody, somebody of another clinic,
//! the wrong person, the wrong role. Every operation of the API description
//! must appear here or on the reviewed list.

use std::collections::BTreeSet;

use bedside::api::router::document;
use bedside_tests::kit::{Client, Kit, Person, Visit};
use reqwest::Method;
use serde_json::{Value, json};

/// Open to callers without a token, by design.
const REVIEWED: &[(&str, &str)] = &[
    ("rooms::list", "the clinic's rooms are public"),
    ("rooms::get", "a room's page is public; it tells nothing of people"),
    ("users::sso", "takes the API key; sso.rs has its refusals"),
    ("users::guest_login", "how a guest gets in; users.rs has its refusals"),
    ("users::login", "how somebody gets in; login.rs has its refusals"),
    ("users::logout", "signing out twice is fine; it ends only what the caller shows"),
    ("users::set_password", "takes a one-time token; login.rs has its refusals"),
];

struct Case {
    operation: &'static str,
    method: Method,
    path: String,
    body: Value,
    /// Callers of the same clinic who may not, and the status they get.
    refused: Vec<(Client, u16)>,
    /// Status for somebody with every right in another clinic.
    elsewhere: u16,
}

struct World {
    kit: Kit,
    patient: Person,
    stranger: Person,
    provider: Person,
    outsider: Person,
    visit: Visit,
}

async fn world() -> World {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    kit.room("annex").await;
    let patient = kit.patient("maria").await;
    let stranger = kit.patient("tom").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let outsider = kit.provider("d-2", &["annex"]).await;
    let visit = patient.walk_in(&room).await;
    provider.act(&visit, "accept").await.ok();
    World { kit, patient, stranger, provider, outsider, visit }
}

fn cases(world: &World) -> Vec<Case> {
    let World { patient, stranger, provider, outsider, visit, .. } = world;
    let get = |operation, path: String, refused, elsewhere| Case {
        operation,
        method: Method::GET,
        path,
        body: Value::Null,
        refused,
        elsewhere,
    };
    let post = |operation, path: String, body, refused, elsewhere| Case {
        operation,
        method: Method::POST,
        path,
        body,
        refused,
        elsewhere,
    };
    let client = |person: &Person, status| (person.client.clone(), status);
    let of_visit = |verb: &str| format!("/visits/{}/{verb}", visit.id);
    let strangers = || vec![client(stranger, 404), client(outsider, 404)];
    let with_patient = || [strangers(), vec![client(patient, 403)]].concat();
    let no_admins = || vec![client(patient, 403), client(provider, 403)];
    let intake = format!("/intakes/{}", visit.intake_id);
    let walk_in = json!({ "intake_id": visit.intake_id, "room_code": "main" });
    let user = format!("/users/{}", patient.id);
    let rooms = format!("/users/{}/rooms", provider.id);
    vec![
        get("users::get", user, strangers(), 404),
        get("users::list_rooms", rooms.clone(), vec![client(patient, 404)], 404),
        post("users::assign_rooms", rooms, json!({ "room_code": "main" }), no_admins(), 404),
        get("sessions::get", "/session".into(), vec![], 200),
        post("rooms::add", "/rooms".into(), json!({ "slug": "x", "name": "x" }), no_admins(), 200),
        post("rooms::update", "/rooms/main".into(), json!({}), no_admins(), 404),
        get("rooms::queue", "/rooms/main/queue".into(), vec![], 404),
        post(
            "intakes::add",
            "/intakes".into(),
            json!({ "member_id": patient.id }),
            vec![client(stranger, 403), client(outsider, 400)],
            400,
        ),
        get("intakes::get", intake.clone(), strangers(), 404),
        post("intakes::update", intake, json!({}), strangers(), 404),
        post(
            "visits::add_walkin",
            "/visits/add_walkin".into(),
            walk_in,
            vec![client(stranger, 400), client(outsider, 400)],
            400,
        ),
        get("visits::list", "/visits".into(), vec![], 200),
        get("visits::get", format!("/visits/{}", visit.id), strangers(), 404),
        post("visits::accept", of_visit("accept"), json!({}), with_patient(), 404),
        post("visits::start", of_visit("start"), json!({}), strangers(), 404),
        post("visits::put_back", of_visit("put_back"), json!({}), with_patient(), 404),
        post("visits::complete", of_visit("complete"), json!({}), with_patient(), 404),
        post("visits::close", of_visit("close"), json!({ "reason": "call_ended" }), strangers(), 404),
        post("calls::join", of_visit("call"), json!({}), strangers(), 404),
        get("events::stream", "/events/stream".into(), vec![], 200),
    ]
}

async fn status(client: &Client, case: &Case) -> u16 {
    let mut request = client.request(case.method.clone(), &case.path);
    if !case.body.is_null() {
        request = request.json(&case.body);
    }
    // Headers are enough: a stream has no end to wait for.
    request.send().await.expect("the server answers").status().as_u16()
}

#[tokio::test]
async fn every_operation_refuses_whoever_may_not() {
    let world = world().await;
    let other = world.kit.another_clinic("southside").await;
    let elsewhere = world.kit.admin_of(&other);
    let nobody = world.kit.anonymous().header("X-AccountCode", "northside");
    for case in cases(&world) {
        assert_eq!(status(&nobody, &case).await, 401, "{} without a token", case.operation);
        for (client, expected) in &case.refused {
            assert_eq!(status(client, &case).await, *expected, "{} {}", case.operation, case.path);
        }
        assert_eq!(status(&elsewhere, &case).await, case.elsewhere, "{} from another clinic", case.operation);
        // A token of another clinic under this clinic's code is no token.
        let mixed = elsewhere.header("X-AccountCode", "northside");
        assert_eq!(status(&mixed, &case).await, 401, "{} with another clinic's token", case.operation);
    }
    // Nothing of all that changed the visit.
    assert_eq!(world.provider.visit(&world.visit).await.data()["status"], "25");
}

#[tokio::test]
async fn every_operation_is_tested_or_reviewed() {
    let world = world().await;
    let known: BTreeSet<String> = cases(&world)
        .iter()
        .map(|case| case.operation.to_owned())
        .chain(REVIEWED.iter().map(|(operation, _)| (*operation).to_owned()))
        .collect();
    let document = serde_json::to_value(document("/api_v3")).unwrap();
    let described: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|path| path.as_object().unwrap().values())
        .filter_map(|operation| operation["operationId"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(known, described);
}
