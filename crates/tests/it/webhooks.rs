//! Webhooks and the pull feed: managing them, what bodies say, what is refused.

use std::path::Path;

use bedside_tests::kit::{Client, Kit, Receiver};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, process::Command};

use crate::python_sdk::python;

const PRIVATE: (&str, &str) = ("webhooks.allow_private", "true");

/// Adds a webhook; gives its object, with the secret.
pub async fn hook(admin: &Client, url: &str, more: Value) -> Value {
    let mut body = json!({ "url": url });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    admin.post("/webhooks", body).await.data()
}

#[tokio::test]
async fn a_webhook_is_made_shown_changed_and_deleted_and_its_secret_shown_once() {
    let kit = Kit::start().await;
    let admin = kit.admin();
    let made = hook(&admin, "https://portal.example/hooks", json!({ "version": "1.0" })).await;
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_") && secret.len() > 40, "{secret}");
    assert_eq!(
        (&made["version"], &made["active"], &made["strict"]),
        (&json!("1.0"), &json!(true), &json!(false))
    );
    assert_eq!(
        made["events"],
        json!([
            "user.created",
            "visit.created",
            "visit.updated",
            "visit.ended",
            "visit.note.signed_and_sent",
            "visit.invoice.processed"
        ])
    );
    let path = format!("/webhooks/{}", made["id"].as_str().unwrap());
    let shown = admin.get(&path).await;
    assert!(!shown.text.contains("whsec_"), "{}", shown.text);
    assert_eq!(admin.get("/webhooks").await.data().as_array().unwrap().len(), 1);
    let change = json!({ "events": ["room.updated"], "active": 0, "strict": "1", "version": "2.0" });
    let changed = admin.post(&path, change).await.data();
    assert_eq!(changed["events"], json!(["room.updated"]));
    assert_eq!((&changed["active"], &changed["strict"]), (&json!(false), &json!(true)));
    assert_eq!(changed["url"], "https://portal.example/hooks");
    let rotated = admin.post(&format!("{path}/rotate"), json!({ "overlap_hours": 2 })).await.data();
    assert_ne!(rotated["secret"], made["secret"]);
    assert!(rotated["old_secret_until"].is_i64());
    admin.post(&format!("{path}/test"), json!({})).await.refused(400, "webhook_off");
    admin.request(reqwest::Method::DELETE, &path).send().await.unwrap().error_for_status().unwrap();
    admin.get(&path).await.refused(404, "webhook_not_found");
}

#[tokio::test]
async fn bad_addresses_versions_and_types_are_refused_by_name() {
    let kit = Kit::start().await;
    let admin = kit.admin();
    for url in [
        "http://portal.example/hook",
        "ftp://portal.example",
        "portal.example",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.8/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[fe80::1]/",
        "https://[fd00:ec2::254]/",
        "https://user:pass@portal.example/",
        "https://0.0.0.0/",
        "https://[::]/",
    ] {
        let answer = admin.post("/webhooks", json!({ "url": url })).await;
        assert!(answer.status == 400 && answer.text.contains("\"url\""), "{url}: {}", answer.text);
    }
    let url = "https://portal.example/hook";
    for (field, value) in [("version", json!("3.0")), ("events", json!(["visit.exploded"]))] {
        let answer = admin.post("/webhooks", json!({ "url": url, field: value })).await;
        assert!(answer.status == 400 && answer.text.contains(field), "{field}: {}", answer.text);
    }
    assert!(admin.get("/webhooks").await.data().as_array().unwrap().is_empty());
}

#[tokio::test]
async fn both_versions_say_what_is_documented() {
    let kit = Kit::with(&[PRIVATE]).await;
    let room = kit.room("main").await;
    let (one, two) = (Receiver::start().await, Receiver::start().await);
    let types = json!(["visit.created", "visit.updated", "visit.ended"]);
    hook(&kit.admin(), &one.url, json!({ "version": "1.0", "events": types })).await;
    hook(&kit.admin(), &two.url, json!({ "version": "2.0" })).await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    provider.act(&visit, "accept").await.ok();
    provider.act(&visit, "complete").await.ok();

    let got = one.first(3).await;
    let said: Vec<Value> = got.iter().map(|one| one.json()).collect();
    assert_eq!(
        said.iter().map(|one| one["type"].as_str().unwrap()).collect::<Vec<_>>(),
        ["visit.created", "visit.updated", "visit.ended"]
    );
    assert_eq!((&said[0]["version"], &said[0]["account_code"]), (&json!("1.0"), &json!("northside")));
    assert!(said[0].get("clinic_code").is_none() && said[0]["created"].is_i64());
    assert_eq!(said[0]["id"], got[0].id());
    let (first, last) = (&said[0]["data"], &said[2]["data"]);
    assert_eq!((&first["id"], &first["member_id"]), (&json!(visit.id), &json!(patient.id)));
    assert!(
        first["provider_id"].is_null() && first["actual_start"].is_null() && first["completed_by"].is_null()
    );
    assert_eq!((&first["status"], &said[1]["data"]["status"]), (&json!("10"), &json!("25")));
    for field in ["start", "end", "actual_start", "actual_end"] {
        assert!(last[field].as_str().unwrap().parse::<i64>().unwrap() > 1_700_000_000, "{field}: {last}");
    }
    assert_eq!((&last["status"], &last["completed_by"]), (&json!("30"), &json!(provider.id)));

    let of = |got: &[bedside_tests::kit::Received]| -> Vec<Value> {
        got.iter().map(|one| one.json()).filter(|one| one["type"] == "visit.ended").collect()
    };
    let ended = of(&two.until(|got| !of(got).is_empty()).await).remove(0);
    assert_eq!((&ended["version"], &ended["clinic_code"]), (&json!("2.0"), &json!("northside")));
    assert!(ended.get("account_code").is_none());
    let data = &ended["data"];
    assert_eq!((&data["status"], &data["status_updated_by"]), (&json!("completed"), &json!(provider.id)));
    assert!(
        ["start", "end", "actual_start", "actual_end"].iter().all(|field| data[field].is_i64()),
        "{data}"
    );
    assert!(data.get("completed_by").is_none());
    // Who is new is told by number and by the portal's own identifier, no more.
    let users: Vec<Value> =
        two.got().iter().map(|one| one.json()).filter(|one| one["type"] == "user.created").collect();
    assert!(users.iter().any(|one| one["data"]["code"] == "p-1" && one["data"]["id"] == patient.id.as_str()));
    assert!(two.got().iter().all(|one| !one.body.contains("Maria")));
}

