//! The audit trail: changes leave an entry with who, from where and under which
//! right; reads by others are coalesced; it can be searched and exported; and
//! no row of it can be changed, removed or swapped unnoticed.

use bedside_app::{
    audit as app_audit,
    audit_trail::{self, Fault, Head, Verified},
};
use bedside_model::AccountId;
use bedside_store::audit;
use bedside_tests::kit::{Kit, sql};
use serde_json::{Value, json};

async fn account(kit: &Kit) -> AccountId {
    bedside_app::accounts::get_by_code(&kit.app, &kit.clinic.code).await.unwrap().id
}

async fn verify(kit: &Kit) -> Verified {
    audit_trail::verify(&kit.app, &kit.clinic.code, None).await.unwrap()
}

/// A clinic with some entries, all chained.
async fn with_a_trail() -> Kit {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    for number in 0..4 {
        kit.patient(&format!("p-{number}")).await.walk_in(&room).await;
    }
    audit_trail::chain(&kit.app).await.unwrap();
    kit
}

#[tokio::test]
async fn changes_and_reads_leave_entries() {
    let (kit, clock) = Kit::on_a_clock().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    provider.act(&visit, "accept").await.ok();
    let account = account(&kit).await;
    let count = async |action: &str, object: &str| {
        let mut conn = kit.app.store.reader().await.unwrap();
        audit::count(&mut conn, &account, action, object).await.unwrap()
    };
    assert_eq!(count("visits.add_walkin", &visit.id).await, 1);
    assert_eq!(count("visits.accept", &visit.id).await, 1);

    for _ in 0..5 {
        provider.visit(&visit).await.ok();
        patient.visit(&visit).await.ok();
    }
    clock.advance_seconds(601);
    app_audit::flush_reads(&kit.app, false).await.unwrap();
    // One entry for the provider's five reads, none for reading one's own.
    assert_eq!(count("visits.get", &patient.id).await, 1);
    let list = kit.admin().get(&format!("/audit?action=visits.get&object_id={}", patient.id)).await.data();
    assert_eq!((&list[0]["count"], &list[0]["user_id"]), (&json!(5), &json!(provider.id)));
    assert_eq!(list[0]["right"], "visit_read/provider/own_visit");
}

#[tokio::test]
async fn an_entry_says_who_from_where_and_under_which_right() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    let answer = provider.act(&visit, "accept").await.ok();
    let of = async |action: &str| {
        let list = kit.admin().get(&format!("/audit?action={action}&limit=1")).await.data();
        list[0].clone()
    };
    let accepted = of("visits.accept").await;
    assert_eq!(accepted["user_id"], provider.id);
    assert_eq!((&accepted["object_kind"], &accepted["object_id"]), (&json!("visit"), &json!(visit.id)));
    assert_eq!((&accepted["credential"], &accepted["address"]), (&json!("token"), &json!("127.0.0.1")));
    assert_eq!(accepted["right"], "visit_accept/provider/my_room");
    assert_eq!(accepted["request_id"], answer.headers["x-request-id"].to_str().unwrap());
    assert_eq!(of("visits.add_walkin").await["right"], "visit_add/member/myself");
    let room = of("rooms.add").await;
    assert_eq!(
        (&room["right"], &room["credential"]),
        (&json!("room_add/admin/same_account"), &json!("admin_token"))
    );
    assert_eq!(of("users.sso").await["credential"], "api_key");
    let made = of("accounts.create").await;
    assert_eq!(
        (&made["credential"], &made["right"], &made["address"]),
        (&json!("system"), &json!("system"), &json!(""))
    );
}

