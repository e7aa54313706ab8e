//! `POST /users` and `POST /users/:id`: adding people, changing them, passwords,
//! suspending, and the extended profile.

use std::time::Duration;

use bedside_tests::kit::{Answer, Client, Kit, Stream};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery staple";
const NEXT: &str = "another long pass phrase";

fn person(fields: Value) -> Value {
    let mut body = json!({ "type": 200, "first_name": "Ines", "last_name": "Silva" });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

async fn login(kit: &Kit, username: &str, password: &str) -> Answer {
    kit.anonymous().post("/users/login", json!({ "username": username, "password": password })).await
}

async fn logged_in(kit: &Kit, username: &str, password: &str) -> Client {
    let data = login(kit, username, password).await.data();
    kit.bearer(data["token"]["token"].as_str().unwrap())
}

#[tokio::test]
async fn people_of_every_type_are_added() {
    let kit = Kit::start().await;
    kit.room("main").await;
    let admin = kit.admin();
    for kind in [100, 150, 200, 300, 400, 500, 600, 700] {
        let made = admin.post("/users", person(json!({ "type": kind.to_string() }))).await.data();
        assert_eq!(
            (&made["type"], &made["status"], &made["active"]),
            (&json!(kind), &json!(10), &json!(false))
        );
        assert_eq!(made["vseeid"], format!("northside+user{}", made["id"].as_str().unwrap()));
        assert_eq!(
            (made["code"].as_str().unwrap().len(), made["username"].as_str().unwrap().len()),
            (32, 32)
        );
    }
    let fields = json!({
        "type": 400, "subtype": 482, "role": "scheduler", "code": "d-9", "username": "osei", "password": PASSWORD,
        "email": "osei@example.org", "dob": "1980-02-29", "gender": "Female", "phone": "555", "title": "Dr",
        "suffix": "MD", "short_bio": "Two\nlines", "timezone": "Europe/Lisbon", "room_code": "main", "tos": 1,
        "group": "north", "extra": { "race": "x", "own": [1, { "two": 2 }] },
    });
    let made = admin.post("/users", person(fields.clone())).await.data();
    let path = format!("/users/{}", made["id"].as_str().unwrap());
    let read = admin.get(&path).await.data();
    assert_eq!(read, made);
    for (name, value) in fields.as_object().unwrap() {
        match name.as_str() {
            "password" | "room_code" => {}
            "gender" => assert_eq!(read["gender"], 2),
            "tos" => assert_eq!(read["tos"], true),
            "subtype" => assert_eq!(read["subtype"], "482"),
            "extra" => {
                assert_eq!((&read["extra"]["race"], &read["extra"]["own"]), (&value["race"], &value["own"]))
            }
            name => assert_eq!(&read[name], value, "{name}"),
        }
    }
    assert_eq!(
        (&read["rooms"][0]["code"], &read["status"], &read["signup_step"]),
        (&json!("main"), &json!(20), &json!(99))
    );
    assert_eq!(
        (&read["photo"], &read["extra"]["attachments"], &read["extra"]["emerg_contact_name"]),
        (&Value::Null, &Value::Null, &json!(""))
    );
    assert!(!read.to_string().contains("argon2") && read.get("password").is_none());
    logged_in(&kit, "osei", PASSWORD).await.get("/users/-").await.ok();
    // The three encodings, and a patient with a room.
    let form = [
        ("type", "200"),
        ("first_name", "Ana"),
        ("last_name", "Ito"),
        ("room_codes[]", "main"),
        ("extra[race]", "y"),
    ];
    for answer in [admin.form("/users", &form).await, admin.multipart("/users.json", &form).await] {
        let made = answer.data();
        assert_eq!((&made["rooms"][0]["code"], &made["extra"]["race"]), (&json!("main"), &json!("y")));
    }
}

#[tokio::test]
async fn a_bad_field_of_a_new_user_is_named() {
    let kit = Kit::start().await;
    kit.room("main").await;
    kit.room("annex").await;
    let admin = kit.admin();
    admin.post("/users", person(json!({ "username": "ines", "code": "c-1" }))).await.ok();
    let cases = [
        ("type", json!(110)),
        ("type", json!(140)),
        ("type", json!(160)),
        ("type", json!(201)),
        ("type", json!("patient")),
        ("first_name", json!("")),
        ("last_name", Value::Null),
        ("subtype", json!(482)),
        ("role", json!("scheduler")),
        ("username", json!("ines")),
        ("username", json!("two words")),
        ("code", json!("c-1")),
        ("code", json!("x".repeat(129))),
        ("password", json!("short")),
        ("timezone", json!("Mars/Olympus")),
        ("dob", json!("1981-02-29")),
        ("email", json!("nobody")),
        ("group", json!("x".repeat(101))),
        ("room_codes", json!(["main", "annex"])),
        ("extra", json!("[1]")),
        ("extra", json!({ "": 1 })),
        ("extra", json!({ "x": "y".repeat(66_000) })),
    ];
    for (field, value) in cases {
        let body = person(json!({ field: value }));
        let refused = admin.post("/users", body).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{field} = {value}: {refused}");
    }
    admin.post("/users", person(json!({ "room_code": "nowhere" }))).await.refused(404, "room_not_found");
    // Nothing is left of what was refused.
    assert_eq!(admin.get("/users?type=200").await.ok().json()["total_count"], 1);
    let patient = kit.patient("m").await;
    patient.client.post("/users", person(json!({}))).await.refused(403, "admin_only");
    kit.portal().post("/users", person(json!({}))).await.refused(401, "token_missing");
}

#[tokio::test]
async fn people_change_their_own_profile_and_not_what_the_clinic_decides() {
    let kit = Kit::start().await;
    let patient = kit.patient("m").await;
    let me = &patient.client;
    let sent = json!({
        "first_name": "Mia", "email": "mia@example.org", "phone": "555", "gender": 1, "dob": "1990-01-31",
        "timezone": "America/New_York", "tos": true, "disable_emails": 1, "city": "Springfield", "zip": "01101",
        "username": "mia", "extra": { "veteran": "no", "emerg_contact_name": "Tom", "pets": 2 },
    });
    let changed = me.post("/users/-", sent).await.data();
    assert_eq!(changed, me.get("/users/-").await.data());
    assert_eq!(
        (&changed["full_name"], &changed["tos"], &changed["username"]),
        (&json!("Mia m"), &json!(true), &json!("mia"))
    );
    assert_eq!(
        (&changed["extra"]["pets"], &changed["extra"]["emerg_contact_name"]),
        (&json!(2), &json!("Tom"))
    );
    // What is not sent stays, an empty text clears, a null takes a field away.
    let again =
        me.form("/users/-", &[("phone", ""), ("timezone", ""), ("extra[veteran]", "yes")]).await.data();
    assert_eq!(
        (&again["phone"], &again["timezone"], &again["city"]),
        (&json!(""), &json!(""), &json!("Springfield"))
    );
    assert_eq!((&again["extra"]["veteran"], &again["extra"]["pets"]), (&json!("yes"), &json!(2)));
    let without = me.post("/users/-", json!({ "extra": { "pets": null, "veteran": null } })).await.data();
    assert_eq!((without["extra"].get("pets"), &without["extra"]["veteran"]), (None, &json!("")));
    // Sending back what was read is no change of what the clinic decides.
    me.post("/users/-", without).await.ok();
    for field in [
        json!({ "status": 30 }),
        json!({ "role": "clinic_admin" }),
        json!({ "type": 100 }),
        json!({ "is_hidden": 1 }),
        json!({ "code": "other" }),
        json!({ "group": "north" }),
    ] {
        let answer = me.post("/users/-", field.clone()).await;
        assert!(answer.status == 403 || answer.status == 400, "{field}: {}", answer.text);
    }
    me.post("/users/-", json!({ "first_name": " " })).await.refused(400, "invalid_field");
    let huge = json!({ "extra": { "a": "x".repeat(40_000) } });
    me.post("/users/-", huge).await.ok();
    let more = json!({ "extra": { "b": "x".repeat(40_000) } });
    me.post("/users/-", more).await.refused(400, "invalid_field");
    let other = kit.patient("tom").await;
    let taken =
        other.client.post("/users/-", json!({ "username": "mia" })).await.refused(400, "invalid_field");
    assert!(taken["fields"]["username"].is_string());
    let by_admin = kit
        .admin()
        .post(&format!("/users/{}", patient.id), json!({ "code": "new-code", "is_hidden": 1 }))
        .await
        .data();
    assert_eq!((&by_admin["code"], &by_admin["is_hidden"]), (&json!("new-code"), &json!(true)));
    assert_eq!(kit.patient("new-code").await.id, patient.id);
}

#[tokio::test]
async fn the_extended_profile_lies_sealed() {
    let kit = Kit::start().await;
    let patient = kit.patient("m").await;
    let secret = "ClusterHeadacheSince1999";
    patient.client.post("/users/-", json!({ "extra": { "insurance": secret } })).await.ok();
    let account = bedside_app::accounts::get_by_code(&kit.app, &kit.clinic.code).await.unwrap().id;
    let mut conn = kit.app.store.reader().await.unwrap();
    let id = bedside_model::UserId(patient.id.parse().unwrap());
    let sealed = bedside_store::users::find_extra(&mut conn, &account, id).await.unwrap().unwrap();
    let bytes = sealed.as_bytes();
    assert!(bytes.len() > secret.len() && !bytes.windows(6).any(|window| window == &secret.as_bytes()[..6]));
    // Copied to another person's row it does not open.
    let tom = kit.patient("tom").await;
    let thief = bedside_model::UserId(tom.id.parse().unwrap());
    let moved: Result<(), bedside_store::Error> = kit
        .app
        .store
        .write(move |tx| {
            Box::pin(async move {
                bedside_store::users::set_extra(tx, &account, thief, &sealed, bedside_model::At(1)).await
            })
        })
        .await;
    moved.unwrap();
    let answer = tom.client.get("/users/-").await;
    assert_eq!(answer.status, 500);
    assert!(!answer.text.contains(secret));
}

#[tokio::test]
async fn a_password_of_ones_own_takes_the_current_one() {
    let kit = Kit::start().await;
    let patient = kit.patient("m").await;
    let me = &patient.client;
    me.post("/users/-", json!({ "username": "mia" })).await.ok();
    // The first one takes none, and ends nothing.
    me.post("/users/-", json!({ "password": PASSWORD })).await.ok();
    me.get("/users/-").await.ok();
    let elsewhere = logged_in(&kit, "mia", PASSWORD).await;
    let refused = me.post("/users/-", json!({ "password": NEXT })).await.refused(400, "invalid_field");
    assert!(refused["fields"]["current_password"].is_string());
    let wrong = json!({ "password": NEXT, "current_password": "a wrong long password" });
    let refused = me.post("/users/-", wrong.clone()).await.refused(400, "invalid_field");
    assert!(refused["fields"]["current_password"].is_string());
    me.post("/users/-", json!({ "password": "mia", "current_password": PASSWORD }))
        .await
        .refused(400, "invalid_field");
    me.post("/users/-", json!({ "password": NEXT, "current_password": PASSWORD })).await.ok();
    // The log-in that did it goes on, all others are over.
    me.get("/users/-").await.ok();
    assert_eq!(elsewhere.get("/users/-").await.status, 401);
    login(&kit, "mia", PASSWORD).await.refused(401, "login_failed");
    logged_in(&kit, "mia", NEXT).await.get("/users/-").await.ok();
    // Guessing the current one is slowed down like guessing a log-in.
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(me.post("/users/-", wrong.clone()).await.status.as_u16());
    }
    assert_eq!((statuses[0], statuses[11]), (400, 429), "{statuses:?}");
}