#[tokio::test]
async fn a_strict_webhook_hears_of_updates_only_when_visits_begin() {
    let kit = Kit::with(&[PRIVATE]).await;
    let room = kit.room("main").await;
    let receiver = Receiver::start().await;
    let provider = kit.provider("d-1", &[&room]).await;
    let patient = kit.patient("p-1").await;
    hook(
        &kit.admin(),
        &receiver.url,
        json!({ "strict": 1, "events": "visit.created,visit.updated,visit.ended" }),
    )
    .await;
    let visit = patient.walk_in(&room).await;
    kit.admin().post(&format!("/visits/{}", visit.id), json!({ "description": "calls back" })).await.ok();
    provider.act(&visit, "accept").await.ok();
    provider.act(&visit, "complete").await.ok();
    let got = receiver.first(3).await;
    let said: Vec<_> = got
        .iter()
        .map(|one| one.json())
        .map(|one| (one["type"].clone(), one["data"]["status"].clone()))
        .collect();
    assert_eq!(said[1], (json!("visit.updated"), json!("in_progress")));
    assert_eq!(said[2].0, "visit.ended");
}

#[tokio::test]
async fn the_feed_has_every_event_once_and_in_order() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    for n in 0..4 {
        kit.patient(&format!("p-{n}")).await.walk_in(&room).await;
    }
    bedside_app::events::number(&kit.app).await.unwrap();
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let page = kit.admin().get(&format!("/events?after={after}&limit=3")).await.data();
        let page = page.as_array().unwrap().clone();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 3);
        after = last["seq"].as_i64().unwrap();
        seen.extend(page);
    }
    let numbers: Vec<i64> = seen.iter().map(|event| event["seq"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=i64::try_from(seen.len()).unwrap()).collect::<Vec<_>>());
    assert_eq!(seen.iter().filter(|event| event["type"] == "visit.created").count(), 4);
    let visit = seen.iter().find(|event| event["type"] == "visit.created").unwrap();
    assert!(
        visit["created"].is_i64() && visit["data"]["visit_id"].is_string() && visit["data"]["start"].is_i64()
    );
    kit.patient("p-9").await.client.get("/events").await.refused(403, "admin_only");
}

/// Signatures, with the reference library and not with our own code; two while
/// a secret is being changed.
#[tokio::test]
async fn the_reference_library_accepts_the_signatures() {
    let Some(python) = python() else {
        eprintln!("skipped: no Python environment; `cargo xtask test` makes one");
        return;
    };
    let kit = Kit::with(&[PRIVATE]).await;
    let receiver = Receiver::start().await;
    let made = hook(&kit.admin(), &receiver.url, json!({})).await;
    let path = format!("/webhooks/{}", made["id"].as_str().unwrap());
    let ping = format!("{path}/test");
    kit.admin().post(&ping, json!({})).await.ok();
    receiver.first(1).await;
    let second = kit.admin().post(&format!("{path}/rotate"), json!({})).await.data();
    kit.admin().post(&ping, json!({})).await.ok();
    receiver.first(2).await;
    let third = kit.admin().post(&format!("{path}/rotate"), json!({ "overlap_hours": 0 })).await.data();
    kit.admin().post(&ping, json!({})).await.ok();
    let got = receiver.first(3).await;
    let mut cases = Vec::new();
    let mut case = |secret: &Value, of: usize, good: bool| {
        let received = &got[of];
        cases.push(
            json!({ "secret": secret, "headers": received.headers, "body": received.body, "good": good }),
        );
    };
    let (first, second, third) = (&made["secret"], &second["secret"], &third["secret"]);
    for (of, good) in [(0, [true, false, false]), (1, [true, true, false]), (2, [false, false, true])] {
        for (secret, good) in [first, second, third].into_iter().zip(good) {
            case(secret, of, good);
        }
    }
    let mut altered = cases[0].clone();
    altered["body"] = json!(got[0].body.replace("ping", "pong"));
    altered["good"] = json!(false);
    cases.push(altered);

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/webhooks.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let lines: String = cases.iter().map(|case| format!("{case}\n")).collect();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(lines.as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("ok: 10"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