#[tokio::test]
async fn the_trail_is_searched_and_paged_while_it_grows() {
    let (kit, clock) = Kit::on_a_clock().await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    for _ in 0..7 {
        patient.intake(&room).await;
        clock.advance_seconds(1);
    }
    let admin = kit.admin();
    let mut seen = Vec::new();
    let mut path = "/audit?action=intakes.add&limit=2".to_owned();
    loop {
        let page = admin.get(&path).await.ok().json();
        seen.extend(
            page["data"].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/audit?action=intakes.add&limit=2&after={next}");
        // Newer entries move no page that follows.
        patient.intake(&room).await;
    }
    let unique: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), unique.len()), (7, 7));

    let total = async |query: &str| {
        admin.get(&format!("/audit?limit=1&{query}")).await.ok().json()["total_count"].as_i64().unwrap()
    };
    let all = total("").await;
    assert!(total(&format!("user_id={}", patient.id)).await >= 7);
    assert_eq!(
        total("object_kind=room&object_id=main").await + total("object_kind=room").await,
        total("action=rooms.add").await
    );
    assert_eq!(total("user_id=999999").await, 0);
    let middle = 1_800_000_003;
    assert_eq!(
        total(&format!("start_time={middle}")).await + total(&format!("end_time={middle}")).await,
        all
    );
    admin.get("/audit?after=nonsense").await.refused(400, "invalid_field");
}

#[tokio::test]
async fn only_admins_of_the_clinic_read_it() {
    let kit = with_a_trail().await;
    let other = kit.another_clinic("southside").await;
    for path in ["/audit", "/audit.csv"] {
        kit.patient("p-9").await.client.get(path).await.refused(403, "admin_only");
        kit.anonymous().header("X-AccountCode", "northside").get(path).await.refused(401, "token_missing");
        let theirs = kit.admin_of(&other).get(path).await.ok();
        assert!(!theirs.text.contains("visits.add_walkin"), "{}", theirs.text);
    }
}

#[tokio::test]
async fn it_is_exported_whole_and_the_export_is_an_entry() {
    let kit = with_a_trail().await;
    // More than the export reads at a time.
    let room = kit.admin();
    for _ in 0..3 {
        room.post("/rooms/main", json!({ "name": "Walk-in care" })).await.ok();
    }
    let csv = kit.admin().get("/audit.csv").await.ok();
    assert!(csv.headers["content-type"].to_str().unwrap().starts_with("text/csv"));
    let total = kit.admin().get("/audit?limit=1").await.ok().json()["total_count"].as_i64().unwrap();
    let lines: Vec<&str> = csv.text.lines().collect();
    assert_eq!(i64::try_from(lines.len() - 1).unwrap(), total, "{}", csv.text);
    assert!(lines[0].starts_with("id,at,user_id,credential,right,address,action"));
    assert!(lines[1].contains("audit.export"), "{}", lines[1]);
    let few = kit.admin().get("/audit.csv?action=visits.add_walkin").await.ok();
    assert_eq!(few.text.lines().count(), 5);
}

#[tokio::test]
async fn no_health_text_is_in_it() {
    let kit = with_a_trail().await;
    let csv = kit.admin().get("/audit.csv").await.ok().text;
    for private in ["rash", "Maria", "smoker"] {
        assert!(!csv.contains(private), "{private}");
    }
}

#[tokio::test]
async fn a_whole_chain_is_whole_also_when_it_grows() {
    let kit = with_a_trail().await;
    let first = verify(&kit).await;
    assert_eq!((first.fault.as_ref(), first.waiting), (None, 0));
    assert!(first.head.position >= 10);
    kit.patient("p-1").await.walk_in("main").await;
    let second = verify(&kit).await;
    assert_eq!((&second.fault, &second.head), (&None, &first.head));
    assert!(second.waiting > 0);
    audit_trail::chain(&kit.app).await.unwrap();
    let noted = Some(&first.head);
    let third = audit_trail::verify(&kit.app, &kit.clinic.code, noted).await.unwrap();
    assert_eq!((third.fault, third.waiting), (None, 0));
    assert!(third.head.position > first.head.position);
}

