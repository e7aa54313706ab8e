//! How calls were: told by pages and by the media node, kept with the visit,
//! shown to those who look after calls.

use bedside_app::call_quality;
use bedside_media::{Device, Path, PeerQuality};
use bedside_tests::kit::{Kit, Person, Stream, Visit};
use serde_json::{Value, json};

use crate::python_sdk::{python, they_meet};

struct Call {
    kit: Kit,
    patient: Person,
    provider: Person,
    visit: Visit,
}

impl Call {
    async fn new() -> Self {
        let kit = Kit::start().await;
        let room = kit.room("main").await;
        let (patient, provider) = (kit.patient("p-1").await, kit.provider("d-1", &[&room]).await);
        let visit = patient.walk_in(&room).await;
        provider.act(&visit, "accept").await.ok();
        Self { kit, patient, provider, visit }
    }

    fn path(&self) -> String {
        format!("/visits/{}/call/quality", self.visit.id)
    }

    async fn told(&self) -> Value {
        self.provider.client.get(&self.path()).await.data()
    }

    /// The media node tells of the patient's connection.
    async fn measured(&self, sid: &str, over: bool) {
        let told = PeerQuality {
            identity: format!("user-{}", self.patient.id),
            sid: sid.to_owned(),
            over,
            joined_ms: 1_700_000_000_000,
            connect_ms: Some(400),
            first_packet_ms: Some(450),
            first_picture_ms: Some(500),
            packets_to: 1000,
            lost_to: 20,
            packets_from: 900,
            lost_from: 100,
            freezes: 3,
            frozen_ms: 2_500,
            rtt_ms: Some(42),
            path: Some(Path::Relay),
            device: Device {
                sdk: "js".to_owned(),
                browser: "Chrome".to_owned(),
                browser_version: "126.0.1".to_owned(),
                os: "Windows".to_owned(),
                ..Device::default()
            },
            ..PeerQuality::default()
        };
        let meeting = self.visit.body["meeting"]["meeting_id"].as_str().unwrap();
        call_quality::measured(&self.kit.app, meeting, self.kit.app.clock.now(), told).await.unwrap();
    }
}