#[tokio::test]
async fn a_first_password_makes_active_and_the_portal_may_vouch() {
    let kit = Kit::start().await;
    let admin = kit.admin();
    let made = admin.post("/users", person(json!({ "username": "ines" }))).await.data();
    let path = format!("/users/{}", made["id"].as_str().unwrap());
    assert_eq!(made["status"], 10);
    let set = admin.post(&path, json!({ "password": PASSWORD })).await.data();
    assert_eq!((&set["status"], &set["active"]), (&json!(20), &json!(true)));
    logged_in(&kit, "ines", PASSWORD).await.get("/users/-").await.ok();
    // An admin sets another one without knowing it; a suspended user stays so.
    admin.post(&path, json!({ "status": 30 })).await.ok();
    assert_eq!(admin.post(&path, json!({ "password": NEXT })).await.data()["status"], 30);
    assert_eq!(login(&kit, "ines", NEXT).await.status, 403);

    admin.post("/users", person(json!({ "code": "p-7" }))).await.ok();
    let known = kit.patient("p-7").await;
    assert_eq!(known.client.get("/users/-").await.data()["status"], 20);
}

#[tokio::test]
async fn a_suspended_user_is_out_at_once_and_may_come_back() {
    let kit = Kit::start().await;
    kit.room("main").await;
    let patient = kit.patient("m").await;
    patient.client.post("/users/-", json!({ "username": "mia", "password": PASSWORD })).await.ok();
    let path = format!("/users/{}", patient.id);
    let refresh = login(&kit, "mia", PASSWORD).await.data()["token"]["refresh_token"]["token"].clone();
    for status in [30, 40] {
        let page = kit.anonymous().header("X-Session-Kind", "patient");
        let answer = page.post("/users/login", json!({ "username": "mia", "password": PASSWORD })).await.ok();
        let cookie = answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let token = answer.data()["token"]["token"].as_str().unwrap().to_owned();
        let (page, bearer) = (kit.anonymous().page(&cookie, "patient"), kit.bearer(&token));
        page.get("/users/-").await.ok();
        let mut stream = Stream::open(&bearer).await;
        let changed = kit.admin().post(&path, json!({ "status": status })).await.data();
        assert_eq!((&changed["status"], &changed["active"]), (&json!(status), &json!(false)));
        // Far sooner than the stream's next heartbeat, which is 15 s away.
        assert!(tokio::time::timeout(Duration::from_secs(10), stream.ends()).await.unwrap_or(false));
        bearer.get("/users/-").await.refused(403, "user_suspended");
        assert_eq!(page.get("/users/-").await.status, 401);
        assert_eq!(login(&kit, "mia", PASSWORD).await.status, 403);
        let body = json!({ "first_name": "Maria", "last_name": "m", "code": "m" });
        kit.portal().post("/users/sso", body).await.refused(403, "user_suspended");
        let renewed = kit.anonymous().post("/users/refresh_token", json!({ "refresh_token": refresh })).await;
        assert!(renewed.status == 401 || renewed.status == 403, "{}", renewed.text);
        kit.admin().post(&path, json!({ "status": 20 })).await.ok();
        // Reactivated, but what ended stays ended.
        bearer.get("/users/-").await.refused(401, "token_unknown");
        assert_eq!(login(&kit, "mia", PASSWORD).await.status, 200);
    }
    kit.admin().post(&path, json!({ "status": 25 })).await.refused(400, "invalid_field");
}

