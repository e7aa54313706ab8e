//! What a clinic sets on a room, and the hours it keeps.

use bedside_tests::kit::Kit;
use serde_json::{Value, json};

/// Friday, 15 January 2027, 08:00 in London and in UTC.
const FRIDAY_EIGHT: i64 = 1_800_000_000;

async fn set(kit: &Kit, body: Value) -> Value {
    kit.admin().post("/rooms/main", body).await.data()
}

#[tokio::test]
async fn what_is_sent_is_put_over_what_there_is() {
    let kit = Kit::start().await;
    kit.room("main").await;
    let before = kit.admin().get("/rooms/main").await.data();
    assert_eq!(before["visits"]["econsult"]["enabled"], true);
    assert_eq!(before["payment"]["consultations"].as_array().unwrap().len(), 1);
    let changed = set(
        &kit,
        json!({
            "name": "Evening care", "subtitle": "", "description": "Until late.", "queue_capacity": "30",
            "operation_settings": {
                "close_msg": "We open at nine.", "default_timezone": "europe/lisbon",
                "hours": [{ "day": "monday", "open": "09:00", "close": "17:30" },
                          { "day": 5, "open": "20:00", "close": "02:00" }],
            },
            "visits": { "econsult": { "enabled": 0 } },
            "payment": { "currency": "eur", "consultations": [
                { "id": before["payment"]["consultations"][0]["id"], "amount": "25.50" },
                { "description": "Group", "duration": 45, "amount": 9.9, "group": true, "charge": 0, "slots": 8 },
            ] },
            "specialties": [{ "code": "derm", "name": "Skin", "duration": 20 }],
            "colour": "a member that nobody knows",
        }),
    )
    .await;
    let settings = &changed["operation_settings"];
    assert_eq!((&changed["name"], &changed["subtitle"]), (&json!("Evening care"), &json!("")));
    assert_eq!(changed["slug"], "main");
    assert_eq!(
        (&settings["default_timezone"], &changed["queue_capacity"]),
        (&json!("Europe/Lisbon"), &json!(30))
    );
    assert_eq!(
        settings["hours"],
        json!([{ "day": "monday", "open": "09:00", "close": "17:30" },
               { "day": "friday", "open": "20:00", "close": "02:00" }])
    );
    let ways = &changed["visits"];
    assert_eq!((&ways["walkin"]["enabled"], &ways["walkin"]["by_on_call"]), (&json!(true), &json!(false)));
    // Open or not is for the hours to say, and for the day on which this runs.
    assert_eq!(ways["walkin"]["open"] == true, settings["is_closed"] == false);
    assert_eq!(ways["walkin"]["opens_at"], settings["next_open"]);
    assert_eq!(
        (&ways["appointment"], &ways["econsult"]),
        (&json!({ "enabled": false }), &json!({ "enabled": false }))
    );
    let payment = &changed["payment"];
    assert_eq!((&payment["currency"], &payment["paymentCurrency"]), (&json!("EUR"), &json!("EUR")));
    let (first, second) = (&payment["consultations"][0], &payment["consultations"][1]);
    assert_eq!(first["id"], before["payment"]["consultations"][0]["id"]);
    assert_eq!(
        (&first["amount"], &first["duration"], &first["charge"], &first["slots"]),
        (&json!(25.5), &json!(15), &json!(true), &json!(1))
    );
    assert_eq!(
        (&second["amount"], &second["duration"], &second["charge"], &second["slots"], &second["group"]),
        (&json!(9.9), &json!(45), &json!(false), &json!(8), &json!(true))
    );
    assert_ne!(first["id"], second["id"]);
    assert_eq!(changed["specialties"], json!([{ "code": "derm", "name": "Skin", "duration": 20 }]));

    // What was shown can be sent back, and changes nothing.
    let mut again = set(&kit, changed.clone()).await;
    again["modified"] = changed["modified"].clone();
    assert_eq!(again, changed);
    // As a form, PHP-style.
    let form = [
        ("operation_settings[is_closed]", "1"),
        ("visits[walkin][enabled]", "0"),
        ("payment[consultations][0][description]", "Only one"),
        ("payment[consultations][0][amount]", "12"),
    ];
    let formed = kit.admin().form("/rooms/main.json", &form).await.data();
    assert_eq!(formed["operation_settings"]["closed_by_hand"], true);
    assert_eq!(formed["visits"]["walkin"]["enabled"], false);
    assert_eq!(formed["payment"]["consultations"].as_array().unwrap().len(), 1);
    assert_eq!(formed["payment"]["consultations"][0]["amount"], 12);
    assert_eq!(formed["operation_settings"]["hours"], settings["hours"]);
    let parts = [("operation_settings[is_closed]", "0"), ("queue_capacity", "0")];
    let formed = kit.admin().multipart("/rooms/main", &parts).await.data();
    assert_eq!(
        (&formed["operation_settings"]["closed_by_hand"], &formed["queue_capacity"]),
        (&json!(false), &json!(null))
    );
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused_by_name() {
    let kit = Kit::start().await;
    kit.room("main").await;
    let hours = |entry: Value| json!({ "operation_settings": { "hours": [entry] } });
    let consultation = |entry: Value| json!({ "payment": { "consultations": [entry] } });
    for (field, body) in [
        ("name", json!({ "name": "x".repeat(129) })),
        ("slug", json!({ "slug": "No Spaces" })),
        ("code", json!({ "code": "a b" })),
        ("domain", json!({ "domain": "a/b" })),
        ("queue_capacity", json!({ "queue_capacity": -1 })),
        ("operation_settings", json!({ "operation_settings": 3 })),
        (
            "operation_settings.default_timezone",
            json!({ "operation_settings": { "default_timezone": "Mars/Base" } }),
        ),
        (
            "operation_settings.hours[0].day",
            hours(json!({ "day": "someday", "open": "09:00", "close": "10:00" })),
        ),
        ("operation_settings.hours[0].open", hours(json!({ "day": 1, "open": "25:00", "close": "10:00" }))),
        ("operation_settings.hours[0].open", hours(json!({ "day": 1, "open": 9, "close": "10:00" }))),
        ("operation_settings.hours[0]", hours(json!({ "day": 1, "open": "24:00", "close": "10:00" }))),
        ("operation_settings.hours[0].close", hours(json!({ "day": 1, "open": "09:00" }))),
        ("payment.currency", json!({ "payment": { "currency": "€" } })),
        (
            "payment.consultations[0].id",
            consultation(json!({ "id": "11111111-2222-7333-8444-555555555555" })),
        ),
        ("payment.consultations[0].duration", consultation(json!({ "duration": 0 }))),
        ("payment.consultations[0].duration", consultation(json!({ "duration": 1441 }))),
        ("payment.consultations[0].amount", consultation(json!({ "amount": -1 }))),
        ("payment.consultations[0].amount", consultation(json!({ "amount": "1.234" }))),
        ("payment.consultations[0].amount", consultation(json!({ "amount": 1_000_001 }))),
        ("payment.consultations[0].slots", consultation(json!({ "slots": 0 }))),
        ("payment.consultations[0].description", consultation(json!({ "description": " " }))),
        ("specialties[0].name", json!({ "specialties": [{ "code": "x", "name": "" }] })),
        ("visits.walkin.enabled", json!({ "visits": { "walkin": { "enabled": "perhaps" } } })),
    ] {
        let refused = kit.admin().post("/rooms/main", body.clone()).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{field}: {refused} for {body}");
    }
    let twice = kit.admin().get("/rooms/main").await.data()["payment"]["consultations"][0]["id"].clone();
    let body = json!({ "payment": { "consultations": [{ "id": twice }, { "id": twice }] } });
    kit.admin().post("/rooms/main", body).await.refused(400, "invalid_field");
    // A name that another room has.
    kit.room("annex").await;
    kit.admin().post("/rooms/main", json!({ "slug": "annex" })).await.refused(400, "room_exists");
    kit.admin().post("/rooms/main", json!({ "code": "annex" })).await.refused(400, "room_code_taken");
    // Nothing of all that was kept.
    let room = kit.admin().get("/rooms/main").await.data();
    assert_eq!((&room["slug"], &room["operation_settings"]["hours"]), (&json!("main"), &json!([])));
}

#[tokio::test]
async fn a_room_opens_and_closes_by_its_hours() {
    let (kit, clock) = Kit::on_a_clock().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let hours = json!({ "operation_settings": {
        "default_timezone": "Europe/Lisbon", "close_msg": "Nine to ten.",
        "hours": [{ "day": "friday", "open": "09:00", "close": "10:00" }] } });
    let state = |room: &Value| {
        let settings = &room["operation_settings"];
        (settings["is_closed"] == true, settings["closed_by_hand"] == true, settings["next_open"].as_i64())
    };
    let opens = FRIDAY_EIGHT + 3600;
    assert_eq!(state(&set(&kit, hours).await), (true, false, Some(opens)));
    let body = json!({ "intake_id": patient.intake(&room).await, "room_code": room });
    let refused = patient.client.post("/visits/add_walkin", body.clone()).await.refused(400, "room_closed");
    assert_eq!((&refused["message"], &refused["next_open"]), (&json!("Nine to ten."), &json!(opens)));
    let guest = json!({ "first_name": "Ana", "last_name": "Silva", "room_code": "main" });
    let northside = kit.anonymous().header("X-AccountCode", "northside");
    northside.post("/users/guest_login", guest.clone()).await.refused(400, "room_closed");

    clock.advance_seconds(3600);
    assert_eq!(state(&northside.get("/rooms/main").await.data()), (false, false, None));
    patient.client.post("/visits/add_walkin", body).await.ok();
    northside.post("/users/guest_login", guest).await.ok();
    // Closed by hand although the hours are open: nobody knows until when.
    let by_hand = set(&kit, json!({ "operation_settings": { "is_closed": true } })).await;
    assert_eq!(state(&by_hand), (true, true, None));
    set(&kit, json!({ "operation_settings": { "is_closed": false } })).await;
    clock.advance_seconds(3600);
    let closed = kit.admin().get("/rooms/main").await.data();
    assert_eq!(state(&closed), (true, false, Some(opens + 7 * 86_400)));
    // Sent back as it was shown, it does not become closed by hand.
    assert_eq!(state(&set(&kit, closed).await), (true, false, Some(opens + 7 * 86_400)));
    assert_eq!(
        state(&set(&kit, json!({ "operation_settings": { "hours": [] } })).await),
        (false, false, None)
    );
}