#[tokio::test]
async fn page_and_node_each_tell_what_they_know_best() {
    let call = Call::new().await;
    call.measured("PA_one", false).await;
    let node = call.told().await;
    let row = &node[0];
    assert_eq!(row["user_id"], call.patient.id);
    assert_eq!((&row["part"], &row["path"]), (&json!("patient"), &json!("relay")));
    assert_eq!((&row["loss_down_ppm"], &row["loss_up_ppm"]), (&json!(20_000), &json!(100_000)));
    assert_eq!((&row["first_frame_ms"], &row["freezes"]), (&json!(500), &json!(3)));
    assert_eq!((&row["device"], &row["end"]), (&json!("Chrome 126 on Windows"), &Value::Null));

    // What was on the screen only the page knows; what the wire lost, the node.
    let said = json!({ "sid": "PA_one", "join_ms": 640, "first_frame_ms": 910, "freezes": 1, "frozen_ms": 800,
        "jitter_ms": 7, "reconnects": 2, "loss_down_ppm": 5, "rtt_ms": 1, "path": "udp", "device": "Edge 126 on Windows" });
    call.patient.client.post(&call.path(), said).await.ok();
    call.measured("PA_one", true).await;
    let row = &call.told().await[0];
    for (name, value) in [
        ("join_ms", json!(640)),
        ("first_packet_ms", json!(450)),
        ("first_frame_ms", json!(910)),
        ("freezes", json!(1)),
        ("frozen_ms", json!(800)),
        ("jitter_ms", json!(7)),
        ("reconnects", json!(2)),
        ("loss_down_ppm", json!(20_000)),
        ("rtt_ms", json!(42)),
        ("path", json!("relay")),
        ("device", json!("Edge 126 on Windows")),
        ("start", json!(1_700_000_000)),
    ] {
        assert_eq!(row[name], value, "{name}: {row}");
    }
    assert!(row["end"].is_i64(), "{row}");
    assert_eq!(call.told().await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_page_is_not_believed_beyond_its_bounds() {
    let call = Call::new().await;
    let page = &call.patient.client;
    let wild = json!({ "sid": "PA_wild", "first_frame_ms": i64::MAX, "loss_up_ppm": -4, "freezes": "9999999999",
        "device": "<img src=x onerror=alert(1)> maria@example.org" });
    page.post(&call.path(), wild).await.ok();
    let row = call.told().await[0].clone();
    assert_eq!((&row["first_frame_ms"], &row["loss_up_ppm"]), (&json!(86_400_000), &json!(0)));
    assert_eq!(row["freezes"], 100_000);
    assert!(!row["device"].as_str().unwrap().contains(['<', '>', '@', '=']), "{row}");
    for bad in ["", "x", "PA one", &"P".repeat(41)] {
        let refused = page.post(&call.path(), json!({ "sid": bad })).await.refused(400, "invalid_field");
        assert!(refused["fields"]["sid"].is_string(), "{bad}: {refused}");
    }
    page.post(&call.path(), json!({ "sid": "PA_x1", "path": "pigeon" })).await.refused(400, "invalid_field");
    for n in 1..50 {
        page.post(&call.path(), json!({ "sid": format!("PA_{n:04}") })).await.ok();
    }
    page.post(&call.path(), json!({ "sid": "PA_last" })).await.refused(400, "too_many_connections");
    // What is known already may still be told anew.
    page.post(&call.path(), json!({ "sid": "PA_0001", "over": 1 })).await.ok();
    assert_eq!(call.told().await.as_array().unwrap().len(), 50);
}

#[tokio::test]
async fn those_who_look_after_calls_hear_of_it_and_patients_do_not() {
    let call = Call::new().await;
    let mut desk = Stream::open(&call.provider.client).await;
    let mut page = Stream::open(&call.patient.client).await;
    call.measured("PA_one", false).await;
    call.measured("PA_one", true).await;
    let heard = desk.next_of("call.quality").await;
    assert_eq!(
        (&heard.data["visit_id"], &heard.data["data"]["peer_id"]),
        (&json!(call.visit.id), &json!(call.patient.id))
    );
    call.provider.act(&call.visit, "complete").await.ok();
    // The page hears that the visit ended, and nothing of connections before.
    loop {
        let frame = page.next().await;
        assert_ne!(frame.event, "call.quality");
        if frame.event == "visit.ended" {
            break;
        }
    }
    // Once: the report in between was none.
    let log = call.kit.admin().get("/events?limit=1000").await.ok().json();
    let told = log["data"].as_array().unwrap().iter().filter(|event| event["type"] == "call.quality").count();
    assert_eq!(told, 1);
    // The last word of a page comes after the visit, and counts.
    call.patient.client.post(&call.path(), json!({ "sid": "PA_one", "over": 1, "freezes": 0 })).await.ok();
    assert_eq!(call.kit.admin().get(&call.path()).await.data()[0]["freezes"], 0);
}

#[tokio::test]
async fn the_metrics_count_connections_without_saying_whose() {
    let call = Call::new().await;
    call.measured("PA_one", false).await;
    call.measured("PA_one", true).await;
    let page = call.kit.anonymous().get("//metrics").await.ok().text;
    for line in [
        r#"bedside_call_connections_total{path="relay"} 1"#,
        r#"bedside_call_connections_total{path="udp"} 0"#,
        "bedside_call_freezes_total 3",
        "bedside_call_join_seconds_count 1",
        r#"bedside_call_join_seconds_bucket{le="0.5"} 1"#,
        r#"bedside_call_loss_up_ratio_bucket{le="0.03"} 0"#,
        r#"bedside_call_loss_up_ratio_bucket{le="0.1"} 1"#,
    ] {
        assert!(page.lines().any(|found| found == line), "{line}\n{page}");
    }
    assert!(!page.contains("PA_one"), "{page}");
}

#[tokio::test]
async fn what_the_node_measures_of_real_peers_is_kept() {
    let Some(python) = python() else {
        eprintln!("skipped: no Python environment; `cargo xtask test` makes one");
        return;
    };
    let call = Call::new().await;
    let passes = [
        call.patient.act(&call.visit, "call").await.data(),
        call.provider.act(&call.visit, "call").await.data(),
    ];
    they_meet(&python, &passes).await;
    let mut desk = Stream::after(&call.provider.client, Some(0)).await;
    desk.next_of("call.quality").await;
    desk.next_of("call.quality").await;
    let rows = call.told().await;
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 2, "{rows:?}");
    for row in rows {
        assert_eq!(row["path"], "udp", "{row}");
        assert!(row["join_ms"].as_i64().is_some_and(|ms| ms < 10_000), "{row}");
        assert!(row["first_frame_ms"].as_i64().is_some_and(|ms| ms < 15_000), "{row}");
        assert!(row["loss_up_ppm"].as_i64().is_some_and(|ppm| ppm < 50_000), "{row}");
        assert!(row["device"].as_str().is_some_and(|device| !device.is_empty()), "{row}");
        assert!(row["end"].as_i64() >= row["start"].as_i64(), "{row}");
    }
}