#[tokio::test]
async fn the_clinic_keeps_somebody_who_can_run_it() {
    let kit = Kit::start().await;
    let admin = kit.admin();
    let made = admin
        .post("/users", person(json!({ "type": 100, "username": "boss", "password": PASSWORD })))
        .await
        .data();
    let boss = logged_in(&kit, "boss", PASSWORD).await;
    let path = format!("/users/{}", made["id"].as_str().unwrap());
    for change in [json!({ "status": 30 }), json!({ "status": 40 }), json!({ "type": 200 })] {
        boss.post("/users/-", change).await.refused(400, "last_admin");
    }
    boss.get("/users/-").await.ok();
    // With a second one it is possible: of two that put each other out at once, one stays.
    let second = json!({ "type": 400, "role": "clinic_admin", "username": "second", "password": PASSWORD });
    let second = admin.post("/users", person(second)).await.data();
    let other = format!("/users/{}", second["id"].as_str().unwrap());
    let deputy = logged_in(&kit, "second", PASSWORD).await;
    let (first, last) =
        tokio::join!(deputy.post(&path, json!({ "status": 30 })), boss.post(&other, json!({ "role": "" })));
    let statuses = [first.status.as_u16(), last.status.as_u16()];
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{} {}", first.text, last.text);
    // The portal's token runs the clinic by itself and may take the last one's right.
    admin.post(&path, json!({ "status": 30 })).await.ok();
    admin.post(&other, json!({ "role": "" })).await.ok();
    // System users are nobody's to change.
    let system = admin.get("/users?type=160").await.ok().json()["data"][0]["id"].as_str().unwrap().to_owned();
    admin.post(&format!("/users/{system}"), json!({ "status": 30 })).await.refused(400, "system_user");
}

