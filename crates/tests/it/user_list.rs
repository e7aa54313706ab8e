//! `GET /users`: filters in every spelling, search, order, fields, paging, and
//! who finds whom.

use bedside_tests::kit::{Client, Kit};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

async fn ids(client: &Client, query: &str) -> Vec<String> {
    let body = client.get(&format!("/users?{query}")).await.ok().json();
    assert_eq!(body["total"], body["total_count"], "{body}");
    body["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

async fn add(kit: &Kit, fields: Value) -> String {
    let mut body = json!({ "type": 200, "first_name": "Maria", "last_name": "Santos" });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    kit.admin().post("/users", body).await.data()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_row_has_the_documented_fields_or_those_asked_for() {
    let kit = Kit::start().await;
    let maria = add(&kit, json!({ "email": "maria@example.org", "phone": "555" })).await;
    let body = kit.admin().get("/users?q=maria&type=200").await.ok().json();
    assert_eq!((body["total_count"].as_i64(), body.get("next")), (Some(1), None), "{body}");
    let row = body["data"][0].as_object().unwrap();
    let names: Vec<_> = row.keys().map(String::as_str).collect();
    let documented = [
        "code",
        "email",
        "first_name",
        "full_name",
        "id",
        "last_name",
        "status",
        "subtype",
        "type",
        "username",
    ];
    assert_eq!(names, documented);
    assert_eq!((&row["id"], &row["full_name"]), (&json!(maria), &json!("Maria Santos")));
    let some = kit.admin().get("/users?q=maria&fields=last_login,phone,nonsense,extra").await.ok().json();
    assert_eq!(some["data"], json!([{ "id": maria, "last_login": null, "phone": "555" }]));
    let array = kit.admin().get("/users?q=maria&fields[]=id&fields[]=type").await.ok().json();
    assert_eq!(array["data"], json!([{ "id": maria, "type": 200 }]));
}

#[tokio::test]
async fn every_filter_in_every_spelling() {
    let kit = Kit::start().await;
    kit.room("main").await;
    let admin = kit.admin();
    let doctor = add(&kit, json!({ "type": 400, "subtype": 482, "role": "scheduler", "room_code": "main", "first_name": "Amara" })).await;
    let nurse = add(
        &kit,
        json!({ "type": 400, "subtype": "484", "role": "clinic_admin", "password": "correct horse battery" }),
    )
    .await;
    let patient =
        add(&kit, json!({ "room_code": "main", "group": "north", "email": "M.Santos@Example.org" })).await;
    let hidden = add(&kit, json!({ "is_hidden": 1, "last_name": "100%_\\ Ärzt" })).await;
    let all = [&doctor, &nurse, &patient, &hidden];
    let find = async |query: &str| {
        let found = ids(&admin, query).await;
        all.iter().filter(|id| found.contains(id)).copied().collect::<Vec<_>>()
    };
    let cases: [(&str, &[&String]); 31] = [
        ("type=400", &[&doctor, &nurse]),
        ("type[]=400&type[]=200", &all),
        ("type=200,400", &all),
        ("subtype=482", &[&doctor]),
        ("subtype=482,484", &[&doctor, &nurse]),
        ("role=scheduler", &[&doctor]),
        ("role[]=scheduler&role[]=clinic_admin", &[&doctor, &nurse]),
        ("role=scheduler,clinic_admin", &[&doctor, &nurse]),
        ("status=20", &[&nurse]),
        ("status[]=10&status[]=20", &all),
        ("status=30", &[]),
        ("is_admin=1", &[&nurse]),
        ("is_admin=false", &[&doctor, &patient, &hidden]),
        ("is_hidden=true", &[&hidden]),
        ("is_hidden=0", &[&doctor, &nurse, &patient]),
        ("room_code=main", &[&doctor, &patient]),
        ("group=north", &[&patient]),
        ("group=south", &[]),
        ("account_code=northside", &all),
        ("account_code=southside", &[]),
        ("full_name=maria%20s", &[&nurse, &patient]),
        ("full_name=MARIA&type=200", &[&patient, &hidden]),
        ("email=SANTOS@exa", &[&patient]),
        ("q=amara", &[&doctor]),
        ("q=m.santos", &[&patient]),
        ("q=%25_%5C", &[&hidden]),
        ("q=100__", &[]),
        ("q=%25%25%25", &[]),
        ("q=%C3%84RZ", &[&hidden]),
        ("q=maria&email=example&full_name=santos", &[&patient]),
        ("q=&type=&sort=&is_hidden=&ex_filter=", &[&doctor, &nurse, &patient, &hidden]),
    ];
    for (query, wanted) in cases {
        assert_eq!(find(query).await, wanted, "{query}");
    }
    let two = format!("id={doctor},{hidden}");
    assert_eq!(ids(&admin, &two).await, [doctor.clone(), hidden.clone()]);
    assert_eq!(ids(&admin, &format!("id[]={nurse}&id[]=999999")).await, std::slice::from_ref(&nurse));
    assert_eq!(ids(&admin, &format!("id={patient}&type=400")).await, Vec::<String>::new());
    // A GET with a body, as some clients send it, and the room's header.
    let request = admin.request(reqwest::Method::GET, "/users").form(&[("type", "400"), ("q", "amara")]);
    let body = Client::send(request).await.ok().json();
    assert_eq!((body["total_count"].as_i64(), &body["data"][0]["id"]), (Some(1), &json!(doctor)));
    assert_eq!(ids(&admin.header("X-RoomCode", "main"), "type=400").await, [doctor]);
    // System users come only when they are asked for.
    assert_eq!(ids(&admin, "type=160").await.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_by_name() {
    let kit = Kit::start().await;
    let long = "x".repeat(201);
    let cases = [
        ("q=ab", "q"),
        ("q=%20a%20", "q"),
        ("full_name=ab", "full_name"),
        ("email=%C3%84b", "email"),
        (&*format!("q={long}"), "q"),
        ("role=boss", "role"),
        ("type=patient", "type[0]"),
        ("id=-4", "id[0]"),
        ("ex_filter=mine", "ex_filter"),
        ("is_admin=perhaps", "is_admin"),
        ("sort=password_hash.asc", "sort"),
        ("sort[full_name]=up", "sort"),
        ("limit=many", "limit"),
        ("after=x", "after"),
        ("after=AAAA", "after"),
    ];
    for (query, field) in cases {
        let refused = kit.admin().get(&format!("/users?{query}")).await.refused(400, "invalid_field");
        let named = refused["fields"].as_object().unwrap().keys().next().unwrap();
        assert!(named == field || *named == field.replace("[0]", ""), "{query}: {refused}");
    }
    kit.admin().get("/users?room_code=nowhere").await.refused(404, "room_not_found");
}

#[tokio::test]
async fn an_order_in_every_spelling() {
    let kit = Kit::start().await;
    let mut made = Vec::new();
    for (first, last, email) in
        [("beate", "Öz", "c@x.org"), ("Adam", "Zwei", "b@x.org"), ("adam", "Alpha", "a@x.org")]
    {
        let fields = json!({ "first_name": first, "last_name": last, "email": email });
        made.push(add(&kit, fields).await);
    }
    let by = |order: [usize; 3]| order.map(|index| made[index].clone()).to_vec();
    let admin = kit.admin();
    let cases = [
        ("sort=full_name.asc", [2, 1, 0]),
        ("sort=full_name", [2, 1, 0]),
        ("sort[full_name]=desc", [0, 1, 2]),
        ("sort=first_name.desc", [0, 1, 2]),
        ("sort=last_name.asc", [2, 1, 0]),
        ("sort=email.asc", [2, 1, 0]),
        ("sort=email.desc", [0, 1, 2]),
        ("sort=id.desc", [2, 1, 0]),
        ("", [0, 1, 2]),
    ];
    for (query, order) in cases {
        assert_eq!(ids(&admin, &format!("type=200&{query}")).await, by(order), "{query}");
    }
    assert_eq!(ids(&admin, "type=200&start=1&limit=1").await, by([0, 1, 2])[1..2]);
    assert_eq!(ids(&admin, "type=200&page=2&limit=2").await, by([0, 1, 2])[2..]);
    assert_eq!(ids(&admin, "type=200&start=9").await, Vec::<String>::new());
    assert_eq!(ids(&admin, "type=200&limit=0").await.len(), 1);
    assert_eq!(ids(&admin, "type=200&limit=100000&start=-5").await.len(), 3);
}

#[tokio::test]
async fn a_mark_goes_on_where_a_page_ended_and_tells_no_name() {
    let kit = Kit::start().await;
    for last in ["A", "B", "C", "D", "E"] {
        add(&kit, json!({ "last_name": last })).await;
    }
    let admin = kit.admin();
    let first = admin.get("/users?type=200&sort=full_name.asc&limit=2").await.ok().json();
    let mark = first["next"].as_str().unwrap().to_owned();
    assert!(
        !mark.to_lowercase().contains("maria")
            && mark.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    );
    // Somebody new before and after the mark.
    add(&kit, json!({ "last_name": "Aa" })).await;
    add(&kit, json!({ "last_name": "Cc" })).await;
    let second =
        admin.get(&format!("/users?type=200&sort=full_name.asc&limit=10&after={mark}")).await.ok().json();
    let names: Vec<_> =
        second["data"].as_array().unwrap().iter().map(|row| row["last_name"].clone()).collect();
    assert_eq!((json!(names), second.get("next")), (json!(["C", "Cc", "D", "E"]), None));
    assert_eq!(second["total_count"], 7);
    // A mark belongs to its order and its clinic.
    admin.get(&format!("/users?sort=full_name.desc&after={mark}")).await.refused(400, "invalid_field");
    let other = kit.another_clinic("southside").await;
    let elsewhere = kit.admin_of(&other).get(&format!("/users?sort=full_name.asc&after={mark}")).await;
    elsewhere.refused(400, "invalid_field");
}

#[tokio::test]
async fn who_finds_whom() {
    let kit = Kit::start().await;
    kit.room("main").await;
    kit.room("annex").await;
    let (maria, tom, ana) = (kit.patient("maria").await, kit.patient("tom").await, kit.patient("ana").await);
    let registered = add(&kit, json!({ "room_code": "main" })).await;
    let (inside, outside) = (kit.provider("d-1", &["main"]).await, kit.provider("d-2", &["annex"]).await);
    let visit = maria.walk_in("main").await;
    tom.walk_in("main").await;
    ana.walk_in("annex").await;
    inside.act(&visit, "accept").await.ok();
    let mine = [maria.id.clone(), tom.id.clone(), registered];
    for query in ["", "ex_filter=all", "type=200", "q=maria"] {
        assert_eq!(ids(&inside.client, query).await, mine, "{query}");
    }
    assert_eq!(ids(&inside.client, "ex_filter=my-patient").await, std::slice::from_ref(&maria.id));
    assert_eq!(ids(&outside.client, "").await, std::slice::from_ref(&ana.id));
    assert_eq!(ids(&outside.client, "ex_filter=my-patient").await, Vec::<String>::new());
    // Whom they find, they may open.
    inside.client.get(&format!("/users/{}", mine[2])).await.ok();
    outside.client.get(&format!("/users/{}", mine[2])).await.refused(404, "user_not_found");
    // Those who run the clinic find everybody, also with the documented filter.
    for query in ["type=200", "type=200&ex_filter=all"] {
        assert_eq!(ids(&kit.admin(), query).await.len(), 4, "{query}");
    }
    maria.client.get("/users").await.refused(403, "admin_only");
    kit.portal().get("/users").await.refused(401, "token_missing");
    let other = kit.another_clinic("southside").await;
    assert_eq!(ids(&kit.admin_of(&other), "type=200").await, Vec::<String>::new());
    assert_eq!(ids(&kit.admin_of(&other), &format!("id={}", maria.id)).await, Vec::<String>::new());
}

/// Pages of every size over HTTP, while people are added, against the order in
/// which they were made.
#[test]
fn marks_neither_repeat_nor_skip_while_people_are_added() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let kit = runtime.block_on(Kit::start());
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(12) });
    let number = std::cell::Cell::new(0);
    let cases = (1usize..7, 1usize..4, any::<bool>(), prop::collection::vec("[a-c]{1,3}", 1..10));
    let outcome = runner.run(&cases.no_shrink(), |(limit, added, down, names)| {
        number.set(number.get() + 1);
        let group = format!("g{}", number.get());
        let seen = runtime.block_on(walk(&kit, &group, limit, added, down, &names));
        let mut unique = seen.clone();
        unique.sort();
        unique.dedup();
        prop_assert_eq!(unique.len(), seen.len(), "nobody twice");
        let mut old: Vec<_> = names.iter().enumerate().map(|(at, name)| (name.clone(), at)).collect();
        old.sort();
        if down {
            old.reverse();
        }
        let old: Vec<_> = old.into_iter().map(|(name, at)| format!("{name} {at:02}")).collect();
        let found: Vec<_> = seen.into_iter().filter(|name| !name.contains("new")).collect();
        prop_assert_eq!(found, old, "everybody who was there, in order");
        Ok(())
    });
    outcome.unwrap();
}

async fn walk(
    kit: &Kit,
    group: &str,
    limit: usize,
    added: usize,
    down: bool,
    names: &[String],
) -> Vec<String> {
    for (at, name) in names.iter().enumerate() {
        add(kit, json!({ "first_name": name, "last_name": format!("{at:02}"), "group": group })).await;
    }
    let direction = if down { "desc" } else { "asc" };
    let base = format!("/users?group={group}&sort[full_name]={direction}&limit={limit}");
    let (mut path, mut seen) = (base.clone(), Vec::new());
    loop {
        let body = kit.admin().get(&path).await.ok().json();
        let rows = body["data"].as_array().unwrap();
        seen.extend(rows.iter().map(|row| row["full_name"].as_str().unwrap().to_owned()));
        let Some(mark) = body["next"].as_str() else { return seen };
        path = format!("{base}&after={mark}");
        if seen.len() > 40 {
            continue;
        }
        for number in 0..added {
            let first = ["a", "b", "c"][seen.len() % 3];
            add(kit, json!({ "first_name": first, "last_name": format!("new{}", seen.len() * 10 + number), "group": group })).await;
        }
    }
}