#[tokio::test]
async fn every_change_of_a_row_is_noticed() {
    let kit = with_a_trail().await;
    let url = kit.database().url();
    // Each with its undoing, so that one chain serves them all.
    for (column, value) in [
        ("id", "'0'"),
        ("user_id", "4711"),
        ("credential", "'system'"),
        ("action", "'visits.get'"),
        ("object_kind", "'room'"),
        ("object_id", "'0'"),
        ("request_id", "'x'"),
        ("at", "at + 1"),
        ("count", "count + 1"),
        ("granted", "'visit_read/admin/same_account'"),
        ("address", "''"),
        ("detail", "(SELECT sealed FROM audit_heads LIMIT 1)"),
    ] {
        sql(url, "CREATE TABLE kept AS SELECT * FROM audit_entries WHERE chain = 5").await;
        assert_eq!(
            sql(url, &format!("UPDATE audit_entries SET {column} = {value} WHERE chain = 5")).await,
            1
        );
        let fault = verify(&kit).await.fault;
        assert!(matches!(fault, Some(Fault::Altered { position: 5, .. })), "{column}: {fault:?}");
        sql(url, &format!("UPDATE audit_entries SET {column} = (SELECT {column} FROM kept) WHERE chain = 5"))
            .await;
        sql(url, "DROP TABLE kept").await;
    }
    assert_eq!(verify(&kit).await.fault, None);
}

#[tokio::test]
async fn a_reason_that_is_changed_moved_or_taken_away_is_noticed() {
    let kit = Kit::start().await;
    let (main, url) = (kit.room("main").await, kit.database().url());
    let (patient, provider) = (kit.patient("p-1").await, kit.provider("d-1", &[&main]).await);
    let at = kit.app.clock.now().seconds() + 86_400;
    for number in 0..2 {
        let body = json!({ "intake_id": patient.intake(&main).await, "start": at + number * 7_200,
            "provider_id": provider.id, "reason": format!("Reason {number}") });
        kit.admin().post("/visits", body).await.ok();
    }
    audit_trail::chain(&kit.app).await.unwrap();
    assert_eq!(verify(&kit).await.fault, None);
    let with = "detail IS NOT NULL";
    let places = kit.admin().get("/audit?action=visits.override").await.data();
    let (last, first) = (&places[0]["position"], &places[1]["position"]);
    let of = |place: &Value| format!("(SELECT o.detail FROM audit_entries o WHERE o.chain = {place})");
    sql(url, "CREATE TABLE kept AS SELECT * FROM audit_entries").await;
    for (value, place) in [("NULL".to_owned(), last), (of(last), first), (of(first), &json!(1))] {
        assert_eq!(
            sql(url, &format!("UPDATE audit_entries SET detail = {value} WHERE chain = {place}")).await,
            1
        );
        let fault = verify(&kit).await.fault;
        let position = place.as_i64().unwrap();
        assert!(
            matches!(fault, Some(Fault::Altered { position: at, .. }) if at == position),
            "{place}: {fault:?}"
        );
        let back = format!("(SELECT k.detail FROM kept k WHERE k.chain = {place})");
        sql(url, &format!("UPDATE audit_entries SET detail = {back} WHERE chain = {place}")).await;
    }
    assert_eq!(verify(&kit).await.fault, None);
    assert_eq!(sql(url, &format!("UPDATE audit_entries SET detail = detail WHERE {with}")).await, 2);
}

#[tokio::test]
async fn removed_entries_are_noticed_the_last_ones_too() {
    let kit = with_a_trail().await;
    let url = kit.database().url();
    let last = verify(&kit).await.head.position;
    sql(url, &format!("DELETE FROM audit_entries WHERE chain = {last}")).await;
    let cut = Some(Fault::CutOff { expected: last, found: last - 1 });
    assert_eq!(verify(&kit).await.fault, cut);
    // The trail goes on, and the gap stays.
    kit.patient("p-1").await.walk_in("main").await;
    audit_trail::chain(&kit.app).await.unwrap();
    assert_eq!(verify(&kit).await.fault, Some(Fault::Removed { position: last }));

    let kit = with_a_trail().await;
    let url = kit.database().url();
    sql(url, "DELETE FROM audit_entries WHERE chain = 3").await;
    assert_eq!(verify(&kit).await.fault, Some(Fault::Removed { position: 3 }));
    // Closing the ranks does not help.
    sql(url, "UPDATE audit_entries SET chain = 3 WHERE chain = 4").await;
    assert!(matches!(verify(&kit).await.fault, Some(Fault::Altered { position: 3, .. })));

    let kit = with_a_trail().await;
    sql(kit.database().url(), "DELETE FROM audit_entries").await;
    assert!(matches!(verify(&kit).await.fault, Some(Fault::CutOff { found: 0, .. })));
}