#[tokio::test]
async fn changes_are_events_and_entries() {
    let kit = Kit::start().await;
    let patient = kit.patient("m").await;
    let mut stream = Stream::open(&kit.admin()).await;
    patient.client.post("/users/-", json!({ "first_name": "Mia" })).await.ok();
    let frame = stream.next_of("user.updated").await;
    assert_eq!((&frame.data["user_id"], &frame.data["data"]["user_type"]), (&json!(patient.id), &json!(200)));
    assert!(!frame.data.to_string().contains("Mia"));
    kit.admin()
        .post(&format!("/users/{}", patient.id), json!({ "status": 30, "password": PASSWORD }))
        .await
        .ok();
    let account = bedside_app::accounts::get_by_code(&kit.app, &kit.clinic.code).await.unwrap().id;
    let mut conn = kit.app.store.reader().await.unwrap();
    for (action, count) in [("users.update", 2), ("users.decide", 1), ("users.set_password", 1)] {
        let found = bedside_store::audit::count(&mut conn, &account, action, &patient.id).await.unwrap();
        assert_eq!(found, count, "{action}");
    }
}

#[tokio::test]
async fn fields_vsee_adds_the_call_identity_of_ones_own() {
    let kit = Kit::start().await;
    let patient = kit.patient("m").await;
    let me = patient.client.get("/users/-?fields=vsee").await.data();
    assert_eq!((&me["vsee"]["id"], &me["vsee"]["token"]), (&me["vseeid"], &json!(patient.token)));
    assert_eq!(me["first_name"], "Maria");
    let some = patient.client.get("/users/-?fields=vsee,type").await.data();
    assert_eq!(some, json!({ "id": patient.id, "type": 200, "vsee": me["vsee"] }));
    // Nobody gets a token for somebody else.
    let path = format!("/users/{}?fields=vsee", patient.id);
    let seen = kit.admin().get(&path).await.data();
    assert_eq!((&seen["vsee"]["id"], &seen["vsee"]["token"]), (&me["vseeid"], &json!("")));
    assert!(patient.client.get("/users/-").await.data().get("vsee").is_none());
}
