//! Dependants: who may add, see and leave whom.

use bedside_tests::kit::{Kit, Person};
use serde_json::{Value, json};

fn child() -> Value {
    json!({ "first_name": "Ana", "last_name": "Santos", "dob": "2020-02-29", "relation": "child", "gender": "female" })
}

async fn add(guardian: &Person, body: Value) -> Value {
    guardian.client.post("/users/-/dependants", body).await.data()
}

#[tokio::test]
async fn a_guardian_cares_for_their_dependants_and_nobody_elses() {
    let kit = Kit::start().await;
    let (maria, tom) = (kit.patient("maria").await, kit.patient("tom").await);
    let ana = add(&maria, child()).await;
    assert_eq!(
        (&ana["relation"], &ana["type"], &ana["dob"]),
        (&json!("child"), &json!(200), &json!("2020-02-29"))
    );
    assert_eq!(
        (&ana["gender"], &ana["full_name"], &ana["active"]),
        (&json!(2), &json!("Ana Santos"), &json!(true))
    );
    let list = maria.client.get("/users/-/dependants").await.ok().json();
    assert_eq!((list["total_count"].as_i64(), &list["data"]), (Some(1), &json!([ana])));
    let path = format!("/users/{}", ana["id"].as_str().unwrap());
    maria.client.get(&path).await.ok();
    let changed = maria.client.post(&path, json!({ "phone": "555", "extra": { "race": "x" } })).await.data();
    assert_eq!((&changed["phone"], &changed["extra"]["race"]), (&json!("555"), &json!("x")));
    // What a login or the clinic decides is not the guardian's.
    maria.client.post(&path, json!({ "status": 30 })).await.refused(403, "admin_only");
    maria.client.post(&path, json!({ "password": "correct horse battery" })).await.refused(403, "admin_only");
    maria.client.get(&format!("{path}/dependants")).await.refused(403, "not_allowed");

    tom.client.get(&path).await.refused(404, "user_not_found");
    tom.client.post(&path, json!({ "phone": "1" })).await.refused(404, "user_not_found");
    let of_maria = format!("/users/{}/dependants", maria.id);
    tom.client.get(&of_maria).await.refused(404, "user_not_found");
    tom.client.post(&of_maria, child()).await.refused(404, "user_not_found");
    assert_eq!(tom.client.get("/users/-/dependants").await.ok().json()["total_count"], 0);
    let other = kit.another_clinic("southside").await;
    kit.admin_of(&other).get(&of_maria).await.refused(404, "user_not_found");
    // Admins may add; the other guardian then cares too.
    assert_eq!(kit.admin().post(&of_maria, child()).await.data()["relation"], "child");
    assert_eq!(kit.admin().get(&of_maria).await.ok().json()["total_count"], 2);
}

#[tokio::test]
async fn care_ends_and_the_dependant_stays_a_patient() {
    let kit = Kit::start().await;
    let (maria, tom) = (kit.patient("maria").await, kit.patient("tom").await);
    let ana = add(&maria, child()).await["id"].as_str().unwrap().to_owned();
    let path = format!("/users/-/dependants/{ana}");
    let delete = async |person: &Person, path: &str| {
        bedside_tests::kit::Client::send(person.client.request(reqwest::Method::DELETE, path)).await
    };
    delete(&tom, &path).await.refused(404, "dependant_not_found");
    delete(&tom, &format!("/users/{}/dependants/{ana}", maria.id)).await.refused(404, "user_not_found");
    assert_eq!(delete(&maria, &path).await.data(), json!({}));
    delete(&maria, &path).await.refused(404, "dependant_not_found");
    delete(&maria, "/users/-/dependants/x").await.refused(404, "dependant_not_found");
    maria.client.get(&format!("/users/{ana}")).await.refused(404, "user_not_found");
    assert_eq!(kit.admin().get(&format!("/users/{ana}")).await.data()["type"], 200);
}

#[tokio::test]
async fn a_bad_field_is_named_and_twenty_are_enough() {
    let (kit, _clock) = Kit::on_a_clock().await;
    let maria = kit.patient("maria").await;
    // The clock says 15 January 2027, 08:00 UTC: nowhere is it the 16th yet.
    let bad = [
        ("first_name", json!(" ")),
        ("last_name", Value::Null),
        ("dob", Value::Null),
        ("dob", json!("")),
        ("dob", json!("2027-01-16")),
        ("dob", json!("2026-02-30")),
        ("relation", json!("cat")),
        ("relation", Value::Null),
        ("gender", json!("x")),
    ];
    for (field, value) in bad {
        let mut body = child();
        body[field] = value.clone();
        let refused = maria.client.post("/users/-/dependants", body).await.refused(400, "invalid_field");
        assert!(refused["fields"][field].is_string(), "{field} = {value}: {refused}");
    }
    let mut today = child();
    today["dob"] = json!("2027-01-15");
    add(&maria, today).await;
    let calls = (0..24).map(|_| {
        let client = maria.client.clone();
        tokio::spawn(async move { client.post("/users/-/dependants", child()).await.status.as_u16() })
    });
    let mut added = 1;
    for call in calls.collect::<Vec<_>>() {
        let status = call.await.unwrap();
        assert!(status == 200 || status == 400, "{status}");
        added += i32::from(status == 200);
    }
    assert_eq!(added, 20);
    maria.client.post("/users/-/dependants", child()).await.refused(400, "too_many_dependants");
    let doctor = kit.provider("d-1", &[]).await;
    let of_doctor = format!("/users/{}/dependants", doctor.id);
    kit.admin().post(&of_doctor, child()).await.refused(400, "not_a_patient");
    doctor.client.post("/users/-/dependants", child()).await.refused(403, "not_allowed");
}