#[tokio::test]
async fn swapped_entries_and_a_forged_head_are_noticed() {
    let kit = with_a_trail().await;
    let url = kit.database().url();
    for statement in [
        "UPDATE audit_entries SET chain = -1 WHERE chain = 3",
        "UPDATE audit_entries SET chain = 3 WHERE chain = 4",
        "UPDATE audit_entries SET chain = 4 WHERE chain = -1",
    ] {
        sql(url, statement).await;
    }
    assert!(matches!(verify(&kit).await.fault, Some(Fault::Altered { position: 3, .. })));

    // The head of another clinic, or one made up, fits nowhere.
    let kit = with_a_trail().await;
    let url = kit.database().url();
    kit.another_clinic("southside").await;
    audit_trail::chain(&kit.app).await.unwrap();
    let ours = account(&kit).await;
    sql(
        url,
        &format!(
            "UPDATE audit_heads SET sealed = (SELECT sealed FROM audit_heads WHERE account_id <> '{ours}') \
             WHERE account_id = '{ours}'"
        ),
    )
    .await;
    assert_eq!(verify(&kit).await.fault, Some(Fault::HeadAltered));
    // Nothing is chained onto a head that cannot be trusted.
    kit.patient("p-1").await.walk_in("main").await;
    audit_trail::chain(&kit.app).await.unwrap_err();
    sql(url, &format!("DELETE FROM audit_heads WHERE account_id = '{ours}'")).await;
    assert_eq!(verify(&kit).await.fault, Some(Fault::HeadMissing));
}

#[tokio::test]
async fn a_head_kept_elsewhere_shows_what_was_put_back() {
    let kit = with_a_trail().await;
    let url = kit.database().url();
    sql(url, "CREATE TABLE kept AS SELECT * FROM audit_heads").await;
    let before = verify(&kit).await.head;
    kit.patient("p-1").await.walk_in("main").await;
    audit_trail::chain(&kit.app).await.unwrap();
    let noted = verify(&kit).await.head;
    // Somebody who kept the sealed head of an hour ago puts rows and head back.
    sql(url, &format!("DELETE FROM audit_entries WHERE chain > {}", before.position)).await;
    sql(url, "UPDATE audit_heads SET sealed = (SELECT k.sealed FROM kept k WHERE k.account_id = audit_heads.account_id)").await;
    assert_eq!(verify(&kit).await.fault, None);
    let with = audit_trail::verify(&kit.app, &kit.clinic.code, Some(&noted)).await.unwrap();
    let cut = Fault::CutOff { expected: noted.position, found: before.position };
    assert_eq!(with.fault, Some(cut));
    let other = Head { hash: vec![0; 32], ..before };
    let with = audit_trail::verify(&kit.app, &kit.clinic.code, Some(&other)).await.unwrap();
    assert!(matches!(with.fault, Some(Fault::Altered { .. })));
}

#[tokio::test]
async fn many_at_once_make_one_chain() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    let mut people = Vec::new();
    for number in 0..8 {
        people.push(kit.patient(&format!("p-{number}")).await);
    }
    let busy = people.into_iter().map(|person| {
        let (room, app) = (room.clone(), kit.app.clone());
        tokio::spawn(async move {
            for _ in 0..5 {
                person.intake(&room).await;
                audit_trail::chain(&app).await.unwrap();
            }
        })
    });
    for one in busy.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    audit_trail::chain(&kit.app).await.unwrap();
    let found = verify(&kit).await;
    assert_eq!((found.fault, found.waiting), (None, 0));
    let listed = kit.admin().get("/audit?limit=100").await.ok().json();
    let mut positions: Vec<i64> =
        listed["data"].as_array().unwrap().iter().filter_map(|entry| entry["position"].as_i64()).collect();
    positions.sort_unstable();
    positions.dedup();
    assert_eq!(Value::from(positions.len()), listed["total_count"]);
}
