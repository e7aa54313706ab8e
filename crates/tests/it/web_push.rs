//! Web push, against a push service and a browser of somebody else's making:
//! Python's http_ece decrypts, its cryptography verifies who sent it.

use std::process::Stdio;

use bedside_tests::kit::Kit;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::python_sdk::python;

struct Browser {
    lines: Lines<BufReader<ChildStdout>>,
    origin: String,
    keys: Value,
    _child: Child,
}

impl Browser {
    async fn start() -> Option<Self> {
        let Some(python) = python() else {
            eprintln!("skipped: no Python environment; `cargo xtask test` makes one");
            return None;
        };
        let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("python/push.py");
        let mut command = Command::new(python);
        command.arg(script).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the push service starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut browser = Self { lines, origin: String::new(), keys: Value::Null, _child: child };
        browser.keys = browser.line().await;
        browser.origin = browser.keys["origin"].as_str().expect("an origin").to_owned();
        Some(browser)
    }

    async fn line(&mut self) -> Value {
        let line = tokio::time::timeout(std::time::Duration::from_secs(20), self.lines.next_line()).await;
        serde_json::from_str(&line.expect("in time").expect("a line").expect("a message")).expect("JSON")
    }

    fn subscription(&self, path: &str) -> Value {
        json!({ "type": 50, "key": format!("{}{path}", self.origin), "p256dh": self.keys["p256dh"], "auth": self.keys["auth"] })
    }
}

#[tokio::test]
async fn a_browser_reads_what_it_is_told_and_an_ended_subscription_goes() {
    let Some(mut browser) = Browser::start().await else { return };
    let kit = Kit::with(&[("push.allow_private", "true")]).await;
    kit.room("main").await;
    let provider = kit.provider("d-1", &["main"]).await;
    provider.client.post("/endpoints", browser.subscription("/one")).await.ok();
    provider.client.post("/endpoints", browser.subscription("/gone")).await.ok();
    kit.patient("maria").await.walk_in("main").await;
    let message = browser.line().await;
    let plain: Value = serde_json::from_str(message["plain"].as_str().unwrap()).unwrap();
    assert_eq!(plain["title"], "Northside Clinic");
    assert_eq!(plain["body"], "A patient is waiting in Walk-in care.");
    assert_eq!(plain["tag"], "waiting");
    assert!(plain["url"].as_str().unwrap().ends_with("/providers/dashboard"));
    assert_eq!((&message["encoding"], &message["aud"]), (&json!("aes128gcm"), &json!(browser.origin)));
    assert_eq!(message["sub"], kit.base);
    assert!((1_700..=1_800).contains(&message["ttl"].as_i64().unwrap()));
    let key = provider.client.get("/endpoints/push_key").await.data();
    assert_eq!(message["key"], key["key"], "signed by the key that pages subscribe with");
    assert!(!message["cipher"].as_str().unwrap().contains("patient"));
    kit.told().await;
    let left = provider.client.get("/endpoints").await.data();
    assert_eq!(left.as_array().unwrap().len(), 1, "the ended one is gone: {left}");
    let log = kit.admin().get("/notifications/sent?state=bounced").await.data();
    assert_eq!((&log[0]["channel"], &log[0]["reason"]), (&json!("push"), &json!("push_gone")));
    // An admin's own browser tries the way.
    let tried = kit.admin().post("/notifications/test", json!({ "channel": "push" })).await;
    tried.refused(400, "invalid_field");
}

#[tokio::test]
async fn a_subscription_never_leads_into_the_house() {
    let Some(browser) = Browser::start().await else { return };
    let kit = Kit::start().await;
    kit.room("main").await;
    let provider = kit.provider("d-1", &["main"]).await;
    provider.client.post("/endpoints", browser.subscription("/one")).await.ok();
    kit.patient("maria").await.walk_in("main").await;
    kit.told().await;
    let log = kit.admin().get("/notifications/sent").await.data();
    assert_eq!((&log[0]["state"], &log[0]["reason"]), (&json!("bounced"), &json!("push_gone")));
}

#[tokio::test]
async fn a_guardian_who_leaves_is_told_in_their_own_browser() {
    let Some(mut browser) = Browser::start().await else { return };
    let kit = Kit::with(&[("push.allow_private", "true")]).await;
    kit.room("main").await;
    let doctor = kit.provider("d-1", &["main"]).await;
    let admin = kit.admin();
    admin.post("/endpoints", browser.subscription("/admin")).await.ok();
    let tried = admin.post("/notifications/test", json!({ "channel": "push" })).await.data();
    assert_eq!(tried["works"], true, "{tried}");
    browser.line().await;
    let maria = kit.patient("maria").await;
    let child =
        json!({ "first_name": "Ana", "last_name": "Santos", "dob": "2020-02-29", "relation": "child" });
    let ana = maria.client.post("/users/-/dependants", child).await.data();
    maria.client.post("/endpoints", browser.subscription("/maria")).await.ok();

    // Brought by the guardian, and by the clinic for the child.
    for caller in [&maria.client, &admin] {
        let papers =
            json!({ "member_id": ana["id"], "room_code": "main", "type": 1, "reason_for_visit": "rash" });
        let intake = caller.post("/intakes", papers).await.data();
        let walk = json!({ "intake_id": intake["id"], "room_code": "main", "member_id": ana["id"] });
        let visit = caller.post("/visits/add_walkin", walk).await.data();
        let path = format!("/visits/{}/leave_and_call", visit["id"].as_str().unwrap());
        let offered = maria.client.get(&path).await.data();
        assert!(offered["channels"].as_array().unwrap().contains(&json!("push")), "{offered}");
        let left = maria.client.post(&path, json!({ "channel": "push" })).await.data();
        assert_eq!(left["presence"]["called_by"], "push");
        let path = format!("/visits/{}/accept", visit["id"].as_str().unwrap());
        doctor.client.post(&path, json!({})).await.ok();
        // Perhaps told first that she is next; in the end that it is her turn.
        let told = loop {
            let message = browser.line().await;
            let plain: Value = serde_json::from_str(message["plain"].as_str().unwrap()).unwrap();
            if plain["tag"] == "ready" {
                break plain;
            }
        };
        assert_eq!(told["body"], "Your provider is ready for you now.");
        let path = format!("/visits/{}/complete", visit["id"].as_str().unwrap());
        doctor.client.post(&path, json!({})).await.ok();
    }
    // Nobody's browser: said before anybody closes their page.
    let tom = kit.patient("tom").await;
    let visit = tom.walk_in("main").await;
    let path = format!("/visits/{}/leave_and_call", visit.id);
    let refused = tom.client.post(&path, json!({ "channel": "push" })).await.refused(400, "invalid_field");
    assert!(refused["fields"]["channel"].is_string(), "{refused}");
}
